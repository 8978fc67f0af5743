//! Decompression of arbitrary bytes stays within its cap, and decompressing compressed bytes restores them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolscope_etl::xpress::{StreamEnd, decompress};
use poolscope_synth::writer::Compressor;

fuzz_target!(|input: (u16, &[u8])| {
    let (cap, bytes) = (usize::from(input.0), input.1);
    let mut output = Vec::new();
    decompress(bytes, &mut output, cap);
    assert!(output.len() <= cap);
    let mut stream = Vec::new();
    Compressor::new().compress(bytes, &mut stream);
    assert_eq!(decompress(&stream, &mut output, bytes.len()), StreamEnd::Complete);
    assert_eq!(output, bytes);
});
