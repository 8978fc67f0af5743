//! Pool events on their way from the decoder to the allocation table: packed records in time order, one run for each buffer.

use super::stack_part::{KeyPart, RecordedStack};
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
    /// Its tag, which is among the attributes, too: pairing compares the tag of each free with that of its allocation.
    pub tag: u32,
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
    /// Stack of each event, with the numbers of its keys once they are looked up; empty if stacks are not loaded.
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
    /// Its tag.
    pub tag: u32,
}

/// No offset of an event.
const NO_OFFSET: u64 = u64::MAX;

/// The pool events of the buffer that is being decoded.
#[derive(Debug, Default)]
pub struct EventPacker {
    run: EventRun,
    /// Latest offset in the run; [`NO_OFFSET`] if no event can be added to it.
    latest: u64,
    /// All events, once one does not follow in the run.
    unpacked: Vec<UnpackedEvent>,
}

impl EventPacker {
    /// Begins a buffer; `spare` is the memory of a run to reuse.
    pub fn begin(&mut self, spare: EventRun) {
        self.run = spare;
        self.run.begin(Ticks::UNKNOWN);
        self.latest = NO_OFFSET;
        self.unpacked.clear();
    }

    /// The stacks of the events, to which the caller adds one for each event if stacks are loaded.
    #[inline]
    pub fn stacks(&mut self) -> &mut Vec<RecordedStack> {
        &mut self.run.stacks
    }

    /// Adds an event.
    #[inline(always)]
    pub fn push(&mut self, event: UnpackedEvent) {
        let UnpackedEvent { time, size, address, attributes, tag } = event;
        let offset = time.0.wrapping_sub(self.run.base.0) as u64;
        if offset >= self.latest && offset <= u64::from(u32::MAX) && size < u64::from(LARGE_SIZE) {
            self.latest = offset;
            self.run.events.push(PackedEvent { address, offset: offset as u32, size: size as u32, attributes, tag });
        } else {
            self.push_unusual((time, size, address), attributes, tag);
        }
    }

    /// Adds the first event, or one that is earlier than one before it, much later than the first one, or very large.
    #[cold]
    #[inline(never)]
    fn push_unusual(&mut self, (time, size, address): (Ticks, u64, u64), attributes: u32, tag: u32) {
        let is_first = self.run.events.is_empty() && self.unpacked.is_empty();
        if is_first && size < u64::from(LARGE_SIZE) {
            self.run.base = time;
            self.latest = 0;
            self.run.events.push(PackedEvent { address, offset: 0, size: size as u32, attributes, tag });
            return;
        }
        let Self { run, unpacked, .. } = self;
        unpacked.extend(run.events.drain(..).map(|event| UnpackedEvent {
            time: Ticks(run.base.0 + i64::from(event.offset)),
            size: u64::from(event.size),
            address: event.address,
            attributes: event.attributes,
            tag: event.tag,
        }));
        unpacked.push(UnpackedEvent { time, size, address, attributes, tag });
        self.latest = NO_OFFSET;
    }

    /// Attributes of each event, in the order in which they were added.
    pub fn attributes(&mut self) -> impl Iterator<Item = &mut u32> {
        let unpacked = self.unpacked.iter_mut().map(|event| &mut event.attributes);
        self.run.events.iter_mut().map(|event| &mut event.attributes).chain(unpacked)
    }

    /// The events as runs, of which none is empty, and `parts` with the positions of their events among those of all runs.
    pub fn finish(&mut self, runs: &mut Vec<EventRun>, parts: &mut [KeyPart]) {
        runs.clear();
        let run = std::mem::take(&mut self.run);
        if !self.unpacked.is_empty() {
            pack_runs(&self.unpacked, run, runs, parts);
        } else if !run.events.is_empty() {
            runs.push(run);
        }
    }
}

