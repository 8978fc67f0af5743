//! The axes of the plot: round ticks for the grid of `egui_plot` and tick labels that never overlap, and the transform between
//! times, values and places on the screen. Labels that are moved inside at an edge, and the ticks of the time axis, are painted
//! beside the plot because it cannot draw them.

use std::sync::Arc;

use eframe::egui::{Align2, Color32, Painter, Pos2, Rangef, Rect, Stroke, pos2};
use egui_plot::{AxisHints, GridMark, Plot, PlotTransform};

use super::Graph;
use super::model::{AxisUnit, Point, Range};
use crate::format::axis::{self, round_step, tick_text, ticks, time_text};
use crate::gui::theme::{self, GRID, Palette};

/// Height of the time axis, in points.
pub(super) const HEIGHT: f32 = 20.0;
/// Least width of the value axis, in points.
const LEAST_WIDTH: f32 = 56.0;
/// Least distance between the labels of two ticks, in points.
const GAP: f32 = 14.0;
/// Distance between the frame and the labels of times, in points.
const BELOW: f32 = GRID;
/// Distance between the frame and the labels of values, in points.
const BESIDE: f32 = 1.5 * GRID;
/// Margin of the plot on both sides of the labels of values, in points.
const MARGIN: f32 = 4.0;

/// The frame of the curves on the screen with the times and the value of its edges; the lower edge is zero. The same as the
/// transform of the plot, but comparable, and known before there is a plot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub frame: Rect,
    pub view: Range,
    /// The value at the upper edge.
    pub top: f64,
}

impl From<&PlotTransform> for Scale {
    fn from(transform: &PlotTransform) -> Self {
        let (times, values) = (transform.bounds().range_x(), transform.bounds().range_y());
        let view = Range { from: *times.start(), to: *times.end() };
        Self { frame: *transform.frame(), view, top: *values.end() }
    }
}

impl Scale {
    /// Seconds per point of the screen.
    pub fn resolution(&self) -> f64 {
        self.view.span().max(f64::MIN_POSITIVE) / f64::from(self.frame.width().max(1.0))
    }

    pub fn x(&self, time: f64) -> f32 {
        self.frame.left() + ((time - self.view.from) / self.resolution()) as f32
    }

    pub fn y(&self, value: f64) -> f32 {
        self.frame.bottom() - (value / self.top) as f32 * self.frame.height()
    }

    pub fn at(&self, point: Point) -> Pos2 {
        pos2(self.x(point.0), self.y(point.1))
    }

    pub fn time(&self, x: f32) -> f64 {
        self.view.from + f64::from(x - self.frame.left()) * self.resolution()
    }
}

/// Both axes.
pub(super) struct Axes {
    /// The frame that the plot will have.
    pub scale: Scale,
    times: Marks,
    values: Marks,
}

/// The ticks of an axis.
struct Marks {
    step: f64,
    /// The ticks, each with the label that the plot draws; empty where it draws none.
    marks: Arc<Vec<(f64, String)>>,
    /// Labels that are not where the plot would draw them.
    moved: Vec<(Pos2, Align2, String)>,
}

impl Axes {
    /// Axes for a plot that fills `outer` and reaches up to the value `top`.
    pub fn new(painter: &Painter, outer: Rect, graph: &Graph<'_>, top: f64) -> Self {
        let unit = graph.data.unit;
        let bottom = (outer.bottom() - HEIGHT).max(outer.top() + 1.0);
        let step = round_step(top, f64::from((bottom - outer.top()) / 36.0).max(2.0), Some(unit));
        let values = ticks(0.0, top, step);
        let widest =
            values.iter().map(|value| width_of(painter, &tick_text(*value, step, top, unit))).fold(0.0, f32::max);
        // In steps, so that the frame keeps its place while the values change.
        let width = ((widest + BESIDE + MARGIN) / 8.0).ceil() * 8.0;
        let left = (outer.left() + width.max(LEAST_WIDTH).max(graph.least_axis_width)).min(outer.right() - 1.0);
        let frame = Rect::from_min_max(pos2(left, outer.top()), pos2(outer.right(), bottom));
        let scale = Scale { frame, view: graph.view, top };
        let values = value_marks(&scale, step, values, unit);
        Self { scale, times: time_marks(painter, &scale, outer), values }
    }

