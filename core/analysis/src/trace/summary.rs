//! Facts about a trace as a whole: where and how it was recorded, how many records of which kind it has, what the pool
//! snapshots say. Counts only; nothing here looks at single allocations.

use super::attributes::Tag;
use super::time::Ticks;
use poolscope_base::guid::Guid;
use std::collections::BTreeMap;

/// What the log-file header and the system configuration records say.
#[derive(Clone, Debug, Default)]
pub struct TraceSummary {
    /// Size of the file.
    pub file_bytes: u64,
    /// Pointer size of the recording system in bytes: 4 or 8.
    pub pointer_size: u32,
    /// Windows build number.
    pub os_build: u32,
    /// Build string and product name from the merge, where recorded.
    pub os_name: Option<String>,
    /// Number of processors.
    pub cpus: u32,
    /// Computer name, where recorded.
    pub computer: Option<String>,
    /// Physical memory in MB, where recorded.
    pub memory_mb: Option<u32>,
    /// Size of the session's buffers in bytes.
    pub buffer_bytes: u32,
    /// `LogFileMode` bits.
    pub log_file_mode: u32,
    /// Name of the logger session.
    pub session_name: String,
    /// Start of the recording, FILETIME (UTC).
    pub start_filetime: i64,
    /// End of the recording, FILETIME (UTC); 0 if it was never closed.
    pub end_filetime: i64,
    /// Boot time, FILETIME (UTC).
    pub boot_filetime: i64,
    /// `PerfFreq` of the header.
    pub perf_freq: i64,
    /// Events that Windows says it lost.
    pub events_lost: u64,
    /// Buffers that Windows says it lost.
    pub buffers_lost: u64,
    /// Whether the pool group was on, as the group mask records say; `None` without such records.
    pub pool_group_enabled: Option<bool>,
}

/// Counts of what the file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceStatistics {
    /// Buffers, the header buffer included; as many as the header says where the reader does not show them.
    pub buffers: u64,
    /// Buffers that are compressed; `None` where the reader does not show buffers.
    pub compressed_buffers: Option<u64>,
    /// Records of every kind.
    pub records: u64,
    /// Records with a kernel header, by hook id.
    pub hooks: BTreeMap<u16, u64>,
    /// Records with a GUID header, by provider.
    pub providers: BTreeMap<Guid, u64>,
    /// WPP trace messages.
    pub messages: u64,
    /// Pool allocation events, session pool included.
    pub pool_allocs: u64,
    /// Pool free events, session pool included.
    pub pool_frees: u64,
    /// Pool snapshot records.
    pub pool_rundown_records: u64,
    /// Stack records: inline stacks and key references.
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

/// When a snapshot was taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RundownPhase {
    /// At the start of the recording.
    Start,
    /// At its end.
    Stop,
}

/// Counters of one tag in a pool tag snapshot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TagUsage {
    /// Start or stop.
    pub phase: RundownPhase,
    /// When the record was written.
    pub time: Ticks,
    /// Session, for session pool.
    pub session: Option<u32>,
    /// Pool tag.
    pub tag: Tag,
    /// Allocations and frees so far (wrap at 2^32) and bytes in use, paged pool.
    pub paged: PoolUsage,
    /// The same for nonpaged pool.
    pub nonpaged: PoolUsage,
}

/// Counters of one pool.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct PoolUsage {
    /// Allocations so far; wraps.
    pub allocs: u32,
    /// Frees so far; wraps.
    pub frees: u32,
    /// Bytes in use.
    pub used_bytes: u64,
}

/// One big block in a big-pool snapshot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct BigPoolAllocation {
    /// Start or stop.
    pub phase: RundownPhase,
    /// When the record was written.
    pub time: Ticks,
    /// Session, for session pool.
    pub session: Option<u32>,
    /// Address, the nonpaged mark removed.
    pub address: u64,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Pool tag.
    pub tag: Tag,
    /// Nonpaged pool.
    pub nonpaged: bool,
}

/// The pool snapshots of a trace, in time order.
#[derive(Clone, Debug, Default)]
pub struct PoolRundown {
    /// Pool tag counters.
    pub tags: Vec<TagUsage>,
    /// Big blocks.
    pub big: Vec<BigPoolAllocation>,
}
