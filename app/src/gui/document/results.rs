//! Results of background work for an open trace. Rows and curves carry the question that they answer: they are outdated when the document
//! asks another one.

use std::sync::Arc;

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::pivot::Evaluator;
use poolscope_analysis::series::SharedEventOrder;
use poolscope_analysis::trace::Trace;

use crate::gui::document::details::Details;
use crate::gui::document::table_model::Rows;
use crate::gui::jobs::curves::{Curve, CurveIndexSlot, CurvesAnswer};
use crate::gui::jobs::profile::ProfileAnswer;
use crate::gui::jobs::range_sums::{RangeSumsAnswer, RangeSumsRequest};
use crate::gui::jobs::tag_sources::TagSources;
use crate::gui::jobs::totals::TotalsAnswer;
use crate::gui::model::query::{GroupsQuery, OverviewQuery};
use crate::gui::model::symbols::Symbols;
use crate::gui::widgets::graph::{GraphData, Overview};

/// Rows, curves, sums, names: everything that background work has found out.
pub struct Results {
    /// Texts of the trace: names of frames, processes, tags.
    pub names: Arc<ColumnValues>,
    /// Names that take the place of the others with the next rows.
    pub(in crate::gui) pending_names: Option<Arc<ColumnValues>>,
    /// State of the search for symbols.
    pub symbols: Symbols,
    /// Revision of the symbols that the names were asked for with.
    pub(in crate::gui) named_revision: u64,
    /// Descriptions and owners of tags from outside the trace.
    pub tag_sources: TagSources,
    /// Rows of the table.
    pub rows: Option<Rows>,
    /// Question that the rows answer.
    pub(in crate::gui) groups_query: Option<GroupsQuery>,
    /// Sums that the rows of other visible ranges are computed from.
    pub(in crate::gui) range_sums: Option<RangeSumsAnswer>,
    /// The latest request for them.
    pub(in crate::gui) range_sums_request: Option<RangeSumsRequest>,
    /// Index that metrics which are no sums are computed from.
    pub(in crate::gui) row_figures: Option<Arc<Evaluator>>,
    /// Allocations and bytes of the selected rows.
    pub(in crate::gui) selected_sums: Option<(u64, u64)>,
    /// Curves of the largest groups.
    pub(in crate::gui) curves: Option<CurvesAnswer>,
    /// Curves of pinned rows, and of the row under the cursor.
    pub(in crate::gui) pinned_curves: Vec<Curve>,
    /// Curve of the whole trace.
    pub overview: Overview,
    /// Question that this curve answers.
    pub(in crate::gui) overview_query: Option<OverviewQuery>,
    /// Curves as the graph draws them.
    pub graph_data: Option<GraphData>,
    /// Reason why the last curves could not be computed.
    pub curves_error: Option<String>,
    /// Sums of the selected range.
    pub totals: Option<TotalsAnswer>,
    /// Details of the row under the cursor.
    pub details: Option<Details>,
    /// Sizes, ages, processes and stacks of that row's allocations.
    pub profile: Option<ProfileAnswer>,
    /// The trace's events in order of time, once a question needed them.
    pub(in crate::gui) event_order: Arc<SharedEventOrder>,
    /// Blocks of these events for the curves of the graph.
    pub(in crate::gui) curve_index: CurveIndexSlot,
}

impl Results {
    /// Results of a trace that was just loaded.
    #[must_use]
    pub(super) fn new(trace: &Arc<Trace>) -> Self {
        Self {
            names: Arc::new(ColumnValues::new(Arc::clone(trace), FrameNaming::Function)),
            pending_names: None,
            symbols: Symbols::default(),
            named_revision: 0,
            tag_sources: TagSources::default(),
            rows: None,
            groups_query: None,
            range_sums: None,
            range_sums_request: None,
            row_figures: None,
            selected_sums: None,
            curves: None,
            pinned_curves: Vec::new(),
            overview: Overview::default(),
            overview_query: None,
            graph_data: None,
            curves_error: None,
            totals: None,
            details: None,
            profile: None,
            event_order: Arc::default(),
            curve_index: Arc::default(),
        }
    }

    /// The place of the trace's events in order of time, which the first question that needs them fills; one for each question if
    /// there is no memory to keep them.
    pub(in crate::gui) fn event_order(&self) -> Arc<SharedEventOrder> {
        if self.names.trace().has_room_for_indices() { Arc::clone(&self.event_order) } else { Arc::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use poolscope_analysis::load::{LoadOptions, load};
    use poolscope_base::progress::{CancelToken, Progress};
    use poolscope_etl::file::TraceFile;

    #[test]
    fn the_order_of_events_is_kept_if_there_is_memory_for_it() {
        let within = |memory_limit_bytes: Option<u64>| {
            let file = TraceFile::from_bytes(sample::TRACE.to_vec(), sample::NAME).expect("the sample opens");
            let options = LoadOptions { free_order: true, memory_limit_bytes, ..LoadOptions::default() };
            load(file, options, &Progress::default(), &CancelToken::none()).ok()
        };
        let is_kept = |trace: &Arc<Trace>| {
            let results = Results::new(trace);
            Arc::ptr_eq(&results.event_order(), &results.event_order())
        };
        let whole = within(None).expect("it loads");
        assert!(is_kept(&whole));
        let limits = (1..512).rev().map(|step| step * (16 << 10));
        let limited = limits.filter_map(|limit| within(Some(limit))).find(|trace| !trace.has_room_for_indices());
        assert!(!is_kept(&limited.expect("a limit costs the indices")));
    }
}
