//! Assembly of a trace: what the merged events, the counts and the header say together, phase by phase. Each phase takes the
//! results of those before and checks the token.

use super::attributes::AttributeIds;
use super::columns::AllocationChunk;
use super::consistency::{self, RecordEvidence, RecordFacts};
use super::frame_lists::FrameLists;
use super::freeze;
use super::interner::{RawAttributes, WorkerInterner};
use super::late_stacks::{self, LateCounts};
use super::losses::LossRanges;
use super::merge::MergedEvents;
use super::parts::{self, PartCounts};
use super::recorded_range::{self, Recording};
use super::session::SessionInfo;
use super::stack_join::{JoinedStacks, StackSources, join_stacks};
use super::stack_merge::MergedStacks;
use super::stack_tree;
use super::system_events::{self, SystemInfo};
use super::totals::TraceTotals;
use super::{LoadOptions, StackScope};
use crate::trace::Trace;
use crate::trace::allocation::AllocationTable;
use crate::trace::attributes::AttributesTable;
use crate::trace::free_order::FreeOrder;
use crate::trace::stack::StackTable;
use crate::trace::summary::{StackStatistics, TraceStatistics, TraceSummary};
use crate::trace::time::{Ticks, TimeRange};
use poolscope_base::progress::{CancelToken, Cancelled, Progress, Stage};
use poolscope_etl::diagnostics::{DiagnosticKind, Diagnostics};

/// A decoded and merged trace.
pub struct MergedTrace {
    /// Pool events.
    pub events: MergedEvents,
    /// Stacks of pool events; `None` if stacks are not loaded.
    pub stacks: Option<MergedStacks>,
    /// Attributes of pool events, by worker.
    pub attributes: Vec<WorkerInterner<RawAttributes>>,
    /// Frames of stacks.
    pub frame_lists: FrameLists,
    /// Counts and rare records.
    pub totals: TraceTotals,
    /// Counts by file; empty for a trace in one file.
    pub parts: Vec<PartCounts>,
}

/// The tables that the rows of a trace refer to, and the rows.
struct Tables {
    allocations: AllocationTable,
    free_order: Option<FreeOrder>,
    attributes: AttributesTable,
    stacks: StackTable,
    stack_statistics: StackStatistics,
    diagnostics: Diagnostics,
}

