//! GUIDs and their encoding, and the GUIDs of kernel events.

/// A GUID by its four printed parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid {
    /// First printed group.
    pub a: u32,
    /// Second printed group.
    pub b: u16,
    /// Third printed group.
    pub c: u16,
    /// The last two groups, in printed order.
    pub d: [u8; 8],
}

impl Guid {
    /// The 16 bytes as stored in a file: three little-endian parts, then eight bytes in printed order.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&self.a.to_le_bytes());
        bytes[4..6].copy_from_slice(&self.b.to_le_bytes());
        bytes[6..8].copy_from_slice(&self.c.to_le_bytes());
        bytes[8..].copy_from_slice(&self.d);
        bytes
    }

    /// A GUID from its 128 bits in printed order.
    #[must_use]
    pub const fn new(bits: u128) -> Self {
        let low = bits as u64;
        Self { a: (bits >> 96) as u32, b: (bits >> 80) as u16, c: (bits >> 64) as u16, d: low.to_be_bytes() }
    }

    /// Parses the printed form, with or without braces and dashes, in either case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| !matches!(c, '{' | '}' | '-')).collect();
        if digits.len() != 32 {
            return None;
        }
        u128::from_str_radix(&digits, 16).ok().map(Self::new)
    }
}

impl std::fmt::Display for Guid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tail = u64::from_be_bytes(self.d);
        let (clock, node) = (tail >> 48, tail & 0xFFFF_FFFF_FFFF);
        write!(f, "{:08x}-{:04x}-{:04x}-{clock:04x}-{node:012x}", self.a, self.b, self.c)
    }
}

/// The GUIDs of kernel groups and of the records that a merge injects.
pub mod guids {
    use super::Guid;

    /// Group 0x00: header and group masks.
    const EVENT_TRACE: Guid = Guid::new(0x68fdd900_4a3e_11d1_84f4_0000f80464e3);
    /// Group 0x02: page faults.
    const PAGE_FAULT: Guid = Guid::new(0x3d6fa8d3_fe05_11d0_9dda_00c04fd7ba7c);
    /// Group 0x03: processes.
    pub const PROCESS: Guid = Guid::new(0x3d6fa8d0_fe05_11d0_9dda_00c04fd7ba7c);
    /// Group 0x05: threads and context switches.
    const THREAD: Guid = Guid::new(0x3d6fa8d1_fe05_11d0_9dda_00c04fd7ba7c);
    /// Group 0x0B: hardware and system configuration.
    const SYSTEM_CONFIG: Guid = Guid::new(0x01853a65_418f_4f36_aefc_dc0f1d2fd235);
    /// Group 0x0E: pool.
    pub const POOL: Guid = Guid::new(0x0268a8b6_74fd_4302_9dd0_6e8f1795c0cf);
    /// Group 0x0F: profile samples, interrupts, DPCs.
    pub const PERF_INFO: Guid = Guid::new(0xce1dbfb4_137e_4da6_87b0_3f59aa102cbc);
    /// Group 0x14: images, and hook 0x030A too.
    pub const IMAGE_LOAD: Guid = Guid::new(0x2cb15d1d_5fc1_11d2_abe1_00a0c911f518);
    /// Group 0x18: stacks.
    const STACK_WALK: Guid = Guid::new(0xdef2fe46_7bd6_4b80_bd94_f57fe20d0ce3);
    /// Symbol identities injected by a merge.
    pub const IMAGE_ID: Guid = Guid::new(0xb3e675d7_2554_4f18_830b_2762732560de);
    /// System configuration injected by a merge.
    pub const SYS_CONFIG_EX: Guid = Guid::new(0x9b79ee91_b5fd_41c0_a243_4248e266e9d0);
    /// Losses of a real-time consumer.
    pub const RT_LOST: Guid = Guid::new(0x6a399ae0_4bc6_4de9_870b_3657f8947e7e);

    /// Returns `true` if this GUID stands for a kernel group in relogged files.
    #[must_use]
    pub fn is_kernel_group(guid: Guid) -> bool {
        (0..=0xff).any(|group| of_hook(group << 8) == Some(guid))
    }

    /// GUID of a kernel hook's group in relogged files; `None` for unknown groups.
    #[must_use]
    pub fn of_hook(hook: u16) -> Option<Guid> {
        Some(match (hook >> 8, hook & 0xFF) {
            (0x03, 0x0A) | (0x14, _) => IMAGE_LOAD,
            (0x00, _) => EVENT_TRACE,
            (0x02, _) => PAGE_FAULT,
            (0x03, _) => PROCESS,
            (0x05, _) => THREAD,
            (0x0B, _) => SYSTEM_CONFIG,
            (0x0E, _) => POOL,
            (0x0F, _) => PERF_INFO,
            (0x18, _) => STACK_WALK,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_encodes_and_parses() {
        let text = "0268a8b6-74fd-4302-9dd0-6e8f1795c0cf";
        assert_eq!(guids::POOL.to_string(), text);
        assert_eq!(Guid::parse("{0268A8B6-74fd-4302-9DD0-6e8f1795c0cf}"), Some(guids::POOL));
        assert_eq!(Guid::parse("0268"), None);
        let expected = [0xb6, 0xa8, 0x68, 0x02, 0xfd, 0x74, 0x02, 0x43, 0x9d, 0xd0, 0x6e, 0x8f, 0x17, 0x95, 0xc0, 0xcf];
        assert_eq!(guids::POOL.to_bytes(), expected);
    }
}
