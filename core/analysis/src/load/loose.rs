//! Stack records whose event does not stand in their own buffer: user halves come up to half a second late, and one in
//! twenty from another CPU (etl-format 5.2). They are matched against all pool events; a stack without one is counted, never
//! guessed.

use super::decode::attach;
use super::recent::Slot;
use super::shard::{Half, HalfRef, LooseStack, NO_ID, Shard};
use crate::trace::time::Ticks;
use poolscope_base::progress::{CancelToken, Cancelled};
use rayon::prelude::*;
use rustc_hash::FxHashSet;

/// A stack record with its half, which is local to the shard that it comes from.
#[derive(Clone, Copy)]
struct Stray {
    stack: LooseStack,
    half: Half,
}

/// Attaches loose stacks to their pool events. Returns the number of those that have none.
pub fn settle(shards: &mut [Shard], cancel: &CancelToken) -> Result<u64, Cancelled> {
    let mut loose = Vec::new();
    for shard in shards.iter_mut() {
        let stray =
            |stack: LooseStack, halves: &[Half]| halves.get(stack.half as usize).map(|&half| Stray { stack, half });
        let rows = &shard.halves.rows;
        loose.extend(shard.loose.drain(..).filter_map(|s| stray(s, rows)));
        shard.loose = Vec::new();
    }
    // Stable: halves of one event stay in the order in which they were recorded.
    loose.sort_by_key(|s| (s.stack.event_time, s.stack.record_time));
    attach_to_pool(shards, loose, cancel)
}

/// A pool event with the time of a loose stack.
#[derive(Clone, Copy)]
struct Candidate {
    time: Ticks,
    shard: u32,
    slot: Slot,
    thread: u32,
}

fn attach_to_pool(shards: &mut [Shard], loose: Vec<Stray>, cancel: &CancelToken) -> Result<u64, Cancelled> {
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
    let mut unmatched = 0;
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
            None => unmatched += 1,
        }
    }
    Ok(unmatched)
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
