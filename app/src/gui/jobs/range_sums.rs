//! Sums by group that make the rows of another visible range quick to compute. They are prepared after the rows are shown, serve
//! one set of key columns and one filter, and are replaced with these. Cancelled work gives no answer.

use std::sync::Arc;

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::parallel::Cancelled;
use poolscope_analysis::group::range_sums::RangeSums;
use poolscope_analysis::pivot::{Key, Pivot, pivot_of_range};
use poolscope_analysis::series::SharedEventOrder;
use poolscope_analysis::trace::time::TimeRange;
use poolscope_base::progress::CancelToken;

use crate::gui::model::filter::RowFilter;
use crate::gui::model::query::GroupsQuery;

/// Number of allocations from which on sums are prepared. A pass over fewer takes less than a frame.
pub const MIN_ALLOCATIONS: usize = 1 << 18;

/// Request for sums.
#[derive(Clone)]
pub struct RangeSumsRequest {
    /// The trace and its texts.
    pub names: Arc<ColumnValues>,
    /// Key columns, outermost first.
    pub keys: Vec<Key>,
    /// The filter of the rows, which does not depend on the visible range.
    pub filter: Arc<RowFilter>,
    /// The trace's events in order of time: made by the first request that needs it, kept for the next.
    pub order: Arc<SharedEventOrder>,
}

impl RangeSumsRequest {
    /// Returns whether it is about the groups that a query asks for, whatever the visible range.
    #[must_use]
    pub fn serves(&self, names: &Arc<ColumnValues>, query: &GroupsQuery) -> bool {
        Arc::ptr_eq(&self.names, names) && self.keys == query.keys() && self.filter == *query.filter()
    }
}

/// The sums.
#[derive(Clone)]
pub struct RangeSumsAnswer {
    request: RangeSumsRequest,
    /// `None` where there are none: for too many groups, or in a damaged trace.
    sums: Option<Arc<RangeSums>>,
}

impl RangeSumsAnswer {
    /// The request.
    #[must_use]
    pub fn request(&self) -> &RangeSumsRequest {
        &self.request
    }

    /// The groups of a visible range; `None` where all allocations have to be visited.
    ///
    /// # Errors
    /// [`Cancelled`] once `cancel` says so.
    pub(super) fn groups(&self, range: TimeRange, cancel: &CancelToken) -> Result<Option<Pivot>, Cancelled> {
        match &self.sums {
            Some(sums) => pivot_of_range(sums, range, &|| cancel.is_cancelled()),
            None => Ok(None),
        }
    }
}

pub(super) fn run(request: RangeSumsRequest, cancel: &CancelToken) -> Option<RangeSumsAnswer> {
    let RangeSumsRequest { names, keys, filter, order } = &request;
    let cancelled = || cancel.is_cancelled();
    // Which range is asked for makes no difference to this filter.
    let rows = filter.rows(names, names.trace().extent, &cancelled).ok()?;
    let sums = RangeSums::new(names, keys, rows, order, &cancelled).ok()?.map(Arc::new);
    Some(RangeSumsAnswer { request, sums })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use poolscope_analysis::group::frames::FrameNaming;
    use poolscope_analysis::load::{LoadOptions, load};
    use poolscope_analysis::pivot::{PivotRequest, pivot};
    use poolscope_analysis::trace::time::Ticks;
    use poolscope_base::progress::Progress;
    use poolscope_etl::file::TraceFile;
    use poolscope_synth::{SynthParams, write_trace};

    use super::*;
    use crate::gui::model::filter::Step;
    use crate::gui::model::presets::BuiltIn;
    use crate::gui::model::query::Query;

    #[test]
    fn sums_answer_ranges_of_their_own_groups_and_no_other_question() {
        let mut file = Cursor::new(Vec::new());
        let params = SynthParams { allocations: 800, ..SynthParams::default() };
        write_trace(&mut file, &params, None).unwrap();
        let file = TraceFile::from_bytes(file.into_inner(), "made up").unwrap();
        let never = CancelToken::default();
        let trace = load(file, LoadOptions::default(), &Progress::default(), &never).unwrap();
        let names = Arc::new(ColumnValues::new(Arc::clone(&trace), FrameNaming::Symbol));
        let mut query = Query::new(trace.extent, BuiltIn::LeakHunt.preset().layout);
        query.filter = Arc::new(RowFilter::new(vec![Step::Query("size:>64".parse().unwrap())]));
        let groups = query.groups();
        let request = RangeSumsRequest {
            names: Arc::clone(&names),
            keys: groups.keys().to_vec(),
            filter: Arc::clone(groups.filter()),
            order: Arc::default(),
        };
        let answer = run(request.clone(), &never).unwrap();
        let third = (trace.extent.to.0 - trace.extent.from.0) / 3;
        for range in [trace.extent, TimeRange { from: Ticks(third), to: Ticks(2 * third) }] {
            let found = answer.groups(range, &never).unwrap().unwrap();
            let rows = groups.filter().rows(&names, range, &|| false).unwrap();
            let question = PivotRequest { keys: groups.keys(), visible_range: range, rows: rows.as_deref() };
            let plain = pivot(&names, &question, &|| false).unwrap();
            let sums =
                |pivot: &Pivot| (0..pivot.len()).map(|g| pivot.aggregates()[g].without_extremes()).collect::<Vec<_>>();
            assert!(sums(&found) == sums(&plain) && found.len() > 5);
        }
        query.range = TimeRange { from: Ticks(0), to: Ticks(third) };
        assert!(answer.request().serves(&names, &query.groups()), "in any range");
        let renamed = Arc::new(names.with_naming(FrameNaming::Address));
        assert!(!answer.request().serves(&renamed, &query.groups()));
        query.filter = Arc::default();
        assert!(!answer.request().serves(&names, &query.groups()));
        let cancelled = CancelToken::default();
        cancelled.cancel();
        assert!(run(request, &cancelled).is_none());
    }
}
