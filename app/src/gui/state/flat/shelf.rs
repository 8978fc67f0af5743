//! A tree whose siblings have an order: by up to a few figures, some of which become known later.

use std::cmp::Ordering;

use poolscope_analysis::pivot::{Metric, NodeId, Value, PivotTree, SortOrder};
use rustc_hash::FxHashMap;

/// A tree and the order of its siblings.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) tree: PivotTree,
    pub(super) sort: SortOrder,
    /// Figures that are no sums, as far as they are known.
    pub(super) later: FxHashMap<(NodeId, Metric), Value>,
}

impl Shelf {
    pub(super) fn new(tree: PivotTree, sort: SortOrder) -> Self {
        Self { tree, sort, later: FxHashMap::default() }
    }

    /// A figure of a node; `None` while it is not known.
    pub(super) fn figure(&self, id: NodeId, figure: Metric) -> Option<Value> {
        if figure.is_from_aggregate() {
            return Some(self.tree.value(id, figure));
        }
        self.later.get(&(id, figure)).copied()
    }

    /// The order of siblings; their keys decide in the end.
    pub(super) fn compare(&self, a: NodeId, b: NodeId) -> Ordering {
        let number = |node, figure| self.figure(node, figure).unwrap_or(Value::None);
        self.sort.order(|figure| (number(a, figure), number(b, figure)), a.cmp(&b))
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
