//! Data quality: what a trace lacks as evidence, and by how much this lowers the confidence in every verdict.

use super::limits as limit;
use super::reconcile::Reconciliation;
use crate::group::parallel::{Cancel, Cancelled, fold_rows, not_cancelled, worker_chunks};
use crate::trace::Trace;
use crate::trace::attributes::Tag;
use crate::trace::ids::StackId;
use crate::trace::time::{Ticks, TimeRange};
use poolscope_etl::diagnostics::DiagnosticKind;
use std::ops::Range;

/// An issue that lowers the confidence in all verdicts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DataQualityIssue {
    /// The kind of issue.
    pub kind: DataQualityKind,
    /// Factor of every confidence, 0 to 1.
    pub confidence_factor: f64,
}

/// Kinds of issues.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum DataQualityKind {
    /// Windows lost events.
    LostEvents {
        /// Number of lost events.
        events: u64,
        /// Share of all events, 0 to 1.
        share: f64,
    },
    /// Windows lost buffers, or buffers of the file cannot be read.
    LostBuffers {
        /// Number of lost or unreadable buffers.
        buffers: u64,
        /// Share of all buffers, 0 to 1.
        share: f64,
    },
    /// The log was circular and wrapped: the trace starts later than the recording.
    CircularLogWrapped {
        /// Seconds that are missing at the beginning of the recording, if known.
        missing_s: Option<f64>,
    },
    /// The recording went on longer than the file holds: what grows at the end of the file may have stopped later.
    EndMissing {
        /// Seconds that are missing at the end of the recording, if known.
        missing_s: Option<f64>,
    },
    /// A tag filter was on: the rest of the pool is not in the trace.
    TagFilter {
        /// Tags in the trace.
        tags: u64,
    },
    /// The range is short in relation to the number of events or to the lifetimes of the allocations.
    ShortRange {
        /// Its length in seconds.
        seconds: f64,
    },
    /// Allocations have no stack.
    MissingStacks {
        /// Share of the allocations, 0 to 1.
        share: f64,
    },
    /// Frees or allocations were not recorded and follow from others.
    ImpliedEvents {
        /// Number of implied events.
        events: u64,
        /// Implied events for each allocation.
        share: f64,
    },
    /// The pool rundown has other counts than the events.
    PoolRundownDiffers {
        /// Share of the counted allocations and frees that were not recorded, 0 to 1.
        share: f64,
    },
}

/// Data quality of a trace: the issues that lower the confidence in all verdicts.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct DataQuality {
    /// The issues, the one with the lowest factor first.
    pub issues: Vec<DataQualityIssue>,
    /// Comparison of the pool rundown with the events, where the trace has a rundown.
    pub reconciliation: Option<Reconciliation>,
}

impl DataQuality {
    /// Factor of every confidence, 0 to 1: the product over all issues.
    #[must_use]
    pub fn confidence_factor(&self) -> f64 {
        self.issues.iter().map(|issue| issue.confidence_factor).product()
    }
}

/// Assesses the data quality of a range of a trace.
#[must_use]
pub fn assess_data_quality(trace: &Trace, range: TimeRange) -> DataQuality {
    DataQuality::assess(trace, range, &not_cancelled).unwrap_or_default()
}

impl DataQuality {
    /// [`assess_data_quality`] until it is cancelled.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn assess(trace: &Trace, range: TimeRange, cancel: Cancel<'_>) -> Result<Self, Cancelled> {
        let reconciliation = Reconciliation::of_trace(trace, cancel)?;
        let mut issues = lost_event_issues(trace, reconciliation.as_ref());
        issues.extend(wrapped_log_issue(trace, range));
        issues.extend(missing_end_issue(trace, range));
        issues.extend(tag_filter_issue(trace, reconciliation.as_ref()));
        let statistics = RangeStatistics::new(trace, range, cancel)?;
        issues.extend(short_range_issue(trace, range, &statistics));
        issues.extend(missing_stacks_issue(trace, &statistics));
        issues.sort_by(|a, b| a.confidence_factor.total_cmp(&b.confidence_factor));
        Ok(Self { issues, reconciliation })
    }
}

