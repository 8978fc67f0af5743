//! Escape where no control takes it. It closes one thing at a time: a dialog, a menu or a field that has the keys; then the find bar
//! or the selection on the Analysis page; on every other page it leads back, as the Back button does.

use eframe::egui::{Key, Popup, Ui};

use super::App;
use crate::gui::commands::{Command, DocumentCommand, WidgetAction};
use crate::gui::document::Document;
use crate::gui::model::page_id::PageId;
use crate::gui::widgets::graph;

impl App {
    /// Returns whether Escape was pressed while nothing was open that it closes, and no field had the keys. To be asked before the
    /// frame is drawn: dialogs, menus and fields go while it is.
    pub(super) fn is_escape_free(&self, ui: &Ui) -> bool {
        let is_taken = self.is_modal_open() || self.had_text_keys || Popup::is_any_open(ui.ctx());
        ui.input(|input| input.key_pressed(Key::Escape)) && !is_taken
    }

    /// The action of Escape, if no control took the key while the frame was drawn.
    pub(super) fn unclaimed_escape(&self, ui: &Ui, is_free: bool) -> Option<Command> {
        let is_unclaimed = is_free && ui.input(|input| input.key_pressed(Key::Escape));
        self.document().filter(|_| is_unclaimed).and_then(escape)
    }
}

/// The action of Escape in an open trace; `None` where there is nothing to close.
fn escape(document: &Document) -> Option<Command> {
    if document.ui.page != PageId::ANALYSIS {
        return Some(DocumentCommand::Back.into());
    }
    if document.ui.finder.open {
        return Some(WidgetAction::CloseFind.into());
    }
    let is_selected = document.ui.graph.selection().is_some();
    is_selected.then(|| WidgetAction::Graph(graph::Action::Select(None)).into())
}
