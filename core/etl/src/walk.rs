//! Opening a file and walking its records: the steps that every reader of a trace takes, in one place. It must never
//! decide what a record means.

use super::anchor::{self, Anchor};
use super::buffer::{BufferHeader, HEADER_BYTES, MAX_BUFFER_BYTES, TYPE_HEADER};
use super::error::OpenError;
use super::foreign::{self, Foreign};
use super::layout::{BufferRef, Layout, Tail, find_buffers, looks_like_buffer};
use super::logfile::LogfileHeader;
use super::record::{Record, RecordKey, Records};
use super::xpress;
use crate::diagnostics::{Anomalies, AnomalyKind};
use poolscope_base::bytes::guid::Guid;
use poolscope_base::bytes::map::FileMap;
use poolscope_base::bytes::read::u32_at;
use std::path::{Path, PathBuf};

/// A trace file that has been opened: its header and its buffers are known, nothing else has been read.
#[derive(Debug)]
pub struct TraceFile {
    source: Source,
    /// The log-file header.
    pub logfile: LogfileHeader,
    /// Raw timestamp of time zero: that of the log-file header record, unless the records contradict it.
    pub time_zero: i64,
    /// Time zero and what else of the clock was checked.
    pub anchor: Anchor,
    /// Where the buffers lie.
    pub layout: Layout,
    /// What was found wrong so far.
    pub anomalies: Anomalies,
}

#[derive(Debug)]
enum Source {
    File(FileMap),
    Memory(Vec<u8>),
}

impl TraceFile {
    /// Opens a file.
    ///
    /// # Errors
    /// The file cannot be read, is empty, or is no trace. Damage within a trace is no error.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let io = |reason| OpenError::Io { path: PathBuf::from(path), reason };
        let map = FileMap::open(path).map_err(io)?.ok_or_else(|| OpenError::Empty { path: PathBuf::from(path) })?;
        Self::new(Source::File(map), &path.display().to_string())
    }

    /// Opens bytes in memory; `name` is for messages.
    ///
    /// # Errors
    /// The bytes are no trace.
    pub fn from_bytes(bytes: Vec<u8>, name: &str) -> Result<Self, OpenError> {
        if bytes.is_empty() {
            return Err(OpenError::Empty { path: PathBuf::from(name) });
        }
        Self::new(Source::Memory(bytes), name)
    }

    fn new(source: Source, name: &str) -> Result<Self, OpenError> {
        let mut anomalies = Anomalies::default();
        let data = source.bytes();
        let (logfile, header_time) = first_record(data, name, &mut anomalies)?;
        let layout = find_buffers(data, &logfile, &mut anomalies);
        let is_in_order = layout.tail == Tail::Whole && anomalies.count(AnomalyKind::BadBuffer) == 0;
        if let Some(last) = layout.buffers.last()
            && foreign::has_converted_line_ends(data, is_in_order)
        {
            return Err(refused(data, name, last.offset, "buffers that follow one another", Some(foreign::MANGLED)));
        }
        if is_performance_log(data, &layout) {
            let wanted = "records of the kernel or of a provider of events";
            return Err(refused(data, name, HEADER_BYTES as u64, wanted, Some(foreign::PERFORMANCE_LOG)));
        }
        let is_whole = layout.tail == Tail::Whole && layout.buffers.len() as u64 >= u64::from(logfile.buffers_written);
        let anchor = anchor::anchor(&logfile, header_time, anchor::evidence(data, &layout), is_whole);
        if !anchor.is_from_header {
            anomalies.add_at(AnomalyKind::HeaderClock, HEADER_BYTES as u64);
        }
        Ok(Self { source, logfile, time_zero: anchor.time_zero, anchor, layout, anomalies })
    }

    /// All bytes of the file.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.source.bytes()
    }

    /// The events of one buffer, decompressed if need be, and what is wrong with them.
    pub fn body<'a>(&'a self, buffer: &BufferRef, scratch: &'a mut Scratch) -> (&'a [u8], Option<AnomalyKind>) {
        body_of(self.data(), buffer, scratch)
    }
}

impl Source {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::File(map) => map.bytes(),
            Self::Memory(bytes) => bytes,
        }
    }
}

/// Memory for one decompressed body, used again for each buffer.
#[derive(Debug, Default)]
pub struct Scratch {
    body: Vec<u8>,
}

