//! Traces of a few records with results worked out by hand: cases that the generator of synthetic traces does not
//! produce, or too rarely.

use poolscope_etl::diagnostics::DiagnosticKind;
use poolscope_synth::writer::pool::PoolBlock;
use poolscope_synth::writer::{
    EventHeader, EventInstanceHeader, EventTraceHeader, ExtendedItem, KernelHeader, KernelHeaderForm, RecordHeader,
    TraceMessageHeader, TraceOptions, Width, guids, image, process, stack,
};
use poolscope_tests::figures::{number, rows, text};
use poolscope_tests::micro::{Micro, block, blocks, pool_event, stacks};
use poolscope_tests::program::json;
use poolscope_tests::synthetic::OnDisk;
use serde_json::Value;

/// A process and a thread.
const OWNER: (u32, u32) = (40, 44);
const K1: u64 = 0xFFFF_F800_0000_1000;
const K2: u64 = 0xFFFF_F800_0000_2000;
const U1: u64 = 0x7FF6_0000_1000;
const U2: u64 = 0x7FF6_0000_2000;

#[test]
fn two_events_of_one_thread_in_one_tick_get_their_stacks_in_order() {
    let mut trace = Micro::default();
    trace.alloc(0, 10, OWNER, &block(0xA0));
    trace.alloc(0, 10, OWNER, &block(0xB0));
    trace.stack(0, (11, 10), OWNER, &[K1]);
    trace.stack(0, (12, 10), OWNER, &[K2]);
    trace.stack(0, (13, 10), OWNER, &[U1]);
    trace.stack(0, (14, 10), OWNER, &[U2]);
    let trace = trace.load();
    assert_eq!(stacks(&trace), ["0xa0: 0x7ff600001000 0xfffff80000001000", "0xb0: 0x7ff600002000 0xfffff80000002000"]);
    assert_eq!((trace.statistics.stacks.matched, trace.statistics.stacks.unmatched), (4, 0));
}

#[test]
fn an_address_used_twice_in_one_tick_on_one_cpu() {
    let mut trace = Micro::default();
    trace.alloc(0, 10, OWNER, &block(0xA0));
    trace.free(0, 10, OWNER, &block(0xA0));
    trace.alloc(0, 10, OWNER, &PoolBlock { size: 128, ..block(0xA0) });
    let trace = trace.load();
    assert_eq!(blocks(&trace), ["Leak 0xa0 128 10..", "Leak 0xa0 64 10..10"]);
    assert_eq!(trace.diagnostics.count(DiagnosticKind::ImpliedFree), 0);
}

#[test]
fn a_live_address_is_freed_first_where_two_cpus_share_a_tick() {
    for flushed_first in [0, 1] {
        let mut trace = Micro::default();
        trace.alloc(0, 5, OWNER, &block(0xA0));
        trace.alloc(0, 10, OWNER, &PoolBlock { size: 128, ..block(0xA0) });
        trace.free(1, 10, (40, 45), &block(0xA0));
        trace.flush(flushed_first);
        let trace = trace.load();
        assert_eq!(blocks(&trace), ["Leak 0xa0 64 5..10", "Leak 0xa0 128 10.."], "CPU {flushed_first} first");
    }
}

#[test]
fn a_dead_address_is_allocated_first_where_two_cpus_share_a_tick() {
    for flushed_first in [0, 1] {
        let mut trace = Micro::default();
        trace.free(0, 10, OWNER, &block(0xA0));
        trace.alloc(1, 10, (40, 45), &block(0xA0));
        trace.flush(flushed_first);
        assert_eq!(blocks(&trace.load()), ["Leak 0xa0 64 10..10"], "CPU {flushed_first} first");
    }
}

#[test]
fn implied_events_are_counted() {
    let mut trace = Micro::default();
    trace.alloc(0, 10, OWNER, &block(0xA0));
    trace.alloc(0, 20, OWNER, &PoolBlock { size: 128, ..block(0xA0) });
    trace.free(0, 30, OWNER, &PoolBlock { size: 128, ..block(0xA0) });
    trace.free(0, 40, OWNER, &PoolBlock { size: 256, ..block(0xA0) });
    trace.free(0, 50, OWNER, &block(0xB0));
    trace.alloc(0, 60, OWNER, &block(0xB0));
    let trace = trace.load();
    assert_eq!(
        blocks(&trace),
        [
            "Leak 0xa0 64 10..20!",
            "Leak 0xa0 128 20..30",
            "Leak 0xa0 256 !30..40",
            "Leak 0xb0 64 ..50",
            "Leak 0xb0 64 60.."
        ]
    );
    let counts =
        [DiagnosticKind::ImpliedFree, DiagnosticKind::ImpliedAllocation, DiagnosticKind::FreeWithoutAllocation];
    assert_eq!(counts.map(|kind| trace.diagnostics.count(kind)), [1, 1, 1]);
}

