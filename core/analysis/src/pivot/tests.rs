//! Pivots of small traces against hand-made figures, and of random ones against sums row by row.

use super::*;
use crate::filter::rowset::RowSet;
use crate::group::column::KeyValue;
use crate::group::column_values::ColumnValues;
use crate::group::parallel::not_cancelled;
use crate::group::test_util::{Block, Rng, block, names, random_blocks};
use crate::trace::time::{Ticks, TimeRange};
use std::collections::BTreeMap;
use std::sync::Arc;

fn visible_range(from: i64, to: i64) -> TimeRange {
    TimeRange { from: Ticks(from), to: Ticks(to) }
}

fn run(names: &ColumnValues, keys: &[Key], visible_range: TimeRange) -> Pivot {
    pivot(names, &PivotRequest { keys, visible_range, rows: None }, &not_cancelled).unwrap()
}

fn texts(pivot: &Pivot, group: usize) -> Vec<String> {
    let ids = pivot.ids(group).iter().zip(pivot.columns());
    ids.map(|(id, column)| match column.value(*id) {
        KeyValue::Frames(frames) => frames.join(";"),
        _ => column.text(*id).into_owned(),
    })
    .collect()
}

fn four() -> Vec<Block> {
    let mut paged = block(Some(500), None, 7);
    paged.pool_type = 1;
    paged.tag = b"Fil ";
    vec![block(Some(1000), Some(2000), 100), block(Some(3000), None, 40), block(None, Some(4000), 30), paged]
}

#[test]
fn a_whole_trace_by_type_and_paged() {
    let names = names(&four());
    let table = run(&names, &[Key::Type, Key::Paged, Key::Tag], visible_range(0, 10_000));
    let rows: Vec<_> = (0..table.len())
        .map(|g| (texts(&table, g).join(" "), table.aggregates()[g].count(), table.aggregates()[g].size()))
        .collect();
    let expected = [
        ("AIFI NonPaged Leak", 1, 100),
        ("AIFO NonPaged Leak", 1, 40),
        ("AIFO Paged Fil ", 1, 7),
        ("AOFI NonPaged Leak", 1, 30),
    ];
    assert_eq!(rows, expected.map(|(t, c, s)| (t.to_owned(), c, s)));
    let total = |metric: Metric| metric.of(table.total(), table.clock());
    assert_eq!(total(Metric::Size), Value::Int(177));
    assert_eq!(total(Metric::ImpactingSize), Value::Int(47));
    assert_eq!(total(Metric::NetSize), Value::Int(17));
    assert_eq!(total(Metric::Average), Value::Float(44.25));
    assert_eq!((total(Metric::Min), total(Metric::Max)), (Value::Int(7), Value::Int(100)));
    assert_eq!(total(Metric::LifetimeAverage), Value::Float(1.0));
    assert_eq!(total(Metric::FreesPerAlloc), Value::quotient(2.0, 3.0));
}

#[test]
fn growth_adds_up_over_every_grouping() {
    let names = Arc::new(names(&random_blocks(11, 3_000)));
    for range in [visible_range(0, 10_000), visible_range(2_500, 8_000)] {
        let growth = |keys: &[Key]| {
            let table = Arc::new(run(&names, keys, range));
            let evaluator = Evaluator::new(Arc::clone(&names), &table, None, Arc::default());
            let (groups, total) = evaluator.group_values(Metric::Growth, &not_cancelled).unwrap();
            let float = |number: &Value| match number {
                Value::Float(value) => *value,
                other => panic!("{other:?}"),
            };
            (groups.iter().map(float).sum::<f64>(), float(&total))
        };
        let (_, total) = growth(&[Key::Paged]);
        assert!(total.abs() > 1.0, "{total}");
        for keys in [&[Key::Tag][..], &[Key::Driver], &[Key::Stack, Key::Process], &[Key::Type, Key::Tag, Key::Address]]
        {
            let (sum, all) = growth(keys);
            assert!((sum - total).abs() < 1e-6 * total.abs() && all == total, "{keys:?}: {sum} {all} {total}");
        }
    }
}

