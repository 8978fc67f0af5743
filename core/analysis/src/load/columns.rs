//! Allocations while a trace is loaded: what is known of each when it is allocated, in chunks in the order of the rows, and how it
//! ends, which workers write in any order.

use super::stack_part::{PartDelays, RecordedStack};
use crate::trace::time::Ticks;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

/// Recorded allocations of one merge, in time order, as columns.
#[derive(Debug, Default)]
pub struct AllocationChunk {
    /// Number of rows in the chunks before.
    pub base: u32,
    /// Allocation time.
    pub time: Vec<Ticks>,
    /// Address; empty if addresses are left out.
    pub address: Vec<u64>,
    /// Size in bytes; [`LARGE_SIZE`](super::event::LARGE_SIZE) if it is in `large_sizes`.
    pub size: Vec<u32>,
    /// Provisional number of the attributes.
    pub attributes: Vec<u32>,
    /// Allocation stack; empty if stacks are not loaded, and once they are joined.
    pub recorded_stack: Vec<RecordedStack>,
    /// Provisional number of the allocation stack, once stacks are joined.
    pub stack: Vec<u32>,
    /// Positions in the chunk and sizes of the largest allocations, by position.
    pub large_sizes: Vec<(u32, u64)>,
}

impl AllocationChunk {
    /// A chunk of rows to be filled, whose columns are made beside each other.
    pub fn new(base: u32, rows: usize, with_stacks: bool, with_addresses: bool) -> Self {
        let stacks = if with_stacks { rows } else { 0 };
        let addresses = if with_addresses { rows } else { 0 };
        // Memory that the allocator used before is filled with zeros here.
        let wide = || (vec![0; rows].into_iter().map(Ticks).collect(), vec![0; addresses]);
        let others = || (vec![0; rows], vec![0; rows], RecordedStack::none_recorded(stacks));
        let ((time, address), (size, attributes, recorded_stack)) = rayon::join(wide, others);
        let (stack, large_sizes) = (Vec::new(), Vec::new());
        Self { base, time, address, size, attributes, recorded_stack, stack, large_sizes }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Bytes of its columns.
    pub fn bytes(&self) -> usize {
        let numbers = size_of_val(self.size.as_slice()) + size_of_val(self.attributes.as_slice());
        let wide = size_of_val(self.time.as_slice()) + size_of_val(self.address.as_slice());
        numbers + wide + size_of_val(self.recorded_stack.as_slice())
    }

    /// The columns as slices of the given lengths.
    pub fn split(&mut self, lengths: &[usize]) -> Vec<ChunkPart<'_>> {
        let mut rest = ChunkPart {
            time: &mut self.time,
            address: &mut self.address,
            size: &mut self.size,
            attributes: &mut self.attributes,
            recorded_stack: &mut self.recorded_stack,
        };
        let mut parts = Vec::with_capacity(lengths.len());
        for &length in lengths {
            let (part, behind) = rest.split_at(length);
            parts.push(part);
            rest = behind;
        }
        parts
    }
}

/// Consecutive rows of a chunk.
#[derive(Debug)]
pub struct ChunkPart<'a> {
    pub time: &'a mut [Ticks],
    pub address: &'a mut [u64],
    pub size: &'a mut [u32],
    pub attributes: &'a mut [u32],
    pub recorded_stack: &'a mut [RecordedStack],
}

impl<'a> ChunkPart<'a> {
    fn split_at(self, length: usize) -> (Self, Self) {
        fn cut<T>(column: &mut [T], length: usize) -> (&mut [T], &mut [T]) {
            let length = length.min(column.len());
            column.split_at_mut(length)
        }
        let (time, address) = (cut(self.time, length), cut(self.address, length));
        let (size, attributes) = (cut(self.size, length), cut(self.attributes, length));
        let recorded_stack = cut(self.recorded_stack, length);
        (
            Self {
                time: time.0,
                address: address.0,
                size: size.0,
                attributes: attributes.0,
                recorded_stack: recorded_stack.0,
            },
            Self {
                time: time.1,
                address: address.1,
                size: size.1,
                attributes: attributes.1,
                recorded_stack: recorded_stack.1,
            },
        )
    }
}

