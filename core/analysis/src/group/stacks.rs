//! Stacks as they are shown: the trace's prefix tree with frames of equal text made one. Nodes are numbered in the order
//! of a walk that takes children by their text, so that every subtree is a run of numbers.

use super::folding::{FrameTexts, Merged};
use crate::trace::ids::StackId;
use crate::trace::stack::StackTable;
use std::ops::Range;
use std::sync::OnceLock;

/// The shown tree. Node 0 is the root.
#[derive(Debug)]
pub struct DisplayStacks {
    of_stack: Vec<u32>,
    parents: Vec<u32>,
    labels: Vec<u32>,
    ends: Vec<u32>,
    depths: Vec<u16>,
    texts: Vec<String>,
    representatives: OnceLock<Vec<StackId>>,
}

impl DisplayStacks {
    /// Translates a tree. `frames` says what the frames of `stacks` are shown as.
    #[must_use]
    pub fn new(stacks: &StackTable, frames: FrameTexts) -> Self {
        let (texts, labels) = frames.ranked();
        let Merged { of_stack, edges } = labels.merged(stacks);
        let renumbered = number_in_walk_order(&edges);
        let count = edges.len();
        let mut tree = Self {
            of_stack: of_stack.iter().map(|t| renumbered[*t as usize]).collect(),
            parents: vec![0; count],
            labels: vec![u32::MAX; count],
            ends: (1..=count as u32).collect(),
            depths: vec![0; count],
            texts,
            representatives: OnceLock::new(),
        };
        for (temporary, (parent, label)) in edges.iter().enumerate().skip(1) {
            let node = renumbered[temporary] as usize;
            tree.parents[node] = renumbered[*parent as usize];
            tree.labels[node] = *label;
        }
        for node in 1..count {
            tree.depths[node] = tree.depths[tree.parents[node] as usize].saturating_add(1);
        }
        for node in (1..count).rev() {
            let parent = tree.parents[node] as usize;
            tree.ends[parent] = tree.ends[parent].max(tree.ends[node]);
        }
        tree
    }

    /// Number of nodes, the root included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parents.len()
    }

    /// Whether there is no stack but the empty one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parents.len() <= 1
    }

    /// The node that shows each stack of the trace, by [`StackId`].
    #[must_use]
    pub fn of_stacks(&self) -> &[u32] {
        &self.of_stack
    }

    /// The node that shows a stack; the root for a handle of another trace.
    #[must_use]
    pub fn node_of(&self, stack: StackId) -> u32 {
        self.of_stack.get(stack.index()).copied().unwrap_or(0)
    }

    /// A stack of the trace that the node shows, the one of the fewest frames; where none ends there, one of those below. To
    /// find the place in the tree of another naming. `None` for a node of another tree.
    #[must_use]
    pub fn representative(&self, node: u32) -> Option<StackId> {
        let all = self.representatives.get_or_init(|| {
            let mut found = vec![StackId::NONE; self.len()];
            for (stack, node) in self.of_stack.iter().enumerate().rev() {
                if let Some(place) = found.get_mut(*node as usize) {
                    *place = StackId(stack as u32);
                }
            }
            // Where no stack ends, one goes on in the first child, which is the next node.
            for node in (0..found.len().saturating_sub(1)).rev() {
                if found[node] == StackId::NONE {
                    found[node] = found[node + 1];
                }
            }
            found
        });
        all.get(node as usize).copied()
    }

    /// The next outer node; the root's is the root.
    #[must_use]
    pub fn parent(&self, node: u32) -> u32 {
        self.parents.get(node as usize).copied().unwrap_or(0)
    }

    /// Number of frames.
    #[must_use]
    pub fn depth(&self, node: u32) -> usize {
        self.depths.get(node as usize).copied().map_or(0, usize::from)
    }

    /// The node and everything below it.
    #[must_use]
    pub fn subtree(&self, node: u32) -> Range<u32> {
        node..self.ends.get(node as usize).copied().unwrap_or(node)
    }

    /// The nodes one frame further in, in the order of their texts.
    pub fn children(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        let range = self.subtree(node);
        let mut next = node.saturating_add(1);
        std::iter::from_fn(move || {
            let child = next;
            next = self.subtree(child).end;
            (child < range.end).then_some(child)
        })
    }

    /// The node of frames given from the outermost to the innermost; the root for none.
    #[must_use]
    pub fn find(&self, frames: &[impl AsRef<str>]) -> Option<u32> {
        frames.iter().try_fold(0, |node, frame| self.children(node).find(|c| self.text(*c) == frame.as_ref()))
    }

    /// Text of the node's innermost frame; `[Root]` for the root.
    #[must_use]
    pub fn text(&self, node: u32) -> &str {
        let label = self.labels.get(node as usize).copied().unwrap_or(u32::MAX);
        self.texts.get(label as usize).map_or("[Root]", String::as_str)
    }

    /// Number of the innermost frame's text among [`Self::texts`]; `None` for the root.
    #[must_use]
    pub fn text_id(&self, node: u32) -> Option<u32> {
        self.labels.get(node as usize).copied().filter(|l| *l != u32::MAX)
    }

    /// All frame texts, in ascending order.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Texts of all frames, from the outermost to the innermost.
    #[must_use]
    pub fn frames(&self, node: u32) -> Vec<&str> {
        let mut frames = Vec::with_capacity(self.depth(node));
        let mut at = node;
        while at != 0 {
            frames.push(self.text(at));
            at = self.parent(at);
        }
        frames.reverse();
        frames
    }

    /// The ancestor of `node` that has `depth` frames.
    #[must_use]
    pub fn ancestor(&self, node: u32, depth: usize) -> u32 {
        let mut at = node;
        while at != 0 && self.depth(at) > depth {
            at = self.parent(at);
        }
        at
    }
}

