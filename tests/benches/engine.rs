//! Benchmarks of the parts of the engine on a synthetic trace of 64 MB in memory: `cargo bench -p poolscope-tests --bench engine`.
//! There is no pass or fail.

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::group::parallel::not_cancelled;
use poolscope_analysis::load::{LoadOptions, StackScope, load};
use poolscope_analysis::pivot::{PivotRequest, pivot};
use poolscope_analysis::series::{SeriesKind, SeriesMetric, SeriesRequest, series};
use poolscope_analysis::trace::Trace;
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::buffer::HEADER_BYTES;
use poolscope_etl::file::{BodyScratch, TraceFile};
use poolscope_etl::xpress::Decompressor;
use poolscope_synth::SynthParams;
use poolscope_synth::writer::Compression;
use poolscope_tests::synthetic::{bytes_of, loaded};
use std::sync::{Arc, LazyLock};

const FILE_BYTES: u64 = 64 << 20;

static PLAIN: LazyLock<Vec<u8>> = LazyLock::new(|| synthetic(Compression::None));
static COMPRESSED: LazyLock<Vec<u8>> = LazyLock::new(|| synthetic(Compression::Filled));
static TRACE: LazyLock<Arc<Trace>> = LazyLock::new(|| loaded(PLAIN.clone()));

fn main() {
    divan::main();
}

/// A synthetic trace.
fn synthetic(compression: Compression) -> Vec<u8> {
    bytes_of(&SynthParams { target_bytes: Some(FILE_BYTES), compression, ..SynthParams::default() })
}

fn opened(bytes: &[u8]) -> TraceFile {
    TraceFile::from_bytes(bytes.to_vec(), "synthetic.etl").expect("the trace opens")
}

/// Reads every record header on one thread and does nothing else: a lower bound of the time that any analysis of the file takes.
fn count_records(file: &TraceFile) -> usize {
    let mut scratch = BodyScratch::default();
    let mut count = |buffer| file.records(buffer, &mut scratch).expect("the trace can be read").count();
    file.layout.buffers.iter().map(&mut count).sum()
}

/// Record framing on one thread.
#[divan::bench(sample_count = 10)]
fn framing(bencher: Bencher<'_, '_>) {
    let file = opened(&PLAIN);
    bencher.counter(BytesCount::new(PLAIN.len())).bench_local(|| count_records(&file));
}

/// Decompression of all buffers on one thread; bytes are uncompressed.
#[divan::bench(sample_count = 10)]
fn decompression(bencher: Bencher<'_, '_>) {
    let file = opened(&COMPRESSED);
    let buffers = || file.layout.buffers.iter().filter(|buffer| buffer.header.is_compressed());
    let filled: usize = buffers().map(|buffer| buffer.header.filled_bytes as usize - HEADER_BYTES).sum();
    let cap = file.logfile.buffer_bytes as usize - HEADER_BYTES;
    let mut memory = Decompressor::default();
    bencher.counter(BytesCount::new(filled)).bench_local(|| {
        for buffer in buffers() {
            let start = buffer.offset as usize;
            let stored = &COMPRESSED[start + HEADER_BYTES..start + buffer.header.size_bytes as usize];
            divan::black_box(memory.decompress(stored, cap));
        }
    });
}

/// Whole loads, without and with stacks.
#[divan::bench(sample_count = 10, args = [StackScope::None, StackScope::Pool])]
fn loading(bencher: Bencher<'_, '_>, stacks: StackScope) {
    let work =
        |file| load(file, LoadOptions { stacks, ..LoadOptions::default() }, &Progress::default(), &CancelToken::none());
    let bencher = bencher.counter(BytesCount::new(PLAIN.len()));
    bencher.with_inputs(|| opened(&PLAIN)).bench_local_values(|file| work(file).expect("the trace loads"));
}

/// Grouping with new key columns, as after a load; items are allocations.
#[divan::bench(sample_count = 20, args = ["type,paged,tag", "type,paged,tag,stack", "driver,tag", "process,thread"])]
fn grouping(bencher: Bencher<'_, '_>, by: &str) {
    let keys = poolscope_analysis::group::key::parse_keys(by).expect("these are columns");
    let request = PivotRequest { keys: &keys, visible_range: TRACE.extent, rows: None };
    let bencher = bencher.counter(ItemsCount::new(TRACE.allocations.len()));
    let fresh = || ColumnValues::new(Arc::clone(&TRACE), FrameNaming::Symbol);
    bencher
        .with_inputs(fresh)
        .bench_local_refs(|names| pivot(names, &request, &not_cancelled).expect("nobody cancels"));
}

/// Curves by tag with a number of points; items are allocations.
#[divan::bench(sample_count = 20, args = [100, 2_000])]
fn curves(bencher: Bencher<'_, '_>, points: usize) {
    let request = SeriesRequest {
        keys: &[Key::Tag],
        metric: SeriesMetric { kind: SeriesKind::Outstanding, by_count: false },
        visible_range: TRACE.extent,
        points,
        rows: None,
        include_preexisting: false,
        top: None,
        chosen: None,
    };
    let names = ColumnValues::new(Arc::clone(&TRACE), FrameNaming::Symbol);
    let bencher = bencher.counter(ItemsCount::new(TRACE.allocations.len()));
    bencher.bench_local(|| series(&names, &request, &not_cancelled).expect("nobody cancels"));
}
