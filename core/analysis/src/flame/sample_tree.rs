//! Samples merged into a tree of frames, from the outermost inwards. Frames that are too narrow for a picture are left out.

use super::samples::{SampleFrame, StackSamples};
use super::{FlameMetric, FlameTree};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Range;

/// A tree of frames to draw. Node 0 is the root; children are consecutive, the heaviest first.
pub trait FrameTree {
    /// The children of a node.
    fn children(&self, node: u32) -> Range<u32>;
    /// The weight of a node.
    fn weight(&self, node: u32) -> u64;
    /// The text of a node.
    fn text(&self, node: u32) -> Cow<'_, str>;
    /// Returns `true` for the frame of a stack.
    fn is_frame(&self, node: u32) -> bool;
}

impl FrameTree for FlameTree {
    fn children(&self, node: u32) -> Range<u32> {
        Self::children(self, node)
    }

    fn weight(&self, node: u32) -> u64 {
        Self::weight(self, node)
    }

    fn text(&self, node: u32) -> Cow<'_, str> {
        Cow::Borrowed(Self::text(self, node))
    }

    fn is_frame(&self, node: u32) -> bool {
        Self::is_frame(self, node)
    }
}

struct Node {
    /// `None` for the root.
    frame: Option<SampleFrame>,
    children: Range<u32>,
    weight: u64,
}

/// Merged samples.
pub struct SampleTree<'s> {
    samples: &'s StackSamples<'s>,
    nodes: Vec<Node>,
}

impl<'s> SampleTree<'s> {
    /// Merges samples. A frame with less than one part in `parts` of the whole is left out.
    #[must_use]
    pub fn new(samples: &'s StackSamples<'s>, metric: FlameMetric, parts: u64) -> Self {
        let mut known: FxHashMap<(u32, SampleFrame), u32> = FxHashMap::default();
        let mut merged: Vec<(u32, Option<SampleFrame>, u64)> = vec![(0, None, 0)];
        for sample in 0..samples.len() {
            let weight = samples.weight(sample, metric);
            if weight == 0 {
                continue;
            }
            let mut at = 0_u32;
            add(&mut merged, at, weight);
            for frame in samples.frames(sample) {
                at = *known.entry((at, frame)).or_insert_with(|| {
                    merged.push((at, Some(frame), 0));
                    merged.len() as u32 - 1
                });
                add(&mut merged, at, weight);
            }
        }
        let total = merged.first().map_or(0, |root| root.2);
        let mut children: Vec<Vec<u32>> = vec![Vec::new(); merged.len()];
        for (at, (parent, frame, weight)) in merged.iter().enumerate().skip(1) {
            let is_wide = u128::from(*weight) * u128::from(parts) >= u128::from(total);
            if let Some(own) = children.get_mut(*parent as usize).filter(|_| is_wide && frame.is_some()) {
                own.push(at as u32);
            }
        }
        let mut order = vec![0_u32];
        let mut nodes = Vec::new();
        let mut next = 0;
        while let Some(at) = order.get(next).copied() {
            next += 1;
            let mut own = children.get_mut(at as usize).map(std::mem::take).unwrap_or_default();
            let key = |node: &u32| merged.get(*node as usize).map(|(_, frame, weight)| (Reverse(*weight), *frame));
            own.sort_unstable_by_key(key);
            let first = order.len() as u32;
            order.extend(&own);
            let (_, frame, weight) = merged.get(at as usize).copied().unwrap_or((0, None, 0));
            nodes.push(Node { frame, children: first..order.len() as u32, weight });
        }
        Self { samples, nodes }
    }

    fn node(&self, node: u32) -> Option<&Node> {
        self.nodes.get(node as usize)
    }
}

fn add(merged: &mut [(u32, Option<SampleFrame>, u64)], at: u32, weight: u64) {
    if let Some(node) = merged.get_mut(at as usize) {
        node.2 = node.2.saturating_add(weight);
    }
}

impl FrameTree for SampleTree<'_> {
    fn children(&self, node: u32) -> Range<u32> {
        self.node(node).map_or(0..0, |node| node.children.clone())
    }

    fn weight(&self, node: u32) -> u64 {
        self.node(node).map_or(0, |node| node.weight)
    }

    fn text(&self, node: u32) -> Cow<'_, str> {
        self.node(node).and_then(|node| node.frame).map_or(Cow::Borrowed("[Root]"), |frame| self.samples.text(frame))
    }

    fn is_frame(&self, node: u32) -> bool {
        self.node(node).and_then(|node| node.frame).is_some_and(|frame| self.samples.is_of_stack(frame))
    }
}