/// Issues about missing events. An allocation is counted correctly if neither its allocation nor its free is missing, so that the
/// factor is the square of the share that is left. Several sources report the same losses: each one counts only for what it reports
/// beyond those before it, so that the product of all factors is that of the largest loss.
fn lost_event_issues(trace: &Trace, reconciliation: Option<&Reconciliation>) -> Vec<DataQualityIssue> {
    let count = |kind: DiagnosticKind| trace.diagnostics.count(kind);
    let share_of = |missing: u64, present: u64| missing as f64 / (missing + present).max(1) as f64;
    // Buffers and records that report a loss without a number count as one event each.
    let reports = count(DiagnosticKind::LossRecord).max(count(DiagnosticKind::LossInBuffer));
    let events = trace.summary.events_lost.max(count(DiagnosticKind::EventsLost)).max(reports);
    let events_share = share_of(events, trace.statistics.records);
    let unreadable = [
        DiagnosticKind::BadBuffer,
        DiagnosticKind::BadCompression,
        DiagnosticKind::BadRecord,
        DiagnosticKind::TornTail,
    ];
    let unreadable: u64 = unreadable.into_iter().map(count).sum();
    let buffers = trace.summary.buffers_lost.max(count(DiagnosticKind::BuffersLost)) + unreadable;
    let buffers_share = share_of(buffers, trace.statistics.buffers);
    let implied = count(DiagnosticKind::ImpliedFree) + count(DiagnosticKind::ImpliedAllocation);
    let implied_share = implied as f64 / trace.allocations.len().max(1) as f64;
    let not_recorded_share = reconciliation.filter(|r| r.is_compared()).map_or(0.0, |r| 1.0 - r.recorded_share);

    let mut missing_so_far = 0.0;
    let mut issues = Vec::new();
    let mut report = |kind: DataQualityKind, missing: f64| {
        let missing = missing.clamp(0.0, limit::MAX_LOST_SHARE);
        if missing > missing_so_far {
            let confidence_factor = ((1.0 - missing) / (1.0 - missing_so_far)).powi(2);
            issues.push(DataQualityIssue { kind, confidence_factor });
            missing_so_far = missing;
        }
    };
    report(DataQualityKind::LostEvents { events, share: events_share }, events_share);
    if buffers > 0 {
        // Lost events and lost buffers are at different places: they add up.
        let both = 1.0 - (1.0 - events_share) * (1.0 - buffers_share);
        report(DataQualityKind::LostBuffers { buffers, share: buffers_share }, both);
    }
    // An allocation has two events, of which one is missing.
    report(DataQualityKind::ImpliedEvents { events: implied, share: implied_share }, implied_share / 2.0);
    report(DataQualityKind::PoolRundownDiffers { share: not_recorded_share }, not_recorded_share);
    issues
}

/// The issue of a circular log that has lost its beginning, if that is in the range.
fn wrapped_log_issue(trace: &Trace, range: TimeRange) -> Option<DataQualityIssue> {
    if trace.diagnostics.count(DiagnosticKind::WrappedCircular) == 0 {
        return None;
    }
    let first = first_pool_event(trace)?;
    if first <= range.from {
        return None;
    }
    // The time of the header is the start of the recording.
    let missing_s = trace.clock.seconds(first);
    let kind = DataQualityKind::CircularLogWrapped { missing_s: (missing_s > 0.0).then_some(missing_s) };
    Some(DataQualityIssue { kind, confidence_factor: limit::PARTIAL_FACTOR })
}

