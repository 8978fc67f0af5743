//! The selected range: drags that select, edges that can be dragged afterwards, and a box with its times. Dragging with the middle
//! button, or with Space held, pans.

use eframe::egui::accesskit::Role;
use eframe::egui::{
    CursorIcon, Key, Painter, PointerButton, Rect, Response, Sense, Stroke, Ui, WidgetInfo, pos2, vec2,
};

use super::GraphState;
use super::model::{Action, Range};
use super::plot::PlotContext;
use crate::format::axis::exact_time_text;
use crate::gui::theme::{self, GRID};

/// Least width of a drag that selects a range, in points.
const LEAST_DRAG: f32 = 3.0;
/// Distance from an edge within which it can be dragged, in points.
const EDGE: f32 = 4.0;
/// Greatest share of the height that the box may cover.
const NOTE_SHARE: f32 = 0.45;
const LINE: f32 = 15.0;

/// A drag over the graph.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum SelectionDrag {
    /// Of a selection that begins at this time.
    Select(f64),
    /// Of the visible range.
    Pan,
}

/// Handles clicks and drags of the pointer over the plot.
pub(super) fn pointer(
    ui: &Ui,
    response: &Response,
    stage: &PlotContext<'_, '_>,
    state: &mut GraphState,
    actions: &mut Vec<Action>,
) {
    // The keys of the graph, such as M for a marker, are for what was clicked last.
    if response.clicked() || response.drag_started() || std::mem::take(&mut state.wants_focus) {
        response.request_focus();
    }
    drag(ui, response, stage, state, actions);
    let Some(pointer) = response.interact_pointer_pos() else { return };
    let time = stage.time(pointer.x);
    let inside = state.selection.is_some_and(|s| s.contains(time));
    if response.double_clicked() {
        match state.selection.filter(|_| inside) {
            Some(to) => actions.push(Action::Zoom { to, smooth: false }),
            None => actions.push(Action::ZoomAll),
        }
        state.selection = None;
        actions.push(Action::Select(None));
    } else if response.clicked() {
        state.cursor = Some(time);
        if !inside && state.selection.take().is_some() {
            actions.push(Action::Select(None));
        }
    }
}

fn drag(ui: &Ui, response: &Response, stage: &PlotContext<'_, '_>, state: &mut GraphState, actions: &mut Vec<Action>) {
    if response.drag_started()
        && let Some(origin) = ui.input(|i| i.pointer.press_origin())
    {
        let (space, primary) = (ui.input(|i| i.key_down(Key::Space)), response.drag_started_by(PointerButton::Primary));
        state.drag = match () {
            () if response.drag_started_by(PointerButton::Middle) || (space && primary) => Some(SelectionDrag::Pan),
            () if primary => Some(SelectionDrag::Select(stage.time(origin.x))),
            () => None,
        };
    }
    let over = response.dragged() || response.drag_stopped();
    match (state.drag, response.interact_pointer_pos()) {
        (Some(SelectionDrag::Select(from)), Some(pos)) if over => {
            let range = Range::between(from, stage.time(pos.x));
            let least = f64::from(LEAST_DRAG) * stage.scale.resolution();
            state.selection = (range.span() >= least).then_some(range);
        }
        (Some(SelectionDrag::Pan), _) if over => {
            ui.set_cursor_icon(CursorIcon::Grabbing);
            pan(stage, response.drag_delta().x, actions);
        }
        _ => {}
    }
    if response.drag_stopped() {
        if let Some(SelectionDrag::Select(_)) = state.drag {
            actions.push(Action::Select(state.selection));
        }
        state.drag = None;
    }
}

/// Moves the visible range by a drag of `by` points.
pub(super) fn pan(stage: &PlotContext<'_, '_>, by: f32, actions: &mut Vec<Action>) {
    let view = stage.graph.view;
    let to = view.moved(-f64::from(by) * stage.scale.resolution(), stage.graph.whole);
    if to != view {
        actions.push(Action::Zoom { to, smooth: true });
    }
}

