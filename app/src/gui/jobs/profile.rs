//! What the blocks of the selected row are like: sizes, lifetimes, processes, stacks. Cancelled work gives no answer.

use std::sync::Arc;

use poolscope_analysis::group::names::Names;
use poolscope_base::progress::CancelToken;
use poolscope_analysis::pivot::Place;
use poolscope_analysis::pivot::profile::{Profile, profile};
use poolscope_analysis::trace::time::TimeRange;

use super::rows::RowChoice;
use crate::gui::state::filter::Narrowing;

/// A row to look into.
pub struct ProfileRequest {
    /// The trace and its texts.
    pub names: Arc<Names>,
    /// Where the row is in the tree.
    pub place: Place,
    /// The view that its figures are relative to.
    pub view: TimeRange,
    /// Which rows are shown.
    pub filter: Arc<Narrowing>,
}

/// What its blocks are like.
#[derive(Debug)]
pub struct ProfileAnswer {
    /// Where the row is in the tree.
    pub place: Place,
    /// Its blocks.
    pub profile: Profile,
}

pub(super) fn run(request: ProfileRequest, cancel: &CancelToken) -> Option<ProfileAnswer> {
    let ProfileRequest { names, place, view, filter } = request;
    let choice = RowChoice { names: Arc::clone(&names), view, filter, impacting: false, place: Some(place.clone()) };
    let rows = choice.rows(cancel).ok()??;
    let profile = profile(&names, &rows, view, &|| cancel.is_cancelled()).ok()?;
    Some(ProfileAnswer { place, profile })
}
