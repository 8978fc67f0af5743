//! `perfmon` and `case` on the command line: what a performance log shows, and what it, pool snapshots and a trace support together.

use poolscope_tests::program::{Ran, json, output, run};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;

const MB: f64 = 1_048_576.0;

/// A log of 12 hours, one sample per minute, local time two hours ahead of UTC: nonpaged pool grows by 30 MB/h from minute 180 on, and the
/// handles of `agent` with it.
fn performance_log() -> String {
    let mut text = "\"(PDH-CSV 4.0) (W. Europe Daylight Time)(-120)\",\"\\\\SRV07\\Memory\\Pool Nonpaged Bytes\",\
                    \"\\\\SRV07\\Process(agent)\\Handle Count\",\"\\\\SRV07\\Process(other)\\Handle Count\"\r\n"
        .to_owned();
    for minute in 0..720_usize {
        let risen = minute.saturating_sub(180) as f64;
        let jitter = ((minute * 7919) % 101) as f64 - 50.0;
        let pool = 400.0 * MB + 0.5 * MB * risen + 8000.0 * jitter;
        write!(text, "\"07/24/2026 {:02}:{:02}:00.000\",\"{pool:.0}\",", minute / 60, minute % 60).expect("a text");
        writeln!(text, "\"{:.0}\",\"{:.0}\"\r", 500.0 + 100.0 * risen, 900.0 + jitter).expect("a text");
    }
    text
}

/// Twelve snapshots of poolmon, one per hour: tag Leak grows by 29 MB/h.
fn snapshots() -> String {
    (0..12_u64)
        .map(|hour| {
            let (blocks, file) = (1000 + hour * 29 * 1024, 500 + hour % 3);
            format!(
                "07/24/2026 {hour:02}:00:00\n Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc\n \
                 Leak Nonp {} 10 {blocks} {} 1024\n File Nonp {} 1000 {file} {} 400\n",
                blocks + 10,
                blocks * 1024,
                1000 + file,
                file * 400
            )
        })
        .collect()
}

fn rows(document: &Value) -> Vec<Value> {
    document["rows"].as_array().expect("rows").clone()
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a file can be written");
    path.to_str().expect("an ordinary name").to_owned()
}

#[test]
fn a_performance_log_shows_growth_since_when_and_whose_handles() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = write(folder.path(), "perf.csv", &performance_log());
    let document = json(&["perfmon", &path, "--format", "json"]);
    assert_eq!((document["computer"].as_str(), document["utc_offset_minutes"].as_i64()), (Some("SRV07"), Some(120)));
    let rows = rows(&document);
    let pool = &rows[0];
    let rate = pool["per_hour"].as_f64().expect("a rate") / MB;
    assert!((rate - 30.0).abs() < 0.6, "{rate}");
    let since = pool["since"].as_str().expect("an onset");
    assert!(("2026-07-24 02:45:00".."2026-07-24 03:15:00").contains(&since), "planted at 03:00, found {since}");
    let processes: Vec<Option<&str>> = rows.iter().skip(1).map(|row| row["process"].as_str()).collect();
    assert_eq!(processes, [Some("agent")]);
    assert_eq!(rows[1]["rises_with"], "NonPaged");
    let text = String::from_utf8(output(&["perfmon", &path])).expect("text is UTF-8");
    assert!(text.contains("Handles of agent rise with nonpaged pool"), "{text}");
}

#[test]
fn files_that_are_no_performance_log_are_refused_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    for (name, bytes, wanted) in [
        ("a.blg", &b"\x12\0\0\0binary\0\xFF\xFE"[..], "relog FILE.blg -f csv"),
        ("a.txt", b"hello\n", "no heading with performance counters"),
        ("b.csv", b"\"(PDH-CSV 4.0)\",\"\\\\A\\Memory\\Pool Paged Bytes\"\n", "has no sample"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file can be written");
        let Ran { code, err: message, .. } = run(&["perfmon", path.to_str().expect("an ordinary name")]);
        assert!(code == 1 && message.contains(wanted), "{name}: {code} {message}");
    }
}

#[test]
fn a_folder_is_a_case_whose_evidence_agrees() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    write(folder.path(), "perf.csv", &performance_log());
    write(folder.path(), "poolsnap.log", &snapshots());
    write(folder.path(), "notes.txt", "the server hangs every two weeks\n");
    std::fs::write(folder.path().join("leak.etl"), poolscope::sample::TRACE).expect("a file can be written");
    let path = folder.path().to_str().expect("an ordinary name");
    let line = ["case", path, "--no-symbols", "--format", "json"];
    let document = json(&line);
    let kinds: Vec<Option<&str>> =
        document["evidence"].as_array().expect("evidence").iter().map(|one| one["kind"].as_str()).collect();
    assert_eq!(kinds, [Some("counters"), Some("snapshots"), Some("trace")]);
    let conclusions: Vec<&str> =
        document["conclusions"].as_array().expect("conclusions").iter().filter_map(Value::as_str).collect();
    assert!(
        conclusions[0]
            .starts_with("Tag Leak of nonpaged pool grows in the pool snapshots (29.0 MB/h) and in the trace")
            && conclusions[0].ends_with("allocated by myfault.sys"),
        "{conclusions:?}"
    );
    assert!(
        conclusions.iter().any(|sentence| sentence.contains("explains 97 %") || sentence.contains("explains 96 %")),
        "{conclusions:?}"
    );
    let unused = document["unused"].as_array().expect("unused files");
    assert!(
        unused.len() == 1 && unused[0]["file"].as_str().is_some_and(|file| file.ends_with("notes.txt")),
        "{unused:?}"
    );
    let text = String::from_utf8(output(&["case", path, "--no-symbols"])).expect("text is UTF-8");
    assert!(
        text.starts_with("Together\n")
            && text.contains("Performance log: perf.csv, 2026-07-24 00:00:00 to 2026-07-24 11:59:00"),
        "{text}"
    );
}

#[test]
fn a_case_without_evidence_is_an_error() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    write(folder.path(), "notes.txt", "nothing\n");
    let Ran { code, err: message, .. } = run(&["case", folder.path().to_str().expect("an ordinary name")]);
    assert!(
        code == 1 && message.contains("no file is a trace, a pool snapshot, a debugger log or a performance log"),
        "{code} {message}"
    );
}
