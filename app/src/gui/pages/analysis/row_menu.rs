//! The menu of a row: copy, filter, open and close, callers, graph, flame graph, the module of a frame.

use eframe::egui::{Button, Ui};

use crate::gui::commands::table::table;
use crate::gui::commands::{Command, DocumentCommand, SymbolsCommand};
use crate::gui::document::Document;

/// Commands of the menu, in groups, and whether they would do anything.
pub(super) struct Offers(Vec<Vec<(DocumentCommand, bool)>>);

impl Offers {
    /// Commands for the selected rows.
    pub(super) fn of(document: &Document) -> Self {
        use DocumentCommand as C;
        let offered = table().iter().filter(|row| row.in_row_menu);
        let of_pages = offered.filter_map(|row| match &row.command {
            Command::Document(command) => Some(command.clone()),
            _ => None,
        });
        let of_pages = std::iter::once(C::GraphRows).chain(of_pages).collect();
        let groups = [
            vec![C::CopyRows, C::CopyCell, C::CopyStack],
            vec![C::FilterTo, C::FilterOut, C::FilterClear],
            vec![C::GoToResponsible, C::ExpandBelow, C::CollapseOthers, C::FindCallers],
            of_pages,
        ];
        let module = document.module_of_cursor().map(|at| C::Symbols(SymbolsCommand::Show(at)));
        let groups = groups.into_iter().chain(module.map(|command| vec![command]));
        let with_state = |command: C| {
            let can = document.can(&command);
            (command, can)
        };
        Self(groups.map(|group| group.into_iter().map(with_state).collect()).collect())
    }
}

/// Draws the menu.
pub(super) fn show(ui: &mut Ui, offers: &Offers, commands: &mut Vec<Command>) {
    for (at, group) in offers.0.iter().enumerate() {
        if at > 0 {
            ui.separator();
        }
        for (command, can) in group {
            let mut button = Button::new(command.title());
            if let Some(key) = Command::from(command.clone()).shortcut_text(ui) {
                button = button.shortcut_text(key);
            }
            if ui.add_enabled(*can, button).clicked() {
                ui.close();
                commands.push(command.clone().into());
            }
        }
    }
}
