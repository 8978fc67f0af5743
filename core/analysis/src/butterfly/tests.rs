//! Butterflies of hand-made stacks with recursion, and of random ones against the plainest reading of the rules.

use super::*;
use crate::filter::rowset::RowSet;
use crate::group::column_values::ColumnValues;
use crate::group::frames::FrameNaming;
use crate::group::key::Key;
use crate::group::parallel::not_cancelled;
use crate::group::test_util::{Block, FakeNames, Rng, block, trace};
use crate::pivot::table::{PivotRequest, pivot};
use std::collections::BTreeMap;

const FUNCTIONS: [(&str, &str); 6] = [
    ("my:30", "Grow"),
    ("my:31", "Grow"),
    ("my:40", "Fill"),
    ("other:1", "Serve"),
    ("nt:20", "NtClose"),
    ("nt:40", "Alloc"),
];

fn of_blocks(blocks: &[Block], focus: &str, unit: ButterflyUnit) -> Butterfly {
    let trace = trace(blocks);
    let symbols = Arc::new(FakeNames::new(&trace, &FUNCTIONS));
    let names = ColumnValues::new(Arc::clone(&trace), FrameNaming::Symbol).with_symbols(symbols);
    let request = PivotRequest { keys: &[Key::Stack], visible_range: trace.extent, rows: None::<&RowSet> };
    let pivot = Arc::new(pivot(&names, &request, &not_cancelled).expect("not cancelled"));
    butterfly(&pivot, focus, unit, &not_cancelled).expect("not cancelled")
}

fn with_stack(size: u64, free: Option<i64>, stack: &'static [&'static str]) -> Block {
    Block { stack, ..block(Some(10), free, size) }
}

/// Names with impacting size, size and count.
fn figures(list: &[Neighbor]) -> Vec<(&str, u64, u64, u64)> {
    let row = |neighbor: &'_ Neighbor| {
        let sums = &neighbor.aggregate;
        (sums.impacting_size(), sums.size(), sums.count())
    };
    let named = list.iter().map(|neighbor| (neighbor.name.as_deref().unwrap_or("-"), row(neighbor)));
    named.map(|(name, (a, b, c))| (name.rsplit('!').next().unwrap_or(name), a, b, c)).collect()
}

#[test]
fn each_stack_counts_once_for_each_caller_and_callee() {
    let blocks = [
        with_stack(100, None, &["nt:20", "my:30", "nt:40"]),
        with_stack(10, Some(20), &["nt:20", "my:30", "my:31", "my:30", "nt:40"]),
        // Serve and Grow call each other.
        with_stack(1000, None, &["other:1", "my:30", "other:1", "my:31", "nt:40"]),
        with_stack(1, None, &["my:30"]),
        with_stack(7, None, &["other:1", "nt:40"]),
    ];
    let found = of_blocks(&blocks, "myfault.sys!Grow", ButterflyUnit::Function);
    let sums = |aggregate: &Aggregate| (aggregate.impacting_size(), aggregate.size(), aggregate.count());
    assert_eq!(sums(&found.aggregate), (1101, 1111, 4));
    assert_eq!(sums(&found.total), (1108, 1118, 5));
    assert_eq!(figures(&found.callers), [("Serve", 1000, 1000, 1), ("NtClose", 100, 110, 2), ("-", 1, 1, 1)]);
    assert_eq!(figures(&found.callees), [("Alloc", 1100, 1110, 3), ("Serve", 1000, 1000, 1), ("-", 1, 1, 1)]);
}

#[test]
fn modules_are_joined_as_functions_are() {
    let blocks = [
        with_stack(100, None, &["nt:20", "my:30", "my:40", "nt:40"]),
        with_stack(10, None, &["other:1", "my:40", "wdf:1", "my:30", "nt:40"]),
    ];
    let found = of_blocks(&blocks, "myfault.sys", ButterflyUnit::Module);
    assert_eq!(
        figures(&found.callers),
        [("ntoskrnl.exe", 100, 100, 1), ("other.sys", 10, 10, 1), ("wdf01000.sys", 10, 10, 1)]
    );
    assert_eq!(figures(&found.callees), [("ntoskrnl.exe", 110, 110, 2), ("wdf01000.sys", 10, 10, 1)]);
    let none = of_blocks(&blocks, "absent.sys", ButterflyUnit::Module);
    assert!(none.callers.is_empty() && none.callees.is_empty() && none.aggregate.count() == 0);
    assert_eq!(none.total.count(), 2);
}

