//! Course, growth and processes of the rows on the screen, for the extra columns of a wide table. They need every allocation once
//! more and are computed when nothing else is. Cancelled work gives no answer.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use poolscope_analysis::group::column_values::{ColumnValues, unknown_process};
use poolscope_analysis::pivot::{Evaluator, NodeId, Pivot, Trend, Value};
use poolscope_analysis::series::SharedEventOrder;
use poolscope_analysis::trace::Trace;
use poolscope_base::progress::CancelToken;

use crate::format;
use crate::gui::document::table_model::ShownTrend;
use crate::gui::document::{Document, Layout};
use crate::gui::model::filter::RowFilter;
use crate::gui::model::page_id::PageId;

/// The job.
pub(super) const TRENDS: &str = "trends";

/// Request for the trends of some rows.
pub(super) struct TrendsRequest {
    names: Arc<ColumnValues>,
    pivot: Arc<Pivot>,
    filter: Arc<RowFilter>,
    order: Arc<SharedEventOrder>,
    known: Option<Arc<Evaluator>>,
    /// Nodes and the runs of groups that they add up.
    wanted: Vec<(NodeId, Range<u32>)>,
}

/// The trends.
pub(super) struct TrendsAnswer {
    pivot: Arc<Pivot>,
    evaluator: Arc<Evaluator>,
    trends: Vec<(NodeId, ShownTrend)>,
}

/// Time for which the rows on the screen stay the same before their trends are computed: a table that is being scrolled asks anew for
/// each page, and the processors are needed to draw it.
const REST: Duration = Duration::from_millis(150);
/// Interval at which a waiting job looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(10);

/// Computes trends, after a rest; `None` when cancelled.
pub(super) fn run(request: &TrendsRequest, cancel: &CancelToken) -> Option<TrendsAnswer> {
    let mut waited = Duration::ZERO;
    while waited < REST {
        if cancel.is_cancelled() {
            return None;
        }
        std::thread::sleep(LOOK);
        waited += LOOK;
    }
    let TrendsRequest { names, pivot, filter, order, known, wanted } = request;
    let cancelled = || cancel.is_cancelled();
    let evaluator = match known {
        Some(known) => Arc::clone(known),
        None => {
            let rows = filter.rows(names, pivot.visible_range(), &cancelled).ok()?;
            Arc::new(Evaluator::new(Arc::clone(names), pivot, rows, Arc::clone(order)))
        }
    };
    let runs: Vec<Range<u32>> = wanted.iter().map(|(_, run)| run.clone()).collect();
    let trends = evaluator.trends(&runs, &cancelled).ok()?;
    let shown = |trend: Trend| shown(names.trace(), &trend);
    let trends = wanted.iter().map(|(node, _)| *node).zip(trends.into_iter().map(shown)).collect();
    Some(TrendsAnswer { pivot: Arc::clone(pivot), evaluator, trends })
}

fn shown(trace: &Trace, trend: &Trend) -> ShownTrend {
    let process = trend.largest_process.map_or_else(String::new, |process| {
        let row = trace.processes.get(process);
        let label = row.map_or_else(|| unknown_process(process).to_owned(), |row| row.label());
        match trend.processes {
            0 | 1 => label,
            all => format!("{label} and {} more", format::count(all as u64 - 1)),
        }
    });
    ShownTrend {
        points: trend.outstanding.iter().map(|bytes| (*bytes).max(0) as f32).collect(),
        growth: Value::Float(trend.growth_bytes_per_s),
        process,
    }
}

impl Document {
    /// The rows on the screen whose trends are not known and would be seen.
    fn rows_without_trend(&self) -> Vec<NodeId> {
        let is_seen = self.ui.page == PageId::ANALYSIS && self.ui.layout != Layout::Graph;
        let Some(rows) = self.results.rows.as_ref().filter(|_| is_seen && self.ui.table.shown_extras() > 0) else {
            return Vec::new();
        };
        let first = self.ui.table.position().row;
        rows.without_trend(first..first.saturating_add(self.ui.table.shown_rows()).saturating_add(1))
    }

    /// Asks for the trends of the rows on the screen when no other work about rows is pending. While the table is scrolled, a new
    /// request takes the place of the one before.
    pub(super) fn ask_for_trends(&mut self) {
        let first = self.ui.table.position().row;
        let is_scrolled = self.ui.trends_first_row != Some(first);
        let is_waiting = self.is_page_waiting(PageId::ANALYSIS, TRENDS) && !is_scrolled;
        if !is_waiting && !self.is_busy_with_rows() && !self.rows_without_trend().is_empty() {
            self.ui.trends_first_row = Some(first);
            self.ask_page_quietly(PageId::ANALYSIS, TRENDS);
        }
    }

    pub(super) fn trends_request(&self) -> Option<TrendsRequest> {
        if !self.trace.has_times() {
            return None;
        }
        let wanted = self.rows_without_trend();
        let tree = self.results.rows.as_ref()?.flat().tree();
        let known = self.results.row_figures.as_ref().filter(|known| Arc::ptr_eq(known.pivot(), tree.pivot()));
        Some(TrendsRequest {
            names: Arc::clone(&self.results.names),
            pivot: Arc::clone(tree.pivot()),
            filter: Arc::clone(&self.query.filter),
            order: self.results.event_order(),
            known: known.cloned(),
            wanted: wanted.into_iter().map(|node| (node, tree.groups(node))).collect(),
        })
    }

    pub(super) fn apply_trends(&mut self, answer: TrendsAnswer) {
        let Some(rows) = &mut self.results.rows else { return };
        // Node numbers mean nothing in another tree.
        if Arc::ptr_eq(rows.flat().tree().pivot(), &answer.pivot) {
            rows.add_trends(answer.trends);
            self.results.row_figures = Some(answer.evaluator);
        }
    }
}
