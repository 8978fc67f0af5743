//! Analyzes what leaks in an open trace, by the engine; cancelled work gives no answer.

use std::sync::Arc;

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::leaks::{AnalysisRequest, LeakAnalysis, analyze};
use poolscope_base::progress::CancelToken;

/// Request to analyze what leaks.
#[derive(Clone)]
pub struct LeaksRequest {
    /// The trace and its texts.
    pub names: Arc<ColumnValues>,
    /// The question.
    pub request: AnalysisRequest,
}

/// Result of the analysis.
pub struct LeaksAnswer {
    /// The trace and its texts.
    pub names: Arc<ColumnValues>,
    /// The suspects.
    pub judgement: LeakAnalysis,
}

/// Analyzes what leaks; `None` when cancelled.
pub(super) fn run(request: LeaksRequest, cancel: &CancelToken) -> Option<LeaksAnswer> {
    let LeaksRequest { names, request } = request;
    let judgement = analyze(&names, request, &|| cancel.is_cancelled()).ok()?;
    (!cancel.is_cancelled()).then_some(LeaksAnswer { names, judgement })
}
