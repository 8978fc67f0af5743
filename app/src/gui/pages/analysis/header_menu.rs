//! The menu of a header: sort, aggregation, unit, freeze, width, take away, and the columns that can be taken in.

use eframe::egui::{Button, ScrollArea, Ui};
use poolscope_analysis::pivot::{Key, Metric};

use crate::format::column::ColumnUnit;
use crate::gui::commands::{ColumnChange, Command, DocumentCommand, WidgetAction};
use crate::gui::document::Document;
use crate::gui::model::column_tips;
use crate::gui::model::columns::ColumnRole;
use crate::gui::model::columns::{What, aggregations};
use crate::gui::model::table_layout::{Placed, TableLayout};
use crate::gui::widgets::pivot_table::Action;

/// Height of the lists of columns, in points.
const LIST_HEIGHT: f32 = 360.0;

/// Columns that the menu is about.
pub(super) struct Choices {
    columns: TableLayout,
}

impl Choices {
    /// The columns as they stand.
    pub(super) fn of(document: &Document) -> Self {
        Self { columns: document.query.columns.clone() }
    }
}

/// Sorts by a column, or with `add` after the present columns.
fn sort(column: u32, add: bool) -> WidgetAction {
    WidgetAction::Table(Action::Sort { column, add })
}

/// Draws the menu of a column, or of the empty place right of them.
pub(super) fn show(ui: &mut Ui, choices: &Choices, column: Option<u32>, commands: &mut Vec<Command>) {
    let columns = &choices.columns;
    let mut chosen = None;
    if let Some(placed) = column.and_then(|id| columns.column(id)) {
        of_column(ui, columns, placed, &mut chosen);
        ui.separator();
    }
    lists(ui, columns, &mut chosen);
    ui.separator();
    entry(ui, "Fit all columns", DocumentCommand::FitColumns, &mut chosen);
    if columns.frozen > 0 {
        entry(ui, "Unfreeze", ColumnChange::Freeze(0), &mut chosen);
    }
    entry(ui, "View editor\u{2026}", DocumentCommand::Columns, &mut chosen);
    if let Some(change) = chosen {
        ui.close();
        commands.push(change);
    }
}

fn of_column(ui: &mut Ui, columns: &TableLayout, placed: &Placed, chosen: &mut Option<Command>) {
    let id = placed.id;
    entry(ui, "Sort by this column", sort(id, false), chosen);
    entry(ui, "Add to sort", sort(id, true), chosen);
    if let What::Figure(metric) = placed.what {
        let ways = aggregations(metric);
        if ways.len() > 1 {
            ui.menu_button("Aggregation", |ui| {
                for (name, other) in ways {
                    let fits = What::Figure(other).in_area(placed.area).is_ok();
                    if ui.add_enabled(fits, Button::selectable(other == metric, name)).clicked() {
                        *chosen = Some(ColumnChange::Aggregate(id, other).into());
                    }
                }
            });
        }
    }
    let units = columns.units(id);
    if !units.is_empty() {
        ui.menu_button("Unit", |ui| {
            for unit in [ColumnUnit::Automatic].iter().chain(units) {
                if ui.selectable_label(placed.unit == *unit, unit.title()).clicked() {
                    *chosen = Some(ColumnChange::Unit(id, *unit).into());
                }
            }
        });
    }
    ui.separator();
    let position = columns.columns.iter().position(|column| column.id == id).unwrap_or(0);
    entry(ui, "Freeze up to this column", ColumnChange::Freeze(position + 1), chosen);
    entry(ui, "Fit width", ColumnChange::Fit(id), chosen);
    entry(ui, "Remove", ColumnChange::Remove(id), chosen);
}

fn lists(ui: &mut Ui, columns: &TableLayout, chosen: &mut Option<Command>) {
    ui.menu_button("Group by", |ui| {
        list(ui, Key::ALL.iter().map(|key| What::Key(*key)), columns, ColumnRole::Key, chosen);
    });
    ui.menu_button("Add data column", |ui| {
        list(ui, Metric::named().map(What::Figure), columns, ColumnRole::Data, chosen);
    });
    ui.menu_button("Unique Count", |ui| {
        let unique = Key::ALL.iter().map(|key| What::Figure(Metric::Unique(*key)));
        list(ui, unique, columns, ColumnRole::Data, chosen);
    });
}

fn list(
    ui: &mut Ui,
    columns: impl Iterator<Item = What>,
    layout: &TableLayout,
    area: ColumnRole,
    chosen: &mut Option<Command>,
) {
    ScrollArea::vertical().max_height(LIST_HEIGHT).show(ui, |ui| {
        for what in columns {
            let there = layout.columns.iter().any(|column| column.what == what);
            // A figure may stand twice, with another unit; a key groups once.
            let can = !(there && area == ColumnRole::Key);
            let title = match what {
                What::Figure(Metric::Unique(key)) => key.title().to_owned(),
                _ => what.title(),
            };
            if ui.add_enabled(can, Button::selectable(there, title)).on_hover_text(column_tips::of(what)).clicked() {
                *chosen = Some(ColumnChange::Add(what, area).into());
            }
        }
    });
}

fn entry(ui: &mut Ui, title: &str, change: impl Into<Command>, chosen: &mut Option<Command>) {
    let change = change.into();
    let mut button = Button::new(title);
    if let Some(key) = change.shortcut_text(ui) {
        button = button.shortcut_text(key);
    }
    let response = ui.add(button);
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(title));
    if response.clicked() {
        *chosen = Some(change);
    }
}
