//! How far a trace can be trusted as evidence: what is missing from it, what that takes from the confidence of every verdict,
//! and why. It judges no suspect.

use super::reconcile::Reconciliation;
use crate::trace::Trace;
use crate::trace::time::View;

/// Something that lowers the confidence of all verdicts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TrustNote {
    /// What it is.
    pub kind: TrustKind,
    /// What every confidence is multiplied with, 0 to 1.
    pub factor: f64,
}

/// What can be missing from a trace.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum TrustKind {
    /// Windows lost events.
    LostEvents {
        /// How many.
        events: u64,
        /// Of all that were to be recorded, 0 to 1.
        share: f64,
    },
    /// Windows lost whole buffers, or buffers of the file cannot be read.
    LostBuffers {
        /// How many.
        buffers: u64,
        /// Of all, 0 to 1.
        share: f64,
    },
    /// The log was circular and wrapped: the trace begins later than the recording.
    Wrapped {
        /// Seconds of the recording that are missing at its beginning, if known.
        missing_s: Option<f64>,
    },
    /// Few tags only: a tag filter was on, so that the rest of the pool is not in the trace.
    TagFilter {
        /// Tags in the trace.
        tags: u64,
    },
    /// The judged time is short.
    Short {
        /// Seconds judged.
        seconds: f64,
    },
    /// Allocations without a stack.
    MissingStacks {
        /// Their share, 0 to 1.
        share: f64,
    },
    /// Frees or allocations that had to be implied.
    ImpliedPairs {
        /// How many.
        pairs: u64,
        /// Of all blocks, 0 to 1.
        share: f64,
    },
    /// The pool's own counters disagree with the events.
    SnapshotsDiffer {
        /// Share of the counted allocations and frees that the events lack, 0 to 1.
        share: f64,
    },
}

/// How far a trace can be trusted.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Trust {
    /// What lowers it, the worst first.
    pub notes: Vec<TrustNote>,
    /// The pool's own counters against the events, where the trace has them.
    pub reconciliation: Option<Reconciliation>,
}

impl Trust {
    /// What every confidence is multiplied with, 0 to 1.
    #[must_use]
    pub fn factor(&self) -> f64 {
        self.notes.iter().map(|note| note.factor).product()
    }
}

/// Looks at a trace.
#[must_use]
pub fn trust(trace: &Trace, _view: View) -> Trust {
    Trust { notes: Vec::new(), reconciliation: super::reconcile::reconcile(trace) }
}
