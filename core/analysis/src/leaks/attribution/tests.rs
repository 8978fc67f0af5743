//! Tests of the attribution on constructed allocations.

use super::*;
use crate::group::frames::FrameNaming;
use crate::group::parallel::not_cancelled;
use crate::group::test_util::{Block, FakeNames, block, trace};
use crate::group::wrapper_rules::RuleOrigin;
use crate::leaks::{AnalysisRequest, LeakAnalysis, WarmUp, analyze};
use crate::trace::process::ProcessTable;
use crate::trace::time::Ticks;
use std::sync::Arc;

fn blocks(count: i64, of: impl Fn(i64) -> Block) -> Vec<Block> {
    (0..count).map(|k| Block { alloc: Some(k * 10_000 / count), ..of(k) }).collect()
}

fn analyzed(trace: Trace, grouping: SuspectGrouping) -> LeakAnalysis {
    let visible_range = trace.extent;
    let names = ColumnValues::new(Arc::new(trace), FrameNaming::Symbol);
    analyze(&names, AnalysisRequest { visible_range, grouping, warm_up: WarmUp::None }, &not_cancelled).unwrap()
}

fn made(blocks: &[Block]) -> Trace {
    Arc::into_inner(trace(blocks)).unwrap()
}

#[test]
fn processes_add_up_to_all_that_is_outstanding() {
    // 120 outstanding allocations, 40 of each process; those of process 3 are larger, and process 2 ends.
    let all =
        blocks(120, |k| Block { process: 1 + k as u32 % 3, ..block(None, None, if k % 3 == 2 { 100 } else { 64 }) });
    let mut trace = made(&all);
    let mut rows = trace.processes.rows().to_vec();
    rows[2].end = Ticks(10_000);
    rows[3].pid = 900;
    trace.processes = ProcessTable::new(rows, 4);
    // Ten allocations of process 1 were not recorded; their attributes are those of other events.
    trace.allocations.flags.iter_mut().step_by(3).take(10).for_each(|flags| *flags = 1);
    let analysis = analyzed(trace, SuspectGrouping::Tag);
    let suspect = &analysis.suspects[0];
    let share = |process, count, size| ProcessShare { process, allocations: Total { count, bytes: count * size } };
    let process = |name: &str, pid, is_running| Some(AllocatingProcess { name: name.to_owned(), pid, is_running });
    let expected = [
        share(process("svchost.exe", 900, true), 40, 100),
        share(process("svchost.exe", 800, false), 40, 64),
        share(process("NotMyfault.exe", 1234, true), 30, 64),
        share(None, 10, 64),
    ];
    assert_eq!(suspect.attribution.processes, expected);
    let sum = suspect.attribution.processes.iter().map(|process| process.allocations.bytes).sum::<u64>();
    assert_eq!(sum, suspect.evidence.outstanding.bytes);
    assert_eq!(suspect.attribution.processes[3].label(), UNKNOWN_ALLOCATOR);
}

#[test]
fn a_process_is_one_suspect_for_each_pool() {
    const TAGS: [&[u8; 4]; 3] = [b"TagA", b"TagB", b"TagC"];
    let all = blocks(300, |k| Block {
        tag: TAGS[k as usize % 3],
        process: 1 + k as u32 % 2,
        pool_type: if k % 4 < 2 { 512 } else { 1 },
        stack: &["app:1", "nt:20", "my:30"],
        ..block(None, None, 64)
    });
    let mut trace = made(&all);
    // Two processes with the same ID and name are different.
    let mut rows = trace.processes.rows().to_vec();
    rows[1] = Process { end: Ticks(9_999), ..rows[2].clone() };
    trace.processes = ProcessTable::new(rows, 4);
    // A free without a recorded allocation belongs to no process.
    trace.allocations.flags[0] = 1;
    let analysis = analyzed(trace, SuspectGrouping::Process);
    let mut found: Vec<_> = analysis
        .suspects
        .iter()
        .inspect(|s| {
            let is_known = s.attribution.process.as_deref() != Some(UNKNOWN_ALLOCATOR);
            assert_eq!(s.attribution.is_process_known, is_known);
        })
        .map(|s| (s.attribution.process.clone().unwrap(), s.is_paged, s.evidence.outstanding.count, s.tag.clone()))
        .collect();
    found.sort();
    let of = |name: &str, paged, count, tag: Option<&str>| (name.to_owned(), paged, count, tag.map(str::to_owned));
    let svchost = "svchost.exe (800)";
    let expected = [
        of(UNKNOWN_ALLOCATOR, false, 1, Some("TagA")),
        of(svchost, false, 74, None),
        of(svchost, false, 75, None),
        of(svchost, true, 75, None),
        of(svchost, true, 75, None),
    ];
    assert_eq!(found, expected);
    assert!(analysis.suspects.iter().all(|s| s.attribution.processes.len() == 1));
}

