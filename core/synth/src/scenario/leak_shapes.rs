//! Two patterns of real leaks. Handle leak: short-lived processes whose process, thread and token objects are leaked by a process
//! that does not close its handles. Lockstep: objects of several allocations under different tags, which are not freed.

use schemars::JsonSchema;
use serde::Serialize;

use super::SynthParams;
use super::engine::{Engine, LiveBlock, ProcessChange};
use super::entities::{
    AllocationPattern, Entities, HandleLeak, LeakedProcess, PoolClass, ProcessEntity, StackId, StackPath, TagEntity,
    ThreadEntity,
};
use crate::SynthError;
use crate::ground_truth::display_tag;
use crate::rng::Rng;
use crate::writer::{Width, process};

/// Tag, PoolType bits and accounting size of process, thread and token objects.
const OBJECTS: [([u8; 4], u32, u64); 3] = [(*b"Proc", 0x200, 0xB80), (*b"Thre", 0x200, 0x880), (*b"Toke", 0x1, 0x7D0)];
/// Offset from the block to the process object: the headers of the object manager.
const OBJECT_OFFSET: u64 = 0x80;
/// First process id of the short-lived processes.
const FIRST_CHILD_PID: u32 = 20_000;
/// Handles are closed to one of this many short-lived processes.
const CLOSED_OF: usize = 4;
/// Threads of each short-lived process.
const THREADS: usize = 2;
/// Lockstep objects per allocation of the scenario.
const LOCKSTEP_SHARE: f64 = 0.01;

/// Ground truth of the handle leak.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct HandleLeakTruth {
    /// Id of the process that starts the others, and so allocates their process objects.
    pub parent_pid: u32,
    /// Id of the process that leaks the handles.
    pub holder_pid: u32,
    /// Number of processes that ended and whose objects are outstanding.
    pub outstanding: u64,
    /// Number of processes that ended and whose objects were freed.
    pub closed: u64,
    /// Image name of the short-lived processes.
    pub image: String,
}

/// Ground truth of one lockstep tag.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct LockstepTagTruth {
    /// Tag as displayed.
    pub tag: String,
    /// Paged pool.
    pub paged: bool,
    /// Allocations per object.
    pub parts: u64,
    /// Outstanding allocations.
    pub outstanding: u64,
    /// Allocations of the same tag that are freed.
    pub transient: u64,
}

/// Adds the short-lived processes and the tags of their objects.
pub(super) fn add_handles(entities: &mut Entities, params: &SynthParams, functions: &[Vec<u64>], rng: &mut Rng) {
    if params.handle_leak == 0 || entities.processes.len() < 3 {
        return;
    }
    // Ordinary tags of these names would mix with the leak.
    for (at, tag) in entities.tags.iter_mut().enumerate().filter(|(_, tag)| OBJECTS.iter().any(|row| row.0 == tag.tag))
    {
        tag.tag = [b'z', b'o', b'0' + (at / 10 % 10) as u8, b'0' + (at % 10) as u8];
    }
    let parent = 1;
    let parent_threads: Vec<usize> =
        (0..entities.threads.len()).filter(|at| entities.threads[*at].process == parent).collect();
    let kernel: Vec<StackId> = (0..6).map(|_| system_stack(entities, functions, rng)).collect();
    let paths: Vec<StackPath> = kernel.iter().map(|kernel| StackPath { kernel: *kernel, user: None }).collect();
    // Addresses outside of all images: images at these addresses belong to other processes.
    let code = if params.width == Width::Bits64 { 0x0200_0000_1000 } else { 0x1000_1000 };
    let user = entities.stacks.len() as StackId;
    entities.stacks.push((0..5).map(|frame| code + 0x140 * frame).collect());
    let first = entities.tags.len();
    for (tag, pool_type, size) in OBJECTS {
        entities.tags.push(TagEntity {
            tag,
            pattern: AllocationPattern::Leak { leaked_share: 1.0, mean_s: 0.0 },
            weight: 0.0,
            window: (0.0, 1.0),
            pool: PoolClass { pool_type, session: false },
            sizes: vec![size],
            threads: parent_threads.clone(),
            alloc_stacks: paths.clone(),
            free_stacks: paths.clone(),
            preexisting: false,
        });
    }
    let mut handles =
        HandleLeak { tags: [first, first + 1, first + 2], parent: parent_threads[0], processes: Vec::new() };
    for number in 0..params.handle_leak as usize {
        let starts_at = 0.01 + 0.97 * rng.unit();
        let process = entities.processes.len();
        entities.processes.push(ProcessEntity {
            pid: FIRST_CHILD_PID + 4 * number as u32,
            parent: entities.processes[parent].pid,
            session: entities.processes[parent].session,
            image: "worker.exe".to_owned(),
            command_line: format!("worker.exe --job {number}"),
            starts_at,
            user_stacks: vec![user],
        });
        let thread = entities.threads.len();
        for at in 0..THREADS {
            entities.threads.push(ThreadEntity { tid: 400_000 + 4 * (number * THREADS + at) as u32, process });
        }
        let ends_at = starts_at + 0.002 + 0.01 * rng.unit();
        handles.processes.push(LeakedProcess {
            process,
            thread,
            ends_at,
            is_leaked: number % CLOSED_OF != CLOSED_OF - 1,
        });
    }
    entities.handles = Some(handles);
}

