//! Loads a trace on a thread, with progress and cancel. Failures become words for the user: what happened, to what, and
//! what to do next.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use poolscope_analysis::load::{self, LoadError, LoadOptions};
use poolscope_analysis::trace::Trace;
use poolscope_archive::{ArchiveError, Control};
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::file::{OpenError, Separation, TraceFile};

use super::watch::Stamp;
use crate::file_identity::identity;
use crate::memory;
use crate::package::Package;
use crate::reader::{self, Reader};
use crate::sample;
use crate::trace_location::{parts_of, shown_name};
use crate::trace_opening::{self, TraceOpenError};
use crate::trace_parts::{Recordings, recordings};

/// Source of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file, or a trace in an archive.
    File(PathBuf),
    /// A file that Windows' own reader reads.
    ThroughWindows(PathBuf),
    /// The sample trace in the program.
    Sample,
}

impl Source {
    /// The name to show.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) | Self::ThroughWindows(path) => shown_name(path),
            Self::Sample => "Sample trace".to_owned(),
        }
    }

    /// The file, with either reader.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::ThroughWindows(path) => Some(path),
            Self::Sample => None,
        }
    }

    /// The same, with its file at this path.
    #[must_use]
    pub fn at(self, path: PathBuf) -> Self {
        match self {
            Self::File(_) => Self::File(path),
            Self::ThroughWindows(_) => Self::ThroughWindows(path),
            Self::Sample => Self::Sample,
        }
    }
}

/// Reason why there is no trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The error, in a sentence.
    pub what: String,
    /// The next step, in a sentence.
    pub next: String,
    /// True if Windows' own reader is here and may still open it.
    pub windows_may_read: bool,
    /// The recordings to open one by one, if the source holds several.
    pub recordings: Vec<PathBuf>,
}

/// Who turns a source into a trace.
pub trait Loader: Send + Sync {
    /// Loads; `Ok(None)` when cancelled.
    ///
    /// # Errors
    /// A [`Failure`] in words for the user.
    fn load(&self, source: &Source, progress: &Progress, cancel: &CancelToken) -> Result<Option<Arc<Trace>>, Failure>;
}

/// Loads with the engine.
pub struct Engine;

impl Loader for Engine {
    fn load(&self, source: &Source, progress: &Progress, cancel: &CancelToken) -> Result<Option<Arc<Trace>>, Failure> {
        let options = LoadOptions { memory_limit_bytes: memory::available_bytes(), ..LoadOptions::default() };
        let loaded = match source {
            Source::File(path) => match trace_opening::load(&parts_of(path), options, progress, cancel) {
                Ok(loaded) => Ok(loaded.trace),
                Err(TraceOpenError::Load(error)) => Err(error),
                Err(TraceOpenError::Archive(ArchiveError::Cancelled(cancelled))) => Err(cancelled.into()),
                Err(error) => return Err(failure(&error)),
            },
            Source::ThroughWindows(path) => reader::load_through_windows(path, options, progress, cancel),
            Source::Sample => TraceFile::from_bytes(sample::TRACE.to_vec(), sample::NAME)
                .map_err(LoadError::from)
                .and_then(|file| load::load(file, options, progress, cancel)),
        };
        match loaded {
            Ok(trace) => Ok(Some(trace)),
            Err(LoadError::Cancelled(_)) => Ok(None),
            Err(error) => {
                let (what, next) = parts(&error);
                let windows_may_read = Reader::Windows.is_available() && reader::windows_reader_may_open(&error);
                Err(Failure { what, next: next.to_owned(), windows_may_read, recordings: Vec::new() })
            }
        }
    }
}

/// The failure of an archive.
fn failure(error: &TraceOpenError) -> Failure {
    let next = error.advice().unwrap_or("Try again. If it happens again, please report it.").to_owned();
    let (what, recordings) = match error {
        TraceOpenError::Several { traces, separations, .. } => {
            (sentences(separations), traces.iter().map(|trace| trace.path.clone()).collect())
        }
        TraceOpenError::Separate { recordings, separations } => (sentences(separations), recordings.clone()),
        _ => (error.to_string(), Vec::new()),
    };
    Failure { what, next, windows_may_read: false, recordings }
}

fn sentences(separations: &[Separation]) -> String {
    separations.iter().map(ToString::to_string).collect::<Vec<_>>().join(". ")
}

/// Error and next step: the sentences of the command line, apart.
fn parts(error: &LoadError) -> (String, &'static str) {
    match error {
        LoadError::Open(open) => {
            let (what, next) = open.message_and_advice();
            (what, next.unwrap_or_else(|| next_step(error)))
        }
        other => (other.to_string(), next_step(other)),
    }
}

