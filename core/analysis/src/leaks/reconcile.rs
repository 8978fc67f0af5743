//! The pool's counters compared with the events: what the pool rundown at both ends of a recording counts for each tag, and what the
//! events between them add up to. Figures of the trace are not changed.

use super::limits::{MIN_BUSY_TAG_EVENTS, MIN_FILTERED_SHARE};
use crate::group::aggregate::Total;
use crate::group::parallel::{CHUNK_ROWS, Cancel, Cancelled, fold_rows, not_cancelled, worker_chunks};
use crate::trace::Trace;
use crate::trace::attributes::{EventAttributes, Tag};
use crate::trace::ids::AttributesId;
use crate::trace::summary::{BigPoolAllocation, PoolUsage, RundownPhase, TagUsage};
use crate::trace::time::Ticks;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Outstanding allocations of one tag in one pool at the start of the recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TagBaseline {
    /// The tag.
    pub tag: Tag,
    /// Paged pool.
    pub is_paged: bool,
    /// Session, for session pool.
    pub session: Option<u32>,
    /// The allocations. Where the counters were not recorded, those of the big pool alone.
    pub allocations: Total,
}

/// Counters and events of one tag in one pool between the two snapshots of the rundown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TagBalance {
    /// The tag.
    pub tag: Tag,
    /// Paged pool.
    pub is_paged: bool,
    /// Session, for session pool.
    pub session: Option<u32>,
    /// Bytes in use at the start snapshot.
    pub start_bytes: u64,
    /// Bytes in use at the stop snapshot.
    pub stop_bytes: u64,
    /// The start snapshot lists the tag. A tag that it does not list had no bytes in use, but its counters may not have been zero, so
    /// that the difference of the counters is not known.
    pub is_counted: bool,
    /// Allocations by the counters; 0 unless [`Self::is_counted`].
    pub counted_allocs: u64,
    /// Frees by the counters; 0 unless [`Self::is_counted`].
    pub counted_frees: u64,
    /// Allocation events.
    pub recorded_allocs: u64,
    /// Free events.
    pub recorded_frees: u64,
    /// Bytes allocated less bytes freed by the events.
    pub recorded_growth_bytes: i64,
}

impl TagBalance {
    /// Growth from snapshot to snapshot, in bytes.
    #[must_use]
    pub fn counted_growth_bytes(&self) -> i64 {
        self.stop_bytes as i64 - self.start_bytes as i64
    }

    /// Allocations and frees by the counters.
    #[must_use]
    pub fn counted_events(&self) -> u64 {
        self.counted_allocs + self.counted_frees
    }

    /// Counted allocations and frees that were recorded. Surplus events of one kind do not make up for missing ones of the other.
    #[must_use]
    pub fn recorded_events(&self) -> u64 {
        self.recorded_allocs.min(self.counted_allocs) + self.recorded_frees.min(self.counted_frees)
    }

    /// Difference between counters and events, in allocations and frees.
    #[must_use]
    pub fn event_difference(&self) -> u64 {
        if !self.is_counted {
            return 0;
        }
        self.recorded_allocs.abs_diff(self.counted_allocs) + self.recorded_frees.abs_diff(self.counted_frees)
    }
}

/// Allocations and frees of the big pool by its lists in the two snapshots, and by the events.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BigPoolBalance {
    /// Allocations that only the stop snapshot lists.
    pub allocated: u64,
    /// Number of these that were recorded.
    pub allocated_recorded: u64,
    /// Allocations that only the start snapshot lists.
    pub freed: u64,
    /// Number of these that have a recorded free.
    pub freed_recorded: u64,
}

/// Comparison of the pool's counters with the events.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Reconciliation {
    /// The start snapshot, by tag, pool and session.
    pub baseline: Vec<TagBaseline>,
    /// Time of the start snapshot.
    pub baseline_at: Option<Ticks>,
    /// Tags in both snapshots, those with the largest difference first; empty without the stop snapshot.
    pub tags: Vec<TagBalance>,
    /// The big pool, where both snapshots list it.
    pub big_pool: Option<BigPoolBalance>,
    /// Share of the counted allocations and frees that were recorded, 0 to 1; with a tag filter, of the tags that have events. 1
    /// where there is nothing to compare.
    pub recorded_share: f64,
    /// Tags with enough counted allocations and frees that some event must have been recorded.
    pub busy_tags: u64,
    /// Number of these without any event.
    pub tags_without_events: u64,
}

