//! Curves with values at points: each row adds differences at two points, which are found by arithmetic; values are running sums.

use super::selection::{CurveRows, SeriesSelection};
use crate::filter::rowset::RowSet;
use crate::group::column::KeyColumn;
use crate::group::column_values::ColumnValues;
use crate::group::group_by::GroupIndex;
use crate::group::key::{Key, nearest};
use crate::group::parallel::{Cancel, Cancelled, fold_rows};
use crate::pivot::metric::Value;
use crate::trace::time::{Clock, Ticks, TimeRange};
use std::str::FromStr;
use std::sync::Arc;

/// The kind of values.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SeriesKind {
    /// Allocations with allocation time <= t < free time.
    Outstanding,
    /// Allocations with allocation time <= t, freed or not.
    Cumulative,
    /// Allocations since the previous point, per second; 0 at the first point.
    Rate,
}

/// The metric of a series.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SeriesMetric {
    /// The kind of values.
    pub kind: SeriesKind,
    /// True for the number of allocations instead of their bytes.
    pub by_count: bool,
}

/// Names on the command line.
const NAMES: [(&str, SeriesMetric); 6] = [
    ("outstanding", SeriesMetric { kind: SeriesKind::Outstanding, by_count: false }),
    ("cumulative", SeriesMetric { kind: SeriesKind::Cumulative, by_count: false }),
    ("rate", SeriesMetric { kind: SeriesKind::Rate, by_count: false }),
    ("count", SeriesMetric { kind: SeriesKind::Outstanding, by_count: true }),
    ("cumulative_count", SeriesMetric { kind: SeriesKind::Cumulative, by_count: true }),
    ("rate_count", SeriesMetric { kind: SeriesKind::Rate, by_count: true }),
];

impl SeriesMetric {
    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|n| n.1 == self).map_or("", |n| n.0)
    }
}

impl FromStr for SeriesMetric {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = NAMES.iter().find(|n| n.0 == text).map(|n| n.1);
        found.ok_or_else(|| {
            let near = nearest(text, NAMES.iter().map(|n| n.0));
            let hint = near.map_or_else(String::new, |n| format!("; did you mean '{n}'?"));
            format!("there is no measure '{text}'{hint}")
        })
    }
}

/// Upper bound on the values of a result, and on those that all workers together use in between.
pub(super) const MAX_VALUES: usize = 1 << 25;
const SHARED_VALUES: usize = 1 << 23;

/// The curves to draw.
#[derive(Clone, Copy)]
pub struct SeriesRequest<'r> {
    /// One curve per group by these columns.
    pub keys: &'r [Key],
    /// The metric of the curves.
    pub metric: SeriesMetric,
    /// The visible range. Allocations outside of it count as well.
    pub visible_range: TimeRange,
    /// Number of points, both ends of the range included.
    pub points: usize,
    /// Only these rows.
    pub rows: Option<&'r RowSet>,
    /// Outstanding values include allocations from before the trace, from its start on.
    pub include_preexisting: bool,
    /// Upper bound on the number of curves; all other groups are combined in one more. Outstanding curves are ranked by their
    /// peak, the others by their sum.
    pub top: Option<usize>,
    /// The groups with a curve, by their ids in the key columns and in this order, also if they have no rows; all others are
    /// combined in one more. No group may occur twice. `top` is ignored then.
    pub chosen: Option<&'r [Vec<u32>]>,
}

/// Error of a series.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SeriesError {
    /// The work was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The result would not fit in memory.
    #[error(
        "{curves} curves by {keys} with {points} points each are too many (at most {MAX_VALUES} values): group by fewer columns, \
         filter, ask for the largest curves only (--top), or for fewer points"
    )]
    TooMany {
        /// The columns whose groups have a curve each.
        keys: String,
        /// Number of curves.
        curves: usize,
        /// Number of points.
        points: usize,
    },
}

pub(super) fn too_many(keys: &[Key], curves: usize, points: usize) -> SeriesError {
    let names: Vec<&str> = keys.iter().map(|key| key.name()).collect();
    let keys = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    SeriesError::TooMany { keys, curves, points }
}

impl From<Cancelled> for SeriesError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// One curve.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Curve {
    /// Ids in the key columns; `None` for the combined curve of all other groups.
    pub ids: Option<Vec<u32>>,
    /// Bytes or allocations at each point; for a rate, those since the previous point.
    pub amounts: Vec<i128>,
}

