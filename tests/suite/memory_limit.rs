//! A load keeps within its memory limit: it leaves out the stacks of frees and says so, and fails with the size that it needs if that
//! is not enough.

use poolscope_analysis::load::{LoadError, LoadOptions, load};
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::ids::StackId;
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::diagnostics::DiagnosticKind;
use poolscope_etl::file::TraceFile;
use poolscope_synth::SynthParams;
use poolscope_tests::program::run;
use poolscope_tests::synthetic::{OnDisk, bytes_of};
use poolscope_tests::variants::base;
use std::sync::Arc;

fn load_within(bytes: &[u8], memory_limit_bytes: Option<u64>) -> Result<Arc<Trace>, LoadError> {
    let file = TraceFile::from_bytes(bytes.to_vec(), "limited.etl").expect("the trace opens");
    let options = LoadOptions { memory_limit_bytes, ..LoadOptions::default() };
    load(file, options, &Progress::default(), &CancelToken::none())
}

/// Returns `true` if the trace says that it has no free stacks.
fn has_left_out(trace: &Trace) -> bool {
    trace.diagnostics.count(DiagnosticKind::FreeStacksLeftOut) > 0
}

#[test]
fn a_limit_costs_the_stacks_of_frees_first_and_then_the_load() {
    // Leaks: most addresses are used once, so that merging needs more memory than the final table.
    let bytes = bytes_of(&SynthParams { leak_share: 0.9, ..base(20_000) });
    let whole = load_within(&bytes, None).expect("it loads");
    assert!(!has_left_out(&whole) && whole.allocations.free_stack.iter().any(|stack| *stack != StackId::EMPTY));
    let limits = (1..=128).rev().map(|step| step * (64 << 10));
    let loads: Vec<(u64, Result<Arc<Trace>, LoadError>)> =
        limits.map(|limit| (limit, load_within(&bytes, Some(limit)))).collect();
    assert!(loads[0].1.as_ref().is_ok_and(|trace| !has_left_out(trace)), "8 MB are enough");
    let without: Vec<&Arc<Trace>> =
        loads.iter().filter_map(|(_, loaded)| loaded.as_ref().ok().filter(|trace| has_left_out(trace))).collect();
    assert!(!without.is_empty(), "no limit costs only the stacks of frees");
    for trace in without {
        assert_eq!(trace.allocations.len(), whole.allocations.len());
        assert!(trace.allocations.free_stack.iter().all(|stack| *stack == StackId::EMPTY));
        assert!(trace.allocations.alloc_stack.iter().any(|stack| *stack != StackId::EMPTY));
        assert_eq!(trace.statistics.pool_frees, whole.statistics.pool_frees);
    }
    let refused: Vec<(u64, u64)> = loads
        .iter()
        .filter_map(|(limit, loaded)| match loaded {
            Err(LoadError::MemoryLimit { needed_bytes, limit_bytes }) if limit_bytes == limit => {
                Some((*limit, *needed_bytes))
            }
            Err(error) => panic!("{error}"),
            Ok(_) => None,
        })
        .collect();
    assert!(!refused.is_empty() && refused.iter().all(|(limit, needed)| needed > limit));
    // What is refused is all below what loads.
    let order: Vec<u8> =
        loads.iter().map(|(_, loaded)| loaded.as_ref().map_or(2, |trace| u8::from(has_left_out(trace)))).collect();
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn the_command_line_names_the_memory_that_a_trace_needs() {
    let file = OnDisk::new("limited.etl", &bytes_of(&base(5_000)));
    let refused = run(&["report", file.path(), "--memory-limit", "64KB"]);
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("MB of memory") && refused.err.contains("raise the limit"), "{}", refused.err);
    assert_eq!(run(&["report", file.path(), "--memory-limit", "1GB"]).code, 0);
}
