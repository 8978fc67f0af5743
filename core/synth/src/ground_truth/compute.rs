//! Computes the ground truth from the log of written events: drops events of buffers that are not in the file, pairs allocations with
//! frees, joins stacks, classifies allocations per range, and sums.
//!
//! Plain algorithms on plain lists, by the definitions of the product. Stacks are those that the events were generated with; the
//! definitions in the file are only used to count resolvable references.

use super::log::{EventLog, LoggedPoolEvent, LoggedStack, StackContent, StackDefinition};
use super::{
    AllocationTotals, EventGroundTruth, FileBufferCounts, GroundTruth, GroundTruthRequest, OutstandingCurve,
    OutstandingPoint, PoolCounts, RangeGroundTruth, StackCounts, StackTotals, TagTotals, display_tag,
};
use crate::writer::{RecordKey, TraceOptions, WriteSummary};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, BTreeSet};

/// Input of the computation.
#[derive(Debug)]
pub struct GroundTruthInput<'a> {
    /// Written events.
    pub log: EventLog,
    /// Options of the file.
    pub options: &'a TraceOptions,
    /// Statistics of the file.
    pub written: &'a WriteSummary,
    /// Raw timestamp of the header's end time.
    pub end_ticks: i64,
    /// Requested parts.
    pub request: &'a GroundTruthRequest,
}

/// Computes the ground truth of a written file. Facts of the scenario (seed, images, processes, rundown growth) are filled in by
/// the caller.
#[must_use]
pub fn compute_ground_truth(input: GroundTruthInput<'_>) -> GroundTruth {
    let GroundTruthInput { mut log, options, written, end_ticks, request } = input;
    log.remove_missing_buffers(&written.missing_buffers);
    log.events.sort_by_key(|event| event.ticks);
    let blocks = pair_events(&log.events);
    let attached = join_stacks(&log);
    let scale = TickScale { start: options.start_ticks, per_second: options.ticks_per_second() };
    let duration_s = scale.seconds(end_ticks);
    let mut truth = file_facts(options, written);
    truth.duration_s = duration_s;
    truth.pool = pool_facts(&log, &blocks);
    truth.stacks = attached.counts.clone();
    if request.events {
        truth.events = event_rows(&log, &attached, scale.start);
    }
    let whole = RangeSpan { from: None, to: None, ticks: (i64::MIN, i64::MAX), curve: (0.0, duration_s) };
    let asked = request.ranges.iter().map(|&(from, to)| RangeSpan {
        from: Some(from),
        to: Some(to),
        ticks: (scale.ticks(from), scale.ticks(to)),
        curve: (from, to),
    });
    let spans = std::iter::once(whole).chain(asked);
    truth.ranges = spans.map(|span| range_ground_truth(&blocks, &attached, &span, scale, request)).collect();
    truth
}

fn event_rows(log: &EventLog, attached: &EventStacks, start: i64) -> Vec<EventGroundTruth> {
    let row = |event: &LoggedPoolEvent| EventGroundTruth {
        ticks: event.ticks - start,
        thread: event.tid,
        free: event.is_free,
        address: format!("{:#x}", event.address),
        stack: hex(attached.by_event.get(&(event.ticks, event.tid)).map_or(&[], Vec::as_slice)),
    };
    log.events.iter().map(row).collect()
}

fn hex(frames: &[u64]) -> Vec<String> {
    frames.iter().map(|frame| format!("{frame:#x}")).collect()
}

struct RangeSpan {
    from: Option<f64>,
    to: Option<f64>,
    ticks: (i64, i64),
    curve: (f64, f64),
}

