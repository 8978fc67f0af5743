//! Merging from the outermost frame inwards: the order of the groups is that of a walk over the shown stacks, so that what lies
//! in a node is a run of groups already.

use super::merge::{Merging, Part, Parts, heaviest};
use crate::group::stacks::DisplayStacks;
use std::ops::Range;

/// Groups by callers.
pub(super) struct ByCallers<'p> {
    stacks: &'p DisplayStacks,
    /// Node of the shown stacks of each group, ascending.
    shown: Vec<u32>,
    weights: &'p [u64],
}

impl<'p> ByCallers<'p> {
    pub(super) fn new(stacks: &'p DisplayStacks, shown: Vec<u32>, weights: &'p [u64]) -> Self {
        Self { stacks, shown, weights }
    }

    fn shown(&self, group: usize) -> u32 {
        self.shown.get(group).copied().unwrap_or(0)
    }
}

impl Merging for ByCallers<'_> {
    fn part(&mut self, run: Range<usize>, shown: u32) -> Parts {
        let depth = self.stacks.depth(shown);
        let ends = run.clone().take_while(|group| self.shown(*group) == shown).count();
        let own = run.start..run.start + ends;
        let mut parts = Vec::new();
        let mut from = own.end;
        while from < run.end {
            let child = self.stacks.ancestor(self.shown(from), depth + 1);
            let after = self.stacks.subtree(child).end;
            let inside = self.shown.get(from..run.end).unwrap_or_default().partition_point(|node| *node < after);
            let inner = from..from + inside.max(1);
            let (at, weight) = heaviest(inner.clone(), |group| self.weights.get(group).copied().unwrap_or(0));
            let text = self.stacks.text_id(child).unwrap_or(0);
            from = inner.end;
            parts.push(Part { text, run: inner, shown: child, stack: self.shown(at), weight });
        }
        Parts { own, parts }
    }

    fn group(&self, at: usize) -> usize {
        at
    }
}
