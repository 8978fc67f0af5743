//! Outstanding allocations that are older than the allocations of their unit usually get: their number, their births and the end of
//! these, and the start of frees of such allocations. [`super::classification`] interprets them.

use super::evidence::AnalysisRange;
use super::growth_end::{GrowthEnd, find_growth_end};
use super::limits::{
    BIRTH_BINS, MAX_EARLY_FREES, MIN_ALLOCATIONS_PER_OLDER, MIN_BIRTH_WINDOW, MIN_OLDER_PER_LATE_FREE,
};
use super::statistics::{bin_of, expected_filled_bins, surprisal_of_at_least, surprisal_of_at_most};
use crate::group::aggregate::Total;
use std::cmp::Reverse;

/// Outstanding allocations of a unit that are older than usual, and their births.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct OlderThanUsual {
    /// Allocations made after the warm-up that are outstanding and older than [`Self::usual_lifetime`].
    pub allocations: Total,
    /// The usual lifetime of the unit, in ticks.
    pub usual_lifetime: i64,
    /// Allocations that were freed at a greater age than the usual lifetime.
    pub late_frees: u64,
    /// Total time that allocations, freed or not, spent beyond the usual lifetime, in analyzed times.
    pub exposure: f64,
    /// Births of the outstanding allocations by interval of the birth window.
    pub births: [u64; BIRTH_BINS],
    /// Length of the birth window in ticks: from the end of the warm-up to the usual lifetime before the end of the range.
    pub birth_window: i64,
    /// End of the births within the birth window.
    pub growth_end: GrowthEnd,
    /// The last birth before the most likely end of growth, in ticks.
    pub likely_last_birth: i64,
    /// The first birth, in ticks; 0, like [`Self::last_birth`], without any.
    pub first_birth: i64,
    /// The last birth, in ticks.
    pub last_birth: i64,
    /// Evenness of the births between the first and the last: filled intervals of [`BIRTH_BINS`], as a share of those that
    /// chance would fill.
    pub steadiness: f64,
    /// Start of the late frees.
    pub late_free_start: LateFreeStart,
}

/// The moment from which allocations older than usual are freed: a cache of fixed size frees none until it is full, and then one
/// for each new allocation.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct LateFreeStart {
    /// The moment, in ticks.
    pub at: i64,
    /// Surprisal of late frees that start so late.
    pub surprisal: f64,
    /// Gain before the moment, in births less frees per analyzed time.
    pub gain_before: f64,
    /// Gain from the moment on, in births less frees per analyzed time.
    pub gain_after: f64,
    /// Frees for each birth from the moment on.
    pub frees_per_birth: f64,
}

/// An allocation that is older than usual, or was when it was freed.
#[derive(Clone, Copy)]
pub(super) struct OldAllocation {
    pub birth: i64,
    /// Time of the free; the end of the range if it is outstanding.
    pub end: i64,
    pub size: u64,
    pub is_freed: bool,
}

/// Births of a unit, in ticks, ascending.
pub(super) struct UnitBirths<'b> {
    /// Of all allocations after the warm-up.
    pub all: &'b [i64],
    /// Of the outstanding allocations in the range.
    pub outstanding: &'b [i64],
}

/// Finds the usual lifetime of a unit in ticks. Each of the longest lifetimes is tried; the shorter it is, the more frees are
/// exceptions from it. The one with the most surprising lack of late frees is taken; where there is none, the longest lifetime.
/// `outstanding`: births of the outstanding allocations, ascending; `lifetimes`: in any order.
pub(super) fn find_usual_lifetime(outstanding: &[i64], lifetimes: &[i64], range: &AnalysisRange) -> i64 {
    let analyzed_time = range.ticks_after_warm_up() as f64;
    let first = outstanding.partition_point(|birth| *birth < range.warm_up_end.0);
    // So many exceptions at most are permitted, whatever the lifetime.
    let max_exceptions = ((outstanding.len() - first) as f64 / MIN_OLDER_PER_LATE_FREE) as usize;
    let lifetimes = longest(lifetimes, max_exceptions + 1);
    let mut best = (0.0, lifetimes.first().copied().unwrap_or(0));
    let mut exceptions = 0_usize;
    let mut exception_ticks = 0.0_f64;
    while let Some(&lifetime) = lifetimes.get(exceptions) {
        let window_end = range.active.to.0.saturating_sub(lifetime);
        let births = outstanding.get(first..).unwrap_or_default();
        let older = births.partition_point(|birth| *birth < window_end);
        if older as f64 >= MIN_OLDER_PER_LATE_FREE * exceptions as f64 {
            // Births are even enough for the mean age to be half of the window.
            let outstanding_ticks = older as f64 * (window_end.saturating_sub(range.warm_up_end.0)) as f64 / 2.0;
            let exposure = (outstanding_ticks + exception_ticks - exceptions as f64 * lifetime as f64) / analyzed_time;
            let surprisal = surprisal_of_at_most(exceptions as f64, exposure);
            if surprisal > best.0 {
                best = (surprisal, lifetime);
            }
        }
        let next = if exceptions == 0 { 1 } else { exceptions * 2 };
        let skipped = lifetimes.get(exceptions..next.min(lifetimes.len())).unwrap_or_default();
        exception_ticks += skipped.iter().map(|lifetime| *lifetime as f64).sum::<f64>();
        exceptions = next;
    }
    best.1
}

