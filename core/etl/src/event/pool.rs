//! Pool events (kernel group 0x0E): allocations, frees, and the pool rundown.
//!
//! Payload of allocations and frees (hooks 0x0E20-0x0E23, version 2), with pointers of the writer's size:
//!
//! | offset, 64-bit (32-bit) | type | field |
//! | --- | --- | --- |
//! | 0 | u32 | `PoolType`: bit 0 paged, bit 5 session, bit 9 non-executable |
//! | 4 | u32 | tag; bit 31 marks protected pool |
//! | 8 | pointer | size in bytes |
//! | 16 (12) | pointer | address |
//! | 24 (16) | u32 | session, in the session variants only |
//!
//! Frees have the same fields as allocations. The size is the kernel's accounting size (with pool header and rounding
//! for small allocations), the one that poolmon counts, not the size that the caller asked for. The kernel logs these
//! events with a system header, which has thread and process; other header types are accepted.
//!
//! Sources: phnt `ntwmi.h`; the MOF-derived manifest in dissect.etl (version 2); type dumps of the symbol files of four
//! Windows versions. A public report of a relogged trace has 24-byte payloads with opcodes 32 and 34. No original
//! kernel file with pool events was measured.
//!
//! Pool rundown (hooks 0x0E28-0x0E2F): a count of entries, in session variants the session, then the entries without
//! alignment. An entry is a `SYSTEM_POOLTAG` or `SYSTEM_BIGPOOL_ENTRY` of phnt `ntexapi.h`. The layout is
//! **unconfirmed**: a payload whose length is not exactly that of its entries is not decoded.

use poolscope_base::bytes::{pointer_at, u32_at, u64_triple};

/// Pool allocation or free.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolEvent {
    /// `PoolType` bits as recorded.
    pub pool_type: u32,
    /// Tag in the order in which it is displayed, without the "protected" bit.
    pub tag: [u8; 4],
    /// Accounting size in bytes.
    pub size: u64,
    /// Address of the allocation. An allocation and its free have the same.
    pub address: u64,
    /// Session, for session pool.
    pub session: Option<u32>,
}

/// Largest plausible size of an allocation: no address space is larger. A size above it comes from a damaged record.
const MAX_ALLOCATION_BYTES: u64 = 1 << 48;

impl PoolEvent {
    /// Decodes an allocation or a free. `None` if the payload is too short or the size is impossible.
    #[inline]
    #[must_use]
    pub fn decode(payload: &[u8], pointer_size: u8, has_session: bool) -> Option<Self> {
        if let (Ok(payload), false) = (payload.try_into(), has_session) {
            return Self::decode_common(payload);
        }
        // A 32-bit program that relogs a 64-bit trace marks its records as 32-bit; the length tells the true pointer
        // size.
        let pointer_size = match (payload.len(), has_session) {
            (28, true) => 8,
            (16, false) | (20, true) => 4,
            _ => pointer_size,
        };
        let p = usize::from(pointer_size);
        let size = pointer_at(payload, 8, pointer_size)?;
        if size > MAX_ALLOCATION_BYTES {
            return None;
        }
        Some(Self {
            pool_type: u32_at(payload, 0)?,
            tag: tag_bytes(u32_at(payload, 4)?),
            size,
            address: pointer_at(payload, 8 + p, pointer_size)?,
            session: if has_session { Some(u32_at(payload, 8 + 2 * p)?) } else { None },
        })
    }

    /// Decodes the payload that nearly all events have: eight-byte pointers and no session.
    #[inline(always)]
    fn decode_common(payload: &[u8; 24]) -> Option<Self> {
        let [first, size, address] = u64_triple(payload);
        let (pool_type, tag) = (first as u32, tag_bytes((first >> 32) as u32));
        (size <= MAX_ALLOCATION_BYTES).then_some(Self { pool_type, tag, size, address, session: None })
    }

