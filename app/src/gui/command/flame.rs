//! What the user can do with the flame graph. Says what; how is the document's.

use poolscope_analysis::flame::{FlameDirection, FlameMetric};

/// Something the user wants of the flame graph of an open trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlameCommand {
    /// Show the stacks of the selected row of the table.
    OfRow,
    /// Show the stacks of all rows again.
    OfAll,
    /// What a frame's width is.
    Weight(FlameMetric),
    /// From which end stacks are merged.
    Merge(FlameDirection),
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
        Self::Weight(FlameMetric::ImpactingSize),
        Self::Weight(FlameMetric::ImpactingCount),
        Self::Weight(FlameMetric::Size),
        Self::Weight(FlameMetric::Count),
        Self::Merge(FlameDirection::TopDown),
        Self::Merge(FlameDirection::BottomUp),
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
            Self::Weight(FlameMetric::ImpactingSize) => "Impacting size",
            Self::Weight(FlameMetric::ImpactingCount) => "Impacting count",
            Self::Weight(FlameMetric::Size) => "Size",
            Self::Weight(FlameMetric::Count) => "Count",
            Self::Merge(FlameDirection::TopDown) => "Callers first",
            Self::Merge(FlameDirection::BottomUp) => "Inverted, who allocates first",
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
