//! Traces that Windows recorded: what other readers count in them is what `info` says. Skipped, visibly, where they are
//! missing.

use poolscope_etl::buffer::HEADER_BYTES;
use poolscope_etl::walk::TraceFile;
use poolscope_etl::xpress::{End, decompress};
use poolscope_tests::corpus::{RealTrace, real_traces};
use poolscope_tests::program::json;
use serde_json::{Value, json};

fn info(trace: &RealTrace) -> Value {
    json(&["info", trace.argument(), "--format", "json"])
}

fn find(name: &str) -> Option<RealTrace> {
    let traces = real_traces();
    let missing = traces.is_empty();
    let found = traces.into_iter().find(|trace| trace.name == name);
    assert!(missing || found.is_some(), "{name} is not in the corpus");
    found
}

#[test]
fn info_says_what_other_readers_count() {
    let traces = real_traces();
    assert!(traces.is_empty() || traces.len() == 14, "{} traces", traces.len());
    let mut complaints = Vec::new();
    for trace in &traces {
        let (info, expected) = (info(trace), &trace.expected);
        let pairs = [
            ("records", &info["records"], &expected["records"]),
            ("hooks", &info["hooks"], &expected["hooks"]),
            ("providers", &info["providers"], &expected["guids"]),
            ("buffers", &info["buffers"]["total"], &expected["buffers"]),
            ("compressed buffers", &info["buffers"]["compressed"], &expected["compressed_buffers"]),
            ("pointer size", &info["pointer_size"], &expected["pointer_size"]),
            ("OS build", &info["os_build"], &expected["os_build"]),
            ("events lost", &info["events_lost"], &expected["events_lost"]),
            ("buffers lost", &info["buffers_lost"], &expected["buffers_lost"]),
            ("CPUs", &info["cpus"], &expected["cpus"]),
            ("clock frequency", &info["perf_freq"], &expected["perf_freq"]),
            ("bytes", &info["file_bytes"], &expected["bytes"]),
        ];
        let wrong = pairs.iter().filter(|(_, found, wanted)| found != wanted || wanted.is_null());
        complaints
            .extend(wrong.map(|(what, found, wanted)| format!("{}: {what}: {found}, expected {wanted}", trace.name)));
        assert_eq!((&info["clock"], &expected["clock"]), (&json!("QPC"), &json!(1)), "{}", trace.name);
    }
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn only_the_trace_that_lost_events_shows_a_loss() {
    for trace in real_traces() {
        let info = info(&trace);
        let anomalies = info["anomalies"].as_array().expect("anomalies are a list").iter();
        let losses: Vec<&Value> =
            anomalies.filter(|row| row["severity"] == "data-loss").map(|row| &row["kind"]).collect();
        let wanted = if trace.name == "win11-events-lost.etl" { vec!["events_lost"] } else { vec![] };
        assert_eq!(losses, wanted, "{}", trace.name);
    }
}

#[test]
fn every_compressed_buffer_gives_exactly_its_events() {
    let mut checked = 0;
    for trace in real_traces() {
        let file = TraceFile::open(&trace.path).expect("a trace of the corpus opens");
        let mut body = Vec::new();
        for buffer in file.layout.buffers.iter().filter(|buffer| buffer.header.is_compressed()) {
            let start = buffer.offset as usize;
            let stored = &file.data()[start + HEADER_BYTES..start + buffer.header.size_bytes as usize];
            let end = decompress(stored, &mut body, file.logfile.buffer_bytes as usize - HEADER_BYTES);
            assert_eq!(end, End::Complete, "{} at {start}", trace.name);
            assert_eq!(body.len(), buffer.header.filled_bytes as usize - HEADER_BYTES, "{} at {start}", trace.name);
            checked += 1;
        }
        assert_eq!(file.layout.buffers.len() as u64, trace.expected["buffers"].as_u64().expect("a number"));
    }
    assert!(checked == 0 || checked > 300, "{checked} buffers");
}

#[test]
fn every_stack_key_of_windows_8_is_resolved() {
    let Some(trace) = find("win8-compressed-stackkeys.etl") else { return };
    let stacks = &info(&trace)["stacks"];
    let found = ["records", "definitions", "resolved_keys", "unresolved_keys", "matched", "orphans"];
    assert_eq!(found.map(|field| stacks[field].as_u64()), [12_401, 4_073, 12_172, 0, 12_401, 0].map(Some), "{stacks}");
}

#[test]
fn every_stack_of_windows_7_finds_its_event() {
    let Some(trace) = find("win7-merged-stacks.etl") else { return };
    let stacks = &info(&trace)["stacks"];
    let found = ["records", "definitions", "unresolved_keys", "matched", "orphans"];
    assert_eq!(found.map(|field| stacks[field].as_u64()), [18_532, 0, 0, 18_532, 0].map(Some), "{stacks}");
}
