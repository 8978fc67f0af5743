//! Stack records that are matched with their pool events when all events are known: user stacks may come half a second after their
//! event, and one in twenty from another CPU. They belong to the event with their exact time and thread (etl-format 5.2).

use super::columns::{AllocationChunk, FreeEnd, IMPLIED, NOT_FREED};
use super::event::NUMBER;
use super::interner::{EventPosition, NO_ID, RawAttributes, WorkerInterner, WorkerNumbers};
use super::merge::MergedEvents;
use super::stack_merge::LateStack;
use super::stack_part::{NO_PART, RecordedStack};
use crate::trace::time::Ticks;
use poolscope_base::progress::{CancelToken, Cancelled};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::hint::black_box;

/// A pool event by its place in the merged events.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum EventPlace {
    /// Allocation event: chunk and row in it.
    Allocation(u32, u32),
    /// Free event of a recorded allocation, by the row of that.
    Free(u32),
    /// Free event of an allocation that was not recorded.
    UnmatchedFree(u32),
}

/// A pool event that has the time of a late stack record.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    time: Ticks,
    place: EventPlace,
    thread: u32,
}

/// Numbers of late stack records.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LateCounts {
    /// Those of pool events.
    pub matched: u64,
    /// The others.
    pub unmatched: u64,
}

/// Attaches late stack records, which are sorted by event time, to their events.
///
/// # Errors
/// Cancelled.
pub fn attach_late_stacks(
    late: &[LateStack],
    events: &mut MergedEvents,
    attributes: &mut [WorkerInterner<RawAttributes>],
    cancel: &CancelToken,
) -> Result<LateCounts, Cancelled> {
    let mut counts = LateCounts::default();
    if late.is_empty() {
        return Ok(counts);
    }
    let found = candidates(late, events, attributes, cancel)?;
    let mut attachment = Attachment { events, attributes, next: EventPosition::MAX / 2 };
    let mut candidates = found.as_slice();
    let mut untouched = candidates.len();
    for records in late.chunk_by(|a, b| a.event_time == b.event_time) {
        cancel.check()?;
        let Some(time) = records.first().map(|record| record.event_time) else { continue };
        // Both are in time order, so that each is read once.
        let start = candidates.iter().take_while(|candidate| candidate.time < time).count();
        candidates = candidates.get(start..).unwrap_or_default();
        if candidates.len() <= untouched {
            attachment.touch(candidates.get(..AHEAD).unwrap_or(candidates));
            untouched = candidates.len().saturating_sub(AHEAD);
        }
        let end = candidates.iter().take_while(|candidate| candidate.time == time).count();
        let mut tick = TickCandidates::new(candidates.get(..end).unwrap_or_default());
        for record in records {
            let is_attached = attachment.attach(&mut tick, record);
            counts.matched += u64::from(is_attached);
            counts.unmatched += u64::from(!is_attached);
        }
    }
    Ok(counts)
}

/// The pool events that have the times of late stack records, by time; in one tick, allocations before frees.
fn candidates(
    late: &[LateStack],
    events: &MergedEvents,
    attributes: &[WorkerInterner<RawAttributes>],
    cancel: &CancelToken,
) -> Result<Vec<Candidate>, Cancelled> {
    let mut times: Vec<Ticks> = late.iter().map(|record| record.event_time).collect();
    times.dedup();
    let numbers = WorkerNumbers::new(0, attributes.len());
    let thread = |number: u32| {
        let (worker, _) = numbers.split(number & NUMBER);
        let raw = attributes.get(worker).and_then(|interner| interner.value(number & NUMBER));
        raw.map_or(NO_ID, |raw| raw.thread)
    };
    let of_chunk = |(at, chunk): (u32, &AllocationChunk)| {
        cancel.check()?;
        let mut found = Vec::new();
        let first = chunk.time.first().map_or(0, |first| times.partition_point(|time| time < first));
        // Both are in time order, so that each is read once.
        let mut wanted = times.get(first..).unwrap_or_default().iter().peekable();
        for ((row, &time), &number) in (0..).zip(&chunk.time).zip(&chunk.attributes) {
            while wanted.next_if(|wanted| **wanted < time).is_some() {}
            match wanted.peek() {
                None => break,
                Some(&&wanted) if wanted == time => {
                    found.push(Candidate { time, place: EventPlace::Allocation(at, row), thread: thread(number) });
                }
                Some(_) => {}
            }
        }
        Ok(found)
    };
    let chunks = (0..events.chunks.len() as u32).into_par_iter().zip(&events.chunks);
    let of_allocations: Vec<Vec<Candidate>> = chunks.map(of_chunk).collect::<Result<_, Cancelled>>()?;
    let mut found: Vec<Candidate> = of_allocations.concat();
    let wanted = WantedTimes::new(&times);
    let of_frees: Vec<Vec<Candidate>> = events
        .ends
        .blocks()
        .map(|(base, block)| {
            cancel.check()?;
            let rows = block.iter().zip(base..).filter(|(end, _)| wanted.contains(end.time()));
            let freed = rows.filter(|(end, _)| !matches!(end.attributes(), IMPLIED | NOT_FREED));
            let candidate = |(end, row): (&FreeEnd, u32)| {
                let thread = thread(end.attributes());
                Candidate { time: end.time(), place: EventPlace::Free(row), thread }
            };
            Ok(freed.map(candidate).collect())
        })
        .collect::<Result<_, Cancelled>>()?;
    found.extend(of_frees.into_iter().flatten());
    let unmatched = events.unrecorded.iter().zip(0..).filter(|(row, _)| wanted.contains(row.free_time));
    found.extend(unmatched.map(|(row, at)| Candidate {
        time: row.free_time,
        place: EventPlace::UnmatchedFree(at),
        thread: thread(row.attributes),
    }));
    found.par_sort_unstable_by_key(|candidate| (candidate.time, candidate.place));
    Ok(found)
}