/// Adds the lockstep tags: the first is never freed, the last has two allocations per object.
pub(super) fn add_lockstep(entities: &mut Entities, params: &SynthParams, functions: &[Vec<u64>], rng: &mut Rng) {
    let threads: Vec<usize> = (0..entities.threads.len())
        .filter(|at| entities.processes[entities.threads[*at].process].starts_at == 0.0)
        .collect();
    for number in 0..params.lockstep_tags {
        let kernel = system_stack(entities, functions, rng);
        let paths = vec![StackPath { kernel, user: None }];
        entities.lockstep.push(entities.tags.len());
        entities.tags.push(TagEntity {
            tag: [b'L', b'k', b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8],
            pattern: AllocationPattern::Leak { leaked_share: 1.0, mean_s: params.duration_s / 200.0 },
            weight: 0.0,
            window: (0.0, 1.0),
            pool: PoolClass { pool_type: if number % 2 == 0 { 0x200 } else { 0x1 }, session: false },
            sizes: vec![0x40 + 0x30 * u64::from(number)],
            threads: threads.clone(),
            alloc_stacks: paths.clone(),
            free_stacks: paths,
            preexisting: false,
        });
    }
}

/// A kernel stack without a driver, innermost frame first, as for allocations by the kernel itself.
fn system_stack(entities: &mut Entities, functions: &[Vec<u64>], rng: &mut Rng) -> StackId {
    let nt = &functions[0];
    let mut frames = vec![nt[0] + 0x1B];
    frames.extend((0..4).map(|_| nt[4 + rng.index(nt.len() - 4)] + 0x13));
    frames.extend([nt[2] + 0x25, nt[3] + 0x8E]);
    entities.stacks.push(frames);
    entities.stacks.len() as StackId - 1
}

/// State of both leak patterns.
#[derive(Debug, Default)]
pub(super) struct LeakState {
    /// Blocks by number of the short-lived process.
    blocks: Vec<Vec<LiveBlock>>,
    /// Address of the process object by process.
    keys: std::collections::BTreeMap<usize, u64>,
    /// Processes that have ended.
    ended: std::collections::BTreeSet<usize>,
    truth: HandleLeakTruth,
    lockstep: Vec<LockstepTagTruth>,
}

impl LeakState {
    /// Address of a process object, if it is in a block of the trace.
    pub fn key(&self, process: usize) -> Option<u64> {
        self.keys.get(&process).copied()
    }

    /// Returns `true` if a process has ended.
    pub fn has_ended(&self, process: usize) -> bool {
        self.ended.contains(&process)
    }
}

