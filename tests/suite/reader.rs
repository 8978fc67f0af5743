//! Records from another reader, in the shape in which Windows hands them out: the same trace comes of them as of the file.
//! What that way cannot know is left open, and said.

use poolscope_analysis::filter::{CompiledQuery, Query};
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::group::names::Names;
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
use poolscope_tests::planted::{bytes_of, loaded};
use poolscope_tests::said::{differences, said};
use poolscope_tests::variants;
use poolscope_tests::windows_shape::{Ending, WindowsShape};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn load_as(source: WindowsShape) -> Result<Arc<Trace>, LoadError> {
    load_records(Arc::new(source), LoadOptions::default(), &Progress::default(), &CancelToken::none())
}

/// Diagnostics that only one way of reading can see: what buffers show. That a file has wrapped is also seen without them, but
/// only if its first event comes late.
const ONE_SIDED: [DiagnosticKind; 5] = [
    DiagnosticKind::UncertainStack,
    DiagnosticKind::ReadByWindows,
    DiagnosticKind::LossInBuffer,
    DiagnosticKind::BufferCountDiffers,
    DiagnosticKind::WrappedCircular,
];

/// Topics that may differ.
const APART: [&str; 2] = ["diagnostics", "uncertain stacks"];

fn complaints(name: &str, bytes: Vec<u8>) -> Vec<String> {
    let ours = loaded(bytes.clone());
    let theirs = load_as(WindowsShape::new(bytes)).expect("records make a trace");
    let mut found = differences(&said(&ours, true), &said(&theirs, true), &APART);
    for kind in DiagnosticKind::ALL.iter().filter(|kind| !ONE_SIDED.contains(kind)) {
        let (here, there) = (ours.diagnostics.count(*kind), theirs.diagnostics.count(*kind));
        if here != there {
            found.push(format!("{}: {here} and {there}", kind.name()));
        }
    }
    // Without buffers nobody can tell where records are missing, and so more stacks are uncertain, never fewer.
    let uncertain = |trace: &Trace| trace.diagnostics.count(DiagnosticKind::UncertainStack);
    if uncertain(&theirs) < uncertain(&ours) {
        found.push(format!("uncertain stacks: {} and only {}", uncertain(&ours), uncertain(&theirs)));
    }
    if theirs.diagnostics.count(DiagnosticKind::ReadByWindows) != 1 || theirs.statistics.compressed_buffers.is_some() {
        found.push("it does not say that Windows read it".to_owned());
    }
    found.into_iter().map(|words| format!("{name}: {words}")).collect()
}

