//! Commands about the flame graph, and their rows in the command table.

use crate::gui::commands::table::{CommandSpec, MenuPlace};
use crate::gui::commands::{Command, DocumentCommand, Menu, PageCommand};
use crate::gui::model::page_id::PageId;
use poolscope_analysis::flame::{FlameDirection, FlameMetric};

/// Something the user wants of the flame graph of an open trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlameCommand {
    /// Show the stacks of the selected row of the table.
    OfRow,
    /// Show the stacks of all rows again.
    OfAll,
    /// Change the metric that makes a frame wide.
    Metric(FlameMetric),
    /// Change the end that stacks are merged from.
    Direction(FlameDirection),
    /// The root at the top, or at the bottom.
    RootAtTop(bool),
    /// Give the selected frame the whole width.
    ZoomIn,
    /// The width as it was before.
    ZoomOut,
    /// Leave only the rows whose stacks have the selected frame.
    FilterTo,
    /// Go to the row of the table that has most of the selected frame.
    ShowInTable,
    /// Copy the name of the selected frame.
    CopyName,
    /// Copy the frames from the root to the selected one.
    CopyStack,
}

impl FlameCommand {
    /// All of them with the ids of their rows, in the order of the menu.
    const ALL: [(Self, &'static str); 16] = [
        (Self::OfRow, "flame.of_row"),
        (Self::OfAll, "flame.of_all"),
        (Self::Metric(FlameMetric::ImpactingSize), "flame.impacting_size"),
        (Self::Metric(FlameMetric::ImpactingCount), "flame.impacting_count"),
        (Self::Metric(FlameMetric::Size), "flame.size"),
        (Self::Metric(FlameMetric::Count), "flame.count"),
        (Self::Direction(FlameDirection::TopDown), "flame.top_down"),
        (Self::Direction(FlameDirection::BottomUp), "flame.bottom_up"),
        (Self::RootAtTop(false), "flame.root_at_bottom"),
        (Self::RootAtTop(true), "flame.root_at_top"),
        (Self::ZoomIn, "flame.zoom_in"),
        (Self::ZoomOut, "flame.zoom_out"),
        (Self::FilterTo, "flame.filter_to"),
        (Self::ShowInTable, "flame.show_in_table"),
        (Self::CopyName, "flame.copy_name"),
        (Self::CopyStack, "flame.copy_stack"),
    ];

    /// The rows of the command table.
    pub(super) fn rows() -> Vec<CommandSpec> {
        let place = MenuPlace::within(Menu::View, 0, "Stacks");
        let row = |(command, id): (Self, &'static str)| {
            CommandSpec::new(id, command, command.title(), place).in_row_menu(command == Self::OfRow)
        };
        Self::ALL.map(row).into()
    }

    /// The command with this id.
    pub(super) fn of_id(id: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == id).map(|(command, _)| *command)
    }

    fn page_command(self) -> PageCommand {
        let id = Self::ALL.iter().find(|(command, _)| *command == self).map_or("", |(_, id)| id);
        PageCommand { page: PageId::FLAME, id }
    }

    /// The title in menus, and the accessible name of buttons.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::OfRow => "Show flame graph of row",
            Self::OfAll => "Show flame graph of all rows",
            Self::Metric(FlameMetric::ImpactingSize) => "Impacting size",
            Self::Metric(FlameMetric::ImpactingCount) => "Impacting count",
            Self::Metric(FlameMetric::Size) => "Size",
            Self::Metric(FlameMetric::Count) => "Count",
            Self::Direction(FlameDirection::TopDown) => "Top-down (callers)",
            Self::Direction(FlameDirection::BottomUp) => "Bottom-up (inverted)",
            Self::RootAtTop(false) => "Flame, root at bottom",
            Self::RootAtTop(true) => "Icicle, root at top",
            Self::ZoomIn => "Zoom to frame",
            Self::ZoomOut => "Zoom out of frame",
            Self::FilterTo => "Filter to this frame",
            Self::ShowInTable => "Show frame in table",
            Self::CopyName => "Copy name",
            Self::CopyStack => "Copy stack path",
        }
    }
}

impl From<FlameCommand> for DocumentCommand {
    fn from(command: FlameCommand) -> Self {
        Self::OfPage(command.page_command())
    }
}

impl From<FlameCommand> for Command {
    fn from(command: FlameCommand) -> Self {
        Self::Document(command.into())
    }
}
