//! The curves of both sides on one axis: seconds from the start of each range, or from a marker.

use eframe::egui::{ComboBox, Frame, Margin, Ui};

use super::job::{Alignment, CurvesOfSides};
use super::state::ComparePageState;
use super::{COMPARE, CURVES};
use crate::gui::document::Document;
use crate::gui::model::page_id::PageId;
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::graph::{Action, AxisUnit, Graph, GraphData, Kind, Overview, Range, Series};

/// Ids of the series: baseline and comparison.
const IDS: [u64; 2] = [0, 1];
/// Colors of baseline and comparison, by number.
const COLORS: [usize; 2] = [0, 1];

/// The curves as the graph draws them.
pub(super) fn data(curves: &CurvesOfSides, palette: &Palette) -> GraphData {
    let titles = ["Baseline", "Comparison"];
    let series = (0..2).map(|at: usize| Series {
        id: IDS[at],
        name: titles[at].to_owned(),
        color: palette.series_color(Some(COLORS[at])),
        pattern: u8::from(at == 0),
        on: true,
        has_row: false,
        marked: false,
        values: curves.values[at].clone(),
        extremes: Vec::new(),
    });
    let (what, unit) = if curves.question.by_count { ("count", AxisUnit::Count) } else { ("size", AxisUnit::Bytes) };
    let title = format!("Outstanding {what} of both sides: {}", curves.question.title);
    GraphData::new(title, curves.times.clone(), series.collect(), unit)
}

/// Draws the line above the graph, and the graph.
pub(super) fn show(ui: &mut Ui, document: &Document, state: &mut ComparePageState) {
    let palette = Palette::of(ui);
    Frame::new().inner_margin(Margin { left: 0, right: 0, top: 4, bottom: 8 }).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        bar(ui, state);
        let Some(drawn) = state.curves.clone() else {
            ui.centered_and_justified(|ui| ui.weak("Computing the graph"));
            return;
        };
        if let Some(error) = &drawn.curves.error {
            ui.colored_label(palette.bad, format!("The graph cannot be drawn: {error}"));
            return;
        }
        let times = &drawn.curves.times;
        let (Some(from), Some(to)) = (times.first(), times.last()) else { return };
        let whole = Range::between(*from, *to);
        let data = &drawn.data[usize::from(ui.visuals().dark_mode)];
        let overview = Overview {
            times: times.clone(),
            values: (0..times.len()).map(|at| drawn.curves.values.iter().map(|v| v[at]).fold(0.0, f64::max)).collect(),
        };
        let uncovered = uncovered(&drawn.curves.ranges, whole);
        let view = state.view.filter(|view| view.from >= whole.from && view.to <= whole.to).unwrap_or(whole);
        let graph = Graph {
            view,
            dimmed: document.awaits_page(PageId::COMPARE, COMPARE) || document.awaits_page(PageId::COMPARE, CURVES),
            unrecorded: &uncovered,
            unrecorded_title: "One side only",
            ..Graph::new(data, &overview, Kind::Lines, whole)
        };
        for action in graph.show(ui, &mut state.graph) {
            match action {
                Action::Zoom { to, .. } => state.view = Some(to),
                Action::ZoomAll => state.view = None,
                Action::Select(range) => state.graph.select(range),
                Action::Copy(text) => ui.ctx().copy_text(text),
                _ => {}
            }
        }
    });
}

/// Title of the curves, and the time at which both sides are aligned.
fn bar(ui: &mut Ui, state: &mut ComparePageState) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = GRID;
        let title = state.curves.as_ref().map_or("", |drawn| drawn.curves.question.title.as_str()).to_owned();
        ui.weak("Outstanding:");
        ui.add(eframe::egui::Label::new(title).truncate());
        ui.add_space(2.0 * GRID);
        ui.weak("Align at");
        let marks = state.common_marks();
        let name = |alignment| match alignment {
            Alignment::Start => "Start of range".to_owned(),
            Alignment::Marker(at) => format!("Marker {}", at + 1),
        };
        let now = state.alignment;
        let choices = std::iter::once(Alignment::Start).chain((0..marks).map(Alignment::Marker));
        let choice = ComboBox::from_id_salt("alignment").selected_text(name(now)).width(0.0).show_ui(ui, |ui| {
            for alignment in choices {
                if ui.selectable_label(alignment == now, name(alignment)).clicked() {
                    state.alignment = alignment;
                    state.view = None;
                }
            }
            if marks == 0 {
                ui.weak("Markers that both traces have (press M in the graph of Analysis)");
            }
        });
        let text = format!("Align curves at: {}", name(now));
        choice.response.ctx.accesskit_node_builder(choice.response.id, |node| node.set_label(text));
        if state.view.is_some() && ui.button("Zoom to the whole range").clicked() {
            state.view = None;
        }
    });
}

/// The parts of the axis that only one side covers.
fn uncovered(ranges: &[(f64, f64); 2], whole: Range) -> Vec<Range> {
    let both = (ranges[0].0.max(ranges[1].0), ranges[0].1.min(ranges[1].1));
    if both.0 > both.1 {
        return Vec::new();
    }
    let parts = [Range { from: whole.from, to: both.0 }, Range { from: both.1, to: whole.to }];
    parts.into_iter().filter(|part| part.to > part.from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_side_alone_covers_is_marked() {
        let whole = Range { from: -10.0, to: 60.0 };
        let parts = uncovered(&[(-10.0, 50.0), (0.0, 60.0)], whole);
        assert_eq!(parts, [Range { from: -10.0, to: 0.0 }, Range { from: 50.0, to: 60.0 }]);
        assert_eq!(uncovered(&[(0.0, 60.0), (0.0, 60.0)], Range { from: 0.0, to: 60.0 }), []);
        assert_eq!(uncovered(&[(0.0, 10.0), (20.0, 30.0)], Range { from: 0.0, to: 30.0 }), []);
    }
}
