//! Capacity of the pools: how large Windows lets a pool become, and how long a rate of growth takes to exhaust it. All values are
//! upper bounds: other users of memory make the pool fail earlier.
//!
//! The limits are those of Microsoft's page "Memory Limits for Windows and Windows Server Releases", with three uncertainties. The
//! page gives the limits of 64-bit Windows 8 without naming it (128 GB for nonpaged pool). For 32-bit systems since Windows 8.1 it
//! prints the limit of 64-bit ones, where the address space allows 2 GB. Paged pool is limited by the commit limit, which a trace
//! does not contain: the page file is assumed to be as large as Windows makes it by itself ("Introduction to page files": at most
//! three times the memory, or 4 GB if that is more).

use crate::trace::summary::TraceSummary;

const GB: u64 = 1 << 30;
const TB: u64 = 1 << 40;

/// First build numbers of the releases that changed a limit.
mod build {
    /// Windows Vista before its first service pack.
    pub const VISTA: u32 = 6000;
    /// Windows Server 2008, and Vista with service pack 1.
    pub const SERVER_2008: u32 = 6001;
    /// Windows 8 and Server 2012.
    pub const WINDOWS_8: u32 = 9200;
    /// Windows 8.1 and Server 2012 R2.
    pub const WINDOWS_8_1: u32 = 9600;
}

/// Maximum size of a pool in bytes; `None` if the trace does not contain the memory size of the computer.
#[must_use]
pub fn limit_bytes(summary: &TraceSummary, paged: bool) -> Option<u64> {
    let memory = u64::from(summary.memory_mb.filter(|mb| *mb > 0)?) << 20;
    // A trace without a build number is probably of a new system, and these have the highest limits.
    let os_build = if summary.os_build == 0 { u32::MAX } else { summary.os_build };
    let is_32_bit = summary.pointer_size == 4;
    let limit = match (paged, is_32_bit) {
        (true, true) => commit_limit(memory).min(2 * GB),
        (true, false) => commit_limit(memory).min(max_paged_bytes(os_build)),
        (false, true) => percent_of(memory, 75).min(2 * GB),
        (false, false) => max_nonpaged_bytes(memory, os_build),
    };
    Some(limit)
}

/// Memory plus the largest page file that Windows makes by itself, in bytes.
fn commit_limit(memory: u64) -> u64 {
    memory + (3 * memory).max(4 * GB)
}

fn max_paged_bytes(os_build: u32) -> u64 {
    match os_build {
        ..build::WINDOWS_8 => 128 * GB,
        build::WINDOWS_8..build::WINDOWS_8_1 => 384 * GB,
        _ => 15 * TB + TB / 2,
    }
}

fn max_nonpaged_bytes(memory: u64, os_build: u32) -> u64 {
    match os_build {
        ..build::VISTA => memory.min(128 * GB),
        build::VISTA..build::SERVER_2008 => percent_of(memory, 40).min(128 * GB),
        build::SERVER_2008..build::WINDOWS_8 => percent_of(memory, 75).min(128 * GB),
        build::WINDOWS_8..build::WINDOWS_8_1 => memory.min(128 * GB),
        _ => memory.min(16 * TB),
    }
}

fn percent_of(memory: u64, percent: u64) -> u64 {
    memory / 100 * percent
}

/// Seconds until a pool with `used_bytes` that grows by `bytes_per_s` is exhausted; `None` if it does not grow.
#[must_use]
pub fn seconds_to_exhaustion(limit_bytes: u64, used_bytes: u64, bytes_per_s: f64) -> Option<f64> {
    (bytes_per_s > 0.0).then(|| limit_bytes.saturating_sub(used_bytes) as f64 / bytes_per_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit_gb(os_build: u32, pointer_size: u32, memory_gb: u32, paged: bool) -> f64 {
        let summary =
            TraceSummary { os_build, pointer_size, memory_mb: Some(memory_gb << 10), ..TraceSummary::default() };
        limit_bytes(&summary, paged).unwrap() as f64 / GB as f64
    }

    #[test]
    fn nonpaged_pool_is_limited_by_release_memory_and_pointer_size() {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-3;
        assert!(near(limit_gb(7601, 8, 16, false), 12.0), "Windows 7");
        assert!(near(limit_gb(6000, 8, 10, false), 4.0), "Vista");
        assert!(near(limit_gb(7601, 8, 192, false), 128.0));
        assert!(near(limit_gb(9200, 8, 256, false), 128.0), "Windows 8");
        assert!(near(limit_gb(20348, 8, 256, false), 256.0), "Server 2022");
        assert!(near(limit_gb(0, 8, 256, false), 256.0), "unknown");
        assert!(near(limit_gb(19041, 4, 2, false), 1.5), "32 bits");
        assert!(near(limit_gb(19041, 4, 16, false), 2.0));
    }

    #[test]
    fn paged_pool_is_limited_by_commit_limit_or_address_space() {
        assert_eq!(limit_gb(19041, 8, 16, true), 64.0);
        assert_eq!(limit_gb(19041, 8, 1, true), 5.0);
        assert_eq!(limit_gb(7601, 8, 64, true), 128.0);
        assert_eq!(limit_gb(9200, 8, 128, true), 384.0);
        assert_eq!(limit_gb(19041, 4, 16, true), 2.0);
    }

    #[test]
    fn without_memory_size_or_growth_nothing_is_exhausted() {
        assert_eq!(limit_bytes(&TraceSummary::default(), false), None);
        assert_eq!(limit_bytes(&TraceSummary { memory_mb: Some(0), ..TraceSummary::default() }, true), None);
        assert_eq!(seconds_to_exhaustion(1000, 400, 0.0), None);
        assert_eq!(seconds_to_exhaustion(1000, 400, -1.0), None);
        assert_eq!(seconds_to_exhaustion(1000, 400, 60.0), Some(10.0));
        assert_eq!(seconds_to_exhaustion(1000, 4000, 60.0), Some(0.0));
    }
}
