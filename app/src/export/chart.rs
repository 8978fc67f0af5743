//! The graph of an export as shapes: axes, curves or stacked areas, markers, the part of the range that was not recorded, and a
//! legend.

use super::request::{ExportRequest, GraphStyle};
use crate::format;
use crate::format::axis::{AxisUnit, time_ticks, value_text, value_ticks};
use poolscope_analysis::export::drawing::{Anchor, Color, Drawing, Shape, ThemeColors};
use poolscope_analysis::series::{SeriesKind, SeriesMetric, SeriesSet};
use poolscope_analysis::trace::time::TimeRange;
use std::collections::BTreeSet;

/// Number of curves unless another is asked for: as many as there are colors.
pub const USUAL_CURVES: usize = 10;
/// Upper bound on curves. Those beyond the colors are dashed.
pub const MAX_CURVES: usize = 100;
/// Points of a curve: one for about two pixels.
pub const POINTS: usize = 721;

const WIDTH: u32 = 1600;
const PLOT_HEIGHT: f64 = 720.0;
const LEFT: f64 = 100.0;
const RIGHT: f64 = 28.0;
const TOP: f64 = 72.0;
const AXIS: f64 = 40.0;
const LEGEND_ROW: f64 = 24.0;
const LEGEND_COLUMN: f64 = 490.0;

/// Bars across the graph, and the part of its interval that a bar fills.
const BARS: usize = 60;
const BAR_SHARE: f64 = 0.84;

/// A curve, from the bottom of its area to its value.
struct Curve {
    label: String,
    color: Color,
    is_dashed: bool,
    low: Vec<f64>,
    high: Vec<f64>,
    last: f64,
}

/// Scales of the axes.
struct Scale {
    from_s: f64,
    to_s: f64,
    highest: f64,
}

impl Scale {
    fn x(&self, seconds: f64) -> f64 {
        let share = (seconds - self.from_s) / (self.to_s - self.from_s).max(f64::MIN_POSITIVE);
        LEFT + share.clamp(0.0, 1.0) * (f64::from(WIDTH) - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        TOP + PLOT_HEIGHT - (value / self.highest).clamp(0.0, 1.0) * PLOT_HEIGHT
    }
}

/// Draws curves.
#[must_use]
pub fn draw(request: &ExportRequest, set: &SeriesSet) -> Drawing {
    let clock = &request.names.trace().clock;
    let seconds = |range: TimeRange| (clock.seconds(range.from), clock.seconds(range.to));
    let (from_s, to_s) = seconds(request.visible_range);
    let colors = request.graph.theme.colors();
    let curves = curves(set, request);
    let highest = curves.iter().flat_map(|curve| &curve.high).copied().fold(0.0, f64::max);
    let scale = Scale { from_s, to_s, highest: if highest > 0.0 { highest * 1.04 } else { 1.0 } };
    let unit = unit(set.metric);
    let keys: Vec<String> = set.keys.iter().map(|key| key.title().to_owned()).collect();
    let by = if keys.is_empty() { String::new() } else { format!(" by {}", keys.join(", ")) };
    let title = format!("{}: {}{by}", request.name, metric_title(set.metric));
    let mut shapes = Vec::new();
    let text = |at, size, color, is_strong, text: &str| Shape::Text {
        at,
        size,
        anchor: Anchor::Start,
        color,
        is_strong,
        text: text.to_owned(),
    };
    shapes.push(text((20.0, 30.0), 18.0, colors.text, true, &title));
    shapes.push(text((20.0, 52.0), 13.0, colors.dim, false, &super::content::subtitle(request)));
    not_recorded(&mut shapes, &scale, seconds(request.names.trace().recorded.range), colors.not_recorded);
    axes(&mut shapes, &scale, unit, &colors);
    match request.graph.style {
        GraphStyle::Lines => curves.iter().rev().for_each(|curve| shapes.push(line(curve, &scale, set))),
        GraphStyle::Areas => {
            for curve in curves.iter().rev() {
                shapes.push(area(curve, &scale, set));
                shapes.push(line(curve, &scale, set));
            }
        }
        GraphStyle::Bars => bars(&mut shapes, &curves, &scale, set),
    }
    markers(&mut shapes, &scale, request, &colors);
    let legend_top = TOP + PLOT_HEIGHT + AXIS + 16.0;
    let rows = legend(&mut shapes, &curves, unit, legend_top, colors.text);
    let height = legend_top + rows as f64 * LEGEND_ROW + 8.0;
    Drawing { width: WIDTH, height: height as u32, background: colors.background, title, shapes }
}

fn unit(metric: SeriesMetric) -> AxisUnit {
    match (metric.kind, metric.by_count) {
        (SeriesKind::Rate, true) => AxisUnit::CountPerSecond,
        (SeriesKind::Rate, false) => AxisUnit::BytesPerSecond,
        (_, true) => AxisUnit::Count,
        (_, false) => AxisUnit::Bytes,
    }
}

fn metric_title(metric: SeriesMetric) -> &'static str {
    match (metric.kind, metric.by_count) {
        (SeriesKind::Outstanding, false) => "Outstanding size",
        (SeriesKind::Outstanding, true) => "Outstanding count",
        (SeriesKind::Cumulative, false) => "Cumulative size",
        (SeriesKind::Cumulative, true) => "Cumulative count",
        (SeriesKind::Rate, false) => "Allocation rate, size",
        (SeriesKind::Rate, true) => "Allocation rate, count",
    }
}

