//! Stack records whose event does not stand in their own buffer: user halves come up to half a second late, and one in
//! twenty from another CPU (etl-format 5.2). They are matched against all pool events, then, where everything is to be
//! checked, against all other records. A stack without an event is an orphan, never a guess.

use super::decode::{attach, relative};
use super::recent::Slot;
use super::shard::{Half, HalfRef, LooseStack, NO_ID, Shard};
use super::{LoadError, LoadOptions, StackScope, ranges};
use poolscope_etl::record::{Record, RecordKey, Records};
use poolscope_etl::walk::{Scratch, TraceFile};
use poolscope_etl::event::kind;
use poolscope_base::progress::{CancelToken, Cancelled};
use crate::trace::time::Ticks;
use rayon::prelude::*;
use rustc_hash::FxHashSet;

/// A stack of an event that is no pool event, or of none.
#[derive(Clone, Copy, Debug)]
pub struct Stray {
    pub stack: LooseStack,
    pub half: Half,
}

/// What became of the stacks that are on no pool event.
#[derive(Default, Debug)]
pub struct Strays {
    /// On another event.
    pub others: Vec<Stray>,
    /// On no event of the file.
    pub orphans: Vec<Stray>,
}

/// Attaches loose stacks to their pool events and sorts the rest.
pub fn settle(
    again: &dyn SecondWalk,
    shards: &mut [Shard],
    options: LoadOptions,
    cancel: &CancelToken,
) -> Result<Strays, LoadError> {
    let mut strays = Strays::default();
    let mut loose = Vec::new();
    for shard in shards.iter_mut() {
        let stray =
            |stack: LooseStack, halves: &[Half]| halves.get(stack.half as usize).map(|&half| Stray { stack, half });
        let rows = &shard.halves.rows;
        strays.others.extend(shard.others.drain(..).filter_map(|s| stray(s, rows)));
        loose.extend(shard.loose.drain(..).filter_map(|s| stray(s, rows)));
        (shard.others, shard.loose) = (Vec::new(), Vec::new());
    }
    // Stable: halves of one event stay in the order in which they were recorded.
    loose.sort_by_key(|s| (s.stack.event_time, s.stack.record_time));
    let left = attach_to_pool(shards, loose, cancel)?;
    if options.stacks != StackScope::All {
        return Ok(strays);
    }
    let (others, left): (Vec<Stray>, Vec<Stray>) = left.into_iter().partition(|stray| stray.stack.maybe_other);
    strays.others.extend(others);
    if left.is_empty() {
        return Ok(strays);
    }
    let wanted: Wanted = left.iter().map(|s| s.stack.event_time).collect();
    let found = again.find(&wanted, cancel)?;
    for stray in left {
        let (time, thread) = (stray.stack.event_time, stray.stack.thread);
        let is_matched = found.contains(&(time, thread)) || found.contains(&(time, NO_ID));
        if is_matched { strays.others.push(stray) } else { strays.orphans.push(stray) }
    }
    Ok(strays)
}

/// A pool event with the time of a loose stack.
#[derive(Clone, Copy)]
struct Candidate {
    time: Ticks,
    shard: u32,
    slot: Slot,
    thread: u32,
}

