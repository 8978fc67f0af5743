//! The pool's own counters against the events: what the snapshots at both ends of a recording say per tag, and what the events
//! between them add up to. It changes no figure of the trace.

mod big;

pub use big::BigBalance;

use super::evidence::Blocks;
use super::limits::{BUSY_TAG, SILENT_SHARE};
use crate::trace::Trace;
use crate::trace::context::{Context, Tag};
use crate::trace::ids::ContextId;
use crate::trace::summary::{PoolUsage, SnapshotEnd, TagUsage};
use crate::trace::time::Ticks;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// What one tag had in one pool when the recording began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TagBaseline {
    /// The tag.
    pub tag: Tag,
    /// Paged pool.
    pub paged: bool,
    /// Session, for session pool.
    pub session: Option<u32>,
    /// Blocks and bytes in use: allocated before the trace. Where the counters were not recorded, those of big blocks alone.
    pub blocks: Blocks,
}

/// One tag in one pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TagBalance {
    /// The tag.
    pub tag: Tag,
    /// Paged pool.
    pub paged: bool,
    /// Session, for session pool.
    pub session: Option<u32>,
    /// Bytes in use at the start: allocated before the trace.
    pub start_bytes: u64,
    /// Bytes in use at the stop.
    pub stop_bytes: u64,
    /// Whether the first snapshot lists it. One that it does not had no bytes in use, but may have been used before: where its
    /// counters stood is not known.
    pub is_counted: bool,
    /// Allocations between, as the counters say; 0 unless it is counted.
    pub counted_allocs: u64,
    /// Frees between, as the counters say; 0 unless it is counted.
    pub counted_frees: u64,
    /// Allocation events between the two snapshots.
    pub seen_allocs: u64,
    /// Free events between the two snapshots.
    pub seen_frees: u64,
    /// Bytes that the events add: allocated less freed.
    pub seen_growth_bytes: i64,
}

impl TagBalance {
    /// Growth from snapshot to snapshot, in bytes.
    #[must_use]
    pub fn counted_growth_bytes(&self) -> i64 {
        self.stop_bytes as i64 - self.start_bytes as i64
    }

    /// Allocations and frees between, as the counters say.
    #[must_use]
    pub fn counted(&self) -> u64 {
        self.counted_allocs + self.counted_frees
    }

    /// How many of these the events show; events too many of one kind do not make up for another.
    #[must_use]
    pub fn accounted(&self) -> u64 {
        self.seen_allocs.min(self.counted_allocs) + self.seen_frees.min(self.counted_frees)
    }

    /// By how many allocations and frees counters and events differ.
    #[must_use]
    pub fn difference(&self) -> u64 {
        if !self.is_counted {
            return 0;
        }
        self.seen_allocs.abs_diff(self.counted_allocs) + self.seen_frees.abs_diff(self.counted_frees)
    }
}

/// The counters against the events.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Reconciliation {
    /// What the first snapshot says, by tag, pool and session.
    pub baseline: Vec<TagBaseline>,
    /// When it was taken.
    pub baseline_at: Option<Ticks>,
    /// Tags that occur in both snapshots, those that disagree most first; empty without the second.
    pub tags: Vec<TagBalance>,
    /// Big blocks, where both snapshots list them.
    pub big: Option<BigBalance>,
    /// Share of the counted allocations and frees that the events show, 0 to 1; under a tag filter, over the tags that have
    /// events. 1 where there is nothing to compare.
    pub seen_share: f64,
    /// Tags that were busy by the counters, so that some event must have been recorded.
    pub busy_tags: u64,
    /// How many of these have no event at all.
    pub silent_tags: u64,
}

impl Reconciliation {
    /// Whether there were two snapshots to compare.
    #[must_use]
    pub fn is_compared(&self) -> bool {
        !self.tags.is_empty() || self.big.is_some()
    }

