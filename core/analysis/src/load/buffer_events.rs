//! The events of the buffer that is being decoded, which its stack records are matched with, by exact timestamp and thread
//! (etl-format 5.2). Most stack records follow their event in the same buffer.

use super::interner::NO_ID;
use super::stack_part::{RecordedStack, StackSide};
use crate::trace::time::Ticks;
use rustc_hash::FxHashMap;

/// An event of the buffer.
#[derive(Clone, Copy, Debug)]
struct BufferEvent {
    time: Ticks,
    thread: u32,
    /// Position of a pool event among those of the buffer, else [`NO_SLOT`].
    slot: u32,
    /// Position of the first event of the same run of equal times.
    tick_start: u32,
}

/// Not a pool event.
const NO_SLOT: u32 = u32::MAX;
/// Number of events of one tick from which on they are indexed by thread.
const CROWDED: usize = 32;

/// Event that a stack record belongs to, as far as its buffer shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MatchedEvent {
    /// A pool event, by its position among those of the buffer.
    Pool(u32),
    /// Another event of the buffer, with the same time and thread.
    Other,
    /// Not known: no event of the buffer has the same time and thread.
    Unknown,
}

/// The events of the buffer that is being decoded.
#[derive(Default, Debug)]
pub struct BufferEvents {
    rows: Vec<BufferEvent>,
    /// Indexes of ticks with many events, by the position of their first event.
    crowded: FxHashMap<u32, CrowdedTick>,
}

/// Index of the events of one tick by thread.
#[derive(Default, Debug)]
struct CrowdedTick {
    /// Number of events that are indexed.
    indexed: usize,
    threads: FxHashMap<u32, ThreadEvents>,
}

/// Events of one thread in one tick.
#[derive(Default, Debug)]
struct ThreadEvents {
    /// Positions of its pool events among those of the buffer.
    slots: Vec<u32>,
    /// Number of leading pool events that have a kernel stack, and of those that have a user stack.
    taken: [usize; 2],
    has_other: bool,
}

impl ThreadEvents {
    /// The first pool event without a stack of a side.
    fn first_free(&mut self, side: StackSide, taken: &[RecordedStack]) -> Option<u32> {
        let first = &mut self.taken[side as usize];
        while let Some(&slot) = self.slots.get(*first) {
            if !is_taken(taken, slot, side) {
                return Some(slot);
            }
            *first += 1;
        }
        None
    }
}

/// Returns `true` if a pool event has a stack of a side.
#[inline]
fn is_taken(taken: &[RecordedStack], slot: u32, side: StackSide) -> bool {
    taken.get(slot as usize).is_none_or(|stack| stack.has(side))
}

