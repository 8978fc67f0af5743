//! Merges the stacks of the rows in view, filter and scope for the flame graph, and weighs what a search finds in them. Places
//! that were known by old names are looked up by the new ones. Cancelled work gives no answer.

use std::sync::Arc;

use poolscope_analysis::filter::RowSet;
use poolscope_analysis::flame::{FlameDirection, FlameMetric, FlameRequest as Wanted, FlameTree, flame};
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::pivot::translate::Translation;
use poolscope_analysis::pivot::{Key, Pivot, RowPath, RowPathStep};
use poolscope_analysis::trace::time::TimeRange;
use poolscope_base::progress::CancelToken;

use crate::gui::jobs::rows::RowChoice;
use crate::gui::model::filter::RowFilter;

/// Upper bound on the paths that a renamed frame is looked up by.
const MOST_WAYS: usize = 64;

/// Question for merged stacks.
#[derive(Clone)]
pub struct FlameQuestion {
    /// The trace and its texts.
    pub names: Arc<ColumnValues>,
    /// The view that figures are relative to.
    pub range: TimeRange,
    /// Filter of the rows.
    pub filter: Arc<RowFilter>,
    /// Only the rows in this place.
    pub scope: Option<RowPath>,
    /// Metric that makes a frame wide.
    pub weight: FlameMetric,
    /// End that stacks are merged from.
    pub merge: FlameDirection,
    /// The frames to the one that is zoomed to.
    pub zoom: Vec<String>,
}

impl FlameQuestion {
    /// Returns whether the other is about the same rows by the same names.
    #[must_use]
    pub fn has_rows_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.names, &other.names)
            && Arc::ptr_eq(&self.filter, &other.filter)
            && self.range == other.range
            && self.scope == other.scope
    }

    /// Returns whether the other is about the same rows and measure, wherever it is zoomed to.
    #[must_use]
    pub fn is_alike(&self, other: &Self) -> bool {
        self.has_rows_of(other) && (self.weight, self.merge) == (other.weight, other.merge)
    }
}

/// Merged stacks that are shown so far.
#[derive(Clone)]
pub struct Before {
    /// Question that it answers; the scope is written in its names, too.
    pub question: FlameQuestion,
    /// Its frames.
    pub tree: Arc<FlameTree>,
    /// The frame that is zoomed to.
    pub zoom: u32,
}

/// A question, and what is shown so far.
pub struct FlameRequest {
    /// The question; zoom and scope by the names of what is shown.
    pub question: FlameQuestion,
    /// Merged stacks that are shown so far.
    pub before: Option<Before>,
}

/// The merged stacks.
pub struct FlameAnswer {
    /// The question; zoom and scope by its names.
    pub question: FlameQuestion,
    /// The scope as it was called when it was asked.
    pub asked_scope: Option<RowPath>,
    /// The merged stacks.
    pub tree: Arc<FlameTree>,
    /// A flag for each node of the displayed stacks, true for responsible frames.
    pub responsible: Arc<Vec<bool>>,
    /// The way from the names before, if those are others.
    pub translation: Option<Translation>,
}

/// Merges stacks; `None` when cancelled.
pub(super) fn run(request: FlameRequest, cancel: &CancelToken) -> Option<FlameAnswer> {
    let FlameRequest { mut question, before } = request;
    // Made here, because it takes a look at every allocation.
    let responsible = Arc::clone(question.names.responsible_nodes());
    let asked_scope = question.scope.clone();
    if let Some(before) = before.as_ref().filter(|before| before.question.has_rows_of(&question)) {
        // The groups are there already: grouping takes longer than merging.
        let pivot = Arc::clone(before.tree.pivot());
        let wanted = wanted(&question, None);
        let tree = Arc::new(FlameTree::of_groups(pivot, &wanted, &|| cancel.is_cancelled()).ok()?);
        return Some(FlameAnswer { question, asked_scope, tree, responsible, translation: None });
    }
    let renamed = before.filter(|before| !Arc::ptr_eq(&before.question.names, &question.names));
    let mut translation = None;
    if let Some(before) = renamed {
        let way = Translation::new(before.question.names, Arc::clone(&question.names));
        if before.tree.direction() == question.merge {
            let paths = moved(&before.tree, before.zoom, &way);
            question.zoom = paths.into_iter().next().unwrap_or_default();
        }
        question.scope = question.scope.map(|scope| way.row_path(&scope).unwrap_or(scope));
        translation = Some(way);
    }
    let choice = RowChoice {
        names: Arc::clone(&question.names),
        range: question.range,
        filter: Arc::clone(&question.filter),
        impacting: false,
        place: question.scope.clone(),
    };
    let rows = choice.rows(cancel).ok()?;
    let wanted = wanted(&question, rows.as_deref());
    let tree = Arc::new(flame(&question.names, &wanted, &|| cancel.is_cancelled()).ok()?);
    (!cancel.is_cancelled()).then_some(FlameAnswer { question, asked_scope, tree, responsible, translation })
}

/// A question as the engine knows it.
fn wanted<'q>(question: &'q FlameQuestion, rows: Option<&'q RowSet>) -> Wanted<'q> {
    Wanted {
        visible_range: question.range,
        rows,
        direction: question.merge,
        metric: question.weight,
        zoom: &question.zoom,
    }
}