#[test]
fn a_narrow_view_classifies_again_and_drops_what_it_does_not_meet() {
    let names = names(&four());
    // [1500, 3500]: the first block is AOFI, the second AIFO, the third and fourth AOFO.
    let table = run(&names, &[Key::Type], visible_range(1500, 3500));
    let rows: Vec<_> = (0..table.len()).map(|g| (texts(&table, g), table.aggregates()[g].size())).collect();
    let expected = [("AIFO", 40), ("AOFI", 100), ("AOFO", 37)];
    assert_eq!(rows, expected.map(|(t, s)| (vec![t.to_owned()], s)));
    assert_eq!(Metric::NetSize.of(table.total(), table.clock()), Value::Int(-60));
    let late = run(&names, &[Key::Type, Key::ImpactingType], visible_range(4001, 5000));
    let rows: Vec<_> = (0..late.len()).map(|g| texts(&late, g)).collect();
    assert_eq!(rows, [["AOFO", "Transient"]]);
    assert_eq!(late.total().size(), 47);
}

#[test]
fn implied_ends_have_no_lifetime_and_uncertain_stacks_are_counted() {
    use crate::trace::allocation::flag;
    let with = |flags, free| Block { flags, stack: &["my:30"], ..block(Some(1000), Some(free), 10) };
    let blocks = [
        with(0, 2000),
        with(flag::UNCERTAIN_ALLOCATION_STACK, 4000),
        // One free and one allocation were lost: these lifetimes are unknown.
        with(flag::IMPLIED_FREE | flag::UNCERTAIN_ALLOCATION_STACK, 9000),
        with(flag::IMPLIED_ALLOCATION | flag::UNCERTAIN_FREE_STACK, 9500),
    ];
    let names = names(&blocks);
    // Few possible keys, numbered groups, and keys that are too many for a table give the same figures.
    for keys in [&[Key::Tag][..], &[Key::Stack, Key::Driver, Key::Process, Key::Thread], &[Key::Type, Key::Session]] {
        let table = run(&names, keys, visible_range(0, 10_000));
        let total = |metric: Metric| metric.of(table.total(), table.clock());
        assert_eq!((total(Metric::Count), total(Metric::LifetimeAverage)), (Value::Int(4), Value::Float(2.0)));
        assert_eq!(total(Metric::LifetimeMax), Value::Float(3.0));
        assert_eq!(
            (total(Metric::UncertainStacks), total(Metric::UncertainFreeStacks)),
            (Value::Int(2), Value::Int(1))
        );
    }
    let by_lifetime = run(&names, &[Key::Lifetime], visible_range(0, 10_000));
    let row = |g| (texts(&by_lifetime, g)[0].clone(), by_lifetime.aggregates()[g].count());
    let rows: Vec<_> = (0..by_lifetime.len()).map(row).collect();
    let expected = [("unknown", 2), ("1.000000000 s", 1), ("3.000000000 s", 1)];
    assert_eq!(rows, expected.map(|(text, count)| (text.to_owned(), count)));
    let only_implied = names_of_only(flag::IMPLIED_FREE);
    let table = run(&only_implied, &[], visible_range(0, 10_000));
    assert_eq!(Metric::LifetimeAverage.of(table.total(), table.clock()), Value::None);
    assert_eq!(Metric::LifetimeMax.of(table.total(), table.clock()), Value::None);
}

/// One freed block with these marks.
fn names_of_only(flags: u8) -> ColumnValues {
    names(&[Block { flags, ..block(Some(1), Some(9), 10) }])
}