    /// Returns `true` for paged pool.
    #[must_use]
    pub const fn is_paged(&self) -> bool {
        self.pool_type & 1 != 0
    }
}

/// Converts a recorded tag to its bytes in display order and clears the "protected" bit.
#[inline]
const fn tag_bytes(raw: u32) -> [u8; 4] {
    (raw & 0x7fff_ffff).to_le_bytes()
}

/// Pool rundown by tag: one record of it, with at most 100 entries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PoolTagRundown {
    /// Session, for session pool.
    pub session: Option<u32>,
    /// Counters of each tag.
    pub tags: Vec<PoolTagUsage>,
}

/// Counters of one tag in a pool rundown, since the start of the system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolTagUsage {
    /// Tag in the order in which it is displayed.
    pub tag: [u8; 4],
    /// Allocations, frees and outstanding bytes of paged pool.
    pub paged: (u32, u32, u64),
    /// Allocations, frees and outstanding bytes of nonpaged pool.
    pub is_nonpaged: (u32, u32, u64),
}

impl PoolTagRundown {
    /// Decodes a record of the rundown. `None` unless the length is exactly that of the entries, of either pointer
    /// size.
    #[must_use]
    pub fn decode(payload: &[u8], pointer_size: u8, has_session: bool) -> Option<Self> {
        decode_relogged(pointer_size, |p| Self::decode_as(payload, p, has_session))
    }

    fn decode_as(payload: &[u8], pointer_size: u8, has_session: bool) -> Option<Self> {
        // Entry size, and offsets of the paged bytes, the nonpaged counts and the nonpaged bytes.
        let (entry, paged_bytes, counts, bytes) = if pointer_size == 8 { (40, 16, 24, 32) } else { (28, 12, 16, 24) };
        let (session, entries) = rundown_entries(payload, entry, has_session)?;
        let decode = |e: &[u8]| {
            Some(PoolTagUsage {
                tag: tag_bytes(u32_at(e, 0)?),
                paged: (u32_at(e, 4)?, u32_at(e, 8)?, pointer_at(e, paged_bytes, pointer_size)?),
                is_nonpaged: (u32_at(e, counts)?, u32_at(e, counts + 4)?, pointer_at(e, bytes, pointer_size)?),
            })
        };
        Some(Self { session, tags: entries.chunks_exact(entry).map(decode).collect::<Option<_>>()? })
    }
}

/// Pool rundown of big allocations: one record of it, with at most 100 entries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BigPoolRundown {
    /// Session, for session pool.
    pub session: Option<u32>,
    /// The allocations.
    pub entries: Vec<BigPoolEntry>,
}

/// A big allocation in a pool rundown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BigPoolEntry {
    /// Address, without the nonpaged mark in bit 0.
    pub address: u64,
    /// The allocation is in nonpaged pool.
    pub nonpaged: bool,
    /// Size in bytes.
    pub size: u64,
    /// Tag in the order in which it is displayed.
    pub tag: [u8; 4],
}

impl BigPoolRundown {
    /// Decodes a record of the rundown. `None` unless the length is exactly that of the entries, of either pointer
    /// size.
    #[must_use]
    pub fn decode(payload: &[u8], pointer_size: u8, has_session: bool) -> Option<Self> {
        decode_relogged(pointer_size, |p| Self::decode_as(payload, p, has_session))
    }

    fn decode_as(payload: &[u8], pointer_size: u8, has_session: bool) -> Option<Self> {
        let p = usize::from(pointer_size);
        let entry = if pointer_size == 8 { 24 } else { 12 };
        let (session, entries) = rundown_entries(payload, entry, has_session)?;
        let decode = |e: &[u8]| {
            let address = pointer_at(e, 0, pointer_size)?;
            Some(BigPoolEntry {
                address: address & !1,
                nonpaged: address & 1 != 0,
                size: pointer_at(e, p, pointer_size)?,
                tag: tag_bytes(u32_at(e, 2 * p)?),
            })
        };
        Some(Self { session, entries: entries.chunks_exact(entry).map(decode).collect::<Option<_>>()? })
    }
}