#[test]
fn one_address_in_two_sessions_is_two_allocations() {
    let of = |session| PoolBlock { session: Some(session), pool_type: 33, ..block(0xA0) };
    let mut trace = Micro::default();
    trace.alloc(0, 10, OWNER, &of(1));
    trace.alloc(1, 20, OWNER, &of(2));
    trace.alloc(0, 25, OWNER, &block(0xA0));
    trace.free(1, 30, OWNER, &of(1));
    let trace = trace.load();
    assert_eq!(blocks(&trace), ["Leak 0xa0/1 64 10..30", "Leak 0xa0/2 64 20..", "Leak 0xa0 64 25.."]);
}

#[test]
fn the_protected_bit_is_no_part_of_a_tag() {
    let mut trace = Micro::default();
    trace.alloc(0, 10, OWNER, &PoolBlock { tag: [b'L', b'e', b'a', b'k' | 0x80], ..block(0xA0) });
    trace.free(0, 20, OWNER, &block(0xA0));
    trace.alloc(0, 30, OWNER, &PoolBlock { tag: *b"Fil ", ..block(0xB0) });
    let trace = trace.load();
    assert_eq!(blocks(&trace), ["Leak 0xa0 64 10..20", "Fil  0xb0 64 30.."]);
    assert_eq!(trace.diagnostics.count(DiagnosticKind::PairDisagrees), 0);
}

#[test]
fn allocations_over_4_gib_add_up() {
    let mut trace = Micro::default();
    trace.alloc(0, 10, OWNER, &PoolBlock { size: 5 << 30, ..block(0xA0) });
    trace.alloc(0, 11, OWNER, &PoolBlock { size: 7 << 30, ..block(0xB0) });
    let document = report(trace, &["--by", "tag"]);
    assert_eq!(number(&rows(&document)[0], "size"), 12 << 30);
    // A size above 2^48 bytes is damage, and is counted as that.
    let mut trace = Micro::default();
    (1..=3).for_each(|n| trace.alloc(0, n, OWNER, &PoolBlock { size: 1 << 48, ..block(n as u64) }));
    trace.alloc(0, 4, OWNER, &PoolBlock { size: (1 << 48) + 1, ..block(4) });
    let trace = trace.load();
    assert!(trace.allocations.size.iter().eq([1 << 48; 3]));
    assert_eq!(trace.diagnostics.count(DiagnosticKind::BadPayload), 1);
}

#[test]
fn frames_are_named_by_the_driver_that_was_loaded_at_the_time() {
    let driver = |path| image::Image { base: K1, size: 0x4000, pid: 0, checksum: 1, timestamp: 2, path };
    let payload = |path| {
        let mut out = Vec::new();
        image::image(&mut out, Width::Bits64, 3, &driver(path));
        out
    };
    let mut trace = Micro::default();
    trace.system(0, 1, image::HOOK_DC_START, 3, (0, 0), &payload("\\SystemRoot\\old.sys"));
    trace.alloc(0, 10, OWNER, &block(0xA0));
    trace.stack(0, (11, 10), OWNER, &[K1 + 0x10]);
    trace.system(0, 20, image::HOOK_UNLOAD, 3, (0, 0), &payload("\\SystemRoot\\old.sys"));
    trace.system(0, 30, image::HOOK_LOAD, 3, (0, 0), &payload("\\SystemRoot\\new.sys"));
    trace.alloc(0, 40, OWNER, &block(0xB0));
    trace.stack(0, (41, 40), OWNER, &[K1 + 0x10]);
    trace.alloc(0, 50, OWNER, &block(0xC0));
    trace.stack(0, (51, 50), OWNER, &[K1 + 0x4000]);
    let trace = trace.load();
    assert_eq!(
        stacks(&trace),
        ["0xa0: old.sys!0xfffff80000001010", "0xb0: new.sys!0xfffff80000001010", "0xc0: 0xfffff80000005000"]
    );
}

#[test]
fn a_reused_process_id_is_another_process() {
    let payload = |name| {
        let mut out = Vec::new();
        let of = process::Process {
            key: 0xFFFF_8000_0000_1080,
            pid: 40,
            parent: 4,
            session: 1,
            exit_status: 0,
            flags: 0,
            sid: &[],
            image: name,
            command_line: "",
        };
        process::process(&mut out, Width::Bits64, 4, &of);
        out
    };
    let mut trace = Micro::default();
    trace.system(0, 1, process::HOOK_START, 4, (4, 8), &payload("old.exe"));
    trace.alloc(0, 10, OWNER, &block(0xA0));
    trace.system(0, 20, process::HOOK_END, 4, OWNER, &payload("old.exe"));
    trace.system(0, 30, process::HOOK_START, 4, (4, 8), &payload("new.exe"));
    trace.alloc(1, 40, OWNER, &PoolBlock { size: 128, ..block(0xB0) });
    let document = report(trace, &["--by", "process", "--sort", "size"]);
    let found: Vec<(String, u64)> =
        rows(&document).iter().map(|row| (text(row, "process"), number(row, "size"))).collect();
    assert_eq!(found, [("new.exe (40)".to_owned(), 128), ("old.exe (40)".to_owned(), 64)]);
}

