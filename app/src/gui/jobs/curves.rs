//! The curves of the graph: one measure of the largest combinations of key values, the rest folded into "other", rows that
//! the user has pinned, and the whole trace in one curve. Outstanding curves keep their extremes between any two
//! points, so that no peak is lost however few pixels there are. Cancelled work gives no answer.

use std::sync::Arc;

use parking_lot::Mutex;
use poolscope_analysis::filter::rowset::RowSet;
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::pivot::Key;
use poolscope_analysis::series::{
    CurveIndex, EventOrder, MAX_PEAK_GROUPS, MinMaxDecimation, SeriesError, SeriesKind, SeriesMetric, SeriesRequest,
    SeriesSet, SharedEventOrder, decimate, decimate_highest, highest_groups, series,
};
use poolscope_analysis::trace::time::TimeRange;
use poolscope_base::progress::{CancelToken, Cancelled};

use super::range_sums::MIN_ALLOCATIONS;
use crate::gui::model::query::CurvesQuery;

/// Points of the overview.
const OVERVIEW_POINTS: usize = 512;
/// Name of the only curve where there are no key columns.
const TOTAL: &str = "Total";

/// Blocks of events for the curves of the graph: made by the first request that needs them, kept until the grouping changes.
pub type CurveIndexSlot = Arc<Mutex<Option<Arc<CurveIndex>>>>;

/// Request for curves.
pub struct CurvesRequest {
    /// The part of the document's query that the answer is for.
    pub query: CurvesQuery,
    /// The trace and its texts.
    pub names: Arc<ColumnValues>,
    /// The trace's events in order of time: made by the first request that needs it, kept for the next.
    pub order: Arc<SharedEventOrder>,
    /// Blocks of these events.
    pub index: CurveIndexSlot,
    /// One curve per combination of values in these columns; without columns one curve, "Total".
    pub keys: Vec<Key>,
    /// Only these rows, in the curves and in the overview.
    pub rows: Option<Arc<RowSet>>,
    /// Metric of the curves.
    pub measure: SeriesMetric,
    /// True if blocks from before the trace count.
    pub earlier: bool,
    /// The visible range.
    pub view: TimeRange,
    /// The whole trace, if its curve is wanted.
    pub whole: Option<TimeRange>,
    /// True if it has to be known how low and high the sum of all curves goes between the points.
    pub total: bool,
    /// Number of points of each curve.
    pub points: usize,
    /// Upper bound on curves; the rest is "other".
    pub most: usize,
}

/// One curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Its name: the texts of its keys, separated by commas; `None` for the sum of the others.
    pub name: Option<String>,
    /// The texts of its keys, one per key column; none for the sum of the others and for pinned rows.
    pub keys: Vec<String>,
    /// One value for each time.
    pub values: Vec<f64>,
    /// Smallest and greatest value between each time and the next; empty where the values say all.
    pub extremes: Vec<(f64, f64)>,
}

/// The curves.
#[derive(Debug, Clone, PartialEq)]
pub struct CurvesAnswer {
    /// Question that they answer.
    pub query: CurvesQuery,
    /// Number of the request.
    pub generation: u64,
    /// Metric of the curves.
    pub measure: SeriesMetric,
    /// True if blocks from before the trace count.
    pub earlier: bool,
    /// The times of the values, seconds from the trace's start.
    pub times: Vec<f64>,
    /// The curves, largest first, the sum of the others last.
    pub curves: Vec<Curve>,
    /// Number of groups that the last curve adds up.
    pub others: usize,
    /// They were too many for all to be compared: those with a curve are among the heaviest, but others may rise higher.
    pub chosen_by_sum: bool,
    /// Smallest and greatest sum of all curves between each time and the next; empty where the values are enough or the sum was
    /// not requested.
    pub total_extremes: Vec<(f64, f64)>,
    /// Times and values of the overview, if it was wanted.
    pub overview: Option<(Vec<f64>, Vec<f64>)>,
}

/// Draws the largest combinations.
///
/// # Errors
/// Returned if the work is canceled, and if there would be too many values to keep in memory.
pub(super) fn run(request: &CurvesRequest, generation: u64, cancel: &CancelToken) -> Result<CurvesAnswer, SeriesError> {
    let pen = Pen { request, cancel };
    let rows = request.rows.as_deref();
    let drawn = pen.highest(rows)?;
    let mut curves: Vec<Curve> = (0..drawn.set.curves.len()).map(|at| drawn.curve(at)).collect();
    if let ([only], []) = (curves.as_mut_slice(), request.keys.as_slice()) {
        only.name = Some(TOTAL.to_owned());
    }
    let total_extremes = match request.total {
        true => pen.total(request.view, request.points, rows)?.curve(0).extremes,
        false => Vec::new(),
    };
    let overview = match request.whole {
        Some(whole) => Some(pen.total(whole, OVERVIEW_POINTS, rows)?.outline()),
        None => None,
    };
    Ok(CurvesAnswer {
        query: request.query.clone(),
        generation,
        measure: request.measure,
        earlier: request.earlier,
        times: seconds(&drawn.set),
        curves,
        others: drawn.set.others,
        chosen_by_sum: drawn.set.others > 0 && drawn.set.others + drawn.set.curves.len() > MAX_PEAK_GROUPS + 1,
        total_extremes,
        overview,
    })
}

