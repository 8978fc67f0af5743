//! Merging by time: the runs of all buffers become slices of time, in which events are in order, allocations get their rows, and
//! each address owner gets its events to pair.
//!
//! A slice is sorted by itself, so that its events stay in the processor's cache. Any overlap of the buffers in time is right: a
//! run is cut where a slice begins and ends, and only what is before the end of the merge is taken.

use super::columns::{AllocationChunk, ChunkPart, FreeEnds, UnrecordedAllocation};
use super::decode::DecodedBuffer;
use super::event::{EventRun, FREE, LARGE_SIZE, NUMBER, PackedEvent};
use super::free_rows::FreeRows;
use super::interner::{InternedValues, RawAttributes};
use super::memory_limit::LeftOut;
use super::pair::{AddressOwner, MergedSlice, OWNERS, PairEvent, PairInput, owner_of};
use super::stack_part::RecordedStack;
use crate::trace::allocation::LoadedColumns;
use crate::trace::time::Ticks;
use parking_lot::Mutex;
use poolscope_base::progress::{CancelToken, Cancelled};
use poolscope_etl::diagnostics::{DiagnosticKind, Diagnostics};
use rayon::prelude::*;

/// Number of events of a slice: what fits a processor's second-level cache.
const SLICE_EVENTS: usize = 1 << 15;
/// Number of events up to which a slice is not worth the work of another one, and number of slices that each worker should get.
const MIN_SLICE_EVENTS: usize = 1 << 12;
const SLICES_PER_WORKER: usize = 2;
/// One of so many events is a sample, by which slices are cut.
const SAMPLE_STEP: usize = 1 << 7;

/// The merged part of a trace.
#[derive(Debug)]
pub struct EventMerger {
    with_stacks: bool,
    chunks: Vec<AllocationChunk>,
    ends: FreeEnds,
    free_rows: Option<FreeRows>,
    owners: Vec<AddressOwner>,
    /// Memory of workers for sorting slices.
    scratches: Vec<Mutex<SliceScratch>>,
    /// Memory of slices of the last merge.
    spare: Mutex<Vec<MergedSlice>>,
    allocs: u32,
    frees: u32,
    left_out: LeftOut,
}

/// Memory of merged events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MergedBytes {
    /// Number of recorded allocations.
    pub rows: u64,
    /// Bytes of all that is kept of each allocation until the table is built.
    pub row_bytes: u64,
    /// Bytes of the states of addresses.
    pub address_bytes: u64,
}

/// The merged and paired events of a trace.
#[derive(Debug)]
pub struct MergedEvents {
    /// Recorded allocations in time order.
    pub chunks: Vec<AllocationChunk>,
    /// Their ends.
    pub ends: FreeEnds,
    /// Recorded allocations of the frees; `None` if their order is not kept.
    pub free_rows: Option<FreeRows>,
    /// Allocations of which only the free was recorded, by allocation time and free time.
    pub unrecorded: Vec<UnrecordedAllocation>,
    /// Columns of the table that they become.
    pub columns: LoadedColumns,
    /// Data-quality issues of pairing, and of what was left out.
    pub diagnostics: Diagnostics,
}

/// Time range of a slice: from the first to before the last.
type SliceBounds = (Ticks, Ticks);

/// Events of one run that are in a slice.
struct Segment<'a> {
    run: &'a EventRun,
    start: usize,
    end: usize,
}

/// The segments of a slice.
struct SliceInput<'a> {
    segments: Vec<Segment<'a>>,
    from: Ticks,
    events: usize,
    allocs: usize,
}

impl EventMerger {
    /// A merger without events.
    pub fn new(with_stacks: bool, with_free_order: bool) -> Self {
        Self {
            with_stacks,
            chunks: Vec::new(),
            ends: FreeEnds::new(with_stacks),
            free_rows: with_free_order.then(FreeRows::default),
            owners: (0..OWNERS).map(|_| AddressOwner::default()).collect(),
            scratches: (0..rayon::current_num_threads()).map(|_| Mutex::default()).collect(),
            spare: Mutex::default(),
            allocs: 0,
            frees: 0,
            left_out: LeftOut::default(),
        }
    }

