//! The allocation table: one row per allocation that the trace shows or implies, as parallel columns. Rows refer to tags,
//! processes and stacks by handles into the other tables of the trace.

use super::compact::{Addresses, BLOCK_ROWS, Exceptions, Sizes, SortedTimes};
use super::ids::{AttributesId, StackId};
use super::stack_column::StackColumn;
use super::time::Ticks;

/// Bits of [`AllocationTable::flags`].
pub mod flag {
    /// The allocation was not recorded: a second free of the same address implies it.
    pub const IMPLIED_ALLOCATION: u8 = 1;
    /// The free was not recorded: a second allocation at the same address implies it.
    pub const IMPLIED_FREE: u8 = 2;
    /// The allocation stack may be that of another event, or incomplete: records may be missing between its key and the
    /// definition.
    pub const UNCERTAIN_ALLOCATION_STACK: u8 = 4;
    /// The free stack may be that of another event, or incomplete.
    pub const UNCERTAIN_FREE_STACK: u8 = 8;
    /// The events have an order and no times.
    pub const NO_TIMES: u8 = 16;
    /// Either end is implied, so that the lifetime is not known.
    pub const IMPLIED: u8 = IMPLIED_ALLOCATION | IMPLIED_FREE;
}

/// Allocations as columns of the same length; a row is an [`AllocationId`](super::ids::AllocationId). Rows are sorted by
/// allocation time. Those with an unknown allocation time come first, sorted by free time.
#[derive(Default, Debug)]
pub struct AllocationTable {
    /// Allocation time; [`Ticks::UNKNOWN`] if before the trace.
    pub alloc_time: SortedTimes,
    /// Free time; [`Ticks::NEVER`] if the trace shows no free.
    pub free_time: Vec<Ticks>,
    /// Size in bytes, as the kernel accounts for it.
    pub size: Sizes,
    /// Address (`Entry` of the event); left out if a load has no memory for it.
    pub address: Addresses,
    /// Attributes of the allocation event. If that was not recorded, those of the free with an unknown allocator
    /// ([`EventAttributes::with_unknown_allocator`](super::attributes::EventAttributes::with_unknown_allocator)).
    pub alloc_attributes: Vec<AttributesId>,
    /// Attributes of the free event; [`AttributesId::NONE`] without one.
    pub free_attributes: Vec<AttributesId>,
    /// Allocation stack; [`StackId::EMPTY`] if none was recorded.
    pub alloc_stack: StackColumn,
    /// Free stack; [`StackId::EMPTY`] if none was recorded.
    pub free_stack: StackColumn,
    /// Bits of [`flag`].
    pub flags: Vec<u8>,
}

/// Columns that a load can leave out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LoadedColumns {
    /// Allocation stacks.
    pub alloc_stacks: bool,
    /// Free stacks.
    pub free_stacks: bool,
    /// Addresses.
    pub addresses: bool,
}

impl LoadedColumns {
    /// Bytes of memory of a row, without the values that do not fit their columns, which are few.
    pub fn row_bytes(self) -> usize {
        // Allocation time and size take four bytes each, an address six.
        let always = 4 + 4 + size_of::<Ticks>() + 2 * size_of::<AttributesId>() + size_of::<u8>();
        let stacks = usize::from(self.alloc_stacks) + usize::from(self.free_stacks);
        always + stacks * size_of::<StackId>() + if self.addresses { 6 } else { 0 }
    }
}

/// One row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct AllocationRow {
    pub alloc_time: Ticks,
    pub free_time: Ticks,
    pub size: u64,
    pub address: u64,
    pub alloc_attributes: AttributesId,
    pub free_attributes: AttributesId,
    pub alloc_stack: StackId,
    pub free_stack: StackId,
    pub flags: u8,
}

impl Default for AllocationRow {
    fn default() -> Self {
        Self {
            alloc_time: Ticks::UNKNOWN,
            free_time: Ticks::NEVER,
            size: 0,
            address: 0,
            alloc_attributes: AttributesId::NONE,
            free_attributes: AttributesId::NONE,
            alloc_stack: StackId::EMPTY,
            free_stack: StackId::EMPTY,
            flags: 0,
        }
    }
}