/// Curves.
#[derive(Debug)]
pub struct SeriesSet {
    /// The key columns.
    pub keys: Vec<Key>,
    /// Their values.
    pub columns: Vec<Arc<KeyColumn>>,
    /// The metric of the curves.
    pub metric: SeriesMetric,
    /// The visible range.
    pub visible_range: TimeRange,
    /// Times of the points.
    pub times: Vec<Ticks>,
    /// Times of the points in seconds from time zero, as requested, before rounding to ticks.
    pub seconds: Vec<f64>,
    /// The curves, largest first or as chosen; the combined curve of the other groups last, if there are any.
    pub curves: Vec<Curve>,
    /// Number of groups in the combined curve.
    pub others: usize,
    /// True if there were more than [`MAX_COMPARED_GROUPS`](super::MAX_COMPARED_GROUPS) groups, so that the curves are those with
    /// the largest sums and not those with the highest peaks.
    pub is_chosen_by_sum: bool,
    clock: Clock,
}

impl SeriesSet {
    /// The value of a curve at a point.
    #[must_use]
    pub fn value(&self, curve: usize, point: usize) -> Value {
        let amount = self.curves.get(curve).and_then(|c| c.amounts.get(point)).copied();
        let Some(amount) = amount else {
            return Value::None;
        };
        if self.metric.kind != SeriesKind::Rate {
            return Value::Int(amount);
        }
        let time = |k: usize| self.times.get(k).copied().unwrap_or_default();
        let ticks = time(point).0 - time(point.saturating_sub(1)).0;
        if ticks <= 0 {
            return Value::Float(0.0);
        }
        let per_tick = self.clock.ticks_per_second as f64 / ticks as f64;
        Value::Float(amount as f64 * per_tick)
    }

    /// The time of a point in seconds from time zero.
    #[must_use]
    pub fn seconds(&self, point: usize) -> f64 {
        self.seconds.get(point).copied().unwrap_or(0.0)
    }

    /// The texts of a curve's keys; `None` for the combined curve.
    #[must_use]
    pub fn texts(&self, curve: usize) -> Option<Vec<String>> {
        let ids = self.curves.get(curve)?.ids.as_ref()?;
        Some(ids.iter().zip(&self.columns).map(|(id, c)| c.text(*id).into_owned()).collect())
    }
}

/// Computes curves.
///
/// # Errors
/// See [`SeriesError`].
pub fn series(names: &ColumnValues, request: &SeriesRequest<'_>, cancel: Cancel<'_>) -> Result<SeriesSet, SeriesError> {
    at_points(names, request, &Points::new(request.visible_range, request.points), cancel)
}

/// Computes curves with values at these seconds from time zero, which are ascending and rounded to the nearest tick, instead of
/// at the points of the request.
///
/// # Errors
/// See [`SeriesError`].
pub fn series_at(
    names: &ColumnValues,
    request: &SeriesRequest<'_>,
    seconds: Vec<f64>,
    cancel: Cancel<'_>,
) -> Result<SeriesSet, SeriesError> {
    let clock = names.trace().clock;
    let points = Points::at(seconds.iter().map(|s| clock.ticks(*s)).collect());
    let set = at_points(names, request, &points, cancel)?;
    Ok(SeriesSet { seconds, ..set })
}

fn at_points(
    names: &ColumnValues,
    request: &SeriesRequest<'_>,
    points: &Points,
    cancel: Cancel<'_>,
) -> Result<SeriesSet, SeriesError> {
    let rows = CurveRows::new(names, *request);
    let selection = SeriesSelection::new(&rows, cancel)?;
    let amounts = amounts(&rows, &selection.index(&rows), points, selection.curves(), cancel)?;
    Ok(collect(names, rows.group_by.columns(), &rows.request, selection, points, amounts))
}

pub(super) fn collect(
    names: &ColumnValues,
    columns: &[Arc<KeyColumn>],
    request: &SeriesRequest<'_>,
    selection: SeriesSelection,
    points: &Points,
    amounts: Vec<i128>,
) -> SeriesSet {
    let (others, is_chosen_by_sum) = (selection.others(), selection.is_chosen_by_sum);
    let ids = selection.groups.into_iter().take(selection.own).map(|group| Some(group.ids));
    let ids = ids.chain((others > 0).then_some(None));
    let curves = ids.zip(amounts.chunks(points.times().len()));
    let clock = names.trace().clock;
    SeriesSet {
        keys: request.keys.to_vec(),
        columns: columns.to_vec(),
        metric: request.metric,
        visible_range: request.visible_range,
        times: points.times().to_vec(),
        seconds: points.times().iter().map(|time| clock.seconds(*time)).collect(),
        curves: curves.map(|(ids, amounts)| Curve { ids, amounts: amounts.to_vec() }).collect(),
        others,
        is_chosen_by_sum,
        clock,
    }
}

