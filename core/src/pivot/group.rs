//! One pass over the rows: the sums of every cell that occurs. Few possible cells are a dense table, many a hash table;
//! both give the same.

use super::cost::Cost;
use crate::column::cells::{Cells, OUTSIDE, class_of};
use crate::column::parallel::{Cancel, Cancelled, fold_rows, plenty};
use crate::select::rowset::RowSet;
use crate::trace::Trace;
use crate::trace::time::View;
use rustc_hash::FxHashMap;
use std::ops::Range;

/// Up to so many possible cells, every worker has a place for each.
const DENSE_CELLS: u64 = 1 << 15;

/// What to add up.
pub(super) struct Pass<'p> {
    /// The rows.
    pub trace: &'p Trace,
    /// Their cells.
    pub cells: &'p Cells,
    /// The view that classifies them.
    pub view: View,
    /// Only these rows.
    pub rows: Option<&'p RowSet>,
}

impl Pass<'_> {
    /// Calls `visit` with each row of the range that belongs to the view and the filter: cell, life type, row.
    #[inline]
    fn each(&self, range: Range<usize>, mut visit: impl FnMut(u64, usize, usize)) {
        let table = &self.trace.allocations;
        for row in range {
            if self.rows.is_some_and(|rows| !rows.contains(row)) {
                continue;
            }
            let class = class_of(self.view, table, row);
            if class != OUTSIDE {
                visit(self.cells.cell(table, row, class), class, row);
            }
        }
    }

    #[inline]
    fn add(&self, cost: &mut Cost, class: usize, row: usize) {
        let table = &self.trace.allocations;
        cost.add_row(
            class,
            table.size[row],
            table.alloc_time[row],
            table.free_time[row],
        );
    }

    /// The cells that occur, with their sums, in no particular order.
    pub(super) fn sum(&self, cancel: Cancel<'_>) -> Result<Vec<(u64, Cost)>, Cancelled> {
        if self.cells.count() <= DENSE_CELLS {
            self.sum_dense(cancel)
        } else {
            self.sum_hashed(cancel)
        }
    }

    fn sum_dense(&self, cancel: Cancel<'_>) -> Result<Vec<(u64, Cost)>, Cancelled> {
        let cells = self.cells.count() as usize;
        let sums = fold_rows(
            self.trace.allocations.len(),
            plenty(),
            cancel,
            Vec::new,
            |sums: &mut Vec<Cost>, range| {
                sums.resize(cells, Cost::default());
                self.each(range, |cell, class, row| {
                    if let Some(cost) = sums.get_mut(cell as usize) {
                        self.add(cost, class, row);
                    }
                });
            },
            |mut a, b| {
                if a.is_empty() {
                    return b;
                }
                a.iter_mut().zip(&b).for_each(|(a, b)| a.add(b));
                a
            },
        )?;
        let sums = sums.into_iter().enumerate();
        Ok(sums
            .filter(|(_, c)| c.count() > 0)
            .map(|(cell, c)| (cell as u64, c))
            .collect())
    }

    fn sum_hashed(&self, cancel: Cancel<'_>) -> Result<Vec<(u64, Cost)>, Cancelled> {
        let sums = fold_rows(
            self.trace.allocations.len(),
            rayon::current_num_threads(),
            cancel,
            Sums::default,
            |sums, range| {
                self.each(range, |cell, class, row| {
                    self.add(sums.get(cell), class, row)
                })
            },
            |a, b| {
                let (mut large, small) = if a.list.len() < b.list.len() {
                    (b, a)
                } else {
                    (a, b)
                };
                for (cell, cost) in &small.list {
                    large.get(*cell).add(cost);
                }
                large
            },
        )?;
        Ok(sums.list)
    }
}

/// Sums by cell.
#[derive(Default)]
struct Sums {
    places: FxHashMap<u64, u32>,
    list: Vec<(u64, Cost)>,
}

impl Sums {
    #[inline]
    fn get(&mut self, cell: u64) -> &mut Cost {
        let list = &mut self.list;
        let place = *self.places.entry(cell).or_insert_with(|| {
            list.push((cell, Cost::default()));
            list.len() as u32 - 1
        });
        &mut list[place as usize].1
    }
}
