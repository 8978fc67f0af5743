//! The command line's contract: exit codes, messages that name the file and say what to do, nothing on standard output
//! when a command fails, field names, and CSV and JSON that say the same.

use poolscope_tests::figures::{number, rows, text};
use poolscope_tests::micro::Micro;
use poolscope_tests::program::{csv, json, poolscope_exe, run};
use poolscope_tests::synthetic::{OnDisk, bytes_of};
use poolscope_tests::variants::base;
use serde_json::Value;
use std::io::Read;
use std::process::{Command, Stdio};

const READERS: [&str; 3] = ["info", "report", "series"];

fn sample_trace() -> OnDisk {
    OnDisk::new("sample trace.etl", &bytes_of(&base(2_000)))
}

/// Every command that reads a trace refuses this file with code 1, its name and these words, and prints no result.
fn refused(path: &str, words: &[&str]) {
    for command in READERS {
        let ran = run(&[command, path]);
        assert_eq!(ran.code, 1, "{command}: {ran:?}");
        assert!(ran.out.is_empty(), "{command} prints a result");
        let missing: Vec<&&str> = words.iter().filter(|word| !ran.err.contains(**word)).collect();
        assert!(ran.err.contains(path) && missing.is_empty(), "{command} does not say {missing:?}: {}", ran.err);
        assert!(ran.err.starts_with("poolscope: ") && ran.err.ends_with('\n'), "{:?}", ran.err);
    }
}

#[test]
fn what_is_no_trace_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().expect("a scratch folder can be made");
    let at = |name: &str| folder.path().join(name).to_str().expect("an ordinary name").to_owned();
    refused(&at("missing.etl"), &["cannot open"]);
    refused(folder.path().to_str().expect("an ordinary name"), &["folder"]);
    let cases: [(&str, &[u8], &[&str]); 4] = [
        ("empty.etl", b"", &["empty", "recording"]),
        (
            "zip.etl",
            b"PK\x03\x04 and so on and on and on, long enough for a buffer header and more than that",
            &["ZIP"],
        ),
        ("text.etl", &[b'x'; 4096], &["not an event trace log"]),
        ("short.etl", b"123", &["72 bytes"]),
    ];
    for (name, bytes, words) in cases {
        std::fs::write(at(name), bytes).expect("a scratch file can be written");
        refused(&at(name), words);
    }
}

#[test]
fn wrong_usage_is_code_2_and_says_what_is_right() {
    let file = sample_trace();
    let cases: [(&[&str], &str); 12] = [
        (&["report"], "<TRACE>"),
        (&["info", "TRACE", "--demo"], "--demo"),
        (&["report", "TRACE", "--by", "tga"], "tag"),
        (&["report", "TRACE", "--range", "5..1"], "range"),
        (&["report", "TRACE", "--range", "5"], "FROM..TO"),
        (&["report", "TRACE", "--range", "1000.."], "range"),
        (&["report", "TRACE", "--where", "tga:Leak"], "tag"),
        (&["report", "TRACE", "--format", "xml"], "markdown"),
        (&["report", "TRACE", "--threads", "0"], "1..=1024"),
        (&["report", "TRACE", "--sort", "sise"], "size"),
        (&["series", "TRACE", "--measure", "outstandin"], "outstanding"),
        (&["series", "TRACE", "--points", "0"], "points"),
    ];
    for (command, word) in cases {
        let line: Vec<&str> = command.iter().map(|part| if *part == "TRACE" { file.path() } else { part }).collect();
        let ran = run(&line);
        assert_eq!(ran.code, 2, "{command:?}: {ran:?}");
        assert!(ran.out.is_empty(), "{command:?} prints a result");
        assert!(ran.err.contains(word), "{command:?} does not say {word}: {}", ran.err);
    }
}

#[test]
fn help_and_version_are_results() {
    for line in [&["--help"][..], &["report", "--help"], &["--version"]] {
        let ran = run(line);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{line:?}");
        assert!(!ran.out.is_empty());
    }
}

