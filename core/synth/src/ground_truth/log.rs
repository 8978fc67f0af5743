//! Log of written events, the input of the ground truth.

use rustc_hash::FxHashMap;

/// A pool event as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoggedPoolEvent {
    /// Raw timestamp.
    pub ticks: i64,
    /// True for a free.
    pub is_free: bool,
    /// Block address.
    pub address: u64,
    /// Session of a session block.
    pub session: Option<u32>,
    /// Bytes.
    pub size: u64,
    /// Tag in memory order.
    pub tag: [u8; 4],
    /// PoolType bits.
    pub pool_type: u32,
    /// Thread id.
    pub tid: u32,
    /// Id of its buffer.
    pub buffer: u64,
}

/// Any other event with a stack record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoggedOtherEvent {
    /// Raw timestamp.
    pub ticks: i64,
    /// Thread id.
    pub tid: u32,
    /// Id of its buffer.
    pub buffer: u64,
}

/// Content of a stack record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StackContent {
    /// Frames, as an index from [`EventLog::intern_frames`].
    Inline(u32),
    /// Key of a cached stack.
    Key(u64),
}

/// A stack record of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoggedStack {
    /// Timestamp of the event.
    pub event_ticks: i64,
    /// Thread of the event.
    pub tid: u32,
    /// Timestamp of the stack record.
    pub ticks: i64,
    /// User stack instead of kernel stack.
    pub is_user: bool,
    /// Content of the record.
    pub content: StackContent,
    /// Generated frames, as an index from [`EventLog::intern_frames`], even if their definition is lost.
    pub frames: u32,
    /// Id of its buffer.
    pub buffer: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct StackDefinition {
    pub key: u64,
    pub ticks: i64,
    pub buffer: u64,
}

/// All written events that matter for the ground truth.
#[derive(Debug, Clone, Default)]
pub struct EventLog {
    pub(super) events: Vec<LoggedPoolEvent>,
    pub(super) other_events: Vec<LoggedOtherEvent>,
    pub(super) stacks: Vec<LoggedStack>,
    pub(super) definitions: Vec<StackDefinition>,
    /// Buffers of pool rundown records.
    pub(super) rundown_buffers: Vec<u64>,
    pub(super) frame_lists: Vec<Vec<u64>>,
    known_frames: FxHashMap<Vec<u64>, u32>,
}

impl EventLog {
    /// Adds a pool event.
    pub fn add_event(&mut self, event: LoggedPoolEvent) {
        self.events.push(event);
    }

    /// Adds another event with a stack.
    pub fn add_other_event(&mut self, other: LoggedOtherEvent) {
        self.other_events.push(other);
    }

    /// Adds a stack record.
    pub fn add_stack(&mut self, stack: LoggedStack) {
        self.stacks.push(stack);
    }

    /// Adds a pool rundown record in a buffer.
    pub fn add_rundown_record(&mut self, buffer: u64) {
        self.rundown_buffers.push(buffer);
    }

    /// Adds the definition of a cached stack.
    pub fn add_definition(&mut self, key: u64, ticks: i64, buffer: u64) {
        self.definitions.push(StackDefinition { key, ticks, buffer });
    }

    /// Index of a list of frames, innermost first.
    pub fn intern_frames(&mut self, frames: &[u64]) -> u32 {
        if let Some(known) = self.known_frames.get(frames) {
            return *known;
        }
        let number = self.frame_lists.len() as u32;
        self.frame_lists.push(frames.to_vec());
        self.known_frames.insert(frames.to_vec(), number);
        number
    }

    /// Removes the events of buffers that are not in the file; `missing` is ascending.
    pub(super) fn remove_missing_buffers(&mut self, missing: &[u64]) {
        if missing.is_empty() {
            return;
        }
        let there = |buffer: u64| missing.binary_search(&buffer).is_err();
        self.events.retain(|event| there(event.buffer));
        self.other_events.retain(|other| there(other.buffer));
        self.stacks.retain(|stack| there(stack.buffer));
        self.rundown_buffers.retain(|buffer| there(*buffer));
        self.definitions.retain(|definition| there(definition.buffer));
    }
}
