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
    /// Reading records, and pairing allocations and frees.
    Records = 2,
    /// Resolving the stacks of pool events.
    Stacks = 3,
    /// Building the allocation index.
    Index = 4,
    /// Finished.
    Done = 5,
    /// Packing a trace; not a stage of a load.
    Packing = 6,
}

impl Stage {
    const ALL: [Self; 7] =
        [Self::Unpacking, Self::Buffers, Self::Records, Self::Stacks, Self::Index, Self::Done, Self::Packing];

    /// Text for a progress bar.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unpacking => "unpacking",
            Self::Buffers => "finding buffers",
            Self::Records => "reading and pairing events",
            Self::Stacks => "resolving stacks",
            Self::Index => "building the index",
            Self::Done => "done",
            Self::Packing => "packing",
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
    rows_total: AtomicU64,
    rows_done: AtomicU64,
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
    /// Steps of the stages after reading, one for each allocation and stage; 0 while they are not known.
    pub rows_total: u64,
    /// Steps done so far.
    pub rows_done: u64,
}

/// Share of the time of a load that goes into reading.
const READING_SHARE: f64 = 0.8;

impl ProgressReading {
    /// Share of the load that is done, from 0 to 1: bytes that are read and rows that are built. Unpacking an archive comes before and
    /// has a share of its own.
    #[must_use]
    pub fn share(&self) -> f64 {
        let part = |done: u64, total: u64| if total == 0 { 0.0 } else { (done as f64 / total as f64).clamp(0.0, 1.0) };
        let read = part(self.bytes_done, self.bytes_total);
        if matches!(self.stage, Stage::Unpacking | Stage::Packing) {
            return read;
        }
        let built = if self.stage == Stage::Done { 1.0 } else { part(self.rows_done, self.rows_total) };
        READING_SHARE * read + (1.0 - READING_SHARE) * built
    }
}

impl Default for Progress {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        let stage = AtomicU8::new(Stage::Buffers as u8);
        let (bytes_total, bytes_done, events) = (zero(), zero(), zero());
        Self { stage, bytes_total, bytes_done, events, rows_total: zero(), rows_done: zero() }
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
            rows_total: self.rows_total.load(Ordering::Relaxed),
            rows_done: self.rows_done.load(Ordering::Relaxed),
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

    /// Forgets what was read, if all of it is read again.
    pub fn restart(&self) {
        self.bytes_done.store(0, Ordering::Relaxed);
        self.events.store(0, Ordering::Relaxed);
    }

    /// Sets the number of steps of the stages after reading.
    pub fn set_rows(&self, rows: u64) {
        self.rows_total.store(rows, Ordering::Relaxed);
    }

    /// Adds steps that were done after reading.
    pub fn advance_rows(&self, rows: u64) {
        self.rows_done.fetch_add(rows, Ordering::Relaxed);
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
        assert!((reading.share() - 0.32).abs() < 1e-9, "{}", reading.share());
        progress.advance(60, 7);
        progress.set_rows(20);
        progress.advance_rows(5);
        assert!((progress.read().share() - 0.85).abs() < 1e-9, "{}", progress.read().share());
        progress.enter(Stage::Done);
        assert!((progress.read().share() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn unpacking_has_a_bar_of_its_own() {
        let progress = Progress::default();
        assert_eq!(progress.read().stage, Stage::Buffers);
        progress.begin(Stage::Unpacking, 30);
        progress.advance(15, 0);
        let reading = progress.read();
        assert_eq!((reading.stage, reading.bytes_total, reading.bytes_done), (Stage::Unpacking, 30, 15));
        assert!((reading.share() - 0.5).abs() < 1e-9);
    }
}
