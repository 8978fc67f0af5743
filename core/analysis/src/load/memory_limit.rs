//! The memory limit of a load: an estimate of the memory at the peak from what is merged so far, and what is left out to keep within
//! the limit.

use super::LoadError;
use super::merge::EventMerger;

/// Share of the file after which the estimate is used, as a divisor: a tenth.
const MIN_SHARE: u64 = 10;
/// Bytes of an allocation for the indices that are made of a trace whose order of frees is kept: that order and that of all events,
/// sums for zooms, blocks for curves. They need room beside the peak of the load, since the allocator does not give all memory back
/// that a load frees.
const INDEX_BYTES: u64 = 24;

/// Shares of a file that are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadShare {
    /// Bytes that are read.
    pub done: u64,
    /// Size of the file.
    pub total: u64,
}

/// Parts of a trace that are left out to keep within the memory limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LeftOut {
    /// The order of frees, and the indices that are made of the trace when it is loaded.
    pub indices: bool,
    /// Stacks of frees.
    pub free_stacks: bool,
    /// Addresses of allocations.
    pub addresses: bool,
}

/// The steps by which parts are left out: first what makes no difference to results, last what columns and filters need.
const STEPS: [LeftOut; 4] = [
    LeftOut { indices: false, free_stacks: false, addresses: false },
    LeftOut { indices: true, free_stacks: false, addresses: false },
    LeftOut { indices: true, free_stacks: true, addresses: false },
    LeftOut { indices: true, free_stacks: true, addresses: true },
];

/// Keeps a load within its limit; called after each merge. `stack_bytes` are those of the stacks beside the events, which are freed
/// before the rows become the final table.
///
/// # Errors
/// The trace does not fit, even without all that can be left out.
pub fn keep_within(
    limit_bytes: u64,
    events: &mut EventMerger,
    stack_bytes: u64,
    share: ReadShare,
) -> Result<(), LoadError> {
    if share.done.saturating_mul(MIN_SHARE) < share.total {
        return Ok(());
    }
    let mut needed = 0;
    for step in STEPS {
        // What the load does not have anyway is not left out.
        let indices = step.indices && events.has_free_order();
        let free_stacks = step.free_stacks && events.loaded_columns().free_stacks;
        events.leave_out(LeftOut { indices, free_stacks, ..step });
        needed = needed_bytes(events, stack_bytes, share);
        if needed <= limit_bytes {
            return Ok(());
        }
    }
    Err(LoadError::MemoryLimit { needed_bytes: needed, limit_bytes })
}

/// Estimated bytes at the peak: while events are merged, or when the rows become the final table; and those of the indices.
fn needed_bytes(events: &EventMerger, stack_bytes: u64, share: ReadShare) -> u64 {
    let usage = events.usage();
    let merging = usage.row_bytes + usage.address_bytes + stack_bytes;
    // Joined stacks have a number of four bytes for each allocation; that of its free is beside the end.
    let joined = if events.loaded_columns().alloc_stacks { size_of::<u32>() as u64 } else { 0 };
    let table = events.loaded_columns().row_bytes() as u64;
    // Recorded stacks are freed by then, but in pieces that the allocator keeps.
    let freezing = usage.row_bytes + usage.rows * (joined + table);
    let indices = if events.has_free_order() { usage.rows * INDEX_BYTES } else { 0 };
    let now = merging.max(freezing) + indices;
    let whole = u128::from(now) * u128::from(share.total.max(share.done)) / u128::from(share.done.max(1));
    u64::try_from(whole).unwrap_or(u64::MAX)
}
