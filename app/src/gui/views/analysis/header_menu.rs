//! The menu of a header: sort, aggregation, unit, freeze, width, take away, and the columns that can be taken in.

use eframe::egui::{Button, ScrollArea, Ui};
use poolscope_analysis::pivot::{Metric, Key};

use crate::gui::state::arrangement::{Arrangement, Placed};
use crate::gui::state::columns::{What, aggregations};
use crate::gui::state::document::Document;
use crate::gui::state::tips;
use crate::gui::state::units::Unit;
use crate::gui::widgets::pivot_table::{Action, Area};

/// Height of the lists of columns, in points.
const LIST_HEIGHT: f32 = 360.0;

/// What the menu knows of the columns.
pub(super) struct Choices {
    arrangement: Arrangement,
}

impl Choices {
    /// The columns as they stand.
    pub(super) fn of(document: &Document) -> Self {
        Self { arrangement: document.arrangement.clone() }
    }
}

/// What the user chose.
pub(super) enum Change {
    Sort(u32, bool),
    Aggregate(u32, Metric),
    Unit(u32, Unit),
    Freeze(usize),
    Fit(Option<u32>),
    Remove(u32),
    Add(What, Area),
    Dialog,
}

/// Draws the menu of a column, or of the empty place right of them.
pub(super) fn show(ui: &mut Ui, choices: &Choices, column: Option<u32>, changes: &mut Vec<Change>) {
    let arrangement = &choices.arrangement;
    let mut chosen = None;
    if let Some(placed) = column.and_then(|id| arrangement.column(id)) {
        of_column(ui, arrangement, placed, &mut chosen);
        ui.separator();
    }
    lists(ui, arrangement, &mut chosen);
    ui.separator();
    entry(ui, "Fit all columns", Change::Fit(None), &mut chosen);
    if arrangement.frozen > 0 {
        entry(ui, "Unfreeze", Change::Freeze(0), &mut chosen);
    }
    entry(ui, "Columns\u{2026}", Change::Dialog, &mut chosen);
    if let Some(change) = chosen {
        ui.close();
        changes.push(change);
    }
}

fn of_column(ui: &mut Ui, arrangement: &Arrangement, placed: &Placed, chosen: &mut Option<Change>) {
    let id = placed.id;
    entry(ui, "Sort by this", Change::Sort(id, false), chosen);
    entry(ui, "Sort by this as well", Change::Sort(id, true), chosen);
    if let What::Figure(figure) = placed.what {
        let ways = aggregations(figure);
        if ways.len() > 1 {
            ui.menu_button("Aggregation", |ui| {
                for (name, other) in ways {
                    let fits = What::Figure(other).in_area(placed.area).is_ok();
                    if ui.add_enabled(fits, Button::selectable(other == figure, name)).clicked() {
                        *chosen = Some(Change::Aggregate(id, other));
                    }
                }
            });
        }
    }
    let units = arrangement.units(id);
    if !units.is_empty() {
        ui.menu_button("Unit", |ui| {
            for unit in [Unit::Automatic].iter().chain(units) {
                if ui.selectable_label(placed.unit == *unit, unit.title()).clicked() {
                    *chosen = Some(Change::Unit(id, *unit));
                }
            }
        });
    }
    ui.separator();
    let position = arrangement.columns.iter().position(|column| column.id == id).unwrap_or(0);
    entry(ui, "Freeze up to this", Change::Freeze(position + 1), chosen);
    entry(ui, "Fit width", Change::Fit(Some(id)), chosen);
    entry(ui, "Remove", Change::Remove(id), chosen);
}

fn lists(ui: &mut Ui, arrangement: &Arrangement, chosen: &mut Option<Change>) {
    ui.menu_button("Group by", |ui| {
        list(ui, Key::ALL.iter().map(|key| What::Key(*key)), arrangement, Area::Key, chosen);
    });
    ui.menu_button("Add figure", |ui| {
        list(ui, Metric::named().map(What::Figure), arrangement, Area::Data, chosen);
    });
    ui.menu_button("Count different", |ui| {
        let unique = Key::ALL.iter().map(|key| What::Figure(Metric::Unique(*key)));
        list(ui, unique, arrangement, Area::Data, chosen);
    });
}

fn list(
    ui: &mut Ui,
    columns: impl Iterator<Item = What>,
    arrangement: &Arrangement,
    area: Area,
    chosen: &mut Option<Change>,
) {
    ScrollArea::vertical().max_height(LIST_HEIGHT).show(ui, |ui| {
        for what in columns {
            let there = arrangement.columns.iter().any(|column| column.what == what);
            // A figure may stand twice, with another unit; a key groups once.
            let can = !(there && area == Area::Key);
            let title = match what {
                What::Figure(Metric::Unique(key)) => key.title().to_owned(),
                _ => what.title(),
            };
            if ui.add_enabled(can, Button::selectable(there, title)).on_hover_text(tips::of(what)).clicked() {
                *chosen = Some(Change::Add(what, area));
            }
        }
    });
}

fn entry(ui: &mut Ui, title: &str, change: Change, chosen: &mut Option<Change>) {
    if ui.button(title).clicked() {
        *chosen = Some(change);
    }
}

/// Does what was chosen.
pub(super) fn carry_out(document: &mut Document, change: Change) {
    match change {
        Change::Sort(column, add) => document.table_action(Action::Sort { column, add }),
        Change::Aggregate(column, figure) => document.aggregate(column, figure),
        Change::Unit(column, unit) => document.set_unit(column, unit),
        Change::Freeze(columns) => document.freeze(columns),
        Change::Fit(Some(column)) => document.table.fit(column),
        Change::Fit(None) => document.table.fit_all(),
        Change::Remove(column) => document.remove_column(column),
        Change::Add(what, area) => document.add_column(what, area),
        Change::Dialog => document.run(&crate::gui::command::DocumentCommand::Columns),
    }
}
