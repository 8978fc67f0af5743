//! The list of commands as they stand now: where each belongs, its key, whether it can be run, whether it is on. Menus,
//! palette and help are drawn from it; it runs nothing.

use eframe::egui::KeyboardShortcut;

use super::{Command, DocumentCommand, Menu};
use crate::gui::state::document::Page;

/// Where a command stands in the menus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The menu.
    pub menu: Menu,
    /// Commands of different groups have a line between them.
    pub group: u8,
    /// The menu inside the menu.
    pub submenu: Option<&'static str>,
}

/// A command as it stands now.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it does.
    pub command: Command,
    /// Its name.
    pub title: String,
    /// Where it stands.
    pub place: Place,
    /// Its key.
    pub shortcut: Option<KeyboardShortcut>,
    /// Why it cannot be run now; `None` when it can.
    pub blocked: Option<&'static str>,
    /// Whether what it switches on is on; `None` when it switches nothing.
    pub on: Option<bool>,
    /// More about it.
    pub tip: Option<String>,
}

impl Entry {
    /// The name where the menu around it is not seen: "Theme: Dark".
    #[must_use]
    pub fn full_title(&self) -> String {
        match self.place.submenu {
            Some(submenu) if !self.title.starts_with(submenu) => format!("{submenu}: {}", self.title),
            _ => self.title.clone(),
        }
    }
}

/// What the catalogue has to know of the window.
pub trait Standing {
    /// Why a command cannot be run now; `None` when it can.
    fn blocked(&self, command: &Command) -> Option<&'static str>;
    /// Whether what a command switches on is on; `None` when it switches nothing.
    fn on(&self, command: &Command) -> Option<bool>;
}

/// All commands in the order of the menus. `more` are those that depend on what there is, with their places and tips.
#[must_use]
pub fn entries(standing: &dyn Standing, more: Vec<(Command, String, Place, Option<String>)>) -> Vec<Entry> {
    let keys = Command::keys();
    let of_document = DocumentCommand::all().into_iter().map(Command::Document);
    let fixed = Command::all().into_iter().chain(of_document).filter_map(|command| {
        let place = command.place()?;
        Some((command.clone(), command.title(), place, None))
    });
    let mut all: Vec<Entry> = fixed
        .chain(more)
        .map(|(command, title, place, tip)| Entry {
            shortcut: keys.iter().find(|(other, _)| *other == command).map(|(_, key)| *key),
            blocked: standing.blocked(&command),
            on: standing.on(&command),
            command,
            title,
            place,
            tip,
        })
        .collect();
    all.sort_by_key(|entry| (entry.place.menu, entry.place.group));
    all
}

/// Where a command of an open trace stands.
#[must_use]
pub fn place_of(command: &DocumentCommand) -> Place {
    use DocumentCommand as C;
    let (group, submenu) = match command {
        C::CopyRows | C::CopyCell | C::CopyStack => (0, None),
        C::Find | C::FindNext | C::FindPrevious => (1, None),
        C::EditQuery | C::FilterTo | C::FilterOut => (2, None),
        C::FilterUndo | C::FilterRedo | C::FilterClear => (3, None),
        C::Measure(_) => (0, None),
        C::CountEarlier => (1, None),
        C::Draw(_) => (2, None),
        C::Curves(_) => (3, Some("Curves")),
        C::GraphRows | C::ShowAllCurves => (4, None),
        C::MarkSelection | C::ClearMarks => (5, None),
        C::ExpandBelow | C::CollapseOthers | C::FindCallers => (0, None),
        C::Columns | C::FitColumns => (1, None),
        C::Preset(_) => (2, Some("Preset")),
        C::SavePreset | C::ManagePresets | C::ResetColumns => (3, None),
        C::Symbols(command) => (command.group(), None),
        C::Page(Page::Modules) => (4, None),
        C::Suspects(_) => (0, Some("Leaks")),
        C::Flame(_) => (0, Some("Stacks")),
        C::Page(_) => (0, None),
        C::Layout(_) => (1, None),
        C::ZoomToSelection | C::ZoomIn | C::ZoomOut | C::ZoomBack | C::ZoomForward | C::ZoomAll => (2, None),
    };
    Place { menu: command.menu(), group, submenu }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    impl Standing for Nothing {
        fn blocked(&self, command: &Command) -> Option<&'static str> {
            matches!(command, Command::Document(_)).then_some("No trace is open")
        }

        fn on(&self, _command: &Command) -> Option<bool> {
            None
        }
    }

    #[test]
    fn every_command_is_there_once_and_every_menu_has_some() {
        let entries = entries(&Nothing, Vec::new());
        for (i, entry) in entries.iter().enumerate() {
            assert!(entries[i + 1..].iter().all(|other| other.command != entry.command), "{entry:?}");
            assert!(entries[i + 1..].iter().all(|other| other.full_title() != entry.full_title()), "{entry:?}");
        }
        for menu in Menu::ALL {
            assert!(entries.iter().any(|entry| entry.place.menu == menu), "{menu:?}");
        }
        assert!(entries.is_sorted_by_key(|entry| entry.place.menu));
        let zoom = entries.iter().find(|entry| entry.command == DocumentCommand::ZoomIn.into()).expect("it is there");
        assert_eq!((zoom.blocked, zoom.shortcut.is_some()), (Some("No trace is open"), true));
    }
}
