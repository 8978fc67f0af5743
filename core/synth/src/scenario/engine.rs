//! Event engine: the current time and the queues of scheduled events. Time never goes backwards, so events are generated in
//! timestamp order and every per-CPU buffer is sorted.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::io::{Seek, Write};

use rustc_hash::FxHashMap;

use super::addresses::PoolAddressSpace;
use super::entities::{Entities, StackId};
use super::leak_shapes::LeakState;
use super::stack_cache::StackCache;
use super::stack_records::PendingStack;
use super::{EngineResult, HeaderStyle, SynthParams};
use crate::SynthError;
use crate::ground_truth::EventLog;
use crate::rng::Rng;
use crate::writer::{EventTraceHeader, KernelHeader, KernelHeaderForm, RecordHeader, TraceWriter, Width, guids};

/// An event scheduled for a tick; ties keep the order of scheduling.
pub(super) struct Scheduled<T> {
    pub at: i64,
    order: u64,
    pub what: T,
}

impl<T> PartialEq for Scheduled<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl<T> Eq for Scheduled<T> {}
impl<T> PartialOrd for Scheduled<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Scheduled<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// Start of a process (by index) or end of a short-lived process (by its number in the handle leak).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ProcessChange {
    Start(usize),
    End(usize),
}

/// A live block.
#[derive(Debug, Clone, Copy)]
pub(super) struct LiveBlock {
    pub tag: u32,
    pub pool_type: u32,
    pub size: u64,
    pub address: u64,
    pub session: Option<u32>,
    pub allocated: i64,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ThreadState {
    pub cpu: u16,
    pub last: i64,
}

/// The kernel's counters of one tag in one session, or outside sessions.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TagCounters {
    pub allocs: u64,
    pub frees: u64,
    pub bytes: u64,
}

#[derive(Default)]
pub(super) struct TagState {
    /// Index 0 outside sessions, then session 0, 1, …
    pub counters: Vec<TagCounters>,
    /// Counters at the first rundown.
    pub at_start: Vec<TagCounters>,
    /// Live blocks of a plateau tag, oldest first.
    pub held: VecDeque<LiveBlock>,
}

/// Cumulative weights of the tags until a fraction of the duration.
struct TagWeights {
    until: f64,
    weights: Vec<f64>,
}

/// Output as a trait object, so that the engine is compiled once; the cost is one virtual call per buffer.
pub(super) trait Output: Write + Seek {}
impl<T: Write + Seek> Output for T {}

pub(super) struct Engine<'a> {
    pub params: &'a SynthParams,
    pub entities: Entities,
    pub rng: Rng,
    pub writer: TraceWriter<&'a mut dyn Output>,
    pub log: Option<EventLog>,
    pub now: i64,
    /// Tick of the latest record without a thread.
    pub last_threadless: i64,
    pub start: i64,
    pub end: i64,
    pub ticks_per_second: u64,
    pub threads: Vec<ThreadState>,
    pub tags: Vec<TagState>,
    pub space: PoolAddressSpace,
    pub caches: [StackCache; 2],
    pub big: BTreeMap<(Option<u32>, u64), LiveBlock>,
    pub combined: FxHashMap<(StackId, StackId), StackId>,
    pub scratch: Vec<u8>,
    tag_weights: Vec<TagWeights>,
    pending_stacks: BinaryHeap<Reverse<Scheduled<PendingStack>>>,
    pending_frees: BinaryHeap<Reverse<Scheduled<LiveBlock>>>,
    pub leaks: LeakState,
    process_changes: VecDeque<(i64, ProcessChange)>,
    order: u64,
}

