//! Figures that are no sums (peaks, numbers of different values) for rows that are open: they need every allocation once
//! more. Cancelled work gives no answer.

use std::ops::Range;
use std::sync::Arc;

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::pivot::{Evaluator, Metric, NodeId, Pivot, Value};
use poolscope_analysis::series::SharedEventOrder;
use poolscope_base::progress::CancelToken;

use crate::gui::model::filter::RowFilter;

/// Nodes and the runs of groups that they add up.
pub type Runs = Vec<(NodeId, Range<u32>)>;

/// Request for deferred metrics.
pub struct DeferredRequest {
    /// The trace and its texts.
    pub names: Arc<ColumnValues>,
    /// The groups.
    pub pivot: Arc<Pivot>,
    /// The filter that they were made with.
    pub filter: Arc<RowFilter>,
    /// The trace's events in order of time: made by the first request that needs it, kept for the next.
    pub order: Arc<SharedEventOrder>,
    /// Index from an earlier request about these groups.
    pub known: Option<Arc<Evaluator>>,
    /// Metrics and nodes: the runs of groups that the nodes add up.
    pub wanted: Vec<(Metric, Runs)>,
}

/// The figures.
pub struct DeferredAnswer {
    /// The groups that they belong to.
    pub pivot: Arc<Pivot>,
    /// Evaluator to reuse in the next request about these groups.
    pub row_figures: Arc<Evaluator>,
    /// The figures of the nodes.
    pub figures: Vec<(Metric, Vec<(NodeId, Value)>)>,
}

pub(super) fn run(request: &DeferredRequest, cancel: &CancelToken) -> Option<DeferredAnswer> {
    let DeferredRequest { names, pivot, filter, order, known, wanted } = request;
    let cancelled = || cancel.is_cancelled();
    let row_figures = match known {
        Some(known) => Arc::clone(known),
        None => {
            let rows = filter.rows(names, pivot.visible_range(), &cancelled).ok()?;
            Arc::new(Evaluator::new(Arc::clone(names), pivot, rows, Arc::clone(order)))
        }
    };
    let mut figures = Vec::with_capacity(wanted.len());
    for (metric, nodes) in wanted {
        let runs: Vec<Range<u32>> = nodes.iter().map(|(_, run)| run.clone()).collect();
        let values = row_figures.values(*metric, &runs, &cancelled).ok()?;
        figures.push((*metric, nodes.iter().map(|(node, _)| *node).zip(values).collect()));
    }
    Some(DeferredAnswer { pivot: Arc::clone(pivot), row_figures, figures })
}
