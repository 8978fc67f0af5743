//! Curves as values at points: every row is two differences, found by arithmetic; the rest is a running sum.

use super::lineup::Lineup;
use super::measure::{Kind, Measure};
use super::points::Points;
use super::tally::{CurveOf, Tally};
use crate::group::cells::Cells;
use crate::group::key::Key;
use crate::group::names::Names;
use crate::group::parallel::{Cancel, Cancelled, fold_rows};
use crate::group::values::KeyColumn;
use crate::pivot::number::Number;
use crate::filter::rowset::RowSet;
use crate::trace::time::{Clock, Ticks, TimeRange};
use std::sync::Arc;

/// Values that a result may hold, and values that the workers together may hold on the way.
pub(super) const MOST_VALUES: usize = 1 << 25;
const SHARED_VALUES: usize = 1 << 23;

/// What to draw.
#[derive(Clone, Copy)]
pub struct SeriesRequest<'r> {
    /// One curve per combination of these.
    pub keys: &'r [Key],
    /// What the curves show.
    pub measure: Measure,
    /// From when to when. Blocks count whether or not they belong to it as pivot rows do.
    pub view: TimeRange,
    /// Number of points, both ends of the view included.
    pub points: usize,
    /// Only these rows.
    pub rows: Option<&'r RowSet>,
    /// Outstanding counts blocks from before the trace, whose allocation time is not known, from the start on.
    pub earlier: bool,
    /// So many curves at most, the heaviest; the others are added up in one more. Outstanding curves weigh their greatest
    /// value, the others their sum.
    pub top: Option<usize>,
    /// These combinations of numbers in the key columns have a curve each, in this order and even where they occur nowhere;
    /// all others are added up in one more. None may stand here twice. Then `top` counts for nothing.
    pub chosen: Option<&'r [Vec<u32>]>,
}

/// Why there is no result.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SeriesError {
    /// The work was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The result would not fit in memory.
    #[error(
        "{curves} curves by {keys} with {points} points each are too many (at most {MOST_VALUES} values): group by fewer columns, \
         filter, ask for the largest curves only (--top), or for fewer points"
    )]
    TooMany {
        /// The columns of which each combination of values has a curve.
        keys: String,
        /// Curves asked for.
        curves: usize,
        /// Points asked for.
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
    /// Numbers of its keys in the key columns; `None` for the sum of all combinations that have no curve of their own.
    pub ids: Option<Vec<u32>>,
    /// Bytes or blocks at each point; for a rate those allocated since the point before.
    pub amounts: Vec<i128>,
}

/// Curves.
#[derive(Debug)]
pub struct SeriesSet {
    /// The key columns.
    pub keys: Vec<Key>,
    /// Their values.
    pub columns: Vec<Arc<KeyColumn>>,
    /// What the curves show.
    pub measure: Measure,
    /// From when to when.
    pub view: TimeRange,
    /// When the points are.
    pub times: Vec<Ticks>,
    /// The same in seconds from time zero, as they were asked for: a tick may lie a little beside.
    pub seconds: Vec<f64>,
    /// The curves, heaviest first or as chosen; the sum of the others, if there are any, last.
    pub curves: Vec<Curve>,
    /// How many combinations of keys the last curve adds up, if it is such a sum.
    pub others: usize,
    /// There were more than [`MOST_COMPARED`](super::MOST_COMPARED) combinations, so that those with a curve of their own are those
    /// that add up to most, not those that rise highest.
    pub chosen_by_sum: bool,
    clock: Clock,
}

impl SeriesSet {
    /// A curve's value at a point.
    #[must_use]
    pub fn value(&self, curve: usize, point: usize) -> Number {
        let amount = self.curves.get(curve).and_then(|c| c.amounts.get(point)).copied();
        let Some(amount) = amount else {
            return Number::None;
        };
        if self.measure.kind != Kind::Rate {
            return Number::Int(amount);
        }
        let time = |k: usize| self.times.get(k).copied().unwrap_or_default();
        let ticks = time(point).0 - time(point.saturating_sub(1)).0;
        if ticks <= 0 {
            return Number::Float(0.0);
        }
        let per_tick = self.clock.ticks_per_second as f64 / ticks as f64;
        Number::Float(amount as f64 * per_tick)
    }

