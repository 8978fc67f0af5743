//! Names of the pages of an open trace.

/// Name of a page of an open trace: what commands, background work and remembered settings of the page are filed under. A page
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
    /// Facts about the trace and its data quality.
    pub const TRACE_INFO: Self = Self("trace_info");
    /// Modules on the stacks and their symbols.
    pub const MODULES: Self = Self("modules");
}

impl Default for PageId {
    fn default() -> Self {
        Self::ANALYSIS
    }
}
