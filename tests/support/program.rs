//! The program under test: its command line run in this process, or the real binary where only that will do.

use poolscope::cli::io::Io;
use poolscope::cli::{Outcome, run as run_cli};
use poolscope::symbols::SymbolEnvironment;
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Result of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Exit code.
    pub code: u8,
    /// Standard output.
    pub out: Vec<u8>,
    /// Standard error.
    pub err: String,
}

/// Runs a command line in this process.
///
/// # Panics
/// If it asks for the window.
#[must_use]
pub fn run(args: &[&str]) -> Ran {
    run_on(&SymbolEnvironment::default(), args)
}

/// Runs a command line in this process, on a machine that is only made up.
///
/// # Panics
/// If it asks for the window.
#[must_use]
pub fn run_on(machine: &SymbolEnvironment, args: &[&str]) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let line = std::iter::once("poolscope").chain(args.iter().copied()).map(OsString::from);
    let mut io = Io { environment: machine.clone(), ..Io::captured(&mut out, &mut err) };
    let outcome = run_cli(line, &mut io);
    drop(io);
    let Outcome::Exit(code) = outcome else { panic!("{args:?} asks for the window") };
    Ran { code, out, err: String::from_utf8(err).expect("messages are UTF-8") }
}

/// Runs a command line that has to succeed; its standard output.
///
/// # Panics
/// If it fails.
#[must_use]
pub fn output(args: &[&str]) -> Vec<u8> {
    let ran = run(args);
    assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
    ran.out
}

/// The same, read as JSON.
#[must_use]
pub fn json(args: &[&str]) -> Value {
    serde_json::from_slice(&output(args)).expect("the output is JSON")
}

/// The same, read as CSV: the header, then the rows.
#[must_use]
pub fn csv(args: &[&str]) -> (Vec<String>, Vec<Vec<String>>) {
    let out = output(args);
    let mut reader = csv::Reader::from_reader(out.as_slice());
    let texts = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
    let header = texts(reader.headers().expect("the output has a header"));
    let rows = reader.records().map(|record| texts(&record.expect("every row has as many fields as the header")));
    (header, rows.collect())
}

/// The real program, built once with the profile of the tests. `POOLSCOPE_EXE` names one that is built already.
#[must_use]
pub fn poolscope_exe() -> &'static Path {
    static EXE: OnceLock<PathBuf> = OnceLock::new();
    EXE.get_or_init(|| std::env::var_os("POOLSCOPE_EXE").map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    // <target>/<profile folder>/deps/suite-…
    let test = std::env::current_exe().expect("a test knows its own path");
    let folder = test.ancestors().nth(2).expect("tests lie below the target folder");
    let target = folder.parent().expect("a profile has its folder in the target folder");
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(crate::root()).args(["build", "--quiet", "--workspace", "--bin", "poolscope"]);
    cargo.args(["--profile", profile, "--target-dir"]).arg(target);
    let status = cargo.status().expect("cargo can be started");
    assert!(status.success(), "the program cannot be built: {status}");
    let exe = folder.join(format!("poolscope{}", std::env::consts::EXE_SUFFIX));
    assert!(exe.is_file(), "{} was not built", exe.display());
    exe
}
