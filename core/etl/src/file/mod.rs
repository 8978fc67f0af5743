//! Trace files: opening one (log-file header, positions of the buffers, time zero), the body of each buffer, and the
//! errors of files that cannot be read as a trace. Damage within a trace is not an error; it is counted in
//! [`TraceFile::diagnostics`]. A read that fails is an error: the file was shortened, or its drive or share is gone.

mod body;
mod clock;
mod first_record;
mod header;
mod join;
mod layout;
mod other_formats;
mod parts;
mod time_zone;

pub use body::{BodyDamage, BodyScratch, BufferBody};
pub use clock::{ClockEvidence, RecordClock};
pub use header::LogfileHeader;
pub use join::join;
pub use layout::{BufferRef, FileLayout, Tail, UnreadableRange};
pub use parts::{PartGroup, Separation, SeparationReason, TracePart, group_parts};
pub use time_zone::TimeZone;

use crate::buffer::{BufferHeader, HEADER_BYTES, TYPE_HEADER};
use crate::diagnostics::{DiagnosticKind, Diagnostics};
use crate::record::{RecordKey, Records};
use body::read_body;
use first_record::{FirstRecord, read_first_record};
use layout::find_buffers;
use other_formats::OtherFormat;
use poolscope_base::bytes::u32_at;
use poolscope_base::file_reader::{FileReader, ReadError};
use poolscope_base::file_window::FileWindow;
use poolscope_base::guid::Guid;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Error of a file that cannot be read as a trace.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be opened.
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
    /// The file was opened, but a part of it cannot be read.
    #[error("cannot read {name} at offset {offset}: {reason}. {READ_AGAIN}")]
    Read {
        /// Name of the file.
        name: String,
        /// File offset of the first byte that cannot be read.
        offset: u64,
        /// The system's error, or a sentence on the file's new length. Part of the message, and therefore not a source.
        reason: io::Error,
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

/// Advice for a file that cannot be read to its end.
const READ_AGAIN: &str =
    "Check the drive or the network connection, copy the file to a local drive, and open it when it is complete.";

impl OpenError {
    /// Splits the message into the error and the advice at its end, if it has one.
    #[must_use]
    pub fn message_and_advice(&self) -> (String, Option<&'static str>) {
        let text = self.to_string();
        let advice = match self {
            Self::NotATrace { advice, .. } => advice,
            Self::Read { .. } => READ_AGAIN,
            Self::Io { .. } | Self::Empty { .. } | Self::Refused { .. } => return (text, None),
        };
        (text.strip_suffix(advice).unwrap_or(&text).trim_end().to_owned(), Some(advice))
    }

    /// Error of a read that failed in the file of this name.
    fn read(name: &str, ReadError { offset, reason }: ReadError) -> Self {
        Self::Read { name: name.to_owned(), offset, reason }
    }
}

/// An open trace file. Its header and the beginnings of its buffers have been read, and few records.
#[derive(Debug)]
pub struct TraceFile {
    reader: FileReader,
    name: String,
    /// Log-file header.
    pub logfile: LogfileHeader,
    /// Time zero and rate of the clock.
    pub clock: RecordClock,
    /// Positions of the buffers.
    pub layout: FileLayout,
    /// Data-quality issues found so far.
    pub diagnostics: Diagnostics,
    /// The files that a joined trace consists of; of a trace in one file, that file.
    pub parts: Vec<TracePart>,
}

impl TraceFile {
    /// Opens a file.
    ///
    /// # Errors
    /// The file cannot be read, is empty, or is not a trace.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let reader = FileReader::open(path).map_err(|reason| OpenError::Io { path: PathBuf::from(path), reason })?;
        Self::from_reader(reader, &path.display().to_string())
    }

    /// Opens a trace in an open file, such as a temporary one without a name. `name` is its name in messages.
    ///
    /// # Errors
    /// The file cannot be read, is empty, or is not a trace.
    pub fn from_file(file: File, name: &str) -> Result<Self, OpenError> {
        let reader = FileReader::of(file).map_err(|reason| OpenError::Io { path: PathBuf::from(name), reason })?;
        Self::from_reader(reader, name)
    }

    /// Opens a trace in memory. `name` is its name in messages.
    ///
    /// # Errors
    /// The bytes are not a trace.
    pub fn from_bytes(bytes: Vec<u8>, name: &str) -> Result<Self, OpenError> {
        Self::from_reader(FileReader::from_bytes(bytes), name)
    }

    /// Opens a trace that is read at positions. `name` is its name in messages.
    ///
    /// # Errors
    /// The trace cannot be read, is empty, or is not a trace.
    pub fn from_reader(reader: FileReader, name: &str) -> Result<Self, OpenError> {
        if reader.is_empty() {
            return Err(OpenError::Empty { path: PathBuf::from(name) });
        }
        let mut diagnostics = Diagnostics::default();
        let read_error = |error| OpenError::read(name, error);
        let FirstRecord { logfile, time } = read_first_record(&reader, name, &mut diagnostics)?;
        let layout = find_buffers(&reader, &logfile, &mut diagnostics).map_err(read_error)?;
        if let Some(error) = refusal(&reader, name, &layout, &diagnostics).map_err(read_error)? {
            return Err(error);
        }
        let is_complete =
            layout.tail == Tail::Whole && layout.buffers.len() as u64 >= u64::from(logfile.buffers_written);
        let evidence = ClockEvidence::collect(&reader, &layout).map_err(read_error)?;
        let clock = RecordClock::new(&logfile, time, evidence, is_complete);
        if !clock.is_from_header {
            diagnostics.add_at(DiagnosticKind::HeaderClock, HEADER_BYTES as u64);
        }
        let part = TracePart {
            name: name.to_owned(),
            file_bytes: reader.len(),
            base: 0,
            buffers: 0..layout.buffers.len(),
            is_main: true,
            times: evidence.first.zip(evidence.last),
            time_zero: clock.time_zero,
            tail: layout.tail,
            missing_buffers_before: 0,
            logfile: logfile.clone(),
            diagnostics: diagnostics.clone(),
        };
        Ok(Self { reader, name: name.to_owned(), logfile, clock, layout, diagnostics, parts: vec![part] })
    }

    /// Returns the size of the file in bytes; of a joined trace that of all its files.
    #[must_use]
    pub fn file_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.file_bytes).sum()
    }

    /// Returns the name of the trace in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Error of a read that failed, by the file that it was of.
    fn read_error(&self, ReadError { offset, reason }: ReadError) -> OpenError {
        let part = self.parts.iter().rev().find(|part| part.base <= offset);
        let (name, base) = part.map_or((self.name.as_str(), 0), |part| (part.name.as_str(), part.base));
        OpenError::read(name, ReadError { offset: offset - base, reason })
    }

    /// Returns the bytes of the file, and drops what was found in them.
    #[must_use]
    pub fn into_reader(self) -> FileReader {
        self.reader
    }

    /// Returns the bytes of the file.
    #[must_use]
    pub const fn reader(&self) -> &FileReader {
        &self.reader
    }

    /// Returns the records of one buffer, read and decompressed into `scratch` if needed. Of a damaged buffer these are
    /// the readable ones; see [`Self::body`] for the damage.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn records<'a>(&'a self, buffer: &BufferRef, scratch: &'a mut BodyScratch) -> Result<Records<'a>, OpenError> {
        Ok(Records::new(self.body(buffer, scratch)?.bytes))
    }

    /// Reads a range of the file that holds several buffers at once, from which [`Self::body`] takes them with the same scratch.
    /// Only for speed: small buffers cost one read each otherwise.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read_ahead(&self, range: Range<u64>, scratch: &mut BodyScratch) -> Result<(), OpenError> {
        scratch.window.read_range(&self.reader, range).map_err(|error| self.read_error(error))
    }

    /// Returns the bytes of one buffer's records, read and decompressed into `scratch` if needed. One scratch per
    /// thread, used for buffers in ascending order, reads many small buffers at a time.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn body<'a>(&'a self, buffer: &BufferRef, scratch: &'a mut BodyScratch) -> Result<BufferBody<'a>, OpenError> {
        read_body(&self.reader, buffer, scratch).map_err(|error| self.read_error(error))
    }
}

