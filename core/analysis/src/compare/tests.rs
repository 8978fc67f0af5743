//! Comparisons of small hand-made traces, checked against sums over their blocks.

use super::*;
use crate::filter::rowset::RowSet;
use crate::group::column::KeyValue;
use crate::group::column_values::ColumnValues;
use crate::group::frames::{FrameNames, FrameNaming};
use crate::group::key::Key;
use crate::group::parallel::not_cancelled;
use crate::group::test_util::{Block, FakeNames, block, in_row_order, names, random_blocks};
use crate::pivot::{Metric, Pivot, PivotTree, Value, rows_of_paths};
use crate::trace::time::{Ticks, TimeRange};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The whole of a hand-made trace.
const WHOLE: TimeRange = TimeRange { from: Ticks(0), to: Ticks(10_000) };

fn side(names: &Arc<ColumnValues>, visible_range: TimeRange) -> SideRequest {
    SideRequest { names: Arc::clone(names), visible_range, rows: None }
}

fn of_blocks(blocks: &[Block]) -> Arc<ColumnValues> {
    Arc::new(names(blocks))
}

fn compared(keys: &[Key], sides: [SideRequest; 2], unit: Normalization) -> Arc<Comparison> {
    let [first, second] = &sides;
    let divisors = Divisors::new(unit, [first, second], &not_cancelled).unwrap();
    let request = CompareRequest { keys, sides, divisors, with_growth: true };
    Arc::new(compare(request, &not_cancelled).unwrap())
}

fn column(part: Part, metric: Metric) -> CompareColumn {
    CompareColumn { part, metric }
}

/// Texts of the keys of each group of a pivot.
fn texts_of(pivot: &Pivot) -> Vec<Vec<String>> {
    let text = |group: usize, column: usize| match pivot.key_value(group, column) {
        KeyValue::Frames(frames) => frames.join(" "),
        _ => pivot.columns()[column].text(pivot.ids(group)[column]).into_owned(),
    };
    (0..pivot.len()).map(|group| (0..pivot.keys().len()).map(|column| text(group, column)).collect()).collect()
}

fn texts(comparison: &Comparison) -> Vec<Vec<String>> {
    texts_of(comparison.groups())
}

fn counts(comparison: &Comparison, group: u32) -> [u64; 2] {
    comparison.sums(&(group..group + 1)).map(|sums| sums.aggregate.count())
}

#[test]
fn groups_of_two_traces_are_joined_and_add_up_to_each_pivot() {
    let (first, second) = (random_blocks(5, 300), random_blocks(6, 200));
    let (a, b) = (of_blocks(&first), of_blocks(&second));
    for keys in [
        &[Key::Type, Key::Paged, Key::Tag, Key::Stack][..],
        &[Key::Tag, Key::Process],
        &[Key::Driver, Key::Function, Key::SizeClass],
        &[Key::Thread, Key::Cpu, Key::Session],
        &[Key::FreeStack, Key::Generation],
        &[Key::Address, Key::Lifetime],
        &[],
    ] {
        let comparison = compared(keys, [side(&a, WHOLE), side(&b, WHOLE)], Normalization::Raw);
        let rows = texts(&comparison);
        let mut distinct = rows.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), rows.len(), "{keys:?}: no row occurs twice");
        for (at, own) in Side::BOTH.into_iter().enumerate() {
            let pivot = comparison.pivot(own);
            let of_pivot = texts_of(pivot)
                .into_iter()
                .zip(pivot.aggregates())
                .map(|(row, sums)| (row, (sums.count(), sums.size(), sums.impacting_size())));
            let wanted: BTreeMap<_, _> = of_pivot.collect();
            let found = rows.iter().zip(0u32..).filter_map(|(row, group)| {
                let sums = comparison.sums(&(group..group + 1))[at].aggregate;
                let figures = (sums.count(), sums.size(), sums.impacting_size());
                (sums.count() > 0).then(|| (row.clone(), figures))
            });
            assert_eq!(found.collect::<BTreeMap<_, _>>(), wanted, "{keys:?} {own:?}");
            assert_eq!(comparison.whole()[at].aggregate, *pivot.total(), "{keys:?} {own:?}");
        }
    }
}

