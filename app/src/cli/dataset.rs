//! `export … --to FOLDER/`: the tables of many traces as Parquet files; `--to FILE.parquet`: one table of one trace. Traces are worked
//! on side by side, as many as memory allows; one that is damaged does not stop the others; one that is done is skipped.

use super::export::Args;
use super::io::Io;
use super::leaks;
use super::open::{TraceArgs, UsageError};
use super::output_file;
use crate::trace_location::parts_of;
use crate::trace_opening::{self, OpenedTrace, TraceOpenError};
use crate::trace_parts::recordings;
use crate::{format, memory, sample, trace_location};
use anyhow::{Context as _, anyhow};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use parking_lot::{Condvar, Mutex};
use poolscope_analysis::export::DocumentHeader;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::leaks::{AnalysisRequest, SuspectGrouping, WarmUp, analyze};
use poolscope_analysis::load::{LoadError, LoadOptions, load};
use poolscope_analysis::trace::Trace;
use poolscope_archive::Control;
use poolscope_archive::kind::is_named_like_an_archive;
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::file::TraceFile;
use poolscope_fleet::table_file::TableFile;
use poolscope_fleet::tables::{host_of, schema};
use poolscope_fleet::{Dataset, Table, TraceKey, TraceRows, dataset};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Options of `export` that apply to a dataset. All others choose rows or looks of a single file.
const OPTIONS: [&str; 17] = [
    "trace",
    "demo",
    "to",
    "only",
    "force",
    "threads",
    "memory-limit",
    "frames",
    "wrappers",
    "symbols",
    "no-symbols",
    "offline",
    "pooltag",
    "no-pooltag",
    "stack-tags",
    "color",
    "quiet",
];
/// Message of a trace whose export panicked.
const INTERNAL: &str = "internal error. Please report it with the trace";
/// Keys whose values depend on names.
const KEYS: [Key; 4] = [Key::Driver, Key::Function, Key::Stack, Key::FreeStack];

/// Tables, as one option value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tables(Vec<Table>);

/// Parses the tables of `--only`.
///
/// # Errors
/// A message about the first unknown table.
pub fn parse_tables(text: &str) -> Result<Tables, String> {
    text.split(',').map(str::parse).collect::<Result<_, _>>().map(Tables)
}

/// Returns `true` if a path means a dataset or a table of one: it ends with a separator or `.parquet`, or is the folder of one.
#[must_use]
pub fn is_meant(path: &Path) -> bool {
    let text = path.as_os_str().to_string_lossy();
    text.ends_with(std::path::is_separator) || is_table(path) || Dataset::is_at(path)
}

fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet")) && !path.is_dir()
}

/// Runs the command.
///
/// # Errors
/// The options do not apply, or the dataset or a folder of traces cannot be read. Traces that fail are reported, and make the exit
/// code 1.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    let unfit = args.command_line.options.iter().find(|option| !OPTIONS.contains(&option.as_str()));
    if let Some(option) = unfit {
        let message = format!("--{option} does not apply to a dataset, which has all rows of a trace");
        return Err(UsageError(message).into());
    }
    if is_table(args.to()) {
        return write_table(args, io);
    }
    let candidates = candidates(args, io)?;
    let dataset = Dataset::open(args.to())?;
    let job = Job {
        args,
        dataset: &dataset,
        tables: args.only.as_ref().map_or_else(|| Table::ALL.to_vec(), |only| dataset::with_traces(&only.0)),
        threads: args.trace.threads.map_or_else(rayon::current_num_threads, usize::from),
        memory: MemoryGate::new(args.trace.memory_limit.or_else(memory::available_bytes)),
        environment: io.environment.clone(),
        cancel: io.cancel.clone(),
    };
    let outcomes = job.run(&candidates, io.interactive)?;
    if io.cancel.is_cancelled() {
        anyhow::bail!("canceled");
    }
    let to = args.to().display();
    report(&candidates, &outcomes, &to.to_string(), io)
}

