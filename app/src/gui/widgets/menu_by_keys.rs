//! Context menus that keys open too: the Menu key or Shift+F10 on the control that has the keyboard. The owner of the control
//! draws the entries.

use eframe::egui::containers::menu::MenuState;
use eframe::egui::{FocusDirection, Id, Key, Modifiers, Popup, PopupKind, Pos2, Response, Ui};

/// A menu that was opened by keys.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeyedMenu {
    /// The control that gets the keyboard once the menu is closed.
    owner: Id,
    at: Pos2,
    /// Frames until the keyboard goes to the first entry: one to measure the menu, one to draw it.
    until_focus: u8,
}

/// Returns `true` if the keys for a menu were pressed on a control.
#[must_use]
pub fn is_asked_by_keys(ui: &Ui, response: &Response) -> bool {
    let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
    response.has_focus() && (pressed(Modifiers::SHIFT, Key::F10) || pressed(Modifiers::NONE, Key::Menu))
}

/// Shows the menu of `response` while it is open: at the pointer, or at `at` where `by_keys` opens it now.
pub fn show(
    ui: &Ui,
    response: &Response,
    keyed: &mut Option<KeyedMenu>,
    (by_keys, at): (bool, Pos2),
    entries: impl FnOnce(&mut Ui),
) {
    let popup = Popup::default_response_id(response);
    if by_keys {
        Popup::open_id(ui.ctx(), popup);
        *keyed = Some(KeyedMenu { owner: response.id, at, until_focus: 2 });
    }
    let pressed = response.clicked() || response.secondary_clicked();
    let Some(mine) = keyed.as_mut().filter(|keyed| keyed.owner == response.id && !pressed) else {
        keyed.take_if(|keyed| keyed.owner == response.id);
        response.context_menu(entries);
        return;
    };
    if mine.until_focus > 0 {
        mine.until_focus -= 1;
        if mine.until_focus == 0 {
            ui.memory_mut(|memory| memory.move_focus(FocusDirection::Down));
        }
        ui.ctx().request_repaint();
    }
    Popup::menu(response).open_memory(None).at_position(mine.at).show(entries);
    if is_chosen_by_key(ui, popup) {
        Popup::close_id(ui.ctx(), popup);
    }
    if !Popup::is_id_open(ui.ctx(), popup) {
        *keyed = None;
        return_focus(ui, response.id, popup);
    }
}

/// Returns `true` if Enter or Space was pressed on an entry of the menu that opened no menu below it: egui closes menus on clicks only.
#[must_use]
pub fn is_chosen_by_key(ui: &Ui, popup: Id) -> bool {
    let ctx = ui.ctx();
    if ctx.text_edit_focused() || !ctx.input(|i| i.key_pressed(Key::Enter) || i.key_pressed(Key::Space)) {
        return false;
    }
    let entry = ctx.memory(|memory| memory.focused()).and_then(|id| ctx.read_response(id));
    entry.is_some_and(|entry| {
        let layer = entry.layer_id;
        let in_menu = layer.id == popup || (layer.order == PopupKind::Menu.order() && layer != ui.layer_id());
        in_menu && MenuState::is_deepest_open_sub_menu(ctx, layer.id)
    })
}

/// Gives the keyboard back to `owner` once its menu is closed, unless a click gave it to something else.
pub fn return_focus(ui: &Ui, owner: Id, popup: Id) {
    let focused = ui.memory(|memory| memory.focused());
    let in_menu = |id| ui.ctx().read_response(id).is_some_and(|entry| entry.layer_id.id == popup);
    if focused.is_none_or(in_menu) {
        ui.memory_mut(|memory| memory.request_focus(owner));
        ui.ctx().request_repaint();
    }
}
