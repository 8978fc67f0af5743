//! How the births of survivors go on: whether there is any end of them, in one step, by and by, or because a store is full.

use super::limits as limit;
use super::statistics::filled_by_chance;
use super::stayed::Stayed;

/// How the births of survivors go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pace {
    GoesOn,
    /// It may be over.
    Doubtful,
    Stopped,
    OneStep,
}

/// The course of the survivors' births.
pub(super) struct Course {
    pub pace: Pace,
    /// How sure it is that it goes on, 0 to 1.
    pub goes_on: f64,
    /// Intervals with births, of those that chance would fill, 0 to 1.
    pub spread: f64,
}

impl Course {
    pub fn of(stayed: &Stayed) -> Self {
        let filled = stayed.births.iter().filter(|b| **b > 0).count();
        let by_chance = filled_by_chance(stayed.blocks.count, limit::BIRTH_BINS);
        let stopped_odds = stayed.ending.odds;
        let is_spread = filled as f64 >= (limit::LEAST_SPREAD * by_chance).max(limit::LEAST_INTERVALS as f64);
        let filling = filling(stayed);
        let pace = if stayed.peak_share() > limit::BURST_SHARE {
            Pace::OneStep
        } else if stayed.ending.sure_odds() >= limit::STOPPED_ODDS || filling == Pace::Stopped {
            Pace::Stopped
        } else if stopped_odds >= limit::DOUBTFUL_ODDS
            || !is_spread
            || stayed.ending.slowing >= limit::SLOWING
            || filling == Pace::Doubtful
        {
            Pace::Doubtful
        } else {
            Pace::GoesOn
        };
        let goes_on = goes_on(stayed, filling);
        Self { pace, goes_on, spread: (filled as f64 / by_chance).min(1.0) }
    }
}

/// The odds of going on as a share; what slows down steadily may do so with the load, and that frees began late may be chance.
fn goes_on(stayed: &Stayed, filling: Pace) -> f64 {
    let is_slowing = stayed.ending.slowing >= limit::SLOWING;
    let odds = if is_slowing { 1.0 + stayed.ending.sure_odds() } else { stayed.ending.odds };
    let odds = if filling == Pace::GoesOn { odds } else { odds + stayed.onset.surprise };
    1.0 / (1.0 + odds)
}

/// Whether it is a store that has become full: it began to free late, and has gained little since.
pub(super) fn filling(stayed: &Stayed) -> Pace {
    let onset = &stayed.onset;
    let is_full = onset.gain_after < limit::FULL_GAIN * onset.gain_before && onset.frees_per_birth <= limit::FULL_FREES;
    if !is_full || onset.surprise < limit::DOUBTFUL_SURPRISE {
        Pace::GoesOn
    } else if onset.surprise < limit::CHANGE_SURPRISE {
        Pace::Doubtful
    } else {
        Pace::Stopped
    }
}