#[test]
fn equal_values_are_ordered_by_their_keys() {
    let tags: [&[u8; 4]; 3] = [b"Cccc", b"Aaaa", b"Bbbb"];
    let blocks = tags.map(|tag| Block { tag, ..block(Some(1), None, 10) });
    let names = names(&blocks);
    let table = run(&names, &[Key::Tag], visible_range(0, 10));
    let order =
        |sort| -> Vec<String> { table.sorted(sort).iter().map(|g| texts(&table, *g as usize).join("")).collect() };
    assert_eq!(order(SortLevel::default()), ["Aaaa", "Bbbb", "Cccc"]);
    assert_eq!(order("size:asc".parse().unwrap()), ["Aaaa", "Bbbb", "Cccc"]);
    assert_eq!(order("key:desc".parse().unwrap()), ["Cccc", "Bbbb", "Aaaa"]);
    let mut tree = PivotTree::new(Arc::new(table));
    let children = tree.children(PivotTree::ROOT, SortLevel::default());
    let labels: Vec<_> = children.iter().map(|c| tree.label(*c).into_owned()).collect();
    assert_eq!(labels, ["Aaaa", "Bbbb", "Cccc"]);
}

#[test]
fn processes_with_one_label_are_one() {
    let blocks = [2, 3, 1].map(|process| Block { process, ..block(Some(1), None, 5) });
    let table = run(&names(&blocks), &[Key::Process], visible_range(0, 10));
    let rows: Vec<_> = (0..table.len()).map(|g| (texts(&table, g), table.aggregates()[g].count())).collect();
    let expected = [("NotMyfault.exe (1234)", 1), ("svchost.exe (800)", 2)];
    assert_eq!(rows, expected.map(|(t, c)| (vec![t.to_owned()], c)));
}

fn stacked() -> Vec<Block> {
    let with = |stack, size| Block { stack, ..block(Some(1), None, size) };
    vec![
        with(&["app:10", "nt:20", "my:30", "nt:40"], 100),
        with(&["app:10", "nt:20", "my:34", "wdf:8", "nt:40"], 50),
        with(&["app:10", "nt:20"], 7),
        with(&["app:10"], 1),
        with(&[], 3),
    ]
}

#[test]
fn stacks_are_a_tree_below_root() {
    let names = names(&stacked());
    let table = run(&names, &[Key::Tag, Key::Stack], visible_range(0, 10));
    assert_eq!(table.len(), 5);
    let mut tree = PivotTree::new(Arc::new(table));
    let chain = tree.open_chain(PivotTree::ROOT);
    let labels: Vec<_> = chain.iter().map(|n| tree.label(*n).into_owned()).collect();
    assert_eq!(labels, ["Total", "Leak", "[Root]"]);
    let below = tree.children(chain[2], SortLevel::default());
    let shown = |tree: &PivotTree, nodes: &[NodeId]| -> Vec<(String, u64)> {
        nodes.iter().map(|n| (tree.label(*n).into_owned(), tree.aggregate(*n).size())).collect()
    };
    assert_eq!(shown(&tree, &below), [("app.exe+0x10".into(), 158), ("[No stack]".into(), 3)]);
    let chain = tree.open_chain(below[0]);
    assert_eq!(shown(&tree, &chain), [("app.exe+0x10".into(), 158), ("ntoskrnl.exe+0x20".into(), 157)]);
    let leaves = tree.children(chain[1], SortLevel::default());
    assert_eq!(shown(&tree, &leaves), [("myfault.sys+0x30".into(), 100), ("myfault.sys+0x34".into(), 50)]);
    assert!(tree.has_children(leaves[0]));
    let call = tree.open(leaves[0])[0];
    assert!(!tree.has_children(call));
    assert_eq!(tree.frames(call), ["app.exe+0x10", "ntoskrnl.exe+0x20", "myfault.sys+0x30", "ntoskrnl.exe+0x40"]);
}

#[test]
fn frames_of_one_module_fold_when_modules_are_shown() {
    let base = names(&stacked());
    let names = ColumnValues::new(Arc::clone(base.trace()), crate::group::frames::FrameNaming::Module);
    let table = run(&names, &[Key::Driver, Key::Stack], visible_range(0, 10));
    let rows: Vec<_> = (0..table.len()).map(|g| texts(&table, g)).collect();
    let expected = [
        ["", ""],
        ["", "app.exe"],
        ["myfault.sys", "app.exe;ntoskrnl.exe;myfault.sys;ntoskrnl.exe"],
        ["myfault.sys", "app.exe;ntoskrnl.exe;myfault.sys;wdf01000.sys;ntoskrnl.exe"],
        ["ntoskrnl.exe", "app.exe;ntoskrnl.exe"],
    ];
    assert_eq!(rows, expected);
}

