//! Datasets of `export --to FOLDER/`: their rows are those of `report`, `series`, `leaks` and `info`; what is done is skipped, what is
//! damaged is reported, and nothing is there in part.

use poolscope_synth::SynthParams;
use poolscope_synth::fleet::{FleetParams, VERSIONS};
use poolscope_tests::archives::{ZipMember, zip};
use poolscope_tests::corpus::real_traces;
use poolscope_tests::dataset::{Record, files_below, files_of, integer, rows_of, text};
use poolscope_tests::program::{Ran, json, run};
use poolscope_tests::synthetic::bytes_of;
use poolscope_tests::variants::base;
use serde_json::{Value, json as value};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::path::{Path, PathBuf};

const TABLES: [&str; 7] = ["allocations", "modules", "processes", "stacks", "suspects", "tags", "traces"];

/// A folder with traces, and the dataset beside them.
struct Room {
    folder: tempfile::TempDir,
}

impl Room {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a scratch folder") }
    }

    /// A trace of three minutes.
    fn with_trace() -> (Self, String) {
        let room = Self::new();
        let params = SynthParams { duration_s: 200.0, merged: true, computer: "SRV 42".to_owned(), ..base(3_000) };
        let trace = room.put("trace.etl", &bytes_of(&params));
        (room, trace)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        path.to_str().expect("an ordinary name").to_owned()
    }

    fn dataset(&self) -> PathBuf {
        self.folder.path().join("dataset")
    }

    fn export(&self, rest: &[&str]) -> Ran {
        let to = format!("{}/", self.dataset().display());
        run(&[&["export"], rest, &["--to", &to, "--no-symbols"]].concat())
    }

    fn rows(&self, table: &str) -> Vec<Record> {
        rows_of(&self.dataset(), table)
    }

    /// Names of all files of the dataset, from its folder on.
    fn names(&self) -> Vec<String> {
        let root = self.dataset();
        let name = |path: PathBuf| path.strip_prefix(&root).expect("below").display().to_string();
        files_below(&root).into_iter().map(name).collect()
    }
}

fn exported(rest: &[&str]) -> (Room, String) {
    let (room, trace) = Room::with_trace();
    let ran = room.export(&[&[trace.as_str()], rest].concat());
    assert_eq!((ran.code, ran.out.len()), (0, 0), "{}", ran.err);
    assert!(ran.err.contains("1 trace written ("), "{}", ran.err);
    (room, trace)
}

/// Count and bytes by the values of some columns.
fn sums(rows: &[Record], keys: &[&str]) -> BTreeMap<Vec<String>, (u64, u64)> {
    let mut sums: BTreeMap<Vec<String>, (u64, u64)> = BTreeMap::new();
    for row in rows {
        let sum = sums.entry(keys.iter().map(|key| row[*key].to_string()).collect()).or_default();
        sum.0 += row.get("count").map_or(1, |count| count.as_u64().expect("a count"));
        sum.1 += row["size"].as_u64().expect("a size");
    }
    sums
}

fn report(trace: &str, keys: &[&str]) -> Vec<Record> {
    let keys = keys.join(",");
    let document = json(&["report", trace, "--by", &keys, "--no-symbols", "--frames", "function", "--format", "json"]);
    let rows = document["rows"].as_array().expect("rows").iter();
    rows.map(|row| row.as_object().expect("a row").clone()).collect()
}