/// Times of late records, with a filter in front of the search.
struct WantedTimes<'a> {
    times: &'a [Ticks],
    bits: Vec<u64>,
}

impl<'a> WantedTimes<'a> {
    fn new(times: &'a [Ticks]) -> Self {
        let mut wanted = Self { times, bits: vec![0; (times.len() / 4).next_power_of_two()] };
        for &time in times {
            let (word, bit) = wanted.bit(time);
            wanted.bits[word] |= bit;
        }
        wanted
    }

    #[inline]
    fn bit(&self, time: Ticks) -> (usize, u64) {
        let hash = (time.0 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        ((hash >> 6) as usize & (self.bits.len() - 1), 1 << (hash & 63))
    }

    #[inline]
    fn contains(&self, time: Ticks) -> bool {
        let (word, bit) = self.bit(time);
        self.bits[word] & bit != 0 && self.times.binary_search(&time).is_ok()
    }
}

/// Number of candidates of one tick from which on they are indexed by thread.
const CROWDED: usize = 32;

/// The candidates of one tick.
struct TickCandidates<'a> {
    all: &'a [Candidate],
    /// The candidates by thread, if there are many.
    threads: Option<FxHashMap<u32, ThreadCandidates>>,
}

/// Candidates of one thread in one tick.
#[derive(Default)]
struct ThreadCandidates {
    /// Positions among all of the tick.
    places: Vec<usize>,
    /// Number of leading ones that have a kernel stack, and of those that have a user stack.
    taken: [usize; 2],
}

impl<'a> TickCandidates<'a> {
    fn new(all: &'a [Candidate]) -> Self {
        if all.len() < CROWDED {
            return Self { all, threads: None };
        }
        let mut threads: FxHashMap<u32, ThreadCandidates> = FxHashMap::default();
        for (at, candidate) in all.iter().enumerate() {
            threads.entry(candidate.thread).or_default().places.push(at);
        }
        Self { all, threads: Some(threads) }
    }

    /// The first candidate of a thread without a kernel (side 0) or user (1) stack, else the first one.
    fn choose(&mut self, thread: u32, side: usize, is_free: impl Fn(&Candidate) -> bool) -> Option<Candidate> {
        let Some(by_thread) = &mut self.threads else {
            let mut fitting = self.all.iter().filter(|own| own.thread == thread || own.thread == NO_ID);
            return fitting.clone().find(|own| is_free(own)).or_else(|| fitting.next()).copied();
        };
        let threads = if thread == NO_ID { &[NO_ID][..] } else { &[thread, NO_ID][..] };
        let (mut free, mut first): (Option<usize>, Option<usize>) = (None, None);
        let earlier = |a: Option<usize>, b: Option<usize>| [a, b].into_iter().flatten().min();
        for thread in threads {
            let Some(of_thread) = by_thread.get_mut(thread) else { continue };
            let ThreadCandidates { places, taken } = of_thread;
            while let Some(&at) = places.get(taken[side])
                && !self.all.get(at).is_some_and(&is_free)
            {
                taken[side] += 1;
            }
            free = earlier(free, places.get(taken[side]).copied());
            first = earlier(first, places.first().copied());
        }
        free.or(first).and_then(|at| self.all.get(at)).copied()
    }
}

