//! Files with zeros, holes, damaged headers and converted line ends, and files that are no traces: figures survive, what is
//! missing is said, and what cannot be read is named.

use crate::recorded::{HEADER_PAYLOAD, end_of_cut, shapes};
use poolscope::gui::jobs::load::{Engine, Loader, Source};
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::time::Ticks;
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::diagnostics::DiagnosticKind;
use poolscope_synth::SynthParams;
use poolscope_synth::writer::{Compression, PlacedBuffer, Width};
use poolscope_tests::program::run;
use poolscope_tests::synthetic::{OnDisk, bytes_of, loaded, placed, try_load};
use poolscope_tests::variants;
use rayon::prelude::*;

/// What must not depend on a header's times: rows, sizes, and the time from each block's allocation to its free.
fn figures(trace: &Trace) -> (u64, u64, u64, u128, u128) {
    let table = &trace.allocations;
    let rows = 0..table.len();
    let sizes = rows.clone().map(|row| u128::from(table.size.at(row))).sum();
    let is_known = |row: &usize| table.alloc_time.at(*row).is_known() && table.free_time[*row].is_known();
    let life = |row: usize| (table.free_time[row].0 - table.alloc_time.at(row).0) as u128;
    let lives = rows.filter(is_known).map(life).sum();
    (trace.statistics.pool_allocs, trace.statistics.pool_frees, table.len() as u64, sizes, lives)
}

#[test]
fn every_bit_of_the_headers_times_leaves_figures_and_range_as_they_are() {
    let minute = SynthParams { duration_s: 60.0, ..variants::base(800) };
    let mut traces = vec![("sample", poolscope::sample::TRACE.to_vec(), 248)];
    for (name, width, compression) in [
        ("64-bit", Width::Bits64, Compression::None),
        ("32-bit", Width::Bits32, Compression::None),
        ("compressed", Width::Bits64, Compression::Filled),
    ] {
        let names = if width == Width::Bits32 { 240 } else { 248 };
        traces.push((name, bytes_of(&SynthParams { width, compression, ..minute.clone() }), names));
    }
    for (name, bytes, tail) in traces {
        let clean = loaded(bytes.clone());
        let fields = [
            ("record time", 88),
            ("end", HEADER_PAYLOAD + 16),
            ("frequency", HEADER_PAYLOAD + tail + 8),
            ("start", HEADER_PAYLOAD + tail + 16),
        ];
        let cases: Vec<(&str, usize, u32)> =
            fields.iter().flat_map(|(field, at)| (0..64).map(move |bit| (*field, *at, bit))).collect();
        let complaint = |(field, at, bit): &(&str, usize, u32)| {
            let mut flipped = bytes.clone();
            flipped[at + *bit as usize / 8] ^= 1 << (bit % 8);
            let trace = loaded(flipped);
            bit_complaint(&clean, &trace).map(|words| format!("{name}, bit {bit} of the {field}: {words}"))
        };
        let complaints: Vec<String> = cases.par_iter().filter_map(complaint).collect();
        assert!(complaints.is_empty(), "{}\n{}", complaints.len(), complaints[..complaints.len().min(8)].join("\n"));
    }
}

fn bit_complaint(clean: &Trace, trace: &Trace) -> Option<String> {
    if figures(clean) != figures(trace) {
        return Some(format!("{:?} instead of {:?}", figures(trace), figures(clean)));
    }
    let seconds = |trace: &Trace| {
        let range = trace.recorded.range;
        (range.to.0 - range.from.0) as f64 / trace.clock.ticks_per_second as f64
    };
    let (length, wanted) = (seconds(trace), seconds(clean));
    if (length / wanted - 1.0).abs() > 0.005 || trace.recorded.end_missing || trace.recorded.start_missing {
        return Some(format!("the range is {length} s instead of {wanted} s: {:?}", trace.recorded));
    }
    let extent = trace.clock.seconds(trace.extent.to) - trace.clock.seconds(trace.extent.from);
    if !(wanted * 0.9..=wanted * 1.15).contains(&extent) {
        return Some(format!("the whole is {extent} s"));
    }
    // Time zero, frequency, end and start of the wall clock are used where they are not replaced.
    let is_said = trace.diagnostics.count(DiagnosticKind::HeaderClock) > 0;
    let is_other =
        trace.clock.ticks_per_second != trace.summary.perf_freq as u64 || trace.recorded.header_end.is_none();
    if is_other && !is_said {
        return Some("times do not come from the header, and nothing says so".to_owned());
    }
    let start_off = (trace.clock.start_filetime - clean.clock.start_filetime).abs() as f64 / 1e7;
    let zero_off = trace.clock.seconds(trace.recorded.range.from) - clean.clock.seconds(clean.recorded.range.from);
    let is_off = start_off > 6.0 || zero_off.abs() > 6.0;
    is_off.then(|| format!("the start is {start_off} s off, time zero {zero_off} s"))
}

