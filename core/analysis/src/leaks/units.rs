//! Units of the analysis: allocations with the same tag, pool and function (or stack, or process). One tag is often used by
//! several functions of which one leaks, so units are smaller than the suspects that are shown.

use crate::group::column_values::ColumnValues;
use crate::group::group_by::Buckets;
use crate::group::key::Key;
use crate::group::parallel::{Cancel, Cancelled, until_cancelled};
use crate::trace::Trace;
use crate::trace::allocation::{AllocationTable, flag};
use crate::trace::ids::ProcessId;
use crate::trace::time::{Ticks, TimeRange};
use rayon::prelude::*;

/// Keys of the units where suspects are processes.
pub const PROCESS_UNIT_KEYS: &[Key] = &[Key::Tag, Key::Paged, Key::Function, Key::Process];

/// Rows of the allocation table by unit.
#[derive(Debug, Default)]
pub struct Units {
    /// The rows of one unit together, in the order of the table.
    rows: Vec<PackedFigure>,
    /// Index into `rows` at which each unit starts, and the end of the last unit.
    starts: Vec<u32>,
    /// One row of each unit.
    samples: Vec<u32>,
    /// Positions in `rows` of those that are not freed by the end of the active range, those of one unit together and in the
    /// order of the table, and the position here at which each unit starts, with the end of the last one.
    unfreed: Vec<u32>,
    unfreed_starts: Vec<u32>,
    /// Requested keys by which the units are not split.
    dropped_keys: Vec<Key>,
}

/// The figures of one row of the allocation table that the analysis reads again and again, copied together: the rows of one unit are
/// far apart in the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RowFigure {
    /// The row.
    pub row: usize,
    /// Allocation time.
    pub alloc: Ticks,
    /// Free time.
    pub free: Ticks,
    /// Size in bytes.
    pub size: u64,
    /// Bits of [`flag`].
    pub flags: u8,
}

/// A [`RowFigure`] in 32 bytes: allocation time, free time, size, and the row with the flags above it.
type PackedFigure = [u64; 4];

impl RowFigure {
    /// The figures of a row.
    ///
    /// # Panics
    /// There is no such row.
    #[inline]
    pub fn of(table: &AllocationTable, row: usize) -> Self {
        let (alloc, free) = (table.alloc_time.at(row), table.free_time[row]);
        Self { row, alloc, free, size: table.size.at(row), flags: table.flags[row] }
    }

    /// Ticks from allocation to free, if both were recorded and are in a range.
    #[inline]
    pub fn lifetime(&self, range: TimeRange) -> Option<i64> {
        let is_known = self.alloc >= range.from && self.free <= range.to && self.flags & flag::IMPLIED == 0;
        is_known.then(|| self.free.0.saturating_sub(self.alloc.0))
    }

    /// The process that allocated the row; [`ProcessId::NONE`] if it is unknown. The attributes of an allocation that was not recorded
    /// are those of its free.
    #[inline]
    pub fn allocating_process(&self, trace: &Trace) -> ProcessId {
        let is_recorded = self.alloc.is_known() && self.flags & flag::IMPLIED_ALLOCATION == 0;
        let attributes = trace.allocations.alloc_attributes.get(self.row).filter(|_| is_recorded);
        let attributes = attributes.and_then(|id| trace.attributes.get(*id));
        attributes.map_or(ProcessId::NONE, |attributes| attributes.process)
    }

    #[inline]
    fn packed(self) -> PackedFigure {
        let place = self.row as u64 | u64::from(self.flags) << u32::BITS;
        [self.alloc.0.cast_unsigned(), self.free.0.cast_unsigned(), self.size, place]
    }