/// The issue of a recording that went on after the end of the file, if the range reaches that end. Growth that was seen for a time `t`
/// goes on for another time `x` with probability `t / (t + x)`, where nothing but its duration is known; so a cache that was still
/// filling when the file ended counts as a leak less than half if less than half of the recording was seen.
fn missing_end_issue(trace: &Trace, range: TimeRange) -> Option<DataQualityIssue> {
    let recorded = &trace.recorded;
    if !recorded.end_missing || range.to < recorded.range.to.min(recorded.analyzable.to) {
        return None;
    }
    let seen = range.to.0.saturating_sub(range.from.0).max(0) as f64;
    let recorded_ticks = recorded.range.to.0.saturating_sub(recorded.range.from.0).max(0) as f64;
    let by_header = recorded.header_end.map(|end| end.0.saturating_sub(range.to.0).max(0) as f64);
    let by_buffers =
        || recorded.present_share().filter(|share| *share > 0.0).map(|share| recorded_ticks * (1.0 / share - 1.0));
    let missing = by_header.filter(|missing| *missing > 0.0).or_else(by_buffers);
    let confidence_factor = match missing {
        Some(missing) if seen > 0.0 => (seen / (seen + missing)).max(1.0 - limit::MAX_LOST_SHARE),
        _ => limit::PARTIAL_FACTOR,
    };
    let missing_s = missing.map(|ticks| ticks / trace.clock.ticks_per_second as f64);
    let is_reported = 1.0 - confidence_factor >= limit::MIN_SHORT_RANGE_LOSS;
    is_reported.then_some(DataQualityIssue { kind: DataQualityKind::EndMissing { missing_s }, confidence_factor })
}

/// The earliest allocation or free of the trace.
pub(super) fn first_pool_event(trace: &Trace) -> Option<Ticks> {
    let table = &trace.allocations;
    let unknown = table.alloc_time.partition_point(|time| !time.is_known());
    // Rows with an unknown allocation time come first, in the order of their frees.
    let first_free = table.free_time.first().filter(|time| unknown > 0 && time.is_known());
    table.alloc_time.get(unknown).into_iter().chain(first_free.copied()).min()
}

fn tag_filter_issue(trace: &Trace, reconciliation: Option<&Reconciliation>) -> Option<DataQualityIssue> {
    let mut tags: Vec<Tag> = trace.attributes.rows().iter().map(|attributes| attributes.tag).collect();
    tags.sort_unstable();
    tags.dedup();
    let tags = tags.len() as u64;
    let is_filtered = match reconciliation.filter(|r| r.busy_tags > 0) {
        Some(reconciliation) => reconciliation.is_filtered(),
        None => (1..=limit::MAX_FILTERED_TAGS).contains(&tags),
    };
    let kind = DataQualityKind::TagFilter { tags };
    is_filtered.then_some(DataQualityIssue { kind, confidence_factor: limit::PARTIAL_FACTOR })
}

/// Counts of a range.
#[derive(Clone, Copy, Default)]
struct RangeStatistics {
    allocs: u64,
    frees: u64,
    without_stack: u64,
    /// Allocations made in the first quarter of the range and freed in it, so that any lifetime up to three quarters is seen.
    early_allocated: u64,
    /// Number of these that lived for more than half of the range.
    early_long_lived: u64,
}

impl RangeStatistics {
    fn new(trace: &Trace, range: TimeRange, cancel: Cancel<'_>) -> Result<Self, Cancelled> {
        let table = &trace.allocations;
        let length = range.to.0.saturating_sub(range.from.0);
        let add_row = |mut sum: Self, row: usize| {
            let (alloc, free) = (table.alloc_time.at(row), table.free_time[row]);
            let is_allocated = alloc >= range.from && alloc <= range.to;
            let is_freed = free >= range.from && free <= range.to;
            sum.frees += u64::from(is_freed);
            if is_allocated && table.is_allocation_recorded(row) {
                sum.allocs += 1;
                sum.without_stack += u64::from(table.alloc_stack[row] == StackId::EMPTY);
                let is_early = is_freed && alloc.0.saturating_sub(range.from.0) <= length / 4;
                sum.early_allocated += u64::from(is_early);
                sum.early_long_lived += u64::from(is_early && free.0.saturating_sub(alloc.0) > length / 2);
            }
            sum
        };
        let add = |a: Self, b: Self| Self {
            allocs: a.allocs + b.allocs,
            frees: a.frees + b.frees,
            without_stack: a.without_stack + b.without_stack,
            early_allocated: a.early_allocated + b.early_allocated,
            early_long_lived: a.early_long_lived + b.early_long_lived,
        };
        let visit = |sum: &mut Self, rows: Range<usize>| *sum = rows.fold(std::mem::take(sum), add_row);
        fold_rows(table.len(), worker_chunks(), cancel, Self::default, visit, add)
    }
}

