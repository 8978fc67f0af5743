//! Min-max decimation: series reduced to what the columns of a screen can show, the smallest and the largest value of each
//! column, without points that a straight line passes anyway. A line that is still long becomes a ribbon, which is cheap to
//! draw. Pure functions; nothing is drawn here.

use std::panic::resume_unwind;
use std::thread;

use eframe::egui::{Pos2, Rect, pos2};

use super::axes::Scale;
use super::model::{GraphData, Kind, Point, Series};

/// Upper bound on the points of all smooth lines together; a line with more than its part of them becomes a ribbon.
const MAX_PATH_POINTS: usize = 8_000;
/// Upper bound on the columns of all ribbons together.
const MAX_RIBBON_COLUMNS: usize = 20_000;
/// Upper bound on threads.
const MAX_WORKERS: usize = 4;
/// Number of points from which on threads save time.
const MIN_POINTS_FOR_WORKERS: usize = 60_000;
/// Distance within which a point may be left out of a line, in points of the screen.
const TOLERANCE: f32 = 0.25;

/// Upper bound on the points of all areas together.
const MAX_AREA_POINTS: usize = 40_000;
/// Upper bound on the width of a column, in points of the screen.
const MAX_COLUMN_WIDTH: f32 = 8.0;
/// Upper bound on bars across the graph.
const MAX_BARS: usize = 60;

/// A line on the screen.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Curve {
    /// A series that is hidden.
    Hidden,
    /// A line through these places.
    Path(Vec<Pos2>),
    /// A band: the place of each column with its upper and its lower end.
    Ribbon(Vec<(f32, f32, f32)>),
}

/// The shapes of all series, in places on the screen.
#[derive(Debug, Clone, Default)]
pub(super) struct MinMaxDecimation {
    /// One curve for each series.
    pub curves: Vec<Curve>,
    /// Places on the time axis at which areas have points.
    pub columns: Vec<f32>,
    /// The upper edge of each area at each column, with the place of its series, from the axis up.
    pub edges: Vec<(usize, Vec<f32>)>,
    /// The bars of each series, from the axis up.
    pub bars: Vec<(usize, Vec<Rect>)>,
}

/// Reduces all series for one kind of graph.
pub(super) fn decimate(data: &GraphData, kind: Kind, scale: &Scale) -> MinMaxDecimation {
    let mut reduced = MinMaxDecimation::default();
    match kind {
        Kind::Lines => reduced.curves = curves(data, scale),
        Kind::Areas => areas(data, scale, &mut reduced),
        Kind::Bars => reduced.bars = bars(data, scale),
    }
    reduced
}

