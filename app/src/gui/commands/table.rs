//! The table of all commands: id, title, tip, menu, keys and scope of each. Menus, palette and the help on keyboard shortcuts are
//! generated from it. Pages add the rows of their own commands.

use std::borrow::Cow;
use std::sync::LazyLock;

use eframe::egui::{Context, KeyboardShortcut};

use super::{Command, DocumentCommand, Menu, document, recording, symbols, window};
use crate::gui::pages::{PAGES, WINDOW_PAGES};

/// Place of a command in the menus. The order is that of the menu bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MenuPlace {
    /// The menu.
    pub menu: Menu,
    /// Group in the menu; there is a line between groups.
    pub group: u8,
    /// Title of the submenu that holds it, if it is in one.
    pub submenu: Option<&'static str>,
}

impl MenuPlace {
    /// A place in the menu itself.
    #[must_use]
    pub const fn new(menu: Menu, group: u8) -> Self {
        Self { menu, group, submenu: None }
    }

    /// A place in a submenu.
    #[must_use]
    pub const fn within(menu: Menu, group: u8, submenu: &'static str) -> Self {
        Self { menu, group, submenu: Some(submenu) }
    }
}

/// Scope of a command's keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scope {
    /// Wherever no dialog is open.
    #[default]
    Window,
    /// Over dialogs, too.
    Everywhere,
    /// Wherever no dialog is open but the palette or the list of keys.
    Help,
    /// Wherever no dialog is open and no text field has the focus: the field uses the keys itself.
    OutsideText,
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandSpec {
    /// Identity that is kept in settings; never shown.
    pub id: Cow<'static, str>,
    /// The command.
    pub command: Command,
    /// Name in menus and palette, and accessible name of buttons.
    pub title: Cow<'static, str>,
    /// Text at the pointer.
    pub tip: Option<Cow<'static, str>>,
    /// Place in the menus.
    pub place: MenuPlace,
    /// Keys that run it; the first is shown.
    pub keys: Vec<KeyboardShortcut>,
    /// A key of a widget or of the window that does the same, if there is one; menus show it where the command has no key.
    pub widget_key: Option<&'static str>,
    /// Scope of the keys.
    pub scope: Scope,
    /// True if the menu of the table's rows offers it.
    pub in_row_menu: bool,
    /// True if no menu shows it: there are too many of its kind, and another place has them.
    pub only_in_palette: bool,
}

impl CommandSpec {
    /// A row without keys and tip.
    #[must_use]
    pub fn new(
        id: impl Into<Cow<'static, str>>,
        command: impl Into<Command>,
        title: impl Into<Cow<'static, str>>,
        place: MenuPlace,
    ) -> Self {
        let (id, title) = (id.into(), title.into());
        Self {
            id,
            command: command.into(),
            title,
            tip: None,
            place,
            keys: Vec::new(),
            widget_key: None,
            scope: Scope::default(),
            in_row_menu: false,
            only_in_palette: false,
        }
    }

    /// The same, found in the palette alone.
    #[must_use]
    pub fn only_in_palette(mut self) -> Self {
        self.only_in_palette = true;
        self
    }

    /// The same with one more key.
    #[must_use]
    pub fn key(mut self, key: KeyboardShortcut) -> Self {
        self.keys.push(key);
        self
    }

    /// The same with a key that a widget takes.
    #[must_use]
    pub fn widget_key(mut self, key: &'static str) -> Self {
        self.widget_key = Some(key);
        self
    }

    /// The same with a tip.
    #[must_use]
    pub fn tip(mut self, tip: impl Into<Cow<'static, str>>) -> Self {
        self.tip = Some(tip.into());
        self
    }

    /// The key that is shown: "Ctrl+Shift+-", or that of a widget.
    #[must_use]
    pub fn shortcut_text(&self, ctx: &Context) -> Option<String> {
        let own = self.keys.first().map(|key| super::shortcut_text(ctx, key));
        own.or_else(|| self.widget_key.map(str::to_owned))
    }

    /// The same, offered in the menu of the table's rows.
    #[must_use]
    pub fn in_row_menu(mut self, offered: bool) -> Self {
        self.in_row_menu = offered;
        self
    }

    /// The same with keys that work elsewhere.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }
}

/// All rows that are always there, by menu and group.
static TABLE: LazyLock<Vec<CommandSpec>> = LazyLock::new(|| {
    let mut table = window::rows();
    table.extend(WINDOW_PAGES.iter().filter_map(|page| page.command()));
    table.extend(recording::rows());
    table.extend(document::rows());
    table.extend(PAGES.iter().map(|page| {
        let id = format!("page.{}", page.id().0);
        let row = CommandSpec::new(id, DocumentCommand::Page(page.id()), page.title(), page.place());
        CommandSpec { keys: page.keys(), ..row }
    }));
    table.extend(symbols::rows());
    table.extend(PAGES.iter().flat_map(|page| page.commands()));
    table.sort_by_key(|row| (row.place.menu, row.place.group));
    table
});

