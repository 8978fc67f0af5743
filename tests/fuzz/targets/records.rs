//! Any bytes are framed without leaving their bounds and without standing still.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolscope_etl::record::Records;

fuzz_target!(|body: &[u8]| {
    let mut records = Records::new(body);
    let mut end = 0;
    for record in records.by_ref() {
        assert!(record.offset >= end && record.offset % 8 == 0);
        assert!(record.offset + record.payload.len() <= body.len());
        end = record.offset + 8;
    }
    if let Some((at, _)) = records.damage() {
        assert!(at >= end && at < body.len());
    }
});
