//! Columns of the allocation table that take fewer bytes than their values: what does not fit is kept beside the column, by row.

use super::time::Ticks;
use std::ops::Range;

/// Values of some rows that do not fit their column, by row.
pub(crate) type Exceptions<T> = Vec<(u32, T)>;

/// The value of a row among the exceptions.
#[cold]
fn exception<T: Copy + Default>(exceptions: &Exceptions<T>, row: usize) -> T {
    let found = exceptions.binary_search_by_key(&(row as u32), |exception| exception.0).ok();
    found.and_then(|at| exceptions.get(at)).map_or_else(T::default, |exception| exception.1)
}

/// Sizes in bytes, in four bytes each.
#[derive(Default, Debug)]
pub struct Sizes {
    pub(super) low: Vec<u32>,
    pub(super) large: Exceptions<u64>,
}

/// Value of a size that is an exception.
const LARGE: u32 = u32::MAX;

impl Sizes {
    /// Size of a row.
    ///
    /// # Panics
    /// There is no such row.
    #[inline]
    #[must_use]
    pub fn at(&self, row: usize) -> u64 {
        match self.low[row] {
            LARGE => exception(&self.large, row),
            size => u64::from(size),
        }
    }

    /// Size of a row; `None` if there is no such row.
    #[inline]
    #[must_use]
    pub fn get(&self, row: usize) -> Option<u64> {
        (row < self.low.len()).then(|| self.at(row))
    }

    /// Size of a row whose value in the column, or a copy of it, is known; 0 if there is no such row.
    #[inline]
    pub(crate) fn decode(&self, row: usize, value: u32) -> u64 {
        if value == LARGE { self.get(row).unwrap_or(0) } else { u64::from(value) }
    }

    /// The value of a row in the column, for [`Self::decode`].
    #[inline]
    pub(crate) fn encoded(&self) -> &[u32] {
        &self.low
    }

    /// Sizes of rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u64> + Clone + '_ {
        (0..self.low.len()).map(|row| self.at(row))
    }

    /// Sum of all sizes.
    #[must_use]
    pub fn sum(&self) -> u128 {
        let low = self.low.iter().filter(|&&size| size != LARGE).map(|&size| u128::from(size)).sum::<u128>();
        low + self.large.iter().map(|large| u128::from(large.1)).sum::<u128>()
    }

    /// Appends the size of another row.
    pub fn push(&mut self, size: u64) {
        let row = self.low.len();
        self.low.push(Self::encode(row as u32, size, &mut self.large));
    }

    /// The value of a row in the column; a size that does not fit is added to the exceptions.
    #[inline]
    pub(super) fn encode(row: u32, size: u64, large: &mut Exceptions<u64>) -> u32 {
        u32::try_from(size).ok().filter(|&size| size != LARGE).unwrap_or_else(|| {
            large.push((row, size));
            LARGE
        })
    }
}

impl FromIterator<u64> for Sizes {
    fn from_iter<I: IntoIterator<Item = u64>>(sizes: I) -> Self {
        let mut column = Self::default();
        sizes.into_iter().for_each(|size| column.push(size));
        column
    }
}

/// Addresses in six bytes each: those of 64-bit systems have 48 bits and their sign. Empty if a load leaves them out.
#[derive(Default, Debug)]
pub struct Addresses {
    pub(super) low: Vec<u32>,
    pub(super) high: Vec<u16>,
    pub(super) wide: Exceptions<u64>,
}

impl Addresses {
    /// Address of a row; `None` if there is no such row, or addresses are left out.
    #[inline]
    #[must_use]
    pub fn get(&self, row: usize) -> Option<u64> {
        let (low, high) = (*self.low.get(row)?, *self.high.get(row)?);
        if !self.wide.is_empty() && self.wide.binary_search_by_key(&(row as u32), |wide| wide.0).is_ok() {
            return Some(exception(&self.wide, row));
        }
        Some(Self::decode(low, high))
    }

    #[inline]
    fn decode(low: u32, high: u16) -> u64 {
        // The sign of the upper half is that of the address.
        i64::from(high.cast_signed()).cast_unsigned() << 32 | u64::from(low)
    }

    /// Appends the address of another row.
    pub fn push(&mut self, address: u64) {
        let row = self.low.len();
        let (low, high) = Self::encode(row as u32, address, &mut self.wide);
        self.low.push(low);
        self.high.push(high);
    }

    /// The values of a row in the columns; an address that does not fit is added to the exceptions.
    #[inline]
    pub(super) fn encode(row: u32, address: u64, wide: &mut Exceptions<u64>) -> (u32, u16) {
        let (low, high) = (address as u32, (address >> 32) as u16);
        if Self::decode(low, high) != address {
            wide.push((row, address));
        }
        (low, high)
    }
}

/// Rows whose times count from the same one.
pub(super) const BLOCK_ROWS: usize = 1 << 10;

/// Times in order, in four bytes each: ticks from the first time of their block of rows.
#[derive(Default, Debug)]
pub struct SortedTimes {
    pub(super) offsets: Vec<u32>,
    pub(super) bases: Vec<Ticks>,
    pub(super) far: Exceptions<Ticks>,
}

/// Offset of a time that is an exception.
const FAR: u32 = u32::MAX;

