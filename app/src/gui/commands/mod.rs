//! Everything the user can do: menus, keyboard shortcuts, palette and buttons all push these commands, and the window carries them
//! out at the end of the frame. Titles, places in the menus and keys are in one [`table`].

pub mod document;
pub mod recording;
pub mod symbols;
pub mod table;
pub mod window;

use std::path::PathBuf;

use eframe::egui::{Context, Key, KeyboardShortcut, Modifiers, ThemePreference, Ui};
use poolscope_symbols::names::SourceLine;

use crate::gui::jobs::TabId;
use crate::gui::jobs::dialog::Asked;
use crate::gui::model::page_id::PageId;
pub use document::{ColumnChange, DocumentCommand, PageCommand, WidgetAction};
pub use recording::RecordingCommand;
pub use symbols::SymbolsCommand;
use table::Scope;
pub use window::SCALES;

/// Something the user wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Choose a file and open it.
    Open,
    /// Open this file.
    OpenPath(PathBuf),
    /// Open these files together: traces in a tab each, the files of one recording in one, evidence of several kinds as a case.
    OpenPaths(Vec<PathBuf>),
    /// Choose a folder and open it as a case.
    OpenCaseFolder,
    /// Show a piece of evidence of the case in a tab on its own page.
    OpenEvidence(TabId, usize),
    /// Open the sample trace.
    OpenSample,
    /// Give up the load that is under way in a tab.
    CancelLoad(TabId),
    /// Open once more what could not be opened.
    Retry(TabId),
    /// Let Windows' own reader open what the one here refuses.
    OpenThroughWindows(TabId),
    /// Bring a tab to the front.
    ShowTab(TabId),
    /// Bring a page that needs no trace to the front.
    ShowPage(PageId),
    /// Close a tab.
    CloseTab(TabId),
    /// Close the tab in front.
    Close,
    /// Bring the next tab to the front.
    NextTab,
    /// Bring the tab before to the front.
    PreviousTab,
    /// Close the open box.
    CloseOpenFile,
    /// Read the file of a tab again.
    Reload(TabId),
    /// Keep the trace as it was read.
    IgnoreChange(TabId),
    /// List a file as opened no more.
    ForgetRecent(PathBuf),
    /// End the program.
    Quit,
    /// Light, dark, or as the system is.
    Theme(ThemePreference),
    /// Size of everything, in percent.
    Scale(u16),
    /// Everything one step larger.
    ScaleUp,
    /// Everything one step smaller.
    ScaleDown,
    /// Show or hide the summary of the trace.
    ToggleSummary,
    /// Show or hide the details of the selected row.
    ToggleDetails,
    /// Search and run commands.
    Palette,
    /// Close the palette.
    ClosePalette,
    /// Show all keys, and what the words mean.
    Keys,
    /// Close the list of keys.
    CloseKeys,
    /// Columns and panels as at the first start.
    ResetLayout,
    /// Ask whether everything is to be as at the first start.
    ResetEverything,
    /// Everything as at the first start.
    Reset,
    /// Say where symbols are looked for.
    SymbolPath,
    /// Ask no symbol server, or ask them again.
    Offline,
    /// Load symbols when a trace opens, or only on request.
    AutomaticSymbols,
    /// Say which frames are looked through for driver and function.
    Wrappers,
    /// Say where more is known about tags.
    TagSources,
    /// Choose the editor that shows source lines.
    SourceEditor,
    /// Open a source line in the editor.
    OpenSource(SourceLine),
    /// Show whether poolscope is registered for `.etl` files, and offer to change that.
    OpenWith,
    /// Take this file for what the user was asked for.
    Take(Asked, PathBuf),
    /// Something about recording.
    RecordingSetup(RecordingCommand),
    /// Something with the open trace in front.
    Document(DocumentCommand),
    /// Something with the open trace of a tab.
    InTab(TabId, DocumentCommand),
}

/// The dialog that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenModal {
    /// None.
    None,
    /// The palette or the list of keys, which give way to each other.
    Help,
    /// Any other.
    Dialog,
}

/// The menus, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Menu {
    /// Files and the program.
    File,
    /// Clipboard, finding, filtering.
    Edit,
    /// Pages and time range.
    View,
    /// Graph.
    Graph,
    /// Table.
    Table,
    /// Names for the frames of stacks.
    Symbols,
    /// Help.
    Help,
}

