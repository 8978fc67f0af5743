//! Allocations that are outstanding at one of several moments and freed later, found by moment. An allocation is listed once: at
//! that of its moments whose number has the most trailing zeros. Those outstanding at moment `n` are then in few lists: at most
//! one for each bit of `n`, as in a binary tree over the moments. At most four bytes per allocation.

use super::parallel::{Cancel, Cancelled};
use super::range_sums::{Checkpoint, chunks};
use crate::filter::rowset::RowSet;
use crate::trace::allocation::AllocationTable;
use crate::trace::time::Ticks;
use rayon::prelude::*;

/// Allocations by the moment that they are listed at. Those that are never freed are not listed.
#[derive(Debug)]
pub(super) struct Spanning {
    /// Rows, list after list, each ascending.
    rows: Vec<u32>,
    /// Start of each list, and the end of the last one. Moments are counted from 1; list 0 is empty.
    starts: Vec<usize>,
}

impl Spanning {
    pub fn new(
        table: &AllocationTable,
        filter: Option<&RowSet>,
        checkpoints: &[Checkpoint],
        cancel: Cancel<'_>,
    ) -> Result<Self, Cancelled> {
        let count = checkpoints.len();
        // For each run of rows between two checkpoints, the rows outstanding at the second, with the number of their list.
        let of_run = (0..count).into_par_iter().map(|at| {
            let mut listed: Vec<(u32, u32)> = Vec::new();
            let first = at.checked_sub(1).map_or(0, |last| checkpoints[last].row);
            for chunk in chunks(first..checkpoints[at].row) {
                if cancel() {
                    return Err(Cancelled);
                }
                for row in chunk.filter(|row| filter.is_none_or(|rows| rows.contains(*row))) {
                    let free = table.free_time[row];
                    if free >= checkpoints[at].time && free != Ticks::NEVER {
                        let last = at + checkpoints[at..].partition_point(|checkpoint| checkpoint.time <= free);
                        listed.push((list_of(at + 1, last) as u32, row as u32));
                    }
                }
            }
            Ok(listed)
        });
        let listed: Vec<Vec<(u32, u32)>> = of_run.collect::<Result<_, Cancelled>>()?;
        let mut starts = vec![0usize; count + 2];
        for (list, _) in listed.iter().flatten() {
            starts[*list as usize + 1] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut rows = vec![0u32; sum];
        for (list, row) in listed.into_iter().flatten() {
            let place = &mut next[list as usize];
            rows[*place] = row;
            *place += 1;
        }
        Ok(Self { rows, starts })
    }

    /// Lists that hold every row that is allocated before checkpoint `at`, which is the first `before` rows, and freed at or
    /// after it. They may hold rows that are freed earlier.
    pub fn lists(&self, at: usize, before: usize) -> Vec<&[u32]> {
        let moment = at + 1;
        let count = self.starts.len() - 2;
        let levels = moment.trailing_zeros()..usize::BITS - count.leading_zeros();
        let list = |level: u32| {
            let list = moment >> (level + 1) << (level + 1) | 1 << level;
            let rows = self.rows.get(*self.starts.get(list)?..*self.starts.get(list + 1)?)?;
            rows.get(..rows.partition_point(|row| (*row as usize) < before))
        };
        levels.filter_map(list).collect()
    }

    pub fn memory_bytes(&self) -> usize {
        size_of_val(self.rows.as_slice())
    }
}

/// The number with the most trailing zeros of `first..=last`, which are at least 1.
fn list_of(first: usize, last: usize) -> usize {
    let level = ((first - 1) ^ last).ilog2();
    last >> level << level
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_the_roundest_number_and_lies_on_the_way_to_every_number() {
        for first in 1..70usize {
            for last in first..70 {
                let list = list_of(first, last);
                assert!((first..=last).all(|n| n.trailing_zeros() <= list.trailing_zeros()), "{first} {last}");
                assert!((first..=last).contains(&list));
            }
        }
    }
}
