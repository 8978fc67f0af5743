//! Pool events and snapshots (etl-format 4). Sizes are the kernel's accounting sizes; nothing here corrects them.

use poolscope_base::bytes::read::{pointer_at, u32_at};

/// A pool allocation or free.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolEvent {
    /// Pool type bits as recorded.
    pub pool_type: u32,
    /// Tag bytes in display order, the "protected" bit removed.
    pub tag: [u8; 4],
    /// Bytes.
    pub size: u64,
    /// Address of the block.
    pub address: u64,
    /// Session, for session pool.
    pub session: Option<u32>,
}

/// No address space holds a larger block: a size beyond this comes from a damaged record.
pub const MAX_BLOCK_BYTES: u64 = 1 << 48;

/// Tag as recorded to tag as shown: bit 31 marks a protected block (etl-format 4.3).
#[inline]
#[must_use]
pub const fn tag_bytes(raw: u32) -> [u8; 4] {
    (raw & 0x7fff_ffff).to_le_bytes()
}

/// Decodes the payload of 0x0E20-0x0E23 (etl-format 4.3). `None` if it is too short or the size is impossible.
#[inline]
#[must_use]
pub fn pool_event(payload: &[u8], pointer_size: u8, with_session: bool) -> Option<PoolEvent> {
    // A 32-bit program that relogs a 64-bit trace marks its records as 32-bit; the length tells what they hold.
    let pointer_size = match (payload.len(), with_session) {
        (24, false) | (28, true) => 8,
        (16, false) | (20, true) => 4,
        _ => pointer_size,
    };
    let p = usize::from(pointer_size);
    let size = pointer_at(payload, 8, pointer_size)?;
    if size > MAX_BLOCK_BYTES {
        return None;
    }
    Some(PoolEvent {
        pool_type: u32_at(payload, 0)?,
        tag: tag_bytes(u32_at(payload, 4)?),
        size,
        address: pointer_at(payload, 8 + p, pointer_size)?,
        session: if with_session { Some(u32_at(payload, 8 + 2 * p)?) } else { None },
    })
}

/// Counters of one tag in a pool tag snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TagCounters {
    /// Tag bytes in display order.
    pub tag: [u8; 4],
    /// Allocations, frees, bytes in use: paged pool.
    pub paged: (u32, u32, u64),
    /// Allocations, frees, bytes in use: nonpaged pool.
    pub nonpaged: (u32, u32, u64),
}

/// Decodes a pool tag snapshot (etl-format 4.5): session and entries. `None` unless the length is exactly that of the
/// number of entries, since the layout is not confirmed by a real file.
#[must_use]
pub fn tag_snapshot(payload: &[u8], pointer_size: u8, with_session: bool) -> Option<(Option<u32>, Vec<TagCounters>)> {
    // Offsets of the paged bytes, the nonpaged counts and the nonpaged bytes.
    let (entry, paged_bytes, counts, bytes) = if pointer_size == 8 { (40, 16, 24, 32) } else { (28, 12, 16, 24) };
    let (session, entries) = snapshot_entries(payload, entry, with_session)?;
    let decode = |e: &[u8]| {
        Some(TagCounters {
            tag: tag_bytes(u32_at(e, 0)?),
            paged: (u32_at(e, 4)?, u32_at(e, 8)?, pointer_at(e, paged_bytes, pointer_size)?),
            nonpaged: (u32_at(e, counts)?, u32_at(e, counts + 4)?, pointer_at(e, bytes, pointer_size)?),
        })
    };
    Some((session, entries.chunks_exact(entry).map(decode).collect::<Option<Vec<_>>>()?))
}

/// One block of a big-pool snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BigPoolEntry {
    /// Address, the nonpaged mark removed.
    pub address: u64,
    /// Nonpaged pool.
    pub nonpaged: bool,
    /// Bytes.
    pub size: u64,
    /// Tag bytes in display order.
    pub tag: [u8; 4],
}

