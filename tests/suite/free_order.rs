//! The order of frees that a load keeps is that of their times, in every way in which a trace can be written, whole or damaged.

use poolscope_analysis::group::event_order::EventOrder;
use poolscope_analysis::load::{LoadOptions, load};
use poolscope_analysis::trace::Trace;
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::file::TraceFile;
use poolscope_tests::synthetic::bytes_of;
use poolscope_tests::variants::{all, base};
use std::sync::Arc;

fn load_in_order(bytes: Vec<u8>, threads: usize) -> Arc<Trace> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let file = TraceFile::from_bytes(bytes, "order.etl").expect("the trace opens");
    let options = LoadOptions { free_order: true, ..LoadOptions::default() };
    pool.install(|| load(file, options, &Progress::default(), &CancelToken::none())).expect("it loads")
}

/// Rows with a known free time, sorted by time and row.
fn sorted_frees(trace: &Trace) -> Vec<u32> {
    let times = &trace.allocations.free_time;
    let mut rows: Vec<u32> = (0..times.len() as u32).filter(|row| times[*row as usize].is_known()).collect();
    rows.sort_by_key(|row| times[*row as usize]);
    rows
}

#[track_caller]
fn check(name: &str, bytes: Vec<u8>) -> (usize, usize) {
    let trace = load_in_order(bytes, 2);
    let kept = trace.free_order.as_ref().expect("the order is kept");
    assert_eq!(kept.recorded.len() + kept.implied.len(), sorted_frees(&trace).len(), "{name}");
    assert_eq!(EventOrder::new(&trace).frees(), sorted_frees(&trace), "{name}");
    (kept.recorded.len(), kept.implied.len())
}

#[test]
fn the_kept_order_is_that_of_the_times() {
    for variant in all(1_500) {
        check(&variant.name, bytes_of(&variant.params));
    }
}

#[test]
fn implied_frees_and_frees_of_unknown_allocations_have_their_places() {
    let bytes = bytes_of(&base(30_000));
    let mut found = (0, 0);
    for tenth in 1..9 {
        let mut damaged = bytes.clone();
        let start = damaged.len() / 10 * tenth;
        damaged[start..start + 60_000].fill(0);
        let (recorded, implied) = check(&format!("zeros from {start}"), damaged);
        found = (found.0 + recorded, found.1 + implied);
    }
    assert!(found.0 > 10_000 && found.1 > 10, "{found:?}");
}

#[test]
fn the_kept_order_does_not_depend_on_threads() {
    let bytes = bytes_of(&base(40_000));
    let kept = [1, 2, 7].map(|threads| {
        let trace = load_in_order(bytes.clone(), threads);
        trace.free_order.as_ref().map(|order| (order.recorded.clone(), order.implied.clone()))
    });
    assert!(kept[0].is_some() && kept.windows(2).all(|pair| pair[0] == pair[1]));
}