impl Reconciliation {
    /// Returns `true` if there were two snapshots to compare.
    #[must_use]
    pub fn is_compared(&self) -> bool {
        !self.tags.is_empty() || self.big_pool.is_some()
    }

    /// Returns `true` if the recording was limited to some tags.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        is_filtered(self.busy_tags, self.tags_without_events)
    }

    /// Bytes of a pool at the start snapshot; `None` without the snapshot.
    #[must_use]
    pub fn pool_start_bytes(&self, paged: bool) -> Option<u64> {
        self.baseline_at?;
        Some(self.baseline.iter().filter(|row| row.is_paged == paged).map(|row| row.allocations.bytes).sum())
    }

    /// Bytes of a pool at a moment: those of the start snapshot and the events from there. `None` without the snapshot.
    #[must_use]
    pub(super) fn pool_bytes_at(&self, trace: &Trace, paged: bool, at: Ticks, cancel: Cancel<'_>) -> Option<u64> {
        let (from, start) = (self.baseline_at?, self.pool_start_bytes(paged)?);
        let is_of_pool: Vec<bool> =
            trace.attributes.rows().iter().map(|attributes| attributes.pool_type.is_paged() == paged).collect();
        let is_in_pool = |id: AttributesId| is_of_pool.get(id.index()).copied().unwrap_or(false);
        let (first, last) = (from.min(at), from.max(at));
        let is_between = |time: Ticks| time > first && time <= last;
        let table = &trace.allocations;
        let is_allocated = |row: &usize| table.is_allocation_recorded(*row) && is_in_pool(table.alloc_attributes[*row]);
        let allocated = table.rows_allocated_by(first)..table.rows_allocated_by(last);
        let allocated: i64 = allocated.into_par_iter().filter(is_allocated).map(|row| table.size.at(row) as i64).sum();
        let freed = table.free_time.par_chunks(CHUNK_ROWS).enumerate().map(|(chunk, times)| -> i64 {
            if cancel() {
                return 0;
            }
            let rows = times.iter().zip(chunk * CHUNK_ROWS..).filter(|(time, _)| is_between(**time));
            let rows = rows.filter(|(_, row)| is_in_pool(table.free_attributes[*row]));
            rows.map(|(_, row)| table.size.at(row) as i64).sum()
        });
        let change = allocated - freed.sum::<i64>();
        Some(start.saturating_add_signed(if from <= at { change } else { -change }))
    }
}

/// Returns `true` if enough of the busy tags have no events to conclude that a filter left them out.
fn is_filtered(busy_tags: u64, tags_without_events: u64) -> bool {
    tags_without_events > 0 && tags_without_events as f64 >= MIN_FILTERED_SHARE * busy_tags as f64
}

/// Counters of one tag in one pool of one session at both snapshots, with the times of these.
#[derive(Clone, Copy, Default)]
struct TagSnapshots {
    start: Option<(Ticks, PoolUsage)>,
    stop: Option<(Ticks, PoolUsage)>,
}

/// Tag, paged pool, session.
type TagPoolKey = (Tag, bool, Option<u32>);

/// A balance and the times of its two snapshots.
type TimedBalance = (TagBalance, [Ticks; 2]);

/// Compares the pool rundown of a trace with its events; `None` without a rundown.
#[must_use]
pub fn reconcile(trace: &Trace) -> Option<Reconciliation> {
    Reconciliation::of_trace(trace, &not_cancelled).unwrap_or_default()
}

