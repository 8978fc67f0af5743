//! The graph of an export as shapes: axes, curves or stacked areas, markers, the part of the range that was not recorded, and a
//! legend.

use super::request::ExportRequest;
use crate::format;
use crate::format::axis::{AxisUnit, time_ticks, value_text, value_ticks};
use poolscope_analysis::export::drawing::{Anchor, Color, Drawing, Shape};
use poolscope_analysis::series::{SeriesKind, SeriesMetric, SeriesSet};
use poolscope_analysis::trace::time::TimeRange;

/// Upper bound on curves with a color of their own.
pub const MAX_CURVES: usize = 10;
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

const TEXT: Color = Color::rgb(0x1c_21_27);
const DIM: Color = Color::rgb(0x59_63_70);
const GRID: Color = Color::rgb(0xe3_e6_ea);
const AXIS_LINE: Color = Color::rgb(0xb4_bb_c4);
const OTHER: Color = Color::rgb(0xa9_af_b8);
const NOT_RECORDED: Color = Color::rgb(0xf0_f1_f3);
/// The categorical colors of the HTML report, and two more.
const CURVES: [u32; MAX_CURVES] = [
    0x00_72_b2, 0xd5_5e_00, 0x00_9e_73, 0xcc_79_a7, 0xe6_9f_00, 0x56_b4_e9, 0x88_22_55, 0x99_99_33, 0x5b_4b_9a,
    0x6b_4a_2f,
];

