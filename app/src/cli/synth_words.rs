//! Words of `synth`'s options and what they mean to the generator. Nothing here does any work.

use clap::ValueEnum;
use poolscope_synth::scenario::{HeaderStyle, StackMode};
use poolscope_synth::writer::{Clock, Compression};

/// A ready-made set of options.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Preset {
    /// Small enough to look at by hand: 500 allocations in 5 s
    Tiny,
    /// As wpr leaves it: merged, compressed, keyed stacks
    Wpr,
    /// Everything recorded badly: losses, lost buffers, many key re-uses
    Damaged,
    /// A 32-bit system
    Old,
}

/// See [`StackMode`].
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum StackArg {
    /// No stacks
    None,
    /// Whole stacks
    Inline,
    /// References to a stack cache
    Keyed,
    /// Both
    Mixed,
}

/// See [`Compression`].
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum CompressionArg {
    /// Not compressed
    None,
    /// The filled part, as a merge does
    Filled,
    /// The whole buffer, as the kernel does
    Whole,
}

/// See [`HeaderStyle`].
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum HeaderArg {
    /// As the kernel logs them
    Kernel,
    /// Pool events with the compact header
    Compact,
    /// Pool events without thread and process
    Perfinfo,
    /// Under the GUID of their group, as relogged
    Guid,
    /// Several forms in one file
    Mixed,
}

/// See [`Clock`].
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ClockArg {
    /// Raw
    Raw,
    /// Performance counter
    Qpc,
    /// System time
    System,
    /// CPU cycles
    Cycles,
}

impl StackArg {
    pub(super) const fn mode(self) -> StackMode {
        match self {
            Self::None => StackMode::None,
            Self::Inline => StackMode::Inline,
            Self::Keyed => StackMode::Keyed,
            Self::Mixed => StackMode::Mixed,
        }
    }
}

impl CompressionArg {
    pub(super) const fn mode(self) -> Compression {
        match self {
            Self::None => Compression::None,
            Self::Filled => Compression::Filled,
            Self::Whole => Compression::Whole,
        }
    }
}

impl HeaderArg {
    pub(super) const fn style(self) -> HeaderStyle {
        match self {
            Self::Kernel => HeaderStyle::Kernel,
            Self::Compact => HeaderStyle::Compact,
            Self::Perfinfo => HeaderStyle::PerfInfo,
            Self::Guid => HeaderStyle::Guid,
            Self::Mixed => HeaderStyle::Mixed,
        }
    }
}

impl ClockArg {
    pub(super) const fn clock(self) -> Clock {
        match self {
            Self::Raw => Clock::Raw,
            Self::Qpc => Clock::Qpc,
            Self::System => Clock::SystemTime,
            Self::Cycles => Clock::CpuCycles,
        }
    }
}
