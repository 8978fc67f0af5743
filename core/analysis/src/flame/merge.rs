//! How the stacks below a node part: what both ways of merging have in common. Stacks are groups of the pivot; a part is a run
//! of them.

use std::ops::Range;

/// Stacks that share a frame more.
pub(super) struct Part {
    /// Number of the frame's text.
    pub(super) text: u32,
    /// Its stacks, by position in the order that the merging keeps.
    pub(super) run: Range<usize>,
    /// Node of the shown stacks whose innermost frame it is; of several that of the heaviest stack.
    pub(super) shown: u32,
    /// Node of the shown stacks at which the heaviest stack ends.
    pub(super) stack: u32,
    /// Sum of the stacks.
    pub(super) weight: u64,
}

/// The stacks that end at a node, and the parts of the others.
pub(super) struct Parts {
    /// Stacks that end there.
    pub(super) own: Range<usize>,
    /// The others, in no order that means anything.
    pub(super) parts: Vec<Part>,
}

/// A way of merging.
pub(super) trait Merging {
    /// Parts a run of stacks that end at `shown` or go on there. Each run is parted at most once, after the one that holds it.
    fn part(&mut self, run: Range<usize>, shown: u32) -> Parts;
    /// The group at a position.
    fn group(&self, at: usize) -> usize;
}

/// Position of the heaviest of a run, the first of equal ones, and the sum.
pub(super) fn heaviest(run: Range<usize>, weight: impl Fn(usize) -> u64) -> (usize, u64) {
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
