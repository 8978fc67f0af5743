//! Files of a case: those in folders, the kind of each by its content, and reading those that are text.

use super::evidence::{EvidenceKind, ListingFile};
use crate::debugger_log::{self, LogReading};
use crate::trace_opening::{is_named_like_a_trace, is_packed};
use anyhow::Context as _;
use poolscope_etl::file::TraceFile;
use poolscope_recording::counters::log::is_counter_log;
use poolscope_recording::counters::{self, CounterLog};
use poolscope_recording::poolmon;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Upper bound on files of a case; a folder with more is no case.
pub const FILES_MAX: usize = 2000;
/// Bytes of a file that decide on its kind.
const HEAD_BYTES: u64 = 64 << 10;
/// Upper bound on bytes of a performance log that are read, since the text is held in memory.
const LOG_BYTES_MAX: u64 = 1 << 30;
/// Upper bound on bytes of a file of snapshots that are read. No tool prints as much.
const SNAPSHOT_BYTES_MAX: u64 = 256 << 20;

/// Reason why the files of a case cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// A folder cannot be read.
    #[error("cannot read the folder {}: {error}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The error of the system.
        error: std::io::Error,
    },
    /// There are more files than a case may have.
    #[error("{} holds more than {FILES_MAX} files: name those of the case", folder.display())]
    TooMany {
        /// The folder.
        folder: PathBuf,
    },
}

/// A file and what it is.
#[derive(Debug)]
pub struct SortedFile {
    /// Location of the file.
    pub path: PathBuf,
    /// Kinds of evidence in it by its content; or the reason why it is not used.
    pub kinds: Result<Vec<EvidenceKind>, String>,
}

impl SortedFile {
    /// The file with its kinds. Reads its beginning.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        let kinds = match kind_of(&path) {
            Ok(kinds) => kinds,
            Err(error) => Err(error.to_string()),
        };
        Self { path, kinds }
    }

    /// Returns `true` if it is named like a trace.
    #[must_use]
    pub fn is_named_like_a_trace(&self) -> bool {
        self.path.file_name().and_then(|name| name.to_str()).is_some_and(is_named_like_a_trace)
    }

    /// Returns `true` if it is evidence of another kind than allocations with stacks: a trace, or a debugger log alone.
    #[must_use]
    pub fn is_other_evidence(&self) -> bool {
        self.kinds.iter().flatten().any(|kind| matches!(kind, EvidenceKind::Counters | EvidenceKind::Snapshots))
    }
}

/// The files, with those of folders in the order of their names.
///
/// # Errors
/// See [`ListError`].
pub fn list(given: &[PathBuf]) -> Result<Vec<PathBuf>, ListError> {
    let mut files = Vec::new();
    for path in given {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).map_err(|error| ListError::Folder { folder: path.clone(), error })?;
        let mut inside: Vec<PathBuf> =
            entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_file()).collect();
        inside.sort();
        files.extend(inside);
        if files.len() > FILES_MAX {
            return Err(ListError::TooMany { folder: path.clone() });
        }
    }
    Ok(files)
}

/// Returns `true` if these are a case on the command line: a folder, or evidence of another kind than traces. Reads the beginning of
/// each file.
#[must_use]
pub fn hold_a_case(given: &[PathBuf]) -> bool {
    given.iter().any(|path| path.is_dir() || SortedFile::new(path.clone()).is_other_evidence())
}

/// Kinds of evidence in a file by its content, or the reason why there is none.
fn kind_of(path: &Path) -> std::io::Result<Result<Vec<EvidenceKind>, String>> {
    if is_packed(path) {
        return Ok(Ok(vec![EvidenceKind::Trace]));
    }
    let mut head = Vec::new();
    File::open(path)?.take(HEAD_BYTES).read_to_end(&mut head)?;
    if head.is_empty() {
        return Err(std::io::Error::other("the file is empty"));
    }
    if is_counter_log(&head) {
        return Ok(Ok(vec![EvidenceKind::Counters]));
    }
    if TraceFile::open(path).is_ok() {
        return Ok(Ok(vec![EvidenceKind::Trace]));
    }
    let whole = || std::fs::read(path).is_ok_and(|bytes| poolmon::parse(&bytes).is_ok());
    Ok(match debugger_log::read(path) {
        // A log may list tags as well.
        LogReading::Trace(_) if whole() => Ok(vec![EvidenceKind::Snapshots, EvidenceKind::DebuggerLog]),
        LogReading::Trace(_) => Ok(vec![EvidenceKind::DebuggerLog]),
        LogReading::Refused(_) if whole() => Ok(vec![EvidenceKind::Snapshots]),
        LogReading::Refused(reason) => Err(format!("{reason}. {}", reason.advice())),
        LogReading::Other if poolmon::parse(&head).is_ok() => Ok(vec![EvidenceKind::Snapshots]),
        LogReading::Other => {
            Err("neither a trace nor a pool snapshot nor a debugger log nor a performance log".to_owned())
        }
    })
}

/// Reads a performance log; `-` is standard input.
///
/// # Errors
/// The file cannot be read, or is no performance log.
pub fn read_counter_log(path: &Path) -> anyhow::Result<CounterLog> {
    let (bytes, _) = read(path, LOG_BYTES_MAX)?;
    counters::parse(&bytes).with_context(|| format!("cannot use {}", path.display()))
}

/// Reads the pool snapshots of a file; `-` is standard input.
///
/// # Errors
/// The file cannot be read, or contains no snapshot.
pub fn read_listing(path: &Path) -> anyhow::Result<ListingFile> {
    let (bytes, modified_ms) = read(path, SNAPSHOT_BYTES_MAX)?;
    let file = poolmon::parse(&bytes).with_context(|| format!("cannot use {}", path.display()))?;
    Ok(ListingFile { path: path.to_owned(), modified_ms, file })
}

/// The bytes of a file, and the time at which it was last written in milliseconds from 1970.
fn read(path: &Path, most: u64) -> anyhow::Result<(Vec<u8>, Option<i64>)> {
    let name = path.display();
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes).context("cannot read standard input")?;
        return Ok((bytes, None));
    }
    let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
    let written = file.metadata().and_then(|metadata| metadata.modified()).ok();
    let modified_ms = written.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map(|age| age.as_millis() as i64);
    file.take(most).read_to_end(&mut bytes).with_context(|| format!("cannot read {name}"))?;
    Ok((bytes, modified_ms))
}
