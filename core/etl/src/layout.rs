//! Where the buffers of a file lie (etl-format 1.1 and 1.8): one pass over buffer headers, with recovery behind damaged
//! ones, and the order in which they were written. It must never read a body, beyond the first record's time where a
//! circular file can be ordered by nothing else.

use super::buffer::{BufferHeader, HEADER_BYTES, TYPE_HEADER, flag};
use super::foreign;
use super::logfile::LogfileHeader;
use super::walk::{Scratch, body_of};
use crate::diagnostics::{Anomalies, AnomalyKind};
use poolscope_base::bytes::read::{u8_at, u32_at};

/// One buffer of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BufferRef {
    /// File offset of its header.
    pub offset: u64,
    /// Bytes of it that the file has; less than the header says where the file is torn.
    pub present_bytes: u32,
    /// Its header.
    pub header: BufferHeader,
}

/// Bytes of a file that belong to no readable buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// File offset of the first.
    pub offset: u64,
    /// How many.
    pub bytes: u64,
}

/// How a file ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Tail {
    /// With the end of a buffer.
    #[default]
    Whole,
    /// Within a buffer, or with bytes that are none.
    Torn,
    /// With zeros where the header promises more buffers.
    Zeroed,
}

/// All buffers of a file, in the order in which they were written.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// The buffers.
    pub buffers: Vec<BufferRef>,
    /// Whether a circular file has overwritten its beginning.
    pub wrapped: bool,
    /// What lies between them, in the order of the file.
    pub gaps: Vec<Gap>,
    /// How the file ends.
    pub tail: Tail,
}

/// Finds the buffers of `data`.
#[must_use]
pub fn find_buffers(data: &[u8], logfile: &LogfileHeader, anomalies: &mut Anomalies) -> Layout {
    let session_bytes = logfile.buffer_bytes;
    let mut found = Layout::default();
    // Buffers that begin before the end of the one in front of them.
    let mut early = 0_u32;
    let mut at = 0_usize;
    while at < data.len() {
        let rest = data.get(at..).unwrap_or_default();
        let header = BufferHeader::parse(rest).filter(|h| h.is_plausible(session_bytes));
        let next = match header {
            Some(header) if header.size_bytes as usize <= rest.len() => {
                found.push(data, at, header.size_bytes as usize, header, anomalies);
                Some(at + header.size_bytes as usize)
            }
            None if rest.iter().all(|&b| b == 0) => {
                found.zero_tail(at, rest.len(), logfile, anomalies);
                None
            }
            header => {
                let before = found.buffers.last().map_or(0, |last| last.offset as usize) + HEADER_BYTES;
                let start = if header.is_none() { early_start(data, before, at, session_bytes) } else { None };
                if let Some(start) = start {
                    early += 1;
                    anomalies.add_at(AnomalyKind::BadBuffer, start as u64);
                    if let Some(last) = found.buffers.last_mut() {
                        last.present_bytes = (start as u64 - last.offset) as u32;
                    }
                    at = start;
                    continue;
                }
                let next = resync(data, at, session_bytes);
                found.damaged(data, at, next, header, anomalies);
                next
            }
        };
        let Some(next) = next else { break };
        at = next;
    }
    if early > 0 && foreign::has_bare_line_ends(data) {
        anomalies.add(AnomalyKind::ConvertedLineEnds, 1);
    }
    note_losses(&found.buffers, anomalies);
    order(data, found, logfile)
}

impl Layout {
    fn push(&mut self, data: &[u8], at: usize, present: usize, header: BufferHeader, anomalies: &mut Anomalies) {
        let present_bytes = present.min(header.size_bytes as usize) as u32;
        if !header.is_described() {
            anomalies.add_at(AnomalyKind::UnknownBufferKind, at as u64);
        }
        // Zeros can begin within a header: its size is there, its fill is not.
        let stored = data.get(at + HEADER_BYTES..at + present_bytes as usize).unwrap_or_default();
        if header.filled_bytes == 0 && !stored.is_empty() && stored.iter().all(|&b| b == 0) {
            anomalies.add(AnomalyKind::ZeroedBytes, u64::from(present_bytes));
            self.gaps.push(Gap { offset: at as u64, bytes: u64::from(present_bytes) });
            return;
        }
        self.buffers.push(BufferRef { offset: at as u64, present_bytes, header });
    }

    /// A file's zeros behind its last buffer. Files are made longer ahead of what is written: where all buffers are there,
    /// nothing is missing.
    fn zero_tail(&mut self, at: usize, bytes: usize, logfile: &LogfileHeader, anomalies: &mut Anomalies) {
        let is_all = logfile.end_filetime != 0 && self.buffers.len() as u64 >= u64::from(logfile.buffers_written);
        if !is_all {
            anomalies.add(AnomalyKind::ZeroedBytes, bytes as u64);
            self.gaps.push(Gap { offset: at as u64, bytes: bytes as u64 });
            self.tail = Tail::Zeroed;
        }
    }

