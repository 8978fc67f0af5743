//! Tests of generated traces with a minimal parser that shares no code with the reader.

use std::io::Cursor;

use super::*;
use crate::ground_truth::AllocationTotals;
use crate::writer::{Clock, Compression, FileMode, RecordKey, Width};

fn small() -> SynthParams {
    SynthParams { allocations: 3_000, preexisting: 200, duration_s: 5.0, buffer_size: 16_384, ..SynthParams::default() }
}

fn written(params: &SynthParams, request: Option<&GroundTruthRequest>) -> (Vec<u8>, SynthSummary) {
    let mut out = Cursor::new(Vec::new());
    let summary = write_trace(&mut out, params, request).unwrap();
    (out.into_inner(), summary)
}

fn truth_of(params: &SynthParams) -> GroundTruth {
    written(params, Some(&GroundTruthRequest::default())).1.truth.unwrap()
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().unwrap()
}

/// Timestamp offset and size of the record at `at`.
fn record_shape(bytes: &[u8], at: usize) -> (usize, usize) {
    let word = |at| usize::from(u16::from_le_bytes(field(bytes, at)));
    match (bytes[at + 3], bytes[at + 2]) {
        (0xC0, 1..=4) => (16, word(at + 4)),
        (0xC0, 0x10 | 0x11) => (8, word(at + 4)),
        (0xC0, _) => (16, word(at)),
        (0x90, _) => (24, word(at)),
        other => panic!("no record at {at}: {other:?}"),
    }
}

/// Counts the records of a plain file; checks strides, ends and the order of time on each CPU.
fn walk(bytes: &[u8]) -> u64 {
    let (mut at, mut records) = (0, 0);
    let mut last = std::collections::BTreeMap::new();
    while at < bytes.len() {
        let size = u32::from_le_bytes(field(bytes, at)) as usize;
        let filled = u32::from_le_bytes(field(bytes, at + 0x30)) as usize;
        let cpu = bytes[at + 0x28];
        let (mut record, end) = (at + 72, at + filled);
        while record < end {
            let (time_at, len) = record_shape(bytes, record);
            let ticks = i64::from_le_bytes(field(bytes, record + time_at));
            let before = last.insert(cpu, ticks).unwrap_or(i64::MIN);
            assert!(before <= ticks, "time goes back at {record}");
            record += len.next_multiple_of(8);
            records += 1;
        }
        assert_eq!(record, end);
        assert!(bytes[end..at + size].iter().all(|&byte| byte == 0xFF));
        at += size;
    }
    assert_eq!(at, bytes.len());
    records
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let request = GroundTruthRequest { stacks: true, curve_points: 10, ranges: vec![(1.0, 2.0)], events: true };
    let (first, _) = written(&small(), None);
    let (second, _) = written(&small(), Some(&request));
    assert!(first == second, "asking for the truth changes nothing");
    let (other, _) = written(&SynthParams { seed: 2, ..small() }, None);
    assert!(first != other);
}

#[test]
fn every_header_form_can_be_walked() {
    for headers in
        [HeaderStyle::Kernel, HeaderStyle::Compact, HeaderStyle::PerfInfo, HeaderStyle::Guid, HeaderStyle::Mixed]
    {
        for width in [Width::Bits64, Width::Bits32] {
            for merged in [false, true] {
                let params = SynthParams { headers, width, merged, noise_share: 1.5, ..small() };
                let (bytes, summary) = written(&params, Some(&GroundTruthRequest::default()));
                let truth = summary.truth.unwrap();
                assert_eq!(walk(&bytes), truth.records, "{headers:?} {width:?} {merged}");
                assert_eq!(truth.bytes, bytes.len() as u64);
            }
        }
    }
}

#[test]
fn a_complete_trace_has_no_implied_ends_and_no_orphans() {
    for stacks in [StackMode::None, StackMode::Inline, StackMode::Keyed, StackMode::Mixed] {
        let params = SynthParams { stacks, key_cache: 16, noise_share: 0.5, ..small() };
        let truth = truth_of(&params);
        assert_eq!(truth.pool.alloc_events, 3_000);
        assert_eq!((truth.pool.implied_frees, truth.pool.implied_allocations), (0, 0));
        assert_eq!(truth.pool.allocations, 3_000 + truth.pool.unknown_allocations);
        assert!(truth.pool.unknown_allocations > 50);
        assert_eq!((truth.stacks.orphans, truth.stacks.unresolved), (0, 0));
        let events = truth.pool.alloc_events + truth.pool.free_events;
        let expected = if stacks == StackMode::None { 0 } else { events };
        assert_eq!(truth.stacks.pool_events_with_stack, expected, "{stacks:?}");
        if stacks == StackMode::Keyed {
            assert!(truth.hooks["0x1823"] > 500, "keys are used again: {:?}", truth.hooks);
        }
    }
}

