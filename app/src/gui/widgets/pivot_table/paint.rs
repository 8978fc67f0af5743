//! Drawing of the table and the registration of what is drawn for assistive technology. Only visible rows are drawn;
//! arrows and squares are painted shapes, never glyphs.

use eframe::egui::accesskit::Role;
use eframe::egui::emath::Rangef;
use eframe::egui::{
    Align2, Color32, CursorIcon, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};

use super::input;
use super::layout::MIN_COLUMN_WIDTH;
use super::model::{Action, Area, Cell, Column, Row, Sort, cell_label, header_label, row_label};
use super::{Frame, TableState};
use crate::gui::theme::{self, GRID, INDENT, Palette, ROW_HEIGHT};

/// Width kept for a unit, so that the figures before it stand in line.
const UNIT_WIDTH: f32 = 24.0;
/// Width of the triangle before a key.
const TRIANGLE: f32 = 14.0;
/// Least width that an indented key keeps for its text.
const MIN_KEY_TEXT: f32 = 96.0;
/// Opacity of figures that are old.
const OLD: f32 = 0.45;

/// The ground of body and header.
pub(super) fn ground(ui: &Ui, frame: &Frame<'_>) {
    let p = frame.palette;
    let painter = ui.painter();
    painter.rect_filled(frame.body.union(frame.header), 0.0, p.canvas);
    // The header runs on above the scrollbar.
    let mut header = frame.header;
    header.max.x += theme::SCROLLBAR;
    painter.rect_filled(header, 0.0, p.panel);
    painter.hline(header.x_range(), header.bottom(), Stroke::new(1.0, p.line));
}

/// The visible rows.
pub(super) fn rows(ui: &mut Ui, frame: &Frame<'_>, state: &mut TableState, actions: &mut Vec<Action>) {
    let painter = ui.painter().with_clip_rect(frame.body.intersect(ui.clip_rect()));
    let mut index = state.pos.row;
    let mut top = frame.body.top() - state.pos.fraction as f32 * ROW_HEIGHT;
    while top < frame.body.bottom() {
        let Some(row) = frame.model.row(index) else {
            break;
        };
        let rect = Rect::from_min_size(pos2(frame.body.left(), top), vec2(frame.body.width(), ROW_HEIGHT));
        let place = RowPlace { index, rect, row: &row };
        one_row(ui, &painter, frame, &place, state, actions);
        index += 1;
        top += ROW_HEIGHT;
    }
    bars(&painter, frame, frame.body);
}

struct RowPlace<'a> {
    index: u64,
    rect: Rect,
    row: &'a Row,
}

fn one_row(
    ui: &mut Ui,
    painter: &Painter,
    frame: &Frame<'_>,
    place: &RowPlace<'_>,
    state: &mut TableState,
    actions: &mut Vec<Action>,
) {
    let (row, rect, p) = (place.row, place.rect, frame.palette);
    let id = frame.id.with(("row", row.id));
    let response = ui.interact(rect.intersect(frame.body), id, Sense::CLICK);
    let selected = state.selected.contains(&row.id);
    if frame.named {
        name_row(ui, frame, place, &response, selected);
    }
    if selected {
        painter.rect_filled(rect, 0.0, p.selected);
    } else if response.hovered() {
        painter.rect_filled(rect, 0.0, p.hovered);
    } else if place.index % 2 == 1 {
        // In a wide table the eye needs a line to follow from the key to its figures.
        painter.rect_filled(rect, 0.0, p.stripe);
    }
    if frame.focused && state.cursor == Some(row.id) {
        painter.rect_stroke(rect, 0.0, Stroke::new(1.0, p.accent), StrokeKind::Inside);
    }
    let mut painter = painter.clone();
    if frame.dimmed {
        painter.multiply_opacity(OLD);
    }
    let on_triangle = key(ui, &painter, frame, place, &response, actions);
    cells(ui, &painter, frame, place);
    let on_swatch = swatch(ui, &painter, frame, place, actions);
    if response.clicked() && !on_triangle && !on_swatch {
        input::click(state, frame.model, place.index, row, ui.input(|i| i.modifiers), actions);
        super::take_focus(ui, frame.id);
    }
    if response.double_clicked() && row.expandable && !on_triangle && !on_swatch {
        actions.push(input::toggle(row));
    }
}

