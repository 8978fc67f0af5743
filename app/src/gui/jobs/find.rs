//! Looks for a text in all rows of the table, open or not. Cancelled work gives no answer.

use std::sync::Arc;

use poolscope_analysis::pivot::find::{FindRequest as Wanted, FindResult, find};
use poolscope_analysis::pivot::{Pivot, SortOrder};
use poolscope_base::progress::CancelToken;

/// Matches that are listed at most.
const MOST_MATCHES: usize = 10_000;

/// Request to search the rows.
pub struct FindRequest {
    /// The groups below the table.
    pub pivot: Arc<Pivot>,
    /// The order of the rows.
    pub sort: SortOrder,
    /// The text.
    pub text: String,
    /// True if upper and lower case differ.
    pub case_sensitive: bool,
}

/// Result of a search.
#[derive(Debug)]
pub struct FindAnswer {
    /// The groups that were looked through.
    pub pivot: Arc<Pivot>,
    /// The matches.
    pub found: FindResult,
}

pub(super) fn run(request: FindRequest, cancel: &CancelToken) -> Option<FindAnswer> {
    let FindRequest { pivot, sort, text, case_sensitive } = request;
    let wanted = Wanted { text, case_sensitive, whole: false, limit: MOST_MATCHES };
    let found = find(&pivot, sort, &wanted, &|| cancel.is_cancelled()).ok()?;
    Some(FindAnswer { pivot, found })
}
