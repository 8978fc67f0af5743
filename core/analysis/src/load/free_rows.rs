//! The order of frees: pairing notes which allocation each free event ended, by the number of the event in time order. So the frees
//! of a trace are never sorted.

use super::columns::{FreeEnd, IMPLIED};
use super::freeze::RowNumbers;
use super::merge::MergedEvents;
use crate::trace::free_order::FreeOrder;
use crate::trace::time::Ticks;
use poolscope_base::progress::{CancelToken, Cancelled};
use rayon::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};

/// Number of elements of a block; a power of two.
const BLOCK: usize = 1 << 14;
/// The free of an allocation that was not recorded.
const UNRECORDED: u32 = u32::MAX;

/// Recorded allocation of each free event. Workers write different elements.
#[derive(Debug, Default)]
pub struct FreeRows {
    blocks: Vec<Vec<AtomicU32>>,
}

impl FreeRows {
    /// Makes room for this number of free events.
    pub fn reserve(&mut self, frees: usize) {
        let block = || (0..BLOCK).map(|_| AtomicU32::new(UNRECORDED)).collect();
        self.blocks.resize_with(frees.div_ceil(BLOCK), block);
    }

    /// Notes the row of a free event.
    #[inline]
    pub fn set(&self, free_number: u32, row: u32) {
        let block = self.blocks.get(free_number as usize / BLOCK);
        if let Some(own) = block.and_then(|block| block.get(free_number as usize % BLOCK)) {
            own.store(row, Ordering::Relaxed);
        }
    }

    /// Bytes of the rows.
    pub fn bytes(&self) -> usize {
        self.blocks.len() * BLOCK * size_of::<AtomicU32>()
    }

    /// The order of all frees, by the final numbers of the rows.
    ///
    /// # Errors
    /// Cancelled.
    pub fn order(
        &self,
        events: &MergedEvents,
        numbers: &RowNumbers,
        cancel: &CancelToken,
    ) -> Result<FreeOrder, Cancelled> {
        let mut unrecorded: Vec<(u32, u32)> =
            events.unrecorded.iter().zip(0..).map(|(row, at)| (row.free_number, numbers.unrecorded(at))).collect();
        unrecorded.par_sort_unstable();
        let of_unrecorded = |free_number: u32| {
            let found = unrecorded.binary_search_by_key(&free_number, |row| row.0);
            found.ok().and_then(|at| unrecorded.get(at)).map(|row| row.1)
        };
        let parts: Vec<Vec<u32>> = self
            .blocks
            .par_iter()
            .enumerate()
            .map(|(at, block)| {
                cancel.check()?;
                let first = (at * BLOCK) as u32;
                let of_free = |(row, number): (&AtomicU32, u32)| match row.load(Ordering::Relaxed) {
                    UNRECORDED => of_unrecorded(number),
                    row => Some(numbers.recorded(row)),
                };
                Ok(block.iter().zip(first..).filter_map(of_free).collect())
            })
            .collect::<Result<_, Cancelled>>()?;
        Ok(FreeOrder { recorded: parts.concat(), implied: implied(events, numbers) })
    }
}

/// Rows with an implied free, in the order of time.
fn implied(events: &MergedEvents, numbers: &RowNumbers) -> Vec<u32> {
    let of_block = |(base, block): (u32, &[FreeEnd])| -> Vec<(Ticks, u32)> {
        let ended = block.iter().zip(base..).filter(|(end, _)| end.attributes() == IMPLIED);
        ended.map(|(end, row)| (end.time(), numbers.recorded(row))).collect()
    };
    let mut rows: Vec<(Ticks, u32)> = events.ends.blocks().flat_map_iter(of_block).collect();
    rows.par_sort_unstable();
    rows.into_iter().map(|row| row.1).collect()
}