/// Packs the events of a buffer, which are sorted by time if they are not in order, into runs. There are several runs if the
/// buffer covers more time than offsets can express. `spare` is the memory of a run to reuse.
fn pack_runs(events: &[UnpackedEvent], mut spare: EventRun, runs: &mut Vec<EventRun>, parts: &mut [KeyPart]) {
    let stacks = std::mem::take(&mut spare.stacks);
    let mut order: Vec<u32> = (0..events.len() as u32).collect();
    if !events.is_sorted_by_key(|event| event.time) {
        order.sort_by_key(|&at| events.get(at as usize).map(|event| event.time));
        let mut positions = vec![0; order.len()];
        for (position, &at) in (0..).zip(&order) {
            positions[at as usize] = position;
        }
        for part in parts {
            part.event = positions.get(part.event as usize).copied().unwrap_or(part.event);
        }
    }
    let mut spare = Some(spare);
    for (number, &at) in order.iter().enumerate() {
        let Some(event) = events.get(at as usize) else { continue };
        let offset = |run: &EventRun| u32::try_from(event.time.0 - run.base.0).ok();
        if runs.last().and_then(offset).is_none() {
            let mut run = spare.take().unwrap_or_default();
            run.begin(event.time);
            run.events.reserve_exact(events.len() - number);
            runs.push(run);
        }
        let Some(run) = runs.last_mut() else { continue };
        let size = u32::try_from(event.size).unwrap_or(LARGE_SIZE);
        if size == LARGE_SIZE {
            run.large_sizes.push((run.events.len() as u32, event.size));
        }
        let offset = offset(run).unwrap_or(u32::MAX);
        let UnpackedEvent { address, attributes, tag, .. } = *event;
        run.events.push(PackedEvent { address, offset, size, attributes, tag });
        run.stacks.extend(stacks.get(at as usize));
    }
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
    use super::super::stack_part::StackSide;
    use super::*;

    #[test]
    fn runs_are_in_time_order_and_reach_any_time_and_size() {
        let far = i64::from(u32::MAX) * 3;
        let event = |time, size| UnpackedEvent { time: Ticks(time), size, address: size, attributes: 0, tag: 0 };
        let events = [event(9, 1), event(5, 2), event(far, 1 << 40), event(5, 3), event(far, u64::from(u32::MAX))];
        let part = |event| KeyPart { key: 0, time: Ticks(0), event, is_kernel: false, side: StackSide::User };
        let (mut runs, mut parts) = (Vec::new(), [part(0), part(1), part(4)]);
        let mut packer = EventPacker::default();
        packer.begin(EventRun::default());
        for (event, number) in events.into_iter().zip(1..) {
            packer.push(event);
            packer.stacks().push(RecordedStack { parts: [number, 0], ..RecordedStack::default() });
        }
        assert_eq!(packer.attributes().count(), 5);
        packer.finish(&mut runs, &mut parts);
        assert_eq!(parts.map(|part| part.event), [2, 0, 4]);
        let found: Vec<Vec<(i64, u64)>> = runs
            .iter()
            .map(|run| run.events.iter().enumerate().map(|(at, e)| (run.time(e).0, run.size(at, e))).collect())
            .collect();
        let wanted = vec![vec![(5, 2), (5, 3), (9, 1)], vec![(far, 1 << 40), (far, u64::from(u32::MAX))]];
        assert_eq!(found, wanted);
        let stacks: Vec<u32> = runs.iter().flat_map(|run| run.stacks.iter().map(|stack| stack.parts[0])).collect();
        assert_eq!(stacks, [2, 4, 1, 3, 5]);
        assert_eq!((runs[0].first_at(0, Ticks(6)), runs[0].first_at(1, Ticks::UNKNOWN)), (2, 1));
        assert_eq!(runs[1].first_at(0, Ticks::NEVER), 2);
    }

    #[test]
    fn events_in_order_are_one_run() {
        let mut packer = EventPacker::default();
        let mut runs = vec![EventRun::default()];
        for base in [-7, 1_000] {
            packer.begin(runs.pop().unwrap());
            for at in 0..3 {
                let size = u64::from(u32::MAX) - 1;
                let time = Ticks(base + at / 2);
                packer.push(UnpackedEvent { time, size, address: at as u64, attributes: 0, tag: 0 });
            }
            packer.attributes().zip(5..).for_each(|(own, number)| *own = number);
            packer.finish(&mut runs, &mut []);
            let found: Vec<_> = runs[0].events.iter().map(|e| (runs[0].time(e).0, e.address, e.attributes)).collect();
            assert_eq!(found, [(base, 0, 5), (base, 1, 6), (base + 1, 2, 7)]);
        }
        packer.begin(EventRun::default());
        packer.finish(&mut runs, &mut []);
        assert!(runs.is_empty());
    }
}
