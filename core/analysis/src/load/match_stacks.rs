//! Matching of stack records with pool events, by exact timestamp and thread (etl-format 5.2). Most stack records follow their
//! event in the same buffer and are matched while that is decoded. User stacks may come half a second later, and one in twenty
//! from another CPU: these are matched when all shards are decoded. Stacks of other events, and of events that are not in the
//! file, are counted and not stored.

use super::shard::{EventColumns, NO_ID, PendingStack, RawAttributes, Shard, StackPart, StackPartRef};
use crate::trace::time::Ticks;
use poolscope_base::progress::{CancelToken, Cancelled};
use rayon::prelude::*;
use rustc_hash::FxHashSet;

/// An event of the current buffer.
#[derive(Clone, Copy, Debug)]
struct BufferEvent {
    time: Ticks,
    thread: u32,
    /// [`EventSlot`] of a pool event, else [`NO_SLOT`].
    slot: u32,
}

/// Position of a pool event in its shard: column set and row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventSlot(u32);

/// Not a pool event.
const NO_SLOT: u32 = u32::MAX;
/// Bit of the position of a free event.
const FREE: u32 = 1 << 31;

impl EventSlot {
    /// Position of an event in [`Shard::frees`] or [`Shard::allocs`].
    pub fn new(is_free: bool, row: usize) -> Self {
        Self(row as u32 & !FREE | if is_free { FREE } else { 0 })
    }

    /// Returns `true` if it is a free event.
    pub fn is_free(self) -> bool {
        self.0 & FREE != 0
    }

    /// Row of the event in its columns.
    pub fn row(self) -> usize {
        (self.0 & !FREE) as usize
    }
}

/// Event that a stack record belongs to, as far as its buffer shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MatchedEvent {
    /// A pool event.
    Pool(EventSlot),
    /// Another event of the buffer, with the same time and thread.
    Other,
    /// Not known: no event of the buffer has the same time and thread.
    Unknown,
}

/// The events of the buffer that is being decoded.
#[derive(Default, Debug)]
pub struct BufferEvents {
    rows: Vec<BufferEvent>,
}

impl BufferEvents {
    /// Removes all events.
    pub fn clear(&mut self) {
        self.rows.clear();
    }

    /// Adds an event; `slot` is that of a pool event.
    #[inline]
    pub fn push(&mut self, time: Ticks, thread: Option<u32>, slot: Option<EventSlot>) {
        self.rows.push(BufferEvent { time, thread: thread.unwrap_or(NO_ID), slot: slot.map_or(NO_SLOT, |s| s.0) });
    }

    /// Finds the event of a stack record by its time and thread. `is_taken` tells whether a pool event already has this kernel
    /// or user stack: several events of one thread in one tick get their stacks in order.
    pub fn find(&self, time: Ticks, thread: u32, is_taken: impl Fn(EventSlot) -> bool) -> MatchedEvent {
        let rows = &self.rows;
        let mut end = rows.len();
        // Mostly it is one of the last few events. All are in time order.
        let near = end.saturating_sub(8);
        while end > near && rows[end - 1].time > time {
            end -= 1;
        }
        if end == near {
            end = rows.partition_point(|row| row.time <= time);
        }
        let mut start = end;
        while start > 0 && rows[start - 1].time == time {
            start -= 1;
        }
        let candidates = &rows[start..end];
        let fits = |row: &&BufferEvent| row.thread == thread || row.thread == NO_ID;
        let mut pool = candidates.iter().filter(fits).filter(|row| row.slot != NO_SLOT).map(|row| EventSlot(row.slot));
        let mut first = None;
        for slot in pool.by_ref() {
            if !is_taken(slot) {
                return MatchedEvent::Pool(slot);
            }
            first = first.or(Some(slot));
        }
        if candidates.iter().any(|row| row.slot == NO_SLOT && row.thread == thread) {
            return MatchedEvent::Other;
        }
        first.map_or(MatchedEvent::Unknown, MatchedEvent::Pool)
    }
}

/// Attaches a kernel or user stack to its pool event. An event whose header has no thread gets it from the stack record.
pub fn attach_stack(shard: &mut Shard, slot: EventSlot, stack: &PendingStack) {
    shard.statistics.matched_stacks += 1;
    let part = match shard.parts.rows.get(stack.part as usize) {
        Some(&StackPart::Key { key, is_kernel: kernel })
            if StackPartRef::is_delay_too_long(stack.event_time, stack.record_time) =>
        {
            shard.parts.intern(StackPart::LateKey { key, is_kernel: kernel, time: stack.record_time })
        }
        _ => stack.part,
    };
    let columns: &mut EventColumns = if slot.is_free() { &mut shard.frees } else { &mut shard.allocs };
    let row = slot.row();
    if let Some(parts) = columns.parts.get_mut(row) {
        let side = usize::from(!stack.is_kernel);
        // Two inline records of one side are rare. The second one takes the other side if that is not taken.
        let side = if parts[side] == StackPartRef::NONE { side } else { 1 - side };
        if parts[side] == StackPartRef::NONE {
            parts[side] = StackPartRef::new(part, stack.event_time, stack.record_time);
        }
    }
    let Some(attributes) = columns.attributes.get_mut(row) else {
        return;
    };
    let Some(&raw) = shard.attributes.rows.get(*attributes as usize) else {
        return;
    };
    if raw.thread == NO_ID {
        *attributes = shard.attributes.intern(RawAttributes { thread: stack.thread, pid: stack.pid, ..raw });
    }
}

/// A stack record without a known event, and its stack.
#[derive(Clone, Copy)]
struct UnmatchedStack {
    record: PendingStack,
    part: StackPart,
}

