//! Everything the user can do, in one list: menus, shortcuts, palette and buttons all speak of these. Says what; how is the
//! app's and the document's.

pub mod document;

use std::path::PathBuf;

use super::jobs::TabId;
use eframe::egui::{Key, KeyboardShortcut, Modifiers, ThemePreference, Ui};

pub use document::DocumentCommand;

/// Something the user wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Choose a file and open it.
    Open,
    /// Open this file.
    OpenPath(PathBuf),
    /// Open the sample trace.
    OpenSample,
    /// Give up the load that is under way in a tab.
    CancelLoad(TabId),
    /// Open once more what could not be opened.
    Retry(TabId),
    /// Bring a tab to the front.
    ShowTab(TabId),
    /// Close a tab.
    CloseTab(TabId),
    /// Close the tab in front.
    Close,
    /// Bring the next tab to the front.
    NextTab,
    /// Bring the tab before to the front.
    PreviousTab,
    /// Close the open box.
    CloseOpenBox,
    /// End the program.
    Quit,
    /// Light, dark, or as the system is.
    Theme(ThemePreference),
    /// Size of everything.
    Scale(f32),
    /// Show or hide the summary of the trace.
    ToggleSummary,
    /// Show or hide the details of the selected row.
    ToggleDetails,
    /// Something with the open trace.
    Document(DocumentCommand),
}

/// The menus, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Menu {
    /// Files and the program.
    File,
    /// Clipboard, finding, filtering.
    Edit,
    /// What is shown.
    View,
    /// What the graph draws.
    Graph,
    /// What the table shows.
    Table,
    /// Help.
    Help,
}

/// Ctrl and Shift; on a Mac Command and Shift.
const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

/// Ctrl and Shift, on a Mac too: Command and Tab belong to the system there.
const CTRL_SHIFT_TAB: Modifiers = Modifiers::CTRL.plus(Modifiers::SHIFT);

const KEYS: [(Command, KeyboardShortcut); 7] = [
    (Command::Open, KeyboardShortcut::new(Modifiers::COMMAND, Key::O)),
    (Command::PreviousTab, KeyboardShortcut::new(CTRL_SHIFT_TAB, Key::Tab)),
    (Command::NextTab, KeyboardShortcut::new(Modifiers::CTRL, Key::Tab)),
    (Command::PreviousTab, KeyboardShortcut::new(Modifiers::CTRL, Key::PageUp)),
    (Command::NextTab, KeyboardShortcut::new(Modifiers::CTRL, Key::PageDown)),
    (Command::Close, KeyboardShortcut::new(Modifiers::COMMAND, Key::W)),
    (Command::Quit, KeyboardShortcut::new(Modifiers::COMMAND, Key::Q)),
];

impl From<DocumentCommand> for Command {
    fn from(command: DocumentCommand) -> Self {
        Self::Document(command)
    }
}

impl Command {
    /// The name in menus, and the accessible name.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Open => "Open trace\u{2026}",
            Self::OpenPath(_) => "Open",
            Self::OpenSample => "Open the sample trace",
            Self::CancelLoad(_) => "Cancel",
            Self::Retry(_) => "Try again",
            Self::ShowTab(_) => "Show",
            Self::CloseTab(_) | Self::CloseOpenBox => "Close",
            Self::Close => "Close trace",
            Self::NextTab => "Next trace",
            Self::PreviousTab => "Previous trace",
            Self::Quit => "Quit",
            Self::Theme(ThemePreference::Light) => "Light",
            Self::Theme(ThemePreference::Dark) => "Dark",
            Self::Theme(ThemePreference::System) => "As the system",
            Self::Scale(_) => "Scale",
            Self::ToggleSummary => "Trace summary",
            Self::ToggleDetails => "Details of the selected row",
            Self::Document(command) => return command.title(),
        }
        .to_owned()
    }

    /// Commands with a key, the more specific keys first.
    fn keys() -> Vec<(Self, KeyboardShortcut)> {
        let of_document = DocumentCommand::keys().iter().map(|(command, key)| (command.clone().into(), *key));
        let mut keys: Vec<(Self, KeyboardShortcut)> = of_document.chain(KEYS).collect();
        keys.sort_by_key(|(_, key)| !key.modifiers.shift);
        keys
    }

    /// The key, if it has one.
    #[must_use]
    pub fn shortcut(&self) -> Option<KeyboardShortcut> {
        Self::keys().into_iter().find(|(command, _)| command == self).map(|(_, key)| key)
    }

    /// The commands whose keys were pressed in this frame.
    #[must_use]
    pub fn pressed(ui: &Ui) -> Vec<Self> {
        let keys = Self::keys();
        ui.input_mut(|input| {
            keys.into_iter().filter(|(_, key)| input.consume_shortcut(key)).map(|(command, _)| command).collect()
        })
    }

    /// The key as menus write it: "Ctrl+Shift+-".
    #[must_use]
    pub fn shortcut_text(&self, ui: &Ui) -> Option<String> {
        let text = ui.ctx().format_shortcut(&self.shortcut()?);
        Some(text.replace("Period", ".").replace("Minus", "-").replace("Plus", "+"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specific_keys_come_before_general_ones() {
        let keys = Command::keys();
        for (i, (_, a)) in keys.iter().enumerate() {
            for (_, b) in &keys[i + 1..] {
                assert_ne!(a, b);
                let shadowed = a.logical_key == b.logical_key && b.modifiers.shift && !a.modifiers.shift;
                assert!(!shadowed, "{b:?} is never reached");
            }
        }
    }
}
