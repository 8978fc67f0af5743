//! The union of the displayed stacks of two traces: stacks with the same frames by text are one.

use super::{DisplayStacks, rank_texts};
use rustc_hash::FxHashMap;

/// The displayed stacks of two traces as one tree.
#[derive(Debug)]
pub struct StackUnion {
    /// The tree. It shows no stack of a trace: the nodes of the two trees lead to it.
    pub stacks: DisplayStacks,
    /// Its node for each node of the first tree.
    pub first: Vec<u32>,
    /// Its node for each node of the second tree.
    pub second: Vec<u32>,
}

impl DisplayStacks {
    /// The union with another tree whose frames have the texts that `rename` makes of theirs.
    #[must_use]
    pub fn union(&self, other: &Self, rename: impl Fn(&str) -> String) -> StackUnion {
        let texts = self.texts.iter().cloned().chain(other.texts.iter().map(|text| rename(text)));
        let (texts, labels) = rank_texts(texts.collect());
        let (own, others) = labels.split_at(self.texts.len());
        let mut edges = vec![(0, u32::MAX)];
        let mut known: FxHashMap<(u32, u32), u32> = FxHashMap::default();
        let first = self.join(own, &mut edges, &mut known);
        let second = other.join(others, &mut edges, &mut known);
        let (stacks, renumbered) = Self::of_edges(&edges, texts);
        let number = |nodes: Vec<u32>| nodes.into_iter().map(|node| renumbered[node as usize]).collect();
        StackUnion { stacks, first: number(first), second: number(second) }
    }

    /// Adds the nodes to `edges`, except those that are known; returns the position of each.
    fn join(&self, labels: &[u32], edges: &mut Vec<(u32, u32)>, known: &mut FxHashMap<(u32, u32), u32>) -> Vec<u32> {
        let mut positions = vec![0u32; self.len()];
        // Parents come before children.
        for node in 1..self.len() {
            let parent = positions[self.parents[node] as usize];
            let label = self.text_id(node as u32).and_then(|label| labels.get(label as usize)).copied();
            let edge = (parent, label.unwrap_or(u32::MAX));
            positions[node] = *known.entry(edge).or_insert_with(|| {
                edges.push(edge);
                edges.len() as u32 - 1
            });
        }
        positions
    }
}

#[cfg(test)]
mod tests {
    use super::super::FrameTexts;
    use super::*;
    use crate::trace::ids::{ModuleId, StackId};
    use crate::trace::stack::{Frame, StackInterner};

    /// A tree of these stacks, outermost frame first.
    fn tree(stacks: &[&[&str]]) -> DisplayStacks {
        let mut interner = StackInterner::default();
        let mut texts: Vec<String> = Vec::new();
        for stack in stacks {
            stack.iter().fold(StackId::EMPTY, |parent, text| {
                let address = texts.iter().position(|known| known == text).unwrap_or_else(|| {
                    texts.push((*text).to_owned());
                    texts.len() - 1
                });
                let frame = interner.frame(Frame { address: address as u64, module: ModuleId::NONE });
                interner.push(parent, frame)
            });
        }
        DisplayStacks::new(&interner.finish(), FrameTexts::one_each(texts))
    }

    #[test]
    fn equal_stacks_are_one_and_all_others_stay_apart() {
        let first = tree(&[&["z", "b"], &["a"]]);
        let second = tree(&[&["a", "c"], &["old", "b"], &["z", "b", "d"]]);
        let union = first.union(&second, |text| if text == "old" { "new".to_owned() } else { text.to_owned() });
        let frames = |node: u32| union.stacks.frames(node).join(" ");
        let all: Vec<String> = (0..union.stacks.len() as u32).map(frames).collect();
        assert_eq!(all, ["", "a", "a c", "new", "new b", "z", "z b", "z b d"]);
        for node in 0..first.len() as u32 {
            assert_eq!(union.stacks.frames(union.first[node as usize]), first.frames(node));
        }
        for node in 0..second.len() as u32 {
            let wanted: Vec<&str> =
                second.frames(node).into_iter().map(|f| if f == "old" { "new" } else { f }).collect();
            assert_eq!(union.stacks.frames(union.second[node as usize]), wanted);
        }
        assert_eq!(union.stacks.subtree(5), 5..8);
        assert_eq!((union.stacks.depth(7), union.stacks.parent(7)), (3, 6));
    }
}