fn file_facts(options: &TraceOptions, written: &WriteSummary) -> GroundTruth {
    let mut truth = GroundTruth {
        bytes: written.bytes,
        records: written.records.records(),
        buffers: FileBufferCounts {
            total: written.buffers,
            compressed: written.compressed_buffers,
            missing: written.missing_buffers.len() as u64,
        },
        pointer_size: options.width.pointer_size() as u32,
        os_build: options.os_build,
        cpus: options.cpus,
        clock: options.clock.code(),
        perf_freq: options.perf_freq,
        ticks_per_second: options.ticks_per_second(),
        start_ticks: options.start_ticks,
        events_lost: written.events_lost,
        buffers_lost: written.buffers_lost,
        ..GroundTruth::default()
    };
    for (key, count) in written.records.sorted() {
        match key {
            RecordKey::Hook(hook) => {
                truth.hooks.insert(format!("0x{hook:04X}"), count);
            }
            RecordKey::Provider(guid) => {
                truth.providers.insert(guid.to_string(), count);
            }
            RecordKey::Message | RecordKey::Raw => {}
        }
    }
    truth
}

fn pool_facts(log: &EventLog, blocks: &[PairedAllocation]) -> PoolCounts {
    let count = |wanted: &dyn Fn(&PairedAllocation) -> bool| blocks.iter().filter(|block| wanted(block)).count() as u64;
    let frees = log.events.iter().filter(|event| event.is_free).count() as u64;
    PoolCounts {
        alloc_events: log.events.len() as u64 - frees,
        free_events: frees,
        allocations: blocks.len() as u64,
        implied_frees: count(&|block| block.implied_end),
        implied_allocations: count(&|block| block.implied_start),
        unknown_allocations: count(&|block| block.start.is_none()),
        never_freed: count(&|block| block.end.is_none()),
        rundown_records: log.rundown_buffers.len() as u64,
    }
}

fn range_ground_truth(
    blocks: &[PairedAllocation],
    attached: &EventStacks,
    span: &RangeSpan,
    scale: TickScale,
    request: &GroundTruthRequest,
) -> RangeGroundTruth {
    let mut total = AllocationTotals::default();
    let mut rows: BTreeMap<(&'static str, &'static str, String), AllocationTotals> = BTreeMap::new();
    let mut by_stack: BTreeMap<(&'static str, String, &[u64]), AllocationTotals> = BTreeMap::new();
    for block in blocks {
        let Some(kind) = block.lifetime_class_in(span.ticks.0, span.ticks.1) else {
            continue;
        };
        let paged = if block.paged { "Paged" } else { "NonPaged" };
        total.add(block.size);
        rows.entry((kind, paged, display_tag(block.tag))).or_default().add(block.size);
        if request.stacks {
            let stack = block.alloc_event.and_then(|event| attached.by_event.get(&event));
            let frames = stack.map_or(&[][..], Vec::as_slice);
            by_stack.entry((kind, display_tag(block.tag), frames)).or_default().add(block.size);
        }
    }
    RangeGroundTruth {
        from: span.from,
        to: span.to,
        total,
        rows: rows.into_iter().map(|((kind, paged, tag), sums)| TagTotals { kind, paged, tag, totals: sums }).collect(),
        stacks: by_stack
            .into_iter()
            .map(|((kind, tag, frames), sums)| StackTotals { kind, tag, stack: hex(frames), totals: sums })
            .collect(),
        curves: outstanding_curves(blocks, scale, span.curve, request.curve_points),
    }
}

impl AllocationTotals {
    fn add(&mut self, size: u64) {
        self.count += 1;
        self.size += size;
    }
}

/// One allocation, paired with its free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PairedAllocation {
    /// Allocation time; `None` if before the trace.
    pub start: Option<i64>,
    /// The allocation is implied by two frees in a row.
    pub implied_start: bool,
    /// Free time; `None` if never freed.
    pub end: Option<i64>,
    /// The free is implied by two allocations in a row.
    pub implied_end: bool,
    pub tag: [u8; 4],
    pub paged: bool,
    pub size: u64,
    /// Time and thread of the allocation record, to find its stack.
    pub alloc_event: Option<(i64, u32)>,
}

enum AddressState {
    Live(usize),
    FreedAt(i64),
}

