//! Made-up traces with what was planted in them.

use poolscope_analysis::load::{LoadError, LoadOptions, load};
use poolscope_analysis::trace::Trace;
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::file::TraceFile;
use poolscope_synth::writer::PlacedBuffer;
use poolscope_synth::{GroundTruth, GroundTruthRequest, SynthParams, write_trace};
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;

/// A made-up trace and its truth.
#[derive(Debug)]
pub struct Planted {
    /// The file.
    pub bytes: Vec<u8>,
    /// Ground truth of the trace.
    pub truth: GroundTruth,
}

/// Writes a trace into memory.
#[must_use]
pub fn plant(params: &SynthParams, request: &GroundTruthRequest) -> Planted {
    let mut out = Cursor::new(Vec::new());
    let summary = write_trace(&mut out, params, Some(request)).expect("the parameters of a variant make sense");
    Planted { bytes: out.into_inner(), truth: summary.truth.expect("the truth was asked for") }
}

/// Writes a trace into memory; where its buffers lie and what they cover.
#[must_use]
pub fn placed(params: &SynthParams) -> (Vec<u8>, Vec<PlacedBuffer>) {
    let mut out = Cursor::new(Vec::new());
    let summary = write_trace(&mut out, params, None).expect("the parameters of a variant make sense");
    (out.into_inner(), summary.written.placed)
}

/// Writes a trace into memory and forgets its truth.
#[must_use]
pub fn bytes_of(params: &SynthParams) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    write_trace(&mut out, params, None).expect("the parameters of a variant make sense");
    out.into_inner()
}

/// Loads a trace with all its stacks.
///
/// # Errors
/// Result of the load.
pub fn try_load(bytes: Vec<u8>) -> Result<Arc<Trace>, LoadError> {
    try_load_file(TraceFile::from_bytes(bytes, "made-up.etl")?)
}

/// Loads an open trace with all its stacks.
///
/// # Errors
/// Result of the load.
pub fn try_load_file(file: TraceFile) -> Result<Arc<Trace>, LoadError> {
    load(file, LoadOptions::default(), &Progress::default(), &CancelToken::none())
}

/// Loads a trace that is known to be one.
#[must_use]
pub fn loaded(bytes: Vec<u8>) -> Arc<Trace> {
    try_load(bytes).expect("a made-up trace can be loaded")
}

/// A trace on disk, gone when dropped.
#[derive(Debug)]
pub struct OnDisk {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl OnDisk {
    /// Puts a file into a folder of its own.
    #[must_use]
    pub fn new(name: &str, bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder can be made");
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a scratch file can be written");
        Self { path, _folder: folder }
    }

    /// Its path, as an argument.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path.to_str().expect("scratch folders have ordinary names")
    }
}