/// Consecutive rows of a table that is filled.
#[derive(Debug)]
pub(crate) struct RowsMut<'a> {
    first_row: u32,
    bases: &'a [Ticks],
    alloc_time: &'a mut [u32],
    free_time: &'a mut [Ticks],
    size: &'a mut [u32],
    address_low: &'a mut [u32],
    address_high: &'a mut [u16],
    alloc_attributes: &'a mut [AttributesId],
    free_attributes: &'a mut [AttributesId],
    alloc_stack: &'a mut [StackId],
    free_stack: &'a mut [StackId],
    flags: &'a mut [u8],
    exceptions: RowExceptions,
}

/// Values of some rows that do not fit their columns.
#[derive(Default, Debug)]
pub(crate) struct RowExceptions {
    alloc_time: Exceptions<Ticks>,
    size: Exceptions<u64>,
    address: Exceptions<u64>,
}

impl RowsMut<'_> {
    /// Sets a row by its position. Rows are set in order.
    #[inline]
    pub fn set(&mut self, at: usize, row: &AllocationRow) {
        let number = self.first_row + at as u32;
        let exceptions = &mut self.exceptions;
        let base = self.bases[number as usize / BLOCK_ROWS];
        self.alloc_time[at] = SortedTimes::encode(number, base, row.alloc_time, &mut exceptions.alloc_time);
        self.free_time[at] = row.free_time;
        self.size[at] = Sizes::encode(number, row.size, &mut exceptions.size);
        if let (Some(low), Some(high)) = (self.address_low.get_mut(at), self.address_high.get_mut(at)) {
            (*low, *high) = Addresses::encode(number, row.address, &mut exceptions.address);
        }
        self.alloc_attributes[at] = row.alloc_attributes;
        self.free_attributes[at] = row.free_attributes;
        for (stacks, stack) in [(&mut self.alloc_stack, row.alloc_stack), (&mut self.free_stack, row.free_stack)] {
            if let Some(own) = stacks.get_mut(at) {
                *own = stack;
            }
        }
        self.flags[at] = row.flags;
    }

    /// Sets allocation times, sizes and addresses of the first rows, a column at a time. A size of [`u32::MAX`] is among the
    /// `large` ones, by position; there may be no addresses.
    pub fn set_allocations(
        &mut self,
        (times, sizes, addresses): (&[Ticks], &[u32], &[u64]),
        large: impl Iterator<Item = (u32, u64)>,
    ) {
        let first = self.first_row;
        let exceptions = &mut self.exceptions;
        let (mut rest, mut row) = (self.alloc_time.iter_mut().zip(times), first as usize);
        while let Some(base) = self.bases.get(row / BLOCK_ROWS) {
            let end = (row / BLOCK_ROWS + 1) * BLOCK_ROWS;
            let before = row;
            for (own, &time) in rest.by_ref().take(end - row) {
                *own = SortedTimes::encode(row as u32, *base, time, &mut exceptions.alloc_time);
                row += 1;
            }
            if row == before {
                break;
            }
        }
        self.size.iter_mut().zip(sizes).for_each(|(own, &size)| *own = size);
        for (at, size) in large {
            if let Some(own) = self.size.get_mut(at as usize) {
                *own = Sizes::encode(first + at, size, &mut exceptions.size);
            }
        }
        let columns = self.address_low.iter_mut().zip(self.address_high.iter_mut());
        for ((own, &address), row) in columns.zip(addresses).zip(first..) {
            (*own.0, *own.1) = Addresses::encode(row, address, &mut exceptions.address);
        }
    }

    /// Sets the attributes of the allocation and the free of a row, its free time and its flags.
    ///
    /// # Panics
    /// There is no such row.
    #[inline]
    pub fn set_events(&mut self, at: usize, attributes: [AttributesId; 2], free_time: Ticks, flags: u8) {
        [self.alloc_attributes[at], self.free_attributes[at]] = attributes;
        (self.free_time[at], self.flags[at]) = (free_time, flags);
    }

    /// Sets the stacks of the allocation and the free of a row, and adds flags.
    ///
    /// # Panics
    /// There is no such row.
    #[inline]
    pub fn set_stacks(&mut self, at: usize, stacks: [StackId; 2], flags: u8) {
        for (column, stack) in [&mut self.alloc_stack, &mut self.free_stack].into_iter().zip(stacks) {
            if let Some(own) = column.get_mut(at) {
                *own = stack;
            }
        }
        self.flags[at] |= flags;
    }

    /// What does not fit the columns, when all rows are set.
    pub fn into_exceptions(self) -> RowExceptions {
        self.exceptions
    }
}

