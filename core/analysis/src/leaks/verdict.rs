//! From evidence to a verdict. The order of the questions is the model: did blocks stay that should have gone? do new ones
//! keep staying? if none stayed, does the outstanding curve rise, and why?

use super::course::{Course, Pace};
use super::curve;
use super::evidence::{Evidence, Span};
use super::limits as limit;
use super::statistics::too_few;
use super::stopped::{self, Others};
use std::fmt;

/// What the growth of a unit is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Verdict {
    /// Grows steadily and does not free.
    Leak,
    /// Grows and frees some: a leak or a queue.
    Growing,
    /// Grew steadily, nothing of it was freed, and then its allocations ended while others went on.
    Stopped,
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
    pub const ALL: [Self; 8] = [
        Self::Leak,
        Self::Growing,
        Self::Stopped,
        Self::Burst,
        Self::Bounded,
        Self::InFlight,
        Self::Churn,
        Self::TooLittleData,
    ];

    /// Whether the suspect goes on growing: its rate counts in the growth of its pool.
    #[must_use]
    pub const fn is_growing(self) -> bool {
        matches!(self, Self::Leak | Self::Growing)
    }

    /// Whether it grew for good, and is shown unless everything is asked for.
    #[must_use]
    pub const fn has_grown(self) -> bool {
        matches!(self, Self::Leak | Self::Growing | Self::Stopped | Self::Burst)
    }

    /// The words of the window and of reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::Growing => "growing",
            Self::Stopped => "stopped",
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
            Self::Stopped => {
                "It grew steadily and nothing of it was freed, then its allocations ended while others went on: a leak whose load was stopped, or a cache that is full."
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

/// What else would leave survivors.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Doubt {
    /// A level from before the view that is replaced block by block: blocks of the tag from before the view that were freed
    /// at a greater age than the usual lifetime, as far as they may stem from the unit.
    pub replaced: f64,
    /// The same if all of them stem from the unit: what is called a leak must not be explained even so.
    pub replaced_at_most: f64,
    /// The same whatever their age: they also explain a curve that rises.
    pub replaced_young: f64,
    /// Frees that were lost.
    pub lost: f64,
    /// What all other kinds allocated before and after this kind's allocations ended.
    pub others: Others,
}

/// A verdict on one unit.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ruling {
    /// The verdict.
    pub verdict: Verdict,
    /// How sure it is by this evidence alone, 0 to 1.
    pub confidence: f64,
    /// It rests on survivors that are older than blocks of their kind get; else on the outstanding curve.
    pub by_age: bool,
    /// Where blocks keep staying but other causes may explain them: how near it comes to being said to grow.
    pub nearly: Option<Nearly>,
}

/// Blocks that keep staying, but not clearly more of them than other causes explain.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Nearly {
    /// Blocks older than those of their kind get.
    pub stayed: u64,
    /// Of these, what blocks from before the view that went, and lost frees, explain.
    pub explained: f64,
    /// The way to being said to grow that it has come, 0 to 1.
    pub share: f64,
}

/// Judges a unit.
#[must_use]
pub fn judge(evidence: &Evidence, span: &Span, doubt: &Doubt) -> Ruling {
    stayed(evidence, span, doubt)
        .unwrap_or_else(|| Ruling { nearly: nearly(evidence, span, doubt), ..curve::judge(evidence, span, doubt) })
}

/// Standard deviations by which the survivors exceed what other causes explain.
fn deviations(count: f64, against: f64) -> f64 {
    (count - against) / (count + against).sqrt().max(1.0)
}

/// Whether there are enough survivors older than blocks of their kind get, and few enough such blocks were freed, to say
/// anything.
fn is_enough(evidence: &Evidence, span: &Span) -> bool {
    let stayed = &evidence.stayed;
    stayed.blocks.count >= limit::LEAST_SURVIVORS
        && stayed.shows_a_course(span)
        && stayed.blocks.count as f64 >= limit::SURVIVORS_PER_LATE_FREE * stayed.late_frees as f64
}

/// See [`Ruling::nearly`].
fn nearly(evidence: &Evidence, span: &Span, doubt: &Doubt) -> Option<Nearly> {
    let stayed = &evidence.stayed;
    let weight = match Course::of(stayed).pace {
        Pace::GoesOn => 1.0,
        Pace::Doubtful => limit::DOUBTFUL_WEIGHT,
        Pace::Stopped | Pace::OneStep => return None,
    };
    if !is_enough(evidence, span) {
        return None;
    }
    let explained = doubt.replaced + doubt.lost;
    let clear = deviations(stayed.blocks.count as f64, explained);
    let share = weight * (clear / limit::CLEAR_DEVIATIONS).min(1.0);
    (share > 0.0).then_some(Nearly { stayed: stayed.blocks.count, explained, share })
}

/// By the survivors that are older than blocks of their kind get; `None` if they do not say enough.
fn stayed(evidence: &Evidence, span: &Span, doubt: &Doubt) -> Option<Ruling> {
    let stayed = &evidence.stayed;
    let count = stayed.blocks.count as f64;
    let against = doubt.replaced + doubt.lost;
    let is_unexplained = |against: f64| count - against >= limit::LEAST_UNEXPLAINED * count;
    let is_clear = is_unexplained(against) && deviations(count, against) >= limit::CLEAR_DEVIATIONS;
    if !is_enough(evidence, span) || !is_clear {
        return None;
    }
    let course = Course::of(stayed);
    let overdue = too_few(stayed.late_frees as f64, stayed.exposure);
    let at_most = doubt.replaced_at_most.max(doubt.replaced) + doubt.lost;
    let is_sure = stayed.blocks.count >= limit::LEAST_FOR_LEAK
        && overdue >= limit::OVERDUE_SURPRISE
        && stayed.exposure >= limit::LIVES_ON * stayed.late_frees as f64
        && is_unexplained(at_most)
        && deviations(count, at_most) >= limit::LEAK_DEVIATIONS
        && stayed.usual_life as f64 <= limit::LONGEST_LIFE * span.ticks() as f64;
    let enough = 1.0 - (-overdue / (2.0 * limit::OVERDUE_SURPRISE)).exp();
    let clear = (count - against) / (count + stayed.late_frees as f64);
    let certainty = (enough * clear).clamp(0.0, 1.0);
    let goes_on = (certainty * course.goes_on * course.spread).clamp(0.0, 1.0);
    let (verdict, confidence) = match course.pace {
        Pace::GoesOn if is_sure => (Verdict::Leak, goes_on),
        Pace::GoesOn | Pace::Doubtful => (Verdict::Growing, goes_on),
        Pace::Stopped => stopped::classify(evidence, span, doubt.others, certainty),
        Pace::OneStep => match stopped::classify(evidence, span, doubt.others, certainty) {
            stopped @ (Verdict::Stopped, _) => stopped,
            _ => (Verdict::Burst, certainty),
        },
    };
    Some(Ruling { verdict, confidence, by_age: true, nearly: None })
}