fn fields(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn documents_have_the_specified_fields() {
    let file = sample_trace();
    let info = json(&["info", file.path(), "--format", "json"]);
    let names = "records hooks providers buffers pointer_size os_build cpus clock perf_freq start duration_s events_lost \
                 buffers_lost images processes stacks pool diagnostics";
    let missing: Vec<&str> = names.split(' ').filter(|name| info[*name].is_null()).collect();
    assert_eq!(missing, Vec::<&str>::new(), "of info");
    let parts: [(&str, &[&str]); 3] = [
        ("buffers", &["total", "compressed"]),
        ("stacks", &["records", "distinct", "resolved_keys", "unresolved_keys"]),
        ("pool", &["alloc_events", "free_events", "allocations", "rundown_records"]),
    ];
    for (part, names) in parts {
        let missing: Vec<&&str> = names.iter().filter(|name| !info[part][**name].is_u64()).collect();
        assert_eq!(missing, Vec::<&&str>::new(), "of {part}");
    }
    for diagnostic in info["diagnostics"].as_array().expect("a list") {
        assert!(["kind", "severity", "effect"].iter().all(|name| diagnostic[*name].is_string()), "{diagnostic}");
        assert!(diagnostic["count"].is_u64(), "{diagnostic}");
    }
    let start = info["start"].as_str().expect("a time");
    assert!(start.ends_with('Z') && start.contains('T'), "{start}");

    let report = json(&["report", file.path(), "--by", "type,paged,tag,stack,driver", "--format", "json"]);
    assert_eq!(
        fields(&report),
        ["trace", "range", "recorded_range", "analyzed_range", "by", "row_count", "total", "rows"]
    );
    assert_eq!((fields(&report["range"]), fields(&report["recorded_range"])), (vec!["from", "to"], vec!["from", "to"]));
    assert_eq!(report["trace"], file.path());
    assert_eq!(report["by"], serde_json::json!(["type", "paged", "tag", "stack", "driver"]));
    let keys = ["type", "paged", "tag", "stack", "driver", "count", "size", "impacting_size", "net_size"];
    for row in rows(&report) {
        assert_eq!(fields(row)[..keys.len()], keys);
        assert!(row["stack"].is_array());
    }
    let series = json(&["series", file.path(), "--by", "tag,paged", "--points", "3", "--format", "json"]);
    assert!(rows(&series).iter().all(|row| fields(row) == ["time_s", "tag", "paged", "value"]));
    assert_eq!(
        fields(&series),
        ["trace", "range", "recorded_range", "analyzed_range", "by", "measure", "group_count", "rows"]
    );
}

/// Returns `true` if a field of a CSV file is a JSON value. The test's own JSON reader may be off in a float's last digit.
fn is_same(value: &Value, field: &str) -> bool {
    match value {
        Value::Null => field.is_empty(),
        Value::String(text) => text == field,
        Value::Array(frames) => {
            let frames: Vec<&str> = frames.iter().filter_map(Value::as_str).collect();
            frames.join(";") == field
        }
        Value::Number(number) if number.is_f64() => {
            let (json, csv) = (number.as_f64().unwrap_or(f64::NAN), field.parse().unwrap_or(f64::NAN));
            json == csv || (json - csv).abs() <= json.abs() * 4.0 * f64::EPSILON
        }
        Value::Number(number) => number.to_string().as_str() == field,
        Value::Bool(_) | Value::Object(_) => false,
    }
}

#[test]
fn csv_and_json_say_the_same_in_the_same_order() {
    let file = sample_trace();
    let commands: [&[&str]; 4] = [
        &["report", "--by", "type,paged,tag,stack"],
        &["report", "--by", "process,thread,cpu,session,free_stack,size_class", "--sort", "count", "--top", "40"],
        &["report", "--by", "address,alloc_time,free_time,lifetime", "--range", "0.5..0.7"],
        &["series", "--by", "tag,paged", "--points", "7", "--measure", "rate"],
    ];
    for command in commands {
        let with = |format: &'static str| {
            let mut line = vec![command[0], file.path()];
            line.extend(&command[1..]);
            line.extend(["--format", format]);
            line
        };
        let document = json(&with("json"));
        let (header, lines) = csv(&with("csv"));
        let listed = rows(&document);
        assert!(!listed.is_empty(), "{command:?} gives nothing");
        assert_eq!(listed.len(), lines.len(), "{command:?}");
        for (row, line) in listed.iter().zip(&lines) {
            assert_eq!(fields(row), header, "{command:?}");
            let values = row.as_object().expect("an object").values();
            assert!(values.zip(line).all(|(value, field)| is_same(value, field)), "{command:?}: {row} and {line:?}");
        }
    }
}

#[test]
fn rows_beyond_top_are_left_out_and_the_total_stays() {
    let file = sample_trace();
    let all = json(&["report", file.path(), "--by", "tag", "--format", "json"]);
    let top = json(&["report", file.path(), "--by", "tag", "--format", "json", "--top", "2"]);
    assert_eq!(rows(&top), &rows(&all)[..2]);
    assert_eq!(top["total"], all["total"]);
    let sizes: Vec<u64> = rows(&all).iter().map(|row| number(row, "size")).collect();
    assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
}

#[test]
fn a_trace_without_pool_events_says_what_to_record() {
    let file = OnDisk::new("quiet.etl", &Micro::default().bytes(1_000));
    let ran = run(&["report", file.path()]);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("wpr -start Pool"), "{}", ran.err);
    let out = String::from_utf8_lossy(&ran.out);
    assert!(!out.contains("folded"), "{out}");
}

