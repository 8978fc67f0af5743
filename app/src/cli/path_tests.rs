//! Tests of paths as users have them: long ones, in any script, relative, extended, or no Unicode at all. Never part of the program.

use super::io::Io;
use super::{Outcome, run};
use crate::sample;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A folder of its own for a test, gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("poolscope-odd-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
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
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

/// The sample under that path is read like the one in the program.
fn reads_sample(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, sample::TRACE).unwrap();
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

/// A name that no text can hold.
fn no_unicode() -> OsString {
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
fn a_path_that_is_no_unicode_is_shown_as_far_as_it_goes() {
    let scratch = Scratch::new("no-unicode");
    let missing = scratch.0.join(no_unicode());
    for command in ["info", "report", "leaks", "series", "symbols"] {
        let (code, out, err) = ran(&[command], &missing);
        assert_eq!((code, out.as_str()), (1, ""), "{command}");
        assert!(err.contains("a\u{fffd}.etl"), "{command}: {err}");
    }
    // Not every file system takes such a name.
    match std::fs::write(&missing, sample::TRACE) {
        Ok(()) => reads_sample(&missing),
        Err(error) => {
            writeln!(std::io::stderr(), "reading it is skipped: no file of that name can be made here: {error}")
                .unwrap();
        }
    }
}

#[test]
fn a_folder_is_told_from_a_trace() {
    let scratch = Scratch::new("folder");
    let (code, _, err) = ran(&["info"], &scratch.0);
    assert_eq!(code, 1);
    assert!(err.contains("it is a folder, not a file"), "{err}");
}