/// Decodes a big-pool snapshot (etl-format 4.5), like [`tag_snapshot`].
#[must_use]
pub fn big_snapshot(payload: &[u8], pointer_size: u8, with_session: bool) -> Option<(Option<u32>, Vec<BigPoolEntry>)> {
    let p = usize::from(pointer_size);
    let entry = if pointer_size == 8 { 24 } else { 12 };
    let (session, entries) = snapshot_entries(payload, entry, with_session)?;
    let decode = |e: &[u8]| {
        let address = pointer_at(e, 0, pointer_size)?;
        Some(BigPoolEntry {
            address: address & !1,
            nonpaged: address & 1 != 0,
            size: pointer_at(e, p, pointer_size)?,
            tag: tag_bytes(u32_at(e, 2 * p)?),
        })
    };
    Some((session, entries.chunks_exact(entry).map(decode).collect::<Option<Vec<_>>>()?))
}

/// Count and session in front of a snapshot's entries, checked against the payload's length.
fn snapshot_entries(payload: &[u8], entry: usize, with_session: bool) -> Option<(Option<u32>, &[u8])> {
    let count = u32_at(payload, 0)? as usize;
    let prefix = if with_session { 8 } else { 4 };
    let session = if with_session { Some(u32_at(payload, 4)?) } else { None };
    let entries = payload.get(prefix..)?;
    (count.checked_mul(entry)? == entries.len()).then_some((session, entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_both_pointer_sizes() {
        let mut wide = Vec::new();
        wide.extend(0x201_u32.to_le_bytes());
        wide.extend(b"Lea\xeb");
        wide.extend(5000_u64.to_le_bytes());
        wide.extend(0xffff_8000_0000_1010_u64.to_le_bytes());
        wide.extend(3_u32.to_le_bytes());
        let event = pool_event(&wide, 8, true).expect("complete");
        assert_eq!((event.tag, event.size, event.session), (*b"Leak", 5000, Some(3)));
        assert_eq!(pool_event(&wide[..24], 8, false).map(|e| e.address), Some(0xffff_8000_0000_1010));
        assert_eq!(pool_event(&wide[..24], 8, true), None);
        assert_eq!(pool_event(&wide[..16], 4, false).map(|e| (e.size, e.address)), Some((5000, 0)));
        assert_eq!(pool_event(&wide[..15], 4, false), None);
        // The length of a relogged payload overrules the record's own bitness.
        assert_eq!(pool_event(&wide[..24], 4, false), pool_event(&wide[..24], 8, false));
    }

    #[test]
    fn snapshots_must_have_exactly_their_length() {
        let mut payload = 1_u32.to_le_bytes().to_vec();
        payload.extend(b"Leak");
        payload.extend([1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
        payload.extend(3_u64.to_le_bytes());
        payload.extend([4, 0, 0, 0, 5, 0, 0, 0]);
        payload.extend(6_u64.to_le_bytes());
        assert_eq!(payload.len(), 44);
        // Layout of 64-bit systems: tag, two counts, bytes at 16, two counts at 24, bytes at 32.
        let (_, tags) = tag_snapshot(&payload, 8, false).expect("fits");
        assert_eq!((tags[0].paged, tags[0].nonpaged), ((1, 2, 3), (4, 5, 6)));
        payload.push(0);
        assert_eq!(tag_snapshot(&payload, 8, false), None);
        let mut small = 1_u32.to_le_bytes().to_vec();
        small.extend(b"Leak");
        [1_u32, 2, 3, 4, 5, 6].iter().for_each(|n| small.extend(n.to_le_bytes()));
        let (_, tags) = tag_snapshot(&small, 4, false).expect("fits");
        assert_eq!((tags[0].paged, tags[0].nonpaged), ((1, 2, 3), (4, 5, 6)));
    }

    #[test]
    fn big_blocks_carry_their_pool_in_bit_zero() {
        let mut payload = 1_u32.to_le_bytes().to_vec();
        payload.extend(7_u32.to_le_bytes());
        payload.extend(0xffff_9000_0000_0001_u64.to_le_bytes());
        payload.extend(8192_u64.to_le_bytes());
        payload.extend(b"Big \0\0\0\0");
        let (session, blocks) = big_snapshot(&payload, 8, true).expect("fits");
        assert_eq!(session, Some(7));
        assert_eq!((blocks[0].address, blocks[0].nonpaged, blocks[0].size), (0xffff_9000_0000_0000, true, 8192));
    }
}
