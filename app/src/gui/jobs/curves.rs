//! The curves of the graph: one measure of the largest values of a column, the rest folded into "other", and the whole
//! trace in one curve. Outstanding curves keep their extremes between any two points, so that no peak is lost however few
//! pixels there are. Cancelled work gives no answer.

use std::sync::{Arc, OnceLock};

use poolscope_core::column::names::Names;
use poolscope_core::column::values::Source;
use poolscope_core::job::CancelToken;
use poolscope_core::pivot::Key;
use poolscope_core::select::rowset::RowSet;
use poolscope_core::series::{self, EventOrder, Kind, Measure, SeriesRequest, SeriesSet, envelope, series};
use poolscope_core::trace::time::View;

/// Points of the overview.
const OVERVIEW_POINTS: usize = 512;
/// Stretches of the view that the ranking looks through side by side.
const RANKING_POINTS: usize = 65;
/// So many values of the column are compared by their exact peaks; a damaged trace may have millions.
const RANKED: usize = 4096;

/// What to draw.
pub struct CurvesRequest {
    /// The trace and its texts.
    pub names: Arc<Names>,
    /// The trace's events in order of time: made by the first request that needs it, kept for the next.
    pub order: Arc<OnceLock<EventOrder>>,
    /// By which column.
    pub key: Key,
    /// What the curves show.
    pub measure: Measure,
    /// Whether blocks from before the trace count.
    pub earlier: bool,
    /// The visible range.
    pub view: View,
    /// The whole trace, if its curve is wanted.
    pub whole: Option<View>,
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
    /// Smallest and greatest value between each time and the next; empty where the values say all.
    pub extremes: Vec<(f64, f64)>,
}

/// The curves.
#[derive(Debug, Clone, PartialEq)]
pub struct CurvesAnswer {
    /// Number of the request.
    pub generation: u64,
    /// What they show.
    pub measure: Measure,
    /// Whether blocks from before the trace count.
    pub earlier: bool,
    /// The times of the values, seconds from the trace's start.
    pub times: Vec<f64>,
    /// The curves, largest first, the sum of the others last.
    pub curves: Vec<Curve>,
    /// How many values of the column the last curve adds up.
    pub others: usize,
    /// Times and values of the overview, if it was wanted.
    pub overview: Option<(Vec<f64>, Vec<f64>)>,
}

pub(super) fn run(request: &CurvesRequest, generation: u64, cancel: &CancelToken) -> Option<CurvesAnswer> {
    let pen = Pen { request, cancel };
    let keys = &[request.key];
    let coarse = pen.draw(keys, request.view, RANKING_POINTS, None, Some(RANKED))?;
    let highest = coarse.highest(request.most);
    let others = coarse.set.curves.len() - highest.len() + coarse.set.others.saturating_sub(1);
    let mut curves = Vec::with_capacity(highest.len() + 1);
    let (own, rest) = rows_of(&request.names, request.key, &highest)?;
    let fine = pen.draw(keys, request.view, request.points, Some(&own), None)?;
    for id in &highest {
        curves.extend(fine.set.curves.iter().position(|c| id_of(c) == Some(*id)).map(|at| fine.curve(at)));
    }
    if others > 0 {
        let all = pen.draw(&[], request.view, request.points, Some(&rest), None)?;
        curves.push(Curve { name: None, ..all.curve(0) });
    }
    let overview = match request.whole {
        Some(whole) => Some(pen.draw(&[], whole, OVERVIEW_POINTS, None, None)?.outline()),
        None => None,
    };
    Some(CurvesAnswer {
        generation,
        measure: request.measure,
        earlier: request.earlier,
        times: seconds(&fine.set),
        curves,
        others,
        overview,
    })
}

/// Draws what one request asks for.
struct Pen<'r> {
    request: &'r CurvesRequest,
    cancel: &'r CancelToken,
}

impl Pen<'_> {
    fn draw(
        &self,
        keys: &[Key],
        view: View,
        points: usize,
        rows: Option<&RowSet>,
        top: Option<usize>,
    ) -> Option<Drawn> {
        let CurvesRequest { names, measure, earlier, .. } = self.request;
        let cancelled = || self.cancel.is_cancelled();
        let wanted = SeriesRequest { keys, measure: *measure, view, points, rows, earlier: *earlier, top };
        if measure.kind != Kind::Outstanding {
            let set = series(names, &wanted, &cancelled).ok()?;
            return Some(Drawn { set, extremes: Vec::new() });
        }
        let order = self.request.order.get_or_init(|| EventOrder::new(names.trace()));
        let drawn = envelope(names, &wanted, order, &cancelled).ok()?;
        Some(Drawn { set: drawn.set, extremes: drawn.extremes })
    }
}

/// Curves, with their extremes if they are outstanding ones.
struct Drawn {
    set: SeriesSet,
    extremes: Vec<Vec<(i128, i128)>>,
}

impl Drawn {
    fn curve(&self, at: usize) -> Curve {
        let extremes = self.extremes.get(at).map_or(&[][..], Vec::as_slice);
        Curve {
            name: self.set.texts(at).map(|texts| texts.join(", ")),
            values: (0..self.set.times.len()).map(|k| self.set.value(at, k).as_f64().unwrap_or(0.0)).collect(),
            extremes: extremes.iter().map(|(low, high)| (*low as f64, *high as f64)).collect(),
        }
    }

    /// The greatest value of a curve anywhere.
    fn peak(&self, at: usize) -> f64 {
        let curve = self.curve(at);
        curve.values.iter().copied().chain(curve.extremes.iter().map(|e| e.1)).fold(0.0, f64::max)
    }

    /// The numbers of the curves that rise highest, the highest first; equal ones in the order of the set.
    fn highest(&self, most: usize) -> Vec<u32> {
        let mut ranked: Vec<(usize, f64)> = (0..self.set.curves.len()).map(|at| (at, self.peak(at))).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.iter().filter_map(|(at, _)| self.set.curves.get(*at).and_then(id_of)).take(most).collect()
    }

    /// Times and values of the only curve, each value the greatest until the next time.
    fn outline(&self) -> (Vec<f64>, Vec<f64>) {
        let mut curve = self.curve(0);
        for (value, (_, high)) in curve.values.iter_mut().zip(&curve.extremes) {
            *value = value.max(*high);
        }
        (seconds(&self.set), curve.values)
    }
}

/// The number in the column that a curve belongs to.
fn id_of(curve: &series::Curve) -> Option<u32> {
    curve.ids.as_ref()?.first().copied()
}

/// The rows with one of these values in a column, and the others. `None` for a column that does not follow from the
/// allocation's context; the graph has no such column.
fn rows_of(names: &Names, key: Key, ids: &[u32]) -> Option<(RowSet, RowSet)> {
    let column = names.column(key);
    let Source::Context(of_context) = &column.source else { return None };
    let wanted: Vec<bool> = of_context.iter().map(|id| ids.contains(id)).collect();
    let contexts = &names.trace().allocations.alloc_context;
    let is_wanted = |row: usize| {
        let context = contexts.get(row).map_or(usize::MAX, |c| c.index());
        wanted.get(context).copied().unwrap_or(false)
    };
    let count = contexts.len();
    Some((RowSet::from_fn(count, is_wanted), RowSet::from_fn(count, |row| !is_wanted(row))))
}

fn seconds(set: &SeriesSet) -> Vec<f64> {
    (0..set.times.len()).map(|point| set.seconds(point)).collect()
}
