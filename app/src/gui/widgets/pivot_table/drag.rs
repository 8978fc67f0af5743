//! Moving columns by drag or keys: allowed places, the ghost of the header at the pointer, and the mark at the place where it
//! would be dropped.

use eframe::egui::{
    Align2, CursorIcon, Id, LayerId, Order, PopupAnchor, Pos2, Rect, Stroke, StrokeKind, Tooltip, Ui, pos2, vec2,
};

use super::frame::TableFrame;
use super::layout::{ColumnLayout, Gap};
use super::model::{Action, Area, Column};
use super::state::TableState;
use crate::gui::theme::{self, GRID};

/// Distance from an end of the header within which a drag scrolls the table sideways, in points.
const SCROLL_ZONE: f32 = 28.0;
/// Distance that such a drag scrolls in a frame, in points.
const SCROLL_STEP: f32 = 5.0;
/// Distance above and below the table within which a column can be dropped, in points.
const REACH: f32 = 48.0;
/// Greatest width of the ghost, in points.
const MAX_GHOST: f32 = 200.0;

/// A header being dragged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct HeaderDrag {
    /// Id of its column.
    pub(super) column: u32,
    /// The last place of the pointer.
    pub(super) pointer: Pos2,
}

/// The effect of dropping a column at a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum DropTarget {
    /// None: the column is already in this place, or the place is outside.
    Nothing,
    /// None: the column is not allowed there.
    Refused,
    /// It moves into the gap.
    Into(Gap),
}

/// The areas that open while the column with this id is dragged, in the order of [`Area::ALL`].
pub(super) fn opened(columns: &[Column], drag: Option<HeaderDrag>) -> [bool; 3] {
    let dragged = drag.and_then(|drag| columns.iter().find(|c| c.id == drag.column));
    dragged.map_or([false; 3], |column| column.allowed)
}

/// The effect of dropping the column with this id at `x`.
pub(super) fn drop_at(columns: &[Column], places: &ColumnLayout, id: u32, x: f32) -> DropTarget {
    let Some(column) = columns.iter().find(|c| c.id == id) else {
        return DropTarget::Nothing;
    };
    let gap = places.gap_at(columns, x);
    if gap.area == column.area && (gap.before == Some(id) || gap.before == next_in_area(columns, column)) {
        DropTarget::Nothing
    } else if column.may_stand(gap.area) {
        DropTarget::Into(gap)
    } else {
        DropTarget::Refused
    }
}

fn next_in_area(columns: &[Column], column: &Column) -> Option<u32> {
    let mut behind = columns.iter().filter(|c| c.area == column.area).skip_while(|c| c.id != column.id);
    behind.nth(1).map(|c| c.id)
}

/// The move of the column with this id by one place, across the bars where it is allowed behind them.
pub(super) fn step(columns: &[Column], id: u32, right: bool) -> Option<Action> {
    let column = columns.iter().find(|c| c.id == id)?;
    let ids = |area: Area| columns.iter().filter(move |c| c.area == area).map(|c| c.id);
    let own: Vec<u32> = ids(column.area).collect();
    let at = own.iter().position(|other| *other == id)?;
    let go = |area, before| Some(Action::MoveColumn { column: id, area, before });
    if column.may_stand(column.area) {
        if right && at + 1 < own.len() {
            return go(column.area, own.get(at + 2).copied());
        }
        if !right && at > 0 {
            return go(column.area, own.get(at - 1).copied());
        }
    } else if (right && at + 1 < own.len()) || (!right && at > 0) {
        return None;
    }
    if right {
        let area = Area::ALL.into_iter().find(|area| *area > column.area && column.may_stand(*area))?;
        go(area, ids(area).next())
    } else {
        let area = Area::ALL.into_iter().rev().find(|area| *area < column.area && column.may_stand(*area))?;
        go(area, None)
    }
}

