//! Stacks whose key is resolved across a loss are marked as uncertain: over many seeds, losses and kinds of files, every stack
//! without the mark is the one that was generated with its event, and all wrong stacks have the mark. The ground truth is the
//! writer's list of the frames of each event, which does not depend on keys.

use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::allocation::flag;
use poolscope_analysis::trace::ids::{AttributesId, StackId};
use poolscope_analysis::trace::time::Ticks;
use poolscope_etl::diagnostics::DiagnosticKind;
use poolscope_synth::ground_truth::EventGroundTruth;
use poolscope_synth::scenario::StackMode;
use poolscope_synth::writer::{Compression, FileMode, Width, stack};
use poolscope_synth::{GroundTruthRequest, SynthParams};
use poolscope_tests::figures::addresses;
use poolscope_tests::micro::{Micro, block};
use poolscope_tests::synthetic::{Planted, loaded, plant};
use poolscope_tests::variants::base;
use rayon::prelude::*;
use std::collections::HashMap;

const OWNER: (u32, u32) = (40, 44);
const KEY: u64 = 0xE000;

/// A pool event of a loaded trace, with its stack and whether that is marked as uncertain.
struct Found {
    time: i64,
    address: u64,
    free: bool,
    stack: Vec<String>,
    is_uncertain: bool,
}

/// All pool events of a trace.
fn events(trace: &Trace) -> Vec<Found> {
    let table = &trace.allocations;
    let mut found = Vec::new();
    for row in 0..table.len() {
        let mut push = |time: Ticks, free, stack: StackId, bit| {
            let is_uncertain = table.flags[row] & bit != 0;
            found.push(Found {
                time: time.0,
                address: table.address.get(row).expect("a loaded address"),
                free,
                stack: addresses(trace, stack),
                is_uncertain,
            });
        };
        if table.is_allocation_recorded(row) {
            push(table.alloc_time.at(row), false, table.alloc_stack[row], flag::UNCERTAIN_ALLOCATION_STACK);
        }
        if table.free_attributes[row] != AttributesId::NONE {
            push(table.free_time[row], true, table.free_stack[row], flag::UNCERTAIN_FREE_STACK);
        }
    }
    found
}

/// Generated events by time, address and direction.
type Events<'p> = HashMap<(i64, u64, bool), &'p EventGroundTruth>;

fn by_event(planted: &Planted) -> Events<'_> {
    let address = |row: &EventGroundTruth| u64::from_str_radix(&row.address[2..], 16).expect("an address");
    planted.truth.events.iter().map(|row| ((row.ticks, address(row), row.free), row)).collect()
}

fn planted(params: &SynthParams) -> Planted {
    plant(params, &GroundTruthRequest { events: true, ..GroundTruthRequest::default() })
}

/// Counts of events.
#[derive(Clone, Copy, Default, Debug, PartialEq)]
struct Counts {
    events: usize,
    /// Events with another stack than the generated one.
    wrong: usize,
    uncertain: usize,
    /// Events with a wrong stack that is not marked.
    missed: usize,
    /// Events that were not generated: bytes after a cut that happen to look like events.
    made_up: usize,
}

impl Counts {
    fn and(self, other: Self) -> Self {
        Self {
            events: self.events + other.events,
            wrong: self.wrong + other.wrong,
            uncertain: self.uncertain + other.uncertain,
            missed: self.missed + other.missed,
            made_up: self.made_up + other.made_up,
        }
    }
}

/// Compares each event with the generated one; `fits` compares a found stack with the generated one.
fn counts(trace: &Trace, planted: &Planted, fits: impl Fn(&[String], &[String]) -> bool) -> Counts {
    let truth = by_event(planted);
    let mut counts = Counts::default();
    for event in events(trace) {
        let Some(row) = truth.get(&(event.time, event.address, event.free)) else {
            counts.made_up += 1;
            continue;
        };
        let is_wrong = !fits(&event.stack, &row.stack);
        counts = counts.and(Counts {
            events: 1,
            wrong: usize::from(is_wrong),
            uncertain: usize::from(event.is_uncertain),
            missed: usize::from(is_wrong && !event.is_uncertain),
            made_up: 0,
        });
    }
    let said = trace.diagnostics.count(DiagnosticKind::UncertainStack) as usize;
    assert!(
        (counts.uncertain..=counts.uncertain + counts.made_up).contains(&said),
        "each is counted: {counts:?}, {said}"
    );
    counts
}

