//! Arbitrary text is read as snapshots or is refused, with at most two rows per line (of JSON, per object), each snapshot equals itself in
//! a comparison, and all of them are a series.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolscope_recording::poolmon::decode;
use poolscope_recording::poolmon::series::SeriesOptions;
use poolscope_recording::poolmon::{SnapshotInput, SnapshotSeries, compare, parse, suggest};

fuzz_target!(|bytes: &[u8]| {
    let Ok(file) = parse(bytes) else { return };
    let lines = decode(bytes).lines().count();
    let rows: usize = file.snapshots.iter().map(|snapshot| snapshot.rows.len()).sum();
    let is_json = file.snapshots.iter().any(|snapshot| snapshot.rows.len() > 2 * lines);
    assert!(is_json || rows + file.unparsed_count <= 2 * lines);
    for snapshot in &file.snapshots {
        assert!(compare(snapshot, snapshot).rows.iter().all(|row| row.bytes == 0 && row.blocks == 0));
        assert!(suggest(std::slice::from_ref(snapshot), None, 4).tags.len() <= 4);
    }
    let count = file.snapshots.len();
    let input = SnapshotInput::new(String::new(), None, file);
    let series = SnapshotSeries::new(vec![input], &SeriesOptions::default());
    assert!(series.is_some_and(|series| (1..=count).contains(&series.points.len())));
});
