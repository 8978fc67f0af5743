//! Commands about callers and callees, and their rows in the command table.

use poolscope_analysis::butterfly::ButterflyUnit;

use crate::gui::commands::table::{CommandSpec, MenuPlace};
use crate::gui::commands::{Command, DocumentCommand, Menu, PageCommand};
use crate::gui::model::page_id::{BUTTERFLY_OF_SELECTION, PageId};

/// Something the user wants of the butterfly of an open trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ButterflyCommand {
    /// Show callers and callees of the function that is selected on the page in front.
    OfSelection,
    /// Go to the caller or callee under the cursor.
    Walk,
    /// Go to the function before.
    Back,
    /// Go to the function that was gone back from.
    Forward,
    /// Change what frames are joined by.
    Unit(ButterflyUnit),
    /// Leave only the rows whose stacks have the function.
    FilterTo,
    /// Copy the row under the cursor.
    CopyRow,
}

impl ButterflyCommand {
    /// All of them with the ids of their rows, in the order of the menu.
    const ALL: [(Self, &'static str); 8] = [
        (Self::OfSelection, BUTTERFLY_OF_SELECTION),
        (Self::Walk, "butterfly.walk"),
        (Self::Back, "butterfly.back"),
        (Self::Forward, "butterfly.forward"),
        (Self::Unit(ButterflyUnit::Function), "butterfly.by_function"),
        (Self::Unit(ButterflyUnit::Module), "butterfly.by_module"),
        (Self::FilterTo, "butterfly.filter_to"),
        (Self::CopyRow, "butterfly.copy_row"),
    ];

    /// The rows of the command table.
    pub(super) fn rows() -> Vec<CommandSpec> {
        let place = MenuPlace::within(Menu::View, 0, "Callers and callees");
        let row = |(command, id): (Self, &'static str)| {
            CommandSpec::new(id, command, command.title(), place).in_row_menu(command == Self::OfSelection)
        };
        Self::ALL.map(row).into()
    }

    /// The command with this id.
    pub(super) fn of_id(id: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == id).map(|(command, _)| *command)
    }

    fn page_command(self) -> PageCommand {
        let id = Self::ALL.iter().find(|(command, _)| *command == self).map_or("", |(_, id)| id);
        PageCommand { page: PageId::BUTTERFLY, id }
    }

    /// The title in menus, and the accessible name of buttons.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::OfSelection => "Show callers and callees",
            Self::Walk => "Go to caller or callee",
            Self::Back => "Previous function",
            Self::Forward => "Next function",
            Self::Unit(ButterflyUnit::Function) => "Callers and callees by function",
            Self::Unit(ButterflyUnit::Module) => "Callers and callees by module",
            Self::FilterTo => "Filter to this function",
            Self::CopyRow => "Copy row",
        }
    }
}

impl From<ButterflyCommand> for DocumentCommand {
    fn from(command: ButterflyCommand) -> Self {
        Self::OfPage(command.page_command())
    }
}

impl From<ButterflyCommand> for Command {
    fn from(command: ButterflyCommand) -> Self {
        Self::Document(command.into())
    }
}
