//! Which rows count for a curve, to which curve they belong, and where they begin and end to count.

use super::curve::{SeriesError, SeriesRequest};
use super::measure::Kind;
use crate::column::cells::{Cells, OUTSIDE, class_of};
use crate::column::parallel::Cancel;
use crate::column::sums::{CellPass, Sum};
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
    pub request: &'t SeriesRequest<'t>,
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
        let pass = CellPass { table: self.table, cells: self.cells };
        // What belongs to the view has a curve as it has a row in the table, even one that is 0 throughout.
        let request = self.request;
        let classify = |row: usize| {
            let class = class_of(request.view, self.table, row);
            let in_table = class != OUTSIDE && request.rows.is_none_or(|rows| rows.contains(row));
            (in_table || self.counts(row)).then_some(class)
        };
        let add = |weight: &mut Weight, _: usize, row| {
            weight.rows += 1;
            if self.counts(row) {
                weight.amount = weight.amount.saturating_add(self.amount(row).into());
            }
        };
        let mut found: Vec<(u128, Vec<u32>, u64)> = pass
            .run(classify, add, cancel)?
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
