//! Writes `.etl` files record by record: per-CPU buffers, header buffer, compression, circular and lossy files.
//!
//! Layer one of the generator, for tests that need an exact sequence of records. It knows layouts, never a
//! scenario, and it never checks that records make sense together: a wrong trace must be writable too.

mod buffer;
mod bytes;
mod file;
mod guid;
mod header;
pub mod image;
mod logfile;
mod options;
pub mod pool;
pub mod process;
pub mod stack;
pub mod system;
mod record_counter;
#[cfg(test)]
mod tests;
mod xpress;

pub use bytes::Sink;
pub use file::{PlacedBuffer, TraceWriter, WriteSummary};
pub use guid::{Guid, guids};
pub use header::{EventHeader, ExtendedItem, EventTraceHeader, RecordHeader, EventInstanceHeader, KernelHeaderForm, KernelHeader, TraceMessageHeader};
pub use options::{Clock, Compression, FileMode, TraceOptions, Width};
pub use record_counter::{RecordKey, RecordCounter};
pub use xpress::Compressor;
