//! System configuration and group masks (etl-format 3.5 and 6.5).

use poolscope_base::bytes::read::{u32_at, u64_at};
use poolscope_base::bytes::text::utf16z;

/// What the CPU record says about the computer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CpuConfig {
    /// Physical memory in MB.
    pub memory_mb: u32,
    /// Computer name.
    pub computer: String,
}

/// Decodes 0x0B0A.
#[must_use]
pub fn cpu_config(payload: &[u8]) -> Option<CpuConfig> {
    let name = payload.get(20..532)?;
    Some(CpuConfig { memory_mb: u32_at(payload, 8)?, computer: utf16z(name, 0).0 })
}

/// Build string and product name of SysConfigEx 32.
#[must_use]
pub fn build_info(payload: &[u8]) -> Option<(String, String)> {
    u64_at(payload, 0)?;
    let (build, after) = utf16z(payload, 8);
    Some((build, utf16z(payload, after).0))
}

/// NT and DOS path of SysConfigEx 35.
#[must_use]
pub fn volume_mapping(payload: &[u8]) -> (String, String) {
    let (nt, after) = utf16z(payload, 0);
    (nt, utf16z(payload, after).0)
}

/// Whether the masks have the pool group (mask 1, bit 0x40); `None` if the payload is too short or all masks are zero,
/// as in the records of a session that has not begun or has ended.
#[must_use]
pub fn pool_group_enabled(payload: &[u8]) -> Option<bool> {
    const PERF_POOL: u32 = 0x40;
    let mut any = 0;
    for index in 0..8 {
        any |= u32_at(payload, index * 4)?;
    }
    let mask = u32_at(payload, 4)?;
    (any != 0).then_some(mask & PERF_POOL != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_of_zero_say_nothing() {
        let mut payload = vec![0; 36];
        assert_eq!(pool_group_enabled(&payload), None);
        payload[4] = 0x40;
        assert_eq!(pool_group_enabled(&payload), Some(true));
        payload[4] = 1;
        assert_eq!(pool_group_enabled(&payload), Some(false));
        assert_eq!(pool_group_enabled(&payload[..20]), None);
    }
}
