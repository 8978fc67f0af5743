//! The allocation index of a trace file: allocations as columns, and the tables that these refer to by handles. A [`Trace`]
//! does not change after it is loaded and is shared as `Arc<Trace>`; computed results are kept elsewhere.

pub mod allocation;
pub mod attributes;
pub mod compact;
pub mod free_order;
pub mod growth;
pub mod ids;
pub mod module;
pub mod process;
pub mod recorded;
pub mod stack;
pub mod stack_column;
pub mod summary;
pub mod time;

use allocation::AllocationTable;
use attributes::AttributesTable;
use free_order::FreeOrder;
use module::ModuleTable;
use poolscope_etl::diagnostics::{DiagnosticKind, Diagnostics};
use process::ProcessTable;
use recorded::RecordedRange;
use stack::{FrameSymbols, StackTable};
use std::sync::Arc;
use summary::{PoolRundown, TraceOrigin, TraceStatistics, TraceSummary};
use time::{Clock, TimeRange};

/// A loaded trace.
#[derive(Debug)]
pub struct Trace {
    /// Facts from the log-file header and the system configuration records.
    pub summary: TraceSummary,
    /// Conversion of ticks to seconds and wall-clock time.
    pub clock: Clock,
    /// The whole trace: from time zero, or the first pool event before it, to the end of the recording.
    pub extent: TimeRange,
    /// The part of the recording that the file holds.
    pub recorded: RecordedRange,
    /// One row per allocation.
    pub allocations: AllocationTable,
    /// Order of the frees; `None` if the load did not keep it.
    pub free_order: Option<FreeOrder>,
    /// Distinct combinations of tag, pool type, process, thread, CPU and session of pool events.
    pub attributes: AttributesTable,
    /// Distinct stacks of pool events.
    pub stacks: StackTable,
    /// Names of frames that the file itself holds; `None` for a recording, whose names come from symbols.
    pub frame_symbols: Option<Arc<FrameSymbols>>,
    /// Images, those that no stack leads through included.
    pub modules: ModuleTable,
    /// Processes.
    pub processes: ProcessTable,
    /// Pool rundown at the start and the end of the recording.
    pub pool_rundown: PoolRundown,
    /// Counts of records and buffers.
    pub statistics: TraceStatistics,
    /// Data-quality issues.
    pub diagnostics: Diagnostics,
}

impl Trace {
    /// Returns `true` if events have times. Without them there are no curves, no growth and no lifetimes, and the extent is empty.
    #[must_use]
    pub fn has_times(&self) -> bool {
        self.summary.origin == TraceOrigin::Recording
    }

    /// Returns `true` if there is memory for indices of the trace that only make questions faster.
    #[must_use]
    pub fn has_room_for_indices(&self) -> bool {
        self.diagnostics.count(DiagnosticKind::IndicesLeftOut) == 0
    }

    /// Bytes of memory of the tables that grow with the trace: allocations, the order of their frees, stacks and attributes.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let attributes = size_of_val(self.attributes.rows());
        let order = self.free_order.as_ref().map_or(0, FreeOrder::memory_bytes);
        (self.allocations.memory_bytes() + order + self.stacks.memory_bytes() + attributes) as u64
    }
}