/// Pairs the allocations and frees of `events`, which must be in time order.
fn pair_events(events: &[LoggedPoolEvent]) -> Vec<PairedAllocation> {
    let mut blocks: Vec<PairedAllocation> = Vec::new();
    let mut addresses: FxHashMap<(u64, Option<u32>), AddressState> = FxHashMap::default();
    for event in events {
        let key = (event.address, event.session);
        let before = addresses.get(&key);
        if event.is_free {
            match before {
                Some(AddressState::Live(block)) => blocks[*block].end = Some(event.ticks),
                Some(AddressState::FreedAt(earlier)) => {
                    let begun = PairedAllocation { start: Some(*earlier), implied_start: true, ..allocation_of(event) };
                    blocks.push(PairedAllocation { end: Some(event.ticks), ..begun });
                }
                None => blocks.push(PairedAllocation { end: Some(event.ticks), ..allocation_of(event) }),
            }
            addresses.insert(key, AddressState::FreedAt(event.ticks));
        } else {
            if let Some(AddressState::Live(block)) = before {
                blocks[*block].end = Some(event.ticks);
                blocks[*block].implied_end = true;
            }
            addresses.insert(key, AddressState::Live(blocks.len()));
            let alloc_event = Some((event.ticks, event.tid));
            blocks.push(PairedAllocation { start: Some(event.ticks), alloc_event, ..allocation_of(event) });
        }
    }
    blocks
}

/// An allocation with the properties of an event, without times.
fn allocation_of(event: &LoggedPoolEvent) -> PairedAllocation {
    PairedAllocation {
        start: None,
        implied_start: false,
        end: None,
        implied_end: false,
        tag: event.tag,
        paged: event.pool_type & 1 != 0,
        size: event.size,
        alloc_event: None,
    }
}

impl PairedAllocation {
    /// AIFI, AIFO, AOFI or AOFO in `[from, to]`; `None` if the allocation does not overlap it.
    fn lifetime_class_in(&self, from: i64, to: i64) -> Option<&'static str> {
        let starts_late = self.start.is_some_and(|start| start > to);
        let ends_early = self.end.is_some_and(|end| end < from);
        if starts_late || ends_early {
            return None;
        }
        let allocated_inside = self.start.is_some_and(|start| start >= from);
        let freed_inside = self.end.is_some_and(|end| end <= to);
        Some(match (allocated_inside, freed_inside) {
            (true, true) => "AIFI",
            (true, false) => "AIFO",
            (false, true) => "AOFI",
            (false, false) => "AOFO",
        })
    }
}

/// Stacks of pool events, and counts of stack records.
struct EventStacks {
    pub counts: StackCounts,
    /// Frames outermost first, per (event time, thread).
    pub by_event: FxHashMap<(i64, u32), Vec<u64>>,
}

fn join_stacks(log: &EventLog) -> EventStacks {
    let definitions = definitions_by_key(&log.definitions);
    let events: FxHashSet<(i64, u32)> = log.events.iter().map(|event| (event.ticks, event.tid)).collect();
    let others: FxHashSet<(i64, u32)> = log.other_events.iter().map(|other| (other.ticks, other.tid)).collect();
    let mut counts = StackCounts { definitions: log.definitions.len() as u64, ..StackCounts::default() };
    let mut parts_by_event: FxHashMap<(i64, u32), [Option<u32>; 2]> = FxHashMap::default();
    for record in &log.stacks {
        let event = (record.event_ticks, record.tid);
        let is_of_pool = events.contains(&event);
        count_record(record, is_of_pool, &definitions, &mut counts);
        if is_of_pool {
            parts_by_event.entry(event).or_default()[usize::from(record.is_user)] = Some(record.frames);
        } else if others.contains(&event) {
            counts.other_events += 1;
        } else {
            counts.orphans += 1;
        }
    }
    counts.records = counts.inline + counts.references + counts.definitions;
    let mut by_event: FxHashMap<(i64, u32), Vec<u64>> = FxHashMap::default();
    for event in &log.events {
        let Some(pair) = parts_by_event.get(&(event.ticks, event.tid)) else {
            continue;
        };
        let lists = pair.iter().flatten().map(|number| &log.frame_lists[*number as usize]);
        let mut frames: Vec<u64> = lists.flatten().copied().collect();
        if frames.is_empty() {
            continue;
        }
        frames.reverse();
        counts.pool_events_with_stack += 1;
        by_event.insert((event.ticks, event.tid), frames);
    }
    let pairs: BTreeSet<[Option<u32>; 2]> = parts_by_event.values().copied().collect();
    let whole: BTreeSet<Vec<u64>> = pairs.into_iter().map(|pair| joined(log, pair)).collect();
    counts.distinct = whole.iter().filter(|frames| !frames.is_empty()).count() as u64;
    EventStacks { counts, by_event }
}

