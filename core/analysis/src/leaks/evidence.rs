//! Evidence about the allocations of one unit in the analyzed range: the outstanding allocations by age, the lifetimes of the others,
//! and the outstanding bytes over time. `classification` interprets it.

use super::growth_end::{GrowthEnd, find_growth_end};
use super::limits::{CURVE_POINTS, LEVEL_DEVIATIONS, MIN_OUTSTANDING};
use super::older_than_usual::{LateFreeStart, OldAllocation, OlderThanUsual, UnitBirths, find_usual_lifetime};
use super::statistics::{Slope, bin_of, r_squared, slope};
use super::units::RowFigure;
use crate::group::aggregate::Total;
use crate::trace::allocation::flag;
use crate::trace::growth::{GrowthScale, GrowthSum};
use crate::trace::time::{Clock, Ticks, TimeRange};

/// The range of an analysis.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AnalysisRange {
    /// The analyzed range: the part of the visible range that was recorded. Growth is measured over it.
    pub analyzed: TimeRange,
    /// The same without a short end in which no pool event was recorded. Verdicts are reached over it.
    pub active: TimeRange,
    /// The end of the warm-up.
    pub warm_up_end: Ticks,
}

impl AnalysisRange {
    /// The analyzed time: ticks from the end of the warm-up to the end of the active range, at least 1.
    #[must_use]
    pub(super) fn ticks_after_warm_up(&self) -> i64 {
        self.active.to.0.saturating_sub(self.warm_up_end.0).max(1)
    }

    /// The analyzed time in seconds.
    #[must_use]
    pub(super) fn seconds_after_warm_up(&self, clock: &Clock) -> f64 {
        self.ticks_after_warm_up() as f64 / clock.ticks_per_second as f64
    }

    /// Ticks of the active range, at least 1.
    fn active_ticks(&self) -> i64 {
        self.active.to.0.saturating_sub(self.active.from.0).max(1)
    }
}

/// Outstanding allocations by age: eighths of the active range, the youngest first.
pub type AgeHistogram = [u64; 8];

/// Evidence about a unit, or about several together. "In the range" means the active range.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Evidence {
    /// Allocated in the range.
    pub allocated: Total,
    /// Freed in the range, whether or not they were allocated in it.
    pub freed: Total,
    /// Freed in the range and allocated before it.
    pub freed_preexisting: Total,
    /// Allocated in the range and outstanding at its end.
    pub outstanding: Total,
    /// The outstanding allocations by age.
    pub age_histogram: AgeHistogram,
    /// The outstanding allocations that are older than usual.
    pub older_than_usual: OlderThanUsual,
    /// Weighted bytes of all events in the analyzed range, from which growth is computed.
    pub growth: GrowthSum,
    /// Allocations and frees in the last third of the range.
    pub last_third: LastThird,
    /// Times of the allocations.
    pub activity: AllocationActivity,
    /// Outstanding bytes at the end of each of [`CURVE_POINTS`] intervals of the range, relative to its start.
    pub bytes_curve: Vec<f64>,
    /// Outstanding allocations at the end of each interval, relative to the start of the range.
    pub count_curve: Vec<f64>,
    /// Bytes allocated in each interval.
    pub allocated_bytes_curve: Vec<f64>,
    /// Slope of [`Self::bytes_curve`] after the warm-up, in bytes per interval.
    pub slope: Slope,
    /// Slope of the second half of that curve.
    pub late_slope: Slope,
    /// Linearity (R²) of [`Self::bytes_curve`] after the warm-up, 0 to 1.
    pub linearity: f64,
    /// Number of distinct sizes of the outstanding allocations, at most `MAX_DISTINCT_SIZES`.
    pub distinct_sizes: usize,
}

/// Upper bound on distinct sizes that are counted.
const MAX_DISTINCT_SIZES: usize = 64;

/// Allocations and frees in the last third of the range.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LastThird {
    /// Allocations.
    pub allocated: u64,
    /// Frees, whenever their allocations were made.
    pub freed: u64,
}

