//! The headers: titles, sort arrows, the edges that resize, and the keys of a header that has the keyboard. Clicks and drags
//! become actions or widths.

use eframe::egui::accesskit::{Role, SortDirection};
use eframe::egui::emath::Rangef;
use eframe::egui::{
    CursorIcon, EventFilter, Id, Key, Modifiers, Painter, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    pos2, vec2,
};

use super::drag::{self, HeaderDrag};
use super::frame::TableFrame;
use super::labels::{header_label, several_sorted};
use super::layout::MIN_COLUMN_WIDTH;
use super::menus::{self, MenuTarget};
use super::model::{Action, Area, Column, Sort};
use super::state::TableState;
use crate::gui::icons::Icon;
use crate::gui::theme::{self, GRID};

/// Width kept for the arrow of a sorted column and its rank.
pub(super) const SORT_ROOM: f32 = 22.0;
/// Tooltip of the column of color squares.
const GRAPHED: &str = "Click a square to show or hide its series; double-click or Alt+click to show only this.";

/// The id of a column's header.
pub(super) fn header_id(table: Id, column: u32) -> Id {
    table.with(("header", column))
}

/// Draws the headers.
pub(super) fn show(ui: &mut Ui, frame: &TableFrame<'_>, state: &mut TableState, actions: &mut Vec<Action>) {
    if state.drag.is_some() && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)) {
        state.drag = None;
    }
    space(ui, frame, state);
    let columns = frame.model.columns();
    let several = several_sorted(columns);
    let was_dragged = state.drag.is_some();
    let (mut is_dragged, mut dropped) = (false, false);
    for (column, range) in columns.iter().zip(&frame.places.ranges) {
        let response = one_header(ui, frame, state, column, *range, several);
        if response.drag_started() || (response.dragged() && was_dragged) {
            let pointer = response.interact_pointer_pos().or(state.drag.map(|drag| drag.pointer));
            state.drag = pointer.map(|pointer| HeaderDrag { column: column.id, pointer });
            is_dragged = true;
        }
        dropped |= response.drag_stopped();
        asked(ui, frame, state, &response, column, actions);
    }
    if !is_dragged && !dropped {
        state.drag = None;
    }
    graphed(ui, frame);
    for (i, range) in frame.places.ranges.iter().enumerate() {
        edge(ui, frame, i, *range, state);
    }
    drag::show(ui, frame, state, dropped, actions);
}

/// Handles the space of the header beside the columns, which has a menu, too.
fn space(ui: &Ui, frame: &TableFrame<'_>, state: &mut TableState) {
    let response = ui.interact(frame.header, frame.id.with("header space"), Sense::CLICK);
    if response.secondary_clicked() {
        let at = response.interact_pointer_pos().unwrap_or(frame.header.left_bottom());
        menus::open(ui, frame, state, MenuTarget::Header(None), at, None);
    }
}

/// Draws the header above the color squares.
fn graphed(ui: &Ui, frame: &TableFrame<'_>) {
    let visible = frame.visible(frame.places.swatch);
    if visible.span() <= 0.0 {
        return;
    }
    let rect = Rect::from_x_y_ranges(visible, frame.header.y_range());
    let response = ui.interact(rect, frame.id.with("graphed"), Sense::HOVER);
    response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, "Graphed"));
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let middle = pos2(frame.shift(frame.places.swatch).center(), rect.center().y);
    Icon::Curve.paint(&painter, middle, frame.palette.dim);
    response.on_hover_text(GRAPHED);
}

