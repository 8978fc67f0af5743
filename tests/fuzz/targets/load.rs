//! Any file is refused or loaded: without a panic, and with no more records than its bytes can hold.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolscope_etl::file::TraceFile;
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_analysis::load::{LoadOptions, load};

fuzz_target!(|bytes: &[u8]| {
    let Ok(file) = TraceFile::from_bytes(bytes.to_vec(), "fuzz.etl") else { return };
    let body = |buffer: &poolscope_etl::file::BufferRef| {
        let header = &buffer.header;
        let most = if header.is_compressed() { header.filled_bytes } else { 0 };
        u64::from(most.max(buffer.present_bytes))
    };
    let capacity: u64 = file.layout.buffers.iter().map(body).sum();
    let loaded = load(file, LoadOptions::default(), &Progress::default(), &CancelToken::none());
    let trace = loaded.expect("what opens can be loaded");
    assert!(trace.census.records <= capacity / 8);
    assert!(trace.allocations.len() as u64 <= trace.census.pool_allocs + trace.census.pool_frees);
});
