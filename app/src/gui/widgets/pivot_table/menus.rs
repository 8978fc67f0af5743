//! The menus of headers and rows: when and where they open. The owner of the table draws the entries.

use eframe::egui::containers::menu::menu_style;
use eframe::egui::{Align, FocusDirection, Id, Layout, Popup, PopupKind, Pos2, RectAlign, Ui, pos2};

use super::frame::TableFrame;
use super::model::{Action, RowId, TreeModel};
use super::state::TableState;
use crate::gui::theme::{GRID, ROW_HEIGHT};
use crate::gui::widgets::menu_by_keys;

/// Draws the entries of a header's menu; the id of its column, or `None` where there is no column.
pub type HeaderMenu<'a> = &'a mut dyn FnMut(&mut Ui, Option<u32>);
/// Draws the entries of a row's menu.
pub type RowMenu<'a> = &'a mut dyn FnMut(&mut Ui, RowId);

/// The owner of a menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MenuTarget {
    /// A header, or the space beside the headers.
    Header(Option<u32>),
    /// A row.
    Row(RowId),
}

/// The menu that is open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct OpenMenu {
    target: MenuTarget,
    at: Pos2,
    /// The popup. Each has an id of its own, so that a right click elsewhere closes one menu and opens the next.
    popup: Id,
    /// The control that gets the keyboard once the menu is closed.
    owner: Id,
    /// Frames until the keyboard goes to the first entry: one to measure the menu, one to draw it.
    until_focus: Option<u8>,
}

/// Opens a menu; if keys opened it, its first entry gets the keyboard.
pub(super) fn open(
    ui: &Ui,
    frame: &TableFrame<'_>,
    state: &mut TableState,
    target: MenuTarget,
    at: Pos2,
    by_keys: Option<Id>,
) {
    let has_menu = match target {
        MenuTarget::Header(_) => frame.options.header_menu,
        MenuTarget::Row(_) => frame.options.row_menu,
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

/// Opens the menu of a row after a right click, and selects the row unless it is selected.
pub(super) fn open_row(
    ui: &Ui,
    frame: &TableFrame<'_>,
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
        // The row is under the pointer: no need to scroll.
        state.wants_reveal = revealed;
        actions.push(Action::Select);
    }
    open(ui, frame, state, MenuTarget::Row(row), at, None);
}

/// Opens the menu of the row under the cursor, below it.
pub(super) fn open_at_cursor(ui: &Ui, frame: &TableFrame<'_>, state: &mut TableState) {
    let Some(row) = state.cursor else { return };
    let Some(index) = frame.model.index_of(row) else { return };
    let above = index as f64 - state.pos.row as f64 - state.pos.fraction;
    let y = frame.body.top() + (above as f32 + 1.0) * ROW_HEIGHT;
    let at = pos2(frame.body.left() + 4.0 * GRID, y.clamp(frame.body.top(), frame.body.bottom()));
    open(ui, frame, state, MenuTarget::Row(row), at, Some(frame.id));
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
        (MenuTarget::Header(column), Some(entries), _) => entries(ui, column),
        (MenuTarget::Row(row), _, Some(entries)) => entries(ui, row),
        _ => {}
    });
    if menu_by_keys::is_chosen_by_key(ui, menu.popup) {
        Popup::close_id(ui.ctx(), menu.popup);
    }
    if !Popup::is_id_open(ui.ctx(), menu.popup) {
        state.menu = None;
        menu_by_keys::return_focus(ui, menu.owner, menu.popup);
    }
}

fn name(model: &dyn TreeModel, target: MenuTarget) -> String {
    let whose = match target {
        MenuTarget::Header(Some(id)) => model.columns().iter().find(|c| c.id == id).map(|c| c.title.clone()),
        MenuTarget::Header(None) => Some("the columns".to_owned()),
        MenuTarget::Row(row) => model.index_of(row).and_then(|index| model.row(index)).map(|row| row.text),
    };
    whose.map_or_else(|| "Menu".to_owned(), |whose| format!("Menu of {whose}"))
}
