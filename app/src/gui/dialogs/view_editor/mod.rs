//! The view editor, as WPA's: the available columns, the chosen ones between gold and blue bar, the properties of one of them, and
//! a preview. Columns are dragged, or moved by buttons. Every change shows at once, and Cancel takes them back.

mod chosen;
mod properties;

use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align, Button, Id, Label, Layout, Response, RichText, ScrollArea, Sense, TextEdit, Ui, UiBuilder, WidgetInfo, vec2,
};
use poolscope_analysis::pivot::{Key, Metric};

use crate::gui::commands::{ColumnChange, Command, DocumentCommand, WidgetAction};
use crate::gui::document::Document;
use crate::gui::model::column_tips;
use crate::gui::model::columns::{ColumnRole, What};
use crate::gui::model::dialogs::ViewEditor;
use crate::gui::theme::{self, GRID};
use crate::gui::widgets::modal::{self, DialogAction};
use crate::gui::widgets::pivot_table::PivotTable;
use crate::gui::widgets::section::caption;

/// Greatest width of the dialog, in points.
pub(super) const WIDTH: f32 = 1040.0;
/// Height of the window that the dialog takes without lists and preview, in points.
const BELOW: f32 = 210.0;
/// Widths of the list of available columns and of the properties, in points.
const AVAILABLE: f32 = 216.0;
const PROPERTIES: f32 = 236.0;
/// Least and greatest height of the lists, in points.
const LISTS: std::ops::RangeInclusive<f32> = 150.0..=440.0;
/// Least and greatest height of the preview, in points.
const PREVIEW: std::ops::RangeInclusive<f32> = 84.0..=240.0;
/// Share of the height that the preview gets.
const PREVIEW_SHARE: f32 = 0.3;

/// A column that is being dragged.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Dragged {
    /// One of the available ones.
    Available(What),
    /// One of the chosen ones, by its id.
    Chosen(u32),
}

/// Draws the dialog.
pub(super) fn show(
    ui: &mut Ui,
    document: &Document,
    editor: &mut ViewEditor,
    commands: &mut Vec<Command>,
) -> Option<DialogAction<()>> {
    let mut change = None;
    let columns = &document.query.columns;
    if editor.selected.is_none_or(|id| columns.column(id).is_none()) {
        editor.selected = columns.columns.first().map(|column| column.id);
    }
    let window = ui.ctx().content_rect().size();
    let room = (window.y - BELOW).max(0.0);
    let preview_height = (room * PREVIEW_SHARE).clamp(*PREVIEW.start(), *PREVIEW.end());
    let height = (room - preview_height).clamp(*LISTS.start(), *LISTS.end());
    let width = ui.available_width();
    let chosen_width = (width - AVAILABLE - PROPERTIES - 8.0 * GRID).max(200.0);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0 * GRID;
        part(ui, "available columns", AVAILABLE, height, |ui| available(ui, document, editor, &mut change));
        part(ui, "chosen columns", chosen_width, height, |ui| chosen::show(ui, document, editor, &mut change));
        part(ui, "column properties", PROPERTIES, height, |ui| properties::show(ui, document, editor, &mut change));
    });
    ui.add_space(2.0 * GRID);
    preview(ui, document, preview_height);
    let action = footer(ui, document, editor, commands);
    commands.extend(change.map(Command::from));
    action
}

fn part(ui: &mut Ui, name: &str, width: f32, height: f32, draw: impl FnOnce(&mut Ui)) {
    let (_, rect) = ui.allocate_space(vec2(width, height));
    ui.scope_builder(UiBuilder::new().id_salt(name).max_rect(rect).layout(Layout::top_down(Align::Min)), |ui| {
        ui.set_clip_rect(rect.intersect(ui.clip_rect()));
        ui.spacing_mut().item_spacing.x = GRID;
        draw(ui);
    });
}

/// Draws all columns that can be chosen, with a search.
fn available(ui: &mut Ui, document: &Document, editor: &mut ViewEditor, change: &mut Option<ColumnChange>) {
    caption(ui, "AVAILABLE COLUMNS");
    let field = TextEdit::singleline(&mut editor.search).hint_text("Search").desired_width(f32::INFINITY);
    let field = ui.add(field);
    name(&field, "Search");
    modal::focus_at_first(ui, &field);
    let wanted = editor.search.to_lowercase();
    let fits = |what: &What| wanted.is_empty() || what.title().to_lowercase().contains(&wanted);
    ScrollArea::vertical().id_salt("available").auto_shrink(false).show(ui, |ui| {
        ui.weak("Key columns");
        for what in Key::ALL.iter().map(|key| What::Key(*key)).filter(fits) {
            offer(ui, document, what, ColumnRole::Key, change);
        }
        ui.add_space(GRID);
        ui.weak("Data columns");
        let unique = Key::ALL.iter().map(|key| Metric::Unique(*key)).filter(|_| !wanted.is_empty());
        for what in Metric::named().chain(unique).map(What::Figure).filter(fits) {
            offer(ui, document, what, ColumnRole::Data, change);
        }
        if wanted.is_empty() {
            ui.weak("Search for \"unique\" to list columns that count distinct values.");
        }
    });
}

