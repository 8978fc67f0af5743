//! Values of all metrics for the groups and nodes of a pivot: from aggregates if possible, else in another pass over the rows
//! (growth, peaks, numbers of different values, and extremes that the aggregates lack). For that pass, [`Evaluator`] uses the
//! numbers of the groups that [`ColumnValues`] keeps, or else the group of each row (four bytes), and the order of events.

use super::metric::{Metric, MetricSource, Value};
use super::table::Pivot;
use super::tree::{NodeId, PivotTree};
use crate::filter::rowset::RowSet;
use crate::group::aggregate::{Aggregate, AggregateRow};
use crate::group::column_values::ColumnValues;
use crate::group::group_by::{GroupBy, GroupIds, GroupIndex, OUTSIDE, class_of};
use crate::group::key::Key;
use crate::group::parallel::{Cancel, Cancelled, fold_rows};
use crate::group::shared_event_order::SharedEventOrder;
use crate::trace::growth::{GrowthScale, GrowthSum};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Minimum number of rows that one worker adds up for growth, because each worker has a sum for every run of groups.
const GROWTH_ROWS: usize = 1 << 20;
/// Rows between two checks for cancellation.
const CHECK_ROWS: usize = 1 << 16;
/// No group, no run of groups.
const NONE: u32 = u32::MAX;

/// Computes metrics of the groups of a pivot.
pub struct Evaluator {
    names: Arc<ColumnValues>,
    pivot: Arc<Pivot>,
    filter: Option<Arc<RowSet>>,
    order: Arc<SharedEventOrder>,
    group_of_row: OnceLock<RowGroups>,
}

/// The groups of rows.
enum RowGroups {
    /// Of each row; [`NONE`] for rows without a group.
    Rows(Vec<u32>),
    /// By number of the group without its lifetime class, and by that class.
    Numbered(Arc<GroupIds>, Vec<[u32; OUTSIDE]>),
}

impl Evaluator {
    /// An evaluator of a pivot. `filter` is the rows of the pivot's request; `order` is shared by all evaluators of a trace and
    /// computed by the first that needs it.
    #[must_use]
    pub fn new(
        names: Arc<ColumnValues>,
        pivot: &Arc<Pivot>,
        filter: Option<Arc<RowSet>>,
        order: Arc<SharedEventOrder>,
    ) -> Self {
        Self { names, pivot: Arc::clone(pivot), filter, order, group_of_row: OnceLock::new() }
    }

    /// The trace and its texts.
    #[must_use]
    pub fn names(&self) -> &Arc<ColumnValues> {
        &self.names
    }

    /// The groups.
    #[must_use]
    pub fn pivot(&self) -> &Arc<Pivot> {
        &self.pivot
    }

