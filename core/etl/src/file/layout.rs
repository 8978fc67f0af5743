//! Buffers of a file: one pass over the buffer headers, with recovery behind damaged ones, and the order in which they
//! were written.

use super::header::LogfileHeader;
use super::{BodyScratch, body_of, other_formats};
use crate::buffer::{BufferHeader, HEADER_BYTES, TYPE_HEADER, flag};
use crate::diagnostics::{DiagnosticKind, Diagnostics};
use crate::record::Records;
use crate::xpress::expected_output_bytes;
use poolscope_base::bytes::{u8_at, u32_at};

/// Position of a buffer in its file, with its header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BufferRef {
    /// File offset of its header.
    pub offset: u64,
    /// Bytes of the buffer that the file has; fewer than its header says if the file is torn.
    pub present_bytes: u32,
    /// Its decoded header.
    pub header: BufferHeader,
}

impl BufferRef {
    /// Returns the number of bytes of records that the buffer can be expected to have, for reserving memory. It is limited
    /// by the bytes that are present, whatever the header says: a plain buffer has no more, a compressed one rarely.
    #[must_use]
    pub fn expected_body_bytes(&self) -> usize {
        let filled = (self.header.filled_bytes as usize).saturating_sub(HEADER_BYTES);
        let stored = (self.present_bytes as usize).saturating_sub(HEADER_BYTES);
        if self.header.is_compressed() { expected_output_bytes(stored, filled) } else { filled.min(stored) }
    }
}

/// Range of a file that belongs to no readable buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnreadableRange {
    /// File offset of the first byte.
    pub offset: u64,
    /// Length in bytes.
    pub bytes: u64,
}

/// End of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Tail {
    /// The file ends with a buffer.
    #[default]
    Whole,
    /// The file ends within a buffer, or with bytes that are no buffer.
    Torn,
    /// The file ends with zeros although its header promises more buffers.
    Zeroed,
}

/// Positions of all buffers of a file.
///
/// A file is a sequence of buffers and nothing else: each begins where the previous one ends by its `BufferSize`; there
/// is no file header, index or footer. The first buffer has type 4 and begins with the log-file header record. When a
/// circular file is full, the logger goes on behind the header buffer and overwrites the oldest buffers, so that the
/// order in the file is a rotation of the order of time.
///
/// Sources: dissect.etl, etl-parser and super-speedy-syslog-searcher walk files like this; the last buffer ends exactly
/// with the file in all intact real files measured. That circular files replace their oldest events is from Microsoft
/// Learn ("Logging Mode Constants"); the rotation was not seen in a real file.
#[derive(Clone, Debug, Default)]
pub struct FileLayout {
    /// The buffers, in the order in which they were written.
    pub buffers: Vec<BufferRef>,
    /// A circular file has overwritten its beginning.
    pub wrapped: bool,
    /// Ranges between the buffers that could not be read, by ascending offset.
    pub gaps: Vec<UnreadableRange>,
    /// End of the file.
    pub tail: Tail,
}

/// Finds the buffers of a file and counts its damage.
pub(super) fn find_buffers(data: &[u8], logfile: &LogfileHeader, diagnostics: &mut Diagnostics) -> FileLayout {
    let session_bytes = logfile.buffer_bytes;
    let mut found = FileLayout::default();
    // Number of buffers that begin before the end of the previous one.
    let mut early = 0_u32;
    let mut at = 0_usize;
    while at < data.len() {
        let rest = data.get(at..).unwrap_or_default();
        let header = BufferHeader::parse(rest).filter(|h| h.is_plausible(session_bytes));
        let next = match header {
            Some(header) if header.size_bytes as usize <= rest.len() => {
                found.push(data, at, header.size_bytes as usize, header, diagnostics);
                Some(at + header.size_bytes as usize)
            }
            None if rest.iter().all(|&b| b == 0) => {
                found.add_zero_tail(at, rest.len(), logfile, diagnostics);
                None
            }
            header => {
                let before = found.buffers.last().map_or(0, |last| last.offset as usize) + HEADER_BYTES;
                let start = if header.is_none() { early_start(data, before, at, session_bytes) } else { None };
                if let Some(start) = start {
                    early += 1;
                    diagnostics.add_at(DiagnosticKind::BadBuffer, start as u64);
                    if let Some(last) = found.buffers.last_mut() {
                        last.present_bytes = (start as u64 - last.offset) as u32;
                    }
                    at = start;
                    continue;
                }
                let next = resync(data, at, session_bytes);
                found.add_damaged(data, at, next, header, diagnostics);
                next
            }
        };
        let Some(next) = next else { break };
        at = next;
    }
    if early > 0 && other_formats::has_no_carriage_returns(data) {
        diagnostics.add(DiagnosticKind::ConvertedLineEnds, 1);
    }
    note_losses(&found.buffers, diagnostics);
    in_written_order(data, found, logfile)
}

