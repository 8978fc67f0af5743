//! Tests of the trace writer's buffers on the bytes.

use std::io::Cursor;

use super::{Compression, FileMode, RecordKey, TraceOptions, TraceWriter};
use crate::SynthError;

fn options() -> TraceOptions {
    TraceOptions { buffer_size: 1024, cpus: 2, ..TraceOptions::default() }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn fill(writer: &mut TraceWriter<Cursor<Vec<u8>>>, cpu: u16, records: i64) -> Vec<u64> {
    (0..records).map(|n| writer.system(cpu, 0x0E20, 2, 1000 + n, (4, 8), &[0; 24]).unwrap()).collect()
}

#[test]
fn buffers_are_full_flagged_and_counted() {
    let mut writer = TraceWriter::in_memory(options()).unwrap();
    // 952 bytes of body hold 17 records of 56 bytes.
    let ids = fill(&mut writer, 1, 18);
    assert_eq!((ids[16], ids[17]), (0, 1));
    let (out, summary) = writer.finish().unwrap();
    let bytes = out.into_inner();
    assert_eq!((bytes.len(), summary.bytes, summary.buffers), (3072, 3072, 3));
    assert_eq!(summary.records.of(RecordKey::Hook(0x0E20)), 18);
    assert_eq!(summary.records.records(), 20);
    assert_eq!(u32_at(&bytes, 104 + 36), 3);
    let (first, last) = (&bytes[1024..2048], &bytes[2048..]);
    assert_eq!((u32_at(first, 0x30), u32_at(last, 0x30)), (72 + 17 * 56, 72 + 56));
    assert_eq!((first[0x34], last[0x34]), (0x20, 0x21));
    assert_eq!((first[0x18], last[0x18], first[0x28]), (1, 2, 1));
    assert_eq!(first[72..80], [2, 0, 2, 0xC0, 56, 0, 0x20, 0x0E]);
    assert!(last[128..].iter().all(|&byte| byte == 0xFF));
}

#[test]
fn a_circular_file_overwrites_its_oldest_slot() {
    let mode = FileMode::Circular { buffers: 2 };
    let mut writer = TraceWriter::in_memory(TraceOptions { mode, ..options() }).unwrap();
    fill(&mut writer, 0, 17 * 3);
    let (out, summary) = writer.finish().unwrap();
    let bytes = out.into_inner();
    assert_eq!((bytes.len(), summary.buffers), (3072, 3));
    assert_eq!(summary.missing_buffers, [0]);
    assert_eq!(summary.records.of(RecordKey::Hook(0x0E20)), 34);
    assert_eq!((bytes[1024 + 0x18], bytes[2048 + 0x18]), (3, 2));
    assert_eq!((bytes[1024 + 0x34], bytes[2048 + 0x34]), (0x21, 0x20));
    assert_eq!((u32_at(&bytes, 104 + 32) & 2, u32_at(&bytes, 104 + 36)), (2, 4));
}

#[test]
fn buffering_keeps_the_last_buffers_only() {
    let mode = FileMode::Buffering { buffers: 2 };
    let compression = Compression::Filled;
    let mut writer = TraceWriter::in_memory(TraceOptions { mode, compression, ..options() }).unwrap();
    fill(&mut writer, 0, 17 * 4);
    let (_, summary) = writer.finish().unwrap();
    assert_eq!(summary.missing_buffers, [0, 1]);
    assert_eq!((summary.buffers, summary.compressed_buffers), (3, 2));
}

#[test]
fn both_compressors_give_their_sizes() {
    for (compression, saved) in [(Compression::Filled, 128), (Compression::Whole, 1024)] {
        let mut writer = TraceWriter::in_memory(TraceOptions { compression, ..options() }).unwrap();
        fill(&mut writer, 0, 1);
        let bytes = writer.into_bytes().unwrap();
        let buffer = &bytes[1024..];
        assert_eq!(u32_at(buffer, 0) as usize, buffer.len());
        assert_eq!((u32_at(buffer, 4), u32_at(buffer, 0x30)), (saved, 128));
        assert_eq!(buffer[0x34], 0x61);
    }
}

#[test]
fn lost_and_swapped_buffers_show() {
    let mut writer = TraceWriter::in_memory(TraceOptions { swap_every: 1, ..options() }).unwrap();
    fill(&mut writer, 0, 3);
    writer.lose_buffer(0).unwrap();
    fill(&mut writer, 0, 1);
    writer.flag_events_lost(1).unwrap();
    writer.count_lost_events(5);
    fill(&mut writer, 1, 1);
    let (out, summary) = writer.finish().unwrap();
    let bytes = out.into_inner();
    assert_eq!(summary.missing_buffers, [0]);
    assert_eq!((u32_at(&bytes, 104 + 48), u32_at(&bytes, 104 + 276)), (5, 1));
    let (first, second) = (&bytes[1024..2048], &bytes[2048..]);
    assert_eq!((first[0x28], first[0x18], first[0x34]), (1, 3, 0x22));
    assert_eq!((second[0x28], second[0x18], second[0x34]), (0, 2, 0x25));
}

#[test]
fn what_cannot_be_written_is_refused() {
    let mut writer = TraceWriter::in_memory(options()).unwrap();
    assert!(matches!(writer.put_raw(0, &[0; 953]), Err(SynthError::RecordTooLarge { limit: 952, .. })));
    assert!(matches!(writer.put_raw(2, &[0; 8]), Err(SynthError::NoSuchCpu { cpu: 2, cpus: 2 })));
    let odd = TraceOptions { buffer_size: 1025, ..options() };
    assert!(matches!(TraceWriter::in_memory(odd), Err(SynthError::Params(_))));
    let mode = FileMode::Circular { buffers: 2 };
    let both = TraceOptions { mode, compression: Compression::Whole, ..options() };
    assert!(matches!(TraceWriter::in_memory(both), Err(SynthError::Params(_))));
}