/// Handles the edges of the selection, which can be dragged.
pub(super) fn edges(ui: &Ui, stage: &PlotContext<'_, '_>, state: &mut GraphState, actions: &mut Vec<Action>) {
    let frame = stage.scale.frame;
    let Some(range) = state.selection.filter(|_| state.drag.is_none()) else {
        state.held = None;
        return;
    };
    for (name, time, other) in [("Start", range.from, range.to), ("End", range.to, range.from)] {
        let x = stage.scale.x(time);
        let place = Rect::from_x_y_ranges(x - EDGE..=x + EDGE, frame.y_range()).intersect(frame);
        let id = ui.make_persistent_id(("selection edge", name));
        // An edge may be dragged across the other.
        let held = ui.ctx().is_being_dragged(id);
        if !(place.is_positive() || held) {
            continue;
        }
        let edge = ui.interact(place, id, Sense::DRAG);
        edge.widget_info(|| WidgetInfo::labeled(Role::Splitter, true, format!("{name} of the selection")));
        if edge.hovered() || edge.dragged() {
            ui.set_cursor_icon(CursorIcon::ResizeHorizontal);
        }
        if edge.drag_started() {
            state.held = Some(other);
        }
        if let (true, Some(pos), Some(fixed)) = (edge.dragged(), edge.interact_pointer_pos(), state.held) {
            state.selection =
                Some(Range::between(fixed, stage.time(pos.x))).filter(|r| r.span() > 0.0).or(state.selection);
        }
        if edge.drag_stopped() {
            state.held = None;
            actions.push(Action::Select(state.selection));
        }
    }
}

/// Draws the selected range and the box with its times.
pub(super) fn paint(ui: &Ui, painter: &Painter, stage: &PlotContext<'_, '_>, range: Range) {
    let (frame, palette) = (stage.scale.frame, stage.palette);
    let (left, right) = (stage.scale.x(range.from), stage.scale.x(range.to));
    let rect = Rect::from_x_y_ranges(left..=right, frame.y_range());
    let seen = rect.intersect(frame);
    if !seen.is_positive() {
        return;
    }
    painter.rect_filled(seen, 0.0, palette.accent.gamma_multiply(0.14));
    for edge in [left, right] {
        painter.vline(edge, frame.y_range(), Stroke::new(1.0, palette.accent));
    }
    let resolution = stage.scale.resolution();
    let text = |time: f64| exact_time_text(time, resolution);
    let mut lines = vec![format!("{} to {} ({})", text(range.from), text(range.to), text(range.span()))];
    let under = if stage.graph.marks.is_empty() { GRID } else { super::marks::FLAG + GRID };
    let room = ((frame.height() * NOTE_SHARE - under) / LINE) as usize;
    lines.extend(stage.graph.selection_note.into_iter().flatten().cloned());
    if lines.len() > room.max(1) {
        lines.truncate(1);
    }
    let colors = std::iter::once(palette.text).chain(std::iter::repeat(palette.dim));
    let galleys: Vec<_> = lines
        .iter()
        .zip(colors)
        .map(|(line, color)| painter.layout_no_wrap(line.clone(), theme::small_font(), color))
        .collect();
    let widest = galleys.iter().map(|galley| galley.size().x).fold(0.0, f32::max);
    let size = vec2(widest + 2.0 * GRID, LINE * galleys.len() as f32 + GRID);
    if size.x > frame.width() {
        return;
    }
    let start = (seen.center().x - size.x / 2.0).clamp(frame.left(), frame.right() - size.x);
    let place = Rect::from_min_size(pos2(start, frame.top() + under), size);
    painter.rect_filled(place, 3.0, palette.panel.gamma_multiply(0.82));
    for (number, galley) in galleys.into_iter().enumerate() {
        painter.galley(place.min + vec2(GRID, GRID / 2.0 + LINE * number as f32), galley, palette.text);
    }
    let response = ui.interact(place, ui.make_persistent_id("selection note"), Sense::empty());
    response.widget_info(|| WidgetInfo::labeled(Role::Note, true, format!("Selected: {}", lines.join("; "))));
}