/// The longest lifetimes, `count` of them at most, the longest first.
fn longest(lifetimes: &[i64], count: usize) -> Vec<i64> {
    if count == 1 {
        return lifetimes.iter().copied().max().into_iter().collect();
    }
    let mut found = lifetimes.to_vec();
    if count < found.len() {
        found.select_nth_unstable_by_key(count, |lifetime| Reverse(*lifetime));
        found.truncate(count);
    }
    found.sort_unstable_by_key(|lifetime| Reverse(*lifetime));
    found
}

impl OlderThanUsual {
    /// Evaluates the allocations older than `usual_lifetime`: `old` in the order of their births, all born in the range and at
    /// least `usual_lifetime` before its end.
    pub(super) fn new(
        old: &[OldAllocation],
        usual_lifetime: i64,
        births: &UnitBirths<'_>,
        range: &AnalysisRange,
    ) -> Self {
        let window_end = range.active.to.0.saturating_sub(usual_lifetime);
        let after_warm_up = || old.iter().filter(|allocation| allocation.birth >= range.warm_up_end.0);
        let ticks_beyond =
            |old: &OldAllocation| old.end.saturating_sub(old.birth).saturating_sub(usual_lifetime) as f64;
        let mut result = Self {
            usual_lifetime,
            birth_window: window_end.saturating_sub(range.warm_up_end.0).max(0),
            late_frees: old.iter().filter(|allocation| allocation.is_freed).count() as u64,
            exposure: after_warm_up().map(ticks_beyond).sum::<f64>() / range.ticks_after_warm_up() as f64,
            ..Self::default()
        };
        let mut own_births: Vec<i64> = Vec::new();
        for allocation in after_warm_up().filter(|allocation| !allocation.is_freed) {
            result.allocations.add(allocation.size);
            let offset = allocation.birth.saturating_sub(range.warm_up_end.0);
            result.births[bin_of(offset, result.birth_window, BIRTH_BINS)] += 1;
            own_births.push(allocation.birth);
        }
        (result.first_birth, result.last_birth, result.steadiness) = steadiness(&own_births);
        result.set_growth_end(&own_births, births, window_end, range);
        result.late_free_start = LateFreeStart::new(old, usual_lifetime, window_end, range);
        result
    }

    /// Sets the end of growth by the clock that shows it most clearly: time; the unit's own allocations, where most of these are
    /// freed; or time for outstanding allocations of any age.
    fn set_growth_end(&mut self, own_births: &[i64], births: &UnitBirths<'_>, window_end: i64, range: &AnalysisRange) {
        let warm_up_end = range.warm_up_end.0;
        let last_birth = |births: &[i64], end: GrowthEnd| {
            births.get(end.events_before_end.saturating_sub(1)).copied().unwrap_or(warm_up_end)
        };
        let by_time = find_growth_end(own_births, warm_up_end, window_end);
        self.likely_last_birth = last_birth(own_births, by_time);
        self.growth_end = by_time;
        let mut consider = |births: &[i64], other: GrowthEnd, slowing_log_odds: f64| {
            if other.odds > self.growth_end.odds {
                self.likely_last_birth = last_birth(births, other);
                self.growth_end = other;
            }
            self.growth_end.slowing_log_odds = slowing_log_odds;
        };
        let outstanding = births.outstanding;
        let outstanding =
            outstanding.get(outstanding.partition_point(|birth| *birth < warm_up_end)..).unwrap_or_default();
        let of_any_age = find_growth_end(outstanding, warm_up_end, range.active.to.0);
        consider(outstanding, of_any_age, by_time.slowing_log_odds);
        let allocations = births.all.get(..births.all.partition_point(|birth| *birth < window_end)).unwrap_or_default();
        if allocations.len() as u64 >= MIN_ALLOCATIONS_PER_OLDER * own_births.len() as u64 {
            let rank = |birth: &i64| allocations.partition_point(|other| other < birth) as i64;
            let ranks: Vec<i64> = own_births.iter().map(rank).collect();
            let by_allocations = find_growth_end(&ranks, 0, allocations.len() as i64);
            consider(own_births, by_allocations, by_allocations.slowing_log_odds);
        }
    }

