//! The visible rows: painting, accessible names, and clicks, which become actions.

use eframe::egui::accesskit::Role;
use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{
    Align2, Color32, FontId, Painter, Rect, Response, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::frame::TableFrame;
use super::labels::{cell_label, row_label};
use super::layout::indentation;
use super::model::{Action, Cell, Row, RowKind};
use super::state::TableState;
use super::{extras, input, menus};
use crate::gui::icons::Icon;
use crate::gui::theme::{self, GRID, ROW_HEIGHT};
use crate::gui::widgets::fitted_text;

/// Width of a unit: the same for all, so that figures are aligned.
pub(super) const UNIT_WIDTH: f32 = 24.0;
/// Width of the triangle before a key.
pub(super) const TRIANGLE: f32 = 14.0;
/// Least width that an indented key keeps for its text.
pub(super) const MIN_KEY_TEXT: f32 = 200.0;
/// Width of the bar before the name of a responsible frame.
const TINT_BAR: f32 = 3.0;
/// Opacity of outdated figures and of dimmed rows.
const OLD: f32 = 0.45;
/// Text in place of a figure that is being computed.
const ELLIPSIS: &str = "\u{2026}";

struct RowPlace<'a> {
    index: u64,
    rect: Rect,
    row: &'a Row,
}

/// Draws the visible rows.
pub(super) fn show(ui: &mut Ui, frame: &TableFrame<'_>, state: &mut TableState, actions: &mut Vec<Action>) {
    let painter = ui.painter().with_clip_rect(frame.body.intersect(ui.clip_rect()));
    state.hovered = None;
    let mut index = state.pos.row;
    let mut top = frame.body.top() - state.pos.fraction as f32 * ROW_HEIGHT;
    while top < frame.body.bottom() {
        let Some(row) = frame.model.row(index) else {
            break;
        };
        let rect = Rect::from_min_size(pos2(frame.body.left(), top), vec2(frame.body.width(), ROW_HEIGHT));
        one_row(ui, &painter, frame, &RowPlace { index, rect, row: &row }, state, actions);
        index += 1;
        top += ROW_HEIGHT;
    }
}

fn one_row(
    ui: &mut Ui,
    painter: &Painter,
    frame: &TableFrame<'_>,
    place: &RowPlace<'_>,
    state: &mut TableState,
    actions: &mut Vec<Action>,
) {
    let (row, rect) = (place.row, place.rect);
    let id = frame.id.with(("row", row.id));
    let response = ui.interact(rect.intersect(frame.body), id, Sense::CLICK);
    ground(painter, frame, place, &response, state);
    if frame.named {
        name_row(ui, frame, place, &response, state.selected.contains(&row.id));
    }
    let mut painter = painter.clone();
    if frame.options.dimmed || row.dimmed {
        painter.multiply_opacity(OLD);
    }
    let on_triangle = triangle(ui, &painter, frame, place, actions);
    let cut_key = key(&painter, frame, place);
    let selected = state.selected.contains(&row.id);
    let cut_cell = cells(ui, &painter, frame, place, &response, selected);
    let cut_cell = extras::cells(ui, &painter, frame, row, rect, response.hover_pos()).or(cut_cell);
    let on_swatch = swatch(ui, &painter, frame, place, actions);
    if response.secondary_clicked() {
        super::take_focus(ui, frame.id);
        let at = response.interact_pointer_pos().unwrap_or(rect.left_bottom());
        menus::open_row(ui, frame, state, row.id, at, actions);
    }
    if response.clicked() && !on_triangle && !on_swatch {
        input::click(state, frame.model, place.index, row, ui.input(|i| i.modifiers), actions);
        super::take_focus(ui, frame.id);
    }
    if response.double_clicked() && row.expandable && !on_triangle && !on_swatch {
        actions.push(input::toggle(row));
    }
    let is_hovered = |place: Rect| response.hover_pos().is_some_and(|at| place.contains(at));
    let own = key_place(frame, place).map(|(_, visible)| visible);
    let on_key = own.is_some_and(is_hovered);
    if on_key {
        state.hovered = Some(row.id);
    }
    let tip = frame.options.tip.filter(|(id, _)| on_key && *id == row.id).map(|(_, text)| text);
    let cut = cut_key.is_some_and(is_hovered).then_some(row.text.as_str());
    let lines: Vec<&str> = cut.into_iter().chain(tip).collect();
    if let Some(text) = cut_cell {
        response.on_hover_text_at_pointer(text);
    } else if !lines.is_empty() {
        response.on_hover_text_at_pointer(lines.join("\n"));
    }
}

