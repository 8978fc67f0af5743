//! Displayed stacks: the trace's prefix tree with frames of equal text merged. [`FrameTexts`] gives the texts of each frame;
//! by function, recursive calls become one node, inlined functions have nodes of their own, and frames of the recorder are
//! left out at the inner end. [`DisplayStacks`] numbers the nodes depth-first with children in the order of their texts, so
//! that every subtree is a range of numbers. Every stack of the trace has a node.

mod union;

use super::column::rank_texts;
use super::group_by::Buckets;
use crate::trace::ids::{FrameId, StackId};
use crate::trace::stack::StackTable;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::ops::Range;
use std::sync::OnceLock;

pub use union::StackUnion;

/// The displayed texts of the frames of a trace.
#[derive(Clone, Debug, Default)]
pub struct FrameTexts {
    texts: Vec<String>,
    /// End of the texts of each frame; empty if each has one text.
    ends: Vec<u32>,
    /// True for each frame of the recorder; empty if there are none.
    is_tracing: Vec<bool>,
    folds: bool,
}

impl FrameTexts {
    /// One text for each frame, by handle.
    #[must_use]
    pub fn one_each(texts: Vec<String>) -> Self {
        Self { texts, ..Self::default() }
    }

    /// By function: for each frame its text and those of the functions inlined there, the outermost first. A frame of the
    /// same function as its caller has no node of its own, and a frame of the recorder has none unless another frame is
    /// further in.
    #[must_use]
    pub fn by_function(texts: Vec<Vec<String>>, is_tracing: Vec<bool>) -> Self {
        let mut end = 0;
        let count = |own: &Vec<String>| {
            end += own.len() as u32;
            end
        };
        let ends = texts.iter().map(count).collect();
        Self { texts: texts.into_iter().flatten().collect(), ends, is_tracing, folds: true }
    }

    /// The distinct texts in ascending order, and the frames with positions among these.
    fn ranked(self) -> (Vec<String>, FrameLabels) {
        let (texts, labels) = rank_texts(self.texts);
        (texts, FrameLabels { labels, ends: self.ends, is_tracing: self.is_tracing, folds: self.folds })
    }
}

/// [`FrameTexts`] with numbers for the texts.
struct FrameLabels {
    labels: Vec<u32>,
    ends: Vec<u32>,
    is_tracing: Vec<bool>,
    folds: bool,
}

/// The nodes of a merged tree.
struct Merged {
    /// The node of each stack.
    of_stack: Vec<u32>,
    /// Parent and text of each node. Parents come before children; the first is the root.
    edges: Vec<(u32, u32)>,
}

impl FrameLabels {
    fn of(&self, frame: Option<FrameId>) -> &[u32] {
        let Some(frame) = frame else { return &[] };
        let range = match (self.ends.is_empty(), frame.index().checked_sub(1)) {
            (true, _) => frame.index()..frame.index() + 1,
            (false, outer) => {
                let end = |at: usize| self.ends.get(at).map_or(0, |end| *end as usize);
                outer.map_or(0, end)..end(frame.index())
            }
        };
        self.labels.get(range).unwrap_or_default()
    }

    fn is_tracing(&self, frame: Option<FrameId>) -> bool {
        frame.and_then(|f| self.is_tracing.get(f.index())).copied().unwrap_or(false)
    }

    /// Returns `true` for each stack that continues with a frame that is not the recorder's.
    fn going_on(&self, stacks: &StackTable) -> Vec<bool> {
        let mut goes_on = vec![false; stacks.node_count()];
        for node in (1..stacks.node_count()).rev() {
            let id = StackId(node as u32);
            if goes_on[node] || !self.is_tracing(stacks.frame(id)) {
                let parent = stacks.parent(id).unwrap_or(StackId::EMPTY);
                goes_on[parent.index()] = true;
            }
        }
        goes_on
    }

    /// Merges nodes with the same parent and text.
    fn merged(&self, stacks: &StackTable) -> Merged {
        let count = stacks.node_count();
        let goes_on = if self.is_tracing.is_empty() { Vec::new() } else { self.going_on(stacks) };
        let mut known: FxHashMap<(u32, u32), u32> = FxHashMap::default();
        let mut edges = vec![(0, u32::MAX)];
        // The node that frames further in are attached to: the stack's own, unless its last frames are the recorder's.
        let mut hooks = vec![0u32; count];
        let mut of_stack = vec![0u32; count];
        for node in 1..count {
            let id = StackId(node as u32);
            let parent = stacks.parent(id).unwrap_or(StackId::EMPTY);
            let frame = stacks.frame(id);
            let is_tracing = self.is_tracing(frame);
            let mut at = hooks[parent.index()];
            if !is_tracing || goes_on[node] {
                let mut new = self.of(frame);
                if self.folds && new == self.of(stacks.frame(parent)) {
                    new = &[];
                } else if self.folds && new.first() == Some(&edges[at as usize].1) {
                    new = new.get(1..).unwrap_or_default();
                }
                for label in new {
                    at = *known.entry((at, *label)).or_insert_with(|| {
                        edges.push((at, *label));
                        edges.len() as u32 - 1
                    });
                }
            }
            hooks[node] = at;
            of_stack[node] = if is_tracing { of_stack[parent.index()] } else { at };
        }
        Merged { of_stack, edges }
    }
}

