//! Compares two sides in the background, finds what got worse, and draws the curves of both sides. Cancelled work gives no answer.

use std::ops::Range;
use std::sync::Arc;

use poolscope_analysis::compare::finding::Finding;
use poolscope_analysis::compare::{
    Change, CompareRequest as Wanted, CompareSort, CompareTree, Comparison, Divisors, FindingRequest, Normalization,
    NormalizationError, Side, SideRequest, compare, findings,
};
use poolscope_analysis::filter::{Field, Query};
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::pivot::find::{FindRequest, FindResult, find};
use poolscope_analysis::pivot::{Key, Metric, NodeId, PivotTree, RowPath, SortOrder, TreeStep};
use poolscope_analysis::series::{SeriesError, SeriesKind, SeriesMetric, SeriesRequest, series_at};
use poolscope_analysis::trace::time::{Ticks, TimeRange};
use poolscope_base::progress::CancelToken;
use rustc_hash::FxHashMap;

use crate::gui::model::filter::{RowFilter, Step};
use crate::memory;

/// Number of points of a curve.
const POINTS: usize = 401;
/// Upper bound on the matches of a search that can be visited, and on those that are put into the order of the rows for it.
const MAX_MATCHES: usize = 10_000;
const MAX_SORTED: usize = 100_000;

/// A side of the question.
#[derive(Clone)]
pub struct QuestionSide {
    /// Tab of the trace.
    pub tab: u64,
    /// Name of the trace.
    pub name: String,
    /// The trace and its texts.
    pub names: Arc<ColumnValues>,
    /// The range.
    pub range: TimeRange,
    /// The markers of the trace.
    pub marks: Vec<Ticks>,
}

impl PartialEq for QuestionSide {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.names, &other.names) && self.range == other.range && self.marks == other.marks
    }
}

/// A step of the filter: some rows of the table, by the texts of each side.
#[derive(Debug, Clone, PartialEq)]
pub struct SideStep {
    /// Title of the rows.
    pub title: String,
    /// The places of the rows on each side.
    pub places: [Vec<RowPath>; 2],
    /// True if these rows are left out, and all others stay.
    pub is_out: bool,
}

/// Question for a comparison.
#[derive(Clone, PartialEq)]
pub struct CompareQuestion {
    /// Baseline and comparison.
    pub sides: [QuestionSide; 2],
    /// Columns to group by, outermost first.
    pub keys: Vec<Key>,
    /// The unit of the figures.
    pub unit: Normalization,
    /// Only rows that match.
    pub query: Option<Query>,
    /// Only the rows in these places, or all but these, one step after the other.
    pub steps: Vec<SideStep>,
    /// The figure that changes refer to.
    pub measure: Metric,
    /// Only rows with this change; all without one.
    pub only: Option<Change>,
    /// Only rows that grew more than the whole.
    pub only_overweight: bool,
}

impl CompareQuestion {
    /// Returns whether the other is about the same groups, whichever of them are shown.
    fn has_groups_of(&self, other: &Self) -> bool {
        self.sides == other.sides
            && self.keys == other.keys
            && self.unit == other.unit
            && self.query == other.query
            && self.steps == other.steps
            && (self.measure != Metric::Growth || other.measure == Metric::Growth)
    }

    /// Returns whether the filter asks for addresses that a side was loaded without.
    fn asks_for_missing_addresses(&self) -> bool {
        let has_addresses = |side: &QuestionSide| side.names.trace().allocations.has_addresses();
        let asks = self.query.as_ref().is_some_and(|query| query.asks(Field::Key(Key::Address)));
        asks && !self.sides.iter().all(has_addresses)
    }
}

/// A question, and what is shown so far.
pub struct CompareRequest {
    /// The question.
    pub question: CompareQuestion,
    /// The last answer.
    pub known: Option<Arc<CompareAnswer>>,
}

/// A comparison.
pub struct CompareAnswer {
    /// The question.
    pub question: CompareQuestion,
    /// All rows, or the reason as a sentence why there are none.
    pub whole: Result<Arc<Comparison>, String>,
    /// The rows that are shown.
    pub shown: Option<Arc<Comparison>>,
    /// The tags that changed.
    pub findings: Arc<Vec<Finding>>,
}

impl CompareAnswer {
    fn refused(question: CompareQuestion, reason: String) -> Self {
        Self { question, whole: Err(reason), shown: None, findings: Arc::default() }
    }
}

