//! `record` and `poolmon` on the command line: what they print and write, what they refuse, and with which code.

use poolscope_tests::program::{csv, json, output, run};
use std::path::{Path, PathBuf};

const BEFORE: &str = " Memory:  260620K Avail:   96364K  PageFlts:     0   InRam Krnl: 1916K P:17856K\n \
    Commit: 203500K Limit: 640916K Peak: 260632K            Pool N: 8332K P:27220K\n System pool information\n \
    Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc  Mapped_Driver\n\n \
    Leak Nonp       1000 (   0)       100 (   0)      900 3600000 (     0)   4000 Unknown Driver\n \
    Fil  Nonp       1000 (   0)       900 (   0)      100  200000 (     0)   2000 [x.sys - files]\n \
    Cach Paged     90000 (   0)     80000 (   0)    10000 9000000 (     0)    900 [y.sys - cache]\n";
const AFTER: &str = "0: kd> !poolused 1\n Sorting by Tag\n\n                            NonPaged                                         Paged\n \
    Tag       Allocs       Frees      Diff         Used       Allocs       Frees      Diff         Used\n\n \
    Leak        4600         100      4500     18000000            0           0         0            0\tUNKNOWN pooltag 'Leak', please update pooltag.txt\n \
    Fil         1100         900       200       400000            0           0         0            0\tFiles , Binary: x.sys\n \
    Cach           0           0         0            0        90000       80000     10000      9000000\tCache , Binary: y.sys\n\
    TOTAL       5700        1000      4700     18400000        90000       80000     10000      9000000\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a scratch folder"))
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("a scratch folder with an ordinary name").to_owned()
    }

    fn with(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file can be written");
        path
    }
}

