//! Loading: from a trace file to a frozen [`Trace`], in phases.
//!
//! 1. Decode: workers decode buffers in the order of their first times (`read_order`, `decode`, `buffer_events`, `buffer_span`), or
//!    batches of records of another reader (`record_source`), into runs of packed events (`event`, `interner`) and counts (`totals`).
//! 2. Merge (`pipeline`): what is complete is merged by time in slices (`merge`), and each address owner pairs the events of its
//!    addresses at once (`pair`, `columns`). Before that, stack keys get their definitions (`stack_merge`,
//!    `stack_keys`, `stack_part`, `frame_lists`).
//! 3. Assemble (`assemble`): image, process and configuration records become tables (`system_events`, `images`), stack records
//!    from elsewhere find their events (`late_stacks`), attributes and stacks get their final handles (`attributes`, `stack_join`,
//!    `stack_tree`, `losses`), and the rows theirs (`freeze`, `event_sides`). Facts of the header are checked against the records (`session`,
//!    `recorded_range`, `consistency`).
//!
//! Several files of one recording are joined before (`poolscope_etl::file::join`) and are one sequence of buffers here; `parts` says
//! which facts and issues are of which file.
//!
//! The result does not depend on the number of threads: provisional numbers of workers are ranked by the order of the file.

mod assemble;
mod attributes;
mod buffer_events;
mod buffer_span;
mod columns;
mod consistency;
mod decode;
mod event;
mod event_sides;
mod frame_lists;
mod free_rows;
mod freeze;
mod images;
mod interner;
mod late_stacks;
mod losses;
mod memory_limit;
mod merge;
pub mod named_events;
mod pair;
mod parts;
mod pipeline;
mod read_order;
mod record_source;
mod recorded_range;
mod session;
mod stack_join;
mod stack_keys;
mod stack_merge;
mod stack_part;
mod stack_tree;
mod system_events;
mod tick_keys;
mod totals;

use crate::trace::Trace;
use poolscope_base::progress::{CancelToken, Cancelled, Progress, Stage};
use poolscope_etl::file::{OpenError, Separation, TraceFile};
use poolscope_etl::reader::RecordSource;
use session::SessionInfo;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// Call stacks that a load attaches to allocations and frees.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum StackScope {
    /// None: stack records are only counted, which is faster.
    None,
    /// Those of pool events. Stacks of other events are counted and not stored.
    #[default]
    Pool,
}

/// Options of a load.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LoadOptions {
    /// Stacks to attach.
    pub stacks: StackScope,
    /// Keep the order of the frees, for curves of the window and peaks, which sort the frees anew without it: four bytes per free. The
    /// first of the indices that a memory limit costs.
    pub free_order: bool,
    /// Upper bound on the bytes of memory for the trace; `None` for no bound. A load that would exceed it leaves out the indices, then
    /// the stacks of frees, then addresses, and fails if that is not enough.
    pub memory_limit_bytes: Option<u64>,
}

/// Failure of a load.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read or is not a trace.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Stopped by its token.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The trace has more events than the index can number.
    #[error("the trace has {events} pool events; the index holds at most {limit}: cut the trace to a shorter time")]
    TooLarge {
        /// Number of pool events in the trace.
        events: u64,
        /// Upper bound on their number.
        limit: u64,
    },
    /// The trace needs more memory than it may use.
    #[error(
        "the trace needs about {} MB of memory, and {} MB may be used: close other programs, raise the limit, or cut the trace to a shorter time",
        needed_bytes.div_ceil(1 << 20),
        limit_bytes >> 20
    )]
    MemoryLimit {
        /// Estimated bytes that the load needs.
        needed_bytes: u64,
        /// [`LoadOptions::memory_limit_bytes`].
        limit_bytes: u64,
    },
    /// Files that were joined to one trace have pool events of the same time.
    #[error(transparent)]
    Separate(#[from] Separation),
    /// A worker panicked: a defect of this program.
    #[error("internal error while loading the trace: {message}. Please report it with the trace")]
    Internal {
        /// Message of the panic.
        message: String,
    },
}

impl LoadError {
    /// Error of a caught panic.
    fn from_panic(panic: &(dyn Any + Send)) -> Self {
        let message = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "no message".to_owned());
        Self::Internal { message }
    }
}

/// Loads a trace file on the current rayon pool.
///
/// # Errors
/// See [`LoadError`]. Damage within the trace is never an error: it is in the trace's diagnostics.
pub fn load_file(
    path: &Path,
    options: LoadOptions,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<Arc<Trace>, LoadError> {
    load(TraceFile::open(path)?, options, progress, cancel)
}

/// Loads an opened trace on the current rayon pool.
///
/// # Errors
/// See [`LoadError`].
pub fn load(
    file: TraceFile,
    options: LoadOptions,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<Arc<Trace>, LoadError> {
    catch_panic(|| {
        progress.set_total(file.file_bytes());
        progress.enter(Stage::Records);
        let merged = pipeline::load_buffers(&file, options, progress, cancel)?;
        let info = SessionInfo::of(&file);
        parts::check_pool_events(&info, &merged.totals.spans)?;
        drop(file);
        finish(&info, merged, (options, progress, cancel))
    })
}

/// Loads the records of another reader, on the current rayon pool and a thread for that reader. A cancel takes effect at once;
/// a reader that cannot be stopped runs on, and its records are dropped.
///
/// The result is that of [`load`], except for what buffers show, which other readers do not hand out: see
/// [`DiagnosticKind::ReadByWindows`](poolscope_etl::diagnostics::DiagnosticKind::ReadByWindows).
///
/// # Errors
/// See [`LoadError`].
pub fn load_records(
    source: Arc<dyn RecordSource>,
    options: LoadOptions,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<Arc<Trace>, LoadError> {
    catch_panic(|| {
        let (info, merged) = record_source::read(&source, options, progress, cancel)?;
        finish(&info, merged, (options, progress, cancel))
    })
}

/// Runs `work` and turns a panic into an error.
fn catch_panic(work: impl FnOnce() -> Result<Arc<Trace>, LoadError>) -> Result<Arc<Trace>, LoadError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(LoadError::from_panic(&*panic)))
}

/// Runs the phases after merging, which are the same for all readers.
fn finish(
    info: &SessionInfo,
    merged: assemble::MergedTrace,
    (options, progress, cancel): (LoadOptions, &Progress, &CancelToken),
) -> Result<Arc<Trace>, LoadError> {
    let trace = assemble::assemble(info, merged, options, progress, cancel)?;
    cancel.check()?;
    progress.enter(Stage::Done);
    Ok(Arc::new(trace))
}
