//! Interface of a reader that delivers a trace record by record, such as the Windows API, instead of as a file with
//! buffers.

use crate::file::OpenError;
use crate::record::{Record, RecordKey};
use std::ops::ControlFlow;

/// Consumer of the records of a [`RecordSource`].
pub trait RecordSink {
    /// Returns `true` if the payloads of records with this key are needed. A source may deliver all others with empty
    /// payloads.
    fn wants(&self, key: &RecordKey) -> bool;

    /// Takes the next record, with the processor that wrote it if the source knows it. After `Break` no more records
    /// are wanted: a source that cannot stop reads on without delivering.
    fn take(&mut self, record: &Record<'_>, cpu: Option<u16>) -> ControlFlow<()>;
}

/// A trace that is delivered record by record.
///
/// The first record is the log-file header, as in a file. Kernel records may have the GUID and opcode of their event
/// instead of a hook. Times are raw ticks of the trace's clock: stack records quote these, so that converted times
/// would match no stack.
pub trait RecordSource: Send + Sync {
    /// Name of the trace in messages.
    fn name(&self) -> String;

    /// Size of the file in bytes.
    fn file_bytes(&self) -> u64;

    /// Delivers all records to `sink`, in each call from the beginning and in the same order.
    ///
    /// # Errors
    /// The trace cannot be read, or not to its end.
    fn walk(&self, sink: &mut dyn RecordSink) -> Result<(), OpenError>;
}
