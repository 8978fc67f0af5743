//! Freezing: the columns of all shards become those of the allocation table, sorted by allocation time, and all tables become
//! the trace. The memory of each shard is freed as soon as it is copied.

use super::LoadOptions;
use super::consistency::{self, RecordEvidence, RecordFacts};
use super::pair::{AllocationEnd, PairedEvents, UnrecordedAllocation};
use super::recorded_range::{self, Recording};
use super::resolve_stacks::ResolvedStacks;
use super::session::SessionInfo;
use super::shard::{EventColumns, Shard, UNCERTAIN};
use super::system_events::SystemInfo;
use crate::trace::Trace;
use crate::trace::allocation::{AllocationTable, flag};
use crate::trace::attributes::{AttributesTable, EventAttributes};
use crate::trace::ids::{AttributesId, StackId};
use crate::trace::summary::TraceStatistics;
use crate::trace::time::{Ticks, TimeRange};
use poolscope_base::progress::{CancelToken, Cancelled};
use poolscope_etl::diagnostics::{DiagnosticKind, Diagnostics};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// Makes a trace of the results of all phases.
///
/// # Errors
/// Cancelled.
pub fn freeze(
    info: &SessionInfo,
    mut shards: Vec<Shard>,
    system: SystemInfo,
    resolved: ResolvedStacks,
    mut attributes: AttributesTable,
    paired: PairedEvents,
    (options, cancel): (LoadOptions, &CancelToken),
) -> Result<Trace, Cancelled> {
    let mut clock_diagnostics = Diagnostics::default();
    let second = consistency::header_clock(&info.logfile).ticks_per_second as i64;
    let recording = Recording::new(shards.iter().flat_map(|s| s.spans.iter().copied()), second, &mut clock_diagnostics);
    let checked = consistency::check_clock(info, record_evidence(info, &recording, &shards));
    if checked.is_doubtful && info.diagnostics.count(DiagnosticKind::HeaderClock) == 0 {
        clock_diagnostics.add(DiagnosticKind::HeaderClock, 1);
    }
    let clock = checked.clock;
    let extent = extent(&shards, checked.end, recording.last());
    let statistics = statistics(info, &shards, &resolved);
    let mut diagnostics = info.diagnostics.clone();
    for shard in &shards {
        diagnostics.merge(&shard.diagnostics);
    }
    diagnostics.merge(&resolved.diagnostics);
    diagnostics.merge(&paired.diagnostics);
    diagnostics.merge(&clock_diagnostics);
    let first_time = shards.iter().filter_map(|s| s.first_time).min();
    let is_wrapped = consistency::has_wrapped(info, first_time, &clock, extent.to);
    let recorded = recorded_range::recorded_range(&recording, info, &checked, is_wrapped, cancel)?;
    let headers = shards.iter().map(|s| s.statistics.headers).sum();
    let allocations = columns(&mut shards, paired, &mut attributes);
    let mut trace = Trace {
        summary: system.summary,
        clock,
        extent,
        recorded,
        allocations,
        attributes,
        stacks: resolved.stacks,
        modules: system.modules,
        processes: system.processes,
        pool_rundown: system.pool_rundown,
        statistics,
        diagnostics,
    };
    consistency::add_diagnostics(&mut trace, info, RecordFacts { is_wrapped, headers }, options);
    Ok(trace)
}

/// Facts from the records that the clock of the header is checked against.
fn record_evidence(info: &SessionInfo, recording: &Recording, shards: &[Shard]) -> RecordEvidence {
    let kernel = recording.last();
    let last = kernel.or_else(|| shards.iter().filter_map(|s| s.last_other_time).max());
    let header = &info.logfile;
    let found = info.buffers.map_or(0, |buffers| buffers.total);
    let written_times =
        if header.is_circular() || found == 0 { 1.0 } else { f64::from(header.buffers_written) / found as f64 };
    RecordEvidence {
        last,
        has_kernel: kernel.is_some(),
        is_whole: recorded_range::has_all_buffers(info),
        written_times,
    }
}

