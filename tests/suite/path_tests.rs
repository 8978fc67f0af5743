//! Tests of unusual paths: long, in any script, extended, not Unicode.

use poolscope::cli::io::Io;
use poolscope::cli::{Outcome, run};
use poolscope::sample;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A temporary folder of a test, removed when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("poolscope-odd-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a scratch folder");
        Self(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Exit code, standard output and standard error of a command over a file.
fn ran(command: &[&str], path: &Path) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let words = ["poolscope"].iter().chain(command).map(OsString::from);
    let mut io = Io::captured(&mut out, &mut err);
    let outcome = run(words.chain([path.as_os_str().to_owned()]), &mut io);
    drop(io);
    let Outcome::Exit(code) = outcome else { panic!("{command:?} asks for the window") };
    (code, String::from_utf8(out).expect("UTF-8"), String::from_utf8(err).expect("UTF-8"))
}

/// Checks that the sample under a path is read like the built-in one.
fn reads_sample(path: &Path) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a scratch folder");
    std::fs::write(path, sample::TRACE).expect("a file is written");
    let report = ["report", "--by", "tag", "--format", "csv"];
    let (code, out, err) = ran(&report, path);
    assert_eq!(code, 0, "{}: {err}", path.display());
    assert_eq!(out, ran(&report, Path::new("--demo")).1, "{}", path.display());
}

#[test]
fn a_path_longer_than_260_characters_is_read_and_written() {
    let scratch = Scratch::new("long");
    let folder = (0..6).fold(scratch.0.clone(), |folder, n| folder.join(format!("{n}{}", "x".repeat(60))));
    let path = folder.join("leak.etl");
    assert!(path.as_os_str().len() > 400);
    reads_sample(&path);
    let written = folder.join("made-up.etl");
    let (code, _, err) = ran(&["synth", "--allocations", "100", "--seed", "1"], &written);
    assert_eq!((code, written.is_file()), (0, true), "{err}");
}

#[test]
fn a_path_in_any_script_is_read() {
    let scratch = Scratch::new("scripts");
    for name in
        ["\u{fc}n\u{ef}c\u{f6}de.etl", "\u{6f0f}\u{308c} 1.etl", "\u{1f4a7}.etl", "e\u{301}.etl", "a b & (c) %d%.etl"]
    {
        reads_sample(&scratch.0.join(name));
    }
}

#[cfg(windows)]
#[test]
fn an_extended_path_is_read() {
    let scratch = Scratch::new("extended");
    let plain = scratch.0.join("leak.etl");
    reads_sample(&PathBuf::from(format!(r"\\?\{}", plain.display())));
}

/// A file name that is not Unicode.
fn not_unicode() -> OsString {
    #[cfg(windows)]
    {
        use std::os::windows::ffi::OsStringExt as _;
        OsString::from_wide(&[0x61, 0xd800, 0x2e, 0x65, 0x74, 0x6c])
    }
    #[cfg(not(windows))]
    {
        use std::os::unix::ffi::OsStringExt as _;
        OsString::from_vec(b"a\xff.etl".to_vec())
    }
}

#[test]
fn a_path_that_is_not_unicode_is_shown_with_replacements() {
    let scratch = Scratch::new("no-unicode");
    let missing = scratch.0.join(not_unicode());
    for command in ["info", "report", "leaks", "series", "symbols"] {
        let (code, out, err) = ran(&[command], &missing);
        assert_eq!((code, out.as_str()), (1, ""), "{command}");
        assert!(err.contains("a\u{fffd}.etl"), "{command}: {err}");
    }
    // Some file systems reject such names.
    match std::fs::write(&missing, sample::TRACE) {
        Ok(()) => reads_sample(&missing),
        Err(error) => {
            poolscope_tests::skipped(&format!("no file with a name that is not Unicode can be created: {error}"));
        }
    }
}

#[test]
fn a_folder_is_not_a_trace() {
    let scratch = Scratch::new("folder");
    let (code, _, err) = ran(&["info"], &scratch.0);
    assert_eq!(code, 1);
    assert!(err.contains("it is a folder, not a file"), "{err}");
}