#[test]
fn allocations_are_those_of_the_report() {
    let (room, trace) = exported(&[]);
    let stacks: BTreeMap<i64, String> =
        room.rows("stacks").iter().map(|row| (integer(row, "stack_id"), text(row, "stack").to_owned())).collect();
    let mut rows = room.rows("allocations");
    for row in &mut rows {
        for (id, name) in [("stack_id", "stack"), ("free_stack_id", "free_stack")] {
            let stack = row[id].as_i64().map_or("", |id| stacks[&id].as_str());
            let frames: Vec<&str> = stack.split(';').filter(|frame| !frame.is_empty()).collect();
            row.insert(name.to_owned(), value!(frames));
        }
    }
    let groupings: [&[&str]; 4] = [
        &["type", "impacting_type", "paged", "pool_type", "tag", "tag_description", "pool_tag_module"],
        &["driver", "function", "stack", "free_stack"],
        &["process", "thread", "cpu", "session", "size_class"],
        &["tag", "address", "alloc_time", "free_time", "lifetime"],
    ];
    for keys in groupings {
        let (found, expected) = (sums(&rows, keys), sums(&report(&trace, keys), keys));
        assert!(expected.len() > 4 && found == expected, "{keys:?}: {} and {}", found.len(), expected.len());
    }
    assert_eq!(rows.len() as u64, json(&["info", &trace, "--format", "json"])["pool"]["allocations"]);
}

#[test]
fn times_are_exact_and_in_utc() {
    let (room, _) = exported(&["--only", "allocations"]);
    // 100 ns since 1601, planted.
    let start = (SynthParams::default().start_filetime - 116_444_736_000_000_000) * 100;
    assert_eq!(integer(&room.rows("traces")[0], "start_utc_ns"), start);
    let rows = room.rows("allocations");
    for (time, utc) in [("alloc_time", "alloc_time_utc_ns"), ("free_time", "free_time_utc_ns")] {
        let known: Vec<&Record> = rows.iter().filter(|row| !row[time].is_null()).collect();
        assert!(!known.is_empty() && known.len() == rows.iter().filter(|row| !row[utc].is_null()).count());
        for row in known {
            // The clock of the trace has ticks of 100 ns.
            let ticks = (row[time].as_f64().expect("seconds") * 1e7).round() as i64;
            assert_eq!(integer(row, utc), start + ticks * 100);
        }
    }
}

#[test]
fn frames_are_taken_apart() {
    let (room, trace) = exported(&["--frames", "symbol"]);
    let rows = room.rows("stacks");
    let part = |frame: &Value| match (frame["module"].as_str(), frame["offset"].as_i64()) {
        (Some(module), Some(offset)) => format!("{module}+{offset:#x}"),
        _ => frame["address"].as_str().expect("an address").to_owned(),
    };
    for row in &rows {
        let frames = row["frames"].as_array().expect("frames");
        assert!(frames.iter().all(|frame| frame["function"].is_null()), "nothing has a name here");
        assert_eq!(frames.iter().map(part).collect::<Vec<_>>().join(";"), text(row, "stack"));
        assert_eq!(frames.len() as i64, integer(row, "depth"));
    }
    let document = json(&["report", &trace, "--by", "stack", "--no-symbols", "--format", "json"]);
    let joined = |row: &Value| {
        let frames = row["stack"].as_array().expect("frames").iter();
        frames.map(|frame| frame.as_str().expect("a frame")).collect::<Vec<_>>().join(";")
    };
    let reported: BTreeSet<String> =
        document["rows"].as_array().expect("rows").iter().map(joined).filter(|stack| !stack.is_empty()).collect();
    let written: BTreeSet<String> = rows.iter().map(|row| text(row, "stack").to_owned()).collect();
    assert!(reported.len() > 10 && reported.is_subset(&written));
}

