//! The identity of a trace in a dataset: an id from its content, so that a copy under another name is the same trace; the name of the
//! host; the date of its start.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use poolscope_base::file_reader::{FileReader, ReadError};
use std::fmt;
use std::hash::Hasher as _;
use twox_hash::XxHash64;

/// Id of a trace: a hash of its length and of parts of its content. The first megabyte, which holds the header and the first events,
/// distinguishes recordings; the parts spread over the rest distinguish copies that were damaged or changed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TraceId(u64);

/// Bytes at the beginning that count.
const HEAD_BYTES: u64 = 1 << 20;
/// Parts of the rest that count, and their size in bytes.
const PARTS: u64 = 64;
const PART_BYTES: u64 = 4096;

impl TraceId {
    /// The id of a trace.
    ///
    /// # Errors
    /// The trace cannot be read.
    pub fn of(trace: &FileReader) -> Result<Self, ReadError> {
        let mut hash = XxHash64::with_seed(0);
        hash.write_u64(trace.len());
        let mut buffer = vec![0; trace.len().min(HEAD_BYTES) as usize];
        trace.read_at(0, &mut buffer)?;
        hash.write(&buffer);
        let rest = trace.len().saturating_sub(HEAD_BYTES);
        let step = (rest / PARTS).max(PART_BYTES);
        let mut offset = HEAD_BYTES;
        while offset < trace.len() {
            buffer.resize((trace.len() - offset).min(PART_BYTES) as usize, 0);
            trace.read_at(offset, &mut buffer)?;
            hash.write(&buffer);
            offset += step;
        }
        Ok(Self(hash.finish()))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Identity of a trace that is known before it is loaded.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TraceKey {
    /// The id.
    pub id: TraceId,
    /// Date of its start in UTC, `YYYY-MM-DD`; `None` if the trace has no start time.
    pub date: Option<String>,
}

impl TraceKey {
    /// The key of a trace that started at this time: a FILETIME (100 ns since 1601, UTC), not positive if not known.
    ///
    /// # Errors
    /// The trace cannot be read.
    pub fn of(trace: &FileReader, start_filetime: i64) -> Result<Self, ReadError> {
        let start = unix_nanoseconds(start_filetime).and_then(|time| Timestamp::from_nanosecond(time.into()).ok());
        let date = start.map(|start| start.to_zoned(TimeZone::UTC).date().to_string());
        Ok(Self { id: TraceId::of(trace)?, date })
    }

    /// Name of the folder for its date, in the style of Hive.
    #[must_use]
    pub fn partition(&self) -> String {
        format!("date={}", self.date.as_deref().unwrap_or("__HIVE_DEFAULT_PARTITION__"))
    }
}

/// 1970-01-01 as FILETIME.
const UNIX_EPOCH_FILETIME: i64 = 116_444_736_000_000_000;

/// Nanoseconds since 1970 of a FILETIME; `None` if that is not positive, or out of the range of 64 bits (after 2262).
#[must_use]
pub fn unix_nanoseconds(filetime: i64) -> Option<i64> {
    let since_1970 = filetime.checked_sub(UNIX_EPOCH_FILETIME).filter(|_| filetime > 0)?;
    since_1970.checked_mul(100)
}

/// Host of traces that do not name their computer.
pub const UNKNOWN_HOST: &str = "unknown";

/// Characters of a host in a file name; longer ones are cut.
const MAX_HOST_CHARACTERS: usize = 63;

/// The name of a host as part of a file name.
#[must_use]
pub fn host_in_file_name(host: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
    host.chars().take(MAX_HOST_CHARACTERS).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(bytes: Vec<u8>, start: i64) -> TraceKey {
        TraceKey::of(&FileReader::from_bytes(bytes), start).expect("memory")
    }

    #[test]
    fn ids_come_from_the_content() {
        let content = |bytes: u32| (0..bytes).map(|at| (at % 251) as u8).collect::<Vec<u8>>();
        for length in [1, 5_000, 1 << 20, (1 << 20) + 1, 3 << 20] {
            let whole = content(length);
            assert_eq!(key(whole.clone(), 0).id, key(whole.clone(), 0).id);
            assert_ne!(key(whole[1..].to_vec(), 0).id, key(whole.clone(), 0).id);
            let mut other = whole.clone();
            other[0] ^= 1;
            assert_ne!(key(other, 0).id, key(whole.clone(), 0).id, "{length}");
        }
        assert_eq!(key(content(9), 0).id.to_string().len(), 16);
    }

    #[test]
    fn dates_are_those_of_the_start_in_utc() {
        // 2026-03-02 02:00 and one tick before midnight.
        let date = |start| key(vec![1], start).date;
        assert_eq!(date(134_168_904_000_000_000).as_deref(), Some("2026-03-02"));
        assert_eq!(date(134_168_832_000_000_000 - 1).as_deref(), Some("2026-03-01"));
        assert_eq!([date(0), date(-5), date(i64::MAX)], [None, None, None]);
        assert_eq!(key(vec![1], 0).partition(), "date=__HIVE_DEFAULT_PARTITION__");
        assert_eq!(unix_nanoseconds(UNIX_EPOCH_FILETIME + 1), Some(100));
    }

    #[test]
    fn hosts_become_parts_of_file_names() {
        assert_eq!(host_in_file_name("SRV-07_a"), "SRV-07_a");
        assert_eq!(host_in_file_name("../a b\u{e4}:"), "___a_b__");
        assert_eq!(host_in_file_name(&"x".repeat(500)).len(), MAX_HOST_CHARACTERS);
    }
}