impl LastThird {
    /// Returns `true` if the number of outstanding allocations rises by more than chance explains: independent allocations and frees
    /// differ by less than two standard deviations in 97 of 100 cases.
    #[must_use]
    pub(super) fn is_rising(&self) -> bool {
        let (allocated, freed) = (self.allocated as f64, self.freed as f64);
        allocated - freed > LEVEL_DEVIATIONS * (allocated + freed).sqrt()
    }
}

/// Times of the allocations of a unit after the warm-up, freed or not.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct AllocationActivity {
    /// The first allocation, in ticks; 0, like [`Self::last`], without any.
    pub first: i64,
    /// The last allocation, in ticks.
    pub last: i64,
    /// End of the allocations; the default unless there are enough outstanding allocations older than usual
    /// ([`MIN_OUTSTANDING`]) for a verdict that depends on it.
    pub end: GrowthEnd,
}

impl AllocationActivity {
    /// `births`: all allocations after the warm-up, ascending. `older_than_usual`: number of outstanding allocations older than
    /// usual.
    fn new(births: &[i64], older_than_usual: u64, range: &AnalysisRange) -> Self {
        let (Some(first), Some(last)) = (births.first(), births.last()) else { return Self::default() };
        let end = if older_than_usual < MIN_OUTSTANDING {
            GrowthEnd::default()
        } else {
            find_growth_end(births, range.warm_up_end.0, range.active.to.0)
        };
        Self { first: *first, last: *last, end }
    }

