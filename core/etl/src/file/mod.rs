//! Trace files: opening one (log-file header, positions of the buffers, time zero), the body of each buffer, and the
//! errors of files that cannot be read as a trace. Damage within a trace is not an error; it is counted in
//! [`TraceFile::diagnostics`].

mod clock;
mod header;
mod layout;
mod other_formats;

pub use clock::{ClockEvidence, RecordClock};
pub use header::LogfileHeader;
pub use layout::{BufferRef, FileLayout, Tail, UnreadableRange};

use crate::buffer::{BufferHeader, HEADER_BYTES, MAX_BUFFER_BYTES, TYPE_HEADER};
use crate::diagnostics::{DiagnosticKind, Diagnostics};
use crate::record::{Record, RecordKey, Records};
use crate::xpress;
use layout::{find_buffers, looks_like_buffer};
use other_formats::OtherFormat;
use poolscope_base::bytes::{FileMap, u32_at};
use poolscope_base::guid::Guid;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Error of a file that cannot be read as a trace.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be opened or mapped.
    #[error("cannot open {}: {reason}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error. Part of the message, and therefore not a source, which would be printed twice.
        reason: io::Error,
    },
    /// The file has no bytes.
    #[error("{} is empty: the recording wrote nothing, or the copy did not finish", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file is not an event trace log, or too damaged to be read as one.
    #[error(
        "{name} is not an event trace log (.etl): at offset {offset} {expected} was expected, found {found}. {advice}"
    )]
    NotATrace {
        /// Name of the file.
        name: String,
        /// File offset of the difference.
        offset: u64,
        /// Content of a trace at that offset.
        expected: &'static str,
        /// Content of this file.
        found: String,
        /// Advice on what to do next, a sentence.
        advice: &'static str,
    },
    /// The Windows API refused the file.
    #[error("Windows does not read {} as a trace: {reason}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// The API's error, with its code if it has one.
        reason: String,
    },
}

impl OpenError {
    /// Splits the message into the error and the advice at its end, if it has one.
    #[must_use]
    pub fn message_and_advice(&self) -> (String, Option<&'static str>) {
        let text = self.to_string();
        let Self::NotATrace { advice, .. } = self else { return (text, None) };
        (text.strip_suffix(advice).unwrap_or(&text).trim_end().to_owned(), Some(advice))
    }
}

/// An open trace file. Its header and the headers of its buffers have been read, and few records.
#[derive(Debug)]
pub struct TraceFile {
    content: Content,
    /// Log-file header.
    pub logfile: LogfileHeader,
    /// Time zero and rate of the clock.
    pub clock: RecordClock,
    /// Positions of the buffers.
    pub layout: FileLayout,
    /// Data-quality issues found so far.
    pub diagnostics: Diagnostics,
}

/// Bytes of a file.
#[derive(Debug)]
enum Content {
    Mapped(FileMap),
    Memory(Vec<u8>),
}

impl TraceFile {
    /// Opens a file.
    ///
    /// # Errors
    /// The file cannot be read, is empty, or is not a trace.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let io = |reason| OpenError::Io { path: PathBuf::from(path), reason };
        let map = FileMap::open(path).map_err(io)?.ok_or_else(|| OpenError::Empty { path: PathBuf::from(path) })?;
        Self::new(Content::Mapped(map), &path.display().to_string())
    }

    /// Opens a trace in an open file, such as a temporary one without a name. `name` is its name in messages.
    ///
    /// # Errors
    /// The file cannot be read, is empty, or is not a trace.
    pub fn from_file(file: &File, name: &str) -> Result<Self, OpenError> {
        let path = || PathBuf::from(name);
        let map = FileMap::of(file).map_err(|reason| OpenError::Io { path: path(), reason })?;
        Self::new(Content::Mapped(map.ok_or_else(|| OpenError::Empty { path: path() })?), name)
    }

    /// Opens a trace in memory. `name` is its name in messages.
    ///
    /// # Errors
    /// The bytes are not a trace.
    pub fn from_bytes(bytes: Vec<u8>, name: &str) -> Result<Self, OpenError> {
        if bytes.is_empty() {
            return Err(OpenError::Empty { path: PathBuf::from(name) });
        }
        Self::new(Content::Memory(bytes), name)
    }

    fn new(content: Content, name: &str) -> Result<Self, OpenError> {
        let mut diagnostics = Diagnostics::default();
        let data = content.bytes();
        let (logfile, header_time) = read_first_record(data, name, &mut diagnostics)?;
        let layout = find_buffers(data, &logfile, &mut diagnostics);
        let is_contiguous = layout.tail == Tail::Whole && diagnostics.count(DiagnosticKind::BadBuffer) == 0;
        if let Some(last) = layout.buffers.last()
            && other_formats::has_added_carriage_returns(data, is_contiguous)
        {
            let format = other_formats::LINE_ENDS_CONVERTED;
            return Err(not_a_trace(data, name, last.offset, "buffers that follow one another", Some(format)));
        }
        if is_performance_log(data, &layout) {
            let expected = "records of the kernel or of a provider of events";
            let format = other_formats::PERFORMANCE_LOG;
            return Err(not_a_trace(data, name, HEADER_BYTES as u64, expected, Some(format)));
        }
        let is_complete =
            layout.tail == Tail::Whole && layout.buffers.len() as u64 >= u64::from(logfile.buffers_written);
        let clock = RecordClock::new(&logfile, header_time, ClockEvidence::collect(data, &layout), is_complete);
        if !clock.is_from_header {
            diagnostics.add_at(DiagnosticKind::HeaderClock, HEADER_BYTES as u64);
        }
        Ok(Self { content, logfile, clock, layout, diagnostics })
    }

    /// Returns all bytes of the file.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.content.bytes()
    }

    /// Returns the records of one buffer, decompressed into `scratch` if needed. Of a damaged buffer these are the
    /// readable ones; see [`Self::body`] for the damage.
    pub fn records<'a>(&'a self, buffer: &BufferRef, scratch: &'a mut BodyScratch) -> Records<'a> {
        Records::new(self.body(buffer, scratch).0)
    }

    /// Returns the bytes of one buffer's records, decompressed into `scratch` if needed, and the kind of damage if some
    /// are missing.
    pub fn body<'a>(&'a self, buffer: &BufferRef, scratch: &'a mut BodyScratch) -> (&'a [u8], Option<DiagnosticKind>) {
        body_of(self.data(), buffer, scratch)
    }
}