/// The events of a buffer: from behind its header to the end of events. Cut or damaged buffers give what is readable.
pub(super) fn body_of<'a>(
    data: &'a [u8],
    buffer: &BufferRef,
    scratch: &'a mut Scratch,
) -> (&'a [u8], Option<AnomalyKind>) {
    let start = buffer.offset as usize;
    let header = &buffer.header;
    let present = data.get(start..start + buffer.present_bytes as usize).unwrap_or_default();
    let stored = present.get(HEADER_BYTES..).unwrap_or_default();
    let wanted = (header.filled_bytes as usize).saturating_sub(HEADER_BYTES);
    if !header.is_compressed() {
        let damage =
            (wanted > stored.len() && header.size_bytes == buffer.present_bytes).then_some(AnomalyKind::BadBuffer);
        return (stored.get(..wanted).unwrap_or(stored), damage);
    }
    // Some writers compress the whole session buffer with its fill, others just the events: nothing behind the events is
    // wanted, and nothing is unpacked beyond them, whatever a damaged header or stream claims.
    let cap = wanted.min(MAX_BUFFER_BYTES as usize);
    xpress::decompress(stored, &mut scratch.body, cap);
    let damage = (scratch.body.len() < wanted).then_some(AnomalyKind::BadCompression);
    (scratch.body.get(..wanted).unwrap_or(&scratch.body), damage)
}

/// The log-file header and its record's timestamp. A damaged header is replaced by what can be known without it.
fn first_record(data: &[u8], name: &str, anomalies: &mut Anomalies) -> Result<(LogfileHeader, Option<i64>), OpenError> {
    let refuse = |offset: u64, wanted: &'static str| refused(data, name, offset, wanted, foreign::recognize(data));
    let buffer = BufferHeader::parse(data).ok_or_else(|| refuse(0, "a buffer header of 72 bytes"))?;
    let body = data.get(HEADER_BYTES..).unwrap_or_default();
    let record = Records::new(body).next().filter(|r| is_header_record(r));
    let plausible = buffer.is_plausible(0);
    if foreign::has_converted_line_ends(data, is_followed(data, &buffer)) {
        return Err(refused(data, name, u64::from(buffer.size_bytes), "the next buffer", Some(foreign::MANGLED)));
    }
    let Some(record) = record else {
        // The first record is damaged. If buffers follow one another all the same, it is a damaged trace.
        if plausible && looks_like_buffer(data, buffer.size_bytes as usize, 0) && foreign::recognize(data).is_none() {
            anomalies.add_at(AnomalyKind::BadHeader, HEADER_BYTES as u64);
            return Ok((LogfileHeader::assumed(buffer.size_bytes, 8), None));
        }
        let wanted = "the log-file header record";
        if is_cut_header_record(body) {
            return Err(refused(data, name, HEADER_BYTES as u64, wanted, Some(foreign::CUT_OFF)));
        }
        return Err(refuse(HEADER_BYTES as u64, wanted));
    };
    if !plausible {
        anomalies.add_at(AnomalyKind::BadHeader, 0);
    }
    let mut logfile = LogfileHeader::parse(record.payload).unwrap_or_else(|| {
        anomalies.add_at(AnomalyKind::BadHeader, HEADER_BYTES as u64);
        LogfileHeader::assumed(buffer.size_bytes, u32::from(record.pointer_size))
    });
    if !matches!(logfile.pointer_size, 4 | 8) {
        anomalies.add_at(AnomalyKind::BadHeader, HEADER_BYTES as u64);
        logfile.pointer_size = u32::from(record.pointer_size);
    }
    if (logfile.buffer_bytes as usize) < HEADER_BYTES || logfile.buffer_bytes > MAX_BUFFER_BYTES {
        anomalies.add_at(AnomalyKind::BadHeader, HEADER_BYTES as u64);
        logfile.buffer_bytes = 0;
    }
    Ok((logfile, record.time))
}

fn is_header_record(record: &Record<'_>) -> bool {
    record.key == RecordKey::Hook(0)
}

/// Whether the header record begins, but the file ends before it does (SYSTEM header of either width, hook 0).
fn is_cut_header_record(body: &[u8]) -> bool {
    let is_header = matches!(u32_at(body, 0).map(|marker| marker >> 16), Some(0xc001 | 0xc002));
    let sizes = u32_at(body, 4).map(|word| (word as usize & 0xffff, word >> 16));
    is_header && sizes.is_some_and(|(size, hook)| hook == 0 && size > body.len())
}

