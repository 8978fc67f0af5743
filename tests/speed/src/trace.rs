//! Synthetic traces on disk, and the walk over their record headers.

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::group::key::parse_keys;
use poolscope_analysis::group::parallel::not_cancelled;
use poolscope_analysis::load::{LoadOptions, StackScope, load_file};
use poolscope_analysis::pivot::{PivotRequest, pivot};
use poolscope_analysis::trace::Trace as LoadedTrace;
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::file::{BodyScratch, TraceFile};
use poolscope_synth::scenario::StackMode;
use poolscope_synth::{SynthParams, write_trace};
use std::error::Error;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// Size of the traces of a bench in bytes: `POOLSCOPE_BENCH_BYTES`, or 425 MB.
#[must_use]
pub fn bench_bytes() -> u64 {
    let named = std::env::var("POOLSCOPE_BENCH_BYTES").ok();
    named.and_then(|text| text.parse().ok()).unwrap_or(425_000_000)
}

/// A trace of pool events, half of them with stacks by key.
#[must_use]
pub fn first() -> SynthParams {
    SynthParams { target_bytes: Some(bench_bytes()), ..SynthParams::default() }
}

/// A trace as `wpr -start GeneralProfile -start Pool` records it: one of ten records is a pool event, the others are CPU
/// samples and their stacks.
#[must_use]
pub fn mixed() -> SynthParams {
    SynthParams { stacks: StackMode::Keyed, sample_share: 3.3, ..first() }
}

/// What the headers of all records tell.
#[derive(Clone, Copy, Default, Debug)]
pub struct WalkTotals {
    /// Number of records.
    pub records: u64,
    /// Bytes of their payloads.
    pub payload_bytes: u64,
    /// Latest raw timestamp.
    pub last_time: i64,
}

/// A trace on disk, which is deleted at the end.
#[derive(Debug)]
pub struct Trace {
    folder: tempfile::TempDir,
    /// The trace in memory, for the walk.
    in_memory: TraceFile,
}

impl Trace {
    /// Writes a trace. Its bytes are in the system's cache afterwards.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(params: &SynthParams) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("trace.etl");
        write_trace(File::create(&path)?, params, None)?;
        let in_memory = TraceFile::from_bytes(std::fs::read(&path)?, "trace.etl")?;
        Ok(Self { folder, in_memory })
    }

    /// Path of the file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("trace.etl")
    }

    /// Size of the file in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.in_memory.file_bytes()
    }

    /// Reads every record header on one thread and does nothing else: a lower bound of the time that any analysis of the
    /// trace takes. The bytes are in memory. What a header tells is added up, so that all of it is read.
    ///
    /// # Panics
    /// Never, since memory can be read.
    #[must_use]
    pub fn walk(&self) -> WalkTotals {
        let mut scratch = BodyScratch::default();
        let mut totals = WalkTotals::default();
        for buffer in &self.in_memory.layout.buffers {
            for record in self.in_memory.records(buffer, &mut scratch).expect("memory can be read") {
                totals.records += 1;
                totals.payload_bytes += record.payload.len() as u64;
                totals.last_time = totals.last_time.max(record.time.unwrap_or(i64::MIN));
            }
        }
        totals
    }

    /// Decompresses all buffers on one thread and returns the bytes of their records.
    ///
    /// # Panics
    /// Never, since memory can be read.
    #[must_use]
    pub fn decompress(&self) -> u64 {
        let mut scratch = BodyScratch::default();
        let mut bytes =
            |buffer| self.in_memory.body(buffer, &mut scratch).expect("memory can be read").bytes.len() as u64;
        self.in_memory.layout.buffers.iter().map(&mut bytes).sum()
    }

    /// Loads the file on the current pool.
    ///
    /// # Panics
    /// If it cannot be loaded.
    #[must_use]
    pub fn load(&self, stacks: StackScope) -> Arc<LoadedTrace> {
        self.load_with(LoadOptions { stacks, ..LoadOptions::default() })
    }

    /// Loads the file as the window does: with stacks and the order of frees.
    ///
    /// # Panics
    /// If it cannot be loaded.
    #[must_use]
    pub fn load_for_window(&self) -> Arc<LoadedTrace> {
        self.load_with(LoadOptions { free_order: true, ..LoadOptions::default() })
    }

    fn load_with(&self, options: LoadOptions) -> Arc<LoadedTrace> {
        load_file(&self.path(), options, &Progress::default(), &CancelToken::none()).expect("a synthetic trace loads")
    }

    /// Loads the file and groups its allocations, as `report` does; returns the number of groups.
    ///
    /// # Panics
    /// If `by` are no keys.
    #[must_use]
    pub fn report(&self, by: &str, stacks: StackScope) -> usize {
        groups(self.load(stacks), by)
    }
}

/// Groups the allocations of a loaded trace with new column values and returns the number of groups.
///
/// # Panics
/// If `by` are no keys.
#[must_use]
pub fn groups(trace: Arc<LoadedTrace>, by: &str) -> usize {
    let keys = parse_keys(by).expect("these are keys");
    let visible_range = trace.extent;
    let values = ColumnValues::new(trace, FrameNaming::Symbol);
    let request = PivotRequest { keys: &keys, visible_range, rows: None };
    pivot(&values, &request, &not_cancelled).expect("it is not canceled").len()
}