/// Writes one table of one trace to a file.
fn write_table(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    let table = match args.only.as_ref().map(|only| only.0.as_slice()) {
        None => Table::Allocations,
        Some([table]) => *table,
        Some(_) => return Err(UsageError("one file holds one table: choose it with --only TABLE".to_owned()).into()),
    };
    output_file::check(args.to(), args.force)?;
    let path = match recordings(&args.trace.trace, true).locations.as_slice() {
        [] => None,
        [path] => Some(path.clone()),
        _ => {
            let why = "one file holds one trace; a dataset of many is a folder, with / at its end";
            return Err(UsageError(why.to_owned()).into());
        }
    };
    let candidate = Candidate { path, is_found: false };
    let cancel = io.cancel.clone();
    let key = {
        let opened = candidate.open(&cancel).map_err(|error| anyhow!(with_advice(&error)))?;
        TraceKey::of(opened.file.reader(), opened.file.logfile.start_filetime)?
    };
    args.trace.with_trace(io, LoadOptions::default(), |trace, workers, io| {
        let names = args.names_of_dataset(trace, &KEYS, &args.trace, io)?;
        let name = candidate.shown_name();
        workers.run(|| {
            let rows = TraceRows { key: &key, name: &name, names: &names, leaks: None, cancel: &cancel };
            with_suspects(table == Table::Suspects, &rows, |rows| {
                output_file::write(args.to(), args.force, |out| {
                    let mut file = TableFile::new(out.get_ref().try_clone()?, schema(table))?;
                    rows.write(table, &mut file)?;
                    file.finish()?;
                    Ok(())
                })
            })
        })?;
        let bytes = std::fs::metadata(args.to()).map_or(0, |found| found.len());
        let to = args.to().display();
        writeln!(io.err, "poolscope: table {} written to {to} ({})", table.name(), format::bytes(bytes))?;
        Ok(0)
    })
}

/// Calls `write` with the rows of a trace, and with its suspects if they are wanted.
fn with_suspects<R>(
    is_wanted: bool,
    rows: &TraceRows<'_>,
    write: impl Fn(&TraceRows<'_>) -> anyhow::Result<R>,
) -> anyhow::Result<R> {
    if !is_wanted {
        return write(rows);
    }
    let trace = rows.names.trace();
    let request =
        AnalysisRequest { visible_range: trace.extent, grouping: SuspectGrouping::Tag, warm_up: WarmUp::Automatic };
    let analysis = analyze(rows.names, request, &|| rows.cancel.is_cancelled())?;
    let header = DocumentHeader::new(rows.name, trace, trace.extent);
    leaks::with_table(&analysis, rows.names, &header, |table| write(&TraceRows { leaks: Some(table), ..*rows }))
}

/// A trace to export.
struct Candidate {
    /// Its location; `None` for the sample.
    path: Option<PathBuf>,
    /// It was found in a folder, so that it may be an archive without traces.
    is_found: bool,
}

impl Candidate {
    fn name(&self) -> String {
        self.path.as_ref().map_or_else(|| sample::NAME.to_owned(), |path| path.display().to_string())
    }

    /// The name in the dataset, without folders.
    fn shown_name(&self) -> String {
        self.path.as_deref().map_or_else(|| sample::NAME.to_owned(), trace_location::shown_name)
    }

    fn open(&self, cancel: &CancelToken) -> Result<OpenedTrace, TraceOpenError> {
        match &self.path {
            Some(path) => trace_opening::open(path, &Progress::default(), cancel),
            None => {
                let file = TraceFile::from_bytes(sample::TRACE.to_vec(), sample::NAME).map_err(LoadError::from)?;
                Ok(OpenedTrace { file, notes: Vec::new() })
            }
        }
    }
}

/// The traces: files as given, those in folders, and all of an archive with several. Files of one recording are one trace.
fn candidates(args: &Args, io: &Io<'_>) -> anyhow::Result<Vec<Candidate>> {
    if args.trace.demo {
        return Ok(vec![Candidate { path: None, is_found: false }]);
    }
    let mut candidates = Vec::new();
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) =
        args.trace.trace.iter().cloned().partition(|path| path.is_dir());
    let mut add = |files: &[PathBuf], is_found| {
        let locations = recordings(files, false).locations;
        locations.iter().for_each(|file| add_members(file, is_found, &io.cancel, &mut candidates));
    };
    add(&files, false);
    for folder in &folders {
        let inside = files_in(folder).with_context(|| format!("cannot read the folder {}", folder.display()))?;
        add(&inside, true);
    }
    if candidates.is_empty() {
        return Err(UsageError("the folder holds no traces (.etl, or archives)".to_owned()).into());
    }
    Ok(candidates)
}