    /// A place where a buffer should begin, up to where the next one does.
    fn damaged(
        &mut self,
        data: &[u8],
        at: usize,
        next: Option<usize>,
        header: Option<BufferHeader>,
        anomalies: &mut Anomalies,
    ) {
        let end = next.unwrap_or(data.len());
        let bytes = data.get(at..end).unwrap_or_default();
        let zeros = bytes.iter().take_while(|&&b| b == 0).count();
        if next.is_none() {
            self.tail = Tail::Torn;
        }
        match header {
            Some(header) => {
                let kind = if next.is_some() { AnomalyKind::BadBuffer } else { AnomalyKind::TornTail };
                anomalies.add_at(kind, at as u64);
                self.push(data, at, bytes.len(), header, anomalies);
                return;
            }
            None if zeros >= HEADER_BYTES => anomalies.add(AnomalyKind::ZeroedBytes, zeros as u64),
            None if next.is_none() && bytes.len() < HEADER_BYTES => anomalies.add_at(AnomalyKind::TornTail, at as u64),
            None => anomalies.add_at(AnomalyKind::BadBuffer, at as u64),
        }
        self.gaps.push(Gap { offset: at as u64, bytes: bytes.len() as u64 });
    }
}

/// The start of a buffer a few bytes before `at`, where the one in front should end: bytes have been taken out. Not before
/// `least`, so that every buffer begins behind the one in front of it.
fn early_start(data: &[u8], least: usize, at: usize, session_bytes: u32) -> Option<usize> {
    const MOST: usize = 256;
    (at.saturating_sub(MOST).max(least)..at).rev().find(|&place| looks_like_buffer(data, place, session_bytes))
}

fn note_losses(buffers: &[BufferRef], anomalies: &mut Anomalies) {
    for buffer in buffers {
        if buffer.header.flags & (flag::EVENTS_LOST | flag::BUFFER_LOST) != 0 {
            anomalies.add_at(AnomalyKind::LossInBuffer, buffer.offset);
        }
    }
}

/// The next place behind `at` where a buffer begins: multiples of the session's buffer size are tried first, since in
/// most files all buffers have it.
fn resync(data: &[u8], at: usize, session_bytes: u32) -> Option<usize> {
    let stride = session_bytes as usize;
    let candidate = |&place: &usize| begins_buffer(data, place, session_bytes);
    if stride >= HEADER_BYTES {
        let near = (at + stride..data.len()).step_by(stride).take(4).find(|p| candidate(p));
        if near.is_some() {
            return near;
        }
    }
    let mut place = at + 1;
    while place + HEADER_BYTES < data.len() {
        if begins_buffer(data, place, session_bytes) {
            return Some(place);
        }
        // Long runs of zeros hold no header: on to the last three of them, which may be the high bytes of a size.
        let zeros = data.get(place..).unwrap_or_default().iter().take_while(|&&b| b == 0).count();
        place += zeros.saturating_sub(3).max(1);
    }
    None
}

/// A stricter look than [`looks_like_buffer`]: what follows has to be a buffer as well, zeros, or the end.
fn begins_buffer(data: &[u8], at: usize, session_bytes: u32) -> bool {
    if !looks_like_buffer(data, at, session_bytes) {
        return false;
    }
    let size = data.get(at..).and_then(|rest| u32_at(rest, 0)).unwrap_or(0) as usize;
    let after = data.get(at + size..).unwrap_or_default();
    after.len() < HEADER_BYTES
        || after.iter().take(HEADER_BYTES).all(|&b| b == 0)
        || BufferHeader::parse(after).is_some_and(|h| h.is_plausible(session_bytes))
}

/// A stricter look than [`BufferHeader::is_plausible`], since any eight zero bytes of a payload could pass that.
pub(super) fn looks_like_buffer(data: &[u8], at: usize, session_bytes: u32) -> bool {
    let Some(rest) = data.get(at..) else {
        return false;
    };
    // Cheap tests first: this runs once per byte of a damaged stretch.
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

/// A circular file continues behind its header buffer when it is full: its physical order is rotated.
fn order(data: &[u8], layout: Layout, logfile: &LogfileHeader) -> Layout {
    if !logfile.is_circular() {
        return layout;
    }
    let Layout { mut buffers, gaps, tail, .. } = layout;
    let body_count = buffers.iter().filter(|b| b.header.kind != TYPE_HEADER).count();
    let mut sequences: Vec<i64> =
        buffers.iter().filter(|b| b.header.kind != TYPE_HEADER).map(|b| b.header.sequence).collect();
    sequences.sort_unstable();
    let lowest = sequences.first().copied().unwrap_or(0);
    sequences.dedup();
    if sequences.len() == body_count {
        buffers.sort_by_key(|b| (b.header.kind != TYPE_HEADER, b.header.sequence));
        return Layout { buffers, wrapped: lowest > 1, gaps, tail };
    }
    let mut scratch = Scratch::default();
    let mut timed: Vec<(bool, i64, BufferRef)> =
        buffers.iter().map(|b| (b.header.kind != TYPE_HEADER, first_time(data, b, &mut scratch), *b)).collect();
    timed.sort_by_key(|&(is_body, time, _)| (is_body, time));
    let rotated = timed.windows(2).any(|pair| pair[0].2.offset > pair[1].2.offset);
    Layout { buffers: timed.into_iter().map(|t| t.2).collect(), wrapped: rotated, gaps, tail }
}

fn first_time(data: &[u8], buffer: &BufferRef, scratch: &mut Scratch) -> i64 {
    let (body, _) = body_of(data, buffer, scratch);
    super::record::Records::new(body).find_map(|record| record.time).unwrap_or(i64::MAX)
}
