//! `slice`: a part of a trace as a trace, against the allocations that were planted in the range, and redaction.

use poolscope_tests::program::{Ran, json, output, run};
use serde_json::Value;
use std::path::Path;

/// Range of the slices in seconds.
const RANGE: &str = "20..40";

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("an ordinary name").to_owned()
}

/// A synthetic trace in `folder`.
fn trace(folder: &Path, options: &[&str]) -> String {
    let path = path(folder, "whole.etl");
    let line = [&["synth", &path, "--seed", "11", "--allocations", "6000", "--duration", "60"], options].concat();
    let _written = output(&line);
    path
}

/// Rows of the AIFI and AIFO allocations in the range with their number and bytes, sorted. Lifetimes are left out, which depend on frees
/// after the range.
fn allocated_inside(trace: &str, by: &str, query: &str) -> Vec<String> {
    let line = ["report", trace, "--by", by, "--range", RANGE, "--where", query, "--no-symbols"];
    let report = json(&[&line[..], &["--no-pooltag", "--format", "json"]].concat());
    let fields = by.split(',').chain(["count", "size", "impacting_size", "min", "max"]);
    let fields: Vec<&str> = fields.collect();
    let text = |row: &Value| fields.iter().map(|field| row[field].to_string()).collect::<Vec<_>>().join(" ");
    let mut rows: Vec<String> = report["rows"].as_array().expect("rows").iter().map(text).collect();
    rows.sort();
    rows
}

#[test]
fn what_is_allocated_in_the_range_is_the_same_in_the_slice() {
    for options in [&[][..], &["--stacks", "inline"], &["--compression", "filled"]] {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let whole = trace(folder.path(), options);
        let part = path(folder.path(), "part.etl");
        let text =
            String::from_utf8(output(&["slice", &whole, "--range", RANGE, "--to", &part])).expect("text is UTF-8");
        assert!(text.contains("Dropped: ") && text.contains("of type AOFI"), "{text}");
        // Frees in the range of allocations from before it have no allocation any more, and frees after it are not there.
        let both = "type:AIFI OR type:AIFO";
        for (by, query) in [
            ("type,paged,tag,stack", both),
            ("type,tag,process,thread,cpu,driver,function", both),
            ("tag,free_stack", "type:AIFI"),
        ] {
            assert_eq!(allocated_inside(&part, by, query), allocated_inside(&whole, by, query), "{options:?} {by}");
        }
        let info = json(&["info", &part, "--format", "json"]);
        let range = &info["recorded_range"];
        let (from, to) = (range["from"].as_f64().expect("a start"), range["to"].as_f64().expect("an end"));
        assert!((from - 20.0).abs() < 0.5 && (to - 40.0).abs() < 0.5, "{options:?} {range}");
    }
}

#[test]
fn a_slice_of_everything_has_every_allocation() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let whole = trace(folder.path(), &[]);
    let part = path(folder.path(), "part.etl");
    let _written = output(&["slice", &whole, "--to", &part]);
    let rows = |trace: &str| {
        json(&[
            "report",
            trace,
            "--by",
            "type,paged,tag,stack,free_stack",
            "--no-symbols",
            "--no-pooltag",
            "--format",
            "json",
        ])["rows"]
            .clone()
    };
    assert_eq!(rows(&part), rows(&whole));
}

#[test]
fn a_redacted_slice_has_no_name_of_machine_or_user_and_the_same_leak() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let whole = path(folder.path(), "sample.etl");
    std::fs::write(&whole, poolscope::sample::TRACE).expect("a file can be written");
    let part = path(folder.path(), "part.etl");
    let text = String::from_utf8(output(&["slice", &whole, "--to", &part, "--redact"])).expect("text is UTF-8");
    assert!(text.contains("Redacted: "), "{text}");
    let before = json(&["info", &whole, "--format", "json"]);
    let bytes = std::fs::read(&part).expect("the slice");
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let computer = before["computer"].as_str().filter(|name| !name.is_empty()).expect("the sample names its computer");
    let needle = wide(computer);
    assert!(!bytes.windows(needle.len()).any(|part| part == needle), "{computer} is in the slice");
    let leak =
        |trace: &str| json(&["leaks", trace, "--no-symbols", "--no-pooltag", "--format", "json"])["summary"].clone();
    assert_eq!(leak(&part), leak(&whole));
}

#[test]
fn errors_leave_no_file() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let whole = trace(folder.path(), &[]);
    let part = path(folder.path(), "part.etl");
    for (line, code, wanted) in [
        (vec!["slice", &whole, "--range", "400..500", "--to", &part], 1, "holds no record"),
        (vec!["slice", "missing.etl", "--to", &part], 1, "missing.etl"),
        (vec!["slice", &whole, "--to", &whole], 1, "exists already"),
    ] {
        let Ran { code: found, err, .. } = run(&line);
        assert!(found == code && err.contains(wanted), "{line:?}: {found} {err}");
        assert!(!Path::new(&part).exists());
    }
}
