//! Options of a trace file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Pointer width of the system that wrote a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub enum Width {
    /// Pointers of 4 bytes.
    #[serde(rename = "32")]
    Bits32,
    /// Pointers of 8 bytes.
    #[serde(rename = "64")]
    Bits64,
}

impl Width {
    /// Bytes of a pointer.
    #[must_use]
    pub const fn pointer_size(self) -> usize {
        match self {
            Self::Bits32 => 4,
            Self::Bits64 => 8,
        }
    }
}

/// Clock of the raw timestamps (`ReservedFlags` of the log-file header).
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// 0: unspecified, the performance counter.
    Raw,
    /// 1: the performance counter.
    Qpc,
    /// 2: system time, 100 ns.
    SystemTime,
    /// 3: CPU cycles, by the header's MHz.
    CpuCycles,
}

impl Clock {
    /// The value in the log-file header.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Raw => 0,
            Self::Qpc => 1,
            Self::SystemTime => 2,
            Self::CpuCycles => 3,
        }
    }
}

/// Compression of buffer bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// Not compressed.
    None,
    /// Only the filled part is compressed, as a merge does.
    Filled,
    /// The whole buffer with its fill is compressed, as the kernel's file mode does.
    Whole,
}

/// File mode of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileMode {
    /// Sequential: the file grows.
    Sequential,
    /// Circular: the oldest of `buffers` slots after the header buffer is overwritten.
    Circular {
        /// Slots after the header buffer.
        buffers: u32,
    },
    /// Buffering: the last `buffers` are kept in memory and written at the end.
    Buffering {
        /// Buffers kept.
        buffers: u32,
    },
}

/// Records that a session logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordScope {
    /// All.
    #[default]
    All,
    /// Those of the kernel.
    Kernel,
    /// Those of other providers.
    Providers,
}

/// Options of a trace file.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceOptions {
    /// Bitness of the writing system.
    pub width: Width,
    /// The session's buffer size in bytes, a multiple of 8.
    pub buffer_size: u32,
    /// Number of CPUs.
    pub cpus: u16,
    /// Clock of the raw timestamps.
    pub clock: Clock,
    /// Ticks per second of the performance counter.
    pub perf_freq: i64,
    /// Speed of the CPUs in MHz.
    pub cpu_mhz: u32,
    /// Start of the trace as FILETIME (100 ns since 1601, UTC).
    pub start_filetime: i64,
    /// Boot of the system as FILETIME.
    pub boot_filetime: i64,
    /// Raw timestamp of the log-file header record, which anchors the clock.
    pub start_ticks: i64,
    /// OS build number.
    pub os_build: u32,
    /// Compression of buffer bodies.
    pub compression: Compression,
    /// File mode.
    pub mode: FileMode,
    /// `EventsLost` of the log-file header.
    pub events_lost: u32,
    /// `BuffersLost` of the log-file header.
    pub buffers_lost: u32,
    /// Size of the short first buffer of merged files (512 or 1024); `None` for a full one.
    pub short_header: Option<u32>,
    /// Session name.
    pub session_name: String,
    /// Log file name.
    pub file_name: String,
    /// Swap every n-th flushed buffer with the one after it, when they are of different CPUs; 0 for never.
    pub swap_every: u32,
    /// Records that are written; others are left out.
    pub scope: RecordScope,
}

impl Default for TraceOptions {
    fn default() -> Self {
        Self {
            width: Width::Bits64,
            buffer_size: 65_536,
            cpus: 4,
            clock: Clock::Qpc,
            perf_freq: 10_000_000,
            cpu_mhz: 3_192,
            start_filetime: 132_854_688_000_000_000,
            boot_filetime: 132_854_300_000_000_000,
            start_ticks: 388_000_000_000,
            os_build: 19_041,
            compression: Compression::None,
            mode: FileMode::Sequential,
            events_lost: 0,
            buffers_lost: 0,
            short_header: None,
            session_name: "NT Kernel Logger".to_owned(),
            file_name: "C:\\traces\\kernel.etl".to_owned(),
            swap_every: 0,
            scope: RecordScope::All,
        }
    }
}

impl TraceOptions {
    /// Raw ticks per second of the chosen clock.
    #[must_use]
    pub fn ticks_per_second(&self) -> u64 {
        match self.clock {
            Clock::Raw | Clock::Qpc => self.perf_freq.max(1).unsigned_abs(),
            Clock::SystemTime => 10_000_000,
            Clock::CpuCycles => u64::from(self.cpu_mhz.max(1)) * 1_000_000,
        }
    }

    /// FILETIME of a raw timestamp, by the anchor of the header.
    #[must_use]
    pub fn filetime(&self, ticks: i64) -> i64 {
        let elapsed = i128::from(ticks) - i128::from(self.start_ticks);
        let filetime = i128::from(self.start_filetime) + elapsed * 10_000_000 / i128::from(self.ticks_per_second());
        i64::try_from(filetime).unwrap_or(i64::MAX)
    }

    /// `LogFileMode` of the log-file header.
    pub(super) fn log_file_mode(&self) -> u32 {
        let mode = match self.mode {
            FileMode::Sequential => 0x1,
            FileMode::Circular { .. } => 0x2,
            FileMode::Buffering { .. } => 0x400,
        };
        let relogged = if self.short_header.is_some() { 0x0001_0000 } else { 0x0200_0000 };
        let compressed = if self.compression == Compression::None { 0 } else { 0x0400_0000 };
        mode | relogged | compressed
    }
}
