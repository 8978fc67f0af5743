//! Commands about what leaks, and their rows in the command table.

use crate::gui::commands::table::{CommandSpec, MenuPlace};
use crate::gui::commands::{Command, DocumentCommand, Menu, PageCommand};
use crate::gui::model::page_id::PageId;
use poolscope_analysis::leaks::SuspectGrouping;

/// Something the user wants of the suspects of an open trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuspectsCommand {
    /// Show the rows of the selected suspect, or of the worst one.
    Show,
    /// Leave only the rows of the selected suspect.
    FilterTo,
    /// Show the stacks of the selected suspect, or of the worst one, as a flame graph.
    Flame,
    /// Change the unit of analysis.
    Grouping(SuspectGrouping),
    /// Analyze the visible range, or the whole trace again.
    View,
    /// List those that do not leak, too, or no longer.
    NonLeaking,
    /// Show or hide the summary banner.
    Headline,
    /// Copy the selected suspects as a table.
    CopyTable,
}

impl SuspectsCommand {
    /// All of them with the ids of their rows, in the order of the menu.
    const ALL: [(Self, &'static str); 11] = [
        (Self::Show, "suspects.show"),
        (Self::FilterTo, "suspects.filter_to"),
        (Self::Flame, "suspects.flame"),
        (Self::Grouping(SuspectGrouping::Tag), "suspects.by_tag"),
        (Self::Grouping(SuspectGrouping::Stack), "suspects.by_stack"),
        (Self::Grouping(SuspectGrouping::Driver), "suspects.by_driver"),
        (Self::Grouping(SuspectGrouping::Process), "suspects.by_process"),
        (Self::View, "suspects.visible_range_only"),
        (Self::NonLeaking, "suspects.non_leaking"),
        (Self::Headline, "suspects.summary_banner"),
        (Self::CopyTable, "suspects.copy_table"),
    ];

    /// The rows of the command table.
    pub(super) fn rows() -> Vec<CommandSpec> {
        let place = MenuPlace::within(Menu::View, 0, "Leaks");
        let row = |(command, id): (Self, &'static str)| {
            let row = CommandSpec::new(id, command, command.title(), place);
            if command == Self::Show { row.widget_key("Enter") } else { row }
        };
        Self::ALL.map(row).into()
    }

    /// The command with this id.
    pub(super) fn of_id(id: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == id).map(|(command, _)| *command)
    }

    fn page_command(self) -> PageCommand {
        let id = Self::ALL.iter().find(|(command, _)| *command == self).map_or("", |(_, id)| id);
        PageCommand { page: PageId::SUSPECTS, id }
    }

    /// The title in menus, and the accessible name of buttons.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Show => "Show in table",
            Self::FilterTo => "Filter to suspect",
            Self::Flame => "Show flame graph of suspect",
            Self::Grouping(SuspectGrouping::Tag) => "Group by tag",
            Self::Grouping(SuspectGrouping::Stack) => "Group by stack",
            Self::Grouping(SuspectGrouping::Driver) => "Group by driver",
            Self::Grouping(SuspectGrouping::Process) => "Group by process",
            Self::View => "Analyze visible range only",
            Self::NonLeaking => "Show non-leaking tags",
            Self::Headline => "Show summary banner",
            Self::CopyTable => "Copy suspects as table",
        }
    }
}

impl From<SuspectsCommand> for DocumentCommand {
    fn from(command: SuspectsCommand) -> Self {
        Self::OfPage(command.page_command())
    }
}

impl From<SuspectsCommand> for Command {
    fn from(command: SuspectsCommand) -> Self {
        Self::Document(command.into())
    }
}