/// The values of all curves, one curve after the other. `curve_of` has the curve of each group key.
pub(super) fn amounts(
    rows: &CurveRows<'_>,
    curve_of: &GroupIndex,
    points: &Points,
    curves: usize,
    cancel: Cancel<'_>,
) -> Result<Vec<i128>, SeriesError> {
    let width = points.times().len();
    let values = curves.checked_mul(width).filter(|values| *values <= MAX_VALUES);
    let values = values.ok_or_else(|| too_many(rows.request.keys, curves, width))?;
    let accumulators = (SHARED_VALUES / values.max(1)).clamp(1, rayon::current_num_threads());
    let kind = rows.request.metric.kind;
    let mut sums = fold_rows(
        rows.table.len(),
        accumulators,
        cancel,
        || vec![0i128; values],
        |sums, range| {
            for row in range.filter(|row| rows.counts(*row)) {
                let Some(curve) = curve_of.get(rows.group_key(row)) else {
                    continue;
                };
                let first = curve as usize * width;
                let Some(own) = sums.get_mut(first..first + width) else {
                    continue;
                };
                let amount = i128::from(rows.amount(row));
                // A row from before the trace counts from the first point on.
                if let Some(value) = own.get_mut(points.first_at_or_after(rows.table.alloc_time.at(row))) {
                    *value += amount;
                }
                if kind == SeriesKind::Outstanding
                    && let Some(value) = own.get_mut(points.first_at_or_after(rows.table.free_time[row]))
                {
                    *value -= amount;
                }
            }
        },
        |mut a, b| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        },
    )?;
    for own in sums.chunks_mut(width) {
        if kind == SeriesKind::Rate {
            // There is no point before the first.
            own[0] = 0;
            continue;
        }
        let mut sum = 0;
        for value in own {
            sum += *value;
            *value = sum;
        }
    }
    Ok(sums)
}

/// Points in time in ascending order; several can be at one tick.
#[derive(Clone, PartialEq, Debug)]
pub struct Points {
    times: Vec<Ticks>,
    /// Points per tick, for a first estimate of positions.
    density: f64,
}

impl Points {
    /// `count` points, at least one: `from + k * (to - from) / (count - 1)`, halves rounded up; a single one is at `from`.
    #[must_use]
    pub fn new(visible_range: TimeRange, count: usize) -> Self {
        let span = i128::from(visible_range.to.0) - i128::from(visible_range.from.0);
        let steps = count.saturating_sub(1) as i128;
        let time = |k: usize| {
            let offset = if steps == 0 { 0 } else { (2 * k as i128 * span + steps).div_euclid(2 * steps) };
            Ticks((i128::from(visible_range.from.0) + offset) as i64)
        };
        let density = if span > 0 { steps as f64 / span as f64 } else { 0.0 };
        Self { times: (0..count.max(1)).map(time).collect(), density }
    }

    /// Points at these times, which are ascending.
    #[must_use]
    pub fn at(times: Vec<Ticks>) -> Self {
        let ends = times.first().zip(times.last());
        let span = ends.map_or(0, |(first, last)| i128::from(last.0) - i128::from(first.0));
        let density = if span > 0 { (times.len() - 1) as f64 / span as f64 } else { 0.0 };
        Self { times, density }
    }

    /// The times.
    #[must_use]
    pub fn times(&self) -> &[Ticks] {
        &self.times
    }

    /// The first point that is not before `time`; the number of points if all are.
    #[inline]
    #[must_use]
    pub fn first_at_or_after(&self, time: Ticks) -> usize {
        let times = &self.times;
        let first = times.first().copied().unwrap_or_default();
        if time <= first {
            return 0;
        }
        if times.last().is_none_or(|last| time > *last) {
            return times.len();
        }
        // An estimate by proportion, which is off by one at most, then comparisons.
        let guess = ((time.0 - first.0) as f64 * self.density) as usize;
        let mut at = guess.min(times.len() - 1);
        while at > 0 && times[at - 1] >= time {
            at -= 1;
        }
        while at < times.len() && times[at] < time {
            at += 1;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_round_to_the_nearest_tick_and_are_found() {
        let visible_range = TimeRange { from: Ticks(-3), to: Ticks(7) };
        assert_eq!(Points::new(visible_range, 1).times(), [Ticks(-3)]);
        let four = Points::new(visible_range, 4);
        assert_eq!(four.times(), [Ticks(-3), Ticks(0), Ticks(4), Ticks(7)]);
        for count in [1, 2, 4, 11, 50] {
            let points = Points::new(visible_range, count);
            for t in -6..10 {
                let expected = points.times().iter().position(|p| p.0 >= t).unwrap_or(count);
                assert_eq!(points.first_at_or_after(Ticks(t)), expected, "{t} of {count}");
            }
        }
        let point = TimeRange { from: Ticks(5), to: Ticks(5) };
        assert_eq!(Points::new(point, 3).first_at_or_after(Ticks(6)), 3);
        let wide = TimeRange { from: Ticks(-Ticks::LIMIT), to: Ticks(Ticks::LIMIT) };
        let points = Points::new(wide, 1001);
        assert_eq!(points.first_at_or_after(Ticks(1)), 501);
    }
}