#[test]
fn the_sample_can_be_reported_without_a_file() {
    if poolscope::sample::TRACE.is_empty() {
        return;
    }
    let info = json(&["info", "--demo", "--format", "json"]);
    assert!(info["pool"]["alloc_events"].as_u64() > Some(1_000), "{}", info["pool"]);
    let report = json(&["report", "--demo", "--by", "type,paged,tag", "--format", "json"]);
    let heaviest = rows(&report).iter().find(|row| row["type"] == "AIFO").expect("something leaks");
    assert_eq!((text(heaviest, "tag"), text(heaviest, "paged")), ("Leak".to_owned(), "NonPaged".to_owned()));
    let series = json(&["series", "--demo", "--format", "json", "--points", "2"]);
    assert!(rows(&series).iter().any(|row| row["tag"] == "Leak"));
}

#[test]
fn the_real_program_ends_quietly_when_its_reader_leaves() {
    let file = sample_trace();
    let line = ["report", file.path(), "--by", "address,stack", "--format", "csv"];
    let mut child = Command::new(poolscope_exe())
        .args(line)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut first = [0; 8];
    let mut out = child.stdout.take().expect("a pipe");
    out.read_exact(&mut first).expect("the report begins");
    assert_eq!(&first, b"address,");
    // The rest is far more than a pipe holds.
    assert!(run(&line).out.len() > 1 << 18);
    drop(out);
    let ended = child.wait_with_output().expect("the program ends");
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn the_real_program_hands_codes_and_streams_to_the_system() {
    let file = sample_trace();
    let real = |line: &[&str]| Command::new(poolscope_exe()).args(line).output().expect("the program starts");
    for line in [&["report", file.path(), "--format", "json"][..], &["report", "missing.etl"], &["report", "--by"]] {
        let (outside, inside) = (real(line), run(line));
        assert_eq!(outside.status.code(), Some(i32::from(inside.code)), "{line:?}");
        assert!(outside.stdout == inside.out, "{line:?}");
        assert_eq!(String::from_utf8_lossy(&outside.stderr), inside.err, "{line:?}");
    }
}

#[test]
fn marks_split_a_report_by_birth() {
    let file = sample_trace();
    let marked =
        json(&["report", file.path(), "--by", "generation", "--marks", "1,2.5", "--sort", "key", "--format", "json"]);
    let found: Vec<(&str, u64)> =
        rows(&marked).iter().map(|row| (row["generation"].as_str().expect("a text"), number(row, "count"))).collect();
    let count = |query: &str| {
        let document = json(&["report", file.path(), "--by", "", "--where", query, "--format", "json"]);
        number(&document["total"], "count")
    };
    let names: Vec<&str> = found.iter().map(|f| f.0).collect();
    let from = |at: usize, start: &str| names[at].starts_with(start);
    assert!(
        names.len() == 4 && names[0] == "before the trace" && from(1, "1: ") && from(3, "3: 2.500 s to "),
        "{names:?}"
    );
    assert_eq!(names[2], "2: 1.000 s to 2.500 s");
    let counts: Vec<u64> = found.iter().map(|f| f.1).collect();
    let born = ["alloc_time:none", "alloc_time:<1s", "alloc_time:>=1s alloc_time:<2.5s", "alloc_time:>=2.5s"];
    assert_eq!(counts, born.map(count));
}

#[test]
fn wrapper_rules_of_the_user_determine_the_driver() {
    let file = sample_trace();
    let drivers = |more: &[&str]| {
        let line = [&["report", file.path(), "--by", "driver,stack", "--format", "json"][..], more].concat();
        let document = json(&line);
        let stacks: Vec<String> = rows(&document).iter().map(|row| row["stack"].to_string()).collect();
        let drivers: Vec<String> = rows(&document).iter().map(|row| text(row, "driver")).collect();
        (number(&document["total"], "count"), drivers, stacks)
    };
    let (count, plain, stacks) = drivers(&[]);
    let driver = plain.iter().find(|name| name.ends_with(".sys")).expect("a driver is responsible");
    let (stem, _) = driver.split_once('.').expect("a file name");
    let rules = OnDisk::new("rules.txt", format!("# not this one\nsystem {}\n", stem.to_uppercase()).as_bytes());
    let (same, other, same_stacks) = drivers(&["--wrappers", rules.path()]);
    assert_eq!((same, stacks.len()), (count, same_stacks.len()));
    assert!(plain.contains(driver) && !other.contains(driver), "{other:?}");
    // Without names a frame by function is the frame itself; only one that calls itself is folded.
    let (same, folded, _) = drivers(&["--frames", "function"]);
    let distinct = |names: Vec<String>| names.into_iter().collect::<std::collections::BTreeSet<_>>();
    assert_eq!((same, distinct(folded)), (count, distinct(plain)));

    let wrong = OnDisk::new("wrong.txt", b"wrapper a.sys\nwraper b.sys\n\nsystem\n");
    let ran = run(&["report", file.path(), "--by", "driver", "--wrappers", wrong.path()]);
    assert_eq!((ran.code, ran.out.len()), (1, 0), "{}", ran.err);
    let has_error = |words: &str| ran.err.contains(&format!("{}: {words}", wrong.path()));
    assert!(has_error("line 2: 'wraper' is none of") && has_error("line 4: 'system' alone"), "{}", ran.err);
}
