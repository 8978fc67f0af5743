//! The keys of the page: the list has them unless something else does, and the filter leaves it those that go up and down.

use eframe::egui::{EventFilter, Id, Key, Modifiers, Popup, Role, Sense, Ui, WidgetInfo};

use crate::gui::command::{Command, DocumentCommand, SuspectsCommand};
use crate::gui::state::document::Document;

/// Rows that Page Up and Page Down go.
const PAGE: isize = 10;
/// More rows than there ever are.
const ALL: isize = isize::MAX / 2;

/// Gives the list the keys when nobody has them, and carries out those that are pressed.
pub(super) fn take(ui: &Ui, document: &mut Document, commands: &mut Vec<Command>) {
    let id = Id::unique("suspects list");
    let response = ui.interact(ui.available_rect_before_wrap(), id, Sense::focusable_noninteractive());
    response.widget_info(|| WidgetInfo::labeled(Role::List, true, "Suspects, the worst first"));
    let free = ui.memory(|memory| memory.focused().is_none() && memory.is_above_modal_layer(ui.layer_id()));
    let wanted = std::mem::take(&mut document.suspects.wants_focus);
    if wanted || free && !Popup::is_any_open(ui.ctx()) && !ui.input(|input| input.key_pressed(Key::Tab)) {
        ui.memory_mut(|memory| memory.request_focus(id));
        // Only in the next frame the arrow keys can be kept from moving the focus.
        ui.ctx().request_repaint();
    }
    if !ui.memory(|memory| memory.has_focus(id)) {
        return;
    }
    let filter = EventFilter { vertical_arrows: true, escape: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
    moves(ui, document);
    let pressed = |key: Key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    if pressed(Key::Enter) {
        commands.push(DocumentCommand::Suspects(SuspectsCommand::Show).into());
    }
    if pressed(Key::Home) {
        document.suspects.step(-ALL, false);
    }
    if pressed(Key::End) {
        document.suspects.step(ALL, false);
    }
    if ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::A)) {
        document.suspects.selected = document.suspects.listed().into_iter().collect();
    }
}

/// While the filter is written.
pub(super) fn of_filter(ui: &Ui, document: &mut Document) {
    moves(ui, document);
    if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        document.suspects.filter.clear();
        document.suspects.wants_focus = true;
    }
}

fn moves(ui: &Ui, document: &mut Document) {
    for (key, by) in [(Key::ArrowDown, 1), (Key::ArrowUp, -1), (Key::PageDown, PAGE), (Key::PageUp, -PAGE)] {
        for (modifiers, extend) in [(Modifiers::SHIFT, true), (Modifiers::NONE, false)] {
            if ui.input_mut(|input| input.consume_key(modifiers, key)) {
                document.suspects.step(by, extend);
            }
        }
    }
}
