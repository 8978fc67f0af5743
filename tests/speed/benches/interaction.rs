//! Benchmark of questions to a loaded trace, each alone, on the trace in `POOLSCOPE_BENCH_TRACE`, or else on a synthetic one of a
//! million allocations in memory: `POOLSCOPE_BENCH_TRACE=big.etl cargo bench -p poolscope-speed --bench interaction`. The yardstick
//! `memory_sum` adds up one column of eight bytes per allocation on one thread. There is no pass or fail.

use divan::Bencher;
use poolscope_analysis::filter::{CompiledQuery, Query};
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::group::parallel::not_cancelled;
use poolscope_analysis::group::range_sums::RangeSums;
use poolscope_analysis::leaks::{AnalysisRequest, SuspectGrouping, WarmUp, analyze};
use poolscope_analysis::load::{LoadOptions, load};
use poolscope_analysis::pivot::{FindRequest, Pivot, PivotRequest, SortOrder, find, pivot, pivot_of_range};
use poolscope_analysis::series::{
    CurveIndex, EventOrder, SeriesKind, SeriesMetric, SeriesRequest, SharedEventOrder, decimate_highest,
};
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::time::{Ticks, TimeRange};
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::file::TraceFile;
use poolscope_synth::{SynthParams, write_trace};
use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::{Arc, LazyLock};

const TRACE: &str = "POOLSCOPE_BENCH_TRACE";
/// Allocations of the synthetic trace.
const ALLOCATIONS: u64 = 1_000_000;
/// Keys of the table that the window opens with.
const TABLE: &[Key] = &[Key::Type, Key::Paged, Key::Tag, Key::Stack];
/// Keys of the curves: few groups, more than curves, and very many.
const CURVES: [&str; 3] = ["tag", "tag,process", "stack"];
/// Numbers of points and of curves.
const POINTS: usize = 2048;
const MAX_CURVES: usize = 50;
/// Visible shares of the trace in hundredths.
const SHARES: [i64; 4] = [100, 33, 10, 1];

struct Loaded {
    names: Arc<ColumnValues>,
    order: Arc<SharedEventOrder>,
    sums: RangeSums,
    table: Arc<Pivot>,
}

static LOADED: LazyLock<Loaded> = LazyLock::new(|| {
    let trace = trace();
    let names = Arc::new(ColumnValues::new(trace, FrameNaming::Function));
    let order = Arc::default();
    let sums = RangeSums::new(&names, TABLE, None, &order, &not_cancelled).expect("nobody cancels");
    let table = Arc::new(all_groups(&names, TABLE, names.trace().extent));
    Loaded { names, order, sums: sums.expect("the groups can be numbered"), table }
});

fn main() -> std::io::Result<()> {
    let loaded = LazyLock::force(&LOADED);
    let rows = loaded.names.trace().allocations.len();
    let per_row = |bytes: usize| bytes as f64 / rows.max(1) as f64;
    let mut out = std::io::stdout();
    writeln!(out, "{rows} allocations, {} groups in the table", loaded.table.len())?;
    writeln!(out, "sums for zooms: {:.2} bytes per allocation", per_row(loaded.sums.memory_bytes()))?;
    for by in CURVES {
        match curve_index(by) {
            Some(index) => {
                let bytes = per_row(index.memory_bytes());
                writeln!(out, "blocks for curves by {by}: {bytes:.2} bytes per allocation")?;
            }
            None => writeln!(out, "blocks for curves by {by}: too many groups, all events are read")?,
        }
    }
    divan::main();
    Ok(())
}

fn trace() -> Arc<Trace> {
    let file = match std::env::var_os(TRACE) {
        Some(path) => TraceFile::open(Path::new(&path)),
        None => {
            let mut bytes = Cursor::new(Vec::new());
            let params = SynthParams { allocations: ALLOCATIONS, ..SynthParams::default() };
            write_trace(&mut bytes, &params, None).expect("memory can be written");
            TraceFile::from_bytes(bytes.into_inner(), "trace.etl")
        }
    };
    let file = file.expect("the trace opens");
    load(file, LoadOptions { free_order: true, ..LoadOptions::default() }, &Progress::default(), &CancelToken::none())
        .expect("the trace loads")
}

/// Column values of the trace without anything that was computed before.
fn fresh() -> ColumnValues {
    ColumnValues::new(Arc::clone(LOADED.names.trace()), FrameNaming::Function)
}

/// A range in the middle of the trace.
fn middle(hundredths: i64) -> TimeRange {
    let whole = LOADED.names.trace().extent;
    let cut = (whole.to.0 - whole.from.0) / 200 * (100 - hundredths);
    TimeRange { from: Ticks(whole.from.0 + cut), to: Ticks(whole.to.0 - cut) }
}

fn all_groups(names: &ColumnValues, keys: &[Key], visible_range: TimeRange) -> Pivot {
    pivot(names, &PivotRequest { keys, visible_range, rows: None }, &not_cancelled).expect("nobody cancels")
}

fn curves(keys: &[Key], visible_range: TimeRange) -> SeriesRequest<'_> {
    SeriesRequest {
        keys,
        metric: SeriesMetric { kind: SeriesKind::Outstanding, by_count: false },
        visible_range,
        points: POINTS,
        rows: None,
        include_preexisting: false,
        top: Some(MAX_CURVES),
        chosen: None,
    }
}