#[test]
fn all_records_at_one_time_are_said_to_be_so() {
    // One damaged clock gives all records the header's time: every timestamp of a plain trace is overwritten.
    let bytes = bytes_of(&SynthParams { stacks: poolscope_synth::scenario::StackMode::None, ..variants::base(300) });
    let file = poolscope_etl::file::TraceFile::from_bytes(bytes.clone(), "x.etl").expect("a trace");
    let mut still = bytes.clone();
    for buffer in &file.layout.buffers {
        let body = buffer.offset as usize + 72;
        let events = &bytes[body..buffer.offset as usize + buffer.header.filled_bytes as usize];
        for record in poolscope_etl::record::Records::new(events) {
            let is_short = matches!(events[record.offset + 2], 0x10 | 0x11);
            let at = body + record.offset + if is_short { 8 } else { 16 };
            if record.time.is_some() {
                still[at..at + 8].copy_from_slice(&388_000_000_500_i64.to_le_bytes());
            }
        }
    }
    let trace = loaded(still);
    assert_eq!(trace.diagnostics.count(DiagnosticKind::ConstantTimestamps), 1, "{:?}", trace.diagnostics.rows());
    assert_eq!(trace.recorded.range.from, trace.recorded.range.to);
    assert!(trace.statistics.pool_allocs > 0);
    assert_eq!(loaded(bytes).diagnostics.count(DiagnosticKind::ConstantTimestamps), 0);
}

/// Plain buffers: each record's place of its time, by buffer.
fn time_places(bytes: &[u8]) -> Vec<Vec<usize>> {
    let file = poolscope_etl::file::TraceFile::from_bytes(bytes.to_vec(), "x.etl").expect("a trace");
    let places = |buffer: &poolscope_etl::file::BufferRef| {
        let body = buffer.offset as usize + 72;
        let events = &bytes[body..buffer.offset as usize + buffer.header.filled_bytes as usize];
        let at = |record: poolscope_etl::record::Record<'_>| {
            body + record.offset + if matches!(events[record.offset + 2], 0x10 | 0x11) { 8 } else { 16 }
        };
        poolscope_etl::record::Records::new(events).map(at).collect()
    };
    file.layout.buffers.iter().skip(1).map(places).collect()
}

#[test]
fn a_damaged_time_of_one_record_neither_moves_the_range_nor_the_whole() {
    let bytes = bytes_of(&SynthParams { noise_share: 0.0, ..variants::base(600) });
    let clean = loaded(bytes.clone());
    let places = time_places(&bytes);
    let mut cases = Vec::new();
    for buffer in [0, places.len() / 2, places.len() - 1] {
        let records = &places[buffer];
        for record in [0, 1, records.len() / 2, records.len() - 1] {
            cases.extend([27, 33, 40, 50, 61, 62, 63].map(|bit: u32| (buffer, record, bit)));
        }
    }
    let complaint = |(buffer, record, bit): &(usize, usize, u32)| {
        let mut damaged = bytes.clone();
        let at = places[*buffer][*record];
        damaged[at + *bit as usize / 8] ^= 1 << (bit % 8);
        let trace = loaded(damaged);
        let (range, wanted) = (trace.recorded.range, clean.recorded.range);
        let near = |a: Ticks, b: Ticks| (a.0 - b.0).abs() < 20_000_000;
        let is_right =
            near(range.from, wanted.from) && near(range.to, wanted.to) && near(trace.extent.to, clean.extent.to);
        (!is_right).then(|| format!("bit {bit} of record {record} of buffer {buffer}: {range:?}, {:?}", trace.extent))
    };
    let complaints: Vec<String> = cases.par_iter().filter_map(complaint).collect();
    assert!(complaints.is_empty(), "{}\n{}", complaints.len(), complaints[..complaints.len().min(8)].join("\n"));
}