    /// Whether the recording was limited to some tags.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        is_filtered(self.busy_tags, self.silent_tags)
    }

    /// Bytes that a tag had in a pool when the recording began, over all sessions; `None` without the first snapshot.
    #[must_use]
    pub fn start_bytes(&self, tag: Tag, paged: bool) -> Option<u64> {
        self.baseline_at?;
        let of_tag = self.baseline.iter().filter(|row| row.tag == tag && row.paged == paged);
        Some(of_tag.map(|row| row.blocks.bytes).sum())
    }

    /// Bytes that all tags had in a pool when the recording began; `None` without the first snapshot.
    #[must_use]
    pub fn pool_start_bytes(&self, paged: bool) -> Option<u64> {
        self.baseline_at?;
        Some(self.baseline.iter().filter(|row| row.paged == paged).map(|row| row.blocks.bytes).sum())
    }

    /// Bytes in a pool at a moment: the first snapshot and what the events add from there. `None` without it.
    #[must_use]
    pub fn pool_bytes_at(&self, trace: &Trace, paged: bool, at: Ticks) -> Option<u64> {
        let (from, start) = (self.baseline_at?, self.pool_start_bytes(paged)?);
        let of_pool: Vec<bool> = trace.contexts.rows().iter().map(|c| c.pool_type.is_paged() == paged).collect();
        let is_in = |context: ContextId| of_pool.get(context.index()).copied().unwrap_or(false);
        let (first, last) = (from.min(at), from.max(at));
        let between = |time: Ticks| time > first && time <= last;
        let table = &trace.allocations;
        let sum = |row: usize| {
            let size = table.size[row] as i64;
            let came =
                table.is_allocation_seen(row) && between(table.alloc_time[row]) && is_in(table.alloc_context[row]);
            let went = between(table.free_time[row]) && is_in(table.free_context[row]);
            i64::from(came) * size - i64::from(went) * size
        };
        let added: i64 = (0..table.len()).into_par_iter().map(sum).sum();
        let added = if from <= at { added } else { -added };
        Some(start.saturating_add_signed(added))
    }
}

/// Whether so many of the busy tags have no event that they were filtered out: losses take from all tags alike.
fn is_filtered(busy_tags: u64, silent_tags: u64) -> bool {
    silent_tags > 0 && silent_tags as f64 >= SILENT_SHARE * busy_tags as f64
}

/// What the counters of a tag in a pool of a session were.
#[derive(Clone, Copy, Default)]
struct Ends {
    start: Option<(Ticks, PoolUsage)>,
    stop: Option<(Ticks, PoolUsage)>,
}

/// A tag, its pool, its session: one row of both tables.
type Place = (Tag, bool, Option<u32>);

/// Reconciles a trace; `None` if it has no snapshot.
#[must_use]
pub fn reconcile(trace: &Trace) -> Option<Reconciliation> {
    let (tags, big) = (&trace.snapshots.tags, &trace.snapshots.big);
    let is_start = |end: SnapshotEnd| end == SnapshotEnd::Start;
    let tag_times = tags.iter().filter(|row| is_start(row.end)).map(|row| row.time);
    let big_times = big.iter().filter(|row| is_start(row.end)).map(|row| row.time);
    let baseline_at = tag_times.clone().chain(big_times).min();
    let has_stop = tags.iter().map(|row| row.end).chain(big.iter().map(|row| row.end)).any(|end| !is_start(end));
    if baseline_at.is_none() && !has_stop {
        return None;
    }
    let ends = ends_of(tags);
    let mut balances = balances(&ends, tags);
    count_events(trace, &mut balances);
    let (busy_tags, silent_tags) = activity(&balances);
    // With a tag filter on, tags without events say nothing about the others.
    let is_filtered = is_filtered(busy_tags, silent_tags);
    let has_events = |row: &TagBalance| row.seen_allocs + row.seen_frees > 0;
    let compared = || balances.iter().map(|row| &row.0).filter(|row| !is_filtered || has_events(row));
    let counted: u64 = compared().map(TagBalance::counted).sum();
    let accounted: u64 = compared().map(TagBalance::accounted).sum();
    let mut tags: Vec<TagBalance> = balances.iter().map(|row| row.0).collect();
    tags.sort_by_key(|row| (std::cmp::Reverse(row.difference()), row.tag, row.paged, row.session));
    let big_balance = big::balance(trace);
    let seen_share = match (counted, big_balance) {
        (1.., _) => accounted as f64 / counted as f64,
        (0, Some(big)) if big.came + big.went > 0 => {
            (big.came_seen + big.went_seen) as f64 / (big.came + big.went) as f64
        }
        _ => 1.0,
    };
    Some(Reconciliation {
        baseline: if tag_times.count() > 0 { baseline(&ends) } else { big::baseline(big) },
        baseline_at,
        tags,
        big: big_balance,
        seen_share,
        busy_tags,
        silent_tags,
    })
}

