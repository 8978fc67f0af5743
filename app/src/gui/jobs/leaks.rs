//! Judges what leaks in an open trace. The judge is the engine's; cancelled work gives no answer.

use std::sync::Arc;

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_base::progress::CancelToken;
use poolscope_analysis::leaks::{LeakAnalysis, AnalysisRequest, analyze};

/// What to judge, and by which names.
#[derive(Clone)]
pub struct LeaksRequest {
    /// The trace and its texts.
    pub names: Arc<ColumnValues>,
    /// The question.
    pub request: AnalysisRequest,
}

/// What was found, and by which names.
pub struct LeaksAnswer {
    /// The trace and its texts.
    pub names: Arc<ColumnValues>,
    /// The suspects.
    pub judgement: LeakAnalysis,
}

pub(super) fn run(request: LeaksRequest, cancel: &CancelToken) -> Option<LeaksAnswer> {
    let LeaksRequest { names, request } = request;
    let judgement = analyze(&names, request, &|| cancel.is_cancelled()).ok()?;
    (!cancel.is_cancelled()).then_some(LeaksAnswer { names, judgement })
}