#[test]
fn a_range_includes_both_bounds() {
    let types = |range: &str| -> Vec<String> {
        let mut trace = Micro::default();
        trace.alloc(0, 100, OWNER, &block(0xA0));
        trace.free(0, 200, OWNER, &block(0xA0));
        rows(&report(trace, &["--by", "type", "--range", range])).iter().map(|row| text(row, "type")).collect()
    };
    assert_eq!(types("0.00001..0.00002"), ["AIFI"]);
    assert_eq!(types("0.00001..0.0000199"), ["AIFO"]);
    assert_eq!(types("0.0000101..0.00002"), ["AOFI"]);
    assert_eq!(types("0.0000101..0.0000199"), ["AOFO"]);
    assert_eq!(types("0.00002..0.00003"), ["AOFI"]);
    assert_eq!(types("0..0.00001"), ["AIFO"]);
    assert_eq!(types("0.0000201..0.00003"), Vec::<String>::new());
    assert_eq!(types("0..0.0000099"), Vec::<String>::new());
    // Bounds are rounded to the nearest tick: 0.4 ticks more are the same tick, 0.6 ticks more the next one.
    assert_eq!(types("0.00001004..0.00002"), ["AIFI"]);
    assert_eq!(types("0.00001006..0.00002"), ["AOFI"]);
}

#[test]
fn pool_events_relogged_by_a_32_bit_program_keep_their_64_bit_payload() {
    let mut trace = Micro::default();
    let of = PoolBlock { size: 5 << 30, ..block(0xFFFF_9000_0000_00A0) };
    let in_session = PoolBlock { session: Some(3), pool_type: 33, ..block(0xFFFF_9000_0000_00B0) };
    for (time, free, of) in [(10, false, of), (20, true, of), (30, false, in_session)] {
        let (hook, payload) = pool_event(free, &of, Width::Bits64);
        let head = EventTraceHeader {
            width: Width::Bits32,
            guid: guids::POOL,
            opcode: hook as u8,
            level: 0,
            version: 2,
            ticks: trace.raw(time),
            pid: OWNER.0,
            tid: OWNER.1,
        };
        trace.put(0, &RecordHeader::Full(head), &payload);
    }
    let trace = trace.load();
    assert_eq!(blocks(&trace), ["Leak 0xffff9000000000a0 5368709120 10..20", "Leak 0xffff9000000000b0/3 64 30.."]);
}

#[test]
fn a_stack_key_is_resolved_by_the_next_definition() {
    let kernel = |n: u64| [K1 + n, K1 + n + 1, K2 + n, K2 + n + 1];
    let mut trace = Micro::default();
    trace.alloc(0, 10, OWNER, &block(0xA0));
    trace.reference(0, (11, 10), OWNER, stack::HOOK_KERNEL_KEY, 0xE000);
    trace.definition(1, 20, 0xE000, &kernel(0));
    trace.alloc(0, 30, OWNER, &block(0xB0));
    trace.reference(0, (31, 30), OWNER, stack::HOOK_KERNEL_KEY, 0xE000);
    trace.definition(1, 40, 0xE000, &kernel(8));
    trace.alloc(0, 50, OWNER, &block(0xC0));
    trace.reference(0, (51, 50), OWNER, stack::HOOK_KERNEL_KEY, 0xE000);
    let trace = trace.load();
    assert_eq!(
        stacks(&trace),
        [
            "0xa0: 0xfffff80000002001 0xfffff80000002000 0xfffff80000001001 0xfffff80000001000",
            "0xb0: 0xfffff80000002009 0xfffff80000002008 0xfffff80000001009 0xfffff80000001008",
            "0xc0: "
        ]
    );
    assert_eq!((trace.statistics.stacks.resolved_keys, trace.statistics.stacks.unresolved_keys), (2, 1));
    assert_eq!(trace.diagnostics.count(DiagnosticKind::UnresolvedKey), 1);
}

#[test]
fn a_user_stack_may_follow_half_a_second_later_on_another_cpu() {
    let mut trace = Micro::default();
    trace.alloc(0, 10, OWNER, &block(0xA0));
    trace.stack(0, (11, 10), OWNER, &[K1]);
    trace.flush(0);
    trace.stack(3, (5_000_010, 10), OWNER, &[U1, U2]);
    let trace = trace.load();
    assert_eq!(stacks(&trace), ["0xa0: 0x7ff600002000 0x7ff600001000 0xfffff80000001000"]);
    assert_eq!(trace.statistics.stacks.unmatched, 0);
}