/// The paths that a frame of a tree may have under new names.
#[must_use]
pub fn moved(tree: &FlameTree, node: u32, translation: &Translation) -> Vec<Vec<String>> {
    if node == FlameTree::ROOT {
        return vec![Vec::new()];
    }
    let stacks = translation.new_names().stacks();
    let owned = |frames: Vec<&str>| frames.into_iter().map(str::to_owned).collect::<Vec<String>>();
    if !tree.is_frame(node) {
        return vec![owned(tree.path(node))];
    }
    let here = translation.frame_nodes(tree.shown(node));
    if tree.direction() == FlameDirection::TopDown {
        return here.into_iter().take(MOST_WAYS).map(|node| owned(stacks.frames(node))).collect();
    }
    let ends = translation.frame_nodes(tree.heaviest_stack(node));
    let pairs = here.iter().flat_map(|here| ends.iter().map(move |end| (*here, *end)));
    let inside = pairs.filter(|(here, end)| stacks.subtree(*here).contains(end)).take(MOST_WAYS);
    let path = |(here, end): (u32, u32)| {
        let inner = stacks.frames(end).into_iter().skip(stacks.depth(here).saturating_sub(1));
        let mut path: Vec<String> = inner.map(str::to_owned).collect();
        path.reverse();
        path
    };
    inside.map(path).collect()
}

/// A text to look for in merged stacks.
pub struct FlameFindRequest {
    /// The merged stacks.
    pub tree: Arc<FlameTree>,
    /// The text.
    pub text: String,
}

/// Weight of the stacks with a text.
pub struct FlameFound {
    /// The merged stacks.
    pub tree: Arc<FlameTree>,
    /// The text.
    pub text: String,
    /// Their weight, each stack once.
    pub weight: u64,
}

/// Weighs the stacks with a text; `None` when cancelled.
pub(super) fn find(request: FlameFindRequest, cancel: &CancelToken) -> Option<FlameFound> {
    let FlameFindRequest { tree, text } = request;
    let weight = tree.matched(&text);
    (!cancel.is_cancelled()).then_some(FlameFound { tree, text, weight })
}

/// A row of the table that is to be shown once there are rows: the one with most of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingFrame {
    /// Frames from the outermost inwards.
    pub frames: Vec<String>,
    /// The rows that it is to be found in.
    pub scope: Option<RowPath>,
}

/// Request for the row of the table that has most of a frame.
pub struct LocateRequest {
    /// The groups of the table.
    pub pivot: Arc<Pivot>,
    /// The frame.
    pub frame: PendingFrame,
    /// Metric by which it has most of the frame.
    pub metric: FlameMetric,
}

/// The row of the table that has most of a frame.
pub struct LocatedFrame {
    /// The groups of the table.
    pub pivot: Arc<Pivot>,
    /// The row; `None` if no row has the frame.
    pub place: Option<RowPath>,
}

/// Finds the row of a frame; `None` when cancelled.
pub(super) fn locate(request: LocateRequest, cancel: &CancelToken) -> Option<LocatedFrame> {
    let LocateRequest { pivot, frame, metric } = request;
    let weigh = |group: usize| pivot.aggregates().get(group).map_or(0, |cost| metric.of(cost, pivot.clock()));
    let place = place_of_most(&pivot, &frame, weigh);
    (!cancel.is_cancelled()).then_some(LocatedFrame { pivot, place })
}

/// Path of the row of the table that has most of a frame.
fn place_of_most(pivot: &Pivot, goal: &PendingFrame, weigh: impl Fn(usize) -> u64) -> Option<RowPath> {
    let column = pivot.keys().iter().position(|key| *key == Key::Stack)?;
    let stacks = pivot.columns().get(column)?.stacks()?;
    let inside = stacks.subtree(stacks.find(&goal.frames)?);
    let scoped = |group: usize| {
        goal.scope.iter().flat_map(|scope| &scope.0).all(|step| {
            let RowPathStep::Value { key, text } = step else { return true };
            let Some(at) = pivot.keys().iter().position(|own| own == key) else { return true };
            let id = pivot.ids(group).get(at).copied().unwrap_or(0);
            pivot.columns().get(at).is_none_or(|values| values.text(id) == text.as_str())
        })
    };
    let fits = |group: &usize| pivot.ids(*group).get(column).is_some_and(|id| inside.contains(id)) && scoped(*group);
    // Of equal ones the first in the order of the table.
    let most = (0..pivot.len()).filter(fits).max_by_key(|group| (weigh(*group), std::cmp::Reverse(*group)))?;
    let mut steps = Vec::with_capacity(column + 1);
    for ((key, values), id) in pivot.keys().iter().zip(pivot.columns()).zip(pivot.ids(most)).take(column) {
        steps.push(match values.stacks() {
            Some(_) if *id == 0 => RowPathStep::NoStack { key: *key },
            Some(stacks) => {
                RowPathStep::Frames { key: *key, frames: stacks.frames(*id).into_iter().map(str::to_owned).collect() }
            }
            None => RowPathStep::Value { key: *key, text: values.text(*id).into_owned() },
        });
    }
    steps.push(RowPathStep::Frames { key: Key::Stack, frames: goal.frames.clone() });
    Some(RowPath(steps))
}
