//! The engine: time, what is due, and the order of events. Time never goes backwards, so every per-CPU buffer is
//! sorted and the order of generation is the order of timestamps.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::io::{Seek, Write};

use rustc_hash::FxHashMap;

use super::entities::{Entities, StackId};
use super::stack_records::PendingStack;
use super::leak_shapes::LeakState;
use super::stack_cache::StackCache;
use super::addresses::PoolAddressSpace;
use super::{HeaderStyle, EngineResult, SynthParams};
use crate::SynthError;
use crate::rng::Rng;
use crate::ground_truth::EventLog;
use crate::writer::{EventTraceHeader, RecordHeader, KernelHeaderForm, KernelHeader, TraceWriter, Width, guids};

/// Something that happens at a tick; ties keep the order of planning.
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

/// A process starts (by index) or, of those that come and go, ends (by number).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ProcessChange {
    Start(usize),
    End(usize),
}

/// A block that lives.
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

/// The system's own counters of one tag in one session (or none).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TagCounters {
    pub allocs: u64,
    pub frees: u64,
    pub bytes: u64,
}

#[derive(Default)]
pub(super) struct TagState {
    /// By session: none first, then session 0, 1, …
    pub counters: Vec<TagCounters>,
    /// As they were at the first snapshot.
    pub at_start: Vec<TagCounters>,
    /// Blocks of a cache, oldest first.
    pub held: VecDeque<LiveBlock>,
}

/// From which share of the duration on which cumulative weights hold.
struct TagWeights {
    until: f64,
    weights: Vec<f64>,
}

/// An output by its table of methods: one write per buffer costs nothing, and the engine is compiled once.
pub(super) trait Output: Write + Seek {}
impl<T: Write + Seek> Output for T {}

pub(super) struct Engine<'a> {
    pub params: &'a SynthParams,
    pub cast: Entities,
    pub rng: Rng,
    pub writer: TraceWriter<&'a mut dyn Output>,
    pub log: Option<EventLog>,
    pub now: i64,
    /// Tick of the latest record that names no thread.
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
    seasons: Vec<TagWeights>,
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
        cast: Entities,
        rng: Rng,
        log: Option<EventLog>,
    ) -> Result<Self, SynthError> {
        let options = params.options();
        let ticks_per_second = options.ticks_per_second();
        let start = options.start_ticks;
        let duration = (params.duration_s * ticks_per_second as f64) as i64;
        let capacity = params.key_cache as usize;
        let threads = (0..cast.threads.len())
            .map(|index| ThreadState { cpu: (index % usize::from(params.cpus)) as u16, last: start });
        let changing = Self::changes(&cast, start, duration);
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
            tags: cast.tags.iter().map(|_| TagState::default()).collect(),
            space: PoolAddressSpace::new(params.width),
            caches: [false, true].map(|user| StackCache::new(params.width, user, capacity)),
            big: BTreeMap::new(),
            combined: FxHashMap::default(),
            scratch: Vec::new(),
            seasons: seasons(&cast),
            pending_stacks: BinaryHeap::new(),
            pending_frees: BinaryHeap::new(),
            leaks: LeakState::default(),
            process_changes: changing.into(),
            order: 0,
            cast,
        })
    }

    /// Plays the whole scenario and ends the file.
    pub fn run(mut self) -> Result<EngineResult, SynthError> {
        self.plan_preexisting()?;
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
            self.lockstep()?;
            self.noise()?;
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

    /// Lets everything happen that is due until `until`, then sets the time.
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
            self.change(change)?;
        }
        Ok(())
    }

    pub fn schedule_stack(&mut self, at: i64, half: PendingStack) {
        self.order += 1;
        self.pending_stacks.push(Reverse(Scheduled { at, order: self.order, what: half }));
    }

    pub fn schedule_free(&mut self, at: i64, live: LiveBlock) {
        if at <= self.end {
            self.order += 1;
            self.pending_frees.push(Reverse(Scheduled { at, order: self.order, what: live }));
        }
    }

    /// Ticks of so many microseconds, at least one.
    pub fn micros(&self, micros: u64) -> i64 {
        let ticks = u128::from(micros) * u128::from(self.ticks_per_second) / 1_000_000;
        i64::try_from(ticks).unwrap_or(i64::MAX).max(1)
    }

    /// A tag by weight, of those that allocate now.
    pub fn draw_tag(&mut self) -> usize {
        let share = (self.now - self.start) as f64 / (self.end - self.start).max(1) as f64;
        let season = self.seasons.partition_point(|season| season.until <= share).min(self.seasons.len() - 1);
        let weights = &self.seasons[season].weights;
        let total = weights.last().copied().unwrap_or_default();
        let drawn = self.rng.unit() * total;
        weights.partition_point(|sum| *sum <= drawn).min(weights.len() - 1)
    }

    /// The time at which `thread` can log an event, and its CPU. One thread never logs two events in one tick, and,
    /// unless ticks are shared, no event one that holds a record without a thread.
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

    /// Notes that a record without a thread is written now.
    pub fn claim_tick(&mut self) {
        if !self.params.shared_ticks {
            self.last_threadless = self.now;
        }
    }

    /// Writes the payload in `scratch` as a kernel event at the present time, headed as the parameters say.
    /// `owner` is process and thread.
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

    /// The header form of pool events.
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

/// A full header of level 0.
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

/// Cuts the duration where a tag begins or ceases to allocate.
fn seasons(cast: &Entities) -> Vec<TagWeights> {
    let mut cuts: Vec<f64> = cast.tags.iter().flat_map(|tag| [tag.window.0, tag.window.1]).collect();
    cuts.push(1.0);
    cuts.retain(|cut| *cut > 0.0);
    cuts.sort_by(f64::total_cmp);
    cuts.dedup();
    let season = |until: f64| {
        let mut sum = 0.0;
        let active = |(from, to): (f64, f64)| from < until && until <= to;
        let weigh = cast.tags.iter().map(|tag| {
            sum += if active(tag.window) { tag.weight } else { 0.0 };
            sum
        });
        TagWeights { until, weights: weigh.collect() }
    };
    cuts.into_iter().map(season).collect()
}
