//! The rows that count for a series, and the groups that have a curve of their own, with their order.

use super::curve::{Points, SeriesError, SeriesKind, SeriesRequest, amounts, series};
use super::scan::decimate_highest;
use crate::group::aggregate::Total;
use crate::group::column_values::ColumnValues;
use crate::group::event_order::EventOrder;
use crate::group::group_by::{GroupBy, GroupIds, GroupIndex, OUTSIDE, class_of};
use crate::group::parallel::{Cancel, Cancelled};
use crate::trace::allocation::AllocationTable;
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::sync::Arc;

/// Number of points at which outstanding curves are compared, and upper bound on the values of a comparison.
const RANKING_POINTS: usize = 17;
const RANKING_VALUES: usize = 1 << 22;
/// Upper bound on the groups whose curves are compared by peak; of more, those with the largest sums have a curve of their own.
pub const MAX_COMPARED_GROUPS: usize = RANKING_VALUES / RANKING_POINTS;
/// Upper bound on the groups that are compared by exact peaks; of more, those with the largest sums are compared.
pub const MAX_PEAK_GROUPS: usize = 4096;
/// Number of points at which other curves than outstanding ones are compared.
const PEAK_POINTS: usize = 65;
/// Group key of a group without rows.
const NO_KEY: u64 = u64::MAX;

/// The rows that count for a request.
pub(super) struct CurveRows<'r> {
    names: &'r ColumnValues,
    pub table: &'r AllocationTable,
    pub group_by: GroupBy,
    pub request: SeriesRequest<'r>,
}

impl<'r> CurveRows<'r> {
    pub(super) fn new(names: &'r ColumnValues, request: SeriesRequest<'r>) -> Self {
        Self { names, table: &names.trace().allocations, group_by: GroupBy::new(names, request.keys), request }
    }

    /// The numbers of the groups, if these depend on stacks or sizes but not on the visible range, and are few enough.
    pub(super) fn ids(&self, cancel: Cancel<'_>) -> Result<Option<Arc<GroupIds>>, Cancelled> {
        let keys = self.request.keys;
        if keys.iter().any(|key| key.depends_on_range()) || self.group_by.keys_of_attributes().is_some() {
            return Ok(None);
        }
        self.names.group_ids(keys, cancel)
    }

    /// Returns `true` if a row counts at any time of the visible range.
    #[inline]
    pub(super) fn counts(&self, row: usize) -> bool {
        let request = &self.request;
        let (from, to) = (request.visible_range.from, request.visible_range.to);
        let (alloc, free) = (self.table.alloc_time.at(row), self.table.free_time[row]);
        let is_known = alloc.is_known();
        let counts = match request.metric.kind {
            SeriesKind::Outstanding => alloc <= to && free > from && (is_known || request.include_preexisting),
            SeriesKind::Cumulative => is_known && alloc <= to,
            SeriesKind::Rate => is_known && from < alloc && alloc <= to,
        };
        counts && self.is_selected(row)
    }

    #[inline]
    fn is_selected(&self, row: usize) -> bool {
        self.request.rows.is_none_or(|rows| rows.contains(row))
    }

    /// The amount of a row.
    #[inline]
    pub(super) fn amount(&self, row: usize) -> u64 {
        if self.request.metric.by_count { 1 } else { self.table.size.at(row) }
    }

    /// The group key of a row.
    #[inline]
    pub(super) fn group_key(&self, row: usize) -> u64 {
        self.group_by.group_key(self.table, row, class_of(self.request.visible_range, self.table, row))
    }

