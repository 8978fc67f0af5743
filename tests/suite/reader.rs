//! Traces delivered record by record, as the Windows API does: the result is the same as from the file, and properties
//! that only the file has (buffers, processors) are reported as unknown.

use poolscope_analysis::filter::{CompiledQuery, Query};
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::load::{LoadError, LoadOptions, StackScope, load_records};
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::attributes::EventAttributes;
use poolscope_base::progress::{CancelToken, Progress, Stage};
use poolscope_etl::diagnostics::DiagnosticKind;
use poolscope_etl::file::OpenError;
use poolscope_etl::reader::{RecordSink, RecordSource};
use poolscope_synth::SynthParams;
use poolscope_synth::scenario::StackMode;
use poolscope_tests::corpus::real_traces;
use poolscope_tests::synthetic::{bytes_of, loaded};
use poolscope_tests::trace_dump::{differences, dump};
use poolscope_tests::variants;
use poolscope_tests::windows_shape::{Ending, WindowsShape};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn load_shape(source: WindowsShape) -> Result<Arc<Trace>, LoadError> {
    load_records(Arc::new(source), LoadOptions::default(), &Progress::default(), &CancelToken::none())
}

/// Diagnostics that depend on buffers, and therefore differ between the two ways of reading. A wrapped file is
/// recognized without buffers too, but only if its first event comes late.
const BUFFER_DIAGNOSTICS: [DiagnosticKind; 5] = [
    DiagnosticKind::UncertainStack,
    DiagnosticKind::ReadByWindows,
    DiagnosticKind::LossInBuffer,
    DiagnosticKind::BufferCountDiffers,
    DiagnosticKind::WrappedCircular,
];

/// Topics of a trace dump that may differ.
const MAY_DIFFER: [&str; 2] = ["diagnostics", "uncertain stacks"];

/// Loads a trace in both ways and lists the differences.
fn complaints(name: &str, bytes: Vec<u8>) -> Vec<String> {
    let ours = loaded(bytes.clone());
    let theirs = load_shape(WindowsShape::new(bytes)).expect("records make a trace");
    let mut found = differences(&dump(&ours, true), &dump(&theirs, true), &MAY_DIFFER);
    for kind in DiagnosticKind::ALL.iter().filter(|kind| !BUFFER_DIAGNOSTICS.contains(kind)) {
        let (here, there) = (ours.diagnostics.count(*kind), theirs.diagnostics.count(*kind));
        if here != there {
            found.push(format!("{}: {here} and {there}", kind.name()));
        }
    }
    // Without buffers the position of a loss is unknown, so that more stacks are uncertain, never fewer.
    let uncertain = |trace: &Trace| trace.diagnostics.count(DiagnosticKind::UncertainStack);
    if uncertain(&theirs) < uncertain(&ours) {
        found.push(format!("uncertain stacks: {} and only {}", uncertain(&ours), uncertain(&theirs)));
    }
    if theirs.diagnostics.count(DiagnosticKind::ReadByWindows) != 1 || theirs.statistics.compressed_buffers.is_some() {
        found.push("it does not report that Windows read it".to_owned());
    }
    found.into_iter().map(|words| format!("{name}: {words}")).collect()
}

