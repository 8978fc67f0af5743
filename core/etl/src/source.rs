//! Records from another reader of a trace than the one here, such as Windows itself: one after the other, each with what
//! that reader says of it. Nothing here knows buffers or bytes of a file; what a payload means is not asked either.

use super::error::OpenError;
use super::record::{Record, RecordKey};
use std::ops::ControlFlow;

/// Takes the records of a [`RecordSource`].
pub trait RecordSink {
    /// Whether the payloads of records with this key are of use. A source may hand out all others without theirs.
    fn wants(&self, key: &RecordKey) -> bool;

    /// Takes the next record, with the processor that wrote it where the source knows. On `Break` no more are wanted: a
    /// source that cannot stop reads on, but hands out nothing.
    fn take(&mut self, record: &Record<'_>, cpu: Option<u16>) -> ControlFlow<()>;
}

/// A trace that something else reads.
///
/// The first record is the log-file header, as in a file. Kernel records may have the GUID and opcode of their event
/// instead of a hook. Times are raw ticks of the trace's clock, as stack records quote them: times that were converted
/// on the way would match no stack.
pub trait RecordSource: Send + Sync {
    /// What messages call it.
    fn name(&self) -> String;

    /// Size of the file in bytes.
    fn file_bytes(&self) -> u64;

    /// Hands out all records, each time from the beginning and in the same order.
    ///
    /// # Errors
    /// The trace cannot be read, or not to its end.
    fn walk(&self, sink: &mut dyn RecordSink) -> Result<(), OpenError>;
}
