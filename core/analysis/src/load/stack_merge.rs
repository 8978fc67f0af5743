//! The stacks of pool events while events are merged by time: recorded keys and frames become uses of keys and frame lists.
//!
//! Stack records without a known event in their own buffer are kept if a pool event may have their time, and else only counted:
//! in a trace with CPU samples, most are those of samples.

use super::decode::DecodedBuffer;
use super::event::EventRun;
use super::frame_lists::FrameLists;
use super::stack_keys::{KeyCache, KeyUses, StackKeys};
use super::stack_part::{INLINE, KeyPart, PartNumber, PendingContent, PendingStack, StackKeyDefinition};
use crate::trace::time::Ticks;
use parking_lot::Mutex;
use poolscope_base::progress::{CancelToken, Cancelled};
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// A stack record whose event is searched when all events are known.
#[derive(Clone, Copy, Debug)]
pub struct LateStack {
    /// Time of the event.
    pub event_time: Ticks,
    /// Time of the stack record.
    pub record_time: Ticks,
    /// Position of its buffer in the order of the file.
    pub order: u32,
    /// Thread of the event.
    pub thread: u32,
    /// Process of the event.
    pub pid: u32,
    /// The part.
    pub part: PartNumber,
    /// True if it is a kernel stack.
    pub is_kernel: bool,
}

/// A reference at or after the end of the merge in which its event was merged.
#[derive(Clone, Copy, Debug)]
struct PostponedReference {
    reserved: u32,
    key: u64,
    is_kernel: bool,
    time: Ticks,
}

/// A worker's memory for looking up stacks.
#[derive(Debug, Default)]
struct StackWorker {
    keys: KeyCache,
    postponed: Vec<PostponedReference>,
    late: Vec<LateStack>,
    unmatched: u64,
}

/// Looks up the stacks of pool events, merge by merge.
#[derive(Debug)]
pub struct StackMerger {
    keys: StackKeys,
    workers: Vec<Mutex<StackWorker>>,
    filters: Vec<TimeFilter>,
    postponed: Vec<PostponedReference>,
}

/// The uses of stack keys by all pool events.
#[derive(Debug)]
pub struct MergedStacks {
    /// Uses of stack keys.
    pub keys: KeyUses,
    /// Stack records whose events are yet to be found, by event time and record time.
    pub late: Vec<LateStack>,
    /// Number of stack records that no pool event has.
    pub unmatched: u64,
}

impl StackMerger {
    /// A merger for a number of workers.
    pub fn new(workers: usize) -> Self {
        Self {
            keys: StackKeys::default(),
            workers: (0..workers).map(|_| Mutex::default()).collect(),
            filters: Vec::new(),
            postponed: Vec::new(),
        }
    }

    /// Looks up the stacks of all events before `until` that are not merged yet. `from` is the end of the merge before.
    pub fn merge(
        &mut self,
        buffers: &mut [DecodedBuffer],
        (from, until): (Ticks, Ticks),
        lists: &FrameLists,
        cancel: &CancelToken,
    ) -> Result<(), Cancelled> {
        let mut definitions: Vec<&mut Vec<StackKeyDefinition>> =
            buffers.iter_mut().map(|buffer| &mut buffer.definitions).collect();
        self.keys.begin(&mut definitions, until, cancel)?;
        let events = |run: &EventRun| run.first_at(run.merged, until) - run.merged;
        let count: usize = buffers.iter().flat_map(|buffer| &buffer.runs).map(events).sum();
        // Without many pending records, the filter costs more than to search the events of all of them.
        let pending: usize = buffers.iter().map(|buffer| buffer.pending.len()).sum();
        let filter = TimeFilter::new(from, until, if pending * FILTER_SHARE < count { None } else { Some(count) });
        let merge = StackMerge { keys: &self.keys, filters: &self.filters, lists, until };
        let workers = &self.workers;
        buffers.par_iter_mut().with_max_len(1).try_for_each(|buffer| {
            cancel.check()?;
            with_worker(workers, |worker| merge.look_up_events(buffer, &filter, worker));
            Ok(())
        })?;
        buffers.par_iter_mut().filter(|buffer| !buffer.pending.is_empty()).try_for_each(|buffer| {
            cancel.check()?;
            with_worker(workers, |worker| merge.sift_pending(buffer, &filter, worker));
            Ok(())
        })?;
        let (due, later) = std::mem::take(&mut self.postponed).into_iter().partition(|late| late.time < until);
        let due: Vec<PostponedReference> = due;
        let mut cache = KeyCache::default();
        let refer = |late: &PostponedReference| {
            (late.reserved, self.keys.refer(&mut cache, late.key, late.is_kernel, late.time))
        };
        let stood_for: Vec<(u32, u32)> = due.iter().map(refer).collect();
        let frames: Vec<&[u64]> = buffers.iter().map(|buffer| buffer.frames.as_slice()).collect();
        self.keys.end(&frames, &stood_for, lists, cancel)?;
        self.postponed = later;
        for worker in &mut self.workers {
            self.postponed.append(&mut worker.get_mut().postponed);
        }
        self.filters.push(filter);
        Ok(())
    }

