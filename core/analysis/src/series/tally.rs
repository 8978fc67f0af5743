//! Which rows count for a curve, to which curve they belong, and where they begin and end to count.

use super::curve::{SeriesError, SeriesRequest};
use super::measure::Kind;
use crate::group::cells::{Cells, OUTSIDE, class_of};
use crate::group::names::Names;
use crate::group::parallel::{Cancel, Cancelled, fold_rows, plenty};
use crate::group::sums::{CellPass, Sum};
use crate::trace::allocation::AllocationTable;
use crate::trace::time::Ticks;
use rustc_hash::FxHashMap;

/// Up to so many possible cells, a table says which curve they belong to.
const DENSE_CELLS: u64 = 1 << 20;
/// No curve.
const NONE: u32 = u32::MAX;

/// What a combination of keys weighs: bytes or blocks that count in the view.
#[derive(Clone, Default)]
struct Weight {
    rows: u64,
    amount: u128,
}

impl Sum for Weight {
    fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.amount = self.amount.saturating_add(other.amount);
    }

    fn is_empty(&self) -> bool {
        self.rows == 0
    }
}

/// The rows as a request sees them.
pub(super) struct Tally<'t> {
    pub table: &'t AllocationTable,
    pub cells: &'t Cells,
    /// Number of contexts.
    pub contexts: usize,
    pub request: &'t SeriesRequest<'t>,
}

impl<'t> Tally<'t> {
    pub(super) fn new(names: &'t Names, cells: &'t Cells, request: &'t SeriesRequest<'t>) -> Self {
        let trace = names.trace();
        Self { table: &trace.allocations, cells, contexts: trace.attributes.rows().len(), request }
    }
}

impl Tally<'_> {
    /// Whether a row counts anywhere in the view.
    #[inline]
    pub(super) fn counts(&self, row: usize) -> bool {
        let request = self.request;
        let (from, to) = (request.view.from, request.view.to);
        let (alloc, free) = (self.table.alloc_time[row], self.table.free_time[row]);
        let known = alloc.is_known();
        let counts = match request.measure.kind {
            Kind::Outstanding => alloc <= to && free > from && (known || request.earlier),
            Kind::Cumulative => known && alloc <= to,
            Kind::Rate => known && from < alloc && alloc <= to,
        };
        counts && request.rows.is_none_or(|rows| rows.contains(row))
    }

    /// What a row adds.
    #[inline]
    pub(super) fn amount(&self, row: usize) -> u64 {
        if self.request.measure.by_count { 1 } else { self.table.size[row] }
    }

    #[inline]
    pub(super) fn cell(&self, row: usize) -> u64 {
        self.cells.cell(self.table, row, class_of(self.request.view, self.table, row))
    }

    /// When a row begins to count; a block from before the trace does from the beginning of time on.
    #[inline]
    pub(super) fn begin(&self, row: usize) -> Ticks {
        self.table.alloc_time[row]
    }

    /// The combinations of keys that count or belong to the view, heaviest first, equal ones in the order of their keys: cell, numbers.
    pub(super) fn ranked(&self, cancel: Cancel<'_>) -> Result<Vec<(u64, Vec<u32>)>, SeriesError> {
        let weights = if self.cells.of_context(0).is_some() { self.by_context(cancel)? } else { self.by_cell(cancel)? };
        let mut found: Vec<(u128, Vec<u32>, u64)> = weights
            .into_iter()
            .map(|(cell, weight)| {
                let mut ids = vec![0; self.request.keys.len()];
                self.cells.split(cell, &mut ids);
                (weight.amount, ids, cell)
            })
            .collect();
        found.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        Ok(found.into_iter().map(|(_, ids, cell)| (cell, ids)).collect())
    }

    /// Adds a row to what it weighs for. What belongs to the view has a curve as it has a row in the table, even one that
    /// is 0 throughout.
    #[inline]
    fn weigh(&self, weight: &mut Weight, class: usize, row: usize) {
        let request = self.request;
        let counts = self.counts(row);
        if counts || class != OUTSIDE && request.rows.is_none_or(|rows| rows.contains(row)) {
            weight.rows += 1;
        }
        if counts {
            weight.amount = weight.amount.saturating_add(self.amount(row).into());
        }
    }

    fn by_cell(&self, cancel: Cancel<'_>) -> Result<Vec<(u64, Weight)>, Cancelled> {
        let pass = CellPass { table: self.table, cells: self.cells };
        let mut weights = pass.run(
            |row| Some(class_of(self.request.view, self.table, row)),
            |weight: &mut Weight, class, row| self.weigh(weight, class, row),
            cancel,
        )?;
        weights.retain(|(_, weight)| weight.rows > 0);
        Ok(weights)
    }

    /// The same where the context alone decides about a row's cell.
    fn by_context(&self, cancel: Cancel<'_>) -> Result<Vec<(u64, Weight)>, Cancelled> {
        let (table, view) = (self.table, self.request.view);
        let outstanding = self.request.measure.kind == Kind::Outstanding;
        let weights = fold_rows(
            table.rows_allocated_by(view.to),
            plenty(),
            cancel,
            || vec![Weight::default(); self.contexts],
            |weights, range| {
                for row in range {
                    // What is gone before the view counts only for what is added up without ever being taken away.
                    if outstanding && table.free_time[row] < view.from {
                        continue;
                    }
                    if let Some(weight) = weights.get_mut(table.alloc_attributes[row].index()) {
                        self.weigh(weight, class_of(view, table, row), row);
                    }
                }
            },
            |mut a, b| {
                a.iter_mut().zip(&b).for_each(|(a, b)| a.merge(b));
                a
            },
        )?;
        let cells = (0..self.contexts).filter_map(|context| self.cells.of_context(context));
        let mut weights: Vec<(u64, Weight)> = cells.zip(weights).filter(|(_, weight)| weight.rows > 0).collect();
        weights.sort_unstable_by_key(|(cell, _)| *cell);
        weights.dedup_by(|later, first| {
            let same = later.0 == first.0;
            if same {
                first.1.merge(&later.1);
            }
            same
        });
        Ok(weights)
    }
}

/// Which curve a cell belongs to.
pub(super) enum CurveOf {
    Table(Vec<u32>),
    Map(FxHashMap<u64, u32>),
}

impl CurveOf {
    /// The first `top` cells have a curve each; the rest share the next one.
    pub(super) fn new(count: u64, ranked: &[(u64, Vec<u32>)], top: usize) -> Self {
        let curves = ranked.iter().enumerate().map(|(at, r)| (r.0, at.min(top) as u32));
        if count <= DENSE_CELLS {
            let mut table = vec![NONE; count as usize];
            for (cell, curve) in curves {
                if let Some(place) = table.get_mut(cell as usize) {
                    *place = curve;
                }
            }
            Self::Table(table)
        } else {
            Self::Map(curves.collect())
        }
    }

    #[inline]
    pub(super) fn get(&self, cell: u64) -> Option<usize> {
        let curve = match self {
            Self::Table(table) => table.get(cell as usize).copied(),
            Self::Map(map) => map.get(&cell).copied(),
        };
        curve.filter(|c| *c != NONE).map(|c| c as usize)
    }
}
