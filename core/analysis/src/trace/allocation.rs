//! The allocation table: one row per allocation that the trace shows or implies, as parallel columns. Rows refer to tags,
//! processes and stacks by handles into the other tables of the trace.

use super::ids::{AttributesId, StackId};
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
    /// Either end is implied, so that the lifetime is not known.
    pub const IMPLIED: u8 = IMPLIED_ALLOCATION | IMPLIED_FREE;
}

/// Allocations as columns of the same length; a row is an [`AllocationId`](super::ids::AllocationId). Rows are sorted by
/// allocation time. Those with an unknown allocation time come first, sorted by free time.
#[derive(Default, Debug)]
pub struct AllocationTable {
    /// Allocation time; [`Ticks::UNKNOWN`] if before the trace.
    pub alloc_time: Vec<Ticks>,
    /// Free time; [`Ticks::NEVER`] if the trace shows no free.
    pub free_time: Vec<Ticks>,
    /// Size in bytes, as the kernel accounts for it.
    pub size: Vec<u64>,
    /// Address (`Entry` of the event).
    pub address: Vec<u64>,
    /// Attributes of the allocation event. If that was not recorded, those of the free with an unknown allocator
    /// ([`EventAttributes::with_unknown_allocator`](super::attributes::EventAttributes::with_unknown_allocator)).
    pub alloc_attributes: Vec<AttributesId>,
    /// Attributes of the free event; [`AttributesId::NONE`] without one.
    pub free_attributes: Vec<AttributesId>,
    /// Allocation stack; [`StackId::EMPTY`] if none was recorded.
    pub alloc_stack: Vec<StackId>,
    /// Free stack; [`StackId::EMPTY`] if none was recorded.
    pub free_stack: Vec<StackId>,
    /// Bits of [`flag`].
    pub flags: Vec<u8>,
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
    alloc_time: &'a mut [Ticks],
    free_time: &'a mut [Ticks],
    size: &'a mut [u64],
    address: &'a mut [u64],
    alloc_attributes: &'a mut [AttributesId],
    free_attributes: &'a mut [AttributesId],
    alloc_stack: &'a mut [StackId],
    free_stack: &'a mut [StackId],
    flags: &'a mut [u8],
}

impl RowsMut<'_> {
    /// Sets a row by its position.
    #[inline]
    pub fn set(&mut self, at: usize, row: &AllocationRow) {
        self.alloc_time[at] = row.alloc_time;
        self.free_time[at] = row.free_time;
        self.size[at] = row.size;
        self.address[at] = row.address;
        self.alloc_attributes[at] = row.alloc_attributes;
        self.free_attributes[at] = row.free_attributes;
        self.alloc_stack[at] = row.alloc_stack;
        self.free_stack[at] = row.free_stack;
        self.flags[at] = row.flags;
    }
}

impl AllocationTable {
    /// A table of rows to be filled.
    pub(crate) fn with_rows(rows: usize) -> Self {
        // Zeros: the system provides the memory when a worker writes it.
        Self {
            alloc_time: vec![0; rows].into_iter().map(Ticks).collect(),
            free_time: vec![0; rows].into_iter().map(Ticks).collect(),
            size: vec![0; rows],
            address: vec![0; rows],
            alloc_attributes: vec![0; rows].into_iter().map(AttributesId).collect(),
            free_attributes: vec![0; rows].into_iter().map(AttributesId).collect(),
            alloc_stack: vec![0; rows].into_iter().map(StackId).collect(),
            free_stack: vec![0; rows].into_iter().map(StackId).collect(),
            flags: vec![0; rows],
        }
    }

    /// The rows as parts of the given lengths, to be filled.
    pub(crate) fn split(&mut self, lengths: &[usize]) -> Vec<RowsMut<'_>> {
        fn cut<'a, T>(column: &mut &'a mut [T], length: usize) -> &'a mut [T] {
            let length = length.min(column.len());
            column.split_off_mut(..length).unwrap_or_default()
        }
        let mut alloc_time = self.alloc_time.as_mut_slice();
        let mut free_time = self.free_time.as_mut_slice();
        let mut size = self.size.as_mut_slice();
        let mut address = self.address.as_mut_slice();
        let mut alloc_attributes = self.alloc_attributes.as_mut_slice();
        let mut free_attributes = self.free_attributes.as_mut_slice();
        let mut alloc_stack = self.alloc_stack.as_mut_slice();
        let mut free_stack = self.free_stack.as_mut_slice();
        let mut flags = self.flags.as_mut_slice();
        let part = |&length: &usize| RowsMut {
            alloc_time: cut(&mut alloc_time, length),
            free_time: cut(&mut free_time, length),
            size: cut(&mut size, length),
            address: cut(&mut address, length),
            alloc_attributes: cut(&mut alloc_attributes, length),
            free_attributes: cut(&mut free_attributes, length),
            alloc_stack: cut(&mut alloc_stack, length),
            free_stack: cut(&mut free_stack, length),
            flags: cut(&mut flags, length),
        };
        lengths.iter().map(part).collect()
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

    /// Bytes of memory of the columns, at most an eighth more.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.len() * size_of::<AllocationRow>()
    }

    /// Returns `true` if the allocation event of a row was recorded. Without one, the row has no allocation stack.
    #[must_use]
    pub fn is_allocation_recorded(&self, row: usize) -> bool {
        let is_known = self.alloc_time.get(row).is_some_and(|time| time.is_known());
        is_known && self.flags.get(row).is_some_and(|flags| flags & flag::IMPLIED_ALLOCATION == 0)
    }

    /// Ticks from allocation to free: [`Ticks::NEVER`] without a free, [`Ticks::UNKNOWN`] if one of the two events was not
    /// recorded, even if other events imply it.
    #[inline]
    #[must_use]
    pub fn lifetime(&self, row: usize) -> Ticks {
        lifetime(self.alloc_time[row], self.free_time[row], self.flags[row])
    }

    /// Number of rows that were allocated at or before a time: the first rows of the table.
    #[must_use]
    pub fn rows_allocated_by(&self, time: Ticks) -> usize {
        self.alloc_time.partition_point(|alloc| *alloc <= time)
    }
}

/// See [`AllocationTable::lifetime`].
#[inline]
#[must_use]
pub fn lifetime(alloc: Ticks, free: Ticks, flags: u8) -> Ticks {
    if free == Ticks::NEVER {
        Ticks::NEVER
    } else if !alloc.is_known() || flags & flag::IMPLIED != 0 {
        Ticks::UNKNOWN
    } else {
        Ticks(free.0.saturating_sub(alloc.0))
    }
}
