//! Progress and cancellation of long work: counters that a progress bar polls, and a token that workers check.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

/// Request to stop work, shared between the side that cancels and the workers. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

/// Error of work that was stopped by its [`CancelToken`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

impl CancelToken {
    /// Creates a token for work that is never cancelled.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Asks the work to stop at its next check.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns `true` once [`Self::cancel`] was called on any clone.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Returns an error once the work was asked to stop, so that workers can leave with `?`.
    ///
    /// # Errors
    /// [`Cancelled`] after [`Self::cancel`].
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }
}

/// Stages of a load, in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Stage {
    /// Unpacking an archive.
    Unpacking = 0,
    /// Finding the buffers.
    Buffers = 1,
    /// Reading records.
    Records = 2,
    /// Joining the workers' results and matching stacks to events.
    Stacks = 3,
    /// Pairing allocations and frees.
    Pairing = 4,
    /// Building the allocation index.
    Index = 5,
    /// Finished.
    Done = 6,
}

impl Stage {
    const ALL: [Self; 7] =
        [Self::Unpacking, Self::Buffers, Self::Records, Self::Stacks, Self::Pairing, Self::Index, Self::Done];

    /// Text for a progress bar.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unpacking => "unpacking",
            Self::Buffers => "finding buffers",
            Self::Records => "reading events",
            Self::Stacks => "matching stacks",
            Self::Pairing => "pairing allocations and frees",
            Self::Index => "building the index",
            Self::Done => "done",
        }
    }
}

/// Counters of one load, written by its workers and read by other threads.
#[derive(Debug)]
pub struct Progress {
    stage: AtomicU8,
    bytes_total: AtomicU64,
    bytes_done: AtomicU64,
    events: AtomicU64,
}

/// Values of [`Progress`] at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProgressReading {
    /// Current stage.
    pub stage: Stage,
    /// Size of the file in bytes.
    pub bytes_total: u64,
    /// Bytes of the file read so far.
    pub bytes_done: u64,
    /// Records read so far.
    pub events: u64,
}

impl Default for Progress {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        let stage = AtomicU8::new(Stage::Buffers as u8);
        Self { stage, bytes_total: zero(), bytes_done: zero(), events: zero() }
    }
}

impl Progress {
    /// Reads all counters. They are not read atomically together: bytes and records may be one step apart.
    #[must_use]
    pub fn read(&self) -> ProgressReading {
        let stage = usize::from(self.stage.load(Ordering::Relaxed));
        ProgressReading {
            stage: Stage::ALL.get(stage).copied().unwrap_or(Stage::Done),
            bytes_total: self.bytes_total.load(Ordering::Relaxed),
            bytes_done: self.bytes_done.load(Ordering::Relaxed),
            events: self.events.load(Ordering::Relaxed),
        }
    }

    /// Enters a stage.
    pub fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    /// Enters a stage in which all bytes of another input are read, `bytes` many.
    pub fn begin(&self, stage: Stage, bytes: u64) {
        self.bytes_done.store(0, Ordering::Relaxed);
        self.set_total(bytes);
        self.enter(stage);
    }

    /// Sets the size of the file in bytes.
    pub fn set_total(&self, bytes: u64) {
        self.bytes_total.store(bytes, Ordering::Relaxed);
    }

    /// Adds bytes and records that were read.
    pub fn advance(&self, bytes: u64, events: u64) {
        self.bytes_done.fetch_add(bytes, Ordering::Relaxed);
        self.events.fetch_add(events, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clone_of_a_token_sees_the_cancel() {
        let token = CancelToken::default();
        let other = token.clone();
        assert_eq!(other.check(), Ok(()));
        token.cancel();
        assert_eq!(other.check(), Err(Cancelled));
    }

    #[test]
    fn progress_reads_what_was_written() {
        let progress = Progress::default();
        progress.set_total(100);
        progress.enter(Stage::Records);
        progress.advance(40, 7);
        let reading = progress.read();
        assert_eq!((reading.stage, reading.bytes_done, reading.events), (Stage::Records, 40, 7));
        progress.begin(Stage::Unpacking, 30);
        let reading = progress.read();
        assert_eq!((reading.stage, reading.bytes_total, reading.bytes_done), (Stage::Unpacking, 30, 0));
        assert_eq!(Progress::default().read().stage, Stage::Buffers);
    }
}