    /// Merges and pairs all events before `until` that are not merged yet. The buffers are in the order of the file.
    pub fn merge(
        &mut self,
        buffers: &mut [DecodedBuffer],
        until: Ticks,
        attributes: &InternedValues<'_, RawAttributes>,
        cancel: &CancelToken,
    ) -> Result<(), Cancelled> {
        let runs: Vec<&EventRun> = buffers.iter().flat_map(|buffer| &buffer.runs).collect();
        let bounds = slice_bounds(&runs, until);
        let inputs: Vec<SliceInput<'_>> = bounds
            .into_par_iter()
            .map(|bounds| {
                cancel.check()?;
                Ok(SliceInput::new(&runs, bounds))
            })
            .collect::<Result<_, Cancelled>>()?;
        let allocs: Vec<usize> = inputs.iter().map(|input| input.allocs).collect();
        let rows = allocs.iter().sum();
        let mut chunk = AllocationChunk::new(self.allocs, rows, self.with_stacks, !self.left_out.addresses);
        let mut numbers = Vec::with_capacity(inputs.len());
        for input in &inputs {
            numbers.push((self.allocs, self.frees));
            self.allocs += input.allocs as u32;
            self.frees += (input.events - input.allocs) as u32;
        }
        let base = chunk.base;
        let work = inputs.into_par_iter().zip(chunk.split(&allocs)).zip(numbers).with_max_len(1);
        let slices: Vec<MergedSlice> = work
            .map(|((input, part), numbers)| {
                cancel.check()?;
                let worker = rayon::current_thread_index().unwrap_or(0) % self.scratches.len();
                let slice = self.spare.lock().pop().unwrap_or_default();
                Ok(merge_slice(&input, part, numbers, slice, &mut self.scratches[worker].lock()))
            })
            .collect::<Result<_, Cancelled>>()?;
        for slice in &slices {
            let large = slice.large_sizes.iter().filter(|((_, direction), _)| *direction != FREE);
            chunk.large_sizes.extend(large.map(|(&(row, _), &size)| (row - base, size)));
        }
        chunk.large_sizes.sort_unstable();
        self.chunks.push(chunk);
        self.ends.reserve(self.allocs as usize);
        if let Some(rows) = &mut self.free_rows {
            rows.reserve(self.frees as usize);
        }
        let input = PairInput { ends: &self.ends, free_rows: self.free_rows.as_ref(), attributes };
        self.owners.par_iter_mut().enumerate().with_max_len(1).try_for_each(|(number, owner)| {
            for slice in &slices {
                cancel.check()?;
                owner.pair(number, slice, input);
            }
            Ok(())
        })?;
        self.spare.lock().extend(slices);
        for run in buffers.iter_mut().flat_map(|buffer| &mut buffer.runs) {
            run.merged = run.first_at(run.merged, until);
        }
        Ok(())
    }

    /// Memory of what is merged so far.
    pub fn usage(&self) -> MergedBytes {
        let rows = u64::from(self.allocs);
        let of_allocations = self.chunks.iter().map(AllocationChunk::bytes).sum::<usize>();
        let (of_ends, of_free_stacks) = self.ends.bytes();
        let of_order = self.free_rows.as_ref().map_or(0, FreeRows::bytes);
        MergedBytes {
            rows,
            row_bytes: (of_allocations + of_ends + of_free_stacks + of_order) as u64,
            address_bytes: self.owners.iter().map(AddressOwner::bytes).sum::<usize>() as u64,
        }
    }

    /// Returns `true` if the order of frees is kept.
    pub fn has_free_order(&self) -> bool {
        self.free_rows.is_some()
    }

    /// Drops parts of the trace, also what is to come of them. What was left out before stays so.
    pub fn leave_out(&mut self, parts: LeftOut) {
        self.left_out = LeftOut {
            indices: self.left_out.indices || parts.indices,
            free_stacks: self.left_out.free_stacks || parts.free_stacks,
            addresses: self.left_out.addresses || parts.addresses,
        };
        if self.left_out.indices {
            self.free_rows = None;
        }
        if self.left_out.free_stacks {
            self.ends.leave_out_stacks();
        }
        if self.left_out.addresses {
            self.chunks.iter_mut().for_each(|chunk| chunk.address = Vec::new());
        }
    }

    /// Columns of the final table.
    pub fn loaded_columns(&self) -> LoadedColumns {
        loaded_columns(self.with_stacks, self.left_out)
    }