fn keys(by: &str) -> Vec<Key> {
    poolscope_analysis::group::key::parse_keys(by).expect("these are columns")
}

/// Blocks of curves; `None` if there are too many groups for them.
fn curve_index(by: &str) -> Option<CurveIndex> {
    let (keys, Loaded { names, order, .. }) = (keys(by), &*LOADED);
    let request = curves(&keys, names.trace().extent);
    CurveIndex::new(names, &request, None, order, &not_cancelled).expect("nobody cancels")
}

#[divan::bench(sample_count = 20)]
fn memory_sum(bencher: Bencher<'_, '_>) {
    let sizes = &LOADED.names.trace().allocations.size;
    bencher.bench_local(|| sizes.iter().fold(0u64, |sum, size| sum.wrapping_add(size)));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn first_grouping(bencher: Bencher<'_, '_>) {
    let range = LOADED.names.trace().extent;
    bencher.with_inputs(fresh).bench_local_refs(|names| all_groups(names, TABLE, range));
}

#[divan::bench(args = SHARES, sample_count = 9, sample_size = 1)]
fn zoom_over_all_rows(bencher: Bencher<'_, '_>, hundredths: i64) {
    bencher.bench_local(|| all_groups(&LOADED.names, TABLE, middle(hundredths)));
}

#[divan::bench(args = SHARES, sample_count = 9, sample_size = 1)]
fn zoom(bencher: Bencher<'_, '_>, hundredths: i64) {
    bencher.bench_local(|| pivot_of_range(&LOADED.sums, middle(hundredths), &not_cancelled));
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn sums_for_zooms(bencher: Bencher<'_, '_>) {
    let Loaded { names, order, .. } = &*LOADED;
    bencher.bench_local(|| RangeSums::new(names, TABLE, None, order, &not_cancelled));
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn event_order(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| EventOrder::new(LOADED.names.trace()));
}

#[divan::bench(args = CURVES, sample_count = 5, sample_size = 1)]
fn curves_over_all_events(bencher: Bencher<'_, '_>, by: &str) {
    let (keys, Loaded { names, order, .. }) = (keys(by), &*LOADED);
    let request = curves(&keys, names.trace().extent);
    let order = order.get(names.trace());
    bencher.bench_local(|| decimate_highest(names, &request, order, &not_cancelled));
}

#[divan::bench(args = CURVES, sample_count = 9, sample_size = 1)]
fn curves_by_blocks(bencher: Bencher<'_, '_>, by: &str) {
    let (keys, Some(index)) = (keys(by), curve_index(by)) else { return };
    let request = curves(&keys, LOADED.names.trace().extent);
    bencher.bench_local(|| index.highest(&request, &not_cancelled));
}

#[divan::bench(args = CURVES, sample_count = 3, sample_size = 1)]
fn blocks_for_curves(bencher: Bencher<'_, '_>, by: &str) {
    bencher.bench_local(|| curve_index(by));
}

#[divan::bench(args = ["type:AIFO size:>64", "tag:Leak", "stack:~nt", "process:System lifetime:>1ms"], sample_count = 9, sample_size = 1)]
fn filter(bencher: Bencher<'_, '_>, text: &str) {
    let query: Query = text.parse().expect("this is a query");
    let names = &LOADED.names;
    bencher.bench_local(|| CompiledQuery::new(&query, names, names.trace().extent).rows(names.trace(), &not_cancelled));
}

#[divan::bench(args = ["ntos", "+0x1", "e"], sample_count = 9, sample_size = 1)]
fn find_text(bencher: Bencher<'_, '_>, text: &str) {
    let request = FindRequest { text: text.to_owned(), case_sensitive: false, whole: false, limit: 100_000 };
    bencher.bench_local(|| find(&LOADED.table, SortOrder::default(), &request, &not_cancelled));
}

#[divan::bench(args = ["size", "count:asc", "max,size"], sample_count = 9, sample_size = 1)]
fn sort(bencher: Bencher<'_, '_>, by: &str) {
    let order: SortOrder = by.parse().expect("this is an order");
    bencher.bench_local(|| LOADED.table.sorted(order));
}

/// One group for each address, or for each allocation.
#[divan::bench(args = ["address", "alloc_time"], sample_count = 2, sample_size = 1)]
fn group_by_row(bencher: Bencher<'_, '_>, by: &str) {
    let (keys, range) = (keys(by), LOADED.names.trace().extent);
    bencher.bench_local(|| all_groups(&LOADED.names, &keys, range));
}

#[divan::bench(sample_count = 2, sample_size = 1)]
fn sort_addresses(bencher: Bencher<'_, '_>) {
    let groups = all_groups(&LOADED.names, &[Key::Address], LOADED.names.trace().extent);
    bencher.bench_local(|| groups.sorted(SortOrder::default()));
}

#[divan::bench(args = [SuspectGrouping::Tag, SuspectGrouping::Stack], sample_count = 2, sample_size = 1)]
fn verdict(bencher: Bencher<'_, '_>, grouping: SuspectGrouping) {
    let visible_range = LOADED.names.trace().extent;
    let request = AnalysisRequest { visible_range, grouping, warm_up: WarmUp::Automatic };
    bencher.with_inputs(fresh).bench_local_refs(|names| analyze(names, request, &not_cancelled));
}
