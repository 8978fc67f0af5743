//! Session info: facts about a trace as a whole, from its log-file header and the layout of its buffers. Of several files, the
//! facts that the recorded range and losses follow from are those of the main log, the parts of the kernel's session.

use poolscope_etl::buffer::{TYPE_HEADER, flag};
use poolscope_etl::diagnostics::Diagnostics;
use poolscope_etl::file::{BufferRef, LogfileHeader, Tail, TraceFile, TracePart, UnreadableRange};

/// Facts about a trace as a whole, from any reader.
#[derive(Debug)]
pub struct SessionInfo {
    /// Log-file header.
    pub logfile: LogfileHeader,
    /// Size of the file; of several, of those of the main log with the estimated size of what is missing between them.
    pub file_bytes: u64,
    /// Number of buffers, of the main log; `None` if the reader does not show buffers.
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
    /// The files of the trace; empty if the reader does not show buffers.
    pub parts: Vec<TracePart>,
    /// Number of buffers of all files.
    pub all_buffers: Option<BufferCounts>,
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
        let buffers = main_buffers(file);
        let main_end = file.parts.iter().filter(|part| part.is_main).map(|part| part.base + part.file_bytes).max();
        Self {
            logfile: file.logfile.clone(),
            file_bytes: main_end.unwrap_or_else(|| file.file_bytes()),
            buffers: Some(BufferCounts::of(buffers)),
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
            parts: file.parts.clone(),
            all_buffers: Some(BufferCounts::of(&file.layout.buffers)),
        }
    }

    /// Size of all files.
    pub fn all_bytes(&self) -> u64 {
        if self.parts.is_empty() { self.file_bytes } else { self.parts.iter().map(|part| part.file_bytes).sum() }
    }

    /// Number of the buffers of the main log, which come first in the order of the trace.
    pub fn main_buffers(&self) -> Option<u32> {
        let end = self.parts.iter().filter(|part| part.is_main).map(|part| part.buffers.end).max()?;
        u32::try_from(end).ok()
    }

    /// Last part of the main log; `None` if the reader does not show buffers.
    pub fn last_main_part(&self) -> Option<&TracePart> {
        self.parts.iter().rfind(|part| part.is_main)
    }
}

/// The buffers of the main log.
fn main_buffers(file: &TraceFile) -> &[BufferRef] {
    let end = file.parts.iter().filter(|part| part.is_main).map(|part| part.buffers.end).max();
    let buffers = file.layout.buffers.as_slice();
    end.and_then(|end| buffers.get(..end)).unwrap_or(buffers)
}

impl BufferCounts {
    fn of(buffers: &[BufferRef]) -> Self {
        let compressed = buffers.iter().filter(|buffer| buffer.header.is_compressed()).count() as u64;
        Self { total: buffers.len() as u64, compressed }
    }
}

/// Highest sequence number of the buffers other than the header buffer; `None` if two buffers have the same one.
fn newest_sequence(buffers: &[BufferRef]) -> Option<i64> {
    let body = buffers.iter().filter(|buffer| buffer.header.kind != TYPE_HEADER);
    let mut numbers: Vec<i64> = body.map(|buffer| buffer.header.sequence).collect();
    numbers.sort_unstable();
    numbers.windows(2).all(|pair| pair[0] != pair[1]).then(|| numbers.last().copied()).flatten()
}