impl Content {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map.bytes(),
            Self::Memory(bytes) => bytes,
        }
    }
}

/// Reusable memory for one decompressed body.
#[derive(Debug, Default)]
pub struct BodyScratch {
    body: Vec<u8>,
}

/// Bytes between the header of a buffer and the end of its events, as far as they are readable, and the kind of damage
/// if not all are.
fn body_of<'a>(data: &'a [u8], buffer: &BufferRef, scratch: &'a mut BodyScratch) -> (&'a [u8], Option<DiagnosticKind>) {
    let start = buffer.offset as usize;
    let header = &buffer.header;
    let present = data.get(start..start + buffer.present_bytes as usize).unwrap_or_default();
    let stored = present.get(HEADER_BYTES..).unwrap_or_default();
    let wanted = (header.filled_bytes as usize).saturating_sub(HEADER_BYTES);
    if !header.is_compressed() {
        let damage =
            (wanted > stored.len() && header.size_bytes == buffer.present_bytes).then_some(DiagnosticKind::BadBuffer);
        return (stored.get(..wanted).unwrap_or(stored), damage);
    }
    // Merges compress only the events of a buffer. The kernel's file-mode compression is said to compress the whole
    // session buffer with its fill (not seen in a real file): decompression stops at the end of the events in both
    // cases.
    let cap = wanted.min(MAX_BUFFER_BYTES as usize);
    xpress::decompress(stored, &mut scratch.body, cap);
    let damage = (scratch.body.len() < wanted).then_some(DiagnosticKind::BadCompression);
    (scratch.body.get(..wanted).unwrap_or(&scratch.body), damage)
}

/// Returns `true` if bytes begin like a trace: with the header of a buffer and the log-file header record.
#[must_use]
pub fn begins_like_a_trace(head: &[u8]) -> bool {
    let body = head.get(HEADER_BYTES..).unwrap_or_default();
    BufferHeader::parse(head).is_some_and(|buffer| buffer.is_plausible(0))
        && Records::new(body).next().is_some_and(|record| record.key == RecordKey::Hook(0))
}

