//! Benchmark of a zoom in the window, on the trace in `POOLSCOPE_BENCH_TRACE`: the pivot of the table and the curves of the graph for
//! the whole trace, its middle third and its middle hundredth, with all allocations and with half of them filtered out:
//! `POOLSCOPE_BENCH_TRACE=big.etl cargo bench -p poolscope-tests --bench window`. There is no pass or fail.

use divan::Bencher;
use poolscope_analysis::filter::rowset::RowSet;
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::group::parallel::not_cancelled;
use poolscope_analysis::load::{LoadOptions, load};
use poolscope_analysis::pivot::{PivotRequest, pivot};
use poolscope_analysis::series::{EventOrder, SeriesKind, SeriesMetric, SeriesRequest, decimate_highest};
use poolscope_analysis::trace::time::{Ticks, TimeRange};
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::file::TraceFile;
use std::io::Write;
use std::path::Path;
use std::sync::LazyLock;

const TRACE: &str = "POOLSCOPE_BENCH_TRACE";
/// Numbers of points and of curves, as in the window.
const POINTS: usize = 2048;
const CURVES: usize = 9;
/// Visible share of the trace in hundredths, and whether allocations are filtered.
const VISIBLE_RANGES: [(i64, bool); 6] = [(100, false), (33, false), (1, false), (100, true), (33, true), (1, true)];

struct Loaded {
    names: ColumnValues,
    order: EventOrder,
    half: RowSet,
}

static LOADED: LazyLock<Loaded> = LazyLock::new(|| {
    let path = std::env::var_os(TRACE).expect("a trace is named");
    let file = TraceFile::open(Path::new(&path)).expect("the trace opens");
    let trace = load(file, LoadOptions::default(), &Progress::default(), &CancelToken::none());
    let trace = trace.expect("the trace loads");
    Loaded {
        order: EventOrder::new(&trace),
        half: RowSet::from_fn(trace.allocations.len(), |row| row % 2 == 0),
        names: ColumnValues::new(trace, FrameNaming::Symbol),
    }
});

fn main() -> std::io::Result<()> {
    if std::env::var_os(TRACE).is_none() {
        return writeln!(std::io::stdout(), "{TRACE} names no trace: nothing measured");
    }
    LazyLock::force(&LOADED);
    divan::main();
    Ok(())
}

/// A range in the middle of the trace.
fn view(hundredths: i64) -> TimeRange {
    let whole = LOADED.names.trace().extent;
    let cut = (whole.to.0 - whole.from.0) / 200 * (100 - hundredths);
    TimeRange { from: Ticks(whole.from.0 + cut), to: Ticks(whole.to.0 - cut) }
}

#[divan::bench(args = VISIBLE_RANGES, sample_count = 9, sample_size = 1)]
fn table(bencher: Bencher<'_, '_>, (hundredths, filtered): (i64, bool)) {
    let rows = filtered.then_some(&LOADED.half);
    let request =
        PivotRequest { keys: &[Key::Type, Key::Paged, Key::Tag, Key::Stack], visible_range: view(hundredths), rows };
    bencher.bench(|| pivot(&LOADED.names, &request, &not_cancelled));
}

#[divan::bench(args = VISIBLE_RANGES, sample_count = 9, sample_size = 1)]
fn curves(bencher: Bencher<'_, '_>, (hundredths, filtered): (i64, bool)) {
    let request = SeriesRequest {
        keys: &[Key::Tag],
        metric: SeriesMetric { kind: SeriesKind::Outstanding, by_count: false },
        visible_range: view(hundredths),
        points: POINTS,
        rows: filtered.then_some(&LOADED.half),
        include_preexisting: false,
        top: Some(CURVES),
        chosen: None,
    };
    bencher.bench(|| decimate_highest(&LOADED.names, &request, &LOADED.order, &not_cancelled));
}
