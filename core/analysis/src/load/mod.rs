//! From a trace file to a frozen [`Trace`]: rayon workers decode ranges of buffers into shards, the shards are joined,
//! stacks attached, allocations and frees paired. The result must never depend on the number of threads: everything
//! that is cut into parts is cut by the file, and everything that is joined is joined in the order of the file.

mod assemble;
mod batch;
mod clock;
mod contexts;
mod decode;
mod images;
mod loose;
mod losses;
mod origin;
mod other;
mod pair;
mod partition;
mod rare;
mod raw_stacks;
mod recent;
mod recorded;
mod shard;
mod span;
mod stacks;
mod system;
mod verdicts;

use crate::trace::Trace;
use origin::Origin;
use poolscope_base::progress::{CancelToken, Cancelled, Progress, Stage};
use poolscope_etl::file::{BufferRef, OpenError, TraceFile};
use poolscope_etl::reader::RecordSource;
use raw_stacks::RawStacks;
use rayon::prelude::*;
use shard::Shard;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// Which call stacks a load attaches to allocations and frees.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum StackScope {
    /// None: stack records are only counted, which is faster.
    None,
    /// Those of pool events. Stacks of other events are counted and not stored.
    #[default]
    Pool,
}

/// What to load.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LoadOptions {
    /// Which stacks to attach.
    pub stacks: StackScope,
}

/// Why there is no trace.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read or is no trace.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Stopped by its token.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The trace has more events than the index has numbers for.
    #[error("the trace has {events} pool events; the index holds at most {limit}: cut the trace to a shorter time")]
    TooLarge {
        /// Events in the trace.
        events: u64,
        /// Most that can be held.
        limit: u64,
    },
    /// A worker panicked: a mistake in this program, not in the trace.
    #[error("poolscope made a mistake while reading the trace ({message}); please report it with the trace")]
    Internal {
        /// What the panic said.
        message: String,
    },
}

impl LoadError {
    /// What a panic said.
    fn panicked(panic: &(dyn Any + Send)) -> Self {
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
    catch_panic(|| run(&file, options, progress, cancel))
}

/// Loads what another reader hands out, on the current rayon pool and a thread for that reader. A cancel takes effect at
/// once; a reader that cannot be stopped goes on alone, and nobody listens.
///
/// The result is that of [`load`], but for what only this crate's own reader sees: see [`poolscope_etl::diagnostics::DiagnosticKind::ReadByWindows`].
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
        let raws = RawStacks::default();
        let read = other::read(&source, &raws, options, progress, cancel)?;
        finish(&read.origin, read.shards, raws, (options, progress, cancel))
    })
}

/// Turns a panic into an error.
fn catch_panic(work: impl FnOnce() -> Result<Arc<Trace>, LoadError>) -> Result<Arc<Trace>, LoadError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(LoadError::panicked(&*panic)))
}

fn run(
    file: &TraceFile,
    options: LoadOptions,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<Arc<Trace>, LoadError> {
    progress.set_total(file.data().len() as u64);
    progress.enter(Stage::Records);
    let raws = RawStacks::default();
    let shards = decode_all(file, &raws, options, progress, cancel)?;
    finish(&Origin::of(file), shards, raws, (options, progress, cancel))
}

/// From shards to the trace: the same for all readers.
fn finish(
    origin: &Origin,
    mut shards: Vec<Shard>,
    raws: RawStacks,
    (options, progress, cancel): (LoadOptions, &Progress, &CancelToken),
) -> Result<Arc<Trace>, LoadError> {
    let events: u64 = shards.iter().map(|s| (s.allocs.len() + s.frees.len()) as u64).sum();
    let limit = u64::from(u32::MAX >> 1);
    if events > limit {
        return Err(LoadError::TooLarge { events, limit });
    }
    progress.enter(Stage::Stacks);
    let facts = system::collect(origin, &mut shards);
    let joined = stacks::join(origin, &mut shards, raws, &facts, options, cancel)?;
    let contexts = contexts::join(&mut shards, &facts.processes, cancel)?;
    progress.enter(Stage::Pairing);
    let paired = pair::pair(&mut shards, &contexts, cancel)?;
    progress.enter(Stage::Index);
    let trace = assemble::assemble(origin, shards, facts, joined, contexts, paired, (options, cancel))?;
    cancel.check()?;
    progress.enter(Stage::Done);
    Ok(Arc::new(trace))
}

/// Cuts the buffers into ranges and decodes them side by side.
fn decode_all(
    file: &TraceFile,
    raws: &RawStacks,
    options: LoadOptions,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<Vec<Shard>, Cancelled> {
    // Columns of a large shard are large enough that freeing them gives their memory back to the system.
    let target = (file.data().len() as u64 / 128).clamp(512 << 10, 64 << 20);
    let ranges = ranges(&file.layout.buffers, target);
    ranges
        .into_par_iter()
        .with_max_len(1)
        .map_init(decode::Worker::default, |worker, range| worker.decode(file, raws, range, options, progress, cancel))
        .collect()
}

/// Runs of buffers of about `target` bytes each; a cut never depends on anything but the file.
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
