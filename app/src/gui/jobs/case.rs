//! Cases in the background: which of the files are a case, the evidence in them, each read once, and its curves on their time axes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use poolscope_analysis::group::symbols::module_needs;
use poolscope_base::progress::{CancelToken, Progress, Stage};

use super::load::{Failure, Loaded, Loader, Source, TracesInside};
use super::symbols::SymbolService;
use super::watch::Stamp;
use crate::case::files::{ListError, SortedFile, list, read_listing};
use crate::case::{Case, EvidenceKind, ReadTrace, TraceReader, collect};
use crate::file_identity::identity;
use crate::format;
use crate::gui::model::case_timeline::Timeline;
use crate::symbols::{ResolvedSymbols, SymbolOptions};
use crate::trace_location::{TraceLocation, shown_name};
use crate::trace_opening::{self, LoadedTrace, is_named_like_a_trace};

/// Files and folders that are opened together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseSource {
    /// The files and folders as given.
    pub paths: Vec<PathBuf>,
    /// They are a case even if all of them are traces.
    pub is_wanted: bool,
}

impl CaseSource {
    /// The name to show: `case 4711`, `perf.csv and 2 more`.
    #[must_use]
    pub fn name(&self) -> String {
        let first = self.paths.first().map(|path| shown_name(path)).unwrap_or_default();
        match self.paths.len() {
            0 | 1 => first,
            count => format!("{first} and {} more", format::count(count as u64 - 1)),
        }
    }
}

/// File that is being read, as progress shows it: `perf.csv (2 of 12)`.
#[derive(Debug, Default)]
pub struct CurrentFile(Mutex<Option<String>>);

impl CurrentFile {
    fn set(&self, text: String) {
        *self.0.lock() = Some(text);
    }

    /// The text; `None` for a load of one trace.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.0.lock().clone()
    }
}

/// A case that was read.
#[derive(Debug)]
pub struct OpenCase {
    /// The evidence, and what it supports.
    pub case: Case,
    /// Its curves.
    pub timeline: Timeline,
    /// Length of all files in bytes.
    pub bytes: u64,
    /// State of the file of each trace just before it was read, by location.
    pub stamps: Vec<(PathBuf, Option<Stamp>)>,
}

/// Services and state of a load.
pub(super) struct Context<'a> {
    pub loader: &'a dyn Loader,
    pub symbols: &'a dyn SymbolService,
    pub progress: &'a Progress,
    pub file: &'a CurrentFile,
    pub cancel: &'a CancelToken,
}

/// The content of a file or folder that may be something else than one trace; `None` if it is to be loaded as a trace.
pub(super) fn open_one(path: &Path, context: &Context<'_>) -> Option<Result<Option<Loaded>, Failure>> {
    let is_named_like = || path.file_name().and_then(|name| name.to_str()).is_some_and(is_named_like_a_trace);
    if path.is_dir() {
        return Some(open_several(&CaseSource { paths: vec![path.to_owned()], is_wanted: false }, context));
    }
    let sorted = (!is_named_like()).then(|| SortedFile::new(path.to_owned())).filter(SortedFile::is_other_evidence)?;
    Some(open_sorted(vec![sorted], false, context))
}

/// The content of files and folders. Traces alone have a tab each, and listings alone the page about them, unless they are wanted as a
/// case or listings are in a folder.
pub(super) fn open_several(source: &CaseSource, context: &Context<'_>) -> Result<Option<Loaded>, Failure> {
    let files = match list(&source.paths) {
        Ok(files) => files,
        Err(ListError::TooMany { folder }) if !source.is_wanted && source.paths.len() == 1 => {
            return Ok(Some(Loaded::Traces(TracesInside::of(
                &trace_opening::traces_in_folder(&folder).unwrap_or_default(),
                false,
            ))));
        }
        Err(error) => return Err(list_failure(&error)),
    };
    let is_given = |path: &PathBuf| source.paths.contains(path);
    let given: Vec<bool> = files.iter().map(is_given).collect();
    let sorted: Vec<SortedFile> = files.iter().map(|path| SortedFile::new(identity(path))).collect();
    let has_evidence = sorted.iter().any(SortedFile::is_other_evidence);
    if !source.is_wanted && !has_evidence {
        // A file that was named has a message of its own; of a folder only what is named like a trace.
        let are_chosen = !given.is_empty() && !given.contains(&false);
        let traces = sorted.into_iter().zip(given).filter(|(file, is_given)| *is_given || file.is_named_like_a_trace());
        let files: Vec<PathBuf> = traces.map(|(file, _)| file.path).collect();
        return Ok(Some(Loaded::Traces(TracesInside::of(&files, are_chosen))));
    }
    let is_case = source.is_wanted || given.contains(&false);
    open_sorted(sorted, is_case, context)
}