/// The `n`-th way to lose records.
fn lossy(n: usize) -> SynthParams {
    let base = SynthParams {
        seed: n as u64 + 100,
        definition_loss: [0.0, 0.003, 0.03, 0.3][n % 4],
        lost_buffers: [0, 1, 4][n / 4 % 3],
        loss_share: if (n / 12).is_multiple_of(2) { 0.0 } else { 0.02 },
        width: if (n / 24).is_multiple_of(2) { Width::Bits64 } else { Width::Bits32 },
        key_cache: [12, 48, 200][n / 2 % 3],
        ..base(2_500)
    };
    let (keyed, mixed) = (StackMode::Keyed, StackMode::Mixed);
    match n * 7 % 6 {
        0 => SynthParams { stacks: keyed, ..base },
        1 => SynthParams { stacks: mixed, compression: Compression::Whole, ..base },
        2 => SynthParams { stacks: keyed, compression: Compression::Filled, merged: true, ..base },
        3 => SynthParams { stacks: keyed, mode: FileMode::Circular { buffers: 25 }, ..base },
        4 => {
            let mode = FileMode::Buffering { buffers: 25 };
            SynthParams { stacks: mixed, compression: Compression::Filled, mode, ..base }
        }
        _ => SynthParams { stacks: StackMode::Inline, ..base },
    }
}

/// Returns `true` if records are missing in the file.
fn is_lossy(planted: &Planted) -> bool {
    let truth = &planted.truth;
    truth.events_lost > 0 || truth.buffers_lost > 0 || truth.buffers.missing > 0
}

#[test]
fn unmarked_stacks_are_those_that_were_generated() {
    let runs: Vec<(SynthParams, bool, Counts)> = (0..144)
        .into_par_iter()
        .map(|n| {
            let params = lossy(n);
            let planted = planted(&params);
            let trace = loaded(planted.bytes.clone());
            (params, is_lossy(&planted), counts(&trace, &planted, |found, planted| found == planted))
        })
        .collect();
    let mut all = Counts::default();
    for (params, is_lossy, counts) in &runs {
        assert_eq!((counts.missed, counts.made_up), (0, 0), "{counts:?} {params:?}");
        assert!(counts.events > 100, "{counts:?} {params:?}");
        let is_certain = !is_lossy || params.stacks == StackMode::Inline;
        assert!(!is_certain || counts.uncertain == 0, "{counts:?} {params:?}");
        all = all.and(*counts);
    }
    // The losses have an effect: there are wrong stacks to be found.
    assert!(all.wrong > 2_000, "{all:?}");
    let lossless = runs.iter().filter(|run| !run.1).count();
    assert!(lossless > 5, "{lossless} runs without a loss");
}

#[test]
fn one_loss_leaves_most_stacks_certain() {
    for seed in 0..12 {
        let params = SynthParams { seed, stacks: StackMode::Keyed, lost_buffers: 1, key_cache: 24, ..base(8_000) };
        let planted = planted(&params);
        let trace = loaded(planted.bytes.clone());
        let counts = counts(&trace, &planted, |found, planted| found == planted);
        assert_eq!(counts.missed, 0, "{counts:?}");
        assert!(counts.uncertain > 0 && counts.uncertain * 5 < counts.events, "{counts:?}");
        // Keys that were defined before the loss, and all that were recorded after it, are certain.
        let late = events(&trace).into_iter().filter(|event| event.time > 35_000_000);
        assert_eq!(late.filter(|event| event.is_uncertain).count(), 0, "seed {seed}");
    }
}

/// Returns `true` if a stack consists of the kernel stack, the user stack, both or neither of another: records of a damaged file may be
/// missing.
fn is_part(found: &[String], planted: &[String]) -> bool {
    planted.starts_with(found) || planted.ends_with(found)
}

