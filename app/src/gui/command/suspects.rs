//! What the user can do about what leaks. Says what; how is the document's.

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
    /// What is judged as one.
    By(SuspectGrouping),
    /// Judge the visible range, or the whole trace again.
    View,
    /// List those that do not leak, too, or no longer.
    Innocent,
    /// Say above graph and table what leaks, or no longer.
    Headline,
}

impl SuspectsCommand {
    /// Every one, in the order of the menu.
    pub const ALL: [Self; 10] = [
        Self::Show,
        Self::FilterTo,
        Self::Flame,
        Self::By(SuspectGrouping::Tag),
        Self::By(SuspectGrouping::Stack),
        Self::By(SuspectGrouping::Driver),
        Self::By(SuspectGrouping::Process),
        Self::View,
        Self::Innocent,
        Self::Headline,
    ];

    /// The name in menus, and the accessible name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Show => "Show in table",
            Self::FilterTo => "Filter to it",
            Self::Flame => "Flame graph of it",
            Self::By(SuspectGrouping::Tag) => "Judge by tag",
            Self::By(SuspectGrouping::Stack) => "Judge by stack",
            Self::By(SuspectGrouping::Driver) => "Judge by driver",
            Self::By(SuspectGrouping::Process) => "Group by process",
            Self::View => "Judge the view only",
            Self::Innocent => "List what does not leak",
            Self::Headline => "Say above the graph what leaks",
        }
    }
}
