//! Generations: intervals between markers on the time axis, by which allocations are grouped.

use crate::trace::time::{Clock, Ticks, TimeRange};

/// Markers on the time axis, and the generations between them. Generation 0 has the allocations from before the trace, 1 those
/// before the first marker, 2 those from the first to the second one, and so on. An allocation exactly at a marker belongs to
/// the generation after it. Without markers there is one generation apart from 0.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Generations {
    marks: Vec<Ticks>,
}

impl Generations {
    /// Generations between markers in any order; equal markers count once, sentinels are ignored.
    #[must_use]
    pub fn new(marks: &[Ticks]) -> Self {
        let mut marks: Vec<Ticks> = marks.iter().copied().filter(|mark| mark.is_known()).collect();
        marks.sort_unstable();
        marks.dedup();
        Self { marks }
    }

    /// The markers, ascending.
    #[must_use]
    pub fn markers(&self) -> &[Ticks] {
        &self.marks
    }

    /// Number of generations, including the one of unknown allocation times.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.marks.len() as u32 + 2
    }

    /// The generation of an allocation at this time.
    #[inline]
    #[must_use]
    pub fn of(&self, alloc: Ticks) -> u32 {
        if !alloc.is_known() {
            return 0;
        }
        self.marks.partition_point(|mark| *mark <= alloc) as u32 + 1
    }

    /// First and last tick of a generation; `None` for generation 0 and numbers above the last.
    #[must_use]
    pub fn bounds(&self, generation: u32) -> Option<(Ticks, Ticks)> {
        let at = generation.checked_sub(1)? as usize;
        if at > self.marks.len() {
            return None;
        }
        let before = at.checked_sub(1).and_then(|before| self.marks.get(before));
        let first = before.map_or(Ticks(-Ticks::LIMIT), |mark| *mark);
        let last = self.marks.get(at).map_or(Ticks(Ticks::LIMIT), |mark| Ticks(mark.0 - 1));
        Some((first, last))
    }

    /// Labels of the generations by number, such as `2: 12.400 s to 30.000 s`; the first begins and the last ends with the trace.
    #[must_use]
    pub fn labels(&self, extent: TimeRange, clock: &Clock) -> Vec<String> {
        let mut labels = vec!["before the trace".to_owned()];
        let mut from = extent.from;
        for (at, to) in self.marks.iter().chain([&extent.to]).enumerate() {
            labels.push(format!("{}: {:.3} s to {:.3} s", at + 1, clock.seconds(from), clock.seconds(*to)));
            from = *to;
        }
        labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_split_blocks_by_their_birth() {
        let generations = Generations::new(&[Ticks(30), Ticks(10), Ticks(30), Ticks::NEVER]);
        assert_eq!((generations.markers(), generations.count()), (&[Ticks(10), Ticks(30)][..], 4));
        let of = |t| generations.of(Ticks(t));
        assert_eq!([of(-5), of(9), of(10), of(29), of(30), of(99)], [1, 1, 2, 2, 3, 3]);
        assert_eq!(generations.of(Ticks::UNKNOWN), 0);
        for t in -3..50 {
            let (first, last) = generations.bounds(of(t)).unwrap();
            assert!(first.0 <= t && t <= last.0, "{t}");
        }
        assert_eq!((generations.bounds(0), generations.bounds(4)), (None, None));
        assert_eq!(Generations::default().of(Ticks(1)), 1);
    }
}
