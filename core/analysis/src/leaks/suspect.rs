//! The result of an analysis: suspects, the growth of the pools, and the parameters that they belong to.

use super::AnalysisRequest;
use super::attribution::Attribution;
use super::data_quality::DataQuality;
use super::evidence::{AnalysisRange, Evidence};
use super::reason::Reason;
use super::verdict::Verdict;
use crate::group::aggregate::Total;
use crate::group::key::Key;
use crate::trace::ids::StackId;

/// Allocations that are analyzed as one: of a tag, stack, driver or process in a pool.
#[derive(Clone, PartialEq, Debug)]
pub struct Suspect {
    /// Pool tag as text; `None` for a driver or a process that uses several.
    pub tag: Option<String>,
    /// Paged pool.
    pub is_paged: bool,
    /// The pool is known; false where a debugger log does not show it.
    pub is_pool_known: bool,
    /// The responsible driver of the unit that decides the verdict, as the Driver column shows it; empty where no stack shows one.
    pub driver: String,
    /// The driver is the name of a module: a stack shows one, and its frame is not outside all modules.
    pub is_driver_known: bool,
    /// The responsible function of that unit; empty where no stack shows one.
    pub function: String,
    /// The stack with most of the outstanding bytes of that unit; [`StackId::EMPTY`] if none.
    pub stack: StackId,
    /// The verdict.
    pub verdict: Verdict,
    /// Confidence in the verdict, 0 to 1.
    pub confidence: f64,
    /// Rank, 0 to 100; suspects are in this order.
    ///
    /// | from | suspects | order |
    /// | --- | --- | --- |
    /// | 60 | leaks | share of the growth of all leaks, weighted by confidence |
    /// | 40 | growing by age, or stopped | confidence; for stopped ones the number of outstanding allocations |
    /// | 20 | growing by the outstanding curve alone | confidence |
    /// | 0 | outstanding in a debugger log | share of all outstanding bytes, or of their number |
    /// | 0 | all others | closeness to growing; 0 where nothing remains outstanding |
    ///
    /// Growing suspects are in the order of confidence, because the surest may be a leak, however small.
    pub score: f64,
    /// There is a growth; false for a debugger log, which has no times.
    pub has_growth: bool,
    /// Growth of all its allocations over the analyzed range, in bytes per second (see [`crate::trace::growth`]); negative where
    /// it shrinks.
    pub growth_bytes_per_s: f64,
    /// Factor by which the growth is scaled up for lost events, by the pool's counters; 1 where it is not scaled.
    pub loss_correction: f64,
    /// Share of the outstanding bytes that the driver is responsible for, 0 to 1.
    pub driver_share: f64,
    /// Share of the outstanding bytes that come from the stack, 0 to 1.
    pub stack_share: f64,
    /// Outstanding allocations by the generation of their birth; the first two are before the range and before the first marker.
    pub outstanding_by_generation: Vec<Total>,
    /// Processes and drivers behind the outstanding allocations.
    pub attribution: Attribution,
    /// Reasons for the verdict.
    pub reasons: Vec<Reason>,
    /// Evidence of all its units together.
    pub evidence: Evidence,
}

/// Growth of one pool.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct PoolGrowth {
    /// Growth of all allocations of the pool over the analyzed range, in bytes per second; negative where it shrinks.
    pub net_growth_bytes_per_s: f64,
    /// Growth of the suspects with verdict leak, in bytes per second.
    pub leak_bytes_per_s: f64,
    /// Growth of the suspects with verdict growing, in bytes per second.
    pub growing_bytes_per_s: f64,
    /// Growth by frees of preexisting allocations that belong to no suspect, in bytes per second; never positive.
    pub unattributed_bytes_per_s: f64,
    /// Bytes in use at the start of the range, where a pool rundown has them.
    pub start_bytes: Option<u64>,
    /// Maximum size of the pool in bytes, where the trace has the memory size of the computer.
    pub limit_bytes: Option<u64>,
}

impl PoolGrowth {
    /// Growth of the suspects with verdict leak or growing, in bytes per second.
    #[must_use]
    pub fn growth_bytes_per_s(&self) -> f64 {
        self.leak_bytes_per_s + self.growing_bytes_per_s
    }
}

/// The result of an analysis.
#[derive(Clone, PartialEq, Debug)]
pub struct LeakAnalysis {
    /// The parameters.
    pub request: AnalysisRequest,
    /// The analyzed range.
    pub range: AnalysisRange,
    /// The analyzed time in seconds.
    pub seconds: f64,
    /// Events have times; without them, verdicts tell only what is outstanding.
    pub has_times: bool,
    /// Nothing of the recording is missing before, inside or after the analyzed range.
    pub is_complete_recording: bool,
    /// Keys by which allocations were not split, because there are more than
    /// [`MAX_GROUPS`](crate::group::group_by::MAX_GROUPS) combinations.
    pub dropped_keys: Vec<Key>,
    /// All suspects with an allocation in the range, in the order of their scores.
    pub suspects: Vec<Suspect>,
    /// The pools: nonpaged, paged.
    pub pools: [PoolGrowth; 2],
    /// Data quality of the trace.
    pub data_quality: DataQuality,
}
