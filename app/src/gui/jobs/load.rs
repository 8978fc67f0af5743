//! Loads a trace on a thread, with progress and cancel. Failures become words for the user: what happened, to what, and
//! what to do next.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use poolscope_analysis::load::{self, LoadError, LoadOptions};
use poolscope_archive::{ArchiveError, Control};
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::file::{OpenError, Separation, TraceFile};

use super::case::{self, CaseSource, Context, CurrentFile, OpenCase};
use super::symbols::SymbolService;
use super::watch::Stamp;
use crate::case::evidence::ListingFile;
use crate::file_identity::identity;
use crate::memory;
use crate::package::Package;
use crate::reader::{self, Reader};
use crate::sample;
use crate::trace_location::{parts_of, shown_name};
use crate::trace_opening::{self, LoadedTrace, TraceOpenError};
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
    /// Files and folders that were opened together.
    Case(CaseSource),
}

impl Source {
    /// The name to show.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) | Self::ThroughWindows(path) => shown_name(path),
            Self::Sample => "Sample trace".to_owned(),
            Self::Case(source) => source.name(),
        }
    }

    /// The file, with either reader.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::ThroughWindows(path) => Some(path),
            Self::Sample | Self::Case(_) => None,
        }
    }

    /// The same, with its file at this path.
    #[must_use]
    pub fn at(self, path: PathBuf) -> Self {
        match self {
            Self::File(_) => Self::File(path),
            Self::ThroughWindows(_) => Self::ThroughWindows(path),
            Self::Sample => Self::Sample,
            Self::Case(source) => Self::Case(source),
        }
    }

    /// Returns whether both are the same trace, with either reader, or the same files.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self.path(), other.path()) {
            (None, None) => self == other,
            (own, other) => own == other,
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
    fn load(&self, source: &Source, progress: &Progress, cancel: &CancelToken) -> Result<Option<LoadedTrace>, Failure>;
}

/// Loads with the engine.
pub struct Engine;

impl Loader for Engine {
    fn load(&self, source: &Source, progress: &Progress, cancel: &CancelToken) -> Result<Option<LoadedTrace>, Failure> {
        let memory_limit_bytes = memory::available_bytes();
        let options = LoadOptions { free_order: true, memory_limit_bytes, ..LoadOptions::default() };
        let loaded = match source {
            Source::File(path) => match trace_opening::load(&parts_of(path), options, progress, cancel) {
                Ok(loaded) => Ok(loaded),
                Err(TraceOpenError::Load(error)) => Err(error),
                Err(TraceOpenError::Archive(ArchiveError::Cancelled(cancelled))) => Err(cancelled.into()),
                Err(error) => return Err(failure(&error)),
            },
            Source::ThroughWindows(path) => {
                reader::load_through_windows(path, options, progress, cancel).map(LoadedTrace::from)
            }
            Source::Sample => TraceFile::from_bytes(sample::TRACE.to_vec(), sample::NAME)
                .map_err(LoadError::from)
                .and_then(|file| load::load(file, options, progress, cancel))
                .map(LoadedTrace::from),
            Source::Case(source) => return Err(no_single_trace(source)),
        };
        match loaded {
            Ok(loaded) => Ok(Some(loaded)),
            Err(LoadError::Cancelled(_)) => Ok(None),
            Err(error) => {
                let (what, next) = parts(&error);
                let windows_may_read = Reader::Windows.is_available() && reader::windows_reader_may_open(&error);
                Err(Failure { what, next: next.to_owned(), windows_may_read, recordings: Vec::new() })
            }
        }
    }
}

/// The failure to load several files as one trace.
fn no_single_trace(source: &CaseSource) -> Failure {
    let next = "Open its traces one by one.".to_owned();
    Failure {
        what: format!("{} is not a single trace.", source.name()),
        next,
        windows_may_read: false,
        recordings: Vec::new(),
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
    /// File of a case that is being read.
    pub file: Arc<CurrentFile>,
}

impl LoadRequest {
    /// The same, with the file by its one name. Asks the file system.
    pub(super) fn identified(self) -> Self {
        let path = self.source.path().map(identity);
        let source = path.map_or(self.source.clone(), |path| self.source.at(path));
        Self { source, ..self }
    }
}

/// Content of what was loaded.
#[derive(Debug)]
pub enum Loaded {
    /// A trace.
    Trace(LoadedTrace),
    /// The traces in a folder, or in an archive with several; a tab for each.
    Traces(TracesInside),
    /// Pool snapshots, or the reasons why files have none.
    Listings(Vec<Result<ListingFile, String>>),
    /// Evidence of several kinds, or a performance log.
    Case(Box<OpenCase>),
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
    /// The content; `None` when cancelled.
    pub result: Result<Option<Loaded>, Failure>,
}

/// Traces of a source that are opened one by one: those of a folder, of an archive, or several files that are not of one recording.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TracesInside {
    /// Their locations.
    pub traces: Vec<PathBuf>,
    /// Sentences on members of an archive that were refused though named like traces, and on files that are not joined to one trace.
    pub notes: Vec<String>,
    /// True if the user has chosen each file.
    pub are_chosen: bool,
}

impl TracesInside {
    /// Recordings among files.
    #[must_use]
    pub fn of(files: &[PathBuf], are_chosen: bool) -> Self {
        let Recordings { locations, separations } = recordings(files, are_chosen);
        let reason = Some(sentences(&separations)).filter(|reason| !reason.is_empty());
        Self { traces: locations, notes: reason.into_iter().collect(), are_chosen }
    }
}

pub(super) fn run(
    loader: &dyn Loader,
    symbols: &dyn SymbolService,
    request: LoadRequest,
    generation: u64,
    cancel: &CancelToken,
) -> LoadAnswer {
    let LoadRequest { source, progress, file } = request;
    let path = source.path();
    let stamp = path.and_then(Stamp::of);
    let context = Context { loader, symbols, progress: &progress, file: &file, cancel };
    let special = match &source {
        Source::File(path) => case::open_one(path, &context)
            .or_else(|| Some(Ok(Some(Loaded::Traces(traces_inside(path, &progress, cancel)?))))),
        Source::Case(source) => Some(case::open_several(source, &context)),
        Source::ThroughWindows(_) | Source::Sample => None,
    };
    let result = special.unwrap_or_else(|| Ok(loader.load(&source, &progress, cancel)?.map(Loaded::Trace)));
    let result = match result {
        Err(Failure { what, recordings, .. }) if !recordings.is_empty() => {
            let are_chosen = path.is_some_and(|path| parts_of(path).len() > 1);
            Ok(Some(Loaded::Traces(TracesInside { traces: recordings, notes: vec![what], are_chosen })))
        }
        result => result,
    };
    // A file that came only now has a state only now.
    let stamp = stamp.or_else(|| path.and_then(Stamp::of));
    let package = if matches!(result, Ok(Some(Loaded::Trace(_)))) { path.and_then(Package::open) } else { None };
    LoadAnswer { generation, stamp, package, result, source }
}

/// The recordings among several files, or the traces of an archive with several; `None` for one recording, and for what the load has the
/// message for.
fn traces_inside(path: &Path, progress: &Progress, cancel: &CancelToken) -> Option<TracesInside> {
    let parts = parts_of(path);
    if parts.len() > 1 {
        return Some(TracesInside::of(&parts, true)).filter(|inside| inside.traces.len() > 1);
    }
    let several = trace_opening::several_traces(path, Control { progress, cancel }).ok().flatten()?;
    let traces = several.traces.into_iter().map(|trace| trace.path).collect();
    Some(TracesInside { traces, notes: several.notes, are_chosen: false })
}
