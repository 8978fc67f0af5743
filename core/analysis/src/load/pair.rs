//! Pairing of allocations and frees by address and session, in time order. A free ends the allocation before it. An allocation
//! at an address that is still allocated implies a lost free: it ends the earlier allocation. A free of an address that was
//! already freed implies a lost allocation, from the earlier free on. Both are marked as implied and counted. A free without an
//! earlier event ends an allocation from before the trace.
//!
//! Events are first partitioned by a hash of the address, so that each partition fits a processor's cache and partitions are
//! paired in parallel. All events of one address are in one partition, in file order.

use super::shard::{EventColumns, Shard, UNCERTAIN};
use crate::trace::allocation::flag;
use crate::trace::attributes::{AttributesTable, EventAttributes};
use crate::trace::ids::{AttributesId, StackId};
use crate::trace::time::Ticks;
use poolscope_base::progress::{CancelToken, Cancelled};
use poolscope_etl::diagnostics::{DiagnosticKind, Diagnostics};
use rayon::prelude::*;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

/// The ends of all recorded allocations, and the allocations that were not recorded.
#[derive(Debug)]
pub struct PairedEvents {
    /// End of each allocation event, in the order of the shards.
    pub ends: Vec<AllocationEnd>,
    /// Allocations of which only the free was recorded.
    pub unrecorded: Vec<UnrecordedAllocation>,
    /// Data-quality issues of pairing.
    pub diagnostics: Diagnostics,
}

/// Free of one allocation. Workers write different elements of one vector, so each field is an atomic; an element is within one
/// cache line.
#[derive(Debug)]
pub struct AllocationEnd {
    time: AtomicI64,
    attributes: AtomicU32,
    stack: AtomicU32,
}

/// Value of [`AllocationEnd::attributes`] of an implied free. Attributes have lower numbers.
const IMPLIED: u32 = u32::MAX - 1;

impl Default for AllocationEnd {
    fn default() -> Self {
        Self {
            time: AtomicI64::new(Ticks::NEVER.0),
            attributes: AtomicU32::new(AttributesId::NONE.0),
            stack: AtomicU32::new(StackId::EMPTY.0),
        }
    }
}

impl AllocationEnd {
    fn set(&self, time: Ticks, attributes: u32, stack: u32) {
        self.time.store(time.0, Ordering::Relaxed);
        self.attributes.store(attributes, Ordering::Relaxed);
        self.stack.store(stack, Ordering::Relaxed);
    }

    /// Free time; [`Ticks::NEVER`] without a free.
    pub fn time(&self) -> Ticks {
        Ticks(self.time.load(Ordering::Relaxed))
    }

    /// Attributes of the free event; [`AttributesId::NONE`] without one.
    pub fn attributes(&self) -> AttributesId {
        let attributes = self.attributes.load(Ordering::Relaxed);
        if attributes == IMPLIED { AttributesId::NONE } else { AttributesId(attributes) }
    }

    /// Free stack.
    pub fn stack(&self) -> StackId {
        StackId(self.stack.load(Ordering::Relaxed) & !UNCERTAIN)
    }

    /// Flags of the row in the allocation table.
    pub fn flags(&self) -> u8 {
        let implied = if self.attributes.load(Ordering::Relaxed) == IMPLIED { flag::IMPLIED_FREE } else { 0 };
        implied | free_stack_flag(self.stack.load(Ordering::Relaxed))
    }
}

/// Flag of a row with this free stack.
fn free_stack_flag(stack: u32) -> u8 {
    if stack & UNCERTAIN != 0 { flag::UNCERTAIN_FREE_STACK } else { 0 }
}

/// An allocation that was not recorded. All but its allocation time comes from its free.
#[derive(Clone, Copy, Debug)]
pub struct UnrecordedAllocation {
    /// Time of the earlier free of the same address; [`Ticks::UNKNOWN`] without one.
    pub alloc_time: Ticks,
    /// Free time.
    pub free_time: Ticks,
    /// Address.
    pub address: u64,
    /// Size in bytes.
    pub size: u64,
    /// Attributes of the free event.
    pub attributes: AttributesId,
    /// Free stack.
    pub stack: StackId,
    /// Flags of the row in the allocation table.
    pub flags: u8,
}

