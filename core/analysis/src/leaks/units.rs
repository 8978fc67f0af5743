//! Units of the analysis: allocations with the same tag, pool and function (or stack, or process). One tag is often used by
//! several functions of which one leaks, so units are smaller than the suspects that are shown.

use super::attribution::allocating_process;
use crate::group::column_values::ColumnValues;
use crate::group::group_by::Buckets;
use crate::group::key::Key;
use crate::group::parallel::{Cancel, Cancelled};
use crate::trace::Trace;
use crate::trace::ids::ProcessId;

/// Keys of the units where suspects are processes.
pub const PROCESS_UNIT_KEYS: &[Key] = &[Key::Tag, Key::Paged, Key::Function, Key::Process];

/// Rows of the allocation table by unit.
#[derive(Debug, Default)]
pub struct Units {
    /// Row numbers, those of one unit together, in the order of the table.
    rows: Vec<u32>,
    /// Index into `rows` at which each unit starts, and the end of the last unit.
    starts: Vec<u32>,
    /// One row of each unit.
    samples: Vec<u32>,
    /// Requested keys by which the units are not split.
    dropped_keys: Vec<Key>,
}

impl Units {
    /// Splits a trace into units. Where the requested keys have more than
    /// [`MAX_GROUPS`](crate::group::group_by::MAX_GROUPS) combinations, stacks are dropped, then as many further keys as
    /// necessary: see [`Self::dropped_keys`].
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn new(names: &ColumnValues, requested: &[Key], cancel: Cancel<'_>) -> Result<Self, Cancelled> {
        let by_process = requested.contains(&Key::Process);
        // The last set always has few enough combinations.
        let fallbacks: [&[Key]; 3] = if by_process {
            [&[Key::Tag, Key::Paged, Key::Process], &[Key::Paged, Key::Process], &[Key::Paged]]
        } else {
            [&[Key::Tag, Key::Paged, Key::Function], &[Key::Tag, Key::Paged], &[Key::Paged]]
        };
        for keys in std::iter::once(requested).chain(fallbacks) {
            if let Some(combos) = names.group_ids(keys, cancel)? {
                let (rows, starts) = Buckets::new(combos.of_row(), combos.representatives().len()).into_parts();
                let dropped_keys = requested.iter().copied().filter(|key| !keys.contains(key)).collect();
                let samples = combos.representatives().to_vec();
                let units = Self { rows, starts, samples, dropped_keys };
                return Ok(if by_process { units.split_by_process(names.trace()) } else { units });
            }
        }
        Ok(Self::default())
    }

    /// Requested keys by which the units are not split, because there are too many combinations.
    #[must_use]
    pub fn dropped_keys(&self) -> &[Key] {
        &self.dropped_keys
    }

    /// Splits each unit by allocating process. The key column is not enough: two processes with the same process ID may have the
    /// same name, and a free whose allocation was not recorded names the freeing process.
    fn split_by_process(self, trace: &Trace) -> Self {
        let mut split = Self { starts: vec![0], dropped_keys: self.dropped_keys.clone(), ..Self::default() };
        for unit in 0..self.len() {
            let mut rows: Vec<(ProcessId, u32)> =
                self.rows(unit).iter().map(|row| (allocating_process(trace, *row as usize), *row)).collect();
            rows.sort_unstable();
            for part in rows.chunk_by(|a, b| a.0 == b.0) {
                split.samples.extend(part.first().map(|(_, row)| *row));
                split.rows.extend(part.iter().map(|(_, row)| *row));
                split.starts.push(split.rows.len() as u32);
            }
        }
        split
    }

    /// Number of units.
    #[must_use]
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Rows of a unit, in the order of the table.
    #[must_use]
    pub fn rows(&self, unit: usize) -> &[u32] {
        let bound = |at: usize| self.starts.get(at).map_or(0, |start| *start as usize);
        self.rows.get(bound(unit)..bound(unit + 1)).unwrap_or_default()
    }

    /// One row of a unit, which has the key values of the unit.
    #[must_use]
    pub fn sample_row(&self, unit: usize) -> usize {
        self.samples.get(unit).map_or(0, |row| *row as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::super::evidence::lifetimes;
    use super::*;
    use crate::group::group_by::MAX_GROUPS;
    use crate::group::parallel::not_cancelled;
    use crate::group::test_util::{Block, block, names};
    use crate::trace::allocation::flag;
    use crate::trace::time::{Ticks, TimeRange};

    const WANTED: [Key; 3] = [Key::Tag, Key::Paged, Key::Stack];

    /// Allocations of one function with `count` different callers.
    fn called_from(count: usize) -> Vec<Block> {
        let stack = |n: usize| -> &'static [&'static str] {
            let caller: &'static str = Box::leak(format!("other:{:x}", n + 1).into_boxed_str());
            Box::leak(vec![caller, "my:30"].into_boxed_slice())
        };
        (0..count).map(|n| Block { stack: stack(n), ..block(Some(1), None, 8) }).collect()
    }

    #[test]
    fn dropped_keys_are_reported() {
        let few = Units::new(&names(&called_from(50)), &WANTED, &not_cancelled).unwrap();
        assert_eq!((few.len(), few.dropped_keys()), (50, &[][..]));
        let names = names(&called_from(MAX_GROUPS + 1));
        let many = Units::new(&names, &WANTED, &not_cancelled).unwrap();
        assert_eq!((many.len(), many.dropped_keys()), (1, &[Key::Stack][..]));
        assert_eq!(many.rows(0).len(), MAX_GROUPS + 1);
    }

    #[test]
    fn implied_frees_have_no_lifetime_and_uncertain_stacks_do() {
        let with = |flags, free| Block { flags, ..block(Some(100), Some(free), 8) };
        let blocks = [
            with(0, 110),
            with(flag::IMPLIED_FREE, 900),
            with(flag::IMPLIED_ALLOCATION, 800),
            with(flag::UNCERTAIN_ALLOCATION_STACK | flag::UNCERTAIN_FREE_STACK, 130),
        ];
        let names = names(&blocks);
        let visible_range = TimeRange { from: Ticks(0), to: Ticks(10_000) };
        assert_eq!(lifetimes(&names.trace().allocations, &[0, 1, 2, 3], &visible_range), [30, 10]);
    }
}
