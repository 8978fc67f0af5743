//! Sums by type of a selected time range, as if it were the visible range. Cancelled work gives no answer.

use std::sync::Arc;

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::pivot::{Aggregate, Key, PivotRequest, pivot};
use poolscope_analysis::trace::time::TimeRange;
use poolscope_base::progress::CancelToken;

use crate::gui::model::filter::{RowFilter, Step};

/// A range to sum up.
pub struct TotalsRequest {
    /// The trace and its texts.
    pub names: Arc<ColumnValues>,
    /// The range.
    pub range: TimeRange,
    /// The filter's steps; their types are relative to the range.
    pub steps: Vec<Step>,
}

/// The sums of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotalsAnswer {
    /// Number of the request.
    pub generation: u64,
    /// The range.
    pub range: TimeRange,
    /// Sums over all rows that live in it.
    pub total: Aggregate,
    /// The same by type, in the order AIFI, AIFO, AOFI, AOFO; types without rows are left out.
    pub by_type: Vec<(String, Aggregate)>,
}

pub(super) fn run(request: TotalsRequest, generation: u64, cancel: &CancelToken) -> Option<TotalsAnswer> {
    let TotalsRequest { names, range, steps } = request;
    let cancelled = || cancel.is_cancelled();
    // Its own narrowing: the view's rows are kept for table and curves.
    let rows = RowFilter::new(steps).rows(&names, range, &cancelled).ok()?;
    let question = PivotRequest { keys: &[Key::Type], visible_range: range, rows: rows.as_deref() };
    let pivot = pivot(&names, &question, &cancelled).ok()?;
    let text = |group: usize| {
        let column = pivot.columns().first()?;
        Some(column.text(*pivot.ids(group).first()?).into_owned())
    };
    let by_type = pivot.aggregates().iter().enumerate().filter_map(|(group, cost)| Some((text(group)?, *cost)));
    Some(TotalsAnswer { generation, range, total: *pivot.total(), by_type: by_type.collect() })
}