/// The displayed tree. Node 0 is the root.
#[derive(Debug)]
pub struct DisplayStacks {
    of_stack: Vec<u32>,
    parents: Vec<u32>,
    labels: Vec<u32>,
    ends: Vec<u32>,
    depths: Vec<u16>,
    texts: Vec<String>,
    by_node: OnceLock<Buckets>,
}

impl DisplayStacks {
    /// Builds the tree from the stacks of a trace and the texts of their frames.
    #[must_use]
    pub fn new(stacks: &StackTable, frames: FrameTexts) -> Self {
        let (texts, labels) = frames.ranked();
        let Merged { of_stack, edges } = labels.merged(stacks);
        let (mut tree, renumbered) = Self::of_edges(&edges, texts);
        tree.of_stack = of_stack.iter().map(|t| renumbered[*t as usize]).collect();
        tree
    }

    /// Builds the tree from the parent and the label of each node, parents first; the root is the first. `texts` are those of the
    /// labels, in ascending order. Also returns the number of each node in the tree. The tree shows no stack of a trace yet.
    fn of_edges(edges: &[(u32, u32)], texts: Vec<String>) -> (Self, Vec<u32>) {
        let renumbered = number_in_walk_order(edges);
        let count = edges.len();
        let mut tree = Self {
            of_stack: Vec::new(),
            parents: vec![0; count],
            labels: vec![u32::MAX; count],
            ends: (1..=count as u32).collect(),
            depths: vec![0; count],
            texts,
            by_node: OnceLock::new(),
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
        (tree, renumbered)
    }

    /// Number of nodes, the root included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parents.len()
    }

    /// Returns `true` if the empty stack is the only one.
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

    /// A stack of the trace that the node shows, the one with the fewest frames; if no stack ends there, one of those below.
    /// It leads to the same place in the tree of another naming. `None` for a node of another tree.
    #[must_use]
    pub fn representative(&self, node: u32) -> Option<StackId> {
        // If no stack ends at a node, one continues in its first child, which is the next node.
        let from_there_on = self.by_node().run(node..self.len() as u32);
        from_there_on.first().map(|stack| StackId(*stack))
    }

    /// The stacks of the trace that the node shows and that end there, in ascending order.
    pub fn stacks_at(&self, node: u32) -> impl Iterator<Item = StackId> + '_ {
        self.by_node().run(node..node.saturating_add(1)).iter().map(|stack| StackId(*stack))
    }

    /// The stacks of the trace by the node that shows them, sorted at the first call.
    fn by_node(&self) -> &Buckets {
        self.by_node.get_or_init(|| Buckets::new(&self.of_stack, self.len()))
    }

    /// The parent; that of the root is the root.
    #[must_use]
    pub fn parent(&self, node: u32) -> u32 {
        self.parents.get(node as usize).copied().unwrap_or(0)
    }

    /// Number of frames.
    #[must_use]
    pub fn depth(&self, node: u32) -> usize {
        self.depths.get(node as usize).copied().map_or(0, usize::from)
    }

    /// The range of the node and all nodes below it.
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