fn one_header(
    ui: &Ui,
    frame: &TableFrame<'_>,
    state: &TableState,
    column: &Column,
    range: Rangef,
    several: bool,
) -> Response {
    let whole = Rect::from_x_y_ranges(frame.shift(range), frame.header.y_range());
    let visible = frame.visible(range);
    let rect = if visible.span() > 0.0 {
        Rect::from_x_y_ranges(visible, frame.header.y_range())
    } else {
        // Not visible, but reached by the keyboard: its place must not be over visible controls.
        whole.translate(vec2(-10.0 * frame.places.width, 0.0))
    };
    let sense = Sense::CLICK | Sense::DRAG | Sense::FOCUSABLE;
    let response = ui.interact(rect, header_id(frame.id, column.id), sense);
    response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, header_label(column, several)));
    if let Some(sort) = column.sort {
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_sort_direction(match sort {
                Sort::Ascending => SortDirection::Ascending,
                Sort::Descending => SortDirection::Descending,
            });
        });
    }
    let mut painter = ui.painter().with_clip_rect(rect.intersect(frame.header).intersect(ui.clip_rect()));
    if response.hovered() {
        painter.rect_filled(whole, 0.0, frame.palette.hovered);
    }
    let dragged = state.drag.is_some_and(|drag| drag.column == column.id);
    if dragged {
        painter.multiply_opacity(0.4);
    }
    let is_whole = title(&painter, frame, whole, column, several);
    if response.has_focus() {
        let ring = Stroke::new(1.0, frame.palette.accent);
        painter.rect_stroke(rect, 0.0, ring, StrokeKind::Inside);
    }
    if state.drag.is_none() && state.menu.is_none() {
        tip(&response, column, is_whole);
    }
    response
}

fn tip(response: &Response, column: &Column, is_whole: bool) {
    let text = match (is_whole, column.tip.is_empty()) {
        (true, true) => return,
        (true, false) => column.tip.clone(),
        (false, true) => column.title.clone(),
        (false, false) => format!("{}: {}", column.title, column.tip),
    };
    response.clone().on_hover_text(text);
}

/// Draws title, arrow and rank; returns whether all of the title fitted.
fn title(painter: &Painter, frame: &TableFrame<'_>, rect: Rect, column: &Column, several: bool) -> bool {
    let p = frame.palette;
    let color = if column.sort.is_some() { p.text } else { p.dim };
    let rank = several && column.sort.is_some();
    let room = match (column.sort.is_some(), rank) {
        (false, _) => 0.0,
        (true, false) => 12.0,
        (true, true) => SORT_ROOM,
    };
    let (left, right) = (rect.left() + 2.0 * GRID, rect.right() - 2.0 * GRID - room);
    let middle = rect.center().y;
    let galley = painter.layout_no_wrap(column.title.clone(), theme::small_font(), color);
    let width = galley.size().x;
    let is_whole = width <= right - left;
    let end = if !is_whole {
        theme::clipped_text(painter, pos2(left, middle), right - left, &column.title, theme::small_font(), color);
        right
    } else {
        let x = if column.area == Area::Key { left } else { right - width };
        painter.galley(pos2(x, middle - galley.size().y / 2.0), galley, color);
        x + width
    };
    if let Some(sort) = column.sort {
        let icon = match sort {
            Sort::Ascending => Icon::SortAscending,
            Sort::Descending => Icon::SortDescending,
        };
        icon.paint(painter, pos2(end + 8.0, middle), p.accent);
        if rank {
            let at = pos2(end + 14.0, middle);
            theme::clipped_text(painter, at, 12.0, &column.sort_rank.to_string(), theme::small_font(), p.accent);
        }
    }
    is_whole
}

