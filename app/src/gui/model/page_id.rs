//! Names of pages.

/// Name of a page: what commands, background work and remembered settings of the page are filed under. A page
/// that others lead to has a constant here; any other page defines its name in its own folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageId(pub &'static str);

impl PageId {
    /// Graph and table.
    pub const ANALYSIS: Self = Self("analysis");
    /// The ranked list of what leaks.
    pub const SUSPECTS: Self = Self("suspects");
    /// Merged stacks.
    pub const FLAME: Self = Self("flame");
    /// Callers and callees of a function or module.
    pub const BUTTERFLY: Self = Self("butterfly");
    /// Two traces, or two ranges of one, side by side.
    pub const COMPARE: Self = Self("compare");
    /// Facts about the trace and its data quality.
    pub const TRACE_INFO: Self = Self("trace_info");
    /// Modules on the stacks and their symbols.
    pub const MODULES: Self = Self("modules");
    /// Evidence of several kinds, or a performance log.
    pub const CASE: Self = Self("case");
    /// Start page, shown while no tab is open.
    pub const START: Self = Self("start");
    /// Recording page: commands for another machine, and the recording on this one.
    pub const RECORDING: Self = Self("recording");
}

/// Id of the command that shows callers and callees of the frame that is selected on the page in front.
pub const BUTTERFLY_OF_SELECTION: &str = "butterfly.of_selection";

impl Default for PageId {
    fn default() -> Self {
        Self::ANALYSIS
    }
}