/// Decodes with the record's pointer size, else with the other one: a 32-bit program that relogs a 64-bit trace marks
/// its records as 32-bit.
fn decode_relogged<T>(pointer_size: u8, decode: impl Fn(u8) -> Option<T>) -> Option<T> {
    decode(pointer_size).or_else(|| decode(if pointer_size == 8 { 4 } else { 8 }))
}

/// Session and entries of a rundown record, if the payload's length is exactly that of the number of entries.
fn rundown_entries(payload: &[u8], entry: usize, has_session: bool) -> Option<(Option<u32>, &[u8])> {
    let count = u32_at(payload, 0)? as usize;
    let prefix = if has_session { 8 } else { 4 };
    let session = if has_session { Some(u32_at(payload, 4)?) } else { None };
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
        let event = PoolEvent::decode(&wide, 8, true).expect("complete");
        assert_eq!((event.tag, event.size, event.session), (*b"Leak", 5000, Some(3)));
        assert_eq!(PoolEvent::decode(&wide[..24], 8, false).map(|e| e.address), Some(0xffff_8000_0000_1010));
        assert_eq!(PoolEvent::decode(&wide[..24], 8, true), None);
        assert_eq!(PoolEvent::decode(&wide[..16], 4, false).map(|e| (e.size, e.address)), Some((5000, 0)));
        assert_eq!(PoolEvent::decode(&wide[..15], 4, false), None);
        // The length of a relogged payload overrules the record's own pointer size.
        assert_eq!(PoolEvent::decode(&wide[..24], 4, false), PoolEvent::decode(&wide[..24], 8, false));
    }

    #[test]
    fn rundowns_must_have_exactly_their_length() {
        let mut payload = 1_u32.to_le_bytes().to_vec();
        payload.extend(b"Leak");
        payload.extend([1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
        payload.extend(3_u64.to_le_bytes());
        payload.extend([4, 0, 0, 0, 5, 0, 0, 0]);
        payload.extend(6_u64.to_le_bytes());
        assert_eq!(payload.len(), 44);
        // Layout of 64-bit systems: tag, two counts, bytes at 16, two counts at 24, bytes at 32.
        let tags = PoolTagRundown::decode(&payload, 8, false).expect("fits").tags;
        assert_eq!((tags[0].paged, tags[0].is_nonpaged), ((1, 2, 3), (4, 5, 6)));
        payload.push(0);
        assert_eq!(PoolTagRundown::decode(&payload, 8, false), None);
        let mut small = 1_u32.to_le_bytes().to_vec();
        small.extend(b"Leak");
        [1_u32, 2, 3, 4, 5, 6].iter().for_each(|n| small.extend(n.to_le_bytes()));
        let tags = PoolTagRundown::decode(&small, 4, false).expect("fits").tags;
        assert_eq!((tags[0].paged, tags[0].is_nonpaged), ((1, 2, 3), (4, 5, 6)));
    }

    #[test]
    fn bit_zero_of_a_big_allocation_tells_its_pool() {
        let mut payload = 1_u32.to_le_bytes().to_vec();
        payload.extend(7_u32.to_le_bytes());
        payload.extend(0xffff_9000_0000_0001_u64.to_le_bytes());
        payload.extend(8192_u64.to_le_bytes());
        payload.extend(b"Big \0\0\0\0");
        let rundown = BigPoolRundown::decode(&payload, 8, true).expect("fits");
        assert_eq!(rundown.session, Some(7));
        // A 32-bit record with a 64-bit payload is the same.
        assert_eq!(BigPoolRundown::decode(&payload, 4, true).as_ref(), Some(&rundown));
        let entry = rundown.entries[0];
        assert_eq!((entry.address, entry.nonpaged, entry.size), (0xffff_9000_0000_0000, true, 8192));
    }
}
