//! Reasons for a verdict: the values that it is based on, as a closed list of kinds. The program turns them into sentences, the
//! same ones in the window, on the command line and in reports.

use super::classification::{BirthTrend, Borderline, full_cache_trend, level_since, load_growth_share};
use super::evidence::{AnalysisRange, Evidence};
use super::findings::Finding;
use super::limits::{CURVE_POINTS, MIN_LOAD_SHARE, STOPPED_ODDS};
use super::suspect::{PoolGrowth, Suspect};
use super::verdict::Verdict;
use crate::group::aggregate::Total;
use crate::trace::ids::StackId;
use crate::trace::time::{Clock, Ticks};

/// One reason for a verdict. Findings follow the others.
#[derive(Clone, PartialEq, Debug)]
pub enum Reason {
    /// Allocations and frees in the range.
    AllocationsAndFrees {
        /// Allocations made in the range.
        allocated: u64,
        /// Allocations freed in the range.
        freed: u64,
    },
    /// Growth of the outstanding bytes.
    Growth {
        /// Bytes per second.
        bytes_per_s: f64,
        /// Linearity (R²) of the outstanding curve, 0 to 1.
        linearity: f64,
    },
    /// The stack that most of the outstanding allocations come from.
    TopStack {
        /// Its share of the outstanding bytes, 0 to 1.
        share: f64,
    },
    /// Distinct sizes of the outstanding allocations.
    DistinctSizes {
        /// Number of sizes, at most 64.
        count: u64,
    },
    /// Outstanding allocations older than usual.
    OlderThanUsual {
        /// The allocations.
        allocations: Total,
        /// The usual lifetime, in seconds.
        usual_lifetime_s: f64,
        /// Allocations that were freed at a greater age.
        late_frees: u64,
    },
    /// Share of the growth of all suspects of the pool that grow, 0 to 1.
    ShareOfPoolGrowth(f64),
    /// Nearly all growth came in one step.
    SingleStep {
        /// Time in seconds from time zero.
        at_s: f64,
        /// Share of the outstanding allocations, 0 to 1.
        share: f64,
    },
    /// Growth that ended when the load ended.
    GrewUntil {
        /// Start of growth, in seconds from time zero.
        from_s: f64,
        /// End of growth, in seconds from time zero.
        until_s: f64,
        /// Growth between the two, in bytes per second.
        bytes_per_s: f64,
    },
    /// Growth leveled off.
    LevelSince {
        /// Time in seconds from time zero.
        since_s: f64,
    },
    /// The allocation rate increased with the outstanding bytes.
    LoadIncrease {
        /// Share of the growth that this explains, 0 to 1.
        share: f64,
    },
    /// Most outstanding allocations are within the usual lifetime.
    WithinUsualLifetime {
        /// Share of the outstanding allocations, 0 to 1.
        share: f64,
        /// The usual lifetime, in seconds.
        usual_lifetime_s: f64,
    },
    /// Too few outstanding allocations for a verdict.
    TooFewAllocations {
        /// Number of outstanding allocations.
        outstanding: u64,
    },
    /// Allocations remain outstanding, but about as many as other causes explain.
    ExplainedByOtherCauses {
        /// Outstanding allocations older than usual.
        older_than_usual: u64,
        /// Frees of preexisting allocations at such ages, and frees that may have been lost.
        explained_by_others: u64,
    },
    /// A pattern found by a detector.
    Finding(Finding),
}

