//! Classification of one unit: from its evidence to a verdict and a confidence.
//!
//! The questions, in this order: are allocations outstanding that are older than usual, and more of them than other causes explain
//! ([`classify_by_age`])? If so, do their births continue ([`GrowthTrend`])? If not, does the outstanding curve rise, and does the
//! load explain that ([`classify_by_curve`])? If growth is over: was it the load that ended, or did the unit level off
//! ([`classify_ended_growth`])?

use super::evidence::{AnalysisRange, Evidence};
use super::limits as limit;
use super::older_than_usual::OlderThanUsual;
use super::statistics::{expected_filled_bins, surprisal_of_at_most};
use super::verdict::Verdict;

/// Causes other than growth that leave allocations outstanding, as numbers of allocations.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Uncertainty {
    /// Replacements of a constant level from before the range: preexisting allocations of the tag that were freed at a greater age
    /// than the usual lifetime, as far as they may belong to the unit.
    pub replaced: f64,
    /// The same if all of them belong to the unit. A leak must not be explained even then.
    pub replaced_max: f64,
    /// The same for frees at any age, which also explain a rising curve.
    pub replaced_any_age: f64,
    /// Frees that were lost.
    pub lost_frees: f64,
    /// Allocations of all other units before and after the unit's allocations ended.
    pub other_allocations: OtherAllocations,
}

/// Allocations of all other units, before and after the allocations of a unit ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OtherAllocations {
    /// Before the end.
    pub before: u64,
    /// After the end.
    pub after: u64,
}

impl OtherAllocations {
    /// Returns `true` if the other units continued when this one ended. With a tag filter there are none, so that nothing else ended.
    fn are_continuing(self) -> bool {
        self.before < limit::MIN_OUTSTANDING || self.after >= limit::MIN_OUTSTANDING
    }
}

/// The verdict about one unit.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Classification {
    /// The verdict.
    pub verdict: Verdict,
    /// Confidence by the evidence of the unit alone, 0 to 1.
    pub confidence: f64,
    /// The verdict is based on allocations older than usual; otherwise on the outstanding curve.
    pub is_by_age: bool,
    /// Closeness of the unit to growing, where allocations remain outstanding but other causes may explain them.
    pub borderline: Option<Borderline>,
}

/// Allocations that remain outstanding, but not clearly more than other causes explain.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Borderline {
    /// Outstanding allocations older than usual.
    pub older_than_usual: u64,
    /// Number of these that frees of preexisting allocations and lost frees explain.
    pub explained_by_others: f64,
    /// Closeness to being classified as growing, 0 to 1.
    pub closeness: f64,
}

/// Classifies a unit.
#[must_use]
pub fn classify(evidence: &Evidence, range: &AnalysisRange, uncertainty: &Uncertainty) -> Classification {
    classify_by_age(evidence, range, uncertainty).unwrap_or_else(|| Classification {
        borderline: borderline(evidence, range, uncertainty),
        ..classify_by_curve(evidence, range, uncertainty)
    })
}

/// Standard deviations by which `count` allocations exceed those that other causes explain.
fn excess_deviations(count: f64, explained: f64) -> f64 {
    (count - explained) / (count + explained).sqrt().max(1.0)
}

/// Returns `true` if there are enough outstanding allocations older than usual, and few enough late frees, for a verdict by age.
fn has_enough_evidence(evidence: &Evidence, range: &AnalysisRange) -> bool {
    let older = &evidence.older_than_usual;
    older.allocations.count >= limit::MIN_OUTSTANDING
        && older.has_enough_window(range)
        && older.allocations.count as f64 >= limit::MIN_OLDER_PER_LATE_FREE * older.late_frees as f64
}

/// Computes [`Classification::borderline`].
fn borderline(evidence: &Evidence, range: &AnalysisRange, uncertainty: &Uncertainty) -> Option<Borderline> {
    let older = &evidence.older_than_usual;
    let weight = match GrowthTrend::new(older).birth_trend {
        BirthTrend::Continuing => 1.0,
        BirthTrend::Uncertain => limit::UNCERTAIN_TREND_WEIGHT,
        BirthTrend::Stopped | BirthTrend::SingleStep => return None,
    };
    if !has_enough_evidence(evidence, range) {
        return None;
    }
    let explained_by_others = uncertainty.replaced + uncertainty.lost_frees;
    let deviations = excess_deviations(older.allocations.count as f64, explained_by_others);
    let closeness = weight * (deviations / limit::GROWTH_DEVIATIONS).min(1.0);
    let older_than_usual = older.allocations.count;
    (closeness > 0.0).then_some(Borderline { older_than_usual, explained_by_others, closeness })
}

