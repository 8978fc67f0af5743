//! Slices of traces: a smaller valid trace with the records of a time range, and with what they need from outside of it. Images,
//! processes and facts about the system from before the range are written at its beginning and those from after it at its end, so that
//! the new file's recording is the range; definitions of stack keys that the range refers to follow at its end. Times are those of the
//! original trace.
//!
//! A slice is made in two passes over the file: `select` collects what is needed from outside, `write` copies the rest
//! buffer by buffer. `redact` replaces texts on the way.

mod redact;
mod select;
mod write;

use crate::event::EventKind;
use crate::file::{OpenError, TraceFile};
use poolscope_base::progress::CancelToken;
use select::select;
use std::io::{self, Seek, Write};

/// What to keep of a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SliceRequest {
    /// First and last raw timestamp of the range; both belong to it.
    pub range: (i64, i64),
    /// Replaces names of users, computers, folders and command lines, and drops every record whose texts are not understood.
    pub redacts: bool,
}

/// Content of a slice, and what was left out.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SliceReport {
    /// Number of records written from the range.
    pub records: u64,
    /// Number of pool events among them.
    pub pool_events: u64,
    /// Number of records from outside of the range that the slice needs: images, processes, system, stack definitions.
    pub needed_records: u64,
    /// Number of records outside of the range that were dropped.
    pub outside_records: u64,
    /// Number of pool allocations before the range among them, whose blocks may be outstanding in it.
    pub earlier_allocations: u64,
    /// Number of records without a time that were dropped: messages and unknown header types.
    pub timeless_records: u64,
    /// Number of records in the range that were dropped because a redacted slice holds only what is understood field by field.
    pub redacted_records: u64,
    /// Number of texts that were replaced.
    pub redacted_texts: u64,
    /// Number of buffers with bytes that could not be read.
    pub damaged_buffers: u64,
    /// Number of buffers written.
    pub buffers: u32,
    /// Bytes written.
    pub bytes: u64,
}

/// Reason why a slice was not written.
#[derive(Debug, thiserror::Error)]
pub enum SliceError {
    /// The trace cannot be read.
    #[error(transparent)]
    Read(#[from] OpenError),
    /// The slice cannot be written.
    #[error("cannot write the slice: {0}")]
    Write(#[from] io::Error),
    /// The trace has no log-file header that could be copied.
    #[error("the first record of the trace is no complete log-file header, without which a slice would not be a trace")]
    NoHeader,
    /// The range holds no record.
    #[error("the range holds no record of the trace")]
    EmptyRange,
    /// The user canceled.
    #[error("canceled")]
    Canceled,
}

/// Writes the slice of a trace.
///
/// # Errors
/// The trace cannot be read, has no header or nothing in the range, or the slice cannot be written. Damage of the trace is no error.
pub fn slice<W: Write + Seek>(
    file: &TraceFile,
    request: SliceRequest,
    out: &mut W,
    cancel: &CancelToken,
) -> Result<SliceReport, SliceError> {
    let selection = select(file, request, cancel)?;
    write::write(file, request, selection, out, cancel)
}

/// Use of a record in a slice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    /// Describes the system, an image or a process: kept from any time.
    Description,
    /// Definition of a stack key: kept from any time at or after the range if the range refers to the key.
    StackDefinition,
    /// Kept if it is in the range.
    Event,
}

impl Role {
    const fn of(kind: EventKind) -> Self {
        match kind {
            EventKind::ImageLoad
            | EventKind::ImageUnload
            | EventKind::ImageDcStart
            | EventKind::ImageDcEnd
            | EventKind::ProcessStart
            | EventKind::ProcessEnd
            | EventKind::ProcessDcStart
            | EventKind::ProcessDcEnd
            | EventKind::ImageId
            | EventKind::ImageRsds
            | EventKind::ImageFileVersion
            | EventKind::SystemCpu
            | EventKind::BuildInfo
            | EventKind::VolumeMapping
            | EventKind::GroupMasks => Self::Description,
            EventKind::StackKeyDefinition => Self::StackDefinition,
            _ => Self::Event,
        }
    }
}
