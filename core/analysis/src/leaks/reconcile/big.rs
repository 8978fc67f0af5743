//! The lists of big blocks in the snapshots against the events: which came and which went between the two lists.

use super::{Place, TagBaseline};
use crate::leaks::evidence::Blocks;
use crate::trace::Trace;
use crate::trace::context::Context;
use crate::trace::summary::{BigBlock, SnapshotEnd};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Big blocks in the snapshots against the events.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BigBalance {
    /// Blocks that only the second snapshot has.
    pub came: u64,
    /// How many of these the events show allocated and alive.
    pub came_seen: u64,
    /// Blocks that only the first snapshot has.
    pub went: u64,
    /// How many of these the events show freed.
    pub went_seen: u64,
}

/// What the first list says, where there are no counters.
pub(super) fn baseline(big: &[BigBlock]) -> Vec<TagBaseline> {
    let mut sums: BTreeMap<Place, Blocks> = BTreeMap::new();
    for row in big.iter().filter(|row| row.end == SnapshotEnd::Start) {
        sums.entry((row.tag, !row.nonpaged, row.session)).or_default().add(row.size_bytes);
    }
    sums.into_iter().map(|((tag, paged, session), blocks)| TagBaseline { tag, paged, session, blocks }).collect()
}

/// Compares the lists of big blocks, if there are two.
pub(super) fn balance(trace: &Trace) -> Option<BigBalance> {
    let big = &trace.snapshots.big;
    let times = |end: SnapshotEnd| big.iter().filter(move |row| row.end == end).map(|row| row.time);
    let (start, stop) = (times(SnapshotEnd::Start).max()?, times(SnapshotEnd::Stop).min()?);
    // Whether each block stands in the first list, and in the second.
    let mut lists: FxHashMap<(u64, Option<u32>), [bool; 2]> = FxHashMap::default();
    for row in big {
        lists.entry((row.address, row.session)).or_default()[usize::from(row.end == SnapshotEnd::Stop)] = true;
    }
    let table = &trace.allocations;
    let session = |row: usize| {
        let session = trace.contexts.get(table.alloc_context[row]).map_or(Context::NO_SESSION, |c| c.session);
        (session != Context::NO_SESSION).then_some(session)
    };
    let smallest = big.iter().map(|row| row.size_bytes).min().unwrap_or(0);
    // Of each block that came or went one event is looked for, so that an address used twice counts once.
    let events = (0..table.len()).into_par_iter().filter(|row| table.size[*row] >= smallest).filter_map(|row| {
        let block = (table.address[row], session(row));
        let in_lists = lists.get(&block)?;
        let (alloc, free) = (table.alloc_time[row], table.free_time[row]);
        let came = alloc > start && alloc <= stop && free > stop && *in_lists == [false, true];
        let went = alloc <= start && free > start && free <= stop && *in_lists == [true, false];
        (came || went).then_some((block, came))
    });
    let mut events: Vec<((u64, Option<u32>), bool)> = events.collect();
    events.sort_unstable();
    events.dedup();
    let mut balance = BigBalance::default();
    balance.came = lists.values().filter(|of| **of == [false, true]).count() as u64;
    balance.went = lists.values().filter(|of| **of == [true, false]).count() as u64;
    balance.came_seen = events.iter().filter(|event| event.1).count() as u64;
    balance.went_seen = events.len() as u64 - balance.came_seen;
    Some(balance)
}
