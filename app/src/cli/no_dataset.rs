//! Stands in for `dataset` in a build without the feature `fleet`.

use super::export::Args;
use super::io::Io;
use super::open::UsageError;
use std::path::Path;

/// Returns `true` if a path means a dataset or a table of one: it ends with a separator or `.parquet`.
#[must_use]
pub fn is_meant(path: &Path) -> bool {
    let text = path.as_os_str().to_string_lossy();
    text.ends_with(std::path::is_separator) || text.to_ascii_lowercase().ends_with(".parquet")
}

/// Refuses.
///
/// # Errors
/// Always.
pub fn run(args: &Args, _: &mut Io<'_>) -> anyhow::Result<u8> {
    let to = args.to().display();
    let message = format!("cannot write {to}: this build has no datasets; build poolscope with the feature fleet");
    Err(UsageError(message).into())
}
