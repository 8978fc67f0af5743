//! Properties of the selected column in the view editor: role, aggregation, unit, width, sort order, freezing.

use eframe::egui::{Button, ComboBox, DragValue, RichText, Ui};

use super::{chosen, name};
use crate::format::column::ColumnUnit;
use crate::gui::commands::ColumnChange;
use crate::gui::document::Document;
use crate::gui::document::table_model;
use crate::gui::model::columns::{ColumnRole, What, aggregations};
use crate::gui::model::dialogs::ViewEditor;
use crate::gui::model::table_layout::{Placed, SORT_LEVELS, TableLayout};
use crate::gui::theme::{self, GRID};
use crate::gui::widgets::section::caption;

/// Bounds of a column's width, in points.
const WIDTHS: std::ops::RangeInclusive<f32> = 30.0..=1000.0;

/// Draws the properties.
pub(super) fn show(ui: &mut Ui, document: &Document, editor: &ViewEditor, change: &mut Option<ColumnChange>) {
    let layout = &document.query.columns;
    caption(ui, "COLUMN PROPERTIES");
    let Some(column) = editor.selected.and_then(|id| layout.column(id)) else { return };
    ui.label(RichText::new(column.what.title()).font(theme::strong_font()));
    role(ui, column, change);
    aggregation(ui, column, change);
    unit(ui, layout, column, change);
    width(ui, document, column, change);
    sort(ui, layout, column, change);
    freeze(ui, layout, column, change);
}

fn line(ui: &mut Ui, title: &str, draw: impl FnOnce(&mut Ui)) {
    ui.add_space(GRID);
    ui.weak(title);
    ui.horizontal(draw);
}

fn role(ui: &mut Ui, column: &Placed, change: &mut Option<ColumnChange>) {
    line(ui, "Area", |ui| {
        for (area, title, verb) in [
            (ColumnRole::Key, "Keys", "Move to key columns:"),
            (ColumnRole::Data, "Data", "Move to data columns:"),
            (ColumnRole::Graph, "Graphed", "Graph"),
        ] {
            let is_there = column.area == area;
            let can = is_there || chosen::fits(column.what, area);
            let response = ui.add_enabled(can, Button::selectable(is_there, title));
            name(&response, &format!("{verb} {}", column.what.title()));
            let refusal = column.what.in_area(area).err().unwrap_or_default();
            if response.on_disabled_hover_text(refusal).clicked() && !is_there {
                *change = Some(ColumnChange::Move(column.id, area, None));
            }
        }
    });
}

fn aggregation(ui: &mut Ui, column: &Placed, change: &mut Option<ColumnChange>) {
    let What::Figure(metric) = column.what else { return };
    let ways = aggregations(metric);
    let now = ways.iter().find(|(_, other)| *other == metric).map_or("Sum", |(title, _)| *title);
    line(ui, "Aggregation", |ui| {
        let choice = ui.add_enabled_ui(ways.len() > 1, |ui| {
            ComboBox::from_id_salt("aggregation").selected_text(now).show_ui(ui, |ui| {
                for (title, other) in &ways {
                    let fits = What::Figure(*other).in_area(column.area).is_ok();
                    if ui.add_enabled(fits, Button::selectable(*other == metric, *title)).clicked() {
                        *change = Some(ColumnChange::Aggregate(column.id, *other));
                    }
                }
            })
        });
        name(&choice.inner.response, &format!("Aggregation: {now}"));
    });
}

fn unit(ui: &mut Ui, layout: &TableLayout, column: &Placed, change: &mut Option<ColumnChange>) {
    let units = layout.units(column.id);
    if units.is_empty() {
        return;
    }
    line(ui, "Unit", |ui| {
        let choice = ComboBox::from_id_salt("unit").selected_text(column.unit.title()).show_ui(ui, |ui| {
            for unit in [ColumnUnit::Automatic].iter().chain(units) {
                if ui.selectable_label(column.unit == *unit, unit.title()).clicked() {
                    *change = Some(ColumnChange::Unit(column.id, *unit));
                }
            }
        });
        name(&choice.response, &format!("Unit: {}", column.unit.title()));
    });
}

fn width(ui: &mut Ui, document: &Document, column: &Placed, change: &mut Option<ColumnChange>) {
    line(ui, "Width", |ui| {
        let own = document.ui.table.widths().get(&column.id).copied().or(column.width);
        let mut points = own.unwrap_or_else(|| table_model::natural_width(column.what));
        let field = ui.add(DragValue::new(&mut points).range(WIDTHS).speed(1.0).max_decimals(0));
        name(&field, "Width in points");
        if field.changed() {
            *change = Some(ColumnChange::Width(column.id, Some(points)));
        }
        if ui.button("Fit").clicked() {
            *change = Some(ColumnChange::Fit(column.id));
        }
        let automatic = ui.add_enabled(own.is_some(), Button::new("Automatic"));
        name(&automatic, &format!("Automatic width of {}", column.what.title()));
        if automatic.clicked() {
            *change = Some(ColumnChange::Width(column.id, None));
        }
    });
}

fn sort(ui: &mut Ui, layout: &TableLayout, column: &Placed, change: &mut Option<ColumnChange>) {
    let rank = layout.sort.iter().position(|level| level.column == column.id);
    let now = rank.and_then(|rank| layout.sort.get(rank)).map(|level| level.ascending);
    line(ui, "Sort order", |ui| {
        for (order, title) in [(None, "None"), (Some(true), "Ascending"), (Some(false), "Descending")] {
            let response = ui.selectable_label(now == order, title);
            name(&response, &format!("Sort: {title}"));
            if response.clicked() && now != order {
                *change = Some(ColumnChange::Sort(column.id, order));
            }
        }
    });
    match rank {
        Some(rank) if layout.sort.len() > 1 => {
            ui.weak(format!("Sort priority {} of {}", rank + 1, layout.sort.len()));
        }
        None if layout.sort.len() >= SORT_LEVELS => {
            ui.weak(format!("{SORT_LEVELS} columns sort already: this one replaces the last."));
        }
        _ => {}
    }
}

fn freeze(ui: &mut Ui, layout: &TableLayout, column: &Placed, change: &mut Option<ColumnChange>) {
    let position = layout.columns.iter().position(|other| other.id == column.id).unwrap_or(0);
    let mut is_frozen = position < layout.frozen;
    ui.add_space(GRID);
    let response = ui.checkbox(&mut is_frozen, "Freeze up to this column");
    if response.on_hover_text("Frozen columns stay in view when the others scroll sideways.").changed() {
        *change = Some(ColumnChange::Freeze(if is_frozen { position + 1 } else { position }));
    }
}
