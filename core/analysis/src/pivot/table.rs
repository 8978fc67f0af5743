//! The result of a pivot: one group per distinct combination of keys, ordered by the keys, with its sums.

use super::combined;
use super::cost::{Cost, CostRow};
use super::figure::{Figure, Scale};
use super::number::Number;
use super::sort::SortOrder;
use crate::group::cells::{Cells, OUTSIDE, class_of};
use crate::group::key::Key;
use crate::group::names::Names;
use crate::group::parallel::{Cancel, Cancelled};
use crate::group::sums::{CellPass, DENSE_CELLS, Sum};
use crate::group::values::{KeyColumn, Value};
use crate::filter::rowset::RowSet;
use crate::trace::time::TimeRange;
use rayon::prelude::*;
use std::sync::Arc;

impl Sum for Cost {
    fn merge(&mut self, other: &Self) {
        self.add(other);
    }

    fn is_empty(&self) -> bool {
        self.count() == 0
    }
}

/// What to group, and how.
#[derive(Clone, Copy)]
pub struct PivotRequest<'r> {
    /// By which columns, outermost first.
    pub keys: &'r [Key],
    /// Relative to which view.
    pub view: TimeRange,
    /// Only these rows.
    pub rows: Option<&'r RowSet>,
}

/// Why there is no result.
pub type PivotError = Cancelled;

/// Groups and their sums.
#[derive(Debug)]
pub struct Pivot {
    keys: Vec<Key>,
    columns: Vec<Arc<KeyColumn>>,
    view: TimeRange,
    scale: Scale,
    /// `keys.len()` numbers for each group, groups in ascending order of them.
    ids: Vec<u32>,
    costs: Vec<Cost>,
    total: Cost,
    cells: Cells,
    /// The cell of each group.
    cell_of_group: Vec<u64>,
}

/// Groups the rows of a trace.
///
/// # Errors
///
/// [`Cancelled`] once `cancel` says so.
pub fn pivot(names: &Names, request: &PivotRequest<'_>, cancel: Cancel<'_>) -> Result<Pivot, PivotError> {
    let cells = Cells::new(names, request.keys);
    let trace = names.trace();
    let table = &trace.allocations;
    let classify = |row: usize| {
        let class = class_of(request.view, table, row);
        let taken = class != OUTSIDE && request.rows.is_none_or(|rows| rows.contains(row));
        taken.then_some(class)
    };
    let add = |cost: &mut Cost, class, row: usize| {
        cost.add_row(class, CostRow::of(table, row));
    };
    // Many combinations are numbered once, so that later views of the same columns need not look for them.
    let combos = if cells.count() > DENSE_CELLS { names.combos(request.keys, cancel)? } else { None };
    let sums = match combos {
        Some(combos) => combined::sums(table, &cells, &combos, request, cancel)?,
        None => CellPass { table, cells: &cells }.run(classify, add, cancel)?,
    };
    let width = request.keys.len();
    let mut split = vec![0u32; sums.len() * width];
    if width > 0 {
        let places = split.par_chunks_mut(width).zip(&sums);
        places.for_each(|(ids, (cell, _))| cells.split(*cell, ids));
    }
    let key = |group: u32| &split[group as usize * width..][..width];
    let mut order: Vec<u32> = (0..sums.len() as u32).collect();
    order.par_sort_unstable_by(|a, b| key(*a).cmp(key(*b)));
    let mut ids = Vec::with_capacity(split.len());
    let mut costs = Vec::with_capacity(sums.len());
    let mut total = Cost::default();
    let mut cell_of_group = Vec::with_capacity(sums.len());
    for group in order {
        ids.extend_from_slice(key(group));
        let (cell, cost) = sums[group as usize];
        cell_of_group.push(cell);
        total.add(&cost);
        costs.push(cost);
    }
    let ticks_per_second = trace.clock.ticks_per_second;
    Ok(Pivot {
        keys: request.keys.to_vec(),
        columns: cells.columns().to_vec(),
        view: request.view,
        scale: Scale { ticks_per_second },
        ids,
        costs,
        total,
        cells,
        cell_of_group,
    })
}

impl Pivot {
    /// The key columns.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The key columns' values.
    #[must_use]
    pub fn columns(&self) -> &[Arc<KeyColumn>] {
        &self.columns
    }

    /// The view that the sums are relative to.
    #[must_use]
    pub fn view(&self) -> TimeRange {
        self.view
    }

    /// What figures need to know beside the sums.
    #[must_use]
    pub fn scale(&self) -> &Scale {
        &self.scale
    }

    /// Number of groups.
    #[must_use]
    pub fn len(&self) -> usize {
        self.costs.len()
    }

    /// Whether no row matched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.costs.is_empty()
    }

    /// Sums over all groups.
    #[must_use]
    pub fn total(&self) -> &Cost {
        &self.total
    }

    /// Sums of all groups, in the order of the keys.
    #[must_use]
    pub fn costs(&self) -> &[Cost] {
        &self.costs
    }

    /// The numbers of a group in the key columns.
    #[must_use]
    pub fn ids(&self, group: usize) -> &[u32] {
        let width = self.keys.len();
        self.ids.get(group * width..(group + 1) * width).unwrap_or(&[])
    }

    /// What a file shows of a group in a key column.
    #[must_use]
    pub fn value(&self, group: usize, column: usize) -> Value<'_> {
        match (self.columns.get(column), self.ids(group).get(column)) {
            (Some(column), Some(id)) => column.value(*id),
            _ => Value::Null,
        }
    }

    /// The grouping: which cell each row is in.
    #[must_use]
    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    /// The cell of each group, in the order of the keys.
    #[must_use]
    pub fn cell_of_group(&self) -> &[u64] {
        &self.cell_of_group
    }

    /// A figure of a group.
    #[must_use]
    pub fn figure(&self, group: usize, figure: Figure) -> Number {
        self.costs.get(group).map_or(Number::None, |cost| figure.of(cost, &self.scale))
    }

    /// The groups in the order of a figure that follows from sums; equal ones in the order of the keys.
    #[must_use]
    pub fn sorted(&self, sort: impl Into<SortOrder>) -> Vec<u32> {
        self.sorted_by(sort, |group, figure| self.figure(group, figure))
    }

    /// The groups in the order of figures; equal ones in the order of the keys.
    #[must_use]
    pub fn sorted_by(
        &self,
        sort: impl Into<SortOrder>,
        figure_of: impl Fn(usize, Figure) -> Number + Sync,
    ) -> Vec<u32> {
        let sort = sort.into();
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        match (sort.first().figure, sort.first().ascending) {
            // Ascending by keys is how they are kept.
            (None, true) => {}
            (None, false) => order.reverse(),
            _ => order.par_sort_unstable_by(|a, b| {
                let figures = |f| (figure_of(*a as usize, f), figure_of(*b as usize, f));
                sort.order(figures, a.cmp(b))
            }),
        }
        order
    }
}
