//! Joining: the recorded parts of the stack of each pool event become one number of a distinct stack, once all definitions of stack
//! keys are known. Stacks are distinct by their frames, and by what decides which modules the frames belong to: user-mode addresses
//! mean other modules in other processes, and the module of an address may change while a trace is recorded.

use super::attributes::AttributeIds;
use super::frame_lists::FrameListTable;
use super::interner::{EventPosition, Interned, NO_ID, Words, WorkerInterner, WorkerNumbers, word};
use super::losses::LossRanges;
use super::merge::MergedEvents;
use super::stack_keys::{KeyUses, NO_FRAMES};
use super::stack_part::{INLINE, NO_PART, PartNumber, RecordedStack};
use crate::trace::module::ModuleTable;
use crate::trace::summary::StackStatistics;
use crate::trace::time::Ticks;
use parking_lot::Mutex;
use poolscope_base::progress::{CancelToken, Cancelled, Progress};
use rayon::prelude::*;

/// A distinct stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct JoinedStack {
    /// Frame list of the kernel part; [`NO_FRAMES`] without one.
    pub kernel: u32,
    /// Frame list of the user part; [`NO_FRAMES`] without one.
    pub user: u32,
    /// Process of its user-mode addresses; [`NO_ID`] without any.
    pub pid: u32,
    /// Epochs of the modules of the kernel and of the process.
    pub epochs: (u32, u32),
}

impl Interned for JoinedStack {
    #[inline]
    fn words(&self) -> Words {
        [word(self.kernel, self.user), word(self.pid, self.epochs.0), u64::from(self.epochs.1)]
    }
}

/// Bit of the number of a stack that may be that of another event, or incomplete.
pub const UNCERTAIN: u32 = 1 << 31;

/// What the parts of stacks refer to.
#[derive(Clone, Copy)]
pub struct StackSources<'a> {
    /// Uses of stack keys.
    pub keys: &'a KeyUses,
    /// Lists of frames.
    pub frame_lists: &'a FrameListTable,
    /// Images.
    pub modules: &'a ModuleTable,
    /// Attributes of events, which have their processes.
    pub attributes: &'a AttributeIds<'a>,
    /// Time ranges in which records may be missing.
    pub losses: &'a LossRanges,
}

/// Counts of stacks that were resolved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StackCounts {
    /// Key references with a definition.
    pub resolved: u64,
    /// Those whose own definition may be missing.
    pub uncertain: u64,
    /// Key references without a definition.
    pub unresolved: u64,
    /// Those with a definition of the other kind.
    pub mismatched: u64,
    /// Events whose stack may be that of another event, or incomplete.
    pub uncertain_events: u64,
}

impl StackCounts {
    fn add(&mut self, other: &Self) {
        self.resolved += other.resolved;
        self.uncertain += other.uncertain;
        self.unresolved += other.unresolved;
        self.mismatched += other.mismatched;
        self.uncertain_events += other.uncertain_events;
    }

    /// The counts as statistics of a trace.
    pub fn statistics(&self) -> StackStatistics {
        StackStatistics {
            resolved_keys: self.resolved,
            uncertain_keys: self.uncertain,
            unresolved_keys: self.unresolved,
            ..StackStatistics::default()
        }
    }
}

/// Distinct stacks by worker. The number of a stack in the rows is one more than that of the interner, with [`UNCERTAIN`].
pub struct JoinedStacks {
    pub workers: Vec<WorkerInterner<JoinedStack>>,
    pub counts: StackCounts,
}

/// Joins the stacks of all events, and frees what was recorded of them.
///
/// # Errors
/// Cancelled.
pub fn join_stacks(
    events: &mut MergedEvents,
    sources: StackSources<'_>,
    (progress, cancel): (&Progress, &CancelToken),
) -> Result<JoinedStacks, Cancelled> {
    let count = rayon::current_num_threads();
    let new = |worker| Mutex::new(WorkerInterner::new(WorkerNumbers::new(worker, count), UNCERTAIN - 1));
    let workers: Vec<Mutex<WorkerInterner<JoinedStack>>> = (0..count).map(new).collect();
    let ends = &events.ends;
    let counts: Vec<StackCounts> = events
        .chunks
        .par_iter_mut()
        .with_max_len(1)
        .map(|chunk| {
            cancel.check()?;
            let recorded = std::mem::take(&mut chunk.recorded_stack);
            let mut counts = StackCounts::default();
            let mut worker = worker(&workers).lock();
            worker.begin(EventPosition::from(chunk.base) * 2);
            let mut block = JoinBlock::default();
            let mut stacks = vec![0; recorded.len()];
            for start in (0..recorded.len()).step_by(BLOCK) {
                let rows = start..(start + BLOCK).min(recorded.len());
                block.clear();
                for row in rows.clone() {
                    let event = (recorded[row], chunk.time[row], chunk.attributes[row]);
                    sources.frames_of(event, 2 * row as u32, &mut block, &mut counts);
                    let number = chunk.base + row as u32;
                    let stack = ends.recorded_stack(number);
                    if let Some(end) = ends.get(number).filter(|_| stack.is_recorded()) {
                        let free = (stack, end.time(), end.attributes());
                        sources.frames_of(free, 2 * row as u32 + 1, &mut block, &mut counts);
                    }
                }
                sources.join(&mut block, EventPosition::from(chunk.base) * 2, &mut worker);
                for &(place, number) in &block.joined {
                    let row = place / 2;
                    match ends.get(chunk.base + row) {
                        Some(end) if place % 2 == 1 => end.set_stack(number),
                        _ => stacks[row as usize] = number,
                    }
                }
            }
            chunk.stack = stacks;
            progress.advance_rows(chunk.len() as u64);
            Ok(counts)
        })
        .collect::<Result<_, Cancelled>>()?;
    let mut all = StackCounts::default();
    counts.iter().for_each(|counts| all.add(counts));
    let mut worker = worker(&workers).lock();
    worker.begin(UNRECORDED);
    let mut block = JoinBlock::default();
    for (rows, start) in events.unrecorded.chunks_mut(BLOCK).zip((0..).step_by(BLOCK)) {
        block.clear();
        for (row, place) in rows.iter().zip(0..) {
            sources.frames_of((row.recorded_stack, row.free_time, row.attributes), place, &mut block, &mut all);
        }
        sources.join(&mut block, UNRECORDED + start, &mut worker);
        for &(place, number) in &block.joined {
            rows[place as usize].stack = number;
        }
    }
    drop(worker);
    events.ends.leave_out_stacks();
    Ok(JoinedStacks { workers: workers.into_iter().map(Mutex::into_inner).collect(), counts: all })
}

