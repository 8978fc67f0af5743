//! First record of a file, the log-file header: its fields, or the error of a file that does not begin like a trace.

use super::header::LogfileHeader;
use super::layout::looks_like_buffer;
use super::other_formats::{self, OtherFormat};
use super::{OpenError, not_a_trace};
use crate::buffer::{BufferHeader, HEADER_BYTES, MAX_BUFFER_BYTES};
use crate::diagnostics::{DiagnosticKind, Diagnostics};
use crate::record::{Record, RecordKey, Records};
use poolscope_base::bytes::u32_at;
use poolscope_base::file_reader::{FileReader, ReadError};
use poolscope_base::file_window::FileWindow;

/// Number of bytes at the beginning of a file that contain the first record, whatever its size.
const BEGINNING_BYTES: usize = 128 << 10;

/// The log-file header and the timestamp of its record.
pub(super) struct FirstRecord {
    /// The header; damaged values are replaced by defaults.
    pub logfile: LogfileHeader,
    /// Time of the record; `None` if it cannot be read.
    pub time: Option<i64>,
}

/// Reads the log-file header.
pub(super) fn read_first_record(
    reader: &FileReader,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Result<FirstRecord, OpenError> {
    match first_record(reader, diagnostics).map_err(|error| OpenError::read(name, error))? {
        Ok(first) => Ok(first),
        Err(Unexpected { offset, expected, format }) => {
            let refused = not_a_trace(reader, name, offset, expected, format);
            Err(refused.unwrap_or_else(|error| OpenError::read(name, error)))
        }
    }
}

/// Content that no trace has.
struct Unexpected {
    offset: u64,
    expected: &'static str,
    format: Option<OtherFormat>,
}

/// Reads the log-file header, or finds what no trace has at its place.
fn first_record(
    reader: &FileReader,
    diagnostics: &mut Diagnostics,
) -> Result<Result<FirstRecord, Unexpected>, ReadError> {
    let mut window = FileWindow::default();
    let beginning = window.bytes(reader, 0, BEGINNING_BYTES)?;
    let refuse = |offset: usize, expected, format| Ok(Err(Unexpected { offset: offset as u64, expected, format }));
    let Some(buffer) = BufferHeader::parse(beginning) else {
        return refuse(0, "a buffer header of 72 bytes", other_formats::recognize(reader)?);
    };
    let body = beginning.get(HEADER_BYTES..).unwrap_or_default();
    let record = Records::new(body).next().filter(|record| record.key == RecordKey::Hook(0));
    let size = buffer.size_bytes as usize;
    if other_formats::has_added_carriage_returns(reader, is_followed_by_buffer(reader, &buffer)?)? {
        return refuse(size, "the next buffer", Some(other_formats::LINE_ENDS_CONVERTED));
    }
    let Some(record) = record else {
        let format = other_formats::recognize(reader)?;
        // With a second buffer behind the first one, this is a trace whose first record is damaged.
        if buffer.is_plausible(0) && format.is_none() && is_buffer_at(reader, size as u64)? {
            diagnostics.add_at(DiagnosticKind::BadHeader, HEADER_BYTES as u64);
            return Ok(Ok(FirstRecord { logfile: LogfileHeader::assumed(buffer.size_bytes, 8), time: None }));
        }
        let format = if is_cut_header_record(body) { Some(other_formats::CUT_OFF) } else { format };
        return refuse(HEADER_BYTES, "the log-file header record", format);
    };
    if !buffer.is_plausible(0) {
        diagnostics.add_at(DiagnosticKind::BadHeader, 0);
    }
    Ok(Ok(FirstRecord { logfile: checked_header(&record, &buffer, diagnostics), time: record.time }))
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

/// Returns `true` if a buffer begins at `offset`.
fn is_buffer_at(reader: &FileReader, offset: u64) -> Result<bool, ReadError> {
    let mut window = FileWindow::default();
    let rest_bytes = reader.len().saturating_sub(offset);
    Ok(looks_like_buffer(window.bytes(reader, offset, super::layout::PROBE_BYTES)?, rest_bytes, 0))
}

/// Returns `true` if the first buffer is followed by another one, by zeros, or by the end of the file.
fn is_followed_by_buffer(reader: &FileReader, first: &BufferHeader) -> Result<bool, ReadError> {
    let size = u64::from(first.size_bytes);
    if size >= reader.len() {
        return Ok(size == reader.len());
    }
    Ok(is_buffer_at(reader, size)? || other_formats::is_zero_from(reader, size)?)
}