    /// A point's time in seconds from time zero.
    #[must_use]
    pub fn seconds(&self, point: usize) -> f64 {
        self.seconds.get(point).copied().unwrap_or(0.0)
    }

    /// The texts of a curve's keys; `None` for the sum of the others.
    #[must_use]
    pub fn texts(&self, curve: usize) -> Option<Vec<String>> {
        let ids = self.curves.get(curve)?.ids.as_ref()?;
        Some(ids.iter().zip(&self.columns).map(|(id, c)| c.text(*id).into_owned()).collect())
    }
}

/// Draws curves.
///
/// # Errors
///
/// When cancelled, and when there would be more values than memory should hold.
pub fn series(names: &Names, request: &SeriesRequest<'_>, cancel: Cancel<'_>) -> Result<SeriesSet, SeriesError> {
    at_points(names, request, &Points::new(request.view, request.points), cancel)
}

/// Draws curves with values at these seconds from time zero, in ascending order and each rounded to the nearest tick,
/// in place of the request's own points.
///
/// # Errors
///
/// As [`series`].
pub fn series_at(
    names: &Names,
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
    names: &Names,
    request: &SeriesRequest<'_>,
    points: &Points,
    cancel: Cancel<'_>,
) -> Result<SeriesSet, SeriesError> {
    let cells = Cells::new(names, request.keys);
    let tally = Tally::new(names, &cells, request);
    let lineup = Lineup::new(&tally, cancel)?;
    let amounts = amounts(&tally, &lineup.curve_of(&tally), points, lineup.curves(), cancel)?;
    Ok(collect(names, request, &cells, lineup, points, amounts))
}

pub(super) fn collect(
    names: &Names,
    request: &SeriesRequest<'_>,
    cells: &Cells,
    lineup: Lineup,
    points: &Points,
    amounts: Vec<i128>,
) -> SeriesSet {
    let (others, chosen_by_sum) = (lineup.others(), lineup.chosen_by_sum);
    let ids = lineup.combinations.into_iter().take(lineup.own).map(|r| Some(r.1));
    let ids = ids.chain((others > 0).then_some(None));
    let width = points.times().len();
    let curves = ids.zip(amounts.chunks(width));
    SeriesSet {
        keys: request.keys.to_vec(),
        columns: cells.columns().to_vec(),
        measure: request.measure,
        view: request.view,
        times: points.times().to_vec(),
        seconds: points.times().iter().map(|t| names.trace().clock.seconds(*t)).collect(),
        curves: curves.map(|(ids, values)| Curve { ids, amounts: values.to_vec() }).collect(),
        others,
        chosen_by_sum,
        clock: names.trace().clock,
    }
}

/// The curves' values, one curve after the other.
pub(super) fn amounts(
    tally: &Tally<'_>,
    curve_of: &CurveOf,
    points: &Points,
    curves: usize,
    cancel: Cancel<'_>,
) -> Result<Vec<i128>, SeriesError> {
    let width = points.times().len();
    let values = curves.checked_mul(width).filter(|v| *v <= MOST_VALUES);
    let values = values.ok_or_else(|| too_many(tally.request.keys, curves, width))?;
    let accumulators = (SHARED_VALUES / values.max(1)).clamp(1, rayon::current_num_threads());
    let kind = tally.request.measure.kind;
    let mut sums = fold_rows(
        tally.table.len(),
        accumulators,
        cancel,
        || vec![0i128; values],
        |sums, range| {
            for row in range.filter(|r| tally.counts(*r)) {
                let Some(curve) = curve_of.get(tally.cell(row)) else {
                    continue;
                };
                let Some(own) = sums.get_mut(curve * width..(curve + 1) * width) else {
                    continue;
                };
                let amount = i128::from(tally.amount(row));
                if let Some(value) = own.get_mut(points.first_at_or_after(tally.begin(row))) {
                    *value += amount;
                }
                if kind == Kind::Outstanding
                    && let Some(value) = own.get_mut(points.first_at_or_after(tally.table.free_time[row]))
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
        if kind == Kind::Rate {
            // Nothing lies before the first point.
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
