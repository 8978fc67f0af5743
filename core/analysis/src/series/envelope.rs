//! Outstanding curves for drawing: the exact smallest and greatest value between any two neighbouring points, so that
//! no peak is lost however few pixels there are.

use super::curve::{MOST_VALUES, SeriesError, SeriesRequest, SeriesSet, collect, too_many};
use super::lineup::{Lineup, MOST_PEAKS};
use super::measure::Kind;
use super::points::Points;
use super::sweep::{Slots, Sweep, Swept};
use super::tally::Tally;
use crate::group::cells::Cells;
use crate::group::key::Key;
use crate::group::names::Names;
use crate::group::order::EventOrder;
use crate::group::parallel::Cancel;

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
    let tally = Tally::new(names, &cells, &request);
    let lineup = Lineup::new(&tally, cancel)?;
    let points = Points::new(request.view, request.points);
    let curves = lineup.curves();
    check_size(request.keys, curves, &points)?;
    let slots = Slots::new(&tally, &lineup.curve_of(&tally), curves, cancel)?;
    let number: Vec<u32> = (0..curves as u32).collect();
    let sweep = Sweep { tally: &tally, order, slots: &slots, number: &number, curves, points: &points };
    let Swept { amounts, extremes } = sweep.run(cancel)?;
    let set = collect(names, &request, &cells, lineup, &points, amounts);
    Ok(Envelope { set, extremes })
}

/// Draws the outstanding curves that rise highest at any moment of the view, the highest first, equal ones the heavier
/// first, and the sum of all others: the same as [`super::highest`] and then [`envelope`] of those, in less time. At most
/// `request.top` have a curve of their own; of more than a few thousand combinations only the heaviest are compared.
///
/// # Errors
///
/// When cancelled, and when there would be more values than memory should hold.
pub fn highest_envelope(
    names: &Names,
    request: &SeriesRequest<'_>,
    order: &EventOrder,
    cancel: Cancel<'_>,
) -> Result<Envelope, SeriesError> {
    let mut request = *request;
    request.measure.kind = Kind::Outstanding;
    let cells = Cells::new(names, request.keys);
    let tally = Tally::new(names, &cells, &request);
    let mut lineup = Lineup::heaviest(&tally, MOST_PEAKS, cancel)?;
    let compared = lineup.curves();
    let slots = Slots::new(&tally, &lineup.curve_of(&tally), compared, cancel)?;
    let every: Vec<u32> = (0..compared as u32).collect();
    let ends = Points::new(request.view, 2);
    let sweep = Sweep { tally: &tally, order, slots: &slots, number: &every, curves: compared, points: &ends };
    let own = lineup.own.min(request.top.unwrap_or(usize::MAX));
    let order_by_peak = if own > 0 { by_peak(&sweep.run(cancel)?, lineup.own) } else { Vec::new() };
    let number = lineup.reorder(&order_by_peak, own);
    let points = Points::new(request.view, request.points);
    let curves = lineup.curves();
    check_size(request.keys, curves, &points)?;
    let sweep = Sweep { number: &number, curves, points: &points, ..sweep };
    let Swept { amounts, extremes } = sweep.run(cancel)?;
    let set = collect(names, &request, &cells, lineup, &points, amounts);
    Ok(Envelope { set, extremes })
}

/// The first `own` curves by their greatest value, the greatest first.
fn by_peak(swept: &Swept, own: usize) -> Vec<usize> {
    let peak = |curve: &usize| {
        let inside = swept.extremes[*curve].iter().map(|e| e.1);
        inside.chain(swept.amounts[curve * 2..curve * 2 + 2].iter().copied()).max()
    };
    let mut order: Vec<usize> = (0..own).collect();
    order.sort_by_cached_key(|curve| std::cmp::Reverse(peak(curve)));
    order
}

fn check_size(keys: &[Key], curves: usize, points: &Points) -> Result<(), SeriesError> {
    let points = points.times().len();
    let fits = curves.checked_mul(points).is_some_and(|values| values <= MOST_VALUES);
    if fits { Ok(()) } else { Err(too_many(keys, curves, points)) }
}
