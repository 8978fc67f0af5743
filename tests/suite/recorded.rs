//! The recorded range of traces that are whole, cut, overwritten at their beginning or never closed. The truth is the
//! writer's own list of where each buffer went and which records of the system it got.

use poolscope_analysis::trace::Trace;
use poolscope_etl::diagnostics::DiagnosticKind;
use poolscope_synth::SynthParams;
use poolscope_synth::scenario::{HeaderStyle, StackMode};
use poolscope_synth::writer::{Compression, FileMode, PlacedBuffer, Width};
use poolscope_tests::corpus::real_traces;
use poolscope_tests::program::{json, run};
use poolscope_tests::synthetic::{OnDisk, loaded, placed, try_load};
use poolscope_tests::variants;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Start of the payload of the log-file header record.
pub const HEADER_PAYLOAD: usize = 104;

/// Ticks from time zero.
fn ticks(params: &SynthParams, raw: i64) -> i64 {
    raw - params.options().start_ticks
}

/// Ways to write a trace that place its records differently: enough events that every CPU fills several buffers.
pub fn shapes() -> Vec<(&'static str, SynthParams)> {
    let base = SynthParams { buffer_size: 8_192, duration_s: 20.0, ..variants::base(6_000) };
    vec![
        ("plain", base.clone()),
        ("one CPU", SynthParams { cpus: 1, ..base.clone() }),
        ("merged, compressed", SynthParams { merged: true, compression: Compression::Filled, ..base.clone() }),
        ("compressed whole", SynthParams { compression: Compression::Whole, ..base.clone() }),
        ("relogged", SynthParams { headers: HeaderStyle::Guid, merged: true, ..base.clone() }),
        ("keyed, 32-bit", SynthParams { width: Width::Bits32, stacks: StackMode::Keyed, ..base.clone() }),
        ("inline, 12 CPUs", SynthParams { cpus: 12, stacks: StackMode::Inline, allocations: 12_000, ..base.clone() }),
        ("without rundown", SynthParams { pool_rundown: false, stacks: StackMode::None, ..base }),
    ]
}

/// First and last kernel record of some buffers, by CPU.
fn ends(buffers: &[PlacedBuffer]) -> BTreeMap<u16, (i64, i64)> {
    let mut ends = BTreeMap::new();
    for buffer in buffers {
        let Some((first, last)) = buffer.ticks else { continue };
        let (from, to) = ends.entry(buffer.cpu).or_insert((first, last));
        (*from, *to) = (first.min(*from), last.max(*to));
    }
    ends
}

#[test]
fn a_whole_trace_is_recorded_from_its_first_to_its_last_kernel_record() {
    let check = |variant: &variants::Variant| {
        let (bytes, buffers) = placed(&variant.params);
        let all = ends(&buffers);
        let first = all.values().map(|ends| ends.0).min().expect("kernel records");
        let last = all.values().map(|ends| ends.1).max().expect("kernel records");
        let trace = loaded(bytes);
        let found = &trace.recorded;
        let wanted = (ticks(&variant.params, first), ticks(&variant.params, last));
        let is_whole = found.is_whole() && (found.range.from.0, found.range.to.0) == wanted;
        let cpus: BTreeMap<u16, (i64, i64)> =
            found.cpus.iter().map(|cpu| (cpu.cpu, (cpu.first.0, cpu.last.0))).collect();
        let planted =
            all.iter().map(|(cpu, ends)| (*cpu, (ticks(&variant.params, ends.0), ticks(&variant.params, ends.1))));
        let cpus_match = cpus == planted.collect();
        let clock =
            trace.diagnostics.count(DiagnosticKind::HeaderClock) + trace.diagnostics.count(DiagnosticKind::BadTime);
        (!is_whole || !cpus_match || clock > 0)
            .then(|| format!("{}: {found:?}, planted {wanted:?}; {:?}", variant.name, trace.diagnostics.rows()))
    };
    let whole = |variant: &variants::Variant| {
        variant.params.mode == FileMode::Sequential
            && variant.params.lost_buffers == 0
            && variant.params.loss_share == 0.0
            && variant.params.definition_loss == 0.0
    };
    let all: Vec<variants::Variant> = variants::all(1_500).into_iter().filter(whole).collect();
    assert!(all.len() > 10);
    let complaints: Vec<String> = all.par_iter().filter_map(check).collect();
    assert!(complaints.is_empty(), "{}\n{}", complaints.len(), complaints[..complaints.len().min(5)].join("\n"));
}