/// Traces and archives right inside a folder, by name.
fn files_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = trace_opening::traces_in_folder(folder)?;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_archive = path.file_name().is_some_and(|name| is_named_like_an_archive(&name.to_string_lossy()));
        files.extend(Some(path).filter(|path| is_archive && path.is_file()));
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// Adds a file, or each trace of an archive with several. Errors come up when the trace is opened.
fn add_members(path: &Path, is_found: bool, cancel: &CancelToken, candidates: &mut Vec<Candidate>) {
    let control = Control { progress: &Progress::default(), cancel };
    let several = trace_opening::several_traces(path, control).ok().flatten();
    let members = several.map(|several| several.traces.into_iter().map(|trace| trace.path).collect());
    let paths: Vec<PathBuf> = members.unwrap_or_else(|| vec![path.to_owned()]);
    candidates.extend(paths.into_iter().map(|path| Candidate { path: Some(path), is_found }));
}

/// Result of one candidate.
enum Outcome {
    /// Its files were written: their size in bytes, and warnings.
    Written(u64, String),
    /// All its files were there.
    Done,
    /// The same trace as an earlier candidate.
    Duplicate(usize),
    /// An archive from a folder without traces.
    NoTrace,
    Failed(String),
}

/// Work on a candidate that remains after a first look.
struct Pending {
    candidate: usize,
    key: TraceKey,
    bytes: u64,
    tables: Vec<Table>,
}

/// The export of a dataset.
struct Job<'j> {
    args: &'j Args,
    dataset: &'j Dataset,
    tables: Vec<Table>,
    threads: usize,
    memory: MemoryGate,
    environment: crate::symbols::SymbolEnvironment,
    cancel: CancelToken,
}

