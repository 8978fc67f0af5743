//! System configuration: the processor record of the kernel, enabled kernel groups, and what a merge adds about the
//! system.
//!
//! Sources: Microsoft Learn, `SystemConfig_CPU` (hook 0x0B0A: memory in MB at 8, computer name in 256 UTF-16 units at
//! 20; the payload has 828 bytes on 64-bit systems in real files); phnt `ntwmi.h` for the group masks (hooks 0x0005 and
//! 0x0020: eight masks of 32 bits); TraceEvent for `SysConfigEx` (opcode 32: installation time as a FILETIME, build
//! string, product name; opcode 35: NT path, DOS path; all strings UTF-16).

use poolscope_base::bytes::{u32_at, u64_at, utf16z_at};

/// Processor record of the kernel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CpuConfig {
    /// Physical memory in MB.
    pub memory_mb: u32,
    /// Computer name.
    pub computer: String,
}

impl CpuConfig {
    /// Decodes the record; `None` if the payload is too short.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let name = payload.get(20..532)?;
        Some(Self { memory_mb: u32_at(payload, 8)?, computer: utf16z_at(name, 0).0 })
    }
}

/// Build of Windows, added by a merge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BuildInfo {
    /// Build string, such as `9200.16384.amd64fre.win8_rtm.120725-1247`.
    pub build: String,
    /// Product name.
    pub product: String,
}

impl BuildInfo {
    /// Decodes the record; `None` if the payload is too short.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        u64_at(payload, 0)?;
        let (build, after) = utf16z_at(payload, 8);
        Some(Self { build, product: utf16z_at(payload, after).0 })
    }
}

/// Volume of the recorded system, added by a merge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VolumeMapping {
    /// NT path, such as `\Device\HarddiskVolume3\`.
    pub nt_path: String,
    /// DOS path, such as `C:\`.
    pub dos_path: String,
}

impl VolumeMapping {
    /// Decodes the record. Missing strings are empty.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Self {
        let (nt_path, after) = utf16z_at(payload, 0);
        Self { nt_path, dos_path: utf16z_at(payload, after).0 }
    }
}

/// Kernel groups that the recording has enabled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupMasks {
    /// The masks. All are zero in a record from before the session enabled its groups, or from after it disabled them.
    pub masks: [u32; 8],
}

impl GroupMasks {
    /// Decodes the record; `None` if the payload is too short.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let mut masks = [0; 8];
        for (index, mask) in masks.iter_mut().enumerate() {
            *mask = u32_at(payload, index * 4)?;
        }
        Some(Self { masks })
    }

    /// Returns `true` if the pool group is enabled; `None` if all masks are zero.
    #[must_use]
    pub fn has_pool(&self) -> Option<bool> {
        const PERF_POOL: u32 = 0x40;
        let is_any = self.masks.iter().any(|mask| *mask != 0);
        is_any.then_some(self.masks[1] & PERF_POOL != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_of_zero_say_nothing_about_pool() {
        let has_pool = |payload: &[u8]| GroupMasks::decode(payload).and_then(|masks| masks.has_pool());
        let mut payload = vec![0; 36];
        assert_eq!(has_pool(&payload), None);
        payload[4] = 0x40;
        assert_eq!(has_pool(&payload), Some(true));
        payload[4] = 1;
        assert_eq!(has_pool(&payload), Some(false));
        assert_eq!(GroupMasks::decode(&payload[..20]), None);
    }
}
