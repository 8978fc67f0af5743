//! Shards: the result of decoding one range of buffers. Pool events are columns; their attributes and stacks are numbers that
//! are valid in this shard only until later phases replace them by those of the whole trace.

use super::buffer_span::BufferSpan;
use crate::trace::attributes::EventAttributes;
use crate::trace::time::Ticks;
use poolscope_base::guid::Guid;
use poolscope_etl::diagnostics::Diagnostics;
use poolscope_etl::event::{EventKind, SystemEvent};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

/// Attributes of a pool event with thread and process numbers as recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RawAttributes {
    pub tag: [u8; 4],
    pub pool_type: u32,
    pub thread: u32,
    pub pid: u32,
    pub session: u32,
    pub cpu: u16,
}

impl Hash for RawAttributes {
    // Three words instead of six fields, since this runs once per pool event.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let pair = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        state.write_u64(pair(u32::from_le_bytes(self.tag), self.pool_type));
        state.write_u64(pair(self.thread, self.pid));
        state.write_u64(pair(self.session, u32::from(self.cpu)));
    }
}

/// Thread, process or session that the record does not have.
pub const NO_ID: u32 = u32::MAX;

/// Kernel or user stack that was not recorded.
pub const NO_PART: u32 = u32::MAX;

/// Kernel stack or user stack of one event, and the delay of its record, which decides which definition its key refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StackPartRef {
    /// Position in [`Shard::parts`]; [`NO_PART`] if not recorded.
    pub part: u32,
    /// Ticks from the event to the stack record; saturates at [`u32::MAX`].
    pub delay: u32,
}

impl StackPartRef {
    /// A stack that was not recorded.
    pub const NONE: Self = Self { part: NO_PART, delay: 0 };

    /// A stack that was recorded at `record_time` for an event at `event_time`.
    pub fn new(part: u32, event_time: Ticks, record_time: Ticks) -> Self {
        let delay = record_time.0.saturating_sub(event_time.0).clamp(0, i64::from(u32::MAX)) as u32;
        Self { part, delay }
    }

    /// Returns `true` if [`Self::delay`] saturates: after seven minutes at 10 MHz. The user stack of a thread that waits in the kernel is
    /// recorded when the thread returns.
    pub fn is_delay_too_long(event_time: Ticks, record_time: Ticks) -> bool {
        record_time.0.saturating_sub(event_time.0) > i64::from(u32::MAX)
    }
}

/// Bit of [`EventColumns::stack`]: the stack may be that of another event, or incomplete. Stack numbers are lower.
pub const UNCERTAIN: u32 = 1 << 31;

/// Kernel stack and user stack of an event.
pub type StackParts = [StackPartRef; 2];
const _: () = assert!(size_of::<StackParts>() == 16);

/// Allocation events or free events as columns, in file order.
#[derive(Default, Debug)]
pub struct EventColumns {
    /// Time of the event.
    pub time: Vec<Ticks>,
    /// Address of the allocation.
    pub address: Vec<u64>,
    /// Size in bytes.
    pub size: Vec<u64>,
    /// Position in [`Shard::attributes`]; after `join_attributes`, that in the table of the trace.
    pub attributes: Vec<u32>,
    /// Kernel and user stack; empty if stacks are not loaded, and once they are resolved.
    pub parts: Vec<StackParts>,
    /// Position among the distinct stacks of the shard, then among those of the trace, both with [`UNCERTAIN`]; empty if stacks
    /// are not loaded.
    pub stack: Vec<u32>,
}

impl EventColumns {
    /// Number of events.
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Reserves memory for as many events as a range of buffers can hold. The system commits it when it is used, and gets
    /// back large reservations when they are freed, unlike small ones that grew.
    pub fn reserve(&mut self, events: usize, with_parts: bool) {
        self.time.reserve_exact(events);
        self.address.reserve_exact(events);
        self.size.reserve_exact(events);
        self.attributes.reserve_exact(events);
        if with_parts {
            self.parts.reserve_exact(events);
        }
    }

    /// Frees reserved memory that was not used.
    pub fn shrink(&mut self) {
        self.time.shrink_to_fit();
        self.address.shrink_to_fit();
        self.size.shrink_to_fit();
        self.attributes.shrink_to_fit();
        self.parts.shrink_to_fit();
    }
}

/// Kernel stack or user stack as recorded: a stack key or frames.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StackPart {
    /// A reference to a stack key.
    Key { key: u64, is_kernel: bool },
    /// A reference to a stack key that was recorded at `time`, too long after its event for [`StackPartRef::delay`].
    LateKey { key: u64, is_kernel: bool, time: Ticks },
    /// Frames in the record itself, as a number of the frame lists.
    Inline { frames: u32 },
}