#[test]
fn cpu_samples_have_stacks_of_their_own() {
    let base = SynthParams { stacks: StackMode::Keyed, ..small() };
    let (plain, mixed) = (truth_of(&base), truth_of(&SynthParams { sample_share: 4.0, sample_stacks: 500, ..base }));
    let samples = mixed.hooks["0x0F2E"] - plain.hooks.get("0x0F2E").copied().unwrap_or(0);
    assert!((11_000..13_000).contains(&samples), "{samples} samples of 3000 allocations");
    let stacks = mixed.stacks.other_events - plain.stacks.other_events;
    assert!((samples..2 * samples).contains(&stacks), "{stacks} stacks of {samples} samples");
    assert_eq!((mixed.stacks.orphans, mixed.stacks.unresolved), (0, 0));
    let events = mixed.pool.alloc_events + mixed.pool.free_events;
    assert_eq!(mixed.stacks.pool_events_with_stack, events, "pool events have theirs");
    assert!(mixed.stacks.definitions > samples, "keys are used again nearly every time");
}

#[test]
fn losses_leave_their_marks() {
    let params = SynthParams { loss_share: 0.05, lost_buffers: 3, allocations: 20_000, ..small() };
    let truth = truth_of(&params);
    assert!(truth.events_lost > 1_000 && truth.buffers_lost == 3);
    assert!(truth.pool.implied_frees > 100 && truth.pool.implied_allocations > 100, "{:?}", truth.pool);
    assert!(truth.stacks.orphans > 100);
    assert_eq!(truth.buffers.missing, 3);
}

#[test]
fn lost_definitions_leave_keys_that_mean_other_stacks() {
    let base = SynthParams { stacks: StackMode::Keyed, key_cache: 16, ..small() };
    let whole = truth_of(&base);
    let truth = truth_of(&SynthParams { definition_loss: 0.2, ..base });
    assert_eq!((whole.events_lost, whole.stacks.unresolved), (0, 0));
    // Each is counted as a lost event, and their references are there.
    assert!(truth.events_lost > 100, "{}", truth.events_lost);
    // A definition comes when a key is used again, which a lost one does not prevent: nearly as many as there would be.
    let written = truth.stacks.definitions as f64;
    let share = f64::from(truth.events_lost) / (written + f64::from(truth.events_lost));
    assert!((0.15..0.25).contains(&share), "{share}");
    assert!(truth.stacks.unresolved < truth.stacks.references / 4, "later definitions stand in for the lost ones");
    assert!(truth.stacks.references > 3_000);
}

#[test]
fn full_files_forget_their_beginning() {
    for mode in [FileMode::Circular { buffers: 20 }, FileMode::Buffering { buffers: 20 }] {
        let params = SynthParams { mode, ..small() };
        let (bytes, summary) = written(&params, Some(&GroundTruthRequest::default()));
        let truth = summary.truth.unwrap();
        assert_eq!((truth.buffers.total, bytes.len()), (21, 21 * 16_384));
        assert!(truth.buffers.missing > 20);
        assert!(truth.pool.alloc_events < 3_000 && truth.pool.unknown_allocations > 0);
        assert!(summary.written.records.of(RecordKey::Hook(0)) == 1);
        assert_eq!(truth.events_lost, 0);
        if matches!(mode, FileMode::Buffering { .. }) {
            assert_eq!(walk(&bytes), truth.records);
        }
    }
}

#[test]
fn compression_changes_the_file_and_not_the_truth() {
    let plain = truth_of(&small());
    for compression in [Compression::Filled, Compression::Whole] {
        let params = SynthParams { compression, ..small() };
        let (bytes, summary) = written(&params, Some(&GroundTruthRequest::default()));
        let truth = summary.truth.unwrap();
        assert!(truth.bytes < plain.bytes * 2 / 3 && bytes.len() as u64 == truth.bytes);
        assert_eq!(truth.buffers.compressed, truth.buffers.total - 1);
        assert_eq!((&truth.ranges, &truth.stacks), (&plain.ranges, &plain.stacks));
    }
}

