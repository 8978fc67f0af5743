//! From the log to the figures: drop what is not in the file, pair, classify, sum.

use std::collections::BTreeMap;

use super::curve::{TickScale, outstanding_curves};
use super::log::EventLog;
use super::pair::{PairedAllocation, pair_events};
use super::stacks::{EventStacks, join_stacks};
use super::{FileBufferCounts, EventGroundTruth, PoolCounts, RangeGroundTruth, StackTotals, AllocationTotals, TagTotals, GroundTruth, GroundTruthRequest, display_tag};
use crate::writer::{RecordKey, TraceOptions, WriteSummary};

/// What the figures are computed from.
#[derive(Debug)]
pub struct GroundTruthInput<'a> {
    /// Everything written.
    pub log: EventLog,
    /// How the file was set up.
    pub options: &'a TraceOptions,
    /// How the file came out.
    pub written: &'a WriteSummary,
    /// Raw timestamp of the header's end time.
    pub end_ticks: i64,
    /// What is wanted.
    pub request: &'a GroundTruthRequest,
}

/// The truth about a written file. Scenario facts (seed, images, processes, snapshots) are left for the caller.
#[must_use]
pub fn compute_ground_truth(input: GroundTruthInput<'_>) -> GroundTruth {
    let GroundTruthInput { mut log, options, written, end_ticks, request } = input;
    log.drop_missing(&written.missing_buffers);
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
    truth.ranges = spans.map(|span| range_figures(&blocks, &attached, &span, scale, request)).collect();
    truth
}

fn event_rows(log: &EventLog, attached: &EventStacks, start: i64) -> Vec<EventGroundTruth> {
    let row = |event: &super::LoggedPoolEvent| EventGroundTruth {
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

fn range_figures(
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground_truth::{OutstandingPoint, LoggedPoolEvent, LoggedOtherEvent, LoggedStack, StackContent};

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

    /// One of each: a block from before, a transient one, a leak, an implied free, an implied allocation.
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
        let sizes = |points: &[OutstandingPoint]| points.iter().map(|point| (point.count, point.size)).collect::<Vec<_>>();
        assert_eq!(sizes(&truth.ranges[1].curves[0].points), [(1, 2), (2, 6), (2, 4 + 32)]);
        assert_eq!(sizes(&truth.ranges[0].curves[0].points), [(0, 0), (3, 4 + 32 + 8), (2, 20)]);
    }

    #[test]
    fn what_is_not_in_the_file_does_not_count() {
        let truth = truth_of(micro_log(), vec![1, 2, 3], &GroundTruthRequest::default());
        // B's first free has no allocation any more.
        assert_eq!((truth.pool.unknown_allocations, truth.pool.implied_allocations), (1, 1));
        assert_eq!(rows(&truth.ranges[0]), [("AIFI", 2, 40), ("AIFO", 1, 16), ("AOFI", 1, 2)]);
    }

    #[test]
    fn an_event_has_the_stack_that_was_planted_whatever_its_key_means() {
        let mut log = micro_log();
        let half = |seconds: i64, late: i64, user, what, planted| LoggedStack {
            event_ticks: 100 + seconds * 10,
            tid: 7,
            ticks: 100 + seconds * 10 + late,
            is_user: user,
            content: what,
            frames: planted,
            buffer: 50,
        };
        // The definitions of both lives of the first key are lost but for the last one's.
        let [first, second, kernel] = [[1, 2], [3, 4], [5, 6]].map(|frames| log.intern_frames(&frames));
        log.add_stack(half(2, 1, false, StackContent::Key(0xE0), first));
        log.add_stack(half(3, 25, true, StackContent::Key(0xE0), second));
        log.add_definition(0xE0, 190, 50);
        log.add_stack(half(3, 1, false, StackContent::Inline(kernel), kernel));
        log.add_stack(half(5, 1, false, StackContent::Key(0xF0), first));
        log.add_other_event(LoggedOtherEvent { ticks: 160, tid: 7, buffer: 50 });
        log.add_stack(half(6, 1, false, StackContent::Key(0xF0), first));
        log.add_stack(half(9, 1, false, StackContent::Inline(kernel), kernel));
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
