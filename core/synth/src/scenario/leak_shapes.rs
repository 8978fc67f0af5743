//! Two shapes of real leaks. Handles: processes start and end, and a third process that never closes its handles keeps their
//! process, thread and token objects. Lockstep: objects that consist of allocations under several tags, which nobody frees.

use serde::Serialize;

use super::SynthParams;
use super::entities::{
    AllocationPattern, Entities, LeakedProcess, HandleLeak, ProcessEntity, TagEntity, ThreadEntity, PoolClass, StackId, StackPath,
};
use super::engine::{ProcessChange, Engine, LiveBlock};
use crate::SynthError;
use crate::rng::Rng;
use crate::ground_truth::display_tag;
use crate::writer::{Width, process};

/// Accounting sizes of process, thread and token objects.
const OBJECTS: [([u8; 4], u32, u64); 3] = [(*b"Proc", 0x200, 0xB80), (*b"Thre", 0x200, 0x880), (*b"Toke", 0x1, 0x7D0)];
/// From the block's address to the process object: the headers of the object manager.
const OBJECT_OFFSET: u64 = 0x80;
/// The first number of the processes that come and go.
const FIRST_CHILD_PID: u32 = 20_000;
/// Of so many processes that come and go the handles to one are closed.
const CLOSED_OF: usize = 4;
/// Threads of each of them.
const THREADS: usize = 2;
/// Objects of the lockstep shape for each allocation of the scenario.
const LOCKSTEP_SHARE: f64 = 0.01;

/// What was planted of handles.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HandleLeakTruth {
    /// Number of the process that starts the others, and so allocates their process objects.
    pub parent_pid: u32,
    /// Number of the process that keeps the handles.
    pub holder_pid: u32,
    /// Processes that ended and whose objects stay.
    pub outstanding: u64,
    /// Processes that ended and whose objects were freed.
    pub freed: u64,
    /// Image name of the processes that come and go.
    pub image: String,
}

/// What was planted of one tag of the lockstep shape.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LockstepTagTruth {
    /// Tag as displayed.
    pub tag: String,
    /// Paged pool.
    pub paged: bool,
    /// Allocations in one object.
    pub allocations_per_object: u64,
    /// Allocations that stay.
    pub outstanding: u64,
    /// Allocations of the same tag that were freed or will be.
    pub transient: u64,
}

