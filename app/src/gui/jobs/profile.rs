//! Profile of the selected row: sizes, lifetimes, processes and stacks of its allocations. Cancelled work gives no answer.

use std::sync::Arc;

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::pivot::RowPath;
use poolscope_analysis::pivot::details::{RowDetails, row_details};
use poolscope_analysis::trace::time::TimeRange;
use poolscope_base::progress::CancelToken;

use super::rows::RowChoice;
use crate::gui::model::filter::RowFilter;

/// A row to look into.
pub struct ProfileRequest {
    /// The trace and its texts.
    pub names: Arc<ColumnValues>,
    /// Path of the row in the tree.
    pub place: RowPath,
    /// The view that its figures are relative to.
    pub range: TimeRange,
    /// Filter of the rows.
    pub filter: Arc<RowFilter>,
}

/// Profile of its allocations.
#[derive(Debug)]
pub struct ProfileAnswer {
    /// Path of the row in the tree.
    pub place: RowPath,
    /// Its blocks.
    pub profile: RowDetails,
}

pub(super) fn run(request: ProfileRequest, cancel: &CancelToken) -> Option<ProfileAnswer> {
    let ProfileRequest { names, place, range, filter } = request;
    let choice = RowChoice { names: Arc::clone(&names), range, filter, impacting: false, place: Some(place.clone()) };
    let rows = choice.rows(cancel).ok()??;
    let profile = row_details(&names, &rows, range, &|| cancel.is_cancelled()).ok()?;
    Some(ProfileAnswer { place, profile })
}
