//! Keys, wheel and clicks of the table: they change the cursor, the selection and the scroll position, and become
//! actions.

use std::collections::BTreeSet;
use std::sync::Arc;

use eframe::egui::{Event, Key, Modifiers, Ui};

use super::frame::TableFrame;
use super::labels::tab_separated;
use super::model::{Action, Row, RowId, TreeModel};
use super::state::TableState;
use crate::gui::theme;

/// Upper bound on selected rows, which are summed and copied within a frame.
pub const MAX_SELECTED: u64 = 10_000;
/// Seconds after which typing starts a new word.
const TYPE_AHEAD_SECONDS: f64 = 1.0;

/// Upper bound on the selected rows whose series a key toggles.
const MAX_TOGGLED: usize = 10_000;

/// Handles the keys of the table while it has the keyboard.
pub(super) fn keys(ui: &Ui, frame: &TableFrame<'_>, state: &mut TableState, actions: &mut Vec<Action>) {
    let (events, now) = ui.input(|i| (i.events.clone(), i.time));
    let mut taken = BTreeSet::new();
    for (at, event) in events.iter().enumerate() {
        let done = match event {
            Event::Key { key, pressed: true, modifiers, .. } if !modifiers.alt => {
                if modifiers.command {
                    command(state, frame, *key, modifiers.shift, actions)
                } else {
                    press(state, frame, *key, modifiers.shift, actions)
                }
            }
            Event::Text(text) => {
                write(state, frame.model, text, now, actions);
                true
            }
            Event::Copy => {
                actions.extend(copy(state, frame.model).map(Action::Copy));
                true
            }
            _ => false,
        };
        if done {
            taken.insert(at);
        }
    }
    if !taken.is_empty() {
        ui.input_mut(|i| {
            let mut at = 0;
            i.events.retain(|_| {
                at += 1;
                !taken.contains(&(at - 1))
            });
        });
    }
}

/// Scrolls by the wheel, with Shift sideways.
pub(super) fn wheel(ui: &Ui, frame: &TableFrame<'_>, state: &mut TableState) {
    let delta = ui.input(|i| i.smooth_scroll_delta());
    if delta.y != 0.0 {
        let rows = f64::from(-delta.y / theme::ROW_HEIGHT);
        state.pos.scroll(rows, frame.model.row_count(), frame.visible_rows());
    }
    state.scroll_x = (state.scroll_x - delta.x).clamp(0.0, frame.overflow());
    ui.input_mut(|i| i.smooth_scroll_delta = eframe::egui::Vec2::ZERO);
}

/// Handles a key without Ctrl; returns whether the table used it.
fn press(state: &mut TableState, frame: &TableFrame<'_>, key: Key, shift: bool, actions: &mut Vec<Action>) -> bool {
    let model = frame.model;
    let Some(last) = model.row_count().checked_sub(1) else {
        return false;
    };
    let page = frame.visible_rows().floor().max(1.0) as u64;
    let at = state.cursor.and_then(|id| model.index_of(id));
    let here = at.unwrap_or(state.pos.row).min(last);
    let target = match key {
        Key::ArrowUp => at.map_or(here, |_| here.saturating_sub(1)),
        Key::ArrowDown => at.map_or(here, |_| (here + 1).min(last)),
        Key::PageUp => here.saturating_sub(page),
        Key::PageDown => here.saturating_add(page).min(last),
        Key::Home => 0,
        Key::End => last,
        Key::ArrowRight | Key::ArrowLeft => {
            return sideways(state, model, here, key == Key::ArrowRight, actions);
        }
        Key::Enter => {
            let row = at.and_then(|index| model.row(index)).filter(|row| row.expandable);
            actions.extend(row.as_ref().map(toggle));
            return true;
        }
        Key::Escape => return narrow(state, actions),
        Key::Menu => return ask_for_menu(state),
        Key::F10 if shift => return ask_for_menu(state),
        _ => return false,
    };
    move_to(state, model, target, shift, actions);
    true
}

/// Handles a key with Ctrl; returns whether the table used it.
fn command(state: &mut TableState, frame: &TableFrame<'_>, key: Key, shift: bool, actions: &mut Vec<Action>) -> bool {
    let model = frame.model;
    let count = model.row_count();
    let Some(last) = count.checked_sub(1) else {
        return false;
    };
    match key {
        Key::ArrowUp => state.pos.scroll(-1.0, count, frame.visible_rows()),
        Key::ArrowDown => state.pos.scroll(1.0, count, frame.visible_rows()),
        Key::Home => move_to(state, model, 0, shift, actions),
        Key::End => move_to(state, model, last, shift, actions),
        Key::A => {
            state.selected = Arc::new((0..count.min(MAX_SELECTED)).filter_map(|i| model.id_at(i)).collect());
            actions.push(Action::Select);
            report_cut(count, actions);
        }
        _ => return false,
    }
    true
}

/// Adds an action if not all rows could be selected.
fn report_cut(wanted: u64, actions: &mut Vec<Action>) {
    if wanted > MAX_SELECTED {
        actions.push(Action::Cut { selected: MAX_SELECTED, wanted });
    }
}

/// Reduces the selection to the cursor; returns whether more was selected.
fn narrow(state: &mut TableState, actions: &mut Vec<Action>) -> bool {
    let only: BTreeSet<_> = state.cursor.into_iter().collect();
    if *state.selected == only {
        return false;
    }
    state.selected = Arc::new(only);
    state.anchor = state.cursor;
    actions.push(Action::Select);
    true
}

