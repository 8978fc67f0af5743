//! Questions of `fleet`: the SQL that an engine gets, its answers in each format, and what is said where there is no engine or it fails.
//! Engines are programs in a folder that stands for the path; where a real DuckDB is there, it answers as well.

use poolscope::symbols::SymbolEnvironment;
use poolscope_synth::fleet::{DRIVER, FleetParams, LEAKING_TAG, VERSIONS};
use poolscope_tests::program::{Ran, run, run_on};
use serde_json::{Value, json as value};
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

/// A dataset of a small fleet, and a folder for programs.
struct Room {
    folder: tempfile::TempDir,
    fleet: FleetParams,
}

impl Room {
    fn new(hosts: u32, allocations: u64, rest: &[&str]) -> Self {
        let fleet = FleetParams { hosts, nights: 2, updated_of: 2, hoarder: 1, allocations, ..FleetParams::default() };
        let room = Self { folder: tempfile::tempdir().expect("a scratch folder"), fleet };
        let traces = room.folder.path().join("traces");
        std::fs::create_dir(&traces).expect("a folder");
        std::fs::create_dir(room.folder.path().join("path")).expect("a folder");
        for night in 0..2 {
            for host in 0..hosts {
                let file = File::create(traces.join(format!("{host}-{night}.etl"))).expect("a file");
                room.fleet.write_trace(BufWriter::new(file), host, night).expect("written");
            }
        }
        let to = format!("{}/", room.dataset());
        let traces = traces.to_str().expect("an ordinary name");
        let ran = run(&[&["export", traces, "--to", &to, "--no-symbols"], rest].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        room
    }

    /// A folder whose name has characters with a meaning in SQL and in patterns.
    fn dataset(&self) -> String {
        format!("{}/it's [a] data set", self.folder.path().display())
    }

    fn machine(&self) -> SymbolEnvironment {
        let path = self.folder.path().join("path").display().to_string();
        SymbolEnvironment { variables: vec![("PATH".to_owned(), path)], ..SymbolEnvironment::default() }
    }

    fn ask(&self, rest: &[&str]) -> Ran {
        run_on(&self.machine(), &[&["fleet", &self.dataset()], rest].concat())
    }

    /// Puts a program on the path that runs these lines of a shell, which find its own folder in `$own`.
    fn program(&self, name: &str, lines: &str) {
        let path = self.folder.path().join("path").join(name);
        let own = self.folder.path().display();
        std::fs::write(&path, format!("#!/bin/sh\nown='{own}'\n{lines}\n")).expect("a file");
        make_executable(&path);
    }

    fn written(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).expect("a program wrote it")
    }
}

#[cfg(unix)]
fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("permissions");
}

#[cfg(not(unix))]
fn make_executable(_: &Path) {}

/// Returns `true`, and says so, where programs cannot be scripts.
fn has_no_scripts() -> bool {
    if !cfg!(unix) {
        poolscope_tests::skipped("programs are no shell scripts here");
    }
    !cfg!(unix)
}

const ANSWER: &str = r#"[{"tag":"Irp ","hosts":1234,"note":null},{"tag":"a|b","hosts":2,"note":0.5}]"#;