impl Reconciliation {
    /// [`reconcile`] until it is cancelled.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn of_trace(trace: &Trace, cancel: Cancel<'_>) -> Result<Option<Self>, Cancelled> {
        let (tags, big_pool) = (&trace.pool_rundown.tags, &trace.pool_rundown.big);
        let is_start = |phase: RundownPhase| phase == RundownPhase::Start;
        let tag_times = tags.iter().filter(|row| is_start(row.phase)).map(|row| row.time);
        let big_times = big_pool.iter().filter(|row| is_start(row.phase)).map(|row| row.time);
        let baseline_at = tag_times.clone().chain(big_times).min();
        let mut phases = tags.iter().map(|row| row.phase).chain(big_pool.iter().map(|row| row.phase));
        if baseline_at.is_none() && phases.all(is_start) {
            return Ok(None);
        }
        let snapshots = outermost_snapshots(tags);
        let mut balances = tag_balances(&snapshots, tags);
        count_events(trace, &mut balances, cancel)?;
        let (busy_tags, tags_without_events) = count_busy_tags(&balances);
        let big_pool_balance = big_pool_balance(trace, cancel)?;
        let recorded_share = recorded_share(&balances, big_pool_balance, is_filtered(busy_tags, tags_without_events));
        let mut tags: Vec<TagBalance> = balances.iter().map(|row| row.0).collect();
        tags.sort_by_key(|row| (std::cmp::Reverse(row.event_difference()), row.tag, row.is_paged, row.session));
        Ok(Some(Self {
            baseline: if tag_times.count() > 0 { tag_baseline(&snapshots) } else { big_pool_baseline(big_pool) },
            baseline_at,
            tags,
            big_pool: big_pool_balance,
            recorded_share,
            busy_tags,
            tags_without_events,
        }))
    }
}

/// Computes [`Reconciliation::recorded_share`]: by the tags, or where they have no counted events, by the big pool.
fn recorded_share(balances: &[TimedBalance], big_pool: Option<BigPoolBalance>, is_filtered: bool) -> f64 {
    // With a tag filter, tags without events say nothing about the others.
    let has_events = |row: &TagBalance| row.recorded_allocs + row.recorded_frees > 0;
    let compared = || balances.iter().map(|row| &row.0).filter(|row| !is_filtered || has_events(row));
    let counted: u64 = compared().map(TagBalance::counted_events).sum();
    let recorded: u64 = compared().map(TagBalance::recorded_events).sum();
    match (counted, big_pool) {
        (1.., _) => recorded as f64 / counted as f64,
        (0, Some(big)) if big.allocated + big.freed > 0 => {
            (big.allocated_recorded + big.freed_recorded) as f64 / (big.allocated + big.freed) as f64
        }
        _ => 1.0,
    }
}

/// The first start and the last stop snapshot of each tag. Rows of the same time are parts of one snapshot: a tag that is listed
/// twice, once with the protected bit, is one tag.
fn outermost_snapshots(rows: &[TagUsage]) -> BTreeMap<TagPoolKey, TagSnapshots> {
    let mut snapshots: BTreeMap<TagPoolKey, TagSnapshots> = BTreeMap::new();
    for row in rows {
        for (paged, usage) in [(false, row.nonpaged), (true, row.paged)] {
            let of_tag = snapshots.entry((row.tag, paged, row.session)).or_default();
            let is_start = row.phase == RundownPhase::Start;
            let known = if is_start { &mut of_tag.start } else { &mut of_tag.stop };
            match known {
                Some((time, sum)) if *time == row.time => {
                    sum.allocs = sum.allocs.wrapping_add(usage.allocs);
                    sum.frees = sum.frees.wrapping_add(usage.frees);
                    sum.used_bytes = sum.used_bytes.saturating_add(usage.used_bytes);
                }
                Some((time, _)) if is_start == (*time < row.time) => {}
                _ => *known = Some((row.time, usage)),
            }
        }
    }
    snapshots
}

fn tag_baseline(snapshots: &BTreeMap<TagPoolKey, TagSnapshots>) -> Vec<TagBaseline> {
    let rows = snapshots.iter().filter_map(|(&(tag, paged, session), snapshots)| {
        let usage = snapshots.start?.1;
        let count = u64::from(usage.allocs.wrapping_sub(usage.frees));
        let allocations = Total { count, bytes: usage.used_bytes };
        (allocations.bytes > 0).then_some(TagBaseline { tag, is_paged: paged, session, allocations })
    });
    rows.collect()
}