impl Menu {
    /// All of them, in their order.
    pub const ALL: [Self; 7] =
        [Self::File, Self::Edit, Self::View, Self::Graph, Self::Table, Self::Symbols, Self::Help];

    /// The key that opens it together with Alt: the first letter of its name.
    #[must_use]
    pub const fn key(self) -> Key {
        match self {
            Self::File => Key::F,
            Self::Edit => Key::E,
            Self::View => Key::V,
            Self::Graph => Key::G,
            Self::Table => Key::T,
            Self::Symbols => Key::S,
            Self::Help => Key::H,
        }
    }

    /// Its name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::Edit => "Edit",
            Self::View => "View",
            Self::Graph => "Graph",
            Self::Table => "Table",
            Self::Symbols => "Symbols",
            Self::Help => "Help",
        }
    }
}

/// Ctrl and Shift; on a Mac Command and Shift.
const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

/// A key with Ctrl.
#[must_use]
pub const fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

/// A key with Ctrl and Shift.
#[must_use]
pub const fn ctrl_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(CTRL_SHIFT, key)
}

impl From<DocumentCommand> for Command {
    fn from(command: DocumentCommand) -> Self {
        Self::Document(command)
    }
}

impl From<RecordingCommand> for Command {
    fn from(command: RecordingCommand) -> Self {
        Self::RecordingSetup(command)
    }
}

impl Command {
    /// The same command, about the trace of this tab if it is about the one in front.
    #[must_use]
    pub fn in_tab(self, tab: TabId) -> Self {
        match self {
            Self::Document(command) => Self::InTab(tab, command),
            command => command,
        }
    }

    /// Returns whether it is an action in a widget, which changes what that widget shows and nothing else of the window.
    #[must_use]
    pub fn is_widget_action(&self) -> bool {
        matches!(self, Self::Document(DocumentCommand::OfWidget(_)) | Self::InTab(_, DocumentCommand::OfWidget(_)))
    }

    /// The title in menus, and the accessible name of buttons.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Document(DocumentCommand::Preset(name)) => name.clone(),
            _ => table::row(self).map_or_else(|| self.title_outside_menus().to_owned(), |row| row.title.to_string()),
        }
    }

    /// Returns whether it opens a field that can be typed into at once.
    #[must_use]
    pub fn opens_field(&self) -> bool {
        matches!(self, Self::Palette | Self::Document(DocumentCommand::Find | DocumentCommand::EditQuery))
    }

    /// The commands whose keys were pressed in this frame. Over a dialog only those whose keys work there.
    #[must_use]
    pub fn pressed(ui: &Ui, modal: OpenModal) -> Vec<Self> {
        let is_writing = ui.ctx().text_edit_focused();
        ui.input_mut(|input| {
            let active = table::keys().filter(|(row, _)| match row.scope {
                Scope::Everywhere => true,
                Scope::Help => modal != OpenModal::Dialog,
                Scope::Window => modal == OpenModal::None,
                Scope::OutsideText => modal == OpenModal::None && !is_writing,
            });
            active.filter(|(_, key)| input.consume_shortcut(key)).map(|(row, _)| row.command.clone()).collect()
        })
    }

    /// The key as menus write it: "Ctrl+Shift+-".
    #[must_use]
    pub fn shortcut_text(&self, ui: &Ui) -> Option<String> {
        table::row(self)?.shortcut_text(ui.ctx())
    }
}

/// A key as menus write it: "Ctrl+Shift+-".
#[must_use]
pub fn shortcut_text(ctx: &Context, shortcut: &KeyboardShortcut) -> String {
    ctx.format_shortcut(shortcut).replace("Period", ".").replace("Minus", "-").replace("Plus", "+")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::widgets::graph;

    #[test]
    fn commands_of_a_page_are_bound_to_its_tab() {
        let tab = TabId(7);
        let zoom = WidgetAction::Graph(graph::Action::ZoomAll);
        assert_eq!(
            Command::from(zoom.clone()).in_tab(tab),
            Command::InTab(tab, DocumentCommand::OfWidget(zoom.clone()))
        );
        assert!(Command::from(zoom).in_tab(tab).is_widget_action());
        let find = Command::from(DocumentCommand::Find).in_tab(tab);
        assert_eq!((find.clone(), find.is_widget_action()), (Command::InTab(tab, DocumentCommand::Find), false));
        assert_eq!(Command::Open.in_tab(tab), Command::Open, "the window has no tab");
    }
}
