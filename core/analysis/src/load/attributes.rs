//! Attributes of pool events: those of all workers become one table, with processes instead of process numbers, in the order of
//! the file. If a number was reused during the trace, the time of each event decides which process it refers to.

use super::event_sides::EventSide;
use super::interner::{InternedValues, NO_ID, RankedValues, RawAttributes, WorkerInterner};
use super::merge::MergedEvents;
use crate::trace::attributes::{AttributesTable, EventAttributes, PoolType, Tag};
use crate::trace::ids::{AttributesId, ProcessId};
use crate::trace::process::ProcessTable;
use crate::trace::time::Ticks;
use poolscope_base::progress::{CancelToken, Cancelled};
use rustc_hash::{FxHashMap, FxHashSet};

/// Final handles of the attributes of pool events.
#[derive(Debug)]
pub struct AttributeIds<'p> {
    ranks: RankedValues<RawAttributes>,
    /// Process number of each rank, apart from the other attributes since stacks ask for nothing else.
    pids: Vec<u32>,
    processes: &'p ProcessTable,
    has_reused: bool,
    /// Handles of attributes with a reused process number, by rank and process.
    reused: FxHashMap<(u32, ProcessId), u32>,
}

impl<'p> AttributeIds<'p> {
    /// Numbers the attributes of all events; returns their table too.
    ///
    /// # Errors
    /// Cancelled.
    pub fn new(
        workers: &[WorkerInterner<RawAttributes>],
        events: &MergedEvents,
        processes: &'p ProcessTable,
        cancel: &CancelToken,
    ) -> Result<(Self, AttributesTable), Cancelled> {
        let ranks = InternedValues::new(workers.iter().collect()).rank(cancel)?;
        let has_reused = ranks.values.iter().any(|raw| processes.is_reused(raw.pid));
        let mut rows: Vec<EventAttributes> =
            ranks.values.iter().map(|raw| with_process(raw, processes.find(raw.pid, Ticks::UNKNOWN))).collect();
        let pids = ranks.values.iter().map(|raw| raw.pid).collect();
        let mut ids = Self { ranks, pids, processes, has_reused, reused: FxHashMap::default() };
        if has_reused {
            let note = |found: &mut FxHashSet<(u32, ProcessId)>, side: EventSide| {
                found.extend(ids.reused_process(side.attributes, side.time));
            };
            let found = events.visit(cancel, note)?;
            let mut found: Vec<(u32, ProcessId)> = found.into_iter().flatten().collect();
            found.sort_unstable();
            found.dedup();
            for (rank, process) in found {
                let Some(raw) = ids.ranks.values.get(rank as usize) else { continue };
                let row = with_process(raw, process);
                let id = if rows.get(rank as usize) == Some(&row) {
                    rank
                } else {
                    rows.push(row);
                    rows.len() as u32 - 1
                };
                ids.reused.insert((rank, process), id);
            }
        }
        Ok((ids, AttributesTable::from_rows(rows)))
    }

    /// Rank and process of attributes with a reused process number.
    fn reused_process(&self, number: u32, time: Ticks) -> Option<(u32, ProcessId)> {
        let rank = self.ranks.rank(number)?;
        let raw = self.ranks.values.get(rank as usize).filter(|raw| self.processes.is_reused(raw.pid))?;
        Some((rank, self.processes.find(raw.pid, time)))
    }

    /// The handle of the attributes of an event.
    #[inline]
    pub fn id(&self, number: u32, time: Ticks) -> AttributesId {
        let reused = || self.reused_process(number, time).and_then(|key| self.reused.get(&key)).copied();
        let id = if self.has_reused { reused() } else { None };
        AttributesId(id.or_else(|| self.ranks.rank(number)).unwrap_or(AttributesId::NONE.0))
    }

    /// Process number of the attributes of an event.
    #[inline]
    pub fn pid(&self, number: u32) -> u32 {
        self.ranks.rank(number).and_then(|rank| self.pids.get(rank as usize)).copied().unwrap_or(NO_ID)
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
