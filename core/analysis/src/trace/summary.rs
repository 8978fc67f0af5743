//! Facts about a trace as a whole: the recording session and its system, numbers of records, and the pool rundown.

use super::attributes::Tag;
use super::time::{Ticks, TimeRange};
use poolscope_base::guid::Guid;
use poolscope_etl::diagnostics::Diagnostics;
use std::collections::BTreeMap;

/// Kind of file that a trace comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TraceOrigin {
    /// A recording of the kernel's events.
    #[default]
    Recording,
    /// A log of the kernel debugger, which has an order of events and no times.
    DebuggerLog,
}

impl TraceOrigin {
    /// Name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recording => "recording",
            Self::DebuggerLog => "debugger log",
        }
    }
}

/// Facts from the log-file header and the system configuration records.
#[derive(Clone, Debug, Default)]
pub struct TraceSummary {
    /// Kind of file.
    pub origin: TraceOrigin,
    /// Size of the file.
    pub file_bytes: u64,
    /// Pointer size of the recording system in bytes: 4 or 8.
    pub pointer_size: u32,
    /// Windows build number.
    pub os_build: u32,
    /// Product name and build string that a merge added; `None` in unmerged files.
    pub os_name: Option<String>,
    /// Number of processors of the recording system.
    pub cpus: u32,
    /// Computer name, if recorded.
    pub computer: Option<String>,
    /// Physical memory in MB, if recorded.
    pub memory_mb: Option<u32>,
    /// Size of the session's buffers in bytes.
    pub buffer_bytes: u32,
    /// `LogFileMode` bits.
    pub log_file_mode: u32,
    /// Name of the logger session.
    pub session_name: String,
    /// Start of the recording as FILETIME (UTC).
    pub start_filetime: i64,
    /// End of the recording as FILETIME (UTC); 0 if it was never closed.
    pub end_filetime: i64,
    /// Minutes from local time of the recording system to UTC at the start of the recording, by the time zone in the header; -120 for a
    /// clock two hours ahead. `None` without a time zone.
    pub utc_bias_minutes: Option<i32>,
    /// Boot time as FILETIME (UTC).
    pub boot_filetime: i64,
    /// `PerfFreq` of the header.
    pub perf_freq: i64,
    /// Number of lost events, by the header.
    pub events_lost: u64,
    /// Number of lost buffers, by the header.
    pub buffers_lost: u64,
    /// True if the pool event group was enabled, by the group mask records; `None` without such records.
    pub pool_group_enabled: Option<bool>,
    /// The files of the trace, those of the kernel's log first; empty for a trace in one file.
    pub parts: Vec<PartSummary>,
}

/// A file of a trace in several files.
#[derive(Clone, Debug)]
pub struct PartSummary {
    /// Name of the file.
    pub name: String,
    /// True if it is of the kernel's log, which the recorded range and the losses follow from.
    pub is_main: bool,
    /// Size of the file.
    pub file_bytes: u64,
    /// Offset of its first byte from which the offsets of [`Trace::diagnostics`](super::Trace::diagnostics) count.
    pub base: u64,
    /// Name of the logger session.
    pub session_name: String,
    /// Number of processors, by the header.
    pub cpus: u32,
    /// Number of buffers.
    pub buffers: u64,
    /// Number of records.
    pub records: u64,
    /// Number of pool events.
    pub pool_events: u64,
    /// Times of the first and the last record; of a file without kernel records, of the first and last buffer.
    pub range: Option<TimeRange>,
    /// Estimated number of buffers that are missing between the file before it and this one.
    pub missing_buffers_before: u64,
    /// Number of lost events, by the header.
    pub events_lost: u64,
    /// Number of lost buffers, by the header.
    pub buffers_lost: u64,
    /// Data-quality issues of the file, with its own offsets.
    pub diagnostics: Diagnostics,
}

/// Numbers of records and buffers in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceStatistics {
    /// Buffers, including the header buffer; the header's number if the reader does not show buffers.
    pub buffers: u64,
    /// Compressed buffers; `None` if the reader does not show buffers.
    pub compressed_buffers: Option<u64>,
    /// Records of every kind.
    pub records: u64,
    /// Records with a kernel header, by hook id.
    pub hooks: BTreeMap<u16, u64>,
    /// Records with a GUID header, by provider.
    pub providers: BTreeMap<Guid, u64>,
    /// WPP trace messages.
    pub messages: u64,
    /// Pool allocation events, including session pool.
    pub pool_allocs: u64,
    /// Pool free events, including session pool.
    pub pool_frees: u64,
    /// Pool rundown records.
    pub pool_rundown_records: u64,
    /// Stack records of all events: inline stacks and key references.
    pub stack_records: u64,
    /// Definitions of stack keys.
    pub stack_definitions: u64,
    /// Stack records by the event that they belong to; zero when stacks were not loaded.
    pub stacks: StackStatistics,
}

/// Stack records of pool events, and their keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StackStatistics {
    /// Key references of pool events that found their definition.
    pub resolved_keys: u64,
    /// Those of [`Self::resolved_keys`] where records may be missing between the reference and its definition, so that the
    /// definition may belong to another use of the key.
    pub uncertain_keys: u64,
    /// Key references of pool events without a definition in the file.
    pub unresolved_keys: u64,
    /// Stack records of pool events.
    pub matched: u64,
    /// Stack records of other events, and of events that are not in the file. Their stacks are not stored.
    pub unmatched: u64,
    /// Distinct whole stacks of pool events (kernel and user part joined).
    pub distinct: u64,
}

/// Time of a pool rundown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RundownPhase {
    /// At the start of the recording.
    Start,
    /// At its end.
    Stop,
}

/// Counters of one tag in a pool tag rundown record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TagUsage {
    /// True if it is of the rundown at the start or at the end of the recording.
    pub phase: RundownPhase,
    /// Time of the record.
    pub time: Ticks,
    /// Session, for session pool.
    pub session: Option<u32>,
    /// Pool tag.
    pub tag: Tag,
    /// Counters of paged pool.
    pub paged: PoolUsage,
    /// Counters of nonpaged pool.
    pub nonpaged: PoolUsage,
}

/// Counters of one pool since the start of the system.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct PoolUsage {
    /// Allocations; wraps at 2^32.
    pub allocs: u32,
    /// Frees; wraps at 2^32.
    pub frees: u32,
    /// Bytes in use.
    pub used_bytes: u64,
}

/// An allocation of at least a page in a big pool rundown record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct BigPoolAllocation {
    /// True if it is of the rundown at the start or at the end of the recording.
    pub phase: RundownPhase,
    /// Time of the record.
    pub time: Ticks,
    /// Session, for session pool.
    pub session: Option<u32>,
    /// Address without the bit that marks nonpaged pool.
    pub address: u64,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Pool tag.
    pub tag: Tag,
    /// True if it is nonpaged pool.
    pub nonpaged: bool,
}

/// The pool rundown of a trace, in time order.
#[derive(Clone, Debug, Default)]
pub struct PoolRundown {
    /// Counters by tag.
    pub tags: Vec<TagUsage>,
    /// Big pool allocations.
    pub big: Vec<BigPoolAllocation>,
}
