//! Buffers of a file: one pass over the beginnings of the buffers, with recovery behind damaged ones, and the order in
//! which they were written.

use super::body::{BodyScratch, beginning_bytes, read_beginning};
use super::header::LogfileHeader;
use super::other_formats::{self, is_zero_from, zeros_from};
use crate::buffer::{BufferHeader, HEADER_BYTES, TYPE_HEADER, flag};
use crate::diagnostics::{DiagnosticKind, Diagnostics};
use crate::record::Records;
use crate::xpress::expected_output_bytes;
use poolscope_base::bytes::{u8_at, u32_at};
use poolscope_base::file_reader::{FileReader, ReadError};
use poolscope_base::file_window::FileWindow;

/// Number of bytes by which [`looks_like_buffer`] recognizes a buffer: its header, and the marker of its first record.
pub(super) const PROBE_BYTES: usize = HEADER_BYTES + 4;
/// Distance in ticks to the next record at which a first record is not used: nearly a second of the usual clock.
const ISOLATED_TICKS: i64 = 1 << 23;
/// Bytes of a body that usually contain three records.
const FIRST_RECORDS_BYTES: u32 = 512;

/// Position of a buffer in its file, with its header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BufferRef {
    /// File offset of its header.
    pub offset: u64,
    /// Bytes of the buffer that the file has; fewer than its header says if the file is torn.
    pub present_bytes: u32,
    /// Its decoded header.
    pub header: BufferHeader,
    /// Raw timestamp of its first record; `None` if it has no readable record with a time. If the time of the first
    /// record contradicts those behind it, it is that of the second one.
    pub first_time: Option<i64>,
    /// Lowest of the raw times of its first records, damaged ones included; `None` if none has a time.
    pub lowest_first_time: Option<i64>,
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
pub(super) fn find_buffers(
    reader: &FileReader,
    logfile: &LogfileHeader,
    diagnostics: &mut Diagnostics,
) -> Result<FileLayout, ReadError> {
    let mut search = Search {
        reader,
        session_bytes: logfile.buffer_bytes,
        scratch: BodyScratch::default(),
        found: FileLayout::default(),
    };
    // Number of buffers that begin before the end of the previous one.
    let mut early = 0_u32;
    let mut at = 0;
    while at < reader.len() {
        let rest_bytes = reader.len() - at;
        let header = search.header_at(at)?;
        let next = match header {
            Some(header) if u64::from(header.size_bytes) <= rest_bytes => {
                search.push(at, u64::from(header.size_bytes), header, diagnostics)?;
                Some(at + u64::from(header.size_bytes))
            }
            None if is_zero_from(reader, at)? => {
                search.found.add_zero_tail(at, rest_bytes, logfile, diagnostics);
                None
            }
            header => {
                let start = if header.is_none() { search.early_start(at)? } else { None };
                if let Some(start) = start {
                    early += 1;
                    diagnostics.add_at(DiagnosticKind::BadBuffer, start);
                    if let Some(last) = search.found.buffers.last_mut() {
                        last.present_bytes = (start - last.offset) as u32;
                    }
                    at = start;
                    continue;
                }
                let next = search.resync(at)?;
                search.add_damaged(at, next, header, diagnostics)?;
                next
            }
        };
        let Some(next) = next else { break };
        at = next;
    }
    if early > 0 && other_formats::has_no_carriage_returns(reader)? {
        diagnostics.add(DiagnosticKind::ConvertedLineEnds, 1);
    }
    note_losses(&search.found.buffers, diagnostics);
    Ok(in_written_order(search.found, logfile))
}

impl FileLayout {
    /// Notes zeros behind the last buffer. Files are extended ahead of the writing: if all buffers are there, nothing
    /// is missing.
    fn add_zero_tail(&mut self, offset: u64, bytes: u64, logfile: &LogfileHeader, diagnostics: &mut Diagnostics) {
        let is_complete = logfile.end_filetime != 0 && self.buffers.len() as u64 >= u64::from(logfile.buffers_written);
        if !is_complete {
            diagnostics.add(DiagnosticKind::ZeroedBytes, bytes);
            self.gaps.push(UnreadableRange { offset, bytes });
            self.tail = Tail::Zeroed;
        }
    }
}

/// A pass over a file, and what it has found so far.
struct Search<'f> {
    reader: &'f FileReader,
    /// Buffer size of the session, 0 if not known.
    session_bytes: u32,
    scratch: BodyScratch,
    found: FileLayout,
}