    /// The values of a metric for each group, and for all groups together.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn group_values(&self, metric: Metric, cancel: Cancel<'_>) -> Result<(Vec<Value>, Value), Cancelled> {
        let pivot = &self.pivot;
        if pivot.knows(metric) {
            let groups = pivot.aggregates().iter().map(|group| metric.of(group, pivot.clock())).collect();
            return Ok((groups, metric.of(pivot.total(), pivot.clock())));
        }
        let count = pivot.len() as u32;
        let runs: Vec<Range<u32>> = (0..count).map(|group| group..group + 1).chain(std::iter::once(0..count)).collect();
        let mut values = self.values(metric, &runs, cancel)?;
        let total = values.pop().unwrap_or(Value::None);
        Ok((values, total))
    }

    /// The values of a metric for nodes of a tree.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn node_values(
        &self,
        metric: Metric,
        tree: &PivotTree,
        nodes: &[NodeId],
        cancel: Cancel<'_>,
    ) -> Result<Vec<Value>, Cancelled> {
        if self.pivot.knows(metric) {
            return Ok(nodes.iter().map(|node| tree.value(*node, metric)).collect());
        }
        let runs: Vec<Range<u32>> = nodes.iter().map(|node| tree.groups(*node)).collect();
        self.values(metric, &runs, cancel)
    }

    /// The values of a metric for runs of groups ([`PivotTree::groups`]). Any two runs are disjoint or nested, as those of the
    /// nodes of one tree.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn values(&self, metric: Metric, runs: &[Range<u32>], cancel: Cancel<'_>) -> Result<Vec<Value>, Cancelled> {
        let tree = || RunTree::new(runs, self.pivot.len());
        match metric.source() {
            MetricSource::Growth => self.growth(&tree(), cancel),
            MetricSource::PeakSize => self.peaks(&tree(), true, cancel),
            MetricSource::PeakCount => self.peaks(&tree(), false, cancel),
            MetricSource::Unique(Key::Address) if !self.names.trace().allocations.has_addresses() => {
                Ok(vec![Value::None; runs.len()])
            }
            MetricSource::Unique(key) => self.unique(&tree(), &GroupBy::new(&self.names, &[key]), cancel),
            MetricSource::Extreme if !self.pivot.knows(metric) => self.extremes(metric, &tree(), cancel),
            MetricSource::Aggregate | MetricSource::StackAggregate | MetricSource::Extreme => {
                Ok(runs.iter().map(|run| metric.of(&self.pivot.aggregate_of(run), self.pivot.clock())).collect())
            }
        }
    }

    /// The groups of rows.
    fn row_groups(&self, cancel: Cancel<'_>) -> Result<&RowGroups, Cancelled> {
        if let Some(known) = self.group_of_row.get() {
            return Ok(known);
        }
        let (table, pivot) = (&self.names.trace().allocations, &self.pivot);
        let keys = pivot.group_keys().iter().zip(0..).map(|(key, group)| (*key, group));
        let groups = GroupIndex::new(pivot.group_by().key_count(), keys);
        let of_key = |key: u64| groups.get(key).unwrap_or(NONE);
        let found = match self.names.group_ids(pivot.keys(), cancel)? {
            Some(ids) => {
                let key = |row: u32, class: usize| pivot.group_by().group_key(table, row as usize, class);
                let of_classes = |row: &u32| [0, 1, 2, 3].map(|class| of_key(key(*row, class)));
                let numbered = ids.representatives().iter().map(of_classes).collect();
                RowGroups::Numbered(ids, numbered)
            }
            None => {
                let group = |row: usize| {
                    if row.is_multiple_of(CHECK_ROWS) && cancel() {
                        return Err(Cancelled);
                    }
                    let class = class_of(pivot.visible_range(), table, row);
                    let is_left = class != OUTSIDE && self.is_in_filter(row);
                    Ok(if is_left { of_key(pivot.group_by().group_key(table, row, class)) } else { NONE })
                };
                RowGroups::Rows((0..table.len()).into_par_iter().map(group).collect::<Result<_, Cancelled>>()?)
            }
        };
        Ok(self.group_of_row.get_or_init(|| found))
    }

    #[inline]
    fn is_in_filter(&self, row: usize) -> bool {
        self.filter.as_ref().is_none_or(|rows| rows.contains(row))
    }

    /// The group of a row; [`NONE`] for rows without a group.
    #[inline]
    fn group_of(&self, groups: &RowGroups, row: usize) -> u32 {
        match groups {
            RowGroups::Rows(groups) => groups.get(row).copied().unwrap_or(NONE),
            RowGroups::Numbered(ids, groups) => {
                let class = class_of(self.pivot.visible_range(), &self.names.trace().allocations, row);
                if class == OUTSIDE || !self.is_in_filter(row) {
                    return NONE;
                }
                let number = ids.of_row().get(row).and_then(|number| groups.get(*number as usize));
                number.and_then(|groups| groups.get(class)).copied().unwrap_or(NONE)
            }
        }
    }

    /// Returns a function from a row to the innermost run with its group.
    pub(super) fn run_of_row<'r>(
        &'r self,
        runs: &'r RunTree,
        cancel: Cancel<'_>,
    ) -> Result<impl Fn(usize) -> Option<u32> + Sync + 'r, Cancelled> {
        let groups = self.row_groups(cancel)?;
        Ok(move |row| {
            let group = self.group_of(groups, row);
            runs.innermost.get(group as usize).copied().filter(|run| *run != NONE)
        })
    }

    /// Smallest and largest sizes, longest lifetimes.
    fn extremes(&self, metric: Metric, runs: &RunTree, cancel: Cancel<'_>) -> Result<Vec<Value>, Cancelled> {
        let table = &self.names.trace().allocations;
        let run_of_row = self.run_of_row(runs, cancel)?;
        let none = || vec![Aggregate::default(); runs.outer.len()];
        let merge = |mut a: Vec<Aggregate>, b: Vec<Aggregate>| {
            a.iter_mut().zip(&b).for_each(|(a, b)| a.merge(b));
            a
        };
        let rows = table.rows_allocated_by(self.pivot.visible_range().to);
        let visit = |sums: &mut Vec<Aggregate>, rows: Range<usize>| {
            for row in rows {
                // The class makes no difference to extremes.
                if let Some(sum) = run_of_row(row).and_then(|run| sums.get_mut(run as usize)) {
                    sum.add_row(0, AggregateRow::of(table, row));
                }
            }
        };
        let sums = fold_rows(rows, rayon::current_num_threads(), cancel, none, visit, merge)?;
        let mut with_inner = none();
        for (run, sum) in sums.iter().enumerate() {
            runs.around(Some(run as u32)).for_each(|outer| with_inner[outer].merge(sum));
        }
        let value =
            |same: &u32| with_inner.get(*same as usize).map_or(Value::None, |a| metric.of(a, self.pivot.clock()));
        Ok(runs.same.iter().map(value).collect())
    }

    /// Peaks of the outstanding bytes or number of rows in the visible range. Allocations from before the trace are outstanding
    /// from its start on.
    fn peaks(&self, runs: &RunTree, by_size: bool, cancel: Cancel<'_>) -> Result<Vec<Value>, Cancelled> {
        let table = &self.names.trace().allocations;
        let order = self.order.get_unless_cancelled(self.names.trace(), cancel)?;
        let visible_range = self.pivot.visible_range();
        let run_of_row = self.run_of_row(runs, cancel)?;
        let amount = |row: usize| {
            if by_size { i128::from(table.size.at(row)) } else { 1 }
        };
        let mut now = vec![0i128; runs.outer.len()];
        for row in 0..table.rows_allocated_by(visible_range.from) {
            if row.is_multiple_of(CHECK_ROWS) && cancel() {
                return Err(Cancelled);
            }
            if table.free_time[row] > visible_range.from {
                runs.around(run_of_row(row)).for_each(|run| now[run] += amount(row));
            }
        }
        let mut peaks = now.clone();
        let events = order.within(table, visible_range.from, visible_range.to);
        let mut frees = order.frees().get(events.frees).unwrap_or_default();
        for row in events.allocs {
            if row.is_multiple_of(CHECK_ROWS) && cancel() {
                return Err(Cancelled);
            }
            let time = table.alloc_time.at(row);
            // An allocation is no longer outstanding at the tick of its free, so that frees of this tick come first.
            while let Some((freed, rest)) = frees.split_first()
                && table.free_time[*freed as usize] <= time
            {
                frees = rest;
                let freed = *freed as usize;
                runs.around(run_of_row(freed)).for_each(|run| now[run] -= amount(freed));
            }
            for run in runs.around(run_of_row(row)) {
                now[run] += amount(row);
                peaks[run] = peaks[run].max(now[run]);
            }
        }
        Ok(runs.values(&peaks))
    }

    /// Growth over the part of the visible range that was recorded.
    fn growth(&self, runs: &RunTree, cancel: Cancel<'_>) -> Result<Vec<Value>, Cancelled> {
        if !self.names.trace().has_times() {
            return Ok(vec![Value::None; runs.same.len()]);
        }
        let table = &self.names.trace().allocations;
        let scale = GrowthScale::new(self.names.trace().recorded.analyzed(self.pivot.visible_range()));
        let run_of_row = self.run_of_row(runs, cancel)?;
        let none = || vec![GrowthSum::default(); runs.outer.len()];
        let rows = (0..table.len()).into_par_iter().with_min_len(GROWTH_ROWS);
        let sums = rows.try_fold(none, |mut sums, row| {
            if row.is_multiple_of(CHECK_ROWS) && cancel() {
                return Err(Cancelled);
            }
            if let Some(run) = run_of_row(row)
                && let Some(sum) = sums.get_mut(run as usize)
            {
                sum.add(scale.weigh(table.alloc_time.at(row), table.free_time[row], table.size.at(row)));
            }
            Ok(sums)
        });
        let sums = sums.try_reduce(none, |mut a, b| {
            a.iter_mut().zip(b).for_each(|(a, b)| a.add(b));
            Ok(a)
        })?;
        let mut with_inner = none();
        for (run, sum) in sums.into_iter().enumerate() {
            runs.around(Some(run as u32)).for_each(|outer| with_inner[outer].add(sum));
        }
        let clock = &self.names.trace().clock;
        let value = |same: &u32| {
            let sum = with_inner.get(*same as usize).copied().unwrap_or_default();
            Value::Float(scale.bytes_per_s(sum, clock))
        };
        Ok(runs.same.iter().map(value).collect())
    }

    /// The number of different values.
    fn unique(&self, runs: &RunTree, values: &GroupBy, cancel: Cancel<'_>) -> Result<Vec<Value>, Cancelled> {
        let table = &self.names.trace().allocations;
        let visible_range = self.pivot.visible_range();
        let run_of_row = self.run_of_row(runs, cancel)?;
        let pair =
            |row| run_of_row(row).map(|r| (r, values.group_key(table, row, class_of(visible_range, table, row))));
        let distinct = |mut pairs: Vec<(u32, u64)>| {
            pairs.par_sort_unstable();
            pairs.dedup();
            pairs
        };
        // First the values of each run without those of nested runs, which are far fewer than the rows.
        let own = distinct((0..table.len()).into_par_iter().filter_map(pair).collect());
        if cancel() {
            return Err(Cancelled);
        }
        let with_outer = own.into_iter().flat_map(|(r, key)| runs.around(Some(r)).map(move |r| (r as u32, key)));
        let mut counts = vec![0i128; runs.outer.len()];
        for (run, _) in distinct(with_outer.collect()) {
            counts[run as usize] += 1;
        }
        Ok(runs.values(&counts))
    }
}