    /// Bytes that grow with the trace: uses of keys, and stack records whose events are searched at the end.
    pub fn bytes(&mut self) -> usize {
        let late = |worker: &mut Mutex<StackWorker>| size_of_val(worker.get_mut().late.as_slice());
        self.keys.bytes() + self.workers.iter_mut().map(late).sum::<usize>()
    }

    /// Ends the merges.
    pub fn finish(self) -> MergedStacks {
        let mut merged = MergedStacks { keys: self.keys.finish(), late: Vec::new(), unmatched: 0 };
        let mut late = Vec::with_capacity(self.workers.len());
        for worker in self.workers {
            let worker = worker.into_inner();
            late.push(worker.late);
            merged.unmatched += worker.unmatched;
        }
        merged.late = late.concat();
        // Records of one buffer are in their order: each worker has all of a buffer in one merge, and merges follow each other.
        merged.late.par_sort_by_key(|late| (late.event_time, late.record_time, late.order));
        merged
    }
}

/// Runs `work` with the memory of the current worker.
fn with_worker<T, R>(workers: &[Mutex<T>], work: impl FnOnce(&mut T) -> R) -> R {
    let number = rayon::current_thread_index().unwrap_or(0) % workers.len();
    work(&mut workers[number].lock())
}

/// What the lookup needs besides the events of a buffer.
struct StackMerge<'a> {
    keys: &'a StackKeys,
    filters: &'a [TimeFilter],
    lists: &'a FrameLists,
    until: Ticks,
}

