//! Groups of a pivot as samples of a profile: each group is one sample with a stack of frames, outermost first. Key columns that
//! are no stacks become frames outside of those of the stack, in the order of the keys, so that `tag,stack` is a profile by tag.

use super::FlameMetric;
use crate::group::aggregate::Aggregate;
use crate::group::key::Key;
use crate::pivot::table::Pivot;
use std::borrow::Cow;

/// Text of the frame of an allocation without a stack.
pub const NO_STACK: &str = "[No stack]";

/// Number of a frame among those of a [`StackSamples`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SampleFrame(u32);

/// The groups of a pivot as samples. A frame has the same number in all of them.
#[derive(Debug)]
pub struct StackSamples<'p> {
    pivot: &'p Pivot,
    /// Number of the first frame of each key column; the frame of missing stacks comes after all of them.
    bases: Vec<u32>,
    no_stack: u32,
}

impl<'p> StackSamples<'p> {
    /// The samples of a pivot.
    #[must_use]
    pub fn new(pivot: &'p Pivot) -> Self {
        let mut next = 0_u32;
        let mut bases = Vec::with_capacity(pivot.columns().len());
        for column in pivot.columns() {
            bases.push(next);
            let count = column.stacks().map_or_else(|| column.count(), |stacks| stacks.texts().len() as u32);
            next = next.saturating_add(count);
        }
        Self { pivot, bases, no_stack: next }
    }

    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pivot.len()
    }

    /// Returns `true` if there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pivot.is_empty()
    }

    /// The key columns.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        self.pivot.keys()
    }

    /// The aggregate of a sample.
    #[must_use]
    pub fn aggregate(&self, sample: usize) -> Aggregate {
        self.pivot.aggregates().get(sample).copied().unwrap_or_default()
    }

    /// The weight of a sample.
    #[must_use]
    pub fn weight(&self, sample: usize, metric: FlameMetric) -> u64 {
        metric.of(&self.aggregate(sample), self.pivot.clock())
    }

    /// The weight of all samples.
    #[must_use]
    pub fn total(&self, metric: FlameMetric) -> u64 {
        (0..self.len()).map(|sample| self.weight(sample, metric)).fold(0, u64::saturating_add)
    }

    /// The frames of a sample, outermost first, those of key columns that are no stacks included.
    #[must_use]
    pub fn frames(&self, sample: usize) -> Vec<SampleFrame> {
        let mut frames = Vec::new();
        for (column, id) in self.pivot.ids(sample).iter().enumerate() {
            if self.is_stack(column) {
                self.push_stack(column, *id, &mut frames);
            } else {
                frames.push(SampleFrame(self.base(column).saturating_add(*id)));
            }
        }
        frames
    }

    /// The frames of a sample's stacks, outermost first.
    #[must_use]
    pub fn stack_frames(&self, sample: usize) -> Vec<SampleFrame> {
        let mut frames = Vec::new();
        for (column, id) in self.pivot.ids(sample).iter().enumerate().filter(|(column, _)| self.is_stack(*column)) {
            self.push_stack(column, *id, &mut frames);
        }
        frames
    }

    /// The values of a sample in the key columns that are no stacks.
    pub fn labels(&self, sample: usize) -> impl Iterator<Item = (Key, Cow<'p, str>)> + '_ {
        let columns = self.pivot.keys().iter().zip(self.pivot.columns()).zip(self.pivot.ids(sample));
        let labels = columns.filter(|((key, _), _)| !key.is_stack());
        labels.map(|((key, column), id)| (*key, column.text(*id)))
    }

    /// The text of a frame.
    #[must_use]
    pub fn text(&self, frame: SampleFrame) -> Cow<'p, str> {
        if frame.0 >= self.no_stack {
            return Cow::Borrowed(NO_STACK);
        }
        let column = self.bases.partition_point(|base| *base <= frame.0).saturating_sub(1);
        let Some(values) = self.pivot.columns().get(column) else { return Cow::Borrowed("") };
        let id = frame.0 - self.base(column);
        match values.stacks() {
            Some(stacks) => Cow::Borrowed(stacks.texts().get(id as usize).map_or("", String::as_str)),
            None => values.text(id),
        }
    }

    /// Returns `true` for a frame of a stack, which may have a module, a file and a line.
    #[must_use]
    pub fn is_of_stack(&self, frame: SampleFrame) -> bool {
        let column = self.bases.partition_point(|base| *base <= frame.0).saturating_sub(1);
        frame.0 < self.no_stack && self.is_stack(column)
    }

    fn base(&self, column: usize) -> u32 {
        self.bases.get(column).copied().unwrap_or(0)
    }

    fn is_stack(&self, column: usize) -> bool {
        self.pivot.keys().get(column).is_some_and(|key| key.is_stack())
    }

    fn push_stack(&self, column: usize, node: u32, frames: &mut Vec<SampleFrame>) {
        let Some(stacks) = self.pivot.columns().get(column).and_then(|column| column.stacks()) else { return };
        let first = frames.len();
        let mut at = node;
        while let Some(text) = stacks.text_id(at) {
            frames.push(SampleFrame(self.base(column).saturating_add(text)));
            at = stacks.parent(at);
        }
        match frames.get_mut(first..) {
            Some(own) if !own.is_empty() => own.reverse(),
            _ => frames.push(SampleFrame(self.no_stack)),
        }
    }
}