fn ground(painter: &Painter, frame: &TableFrame<'_>, place: &RowPlace<'_>, response: &Response, state: &TableState) {
    let p = frame.palette;
    if state.selected.contains(&place.row.id) {
        painter.rect_filled(place.rect, 0.0, p.selected);
    } else if response.hovered() {
        painter.rect_filled(place.rect, 0.0, p.hovered);
    } else if place.index % 2 == 1 {
        // Stripes lead the eye from the key to its figures in a wide table.
        painter.rect_filled(place.rect, 0.0, p.stripe);
    }
    if place.row.kind == RowKind::Responsible {
        tint(painter, frame, place, state.selected.contains(&place.row.id));
    }
    if frame.focused && state.cursor == Some(place.row.id) {
        painter.rect_stroke(place.rect, 0.0, Stroke::new(1.0, p.accent), StrokeKind::Inside);
    }
}

/// Tints the key of a responsible frame: a selected row keeps its own background, with a bar before the name.
fn tint(painter: &Painter, frame: &TableFrame<'_>, place: &RowPlace<'_>, is_selected: bool) {
    let Some((x, visible)) = key_place(frame, place) else { return };
    let key = visible.with_min_x(x.max(visible.left()));
    if !key.is_positive() {
        return;
    }
    if !is_selected {
        painter.rect_filled(key, 0.0, frame.palette.responsible);
    }
    painter.rect_filled(key.with_max_x(key.left() + TINT_BAR), 0.0, frame.palette.gold);
}

fn name_row(ui: &Ui, frame: &TableFrame<'_>, place: &RowPlace<'_>, response: &Response, selected: bool) {
    let row = place.row;
    response.widget_info(|| WidgetInfo::labeled(Role::Row, true, row_label(frame.model.columns(), row)));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_level(row.level as usize + 1);
        node.set_row_index(place.index as usize);
        node.set_selected(selected);
        if row.expandable {
            node.set_expanded(row.expanded);
        }
        if row.kind == RowKind::Responsible {
            node.set_description("Responsible frame");
        }
    });
}

/// Left edge of the triangle of a row on the screen, and the visible part of its key: up to the gold bar, since the key columns
/// to the right are empty in its row.
fn key_place(frame: &TableFrame<'_>, place: &RowPlace<'_>) -> Option<(f32, Rect)> {
    let range = *frame.places.ranges.get(place.row.key_column)?;
    let own = frame.shift(range);
    let x = own.min + GRID + indentation(place.row.indent, own.span() - MIN_KEY_TEXT);
    let is_frozen = frame.places.is_frozen(range);
    let from = frame.pane(is_frozen).min.max(own.min);
    let to = frame.shift(frame.places.gold).min.max(if is_frozen { own.max } else { from }).min(frame.body.right());
    Some((x, Rect::from_min_max(pos2(from, place.rect.top()), pos2(to, place.rect.bottom()))))
}