impl FileLayout {
    fn push(&mut self, data: &[u8], at: usize, present: usize, header: BufferHeader, diagnostics: &mut Diagnostics) {
        let present_bytes = present.min(header.size_bytes as usize) as u32;
        if !header.is_documented() {
            diagnostics.add_at(DiagnosticKind::UnknownBufferKind, at as u64);
        }
        // If the file was zeroed from within this header on, the size is intact but the fill is zero.
        let stored = data.get(at + HEADER_BYTES..at + present_bytes as usize).unwrap_or_default();
        if header.filled_bytes == 0 && !stored.is_empty() && stored.iter().all(|&b| b == 0) {
            diagnostics.add(DiagnosticKind::ZeroedBytes, u64::from(present_bytes));
            self.gaps.push(UnreadableRange { offset: at as u64, bytes: u64::from(present_bytes) });
            return;
        }
        self.buffers.push(BufferRef { offset: at as u64, present_bytes, header });
    }

    /// Notes zeros behind the last buffer. Files are extended ahead of the writing: if all buffers are there, nothing
    /// is missing.
    fn add_zero_tail(&mut self, at: usize, bytes: usize, logfile: &LogfileHeader, diagnostics: &mut Diagnostics) {
        let is_complete = logfile.end_filetime != 0 && self.buffers.len() as u64 >= u64::from(logfile.buffers_written);
        if !is_complete {
            diagnostics.add(DiagnosticKind::ZeroedBytes, bytes as u64);
            self.gaps.push(UnreadableRange { offset: at as u64, bytes: bytes as u64 });
            self.tail = Tail::Zeroed;
        }
    }

    /// Notes a damaged range: from `at`, where a buffer should begin, to `next`, where the next readable one does.
    fn add_damaged(
        &mut self,
        data: &[u8],
        at: usize,
        next: Option<usize>,
        header: Option<BufferHeader>,
        diagnostics: &mut Diagnostics,
    ) {
        let end = next.unwrap_or(data.len());
        let bytes = data.get(at..end).unwrap_or_default();
        let zeros = bytes.iter().take_while(|&&b| b == 0).count();
        if next.is_none() {
            self.tail = Tail::Torn;
        }
        match header {
            Some(header) => {
                let kind = if next.is_some() { DiagnosticKind::BadBuffer } else { DiagnosticKind::TornTail };
                diagnostics.add_at(kind, at as u64);
                self.push(data, at, bytes.len(), header, diagnostics);
                return;
            }
            None if zeros >= HEADER_BYTES => diagnostics.add(DiagnosticKind::ZeroedBytes, zeros as u64),
            None if next.is_none() && bytes.len() < HEADER_BYTES => {
                diagnostics.add_at(DiagnosticKind::TornTail, at as u64);
            }
            None => diagnostics.add_at(DiagnosticKind::BadBuffer, at as u64),
        }
        self.gaps.push(UnreadableRange { offset: at as u64, bytes: bytes.len() as u64 });
    }
}

/// Finds a buffer that begins a few bytes before `at`, where the previous one should end: bytes were removed from the
/// previous one, as by a conversion of line ends. The result is not below `min`, so that buffers do not overlap.
fn early_start(data: &[u8], min: usize, at: usize, session_bytes: u32) -> Option<usize> {
    const MAX_REMOVED: usize = 256;
    (at.saturating_sub(MAX_REMOVED).max(min)..at).rev().find(|&start| looks_like_buffer(data, start, session_bytes))
}

/// Counts the buffers that are flagged as having lost something.
fn note_losses(buffers: &[BufferRef], diagnostics: &mut Diagnostics) {
    for buffer in buffers {
        if buffer.header.flags & (flag::EVENTS_LOST | flag::BUFFER_LOST) != 0 {
            diagnostics.add_at(DiagnosticKind::LossInBuffer, buffer.offset);
        }
    }
}