/// Free of one allocation. Workers write different elements, so each field is an atomic; an element is within one cache line.
#[derive(Debug)]
pub struct FreeEnd {
    time: AtomicI64,
    attributes: AtomicU32,
    stack: AtomicU32,
}

/// Value of [`FreeEnd::attributes`] of an implied free. Attributes have lower numbers.
pub const IMPLIED: u32 = u32::MAX - 1;
/// Value of [`FreeEnd::attributes`] without a free.
pub const NOT_FREED: u32 = u32::MAX;

impl Default for FreeEnd {
    fn default() -> Self {
        Self { time: AtomicI64::new(Ticks::NEVER.0), attributes: AtomicU32::new(NOT_FREED), stack: AtomicU32::new(0) }
    }
}

impl FreeEnd {
    /// Sets the free.
    #[inline]
    pub fn set(&self, time: Ticks, attributes: u32) {
        self.time.store(time.0, Ordering::Relaxed);
        self.attributes.store(attributes, Ordering::Relaxed);
    }

    /// Free time; [`Ticks::NEVER`] without a free.
    #[inline]
    pub fn time(&self) -> Ticks {
        Ticks(self.time.load(Ordering::Relaxed))
    }

    /// Provisional number of the attributes of the free event, [`IMPLIED`] or [`NOT_FREED`].
    #[inline]
    pub fn attributes(&self) -> u32 {
        self.attributes.load(Ordering::Relaxed)
    }

    /// Provisional number of the free stack, once stacks are joined; 0 if none was recorded.
    #[inline]
    pub fn stack(&self) -> u32 {
        self.stack.load(Ordering::Relaxed)
    }

    /// Sets the number of the free stack.
    #[inline]
    pub fn set_stack(&self, stack: u32) {
        self.stack.store(stack, Ordering::Relaxed);
    }
}

/// Free stack of one allocation.
#[derive(Debug, Default)]
struct FreeStack {
    parts: AtomicU64,
    delays: AtomicU64,
}

/// Rows of a block of [`FreeEnds`]; a power of two.
const BLOCK_BITS: u32 = 14;
const BLOCK: usize = 1 << BLOCK_BITS;

/// Ends of all recorded allocations by row.
#[derive(Debug, Default)]
pub struct FreeEnds {
    blocks: Vec<Vec<FreeEnd>>,
    stacks: Vec<Vec<FreeStack>>,
    with_stacks: bool,
}

impl FreeEnds {
    /// Ends with or without stacks.
    pub fn new(with_stacks: bool) -> Self {
        Self { with_stacks, ..Self::default() }
    }

    /// Makes room for this number of rows.
    pub fn reserve(&mut self, rows: usize) {
        let blocks = rows.div_ceil(BLOCK);
        let missing = self.blocks.len()..blocks;
        let new: Vec<Vec<FreeEnd>> =
            missing.clone().into_par_iter().map(|_| (0..BLOCK).map(|_| FreeEnd::default()).collect()).collect();
        self.blocks.extend(new);
        if self.with_stacks {
            let new: Vec<Vec<FreeStack>> =
                missing.into_par_iter().map(|_| (0..BLOCK).map(|_| FreeStack::default()).collect()).collect();
            self.stacks.extend(new);
        }
    }

    /// The end of a row.
    #[inline]
    pub fn get(&self, row: u32) -> Option<&FreeEnd> {
        self.blocks.get((row >> BLOCK_BITS) as usize)?.get(row as usize % BLOCK)
    }

