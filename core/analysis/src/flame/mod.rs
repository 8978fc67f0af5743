//! Flame graphs: the stacks of a set of rows merged into a tree of frames with weights. Frames are the displayed ones, and metrics
//! those of the pivot. Frames that are too narrow for a screen are left out, so that the number of nodes is limited; their
//! weight is counted in their parent.

mod build;
pub mod sample_tree;
pub mod samples;
#[cfg(test)]
mod tests;

use crate::filter::rowset::RowSet;
use crate::group::aggregate::Aggregate;
use crate::group::column_values::ColumnValues;
use crate::group::display_stacks::DisplayStacks;
use crate::group::key::Key;
use crate::group::parallel::{Cancel, Cancelled};
use crate::pivot::metric::{Metric, Value};
use crate::pivot::table::{Pivot, PivotRequest, pivot};
use crate::trace::time::{Clock, TimeRange};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// A frame is left out if its weight is less than this fraction of the whole, or of the zoomed frame: half a pixel on a screen of
/// 4,096 pixels.
pub const MAX_PARTS: u64 = 8192;

/// The end from which stacks are merged.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum FlameDirection {
    /// From the outermost frame inwards: callers above callees.
    #[default]
    TopDown,
    /// From the innermost frame outwards: callees above callers.
    BottomUp,
}

/// Weight of frames: a metric that is additive.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum FlameMetric {
    /// Bytes of AIFO rows.
    #[default]
    ImpactingSize,
    /// Number of AIFO rows.
    ImpactingCount,
    /// Bytes of all rows.
    Size,
    /// Number of all rows.
    Count,
}

impl FlameMetric {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ImpactingSize, Self::ImpactingCount, Self::Size, Self::Count];

    /// The metric of the pivot.
    #[must_use]
    pub const fn metric(self) -> Metric {
        match self {
            Self::ImpactingSize => Metric::ImpactingSize,
            Self::ImpactingCount => Metric::ImpactingCount,
            Self::Size => Metric::Size,
            Self::Count => Metric::Count,
        }
    }

    /// The weight of a group.
    #[must_use]
    pub fn of(self, aggregate: &Aggregate, clock: &Clock) -> u64 {
        match self.metric().of(aggregate, clock) {
            Value::Int(number) => u64::try_from(number).unwrap_or(0),
            Value::Float(_) | Value::None => 0,
        }
    }
}

/// The module in the text of a frame: the part before its function or its offset, else the whole text if it is a file name;
/// `None` for an address.
#[must_use]
pub fn module_of_text(text: &str) -> Option<&str> {
    let is_offset = |text: &str| text.starts_with("0x");
    let module = match (text.split_once('!'), text.rsplit_once('+')) {
        (Some((module, _)), _) => module,
        (None, Some((module, offset))) if is_offset(offset) => module,
        _ if is_offset(text) || text.starts_with('[') => "",
        _ => text,
    };
    (!module.is_empty()).then_some(module)
}

/// Request for a flame graph.
#[derive(Clone, Copy)]
pub struct FlameRequest<'r> {
    /// The visible range.
    pub visible_range: TimeRange,
    /// Only these rows.
    pub rows: Option<&'r RowSet>,
    /// The end from which stacks are merged.
    pub direction: FlameDirection,
    /// The weight of frames.
    pub metric: FlameMetric,
    /// Frames from the root to the zoomed one, below which narrow frames are measured against the zoomed frame.
    pub zoom: &'r [String],
}

/// The label of a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Label {
    /// A frame: number of its text among those of the shown stacks.
    Frame(u32),
    /// The rows without a stack.
    NoStack,
    /// Everything.
    Root,
}

#[derive(Clone, Debug)]
struct Node {
    label: Label,
    parent: u32,
    children: Range<u32>,
    depth: u32,
    /// Node of the displayed stacks for this frame; of several, that of the stack with the largest weight.
    shown: u32,
    /// Node of the displayed stacks at which the stack with the largest weight ends.
    stack: u32,
    weight: u64,
    /// Weight of the stacks that end here.
    own: u64,
    /// Weight and number of the children that are left out.
    rest: u64,
    rest_count: u32,
    /// True if frames are left out below the node.
    is_cut: bool,
}

/// Merged stacks. Node 0 is the root; the children of a node have consecutive numbers, by weight (largest first), then by text.
#[derive(Debug)]
pub struct FlameTree {
    pivot: Arc<Pivot>,
    direction: FlameDirection,
    metric: FlameMetric,
    nodes: Vec<Node>,
    aggregates: Vec<Aggregate>,
}

/// Merges the stacks of rows.
///
/// # Errors
/// [`Cancelled`] if `cancel` returns `true`.
pub fn flame(names: &ColumnValues, request: &FlameRequest<'_>, cancel: Cancel<'_>) -> Result<FlameTree, Cancelled> {
    let question = PivotRequest { keys: &[Key::Stack], visible_range: request.visible_range, rows: request.rows };
    let pivot = Arc::new(pivot(names, &question, cancel)?);
    FlameTree::of_groups(pivot, request, cancel)
}

impl FlameTree {
    /// The root.
    pub const ROOT: u32 = 0;

