//! The last step: columns of all shards become the columns of the trace, in the order of allocation, and the trace is
//! frozen. Each shard's memory is given back as soon as it has been copied.

use super::LoadOptions;
use super::clock::{self, Shown};
use super::origin::Origin;
use super::pair::{End, ExtraRow, Paired};
use super::recorded::{self, Recording};
use super::shard::{EventColumns, Shard, UNCERTAIN};
use super::stacks::Joined;
use super::system::Facts;
use super::verdicts;
use crate::trace::Trace;
use crate::trace::allocation::{AllocationTable, flag};
use crate::trace::attributes::{EventAttributes, AttributesTable};
use crate::trace::ids::{AttributesId, StackId};
use crate::trace::summary::TraceStatistics;
use crate::trace::time::{Ticks, TimeRange};
use poolscope_base::progress::{CancelToken, Cancelled};
use poolscope_etl::diagnostics::{Diagnostics, DiagnosticKind};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// Freezes everything into a trace.
///
/// # Errors
/// Cancelled.
pub fn assemble(
    origin: &Origin,
    mut shards: Vec<Shard>,
    facts: Facts,
    joined: Joined,
    mut contexts: AttributesTable,
    paired: Paired,
    (options, cancel): (LoadOptions, &CancelToken),
) -> Result<Trace, Cancelled> {
    let mut clock_anomalies = Diagnostics::default();
    let second = clock::named(&origin.logfile).ticks_per_second as i64;
    let recording = Recording::new(shards.iter().flat_map(|s| s.spans.iter().copied()), second, &mut clock_anomalies);
    let checked = clock::check(origin, shown(origin, &recording, &shards));
    if checked.is_doubtful && origin.diagnostics.count(DiagnosticKind::HeaderClock) == 0 {
        clock_anomalies.add(DiagnosticKind::HeaderClock, 1);
    }
    let clock = checked.clock;
    let extent = extent(&shards, checked.end, recording.last());
    let census = census(origin, &shards, &joined);
    let mut diagnostics = origin.diagnostics.clone();
    for shard in &shards {
        diagnostics.merge(&shard.diagnostics);
    }
    diagnostics.merge(&joined.diagnostics);
    diagnostics.merge(&paired.diagnostics);
    diagnostics.merge(&clock_anomalies);
    let first_time = shards.iter().filter_map(|s| s.first_time).min();
    let is_wrapped = verdicts::has_wrapped(origin, first_time, &clock, extent.to);
    let recorded = recorded::recorded_range(&recording, origin, &checked, is_wrapped, cancel)?;
    let headers = shards.iter().map(|s| s.census.headers).sum();
    let allocations = columns(&mut shards, paired, &mut contexts);
    let mut trace = Trace {
        summary: facts.summary,
        clock,
        extent,
        recorded,
        allocations,
        contexts,
        stacks: joined.stacks,
        modules: facts.modules,
        processes: facts.processes,
        pool_rundown: facts.snapshots,
        statistics: census,
        diagnostics,
    };
    verdicts::add(&mut trace, origin, verdicts::Found { is_wrapped, headers }, options);
    Ok(trace)
}

/// What the records show of the clock.
fn shown(origin: &Origin, recording: &Recording, shards: &[Shard]) -> Shown {
    let kernel = recording.last();
    let last = kernel.or_else(|| shards.iter().filter_map(|s| s.last_other_time).max());
    let header = &origin.logfile;
    let found = origin.buffers.map_or(0, |buffers| buffers.total);
    let written_times =
        if header.is_circular() || found == 0 { 1.0 } else { f64::from(header.buffers_written) / found as f64 };
    Shown { last, has_kernel: kernel.is_some(), is_whole: recorded::has_all_buffers(origin), written_times }
}

/// From time zero, or the first pool event before it, to the end that the header gives, or the last event after it.
/// Without an end in the header that can be believed, the last kernel record stands for it: merges inject records with later
/// times.
fn extent(shards: &[Shard], header_end: Option<Ticks>, last_kernel: Option<Ticks>) -> TimeRange {
    let pool = shards.iter().filter_map(|s| s.pool_times);
    let first_pool = pool.clone().map(|t| t.0).min();
    let last_pool = pool.map(|t| t.1).max();
    let end = header_end.or(last_kernel);
    let from = first_pool.unwrap_or(Ticks(0)).min(Ticks(0));
    TimeRange { from, to: end.max(last_pool).unwrap_or(Ticks(0)).max(Ticks(0)) }
}

fn census(origin: &Origin, shards: &[Shard], joined: &Joined) -> TraceStatistics {
    let (buffers, compressed_buffers) = match &origin.buffers {
        Some(buffers) => (buffers.total, Some(buffers.compressed)),
        None => (u64::from(origin.logfile.buffers_written), None),
    };
    let mut census = TraceStatistics { buffers, compressed_buffers, stacks: joined.census, ..TraceStatistics::default() };
    for shard in shards {
        let part = &shard.census;
        census.records += part.records;
        census.messages += part.messages;
        census.pool_rundown_records += part.snapshots;
        census.stack_records += part.stack_records;
        census.stack_definitions += part.stack_definitions;
        census.pool_allocs += shard.allocs.len() as u64;
        census.pool_frees += shard.frees.size.len() as u64;
        for (&hook, &count) in &part.hooks {
            *census.hooks.entry(hook).or_default() += count;
        }
        for (&guid, &count) in &part.providers {
            *census.providers.entry(guid).or_default() += count;
        }
    }
    census
}