#[test]
fn tags_are_series_by_minute() {
    let (room, trace) = exported(&["--only", "tags"]);
    let rows = room.rows("tags");
    // The last tick of each of the first three minutes.
    let series = |measure: &str| {
        let range = ["--range", "59.9999999..179.9999999", "--points", "3"];
        let by = ["--by", "tag,paged", "--measure", measure, "--format", "json"];
        let document = json(&[&["series", &trace], by.as_slice(), range.as_slice()].concat());
        let mut points: BTreeMap<[String; 2], Vec<i64>> = BTreeMap::new();
        for row in document["rows"].as_array().expect("rows") {
            let key = ["tag", "paged"].map(|key| row[key].as_str().expect("a text").to_owned());
            points.entry(key).or_default().push(row["value"].as_i64().expect("bytes or a count"));
        }
        points
    };
    let [outstanding, count, cumulative] = ["outstanding", "count", "cumulative"].map(series);
    assert!(outstanding.len() > 8, "{}", outstanding.len());
    for (key, sizes) in &outstanding {
        let of_tag = |row: &&Record| row["tag"] == key[0].as_str() && row["paged"] == key[1].as_str();
        for (minute, size) in sizes.iter().enumerate() {
            let until = rows.iter().filter(of_tag).filter(|row| integer(row, "minute") <= minute as i64);
            let last = until.clone().next_back();
            let at = |name| last.map_or(0, |row| integer(row, name));
            assert_eq!(at("outstanding_size"), *size, "{key:?} {minute}");
            assert_eq!(at("outstanding_count"), count[key][minute], "{key:?} {minute}");
            assert_eq!(until.map(|row| integer(row, "size")).sum::<i64>(), cumulative[key][minute], "{key:?} {minute}");
        }
    }
    let total = |name| rows.iter().map(|row| integer(row, name)).sum::<i64>();
    let info = json(&["info", &trace, "--format", "json"]);
    assert_eq!(
        (total("allocations"), total("frees")),
        (
            info["pool"]["alloc_events"].as_i64().expect("a count"),
            info["pool"]["free_events"].as_i64().expect("a count")
        )
    );
    assert_eq!(total("net_size"), total("size") - total("freed_size"));
}

#[test]
fn suspects_and_traces_are_those_of_leaks_and_info() {
    let (room, trace) = exported(&["--only", "suspects,modules,processes"]);
    let leaks = json(&["leaks", &trace, "--no-symbols", "--frames", "function", "--format", "json"]);
    let (rows, expected) = (room.rows("suspects"), leaks["rows"].as_array().expect("rows").clone());
    assert!(rows.len() > 8 && rows.len() == expected.len());
    for (row, expected) in rows.iter().zip(&expected) {
        let own = row.iter().filter(|(name, _)| !["trace_id", "host", "driver_version"].contains(&name.as_str()));
        for (name, field) in own {
            assert_eq!(field, &expected[name], "{name}");
        }
    }
    let info = json(&["info", &trace, "--format", "json"]);
    let traces = room.rows("traces");
    let row = &traces[0];
    for name in ["file_bytes", "os_build", "pointer_size", "cpus", "memory_mb", "session_name", "records", "duration_s"]
    {
        assert_eq!(row[name], info[name], "{name}");
    }
    assert_eq!((&row["host"], &row["trace"]), (&info["computer"], &value!("trace.etl")));
    assert_eq!(row["host"], "SRV 42", "as planted");
    assert_eq!((&row["images"], &row["modules"]), (&info["images"], &info["modules"]));
    assert_eq!(row["data_quality_factor"], leaks["data_quality"]["factor"]);
    assert_eq!(room.rows("modules").len() as u64, info["modules"]);
    assert!(room.rows("modules").iter().all(|row| row["file_version"] == "10.0.19041.1"), "as planted");
    assert!(room.rows("processes").len() as u64 >= info["processes"].as_u64().expect("a count"));
    let names = room.names();
    assert!(!names.iter().any(|name| name.starts_with("allocations") || name.starts_with("stacks")), "{names:?}");
    assert!(names.iter().any(|name| name.starts_with("suspects/date=2") && name.contains("/SRV_42-")), "{names:?}");
}