#[test]
fn files_that_are_cut_or_have_holes_show_no_stacks_of_other_events() {
    let all: Counts = (0..36)
        .into_par_iter()
        .map(|n: usize| {
            let stacks = StackMode::Keyed;
            let compression = [Compression::None, Compression::Filled][n % 2];
            let params = SynthParams { seed: n as u64, stacks, compression, key_cache: 12, ..base(2_500) };
            let whole = planted(&params);
            let mut bytes = whole.bytes.clone();
            let (third, end) = (bytes.len() / 3, bytes.len());
            match n / 2 % 6 {
                // Torn, within a buffer or at its end.
                0 => bytes.truncate(end * 2 / 3),
                1 => bytes.truncate(end / 2 / 16_384 * 16_384),
                // A part is missing.
                2 => drop(bytes.drain(third..third + 40_000)),
                3 => drop(bytes.drain(third / 16_384 * 16_384..third / 16_384 * 16_384 + 3 * 16_384)),
                // A part was not written.
                4 => bytes[third..third + 50_000].fill(0),
                _ => bytes[end * 3 / 4..].fill(0),
            }
            let trace = loaded(bytes);
            let counts = counts(&trace, &whole, is_part);
            assert_eq!(counts.missed, 0, "{n}: {counts:?}");
            assert!(counts.made_up * 100 < counts.events, "{n}: {counts:?}");
            counts
        })
        .reduce(Counts::default, Counts::and);
    assert!(all.wrong > 20 && all.events > 10_000, "{all:?}");
}

/// Frames of a kernel stack.
fn frames(n: u64) -> [u64; 4] {
    [1, 2, 3, 4].map(|k| 0xFFFF_F800_0000_0000 + 0x1000 * n + k)
}

/// Innermost frame of each stack in order of address, and whether the stack is uncertain.
fn innermost(trace: &Trace) -> Vec<(String, bool)> {
    let mut found = events(trace);
    found.sort_by_key(|event| event.address);
    found.into_iter().map(|event| (event.stack.last().cloned().unwrap_or_default(), event.is_uncertain)).collect()
}

fn named(n: u64, is_uncertain: bool) -> (String, bool) {
    (format!("{:#x}", frames(n)[0]), is_uncertain)
}

#[test]
fn a_key_that_is_used_again_is_uncertain_across_a_loss_and_certain_after_it() {
    let mut trace = Micro::default();
    trace.alloc(0, 10, OWNER, &block(0xA0));
    trace.reference(0, (11, 10), OWNER, stack::HOOK_KERNEL_KEY, KEY);
    trace.alloc(1, 12, (40, 45), &block(0xB0));
    trace.flush(1);
    // The definition of the first reference is lost with its buffer.
    trace.definition(1, 20, KEY, &frames(1));
    trace.lose(1);
    // Records were lost "before or in" the next buffer of the processor, not in the one after it.
    trace.free(1, 40, (40, 45), &block(0xB0));
    trace.flush(1);
    trace.free(1, 44, (40, 45), &block(0xD0));
    trace.alloc(1, 45, (40, 45), &block(0xC0));
    trace.reference(1, (46, 45), (40, 45), stack::HOOK_KERNEL_KEY, KEY);
    trace.definition(0, 60, KEY, &frames(2));
    let trace = trace.load();
    let without = || (String::new(), false);
    assert_eq!(innermost(&trace), [named(2, true), without(), without(), named(2, false), without()]);
    assert_eq!(trace.statistics.stacks.uncertain_keys, 1);
    assert_eq!(trace.diagnostics.count(DiagnosticKind::UncertainStack), 1);
}

#[test]
fn a_definition_logged_before_a_reference_of_the_same_tick_belongs_to_an_earlier_use_of_the_key() {
    let mut trace = Micro::default();
    trace.alloc(0, 10, OWNER, &block(0xA0));
    trace.reference(0, (11, 10), OWNER, stack::HOOK_KERNEL_KEY, KEY);
    trace.alloc(0, 19, OWNER, &block(0xB0));
    trace.definition(0, 20, KEY, &frames(1));
    trace.reference(0, (20, 19), OWNER, stack::HOOK_KERNEL_KEY, KEY);
    trace.definition(0, 30, KEY, &frames(2));
    assert_eq!(innermost(&trace.load()), [named(1, false), named(2, false)]);
}

#[test]
fn a_stack_recorded_minutes_later_is_resolved_by_the_time_of_its_record() {
    // The user stack of a thread that waits in the kernel is recorded when it returns: here after 500 seconds.
    const LATE: i64 = 5_000_000_000;
    let mut trace = Micro::default();
    trace.alloc(0, 10, OWNER, &block(0xA0));
    trace.definition(0, LATE - 100, KEY, &frames(1));
    trace.reference(0, (LATE, 10), OWNER, stack::HOOK_KERNEL_KEY, KEY);
    trace.definition(0, LATE + 100, KEY, &frames(2));
    let trace = loaded(trace.bytes(LATE + 200));
    assert_eq!(innermost(&trace), [named(2, false)]);
}