/// Classifies by the outstanding allocations that are older than usual; `None` if they are too few, or other causes explain them.
fn classify_by_age(evidence: &Evidence, range: &AnalysisRange, uncertainty: &Uncertainty) -> Option<Classification> {
    let older = &evidence.older_than_usual;
    let count = older.allocations.count as f64;
    let explained = uncertainty.replaced + uncertainty.lost_frees;
    let is_unexplained = |explained: f64| count - explained >= limit::MIN_UNEXPLAINED_SHARE * count;
    let is_significant = is_unexplained(explained) && excess_deviations(count, explained) >= limit::GROWTH_DEVIATIONS;
    if !has_enough_evidence(evidence, range) || !is_significant {
        return None;
    }
    let late_free_surprisal = surprisal_of_at_most(older.late_frees as f64, older.exposure);
    let max_explained = uncertainty.replaced_max.max(uncertainty.replaced) + uncertainty.lost_frees;
    let can_be_leak = older.allocations.count >= limit::MIN_OUTSTANDING_FOR_LEAK
        && late_free_surprisal >= limit::MIN_LATE_FREE_SURPRISAL
        && older.exposure >= limit::MIN_EXPOSURE_PER_LATE_FREE * older.late_frees as f64
        && is_unexplained(max_explained)
        && excess_deviations(count, max_explained) >= limit::LEAK_DEVIATIONS
        && older.usual_lifetime as f64 <= limit::MAX_USUAL_LIFETIME * range.ticks_after_warm_up() as f64;
    // Confidence that the allocations will not be freed.
    let enough = 1.0 - (-late_free_surprisal / (2.0 * limit::MIN_LATE_FREE_SURPRISAL)).exp();
    let unexplained = (count - explained) / (count + older.late_frees as f64);
    let permanence = (enough * unexplained).clamp(0.0, 1.0);
    let trend = GrowthTrend::new(older);
    let growth = (permanence * trend.continuing * trend.spread).clamp(0.0, 1.0);
    let (verdict, confidence) = match trend.birth_trend {
        BirthTrend::Continuing if can_be_leak => (Verdict::Leak, growth),
        BirthTrend::Continuing | BirthTrend::Uncertain => (Verdict::Growing, growth),
        BirthTrend::Stopped => classify_ended_growth(evidence, range, uncertainty.other_allocations, permanence),
        BirthTrend::SingleStep => {
            match classify_ended_growth(evidence, range, uncertainty.other_allocations, permanence) {
                stopped @ (Verdict::Stopped, _) => stopped,
                _ => (Verdict::Burst, permanence),
            }
        }
    };
    Some(Classification { verdict, confidence, is_by_age: true, borderline: None })
}

/// Trend of the births of outstanding allocations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BirthTrend {
    /// Births continue until the end.
    Continuing,
    /// Births may have stopped.
    Uncertain,
    /// Births have stopped.
    Stopped,
    /// Nearly all births are in one step.
    SingleStep,
}

/// Trend of growth by the births of the outstanding allocations that are older than usual.
struct GrowthTrend {
    birth_trend: BirthTrend,
    /// Probability that growth continues, 0 to 1.
    continuing: f64,
    /// Intervals with births, as a share of those that chance would fill, 0 to 1.
    spread: f64,
}

impl GrowthTrend {
    fn new(older: &OlderThanUsual) -> Self {
        let filled = older.births.iter().filter(|births| **births > 0).count() as f64;
        let filled_by_chance = expected_filled_bins(older.allocations.count, limit::BIRTH_BINS);
        let is_spread = filled >= (limit::MIN_FILLED_SHARE * filled_by_chance).max(limit::MIN_FILLED_BINS as f64);
        let cache_trend = full_cache_trend(older);
        let end = &older.growth_end;
        let birth_trend = if older.max_two_interval_share() > limit::BURST_SHARE {
            BirthTrend::SingleStep
        } else if end.odds_over_slowing() >= limit::STOPPED_ODDS || cache_trend == BirthTrend::Stopped {
            BirthTrend::Stopped
        } else if end.odds >= limit::POSSIBLY_STOPPED_ODDS
            || !is_spread
            || end.slowing_log_odds >= limit::SLOWING_LOG_ODDS
            || cache_trend == BirthTrend::Uncertain
        {
            BirthTrend::Uncertain
        } else {
            BirthTrend::Continuing
        };
        let continuing = continuing_probability(older, cache_trend);
        Self { birth_trend, continuing, spread: (filled / filled_by_chance).min(1.0) }
    }
}

/// Probability that growth continues. Growth that slows down steadily may do so with the load, and a late start of frees may be
/// chance.
fn continuing_probability(older: &OlderThanUsual, cache_trend: BirthTrend) -> f64 {
    let end = &older.growth_end;
    let is_slowing = end.slowing_log_odds >= limit::SLOWING_LOG_ODDS;
    let odds = if is_slowing { 1.0 + end.odds_over_slowing() } else { end.odds };
    let odds = if cache_trend == BirthTrend::Continuing { odds } else { odds + older.late_free_start.surprisal };
    1.0 / (1.0 + odds)
}