impl Job<'_> {
    /// Exports the candidates; an outcome for each.
    fn run(&self, candidates: &[Candidate], is_shown: bool) -> anyhow::Result<Vec<Outcome>> {
        let pool = thread_pool(self.threads)?;
        let looks: Vec<_> = pool.install(|| candidates.par_iter().map(|candidate| self.look(candidate)).collect());
        drop(pool);
        let mut outcomes: Vec<Option<Outcome>> = Vec::new();
        let mut pending: Vec<Pending> = Vec::new();
        let mut first_of: FxHashMap<_, usize> = FxHashMap::default();
        for (candidate, look) in looks.into_iter().enumerate() {
            let outcome = match look {
                Err(outcome) => Some(outcome),
                Ok((key, bytes)) => match first_of.get(&key.id) {
                    Some(first) => Some(Outcome::Duplicate(*first)),
                    None => {
                        first_of.insert(key.id, candidate);
                        let tables = self.missing(&key)?;
                        let is_done = tables.is_empty();
                        pending.extend((!is_done).then_some(Pending { candidate, key, bytes, tables }));
                        is_done.then_some(Outcome::Done)
                    }
                },
            };
            outcomes.push(outcome);
        }
        for (work, outcome) in pending.iter().zip(self.write_all(candidates, &pending, is_shown)?) {
            outcomes[work.candidate] = outcome;
        }
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or(Outcome::Failed("canceled".to_owned()))).collect())
    }

    /// The identity and the size of a trace.
    fn look(&self, candidate: &Candidate) -> Result<(TraceKey, u64), Outcome> {
        let opened = candidate.open(&self.cancel).map_err(|error| match error {
            TraceOpenError::NoTrace { .. } if candidate.is_found => Outcome::NoTrace,
            error => Outcome::Failed(with_advice(&error)),
        })?;
        let (file, start) = (&opened.file, opened.file.logfile.start_filetime);
        let key = TraceKey::of(file.reader(), start).map_err(|error| Outcome::Failed(error.to_string()))?;
        Ok((key, file.file_bytes()))
    }

    fn missing(&self, key: &TraceKey) -> anyhow::Result<Vec<Table>> {
        if self.args.force {
            return Ok(self.tables.clone());
        }
        Ok(self.dataset.missing(key, &self.tables)?)
    }

    /// Writes the pending traces, several at a time, each with its share of the threads. `None` for what was not begun because the
    /// work was canceled.
    fn write_all(
        &self,
        candidates: &[Candidate],
        pending: &[Pending],
        is_shown: bool,
    ) -> anyhow::Result<Vec<Option<Outcome>>> {
        let workers = self.threads.min(pending.len()).max(1);
        let pools = (0..workers).map(|_| thread_pool(self.threads / workers)).collect::<anyhow::Result<Vec<_>>>()?;
        let bar = progress_bar(pending.len(), is_shown);
        let next = AtomicUsize::new(0);
        let outcomes: Vec<Mutex<Option<Outcome>>> = pending.iter().map(|_| Mutex::new(None)).collect();
        std::thread::scope(|scope| {
            for pool in &pools {
                scope.spawn(|| {
                    while let Some((work, outcome)) = take(&next, pending, &outcomes) {
                        if self.cancel.is_cancelled() {
                            return;
                        }
                        let candidate = &candidates[work.candidate];
                        bar.set_message(candidate.shown_name());
                        let _memory = self.memory.enter(work.bytes);
                        let write = || pool.install(|| self.write(candidate, work));
                        // A defect that one trace brings up does not end the export of the others.
                        let written = catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(|_| Err(anyhow!(INTERNAL)));
                        let failed = |error: anyhow::Error| Outcome::Failed(format!("{error:#}"));
                        *outcome.lock() = Some(written.unwrap_or_else(failed));
                        bar.inc(1);
                    }
                });
            }
        });
        bar.finish_and_clear();
        Ok(outcomes.into_iter().map(Mutex::into_inner).collect())
    }

    fn write(&self, candidate: &Candidate, work: &Pending) -> anyhow::Result<Outcome> {
        let opened = candidate.open(&self.cancel).map_err(|error| anyhow!(with_advice(&error)))?;
        let options = LoadOptions { memory_limit_bytes: self.memory.limit, ..LoadOptions::default() };
        let trace = load(opened.file, options, &Progress::default(), &self.cancel)?;
        let mut messages: Vec<u8> = opened.notes.iter().flat_map(|note| format!("{note}\n").into_bytes()).collect();
        let bytes = self.write_trace(candidate, &trace, work, &mut messages)?;
        Ok(Outcome::Written(bytes, String::from_utf8_lossy(&messages).into_owned()))
    }

    /// Writes the tables of a loaded trace. Warnings about names go to `messages`.
    fn write_trace(
        &self,
        candidate: &Candidate,
        trace: &Arc<Trace>,
        work: &Pending,
        messages: &mut Vec<u8>,
    ) -> anyhow::Result<u64> {
        let mut out = Vec::new();
        let mut io = Io {
            environment: self.environment.clone(),
            cancel: self.cancel.clone(),
            ..Io::captured(&mut out, messages)
        };
        let args = TraceArgs {
            trace: candidate.path.iter().flat_map(|path| parts_of(path)).collect(),
            ..self.args.trace.clone()
        };
        let names = self.args.names_of_dataset(trace, &KEYS, &args, &mut io)?;
        drop(io);
        let rows = TraceRows {
            key: &work.key,
            name: &candidate.shown_name(),
            names: &names,
            leaks: None,
            cancel: &self.cancel,
        };
        let write = |rows: &TraceRows<'_>| -> anyhow::Result<u64> {
            let mut files = self.dataset.begin(&work.key, host_of(trace))?;
            for table in &work.tables {
                files.write(*table, |file| rows.write(*table, file))?;
            }
            Ok(files.commit()?)
        };
        with_suspects(work.tables.contains(&Table::Suspects), &rows, write)
    }
}

/// The next pending work, and the place for its outcome.
fn take<'p>(
    next: &AtomicUsize,
    pending: &'p [Pending],
    outcomes: &'p [Mutex<Option<Outcome>>],
) -> Option<(&'p Pending, &'p Mutex<Option<Outcome>>)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    pending.get(at).zip(outcomes.get(at))
}

fn thread_pool(threads: usize) -> anyhow::Result<rayon::ThreadPool> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build();
    pool.with_context(|| format!("cannot start {threads} worker threads"))
}

fn with_advice(error: &TraceOpenError) -> String {
    error.advice().map_or_else(|| error.to_string(), |advice| format!("{error}. {advice}"))
}