    /// Ends the merges.
    pub fn finish(self) -> MergedEvents {
        let mut unrecorded = Vec::new();
        let (mut implied_frees, mut disagreements) = (0, 0);
        for mut owner in self.owners {
            unrecorded.append(&mut owner.unrecorded);
            implied_frees += owner.implied_frees;
            disagreements += owner.disagreements;
        }
        if self.left_out.free_stacks {
            unrecorded
                .iter_mut()
                .for_each(|row: &mut UnrecordedAllocation| row.recorded_stack = RecordedStack::default());
        }
        unrecorded.par_sort_unstable_by_key(|row| (row.alloc_time, row.free_time, row.free_number));
        let implied = unrecorded.iter().filter(|row| row.alloc_time.is_known()).count();
        let mut diagnostics = Diagnostics::default();
        diagnostics.add(DiagnosticKind::IndicesLeftOut, u64::from(self.left_out.indices));
        diagnostics.add(DiagnosticKind::FreeStacksLeftOut, u64::from(self.left_out.free_stacks));
        diagnostics.add(DiagnosticKind::AddressesLeftOut, u64::from(self.left_out.addresses));
        diagnostics.add(DiagnosticKind::ImpliedFree, implied_frees);
        diagnostics.add(DiagnosticKind::PairDisagrees, disagreements);
        diagnostics.add(DiagnosticKind::ImpliedAllocation, implied as u64);
        diagnostics.add(DiagnosticKind::FreeWithoutAllocation, (unrecorded.len() - implied) as u64);
        let columns = loaded_columns(self.with_stacks, self.left_out);
        let Self { chunks, ends, free_rows, .. } = self;
        MergedEvents { chunks, ends, free_rows, unrecorded, columns, diagnostics }
    }
}

/// Columns of the table of a load.
fn loaded_columns(with_stacks: bool, left_out: LeftOut) -> LoadedColumns {
    LoadedColumns {
        alloc_stacks: with_stacks,
        free_stacks: with_stacks && !left_out.free_stacks,
        addresses: !left_out.addresses,
    }
}

/// Bounds of slices with about the same number of events each, more if they have the same time: [`SLICE_EVENTS`] of them, or fewer,
/// so that there are slices for all workers.
fn slice_bounds(runs: &[&EventRun], until: Ticks) -> Vec<SliceBounds> {
    let mut samples: Vec<Ticks> = Vec::new();
    let mut first = Ticks::NEVER;
    for run in runs {
        let end = run.first_at(run.merged, until);
        let left = run.events.get(run.merged..end).unwrap_or_default();
        if let Some(event) = left.first() {
            first = first.min(run.time(event));
        }
        samples.extend(left.iter().step_by(SAMPLE_STEP).map(|event| run.time(event)));
    }
    if first == Ticks::NEVER {
        return Vec::new();
    }
    samples.sort_unstable();
    let share = samples.len().div_ceil(SLICES_PER_WORKER * rayon::current_num_threads());
    let step = share.clamp(MIN_SLICE_EVENTS / SAMPLE_STEP, SLICE_EVENTS / SAMPLE_STEP);
    let mut cuts: Vec<Ticks> = samples.into_iter().step_by(step).skip(1).filter(|&time| time > first).collect();
    cuts.dedup();
    let starts = std::iter::once(first).chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([until]);
    starts.zip(ends).collect()
}

impl<'a> SliceInput<'a> {
    fn new(runs: &[&'a EventRun], (from, to): SliceBounds) -> Self {
        let mut input = Self { segments: Vec::new(), from, events: 0, allocs: 0 };
        for run in runs {
            if run.base >= to || run.events.last().is_none_or(|last| run.time(last) < from) {
                continue;
            }
            let start = run.first_at(run.merged, from);
            let end = run.first_at(start, to);
            let events = run.events.get(start..end).unwrap_or_default();
            if !events.is_empty() {
                input.events += events.len();
                input.allocs += events.iter().filter(|event| !event.is_free()).count();
                input.segments.push(Segment { run, start, end });
            }
        }
        input
    }

    /// Segments with the positions of their first events among those of the slice.
    fn segments_with_positions(&self) -> impl Iterator<Item = (&Segment<'a>, u64)> {
        self.segments.iter().scan(0, |next, segment| {
            let first = *next;
            *next += (segment.end - segment.start) as u64;
            Some((segment, first))
        })
    }

    /// Returns `true` if ticks and positions fit a key of 64 bits.
    fn has_short_keys(&self) -> bool {
        let last = |segment: &Segment<'_>| {
            let event = segment.run.events.get(..segment.end).and_then(<[PackedEvent]>::last);
            event.map_or(0, |event| segment.run.time(event).0.wrapping_sub(self.from.0) as u64)
        };
        let ticks = self.segments.iter().map(last).max().unwrap_or(0);
        self.events < 1 << POSITION_BITS && ticks < 1 << (u64::BITS - POSITION_BITS)
    }
}