/// Trend by the pattern of a full cache: frees started late, and little has been gained since.
pub(super) fn full_cache_trend(older: &OlderThanUsual) -> BirthTrend {
    let start = &older.late_free_start;
    let is_full = start.gain_after < limit::MAX_FULL_CACHE_GAIN * start.gain_before
        && start.frees_per_birth <= limit::MAX_FULL_CACHE_FREES;
    if !is_full || start.surprisal < limit::POSSIBLE_CHANGE_SURPRISAL {
        BirthTrend::Continuing
    } else if start.surprisal < limit::CHANGE_SURPRISAL {
        BirthTrend::Uncertain
    } else {
        BirthTrend::Stopped
    }
}

/// Classifies growth that ended, or may have ended, before the recording did: a leak whose load was stopped before the trace was
/// saved, as is usual when a leak is reproduced; a cache that was filled once; one-time initialization. Within one trace a stopped
/// leak and a cache with its own free list look the same, so that the confidence never exceeds
/// [`limit::MAX_STOPPED_CONFIDENCE`]. `permanence`: confidence that the allocations will not be freed.
fn classify_ended_growth(
    evidence: &Evidence,
    range: &AnalysisRange,
    others: OtherAllocations,
    permanence: f64,
) -> (Verdict, f64) {
    let older = &evidence.older_than_usual;
    let growth_share = older.last_birth.saturating_sub(older.first_birth) as f64 / range.ticks_after_warm_up() as f64;
    let is_steady = growth_share >= limit::MIN_STEADY_GROWTH && older.steadiness >= limit::MIN_STEADINESS;
    let is_never_freed = older.late_frees as f64 <= limit::CHURN_SHARE * older.allocations.count as f64;
    let has_load_ended = evidence.activity.end.odds_over_slowing() >= limit::STOPPED_ODDS && others.are_continuing();
    if has_load_ended && is_steady && is_never_freed && older.allocations.count >= limit::MIN_OUTSTANDING {
        let confidence = limit::MAX_STOPPED_CONFIDENCE * permanence * older.steadiness.min(1.0);
        return (Verdict::Stopped, confidence);
    }
    if is_level_at_end(evidence) {
        return (Verdict::Bounded, permanence);
    }
    if evidence.last_third.allocated >= limit::MIN_OUTSTANDING {
        // The curve still rises at the end, by allocations too young to be missing a free.
        return (Verdict::InFlight, permanence);
    }
    if is_never_freed { (Verdict::Burst, permanence) } else { (Verdict::InFlight, permanence) }
}

/// Returns `true` if the unit still allocates in the last third, and frees as many as it allocates, within what chance explains.
fn is_level_at_end(evidence: &Evidence) -> bool {
    evidence.last_third.allocated >= limit::MIN_OUTSTANDING && !evidence.last_third.is_rising()
}

/// Classifies by the outstanding curve, where no or too few allocations are older than usual.
fn classify_by_curve(evidence: &Evidence, range: &AnalysisRange, uncertainty: &Uncertainty) -> Classification {
    let peak = evidence.bytes_curve.iter().copied().fold(0.0, f64::max);
    let end = evidence.bytes_curve.last().copied().unwrap_or(0.0);
    let outstanding = evidence.outstanding.count;
    let has_too_little_data = evidence.allocated.count < limit::MIN_OUTSTANDING
        || (outstanding < limit::MIN_OUTSTANDING && evidence.freed.count < limit::MIN_OUTSTANDING);
    let is_rising = evidence.slope.low > 0.0 && evidence.slope.rising_share >= limit::MIN_RISING_SHARE;
    let is_growing = is_rising
        && outstanding >= limit::MIN_OUTSTANDING
        && evidence.gained_bytes(range) > limit::CHURN_SHARE * evidence.allocated.bytes as f64
        && end >= limit::MIN_END_OF_PEAK * peak;
    let explained = uncertainty.replaced_any_age + uncertainty.lost_frees;
    let is_explained = (outstanding as f64 - explained) < limit::MIN_UNEXPLAINED_SHARE * outstanding as f64;
    let is_leveling_off = evidence.late_slope.median < limit::LEVEL_SHARE * evidence.slope.median;
    let (verdict, confidence) = if has_too_little_data {
        (Verdict::TooLittleData, limit::UNDECIDED_CONFIDENCE)
    } else if is_growing
        && (is_explained || is_leveling_off || is_level_at_curve_end(evidence.counts_after_warm_up(range)))
    {
        classify_level_curve(evidence, range, uncertainty)
    } else if is_growing && load_growth_share(evidence, range) >= limit::MIN_LOAD_SHARE {
        (Verdict::InFlight, limit::UNDECIDED_CONFIDENCE)
    } else if is_growing {
        (Verdict::Growing, limit::MAX_CURVE_CONFIDENCE * evidence.linearity)
    } else if outstanding as f64 > limit::CHURN_SHARE * evidence.allocated.count as f64 {
        // Outstanding without a rising curve: early allocations are a constant level, young ones are in use.
        let young: u64 = evidence.age_histogram.iter().take(2).sum();
        if young * 2 > outstanding {
            (Verdict::InFlight, limit::LEVEL_CURVE_CONFIDENCE)
        } else {
            classify_level_curve(evidence, range, uncertainty)
        }
    } else {
        (Verdict::Churn, limit::CHURN_CONFIDENCE)
    };
    Classification { verdict, confidence, is_by_age: false, borderline: None }
}

