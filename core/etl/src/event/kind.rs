//! Types of events ([`EventKind`]) and the table from a record's key to its type. Hooks, GUIDs and opcodes are named here only.

use super::image::ImageEvent;
use super::process::ProcessEvent;
use crate::record::{Record, RecordKey};
use poolscope_base::guid::Guid;

/// Type of an event that this crate knows. Rundown events describe what exists at the start or stop of the recording
/// (DCStart and DCEnd in ETW's headers).
///
/// Kernel events come in two forms: with a hook (`group << 8 | opcode`) as the kernel logs them, and in relogged files
/// with the GUID of their group and the opcode. Both lead to the same type.
///
/// Sources: phnt `ntwmi.h` for hooks, group GUIDs and names; Microsoft Learn for the classes `Image_Load`,
/// `Process_TypeGroup1`, `StackWalk_Event` and `SystemConfig`; dissect.etl agrees on the pool events; image identities
/// and `SysConfigEx` as in TraceEvent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum EventKind {
    /// Any other event; not decoded.
    Unknown,
    /// Log-file header.
    LogfileHeader,
    /// Masks of the enabled kernel groups.
    GroupMasks,
    /// Pool allocation.
    PoolAlloc,
    /// Pool allocation in session space.
    PoolAllocSession,
    /// Pool free.
    PoolFree,
    /// Pool free in session space.
    PoolFreeSession,
    /// Pool rundown: counters of each pool tag.
    PoolTagRundown {
        /// Taken when the recording stopped, not when it started.
        is_end: bool,
        /// Of session pool, with a session number.
        has_session: bool,
    },
    /// Pool rundown: all big allocations.
    BigPoolRundown {
        /// Taken when the recording stopped, not when it started.
        is_end: bool,
        /// Of session pool, with a session number.
        has_session: bool,
    },
    /// Stack with its frames.
    StackInline,
    /// Definition of a stack key: its frames.
    StackKeyDefinition,
    /// Reference to a stack key: kernel frames of an event.
    StackKeyKernel,
    /// Reference to a stack key: user frames of an event.
    StackKeyUser,
    /// Image load.
    ImageLoad,
    /// Image unload.
    ImageUnload,
    /// Image rundown at the start of the recording.
    ImageDcStart,
    /// Image rundown at the stop of the recording.
    ImageDcEnd,
    /// Process start.
    ProcessStart,
    /// Process end.
    ProcessEnd,
    /// Process rundown at the start of the recording.
    ProcessDcStart,
    /// Process rundown at the stop of the recording.
    ProcessDcEnd,
    /// Image identity: size, timestamp and original name.
    ImageId,
    /// Image identity: PDB.
    ImageRsds,
    /// Version resource of an image.
    ImageFileVersion,
    /// Processors and name of the computer.
    SystemCpu,
    /// Windows build string and product name.
    BuildInfo,
    /// NT path and DOS path of a volume.
    VolumeMapping,
    /// Loss of events, buffers or files.
    Loss,
}

/// Hooks of the events that most records of a trace with pool events have.
pub mod hook {
    /// [`PoolAlloc`](super::EventKind::PoolAlloc).
    pub const POOL_ALLOC: u16 = 0x0e20;
    /// [`PoolFree`](super::EventKind::PoolFree).
    pub const POOL_FREE: u16 = 0x0e22;
    /// [`StackInline`](super::EventKind::StackInline).
    pub const STACK_INLINE: u16 = 0x1820;
    /// [`StackKeyDefinition`](super::EventKind::StackKeyDefinition), when the key leaves the cache.
    pub const STACK_KEY_DEFINITION: u16 = 0x1823;
    /// [`StackKeyDefinition`](super::EventKind::StackKeyDefinition), at the stop of the recording.
    pub const STACK_KEY_LAST_DEFINITION: u16 = 0x1824;
    /// [`StackKeyKernel`](super::EventKind::StackKeyKernel).
    pub const STACK_KEY_KERNEL: u16 = 0x1825;
    /// [`StackKeyUser`](super::EventKind::StackKeyUser).
    pub const STACK_KEY_USER: u16 = 0x1826;
}

