//! Traces that Windows recorded: what other readers count in them is what `info` says. Skipped, visibly, where they are
//! missing.

use poolscope_etl::buffer::HEADER_BYTES;
use poolscope_etl::event::EventKind;
use poolscope_etl::event::stack::{InlineStackEvent, StackKeyDefinitionEvent, StackKeyReferenceEvent, StackTarget};
use poolscope_etl::file::{BodyScratch, TraceFile};
use poolscope_etl::record::RecordKey;
use poolscope_etl::xpress::{Decompressor, StreamEnd};
use poolscope_tests::corpus::{RealTrace, real_traces};
use poolscope_tests::program::json;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

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
        let diagnostics = info["diagnostics"].as_array().expect("diagnostics are a list").iter();
        let losses: Vec<&Value> =
            diagnostics.filter(|row| row["severity"] == "data-loss").map(|row| &row["kind"]).collect();
        let wanted = if trace.name == "win11-events-lost.etl" { vec!["events_lost"] } else { vec![] };
        assert_eq!(losses, wanted, "{}", trace.name);
    }
}

#[test]
fn every_compressed_buffer_gives_exactly_its_events() {
    let mut checked = 0;
    for trace in real_traces() {
        let file = TraceFile::open(&trace.path).expect("a trace of the corpus opens");
        let (bytes, mut memory) = (trace.bytes(), Decompressor::default());
        for buffer in file.layout.buffers.iter().filter(|buffer| buffer.header.is_compressed()) {
            let start = buffer.offset as usize;
            let stored = &bytes[start + HEADER_BYTES..start + buffer.header.size_bytes as usize];
            let (body, end) = memory.decompress(stored, file.logfile.buffer_bytes as usize - HEADER_BYTES);
            assert_eq!(end, StreamEnd::Complete, "{} at {start}", trace.name);
            assert_eq!(body.len(), buffer.header.filled_bytes as usize - HEADER_BYTES, "{} at {start}", trace.name);
            checked += 1;
        }
        assert_eq!(file.layout.buffers.len() as u64, trace.expected["buffers"].as_u64().expect("a number"));
    }
    assert!(checked == 0 || checked > 300, "{checked} buffers");
}

/// Stack records of a trace, by what the file holds for them.
#[derive(Default, PartialEq, Eq, Debug)]
struct StackRecords {
    records: usize,
    definitions: usize,
    /// Key references with a definition of their key at or after them.
    resolved_keys: usize,
    unresolved_keys: usize,
    /// Those whose event is in the file, by raw timestamp and thread.
    matched: usize,
}

fn stack_records(trace: &RealTrace) -> StackRecords {
    let file = TraceFile::open(&trace.path).expect("a trace of the corpus opens");
    let mut events: HashSet<(i64, Option<u32>)> = HashSet::new();
    let mut targets = Vec::new();
    let mut references = Vec::new();
    let mut definitions: HashMap<u64, i64> = HashMap::new();
    let mut found = StackRecords::default();
    let mut scratch = BodyScratch::default();
    for buffer in &file.layout.buffers {
        for record in file.records(buffer, &mut scratch).expect("it can be read") {
            let Some(time) = record.time else { continue };
            if matches!(record.key, RecordKey::Message | RecordKey::Other(_)) {
                continue;
            }
            let (payload, pointer_size) = (record.payload, record.pointer_size);
            match record.kind() {
                EventKind::StackInline => {
                    targets.push(InlineStackEvent::decode(payload, pointer_size).expect("a whole stack").target);
                }
                EventKind::StackKeyKernel | EventKind::StackKeyUser => {
                    let reference = StackKeyReferenceEvent::decode(payload, pointer_size).expect("a reference");
                    targets.push(reference.target);
                    references.push((time, reference.key));
                }
                EventKind::StackKeyDefinition => {
                    let definition = StackKeyDefinitionEvent::decode(payload, pointer_size).expect("a definition");
                    let latest = definitions.entry(definition.key).or_insert(time);
                    *latest = time.max(*latest);
                    found.definitions += 1;
                }
                _ => drop(events.insert((time, record.thread))),
            }
        }
    }
    found.records = targets.len();
    let is_resolved = |(time, key): &&(i64, u64)| definitions.get(key).is_some_and(|latest| latest >= time);
    found.resolved_keys = references.iter().filter(is_resolved).count();
    found.unresolved_keys = references.len() - found.resolved_keys;
    let is_event = |target: &&StackTarget| {
        let has = |thread| events.contains(&(target.event_time, thread));
        has(Some(target.thread)) || has(None)
    };
    found.matched = targets.iter().filter(is_event).count();
    found
}

#[test]
fn every_stack_key_of_windows_8_is_resolved() {
    let Some(trace) = find("win8-compressed-stackkeys.etl") else { return };
    let (records, definitions, resolved_keys) = (12_401, 4_073, 12_172);
    let expected = StackRecords { records, definitions, resolved_keys, unresolved_keys: 0, matched: records };
    assert_eq!(stack_records(&trace), expected);
    check_info(&trace, &expected);
}

#[test]
fn every_stack_of_windows_7_finds_its_event() {
    let Some(trace) = find("win7-merged-stacks.etl") else { return };
    let expected = StackRecords { records: 18_532, matched: 18_532, ..StackRecords::default() };
    assert_eq!(stack_records(&trace), expected);
    check_info(&trace, &expected);
}

/// Neither trace has pool events, so that `info` counts all of their stack records and matches none.
fn check_info(trace: &RealTrace, expected: &StackRecords) {
    let stacks = &info(trace)["stacks"];
    let found = ["records", "definitions", "resolved_keys", "unresolved_keys", "matched", "distinct"];
    let found = found.map(|field| stacks[field].as_u64());
    assert_eq!(found, [expected.records as u64, expected.definitions as u64, 0, 0, 0, 0].map(Some), "{stacks}");
}
