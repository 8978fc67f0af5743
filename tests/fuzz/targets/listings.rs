//! Any text is a listing or is refused: without a panic, with no more rows than two per line, and comparable with itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolscope_recording::poolmon::text::decode;
use poolscope_recording::poolmon::{compare, parse, suggest};

fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = parse(bytes) else { return };
    let lines = decode(bytes).lines().count();
    let rows: usize = document.listings.iter().map(|listing| listing.rows.len()).sum();
    assert!(rows + document.strange_count <= 2 * lines);
    for listing in &document.listings {
        assert!(compare(listing, listing).rows.iter().all(|row| row.bytes == 0 && row.blocks == 0));
        assert!(suggest(std::slice::from_ref(listing), None, 4).tags.len() <= 4);
    }
});