#[test]
fn a_driver_is_named_from_sixty_percent_of_all_bytes() {
    let with = |own: i64| {
        let all = blocks(100, |k| Block {
            stack: if k < own { &["app:1", "nt:20", "my:30"] } else { &["app:1", "nt:20", "nt:40"] },
            ..block(None, None, 64)
        });
        analyzed(made(&all), SuspectGrouping::Tag).suspects.remove(0).attribution
    };
    let attribution = with(60);
    let named = attribution.responsible_driver().unwrap();
    assert_eq!((named.driver.as_str(), named.allocations.count, named.share), ("myfault.sys", 60, 0.6));
    let less = with(59);
    assert_eq!((less.responsible_driver(), less.largest_driver().unwrap().share), (None, 0.59));
    // The kernel never counts, nor do allocations without a stack.
    assert_eq!(with(0).largest_driver(), None);
    assert_eq!(with(0).drivers[0].share, 1.0);
    let bare =
        analyzed(made(&blocks(100, |_| block(None, None, 64))), SuspectGrouping::Tag).suspects.remove(0).attribution;
    assert_eq!((bare.largest_driver(), bare.drivers[0].driver.as_str()), (None, ""));
}

#[test]
fn the_rule_of_a_wrapper_driver_is_reported() {
    let wrapper_of = |stack: &'static [&'static str], rules: &str| {
        let trace = trace(&blocks(40, |_| Block { stack, ..block(None, None, 64) }));
        let symbols = FakeNames::new(&trace, &[("my:30", "Create"), ("my:31", "operator new")]);
        let (rules, errors) = crate::group::wrapper_rules::WrapperRules::built_in().extended_with(rules);
        assert_eq!(errors, []);
        let visible_range = trace.extent;
        let names = ColumnValues::new(trace, FrameNaming::Symbol).with_symbols(Arc::new(symbols));
        let names = names.with_wrapper_rules(Arc::new(rules));
        let request = AnalysisRequest { visible_range, grouping: SuspectGrouping::Tag, warm_up: WarmUp::None };
        analyze(&names, request, &not_cancelled).unwrap().suspects.remove(0).attribution.wrapper_driver
    };
    let wrapper = |module: &str, rule, next: Option<&str>| {
        Some(WrapperDriver { module: module.to_owned(), rule, responsible_function: next.map(str::to_owned) })
    };
    let built_in = RuleOrigin::BuiltIn;
    assert_eq!(
        wrapper_of(&["nt:20", "my:30", "wdf:1", "nt:40"], ""),
        wrapper("wdf01000.sys", built_in, Some("myfault.sys!Create"))
    );
    assert_eq!(wrapper_of(&["nt:20", "wdf:1", "nt:40"], ""), wrapper("wdf01000.sys", built_in, None));
    let own = wrapper("other.sys", RuleOrigin::User, Some("myfault.sys!Create"));
    assert_eq!(wrapper_of(&["nt:20", "my:30", "other:1", "nt:40"], "wrapper other"), own);
    // A driver that calls a wrapper driver, or has an allocating function of its own, is no wrapper driver.
    assert_eq!(wrapper_of(&["nt:20", "wdf:1", "my:30", "nt:40"], ""), None);
    assert_eq!(wrapper_of(&["nt:20", "my:30", "my:31", "nt:40"], ""), None);
}
