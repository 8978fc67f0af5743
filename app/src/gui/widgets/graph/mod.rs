//! The time graph: lines, stacked areas or bars over time on `egui_plot`, a range to select, wheel and drag to move in
//! time, a legend and an overview of the whole. It shows what it is given and hands back [`Action`]s.

mod legend;
mod math;
mod minimap;
mod model;
mod plot;

use eframe::egui::{Rect, Sense, Ui, pos2};

pub use math::{time_text, value_text};
pub use model::{Action, GraphData, Kind, Overview, Range, Series, Unit};

use crate::gui::theme::GRID;

const LEGEND_WIDTH: f32 = 148.0;
/// Below this width the legend gives way to the graph.
const LEAST_WIDTH_WITH_LEGEND: f32 = 520.0;

/// What the graph remembers between frames.
#[derive(Debug, Clone, Default)]
pub struct GraphState {
    selection: Option<Range>,
    drag_from: Option<f64>,
    /// Series under the pointer in the legend, emphasised in the next frame.
    emphasised: Option<usize>,
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
}

/// The graph, ready to be shown.
pub struct Graph<'a> {
    /// The series.
    pub data: &'a GraphData,
    /// The curve of the whole trace.
    pub overview: &'a Overview,
    /// How to draw.
    pub kind: Kind,
    /// The whole trace.
    pub whole: Range,
    /// The visible range.
    pub view: Range,
    /// Draws the series dimmed: they are old and new ones are on their way.
    pub dimmed: bool,
}

impl Graph<'_> {
    /// Fills the rest of `ui` with the graph; returns what the user asked for.
    pub fn show(&self, ui: &mut Ui, state: &mut GraphState) -> Vec<Action> {
        let (rect, _) = ui.allocate_exact_size(ui.available_size(), Sense::HOVER);
        let mut actions = Vec::new();
        let with_legend = rect.width() >= LEAST_WIDTH_WITH_LEGEND;
        let right = rect.right() - if with_legend { LEGEND_WIDTH + 2.0 * GRID } else { 0.0 };
        let bottom = (rect.bottom() - minimap::HEIGHT - GRID).max(rect.top());
        let plot_rect = Rect::from_min_max(rect.min, pos2(right, bottom));
        let frame = plot::show(ui, plot_rect, self, state, &mut actions);
        let strip = Rect::from_x_y_ranges(frame.x_range(), bottom + GRID..=rect.bottom());
        minimap::show(ui, strip, self.overview, self.whole, self.view, &mut actions);
        state.emphasised = with_legend
            .then(|| {
                let place = Rect::from_min_max(pos2(right + 2.0 * GRID, rect.top()), rect.max);
                legend::show(ui, place, self.data, &mut actions)
            })
            .flatten();
        actions
    }
}