impl Engine<'_> {
    /// Starts and ends of processes, in time order.
    pub fn process_changes_of(entities: &Entities, start: i64, duration: i64) -> Vec<(i64, ProcessChange)> {
        let at = |share: f64| start + (share * duration as f64) as i64;
        let late = entities.processes.iter().enumerate().filter(|(_, process)| process.starts_at > 0.0);
        let starts = late.map(|(index, process)| (at(process.starts_at), ProcessChange::Start(index)));
        let children = entities.handles.iter().flat_map(|handles| handles.processes.iter().enumerate());
        let ends = children.map(|(number, child)| (at(child.ends_at), ProcessChange::End(number)));
        let mut all: Vec<(i64, ProcessChange)> = starts.chain(ends).collect();
        all.sort_unstable();
        all
    }

    /// Writes the start or end of a process.
    pub fn apply_process_change(&mut self, change: ProcessChange) -> Result<(), SynthError> {
        match change {
            ProcessChange::Start(process) => {
                let handles = self.entities.handles.as_ref();
                let child = handles.and_then(|h| h.processes.iter().position(|child| child.process == process));
                match child {
                    Some(number) => self.start_short_lived(number),
                    None => self.start_process(process),
                }
            }
            ProcessChange::End(number) => self.end_short_lived(number),
        }
    }

    /// The parent allocates the process and thread objects, the process its token.
    fn start_short_lived(&mut self, number: usize) -> Result<(), SynthError> {
        let Some(handles) = &self.entities.handles else { return Ok(()) };
        let (tags, parent, child) = (handles.tags, handles.parent, handles.processes[number]);
        let process = self.allocate_object(tags[0], parent)?;
        self.leaks.keys.insert(child.process, process.address + OBJECT_OFFSET);
        let mut blocks = vec![process];
        self.start_process(child.process)?;
        for _ in 0..THREADS {
            blocks.push(self.allocate_object(tags[1], parent)?);
        }
        blocks.push(self.allocate_object(tags[2], child.thread)?);
        self.leaks.blocks.resize_with(self.leaks.blocks.len().max(number + 1), Vec::new);
        self.leaks.blocks[number] = blocks;
        Ok(())
    }

    fn end_short_lived(&mut self, number: usize) -> Result<(), SynthError> {
        let Some(handles) = &self.entities.handles else { return Ok(()) };
        let (child, parent) = (handles.processes[number], handles.parent);
        self.threads_of(child.process, process::HOOK_THREAD_END)?;
        self.process(process::HOOK_END, crate::writer::KernelHeaderForm::System, child.process)?;
        self.leaks.ended.insert(child.process);
        let truth = &mut self.leaks.truth;
        let of = |process: usize| self.entities.processes.get(process).map_or(0, |process| process.pid);
        (truth.parent_pid, truth.holder_pid) = (of(self.entities.threads[parent].process), of(2));
        truth.image.clone_from(&self.entities.processes[child.process].image);
        if child.is_leaked {
            truth.outstanding += 1;
            return Ok(());
        }
        truth.closed += 1;
        let blocks = self.leaks.blocks.get_mut(number).map(std::mem::take).unwrap_or_default();
        let soon = self.now + self.micros(700);
        blocks.into_iter().for_each(|live| self.schedule_free(soon, live));
        Ok(())
    }

    /// An allocation without a scheduled free.
    fn allocate_object(&mut self, tag: usize, thread: usize) -> Result<LiveBlock, SynthError> {
        let mut live = self.new_block(tag, thread)?;
        live.allocated = self.pool_event(&live, false, thread)?;
        self.update_counters(&live, false);
        Ok(live)
    }

    /// Occasionally allocates a lockstep object, and short-lived allocations of all lockstep tags but the first.
    pub fn allocate_lockstep(&mut self) -> Result<(), SynthError> {
        if self.entities.lockstep.is_empty() {
            return Ok(());
        }
        let tags = self.entities.lockstep.clone();
        if self.leaks.lockstep.is_empty() {
            self.leaks.lockstep =
                tags.iter().enumerate().map(|(at, tag)| self.lockstep_tag_truth(at, *tag, tags.len())).collect();
        }
        let is_object = self.rng.chance(LOCKSTEP_SHARE);
        let thread = self.draw_thread(tags[0]);
        for (at, tag) in tags.into_iter().enumerate() {
            if is_object {
                for _ in 0..self.leaks.lockstep[at].parts {
                    self.allocate_object(tag, thread)?;
                    self.leaks.lockstep[at].outstanding += 1;
                }
            }
            if at > 0 && self.rng.chance(LOCKSTEP_SHARE) {
                let live = self.allocate_object(tag, thread)?;
                let life = self.rng.lifetime((self.params.duration_s / 400.0 * self.ticks_per_second as f64) as u64);
                self.leaks.lockstep[at].transient += 1;
                self.schedule_free(self.now.saturating_add(i64::try_from(life).unwrap_or(i64::MAX)), live);
            }
        }
        Ok(())
    }

    fn lockstep_tag_truth(&self, at: usize, tag: usize, tags: usize) -> LockstepTagTruth {
        let of = &self.entities.tags[tag];
        let parts = if at > 1 && at + 1 == tags { 2 } else { 1 };
        LockstepTagTruth { tag: display_tag(of.tag), paged: of.pool.is_paged(), parts, outstanding: 0, transient: 0 }
    }

    /// Ground truth of both patterns.
    pub fn leak_ground_truth(&mut self) -> (Option<HandleLeakTruth>, Vec<LockstepTagTruth>) {
        let handles = self.entities.handles.is_some().then(|| std::mem::take(&mut self.leaks.truth));
        (handles, std::mem::take(&mut self.leaks.lockstep))
    }
}
