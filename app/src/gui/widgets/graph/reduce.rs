//! Curves cut down to what the columns of a screen can show: the smallest and greatest value of each column, without points
//! that a straight line goes through anyway. Pure functions; never draws.

use eframe::egui::{Pos2, Rect, pos2};

use super::curves::{self, Curve};
use super::model::{GraphData, Kind, Point};
use super::scale::Scale;

/// Most points of all areas together.
const AREA_POINTS: usize = 40_000;
/// The widest column, in points of the screen.
const WIDEST: f32 = 8.0;
/// Most bars across the graph.
const BARS: usize = 60;

/// What there is to draw, in places on the screen.
#[derive(Debug, Clone, Default)]
pub(super) struct Reduced {
    /// One curve for each series.
    pub curves: Vec<Curve>,
    /// Where areas have points.
    pub columns: Vec<f32>,
    /// The upper edge of each area at each column, with the place of its series, from the axis up.
    pub edges: Vec<(usize, Vec<f32>)>,
    /// The bars of each series, from the axis up.
    pub bars: Vec<(usize, Vec<Rect>)>,
}

/// Everything of one kind.
pub(super) fn reduce(data: &GraphData, kind: Kind, scale: &Scale) -> Reduced {
    let mut reduced = Reduced::default();
    match kind {
        Kind::Lines => reduced.curves = curves::all(data, scale),
        Kind::Areas => areas(data, scale, &mut reduced),
        Kind::Bars => reduced.bars = bars(data, scale),
    }
    reduced
}

/// The largest value that is drawn between two times, or just beside them: the lines to the next points are seen.
pub(super) fn largest(data: &GraphData, kind: Kind, from: f64, to: f64) -> f64 {
    if kind == Kind::Lines {
        let on = data.series.iter().zip(&data.lines).filter(|(s, _)| s.on);
        let peak = |line: &[Point]| {
            let (low, high) = visible(line, from, to, |p| p.0);
            line.get(low..high).unwrap_or(&[]).iter().map(|p| p.1).fold(0.0, f64::max)
        };
        return on.map(|(_, line)| peak(line)).fold(0.0, f64::max);
    }
    let (low, high) = visible(&data.stack.times, from, to, |t| *t);
    data.stack.top().get(low..high).unwrap_or(&[]).iter().copied().fold(0.0, f64::max)
}

/// The places between two times and one more on each side.
pub(super) fn visible<T>(points: &[T], from: f64, to: f64, time: impl Fn(&T) -> f64) -> (usize, usize) {
    let low = points.partition_point(|p| time(p) < from).saturating_sub(1);
    let high = (points.partition_point(|p| time(p) <= to) + 1).min(points.len());
    (low.min(high), high)
}

/// A place in the times of the stack, and how far on to the next.
type Moment = (f32, usize, f64);

fn areas(data: &GraphData, scale: &Scale, reduced: &mut Reduced) {
    let stack = &data.stack;
    let mut width = 1.0;
    let mut moments = moments(data, scale, width);
    while moments.len() * stack.layers.len() > AREA_POINTS && width < WIDEST {
        width += 1.0;
        moments = self::moments(data, scale, width);
    }
    let edge = |edge: &[f64]| {
        let value = |(_, at, share): &Moment| {
            let here = edge[*at];
            edge.get(at + 1).map_or(here, |next| here + (next - here) * share)
        };
        moments.iter().map(|moment| scale.y(value(moment))).collect()
    };
    reduced.edges = stack.layers.iter().map(|(at, values)| (*at, edge(values))).collect();
    reduced.columns = moments.iter().map(|(x, ..)| *x).collect();
}

