//! A set of rows of the allocation table: one bit per row.

use crate::group::parallel::{Cancel, Cancelled};
use rayon::prelude::*;
use std::ops::Range;

/// Number of words that one worker fills at a time.
const CHUNK_WORDS: usize = 1 << 10;

/// A set of rows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RowSet {
    words: Vec<u64>,
    len: usize,
}

impl RowSet {
    /// A set over `len` rows from its bits, lowest bit first. Bits beyond are cleared.
    #[must_use]
    pub fn from_words(mut words: Vec<u64>, len: usize) -> Self {
        words.resize(len.div_ceil(64), 0);
        if let Some(last) = words.last_mut()
            && !len.is_multiple_of(64)
        {
            *last &= (1u64 << (len % 64)) - 1;
        }
        Self { words, len }
    }

    /// The rows for which `contains` is true.
    #[must_use]
    pub fn from_fn(len: usize, contains: impl Fn(usize) -> bool) -> Self {
        let mut words = vec![0u64; len.div_ceil(64)];
        for row in (0..len).filter(|r| contains(*r)) {
            words[row / 64] |= 1 << (row % 64);
        }
        Self { words, len }
    }

    /// The rows for which `contains` is true, computed by all workers.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn from_par_fn(
        len: usize,
        cancel: Cancel<'_>,
        contains: impl Fn(usize) -> bool + Sync,
    ) -> Result<Self, Cancelled> {
        let mut words = vec![0u64; len.div_ceil(64)];
        words.par_chunks_mut(CHUNK_WORDS).enumerate().try_for_each(|(chunk, words)| {
            if cancel() {
                return Err(Cancelled);
            }
            for (at, word) in words.iter_mut().enumerate() {
                let first = (chunk * CHUNK_WORDS + at) * 64;
                let rows = first..len.min(first + 64);
                *word = rows.rev().fold(0, |bits, row| bits << 1 | u64::from(contains(row)));
            }
            Ok(())
        })?;
        Ok(Self { words, len })
    }

    /// Returns `true` if a row is in the set.
    #[inline]
    #[must_use]
    pub fn contains(&self, row: usize) -> bool {
        self.words.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 != 0)
    }

    /// Number of rows of the table.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns `true` if the table has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of rows in the set.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    /// The rows in the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.iter_within(0..self.len)
    }

    /// The rows in the set that are in a range, ascending.
    pub fn iter_within(&self, range: Range<usize>) -> impl Iterator<Item = usize> + '_ {
        let words = range.start / 64..range.end.div_ceil(64).min(self.words.len());
        let rows = words.flat_map(|at| {
            let mut rest = self.words.get(at).copied().unwrap_or(0);
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros();
                rest &= rest.wrapping_sub(1);
                (bit < 64).then_some(at * 64 + bit as usize)
            })
        });
        rows.filter(move |row| range.contains(row))
    }

    /// The rows in both sets.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let words = self.words.iter().zip(&other.words).map(|(a, b)| a & b).collect();
        Self::from_words(words, self.len.min(other.len))
    }

    /// The rows in either set or in both.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let (long, short) = if self.len < other.len { (other, self) } else { (self, other) };
        let mut words = long.words.clone();
        words.iter_mut().zip(&short.words).for_each(|(a, b)| *a |= b);
        Self { words, len: long.len }
    }

    /// The rows that are not in the set.
    #[must_use]
    pub fn not(&self) -> Self {
        Self::from_words(self.words.iter().map(|w| !w).collect(), self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::parallel::not_cancelled;

    #[test]
    fn sets_join_bit_by_bit_and_have_nothing_beyond_their_rows() {
        for len in [0, 1, 63, 64, 65, 200_001] {
            let thirds = RowSet::from_par_fn(len, &not_cancelled, |r| r % 3 == 0).unwrap();
            assert_eq!(thirds, RowSet::from_fn(len, |r| r % 3 == 0));
            let fives = RowSet::from_fn(len, |r| r % 5 == 0);
            assert_eq!(thirds.or(&fives), RowSet::from_fn(len, |r| r % 3 == 0 || r % 5 == 0));
            assert_eq!(thirds.and(&fives), RowSet::from_fn(len, |r| r % 15 == 0));
            assert_eq!(thirds.not(), RowSet::from_fn(len, |r| r % 3 != 0));
            let listed: Vec<usize> = (0..len).filter(|r| r % 3 == 0).collect();
            assert_eq!(thirds.iter().collect::<Vec<_>>(), listed);
            let within: Vec<usize> = listed.into_iter().filter(|r| (10..70).contains(r)).collect();
            assert_eq!(thirds.iter_within(10..70).collect::<Vec<_>>(), within);
            assert_eq!(thirds.not().count() + thirds.count(), len as u64);
        }
        assert!(RowSet::from_par_fn(100, &|| true, |_| true).is_err());
    }
}
