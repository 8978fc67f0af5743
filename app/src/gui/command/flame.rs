//! What the user can do with the flame graph. Says what; how is the document's.

use poolscope_analysis::flame::{Merge, Weight};

/// Something the user wants of the flame graph of an open trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlameCommand {
    /// Show the stacks of the selected row of the table.
    OfRow,
    /// Show the stacks of all rows again.
    OfAll,
    /// What a frame's width is.
    Weight(Weight),
    /// From which end stacks are merged.
    Merge(Merge),
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
    /// Every one, in the order of the menu.
    pub const ALL: [Self; 16] = [
        Self::OfRow,
        Self::OfAll,
        Self::Weight(Weight::ImpactingSize),
        Self::Weight(Weight::ImpactingCount),
        Self::Weight(Weight::Size),
        Self::Weight(Weight::Count),
        Self::Merge(Merge::Callers),
        Self::Merge(Merge::Callees),
        Self::RootAtTop(false),
        Self::RootAtTop(true),
        Self::ZoomIn,
        Self::ZoomOut,
        Self::FilterTo,
        Self::ShowInTable,
        Self::CopyName,
        Self::CopyStack,
    ];

    /// The name in menus, and the accessible name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::OfRow => "Flame graph of this row",
            Self::OfAll => "Flame graph of all rows",
            Self::Weight(Weight::ImpactingSize) => "Impacting size",
            Self::Weight(Weight::ImpactingCount) => "Impacting count",
            Self::Weight(Weight::Size) => "Size",
            Self::Weight(Weight::Count) => "Count",
            Self::Merge(Merge::Callers) => "Callers first",
            Self::Merge(Merge::Callees) => "Inverted, who allocates first",
            Self::RootAtTop(false) => "Flame, root at the bottom",
            Self::RootAtTop(true) => "Icicle, root at the top",
            Self::ZoomIn => "Zoom to frame",
            Self::ZoomOut => "Zoom out of frame",
            Self::FilterTo => "Filter to this frame",
            Self::ShowInTable => "Show frame in table",
            Self::CopyName => "Copy name",
            Self::CopyStack => "Copy stack path",
        }
    }
}
