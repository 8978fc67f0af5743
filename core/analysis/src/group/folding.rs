//! From frames to the nodes that show them: frames of equal text made one, runs of one function folded, inlined functions
//! put in, the frames of the recording itself left off the inner end. It must never lose a stack: each has its node.

use super::rank::rank_texts;
use crate::trace::ids::{FrameId, StackId};
use crate::trace::stack::StackTable;
use rustc_hash::FxHashMap;

/// What the frames of a trace are shown as.
#[derive(Clone, Debug, Default)]
pub struct FrameTexts {
    texts: Vec<String>,
    /// Where the texts of each frame end; empty for one text each.
    ends: Vec<u32>,
    /// Whether each frame belongs to the recording; empty for none.
    is_tracing: Vec<bool>,
    folds: bool,
}

impl FrameTexts {
    /// One node for each frame, by handle.
    #[must_use]
    pub fn one_each(texts: Vec<String>) -> Self {
        Self { texts, ..Self::default() }
    }

    /// By function: for each frame its own text and those of the functions inlined there, the outermost first. A frame of
    /// the same function as its caller's has no node of its own; one that belongs to the recording has none unless a
    /// frame that does not lies further in.
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

    /// The distinct texts in ascending order, and the frames by them.
    pub(super) fn ranked(self) -> (Vec<String>, FrameLabels) {
        let (texts, labels) = rank_texts(self.texts);
        (texts, FrameLabels { labels, ends: self.ends, is_tracing: self.is_tracing, folds: self.folds })
    }
}

/// [`FrameTexts`] with numbers for the texts.
pub(super) struct FrameLabels {
    labels: Vec<u32>,
    ends: Vec<u32>,
    is_tracing: Vec<bool>,
    folds: bool,
}

/// The nodes made from a tree.
pub(super) struct Merged {
    /// The node of each stack.
    pub of_stack: Vec<u32>,
    /// Parent and text of each node. Parents come before children; the first is the root.
    pub edges: Vec<(u32, u32)>,
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

    /// For each stack whether one that continues it ends in a frame that does not belong to the recording.
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

    /// Makes nodes with the same parent and text one.
    pub(super) fn merged(&self, stacks: &StackTable) -> Merged {
        let count = stacks.node_count();
        let goes_on = if self.is_tracing.is_empty() { Vec::new() } else { self.going_on(stacks) };
        let mut known: FxHashMap<(u32, u32), u32> = FxHashMap::default();
        let mut edges = vec![(0, u32::MAX)];
        // What the frames further in hang on: the stack's node, but for the recording's frames at its end.
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

#[cfg(test)]
mod tests {
    use crate::group::stacks::DisplayStacks;
    use crate::group::testkit::Dice;
    use crate::trace::ids::{FrameId, ModuleId, StackId};
    use crate::trace::stack::{Frame, StackInterner, StackTable};

    use super::*;

    fn frames(interner: &mut StackInterner, count: u64) -> Vec<FrameId> {
        (0..count).map(|address| interner.frame(Frame { address, module: ModuleId::NONE })).collect()
    }

    /// `a`, `a>x` (x inlined), `!t` for a frame of the recording.
    fn texts(frames: &[&str]) -> FrameTexts {
        let own = |text: &&str| text.trim_start_matches('!').split('>').map(str::to_owned).collect();
        FrameTexts::by_function(frames.iter().map(own).collect(), frames.iter().map(|t| t.starts_with('!')).collect())
    }

    /// The tree of one stack, and what the stack is shown as.
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
        // No stack ends in b itself: the next one below it stands for it.
        assert_eq!([of(&["a", "b"]), of(&[])], [Some(b), Some(StackId::EMPTY)]);
        assert_eq!(tree.representative(tree.len() as u32), None);
    }

    /// A tree that looks random, its frames' texts, and a weight for each stack.
    fn random(seed: u64) -> (StackTable, Vec<&'static str>, Vec<u64>) {
        const TEXTS: [&str; 10] = ["a", "b", "c", "a>x", "b>x>y", "a>y", "!t", "!u", "a", "c>x"];
        let mut dice = Dice(seed);
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

    /// What a stack is shown as, by the plainest reading of the rules.
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
