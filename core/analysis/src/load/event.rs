//! Pool events on their way from the decoder to the allocation table: packed records in time order, one run for each buffer.

use super::stack_part::{EventParts, RecordedStack};
use crate::trace::time::Ticks;
use poolscope_etl::event::{EventKind, SystemEvent};

/// A pool event in 24 bytes. What rarely needs more space is kept beside it in its [`EventRun`].
#[derive(Clone, Copy, Debug)]
pub struct PackedEvent {
    /// Address of the allocation.
    pub address: u64,
    /// Ticks from [`EventRun::base`].
    pub offset: u32,
    /// Size in bytes; [`LARGE_SIZE`] if it is in [`EventRun::large_sizes`].
    pub size: u32,
    /// Provisional number of its attributes, with [`FREE`] and [`WITH_SESSION`].
    pub attributes: u32,
}
const _: () = assert!(size_of::<PackedEvent>() == 24);

/// Bit of [`PackedEvent::attributes`] of a free event.
pub const FREE: u32 = 1 << 31;
/// Bit of [`PackedEvent::attributes`] of an event of session pool.
pub const WITH_SESSION: u32 = 1 << 30;
/// Bits of [`PackedEvent::attributes`] that hold the number.
pub const NUMBER: u32 = WITH_SESSION - 1;
/// [`PackedEvent::size`] of a size of four gigabytes or more.
pub const LARGE_SIZE: u32 = u32::MAX;

impl PackedEvent {
    /// Returns `true` if it is a free event.
    #[inline]
    pub const fn is_free(&self) -> bool {
        self.attributes & FREE != 0
    }
}

/// Consecutive pool events of one buffer in time order; events of one tick are in the order of the file.
#[derive(Debug, Default)]
pub struct EventRun {
    /// Time that the offsets of the events count from.
    pub base: Ticks,
    /// The events.
    pub events: Vec<PackedEvent>,
    /// Recorded stacks of each event; empty if stacks are not loaded.
    pub parts: Vec<EventParts>,
    /// Stack of each event, once its keys are looked up; empty if stacks are not loaded.
    pub stacks: Vec<RecordedStack>,
    /// Positions and sizes of events with [`LARGE_SIZE`].
    pub large_sizes: Vec<(u32, u64)>,
    /// Number of events that are merged already.
    pub merged: usize,
}

impl EventRun {
    /// Empties the run and sets its first time.
    fn begin(&mut self, base: Ticks) {
        self.base = base;
        self.events.clear();
        self.parts.clear();
        self.stacks.clear();
        self.large_sizes.clear();
        self.merged = 0;
    }

    /// Time of an event.
    #[inline]
    pub fn time(&self, event: &PackedEvent) -> Ticks {
        Ticks(self.base.0 + i64::from(event.offset))
    }

    /// Position of the first event that is not earlier than `time`, from position `from` on.
    pub fn first_at(&self, from: usize, time: Ticks) -> usize {
        let rest = self.events.get(from..).unwrap_or_default();
        let wanted = i128::from(time.0) - i128::from(self.base.0);
        from + rest.partition_point(|event| i128::from(event.offset) < wanted)
    }

    /// Size of the event at a position.
    #[inline]
    pub fn size(&self, at: usize, event: &PackedEvent) -> u64 {
        if event.size != LARGE_SIZE {
            return u64::from(event.size);
        }
        let found = self.large_sizes.binary_search_by_key(&(at as u32), |large| large.0);
        found.ok().and_then(|at| self.large_sizes.get(at)).map_or(u64::from(LARGE_SIZE), |large| large.1)
    }
}

/// A pool event before it is packed.
#[derive(Clone, Copy, Debug)]
pub struct UnpackedEvent {
    /// Time of the event.
    pub time: Ticks,
    /// Size in bytes.
    pub size: u64,
    /// Address of the allocation.
    pub address: u64,
    /// As in [`PackedEvent::attributes`].
    pub attributes: u32,
}

/// Packs the events of a buffer, which are sorted by time if they are not in order, into runs. There are several runs if the
/// buffer covers more time than offsets can express. `spare` is the memory of a run to reuse.
pub fn pack_runs(events: &[UnpackedEvent], parts: &[EventParts], spare: EventRun) -> Vec<EventRun> {
    let mut order: Vec<u32> = Vec::new();
    if !events.is_sorted_by_key(|event| event.time) {
        order = (0..events.len() as u32).collect();
        order.sort_by_key(|&at| events.get(at as usize).map(|event| event.time));
    }
    let mut runs: Vec<EventRun> = Vec::new();
    let mut spare = Some(spare);
    for number in 0..events.len() {
        let at = order.get(number).map_or(number, |&at| at as usize);
        let Some(event) = events.get(at) else { continue };
        let offset = |run: &EventRun| u32::try_from(event.time.0 - run.base.0).ok();
        if runs.last().and_then(offset).is_none() {
            let left = events.len() - number;
            let mut run = spare.take().unwrap_or_default();
            run.begin(event.time);
            run.events.reserve_exact(left);
            run.parts.reserve_exact(if parts.is_empty() { 0 } else { left });
            runs.push(run);
        }
        let Some(run) = runs.last_mut() else { continue };
        let size = u32::try_from(event.size).unwrap_or(LARGE_SIZE);
        if size == LARGE_SIZE {
            run.large_sizes.push((run.events.len() as u32, event.size));
        }
        let offset = offset(run).unwrap_or(u32::MAX);
        run.events.push(PackedEvent { address: event.address, offset, size, attributes: event.attributes });
        if let Some(parts) = parts.get(at) {
            run.parts.push(*parts);
        }
    }
    runs
}

/// A decoded record that is neither a pool event nor a stack record: images, processes, configuration, pool rundown.
#[derive(Debug)]
pub struct SystemRecord {
    /// Time of the record.
    pub time: Ticks,
    /// Position of its buffer in the order of the file.
    pub buffer: u32,
    /// Kind of the event.
    pub kind: EventKind,
    /// Process number in the header of the record.
    pub process: Option<u32>,
    /// The event.
    pub event: SystemEvent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_in_time_order_and_reach_any_time_and_size() {
        let far = i64::from(u32::MAX) * 3;
        let event = |time, size| UnpackedEvent { time: Ticks(time), size, address: size, attributes: 0 };
        let events = [event(9, 1), event(5, 2), event(far, 1 << 40), event(5, 3), event(far, u64::from(u32::MAX))];
        let runs = pack_runs(&events, &[], EventRun::default());
        let found: Vec<Vec<(i64, u64)>> = runs
            .iter()
            .map(|run| run.events.iter().enumerate().map(|(at, e)| (run.time(e).0, run.size(at, e))).collect())
            .collect();
        let wanted = vec![vec![(5, 2), (5, 3), (9, 1)], vec![(far, 1 << 40), (far, u64::from(u32::MAX))]];
        assert_eq!(found, wanted);
        assert_eq!((runs[0].first_at(0, Ticks(6)), runs[0].first_at(1, Ticks::UNKNOWN)), (2, 1));
        assert_eq!(runs[1].first_at(0, Ticks::NEVER), 2);
    }
}