#[test]
fn a_column_after_the_stack_hangs_below_the_frame_where_the_stack_ends() {
    let names = names(&stacked());
    let mut tree = PivotTree::new(Arc::new(run(&names, &[Key::Stack, Key::Tag], visible_range(0, 10))));
    let mut lines = Vec::new();
    let mut open = vec![PivotTree::ROOT];
    while let Some(node) = open.pop() {
        lines.push(format!("{}{} {}", " ".repeat(tree.depth(node)), tree.label(node), tree.aggregate(node).size()));
        let children = tree.children(node, SortLevel::default());
        if !children.is_empty() {
            let sum: u64 = children.iter().map(|c| tree.aggregate(*c).size()).sum();
            assert_eq!(sum, tree.aggregate(node).size());
        }
        open.extend(children.iter().rev());
    }
    assert_eq!(lines[..4], ["Total 161", " [Root] 161", "  app.exe+0x10 158", "   ntoskrnl.exe+0x20 157"]);
    assert!(lines.contains(&"   Leak 1".to_owned()));
    assert!(lines.contains(&"  [No stack] 3".to_owned()));
    assert!(lines.contains(&"   Leak 3".to_owned()));
}

#[test]
fn paths_survive_another_view_and_order() {
    let names = names(&random_blocks(3, 400));
    let keys = [Key::Tag, Key::Stack];
    let mut before = PivotTree::new(Arc::new(run(&names, &keys, visible_range(0, 10_000))));
    let tag = before.children(PivotTree::ROOT, SortLevel::default())[2];
    let inner = *before.open_chain(tag).last().unwrap();
    let child = before.open(inner)[0];
    let mut paths = rustc_hash::FxHashSet::default();
    let mut at = child;
    while at != PivotTree::ROOT {
        paths.insert(before.path_hash(at));
        at = before.parent(at);
    }
    let mut after = PivotTree::new(Arc::new(run(&names, &keys, visible_range(2000, 5000))));
    let opened = after.open_paths(&paths);
    assert_eq!(opened.len(), paths.len() + 1);
    assert_eq!(after.frames(*opened.last().unwrap()), before.frames(child));
}

/// The same sums from the texts of each row.
fn by_hand(
    blocks: &[Block],
    visible_range: TimeRange,
    pick: &[Key],
    rows: Option<&RowSet>,
) -> BTreeMap<Vec<String>, [i128; 6]> {
    let mut groups: BTreeMap<Vec<String>, [i128; 6]> = BTreeMap::new();
    for (row, b) in blocks.iter().enumerate() {
        let (from, to) = (visible_range.from.0, visible_range.to.0);
        let starts_late = b.alloc.is_some_and(|a| a > to);
        let ends_early = b.free.is_some_and(|f| f < from);
        if starts_late || ends_early || rows.is_some_and(|r| !r.contains(row)) {
            continue;
        }
        let inside = b.alloc.is_some_and(|a| a >= from);
        let freed = b.free.is_some_and(|f| f <= to);
        let name = format!("A{}F{}", if inside { 'I' } else { 'O' }, if freed { 'I' } else { 'O' });
        let shown = |frames: &[&str]| -> String {
            let full = |f: &&str| {
                let (m, o) = f.split_once(':').unwrap();
                let m = match m {
                    "nt" => "ntoskrnl.exe",
                    "my" => "myfault.sys",
                    "app" => "app.exe",
                    "wdf" => "wdf01000.sys",
                    _ => "other.sys",
                };
                format!("{m}+0x{o}")
            };
            frames.iter().map(full).collect::<Vec<_>>().join(";")
        };
        let key = pick.iter().map(|k| match k {
            Key::Type => name.clone(),
            Key::Tag => crate::trace::attributes::Tag(*b.tag).text(),
            Key::Stack => shown(b.stack),
            Key::FreeStack => shown(b.free_stack),
            Key::Thread => b.thread.to_string(),
            Key::Address => format!("{:#x}", b.address),
            Key::SizeClass => {
                let mut class = 0;
                while b.size >= 1 << class {
                    class += 1;
                }
                crate::group::column::size_class_label(class)
            }
            other => panic!("{other}"),
        });
        let sums = groups.entry(key.collect()).or_default();
        let size = i128::from(b.size);
        sums[0] += 1;
        sums[1] += size;
        sums[2] += if name == "AIFO" { size } else { 0 };
        sums[3] += match name.as_str() {
            "AIFO" => size,
            "AOFI" => -size,
            _ => 0,
        };
        sums[4] = sums[4].max(size);
        if let (Some(a), Some(f)) = (b.alloc, b.free) {
            sums[5] = sums[5].max(i128::from(f - a));
        }
    }
    groups
}