/// Draws one curve of just the request's rows.
///
/// # Errors
/// As [`run`].
pub(super) fn pinned(request: &CurvesRequest, name: &str, cancel: &CancelToken) -> Result<Curve, SeriesError> {
    let pen = Pen { request, cancel };
    let all = pen.total(request.view, request.points, request.rows.as_deref())?;
    Ok(Curve { name: Some(name.to_owned()), keys: Vec::new(), ..all.curve(0) })
}

/// Draws what one request asks for.
struct Pen<'r> {
    request: &'r CurvesRequest,
    cancel: &'r CancelToken,
}

impl Pen<'_> {
    /// The curves of the combinations that rise highest, and the sum of the others.
    fn highest(&self, rows: Option<&RowSet>) -> Result<Drawn, SeriesError> {
        let CurvesRequest { names, keys, view, points, most, .. } = self.request;
        let wanted = SeriesRequest { top: Some(*most), ..self.wanted(keys, *view, *points, rows) };
        let cancelled = || self.cancel.is_cancelled();
        if wanted.metric.kind == SeriesKind::Outstanding {
            let MinMaxDecimation { set, extremes } = match self.index(&wanted)? {
                Some(index) => index.highest(&wanted, &cancelled)?,
                None => decimate_highest(names, &wanted, self.order()?, &cancelled)?,
            };
            return Ok(Drawn { set, extremes });
        }
        let chosen = highest_groups(names, &wanted, || self.order(), &cancelled)?;
        self.draw(&SeriesRequest { chosen: Some(&chosen), ..wanted })
    }

    /// Blocks of events for these curves; `None` where all events are visited: in small traces, without memory for blocks, and where
    /// the visible range decides which allocations count, so that blocks would serve once.
    fn index(&self, wanted: &SeriesRequest<'_>) -> Result<Option<Arc<CurveIndex>>, SeriesError> {
        let CurvesRequest { names, rows, order, index, query, .. } = self.request;
        let trace = names.trace();
        let is_small = trace.allocations.len() < MIN_ALLOCATIONS;
        if is_small || query.overview().depends_on_range() || !trace.has_room_for_indices() {
            return Ok(None);
        }
        let mut kept = index.lock();
        if !kept.as_ref().is_some_and(|index| index.serves(names, wanted)) {
            *kept = None;
            let cancelled = || self.cancel.is_cancelled();
            *kept = CurveIndex::new(names, wanted, rows.clone(), order, &cancelled)?.map(Arc::new);
        }
        Ok(kept.as_ref().filter(|index| index.serves(names, wanted)).map(Arc::clone))
    }

    /// One curve of all rows.
    fn total(&self, view: TimeRange, points: usize, rows: Option<&RowSet>) -> Result<Drawn, SeriesError> {
        self.draw(&self.wanted(&[], view, points, rows))
    }

    fn wanted<'w>(
        &self,
        keys: &'w [Key],
        view: TimeRange,
        points: usize,
        rows: Option<&'w RowSet>,
    ) -> SeriesRequest<'w> {
        let CurvesRequest { measure, earlier, .. } = *self.request;
        SeriesRequest {
            keys,
            metric: measure,
            visible_range: view,
            points,
            rows,
            include_preexisting: earlier,
            top: None,
            chosen: None,
        }
    }

    fn draw(&self, wanted: &SeriesRequest<'_>) -> Result<Drawn, SeriesError> {
        let names = &self.request.names;
        let cancelled = || self.cancel.is_cancelled();
        if wanted.metric.kind != SeriesKind::Outstanding {
            let set = series(names, wanted, &cancelled)?;
            return Ok(Drawn { set, extremes: Vec::new() });
        }
        let drawn = decimate(names, wanted, self.order()?, &cancelled)?;
        Ok(Drawn { set: drawn.set, extremes: drawn.extremes })
    }

    fn order(&self) -> Result<&EventOrder, Cancelled> {
        let cancelled = || self.cancel.is_cancelled();
        self.request.order.get_unless_cancelled(self.request.names.trace(), &cancelled)
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
        let keys = self.set.texts(at);
        Curve {
            name: keys.as_ref().map(|texts| texts.join(", ")),
            keys: keys.unwrap_or_default(),
            values: (0..self.set.times.len()).map(|k| self.set.value(at, k).as_f64().unwrap_or(0.0)).collect(),
            extremes: extremes.iter().map(|(low, high)| (*low as f64, *high as f64)).collect(),
        }
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

fn seconds(set: &SeriesSet) -> Vec<f64> {
    (0..set.times.len()).map(|point| set.seconds(point)).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use poolscope_analysis::group::frames::FrameNaming;
    use poolscope_analysis::load::{LoadOptions, load};
    use poolscope_base::progress::Progress;
    use poolscope_etl::file::TraceFile;
    use poolscope_synth::{SynthParams, write_trace};

    use super::*;
    use crate::gui::model::presets::BuiltIn;
    use crate::gui::model::query::Query;

    fn request(keys: &[Key]) -> CurvesRequest {
        let mut file = Cursor::new(Vec::new());
        let params = SynthParams { allocations: 500, ..SynthParams::default() };
        write_trace(&mut file, &params, None).unwrap();
        let file = TraceFile::from_bytes(file.into_inner(), "made up").unwrap();
        let trace = load(file, LoadOptions::default(), &Progress::default(), &CancelToken::default()).unwrap();
        let asked = Query::new(trace.extent, BuiltIn::LeakHunt.preset().layout);
        CurvesRequest {
            query: asked.curves().expect("a column is graphed"),
            view: trace.extent,
            whole: Some(trace.extent),
            names: Arc::new(ColumnValues::new(trace, FrameNaming::Symbol)),
            order: Arc::default(),
            index: Arc::default(),
            keys: keys.to_vec(),
            rows: None,
            measure: SeriesMetric { kind: SeriesKind::Outstanding, by_count: false },
            earlier: false,
            total: false,
            points: 33,
            most: 4,
        }
    }

    fn answer(request: &CurvesRequest) -> CurvesAnswer {
        run(request, 1, &CancelToken::default()).unwrap()
    }

    fn sum(curves: &[Curve]) -> Vec<f64> {
        (0..33).map(|k| curves.iter().map(|c| c.values[k]).sum()).collect()
    }

    #[test]
    fn curves_by_any_columns_add_up_to_the_total() {
        let total = answer(&request(&[]));
        assert_eq!((total.curves.len(), total.curves[0].name.as_deref(), total.others), (1, Some(TOTAL), 0));
        for keys in [&[Key::Tag][..], &[Key::Type, Key::Stack], &[Key::Driver], &[Key::Address, Key::Tag]] {
            let drawn = answer(&request(keys));
            assert_eq!(sum(&drawn.curves), total.curves[0].values, "{keys:?}");
            assert_eq!(drawn.overview, total.overview);
            let (last, own) = drawn.curves.split_last().unwrap();
            let names_and_keys = |c: &Curve| (c.keys.len(), c.name == Some(c.keys.join(", ")));
            assert!(own.iter().all(|c| names_and_keys(c) == (keys.len(), true)), "{keys:?}");
            if drawn.others > 0 {
                assert_eq!((own.len(), &last.name, last.keys.len()), (4, &None, 0), "{keys:?}");
            }
        }
    }

    #[test]
    fn the_sum_of_all_curves_has_its_own_extremes() {
        let mut wanted = request(&[Key::Tag]);
        assert_eq!(answer(&wanted).total_extremes, []);
        wanted.total = true;
        let drawn = answer(&wanted);
        assert_eq!(drawn.total_extremes, answer(&request(&[])).curves[0].extremes);
        let peaks = |at: usize| drawn.curves.iter().map(|c| c.extremes[at].1).sum::<f64>();
        assert!((0..32).all(|at| drawn.total_extremes[at].1 <= peaks(at)));
        assert!((0..32).any(|at| drawn.total_extremes[at].1 < peaks(at)), "or adding up peaks would do");
    }

    #[test]
    fn a_filter_and_picked_rows_are_drawn() {
        let mut wanted = request(&[]);
        let count = wanted.names.trace().allocations.len();
        let total = answer(&wanted);
        let mut halves = Vec::new();
        for rest in [0, 1] {
            wanted.rows = Some(Arc::new(RowSet::from_fn(count, |row| row % 2 == rest)));
            let drawn = answer(&wanted);
            let half = pinned(&wanted, "Half", &CancelToken::default()).unwrap();
            assert_eq!(half.name.as_deref(), Some("Half"));
            assert_eq!((&drawn.curves[0].values, &drawn.curves[0].extremes), (&half.values, &half.extremes));
            assert_ne!(drawn.overview, total.overview);
            halves.push(half);
        }
        assert_eq!(sum(&halves), total.curves[0].values);
    }
}