/// Reads the log-file header and the timestamp of its record. Damaged values are replaced by defaults.
fn read_first_record(
    data: &[u8],
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Result<(LogfileHeader, Option<i64>), OpenError> {
    let refuse =
        |offset: u64, expected: &'static str| not_a_trace(data, name, offset, expected, other_formats::recognize(data));
    let buffer = BufferHeader::parse(data).ok_or_else(|| refuse(0, "a buffer header of 72 bytes"))?;
    let body = data.get(HEADER_BYTES..).unwrap_or_default();
    let record = Records::new(body).next().filter(|record| record.key == RecordKey::Hook(0));
    let is_plausible = buffer.is_plausible(0);
    if other_formats::has_added_carriage_returns(data, is_followed_by_buffer(data, &buffer)) {
        let format = other_formats::LINE_ENDS_CONVERTED;
        return Err(not_a_trace(data, name, u64::from(buffer.size_bytes), "the next buffer", Some(format)));
    }
    let Some(record) = record else {
        // With a second buffer behind the first one, this is a trace whose first record is damaged.
        if is_plausible
            && looks_like_buffer(data, buffer.size_bytes as usize, 0)
            && other_formats::recognize(data).is_none()
        {
            diagnostics.add_at(DiagnosticKind::BadHeader, HEADER_BYTES as u64);
            return Ok((LogfileHeader::assumed(buffer.size_bytes, 8), None));
        }
        let expected = "the log-file header record";
        if is_cut_header_record(body) {
            return Err(not_a_trace(data, name, HEADER_BYTES as u64, expected, Some(other_formats::CUT_OFF)));
        }
        return Err(refuse(HEADER_BYTES as u64, expected));
    };
    if !is_plausible {
        diagnostics.add_at(DiagnosticKind::BadHeader, 0);
    }
    Ok((checked_header(&record, &buffer, diagnostics), record.time))
}

/// Decodes the log-file header and replaces impossible values.
fn checked_header(record: &Record<'_>, buffer: &BufferHeader, diagnostics: &mut Diagnostics) -> LogfileHeader {
    let mut logfile = LogfileHeader::parse(record.payload).unwrap_or_else(|| {
        diagnostics.add_at(DiagnosticKind::BadHeader, HEADER_BYTES as u64);
        LogfileHeader::assumed(buffer.size_bytes, u32::from(record.pointer_size))
    });
    if !matches!(logfile.pointer_size, 4 | 8) {
        diagnostics.add_at(DiagnosticKind::BadHeader, HEADER_BYTES as u64);
        logfile.pointer_size = u32::from(record.pointer_size);
    }
    if (logfile.buffer_bytes as usize) < HEADER_BYTES || logfile.buffer_bytes > MAX_BUFFER_BYTES {
        diagnostics.add_at(DiagnosticKind::BadHeader, HEADER_BYTES as u64);
        logfile.buffer_bytes = 0;
    }
    logfile
}

/// Returns `true` if the header record (a system header of either width with hook 0) begins, but the file ends within
/// it.
fn is_cut_header_record(body: &[u8]) -> bool {
    let is_header = matches!(u32_at(body, 0).map(|marker| marker >> 16), Some(0xc001 | 0xc002));
    let sizes = u32_at(body, 4).map(|word| (word as usize & 0xffff, word >> 16));
    is_header && sizes.is_some_and(|(size, hook)| hook == 0 && size > body.len())
}

/// Returns `true` if the first buffer is followed by another one, by zeros, or by the end of the file.
fn is_followed_by_buffer(data: &[u8], first: &BufferHeader) -> bool {
    let size = first.size_bytes as usize;
    let after = data.get(size..).unwrap_or_default();
    size == data.len() || looks_like_buffer(data, size, 0) || (!after.is_empty() && after.iter().all(|&b| b == 0))
}

/// Builds the error of a file whose content at `offset` is not `expected`.
fn not_a_trace(data: &[u8], name: &str, offset: u64, expected: &'static str, format: Option<OtherFormat>) -> OpenError {
    let found = match (format, u32_at(data, offset as usize)) {
        (Some(format), _) => format.name.to_owned(),
        (None, Some(value)) => format!("{value:#010x}"),
        (None, None) => format!("the end of the file ({} bytes)", data.len()),
    };
    let advice = format.map_or(other_formats::CHOOSE_A_TRACE, |format| format.advice);
    OpenError::NotATrace { name: name.to_owned(), offset, expected, found, advice }
}

/// Returns `true` if the file is a log of performance counters, whose events are all those of PDH
/// (`PdhTransactionGuid`).
fn is_performance_log(data: &[u8], layout: &FileLayout) -> bool {
    const PDH: Guid = Guid::from_parts(0x933f_3bb3, 0x943e, 0x490d, 0x9ced_3cbb_14c1_4479);
    let mut scratch = BodyScratch::default();
    let Some(second) = layout.buffers.iter().find(|buffer| buffer.header.kind != TYPE_HEADER) else { return false };
    let (body, _) = body_of(data, second, &mut scratch);
    let mut records = Records::new(body).take(4).peekable();
    records.peek().is_some()
        && records.all(|record| matches!(record.key, RecordKey::Provider { guid, .. } if guid == PDH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_formats_are_named() {
        let message_of = |bytes: &[u8]| {
            let error = TraceFile::from_bytes(bytes.to_vec(), "a.etl").expect_err("no trace");
            let (message, advice) = error.message_and_advice();
            assert_eq!(error.to_string(), format!("{message} {}", advice.expect("it has advice")));
            message
        };
        assert!(message_of(b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>").contains("web page"));
        assert!(message_of(&[0; 9000]).contains("zeros"));
        let mut cut = vec![0; 400];
        cut[0..4].copy_from_slice(&65_536_u32.to_le_bytes());
        cut[72..80].copy_from_slice(&[2, 0, 2, 0xc0, 0x98, 1, 0, 0]);
        assert!(message_of(&cut).contains("the copy did not finish"));
        assert!(message_of(&[0xa5; 9000]).contains("0xa5a5a5a5"), "of an unknown format the bytes are shown");
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
