//! Splitting of a finished sequential file into the parts that a session with a size limit leaves (`EVENT_TRACE_FILE_MODE_NEWFILE`):
//! the buffers in their order, each part with a header of its own.

use super::buffer::{FLAG_OFFSET, FLUSH_MARKER, HEADER_LEN};
use super::logfile::{Closing, header_buffer};
use super::{FileMode, PlacedBuffer, TraceOptions, WriteSummary};
use crate::SynthError;

/// Offset of the sequence number in a buffer header.
const SEQUENCE_OFFSET: usize = 0x18;

/// Headers of the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartHeaders {
    /// As Windows 11 writes them: start and time of the header record are those of the session, sequence numbers of buffers go on,
    /// `BuffersWritten` is that of the file, losses are those since the start of the session.
    Session,
    /// Each part has its own start, numbers and losses, as a session that is restarted at once.
    Own,
}

/// Splits a file into `count` parts of about the same number of buffers. The losses of the file are those of the last part.
///
/// # Errors
/// The file is not sequential, or has fewer buffers than parts.
pub fn split_by_time(
    bytes: &[u8],
    options: &TraceOptions,
    written: &WriteSummary,
    count: usize,
    headers: PartHeaders,
) -> Result<Vec<Vec<u8>>, SynthError> {
    if options.mode != FileMode::Sequential {
        return Err(SynthError::Params("only a sequential trace is split into parts".to_owned()));
    }
    if count == 0 || written.placed.len() < count {
        let buffers = written.placed.len();
        return Err(SynthError::Params(format!("a trace of {buffers} buffers cannot be split into {count} parts")));
    }
    let mut parts = Vec::with_capacity(count);
    for number in 0..count {
        let of = |number: usize| written.placed.len() * number / count;
        let own = &written.placed[of(number)..of(number + 1)];
        let is_last = number + 1 == count;
        let first = own.iter().filter_map(|buffer| buffer.ticks).map(|ticks| ticks.0).min();
        let next = written.placed[of(number + 1)..].iter().filter_map(|buffer| buffer.ticks).map(|ticks| ticks.0).min();
        let end = if is_last { written.end_ticks } else { next.unwrap_or(written.end_ticks) };
        let own_start = first.filter(|_| headers == PartHeaders::Own && number > 0);
        let start_ticks = own_start.unwrap_or(options.start_ticks);
        let options = TraceOptions {
            start_ticks,
            start_filetime: options.filetime(start_ticks),
            file_name: format!("C:\\traces\\kernel_{}.etl", number + 1),
            ..options.clone()
        };
        let losses = |count: u32| if is_last { count } else { 0 };
        let closing = Closing {
            end_filetime: options.filetime(end),
            buffers_written: own.len() as u32 + 1,
            events_lost: losses(written.events_lost),
            buffers_lost: losses(written.buffers_lost),
        };
        parts.push(part(bytes, &options, &closing, own, headers)?);
    }
    Ok(parts)
}

/// The bytes of one part.
fn part(
    bytes: &[u8],
    options: &TraceOptions,
    closing: &Closing,
    own: &[PlacedBuffer],
    headers: PartHeaders,
) -> Result<Vec<u8>, SynthError> {
    let mut out = header_buffer(options, closing)?;
    for (at, buffer) in own.iter().enumerate() {
        let start = out.len();
        let range = buffer.offset as usize..(buffer.offset + buffer.bytes) as usize;
        let stored = bytes.get(range).filter(|stored| stored.len() >= HEADER_LEN);
        out.extend_from_slice(stored.ok_or_else(|| SynthError::Params("the summary is of another file".to_owned()))?);
        let field = |offset: usize, len: usize| start + offset..start + offset + len;
        if headers == PartHeaders::Own {
            out[field(SEQUENCE_OFFSET, 8)].copy_from_slice(&(at as i64 + 1).to_le_bytes());
        }
        let flags = field(FLAG_OFFSET as usize, 2);
        let known = u16::from_le_bytes([out[flags.start], out[flags.start + 1]]) & !FLUSH_MARKER;
        let marker = if at + 1 == own.len() { FLUSH_MARKER } else { 0 };
        out[flags].copy_from_slice(&(known | marker).to_le_bytes());
    }
    Ok(out)
}
