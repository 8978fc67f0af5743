//! Writes `.etl` files record by record: per-CPU buffers, header buffer, compression, circular and lossy files.
//!
//! Also used directly by tests that need an exact sequence of records. It knows record layouts, not scenarios, and does not check
//! that records are consistent: invalid traces must be writable too.

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
mod record_counter;
mod split;
pub mod stack;
pub mod system;
#[cfg(test)]
mod tests;
mod xpress;

pub use bytes::Sink;
pub use file::{PlacedBuffer, TraceWriter, WriteSummary};
pub use guid::{Guid, guids};
pub use header::{
    EventHeader, EventInstanceHeader, EventTraceHeader, ExtendedItem, KernelHeader, KernelHeaderForm, RecordHeader,
    TraceMessageHeader,
};
pub use options::{Clock, Compression, FileMode, RecordScope, TraceOptions, Width};
pub use record_counter::{RecordCounter, RecordKey};
pub use split::{PartHeaders, split_by_time};
pub use xpress::Compressor;
