//! Builds the nodes of a flame graph level by level and leaves out those that are too narrow; their weight is added to their
//! parent. Stacks are groups of the pivot; a [`Branch`] is a run of stacks that share one more frame. Top-down, groups are in
//! depth-first order of the displayed stacks, so that a node is a run of groups. Bottom-up, each stack has a position that
//! moves one frame outwards with each level, and a run is sorted by the frames at these positions.

use super::{FlameDirection, FlameRequest, Label, MAX_PARTS, Node, Pivot};
use crate::group::aggregate::Aggregate;
use crate::group::display_stacks::DisplayStacks;
use crate::group::parallel::{Cancel, Cancelled};
use rayon::prelude::*;
use std::cmp::Reverse;
use std::ops::Range;

/// Number of stacks between two checks for cancellation.
const CHECK_STACKS: usize = 1 << 16;

/// The nodes of a flame graph over the groups of a pivot by stack, and their aggregates.
pub(super) fn build(
    pivot: &Pivot,
    request: &FlameRequest<'_>,
    cancel: Cancel<'_>,
) -> Result<(Vec<Node>, Vec<Aggregate>), Cancelled> {
    let Some(stacks) = pivot.columns().first().and_then(|column| column.stacks()) else {
        return Ok((vec![root(0, 0)], vec![Aggregate::default()]));
    };
    let weights: Vec<u64> = pivot.aggregates().iter().map(|group| request.metric.of(group, pivot.clock())).collect();
    let shown: Vec<u32> = (0..pivot.len()).map(|group| pivot.ids(group).first().copied().unwrap_or(0)).collect();
    let mut builder = Builder::new(pivot, &weights, zoomed_texts(stacks, request.zoom));
    match request.direction {
        FlameDirection::TopDown => builder.run(&mut TopDownMerge::new(stacks, shown, &weights), cancel)?,
        FlameDirection::BottomUp => builder.run(&mut BottomUpMerge::new(stacks, shown, &weights), cancel)?,
    }
    Ok(builder.finish())
}

/// The numbers of the texts of the zoom path, as far as they exist.
fn zoomed_texts(stacks: &DisplayStacks, zoom: &[String]) -> Vec<u32> {
    let number = |text: &String| stacks.texts().binary_search(text).ok().map(|at| at as u32);
    zoom.iter().map_while(number).collect()
}

fn root(weight: u64, stack: u32) -> Node {
    Node {
        label: Label::Root,
        parent: 0,
        children: 0..0,
        depth: 0,
        shown: 0,
        stack,
        weight,
        own: 0,
        rest: 0,
        rest_count: 0,
        is_cut: false,
    }
}

/// A node that is still to be split.
struct Task {
    run: Range<usize>,
    /// The weight that children are compared with.
    reference: u64,
    /// Number of frames of the zoom path that lead to it; `None` if it is not on the path.
    zoomed: Option<usize>,
}

struct Builder<'p> {
    pivot: &'p Pivot,
    weights: &'p [u64],
    zoom: Vec<u32>,
    nodes: Vec<Node>,
    aggregates: Vec<Aggregate>,
    /// One task per node.
    tasks: Vec<Task>,
}

impl<'p> Builder<'p> {
    fn new(pivot: &'p Pivot, weights: &'p [u64], zoom: Vec<u32>) -> Self {
        let groups = 0..weights.len();
        let (at, weight) = heaviest(groups.clone(), |group| weights.get(group).copied().unwrap_or(0));
        let stack = pivot.ids(at).first().copied().unwrap_or(0);
        Self {
            pivot,
            weights,
            zoom,
            nodes: vec![root(weight, stack)],
            aggregates: vec![Aggregate::default()],
            tasks: vec![Task { run: groups, reference: weight, zoomed: Some(0) }],
        }
    }

    /// Splits all nodes, including new ones.
    fn run(&mut self, merging: &mut impl StackMerge, cancel: Cancel<'_>) -> Result<(), Cancelled> {
        let mut split = CHECK_STACKS;
        let mut next = 0;
        while let Some(task) = self.tasks.get(next) {
            split += task.run.len() + 1;
            if split > CHECK_STACKS {
                split = 0;
                if cancel() {
                    return Err(Cancelled);
                }
            }
            self.split(next, merging);
            next += 1;
        }
        Ok(())
    }

