//! Order in which buffers are decoded: by the times of their first records, so that all events before a known time are decoded
//! soon and can be merged. The times of all buffers of a trace are known beforehand; it does not matter which file they are from.

use super::buffer_span::ticks_from_zero;
use crate::trace::time::Ticks;
use poolscope_etl::file::{BufferRef, TraceFile};
use std::ops::Range;

/// Shares of a second by which a record may be earlier than the first ones of its buffer: timestamps are taken before the space in
/// the buffer, and an interrupt may log in between.
const MARGINS_PER_SECOND: i64 = 50;
/// Bytes of records that are decoded together. Less makes workers wait for each other, and the allocator keeps more memory of small
/// tables; more needs more memory.
const BATCH_BYTES: usize = 16 << 20;
/// The same for a load with stacks: frames and definitions of keys have to be in the processor's cache still when they are merged.
const BATCH_BYTES_WITH_STACKS: usize = 8 << 20;
/// Number of buffers for each worker that are decoded together.
const BATCH_BUFFERS: usize = 4;
/// Largest number of bytes of neighboring buffers that are read at once. Larger reads are no faster, and a batch has to have many of
/// them, so that all workers end at the same time.
const RUN_BYTES: u64 = 64 << 10;

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

/// Buffers that lie one behind another in the file and are read at once: at least one, and at most [`RUN_BYTES`] if there
/// are several.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BufferRun {
    /// Positions in the order of the file.
    pub orders: Range<u32>,
    /// Bytes of the file.
    pub bytes: Range<u64>,
}

impl ReadBatch<'_> {
    /// The buffers of the batch in the order of the file, neighbors together.
    pub fn runs(&self, buffers: &[BufferRef]) -> Vec<BufferRun> {
        let mut orders: Vec<u32> = self.buffers.iter().map(|buffer| buffer.1).collect();
        orders.sort_unstable();
        let mut runs: Vec<BufferRun> = Vec::new();
        for order in orders {
            let Some(buffer) = buffers.get(order as usize) else { continue };
            let end = buffer.offset.saturating_add(u64::from(buffer.present_bytes));
            match runs.last_mut() {
                Some(run)
                    if run.orders.end == order
                        && run.bytes.end == buffer.offset
                        && end - run.bytes.start <= RUN_BYTES =>
                {
                    run.orders.end += 1;
                    run.bytes.end = end;
                }
                _ => runs.push(BufferRun { orders: order..order + 1, bytes: buffer.offset..end }),
            }
        }
        runs
    }
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
    pub fn next(&mut self, file: &TraceFile, workers: usize, with_stacks: bool) -> Option<ReadBatch<'_>> {
        let wanted_bytes = if with_stacks { BATCH_BYTES_WITH_STACKS } else { BATCH_BYTES };
        let start = self.next;
        let mut bytes = 0;
        while let Some(&(_, order)) = self.buffers.get(self.next)
            && (bytes < wanted_bytes || self.next - start < BATCH_BUFFERS * workers)
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

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_etl::buffer::{BufferHeader, HEADER_BYTES};

    fn buffer(offset: u64, present_bytes: u32) -> BufferRef {
        let header = BufferHeader::parse(&[0; HEADER_BYTES]).unwrap();
        BufferRef { offset, present_bytes, header, first_time: None, lowest_first_time: None }
    }

    /// The runs of a batch of buffers as their positions and bytes.
    fn runs(batch: &[u32], buffers: &[BufferRef]) -> Vec<(Range<u32>, Range<u64>)> {
        let batch: Vec<(Ticks, u32)> = batch.iter().map(|order| (Ticks(0), *order)).collect();
        let batch = ReadBatch { buffers: &batch, until: Ticks::NEVER };
        batch.runs(buffers).into_iter().map(|run| (run.orders, run.bytes)).collect()
    }

    #[test]
    fn neighbors_are_read_together() {
        let small: Vec<BufferRef> = (0..20).map(|at| buffer(at * 8192, 8192)).collect();
        assert_eq!(runs(&[3, 1, 0, 2], &small), [(0..4, 0..32_768)], "in the order of the file");
        assert_eq!(
            runs(&[0, 1, 3], &small),
            [(0..2, 0..16_384), (3..4, 24_576..32_768)],
            "another batch has the one between"
        );
        let all: Vec<u32> = (0..20).collect();
        assert_eq!(
            runs(&all, &small),
            [(0..8, 0..RUN_BYTES), (8..16, RUN_BYTES..2 * RUN_BYTES), (16..20, 131_072..163_840)]
        );
    }

    #[test]
    fn buffers_that_are_no_neighbors_are_read_alone() {
        // A gap in the file, buffers of a circular file, which go on before, and one larger than a run.
        let others =
            [buffer(0, 100), buffer(200, 100), buffer(50, 50), buffer(300, 1 << 20), buffer(300 + (1 << 20), 8192)];
        let alone = |at: u32| {
            let buffer = &others[at as usize];
            (at..at + 1, buffer.offset..buffer.offset + u64::from(buffer.present_bytes))
        };
        assert_eq!(runs(&[0, 1, 2, 3, 4], &others), (0..5).map(alone).collect::<Vec<_>>());
        assert_eq!(runs(&[7], &others), [], "no such buffer");
    }
}