/// Makes a trace of a merged one.
///
/// # Errors
/// Cancelled.
pub fn assemble(
    info: &SessionInfo,
    mut merged: MergedTrace,
    options: LoadOptions,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<Trace, Cancelled> {
    progress.enter(Stage::Stacks);
    let recorded: usize = merged.events.chunks.iter().map(AllocationChunk::len).sum();
    let stages = if merged.stacks.is_some() { 2 } else { 1 };
    progress.set_rows((recorded * stages + merged.events.unrecorded.len()) as u64);
    let system_events = std::mem::take(&mut merged.totals.system_events);
    let system = system_events::collect_system_info(info, system_events, &merged.attributes, cancel)?;
    let late = attach_late_stacks(&mut merged, cancel)?;
    let mut totals = std::mem::take(&mut merged.totals);
    let parts = parts::summaries(info, &totals.spans, std::mem::take(&mut merged.parts));
    // The recorded range and losses are those of the main log.
    if let Some(main) = info.main_buffers() {
        totals.spans.retain(|span| span.order < main);
    }
    let losses =
        if options.stacks == StackScope::None { LossRanges::default() } else { LossRanges::find(info, &totals) };
    let tables = tables(merged, &system, &losses, (progress, cancel))?;
    let second = consistency::header_clock(&info.logfile).ticks_per_second as i64;
    let mut diagnostics = info.diagnostics.clone();
    diagnostics.merge(&totals.diagnostics);
    diagnostics.merge(&tables.diagnostics);
    let recording = Recording::new(totals.spans.iter().copied(), second, &mut diagnostics);
    let checked = consistency::check_clock(info, record_evidence(info, &recording, &totals));
    if checked.is_doubtful && info.diagnostics.count(DiagnosticKind::HeaderClock) == 0 {
        diagnostics.add(DiagnosticKind::HeaderClock, 1);
    }
    let clock = checked.clock;
    let extent = extent(&totals, checked.end, recording.last());
    let is_wrapped = consistency::has_wrapped(info, totals.first_time, &clock, extent.to);
    let recorded = recorded_range::recorded_range(&recording, info, &checked, is_wrapped, cancel)?;
    let statistics = statistics(info, &totals, tables.stack_statistics, late);
    let mut trace = Trace {
        summary: TraceSummary { parts, ..system.summary },
        clock,
        extent,
        recorded,
        allocations: tables.allocations,
        free_order: tables.free_order,
        attributes: tables.attributes,
        stacks: tables.stacks,
        frame_symbols: None,
        modules: system.modules,
        processes: system.processes,
        pool_rundown: system.pool_rundown,
        statistics,
        diagnostics,
    };
    let facts = RecordFacts { is_wrapped, headers: totals.headers };
    consistency::add_diagnostics(&mut trace, info, facts, options);
    Ok(trace)
}

/// Matches the stack records that are not next to their events.
fn attach_late_stacks(merged: &mut MergedTrace, cancel: &CancelToken) -> Result<LateCounts, Cancelled> {
    let Some(stacks) = &mut merged.stacks else { return Ok(LateCounts::default()) };
    let late = std::mem::take(&mut stacks.late);
    let mut counts = late_stacks::attach_late_stacks(&late, &mut merged.events, &mut merged.attributes, cancel)?;
    counts.unmatched += stacks.unmatched;
    merged.attributes.iter_mut().for_each(WorkerInterner::close);
    Ok(counts)
}

/// Gives attributes and stacks their final handles, and freezes the rows.
fn tables(
    merged: MergedTrace,
    system: &SystemInfo,
    losses: &LossRanges,
    (progress, cancel): (&Progress, &CancelToken),
) -> Result<Tables, Cancelled> {
    let MergedTrace { mut events, stacks, attributes, frame_lists, .. } = merged;
    let (ids, mut table) = AttributeIds::new(&attributes, &events, &system.processes, cancel)?;
    let pointer_size = if system.summary.pointer_size == 4 { 4 } else { 8 };
    let frame_lists = frame_lists.into_table(pointer_size);
    let mut joined = None;
    if let Some(MergedStacks { keys, .. }) = stacks {
        let sources =
            StackSources { keys: &keys, frame_lists: &frame_lists, modules: &system.modules, attributes: &ids, losses };
        joined = Some(join_stacks(&mut events, sources, (progress, cancel))?);
    }
    progress.enter(Stage::Index);
    // The tree is built by one worker, while the others fill the columns that do not need it.
    let build_tree = || {
        let build = |joined: &JoinedStacks| {
            stack_tree::build_tree(&joined.workers, &frame_lists, &system.modules, pointer_size, cancel)
        };
        joined.as_ref().map(build).transpose()
    };
    let freeze = || freeze::allocation_table(&events, &ids, &mut table, (progress, cancel));
    let (built, frozen) = rayon::join(build_tree, freeze);
    let (built, (mut allocations, rows)) = (built?, frozen?);
    if let Some(built) = &built {
        freeze::set_stacks(&mut allocations, &events, &rows, &built.ids, cancel)?;
    }
    let numbers = rows.numbers;
    let counts = joined.map(|joined| joined.counts).unwrap_or_default();
    let free_order = events.free_rows.as_ref().map(|rows| rows.order(&events, &numbers, cancel)).transpose()?;
    let mut diagnostics = events.diagnostics;
    diagnostics.add(DiagnosticKind::UnresolvedKey, counts.unresolved);
    diagnostics.add(DiagnosticKind::KeyMismatch, counts.mismatched);
    diagnostics.add(DiagnosticKind::UncertainStack, counts.uncertain_events);
    let (stacks, distinct) = built.map(|built| (built.table, built.distinct)).unwrap_or_default();
    let stack_statistics = StackStatistics { distinct, ..counts.statistics() };
    Ok(Tables { allocations, free_order, attributes: table, stacks, stack_statistics, diagnostics })
}

/// Facts from the records that the clock of the header is checked against.
fn record_evidence(info: &SessionInfo, recording: &Recording, totals: &TraceTotals) -> RecordEvidence {
    let kernel = recording.last();
    let header = &info.logfile;
    let found = info.buffers.map_or(0, |buffers| buffers.total);
    let written_times =
        if header.is_circular() || found == 0 { 1.0 } else { f64::from(header.buffers_written) / found as f64 };
    RecordEvidence {
        last: kernel.or(totals.last_other_time),
        has_kernel: kernel.is_some(),
        is_whole: recorded_range::has_all_buffers(info),
        written_times,
    }
}

/// Time range of the whole trace: from time zero, or the first pool event before it, to the end in the header, or the last pool
/// event after it. Without a plausible end in the header, the last kernel record is the end, since merges inject records of other
/// providers with later times.
fn extent(totals: &TraceTotals, header_end: Option<Ticks>, last_kernel: Option<Ticks>) -> TimeRange {
    let end = header_end.or(last_kernel);
    let from = totals.pool_times.map_or(Ticks(0), |times| times.0).min(Ticks(0));
    TimeRange { from, to: end.max(totals.pool_times.map(|times| times.1)).unwrap_or(Ticks(0)).max(Ticks(0)) }
}

/// Numbers of records and buffers of the whole file.
fn statistics(info: &SessionInfo, totals: &TraceTotals, stacks: StackStatistics, late: LateCounts) -> TraceStatistics {
    let (buffers, compressed_buffers) = match &info.all_buffers {
        Some(buffers) => (buffers.total, Some(buffers.compressed)),
        None => (u64::from(info.logfile.buffers_written), None),
    };
    TraceStatistics {
        buffers,
        compressed_buffers,
        records: totals.records,
        hooks: totals.hooks.clone(),
        providers: totals.providers.clone(),
        messages: totals.messages,
        pool_allocs: totals.pool_allocs,
        pool_frees: totals.pool_frees,
        pool_rundown_records: totals.pool_rundown_records,
        stack_records: totals.stack_records,
        stack_definitions: totals.stack_definitions,
        stacks: StackStatistics {
            matched: totals.matched_stacks + late.matched,
            unmatched: totals.unmatched_stacks + late.unmatched,
            ..stacks
        },
    }
}
