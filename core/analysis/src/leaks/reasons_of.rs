//! Picks the reasons that belong to a verdict: the figures on which it rests. It decides no verdict.

use super::course::{Pace, filling};
use super::curve::{level_since, load_share};
use super::evidence::{Evidence, Span};
use super::judged::{PoolGrowth, Suspect};
use super::limits::{CURVE_POINTS, LOAD_SHARE, STOPPED_ODDS};
use super::reason::Reason;
use super::verdict::{Nearly, Verdict};
use crate::trace::ids::StackId;
use crate::trace::time::{Clock, Ticks};

/// The reasons for the verdict of a suspect. `basis`: what was judged, which is the units that grow where any does.
pub(super) fn reasons(suspect: &Suspect, basis: &Evidence, span: &Span, clock: &Clock) -> Vec<Reason> {
    let all = &suspect.evidence;
    let mut reasons = vec![Reason::Traffic { allocated: all.allocated.count, freed: all.freed.count }];
    let seconds = |ticks: i64| ticks as f64 / clock.ticks_per_second as f64;
    let stayed = &basis.stayed;
    match suspect.verdict {
        Verdict::Leak | Verdict::Growing => {
            reasons.push(growth(suspect));
            if stayed.blocks.count > 0 {
                reasons.push(overdue(basis, clock));
            }
            if suspect.stack != StackId::EMPTY {
                reasons.push(Reason::OneStack { share: suspect.stack_share });
            }
            reasons.push(Reason::Sizes { distinct: all.sizes as u64 });
            let load = load_share(basis, span);
            if suspect.verdict == Verdict::Growing && load > 0.0 {
                reasons.push(Reason::Load { share: load.min(1.0) });
            }
        }
        Verdict::Stopped => {
            if stayed.blocks.count > 0 {
                reasons.push(overdue(basis, clock));
            }
            if suspect.stack != StackId::EMPTY {
                reasons.push(Reason::OneStack { share: suspect.stack_share });
            }
            reasons.push(Reason::Sizes { distinct: all.sizes as u64 });
        }
        Verdict::Burst => {
            let (at, share) = crest(basis, span);
            reasons.push(Reason::Step { at_s: clock.seconds(at), share });
            reasons.push(overdue(basis, clock));
        }
        Verdict::Bounded => {
            reasons.push(Reason::Level { since_s: clock.seconds(level(basis, span)) });
            if stayed.blocks.count > 0 {
                reasons.push(overdue(basis, clock));
            }
        }
        Verdict::InFlight => {
            let load = load_share(basis, span);
            if load >= LOAD_SHARE {
                reasons.push(Reason::Load { share: load.min(1.0) });
            }
            let young = all.survivors.count.saturating_sub(all.stayed.blocks.count);
            let share = young as f64 / all.survivors.count.max(1) as f64;
            reasons.push(Reason::Young { share: share.min(1.0), usual_life_s: seconds(all.stayed.usual_life) });
        }
        Verdict::Churn => {}
        Verdict::TooLittleData => reasons.push(Reason::Few { survivors: all.survivors.count }),
    }
    reasons
}

/// Why something is not said to grow, though blocks of it keep staying.
pub(super) fn nearly(nearly: Nearly) -> Reason {
    Reason::Explained { stayed: nearly.stayed, others: nearly.explained.round() as u64 }
}

/// Adds to those that grow what they have of the growth of their pool.
pub(super) fn add_shares(suspects: &mut [Suspect], pools: &[PoolGrowth; 2]) {
    for suspect in suspects {
        let pool = &pools[usize::from(suspect.paged)];
        let all = pool.growth_bytes_per_s();
        if suspect.verdict.is_growing() && suspect.growth_bytes_per_s > 0.0 && all > 0.0 {
            suspect.reasons.push(Reason::ShareOfGrowth((suspect.growth_bytes_per_s / all).min(1.0)));
        }
    }
}

fn growth(suspect: &Suspect) -> Reason {
    Reason::Growth { bytes_per_s: suspect.growth_bytes_per_s, straightness: suspect.evidence.straightness }
}

fn overdue(basis: &Evidence, clock: &Clock) -> Reason {
    let stayed = &basis.stayed;
    let usual_life_s = stayed.usual_life as f64 / clock.ticks_per_second as f64;
    Reason::Overdue { blocks: stayed.blocks, usual_life_s, late_frees: stayed.late_frees }
}

/// When the two neighbouring intervals begin in which most survivors were born, and their share of all that stayed.
fn crest(basis: &Evidence, span: &Span) -> (Ticks, f64) {
    let stayed = &basis.stayed;
    let pair = |at: usize| stayed.births.get(at..at + 2).map_or(0, |pair| pair.iter().sum::<u64>());
    let bins = stayed.births.len();
    let best = (0..bins - 1).fold(0, |best, at| if pair(at) > pair(best) { at } else { best });
    let filled = if stayed.births.get(best).is_some_and(|births| *births == 0) { best + 1 } else { best };
    let at = i128::from(stayed.window) * filled as i128 / bins as i128;
    (Ticks(span.from.0.saturating_add(at as i64)), pair(best) as f64 / stayed.blocks.count.max(1) as f64)
}

/// Since when something has been level: the first late free of a full store, the last birth, or what the curve shows.
fn level(basis: &Evidence, span: &Span) -> Ticks {
    let stayed = &basis.stayed;
    let end = span.view.to.0;
    if filling(stayed) == Pace::Stopped {
        return Ticks(stayed.onset.at);
    }
    if stayed.blocks.count > 0 && stayed.ending.sure_odds() >= STOPPED_ODDS {
        return Ticks(stayed.last);
    }
    let length = i128::from(end.saturating_sub(span.view.from.0));
    let at = length * level_since(basis, span) as i128 / CURVE_POINTS as i128;
    Ticks(span.view.from.0.saturating_add(at as i64).min(end))
}