/// Time range of the whole trace: from time zero, or the first pool event before it, to the end in the header, or the last pool
/// event after it. Without a plausible end in the header, the last kernel record is the end, since merges inject records of other
/// providers with later times.
fn extent(shards: &[Shard], header_end: Option<Ticks>, last_kernel: Option<Ticks>) -> TimeRange {
    let pool = shards.iter().filter_map(|s| s.pool_times);
    let first_pool = pool.clone().map(|t| t.0).min();
    let last_pool = pool.map(|t| t.1).max();
    let end = header_end.or(last_kernel);
    let from = first_pool.unwrap_or(Ticks(0)).min(Ticks(0));
    TimeRange { from, to: end.max(last_pool).unwrap_or(Ticks(0)).max(Ticks(0)) }
}

/// Numbers of records and buffers of the whole file.
fn statistics(info: &SessionInfo, shards: &[Shard], resolved: &ResolvedStacks) -> TraceStatistics {
    let (buffers, compressed_buffers) = match &info.buffers {
        Some(buffers) => (buffers.total, Some(buffers.compressed)),
        None => (u64::from(info.logfile.buffers_written), None),
    };
    let mut statistics =
        TraceStatistics { buffers, compressed_buffers, stacks: resolved.statistics, ..TraceStatistics::default() };
    for shard in shards {
        let part = &shard.statistics;
        statistics.records += part.records;
        statistics.messages += part.messages;
        statistics.pool_rundown_records += part.pool_rundown_records;
        statistics.stack_records += part.stack_records;
        statistics.stack_definitions += part.stack_definitions;
        statistics.pool_allocs += shard.allocs.len() as u64;
        statistics.pool_frees += shard.frees.size.len() as u64;
        for (&hook, &count) in &part.hooks {
            *statistics.hooks.entry(hook).or_default() += count;
        }
        for (&guid, &count) in &part.providers {
            *statistics.providers.entry(guid).or_default() += count;
        }
    }
    statistics
}

/// The allocation table from the columns of all shards.
fn columns(shards: &mut [Shard], mut paired: PairedEvents, attributes: &mut AttributesTable) -> AllocationTable {
    let total = paired.ends.len() + paired.unrecorded.len();
    // Of the shards, only the allocation columns are still needed.
    for shard in shards.iter_mut() {
        shard.frees = EventColumns::default();
    }
    // Allocations from before the trace are sorted by free time.
    paired.unrecorded.par_sort_by_key(|row| (row.alloc_time, row.free_time));
    let allocators = unknown_allocators(&paired.unrecorded, attributes);
    let unrecorded = &paired.unrecorded;
    let alloc_time = alloc_column(shards, total, |c| &mut c.time, unrecorded, |row| row.alloc_time);
    let order = by_time(&alloc_time);
    let alloc_time = order.apply(alloc_time);
    let address = order.apply(alloc_column(shards, total, |c| &mut c.address, unrecorded, |row| row.address));
    let size = order.apply(alloc_column(shards, total, |c| &mut c.size, unrecorded, |row| row.size));
    let allocator = |row: &UnrecordedAllocation| allocators.get(&row.attributes).unwrap_or(&row.attributes).0;
    let alloc_attributes = order.apply(alloc_column(shards, total, |c| &mut c.attributes, unrecorded, allocator));
    let ends = &paired.ends;
    let mut flags = end_column(ends, AllocationEnd::flags, unrecorded, |row| row.flags);
    let alloc_stack = if shards.iter().all(|s| s.allocs.stack.is_empty()) && unrecorded.iter().all(|e| e.stack.0 == 0) {
        vec![StackId::EMPTY; total]
    } else {
        // Allocations that were not recorded have no allocation stack; their free stack does not replace it.
        let mut stacks = alloc_column(shards, total, |c| &mut c.stack, unrecorded, |_| StackId::EMPTY.0);
        stacks.par_iter_mut().zip(&mut flags).filter(|(stack, _)| **stack & UNCERTAIN != 0).for_each(
            |(stack, flags)| {
                *stack &= !UNCERTAIN;
                *flags |= flag::UNCERTAIN_ALLOCATION_STACK;
            },
        );
        ids(order.apply(stacks), StackId)
    };
    AllocationTable {
        alloc_time,
        size,
        address,
        alloc_attributes: ids(alloc_attributes, AttributesId),
        alloc_stack,
        free_time: order.apply(end_column(ends, AllocationEnd::time, unrecorded, |row| row.free_time)),
        free_attributes: order.apply(end_column(ends, AllocationEnd::attributes, unrecorded, |row| row.attributes)),
        free_stack: order.apply(end_column(ends, AllocationEnd::stack, unrecorded, |row| row.stack)),
        flags: order.apply(flags),
    }
}

