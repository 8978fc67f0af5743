//! The result of a pivot: one group per distinct combination of key values, in the order of the keys, with its aggregate.

use super::metric::{Metric, Value};
use super::sort::SortOrder;
use crate::filter::rowset::RowSet;
use crate::group::aggregate::{Aggregate, GroupAggregates, aggregates};
use crate::group::column::{KeyColumn, KeyValue};
use crate::group::column_values::ColumnValues;
use crate::group::group_by::GroupBy;
use crate::group::key::Key;
use crate::group::parallel::{Cancel, Cancelled, not_cancelled};
use crate::group::partition::Sorted;
use crate::group::range_sums::{RangeGroups, RangeSums};
use crate::trace::time::{Clock, TimeRange};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Request for a pivot.
#[derive(Clone, Copy)]
pub struct PivotRequest<'r> {
    /// Columns to group by, outermost first.
    pub keys: &'r [Key],
    /// The visible range; other rows are left out.
    pub visible_range: TimeRange,
    /// Only these rows.
    pub rows: Option<&'r RowSet>,
}

/// Groups and their aggregates.
#[derive(Debug)]
pub struct Pivot {
    keys: Vec<Key>,
    visible_range: TimeRange,
    clock: Clock,
    /// `keys.len()` column ids for each group, groups in ascending order of them.
    ids: Vec<u32>,
    aggregates: Vec<Aggregate>,
    total: Aggregate,
    /// False if the aggregates lack extremes.
    has_extremes: bool,
    group_by: Arc<GroupBy>,
    /// The group key of each group.
    group_keys: Vec<u64>,
}

/// Groups the rows of a trace.
///
/// # Errors
/// [`Cancelled`] if `cancel` returns `true`.
pub fn pivot(names: &ColumnValues, request: &PivotRequest<'_>, cancel: Cancel<'_>) -> Result<Pivot, Cancelled> {
    let PivotRequest { keys, visible_range, rows } = *request;
    let group_by = GroupBy::new(names, keys);
    let GroupAggregates { keys: group_keys, aggregates } =
        aggregates(names, &group_by, keys, visible_range, rows, cancel)?;
    let width = keys.len();
    let mut ids = vec![0u32; group_keys.len() * width];
    if width > 0 {
        let places = ids.par_chunks_mut(width).zip(&group_keys).with_min_len(1 << 10);
        places.for_each(|(ids, key)| group_by.write_ids(*key, ids));
    }
    let total = aggregates.par_chunks(1 << 14).map(Aggregate::sum).reduce(Aggregate::default, |mut sum, part| {
        sum.merge(&part);
        sum
    });
    let mut pivot = Pivot {
        keys: keys.to_vec(),
        visible_range,
        clock: names.trace().clock,
        ids,
        aggregates,
        total,
        has_extremes: true,
        group_by: Arc::new(group_by),
        group_keys,
    };
    if cancel() {
        return Err(Cancelled);
    }
    pivot.sort_groups();
    Ok(pivot)
}

/// Groups that were not made from the rows of one trace.
pub(crate) struct JoinedGroups {
    /// The key columns.
    pub(crate) keys: Vec<Key>,
    /// Their values.
    pub(crate) columns: Vec<Arc<KeyColumn>>,
    /// The column ids of each group, groups in ascending order of them.
    pub(crate) ids: Vec<u32>,
    /// The aggregate of each group.
    pub(crate) aggregates: Vec<Aggregate>,
}

/// Groups the rows of a visible range with the help of sums that were computed before: the result of [`pivot`] with the same
/// keys and rows, without extremes ([`Metric::is_extreme`]), in a time that hardly depends on the number of rows. `None` for
/// ranges that the sums do not serve.
///
/// # Errors
/// [`Cancelled`] if `cancel` returns `true`.
pub fn pivot_of_range(sums: &RangeSums, range: TimeRange, cancel: Cancel<'_>) -> Result<Option<Pivot>, Cancelled> {
    let Some(RangeGroups { ids, aggregates, group_keys }) = sums.groups(range, cancel)? else { return Ok(None) };
    Ok(Some(Pivot {
        keys: sums.keys().to_vec(),
        visible_range: range,
        clock: sums.names().trace().clock,
        total: Aggregate::sum(&aggregates),
        ids,
        aggregates,
        has_extremes: false,
        group_by: Arc::clone(sums.group_by()),
        group_keys,
    }))
}

impl Pivot {
    /// A pivot of groups that were not made from the rows of one trace; it has a tree and texts, and no rows.
    pub(crate) fn of_groups(groups: JoinedGroups, visible_range: TimeRange, clock: Clock) -> Self {
        let JoinedGroups { keys, columns, ids, aggregates } = groups;
        Self {
            keys,
            visible_range,
            clock,
            ids,
            total: Aggregate::sum(&aggregates),
            aggregates,
            has_extremes: true,
            group_by: Arc::new(GroupBy::of_columns(columns)),
            group_keys: Vec::new(),
        }
    }

    /// Puts the groups into ascending order of their column ids.
    fn sort_groups(&mut self) {
        let ids_of = |group: u32| self.ids(group as usize);
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        if order.par_windows(2).all(|pair| ids_of(pair[0]) <= ids_of(pair[1])) {
            return;
        }
        match self.ranks() {
            Some(ranks) => order = by_rank(&ranks, true),
            None => order.par_sort_unstable_by(|a, b| ids_of(*a).cmp(ids_of(*b))),
        }
        let order = order.par_iter().map(|group| *group as usize);
        let ids = order.clone().flat_map_iter(|group| self.ids(group).iter().copied()).collect();
        let aggregates = order.clone().map(|group| self.aggregates[group]).collect();
        let group_keys = order.map(|group| self.group_keys[group]).collect();
        (self.ids, self.aggregates, self.group_keys) = (ids, aggregates, group_keys);
    }