/// Draws the triangle; returns whether it was clicked.
fn triangle(
    ui: &Ui,
    painter: &Painter,
    frame: &TableFrame<'_>,
    place: &RowPlace<'_>,
    actions: &mut Vec<Action>,
) -> bool {
    let row = place.row;
    let Some((x, visible)) = key_place(frame, place).filter(|_| row.expandable) else {
        return false;
    };
    let spot = Rect::from_center_size(pos2(x + TRIANGLE / 2.0, place.rect.center().y), Vec2::splat(TRIANGLE));
    let target = spot.expand(2.0).intersect(visible).intersect(frame.body);
    if !target.is_positive() {
        return false;
    }
    let response = ui.interact(target, frame.id.with(("triangle", row.id)), Sense::CLICK);
    if frame.named {
        let verb = if row.expanded { "Collapse" } else { "Expand" };
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{verb} {}", row.text)));
    }
    if response.clicked() {
        actions.push(input::toggle(row));
    }
    let color = if response.hovered() { frame.palette.text } else { frame.palette.dim };
    let painter = painter.with_clip_rect(painter.clip_rect().intersect(visible));
    let icon = if row.expanded { Icon::Expanded } else { Icon::Collapsed };
    icon.paint(&painter, spot.center(), color);
    response.clicked() || response.double_clicked()
}

/// The font of a key: monospaced for frames.
pub(super) fn key_font(row: &Row) -> FontId {
    let is_frame = row.indent > 0 || row.lead.is_some() || row.text.contains('!');
    if is_frame && row.kind != RowKind::Folded { theme::figure_font() } else { theme::text_font() }
}

/// Draws the key; returns its place if it was shortened.
fn key(painter: &Painter, frame: &TableFrame<'_>, place: &RowPlace<'_>) -> Option<Rect> {
    let row = place.row;
    let (x, visible) = key_place(frame, place)?;
    let start = x + TRIANGLE + GRID;
    let width = visible.right() - GRID - start;
    if width <= 0.0 {
        return (visible.width() > 0.0).then_some(visible);
    }
    let font = key_font(row);
    let (shown, is_whole) = fitted_text::fitted(painter, &row.text, &font, width);
    let format = |color| TextFormat::simple(font.clone(), color);
    let color = if row.kind == RowKind::Folded { frame.palette.dim } else { frame.palette.text };
    let (lead, rest) = shown.split_at(lead_of(row, &shown));
    let mut job = LayoutJob::default();
    if let Some((_, color)) = row.lead {
        job.append(lead, 0.0, format(color));
    }
    job.append(rest, 0.0, format(color));
    job.break_on_newline = false;
    let galley = painter.layout_job(job);
    let is_cut = !is_whole || start < visible.left();
    let painter = painter.with_clip_rect(painter.clip_rect().intersect(visible));
    let at = pos2(start, place.rect.center().y - galley.size().y / 2.0);
    if row.found {
        let mark = Rect::from_min_size(at, galley.size()).expand2(vec2(3.0, 1.0));
        painter.rect_filled(mark, f32::from(theme::RADIUS), frame.palette.gold.gamma_multiply(0.35));
    }
    painter.galley(at, galley, frame.palette.text);
    is_cut.then_some(visible)
}

/// Number of bytes at the start of a shortened text that have the color of the module.
fn lead_of(row: &Row, shown: &str) -> usize {
    let lead = row.lead.map_or(0, |(bytes, _)| row.text.floor_char_boundary(bytes));
    let same = shown.char_indices().zip(row.text.chars()).find(|((_, a), b)| a != b);
    let same = same.map_or(shown.len().min(row.text.len()), |((at, _), _)| at);
    shown.floor_char_boundary(lead.min(same))
}