/// Finds the next buffer behind `at`. Multiples of the session's buffer size are tried first, since most files have
/// buffers of one size.
fn resync(data: &[u8], at: usize, session_bytes: u32) -> Option<usize> {
    let stride = session_bytes as usize;
    if stride >= HEADER_BYTES {
        let mut starts = (at + stride..data.len()).step_by(stride).take(4);
        if let Some(start) = starts.find(|&start| is_buffer_start(data, start, session_bytes)) {
            return Some(start);
        }
    }
    let mut start = at + 1;
    while start + HEADER_BYTES < data.len() {
        if is_buffer_start(data, start, session_bytes) {
            return Some(start);
        }
        // A run of zeros contains no header, except that its last three may be the high bytes of a size.
        let zeros = data.get(start..).unwrap_or_default().iter().take_while(|&&b| b == 0).count();
        start += zeros.saturating_sub(3).max(1);
    }
    None
}

/// Stricter test than [`looks_like_buffer`]: the buffer has to be followed by another one, by zeros, or by the end of
/// the file.
fn is_buffer_start(data: &[u8], at: usize, session_bytes: u32) -> bool {
    if !looks_like_buffer(data, at, session_bytes) {
        return false;
    }
    let size = data.get(at..).and_then(|rest| u32_at(rest, 0)).unwrap_or(0) as usize;
    let after = data.get(at + size..).unwrap_or_default();
    after.len() < HEADER_BYTES
        || after.iter().take(HEADER_BYTES).all(|&b| b == 0)
        || BufferHeader::parse(after).is_some_and(|h| h.is_plausible(session_bytes))
}

/// Stricter test than [`BufferHeader::is_plausible`], which many bytes of payloads pass: sizes, state and the first
/// record's marker fit.
pub(super) fn looks_like_buffer(data: &[u8], at: usize, session_bytes: u32) -> bool {
    let Some(rest) = data.get(at..) else {
        return false;
    };
    // Cheap tests first: this runs for each byte of a damaged range.
    if u32_at(rest, 0).is_none_or(|size| (size as usize) < HEADER_BYTES || size as usize > rest.len()) {
        return false;
    }
    if u32_at(rest, 0x2c).is_none_or(|state| state > 3) {
        return false;
    }
    let Some(header) = BufferHeader::parse(rest).filter(|h| h.is_plausible(session_bytes)) else {
        return false;
    };
    if header.filled_bytes as usize <= HEADER_BYTES {
        return false;
    }
    let marker = u8_at(rest, HEADER_BYTES + 3);
    header.is_compressed() || matches!(marker, Some(0xc0 | 0x90))
}

/// Sorts the buffers of a circular file by sequence number, or by the times of their first records if the numbers are
/// not unique.
fn in_written_order(data: &[u8], layout: FileLayout, logfile: &LogfileHeader) -> FileLayout {
    if !logfile.is_circular() {
        return layout;
    }
    let FileLayout { mut buffers, gaps, tail, .. } = layout;
    let body_count = buffers.iter().filter(|b| b.header.kind != TYPE_HEADER).count();
    let mut sequences: Vec<i64> =
        buffers.iter().filter(|b| b.header.kind != TYPE_HEADER).map(|b| b.header.sequence).collect();
    sequences.sort_unstable();
    let lowest = sequences.first().copied().unwrap_or(0);
    sequences.dedup();
    if sequences.len() == body_count {
        buffers.sort_by_key(|b| (b.header.kind != TYPE_HEADER, b.header.sequence));
        return FileLayout { buffers, wrapped: lowest > 1, gaps, tail };
    }
    let mut scratch = BodyScratch::default();
    let mut timed: Vec<(bool, i64, BufferRef)> =
        buffers.iter().map(|b| (b.header.kind != TYPE_HEADER, first_time(data, b, &mut scratch), *b)).collect();
    timed.sort_by_key(|&(is_body, time, _)| (is_body, time));
    let is_rotated = timed.windows(2).any(|pair| pair[0].2.offset > pair[1].2.offset);
    FileLayout { buffers: timed.into_iter().map(|t| t.2).collect(), wrapped: is_rotated, gaps, tail }
}

/// Time of a buffer's first record; the largest value for a buffer without one.
fn first_time(data: &[u8], buffer: &BufferRef, scratch: &mut BodyScratch) -> i64 {
    let (body, _) = body_of(data, buffer, scratch);
    Records::new(body).find_map(|record| record.time).unwrap_or(i64::MAX)
}