/// Definition of a stack key: its frames. References to the key come before it (etl-format 5.4).
#[derive(Clone, Copy, Debug)]
pub struct StackKeyDefinition {
    /// Time of the record.
    pub time: Ticks,
    /// Stack key.
    pub key: u64,
    /// True if the frames are those of a kernel stack.
    pub is_kernel: bool,
    /// Number of the frame list.
    pub frames: u32,
}

/// A stack record that has yet to be matched with its event.
#[derive(Clone, Copy, Debug)]
pub struct PendingStack {
    /// Time of the event.
    pub event_time: Ticks,
    /// Time of the stack record.
    pub record_time: Ticks,
    /// Thread of the event.
    pub thread: u32,
    /// Process of the event.
    pub pid: u32,
    /// Position in [`Shard::parts`].
    pub part: u32,
    /// True if it is a kernel stack.
    pub is_kernel: bool,
}

/// Numbering of distinct values.
#[derive(Debug)]
pub struct Interner<T> {
    /// Values by number.
    pub rows: Vec<T>,
    map: FxHashMap<T, u32>,
    last: Option<(T, u32)>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), map: FxHashMap::default(), last: None }
    }
}

impl<T: Copy + Eq + Hash> Interner<T> {
    /// The number of a value. Neighboring events mostly have the same, so the last one is tried first.
    #[inline]
    pub fn intern(&mut self, row: T) -> u32 {
        if let Some((last, id)) = self.last
            && last == row
        {
            return id;
        }
        let rows = &mut self.rows;
        let id = *self.map.entry(row).or_insert_with(|| {
            rows.push(row);
            rows.len() as u32 - 1
        });
        self.last = Some((row, id));
        id
    }

    /// Frees the lookup table. Values that are interned afterwards may get a second number.
    pub fn close(&mut self) {
        self.map = FxHashMap::default();
        self.last = None;
    }
}

/// A decoded record that is neither a pool event nor a stack record: images, processes, configuration, pool rundown.
#[derive(Debug)]
pub struct SystemRecord {
    /// Time of the record.
    pub time: Ticks,
    /// Kind of the event.
    pub kind: EventKind,
    /// Process number in the header of the record.
    pub process: Option<u32>,
    /// The event.
    pub event: SystemEvent,
}

/// Numbers of records in a shard.
#[derive(Default, Debug)]
pub struct ShardStatistics {
    /// Records with a kernel header, by hook id.
    pub hooks: BTreeMap<u16, u64>,
    /// Records with a GUID header, by provider.
    pub providers: BTreeMap<Guid, u64>,
    /// All records.
    pub records: u64,
    /// WPP trace messages.
    pub messages: u64,
    /// Log-file header records.
    pub headers: u64,
    /// Pool rundown records.
    pub pool_rundown_records: u64,
    /// Stack records of all events.
    pub stack_records: u64,
    /// Definitions of stack keys.
    pub stack_definitions: u64,
    /// Stack records of pool events.
    pub matched_stacks: u64,
    /// Stack records of other events of the same buffer.
    pub unmatched_stacks: u64,
}

/// The decoded records of one range of buffers.
#[derive(Default, Debug)]
pub struct Shard {
    /// Allocation events.
    pub allocs: EventColumns,
    /// Free events.
    pub frees: EventColumns,
    /// True if each pool event is a free, in file order: the order of the events of both columns.
    pub directions: Vec<bool>,
    /// Distinct attributes of pool events, as recorded.
    pub attributes: Interner<RawAttributes>,
    /// Attributes with processes instead of process numbers, while the shards are joined.
    pub resolved_attributes: Vec<EventAttributes>,
    /// Distinct kernel and user stacks of pool events, as recorded.
    pub parts: Interner<StackPart>,
    /// Definitions of stack keys.
    pub definitions: Vec<StackKeyDefinition>,
    /// Stack records without a known event in their own buffer.
    pub pending: Vec<PendingStack>,
    /// Decoded records that are neither pool events nor stack records.
    pub system_events: Vec<SystemRecord>,
    /// Numbers of records.
    pub statistics: ShardStatistics,
    /// Data-quality issues.
    pub diagnostics: Diagnostics,
    /// Latest time of a record of another provider than the kernel.
    pub last_other_time: Option<Ticks>,
    /// Time ranges in which records are known to be missing or out of order.
    pub losses: Vec<(Ticks, Ticks)>,
    /// Earliest time of a record other than the log-file header.
    pub first_time: Option<Ticks>,
    /// Kernel records of each buffer, in file order; for batches of another reader, of each CPU.
    pub spans: Vec<BufferSpan>,
    /// Times of the earliest and the latest pool event.
    pub pool_times: Option<(Ticks, Ticks)>,
}
