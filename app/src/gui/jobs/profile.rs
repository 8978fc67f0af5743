//! What the blocks of the selected row are like: sizes, lifetimes, processes, stacks. Cancelled work gives no answer.

use std::sync::Arc;

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_base::progress::CancelToken;
use poolscope_analysis::pivot::RowPath;
use poolscope_analysis::pivot::details::{RowDetails, row_details};
use poolscope_analysis::trace::time::TimeRange;

use super::rows::RowChoice;
use crate::gui::state::filter::Narrowing;

/// A row to look into.
pub struct ProfileRequest {
    /// The trace and its texts.
    pub names: Arc<ColumnValues>,
    /// Where the row is in the tree.
    pub place: RowPath,
    /// The view that its figures are relative to.
    pub view: TimeRange,
    /// Which rows are shown.
    pub filter: Arc<Narrowing>,
}

/// What its blocks are like.
#[derive(Debug)]
pub struct ProfileAnswer {
    /// Where the row is in the tree.
    pub place: RowPath,
    /// Its blocks.
    pub profile: RowDetails,
}

pub(super) fn run(request: ProfileRequest, cancel: &CancelToken) -> Option<ProfileAnswer> {
    let ProfileRequest { names, place, view, filter } = request;
    let choice = RowChoice { names: Arc::clone(&names), view, filter, impacting: false, place: Some(place.clone()) };
    let rows = choice.rows(cancel).ok()??;
    let profile = row_details(&names, &rows, view, &|| cancel.is_cancelled()).ok()?;
    Some(ProfileAnswer { place, row_details })
}
