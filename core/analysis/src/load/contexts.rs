//! Contexts of all shards become one table, with processes instead of process numbers. Where a number was used again
//! during the trace, each event's own time decides which process it means.

use super::shard::{Interner, NO_ID, RawContext, Shard};
use crate::trace::attributes::PoolType;
use crate::trace::attributes::{EventAttributes, AttributesTable, Tag};
use crate::trace::ids::ProcessId;
use crate::trace::process::ProcessTable;
use crate::trace::time::Ticks;
use poolscope_base::progress::{CancelToken, Cancelled};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// Replaces the local contexts of all events by the trace's.
pub fn join(shards: &mut [Shard], processes: &ProcessTable, cancel: &CancelToken) -> Result<AttributesTable, Cancelled> {
    shards.par_iter_mut().try_for_each(|shard| {
        cancel.check()?;
        name_processes(shard, processes);
        Ok(())
    })?;
    let mut table: Interner<EventAttributes> = Interner::default();
    let mut maps: Vec<Vec<u32>> = Vec::with_capacity(shards.len());
    for shard in shards.iter_mut() {
        cancel.check()?;
        maps.push(shard.context_rows.iter().map(|&row| table.intern(row)).collect());
        shard.context_rows = Vec::new();
    }
    shards.par_iter_mut().zip(&maps).try_for_each(|(shard, map)| {
        cancel.check()?;
        for context in shard.allocs.context.iter_mut().chain(&mut shard.frees.context) {
            *context = map.get(*context as usize).copied().unwrap_or(u32::MAX);
        }
        Ok(())
    })?;
    Ok(AttributesTable::from_rows(table.rows))
}

fn name_processes(shard: &mut Shard, processes: &ProcessTable) {
    let raw_rows = std::mem::take(&mut shard.contexts.rows);
    let reused = raw_rows.iter().any(|row| processes.is_reused(row.pid));
    let fixed = |row: &RawContext| with_process(row, processes.find(row.pid, Ticks::UNKNOWN));
    shard.context_rows = raw_rows.iter().map(fixed).collect();
    if !reused {
        return;
    }
    let mut split: FxHashMap<(u32, ProcessId), u32> = FxHashMap::default();
    let rows = &mut shard.context_rows;
    for columns in [&mut shard.allocs, &mut shard.frees] {
        for (context, &time) in columns.context.iter_mut().zip(&columns.time) {
            let Some(raw) = raw_rows.get(*context as usize).filter(|raw| processes.is_reused(raw.pid)) else {
                continue;
            };
            let process = processes.find(raw.pid, time);
            *context = *split.entry((*context, process)).or_insert_with(|| {
                rows.push(with_process(raw, process));
                rows.len() as u32 - 1
            });
        }
    }
}

fn with_process(row: &RawContext, process: ProcessId) -> EventAttributes {
    EventAttributes {
        tag: Tag(row.tag),
        pool_type: PoolType(row.pool_type),
        process: if row.pid == NO_ID { ProcessId::NONE } else { process },
        thread: row.thread,
        session: row.session,
        cpu: row.cpu,
    }
}
