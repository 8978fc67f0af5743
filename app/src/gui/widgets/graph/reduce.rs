//! Curves cut down to what the columns of a screen can show: the smallest and greatest value of each column, without points
//! that a straight line goes through anyway. Pure functions; never draws.

use eframe::egui::{Pos2, Rect, pos2};

use super::model::{GraphData, Kind, Point};
use super::scale::Scale;

/// Most points of all lines together: with more, the columns get wider. Measured: egui draws about twenty of them in a microsecond.
const LINE_POINTS: usize = 60_000;
/// Most points of all areas together.
const AREA_POINTS: usize = 100_000;
/// The widest column, in points of the screen.
const WIDEST: f32 = 8.0;
/// How far a point may lie from a line that leaves it out, in points of the screen.
const TOLERANCE: f32 = 0.25;
/// Most bars across the graph.
const BARS: usize = 60;

/// What there is to draw, in places on the screen.
#[derive(Debug, Clone, Default)]
pub(super) struct Reduced {
    /// One line for each series; empty for those that are off.
    pub lines: Vec<Vec<Pos2>>,
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
        Kind::Lines => reduced.lines = lines(data, scale),
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
fn visible<T>(points: &[T], from: f64, to: f64, time: impl Fn(&T) -> f64) -> (usize, usize) {
    let low = points.partition_point(|p| time(p) < from).saturating_sub(1);
    let high = (points.partition_point(|p| time(p) <= to) + 1).min(points.len());
    (low.min(high), high)
}

fn lines(data: &GraphData, scale: &Scale) -> Vec<Vec<Pos2>> {
    let mut width = 1.0;
    loop {
        let one = |(at, line): (usize, &Vec<Point>)| {
            let on = data.series.get(at).is_some_and(|s| s.on);
            if on { thinned(&by_columns(line, scale, width)) } else { Vec::new() }
        };
        let lines: Vec<Vec<Pos2>> = data.lines.iter().enumerate().map(one).collect();
        let points: usize = lines.iter().map(Vec::len).sum();
        if points <= LINE_POINTS || width >= WIDEST {
            return lines;
        }
        width = (width * (points as f32 / LINE_POINTS as f32)).max(width + 0.5).min(WIDEST);
    }
}

/// The part of a line that is seen, with at most two points in each column.
fn by_columns(line: &[Point], scale: &Scale, width: f32) -> Vec<Pos2> {
    let (low, high) = visible(line, scale.view.from, scale.view.to, |p| p.0);
    let mut out = Vec::new();
    let mut column = Column::default();
    for at in low..high {
        let place = scale.at(clipped(line, at, scale));
        let number = (place.x / width).floor();
        if column.number != Some(number) {
            column.flush(&mut out);
            column = Column { number: Some(number), ..Column::default() };
        }
        column.add(place);
    }
    column.flush(&mut out);
    out
}

/// A point of a line, or, for one beyond an edge of the view, where the line crosses that edge.
fn clipped(line: &[Point], at: usize, scale: &Scale) -> Point {
    let point = line[at];
    let (edge, other) = match point.0 {
        t if t < scale.view.from => (scale.view.from, line.get(at + 1)),
        t if t > scale.view.to => (scale.view.to, at.checked_sub(1).and_then(|before| line.get(before))),
        _ => return point,
    };
    let Some(other) = other.filter(|other| other.0 != point.0) else { return (edge, point.1) };
    (edge, point.1 + (other.1 - point.1) * (edge - point.0) / (other.0 - point.0))
}

/// The points of one column of the screen.
#[derive(Default)]
struct Column {
    number: Option<f32>,
    points: usize,
    lowest: (usize, Pos2),
    highest: (usize, Pos2),
}

impl Column {
    fn add(&mut self, place: Pos2) {
        let here = (self.points, place);
        if self.points == 0 || place.y > self.lowest.1.y {
            self.lowest = here;
        }
        if self.points == 0 || place.y <= self.highest.1.y {
            self.highest = here;
        }
        self.points += 1;
    }

    fn flush(&self, out: &mut Vec<Pos2>) {
        let (first, second) =
            if self.lowest.0 < self.highest.0 { (self.lowest, self.highest) } else { (self.highest, self.lowest) };
        if self.points > 0 {
            out.push(first.1);
        }
        if self.points > 1 && first.0 != second.0 {
            out.push(second.1);
        }
    }
}

/// A line without the points that lie on it anyway.
pub(super) fn thinned(line: &[Pos2]) -> Vec<Pos2> {
    let (Some(first), Some(last)) = (line.first(), line.last()) else { return Vec::new() };
    let mut out = vec![*first];
    let (mut anchor, mut before) = (*first, *first);
    let (mut least, mut most) = (f32::NEG_INFINITY, f32::INFINITY);
    for point in &line[1..] {
        let mut away = *point - anchor;
        let slope = away.y / away.x;
        if away.x < 1e-3 || slope < least || slope > most {
            if before != anchor {
                out.push(before);
            }
            anchor = before;
            away = *point - anchor;
            (least, most) = (f32::NEG_INFINITY, f32::INFINITY);
        }
        if away.x < 1e-3 {
            // Straight up or down: from here nothing can be left out.
            out.push(*point);
            anchor = *point;
            (least, most) = (f32::NEG_INFINITY, f32::INFINITY);
        } else {
            least = least.max((away.y - TOLERANCE) / away.x);
            most = most.min((away.y + TOLERANCE) / away.x);
        }
        before = *point;
    }
    if out.last() != Some(last) {
        out.push(*last);
    }
    out
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
            let lines = reduced.lines.iter().enumerate();
            let near = lines.filter_map(|(at, line)| Some((at, distance(line, place)?)));
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

/// How far a line is from a place, above or below it, within a few columns.
fn distance(line: &[Pos2], place: Pos2) -> Option<f32> {
    const BESIDE: f32 = 2.0;
    let from = line.partition_point(|p| p.x < place.x - BESIDE).saturating_sub(1);
    let to = (line.partition_point(|p| p.x <= place.x + BESIDE) + 1).min(line.len());
    let near = line.get(from..to).filter(|near| !near.is_empty())?;
    let single = near.iter().map(|p| place.distance(*p));
    let of_segment = |pair: &[Pos2]| {
        let along = pair[1] - pair[0];
        let share = ((place - pair[0]).dot(along) / along.length_sq().max(1e-6)).clamp(0.0, 1.0);
        place.distance(pair[0] + along * share)
    };
    near.windows(2).map(of_segment).chain(single).min_by(f32::total_cmp)
}
