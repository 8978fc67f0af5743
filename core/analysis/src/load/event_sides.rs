//! The ends of all allocations, before rows get their final form: the passes that look at every pool event of a trace use them.

use super::columns::{IMPLIED, NOT_FREED};
use super::merge::MergedEvents;
use crate::trace::time::Ticks;
use poolscope_base::progress::{CancelToken, Cancelled};
use rayon::prelude::*;

/// Rows that one task looks at.
const TASK_ROWS: usize = 1 << 14;

/// A pool event without its allocation.
#[derive(Clone, Copy, Debug)]
pub struct EventSide {
    /// Time of the event.
    pub time: Ticks,
    /// Provisional number of its attributes.
    pub attributes: u32,
}

impl MergedEvents {
    /// The allocation event of a row of a chunk.
    #[inline]
    pub fn allocation(&self, chunk: usize, row: usize) -> Option<EventSide> {
        let chunk = self.chunks.get(chunk)?;
        Some(EventSide { time: *chunk.time.get(row)?, attributes: *chunk.attributes.get(row)? })
    }

    /// The free event of a recorded allocation; `None` if it has none.
    #[inline]
    fn free(&self, row: u32) -> Option<EventSide> {
        let end = self.ends.get(row)?;
        let attributes = end.attributes();
        if matches!(attributes, IMPLIED | NOT_FREED) {
            return None;
        }
        Some(EventSide { time: end.time(), attributes })
    }

    /// The free event of an allocation that was not recorded.
    fn unmatched_free(&self, at: usize) -> Option<EventSide> {
        let row = self.unrecorded.get(at)?;
        Some(EventSide { time: row.free_time, attributes: row.attributes })
    }

    /// Calls `visit` for every pool event, with a value of each task. Returns the values, in no particular order of the events.
    pub fn visit<T: Send + Default>(
        &self,
        cancel: &CancelToken,
        visit: impl Fn(&mut T, EventSide) + Sync,
    ) -> Result<Vec<T>, Cancelled> {
        let tasks: Vec<(usize, usize)> = self
            .chunks
            .iter()
            .enumerate()
            .flat_map(|(chunk, rows)| (0..rows.len()).step_by(TASK_ROWS).map(move |start| (chunk, start)))
            .collect();
        let work = |(chunk, start): (usize, usize)| {
            cancel.check()?;
            let mut value = T::default();
            let base = self.chunks.get(chunk).map_or(0, |rows| rows.base);
            for row in start..start + TASK_ROWS {
                let Some(side) = self.allocation(chunk, row) else { break };
                visit(&mut value, side);
                if let Some(side) = self.free(base + row as u32) {
                    visit(&mut value, side);
                }
            }
            Ok(value)
        };
        let mut values: Vec<T> = tasks.into_par_iter().map(work).collect::<Result<_, Cancelled>>()?;
        let mut value = T::default();
        (0..self.unrecorded.len()).filter_map(|at| self.unmatched_free(at)).for_each(|side| visit(&mut value, side));
        values.push(value);
        Ok(values)
    }
}
