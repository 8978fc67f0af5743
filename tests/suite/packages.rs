//! Packages on the command line: the same output as of the trace itself, names without files, network or cache, and damage.

use poolscope::symbols::SymbolEnvironment;
use poolscope_synth::writer::PartHeaders;
use poolscope_tests::archives::{ZipMember, zip};
use poolscope_tests::parts::{Parts, split};
use poolscope_tests::program::{Ran, json, output, run, run_on};
use poolscope_tests::synthetic::bytes_of;
use poolscope_tests::variants::base;
use serde_json::Value;
use std::io::Read as _;

/// Commands over a trace, whose name comes second.
const COMMANDS: [&[&str]; 5] = [
    &["report", "--by", "type,paged,tag,stack", "--format", "json"],
    &["report", "--by", "driver,function", "--frames", "function", "--format", "json"],
    &["series", "--by", "tag", "--points", "20", "--format", "json"],
    &["leaks", "--show-non-leaking", "--format", "json"],
    &["diff", "--range", "0..20", "--range-comparison", "20..40", "--format", "json"],
];

fn line<'a>(command: &[&'a str], files: &[&'a str]) -> Vec<&'a str> {
    [&command[..1], files, &command[1..]].concat()
}

/// An output without the names of traces.
fn nameless(document: &[u8]) -> Value {
    let mut document: Value = serde_json::from_slice(document).expect("JSON");
    for field in ["trace", "baseline", "comparison"] {
        if document[field].is_string() {
            document.as_object_mut().expect("an object").remove(field);
        }
    }
    for side in ["baseline", "comparison"] {
        if let Some(side) = document.get_mut(side).and_then(Value::as_object_mut) {
            side.remove("trace");
        }
    }
    document
}

/// Members of a package.
fn members(package: &str) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(package).expect("a file")).expect("a ZIP archive");
    let read = |at: usize, archive: &mut zip::ZipArchive<std::fs::File>| {
        let mut member = archive.by_index(at).expect("a member");
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).expect("its content");
        (member.name().expect("a name in UTF-8").into_owned(), bytes)
    };
    (0..archive.len()).map(|at| read(at, &mut archive)).collect()
}

/// A package with other members.
fn repacked(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    zip(&members.iter().map(|(name, bytes)| ZipMember::deflated(name, bytes)).collect::<Vec<_>>())
}

/// The sample as a package in a folder.
fn sample() -> (Parts, String) {
    let folder = Parts::new(&[]);
    let package = format!("{}/sample.poolscope", folder.folder());
    let written = output(&["package", "--demo", "--to", &package, "--note", "Look at Leak.\nSecond line."]);
    let written = String::from_utf8(written).expect("text");
    assert!(written.contains("It holds the whole trace") && written.contains("names of 16 of 16 modules"), "{written}");
    (folder, package)
}

#[test]
fn a_package_gives_the_same_output_as_its_trace() {
    let (folder, package) = sample();
    for command in COMMANDS {
        let expected = nameless(&output(&line(command, &["--demo"])));
        assert!(expected.to_string().contains("myfault") || command[0] == "series", "{command:?} has names");
        assert!(nameless(&output(&line(command, &[&package]))) == expected, "{command:?}");
        let renamed = folder.put("renamed.etl", &std::fs::read(&package).expect("a file"));
        assert!(nameless(&output(&line(command, &[&renamed]))) == expected, "the content decides: {command:?}");
    }
    let members = members(&package);
    let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["manifest.json", "view.json", "names.json", "trace/sample.etl"]);
    assert_eq!(members[3].1, poolscope::sample::TRACE, "byte by byte");
    // The same again is the same file.
    let again = format!("{}/again.poolscope", folder.folder());
    let _message = output(&["package", "--demo", "--to", &again, "--note", "Look at Leak.\nSecond line."]);
    assert!(std::fs::read(&again).expect("a file") == std::fs::read(&package).expect("a file"));
    // A package of a package keeps note and names.
    let third = format!("{}/third.poolscope", folder.folder());
    let _message = output(&["package", &package, "--to", &third]);
    assert!(std::fs::read(&third).expect("a file") == std::fs::read(&package).expect("a file"));
}

