//! What is known of a trace file as a whole, whichever reader opened it. It must never hold a record.

use poolscope_etl::buffer::{TYPE_HEADER, flag};
use poolscope_etl::diagnostics::Diagnostics;
use poolscope_etl::file::{BufferRef, LogfileHeader, Tail, TraceFile, UnreadableRange};

/// The file as a whole.
#[derive(Debug)]
pub struct Origin {
    pub logfile: LogfileHeader,
    pub file_bytes: u64,
    /// `None` if the reader does not show buffers.
    pub buffers: Option<Buffers>,
    /// Whether the order of the buffers shows that a circular file has overwritten its beginning.
    pub wrapped: bool,
    /// Raw timestamp of time zero.
    pub time_zero: i64,
    /// Bytes that belong to no readable buffer.
    pub gaps: Vec<UnreadableRange>,
    /// How the file ends.
    pub tail: Tail,
    /// Highest number of a buffer, where each has one of its own.
    pub newest: Option<i64>,
    /// The last buffer of the file is marked as the last of a flush.
    pub is_last_marked: bool,
    /// What was found wrong so far.
    pub diagnostics: Diagnostics,
}

/// Numbers of buffers.
#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub total: u64,
    pub compressed: u64,
}

impl Origin {
    /// Of a file that the reader here has opened.
    pub fn of(file: &TraceFile) -> Self {
        let buffers = &file.layout.buffers;
        let compressed = buffers.iter().filter(|buffer| buffer.header.is_compressed()).count() as u64;
        Self {
            logfile: file.logfile.clone(),
            file_bytes: file.data().len() as u64,
            buffers: Some(Buffers { total: buffers.len() as u64, compressed }),
            wrapped: file.layout.wrapped,
            time_zero: file.clock.time_zero,
            gaps: file.layout.gaps.clone(),
            tail: file.layout.tail,
            newest: newest(buffers),
            is_last_marked: buffers
                .iter()
                .max_by_key(|buffer| buffer.offset)
                .is_some_and(|buffer| buffer.header.flags & flag::FLUSH_MARKER != 0),
            diagnostics: file.diagnostics.clone(),
        }
    }
}

/// The highest number of a buffer behind the header buffer; `None` if one number stands twice.
fn newest(buffers: &[BufferRef]) -> Option<i64> {
    let body = buffers.iter().filter(|buffer| buffer.header.kind != TYPE_HEADER);
    let mut numbers: Vec<i64> = body.map(|buffer| buffer.header.sequence).collect();
    numbers.sort_unstable();
    numbers.windows(2).all(|pair| pair[0] != pair[1]).then(|| numbers.last().copied()).flatten()
}