#[test]
fn random_traces_agree_with_sums_made_row_by_row() {
    let key_sets: [&[Key]; 6] = [
        &[],
        &[Key::Type, Key::Tag],
        &[Key::Tag, Key::Thread, Key::SizeClass],
        &[Key::Type, Key::Tag, Key::Stack],
        &[Key::FreeStack, Key::Stack],
        &[Key::Address, Key::Stack, Key::Type],
    ];
    let mut dice = Rng(99);
    for seed in 0..20 {
        let blocks = random_blocks(seed, 300 + seed as usize * 37);
        let names = names(&blocks);
        let from = dice.roll(9000) as i64;
        let visible_range = visible_range(from, from + dice.roll(5000) as i64);
        let rows = RowSet::from_fn(blocks.len(), |r| r % 3 != 0);
        for keys in key_sets {
            for rows in [None, Some(&rows)] {
                let table = pivot(&names, &PivotRequest { keys, visible_range, rows }, &not_cancelled).unwrap();
                let expected = by_hand(&blocks, visible_range, keys, rows);
                let mut sum = Aggregate::default();
                let mut seen = BTreeMap::new();
                for (group, aggregate) in table.aggregates().iter().enumerate() {
                    sum.merge(aggregate);
                    let figures = [
                        i128::from(aggregate.count()),
                        i128::from(aggregate.size()),
                        i128::from(aggregate.impacting_size()),
                        aggregate.net_size(),
                        i128::from(aggregate.max().unwrap()),
                        i128::from(aggregate.lifetime_max_ticks().unwrap_or(0)),
                    ];
                    assert_eq!(seen.insert(texts(&table, group), figures), None);
                }
                assert_eq!(seen, expected, "seed {seed}, {keys:?}");
                assert_eq!(sum, *table.total());
            }
        }
    }
}

#[test]
fn the_number_of_workers_changes_nothing() {
    let names = names(&random_blocks(7, 200_000));
    let keys = [Key::Type, Key::Stack, Key::Address];
    let shape = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let table = pool.install(|| run(&names, &keys, visible_range(100, 9000)));
        let ids: Vec<u32> = (0..table.len()).flat_map(|g| table.ids(g).to_vec()).collect();
        (ids, table.aggregates().to_vec())
    };
    assert_eq!(shape(1), shape(7));
}

#[test]
fn cancelling_ends_the_pass() {
    let names = names(&random_blocks(7, 100));
    let request = PivotRequest { keys: &[Key::Tag], visible_range: visible_range(0, 10), rows: None };
    assert!(pivot(&names, &request, &|| true).is_err());
}