#[test]
fn paths_that_free_are_told_from_those_that_do_not() {
    let blocks = [
        with_stack(64, None, &["other:1", "my:30", "nt:40"]),
        with_stack(64, None, &["other:1", "my:31", "nt:40"]),
        with_stack(32, Some(20), &["nt:20", "my:30", "nt:40"]),
        with_stack(32, Some(30), &["nt:20", "my:30", "nt:40"]),
        with_stack(16, None, &["nt:20", "my:30", "nt:40"]),
    ];
    let found = of_blocks(&blocks, "myfault.sys!Grow", ButterflyUnit::Function);
    let rows: Vec<_> =
        found.paths.iter().map(|path| (path.frames[0].as_str(), path.frees(), path.aggregate.count())).collect();
    assert_eq!(rows, [("other.sys!Serve", false, 2), ("ntoskrnl.exe!NtClose", true, 3)]);
    assert_eq!(found.paths[1].aggregate.freed_inside(), 2);
}

#[test]
fn offsets_and_marks_are_no_part_of_a_function() {
    let function = |text| unit_of_text(text, ButterflyUnit::Function);
    assert_eq!(function("a.sys!Grow+0x1c"), "a.sys!Grow");
    assert_eq!(function("a.sys!Grow [inlined]"), "a.sys!Grow");
    assert_eq!(function("a.sys!operator+"), "a.sys!operator+");
    assert_eq!(function("a.sys!operator++0x4"), "a.sys!operator+");
    assert_eq!((function("a.sys+0x10"), function("0xfffff800")), ("a.sys+0x10", "0xfffff800"));
    let module = |text| unit_of_text(text, ButterflyUnit::Module);
    assert_eq!([module("a.sys!Grow+0x1c"), module("a+b.sys+0x10"), module("0xf00")], ["a.sys", "a+b.sys", "0xf00"]);
}

/// Sums by name by a walk over the allocations, without displayed stacks and groups.
#[test]
fn random_stacks_have_the_sums_of_their_allocations() {
    const FRAMES: [&str; 6] = ["my:30", "my:31", "my:40", "other:1", "nt:20", "nt:40"];
    const LABELS: [&str; 6] = [
        "myfault.sys!Grow",
        "myfault.sys!Grow",
        "myfault.sys!Fill",
        "other.sys!Serve",
        "ntoskrnl.exe!NtClose",
        "ntoskrnl.exe!Alloc",
    ];
    for seed in 0..40 {
        let mut dice = Rng(seed);
        let stacks: Vec<Vec<usize>> =
            (0..12).map(|_| (0..dice.roll(9)).map(|_| dice.roll(6) as usize).collect()).collect();
        let chosen: Vec<(usize, u64)> = (0..200).map(|_| (dice.roll(12) as usize, dice.roll(900) + 1)).collect();
        let leak = |stack: &Vec<usize>| -> &'static [&'static str] {
            Vec::leak(stack.iter().map(|frame| FRAMES[*frame]).collect())
        };
        let leaked: Vec<&'static [&'static str]> = stacks.iter().map(leak).collect();
        let blocks: Vec<Block> = chosen.iter().map(|(stack, size)| with_stack(*size, None, leaked[*stack])).collect();
        let found = of_blocks(&blocks, LABELS[0], ButterflyUnit::Function);
        let mut callers: BTreeMap<&str, u64> = BTreeMap::new();
        let mut callees: BTreeMap<&str, u64> = BTreeMap::new();
        let mut through = 0;
        for (stack, size) in &chosen {
            let labels: Vec<&str> = stacks[*stack].iter().map(|frame| LABELS[*frame]).collect();
            let is_focus = |at: usize| labels.get(at) == Some(&LABELS[0]);
            let mut own: [Vec<&str>; 2] = [Vec::new(), Vec::new()];
            for at in (0..labels.len()).filter(|at| is_focus(*at)) {
                if at == 0 {
                    own[0].push("-");
                } else if !is_focus(at - 1) {
                    own[0].push(labels[at - 1]);
                }
                if at + 1 == labels.len() {
                    own[1].push("-");
                } else if !is_focus(at + 1) {
                    own[1].push(labels[at + 1]);
                }
            }
            through += if own[0].is_empty() { 0 } else { *size };
            for (mut names, sums) in own.into_iter().zip([&mut callers, &mut callees]) {
                names.sort_unstable();
                names.dedup();
                names.iter().for_each(|name| *sums.entry(name).or_default() += size);
            }
        }
        let sums = |list: &[Neighbor]| -> BTreeMap<String, u64> {
            list.iter().map(|n| (n.name.clone().unwrap_or_else(|| "-".to_owned()), n.aggregate.size())).collect()
        };
        let owned = |sums: &BTreeMap<&str, u64>| -> BTreeMap<String, u64> {
            sums.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect()
        };
        assert_eq!(sums(&found.callers), owned(&callers), "seed {seed}");
        assert_eq!(sums(&found.callees), owned(&callees), "seed {seed}");
        assert_eq!(found.aggregate.size(), through, "seed {seed}");
        let of_paths: u64 = found.paths.iter().map(|path| path.aggregate.size()).sum();
        assert_eq!(of_paths, through, "each stack is on one path");
    }
}