    #[inline]
    fn unpacked([alloc, free, size, place]: PackedFigure) -> Self {
        let (alloc, free) = (Ticks(alloc.cast_signed()), Ticks(free.cast_signed()));
        Self { row: place as u32 as usize, alloc, free, size, flags: (place >> u32::BITS) as u8 }
    }
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
        let table = &names.trace().allocations;
        for keys in std::iter::once(requested).chain(fallbacks) {
            if let Some(combos) = names.group_ids(keys, cancel)? {
                let figure = |row: usize| RowFigure::of(table, row).packed();
                let (rows, starts) =
                    Buckets::items_of_rows(combos.of_row(), combos.representatives().len(), figure, cancel)?;
                let dropped_keys = requested.iter().copied().filter(|key| !keys.contains(key)).collect();
                let samples = combos.representatives().to_vec();
                let units = Self { rows, starts, samples, dropped_keys, ..Self::default() };
                return if by_process { units.split_by_process(names.trace(), cancel) } else { Ok(units) };
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
    fn split_by_process(mut self, trace: &Trace, cancel: Cancel<'_>) -> Result<Self, Cancelled> {
        let mut units: Vec<&mut [PackedFigure]> = Vec::with_capacity(self.len());
        let mut rest = self.rows.as_mut_slice();
        for bounds in self.starts.windows(2) {
            units.push(rest.split_off_mut(..(bounds[1] - bounds[0]) as usize).unwrap_or_default());
        }
        let lengths_of = |rows: &mut [PackedFigure]| {
            if cancel() {
                return Err(Cancelled);
            }
            let with_process =
                |figure: &PackedFigure| (RowFigure::unpacked(*figure).allocating_process(trace), *figure);
            let mut split: Vec<(ProcessId, PackedFigure)> =
                until_cancelled(rows.iter(), cancel).map(with_process).collect();
            // Stable, so that the rows of one process stay in their order; most neighbors are of one process.
            split.sort_by_key(|figure| figure.0);
            rows.iter_mut().zip(&split).for_each(|(place, (_, figure))| *place = *figure);
            Ok(split.chunk_by(|a, b| a.0 == b.0).map(|part| part.len() as u32).collect::<Vec<u32>>())
        };
        let lengths: Vec<Vec<u32>> = units.into_par_iter().map(lengths_of).collect::<Result<_, Cancelled>>()?;
        (self.starts, self.samples) = (vec![0], Vec::new());
        let mut start = 0;
        for length in lengths.into_iter().flatten() {
            self.samples.extend(self.rows.get(start as usize).map(|first| RowFigure::unpacked(*first).row as u32));
            start += length;
            self.starts.push(start);
        }
        Ok(self)
    }

    /// Sets the rows that are not freed by the end of the active range: for each unit, their positions among its rows, ascending.
    pub fn set_unfreed<'u>(&mut self, of_units: impl Iterator<Item = &'u [u32]>) {
        (self.unfreed, self.unfreed_starts) = (Vec::new(), vec![0]);
        for (start, of_unit) in self.starts.iter().zip(of_units) {
            self.unfreed.extend(of_unit.iter().map(|at| start + at));
            self.unfreed_starts.push(self.unfreed.len() as u32);
        }
    }

    /// Number of units.
    #[must_use]
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Number of rows of a unit.
    #[must_use]
    pub fn row_count(&self, unit: usize) -> usize {
        let bound = |at: usize| self.starts.get(at).copied().unwrap_or(0);
        bound(unit + 1).saturating_sub(bound(unit)) as usize
    }

    /// The rows of a unit with their figures, in the order of the table.
    pub fn figures(&self, unit: usize) -> impl Iterator<Item = RowFigure> + Clone + '_ {
        let bound = |at: usize| self.starts.get(at).map_or(0, |start| *start as usize);
        let rows = self.rows.get(bound(unit)..bound(unit + 1)).unwrap_or_default();
        rows.iter().map(|figure| RowFigure::unpacked(*figure))
    }

    /// The rows of a unit that are not freed by the end of the active range, with their figures, in the order of the table.
    pub fn unfreed_rows(&self, unit: usize) -> impl Iterator<Item = RowFigure> + Clone + '_ {
        let bound = |at: usize| self.unfreed_starts.get(at).map_or(0, |start| *start as usize);
        let positions = self.unfreed.get(bound(unit)..bound(unit + 1)).unwrap_or_default();
        positions.iter().filter_map(|position| self.rows.get(*position as usize).copied().map(RowFigure::unpacked))
    }

    /// One row of a unit, which has the key values of the unit.
    #[must_use]
    pub fn sample_row(&self, unit: usize) -> usize {
        self.samples.get(unit).map_or(0, |row| *row as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::group_by::MAX_GROUPS;
    use crate::group::parallel::not_cancelled;
    use crate::group::test_util::{Block, block, names};

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
        assert!(many.figures(0).map(|figure| figure.row).eq(0..=MAX_GROUPS));
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
        let figures = (0..4).map(|row| RowFigure::of(&names.trace().allocations, row));
        assert!(figures.filter_map(|figure| figure.lifetime(visible_range)).eq([10, 30]));
    }

    #[test]
    fn figures_of_any_values_come_back() {
        for (alloc, free, size) in [(5, 9, 8), (i64::MIN, i64::MAX, u64::MAX), (-7, -3, 0), (i64::MIN, i64::MIN, 1)] {
            let (alloc, free) = (Ticks(alloc), Ticks(free));
            for (row, flags) in [(0, 0), (u32::MAX as usize, 31), (70_000, u8::MAX)] {
                let figure = RowFigure { row, alloc, free, size, flags };
                assert_eq!(RowFigure::unpacked(figure.packed()), figure);
            }
        }
    }
}
