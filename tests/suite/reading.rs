//! Traces that cannot be read to their end: files that become shorter while they are open, and sources that fail.

use poolscope_analysis::load::{LoadError, LoadOptions, StackScope, load};
use poolscope_analysis::trace::Trace;
use poolscope_base::file_reader::{FileReader, ReadAt};
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::file::{OpenError, TraceFile, join};
use poolscope_synth::SynthParams;
use poolscope_synth::writer::{Compression, PartHeaders};
use poolscope_tests::parts::{Parts, split};
use poolscope_tests::synthetic::{OnDisk, bytes_of, loaded};
use poolscope_tests::trace_dump::dump;
use poolscope_tests::variants::base;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A share: bytes that can be read up to a limit, which a test moves.
#[derive(Clone, Debug)]
struct Share {
    bytes: Arc<[u8]>,
    /// Reads that reach beyond this offset fail.
    limit: Arc<AtomicU64>,
    /// Most bytes that one read returns.
    most: usize,
    /// Numbers of reads, and of their bytes.
    reads: Arc<[AtomicU64; 2]>,
}

impl Share {
    fn new(bytes: &[u8], most: usize) -> Self {
        Self { bytes: bytes.into(), limit: Arc::new(AtomicU64::new(u64::MAX)), most, reads: Arc::default() }
    }

    fn open(&self) -> Result<TraceFile, OpenError> {
        let reader = FileReader::from_source(Box::new(self.clone()), self.bytes.len() as u64);
        TraceFile::from_reader(reader, "share.etl")
    }

    /// Numbers of reads and of their bytes since the last call.
    fn take_reads(&self) -> [u64; 2] {
        [0, 1].map(|at| self.reads[at].swap(0, Ordering::Relaxed))
    }
}

impl ReadAt for Share {
    fn read_some_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.bytes.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len()).min(self.most);
        if offset + count as u64 > self.limit.load(Ordering::Relaxed) {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "the network name is gone"));
        }
        buffer[..count].copy_from_slice(&rest[..count]);
        self.reads[0].fetch_add(1, Ordering::Relaxed);
        self.reads[1].fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

fn parameters() -> impl Iterator<Item = SynthParams> {
    let one = |buffer_size, compression| SynthParams { buffer_size, compression, ..base(20_000) };
    [one(8 << 10, Compression::None), one(64 << 10, Compression::None), one(64 << 10, Compression::Filled)].into_iter()
}

fn load_trace(file: TraceFile) -> Result<Arc<Trace>, LoadError> {
    load(
        file,
        LoadOptions { stacks: StackScope::Pool, ..LoadOptions::default() },
        &Progress::default(),
        &CancelToken::none(),
    )
}

/// Offset and reason of an error that reading failed.
fn read_failure(error: LoadError) -> (u64, io::Error) {
    match error {
        LoadError::Open(OpenError::Read { offset, reason, .. }) => (offset, reason),
        other => panic!("not a failed read: {other}"),
    }
}

#[test]
fn a_file_gives_the_same_trace_as_its_bytes_in_memory() {
    for params in parameters() {
        let bytes = bytes_of(&params);
        let from_memory = loaded(bytes.clone());
        let on_disk = OnDisk::new("trace.etl", &bytes);
        let from_disk = load_trace(TraceFile::open(on_disk.path()).expect("it opens")).expect("it loads");
        // Short reads, as a system may return them at any time.
        let from_share = load_trace(Share::new(&bytes, 1_000).open().expect("it opens")).expect("it loads");
        for other in [from_disk, from_share] {
            assert!(dump(&other, true) == dump(&from_memory, true), "{params:?}");
        }
    }
}

#[test]
fn small_buffers_that_follow_one_another_are_read_together() {
    let plain = SynthParams { buffer_size: 8 << 10, cpus: 8, ..base(20_000) };
    for params in [plain.clone(), SynthParams { compression: Compression::Filled, ..plain }] {
        let bytes = bytes_of(&params);
        let share = Share::new(&bytes, usize::MAX);
        let file = share.open().expect("it opens");
        let buffers = file.layout.buffers.len() as u64;
        assert!(buffers > 300, "{buffers} buffers");
        share.take_reads();
        let loaded_trace = load_trace(file).expect("it loads");
        let [reads, read_bytes] = share.take_reads();
        assert!(reads <= buffers / 5, "{reads} reads for {buffers} buffers: {params:?}");
        assert!(read_bytes <= bytes.len() as u64, "{read_bytes} bytes read of {}", bytes.len());
        assert!(dump(&loaded_trace, true) == dump(&loaded(bytes), true), "{params:?}");
    }
}