/// Attributes of allocations that were not recorded, by the attributes of their frees: with the same pool and an unknown process,
/// thread and processor.
fn unknown_allocators(
    unrecorded: &[UnrecordedAllocation],
    attributes: &mut AttributesTable,
) -> FxHashMap<AttributesId, AttributesId> {
    let mut of_free: FxHashMap<AttributesId, AttributesId> = FxHashMap::default();
    let mut known: FxHashMap<EventAttributes, AttributesId> = FxHashMap::default();
    for row in unrecorded {
        if of_free.contains_key(&row.attributes) {
            continue;
        }
        let Some(own) = attributes.get(row.attributes).map(|of_free| of_free.with_unknown_allocator()) else {
            continue;
        };
        let id = *known.entry(own).or_insert_with(|| attributes.push(own));
        of_free.insert(row.attributes, id);
    }
    of_free
}

/// Order of the rows of the table: their positions in the joined columns; `None` if these are sorted already.
struct RowOrder(Option<Vec<u32>>);

/// Order by time; rows of one tick keep their order.
fn by_time(times: &[Ticks]) -> RowOrder {
    if times.is_sorted() {
        return RowOrder(None);
    }
    // Pairs of time and row: sorting rows alone would read distant memory at every comparison.
    let mut timed: Vec<(Ticks, u32)> = times.par_iter().zip(0..times.len() as u32).map(|(t, r)| (*t, r)).collect();
    timed.par_sort_unstable();
    RowOrder(Some(timed.into_par_iter().map(|t| t.1).collect()))
}

impl RowOrder {
    /// Sorts a column.
    fn apply<T: Copy + Send + Sync>(&self, column: Vec<T>) -> Vec<T> {
        match &self.0 {
            Some(rows) => rows.par_iter().map(|row| column[*row as usize]).collect(),
            None => column,
        }
    }
}

/// A column of the ends of allocations, followed by allocations that were not recorded.
fn end_column<T: Send>(
    ends: &[AllocationEnd],
    of_end: impl Fn(&AllocationEnd) -> T + Sync + Send,
    unrecorded: &[UnrecordedAllocation],
    of_unrecorded: impl Fn(&UnrecordedAllocation) -> T,
) -> Vec<T> {
    let mut column = Vec::with_capacity(ends.len() + unrecorded.len());
    ends.par_iter().map(of_end).collect_into_vec(&mut column);
    column.extend(unrecorded.iter().map(of_unrecorded));
    column
}

/// A column of the allocation events of all shards, followed by allocations that were not recorded.
fn alloc_column<T: Copy>(
    shards: &mut [Shard],
    total: usize,
    column: impl Fn(&mut EventColumns) -> &mut Vec<T>,
    unrecorded: &[UnrecordedAllocation],
    of_unrecorded: impl Fn(&UnrecordedAllocation) -> T,
) -> Vec<T> {
    let mut joined = Vec::with_capacity(total);
    for shard in shards.iter_mut() {
        joined.append(column(&mut shard.allocs));
        *column(&mut shard.allocs) = Vec::new();
    }
    joined.extend(unrecorded.iter().map(of_unrecorded));
    joined
}

/// Converts numbers to handles.
fn ids<T>(numbers: Vec<u32>, handle: impl Fn(u32) -> T) -> Vec<T> {
    numbers.into_iter().map(handle).collect()
}