/// A curve, from the bottom of its area to its value.
struct Curve {
    label: String,
    color: Color,
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
    let curves = curves(set, request.graph.is_stacked);
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
    shapes.push(text((20.0, 30.0), 18.0, TEXT, true, &title));
    shapes.push(text((20.0, 52.0), 13.0, DIM, false, &super::content::subtitle(request)));
    not_recorded(&mut shapes, &scale, seconds(request.names.trace().recorded.range));
    axes(&mut shapes, &scale, unit);
    for curve in curves.iter().rev() {
        curve_shapes(&mut shapes, curve, &scale, set, request.graph.is_stacked);
    }
    markers(&mut shapes, &scale, request);
    let legend_top = TOP + PLOT_HEIGHT + AXIS + 16.0;
    let rows = legend(&mut shapes, &curves, unit, legend_top);
    let height = legend_top + rows as f64 * LEGEND_ROW + 8.0;
    Drawing { width: WIDTH, height: height as u32, background: Color::rgb(0xff_ff_ff), title, shapes }
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

/// The curves, stacked on each other if they are areas.
fn curves(set: &SeriesSet, is_stacked: bool) -> Vec<Curve> {
    let mut below = vec![0.0; set.times.len()];
    let curve = |at: usize| {
        let values = (0..set.times.len()).map(|point| set.value(at, point).as_f64().unwrap_or(0.0));
        let values: Vec<f64> = values.collect();
        let (label, color) = match set.texts(at) {
            Some(texts) => {
                let label = texts.iter().map(|text| text.trim_end()).collect::<Vec<_>>().join(", ");
                (label, Color::rgb(CURVES.get(at % MAX_CURVES).copied().unwrap_or(0)))
            }
            None => (format::counted(set.others as u64, "other group", "other groups"), OTHER),
        };
        let label = if label.is_empty() { "All".to_owned() } else { label };
        let low = if is_stacked { below.clone() } else { vec![0.0; values.len()] };
        let high: Vec<f64> = values.iter().zip(&low).map(|(value, low)| value + low).collect();
        if is_stacked {
            below.clone_from(&high);
        }
        Curve { label, color, low, high, last: values.last().copied().unwrap_or(0.0) }
    };
    (0..set.curves.len()).map(curve).collect()
}

fn curve_shapes(shapes: &mut Vec<Shape>, curve: &Curve, scale: &Scale, set: &SeriesSet, is_stacked: bool) {
    let line = |values: &[f64]| -> Vec<(f64, f64)> {
        values.iter().enumerate().map(|(at, value)| (scale.x(set.seconds(at)), scale.y(*value))).collect()
    };
    let points = line(&curve.high);
    if is_stacked {
        let corners = points.iter().copied().chain(line(&curve.low).into_iter().rev()).collect();
        shapes.push(Shape::Area { points: corners, fill: curve.color.with_opacity(150) });
    }
    shapes.push(Shape::Line { points, width: 2.0, color: curve.color, is_dashed: false });
}

/// The parts of the visible range that were not recorded.
fn not_recorded(shapes: &mut Vec<Shape>, scale: &Scale, recorded: (f64, f64)) {
    for (from, to) in [(scale.from_s, recorded.0), (recorded.1, scale.to_s)] {
        let (left, right) = (scale.x(from), scale.x(to));
        if to > from && right - left >= 0.5 {
            shapes.push(Shape::Rect { at: (left, TOP), size: (right - left, PLOT_HEIGHT), fill: NOT_RECORDED });
        }
    }
}

fn axes(shapes: &mut Vec<Shape>, scale: &Scale, unit: AxisUnit) {
    let (right, bottom) = (f64::from(WIDTH) - RIGHT, TOP + PLOT_HEIGHT);
    let line =
        |points: [(f64, f64); 2], color| Shape::Line { points: points.to_vec(), width: 1.0, color, is_dashed: false };
    let tick = |at, anchor, text| Shape::Text { at, size: 13.0, anchor, color: DIM, is_strong: false, text };
    for (value, text) in value_ticks(scale.highest, 8.0, unit) {
        let y = scale.y(value);
        shapes.push(line([(LEFT, y), (right, y)], if value > 0.0 { GRID } else { AXIS_LINE }));
        shapes.push(tick((LEFT - 10.0, y + 4.5), Anchor::End, text));
    }
    for (seconds, text) in time_ticks(scale.from_s, scale.to_s, 12.0) {
        let x = scale.x(seconds);
        shapes.push(line([(x, bottom), (x, bottom + 6.0)], AXIS_LINE));
        shapes.push(tick((x, bottom + 24.0), Anchor::Middle, text));
    }
}

fn markers(shapes: &mut Vec<Shape>, scale: &Scale, request: &ExportRequest) {
    let clock = &request.names.trace().clock;
    for (at, marker) in request.names.generations().markers().iter().enumerate() {
        let seconds = clock.seconds(*marker);
        if seconds < scale.from_s || seconds > scale.to_s {
            continue;
        }
        let x = scale.x(seconds);
        let points = vec![(x, TOP), (x, TOP + PLOT_HEIGHT)];
        shapes.push(Shape::Line { points, width: 1.0, color: TEXT, is_dashed: true });
        let text = format!("{} ({seconds:.3} s)", at + 1);
        let (at, anchor) = ((x + 5.0, TOP + 14.0), Anchor::Start);
        shapes.push(Shape::Text { at, size: 12.0, anchor, color: DIM, is_strong: false, text });
    }
}

/// Draws the legend; returns its number of rows.
fn legend(shapes: &mut Vec<Shape>, curves: &[Curve], unit: AxisUnit, top: f64) -> usize {
    let columns = ((f64::from(WIDTH) - LEFT) / LEGEND_COLUMN).floor().max(1.0) as usize;
    for (at, curve) in curves.iter().enumerate() {
        let x = LEFT + (at % columns) as f64 * LEGEND_COLUMN;
        let y = top + (at / columns) as f64 * LEGEND_ROW;
        shapes.push(Shape::Rect { at: (x, y - 10.0), size: (12.0, 12.0), fill: curve.color });
        let label = shortened(&curve.label, 38);
        let text = format!("{label}: {} at the end", value_text(curve.last, unit));
        let (at, anchor) = ((x + 20.0, y), Anchor::Start);
        shapes.push(Shape::Text { at, size: 14.0, anchor, color: TEXT, is_strong: false, text });
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
