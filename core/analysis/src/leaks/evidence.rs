//! What the blocks of one unit (a tag, in a pool, from a function or stack) did: how many stayed and since when, how long
//! the others lived, how much was outstanding over time. Figures only; what they mean is said elsewhere.

use super::ending::{GrowthEnd, find_growth_end};
use super::limits::{CURVE_POINTS, MIN_OUTSTANDING, LEVEL_DEVIATIONS};
use super::statistics::{Slope, slope, r_squared};
use super::stayed::{UnitBirths, Old, LateFreeStart, OldAllocation, find_usual_lifetime};
use crate::trace::allocation::{AllocationTable, flag};
use crate::trace::growth::{GrowthScale, GrowthSum};
use crate::trace::time::{Clock, Ticks, View};

/// Blocks and their bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AllocationTotals {
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl AllocationTotals {
    pub(super) fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// The time that is analyzed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AnalysisRange {
    /// The analyzed range: the recorded range cut with the visible range. Growth is measured over it.
    pub analyzed: View,
    /// The same without a short end in which no pool event was recorded at all. Verdicts are reached over it.
    pub active: View,
    /// Where the warm-up ends.
    pub warm_up_end: Ticks,
}

impl AnalysisRange {
    /// Ticks from the end of the warm-up to the end of the view, at least 1.
    #[must_use]
    pub fn ticks_after_warm_up(&self) -> i64 {
        self.active.to.0.saturating_sub(self.warm_up_end.0).max(1)
    }

    /// The same in seconds.
    #[must_use]
    pub fn seconds_after_warm_up(&self, clock: &Clock) -> f64 {
        self.ticks_after_warm_up() as f64 / clock.ticks_per_second as f64
    }
}

/// What the blocks of a unit did in a view.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Evidence {
    /// Allocated in the view.
    pub allocated: AllocationTotals,
    /// Freed in the view, wherever they were allocated.
    pub freed: AllocationTotals,
    /// Of these, blocks from before the view.
    pub freed_preexisting: AllocationTotals,
    /// Allocated in the view and alive at its end.
    pub outstanding: AllocationTotals,
    /// Ended by another block on their address: their free was lost.
    pub implied_frees: u64,
    /// Survivors by age: eighths of the view, the youngest first.
    pub age_histogram: [u64; 8],
    /// Survivors beyond the usual lifetime.
    pub older_than_usual: OldAllocation,
    /// Weighted bytes of all events in the analyzed range: what growth follows from.
    pub growth: GrowthSum,
    /// Allocations and frees in the last third of the view.
    pub last_third: LastThird,
    /// How the unit's allocations, whatever became of them, end: see [`Activity`].
    pub activity: AllocationActivity,
    /// Outstanding bytes at the end of each of [`CURVE_POINTS`] intervals of the view, from 0 at its start.
    pub bytes_curve: Vec<f64>,
    /// The same in blocks.
    pub count_curve: Vec<f64>,
    /// Bytes allocated in each of these intervals.
    pub allocated_bytes_curve: Vec<f64>,
    /// Slope of the curve after the warm-up, in bytes per interval.
    pub slope: Slope,
    /// Slope of its second half.
    pub late_slope: Slope,
    /// How straight the curve is after the warm-up, 0 to 1.
    pub linearity: f64,
    /// Number of distinct sizes of the survivors, counted up to 64.
    pub distinct_sizes: usize,
    /// Median lifetime of the blocks allocated and freed in the view, in ticks; of several units, the longest.
    pub median_lifetime: Option<i64>,
}

/// What happened in the last third of a view.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LastThird {
    /// Allocations.
    pub allocated: u64,
    /// Frees, wherever their blocks were allocated.
    pub freed: u64,
}

impl LastThird {
    /// Whether the number outstanding rises there by more than chance explains: births and deaths that are independent of
    /// each other differ by less than two standard deviations in 97 of 100 cases.
    #[must_use]
    pub fn is_rising(&self) -> bool {
        let (allocated, freed) = (self.allocated as f64, self.freed as f64);
        allocated - freed > LEVEL_DEVIATIONS * (allocated + freed).sqrt()
    }
}

