//! Shared code of the integration tests: synthetic traces with their ground truth, the program run in memory, real traces, damage.
//! Expected results are in the tests and in the ground truth.

pub mod archives;
pub mod corpus;
pub mod damage;
pub mod dataset;
pub mod figures;
pub mod micro;
pub mod parts;
pub mod pdbs;
pub mod program;
pub mod symbol_server;
pub mod synthetic;
pub mod trace_dump;
pub mod variants;
pub mod windows_shape;
pub mod wpr;
pub mod wpr_schema;

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the tests lie in a folder of the repository").to_path_buf()
}

/// Reports that a test is skipped, and the reason: on standard error, past the capture of the test runner, and in the file that
/// `POOLSCOPE_SKIPPED` names, so that it is counted.
///
/// # Panics
/// If the report cannot be written.
pub fn skipped(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let line = format!("SKIPPED: {test}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("standard error takes a line");
    if let Some(file) = std::env::var_os("POOLSCOPE_SKIPPED") {
        let file = std::fs::File::options().create(true).append(true).open(file);
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the list of skipped tests takes a line");
    }
}
