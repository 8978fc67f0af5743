//! The graph above the table, with what the graph shows chosen above it. The splitter between them can be dragged.

use eframe::egui::{Align, ComboBox, Frame, Label, Layout, Margin, Panel, Response, Sense, Ui, vec2};
use poolscope_core::series::{Kind as MeasureKind, Measure};

use crate::format;
use crate::gui::command::{Command, DocumentCommand};
use crate::gui::jobs::document::Topic;
use crate::gui::state::document::{Document, measure_title};
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::graph::{Graph, Kind};
use crate::gui::widgets::pivot_table::PivotTable;

/// Draws graph and table.
pub fn show(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    let mut in_graph = Vec::new();
    let mut in_table = Vec::new();
    let palette = Palette::of(ui);
    let margin = Margin { left: 8, right: 8, top: 4, bottom: 8 };
    let height = ui.available_height();
    Panel::top("graph")
        .resizable(true)
        .default_size(height * 0.42)
        .size_range(140.0..=(height - 140.0).max(141.0))
        .frame(Frame::new().fill(palette.panel).inner_margin(margin))
        .show(ui, |ui| {
            toolbar(ui, document, commands);
            let (view, whole) = (document.view(), document.whole());
            match &document.graph_data {
                Some(data) => {
                    let graph = Graph {
                        data,
                        overview: &document.overview,
                        kind: document.kind,
                        whole,
                        view,
                        dimmed: document.waits(Topic::Curves),
                    };
                    in_graph = graph.show(ui, &mut document.graph);
                }
                None => {
                    ui.centered_and_justified(|ui| ui.weak("Computing the curves"));
                }
            }
        });
    match &document.rows {
        Some(rows) if rows.flat().is_empty() => {
            nothing_in_view(ui, document.history.can_go_back(), commands);
        }
        Some(rows) => {
            if document.lacks_stacks() {
                no_stacks(ui, palette);
            }
            let dimmed = document.waits(Topic::Table);
            let table = PivotTable::new("Allocations", rows, &mut document.table);
            in_table = table.dimmed(dimmed).show(ui);
        }
        None => {
            ui.centered_and_justified(|ui| ui.weak("Grouping the allocations"));
        }
    }
    in_graph.into_iter().for_each(|action| document.graph_action(action));
    in_table.into_iter().for_each(|action| document.table_action(action));
}

/// A view in which nothing lives.
fn nothing_in_view(ui: &mut Ui, can_go_back: bool, commands: &mut Vec<Command>) {
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        ui.add_space((ui.available_height() * 0.3).max(GRID));
        ui.label("No allocation lives in this view.");
        ui.add_space(2.0 * GRID);
        let ways = [DocumentCommand::ZoomBack, DocumentCommand::ZoomAll];
        for command in ways.into_iter().skip(usize::from(!can_go_back)) {
            if ui.button(command.title()).clicked() {
                commands.push(command.into());
            }
        }
    });
}

/// A line above a table whose stacks are all empty: why, and how to get them.
fn no_stacks(ui: &mut Ui, palette: &Palette) {
    let margin = Margin::symmetric(8, 4);
    Frame::new().fill(palette.panel).inner_margin(margin).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            let (dot, _) = ui.allocate_exact_size(vec2(8.0, 8.0), Sense::HOVER);
            ui.painter().circle_filled(dot.center(), 4.0, palette.warn);
            let text =
                "Recorded without stacks: who allocates cannot be seen. Record with -stackwalk PoolAlloc+PoolFree.";
            ui.add(Label::new(text).truncate());
        });
    });
}

fn toolbar(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        measures(ui, document, commands);
        let shown = DocumentCommand::Draw(document.kind).title();
        let draw = ComboBox::from_id_salt("draw").selected_text(shown).show_ui(ui, |ui| {
            for kind in [Kind::Lines, Kind::Areas, Kind::Bars] {
                let command = DocumentCommand::Draw(kind);
                if ui.selectable_label(document.kind == kind, command.title()).clicked() {
                    commands.push(command.into());
                }
            }
        });
        name_box(&draw.response, "How the curves are drawn");
        ui.weak(document.graph_grouping());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if document.history.can_go_back() {
                for command in [DocumentCommand::ZoomAll, DocumentCommand::ZoomBack] {
                    if ui.button(command.title()).clicked() {
                        commands.push(command.into());
                    }
                }
            }
            if document.graph.selection().is_some() && ui.button(DocumentCommand::ZoomToSelection.title()).clicked() {
                commands.push(DocumentCommand::ZoomToSelection.into());
            }
            selected(ui, document);
            if document.graph.selection().is_none() {
                let view = document.view();
                ui.weak(format!("{:.3} s to {:.3} s", view.from, view.to));
            }
        });
    });
    ui.add_space(GRID / 2.0);
}

fn measures(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let shown = measure_title(document.measure);
    let measure = ComboBox::from_id_salt("measure").width(190.0).selected_text(shown).show_ui(ui, |ui| {
        for kind in [MeasureKind::Outstanding, MeasureKind::Cumulative, MeasureKind::Rate] {
            for by_count in [false, true] {
                let measure = Measure { kind, by_count };
                if ui.selectable_label(document.measure == measure, measure_title(measure)).clicked() {
                    commands.push(DocumentCommand::Measure(measure).into());
                }
            }
        }
        ui.separator();
        let command = DocumentCommand::CountEarlier;
        if ui.selectable_label(document.earlier, command.title()).clicked() {
            commands.push(command.into());
        }
    });
    name_box(&measure.response, "What the curves show");
}

/// A box shows its value; what it is for is told to those who cannot see where it stands.
fn name_box(response: &Response, name: &str) {
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(name));
    response.clone().on_hover_text(name);
}

/// What the selected range holds, once it is known; nothing where the window is too narrow for it.
fn selected(ui: &mut Ui, document: &Document) {
    let (Some(_), Some(totals)) = (document.graph.selection(), &document.totals) else { return };
    let total = &totals.total;
    let text =
        format!("kept {} in {} blocks", format::bytes(total.impacting_size()), format::count(total.impacting_count()));
    let whole = format!(
        "Allocated in the selected range and still there at its end (AIFO): {} in {} blocks. Living in it at all: {} in {} blocks. Net change: {} bytes.",
        format::bytes(total.impacting_size()),
        format::count(total.impacting_count()),
        format::bytes(total.size()),
        format::count(total.count()),
        total.net_size(),
    );
    ui.label(text).on_hover_text(whole);
}