    /// Merges the groups of a pivot by [`Key::Stack`] alone.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn of_groups(pivot: Arc<Pivot>, request: &FlameRequest<'_>, cancel: Cancel<'_>) -> Result<Self, Cancelled> {
        let (nodes, aggregates) = build::build(&pivot, request, cancel)?;
        Ok(Self { pivot, direction: request.direction, metric: request.metric, nodes, aggregates })
    }

    /// The pivot with one group for each displayed stack.
    #[must_use]
    pub fn pivot(&self) -> &Arc<Pivot> {
        &self.pivot
    }

    /// The end from which stacks are merged.
    #[must_use]
    pub fn direction(&self) -> FlameDirection {
        self.direction
    }

    /// The weight of frames.
    #[must_use]
    pub fn metric(&self) -> FlameMetric {
        self.metric
    }

    /// Number of nodes, the root included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns `true` if no row matched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pivot.is_empty()
    }

    /// Returns `true` if no row that matched has a stack.
    #[must_use]
    pub fn lacks_stacks(&self) -> bool {
        (0..self.pivot.len()).all(|group| self.pivot.ids(group) == [0])
    }

    /// The displayed stacks.
    #[must_use]
    pub fn stacks(&self) -> Option<&DisplayStacks> {
        self.pivot.columns().first()?.stacks()
    }

    fn node(&self, node: u32) -> Option<&Node> {
        self.nodes.get(node as usize)
    }

    /// Text of the frame; `[Root]` for the root, `[No stack]` for the rows without one.
    #[must_use]
    pub fn text(&self, node: u32) -> &str {
        match self.node(node).map(|node| node.label) {
            Some(Label::Frame(text)) => {
                self.stacks().and_then(|stacks| stacks.texts().get(text as usize)).map_or("", String::as_str)
            }
            Some(Label::NoStack) => "[No stack]",
            Some(Label::Root) | None => "[Root]",
        }
    }

    /// Returns `true` for the node of a frame.
    #[must_use]
    pub fn is_frame(&self, node: u32) -> bool {
        self.node(node).is_some_and(|node| matches!(node.label, Label::Frame(_)))
    }

    /// The parent; that of the root is the root.
    #[must_use]
    pub fn parent(&self, node: u32) -> u32 {
        self.node(node).map_or(Self::ROOT, |node| node.parent)
    }

    /// Number of frames from the root to the node.
    #[must_use]
    pub fn depth(&self, node: u32) -> usize {
        self.node(node).map_or(0, |node| node.depth as usize)
    }

    /// The children of a node.
    #[must_use]
    pub fn children(&self, node: u32) -> Range<u32> {
        self.node(node).map_or(0..0, |node| node.children.clone())
    }

    /// The aggregate of the node's rows.
    #[must_use]
    pub fn aggregate(&self, node: u32) -> Aggregate {
        self.aggregates.get(node as usize).copied().unwrap_or_default()
    }

    /// The weight of the node: the sum of its own weight, that of its children, and that of the children left out.
    #[must_use]
    pub fn weight(&self, node: u32) -> u64 {
        self.node(node).map_or(0, |node| node.weight)
    }

    /// Weight of the stacks that end at the node.
    #[must_use]
    pub fn own_weight(&self, node: u32) -> u64 {
        self.node(node).map_or(0, |node| node.own)
    }

    /// Weight and number of the children that are left out because they are too narrow.
    #[must_use]
    pub fn rest(&self, node: u32) -> (u64, u32) {
        self.node(node).map_or((0, 0), |node| (node.rest, node.rest_count))
    }

    /// Returns `true` if frames are left out below the node.
    #[must_use]
    pub fn is_cut(&self, node: u32) -> bool {
        self.node(node).is_some_and(|node| node.is_cut)
    }

    /// The node of the displayed stacks for the frame; of several, that of the stack with the largest weight.
    #[must_use]
    pub fn shown(&self, node: u32) -> u32 {
        self.node(node).map_or(0, |node| node.shown)
    }

    /// The node of the displayed stacks at which the stack with the largest weight ends.
    #[must_use]
    pub fn heaviest_stack(&self, node: u32) -> u32 {
        self.node(node).map_or(0, |node| node.stack)
    }

    /// Texts from the root (exclusive) to the node.
    #[must_use]
    pub fn path(&self, node: u32) -> Vec<&str> {
        let mut path = Vec::with_capacity(self.depth(node));
        let mut at = node;
        while at != Self::ROOT && path.len() < self.nodes.len() {
            path.push(self.text(at));
            at = self.parent(at);
        }
        path.reverse();
        path
    }

    /// The node with these texts, or its last existing ancestor, and the number of texts that lead to it.
    #[must_use]
    pub fn find(&self, path: &[impl AsRef<str>]) -> (u32, usize) {
        let mut at = Self::ROOT;
        for (known, text) in path.iter().enumerate() {
            match self.children(at).find(|child| self.text(*child) == text.as_ref()) {
                Some(child) => at = child,
                None => return (at, known),
            }
        }
        (at, path.len())
    }

    /// Weight of all stacks with a frame whose text contains `text`, without regard to case, including stacks that are left out of
    /// the tree. 0 for an empty text.
    #[must_use]
    pub fn matched(&self, text: &str) -> u64 {
        let Some(stacks) = self.stacks().filter(|_| !text.is_empty()) else { return 0 };
        let text = text.to_lowercase();
        let hits: Vec<bool> = stacks.texts().par_iter().map(|own| own.to_lowercase().contains(&text)).collect();
        let hit = |node: u32| stacks.text_id(node).and_then(|id| hits.get(id as usize)).copied().unwrap_or(false);
        let mut has = vec![false; stacks.len()];
        // Parents come before their children.
        for node in 1..stacks.len() as u32 {
            let above = has.get(stacks.parent(node) as usize).copied().unwrap_or(false);
            if let Some(place) = has.get_mut(node as usize) {
                *place = above || hit(node);
            }
        }
        let weight = |group: usize| {
            let shown = self.pivot.ids(group).first().copied().unwrap_or(0);
            let taken = has.get(shown as usize).copied().unwrap_or(false);
            self.pivot
                .aggregates()
                .get(group)
                .filter(|_| taken)
                .map_or(0, |group| self.metric.of(group, self.pivot.clock()))
        };
        (0..self.pivot.len()).map(weight).fold(0, u64::saturating_add)
    }
}
