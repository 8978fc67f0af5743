//! The table from a record's key to its event. Kernel events come in two forms, by hook and by GUID and opcode (relogged
//! files); both lead to the same kind. It must stay the only place where hooks, GUIDs and opcodes are named.

use poolscope_base::bytes::guid::Guid;

/// An event that something here can decode.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum EventKind {
    /// Nothing that is decoded; counted by its key.
    Unknown,
    /// The log-file header.
    LogfileHeader,
    /// Group masks: which kernel groups were on.
    GroupMasks,
    /// Pool allocation.
    PoolAlloc,
    /// Pool allocation in session space.
    PoolAllocSession,
    /// Pool free.
    PoolFree,
    /// Pool free in session space.
    PoolFreeSession,
    /// Pool tag snapshot, by start or stop and with a session or without.
    PoolTagSnapshot {
        /// Taken at the stop of the recording.
        stop: bool,
        /// With a session number.
        session: bool,
    },
    /// Big pool snapshot.
    BigPoolSnapshot {
        /// Taken at the stop of the recording.
        stop: bool,
        /// With a session number.
        session: bool,
    },
    /// A stack, inline.
    StackInline,
    /// A definition of a stack key.
    StackDefinition,
    /// A reference to a stack key, kernel half.
    StackKeyKernel,
    /// A reference to a stack key, user half.
    StackKeyUser,
    /// Image load.
    ImageLoad,
    /// Image unload.
    ImageUnload,
    /// Image that was loaded when the recording began.
    ImageStart,
    /// Image that was loaded when the recording stopped.
    ImageStop,
    /// Process start.
    ProcessStart,
    /// Process end.
    ProcessEnd,
    /// Process that ran when the recording began.
    ProcessRunning,
    /// Process that ran when the recording stopped.
    ProcessStop,
    /// Thread start, or a thread that ran when the recording began or stopped.
    Thread,
    /// Image identity: timestamp, size, original name.
    ImageId,
    /// Image identity: PDB.
    ImageRsds,
    /// Image identity: managed PDB, file version and other parts that are counted only.
    ImageOther,
    /// CPU and computer.
    SystemCpu,
    /// Windows build string and product name.
    BuildInfo,
    /// NT path to DOS path.
    VolumeMapping,
    /// Events, buffers or files were lost.
    Loss,
}

impl EventKind {
    /// Whether it is part of a stack rather than something that has one.
    #[must_use]
    pub const fn is_stack(self) -> bool {
        matches!(self, Self::StackInline | Self::StackDefinition | Self::StackKeyKernel | Self::StackKeyUser)
    }

    /// Whether it is an allocation or a free of pool.
    #[must_use]
    pub const fn is_pool_event(self) -> bool {
        matches!(self, Self::PoolAlloc | Self::PoolAllocSession | Self::PoolFree | Self::PoolFreeSession)
    }
}

/// Classic kernel groups that appear with a GUID instead of a hook (etl-format 3.4).
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

/// Image identities that a merge injects (etl-format 6.2).
const IMAGE_ID: Guid = Guid::from_parts(0xb3e6_75d7, 0x2554, 0x4f18, 0x830b_2762_7325_60de);
/// System configuration that a merge injects.
const SYS_CONFIG_EX: Guid = Guid::from_parts(0x9b79_ee91, 0xb5fd, 0x41c0, 0xa243_4248_e266_e9d0);
/// RT_LostEvent (etl-format 6.6).
const LOST_EVENT: Guid = Guid::from_parts(0x6a39_9ae0, 0x4bc6, 0x4de9, 0x870b_3657_f894_7e7e);

const HOOKS: usize = 0x2000;
static TABLE: [EventKind; HOOKS] = build_table();

/// The event of a kernel record. Only 13 bits of a hook id are used (etl-format 3.2).
#[inline(always)]
#[must_use]
pub fn of_hook(hook: u16) -> EventKind {
    TABLE[usize::from(hook) & (HOOKS - 1)]
}

