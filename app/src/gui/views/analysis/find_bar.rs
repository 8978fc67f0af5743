//! The find bar: a text, how many rows have it, next and previous. Enter goes on, Shift+Enter back, Escape closes.

use eframe::egui::{Key, TextEdit, Ui};

use crate::gui::command::{Command, DocumentCommand};
use crate::gui::state::document::Document;
use crate::gui::theme::Palette;

/// Draws the bar.
pub(super) fn show(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    let mut close = false;
    ui.horizontal(|ui| {
        let label = ui.weak("Find");
        let nothing = !document.finder.text.is_empty() && document.find_words() == "no row";
        let id = ui.scope_id().with("find");
        // Before the field is drawn: what is typed in this frame already belongs to it.
        if std::mem::take(&mut document.finder.wants_focus) {
            ui.memory_mut(|memory| memory.request_focus(id));
        }
        let mut field = TextEdit::singleline(&mut document.finder.text)
            .id(id)
            .desired_width(240.0)
            .hint_text("tag, function, process, \u{2026}");
        if nothing {
            field = field.text_color(Palette::of(ui).bad);
        }
        let field = ui.add(field).labelled_by(label.id);
        if field.changed() {
            document.search_changed();
        }
        let (enter, shift, escape) =
            ui.input(|i| (i.key_pressed(Key::Enter), i.modifiers.shift, i.key_pressed(Key::Escape)));
        if field.lost_focus() && enter {
            document.find_step(!shift);
            field.request_focus();
        } else if field.lost_focus() && escape {
            close = true;
        }
        for command in [DocumentCommand::FindPrevious, DocumentCommand::FindNext] {
            let words = if command == DocumentCommand::FindNext { "Next" } else { "Previous" };
            let key = Command::from(command.clone()).shortcut_text(ui).unwrap_or_default();
            let button = ui.button(words).on_hover_text(format!("{} ({key})", command.title()));
            if button.clicked() {
                commands.push(command.into());
            }
        }
        if ui.checkbox(&mut document.finder.case_sensitive, "Match case").changed() {
            document.search_changed();
        }
        ui.label(document.find_words());
        if !document.finder.is_complete() {
            ui.weak("(the first ones can be stepped through)");
        }
        close |= ui.button("Close").on_hover_text("Close the find bar (Escape)").clicked();
    });
    if close {
        document.close_find();
    }
}