/// Real traces: the numbers of `info`, which other tests compare with two other readers, and versions of the kernel that fit the build
/// in the header.
#[test]
fn real_traces_are_written() {
    let room = Room::new();
    let traces = real_traces();
    let Some(first) = traces.first() else { return };
    let folder = first.path.parent().and_then(Path::to_str).expect("an ordinary name");
    let ran = room.export(&[folder, "--only", "modules,processes,suspects,tags"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let written = room.rows("traces");
    assert_eq!(written.len(), traces.len());
    for row in &written {
        let info = json(&["info", &format!("{folder}/{}", text(row, "trace")), "--format", "json"]);
        let names = ["records", "images", "modules", "processes", "events_lost", "os_build"];
        names.iter().for_each(|name| assert_eq!(row[*name], info[*name], "{name} of {}", row["trace"]));
    }
    let is_kernel = |row: &&Record| row["module"] == "ntoskrnl.exe" && !row["file_version"].is_null();
    let modules = room.rows("modules");
    let kernels: Vec<&Record> = modules.iter().filter(is_kernel).collect();
    assert!(kernels.len() > 1, "merged traces have versions");
    for kernel in kernels {
        let of_trace = |row: &&Record| row["trace_id"] == kernel["trace_id"];
        let build = written.iter().find(of_trace).map(|row| integer(row, "os_build")).expect("its trace");
        let version = text(kernel, "file_version");
        assert_eq!(version.split('.').nth(2), Some(build.to_string().as_str()), "{version}");
    }
}

/// The bytes of all files of a dataset by their names.
fn bytes_below(dataset: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = files_below(dataset).into_iter();
    files
        .map(|path| (path.strip_prefix(dataset).expect("below").to_owned(), std::fs::read(&path).expect("a file")))
        .collect()
}

fn fleet_trace(host: u32, night: u32) -> Vec<u8> {
    let fleet = FleetParams { hosts: 4, allocations: 500, duration_s: 20.0, ..FleetParams::default() };
    let mut out = Cursor::new(Vec::new());
    fleet.write_trace(&mut out, host, night).expect("written");
    out.into_inner()
}

#[test]
fn an_export_is_continued_and_does_not_depend_on_threads() {
    let room = Room::new();
    let traces: Vec<String> =
        (0..4).map(|host| room.put(&format!("{host}.etl"), &fleet_trace(host, host % 2))).collect();
    let traces: Vec<&str> = traces.iter().map(String::as_str).collect();
    let first = room.export(&[&traces[..2], &["--threads", "1"]].concat());
    assert!(first.code == 0 && first.err.contains("2 traces written"), "{}", first.err);
    let before = bytes_below(&room.dataset());
    let second = room.export(&[&traces[..], &["--threads", "5"]].concat());
    assert!(second.code == 0 && second.err.contains("2 traces written"), "{}", second.err);
    assert!(second.err.contains("2 done before"), "{}", second.err);
    let after = bytes_below(&room.dataset());
    assert!(before.iter().all(|(path, bytes)| after.get(path) == Some(bytes)));
    assert_eq!(after.len(), 1 + 4 * TABLES.len());

    let again = Room::new();
    let to = format!("{}/", again.dataset().display());
    let ran = run(&[&["export"], &traces[..], &["--to", &to, "--no-symbols", "--threads", "3"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(bytes_below(&again.dataset()) == after, "the same traces give the same bytes");

    let versions = |rows: Vec<Record>| rows.iter().map(|row| row["version"].to_string()).collect::<BTreeSet<_>>();
    assert!(versions(room.rows("modules")).contains(&format!("{:?}", VERSIONS[0])));
    let dates: BTreeSet<String> =
        room.names().iter().filter_map(|name| name.split('/').nth(1)).map(str::to_owned).collect();
    assert_eq!(dates, BTreeSet::from([0, 1].map(|night| format!("date={}", FleetParams::date(night)))));
}

#[test]
fn missing_tables_of_a_trace_that_is_done_are_added() {
    let (room, trace) = exported(&["--only", "suspects,tags"]);
    let light = bytes_below(&room.dataset());
    assert_eq!(light.len(), 4, "{:?}", room.names());
    let ran = room.export(&[&trace, "--only", "tags"]);
    assert!(ran.code == 0 && ran.err.contains("0 traces written") && ran.err.contains("1 done before"), "{}", ran.err);
    assert_eq!(room.export(&[&trace]).code, 0);
    let whole = bytes_below(&room.dataset());
    assert!(whole.len() == 1 + TABLES.len() && light.iter().all(|(path, bytes)| whole.get(path) == Some(bytes)));
    let path = files_of(&room.dataset(), "modules").remove(0);
    std::fs::write(&path, b"mine").expect("written");
    assert_eq!(room.export(&[&trace]).code, 0);
    assert_eq!(std::fs::read(&path).expect("a file"), b"mine", "nothing is replaced unasked");
    assert_eq!(room.export(&[&trace, "--force"]).code, 0);
    assert!(bytes_below(&room.dataset()) == whole);
}

#[test]
fn damaged_traces_are_reported_and_do_not_stop_the_others() {
    let room = Room::new();
    let whole = fleet_trace(0, 0);
    let good = room.put("good.etl", &whole);
    let cut = room.put("cut.etl", &whole[..whole.len() * 2 / 3]);
    let none = room.put("none.etl", b"this is no trace");
    let missing = format!("{}/missing.etl", room.folder.path().display());
    let ran = room.export(&[&none, &good, &missing, &cut]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let message = ran.err.split_once("poolscope: 2 traces of 4 failed:\n").expect("the failures are the error").1;
    let reasons: Vec<&str> = message.lines().collect();
    assert!(reasons.len() == 2 && reasons[0].contains("none.etl") && reasons[1].contains("missing.etl"), "{message}");
    assert!(ran.err.contains("2 traces written"), "{}", ran.err);
    let quiet = room.export(&[&none, &good, "--quiet"]);
    assert!(quiet.code == 1 && quiet.err.starts_with("poolscope: 1 trace of 2 failed:"), "{}", quiet.err);
    let traces = room.rows("traces");
    assert_eq!(traces.len(), 2);
    let cut = traces.iter().find(|row| row["trace"] == "cut.etl").expect("it was loaded as far as it goes");
    assert!(cut["end_missing"] == true && !cut["diagnostics"].as_array().expect("a list").is_empty());
}

#[test]
fn a_trace_counts_once_and_folders_and_archives_are_opened() {
    let room = Room::new();
    let traces = room.folder.path().join("traces");
    std::fs::create_dir(&traces).expect("a folder");
    let put = |name: &str, bytes: &[u8]| std::fs::write(traces.join(name), bytes).expect("a file");
    put("a.etl", &fleet_trace(0, 0));
    put("copy.etl", &fleet_trace(0, 0));
    let (one, two) = (fleet_trace(1, 0), fleet_trace(2, 0));
    let members = [ZipMember::deflated("x/one.etl", &one), ZipMember::stored("x/two.etl", &two)];
    put("case.zip", &zip(&members));
    put("papers.zip", &zip(&[ZipMember::stored("readme.txt", b"text")]));
    put("notes.txt", b"text");
    let ran = room.export(&[traces.to_str().expect("an ordinary name")]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("3 traces written"), "{}", ran.err);
    assert!(ran.err.contains("copy.etl: skipped, the same trace as "), "{}", ran.err);
    assert!(ran.err.contains("papers.zip: skipped, it holds no trace"), "{}", ran.err);
    let names: BTreeSet<String> = room.rows("traces").iter().map(|row| text(row, "trace").to_owned()).collect();
    assert_eq!(names, BTreeSet::from(["a.etl", "one.etl (case.zip)", "two.etl (case.zip)"].map(str::to_owned)));
}

#[test]
fn a_trace_that_cannot_be_written_leaves_nothing() {
    let room = Room::new();
    let trace = room.put("a.etl", &fleet_trace(0, 0));
    assert_eq!(room.export(&[&trace]).code, 0);
    let tags = files_of(&room.dataset(), "tags").remove(0);
    std::fs::remove_dir_all(room.dataset()).expect("removed");
    // A folder is in the way of the last table but one: the others are written by then.
    std::fs::create_dir_all(&tags).expect("a folder");
    let ran = room.export(&[&trace]);
    assert!(ran.code == 1 && ran.err.contains("cannot write"), "{}", ran.err);
    assert_eq!(room.names(), ["_poolscope.json"]);
    std::fs::remove_dir(&tags).expect("removed");
    assert_eq!(room.export(&[&trace]).code, 0);
    assert_eq!(room.names().len(), 1 + TABLES.len());
    // A file where a table's folder should be.
    std::fs::remove_dir_all(room.dataset()).expect("removed");
    std::fs::create_dir(room.dataset()).expect("a folder");
    std::fs::write(room.dataset().join("tags"), b"in the way").expect("a file");
    let ran = room.export(&[&trace]);
    assert!(ran.code == 1 && ran.err.contains("dataset/tags"), "{}", ran.err);
    assert_eq!(room.names(), ["_poolscope.json", "tags"]);
    std::fs::write(room.dataset().join("_poolscope.json"), r#"{"schema_version": 77}"#).expect("a file");
    let ran = room.export(&[&trace]);
    assert!(ran.code == 1 && ran.err.contains("version 77") && ran.err.contains("another folder"), "{}", ran.err);
}

#[test]
fn a_file_holds_one_table_of_one_trace() {
    let (room, trace) = exported(&[]);
    for (only, table) in
        [(&[][..], "allocations"), (&["--only", "suspects"], "suspects"), (&["--only", "tags"], "tags")]
    {
        let path = room.folder.path().join(format!("{table}.parquet"));
        let to = path.to_str().expect("an ordinary name");
        let line = [&["export", &trace, "--to", to, "--no-symbols"], only].concat();
        let ran = run(&line);
        assert!(ran.code == 0 && ran.err.contains(&format!("table {table} written to ")), "{}", ran.err);
        assert_eq!(
            std::fs::read(&path).expect("a file"),
            std::fs::read(&files_of(&room.dataset(), table)[0]).expect("a file")
        );
        let again = run(&line);
        assert!(again.code == 1 && again.err.contains("exists already"), "{}", again.err);
    }
    let to = format!("{}/x.parquet", room.folder.path().display());
    for rest in [&["--only", "tags,stacks"][..], &[trace.as_str()]] {
        assert_eq!(run(&[&["export", &trace, "--to", &to], rest].concat()).code, 2, "{rest:?}");
    }
    assert!(!Path::new(&to).exists());
}

/// The description of a dataset has each table and each of its columns.
#[test]
fn the_schema_is_documented() {
    let (room, _) = exported(&[]);
    let text = include_str!("../../assets/fleet/README.md");
    let section = |table: &str| {
        let start = text.find(&format!("\n### {table}\n")).unwrap_or_else(|| panic!("{table} is not described"));
        let rest = &text[start + 5..];
        rest.find("\n##").map_or(rest, |end| &rest[..end])
    };
    for table in TABLES {
        let rows = room.rows(table);
        let described: BTreeSet<&str> = section(table)
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('|').next())
            .flat_map(|cell| cell.split('`').filter(|name| !name.trim().is_empty()))
            .collect();
        let written: BTreeSet<&str> = rows[0].keys().map(String::as_str).collect();
        assert_eq!(described, written, "{table}");
    }
}

#[test]
fn options_that_do_not_apply_are_refused() {
    let (room, trace) = Room::with_trace();
    let refused = |line: &[&str], word: &str| {
        let ran = run(line);
        assert!(ran.code == 2 && ran.err.contains(word), "{line:?}: {} {}", ran.code, ran.err);
    };
    let folder = room.folder.path().to_str().expect("an ordinary name");
    let (to, file) = (format!("{folder}/dataset/"), format!("{folder}/x.csv"));
    refused(&["export", &trace, "--to", &to, "--by", "tag"], "--by does not apply to a dataset");
    refused(&["export", &trace, "--to", &to, "--where", "tag:Leak"], "--where does not apply to a dataset");
    refused(&["export", &trace, "--to", &to, "--only", "tag"], "there is no table 'tag'");
    refused(&["export", &trace, &trace, "--to", &file], "Give the files of one recording only");
    refused(&["export", &trace, "--to", &file, "--only", "tags"], "--only chooses tables");
    refused(&["export", &trace, "--to", folder], "it is a folder");
    assert!(!room.dataset().exists() && !Path::new(&file).exists());
}