#[test]
fn a_file_of_a_joined_trace_that_becomes_shorter_is_named_with_its_own_offset() {
    let params = SynthParams { buffer_size: 8 << 10, ..base(20_000) };
    let parts = split(&params, 3, PartHeaders::Session);
    for gone in 0..3 {
        let on_disk = Parts::new(&parts);
        let files: Vec<TraceFile> =
            on_disk.paths().iter().map(|path| TraceFile::open(path).expect("it opens")).collect();
        let joined = join(files).expect("they are one trace");
        let (path, len) = (on_disk.paths()[gone], parts[gone].len() as u64);
        let left = len / 2 + 100;
        std::fs::File::options().write(true).open(path).unwrap().set_len(left).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let error = pool.install(|| load_trace(joined)).expect_err("half of a file is missing");
        let text = error.to_string();
        assert!(text.starts_with(&format!("cannot read {path} at offset ")), "{text}");
        assert!(text.contains(&format!("the file had {len} bytes when it was opened")), "{text}");
        let (offset, _) = read_failure(error);
        assert!((left..len).contains(&offset), "{offset} of {left} left, before {len}");
    }
}

#[test]
fn a_file_that_becomes_shorter_after_it_was_opened_is_an_error() {
    for params in parameters() {
        let bytes = bytes_of(&params);
        let len = bytes.len() as u64;
        for left in [len - 1, len / 2, 100, 0] {
            let on_disk = OnDisk::new("shrinking.etl", &bytes);
            let file = TraceFile::open(on_disk.path()).expect("it opens");
            std::fs::File::options().write(true).open(on_disk.path()).unwrap().set_len(left).unwrap();
            let error = load_trace(file).expect_err("a part is missing");
            let text = error.to_string();
            assert!(text.contains("shrinking.etl") && text.contains("it was shortened"), "{text}");
            let (offset, reason) = read_failure(error);
            assert!(offset >= left && offset < len, "at {offset} of {left}, before {len}");
            assert_eq!(reason.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}

#[test]
fn a_share_that_disappears_is_an_error_at_any_offset() {
    for params in parameters() {
        let bytes = bytes_of(&params);
        let mut failed_at = [0; 2];
        for limit in (0..bytes.len() as u64).step_by(bytes.len() / 40) {
            let share = Share::new(&bytes, usize::MAX);
            share.limit.store(limit, Ordering::Relaxed);
            let error = match share.open() {
                Err(error) => {
                    failed_at[0] += 1;
                    LoadError::Open(error)
                }
                // All that is read to open a file is before the limit.
                Ok(file) => {
                    failed_at[1] += 1;
                    load_trace(file).expect_err("bytes behind the limit are needed")
                }
            };
            let (offset, reason) = read_failure(error);
            assert!(offset <= limit + (1 << 20) && reason.kind() == io::ErrorKind::NotConnected, "{offset}: {reason}");
        }
        assert!(failed_at[0] > 10, "{failed_at:?}");
        // Gone between opening and loading.
        let share = Share::new(&bytes, usize::MAX);
        let file = share.open().expect("it opens");
        share.limit.store(bytes.len() as u64 / 3, Ordering::Relaxed);
        let error = load_trace(file).expect_err("two thirds are missing");
        assert!(error.to_string().contains("the network name is gone"), "{error}");
    }
}

#[test]
fn the_message_of_a_failed_read_ends_with_the_next_step() {
    let bytes = bytes_of(&base(1_000));
    let share = Share::new(&bytes, usize::MAX);
    share.limit.store(0, Ordering::Relaxed);
    let error = share.open().expect_err("nothing can be read");
    let (message, advice) = error.message_and_advice();
    assert_eq!(message, "cannot read share.etl at offset 0: the network name is gone.");
    let advice = advice.expect("a next step");
    assert!(advice.contains("copy the file"), "{advice}");
    assert_eq!(error.to_string(), format!("{message} {advice}"));
}
