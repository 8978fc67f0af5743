//! Record framing and the decoders of all events on arbitrary bytes: records stay within the body, in ascending order,
//! and no payload makes a decoder panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolscope_etl::event::Event;
use poolscope_etl::record::Records;

fuzz_target!(|body: &[u8]| {
    let mut records = Records::new(body);
    let mut end = 0;
    for record in records.by_ref() {
        assert!(record.offset >= end && record.offset % 8 == 0);
        assert!(record.offset + record.payload.len() <= body.len());
        end = record.offset + 8;
        drop(Event::decode(&record));
    }
    if let Some((offset, _)) = records.damage() {
        assert!(offset >= end && offset < body.len());
    }
});