/// The memory of the current worker.
fn worker<T>(workers: &[T]) -> &T {
    &workers[rayon::current_thread_index().unwrap_or(0) % workers.len()]
}

/// Number of allocations whose stacks are joined together: the lookups of one do not wait for those of another.
const BLOCK: usize = 64;
/// Position of the first free without an allocation, behind those of all rows.
const UNRECORDED: EventPosition = EventPosition::MAX / 2;

/// An event whose stack is joined.
#[derive(Clone, Copy, Debug)]
struct JoiningEvent {
    /// Place in the block.
    place: u32,
    /// [`UNCERTAIN`] or 0.
    mark: u32,
    kernel: u32,
    user: u32,
    time: Ticks,
    attributes: u32,
}

/// Events whose stacks are joined together.
#[derive(Debug, Default)]
struct JoinBlock {
    events: Vec<JoiningEvent>,
    stacks: Vec<JoinedStack>,
    /// Place of each event and the number of its stack.
    joined: Vec<(u32, u32)>,
}

impl JoinBlock {
    fn clear(&mut self) {
        self.events.clear();
        self.stacks.clear();
        self.joined.clear();
    }
}

impl StackSources<'_> {
    /// Adds the frames of an event to a block: recorded stack, time and attributes. Events without a stack are left out.
    #[inline]
    fn frames_of(
        &self,
        (stack, time, attributes): (RecordedStack, Ticks, u32),
        place: u32,
        block: &mut JoinBlock,
        counts: &mut StackCounts,
    ) {
        if !stack.is_recorded() {
            return;
        }
        let (kernel, is_first) = self.frames(&stack, 0, time, counts);
        let (user, is_second) = self.frames(&stack, 1, time, counts);
        let mark = if is_first || is_second { UNCERTAIN } else { 0 };
        counts.uncertain_events += u64::from(is_first || is_second);
        if kernel == NO_FRAMES && user == NO_FRAMES {
            block.joined.push((place, mark));
        } else {
            block.events.push(JoiningEvent { place, mark, kernel, user, time, attributes });
        }
    }

    /// Numbers the stacks of a block. `first` is the position of its place 0.
    fn join(&self, block: &mut JoinBlock, first: EventPosition, worker: &mut WorkerInterner<JoinedStack>) {
        let JoinBlock { events, stacks, joined } = block;
        stacks.extend(events.iter().map(|&JoiningEvent { kernel, user, time, attributes, .. }| {
            // The record of a kernel stack may hold the user-mode frames as well.
            let has_user_mode = user != NO_FRAMES || self.frame_lists.has_user_mode(kernel);
            let pid = if has_user_mode { self.attributes.pid(attributes) } else { NO_ID };
            let epochs = (self.modules.epoch(0, time), if has_user_mode { self.modules.epoch(pid, time) } else { 0 });
            JoinedStack { kernel, user, pid, epochs }
        }));
        let event = |at: usize| events.get(at).map_or((0, 0), |event| (event.place, event.mark));
        worker.intern_all(
            stacks,
            |at| first + EventPosition::from(event(at).0),
            |at, number| {
                let (place, mark) = event(at);
                joined.push((place, (number + 1) | mark));
            },
        );
    }

    /// Frame list of a part of a stack, and whether it may be that of another event, or is missing.
    #[inline(always)]
    fn frames(&self, stack: &RecordedStack, side: usize, event_time: Ticks, counts: &mut StackCounts) -> (u32, bool) {
        let part: PartNumber = stack.parts[side];
        if part == NO_PART {
            return (NO_FRAMES, false);
        }
        if part & INLINE != 0 {
            return (part & !INLINE, false);
        }
        let key = self.keys.get(part);
        if key.frames == NO_FRAMES {
            counts.unresolved += 1;
            counts.mismatched += u64::from(key.is_mismatched());
            return (NO_FRAMES, true);
        }
        let reference = || Ticks(event_time.0.saturating_add(stack.delays.ticks(side)));
        let may_be_other = !self.losses.is_empty() && self.losses.may_hide(reference(), key.defined);
        counts.resolved += 1;
        counts.uncertain += u64::from(may_be_other);
        (key.frames, may_be_other)
    }
}
