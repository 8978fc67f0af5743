//! The open traces of the window, as pages that compare traces see them.

use std::sync::Arc;

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::trace::time::{Ticks, TimeRange};

/// An open trace.
#[derive(Clone)]
pub struct OpenTrace {
    /// Its tab.
    pub tab: u64,
    /// Name of its file, or the whole path where another open trace has the same name.
    pub name: String,
    /// The trace and its texts.
    pub names: Arc<ColumnValues>,
    /// The visible range of its pages.
    pub visible_range: TimeRange,
    /// The range that is selected in its graph.
    pub selection: Option<TimeRange>,
    /// Markers on its time axis, ascending.
    pub marks: Vec<Ticks>,
}

impl OpenTrace {
    /// The whole trace.
    #[must_use]
    pub fn whole(&self) -> TimeRange {
        self.names.trace().extent
    }

    /// Returns whether it is an open trace with these texts' trace.
    #[must_use]
    pub fn is_of(&self, names: &ColumnValues) -> bool {
        Arc::ptr_eq(self.names.trace(), names.trace())
    }
}
