//! Counts and rare records that workers gather while they decode: they are joined once all buffers are decoded.

use super::buffer_span::BufferSpan;
use super::event::SystemRecord;
use crate::trace::time::Ticks;
use poolscope_base::guid::Guid;
use poolscope_etl::diagnostics::Diagnostics;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Hook ids below this are counted in an array.
const DENSE_HOOKS: usize = 0x2000;

/// Counts and records of one worker. None of them depends on the order of the buffers.
#[derive(Debug)]
pub struct WorkerTotals {
    hooks: Box<[u64; DENSE_HOOKS]>,
    odd_hooks: BTreeMap<u16, u64>,
    /// Numbers of records with a GUID header by provider.
    pub providers: FxHashMap<Guid, u64>,
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
    /// Stack records of pool events of the same buffer.
    pub matched_stacks: u64,
    /// Stack records of other events of the same buffer.
    pub unmatched_stacks: u64,
    /// Allocation events.
    pub pool_allocs: u64,
    /// Free events.
    pub pool_frees: u64,
    /// Times of the earliest and the latest pool event; the first is later than the second without one.
    pub pool_times: (Ticks, Ticks),
    /// Earliest time of a record other than the log-file header; [`Ticks::NEVER`] without one.
    pub first_time: Ticks,
    /// Latest time of a record of another provider than the kernel.
    pub last_other_time: Option<Ticks>,
    /// Decoded records that are neither pool events nor stack records.
    pub system_events: Vec<SystemRecord>,
    /// Data-quality issues.
    pub diagnostics: Diagnostics,
    /// Time ranges in which records are known to be missing or out of order.
    pub losses: Vec<(Ticks, Ticks)>,
    /// Kernel records of each buffer; for batches of another reader, of each CPU.
    pub spans: Vec<BufferSpan>,
}

impl Default for WorkerTotals {
    fn default() -> Self {
        Self {
            hooks: Box::new([0; DENSE_HOOKS]),
            odd_hooks: BTreeMap::new(),
            providers: FxHashMap::default(),
            records: 0,
            messages: 0,
            headers: 0,
            pool_rundown_records: 0,
            stack_records: 0,
            stack_definitions: 0,
            matched_stacks: 0,
            unmatched_stacks: 0,
            pool_allocs: 0,
            pool_frees: 0,
            pool_times: (Ticks::NEVER, Ticks::UNKNOWN),
            first_time: Ticks::NEVER,
            last_other_time: None,
            system_events: Vec::new(),
            diagnostics: Diagnostics::default(),
            losses: Vec::new(),
            spans: Vec::new(),
        }
    }
}

impl WorkerTotals {
    /// Counts a record with a kernel header.
    #[inline]
    pub fn count_hook(&mut self, hook: u16) {
        match self.hooks.get_mut(usize::from(hook)) {
            Some(count) => *count += 1,
            None => *self.odd_hooks.entry(hook).or_default() += 1,
        }
    }

    /// Notes the time of a record other than the log-file header.
    #[inline]
    pub fn note_time(&mut self, time: Ticks) {
        self.first_time = self.first_time.min(time);
    }

    /// Notes the times of the earliest and the latest of some pool events.
    pub fn note_pool_times(&mut self, first: Ticks, last: Ticks) {
        self.pool_times = (self.pool_times.0.min(first), self.pool_times.1.max(last));
    }
}

/// Counts and records of a whole trace.
#[derive(Debug, Default)]
pub struct TraceTotals {
    /// Numbers of records with a kernel header by hook id.
    pub hooks: BTreeMap<u16, u64>,
    /// Numbers of records with a GUID header by provider.
    pub providers: BTreeMap<Guid, u64>,
    /// See [`WorkerTotals::records`].
    pub records: u64,
    /// See [`WorkerTotals::messages`].
    pub messages: u64,
    /// See [`WorkerTotals::headers`].
    pub headers: u64,
    /// See [`WorkerTotals::pool_rundown_records`].
    pub pool_rundown_records: u64,
    /// See [`WorkerTotals::stack_records`].
    pub stack_records: u64,
    /// See [`WorkerTotals::stack_definitions`].
    pub stack_definitions: u64,
    /// See [`WorkerTotals::matched_stacks`].
    pub matched_stacks: u64,
    /// See [`WorkerTotals::unmatched_stacks`].
    pub unmatched_stacks: u64,
    /// See [`WorkerTotals::pool_allocs`].
    pub pool_allocs: u64,
    /// See [`WorkerTotals::pool_frees`].
    pub pool_frees: u64,
    /// Times of the earliest and the latest pool event.
    pub pool_times: Option<(Ticks, Ticks)>,
    /// Earliest time of a record other than the log-file header.
    pub first_time: Option<Ticks>,
    /// See [`WorkerTotals::last_other_time`].
    pub last_other_time: Option<Ticks>,
    /// See [`WorkerTotals::system_events`], in time order.
    pub system_events: Vec<SystemRecord>,
    /// Data-quality issues.
    pub diagnostics: Diagnostics,
    /// See [`WorkerTotals::losses`].
    pub losses: Vec<(Ticks, Ticks)>,
    /// See [`WorkerTotals::spans`], in file order.
    pub spans: Vec<BufferSpan>,
}

impl TraceTotals {
    /// Joins the counts and records of all workers.
    pub fn join(workers: impl Iterator<Item = WorkerTotals>) -> Self {
        let mut all = Self::default();
        for worker in workers {
            all.add(worker);
        }
        // Stable sorts: each worker has the records of one buffer in their order.
        all.spans.sort_by_key(|span| span.order);
        // Records of one tick stay in file order.
        all.system_events.sort_by_key(|record| (record.time, record.buffer));
        all
    }

    fn add(&mut self, worker: WorkerTotals) {
        let counted = (0..).zip(worker.hooks.iter().copied()).filter(|(_, count)| *count > 0);
        for (hook, count) in counted.chain(worker.odd_hooks) {
            *self.hooks.entry(hook).or_default() += count;
        }
        let mut providers: Vec<(Guid, u64)> = worker.providers.into_iter().collect();
        providers.sort_unstable();
        for (guid, count) in providers {
            *self.providers.entry(guid).or_default() += count;
        }
        self.records += worker.records;
        self.messages += worker.messages;
        self.headers += worker.headers;
        self.pool_rundown_records += worker.pool_rundown_records;
        self.stack_records += worker.stack_records;
        self.stack_definitions += worker.stack_definitions;
        self.matched_stacks += worker.matched_stacks;
        self.unmatched_stacks += worker.unmatched_stacks;
        self.pool_allocs += worker.pool_allocs;
        self.pool_frees += worker.pool_frees;
        let (first, last) = worker.pool_times;
        if first <= last {
            let known = self.pool_times.unwrap_or((first, last));
            self.pool_times = Some((known.0.min(first), known.1.max(last)));
        }
        if worker.first_time != Ticks::NEVER {
            self.first_time = Some(self.first_time.map_or(worker.first_time, |known| known.min(worker.first_time)));
        }
        self.last_other_time = self.last_other_time.max(worker.last_other_time);
        self.system_events.extend(worker.system_events);
        self.diagnostics.merge(&worker.diagnostics);
        self.losses.extend(worker.losses);
        self.spans.extend(worker.spans);
    }
}