/// Whether something that can follow a buffer stands where the first one should end.
fn is_followed(data: &[u8], first: &BufferHeader) -> bool {
    let size = first.size_bytes as usize;
    let after = data.get(size..).unwrap_or_default();
    size == data.len() || looks_like_buffer(data, size, 0) || (!after.is_empty() && after.iter().all(|&b| b == 0))
}

/// A file that is refused: what was wanted where, what is there, what to do.
fn refused(data: &[u8], name: &str, offset: u64, wanted: &'static str, foreign: Option<Foreign>) -> OpenError {
    let found = match (foreign, u32_at(data, offset as usize)) {
        (Some(foreign), _) => foreign.name.to_owned(),
        (None, Some(value)) => format!("{value:#010x}"),
        (None, None) => format!("the end of the file ({} bytes)", data.len()),
    };
    let advice = foreign.map_or(foreign::CHOOSE_A_TRACE, |foreign| foreign.advice);
    OpenError::NotATrace { name: name.to_owned(), offset, wanted, found, advice }
}

/// Whether the events are those that PDH logs counters in (`PdhTransactionGuid`).
fn is_performance_log(data: &[u8], layout: &Layout) -> bool {
    const PDH: Guid = Guid::from_parts(0x933f_3bb3, 0x943e, 0x490d, 0x9ced_3cbb_14c1_4479);
    let mut scratch = Scratch::default();
    let Some(second) = layout.buffers.iter().find(|buffer| buffer.header.kind != TYPE_HEADER) else { return false };
    let (body, _) = body_of(data, second, &mut scratch);
    let mut records = Records::new(body).take(4).peekable();
    records.peek().is_some()
        && records.all(|record| matches!(record.key, RecordKey::Provider { guid, .. } if guid == PDH))
}

/// What a bare walk over a file saw.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WalkTotals {
    /// Records.
    pub records: u64,
    /// Bytes of all payloads.
    pub payload_bytes: u64,
    /// Latest raw timestamp.
    pub last_time: i64,
}

/// Reads every record header of a file on the calling thread and does nothing with it: the floor under the time that
/// any analysis of the file can take.
#[must_use]
pub fn bare_walk(file: &TraceFile) -> WalkTotals {
    let mut scratch = Scratch::default();
    let mut totals = WalkTotals::default();
    for buffer in &file.layout.buffers {
        let (body, _) = file.body(buffer, &mut scratch);
        for record in Records::new(body) {
            totals.records += 1;
            totals.payload_bytes += record.payload.len() as u64;
            totals.last_time = totals.last_time.max(record.time.unwrap_or(i64::MIN));
        }
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_are_named() {
        let two = |bytes: &[u8]| {
            let error = TraceFile::from_bytes(bytes.to_vec(), "a.etl").expect_err("no trace");
            let (what, next) = error.parts();
            assert_eq!(error.to_string(), format!("{what} {}", next.expect("it says what to do")));
            what
        };
        assert!(two(b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>").contains("web page"));
        assert!(two(&[0; 9000]).contains("zeros"));
        let mut cut = vec![0; 400];
        cut[0..4].copy_from_slice(&65_536_u32.to_le_bytes());
        cut[72..80].copy_from_slice(&[2, 0, 2, 0xc0, 0x98, 1, 0, 0]);
        assert!(two(&cut).contains("the copy did not finish"));
        assert!(two(&[0xa5; 9000]).contains("0xa5a5a5a5"), "an unknown file shows its bytes");
        let mut zip = b"PK\x03\x04".to_vec();
        zip.resize(200, 0);
        let error = TraceFile::from_bytes(zip, "a.zip").expect_err("no trace");
        assert!(error.to_string().contains("ZIP archive"), "{error}");
        assert!(error.to_string().contains("a.zip"), "{error}");
        let error = TraceFile::from_bytes(vec![1, 2, 3], "x.etl").expect_err("no trace");
        assert!(error.to_string().contains("72 bytes"), "{error}");
        let error = TraceFile::from_bytes(Vec::new(), "x.etl").expect_err("no trace");
        assert!(error.to_string().contains("empty"), "{error}");
    }
}
