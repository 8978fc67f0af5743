//! The tree over joined groups: the one of the pivot, with the sums of both sides for each node.

use super::figures::{Change, CompareColumn, CompareSort};
use super::join::{Comparison, Side, SideSums};
use crate::group::display_stacks::DisplayStacks;
use crate::pivot::metric::{Metric, Value};
use crate::pivot::row_path::RowPath;
use crate::pivot::table::Pivot;
use crate::pivot::tree::{NodeId, PivotTree, TreeStep};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Upper bound on the paths of a node on one side.
const MAX_PATHS: usize = 256;

/// The displayed stacks of a column.
fn stacks(pivot: &Pivot, column: usize) -> Option<&DisplayStacks> {
    pivot.columns().get(column).and_then(|column| column.stacks())
}

/// The opened part of the tree over joined groups.
pub struct CompareTree {
    comparison: Arc<Comparison>,
    tree: PivotTree,
    sums: FxHashMap<NodeId, [SideSums; 2]>,
}

impl CompareTree {
    /// A tree of which only the root is open.
    #[must_use]
    pub fn new(comparison: Arc<Comparison>) -> Self {
        let tree = PivotTree::new(Arc::clone(comparison.groups()));
        let mut own = Self { comparison, tree, sums: FxHashMap::default() };
        own.add_sums(PivotTree::ROOT);
        own
    }

    /// The comparison.
    #[must_use]
    pub fn comparison(&self) -> &Arc<Comparison> {
        &self.comparison
    }

    /// Texts, steps and parents of nodes.
    #[must_use]
    pub fn tree(&self) -> &PivotTree {
        &self.tree
    }

    fn add_sums(&mut self, node: NodeId) {
        let sums = self.comparison.sums(&self.tree.groups(node));
        self.sums.insert(node, sums);
    }

    /// Sums of both sides over the groups of a node whose parent was opened.
    #[must_use]
    pub fn sums(&self, node: NodeId) -> [SideSums; 2] {
        self.sums.get(&node).copied().unwrap_or_default()
    }

    /// The value of a column for a node.
    #[must_use]
    pub fn value(&self, node: NodeId, column: CompareColumn) -> Value {
        self.comparison.value_of(&self.sums(node), column)
    }

    /// The kind of change of a node, by a figure.
    #[must_use]
    pub fn change(&self, node: NodeId, metric: Metric) -> Change {
        self.comparison.change_of(&self.sums(node), metric)
    }

    /// Opens a node and returns its children in an order.
    pub fn children(&mut self, node: NodeId, sort: &CompareSort) -> Vec<NodeId> {
        let mut children = self.tree.open(node).to_vec();
        for child in &children {
            if !self.sums.contains_key(child) {
                self.add_sums(*child);
            }
        }
        let value = |node, column| self.value(node, column);
        children.sort_by(|a, b| sort.order(|column| (value(*a, column), value(*b, column)), a.cmp(b)));
        children
    }

    /// Opens a node and, repeatedly, an only child; returns the opened nodes, `node` first.
    pub fn open_chain(&mut self, node: NodeId) -> Vec<NodeId> {
        self.tree.open_chain(node)
    }

    /// The paths of a node on a side, by the texts of that side, which may differ from those of the other: a renamed module, other
    /// process numbers. Empty if the side has none of its rows.
    #[must_use]
    pub fn side_paths(&self, node: NodeId, side: Side) -> Vec<RowPath> {
        let mut steps = Vec::with_capacity(self.tree.depth(node));
        let mut at = node;
        while at != PivotTree::ROOT {
            steps.push(self.tree.step(at));
            at = self.tree.parent(at);
        }
        steps.reverse();
        let pivot = self.comparison.pivot(side);
        let joined = self.tree.pivot();
        let own_id = |group: u32, column: usize| pivot.ids(group as usize).get(column).copied().unwrap_or(0);
        let own_step = |group: u32, step: &TreeStep| match *step {
            TreeStep::Value { column, .. } => TreeStep::Value { column, id: own_id(group, column) },
            TreeStep::Frame { column, frame } => {
                let depth = stacks(joined, column).map_or(0, |stacks| stacks.depth(frame));
                let own = stacks(pivot, column).map_or(0, |stacks| stacks.ancestor(own_id(group, column), depth));
                TreeStep::Frame { column, frame: own }
            }
            same @ (TreeStep::Total | TreeStep::NoStack { .. }) => same,
        };
        let groups = self.comparison.groups_of(side, &self.tree.groups(node));
        let mut paths: Vec<RowPath> = Vec::new();
        for group in groups {
            let own: Vec<TreeStep> = steps.iter().map(|step| own_step(*group, step)).collect();
            let path = RowPath::from_steps(pivot, &own);
            if !paths.contains(&path) && paths.len() < MAX_PATHS {
                paths.push(path);
            }
        }
        paths
    }
}
