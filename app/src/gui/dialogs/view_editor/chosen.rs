//! The chosen columns of the view editor, with gold and blue bar between them: selected, moved and removed; a drag moves a column
//! between others and across the bars, which changes its role.

use eframe::egui::{Align, Button, CursorIcon, Layout, Rect, Response, ScrollArea, Sense, Stroke, Ui, pos2, vec2};

use super::{Dragged, ghost, name};
use crate::gui::commands::ColumnChange;
use crate::gui::document::Document;
use crate::gui::model::column_tips;
use crate::gui::model::columns::{ColumnRole, What};
use crate::gui::model::dialogs::ViewEditor;
use crate::gui::model::table_layout::{Placed, TableLayout};
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::section::caption;

/// Height of a bar between the areas, in points.
const BAR: f32 = 16.0;
/// Thickness of the line in the bar, in points.
const LINE: f32 = 3.0;

/// A place between the chosen columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gap {
    /// The area.
    pub(super) area: ColumnRole,
    /// The column in front of which it is; `None` for the end of the area.
    pub(super) before: Option<u32>,
}

/// The areas from left to right, with the words of their parts of the list.
const AREAS: [(ColumnRole, &str, &str); 3] = [
    (ColumnRole::Key, "Keys: rows are grouped by these", "No keys"),
    (ColumnRole::Data, "Data", "No data columns"),
    (ColumnRole::Graph, "Graphed", "Nothing is graphed"),
];

/// Draws the list.
pub(super) fn show(ui: &mut Ui, document: &Document, editor: &mut ViewEditor, change: &mut Option<ColumnChange>) {
    caption(ui, "CHOSEN COLUMNS");
    let layout = &document.query.columns;
    let palette = Palette::of(ui);
    ScrollArea::vertical().id_salt("chosen").auto_shrink(false).show(ui, |ui| {
        for (area, title, none) in AREAS {
            match area {
                ColumnRole::Key => {}
                ColumnRole::Data => {
                    let sides = [Gap { area: ColumnRole::Key, before: None }, first_gap(layout, ColumnRole::Data)];
                    bar(ui, layout, "Gold bar", palette.gold, sides, change);
                }
                ColumnRole::Graph => {
                    let sides = [Gap { area: ColumnRole::Data, before: None }, first_gap(layout, ColumnRole::Graph)];
                    bar(ui, layout, "Blue bar", palette.blue, sides, change);
                }
            }
            ui.weak(title);
            let of_area: Vec<&Placed> = layout.columns.iter().filter(|column| column.area == area).collect();
            if of_area.is_empty() {
                let response = ui.add(eframe::egui::Label::new(none).selectable(false).sense(Sense::hover()));
                drop_into(ui, layout, &response, [Gap { area, before: None }; 2], change);
            }
            for at in 0..of_area.len() {
                row(ui, document, editor, &of_area, at, change);
            }
        }
    });
}

fn first_gap(layout: &TableLayout, area: ColumnRole) -> Gap {
    Gap { area, before: layout.columns.iter().find(|column| column.area == area).map(|column| column.id) }
}

/// Draws a bar between two areas: a drop above it goes to the end of the one, below it to the start of the other.
fn bar(
    ui: &mut Ui,
    layout: &TableLayout,
    title: &str,
    color: eframe::egui::Color32,
    sides: [Gap; 2],
    change: &mut Option<ColumnChange>,
) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), BAR), Sense::hover());
    let line = Rect::from_center_size(rect.center(), vec2(rect.width(), LINE));
    ui.painter().rect_filled(line, 1.0, color);
    response.widget_info(|| {
        eframe::egui::WidgetInfo::labeled(eframe::egui::accesskit::Role::GenericContainer, true, title)
    });
    let response = response.on_hover_text(match sides[0].area {
        ColumnRole::Key => "Gold bar: columns above it group the rows.",
        _ => "Blue bar: the column below it is graphed.",
    });
    drop_into(ui, layout, &response, sides, change);
}

/// Draws a chosen column.
fn row(
    ui: &mut Ui,
    document: &Document,
    editor: &mut ViewEditor,
    of_area: &[&Placed],
    at: usize,
    change: &mut Option<ColumnChange>,
) {
    let column = of_area[at];
    let title = column.what.title();
    let size = vec2(ui.available_width(), ui.spacing().interact_size.y);
    let whole = ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = GRID;
        ui.set_width(size.x);
        controls(ui, of_area, at, change);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let is_selected = editor.selected == Some(column.id);
            let label = Button::selectable(is_selected, &title).truncate().sense(Sense::click_and_drag());
            let label = ui.add(label);
            name(&label, &format!("Properties of {title}"));
            let label = label.on_hover_text(column_tips::of(column.what)).on_hover_cursor(CursorIcon::Grab);
            if label.clicked() {
                editor.selected = Some(column.id);
            }
            label.dnd_set_drag_payload(Dragged::Chosen(column.id));
            ghost(ui, &label, &title);
        });
    });
    let next = of_area.get(at + 1).map(|next| next.id);
    let sides = [Gap { area: column.area, before: Some(column.id) }, Gap { area: column.area, before: next }];
    drop_into(ui, &document.query.columns, &whole.response, sides, change);
}