/// Nested runs of groups.
pub(super) struct RunTree {
    /// The innermost run of each group, or [`NONE`].
    innermost: Vec<u32>,
    /// The enclosing run of each run, or [`NONE`].
    outer: Vec<u32>,
    /// The first run with the same groups, for each run; sums are computed for that one.
    same: Vec<u32>,
}

impl RunTree {
    /// Number of runs.
    pub(super) fn len(&self) -> usize {
        self.outer.len()
    }

    /// For each run the first one with the same groups.
    pub(super) fn same(&self) -> impl Iterator<Item = usize> + '_ {
        self.same.iter().map(|same| *same as usize)
    }

    pub(super) fn new(runs: &[Range<u32>], groups: usize) -> Self {
        let mut order: Vec<usize> = (0..runs.len()).collect();
        // Enclosing runs come before nested ones, equal ones are adjacent.
        order.sort_by_key(|at| (runs[*at].start, std::cmp::Reverse(runs[*at].end), *at));
        let mut tree =
            Self { innermost: vec![NONE; groups], outer: vec![NONE; runs.len()], same: vec![NONE; runs.len()] };
        let mut around: Vec<usize> = Vec::new();
        for at in order {
            let run = &runs[at];
            while around.last().is_some_and(|outer| runs[*outer].end <= run.start) {
                around.pop();
            }
            let outer = around.last().copied();
            if let Some(same) = outer.filter(|outer| runs[*outer] == *run) {
                tree.same[at] = same as u32;
                continue;
            }
            tree.same[at] = at as u32;
            tree.outer[at] = outer.map_or(NONE, |outer| outer as u32);
            let own = tree.innermost.get_mut(run.start as usize..run.end as usize);
            own.into_iter().flatten().for_each(|innermost| *innermost = at as u32);
            around.push(at);
        }
        tree
    }

    /// A run and its enclosing runs.
    #[inline]
    pub(super) fn around(&self, run: Option<u32>) -> impl Iterator<Item = usize> + '_ {
        let outer = |run: &u32| self.outer.get(*run as usize).copied().filter(|outer| *outer != NONE);
        std::iter::successors(run, outer).map(|run| run as usize)
    }

    /// The values of all runs, from those of the runs that sums were computed for.
    fn values(&self, of_run: &[i128]) -> Vec<Value> {
        let value = |same: &u32| of_run.get(*same as usize).map_or(Value::Int(0), |n| Value::Int(*n));
        self.same.iter().map(value).collect()
    }
}
