//! The pipeline of a load: workers decode batches of buffers in the order of their first times, and what is complete then is merged
//! and paired, so that the events of a whole file are never held at once.

use super::LoadError;
use super::LoadOptions;
use super::StackScope;
use super::assemble::MergedTrace;
use super::decode::{DecodeWorker, DecodedBuffer};
use super::frame_lists::FrameLists;
use super::interner::InternedValues;
use super::memory_limit::{ReadShare, keep_within};
use super::merge::EventMerger;
use super::parts::PartCounts;
use super::read_order::{BufferRun, ReadOrder};
use super::stack_merge::StackMerger;
use super::totals::TraceTotals;
use crate::trace::time::Ticks;
use parking_lot::Mutex;
use poolscope_base::progress::{CancelToken, Cancelled, Progress};
use poolscope_etl::file::{OpenError, TraceFile};
use rayon::prelude::*;

/// Upper bound on the number of pool events: a row, a flag and two special values fit 32 bits.
pub const MAX_EVENTS: u64 = (u32::MAX >> 1) as u64;

/// Decodes and merges all buffers of a file.
///
/// # Errors
/// The file cannot be read, has too many events, or the load was canceled.
pub fn load_buffers(
    file: &TraceFile,
    options: LoadOptions,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<MergedTrace, LoadError> {
    for is_ordered in [true, false] {
        progress.restart();
        let mut order = ReadOrder::new(file, is_ordered);
        let mut pipeline = Pipeline::new(options);
        if file.parts.len() > 1 {
            pipeline.parts.resize_with(file.parts.len(), Mutex::default);
        }
        let is_complete = pipeline.run(file, &mut order, progress, cancel)?;
        if is_complete {
            return pipeline.finish();
        }
        // A buffer has much earlier records than its first ones: the clock went back. All is decoded before anything is merged.
    }
    Err(Cancelled.into())
}

/// The state of a load between batches.
pub struct Pipeline {
    options: LoadOptions,
    workers: Vec<Mutex<DecodeWorker>>,
    frame_lists: FrameLists,
    /// Decoded buffers with something that is not merged, in the order of the file.
    waiting: Vec<DecodedBuffer>,
    /// Memory of merged buffers.
    spare: Mutex<Vec<DecodedBuffer>>,
    events: EventMerger,
    stacks: Option<StackMerger>,
    /// Time before which everything is merged.
    merged: Ticks,
    /// Counts of each file; empty for a trace in one file.
    parts: Vec<Mutex<PartCounts>>,
}

impl Pipeline {
    /// A pipeline on the current rayon pool.
    pub fn new(options: LoadOptions) -> Self {
        let workers = rayon::current_num_threads();
        let with_stacks = options.stacks != StackScope::None;
        Self {
            options,
            workers: (0..workers).map(|worker| Mutex::new(DecodeWorker::new(worker, workers))).collect(),
            frame_lists: FrameLists::default(),
            waiting: Vec::new(),
            spare: Mutex::default(),
            events: EventMerger::new(with_stacks, options.free_order),
            stacks: with_stacks.then(|| StackMerger::new(workers)),
            merged: Ticks::UNKNOWN,
            parts: Vec::new(),
        }
    }

    /// Decodes and merges a whole file; `false` if a record came too late to be merged.
    fn run(
        &mut self,
        file: &TraceFile,
        order: &mut ReadOrder,
        progress: &Progress,
        cancel: &CancelToken,
    ) -> Result<bool, LoadError> {
        let mut share = ReadShare { done: 0, total: file.file_bytes() };
        while let Some(batch) = order.next(file, self.workers.len(), self.stacks.is_some()) {
            let decode = |order: u32| {
                cancel.check()?;
                let Some(buffer) = file.layout.buffers.get(order as usize) else { return Ok(DecodedBuffer::default()) };
                let (lists, options) = (&self.frame_lists, self.options);
                let spare = self.spare.lock().pop().unwrap_or_default();
                let decode = |worker: &mut DecodeWorker| worker.decode(file, (order, buffer), lists, options, spare);
                let decoded = match file.parts.iter().position(|part| part.buffers.contains(&(order as usize))) {
                    Some(part) if !self.parts.is_empty() => {
                        let counted = |worker: &mut DecodeWorker| count_part(worker, &self.parts[part], decode);
                        with_worker(&self.workers, counted)?
                    }
                    _ => with_worker(&self.workers, decode)?,
                };
                progress.advance(u64::from(buffer.present_bytes), decoded.records);
                Ok(decoded)
            };
            let decode_run = |run: BufferRun| {
                with_worker(&self.workers, |worker| worker.read_ahead(file, run.bytes))?;
                run.orders.map(decode).collect::<Result<Vec<_>, LoadError>>()
            };
            let runs = batch.runs(&file.layout.buffers).into_par_iter().with_max_len(1);
            let decoded: Vec<Vec<DecodedBuffer>> = runs.map(decode_run).collect::<Result<_, LoadError>>()?;
            let decoded: Vec<DecodedBuffer> = decoded.into_iter().flatten().collect();
            if decoded.iter().any(|buffer| buffer.earliest() < self.merged) {
                return Ok(false);
            }
            let until = batch.until;
            let of_buffer = |&(_, order): &(Ticks, u32)| file.layout.buffers.get(order as usize);
            let bytes = batch.buffers.iter().filter_map(of_buffer).map(|buffer| u64::from(buffer.present_bytes));
            share.done += bytes.sum::<u64>();
            self.waiting.extend(decoded);
            self.merge(until, cancel)?;
            if let Some(limit) = self.options.memory_limit_bytes {
                let stack_bytes = self.stacks.as_mut().map_or(0, StackMerger::bytes) as u64;
                keep_within(limit, &mut self.events, stack_bytes, share)?;
            }
        }
        Ok(true)
    }

    /// Decodes a batch of records of another reader.
    pub fn decode_batches(
        &mut self,
        first: u32,
        batches: &[super::record_source::Batch],
        time_zero: i64,
        cancel: &CancelToken,
    ) -> Result<(), LoadError> {
        let decode = |(order, batch): (u32, &super::record_source::Batch)| {
            cancel.check()?;
            let (lists, options) = (&self.frame_lists, self.options);
            Ok(with_worker(&self.workers, |worker| worker.decode_batch(batch, order, lists, time_zero, options)))
        };
        let orders = (first..).take(batches.len()).collect::<Vec<u32>>();
        let decoded: Vec<DecodedBuffer> =
            orders.into_par_iter().zip(batches).with_max_len(1).map(decode).collect::<Result<_, Cancelled>>()?;
        self.waiting.extend(decoded);
        Ok(())
    }

    /// Merges everything before a time.
    pub fn merge(&mut self, until: Ticks, cancel: &CancelToken) -> Result<(), LoadError> {
        self.check_events()?;
        // Merging keeps the order of the file in each tick.
        self.waiting.sort_by_key(|buffer| buffer.order);
        let workers: Vec<_> = self.workers.iter().map(Mutex::lock).collect();
        let attributes = InternedValues::new(workers.iter().map(|worker| &worker.attributes).collect());
        if let Some(stacks) = &mut self.stacks {
            stacks.merge(&mut self.waiting, (self.merged, until), &self.frame_lists, cancel)?;
        }
        self.events.merge(&mut self.waiting, until, &attributes, cancel)?;
        drop(workers);
        self.merged = until;
        for mut buffer in self.waiting.extract_if(.., |buffer| buffer.is_merged()) {
            buffer.clear();
            self.spare.get_mut().push(buffer);
        }
        Ok(())
    }

    /// Fails if there are more events than rows can be numbered.
    fn check_events(&mut self) -> Result<(), LoadError> {
        let (mut events, mut is_full) = (0, false);
        for worker in &mut self.workers {
            let worker = worker.get_mut();
            events += worker.totals.pool_allocs + worker.totals.pool_frees;
            is_full |= worker.attributes.is_full;
        }
        if events > MAX_EVENTS || is_full {
            return Err(LoadError::TooLarge { events, limit: MAX_EVENTS });
        }
        Ok(())
    }

    /// Ends the pipeline when all is merged.
    pub fn finish(self) -> Result<MergedTrace, LoadError> {
        let mut totals = Vec::with_capacity(self.workers.len());
        let mut attributes = Vec::with_capacity(self.workers.len());
        for worker in self.workers {
            let worker = worker.into_inner();
            totals.push(worker.totals);
            attributes.push(worker.attributes);
        }
        Ok(MergedTrace {
            events: self.events.finish(),
            stacks: self.stacks.map(StackMerger::finish),
            attributes,
            frame_lists: self.frame_lists,
            totals: TraceTotals::join(totals.into_iter()),
            parts: self.parts.into_iter().map(Mutex::into_inner).collect(),
        })
    }
}

/// Decodes a buffer and counts its records and its data-quality issues as those of its file, too.
fn count_part(
    worker: &mut DecodeWorker,
    part: &Mutex<PartCounts>,
    decode: impl FnOnce(&mut DecodeWorker) -> Result<DecodedBuffer, OpenError>,
) -> Result<DecodedBuffer, OpenError> {
    let before = std::mem::take(&mut worker.totals.diagnostics);
    let decoded = decode(worker)?;
    part.lock().add(decoded.records, &worker.totals.diagnostics);
    worker.totals.diagnostics.merge(&before);
    Ok(decoded)
}

/// Runs `work` with the memory of the current worker.
fn with_worker<R>(workers: &[Mutex<DecodeWorker>], work: impl FnOnce(&mut DecodeWorker) -> R) -> R {
    let number = rayon::current_thread_index().unwrap_or(0) % workers.len();
    work(&mut workers[number].lock())
}