/// When a unit allocates, whatever becomes of its blocks.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct AllocationActivity {
    /// The first and the last allocation in the view, in ticks; both 0 without any.
    pub first: i64,
    /// See [`Self::first`].
    pub last: i64,
    /// How the allocations end.
    pub end: GrowthEnd,
}

impl AllocationActivity {
    /// Of several units together: the longest-lasting one decides.
    fn merge(&mut self, other: &Self) {
        if *other == Self::default() {
            return;
        }
        if *self == Self::default() {
            *self = *other;
            return;
        }
        if other.last > self.last {
            (self.last, self.end) = (other.last, other.end);
        }
        self.first = self.first.min(other.first);
    }
}

/// Lifetimes of freed blocks, in ticks, the longest first.
pub type Lifetimes = Vec<i64>;

/// Looks at rows, which are in the order of their allocation. `lifetimes`: those of the
/// blocks among them that were allocated and freed in the view, the longest first.
#[must_use]
pub fn collect_evidence(table: &AllocationTable, rows: &[u32], span: &AnalysisRange, lifetimes: &[i64]) -> Evidence {
    let mut evidence = Evidence {
        bytes_curve: vec![0.0; CURVE_POINTS],
        count_curve: vec![0.0; CURVE_POINTS],
        allocated_bytes_curve: vec![0.0; CURVE_POINTS],
        ..Evidence::default()
    };
    let scale = GrowthScale::new(span.analyzed);
    let mut alive: Vec<i64> = Vec::new();
    let mut births: Vec<i64> = Vec::new();
    let mut sizes: Vec<u64> = Vec::new();
    for &row in rows {
        let row = row as usize;
        let (alloc, free, size) = (table.alloc_time[row], table.free_time[row], table.size[row]);
        evidence.growth.add(scale.allocation(alloc, free, size));
        if alloc > span.active.to || free < span.active.from {
            continue;
        }
        evidence.count_allocation(alloc, free, size, span);
        evidence.implied_frees += u64::from(free <= span.active.to && table.flags[row] & flag::IMPLIED_FREE != 0);
        if alloc >= span.warm_up_end {
            births.push(alloc.0);
        }
        if alloc >= span.active.from && free > span.active.to {
            alive.push(alloc.0);
            insert_distinct_size(&mut sizes, size);
        }
    }
    for changes in [&mut evidence.bytes_curve, &mut evidence.count_curve] {
        let mut sum = 0.0;
        for value in changes {
            sum += *value;
            *value = sum;
        }
    }
    evidence.distinct_sizes = sizes.len();
    let life = find_usual_lifetime(&alive, lifetimes, span);
    evidence.activity = activity(&births, span);
    let unit = UnitBirths { all: &births, outstanding: &alive };
    evidence.older_than_usual = OldAllocation::new(&older_allocations(table, rows, life, span), life, &unit, span);
    if life > 0 && evidence.freed.count <= evidence.outstanding.count {
        // Nearly all of it may be one store: then frees of any age say when it was full.
        let onset = LateFreeStart::new(&older_allocations(table, rows, 0, span), 0, span.active.to.0, span);
        if onset.surprisal > evidence.older_than_usual.late_free_start.surprisal {
            evidence.older_than_usual.late_free_start = onset;
        }
    }
    evidence.update_curve_statistics(span);
    evidence
}

/// How the allocations of a unit after the warm-up, ascending, end.
fn activity(births: &[i64], span: &AnalysisRange) -> AllocationActivity {
    let (Some(first), Some(last)) = (births.first(), births.last()) else { return AllocationActivity::default() };
    AllocationActivity { first: *first, last: *last, end: find_growth_end(births, span.warm_up_end.0, span.active.to.0) }
}

