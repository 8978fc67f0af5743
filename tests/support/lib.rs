//! What the integration tests share: made-up traces with their truth, the program run in memory, real traces, damage.
//! It must never decide whether a result is right: that is said by the tests, and for made-up traces by their truth.

pub mod corpus;
pub mod damage;
pub mod figures;
pub mod micro;
pub mod pdbs;
pub mod planted;
pub mod program;
pub mod said;
pub mod symbol_server;
pub mod variants;
pub mod windows_shape;
pub mod wpr;
pub mod wpr_schema;

use std::path::{Path, PathBuf};

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the tests lie in a folder of the repository").to_path_buf()
}