impl EventKind {
    /// Returns the type of a record.
    #[inline]
    #[must_use]
    pub fn of(key: &RecordKey) -> Self {
        match key {
            RecordKey::Hook(hook) => Self::from_hook(*hook),
            RecordKey::Provider { guid, opcode } => Self::from_provider(guid, *opcode),
            RecordKey::Message | RecordKey::Other(_) => Self::Unknown,
        }
    }

    /// Returns the type of a kernel event with a hook, of which the lower 13 bits count (phnt `ntwmi.h`).
    #[inline(always)]
    #[must_use]
    pub fn from_hook(hook: u16) -> Self {
        TABLE[usize::from(hook) & (HOOKS - 1)]
    }

    /// Returns the type of an event with a GUID: a kernel event of a relogged file, or one that a merge added.
    #[must_use]
    pub fn from_provider(guid: &Guid, opcode: u8) -> Self {
        if let Some(&(_, group)) = GROUPS.iter().find(|(known, _)| known == guid) {
            return match (group, opcode) {
                // The hook of an image load is in the process group, but its GUID is that of the image group.
                (0x03, 10) => Self::Unknown,
                (0x14, 10) => Self::ImageLoad,
                _ => Self::from_hook(u16::from(group) << 8 | u16::from(opcode)),
            };
        }
        match (*guid, opcode) {
            (IMAGE_ID, 0) => Self::ImageId,
            (IMAGE_ID, 36) => Self::ImageRsds,
            (IMAGE_ID, 64) => Self::ImageFileVersion,
            (SYS_CONFIG_EX, 32) => Self::BuildInfo,
            (SYS_CONFIG_EX, 35) => Self::VolumeMapping,
            (LOST_EVENT, 32..=34) => Self::Loss,
            _ => Self::Unknown,
        }
    }

    /// Returns the newest version of the payload that is known, where there are several.
    #[must_use]
    pub const fn newest_version(self) -> Option<u8> {
        match self {
            Self::ImageLoad | Self::ImageUnload | Self::ImageDcStart | Self::ImageDcEnd => {
                Some(ImageEvent::NEWEST_VERSION)
            }
            Self::ProcessStart | Self::ProcessEnd | Self::ProcessDcStart | Self::ProcessDcEnd => {
                Some(ProcessEvent::NEWEST_VERSION)
            }
            _ => None,
        }
    }

    /// Returns `true` for pool allocations and frees.
    #[inline(always)]
    #[must_use]
    pub const fn is_pool_event(self) -> bool {
        matches!(self, Self::PoolAlloc | Self::PoolAllocSession | Self::PoolFree | Self::PoolFreeSession)
    }
}

impl Record<'_> {
    /// Returns the type of the event.
    #[inline]
    #[must_use]
    pub fn kind(&self) -> EventKind {
        EventKind::of(&self.key)
    }
}

/// Returns `true` if the GUID is that of a kernel group, so that its events are kernel events of a relogged file.
#[must_use]
pub fn is_kernel_group(guid: &Guid) -> bool {
    GROUPS.iter().any(|(known, _)| known == guid)
}

/// Returns `true` if the GUID is that of the event trace group, whose events the logger itself writes.
#[must_use]
pub fn is_event_trace_group(guid: &Guid) -> bool {
    GROUPS[0].0 == *guid
}

/// GUIDs and hook groups of kernel events. The first one is the event trace group.
const GROUPS: [(Guid, u8); 9] = [
    (Guid::from_parts(0x68fd_d900, 0x4a3e, 0x11d1, 0x84f4_0000_f804_64e3), 0x00),
    (Guid::from_parts(0x3d6f_a8d3, 0xfe05, 0x11d0, 0x9dda_00c0_4fd7_ba7c), 0x02),
    (Guid::from_parts(0x3d6f_a8d0, 0xfe05, 0x11d0, 0x9dda_00c0_4fd7_ba7c), 0x03),
    (Guid::from_parts(0x3d6f_a8d1, 0xfe05, 0x11d0, 0x9dda_00c0_4fd7_ba7c), 0x05),
    (Guid::from_parts(0x0185_3a65, 0x418f, 0x4f36, 0xaefc_dc0f_1d2f_d235), 0x0b),
    (Guid::from_parts(0x0268_a8b6, 0x74fd, 0x4302, 0x9dd0_6e8f_1795_c0cf), 0x0e),
    (Guid::from_parts(0xce1d_bfb4, 0x137e, 0x4da6, 0x87b0_3f59_aa10_2cbc), 0x0f),
    (Guid::from_parts(0x2cb1_5d1d, 0x5fc1, 0x11d2, 0xabe1_00a0_c911_f518), 0x14),
    (Guid::from_parts(0xdef2_fe46, 0x7bd6, 0x4b80, 0xbd94_f57f_e20d_0ce3), 0x18),
];

