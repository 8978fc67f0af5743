//! Stacks of events that are not pool events: they are counted, their frames are not stored, and no symbols are asked for the
//! modules that only they lead through.

use poolscope_analysis::group::symbols::module_needs;
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::ids::FrameId;
use poolscope_synth::SynthParams;
use poolscope_synth::scenario::StackMode;
use poolscope_synth::writer::{image, stack};
use poolscope_tests::micro::{Micro, block};
use poolscope_tests::synthetic::{bytes_of, loaded};
use poolscope_tests::variants::base;
use std::collections::BTreeSet;

const OWNER: (u32, u32) = (40, 44);
/// A profile sample: its header names no thread.
const HOOK_SAMPLE: u16 = 0x0F2E;
/// A file operation: its header names the thread.
const HOOK_FILE_IO: u16 = 0x0443;
const NT: u64 = 0xFFFF_F800_0000_0000;
const LEAKY: u64 = 0xFFFF_F800_0100_0000;
const FREES: u64 = 0xFFFF_F800_0200_0000;
const SAMPLED: u64 = 0xFFFF_F800_0300_0000;
const READS: u64 = 0xFFFF_F800_0400_0000;
const LOST: u64 = 0xFFFF_F800_0500_0000;

/// One allocation and one free with stacks among samples and file operations with stacks of their own.
fn sampled_trace() -> Micro {
    let mut trace = Micro::default();
    let drivers = [(NT, "ntoskrnl.exe"), (LEAKY, "leaky.sys"), (FREES, "frees.sys"), (SAMPLED, "sampled.sys")];
    for (base, name) in drivers.into_iter().chain([(READS, "reads.sys"), (LOST, "lost.sys")]) {
        let path = format!("\\SystemRoot\\system32\\drivers\\{name}");
        let of = image::Image { base, size: 0x1_0000, pid: 0, checksum: 1, timestamp: 2, path: &path };
        trace.image(0, image::HOOK_DC_START, &of);
    }
    trace.alloc(0, 10, OWNER, &block(0xA0));
    trace.stack(0, (11, 10), OWNER, &[NT + 1, LEAKY + 1]);
    trace.perf_info(0, 20, HOOK_SAMPLE, &[0; 16]);
    trace.stack(0, (21, 20), OWNER, &[NT + 2, SAMPLED + 1]);
    trace.system(0, 30, HOOK_FILE_IO, 2, OWNER, &[0; 36]);
    trace.stack(0, (31, 30), OWNER, &[NT + 3, READS + 1]);
    trace.reference(0, (32, 30), OWNER, stack::HOOK_KERNEL_KEY, 0xE000);
    trace.free(0, 40, OWNER, &block(0xA0));
    trace.reference(0, (41, 40), OWNER, stack::HOOK_KERNEL_KEY, 0xF000);
    // The stack of an event that is not in the file.
    trace.stack(0, (51, 50), OWNER, &[NT + 4, LOST + 1]);
    trace.flush(0);
    // A second stack record of the file operation comes late.
    trace.stack(0, (90, 30), OWNER, &[0x7FF6_0000_1000]);
    trace.definition(0, 95, 0xE000, &[NT + 3, READS + 2]);
    trace.definition(0, 96, 0xF000, &[NT + 5, FREES + 1]);
    trace
}

/// Frames on the allocation and free stacks of a trace.
fn frames_of_pool_events(trace: &Trace) -> BTreeSet<FrameId> {
    let table = &trace.allocations;
    let stacks: BTreeSet<_> = table.alloc_stack.iter().chain(&table.free_stack).copied().collect();
    stacks.into_iter().flat_map(|stack| trace.stacks.outer_to_inner(stack)).collect()
}

#[test]
fn symbols_are_asked_only_for_modules_of_pool_stacks() {
    let trace = sampled_trace().load();
    assert_eq!(trace.modules.modules().len(), 6, "all images are known");
    let needs = module_needs(&trace);
    let mut names: Vec<(&str, &[u32])> =
        needs.iter().map(|need| (need.request.identity.name.as_str(), &need.request.rvas[..])).collect();
    names.sort_unstable();
    assert_eq!(names, [("frees.sys", &[1][..]), ("leaky.sys", &[1]), ("ntoskrnl.exe", &[1, 5])]);
}

#[test]
fn stacks_of_other_events_are_counted_and_not_stored() {
    let trace = sampled_trace().load();
    let stacks = &trace.statistics.stacks;
    assert_eq!((trace.statistics.stack_records, trace.statistics.stack_definitions), (7, 2));
    assert_eq!((stacks.matched, stacks.unmatched, stacks.distinct), (2, 5, 2));
    assert_eq!((stacks.resolved_keys, stacks.unresolved_keys), (1, 0));
    let addresses: Vec<u64> = trace.stacks.frame_rows().iter().map(|frame| frame.address).collect();
    assert_eq!(
        addresses.into_iter().collect::<BTreeSet<u64>>(),
        BTreeSet::from([NT + 1, LEAKY + 1, NT + 5, FREES + 1])
    );
}

#[test]
fn every_stored_frame_is_on_the_stack_of_a_pool_event() {
    for stacks in [StackMode::Inline, StackMode::Keyed, StackMode::Mixed] {
        let params = SynthParams { stacks, noise_share: 3.0, loss_share: 0.02, ..base(3_000) };
        let trace = loaded(bytes_of(&params));
        assert!(trace.statistics.stacks.unmatched > 500, "{:?}", trace.statistics.stacks);
        let frames = frames_of_pool_events(&trace);
        assert_eq!(frames.len(), trace.stacks.frame_rows().len(), "{stacks:?}");
    }
}
