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

impl AllocationTable {
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
