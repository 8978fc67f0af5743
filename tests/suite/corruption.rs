//! Thousands of damaged traces, the same ones in every run: no panic, no more results than the bytes of the file allow,
//! and totals that are the sums of their groups.

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::group::parallel::not_cancelled;
use poolscope_analysis::load::{LoadError, LoadOptions, load};
use poolscope_analysis::pivot::{Aggregate, Pivot, PivotRequest, pivot};
use poolscope_analysis::series::{SeriesKind, SeriesMetric, SeriesRequest, series};
use poolscope_analysis::trace::Trace;
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::file::{BufferRef, TraceFile};
use poolscope_synth::rng::Rng;
use poolscope_tests::corpus::real_traces;
use poolscope_tests::damage::damage;
use poolscope_tests::program::run;
use poolscope_tests::synthetic::{OnDisk, bytes_of};
use poolscope_tests::variants;
use rayon::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of the shortest record.
const RECORD_BYTES: u64 = 8;
/// Bytes of the shortest pool event: header and payload.
const POOL_EVENT_BYTES: u64 = 16 + 16;
/// Bytes of the shortest stack frame.
const FRAME_BYTES: u64 = 4;

/// A trace to be damaged.
struct Source {
    name: String,
    bytes: Vec<u8>,
    /// File offsets of the buffers.
    buffer_offsets: Vec<usize>,
}

impl Source {
    fn new(name: String, bytes: Vec<u8>) -> Self {
        let file = TraceFile::from_bytes(bytes.clone(), &name).expect("a trace before it is damaged");
        let buffer_offsets = file.layout.buffers.iter().map(|buffer| buffer.offset as usize).collect();
        Self { name, bytes, buffer_offsets }
    }

    /// Loads the trace with `cases` different damages and returns the faults.
    fn check(&self, cases: u64, outcomes: &Outcomes) -> Vec<String> {
        let case = |number: u64| {
            let mut bytes = self.bytes.clone();
            let done = damage(&mut bytes, &self.buffer_offsets, &mut Rng::new(number));
            let complaint = catch_unwind(AssertUnwindSafe(|| check_file(bytes, outcomes)));
            let complaint = complaint.unwrap_or_else(|_| Err("panicked".to_owned())).err()?;
            Some(format!("{} case {number} ({done}): {complaint}", self.name))
        };
        (0..cases).into_par_iter().filter_map(case).collect()
    }
}

/// Numbers of damaged files that were refused, that were read, and of the latter those with allocations.
#[derive(Default)]
struct Outcomes {
    refused: AtomicU64,
    read: AtomicU64,
    with_allocations: AtomicU64,
}

fn check_file(bytes: Vec<u8>, outcomes: &Outcomes) -> Result<(), String> {
    let len = bytes.len() as u64;
    let Ok(file) = TraceFile::from_bytes(bytes, "damaged.etl") else {
        outcomes.refused.fetch_add(1, Ordering::Relaxed);
        return Ok(());
    };
    let capacity = capacity(&file, len)?;
    let progress = Progress::default();
    let trace = match load(file, LoadOptions::default(), &progress, &CancelToken::none()) {
        Ok(trace) => trace,
        Err(LoadError::Open(error)) => return Err(format!("opened, then refused: {error}")),
        Err(error) => return Err(error.to_string()),
    };
    outcomes.read.fetch_add(1, Ordering::Relaxed);
    check_bounds(&trace, capacity)?;
    if trace.allocations.is_empty() {
        return Ok(());
    }
    outcomes.with_allocations.fetch_add(1, Ordering::Relaxed);
    let names = ColumnValues::new(trace, FrameNaming::Address);
    for keys in [&[Key::Type, Key::Paged, Key::Tag][..], &[Key::Tag, Key::Driver, Key::Stack]] {
        check_sums(&names, keys)?;
    }
    check_curves(&names)
}

/// Upper bound on the bytes of all records: those in the file, or the most that a compressed buffer decompresses to.
fn capacity(file: &TraceFile, len: u64) -> Result<u64, String> {
    let present: u64 = file.layout.buffers.iter().map(|buffer| u64::from(buffer.present_bytes)).sum();
    if present > len {
        return Err(format!("buffers of {present} bytes in a file of {len}"));
    }
    let body = |buffer: &BufferRef| {
        let header = &buffer.header;
        let most =
            if header.is_compressed() { header.filled_bytes.max(buffer.present_bytes) } else { buffer.present_bytes };
        u64::from(most.min(16 << 20))
    };
    Ok(file.layout.buffers.iter().map(body).sum())
}