/// New numbers in the order of a depth-first walk, children by their text.
fn number_in_walk_order(edges: &[(u32, u32)]) -> Vec<u32> {
    let mut order: Vec<u32> = (1..edges.len() as u32).collect();
    order.sort_unstable_by_key(|t| edges[*t as usize]);
    let first = |parent: u32| order.partition_point(|t| edges[*t as usize].0 < parent);
    let mut starts = vec![0u32; edges.len() + 1];
    let mut at = first(0);
    for (parent, start) in starts.iter_mut().enumerate() {
        while at < order.len() && (edges[order[at] as usize].0 as usize) < parent {
            at += 1;
        }
        *start = at as u32;
    }
    let mut numbers = vec![0u32; edges.len()];
    let mut next = 0u32;
    let mut open = vec![0u32];
    while let Some(node) = open.pop() {
        numbers[node as usize] = next;
        next += 1;
        let children = starts[node as usize] as usize..starts[node as usize + 1] as usize;
        open.extend(order[children].iter().rev());
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ids::ModuleId;
    use crate::trace::stack::{Frame, StackInterner};

    #[test]
    fn frames_with_one_text_are_one_and_subtrees_are_runs() {
        let mut interner = StackInterner::default();
        let frames: Vec<_> = (0..4)
            .map(|address| {
                let module = ModuleId::NONE;
                interner.frame(Frame { address, module })
            })
            .collect();
        let z = interner.push(StackId::EMPTY, frames[0]);
        let a1 = interner.push(StackId::EMPTY, frames[1]);
        let a2 = interner.push(StackId::EMPTY, frames[2]);
        let below_a1 = interner.push(a1, frames[3]);
        let below_a2 = interner.push(a2, frames[3]);
        let below_z = interner.push(z, frames[3]);
        let texts = ["z", "a", "a", "m"].map(str::to_owned).to_vec();
        let tree = DisplayStacks::new(&interner.finish(), FrameTexts::one_each(texts));
        assert_eq!(tree.len(), 5);
        assert_eq!(tree.node_of(a1), tree.node_of(a2));
        assert_eq!(tree.node_of(below_a1), tree.node_of(below_a2));
        assert_ne!(tree.node_of(below_a1), tree.node_of(below_z));
        assert_eq!(tree.frames(tree.node_of(below_a2)), vec!["a", "m"]);
        assert_eq!((tree.node_of(a1), tree.node_of(z)), (1, 3));
        assert_eq!(tree.subtree(0), 0..5);
        assert_eq!(tree.subtree(tree.node_of(a1)), 1..3);
        assert_eq!(tree.text(0), "[Root]");
        assert_eq!(tree.children(0).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(tree.children(2).count(), 0);
        assert_eq!(tree.find(&["z", "m"]), Some(tree.node_of(below_z)));
        assert_eq!((tree.find(&[""; 0]), tree.find(&["m"])), (Some(0), None));
        assert_eq!(tree.ancestor(tree.node_of(below_z), 1), tree.node_of(z));
    }
}
