//! The bar above the graph: what it shows, how, by which columns; the range, and the steps between ranges.

use eframe::egui::{Align, Button, ComboBox, Label, Layout, Response, Ui};
use poolscope_analysis::pivot::Key;
use poolscope_analysis::series::{SeriesKind as MeasureKind, SeriesMetric};

use crate::format;
use crate::format::axis::time_text;
use crate::gui::commands::{Command, DocumentCommand, WidgetAction};
use crate::gui::document::{CURVE_COUNTS, Document, measure_title};
use crate::gui::theme::GRID;
use crate::gui::widgets::graph::Kind;

/// Width below which the range is not written out, in points.
const LEAST_WIDTH_FOR_RANGE: f32 = 760.0;

/// Width below which the totals of a selection are not shown, in points.
const LEAST_TOTALS_WIDTH: f32 = 80.0;

/// Draws the bar.
pub(super) fn show(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let wide = ui.available_width() >= LEAST_WIDTH_FOR_RANGE;
    ui.horizontal(|ui| {
        measures(ui, document, commands);
        kinds(ui, document, commands);
        grouping(ui, document, commands);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            for command in [DocumentCommand::ZoomAll, DocumentCommand::ZoomForward, DocumentCommand::ZoomBack] {
                if document.can(&command)
                    && (command != DocumentCommand::ZoomAll || document.visible_range() != document.whole())
                {
                    push_on_click(ui, &command, commands);
                }
            }
            if document.ui.graph.selection().is_some() {
                push_on_click(ui, &DocumentCommand::ZoomToSelection, commands);
                selected(ui, document);
            } else if wide {
                let range = document.visible_range();
                ui.weak(format!("{} to {}", time_text(range.from, 0.0), time_text(range.to, 0.0)));
            }
        });
    });
    ui.add_space(GRID / 2.0);
}

fn push_on_click(ui: &mut Ui, command: &DocumentCommand, commands: &mut Vec<Command>) {
    let short = match command {
        DocumentCommand::ZoomAll => "Whole trace".to_owned(),
        DocumentCommand::ZoomForward => "Forward".to_owned(),
        DocumentCommand::ZoomBack => "Back".to_owned(),
        other => other.title(),
    };
    let response = ui.add(Button::new(short));
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(command.title()));
    if response.clicked() {
        commands.push(command.clone().into());
    }
    let key = Command::from(command.clone()).shortcut_text(ui);
    let title = command.title();
    response.on_hover_text(key.map_or_else(|| title.clone(), |key| format!("{title} ({key})")));
}

fn measures(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let shown = measure_title(document.query.measure());
    let measure = ComboBox::from_id_salt("measure").width(170.0).selected_text(shown).show_ui(ui, |ui| {
        for kind in [MeasureKind::Outstanding, MeasureKind::Cumulative, MeasureKind::Rate] {
            for by_count in [false, true] {
                choice(ui, document, DocumentCommand::Measure(SeriesMetric { kind, by_count }), commands);
            }
        }
        ui.separator();
        choice(ui, document, DocumentCommand::IncludePreexisting, commands);
    });
    name_box(&measure.response, "Measure of the graph");
}

fn kinds(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let shown = DocumentCommand::Draw(document.ui.curve_style).title();
    let draw = ComboBox::from_id_salt("draw").width(96.0).selected_text(shown).show_ui(ui, |ui| {
        for kind in [Kind::Lines, Kind::Areas, Kind::Bars] {
            choice(ui, document, DocumentCommand::Draw(kind), commands);
        }
        ui.separator();
        for count in CURVE_COUNTS {
            choice(ui, document, DocumentCommand::Curves(count), commands);
        }
    });
    name_box(&draw.response, "Graph type");
}

fn choice(ui: &mut Ui, document: &Document, command: DocumentCommand, commands: &mut Vec<Command>) {
    let on = document.is_on(&command) == Some(true);
    if ui.selectable_label(on, command.title()).clicked() {
        commands.push(command.into());
    }
}

/// One key column after the other, then the first two together, the first three, and so on.
fn groupings(keys: &[Key]) -> Vec<Vec<Key>> {
    let single = keys.iter().map(|key| vec![*key]);
    let together = (2..=keys.len()).filter_map(|count| keys.get(..count)).map(<[Key]>::to_vec);
    single.chain(together).collect()
}

fn grouping_title(keys: &[Key]) -> String {
    let titles: Vec<&str> = keys.iter().map(|key| key.title()).collect();
    format!("By {}", titles.join(", "))
}

fn grouping(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let now = &document.query.columns.graph_by;
    let by = ComboBox::from_id_salt("graph by").width(110.0).selected_text(grouping_title(now)).show_ui(ui, |ui| {
        for keys in groupings(&document.query.columns.keys()) {
            if ui.selectable_label(keys == *now, grouping_title(&keys)).clicked() {
                commands.push(WidgetAction::GraphBy(keys).into());
            }
        }
    });
    name_box(&by.response, "Columns that define the series");
}

/// Sets the accessible name of a combo box, which shows only its value.
fn name_box(response: &Response, name: &str) {
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(name));
    response.clone().on_hover_text(name);
}

/// Outstanding bytes of the selected range, once they are known.
fn selected(ui: &mut Ui, document: &Document) {
    let Some(totals) = &document.results.totals else { return };
    let total = &totals.total;
    let allocations = |count: u64| format::counted(count, "allocation", "allocations");
    let impacting = format!("{} in {}", format::bytes(total.impacting_size()), allocations(total.impacting_count()));
    let text = format!("Outstanding at end: {impacting}");
    let whole = format!(
        "Allocated in the selected range and outstanding at its end (AIFO): {impacting}. All that exist in the range: {} in {}. Net change: {}.",
        format::bytes(total.size()),
        allocations(total.count()),
        format::delta_bytes(total.net_size()),
    );
    // In a narrow window the text is cut, and the note in the graph shows it in full.
    if ui.available_width() >= LEAST_TOTALS_WIDTH {
        ui.add(Label::new(text).truncate()).on_hover_text(whole);
    }
}