#[test]
fn made_up_traces_say_the_same_through_both_readers() {
    let mut found = Vec::new();
    for variant in variants::all(800) {
        found.extend(complaints(&variant.name, bytes_of(&variant.params)));
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn the_sample_and_real_traces_say_the_same_through_both_readers() {
    let mut found = complaints("sample", poolscope::sample::TRACE.to_vec());
    for trace in real_traces() {
        found.extend(complaints(&trace.name, trace.bytes()));
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn many_batches_and_any_number_of_threads_give_one_trace() {
    // Several batches of 65536 records.
    let params = SynthParams { stacks: StackMode::Mixed, noise_share: 0.9, ..variants::base(60_000) };
    let bytes = bytes_of(&params);
    let ours = said(&loaded(bytes.clone()), true);
    let shape = Arc::new(WindowsShape::new(bytes));
    assert!(shape.len() > 200_000, "{}", shape.len());
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let source: Arc<dyn RecordSource> = Arc::<WindowsShape>::clone(&shape);
        let progress = Progress::default();
        let run = || load_records(source, LoadOptions::default(), &progress, &CancelToken::none());
        let theirs = pool.install(run).expect("records make a trace");
        assert_eq!(differences(&ours, &said(&theirs, true), &["diagnostics"]), [""; 0], "{threads} threads");
        let reading = progress.read();
        assert_eq!((reading.stage, reading.events), (Stage::Done, shape.len() as u64));
        assert!(reading.bytes_done > reading.bytes_total / 2, "{reading:?}");
        assert!(reading.bytes_done <= reading.bytes_total, "{reading:?}");
    }
}

#[test]
fn without_processors_everything_else_is_the_same_and_none_is_made_up() {
    let bytes = bytes_of(&SynthParams { stacks: StackMode::Keyed, ..variants::base(3_000) });
    let ours = loaded(bytes.clone());
    let mut shape = WindowsShape::new(bytes);
    shape.with_cpus = false;
    let theirs = load_as(shape).expect("records make a trace");
    assert_eq!(differences(&said(&ours, false), &said(&theirs, false), &["diagnostics"]), [""; 0]);
    assert!(theirs.attributes.rows().iter().all(|context| context.cpu == EventAttributes::NO_CPU));
    let taken = |trace: &Arc<Trace>| {
        let query: Query = "cpu:>=0".parse().expect("a query");
        let names = Names::new(Arc::clone(trace), FrameNaming::Symbol);
        let rows = CompiledQuery::new(&query, &names, trace.extent).rows(trace, &|| false);
        rows.expect("not cancelled").count()
    };
    // On which processor a block was allocated is known of those whose allocation was recorded.
    assert_eq!(taken(&ours), ours.statistics.pool_allocs);
    assert_eq!(taken(&theirs), 0, "no block is on a processor that nobody knows");
}

#[test]
fn a_load_reads_the_records_once() {
    let base = variants::base(2_000);
    let lossy = SynthParams { loss_share: 0.1, stacks: StackMode::Inline, ..base.clone() };
    for (params, stacks) in [(&base, StackScope::None), (&base, StackScope::Pool), (&lossy, StackScope::Pool)] {
        let shape = Arc::new(WindowsShape::new(bytes_of(params)));
        let source: Arc<dyn RecordSource> = Arc::<WindowsShape>::clone(&shape);
        let loaded = load_records(source, LoadOptions { stacks }, &Progress::default(), &CancelToken::none());
        loaded.expect("records make a trace");
        assert_eq!(shape.walks.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn an_early_end_keeps_what_came_before_it_and_is_data_loss() {
    let bytes = bytes_of(&variants::base(2_000));
    let whole = loaded(bytes.clone());
    let mut shape = WindowsShape::new(bytes.clone());
    shape.ending = Ending::Error(shape.len() / 2);
    let part = load_as(shape).expect("half a trace is a trace");
    assert_eq!(part.diagnostics.count(DiagnosticKind::ReaderStopped), 1);
    assert!(part.statistics.pool_allocs > 0 && part.statistics.pool_allocs < whole.statistics.pool_allocs);
    // Refused at once, there is no trace.
    let mut refused = WindowsShape::new(bytes);
    refused.ending = Ending::Error(0);
    let error = load_as(refused).expect_err("nothing was read").to_string();
    assert!(error.contains("as-windows.etl") && error.contains("corrupt"), "{error}");
}

#[test]
fn a_missing_header_is_said_and_the_usual_clock_assumed() {
    let bytes = bytes_of(&variants::base(500));
    let ours = loaded(bytes.clone());
    let theirs = load_as(WindowsShape::new(bytes).headless()).expect("records make a trace");
    assert_eq!(theirs.diagnostics.count(DiagnosticKind::BadHeader), 1);
    assert_eq!(theirs.allocations.len(), ours.allocations.len());
    assert_eq!(theirs.clock.ticks_per_second, 10_000_000);
}

/// A source that is not a trace: it says nothing, hangs, or breaks.
enum Odd {
    Nothing,
    Hangs,
    Panics,
}

impl RecordSource for Odd {
    fn name(&self) -> String {
        "odd.etl".to_owned()
    }

    fn file_bytes(&self) -> u64 {
        1
    }

    fn walk(&self, _: &mut dyn RecordSink) -> Result<(), OpenError> {
        match self {
            Self::Nothing => Ok(()),
            Self::Hangs => loop {
                std::thread::sleep(Duration::from_secs(60));
            },
            Self::Panics => panic!("out of luck"),
        }
    }
}

#[test]
fn a_source_without_records_and_one_that_breaks_are_errors() {
    let load = |odd| load_records(Arc::new(odd), LoadOptions::default(), &Progress::default(), &CancelToken::none());
    let error = load(Odd::Nothing).expect_err("no records").to_string();
    assert!(error.contains("odd.etl") && error.contains("no record"), "{error}");
    let error = load(Odd::Panics).expect_err("a panic");
    assert!(matches!(&error, LoadError::Internal { message } if message == "out of luck"), "{error:?}");
}

#[test]
fn a_cancel_does_not_wait_for_a_reader_that_cannot_be_stopped() {
    let cancel = CancelToken::default();
    let token = cancel.clone();
    let work = std::thread::spawn(move || {
        load_records(Arc::new(Odd::Hangs), LoadOptions::default(), &Progress::default(), &token)
    });
    cancel.cancel();
    // The source sleeps for ever: only a load that leaves it behind gets here.
    let result = work.join().expect("no panic");
    assert!(matches!(result, Err(LoadError::Cancelled(_))), "{result:?}");
}