#[test]
fn two_ranges_of_one_trace_are_compared_as_they_are() {
    let blocks = [block(Some(100), None, 8), block(Some(6000), None, 16), block(Some(7000), Some(8000), 32)];
    let names = of_blocks(&blocks);
    let ranges = [(0, 4999), (5000, 10_000)].map(|(from, to)| TimeRange { from: Ticks(from), to: Ticks(to) });
    let sides = ranges.map(|range| side(&names, range));
    let comparison = compared(&[Key::Type], sides, Normalization::Raw);
    let row =
        |kind: &str| texts(&comparison).iter().position(|row| row == &[kind]).map(|at| counts(&comparison, at as u32));
    assert_eq!([row("AIFO"), row("AIFI"), row("AOFO")], [Some([1, 1]), Some([0, 1]), Some([0, 1])]);
    assert!(comparison.renamed_modules().is_empty());
}

#[test]
fn changes_ratios_and_overweight_follow_from_the_figures() {
    let tagged = |tag: &'static [u8; 4], size| Block { tag, ..block(Some(5), None, size) };
    let baseline = [tagged(b"Grow", 10), tagged(b"Same", 50), tagged(b"Less", 30), tagged(b"Gone", 10)];
    let comparison = [tagged(b"Grow", 40), tagged(b"Same", 50), tagged(b"Less", 10), tagged(b"Newt", 100)];
    let sides = [side(&of_blocks(&baseline), WHOLE), side(&of_blocks(&comparison), WHOLE)];
    let compared = compared(&[Key::Tag], sides, Normalization::Raw);
    let sort = CompareSort::by_growth(Metric::ImpactingSize);
    let order: Vec<String> =
        compared.sorted(&sort).iter().map(|at| texts(&compared)[*at as usize][0].clone()).collect();
    assert_eq!(order, ["Newt", "Grow", "Same", "Gone", "Less"]);
    let of = |tag: &str| texts(&compared).iter().position(|row| row[0] == tag).unwrap() as u32;
    let change = |tag| compared.change_of(&compared.sums(&(of(tag)..of(tag) + 1)), Metric::ImpactingSize);
    let changes = ["Newt", "Grow", "Same", "Less", "Gone"].map(change);
    assert_eq!(changes, [Change::New, Change::Grown, Change::Same, Change::Shrunk, Change::Gone]);
    let value = |tag, part| compared.value_of(&compared.sums(&(of(tag)..of(tag) + 1)), column(part, Metric::Size));
    assert_eq!([value("Grow", Part::Delta), value("Grow", Part::Ratio)], [Value::Int(30), Value::Float(4.0)]);
    // The whole grew from 100 to 200: by the factor 2.
    assert_eq!(
        [value("Grow", Part::Overweight), value("Same", Part::Overweight)],
        [Value::Float(2.0), Value::Float(0.5)]
    );
    assert_eq!([value("Newt", Part::Ratio), value("Newt", Part::Overweight)], [Value::None; 2]);
    let overweight = ["Newt", "Grow", "Same", "Less", "Gone"]
        .map(|tag| compared.is_overweight(&compared.sums(&(of(tag)..of(tag) + 1)), Metric::Size));
    assert_eq!(overweight, [true, true, false, false, false]);
    let only = compared.only(&[Change::New, Change::Gone], Metric::ImpactingSize);
    assert_eq!(texts(&only), [["Gone"], ["Newt"]]);
    assert_eq!((counts(&only, 0), counts(&only, 1), only.whole()), ([1, 0], [0, 1], compared.whole()));
}

#[test]
fn figures_per_second_and_per_allocation_are_divided_once() {
    let tagged = |tag: &'static [u8; 4], size| Block { tag, ..block(Some(5), None, size) };
    let baseline = [tagged(b"Irp ", 10), tagged(b"Irp ", 10), tagged(b"Leak", 80)];
    let comparison = [tagged(b"Irp ", 10), tagged(b"Leak", 80)];
    let sides = || [side(&of_blocks(&baseline), WHOLE), side(&of_blocks(&comparison), WHOLE)];
    let value = |comparison: &Comparison, part, metric| comparison.value_of(comparison.whole(), column(part, metric));
    let per_irp = compared(&[Key::Tag], sides(), Normalization::PerAllocation("Irp".to_owned()));
    assert_eq!(value(&per_irp, Part::Baseline, Metric::Size), Value::Float(50.0));
    assert_eq!(value(&per_irp, Part::Comparison, Metric::Size), Value::Float(90.0));
    assert_eq!(value(&per_irp, Part::Delta, Metric::Count), Value::Float(0.5));
    assert_eq!(value(&per_irp, Part::Baseline, Metric::Max), Value::Int(80), "an extreme is no amount");
    let per_second = compared(&[Key::Tag], sides(), Normalization::PerSecond);
    let seconds = per_second.divisors().seconds;
    assert!(seconds.iter().all(|seconds| *seconds > 0.0), "{seconds:?}");
    assert_eq!(value(&per_second, Part::Baseline, Metric::Size), Value::Float(100.0 / seconds[0]));
    let growth = [Normalization::Raw, Normalization::PerSecond]
        .map(|unit| value(&compared(&[], sides(), unit), Part::Baseline, Metric::Growth));
    assert_eq!(growth[0], growth[1], "a growth is a rate already");
    let [first, second] = sides();
    let missing = Divisors::new(Normalization::PerAllocation("Nope".to_owned()), [&first, &second], &not_cancelled);
    assert!(missing.unwrap_err().to_string().starts_with("the baseline has no allocation with tag 'Nope'"));
}

