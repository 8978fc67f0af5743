//! Everything the user can do, in one list: menus, shortcuts, palette and buttons all speak of these. Says what; how is the
//! app's and the document's.

pub mod catalogue;
pub mod document;
pub mod flame;
pub mod fuzzy;
pub mod kit;
pub mod suspects;
pub mod symbols;

use std::path::PathBuf;

use eframe::egui::{Context, Key, KeyboardShortcut, Modifiers, ThemePreference, Ui};

use super::jobs::TabId;
use super::jobs::dialog::Asked;
use catalogue::Place;
pub use document::DocumentCommand;
pub use flame::FlameCommand;
pub use kit::KitCommand;
pub use suspects::SuspectsCommand;
pub use symbols::SymbolsCommand;

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
    /// Let Windows' own reader open what the one here refuses.
    OpenThroughWindows(TabId),
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
    /// Read the file of a tab again.
    Reload(TabId),
    /// Go on with what was read.
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
    /// Look for symbols as soon as a trace is open, or only when told to.
    AutomaticSymbols,
    /// Say which frames are looked through for driver and function.
    LookThrough,
    /// Say where more is known about tags.
    TagSources,
    /// Look how poolscope stands with `.etl` files, and ask whether it is to open them.
    OpenWith,
    /// Take this file for what the user was asked for.
    Take(Asked, PathBuf),
    /// Something about recording.
    Kit(KitCommand),
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
    /// Names for the frames of stacks.
    Symbols,
    /// Help.
    Help,
}

impl Menu {
    /// All of them, in their order.
    pub const ALL: [Self; 7] =
        [Self::File, Self::Edit, Self::View, Self::Graph, Self::Table, Self::Symbols, Self::Help];

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
/// Ctrl and Shift, on a Mac too: Command and Tab belong to the system there.
const CTRL_SHIFT_TAB: Modifiers = Modifiers::CTRL.plus(Modifiers::SHIFT);
/// The sizes that can be chosen, in percent.
pub const SCALES: [u16; 6] = [80, 90, 100, 125, 150, 200];

const KEYS: [(Command, KeyboardShortcut); 10] = [
    (Command::Open, KeyboardShortcut::new(Modifiers::COMMAND, Key::O)),
    (Command::Kit(KitCommand::Show), KeyboardShortcut::new(Modifiers::COMMAND, Key::R)),
    (Command::PreviousTab, KeyboardShortcut::new(CTRL_SHIFT_TAB, Key::Tab)),
    (Command::NextTab, KeyboardShortcut::new(Modifiers::CTRL, Key::Tab)),
    (Command::PreviousTab, KeyboardShortcut::new(Modifiers::CTRL, Key::PageUp)),
    (Command::NextTab, KeyboardShortcut::new(Modifiers::CTRL, Key::PageDown)),
    (Command::Close, KeyboardShortcut::new(Modifiers::COMMAND, Key::W)),
    (Command::Quit, KeyboardShortcut::new(Modifiers::COMMAND, Key::Q)),
    (Command::Palette, KeyboardShortcut::new(Modifiers::COMMAND, Key::K)),
    (Command::Keys, KeyboardShortcut::new(Modifiers::NONE, Key::F1)),
];

impl From<DocumentCommand> for Command {
    fn from(command: DocumentCommand) -> Self {
        Self::Document(command)
    }
}

impl From<KitCommand> for Command {
    fn from(command: KitCommand) -> Self {
        Self::Kit(command)
    }
}

impl Command {
    /// Every one of the window's own that needs nothing more than to be chosen, in the order of the menus.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Open, Self::OpenSample, Self::Close, Self::NextTab, Self::PreviousTab, Self::Quit];
        all.extend(KitCommand::ALL.map(Self::Kit));
        all.extend([Self::ToggleSummary, Self::ToggleDetails]);
        all.extend([ThemePreference::Light, ThemePreference::Dark, ThemePreference::System].map(Self::Theme));
        all.extend([Self::ScaleUp, Self::ScaleDown]);
        all.extend(SCALES.map(Self::Scale));
        all.extend([Self::ResetLayout, Self::ResetEverything]);
        all.extend([Self::SymbolPath, Self::LookThrough, Self::TagSources, Self::Offline, Self::AutomaticSymbols]);
        all.extend([Self::OpenWith, Self::Palette, Self::Keys]);
        all
    }