/// Balances of the tags that can be compared, still without events. A tag that only the stop snapshot lists had nothing in use at the
/// start. A tag that only the start snapshot lists cannot be compared: its session has ended.
fn tag_balances(snapshots: &BTreeMap<TagPoolKey, TagSnapshots>, rows: &[TagUsage]) -> Vec<TimedBalance> {
    let start_times = |session: Option<Option<u32>>| {
        let starts = rows.iter().filter(|row| row.phase == RundownPhase::Start);
        starts.filter(move |row| session.is_none_or(|session| row.session == session)).map(|row| row.time)
    };
    let Some(first_start) = start_times(None).min() else { return Vec::new() };
    let balance = |(&(tag, paged, session), snapshots): (&TagPoolKey, &TagSnapshots)| {
        let (stop_time, stop) = snapshots.stop?;
        let is_counted = snapshots.start.is_some();
        let (start_time, start) = snapshots
            .start
            .unwrap_or_else(|| (start_times(Some(session)).min().unwrap_or(first_start), PoolUsage::default()));
        if stop == PoolUsage::default() && start == stop {
            return None;
        }
        let balance = TagBalance {
            tag,
            is_paged: paged,
            session,
            start_bytes: start.used_bytes,
            stop_bytes: stop.used_bytes,
            is_counted,
            counted_allocs: if is_counted { u64::from(stop.allocs.wrapping_sub(start.allocs)) } else { 0 },
            counted_frees: if is_counted { u64::from(stop.frees.wrapping_sub(start.frees)) } else { 0 },
            recorded_allocs: 0,
            recorded_frees: 0,
            recorded_growth_bytes: 0,
        };
        Some((balance, [start_time, stop_time]))
    };
    snapshots.iter().filter_map(balance).collect()
}

/// Sums of the events of one balance.
#[derive(Clone, Copy, Default)]
struct RecordedEvents {
    allocs: u64,
    frees: u64,
    growth: i64,
}

impl RecordedEvents {
    fn merge(&mut self, other: Self) {
        self.allocs += other.allocs;
        self.frees += other.frees;
        self.growth += other.growth;
    }
}

/// Adds the events between the two snapshots to each balance.
fn count_events(trace: &Trace, balances: &mut [TimedBalance], cancel: Cancel<'_>) -> Result<(), Cancelled> {
    let index_of: FxHashMap<TagPoolKey, usize> =
        balances.iter().enumerate().map(|(at, (row, _))| ((row.tag, row.is_paged, row.session), at)).collect();
    let balance_of = |attributes: &EventAttributes| {
        let key = (attributes.tag, attributes.pool_type.is_paged(), session_of(attributes));
        index_of.get(&key).copied()
    };
    let of_attributes: Vec<Option<usize>> = trace.attributes.rows().iter().map(balance_of).collect();
    let times: Vec<[Ticks; 2]> = balances.iter().map(|row| row.1).collect();
    let balance_at = |id: AttributesId, time: Ticks| {
        let at = of_attributes.get(id.index()).copied().flatten()?;
        let [start, stop] = times[at];
        (time > start && time <= stop).then_some(at)
    };
    let table = &trace.allocations;
    let no_events = || vec![RecordedEvents::default(); times.len()];
    let count_row = |sums: &mut Vec<RecordedEvents>, row: usize| {
        let size = table.size.at(row) as i64;
        if table.is_allocation_recorded(row)
            && let Some(at) = balance_at(table.alloc_attributes[row], table.alloc_time.at(row))
        {
            sums[at].allocs += 1;
            sums[at].growth += size;
        }
        if let Some(at) = balance_at(table.free_attributes[row], table.free_time[row]) {
            sums[at].frees += 1;
            sums[at].growth -= size;
        }
    };
    let sums = fold_rows(
        table.len(),
        worker_chunks(),
        cancel,
        no_events,
        |sums, rows| rows.for_each(|row| count_row(sums, row)),
        |mut sums, others| {
            sums.iter_mut().zip(others).for_each(|(sum, other)| sum.merge(other));
            sums
        },
    )?;
    for ((balance, _), events) in balances.iter_mut().zip(sums) {
        (balance.recorded_allocs, balance.recorded_frees) = (events.allocs, events.frees);
        balance.recorded_growth_bytes = events.growth;
    }
    Ok(())
}

/// Session of an event; `None` outside of session pool.
fn session_of(attributes: &EventAttributes) -> Option<u32> {
    (attributes.session != EventAttributes::NO_SESSION).then_some(attributes.session)
}

