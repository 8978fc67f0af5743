//! Runs of frames that one row stands for: in a stack without branches only the ends and the responsible frame say something.
//! A run is open frames one inside the other, each the only callee of its caller; [`unfold_mark`] in the set of open paths shows
//! its frames one by one.

use poolscope_analysis::pivot::{NodeId, PivotTree, TreeStep};
use rustc_hash::FxHashSet;

use super::value_cache::ValueCache;

/// Least number of frames that are folded into one row.
pub const MIN_FOLDED: usize = 3;
/// Turns the path of the first frame of a run into the mark that its frames are shown one by one, and back.
const UNFOLDED: u64 = 0x9e37_79b9_7f4a_7c15;

/// The entry in the set of open paths that says that the run that begins at a path is shown frame by frame. The mark of a mark
/// is the path.
#[must_use]
pub const fn unfold_mark(path: u64) -> u64 {
    path ^ UNFOLDED
}

/// The frame and the column of a node, `None` for other nodes and for `[Root]`.
fn frame_of(tree: &PivotTree, node: NodeId) -> Option<(usize, u32)> {
    match tree.step(node) {
        TreeStep::Frame { column, frame } if frame != 0 => Some((column, frame)),
        _ => None,
    }
}

/// Returns whether a node has one child alone, a frame of the same column.
fn has_one_callee(cache: &mut ValueCache, node: NodeId) -> bool {
    let column = cache.tree.column(node);
    let [child] = *cache.tree.open(node) else { return false };
    frame_of(&cache.tree, child).is_some_and(|(own, _)| Some(own) == column)
}

/// Returns whether a node may be inside a run: an open frame that is no responsible one, with one caller and one callee.
fn is_inside(cache: &mut ValueCache, node: NodeId, expanded: &FxHashSet<u64>) -> bool {
    let Some((column, frame)) = frame_of(&cache.tree, node) else { return false };
    let caller = cache.tree.parent(node);
    let is_only = matches!(cache.tree.step(caller), TreeStep::Frame { column: of, .. } if of == column)
        && cache.tree.opened(caller).is_some_and(|callees| callees.len() == 1);
    is_only
        && !cache.is_responsible(frame)
        && expanded.contains(&cache.tree.path_hash(node))
        && has_one_callee(cache, node)
}

/// The first frame of the run that a node is in, whether its frames are shown one by one or not.
pub(super) fn run_start(cache: &mut ValueCache, node: NodeId, expanded: &FxHashSet<u64>) -> Option<NodeId> {
    if !is_inside(cache, node, expanded) {
        return None;
    }
    let mut first = node;
    loop {
        let caller = cache.tree.parent(first);
        if !is_inside(cache, caller, expanded) {
            return Some(first);
        }
        first = caller;
    }
}

/// The frames that the row of an open node stands for, itself first; none if it stands for itself alone.
pub(super) fn folded(cache: &mut ValueCache, node: NodeId, expanded: &FxHashSet<u64>) -> Vec<NodeId> {
    let is_marked = expanded.contains(&unfold_mark(cache.tree.path_hash(node)));
    if is_marked || !is_inside(cache, node, expanded) || is_inside(cache, cache.tree.parent(node), expanded) {
        return Vec::new();
    }
    let mut run = vec![node];
    let mut last = node;
    while let Some(callee) = cache.tree.opened(last).and_then(|callees| callees.first().copied())
        && is_inside(cache, callee, expanded)
    {
        run.push(callee);
        last = callee;
    }
    if run.len() < MIN_FOLDED { Vec::new() } else { run }
}

/// The outermost node whose row changes if this node is opened or closed: its caller as long as that has no other callee.
pub(super) fn affected(tree: &PivotTree, node: NodeId) -> NodeId {
    let mut top = node;
    loop {
        let caller = tree.parent(top);
        let is_only = matches!(tree.step(caller), TreeStep::Frame { column, .. } if Some(column) == tree.column(top))
            && tree.opened(caller).is_some_and(|callees| callees.len() == 1);
        if !is_only {
            return top;
        }
        top = caller;
    }
}
