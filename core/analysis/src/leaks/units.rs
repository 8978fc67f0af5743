//! Units of the analysis: allocations with the same tag, pool and function (or stack, or process). One tag is often used by
//! several functions of which one leaks, so units are smaller than the suspects that are shown.

use super::attribution::allocating_process;
use crate::group::column_values::ColumnValues;
use crate::group::group_by::Buckets;
use crate::group::key::Key;
use crate::group::parallel::{CHUNK_ROWS, Cancel, Cancelled, map_items, until_cancelled};
use crate::trace::Trace;
use crate::trace::allocation::AllocationTable;
use crate::trace::ids::ProcessId;
use crate::trace::time::Ticks;
use rayon::prelude::*;
use std::ops::Range;

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
    /// The figures of `rows`.
    figures: RowFigures,
    /// Positions in `rows` of those that are not freed by the end of the active range, those of one unit together and in the
    /// order of the table, and the position here at which each unit starts, with the end of the last one.
    unfreed: Vec<u32>,
    unfreed_starts: Vec<u32>,
    /// Requested keys by which the units are not split.
    dropped_keys: Vec<Key>,
}

/// The figures of some rows of the allocation table that the analysis reads again and again, copied together: the rows of one unit
/// are far apart in the table. 25 bytes for each row.
#[derive(Debug, Default)]
pub struct RowFigures {
    alloc: Vec<Ticks>,
    free: Vec<Ticks>,
    size: Vec<u64>,
    flags: Vec<u8>,
}

/// The figures of one row of the allocation table.
#[derive(Clone, Copy)]
pub struct RowFigure {
    /// Allocation time.
    pub alloc: Ticks,
    /// Free time.
    pub free: Ticks,
    /// Size in bytes.
    pub size: u64,
    /// Bits of [`flag`](crate::trace::allocation::flag).
    pub flags: u8,
}

impl RowFigures {
    /// Copies the figures of these rows.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn of(table: &AllocationTable, rows: &[u32], cancel: Cancel<'_>) -> Result<Self, Cancelled> {
        Ok(Self {
            alloc: map_items(rows, cancel, |row| table.alloc_time.at(*row as usize))?,
            free: map_items(rows, cancel, |row| table.free_time[*row as usize])?,
            size: map_items(rows, cancel, |row| table.size.at(*row as usize))?,
            flags: map_items(rows, cancel, |row| table.flags[*row as usize])?,
        })
    }

    /// The figures of one of the rows, by its position.
    fn get(&self, at: usize) -> Option<RowFigure> {
        let (alloc, free) = (*self.alloc.get(at)?, *self.free.get(at)?);
        Some(RowFigure { alloc, free, size: *self.size.get(at)?, flags: *self.flags.get(at)? })
    }

    /// The figures of all rows, in their order.
    pub fn iter(&self) -> impl Iterator<Item = RowFigure> + Clone + '_ {
        self.within(0..self.alloc.len())
    }

    /// The figures of a range of the rows.
    fn within(&self, range: Range<usize>) -> impl Iterator<Item = RowFigure> + Clone + '_ {
        let alloc = self.alloc.get(range.clone()).unwrap_or_default();
        let free = self.free.get(range.clone()).unwrap_or_default();
        let size = self.size.get(range.clone()).unwrap_or_default();
        let flags = self.flags.get(range).unwrap_or_default();
        let times = alloc.iter().zip(free).zip(size.iter().zip(flags));
        times.map(|((alloc, free), (size, flags))| RowFigure { alloc: *alloc, free: *free, size: *size, flags: *flags })
    }
}