impl AllocationTable {
    /// A table of rows to be filled. `block_time` is the allocation time of the first row of each block of [`BLOCK_ROWS`] rows.
    pub(crate) fn with_rows(rows: usize, loaded: LoadedColumns, block_time: impl FnMut(usize) -> Ticks) -> Self {
        let addresses = if loaded.addresses { rows } else { 0 };
        // Zeros: the system provides the memory when a worker writes it.
        Self {
            alloc_time: SortedTimes {
                offsets: vec![0; rows],
                bases: (0..rows).step_by(BLOCK_ROWS).map(block_time).collect(),
                far: Vec::new(),
            },
            free_time: vec![0; rows].into_iter().map(Ticks).collect(),
            size: Sizes { low: vec![0; rows], large: Vec::new() },
            address: Addresses { low: vec![0; addresses], high: vec![0; addresses], wide: Vec::new() },
            alloc_attributes: vec![0; rows].into_iter().map(AttributesId).collect(),
            free_attributes: vec![0; rows].into_iter().map(AttributesId).collect(),
            alloc_stack: StackColumn::new(rows, loaded.alloc_stacks),
            free_stack: StackColumn::new(rows, loaded.free_stacks),
            flags: vec![0; rows],
        }
    }

    /// The rows as parts of the given lengths, to be filled.
    pub(crate) fn split(&mut self, lengths: &[usize]) -> Vec<RowsMut<'_>> {
        fn cut<'a, T>(column: &mut &'a mut [T], length: usize) -> &'a mut [T] {
            let length = length.min(column.len());
            column.split_off_mut(..length).unwrap_or_default()
        }
        let mut alloc_time = self.alloc_time.offsets.as_mut_slice();
        let mut free_time = self.free_time.as_mut_slice();
        let mut size = self.size.low.as_mut_slice();
        let mut address_low = self.address.low.as_mut_slice();
        let mut address_high = self.address.high.as_mut_slice();
        let mut alloc_attributes = self.alloc_attributes.as_mut_slice();
        let mut free_attributes = self.free_attributes.as_mut_slice();
        let mut alloc_stack = self.alloc_stack.stacks.as_mut_slice();
        let mut free_stack = self.free_stack.stacks.as_mut_slice();
        let mut flags = self.flags.as_mut_slice();
        let mut first_row = 0;
        let part = |&length: &usize| RowsMut {
            first_row: {
                let own = first_row;
                first_row += length as u32;
                own
            },
            bases: &self.alloc_time.bases,
            alloc_time: cut(&mut alloc_time, length),
            free_time: cut(&mut free_time, length),
            size: cut(&mut size, length),
            address_low: cut(&mut address_low, length),
            address_high: cut(&mut address_high, length),
            alloc_attributes: cut(&mut alloc_attributes, length),
            free_attributes: cut(&mut free_attributes, length),
            alloc_stack: cut(&mut alloc_stack, length),
            free_stack: cut(&mut free_stack, length),
            flags: cut(&mut flags, length),
            exceptions: RowExceptions::default(),
        };
        lengths.iter().map(part).collect()
    }

    /// Adds what does not fit the columns, of all parts in order.
    pub(crate) fn add_exceptions(&mut self, parts: Vec<RowExceptions>) {
        for mut part in parts {
            self.alloc_time.far.append(&mut part.alloc_time);
            self.size.large.append(&mut part.size);
            self.address.wide.append(&mut part.address);
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.alloc_time.len()
    }

    /// Returns `true` if there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alloc_time.is_empty()
    }

    /// Bytes of memory of the columns, without the values that do not fit them, which are few.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let loaded = LoadedColumns {
            alloc_stacks: self.alloc_stack.is_loaded(),
            free_stacks: self.free_stack.is_loaded(),
            addresses: self.has_addresses(),
        };
        self.len() * loaded.row_bytes()
    }

    /// Returns `true` if rows have addresses; `false` if the load had no memory for them.
    #[must_use]
    pub fn has_addresses(&self) -> bool {
        self.is_empty() || !self.address.low.is_empty()
    }

    /// Returns `true` if the allocation event of a row was recorded. Without one, the row has no allocation stack.
    #[must_use]
    pub fn is_allocation_recorded(&self, row: usize) -> bool {
        let is_known = self.alloc_time.get(row).is_some_and(Ticks::is_known);
        is_known && self.flags.get(row).is_some_and(|flags| flags & flag::IMPLIED_ALLOCATION == 0)
    }

    /// Ticks from allocation to free: [`Ticks::NEVER`] without a free, [`Ticks::UNKNOWN`] if one of the two events was not
    /// recorded, even if other events imply it.
    #[inline]
    #[must_use]
    pub fn lifetime(&self, row: usize) -> Ticks {
        lifetime(self.alloc_time.at(row), self.free_time[row], self.flags[row])
    }

    /// Number of rows that were allocated at or before a time: the first rows of the table.
    #[must_use]
    pub fn rows_allocated_by(&self, time: Ticks) -> usize {
        self.alloc_time.partition_point(|alloc| alloc <= time)
    }
}