/// Continues a drag, or ends it if the column was `dropped` in this frame.
pub(super) fn show(ui: &Ui, frame: &TableFrame<'_>, state: &mut TableState, dropped: bool, actions: &mut Vec<Action>) {
    let Some(drag) = state.drag else { return };
    let columns = frame.model.columns();
    let Some((column, range)) = columns.iter().zip(&frame.places.ranges).find(|(c, _)| c.id == drag.column) else {
        state.drag = None;
        return;
    };
    let within = frame.outer.expand2(vec2(0.0, REACH)).contains(drag.pointer);
    let drop = if within {
        drop_at(columns, &frame.places, drag.column, frame.table_x(drag.pointer.x))
    } else {
        DropTarget::Nothing
    };
    if dropped {
        state.drag = None;
        if let DropTarget::Into(gap) = drop {
            actions.push(Action::MoveColumn { column: column.id, area: gap.area, before: gap.before });
        }
        ui.ctx().request_repaint();
        return;
    }
    scroll_at_the_ends(ui, frame, state, drag.pointer);
    let width = range.span().min(MAX_GHOST);
    ghost(ui, frame, column, Rect::from_min_size(drag.pointer + vec2(12.0, 10.0), vec2(width, theme::HEADER_HEIGHT)));
    match drop {
        DropTarget::Nothing => ui.ctx().set_cursor_icon(CursorIcon::Grabbing),
        DropTarget::Into(gap) => {
            ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
            mark(ui, frame, &gap);
        }
        DropTarget::Refused => {
            ui.ctx().set_cursor_icon(CursorIcon::NotAllowed);
            refuse(ui, frame, column, drag.pointer);
        }
    }
}

fn scroll_at_the_ends(ui: &Ui, frame: &TableFrame<'_>, state: &mut TableState, pointer: Pos2) {
    let pane = frame.pane(false);
    let step = match pointer.x {
        x if x > pane.max - SCROLL_ZONE => SCROLL_STEP,
        x if frame.places.frozen <= 0.0 && x < pane.min + SCROLL_ZONE => -SCROLL_STEP,
        x if frame.places.frozen > 0.0 && (x - pane.min).abs() < SCROLL_ZONE / 2.0 => -SCROLL_STEP,
        _ => return,
    };
    let to = (state.scroll_x + step).clamp(0.0, frame.overflow());
    if to != state.scroll_x {
        state.scroll_x = to;
        ui.ctx().request_repaint();
    }
}

/// Draws the header at the pointer.
fn ghost(ui: &Ui, frame: &TableFrame<'_>, column: &Column, rect: Rect) {
    let layer = LayerId::new(Order::Tooltip, Id::unique("dragged header"));
    let mut painter = ui.ctx().layer_painter(layer);
    painter.multiply_opacity(0.9);
    let p = frame.palette;
    painter.rect_filled(rect, f32::from(theme::RADIUS), p.panel);
    painter.rect_stroke(rect, f32::from(theme::RADIUS), Stroke::new(1.0, p.accent), StrokeKind::Inside);
    let at = pos2(rect.left() + 2.0 * GRID, rect.center().y);
    theme::clipped_text(&painter, at, rect.width() - 4.0 * GRID, &column.title, theme::small_font(), p.text);
}