/// Compares; `None` when cancelled.
pub(super) fn run(request: CompareRequest, cancel: &CancelToken) -> Option<CompareAnswer> {
    let CompareRequest { question, known } = request;
    let cancelled = || cancel.is_cancelled();
    if question.asks_for_missing_addresses() {
        return Some(CompareAnswer::refused(question, memory::ADDRESSES_LEFT_OUT.to_owned()));
    }
    let known = known.filter(|known| known.whole.is_ok() && known.question.has_groups_of(&question));
    let (whole, findings) = match known {
        Some(known) => (known.whole.clone().ok()?, Arc::clone(&known.findings)),
        None => {
            let [first, second] = &question.sides;
            // Raw addresses mean nothing in another trace.
            let by_function = !Arc::ptr_eq(first.names.trace(), second.names.trace());
            let filter = |at: usize| {
                let query = question.query.iter().cloned().map(Step::Query);
                let rows = question.steps.iter().map(|step| match step.is_out {
                    true => Step::Out(step.places[at].clone()),
                    false => Step::To(step.places[at].clone()),
                });
                RowFilter::new(query.chain(rows).collect())
            };
            let (first, second) =
                (of_side(first, by_function, &filter(0), cancel), of_side(second, by_function, &filter(1), cancel));
            let sides = [first?, second?];
            let divisors = match Divisors::new(question.unit.clone(), [&sides[0], &sides[1]], &cancelled) {
                Ok(divisors) => divisors,
                Err(NormalizationError::Cancelled) => return None,
                Err(error) => {
                    let reason = format!("{}.", crate::format::sentence_case(&error.to_string()));
                    return Some(CompareAnswer::refused(question, reason));
                }
            };
            let wanted = FindingRequest { sides: sides.clone(), divisors: divisors.clone() };
            let found = findings(wanted, &cancelled).ok()?;
            let with_growth = question.measure == Metric::Growth;
            let wanted = Wanted { keys: &question.keys, sides, divisors, with_growth };
            (Arc::new(compare(wanted, &cancelled).ok()?), Arc::new(found))
        }
    };
    let is_shown = |group: &Range<u32>| {
        let sums = whole.sums(group);
        question.only.is_none_or(|change| whole.change_of(&sums, question.measure) == change)
            && (!question.only_overweight || whole.is_overweight(&sums, question.measure))
    };
    let is_all = question.only.is_none() && !question.only_overweight;
    let shown = if is_all { Arc::clone(&whole) } else { Arc::new(whole.retained(is_shown)) };
    (!cancel.is_cancelled()).then_some(CompareAnswer { question, whole: Ok(whole), shown: Some(shown), findings })
}

fn of_side(side: &QuestionSide, by_function: bool, filter: &RowFilter, cancel: &CancelToken) -> Option<SideRequest> {
    let is_named = matches!(side.names.naming(), FrameNaming::Function | FrameNaming::Module);
    let names = if by_function && !is_named {
        Arc::new(side.names.with_naming(FrameNaming::Function))
    } else {
        Arc::clone(&side.names)
    };
    let rows = filter.rows(&names, side.range, &|| cancel.is_cancelled()).ok()?;
    Some(SideRequest { names, visible_range: side.range, rows })
}

/// The time at which the curves of both sides are aligned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Alignment {
    /// The start of each range.
    #[default]
    Start,
    /// The marker with this position on the time axis of each trace.
    Marker(usize),
}

/// Question for the curves of some rows.
#[derive(Clone)]
pub struct CurvesQuestion {
    /// The comparison that the rows are of.
    pub answer: Arc<CompareAnswer>,
    /// The joined groups of the rows.
    pub groups: Range<u32>,
    /// Name of the rows.
    pub title: String,
    /// The time at which both sides are aligned.
    pub alignment: Alignment,
    /// Number of allocations instead of bytes.
    pub by_count: bool,
}

impl CurvesQuestion {
    /// Returns whether the other has the same curves.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.answer, &other.answer)
            && self.groups == other.groups
            && self.alignment == other.alignment
            && self.by_count == other.by_count
    }
}

/// The curves of both sides on one grid of times.
pub struct CurvesOfSides {
    /// The question.
    pub question: CurvesQuestion,
    /// Seconds from the time at which both sides are aligned.
    pub times: Vec<f64>,
    /// Outstanding bytes or allocations of each side at these times; 0 outside of its range.
    pub values: [Vec<f64>; 2],
    /// The range of each side on this axis.
    pub ranges: [(f64, f64); 2],
    /// Reason why there are no curves, as a sentence.
    pub error: Option<String>,
}