    /// Adds another unit. The end is that of the unit with the latest allocation.
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

/// Memory that [`collect_evidence`] uses again for each unit.
#[derive(Default)]
pub(super) struct EvidenceScratch {
    /// Times of the allocations after the warm-up, and of the outstanding ones in the range.
    births_after_warm_up: Vec<i64>,
    births_outstanding: Vec<i64>,
    /// Lifetimes of the allocations that were made and freed in the range.
    lifetimes: Vec<i64>,
    /// Distinct sizes of the outstanding allocations.
    sizes: Vec<u64>,
    older: Vec<OldAllocation>,
}

/// Collects the evidence about `rows`, which are in the order of the table.
#[must_use]
pub(super) fn collect_evidence(
    rows: impl Iterator<Item = RowFigure> + Clone,
    range: &AnalysisRange,
    scratch: &mut EvidenceScratch,
) -> Evidence {
    let EvidenceScratch { births_after_warm_up, births_outstanding, lifetimes, sizes, older } = scratch;
    births_after_warm_up.clear();
    births_outstanding.clear();
    lifetimes.clear();
    sizes.clear();
    let mut evidence = Evidence {
        bytes_curve: vec![0.0; CURVE_POINTS],
        count_curve: vec![0.0; CURVE_POINTS],
        allocated_bytes_curve: vec![0.0; CURVE_POINTS],
        ..Evidence::default()
    };
    let scale = GrowthScale::new(range.analyzed);
    rows.clone().for_each(|figure| {
        let RowFigure { alloc, free, size, .. } = figure;
        evidence.growth.add(scale.weigh(alloc, free, size));
        lifetimes.extend(figure.lifetime(range.active));
        if alloc > range.active.to || free < range.active.from {
            return;
        }
        evidence.count_allocation(alloc, free, size, range);
        if alloc >= range.warm_up_end {
            births_after_warm_up.push(alloc.0);
        }
        if alloc >= range.active.from && free > range.active.to {
            births_outstanding.push(alloc.0);
            insert_distinct_size(sizes, size);
        }
    });
    // So far the curves have the changes in each interval.
    for curve in [&mut evidence.bytes_curve, &mut evidence.count_curve] {
        let mut sum = 0.0;
        for value in curve {
            sum += *value;
            *value = sum;
        }
    }
    evidence.distinct_sizes = sizes.len();
    let usual_lifetime = find_usual_lifetime(births_outstanding, lifetimes, range);
    let births = UnitBirths { all: births_after_warm_up, outstanding: births_outstanding };
    find_older(rows.clone(), usual_lifetime, range, older);
    evidence.older_than_usual = OlderThanUsual::new(older, usual_lifetime, &births, range);
    let count_older = evidence.older_than_usual.allocations.count;
    evidence.activity = AllocationActivity::new(births_after_warm_up, count_older, range);
    if usual_lifetime > 0 && evidence.freed.count <= evidence.outstanding.count {
        // Nearly all of it may be one cache: then the first frees of any age show when it was full.
        find_older(rows, 0, range, older);
        let start = LateFreeStart::new(older, 0, range.active.to.0, range);
        if start.surprisal > evidence.older_than_usual.late_free_start.surprisal {
            evidence.older_than_usual.late_free_start = start;
        }
    }
    evidence.update_curve_statistics(range);
    evidence
}

/// Finds the allocations made in the range that are older than `lifetime`, or were when they were freed.
fn find_older(
    rows: impl Iterator<Item = RowFigure>,
    lifetime: i64,
    range: &AnalysisRange,
    found: &mut Vec<OldAllocation>,
) {
    let to = range.active.to;
    let window_end = to.0.saturating_sub(lifetime);
    let older = rows.filter_map(|RowFigure { alloc, free, size, flags, .. }| {
        let is_freed = free <= to;
        let end = if is_freed { free.0 } else { to.0 };
        let is_older = alloc >= range.active.from && alloc.0 < window_end && end.saturating_sub(alloc.0) > lifetime;
        // The time of an implied free is not known.
        let has_known_end = !is_freed || flags & flag::IMPLIED == 0;
        (is_older && has_known_end).then_some(OldAllocation { birth: alloc.0, end, size, is_freed })
    });
    found.clear();
    found.extend(older);
}

impl Evidence {
    /// Counts an allocation that is outstanding at any time in the range.
    fn count_allocation(&mut self, alloc: Ticks, free: Ticks, size: u64, range: &AnalysisRange) {
        let (TimeRange { from, to }, length) = (range.active, range.active_ticks());
        let interval = |time: Ticks| bin_of(time.0.saturating_sub(from.0).max(0), length, CURVE_POINTS);
        let last_third_start = to.0.saturating_sub(length / 3);
        let is_in_last_third = |time: Ticks| time.0 >= last_third_start;
        let (is_allocated, is_freed) = (alloc >= from, free <= to);
        if is_allocated {
            let at = interval(alloc);
            self.allocated.add(size);
            self.bytes_curve[at] += size as f64;
            self.count_curve[at] += 1.0;
            self.allocated_bytes_curve[at] += size as f64;
            self.last_third.allocated += u64::from(is_in_last_third(alloc));
        }
        if is_freed {
            let at = interval(free);
            self.last_third.freed += u64::from(is_in_last_third(free));
            self.freed.add(size);
            self.bytes_curve[at] -= size as f64;
            self.count_curve[at] -= 1.0;
            if !is_allocated {
                self.freed_preexisting.add(size);
            }
        } else if is_allocated {
            self.outstanding.add(size);
            let ages = self.age_histogram.len();
            self.age_histogram[bin_of(to.0.saturating_sub(alloc.0), length, ages)] += 1;
        }
    }

    /// Computes the statistics of the curve. Few outstanding allocations have none.
    pub(super) fn update_curve_statistics(&mut self, range: &AnalysisRange) {
        if self.outstanding.count < MIN_OUTSTANDING {
            (self.slope, self.late_slope, self.linearity) = (Slope::default(), Slope::default(), 0.0);
            return;
        }
        let curve = self.bytes_after_warm_up(range);
        let second_half = curve.get(curve.len() / 2..).unwrap_or_default();
        (self.slope, self.late_slope, self.linearity) = (slope(curve), slope(second_half), r_squared(curve));
    }

    /// [`Self::bytes_curve`] after the warm-up.
    #[must_use]
    pub(super) fn bytes_after_warm_up(&self, range: &AnalysisRange) -> &[f64] {
        after_warm_up(&self.bytes_curve, range)
    }

    /// [`Self::count_curve`] after the warm-up.
    #[must_use]
    pub(super) fn counts_after_warm_up(&self, range: &AnalysisRange) -> &[f64] {
        after_warm_up(&self.count_curve, range)
    }

