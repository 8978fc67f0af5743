//! Sorting of very many items by a number, on all workers. Items are first distributed over ranges of the number, whose bounds
//! come from a sample; the items of each range then fit into a processor's cache and are sorted there.

use super::parallel::{CHUNK_ROWS, Cancel, Cancelled};
use rayon::prelude::*;
use std::ops::Range;

/// Items for each range of numbers.
const RANGE_ITEMS: usize = 1 << 14;
/// Upper bound on the number of ranges.
const MAX_RANGES: usize = 1 << 10;
/// Sampled items for each range.
const SAMPLES: usize = 16;
/// Items that are distributed at a time.
const PIECE_ITEMS: usize = CHUNK_ROWS * 4;

/// Items in ascending order of their numbers, in parts that have no number in common.
pub struct Sorted<T> {
    parts: Vec<Vec<T>>,
}

impl<T: Copy + Send + Sync> Sorted<T> {
    /// Sorts the items of `0..count` by `number`, equal ones in the order of `0..count`; `item` returns `None` to leave one out.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn new(
        count: usize,
        item: impl Fn(usize) -> Option<T> + Sync,
        number: impl Fn(&T) -> u64 + Sync,
        cancel: Cancel<'_>,
    ) -> Result<Self, Cancelled> {
        let bounds = bounds(count, &item, &number);
        let range_of = |item: &T| bounds.partition_point(|bound| *bound <= number(item));
        let pieces = (0..count.div_ceil(PIECE_ITEMS)).into_par_iter().map(|piece| {
            if cancel() {
                return Err(Cancelled);
            }
            let from = piece * PIECE_ITEMS;
            Ok(Piece::new(from..count.min(from + PIECE_ITEMS), bounds.len() + 1, &item, range_of))
        });
        let pieces: Vec<Piece<T>> = pieces.collect::<Result<_, Cancelled>>()?;
        let parts = (0..=bounds.len()).into_par_iter().map(|range| {
            if cancel() {
                return Err(Cancelled);
            }
            let mut part = pieces.iter().map(|piece| piece.of_range(range)).collect::<Vec<_>>().concat();
            part.sort_by_key(&number);
            Ok(part)
        });
        Ok(Self { parts: parts.collect::<Result<_, Cancelled>>()? })
    }

    /// The parts, in ascending order.
    #[must_use]
    pub fn parts(&self) -> &[Vec<T>] {
        &self.parts
    }

    /// The runs of items with equal numbers, in ascending order.
    #[must_use]
    pub fn runs(&self, number: impl Fn(&T) -> u64 + Sync) -> Runs<'_, T> {
        let starts = self.parts.par_iter().map(|part| {
            let is_start = |at: &usize| *at == 0 || number(&part[*at - 1]) != number(&part[*at]);
            (0..part.len()).filter(is_start).map(|at| at as u32).collect::<Vec<_>>()
        });
        let starts: Vec<Vec<u32>> = starts.collect();
        let mut firsts = Vec::with_capacity(starts.len() + 1);
        let mut count = 0;
        for starts in &starts {
            firsts.push(count);
            count += starts.len();
        }
        firsts.push(count);
        Runs { parts: &self.parts, starts, firsts }
    }
}

/// Runs of items with equal numbers.
pub struct Runs<'s, T> {
    parts: &'s [Vec<T>],
    /// For each part, the position of the first item of each run.
    starts: Vec<Vec<u32>>,
    /// For each part, the number of runs in the parts before it; at the end the number of all runs.
    firsts: Vec<usize>,
}

impl<'s, T: Sync> Runs<'s, T> {
    /// Number of runs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.firsts.last().copied().unwrap_or(0)
    }

    /// Returns `true` if there are no items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items of a run.
    #[must_use]
    pub fn get(&self, run: usize) -> &'s [T] {
        let part = self.firsts.partition_point(|first| *first <= run).saturating_sub(1);
        let (Some(starts), Some(items), Some(first)) =
            (self.starts.get(part), self.parts.get(part), self.firsts.get(part))
        else {
            return &[];
        };
        let start = |at: usize| starts.get(at).map_or(items.len(), |start| *start as usize);
        items.get(start(run - first)..start(run - first + 1)).unwrap_or_default()
    }

    /// The runs of each part, with the number of the first of them.
    pub fn par_parts(&self) -> impl ParallelIterator<Item = (usize, impl Iterator<Item = &'s [T]> + '_)> + '_ {
        let parts = self.parts.par_iter().zip(&self.starts).zip(&self.firsts);
        parts.map(|((items, starts), first)| {
            let ends = starts.iter().skip(1).copied().chain([items.len() as u32]);
            let run = |(start, end): (&u32, u32)| items.get(*start as usize..end as usize).unwrap_or_default();
            (*first, starts.iter().zip(ends).map(run))
        })
    }
}