/// The reasons for the verdict of a suspect. `basis`: the evidence that the verdict is based on, which is that of the growing
/// units where any grows.
pub(super) fn reasons(suspect: &Suspect, basis: &Evidence, range: &AnalysisRange, clock: &Clock) -> Vec<Reason> {
    let all = &suspect.evidence;
    let mut reasons = vec![Reason::AllocationsAndFrees { allocated: all.allocated.count, freed: all.freed.count }];
    let older = || (basis.older_than_usual.allocations.count > 0).then(|| older_than_usual_reason(basis, clock));
    let top_stack = || (suspect.stack != StackId::EMPTY).then_some(Reason::TopStack { share: suspect.stack_share });
    let distinct_sizes = || Reason::DistinctSizes { count: all.distinct_sizes as u64 };
    match suspect.verdict {
        Verdict::Leak | Verdict::Growing => {
            let (bytes_per_s, linearity) = (suspect.growth_bytes_per_s, all.linearity);
            reasons.push(Reason::Growth { bytes_per_s, linearity });
            reasons.extend(older());
            reasons.extend(top_stack());
            reasons.push(distinct_sizes());
            let load_share = load_growth_share(basis, range);
            if suspect.verdict == Verdict::Growing && load_share > 0.0 {
                reasons.push(Reason::LoadIncrease { share: load_share.min(1.0) });
            }
        }
        Verdict::Stopped => {
            reasons.extend(older());
            reasons.extend(top_stack());
            reasons.push(distinct_sizes());
        }
        Verdict::Burst => {
            let (at, share) = peak_of_births(basis, range);
            reasons.push(Reason::SingleStep { at_s: clock.seconds(at), share });
            reasons.push(older_than_usual_reason(basis, clock));
        }
        Verdict::Bounded => {
            reasons.push(Reason::LevelSince { since_s: clock.seconds(level_start(basis, range)) });
            reasons.extend(older());
        }
        Verdict::InFlight => {
            let load_share = load_growth_share(basis, range);
            if load_share >= MIN_LOAD_SHARE {
                reasons.push(Reason::LoadIncrease { share: load_share.min(1.0) });
            }
            let young = all.outstanding.count.saturating_sub(all.older_than_usual.allocations.count);
            let share = (young as f64 / all.outstanding.count.max(1) as f64).min(1.0);
            let usual_lifetime_s = all.older_than_usual.usual_lifetime as f64 / clock.ticks_per_second as f64;
            reasons.push(Reason::WithinUsualLifetime { share, usual_lifetime_s });
        }
        // Reasons rest on times, which a debugger log lacks.
        Verdict::Churn | Verdict::Outstanding => {}
        Verdict::TooLittleData => {
            reasons.push(Reason::TooFewAllocations { outstanding: all.outstanding.count });
        }
    }
    reasons
}

/// The reason why a borderline suspect is not classified as growing.
pub(super) fn borderline_reason(borderline: Borderline) -> Reason {
    let explained_by_others = borderline.explained_by_others.round() as u64;
    Reason::ExplainedByOtherCauses { older_than_usual: borderline.older_than_usual, explained_by_others }
}

/// Adds to each growing suspect its share of the growth of its pool. `pools`: nonpaged, paged.
pub(super) fn add_shares_of_pool_growth(suspects: &mut [Suspect], pools: &[PoolGrowth; 2]) {
    for suspect in suspects {
        let pool = &pools[usize::from(suspect.is_paged)];
        let all = pool.growth_bytes_per_s();
        if suspect.verdict.is_growing() && suspect.growth_bytes_per_s > 0.0 && all > 0.0 {
            suspect.reasons.push(Reason::ShareOfPoolGrowth((suspect.growth_bytes_per_s / all).min(1.0)));
        }
    }
}

fn older_than_usual_reason(basis: &Evidence, clock: &Clock) -> Reason {
    let older = &basis.older_than_usual;
    let usual_lifetime_s = older.usual_lifetime as f64 / clock.ticks_per_second as f64;
    Reason::OlderThanUsual { allocations: older.allocations, usual_lifetime_s, late_frees: older.late_frees }
}

/// Start of the two neighboring intervals with the most births, and their share of all births.
fn peak_of_births(basis: &Evidence, range: &AnalysisRange) -> (Ticks, f64) {
    let older = &basis.older_than_usual;
    let births_at = |at: usize| older.births.get(at..at + 2).map_or(0, |pair| pair.iter().sum::<u64>());
    let bins = older.births.len();
    let peak = (0..bins - 1).fold(0, |peak, at| if births_at(at) > births_at(peak) { at } else { peak });
    let first_filled = if older.births.get(peak).is_some_and(|births| *births == 0) { peak + 1 } else { peak };
    let offset = i128::from(older.birth_window) * first_filled as i128 / bins as i128;
    let share = births_at(peak) as f64 / older.allocations.count.max(1) as f64;
    (Ticks(range.warm_up_end.0.saturating_add(offset as i64)), share)
}

/// The moment since which a suspect is level: the first late free of a full cache, the last birth, or the level of the curve.
fn level_start(basis: &Evidence, range: &AnalysisRange) -> Ticks {
    let older = &basis.older_than_usual;
    let (from, end) = (range.active.from.0, range.active.to.0);
    if full_cache_trend(older) == BirthTrend::Stopped {
        return Ticks(older.late_free_start.at);
    }
    if older.allocations.count > 0 && older.growth_end.odds_over_slowing() >= STOPPED_ODDS {
        return Ticks(older.likely_last_birth);
    }
    let length = i128::from(end.saturating_sub(from));
    let offset = length * level_since(basis, range) as i128 / CURVE_POINTS as i128;
    Ticks(from.saturating_add(offset as i64).min(end))
}