#[test]
fn nodes_of_the_tree_have_the_sums_of_their_rows() {
    let (a, b) = (of_blocks(&random_blocks(8, 200)), of_blocks(&random_blocks(9, 300)));
    let keys = [Key::Paged, Key::Tag, Key::Stack, Key::Process];
    let comparison = compared(&keys, [side(&a, WHOLE), side(&b, WHOLE)], Normalization::Raw);
    let mut tree = CompareTree::new(Arc::clone(&comparison));
    assert_eq!(tree.sums(PivotTree::ROOT), *comparison.whole());
    let sort = CompareSort::by_growth(Metric::Size);
    let mut next = vec![PivotTree::ROOT];
    let mut leaves = [0, 0];
    while let Some(node) = next.pop() {
        let children = tree.children(node, &sort);
        let delta = |node| tree.value(node, column(Part::Delta, Metric::Size)).as_f64();
        assert!(children.is_sorted_by(|a, b| delta(*a) >= delta(*b)));
        if children.is_empty() {
            let sums = tree.sums(node).map(|sums| sums.aggregate.count());
            leaves = [leaves[0] + sums[0], leaves[1] + sums[1]];
        }
        next.extend(children);
    }
    assert_eq!(leaves, [200, 300]);
}

#[test]
fn rows_of_a_group_are_those_that_it_sums() {
    let (first, second) = (random_blocks(11, 250), random_blocks(12, 250));
    let (a, b) = (of_blocks(&first), of_blocks(&second));
    let range = TimeRange { from: Ticks(1000), to: Ticks(8000) };
    let even = Arc::new(RowSet::from_fn(250, |row| row % 2 == 0));
    let sides = [SideRequest { rows: Some(Arc::clone(&even)), ..side(&a, range) }, side(&b, range)];
    let comparison = compared(&[Key::Type, Key::Tag, Key::Stack], sides, Normalization::Raw);
    for group in 0..comparison.groups().len() as u32 {
        let run = group..group + 1;
        for (at, own) in Side::BOTH.into_iter().enumerate() {
            let rows = comparison.rows(own, &run, &not_cancelled).unwrap();
            let blocks = in_row_order([&first, &second][at].clone());
            let size: u64 = (0..blocks.len()).filter(|row| rows.contains(*row)).map(|row| blocks[row].size).sum();
            let sums = comparison.sums(&run)[at].aggregate;
            let count = (0..blocks.len()).filter(|row| rows.contains(*row)).count() as u64;
            assert_eq!((count, size), (sums.count(), sums.size()));
            assert!(own == Side::Comparison || (0..blocks.len()).all(|row| !rows.contains(row) || row % 2 == 0));
        }
    }
}

#[test]
fn functions_match_over_another_build_of_a_driver() {
    let with = |stack: &'static [&'static str]| Block { stack, ..block(Some(5), None, 10) };
    let of_build = |stack: &'static [&'static str], functions: &[(&str, &str)]| {
        let plain = names(&[with(stack)]);
        let symbols: Arc<dyn FrameNames> = Arc::new(FakeNames::new(plain.trace(), functions));
        [
            Arc::new(plain.with_naming(FrameNaming::Function)),
            Arc::new(plain.with_frame_names(Some(symbols), FrameNaming::Function)),
        ]
    };
    let old = of_build(&["nt:20", "my:30", "nt:40"], &[("nt:20", "Io"), ("my:30", "Leaker"), ("nt:40", "Alloc")]);
    let new = of_build(&["nt:24", "my:90", "nt:48"], &[("nt:24", "Io"), ("my:90", "Leaker"), ("nt:48", "Alloc")]);
    let keys = [Key::Driver, Key::Function, Key::Stack];
    let rows = |at: usize| {
        let comparison = compared(&keys, [side(&old[at], WHOLE), side(&new[at], WHOLE)], Normalization::Raw);
        (0..comparison.groups().len() as u32).map(|group| counts(&comparison, group)).collect::<Vec<_>>()
    };
    assert_eq!(rows(1), [[1, 1]], "by name, one row");
    assert_eq!(rows(0), [[1, 0], [0, 1]], "without names, offsets differ");
}