/// Where the range of a file ends of which only the first `cut` bytes are there, at the earliest and at the latest, in ticks
/// from time zero; `None` if nothing is gone, or everything.
pub fn end_of_cut(params: &SynthParams, buffers: &[PlacedBuffer], cut: usize) -> Option<(i64, i64)> {
    let (there, gone): (Vec<PlacedBuffer>, Vec<PlacedBuffer>) =
        buffers.iter().partition(|buffer| buffer.offset + buffer.bytes <= cut as u64);
    if gone.is_empty() {
        return None;
    }
    let here = ends(&there);
    // A CPU is known up to its last whole buffer, and as far as the torn one goes.
    let latest = |cpu: &u16| {
        let torn = gone.iter().filter(|b| b.cpu == *cpu && b.offset < cut as u64).filter_map(|b| b.ticks).map(|t| t.1);
        torn.max().unwrap_or(here[cpu].1)
    };
    let least = here.values().map(|ends| ends.1).min()?;
    let most = here.keys().map(latest).min()?;
    Some((ticks(params, least), ticks(params, most)))
}

/// What is wrong with the recorded range of a file of which only the first `cut` bytes are there.
fn cut_complaint(
    name: &str,
    params: &SynthParams,
    bytes: &[u8],
    buffers: &[PlacedBuffer],
    cut: usize,
) -> Option<String> {
    let (least, most) = end_of_cut(params, buffers, cut)?;
    let trace = loaded(bytes[..cut].to_vec());
    let recorded = &trace.recorded;
    let is_right = (least..=most).contains(&recorded.range.to.0);
    let is_said = recorded.end_missing
        && !recorded.start_missing
        && recorded.header_end.is_some_and(|end| end >= recorded.range.to);
    let extent_stays = trace.extent.to.0 == recorded.header_end.map_or(0, |end| end.0);
    (!is_right || !is_said || !extent_stays).then(|| {
        format!(
            "{name} cut at {cut} of {}: ends at {}, wanted {least}..{most}; {recorded:?}",
            bytes.len(),
            recorded.range.to.0
        )
    })
}

#[test]
fn a_cut_trace_ends_where_its_first_cpu_ends() {
    let check = |(name, params): &(&str, SynthParams)| {
        let (bytes, buffers) = placed(params);
        let any = [99, 97, 95, 90, 80, 60, 40].map(|percent| bytes.len() * percent / 100);
        let between = any.iter().filter_map(|cut| buffers.iter().rev().find(|b| b.offset as usize <= *cut));
        let between: Vec<usize> = between.map(|buffer| buffer.offset as usize).collect();
        let cuts = any.iter().chain(&between).copied().chain([bytes.len() - 1]);
        cuts.filter_map(|cut| cut_complaint(name, params, &bytes, &buffers, cut)).collect::<Vec<String>>()
    };
    let complaints: Vec<String> = shapes().par_iter().flat_map_iter(check).collect();
    assert!(complaints.is_empty(), "{}\n{}", complaints.len(), complaints[..complaints.len().min(5)].join("\n"));
}

#[test]
fn the_sample_cut_says_so_everywhere() {
    let bytes = poolscope::sample::TRACE;
    for percent in [99, 97, 95, 90, 80, 60, 40] {
        let file = OnDisk::new("cut.etl", &bytes[..bytes.len() * percent / 100]);
        let info = json(&["info", file.path(), "--format", "json"]);
        let to = info["recorded_range"]["to"].as_f64().expect("a number");
        assert_eq!(info["recording"]["end_missing"], true, "{percent}");
        assert_eq!(info["recording"]["holes"], serde_json::json!([]), "{percent}: what is cut off is no hole");
        // The sample writes evenly; a flush of its quietest CPU that matters takes some seconds.
        assert!(
            to < 61.2 * f64::from(percent as u32 + 8) / 100.0 && to > 61.2 * (percent as f64 - 45.0) / 100.0,
            "{percent}: {to}"
        );
        for command in [&["report"][..], &["series", "--points", "2"], &["leaks"]] {
            let line = [command, &[file.path(), "--format", "json"]].concat();
            let ran = run(&line);
            assert_eq!(ran.code, 0, "{line:?}: {}", ran.err);
            let document: serde_json::Value = serde_json::from_slice(&ran.out).expect("JSON");
            assert_eq!(document["recorded_range"], info["recorded_range"], "{line:?}");
            assert!(ran.err.contains("The end of the recording is missing"), "{line:?}: {}", ran.err);
        }
    }
    let ran = run(&["info", "--demo"]);
    let text = String::from_utf8(ran.out).expect("UTF-8");
    assert!(text.contains("The file holds the whole recording"), "{text}");
    assert_eq!(ran.err, "", "a whole trace warns of nothing");
}

