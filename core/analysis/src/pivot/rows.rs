//! From groups back to rows: which rows a group has, and the figures that do not follow from its sums (growth, peaks, numbers
//! of different values), which need the rows once more. Four bytes per row; made only when asked for.

use super::figure::Figure;
use super::number::Number;
use super::table::Pivot;
use crate::group::cells::{Cells, OUTSIDE, class_of};
use crate::group::names::Names;
use crate::group::order::EventOrder;
use crate::group::parallel::{Cancel, Cancelled};
use crate::filter::rowset::RowSet;
use crate::trace::Trace;
use crate::trace::growth::{GrowthScale, GrowthSum};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::ops::Range;
use std::sync::Arc;

/// Rows that one worker adds up at least: each brings a sum for every run of groups.
const GROWTH_ROWS: usize = 1 << 20;

/// No group, no run of groups.
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

    /// The groups.
    #[must_use]
    pub fn pivot(&self) -> &Arc<Pivot> {
        &self.pivot
    }

    /// The rows of a run of groups.
    #[must_use]
    pub fn rows(&self, groups: &Range<u32>) -> RowSet {
        let row = |row: usize| self.group_of_row.get(row).is_some_and(|g| groups.contains(g));
        RowSet::from_fn(self.group_of_row.len(), row)
    }

    /// A figure that is no sum, for each of several runs of groups, of which any two are apart or one lies within the other.
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
        let nest = Nest::new(runs, self.pivot.len());
        match figure {
            Figure::Growth => self.growth(&nest, cancel),
            Figure::PeakSize => self.peaks(&nest, true, order, cancel),
            Figure::PeakCount => self.peaks(&nest, false, order, cancel),
            Figure::Unique(key) => self.unique(&nest, &Cells::new(names, &[key]), cancel),
            _ => Ok(vec![Number::None; runs.len()]),
        }
    }

    /// The innermost run that a row is in.
    #[inline]
    fn run_of_row(&self, nest: &Nest, row: usize) -> Option<u32> {
        let group = self.group_of_row.get(row).copied().unwrap_or(NONE);
        nest.innermost.get(group as usize).copied().filter(|run| *run != NONE)
    }

    /// The greatest amount alive at one moment of the view. Blocks from before the trace are alive from its start on.
    fn peaks(
        &self,
        nest: &Nest,
        by_size: bool,
        order: &EventOrder,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Number>, Cancelled> {
        let table = &self.trace.allocations;
        let view = self.pivot.view();
        let amount = |row: usize| {
            if by_size { i128::from(table.size[row]) } else { 1 }
        };
        let mut now = vec![0i128; nest.outer.len()];
        for row in 0..table.rows_allocated_by(view.from) {
            if row.is_multiple_of(1 << 16) && cancel() {
                return Err(Cancelled);
            }
            if table.free_time[row] > view.from {
                nest.around(self.run_of_row(nest, row)).for_each(|run| now[run] += amount(row));
            }
        }
        let mut peaks = now.clone();
        let events = order.within(table, view.from, view.to);
        let mut frees = order.frees().get(events.frees).unwrap_or_default();
        for row in events.allocs {
            if row.is_multiple_of(1 << 16) && cancel() {
                return Err(Cancelled);
            }
            let time = table.alloc_time[row];
            // A free ends a block at its own tick, so those of this tick come first.
            while let Some((freed, rest)) = frees.split_first()
                && table.free_time[*freed as usize] <= time
            {
                frees = rest;
                let freed = *freed as usize;
                nest.around(self.run_of_row(nest, freed)).for_each(|run| now[run] -= amount(freed));
            }
            for run in nest.around(self.run_of_row(nest, row)) {
                now[run] += amount(row);
                peaks[run] = peaks[run].max(now[run]);
            }
        }
        Ok(nest.numbers(&peaks))
    }

    /// Growth over the part of the view that was recorded.
    fn growth(&self, nest: &Nest, cancel: Cancel<'_>) -> Result<Vec<Number>, Cancelled> {
        let table = &self.trace.allocations;
        let scale = GrowthScale::new(self.trace.recorded.analyzed(self.pivot.view()));
        let none = || vec![GrowthSum::default(); nest.outer.len()];
        let rows = (0..table.len()).into_par_iter().with_min_len(GROWTH_ROWS);
        let sums = rows.try_fold(none, |mut sums, row| {
            if row.is_multiple_of(1 << 16) && cancel() {
                return Err(Cancelled);
            }
            if let Some(run) = self.run_of_row(nest, row)
                && let Some(sum) = sums.get_mut(run as usize)
            {
                sum.add(scale.weigh(table.alloc_time[row], table.free_time[row], table.size[row]));
            }
            Ok(sums)
        });
        let sums = sums.try_reduce(none, |mut a, b| {
            a.iter_mut().zip(b).for_each(|(a, b)| a.add(b));
            Ok(a)
        })?;
        let mut with_inner = none();
        for (run, sum) in sums.into_iter().enumerate() {
            nest.around(Some(run as u32)).for_each(|outer| with_inner[outer].add(sum));
        }
        let clock = &self.trace.clock;
        let number = |same: &u32| {
            let sum = with_inner.get(*same as usize).copied().unwrap_or_default();
            Number::Float(scale.bytes_per_s(sum, clock))
        };
        Ok(nest.same.iter().map(number).collect())
    }

    /// The number of different values.
    fn unique(&self, nest: &Nest, cells: &Cells, cancel: Cancel<'_>) -> Result<Vec<Number>, Cancelled> {
        let table = &self.trace.allocations;
        let view = self.pivot.view();
        let pair = |row| self.run_of_row(nest, row).map(|r| (r, cells.cell(table, row, class_of(view, table, row))));
        let distinct = |mut pairs: Vec<(u32, u64)>| {
            pairs.par_sort_unstable();
            pairs.dedup();
            pairs
        };
        // First what each run has outside of those within it, which is far less than the rows.
        let own = distinct((0..table.len()).into_par_iter().filter_map(pair).collect());
        if cancel() {
            return Err(Cancelled);
        }
        let with_outer = own.into_iter().flat_map(|(r, cell)| nest.around(Some(r)).map(move |r| (r as u32, cell)));
        let mut counts = vec![0i128; nest.outer.len()];
        for (run, _) in distinct(with_outer.collect()) {
            counts[run as usize] += 1;
        }
        Ok(nest.numbers(&counts))
    }
}

