//! Ground truth of a synthetic trace: the results that a correct reader and analysis must give. Computed from the log of written
//! events, not from the file.

mod compute;
mod log;

use schemars::JsonSchema;
use serde::Serialize;

use super::scenario::{HandleLeakTruth, LockstepTagTruth};

pub use compute::{GroundTruthInput, compute_ground_truth};
pub use log::{EventLog, LoggedOtherEvent, LoggedPoolEvent, LoggedStack, StackContent};

/// Parts of the ground truth to compute.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroundTruthRequest {
    /// Ranges in seconds from the trace's start, both ends inclusive, in addition to the whole trace.
    pub ranges: Vec<(f64, f64)>,
    /// Also totals by (type, tag, stack). Large.
    pub stacks: bool,
    /// Points of the outstanding curves per tag and range; 0 for none.
    pub curve_points: usize,
    /// Also every pool event with its stack. Very large.
    pub events: bool,
}

/// Expected results for a trace.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
pub struct GroundTruth {
    /// Seed of the scenario.
    pub seed: u64,
    /// File size in bytes.
    pub bytes: u64,
    /// All records, including the log-file header.
    pub records: u64,
    /// Buffers in the file.
    pub buffers: FileBufferCounts,
    /// Pointer size in bytes.
    pub pointer_size: u32,
    /// OS build.
    pub os_build: u32,
    /// CPUs.
    pub cpus: u16,
    /// Clock type of the header.
    pub clock: u32,
    /// `PerfFreq` of the header.
    pub perf_freq: i64,
    /// Raw ticks per second of the clock.
    pub ticks_per_second: u64,
    /// Raw timestamp of time zero.
    pub start_ticks: i64,
    /// Seconds from time zero to the header's end time.
    pub duration_s: f64,
    /// `EventsLost` of the header.
    pub events_lost: u32,
    /// `BuffersLost` of the header.
    pub buffers_lost: u32,
    /// Records per kernel hook, `"0x0E20": n`.
    pub hooks: std::collections::BTreeMap<String, u64>,
    /// GUID-headed records per provider.
    pub providers: std::collections::BTreeMap<String, u64>,
    /// Images with at least one record.
    pub images: u64,
    /// Processes with at least one record.
    pub processes: u64,
    /// Pool events and allocations.
    pub pool: PoolCounts,
    /// Stack records.
    pub stacks: StackCounts,
    /// Growth per tag between the pool rundowns.
    pub rundown_growth: Vec<RundownGrowth>,
    /// Handle leak, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handles: Option<HandleLeakTruth>,
    /// Lockstep tags, if any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lockstep: Vec<LockstepTagTruth>,
    /// The whole trace, then the requested ranges.
    pub ranges: Vec<RangeGroundTruth>,
    /// All pool events of the file, if requested.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventGroundTruth>,
}

/// A pool event with its stack.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
pub struct EventGroundTruth {
    /// Ticks from time zero.
    pub ticks: i64,
    /// Thread.
    pub thread: u32,
    /// True for a free, false for an allocation.
    pub free: bool,
    /// Address of the block (`0x…`).
    pub address: String,
    /// Addresses (`0x…`) from the outermost frame to the innermost: the kernel and user stacks whose records are in the file, with
    /// their generated frames, even if their definition is lost.
    pub stack: Vec<String>,
}

/// Numbers of buffers.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct FileBufferCounts {
    /// All buffers, including the header buffer.
    pub total: u64,
    /// Compressed buffers.
    pub compressed: u64,
    /// Buffers that are not in the file: overwritten or lost.
    pub missing: u64,
}

/// Pool events in the file and the allocations that they form.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct PoolCounts {
    /// Allocation records.
    pub alloc_events: u64,
    /// Free records.
    pub free_events: u64,
    /// Allocations (rows): one per allocation record, unknown and implied allocation.
    pub allocations: u64,
    /// Allocations ended by another allocation at their address.
    pub implied_frees: u64,
    /// Allocations implied by two frees in a row.
    pub implied_allocations: u64,
    /// Frees without any earlier event at their address.
    pub unknown_allocations: u64,
    /// Allocations never freed.
    pub never_freed: u64,
    /// Pool rundown records of all kinds.
    pub rundown_records: u64,
}

/// Stack records in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct StackCounts {
    /// Inline stacks, references and definitions.
    pub records: u64,
    /// Inline stacks.
    pub inline: u64,
    /// References to cached stacks.
    pub references: u64,
    /// Definitions of cached stacks.
    pub definitions: u64,
    /// References of pool events with a definition of their key at or after them.
    pub resolved: u64,
    /// References of pool events without such a definition.
    pub unresolved: u64,
    /// Inline stacks and references of other events.
    pub other_events: u64,
    /// Inline stacks and references whose event is not in the file.
    pub orphans: u64,
    /// Pool events with a kernel or user stack record.
    pub pool_events_with_stack: u64,
    /// Distinct complete stacks of pool events.
    pub distinct: u64,
}

/// Growth of a tag from the first pool rundown to the last.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
pub struct RundownGrowth {
    /// Tag as displayed.
    pub tag: String,
    /// Session, for a session rundown.
    pub session: Option<u32>,
    /// Paged bytes.
    pub paged_bytes: i64,
    /// Nonpaged bytes.
    pub nonpaged_bytes: i64,
}

/// Expected results for one range.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
pub struct RangeGroundTruth {
    /// Start in seconds; `None` for the whole trace.
    pub from: Option<f64>,
    /// End in seconds; `None` for the whole trace.
    pub to: Option<f64>,
    /// Totals over all rows.
    pub total: AllocationTotals,
    /// Totals by type, pool and tag, sorted by these.
    pub rows: Vec<TagTotals>,
    /// Totals by type, tag and stack, if requested.
    pub stacks: Vec<StackTotals>,
    /// Outstanding curves per tag, if requested.
    pub curves: Vec<OutstandingCurve>,
}

/// Number and bytes of allocations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct AllocationTotals {
    /// Number of allocations.
    pub count: u64,
    /// Bytes.
    pub size: u64,
}

/// Totals of one (type, paged, tag).
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
pub struct TagTotals {
    /// AIFI, AIFO, AOFI or AOFO.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `Paged` or `NonPaged`.
    pub paged: &'static str,
    /// Tag as displayed.
    pub tag: String,
    /// The totals.
    #[serde(flatten)]
    pub totals: AllocationTotals,
}

/// Totals of one (type, tag, allocation stack).
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
pub struct StackTotals {
    /// AIFI, AIFO, AOFI or AOFO.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Tag as displayed.
    pub tag: String,
    /// Addresses (`0x…`) from the outermost frame to the innermost; empty if unknown.
    pub stack: Vec<String>,
    /// The totals.
    #[serde(flatten)]
    pub totals: AllocationTotals,
}

/// Outstanding allocations of one tag over time, of those allocated since the trace began.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct OutstandingCurve {
    /// Tag as displayed.
    pub tag: String,
    /// Points, evenly spaced over the range.
    pub points: Vec<OutstandingPoint>,
}

/// One point of a curve.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize)]
pub struct OutstandingPoint {
    /// Seconds from time zero.
    pub time_s: f64,
    /// Outstanding allocations.
    pub count: u64,
    /// Outstanding bytes.
    pub size: u64,
}

/// A tag as displayed: four characters, without the protection bit, other bytes as `\xNN`.
#[must_use]
pub fn display_tag(tag: [u8; 4]) -> String {
    let mut text = String::new();
    for byte in [tag[0], tag[1], tag[2], tag[3] & 0x7F] {
        match byte {
            0x20..=0x7E => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text
}
