//! The memory limit of a load: an estimate of the memory at the peak from what is merged so far, and what is left out to keep within
//! the limit.

use super::LoadError;
use super::merge::EventMerger;

/// Share of the file after which the estimate is used, as a divisor: a tenth.
const MIN_SHARE: u64 = 10;
/// Bytes of an allocation in the final table.
const TABLE_BYTES: u64 = 49;

/// Shares of a file that are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadShare {
    /// Bytes that are read.
    pub done: u64,
    /// Size of the file.
    pub total: u64,
}

/// Keeps a load within its limit; called after each merge.
///
/// # Errors
/// The trace does not fit, even without the stacks of frees.
pub fn keep_within(limit_bytes: u64, events: &mut EventMerger, share: ReadShare) -> Result<(), LoadError> {
    if share.done.saturating_mul(MIN_SHARE) < share.total {
        return Ok(());
    }
    if needed_bytes(events, share) > limit_bytes && events.has_free_stacks() {
        events.leave_out_free_stacks();
    }
    let needed_bytes = needed_bytes(events, share);
    if needed_bytes > limit_bytes { Err(LoadError::MemoryLimit { needed_bytes, limit_bytes }) } else { Ok(()) }
}

/// Estimated bytes at the peak: while events are merged, or when the rows become the final table.
fn needed_bytes(events: &EventMerger, share: ReadShare) -> u64 {
    let usage = events.usage();
    let merging = usage.row_bytes + usage.address_bytes;
    let freezing = usage.row_bytes.saturating_sub(usage.stack_bytes) + usage.rows * TABLE_BYTES;
    let peak =
        u128::from(merging.max(freezing)) * u128::from(share.total.max(share.done)) / u128::from(share.done.max(1));
    u64::try_from(peak).unwrap_or(u64::MAX)
}