/// Pairs the events of all shards.
///
/// # Errors
/// Cancelled.
pub fn pair(
    shards: &mut [Shard],
    attributes: &AttributesTable,
    cancel: &CancelToken,
) -> Result<PairedEvents, Cancelled> {
    let allocs: usize = shards.iter().map(|s| s.allocs.len()).sum();
    let frees: usize = shards.iter().map(|s| s.frees.len()).sum();
    let bits = partition_bits(allocs + frees);
    let parts: Vec<PartitionedEvents> = shards
        .par_iter_mut()
        .map(|shard| {
            cancel.check()?;
            Ok(partition(shard, bits))
        })
        .collect::<Result<_, Cancelled>>()?;
    let mut bases = Vec::with_capacity(shards.len());
    let mut base = 0_u32;
    for shard in shards.iter() {
        bases.push(base);
        base += shard.allocs.len() as u32;
    }
    let paired = PairedEvents {
        ends: (0..allocs).into_par_iter().map(|_| AllocationEnd::default()).collect(),
        unrecorded: Vec::new(),
        diagnostics: Diagnostics::default(),
    };
    let input = PairInput { shards, parts: &parts, bases: &bases, attributes, paired: &paired };
    let results: Vec<PartResult> = (0..1_usize << bits)
        .into_par_iter()
        .map_init(Scratch::default, |scratch, part| {
            cancel.check()?;
            Ok(input.pair_part(part, bits, scratch))
        })
        .collect::<Result<_, Cancelled>>()?;
    drop(parts);
    let mut paired = paired;
    for mut result in results {
        paired.unrecorded.append(&mut result.unrecorded);
        paired.diagnostics.merge(&result.diagnostics);
    }
    Ok(paired)
}

/// A pool event of any shard.
#[derive(Clone, Copy)]
struct Event {
    entry: PairEntry,
    shard: u32,
}

impl Event {
    fn is_free(&self) -> bool {
        self.entry.row & FREE != 0
    }
}

/// A worker's memory, reused for each partition.
#[derive(Default)]
struct Scratch {
    events: Vec<Event>,
    /// Hash table of group numbers; `u32::MAX` is an empty slot.
    table: Vec<u32>,
    /// Address and session of each group.
    groups: Vec<(u64, u32)>,
    /// Group number of each event.
    group_of: Vec<u32>,
    /// Start of each group in `order`, and the end of the last one.
    starts: Vec<u32>,
    /// Positions of events by group, in file order.
    order: Vec<u32>,
}

/// Result of one partition, besides the ends of allocations.
#[derive(Default)]
struct PartResult {
    unrecorded: Vec<UnrecordedAllocation>,
    diagnostics: Diagnostics,
}

/// Events of all shards, and the ends of allocations that pairing fills.
struct PairInput<'a> {
    shards: &'a [Shard],
    parts: &'a [PartitionedEvents],
    /// Number of allocation events in the shards before each shard.
    bases: &'a [u32],
    attributes: &'a AttributesTable,
    paired: &'a PairedEvents,
}