fn progress_bar(traces: usize, is_shown: bool) -> ProgressBar {
    let bar = if is_shown {
        ProgressBar::with_draw_target(Some(traces as u64), ProgressDrawTarget::stderr())
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("traces {bar:30} {pos}/{len} {eta} {wide_msg}") {
        bar.set_style(style);
    }
    bar
}

/// Bounds the traces that are in memory at a time by the size of their files, which is more than they take.
struct MemoryGate {
    limit: Option<u64>,
    used: Mutex<u64>,
    freed: Condvar,
}

impl MemoryGate {
    fn new(limit: Option<u64>) -> Self {
        Self { limit, used: Mutex::new(0), freed: Condvar::new() }
    }

    /// Waits until there is room for a trace, or nothing else is in memory.
    fn enter(&self, bytes: u64) -> MemoryShare<'_> {
        let limit = self.limit.unwrap_or(u64::MAX);
        let mut used = self.used.lock();
        while *used > 0 && used.saturating_add(bytes) > limit {
            self.freed.wait(&mut used);
        }
        *used = used.saturating_add(bytes);
        MemoryShare { gate: self, bytes }
    }
}

/// Memory of one trace, given back when dropped.
struct MemoryShare<'g> {
    gate: &'g MemoryGate,
    bytes: u64,
}

impl Drop for MemoryShare<'_> {
    fn drop(&mut self) {
        let mut used = self.gate.used.lock();
        *used = used.saturating_sub(self.bytes);
        self.gate.freed.notify_all();
    }
}

/// Reports warnings in the order of the traces, then a summary.
///
/// # Errors
/// Traces failed: each with its reason. The others are in the dataset.
fn report(candidates: &[Candidate], outcomes: &[Outcome], to: &str, io: &mut Io<'_>) -> anyhow::Result<u8> {
    let (mut written, mut bytes, mut done) = (0, 0, 0);
    let mut failures = Vec::new();
    for (candidate, outcome) in candidates.iter().zip(outcomes) {
        let name = candidate.name();
        match outcome {
            Outcome::Written(size, messages) => {
                (written, bytes) = (written + 1, bytes + size);
                for line in messages.lines() {
                    writeln!(io.err, "poolscope: {name}: {}", line.trim_start_matches("poolscope: "))?;
                }
            }
            Outcome::Done => done += 1,
            Outcome::Duplicate(first) => {
                let first = candidates.get(*first).map_or_else(String::new, Candidate::name);
                writeln!(io.err, "poolscope: {name}: skipped, the same trace as {first}")?;
            }
            Outcome::NoTrace => writeln!(io.err, "poolscope: {name}: skipped, it holds no trace")?,
            Outcome::Failed(reason) => failures.push(format!("  {name}: {reason}")),
        }
    }
    let written = format::counted(written, "trace", "traces");
    let before = if done > 0 { format!(", {} done before", format::count(done)) } else { String::new() };
    writeln!(io.err, "poolscope: {to}: {written} written ({}){before}", format::bytes(bytes))?;
    if failures.is_empty() {
        return Ok(0);
    }
    let failed = format::counted(failures.len() as u64, "trace", "traces");
    anyhow::bail!("{failed} of {} failed:\n{}", format::count(candidates.len() as u64), failures.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_meant_by_its_end() {
        assert!(is_meant(Path::new("no-such-folder/")) && !is_meant(Path::new("no-such-folder")));
        assert!(is_meant(Path::new("a/x.Parquet")) && !is_meant(Path::new("x.parquet.csv")));
        assert!(!is_meant(&std::env::temp_dir().join(".")), "a folder that is no dataset");
    }

    #[test]
    fn tables_are_named_in_a_list() {
        assert_eq!(parse_tables("suspects, tags"), Ok(Tables(vec![Table::Suspects, Table::Tags])));
        assert!(parse_tables("suspects,tag").is_err() && parse_tables("").is_err());
    }

    #[test]
    fn traces_wait_for_memory_and_one_always_runs() {
        let gate = MemoryGate::new(Some(10));
        let large = gate.enter(50);
        let entered = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let _share = gate.enter(6);
                    assert_eq!(entered.fetch_add(1, Ordering::SeqCst), 0, "two of them are too many");
                    std::thread::yield_now();
                    entered.fetch_sub(1, Ordering::SeqCst);
                });
            }
            drop(large);
        });
        assert_eq!(*gate.used.lock(), 0);
    }
}