/// Number of busy tags, and of those without any event.
fn count_busy_tags(balances: &[TimedBalance]) -> (u64, u64) {
    // Counted and recorded events.
    let mut of_tag: BTreeMap<Tag, (u64, u64)> = BTreeMap::new();
    for (row, _) in balances {
        let sums = of_tag.entry(row.tag).or_default();
        sums.0 += row.counted_events();
        sums.1 += row.recorded_allocs + row.recorded_frees;
    }
    let busy = of_tag.values().filter(|sums| sums.0 >= MIN_BUSY_TAG_EVENTS);
    (busy.clone().count() as u64, busy.filter(|sums| sums.1 == 0).count() as u64)
}

/// The baseline by the first list of the big pool, where there are no counters.
fn big_pool_baseline(big_pool: &[BigPoolAllocation]) -> Vec<TagBaseline> {
    let mut sums: BTreeMap<TagPoolKey, Total> = BTreeMap::new();
    for row in big_pool.iter().filter(|row| row.phase == RundownPhase::Start) {
        sums.entry((row.tag, !row.nonpaged, row.session)).or_default().add(row.size_bytes);
    }
    let rows = sums.into_iter();
    rows.map(|((tag, paged, session), allocations)| TagBaseline { tag, is_paged: paged, session, allocations })
        .collect()
}

