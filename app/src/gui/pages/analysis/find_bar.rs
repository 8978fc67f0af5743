//! The find bar: a text, how many rows have it, next and previous. Enter goes on, Shift+Enter back, Escape closes.

use eframe::egui::{Key, TextEdit, Ui};

use crate::format;
use crate::gui::commands::{Command, DocumentCommand, WidgetAction};
use crate::gui::document::{Document, FindState};
use crate::gui::model::finder::Finder;
use crate::gui::theme::Palette;

/// Draws the bar.
pub(super) fn show(ui: &mut Ui, document: &Document, finder: &mut Finder, commands: &mut Vec<Command>) {
    let mut close = false;
    ui.horizontal(|ui| {
        let label = ui.weak("Find");
        let nothing = document.find_state() == FindState::NoMatch;
        let id = ui.scope_id().with("find");
        // Before the field is drawn: what is typed in this frame already belongs to it.
        if std::mem::take(&mut finder.wants_focus) {
            ui.memory_mut(|memory| memory.request_focus(id));
        }
        let mut field = TextEdit::singleline(&mut finder.text)
            .id(id)
            .desired_width(240.0)
            .hint_text("Tag, function, process, \u{2026}");
        if nothing {
            field = field.text_color(Palette::of(ui).bad);
        }
        let field = ui.add(field).labelled_by(label.id);
        if field.changed() {
            commands.push(WidgetAction::SearchChanged.into());
        }
        let (enter, shift, escape) =
            ui.input(|i| (i.key_pressed(Key::Enter), i.modifiers.shift, i.key_pressed(Key::Escape)));
        if field.lost_focus() && enter {
            let step = if shift { DocumentCommand::FindPrevious } else { DocumentCommand::FindNext };
            commands.push(step.into());
            field.request_focus();
        } else if field.lost_focus() && escape {
            close = true;
        }
        for command in [DocumentCommand::FindPrevious, DocumentCommand::FindNext] {
            let message = if command == DocumentCommand::FindNext { "Next" } else { "Previous" };
            let key = Command::from(command.clone()).shortcut_text(ui).unwrap_or_default();
            let button = ui.button(message).on_hover_text(format!("{} ({key})", command.title()));
            if button.clicked() {
                commands.push(command.into());
            }
        }
        if ui.checkbox(&mut finder.case_sensitive, "Match case").changed() {
            commands.push(WidgetAction::SearchChanged.into());
        }
        ui.label(find_text(document.find_state()));
        if !finder.is_complete() {
            ui.weak("(only the first matches can be visited)");
        }
        close |= ui.button("Close").on_hover_text("Close the find bar (Escape)").clicked();
    });
    if close {
        commands.push(WidgetAction::CloseFind.into());
    }
}

/// Number of matching rows, and the one under the cursor.
fn find_text(state: FindState) -> String {
    match state {
        FindState::Nothing => String::new(),
        FindState::Searching => "Searching".to_owned(),
        FindState::NoMatch => "No rows".to_owned(),
        FindState::Matches { total: 1, number: None } => "1 row".to_owned(),
        FindState::Matches { total, number: None } => format!("{} rows", format::count(total)),
        FindState::Matches { total, number: Some(number) } => {
            format!("{} of {}", format::count(number as u64), format::count(total))
        }
    }
}
