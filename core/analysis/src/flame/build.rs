//! Makes the nodes, level by level, and leaves out what is too narrow. What is left out goes into the figures of the node that
//! it would lie in.

use super::inward::ByCallees;
use super::merge::{Merging, Part};
use super::outward::ByCallers;
use super::{FlameRequest, Label, Merge, Node, PARTS, Pivot};
use crate::group::parallel::{Cancel, Cancelled};
use crate::group::stacks::DisplayStacks;
use crate::pivot::cost::Cost;
use std::cmp::Reverse;
use std::ops::Range;

/// Stacks that are parted before it is asked whether to stop.
const ASK_AFTER: usize = 1 << 16;

pub(super) fn build(
    pivot: &Pivot,
    request: &FlameRequest<'_>,
    cancel: Cancel<'_>,
) -> Result<(Vec<Node>, Vec<Cost>), Cancelled> {
    let Some(stacks) = pivot.columns().first().and_then(|column| column.stacks()) else {
        return Ok((vec![root(0, 0)], vec![Cost::default()]));
    };
    let weights: Vec<u64> = pivot.costs().iter().map(|cost| request.weight.of(cost, pivot.scale())).collect();
    let shown: Vec<u32> = (0..pivot.len()).map(|group| pivot.ids(group).first().copied().unwrap_or(0)).collect();
    let mut builder = Builder::new(pivot, &weights, zoomed_texts(stacks, request.zoom));
    match request.merge {
        Merge::Callers => builder.run(&mut ByCallers::new(stacks, shown, &weights), cancel)?,
        Merge::Callees => builder.run(&mut ByCallees::new(stacks, shown, &weights), cancel)?,
    }
    Ok(builder.finish())
}

/// The numbers of the texts of the frame that is zoomed to; as many as are known.
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

/// A node that is still to be parted.
struct Task {
    run: Range<usize>,
    /// What the weights in it are compared with.
    reference: u64,
    /// How many frames of the zoom lead to it; nothing where it lies beside the way.
    zoomed: Option<usize>,
}

struct Builder<'p> {
    pivot: &'p Pivot,
    weights: &'p [u64],
    zoom: Vec<u32>,
    nodes: Vec<Node>,
    costs: Vec<Cost>,
    /// One for each node.
    tasks: Vec<Task>,
}

impl<'p> Builder<'p> {
    fn new(pivot: &'p Pivot, weights: &'p [u64], zoom: Vec<u32>) -> Self {
        let groups = 0..weights.len();
        let (at, weight) = super::merge::heaviest(groups.clone(), |group| weights.get(group).copied().unwrap_or(0));
        let stack = pivot.ids(at).first().copied().unwrap_or(0);
        Self {
            pivot,
            weights,
            zoom,
            nodes: vec![root(weight, stack)],
            costs: vec![Cost::default()],
            tasks: vec![Task { run: groups, reference: weight, zoomed: Some(0) }],
        }
    }

    /// Parts all nodes; those that come up meanwhile too.
    fn run(&mut self, merging: &mut impl Merging, cancel: Cancel<'_>) -> Result<(), Cancelled> {
        let mut parted = ASK_AFTER;
        let mut next = 0;
        while let Some(task) = self.tasks.get(next) {
            parted += task.run.len() + 1;
            if parted > ASK_AFTER {
                parted = 0;
                if cancel() {
                    return Err(Cancelled);
                }
            }
            self.part(next, merging);
            next += 1;
        }
        Ok(())
    }

    fn part(&mut self, at: usize, merging: &mut impl Merging) {
        let (Some(task), Some(node)) = (self.tasks.get(at), self.nodes.get(at)) else { return };
        if node.label == Label::NoStack {
            let run = task.run.clone();
            self.end_here(at, run, merging);
            return;
        }
        let (zoomed, run, shown, depth) = (task.zoomed, task.run.clone(), node.shown, node.depth + 1);
        // Below the frame that is zoomed to, its weight stands for the whole.
        let reference = if zoomed == Some(self.zoom.len()) { node.weight } else { task.reference };
        let is_root = node.label == Label::Root;
        let mut found = merging.part(run, shown);
        found.parts.sort_unstable_by_key(|part| (Reverse(part.weight), part.text));
        let first = self.nodes.len() as u32;
        for part in found.parts {
            let leads = zoomed.filter(|known| self.zoom.get(*known) == Some(&part.text)).map(|known| known + 1);
            if leads.is_some() || is_wide(part.weight, reference) {
                let label = Label::Frame(part.text);
                let node = Node { label, parent: at as u32, depth, shown: part.shown, ..root(part.weight, part.stack) };
                self.push(node, Task { run: part.run, reference, zoomed: leads });
            } else {
                self.leave_out(at, part, merging);
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
        self.costs.push(Cost::default());
        self.tasks.push(task);
    }

    /// Puts the last child where its weight belongs.
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

    /// Counts a part in the node without making one of it. What weighs nothing is no frame of this measure.
    fn leave_out(&mut self, at: usize, part: Part, merging: &impl Merging) {
        self.count_in(at, part.run, merging);
        if let Some(node) = self.nodes.get_mut(at).filter(|_| part.weight > 0) {
            node.rest = node.rest.saturating_add(part.weight);
            node.rest_count = node.rest_count.saturating_add(1);
            node.is_cut = true;
        }
    }

    /// Counts stacks that end at the node.
    fn end_here(&mut self, at: usize, run: Range<usize>, merging: &impl Merging) {
        let own = self.weigh(run.clone(), merging);
        if let Some(node) = self.nodes.get_mut(at) {
            node.own = own;
        }
        self.count_in(at, run, merging);
    }

    fn count_in(&mut self, at: usize, run: Range<usize>, merging: &impl Merging) {
        let Some(cost) = self.costs.get_mut(at) else { return };
        let groups = run.filter_map(|place| self.pivot.costs().get(merging.group(place)));
        groups.for_each(|group| cost.add(group));
    }

    fn weigh(&self, run: Range<usize>, merging: &impl Merging) -> u64 {
        let weights = run.map(|place| self.weights.get(merging.group(place)).copied().unwrap_or(0));
        weights.fold(0, u64::saturating_add)
    }

    /// What lies in a node counts in it. Parents come before what lies in them.
    fn finish(mut self) -> (Vec<Node>, Vec<Cost>) {
        for at in (1..self.nodes.len()).rev() {
            let Some(Node { parent, is_cut, .. }) = self.nodes.get(at) else { continue };
            let (parent, is_cut) = (*parent as usize, *is_cut);
            let cost = self.costs.get(at).copied().unwrap_or_default();
            if let Some(above) = self.costs.get_mut(parent) {
                above.add(&cost);
            }
            if let Some(above) = self.nodes.get_mut(parent) {
                above.is_cut |= is_cut;
            }
        }
        (self.nodes, self.costs)
    }
}

/// Whether so much of the whole can be seen.
fn is_wide(weight: u64, reference: u64) -> bool {
    weight > 0 && u128::from(weight) * u128::from(PARTS) >= u128::from(reference)
}