#[test]
fn a_log_that_wrapped_begins_where_everything_is_there() {
    let base = SynthParams { buffer_size: 8_192, duration_s: 20.0, ..variants::base(6_000) };
    let mut checked = 0;
    for cpus in [1, 3, 8] {
        for slots in [6, 20, 60] {
            for (name, mode, compression) in [
                ("circular", FileMode::Circular { buffers: slots }, Compression::None),
                ("buffering", FileMode::Buffering { buffers: slots }, Compression::None),
                ("buffering, compressed", FileMode::Buffering { buffers: slots }, Compression::Filled),
            ] {
                let params = SynthParams { cpus, mode, compression, ..base.clone() };
                // The same records into a file that keeps all of them: buffers keep their numbers.
                let (_, all) = placed(&SynthParams { mode: FileMode::Sequential, ..params.clone() });
                let (bytes, kept) = placed(&params);
                let is_kept = |buffer: &&PlacedBuffer| kept.iter().any(|other| other.id == buffer.id);
                let gone = all.iter().filter(|buffer| !is_kept(buffer)).filter_map(|buffer| buffer.ticks);
                // With hardly a buffer for each CPU, what the stop flushed overwrites itself: nothing is complete.
                if slots < 2 * u32::from(cpus) {
                    continue;
                }
                let Some(complete) = gone.map(|ticks| ticks.1).max() else { continue };
                let longest =
                    all.iter().filter_map(|b| b.ticks).map(|(first, last)| last - first).max().expect("buffers");
                let trace = loaded(bytes);
                let (from, to) = (trace.recorded.range.from.0, trace.recorded.range.to.0);
                let complete = ticks(&params, complete);
                let what = format!("{name}, {cpus} CPUs, {slots} slots: {from}, complete from {complete}, {longest}");
                assert!(trace.recorded.start_missing && !trace.recorded.end_missing, "{what}: {:?}", trace.recorded);
                assert!(from > complete && from <= complete + longest, "{what}");
                assert!(to > from && trace.recorded.holes.is_empty(), "{what}");
                checked += 1;
            }
        }
    }
    assert!(checked > 20, "{checked}");
}

/// A trace whose header's fields are changed: `(offset in the header record's payload, bytes)`.
fn with_header(bytes: &[u8], changes: &[(usize, &[u8])]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    for (at, value) in changes {
        changed[HEADER_PAYLOAD + at..][..value.len()].copy_from_slice(value);
    }
    changed
}

#[test]
fn a_session_that_was_killed_ends_with_its_first_cpu() {
    let params = &shapes()[0].1;
    let (bytes, buffers) = placed(params);
    // Neither an end nor a number of buffers, and what was in memory is lost: the last buffer of each CPU.
    let mut lost: BTreeMap<u16, PlacedBuffer> = BTreeMap::new();
    for buffer in &buffers {
        lost.insert(buffer.cpu, *buffer);
    }
    let mut killed = with_header(&bytes, &[(16, &[0; 8]), (36, &1_u32.to_le_bytes())]);
    let mut gone: Vec<PlacedBuffer> = lost.into_values().collect();
    gone.sort_by_key(|buffer| std::cmp::Reverse(buffer.offset));
    gone.iter().for_each(|buffer| drop(killed.drain(buffer.offset as usize..(buffer.offset + buffer.bytes) as usize)));
    let there: Vec<PlacedBuffer> = buffers.iter().copied().filter(|b| !gone.contains(b)).collect();
    let wanted = ends(&there).values().map(|ends| ends.1).min().expect("CPUs");
    let trace = loaded(killed);
    assert!(trace.recorded.end_missing, "{:?}", trace.recorded);
    assert_eq!(trace.recorded.range.to.0, ticks(params, wanted));
    let last = ends(&there).values().map(|ends| ends.1).max().expect("CPUs");
    assert_eq!(trace.extent.to.0, ticks(params, last), "without an end in the header, the last record ends the whole");
    assert_eq!(trace.diagnostics.count(DiagnosticKind::HeaderClock), 0);
}

