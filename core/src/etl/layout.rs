//! Where the buffers of a file lie (etl-format 1.1 and 1.8): one pass over buffer headers, with recovery behind damaged
//! ones, and the order in which they were written. It must never read a body, beyond the first record's time where a
//! circular file can be ordered by nothing else.

use super::buffer::{BufferHeader, HEADER_BYTES, TYPE_HEADER, flag};
use super::logfile::LogfileHeader;
use super::walk::{Scratch, body_of};
use crate::anomaly::{Anomalies, AnomalyKind};
use crate::bytes::read::{u8_at, u32_at};

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

/// All buffers of a file, in the order in which they were written.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// The buffers.
    pub buffers: Vec<BufferRef>,
    /// Whether a circular file has overwritten its beginning.
    pub wrapped: bool,
}

/// Finds the buffers of `data`.
#[must_use]
pub fn find_buffers(data: &[u8], logfile: &LogfileHeader, anomalies: &mut Anomalies) -> Layout {
    let session_bytes = logfile.buffer_bytes;
    let mut buffers = Vec::new();
    let mut at = 0_usize;
    while at < data.len() {
        let rest = data.get(at..).unwrap_or_default();
        let header = BufferHeader::parse(rest).filter(|h| h.is_plausible(session_bytes));
        let next = match header {
            Some(header) if header.size_bytes as usize <= rest.len() => {
                push(&mut buffers, at, header.size_bytes as usize, header);
                Some(at + header.size_bytes as usize)
            }
            None if rest.iter().all(|&b| b == 0) => None,
            header => {
                let next = resync(data, at, session_bytes);
                let present = next.unwrap_or(data.len()) - at;
                match header {
                    Some(header) => {
                        let kind = if next.is_some() { AnomalyKind::BadBuffer } else { AnomalyKind::TornTail };
                        anomalies.add_at(kind, at as u64);
                        push(&mut buffers, at, present, header);
                    }
                    None if rest.len() < HEADER_BYTES => anomalies.add_at(AnomalyKind::TornTail, at as u64),
                    None => anomalies.add_at(AnomalyKind::BadBuffer, at as u64),
                }
                next
            }
        };
        let Some(next) = next else { break };
        at = next;
    }
    note_losses(&buffers, anomalies);
    order(data, buffers, logfile)
}

fn push(buffers: &mut Vec<BufferRef>, at: usize, present: usize, header: BufferHeader) {
    let present_bytes = present.min(header.size_bytes as usize) as u32;
    buffers.push(BufferRef { offset: at as u64, present_bytes, header });
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
    (at + 1..data.len().saturating_sub(HEADER_BYTES)).find(|p| candidate(p))
}

/// A stricter look than [`BufferHeader::is_plausible`], since any eight zero bytes of a payload could pass that.
fn begins_buffer(data: &[u8], at: usize, session_bytes: u32) -> bool {
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
    if !header.is_compressed() && !matches!(marker, Some(0xc0 | 0x90)) {
        return false;
    }
    let end = at + header.size_bytes as usize;
    let after = data.get(end..).unwrap_or_default();
    after.len() < HEADER_BYTES
        || after.iter().take(HEADER_BYTES).all(|&b| b == 0)
        || BufferHeader::parse(after).is_some_and(|h| h.is_plausible(session_bytes))
}

/// A circular file continues behind its header buffer when it is full: its physical order is rotated.
fn order(data: &[u8], mut buffers: Vec<BufferRef>, logfile: &LogfileHeader) -> Layout {
    if !logfile.is_circular() {
        return Layout { buffers, wrapped: false };
    }
    let body_count = buffers.iter().filter(|b| b.header.kind != TYPE_HEADER).count();
    let mut sequences: Vec<i64> =
        buffers.iter().filter(|b| b.header.kind != TYPE_HEADER).map(|b| b.header.sequence).collect();
    sequences.sort_unstable();
    let lowest = sequences.first().copied().unwrap_or(0);
    sequences.dedup();
    if sequences.len() == body_count {
        buffers.sort_by_key(|b| (b.header.kind != TYPE_HEADER, b.header.sequence));
        return Layout { buffers, wrapped: lowest > 1 };
    }
    let mut scratch = Scratch::default();
    let mut timed: Vec<(bool, i64, BufferRef)> =
        buffers.iter().map(|b| (b.header.kind != TYPE_HEADER, first_time(data, b, &mut scratch), *b)).collect();
    timed.sort_by_key(|&(is_body, time, _)| (is_body, time));
    let rotated = timed.windows(2).any(|pair| pair[0].2.offset > pair[1].2.offset);
    Layout { buffers: timed.into_iter().map(|t| t.2).collect(), wrapped: rotated }
}

fn first_time(data: &[u8], buffer: &BufferRef, scratch: &mut Scratch) -> i64 {
    let (body, _) = body_of(data, buffer, scratch);
    super::record::Records::new(body).find_map(|record| record.time).unwrap_or(i64::MAX)
}