/// Matches the pending stack records of all shards with pool events. Returns the number of those without a pool event.
pub fn match_stacks(shards: &mut [Shard], cancel: &CancelToken) -> Result<u64, Cancelled> {
    let mut pending = Vec::new();
    for shard in shards.iter_mut() {
        let records = std::mem::take(&mut shard.pending).into_iter();
        let parts = &shard.parts.rows;
        pending.extend(records.filter_map(|record| {
            let part = *parts.get(record.part as usize)?;
            Some(UnmatchedStack { record, part })
        }));
    }
    // A stable sort: stacks of one event stay in the order of their records.
    pending.sort_by_key(|s| (s.record.event_time, s.record.record_time));
    match_pending(shards, pending, cancel)
}

/// A pool event that has the time of a pending stack record.
#[derive(Clone, Copy)]
struct Candidate {
    time: Ticks,
    shard: u32,
    slot: EventSlot,
    thread: u32,
}

/// Matches pending stack records, which are sorted by event time, with the pool events of all shards.
fn match_pending(shards: &mut [Shard], pending: Vec<UnmatchedStack>, cancel: &CancelToken) -> Result<u64, Cancelled> {
    let found: Vec<Vec<Candidate>> = shards
        .par_iter()
        .enumerate()
        .map(|(number, shard)| {
            cancel.check()?;
            Ok(candidate_events(number as u32, shard, &pending))
        })
        .collect::<Result<_, Cancelled>>()?;
    let mut found: Vec<Candidate> = found.into_iter().flatten().collect();
    // A stable sort: events of one tick stay in file order.
    found.par_sort_by_key(|candidate| candidate.time);
    let mut unmatched = 0;
    let mut at = 0;
    for UnmatchedStack { record, part } in pending {
        // Both lists are in time order.
        while found.get(at).is_some_and(|candidate| candidate.time < record.event_time) {
            at += 1;
        }
        let same_tick = found[at..].iter().take_while(|candidate| candidate.time == record.event_time).count();
        let candidates = &found[at..at + same_tick];
        let side = usize::from(!record.is_kernel);
        let free = |c: &&Candidate| {
            let columns = shards.get(c.shard as usize).map(|s| if c.slot.is_free() { &s.frees } else { &s.allocs });
            let parts = columns.and_then(|columns| columns.parts.get(c.slot.row()));
            parts.is_some_and(|parts| parts[side] == StackPartRef::NONE)
        };
        let fits = |c: &&Candidate| c.thread == record.thread || c.thread == NO_ID;
        let chosen = candidates.iter().filter(fits).find(free).or_else(|| candidates.iter().find(fits)).copied();
        match chosen.and_then(|c| shards.get_mut(c.shard as usize).map(|shard| (c, shard))) {
            Some((candidate, shard)) => {
                let part = shard.parts.intern(part);
                attach_stack(shard, candidate.slot, &PendingStack { part, ..record });
            }
            None => unmatched += 1,
        }
    }
    Ok(unmatched)
}

/// Pool events of a shard that have the time of a pending stack record.
fn candidate_events(number: u32, shard: &Shard, pending: &[UnmatchedStack]) -> Vec<Candidate> {
    let Some((first, last)) = shard.pool_times else {
        return Vec::new();
    };
    let start = pending.partition_point(|s| s.record.event_time < first);
    let end = pending.partition_point(|s| s.record.event_time <= last);
    if start >= end {
        return Vec::new();
    }
    let wanted: FxHashSet<Ticks> = pending[start..end].iter().map(|s| s.record.event_time).collect();
    let mut found = Vec::new();
    for (is_free, columns) in [(false, &shard.allocs), (true, &shard.frees)] {
        for (row, time) in columns.time.iter().enumerate().filter(|(_, time)| wanted.contains(time)) {
            let attributes = columns.attributes.get(row).and_then(|&c| shard.attributes.rows.get(c as usize));
            let thread = attributes.map_or(NO_ID, |c| c.thread);
            found.push(Candidate { time: *time, shard: number, slot: EventSlot::new(is_free, row), thread });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_events_of_one_tick_get_their_stacks_in_order() {
        let mut buffer_events = BufferEvents::default();
        let slots = [EventSlot::new(false, 0), EventSlot::new(true, 0), EventSlot::new(false, 1)];
        buffer_events.push(Ticks(5), Some(1), Some(slots[0]));
        buffer_events.push(Ticks(5), Some(2), Some(slots[1]));
        buffer_events.push(Ticks(5), Some(1), Some(slots[2]));
        (6..40).for_each(|t| buffer_events.push(Ticks(t), Some(9), None));
        assert_eq!(buffer_events.find(Ticks(5), 1, |_| false), MatchedEvent::Pool(slots[0]));
        assert_eq!(buffer_events.find(Ticks(5), 1, |s| s == slots[0]), MatchedEvent::Pool(slots[2]));
        assert_eq!(buffer_events.find(Ticks(5), 2, |_| false), MatchedEvent::Pool(slots[1]));
        assert_eq!(buffer_events.find(Ticks(5), 3, |_| false), MatchedEvent::Unknown);
        assert_eq!(buffer_events.find(Ticks(39), 9, |_| false), MatchedEvent::Other);
        buffer_events.push(Ticks(40), None, None);
        assert_eq!(buffer_events.find(Ticks(40), 9, |_| false), MatchedEvent::Unknown);
        assert_eq!(buffer_events.find(Ticks(4), 9, |_| false), MatchedEvent::Unknown);
        assert_eq!((slots[1].is_free(), slots[2].row()), (true, 1));
    }
}