impl StackMerge<'_> {
    /// Looks up the stacks of the events of a buffer, and notes the times of the events.
    fn look_up_events(&self, buffer: &mut DecodedBuffer, filter: &TimeFilter, worker: &mut StackWorker) {
        for run in buffer.runs.iter().filter(|_| !filter.bits.is_empty()) {
            let end = run.first_at(run.merged, self.until);
            let events = run.events.get(run.merged..end).unwrap_or_default();
            events.iter().for_each(|event| filter.insert(run.time(event)));
        }
        let DecodedBuffer { runs, parts, .. } = buffer;
        parts.retain(|part| !self.look_up(part, runs, worker));
    }

    /// Looks up a key of the stack of an event; `false` if the event is not before the end of the merge.
    #[inline]
    fn look_up(&self, part: &KeyPart, runs: &mut [EventRun], worker: &mut StackWorker) -> bool {
        let mut at = part.event as usize;
        for run in runs {
            let Some(event) = run.events.get(at) else {
                at -= run.events.len();
                continue;
            };
            let event_time = run.time(event);
            if event_time >= self.until {
                return false;
            }
            let number = self.key_use(part.key, part.is_kernel, part.time.max(event_time), worker);
            if let Some(stack) = run.stacks.get_mut(at) {
                stack.parts[part.side as usize] = number;
            }
            break;
        }
        true
    }

    /// The use of a key that a reference at `time` means.
    #[inline]
    fn key_use(&self, key: u64, is_kernel: bool, time: Ticks, worker: &mut StackWorker) -> PartNumber {
        if time < self.until {
            return self.keys.refer(&mut worker.keys, key, is_kernel, time);
        }
        // Definitions between the end of the merge and the reference are not known yet.
        let reserved = self.keys.reserve(key);
        worker.postponed.push(PostponedReference { reserved, key, is_kernel, time });
        reserved
    }

    /// Takes the pending stack records of a buffer before the end of the merge: keeps those that a pool event may have.
    fn sift_pending(&self, buffer: &mut DecodedBuffer, filter: &TimeFilter, worker: &mut StackWorker) {
        let (order, frames) = (buffer.order, &buffer.frames);
        for stack in buffer.pending.extract_if(.., |stack| stack.record_time < self.until) {
            if !self.may_have_event(&stack, filter) {
                worker.unmatched += 1;
                continue;
            }
            let PendingStack { event_time, record_time, thread, pid, content, is_kernel } = stack;
            let part = match content {
                PendingContent::Key(key) => self.key_use(key, is_kernel, record_time.max(event_time), worker),
                PendingContent::Frames(range) => INLINE | range.list(frames, self.lists),
            };
            worker.late.push(LateStack { event_time, record_time, order, thread, pid, part, is_kernel });
        }
    }

    /// Returns `false` if no pool event has the time of a stack's event.
    fn may_have_event(&self, stack: &PendingStack, filter: &TimeFilter) -> bool {
        let time = stack.event_time;
        if time >= filter.from {
            return filter.may_contain(time);
        }
        let at = self.filters.partition_point(|filter| filter.until <= time);
        self.filters.get(at).is_some_and(|filter| filter.may_contain(time))
    }
}

/// Number of events for each pending stack record from which on the times of the events are not noted.
const FILTER_SHARE: usize = 16;

/// The times of the pool events of one merge, as a set that may contain more: two bytes for each event. With no bits, it may
/// contain any time.
#[derive(Debug)]
struct TimeFilter {
    from: Ticks,
    until: Ticks,
    bits: Vec<AtomicU64>,
}

impl TimeFilter {
    fn new(from: Ticks, until: Ticks, events: Option<usize>) -> Self {
        let words = events.map_or(0, |events| (events / 4).next_power_of_two());
        Self { from, until, bits: (0..words).map(|_| AtomicU64::new(0)).collect() }
    }

    #[inline]
    fn bit(&self, time: Ticks) -> (usize, u64) {
        let hash = (time.0 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        ((hash >> 6) as usize & self.bits.len().wrapping_sub(1), 1 << (hash & 63))
    }

    #[inline]
    fn insert(&self, time: Ticks) {
        let (word, bit) = self.bit(time);
        if let Some(word) = self.bits.get(word)
            && word.load(Ordering::Relaxed) & bit == 0
        {
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }

    /// Returns `false` if no event has this time. Times after the merge are not known.
    #[inline]
    fn may_contain(&self, time: Ticks) -> bool {
        let (word, bit) = self.bit(time);
        time >= self.until || self.bits.get(word).is_none_or(|word| word.load(Ordering::Relaxed) & bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_rejects_most_other_times() {
        let filter = TimeFilter::new(Ticks(0), Ticks(1_000_000), Some(10_000));
        (0..10_000).for_each(|at| filter.insert(Ticks(at * 97)));
        assert!((0..10_000).all(|at| filter.may_contain(Ticks(at * 97))));
        let wrong = (0..10_000).filter(|at| filter.may_contain(Ticks(at * 97 + 5))).count();
        assert!(wrong < 1_500, "{wrong} of 10,000");
        assert!(filter.may_contain(Ticks(1_000_000)), "not merged yet");
        assert!(!TimeFilter::new(Ticks(0), Ticks(9), Some(0)).may_contain(Ticks(5)), "no event");
        assert!(TimeFilter::new(Ticks(0), Ticks(9), None).may_contain(Ticks(5)), "not noted");
    }
}