#[test]
fn the_planted_leak_stands_out_on_every_clock() {
    for clock in [Clock::Qpc, Clock::SystemTime, Clock::CpuCycles] {
        let params = SynthParams { clock, leak_share: 0.2, ..small() };
        let request = GroundTruthRequest { ranges: vec![(0.0, 2.5), (2.5, 5.0)], ..GroundTruthRequest::default() };
        let truth = written(&params, Some(&request)).1.truth.unwrap();
        assert!((4.9..5.2).contains(&truth.duration_s), "{}", truth.duration_s);
        let kept = |range: usize| {
            let rows = truth.ranges[range].rows.iter().filter(|row| row.kind == "AIFO" && row.tag == "Leak");
            rows.map(|row| row.totals.count).sum::<u64>()
        };
        // 600 allocations of which nine in ten stay.
        assert!((480..600).contains(&kept(0)), "{}", kept(0));
        assert!(kept(1) > 200 && kept(2) > 200);
        let sum = truth.ranges[0].rows.iter().fold(AllocationTotals::default(), |sum, row| AllocationTotals {
            count: sum.count + row.totals.count,
            size: sum.size + row.totals.size,
        });
        assert_eq!(sum, truth.ranges[0].total);
    }
}

#[test]
fn snapshots_agree_with_the_events() {
    let truth = truth_of(&SynthParams { session_share: 0.0, ..small() });
    let grown: i64 = truth.rundown_growth.iter().map(|entry| entry.paged_bytes + entry.nonpaged_bytes).sum();
    let of = |kind: &str| {
        let rows = truth.ranges[0].rows.iter().filter(|row| row.kind == kind);
        rows.map(|row| row.totals.size as i64).sum::<i64>()
    };
    assert_eq!(grown, of("AIFO") - of("AOFI"));
    assert!(truth.pool.rundown_records >= 4);
}

#[test]
fn a_target_size_is_met() {
    let params = SynthParams { target_bytes: Some(12 << 20), ..small() };
    let (bytes, _) = written(&params, None);
    let ratio = bytes.len() as f64 / f64::from(12 << 20);
    assert!((0.95..1.05).contains(&ratio), "{ratio}");
}

#[test]
fn contradictions_are_refused() {
    let circular = FileMode::Circular { buffers: 4 };
    let wrong = [
        SynthParams { threads: 2, ..small() },
        SynthParams { loss_share: 1.5, ..small() },
        SynthParams { merged: true, mode: circular, ..small() },
        SynthParams { compression: Compression::Filled, mode: circular, ..small() },
        SynthParams { duration_s: f64::NAN, ..small() },
    ];
    for params in wrong {
        let outcome = write_trace(Cursor::new(Vec::new()), &params, None);
        assert!(matches!(outcome, Err(SynthError::Params(_))), "{params:?}");
    }
}

/// File and offset of an address in the images.
fn place(entities: &Entities, address: u64) -> Option<(&str, u64)> {
    let image = entities.images.iter().find(|image| (image.base..image.base + image.size).contains(&address))?;
    Some((image.file.as_str(), address - image.base))
}

#[test]
fn a_relocation_moves_every_image_and_leaves_frames_in_their_functions() {
    let params = SynthParams::default();
    let before = draw_entities(&params).unwrap();
    let mut after = before.clone();
    after.relocate(3);
    for (old, new) in before.images.iter().zip(&after.images) {
        assert!(new.base > old.base && new.base.is_multiple_of(0x1_0000) == old.base.is_multiple_of(0x1_0000));
    }
    let ranges = |entities: &Entities| {
        let drivers = entities.images.iter().filter(|image| image.process.is_none());
        let mut ranges: Vec<(u64, u64)> = drivers.map(|image| (image.base, image.base + image.size)).collect();
        ranges.sort_unstable();
        ranges
    };
    assert!(ranges(&after).windows(2).all(|pair| pair[0].1 <= pair[1].0), "drivers do not overlap");
    let distances: std::collections::BTreeSet<u64> =
        ranges(&before).iter().zip(ranges(&after)).map(|(old, new)| new.0 - old.0).collect();
    assert_eq!(distances.len(), ranges(&after).len(), "each driver moves by another distance");
    let frames = |entities: &Entities| entities.stacks.iter().flatten().copied().collect::<Vec<u64>>();
    for (old, new) in frames(&before).into_iter().zip(frames(&after)) {
        assert_eq!(place(&before, old), place(&after, new));
        assert!(place(&after, new).is_some() && old != new);
    }
}