#[test]
fn peaks_and_different_values_agree_with_a_walk_over_all_ticks() {
    let blocks = random_blocks(21, 120);
    let names = Arc::new(names(&blocks));
    let (from, to) = (2000, 6000);
    let table = Arc::new(run(&names, &[Key::Tag], visible_range(from, to)));
    let evaluator = Evaluator::new(Arc::clone(&names), &table, None, Arc::default());
    let [(peaks, _), (counts, _), (threads, all)] = [Metric::PeakSize, Metric::PeakCount, Metric::Unique(Key::Thread)]
        .map(|metric| evaluator.group_values(metric, &not_cancelled).unwrap());
    assert_eq!(
        all,
        evaluator
            .values(Metric::Unique(Key::Thread), std::slice::from_ref(&(0..table.len() as u32)), &not_cancelled)
            .unwrap()[0]
    );
    for group in 0..table.len() {
        let tag = texts(&table, group).remove(0);
        let own = |b: &&Block| crate::trace::attributes::Tag(*b.tag).text() == tag;
        let alive = |b: &&Block, t: i64| b.alloc.is_none_or(|a| a <= t) && b.free.is_none_or(|f| t < f);
        let at = |t: i64| blocks.iter().filter(own).filter(move |b| alive(b, t));
        let peak = (from..=to).map(|t| at(t).map(|b| i128::from(b.size)).sum::<i128>()).max();
        let count = (from..=to).map(|t| at(t).count() as i128).max();
        assert_eq!(peaks[group], Value::Int(peak.unwrap()), "{tag}");
        assert_eq!(counts[group], Value::Int(count.unwrap()), "{tag}");
        let seen = |b: &&Block| b.alloc.is_none_or(|a| a <= to) && b.free.is_none_or(|f| f >= from);
        let kinds: std::collections::BTreeSet<u32> = blocks.iter().filter(own).filter(seen).map(|b| b.thread).collect();
        assert_eq!(threads[group], Value::Int(kinds.len() as i128), "{tag}");
        assert_eq!(blocks.iter().filter(own).filter(seen).count() as u64, table.aggregates()[group].count());
    }
}

#[test]
fn further_levels_order_what_the_first_leaves_equal() {
    let tags: [(&[u8; 4], &[u64]); 4] = [(b"Aaaa", &[10]), (b"Bbbb", &[4, 6]), (b"Cccc", &[30]), (b"Dddd", &[1, 9])];
    let with = |(tag, sizes): (&'static [u8; 4], &'static [u64])| {
        sizes.iter().map(move |size| Block { tag, ..block(Some(1), None, *size) })
    };
    let blocks: Vec<Block> = tags.into_iter().flat_map(with).collect();
    let table = Arc::new(run(&names(&blocks), &[Key::Tag], visible_range(0, 10)));
    let order = |text: &str| -> String {
        let sort: SortOrder = text.parse().unwrap();
        let groups: Vec<_> = table.sorted(sort).iter().map(|g| texts(&table, *g as usize).join("")).collect();
        let mut tree = PivotTree::new(Arc::clone(&table));
        let nodes = tree.children(PivotTree::ROOT, sort);
        assert!(nodes.is_sorted_by(|a, b| tree.order(sort, *a, *b).is_lt()));
        let labels: Vec<_> = nodes.iter().map(|n| tree.label(*n).into_owned()).collect();
        assert_eq!(groups, labels, "{text}");
        labels.iter().map(|l| &l[..1]).collect()
    };
    assert_eq!(order("size"), "CABD");
    assert_eq!(order("size,count"), "CBDA");
    assert_eq!(order("size,count,max"), "CDBA");
    assert_eq!(order("size:asc,key:desc"), "DBAC");
    assert_eq!(order("key:desc,size"), "DCBA");
    assert_eq!(order("count:asc,size:asc,key"), "ACBD");
}

/// The peak of the outstanding amount in a range, tick by tick.
fn peak_by_hand(blocks: &[Block], visible_range: TimeRange, rows: &RowSet, amount: impl Fn(&Block) -> u64) -> i128 {
    let alive = |b: &Block, t: i64| b.alloc.is_none_or(|a| a <= t) && b.free.is_none_or(|f| t < f);
    let at = |t: i64| {
        let alive = blocks.iter().enumerate().filter(|(r, b)| rows.contains(*r) && alive(b, t));
        alive.map(|(_, b)| i128::from(amount(b))).sum::<i128>()
    };
    (visible_range.from.0..=visible_range.to.0).map(at).max().unwrap_or(0)
}