/// Adds the processes that come and go, and the tags of their objects.
pub(super) fn add_handles(cast: &mut Entities, params: &SynthParams, functions: &[Vec<u64>], rng: &mut Rng) {
    if params.handle_leak == 0 || cast.processes.len() < 3 {
        return;
    }
    // Ordinary tags of these names would hide what is planted.
    for (at, tag) in cast.tags.iter_mut().enumerate().filter(|(_, tag)| OBJECTS.iter().any(|row| row.0 == tag.tag)) {
        tag.tag = [b'z', b'o', b'0' + (at / 10 % 10) as u8, b'0' + (at % 10) as u8];
    }
    let parent = 1;
    let parent_threads: Vec<usize> = (0..cast.threads.len()).filter(|at| cast.threads[*at].process == parent).collect();
    let kernel: Vec<StackId> = (0..6).map(|_| system_stack(cast, functions, rng)).collect();
    let paths: Vec<StackPath> = kernel.iter().map(|kernel| StackPath { kernel: *kernel, user: None }).collect();
    // Code of no image: images of the same address belong to other processes.
    let code = if params.width == Width::Bits64 { 0x0200_0000_1000 } else { 0x1000_1000 };
    let user = cast.stacks.len() as StackId;
    cast.stacks.push((0..5).map(|frame| code + 0x140 * frame).collect());
    let first = cast.tags.len();
    for (tag, pool_type, size) in OBJECTS {
        cast.tags.push(TagEntity {
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
        HandleLeak { tags: [first, first + 1, first + 2], parent: parent_threads[0], children: Vec::new() };
    for number in 0..params.handle_leak as usize {
        let starts_at = 0.01 + 0.97 * rng.unit();
        let process = cast.processes.len();
        cast.processes.push(ProcessEntity {
            pid: FIRST_CHILD_PID + 4 * number as u32,
            parent: cast.processes[parent].pid,
            session: cast.processes[parent].session,
            image: "worker.exe".to_owned(),
            command_line: format!("worker.exe --job {number}"),
            starts_at,
            user_stacks: vec![user],
        });
        let thread = cast.threads.len();
        for at in 0..THREADS {
            cast.threads.push(ThreadEntity { tid: 400_000 + 4 * (number * THREADS + at) as u32, process });
        }
        let ends_at = starts_at + 0.002 + 0.01 * rng.unit();
        handles.children.push(LeakedProcess { process, thread, ends_at, is_leaked: number % CLOSED_OF != CLOSED_OF - 1 });
    }
    cast.handles = Some(handles);
}

/// Adds the tags of objects that have several parts: the first never frees, the last has two parts.
pub(super) fn add_lockstep(cast: &mut Entities, params: &SynthParams, functions: &[Vec<u64>], rng: &mut Rng) {
    let threads: Vec<usize> =
        (0..cast.threads.len()).filter(|at| cast.processes[cast.threads[*at].process].starts_at == 0.0).collect();
    for number in 0..params.lockstep_tags {
        let kernel = system_stack(cast, functions, rng);
        let paths = vec![StackPath { kernel, user: None }];
        cast.lockstep.push(cast.tags.len());
        cast.tags.push(TagEntity {
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

/// A kernel stack without any driver, innermost first: the system allocates its objects itself.
fn system_stack(cast: &mut Entities, functions: &[Vec<u64>], rng: &mut Rng) -> StackId {
    let nt = &functions[0];
    let mut frames = vec![nt[0] + 0x1B];
    frames.extend((0..4).map(|_| nt[4 + rng.index(nt.len() - 4)] + 0x13));
    frames.extend([nt[2] + 0x25, nt[3] + 0x8E]);
    cast.stacks.push(frames);
    cast.stacks.len() as StackId - 1
}

/// The objects of the processes that come and go, and what became of them.
#[derive(Debug, Default)]
pub(super) struct LeakState {
    /// By number of the child, its blocks.
    blocks: Vec<Vec<LiveBlock>>,
    /// By process, the address of its object.
    keys: std::collections::BTreeMap<usize, u64>,
    /// By process, whether it has ended.
    ended: std::collections::BTreeSet<usize>,
    truth: HandleLeakTruth,
    lockstep: Vec<LockstepTagTruth>,
}

impl LeakState {
    /// The address of a process object, if it lies in a block of the trace.
    pub fn key(&self, process: usize) -> Option<u64> {
        self.keys.get(&process).copied()
    }

    /// Whether a process has ended.
    pub fn has_ended(&self, process: usize) -> bool {
        self.ended.contains(&process)
    }
}

impl Engine<'_> {
    /// When processes start and end, in the order of time.
    pub fn changes(cast: &Entities, start: i64, duration: i64) -> Vec<(i64, ProcessChange)> {
        let at = |share: f64| start + (share * duration as f64) as i64;
        let late = cast.processes.iter().enumerate().filter(|(_, process)| process.starts_at > 0.0);
        let starts = late.map(|(index, process)| (at(process.starts_at), ProcessChange::Start(index)));
        let children = cast.handles.iter().flat_map(|handles| handles.children.iter().enumerate());
        let ends = children.map(|(number, child)| (at(child.ends_at), ProcessChange::End(number)));
        let mut all: Vec<(i64, ProcessChange)> = starts.chain(ends).collect();
        all.sort_unstable();
        all
    }

    /// A process starts or ends.
    pub fn change(&mut self, change: ProcessChange) -> Result<(), SynthError> {
        match change {
            ProcessChange::Start(process) => {
                let handles = self.cast.handles.as_ref();
                let child = handles.and_then(|h| h.children.iter().position(|child| child.process == process));
                match child {
                    Some(number) => self.begin_child(number),
                    None => self.start_process(process),
                }
            }
            ProcessChange::End(number) => self.end_child(number),
        }
    }

    /// The parent creates process and threads, the process makes its token.
    fn begin_child(&mut self, number: usize) -> Result<(), SynthError> {
        let Some(handles) = &self.cast.handles else { return Ok(()) };
        let (tags, parent, child) = (handles.tags, handles.parent, handles.children[number]);
        let process = self.object(tags[0], parent)?;
        self.leaks.keys.insert(child.process, process.address + OBJECT_OFFSET);
        let mut blocks = vec![process];
        self.start_process(child.process)?;
        for _ in 0..THREADS {
            blocks.push(self.object(tags[1], parent)?);
        }
        blocks.push(self.object(tags[2], child.thread)?);
        self.leaks.blocks.resize_with(self.leaks.blocks.len().max(number + 1), Vec::new);
        self.leaks.blocks[number] = blocks;
        Ok(())
    }

    fn end_child(&mut self, number: usize) -> Result<(), SynthError> {
        let Some(handles) = &self.cast.handles else { return Ok(()) };
        let (child, parent) = (handles.children[number], handles.parent);
        self.threads_of(child.process, process::HOOK_THREAD_END)?;
        self.process(process::HOOK_END, crate::writer::KernelHeaderForm::System, child.process)?;
        self.leaks.ended.insert(child.process);
        let truth = &mut self.leaks.truth;
        let of = |process: usize| self.cast.processes.get(process).map_or(0, |process| process.pid);
        (truth.parent_pid, truth.holder_pid) = (of(self.cast.threads[parent].process), of(2));
        truth.image.clone_from(&self.cast.processes[child.process].image);
        if child.is_leaked {
            truth.outstanding += 1;
            return Ok(());
        }
        truth.freed += 1;
        let blocks = self.leaks.blocks.get_mut(number).map(std::mem::take).unwrap_or_default();
        let soon = self.now + self.micros(700);
        blocks.into_iter().for_each(|live| self.schedule_free(soon, live));
        Ok(())
    }

    /// An allocation that is not planned to be freed.
    fn object(&mut self, tag: usize, thread: usize) -> Result<LiveBlock, SynthError> {
        let mut live = self.new_block(tag, thread)?;
        live.allocated = self.pool_event(&live, false, thread)?;
        self.count(&live, false);
        Ok(live)
    }

    /// Now and then an object with a part of each tag of the lockstep shape, and short-lived allocations of all but the first.
    pub fn lockstep(&mut self) -> Result<(), SynthError> {
        if self.cast.lockstep.is_empty() {
            return Ok(());
        }
        let tags = self.cast.lockstep.clone();
        if self.leaks.lockstep.is_empty() {
            self.leaks.lockstep = tags.iter().enumerate().map(|(at, tag)| self.planned(at, *tag, tags.len())).collect();
        }
        let is_object = self.rng.chance(LOCKSTEP_SHARE);
        let thread = self.draw_thread(tags[0]);
        for (at, tag) in tags.into_iter().enumerate() {
            if is_object {
                for _ in 0..self.leaks.lockstep[at].allocations_per_object {
                    self.object(tag, thread)?;
                    self.leaks.lockstep[at].outstanding += 1;
                }
            }
            if at > 0 && self.rng.chance(LOCKSTEP_SHARE) {
                let live = self.object(tag, thread)?;
                let life = self.rng.lifetime((self.params.duration_s / 400.0 * self.ticks_per_second as f64) as u64);
                self.leaks.lockstep[at].transient += 1;
                self.schedule_free(self.now.saturating_add(i64::try_from(life).unwrap_or(i64::MAX)), live);
            }
        }
        Ok(())
    }

    fn planned(&self, at: usize, tag: usize, tags: usize) -> LockstepTagTruth {
        let of = &self.cast.tags[tag];
        let parts = if at > 1 && at + 1 == tags { 2 } else { 1 };
        LockstepTagTruth { tag: display_tag(of.tag), paged: of.pool.is_paged(), allocations_per_object: parts, outstanding: 0, transient: 0 }
    }

    /// What was planted of both shapes.
    pub fn leak_ground_truth(&mut self) -> (Option<HandleLeakTruth>, Vec<LockstepTagTruth>) {
        let handles = self.cast.handles.is_some().then(|| std::mem::take(&mut self.leaks.truth));
        (handles, std::mem::take(&mut self.leaks.lockstep))
    }
}
