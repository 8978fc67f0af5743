//! The axes as `egui_plot` is told of them: round marks for its grid, and words for those marks that never overlap. What it
//! cannot do is painted beside it: a word moved inside at the very edge, and the ticks of the time axis. Takes no input.

use std::sync::Arc;

use eframe::egui::{Align2, Color32, Painter, Pos2, Rangef, Rect, Stroke, pos2};
use egui_plot::{AxisHints, GridMark, Plot};

use super::Graph;
use super::model::{Range, Unit};
use super::scale::Scale;
use super::ticks;
use super::words::{time_text, value_text};
use crate::gui::theme::{self, GRID, Palette};

/// Height of the time axis, in points.
pub(super) const HEIGHT: f32 = 20.0;
/// Least width of the value axis, in points.
const LEAST_WIDTH: f32 = 56.0;
/// Least distance between the words of two marks, in points.
const GAP: f32 = 14.0;
/// Distance between the frame and the words of times, in points.
const BELOW: f32 = GRID;
/// Distance between the frame and the words of values, in points.
const BESIDE: f32 = 1.5 * GRID;
/// What the plot itself leaves free on both sides of the words of values, in points.
const MARGIN: f32 = 4.0;

/// Both axes of one frame.
pub(super) struct Axes {
    /// Where the plot's frame will be.
    pub scale: Scale,
    times: Marks,
    values: Marks,
}

/// The marks of one axis.
struct Marks {
    step: f64,
    /// Where they stand, and the plot's word for each, if it has one.
    marks: Arc<Vec<(f64, String)>>,
    /// Words that do not stand where the plot would put them.
    moved: Vec<(Pos2, Align2, String)>,
}

impl Axes {
    /// Axes for a plot that fills `outer` and reaches up to the value `top`.
    pub fn new(painter: &Painter, outer: Rect, graph: &Graph<'_>, top: f64) -> Self {
        let unit = graph.data.unit;
        let bottom = (outer.bottom() - HEIGHT).max(outer.top() + 1.0);
        let step = ticks::round_step(top, f64::from((bottom - outer.top()) / 36.0).max(2.0), Some(unit));
        let values = ticks::marks(0.0, top, step);
        let widest = values.iter().map(|value| width_of(painter, &value_text(*value, step, unit))).fold(0.0, f32::max);
        // In steps, so that the graph does not tremble while its values change.
        let width = ((widest + BESIDE + MARGIN) / 8.0).ceil() * 8.0;
        let left = (outer.left() + width.max(LEAST_WIDTH)).min(outer.right() - 1.0);
        let frame = Rect::from_min_max(pos2(left, outer.top()), pos2(outer.right(), bottom));
        let scale = Scale { frame, view: graph.view, top };
        let values = value_marks(&scale, step, values, unit);
        Self { scale, times: time_marks(painter, &scale, outer), values }
    }

    /// Gives a plot these axes and their grid.
    pub fn onto<'a>(&self, plot: Plot<'a>, outer: Rect, palette: &Palette) -> Plot<'a> {
        let words = |hints: AxisHints<'a>, marks: &Marks, thickness: f32| {
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
        // An axis without words keeps the others off the frame.
        let gap = |hints: AxisHints<'a>, thickness: f32| hints.formatter(|_, _| String::new()).min_thickness(thickness);
        let height = outer.bottom() - self.scale.frame.bottom() - BELOW;
        let width = self.scale.frame.left() - outer.left() - (BESIDE - MARGIN);
        let times = vec![gap(AxisHints::new_x(), BELOW), words(AxisHints::new_x(), &self.times, height)];
        let values = vec![gap(AxisHints::new_y(), BESIDE - MARGIN), words(AxisHints::new_y(), &self.values, width)];
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

    /// Paints what the plot cannot.
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

/// Words of values; one that would reach above the frame is moved down.
fn value_marks(scale: &Scale, step: f64, values: Vec<f64>, unit: Unit) -> Marks {
    let (mut marks, mut moved) = (Vec::new(), Vec::new());
    let highest = scale.frame.top() + theme::SMALL / 2.0;
    for value in values {
        let mut word = value_text(value, step, unit);
        if scale.y(value) < highest {
            let place = pos2(scale.frame.left() - BESIDE, highest);
            moved.push((place, Align2::RIGHT_CENTER, std::mem::take(&mut word)));
        }
        marks.push((value, word));
    }
    Marks { step, marks: Arc::new(marks), moved }
}

/// Words of times, inside `outer`. A word that would run into the one before is left out; its mark stays.
fn time_marks(painter: &Painter, scale: &Scale, outer: Rect) -> Marks {
    let step = time_step(painter, scale.view, scale.frame.width());
    let (mut marks, mut moved) = (Vec::new(), Vec::new());
    let mut free_from = outer.left();
    for time in ticks::marks(scale.view.from, scale.view.to, step) {
        let mut word = time_text(time, step);
        let width = width_of(painter, &word);
        let centred = scale.x(time) - width / 2.0;
        let left = centred.min(outer.right() - width);
        if left < free_from {
            word.clear();
        } else {
            free_from = left + width + GAP / 2.0;
        }
        // The plot leaves out words that are wider than a step.
        let narrow = scale.x(time + step) - scale.x(time) <= width;
        if !word.is_empty() && (left < centred || narrow) {
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

/// A step of the time axis that leaves room for the words of its marks.
fn time_step(painter: &Painter, view: Range, width: f32) -> f64 {
    let mut room = 80.0;
    loop {
        let step = ticks::round_step(view.span(), f64::from(width / room), None);
        let needed =
            width_of(painter, &time_text(view.to, step)).max(width_of(painter, &time_text(view.from, step))) + GAP;
        let there = (step / view.span().max(f64::MIN_POSITIVE)) as f32 * width;
        if needed <= there || room >= width {
            return step;
        }
        room = needed.max(room + 8.0);
    }
}
