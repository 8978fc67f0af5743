//! The gold and the blue bar, and the line at the end of the frozen columns. A bar that is dragged over columns
//! moves them to its other side, by actions.

use eframe::egui::accesskit::Role;
use eframe::egui::emath::Rangef;
use eframe::egui::{Color32, CursorIcon, Key, Modifiers, Pos2, Rect, Sense, Stroke, Ui, WidgetInfo};

use super::drag;
use super::frame::TableFrame;
use super::layout::ColumnLayout;
use super::model::{Action, Area, Column};
use super::state::TableState;

const GOLD: &str = "Gold bar: columns to its left group the rows";
const BLUE: &str = "Blue bar: columns to its right are graphed";

/// A bar being dragged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct BarDrag {
    /// The area right of the bar.
    right: Area,
    /// The last place of the pointer.
    pointer: Pos2,
}

/// Draws the bars over header and body, and handles their drags.
pub(super) fn show(ui: &Ui, frame: &TableFrame<'_>, state: &mut TableState, actions: &mut Vec<Action>) {
    if state.bar.is_some() && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)) {
        state.bar = None;
    }
    let was_dragged = state.bar;
    let mut is_dragged = false;
    let bars = [
        (Area::Data, frame.places.gold, frame.palette.gold, GOLD),
        (Area::Graph, frame.places.blue, frame.palette.blue, BLUE),
    ];
    for (right, range, color, name) in bars {
        let Some(response) = one_bar(ui, frame, range, color, name) else { continue };
        let held = was_dragged.filter(|bar| bar.right == right);
        if response.drag_started() || (response.dragged() && held.is_some()) {
            let pointer = response.interact_pointer_pos().or(held.map(|bar| bar.pointer));
            state.bar = pointer.map(|pointer| BarDrag { right, pointer });
            is_dragged = true;
        }
        if response.drag_stopped() && held.is_some() {
            state.bar = held;
            over(ui, frame, state, Some(actions));
        }
    }
    if is_dragged {
        over(ui, frame, state, None);
    } else {
        state.bar = None;
    }
    if frame.places.frozen > 0.0 {
        let x = frame.pane(true).max;
        let y = frame.header.top()..=frame.body.bottom();
        ui.painter().vline(x, y, Stroke::new(2.0, frame.palette.faint));
    }
}

/// Draws one bar; returns the part of it that can be dragged, in the header.
fn one_bar(
    ui: &Ui,
    frame: &TableFrame<'_>,
    range: Rangef,
    color: Color32,
    name: &str,
) -> Option<eframe::egui::Response> {
    let visible = frame.visible(range);
    if visible.span() <= 0.0 {
        return None;
    }
    let all = frame.header.union(frame.body);
    let place = Rect::from_x_y_ranges(visible, all.y_range());
    let painter = ui.painter().with_clip_rect(place.intersect(ui.clip_rect()));
    painter.rect_filled(Rect::from_x_y_ranges(frame.shift(range).shrink(1.0), all.y_range()), 0.0, color);
    ui.interact(place, frame.id.with((name, "body")), Sense::HOVER).on_hover_text(name);
    let grip = ui.interact(place.intersect(frame.header), frame.id.with(name), Sense::DRAG);
    grip.widget_info(|| WidgetInfo::labeled(Role::Splitter, true, name));
    if grip.hovered() || grip.dragged() {
        ui.ctx().set_cursor_icon(if grip.dragged() { CursorIcon::Grabbing } else { CursorIcon::Grab });
    }
    Some(grip)
}

/// The columns that a bar at `x` would move to its other side, in order, or the column that is not allowed there.
fn taken<'c>(columns: &'c [Column], places: &ColumnLayout, right: Area, x: f32) -> Result<Vec<&'c Column>, &'c Column> {
    let (bar, left) = if right == Area::Data { (places.gold, Area::Key) } else { (places.blue, Area::Data) };
    let (from, to) = if x > bar.max { (right, left) } else { (left, right) };
    let passed = |range: &Rangef| if from == right { range.center() < x } else { range.center() > x };
    let inside = columns.iter().zip(&places.ranges).filter(|(c, range)| c.area == from && passed(range));
    let taken: Vec<&Column> = inside.map(|(column, _)| column).collect();
    match taken.iter().find(|column| !column.may_stand(to)) {
        Some(refused) => Err(refused),
        None => Ok(taken),
    }
}