    /// Adds the evidence about another unit. [`Self::update_curve_statistics`] is called afterwards.
    pub(super) fn merge(&mut self, other: &Self) {
        self.allocated.merge(other.allocated);
        self.freed.merge(other.freed);
        self.freed_preexisting.merge(other.freed_preexisting);
        self.outstanding.merge(other.outstanding);
        self.growth.add(other.growth);
        self.last_third.allocated += other.last_third.allocated;
        self.last_third.freed += other.last_third.freed;
        self.activity.merge(&other.activity);
        self.age_histogram.iter_mut().zip(&other.age_histogram).for_each(|(sum, count)| *sum += count);
        self.distinct_sizes = (self.distinct_sizes + other.distinct_sizes).min(MAX_DISTINCT_SIZES);
        self.older_than_usual.merge(&other.older_than_usual);
        for (sum, more) in [
            (&mut self.bytes_curve, &other.bytes_curve),
            (&mut self.count_curve, &other.count_curve),
            (&mut self.allocated_bytes_curve, &other.allocated_bytes_curve),
        ] {
            sum.resize(CURVE_POINTS, 0.0);
            sum.iter_mut().zip(more).for_each(|(a, b)| *a += b);
        }
    }

    /// Adds the frees of a unit in which nothing was allocated, and their effect on the curves. Their lifetimes are not known, so
    /// they do not count for the outstanding ones.
    pub(super) fn merge_freed(&mut self, other: &Self) {
        self.freed.merge(other.freed);
        self.freed_preexisting.merge(other.freed_preexisting);
        self.growth.add(other.growth);
        self.last_third.freed += other.last_third.freed;
        for (sum, more) in [(&mut self.bytes_curve, &other.bytes_curve), (&mut self.count_curve, &other.count_curve)] {
            sum.resize(CURVE_POINTS, 0.0);
            sum.iter_mut().zip(more).for_each(|(a, b)| *a += b);
        }
    }

    /// Bytes per second of the analyzed range by which the outstanding bytes grow: see [`crate::trace::growth`].
    #[must_use]
    pub fn growth_bytes_per_s(&self, range: &AnalysisRange, clock: &Clock) -> f64 {
        GrowthScale::new(range.analyzed).bytes_per_s(self.growth, clock)
    }

    /// Outstanding bytes gained over the analyzed time.
    #[must_use]
    pub(super) fn gained_bytes(&self, range: &AnalysisRange) -> f64 {
        let curve = self.bytes_after_warm_up(range);
        let before = self.bytes_curve.len().checked_sub(curve.len() + 1).and_then(|at| self.bytes_curve.get(at));
        curve.last().copied().unwrap_or(0.0) - before.copied().unwrap_or(0.0)
    }
}

/// Approximate number of allocations older than `lifetime` ticks: the interval that contains this age counts in proportion.
pub(super) fn count_older_than(ages: &AgeHistogram, lifetime: i64, range: &AnalysisRange) -> f64 {
    let intervals = lifetime as f64 / range.active_ticks() as f64 * ages.len() as f64;
    let older = |(at, count): (usize, &u64)| *count as f64 * (at as f64 + 1.0 - intervals).clamp(0.0, 1.0);
    ages.iter().enumerate().map(older).sum()
}

/// The values of a curve after the warm-up.
fn after_warm_up<'c>(curve: &'c [f64], range: &AnalysisRange) -> &'c [f64] {
    let share = (range.warm_up_end.0.saturating_sub(range.active.from.0)) as f64 / range.active_ticks() as f64;
    let first = (share * CURVE_POINTS as f64).round() as usize;
    curve.get(first.min(CURVE_POINTS)..).unwrap_or_default()
}

/// Adds a size to a sorted list of at most [`MAX_DISTINCT_SIZES`] sizes.
fn insert_distinct_size(sizes: &mut Vec<u64>, size: u64) {
    if sizes.len() < MAX_DISTINCT_SIZES
        && let Err(at) = sizes.binary_search(&size)
    {
        sizes.insert(at, size);
    }
}
