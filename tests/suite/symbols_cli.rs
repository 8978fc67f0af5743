//! Symbols from the command line: the sample with default settings, drivers at the same address, mismatched files, traces that were not
//! merged, cached names. The tests do not depend on settings of this machine and ask no server.

use crate::source::root;
use poolscope::symbols::SymbolEnvironment;
use poolscope_synth::writer::image::{HOOK_DC_START, HOOK_LOAD, HOOK_UNLOAD, Image};
use poolscope_synth::writer::{Guid, TraceOptions};
use poolscope_tests::micro::{Micro, block};
use poolscope_tests::program::{Ran, csv, json, run, run_on};
use poolscope_tests::synthetic::OnDisk;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const BASE: u64 = 0xffff_f801_0300_0000;
const SYSTEM: (u32, u32) = (4, 8);

fn described(file: &str) -> Value {
    let text = fs::read_to_string(root().join(file)).expect("the description can be read");
    serde_json::from_str(&text).expect("the description is JSON")
}

/// A module of the fixtures.
fn fixture(name: &str) -> Value {
    let table = described("tests/fixtures/symbols/modules.json");
    let modules = table["modules"].as_array().expect("a list").iter();
    modules.clone().find(|m| m["file"] == name).unwrap_or_else(|| panic!("{name}")).clone()
}

fn store() -> PathBuf {
    root().join("tests/fixtures/symbols/store")
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} of {value}"))
}

fn number(value: &Value, field: &str) -> u64 {
    value[field].as_u64().unwrap_or_else(|| panic!("{field} of {value}"))
}

fn image<'m>(module: &Value, path: &'m str) -> Image<'m> {
    let (size, timestamp) = (number(module, "image_size"), number(module, "timestamp") as u32);
    Image { base: BASE, size, pid: 0, checksum: 0, timestamp, path }
}

/// Writes an image record, with its identity if merged.
fn there(micro: &mut Micro, time: i64, hook: u16, module: &Value, path: &str, merged: bool) {
    let image = image(module, path);
    if merged {
        let guid = Guid::parse(text(module, "guid")).expect("a GUID");
        micro.identity(time, &image, (&guid, number(module, "age") as u32), text(module, "pdb"));
    }
    micro.image(time, hook, &image);
}

/// Writes an allocation with a stack of these addresses in the module, innermost first.
fn allocate(micro: &mut Micro, time: i64, address: u64, rvas: &[u64]) {
    micro.alloc(0, time, SYSTEM, &block(address));
    let frames: Vec<u64> = rvas.iter().map(|rva| BASE + rva).collect();
    micro.stack(0, (time, time), SYSTEM, &frames);
}

/// A trace with two drivers loaded one after the other at the same base, with the same addresses in both.
fn two_drivers() -> OnDisk {
    let (lodger, tenant) = (fixture("lodger.sys"), fixture("tenant.sys"));
    let mut micro = Micro::new(TraceOptions::default());
    there(&mut micro, 1, HOOK_DC_START, &lodger, "\\SystemRoot\\System32\\drivers\\lodger.sys", true);
    allocate(&mut micro, 10, 0x1000, &[0x1005, 0x102a]);
    there(&mut micro, 50, HOOK_UNLOAD, &lodger, "\\SystemRoot\\System32\\drivers\\lodger.sys", true);
    there(&mut micro, 60, HOOK_LOAD, &tenant, "\\??\\C:\\Windows\\System32\\drivers\\tenant.sys", true);
    allocate(&mut micro, 70, 0x2000, &[0x1005, 0x102a]);
    allocate(&mut micro, 80, 0x3000, &[0x1005, 0x102a]);
    OnDisk::new("drivers.etl", &micro.bytes(1_000))
}

/// A trace of one module without the identity of its PDB.
fn unmerged() -> OnDisk {
    let mut micro = Micro::new(TraceOptions::default());
    there(&mut micro, 1, HOOK_DC_START, &fixture("shapes.dll"), "\\SystemRoot\\shapes.dll", false);
    // In a function that is exported.
    allocate(&mut micro, 10, 0x1000, &[0x1265]);
    OnDisk::new("unmerged.etl", &micro.bytes(1_000))
}