/// Image identities that a merge adds (`KernelTraceControl` in TraceEvent).
const IMAGE_ID: Guid = Guid::from_parts(0xb3e6_75d7, 0x2554, 0x4f18, 0x830b_2762_7325_60de);
/// System configuration that a merge adds.
const SYS_CONFIG_EX: Guid = Guid::from_parts(0x9b79_ee91, 0xb5fd, 0x41c0, 0xa243_4248_e266_e9d0);
/// `RT_LostEvent`, events of real-time sessions (Microsoft Learn).
const LOST_EVENT: Guid = Guid::from_parts(0x6a39_9ae0, 0x4bc6, 0x4de9, 0x870b_3657_f894_7e7e);

/// Number of hooks: 13 bits.
const HOOKS: usize = 0x2000;
static TABLE: [EventKind; HOOKS] = build_table();

const fn build_table() -> [EventKind; HOOKS] {
    use EventKind as K;
    let mut table = [K::Unknown; HOOKS];
    table[0x0000] = K::LogfileHeader;
    table[0x0005] = K::GroupMasks;
    table[0x0020] = K::GroupMasks;
    table[hook::POOL_ALLOC as usize] = K::PoolAlloc;
    table[0x0e21] = K::PoolAllocSession;
    table[hook::POOL_FREE as usize] = K::PoolFree;
    table[0x0e23] = K::PoolFreeSession;
    table[0x0e28] = K::PoolTagRundown { is_end: false, has_session: false };
    table[0x0e29] = K::PoolTagRundown { is_end: true, has_session: false };
    table[0x0e2a] = K::BigPoolRundown { is_end: false, has_session: false };
    table[0x0e2b] = K::BigPoolRundown { is_end: true, has_session: false };
    table[0x0e2c] = K::PoolTagRundown { is_end: false, has_session: true };
    table[0x0e2d] = K::PoolTagRundown { is_end: true, has_session: true };
    table[0x0e2e] = K::BigPoolRundown { is_end: false, has_session: true };
    table[0x0e2f] = K::BigPoolRundown { is_end: true, has_session: true };
    table[hook::STACK_INLINE as usize] = K::StackInline;
    table[hook::STACK_KEY_DEFINITION as usize] = K::StackKeyDefinition;
    table[hook::STACK_KEY_LAST_DEFINITION as usize] = K::StackKeyDefinition;
    table[hook::STACK_KEY_KERNEL as usize] = K::StackKeyKernel;
    table[hook::STACK_KEY_USER as usize] = K::StackKeyUser;
    table[0x030a] = K::ImageLoad;
    table[0x1402] = K::ImageUnload;
    table[0x1403] = K::ImageDcStart;
    table[0x1404] = K::ImageDcEnd;
    table[0x0301] = K::ProcessStart;
    table[0x0302] = K::ProcessEnd;
    table[0x0303] = K::ProcessDcStart;
    table[0x0304] = K::ProcessDcEnd;
    table[0x0b0a] = K::SystemCpu;
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_an_event_lead_to_the_same_kind() {
        let pool = Guid::from_parts(0x0268_a8b6, 0x74fd, 0x4302, 0x9dd0_6e8f_1795_c0cf);
        assert_eq!(EventKind::from_provider(&pool, 32), EventKind::from_hook(0x0e20));
        assert_eq!(EventKind::from_provider(&pool, 35), EventKind::PoolFreeSession);
        let image = Guid::from_parts(0x2cb1_5d1d, 0x5fc1, 0x11d2, 0xabe1_00a0_c911_f518);
        assert_eq!(EventKind::from_provider(&image, 10), EventKind::from_hook(0x030a));
        assert_eq!(EventKind::from_hook(0x1825), EventKind::StackKeyKernel);
        assert_eq!(EventKind::from_provider(&Guid::default(), 32), EventKind::Unknown);
    }
}
