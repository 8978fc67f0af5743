//! Readers of trace files: poolscope's own, and the one of Windows. The user selects it explicitly, since the two differ in the
//! facts that they provide.

use poolscope_analysis::load::{LoadError, LoadOptions};
use poolscope_analysis::trace::Trace;
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::file::OpenError;
use std::path::Path;
use std::sync::Arc;

/// A reader of trace files.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reader {
    /// Reader of poolscope: all systems, parallel, accounts for every byte
    #[default]
    Native,
    /// Reader of Windows (on Windows only), for files that the native reader rejects: slower, does not show buffers and CPUs
    Windows,
}

/// Error message on other systems than Windows.
pub const ONLY_WINDOWS: &str =
    "the reader of Windows is available on Windows only: omit --reader windows, or run poolscope on Windows";

impl Reader {
    /// Returns `true` if the reader is available on this system.
    #[must_use]
    pub const fn is_available(self) -> bool {
        matches!(self, Self::Native) || cfg!(windows)
    }
}

/// Returns `true` if the reader of Windows may open a file that the native reader rejected with this error.
#[must_use]
pub const fn windows_reader_may_open(error: &LoadError) -> bool {
    matches!(error, LoadError::Open(OpenError::NotATrace { .. }))
}

/// Loads a file with the reader of Windows.
///
/// # Errors
/// See [`LoadError`].
#[cfg(windows)]
pub fn load_through_windows(
    path: &Path,
    options: LoadOptions,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<Arc<Trace>, LoadError> {
    let source = poolscope_etl::windows::WindowsTrace::open(path)?;
    poolscope_analysis::load::load_records(Arc::new(source), options, progress, cancel)
}

/// Returns the error that this system has no such reader.
///
/// # Errors
/// Always.
#[cfg(not(windows))]
pub fn load_through_windows(
    path: &Path,
    _options: LoadOptions,
    _progress: &Progress,
    _cancel: &CancelToken,
) -> Result<Arc<Trace>, LoadError> {
    let reason = std::io::Error::new(std::io::ErrorKind::Unsupported, ONLY_WINDOWS);
    Err(OpenError::Io { path: path.to_path_buf(), reason }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_windows_reader_may_help_with_unrecognized_files_only() {
        let file = poolscope_etl::file::TraceFile::from_bytes(vec![7; 300], "a.etl");
        assert!(windows_reader_may_open(&LoadError::Open(file.expect_err("no trace"))));
        let file = poolscope_etl::file::TraceFile::from_bytes(Vec::new(), "a.etl");
        assert!(!windows_reader_may_open(&LoadError::Open(file.expect_err("empty"))));
        assert!(!windows_reader_may_open(&LoadError::TooLarge { events: 2, limit: 1 }));
    }
}