fn parsed(ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{}", ran.err);
    serde_json::from_slice(&ran.out).expect("the output is JSON")
}

fn symbols(machine: &SymbolEnvironment, trace: &OnDisk, path: &Path, more: &[&str]) -> Value {
    let path = path.to_str().expect("an ordinary name");
    let args = [&["symbols", trace.path(), "--path", path, "--offline", "--format", "json"], more].concat();
    parsed(&run_on(machine, &args))
}

fn stacks(report: &Value) -> Vec<Vec<String>> {
    let frames = |row: &Value| {
        let frames = row["stack"].as_array().expect("a stack is a list").iter();
        frames.map(|frame| frame.as_str().expect("a frame is a text").to_owned()).collect()
    };
    report["rows"].as_array().expect("rows").iter().map(frames).collect()
}

/// `module+0x…` as module and address.
fn bare(frame: &str) -> (String, u64) {
    let (module, rva) = frame.rsplit_once("+0x").unwrap_or_else(|| panic!("{frame} is no place in a module"));
    (module.to_owned(), u64::from_str_radix(rva, 16).expect("hexadecimal digits"))
}

#[test]
fn every_frame_of_the_sample_is_named() {
    let report = |more: &[&str]| json(&[&["report", "--demo", "--by", "stack", "--format", "json"], more].concat());
    let table = described("assets/sample/modules.json");
    let modules = table["modules"].as_array().expect("a list");
    let mut named = BTreeSet::new();
    for frame in stacks(&report(&[])).concat() {
        let (module, place) = frame.split_once('!').unwrap_or_else(|| panic!("{frame} has no name"));
        let (function, offset) = bare(place);
        let module = modules.iter().find(|m| m["file"] == module).unwrap_or_else(|| panic!("{frame}"));
        let functions = module["functions"].as_array().expect("a list");
        let function = functions.iter().find(|f| f["name"] == function.as_str()).unwrap_or_else(|| panic!("{frame}"));
        assert!(offset > 0 && offset <= number(function, "size"), "{frame}");
        named.insert((text(module, "file").to_owned(), number(function, "rva") + offset));
    }
    let addresses: BTreeSet<_> = stacks(&report(&["--no-symbols"])).concat().iter().map(|f| bare(f)).collect();
    assert_eq!(named, addresses);
    let leak = report(&["--where", "type:AIFO tag:Leak"]);
    let stack = stacks(&leak).concat().join(";");
    for function in
        ["NotMyfault.exe!WinMain+", "myfault.sys!MyfaultDeviceControl+", "ntoskrnl.exe!ExAllocatePoolWithTag+"]
    {
        assert!(stack.contains(function), "{function} in {stack}");
    }
}

#[test]
fn the_sample_uses_built_in_pdbs() {
    let table = json(&["symbols", "--demo", "--offline", "--format", "json"]);
    let rows = table["rows"].as_array().expect("rows");
    assert!(rows.len() >= 12, "{} modules", rows.len());
    for row in rows {
        assert_eq!((&row["state"], &row["source"]), (&"loaded".into(), &"built_in".into()), "{row}");
        assert_eq!(row["frames"], row["named"], "{row}");
    }
    let bytes: Vec<u64> = rows.iter().map(|row| number(row, "outstanding_bytes")).collect();
    assert!(bytes.is_sorted_by(|a, b| a >= b), "{bytes:?}");
    let (header, lines) = csv(&["symbols", "--demo", "--offline", "--format", "csv"]);
    assert_eq!(header[..4], ["module", "state", "outstanding_bytes", "allocations"]);
    let names = |at: usize| lines.iter().map(|line| line[at].clone()).collect::<Vec<_>>();
    assert_eq!(names(0), rows.iter().map(|row| text(row, "module").to_owned()).collect::<Vec<_>>());
    assert_eq!(names(2), bytes.iter().map(u64::to_string).collect::<Vec<_>>());
}

