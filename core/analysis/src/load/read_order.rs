//! Order in which buffers are decoded: by the times of their first records, so that all events before a known time are decoded
//! soon and can be merged. The times of all buffers of a trace are known beforehand; it does not matter which file they are from.

use super::buffer_span::ticks_from_zero;
use crate::trace::time::Ticks;
use poolscope_etl::file::{BufferRef, TraceFile};

/// Shares of a second by which a record may be earlier than the first ones of its buffer: timestamps are taken before the space in
/// the buffer, and an interrupt may log in between.
const MARGINS_PER_SECOND: i64 = 50;
/// Bytes of records that are decoded together. Less makes workers wait for each other, more needs more memory.
const BATCH_BYTES: usize = 16 << 20;
/// Number of buffers for each worker that are decoded together.
const BATCH_BUFFERS: usize = 4;

/// The buffers of a trace by the times of their first records.
#[derive(Debug)]
pub struct ReadOrder {
    /// Time of the first record and position in the order of the file.
    buffers: Vec<(Ticks, u32)>,
    next: usize,
    margin: i64,
    until: Ticks,
}

/// Buffers to decode together.
#[derive(Debug)]
pub struct ReadBatch<'a> {
    /// Positions of the buffers in the order of the file, with the times of their first records.
    pub buffers: &'a [(Ticks, u32)],
    /// Time before which everything is decoded then.
    pub until: Ticks,
}

impl ReadOrder {
    /// Order of the buffers of a file. If it is not `is_ordered`, records may be much earlier than the first of their buffer, and
    /// nothing is known to be complete before all is decoded.
    pub fn new(file: &TraceFile, is_ordered: bool) -> Self {
        let first = |buffer: &BufferRef| {
            buffer.lowest_first_time.map_or(Ticks::UNKNOWN, |raw| ticks_from_zero(raw, file.clock.time_zero))
        };
        let mut buffers: Vec<(Ticks, u32)> =
            file.layout.buffers.iter().zip(0..).map(|(buffer, order)| (first(buffer), order)).collect();
        buffers.sort_unstable();
        if !is_ordered {
            buffers.iter_mut().for_each(|buffer| buffer.0 = Ticks::UNKNOWN);
            buffers.sort_unstable();
        }
        let margin = (file.clock.ticks_per_second / MARGINS_PER_SECOND).max(1);
        Self { buffers, next: 0, margin, until: Ticks::UNKNOWN }
    }

    /// The next buffers; `None` after the last one.
    pub fn next(&mut self, file: &TraceFile, workers: usize) -> Option<ReadBatch<'_>> {
        let start = self.next;
        let mut bytes = 0;
        while let Some(&(_, order)) = self.buffers.get(self.next)
            && (bytes < BATCH_BYTES || self.next - start < BATCH_BUFFERS * workers)
        {
            bytes += file.layout.buffers.get(order as usize).map_or(0, BufferRef::expected_body_bytes);
            self.next += 1;
        }
        let after =
            self.buffers.get(self.next).map_or(Ticks::NEVER, |next| Ticks(next.0.0.saturating_sub(self.margin)));
        self.until = self.until.max(after);
        let buffers = self.buffers.get(start..self.next).filter(|buffers| !buffers.is_empty())?;
        Some(ReadBatch { buffers, until: self.until })
    }
}
