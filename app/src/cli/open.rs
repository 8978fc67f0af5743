//! Opens the trace of a command: options of all commands that read a trace, reader, worker threads, progress bar, warnings.

use super::io::Io;
use super::units::parse_bytes;
use crate::memory;
use crate::package::Package;
use crate::reader::{self, Reader};
use crate::recorded_range_text;
use crate::sample;
use crate::trace_location;
use crate::trace_opening::{self, LoadedTrace, TraceOpenError};
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use poolscope_analysis::load::{LoadError, LoadOptions, load};
use poolscope_analysis::trace::Trace;
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::diagnostics::{DiagnosticKind, Severity};
use poolscope_etl::file::TraceFile;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Trace to read, reader and number of worker threads.
#[derive(clap::Args, Debug, Clone, Default)]
pub struct TraceArgs {
    /// The trace file (.etl), also packed: .gz, .xz, .zst, .zip, .wpapk, .cab, .7z. ARCHIVE#MEMBER chooses one of several traces.
    /// Several files of one recording (trace_1.etl trace_2.etl, kernel.etl user.etl) are read as one trace. Or a debugger log with
    /// !verifier 3, !verifier 0x80, or stacks at breaks by nt!PoolHitTag
    #[arg(required_unless_present = "demo")]
    pub trace: Vec<PathBuf>,
    /// The built-in sample trace
    #[arg(long, conflicts_with = "trace")]
    pub demo: bool,
    /// Reader of the trace file
    #[arg(long, value_enum, default_value_t)]
    pub reader: Reader,
    /// Memory that the trace may use, such as 4GB [default: what the system has available]. What does not fit is left out and named: indices (for peaks), then stacks of frees, then addresses
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    pub memory_limit: Option<u64>,
    /// Number of worker threads (default: RAYON_NUM_THREADS, else one per processor)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

impl TraceArgs {
    /// Name of the trace as given on the command line.
    #[must_use]
    pub fn name(&self) -> String {
        if self.trace.is_empty() {
            return sample::NAME.to_owned();
        }
        let names = self.trace.iter().flat_map(|path| trace_location::parts_by_name(path));
        names.map(|path| path.display().to_string()).collect::<Vec<_>>().join(" + ")
    }

    /// The trace as given on the command line; of several files the first one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.trace.first().map(PathBuf::as_path)
    }