    /// Gives a plot these axes and their grid.
    pub fn onto<'a>(&self, plot: Plot<'a>, outer: Rect, palette: &Palette) -> Plot<'a> {
        let message = |hints: AxisHints<'a>, marks: &Marks, thickness: f32| {
            let marks = Arc::clone(&marks.marks);
            let word = move |mark: GridMark| {
                let of = |(at, _): &&(f64, String)| at.to_bits() == mark.value.to_bits();
                marks.iter().find(of).map(|(_, word)| word.clone()).unwrap_or_default()
            };
            hints
                .formatter(move |mark, _| word(mark))
                .min_thickness(thickness)
                .label_spacing(Rangef::new(0.0, 1.0))
                .tick_label_color(palette.dim)
                .tick_label_font(theme::small_font())
        };
        // An axis without labels keeps a distance between the others and the frame.
        let gap = |hints: AxisHints<'a>, thickness: f32| hints.formatter(|_, _| String::new()).min_thickness(thickness);
        let height = outer.bottom() - self.scale.frame.bottom() - BELOW;
        let width = self.scale.frame.left() - outer.left() - (BESIDE - MARGIN);
        let times = vec![gap(AxisHints::new_x(), BELOW), message(AxisHints::new_x(), &self.times, height)];
        let values = vec![gap(AxisHints::new_y(), BESIDE - MARGIN), message(AxisHints::new_y(), &self.values, width)];
        let grid = |marks: &Marks| {
            let step_size = marks.step;
            let marks = Arc::clone(&marks.marks);
            move |_| marks.iter().map(|(value, _)| GridMark { value: *value, step_size }).collect()
        };
        plot.custom_x_axes(times)
            .custom_y_axes(values)
            .x_grid_spacer(grid(&self.times))
            .y_grid_spacer(grid(&self.values))
            .grid_spacing(Rangef::new(0.0, 1.0))
            .grid_color(palette.grid)
            .grid_fade(0.0)
    }

    /// Paints the labels and ticks that the plot does not draw.
    pub fn paint(&self, painter: &Painter, palette: &Palette, scale: &Scale) {
        for (time, _) in self.times.marks.iter() {
            let bottom = scale.frame.bottom();
            painter.vline(scale.x(*time), bottom..=bottom + 3.0, Stroke::new(1.0, palette.faint));
        }
        for (place, align, word) in self.times.moved.iter().chain(&self.values.moved) {
            painter.text(*place, *align, word, theme::small_font(), palette.dim);
        }
    }
}

/// The ticks of values; a label that would reach above the frame is moved down.
fn value_marks(scale: &Scale, step: f64, values: Vec<f64>, unit: AxisUnit) -> Marks {
    let (mut marks, mut moved) = (Vec::new(), Vec::new());
    let highest = scale.frame.top() + theme::SMALL / 2.0;
    for value in values {
        let mut word = tick_text(value, step, scale.top, unit);
        if scale.y(value) < highest {
            let place = pos2(scale.frame.left() - BESIDE, highest);
            moved.push((place, Align2::RIGHT_CENTER, std::mem::take(&mut word)));
        }
        marks.push((value, word));
    }
    Marks { step, marks: Arc::new(marks), moved }
}

/// The ticks of times, their labels inside `outer`. A label that would overlap the one before is left out.
fn time_marks(painter: &Painter, scale: &Scale, outer: Rect) -> Marks {
    let step = time_step(painter, scale.view, scale.frame.width());
    let (mut marks, mut moved) = (Vec::new(), Vec::new());
    let mut free_from = outer.left();
    for time in ticks(scale.view.from, scale.view.to, step) {
        let mut word = time_text(time, step);
        let width = width_of(painter, &word);
        let centered = scale.x(time) - width / 2.0;
        let left = centered.min(outer.right() - width);
        if left < free_from {
            word.clear();
        } else {
            free_from = left + width + GAP / 2.0;
        }
        // The plot leaves out labels that are wider than a step.
        let narrow = scale.x(time + step) - scale.x(time) <= width;
        if !word.is_empty() && (left < centered || narrow) {
            let place = pos2(left, scale.frame.bottom() + BELOW);
            moved.push((place, Align2::LEFT_TOP, std::mem::take(&mut word)));
        }
        marks.push((time, word));
    }
    Marks { step, marks: Arc::new(marks), moved }
}

fn width_of(painter: &Painter, text: &str) -> f32 {
    painter.layout_no_wrap(text.to_owned(), theme::small_font(), Color32::WHITE).size().x
}

/// A step of the time axis that leaves room for the labels of its ticks.
fn time_step(painter: &Painter, view: Range, width: f32) -> f64 {
    let mut room = 80.0;
    loop {
        let step = axis::time_step(view.span(), f64::from(width / room));
        let needed =
            width_of(painter, &time_text(view.to, step)).max(width_of(painter, &time_text(view.from, step))) + GAP;
        let there = (step / view.span().max(f64::MIN_POSITIVE)) as f32 * width;
        if needed <= there || room >= width {
            return step;
        }
        room = needed.max(room + 8.0);
    }
}

#[cfg(test)]
mod tests {
    use egui_plot::{PlotBounds, PlotPoint};

    use super::*;

    #[test]
    fn places_are_those_of_the_plot() {
        let frame = Rect::from_min_max(pos2(100.0, 20.0), pos2(700.0, 320.0));
        let bounds = PlotBounds::from_min_max([12.0, 0.0], [42.0, 24e6]);
        let transform = PlotTransform::new(frame, bounds, false);
        let scale = Scale::from(&transform);
        assert_eq!(scale, Scale { frame, view: Range { from: 12.0, to: 42.0 }, top: 24e6 });
        for point in [(12.0, 0.0), (30.5, 1e6), (42.0, 24e6), (50.0, 30e6)] {
            let place = transform.position_from_point(&PlotPoint::new(point.0, point.1));
            assert!(scale.at(point).distance(place) < 1e-3, "{point:?}");
            assert!((scale.time(place.x) - point.0).abs() < 1e-5, "{point:?}");
        }
    }

    #[test]
    fn a_place_and_its_time_belong_together() {
        let frame = Rect::from_min_max(pos2(100.0, 0.0), pos2(300.0, 50.0));
        let scale = Scale { frame, view: Range { from: 12.0, to: 12.0 + 1e-8 }, top: 10.0 };
        assert_eq!(scale.at((12.0, 10.0)), frame.left_top());
        assert_eq!(scale.x(12.0 + 1e-8).round(), 300.0);
        assert!((scale.time(200.0) - (12.0 + 5e-9)).abs() < 1e-14);
        assert_eq!(scale.y(5.0), 25.0);
    }
}
