//! A tree whose siblings have an order: by up to a few metrics, some of which become known later.

use std::cmp::Ordering;
use std::sync::Arc;

use poolscope_analysis::pivot::{Metric, NodeId, PivotTree, SortOrder, Value};
use rustc_hash::FxHashMap;

/// Values of metrics that are no sums, as far as they are known, by the path of the row. Paths are the same in every tree over the
/// same groups.
pub type DeferredValues = FxHashMap<(u64, Metric), Value>;

/// A tree and the order of its siblings.
#[derive(Debug)]
pub(super) struct ValueCache {
    pub(super) tree: PivotTree,
    pub(super) sort: SortOrder,
    pub(super) deferred: DeferredValues,
    /// A flag for each node of the displayed stacks, true for responsible frames.
    pub(super) responsible: Arc<Vec<bool>>,
}

impl ValueCache {
    /// Returns whether a node of the displayed stacks shows a responsible frame.
    pub(super) fn is_responsible(&self, frame: u32) -> bool {
        self.responsible.get(frame as usize).copied().unwrap_or(false)
    }

    /// Value of a metric for a node; `None` while it is not known.
    pub(super) fn value(&self, id: NodeId, metric: Metric) -> Option<Value> {
        if self.tree.pivot().knows(metric) {
            return Some(self.tree.value(id, metric));
        }
        self.deferred.get(&(self.tree.path_hash(id), metric)).copied()
    }

    /// The order of siblings; their keys decide between equal ones.
    pub(super) fn compare(&self, a: NodeId, b: NodeId) -> Ordering {
        let value = |node, metric| self.value(node, metric).unwrap_or(Value::None);
        self.sort.order(|metric| (value(a, metric), value(b, metric)), a.cmp(&b))
    }

    /// Opens a node: its children in their order.
    pub(super) fn children(&mut self, id: NodeId) -> Vec<NodeId> {
        let mut children = self.tree.open(id).to_vec();
        if !self.sort.levels().is_empty() {
            children.sort_by(|a, b| self.compare(*a, *b));
        }
        children
    }
}
