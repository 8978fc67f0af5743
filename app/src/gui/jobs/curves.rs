//! The curves of the graph: one measure of the largest values of a column, the rest folded into "other", and the whole trace in one
//! curve. Cancelled work gives no answer.

use std::sync::Arc;

use poolscope_core::column::names::Names;
use poolscope_core::column::values::Source;
use poolscope_core::job::CancelToken;
use poolscope_core::pivot::Key;
use poolscope_core::select::rowset::RowSet;
use poolscope_core::series::{self, Measure, SeriesRequest, SeriesSet, series};
use poolscope_core::trace::time::View;

/// Points of the overview.
const OVERVIEW_POINTS: usize = 512;
/// Points by which it is decided which curves are drawn.
const RANKING_POINTS: usize = 128;

/// What to draw.
pub struct CurvesRequest {
    /// The trace and its texts.
    pub names: Arc<Names>,
    /// By which column.
    pub key: Key,
    /// What the curves show.
    pub measure: Measure,
    /// Whether blocks from before the trace count.
    pub earlier: bool,
    /// The visible range.
    pub view: View,
    /// The whole trace, for the overview.
    pub whole: View,
    /// How many points each curve has.
    pub points: usize,
    /// How many curves there are at most; the rest is "other".
    pub most: usize,
}

/// One curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// The value of the column that it belongs to; `None` for the sum of the others.
    pub name: Option<String>,
    /// One value for each time.
    pub values: Vec<f64>,
}

/// The curves.
#[derive(Debug, Clone, PartialEq)]
pub struct CurvesAnswer {
    /// Number of the request.
    pub generation: u64,
    /// What they show.
    pub measure: Measure,
    /// The times of the values, seconds from the trace's start.
    pub times: Vec<f64>,
    /// The curves, largest first, the sum of the others last.
    pub curves: Vec<Curve>,
    /// How many values of the column the last curve adds up.
    pub others: usize,
    /// Times and values of the overview.
    pub overview: (Vec<f64>, Vec<f64>),
}

pub(super) fn run(request: &CurvesRequest, generation: u64, cancel: &CancelToken) -> Option<CurvesAnswer> {
    let cancelled = || cancel.is_cancelled();
    let names = &request.names;
    let ask = |keys: &[Key], view: View, points: usize, rows: Option<&RowSet>| {
        let wanted =
            SeriesRequest { keys, measure: request.measure, view, points, rows, earlier: request.earlier, top: None };
        series(names, &wanted, &cancelled).ok()
    };
    // Few points tell which curves rise highest; only those are drawn in full, and the others are what is left.
    let coarse = ask(&[request.key], request.view, RANKING_POINTS, None)?;
    let highest = highest(&coarse, request.most);
    let rows = rows_of(names, request.key, &highest);
    let fine = ask(&[request.key], request.view, request.points, rows.as_ref())?;
    let all = ask(&[], request.view, request.points, None)?;
    let far = ask(&[], request.whole, OVERVIEW_POINTS, None)?;
    let mut rest = values(&all, 0);
    let mut curves = Vec::with_capacity(highest.len() + 1);
    for id in &highest {
        let Some(at) = fine.curves.iter().position(|c| id_of(c) == Some(*id)) else { continue };
        let values = values(&fine, at);
        rest.iter_mut().zip(&values).for_each(|(rest, value)| *rest -= value);
        curves.push(Curve { name: fine.texts(at).map(|texts| texts.join(", ")), values });
    }
    let others = coarse.curves.len() - highest.len();
    if others > 0 {
        curves.push(Curve { name: None, values: rest });
    }
    Some(CurvesAnswer {
        generation,
        measure: request.measure,
        times: seconds(&all),
        curves,
        others,
        overview: (seconds(&far), values(&far, 0)),
    })
}

/// The number in the column that a curve belongs to.
fn id_of(curve: &series::Curve) -> Option<u32> {
    curve.ids.as_ref()?.first().copied()
}

/// The numbers of the curves that rise highest, the highest first; equal ones in the order of the set.
fn highest(set: &SeriesSet, most: usize) -> Vec<u32> {
    let peak = |at: usize| values(set, at).into_iter().fold(0.0, f64::max);
    let mut ranked: Vec<(usize, f64)> = (0..set.curves.len()).map(|at| (at, peak(at))).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked.iter().take(most).filter_map(|(at, _)| set.curves.get(*at).and_then(id_of)).collect()
}

/// The rows with one of these values in a column that follows from the allocation's context; `None`: all rows.
fn rows_of(names: &Names, key: Key, ids: &[u32]) -> Option<RowSet> {
    let column = names.column(key);
    let Source::Context(of_context) = &column.source else { return None };
    let wanted: Vec<bool> = of_context.iter().map(|id| ids.contains(id)).collect();
    let contexts = &names.trace().allocations.alloc_context;
    let is_wanted = |row: usize| {
        let context = contexts.get(row).map_or(usize::MAX, |c| c.index());
        wanted.get(context).copied().unwrap_or(false)
    };
    Some(RowSet::from_fn(contexts.len(), is_wanted))
}

fn seconds(set: &SeriesSet) -> Vec<f64> {
    (0..set.times.len()).map(|point| set.seconds(point)).collect()
}

fn values(set: &SeriesSet, curve: usize) -> Vec<f64> {
    (0..set.times.len()).map(|point| set.value(curve, point).as_f64().unwrap_or(0.0)).collect()
}
