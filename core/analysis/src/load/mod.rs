//! Loading: from a trace file to a frozen [`Trace`], in phases.
//!
//! 1. Decode: workers decode ranges of buffers into shards (`decode`, `shard`, `buffer_span`), or batches of records of another
//!    reader (`record_source`).
//! 2. System: image, process and configuration records of all shards become tables (`system_events`, `images`); `session` holds
//!    facts from the log-file header and the file as a whole.
//! 3. Match stacks: stack records are matched with their pool events (`match_stacks`), and keys with their definitions
//!    (`resolve_stacks`, `losses`); attributes of events get the numbers of the whole trace (`attributes`).
//! 4. Pair: allocations and frees of each address are paired in time order (`pair`).
//! 5. Freeze: the columns of the shards become those of the trace (`freeze`), which is then checked (`recorded_range`,
//!    `consistency`).
//!
//! The result does not depend on the number of threads: parts are cut by the file alone, and joined in the order of the file.

mod attributes;
mod buffer_span;
mod consistency;
mod decode;
mod freeze;
mod images;
mod losses;
mod match_stacks;
mod pair;
mod record_source;
mod recorded_range;
mod resolve_stacks;
mod session;
mod shard;
mod system_events;

use crate::trace::Trace;
use poolscope_base::progress::{CancelToken, Cancelled, Progress, Stage};
use poolscope_etl::file::{BufferRef, OpenError, TraceFile};
use poolscope_etl::reader::RecordSource;
use rayon::prelude::*;
use resolve_stacks::FrameLists;
use session::SessionInfo;
use shard::Shard;
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
        let frame_lists = FrameLists::default();
        let shards = decode_file(&file, &frame_lists, options, progress, cancel)?;
        finish(&SessionInfo::of(&file), shards, frame_lists, (options, progress, cancel))
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
        let frame_lists = FrameLists::default();
        let read = record_source::read(&source, &frame_lists, options, progress, cancel)?;
        finish(&read.info, read.shards, frame_lists, (options, progress, cancel))
    })
}

/// Runs `work` and turns a panic into an error.
fn catch_panic(work: impl FnOnce() -> Result<Arc<Trace>, LoadError>) -> Result<Arc<Trace>, LoadError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(LoadError::from_panic(&*panic)))
}

/// Runs all phases after decoding, which are the same for all readers.
fn finish(
    info: &SessionInfo,
    mut shards: Vec<Shard>,
    frame_lists: FrameLists,
    (options, progress, cancel): (LoadOptions, &Progress, &CancelToken),
) -> Result<Arc<Trace>, LoadError> {
    let events: u64 = shards.iter().map(|s| (s.allocs.len() + s.frees.len()) as u64).sum();
    let limit = u64::from(u32::MAX >> 1);
    if events > limit {
        return Err(LoadError::TooLarge { events, limit });
    }
    progress.enter(Stage::Stacks);
    let system = system_events::collect_system_info(info, &mut shards);
    let resolved = resolve_stacks::resolve_stacks(info, &mut shards, frame_lists, &system, options, cancel)?;
    let attributes = attributes::join_attributes(&mut shards, &system.processes, cancel)?;
    progress.enter(Stage::Pairing);
    let paired = pair::pair(&mut shards, &attributes, cancel)?;
    progress.enter(Stage::Index);
    let trace = freeze::freeze(info, shards, system, resolved, attributes, paired, (options, cancel))?;
    cancel.check()?;
    progress.enter(Stage::Done);
    Ok(Arc::new(trace))
}

/// Decodes all buffers of a file in parallel.
fn decode_file(
    file: &TraceFile,
    frame_lists: &FrameLists,
    options: LoadOptions,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<Vec<Shard>, LoadError> {
    // Columns of a large shard are large enough that freeing them gives their memory back to the system.
    let target = (file.file_bytes() / 128).clamp(512 << 10, 64 << 20);
    let ranges = ranges(&file.layout.buffers, target);
    ranges
        .into_par_iter()
        .with_max_len(1)
        .map_init(decode::DecodeWorker::default, |worker, range| {
            worker.decode(file, frame_lists, range, options, progress, cancel)
        })
        .collect()
}

/// Cuts buffers into ranges of about `target` bytes each. The cuts depend on the file alone.
fn ranges(buffers: &[BufferRef], target: u64) -> Vec<&[BufferRef]> {
    let mut ranges = Vec::new();
    let mut start = 0;
    let mut bytes = 0;
    for (position, buffer) in buffers.iter().enumerate() {
        bytes += u64::from(buffer.present_bytes);
        if bytes >= target {
            ranges.push(&buffers[start..=position]);
            start = position + 1;
            bytes = 0;
        }
    }
    if start < buffers.len() {
        ranges.push(&buffers[start..]);
    }
    ranges
}
