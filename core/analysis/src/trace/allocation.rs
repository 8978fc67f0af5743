//! The allocation table: one row per block that the trace knows of, as parallel columns. It must never change after
//! the load, and holds no name: names come from the other tables.

use super::ids::{AllocationId, AttributesId, StackId};
use super::time::Ticks;

/// Marks on a row.
pub mod flag {
    /// The allocation was not seen: it is implied by a second free of the same address.
    pub const IMPLIED_ALLOCATION: u8 = 1;
    /// The free was not seen: it is implied by a second allocation on the same address.
    pub const IMPLIED_FREE: u8 = 2;
    /// The stack of the allocation may be another's, or lack a half: records are missing between its key and the definition.
    pub const UNCERTAIN_ALLOCATION_STACK: u8 = 4;
    /// The same of the stack of the free.
    pub const UNCERTAIN_FREE_STACK: u8 = 8;
    /// Marks of a row of which one end is implied: how long it lived is not known.
    pub const IMPLIED: u8 = IMPLIED_ALLOCATION | IMPLIED_FREE;
}

/// The columns. All have the same length; a row is an [`AllocationId`]. Rows are in the order of their allocation times:
/// first those whose allocation the trace does not show, by their free times.
#[derive(Default, Debug)]
pub struct AllocationTable {
    /// When it was allocated; [`Ticks::UNKNOWN`] if before the trace.
    pub alloc_time: Vec<Ticks>,
    /// When it was freed; [`Ticks::NEVER`] if the trace does not show it.
    pub free_time: Vec<Ticks>,
    /// Bytes, as the kernel accounts for them.
    pub size: Vec<u64>,
    /// Address of the block (`Entry`).
    pub address: Vec<u64>,
    /// What the allocating event says; where that was not seen, what the freeing event says of the pool
    /// ([`EventAttributes::without_allocator`](super::attributes::EventAttributes::without_allocator)).
    pub alloc_attributes: Vec<AttributesId>,
    /// What the freeing event says; [`AttributesId::NONE`] where no free was seen.
    pub free_attributes: Vec<AttributesId>,
    /// Stack of the allocation; [`StackId::EMPTY`] if none.
    pub alloc_stack: Vec<StackId>,
    /// Stack of the free; [`StackId::EMPTY`] if none.
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

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alloc_time.is_empty()
    }

    /// Whether the trace shows the allocation of a row; its stack is empty by nature otherwise.
    #[must_use]
    pub fn is_allocation_seen(&self, row: usize) -> bool {
        let is_known = self.alloc_time.get(row).is_some_and(|time| time.is_known());
        is_known && self.flags.get(row).is_some_and(|flags| flags & flag::IMPLIED_ALLOCATION == 0)
    }

    /// Ticks from allocation to free, where the trace shows both: [`Ticks::NEVER`] for a block that it does not show freed,
    /// [`Ticks::UNKNOWN`] where one of the two was not seen, whether or not other events imply it.
    #[inline]
    #[must_use]
    pub fn lifetime(&self, row: usize) -> Ticks {
        lifetime(self.alloc_time[row], self.free_time[row], self.flags[row])
    }

    /// The rows allocated at or before a time: all of them lie before this row.
    #[must_use]
    pub fn allocated_by(&self, time: Ticks) -> usize {
        self.alloc_time.partition_point(|alloc| *alloc <= time)
    }

    /// All rows, in order.
    pub fn ids(&self) -> impl Iterator<Item = AllocationId> + use<> {
        (0..self.len() as u32).map(AllocationId)
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

/// Bytes that a row takes; the memory aim of the design rests on it.
pub const ROW_BYTES: usize = 8 + 8 + 8 + 8 + 4 + 4 + 4 + 4 + 1;
const _: () = assert!(size_of::<Ticks>() == 8 && size_of::<AttributesId>() == 4 && size_of::<StackId>() == 4);
const _: () = assert!(ROW_BYTES == 49);
