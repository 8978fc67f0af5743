//! Which stack each event has: the halves that were planted, joined. References are counted by whether the file holds any
//! definition of their key at or after them; which stack they mean is never asked of the definitions.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use super::log::{StackDefinition, EventLog, LoggedStack};
use super::{StackCounts, StackContent};

/// The stacks of events, and what was counted on the way.
pub(super) struct EventStacks {
    pub counts: StackCounts,
    /// Frames outermost first, per (event time, thread).
    pub by_event: FxHashMap<(i64, u32), Vec<u64>>,
}

pub(super) fn join_stacks(log: &EventLog) -> EventStacks {
    let definitions = definitions_by_key(&log.definitions);
    let events: FxHashSet<(i64, u32)> = log.events.iter().map(|event| (event.ticks, event.tid)).collect();
    let others: FxHashSet<(i64, u32)> = log.other_events.iter().map(|other| (other.ticks, other.tid)).collect();
    let mut counts = StackCounts { definitions: log.definitions.len() as u64, ..StackCounts::default() };
    let mut halves: FxHashMap<(i64, u32), [Option<u32>; 2]> = FxHashMap::default();
    for half in &log.stacks {
        let event = (half.event_ticks, half.tid);
        let is_of_pool = events.contains(&event);
        count(half, is_of_pool, &definitions, &mut counts);
        if is_of_pool {
            halves.entry(event).or_default()[usize::from(half.is_user)] = Some(half.frames);
        } else if others.contains(&event) {
            counts.other_events += 1;
        } else {
            counts.orphans += 1;
        }
    }
    counts.records = counts.inline + counts.references + counts.definitions;
    let mut by_event: FxHashMap<(i64, u32), Vec<u64>> = FxHashMap::default();
    for event in &log.events {
        let Some(pair) = halves.get(&(event.ticks, event.tid)) else {
            continue;
        };
        let lists = pair.iter().flatten().map(|number| &log.frame_lists[*number as usize]);
        let mut frames: Vec<u64> = lists.flatten().copied().collect();
        if frames.is_empty() {
            continue;
        }
        frames.reverse();
        counts.pool_events_with_stack += 1;
        by_event.insert((event.ticks, event.tid), frames);
    }
    let pairs: BTreeSet<[Option<u32>; 2]> = halves.values().copied().collect();
    let whole: BTreeSet<Vec<u64>> = pairs.into_iter().map(|pair| joined(log, pair)).collect();
    counts.distinct = whole.iter().filter(|frames| !frames.is_empty()).count() as u64;
    EventStacks { counts, by_event }
}

fn joined(log: &EventLog, pair: [Option<u32>; 2]) -> Vec<u64> {
    pair.iter().flatten().flat_map(|number| log.frame_lists[*number as usize].iter().copied()).collect()
}

/// The times of the definitions of each key.
fn definitions_by_key(definitions: &[StackDefinition]) -> FxHashMap<u64, Vec<i64>> {
    let mut by_key: FxHashMap<u64, Vec<i64>> = FxHashMap::default();
    for definition in definitions {
        by_key.entry(definition.key).or_default().push(definition.ticks);
    }
    by_key.values_mut().for_each(|times| times.sort_unstable());
    by_key
}

fn count(half: &LoggedStack, is_of_pool: bool, definitions: &FxHashMap<u64, Vec<i64>>, counts: &mut StackCounts) {
    let StackContent::Key(key) = half.content else {
        counts.inline += 1;
        return;
    };
    counts.references += 1;
    if !is_of_pool {
        return;
    }
    let of_key = definitions.get(&key).map_or(&[][..], Vec::as_slice);
    if of_key.last().is_some_and(|last| *last >= half.ticks) {
        counts.resolved += 1;
    } else {
        counts.unresolved += 1;
    }
}