fn offer(ui: &mut Ui, document: &Document, what: What, area: ColumnRole, change: &mut Option<ColumnChange>) {
    let is_there = document.query.columns.columns.iter().any(|column| column.what == what);
    let can = !(is_there && area == ColumnRole::Key);
    ui.horizontal(|ui| {
        let title = what.title();
        let add = ui.add_enabled(can, Button::new("Add"));
        name(&add, &format!("Add {title}"));
        if add.clicked() {
            *change = Some(ColumnChange::Add(what, area));
        }
        let text = RichText::new(&title);
        let text = if is_there { text.font(theme::strong_font()) } else { text };
        let label = ui.add(Label::new(text).truncate().selectable(false).sense(Sense::drag()));
        let label = label.on_hover_text(column_tips::of(what));
        if can {
            label.dnd_set_drag_payload(Dragged::Available(what));
            ghost(ui, &label, &title);
        }
    });
}

/// Draws the name of a dragged column at the pointer.
fn ghost(ui: &Ui, response: &Response, title: &str) {
    let Some(pointer) = ui.ctx().pointer_interact_pos().filter(|_| response.dragged()) else { return };
    let id = Id::unique("dragged column of the view editor");
    eframe::egui::Area::new(id)
        .order(eframe::egui::Order::Tooltip)
        .interactable(false)
        .fixed_pos(pointer + vec2(12.0, 8.0))
        .show(ui.ctx(), |ui| {
            eframe::egui::Frame::popup(ui.style()).show(ui, |ui| ui.label(title));
        });
}

/// Gives a control its accessible name.
fn name(response: &Response, text: &str) {
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(text));
}

/// Draws the table as it looks with the chosen columns.
fn preview(ui: &mut Ui, document: &Document, height: f32) {
    caption(ui, "PREVIEW");
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), height));
    ui.scope_builder(UiBuilder::new().id_salt("preview").max_rect(rect), |ui| {
        ui.set_clip_rect(rect.intersect(ui.clip_rect()));
        let is_current = |rows: &&crate::gui::document::table_model::Rows| {
            rows.flat().tree().pivot().keys() == document.query.columns.keys()
        };
        match document.results.rows.as_ref().filter(is_current) {
            Some(rows) => {
                // What is scrolled or pressed in the preview changes nothing.
                let mut state = document.ui.table.clone();
                drop(
                    PivotTable::new("Preview", rows, &mut state)
                        .frozen(document.query.columns.frozen)
                        .without_extras()
                        .show(ui),
                );
            }
            None => {
                let text = ui.centered_and_justified(|ui| ui.weak("Grouping allocations")).inner;
                text.widget_info(|| WidgetInfo::labeled(Role::Label, true, "Preview"));
            }
        }
    });
}

/// Draws the line with presets and the end of the dialog.
fn footer(
    ui: &mut Ui,
    document: &Document,
    editor: &mut ViewEditor,
    commands: &mut Vec<Command>,
) -> Option<DialogAction<()>> {
    modal::buttons(ui, |ui| {
        let mut action = None;
        if ui.button("OK").on_hover_text("Keep the changes and close").clicked() {
            action = Some(DialogAction::Accept);
        }
        let has_changes = document.has_view_changes();
        let apply = ui.add_enabled(has_changes, Button::new("Apply"));
        if apply.on_hover_text("Keep the changes so far: Cancel returns to them").clicked() {
            commands.push(WidgetAction::KeepView.into());
        }
        if ui.button("Cancel").on_hover_text("Restore the columns as they were (Escape)").clicked() {
            action = Some(DialogAction::Close);
        }
        ui.add_space(2.0 * GRID);
        let reset = DocumentCommand::ResetColumns;
        if ui.add_enabled(document.can(&reset), Button::new(reset.title())).clicked() {
            commands.push(reset.into());
        }
        ui.add_space(4.0 * GRID);
        ui.weak("Save as preset");
        let field = TextEdit::singleline(&mut editor.preset).hint_text("Preset name").desired_width(150.0);
        let field = ui.add(field);
        name(&field, "Name of the preset");
        let entered = modal::is_entered(ui, &field);
        let problem = document.presets.read().name_problem(&editor.preset);
        let save = ui.add_enabled(problem.is_none(), Button::new("Save preset"));
        if problem.is_none() && (save.clicked() || entered) {
            commands.push(WidgetAction::SavePresetAs(std::mem::take(&mut editor.preset)).into());
        }
        match problem.filter(|_| !editor.preset.trim().is_empty()) {
            Some(problem) => ui.weak(problem),
            None => ui.weak(format!("Preset: {}{}", document.ui.preset, if document.is_modified() { "*" } else { "" })),
        };
        action
    })
}