/// Bounds between ranges with about the same number of items each, distinct and ascending.
fn bounds<T>(count: usize, item: impl Fn(usize) -> Option<T>, number: impl Fn(&T) -> u64) -> Vec<u64> {
    let ranges = (count / RANGE_ITEMS).clamp(1, MAX_RANGES);
    let samples = (ranges * SAMPLES).min(count);
    let sampled = (0..samples).filter_map(|at| item((at as u128 * count as u128 / samples as u128) as usize));
    let mut sample: Vec<u64> = sampled.map(|item| number(&item)).collect();
    sample.sort_unstable();
    let mut bounds: Vec<u64> =
        (1..ranges).filter_map(|range| sample.get(sample.len() * range / ranges)).copied().collect();
    bounds.dedup();
    bounds
}

/// Items of one piece, by range.
struct Piece<T> {
    items: Vec<T>,
    /// Start of each range, and the end of the last one.
    starts: Vec<u32>,
}

impl<T: Copy> Piece<T> {
    fn new(
        piece: Range<usize>,
        ranges: usize,
        item: impl Fn(usize) -> Option<T>,
        range_of: impl Fn(&T) -> usize,
    ) -> Self {
        let mut starts = vec![0u32; ranges + 1];
        let mut found: Vec<(T, u32)> = Vec::with_capacity(piece.len());
        for item in piece.filter_map(item) {
            let range = range_of(&item);
            starts[range + 1] += 1;
            found.push((item, range as u32));
        }
        for range in 1..starts.len() {
            starts[range] += starts[range - 1];
        }
        let Some((any, _)) = found.first() else { return Self { items: Vec::new(), starts } };
        let mut items = vec![*any; found.len()];
        let mut next = starts.clone();
        for (item, range) in found {
            let place = &mut next[range as usize];
            items[*place as usize] = item;
            *place += 1;
        }
        Self { items, starts }
    }

    fn of_range(&self, range: usize) -> &[T] {
        let bound = |at: usize| self.starts.get(at).map_or(0, |start| *start as usize);
        self.items.get(bound(range)..bound(range + 1)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::parallel::not_cancelled;
    use crate::group::test_util::Rng;

    fn check(numbers: &[u64]) {
        let item = |at: usize| (!at.is_multiple_of(7)).then_some((numbers[at], at as u32));
        let sorted = Sorted::new(numbers.len(), item, |item| item.0, &not_cancelled).unwrap();
        let mut expected: Vec<(u64, u32)> = (0..numbers.len()).filter_map(item).collect();
        expected.sort_unstable();
        assert_eq!(sorted.parts().concat(), expected);
        let runs = sorted.runs(|item| item.0);
        let expected: Vec<&[(u64, u32)]> = expected.chunk_by(|a, b| a.0 == b.0).collect();
        assert_eq!((0..runs.len()).map(|run| runs.get(run)).collect::<Vec<_>>(), expected);
        let by_part = runs.par_parts().map(|(first, own)| (first, own.map(<[_]>::to_vec).collect::<Vec<_>>()));
        for (first, own) in by_part.collect::<Vec<_>>() {
            assert!(own.iter().enumerate().all(|(at, run)| run == expected[first + at]));
        }
        assert_eq!((runs.is_empty(), runs.get(runs.len())), (expected.is_empty(), &[][..]));
    }

    #[test]
    fn items_are_sorted_whatever_their_numbers() {
        let mut dice = Rng(3);
        for count in [0, 1, 2, 100, 70_000, 300_000] {
            check(&(0..count).map(|_| dice.roll(u64::MAX)).collect::<Vec<_>>());
            check(&(0..count).map(|_| dice.roll(5)).collect::<Vec<_>>());
            check(&(0..count).map(|_| if dice.roll(3) > 0 { 77 } else { dice.roll(1 << 40) }).collect::<Vec<_>>());
        }
        check(&[u64::MAX; 40_000]);
        assert!(Sorted::new(9, Some, |at| *at as u64, &|| true).is_err());
    }
}
