//! One pass over the rows that adds something up per cell. Few possible cells are a dense table, many a hash table; both
//! give the same.

use super::cells::Cells;
use super::parallel::{Cancel, Cancelled, fold_rows, plenty};
use crate::trace::allocation::AllocationTable;
use rustc_hash::FxHashMap;

/// Up to so many possible cells, every worker has a place for each.
pub const DENSE_CELLS: u64 = 1 << 15;

/// What is added up. Adding must commute.
pub trait Sum: Default + Clone + Send {
    /// Adds another sum.
    fn merge(&mut self, other: &Self);

    /// Whether nothing was added.
    fn is_empty(&self) -> bool;
}

/// A pass.
pub struct CellPass<'p> {
    /// The rows.
    pub table: &'p AllocationTable,
    /// Their cells.
    pub cells: &'p Cells,
}

impl CellPass<'_> {
    /// The cells that occur, with their sums, in no particular order. `classify` gives a row's place in tables by life
    /// type, or `None` to leave it out; `add` adds a row of that class.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] once `cancel` says so.
    pub fn run<T: Sum>(
        &self,
        classify: impl Fn(usize) -> Option<usize> + Sync + Send,
        add: impl Fn(&mut T, usize, usize) + Sync + Send,
        cancel: Cancel<'_>,
    ) -> Result<Vec<(u64, T)>, Cancelled> {
        if self.cells.count() <= DENSE_CELLS {
            self.dense(classify, add, cancel)
        } else {
            self.hashed(classify, add, cancel)
        }
    }

    fn dense<T: Sum>(
        &self,
        classify: impl Fn(usize) -> Option<usize> + Sync + Send,
        add: impl Fn(&mut T, usize, usize) + Sync + Send,
        cancel: Cancel<'_>,
    ) -> Result<Vec<(u64, T)>, Cancelled> {
        let cells = self.cells.count() as usize;
        let sums = fold_rows(
            self.table.len(),
            plenty(),
            cancel,
            Vec::new,
            |sums: &mut Vec<T>, range| {
                sums.resize(cells, T::default());
                for row in range {
                    if let Some(class) = classify(row)
                        && let Some(sum) = sums.get_mut(self.cells.cell(self.table, row, class) as usize)
                    {
                        add(sum, class, row);
                    }
                }
            },
            |mut a, b| {
                if a.is_empty() {
                    return b;
                }
                a.iter_mut().zip(&b).for_each(|(a, b)| a.merge(b));
                a
            },
        )?;
        let sums = sums.into_iter().enumerate();
        Ok(sums.filter(|(_, s)| !s.is_empty()).map(|(cell, s)| (cell as u64, s)).collect())
    }

    fn hashed<T: Sum>(
        &self,
        classify: impl Fn(usize) -> Option<usize> + Sync + Send,
        add: impl Fn(&mut T, usize, usize) + Sync + Send,
        cancel: Cancel<'_>,
    ) -> Result<Vec<(u64, T)>, Cancelled> {
        let sums = fold_rows(
            self.table.len(),
            rayon::current_num_threads(),
            cancel,
            Places::default,
            |sums: &mut Places<T>, range| {
                for row in range {
                    if let Some(class) = classify(row) {
                        add(sums.get(self.cells.cell(self.table, row, class)), class, row);
                    }
                }
            },
            |a, b| {
                let (mut large, small) = if a.list.len() < b.list.len() { (b, a) } else { (a, b) };
                for (cell, sum) in &small.list {
                    large.get(*cell).merge(sum);
                }
                large
            },
        )?;
        Ok(sums.list)
    }
}

/// Sums by cell.
struct Places<T> {
    of_cell: FxHashMap<u64, u32>,
    list: Vec<(u64, T)>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { of_cell: FxHashMap::default(), list: Vec::new() }
    }
}

impl<T: Sum> Places<T> {
    #[inline]
    fn get(&mut self, cell: u64) -> &mut T {
        let list = &mut self.list;
        let place = *self.of_cell.entry(cell).or_insert_with(|| {
            list.push((cell, T::default()));
            list.len() as u32 - 1
        });
        &mut list[place as usize].1
    }
}