#[test]
fn names_come_from_the_package_alone_and_no_cache_is_touched() {
    let (folder, package) = sample();
    let home = tempfile::tempdir().expect("a folder");
    let cache = home.path().join("cache");
    let machine = SymbolEnvironment {
        home: Some(home.path().to_owned()),
        cache: Some(cache.clone()),
        // A server that would be noticed: a request to it fails after seconds.
        symbol_path: Some("srv*https://symbols.invalid/".to_owned()),
        ..SymbolEnvironment::default()
    };
    let report = |file: &str| -> Ran { run_on(&machine, &["report", file, "--by", "function", "--format", "json"]) };
    let with_names = report(&package);
    assert!(String::from_utf8_lossy(&with_names.out).contains("MyfaultDeviceControl"), "{}", with_names.err);
    assert!(!cache.exists(), "the cache was not touched");
    // Without its names, the package has none: they came from nowhere else.
    let mut without = members(&package);
    without[2].1 = b"[]".to_vec();
    let nameless = report(&folder.put("nameless.poolscope", &repacked(&without)));
    assert!(!String::from_utf8_lossy(&nameless.out).contains("MyfaultDeviceControl"));
    assert!(!cache.exists());
    // Names of a module with another identity are not used.
    let mut other = members(&package);
    let changed = String::from_utf8(other[2].1.clone()).expect("JSON").replace("\"age\":1", "\"age\":2");
    other[2].1 = changed.into_bytes();
    let other = report(&folder.put("other.poolscope", &repacked(&other)));
    assert!(!String::from_utf8_lossy(&other.out).contains("MyfaultDeviceControl"));
    let states = json(&["symbols", &package, "--format", "json"]);
    let modules = states["rows"].as_array().expect("modules");
    assert!(modules.len() == 16 && modules.iter().all(|module| module["state"] == "loaded"), "{states:#}");
}

#[test]
fn files_of_one_recording_stay_one_trace() {
    let parts = Parts::new(&split(&base(3_000), 2, PartHeaders::Session));
    let package = format!("{}/all.poolscope", parts.folder());
    let _message = output(&[&["package"], parts.paths().as_slice(), &["--to", package.as_str()]].concat());
    let traces: Vec<String> = members(&package).into_iter().skip(3).map(|(name, _)| name).collect();
    assert_eq!(traces, ["trace/part_1.etl", "trace/part_2.etl"]);
    for command in &COMMANDS[..4] {
        let expected = nameless(&output(&line(command, &parts.paths())));
        assert!(nameless(&output(&line(command, &[&package]))) == expected, "{command:?}");
    }
}

#[test]
fn no_file_is_replaced_unasked_and_nothing_half_written_remains() {
    let (folder, package) = sample();
    let before = std::fs::read(&package).expect("a file");
    let ran = run(&["package", "--demo", "--to", &package]);
    assert!(ran.code == 1 && ran.err.contains("exists already"), "{}", ran.err);
    assert!(std::fs::read(&package).expect("a file") == before);
    let missing = format!("{}/none.etl", folder.folder());
    let target = format!("{}/new.poolscope", folder.folder());
    assert_eq!(run(&["package", &missing, "--to", &target]).code, 1);
    assert_eq!(std::fs::read_dir(folder.folder()).expect("a folder").count(), 1, "only the first package");
    let ran = run(&["package", "--demo", "--to", &package, "--force"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let help = String::from_utf8(output(&["package", "--help"])).expect("text");
    assert!(help.contains("nothing is redacted"), "{help}");
}

#[test]
fn facts_show_the_note_and_damage_leaves_the_trace() {
    let (folder, package) = sample();
    let facts = json(&["info", &package, "--format", "json"]);
    assert_eq!(facts["package"]["note"], "Look at Leak.\nSecond line.");
    assert_eq!(facts["package"]["named_modules"], 16);
    let text = String::from_utf8(output(&["info", &package])).expect("text");
    assert!(text.contains("Note         Look at Leak.\nNote         Second line."), "{text}");
    let members = members(&package);
    let with = |at: usize, content: &[u8]| {
        let mut changed = members.clone();
        changed[at].1 = content.to_vec();
        folder.put("changed.poolscope", &repacked(&changed))
    };
    let warning = |file: &str, warning: &str| {
        let ran = run(&["info", file]);
        assert!(ran.code == 0 && ran.err.contains(warning), "{warning}: {}", ran.err);
    };
    warning(&with(1, b"{ half"), "the view of ");
    warning(&with(2, b"[{\"module\": 5}]"), "the names of ");
    let later = String::from_utf8(members[0].1.clone()).expect("JSON").replace("\"version\": 1", "\"version\": 2");
    warning(&with(0, later.as_bytes()), "was written by a later version");
    // A package whose names unpack to more than they say, and to more than is read.
    let bomb = [b"[".as_slice(), &vec![b' '; 300 << 20], b"]"].concat();
    warning(&with(2, &bomb), "the names of ");
    // Cut off, the trace is read as far as it is there.
    let bytes = std::fs::read(&package).expect("a file");
    let cut = folder.put("cut.poolscope", &bytes[..bytes.len() * 2 / 3]);
    let ran = run(&["info", &cut]);
    assert!(ran.code == 0 && ran.err.contains("damaged_archive"), "{}", ran.err);
    // Another archive is no package.
    let other = folder.put("other.zip", &zip(&[ZipMember::deflated("a.etl", &bytes_of(&base(500)))]));
    assert!(json(&["info", &other, "--format", "json"]).get("package").is_none());
}