/// The event of a GUID-headed record.
#[must_use]
pub fn of_provider(guid: &Guid, opcode: u8) -> EventKind {
    if let Some(&(_, group)) = GROUPS.iter().find(|(known, _)| known == guid) {
        return match (group, opcode) {
            // In hook form a load stands in the process group; in GUID form it has the image GUID.
            (0x03, 10) => EventKind::Unknown,
            (0x14, 10) => EventKind::ImageLoad,
            _ => of_hook(u16::from(group) << 8 | u16::from(opcode)),
        };
    }
    match (*guid, opcode) {
        (IMAGE_ID, 0) => EventKind::ImageId,
        (IMAGE_ID, 36) => EventKind::ImageRsds,
        (IMAGE_ID, _) => EventKind::ImageOther,
        (SYS_CONFIG_EX, 32) => EventKind::BuildInfo,
        (SYS_CONFIG_EX, 35) => EventKind::VolumeMapping,
        (LOST_EVENT, 32..=34) => EventKind::Loss,
        _ => EventKind::Unknown,
    }
}

/// Whether a GUID stands for a kernel group of the table: what its records are in hook form.
#[must_use]
pub fn is_kernel_group(guid: &Guid) -> bool {
    GROUPS.iter().any(|(known, _)| known == guid)
}

/// Whether a GUID is that of the event trace group, whose records are the logger's own.
#[must_use]
pub fn is_event_trace_group(guid: &Guid) -> bool {
    GROUPS[0].0 == *guid
}

/// Whether an event is an allocation or a free of pool.
#[inline(always)]
#[must_use]
pub const fn is_pool_event(kind: EventKind) -> bool {
    use EventKind as K;
    matches!(kind, K::PoolAlloc | K::PoolAllocSession | K::PoolFree | K::PoolFreeSession)
}

const fn build_table() -> [EventKind; HOOKS] {
    use EventKind as K;
    let mut table = [K::Unknown; HOOKS];
    table[0x0000] = K::LogfileHeader;
    table[0x0005] = K::GroupMasks;
    table[0x0020] = K::GroupMasks;
    table[0x0e20] = K::PoolAlloc;
    table[0x0e21] = K::PoolAllocSession;
    table[0x0e22] = K::PoolFree;
    table[0x0e23] = K::PoolFreeSession;
    table[0x0e28] = K::PoolTagSnapshot { stop: false, session: false };
    table[0x0e29] = K::PoolTagSnapshot { stop: true, session: false };
    table[0x0e2a] = K::BigPoolSnapshot { stop: false, session: false };
    table[0x0e2b] = K::BigPoolSnapshot { stop: true, session: false };
    table[0x0e2c] = K::PoolTagSnapshot { stop: false, session: true };
    table[0x0e2d] = K::PoolTagSnapshot { stop: true, session: true };
    table[0x0e2e] = K::BigPoolSnapshot { stop: false, session: true };
    table[0x0e2f] = K::BigPoolSnapshot { stop: true, session: true };
    table[0x1820] = K::StackInline;
    table[0x1823] = K::StackDefinition;
    table[0x1824] = K::StackDefinition;
    table[0x1825] = K::StackKeyKernel;
    table[0x1826] = K::StackKeyUser;
    table[0x030a] = K::ImageLoad;
    table[0x1402] = K::ImageUnload;
    table[0x1403] = K::ImageStart;
    table[0x1404] = K::ImageStop;
    table[0x0301] = K::ProcessStart;
    table[0x0302] = K::ProcessEnd;
    table[0x0303] = K::ProcessRunning;
    table[0x0304] = K::ProcessStop;
    table[0x0501] = K::Thread;
    table[0x0503] = K::Thread;
    table[0x0504] = K::Thread;
    table[0x0b0a] = K::SystemCpu;
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_an_event_lead_to_the_same_kind() {
        let pool = Guid::from_parts(0x0268_a8b6, 0x74fd, 0x4302, 0x9dd0_6e8f_1795_c0cf);
        assert_eq!(of_provider(&pool, 32), of_hook(0x0e20));
        assert_eq!(of_provider(&pool, 35), EventKind::PoolFreeSession);
        let image = Guid::from_parts(0x2cb1_5d1d, 0x5fc1, 0x11d2, 0xabe1_00a0_c911_f518);
        assert_eq!(of_provider(&image, 10), of_hook(0x030a));
        assert_eq!(of_hook(0x1825), EventKind::StackKeyKernel);
        assert_eq!(of_provider(&Guid::default(), 32), EventKind::Unknown);
    }
}