/// Requests the menu, which opens at the place of the row after the keys of this frame.
fn ask_for_menu(state: &mut TableState) -> bool {
    state.wants_menu = state.cursor.is_some();
    state.wants_reveal |= state.wants_menu;
    state.wants_menu
}

/// Handles Right, which expands or goes to the largest child, and Left, which collapses or goes to the parent.
fn sideways(state: &mut TableState, model: &dyn TreeModel, here: u64, right: bool, actions: &mut Vec<Action>) -> bool {
    let Some(row) = model.row(here) else {
        return false;
    };
    if state.cursor != Some(row.id) {
        move_to(state, model, here, false, actions);
    }
    if right && row.expandable && !row.expanded {
        actions.push(Action::Expand(row.id));
    } else if !right && row.expanded {
        actions.push(Action::Collapse(row.id));
    } else if let Some(index) = if right { model.largest_child(here) } else { model.parent(here) } {
        move_to(state, model, index, false, actions);
    }
    true
}

/// Handles typed characters: they go to the next row that starts with them. Without such a row, `*` expands all below, `+` and `-`
/// expand and collapse the row, `.` shows or hides the series of the selected rows.
fn write(state: &mut TableState, model: &dyn TreeModel, text: &str, now: f64, actions: &mut Vec<Action>) {
    let in_word = !state.typed.is_empty() && now - state.typed_at <= TYPE_AHEAD_SECONDS;
    if !in_word {
        state.typed.clear();
    }
    let means_something = matches!(text, "*" | "+" | "-" | ".");
    let here = state.cursor.and_then(|id| model.index_of(id)).unwrap_or(0);
    let mut found = None;
    if in_word || !means_something {
        let word = format!("{}{}", state.typed, text.to_lowercase());
        found = model.find_prefix(here + u64::from(!in_word), &word);
        if found.is_some() || !means_something {
            state.typed = word;
            state.typed_at = now;
        }
    }
    match (found, text) {
        (Some(index), _) => move_to(state, model, index, false, actions),
        (None, "*") => actions.extend(state.cursor.map(Action::ExpandAll)),
        (None, "+" | "-") => {
            let row = state.cursor.and_then(|id| model.index_of(id)).and_then(|index| model.row(index));
            let opens = text == "+";
            actions.extend(row.filter(|row| row.expandable && row.expanded != opens).as_ref().map(toggle));
        }
        (None, ".") => actions.extend(selected_series(state, model)),
        _ => {}
    }
}

/// The actions that show or hide the series of the selected rows.
fn selected_series(state: &TableState, model: &dyn TreeModel) -> Vec<Action> {
    let has_series = |id: &RowId| {
        let row = model.index_of(*id).and_then(|index| model.row(index));
        row.is_some_and(|row| row.swatch.is_some())
    };
    let selected = state.selected.iter().take(MAX_TOGGLED);
    selected.filter(|id| has_series(id)).map(|id| Action::ToggleSeries(*id)).collect()
}

/// The selected rows that are visible, in their order, as tab-separated text.
fn copy(state: &TableState, model: &dyn TreeModel) -> Option<String> {
    let rows: BTreeSet<u64> = state.selected.iter().filter_map(|id| model.index_of(*id)).collect();
    (!rows.is_empty()).then(|| tab_separated(model.columns(), rows.iter().flat_map(|i| model.copied(*i))))
}

/// Moves the cursor to a row and selects it, or all rows from the anchor to it.
fn move_to(state: &mut TableState, model: &dyn TreeModel, index: u64, extend: bool, actions: &mut Vec<Action>) {
    let Some(id) = model.id_at(index) else { return };
    if !extend {
        state.select(id);
        actions.push(Action::Select);
        return;
    }
    let anchor = *state.anchor.get_or_insert(id);
    let from = model.index_of(anchor).unwrap_or(index);
    let (low, high) = (from.min(index), from.max(index));
    // Of too many rows, those next to the anchor.
    let all = high - low + 1;
    let cut = all.saturating_sub(MAX_SELECTED);
    let span = if index < from { low + cut..=high } else { low..=high - cut };
    state.selected = Arc::new(span.filter_map(|i| model.id_at(i)).collect());
    state.cursor = Some(id);
    state.wants_reveal = true;
    actions.push(Action::Select);
    report_cut(all, actions);
}

/// Handles a click on a row: it selects, with Ctrl it adds or removes, with Shift it selects the range.
pub(super) fn click(
    state: &mut TableState,
    model: &dyn TreeModel,
    index: u64,
    row: &Row,
    modifiers: Modifiers,
    actions: &mut Vec<Action>,
) {
    if modifiers.command {
        let selected = Arc::make_mut(&mut state.selected);
        if !selected.remove(&row.id) {
            selected.insert(row.id);
        }
        state.cursor = Some(row.id);
        state.anchor = Some(row.id);
        actions.push(Action::Select);
    } else {
        move_to(state, model, index, modifiers.shift, actions);
    }
}

/// The action that expands or collapses a row.
pub(super) fn toggle(row: &Row) -> Action {
    if row.expanded { Action::Collapse(row.id) } else { Action::Expand(row.id) }
}
