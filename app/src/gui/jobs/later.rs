//! Figures that are no sums (peaks, numbers of different values) for rows that are open: they need every allocation once
//! more. Cancelled work gives no answer.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use poolscope_core::column::names::Names;
use poolscope_core::job::CancelToken;
use poolscope_core::pivot::{Figure, GroupRows, NodeId, Number, Pivot};
use poolscope_core::series::EventOrder;

use crate::gui::state::filter::Narrowing;

/// What to compute.
pub struct LaterRequest {
    /// The trace and its texts.
    pub names: Arc<Names>,
    /// The groups.
    pub pivot: Arc<Pivot>,
    /// The filter that they were made with.
    pub filter: Arc<Narrowing>,
    /// The trace's events in order of time: made by the first request that needs it, kept for the next.
    pub order: Arc<OnceLock<EventOrder>>,
    /// Which figures of which nodes: the runs of groups that these add up.
    pub wanted: Vec<(Figure, Vec<(NodeId, Range<u32>)>)>,
}

/// The figures.
#[derive(Debug)]
pub struct LaterAnswer {
    /// The groups that they belong to.
    pub pivot: Arc<Pivot>,
    /// The figures of the nodes.
    pub figures: Vec<(Figure, Vec<(NodeId, Number)>)>,
}

pub(super) fn run(request: &LaterRequest, cancel: &CancelToken) -> Option<LaterAnswer> {
    let LaterRequest { names, pivot, filter, order, wanted } = request;
    let cancelled = || cancel.is_cancelled();
    let rows = filter.rows(names, pivot.view(), &cancelled).ok()?;
    let order = order.get_or_init(|| EventOrder::new(names.trace()));
    let group_rows = GroupRows::new(names, pivot, rows.as_deref());
    let mut figures = Vec::with_capacity(wanted.len());
    for (figure, nodes) in wanted {
        let runs: Vec<Range<u32>> = nodes.iter().map(|(_, run)| run.clone()).collect();
        let numbers = group_rows.nested_figures(*figure, &runs, names, order, &cancelled).ok()?;
        figures.push((*figure, nodes.iter().map(|(node, _)| *node).zip(numbers).collect()));
    }
    Some(LaterAnswer { pivot: Arc::clone(pivot), figures })
}