/// A worker's memory, reused for each slice.
#[derive(Debug, Default)]
struct SliceScratch {
    events: Vec<PackedEvent>,
    stacks: Vec<RecordedStack>,
    keys: Vec<u64>,
    sorted: Vec<u64>,
    counts: Vec<[u32; DIGITS]>,
}

/// Bits of a key that hold the position of its event among those of the slice; the others hold its ticks from the start of the slice.
const POSITION_BITS: u32 = 24;

/// Sorts a slice by time, fills its rows of the allocation table, and groups its events by owner. `numbers` are those of its first
/// allocation and its first free; `slice` is memory to reuse.
fn merge_slice(
    input: &SliceInput<'_>,
    part: ChunkPart<'_>,
    numbers: (u32, u32),
    mut slice: MergedSlice,
    scratch: &mut SliceScratch,
) -> MergedSlice {
    gather(input, scratch);
    let SliceScratch { events, stacks, keys, sorted, counts } = scratch;
    // Every element up to the last start is written below.
    slice.events.resize(events.len().max(slice.events.len()), PairEvent::default());
    slice.stacks.resize(stacks.len().max(slice.stacks.len()), RecordedStack::default());
    slice.large_sizes.clear();
    let mut placing = SlicePlacing { input, numbers, next: starts_of_owners(events, &mut slice.starts), slice, part };
    if input.has_short_keys() {
        keys.clear();
        for (Segment { run, start, end }, first) in input.segments_with_positions() {
            let base = run.base.0.wrapping_sub(input.from.0);
            let ticks = |event: &PackedEvent| base.wrapping_add(i64::from(event.offset)) as u64;
            let of_run = run.events.get(*start..*end).unwrap_or_default();
            keys.extend(of_run.iter().zip(first..).map(|(event, at)| ticks(event) << POSITION_BITS | at));
        }
        sort_keys(keys, sorted, counts);
        placing.place(events, stacks, keys.iter().map(|key| (key >> POSITION_BITS, key & ((1 << POSITION_BITS) - 1))));
    } else {
        let mut order: Vec<(u64, u64)> = Vec::with_capacity(events.len());
        for (Segment { run, start, end }, first) in input.segments_with_positions() {
            let of_run = run.events.get(*start..*end).unwrap_or_default();
            let ticks = |event: &PackedEvent| run.time(event).0.wrapping_sub(input.from.0) as u64;
            order.extend(of_run.iter().map(ticks).zip(first..));
        }
        order.sort_unstable();
        placing.place(events, stacks, order.into_iter());
    }
    placing.slice
}

/// Copies the events of a slice.
fn gather(input: &SliceInput<'_>, scratch: &mut SliceScratch) {
    scratch.events.clear();
    scratch.stacks.clear();
    for Segment { run, start, end } in &input.segments {
        scratch.events.extend_from_slice(run.events.get(*start..*end).unwrap_or_default());
        scratch.stacks.extend_from_slice(run.stacks.get(*start..*end).unwrap_or_default());
    }
}

/// Start of the events of each owner in a slice, also as the starts of the slice.
fn starts_of_owners(events: &[PackedEvent], starts: &mut Vec<u32>) -> [u32; OWNERS] {
    let mut counts = [0; OWNERS];
    for event in events {
        counts[owner_of(event.address)] += 1;
    }
    starts.clear();
    let mut sum = 0;
    for count in &mut counts {
        starts.push(sum);
        sum += std::mem::replace(count, sum);
    }
    starts.push(sum);
    counts
}

/// Placing of the events of a slice, in time order.
struct SlicePlacing<'a> {
    input: &'a SliceInput<'a>,
    /// Numbers of the first allocation and the first free.
    numbers: (u32, u32),
    /// Place of the next event of each owner.
    next: [u32; OWNERS],
    slice: MergedSlice,
    part: ChunkPart<'a>,
}

