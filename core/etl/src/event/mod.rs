//! Kernel events: the type of a record ([`EventKind`]) and its decoded payload ([`Event`]). Each file describes the
//! layouts of one group of events with their sources. Decoders are pure functions of one payload; a payload that is too
//! short or has impossible values is `None`.

pub mod image;
mod kind;
pub mod pool;
pub mod process;
pub mod stack;
pub mod system;

pub use kind::{EventKind, hook, is_event_trace_group, is_kernel_group};

use crate::record::Record;
use image::{FileVersionEvent, ImageEvent, ImageIdEvent, RsdsEvent};
use pool::{BigPoolRundown, PoolEvent, PoolTagRundown};
use process::ProcessEvent;
use stack::{InlineStackEvent, StackKeyDefinitionEvent, StackKeyReferenceEvent};
use system::{BuildInfo, CpuConfig, GroupMasks, VolumeMapping};

/// A decoded event. [`EventKind`] tells allocations from frees, kernel from user stacks.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Pool allocation or free.
    Pool(PoolEvent),
    /// Stack with its frames.
    Stack(InlineStackEvent<'a>),
    /// Reference of an event to a stack key.
    StackKeyReference(StackKeyReferenceEvent),
    /// Frames of a stack key.
    StackKeyDefinition(StackKeyDefinitionEvent<'a>),
    /// Any other event.
    System(SystemEvent),
}

/// A decoded event about the recorded system. A trace has few of them compared with pool events and stacks. [`EventKind`]
/// tells loads from unloads, starts from ends, and rundown events from both.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SystemEvent {
    /// Pool rundown by tag.
    PoolTags(PoolTagRundown),
    /// Pool rundown of big allocations.
    BigPool(BigPoolRundown),
    /// Image load, unload or rundown.
    Image(ImageEvent),
    /// Size, timestamp and original name of an image.
    ImageId(ImageIdEvent),
    /// PDB of an image.
    Rsds(RsdsEvent),
    /// Version of an image.
    FileVersion(FileVersionEvent),
    /// Process start, end or rundown.
    Process(ProcessEvent),
    /// Processors and name of the computer.
    Cpu(CpuConfig),
    /// Windows build string and product name.
    BuildInfo(BuildInfo),
    /// NT path and DOS path of a volume.
    VolumeMapping(VolumeMapping),
    /// Enabled kernel groups.
    GroupMasks(GroupMasks),
}

impl<'a> Event<'a> {
    /// Decodes a record; `None` if its event is of another type or its payload cannot be decoded.
    #[must_use]
    pub fn decode(record: &Record<'a>) -> Option<Self> {
        use EventKind as Kind;
        let (payload, pointer_size) = (record.payload, record.pointer_size);
        match record.kind() {
            Kind::PoolAlloc | Kind::PoolFree => PoolEvent::decode(payload, pointer_size, false).map(Self::Pool),
            Kind::PoolAllocSession | Kind::PoolFreeSession => {
                PoolEvent::decode(payload, pointer_size, true).map(Self::Pool)
            }
            Kind::StackInline => InlineStackEvent::decode(payload, pointer_size).map(Self::Stack),
            Kind::StackKeyKernel | Kind::StackKeyUser => {
                StackKeyReferenceEvent::decode(payload, pointer_size).map(Self::StackKeyReference)
            }
            Kind::StackKeyDefinition => {
                StackKeyDefinitionEvent::decode(payload, pointer_size).map(Self::StackKeyDefinition)
            }
            kind => SystemEvent::decode(record, kind).map(Self::System),
        }
    }
}

impl SystemEvent {
    /// Decodes a record of a kind; `None` if the kind has no decoder here or the payload cannot be decoded.
    #[must_use]
    pub fn decode(record: &Record<'_>, kind: EventKind) -> Option<Self> {
        use EventKind as Kind;
        let (payload, version, pointer_size) = (record.payload, record.version, record.pointer_size);
        match kind {
            Kind::PoolTagRundown { has_session, .. } => {
                PoolTagRundown::decode(payload, pointer_size, has_session).map(Self::PoolTags)
            }
            Kind::BigPoolRundown { has_session, .. } => {
                BigPoolRundown::decode(payload, pointer_size, has_session).map(Self::BigPool)
            }
            Kind::ImageLoad | Kind::ImageUnload | Kind::ImageDcStart | Kind::ImageDcEnd => {
                ImageEvent::decode(payload, version, pointer_size).map(Self::Image)
            }
            Kind::ImageId => ImageIdEvent::decode(payload, pointer_size).map(Self::ImageId),
            Kind::ImageRsds => RsdsEvent::decode(payload, pointer_size).map(Self::Rsds),
            Kind::ImageFileVersion => FileVersionEvent::decode(payload).map(Self::FileVersion),
            Kind::ProcessStart | Kind::ProcessEnd | Kind::ProcessDcStart | Kind::ProcessDcEnd => {
                ProcessEvent::decode(payload, version, pointer_size).map(Self::Process)
            }
            Kind::SystemCpu => CpuConfig::decode(payload).map(Self::Cpu),
            Kind::BuildInfo => BuildInfo::decode(payload).map(Self::BuildInfo),
            Kind::VolumeMapping => Some(Self::VolumeMapping(VolumeMapping::decode(payload))),
            Kind::GroupMasks => GroupMasks::decode(payload).map(Self::GroupMasks),
            Kind::PoolAlloc
            | Kind::PoolAllocSession
            | Kind::PoolFree
            | Kind::PoolFreeSession
            | Kind::StackInline
            | Kind::StackKeyDefinition
            | Kind::StackKeyKernel
            | Kind::StackKeyUser
            | Kind::Unknown
            | Kind::LogfileHeader
            | Kind::Loss => None,
        }
    }
}
