//! From evidence to a verdict. The order of the questions is the model: did blocks stay that should have gone? do new ones
//! keep staying? if none stayed, does the outstanding curve rise, and why?

use super::evidence::{Evidence, Span};
use super::limits as limit;
use super::statistics::{filled_by_chance, pause_by_chance};
use std::fmt;

/// What the growth of a unit is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Verdict {
    /// Grows steadily and does not free.
    Leak,
    /// Grows and frees some: a leak or a queue.
    Growing,
    /// One step.
    Burst,
    /// A cache or a warm-up that has levelled off.
    Bounded,
    /// Alive at the end, but no older than blocks of its kind get.
    InFlight,
    /// Comes and goes.
    Churn,
    /// Too little happened to say.
    TooLittleData,
}

impl Verdict {
    /// All, the most alarming first.
    pub const ALL: [Self; 7] =
        [Self::Leak, Self::Growing, Self::Burst, Self::Bounded, Self::InFlight, Self::Churn, Self::TooLittleData];

    /// The words of the window and of reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::Growing => "growing",
            Self::Burst => "burst",
            Self::Bounded => "bounded",
            Self::InFlight => "in flight",
            Self::Churn => "churn",
            Self::TooLittleData => "too little data",
        }
    }

    /// What it means, in one sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Leak => {
                "Blocks stay that should have been freed, and new ones keep staying until the end of the view."
            }
            Self::Growing => {
                "More and more bytes are outstanding, but blocks are still freed: a slow leak, or a queue that grows."
            }
            Self::Burst => "Nearly all of the growth came in one step; nothing shows that it goes on.",
            Self::Bounded => "It grew and then stopped growing: a cache, or the warm-up of a service.",
            Self::InFlight => "Blocks are alive at the end, but no older than blocks of this kind usually get.",
            Self::Churn => "What is allocated is freed again.",
            Self::TooLittleData => "Too few blocks, or too short a time, to tell.",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What weighs against the evidence of a unit.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Doubt {
    /// Blocks of the tag from before the view that were freed at a greater age than the usual lifetime.
    pub earlier_late_frees: f64,
    /// Survivors that lost frees would leave.
    pub lost_frees: f64,
}

/// A verdict on one unit.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ruling {
    /// The verdict.
    pub verdict: Verdict,
    /// How sure it is by this evidence alone, 0 to 1.
    pub confidence: f64,
    /// Bytes per interval of the curve that it grows by; 0 where it does not.
    pub growth_per_interval: f64,
}

/// Judges a unit.
#[must_use]
pub fn judge(evidence: &Evidence, span: &Span, doubt: &Doubt) -> Ruling {
    stayed(evidence, span, doubt).unwrap_or_else(|| curve(evidence, span))
}

/// By the survivors that are older than blocks of their kind get; `None` if they do not say enough.
fn stayed(evidence: &Evidence, span: &Span, doubt: &Doubt) -> Option<Ruling> {
    let stayed = &evidence.stayed;
    let count = stayed.blocks.count;
    let is_enough = count >= limit::LEAST_SURVIVORS
        && stayed.shows_a_course(span)
        && count as f64 >= limit::SURVIVORS_PER_LATE_FREE * stayed.late_frees as f64
        && count as f64 >= limit::SURVIVORS_PER_EARLIER_FREE * doubt.earlier_late_frees
        && count as f64 >= limit::SURVIVORS_PER_LOST_FREE * doubt.lost_frees;
    if !is_enough {
        return None;
    }
    let window = stayed.window.max(1) as f64;
    let by_chance = filled_by_chance(count, limit::BIRTH_BINS);
    let filled = stayed.births.iter().filter(|b| **b > 0).count();
    let crest = stayed.births.windows(2).map(|pair| pair.iter().sum::<u64>()).max().unwrap_or(0);
    let pause = stayed.pause as f64 / window;
    let has_stopped = pause >= limit::LEAST_PAUSE
        && pause_by_chance(count, pause) < limit::STOPPED_CHANCE
        && stayed.pause as f64 > limit::STOPPED_PAUSES * stayed.longest_pause as f64;
    let young = evidence.survivors.count.saturating_sub(count) as f64;
    let verdict = if crest as f64 > limit::BURST_SHARE * count as f64 {
        Verdict::Burst
    } else if has_stopped || is_level(evidence.settled_counts(span), young) {
        Verdict::Bounded
    } else if count < limit::LEAST_FOR_LEAK
        || (filled as f64) < (limit::LEAST_SPREAD * by_chance).max(limit::LEAST_INTERVALS as f64)
    {
        Verdict::Growing
    } else if stayed.usual_life as f64 > limit::LONGEST_LIFE * span.ticks() as f64 {
        Verdict::Growing
    } else {
        Verdict::Leak
    };
    let enough = 1.0 - (-(count as f64) / 12.0).exp();
    let spread = (filled as f64 / by_chance).min(1.0);
    let seen = (window / span.ticks() as f64).min(1.0).sqrt();
    let against = doubt.lost_frees + doubt.earlier_late_frees + stayed.late_frees as f64;
    let clear = count as f64 / (count as f64 + against);
    let per_interval = span.ticks() as f64 / evidence.settled(span).len().max(1) as f64;
    Some(Ruling {
        verdict,
        confidence: (enough * spread * seen * clear).clamp(0.0, 1.0),
        growth_per_interval: match verdict {
            Verdict::Leak | Verdict::Growing => stayed.blocks.bytes as f64 * per_interval / window,
            _ => 0.0,
        },
    })
}