/// The time that some buffers cover, in ticks from time zero.
fn covered(params: &SynthParams, buffers: &[PlacedBuffer]) -> (i64, i64) {
    let times = buffers.iter().filter_map(|buffer| buffer.ticks);
    let zero = params.options().start_ticks;
    let (from, to) = times.fold((i64::MAX, i64::MIN), |(from, to), ticks| (from.min(ticks.0), to.max(ticks.1)));
    (from - zero, to - zero)
}

#[test]
fn a_tail_of_zeros_is_measured_and_ends_the_range() {
    for (name, params) in shapes() {
        let (bytes, buffers) = placed(&params);
        for start in [bytes.len() * 8 / 10, buffers[buffers.len() * 8 / 10].offset as usize, bytes.len() * 99 / 100] {
            let mut zeroed = bytes.clone();
            zeroed[start..].fill(0);
            let trace = loaded(zeroed);
            let bytes_of_zeros = trace.diagnostics.count(DiagnosticKind::ZeroedBytes) as usize;
            let wanted = bytes.len() - start;
            // A stored buffer ends in some zeros of its own, and where the fill of the last one begins nothing is missing.
            let is_measured = bytes_of_zeros + params.buffer_size as usize >= wanted && bytes_of_zeros <= wanted + 64;
            assert!(is_measured, "{name} from {start}: {bytes_of_zeros} of {wanted}");
            assert!(trace.recorded.end_missing, "{name} from {start}: {:?}", trace.recorded);
            if let Some((least, most)) = end_of_cut(&params, &buffers, start) {
                let to = trace.recorded.range.to.0;
                assert!((least..=most).contains(&to), "{name} from {start}: {to}, wanted {least}..{most}");
            }
            assert_eq!(trace.diagnostics.count(DiagnosticKind::BadBuffer), 0, "{name} from {start}");
        }
    }
}

#[test]
fn reading_goes_on_behind_zeros_in_the_middle_which_are_a_hole() {
    for (name, params) in shapes() {
        let (bytes, buffers) = placed(&params);
        let clean = loaded(bytes.clone());
        let count = buffers.len();
        for (from, to, shift) in
            [(4, 5, 0), (3, 6, 40), (count / 3, count / 2, 1_234), (count / 2, count / 2 + 2, 4_000)]
        {
            let (first, last) = (&buffers[from], &buffers[to - 1]);
            let range = first.offset as usize + shift..(last.offset + last.bytes) as usize + shift;
            let mut zeroed = bytes.clone();
            zeroed[range.clone()].fill(0);
            let trace = loaded(zeroed);
            let recorded = &trace.recorded;
            let what = format!("{name}, zeros in {range:?}: {recorded:?}");
            assert_eq!(recorded.range, clean.recorded.range, "{what}");
            assert!(!recorded.end_missing, "{what}");
            let zeros = trace.diagnostics.count(DiagnosticKind::ZeroedBytes) as usize;
            assert!(
                zeros + 2 * params.buffer_size as usize >= range.len() && zeros <= range.len() + 64,
                "{zeros}: {what}"
            );
            // Buffers that are gone as a whole, and those that are read behind them.
            let gone: Vec<PlacedBuffer> = buffers
                .iter()
                .copied()
                .filter(|b| b.offset >= range.start as u64 && b.offset + b.bytes <= range.end as u64)
                .collect();
            let behind: u64 = buffers.iter().filter(|b| b.offset >= range.end as u64).map(|b| b.records).sum();
            assert!(trace.statistics.records >= behind, "{what}");
            let (gone_from, gone_to) = covered(&params, &gone);
            let is_in_hole = |time: i64| recorded.holes.iter().any(|h| h.range.from.0 <= time && time <= h.range.to.0);
            let is_covered = gone.is_empty() || (is_in_hole(gone_from) && is_in_hole(gone_to));
            assert!(is_covered, "{gone_from}..{gone_to}: {what}");
            let missing: u64 = gone.iter().map(|b| b.records).sum();
            let counted = recorded.missing_events();
            assert!(counted * 3 >= missing && counted <= missing * 3 + 600, "{missing} missing: {what}");
        }
    }
}

