//! Decompression of arbitrary bytes stays within its cap, and decompressing compressed bytes restores them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolscope_etl::xpress::{Decompressor, StreamEnd};
use poolscope_synth::writer::Compressor;

fuzz_target!(|input: (u16, &[u8])| {
    let (cap, bytes) = (usize::from(input.0), input.1);
    let mut memory = Decompressor::default();
    assert!(memory.decompress(bytes, cap).0.len() <= cap);
    let mut stream = Vec::new();
    Compressor::new().compress(bytes, &mut stream);
    assert_eq!(memory.decompress(&stream, bytes.len()), (bytes, StreamEnd::Complete));
});