impl PairInput<'_> {
    /// Pairs the events of one partition.
    fn pair_part(&self, part: usize, bits: u32, scratch: &mut Scratch) -> PartResult {
        scratch.events.clear();
        for (shard, partitioned) in self.parts.iter().enumerate() {
            let event = |&entry: &PairEntry| Event { entry, shard: shard as u32 };
            scratch.events.extend(partitioned.part(part).iter().map(event));
        }
        group_by_address(scratch, bits, self.attributes);
        let mut result = PartResult::default();
        let Scratch { events, starts, order, .. } = scratch;
        for bounds in starts.windows(2) {
            let members = &mut order[bounds[0] as usize..bounds[1] as usize];
            self.sort_by_time(events, members);
            self.pair_address(events, members, &mut result);
        }
        result
    }

    /// Sorts the events of one address by time; they mostly are in order. If several CPUs have events in one tick, an allocated
    /// address is freed first and a free one allocated first, with the events of each CPU in order (etl-format 4.6).
    fn sort_by_time(&self, events: &[Event], members: &mut [u32]) {
        let time = |m: u32| events[m as usize].entry.time;
        if members.windows(2).all(|pair| time(pair[0]) < time(pair[1])) {
            return;
        }
        members.sort_by_key(|&m| time(m));
        let mut live = false;
        let mut at = 0;
        while at < members.len() {
            let tick = time(members[at]);
            let run = members[at..].iter().take_while(|&&m| time(m) == tick).count();
            let tied = &mut members[at..at + run];
            if run > 1 {
                self.sort_tick(events, tied, live);
            }
            if let Some(&last) = tied.last() {
                live = !events[last as usize].is_free();
            }
            at += run;
        }
    }

    /// Sorts events of one tick; `live` tells whether the address is allocated before them.
    fn sort_tick(&self, events: &[Event], tied: &mut [u32], live: bool) {
        let cpu = |m: u32| self.cpu(&events[m as usize]);
        let mut left: Vec<u32> = tied.to_vec();
        left.sort_by_key(|&m| cpu(m));
        let mut live = live;
        for slot in tied.iter_mut() {
            let mut seen = None;
            let is_head = |&&m: &&u32| {
                let first = seen != Some(cpu(m));
                seen = Some(cpu(m));
                first
            };
            let heads: Vec<u32> = left.iter().filter(is_head).copied().collect();
            let chosen = heads.iter().find(|&&m| events[m as usize].is_free() == live).or(heads.first());
            let Some(&chosen) = chosen else { return };
            left.retain(|&m| m != chosen);
            live = !events[chosen as usize].is_free();
            *slot = chosen;
        }
    }

    /// Pairs the events of one address and session.
    fn pair_address(&self, events: &[Event], members: &[u32], result: &mut PartResult) {
        let mut live: Option<&Event> = None;
        let mut freed: Option<Ticks> = None;
        for &member in members {
            let event = &events[member as usize];
            if !event.is_free() {
                if let Some(earlier) = live.replace(event) {
                    self.end_of(earlier).set(event.entry.time, IMPLIED, StackId::EMPTY.0);
                    result.diagnostics.add(DiagnosticKind::ImpliedFree, 1);
                }
                continue;
            }
            match live.take() {
                Some(alloc) => self.end_allocation(alloc, event, result),
                None => result.unrecorded.push(self.unrecorded_allocation(event, freed, &mut result.diagnostics)),
            }
            freed = Some(event.entry.time);
        }
    }

    /// Ends an allocation by its free.
    fn end_allocation(&self, alloc: &Event, free: &Event, result: &mut PartResult) {
        let (alloc_entry, free_entry) = (&alloc.entry, &free.entry);
        self.end_of(alloc).set(free_entry.time, free_entry.attributes, free_entry.stack);
        let (attributes, before) = (free_entry.attributes, alloc_entry.attributes);
        let tag = |id: u32| self.attributes.get(AttributesId(id)).map(|c| c.tag);
        if free_entry.size != alloc_entry.size || (attributes != before && tag(attributes) != tag(before)) {
            result.diagnostics.add(DiagnosticKind::PairDisagrees, 1);
        }
    }

    /// The allocation that a free without an allocation event ends; `freed` is the time of the earlier free.
    fn unrecorded_allocation(
        &self,
        free: &Event,
        freed: Option<Ticks>,
        diagnostics: &mut Diagnostics,
    ) -> UnrecordedAllocation {
        let entry = &free.entry;
        let sizes = &self.shards[free.shard as usize].frees.size;
        let kind =
            if freed.is_some() { DiagnosticKind::ImpliedAllocation } else { DiagnosticKind::FreeWithoutAllocation };
        diagnostics.add(kind, 1);
        UnrecordedAllocation {
            alloc_time: freed.unwrap_or(Ticks::UNKNOWN),
            free_time: entry.time,
            address: entry.address,
            size: sizes[(entry.row & !FREE) as usize],
            attributes: AttributesId(entry.attributes),
            stack: StackId(entry.stack & !UNCERTAIN),
            flags: free_stack_flag(entry.stack) | if freed.is_some() { flag::IMPLIED_ALLOCATION } else { 0 },
        }
    }

    fn end_of(&self, alloc: &Event) -> &AllocationEnd {
        &self.paired.ends[(self.bases[alloc.shard as usize] + alloc.entry.row) as usize]
    }

    fn cpu(&self, event: &Event) -> u16 {
        self.attributes.get(AttributesId(event.entry.attributes)).map_or(0, |c| c.cpu)
    }
}