impl Units {
    /// Splits a trace into units. Where the requested keys have more than
    /// [`MAX_GROUPS`](crate::group::group_by::MAX_GROUPS) combinations, stacks are dropped, then as many further keys as
    /// necessary: see [`Self::dropped_keys`]. `end`: the end of the active range.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn new(names: &ColumnValues, requested: &[Key], end: Ticks, cancel: Cancel<'_>) -> Result<Self, Cancelled> {
        let by_process = requested.contains(&Key::Process);
        // The last set always has few enough combinations.
        let fallbacks: [&[Key]; 3] = if by_process {
            [&[Key::Tag, Key::Paged, Key::Process], &[Key::Paged, Key::Process], &[Key::Paged]]
        } else {
            [&[Key::Tag, Key::Paged, Key::Function], &[Key::Tag, Key::Paged], &[Key::Paged]]
        };
        for keys in std::iter::once(requested).chain(fallbacks) {
            if let Some(combos) = names.group_ids(keys, cancel)? {
                let (rows, starts) =
                    Buckets::of_rows(combos.of_row(), combos.representatives().len(), cancel)?.into_parts();
                let dropped_keys = requested.iter().copied().filter(|key| !keys.contains(key)).collect();
                let samples = combos.representatives().to_vec();
                let units = Self { rows, starts, samples, dropped_keys, ..Self::default() };
                let mut units = if by_process { units.split_by_process(names.trace(), cancel)? } else { units };
                units.figures = RowFigures::of(&names.trace().allocations, &units.rows, cancel)?;
                units.find_unfreed(end, cancel)?;
                return Ok(units);
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
    fn split_by_process(self, trace: &Trace, cancel: Cancel<'_>) -> Result<Self, Cancelled> {
        let parts_of = |unit: usize| {
            if cancel() {
                return Err(Cancelled);
            }
            let of_row = |row: &u32| (allocating_process(trace, *row as usize), *row);
            let mut rows: Vec<(ProcessId, u32)> = until_cancelled(self.rows(unit).iter(), cancel).map(of_row).collect();
            // Stable, so that the rows of one process stay in their order; most neighbors are of one process.
            rows.sort_by_key(|row| row.0);
            let lengths: Vec<u32> = rows.chunk_by(|a, b| a.0 == b.0).map(|part| part.len() as u32).collect();
            Ok((rows.into_iter().map(|row| row.1).collect::<Vec<u32>>(), lengths))
        };
        let parts = (0..self.len()).into_par_iter().map(parts_of).collect::<Result<Vec<_>, Cancelled>>()?;
        let mut split = Self { starts: vec![0], dropped_keys: self.dropped_keys.clone(), ..Self::default() };
        split.rows.reserve_exact(self.rows.len());
        for (rows, lengths) in parts {
            let mut start = split.rows.len();
            split.rows.extend(rows);
            for length in lengths {
                split.samples.extend(split.rows.get(start));
                start += length as usize;
                split.starts.push(start as u32);
            }
        }
        Ok(split)
    }

    /// Lists the rows that are not freed by `end`.
    fn find_unfreed(&mut self, end: Ticks, cancel: Cancel<'_>) -> Result<(), Cancelled> {
        let found = self.figures.free.par_chunks(CHUNK_ROWS).enumerate().map(|(chunk, frees)| {
            if cancel() {
                return Err(Cancelled);
            }
            let own = frees.iter().enumerate().filter(|(_, free)| **free > end);
            Ok(own.map(|(at, _)| (chunk * CHUNK_ROWS + at) as u32).collect::<Vec<u32>>())
        });
        self.unfreed = found.collect::<Result<Vec<_>, Cancelled>>()?.concat();
        let before = |start: &u32| self.unfreed.partition_point(|position| position < start) as u32;
        self.unfreed_starts = self.starts.par_iter().map(before).collect();
        Ok(())
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

    /// The figures of the rows of a unit, in the order of the table.
    pub fn figures(&self, unit: usize) -> impl Iterator<Item = RowFigure> + Clone + '_ {
        let bound = |at: usize| self.starts.get(at).map_or(0, |start| *start as usize);
        self.figures.within(bound(unit)..bound(unit + 1))
    }

    /// The rows of a unit with their figures.
    pub fn rows_with_figures(&self, unit: usize) -> impl Iterator<Item = (usize, RowFigure)> + Clone + '_ {
        self.rows(unit).iter().map(|row| *row as usize).zip(self.figures(unit))
    }

    /// The rows of a unit that are not freed by the end of the active range, with their figures, in the order of the table.
    pub fn unfreed_rows(&self, unit: usize) -> impl Iterator<Item = (usize, RowFigure)> + Clone + '_ {
        let bound = |at: usize| self.unfreed_starts.get(at).map_or(0, |start| *start as usize);
        let positions = self.unfreed.get(bound(unit)..bound(unit + 1)).unwrap_or_default();
        positions.iter().filter_map(|position| {
            let at = *position as usize;
            Some((*self.rows.get(at)? as usize, self.figures.get(at)?))
        })
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
        let few = Units::new(&names(&called_from(50)), &WANTED, Ticks(0), &not_cancelled).unwrap();
        assert_eq!((few.len(), few.dropped_keys()), (50, &[][..]));
        let names = names(&called_from(MAX_GROUPS + 1));
        let many = Units::new(&names, &WANTED, Ticks(0), &not_cancelled).unwrap();
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
        let figures = RowFigures::of(&names.trace().allocations, &[0, 1, 2, 3], &not_cancelled).unwrap();
        assert_eq!(lifetimes(figures.iter(), &visible_range), [10, 30]);
    }
}
