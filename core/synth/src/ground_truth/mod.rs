//! The truth about a made-up trace: what a correct reader must find in it. Computed from the log of what was
//! written, by the plain definitions and a plain algorithm; it must never look at the file or share code with the
//! reader it is to check.

mod curve;
mod figures;
mod log;
mod pair;
mod stacks;

use serde::Serialize;

use super::scenario::{HandleLeakTruth, LockstepTagTruth};

pub use figures::{GroundTruthInput, compute_ground_truth};
pub use log::{EventLog, LoggedPoolEvent, LoggedOtherEvent, LoggedStack, StackContent};

/// What to compute; without a request a trace is written in bounded memory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroundTruthRequest {
    /// Ranges in seconds from the trace's start, both ends included; the whole trace is always computed.
    pub ranges: Vec<(f64, f64)>,
    /// Also list every (type, tag, stack). Large.
    pub stacks: bool,
    /// Points of the outstanding curve per tag and range; 0 for no curves.
    pub curve_points: usize,
    /// Also list every pool event with the stack that it was planted with. Very large.
    pub events: bool,
}

/// What a correct reader finds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GroundTruth {
    /// Seed of the scenario.
    pub seed: u64,
    /// File size in bytes.
    pub bytes: u64,
    /// All records, the log-file header included.
    pub records: u64,
    /// Buffers in the file.
    pub buffers: FileBufferCounts,
    /// Bytes of a pointer.
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
    /// Images that have at least one record.
    pub images: u64,
    /// Processes that have at least one record.
    pub processes: u64,
    /// Pool events and blocks.
    pub pool: PoolCounts,
    /// Stack records.
    pub stacks: StackCounts,
    /// Growth per tag as the snapshots show it.
    pub rundown_growth: Vec<RundownGrowth>,
    /// Processes whose objects were kept by handles, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handles: Option<HandleLeakTruth>,
    /// Tags that are parts of one kind of object, if there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lockstep: Vec<LockstepTagTruth>,
    /// The whole trace, then the ranges asked for.
    pub ranges: Vec<RangeGroundTruth>,
    /// Every pool event of the file, if asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventGroundTruth>,
}

/// A pool event and the stack that it was planted with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventGroundTruth {
    /// Ticks from time zero.
    pub ticks: i64,
    /// Thread.
    pub thread: u32,
    /// A free instead of an allocation.
    pub free: bool,
    /// Address of the block (`0x…`).
    pub address: String,
    /// Addresses (`0x…`) from the outermost frame to the innermost: the halves whose records are in the file, with the frames
    /// that they were planted with, whether or not the file says so.
    pub stack: Vec<String>,
}

/// Buffers in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FileBufferCounts {
    /// All, the header buffer included.
    pub total: u64,
    /// Compressed ones.
    pub compressed: u64,
    /// Written once but not in the file: overwritten or lost.
    pub missing: u64,
}

/// Pool events in the file and the blocks they make.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PoolCounts {
    /// Allocation records.
    pub alloc_events: u64,
    /// Free records.
    pub free_events: u64,
    /// Blocks (rows): one per allocation record, unknown and implied allocation.
    pub allocations: u64,
    /// Blocks ended by another allocation at their address.
    pub implied_frees: u64,
    /// Blocks begun by the free before their free.
    pub implied_allocations: u64,
    /// Blocks freed without any earlier event at their address.
    pub unknown_allocations: u64,
    /// Blocks never freed.
    pub never_freed: u64,
    /// Snapshot records of all kinds.
    pub rundown_records: u64,
}

/// Stack records in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StackCounts {
    /// Whole stacks, references and definitions.
    pub records: u64,
    /// Whole stacks.
    pub inline: u64,
    /// References to cached stacks.
    pub references: u64,
    /// Definitions of cached stacks.
    pub definitions: u64,
    /// References of pool events with a definition at or after them.
    pub resolved: u64,
    /// References of pool events without one.
    pub unresolved: u64,
    /// Whole stacks and references of events that are not pool events.
    pub other_events: u64,
    /// Whole stacks and references whose event is not in the file.
    pub orphans: u64,
    /// Pool events with the record of at least one half.
    pub pool_events_with_stack: u64,
    /// Distinct whole stacks of pool events.
    pub distinct: u64,
}

/// How a tag grew from the first snapshot to the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RundownGrowth {
    /// Tag as displayed.
    pub tag: String,
    /// Session of a session snapshot.
    pub session: Option<u32>,
    /// Paged bytes.
    pub paged_bytes: i64,
    /// Nonpaged bytes.
    pub nonpaged_bytes: i64,
}

/// The figures of one range.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RangeGroundTruth {
    /// Start in seconds; none for the whole trace.
    pub from: Option<f64>,
    /// End in seconds; none for the whole trace.
    pub to: Option<f64>,
    /// Sums over all rows.
    pub total: AllocationTotals,
    /// By type, pool and tag, in that order.
    pub rows: Vec<TagTotals>,
    /// By type, tag and stack, if asked for.
    pub stacks: Vec<StackTotals>,
    /// Outstanding bytes and blocks per tag, if asked for.
    pub curves: Vec<OutstandingCurve>,
}

/// Blocks and bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct AllocationTotals {
    /// Blocks.
    pub count: u64,
    /// Bytes.
    pub size: u64,
}

/// Sums of one (type, paged, tag).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TagTotals {
    /// AIFI, AIFO, AOFI or AOFO.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `Paged` or `NonPaged`.
    pub paged: &'static str,
    /// Tag as displayed.
    pub tag: String,
    /// The sums.
    #[serde(flatten)]
    pub totals: AllocationTotals,
}

/// Sums of one (type, tag, allocation stack).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StackTotals {
    /// AIFI, AIFO, AOFI or AOFO.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Tag as displayed.
    pub tag: String,
    /// Addresses (`0x…`) from the outermost frame to the innermost; empty where none is known.
    pub stack: Vec<String>,
    /// The sums.
    #[serde(flatten)]
    pub totals: AllocationTotals,
}

/// Outstanding blocks of one tag, of those allocated since the trace began.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutstandingCurve {
    /// Tag as displayed.
    pub tag: String,
    /// The points, evenly spaced over the range.
    pub points: Vec<OutstandingPoint>,
}

/// One point of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OutstandingPoint {
    /// Seconds from time zero.
    pub time_s: f64,
    /// Outstanding blocks.
    pub count: u64,
    /// Outstanding bytes.
    pub size: u64,
}

/// A tag as it is displayed: four characters, the protection bit masked, other bytes as `\xNN`.
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