/// Attaching of stacks to merged events.
struct Attachment<'a> {
    events: &'a mut MergedEvents,
    attributes: &'a mut [WorkerInterner<RawAttributes>],
    /// Position of the next value that no event had before.
    next: EventPosition,
}

/// Number of candidates whose stacks are read ahead, so that the waits for memory overlap.
const AHEAD: usize = 64;

impl Attachment<'_> {
    /// Reads the stacks of events, whose addresses in memory do not depend on each other.
    fn touch(&self, candidates: &[Candidate]) {
        let read = |candidate: &Candidate| self.stack(candidate.place).parts[0];
        black_box(candidates.iter().map(read).fold(0, |all, part| all ^ part));
    }

    /// Attaches a record to the event that it belongs to; `false` if there is none. An event whose header has no thread gets it
    /// from the stack record.
    fn attach(&mut self, tick: &mut TickCandidates<'_>, record: &LateStack) -> bool {
        let side = usize::from(!record.is_kernel);
        let is_free = |candidate: &Candidate| self.stack(candidate.place).parts[side] == NO_PART;
        let Some(chosen) = tick.choose(record.thread, side, is_free) else { return false };
        if chosen.thread == NO_ID {
            self.set_thread(chosen.place, record);
        }
        let mut stack = self.stack(chosen.place);
        // Two records of one side are rare. The second one takes the other side if that is not taken.
        let side = if stack.parts[side] == NO_PART { side } else { 1 - side };
        if stack.parts[side] == NO_PART {
            stack.parts[side] = record.part;
            stack.delays = stack.delays.with(side, record.record_time.0.saturating_sub(record.event_time.0));
            self.set_stack(chosen.place, stack);
        }
        true
    }

    fn set_thread(&mut self, place: EventPlace, record: &LateStack) {
        let number = match place {
            EventPlace::Allocation(chunk, row) => {
                let chunk = self.events.chunks.get(chunk as usize);
                chunk.and_then(|chunk| chunk.attributes.get(row as usize)).copied()
            }
            EventPlace::Free(row) => self.events.ends.get(row).map(FreeEnd::attributes),
            EventPlace::UnmatchedFree(at) => self.events.unrecorded.get(at as usize).map(|row| row.attributes),
        };
        let worker = |number| WorkerNumbers::new(0, self.attributes.len()).split(number).0;
        let raw = number.and_then(|number| self.attributes.get(worker(number))?.value(number));
        let Some(raw) = raw.filter(|raw| raw.thread == NO_ID) else { return };
        let Some(interner) = self.attributes.first_mut() else { return };
        self.next += 1;
        interner.begin(self.next);
        let number = interner.intern(RawAttributes { thread: record.thread, pid: record.pid, ..raw }, self.next);
        match place {
            EventPlace::Allocation(chunk, row) => {
                let chunk = self.events.chunks.get_mut(chunk as usize);
                if let Some(own) = chunk.and_then(|chunk| chunk.attributes.get_mut(row as usize)) {
                    *own = number;
                }
            }
            EventPlace::Free(row) => {
                if let Some(end) = self.events.ends.get(row) {
                    end.set(end.time(), number);
                }
            }
            EventPlace::UnmatchedFree(at) => {
                if let Some(row) = self.events.unrecorded.get_mut(at as usize) {
                    row.attributes = number;
                }
            }
        }
    }

    fn stack(&self, place: EventPlace) -> RecordedStack {
        match place {
            EventPlace::Allocation(chunk, row) => {
                let chunk = self.events.chunks.get(chunk as usize);
                chunk.and_then(|chunk| chunk.recorded_stack.get(row as usize)).copied().unwrap_or_default()
            }
            EventPlace::Free(row) => self.events.ends.recorded_stack(row),
            EventPlace::UnmatchedFree(at) => {
                self.events.unrecorded.get(at as usize).map(|row| row.recorded_stack).unwrap_or_default()
            }
        }
    }

    fn set_stack(&mut self, place: EventPlace, stack: RecordedStack) {
        match place {
            EventPlace::Allocation(chunk, row) => {
                let chunk = self.events.chunks.get_mut(chunk as usize);
                if let Some(own) = chunk.and_then(|chunk| chunk.recorded_stack.get_mut(row as usize)) {
                    *own = stack;
                }
            }
            EventPlace::Free(row) => self.events.ends.set_recorded_stack(row, stack),
            EventPlace::UnmatchedFree(at) => {
                // Stacks of frees may be left out.
                let row = self.events.unrecorded.get_mut(at as usize);
                if let Some(row) = row.filter(|_| self.events.ends.has_stacks()) {
                    row.recorded_stack = stack;
                }
            }
        }
    }
}