#[test]
fn paths_of_a_node_on_a_side_lead_to_its_rows() {
    let (a, b) = (of_blocks(&random_blocks(21, 200)), of_blocks(&random_blocks(22, 200)));
    let keys = [Key::Paged, Key::Process, Key::Stack];
    let comparison = compared(&keys, [side(&a, WHOLE), side(&b, WHOLE)], Normalization::Raw);
    let mut tree = CompareTree::new(Arc::clone(&comparison));
    let mut next = vec![PivotTree::ROOT];
    while let Some(node) = next.pop() {
        for (own, names) in Side::BOTH.into_iter().zip([&a, &b]) {
            let paths = tree.side_paths(node, own);
            let wanted = comparison.rows(own, &tree.tree().groups(node), &not_cancelled).unwrap();
            let found = rows_of_paths(&paths, names, WHOLE, &not_cancelled).unwrap();
            assert_eq!(found, wanted, "{paths:?}");
        }
        next.extend(tree.children(node, &CompareSort::by_growth(Metric::Size)));
    }
}

#[test]
fn a_finding_names_the_driver_and_function_of_the_growth() {
    let of = |count: usize, stack: &'static [&'static str], tag: &'static [u8; 4]| {
        std::iter::repeat_n(Block { stack, tag, ..block(Some(50), None, 100) }, count)
    };
    let (mine, others): (&[&str], &[&str]) = (&["nt:10", "my:30", "nt:20"], &["nt:10", "other:30", "nt:20"]);
    let baseline: Vec<Block> =
        of(10, mine, b"Leak").chain(of(100, others, b"Leak")).chain(of(40, others, b"Less")).collect();
    let comparison: Vec<Block> =
        of(80, mine, b"Leak").chain(of(110, others, b"Leak")).chain(of(41, others, b"Tiny")).collect();
    let sides = [side(&of_blocks(&baseline), WHOLE), side(&of_blocks(&comparison), WHOLE)];
    let [first, second] = &sides;
    let divisors = Divisors::new(Normalization::Raw, [first, second], &not_cancelled).unwrap();
    let found = findings(FindingRequest { sides, divisors }, &not_cancelled).unwrap();
    let tags: Vec<&str> = found.iter().map(|finding| finding.tag.as_str()).collect();
    assert_eq!(tags, ["Leak", "Tiny", "Less"], "by growth");
    let main = &found[0];
    assert_eq!(main.driver.as_deref(), Some("myfault.sys"), "70 of 80 more blocks are its own");
    assert_eq!(main.function.as_deref(), Some("myfault.sys+0x30"));
    assert_eq!((main.delta_bytes(), main.impacting_counts), (8000.0, [110, 190]));
    assert_eq!(finding::worse(&found).count(), 2);
    let better: Vec<&str> = finding::better(&found).iter().map(|finding| finding.tag.as_str()).collect();
    assert_eq!(better, ["Less"]);
}

#[test]
fn two_recordings_of_one_load_differ_by_chance_alone() {
    let of = |count: usize| std::iter::repeat_n(block(Some(50), None, 100), count).collect::<Vec<Block>>();
    let significant = |first, second| {
        let sides = [side(&of_blocks(&of(first)), WHOLE), side(&of_blocks(&of(second)), WHOLE)];
        let [a, b] = &sides;
        let divisors = Divisors::new(Normalization::Raw, [a, b], &not_cancelled).unwrap();
        let found = findings(FindingRequest { sides, divisors }, &not_cancelled).unwrap();
        found.iter().any(|finding| finding.is_significant)
    };
    assert!(!significant(100, 130), "two standard deviations");
    assert!(significant(100, 200));
    assert!(!significant(100, 100));
}

#[test]
fn cancelling_ends_every_step() {
    let names = of_blocks(&random_blocks(13, 50));
    let sides = || [side(&names, WHOLE), side(&names, WHOLE)];
    let [first, second] = sides();
    let divisors = Divisors::new(Normalization::Raw, [&first, &second], &not_cancelled).unwrap();
    let request = CompareRequest { keys: &[Key::Tag], sides: sides(), divisors: divisors.clone(), with_growth: true };
    assert!(compare(request, &|| true).is_err());
    assert!(findings(FindingRequest { sides: sides(), divisors }, &|| true).is_err());
    let by_tag = Normalization::PerAllocation("Leak".to_owned());
    assert_eq!(Divisors::new(by_tag, [&first, &second], &|| true), Err(NormalizationError::Cancelled));
}
