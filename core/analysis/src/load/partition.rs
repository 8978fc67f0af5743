//! Pool events by address: each shard's events are cut into partitions by a hash of the address, so that pairing works
//! on pieces that fit a processor's cache, side by side. All events of one address are in one partition, in file order.

use super::shard::{EventColumns, Shard};
use crate::trace::time::Ticks;

/// A pool event as pairing sees it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub address: u64,
    pub time: Ticks,
    /// Low half of the size: enough to see that an allocation and a free disagree.
    pub size: u32,
    pub context: u32,
    pub stack: u32,
    /// Row in its shard's columns; [`FREE`] is set on frees.
    pub row: u32,
}
const _: () = assert!(size_of::<Entry>() == 32);

/// Marks a free.
pub const FREE: u32 = 1 << 31;

/// One shard's events, partition by partition.
#[derive(Debug, Default)]
pub struct Partitioned {
    entries: Vec<Entry>,
    /// Start of each partition, and the end of the last.
    starts: Vec<u32>,
}

impl Partitioned {
    /// The events of one partition, in file order.
    pub fn part(&self, partition: usize) -> &[Entry] {
        let bound = |at: usize| self.starts.get(at).copied().unwrap_or(0) as usize;
        self.entries.get(bound(partition)..bound(partition + 1)).unwrap_or_default()
    }
}

/// Number of bits of the hash that choose a partition: about 16,000 events in each.
pub fn partition_bits(events: usize) -> u32 {
    (events / 16_384).max(1).ilog2().min(12)
}

/// Spreads addresses: blocks lie 16 bytes apart, so that their low bits say nothing.
#[inline]
pub fn hash(address: u64) -> u64 {
    (address ^ (address >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[inline]
fn partition_of(address: u64, bits: u32) -> usize {
    // A shift by 64 is none: with no bits there is one partition.
    hash(address).checked_shr(64 - bits).unwrap_or(0) as usize
}

/// Cuts a shard's events; takes from the frees all but their sizes, since nothing needs the rest afterwards.
pub fn partition(shard: &mut Shard, bits: u32) -> Partitioned {
    let mut starts = vec![0_u32; (1 << bits) + 1];
    for &address in shard.allocs.address.iter().chain(&shard.frees.address) {
        starts[partition_of(address, bits) + 1] += 1;
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += *start;
        *start = sum;
    }
    let mut next: Vec<u32> = starts.clone();
    let blank = Entry { address: 0, time: Ticks(0), size: 0, context: 0, stack: 0, row: 0 };
    let mut entries = vec![blank; shard.allocs.len() + shard.frees.len()];
    let (mut alloc, mut free) = (0, 0);
    for &is_free in &shard.directions {
        let (columns, row, mark) =
            if is_free { (&shard.frees, &mut free, FREE) } else { (&shard.allocs, &mut alloc, 0) };
        let at = *row as usize;
        let address = columns.address[at];
        let place = &mut next[partition_of(address, bits)];
        entries[*place as usize] = Entry {
            address,
            time: columns.time[at],
            size: columns.size[at] as u32,
            context: columns.context[at],
            stack: columns.stack.get(at).copied().unwrap_or(0),
            row: *row | mark,
        };
        *place += 1;
        *row += 1;
    }
    shard.directions = Vec::new();
    let sizes = std::mem::take(&mut shard.frees.size);
    shard.frees = EventColumns { size: sizes, ..EventColumns::default() };
    Partitioned { entries, starts }
}
