//! Traces in several files: parts of one log and sessions of the same time are one trace, equal to that in one file; files of other
//! computers, boots, times or of the same events stay separate, with the reason.

use poolscope_analysis::trace::Trace;
use poolscope_etl::diagnostics::DiagnosticKind;
use poolscope_synth::SynthParams;
use poolscope_synth::scenario::{HeaderStyle, StackMode};
use poolscope_synth::writer::{Compression, FileMode, PartHeaders, RecordScope};
use poolscope_tests::archives::{ZipMember, gzip, zip};
use poolscope_tests::parts::{Header, Parts, split};
use poolscope_tests::program::{json, output, run};
use poolscope_tests::synthetic::{bytes_of, loaded, placed};
use poolscope_tests::trace_dump::{differences, dump};
use poolscope_tests::variants::base;
use serde_json::Value;

/// Commands whose output depends on the allocations.
const COMMANDS: [&[&str]; 5] = [
    &["report", "--by", "type,paged,tag,stack", "--format", "json"],
    &["report", "--by", "tag,driver,process,thread,cpu,free_stack", "--format", "json", "--range", "0.5..3"],
    &["series", "--by", "tag", "--points", "40", "--format", "json"],
    &["leaks", "--show-non-leaking", "--format", "json"],
    &["report", "--by", "tag", "--format", "json", "--where", "type:AIFO"],
];

/// The output of a command over files, without the name of the trace.
fn document(command: &[&str], files: &[&str], threads: &str) -> Value {
    let mut document = json(&[&command[..1], files, &command[1..], &["--threads", threads]].concat());
    document.as_object_mut().expect("an object").remove("trace");
    document
}