fn name_row(ui: &Ui, frame: &Frame<'_>, place: &RowPlace<'_>, response: &Response, selected: bool) {
    let row = place.row;
    response.widget_info(|| WidgetInfo::labeled(Role::Row, true, row_label(frame.model.columns(), row)));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_level(row.level as usize + 1);
        node.set_row_index(place.index as usize);
        node.set_selected(selected);
        if row.expandable {
            node.set_expanded(row.expanded);
        }
    });
}

/// Draws triangle and key; returns whether the triangle was clicked.
fn key(
    ui: &Ui,
    painter: &Painter,
    frame: &Frame<'_>,
    place: &RowPlace<'_>,
    row_response: &Response,
    actions: &mut Vec<Action>,
) -> bool {
    let row = place.row;
    let Some(range) = frame.places.ranges.get(row.key_column) else {
        return false;
    };
    let (left, right) = (frame.left + range.min, frame.left + range.max);
    let room = (right - left - MIN_KEY_TEXT).max(0.0);
    let x = left + GRID + (row.indent as f32 * INDENT).min(room);
    let middle = place.rect.center().y;
    let mut clicked = false;
    if row.expandable {
        let spot = Rect::from_center_size(pos2(x + TRIANGLE / 2.0, middle), Vec2::splat(TRIANGLE));
        let response =
            ui.interact(spot.expand(2.0).intersect(frame.body), frame.id.with(("triangle", row.id)), Sense::CLICK);
        if frame.named {
            let verb = if row.expanded { "Collapse" } else { "Expand" };
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{verb} {}", row.text)));
        }
        clicked = response.clicked() || response.double_clicked();
        if response.clicked() {
            actions.push(input::toggle(row));
        }
        let colour = if response.hovered() { frame.palette.text } else { frame.palette.dim };
        triangle(painter, spot.center(), row.expanded, colour);
    }
    let start = x + TRIANGLE + GRID;
    // A key may run on into the key columns right of it, which are empty in its row.
    let end = frame.left + frame.places.gold.min - GRID;
    let is_tree = row.indent > 0 || row.text.contains('!');
    let font = if is_tree { theme::figure_font() } else { theme::text_font() };
    let whole = theme::clipped_text(painter, pos2(start, middle), end - start, &row.text, font, frame.palette.text);
    if !whole {
        row_response.clone().on_hover_text_at_pointer(&row.text);
    }
    clicked
}

/// Draws the figures.
fn cells(ui: &Ui, painter: &Painter, frame: &Frame<'_>, place: &RowPlace<'_>) {
    let columns = frame.model.columns();
    let data = columns.iter().zip(&frame.places.ranges).filter(|(c, _)| c.area != Area::Key);
    for ((column, range), cell) in data.zip(&place.row.cells) {
        let rect = Rect::from_x_y_ranges(shift(*range, frame.left), place.rect.y_range());
        if let Some(share) = cell.share {
            let width = (rect.width() - 2.0 * GRID).max(0.0) * share.clamp(0.0, 1.0);
            let bar = Rect::from_min_size(rect.left_top() + vec2(GRID, 3.0), vec2(width, ROW_HEIGHT - 6.0));
            painter.rect_filled(bar, 2.0, frame.palette.share);
        }
        figure(painter, frame.palette, rect, cell);
        if frame.named {
            let id = frame.id.with(("cell", place.row.id, column.id));
            let response = ui.interact(rect.intersect(frame.body), id, Sense::HOVER);
            response.widget_info(|| WidgetInfo::labeled(Role::Cell, true, cell_label(column, cell)));
        }
    }
}

