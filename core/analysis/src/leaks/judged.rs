//! What the judge hands out: suspects, the growth of the pools, and the question that they answer. It decides nothing.

use super::Request;
use super::evidence::{Blocks, Evidence, Span};
use super::reason::Reason;
use super::trust::Trust;
use super::verdict::Verdict;
use super::who::Who;
use crate::group::key::Key;
use crate::trace::ids::StackId;

/// What was judged as one.
#[derive(Clone, PartialEq, Debug)]
pub struct Suspect {
    /// Pool tag as text; `None` for a driver or a process that uses several.
    pub tag: Option<String>,
    /// Paged pool.
    pub paged: bool,
    /// The driver that allocates most of what stays; empty where no stack says so.
    pub driver: String,
    /// Its function; likewise.
    pub function: String,
    /// The stack that most of it comes from; [`StackId::EMPTY`] if none.
    pub stack: StackId,
    /// The verdict.
    pub verdict: Verdict,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
    /// Rank, 0 to 100: from 60 for a leak; from 40 to 60 for what grows by allocations that are older than those of their kind
    /// get, and for what grew until its load stopped; from 20 to 40 where only the outstanding bytes rise; up to 20 where
    /// allocations stay outstanding, but no more than other causes explain; 0 for all else. Leaks are ranked within that by
    /// their share of the growth of all leaks, weighed by confidence; what grows by confidence: the surest may be a leak, however
    /// small; what stopped by how much it left. Suspects are in this order.
    pub score: f64,
    /// Growth of all its allocations over the analyzed range, bytes per second (see [`crate::trace::growth`]); negative where
    /// it shrinks.
    pub growth_bytes_per_s: f64,
    /// The growth is scaled up by the share of the events that were lost, as the pool's own counters show it: what was recorded
    /// grows by this times as much less. 1 where it is not scaled.
    pub growth_scale: f64,
    /// Share of the survivors' bytes that come through the driver, 0 to 1.
    pub driver_share: f64,
    /// Share of the survivors' bytes that come from the stack, 0 to 1.
    pub stack_share: f64,
    /// Survivors by the generation of their birth; the first two are those from before the view and from before the first mark.
    pub generations: Vec<Blocks>,
    /// Processes and drivers behind its outstanding allocations.
    pub who: Who,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What its blocks did.
    pub evidence: Evidence,
}

/// How one pool as a whole grew.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct PoolGrowth {
    /// Growth of all allocations of the pool over the analyzed range, bytes per second; negative when it shrinks.
    pub slope_bytes_per_s: f64,
    /// Growth of the suspects that leak, bytes per second.
    pub leak_bytes_per_s: f64,
    /// Growth of those that grow, bytes per second.
    pub growing_bytes_per_s: f64,
    /// Growth by frees of allocations from before the trace, whose allocator is not known and which therefore belong to no
    /// suspect, bytes per second; never positive.
    pub unattributed_bytes_per_s: f64,
    /// Bytes in use at the start of the view, where a snapshot says so.
    pub baseline_bytes: Option<u64>,
    /// Bytes at which the pool is full, if the machine's memory is known.
    pub limit_bytes: Option<u64>,
}

impl PoolGrowth {
    /// Growth of the suspects that leak or grow, bytes per second.
    #[must_use]
    pub fn growth_bytes_per_s(&self) -> f64 {
        self.leak_bytes_per_s + self.growing_bytes_per_s
    }
}

/// All suspects of a trace.
#[derive(Clone, PartialEq, Debug)]
pub struct Judgement {
    /// What was judged.
    pub request: Request,
    /// The judged time.
    pub span: Span,
    /// Seconds analyzed.
    pub seconds: f64,
    /// The recording is there as a whole: nothing of it is missing before, inside or after the analyzed range.
    pub is_whole: bool,
    /// Keys by which allocations should have been told apart and were not, since they have more than
    /// [`MAX_COMBINATIONS`](crate::group::combos::MAX_COMBINATIONS) combinations.
    pub left_out: Vec<Key>,
    /// The suspects, the worst first; nothing that was allocated in the view is left out.
    pub suspects: Vec<Suspect>,
    /// The pools as a whole: nonpaged, paged.
    pub pools: [PoolGrowth; 2],
    /// How far the trace can be trusted.
    pub trust: Trust,
}