/// Numbers of the nodes in depth-first order, children by their texts.
fn number_in_walk_order(edges: &[(u32, u32)]) -> Vec<u32> {
    let mut order: Vec<u32> = (1..edges.len() as u32).collect();
    order.par_sort_unstable_by_key(|t| edges[*t as usize]);
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
    use crate::group::test_util::Rng;
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

    fn frames(interner: &mut StackInterner, count: u64) -> Vec<FrameId> {
        (0..count).map(|address| interner.frame(Frame { address, module: ModuleId::NONE })).collect()
    }

    /// `a`, `a>x` (x inlined), `!t` for a frame of the recording.
    fn texts(frames: &[&str]) -> FrameTexts {
        let own = |text: &&str| text.trim_start_matches('!').split('>').map(str::to_owned).collect();
        FrameTexts::by_function(frames.iter().map(own).collect(), frames.iter().map(|t| t.starts_with('!')).collect())
    }

    /// The displayed frames of a tree with one stack.
    fn shown(stack: &[&str]) -> Vec<String> {
        let mut interner = StackInterner::default();
        let ids = frames(&mut interner, stack.len() as u64);
        let last = ids.iter().fold(StackId::EMPTY, |at, frame| interner.push(at, *frame));
        let tree = DisplayStacks::new(&interner.finish(), texts(stack));
        tree.frames(tree.node_of(last)).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn runs_of_one_function_are_folded_and_inlined_ones_stand_below() {
        assert_eq!(shown(&["a", "b", "b", "b", "c"]), ["a", "b", "c"]);
        assert_eq!(shown(&["a", "b", "a", "b"]), ["a", "b", "a", "b"]);
        assert_eq!(shown(&["a", "b>x>y", "c"]), ["a", "b", "x", "y", "c"]);
        assert_eq!(shown(&["b>x", "b>x", "b>x"]), ["b", "x"]);
        assert_eq!(shown(&["b", "b>x", "b"]), ["b", "x", "b"]);
    }

    #[test]
    fn the_recording_is_left_off_the_inner_end_alone() {
        assert_eq!(shown(&["a", "!t", "b", "!t", "!u"]), ["a", "t", "b"]);
        assert_eq!(shown(&["!t", "!u"]), [""; 0]);
        let mut interner = StackInterner::default();
        let ids = frames(&mut interner, 4);
        let a = interner.push(StackId::EMPTY, ids[0]);
        let t = interner.push(a, ids[1]);
        let b = interner.push(t, ids[2]);
        let u = interner.push(t, ids[3]);
        let tree = DisplayStacks::new(&interner.finish(), texts(&["a", "!t", "b", "!u"]));
        assert_eq!(tree.frames(tree.node_of(b)), ["a", "t", "b"]);
        assert_eq!([tree.node_of(t), tree.node_of(u)], [tree.node_of(a); 2]);
    }

    #[test]
    fn every_node_has_a_stack_that_stands_for_it() {
        let mut interner = StackInterner::default();
        let ids = frames(&mut interner, 3);
        let a1 = interner.push(StackId::EMPTY, ids[0]);
        let a2 = interner.push(a1, ids[1]);
        let b = interner.push(a2, ids[2]);
        let tree = DisplayStacks::new(&interner.finish(), texts(&["a", "a", "b>x"]));
        let of = |node: &[&str]| tree.find(node).and_then(|node| tree.representative(node));
        assert_eq!([of(&["a"]), of(&["a", "b", "x"])], [Some(a1), Some(b)]);
        // No stack ends in b itself: the next one below represents it.
        assert_eq!([of(&["a", "b"]), of(&[])], [Some(b), Some(StackId::EMPTY)]);
        assert_eq!(tree.representative(tree.len() as u32), None);
    }

    /// A tree that looks random, its frames' texts, and a weight for each stack.
    fn random(seed: u64) -> (StackTable, Vec<&'static str>, Vec<u64>) {
        const TEXTS: [&str; 10] = ["a", "b", "c", "a>x", "b>x>y", "a>y", "!t", "!u", "a", "c>x"];
        let mut dice = Rng(seed);
        let mut interner = StackInterner::default();
        let ids = frames(&mut interner, 30);
        let texts = ids.iter().map(|_| TEXTS[dice.roll(10) as usize]).collect();
        let mut nodes = vec![StackId::EMPTY];
        for _ in 0..300 {
            let parent = nodes[dice.roll(nodes.len() as u64) as usize];
            nodes.push(interner.push(parent, ids[dice.roll(30) as usize]));
        }
        let stacks = interner.finish();
        let weights = (0..stacks.node_count()).map(|_| dice.roll(100)).collect();
        (stacks, texts, weights)
    }

    /// The frames that a stack is shown as, by the plainest reading of the rules.
    fn expected(stacks: &StackTable, texts: &[&str], stack: StackId) -> Vec<String> {
        let mut frames: Vec<&str> = stacks.outer_to_inner(stack).iter().map(|f| texts[f.index()]).collect();
        while frames.last().is_some_and(|text| text.starts_with('!')) {
            frames.pop();
        }
        let mut shown: Vec<String> = Vec::new();
        let mut caller = "";
        for frame in frames {
            if frame != caller {
                let own = frame.trim_start_matches('!').split('>').map(str::to_owned);
                let folded = usize::from(shown.last().map(String::as_str) == own.clone().next().as_deref());
                shown.extend(own.skip(folded));
            }
            caller = frame;
        }
        shown
    }

    #[test]
    fn sums_along_the_shown_tree_are_those_of_the_stacks() {
        for seed in 0..200 {
            let (stacks, own, weights) = random(seed);
            let tree = DisplayStacks::new(&stacks, texts(&own));
            let mut sums = vec![0u64; tree.len()];
            for (stack, weight) in weights.iter().enumerate() {
                let id = StackId(stack as u32);
                let node = tree.node_of(id);
                assert_eq!(tree.frames(node), expected(&stacks, &own, id), "seed {seed}");
                sums[node as usize] += weight;
                // A stack that continues another one is shown at or below it.
                let parent = stacks.parent(id).unwrap_or(StackId::EMPTY);
                assert!(tree.subtree(tree.node_of(parent)).contains(&node), "seed {seed}");
            }
            for node in (1..tree.len()).rev() {
                let parent = tree.parent(node as u32);
                assert!((parent as usize) < node && tree.depth(node as u32) == tree.depth(parent) + 1);
                sums[parent as usize] += sums[node];
            }
            assert_eq!(sums[0], weights.iter().sum::<u64>());
            for node in 0..tree.len() as u32 {
                let stands = tree.representative(node).unwrap();
                let exact = tree.of_stacks().contains(&node);
                assert!(tree.subtree(node).contains(&tree.node_of(stands)));
                assert!(!exact || tree.node_of(stands) == node);
            }
        }
    }
}
