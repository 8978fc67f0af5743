//! What the outstanding curve alone says of a unit of whose blocks none, or not clearly enough, got older than usual.

use super::evidence::{Evidence, AnalysisRange};
use super::limits as limit;
use super::stopped;
use super::verdict::{Uncertainty, Classification, Verdict};

/// Judges by the outstanding curve.
pub(super) fn classify_by_curve(evidence: &Evidence, span: &AnalysisRange, doubt: &Uncertainty) -> Classification {
    let growth = evidence.gained_bytes(span);
    let peak = evidence.bytes_curve.iter().copied().fold(0.0, f64::max);
    let end = evidence.bytes_curve.last().copied().unwrap_or(0.0);
    let survivors = evidence.outstanding.count;
    let is_little = evidence.allocated.count < limit::MIN_OUTSTANDING
        || (survivors < limit::MIN_OUTSTANDING && evidence.freed.count < limit::MIN_OUTSTANDING);
    let rises = evidence.slope.low > 0.0 && evidence.slope.rising_share >= limit::MIN_RISING_SHARE;
    let grows = rises
        && survivors >= limit::MIN_OUTSTANDING
        && growth > limit::CHURN_SHARE * evidence.allocated.bytes as f64
        && end >= limit::MIN_END_OF_PEAK * peak;
    let against = doubt.replaced_any_age + doubt.lost_frees;
    let is_replaced = (survivors as f64 - against) < limit::MIN_UNEXPLAINED_SHARE * survivors as f64;
    let levels_off = evidence.late_slope.median < limit::LEVEL_SHARE * evidence.slope.median;
    let (verdict, confidence) = if is_little {
        (Verdict::TooLittleData, 0.5)
    } else if grows && (is_replaced || levels_off || is_level_at_curve_end(evidence.counts_after_warm_up(span))) {
        classify_level_curve(evidence, span, doubt)
    } else if grows && load_growth_share(evidence, span) >= limit::MIN_LOAD_SHARE {
        (Verdict::InFlight, 0.5)
    } else if grows {
        (Verdict::Growing, limit::MAX_CURVE_CONFIDENCE * evidence.linearity)
    } else if survivors as f64 > limit::CHURN_SHARE * evidence.allocated.count as f64 {
        // Alive at the end without a rising curve: what was there early is a level, what is young is in use.
        let young: u64 = evidence.age_histogram.iter().take(2).sum();
        if young * 2 > survivors { (Verdict::InFlight, LEVEL_CURVE_CONFIDENCE) } else { classify_level_curve(evidence, span, doubt) }
    } else {
        (Verdict::Churn, 0.8)
    };
    Classification { verdict, confidence, is_by_age: false, borderline: None }
}

/// How sure a level is by the outstanding curve alone.
const LEVEL_CURVE_CONFIDENCE: f64 = 0.6;

/// A kind that no longer grows, as far as its curve shows. Without enough allocations at the end nothing shows that it has
/// levelled off.
fn classify_level_curve(evidence: &Evidence, span: &AnalysisRange, doubt: &Uncertainty) -> (Verdict, f64) {
    if stopped::is_level_at_end(evidence) {
        return (Verdict::Bounded, LEVEL_CURVE_CONFIDENCE);
    }
    if evidence.last_third.allocated >= limit::MIN_OUTSTANDING {
        return (Verdict::InFlight, LEVEL_CURVE_CONFIDENCE);
    }
    let (survivors, explained) = (evidence.older_than_usual.allocations.count as f64, doubt.replaced_any_age + doubt.lost_frees);
    match stopped::classify_ended_growth(evidence, span, doubt.other_allocations, LEVEL_CURVE_CONFIDENCE) {
        stopped @ (Verdict::Stopped, _) if survivors - explained >= limit::MIN_UNEXPLAINED_SHARE * survivors => stopped,
        _ => (Verdict::TooLittleData, 0.5),
    }
}

/// Whether the end of a curve of blocks gains much less than any stretch of the same length before, and less than chance
/// allows.
fn is_level_at_curve_end(counts: &[f64]) -> bool {
    let last = counts.len().saturating_sub(1);
    (3..=last / 2).any(|length| is_level_since(counts, last - length))
}

/// The same for a given beginning of the end.
fn is_level_since(counts: &[f64], start: usize) -> bool {
    let gain = |from: usize, to: usize| counts.get(to).unwrap_or(&0.0) - counts.get(from).unwrap_or(&0.0);
    let last = counts.len().saturating_sub(1);
    let length = last.saturating_sub(start).max(1);
    let before: Vec<f64> = (0..start / length).map(|k| gain(start - (k + 1) * length, start - k * length)).collect();
    let mean = before.iter().sum::<f64>() / before.len().max(1) as f64;
    let least = before.iter().copied().fold(f64::INFINITY, f64::min);
    let end = gain(start, last);
    end <= limit::LEVEL_SHARE * mean
        && end < least / 2.0
        && mean - end >= limit::GROWTH_DEVIATIONS * mean.max(0.0).sqrt()
}

/// Since which point of the whole curve it has been level: where the last stretch begins in which it gained little.
pub(super) fn level_since(evidence: &Evidence, span: &AnalysisRange) -> usize {
    let counts = evidence.counts_after_warm_up(span);
    let first = evidence.count_curve.len().saturating_sub(counts.len());
    let end = counts.last().copied().unwrap_or(0.0);
    let start = counts.first().copied().unwrap_or(0.0);
    let near = (end - start).abs() * limit::LEVEL_SHARE / 2.0;
    let tail = counts.iter().rev().take_while(|count| (**count - end).abs() <= near).count();
    first + counts.len() - tail
}

/// Share of the growth of the outstanding bytes that the growth of the allocation rate explains: with lifetimes that stay the
/// same, both grow in proportion (Little's law).
pub(super) fn load_growth_share(evidence: &Evidence, span: &AnalysisRange) -> f64 {
    let settled = evidence.bytes_after_warm_up(span);
    let rate = evidence.allocated_bytes_curve.get(evidence.allocated_bytes_curve.len().saturating_sub(settled.len())..).unwrap_or_default();
    let third = settled.len() / 3;
    let ends = |values: &[f64]| {
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
        let last = values.len().saturating_sub(third);
        (mean(values.get(..third).unwrap_or_default()), mean(values.get(last..).unwrap_or_default()))
    };
    let (level_before, level_after) = ends(settled);
    let (rate_before, rate_after) = ends(rate);
    if level_before <= 0.0 || rate_before <= 0.0 || level_after <= level_before {
        return 0.0;
    }
    (rate_after / rate_before - 1.0) / (level_after / level_before - 1.0)
}
