//! Outstanding curves for drawing: the exact smallest and greatest value between any two neighbouring points, so that
//! no peak is lost however few pixels there are.

use super::curve::{SeriesError, SeriesRequest, SeriesSet, amounts, collect};
use super::lineup::Lineup;
use super::measure::Kind;
use super::points::Points;
use super::tally::{CurveOf, Tally};
use crate::column::cells::Cells;
use crate::column::names::Names;
use crate::column::order::{EventOrder, within};
use crate::column::parallel::{Cancel, Cancelled};
use crate::trace::time::Ticks;
use rayon::prelude::*;

/// Curves with their extremes.
#[derive(Debug)]
pub struct Envelope {
    /// The curves with their values at the points.
    pub set: SeriesSet,
    /// For each curve, for each interval between neighbouring points (both ends included), the smallest and the greatest
    /// value.
    pub extremes: Vec<Vec<(i128, i128)>>,
}

/// Draws outstanding curves; the request's kind of measure counts as outstanding whatever it says.
///
/// # Errors
///
/// When cancelled, and when there would be more values than memory should hold.
pub fn envelope(
    names: &Names,
    request: &SeriesRequest<'_>,
    order: &EventOrder,
    cancel: Cancel<'_>,
) -> Result<Envelope, SeriesError> {
    let mut request = *request;
    request.measure.kind = Kind::Outstanding;
    let cells = Cells::new(names, request.keys);
    let tally = Tally { table: &names.trace().allocations, cells: &cells, request: &request };
    let lineup = Lineup::new(&tally, cancel)?;
    let curve_of = lineup.curve_of(&tally);
    let points = Points::new(request.view, request.points);
    let count = lineup.curves();
    let amounts = amounts(&tally, &curve_of, &points, count, cancel)?;
    let width = points.times().len();
    let sweep = Sweep { tally: &tally, curve_of: &curve_of, order };
    let intervals: Result<Vec<Vec<(i128, i128)>>, SeriesError> = (0..width.saturating_sub(1))
        .into_par_iter()
        .map(|k| {
            if cancel() {
                return Err(Cancelled.into());
            }
            let start = (0..count).map(|c| amounts[c * width + k]).collect();
            Ok(sweep.interval(points.times()[k], points.times()[k + 1], start))
        })
        .collect();
    let intervals = intervals?;
    let extremes = (0..count).map(|c| intervals.iter().map(|i| i[c]).collect()).collect();
    let set = collect(names, &request, &cells, lineup, &points, amounts);
    Ok(Envelope { set, extremes })
}

struct Sweep<'s> {
    tally: &'s Tally<'s>,
    curve_of: &'s CurveOf,
    order: &'s EventOrder,
}

impl Sweep<'_> {
    /// The extremes of all curves from `from`, where they have the values `start`, to `to`.
    fn interval(&self, from: Ticks, to: Ticks, start: Vec<i128>) -> Vec<(i128, i128)> {
        let table = self.tally.table;
        let mut allocs = within(self.order.allocs(), &table.alloc_time, from, to);
        let mut frees = within(self.order.frees(), &table.free_time, from, to);
        let mut extremes: Vec<(i128, i128)> = start.iter().map(|v| (*v, *v)).collect();
        let mut now = start;
        let mut touched: Vec<usize> = Vec::new();
        loop {
            let head = |rows: &[u32], times: &[Ticks]| rows.first().map(|r| times[*r as usize]);
            let times = [head(allocs, &table.alloc_time), head(frees, &table.free_time)];
            let Some(time) = times.into_iter().flatten().min() else {
                break;
            };
            // What happens within one tick is seen as a whole: no value exists between its events.
            self.advance(&mut allocs, &table.alloc_time, time, 1, &mut now, &mut touched);
            self.advance(&mut frees, &table.free_time, time, -1, &mut now, &mut touched);
            for curve in touched.drain(..) {
                let (low, high) = &mut extremes[curve];
                *low = (*low).min(now[curve]);
                *high = (*high).max(now[curve]);
            }
        }
        extremes
    }

    fn advance(
        &self,
        rows: &mut &[u32],
        times: &[Ticks],
        time: Ticks,
        sign: i128,
        now: &mut [i128],
        touched: &mut Vec<usize>,
    ) {
        while let Some((row, rest)) = rows.split_first()
            && times[*row as usize] == time
        {
            *rows = rest;
            let row = *row as usize;
            if self.tally.counts(row)
                && let Some(curve) = self.curve_of.get(self.tally.cell(row))
            {
                now[curve] += sign * i128::from(self.tally.amount(row));
                touched.push(curve);
            }
        }
    }
}