    /// A number for each group that is ordered as its column ids are; `None` if they have too many combinations for that.
    fn ranks(&self) -> Option<Vec<u64>> {
        let counts: Vec<u64> = self.columns().iter().map(|column| u64::from(column.count()).max(1)).collect();
        counts.iter().try_fold(1u64, |product, count| product.checked_mul(*count))?;
        let rank = |group: usize| {
            let digits = self.ids(group).iter().zip(&counts);
            digits.fold(0, |rank, (id, count)| rank * count + u64::from(*id))
        };
        Some((0..self.len()).into_par_iter().map(rank).collect())
    }

    /// The key columns.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The values of the key columns.
    #[must_use]
    pub fn columns(&self) -> &[Arc<KeyColumn>] {
        self.group_by.columns()
    }

    /// The visible range.
    #[must_use]
    pub fn visible_range(&self) -> TimeRange {
        self.visible_range
    }

    /// The clock of the trace, for metrics in seconds.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Number of groups.
    #[must_use]
    pub fn len(&self) -> usize {
        self.aggregates.len()
    }

    /// Returns `true` if no row was grouped.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.aggregates.is_empty()
    }

    /// The aggregate of all groups together.
    #[must_use]
    pub fn total(&self) -> &Aggregate {
        &self.total
    }

    /// The aggregates of all groups, in the order of the keys.
    #[must_use]
    pub fn aggregates(&self) -> &[Aggregate] {
        &self.aggregates
    }

    /// The aggregate of a run of groups.
    #[must_use]
    pub fn aggregate_of(&self, groups: &Range<u32>) -> Aggregate {
        let groups = self.aggregates.get(groups.start as usize..groups.end as usize);
        Aggregate::sum(groups.unwrap_or_default())
    }

    /// The column ids of a group.
    #[must_use]
    pub fn ids(&self, group: usize) -> &[u32] {
        let width = self.keys.len();
        self.ids.get(group * width..(group + 1) * width).unwrap_or(&[])
    }

    /// The value of a group in a key column, as exported to files.
    #[must_use]
    pub fn key_value(&self, group: usize, column: usize) -> KeyValue<'_> {
        match (self.columns().get(column), self.ids(group).get(column)) {
            (Some(column), Some(id)) => column.value(*id),
            _ => KeyValue::Null,
        }
    }

    /// The grouping, which gives the group key of a row.
    pub(crate) fn group_by(&self) -> &GroupBy {
        &self.group_by
    }

    /// The group key of each group, in the order of the keys.
    pub(crate) fn group_keys(&self) -> &[u64] {
        &self.group_keys
    }

    /// Returns `true` if the aggregates hold what the metric is computed from.
    #[must_use]
    pub fn knows(&self, metric: Metric) -> bool {
        metric.is_from_aggregate() && (self.has_extremes || !metric.is_extreme())
    }

    /// A metric of an aggregate of these groups; [`Value::None`] if the aggregates do not [know](Self::knows) it.
    #[must_use]
    pub fn value_of(&self, aggregate: &Aggregate, metric: Metric) -> Value {
        if self.knows(metric) { metric.of(aggregate, &self.clock) } else { Value::None }
    }

    /// A metric of a group, from its aggregate.
    #[must_use]
    pub fn value(&self, group: usize, metric: Metric) -> Value {
        self.aggregates.get(group).map_or(Value::None, |aggregate| self.value_of(aggregate, metric))
    }

    /// The groups sorted by metrics from aggregates, then by keys.
    #[must_use]
    pub fn sorted(&self, sort: impl Into<SortOrder>) -> Vec<u32> {
        self.sorted_by(sort, |group, metric| self.value(group, metric))
    }

    /// The groups sorted by metrics, then by keys.
    #[must_use]
    pub fn sorted_by(&self, sort: impl Into<SortOrder>, value_of: impl Fn(usize, Metric) -> Value + Sync) -> Vec<u32> {
        let sort = sort.into();
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        match (sort.first().metric, sort.first().ascending) {
            // Groups are in ascending order of keys.
            (None, true) => {}
            (None, false) => order.reverse(),
            (Some(metric), ascending) => {
                let rank = |group: u32| value_of(group as usize, metric).rank();
                let ranks: Option<Vec<u64>> = order.par_iter().map(|group| rank(*group)).collect();
                if let (Some(ranks), [_]) = (ranks, sort.levels()) {
                    return by_rank(&ranks, ascending);
                }
                order.par_sort_unstable_by(|a, b| {
                    let values = |metric| (value_of(*a as usize, metric), value_of(*b as usize, metric));
                    sort.order(values, a.cmp(b))
                });
            }
        }
        order
    }
}

/// The positions of numbers in ascending or descending order; of equal numbers the first comes first.
fn by_rank(ranks: &[u64], ascending: bool) -> Vec<u32> {
    let number = |item: &(u64, u32)| item.0;
    let item = |at: usize| ranks.get(at).map(|rank| (if ascending { *rank } else { !rank }, at as u32));
    let sorted = Sorted::new(ranks.len(), item, number, &not_cancelled);
    sorted.map_or_else(|Cancelled| Vec::new(), |sorted| sorted.parts().iter().flatten().map(|item| item.1).collect())
}
