//! The result of a pivot: one group per distinct combination of key values, in the order of the keys, with its aggregate.

use super::metric::{Metric, Value};
use super::sort::SortOrder;
use crate::filter::rowset::RowSet;
use crate::group::aggregate::{Aggregate, aggregates};
use crate::group::column::{KeyColumn, KeyValue};
use crate::group::column_values::ColumnValues;
use crate::group::group_by::GroupBy;
use crate::group::key::Key;
use crate::group::parallel::{Cancel, Cancelled};
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
    group_by: GroupBy,
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
    let found = aggregates(names, &group_by, keys, visible_range, rows, cancel)?;
    let width = keys.len();
    let mut found_ids = vec![0u32; found.len() * width];
    if width > 0 {
        let places = found_ids.par_chunks_mut(width).zip(&found);
        places.for_each(|(ids, (key, _))| group_by.write_ids(*key, ids));
    }
    let ids_of = |group: u32| &found_ids[group as usize * width..][..width];
    let mut order: Vec<u32> = (0..found.len() as u32).collect();
    order.par_sort_unstable_by(|a, b| ids_of(*a).cmp(ids_of(*b)));
    let mut pivot = Pivot {
        keys: keys.to_vec(),
        visible_range,
        clock: names.trace().clock,
        ids: Vec::with_capacity(found_ids.len()),
        aggregates: Vec::with_capacity(found.len()),
        total: Aggregate::sum(found.iter().map(|(_, aggregate)| aggregate)),
        group_by,
        group_keys: Vec::with_capacity(found.len()),
    };
    for group in order {
        let (key, aggregate) = found[group as usize];
        pivot.ids.extend_from_slice(ids_of(group));
        pivot.aggregates.push(aggregate);
        pivot.group_keys.push(key);
    }
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
            group_by: GroupBy::of_columns(columns),
            group_keys: Vec::new(),
        }
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

    /// A metric of a group, from its aggregate.
    #[must_use]
    pub fn value(&self, group: usize, metric: Metric) -> Value {
        self.aggregates.get(group).map_or(Value::None, |aggregate| metric.of(aggregate, &self.clock))
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
            _ => order.par_sort_unstable_by(|a, b| {
                let values = |metric| (value_of(*a as usize, metric), value_of(*b as usize, metric));
                sort.order(values, a.cmp(b))
            }),
        }
        order
    }
}
