//! The tree over the groups of a pivot. Groups are in the order of their keys and stacks in the order of a walk, so that every
//! node is a run of groups; nodes are made when their parent is opened, and none before.

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

/// The narrowing of a node below its parent. `column` is the position of a key column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TreeStep {
    /// Not at all: everything.
    Total,
    /// To one value of a column.
    Value {
        /// Position of the column.
        column: usize,
        /// Number of the value.
        id: u32,
    },
    /// To the stacks that begin with these frames; the root of the shown stacks is `[Root]`.
    Frame {
        /// Position of the column.
        column: usize,
        /// Node of the shown stacks.
        frame: u32,
    },
    /// To the rows without a stack, where others of the same parent have one.
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
    /// The node of everything.
    pub const ROOT: NodeId = NodeId(0);

    /// A tree of which only the root is there.
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

    /// The groups below the tree.
    #[must_use]
    pub fn pivot(&self) -> &Arc<Pivot> {
        &self.pivot
    }

    fn node(&self, id: NodeId) -> &Node {
        // Ids come from this tree; one of another tree shows the root rather than ending the program.
        self.nodes.get(id.0 as usize).unwrap_or(&self.nodes[0])
    }

    /// The node above; the root's is the root.
    #[must_use]
    pub fn parent(&self, id: NodeId) -> NodeId {
        self.node(id).parent
    }

    /// The narrowing of the node below its parent.
    #[must_use]
    pub fn step(&self, id: NodeId) -> TreeStep {
        self.node(id).step
    }

    /// Steps from the root.
    #[must_use]
    pub fn depth(&self, id: NodeId) -> usize {
        usize::from(self.node(id).depth)
    }

    /// Hash of the node's path that is the same after a new pivot, whatever the time range and the order:
    /// made of the columns' names and the texts on the way from the root.
    #[must_use]
    pub fn path_hash(&self, id: NodeId) -> u64 {
        self.node(id).path
    }

    /// The node's sums.
    #[must_use]
    pub fn aggregate(&self, id: NodeId) -> &Aggregate {
        &self.node(id).aggregate
    }

    /// A metric of the node, from its aggregate.
    #[must_use]
    pub fn value(&self, id: NodeId, metric: Metric) -> Value {
        metric.of(self.aggregate(id), self.pivot.clock())
    }

    /// The run of groups that the node adds up.
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

    /// The frames from the outermost to the node's own; empty for nodes that are none.
    #[must_use]
    pub fn frames(&self, id: NodeId) -> Vec<&str> {
        match self.step(id) {
            TreeStep::Frame { column, frame } => self.stacks(column).map_or_else(Vec::new, |s| s.frames(frame)),
            _ => Vec::new(),
        }
    }

    /// True if opening the node shows anything.
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

    /// Opens a node: its children in the order of their keys. They stay.
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

    /// The children of an opened node in the order of their keys; `None` while it was never opened.
    #[must_use]
    pub fn opened(&self, id: NodeId) -> Option<&[NodeId]> {
        self.node(id).children.as_deref()
    }

    /// Opens a node: its children in the order of metrics that follow from aggregates, equal ones in the order of their keys.
    pub fn children(&mut self, id: NodeId, sort: impl Into<SortOrder>) -> Vec<NodeId> {
        let sort = sort.into();
        let mut children = self.open(id).to_vec();
        children.sort_by(|a, b| self.order(sort, *a, *b));
        children
    }

    /// Order of two children of one node.
    #[must_use]
    pub fn order(&self, sort: impl Into<SortOrder>, a: NodeId, b: NodeId) -> Ordering {
        // Children are made in the order of their keys.
        sort.into().order(|metric| (self.value(a, metric), self.value(b, metric)), a.cmp(&b))
    }

    /// Opens a node, and its child if it is the only one, and so on: all nodes opened, `id` first. The last one has no
    /// children or several.
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

    /// Opens every node whose path is among `paths` (and whose parents' are too): their new ids.
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

    /// The end of the run of groups from `from` on whose number in `column` is below `limit`.
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

    /// The children of a node of this step and these groups.
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

    /// Stacks that end here go on with the next column; the others with their next frame.
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

/// The path of a node below one with the path `parent`: of the step only its kind counts, what it leads to is said by the key
/// column and the text.
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