impl Search<'_> {
    /// Reads the header of a buffer at `offset`; `None` if there is none.
    fn header_at(&mut self, offset: u64) -> Result<Option<BufferHeader>, ReadError> {
        // With the first records, which are read next.
        let bytes = self.scratch.window.bytes(self.reader, offset, beginning_bytes(FIRST_RECORDS_BYTES))?;
        Ok(BufferHeader::parse(bytes).filter(|header| header.is_plausible(self.session_bytes)))
    }

    fn push(
        &mut self,
        offset: u64,
        present: u64,
        header: BufferHeader,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), ReadError> {
        let present_bytes = present.min(u64::from(header.size_bytes)) as u32;
        if !header.is_documented() {
            diagnostics.add_at(DiagnosticKind::UnknownBufferKind, offset);
        }
        // If the file was zeroed from within this header on, the size is intact but the fill is zero.
        let stored = present_bytes.saturating_sub(HEADER_BYTES as u32);
        if header.filled_bytes == 0 && stored > 0 {
            let zeros = zeros_from(self.reader, offset + HEADER_BYTES as u64)?;
            if zeros >= u64::from(stored) {
                diagnostics.add(DiagnosticKind::ZeroedBytes, u64::from(present_bytes));
                self.found.gaps.push(UnreadableRange { offset, bytes: u64::from(present_bytes) });
                return Ok(());
            }
        }
        let mut buffer = BufferRef { offset, present_bytes, header, first_time: None, lowest_first_time: None };
        let times = first_times(self.reader, &buffer, &mut self.scratch)?;
        buffer.first_time = first_time(&times);
        buffer.lowest_first_time = times.into_iter().min();
        self.found.buffers.push(buffer);
        Ok(())
    }

    /// Notes a damaged range: from `offset`, where a buffer should begin, to `next`, where the next readable one does.
    fn add_damaged(
        &mut self,
        offset: u64,
        next: Option<u64>,
        header: Option<BufferHeader>,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), ReadError> {
        let bytes = next.unwrap_or(self.reader.len()) - offset;
        if next.is_none() {
            self.found.tail = Tail::Torn;
        }
        if let Some(header) = header {
            let kind = if next.is_some() { DiagnosticKind::BadBuffer } else { DiagnosticKind::TornTail };
            diagnostics.add_at(kind, offset);
            return self.push(offset, bytes, header, diagnostics);
        }
        let zeros = zeros_from(self.reader, offset)?.min(bytes);
        if zeros >= HEADER_BYTES as u64 {
            diagnostics.add(DiagnosticKind::ZeroedBytes, zeros);
        } else if next.is_none() && bytes < HEADER_BYTES as u64 {
            diagnostics.add_at(DiagnosticKind::TornTail, offset);
        } else {
            diagnostics.add_at(DiagnosticKind::BadBuffer, offset);
        }
        self.found.gaps.push(UnreadableRange { offset, bytes });
        Ok(())
    }

    /// Finds a buffer that begins a few bytes before `at`, where the previous one should end: bytes were removed from
    /// the previous one, as by a conversion of line ends. Buffers do not overlap.
    fn early_start(&mut self, at: u64) -> Result<Option<u64>, ReadError> {
        const MAX_REMOVED: u64 = 256;
        let last = self.found.buffers.last().map_or(0, |last| last.offset);
        let first = at.saturating_sub(MAX_REMOVED).max(last + HEADER_BYTES as u64);
        if first >= at {
            return Ok(None);
        }
        let bytes = self.scratch.window.bytes(self.reader, first, (at - first) as usize + PROBE_BYTES)?;
        let is_buffer = |start: &u64| {
            let probe = bytes.get((start - first) as usize..).unwrap_or_default();
            looks_like_buffer(probe, self.reader.len() - start, self.session_bytes)
        };
        Ok((first..at).rev().find(is_buffer))
    }

    /// Finds the next buffer behind `at`. Multiples of the session's buffer size are tried first, since most files have
    /// buffers of one size.
    fn resync(&mut self, at: u64) -> Result<Option<u64>, ReadError> {
        let stride = u64::from(self.session_bytes);
        if stride >= HEADER_BYTES as u64 {
            for start in (1..=4).map(|step| at + step * stride) {
                let probe = self.scratch.window.bytes(self.reader, start, PROBE_BYTES)?;
                if self.reader.len() > start
                    && looks_like_buffer(probe, self.reader.len() - start, self.session_bytes)
                    && is_followed(self.reader, start, u32_at(probe, 0), self.session_bytes)?
                {
                    return Ok(Some(start));
                }
            }
        }
        self.resync_at_any_offset(at + 1)
    }

    /// Finds the next buffer at or behind `start`, byte by byte.
    fn resync_at_any_offset(&mut self, mut start: u64) -> Result<Option<u64>, ReadError> {
        const PART_BYTES: u64 = 64 << 10;
        while start + (HEADER_BYTES as u64) < self.reader.len() {
            let starts = (self.reader.len() - HEADER_BYTES as u64 - start).min(PART_BYTES);
            let bytes = self.scratch.window.bytes(self.reader, start, starts as usize + PROBE_BYTES)?;
            let mut at = 0_usize;
            while (at as u64) < starts {
                let rest = bytes.get(at..).unwrap_or_default();
                let offset = start + at as u64;
                if looks_like_buffer(rest, self.reader.len() - offset, self.session_bytes)
                    && is_followed(self.reader, offset, u32_at(rest, 0), self.session_bytes)?
                {
                    return Ok(Some(offset));
                }
                // A run of zeros contains no header, except that its last three may be the high bytes of a size.
                let zeros = rest.iter().take_while(|&&b| b == 0).count();
                at += zeros.saturating_sub(3).max(1);
            }
            start += at as u64;
        }
        Ok(None)
    }
}

