//! Attributes of pool events: those of all shards become one table, with processes instead of process numbers. If a number was
//! reused during the trace, the time of each event decides which process it refers to.

use super::shard::{Interner, NO_ID, RawAttributes, Shard};
use crate::trace::attributes::{AttributesTable, EventAttributes, PoolType, Tag};
use crate::trace::ids::ProcessId;
use crate::trace::process::ProcessTable;
use crate::trace::time::Ticks;
use poolscope_base::progress::{CancelToken, Cancelled};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// Numbers the distinct attributes of all shards, and replaces the numbers in the `attributes` columns.
///
/// # Errors
/// Cancelled.
pub fn join_attributes(
    shards: &mut [Shard],
    processes: &ProcessTable,
    cancel: &CancelToken,
) -> Result<AttributesTable, Cancelled> {
    shards.par_iter_mut().try_for_each(|shard| {
        cancel.check()?;
        resolve_processes(shard, processes);
        Ok(())
    })?;
    let mut table: Interner<EventAttributes> = Interner::default();
    let mut maps: Vec<Vec<u32>> = Vec::with_capacity(shards.len());
    for shard in shards.iter_mut() {
        cancel.check()?;
        maps.push(shard.resolved_attributes.iter().map(|&row| table.intern(row)).collect());
        shard.resolved_attributes = Vec::new();
    }
    shards.par_iter_mut().zip(&maps).try_for_each(|(shard, map)| {
        cancel.check()?;
        for attributes in shard.allocs.attributes.iter_mut().chain(&mut shard.frees.attributes) {
            *attributes = map.get(*attributes as usize).copied().unwrap_or(u32::MAX);
        }
        Ok(())
    })?;
    Ok(AttributesTable::from_rows(table.rows))
}

/// Fills [`Shard::resolved_attributes`]. Attributes with a reused process number are split by process.
fn resolve_processes(shard: &mut Shard, processes: &ProcessTable) {
    let raw_rows = std::mem::take(&mut shard.attributes.rows);
    let has_reused = raw_rows.iter().any(|row| processes.is_reused(row.pid));
    let first_process = |row: &RawAttributes| with_process(row, processes.find(row.pid, Ticks::UNKNOWN));
    shard.resolved_attributes = raw_rows.iter().map(first_process).collect();
    if !has_reused {
        return;
    }
    let mut split: FxHashMap<(u32, ProcessId), u32> = FxHashMap::default();
    let rows = &mut shard.resolved_attributes;
    for columns in [&mut shard.allocs, &mut shard.frees] {
        for (attributes, &time) in columns.attributes.iter_mut().zip(&columns.time) {
            let Some(raw) = raw_rows.get(*attributes as usize).filter(|raw| processes.is_reused(raw.pid)) else {
                continue;
            };
            let process = processes.find(raw.pid, time);
            *attributes = *split.entry((*attributes, process)).or_insert_with(|| {
                rows.push(with_process(raw, process));
                rows.len() as u32 - 1
            });
        }
    }
}

fn with_process(row: &RawAttributes, process: ProcessId) -> EventAttributes {
    EventAttributes {
        tag: Tag(row.tag),
        pool_type: PoolType(row.pool_type),
        process: if row.pid == NO_ID { ProcessId::NONE } else { process },
        thread: row.thread,
        session: row.session,
        cpu: row.cpu,
    }
}
