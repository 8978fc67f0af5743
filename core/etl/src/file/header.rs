//! Log-file header (`TRACE_LOGFILE_HEADER`), the payload of the first record of a trace.

use super::time_zone::TimeZone;
use poolscope_base::bytes::{i64_at, u32_at, utf16z_at};

/// Bytes from the start of the time zone to the field behind it, with padding.
const TIME_ZONE_OFFSET: usize = 176;
/// `LogFileMode`: the file is circular.
const MODE_CIRCULAR: u32 = 0x2;
/// `LogFileMode`: buffers are kept in memory, circularly, and written when the session stops.
const MODE_BUFFERING: u32 = 0x400;
/// `LogFileMode`: written by a merge or another relogging.
const MODE_RELOGGED: u32 = 0x1_0000;

/// The fields of the log-file header (`TRACE_LOGFILE_HEADER`) that reading needs. Values are those of the file; callers
/// check the ones that matter to them.
///
/// | offset, 64-bit (32-bit) | type | field |
/// | --- | --- | --- |
/// | 0 | u32 | `BufferSize` of the session |
/// | 4 | 4 x u8 | major, minor, sub and sub-minor version of the format |
/// | 8 | u32 | `ProviderVersion`: build number of Windows |
/// | 12 | u32 | `NumberOfProcessors` |
/// | 16 | i64 | `EndTime`, FILETIME; 0 if the session was not closed |
/// | 28 | u32 | `MaximumFileSize` |
/// | 32 | u32 | `LogFileMode` |
/// | 36 | u32 | `BuffersWritten`, the header buffer included |
/// | 44 | u32 | `PointerSize`, at the same offset for both widths |
/// | 48 | u32 | `EventsLost` |
/// | 52 | u32 | `CpuSpeedInMHz` |
/// | 56 | 2 pointers | no meaning in a file |
/// | 72 (64) | 172 bytes | `TIME_ZONE_INFORMATION`, then padding to a multiple of 8 |
/// | 248 (240) | i64 | `BootTime`, FILETIME |
/// | 256 (248) | i64 | `PerfFreq`, ticks per second |
/// | 264 (256) | i64 | `StartTime`, FILETIME |
/// | 272 (264) | u32 | `ReservedFlags`: clock type |
/// | 276 (268) | u32 | `BuffersLost` |
/// | 280 (272) | 2 strings | names of session and log file, UTF-16 |
///
/// Sources: Microsoft Learn, `TRACE_LOGFILE_HEADER` and "Logging Mode Constants"; the 32-bit offsets from the type
/// dumps of the Vergilius Project. The 64-bit layout agrees with all real files measured; no file of a 32-bit system
/// was measured.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogfileHeader {
    /// Session buffer size in bytes.
    pub buffer_bytes: u32,
    /// Windows build number.
    pub os_build: u32,
    /// Number of processors.
    pub cpus: u32,
    /// End of the recording as a FILETIME; 0 if the session was not closed.
    pub end_filetime: i64,
    /// `LogFileMode` bits; see [`Self::is_circular`] and [`Self::is_merged`].
    pub log_file_mode: u32,
    /// Number of buffers written, the header buffer included.
    pub buffers_written: u32,
    /// Pointer size of the recorded system: 4 or 8.
    pub pointer_size: u32,
    /// Number of events lost.
    pub events_lost: u32,
    /// Speed of the processors in MHz.
    pub cpu_mhz: u32,
    /// Time zone of the recorded system, if the header has one.
    pub time_zone: Option<TimeZone>,
    /// Start of the system as a FILETIME.
    pub boot_filetime: i64,
    /// Ticks per second of the performance counter.
    pub perf_freq: i64,
    /// Start of the recording as a FILETIME.
    pub start_filetime: i64,
    /// Clock of the records' times: 0 raw, 1 performance counter, 2 system time (100 ns), 3 CPU cycles.
    pub clock_type: u32,
    /// Number of buffers lost.
    pub buffers_lost: u32,
    /// Name of the logger session.
    pub session_name: String,
}

impl LogfileHeader {
    /// Builds a substitute for a damaged header: a performance counter of 10 MHz, as on all recent systems, and nothing
    /// else known.
    #[must_use]
    pub fn assumed(buffer_bytes: u32, pointer_size: u32) -> Self {
        Self { buffer_bytes, pointer_size, perf_freq: 10_000_000, clock_type: 1, ..Self::default() }
    }

    /// Decodes the payload; `None` if it is too short for the layout of its pointer size.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let pointer_size = u32_at(payload, 44)?;
        // Two pointers precede the time zone; the fields after it are aligned to 8.
        let tail = if pointer_size == 4 { 240 } else { 248 };
        let (session_name, _) = utf16z_at(payload, tail + 32);
        Some(Self {
            buffer_bytes: u32_at(payload, 0)?,
            os_build: u32_at(payload, 8)?,
            cpus: u32_at(payload, 12)?,
            end_filetime: i64_at(payload, 16)?,
            log_file_mode: u32_at(payload, 32)?,
            buffers_written: u32_at(payload, 36)?,
            pointer_size,
            events_lost: u32_at(payload, 48)?,
            cpu_mhz: u32_at(payload, 52)?,
            time_zone: payload.get(tail - TIME_ZONE_OFFSET..).and_then(TimeZone::parse),
            boot_filetime: i64_at(payload, tail)?,
            perf_freq: i64_at(payload, tail + 8)?,
            start_filetime: i64_at(payload, tail + 16)?,
            clock_type: u32_at(payload, tail + 24)?,
            buffers_lost: u32_at(payload, tail + 28)?,
            session_name,
        })
    }

    /// Returns `true` if the file was written by a merge or another relogging.
    #[must_use]
    pub const fn is_merged(&self) -> bool {
        self.log_file_mode & MODE_RELOGGED != 0
    }

    /// Returns `true` if the recording was circular, in a file or in memory, so that its beginning may have been
    /// overwritten.
    #[must_use]
    pub const fn is_circular(&self) -> bool {
        self.log_file_mode & (MODE_CIRCULAR | MODE_BUFFERING) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_layouts_are_decoded_up_to_the_session_name() {
        for (pointer_size, names) in [(4_u32, 272), (8, 280)] {
            let mut payload = vec![0; names];
            payload[44..48].copy_from_slice(&pointer_size.to_le_bytes());
            payload[names - 4..names].copy_from_slice(&3_u32.to_le_bytes());
            payload.extend("NT Kernel Logger\0".encode_utf16().flat_map(u16::to_le_bytes));
            let header = LogfileHeader::parse(&payload).expect("complete");
            assert_eq!((header.session_name.as_str(), header.buffers_lost), ("NT Kernel Logger", 3));
            assert_eq!(LogfileHeader::parse(&payload[..names - 1]), None);
        }
    }
}
