//! What one range of buffers yields: columns of pool events with ids that are local to the shard, and the rarer things.
//! A shard must never refer to another one.

use super::span::Span;
use crate::trace::attributes::EventAttributes;
use crate::trace::summary::RundownPhase;
use crate::trace::time::Ticks;
use poolscope_base::guid::Guid;
use poolscope_etl::diagnostics::Diagnostics;
use poolscope_etl::event::image::{ImageIdEvent, RsdsEvent};
use poolscope_etl::event::image::ImageEvent;
use poolscope_etl::event::pool::{BigPoolEntry, PoolTagUsage};
use poolscope_etl::event::process::ProcessEvent;
use poolscope_etl::event::system::{BuildInfo, CpuConfig};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

/// What a pool event says beside time, address, size; numbers as recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RawContext {
    pub tag: [u8; 4],
    pub pool_type: u32,
    pub thread: u32,
    pub pid: u32,
    pub session: u32,
    pub cpu: u16,
}

impl Hash for RawContext {
    /// Three words instead of six fields: this runs once per pool event.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let pair = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        state.write_u64(pair(u32::from_le_bytes(self.tag), self.pool_type));
        state.write_u64(pair(self.thread, self.pid));
        state.write_u64(pair(self.session, u32::from(self.cpu)));
    }
}

/// The record's header has no thread or process.
pub const NO_ID: u32 = u32::MAX;

/// No half: this part of the stack was not recorded.
pub const NO_HALF: u32 = u32::MAX;

/// One half of an event's stack: a local half, and how long after the event it was recorded, which decides what its
/// key meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HalfRef {
    pub half: u32,
    /// Ticks from the event to the stack record; saturates.
    pub delay: u32,
}

impl HalfRef {
    pub const NONE: Self = Self { half: NO_HALF, delay: 0 };

    pub fn new(half: u32, event_time: Ticks, record_time: Ticks) -> Self {
        let delay = record_time.0.saturating_sub(event_time.0).clamp(0, i64::from(u32::MAX)) as u32;
        Self { half, delay }
    }

    /// Whether the stack record comes so long after its event that a delay cannot say it: seven minutes at 10 MHz. The
    /// user half of a thread that waits in the kernel does.
    pub fn is_late(event_time: Ticks, record_time: Ticks) -> bool {
        record_time.0.saturating_sub(event_time.0) > i64::from(u32::MAX)
    }
}

/// Bit of a stack in [`EventColumns::stack`]: it may be another's. Stacks and combinations never get that many.
pub const UNCERTAIN: u32 = 1 << 31;

/// Kernel half and user half of an event's stack.
pub type Halves = [HalfRef; 2];
const _: () = assert!(size_of::<Halves>() == 16);

/// Pool events of one direction, in file order.
#[derive(Default, Debug)]
pub struct EventColumns {
    pub time: Vec<Ticks>,
    pub address: Vec<u64>,
    pub size: Vec<u64>,
    /// Local context; after the join, the trace's.
    pub context: Vec<u32>,
    /// Empty if stacks are not loaded.
    pub halves: Vec<Halves>,
    /// Local combination of halves, then the trace's stack, both with [`UNCERTAIN`]; empty if stacks are not loaded.
    pub stack: Vec<u32>,
}

impl EventColumns {
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Makes room for as many events as a range of buffers could hold. The room costs nothing until it is used, and
    /// blocks this large are given back to the system when they are freed, which small grown ones are not.
    pub fn reserve(&mut self, events: usize, with_halves: bool) {
        self.time.reserve_exact(events);
        self.address.reserve_exact(events);
        self.size.reserve_exact(events);
        self.context.reserve_exact(events);
        if with_halves {
            self.halves.reserve_exact(events);
        }
    }

    pub fn shrink(&mut self) {
        self.time.shrink_to_fit();
        self.address.shrink_to_fit();
        self.size.shrink_to_fit();
        self.context.shrink_to_fit();
        self.halves.shrink_to_fit();
    }
}

/// What a half of a stack was recorded as.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Half {
    /// A reference to a key of the stack cache.
    Key { key: u64, kernel: bool },
    /// The same, recorded at `time`: so long after its event that [`HalfRef::delay`] cannot say it.
    LateKey { key: u64, kernel: bool, time: Ticks },
    /// Frames in the record itself: a raw stack.
    Inline { raw: u32 },
}

/// A definition of a stack key.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    pub time: Ticks,
    pub key: u64,
    pub kernel: bool,
    /// Raw stack.
    pub raw: u32,
}

/// A stack record whose event was not found in its own buffer.
#[derive(Clone, Copy, Debug)]
pub struct LooseStack {
    pub event_time: Ticks,
    pub record_time: Ticks,
    pub thread: u32,
    pub pid: u32,
    pub half: u32,
    pub kernel: bool,
}

/// Rows that are held once each, found by value.
#[derive(Debug)]
pub struct Interner<T> {
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
    /// The row's number. Neighbouring events mostly say the same, so the last answer is tried first.
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

    /// Forgets how to find rows.
    pub fn close(&mut self) {
        self.map = FxHashMap::default();
        self.last = None;
    }
}

/// A record that is neither pool event nor stack.
#[derive(Debug)]
pub enum Rare {
    Image { change: ImageChange, event: ImageEvent, pid: u32 },
    Process { change: ProcessChange, event: ProcessEvent },
    ImageId(ImageIdEvent),
    Rsds(RsdsEvent),
    Cpu(CpuConfig),
    Build(BuildInfo),
    PoolGroup(bool),
    Tags { end: RundownPhase, session: Option<u32>, rows: Vec<PoolTagUsage> },
    Big { end: RundownPhase, session: Option<u32>, rows: Vec<BigPoolEntry> },
}

/// What an image event reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImageChange {
    Load,
    Unload,
    Start,
    Stop,
}

/// What a process event reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProcessChange {
    Start,
    End,
    Running,
    Stop,
}

/// Counts of records.
#[derive(Default, Debug)]
pub struct ShardCensus {
    pub hooks: BTreeMap<u16, u64>,
    pub providers: BTreeMap<Guid, u64>,
    pub records: u64,
    pub messages: u64,
    pub headers: u64,
    pub snapshots: u64,
    pub stack_records: u64,
    pub stack_definitions: u64,
    pub pool_stack_records: u64,
    /// Stack records of events that are not pool events.
    pub unmatched_stacks: u64,
}

/// Everything from one range of buffers.
#[derive(Default, Debug)]
pub struct Shard {
    pub allocs: EventColumns,
    pub frees: EventColumns,
    /// Which of the two columns the next event went to (`true`: frees), in file order: it joins them again.
    pub directions: Vec<bool>,
    pub contexts: Interner<RawContext>,
    /// The trace's contexts with processes known; filled by the join.
    pub context_rows: Vec<EventAttributes>,
    pub halves: Interner<Half>,
    pub definitions: Vec<Definition>,
    pub loose: Vec<LooseStack>,
    pub rare: Vec<(Ticks, Rare)>,
    pub census: ShardCensus,
    pub diagnostics: Diagnostics,
    /// Latest time of a record that is not the kernel's.
    pub last_other_time: Option<Ticks>,
    /// Ranges of time of which records are known to be missing or out of order.
    pub losses: Vec<(Ticks, Ticks)>,
    /// Earliest time of a record behind the log-file header.
    pub first_time: Option<Ticks>,
    /// What each buffer recorded, in file order; of another reader's batch, what each CPU did.
    pub spans: Vec<Span>,
    /// Earliest and latest pool event.
    pub pool_times: Option<(Ticks, Ticks)>,
}