impl<'a> Engine<'a> {
    pub fn new(
        out: &'a mut dyn Output,
        params: &'a SynthParams,
        entities: Entities,
        rng: Rng,
        log: Option<EventLog>,
    ) -> Result<Self, SynthError> {
        let options = params.options();
        let ticks_per_second = options.ticks_per_second();
        let start = options.start_ticks;
        let duration = (params.duration_s * ticks_per_second as f64) as i64;
        let capacity = params.key_cache as usize;
        let threads = (0..entities.threads.len())
            .map(|index| ThreadState { cpu: (index % usize::from(params.cpus)) as u16, last: start });
        let changing = Self::process_changes_of(&entities, start, duration);
        Ok(Self {
            params,
            rng,
            writer: TraceWriter::new(out, options)?,
            log,
            now: start + 1,
            last_threadless: start,
            start,
            end: start + duration,
            ticks_per_second,
            threads: threads.collect(),
            tags: entities.tags.iter().map(|_| TagState::default()).collect(),
            space: PoolAddressSpace::new(params.width),
            caches: [false, true].map(|user| StackCache::new(params.width, user, capacity)),
            big: BTreeMap::new(),
            combined: FxHashMap::default(),
            scratch: Vec::new(),
            tag_weights: tag_weights(&entities),
            pending_stacks: BinaryHeap::new(),
            pending_frees: BinaryHeap::new(),
            leaks: LeakState::default(),
            process_changes: changing.into(),
            order: 0,
            entities,
        })
    }

    /// Generates the whole scenario and finishes the file.
    pub fn run(mut self) -> Result<EngineResult, SynthError> {
        self.allocate_preexisting()?;
        self.start_rundown()?;
        let first = self.now;
        let span = (self.end - first).max(1) as u64;
        let count = self.params.allocations.max(1);
        let lose_every = count / (u64::from(self.params.lost_buffers) + 1);
        for index in 0..self.params.allocations {
            let step = span as f64 / count as f64;
            let nominal = first + ((index as f64 + self.rng.unit()) * step) as i64;
            self.advance_to(nominal)?;
            self.allocate()?;
            self.allocate_lockstep()?;
            self.write_noise()?;
            self.write_samples()?;
            let lost = self.params.lost_buffers > 0 && index > 0 && index % lose_every.max(1) == 0;
            if lost && index / lose_every.max(1) <= u64::from(self.params.lost_buffers) {
                let cpu = self.rng.index(usize::from(self.params.cpus)) as u16;
                self.writer.lose_buffer(cpu)?;
            }
        }
        self.advance_to(self.end)?;
        self.pending_frees.clear();
        self.advance_to(i64::MAX)?;
        self.end_rundown()?;
        let growth = self.snapshot_growth();
        let (handles, lockstep) = self.leak_ground_truth();
        let end_ticks = self.now;
        self.inject_configuration()?;
        let (_, written) = self.writer.finish_at(end_ticks)?;
        Ok(EngineResult { written, log: self.log, growth, handles, lockstep, end_ticks })
    }

    /// Processes all events scheduled until `until`, then sets the time.
    pub fn advance_to(&mut self, until: i64) -> Result<(), SynthError> {
        loop {
            let near = self.pending_stacks.peek().map_or(i64::MAX, |due| due.0.at);
            let far = self.pending_frees.peek().map_or(i64::MAX, |due| due.0.at);
            let next = near.min(far);
            if next > until || next == i64::MAX {
                break;
            }
            self.start_processes(next)?;
            self.now = self.now.max(next);
            if near <= far {
                if let Some(Reverse(due)) = self.pending_stacks.pop() {
                    self.write_stack(&due.what)?;
                }
            } else if let Some(Reverse(due)) = self.pending_frees.pop() {
                self.free(due.what)?;
            }
        }
        if until != i64::MAX {
            self.start_processes(until)?;
            self.now = self.now.max(until);
        }
        Ok(())
    }

    fn start_processes(&mut self, until: i64) -> Result<(), SynthError> {
        while let Some((at, change)) = self.process_changes.front().copied().filter(|(at, _)| *at <= until) {
            self.process_changes.pop_front();
            self.now = self.now.max(at);
            self.apply_process_change(change)?;
        }
        Ok(())
    }

    pub fn schedule_stack(&mut self, at: i64, pending: PendingStack) {
        self.order += 1;
        self.pending_stacks.push(Reverse(Scheduled { at, order: self.order, what: pending }));
    }

    pub fn schedule_free(&mut self, at: i64, live: LiveBlock) {
        if at <= self.end {
            self.order += 1;
            self.pending_frees.push(Reverse(Scheduled { at, order: self.order, what: live }));
        }
    }

    /// Converts microseconds to ticks, at least one.
    pub fn micros(&self, micros: u64) -> i64 {
        let ticks = u128::from(micros) * u128::from(self.ticks_per_second) / 1_000_000;
        i64::try_from(ticks).unwrap_or(i64::MAX).max(1)
    }

