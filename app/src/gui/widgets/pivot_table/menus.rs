//! The menus of headers and rows: when they open, where, and for what. What stands in them is the owner's.

use eframe::egui::containers::menu::{MenuState, menu_style};
use eframe::egui::{Align, FocusDirection, Id, Key, Layout, Popup, PopupKind, Pos2, RectAlign, Ui, pos2};

use super::frame::Frame;
use super::model::{Action, RowId, TreeModel};
use super::state::TableState;
use crate::gui::theme::{GRID, ROW_HEIGHT};

/// Draws the entries of a header's menu; the id of its column, or `None` where there is no column.
pub type HeaderMenu<'a> = &'a mut dyn FnMut(&mut Ui, Option<u32>);
/// Draws the entries of a row's menu.
pub type RowMenu<'a> = &'a mut dyn FnMut(&mut Ui, RowId);

/// Whose menu it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// A header's, or that of the space beside the headers.
    Header(Option<u32>),
    /// A row's.
    Row(RowId),
}

/// The menu that is open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct OpenMenu {
    target: Target,
    at: Pos2,
    /// The popup. Every opening has its own, so that a right click elsewhere closes one menu and opens the next.
    popup: Id,
    /// What has the keyboard again once the menu is closed.
    owner: Id,
    /// Frames until the keyboard goes to the first entry: one to measure the menu, one to draw it.
    until_focus: Option<u8>,
}

/// Opens a menu; by keys its first entry gets the keyboard.
pub(super) fn open(ui: &Ui, frame: &Frame<'_>, state: &mut TableState, target: Target, at: Pos2, by_keys: Option<Id>) {
    let has_menu = match target {
        Target::Header(_) => frame.options.header_menu,
        Target::Row(_) => frame.options.row_menu,
    };
    if !has_menu {
        return;
    }
    let popup = frame.id.with(("menu", ui.ctx().cumulative_frame_nr()));
    Popup::open_id(ui.ctx(), popup);
    let owner = by_keys.unwrap_or(frame.id);
    state.menu = Some(OpenMenu { target, at, popup, owner, until_focus: by_keys.map(|_| 2) });
    ui.ctx().request_repaint();
}

/// A right click on a row: selects it first unless it is selected.
pub(super) fn open_row(
    ui: &Ui,
    frame: &Frame<'_>,
    state: &mut TableState,
    row: RowId,
    at: Pos2,
    actions: &mut Vec<Action>,
) {
    if state.selected.contains(&row) {
        state.cursor = Some(row);
    } else {
        let revealed = std::mem::replace(&mut state.wants_reveal, false);
        state.select(row);
        // The row is under the pointer: it need not move.
        state.wants_reveal = revealed;
        actions.push(Action::Select);
    }
    open(ui, frame, state, Target::Row(row), at, None);
}

/// Opens the menu of the row under the cursor, below it.
pub(super) fn open_at_cursor(ui: &Ui, frame: &Frame<'_>, state: &mut TableState) {
    let Some(row) = state.cursor else { return };
    let Some(index) = frame.model.index_of(row) else { return };
    let above = index as f64 - state.pos.row as f64 - state.pos.fraction;
    let y = frame.body.top() + (above as f32 + 1.0) * ROW_HEIGHT;
    let at = pos2(frame.body.left() + 4.0 * GRID, y.clamp(frame.body.top(), frame.body.bottom()));
    open(ui, frame, state, Target::Row(row), at, Some(frame.id));
}

/// Draws the open menu.
pub(super) fn show(
    ui: &Ui,
    model: &dyn TreeModel,
    state: &mut TableState,
    header_menu: &mut Option<HeaderMenu<'_>>,
    row_menu: &mut Option<RowMenu<'_>>,
) {
    let Some(menu) = &mut state.menu else { return };
    if let Some(frames) = &mut menu.until_focus {
        *frames = frames.saturating_sub(1);
        if *frames == 0 {
            menu.until_focus = None;
            ui.memory_mut(|memory| memory.move_focus(FocusDirection::Down));
        }
        ui.ctx().request_repaint();
    }
    let menu = *menu;
    let popup = Popup::new(menu.popup, ui.ctx().clone(), menu.at, ui.layer_id())
        .kind(PopupKind::Menu)
        .layout(Layout::top_down_justified(Align::Min))
        .style(menu_style)
        .align(RectAlign::BOTTOM_START)
        .anchor_widget(menu.owner)
        .accessible_name(name(model, menu.target))
        .open_memory(None);
    popup.show(|ui| match (menu.target, header_menu, row_menu) {
        (Target::Header(column), Some(entries), _) => entries(ui, column),
        (Target::Row(row), _, Some(entries)) => entries(ui, row),
        _ => {}
    });
    if chosen_by_key(ui, &menu) {
        Popup::close_id(ui.ctx(), menu.popup);
    }
    if !Popup::is_id_open(ui.ctx(), menu.popup) {
        state.menu = None;
        give_focus_back(ui, &menu);
    }
}

fn name(model: &dyn TreeModel, target: Target) -> String {
    let whose = match target {
        Target::Header(Some(id)) => model.columns().iter().find(|c| c.id == id).map(|c| c.title.clone()),
        Target::Header(None) => Some("the columns".to_owned()),
        Target::Row(row) => model.index_of(row).and_then(|index| model.row(index)).map(|row| row.text),
    };
    whose.map_or_else(|| "Menu".to_owned(), |whose| format!("Menu of {whose}"))
}

/// Whether Enter or Space was pressed on an entry that opened no menu below it: egui closes menus on clicks only.
fn chosen_by_key(ui: &Ui, menu: &OpenMenu) -> bool {
    let ctx = ui.ctx();
    if ctx.text_edit_focused() || !ctx.input(|i| i.key_pressed(Key::Enter) || i.key_pressed(Key::Space)) {
        return false;
    }
    let entry = ctx.memory(|memory| memory.focused()).and_then(|id| ctx.read_response(id));
    entry.is_some_and(|entry| {
        let layer = entry.layer_id;
        let in_menu = layer.id == menu.popup || (layer.order == PopupKind::Menu.order() && layer != ui.layer_id());
        in_menu && MenuState::is_deepest_open_sub_menu(ctx, layer.id)
    })
}

/// Unless a click gave the keyboard to something else.
fn give_focus_back(ui: &Ui, menu: &OpenMenu) {
    let focused = ui.memory(|memory| memory.focused());
    let in_menu = |id| ui.ctx().read_response(id).is_some_and(|entry| entry.layer_id.id == menu.popup);
    if focused.is_none_or(in_menu) {
        ui.memory_mut(|memory| memory.request_focus(menu.owner));
        ui.ctx().request_repaint();
    }
}