#[test]
fn synthetic_traces_are_the_same_through_both_readers() {
    let mut found = Vec::new();
    for variant in variants::all(800) {
        found.extend(complaints(&variant.name, bytes_of(&variant.params)));
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn the_sample_and_real_traces_are_the_same_through_both_readers() {
    let mut found = complaints("sample", poolscope::sample::TRACE.to_vec());
    for trace in real_traces() {
        found.extend(complaints(&trace.name, trace.bytes()));
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn the_result_does_not_depend_on_batches_and_threads() {
    // Several batches of 65536 records.
    let params = SynthParams { stacks: StackMode::Mixed, noise_share: 0.9, ..variants::base(60_000) };
    let bytes = bytes_of(&params);
    let ours = dump(&loaded(bytes.clone()), true);
    let shape = Arc::new(WindowsShape::new(bytes));
    assert!(shape.len() > 200_000, "{}", shape.len());
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let source: Arc<dyn RecordSource> = Arc::<WindowsShape>::clone(&shape);
        let progress = Progress::default();
        let run = || load_records(source, LoadOptions::default(), &progress, &CancelToken::none());
        let theirs = pool.install(run).expect("records make a trace");
        assert_eq!(differences(&ours, &dump(&theirs, true), &["diagnostics"]), [""; 0], "{threads} threads");
        let reading = progress.read();
        assert_eq!((reading.stage, reading.events), (Stage::Done, shape.len() as u64));
        assert!(reading.bytes_done > reading.bytes_total / 2, "{reading:?}");
        assert!(reading.bytes_done <= reading.bytes_total, "{reading:?}");
    }
}

#[test]
fn without_processors_everything_else_is_the_same() {
    let bytes = bytes_of(&SynthParams { stacks: StackMode::Keyed, ..variants::base(3_000) });
    let ours = loaded(bytes.clone());
    let mut shape = WindowsShape::new(bytes);
    shape.with_cpus = false;
    let theirs = load_shape(shape).expect("records make a trace");
    assert_eq!(differences(&dump(&ours, false), &dump(&theirs, false), &["diagnostics"]), [""; 0]);
    assert!(theirs.attributes.rows().iter().all(|context| context.cpu == EventAttributes::NO_CPU));
    let with_cpu = |trace: &Arc<Trace>| {
        let query: Query = "cpu:>=0".parse().expect("a query");
        let names = ColumnValues::new(Arc::clone(trace), FrameNaming::Symbol);
        let rows = CompiledQuery::new(&query, &names, trace.extent).rows(trace, &|| false);
        rows.expect("not cancelled").count()
    };
    // The processor is known of allocations that were made within the trace.
    assert_eq!(with_cpu(&ours), ours.statistics.pool_allocs);
    assert_eq!(with_cpu(&theirs), 0, "no allocation has a processor");
}

#[test]
fn a_load_reads_the_records_once() {
    let base = variants::base(2_000);
    let lossy = SynthParams { loss_share: 0.1, stacks: StackMode::Inline, ..base.clone() };
    for (params, stacks) in [(&base, StackScope::None), (&base, StackScope::Pool), (&lossy, StackScope::Pool)] {
        let shape = Arc::new(WindowsShape::new(bytes_of(params)));
        let source: Arc<dyn RecordSource> = Arc::<WindowsShape>::clone(&shape);
        let loaded = load_records(
            source,
            LoadOptions { stacks, ..LoadOptions::default() },
            &Progress::default(),
            &CancelToken::none(),
        );
        loaded.expect("records make a trace");
        assert_eq!(shape.walks.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn records_before_an_early_end_are_kept_and_the_end_is_data_loss() {
    let bytes = bytes_of(&variants::base(2_000));
    let whole = loaded(bytes.clone());
    let mut shape = WindowsShape::new(bytes.clone());
    shape.ending = Ending::Error(shape.len() / 2);
    let part = load_shape(shape).expect("half a trace is a trace");
    assert_eq!(part.diagnostics.count(DiagnosticKind::ReaderStopped), 1);
    assert!(part.statistics.pool_allocs > 0 && part.statistics.pool_allocs < whole.statistics.pool_allocs);
    // Without any record there is no trace.
    let mut refused = WindowsShape::new(bytes);
    refused.ending = Ending::Error(0);
    let error = load_shape(refused).expect_err("nothing was read").to_string();
    assert!(error.contains("as-windows.etl") && error.contains("corrupt"), "{error}");
}

#[test]
fn a_missing_header_is_reported_and_the_usual_clock_assumed() {
    let bytes = bytes_of(&variants::base(500));
    let ours = loaded(bytes.clone());
    let theirs = load_shape(WindowsShape::new(bytes).headless()).expect("records make a trace");
    assert_eq!(theirs.diagnostics.count(DiagnosticKind::BadHeader), 1);
    assert_eq!(theirs.allocations.len(), ours.allocations.len());
    assert_eq!(theirs.clock.ticks_per_second, 10_000_000);
}

/// A source that delivers no record, never returns, or panics.
enum FaultySource {
    Empty,
    Hangs,
    Panics,
}

impl RecordSource for FaultySource {
    fn name(&self) -> String {
        "odd.etl".to_owned()
    }

    fn file_bytes(&self) -> u64 {
        1
    }

    fn walk(&self, _: &mut dyn RecordSink) -> Result<(), OpenError> {
        match self {
            Self::Empty => Ok(()),
            Self::Hangs => loop {
                std::thread::sleep(Duration::from_secs(60));
            },
            Self::Panics => panic!("out of luck"),
        }
    }
}

#[test]
fn a_source_without_records_and_one_that_panics_are_errors() {
    let load =
        |source| load_records(Arc::new(source), LoadOptions::default(), &Progress::default(), &CancelToken::none());
    let error = load(FaultySource::Empty).expect_err("no records").to_string();
    assert!(error.contains("odd.etl") && error.contains("no record"), "{error}");
    let error = load(FaultySource::Panics).expect_err("a panic");
    assert!(matches!(&error, LoadError::Internal { message } if message == "out of luck"), "{error:?}");
}

#[test]
fn a_cancel_does_not_wait_for_a_source_that_cannot_be_stopped() {
    let cancel = CancelToken::default();
    let token = cancel.clone();
    let work = std::thread::spawn(move || {
        load_records(Arc::new(FaultySource::Hangs), LoadOptions::default(), &Progress::default(), &token)
    });
    cancel.cancel();
    // The source never returns: the load has to leave it behind.
    let result = work.join().expect("no panic");
    assert!(matches!(result, Err(LoadError::Cancelled(_))), "{result:?}");
}
