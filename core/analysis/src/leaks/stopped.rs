//! Growth that ended before the recording did: a leak whose load was stopped before the trace was saved, as people who
//! reproduce a leak are advised to do; a cache that was filled once; one-time initialization. Within a trace a stopped leak
//! and a cache with its own free list look the same, so the verdict never gets surer than a half.

use super::evidence::{Evidence, Span};
use super::limits as limit;
use super::verdict::Verdict;

/// Allocations of all other kinds, before and after this kind's allocations ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Others {
    /// Before.
    pub before: u64,
    /// After.
    pub after: u64,
}

impl Others {
    /// Whether the other kinds went on while this one ended. Under a tag filter there are none, and nothing else ended.
    fn go_on(self) -> bool {
        self.before < limit::LEAST_SURVIVORS || self.after >= limit::LEAST_SURVIVORS
    }
}

/// Whether the kind still allocates near the end, so that its growth can be said to have levelled off: enough allocations in the
/// last third, of which as many are freed as come, within what chance explains.
pub(super) fn is_level_at_end(evidence: &Evidence) -> bool {
    evidence.last_third.allocated >= limit::LEAST_SURVIVORS && !evidence.last_third.rises()
}

/// Verdict and confidence of a kind whose growth is over, or may be. `certainty`: how sure it is that its blocks stayed.
pub(super) fn classify(evidence: &Evidence, span: &Span, others: Others, certainty: f64) -> (Verdict, f64) {
    let stayed = &evidence.stayed;
    let grew_for = stayed.last_birth.saturating_sub(stayed.first_birth) as f64 / span.ticks() as f64;
    let is_steady = grew_for >= limit::STEADY_SHARE && stayed.steadiness >= limit::LEAST_STEADINESS;
    let none_freed = stayed.late_frees as f64 <= limit::CHURN_SHARE * stayed.blocks.count as f64;
    let ended = evidence.activity.ending.sure_odds() >= limit::STOPPED_ODDS && others.go_on();
    if ended && is_steady && none_freed && stayed.blocks.count >= limit::LEAST_SURVIVORS {
        let confidence = limit::STOPPED_CONFIDENCE * certainty * stayed.steadiness.min(1.0);
        return (Verdict::Stopped, confidence);
    }
    if is_level_at_end(evidence) {
        return (Verdict::Bounded, certainty);
    }
    if evidence.last_third.allocated >= limit::LEAST_SURVIVORS {
        // It still rises at the end, without allocations old enough to say that they should have been freed.
        return (Verdict::InFlight, certainty);
    }
    if none_freed { (Verdict::Burst, certainty) } else { (Verdict::InFlight, certainty) }
}