/// The curves that are shown, stacked on each other unless they are lines.
fn curves(set: &SeriesSet, request: &ExportRequest) -> Vec<Curve> {
    let choice = &request.graph;
    let is_stacked = choice.style != GraphStyle::Lines;
    let taken: BTreeSet<usize> = choice.colors.values().copied().collect();
    let mut free = (0..).filter(|number| !taken.contains(number));
    let mut below = vec![0.0; set.times.len()];
    let mut curves = Vec::with_capacity(set.curves.len());
    for at in 0..set.curves.len() {
        let texts = set.texts(at);
        if choice.hidden.contains(texts.as_deref().unwrap_or_default()) {
            continue;
        }
        let values: Vec<f64> = (0..set.times.len()).map(|point| set.value(at, point).as_f64().unwrap_or(0.0)).collect();
        let (label, color, is_dashed) = match &texts {
            Some(texts) => {
                let label = texts.iter().map(|text| text.trim_end()).collect::<Vec<_>>().join(", ");
                let number = choice.colors.get(texts).copied().or_else(|| free.next()).unwrap_or_default();
                (label, choice.theme.series_color(number), number >= USUAL_CURVES)
            }
            None => {
                let label = format::counted(set.others as u64, "other group", "other groups");
                (label, choice.theme.colors().other, false)
            }
        };
        let label = if label.is_empty() { "All".to_owned() } else { label };
        let low = if is_stacked { below.clone() } else { vec![0.0; values.len()] };
        let high: Vec<f64> = values.iter().zip(&low).map(|(value, low)| value + low).collect();
        if is_stacked {
            below.clone_from(&high);
        }
        curves.push(Curve { label, color, is_dashed, low, high, last: values.last().copied().unwrap_or(0.0) });
    }
    curves
}

/// An edge of a curve in pixels.
fn edge(values: &[f64], scale: &Scale, set: &SeriesSet) -> Vec<(f64, f64)> {
    values.iter().enumerate().map(|(at, value)| (scale.x(set.seconds(at)), scale.y(*value))).collect()
}

fn line(curve: &Curve, scale: &Scale, set: &SeriesSet) -> Shape {
    let points = edge(&curve.high, scale, set);
    Shape::Line { points, width: 2.0, color: curve.color, is_dashed: curve.is_dashed }
}

fn area(curve: &Curve, scale: &Scale, set: &SeriesSet) -> Shape {
    let low = edge(&curve.low, scale, set);
    let points = edge(&curve.high, scale, set).into_iter().chain(low.into_iter().rev()).collect();
    Shape::Area { points, fill: curve.color.with_opacity(150) }
}

