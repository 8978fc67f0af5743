//! From a trace file to a frozen [`Trace`]: rayon workers decode ranges of buffers into shards, the shards are joined,
//! stacks attached, allocations and frees paired. The result must never depend on the number of threads: everything
//! that is cut into parts is cut by the file, and everything that is joined is joined in the order of the file.

mod assemble;
mod contexts;
mod decode;
mod images;
mod loose;
mod pair;
mod partition;
mod rare;
mod raw_stacks;
mod recent;
mod shard;
mod stacks;
mod system;
mod verdicts;

use super::Trace;
use crate::etl::error::OpenError;
use crate::etl::layout::BufferRef;
use crate::etl::walk::TraceFile;
use crate::job::{CancelToken, Cancelled, Progress, Stage};
use rayon::prelude::*;
use shard::Shard;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// Which stacks a load attaches. Less is faster.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum StackScope {
    /// None: stack records are only counted.
    None,
    /// Those of pool events.
    Pool,
    /// Those of pool events, and those of all other events are checked and counted.
    #[default]
    All,
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

/// Loads a trace file on the current rayon pool.
///
/// # Errors
/// See [`LoadError`]. Damage within the trace is never an error: it is in the trace's anomalies.
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
    let work = AssertUnwindSafe(|| run(file, options, progress, cancel));
    catch_unwind(work).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "no message".to_owned());
        Err(LoadError::Internal { message })
    })
}

fn run(
    file: TraceFile,
    options: LoadOptions,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<Arc<Trace>, LoadError> {
    progress.set_total(file.data().len() as u64);
    progress.enter(Stage::Records);
    let raws = raw_stacks::RawStacks::default();
    let mut shards = decode_all(&file, &raws, options, progress, cancel)?;
    let events: u64 = shards.iter().map(|s| (s.allocs.len() + s.frees.len()) as u64).sum();
    let limit = u64::from(u32::MAX >> 1);
    if events > limit {
        return Err(LoadError::TooLarge { events, limit });
    }
    progress.enter(Stage::Stacks);
    let facts = system::collect(&file, &mut shards);
    let joined = stacks::join(&file, &mut shards, raws, &facts, options, cancel)?;
    let contexts = contexts::join(&mut shards, &facts.processes, cancel)?;
    progress.enter(Stage::Pairing);
    let paired = pair::pair(&mut shards, &contexts, cancel)?;
    progress.enter(Stage::Index);
    let trace = assemble::assemble(&file, shards, facts, joined, contexts, paired, options);
    cancel.check()?;
    progress.enter(Stage::Done);
    Ok(Arc::new(trace))
}

/// Cuts the buffers into ranges and decodes them side by side.
fn decode_all(
    file: &TraceFile,
    raws: &raw_stacks::RawStacks,
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