impl SortedTimes {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Returns `true` if there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// Time of a row.
    ///
    /// # Panics
    /// There is no such row.
    #[inline]
    #[must_use]
    pub fn at(&self, row: usize) -> Ticks {
        match self.offsets[row] {
            FAR => exception(&self.far, row),
            offset => Ticks(self.bases[row / BLOCK_ROWS].0.wrapping_add(i64::from(offset))),
        }
    }

    /// Time of a row; `None` if there is no such row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<Ticks> {
        (row < self.len()).then(|| self.at(row))
    }

    /// Time of the last row.
    #[must_use]
    pub fn last(&self) -> Option<Ticks> {
        self.get(self.len().wrapping_sub(1))
    }

    /// Times of rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Ticks> + DoubleEndedIterator + Clone + '_ {
        (0..self.len()).map(|row| self.at(row))
    }

    /// The first time of the block of some rows and their ticks from there; `None` if they are in several blocks or one does not
    /// fit.
    pub(crate) fn offsets_within(&self, rows: Range<usize>) -> Option<(Ticks, &[u32])> {
        let block = rows.start / BLOCK_ROWS;
        let is_one_block = rows.end <= (block + 1) * BLOCK_ROWS;
        let offsets = self.offsets.get(rows).filter(|offsets| is_one_block && !offsets.contains(&FAR))?;
        Some((*self.bases.get(block)?, offsets))
    }

    /// Number of rows, from the first one, for which `is_before` holds; it holds for no row behind another one for which it does
    /// not.
    pub fn partition_point(&self, is_before: impl Fn(Ticks) -> bool) -> usize {
        let block = self.bases.partition_point(|&base| is_before(base)).saturating_sub(1) * BLOCK_ROWS;
        self.partition_point_within(block..(block + BLOCK_ROWS).min(self.len()), is_before)
    }

    /// The first row of a range for which `is_before` does not hold, or the end of the range.
    pub fn partition_point_within(&self, rows: Range<usize>, is_before: impl Fn(Ticks) -> bool) -> usize {
        let (mut low, mut high) = (rows.start, rows.end);
        while low < high {
            let middle = low + (high - low) / 2;
            if is_before(self.at(middle)) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Appends the time of another row, not earlier than the last one.
    pub fn push(&mut self, time: Ticks) {
        let row = self.offsets.len();
        if row.is_multiple_of(BLOCK_ROWS) {
            self.bases.push(time);
        }
        let base = self.bases.last().copied().unwrap_or_default();
        self.offsets.push(Self::encode(row as u32, base, time, &mut self.far));
    }

    /// The value of a row in the column; a time that does not fit is added to the exceptions.
    #[inline]
    pub(super) fn encode(row: u32, base: Ticks, time: Ticks, far: &mut Exceptions<Ticks>) -> u32 {
        let offset = time.0.checked_sub(base.0).and_then(|offset| u32::try_from(offset).ok());
        offset.filter(|&offset| offset != FAR).unwrap_or_else(|| {
            far.push((row, time));
            FAR
        })
    }
}

impl FromIterator<Ticks> for SortedTimes {
    fn from_iter<I: IntoIterator<Item = Ticks>>(times: I) -> Self {
        let mut column = Self::default();
        times.into_iter().for_each(|time| column.push(time));
        column
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_any_size_come_back() {
        let sizes = [0, 16, u64::from(u32::MAX) - 1, u64::from(u32::MAX), 1 << 40, u64::MAX, 48];
        let mut column = Sizes::default();
        sizes.iter().for_each(|&size| column.push(size));
        assert_eq!((column.iter().collect::<Vec<_>>(), column.large.len()), (sizes.to_vec(), 3));
        assert_eq!(column.sum(), sizes.iter().map(|&size| u128::from(size)).sum());
        let addresses = [0, 0xffff_9000_1234_5670, 0x7fff_ffff_ffff, 0xffff_8000_0000_0000, 1 << 47, u64::MAX, 1 << 63];
        let mut column = Addresses::default();
        addresses.iter().for_each(|&address| column.push(address));
        assert_eq!((0..7).filter_map(|row| column.get(row)).collect::<Vec<_>>(), addresses);
        assert_eq!((column.get(7), Addresses::default().get(0)), (None, None));
        assert_eq!(column.wide.len(), 2, "not those of a 64-bit system");
    }

    #[test]
    fn times_come_back_and_are_found() {
        let mut state = 11_u64;
        let mut roll = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 24) % below
        };
        for round in 0..60 {
            let count = [0, 1, 1_023, 1_024, 1_025, 3_000][round % 6];
            let time = |_| match roll(8) {
                0 => i64::MIN,
                1 => roll(1 << 40) as i64 - (1 << 39),
                2 => i64::from(u32::MAX) + roll(3) as i64 - 1,
                3 => i64::MAX,
                _ => roll(5_000) as i64 - 50,
            };
            let mut times: Vec<i64> = (0..count).map(time).collect();
            times.sort_unstable();
            let column: SortedTimes = times.iter().map(|&time| Ticks(time)).collect();
            assert_eq!(column.iter().map(|time| time.0).collect::<Vec<_>>(), times);
            assert_eq!(column.last().map(|time| time.0), times.last().copied());
            for wanted in [i64::MIN, i64::MAX, 0, 900, 4_900].into_iter().chain(times.iter().copied().step_by(97)) {
                let found = column.partition_point(|time| time < Ticks(wanted));
                assert_eq!(found, times.partition_point(|&time| time < wanted), "{wanted} of {count}");
            }
        }
    }
}
