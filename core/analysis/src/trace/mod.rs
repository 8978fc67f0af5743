//! The allocation index: what a trace file says, joined, paired and frozen. A [`Trace`] never changes once it is
//! loaded; it is shared as `Arc<Trace>`, and everything that is computed from it lives elsewhere.

pub mod allocation;
pub mod attributes;
pub mod growth;
pub mod ids;
pub mod module;
pub mod process;
pub mod recorded;
pub mod stack;
pub mod summary;
pub mod time;

use allocation::AllocationTable;
use attributes::AttributesTable;
use module::ModuleTable;
use poolscope_etl::diagnostics::Diagnostics;
use process::ProcessTable;
use recorded::RecordedRange;
use stack::StackTable;
use summary::{TraceStatistics, PoolRundown, TraceSummary};
use time::{Clock, TimeRange};

/// Everything a load yields.
#[derive(Debug)]
pub struct Trace {
    /// What the log-file header and the system configuration records say.
    pub summary: TraceSummary,
    /// How ticks become seconds.
    pub clock: Clock,
    /// The whole trace as a view: from time zero (or the first pool event before it) to the end of the recording.
    pub extent: TimeRange,
    /// The part of the recording that the file holds.
    pub recorded: RecordedRange,
    /// One row per block.
    pub allocations: AllocationTable,
    /// Distinct tags, pool types, processes, threads, CPUs, sessions of events.
    pub attributes: AttributesTable,
    /// Distinct stacks.
    pub stacks: StackTable,
    /// Images.
    pub modules: ModuleTable,
    /// Processes.
    pub processes: ProcessTable,
    /// Pool snapshots at start and end.
    pub pool_rundown: PoolRundown,
    /// Counts of records and buffers.
    pub statistics: TraceStatistics,
    /// What is wrong with the trace.
    pub diagnostics: Diagnostics,
}
