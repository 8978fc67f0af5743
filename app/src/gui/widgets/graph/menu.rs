//! The menu of the plot. Entries that cannot do anything now are greyed, never hidden.

use eframe::egui::{Button, Response, Ui, pos2};

use super::model::Action;
use super::plot::Stage;
use super::{GraphState, copy, keys};
use crate::gui::widgets::menu_by_keys;

/// Entries that the caller adds.
pub(super) type Extra<'a> = Option<&'a mut (dyn FnMut(&mut Ui) + 'a)>;

/// Shows the menu while it is open.
pub(super) fn show(
    ui: &Ui,
    response: &Response,
    stage: &Stage<'_, '_>,
    state: &mut GraphState,
    extra: Extra<'_>,
    actions: &mut Vec<Action>,
) {
    if response.secondary_clicked() {
        state.menu_at = response.interact_pointer_pos().map(|pos| stage.time(pos.x)).or(state.cursor);
    }
    let frame = stage.scale.frame;
    let by_keys = menu_by_keys::asked_by_keys(ui, response);
    let seen = state.cursor.filter(|time| stage.scale.view.contains(*time)).unwrap_or(stage.scale.view.middle());
    if by_keys {
        state.menu_at = Some(seen);
    }
    let place = pos2(stage.scale.x(seen), frame.top() + frame.height() / 4.0);
    let mut keyed = state.keyed.take();
    menu_by_keys::show(ui, response, &mut keyed, (by_keys, place), |ui| {
        zooms(ui, stage, state, actions);
        ui.separator();
        marks(ui, stage, state, actions);
        ui.separator();
        if ui.button("Copy all values").clicked() {
            actions.push(Action::Copy(copy::all(stage.graph.data)));
        }
        if ui.button(if state.legend_hidden { "Show the legend" } else { "Hide the legend" }).clicked() {
            state.legend_hidden = !state.legend_hidden;
        }
        if let Some(extra) = extra {
            ui.separator();
            extra(ui);
        }
    });
    state.keyed = keyed;
}

fn entry(ui: &mut Ui, enabled: bool, text: &str) -> bool {
    ui.add_enabled(enabled, Button::new(text)).clicked()
}

fn zooms(ui: &mut Ui, stage: &Stage<'_, '_>, state: &mut GraphState, actions: &mut Vec<Action>) {
    if entry(ui, state.selection.is_some(), "Zoom to selection") {
        keys::to_selection(state, actions);
    }
    if entry(ui, true, "Zoom in") {
        keys::around_cursor(stage, state, keys::ZOOM * keys::ZOOM, actions);
    }
    let part = stage.graph.view != stage.graph.whole;
    if entry(ui, part, "Zoom out") {
        keys::around_cursor(stage, state, 1.0 / (keys::ZOOM * keys::ZOOM), actions);
    }
    if entry(ui, part, "Whole trace") {
        actions.push(Action::ZoomAll);
    }
}

fn marks(ui: &mut Ui, stage: &Stage<'_, '_>, state: &GraphState, actions: &mut Vec<Action>) {
    if entry(ui, state.menu_at.is_some(), "Add a mark here") {
        actions.extend(state.menu_at.map(Action::AddMark));
    }
    if entry(ui, state.selection.is_some(), "Add marks at both ends of the selection") {
        let ends = state.selection.into_iter().flat_map(|range| [range.from, range.to]);
        actions.extend(ends.map(Action::AddMark));
    }
    if entry(ui, !stage.graph.marks.is_empty(), "Remove all marks") {
        actions.push(Action::ClearMarks);
    }
}