fn joined(log: &EventLog, pair: [Option<u32>; 2]) -> Vec<u64> {
    pair.iter().flatten().flat_map(|number| log.frame_lists[*number as usize].iter().copied()).collect()
}

/// Times of the definitions of each key.
fn definitions_by_key(definitions: &[StackDefinition]) -> FxHashMap<u64, Vec<i64>> {
    let mut by_key: FxHashMap<u64, Vec<i64>> = FxHashMap::default();
    for definition in definitions {
        by_key.entry(definition.key).or_default().push(definition.ticks);
    }
    by_key.values_mut().for_each(|times| times.sort_unstable());
    by_key
}

fn count_record(
    record: &LoggedStack,
    is_of_pool: bool,
    definitions: &FxHashMap<u64, Vec<i64>>,
    counts: &mut StackCounts,
) {
    let StackContent::Key(key) = record.content else {
        counts.inline += 1;
        return;
    };
    counts.references += 1;
    if !is_of_pool {
        return;
    }
    let of_key = definitions.get(&key).map_or(&[][..], Vec::as_slice);
    if of_key.last().is_some_and(|last| *last >= record.ticks) {
        counts.resolved += 1;
    } else {
        counts.unresolved += 1;
    }
}

/// Converts between seconds and raw ticks, rounding to the nearest tick.
#[derive(Debug, Clone, Copy)]
struct TickScale {
    pub start: i64,
    pub per_second: u64,
}

impl TickScale {
    pub fn ticks(self, seconds: f64) -> i64 {
        self.start + (seconds * self.per_second as f64).round() as i64
    }

    pub fn seconds(self, ticks: i64) -> f64 {
        (ticks - self.start) as f64 / self.per_second as f64
    }
}

/// Curves of tags with allocations of known or implied start, with `points` evenly over `[from, to]` seconds. Events at the tick
/// of a point are included.
fn outstanding_curves(
    blocks: &[PairedAllocation],
    scale: TickScale,
    range: (f64, f64),
    points: usize,
) -> Vec<OutstandingCurve> {
    let times: Vec<f64> = (0..points).map(|k| time_of(range, k, points)).collect();
    let ticks: Vec<i64> = times.iter().map(|time| scale.ticks(*time)).collect();
    let mut changes: BTreeMap<String, Vec<[i128; 2]>> = BTreeMap::new();
    for block in blocks {
        let Some(start) = block.start else { continue };
        let change = changes.entry(display_tag(block.tag)).or_insert_with(|| vec![[0; 2]; points + 1]);
        let at = ticks.partition_point(|tick| *tick < start);
        change[at][0] += 1;
        change[at][1] += i128::from(block.size);
        if let Some(end) = block.end {
            let at = ticks.partition_point(|tick| *tick < end);
            change[at][0] -= 1;
            change[at][1] -= i128::from(block.size);
        }
    }
    changes.into_iter().map(|(tag, change)| OutstandingCurve { tag, points: running_totals(&times, &change) }).collect()
}