fn attach_to_pool(shards: &mut [Shard], loose: Vec<Stray>, cancel: &CancelToken) -> Result<Vec<Stray>, Cancelled> {
    let found: Vec<Vec<Candidate>> = shards
        .par_iter()
        .enumerate()
        .map(|(number, shard)| {
            cancel.check()?;
            Ok(candidates(number as u32, shard, &loose))
        })
        .collect::<Result<_, Cancelled>>()?;
    let mut found: Vec<Candidate> = found.into_iter().flatten().collect();
    // Stable: events of one tick stay in file order.
    found.par_sort_by_key(|candidate| candidate.time);
    let mut left = Vec::new();
    let mut at = 0;
    for stray in loose {
        // Both are in time order, so the candidates are walked once.
        while found.get(at).is_some_and(|candidate| candidate.time < stray.stack.event_time) {
            at += 1;
        }
        let same_tick = found[at..].iter().take_while(|candidate| candidate.time == stray.stack.event_time).count();
        let candidates = &found[at..at + same_tick];
        let side = usize::from(!stray.stack.kernel);
        let free = |c: &&Candidate| {
            let columns = shards.get(c.shard as usize).map(|s| if c.slot.is_free() { &s.frees } else { &s.allocs });
            let halves = columns.and_then(|columns| columns.halves.get(c.slot.row()));
            halves.is_some_and(|halves| halves[side] == HalfRef::NONE)
        };
        let fits = |c: &&Candidate| c.thread == stray.stack.thread || c.thread == NO_ID;
        let chosen = candidates.iter().filter(fits).find(free).or_else(|| candidates.iter().find(fits)).copied();
        match chosen.and_then(|c| shards.get_mut(c.shard as usize).map(|shard| (c, shard))) {
            Some((candidate, shard)) => {
                let half = shard.halves.intern(stray.half);
                attach(shard, candidate.slot, &LooseStack { half, ..stray.stack });
            }
            None => left.push(stray),
        }
    }
    Ok(left)
}

/// The pool events of a shard that have the time of some loose stack.
fn candidates(number: u32, shard: &Shard, loose: &[Stray]) -> Vec<Candidate> {
    let Some((first, last)) = shard.pool_times else {
        return Vec::new();
    };
    let start = loose.partition_point(|s| s.stack.event_time < first);
    let end = loose.partition_point(|s| s.stack.event_time <= last);
    if start >= end {
        return Vec::new();
    }
    let wanted: FxHashSet<Ticks> = loose[start..end].iter().map(|s| s.stack.event_time).collect();
    let mut found = Vec::new();
    for (is_free, columns) in [(false, &shard.allocs), (true, &shard.frees)] {
        for (row, time) in columns.time.iter().enumerate().filter(|(_, time)| wanted.contains(time)) {
            let context = columns.context.get(row).and_then(|&c| shard.contexts.rows.get(c as usize));
            let thread = context.map_or(NO_ID, |c| c.thread);
            found.push(Candidate { time: *time, shard: number, slot: Slot::new(is_free, row), thread });
        }
    }
    found
}

/// Times of stacks whose event has not been found yet.
pub type Wanted = FxHashSet<Ticks>;

/// Times and threads of records.
pub type Moments = FxHashSet<(Ticks, u32)>;

/// A second walk over all records of a trace, for stacks that belong to none of the events that were kept.
pub trait SecondWalk: Sync {
    /// Times and threads of all records that carry one of the wanted times.
    ///
    /// # Errors
    /// Cancelled, or the trace cannot be read a second time.
    fn find(&self, wanted: &Wanted, cancel: &CancelToken) -> Result<Moments, LoadError>;
}

impl SecondWalk for TraceFile {
    fn find(&self, wanted: &Wanted, cancel: &CancelToken) -> Result<Moments, LoadError> {
        let parts: Vec<Vec<(Ticks, u32)>> = ranges(&self.layout.buffers, 4 << 20)
            .into_par_iter()
            .map_init(Scratch::default, |scratch, range| {
                let mut found = Vec::new();
                for buffer in range {
                    cancel.check()?;
                    let (body, _) = self.body(buffer, scratch);
                    found.extend(Records::new(body).filter_map(|r| moment(&r, self.time_zero, wanted)));
                }
                Ok(found)
            })
            .collect::<Result<_, Cancelled>>()?;
        Ok(parts.into_iter().flatten().collect())
    }
}

/// Time and thread of a record, if its time is wanted. Stack records have times, but no stacks of their own.
pub fn moment(record: &Record<'_>, time_zero: i64, wanted: &Wanted) -> Option<(Ticks, u32)> {
    let kind = match record.key {
        RecordKey::Hook(hook) => kind::of_hook(hook),
        RecordKey::Provider { guid, opcode } => kind::of_provider(&guid, opcode),
        RecordKey::Message | RecordKey::Other(_) => return None,
    };
    let time = relative(record.time.filter(|_| !kind.is_stack())?, time_zero);
    wanted.contains(&time).then(|| (time, record.thread.unwrap_or(NO_ID)))
}
