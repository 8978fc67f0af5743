//! The real traces beside the repository, which are never part of it, and what two other readers found in them.

use serde_json::Value;
use std::path::{Path, PathBuf};

/// One real trace.
#[derive(Debug, Clone)]
pub struct RealTrace {
    /// File name.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Its entry in `expected.json`.
    pub expected: Value,
}

impl RealTrace {
    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.path).unwrap_or_else(|error| panic!("{}: {error}", self.path.display()))
    }

    /// Its path, as an argument.
    #[must_use]
    pub fn argument(&self) -> &str {
        self.path.to_str().expect("the corpus lies in a folder with an ordinary name")
    }
}

/// All real traces in order of name: from the folder that `POOLSCOPE_CORPUS` names, else from beside the repository.
/// Where they are missing, that is said on standard error, and the list is empty: a test then has nothing to check.
///
/// # Panics
/// If `POOLSCOPE_CORPUS` names a folder without them.
#[must_use]
pub fn real_traces() -> Vec<RealTrace> {
    let named = std::env::var_os("POOLSCOPE_CORPUS").map(PathBuf::from);
    let folder = named.clone().unwrap_or_else(|| crate::root().join("../shared/corpus"));
    let Ok(text) = std::fs::read_to_string(folder.join("expected.json")) else {
        assert!(named.is_none(), "POOLSCOPE_CORPUS names {}, which holds no expected.json", folder.display());
        crate::skipped(&format!("no real traces in {}; set POOLSCOPE_CORPUS", folder.display()));
        return Vec::new();
    };
    let expected: serde_json::Map<String, Value> = serde_json::from_str(&text).expect("expected.json is JSON");
    let trace = |(name, expected): (String, Value)| RealTrace { path: trace_path(&folder, &name), name, expected };
    let mut traces: Vec<RealTrace> = expected.into_iter().map(trace).collect();
    traces.sort_by(|a, b| a.name.cmp(&b.name));
    traces
}

fn trace_path(folder: &Path, name: &str) -> PathBuf {
    folder.join("etl").join(name)
}