fn time_of((from, to): (f64, f64), k: usize, points: usize) -> f64 {
    if points < 2 {
        return from;
    }
    from + k as f64 * (to - from) / (points - 1) as f64
}

fn running_totals(times: &[f64], changes: &[[i128; 2]]) -> Vec<OutstandingPoint> {
    let mut sum = [0i128; 2];
    let step = |(time, change): (&f64, &[i128; 2])| {
        sum = [sum[0] + change[0], sum[1] + change[1]];
        OutstandingPoint { time_s: *time, count: sum[0].max(0) as u64, size: sum[1].max(0) as u64 }
    };
    times.iter().zip(changes).map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground_truth::{LoggedOtherEvent, LoggedPoolEvent, LoggedStack, OutstandingPoint, StackContent};

    const LEAK: [u8; 4] = *b"Leak";

    fn event(seconds: i64, free: bool, address: u64, size: u64) -> LoggedPoolEvent {
        LoggedPoolEvent {
            ticks: 100 + seconds * 10,
            is_free: free,
            address,
            session: None,
            size,
            tag: LEAK,
            pool_type: 512,
            tid: 7,
            buffer: seconds as u64,
        }
    }

    fn options() -> TraceOptions {
        TraceOptions { perf_freq: 10, start_ticks: 100, ..TraceOptions::default() }
    }

    fn truth_of(log: EventLog, missing: Vec<u64>, request: &GroundTruthRequest) -> GroundTruth {
        let written = WriteSummary { missing_buffers: missing, ..WriteSummary::default() };
        compute_ground_truth(GroundTruthInput { log, options: &options(), written: &written, end_ticks: 200, request })
    }

    fn rows(range: &RangeGroundTruth) -> Vec<(&str, u64, u64)> {
        range.rows.iter().map(|row| (row.kind, row.totals.count, row.totals.size)).collect()
    }

    /// One of each: an allocation from before the trace, a transient one, a leak, an implied free, an implied allocation.
    fn micro_log() -> EventLog {
        let mut log = EventLog::default();
        log.add_event(event(1, true, 0xA0, 1)); // from before the trace
        log.add_event(event(2, false, 0xB0, 2));
        log.add_event(event(4, true, 0xB0, 2));
        log.add_event(event(3, false, 0xC0, 4)); // leaks
        log.add_event(event(5, false, 0xD0, 8)); // ends implied at 7
        log.add_event(event(7, false, 0xD0, 16)); // leaks
        log.add_event(event(8, true, 0xB0, 32)); // began implied at 4
        log
    }

    #[test]
    fn every_kind_of_pairing_is_counted() {
        let truth = truth_of(micro_log(), vec![], &GroundTruthRequest::default());
        let pool = &truth.pool;
        assert_eq!((pool.alloc_events, pool.free_events, pool.allocations), (4, 3, 6));
        assert_eq!((pool.implied_frees, pool.implied_allocations), (1, 1));
        assert_eq!((pool.unknown_allocations, pool.never_freed), (1, 2));
        assert_eq!(rows(&truth.ranges[0]), [("AIFI", 3, 2 + 8 + 32), ("AIFO", 2, 20), ("AOFI", 1, 1)]);
        assert_eq!(truth.ranges[0].total, AllocationTotals { count: 6, size: 63 });
    }

    #[test]
    fn ranges_include_both_ends() {
        let request = GroundTruthRequest { ranges: vec![(3.0, 4.0), (4.1, 4.9)], ..GroundTruthRequest::default() };
        let truth = truth_of(micro_log(), vec![], &request);
        // At 3..4: C begins, B ends at 4 and begins again there (implied) until 8.
        assert_eq!(rows(&truth.ranges[1]), [("AIFO", 2, 4 + 32), ("AOFI", 1, 2)]);
        assert_eq!(rows(&truth.ranges[2]), [("AOFO", 2, 36)]);
    }

    #[test]
    fn curves_hold_after_the_events_of_their_tick() {
        let request = GroundTruthRequest { curve_points: 3, ranges: vec![(2.0, 4.0)], ..GroundTruthRequest::default() };
        let truth = truth_of(micro_log(), vec![], &request);
        let sizes =
            |points: &[OutstandingPoint]| points.iter().map(|point| (point.count, point.size)).collect::<Vec<_>>();
        assert_eq!(sizes(&truth.ranges[1].curves[0].points), [(1, 2), (2, 6), (2, 4 + 32)]);
        assert_eq!(sizes(&truth.ranges[0].curves[0].points), [(0, 0), (3, 4 + 32 + 8), (2, 20)]);
    }

    #[test]
    fn what_is_not_in_the_file_does_not_count() {
        let truth = truth_of(micro_log(), vec![1, 2, 3], &GroundTruthRequest::default());
        // The allocation of B's first free is missing.
        assert_eq!((truth.pool.unknown_allocations, truth.pool.implied_allocations), (1, 1));
        assert_eq!(rows(&truth.ranges[0]), [("AIFI", 2, 40), ("AIFO", 1, 16), ("AOFI", 1, 2)]);
    }

    #[test]
    fn an_event_has_the_stack_that_was_planted_whatever_its_key_means() {
        let mut log = micro_log();
        let record = |seconds: i64, late: i64, user, what, planted| LoggedStack {
            event_ticks: 100 + seconds * 10,
            tid: 7,
            ticks: 100 + seconds * 10 + late,
            is_user: user,
            content: what,
            frames: planted,
            buffer: 50,
        };
        // Of the two definitions of the first key only the last is in the file.
        let [first, second, kernel] = [[1, 2], [3, 4], [5, 6]].map(|frames| log.intern_frames(&frames));
        log.add_stack(record(2, 1, false, StackContent::Key(0xE0), first));
        log.add_stack(record(3, 25, true, StackContent::Key(0xE0), second));
        log.add_definition(0xE0, 190, 50);
        log.add_stack(record(3, 1, false, StackContent::Inline(kernel), kernel));
        log.add_stack(record(5, 1, false, StackContent::Key(0xF0), first));
        log.add_other_event(LoggedOtherEvent { ticks: 160, tid: 7, buffer: 50 });
        log.add_stack(record(6, 1, false, StackContent::Key(0xF0), first));
        log.add_stack(record(9, 1, false, StackContent::Inline(kernel), kernel));
        let request = GroundTruthRequest { stacks: true, events: true, ..GroundTruthRequest::default() };
        let truth = truth_of(log, vec![], &request);
        let stacks = &truth.stacks;
        assert_eq!((stacks.records, stacks.references, stacks.inline, stacks.definitions), (7, 4, 2, 1));
        assert_eq!((stacks.resolved, stacks.unresolved, stacks.other_events, stacks.orphans), (2, 1, 1, 1));
        assert_eq!((stacks.pool_events_with_stack, stacks.distinct), (3, 2));
        let of = |kind: &str| {
            truth.ranges[0].stacks.iter().filter(|row| row.kind == kind).map(|row| &row.stack).collect::<Vec<_>>()
        };
        assert_eq!(of("AIFI"), [&vec![], &vec!["0x2".to_owned(), "0x1".to_owned()]]);
        let joined = ["0x4", "0x3", "0x6", "0x5"].map(str::to_owned).to_vec();
        assert_eq!(of("AIFO"), [&vec![], &joined]);
        let second: Vec<&str> = truth.events[1].stack.iter().map(String::as_str).collect();
        assert_eq!((truth.events[1].ticks, second), (20, vec!["0x2", "0x1"]));
        assert_eq!(truth.events.len(), 7);
    }

    #[test]
    fn odd_tags_are_readable() {
        assert_eq!(display_tag(*b"Irp "), "Irp ");
        assert_eq!(display_tag([b'A', 1, b'b', b't' | 0x80]), "A\\x01bt");
    }
}