#[test]
fn answers_have_all_formats_and_the_sql_has_views_and_parameters() {
    if has_no_scripts() {
        return;
    }
    let room = Room::new(1, 300, &["--only", "suspects,tags"]);
    room.program(
        "duckdb",
        &format!("echo \"$@\" >\"$own/arguments\"\npwd >\"$own/place\"\ncat >\"$own/sql\"\necho '{ANSWER}'"),
    );
    let text = room.ask(&["leaking-tags", "--param", "min_confidence=0.9'; DROP VIEW tags; --"]);
    assert_eq!(text.code, 0, "{}", text.err);
    let lines: Vec<String> = String::from_utf8(text.out).expect("UTF-8").lines().map(str::to_owned).collect();
    assert_eq!(lines, ["tag   hosts  note", "Irp   1,234", "a|b       2   0.5"]);
    let sql = room.written("sql");
    for table in ["suspects", "tags", "traces"] {
        assert!(
            sql.contains(&format!("CREATE VIEW {table} AS SELECT * FROM read_parquet('{table}/*/*.parquet'")),
            "{sql}"
        );
    }
    assert!(!sql.contains("allocations/") && !sql.contains("it's"), "{sql}");
    assert!(sql.contains("SELECT '0.9''; DROP VIEW tags; --' AS min_confidence;\n"), "{sql}");
    assert!(sql.contains(include_str!("../../assets/fleet/leaking-tags.sql").trim_end()), "{sql}");
    assert!(room.written("arguments").starts_with("-json -bail"), "settings of the user have no effect");
    assert_eq!(room.written("place").trim_end(), room.dataset());

    let csv = room.ask(&["leaking-tags", "--format", "csv"]);
    assert_eq!(String::from_utf8(csv.out).expect("UTF-8"), "tag,hosts,note\nIrp ,1234,\na|b,2,0.5\n");
    let document: Value = serde_json::from_slice(&room.ask(&["leaking-tags", "--format", "json"]).out).expect("JSON");
    let rows = value!([{"tag": "Irp ", "hosts": 1234, "note": null}, {"tag": "a|b", "hosts": 2, "note": 0.5}]);
    assert_eq!((&document["rows"], &document["columns"]), (&rows, &value!(["tag", "hosts", "note"])));
    assert_eq!(document["parameters"], value!({"min_confidence": "0.5"}));
    crate::schemas::assert_valid("fleet", &document);
    let markdown = room.ask(&["leaking-tags", "--format", "markdown"]);
    assert!(String::from_utf8(markdown.out).expect("UTF-8").ends_with("| a\\|b | 2 | 0.5 |\n"));

    let own = room.folder.path().join("own.sql");
    std::fs::write(&own, "-- Mine\nSELECT tag FROM tags;\n").expect("a file");
    assert_eq!(room.ask(&[own.to_str().expect("an ordinary name"), "--param", "x=1"]).code, 0);
    let sql = room.written("sql");
    assert!(sql.contains("SELECT '1' AS x;\n-- Mine\nSELECT tag FROM tags;\n"), "{sql}");
}

#[test]
fn an_answer_without_rows_has_its_columns() {
    if has_no_scripts() {
        return;
    }
    let room = Room::new(1, 300, &["--only", "suspects"]);
    room.program("duckdb", "cat >/dev/null\ncase $1 in -csv) echo 'tag,hosts' ;; *) echo '[' ; echo ']' ;; esac");
    let csv = room.ask(&["first-night", "--format", "csv"]);
    assert_eq!((csv.code, csv.out.as_slice()), (0, b"tag,hosts\n".as_slice()), "{}", csv.err);
    assert_eq!(room.ask(&["first-night"]).out, b"no rows\n");
}

#[test]
fn failures_of_an_engine_are_passed_on() {
    if has_no_scripts() {
        return;
    }
    let room = Room::new(1, 300, &["--only", "suspects"]);
    room.program("duckdb", "cat >/dev/null\necho 'Catalog Error: Table stacks does not exist!' >&2\nexit 1");
    let ran = room.ask(&["top-stacks", "--param", "tag=MyFl"]);
    assert_eq!((ran.code, ran.out.len()), (1, 0));
    assert!(
        ran.err.contains("top-stacks: Catalog Error") && ran.err.contains("the tables suspects, traces."),
        "{}",
        ran.err
    );
    room.program("duckdb", "exit 7");
    assert!(room.ask(&["leaking-tags"]).err.contains("failed: exit status: 7"));
    room.program("duckdb", "cat >/dev/null\necho what");
    assert!(room.ask(&["leaking-tags"]).err.contains("is not as expected"));
    // A program that cannot be started.
    let program = room.folder.path().join("path/duckdb");
    std::fs::remove_file(&program).expect("removed");
    std::fs::write(&program, b"no program").expect("a file");
    let ran = room.ask(&["leaking-tags"]);
    assert!(ran.code == 1 && ran.err.contains("cannot run"), "{}", ran.err);
}

#[test]
fn python_answers_where_the_program_is_missing_and_else_the_sql_is_printed() {
    if has_no_scripts() {
        return;
    }
    let room = Room::new(1, 300, &["--only", "suspects"]);
    let neither = room.ask(&["leaking-tags"]);
    assert_eq!(neither.code, 1);
    let message: Vec<&str> = neither.err.lines().collect();
    assert!(message.len() == 1 && message[0].contains("pip install duckdb"), "{message:?}");
    let printed = String::from_utf8(neither.out).expect("UTF-8");
    assert!(printed.contains("CREATE VIEW suspects") && printed.trim_end().ends_with(';'), "{printed}");
    assert_eq!(room.ask(&["leaking-tags", "--show-sql"]).out, printed.as_bytes());

    room.program("python3", "exit 1");
    assert_eq!(room.ask(&["leaking-tags"]).code, 1, "a Python without the module is none");
    let answer = r#"{"columns":["b","a"],"rows":[[1,null]]}"#;
    let script = format!("[ \"$2\" = 'import duckdb' ] && exit 0\ncat >\"$own/request\"\necho '{answer}'");
    room.program("python", &script);
    let ran = room.ask(&["leaking-tags", "--format", "csv"]);
    assert_eq!((ran.code, ran.out.as_slice()), (0, b"b,a\n1,\n".as_slice()), "{}", ran.err);
    let request: Value = serde_json::from_str(&room.written("request")).expect("JSON");
    assert_eq!(request["query"], include_str!("../../assets/fleet/leaking-tags.sql"));
    assert!(request["setup"].as_str().expect("a text").contains("CREATE VIEW parameters"));
}