/// Checks that no table is larger than `capacity` bytes of records can fill.
fn check_bounds(trace: &Trace, capacity: u64) -> Result<(), String> {
    let statistics = &trace.statistics;
    let events = statistics.pool_allocs + statistics.pool_frees;
    let bounds = [
        ("records", statistics.records, capacity / RECORD_BYTES),
        ("pool events", events, capacity / POOL_EVENT_BYTES),
        ("rows", trace.allocations.len() as u64, events),
        ("event attributes", trace.attributes.rows().len() as u64, 2 * events),
        (
            "stack nodes",
            trace.stacks.node_count() as u64,
            1 + 2 * (capacity / FRAME_BYTES) * (1 + statistics.stack_records),
        ),
        ("frames", trace.stacks.frame_rows().len() as u64, 2 * capacity / FRAME_BYTES),
        ("modules", trace.modules.modules().len() as u64, statistics.records),
        ("loaded images", trace.modules.loaded_images().len() as u64, statistics.records),
        ("processes", trace.processes.rows().len() as u64, statistics.records + events),
    ];
    match bounds.iter().find(|(_, found, most)| found > most) {
        Some((what, found, most)) => Err(format!("{found} {what} from {capacity} bytes, at most {most}")),
        None => Ok(()),
    }
}

/// Checks that each row of the trace is in exactly one group.
fn check_sums(names: &ColumnValues, keys: &[Key]) -> Result<(), String> {
    let trace = names.trace();
    let view = trace.extent;
    let table = pivot(names, &PivotRequest { keys, visible_range: view, rows: None }, &not_cancelled)
        .map_err(|error| error.to_string())?;
    let mut sum = Aggregate::default();
    table.aggregates().iter().for_each(|cost| sum.merge(cost));
    if sum != *table.total() {
        return Err(format!("groups by {keys:?} add up to {sum:?}, the total is {:?}", table.total()));
    }
    let rows = 0..trace.allocations.len();
    let inside = |row: &usize| {
        let (from, to) = (trace.allocations.alloc_time.at(*row), trace.allocations.free_time[*row]);
        view.classify(from, to).is_some()
    };
    let inside = rows.filter(inside).count() as u64;
    if u128::from(inside) != u128::from(count(&table)) {
        return Err(format!("{inside} rows in the view, {} in the groups", count(&table)));
    }
    Ok(())
}

fn count(table: &Pivot) -> u64 {
    table.aggregates().iter().map(Aggregate::count).sum()
}

fn check_curves(names: &ColumnValues) -> Result<(), String> {
    let measure = SeriesMetric { kind: SeriesKind::Outstanding, by_count: false };
    let view = names.trace().extent;
    let request = SeriesRequest {
        keys: &[Key::Tag],
        metric: measure,
        visible_range: view,
        points: 7,
        rows: None,
        include_preexisting: true,
        top: Some(10),
        chosen: None,
    };
    let set = series(names, &request, &not_cancelled).map_err(|error| error.to_string())?;
    let negative = set.curves.iter().any(|curve| curve.amounts.iter().any(|amount| *amount < 0));
    if negative { Err("a curve is negative".to_owned()) } else { Ok(()) }
}

fn check(sources: &[Source], cases: u64) {
    let outcomes = Outcomes::default();
    let complaints: Vec<String> = sources.par_iter().flat_map_iter(|source| source.check(cases, &outcomes)).collect();
    assert!(
        complaints.is_empty(),
        "{} of {} cases:\n{}\n",
        complaints.len(),
        sources.len() as u64 * cases,
        complaints[..complaints.len().min(12)].join("\n")
    );
    let read = outcomes.read.into_inner();
    assert!(sources.is_empty() || read > 0, "no damaged trace could be read: nothing was tested");
}

#[test]
fn damaged_synthetic_traces_cause_no_fault() {
    let source = |variant: variants::Variant| Source::new(variant.name, bytes_of(&variant.params));
    let sources: Vec<Source> = variants::all(300).into_par_iter().map(source).collect();
    // All pairs of variants; all combinations with POOLSCOPE_ALL_VARIANTS.
    assert!(sources.len() > 40);
    check(&sources, 30);
}

#[test]
fn damaged_real_traces_cause_no_fault() {
    // Large traces are cut: smaller ones reveal the same faults sooner.
    const MAX_BYTES: usize = 400_000;
    let cut = |trace: &poolscope_tests::corpus::RealTrace| {
        let mut bytes = trace.bytes();
        bytes.truncate(MAX_BYTES);
        Source::new(trace.name.clone(), bytes)
    };
    let sources: Vec<Source> = real_traces().iter().map(cut).collect();
    check(&sources, 120);
}

#[test]
fn a_damaged_trace_is_reported_or_refused_with_a_message() {
    let source = Source::new("base".to_owned(), bytes_of(&variants::base(300)));
    let complaints = (0..60_u64).into_par_iter().filter_map(|number| {
        let mut bytes = source.bytes.clone();
        let done = damage(&mut bytes, &source.buffer_offsets, &mut Rng::new(number));
        let file = OnDisk::new("damaged.etl", &bytes);
        let ran = run(&["report", file.path(), "--by", "type,tag", "--format", "json"]);
        let valid = match ran.code {
            0 => serde_json::from_slice::<serde_json::Value>(&ran.out).is_ok(),
            1 => ran.out.is_empty() && ran.err.contains("damaged.etl"),
            _ => false,
        };
        (!valid).then(|| format!("case {number} ({done}): {ran:?}"))
    });
    let complaints: Vec<String> = complaints.collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