fn figure(painter: &Painter, palette: &Palette, rect: Rect, cell: &Cell) {
    let painter = painter.with_clip_rect(painter.clip_rect().intersect(rect));
    let mut right = rect.right() - 2.0 * GRID;
    if !cell.unit.is_empty() {
        right -= UNIT_WIDTH;
        let at = pos2(right + GRID, rect.center().y);
        painter.text(at, Align2::LEFT_CENTER, cell.unit, theme::small_font(), palette.dim);
    }
    let at = pos2(right, rect.center().y);
    painter.text(at, Align2::RIGHT_CENTER, &cell.text, theme::figure_font(), palette.text);
}

/// Draws the colour square; returns whether it was clicked.
fn swatch(ui: &Ui, painter: &Painter, frame: &Frame<'_>, place: &RowPlace<'_>, actions: &mut Vec<Action>) -> bool {
    let Some(swatch) = place.row.swatch else {
        return false;
    };
    let rect = Rect::from_x_y_ranges(shift(frame.places.swatch, frame.left), place.rect.y_range());
    let response = ui.interact(rect.intersect(frame.body), frame.id.with(("swatch", place.row.id)), Sense::CLICK);
    if frame.named {
        let verb = if swatch.on { "Hide" } else { "Show" };
        let label = format!("{verb} {} in the graph", place.row.text);
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, swatch.on, &label));
    }
    let square = Rect::from_center_size(rect.center(), Vec2::splat(10.0));
    if swatch.on {
        painter.rect_filled(square, 2.0, swatch.colour);
    } else {
        painter.rect_stroke(square, 2.0, Stroke::new(1.0, swatch.colour), StrokeKind::Inside);
    }
    if response.clicked() {
        actions.push(Action::ToggleSeries(place.row.id));
    }
    response.clicked()
}

/// The headers, with their sort arrows and the edges that resize them.
pub(super) fn headers(ui: &mut Ui, frame: &Frame<'_>, state: &mut TableState, actions: &mut Vec<Action>) {
    let painter = ui.painter().with_clip_rect(frame.header.intersect(ui.clip_rect()));
    let columns = frame.model.columns();
    for (column, range) in columns.iter().zip(&frame.places.ranges) {
        let rect = Rect::from_x_y_ranges(shift(*range, frame.left), frame.header.y_range());
        let id = frame.id.with(("header", column.id));
        let response = ui.interact(rect.intersect(frame.header), id, Sense::CLICK | Sense::FOCUSABLE);
        response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, header_label(column)));
        if response.hovered() {
            painter.rect_filled(rect, 0.0, frame.palette.hovered);
        }
        title(&painter, frame.palette, rect, column);
        if response.has_focus() {
            let ring = Stroke::new(1.0, frame.palette.accent);
            painter.rect_stroke(rect, 0.0, ring, StrokeKind::Inside);
        }
        if response.clicked() {
            actions.push(Action::Sort(column.id));
        }
        if !column.tip.is_empty() {
            response.on_hover_text(&column.tip);
        }
    }
    for (column, range) in columns.iter().zip(&frame.places.ranges) {
        edge(ui, &painter, frame, column, *range, state);
    }
    bars(&painter, frame, frame.header);
}

fn title(painter: &Painter, p: &Palette, rect: Rect, column: &Column) {
    let painter = painter.with_clip_rect(painter.clip_rect().intersect(rect));
    let colour = if column.sort.is_some() { p.text } else { p.dim };
    let arrow_room = if column.sort.is_some() { 14.0 } else { 0.0 };
    let middle = rect.center().y;
    if column.area == Area::Key {
        let at = pos2(rect.left() + 2.0 * GRID, middle);
        let drawn = painter.text(at, Align2::LEFT_CENTER, &column.title, theme::small_font(), colour);
        if let Some(sort) = column.sort {
            sort_arrow(&painter, pos2(drawn.right() + 9.0, middle), sort, p.accent);
        }
    } else {
        let at = pos2(rect.right() - 2.0 * GRID - arrow_room, middle);
        painter.text(at, Align2::RIGHT_CENTER, &column.title, theme::small_font(), colour);
        if let Some(sort) = column.sort {
            sort_arrow(&painter, pos2(rect.right() - 2.0 * GRID - 4.0, middle), sort, p.accent);
        }
    }
}