/// Next step after an error that names none.
fn next_step(error: &LoadError) -> &'static str {
    match error {
        LoadError::Open(OpenError::Io { .. }) => {
            "Check that the file exists and that you have permission to read it, then try again."
        }
        LoadError::Open(OpenError::Empty { .. }) => "Copy the file again, or record again.",
        LoadError::Open(OpenError::NotATrace { advice, .. }) => advice,
        LoadError::Open(OpenError::Read { .. }) => "Open the file again when it is complete.",
        LoadError::Open(OpenError::Refused { .. }) => {
            "Neither reader can open it. Copy the file again, or choose a trace from wpr, xperf or another ETW tool."
        }
        LoadError::MemoryLimit { .. } => "Close other programs, or extract a part of the trace with xperf.",
        LoadError::TooLarge { .. } => "Record a shorter trace, or extract a part of this one with xperf.",
        _ => "Try again. If it happens again, please report it.",
    }
}

/// Request to load a trace.
pub struct LoadRequest {
    /// From where.
    pub source: Source,
    /// Progress of the loader.
    pub progress: Arc<Progress>,
}

impl LoadRequest {
    /// The same, with the file by its one name. Asks the file system.
    pub(super) fn identified(self) -> Self {
        let path = self.source.path().map(identity);
        let source = path.map_or(self.source.clone(), |path| self.source.at(path));
        Self { source, ..self }
    }
}

/// Result of a load.
#[derive(Debug)]
pub struct LoadAnswer {
    /// Number of the request.
    pub generation: u64,
    /// Source of the load.
    pub source: Source,
    /// The file's state just before it was read.
    pub stamp: Option<Stamp>,
    /// The package that the trace is in.
    pub package: Option<Package>,
    /// The traces in it, when it is a folder, an archive with several traces, or several files that are not of one recording.
    pub inside: Option<InnerTraces>,
    /// The trace; `None` when cancelled, or when it holds several.
    pub result: Result<Option<Arc<Trace>>, Failure>,
}

/// Traces of a source that are opened one by one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InnerTraces {
    /// Their locations.
    pub locations: Vec<PathBuf>,
    /// Reasons why files are not joined to one trace, in sentences.
    pub reasons: String,
    /// True if the user has chosen each file.
    pub are_chosen: bool,
}

impl InnerTraces {
    fn of(found: Recordings, are_chosen: bool) -> Self {
        Self { reasons: sentences(&found.separations), locations: found.locations, are_chosen }
    }
}

pub(super) fn run(loader: &dyn Loader, request: LoadRequest, generation: u64, cancel: &CancelToken) -> LoadAnswer {
    let LoadRequest { source, progress } = request;
    let path = source.path();
    let stamp = path.and_then(Stamp::of);
    let mut inside = match path {
        Some(path) if path.is_dir() => Some(InnerTraces::of(recordings(&traces_in(path), false), false)),
        Some(path) if matches!(source, Source::File(_)) => inner_traces(path, &progress, cancel),
        _ => None,
    };
    let mut result = if inside.is_some() { Ok(None) } else { loader.load(&source, &progress, cancel) };
    if let Err(failure) = &result
        && !failure.recordings.is_empty()
    {
        let (locations, reasons) = (failure.recordings.clone(), failure.what.clone());
        inside =
            Some(InnerTraces { locations, reasons, are_chosen: path.is_some_and(|path| parts_of(path).len() > 1) });
        result = Ok(None);
    }
    // A file that came only now has a state only now.
    let stamp = stamp.or_else(|| path.and_then(Stamp::of));
    let package = if matches!(result, Ok(Some(_))) { source.path().and_then(Package::open) } else { None };
    LoadAnswer { generation, stamp, package, inside, result, source }
}

/// The recordings among several files, or the traces of an archive with several; `None` for one recording, and for what the load has the
/// message for.
fn inner_traces(path: &Path, progress: &Progress, cancel: &CancelToken) -> Option<InnerTraces> {
    let parts = parts_of(path);
    if parts.len() > 1 {
        let found = recordings(&parts, true);
        return (found.locations.len() > 1).then(|| InnerTraces::of(found, true));
    }
    let traces = trace_opening::several_traces(path, Control { progress, cancel }).ok().flatten()?;
    let locations = traces.into_iter().map(|trace| trace.path).collect();
    Some(InnerTraces { locations, ..InnerTraces::default() })
}

/// The traces right inside a folder, by name, packed or not.
fn traces_in(folder: &Path) -> Vec<PathBuf> {
    let has_ending = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(trace_opening::is_named_like_a_trace)
    };
    let is_trace = |path: &PathBuf| has_ending(path) && path.is_file();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut traces: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_trace).collect();
    traces.sort();
    traces
}
