//! Groups the rows of a trace for the table: pivot, open what was open, lead to the answer the first time. Cancelled work
//! gives no answer.

use std::sync::Arc;

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::parallel::Cancelled;
use poolscope_analysis::pivot::{NodeId, Pivot, PivotRequest, PivotTree, SortOrder, pivot};
use poolscope_base::progress::CancelToken;
use rustc_hash::{FxHashMap, FxHashSet};

use super::names::{Rename, Renamed, known_steps};
use super::range_sums::RangeSumsAnswer;
use crate::gui::model::filter::Step;
use crate::gui::model::query::GroupsQuery;
use crate::gui::model::visible_rows::{DeferredValues, VisibleRows, unfold_mark};

/// Request for the rows of the table.
pub struct TableRequest {
    /// The trace and its texts.
    pub names: Arc<ColumnValues>,
    /// The groups, if they are known already and only their order or what is open changed.
    pub pivot: Option<Arc<Pivot>>,
    /// Sums that the groups may be computed from.
    pub range_sums: Option<RangeSumsAnswer>,
    /// Values of these groups that are no sums, as far as they are known.
    pub deferred: DeferredValues,
    /// Rows to group, and keys to group them by.
    pub query: GroupsQuery,
    /// Order of the rows, the deciding one first.
    pub sort: SortOrder,
    /// Paths of open rows.
    pub expanded: FxHashSet<u64>,
    /// Paths of rows to find again (selection, cursor).
    pub wanted: FxHashSet<u64>,
    /// Everything that is kept by old names.
    pub rename: Option<Rename>,
    /// Steps of a filter that may be known by these names.
    pub awaited: Vec<Step>,
    /// Open what leads to the answer, beginning with the top row of this name or, where there is none, the largest.
    pub follow: Option<String>,
}

/// The rows.
pub struct TableAnswer {
    /// Number of the request.
    pub generation: u64,
    /// Question that they answer.
    pub query: GroupsQuery,
    /// The rows.
    pub flat: VisibleRows,
    /// Paths of open rows, with those opened for the initial reveal.
    pub expanded: FxHashSet<u64>,
    /// The paths that were wanted.
    pub wanted: FxHashSet<u64>,
    /// Nodes of the wanted paths.
    pub found: FxHashMap<u64, NodeId>,
    /// The rows that lead to the answer, outermost first.
    pub led: Vec<NodeId>,
    /// Translation of everything that is kept by old names.
    pub renamed: Option<Box<Renamed>>,
    /// The awaited steps that are known.
    pub known: Vec<Step>,
}

pub(super) fn run(request: TableRequest, generation: u64, cancel: &CancelToken) -> Option<TableAnswer> {
    let TableRequest { names, pivot: known, mut query, sort, .. } = request;
    let (mut expanded, mut wanted) = (request.expanded, request.wanted);
    let mut renamed = None;
    if let Some(rename) = request.rename {
        let done = rename.run(&names, expanded, wanted, cancel).ok()?;
        expanded = done.new_open(&done.open);
        wanted = done.new_paths(&done.wanted);
        query = query.with_filter(Arc::clone(&done.filter));
        renamed = Some(Box::new(done));
    }
    let groups = match known {
        Some(groups) => groups,
        None => match quick_groups(request.range_sums, &names, &query, cancel).ok()? {
            Some(groups) => Arc::new(groups),
            None => Arc::new(all_groups(&names, &query, cancel).ok()?),
        },
    };
    let has_stacks = query.keys().iter().any(|key| key.is_stack());
    let responsible = if has_stacks { Arc::clone(names.responsible_nodes()) } else { Arc::default() };
    let mut flat = VisibleRows::new(PivotTree::new(groups), sort, &expanded, request.deferred, responsible);
    if let Some(done) = &renamed {
        // Of the new paths only those are kept that lead somewhere, and what is still waited for.
        let open: FxHashSet<u64> = flat.open_paths(usize::MAX).into_iter().collect();
        let is_awaited = |path: &u64| done.open.contains(path) && !done.paths.of.contains_key(path);
        expanded.retain(|path| open.contains(path) || open.contains(&unfold_mark(*path)) || is_awaited(path));
    }
    let led = request.follow.map_or_else(Vec::new, |first| flat.follow_largest(&first, &mut expanded));
    let found = flat.find_paths(&wanted);
    let known = known_steps(request.awaited, &names, cancel).ok()?;
    let answer = TableAnswer { generation, query, flat, expanded, wanted, found, led, renamed, known };
    (!cancel.is_cancelled()).then_some(answer)
}

/// The groups from sums that were prepared for them; `None` without such sums.
fn quick_groups(
    sums: Option<RangeSumsAnswer>,
    names: &Arc<ColumnValues>,
    query: &GroupsQuery,
    cancel: &CancelToken,
) -> Result<Option<Pivot>, Cancelled> {
    match sums.filter(|sums| sums.request().serves(names, query)) {
        Some(sums) => sums.groups(query.range(), cancel),
        None => Ok(None),
    }
}

/// The groups from all rows that the filter leaves.
fn all_groups(names: &ColumnValues, query: &GroupsQuery, cancel: &CancelToken) -> Result<Pivot, Cancelled> {
    let cancelled = || cancel.is_cancelled();
    let rows = query.filter().rows(names, query.range(), &cancelled)?;
    let question = PivotRequest { keys: query.keys(), visible_range: query.range(), rows: rows.as_deref() };
    pivot(names, &question, &cancelled)
}