#[test]
fn values_of_nodes_within_nodes_come_from_one_pass() {
    for seed in 60..66 {
        let blocks = random_blocks(seed, 60);
        let names = Arc::new(names(&blocks));
        let rows = Arc::new(RowSet::from_fn(blocks.len(), |r| r % 7 != 3));
        let visible_range = visible_range(2000, 2300);
        let keys = [Key::Type, Key::Tag, Key::Stack];
        let request = PivotRequest { keys: &keys, visible_range, rows: Some(&*rows) };
        let table = Arc::new(pivot(&names, &request, &not_cancelled).unwrap());
        let mut tree = PivotTree::new(Arc::clone(&table));
        let mut nodes = vec![PivotTree::ROOT];
        let mut at = 0;
        while let Some(node) = nodes.get(at) {
            nodes.extend_from_slice(tree.open(*node));
            at += 1;
        }
        nodes.reverse();
        let runs: Vec<_> = nodes.iter().map(|n| tree.groups(*n)).collect();
        assert!(runs.len() > 30, "seed {seed}");
        let evaluator = Evaluator::new(Arc::clone(&names), &table, Some(Arc::clone(&rows)), Arc::default());
        let all = [Metric::PeakSize, Metric::PeakCount, Metric::Unique(Key::Address), Metric::Size];
        let [sizes, counts, addresses, sums] = all.map(|metric| {
            let found = evaluator.values(metric, &runs, &not_cancelled).unwrap();
            assert_eq!(found, evaluator.node_values(metric, &tree, &nodes, &not_cancelled).unwrap());
            found
        });
        for (at, run) in runs.iter().enumerate() {
            let own = RowPath::of(&tree, nodes[at]).rows(&names, visible_range, &not_cancelled).unwrap().and(&rows);
            assert_eq!(own.count(), table.aggregate_of(run).count());
            let peak = |by_size: bool| peak_by_hand(&blocks, visible_range, &own, |b| if by_size { b.size } else { 1 });
            assert_eq!((sizes[at], counts[at]), (Value::Int(peak(true)), Value::Int(peak(false))), "seed {seed}");
            let distinct: std::collections::BTreeSet<u64> = own.iter().map(|r| blocks[r].address).collect();
            assert_eq!(addresses[at], Value::Int(distinct.len() as i128), "seed {seed}");
            assert_eq!(sums[at], tree.value(nodes[at], Metric::Size));
        }
        assert!(evaluator.values(Metric::PeakSize, &runs, &|| true).is_err());
    }
}

#[test]
fn other_marks_change_this_column_alone() {
    let blocks = [None, Some(0), Some(4999), Some(5000), Some(9000)].map(|alloc| block(alloc, None, 1));
    let plain = names(&blocks);
    let by = |names: &ColumnValues| -> Vec<(String, u64)> {
        let keys = [Key::Generation];
        let request = PivotRequest { keys: &keys, visible_range: names.trace().extent, rows: None };
        let table = pivot(names, &request, &not_cancelled).unwrap();
        let text = |group: usize| table.columns()[0].text(table.ids(group)[0]).into_owned();
        (0..table.len()).map(|g| (text(g), table.aggregates()[g].count())).collect()
    };
    let row = |text: &str, count| (text.to_owned(), count);
    assert_eq!(by(&plain), [row("before the trace", 1), row("1: 0.000 s to 10.000 s", 4)]);
    let tags = plain.column(Key::Tag);
    let marked = plain.with_markers(&[Ticks(5000)]);
    assert!(Arc::ptr_eq(&tags, &marked.column(Key::Tag)));
    let expected = [row("before the trace", 1), row("1: 0.000 s to 5.000 s", 2), row("2: 5.000 s to 10.000 s", 2)];
    assert_eq!(by(&marked), expected);
    assert_eq!(by(&plain).len(), 2);
}