/// Draws the line at the place where the column would go, and the meaning of an empty area.
fn mark(ui: &Ui, frame: &TableFrame<'_>, gap: &Gap) {
    let p = frame.palette;
    let painter = ui.painter().with_clip_rect(frame.outer.intersect(ui.clip_rect()));
    let range = frame.places.areas[gap.area as usize];
    // The two sides of a bar are a few points apart: the highlighted header and the distance from the bar tell them apart.
    let lit = Rect::from_x_y_ranges(frame.shift(range), frame.header.y_range());
    painter.rect_filled(lit, 0.0, p.accent.gamma_multiply(0.12));
    let beside = match gap.x {
        x if range.span() < 4.0 * GRID => x,
        x if x <= range.min => x + 2.0,
        x if x >= range.max => x - 2.0,
        x => x,
    };
    let x = frame.screen_x(beside).clamp(frame.outer.left() + 1.0, frame.body.right() - 1.0);
    let (top, bottom) = (frame.header.top(), frame.body.bottom());
    painter.vline(x, top..=bottom, Stroke::new(2.0, p.accent));
    let foot = frame.header.bottom();
    painter.circle_filled(pos2(x, foot), 4.0, p.accent);
    if frame.model.columns().iter().all(|c| c.area != gap.area) {
        let place = Rect::from_x_y_ranges(frame.shift(range), top..=bottom);
        painter.rect_filled(place, 0.0, p.accent.gamma_multiply(0.12));
        let text = match gap.area {
            Area::Key => "Group",
            Area::Data => "Show",
            Area::Graph => "Graph",
        };
        let at = pos2(x, foot + theme::ROW_HEIGHT);
        painter.text(at, Align2::CENTER_CENTER, text, theme::small_font(), p.text);
    }
}

/// Shows at the pointer why a column is not allowed there.
pub(super) fn refuse(ui: &Ui, frame: &TableFrame<'_>, column: &Column, pointer: Pos2) {
    if column.refusal.is_empty() {
        return;
    }
    let below = PopupAnchor::Position(pointer + vec2(12.0, 12.0 + theme::HEADER_HEIGHT));
    Tooltip::always_open(ui.ctx().clone(), ui.layer_id(), frame.id.with("refusal"), below).show(|ui| {
        ui.label(&column.refusal);
    });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const ANY: [bool; 3] = [true; 3];
    const FIGURE: [bool; 3] = [false, true, true];

    fn columns() -> Vec<Column> {
        let column = |id, area, allowed| Column { id, area, allowed, width: 50.0, ..Column::default() };
        vec![
            column(0, Area::Key, ANY),
            column(1, Area::Key, ANY),
            column(2, Area::Data, FIGURE),
            column(3, Area::Data, FIGURE),
        ]
    }

    fn moved(column: u32, area: Area, before: Option<u32>) -> Option<Action> {
        Some(Action::MoveColumn { column, area, before })
    }

    #[test]
    fn keys_move_by_one_place_and_over_the_bars() {
        let all = columns();
        assert_eq!(step(&all, 0, true), moved(0, Area::Key, None));
        assert_eq!(step(&all, 1, true), moved(1, Area::Data, Some(2)));
        assert_eq!(step(&all, 1, false), moved(1, Area::Key, Some(0)));
        assert_eq!(step(&all, 0, false), None);
        assert_eq!(step(&all, 2, false), None, "it cannot group");
        assert_eq!(step(&all, 2, true), moved(2, Area::Data, None));
        assert_eq!(step(&all, 3, true), moved(3, Area::Graph, None));
        assert_eq!(step(&all, 9, true), None);
    }

    #[test]
    fn keys_skip_an_area_that_is_not_allowed() {
        let mut all = columns();
        all[1].allowed = [true, false, true];
        assert_eq!(step(&all, 1, true), moved(1, Area::Graph, None));
        all[0].allowed = [false; 3];
        assert_eq!(step(&all, 0, true), None);
    }

    #[test]
    fn a_drop_beside_itself_moves_nothing() {
        let all = columns();
        let places = ColumnLayout::place(&all, &BTreeMap::new(), 0.0, [false; 3]);
        assert_eq!(drop_at(&all, &places, 0, 10.0), DropTarget::Nothing);
        assert_eq!(drop_at(&all, &places, 0, 60.0), DropTarget::Nothing);
        assert!(matches!(drop_at(&all, &places, 0, 90.0), DropTarget::Into(Gap { area: Area::Key, before: None, .. })));
        assert_eq!(drop_at(&all, &places, 1, 99.0), DropTarget::Nothing);
        assert_eq!(drop_at(&all, &places, 3, 30.0), DropTarget::Refused);
        assert!(matches!(
            drop_at(&all, &places, 3, 106.0),
            DropTarget::Into(Gap { area: Area::Data, before: Some(2), .. })
        ));
    }
}