/// Blocks born in the view that are, or got, older than `life`.
fn older_allocations(table: &AllocationTable, rows: &[u32], life: i64, span: &AnalysisRange) -> Vec<Old> {
    let to = span.active.to;
    let bound = to.0.saturating_sub(life);
    let old = rows.iter().filter_map(|&row| {
        let row = row as usize;
        let (alloc, free) = (table.alloc_time[row], table.free_time[row]);
        let is_freed = free <= to;
        let end = if is_freed { free.0 } else { to.0 };
        let is_old = alloc >= span.active.from && alloc.0 < bound && end.saturating_sub(alloc.0) > life;
        // When a block was freed whose free was lost, nobody knows.
        let is_sure = !is_freed || table.flags[row] & flag::IMPLIED == 0;
        (is_old && is_sure).then(|| Old { birth: alloc.0, end, size: table.size[row], is_freed })
    });
    old.collect()
}

impl Evidence {
    /// Counts a block that belongs to the view.
    fn count_allocation(&mut self, alloc: Ticks, free: Ticks, size: u64, span: &AnalysisRange) {
        let view = span.active;
        let length = view.to.0.saturating_sub(view.from.0).max(1);
        let interval = |t: Ticks| {
            let at =
                i128::from(t.0.saturating_sub(view.from.0).max(0)) * CURVE_POINTS as i128 / (i128::from(length) + 1);
            (at as usize).min(CURVE_POINTS - 1)
        };
        let late_from = view.to.0.saturating_sub(length / 3);
        let is_late = |time: Ticks| time.0 >= late_from;
        let (inside, ends) = (alloc >= view.from, free <= view.to);
        if inside {
            let at = interval(alloc);
            self.allocated.add(size);
            self.bytes_curve[at] += size as f64;
            self.count_curve[at] += 1.0;
            self.allocated_bytes_curve[at] += size as f64;
            self.last_third.allocated += u64::from(is_late(alloc));
        }
        if ends {
            let at = interval(free);
            self.last_third.freed += u64::from(is_late(free));
            self.freed.add(size);
            self.bytes_curve[at] -= size as f64;
            self.count_curve[at] -= 1.0;
            if !inside {
                self.freed_preexisting.add(size);
            }
        } else if inside {
            self.outstanding.add(size);
            let age = i128::from(view.to.0.saturating_sub(alloc.0)) * 8 / (i128::from(length) + 1);
            self.age_histogram[(age as usize).min(7)] += 1;
        }
    }

    /// The figures that follow from the curve. Of few survivors it has no slope worth the work.
    pub(super) fn update_curve_statistics(&mut self, span: &AnalysisRange) {
        if self.outstanding.count < MIN_OUTSTANDING {
            (self.slope, self.late_slope, self.linearity) = (Slope::default(), Slope::default(), 0.0);
            return;
        }
        let settled = self.bytes_after_warm_up(span);
        let late = settled.get(settled.len() / 2..).unwrap_or_default();
        (self.slope, self.late_slope, self.linearity) = (slope(settled), slope(late), r_squared(settled));
    }

    /// The curve after the warm-up.
    #[must_use]
    pub fn bytes_after_warm_up(&self, span: &AnalysisRange) -> &[f64] {
        after_warm_up(&self.bytes_curve, span)
    }

    /// The same in blocks.
    #[must_use]
    pub fn counts_after_warm_up(&self, span: &AnalysisRange) -> &[f64] {
        after_warm_up(&self.count_curve, span)
    }

    /// Adds what another unit did; what follows from the curve is to be measured anew.
    pub(super) fn merge(&mut self, other: &Self) {
        self.allocated.merge(other.allocated);
        self.freed.merge(other.freed);
        self.freed_preexisting.merge(other.freed_preexisting);
        self.outstanding.merge(other.outstanding);
        self.implied_frees += other.implied_frees;
        self.growth.add(other.growth);
        self.last_third.allocated += other.last_third.allocated;
        self.last_third.freed += other.last_third.freed;
        self.activity.merge(&other.activity);
        add_all(&mut self.age_histogram, &other.age_histogram);
        self.distinct_sizes = (self.distinct_sizes + other.distinct_sizes).min(64);
        self.older_than_usual.merge(&other.older_than_usual);
        self.median_lifetime = self.median_lifetime.max(other.median_lifetime);
        for (sum, more) in [
            (&mut self.bytes_curve, &other.bytes_curve),
            (&mut self.count_curve, &other.count_curve),
            (&mut self.allocated_bytes_curve, &other.allocated_bytes_curve),
        ] {
            sum.resize(CURVE_POINTS, 0.0);
            sum.iter_mut().zip(more).for_each(|(a, b)| *a += b);
        }
    }