    /// Adds the allocations of another unit. Of the ends of growth, the one with lower odds is kept.
    pub(super) fn merge(&mut self, other: &Self) {
        self.allocations.merge(other.allocations);
        self.late_frees += other.late_frees;
        self.exposure += other.exposure;
        self.births.iter_mut().zip(&other.births).for_each(|(sum, count)| *sum += count);
        if self.birth_window == 0 || other.growth_end.odds < self.growth_end.odds {
            (self.growth_end, self.likely_last_birth) = (other.growth_end, other.likely_last_birth);
        }
        if other.allocations.count > 0 {
            let is_first = self.first_birth == 0 && self.last_birth == 0;
            self.first_birth = if is_first { other.first_birth } else { self.first_birth.min(other.first_birth) };
            self.last_birth = if is_first { other.last_birth } else { self.last_birth.max(other.last_birth) };
            self.steadiness = self.steadiness.max(other.steadiness);
        }
        self.usual_lifetime = self.usual_lifetime.max(other.usual_lifetime);
        self.birth_window = self.birth_window.max(other.birth_window);
        if other.late_free_start.surprisal > self.late_free_start.surprisal {
            self.late_free_start = other.late_free_start;
        }
    }

    /// Largest share of the births in two neighboring intervals, 0 to 1.
    pub(super) fn max_two_interval_share(&self) -> f64 {
        let peak = self.births.windows(2).map(|pair| pair.iter().sum::<u64>()).max().unwrap_or(0);
        peak as f64 / self.allocations.count.max(1) as f64
    }

    /// Returns `true` if the birth window is long enough to show a trend.
    #[must_use]
    pub fn has_enough_window(&self, range: &AnalysisRange) -> bool {
        self.birth_window as f64 >= MIN_BIRTH_WINDOW * range.ticks_after_warm_up() as f64
    }
}

/// First and last of ascending births, and the evenness of those between.
fn steadiness(births: &[i64]) -> (i64, i64, f64) {
    let (Some(&first), Some(&last)) = (births.first(), births.last()) else { return (0, 0, 0.0) };
    let length = last.saturating_sub(first);
    let mut bins = [false; BIRTH_BINS];
    births.iter().for_each(|birth| bins[bin_of(birth.saturating_sub(first), length, BIRTH_BINS)] = true);
    let filled = bins.iter().filter(|bin| **bin).count() as f64;
    (first, last, filled / expected_filled_bins(births.len() as u64, BIRTH_BINS))
}

impl LateFreeStart {
    /// Finds the start of frees of allocations older than `usual_lifetime`. `window_end`: the last moment at which an allocation
    /// that is that old at the end of the range can have been born.
    pub(super) fn new(old: &[OldAllocation], usual_lifetime: i64, window_end: i64, range: &AnalysisRange) -> Self {
        let mut frees: Vec<i64> = old.iter().filter(|old| old.is_freed).map(|old| old.end).collect();
        let max_early_frees = (MAX_EARLY_FREES * frees.len() as f64) as usize;
        let mut candidates = vec![0, max_early_frees];
        candidates.dedup();
        let mut best = Self::default();
        for early_frees in candidates {
            // Whether a cache that is full only at the end still gains cannot be seen.
            if early_frees >= frees.len() {
                continue;
            }
            let at = *frees.select_nth_unstable(early_frees).1;
            if at >= window_end {
                continue;
            }
            let late_share = (frees.len() - early_frees) as f64 / frees.len().max(1) as f64;
            let start = Self::at(at, old, usual_lifetime, (frees.len(), late_share), window_end, range);
            if start.surprisal > best.surprisal {
                best = start;
            }
        }
        best
    }

    /// Evaluates the moment `at` as the start of late frees, of which there are `frees`, `late_share` of them from this moment on.
    fn at(
        at: i64,
        old: &[OldAllocation],
        usual_lifetime: i64,
        (frees, late_share): (usize, f64),
        window_end: i64,
        range: &AnalysisRange,
    ) -> Self {
        let analyzed_time = range.ticks_after_warm_up() as f64;
        // Ticks that allocations spent beyond the usual lifetime, in all and from the moment on.
        let (mut exposure, mut exposure_after) = (0.0, 0.0);
        // Before the moment, and from it on.
        let (mut births, mut freed) = ([0.0_f64; 2], [0.0_f64; 2]);
        for allocation in old {
            let old_since = allocation.birth.saturating_add(usual_lifetime);
            exposure += allocation.end.saturating_sub(old_since).max(0) as f64;
            exposure_after += allocation.end.saturating_sub(old_since.max(at)).max(0) as f64;
            births[usize::from(allocation.birth >= at)] += 1.0;
            if allocation.is_freed && allocation.end <= window_end {
                freed[usize::from(allocation.end >= at)] += 1.0;
            }
        }
        let time_before = (at.saturating_sub(range.active.from.0)).max(1) as f64 / analyzed_time;
        let time_after = (window_end.saturating_sub(at)).max(1) as f64 / analyzed_time;
        Self {
            at,
            surprisal: surprisal_of_at_least(frees as f64, late_share, exposure_after / exposure.max(1.0)),
            gain_before: (births[0] - freed[0]) / time_before,
            gain_after: (births[1] - freed[1]) / time_after,
            frees_per_birth: freed[1] / births[1].max(1.0),
        }
    }
}