    /// The groups with rows that count or belong to the visible range, by sum (largest first), then by keys. A group that belongs
    /// to the range has a row in the table and therefore a curve, even if it is 0 throughout.
    fn groups(&self, cancel: Cancel<'_>) -> Result<Vec<Group>, Cancelled> {
        let (table, visible_range) = (self.table, self.request.visible_range);
        let is_outstanding = self.request.metric.kind == SeriesKind::Outstanding;
        // Rows freed before the range count for cumulative values only.
        let classify = |row: usize| {
            let is_gone = is_outstanding && table.free_time[row] < visible_range.from;
            (!is_gone).then(|| class_of(visible_range, table, row))
        };
        // For each group the rows that count, and those that only belong to the range.
        let add = |[counted, other]: &mut [Total; 2], class, row: usize| {
            if self.counts(row) {
                counted.add(table.size.at(row));
            } else if class != OUTSIDE && self.is_selected(row) {
                other.add(0);
            }
        };
        let rows = table.rows_allocated_by(visible_range.to);
        let sums = match self.ids(cancel)? {
            Some(ids) => self.group_by.sum_numbered(&ids, table, rows, classify, add, cancel)?,
            None => self.group_by.sum_rows(table, rows, classify, add, cancel)?,
        };
        let weight = |counted: Total| if self.request.metric.by_count { counted.count } else { counted.bytes };
        let group = |(key, [counted, _]): (u64, [Total; 2])| {
            let mut ids = vec![0; self.request.keys.len()];
            self.group_by.write_ids(key, &mut ids);
            (weight(counted), Group { key, ids })
        };
        let mut groups: Vec<(u64, Group)> = sums.into_iter().map(group).collect();
        groups.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.ids.cmp(&b.1.ids)));
        Ok(groups.into_iter().map(|(_, group)| group).collect())
    }
}

/// A group that may have a curve: its key, and its ids in the key columns.
#[derive(Clone, Default, Debug)]
pub(super) struct Group {
    pub key: u64,
    pub ids: Vec<u32>,
}

/// The groups in the order of their curves.
pub(super) struct SeriesSelection {
    /// The groups; those without a curve of their own are last.
    pub groups: Vec<Group>,
    /// Number of groups with a curve of their own.
    pub own: usize,
    /// There are too many groups to compare by peak, and not all have a curve.
    pub is_chosen_by_sum: bool,
}

impl SeriesSelection {
    pub(super) fn new(rows: &CurveRows<'_>, cancel: Cancel<'_>) -> Result<Self, SeriesError> {
        let groups = rows.groups(cancel)?;
        if let Some(chosen) = rows.request.chosen {
            return Ok(Self::chosen(groups, chosen));
        }
        let is_compared = rows.request.metric.kind == SeriesKind::Outstanding;
        let by_sum = is_compared && groups.len() > MAX_COMPARED_GROUPS;
        let groups = if is_compared && !by_sum { by_greatest_value(rows, groups, cancel)? } else { groups };
        let own = rows.request.top.unwrap_or(usize::MAX).min(groups.len());
        let is_chosen_by_sum = by_sum && own < groups.len();
        Ok(Self { groups, own, is_chosen_by_sum })
    }

    /// The groups with the largest sums have a curve of their own, at most `top`.
    pub(super) fn heaviest(rows: &CurveRows<'_>, top: usize, cancel: Cancel<'_>) -> Result<Self, SeriesError> {
        let groups = rows.groups(cancel)?;
        let own = top.min(groups.len());
        let is_chosen_by_sum = own < groups.len();
        Ok(Self { groups, own, is_chosen_by_sum })
    }

    /// Reorders the groups with a curve by `positions`, of which the first `own` keep theirs, and returns the new number of each
    /// former curve. Without positions, the order is unchanged.
    pub(super) fn reorder(&mut self, positions: &[usize], own: usize) -> Vec<u32> {
        let mut number = vec![own as u32; self.curves()];
        let mut first = Vec::with_capacity(own);
        for (at, position) in positions.iter().take(own).enumerate() {
            number[*position] = at as u32;
            first.push(std::mem::take(&mut self.groups[*position]));
        }
        let left = std::mem::take(&mut self.groups).into_iter().enumerate();
        let others = left.filter(|(at, _)| number.get(*at).is_none_or(|n| *n == own as u32)).map(|(_, group)| group);
        self.groups = first.into_iter().chain(others.collect::<Vec<_>>()).collect();
        self.own = own;
        number
    }

