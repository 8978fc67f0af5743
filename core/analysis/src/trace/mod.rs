//! The allocation index: what a trace file says, joined, paired and frozen. A [`Trace`] never changes once it is
//! loaded; it is shared as `Arc<Trace>`, and everything that is computed from it lives elsewhere.

pub mod allocation;
pub mod context;
pub mod growth;
pub mod ids;
pub mod module;
pub mod process;
pub mod recorded;
pub mod stack;
pub mod summary;
pub mod time;

use allocation::AllocationTable;
use context::ContextTable;
use module::ModuleTable;
use poolscope_etl::diagnostics::Anomalies;
use process::ProcessTable;
use recorded::RecordedRange;
use stack::StackTable;
use summary::{Census, Snapshots, TraceSummary};
use time::{Clock, View};

/// Everything a load yields.
#[derive(Debug)]
pub struct Trace {
    /// What the log-file header and the system configuration records say.
    pub summary: TraceSummary,
    /// How ticks become seconds.
    pub clock: Clock,
    /// The whole trace as a view: from time zero (or the first pool event before it) to the end of the recording.
    pub extent: View,
    /// The part of the recording that the file holds.
    pub recorded: RecordedRange,
    /// One row per block.
    pub allocations: AllocationTable,
    /// Distinct tags, pool types, processes, threads, CPUs, sessions of events.
    pub contexts: ContextTable,
    /// Distinct stacks.
    pub stacks: StackTable,
    /// Images.
    pub modules: ModuleTable,
    /// Processes.
    pub processes: ProcessTable,
    /// Pool snapshots at start and end.
    pub snapshots: Snapshots,
    /// Counts of records and buffers.
    pub census: Census,
    /// What is wrong with the trace.
    pub anomalies: Anomalies,
}
