//! Pairing: each address's events in time order become blocks (design section 1). A free belongs to the allocation
//! before it; an allocation on a live address ends the earlier block, a free of a dead one begins a block at the earlier
//! free. Both are marked as implied and counted; a free without any earlier event is a block from before the trace.

use super::partition::{Entry, FREE, Partitioned, hash, partition, partition_bits};
use super::shard::{Shard, UNCERTAIN};
use crate::trace::allocation::flag;
use crate::trace::attributes::{EventAttributes, AttributesTable};
use crate::trace::ids::{AttributesId, StackId};
use crate::trace::time::Ticks;
use poolscope_base::progress::{CancelToken, Cancelled};
use poolscope_etl::diagnostics::{Diagnostics, DiagnosticKind};
use rayon::prelude::*;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

/// How the allocations of the file ended, by global row, and the blocks that no allocation event began.
#[derive(Debug)]
pub struct Paired {
    pub ends: Vec<End>,
    pub extra: Vec<ExtraRow>,
    pub diagnostics: Diagnostics,
}

/// How one allocation ended. Workers write different rows of one table: each field is its own atomic, and together they
/// lie in one cache line.
#[derive(Debug)]
pub struct End {
    time: AtomicI64,
    context: AtomicU32,
    stack: AtomicU32,
}

/// In [`End::context`]: the free is implied, and there is no context. Contexts never get that many.
const IMPLIED: u32 = u32::MAX - 1;

impl Default for End {
    fn default() -> Self {
        Self {
            time: AtomicI64::new(Ticks::NEVER.0),
            context: AtomicU32::new(AttributesId::NONE.0),
            stack: AtomicU32::new(StackId::EMPTY.0),
        }
    }
}

impl End {
    fn set(&self, time: Ticks, context: u32, stack: u32) {
        self.time.store(time.0, Ordering::Relaxed);
        self.context.store(context, Ordering::Relaxed);
        self.stack.store(stack, Ordering::Relaxed);
    }

    /// When it was freed.
    pub fn time(&self) -> Ticks {
        Ticks(self.time.load(Ordering::Relaxed))
    }

    /// What freed it.
    pub fn context(&self) -> AttributesId {
        let context = self.context.load(Ordering::Relaxed);
        if context == IMPLIED { AttributesId::NONE } else { AttributesId(context) }
    }

    /// The stack of the free.
    pub fn stack(&self) -> StackId {
        StackId(self.stack.load(Ordering::Relaxed) & !UNCERTAIN)
    }

    /// Marks of the row.
    pub fn flags(&self) -> u8 {
        let implied = if self.context.load(Ordering::Relaxed) == IMPLIED { flag::IMPLIED_FREE } else { 0 };
        implied | free_stack_flag(self.stack.load(Ordering::Relaxed))
    }
}

/// The mark of a row that a stack of a free carries.
fn free_stack_flag(stack: u32) -> u8 {
    if stack & UNCERTAIN != 0 { flag::UNCERTAIN_FREE_STACK } else { 0 }
}

/// A block whose allocation was not seen. Everything else comes from its free.
#[derive(Clone, Copy, Debug)]
pub struct ExtraRow {
    /// [`Ticks::UNKNOWN`], or the earlier free of the same address.
    pub alloc_time: Ticks,
    pub free_time: Ticks,
    pub address: u64,
    pub size: u64,
    pub context: AttributesId,
    pub stack: StackId,
    pub flags: u8,
}

/// Pairs the events of all shards.
pub fn pair(shards: &mut [Shard], contexts: &AttributesTable, cancel: &CancelToken) -> Result<Paired, Cancelled> {
    let allocs: usize = shards.iter().map(|s| s.allocs.len()).sum();
    let frees: usize = shards.iter().map(|s| s.frees.len()).sum();
    let bits = partition_bits(allocs + frees);
    let parts: Vec<Partitioned> = shards
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
    let paired = Paired {
        ends: (0..allocs).into_par_iter().map(|_| End::default()).collect(),
        extra: Vec::new(),
        diagnostics: Diagnostics::default(),
    };
    let input = Input { shards, parts: &parts, bases: &bases, contexts, paired: &paired };
    let outcomes: Vec<Outcome> = (0..1_usize << bits)
        .into_par_iter()
        .map_init(Scratch::default, |scratch, part| {
            cancel.check()?;
            Ok(input.pair_part(part, bits, scratch))
        })
        .collect::<Result<_, Cancelled>>()?;
    drop(parts);
    let mut paired = paired;
    for mut outcome in outcomes {
        paired.extra.append(&mut outcome.extra);
        paired.diagnostics.merge(&outcome.diagnostics);
    }
    Ok(paired)
}

/// An event with everything that pairing asks of it.
#[derive(Clone, Copy)]
struct Event {
    entry: Entry,
    shard: u32,
}

impl Event {
    fn is_free(&self) -> bool {
        self.entry.row & FREE != 0
    }
}

/// Memory for one partition, used again.
#[derive(Default)]
struct Scratch {
    events: Vec<Event>,
    /// Hash table: number of a group, or `u32::MAX`.
    table: Vec<u32>,
    groups: Vec<(u64, u32)>,
    /// Group of each event.
    group_of: Vec<u32>,
    starts: Vec<u32>,
    /// Events by group, in file order.
    order: Vec<u32>,
}

