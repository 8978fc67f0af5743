//! Session info: facts about a trace file as a whole, from its log-file header and the layout of its buffers.

use poolscope_etl::buffer::{TYPE_HEADER, flag};
use poolscope_etl::diagnostics::Diagnostics;
use poolscope_etl::file::{BufferRef, LogfileHeader, Tail, TraceFile, UnreadableRange};

/// Facts about a trace file as a whole, from any reader.
#[derive(Debug)]
pub struct SessionInfo {
    /// Log-file header.
    pub logfile: LogfileHeader,
    /// Size of the file.
    pub file_bytes: u64,
    /// Number of buffers; `None` if the reader does not show buffers.
    pub buffers: Option<BufferCounts>,
    /// True if the order of the buffers shows that a circular file has overwritten its beginning.
    pub has_wrapped_buffers: bool,
    /// Raw timestamp of time zero.
    pub time_zero: i64,
    /// Parts of the file that belong to no readable buffer.
    pub gaps: Vec<UnreadableRange>,
    /// End of the file.
    pub tail: Tail,
    /// Highest sequence number of a buffer; `None` if sequence numbers are not unique.
    pub newest_sequence: Option<i64>,
    /// True if the last buffer of the file is marked as the last of a flush.
    pub is_last_marked: bool,
    /// Data-quality issues that were found when the file was opened.
    pub diagnostics: Diagnostics,
}

/// Numbers of buffers.
#[derive(Clone, Copy, Debug)]
pub struct BufferCounts {
    /// All buffers, including the header buffer.
    pub total: u64,
    /// Compressed buffers.
    pub compressed: u64,
}

impl SessionInfo {
    /// Facts about an opened file.
    pub fn of(file: &TraceFile) -> Self {
        let buffers = &file.layout.buffers;
        let compressed = buffers.iter().filter(|buffer| buffer.header.is_compressed()).count() as u64;
        Self {
            logfile: file.logfile.clone(),
            file_bytes: file.file_bytes(),
            buffers: Some(BufferCounts { total: buffers.len() as u64, compressed }),
            has_wrapped_buffers: file.layout.wrapped,
            time_zero: file.clock.time_zero,
            gaps: file.layout.gaps.clone(),
            tail: file.layout.tail,
            newest_sequence: newest_sequence(buffers),
            is_last_marked: buffers
                .iter()
                .max_by_key(|buffer| buffer.offset)
                .is_some_and(|buffer| buffer.header.flags & flag::FLUSH_MARKER != 0),
            diagnostics: file.diagnostics.clone(),
        }
    }
}

/// Highest sequence number of the buffers other than the header buffer; `None` if two buffers have the same one.
fn newest_sequence(buffers: &[BufferRef]) -> Option<i64> {
    let body = buffers.iter().filter(|buffer| buffer.header.kind != TYPE_HEADER);
    let mut numbers: Vec<i64> = body.map(|buffer| buffer.header.sequence).collect();
    numbers.sort_unstable();
    numbers.windows(2).all(|pair| pair[0] != pair[1]).then(|| numbers.last().copied()).flatten()
}
