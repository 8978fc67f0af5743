//! The tree over the groups of a pivot. Groups are in the order of their keys and displayed stacks in depth-first order, so that
//! each node is a run of groups. Nodes are created when their parent is opened.

use super::metric::{Metric, Value};
use super::sort::SortOrder;
use super::table::Pivot;
use crate::group::aggregate::Aggregate;
use crate::group::display_stacks::DisplayStacks;
use crate::group::key::Key;
use rustc_hash::{FxHashSet, FxHasher};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

/// A node of a [`PivotTree`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(pub u32);

/// The step from a parent to a node. `column` is the position of a key column.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TreeStep {
    /// All rows: the root.
    Total,
    /// One value of a column.
    Value {
        /// Position of the column.
        column: usize,
        /// Id of the value.
        id: u32,
    },
    /// Stacks that begin with the frames of a node; the root of the displayed stacks is `[Root]`.
    Frame {
        /// Position of the column.
        column: usize,
        /// Node of the displayed stacks.
        frame: u32,
    },
    /// Rows without a stack, if others of the same parent have one.
    NoStack {
        /// Position of the column.
        column: usize,
    },
}

#[derive(Debug)]
struct Node {
    parent: NodeId,
    step: TreeStep,
    depth: u16,
    path: u64,
    groups: Range<u32>,
    aggregate: Aggregate,
    children: Option<Vec<NodeId>>,
}

/// The opened part of the tree.
#[derive(Debug)]
pub struct PivotTree {
    pivot: Arc<Pivot>,
    nodes: Vec<Node>,
}

impl PivotTree {
    /// The root.
    pub const ROOT: NodeId = NodeId(0);

    /// A tree with only the root.
    #[must_use]
    pub fn new(pivot: Arc<Pivot>) -> Self {
        let root = Node {
            parent: Self::ROOT,
            step: TreeStep::Total,
            depth: 0,
            path: 0,
            groups: 0..pivot.len() as u32,
            aggregate: *pivot.total(),
            children: None,
        };
        Self { pivot, nodes: vec![root] }
    }

    /// The pivot with the groups.
    #[must_use]
    pub fn pivot(&self) -> &Arc<Pivot> {
        &self.pivot
    }

    fn node(&self, id: NodeId) -> &Node {
        // An id of another tree gives the root instead of a panic.
        self.nodes.get(id.0 as usize).unwrap_or(&self.nodes[0])
    }

    /// The parent; that of the root is the root.
    #[must_use]
    pub fn parent(&self, id: NodeId) -> NodeId {
        self.node(id).parent
    }

    /// The step from the parent to the node.
    #[must_use]
    pub fn step(&self, id: NodeId) -> TreeStep {
        self.node(id).step
    }

    /// Number of steps from the root.
    #[must_use]
    pub fn depth(&self, id: NodeId) -> usize {
        usize::from(self.node(id).depth)
    }

    /// Hash of the names of columns and the texts on the path from the root. It is the same in a new pivot with another visible
    /// range or order.
    #[must_use]
    pub fn path_hash(&self, id: NodeId) -> u64 {
        self.node(id).path
    }

    /// The aggregate of the node.
    #[must_use]
    pub fn aggregate(&self, id: NodeId) -> &Aggregate {
        &self.node(id).aggregate
    }

    /// A metric of the node, from its aggregate.
    #[must_use]
    pub fn value(&self, id: NodeId, metric: Metric) -> Value {
        self.pivot.value_of(self.aggregate(id), metric)
    }

    /// The run of groups of the node.
    #[must_use]
    pub fn groups(&self, id: NodeId) -> Range<u32> {
        self.node(id).groups.clone()
    }

    /// Position of the key column that the node belongs to; `None` for the root.
    #[must_use]
    pub fn column(&self, id: NodeId) -> Option<usize> {
        match self.step(id) {
            TreeStep::Total => None,
            TreeStep::Value { column, .. } | TreeStep::Frame { column, .. } | TreeStep::NoStack { column } => {
                Some(column)
            }
        }
    }