#[test]
fn the_longer_part_is_analyzed_where_a_hole_took_more_than_a_tenth() {
    let params = SynthParams { duration_s: 60.0, ..shapes()[0].1.clone() };
    let (bytes, buffers) = placed(&params);
    let count = buffers.len();
    let zeroed = |range: std::ops::Range<usize>| {
        let mut zeroed = bytes.clone();
        let last = &buffers[range.end - 1];
        zeroed[buffers[range.start].offset as usize..(last.offset + last.bytes) as usize].fill(0);
        loaded(zeroed)
    };
    let trace = zeroed(count / 4..count / 2);
    let (from, to) = covered(&params, &buffers[count / 4..count / 2]);
    let recorded = &trace.recorded;
    assert!((0.2..0.3).contains(&recorded.missing_share()), "{recorded:?}");
    // The part behind the hole is the longer one.
    assert_eq!(recorded.analyzable.to, recorded.range.to);
    let longest = buffers.iter().filter_map(|b| b.ticks).map(|(first, last)| last - first).max().expect("buffers");
    assert!((recorded.analyzable.from.0 - to).abs() <= longest, "{recorded:?}, hole {from}..{to}");
    let small = zeroed(count / 2..count / 2 + count / 30);
    assert!(!small.recorded.holes.is_empty() && small.recorded.missing_share() < 0.1, "{:?}", small.recorded);
    assert_eq!(small.recorded.analyzable, small.recorded.range, "a small hole cuts nothing");
}

#[test]
fn buffers_that_were_lost_while_recording_are_holes() {
    for lost_buffers in [1, 4] {
        let trace = loaded(bytes_of(&SynthParams { lost_buffers, ..shapes()[0].1.clone() }));
        let recorded = &trace.recorded;
        assert!(!recorded.end_missing && !recorded.holes.is_empty(), "{recorded:?}");
        assert!(recorded.holes.len() as u32 <= lost_buffers, "{recorded:?}");
    }
}

