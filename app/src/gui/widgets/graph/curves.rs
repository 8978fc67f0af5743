//! Lines cut down to what the columns of a screen can show: the smallest and greatest value of each column, without points
//! that a straight line goes through anyway. A line that is still long becomes a ribbon, which is cheap to draw. Pure
//! functions; never draws.

use std::panic::resume_unwind;
use std::thread;

use eframe::egui::Pos2;

use super::model::{GraphData, Point, Series};
use super::reduce::visible;
use super::scale::Scale;

/// Most points of all smooth lines together; one with more than its part becomes a ribbon.
const PATH_POINTS: usize = 8_000;
/// Most columns of all ribbons together.
const RIBBON_COLUMNS: usize = 20_000;
/// Threads at most, and the points that make them worth their start.
const WORKERS: usize = 4;
const WORTH_A_THREAD: usize = 60_000;
/// How far a point may lie from a line that leaves it out, in points of the screen.
const TOLERANCE: f32 = 0.25;

/// A line on the screen.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Curve {
    /// Of a series that is off.
    Off,
    /// Through these places.
    Path(Vec<Pos2>),
    /// Between a lower and an upper edge: columns with their upper and lower ends on the screen.
    Ribbon(Vec<(f32, f32, f32)>),
}

/// The lines of all series that are on.
pub(super) fn all(data: &GraphData, scale: &Scale) -> Vec<Curve> {
    let lines: Vec<(&Series, &Vec<Point>)> = data.series.iter().zip(&data.lines).collect();
    let count = lines.iter().filter(|(series, _)| series.on).count().max(1);
    let one = |(series, line): &(&Series, &Vec<Point>)| reduced(series, line, scale, count);
    let points: usize = data.lines.iter().map(Vec::len).sum();
    let workers = thread::available_parallelism().map_or(1, |cores| cores.get().min(WORKERS));
    if points < WORTH_A_THREAD || workers == 1 {
        return lines.iter().map(one).collect();
    }
    // Threads of their own: those of the background may be busy with the very figures that this zoom asked for.
    thread::scope(|scope| {
        let parts = lines.chunks(lines.len().div_ceil(workers));
        let running: Vec<_> = parts.map(|part| scope.spawn(move || part.iter().map(one).collect::<Vec<_>>())).collect();
        running.into_iter().flat_map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// One line, where `count` lines are drawn.
fn reduced(series: &Series, line: &[Point], scale: &Scale, count: usize) -> Curve {
    if !series.on {
        return Curve::Off;
    }
    // A dashed line is drawn twice.
    let most = PATH_POINTS / count / if series.pattern == 0 { 1 } else { 2 };
    let columns = by_columns(line, scale);
    let path = thinned(&columns);
    if path.len() <= most {
        return Curve::Path(path);
    }
    let width = (scale.frame.width() * count as f32 / RIBBON_COLUMNS as f32).max(1.0);
    Curve::Ribbon(ribbon(&columns, width))
}

/// Wide columns made of narrow ones.
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

/// The part of a line that is seen, with at most two points in each column.
fn by_columns(line: &[Point], scale: &Scale) -> Vec<Pos2> {
    let (low, high) = visible(line, scale.view.from, scale.view.to, |p| p.0);
    let mut out = Vec::new();
    let mut column = Column::default();
    for at in low..high {
        let place = scale.at(clipped(line, at, scale));
        let number = place.x.floor();
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

impl Curve {
    /// How far the curve is from a place, within a few columns.
    pub fn distance(&self, place: Pos2) -> Option<f32> {
        match self {
            Self::Off => None,
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

#[cfg(test)]
mod tests {
    use eframe::egui::{Rect, pos2};

    use super::super::model::{Range, Series, Unit};
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
            colour: eframe::egui::Color32::RED,
            pattern: 0,
            on: true,
            has_row: true,
            marked: false,
            values: (0..points).map(&value).collect(),
            extremes: Vec::new(),
        };
        GraphData::new(String::new(), times, (0..count).map(series).collect(), Unit::Count)
    }

    #[test]
    fn a_straight_line_needs_two_points_and_a_corner_one_more() {
        let straight = data(1, 5000, |i| f64::from(i) / 50.0);
        let [Curve::Path(path)] = &all(&straight, &scale())[..] else { panic!("a path") };
        assert!(path.len() == 2 && path[1].distance(pos2(1000.0, 0.0)) < 0.1, "{path:?}");
        let bent = data(1, 5001, |i| f64::from(i.min(2500)) / 50.0);
        let [Curve::Path(path)] = &all(&bent, &scale())[..] else { panic!("a path") };
        assert!(path.len() <= 4 && path.iter().any(|p| p.distance(pos2(500.0, 50.0)) < 3.0), "{path:?}");
    }

    #[test]
    fn no_peak_is_lost_and_no_frame_gets_too_much() {
        let spiky = |i: u32| if i == 13_333 { 90.0 } else { f64::from(i * 7919 % 13) };
        for count in [1, 50] {
            let curves = all(&data(count, 20_000, spiky), &scale());
            let tops = curves.iter().map(|curve| match curve {
                Curve::Ribbon(columns) => columns.iter().map(|c| c.1).fold(f32::INFINITY, f32::min),
                Curve::Path(path) => path.iter().map(|p| p.y).fold(f32::INFINITY, f32::min),
                Curve::Off => f32::INFINITY,
            });
            assert!(tops.into_iter().all(|top| (top - 10.0).abs() < 0.01));
            let points: usize = curves.iter().map(|c| if let Curve::Ribbon(c) = c { c.len() } else { 0 }).sum();
            assert!(points <= RIBBON_COLUMNS + 2 * curves.len(), "{points}");
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
        assert_eq!(Curve::Off.distance(pos2(0.0, 0.0)), None);
    }
}
