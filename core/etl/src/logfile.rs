//! The log-file header (`TRACE_LOGFILE_HEADER`, etl-format 1.5): the payload of the first record of a trace. It must
//! never be taken at its word where a wrong value would break the reader: users of it check.

use poolscope_base::bytes::read::{i64_at, u32_at};
use poolscope_base::bytes::text::utf16z;

/// `LogFileMode` bits (etl-format 1.5).
pub mod mode {
    /// Circular file.
    pub const CIRCULAR: u32 = 0x2;
    /// Kept in memory, written when it was stopped.
    pub const BUFFERING: u32 = 0x400;
    /// Written by a merge or another relogging.
    pub const RELOGGED: u32 = 0x1_0000;
}

/// The header's fields, as far as they are of use.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogfileHeader {
    /// Session buffer size in bytes.
    pub buffer_bytes: u32,
    /// Windows build number.
    pub os_build: u32,
    /// Number of processors.
    pub cpus: u32,
    /// FILETIME; 0 if the session was not closed.
    pub end_filetime: i64,
    /// See [`mode`].
    pub log_file_mode: u32,
    /// Buffers written, the header buffer included.
    pub buffers_written: u32,
    /// 4 or 8.
    pub pointer_size: u32,
    /// Events lost.
    pub events_lost: u32,
    /// Speed of a processor.
    pub cpu_mhz: u32,
    /// FILETIME of the boot.
    pub boot_filetime: i64,
    /// Ticks per second of the performance counter.
    pub perf_freq: i64,
    /// FILETIME of the start.
    pub start_filetime: i64,
    /// Clock type: 0 raw, 1 QPC, 2 system time, 3 CPU cycles.
    pub clock_type: u32,
    /// Buffers lost.
    pub buffers_lost: u32,
    /// Name of the logger session.
    pub session_name: String,
}

impl LogfileHeader {
    /// What can be assumed of a trace whose header is damaged: the usual clock, and what other records show.
    #[must_use]
    pub fn assumed(buffer_bytes: u32, pointer_size: u32) -> Self {
        Self { buffer_bytes, pointer_size, perf_freq: 10_000_000, clock_type: 1, ..Self::default() }
    }

    /// Reads the payload; `None` if it is too short for the layout of its own pointer size.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let pointer_size = u32_at(payload, 44)?;
        // Two pointers stand before the time zone; what follows it is aligned to 8.
        let tail = if pointer_size == 4 { 240 } else { 248 };
        let (session_name, _) = utf16z(payload, tail + 32);
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
            boot_filetime: i64_at(payload, tail)?,
            perf_freq: i64_at(payload, tail + 8)?,
            start_filetime: i64_at(payload, tail + 16)?,
            clock_type: u32_at(payload, tail + 24)?,
            buffers_lost: u32_at(payload, tail + 28)?,
            session_name,
        })
    }

    /// Whether the header is that of a merge, whatever the file was recorded as.
    #[must_use]
    pub const fn is_merged(&self) -> bool {
        self.log_file_mode & mode::RELOGGED != 0
    }

    /// Whether old buffers may have been overwritten.
    #[must_use]
    pub const fn is_circular(&self) -> bool {
        self.log_file_mode & (mode::CIRCULAR | mode::BUFFERING) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_layouts_have_their_names_behind_the_losses() {
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