    fn split(&mut self, at: usize, merging: &mut impl StackMerge) {
        let (Some(task), Some(node)) = (self.tasks.get(at), self.nodes.get(at)) else { return };
        if node.label == Label::NoStack {
            let run = task.run.clone();
            self.end_here(at, run, merging);
            return;
        }
        let (zoomed, run, shown, depth) = (task.zoomed, task.run.clone(), node.shown, node.depth + 1);
        // Below the zoomed frame, weights are compared with that of the frame.
        let reference = if zoomed == Some(self.zoom.len()) { node.weight } else { task.reference };
        let is_root = node.label == Label::Root;
        let mut found = merging.split(run, shown);
        found.branches.sort_unstable_by_key(|branch| (Reverse(branch.weight), branch.text));
        let first = self.nodes.len() as u32;
        for branch in found.branches {
            let leads = zoomed.filter(|known| self.zoom.get(*known) == Some(&branch.text)).map(|known| known + 1);
            if leads.is_some() || is_wide(branch.weight, reference) {
                let label = Label::Frame(branch.text);
                let node =
                    Node { label, parent: at as u32, depth, shown: branch.shown, ..root(branch.weight, branch.stack) };
                self.push(node, Task { run: branch.run, reference, zoomed: leads });
            } else {
                self.leave_out(at, branch, merging);
            }
        }
        let own = self.weigh(found.own.clone(), merging);
        if is_root && is_wide(own, reference) {
            let node = Node { label: Label::NoStack, parent: at as u32, depth, ..root(own, 0) };
            self.push(node, Task { run: found.own, reference, zoomed: None });
            self.sort_in_last(first as usize);
        } else {
            self.end_here(at, found.own, merging);
        }
        let after = self.nodes.len() as u32;
        if let Some(node) = self.nodes.get_mut(at) {
            node.children = first..after;
        }
    }

    fn push(&mut self, node: Node, task: Task) {
        self.nodes.push(node);
        self.aggregates.push(Aggregate::default());
        self.tasks.push(task);
    }

    /// Moves the last child to its position by weight.
    fn sort_in_last(&mut self, first: usize) {
        let last = self.nodes.len() - 1;
        let Some(weight) = self.nodes.last().map(|node| node.weight) else { return };
        let before = |nodes: &[Node]| nodes.iter().take_while(|node| node.weight >= weight).count();
        let at = first + before(self.nodes.get(first..last).unwrap_or_default());
        if let Some(nodes) = self.nodes.get_mut(at..) {
            nodes.rotate_right(1);
        }
        if let Some(tasks) = self.tasks.get_mut(at..) {
            tasks.rotate_right(1);
        }
    }

    /// Adds a branch to the node without creating a child. A branch without weight is not counted as a child.
    fn leave_out(&mut self, at: usize, branch: Branch, merging: &impl StackMerge) {
        self.count_in(at, branch.run, merging);
        if let Some(node) = self.nodes.get_mut(at).filter(|_| branch.weight > 0) {
            node.rest = node.rest.saturating_add(branch.weight);
            node.rest_count = node.rest_count.saturating_add(1);
            node.is_cut = true;
        }
    }

    /// Adds stacks that end at the node.
    fn end_here(&mut self, at: usize, run: Range<usize>, merging: &impl StackMerge) {
        let own = self.weigh(run.clone(), merging);
        if let Some(node) = self.nodes.get_mut(at) {
            node.own = own;
        }
        self.count_in(at, run, merging);
    }

    fn count_in(&mut self, at: usize, run: Range<usize>, merging: &impl StackMerge) {
        let Some(aggregate) = self.aggregates.get_mut(at) else { return };
        let groups = run.filter_map(|position| self.pivot.aggregates().get(merging.group(position)));
        groups.for_each(|group| aggregate.merge(group));
    }

    fn weigh(&self, run: Range<usize>, merging: &impl StackMerge) -> u64 {
        let weights = run.map(|position| self.weights.get(merging.group(position)).copied().unwrap_or(0));
        weights.fold(0, u64::saturating_add)
    }

    /// Adds children to their parents, which have lower numbers.
    fn finish(mut self) -> (Vec<Node>, Vec<Aggregate>) {
        for at in (1..self.nodes.len()).rev() {
            let Some(Node { parent, is_cut, .. }) = self.nodes.get(at) else { continue };
            let (parent, is_cut) = (*parent as usize, *is_cut);
            let aggregate = self.aggregates.get(at).copied().unwrap_or_default();
            if let Some(above) = self.aggregates.get_mut(parent) {
                above.merge(&aggregate);
            }
            if let Some(above) = self.nodes.get_mut(parent) {
                above.is_cut |= is_cut;
            }
        }
        (self.nodes, self.aggregates)
    }
}

/// Returns `true` if a weight is wide enough to be seen.
fn is_wide(weight: u64, reference: u64) -> bool {
    weight > 0 && u128::from(weight) * u128::from(MAX_PARTS) >= u128::from(reference)
}

/// Stacks that share one more frame.
struct Branch {
    /// Number of the frame's text.
    text: u32,
    /// Its stacks, as positions in the order of the merge.
    run: Range<usize>,
    /// Node of the displayed stacks for this frame; of several, that of the stack with the largest weight.
    shown: u32,
    /// Node of the displayed stacks at which the stack with the largest weight ends.
    stack: u32,
    /// Sum of the stacks' weights.
    weight: u64,
}

/// The stacks that end at a node, and the branches of the others.
struct Branches {
    /// Stacks that end there.
    own: Range<usize>,
    /// The others, in no particular order.
    branches: Vec<Branch>,
}

/// Merges stacks from one of their ends.
trait StackMerge {
    /// Splits a run of stacks that end at `shown` or continue there. Each run is split at most once, after the run that contains it.
    fn split(&mut self, run: Range<usize>, shown: u32) -> Branches;
    /// The group at a position.
    fn group(&self, at: usize) -> usize;
}