fn open_sorted(files: Vec<SortedFile>, is_case: bool, context: &Context<'_>) -> Result<Option<Loaded>, Failure> {
    let are_listings = files.iter().all(|file| matches!(file.kinds.as_deref(), Ok([EvidenceKind::Snapshots])));
    if !is_case && are_listings {
        let read = |file: &SortedFile| read_listing(&file.path).map_err(|error| format!("{error:#}"));
        return Ok(Some(Loaded::Listings(files.iter().map(read).collect())));
    }
    catch_unwind(AssertUnwindSafe(|| read_case(files, context))).unwrap_or_else(|_| Err(internal_error()))
}

fn read_case(files: Vec<SortedFile>, context: &Context<'_>) -> Result<Option<Loaded>, Failure> {
    let count = files.len();
    let bytes = files.iter().filter_map(|file| std::fs::metadata(&file.path).ok()).map(|data| data.len()).sum();
    let mut traces = WindowTraces { context, stamps: Vec::new() };
    let mut on_file = |at: usize, path: &Path| {
        context.progress.begin(Stage::Buffers, 0);
        context.file.set(format!("{} ({} of {count})", shown_name(path), at + 1));
    };
    let Ok(case) = collect(files, &mut traces, &mut on_file, context.cancel) else { return Ok(None) };
    if case.pieces.is_empty() {
        return Err(nothing_usable(&case));
    }
    let Ok(timeline) = Timeline::new(&case.pieces, &|| context.cancel.is_cancelled()) else { return Ok(None) };
    Ok(Some(Loaded::Case(Box::new(OpenCase { case, timeline, bytes, stamps: traces.stamps }))))
}

/// Reads traces with the loader of the window and names their functions by what is at hand.
struct WindowTraces<'a, 'c> {
    context: &'a Context<'c>,
    stamps: Vec<(PathBuf, Option<Stamp>)>,
}

impl TraceReader for WindowTraces<'_, '_> {
    fn read(&mut self, path: &Path) -> anyhow::Result<ReadTrace> {
        let Context { loader, symbols, progress, cancel, .. } = self.context;
        self.stamps.push((path.to_owned(), Stamp::of(&TraceLocation::of(path).file)));
        let loaded = loader.load(&Source::File(path.to_owned()), progress, cancel);
        let LoadedTrace { trace, notes } = match loaded {
            Ok(loaded) => loaded.ok_or_else(|| anyhow::anyhow!("canceled"))?,
            Err(failure) => anyhow::bail!("{}", failure.what),
        };
        let choice = SymbolOptions { offline: true, ..SymbolOptions::default() };
        let resolver = symbols.resolver_beside(&choice, Some(path));
        let resolved = ResolvedSymbols::resolve(&resolver, module_needs(&trace), &|_, _| {}, cancel);
        let table = resolved.table(&trace);
        Ok(ReadTrace { trace, symbols: Some(table), notes })
    }
}

fn list_failure(error: &ListError) -> Failure {
    let next = match error {
        ListError::Folder { .. } => {
            "Check that the folder exists and that you have permission to read it, then try again."
        }
        ListError::TooMany { .. } => "Open the files of the case alone, or move them to a folder of their own.",
    };
    Failure { what: error.to_string(), next: next.to_owned(), windows_may_read: false, recordings: Vec::new() }
}

/// No file of a case can be used.
fn nothing_usable(case: &Case) -> Failure {
    let what = match case.unused.as_slice() {
        [] => "There are no files in it.".to_owned(),
        [only] => format!("{} is not used: {}.", shown_name(&only.path), only.reason),
        [first, rest @ ..] => {
            let more = format::counted(rest.len() as u64, "other file", "other files");
            format!("No file can be used: {}: {}; and {more}.", shown_name(&first.path), first.reason)
        }
    };
    let next = "Choose a folder with traces (.etl), output of poolmon or performance logs as text.".to_owned();
    Failure { what, next, windows_may_read: false, recordings: Vec::new() }
}

fn internal_error() -> Failure {
    Failure {
        what: "Internal error while the case was read.".to_owned(),
        next: "Try again. If it happens again, please report it.".to_owned(),
        windows_may_read: false,
        recordings: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_files_are_named_by_the_first() {
        let name =
            |paths: &[&str]| CaseSource { paths: paths.iter().map(PathBuf::from).collect(), is_wanted: true }.name();
        assert_eq!(name(&["/x/case 4711/"]), "case 4711");
        assert_eq!(name(&["/x/perf.csv", "/y/a.etl", "/y/b.txt"]), "perf.csv and 2 more");
    }
}