impl SlicePlacing<'_> {
    /// Places all events; `order` are their ticks from the start of the slice and their positions.
    #[inline]
    fn place(&mut self, events: &[PackedEvent], stacks: &[RecordedStack], order: impl Iterator<Item = (u64, u64)>) {
        let (mut row, mut free_number) = self.numbers;
        let ChunkPart { time: times, address: addresses, size: sizes, attributes: numbers, recorded_stack } =
            &mut self.part;
        let mut recorded_stacks = recorded_stack.iter_mut();
        // None if addresses are left out.
        let mut addresses = addresses.iter_mut();
        let mut rows = times.iter_mut().zip(sizes.iter_mut()).zip(numbers.iter_mut());
        for (ticks, at) in order {
            let at = at as usize;
            let Some(&PackedEvent { address, size, attributes, tag, .. }) = events.get(at) else { continue };
            let time = Ticks(self.input.from.0.wrapping_add(ticks as i64));
            let place = &mut self.next[owner_of(address)];
            let own = *place as usize;
            *place += 1;
            let is_free = attributes & FREE != 0;
            let number = if is_free { free_number } else { row };
            if let Some(stack) = stacks.get(at) {
                self.slice.stacks[own] = *stack;
                if let Some(recorded) = if is_free { None } else { recorded_stacks.next() } {
                    *recorded = *stack;
                }
            }
            if is_free {
                free_number += 1;
            } else {
                row += 1;
                if let Some(((own_time, own_size), own_attributes)) = rows.next() {
                    (*own_time, *own_size, *own_attributes) = (time, size, attributes & NUMBER);
                }
                if let Some(own_address) = addresses.next() {
                    *own_address = address;
                }
            }
            self.slice.events[own] = PairEvent { address, time, number, size, attributes, tag };
            if size == LARGE_SIZE {
                self.slice.large_sizes.insert((number, attributes & FREE), large_size(self.input, at));
            }
        }
    }
}

/// Size of the event at a position of the gathered ones.
fn large_size(input: &SliceInput<'_>, at: usize) -> u64 {
    let mut left = at;
    for Segment { run, start, end } in &input.segments {
        if let Some(event) = run.events.get(start + left).filter(|_| start + left < *end) {
            return run.size(start + left, event);
        }
        left -= end - start;
    }
    u64::from(LARGE_SIZE)
}

/// Most bits of one pass of the sort.
const DIGIT_BITS: u32 = 12;
const DIGITS: usize = 1 << DIGIT_BITS;
/// Number of keys up to which passes cost more than they save, and most passes.
const FEW_KEYS: usize = 1 << 10;
const MAX_PASSES: u32 = 4;

/// Sorts keys, whose positions are in order, by their ticks. `spare` and `counts` are memory for the sort.
fn sort_keys(keys: &mut Vec<u64>, spare: &mut Vec<u64>, counts: &mut Vec<[u32; DIGITS]>) {
    if keys.is_sorted() {
        return;
    }
    let bits = (u64::BITS - keys.iter().fold(0, |all, key| all | key).leading_zeros()).saturating_sub(POSITION_BITS);
    // Each digit takes a pass over the keys, and one over its values.
    let widest = keys.len().max(2).ilog2().min(DIGIT_BITS);
    let passes = bits.div_ceil(widest).max(1);
    // Few keys, or times far apart.
    if keys.len() < FEW_KEYS || passes > MAX_PASSES {
        keys.sort_unstable();
        return;
    }
    spare.clear();
    spare.resize(keys.len(), 0);
    let width = bits.div_ceil(passes);
    counts.resize(1, [0; DIGITS]);
    let Some(counts) = counts.first_mut() else { return };
    for shift in (0..passes).map(|pass| POSITION_BITS + pass * width) {
        sort_by_digit(keys, spare, (shift, width), counts);
        std::mem::swap(keys, spare);
    }
}

