//! Allocations that were not recorded have an unknown allocator in the index, in reports and in queries: process, thread and
//! processor of the free do not replace those of the allocation. Their pool, tag, size and address are known.

use poolscope_analysis::trace::attributes::EventAttributes;
use poolscope_analysis::trace::ids::ProcessId;
use poolscope_synth::SynthParams;
use poolscope_synth::writer::pool::PoolBlock;
use poolscope_tests::figures::{number, rows};
use poolscope_tests::micro::{Micro, block};
use poolscope_tests::program::{csv, json};
use poolscope_tests::synthetic::{OnDisk, bytes_of, loaded};
use poolscope_tests::variants::base;
use serde_json::Value;

const ALLOCATES: (u32, u32) = (40, 44);
const FREES: (u32, u32) = (50, 54);

/// Three allocations: one with both events, one from before the trace, and one whose allocation event was lost.
fn three() -> OnDisk {
    let of = |address, size| PoolBlock { size, ..block(address) };
    let mut trace = Micro::default();
    trace.alloc(1, 10, ALLOCATES, &of(0xA0, 64));
    trace.free(2, 20, FREES, &of(0xA0, 64));
    trace.free(2, 30, FREES, &of(0xB0, 128));
    trace.free(2, 40, FREES, &of(0xA0, 256));
    OnDisk::new("three.etl", &trace.bytes(1_000))
}

fn sizes(document: &Value, key: &str) -> Vec<(Value, u64)> {
    rows(document).iter().map(|row| (row[key].clone(), number(row, "size"))).collect()
}

fn report(file: &OnDisk, by: &str, query: &[&str]) -> Value {
    json(&[&["report", file.path(), "--by", by, "--sort", "key", "--format", "json"], query].concat())
}

#[test]
fn reports_show_an_unknown_allocator_for_unrecorded_allocations() {
    let file = three();
    let unknown = Value::from("(unknown allocator)");
    let by_process = sizes(&report(&file, "process", &[]), "process");
    assert_eq!(by_process, [(unknown, 128 + 256), (Value::from("Unknown (40)"), 64)]);
    assert_eq!(sizes(&report(&file, "thread", &[]), "thread"), [(Value::Null, 384), (Value::from(44), 64)]);
    assert_eq!(sizes(&report(&file, "cpu", &[]), "cpu"), [(Value::Null, 384), (Value::from(1), 64)]);
    // The pool is that of the free.
    assert_eq!(sizes(&report(&file, "tag", &[]), "tag"), [(Value::from("Leak"), 448)]);
    let (header, lines) =
        csv(&["report", file.path(), "--by", "process,thread,cpu", "--columns", "size", "--format", "csv"]);
    assert_eq!(header, ["process", "thread", "cpu", "size"]);
    assert_eq!(lines[0], ["(unknown allocator)", "", "", "384"]);
}

#[test]
fn queries_find_unrecorded_allocations_by_their_unknown_allocator_and_not_by_the_freeing_process() {
    let file = three();
    let size = |query: &str| number(&report(&file, "tag", &["--where", query])["total"], "size");
    assert_eq!(size("process:\"(unknown allocator)\""), 384);
    assert_eq!(size("process:unknown*"), 64, "a process without a record is not an unknown allocator");
    assert_eq!((size("process:40"), size("process:50")), (64, 0));
    assert_eq!((size("thread:44"), size("thread:54"), size("thread:none")), (64, 0, 384));
    assert_eq!((size("cpu:1"), size("cpu:2"), size("cpu:none")), (64, 0, 384));
    assert_eq!((size("tag:Leak"), size("address:0xb0")), (448, 128));
}

#[test]
fn every_unrecorded_allocation_has_an_unknown_allocator() {
    for params in [SynthParams { loss_share: 0.1, ..base(3_000) }, base(3_000)] {
        let trace = loaded(bytes_of(&params));
        let table = &trace.allocations;
        let mut unknown = 0;
        for row in 0..table.len() {
            let allocation = trace.attributes.get(table.alloc_attributes[row]).expect("attributes");
            let free = trace.attributes.get(table.free_attributes[row]);
            if table.is_allocation_recorded(row) {
                assert!(trace.processes.get(allocation.process).is_some());
                continue;
            }
            unknown += 1;
            let free = free.expect("only the free was recorded");
            assert_eq!(allocation.process, ProcessId::UNKNOWN_ALLOCATOR);
            assert_eq!((allocation.thread, allocation.cpu), (EventAttributes::NO_THREAD, EventAttributes::NO_CPU));
            assert_eq!(
                (allocation.tag, allocation.pool_type, allocation.session),
                (free.tag, free.pool_type, free.session)
            );
            assert!(
                free.thread != EventAttributes::NO_THREAD && free.cpu != EventAttributes::NO_CPU,
                "the freeing thread is known"
            );
        }
        assert!(unknown > 50, "{unknown}");
    }
}