/// What one partition yields beside the marks on the allocations.
#[derive(Default)]
struct Outcome {
    extra: Vec<ExtraRow>,
    diagnostics: Diagnostics,
}

struct Input<'a> {
    shards: &'a [Shard],
    parts: &'a [Partitioned],
    bases: &'a [u32],
    contexts: &'a AttributesTable,
    paired: &'a Paired,
}

impl Input<'_> {
    fn pair_part(&self, part: usize, bits: u32, scratch: &mut Scratch) -> Outcome {
        scratch.events.clear();
        for (shard, partitioned) in self.parts.iter().enumerate() {
            let event = |&entry: &Entry| Event { entry, shard: shard as u32 };
            scratch.events.extend(partitioned.part(part).iter().map(event));
        }
        group(scratch, bits, self.contexts);
        let mut outcome = Outcome::default();
        let Scratch { events, starts, order, .. } = scratch;
        for bounds in starts.windows(2) {
            let members = &mut order[bounds[0] as usize..bounds[1] as usize];
            self.sort(events, members);
            self.pair_address(events, members, &mut outcome);
        }
        outcome
    }

    /// Brings the events of one address into time order. They mostly are; where several CPUs touch one tick, a live
    /// block is freed first and a dead one allocated first, each CPU in its own order (etl-format 4.6).
    fn sort(&self, events: &[Event], members: &mut [u32]) {
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

    fn sort_tick(&self, events: &[Event], tied: &mut [u32], live: bool) {
        let cpu = |m: u32| self.cpu(&events[m as usize]);
        let mut left: Vec<u32> = tied.to_vec();
        left.sort_by_key(|&m| cpu(m));
        let mut live = live;
        for place in tied.iter_mut() {
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
            *place = chosen;
        }
    }

    fn pair_address(&self, events: &[Event], members: &[u32], outcome: &mut Outcome) {
        let mut live: Option<&Event> = None;
        let mut freed: Option<Ticks> = None;
        for &member in members {
            let event = &events[member as usize];
            if !event.is_free() {
                if let Some(earlier) = live.replace(event) {
                    self.end_of(earlier).set(event.entry.time, IMPLIED, StackId::EMPTY.0);
                    outcome.diagnostics.add(DiagnosticKind::ImpliedFree, 1);
                }
                continue;
            }
            match live.take() {
                Some(alloc) => self.end(alloc, event, outcome),
                None => outcome.extra.push(self.extra_row(event, freed, &mut outcome.diagnostics)),
            }
            freed = Some(event.entry.time);
        }
    }

    fn end(&self, alloc: &Event, free: &Event, outcome: &mut Outcome) {
        let (alloc_entry, free_entry) = (&alloc.entry, &free.entry);
        self.end_of(alloc).set(free_entry.time, free_entry.context, free_entry.stack);
        let (context, before) = (free_entry.context, alloc_entry.context);
        let tag = |id: u32| self.contexts.get(AttributesId(id)).map(|c| c.tag);
        if free_entry.size != alloc_entry.size || (context != before && tag(context) != tag(before)) {
            outcome.diagnostics.add(DiagnosticKind::PairDisagrees, 1);
        }
    }

    fn extra_row(&self, free: &Event, freed: Option<Ticks>, diagnostics: &mut Diagnostics) -> ExtraRow {
        let entry = &free.entry;
        let sizes = &self.shards[free.shard as usize].frees.size;
        let kind = if freed.is_some() { DiagnosticKind::ImpliedAllocation } else { DiagnosticKind::FreeWithoutAllocation };
        diagnostics.add(kind, 1);
        ExtraRow {
            alloc_time: freed.unwrap_or(Ticks::UNKNOWN),
            free_time: entry.time,
            address: entry.address,
            size: sizes[(entry.row & !FREE) as usize],
            context: AttributesId(entry.context),
            stack: StackId(entry.stack & !UNCERTAIN),
            flags: free_stack_flag(entry.stack) | if freed.is_some() { flag::IMPLIED_ALLOCATION } else { 0 },
        }
    }

    fn end_of(&self, alloc: &Event) -> &End {
        &self.paired.ends[(self.bases[alloc.shard as usize] + alloc.entry.row) as usize]
    }

    fn cpu(&self, event: &Event) -> u16 {
        self.contexts.get(AttributesId(event.entry.context)).map_or(0, |c| c.cpu)
    }
}

/// Groups the events of a partition by address and session, each group in file order.
fn group(scratch: &mut Scratch, bits: u32, contexts: &AttributesTable) {
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
        let session = contexts.get(AttributesId(event.entry.context)).map_or(EventAttributes::NO_SESSION, |c| c.session);
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
    // `starts` serves as the next free place of each group, and is set back afterwards.
    for (event, &number) in group_of.iter().enumerate() {
        let place = &mut starts[number as usize];
        order[*place as usize] = event as u32;
        *place += 1;
    }
    for at in (1..starts.len()).rev() {
        starts[at] = starts[at - 1];
    }
    if let Some(first) = starts.first_mut() {
        *first = 0;
    }
}
