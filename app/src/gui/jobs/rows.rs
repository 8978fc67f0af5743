//! Rows that a question is about: those that the filter leaves in a visible range, of these only AIFO rows where only they are drawn, of
//! those only the rows below some rows of the tree. Computed on the thread of the request.

use std::sync::Arc;

use poolscope_analysis::filter::RowSet;
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::parallel::Cancelled;
use poolscope_analysis::pivot::{RowPath, rows_of_paths};
use poolscope_analysis::trace::time::TimeRange;
use poolscope_base::progress::CancelToken;

use crate::gui::model::columns::leak_candidates;
use crate::gui::model::filter::RowFilter;

/// A choice of rows.
#[derive(Clone)]
pub struct RowChoice {
    /// The trace and its texts.
    pub names: Arc<ColumnValues>,
    /// The view that type and filter are relative to.
    pub range: TimeRange,
    /// The filter.
    pub filter: Arc<RowFilter>,
    /// Only AIFO rows.
    pub impacting: bool,
    /// Only rows in this place.
    pub place: Option<RowPath>,
}

impl RowChoice {
    /// The rows; `None` for all.
    ///
    /// # Errors
    /// [`Cancelled`] once `cancel` says so.
    pub fn rows(&self, cancel: &CancelToken) -> Result<Option<Arc<RowSet>>, Cancelled> {
        let cancelled = || cancel.is_cancelled();
        let mut rows = self.filter.rows(&self.names, self.range, &cancelled)?;
        let candidates = RowPath(vec![leak_candidates()]);
        for place in self.impacting.then_some(&candidates).into_iter().chain(&self.place) {
            let more = rows_of_paths(std::slice::from_ref(place), &self.names, self.range, &cancelled)?;
            rows = Some(Arc::new(match rows {
                Some(rows) => rows.and(&more),
                None => more,
            }));
        }
        Ok(rows)
    }
}
