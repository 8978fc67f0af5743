//! Traces in several files: a made-up trace that is split, files in a folder, and changed log-file headers.

use crate::synthetic::try_load_file;
use poolscope_analysis::trace::Trace;
use poolscope_etl::file::{TraceFile, group_parts, join};
use poolscope_synth::writer::{PartHeaders, split_by_time};
use poolscope_synth::{SynthParams, write_trace};
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;

/// Offset of the payload of the log-file header in a file.
const PAYLOAD: usize = 104;
/// Offset of the time of the header record.
const TIME: usize = 88;

/// Writes a trace and splits it into parts.
#[must_use]
pub fn split(params: &SynthParams, count: usize, headers: PartHeaders) -> Vec<Vec<u8>> {
    let mut out = Cursor::new(Vec::new());
    let summary = write_trace(&mut out, params, None).expect("the parameters of a variant make sense");
    let bytes = out.into_inner();
    split_by_time(&bytes, &params.options(), &summary.written, count, headers).expect("it has enough buffers")
}

/// Files `part_1.etl`, `part_2.etl`, … in a folder that is gone when dropped.
#[derive(Debug)]
pub struct Parts {
    folder: tempfile::TempDir,
    paths: Vec<String>,
}

impl Parts {
    /// Writes files.
    #[must_use]
    pub fn new(parts: &[Vec<u8>]) -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let mut files = Self { folder, paths: Vec::new() };
        for (at, part) in parts.iter().enumerate() {
            let path = files.put(&format!("part_{}.etl", at + 1), part);
            files.paths.push(path);
        }
        files
    }

    /// Writes another file into the folder and returns its path.
    #[must_use]
    pub fn put(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        path.to_str().expect("an ordinary name").to_owned()
    }

    /// The paths of the parts, as arguments.
    #[must_use]
    pub fn paths(&self) -> Vec<&str> {
        self.paths.iter().map(String::as_str).collect()
    }

    /// The folder, as an argument.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.folder.path().to_str().expect("an ordinary name")
    }

    /// Loads all parts as one trace.
    #[must_use]
    pub fn load(&self) -> Arc<Trace> {
        let open = |path: &String| TraceFile::open(PathBuf::from(path)).expect("a trace");
        let files: Vec<TraceFile> = self.paths.iter().map(open).collect();
        let groups = group_parts(&files);
        assert_eq!(groups.len(), 1, "the files belong together: {groups:?}");
        let mut files: Vec<Option<TraceFile>> = files.into_iter().map(Some).collect();
        let ordered = groups[0].members.iter().map(|&at| files[at].take().expect("each file once")).collect();
        try_load_file(join(ordered).expect("the files can be read")).expect("the parts can be loaded")
    }
}

/// Fields of a log-file header of a 64-bit system.
#[derive(Clone, Debug)]
pub struct Header {
    /// Raw time of the header record.
    pub time: i64,
    /// Windows build.
    pub os_build: u32,
    /// Number of processors.
    pub cpus: u32,
    /// Speed of the processors.
    pub cpu_mhz: u32,
    /// Boot time.
    pub boot_filetime: i64,
    /// Frequency of the performance counter.
    pub perf_freq: i64,
    /// Start.
    pub start_filetime: i64,
    /// Name of the session; a changed one has the same length.
    pub session_name: String,
}

impl Header {
    /// A file with a changed header.
    #[must_use]
    pub fn changed(bytes: &[u8], change: &dyn Fn(&mut Self)) -> Vec<u8> {
        let mut out = bytes.to_vec();
        let u32_at = |at: usize| u32::from_le_bytes(bytes[PAYLOAD + at..][..4].try_into().expect("four bytes"));
        let i64_at = |at: usize| i64::from_le_bytes(bytes[at..][..8].try_into().expect("eight bytes"));
        let name = PAYLOAD + 280;
        let letters = bytes[name..].chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        let letters: Vec<u16> = letters.take_while(|&letter| letter != 0).collect();
        let mut header = Self {
            time: i64_at(TIME),
            os_build: u32_at(8),
            cpus: u32_at(12),
            cpu_mhz: u32_at(52),
            boot_filetime: i64_at(PAYLOAD + 248),
            perf_freq: i64_at(PAYLOAD + 256),
            start_filetime: i64_at(PAYLOAD + 264),
            session_name: String::from_utf16(&letters).expect("a name"),
        };
        change(&mut header);
        let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
        put(TIME, &header.time.to_le_bytes());
        for (at, value) in [(8, header.os_build), (12, header.cpus), (52, header.cpu_mhz)] {
            put(PAYLOAD + at, &value.to_le_bytes());
        }
        for (at, value) in [(248, header.boot_filetime), (256, header.perf_freq), (264, header.start_filetime)] {
            put(PAYLOAD + at, &value.to_le_bytes());
        }
        let new: Vec<u8> = header.session_name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(new.len(), 2 * letters.len(), "a name of the same length");
        put(name, &new);
        out
    }
}