/// Draws the buttons that move and remove a column.
fn controls(ui: &mut Ui, of_area: &[&Placed], at: usize, change: &mut Option<ColumnChange>) {
    let column = of_area[at];
    let title = column.what.title();
    let mut button = |ui: &mut Ui, message: &str, verb: &str, to: Option<ColumnChange>| {
        let response = ui.add_enabled(to.is_some(), Button::new(message).small());
        name(&response, &format!("{verb} {title}"));
        if response.on_hover_text(format!("{verb} {title}")).clicked() {
            *change = to;
        }
    };
    // From right to left.
    button(ui, "Remove", "Remove", Some(ColumnChange::Remove(column.id)));
    let after = of_area.get(at + 2).map(|column| column.id);
    let down = (at + 1 < of_area.len()).then_some(ColumnChange::Move(column.id, column.area, after));
    button(ui, "Down", "Move down", down);
    let before = at.checked_sub(1).and_then(|at| of_area.get(at)).map(|column| column.id);
    button(ui, "Up", "Move up", before.map(|before| ColumnChange::Move(column.id, column.area, Some(before))));
}

/// Drops a dragged column into the upper or the lower gap beside a control, and draws the gap while one is over it.
fn drop_into(ui: &Ui, layout: &TableLayout, response: &Response, sides: [Gap; 2], change: &mut Option<ColumnChange>) {
    let rect = response.rect;
    let Some(pointer) = ui.ctx().pointer_interact_pos().filter(|pointer| rect.contains(*pointer)) else { return };
    let payload = eframe::egui::DragAndDrop::payload::<Dragged>(ui.ctx());
    let Some(dragged) = payload else { return };
    let below = pointer.y > rect.center().y;
    let gap = sides[usize::from(below)];
    let what = match *dragged {
        Dragged::Available(what) => Some(what),
        Dragged::Chosen(id) => layout.column(id).map(|column| column.what),
    };
    let refusal = what.and_then(|what| what.in_area(gap.area).err());
    let palette = Palette::of(ui);
    let color = if refusal.is_some() { palette.bad } else { palette.accent };
    let y = if below { rect.bottom() } else { rect.top() };
    ui.painter().hline(rect.x_range(), y, Stroke::new(2.0, color));
    ui.painter().circle_filled(pos2(rect.left() + 2.0, y), 3.0, color);
    if let Some(reason) = &refusal {
        ui.ctx().set_cursor_icon(eframe::egui::CursorIcon::NotAllowed);
        eframe::egui::Tooltip::always_open(
            ui.ctx().clone(),
            ui.layer_id(),
            eframe::egui::Id::unique("refusal of the view editor"),
            eframe::egui::PopupAnchor::Position(pointer + vec2(12.0, 32.0)),
        )
        .show(|ui| ui.label(reason));
    }
    if ui.input(|input| input.pointer.any_released()) && refusal.is_none() {
        eframe::egui::DragAndDrop::clear_payload(ui.ctx());
        *change = dropped(*dragged, gap);
    }
}

/// The change that a drop makes.
pub(super) fn dropped(dragged: Dragged, gap: Gap) -> Option<ColumnChange> {
    match dragged {
        Dragged::Chosen(id) if gap.before == Some(id) => None,
        Dragged::Chosen(id) => Some(ColumnChange::Move(id, gap.area, gap.before)),
        Dragged::Available(what) => Some(ColumnChange::Insert(what, gap.area, gap.before)),
    }
}

/// Returns whether a column can be in an area.
pub(super) fn fits(what: What, area: ColumnRole) -> bool {
    what.in_area(area).is_ok()
}

#[cfg(test)]
mod tests {
    use poolscope_analysis::pivot::{Key, Metric};

    use super::*;

    #[test]
    fn a_drop_moves_a_chosen_column_and_inserts_an_available_one() {
        let gap = Gap { area: ColumnRole::Data, before: Some(4) };
        assert_eq!(dropped(Dragged::Chosen(2), gap), Some(ColumnChange::Move(2, ColumnRole::Data, Some(4))));
        assert_eq!(dropped(Dragged::Chosen(4), gap), None, "in front of itself");
        let what = What::Figure(Metric::Growth);
        assert_eq!(dropped(Dragged::Available(what), gap), Some(ColumnChange::Insert(what, ColumnRole::Data, Some(4))));
        assert!(fits(What::Key(Key::Tag), ColumnRole::Key) && !fits(what, ColumnRole::Key));
    }
}
