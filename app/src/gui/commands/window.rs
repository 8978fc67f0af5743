//! Rows of the commands of the window itself, and titles of those that belong to a place on the screen.

use eframe::egui::{Key, KeyboardShortcut, Modifiers, ThemePreference};

use super::table::{CommandSpec, MenuPlace, Scope};
use super::{Command as C, Menu, ctrl};

/// The sizes that can be chosen, in percent.
pub const SCALES: [u16; 6] = [80, 90, 100, 125, 150, 200];

/// Ctrl and Shift, on a Mac too: Command and Tab belong to the system there.
const CTRL_SHIFT_TAB: KeyboardShortcut = KeyboardShortcut::new(Modifiers::CTRL.plus(Modifiers::SHIFT), Key::Tab);

const fn plain_ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::CTRL, key)
}

/// The rows, in the order of the menus.
pub(super) fn rows() -> Vec<CommandSpec> {
    let row = |id: &'static str, command: C, title: &'static str, menu: Menu, group: u8| {
        CommandSpec::new(id, command, title, MenuPlace::new(menu, group))
    };
    let within = |submenu: &'static str, id: &'static str, command: C, title: &'static str| {
        CommandSpec::new(id, command, title, MenuPlace::within(Menu::View, 8, submenu))
    };
    let panel = |id: &'static str, command, title: &'static str| {
        CommandSpec::new(id, command, title, MenuPlace::within(Menu::View, 1, "Layout"))
    };
    let mut rows = vec![
        row("open", C::Open, "Open trace\u{2026}", Menu::File, 0).key(ctrl(Key::O)),
        row("open_case_folder", C::OpenCaseFolder, "Open case folder\u{2026}", Menu::File, 0)
            .tip("Traces, poolmon snapshots and performance logs of one machine on one page"),
        row("open_sample", C::OpenSample, "Open sample trace", Menu::File, 0),
        row("close", C::Close, "Close tab", Menu::File, 2).key(ctrl(Key::W)),
        row("next_tab", C::NextTab, "Next tab", Menu::File, 2).key(plain_ctrl(Key::Tab)).key(plain_ctrl(Key::PageDown)),
        row("previous_tab", C::PreviousTab, "Previous tab", Menu::File, 2)
            .key(CTRL_SHIFT_TAB)
            .key(plain_ctrl(Key::PageUp)),
        row("quit", C::Quit, "Quit", Menu::File, 9).key(ctrl(Key::Q)).scope(Scope::Everywhere),
        panel("toggle_summary", C::ToggleSummary, "Trace summary"),
        panel("toggle_details", C::ToggleDetails, "Row details"),
        within("Theme", "theme.light", C::Theme(ThemePreference::Light), "Light"),
        within("Theme", "theme.dark", C::Theme(ThemePreference::Dark), "Dark"),
        within("Theme", "theme.system", C::Theme(ThemePreference::System), "Use system setting"),
        within("Scale", "scale.up", C::ScaleUp, "Scale up"),
        within("Scale", "scale.down", C::ScaleDown, "Scale down"),
    ];
    rows.extend(SCALES.map(|percent| {
        let place = MenuPlace::within(Menu::View, 8, "Scale");
        CommandSpec::new(format!("scale.{percent}"), C::Scale(percent), format!("{percent} %"), place)
    }));
    rows.extend([
        row("reset_layout", C::ResetLayout, "Reset layout", Menu::View, 9),
        row("reset_everything", C::ResetEverything, "Reset everything\u{2026}", Menu::View, 9),
        row("symbol_path", C::SymbolPath, "Symbol path\u{2026}", Menu::Symbols, 1),
        row("wrappers", C::Wrappers, "Wrapper functions\u{2026}", Menu::Symbols, 3),
        row("tag_sources", C::TagSources, "Pool tags and drivers\u{2026}", Menu::Symbols, 3),
        row("source_editor", C::SourceEditor, "Source editor\u{2026}", Menu::Symbols, 3),
        row("offline", C::Offline, "Offline", Menu::Symbols, 2),
        row("automatic_symbols", C::AutomaticSymbols, "Load symbols automatically", Menu::Symbols, 2),
        row("open_with", C::OpenWith, "Open .etl files with poolscope\u{2026}", Menu::File, 8),
        row("palette", C::Palette, "Search or run a command", Menu::Help, 0).key(ctrl(Key::K)).scope(Scope::Help),
        row("shortcuts", C::Keys, "Keyboard shortcuts", Menu::Help, 0)
            .key(KeyboardShortcut::new(Modifiers::NONE, Key::F1))
            .scope(Scope::Help),
    ]);
    rows
}

impl C {
    /// The title of a command that is in no menu.
    pub(super) fn title_outside_menus(&self) -> &'static str {
        match self {
            Self::CancelLoad(_) => "Cancel",
            Self::Retry(_) => "Try again",
            Self::OpenThroughWindows(_) => "Open with the reader of Windows",
            Self::ShowTab(_) => "Show",
            Self::CloseTab(_) | Self::CloseOpenFile | Self::ClosePalette | Self::CloseKeys => "Close",
            Self::Reload(_) => "Reload",
            Self::OpenSource(_) => "Open source",
            Self::IgnoreChange(_) => "Ignore",
            Self::ForgetRecent(_) => "Remove from list",
            Self::Reset => "Reset everything\u{2026}",
            Self::RecordingSetup(command) => command.title_outside_menus(),
            Self::Document(command) => command.title_outside_menus(),
            _ => "Open",
        }
    }
}
