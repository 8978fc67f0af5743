//! Groups the rows of a trace for the table: pivot, open what was open, lead to the answer the first time. Cancelled work
//! gives no answer.

use std::sync::Arc;

use poolscope_core::column::names::Names;
use poolscope_core::job::CancelToken;
use poolscope_core::pivot::{Key, NodeId, Pivot, PivotRequest, PivotTree, SortOrder, pivot};
use poolscope_core::trace::time::View;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::gui::state::filter::Narrowing;
use crate::gui::state::flat::Flat;

/// What to group and how to show it.
pub struct TableRequest {
    /// The trace and its texts.
    pub names: Arc<Names>,
    /// The groups, if they are known already and only their order or what is open changed.
    pub pivot: Option<Arc<Pivot>>,
    /// Key columns, outermost first.
    pub keys: Vec<Key>,
    /// The view that every figure is relative to.
    pub view: View,
    /// Which rows to group.
    pub filter: Arc<Narrowing>,
    /// Order of the rows, the deciding one first.
    pub sort: SortOrder,
    /// Paths of open rows.
    pub expanded: FxHashSet<u64>,
    /// Paths of rows to find again (selection, cursor).
    pub wanted: FxHashSet<u64>,
    /// Open what leads to the answer, beginning with the top row of this name or, where there is none, the largest.
    pub follow: Option<String>,
}

/// The rows.
#[derive(Debug)]
pub struct TableAnswer {
    /// Number of the request.
    pub generation: u64,
    /// The view that the figures are relative to.
    pub view: View,
    /// The rows.
    pub flat: Flat,
    /// Paths of open rows, with what was opened to lead to the answer.
    pub expanded: FxHashSet<u64>,
    /// The paths that were wanted.
    pub wanted: FxHashSet<u64>,
    /// Where the wanted paths are now.
    pub found: FxHashMap<u64, NodeId>,
    /// The rows that lead to the answer, outermost first.
    pub led: Vec<NodeId>,
}

pub(super) fn run(request: TableRequest, generation: u64, cancel: &CancelToken) -> Option<TableAnswer> {
    let TableRequest { names, pivot: known, keys, view, filter, sort, mut expanded, wanted, follow } = request;
    let cancelled = || cancel.is_cancelled();
    let groups = match known {
        Some(groups) => groups,
        None => {
            let rows = filter.rows(&names, view, &cancelled).ok()?;
            let question = PivotRequest { keys: &keys, view, rows: rows.as_deref() };
            Arc::new(pivot(&names, &question, &cancelled).ok()?)
        }
    };
    let mut flat = Flat::new(PivotTree::new(groups), sort, &expanded);
    let led = follow.map_or_else(Vec::new, |first| flat.follow_largest(&first, &mut expanded));
    let found = flat.find_paths(&wanted);
    (!cancel.is_cancelled()).then_some(TableAnswer { generation, view, flat, expanded, wanted, found, led })
}