/// The first start and the last stop of each place. Rows of one time are parts of one snapshot: a tag that stands there
/// twice, once with the mark of protected blocks, is one tag.
fn ends_of(rows: &[TagUsage]) -> BTreeMap<Place, Ends> {
    let mut ends: BTreeMap<Place, Ends> = BTreeMap::new();
    for row in rows {
        for (paged, usage) in [(false, row.nonpaged), (true, row.paged)] {
            let of_place = ends.entry((row.tag, paged, row.session)).or_default();
            let is_start = row.end == SnapshotEnd::Start;
            let known = if is_start { &mut of_place.start } else { &mut of_place.stop };
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
    ends
}

fn baseline(ends: &BTreeMap<Place, Ends>) -> Vec<TagBaseline> {
    let rows = ends.iter().filter_map(|(&(tag, paged, session), ends)| {
        let usage = ends.start?.1;
        let count = u64::from(usage.allocs.wrapping_sub(usage.frees));
        let blocks = Blocks { count, bytes: usage.used_bytes };
        (blocks.bytes > 0).then_some(TagBaseline { tag, paged, session, blocks })
    });
    rows.collect()
}

/// The places that can be compared, with the times of their snapshots. A tag that only the second snapshot has began with
/// nothing in use; of one that only the first has the rest is not known: its session ended.
fn balances(ends: &BTreeMap<Place, Ends>, rows: &[TagUsage]) -> Vec<(TagBalance, [Ticks; 2])> {
    let times = |end: SnapshotEnd, session: Option<Option<u32>>| {
        rows.iter().filter(move |row| row.end == end && session.is_none_or(|s| row.session == s)).map(|row| row.time)
    };
    let Some(first) = times(SnapshotEnd::Start, None).min() else { return Vec::new() };
    let compare = |(&(tag, paged, session), ends): (&Place, &Ends)| {
        let (stop_time, stop) = ends.stop?;
        let began = || times(SnapshotEnd::Start, Some(session)).min().unwrap_or(first);
        let is_counted = ends.start.is_some();
        let (start_time, start) = ends.start.unwrap_or_else(|| (began(), PoolUsage::default()));
        if stop == PoolUsage::default() && start == stop {
            return None;
        }
        let balance = TagBalance {
            tag,
            paged,
            session,
            start_bytes: start.used_bytes,
            stop_bytes: stop.used_bytes,
            is_counted,
            counted_allocs: if is_counted { u64::from(stop.allocs.wrapping_sub(start.allocs)) } else { 0 },
            counted_frees: if is_counted { u64::from(stop.frees.wrapping_sub(start.frees)) } else { 0 },
            seen_allocs: 0,
            seen_frees: 0,
            seen_growth_bytes: 0,
        };
        Some((balance, [start_time, stop_time]))
    };
    ends.iter().filter_map(compare).collect()
}

/// Sums of the events of one place.
#[derive(Clone, Copy, Default)]
struct Seen {
    allocs: u64,
    frees: u64,
    growth: i64,
}

/// Adds up the events between the snapshots of each place.
fn count_events(trace: &Trace, balances: &mut [(TagBalance, [Ticks; 2])]) {
    let known: FxHashMap<Place, u32> =
        balances.iter().enumerate().map(|(at, (row, _))| ((row.tag, row.paged, row.session), at as u32)).collect();
    let place = |c: &Context| {
        let session = (c.session != Context::NO_SESSION).then_some(c.session);
        known.get(&(c.tag, c.pool_type.is_paged(), session)).copied()
    };
    let of_context: Vec<Option<u32>> = trace.contexts.rows().iter().map(place).collect();
    let times: Vec<[Ticks; 2]> = balances.iter().map(|row| row.1).collect();
    let at = |context: ContextId, time: Ticks| {
        let place = of_context.get(context.index()).copied().flatten()? as usize;
        let [start, stop] = times[place];
        (time > start && time <= stop).then_some(place)
    };
    let table = &trace.allocations;
    let rows = (0..table.len()).into_par_iter();
    let none = || vec![Seen::default(); times.len()];
    let sums = rows.with_min_len(1 << 16).fold(none, |mut sums, row| {
        let size = table.size[row] as i64;
        if table.is_allocation_seen(row)
            && let Some(place) = at(table.alloc_context[row], table.alloc_time[row])
        {
            sums[place].allocs += 1;
            sums[place].growth += size;
        }
        if let Some(place) = at(table.free_context[row], table.free_time[row]) {
            sums[place].frees += 1;
            sums[place].growth -= size;
        }
        sums
    });
    let sums = sums.reduce(none, |mut a, b| {
        a.iter_mut().zip(b).for_each(|(a, b)| {
            (a.allocs, a.frees, a.growth) = (a.allocs + b.allocs, a.frees + b.frees, a.growth + b.growth);
        });
        a
    });
    for ((balance, _), seen) in balances.iter_mut().zip(sums) {
        (balance.seen_allocs, balance.seen_frees) = (seen.allocs, seen.frees);
        balance.seen_growth_bytes = seen.growth;
    }
}

/// Tags that were busy, and how many of them no event knows.
fn activity(balances: &[(TagBalance, [Ticks; 2])]) -> (u64, u64) {
    let mut of_tag: BTreeMap<Tag, (u64, u64)> = BTreeMap::new();
    for (row, _) in balances {
        let sums = of_tag.entry(row.tag).or_default();
        sums.0 += row.counted();
        sums.1 += row.seen_allocs + row.seen_frees;
    }
    let busy = of_tag.values().filter(|sums| sums.0 >= BUSY_TAG);
    (busy.clone().count() as u64, busy.filter(|sums| sums.1 == 0).count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::testkit::{Block, block, trace as made};
    use crate::trace::summary::BigBlock;

    fn usage(allocs: u32, frees: u32, used_bytes: u64) -> PoolUsage {
        PoolUsage { allocs, frees, used_bytes }
    }

    fn row(end: SnapshotEnd, time: i64, tag: &[u8; 4], nonpaged: PoolUsage) -> TagUsage {
        TagUsage { end, time: Ticks(time), session: None, tag: Tag(*tag), paged: PoolUsage::default(), nonpaged }
    }

    fn with(blocks: &[Block], tags: Vec<TagUsage>, big: Vec<BigBlock>) -> Trace {
        let mut trace = std::sync::Arc::into_inner(made(blocks)).unwrap();
        (trace.snapshots.tags, trace.snapshots.big) = (tags, big);
        trace
    }

    /// Five allocations from 100 on, the first two freed at 1,000 and 1,100, and one block from before freed at 500.
    fn blocks() -> Vec<Block> {
        let mut blocks: Vec<Block> =
            (0..5).map(|k| block(Some(100 + k), (k < 2).then_some(1000 + 100 * k), 10)).collect();
        blocks.push(block(None, Some(500), 7));
        for (at, block) in blocks.iter_mut().enumerate() {
            block.address += 64 * at as u64;
        }
        blocks
    }

    /// The testkit leaves the context of frees out; here it is that of the allocation.
    fn reconciled(mut trace: Trace) -> Reconciliation {
        let freed = trace.allocations.free_time.iter().map(|time| time.is_known()).collect::<Vec<_>>();
        for (row, freed) in freed.into_iter().enumerate() {
            if freed {
                trace.allocations.free_context[row] = trace.allocations.alloc_context[row];
            }
        }
        reconcile(&trace).unwrap()
    }

    #[test]
    fn counters_that_wrap_agree_with_complete_events() {
        let start = row(SnapshotEnd::Start, 10, b"Leak", usage(u32::MAX - 1, u32::MAX - 4, 21));
        let stop = row(SnapshotEnd::Stop, 9000, b"Leak", usage(3, u32::MAX - 1, 44));
        let result = reconciled(with(&blocks(), vec![start, stop], Vec::new()));
        let [balance] = result.tags[..] else { panic!("{result:?}") };
        assert_eq!((balance.counted_allocs, balance.counted_frees), (5, 3));
        assert_eq!((balance.seen_allocs, balance.seen_frees, balance.seen_growth_bytes), (5, 3, 23));
        assert_eq!((balance.counted_growth_bytes(), balance.difference()), (23, 0));
        assert_eq!((result.seen_share, result.is_compared(), result.is_filtered()), (1.0, true, false));
        assert_eq!(result.baseline[0].blocks, Blocks { count: 3, bytes: 21 });
        assert_eq!(result.start_bytes(Tag(*b"Leak"), false), Some(21));
        assert_eq!(result.start_bytes(Tag(*b"Leak"), true), Some(0));
    }

    #[test]
    fn of_a_tag_that_the_first_snapshot_leaves_out_only_the_growth_is_known() {
        let rows = vec![
            row(SnapshotEnd::Start, 10, b"Else", usage(7, 7, 0)),
            row(SnapshotEnd::Stop, 9000, b"Else", usage(7, 7, 0)),
            row(SnapshotEnd::Stop, 9000, b"Leak", usage(5000, 4998, 30)),
        ];
        let result = reconciled(with(&blocks(), rows, Vec::new()));
        let balance = result.tags.iter().find(|row| row.tag == Tag(*b"Leak")).unwrap();
        assert!(!balance.is_counted && balance.difference() == 0);
        assert_eq!((balance.counted(), balance.counted_growth_bytes(), balance.seen_allocs), (0, 30, 5));
        assert_eq!(result.seen_share, 1.0);
    }

    #[test]
    fn events_outside_of_the_snapshots_do_not_count_and_missing_ones_show() {
        let start = row(SnapshotEnd::Start, 101, b"Leak", usage(10, 0, 0));
        let stop = row(SnapshotEnd::Stop, 1000, b"Leak", usage(16, 4, 0));
        let result = reconciled(with(&blocks(), vec![start, stop], Vec::new()));
        let balance = result.tags[0];
        // Allocations at 102, 103, 104; frees at 500 and 1,000.
        assert_eq!((balance.seen_allocs, balance.seen_frees), (3, 2));
        assert_eq!(result.seen_share, 0.5);
    }

    #[test]
    fn a_start_alone_gives_the_baseline() {
        let start = row(SnapshotEnd::Start, 50, b"Leak", usage(9, 2, 700));
        let trace = with(&blocks(), vec![start], Vec::new());
        let result = reconcile(&trace).unwrap();
        assert!(result.tags.is_empty() && !result.is_compared());
        assert_eq!((result.seen_share, result.pool_start_bytes(false)), (1.0, Some(700)));
        assert_eq!(result.pool_start_bytes(true), Some(0));
        assert_eq!(result.pool_bytes_at(&trace, false, Ticks(102)), Some(730));
        let stop = row(SnapshotEnd::Stop, 50, b"Leak", usage(9, 2, 700));
        let result = reconcile(&with(&blocks(), vec![stop], Vec::new())).unwrap();
        assert_eq!((result.pool_start_bytes(false), result.is_compared()), (None, false));
        assert_eq!(reconcile(&with(&blocks(), Vec::new(), Vec::new())), None);
    }

    #[test]
    fn the_pool_at_a_moment_is_the_snapshot_and_the_events_from_there() {
        let start = row(SnapshotEnd::Start, 50, b"Leak", usage(9, 2, 700));
        let mut trace = with(&blocks(), vec![start], Vec::new());
        trace.allocations.free_context.clone_from(&trace.allocations.alloc_context);
        let result = reconcile(&trace).unwrap();
        let at = |time| result.pool_bytes_at(&trace, false, Ticks(time));
        assert_eq!([at(50), at(104), at(500), at(1000)], [Some(700), Some(750), Some(743), Some(733)]);
    }

    #[test]
    fn parts_of_one_snapshot_add_up_and_of_several_the_outermost_count() {
        let part = |time, used| row(SnapshotEnd::Start, time, b"Leak", usage(1, 0, used));
        let trace = with(&blocks(), vec![part(60, 900), part(50, 30), part(50, 12)], Vec::new());
        let result = reconcile(&trace).unwrap();
        assert_eq!((result.pool_start_bytes(false), result.baseline[0].blocks.count), (Some(42), 2));
    }

    #[test]
    fn busy_tags_without_events_show_a_filter() {
        let both = |tag, busy| {
            [row(SnapshotEnd::Start, 10, tag, usage(0, 0, 0)), row(SnapshotEnd::Stop, 9000, tag, usage(busy, 3, 1))]
        };
        let rows = [both(b"Leak", 5), both(b"Aaaa", 400), both(b"Bbbb", 40), both(b"Cccc", 2)].concat();
        let result = reconciled(with(&blocks(), rows, Vec::new()));
        assert_eq!((result.busy_tags, result.silent_tags, result.is_filtered()), (2, 2, true));
        // Only the tag that was recorded is compared.
        assert_eq!(result.seen_share, 1.0);
        assert_eq!(result.tags[0].tag, Tag(*b"Aaaa"));
    }

    #[test]
    fn big_blocks_that_come_and_go_are_looked_for_among_the_events() {
        let big = |end, time, at: u64| BigBlock {
            end,
            time: Ticks(time),
            session: None,
            address: 0xffff_9000_0000_0000 + 64 * at,
            size_bytes: 7,
            tag: Tag(*b"Leak"),
            nonpaged: true,
        };
        let (start, stop) = (|at| big(SnapshotEnd::Start, 10, at), |at| big(SnapshotEnd::Stop, 9000, at));
        // 5 went and 2 came, both seen; 20 went and 21 came without events; 22 stayed.
        let list = vec![start(5), start(20), start(22), stop(2), stop(21), stop(22)];
        let result = reconciled(with(&blocks(), Vec::new(), list));
        assert_eq!(result.big, Some(BigBalance { came: 2, came_seen: 1, went: 2, went_seen: 1 }));
        assert_eq!((result.seen_share, result.is_compared()), (0.5, true));
        assert_eq!(result.baseline[0].blocks, Blocks { count: 3, bytes: 21 });
    }
}