fn columns(shards: &mut [Shard], mut paired: Paired, contexts: &mut AttributesTable) -> AllocationTable {
    let total = paired.ends.len() + paired.extra.len();
    // Events go from here on: only the allocations' columns are left to copy.
    for shard in shards.iter_mut() {
        shard.frees = EventColumns::default();
    }
    // Among blocks from before the trace the free decides.
    paired.extra.par_sort_by_key(|row| (row.alloc_time, row.free_time));
    let allocators = unknown_allocators(&paired.extra, contexts);
    let extra = &paired.extra;
    let alloc_time = gather(shards, total, |c| &mut c.time, extra, |row| row.alloc_time);
    let order = by_time(&alloc_time);
    let alloc_time = order.apply(alloc_time);
    let address = order.apply(gather(shards, total, |c| &mut c.address, extra, |row| row.address));
    let size = order.apply(gather(shards, total, |c| &mut c.size, extra, |row| row.size));
    let allocator = |row: &ExtraRow| allocators.get(&row.context).unwrap_or(&row.context).0;
    let alloc_attributes = order.apply(gather(shards, total, |c| &mut c.context, extra, allocator));
    let ends = &paired.ends;
    let mut flags = ended(ends, End::flags, extra, |row| row.flags);
    let alloc_stack = if shards.iter().all(|s| s.allocs.stack.is_empty()) && extra.iter().all(|e| e.stack.0 == 0) {
        vec![StackId::EMPTY; total]
    } else {
        // A block whose allocation was not seen has no allocation stack: the stack of its free is no stand-in.
        let mut stacks = gather(shards, total, |c| &mut c.stack, extra, |_| StackId::EMPTY.0);
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
        free_time: order.apply(ended(ends, End::time, extra, |row| row.free_time)),
        free_attributes: order.apply(ended(ends, End::context, extra, |row| row.context)),
        free_stack: order.apply(ended(ends, End::stack, extra, |row| row.stack)),
        flags: order.apply(flags),
    }
}

/// What is known of who allocated the blocks whose allocation was not seen, by what their frees say: the pool, but not the
/// process, thread and processor, which are those of the free.
fn unknown_allocators(extra: &[ExtraRow], contexts: &mut AttributesTable) -> FxHashMap<AttributesId, AttributesId> {
    let mut of_free: FxHashMap<AttributesId, AttributesId> = FxHashMap::default();
    let mut known: FxHashMap<EventAttributes, AttributesId> = FxHashMap::default();
    for row in extra {
        if of_free.contains_key(&row.context) {
            continue;
        }
        let Some(context) = contexts.get(row.context).map(|context| context.with_unknown_allocator()) else { continue };
        let id = *known.entry(context).or_insert_with(|| contexts.push(context));
        of_free.insert(row.context, id);
    }
    of_free
}

/// Where each row of the table comes from: the position in the joined columns, or nothing if they are in order already.
struct RowOrder(Option<Vec<u32>>);

/// Rows by time, equal ones as they are. The columns of the file are nearly in this order: each processor's buffers
/// are, and they come one after the other.
fn by_time(times: &[Ticks]) -> RowOrder {
    if times.is_sorted() {
        return RowOrder(None);
    }
    // Times beside the rows: sorting rows alone would look far away at every comparison.
    let mut timed: Vec<(Ticks, u32)> = times.par_iter().zip(0..times.len() as u32).map(|(t, r)| (*t, r)).collect();
    timed.par_sort_unstable();
    RowOrder(Some(timed.into_par_iter().map(|t| t.1).collect()))
}

impl RowOrder {
    fn apply<T: Copy + Send + Sync>(&self, column: Vec<T>) -> Vec<T> {
        match &self.0 {
            Some(rows) => rows.par_iter().map(|row| column[*row as usize]).collect(),
            None => column,
        }
    }
}

/// One column of how the allocations ended, then of the blocks that no allocation event began.
fn ended<T: Send>(
    ends: &[End],
    of_end: impl Fn(&End) -> T + Sync + Send,
    extra: &[ExtraRow],
    of_extra: impl Fn(&ExtraRow) -> T,
) -> Vec<T> {
    let mut column = Vec::with_capacity(ends.len() + extra.len());
    ends.par_iter().map(of_end).collect_into_vec(&mut column);
    column.extend(extra.iter().map(of_extra));
    column
}

/// One column of all shards, then of the blocks that no allocation event began.
fn gather<T: Copy>(
    shards: &mut [Shard],
    total: usize,
    column: impl Fn(&mut EventColumns) -> &mut Vec<T>,
    extra: &[ExtraRow],
    of_extra: impl Fn(&ExtraRow) -> T,
) -> Vec<T> {
    let mut joined = Vec::with_capacity(total);
    for shard in shards.iter_mut() {
        joined.append(column(&mut shard.allocs));
        *column(&mut shard.allocs) = Vec::new();
    }
    joined.extend(extra.iter().map(of_extra));
    joined
}

/// Plain numbers to handles, in place.
fn ids<T>(numbers: Vec<u32>, handle: impl Fn(u32) -> T) -> Vec<T> {
    numbers.into_iter().map(handle).collect()
}