/// All rows that are always there, in the order of the menus.
#[must_use]
pub fn table() -> &'static [CommandSpec] {
    &TABLE
}

/// The row of a command; `None` for commands that belong to a place on the screen or to what there is, such as a file.
#[must_use]
pub fn row(command: &Command) -> Option<&'static CommandSpec> {
    TABLE.iter().find(|row| row.command == *command)
}

/// Keys with their rows, those with Shift first: a shortcut without Shift would take the key of one with it.
pub(super) fn keys() -> impl Iterator<Item = (&'static CommandSpec, KeyboardShortcut)> {
    static KEYS: LazyLock<Vec<(&'static CommandSpec, KeyboardShortcut)>> = LazyLock::new(|| {
        let all = TABLE.iter().flat_map(|row| row.keys.iter().map(move |key| (row, *key)));
        let mut keys: Vec<_> = all.collect();
        keys.sort_by_key(|(_, key)| !key.modifiers.shift);
        keys
    });
    KEYS.iter().copied()
}

/// A row of the table with the state of its command.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The row.
    pub spec: CommandSpec,
    /// Reason why the command cannot be run now; `None` when it can.
    pub blocked: Option<&'static str>,
    /// True if what it switches on is on; `None` when it switches nothing.
    pub on: Option<bool>,
}

impl Entry {
    /// The title where the submenu around it is not visible: "Theme: Dark".
    #[must_use]
    pub fn full_title(&self) -> String {
        match self.spec.place.submenu {
            Some(submenu) if !self.spec.title.starts_with(submenu) => format!("{submenu}: {}", self.spec.title),
            _ => self.spec.title.to_string(),
        }
    }

    /// The key that is shown: "Ctrl+Shift+-", or that of a widget.
    #[must_use]
    pub fn shortcut_text(&self, ctx: &Context) -> Option<String> {
        self.spec.shortcut_text(ctx)
    }
}

/// State of commands, as the window has it.
pub trait CommandState {
    /// Reason why a command cannot be run now; `None` when it can.
    fn blocked(&self, command: &Command) -> Option<&'static str>;
    /// Returns whether what a command switches on is on; `None` when it switches nothing.
    fn on(&self, command: &Command) -> Option<bool>;
}

/// All commands with their state, in the order of the menus. `more` are rows that depend on what there is, such as recent files.
#[must_use]
pub fn entries(state: &dyn CommandState, more: Vec<CommandSpec>) -> Vec<Entry> {
    let rows = TABLE.iter().cloned().chain(more);
    let mut all: Vec<Entry> =
        rows.map(|spec| Entry { blocked: state.blocked(&spec.command), on: state.on(&spec.command), spec }).collect();
    all.sort_by_key(|entry| (entry.spec.place.menu, entry.spec.place.group));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    struct NoTrace;

    impl CommandState for NoTrace {
        fn blocked(&self, command: &Command) -> Option<&'static str> {
            matches!(command, Command::Document(_)).then_some("No trace is open")
        }

        fn on(&self, _command: &Command) -> Option<bool> {
            None
        }
    }

    #[test]
    fn every_command_is_there_once_and_every_menu_has_some() {
        let entries = entries(&NoTrace, Vec::new());
        for (i, entry) in entries.iter().enumerate() {
            let rest = &entries[i + 1..];
            assert!(rest.iter().all(|other| other.spec.command != entry.spec.command), "{entry:?}");
            assert!(rest.iter().all(|other| other.spec.id != entry.spec.id), "{entry:?}");
            assert!(rest.iter().all(|other| other.full_title() != entry.full_title()), "{entry:?}");
        }
        for menu in Menu::ALL {
            assert!(entries.iter().any(|entry| entry.spec.place.menu == menu), "{menu:?}");
        }
        assert!(entries.is_sorted_by_key(|entry| entry.spec.place.menu));
        let zoom =
            entries.iter().find(|entry| entry.spec.command == DocumentCommand::ZoomIn.into()).expect("it is there");
        assert_eq!((zoom.blocked, !zoom.spec.keys.is_empty()), (Some("No trace is open"), true));
    }

    #[test]
    fn specific_keys_come_before_general_ones() {
        let keys: Vec<KeyboardShortcut> = keys().map(|(_, key)| key).collect();
        for (i, a) in keys.iter().enumerate() {
            for b in &keys[i + 1..] {
                assert_ne!(a, b);
                let shadowed = a.logical_key == b.logical_key && b.modifiers.shift && !a.modifiers.shift;
                assert!(!shadowed, "{b:?} is never reached");
            }
        }
    }
}
