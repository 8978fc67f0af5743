//! Reads the files of a case, each once. A file that cannot be used does not stop the others.

use super::agreement;
use super::evidence::{CounterEvidence, Evidence, EvidenceKind, ListingFile, Piece, SnapshotEvidence};
use super::files::{SortedFile, read_counter_log, read_listing};
use crate::trace_location::{parts_by_name, shown_name};
use crate::trace_parts::recordings;
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::group::symbols::SymbolTable;
use poolscope_analysis::trace::Trace;
use poolscope_base::progress::{CancelToken, Cancelled};
use poolscope_recording::counters::analyze as analyze_counters;
use poolscope_recording::poolmon::series::SeriesOptions;
use poolscope_recording::poolmon::{SnapshotInput, SnapshotSeries};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A trace that was read.
pub struct ReadTrace {
    /// The trace.
    pub trace: Arc<Trace>,
    /// Names of its functions, if they were looked up.
    pub symbols: Option<SymbolTable>,
    /// Remarks on how it was opened.
    pub notes: Vec<String>,
}

/// Reads the traces of a case: with a progress bar, or with the loader of the window.
pub trait TraceReader {
    /// Reads a trace.
    ///
    /// # Errors
    /// It cannot be read, or the work was canceled.
    fn read(&mut self, path: &Path) -> anyhow::Result<ReadTrace>;
}

/// A file that is not used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnusedFile {
    /// Location of the file.
    pub path: PathBuf,
    /// The reason.
    pub reason: String,
}

/// All evidence of a case, and what it supports together.
#[derive(Debug, Default)]
pub struct Case {
    /// Evidence: counters, snapshots, debugger logs, then traces, each in the order given.
    pub pieces: Vec<Piece>,
    /// Files that are not used, with the reason.
    pub unused: Vec<UnusedFile>,
    /// Sentences about all evidence together, the most important first.
    pub conclusions: Vec<String>,
}

impl Case {
    /// A case of these pieces.
    #[must_use]
    pub fn new(mut pieces: Vec<Piece>, unused: Vec<UnusedFile>) -> Self {
        pieces.sort_by_key(|piece| piece.evidence.kind);
        let evidence: Vec<Evidence> = pieces.iter().map(|piece| piece.evidence.clone()).collect();
        Self { pieces, unused, conclusions: agreement::conclusions(&evidence) }
    }

    /// Milliseconds from local time of the machine to UTC, if any evidence knows them.
    #[must_use]
    pub fn bias_ms(&self) -> Option<i64> {
        self.pieces.iter().find_map(|piece| piece.evidence.bias_ms)
    }
}

/// Reads all files. `on_file` is called with the place of each before it is read.
///
/// # Errors
/// [`Cancelled`] if the work was canceled.
pub fn collect(
    files: Vec<SortedFile>,
    traces: &mut dyn TraceReader,
    on_file: &mut dyn FnMut(usize, &Path),
    cancel: &CancelToken,
) -> Result<Case, Cancelled> {
    let (mut pieces, mut unused): (Vec<Piece>, Vec<UnusedFile>) = Default::default();
    let mut listings: Vec<ListingFile> = Vec::new();
    for (at, SortedFile { path, kinds }) in with_joined_traces(files).into_iter().enumerate() {
        on_file(at, &path);
        let kinds = kinds.unwrap_or_else(|reason| {
            unused.push(UnusedFile { path: path.clone(), reason });
            Vec::new()
        });
        for kind in kinds {
            let read = match kind {
                EvidenceKind::Counters => counters(&path).map(|piece| pieces.push(piece)),
                EvidenceKind::DebuggerLog | EvidenceKind::Trace => {
                    trace(&path, traces, cancel).map(|piece| pieces.push(piece))
                }
                EvidenceKind::Snapshots => read_listing(&path).map(|listing| listings.push(listing)),
            };
            cancel.check()?;
            if let Err(error) = read {
                unused.push(UnusedFile { path: path.clone(), reason: format!("{error:#}") });
            }
        }
        cancel.check()?;
    }
    pieces.extend(snapshots(listings));
    Ok(Case::new(pieces, unused))
}

/// The files, of which those of one recording are one location in the place of the first.
fn with_joined_traces(files: Vec<SortedFile>) -> Vec<SortedFile> {
    let is_trace = |file: &SortedFile| matches!(file.kinds.as_deref(), Ok([EvidenceKind::Trace]));
    let traces: Vec<PathBuf> = files.iter().filter(|file| is_trace(file)).map(|file| file.path.clone()).collect();
    let mut locations: Vec<PathBuf> = recordings(&traces, false).locations;
    let mut joined = Vec::with_capacity(files.len());
    for file in files {
        let absolute = std::path::absolute(&file.path).unwrap_or_else(|_| file.path.clone());
        let holds =
            |location: &PathBuf| *location == file.path || parts_by_name(location).contains(&absolute.as_path());
        match locations.iter().position(holds) {
            Some(at) if is_trace(&file) => joined.push(SortedFile { path: locations.remove(at), ..file }),
            None if is_trace(&file) => {}
            _ => joined.push(file),
        }
    }
    joined
}

fn counters(path: &Path) -> anyhow::Result<Piece> {
    let log = read_counter_log(path)?;
    let analysis = analyze_counters(&log);
    Ok(Piece::of_counters(CounterEvidence { path: path.to_owned(), log, analysis }))
}

/// All listings as one series.
fn snapshots(files: Vec<ListingFile>) -> Option<Piece> {
    let input = |listing: &ListingFile| {
        SnapshotInput::new(shown_name(&listing.path), listing.modified_ms, listing.file.clone())
    };
    let series = SnapshotSeries::new(files.iter().map(input).collect(), &SeriesOptions::default())?;
    Some(Piece::of_snapshots(SnapshotEvidence { files, series }))
}

fn trace(path: &Path, traces: &mut dyn TraceReader, cancel: &CancelToken) -> anyhow::Result<Piece> {
    let ReadTrace { trace, symbols, notes } = traces.read(path)?;
    let values = ColumnValues::new(Arc::clone(&trace), FrameNaming::Symbol);
    let values = match symbols {
        Some(table) => values.with_symbols(Arc::new(table)),
        None => values,
    };
    Ok(Piece::of_trace(path, &trace, &values, notes, &|| cancel.is_cancelled())?)
}