fn assert_like_whole(params: &SynthParams, parts: &[Vec<u8>], whole: &[u8]) {
    let folder = Parts::new(parts);
    let one = Parts::new(&[whole.to_vec()]);
    let mut backwards = folder.paths();
    backwards.reverse();
    for command in COMMANDS {
        let expected = document(command, &one.paths(), "2");
        for threads in ["1", "2", "7"] {
            let found = document(command, &folder.paths(), threads);
            assert!(found == expected, "{command:?} of {} parts with {threads} threads: {params:?}", parts.len());
        }
        assert!(document(command, &backwards, "2") == expected, "{command:?} in another order: {params:?}");
    }
    // All that figures depend on, without what each file has by itself: headers and buffers.
    let apart = ["records", "recording"];
    let complaints = differences(&dump(&loaded(whole.to_vec()), true), &dump(&folder.load(), true), &apart);
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn parts_of_one_log_are_one_trace() {
    let base = base(6_000);
    let variants = [
        base.clone(),
        SynthParams { merged: true, compression: Compression::Filled, stacks: StackMode::Keyed, ..base.clone() },
        SynthParams { headers: HeaderStyle::Mixed, shared_ticks: true, cpus: 16, ..base.clone() },
        SynthParams { headers: HeaderStyle::PerfInfo, stacks: StackMode::Keyed, ..base },
    ];
    for params in variants {
        let whole = bytes_of(&params);
        for (count, headers) in [(2, PartHeaders::Session), (3, PartHeaders::Own), (7, PartHeaders::Session)] {
            assert_like_whole(&params, &split(&params, count, headers), &whole);
        }
    }
}

#[test]
fn sessions_of_the_same_time_are_one_trace() {
    for merged in [false, true] {
        let params = SynthParams { noise_share: 1.5, merged, ..base(6_000) };
        let of = |scope| bytes_of(&SynthParams { scope, ..params.clone() });
        let (kernel, providers) = (of(RecordScope::Kernel), of(RecordScope::Providers));
        assert!(loaded(providers.clone()).statistics.pool_allocs == 0, "the second session has no pool events");
        assert_like_whole(&params, &[providers, kernel], &of(RecordScope::All));
    }
}

#[test]
fn a_part_alone_and_all_parts_differ_by_what_was_freed_in_another_part() {
    let params = base(6_000);
    let parts = split(&params, 2, PartHeaders::Session);
    let alone: u64 =
        parts.iter().map(|part| loaded(part.clone()).diagnostics.count(DiagnosticKind::FreeWithoutAllocation)).sum();
    let together = Parts::new(&parts).load().diagnostics.count(DiagnosticKind::FreeWithoutAllocation);
    assert!(alone > together, "pairs go across the parts: {alone} and {together}");
}

#[test]
fn archives_with_all_parts_are_one_trace() {
    let params = base(3_000);
    let parts = split(&params, 2, PartHeaders::Session);
    let whole = Parts::new(&[bytes_of(&params)]);
    let members = [ZipMember::deflated("a/t_1.etl", &parts[0]), ZipMember::stored("t_2.etl.gz", &gzip(&parts[1]))];
    let both = whole.put("both.zip", &zip(&members));
    let first = whole.put("first.zip", &zip(&members[..1]));
    let second = whole.put("second.gz", &gzip(&parts[1]));
    for command in COMMANDS {
        let expected = document(command, &whole.paths(), "2");
        assert!(document(command, &[&both], "2") == expected, "{command:?} of one archive");
        assert!(document(command, &[&first, &second], "2") == expected, "{command:?} of two archives");
    }
    let one = document(COMMANDS[0], &[&format!("{both}#a/t_1.etl")], "2");
    assert!(one != document(COMMANDS[0], &[&both], "2"), "a member can be chosen");
}

/// The message of files that are not joined.
fn refusal(files: &[Vec<u8>]) -> String {
    let folder = Parts::new(files);
    let ran = run(&[&["leaks"], folder.paths().as_slice()].concat());
    assert_eq!((ran.code, ran.out.len()), (2, 0), "{}", ran.err);
    assert!(ran.err.contains("part_1.etl") && ran.err.contains("part_2.etl"), "both are named: {}", ran.err);
    ran.err
}

#[test]
fn files_that_do_not_belong_together_are_refused_with_the_reason() {
    let params = base(2_000);
    let parts = split(&params, 2, PartHeaders::Own);
    let (first, second) = (parts[0].clone(), parts[1].clone());
    let changed = |change: &dyn Fn(&mut Header)| Header::changed(&second, change);
    let rows: [(&str, Vec<u8>); 5] = [
        ("Windows was started at different times", changed(&|header| header.boot_filetime += 10_000_000)),
        ("two computers", changed(&|header| header.start_filetime += 30_000_000)),
        ("clocks differ", changed(&|header| header.perf_freq = 24_000_000)),
        ("different builds", changed(&|header| header.os_build += 1)),
        ("different processors", changed(&|header| header.cpu_mhz += 100)),
    ];
    for (reason, other) in rows {
        let message = refusal(&[first.clone(), other]);
        assert!(message.contains(reason), "{reason}: {message}");
        assert_eq!(message.matches(" are separate recordings: ").count(), 1, "one sentence: {message}");
    }
    let message = refusal(&[first.clone(), first.clone()]);
    assert!(message.contains("the same session at the same time"), "a copy: {message}");
    // Two sessions that both recorded the pool.
    let renamed = Header::changed(&first, &|header| header.session_name = "NT Kernel Logges".to_owned());
    let message = refusal(&[first.clone(), renamed]);
    assert!(message.contains("both hold pool events of the same time"), "{message}");
    // A recording of the same boot, much later.
    let later = split(&SynthParams { duration_s: 40.0, ..params.clone() }, 4, PartHeaders::Own);
    let message = refusal(&[later[0].clone(), later[2].clone()]);
    assert!(message.contains("s passed between"), "{message}");
    let circular = bytes_of(&SynthParams { mode: FileMode::Circular { buffers: 20 }, ..params });
    let next = Header::changed(&circular, &|header| header.start_filetime += 1_000);
    assert!(refusal(&[circular, next]).contains("a circular log is a single file"));
    assert_eq!(run(&["leaks", "no-such.etl", "neither.etl"]).code, 1);
}

/// The holes of a trace in seconds.
fn holes(trace: &Trace) -> Vec<(f64, f64)> {
    let seconds = |time| trace.clock.seconds(time);
    trace.recorded.holes.iter().map(|hole| (seconds(hole.range.from), seconds(hole.range.to))).collect()
}

#[test]
fn a_missing_part_is_a_hole_that_names_the_files() {
    let params = SynthParams { cpus: 2, ..base(12_000) };
    let parts = split(&params, 4, PartHeaders::Session);
    let whole = Parts::new(&parts).load();
    assert!(whole.recorded.is_whole(), "nothing is missing: {:?}", whole.recorded);
    let between =
        |trace: &Trace, at: usize| trace.clock.seconds(trace.summary.parts[at].range.expect("kernel records").from);
    let (from, to) = (between(&whole, 1), between(&whole, 2));
    let folder = Parts::new(&[parts[0].clone(), parts[2].clone(), parts[3].clone()]);
    let trace = folder.load();
    assert_eq!(trace.diagnostics.count(DiagnosticKind::MissingPart), 1);
    let found = holes(&trace);
    let slack = 0.1 * (to - from);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!((found[0].0 - from).abs() < slack && (found[0].1 - to).abs() < slack, "{found:?} is not {from}..{to}");
    assert!(!trace.recorded.end_missing && !trace.recorded.start_missing, "{:?}", trace.recorded);
    // As many records are estimated to be missing as the part has.
    let (estimate, missing) = (trace.recorded.holes[0].missing_events as f64, whole.summary.parts[1].records as f64);
    assert!((estimate / missing - 1.0).abs() < 0.2, "{estimate} of {missing}");
    let facts = json(&[&["info"], folder.paths().as_slice(), &["--format", "json"]].concat());
    let files = facts["files"].as_array().expect("the files");
    assert_eq!(files.len(), 3);
    assert_eq!(files[1]["file"], folder.paths()[1]);
    assert!(files[1]["missing_buffers_before"].as_u64() > Some(0) && files[2]["missing_buffers_before"] == 0);
    // Without the last part, the end is missing only if the header says so: the session may have ended there.
    let begun = Parts::new(&parts[..2]).load();
    assert!(begun.recorded.is_whole(), "{:?}", begun.recorded);
}

#[test]
fn damage_and_losses_name_their_file() {
    let losing = Parts::new(&split(&SynthParams { lost_buffers: 2, ..base(12_000) }, 3, PartHeaders::Session)).load();
    assert_eq!(losing.summary.buffers_lost, 2);
    let lost = |at: usize| losing.summary.parts[at].buffers_lost;
    assert_eq!((lost(0), lost(1), lost(2)), (0, 0, 2), "as the headers say");
    let params = SynthParams { cpus: 2, ..base(12_000) };
    let mut parts = split(&params, 3, PartHeaders::Session);
    // Cut in the middle of a buffer of the second part.
    let cut = parts[1].len() * 2 / 3 + 1000;
    parts[1].truncate(cut);
    let folder = Parts::new(&parts);
    let trace = folder.load();
    let torn = |at: usize| trace.summary.parts[at].diagnostics.count(DiagnosticKind::TornTail);
    assert_eq!((torn(0), torn(1), torn(2)), (0, 1, 0));
    assert_eq!(trace.diagnostics.count(DiagnosticKind::TornTail), 1);
    assert_eq!(trace.diagnostics.count(DiagnosticKind::MissingPart), 1);
    assert!(!trace.recorded.end_missing, "the last part is whole");
    assert!(!holes(&trace).is_empty());
    let facts = json(&[&["info"], folder.paths().as_slice(), &["--format", "json"]].concat());
    let issue = |kind: &str| {
        let issues = facts["diagnostics"].as_array().expect("issues");
        issues.iter().find(|issue| issue["kind"] == kind).unwrap_or_else(|| panic!("no {kind}")).clone()
    };
    let torn = issue("torn_tail");
    assert_eq!(torn["files"][0]["file"], folder.paths()[1]);
    let offset = torn["files"][0]["offsets"][0].as_u64().expect("an offset");
    assert!(offset < cut as u64 && offset + 65_536 > cut as u64, "{offset} of {cut} is an offset in the file");
    let text = String::from_utf8(output(&[&["info"], folder.paths().as_slice()].concat())).expect("text");
    assert!(text.contains("Files\n") && text.contains("missing before it") && text.contains("torn_tail 1"), "{text}");
    // The end of the last part is the end of the recording.
    let mut parts = split(&params, 3, PartHeaders::Session);
    let shorter = parts[2].len() / 2;
    parts[2].truncate(shorter);
    assert!(Parts::new(&parts).load().recorded.end_missing);
}

#[test]
fn processors_that_were_added_are_counted() {
    let params = base(3_000);
    let mut parts = split(&params, 2, PartHeaders::Session);
    parts[1] = Header::changed(&parts[1], &|header| header.cpus += 2);
    let trace = Parts::new(&parts).load();
    let cpus = u32::from(params.cpus);
    assert_eq!(
        (trace.summary.cpus, trace.summary.parts[0].cpus, trace.summary.parts[1].cpus),
        (cpus + 2, cpus, cpus + 2)
    );
}

#[test]
fn a_slice_of_parts_is_that_of_the_whole() {
    let params = base(3_000);
    let (parts, whole) = (Parts::new(&split(&params, 3, PartHeaders::Session)), Parts::new(&[bytes_of(&params)]));
    let slice = |files: &Parts| {
        let to = files.put("unused", b"").replace("unused", "slice.etl");
        let _message =
            output(&[&["slice"], files.paths().as_slice(), &["--range", "1..3", "--to", to.as_str()]].concat());
        let mut report = json(&["report", &to, "--by", "type,tag,stack", "--format", "json"]);
        report.as_object_mut().expect("an object").remove("trace");
        report
    };
    assert!(slice(&parts) == slice(&whole));
}

#[test]
fn the_usual_name_of_parts_is_written_by_synth() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("an ordinary name").to_owned();
    let options = ["--allocations", "3000", "--duration", "5"];
    let _message = output(&[&["synth", path("w.etl").as_str()], &options[..]].concat());
    let _message = output(&[&["synth", path("p.etl").as_str(), "--parts", "2"], &options[..]].concat());
    let parts = [path("p_1.etl"), path("p_2.etl")];
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    assert!(document(COMMANDS[0], &parts, "2") == document(COMMANDS[0], &[path("w.etl").as_str()], "2"));
    for (records, name) in [("kernel", "k.etl"), ("providers", "u.etl")] {
        let _message = output(&[&["synth", path(name).as_str(), "--records", records], &options[..]].concat());
    }
    let sessions = [path("u.etl"), path("k.etl")];
    let sessions: Vec<&str> = sessions.iter().map(String::as_str).collect();
    assert!(document(COMMANDS[0], &sessions, "2") == document(COMMANDS[0], &[path("w.etl").as_str()], "2"));
}

#[test]
fn cases_take_parts_as_one_trace() {
    let params = base(3_000);
    let folder = Parts::new(&split(&params, 2, PartHeaders::Session));
    let case = json(&["case", folder.folder(), "--no-symbols", "--format", "json"]);
    let evidence = case["evidence"].as_array().expect("evidence");
    assert_eq!(evidence.len(), 1, "{case:#}");
    assert_eq!(evidence[0]["files"].as_array().map(Vec::len), Some(2), "{case:#}");
}

#[test]
fn buffers_of_a_split_are_those_of_the_whole() {
    // The split is checked by itself: every buffer once, in order, and headers that count them.
    let params = base(3_000);
    let (whole, buffers) = placed(&params);
    let parts = split(&params, 3, PartHeaders::Session);
    let first = buffers[0].offset as usize;
    let bodies: Vec<u8> = parts.iter().flat_map(|part| part[first..].to_vec()).collect();
    assert_eq!(bodies.len(), whole.len() - first);
    let differing = bodies.iter().zip(&whole[first..]).filter(|(a, b)| a != b).count();
    assert!(differing <= 3, "only marks of last buffers differ, not {differing} bytes");
}
