//! Commands of the compare page, and their rows in the command table.

use crate::gui::commands::table::{CommandSpec, MenuPlace};
use crate::gui::commands::{Command, DocumentCommand, Menu, PageCommand};
use crate::gui::model::page_id::PageId;

/// Something the user wants of the compare page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComparePageCommand {
    /// Exchange baseline and comparison.
    Swap,
    /// Compare the first half of the visible range with the second.
    Halves,
    /// Compare figures as they are.
    Raw,
    /// Compare figures per second.
    PerSecond,
    /// Group by the key columns of the analysis page.
    AnalysisColumns,
}

impl ComparePageCommand {
    /// All of them with the ids of their rows, in the order of the menu.
    const ALL: [(Self, &'static str); 5] = [
        (Self::Swap, "compare.swap"),
        (Self::Halves, "compare.halves"),
        (Self::Raw, "compare.raw"),
        (Self::PerSecond, "compare.per_second"),
        (Self::AnalysisColumns, "compare.analysis_columns"),
    ];

    /// The rows of the command table.
    pub(super) fn rows() -> Vec<CommandSpec> {
        let place = MenuPlace::within(Menu::View, 0, "Comparison");
        Self::ALL.map(|(command, id)| CommandSpec::new(id, command, command.title(), place)).into()
    }

    /// The command with this id.
    pub(super) fn of_id(id: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == id).map(|(command, _)| *command)
    }

    fn page_command(self) -> PageCommand {
        let id = Self::ALL.iter().find(|(command, _)| *command == self).map_or("", |(_, id)| id);
        PageCommand { page: PageId::COMPARE, id }
    }

    /// The title in menus, and the accessible name of buttons.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Swap => "Swap baseline and comparison",
            Self::Halves => "Compare both halves of the visible range",
            Self::Raw => "Compare figures as recorded",
            Self::PerSecond => "Compare figures per second",
            Self::AnalysisColumns => "Compare by the columns of Analysis",
        }
    }
}

impl From<ComparePageCommand> for DocumentCommand {
    fn from(command: ComparePageCommand) -> Self {
        Self::OfPage(command.page_command())
    }
}

impl From<ComparePageCommand> for Command {
    fn from(command: ComparePageCommand) -> Self {
        Self::Document(command.into())
    }
}