/// The edge right of a header: drags the column's width.
fn edge(ui: &Ui, painter: &Painter, frame: &Frame<'_>, column: &Column, range: Rangef, state: &mut TableState) {
    let x = frame.left + range.max;
    let rect = Rect::from_x_y_ranges(Rangef::new(x - 3.0, x + 3.0), frame.header.y_range());
    let id = frame.id.with(("edge", column.id));
    let response = ui.interact(rect.intersect(frame.header), id, Sense::DRAG);
    if response.hovered() || response.dragged() {
        ui.ctx().set_cursor_icon(CursorIcon::ResizeHorizontal);
        painter.vline(x, frame.header.y_range(), Stroke::new(2.0, frame.palette.accent));
    } else {
        let y = frame.header.y_range().shrink(5.0);
        painter.vline(x - 0.5, y, Stroke::new(1.0, frame.palette.line));
    }
    if response.dragged() {
        let width = range.span() + response.drag_delta().x;
        state.widths.insert(column.id, width.max(MIN_COLUMN_WIDTH));
    }
}

fn bars(painter: &Painter, frame: &Frame<'_>, area: Rect) {
    for (range, colour) in [(frame.places.gold, frame.palette.gold), (frame.places.blue, frame.palette.blue)] {
        let rect = Rect::from_x_y_ranges(shift(range, frame.left).shrink(1.0), area.y_range());
        painter.rect_filled(rect, 0.0, colour);
    }
}

/// Draws a scrollbar along `axis`; returns the share of the way that it was dragged to.
pub(super) fn scrollbar(
    ui: &Ui,
    palette: &Palette,
    bar: &Response,
    share: f64,
    length: f32,
    axis: Vec2,
) -> Option<f64> {
    let along = |v: Vec2| v.x * axis.x + v.y * axis.y;
    let track = bar.rect;
    let whole = along(track.size());
    let thumb = (whole * length).clamp(24.0_f32.min(whole), whole);
    let way = whole - thumb;
    let start = track.min + axis * (way * share as f32);
    let across = Vec2::splat(theme::SCROLLBAR) * (Vec2::ONE - axis);
    let rect = Rect::from_min_size(start, axis * thumb + across);
    let lit = bar.hovered() || bar.dragged();
    let colour = if lit { palette.dim } else { palette.faint };
    ui.painter().rect_filled(track, 0.0, palette.panel);
    ui.painter().rect_filled(rect.shrink(2.0), 3.0, colour.gamma_multiply(if lit { 1.0 } else { 0.6 }));
    let pointer = bar.interact_pointer_pos()?;
    if way <= 0.0 || !(bar.dragged() || bar.clicked()) {
        return None;
    }
    if bar.dragged() {
        // Relative moves: grabbing the thumb anywhere does not make it jump.
        let moved = f64::from(along(bar.drag_delta()) / way);
        return (moved != 0.0).then_some((share + moved).clamp(0.0, 1.0));
    }
    let at = along(pointer - track.min) - thumb / 2.0;
    Some(f64::from(at / way).clamp(0.0, 1.0))
}

fn triangle(painter: &Painter, c: Pos2, open: bool, colour: Color32) {
    let points = if open {
        vec![c + vec2(-4.0, -2.0), c + vec2(4.0, -2.0), c + vec2(0.0, 3.0)]
    } else {
        vec![c + vec2(-2.0, -4.0), c + vec2(3.0, 0.0), c + vec2(-2.0, 4.0)]
    };
    painter.add(Shape::convex_polygon(points, colour, Stroke::NONE));
}

fn sort_arrow(painter: &Painter, c: Pos2, sort: Sort, colour: Color32) {
    let points = match sort {
        Sort::Descending => vec![c + vec2(-4.0, -2.0), c + vec2(4.0, -2.0), c + vec2(0.0, 3.0)],
        Sort::Ascending => vec![c + vec2(-4.0, 2.0), c + vec2(0.0, -3.0), c + vec2(4.0, 2.0)],
    };
    painter.add(Shape::convex_polygon(points, colour, Stroke::NONE));
}

fn shift(range: Rangef, by: f32) -> Rangef {
    Rangef::new(range.min + by, range.max + by)
}
