//! Marks in time: dashed lines with a flag that names the generations on both sides. They can be dragged, moved by keys, and
//! removed by Delete or their menu; the caller keeps them and carries the changes out.

use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align2, CursorIcon, EventFilter, Key, Modifiers, Painter, Rect, Response, Sense, Shape, Stroke, StrokeKind, Ui,
    WidgetInfo, pos2,
};

use super::GraphState;
use super::model::{Action, Mark};
use super::plot::PlotContext;
use crate::format::axis::exact_time_text;
use crate::gui::theme::{self, GRID};
use crate::gui::widgets::menu_by_keys;

/// Height of a flag, in points.
pub(super) const FLAG: f32 = 15.0;
/// Share of the visible range that a key moves a mark by.
const KEY_STEP: f64 = 0.01;
const SENSE: Sense = Sense::CLICK.union(Sense::DRAG).union(Sense::FOCUSABLE);

/// Draws the marks and handles drags, keys and menus.
pub(super) fn show(
    ui: &Ui,
    painter: &Painter,
    stage: &PlotContext<'_, '_>,
    state: &mut GraphState,
    actions: &mut Vec<Action>,
) {
    let marks = stage.graph.marks;
    let mut order: Vec<usize> = (0..marks.len()).collect();
    order.sort_by(|a, b| marks[*a].time.total_cmp(&marks[*b].time));
    let mut free_from = f32::NEG_INFINITY;
    for (rank, index) in order.into_iter().enumerate() {
        let mark = &marks[index];
        let moved = state.mark_drag.filter(|(dragged, _)| *dragged == index).map(|(_, time)| time);
        let time = moved.unwrap_or(mark.time);
        if !stage.scale.view.contains(time) {
            continue;
        }
        free_from = one(ui, painter, stage, (mark, index, rank, time), free_from, state, actions);
    }
}

fn one(
    ui: &Ui,
    painter: &Painter,
    stage: &PlotContext<'_, '_>,
    (mark, index, rank, time): (&Mark, usize, usize, f64),
    free_from: f32,
    state: &mut GraphState,
    actions: &mut Vec<Action>,
) -> f32 {
    let (frame, palette) = (stage.scale.frame, stage.palette);
    let x = stage.scale.x(time);
    let text = format!("{}|{}", rank + 1, rank + 2);
    let galley = painter.layout_no_wrap(text, theme::small_font(), palette.on_accent);
    let width = galley.size().x + 2.0 * GRID;
    let left = (x - width / 2.0).clamp(frame.left(), (frame.right() - width).max(frame.left()));
    let flag = Rect::from_min_size(pos2(left, frame.top()), eframe::egui::vec2(width, FLAG));
    let response = ui.interact(flag, ui.make_persistent_id(("mark", index)), SENSE);
    let exact = exact_time_text(time, stage.scale.resolution());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{} at {exact}", mark.name)));
    if response.hovered() || response.dragged() {
        ui.set_cursor_icon(CursorIcon::ResizeHorizontal);
    }
    let stroke = Stroke::new(if response.hovered() || response.has_focus() { 2.0 } else { 1.0 }, palette.accent);
    painter.extend(Shape::dashed_line(&[pos2(x, frame.top()), pos2(x, frame.bottom())], stroke, 5.0, 4.0));
    // Flags of marks that are close together would hide each other: the later one has no text.
    let covered = left < free_from;
    let tab =
        if covered { Rect::from_center_size(pos2(x, frame.top() + 3.0), eframe::egui::vec2(4.0, 6.0)) } else { flag };
    painter.rect_filled(tab, 2.0, palette.accent);
    if !covered {
        painter.galley(flag.left_top() + eframe::egui::vec2(GRID, 1.0), galley, palette.on_accent);
    }
    if response.has_focus() {
        painter.rect_stroke(flag.expand(1.0), 2.0, Stroke::new(1.0, palette.text), StrokeKind::Outside);
    }
    if response.dragged() || response.hovered() {
        let place = pos2(flag.right() + GRID, flag.center().y);
        painter.text(place, Align2::LEFT_CENTER, &exact, theme::small_font(), palette.text);
    }
    input(ui, stage, &response, index, time, state, actions);
    if covered { free_from } else { flag.right() }
}

fn input(
    ui: &Ui,
    stage: &PlotContext<'_, '_>,
    response: &Response,
    index: usize,
    time: f64,
    state: &mut GraphState,
    actions: &mut Vec<Action>,
) {
    if response.clicked() {
        response.request_focus();
    }
    if response.dragged()
        && let Some(pos) = response.interact_pointer_pos()
    {
        state.mark_drag = Some((index, stage.time(pos.x)));
    }
    if response.drag_stopped()
        && let Some((index, to)) = state.mark_drag.take()
    {
        actions.push(Action::MoveMark { index, to });
    }
    let by_keys = menu_by_keys::is_asked_by_keys(ui, response);
    menu_by_keys::show(ui, response, &mut state.keyed, (by_keys, response.rect.left_bottom()), |ui| {
        if ui.button("Remove marker").clicked() {
            actions.push(Action::RemoveMark(index));
        }
        if ui.button("Remove all markers").clicked() {
            actions.push(Action::ClearMarks);
        }
    });
    if !response.has_focus() {
        return;
    }
    let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let step = stage.graph.view.span() * KEY_STEP;
    for (key, by) in [(Key::ArrowLeft, -step), (Key::ArrowRight, step)] {
        if pressed(key) {
            let whole = stage.graph.whole;
            actions.push(Action::MoveMark { index, to: (time + by).clamp(whole.from, whole.to) });
        }
    }
    if pressed(Key::Delete) || pressed(Key::Backspace) {
        actions.push(Action::RemoveMark(index));
    }
}
