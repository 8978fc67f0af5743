//! Made-up traces through the command line: reports and curves equal what was planted, to the last byte, for the whole
//! trace and for parts of it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in the functions it calls too")]

use poolscope::cli::{self, Outcome, io::Io};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;

/// Runs a command in this process: exit code, standard output, standard error.
fn poolscope(args: &[&str]) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io::captured(&mut out, &mut err);
    let args = std::iter::once("poolscope").chain(args.iter().copied()).map(OsString::from);
    let outcome = cli::run(args, &mut io);
    drop(io);
    let Outcome::Exit(code) = outcome else { panic!("a command does not open the window") };
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn json(args: &[&str]) -> Value {
    let (code, out, err) = poolscope(args);
    assert_eq!(code, 0, "{args:?}: {err}");
    serde_json::from_str(&out).unwrap()
}

/// Rows as what identifies them and their count and size, sorted.
fn figures(rows: &Value, keys: &[&str]) -> BTreeMap<Vec<String>, (u64, u64)> {
    let mut found = BTreeMap::new();
    for row in rows.as_array().unwrap() {
        let key = keys.iter().map(|k| row[*k].to_string()).collect::<Vec<_>>();
        let figures = (row["count"].as_u64().unwrap(), row["size"].as_u64().unwrap());
        assert_eq!(found.insert(key.clone(), figures), None, "{key:?} stands twice");
    }
    found
}

/// Values of each tag's curve.
fn curves(document: &Value) -> BTreeMap<String, Vec<u64>> {
    let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for row in document["rows"].as_array().unwrap() {
        let tag = row["tag"].as_str().unwrap().to_owned();
        found.entry(tag).or_default().push(row["value"].as_u64().unwrap());
    }
    found
}

fn compare(trace: &str, planted: &Value) {
    let range = match (&planted["from"], &planted["to"]) {
        (Value::Null, _) => "..".to_owned(),
        (from, to) => format!("{from}..{to}"),
    };
    let report =
        |by: &str| json(&["report", trace, "--by", by, "--frames", "address", "--range", &range, "--format", "json"]);
    let by_tag = report("type,paged,tag");
    let keys = ["type", "paged", "tag"];
    assert_eq!(figures(&by_tag["rows"], &keys), figures(&planted["rows"], &keys), "{trace} {range}");
    for figure in ["count", "size"] {
        assert_eq!(by_tag["total"][figure], planted["total"][figure], "{trace} {range}");
    }
    let by_stack = report("type,tag,stack");
    let keys = ["type", "tag", "stack"];
    assert_eq!(figures(&by_stack["rows"], &keys), figures(&planted["stacks"], &keys), "{trace} {range}");
    for (measure, figure) in [("outstanding", "size"), ("count", "count")] {
        let drawn =
            json(&["series", trace, "--measure", measure, "--points", "50", "--range", &range, "--format", "json"]);
        let drawn = curves(&drawn);
        for curve in planted["curves"].as_array().unwrap() {
            let values = curve["points"].as_array().unwrap().iter().map(|p| p[figure].as_u64().unwrap());
            let values: Vec<u64> = values.collect();
            let zeros = vec![0; values.len()];
            let own = drawn.get(curve["tag"].as_str().unwrap()).unwrap_or(&zeros);
            assert_eq!(*own, values, "{trace} {range} {measure} of {}", curve["tag"]);
        }
    }
}

fn plant(options: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (trace, truth) = (path("made-up.etl"), path("truth.json"));
    let mut args = vec!["synth", &trace, "--truth", &truth, "--truth-stacks", "--truth-points", "50"];
    args.extend(["--truth-range", "1..2.5", "--truth-range", "3.3333333..3.4"]);
    args.extend(options);
    let (code, _, err) = poolscope(&args);
    assert_eq!(code, 0, "{err}");
    let truth: Value = serde_json::from_str(&std::fs::read_to_string(&truth).unwrap()).unwrap();
    let ranges = truth["ranges"].as_array().unwrap();
    assert_eq!(ranges.len(), 3);
    for planted in ranges {
        assert!(!planted["rows"].as_array().unwrap().is_empty());
        compare(&trace, planted);
    }
}

#[test]
fn a_small_trace_is_reported_as_planted() {
    plant(&["--preset", "tiny"]);
}

#[test]
fn a_merged_and_compressed_trace_is_reported_as_planted() {
    plant(&["--preset", "wpr", "--allocations", "4000", "--duration", "5"]);
}

#[test]
fn a_trace_of_a_32_bit_system_is_reported_as_planted() {
    plant(&["--preset", "old", "--allocations", "4000", "--duration", "5"]);
}

#[test]
fn a_damaged_trace_is_reported_as_planted() {
    plant(&["--preset", "damaged", "--allocations", "4000", "--duration", "5"]);
}

#[test]
fn every_format_and_number_of_threads_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("made-up.etl").to_str().unwrap().to_owned();
    assert_eq!(poolscope(&["synth", &trace, "--preset", "tiny"]).0, 0);
    for format in ["text", "csv", "json", "markdown"] {
        let run = |threads| poolscope(&["report", &trace, "--format", format, "--threads", threads]);
        let (code, out, _) = run("1");
        assert_eq!(code, 0);
        assert!(out.contains("Leak") && out.contains("AIFO"), "{format}: {out}");
        assert_eq!(run("3").1, out);
    }
    let (_, csv, _) = poolscope(&["report", &trace, "--by", "tag", "--columns", "count,peak_size", "--format", "csv"]);
    assert!(csv.starts_with("tag,count,peak_size\n"), "{csv}");
    let rows = json(&["report", &trace, "--by", "tag", "--format", "json", "--top", "2"]);
    assert_eq!(rows["rows"].as_array().unwrap().len(), 2);
    assert_eq!(rows["by"], serde_json::json!(["tag"]));
}

#[test]
fn wrong_usage_is_told_and_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("made-up.etl").to_str().unwrap().to_owned();
    assert_eq!(poolscope(&["synth", &trace, "--preset", "tiny"]).0, 0);
    let cases: [(&[&str], &str); 5] = [
        (&["--where", "tga:Leak"], "column 1: there is no column 'tga'; did you mean 'tag'?"),
        (&["--by", "satck"], "there is no column 'satck'; did you mean 'stack'?"),
        (&["--sort", "sise"], "there is no figure 'sise'; did you mean 'size'?"),
        (&["--range", "5..2"], "the range ends at 2 s, before it starts at 5 s"),
        (&["--range", "5000.."], "the range lies outside of the trace"),
    ];
    for (options, message) in cases {
        let (code, out, err) = poolscope(&[&["report", trace.as_str()], options].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{options:?}");
        assert!(err.contains(message), "{options:?}: {err}");
    }
}