/// The issue of a range with few events, or with lifetimes as long as the range. Its length in seconds does not matter: a busy server
/// has more events in a second than an idle one in an hour.
fn short_range_issue(trace: &Trace, range: TimeRange, statistics: &RangeStatistics) -> Option<DataQualityIssue> {
    let events = (statistics.allocs + statistics.frees) as f64;
    if events == 0.0 {
        // There is no verdict to be confident in.
        return None;
    }
    let by_events = (events + 1.0) / (events + 1.0 + limit::HALF_CONFIDENCE_EVENTS);
    let long_lived = statistics.early_long_lived as f64 / statistics.early_allocated.max(1) as f64;
    // Half is left where all are long-lived: new allocations that are never freed can still be seen.
    let confidence_factor = by_events * (1.0 - long_lived / 2.0);
    let seconds = range.to.0.saturating_sub(range.from.0).max(0) as f64 / trace.clock.ticks_per_second as f64;
    let kind = DataQualityKind::ShortRange { seconds };
    let is_reported = 1.0 - confidence_factor >= limit::MIN_SHORT_RANGE_LOSS;
    is_reported.then_some(DataQualityIssue { kind, confidence_factor })
}

fn missing_stacks_issue(trace: &Trace, statistics: &RangeStatistics) -> Option<DataQualityIssue> {
    // Without any stack, either none was recorded, which is a diagnostic, or none was loaded, which is no fault of the trace.
    let has = |kind: DiagnosticKind| trace.diagnostics.count(kind) > 0;
    let were_loaded = trace.stacks.node_count() > 1 || has(DiagnosticKind::NoStacks) || has(DiagnosticKind::NoStack);
    if !were_loaded || statistics.without_stack == 0 {
        return None;
    }
    let share = statistics.without_stack as f64 / statistics.allocs.max(1) as f64;
    let confidence_factor = 1.0 - limit::MISSING_STACK_WEIGHT * share;
    Some(DataQualityIssue { kind: DataQualityKind::MissingStacks { share }, confidence_factor })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::test_util::{Block, block, trace as made};

    /// A trace without issues: short-lived allocations of several tags, evenly distributed, each with a stack.
    fn clean_trace() -> Trace {
        const TAGS: [&[u8; 4]; 6] = [b"Aaaa", b"Bbbb", b"Cccc", b"Dddd", b"Eeee", b"Leak"];
        let of = |k: i64| Block {
            tag: TAGS[k as usize % 6],
            stack: &["nt:20", "my:30"],
            ..block(Some(k % 9900), Some(k % 9900 + 20), 8)
        };
        let blocks: Vec<Block> = (0..9000).map(of).collect();
        std::sync::Arc::into_inner(made(&blocks)).unwrap()
    }

    fn assessed(trace: &Trace) -> DataQuality {
        assess_data_quality(trace, trace.extent)
    }

    /// Asserts that the confidence falls, but not to zero, as the amount of an issue grows.
    fn assert_falling(with: impl Fn(&mut Trace, u64), is_it: impl Fn(&DataQualityKind) -> bool) {
        let mut last = 1.0;
        for amount in [1, 50, 900, 40_000, 100_000_000] {
            let mut trace = clean_trace();
            (trace.statistics.records, trace.statistics.buffers) = (30_000, 500);
            with(&mut trace, amount);
            let quality = assessed(&trace);
            assert!(quality.issues.iter().any(|issue| is_it(&issue.kind)), "{amount}: {quality:?}");
            let factor = quality.confidence_factor();
            assert!(factor > 0.0 && factor <= last && factor < 1.0, "{amount}: {factor} after {last}");
            last = factor;
        }
    }

    #[test]
    fn a_clean_trace_has_no_issues() {
        let quality = assessed(&clean_trace());
        assert_eq!((quality.issues.len(), quality.confidence_factor()), (0, 1.0), "{quality:?}");
    }

    #[test]
    fn confidence_falls_with_every_loss() {
        assert_falling(
            |trace, n| trace.summary.events_lost = n,
            |kind| matches!(kind, DataQualityKind::LostEvents { .. }),
        );
        assert_falling(
            |trace, n| trace.summary.buffers_lost = n,
            |kind| matches!(kind, DataQualityKind::LostBuffers { .. }),
        );
        let damaged = |trace: &mut Trace, n| trace.diagnostics.add(DiagnosticKind::BadCompression, n);
        assert_falling(damaged, |kind| matches!(kind, DataQualityKind::LostBuffers { .. }));
        let implied = |trace: &mut Trace, n| trace.diagnostics.add(DiagnosticKind::ImpliedFree, n);
        assert_falling(implied, |kind| matches!(kind, DataQualityKind::ImpliedEvents { .. }));
    }

    #[test]
    fn a_loss_reported_twice_counts_once() {
        let mut trace = clean_trace();
        trace.statistics.records = 9_000;
        trace.summary.events_lost = 1_000;
        let reported = assessed(&trace).confidence_factor();
        assert!((reported - 0.81).abs() < 1e-9, "{reported}");
        trace.diagnostics.add(DiagnosticKind::ImpliedFree, 500);
        assert!((assessed(&trace).confidence_factor() - reported).abs() < 1e-9);
        // One event of half of the allocations is missing: more was lost than Windows reports.
        trace.diagnostics.add(DiagnosticKind::ImpliedAllocation, 4_000);
        let quality = assessed(&trace);
        assert!((quality.confidence_factor() - 0.5625).abs() < 1e-9, "{quality:?}");
        assert_eq!(quality.issues.len(), 2);
        assert!(matches!(quality.issues[0].kind, DataQualityKind::ImpliedEvents { events: 4_500, .. }), "{quality:?}");
    }

    #[test]
    fn a_wrapped_log_counts_where_its_gap_is_in_the_range() {
        let mut trace = clean_trace();
        trace.diagnostics.add(DiagnosticKind::WrappedCircular, 1);
        trace.extent.from = Ticks(-5_000);
        let of = |trace: &Trace| assessed(trace).issues.first().copied();
        let issue = of(&trace).unwrap();
        assert_eq!(issue.kind, DataQualityKind::CircularLogWrapped { missing_s: None });
        assert_eq!(issue.confidence_factor, limit::PARTIAL_FACTOR);
        assert_eq!(assess_data_quality(&trace, TimeRange { from: Ticks(10), to: Ticks(10_000) }).issues, []);
        let table = &mut trace.allocations;
        table.alloc_time = table.alloc_time.iter().map(|time| Ticks(time.0 + 2_500)).collect();
        table.free_time.iter_mut().for_each(|time| time.0 += 2_500);
        trace.extent = TimeRange { from: Ticks(0), to: Ticks(12_500) };
        assert_eq!(of(&trace).unwrap().kind, DataQualityKind::CircularLogWrapped { missing_s: Some(2.5) });
    }

    #[test]
    fn a_missing_end_counts_by_what_is_missing() {
        use crate::trace::recorded::RecordedRange;
        let mut trace = clean_trace();
        let range = TimeRange { from: Ticks(0), to: Ticks(10_000) };
        let torn = RecordedRange { end_missing: true, ..RecordedRange::whole(range) };
        let of = |trace: &Trace, range| {
            let issues = assess_data_quality(trace, range).issues;
            let is_end = |kind: &DataQualityKind| matches!(kind, DataQualityKind::EndMissing { .. });
            issues.into_iter().find(|issue| is_end(&issue.kind)).map(|issue| (issue.kind, issue.confidence_factor))
        };
        let missing = |missing_s| DataQualityKind::EndMissing { missing_s };
        assert_eq!(of(&trace, range), None, "the recording is whole");
        trace.recorded = torn.clone();
        assert_eq!(of(&trace, range), Some((missing(None), limit::PARTIAL_FACTOR)), "nothing says how long it went on");
        trace.recorded = RecordedRange { header_end: Some(Ticks(40_000)), ..torn.clone() };
        assert_eq!(of(&trace, range), Some((missing(Some(30.0)), 0.25)), "a quarter was seen");
        trace.recorded = RecordedRange { buffers: 8, buffers_written: Some(10), ..torn.clone() };
        let (kind, factor) = of(&trace, range).unwrap();
        assert!((factor - 0.8).abs() < 1e-9 && matches!(kind, DataQualityKind::EndMissing { missing_s: Some(_) }));
        trace.recorded = RecordedRange { header_end: Some(Ticks(10_100)), ..torn.clone() };
        assert_eq!(of(&trace, range), None, "next to nothing is missing");
        trace.recorded = RecordedRange { header_end: Some(Ticks(i64::MAX)), ..torn };
        assert!((of(&trace, range).unwrap().1 - (1.0 - limit::MAX_LOST_SHARE)).abs() < 1e-9);
        let before = TimeRange { from: Ticks(0), to: Ticks(5_000) };
        assert_eq!(of(&trace, before), None, "the range ends before the file does");
    }

    #[test]
    fn few_tags_mean_a_filter() {
        let blocks: Vec<Block> = (0..9000).map(|k| block(Some(k), Some(k + 9), 8)).collect();
        let quality = assessed(&made(&blocks));
        let issue =
            DataQualityIssue { kind: DataQualityKind::TagFilter { tags: 1 }, confidence_factor: limit::PARTIAL_FACTOR };
        assert_eq!(quality.issues, [issue]);
        assert_eq!(
            assessed(&made(&[])).issues.iter().filter(|n| matches!(n.kind, DataQualityKind::TagFilter { .. })).count(),
            0
        );
    }

    #[test]
    fn short_ranges_have_few_events_or_lifetimes_as_long_as_the_range() {
        let short = |trace: &Trace, visible_range| {
            let issues = assess_data_quality(trace, visible_range).issues;
            issues
                .into_iter()
                .find(|issue| matches!(issue.kind, DataQualityKind::ShortRange { .. }))
                .map_or(1.0, |issue| issue.confidence_factor)
        };
        let trace = clean_trace();
        let part = |to| short(&trace, TimeRange { from: Ticks(0), to: Ticks(to) });
        assert!(part(10_000) == 1.0 && part(1_000) < 1.0 && part(300) < part(1_000) && part(1) < part(300));
        assert!(part(1) > 0.0);
        // Allocations that live for 60 % of the range.
        let blocks: Vec<Block> = (0..9000).map(|k| block(Some(k), Some(k + 6_000), 8)).collect();
        let trace = made(&blocks);
        assert!(short(&trace, trace.extent) < 0.6);
        // Lifetimes of 6 % of the range are no issue.
        let blocks: Vec<Block> = (0..9000).map(|k| block(Some(k), Some(k + 600), 8)).collect();
        let trace = made(&blocks);
        assert_eq!(short(&trace, trace.extent), 1.0);
    }

    #[test]
    fn missing_stacks_cost_little_and_stacks_not_loaded_nothing() {
        let bare: Vec<Block> = (0..6000).map(|k| block(Some(k), Some(k + 20), 8)).collect();
        let missing = |trace: &Trace| {
            let issues = assessed(trace).issues;
            issues.into_iter().find(|issue| matches!(issue.kind, DataQualityKind::MissingStacks { .. }))
        };
        let mut trace = std::sync::Arc::into_inner(made(&bare)).unwrap();
        assert_eq!(missing(&trace), None);
        trace.diagnostics.add(DiagnosticKind::NoStacks, 1);
        let issue = missing(&trace).unwrap();
        assert_eq!((issue.kind, issue.confidence_factor), (DataQualityKind::MissingStacks { share: 1.0 }, 0.7));
        let mut half = bare;
        half.iter_mut().step_by(2).for_each(|b| b.stack = &["nt:20", "my:30"]);
        let issue = missing(&made(&half)).unwrap();
        assert_eq!((issue.kind, issue.confidence_factor), (DataQualityKind::MissingStacks { share: 0.5 }, 0.85));
    }
}
