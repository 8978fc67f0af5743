//! A load that is cancelled from another thread ends as cancelled, after little more work. The work is counted in records, since
//! times on a busy machine are not comparable.

use poolscope_analysis::load::{LoadError, LoadOptions, load};
use poolscope_base::progress::{CancelToken, Progress, Stage};
use poolscope_etl::file::TraceFile;
use poolscope_tests::synthetic::bytes_of;
use poolscope_tests::variants::base;

const WORKERS: u64 = 2;
/// Upper bound on the attempts to cancel a load within a given stage.
const MAX_ATTEMPTS: usize = 20;

/// Result of a load that was cancelled.
struct CancelledLoad {
    /// True if it ended as cancelled.
    is_cancelled: bool,
    /// Number of records that were read after the cancel.
    records_after: u64,
}

/// Loads a trace, and cancels from another thread as soon as `stage` is reached and records were read.
fn cancel_in(bytes: Vec<u8>, stage: Stage) -> CancelledLoad {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(WORKERS as usize).build().expect("two threads");
    let file = TraceFile::from_bytes(bytes, "cancelled.etl").expect("the trace opens");
    let (progress, cancel) = (Progress::default(), CancelToken::default());
    let (result, seen) = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            loop {
                let now = progress.read();
                if now.stage >= stage && now.events > 0 {
                    cancel.cancel();
                    return progress.read().events;
                }
                std::thread::yield_now();
            }
        });
        let result = pool.install(|| load(file, LoadOptions::default(), &progress, &cancel));
        (result, watcher.join().expect("the watcher does not fail"))
    });
    let is_cancelled = match result {
        Ok(_) => false,
        Err(LoadError::Cancelled(_)) => true,
        Err(error) => panic!("{error}"),
    };
    CancelledLoad { is_cancelled, records_after: progress.read().events - seen }
}

#[test]
fn a_cancelled_load_reads_at_most_the_current_buffers() {
    let params = base(60_000);
    let bytes = bytes_of(&params);
    let buffer_records = u64::from(params.buffer_size) / 16;
    let mut hit = false;
    for _ in 0..MAX_ATTEMPTS {
        let cancelled = cancel_in(bytes.clone(), Stage::Records);
        if cancelled.is_cancelled {
            let most = 2 * WORKERS * buffer_records;
            assert!(cancelled.records_after <= most, "{} records after the cancel", cancelled.records_after);
            hit = true;
            break;
        }
    }
    assert!(hit, "no cancel came in time");
}

#[test]
fn a_cancel_ends_every_later_stage_too() {
    let bytes = bytes_of(&base(30_000));
    for stage in [Stage::Stacks, Stage::Index] {
        let hit = (0..MAX_ATTEMPTS).any(|_| cancel_in(bytes.clone(), stage).is_cancelled);
        assert!(hit, "no cancel came in time for {stage:?}");
    }
}

#[test]
fn a_load_cancelled_before_it_starts_reads_nothing() {
    let file = TraceFile::from_bytes(bytes_of(&base(1_000)), "cancelled.etl").expect("the trace opens");
    let (progress, cancel) = (Progress::default(), CancelToken::default());
    cancel.cancel();
    let result = load(file, LoadOptions::default(), &progress, &cancel);
    assert!(matches!(result, Err(LoadError::Cancelled(_))));
    assert_eq!(progress.read().events, 0);
}