/// Classifies a unit that no longer grows by its curve. Without enough allocations at the end nothing shows a level.
fn classify_level_curve(evidence: &Evidence, range: &AnalysisRange, uncertainty: &Uncertainty) -> (Verdict, f64) {
    let confidence = limit::LEVEL_CURVE_CONFIDENCE;
    if is_level_at_end(evidence) {
        return (Verdict::Bounded, confidence);
    }
    if evidence.last_third.allocated >= limit::MIN_OUTSTANDING {
        return (Verdict::InFlight, confidence);
    }
    let older = evidence.older_than_usual.allocations.count as f64;
    let explained = uncertainty.replaced_any_age + uncertainty.lost_frees;
    match classify_ended_growth(evidence, range, uncertainty.other_allocations, confidence) {
        stopped @ (Verdict::Stopped, _) if older - explained >= limit::MIN_UNEXPLAINED_SHARE * older => stopped,
        _ => (Verdict::TooLittleData, limit::UNDECIDED_CONFIDENCE),
    }
}

/// Returns `true` if the end of a curve of counts gains much less than any part of the same length before, and less than chance allows.
fn is_level_at_curve_end(counts: &[f64]) -> bool {
    let last = counts.len().saturating_sub(1);
    (3..=last / 2).any(|length| is_level_from(counts, last - length))
}

/// The same for the part from `start` on.
fn is_level_from(counts: &[f64], start: usize) -> bool {
    let gain = |from: usize, to: usize| counts.get(to).unwrap_or(&0.0) - counts.get(from).unwrap_or(&0.0);
    let last = counts.len().saturating_sub(1);
    let length = last.saturating_sub(start).max(1);
    let gains_before: Vec<f64> =
        (0..start / length).map(|k| gain(start - (k + 1) * length, start - k * length)).collect();
    let mean_gain = gains_before.iter().sum::<f64>() / gains_before.len().max(1) as f64;
    let min_gain = gains_before.iter().copied().fold(f64::INFINITY, f64::min);
    let gain_at_end = gain(start, last);
    gain_at_end <= limit::LEVEL_SHARE * mean_gain
        && gain_at_end < min_gain / 2.0
        && mean_gain - gain_at_end >= limit::GROWTH_DEVIATIONS * mean_gain.max(0.0).sqrt()
}

/// Index into the whole curve from which it is level: the start of the last part that gained little.
pub(super) fn level_since(evidence: &Evidence, range: &AnalysisRange) -> usize {
    let counts = evidence.counts_after_warm_up(range);
    let first = evidence.count_curve.len().saturating_sub(counts.len());
    let end = counts.last().copied().unwrap_or(0.0);
    let start = counts.first().copied().unwrap_or(0.0);
    let tolerance = (end - start).abs() * limit::LEVEL_SHARE / 2.0;
    let level = counts.iter().rev().take_while(|count| (**count - end).abs() <= tolerance).count();
    first + counts.len() - level
}

/// Share of the growth of the outstanding bytes that the growth of the allocation rate explains: with unchanged lifetimes, both
/// grow in proportion (Little's law).
pub(super) fn load_growth_share(evidence: &Evidence, range: &AnalysisRange) -> f64 {
    let outstanding = evidence.bytes_after_warm_up(range);
    let all_rates = &evidence.allocated_bytes_curve;
    let rates = all_rates.get(all_rates.len().saturating_sub(outstanding.len())..).unwrap_or_default();
    let third = outstanding.len() / 3;
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
    let first_and_last_third = |values: &[f64]| {
        let last = values.len().saturating_sub(third);
        (mean(values.get(..third).unwrap_or_default()), mean(values.get(last..).unwrap_or_default()))
    };
    let (outstanding_before, outstanding_after) = first_and_last_third(outstanding);
    let (rate_before, rate_after) = first_and_last_third(rates);
    if outstanding_before <= 0.0 || rate_before <= 0.0 || outstanding_after <= outstanding_before {
        return 0.0;
    }
    (rate_after / rate_before - 1.0) / (outstanding_after / outstanding_before - 1.0)
}