/// Bars as in the window: each interval of time shows the moment of its largest sum.
fn bars(shapes: &mut Vec<Shape>, curves: &[Curve], scale: &Scale, set: &SeriesSet) {
    let points = set.times.len();
    let Some(top) = curves.last().map(|curve| &curve.high).filter(|_| points > 0) else { return };
    let count = BARS.min(points);
    let width = (scale.to_s - scale.from_s) / count as f64;
    for bar in 0..count {
        let interval = bar * points / count..(bar + 1) * points / count;
        let Some(at) = interval.max_by(|a, b| top[*a].total_cmp(&top[*b])) else { continue };
        let from = scale.from_s + width * (bar as f64 + (1.0 - BAR_SHARE) / 2.0);
        let (left, right) = (scale.x(from), scale.x(from + width * BAR_SHARE));
        for curve in curves {
            let (upper, lower) = (scale.y(curve.high[at]), scale.y(curve.low[at]));
            if lower > upper {
                let fill = if curve.is_dashed { curve.color.with_opacity(150) } else { curve.color };
                shapes.push(Shape::Rect { at: (left, upper), size: (right - left, lower - upper), fill });
            }
        }
    }
}

/// The parts of the visible range that were not recorded.
fn not_recorded(shapes: &mut Vec<Shape>, scale: &Scale, recorded: (f64, f64), fill: Color) {
    for (from, to) in [(scale.from_s, recorded.0), (recorded.1, scale.to_s)] {
        let (left, right) = (scale.x(from), scale.x(to));
        if to > from && right - left >= 0.5 {
            shapes.push(Shape::Rect { at: (left, TOP), size: (right - left, PLOT_HEIGHT), fill });
        }
    }
}

fn axes(shapes: &mut Vec<Shape>, scale: &Scale, unit: AxisUnit, colors: &ThemeColors) {
    let (right, bottom) = (f64::from(WIDTH) - RIGHT, TOP + PLOT_HEIGHT);
    let line =
        |points: [(f64, f64); 2], color| Shape::Line { points: points.to_vec(), width: 1.0, color, is_dashed: false };
    let tick = |at, anchor, text| Shape::Text { at, size: 13.0, anchor, color: colors.dim, is_strong: false, text };
    for (value, text) in value_ticks(scale.highest, 8.0, unit) {
        let y = scale.y(value);
        shapes.push(line([(LEFT, y), (right, y)], if value > 0.0 { colors.grid } else { colors.axis }));
        shapes.push(tick((LEFT - 10.0, y + 4.5), Anchor::End, text));
    }
    for (seconds, text) in time_ticks(scale.from_s, scale.to_s, 12.0) {
        let x = scale.x(seconds);
        shapes.push(line([(x, bottom), (x, bottom + 6.0)], colors.axis));
        shapes.push(tick((x, bottom + 24.0), Anchor::Middle, text));
    }
}

fn markers(shapes: &mut Vec<Shape>, scale: &Scale, request: &ExportRequest, colors: &ThemeColors) {
    let clock = &request.names.trace().clock;
    for (at, marker) in request.names.generations().markers().iter().enumerate() {
        let seconds = clock.seconds(*marker);
        if seconds < scale.from_s || seconds > scale.to_s {
            continue;
        }
        let x = scale.x(seconds);
        let points = vec![(x, TOP), (x, TOP + PLOT_HEIGHT)];
        shapes.push(Shape::Line { points, width: 1.0, color: colors.text, is_dashed: true });
        let text = format!("{} ({seconds:.3} s)", at + 1);
        let (at, anchor) = ((x + 5.0, TOP + 14.0), Anchor::Start);
        shapes.push(Shape::Text { at, size: 12.0, anchor, color: colors.dim, is_strong: false, text });
    }
}

/// Draws the legend; returns its number of rows.
fn legend(shapes: &mut Vec<Shape>, curves: &[Curve], unit: AxisUnit, top: f64, color: Color) -> usize {
    let columns = ((f64::from(WIDTH) - LEFT) / LEGEND_COLUMN).floor().max(1.0) as usize;
    for (at, curve) in curves.iter().enumerate() {
        let x = LEFT + (at % columns) as f64 * LEGEND_COLUMN;
        let y = top + (at / columns) as f64 * LEGEND_ROW;
        shapes.push(Shape::Rect { at: (x, y - 10.0), size: (12.0, 12.0), fill: curve.color });
        let label = shortened(&curve.label, 38);
        let text = format!("{label}: {} at the end", value_text(curve.last, unit));
        let (at, anchor) = ((x + 20.0, y), Anchor::Start);
        shapes.push(Shape::Text { at, size: 14.0, anchor, color, is_strong: false, text });
    }
    curves.len().div_ceil(columns)
}

/// A text of at most `room` characters.
fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{kept}\u{2026}")
}