/// The moves of these columns to the other side of the bar.
fn moves(columns: &[Column], right: Area, taken: &[&Column]) -> Vec<Action> {
    let left = if right == Area::Data { Area::Key } else { Area::Data };
    let first_right = columns.iter().find(|c| c.area == right).map(|c| c.id);
    let one = |column: &&Column| {
        let (area, before) = if column.area == right { (left, None) } else { (right, first_right) };
        Action::MoveColumn { column: column.id, area, before }
    };
    taken.iter().map(one).collect()
}

/// Shows the columns that the dragged bar has passed, or moves them when it is dropped.
fn over(ui: &Ui, frame: &TableFrame<'_>, state: &mut TableState, dropped: Option<&mut Vec<Action>>) {
    let Some(bar) = state.bar else { return };
    let columns = frame.model.columns();
    let result = taken(columns, &frame.places, bar.right, frame.table_x(bar.pointer.x));
    if let Some(actions) = dropped {
        state.bar = None;
        actions.extend(result.map(|taken| moves(columns, bar.right, &taken)).unwrap_or_default());
        return;
    }
    match result {
        Ok(taken) => {
            for (column, range) in columns.iter().zip(&frame.places.ranges) {
                if taken.iter().any(|t| t.id == column.id) {
                    let place = Rect::from_x_y_ranges(frame.visible(*range), frame.header.union(frame.body).y_range());
                    ui.painter().rect_filled(place, 0.0, frame.palette.accent.gamma_multiply(0.12));
                }
            }
            let x = bar.pointer.x.clamp(frame.body.left(), frame.body.right());
            let y = frame.header.top()..=frame.body.bottom();
            ui.painter().vline(x, y, Stroke::new(2.0, frame.palette.accent));
        }
        Err(column) => {
            ui.ctx().set_cursor_icon(CursorIcon::NotAllowed);
            drag::refuse(ui, frame, column, bar.pointer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const ANY: [bool; 3] = [true; 3];

    fn columns() -> Vec<Column> {
        let column = |id, area, allowed| Column { id, area, allowed, width: 50.0, ..Column::default() };
        vec![
            column(0, Area::Key, ANY),
            column(1, Area::Key, ANY),
            column(2, Area::Data, ANY),
            column(3, Area::Data, [false, true, true]),
            column(4, Area::Graph, ANY),
        ]
    }

    fn at(right: Area, x: f32) -> Result<Vec<Action>, u32> {
        let all = columns();
        let places = ColumnLayout::place(&all, &BTreeMap::new(), 0.0, [false; 3]);
        taken(&all, &places, right, x).map(|taken| moves(&all, right, &taken)).map_err(|column| column.id)
    }

    fn moved(column: u32, area: Area, before: Option<u32>) -> Action {
        Action::MoveColumn { column, area, before }
    }

    #[test]
    fn the_gold_bar_takes_what_it_passes() {
        assert_eq!(at(Area::Data, 102.0), Ok(Vec::new()));
        assert_eq!(at(Area::Data, 140.0), Ok(vec![moved(2, Area::Key, None)]));
        assert_eq!(at(Area::Data, 200.0), Err(3));
        assert_eq!(at(Area::Data, 10.0), Ok(vec![moved(0, Area::Data, Some(2)), moved(1, Area::Data, Some(2))]));
    }

    #[test]
    fn the_blue_bar_takes_what_it_passes() {
        assert_eq!(at(Area::Graph, 1e6), Ok(vec![moved(4, Area::Data, None)]));
        assert_eq!(at(Area::Graph, 160.0), Ok(vec![moved(3, Area::Graph, Some(4))]));
    }
}