    /// Loads the trace and calls `work` with it.
    ///
    /// # Errors
    /// Errors of the load or of `work`.
    pub fn with_trace<R>(
        &self,
        io: &mut Io<'_>,
        options: LoadOptions,
        work: impl FnOnce(&Arc<Trace>, &Workers, &mut Io<'_>) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        let workers = Workers::new(self.threads, io.cancel.clone())?;
        let (interactive, command_progress) = (io.interactive, Arc::clone(&io.progress));
        let load = |memory_limit_bytes: Option<u64>, options: LoadOptions| {
            let options = LoadOptions { memory_limit_bytes, ..options };
            let progress = command_progress.begin_load();
            workers.run(|| self.load(interactive, options, &progress, &workers.cancel))
        };
        let LoadedTrace { trace, notes } = match &io.open_traces {
            // Later commands may need stacks.
            Some(open) => open.get(&self.location(), &workers.cancel, &|limit| load(limit, LoadOptions::default()))?,
            None => load(self.memory_limit.or_else(memory::available_bytes), options)?,
        };
        let problems = self.path().and_then(Package::open).map(|package| package.problems).unwrap_or_default();
        for note in notes.into_iter().chain(problems) {
            writeln!(io.err, "poolscope: warning: {note}")?;
        }
        // A program that keeps traces open shows their data quality itself.
        if io.open_traces.is_none() {
            warn(&trace, io)?;
        }
        work(&trace, &workers, io)
    }

    /// Location of the trace; that of the sample is its name.
    fn location(&self) -> PathBuf {
        match self.trace.as_slice() {
            [] => PathBuf::from(sample::NAME),
            [path] => path.clone(),
            paths => trace_location::join_parts(paths).unwrap_or_else(|| PathBuf::from(self.name())),
        }
    }

    fn load(
        &self,
        interactive: bool,
        options: LoadOptions,
        progress: &Progress,
        cancel: &CancelToken,
    ) -> anyhow::Result<LoadedTrace> {
        self.check_reader()?;
        let whole = |trace| LoadedTrace { trace, notes: Vec::new() };
        let paths: Vec<PathBuf> = self.trace.iter().flat_map(|path| trace_location::parts_of(path)).collect();
        let run = || match (paths.as_slice(), self.reader) {
            ([path], Reader::Windows) => Ok(whole(reader::load_through_windows(path, options, progress, cancel)?)),
            ([_, ..], _) => trace_opening::load(&paths, options, progress, cancel),
            ([], _) => {
                let file = TraceFile::from_bytes(sample::TRACE.to_vec(), sample::NAME).map_err(LoadError::from)?;
                Ok(whole(load(file, options, progress, cancel)?))
            }
        };
        let loaded = if interactive { with_bar(progress, run) } else { run() };
        match loaded {
            Err(TraceOpenError::Load(error))
                if self.reader == Reader::Native
                    && Reader::Windows.is_available()
                    && reader::windows_reader_may_open(&error) =>
            {
                Err(anyhow::anyhow!("{error}; the reader of Windows may be able to open it: add --reader windows"))
            }
            Err(TraceOpenError::Load(error)) if !matches!(error, LoadError::Open(_)) => {
                Err(error).with_context(|| format!("cannot load {}", self.name()))
            }
            Err(error) => Err(open_error(error)),
            Ok(loaded) => Ok(loaded),
        }
    }

    fn check_reader(&self) -> Result<(), UsageError> {
        if !self.reader.is_available() {
            return Err(UsageError(reader::ONLY_WINDOWS.to_owned()));
        }
        if self.reader == Reader::Windows && self.trace.len() > 1 {
            let why = "the reader of Windows opens one file: give one, or omit --reader windows";
            return Err(UsageError(why.to_owned()));
        }
        if self.reader == Reader::Windows && self.path().is_some_and(trace_opening::is_packed) {
            let why = "the reader of Windows does not open archives: unpack the trace first, or omit --reader windows";
            return Err(UsageError(why.to_owned()));
        }
        if self.reader == Reader::Windows && self.demo {
            let why =
                "the sample is part of the program, and the reader of Windows needs a file: omit --reader windows";
            return Err(UsageError(why.to_owned()));
        }
        Ok(())
    }
}

/// The error of a trace that was not opened. Those of files contain the file name.
pub fn open_error(error: TraceOpenError) -> anyhow::Error {
    match error {
        TraceOpenError::Load(error) => error.into(),
        TraceOpenError::Several { .. } | TraceOpenError::Separate { .. } | TraceOpenError::NoMember { .. } => {
            UsageError(with_advice(&error, "\n")).into()
        }
        error => anyhow::anyhow!(with_advice(&error, ". ")),
    }
}

/// An error with what to do next.
fn with_advice(error: &TraceOpenError, between: &str) -> String {
    error.advice().map_or_else(|| error.to_string(), |advice| format!("{error}{between}{advice}"))
}

/// Refuses a trace without times.
///
/// # Errors
/// The trace is a debugger log; `purpose` says what needs times.
pub fn require_times(trace: &Trace, name: &str, purpose: &str) -> Result<(), UsageError> {
    if trace.has_times() {
        return Ok(());
    }
    Err(UsageError(format!("{name} is a debugger log, which has no times for {purpose}: report and leaks read it")))
}

/// Worker threads of a command.
pub struct Workers {
    /// Threads of `--threads`; without the option those of rayon's global pool.
    pool: Option<rayon::ThreadPool>,
    cancel: CancelToken,
}

impl Workers {
    fn new(threads: Option<u16>, cancel: CancelToken) -> anyhow::Result<Self> {
        let Some(threads) = threads else { return Ok(Self { pool: None, cancel }) };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build();
        pool.map(|pool| Self { pool: Some(pool), cancel })
            .with_context(|| format!("cannot start {threads} worker threads"))
    }

    /// Runs parallel work on these threads. The work must not print: output streams belong to the calling thread.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    /// Set when the user interrupts the command.
    #[must_use]
    pub fn cancel_token(&self) -> CancelToken {
        self.cancel.clone()
    }

    /// Returns `true` if the user interrupted the command.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

/// Usage error that depends on several arguments: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// Steps of the progress bar.
const PROGRESS_STEPS: u64 = 1_000;

/// Shows a progress bar on standard error while `run` works.
pub fn with_bar<R>(progress: &Progress, run: impl FnOnce() -> R) -> R {
    let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
    let template = "{msg} {bar:30} {percent}% {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    let done = std::sync::atomic::AtomicBool::new(false);
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let now = progress.read();
                bar.set_length(PROGRESS_STEPS);
                bar.set_position((now.share() * PROGRESS_STEPS as f64) as u64);
                bar.set_message(now.stage.name());
                std::thread::park_timeout(Duration::from_millis(100));
            }
        });
        let result = run();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        result
    });
    bar.finish_and_clear();
    result
}

/// Warns about data loss, missing parts of the recording, traces without pool events, header times that are not used, and what the
/// memory limit has left out, since figures depend on all of these.
fn warn(trace: &Trace, io: &mut Io<'_>) -> anyhow::Result<()> {
    let is_warning = |kind: DiagnosticKind| {
        kind.severity() == Severity::DataLoss
            || matches!(
                kind,
                DiagnosticKind::NoPoolEvents
                    | DiagnosticKind::HeaderClock
                    | DiagnosticKind::ConstantTimestamps
                    | DiagnosticKind::UnknownSize
                    | DiagnosticKind::UnknownBlock
                    | DiagnosticKind::IndicesLeftOut
                    | DiagnosticKind::FreeStacksLeftOut
                    | DiagnosticKind::AddressesLeftOut
            )
    };
    let losses = trace.diagnostics.rows().iter().filter(|row| is_warning(row.kind));
    for row in losses {
        let times = crate::format::count(row.count);
        writeln!(io.err, "poolscope: warning: {} ({times}): {}", row.kind.name(), row.kind.effect())?;
    }
    if let Some(sentence) = recorded_range_text::missing(trace) {
        writeln!(io.err, "poolscope: warning: {sentence}")?;
    }
    Ok(())
}
