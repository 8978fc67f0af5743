//! Traces in archives on the command line: the same output as of the plain file, choices among several, and what is refused.

use poolscope_tests::archives::{ZipMember, cabinet, gzip, pack_with_tools, run_tool, zip};
use poolscope_tests::program::{Ran, json, run};
use poolscope_tests::synthetic::bytes_of;
use poolscope_tests::variants::base;
use serde_json::Value;
use std::path::{Path, PathBuf};

struct Folder {
    folder: tempfile::TempDir,
    trace: Vec<u8>,
}

impl Folder {
    /// A folder with a trace named `trace.etl`.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let trace = bytes_of(&base(2_000));
        std::fs::write(folder.path().join("trace.etl"), &trace).expect("a file");
        Self { folder, trace }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    fn plain(&self) -> Value {
        report(&self.folder.path().join("trace.etl"))
    }

    fn is_empty_beside(&self) -> bool {
        let names = std::fs::read_dir(self.folder.path()).expect("a folder").flatten().map(|entry| entry.file_name());
        names.into_iter().all(|name| !name.to_string_lossy().contains("evil"))
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("an ordinary name")
}

/// The whole report without the name of the trace.
fn report(path: &Path) -> Value {
    let mut document = json(&["report", text(path), "--by", "type,paged,tag,stack", "--format", "json"]);
    assert_eq!(document["trace"], text(path));
    document.as_object_mut().expect("an object").remove("trace");
    document
}

/// The message of a trace that is refused with this code.
fn refusal(path: &str, code: u8) -> String {
    let ran: Ran = run(&["info", path]);
    assert_eq!((ran.code, ran.out.len()), (code, 0), "{path}: {}", ran.err);
    assert!(ran.err.starts_with("poolscope: ") && ran.err.contains(path.split('#').next().unwrap_or(path)), "{ran:?}");
    ran.err
}

#[test]
fn packed_by_other_programs_a_trace_gives_the_same_report() {
    let folder = Folder::new();
    let plain = folder.plain();
    for archive in pack_with_tools(folder.folder.path()) {
        assert_eq!(report(&archive), plain, "{}", archive.display());
        // The content decides, not the name.
        let renamed = archive.with_file_name("renamed.etl");
        std::fs::copy(&archive, &renamed).expect("a copy");
        assert_eq!(report(&renamed), plain, "{} as .etl", archive.display());
    }
}

#[test]
fn archives_made_here_give_the_same_report() {
    let folder = Folder::new();
    let plain = folder.plain();
    let trace = folder.trace.as_slice();
    let packed = gzip(trace);
    let halves = [gzip(&trace[..trace.len() / 2]), gzip(&trace[trace.len() / 2..])].concat();
    let archives: [(&str, Vec<u8>); 8] = [
        ("a.gz", packed.clone()),
        ("two-members.gz", halves),
        ("padded.gz", [packed.as_slice(), &[0; 512]].concat()),
        ("a.zip", zip(&[ZipMember::deflated("a.etl", trace), ZipMember::stored("notes.txt", b"hello")])),
        ("mac.zip", zip(&[ZipMember::deflated("a.etl", trace), ZipMember::stored("__MACOSX/._a.etl", b"\0\x05")])),
        ("nameless.zip", zip(&[ZipMember::stored("notes.txt", b"hello"), ZipMember::deflated("capture", trace)])),
        ("gz-in.zip", zip(&[ZipMember::stored("a.etl.gz", &packed)])),
        ("a.cab", cabinet(&[("notes.txt", b"hello"), ("a.etl", trace)])),
    ];
    for (name, bytes) in archives {
        assert_eq!(report(&folder.put(name, &bytes)), plain, "{name}");
    }
}

#[test]
fn one_of_several_traces_is_chosen_by_its_member() {
    let folder = Folder::new();
    let plain = folder.plain();
    let other = bytes_of(&base(500));
    let inner = zip(&[ZipMember::deflated("x.etl", &folder.trace), ZipMember::deflated("y.etl", &other)]);
    let outer = [
        ZipMember::deflated("a.etl", &other),
        ZipMember::deflated("b/c#1.etl", &folder.trace),
        ZipMember::stored("inner.zip", &inner),
    ];
    let several = folder.put("several.zip", &zip(&outer));
    let nested = folder.put("nested.zip", &zip(&outer[2..]));
    let message = refusal(text(&several), 2);
    for member in ["a.etl", "b/c#1.etl"] {
        assert!(message.contains(&format!("{}#{member}", several.display())), "{message}");
    }
    assert!(message.contains("contains 2 traces") && message.contains("ARCHIVE#MEMBER"), "{message}");
    let at = |archive: &Path, member: &str| PathBuf::from(format!("{}#{member}", archive.display()));
    assert_eq!(report(&at(&several, "b/c#1.etl")), plain);
    assert_eq!(report(&at(&several, "B\\C#1.ETL")), plain);
    assert_eq!(report(&at(&several, "inner.zip#x.etl")), plain);
    assert_ne!(report(&at(&several, "a.etl")), plain);
    let message = refusal(text(&nested), 2);
    assert!(message.contains("inner.zip#y.etl"), "{message}");
    for member in ["d.etl", "inner.zip#z.etl", "a.etl#b.etl"] {
        assert!(refusal(text(&at(&several, member)), 2).contains("does not contain"), "{member}");
    }
}

#[test]
fn bombs_deep_nesting_encryption_and_names_that_lead_out_are_refused() {
    let folder = Folder::new();
    let trace = folder.trace.as_slice();
    let member = ZipMember::deflated("evil.etl", trace);
    let named = |name: &str| zip(&[ZipMember { name: name.to_owned(), ..member.clone() }]);
    let zeros = vec![0; 40 << 20];
    let once = zip(&[ZipMember::stored("a.etl.gz", &gzip(trace))]);
    let lying = ZipMember { bytes: member.bytes / 2, ..member.clone() };
    let cases: [(&str, Vec<u8>, &[&str]); 9] = [
        ("up.zip", named("../evil.etl"), &["../evil.etl", "leads out"]),
        ("up-in.zip", named("a/../../evil.etl"), &["leads out"]),
        ("root.zip", named("/tmp/evil.etl"), &["absolute path"]),
        ("drive.zip", named("C:\\evil.etl"), &["C:/evil.etl", "absolute path"]),
        ("locked.zip", zip(&[ZipMember { flags: 1, ..member.clone() }]), &["evil.etl", "encrypted", "password"]),
        ("bzip2.zip", zip(&[ZipMember { method: 12, ..member.clone() }]), &["bzip2", "not supported"]),
        ("bomb.etl.gz", gzip(&zeros), &["bomb", "250 to 1"]),
        ("bomb.zip", zip(&[ZipMember::deflated("a.etl", &zeros)]), &["a.etl", "bomb"]),
        ("deep.zip", zip(&[ZipMember::stored("once.zip", &once)]), &["a.etl.gz", "two levels"]),
    ];
    for (name, bytes, words) in cases {
        let message = refusal(text(&folder.put(name, &bytes)), 1);
        let missing: Vec<&&str> = words.iter().filter(|word| !message.contains(**word)).collect();
        assert!(missing.is_empty() && message.trim_end().ends_with('.'), "{name} does not say {missing:?}: {message}");
    }
    let ran = run(&["info", text(&folder.put("lying.zip", &zip(&[lying])))]);
    assert!(ran.err.contains("more than it declares"), "{}", ran.err);
    assert!(folder.is_empty_beside());
    for (name, bytes) in [("none.zip", zip(&[])), ("text.zip", zip(&[ZipMember::stored("a.txt", b"hello")]))] {
        assert!(refusal(text(&folder.put(name, &bytes)), 1).contains("no event trace log"), "{name}");
    }
    // A good trace beside a refused one is opened, and the refused one is named.
    let both = zip(&[ZipMember { name: "../evil.etl".to_owned(), ..member.clone() }, member]);
    let both = folder.put("both.zip", &both);
    assert_eq!(report(&both), folder.plain());
    assert!(run(&["info", text(&both)]).err.contains("../evil.etl"));
    // The same among several traces to choose from.
    let member = ZipMember::deflated("good.etl", trace);
    let members = ["../evil.etl", "good.etl", "other.etl"];
    let several = zip(&members.map(|name| ZipMember { name: name.to_owned(), ..member.clone() }));
    let message = refusal(text(&folder.put("several.zip", &several)), 2);
    assert!(message.contains("contains 2 traces") && message.contains("../evil.etl in"), "{message}");
}

#[test]
fn encrypted_archives_of_7_zip_are_refused() {
    let folder = Folder::new();
    for (name, options) in [("content.7z", &["-psecret"] as &[&str]), ("names.7z", &["-psecret", "-mhe=on"])] {
        let arguments = [&["a", "-bd"], options, &[name, "trace.etl"]].concat();
        let Some(()) = run_tool(folder.folder.path(), &["7zz", "7z", "7za"], &arguments) else { return };
        let message = refusal(text(&folder.folder.path().join(name)), 1);
        assert!(message.contains("encrypted") && message.contains("password"), "{message}");
    }
}

#[test]
fn cut_off_archives_give_the_part_before_the_cut_and_say_so() {
    let folder = Folder::new();
    let mut archives: Vec<(String, Vec<u8>)> = vec![
        ("here.gz".to_owned(), gzip(&folder.trace)),
        ("here.zip".to_owned(), zip(&[ZipMember::deflated("a.etl", &folder.trace)])),
        ("here.cab".to_owned(), cabinet(&[("a.etl", &folder.trace)])),
    ];
    for path in pack_with_tools(folder.folder.path()) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        archives.push((name, std::fs::read(&path).expect("an archive")));
    }
    let whole = json(&["info", text(&folder.folder.path().join("trace.etl")), "--format", "json"]);
    for (name, bytes) in archives {
        let path = folder.put("cut.bin", &bytes[..bytes.len() * 7 / 10]);
        let ran = run(&["info", text(&path), "--format", "json"]);
        if name.ends_with(".7z") {
            assert_eq!(ran.code, 1, "{name}");
            assert!(ran.err.contains("the copy did not finish"), "{}", ran.err);
            continue;
        }
        assert_eq!(ran.code, 0, "{name}: {}", ran.err);
        assert!(ran.err.contains("the copy did not finish"), "{name}: {}", ran.err);
        let part: Value = serde_json::from_slice(&ran.out).expect("JSON");
        let kinds: Vec<&Value> =
            part["diagnostics"].as_array().expect("a list").iter().map(|row| &row["kind"]).collect();
        assert!(kinds.iter().any(|kind| *kind == "damaged_archive"), "{name}: {kinds:?}");
        let events = |document: &Value| document["pool"]["alloc_events"].as_u64().expect("a number");
        let share = events(&part) as f64 / events(&whole) as f64;
        assert!((0.3..1.0).contains(&share), "{name}: {share} of the events");
    }
    let noise = folder.put("noise.etl", &b"\x1f\x8b\x08\0\x1e\x63\x0d\x6b\x02\xff".repeat(20));
    let message = refusal(text(&noise), 1);
    assert!(message.contains("a gzip file") && message.contains("cannot be unpacked"), "{message}");
    let tiny = folder.put("tiny.gz", &gzip(&folder.trace)[..40]);
    let message = refusal(text(&tiny), 1);
    assert!(message.contains("the copy did not finish"), "{message}");
}