/// Draws the curves of both sides; `None` when cancelled.
pub(super) fn curves(question: CurvesQuestion, cancel: &CancelToken) -> Option<CurvesOfSides> {
    let sides = &question.answer.question.sides;
    let ranges = sides.each_ref().map(|side| {
        let clock = side.names.trace().clock;
        let start = match question.alignment {
            Alignment::Start => side.range.from,
            Alignment::Marker(at) => side.marks.get(at).copied().unwrap_or(side.range.from),
        };
        let origin = clock.seconds(start);
        (clock.seconds(side.range.from) - origin, clock.seconds(side.range.to) - origin, origin)
    });
    let from = ranges[0].0.min(ranges[1].0);
    let to = ranges[0].1.max(ranges[1].1).max(from);
    let step = (to - from) / (POINTS - 1) as f64;
    let times: Vec<f64> = (0..POINTS).map(|at| from + at as f64 * step).collect();
    let mut values = [Vec::new(), Vec::new()];
    let mut error = None;
    for (at, side) in Side::BOTH.into_iter().enumerate() {
        let (first, last, origin) = ranges[at];
        // Ends that differ by less than a step are the same for the eye.
        let inside = |time: f64| (first - step..=last + step).contains(&time);
        let moment = |time: &f64| origin + time.clamp(first, last);
        let moments: Vec<f64> = times.iter().filter(|time| inside(**time)).map(moment).collect();
        match of_rows(&question, side, moments, cancel) {
            Ok(drawn) => {
                let mut drawn = drawn.into_iter();
                values[at] =
                    times.iter().map(|time| if inside(*time) { drawn.next().unwrap_or(0.0) } else { 0.0 }).collect();
            }
            Err(SeriesError::Cancelled) => return None,
            Err(other) => error = Some(other.to_string()),
        }
    }
    let ranges = ranges.map(|(first, last, _)| (first, last));
    (!cancel.is_cancelled()).then_some(CurvesOfSides { question, times, values, ranges, error })
}

/// Outstanding bytes or allocations of the rows of a side.
fn of_rows(
    question: &CurvesQuestion,
    side: Side,
    moments: Vec<f64>,
    cancel: &CancelToken,
) -> Result<Vec<f64>, SeriesError> {
    let Some(comparison) = &question.answer.shown else { return Ok(Vec::new()) };
    let cancelled = || cancel.is_cancelled();
    let rows = comparison.rows(side, &question.groups, &cancelled)?;
    let request = comparison.request(side);
    let wanted = SeriesRequest {
        keys: &[],
        metric: SeriesMetric { kind: SeriesKind::Outstanding, by_count: question.by_count },
        visible_range: request.visible_range,
        points: moments.len(),
        rows: Some(&rows),
        include_preexisting: false,
        top: None,
        chosen: None,
    };
    let set = series_at(&request.names, &wanted, moments, &cancelled)?;
    Ok((0..set.times.len()).map(|point| set.value(0, point).as_f64().unwrap_or(0.0)).collect())
}

/// A text to look for in the rows.
pub struct CompareFindRequest {
    /// The comparison that is shown.
    pub shown: Arc<Comparison>,
    /// The text.
    pub text: String,
    /// The order of the rows.
    pub order: CompareSort,
}

/// The rows with a text.
pub struct CompareFound {
    /// The comparison.
    pub shown: Arc<Comparison>,
    /// The text.
    pub text: String,
    /// The order of the rows.
    pub order: CompareSort,
    /// The matches, in the order in which the fully opened table shows them.
    pub found: FindResult,
}

/// Finds the rows with a text; `None` when cancelled.
pub(super) fn find_rows(request: CompareFindRequest, cancel: &CancelToken) -> Option<CompareFound> {
    let CompareFindRequest { shown, text, order } = request;
    let wanted = FindRequest { text: text.clone(), case_sensitive: false, whole: false, limit: MAX_SORTED };
    let by_keys = SortOrder::new(&[]);
    let mut found = find(shown.groups(), by_keys, &wanted, &|| cancel.is_cancelled()).ok()?;
    sort_as_shown(&shown, &order, &mut found.matches, cancel)?;
    Some(CompareFound { shown, text, order, found })
}

/// Puts matches into the order in which the fully opened table shows them; `None` when cancelled.
fn sort_as_shown(
    shown: &Arc<Comparison>,
    order: &CompareSort,
    matches: &mut Vec<Vec<TreeStep>>,
    cancel: &CancelToken,
) -> Option<()> {
    let mut tree = CompareTree::new(Arc::clone(shown));
    // Rank and node of each child of the nodes on the way to a match.
    let mut children: FxHashMap<NodeId, FxHashMap<TreeStep, (u32, NodeId)>> = FxHashMap::default();
    let mut ranked: Vec<(Vec<u32>, Vec<TreeStep>)> = Vec::with_capacity(matches.len());
    for steps in std::mem::take(matches) {
        if cancel.is_cancelled() {
            return None;
        }
        let (mut at, mut ranks) = (PivotTree::ROOT, Vec::with_capacity(steps.len()));
        for step in &steps {
            let known = children.entry(at).or_insert_with(|| {
                let nodes = tree.children(at, order);
                nodes.into_iter().zip(0..).map(|(node, rank)| (tree.tree().step(node), (rank, node))).collect()
            });
            let Some((rank, node)) = known.get(step).copied() else { break };
            ranks.push(rank);
            at = node;
        }
        ranked.push((ranks, steps));
    }
    // A row comes before those below it, as a shorter list of ranks comes before those that it begins.
    ranked.sort_by(|a, b| a.0.cmp(&b.0));
    *matches = ranked.into_iter().take(MAX_MATCHES).map(|(_, steps)| steps).collect();
    Some(())
}
