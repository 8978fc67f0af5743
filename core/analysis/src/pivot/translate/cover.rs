//! Sets of stacks as subtrees of the shown stacks. It must never leave a stack out; where a subtree cannot be had without
//! others, the others come with it.

use crate::group::stacks::DisplayStacks;
use std::ops::Range;

/// Stacks in the order of the nodes that show them.
pub(super) struct ByNode {
    stacks: Vec<u32>,
    starts: Vec<u32>,
}

impl ByNode {
    /// From the node of each stack; there are `count` nodes.
    pub(super) fn new(node_of: &[u32], count: usize) -> Self {
        let mut starts = vec![0u32; count + 1];
        for node in node_of {
            if let Some(start) = starts.get_mut(*node as usize + 1) {
                *start += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut stacks = vec![0u32; node_of.len()];
        let mut next = starts.clone();
        for (stack, node) in node_of.iter().enumerate() {
            if let Some(at) = next.get_mut(*node as usize) {
                if let Some(place) = stacks.get_mut(*at as usize) {
                    *place = stack as u32;
                }
                *at += 1;
            }
        }
        Self { stacks, starts }
    }

    /// The stacks that a run of nodes shows.
    pub(super) fn at(&self, nodes: Range<u32>) -> &[u32] {
        let start = |node: u32| self.starts.get(node as usize).or(self.starts.last()).copied().unwrap_or(0) as usize;
        self.stacks.get(start(nodes.start)..start(nodes.end)).unwrap_or(&[])
    }
}

/// How many stacks of some set the nodes before each node show.
pub(super) fn totals(nodes: impl Iterator<Item = u32>, count: usize) -> Vec<u32> {
    let mut before = vec![0u32; count + 1];
    for node in nodes {
        if let Some(place) = before.get_mut(node as usize + 1) {
            *place += 1;
        }
    }
    let mut sum = 0;
    for place in &mut before {
        sum += *place;
        *place = sum;
    }
    before
}

/// The nodes whose subtrees show stacks that are given by their nodes (in ascending order), and nothing else wherever that is
/// possible, where `totals` says how many there are in all.
pub(super) fn cover(stacks: &DisplayStacks, given: &[u32], totals: &[u32]) -> Vec<u32> {
    let total = |nodes: &Range<u32>| {
        let before = |node: u32| totals.get(node as usize).copied().unwrap_or(0);
        before(nodes.end).saturating_sub(before(nodes.start)) as usize
    };
    let mut chosen = Vec::new();
    let mut open = vec![(0u32, 0..given.len())];
    while let Some((node, run)) = open.pop() {
        let Some(here) = given.get(run.clone()).filter(|here| !here.is_empty()) else { continue };
        if here.len() == total(&stacks.subtree(node)) || here.first() == Some(&node) {
            chosen.push(node);
            continue;
        }
        let depth = stacks.depth(node) + 1;
        let mut from = run.start;
        while let Some(first) = given.get(from).filter(|_| from < run.end) {
            let child = stacks.ancestor(*first, depth);
            let end = stacks.subtree(child).end;
            let to = from + given.get(from..run.end).map_or(0, |rest| rest.partition_point(|node| *node < end)).max(1);
            open.push((child, from..to));
            from = to;
        }
    }
    chosen.sort_unstable();
    chosen
}