#[test]
fn unknown_flags_and_types_of_buffers_are_read_and_said() {
    let (bytes, buffers) = placed(&shapes()[0].1);
    let clean = loaded(bytes.clone());
    for (at, value) in [(0x34, 0x0121_u16), (0x34, 0x00a1), (0x36, 9), (0x36, 0x4000)] {
        let mut odd = bytes.clone();
        let place = buffers[3].offset as usize + at;
        odd[place..place + 2].copy_from_slice(&value.to_le_bytes());
        let trace = loaded(odd);
        assert_eq!(figures(&trace), figures(&clean), "{value:#x} at {at:#x}");
        assert_eq!(trace.diagnostics.count(DiagnosticKind::UnknownBufferKind), 1, "{value:#x} at {at:#x}");
        assert_eq!(trace.diagnostics.count(DiagnosticKind::BadBuffer), 0, "{value:#x} at {at:#x}");
    }
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 64);
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(from) {
            out.extend_from_slice(to);
            at += from.len();
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

#[test]
fn a_trace_with_converted_line_ends_is_refused_or_flagged() {
    let mut traces: Vec<(String, Vec<u8>)> =
        shapes().iter().map(|(name, params)| ((*name).to_owned(), bytes_of(params))).collect();
    traces.push(("sample".to_owned(), poolscope::sample::TRACE.to_vec()));
    traces.extend(poolscope_tests::corpus::real_traces().iter().map(|real| (real.name.clone(), real.bytes())));
    for (name, bytes) in traces {
        let longer = replaced(&bytes, b"\n", b"\r\n");
        if bytes.iter().filter(|&&b| b == b'\n').count() >= 4 {
            let error = try_load(longer).expect_err(&format!("{name} is mangled")).to_string();
            assert!(error.contains("line ends") && error.contains(".gitattributes"), "{name}: {error}");
        }
        let shorter = replaced(&bytes, b"\r\n", b"\n");
        if shorter.len() < bytes.len() {
            let said = match try_load(shorter) {
                Ok(trace) => trace
                    .diagnostics
                    .rows()
                    .iter()
                    .any(|row| row.kind.severity() > poolscope_etl::diagnostics::Severity::Info),
                Err(error) => error.to_string().contains("is not an event trace log"),
            };
            assert!(said, "{name}: nothing says that bytes were taken out");
        }
    }
}

#[test]
fn a_trace_whose_line_ends_lost_their_first_half_is_flagged() {
    // Plain buffers, each with a pair in its events: all buffers behind begin too early.
    let (bytes, buffers) = placed(&shapes()[0].1);
    let mut with_pairs = replaced(&bytes, b"\r\n", b"\r\r");
    for buffer in &buffers {
        let fill = (buffer.offset + buffer.bytes) as usize - 4;
        with_pairs[fill..fill + 2].copy_from_slice(b"\r\n");
    }
    assert_eq!(loaded(with_pairs.clone()).diagnostics.count(DiagnosticKind::ConvertedLineEnds), 0);
    let trace = loaded(replaced(&with_pairs, b"\r\n", b"\n"));
    assert_eq!(trace.diagnostics.count(DiagnosticKind::ConvertedLineEnds), 1, "{:?}", trace.diagnostics.rows());
}

#[test]
fn what_is_opened_by_mistake_is_named_on_the_command_line_and_in_the_window() {
    let wide: Vec<u8> =
        b"\xff\xfe".iter().copied().chain(" Tag  Type  Allocs\r\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let mut blg = bytes_of(&variants::base(50));
    let pdh = [0xb3, 0x3b, 0x3f, 0x93, 0x3e, 0x94, 0x0d, 0x49, 0x9c, 0xed, 0x3c, 0xbb, 0x14, 0xc1, 0x44, 0x79];
    // All records of its second buffer are those of PDH: one full header after the other.
    let second = 16_384 + 72;
    let filled = u32::from_le_bytes(blg[16_384 + 0x30..][..4].try_into().expect("4 bytes")) as usize;
    for at in (second..16_384 + filled - 47).step_by(48) {
        blg[at..at + 4].copy_from_slice(&[48, 0, 0x14, 0xc0]);
        blg[at + 24..at + 40].copy_from_slice(&pdh);
    }
    let cases: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        ("html", b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>".to_vec(), "web page", "download"),
        (
            "lfs",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n".to_vec(),
            "Git LFS",
            "git lfs pull",
        ),
        ("nettrace", [&b"Nettrace\x14\0\0\0!FastSerialization.1"[..], &[0; 300]].concat(), ".NET", "PerfView"),
        ("pcapng", b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0".to_vec(), "pcapng", "Wireshark"),
        ("dump", [&b"PAGEDU64\x0f\0\0\0"[..], &[0x50; 8192]].concat(), "kernel dump", "!poolused"),
        (
            "poolmon",
            b" Memory: 16777216K Avail: 1K\r\n Tag  Type     Allocs   Frees\r\n".to_vec(),
            "poolmon",
            "poolscope poolmon",
        ),
        ("wide poolmon", wide, "poolmon", "poolscope poolmon"),
        ("profile", b"<?xml version=\"1.0\"?><WindowsPerformanceRecorder/>".to_vec(), "profile", "wpr"),
        ("zeros", vec![0; 300_000], "zeros", "Copy"),
        ("blg", blg, "performance counters", "relog"),
        ("exe", [&b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0"[..], &[0; 4096]].concat(), "PE", ".etl"),
    ];
    for (name, bytes, what, next) in cases {
        let file = OnDisk::new("wrong.etl", &bytes);
        let ran = run(&["info", file.path()]);
        assert_eq!(ran.code, 1, "{name}: {}", String::from_utf8_lossy(&ran.out));
        for part in [what, next, "wrong.etl", "at offset"] {
            assert!(ran.err.contains(part), "{name}: {} does not hold {part}", ran.err);
        }
        let failure = Engine
            .load(&Source::File(file.path().into()), &Progress::default(), &CancelToken::none())
            .expect_err("it is no trace");
        assert!(failure.what.contains(what) && failure.next.contains(next), "{name}: {failure:?}");
        assert!(ran.err.contains(&failure.what) && ran.err.contains(&failure.next), "{name}: {failure:?}");
    }
}

#[test]
fn the_collected_wrong_files_are_named() {
    let folder = poolscope_tests::root().join("../shared/cases/not-a-trace");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        poolscope_tests::skipped(&format!("{} is missing", folder.display()));
        return;
    };
    let words =
        [("gzip", "gzip"), ("html", "web page"), ("lfs", "Git LFS"), ("nettrace", ".NET"), ("pcapng", "pcapng")];
    let mut seen = 0;
    for path in entries.flatten().map(|entry| entry.path()) {
        let ran = run(&["info", path.to_str().expect("an ordinary name")]);
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let wanted = words.iter().find(|(start, _)| name.starts_with(start)).map(|(_, word)| *word);
        assert!(ran.code == 1 && wanted.is_none_or(|word| ran.err.contains(word)), "{name}: {}", ran.err);
        seen += 1;
    }
    assert!(seen >= 5);
}
