//! What a selected range of time would show if it were the view: its sums by type. Cancelled work gives no answer.

use std::sync::Arc;

use poolscope_core::column::names::Names;
use poolscope_core::job::CancelToken;
use poolscope_core::pivot::{Cost, PivotRequest, pivot};
use poolscope_core::trace::time::View;

/// A range to sum up.
pub struct TotalsRequest {
    /// The trace and its texts.
    pub names: Arc<Names>,
    /// The range.
    pub view: View,
}

/// The sums of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TotalsAnswer {
    /// Number of the request.
    pub generation: u64,
    /// The range.
    pub view: View,
    /// Sums over all rows that live in it.
    pub total: Cost,
}

pub(super) fn run(request: &TotalsRequest, generation: u64, cancel: &CancelToken) -> Option<TotalsAnswer> {
    let question = PivotRequest { keys: &[], view: request.view, rows: None };
    let pivot = pivot(&request.names, &question, &|| cancel.is_cancelled()).ok()?;
    Some(TotalsAnswer { generation, view: request.view, total: *pivot.total() })
}