    /// Adds the frees of a unit in which nothing was allocated, and what they did to the curves. Its lifetimes are not known, so
    /// it says nothing about survivors.
    pub(super) fn merge_freed(&mut self, other: &Self) {
        self.freed.merge(other.freed);
        self.freed_preexisting.merge(other.freed_preexisting);
        self.implied_frees += other.implied_frees;
        self.growth.add(other.growth);
        self.last_third.freed += other.last_third.freed;
        for (sum, more) in [(&mut self.bytes_curve, &other.bytes_curve), (&mut self.count_curve, &other.count_curve)] {
            sum.resize(CURVE_POINTS, 0.0);
            sum.iter_mut().zip(more).for_each(|(a, b)| *a += b);
        }
    }

    /// Survivors older than `life`, about: as the pyramid tells.
    pub(super) fn outstanding_older_than(&self, life: i64, span: &AnalysisRange) -> f64 {
        count_older_than(&self.age_histogram, life, span)
    }

    /// Bytes per second of the analyzed range by which the outstanding bytes grow: see [`crate::trace::growth`].
    #[must_use]
    pub fn growth_bytes_per_s(&self, span: &AnalysisRange, clock: &Clock) -> f64 {
        GrowthScale::new(span.analyzed).bytes_per_s(self.growth, clock)
    }

    /// Outstanding bytes gained over the judged time.
    #[must_use]
    pub(super) fn gained_bytes(&self, span: &AnalysisRange) -> f64 {
        let settled = self.bytes_after_warm_up(span);
        let before = self.bytes_curve.len().checked_sub(settled.len() + 1).and_then(|at| self.bytes_curve.get(at));
        settled.last().copied().unwrap_or(0.0) - before.copied().unwrap_or(0.0)
    }
}

/// How many of these survivors, counted by age in eighths of the view, are older than `life`, about.
pub(super) fn count_older_than(ages: &[u64; 8], life: i64, span: &AnalysisRange) -> f64 {
    let length = span.active.to.0.saturating_sub(span.active.from.0).max(1) as f64;
    let eighths = life as f64 / length * ages.len() as f64;
    let older = |(at, count): (usize, &u64)| *count as f64 * (at as f64 + 1.0 - eighths).clamp(0.0, 1.0);
    ages.iter().enumerate().map(older).sum()
}

/// The values of a curve after the warm-up.
fn after_warm_up<'c>(curve: &'c [f64], span: &AnalysisRange) -> &'c [f64] {
    let length = span.active.to.0.saturating_sub(span.active.from.0).max(1) as f64;
    let share = (span.warm_up_end.0.saturating_sub(span.active.from.0)) as f64 / length;
    let first = (share * CURVE_POINTS as f64).round() as usize;
    curve.get(first.min(CURVE_POINTS)..).unwrap_or_default()
}

fn add_all<const N: usize>(sum: &mut [u64; N], more: &[u64; N]) {
    sum.iter_mut().zip(more).for_each(|(a, b)| *a += b);
}

/// Lifetimes of the blocks among `rows` that were seen to be allocated and freed in the view, the longest first.
#[must_use]
pub fn lifetimes(table: &AllocationTable, rows: &[u32], view: &View) -> Lifetimes {
    let lived = rows.iter().filter_map(|&row| {
        let row = row as usize;
        let (alloc, free) = (table.alloc_time[row], table.free_time[row]);
        let seen = alloc >= view.from && free <= view.to && table.flags[row] & flag::IMPLIED == 0;
        seen.then(|| free.0.saturating_sub(alloc.0))
    });
    let mut lived: Lifetimes = lived.collect();
    lived.sort_unstable_by_key(|life| std::cmp::Reverse(*life));
    lived
}

/// Adds a size to a sorted list of at most 64 distinct ones.
fn insert_distinct_size(sizes: &mut Vec<u64>, size: u64) {
    if sizes.len() < 64
        && let Err(at) = sizes.binary_search(&size)
    {
        sizes.insert(at, size);
    }
}