/// By the outstanding curve.
fn curve(evidence: &Evidence, span: &Span) -> Ruling {
    let settled = evidence.settled(span);
    let growth = evidence.growth(span);
    let peak = evidence.curve.iter().copied().fold(0.0, f64::max);
    let end = evidence.curve.last().copied().unwrap_or(0.0);
    let survivors = evidence.survivors.count;
    let is_little = evidence.allocated.count < limit::LEAST_SURVIVORS
        || (survivors < limit::LEAST_SURVIVORS && evidence.freed.count < limit::LEAST_SURVIVORS);
    let rises = evidence.slope.low > 0.0 && evidence.slope.rising >= limit::LEAST_MONOTONY;
    let grows = rises
        && survivors >= limit::LEAST_SURVIVORS
        && growth > limit::CHURN_SHARE * evidence.allocated.bytes as f64
        && end >= limit::GROWS_TO * peak;
    let levels_off = evidence.late_slope.median < limit::LEVEL_SHARE * evidence.slope.median;
    let (verdict, confidence) = if is_little {
        (Verdict::TooLittleData, 0.5)
    } else if grows && (levels_off || is_level(evidence.settled_counts(span), 0.0)) {
        (Verdict::Bounded, 0.6)
    } else if grows && load_share(&evidence.rate, settled) >= limit::LOAD_SHARE {
        (Verdict::InFlight, 0.5)
    } else if grows {
        (Verdict::Growing, 0.6 * evidence.straightness)
    } else if survivors as f64 > limit::CHURN_SHARE * evidence.allocated.count as f64 {
        // Alive at the end without a rising curve: what was there early is a level, what is young is in use.
        let young: u64 = evidence.pyramid.iter().take(2).sum();
        let verdict = if young * 2 > survivors { Verdict::InFlight } else { Verdict::Bounded };
        (verdict, 0.6)
    } else {
        (Verdict::Churn, 0.8)
    };
    let growth_per_interval = if verdict == Verdict::Growing { evidence.slope.median } else { 0.0 };
    Ruling { verdict, confidence, growth_per_interval }
}

/// Whether the end of a curve of blocks gains much less than any stretch of the same length before, and less than chance
/// allows. `in_flight`: blocks that come and go, whose number varies by chance.
fn is_level(counts: &[f64], in_flight: f64) -> bool {
    let gain = |from: usize, to: usize| counts.get(to).unwrap_or(&0.0) - counts.get(from).unwrap_or(&0.0);
    let last = counts.len().saturating_sub(1);
    (3..=last / 2).any(|length| {
        let start = last - length;
        let before: Vec<f64> =
            (0..start / length).map(|k| gain(start - (k + 1) * length, start - k * length)).collect();
        let mean = before.iter().sum::<f64>() / before.len().max(1) as f64;
        let least = before.iter().copied().fold(f64::INFINITY, f64::min);
        let end = gain(start, last);
        let noise = (mean.max(0.0) + 2.0 * in_flight).sqrt();
        end <= limit::LEVEL_SHARE * mean && end < least / 2.0 && mean - end >= limit::LEVEL_DEVIATIONS * noise
    })
}

/// Share of the growth of the outstanding bytes that the growth of the allocation rate explains: with lifetimes that stay the
/// same, both grow in proportion (Little's law).
fn load_share(rate: &[f64], settled: &[f64]) -> f64 {
    let rate = rate.get(rate.len().saturating_sub(settled.len())..).unwrap_or_default();
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