#[test]
fn wrong_questions_are_usage_errors_and_a_dataset_is_needed() {
    let room = Room::new(1, 300, &["--only", "suspects"]);
    let listed = String::from_utf8(room.ask(&[]).out).expect("UTF-8");
    for name in ["leaking-tags", "growth-by-driver-version", "hosts-off-the-norm", "first-night", "top-stacks"] {
        assert!(listed.lines().any(|line| line == name), "{listed}");
    }
    let refused = |rest: &[&str], word: &str| {
        let ran = room.ask(rest);
        assert!(ran.code == 2 && ran.err.contains(word), "{rest:?}: {} {}", ran.code, ran.err);
    };
    refused(&["leaking-tag"], "Did you mean leaking-tags?");
    refused(&["no-such.sql"], "no file 'no-such.sql'");
    refused(&["top-stacks"], "--param tag=VALUE");
    refused(&["leaking-tags", "--param", "tag=x"], "has no parameter 'tag'");
    refused(&["leaking-tags", "--param", "tag"], "NAME=VALUE");
    let empty = tempfile::tempdir().expect("a folder");
    let ran = run(&["fleet", empty.path().to_str().expect("an ordinary name"), "leaking-tags"]);
    assert!(ran.code == 1 && ran.err.contains("is no dataset"), "{}", ran.err);
    assert_eq!(run(&["fleet", "/no/such/folder"]).code, 1);
}

/// The planted leak, found by a real engine.
#[test]
fn a_real_engine_finds_what_was_planted() {
    let machine = SymbolEnvironment::from_system();
    let room = Room::new(6, 6_000, &[]);
    let ask = |rest: &[&str]| {
        let ran = run_on(&machine, &[&["fleet", &room.dataset()], rest, &["--format", "json"]].concat());
        if ran.code != 0 && ran.err.contains("DuckDB is not on this machine") {
            return None;
        }
        assert_eq!(ran.code, 0, "{rest:?}: {}", ran.err);
        let document: Value = serde_json::from_slice(&ran.out).expect("JSON");
        Some(document["rows"].as_array().expect("rows").clone())
    };
    let Some(nights) = ask(&["first-night"]) else {
        poolscope_tests::skipped("no DuckDB");
        return;
    };
    let tag = String::from_utf8_lossy(&LEAKING_TAG).into_owned();
    let leak = nights.iter().find(|row| row["tag"] == tag.as_str()).expect("the leak");
    assert_eq!((&leak["first_night"], &leak["driver"]), (&value!(FleetParams::date(1)), &value!(DRIVER)));
    assert_eq!(leak["hosts_on_first_night"], 3);
    assert_eq!((&leak["lowest_version"], &leak["highest_version"]), (&value!(VERSIONS[1]), &value!(VERSIONS[1])));
    let versions = ask(&["growth-by-driver-version", "--param", &format!("driver={}", DRIVER.to_uppercase())]);
    let of_tag: Vec<Value> = versions.expect("rows").into_iter().filter(|row| row["tag"] == tag.as_str()).collect();
    let leaking = |version: &str| {
        let row = of_tag.iter().find(|row| row["driver_version"] == version);
        row.map_or(0, |row| row["leaking_hosts"].as_i64().expect("a count"))
    };
    assert_eq!((leaking(VERSIONS[0]), leaking(VERSIONS[1])), (0, 3), "{of_tag:?}");
    let hosts = ask(&["hosts-off-the-norm", "--param", "min_size=100000"]).expect("rows");
    assert_eq!(hosts.first().map(|row| &row["host"]), Some(&value!(FleetParams::host_name(1))), "{hosts:?}");
    let stacks = ask(&["top-stacks", "--param", &format!("tag={tag}"), "--param", "top=3"]).expect("rows");
    assert!(stacks.len() == 3 && stacks[0]["driver"] == DRIVER && stacks[0]["hosts"] == 6, "{stacks:?}");
    let first = ask(&["leaking-tags"]).expect("rows");
    assert_eq!((&first[0]["tag"], &first[0]["hosts"]), (&value!(tag), &value!(3)), "{first:?}");
}