    fn chosen(found: Vec<Group>, chosen: &[Vec<u32>]) -> Self {
        let mut position: FxHashMap<&[u32], usize> = FxHashMap::default();
        for (at, ids) in chosen.iter().enumerate() {
            position.entry(ids).or_insert(at);
        }
        let mut groups: Vec<Group> = chosen.iter().map(|ids| Group { key: NO_KEY, ids: ids.clone() }).collect();
        let mut others = Vec::new();
        for group in found {
            match position.get(group.ids.as_slice()).and_then(|at| groups.get_mut(*at)) {
                Some(own) => own.key = group.key,
                None => others.push(group),
            }
        }
        groups.extend(others);
        Self { groups, own: chosen.len(), is_chosen_by_sum: false }
    }

    /// Number of curves.
    pub(super) fn curves(&self) -> usize {
        self.own + usize::from(self.others() > 0)
    }

    /// Number of groups in the combined curve.
    pub(super) fn others(&self) -> usize {
        self.groups.len() - self.own
    }

    /// The curve of each group key.
    pub(super) fn index(&self, rows: &CurveRows<'_>) -> GroupIndex {
        curve_index(rows, &self.groups, self.own)
    }
}

/// Curves by group key: the first `own` groups have one each, all others share the next one.
fn curve_index(rows: &CurveRows<'_>, groups: &[Group], own: usize) -> GroupIndex {
    let curves = groups.iter().enumerate().map(|(at, group)| (group.key, at.min(own) as u32));
    GroupIndex::new(rows.group_by.key_count(), curves)
}

/// Sorts the groups by the maximum of their curves at a few points of the visible range, because groups of short-lived allocations
/// have a large sum but low curves. The sort is stable.
fn by_greatest_value(rows: &CurveRows<'_>, groups: Vec<Group>, cancel: Cancel<'_>) -> Result<Vec<Group>, SeriesError> {
    let points = Points::new(rows.request.visible_range, RANKING_POINTS);
    let curve_of = curve_index(rows, &groups, groups.len());
    let amounts = amounts(rows, &curve_of, &points, groups.len(), cancel)?;
    let greatest = amounts.chunks(RANKING_POINTS).map(|own| own.iter().copied().max());
    let mut weighed: Vec<_> = greatest.zip(groups).collect();
    weighed.sort_by_key(|(greatest, _)| Reverse(*greatest));
    Ok(weighed.into_iter().map(|(_, group)| group).collect())
}

/// The groups with the highest peaks in the visible range, highest first, then by sum; at most `request.top`, to be drawn as
/// [`SeriesRequest::chosen`]. Of more than [`MAX_PEAK_GROUPS`] groups, those with the largest sums are compared. `order` is
/// called only if the metric needs it.
///
/// # Errors
/// [`Cancelled`] if `cancel` returns `true`.
pub fn highest_groups<'o>(
    names: &ColumnValues,
    request: &SeriesRequest<'_>,
    order: impl FnOnce() -> Result<&'o EventOrder, Cancelled>,
    cancel: Cancel<'_>,
) -> Result<Vec<Vec<u32>>, SeriesError> {
    if request.metric.kind == SeriesKind::Outstanding {
        let drawn = decimate_highest(names, &SeriesRequest { points: 2, ..*request }, order()?, cancel)?;
        return Ok(drawn.set.curves.into_iter().filter_map(|curve| curve.ids).collect());
    }
    let coarse = SeriesRequest { points: PEAK_POINTS, top: Some(MAX_PEAK_GROUPS), chosen: None, ..*request };
    let set = series(names, &coarse, cancel)?;
    let mut curves: Vec<_> = set.curves.into_iter().filter(|curve| curve.ids.is_some()).collect();
    curves.sort_by_key(|curve| Reverse(curve.amounts.iter().copied().max()));
    let ids = curves.into_iter().filter_map(|curve| curve.ids);
    Ok(ids.take(request.top.unwrap_or(usize::MAX)).collect())
}
