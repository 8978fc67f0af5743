//! From groups back to rows: which rows a group has, and the figures that are no sums (peaks, numbers of different values),
//! which need the rows once more. Four bytes per row; made only when asked for.

use super::figure::Figure;
use super::number::Number;
use super::table::Pivot;
use crate::column::cells::{Cells, OUTSIDE, class_of};
use crate::column::names::Names;
use crate::column::order::{EventOrder, within};
use crate::column::parallel::{Cancel, Cancelled};
use crate::select::rowset::RowSet;
use crate::trace::Trace;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::ops::Range;
use std::sync::Arc;

/// Not in any group, or not in any of the asked-for runs of groups.
const NONE: u32 = u32::MAX;

/// The group of every row.
#[derive(Debug)]
pub struct GroupRows {
    trace: Arc<Trace>,
    pivot: Arc<Pivot>,
    group_of_row: Vec<u32>,
}

impl GroupRows {
    /// Finds the group of every row. `rows`: the filter that the pivot was made with.
    #[must_use]
    pub fn new(names: &Names, pivot: &Arc<Pivot>, rows: Option<&RowSet>) -> Self {
        let trace = names.trace();
        let table = &trace.allocations;
        let cells = pivot.cell_of_group().iter().enumerate();
        let group_of_cell: FxHashMap<u64, u32> = cells.map(|(g, c)| (*c, g as u32)).collect();
        let group = |row: usize| {
            let class = class_of(pivot.view(), table, row);
            if class == OUTSIDE || rows.is_some_and(|rows| !rows.contains(row)) {
                return NONE;
            }
            let cell = pivot.cells().cell(table, row, class);
            group_of_cell.get(&cell).copied().unwrap_or(NONE)
        };
        let group_of_row = (0..table.len()).into_par_iter().map(group).collect();
        Self { trace: Arc::clone(trace), pivot: Arc::clone(pivot), group_of_row }
    }

    /// The rows of a run of groups.
    #[must_use]
    pub fn rows(&self, groups: &Range<u32>) -> RowSet {
        let row = |row: usize| self.group_of_row.get(row).is_some_and(|g| groups.contains(g));
        RowSet::from_fn(self.group_of_row.len(), row)
    }

    /// A figure that is no sum, for each of several runs of groups that do not overlap.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] once `cancel` says so.
    pub fn figures(
        &self,
        figure: Figure,
        runs: &[Range<u32>],
        names: &Names,
        order: &EventOrder,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Number>, Cancelled> {
        let mut run_of_group = vec![NONE; self.pivot.len()];
        for (at, run) in runs.iter().enumerate() {
            let groups = run_of_group.get_mut(run.start as usize..run.end as usize);
            groups.into_iter().flatten().for_each(|run| *run = at as u32);
        }
        let run_of_row = |row: usize| {
            let group = self.group_of_row.get(row).copied().unwrap_or(NONE);
            run_of_group.get(group as usize).copied().filter(|r| *r != NONE)
        };
        match figure {
            Figure::PeakSize => self.peaks(runs.len(), run_of_row, true, order, cancel),
            Figure::PeakCount => self.peaks(runs.len(), run_of_row, false, order, cancel),
            Figure::Unique(key) => {
                let cells = Cells::new(names, &[key]);
                self.unique(runs.len(), run_of_row, &cells, cancel)
            }
            _ => Ok(vec![Number::None; runs.len()]),
        }
    }

    /// The greatest amount alive at one moment of the view. Blocks from before the trace are alive from its start on.
    fn peaks(
        &self,
        runs: usize,
        run_of_row: impl Fn(usize) -> Option<u32>,
        by_size: bool,
        order: &EventOrder,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Number>, Cancelled> {
        let table = &self.trace.allocations;
        let view = self.pivot.view();
        let amount = |row: usize| {
            if by_size { i128::from(table.size[row]) } else { 1 }
        };
        let mut now = vec![0i128; runs];
        for row in 0..table.len() {
            if table.alloc_time[row] <= view.from
                && table.free_time[row] > view.from
                && let Some(run) = run_of_row(row)
            {
                now[run as usize] += amount(row);
            }
        }
        let mut peaks = now.clone();
        let mut frees = within(order.frees(), &table.free_time, view.from, view.to);
        let allocs = within(order.allocs(), &table.alloc_time, view.from, view.to);
        for (at, row) in allocs.iter().enumerate() {
            if at.is_multiple_of(1 << 16) && cancel() {
                return Err(Cancelled);
            }
            let time = table.alloc_time[*row as usize];
            // A free ends a block at its own tick, so those of this tick come first.
            while let Some((freed, rest)) = frees.split_first()
                && table.free_time[*freed as usize] <= time
            {
                frees = rest;
                if let Some(run) = run_of_row(*freed as usize) {
                    now[run as usize] -= amount(*freed as usize);
                }
            }
            if let Some(run) = run_of_row(*row as usize) {
                now[run as usize] += amount(*row as usize);
                peaks[run as usize] = peaks[run as usize].max(now[run as usize]);
            }
        }
        Ok(peaks.into_iter().map(Number::Int).collect())
    }

    /// The number of different values.
    fn unique(
        &self,
        runs: usize,
        run_of_row: impl Fn(usize) -> Option<u32> + Sync,
        cells: &Cells,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Number>, Cancelled> {
        let table = &self.trace.allocations;
        let view = self.pivot.view();
        let pair = |row| run_of_row(row).map(|r| (r, cells.cell(table, row, class_of(view, table, row))));
        let mut pairs: Vec<(u32, u64)> = (0..table.len()).into_par_iter().filter_map(pair).collect();
        if cancel() {
            return Err(Cancelled);
        }
        pairs.par_sort_unstable();
        pairs.dedup();
        let mut counts = vec![0i128; runs];
        for (run, _) in pairs {
            counts[run as usize] += 1;
        }
        Ok(counts.into_iter().map(Number::Int).collect())
    }
}