/// See [`AllocationTable::lifetime`].
#[inline]
#[must_use]
pub fn lifetime(alloc: Ticks, free: Ticks, flags: u8) -> Ticks {
    if free == Ticks::NEVER {
        Ticks::NEVER
    } else if !alloc.is_known() || flags & (flag::IMPLIED | flag::NO_TIMES) != 0 {
        Ticks::UNKNOWN
    } else {
        Ticks(free.0.saturating_sub(alloc.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_are_set_in_parts_keep_values_of_any_size() {
        // Sizes and addresses that do not fit their columns, times far from the first of their block, and parts within blocks.
        let rows = 2 * BLOCK_ROWS + 300;
        let times: Vec<Ticks> = (0..rows as i64).map(|row| Ticks(row * row * 3_000)).collect();
        let size = |row: usize| if row % 97 == 5 { (1 << 33) + row as u64 } else { row as u64 };
        let address =
            |row: usize| if row % 101 == 7 { (1 << 52) + row as u64 } else { 0xffff_9000_0000_0000 + row as u64 };
        let loaded = LoadedColumns { alloc_stacks: false, free_stacks: false, addresses: true };
        let mut table = AllocationTable::with_rows(rows, loaded, |row| times[row]);
        let mut first = 0;
        let fill = |(mut part, length): (RowsMut<'_>, &usize)| {
            let own = first..first + length;
            first += length;
            let sizes: Vec<u32> = own.clone().map(|row| u32::try_from(size(row)).unwrap_or(u32::MAX)).collect();
            let addresses: Vec<u64> = own.clone().map(address).collect();
            let large: Vec<(u32, u64)> =
                (0..).zip(own.clone().map(size)).filter(|&(_, size)| u32::try_from(size).is_err()).collect();
            part.set_allocations((&times[own], &sizes, &addresses), large.into_iter());
            part.into_exceptions()
        };
        let lengths = [700, 1_000, 0, rows - 1_700];
        let exceptions = table.split(&lengths).into_iter().zip(&lengths).map(fill).collect();
        table.add_exceptions(exceptions);
        assert!((0..rows).all(|row| table.size.at(row) == size(row)));
        assert!((0..rows).all(|row| table.address.get(row) == Some(address(row))));
        assert_eq!(table.alloc_time.iter().collect::<Vec<_>>(), times);
    }
}