/// Sorts keys by `width` of their bits from `shift` on; keys with the same digit stay in order.
fn sort_by_digit(keys: &[u64], sorted: &mut [u64], (shift, width): (u32, u32), counts: &mut [u32; DIGITS]) {
    let mask = (1 << width) - 1;
    let digit = |key: u64| (key >> shift) as usize & mask & (DIGITS - 1);
    counts.fill(0);
    keys.iter().for_each(|&key| counts[digit(key)] += 1);
    let mut sum = 0;
    for count in counts.iter_mut().take(1 << width) {
        sum += std::mem::replace(count, sum);
    }
    for &key in keys {
        let place = &mut counts[digit(key)];
        if let Some(sorted) = sorted.get_mut(*place as usize) {
            *sorted = key;
        }
        *place += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_any_range_are_sorted_and_ties_stay_in_order() {
        let mut state = 7_u64;
        let mut roll = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 20
        };
        for (count, range) in
            [(10, 5), (40_000, 1), (40_000, 900), (40_000, 1 << 22), (40_000, 1 << 40), (2_000, 1 << 39), (2_000, 9)]
        {
            let mut keys: Vec<u64> = (0..count).map(|at| (roll() % range) << POSITION_BITS | at).collect();
            let mut wanted = keys.clone();
            wanted.sort_unstable();
            sort_keys(&mut keys, &mut Vec::new(), &mut Vec::new());
            assert!(keys == wanted, "{count} keys below {range}");
        }
    }

    /// A run of events at the given times.
    fn run(times: &[i64]) -> EventRun {
        let base = times[0];
        let event = |&time: &i64| PackedEvent {
            address: time as u64,
            offset: (time - base) as u32,
            size: 1,
            attributes: 0,
            tag: 0,
        };
        EventRun { base: Ticks(base), events: times.iter().map(event).collect(), ..EventRun::default() }
    }

    #[test]
    fn slices_cover_all_events_once_and_never_part_a_tick() {
        let many: Vec<i64> = (0..200_000).map(|at| at / 3).collect();
        let crowd = vec![40_000; 100_000];
        let runs = [run(&many), run(&crowd), run(&[-5, 66_000]), run(&[10])];
        let runs: Vec<&EventRun> = runs.iter().collect();
        let bounds = slice_bounds(&runs, Ticks(60_000));
        assert!(bounds.len() > 3 && bounds.windows(2).all(|pair| pair[0].1 == pair[1].0 && pair[0].0 < pair[0].1));
        assert_eq!((bounds[0].0, bounds.last().unwrap().1), (Ticks(-5), Ticks(60_000)));
        let inputs: Vec<SliceInput<'_>> = bounds.iter().map(|&bounds| SliceInput::new(&runs, bounds)).collect();
        let events: usize = inputs.iter().map(|input| input.events).sum();
        assert_eq!(events, 180_000 + 100_000 + 2);
        assert_eq!(slice_bounds(&runs[2..], Ticks(-5)), []);
    }

    /// Time and address of a row.
    type Row = (i64, u64);
    /// Time of an event, its number, and whether it is a free.
    type Event = (i64, u32, bool);

    /// The rows, and the events of all owners in sorted order, of runs that are merged as one slice.
    fn merged(runs: &[EventRun]) -> (Vec<Row>, Vec<Event>) {
        let runs: Vec<&EventRun> = runs.iter().collect();
        let first = runs.iter().map(|run| run.base).min().unwrap();
        let input = SliceInput::new(&runs, (first, Ticks::NEVER));
        let mut chunk = AllocationChunk::new(0, input.allocs, false, true);
        let part = chunk.split(&[input.allocs]).remove(0);
        let slice = merge_slice(&input, part, (0, 0), MergedSlice::default(), &mut SliceScratch::default());
        let rows = chunk.time.iter().map(|time| time.0).zip(chunk.address.iter().copied()).collect();
        assert_eq!(*slice.starts.last().unwrap() as usize, input.events);
        for owner in 0..OWNERS {
            let own = &slice.events[slice.starts[owner] as usize..slice.starts[owner + 1] as usize];
            assert!(
                own.iter().all(|event| owner_of(event.address) == owner) && own.is_sorted_by_key(|event| event.time)
            );
        }
        let events = slice.events[..input.events].iter();
        let mut all: Vec<_> = events.map(|event| (event.time.0, event.number, event.attributes & FREE != 0)).collect();
        all.sort_unstable();
        (rows, all)
    }

    #[test]
    fn slices_of_any_length_in_time_are_merged_alike() {
        let gap = 1_i64 << 45;
        let near = |base: i64| {
            let mut run = run(&[base, base + 3, base + 3, base + 9]);
            run.events[1].attributes = FREE;
            run
        };
        // The same runs next to each other, and with one that is so far away that ticks and positions do not fit a key.
        let (rows, events) = merged(&[near(5), near(4)]);
        assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), [4, 5, 7, 8, 13, 14]);
        assert_eq!(events.iter().map(|event| event.0).collect::<Vec<_>>(), [4, 5, 7, 7, 8, 8, 13, 14]);
        assert_eq!(
            events.iter().filter(|event| event.2).map(|event| (event.0, event.1)).collect::<Vec<_>>(),
            [(7, 0), (8, 1)]
        );
        let (mut far_rows, mut far_events) = merged(&[near(5), near(4), run(&[gap])]);
        assert_eq!((far_rows.pop(), far_events.pop()), (Some((gap, gap as u64)), Some((gap, 6, false))));
        assert_eq!((far_rows, far_events), (rows, events));
    }
}
