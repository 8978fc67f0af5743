//! The column chooser: the columns on each side of the bars, and all that can be added, with a search.

use eframe::egui::{Align, Button, CentralPanel, Frame, Id, Label, Layout, Panel, RichText, ScrollArea, TextEdit, Ui};
use poolscope_analysis::pivot::{Key, Metric};

use crate::gui::commands::{ColumnChange, Command, DocumentCommand};
use crate::gui::document::Document;
use crate::gui::model::column_tips;
use crate::gui::model::columns::ColumnRole;
use crate::gui::model::columns::What;
use crate::gui::model::table_layout::Placed;
use crate::gui::theme::{self, GRID};
use crate::gui::widgets::modal::{self, DialogAction};
use crate::gui::widgets::section::caption;

/// Greatest width of the dialog, in points.
pub(super) const WIDTH: f32 = 720.0;
/// Height of the window that the dialog takes without the lists, in points.
const BELOW: f32 = 230.0;
/// Width of the list of columns that can be added, in points.
const OFFERED: f32 = 250.0;
/// Least and greatest height of the lists, in points.
const HEIGHT: std::ops::RangeInclusive<f32> = 120.0..=620.0;
/// Room for a column's name, in points.
const NAME: f32 = 130.0;

/// Draws the dialog.
pub(super) fn show(
    ui: &mut Ui,
    document: &Document,
    search: &mut String,
    commands: &mut Vec<Command>,
) -> Option<DialogAction<()>> {
    let mut change = None;
    let window = ui.ctx().content_rect().size();
    let width = ui.available_width();
    let height = (window.y - BELOW).clamp(*HEIGHT.start(), *HEIGHT.end());
    let label = ui.weak("Search");
    let field = ui.add(TextEdit::singleline(search).desired_width(f32::INFINITY)).labelled_by(label.id);
    modal::focus_at_first(ui, &field);
    ui.add_space(GRID);
    ui.allocate_ui(eframe::egui::vec2(width, height), |ui| {
        Panel::left(Id::unique("offered columns"))
            .resizable(false)
            .exact_size(OFFERED)
            .show_separator_line(false)
            .frame(Frame::new())
            .show(ui, |ui| offered(ui, document, search, &mut change));
        CentralPanel::no_frame()
            .frame(Frame::new().inner_margin(eframe::egui::Margin { left: 24, ..eframe::egui::Margin::ZERO }))
            .show(ui, |ui| shown_columns(ui, document, &mut change));
    });
    let closed = modal::buttons(ui, |ui| {
        let closed = ui.button("Done").clicked();
        let reset = DocumentCommand::ResetColumns;
        if ui.add_enabled(document.can(&reset), Button::new(reset.title())).clicked() {
            commands.push(reset.into());
        }
        if ui.button(DocumentCommand::SavePreset.title()).clicked() {
            commands.push(DocumentCommand::SavePreset.into());
        }
        closed
    });
    commands.extend(change.map(Command::from));
    closed.then_some(DialogAction::Close)
}

fn offered(ui: &mut Ui, document: &Document, search: &str, change: &mut Option<ColumnChange>) {
    caption(ui, "KEY COLUMNS");
    let wanted = search.to_lowercase();
    let fits = |what: What| wanted.is_empty() || what.title().to_lowercase().contains(&wanted);
    ScrollArea::vertical().id_salt("offered").auto_shrink(false).show(ui, |ui| {
        let keys = Key::ALL.iter().map(|key| What::Key(*key)).filter(|what| fits(*what));
        for what in keys {
            offer(ui, document, what, ColumnRole::Key, change);
        }
        ui.add_space(2.0 * GRID);
        caption(ui, "DATA COLUMNS");
        let unique = Key::ALL.iter().map(|key| Metric::Unique(*key)).filter(|_| !wanted.is_empty());
        for metric in Metric::named().chain(unique) {
            let what = What::Figure(metric);
            if fits(what) {
                offer(ui, document, what, ColumnRole::Data, change);
            }
        }
        if wanted.is_empty() {
            ui.weak("Search for \"unique\" to list columns that count distinct values.");
        }
    });
}

fn offer(ui: &mut Ui, document: &Document, what: What, area: ColumnRole, change: &mut Option<ColumnChange>) {
    let there = document.query.columns.columns.iter().any(|column| column.what == what);
    let can = !(there && area == ColumnRole::Key);
    ui.horizontal(|ui| {
        let title = what.title();
        let add = ui.add_enabled(can, Button::new("Add"));
        add.ctx.accesskit_node_builder(add.id, |node| node.set_label(format!("Add {title}")));
        if add.clicked() {
            *change = Some(ColumnChange::Add(what, area));
        }
        let text = if there { RichText::new(&title).font(theme::strong_font()) } else { RichText::new(&title) };
        ui.label(text).on_hover_text(column_tips::of(what));
    });
}

fn shown_columns(ui: &mut Ui, document: &Document, change: &mut Option<ColumnChange>) {
    let columns = &document.query.columns.columns;
    let areas = [
        (ColumnRole::Key, "KEYS (LEFT OF THE GOLD BAR)"),
        (ColumnRole::Data, "DATA COLUMNS (BETWEEN THE BARS)"),
        (ColumnRole::Graph, "GRAPHED (RIGHT OF THE BLUE BAR)"),
    ];
    ScrollArea::vertical().id_salt("shown columns").auto_shrink(false).show(ui, |ui| {
        for (area, message) in areas {
            caption(ui, message);
            let of_area: Vec<&Placed> = columns.iter().filter(|column| column.area == area).collect();
            if of_area.is_empty() {
                ui.weak("(none)");
            }
            for (at, column) in of_area.iter().enumerate() {
                one(ui, &of_area, at, column, change);
            }
            ui.add_space(2.0 * GRID);
        }
    });
}

fn one(ui: &mut Ui, of_area: &[&Placed], at: usize, column: &Placed, change: &mut Option<ColumnChange>) {
    let title = column.what.title();
    ui.horizontal(|ui| {
        let name = Label::new(&title).truncate();
        let size = eframe::egui::vec2(NAME, ui.spacing().interact_size.y);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_width(NAME);
            ui.add(name).on_hover_text(column_tips::of(column.what));
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let mut button = |ui: &mut Ui, message: &str, verb: &str, to: Option<ColumnChange>| {
                let response = ui.add_enabled(to.is_some(), Button::new(message));
                response.ctx.accesskit_node_builder(response.id, |node| node.set_label(format!("{verb} {title}")));
                if response.on_hover_text(format!("{verb} {title}")).clicked() {
                    *change = to;
                }
            };
            button(ui, "Remove", "Remove", Some(ColumnChange::Remove(column.id)));
            let after = of_area.get(at + 2).map(|column| column.id);
            let down = (at + 1 < of_area.len()).then_some(ColumnChange::Move(column.id, column.area, after));
            button(ui, "Down", "Move down", down);
            let before = at.checked_sub(1).and_then(|at| of_area.get(at)).map(|column| column.id);
            let up = before.map(|before| ColumnChange::Move(column.id, column.area, Some(before)));
            button(ui, "Up", "Move up", up);
            for (area, message, verb) in [
                (ColumnRole::Graph, "Graph", "Graph"),
                (ColumnRole::Data, "To data", "Move to data columns:"),
                (ColumnRole::Key, "To keys", "Move to key columns:"),
            ] {
                if area != column.area && column.what.in_area(area).is_ok() {
                    button(ui, message, verb, Some(ColumnChange::Move(column.id, area, None)));
                }
            }
        });
    });
}