#[test]
fn drivers_at_the_same_address_have_their_own_names() {
    let trace = two_drivers();
    let store = store();
    let report = |path: &str| {
        let args = ["report", trace.path(), "--by", "stack", "--format", "json", "--symbols", path, "--offline"];
        run(&args)
    };
    let ran = report(store.to_str().expect("an ordinary name"));
    let expected: [&[&str]; 2] = [
        &["tenant.sys!TenantDispatch+0xa", "tenant.sys!TenantAllocate+0x5"],
        &["lodger.sys!LodgerDispatch+0xa", "lodger.sys!LodgerAllocate+0x5"],
    ];
    assert_eq!(stacks(&parsed(&ran)), expected);
    assert_eq!(ran.err, "");
    let ran = report("nowhere");
    assert_eq!(stacks(&parsed(&ran))[0], ["tenant.sys+0x102a", "tenant.sys+0x1005"]);
    let warning = format!("symbols: 2 of 2 modules have no names; 'poolscope symbols {}' says why", trace.path());
    assert!(ran.err.contains(&warning), "{}", ran.err);
}

#[test]
fn the_table_lists_states_and_reasons() {
    let trace = two_drivers();
    let folder = tempfile::tempdir().expect("a scratch folder can be made");
    // The wrong build under the right name.
    let lodger = store().join("lodger.pdb/53503BE28F0FAE974C4C44205044422E1/lodger.pdb");
    fs::copy(&lodger, folder.path().join("tenant.pdb")).expect("a file can be copied");
    fs::copy(&lodger, folder.path().join("lodger.pdb")).expect("a file can be copied");
    let path = folder.path().to_str().expect("an ordinary name");
    let ran = run(&["symbols", trace.path(), "--path", path, "--offline"]);
    let out = String::from_utf8(ran.out).expect("text");
    let lines: Vec<&str> = out.lines().map(str::trim_end).collect();
    assert_eq!(lines[0], format!("{}: symbols along {path}, without servers", trace.path()));
    assert!(lines[2].starts_with("Outstanding  Allocations  Frames  Named  State"), "{out}");
    let row = "      128 B            2       2      0  wrong identity  tenant.sys  tenant.pdb 696198ab-d112-bfa6-";
    assert!(lines[3].starts_with(row), "{out}");
    let wrong = format!("      {path}/tenant.pdb: wrong identity (");
    assert!(lines.iter().any(|line| line.starts_with(&wrong) && line.contains("53503be2-8f0f-ae97")), "{out}");
    assert!(
        out.contains("       64 B            1       2      2  loaded          lodger.sys  lodger.pdb 53503be2"),
        "{out}"
    );
    let end = ["1 of 2 modules loaded, 2 of 4 frames named", "--search-log shows every location that was searched."];
    assert!(lines.ends_with(&end), "{out}");
}

#[test]
fn an_explicit_pdb_is_used_if_it_matches_and_reported_otherwise() {
    let trace = two_drivers();
    let tenant = store().join("tenant.pdb/696198ABD112BFA64C4C44205044422E1/tenant.pdb");
    let folder = tempfile::tempdir().expect("a scratch folder can be made");
    let renamed = folder.path().join("renamed.pdb");
    fs::copy(&tenant, &renamed).expect("a file can be copied");
    let posing = folder.path().join("lodger.pdb");
    fs::copy(&tenant, &posing).expect("a file can be copied");
    let nowhere = folder.path().join("empty");
    fs::create_dir(&nowhere).expect("a folder can be made");
    let name = |path: &Path| path.to_str().expect("an ordinary name").to_owned();
    let table = symbols(&SymbolEnvironment::default(), &trace, &nowhere, &["--pdb", &name(&renamed)]);
    assert_eq!((&table["rows"][0]["state"], &table["rows"][0]["file"]), (&"loaded".into(), &name(&renamed).into()));
    assert_eq!(table["rows"][1]["state"], "not_found");
    // A file is assigned by its identity, not by its name.
    let table = symbols(&SymbolEnvironment::default(), &trace, &nowhere, &["--pdb", &name(&posing)]);
    assert_eq!((&table["rows"][0]["state"], &table["rows"][1]["state"]), (&"loaded".into(), &"not_found".into()));
    fs::copy(store().join("shapes.pdb/A78711C60F080F0E4C4C44205044422E1/shapes.pdb"), &posing).expect("copied");
    let table = symbols(&SymbolEnvironment::default(), &trace, &nowhere, &["--pdb", &name(&posing)]);
    let row = &table["rows"][1];
    assert_eq!((&row["state"], &row["named"]), (&"wrong_identity".into(), &0.into()));
    assert_eq!(
        (&row["attempts"][0]["location"], &row["attempts"][0]["result"]),
        (&name(&posing).into(), &"wrong_identity".into())
    );
}

