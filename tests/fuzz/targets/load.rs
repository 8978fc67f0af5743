//! Arbitrary bytes are refused as a file or loaded as a trace, with no more records than the bytes can contain.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolscope_analysis::load::{LoadOptions, load};
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::file::{BufferRef, TraceFile};

/// Upper bound on the bytes of a buffer's body.
fn body_bytes(buffer: &BufferRef) -> u64 {
    let decompressed = if buffer.header.is_compressed() { buffer.header.filled_bytes } else { 0 };
    u64::from(decompressed.max(buffer.present_bytes))
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(file) = TraceFile::from_bytes(bytes.to_vec(), "fuzz.etl") else { return };
    let capacity: u64 = file.layout.buffers.iter().map(body_bytes).sum();
    let loaded = load(file, LoadOptions::default(), &Progress::default(), &CancelToken::none());
    let trace = loaded.expect("an open file can be loaded");
    assert!(trace.statistics.records <= capacity / 8);
    assert!(trace.allocations.len() as u64 <= trace.statistics.pool_allocs + trace.statistics.pool_frees);
});