/// Groups the events of a partition by address and session, each group in file order.
fn group_by_address(scratch: &mut Scratch, bits: u32, attributes: &AttributesTable) {
    let Scratch { events, table, groups, group_of, starts, order } = scratch;
    let slots = (events.len() * 2).next_power_of_two().max(16);
    table.clear();
    table.resize(slots, u32::MAX);
    groups.clear();
    group_of.clear();
    starts.clear();
    starts.push(0);
    let shift = 64 - slots.ilog2();
    for event in events.iter() {
        // The top bits chose the partition; the next ones choose the slot.
        let session =
            attributes.get(AttributesId(event.entry.attributes)).map_or(EventAttributes::NO_SESSION, |c| c.session);
        let mixed = (hash(event.entry.address) << bits) ^ (u64::from(session.wrapping_add(1)) << 40);
        let mut slot = (mixed >> shift) as usize;
        let key = (event.entry.address, session);
        let number = loop {
            let number = table[slot];
            if number == u32::MAX {
                table[slot] = groups.len() as u32;
                groups.push(key);
                starts.push(0);
                break groups.len() as u32 - 1;
            }
            if groups[number as usize] == key {
                break number;
            }
            slot = (slot + 1) & (slots - 1);
        };
        group_of.push(number);
        starts[number as usize + 1] += 1;
    }
    let mut sum = 0;
    for start in starts.iter_mut() {
        sum += *start;
        *start = sum;
    }
    order.clear();
    order.resize(events.len(), 0);
    // `starts` counts the next position of each group here, and is restored afterwards.
    for (event, &number) in group_of.iter().enumerate() {
        let position = &mut starts[number as usize];
        order[*position as usize] = event as u32;
        *position += 1;
    }
    for at in (1..starts.len()).rev() {
        starts[at] = starts[at - 1];
    }
    if let Some(first) = starts.first_mut() {
        *first = 0;
    }
}

/// The fields of a pool event that pairing needs.
#[derive(Clone, Copy, Debug)]
struct PairEntry {
    address: u64,
    time: Ticks,
    /// Low 32 bits of the size, which show whether allocation and free disagree.
    size: u32,
    attributes: u32,
    stack: u32,
    /// Row in the columns of its shard, with [`FREE`] for a free event.
    row: u32,
}
const _: () = assert!(size_of::<PairEntry>() == 32);

/// Bit of [`PairEntry::row`] of a free event.
const FREE: u32 = 1 << 31;

/// The events of one shard by partition.
#[derive(Debug, Default)]
struct PartitionedEvents {
    entries: Vec<PairEntry>,
    /// Start of each partition in `entries`, and the end of the last one.
    starts: Vec<u32>,
}

impl PartitionedEvents {
    /// The events of one partition, in file order.
    fn part(&self, partition: usize) -> &[PairEntry] {
        let bound = |at: usize| self.starts.get(at).copied().unwrap_or(0) as usize;
        self.entries.get(bound(partition)..bound(partition + 1)).unwrap_or_default()
    }
}

/// Number of bits of the hash that choose a partition, for about 16,000 events in each.
fn partition_bits(events: usize) -> u32 {
    (events / 16_384).max(1).ilog2().min(12)
}

/// Hash of an address. Allocations are 16 bytes apart, so that the low bits of addresses do not differ.
#[inline]
fn hash(address: u64) -> u64 {
    (address ^ (address >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[inline]
fn partition_of(address: u64, bits: u32) -> usize {
    // With 0 bits there is one partition; a shift by 64 yields `None`.
    hash(address).checked_shr(64 - bits).unwrap_or(0) as usize
}

/// Partitions the events of a shard. Frees the memory of its free events except their sizes, which are needed later.
fn partition(shard: &mut Shard, bits: u32) -> PartitionedEvents {
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
    let blank = PairEntry { address: 0, time: Ticks(0), size: 0, attributes: 0, stack: 0, row: 0 };
    let mut entries = vec![blank; shard.allocs.len() + shard.frees.len()];
    let (mut alloc, mut free) = (0, 0);
    for &is_free in &shard.directions {
        let (columns, row, mark) =
            if is_free { (&shard.frees, &mut free, FREE) } else { (&shard.allocs, &mut alloc, 0) };
        let at = *row as usize;
        let address = columns.address[at];
        let position = &mut next[partition_of(address, bits)];
        entries[*position as usize] = PairEntry {
            address,
            time: columns.time[at],
            size: columns.size[at] as u32,
            attributes: columns.attributes[at],
            stack: columns.stack.get(at).copied().unwrap_or(0),
            row: *row | mark,
        };
        *position += 1;
        *row += 1;
    }
    shard.directions = Vec::new();
    let sizes = std::mem::take(&mut shard.frees.size);
    shard.frees = EventColumns { size: sizes, ..EventColumns::default() };
    PartitionedEvents { entries, starts }
}