/// Returns `true` if bytes begin like a trace: with the header of a buffer and the log-file header record.
#[must_use]
pub fn begins_like_a_trace(head: &[u8]) -> bool {
    let body = head.get(HEADER_BYTES..).unwrap_or_default();
    BufferHeader::parse(head).is_some_and(|buffer| buffer.is_plausible(0))
        && Records::new(body).next().is_some_and(|record| record.key == RecordKey::Hook(0))
}

/// Error of a file with buffers that is no trace, or that a conversion has made unreadable.
fn refusal(
    reader: &FileReader,
    name: &str,
    layout: &FileLayout,
    diagnostics: &Diagnostics,
) -> Result<Option<OpenError>, ReadError> {
    let is_contiguous = layout.tail == Tail::Whole && diagnostics.count(DiagnosticKind::BadBuffer) == 0;
    if let Some(last) = layout.buffers.last()
        && other_formats::has_added_carriage_returns(reader, is_contiguous)?
    {
        let format = other_formats::LINE_ENDS_CONVERTED;
        return not_a_trace(reader, name, last.offset, "buffers that follow one another", Some(format)).map(Some);
    }
    if is_performance_log(reader, layout)? {
        let expected = "records of the kernel or of a provider of events";
        let format = other_formats::PERFORMANCE_LOG;
        return not_a_trace(reader, name, HEADER_BYTES as u64, expected, Some(format)).map(Some);
    }
    Ok(None)
}

/// Builds the error of a file whose content at `offset` is not `expected`.
fn not_a_trace(
    reader: &FileReader,
    name: &str,
    offset: u64,
    expected: &'static str,
    format: Option<OtherFormat>,
) -> Result<OpenError, ReadError> {
    let mut window = FileWindow::default();
    let found = match (format, u32_at(window.bytes(reader, offset, 4)?, 0)) {
        (Some(format), _) => format.name.to_owned(),
        (None, Some(value)) => format!("{value:#010x}"),
        (None, None) => format!("the end of the file ({} bytes)", reader.len()),
    };
    let advice = format.map_or(other_formats::CHOOSE_A_TRACE, |format| format.advice);
    Ok(OpenError::NotATrace { name: name.to_owned(), offset, expected, found, advice })
}

/// Returns `true` if the file is a log of performance counters, whose events are all those of PDH
/// (`PdhTransactionGuid`).
fn is_performance_log(reader: &FileReader, layout: &FileLayout) -> Result<bool, ReadError> {
    const PDH: Guid = Guid::from_parts(0x933f_3bb3, 0x943e, 0x490d, 0x9ced_3cbb_14c1_4479);
    let mut scratch = BodyScratch::default();
    let Some(second) = layout.buffers.iter().find(|buffer| buffer.header.kind != TYPE_HEADER) else {
        return Ok(false);
    };
    let mut records = Records::new(read_body(reader, second, &mut scratch)?.bytes).take(4).peekable();
    Ok(records.peek().is_some()
        && records.all(|record| matches!(record.key, RecordKey::Provider { guid, .. } if guid == PDH)))
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