/// Compares the two lists of the big pool with the events; `None` unless there are two, or if the load left out
/// addresses.
fn big_pool_balance(trace: &Trace, cancel: Cancel<'_>) -> Result<Option<BigPoolBalance>, Cancelled> {
    const STOP_ONLY: [bool; 2] = [false, true];
    const START_ONLY: [bool; 2] = [true, false];
    if !trace.allocations.has_addresses() {
        return Ok(None);
    }
    let rows = &trace.pool_rundown.big;
    let times = |phase: RundownPhase| rows.iter().filter(move |row| row.phase == phase).map(|row| row.time);
    let (Some(start), Some(stop)) = (times(RundownPhase::Start).max(), times(RundownPhase::Stop).min()) else {
        return Ok(None);
    };
    // For each address and session, whether the start and the stop list have it.
    let mut is_listed: FxHashMap<(u64, Option<u32>), [bool; 2]> = FxHashMap::default();
    for row in rows {
        is_listed.entry((row.address, row.session)).or_default()[usize::from(row.phase == RundownPhase::Stop)] = true;
    }
    let table = &trace.allocations;
    let session = |row: usize| trace.attributes.get(table.alloc_attributes[row]).and_then(session_of);
    let min_size = rows.iter().map(|row| row.size_bytes).min().unwrap_or(0);
    let (before, until) = (table.rows_allocated_by(start), table.rows_allocated_by(stop.max(start)));
    let events_of = |(chunk, frees): (usize, &[Ticks])| {
        let mut events = Vec::new();
        if cancel() {
            return Err(Cancelled);
        }
        for (at, free) in frees.iter().enumerate() {
            let row = chunk * CHUNK_ROWS + at;
            let is_allocated = row >= before && *free > stop;
            let is_freed = row < before && *free > start && *free <= stop;
            if !(is_allocated || is_freed) || table.size.at(row) < min_size {
                continue;
            }
            let Some(address) = table.address.get(row) else { continue };
            let key = (address, session(row));
            if is_listed.get(&key) == Some(if is_allocated { &STOP_ONLY } else { &START_ONLY }) {
                events.push((key, is_allocated));
            }
        }
        Ok(events)
    };
    let chunks = table.free_time.get(..until).unwrap_or_default().par_chunks(CHUNK_ROWS).enumerate();
    let mut events = chunks.map(events_of).collect::<Result<Vec<_>, Cancelled>>()?.concat();
    // An address that was used twice counts once.
    events.sort_unstable();
    events.dedup();
    let allocated_recorded = events.iter().filter(|event| event.1).count() as u64;
    Ok(Some(BigPoolBalance {
        allocated: is_listed.values().filter(|listed| **listed == STOP_ONLY).count() as u64,
        allocated_recorded,
        freed: is_listed.values().filter(|listed| **listed == START_ONLY).count() as u64,
        freed_recorded: events.len() as u64 - allocated_recorded,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::test_util::{Block, block, trace as made};
    use crate::trace::summary::BigPoolAllocation;

    fn usage(allocs: u32, frees: u32, used_bytes: u64) -> PoolUsage {
        PoolUsage { allocs, frees, used_bytes }
    }

    fn row(end: RundownPhase, time: i64, tag: &[u8; 4], nonpaged: PoolUsage) -> TagUsage {
        TagUsage { phase: end, time: Ticks(time), session: None, tag: Tag(*tag), paged: PoolUsage::default(), nonpaged }
    }

    fn with(blocks: &[Block], tags: Vec<TagUsage>, big: Vec<BigPoolAllocation>) -> Trace {
        let mut trace = std::sync::Arc::into_inner(made(blocks)).unwrap();
        (trace.pool_rundown.tags, trace.pool_rundown.big) = (tags, big);
        trace
    }

    /// Five allocations from 100 on, the first two freed at 1,000 and 1,100, and a preexisting allocation freed at 500.
    fn blocks() -> Vec<Block> {
        let mut blocks: Vec<Block> =
            (0..5).map(|k| block(Some(100 + k), (k < 2).then_some(1000 + 100 * k), 10)).collect();
        blocks.push(block(None, Some(500), 7));
        for (at, block) in blocks.iter_mut().enumerate() {
            block.address += 64 * at as u64;
        }
        blocks
    }

    /// Reconciles after setting the attributes of frees, which test traces do not have, to those of the allocations.
    fn reconciled(mut trace: Trace) -> Reconciliation {
        let freed = trace.allocations.free_time.iter().map(|time| time.is_known()).collect::<Vec<_>>();
        for (row, freed) in freed.into_iter().enumerate() {
            if freed {
                trace.allocations.free_attributes[row] = trace.allocations.alloc_attributes[row];
            }
        }
        reconcile(&trace).unwrap()
    }

    #[test]
    fn counters_that_wrap_agree_with_complete_events() {
        let start = row(RundownPhase::Start, 10, b"Leak", usage(u32::MAX - 1, u32::MAX - 4, 21));
        let stop = row(RundownPhase::Stop, 9000, b"Leak", usage(3, u32::MAX - 1, 44));
        let result = reconciled(with(&blocks(), vec![start, stop], Vec::new()));
        let [balance] = result.tags[..] else { panic!("{result:?}") };
        assert_eq!((balance.counted_allocs, balance.counted_frees), (5, 3));
        assert_eq!((balance.recorded_allocs, balance.recorded_frees, balance.recorded_growth_bytes), (5, 3, 23));
        assert_eq!((balance.counted_growth_bytes(), balance.event_difference()), (23, 0));
        assert_eq!((result.recorded_share, result.is_compared(), result.is_filtered()), (1.0, true, false));
        assert_eq!(result.baseline[0].allocations, Total { count: 3, bytes: 21 });
        assert_eq!([false, true].map(|paged| result.pool_start_bytes(paged)), [Some(21), Some(0)]);
    }

    #[test]
    fn only_the_growth_of_a_tag_without_start_snapshot_is_known() {
        let rows = vec![
            row(RundownPhase::Start, 10, b"Else", usage(7, 7, 0)),
            row(RundownPhase::Stop, 9000, b"Else", usage(7, 7, 0)),
            row(RundownPhase::Stop, 9000, b"Leak", usage(5000, 4998, 30)),
        ];
        let result = reconciled(with(&blocks(), rows, Vec::new()));
        let balance = result.tags.iter().find(|row| row.tag == Tag(*b"Leak")).unwrap();
        assert!(!balance.is_counted && balance.event_difference() == 0);
        assert_eq!((balance.counted_events(), balance.counted_growth_bytes(), balance.recorded_allocs), (0, 30, 5));
        assert_eq!(result.recorded_share, 1.0);
    }

    #[test]
    fn only_events_between_the_snapshots_are_compared() {
        let start = row(RundownPhase::Start, 101, b"Leak", usage(10, 0, 0));
        let stop = row(RundownPhase::Stop, 1000, b"Leak", usage(16, 4, 0));
        let result = reconciled(with(&blocks(), vec![start, stop], Vec::new()));
        let balance = result.tags[0];
        // Allocations at 102, 103, 104; frees at 500 and 1,000.
        assert_eq!((balance.recorded_allocs, balance.recorded_frees), (3, 2));
        assert_eq!(result.recorded_share, 0.5);
    }

    #[test]
    fn a_start_snapshot_alone_is_the_baseline() {
        let start = row(RundownPhase::Start, 50, b"Leak", usage(9, 2, 700));
        let trace = with(&blocks(), vec![start], Vec::new());
        let result = reconcile(&trace).unwrap();
        assert!(result.tags.is_empty() && !result.is_compared());
        assert_eq!((result.recorded_share, result.pool_start_bytes(false)), (1.0, Some(700)));
        assert_eq!(result.pool_start_bytes(true), Some(0));
        assert_eq!(result.pool_bytes_at(&trace, false, Ticks(102), &not_cancelled), Some(730));
        let stop = row(RundownPhase::Stop, 50, b"Leak", usage(9, 2, 700));
        let result = reconcile(&with(&blocks(), vec![stop], Vec::new())).unwrap();
        assert_eq!((result.pool_start_bytes(false), result.is_compared()), (None, false));
        assert_eq!(reconcile(&with(&blocks(), Vec::new(), Vec::new())), None);
    }

    #[test]
    fn pool_bytes_at_a_moment_are_the_snapshot_and_later_events() {
        let start = row(RundownPhase::Start, 50, b"Leak", usage(9, 2, 700));
        let mut trace = with(&blocks(), vec![start], Vec::new());
        trace.allocations.free_attributes.clone_from(&trace.allocations.alloc_attributes);
        let result = reconcile(&trace).unwrap();
        let at = |time| result.pool_bytes_at(&trace, false, Ticks(time), &not_cancelled);
        assert_eq!([at(50), at(104), at(500), at(1000)], [Some(700), Some(750), Some(743), Some(733)]);
    }

    #[test]
    fn parts_of_a_snapshot_add_up_and_the_outermost_snapshots_count() {
        let part = |time, used| row(RundownPhase::Start, time, b"Leak", usage(1, 0, used));
        let trace = with(&blocks(), vec![part(60, 900), part(50, 30), part(50, 12)], Vec::new());
        let result = reconcile(&trace).unwrap();
        assert_eq!((result.pool_start_bytes(false), result.baseline[0].allocations.count), (Some(42), 2));
    }

    #[test]
    fn busy_tags_without_events_show_a_filter() {
        let both = |tag, busy| {
            [row(RundownPhase::Start, 10, tag, usage(0, 0, 0)), row(RundownPhase::Stop, 9000, tag, usage(busy, 3, 1))]
        };
        let rows = [both(b"Leak", 5), both(b"Aaaa", 400), both(b"Bbbb", 40), both(b"Cccc", 2)].concat();
        let result = reconciled(with(&blocks(), rows, Vec::new()));
        assert_eq!((result.busy_tags, result.tags_without_events, result.is_filtered()), (2, 2, true));
        // Only the tag that was recorded is compared.
        assert_eq!(result.recorded_share, 1.0);
        assert_eq!(result.tags[0].tag, Tag(*b"Aaaa"));
    }

    #[test]
    fn big_pool_lists_are_compared_with_events() {
        let big = |end, time, at: u64| BigPoolAllocation {
            phase: end,
            time: Ticks(time),
            session: None,
            address: 0xffff_9000_0000_0000 + 64 * at,
            size_bytes: 7,
            tag: Tag(*b"Leak"),
            nonpaged: true,
        };
        let (start, stop) = (|at| big(RundownPhase::Start, 10, at), |at| big(RundownPhase::Stop, 9000, at));
        // 5 was freed and 2 allocated with events; 20 was freed and 21 allocated without; 22 is in both lists.
        let list = vec![start(5), start(20), start(22), stop(2), stop(21), stop(22)];
        let result = reconciled(with(&blocks(), Vec::new(), list));
        assert_eq!(
            result.big_pool,
            Some(BigPoolBalance { allocated: 2, allocated_recorded: 1, freed: 2, freed_recorded: 1 })
        );
        assert_eq!((result.recorded_share, result.is_compared()), (0.5, true));
        assert_eq!(result.baseline[0].allocations, Total { count: 3, bytes: 21 });
    }
}