    /// Draws a tag by weight among those active now.
    pub fn draw_tag(&mut self) -> usize {
        let share = (self.now - self.start) as f64 / (self.end - self.start).max(1) as f64;
        let season = self.tag_weights.partition_point(|season| season.until <= share).min(self.tag_weights.len() - 1);
        let weights = &self.tag_weights[season].weights;
        let total = weights.last().copied().unwrap_or_default();
        let drawn = self.rng.unit() * total;
        weights.partition_point(|sum| *sum <= drawn).min(weights.len() - 1)
    }

    /// Next time at which `thread` can log an event, and its CPU. A thread logs at most one event per tick, and, unless ticks are
    /// shared, none in a tick with a record without a thread.
    pub fn tick_of(&mut self, thread: usize) -> (i64, u16) {
        if self.rng.chance(0.02) {
            self.threads[thread].cpu = self.rng.index(usize::from(self.params.cpus)) as u16;
        }
        let exact = self.params.headers == HeaderStyle::PerfInfo;
        let state = &mut self.threads[thread];
        self.now = self.now.max(state.last + 1).max(self.last_threadless + 1) + i64::from(exact);
        state.last = self.now;
        (self.now, state.cpu)
    }

    /// Records that a record without a thread is written at the current tick.
    pub fn claim_tick(&mut self) {
        if !self.params.shared_ticks {
            self.last_threadless = self.now;
        }
    }

    /// Writes the payload in `scratch` as a kernel event at the current time, with the header form of the parameters. `owner`:
    /// process and thread id.
    pub fn write_kernel_event(
        &mut self,
        cpu: u16,
        hook: u16,
        version: u8,
        form: KernelHeaderForm,
        owner: (u32, u32),
    ) -> Result<u64, SynthError> {
        let style = self.params.headers;
        let threaded = form != KernelHeaderForm::PerfInfo;
        let draw = if style == HeaderStyle::Mixed && threaded { self.rng.below(10) } else { 9 };
        let relogged = style == HeaderStyle::Guid || draw < 4;
        let counters: &[u64] = if draw == 4 { &[0x1111, 0x2222] } else { &[] };
        let width = self.params.width;
        let kernel = KernelHeader { counters, ..KernelHeader::new(form, width, hook, version, self.now, owner) };
        let head = match guids::of_hook(hook).filter(|_| relogged) {
            Some(guid) => RecordHeader::Full(full_head(width, guid, hook as u8, u16::from(version), self.now, owner)),
            None => RecordHeader::Kernel(kernel),
        };
        self.writer.put(cpu, &head, &self.scratch)
    }

    /// Header form of a pool event.
    pub fn pool_form(&mut self) -> KernelHeaderForm {
        match self.params.headers {
            HeaderStyle::Kernel | HeaderStyle::Guid => KernelHeaderForm::System,
            HeaderStyle::Compact => KernelHeaderForm::Compact,
            HeaderStyle::PerfInfo => KernelHeaderForm::PerfInfo,
            HeaderStyle::Mixed if self.rng.chance(0.3) => KernelHeaderForm::Compact,
            HeaderStyle::Mixed => KernelHeaderForm::System,
        }
    }
}

/// An EVENT_TRACE_HEADER of level 0.
pub(super) fn full_head(
    width: Width,
    guid: crate::writer::Guid,
    opcode: u8,
    version: u16,
    ticks: i64,
    owner: (u32, u32),
) -> EventTraceHeader {
    EventTraceHeader { width, guid, opcode, level: 0, version, ticks, pid: owner.0, tid: owner.1 }
}

/// Splits the duration where the set of active tags changes.
fn tag_weights(entities: &Entities) -> Vec<TagWeights> {
    let mut cuts: Vec<f64> = entities.tags.iter().flat_map(|tag| [tag.window.0, tag.window.1]).collect();
    cuts.push(1.0);
    cuts.retain(|cut| *cut > 0.0);
    cuts.sort_by(f64::total_cmp);
    cuts.dedup();
    let season = |until: f64| {
        let mut sum = 0.0;
        let active = |(from, to): (f64, f64)| from < until && until <= to;
        let weigh = entities.tags.iter().map(|tag| {
            sum += if active(tag.window) { tag.weight } else { 0.0 };
            sum
        });
        TagWeights { until, weights: weigh.collect() }
    };
    cuts.into_iter().map(season).collect()
}
