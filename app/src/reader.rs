//! Which of the two readers opens a trace file: the one here, or Windows' own, which only Windows has. It must never take
//! the other one in silence: figures of the two differ in what they can know.

use poolscope_etl::file::OpenError;
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_analysis::trace::Trace;
use poolscope_analysis::load::{LoadError, LoadOptions};
use std::path::Path;
use std::sync::Arc;

/// A reader of trace files.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reader {
    /// poolscope's own: every system, all workers, every byte accounted for
    #[default]
    Native,
    /// Windows' own (on Windows only), for files that the other one refuses: slower, and blind for buffers and processors
    Windows,
}

/// What a system without Windows' reader says.
pub const ONLY_WINDOWS: &str =
    "only Windows has Windows' own reader: leave out --reader windows, or run poolscope on Windows";

impl Reader {
    /// Whether this system has it.
    #[must_use]
    pub const fn is_available(self) -> bool {
        matches!(self, Self::Native) || cfg!(windows)
    }
}

/// Whether Windows' reader could open what the reader here refuses: only what is no trace to one may be one to the other.
#[must_use]
pub const fn windows_reader_may_open(error: &LoadError) -> bool {
    matches!(error, LoadError::Open(OpenError::NotATrace { .. }))
}

/// Loads a file through Windows' own reader.
///
/// # Errors
/// See [`LoadError`]; on other systems always.
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

/// Says that this system has no such reader.
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
    fn another_reader_helps_only_with_what_is_no_trace_to_ours() {
        let file = poolscope_etl::file::TraceFile::from_bytes(vec![7; 300], "a.etl");
        assert!(windows_reader_may_open(&LoadError::Open(file.expect_err("no trace"))));
        let file = poolscope_etl::file::TraceFile::from_bytes(Vec::new(), "a.etl");
        assert!(!windows_reader_may_open(&LoadError::Open(file.expect_err("empty"))));
        assert!(!windows_reader_may_open(&LoadError::TooLarge { events: 2, limit: 1 }));
    }
}