#[test]
fn a_cpu_that_lost_its_last_buffers_is_named() {
    let params = &shapes()[0].1;
    let (bytes, buffers) = placed(params);
    let of_cpu: Vec<&PlacedBuffer> = buffers.iter().filter(|buffer| buffer.cpu == 2).collect();
    let (kept, gone) = of_cpu.split_at(of_cpu.len() / 2);
    let mut short = bytes.clone();
    gone.iter()
        .rev()
        .for_each(|buffer| drop(short.drain(buffer.offset as usize..(buffer.offset + buffer.bytes) as usize)));
    let wanted = ticks(params, kept.last().and_then(|buffer| buffer.ticks).expect("kernel records").1);
    let check = |bytes: Vec<u8>, what: &str| {
        let trace = loaded(bytes);
        let recorded = &trace.recorded;
        assert!(recorded.end_missing, "{what}: {recorded:?}");
        assert_eq!((recorded.range.to.0, &recorded.ended_early[..]), (wanted, &[2][..]), "{what}");
    };
    check(short.clone(), "the header counts the buffers that are gone");
    // They were lost on the way to the file: the header counts what it has, and says how many were lost.
    let written = (buffers.len() - gone.len() + 1) as u32;
    let lost = gone.len() as u32;
    let changes = [(36, &written.to_le_bytes()[..]), (276, &lost.to_le_bytes()[..])];
    check(with_header(&short, &changes), "the header counts them as lost");
}

#[test]
fn a_wall_clock_that_was_set_neither_stretches_nor_shortens_the_range() {
    for (name, params) in shapes() {
        let (bytes, _) = placed(&params);
        let clean = loaded(bytes.clone());
        let end = i64::from_le_bytes(bytes[HEADER_PAYLOAD + 16..][..8].try_into().expect("8 bytes"));
        for seconds in [3_600, -15, -3_600, 86_400 * 30] {
            let stepped: i64 = end + seconds * 10_000_000;
            let trace = loaded(with_header(&bytes, &[(16, &stepped.to_le_bytes())]));
            assert_eq!(trace.recorded.range, clean.recorded.range, "{name}, {seconds} s");
            assert!(!trace.recorded.end_missing && trace.recorded.holes.is_empty(), "{name}, {seconds} s");
            assert!(trace.diagnostics.count(DiagnosticKind::HeaderClock) == 1, "{name}, {seconds} s: it is said");
            let length = |trace: &Trace| trace.clock.seconds(trace.extent.to);
            assert!((length(&trace) - length(&clean)).abs() < 3.0, "{name}, {seconds} s: {}", length(&trace));
        }
    }
}

#[test]
fn real_traces_have_sane_recorded_ranges_whole_and_cut() {
    for real in real_traces() {
        let bytes = real.bytes();
        let trace = loaded(bytes.clone());
        let recorded = &trace.recorded;
        let seconds = |trace: &Trace, to| trace.clock.seconds(to);
        assert!(!recorded.end_missing && recorded.holes.is_empty(), "{}: {recorded:?}", real.name);
        for kind in [
            DiagnosticKind::HeaderClock,
            DiagnosticKind::BadTime,
            DiagnosticKind::ZeroedBytes,
            DiagnosticKind::ClockWentBack,
        ] {
            assert_eq!(trace.diagnostics.count(kind), 0, "{}: {}", real.name, kind.name());
        }
        assert!(recorded.range.from <= recorded.range.to, "{}", real.name);
        let end = recorded.header_end.unwrap_or_else(|| panic!("{}: its header has an end", real.name));
        if !recorded.cpus.is_empty() {
            // The kernel writes up to the moment of the stop.
            let off = (seconds(&trace, recorded.range.to) - seconds(&trace, end)).abs();
            assert!(off < 2.0, "{}: {off} s from the header's end", real.name);
        }
        // A rotated file whose physical end is cut off has lost something else than the end of its recording.
        if trace.summary.log_file_mode & 2 != 0 {
            continue;
        }
        for percent in [97, 90, 60, 40] {
            let Some(cut) = bytes.get(..bytes.len() * percent / 100) else { continue };
            let Ok(part) = try_load(cut.to_vec()) else {
                assert!(cut.len() < 1_024, "{} at {percent} %: only the first record makes a trace", real.name);
                continue;
            };
            assert!(part.recorded.end_missing, "{} at {percent} %: {:?}", real.name, part.recorded);
            assert!(part.recorded.range.to <= recorded.range.to.max(end), "{} at {percent} %", real.name);
            assert_eq!(part.extent.to, trace.extent.to, "{} at {percent} %", real.name);
        }
    }
}