    /// The node's text.
    #[must_use]
    pub fn label(&self, id: NodeId) -> Cow<'_, str> {
        self.step_label(self.step(id))
    }

    fn step_label(&self, step: TreeStep) -> Cow<'_, str> {
        match step {
            TreeStep::Total => Cow::Borrowed("Total"),
            TreeStep::NoStack { .. } => Cow::Borrowed("[No stack]"),
            TreeStep::Value { column, id } | TreeStep::Frame { column, frame: id } => {
                let column = self.pivot.columns().get(column);
                column.map_or(Cow::Borrowed(""), |c| c.text(id))
            }
        }
    }

    /// The frames from the outermost to that of the node; empty for other nodes.
    #[must_use]
    pub fn frames(&self, id: NodeId) -> Vec<&str> {
        match self.step(id) {
            TreeStep::Frame { column, frame } => self.stacks(column).map_or_else(Vec::new, |s| s.frames(frame)),
            _ => Vec::new(),
        }
    }

    /// Returns `true` if the node has children.
    #[must_use]
    pub fn has_children(&self, id: NodeId) -> bool {
        let node = self.node(id);
        let last = self.pivot.keys().len();
        match node.step {
            TreeStep::Total => !node.groups.is_empty() && last > 0,
            TreeStep::Value { column, .. } | TreeStep::NoStack { column } => column + 1 < last,
            TreeStep::Frame { column, frame } => {
                let innermost = node.groups.end.checked_sub(1);
                column + 1 < last || innermost.is_some_and(|g| self.id_at(g, column) > frame)
            }
        }
    }

    /// Opens a node and returns its children in the order of their keys.
    pub fn open(&mut self, id: NodeId) -> &[NodeId] {
        if self.node(id).children.is_none() {
            let steps = self.split(id);
            let mut children = Vec::with_capacity(steps.len());
            for (step, groups) in steps {
                children.push(NodeId(self.nodes.len() as u32));
                let node = self.new_node(id, step, groups);
                self.nodes.push(node);
            }
            if let Some(node) = self.nodes.get_mut(id.0 as usize) {
                node.children = Some(children);
            }
        }
        self.node(id).children.as_deref().unwrap_or(&[])
    }

    /// The children of a node in the order of their keys; `None` if it was never opened.
    #[must_use]
    pub fn opened(&self, id: NodeId) -> Option<&[NodeId]> {
        self.node(id).children.as_deref()
    }

    /// Opens a node and returns its children, sorted by metrics from aggregates, then by keys.
    pub fn children(&mut self, id: NodeId, sort: impl Into<SortOrder>) -> Vec<NodeId> {
        let sort = sort.into();
        let mut children = self.open(id).to_vec();
        children.sort_by(|a, b| self.order(sort, *a, *b));
        children
    }

    /// Order of two children of one node.
    #[must_use]
    pub fn order(&self, sort: impl Into<SortOrder>, a: NodeId, b: NodeId) -> Ordering {
        // Ids of children are in the order of their keys.
        sort.into().order(|metric| (self.value(a, metric), self.value(b, metric)), a.cmp(&b))
    }

    /// Opens a node and, repeatedly, an only child. Returns the opened nodes, `id` first; the last one has no children or several.
    pub fn open_chain(&mut self, id: NodeId) -> Vec<NodeId> {
        let mut chain = vec![id];
        let mut at = id;
        while let [child] = *self.open(at) {
            if !self.has_children(child) {
                break;
            }
            chain.push(child);
            at = child;
        }
        chain
    }

    /// Opens all nodes whose paths, and those of their parents, are among `paths`; returns their ids.
    pub fn open_paths(&mut self, paths: &FxHashSet<u64>) -> Vec<NodeId> {
        let mut opened = Vec::new();
        let mut next = vec![Self::ROOT];
        while let Some(id) = next.pop() {
            if id == Self::ROOT || paths.contains(&self.path_hash(id)) {
                opened.push(id);
                next.extend(self.open(id).iter().rev());
            }
        }
        opened
    }

    fn stacks(&self, column: usize) -> Option<&DisplayStacks> {
        self.pivot.columns().get(column).and_then(|c| c.stacks())
    }

    fn id_at(&self, group: u32, column: usize) -> u32 {
        self.pivot.ids(group as usize).get(column).copied().unwrap_or(0)
    }

    /// The end of the leading run of groups whose id in `column` is below `limit`.
    fn run_end(&self, groups: &Range<u32>, column: usize, limit: u32) -> u32 {
        let (mut low, mut high) = (groups.start, groups.end);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.id_at(middle, column) < limit {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn split(&self, id: NodeId) -> Vec<(TreeStep, Range<u32>)> {
        let node = self.node(id);
        self.split_step(node.step, node.groups.clone())
    }

    /// The children of a node with this step and these groups.
    pub(super) fn split_step(&self, step: TreeStep, groups: Range<u32>) -> Vec<(TreeStep, Range<u32>)> {
        match step {
            TreeStep::Total => self.split_column(0, groups),
            TreeStep::Value { column, .. } | TreeStep::NoStack { column } => self.split_column(column + 1, groups),
            TreeStep::Frame { column, frame } => self.split_frame(column, frame, groups),
        }
    }

    fn split_column(&self, column: usize, groups: Range<u32>) -> Vec<(TreeStep, Range<u32>)> {
        if column >= self.pivot.keys().len() || groups.is_empty() {
            return Vec::new();
        }
        if self.stacks(column).is_some() {
            return vec![(TreeStep::Frame { column, frame: 0 }, groups)];
        }
        let mut runs = Vec::new();
        let mut rest = groups;
        while !rest.is_empty() {
            let id = self.id_at(rest.start, column);
            let end = self.run_end(&rest, column, id.saturating_add(1));
            runs.push((TreeStep::Value { column, id }, rest.start..end));
            rest.start = end;
        }
        runs
    }

    /// Children of a frame: those of the next column for stacks that end here, frames for the others.
    fn split_frame(&self, column: usize, frame: u32, groups: Range<u32>) -> Vec<(TreeStep, Range<u32>)> {
        let Some(stacks) = self.stacks(column) else {
            return Vec::new();
        };
        let own_end = self.run_end(&groups, column, frame.saturating_add(1));
        let own = groups.start..own_end;
        let mut rest = own_end..groups.end;
        let mut runs = if frame == 0 && !own.is_empty() && !rest.is_empty() {
            vec![(TreeStep::NoStack { column }, own)]
        } else {
            self.split_column(column + 1, own)
        };
        let depth = stacks.depth(frame) + 1;
        while !rest.is_empty() {
            let child = stacks.ancestor(self.id_at(rest.start, column), depth);
            let end = self.run_end(&rest, column, stacks.subtree(child).end).max(rest.start + 1);
            runs.push((TreeStep::Frame { column, frame: child }, rest.start..end));
            rest.start = end;
        }
        runs
    }

    fn new_node(&self, parent: NodeId, step: TreeStep, groups: Range<u32>) -> Node {
        let aggregate = self.pivot.aggregate_of(&groups);
        let key = match step {
            TreeStep::Total => None,
            TreeStep::Value { column, .. } | TreeStep::Frame { column, .. } | TreeStep::NoStack { column } => {
                Some(column)
            }
        };
        let key = key.and_then(|column| self.pivot.keys().get(column)).copied();
        let path = path_hash_below(self.path_hash(parent), step, key, &self.step_label(step));
        let depth = self.node(parent).depth.saturating_add(1);
        Node { parent, step, depth, path, groups, aggregate, children: None }
    }
}

/// Hash of the path of a child of `parent`, from the kind of the step, the key column and the text.
pub(super) fn path_hash_below(parent: u64, step: TreeStep, key: Option<Key>, label: &str) -> u64 {
    let mut hasher = FxHasher::default();
    parent.hash(&mut hasher);
    let kind = match step {
        TreeStep::Total => 0u8,
        TreeStep::Value { .. } => 1,
        TreeStep::Frame { .. } => 2,
        TreeStep::NoStack { .. } => 3,
    };
    kind.hash(&mut hasher);
    key.map(Key::name).hash(&mut hasher);
    label.hash(&mut hasher);
    hasher.finish()
}