    /// The ends of consecutive rows.
    pub fn range(&self, rows: Range<u32>) -> impl Iterator<Item = &FreeEnd> {
        let blocks = rows.start >> BLOCK_BITS..rows.end.div_ceil(BLOCK as u32);
        let of_block = move |block: u32| {
            let first = block << BLOCK_BITS;
            let within = rows.start.saturating_sub(first) as usize..BLOCK.min((rows.end - first) as usize);
            self.blocks.get(block as usize).and_then(|block| block.get(within)).unwrap_or_default()
        };
        blocks.flat_map(of_block)
    }

    fn free_stack(&self, row: u32) -> Option<&FreeStack> {
        self.stacks.get((row >> BLOCK_BITS) as usize)?.get(row as usize % BLOCK)
    }

    /// The free stack of a row.
    #[inline]
    pub fn recorded_stack(&self, row: u32) -> RecordedStack {
        let Some(stack) = self.free_stack(row) else { return RecordedStack::default() };
        let [parts, delays] = [&stack.parts, &stack.delays].map(|pair| {
            let pair = pair.load(Ordering::Relaxed);
            [pair as u32, (pair >> 32) as u32]
        });
        RecordedStack { parts, delays: PartDelays(delays) }
    }

    /// Sets the free stack of a row.
    #[inline]
    pub fn set_recorded_stack(&self, row: u32, stack: RecordedStack) {
        if let Some(own) = self.free_stack(row) {
            let pair = |[kernel, user]: [u32; 2]| u64::from(user) << 32 | u64::from(kernel);
            own.parts.store(pair(stack.parts), Ordering::Relaxed);
            own.delays.store(pair(stack.delays.0), Ordering::Relaxed);
        }
    }

    /// Frees the memory of free stacks, when they are joined or cannot be kept. Stacks to come are left out.
    pub fn leave_out_stacks(&mut self) {
        self.stacks = Vec::new();
        self.with_stacks = false;
    }

    /// Returns `true` if free stacks are kept.
    pub fn has_stacks(&self) -> bool {
        self.with_stacks
    }

    /// Bytes of the ends, and of the free stacks.
    pub fn bytes(&self) -> (usize, usize) {
        let rows = self.blocks.len() * BLOCK;
        (rows * size_of::<FreeEnd>(), self.stacks.len() * BLOCK * size_of::<FreeStack>())
    }

    /// Blocks of ends with the row of their first one.
    pub fn blocks(&self) -> impl IndexedParallelIterator<Item = (u32, &[FreeEnd])> {
        self.blocks.par_iter().enumerate().map(|(at, block)| ((at as u32) << BLOCK_BITS, block.as_slice()))
    }
}

/// An allocation that was not recorded. All but its allocation time comes from its free.
#[derive(Clone, Copy, Debug)]
pub struct UnrecordedAllocation {
    /// Time of the earlier free of the same address; [`Ticks::UNKNOWN`] without one.
    pub alloc_time: Ticks,
    /// Free time.
    pub free_time: Ticks,
    /// Address.
    pub address: u64,
    /// Size in bytes.
    pub size: u64,
    /// Number of its free among all free events in time order.
    pub free_number: u32,
    /// Provisional number of the attributes of the free event.
    pub attributes: u32,
    /// Free stack.
    pub recorded_stack: RecordedStack,
    /// Provisional number of the free stack, once stacks are joined; 0 if none was recorded.
    pub stack: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_any_rows_are_found_across_blocks() {
        let rows = 2 * BLOCK as u32 + 10;
        let mut ends = FreeEnds::new(false);
        ends.reserve(rows as usize);
        (0..rows).for_each(|row| ends.get(row).unwrap().set(Ticks(i64::from(row)), row));
        let block = BLOCK as u32;
        for own in [0..3, block - 2..block + 2, block..block, 5..rows, block..2 * block, rows - 1..rows] {
            let found: Vec<u32> = ends.range(own.clone()).map(FreeEnd::attributes).collect();
            assert_eq!(found, own.collect::<Vec<_>>());
        }
    }
}