/// Runs of groups of which some lie within others.
struct Nest {
    /// The innermost run of each group, or [`NONE`].
    innermost: Vec<u32>,
    /// The run around each run, or [`NONE`].
    outer: Vec<u32>,
    /// The first run with the same groups, for each run: only that one is added up.
    same: Vec<u32>,
}

impl Nest {
    fn new(runs: &[Range<u32>], groups: usize) -> Self {
        let mut order: Vec<usize> = (0..runs.len()).collect();
        // Those around others come before them, equal ones next to each other.
        order.sort_by_key(|at| (runs[*at].start, std::cmp::Reverse(runs[*at].end), *at));
        let mut nest =
            Self { innermost: vec![NONE; groups], outer: vec![NONE; runs.len()], same: vec![NONE; runs.len()] };
        let mut around: Vec<usize> = Vec::new();
        for at in order {
            let run = &runs[at];
            while around.last().is_some_and(|outer| runs[*outer].end <= run.start) {
                around.pop();
            }
            let outer = around.last().copied();
            if let Some(same) = outer.filter(|outer| runs[*outer] == *run) {
                nest.same[at] = same as u32;
                continue;
            }
            nest.same[at] = at as u32;
            nest.outer[at] = outer.map_or(NONE, |outer| outer as u32);
            let own = nest.innermost.get_mut(run.start as usize..run.end as usize);
            own.into_iter().flatten().for_each(|innermost| *innermost = at as u32);
            around.push(at);
        }
        nest
    }

    /// A run and those around it.
    #[inline]
    fn around(&self, run: Option<u32>) -> impl Iterator<Item = usize> + '_ {
        let outer = |run: &u32| self.outer.get(*run as usize).copied().filter(|outer| *outer != NONE);
        std::iter::successors(run, outer).map(|run| run as usize)
    }

    /// The figures of all runs, from those of the ones that were added up.
    fn numbers(&self, of_run: &[i128]) -> Vec<Number> {
        let number = |same: &u32| of_run.get(*same as usize).map_or(Number::Int(0), |n| Number::Int(*n));
        self.same.iter().map(number).collect()
    }
}
