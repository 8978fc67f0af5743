//! The time graph: lines, stacked areas or bars over time, a crosshair with all values, a range to select, marks, wheel, drag
//! and keys to move in time, a legend and an overview of the whole trace. It returns [`Action`]s and changes no data itself.
//!
//! It is drawn on `egui_plot`: frame, background, grid, axes and the transform between times and places are the plot's, and
//! the curves are an item of it (`draw`). Dragging, zooming and the values at a time are the graph's own.

mod axes;
mod decimation;
mod draw;
mod hover;
mod intervals;
mod keys;
mod legend;
mod marks;
mod menu;
mod minimap;
mod model;
mod pattern;
mod plot;
mod select;
mod stack;

use eframe::egui::{Rect, Sense, Ui, pos2};

pub use model::{Action, AxisUnit, GraphData, Interval, Kind, Mark, Overview, Range, Series};

use crate::gui::theme::GRID;
use crate::gui::widgets::menu_by_keys;

/// Width of the legend until it is dragged, in points.
const LEGEND_WIDTH: f32 = 156.0;
/// Least width of graph and legend together; below it there is no legend, in points.
const LEAST_WIDTH_WITH_LEGEND: f32 = 520.0;
/// Least width of the graph beside the legend, in points.
const LEAST_GRAPH: f32 = 240.0;

/// View state of the graph: selection, time cursor, drags, legend, and caches.
#[derive(Debug, Clone, Default)]
pub struct GraphState {
    selection: Option<Range>,
    cursor: Option<f64>,
    drag: Option<select::SelectionDrag>,
    /// The fixed end of the selection while the other is dragged.
    held: Option<f64>,
    /// Index of the mark that is being dragged, and its time.
    mark_drag: Option<(usize, f64)>,
    strip_drag: Option<minimap::MinimapDrag>,
    /// The time at which the menu was opened.
    menu_at: Option<f64>,
    /// The menu, if keys opened it.
    keyed: Option<menu_by_keys::KeyedMenu>,
    /// Series under the pointer in the legend, emphasized in the next frame.
    emphasized: Option<usize>,
    legend_width: Option<f32>,
    legend_hidden: bool,
    wants_focus: bool,
    drawn: draw::ShapeCache,
}

impl GraphState {
    /// The selected range.
    #[must_use]
    pub fn selection(&self) -> Option<Range> {
        self.selection
    }

    /// Selects a range, or nothing.
    pub fn select(&mut self, range: Option<Range>) {
        self.selection = range;
    }

    /// The time cursor, in seconds from the trace's start.
    #[must_use]
    pub fn cursor(&self) -> Option<f64> {
        self.cursor
    }

    /// Sets or removes the time cursor.
    pub fn set_cursor(&mut self, time: Option<f64>) {
        self.cursor = time;
    }

    /// Gives the plot the keyboard in the next frame.
    pub fn request_focus(&mut self) {
        self.wants_focus = true;
    }

    /// Width of the legend in points if it was dragged, and whether it is hidden; for the settings.
    #[must_use]
    pub fn legend(&self) -> (Option<f32>, bool) {
        (self.legend_width, self.legend_hidden)
    }

    /// Restores the legend from the result of [`Self::legend`].
    pub fn set_legend(&mut self, width: Option<f32>, hidden: bool) {
        self.legend_width = width.filter(|width| width.is_finite());
        self.legend_hidden = hidden;
    }
}

/// The graph, ready to be shown.
pub struct Graph<'a> {
    /// The series.
    pub data: &'a GraphData,
    /// The curve of the whole trace.
    pub overview: &'a Overview,
    /// The kind of graph.
    pub kind: Kind,
    /// The whole trace.
    pub whole: Range,
    /// The visible range.
    pub view: Range,
    /// True if the series are outdated; they are drawn dimmed.
    pub dimmed: bool,
    /// The time of day at a time in seconds from the start of the trace, where it is known.
    pub wall_clock: Option<&'a dyn Fn(f64) -> Option<String>>,
    /// Lines of text about the selection.
    pub selection_note: Option<&'a [String]>,
    /// Times that were not or not completely recorded; they are hatched.
    pub unrecorded: &'a [Range],
    /// The words on hatched parts.
    pub unrecorded_title: &'a str,
    /// Named parts of the time axis; they are shaded.
    pub intervals: &'a [Interval],
    /// True if the strip with the whole time range is below the graph. Of graphs on one time axis one has it.
    pub has_overview: bool,
    /// Least width of the axis of values, in points. Graphs below each other with the same width have their times below each other.
    pub least_axis_width: f32,
    /// Marks in any order; generations are numbered by time.
    pub marks: &'a [Mark],
    /// Adds entries to the menu of the plot.
    pub menu: Option<&'a mut (dyn FnMut(&mut Ui) + 'a)>,
}

impl<'a> Graph<'a> {
    /// A graph with nothing but its curves, showing all of `whole`.
    #[must_use]
    pub fn new(data: &'a GraphData, overview: &'a Overview, kind: Kind, whole: Range) -> Self {
        Self {
            data,
            overview,
            kind,
            whole,
            view: whole,
            dimmed: false,
            wall_clock: None,
            selection_note: None,
            unrecorded: &[],
            unrecorded_title: "Not recorded",
            intervals: &[],
            has_overview: true,
            least_axis_width: 0.0,
            marks: &[],
            menu: None,
        }
    }

    /// Fills the rest of `ui` with the graph; returns what the user asked for.
    pub fn show(mut self, ui: &mut Ui, state: &mut GraphState) -> Vec<Action> {
        let (rect, _) = ui.allocate_exact_size(ui.available_size(), Sense::HOVER);
        let mut actions = Vec::new();
        let extra = self.menu.take();
        let with_legend = rect.width() >= LEAST_WIDTH_WITH_LEGEND && !self.data.series.is_empty();
        let most = (rect.width() - LEAST_GRAPH).max(legend::LEAST_WIDTH);
        let width = match with_legend {
            true if state.legend_hidden => legend::FOLDED_WIDTH,
            true => state.legend_width.unwrap_or(LEGEND_WIDTH).clamp(legend::LEAST_WIDTH, most),
            false => 0.0,
        };
        let gap = if with_legend { 2.0 * GRID } else { 0.0 };
        let right = rect.right() - width - gap;
        let strip_height = if self.has_overview { minimap::HEIGHT + GRID } else { 0.0 };
        let bottom = (rect.bottom() - strip_height).max(rect.top());
        let frame =
            plot::show(ui, Rect::from_min_max(rect.min, pos2(right, bottom)), &self, state, extra, &mut actions);
        if self.has_overview {
            let strip = Rect::from_x_y_ranges(frame.x_range(), bottom + GRID..=rect.bottom());
            minimap::show(ui, strip, &self, state, &mut actions);
        }
        state.emphasized = None;
        let place = Rect::from_min_max(pos2(right + gap, rect.top()), rect.max);
        if with_legend && state.legend_hidden {
            legend::folded(ui, place, state);
        } else if with_legend {
            let handle = Rect::from_x_y_ranges(right + 1.0..=right + gap - 1.0, rect.y_range());
            legend::edge(ui, handle, width, most, state);
            state.emphasized = legend::show(ui, place, &self, state, &mut actions);
        }
        actions
    }
}
