//! The events of the buffer that is being read, so that a stack record finds its event: nearly always it stands in the
//! same buffer. Matching is by raw timestamp, bit for bit, and thread (etl-format 5.2); nothing is guessed by nearness.

use super::shard::NO_ID;
use crate::trace::time::Ticks;

/// An event of the current buffer.
#[derive(Clone, Copy, Debug)]
struct Recent {
    time: Ticks,
    thread: u32,
    slot: u32,
}

/// A pool event's place in its shard: direction and row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot(u32);

/// No pool event.
const NO_SLOT: u32 = u32::MAX;
const FREE: u32 = 1 << 31;

impl Slot {
    pub fn new(is_free: bool, row: usize) -> Self {
        Self(row as u32 & !FREE | if is_free { FREE } else { 0 })
    }

    pub fn is_free(self) -> bool {
        self.0 & FREE != 0
    }

    pub fn row(self) -> usize {
        (self.0 & !FREE) as usize
    }
}

/// What a stack record's target turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// A pool event.
    Pool(Slot),
    /// Another event of this buffer, by time and thread.
    Other,
    /// None that is certain: an event of this buffer may have the time, but then its record names no thread.
    Unknown,
}

/// The events of one buffer.
#[derive(Default, Debug)]
pub struct RecentEvents {
    rows: Vec<Recent>,
}

impl RecentEvents {
    pub fn clear(&mut self) {
        self.rows.clear();
    }

    #[inline]
    pub fn push(&mut self, time: Ticks, thread: Option<u32>, slot: Option<Slot>) {
        self.rows.push(Recent { time, thread: thread.unwrap_or(NO_ID), slot: slot.map_or(NO_SLOT, |s| s.0) });
    }

    /// The event that a stack of `thread` with timestamp `time` belongs to. `is_taken` says whether a pool event has
    /// that half of its stack already: two events of one thread in one tick get theirs in order.
    pub fn find(&self, time: Ticks, thread: u32, is_taken: impl Fn(Slot) -> bool) -> Target {
        let rows = &self.rows;
        let mut end = rows.len();
        // Mostly one of the last few; else the rows are in time order.
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
        let fits = |row: &&Recent| row.thread == thread || row.thread == NO_ID;
        let mut pool = candidates.iter().filter(fits).filter(|row| row.slot != NO_SLOT).map(|row| Slot(row.slot));
        let mut first = None;
        for slot in pool.by_ref() {
            if !is_taken(slot) {
                return Target::Pool(slot);
            }
            first = first.or(Some(slot));
        }
        if candidates.iter().any(|row| row.slot == NO_SLOT && row.thread == thread) {
            return Target::Other;
        }
        first.map_or(Target::Unknown, Target::Pool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_events_of_one_tick_get_their_stacks_in_order() {
        let mut recent = RecentEvents::default();
        let slots = [Slot::new(false, 0), Slot::new(true, 0), Slot::new(false, 1)];
        recent.push(Ticks(5), Some(1), Some(slots[0]));
        recent.push(Ticks(5), Some(2), Some(slots[1]));
        recent.push(Ticks(5), Some(1), Some(slots[2]));
        (6..40).for_each(|t| recent.push(Ticks(t), Some(9), None));
        assert_eq!(recent.find(Ticks(5), 1, |_| false), Target::Pool(slots[0]));
        assert_eq!(recent.find(Ticks(5), 1, |s| s == slots[0]), Target::Pool(slots[2]));
        assert_eq!(recent.find(Ticks(5), 2, |_| false), Target::Pool(slots[1]));
        assert_eq!(recent.find(Ticks(5), 3, |_| false), Target::Unknown);
        assert_eq!(recent.find(Ticks(39), 9, |_| false), Target::Other);
        recent.push(Ticks(40), None, None);
        assert_eq!(recent.find(Ticks(40), 9, |_| false), Target::Unknown);
        assert_eq!(recent.find(Ticks(4), 9, |_| false), Target::Unknown);
        assert_eq!((slots[1].is_free(), slots[2].row()), (true, 1));
    }
}