/// Draws the figures; returns the text of the one under the pointer if it was shortened.
fn cells(
    ui: &Ui,
    painter: &Painter,
    frame: &TableFrame<'_>,
    place: &RowPlace<'_>,
    row: &Response,
    selected: bool,
) -> Option<String> {
    let columns = frame.model.columns();
    let pointer = row.hover_pos();
    let mut under_pointer = None;
    for at in &frame.figures {
        let (Some(column), Some(cell)) = (columns.get(at.column), place.row.cells.get(at.cell)) else {
            continue;
        };
        let visible = Rect::from_x_y_ranges(at.visible, place.rect.y_range());
        let rect = Rect::from_x_y_ranges(at.whole, place.rect.y_range());
        let painter = painter.with_clip_rect(painter.clip_rect().intersect(visible));
        if let Some(share) = cell.share.filter(|_| !cell.pending) {
            let width = (rect.width() - 2.0 * GRID).max(0.0) * share.clamp(0.0, 1.0);
            let bar = Rect::from_min_size(rect.left_top() + vec2(GRID, 3.0), vec2(width, ROW_HEIGHT - 6.0));
            let palette = frame.palette;
            painter.rect_filled(bar, 2.0, if selected { palette.accent.gamma_multiply(0.35) } else { palette.share });
        }
        let is_whole = figure(&painter, frame, rect, cell);
        if (!is_whole || at.visible.span() + 1.0 < at.whole.span()) && pointer.is_some_and(|at| visible.contains(at)) {
            under_pointer = Some(cell_label(column, cell));
        }
        if frame.named {
            let id = frame.id.with(("cell", place.row.id, column.id));
            let response = ui.interact(visible.intersect(frame.body), id, Sense::HOVER);
            response.widget_info(|| WidgetInfo::labeled(Role::Cell, true, cell_label(column, cell)));
        }
    }
    under_pointer
}

/// Draws a figure; returns whether all of it fitted.
pub(super) fn figure(painter: &Painter, frame: &TableFrame<'_>, rect: Rect, cell: &Cell) -> bool {
    let p = frame.palette;
    let mut right = rect.right() - 2.0 * GRID;
    let left = rect.left() + GRID;
    if cell.pending {
        let at = pos2(right, rect.center().y);
        painter.text(at, Align2::RIGHT_CENTER, ELLIPSIS, theme::figure_font(), p.faint);
        return true;
    }
    if !cell.unit.is_empty() {
        right -= UNIT_WIDTH;
        let at = pos2(right + GRID, rect.center().y);
        painter.text(at, Align2::LEFT_CENTER, cell.unit, theme::small_font(), p.dim);
    }
    let galley = painter.layout_no_wrap(cell.text.clone(), theme::figure_font(), p.text);
    if galley.size().x <= right - left {
        let at = pos2(right - galley.size().x, rect.center().y - galley.size().y / 2.0);
        painter.galley(at, galley, p.text);
        return true;
    }
    // Shortened at the end: without its first digits it would be read as a smaller figure.
    theme::clipped_text(painter, pos2(left, rect.center().y), right - left, &cell.text, theme::figure_font(), p.text)
}

/// Draws the color square; returns whether it was clicked.
fn swatch(ui: &Ui, painter: &Painter, frame: &TableFrame<'_>, place: &RowPlace<'_>, actions: &mut Vec<Action>) -> bool {
    let visible = frame.visible(frame.places.swatch);
    let Some(swatch) = place.row.swatch.filter(|_| visible.span() > 0.0) else {
        return false;
    };
    let (id, y) = (place.row.id, place.rect.y_range());
    let rect = Rect::from_x_y_ranges(frame.shift(frame.places.swatch), y);
    let target = Rect::from_x_y_ranges(visible, y).intersect(frame.body);
    let response = ui.interact(target, frame.id.with(("swatch", id)), Sense::CLICK);
    if frame.named {
        let verb = if swatch.on { "Hide" } else { "Show" };
        let label = format!("{verb} {} in the graph", place.row.text);
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, swatch.on, &label));
    }
    square(&painter.with_clip_rect(painter.clip_rect().intersect(target)), rect, swatch.color, swatch.on);
    if response.double_clicked() {
        // The first of the two clicks has toggled the series.
        actions.extend([Action::ToggleSeries(id), Action::SoloSeries(id)]);
    } else if response.clicked() {
        let solo = ui.input(|i| i.modifiers.alt);
        actions.push(if solo { Action::SoloSeries(id) } else { Action::ToggleSeries(id) });
    }
    response.clicked()
}

fn square(painter: &Painter, rect: Rect, color: Color32, on: bool) {
    let square = Rect::from_center_size(rect.center(), Vec2::splat(10.0));
    if on {
        painter.rect_filled(square, 2.0, color);
    } else {
        painter.rect_stroke(square, 2.0, Stroke::new(1.0, color), StrokeKind::Inside);
    }
}