/// The moments that areas are drawn at: the two with the smallest and the greatest sum of each column.
fn moments(data: &GraphData, scale: &Scale, width: f32) -> Vec<Moment> {
    let (times, top) = (&data.stack.times, data.stack.top());
    let (low, high) = visible(times, scale.view.from, scale.view.to, |t| *t);
    let mut out: Vec<Moment> = Vec::new();
    let mut open: Option<(f32, usize, usize)> = None;
    let moment = |at: usize| -> Moment {
        let (from, to) = (scale.view.from, scale.view.to);
        let next = times.get(at + 1).copied().unwrap_or(times[at]);
        let length = next - times[at];
        match times[at] {
            t if t < from && length > 0.0 => (scale.x(from), at, ((from - t) / length).clamp(0.0, 1.0)),
            t if t > to && at > 0 => {
                (scale.x(to), at - 1, ((to - times[at - 1]) / (t - times[at - 1])).clamp(0.0, 1.0))
            }
            t => (scale.x(t.clamp(from, to)), at, 0.0),
        }
    };
    let mut flush = |open: Option<(f32, usize, usize)>| {
        let Some((_, least, most)) = open else { return };
        out.push(moment(least.min(most)));
        if least != most {
            out.push(moment(least.max(most)));
        }
    };
    for at in low..high.min(top.len()) {
        let number = (moment(at).0 / width).floor();
        match &mut open {
            Some((column, least, most)) if *column == number => {
                if top[at] < top[*least] {
                    *least = at;
                }
                if top[at] >= top[*most] {
                    *most = at;
                }
            }
            _ => {
                flush(open);
                open = Some((number, at, at));
            }
        }
    }
    flush(open);
    out
}

/// Bars: the time cut into stretches, each showing the moment of its greatest sum.
fn bars(data: &GraphData, scale: &Scale) -> Vec<(usize, Vec<Rect>)> {
    let (times, top) = (&data.stack.times, data.stack.top());
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return Vec::new() };
    let count = BARS.min(times.len());
    let width = (last - first) / count as f64;
    let highest = |n: usize| {
        let stretch = n * times.len() / count..(n + 1) * times.len() / count;
        stretch.max_by(|a, b| top[*a].total_cmp(&top[*b])).unwrap_or(0)
    };
    let place = |n: usize| {
        let from = first + width * n as f64;
        (
            scale.x(from + width * 0.08).max(scale.frame.left() - 1.0),
            scale.x(from + width * 0.92).min(scale.frame.right() + 1.0),
        )
    };
    let seen: Vec<(f32, f32, usize)> = (0..count)
        .map(|n| (place(n), n))
        .filter(|((left, right), _)| right > left)
        .map(|((left, right), n)| (left, right, highest(n)))
        .collect();
    let mut below: Option<&Vec<f64>> = None;
    let mut out = Vec::new();
    for (series, edge) in &data.stack.layers {
        let bar = |(left, right, at): &(f32, f32, usize)| {
            let low = below.map_or(0.0, |below| below[*at]);
            Rect::from_min_max(pos2(*left, scale.y(edge[*at])), pos2(*right, scale.y(low)))
        };
        out.push((*series, seen.iter().map(bar).collect()));
        below = Some(edge);
    }
    out
}

/// Which series is at a place: the area or bar around it, or the line nearest to it within `reach` points.
pub(super) fn hit(reduced: &Reduced, kind: Kind, place: Pos2, reach: f32) -> Option<usize> {
    match kind {
        Kind::Lines => {
            let curves = reduced.curves.iter().enumerate();
            let near = curves.filter_map(|(at, curve)| Some((at, curve.distance(place)?)));
            near.filter(|(_, d)| *d <= reach).min_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, _)| at)
        }
        Kind::Areas => {
            let after = reduced.columns.partition_point(|x| *x < place.x);
            let at = after.min(reduced.columns.len().checked_sub(1)?);
            let before = at.saturating_sub(1);
            let length = reduced.columns[at] - reduced.columns[before];
            let share = if length > 0.0 { (place.x - reduced.columns[before]) / length } else { 1.0 };
            let over = |edge: &[f32]| place.y >= edge[before] + (edge[at] - edge[before]) * share.clamp(0.0, 1.0);
            reduced.edges.iter().find(|(_, edge)| over(edge)).map(|(series, _)| *series)
        }
        Kind::Bars => {
            let around = |(_, bars): &&(usize, Vec<Rect>)| bars.iter().any(|bar| bar.contains(place));
            reduced.bars.iter().find(around).map(|(series, _)| *series)
        }
    }
}