/// The largest value that is drawn between two times, with the points next to them: the lines to these can be seen.
pub(super) fn peak(data: &GraphData, kind: Kind, from: f64, to: f64) -> f64 {
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

/// The indices of the points between two times and of one more on each side.
fn visible<T>(points: &[T], from: f64, to: f64, time: impl Fn(&T) -> f64) -> (usize, usize) {
    let low = points.partition_point(|p| time(p) < from).saturating_sub(1);
    let high = (points.partition_point(|p| time(p) <= to) + 1).min(points.len());
    (low.min(high), high)
}

/// The curves of all series that are shown.
fn curves(data: &GraphData, scale: &Scale) -> Vec<Curve> {
    let lines: Vec<(&Series, &Vec<Point>)> = data.series.iter().zip(&data.lines).collect();
    let count = lines.iter().filter(|(series, _)| series.on).count().max(1);
    let one = |(series, line): &(&Series, &Vec<Point>)| curve(series, line, scale, count);
    let points: usize = data.lines.iter().map(Vec::len).sum();
    let workers = thread::available_parallelism().map_or(1, |cores| cores.get().min(MAX_WORKERS));
    if points < MIN_POINTS_FOR_WORKERS || workers == 1 {
        return lines.iter().map(one).collect();
    }
    // Threads of its own: those of the pool may be busy with the figures for the same zoom.
    thread::scope(|scope| {
        let parts = lines.chunks(lines.len().div_ceil(workers));
        let running: Vec<_> = parts.map(|part| scope.spawn(move || part.iter().map(one).collect::<Vec<_>>())).collect();
        running.into_iter().flat_map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// Reduces one line of `count` that are drawn.
fn curve(series: &Series, line: &[Point], scale: &Scale, count: usize) -> Curve {
    if !series.on {
        return Curve::Hidden;
    }
    // A dashed line is drawn twice.
    let most = MAX_PATH_POINTS / count / if series.pattern == 0 { 1 } else { 2 };
    let columns = by_columns(line, scale);
    let path = thinned(&columns);
    if path.len() <= most {
        return Curve::Path(path);
    }
    let width = (scale.frame.width() * count as f32 / MAX_RIBBON_COLUMNS as f32).max(1.0);
    Curve::Ribbon(ribbon(&columns, width))
}

/// Columns at least `width` points wide, made of narrow ones.
fn ribbon(line: &[Pos2], width: f32) -> Vec<(f32, f32, f32)> {
    let mut out: Vec<(f32, f32, f32)> = Vec::with_capacity(line.len());
    let mut open = None;
    for place in line {
        let number = (place.x / width).floor();
        match out.last_mut().filter(|_| open == Some(number)) {
            Some((_, top, bottom)) => (*top, *bottom) = (top.min(place.y), bottom.max(place.y)),
            None => out.push((place.x, place.y, place.y)),
        }
        open = Some(number);
    }
    out
}

/// The visible part of a line with at most two points in each column.
fn by_columns(line: &[Point], scale: &Scale) -> Vec<Pos2> {
    let (low, high) = visible(line, scale.view.from, scale.view.to, |p| p.0);
    let mut out = Vec::new();
    let mut column = PixelColumn::default();
    for at in low..high {
        let place = scale.at(clipped(line, at, scale));
        let number = place.x.floor();
        if column.number != Some(number) {
            column.flush(&mut out);
            column = PixelColumn { number: Some(number), ..PixelColumn::default() };
        }
        column.add(place);
    }
    column.flush(&mut out);
    out
}

/// A point of a line; for one outside the visible range, the point where the line crosses its edge.
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
struct PixelColumn {
    number: Option<f32>,
    points: usize,
    lowest: (usize, Pos2),
    highest: (usize, Pos2),
}

impl PixelColumn {
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

/// A line without the points that are on it anyway.
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

impl Curve {
    /// Distance of the curve from a place, within a few columns.
    pub fn distance(&self, place: Pos2) -> Option<f32> {
        match self {
            Self::Hidden => None,
            Self::Path(line) => distance(line, place),
            Self::Ribbon(columns) => {
                let at = columns.partition_point(|(x, ..)| *x < place.x).min(columns.len().checked_sub(1)?);
                let near = columns.get(at.saturating_sub(1)..=at)?;
                let away = |(_, top, bottom): &(f32, f32, f32)| (top - place.y).max(place.y - bottom).max(0.0);
                near.iter().map(away).min_by(f32::total_cmp)
            }
        }
    }
}

/// Distance of a line from a place, above or below it, within a few columns.
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

/// A place on the time axis, the index of the time before it in the stack, and the share of the way to the next time.
type Moment = (f32, usize, f64);

fn areas(data: &GraphData, scale: &Scale, reduced: &mut MinMaxDecimation) {
    let stack = &data.stack;
    let mut width = 1.0;
    let mut moments = moments(data, scale, width);
    while moments.len() * stack.layers.len() > MAX_AREA_POINTS && width < MAX_COLUMN_WIDTH {
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

/// The moments that areas are drawn at: those with the smallest and the largest sum of each column.
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

/// Bars: time is divided into intervals, each of which shows the moment of its largest sum.
fn bars(data: &GraphData, scale: &Scale) -> Vec<(usize, Vec<Rect>)> {
    let (times, top) = (&data.stack.times, data.stack.top());
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return Vec::new() };
    let count = MAX_BARS.min(times.len());
    let width = (last - first) / count as f64;
    let highest = |n: usize| {
        let interval = n * times.len() / count..(n + 1) * times.len() / count;
        interval.max_by(|a, b| top[*a].total_cmp(&top[*b])).unwrap_or(0)
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

/// The series at a place: the area or bar around it, or the line nearest to it within `reach` points.
pub(super) fn series_at(reduced: &MinMaxDecimation, kind: Kind, place: Pos2, reach: f32) -> Option<usize> {
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

#[cfg(test)]
mod tests {
    use super::super::model::{AxisUnit, Range};
    use super::*;

    fn scale() -> Scale {
        let frame = Rect::from_min_max(pos2(0.0, 0.0), pos2(1000.0, 100.0));
        Scale { frame, view: Range { from: 0.0, to: 10.0 }, top: 100.0 }
    }

    fn data(count: u64, points: u32, value: impl Fn(u32) -> f64) -> GraphData {
        let times: Vec<f64> = (0..points).map(|i| 10.0 * f64::from(i) / f64::from(points - 1)).collect();
        let series = |id| Series {
            id,
            name: id.to_string(),
            color: eframe::egui::Color32::RED,
            pattern: 0,
            on: true,
            has_row: true,
            marked: false,
            values: (0..points).map(&value).collect(),
            extremes: Vec::new(),
        };
        GraphData::new(String::new(), times, (0..count).map(series).collect(), AxisUnit::Count)
    }

    #[test]
    fn a_straight_line_needs_two_points_and_a_corner_one_more() {
        let straight = data(1, 5000, |i| f64::from(i) / 50.0);
        let [Curve::Path(path)] = &curves(&straight, &scale())[..] else { panic!("a path") };
        assert!(path.len() == 2 && path[1].distance(pos2(1000.0, 0.0)) < 0.1, "{path:?}");
        let bent = data(1, 5001, |i| f64::from(i.min(2500)) / 50.0);
        let [Curve::Path(path)] = &curves(&bent, &scale())[..] else { panic!("a path") };
        assert!(path.len() <= 4 && path.iter().any(|p| p.distance(pos2(500.0, 50.0)) < 3.0), "{path:?}");
    }

    #[test]
    fn no_peak_is_lost_and_no_frame_gets_too_much() {
        let spiky = |i: u32| if i == 13_333 { 90.0 } else { f64::from(i * 7919 % 13) };
        for count in [1, 50] {
            let curves = curves(&data(count, 20_000, spiky), &scale());
            let tops = curves.iter().map(|curve| match curve {
                Curve::Ribbon(columns) => columns.iter().map(|c| c.1).fold(f32::INFINITY, f32::min),
                Curve::Path(path) => path.iter().map(|p| p.y).fold(f32::INFINITY, f32::min),
                Curve::Hidden => f32::INFINITY,
            });
            assert!(tops.into_iter().all(|top| (top - 10.0).abs() < 0.01));
            let points: usize = curves.iter().map(|c| if let Curve::Ribbon(c) = c { c.len() } else { 0 }).sum();
            assert!(points <= MAX_RIBBON_COLUMNS + 2 * curves.len(), "{points}");
        }
    }

    #[test]
    fn what_is_beyond_the_view_is_cut_where_it_crosses() {
        let line = [(-10.0, 0.0), (10.0, 100.0), (1e9, 100.0)];
        let path = by_columns(&line, &Scale { view: Range { from: 0.0, to: 5.0 }, ..scale() });
        assert_eq!(path, [pos2(0.0, 50.0), pos2(1000.0, 25.0)]);
    }

    #[test]
    fn the_nearest_place_of_a_curve_counts() {
        let path = Curve::Path(vec![pos2(0.0, 50.0), pos2(100.0, 50.0)]);
        assert_eq!(path.distance(pos2(40.0, 45.0)), Some(5.0));
        let ribbon = Curve::Ribbon(vec![(0.0, 10.0, 20.0), (1.0, 10.0, 60.0)]);
        assert_eq!(ribbon.distance(pos2(0.5, 40.0)), Some(0.0));
        assert_eq!(ribbon.distance(pos2(0.5, 70.0)), Some(10.0));
        assert_eq!(Curve::Hidden.distance(pos2(0.0, 0.0)), None);
    }
}