    /// The name in menus, and the accessible name.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Open => "Open trace\u{2026}",
            Self::OpenPath(_) => "Open",
            Self::OpenSample => "Open the sample trace",
            Self::CancelLoad(_) => "Cancel",
            Self::Retry(_) => "Try again",
            Self::OpenThroughWindows(_) => "Open with Windows' reader",
            Self::ShowTab(_) => "Show",
            Self::CloseTab(_) | Self::CloseOpenBox | Self::ClosePalette | Self::CloseKeys => "Close",
            Self::Close => "Close tab",
            Self::NextTab => "Next tab",
            Self::PreviousTab => "Previous tab",
            Self::Reload(_) => "Reload",
            Self::IgnoreChange(_) => "Ignore",
            Self::ForgetRecent(_) => "Remove from the list",
            Self::Quit => "Quit",
            Self::Theme(ThemePreference::Light) => "Light",
            Self::Theme(ThemePreference::Dark) => "Dark",
            Self::Theme(ThemePreference::System) => "As the system",
            Self::Scale(percent) => return format!("{percent} %"),
            Self::ScaleUp => "Scale up",
            Self::ScaleDown => "Scale down",
            Self::ToggleSummary => "Trace summary",
            Self::ToggleDetails => "Details of the selected row",
            Self::Palette => "Search or run a command",
            Self::Keys => "Keys and words",
            Self::ResetLayout => "Reset layout",
            Self::ResetEverything | Self::Reset => "Reset everything\u{2026}",
            Self::SymbolPath => "Symbol path\u{2026}",
            Self::LookThrough => "Frames to look through\u{2026}",
            Self::TagSources => "Pool tags and drivers\u{2026}",
            Self::Offline => "Offline",
            Self::AutomaticSymbols => "Load symbols automatically",
            Self::OpenWith => "Open .etl files with poolscope\u{2026}",
            Self::Take(..) => "Open",
            Self::Kit(command) => command.title(),
            Self::Document(command) => return command.title(),
        }
        .to_owned()
    }

    /// Where it stands in the menus; `None` for commands that belong to a place on the screen.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let place = |menu, group| Some(Place { menu, submenu: None, group });
        match self {
            Self::Open | Self::OpenSample => place(Menu::File, 0),
            Self::Kit(KitCommand::Show) => place(Menu::File, 1),
            Self::Kit(command) if KitCommand::ALL.contains(command) => {
                Some(Place { menu: Menu::File, submenu: Some("Recording"), group: 1 })
            }
            Self::Close | Self::NextTab | Self::PreviousTab => place(Menu::File, 2),
            Self::OpenWith => place(Menu::File, 8),
            Self::Quit => place(Menu::File, 9),
            Self::ToggleSummary | Self::ToggleDetails => place(Menu::View, 7),
            Self::Theme(_) => Some(Place { menu: Menu::View, submenu: Some("Theme"), group: 8 }),
            Self::Scale(_) | Self::ScaleUp | Self::ScaleDown => {
                Some(Place { menu: Menu::View, submenu: Some("Scale"), group: 8 })
            }
            Self::ResetLayout | Self::ResetEverything => place(Menu::View, 9),
            Self::SymbolPath => place(Menu::Symbols, 1),
            Self::Offline | Self::AutomaticSymbols => place(Menu::Symbols, 2),
            Self::LookThrough | Self::TagSources => place(Menu::Symbols, 3),
            Self::Palette | Self::Keys => place(Menu::Help, 0),
            Self::Document(command) => Some(catalogue::place_of(command)),
            _ => None,
        }
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

    /// Whether it opens a field that is written in at once.
    #[must_use]
    pub fn opens_field(&self) -> bool {
        matches!(self, Self::Palette | Self::Document(DocumentCommand::Find | DocumentCommand::EditQuery))
    }

    /// The commands whose keys were pressed in this frame; with `few`, only those that work over a box, too.
    #[must_use]
    pub fn pressed(ui: &Ui, few: bool) -> Vec<Self> {
        let keys = Self::keys();
        let over_boxes = |command: &Self| matches!(command, Self::Palette | Self::Keys | Self::Quit);
        // While a text is written, its field has the keys for undo and the like.
        let writing = ui.ctx().text_edit_focused();
        let for_text = |command: &Self| matches!(command, Self::Document(c) if writing && c.yields_to_text());
        ui.input_mut(|input| {
            let wanted = keys.into_iter().filter(|(command, _)| (!few || over_boxes(command)) && !for_text(command));
            wanted.filter(|(_, key)| input.consume_shortcut(key)).map(|(command, _)| command).collect()
        })
    }

    /// The key as menus write it: "Ctrl+Shift+-".
    #[must_use]
    pub fn shortcut_text(&self, ui: &Ui) -> Option<String> {
        Some(shortcut_text(ui.ctx(), &self.shortcut()?))
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