/// Handles clicks and keys on a header.
fn asked(
    ui: &Ui,
    frame: &TableFrame<'_>,
    state: &mut TableState,
    response: &Response,
    column: &Column,
    actions: &mut Vec<Action>,
) {
    if response.clicked() {
        actions.push(Action::Sort { column: column.id, add: ui.input(|i| i.modifiers.shift) });
    }
    if response.secondary_clicked() {
        let at = response.interact_pointer_pos().unwrap_or(response.rect.left_bottom());
        menus::open(ui, frame, state, MenuTarget::Header(Some(column.id)), at, None);
    }
    if response.gained_focus() {
        reveal(frame, state, column);
    }
    if response.has_focus() && state.menu.is_none() {
        keys(ui, frame, state, response, column, actions);
    }
    if response.has_focus() {
        let locked = state.menu.is_none();
        let filter = EventFilter { horizontal_arrows: locked, vertical_arrows: locked, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    }
}

fn keys(
    ui: &Ui,
    frame: &TableFrame<'_>,
    state: &mut TableState,
    response: &Response,
    column: &Column,
    actions: &mut Vec<Action>,
) {
    let pressed = |modifiers, key| ui.input_mut(|i| i.consume_key(modifiers, key));
    let columns = frame.model.columns();
    for (key, right) in [(Key::ArrowLeft, false), (Key::ArrowRight, true)] {
        if pressed(Modifiers::COMMAND, key) {
            actions.extend(drag::step(columns, column.id, right));
        } else if pressed(Modifiers::NONE, key) {
            let at = columns.iter().position(|c| c.id == column.id).unwrap_or(0);
            let next = if right { at.checked_add(1) } else { at.checked_sub(1) };
            if let Some(next) = next.and_then(|next| columns.get(next)) {
                focus(ui, header_id(frame.id, next.id));
            }
        }
    }
    if pressed(Modifiers::NONE, Key::ArrowDown) {
        super::take_focus(ui, frame.id);
    }
    if pressed(Modifiers::SHIFT, Key::F10) || pressed(Modifiers::NONE, Key::Menu) {
        let visible = response.rect.intersect(frame.header);
        let at = if visible.is_positive() { visible.left_bottom() } else { frame.header.left_bottom() };
        menus::open(ui, frame, state, MenuTarget::Header(Some(column.id)), at, Some(response.id));
    }
}

fn focus(ui: &Ui, id: Id) {
    ui.memory_mut(|memory| memory.request_focus(id));
    ui.ctx().request_repaint();
}

/// Scrolls sideways until the column can be seen.
fn reveal(frame: &TableFrame<'_>, state: &mut TableState, column: &Column) {
    let at = frame.model.columns().iter().position(|c| c.id == column.id);
    let Some(range) = at.and_then(|at| frame.places.ranges.get(at)).filter(|r| !frame.places.is_frozen(**r)) else {
        return;
    };
    let (pane, here) = (frame.pane(false), frame.shift(*range));
    if here.min < pane.min {
        state.scroll_x -= pane.min - here.min;
    } else if here.max > pane.max {
        state.scroll_x += (here.max - pane.max).min(here.min - pane.min);
    }
    state.scroll_x = state.scroll_x.clamp(0.0, frame.overflow());
}

/// Handles the edge at the right of a header: a drag changes the width of the column, a double click fits it to its contents.
fn edge(ui: &Ui, frame: &TableFrame<'_>, at: usize, range: Rangef, state: &mut TableState) {
    let Some(column) = frame.model.columns().get(at) else { return };
    let painter = ui.painter().with_clip_rect(frame.header.intersect(ui.clip_rect()));
    let here = frame.shift(range);
    let pane = frame.pane(frame.places.is_frozen(range));
    // The bars are beside it.
    let by_bar = [frame.places.gold.min, frame.places.blue.min].contains(&range.max);
    let reach = Rangef::new(here.max - 4.0, here.max + if by_bar { 0.0 } else { 3.0 });
    let reach = reach.intersection(Rangef::new(pane.min, pane.max + 3.0));
    if reach.span() <= 0.0 {
        return;
    }
    let rect = Rect::from_x_y_ranges(reach, frame.header.y_range());
    let response = ui.interact(rect, frame.id.with(("edge", column.id)), Sense::CLICK | Sense::DRAG);
    if response.hovered() || response.dragged() {
        ui.ctx().set_cursor_icon(CursorIcon::ResizeHorizontal);
        painter.vline(here.max, frame.header.y_range(), Stroke::new(2.0, frame.palette.accent));
    } else {
        let y = frame.header.y_range().shrink(5.0);
        painter.vline(here.max - 0.5, y, Stroke::new(1.0, frame.palette.line));
    }
    if response.drag_started() {
        state.resized_from = here.span();
    }
    // The left edge may move, too, if the last key shrinks: only the distance of the pointer counts.
    if let Some(way) = response.total_drag_delta() {
        state.widths.insert(column.id, (state.resized_from + way.x).max(MIN_COLUMN_WIDTH));
    }
    if response.double_clicked() {
        state.fit(column.id);
        ui.ctx().request_repaint();
    }
}