fn text_of(args: &[&str]) -> String {
    String::from_utf8(output(args)).expect("text is UTF-8")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn without_a_file_profile_and_commands_are_printed() {
    let text = text_of(&["record", "--tag", "Leak", "--tag", "Fil", "--rate", "2000", "--duration", "1h"]);
    for wanted in [
        "Pool allocations and frees of tags Leak Fil?\n",
        "for 2,000 allocations and frees per second of about",
        "Save this as pool.wprp (or give --out pool.wprp)",
        "        <PoolTag Value=\"Fil?\" />",
        "    wpr -start pool.wprp!PoolUsage.Verbose -filemode\n",
        "    wpr -status collectors -details\n",
        "    wpr -stop leak.etl\n",
        "    wpr -cancel\n",
        "    xperf -d leak.etl\n",
        "  - Tag 'Fil' has fewer than four characters.",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    assert!(text.is_ascii(), "{text}");
    let assumed = text_of(&["record", "--all"]);
    assert!(assumed.contains("20,000 allocations and frees per second (assumed;"), "{assumed}");
}

#[test]
fn files_are_written_once_and_replaced_only_when_told() {
    let folder = Folder::new();
    let (profile, script) = (folder.path("my leak.wprp"), folder.path("watch.ps1"));
    let line = [
        "record",
        "--tag",
        "Leak",
        "--out",
        &profile,
        "--script",
        &script,
        "--stop-at-growth",
        "500MB",
        "--duration",
        "2h",
    ];
    let text = text_of(&line);
    assert!(
        text.contains("wpr -start \"my leak.wprp!PoolUsage.Verbose\" -filemode") && !text.contains("<PoolTag"),
        "{text}"
    );
    assert!(read(&profile).contains("<PoolTag Value=\"Leak\" />"));
    let written = read(&script);
    for wanted in ["$StopAtGrowthBytes = 524288000,", "$StopAfterSeconds = 7200,", "<PoolTag Value=\"Leak\" />"] {
        assert!(written.contains(wanted), "{wanted}\n{written}");
    }
    std::fs::write(&profile, "mine").expect("a file can be written");
    std::fs::remove_file(&script).expect("it was written");
    let again = run(&line);
    assert_eq!((again.code, again.out.len()), (1, 0));
    assert!(
        again.err.contains("my leak.wprp exists already: choose another name, or replace it with --force"),
        "{}",
        again.err
    );
    assert_eq!(read(&profile), "mine");
    assert!(!Path::new(&script).exists(), "nothing is written if one file cannot be written");
    let forced: Vec<&str> = line.into_iter().chain(["--force"]).collect();
    assert_eq!(run(&forced).code, 0);
    assert!(read(&profile).starts_with("<?xml"));
}

#[test]
fn a_dash_gives_the_profile_alone() {
    let text = text_of(&["record", "--tag", "Leak", "--out", "-", "--detail", "light", "--stacks", "alloc"]);
    assert!(text.starts_with("<?xml") && text.ends_with("</WindowsPerformanceRecorder>\n"), "{text}");
    assert!(text.contains("PoolUsage.Light.Memory") && text.contains("PoolAllocation") && !text.contains("PoolFree"));
}

#[test]
fn what_cannot_be_recorded_is_wrong_usage() {
    for (args, words) in [
        (&["record"][..], "--tag <TAG>|--all|--from-poolmon <FILE>"),
        (&["record", "--tag", "Leaks"], "tag 'Leaks' has 5 characters"),
        (&["record", "--tag", ""], "a tag is empty"),
        (&["record", "--tag", "*"], "matches every tag"),
        (&["record", "--tag", "\u{e9}"], "ASCII"),
        (&["record", "--tag", "a", "--tag", "a "], "given twice"),
        (&["record", "--tag", "a", "--tag", "b", "--tag", "c", "--tag", "d", "--tag", "e"], "four at most"),
        (&["record", "--tag", "a", "--all"], "cannot be used with"),
        (&["record", "--all", "--file", "--memory"], "cannot be used with"),
        (&["record", "--all", "--memory-size", "1GB"], "--memory"),
        (&["record", "--all", "--duration", "soon"], "not a time such as 90s, 10min or 2h"),
        (&["record", "--all", "--trace", "a%b.etl"], "has a special meaning in cmd.exe"),
        (&["record", "--all", "--out", "a!b.wprp"], "has a special meaning in wpr"),
        (&["record", "--all", "--boot", "--script", "x.ps1"], "cannot be used with"),
    ] {
        let ran = run(args);
        assert_eq!((ran.code, ran.out.len()), (2, 0), "{args:?}");
        assert!(ran.err.contains(words), "{args:?}: {}", ran.err);
    }
    assert!(!PathBuf::from("a!b.wprp").exists() && !PathBuf::from("x.ps1").exists());
}

#[test]
fn json_holds_everything() {
    let document = json(&[
        "record",
        "--tag",
        "a%b",
        "--memory",
        "--memory-size",
        "64MiB",
        "--rate",
        "50000",
        "--boot",
        "--format",
        "json",
    ]);
    let fields: Vec<&str> = document.as_object().expect("an object").keys().map(String::as_str).collect();
    let wanted = [
        "description",
        "tags",
        "chosen",
        "big_allocations",
        "mode",
        "stacks",
        "boot",
        "estimate",
        "profile",
        "commands",
        "script",
        "notes",
    ];
    assert_eq!(fields, wanted);
    assert_eq!(document["tags"][0], serde_json::json!({ "given": "a%b", "pattern": "a%b?", "xperf": "a?b?" }));
    let estimate = &document["estimate"];
    assert_eq!((&estimate["buffers"], &estimate["buffer_kib"]), (&64.into(), &1024.into()));
    assert!(estimate["wraps_after_s"].as_u64().is_some_and(|seconds| seconds > 0 && seconds < 10), "{estimate}");
    let kinds: Vec<&str> =
        document["commands"].as_array().expect("groups").iter().filter_map(|group| group["kind"].as_str()).collect();
    assert_eq!(kinds, ["elevation", "boot", "built-in", "xperf", "trouble", "merge", "read"]);
    assert_eq!(document["commands"][1]["commands"][0]["line"], "wpr -boottrace -addboot pool.wprp!PoolUsage.Verbose");
}

#[test]
fn the_tags_that_grew_are_recorded_at_the_rate_that_was_counted() {
    let folder = Folder::new();
    let (before, after) = (folder.with("before.txt", BEFORE), folder.with("after.txt", AFTER));
    let document = json(&["record", "--from-poolmon", &before, "--and", &after, "--apart", "100s", "--format", "json"]);
    let patterns: Vec<&str> =
        document["tags"].as_array().expect("tags").iter().filter_map(|tag| tag["pattern"].as_str()).collect();
    assert_eq!(patterns, ["Leak", "Fil?"]);
    // 3,600 allocations of Leak and 100 of Fil in 100 seconds.
    assert_eq!(
        (&document["estimate"]["events_per_second"], &document["estimate"]["rate"]),
        (&37.into(), &"snapshot".into())
    );
    assert!(document["chosen"].as_str().is_some_and(|words| words.contains("grew most")), "{document}");
    let one = json(&["record", "--from-poolmon", &before, "--format", "json"]);
    assert_eq!(one["tags"][0]["pattern"], "Cach");
    let same = run(&["record", "--from-poolmon", &after, "--and", &after]);
    assert_eq!(same.code, 1);
    assert!(same.err.contains("no tag grew between the snapshots"), "{}", same.err);
    let backwards = run(&["record", "--from-poolmon", &after, "--and", &before]);
    assert_eq!((backwards.code, backwards.out.len()), (1, 0));
    assert!(backwards.err.contains("between them: give the older snapshot first"), "{}", backwards.err);
}

#[test]
fn record_warns_of_snapshots_like_poolmon() {
    let folder = Folder::new();
    let (before, after) = (folder.with("before.txt", &format!("{BEFORE}noise\n")), folder.with("after.txt", AFTER));
    let (poolmon, record) =
        (run(&["poolmon", &before, &after]), run(&["record", "--from-poolmon", &before, "--and", &after]));
    assert_eq!((poolmon.code, record.code), (0, 0));
    assert_eq!(poolmon.err, record.err);
    for words in [
        "poolscope: warning: ",
        "1 lines cannot be parsed, the first is line 9: 'noise'",
        "the rows of the first snapshot contain 3.62 MB of 8.14 MB of NonPaged pool: the snapshot is truncated",
        "the rows of the first snapshot contain 8.58 MB of 26.6 MB of Paged pool: the snapshot is truncated",
    ] {
        assert!(record.err.contains(words), "{words}\n{}", record.err);
    }
}

#[test]
fn a_truncated_snapshot_marks_missing_tags() {
    let folder = Folder::new();
    let after = AFTER.replace("TOTAL", " New1  30  0  30  900000  0  0  0  0\tNew\nTOTAL");
    let (before, after) = (folder.with("before.txt", BEFORE), folder.with("after.txt", &after));
    let document = json(&["poolmon", &before, &after, "--format", "json"]);
    let new = document["rows"].as_array().expect("rows").iter().find(|row| row["tag"] == "New1").expect("a row");
    // The smallest row of nonpaged pool before has 200,000 bytes.
    assert_eq!((&new["growth"], &new["state"]), (&700_000.into(), &"not listed before".into()));
}

#[test]
fn a_script_comes_with_its_stop_conditions_and_command() {
    let folder = Folder::new();
    for (name, options, stops, seconds) in [
        (
            "a.ps1",
            &["--stop-at-growth", "200MB"][..],
            "when nonpaged pool has grown by 200.0 MB, at the latest after 24 h 0 min",
            86_400,
        ),
        (
            "b.ps1",
            &["--stop-at", "1GiB", "--watch", "paged"],
            "when paged pool reaches 1.00 GB, at the latest after 24 h 0 min",
            86_400,
        ),
        ("c d.ps1", &[], "after 60 min 0 s", 3600),
        ("e.ps1", &["--duration", "2h"], "after 2 h 0 min", 7200),
    ] {
        let path = folder.path(name);
        let line = [&["record", "--all", "--script", &path, "--format", "json"][..], options].concat();
        let ran = run(&line);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let file = if name.contains(' ') { format!("\"{name}\"") } else { name.to_owned() };
        let wanted =
            format!("{name} stops {stops}; run it with: powershell -NoProfile -ExecutionPolicy Bypass -File {file}\n");
        assert!(ran.err.ends_with(&wanted), "{wanted}{}", ran.err);
        assert!(read(&path).contains(&format!("$StopAfterSeconds = {seconds},")), "{name}");
    }
    assert_eq!(json(&["record", "--all", "--format", "json"])["estimate"]["seconds"], 600);
}

#[test]
fn files_are_written_together_or_not_at_all() {
    let folder = Folder::new();
    let (profile, same) = (folder.path("x.wprp"), folder.path("./x.wprp"));
    let twice = run(&["record", "--all", "--out", &profile, "--script", &same, "--force"]);
    assert_eq!((twice.code, twice.out.len()), (2, 0));
    assert!(twice.err.contains("--out and --script are both"), "{}", twice.err);
    assert!(!Path::new(&profile).exists());
    let half = run(&["record", "--all", "--out", &profile, "--script", &folder.path("no folder/x.ps1")]);
    assert_eq!((half.code, half.out.len()), (1, 0));
    assert!(half.err.contains("cannot write") && !half.err.contains("wrote"), "{}", half.err);
    assert!(!Path::new(&profile).exists(), "no file is left");
}

#[test]
fn a_snapshot_is_a_table_and_two_are_a_difference() {
    let folder = Folder::new();
    let (before, after) = (folder.with("before.txt", BEFORE), folder.with("after.txt", AFTER));
    let (header, rows) = csv(&["poolmon", &before, "--format", "csv"]);
    assert_eq!(header, ["tag", "pool", "bytes", "blocks", "allocs", "frees", "bytes_per_block", "description"]);
    assert_eq!(rows[0], ["Cach", "Paged", "9000000", "10000", "90000", "80000", "900", "y.sys - cache"]);
    assert_eq!(rows[2], ["Fil ", "NonPaged", "200000", "100", "1000", "900", "2000", "x.sys - files"]);
    let (_, nonpaged) = csv(&["poolmon", &before, "--format", "csv", "--pool", "nonpaged", "--top", "1"]);
    assert_eq!(nonpaged.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["Leak"]);
    let document = json(&["poolmon", &before, &after, "--format", "json"]);
    let leak = &document["rows"][0];
    let figures =
        ["growth", "bytes_before", "bytes_after", "blocks_growth", "allocs", "frees"].map(|name| leak[name].as_i64());
    assert_eq!(figures, [14_400_000, 3_600_000, 18_000_000, 3600, 3600, 0].map(Some));
    assert_eq!(document["rows"].as_array().map(Vec::len), Some(2), "what did not change is left out");
    assert_eq!(document["record"], serde_json::json!({ "tags": ["Leak", "Fil "], "basis": "growth" }));
    let text = text_of(&["poolused", &before, &after]);
    assert!(text.contains("Growth between two snapshots: NonPaged 13.9 MB, Paged 0 B"), "{text}");
    assert!(text.contains("    poolscope record --tag Leak --tag \"Fil?\"\n"), "{text}");
    let markdown = text_of(&["poolmon", &after, "--format", "markdown"]);
    assert!(
        markdown.contains(
            "| Leak | NonPaged | 17.2 MB | 4,500 | 4,600 | 100 | 3.91 KB | what Sysinternals' NotMyFault leaks"
        ),
        "{markdown}"
    );
}

#[test]
fn several_snapshots_of_one_file_are_compared() {
    let folder = Folder::new();
    let log = folder.with("log.txt", &format!("{BEFORE}noise\n{BEFORE}{AFTER}"));
    let ran = run(&["poolmon", &log]);
    let text = String::from_utf8(ran.out).expect("text is UTF-8");
    assert!(text.starts_with("Growth between the first and the last of 3 snapshots: "), "{text}");
    assert!(ran.err.contains("1 lines cannot be parsed, the first is line 9: 'noise'"), "{}", ran.err);
    let last = text_of(&["poolmon", &log, "--last"]);
    assert!(last.starts_with("!poolused, 3 rows\n"), "{last}");
    let wrong_order = run(&["poolmon", &folder.with("after.txt", AFTER), &folder.with("before.txt", BEFORE)]);
    assert!(wrong_order.err.contains("the snapshots are in the wrong order"), "{}", wrong_order.err);
}

#[test]
fn other_text_is_an_error() {
    let folder = Folder::new();
    for (text, words) in [
        ("", "the text is empty"),
        ("hello\n", "no row of poolmon or of !poolused was found in 1 lines (line 1 is 'hello')"),
    ] {
        let ran = run(&["poolmon", &folder.with("x.txt", text)]);
        assert_eq!((ran.code, ran.out.len()), (1, 0));
        assert!(ran.err.contains("x.txt") && ran.err.contains(words), "{}", ran.err);
    }
    let missing = run(&["poolmon", &folder.path("none.txt")]);
    assert!(missing.code == 1 && missing.err.contains("cannot open"), "{}", missing.err);
}