#[test]
fn processor_counters_before_a_payload_are_skipped() {
    let mut trace = Micro::default();
    let forms =
        [(KernelHeaderForm::System, 0xA0), (KernelHeaderForm::Compact, 0xB0), (KernelHeaderForm::PerfInfo, 0xC0)];
    for (n, (form, address)) in (0_i64..).zip(forms) {
        for (step, pebs, counters) in [(0, None, &[1, 2, 3][..]), (10, Some(9), &[])] {
            let (hook, payload) = pool_event(step > 0, &block(address), Width::Bits64);
            let ticks = trace.raw(100 * n + step);
            let base = KernelHeader::new(form, Width::Bits64, hook, 2, ticks, OWNER);
            trace.put(0, &RecordHeader::Kernel(KernelHeader { pebs, counters, ..base }), &payload);
        }
    }
    let trace = trace.load();
    assert_eq!(blocks(&trace), ["Leak 0xa0 64 0..10", "Leak 0xb0 64 100..110", "Leak 0xc0 64 200..210"]);
    assert_eq!(trace.diagnostics.count(DiagnosticKind::UnknownVersion), 0);
}

#[test]
fn events_before_time_zero_count() {
    let write = || {
        let mut trace = Micro::default();
        trace.alloc(0, -50, OWNER, &block(0xA0));
        trace.alloc(0, -20, OWNER, &block(0xB0));
        trace.free(0, -10, OWNER, &block(0xA0));
        trace.alloc(0, 10, OWNER, &block(0xC0));
        trace
    };
    assert_eq!(blocks(&write().load()), ["Leak 0xa0 64 -50..-10", "Leak 0xb0 64 -20..", "Leak 0xc0 64 10.."]);
    let document = report(write(), &["--by", "type"]);
    assert_eq!(number(&document["total"], "count"), 3);
    let range = report(write(), &["--by", "type", "--range", "-0.000001..0.0001"]);
    let found: Vec<(String, u64)> = rows(&range).iter().map(|row| (text(row, "type"), number(row, "count"))).collect();
    // Tick -10 is the free of the first allocation; the second one was made before the range, the third within it.
    assert_eq!(found, [("AIFO".to_owned(), 1), ("AOFI".to_owned(), 1), ("AOFO".to_owned(), 1)]);
}

#[test]
fn other_records_in_between_are_skipped() {
    let mut trace = Micro::new(TraceOptions { buffer_size: 4096, ..TraceOptions::default() });
    for n in 0..40 {
        let ticks = trace.raw(10 * n);
        let message = TraceMessageHeader { number: 10, guid: guids::RT_LOST, ticks, pid: 1, tid: 2 };
        // The length is no multiple of eight: the next record begins at the next one.
        trace.put(0, &RecordHeader::Message(message), &[0xC0; 13]);
        let items = [ExtendedItem { kind: 6, data: &[1; 12] }, ExtendedItem { kind: 1, data: &[2; 16] }];
        let event = EventHeader {
            width: if n % 2 == 0 { Width::Bits64 } else { Width::Bits32 },
            guid: guids::SYS_CONFIG_EX,
            id: 7,
            version: 1,
            opcode: 200,
            level: 4,
            task: 0,
            keyword: 0,
            ticks,
            pid: 1,
            tid: 2,
            items: &items[..(n % 3) as usize],
        };
        trace.put(0, &RecordHeader::Event(event), &[0xC0; 5]);
        let full = EventTraceHeader {
            width: Width::Bits64,
            guid: guids::PERF_INFO,
            opcode: 46,
            level: 0,
            version: 2,
            ticks,
            pid: 1,
            tid: 2,
        };
        let instance = EventInstanceHeader { full, instance: 1, parent: 2, parent_guid: guids::PROCESS };
        trace.put(0, &RecordHeader::Instance(instance), &[0xC0; 3]);
        trace.alloc(0, 10 * n, OWNER, &block(0x1000 + n as u64));
    }
    let trace = trace.load();
    assert_eq!((trace.statistics.messages, trace.statistics.pool_allocs), (40, 40));
    // The log-file header, the logger's record behind it, and four of each iteration.
    assert_eq!(trace.statistics.records, 2 + 4 * 40);
    assert_eq!(trace.diagnostics.count(DiagnosticKind::BadRecord), 0);
}

/// Runs `report --format json` on a trace.
fn report(trace: Micro, options: &[&str]) -> Value {
    let file = OnDisk::new("micro.etl", &trace.bytes(1_000));
    let mut line = vec!["report", file.path(), "--format", "json"];
    line.extend(options);
    json(&line)
}