/// Counts the buffers that are flagged as having lost something.
fn note_losses(buffers: &[BufferRef], diagnostics: &mut Diagnostics) {
    for buffer in buffers {
        if buffer.header.flags & (flag::EVENTS_LOST | flag::BUFFER_LOST) != 0 {
            diagnostics.add_at(DiagnosticKind::LossInBuffer, buffer.offset);
        }
    }
}

/// Returns `true` if a buffer of `size` bytes at `offset` is followed by another one, by zeros, or by the end of the
/// file.
fn is_followed(reader: &FileReader, offset: u64, size: Option<u32>, session_bytes: u32) -> Result<bool, ReadError> {
    let mut window = FileWindow::default();
    let after = window.bytes(reader, offset + u64::from(size.unwrap_or(0)), HEADER_BYTES)?;
    let header = BufferHeader::parse(after);
    Ok(header.is_none_or(|header| header.is_plausible(session_bytes)) || after.iter().all(|&b| b == 0))
}

/// Stricter test than [`BufferHeader::is_plausible`], which many bytes of payloads pass: sizes, state and the first
/// record's marker fit. `bytes` are those at the beginning of the buffer, [`PROBE_BYTES`] if the file has as many, and
/// `rest_bytes` is their number up to the end of the file.
pub(super) fn looks_like_buffer(bytes: &[u8], rest_bytes: u64, session_bytes: u32) -> bool {
    // Cheap tests first: this runs for each byte of a damaged range.
    if u32_at(bytes, 0).is_none_or(|size| (size as usize) < HEADER_BYTES || u64::from(size) > rest_bytes) {
        return false;
    }
    if u32_at(bytes, 0x2c).is_none_or(|state| state > 3) {
        return false;
    }
    let Some(header) = BufferHeader::parse(bytes).filter(|h| h.is_plausible(session_bytes)) else {
        return false;
    };
    if header.filled_bytes as usize <= HEADER_BYTES {
        return false;
    }
    let marker = u8_at(bytes, HEADER_BYTES + 3);
    header.is_compressed() || matches!(marker, Some(0xc0 | 0x90))
}

/// Sorts the buffers of a circular file by sequence number, or by the times of their first records if the numbers are
/// not unique.
fn in_written_order(layout: FileLayout, logfile: &LogfileHeader) -> FileLayout {
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
    buffers.sort_by_key(|b| (b.header.kind != TYPE_HEADER, b.first_time.unwrap_or(i64::MAX)));
    let is_rotated = buffers.windows(2).any(|pair| pair[0].offset > pair[1].offset);
    FileLayout { buffers, wrapped: is_rotated, gaps, tail }
}

/// Times of the first records of a buffer, at most three.
fn first_times(reader: &FileReader, buffer: &BufferRef, scratch: &mut BodyScratch) -> Result<Vec<i64>, ReadError> {
    let mut times: Vec<i64> = Vec::new();
    for bytes in [FIRST_RECORDS_BYTES, 16 * FIRST_RECORDS_BYTES] {
        let body = read_beginning(reader, buffer, bytes, scratch)?;
        let is_whole = body.len() < bytes as usize;
        times = Records::new(body).filter_map(|record| record.time).take(3).collect();
        if times.len() == 3 || is_whole {
            break;
        }
    }
    Ok(times)
}

/// Time of a buffer's first record, from those of its first three. They are in the order of time, which shows a damaged one:
/// then another one of them is returned, which is close enough.
fn first_time(times: &[i64]) -> Option<i64> {
    match times[..] {
        [a, b, c] => {
            let mut sorted = [a, b, c];
            sorted.sort_unstable();
            let (low, middle) = (sorted[0], sorted[1]);
            // A first record long before the others may be right or damaged; nothing is lost by leaving it out.
            let is_isolated = middle.saturating_sub(low) > ISOLATED_TICKS;
            Some(if a > b || is_isolated { middle } else { a })
        }
        [a, b] => Some(if a > b || b.saturating_sub(a) > ISOLATED_TICKS { b } else { a }),
        _ => times.first().copied(),
    }
}
