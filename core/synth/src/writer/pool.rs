//! Payloads of pool events and pool rundown records. Values are not checked.

use super::{Sink, Width};

/// Block allocated.
pub const HOOK_ALLOC: u16 = 0x0E20;
/// Block of a session pool allocated.
pub const HOOK_ALLOC_SESSION: u16 = 0x0E21;
/// Block freed.
pub const HOOK_FREE: u16 = 0x0E22;
/// Block of a session pool freed.
pub const HOOK_FREE_SESSION: u16 = 0x0E23;
/// Tag counters at the start.
pub const HOOK_TAGS_START: u16 = 0x0E28;
/// Big blocks at the start.
pub const HOOK_BIG_START: u16 = 0x0E2A;
/// Offset from a rundown hook to its session variant.
pub const SESSION_SNAPSHOT_STEP: u16 = 4;
/// Maximum number of entries of a rundown record.
pub const SNAPSHOT_ENTRIES: usize = 100;

/// A block as in an allocation or free event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolBlock {
    /// PoolType bits.
    pub pool_type: u32,
    /// Tag in memory order.
    pub tag: [u8; 4],
    /// Accounting size in bytes.
    pub size: u64,
    /// Address.
    pub address: u64,
    /// Session, for the session hooks.
    pub session: Option<u32>,
}

/// Payload of an allocation or a free.
pub fn block(out: &mut Vec<u8>, width: Width, block: &PoolBlock) {
    out.u32(block.pool_type);
    out.extend_from_slice(&block.tag);
    out.ptr(width, block.size);
    out.ptr(width, block.address);
    if let Some(session) = block.session {
        out.u32(session);
    }
}

/// Counters of one tag.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TagCounters {
    /// Tag in memory order.
    pub tag: [u8; 4],
    /// Paged allocations, modulo 2^32.
    pub paged_allocs: u32,
    /// Paged frees, modulo 2^32.
    pub paged_frees: u32,
    /// Paged bytes in use.
    pub paged_used: u64,
    /// Nonpaged allocations, modulo 2^32.
    pub nonpaged_allocs: u32,
    /// Nonpaged frees, modulo 2^32.
    pub nonpaged_frees: u32,
    /// Nonpaged bytes in use.
    pub nonpaged_used: u64,
}

/// Payload of a tag rundown record; with a session for the session hooks.
pub fn tag_snapshot(out: &mut Vec<u8>, width: Width, session: Option<u32>, entries: &[TagCounters]) {
    prefix(out, session, entries.len());
    for entry in entries {
        out.extend_from_slice(&entry.tag);
        out.u32(entry.paged_allocs);
        out.u32(entry.paged_frees);
        if width == Width::Bits64 {
            out.u32(0);
        }
        out.ptr(width, entry.paged_used);
        out.u32(entry.nonpaged_allocs);
        out.u32(entry.nonpaged_frees);
        out.ptr(width, entry.nonpaged_used);
    }
}

/// A big block, with its own pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BigBlock {
    /// Address.
    pub address: u64,
    /// Nonpaged (bit 0 of the address in the file).
    pub nonpaged: bool,
    /// Bytes.
    pub size: u64,
    /// Tag in memory order.
    pub tag: [u8; 4],
}

/// Payload of a big-pool rundown record; with a session for the session hooks.
pub fn big_snapshot(out: &mut Vec<u8>, width: Width, session: Option<u32>, entries: &[BigBlock]) {
    prefix(out, session, entries.len());
    for entry in entries {
        out.ptr(width, entry.address | u64::from(entry.nonpaged));
        out.ptr(width, entry.size);
        out.extend_from_slice(&entry.tag);
        if width == Width::Bits64 {
            out.u32(0);
        }
    }
}

fn prefix(out: &mut Vec<u8>, session: Option<u32>, count: usize) {
    out.u32(count as u32);
    if let Some(session) = session {
        out.u32(session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_follow_the_pointer_size() {
        let sizes = |width| {
            let mut lengths = Vec::new();
            let mut block_of = PoolBlock { pool_type: 512, tag: *b"Leak", size: 64, address: 0x1000, session: None };
            for session in [None, Some(1)] {
                block_of.session = session;
                let mut out = Vec::new();
                block(&mut out, width, &block_of);
                lengths.push(out.len());
                let mut out = Vec::new();
                tag_snapshot(&mut out, width, session, &[TagCounters::default(); 3]);
                lengths.push(out.len());
                let big = BigBlock { address: 0x1000, nonpaged: true, size: 1, tag: *b"Leak" };
                let mut out = Vec::new();
                big_snapshot(&mut out, width, session, &[big; 2]);
                lengths.push(out.len());
            }
            lengths
        };
        assert_eq!(sizes(Width::Bits64), [24, 124, 52, 28, 128, 56]);
        assert_eq!(sizes(Width::Bits32), [16, 88, 28, 20, 92, 32]);
    }

    #[test]
    fn fields_stand_where_the_format_says() {
        let mut out = Vec::new();
        let block_of =
            PoolBlock { pool_type: 0x201, tag: *b"Leak", size: 0x40, address: 0xFFFF_8000_0000_0010, session: None };
        block(&mut out, Width::Bits64, &block_of);
        let expected =
            [1, 2, 0, 0, b'L', b'e', b'a', b'k', 0x40, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0x80, 0xFF, 0xFF];
        assert_eq!(out, expected);
        let mut out = Vec::new();
        big_snapshot(
            &mut out,
            Width::Bits64,
            None,
            &[BigBlock { address: 0x2000, nonpaged: true, size: 9, tag: *b"Leak" }],
        );
        assert_eq!(out[..5], [1, 0, 0, 0, 1]);
        assert_eq!(out[20..24], *b"Leak");
    }
}
