//! Arbitrary text is read as snapshots of poolmon or `!poolused` or is refused, with at most two rows per line, and
//! each snapshot equals itself in a comparison.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolscope_recording::poolmon::decode;
use poolscope_recording::poolmon::{compare, parse, suggest};

fuzz_target!(|bytes: &[u8]| {
    let Ok(file) = parse(bytes) else { return };
    let lines = decode(bytes).lines().count();
    let rows: usize = file.snapshots.iter().map(|snapshot| snapshot.rows.len()).sum();
    assert!(rows + file.unparsed_count <= 2 * lines);
    for snapshot in &file.snapshots {
        assert!(compare(snapshot, snapshot).rows.iter().all(|row| row.bytes == 0 && row.blocks == 0));
        assert!(suggest(std::slice::from_ref(snapshot), None, 4).tags.len() <= 4);
    }
});