impl BufferEvents {
    /// Removes all events.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.crowded.clear();
    }

    /// Adds a pool event by its position among those of the buffer, or another event without one.
    #[inline]
    pub fn push(&mut self, time: Ticks, thread: u32, slot: Option<u32>) {
        let next = self.rows.len() as u32;
        let tick_start = self.rows.last().filter(|last| last.time == time).map_or(next, |last| last.tick_start);
        self.rows.push(BufferEvent { time, thread, slot: slot.unwrap_or(NO_SLOT), tick_start });
    }

    /// Finds the event of a stack record by its time, thread and side. `taken` are the stacks of the pool events so far: several
    /// events of one thread in one tick get their stacks in order.
    #[inline(always)]
    pub fn find(&mut self, time: Ticks, thread: u32, side: StackSide, taken: &[RecordedStack]) -> MatchedEvent {
        // Most stack records follow an event that is alone in its tick.
        match self.rows.last() {
            Some(last) if last.time == time && last.tick_start as usize + 1 == self.rows.len() => {
                if last.slot != NO_SLOT && (last.thread == thread || last.thread == NO_ID) {
                    MatchedEvent::Pool(last.slot)
                } else if last.slot == NO_SLOT && last.thread == thread {
                    MatchedEvent::Other
                } else {
                    MatchedEvent::Unknown
                }
            }
            _ => self.find_among_all(time, thread, side, taken),
        }
    }

    /// The same for any event.
    fn find_among_all(&mut self, time: Ticks, thread: u32, side: StackSide, taken: &[RecordedStack]) -> MatchedEvent {
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
        let Some(last) = end.checked_sub(1).and_then(|at| rows.get(at)).filter(|last| last.time == time) else {
            return MatchedEvent::Unknown;
        };
        let start = last.tick_start as usize;
        if end - start >= CROWDED {
            return self.find_in_crowd(start, end, thread, side, taken);
        }
        let candidates = rows.get(start..end).unwrap_or_default();
        let mut first = None;
        for row in candidates.iter().filter(|row| row.slot != NO_SLOT && (row.thread == thread || row.thread == NO_ID))
        {
            if !is_taken(taken, row.slot, side) {
                return MatchedEvent::Pool(row.slot);
            }
            first = first.or(Some(row.slot));
        }
        if candidates.iter().any(|row| row.slot == NO_SLOT && row.thread == thread) {
            return MatchedEvent::Other;
        }
        first.map_or(MatchedEvent::Unknown, MatchedEvent::Pool)
    }

    /// The same for a tick with many events, in constant time.
    fn find_in_crowd(
        &mut self,
        start: usize,
        end: usize,
        thread: u32,
        side: StackSide,
        taken: &[RecordedStack],
    ) -> MatchedEvent {
        let tick = self.crowded.entry(start as u32).or_default();
        for row in self.rows.get(start + tick.indexed..end).unwrap_or_default() {
            let events = tick.threads.entry(row.thread).or_default();
            if row.slot == NO_SLOT { events.has_other = true } else { events.slots.push(row.slot) }
        }
        tick.indexed = tick.indexed.max(end - start);
        let mut free = None;
        let mut first = None;
        // Events without a thread are found with any; slots are in the order of the events.
        let threads = if thread == NO_ID { &[NO_ID][..] } else { &[thread, NO_ID][..] };
        for thread in threads {
            let Some(events) = tick.threads.get_mut(thread) else { continue };
            let earlier = |a: Option<u32>, b: Option<u32>| [a, b].into_iter().flatten().min();
            free = earlier(free, events.first_free(side, taken));
            first = earlier(first, events.slots.first().copied());
        }
        if let Some(slot) = free {
            return MatchedEvent::Pool(slot);
        }
        if tick.threads.get(&thread).is_some_and(|events| events.has_other) {
            return MatchedEvent::Other;
        }
        first.map_or(MatchedEvent::Unknown, MatchedEvent::Pool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pool events of which some have a kernel stack.
    fn with_kernel_stacks(has_stack: &[bool]) -> Vec<RecordedStack> {
        let of_event = |&has_stack: &bool| {
            let mut stack = RecordedStack::default();
            stack.parts[0] = u32::from(has_stack);
            stack
        };
        has_stack.iter().map(of_event).collect()
    }

    #[test]
    fn two_events_of_one_tick_get_their_stacks_in_order() {
        let mut events = BufferEvents::default();
        events.push(Ticks(5), 1, Some(0));
        events.push(Ticks(5), 2, Some(1));
        events.push(Ticks(5), 1, Some(2));
        (6..40).for_each(|t| events.push(Ticks(t), 9, None));
        let none = with_kernel_stacks(&[false; 3]);
        assert_eq!(events.find(Ticks(5), 1, StackSide::Kernel, &none), MatchedEvent::Pool(0));
        assert_eq!(
            events.find(Ticks(5), 1, StackSide::Kernel, &with_kernel_stacks(&[true, false, false])),
            MatchedEvent::Pool(2)
        );
        assert_eq!(
            events.find(Ticks(5), 1, StackSide::User, &with_kernel_stacks(&[true, false, false])),
            MatchedEvent::Pool(0)
        );
        assert_eq!(events.find(Ticks(5), 1, StackSide::Kernel, &with_kernel_stacks(&[true; 3])), MatchedEvent::Pool(0));
        assert_eq!(events.find(Ticks(5), 2, StackSide::Kernel, &none), MatchedEvent::Pool(1));
        assert_eq!(events.find(Ticks(5), 3, StackSide::Kernel, &none), MatchedEvent::Unknown);
        assert_eq!(events.find(Ticks(39), 9, StackSide::Kernel, &none), MatchedEvent::Other);
        events.push(Ticks(40), NO_ID, None);
        assert_eq!(events.find(Ticks(40), 9, StackSide::Kernel, &none), MatchedEvent::Unknown);
        assert_eq!(events.find(Ticks(4), 9, StackSide::Kernel, &none), MatchedEvent::Unknown);
    }

    #[test]
    fn a_tick_with_many_events_gives_the_same_matches() {
        // The same events in one tick after a first one, and spread over ticks of at most a few events.
        let thread = |at: u32| [7, 8, NO_ID, 9][at as usize % 4];
        let is_pool = |at: u32| !at.is_multiple_of(5);
        for taken_until in [0, 3, 40, 200] {
            let mut crowd = BufferEvents::default();
            let mut taken: Vec<RecordedStack> = Vec::new();
            let mut expected: Vec<(u32, u32)> = Vec::new();
            for at in 0..200 {
                if is_pool(at) {
                    expected.push((thread(at), taken.len() as u32));
                    taken.extend(with_kernel_stacks(&[at < taken_until]));
                }
                crowd.push(Ticks(1), thread(at), is_pool(at).then(|| taken.len() as u32 - 1));
            }
            for wanted in [7, 8, 9, 10, NO_ID] {
                let fits = |(thread, _): &&(u32, u32)| *thread == wanted || *thread == NO_ID;
                let free = expected.iter().filter(fits).find(|(_, slot)| !is_taken(&taken, *slot, StackSide::Kernel));
                let has_other = (0..200).any(|at| !is_pool(at) && thread(at) == wanted);
                let found = match (free, has_other, expected.iter().find(fits)) {
                    (Some((_, slot)), ..) | (None, false, Some((_, slot))) => MatchedEvent::Pool(*slot),
                    (None, true, _) => MatchedEvent::Other,
                    (None, false, None) => MatchedEvent::Unknown,
                };
                assert_eq!(
                    crowd.find(Ticks(1), wanted, StackSide::Kernel, &taken),
                    found,
                    "thread {wanted}, {taken_until} taken"
                );
            }
        }
    }
}