/// Position of the largest weight in a run, the first of equal ones, and the sum of weights.
fn heaviest(run: Range<usize>, weight: impl Fn(usize) -> u64) -> (usize, u64) {
    let mut best = (run.start, 0);
    let mut sum = 0_u64;
    for at in run {
        let own = weight(at);
        sum = sum.saturating_add(own);
        if own > best.1 {
            best = (at, own);
        }
    }
    (best.0, sum)
}

/// Merge from the outermost frame inwards.
struct TopDownMerge<'p> {
    stacks: &'p DisplayStacks,
    /// Node of the displayed stacks of each group, ascending.
    shown: Vec<u32>,
    weights: &'p [u64],
}

impl<'p> TopDownMerge<'p> {
    fn new(stacks: &'p DisplayStacks, shown: Vec<u32>, weights: &'p [u64]) -> Self {
        Self { stacks, shown, weights }
    }

    fn shown(&self, group: usize) -> u32 {
        self.shown.get(group).copied().unwrap_or(0)
    }
}

impl StackMerge for TopDownMerge<'_> {
    fn split(&mut self, run: Range<usize>, shown: u32) -> Branches {
        let depth = self.stacks.depth(shown);
        let ends = run.clone().take_while(|group| self.shown(*group) == shown).count();
        let own = run.start..run.start + ends;
        let mut branches = Vec::new();
        let mut from = own.end;
        while from < run.end {
            let child = self.stacks.ancestor(self.shown(from), depth + 1);
            let after = self.stacks.subtree(child).end;
            let inside = self.shown.get(from..run.end).unwrap_or_default().partition_point(|node| *node < after);
            let inner = from..from + inside.max(1);
            let (at, weight) = heaviest(inner.clone(), |group| self.weights.get(group).copied().unwrap_or(0));
            let text = self.stacks.text_id(child).unwrap_or(0);
            from = inner.end;
            branches.push(Branch { text, run: inner, shown: child, stack: self.shown(at), weight });
        }
        Branches { own, branches }
    }

    fn group(&self, at: usize) -> usize {
        at
    }
}

/// Minimum length of a run that is sorted by all workers.
const PARALLEL_STACKS: usize = 1 << 15;

/// A frame of a stack.
#[derive(Clone, Copy)]
struct FrameNode {
    /// Number of the frame's text plus one; 0 beyond the outermost frame.
    text: u32,
    /// Node of the displayed stacks for this frame.
    shown: u32,
    group: u32,
}

/// Merge from the innermost frame outwards.
struct BottomUpMerge<'p> {
    stacks: &'p DisplayStacks,
    nodes: Vec<FrameNode>,
    /// Node of the displayed stacks of each group.
    ends: Vec<u32>,
    weights: &'p [u64],
}

impl<'p> BottomUpMerge<'p> {
    fn new(stacks: &'p DisplayStacks, shown: Vec<u32>, weights: &'p [u64]) -> Self {
        let node = |(group, shown): (usize, &u32)| FrameNode {
            text: stacks.text_id(*shown).map_or(0, |text| text + 1),
            shown: *shown,
            group: group as u32,
        };
        let nodes = shown.iter().enumerate().map(node).collect();
        Self { stacks, nodes, ends: shown, weights }
    }
}

impl StackMerge for BottomUpMerge<'_> {
    fn split(&mut self, run: Range<usize>, _shown: u32) -> Branches {
        let Some(nodes) = self.nodes.get_mut(run.clone()) else {
            return Branches { own: run, branches: Vec::new() };
        };
        let key = |node: &FrameNode| (node.text, node.group);
        if nodes.len() < PARALLEL_STACKS {
            nodes.sort_unstable_by_key(key);
        } else {
            nodes.par_sort_unstable_by_key(key);
        }
        let own = nodes.partition_point(|node| node.text == 0);
        let mut branches = Vec::new();
        let mut from = own;
        while let Some(first) = nodes.get(from) {
            let text = first.text;
            let rest = nodes.get(from..).unwrap_or_default();
            let inner = from..from + rest.partition_point(|node| node.text == text);
            let weight =
                |at: usize| nodes.get(at).and_then(|node| self.weights.get(node.group as usize)).copied().unwrap_or(0);
            let (at, weight) = heaviest(inner.clone(), weight);
            let best = nodes.get(at).copied().unwrap_or(*first);
            branches.push(Branch {
                text: text - 1,
                run: run.start + inner.start..run.start + inner.end,
                shown: best.shown,
                stack: self.ends.get(best.group as usize).copied().unwrap_or(0),
                weight,
            });
            from = inner.end;
        }
        // The next level is one frame further out.
        let stacks = self.stacks;
        for node in nodes.iter_mut().skip(own) {
            node.shown = stacks.parent(node.shown);
            node.text = stacks.text_id(node.shown).map_or(0, |text| text + 1);
        }
        Branches { own: run.start..run.start + own, branches }
    }

    fn group(&self, at: usize) -> usize {
        self.nodes.get(at).map_or(0, |node| node.group as usize)
    }
}