#[test]
fn names_are_cached() {
    let trace = two_drivers();
    let scratch = tempfile::tempdir().expect("a scratch folder can be made");
    let copied = scratch.path().join("store");
    for name in ["lodger.pdb/53503BE28F0FAE974C4C44205044422E1", "tenant.pdb/696198ABD112BFA64C4C44205044422E1"] {
        let file = name.split('/').next().expect("a name");
        fs::create_dir_all(copied.join(name)).expect("a folder can be made");
        fs::copy(store().join(name).join(file), copied.join(name).join(file)).expect("a file can be copied");
    }
    let machine = SymbolEnvironment { cache: Some(scratch.path().join("cache")), ..SymbolEnvironment::default() };
    let sources =
        |table: &Value| table["rows"].as_array().expect("rows").iter().map(|r| r["source"].clone()).collect::<Vec<_>>();
    assert_eq!(sources(&symbols(&machine, &trace, &copied, &[])), ["pdb", "pdb"]);
    fs::remove_dir_all(&copied).expect("the store can go");
    let second = symbols(&machine, &trace, &copied, &[]);
    assert_eq!(sources(&second), ["cache", "cache"]);
    assert_eq!(second["total"]["named"], 4);
    // Other commands use the same cache.
    let report = parsed(&run_on(&machine, &["report", trace.path(), "--by", "function", "--format", "json"]));
    let functions: Vec<&str> =
        report["rows"].as_array().expect("rows").iter().map(|row| text(row, "function")).collect();
    assert_eq!(functions, ["tenant.sys!TenantAllocate", "lodger.sys!LodgerAllocate"]);
}

#[test]
fn unmerged_traces_are_resolved_through_the_image() {
    let trace = unmerged();
    let scratch = tempfile::tempdir().expect("a scratch folder can be made");
    let nothing = symbols(&SymbolEnvironment::default(), &trace, scratch.path(), &[]);
    assert_eq!((&nothing["rows"][0]["state"], &nothing["rows"][0]["pdb"]), (&"no_identity".into(), &Value::Null));
    let hint = "xperf -merge in.etl out.etl";
    let path = scratch.path().to_str().expect("an ordinary name");
    for args in [vec!["symbols", trace.path(), "--path", path, "--offline"], vec!["info", trace.path()]] {
        let out = String::from_utf8(run(&args).out).expect("text");
        assert!(out.contains(hint), "{args:?}: {out}");
    }
    fs::copy(store().join("shapes.dll/CEA55F495000/shapes.dll"), scratch.path().join("shapes.dll")).expect("copied");
    let exports = symbols(&SymbolEnvironment::default(), &trace, scratch.path(), &[]);
    let row = &exports["rows"][0];
    assert_eq!(
        (&row["state"], &row["source"], &row["pdb"]),
        (&"exports_only".into(), &"exports".into(), &"shapes.pdb".into())
    );
    let whole = symbols(&SymbolEnvironment::default(), &trace, &store(), &[]);
    let row = &whole["rows"][0];
    assert_eq!((&row["state"], &row["source"], &row["named"]), (&"loaded".into(), &"pdb".into(), &1.into()));
    assert_eq!(row["guid"], fixture("shapes.dll")["guid"]);
}

#[test]
fn wrong_usage_is_code_2() {
    for args in [&["symbols"][..], &["symbols", "--demo", "--path", ""], &["report", "--demo", "--symbols", ""]] {
        assert_eq!(run(args).code, 2, "{args:?}");
    }
    assert_eq!(run(&["symbols", "missing.etl"]).code, 1);
}
