//! Flame graphs of small traces against hand-made stacks, and of random ones against sums row by row.

use super::*;
use crate::group::parallel::not_cancelled;
use crate::group::test_util::{Block, Rng, block, names, random_blocks};
use crate::trace::time::{LifetimeClass, Ticks};
use std::collections::BTreeMap;

const VIEW: TimeRange = TimeRange { from: Ticks(2000), to: Ticks(7000) };
const NO_ZOOM: &[String] = &[];

fn request(merge: FlameDirection, weight: FlameMetric) -> FlameRequest<'static> {
    FlameRequest { visible_range: VIEW, rows: None, direction: merge, metric: weight, zoom: NO_ZOOM }
}

fn whole(blocks: &[Block], merge: FlameDirection, weight: FlameMetric) -> FlameTree {
    flame(&names(blocks), &request(merge, weight), &not_cancelled).unwrap()
}

/// Every node by its path: weight, own weight, and number of rows.
fn listed(tree: &FlameTree) -> BTreeMap<String, (u64, u64, u64)> {
    let node = |node: u32| {
        (tree.path(node).join(" "), (tree.weight(node), tree.own_weight(node), tree.aggregate(node).count()))
    };
    (0..tree.len() as u32).map(node).collect()
}

/// Displayed frames without symbols.
fn shown(stack: &[&str]) -> Vec<String> {
    let frame = |text: &&str| {
        let (module, offset) = text.split_once(':').unwrap();
        let module = match module {
            "nt" => "ntoskrnl.exe",
            "wdf" => "wdf01000.sys",
            "my" => "myfault.sys",
            "other" => "other.sys",
            _ => "app.exe",
        };
        format!("{module}+0x{offset}")
    };
    stack.iter().map(frame).collect()
}

fn class(block: &Block) -> Option<LifetimeClass> {
    let alloc = block.alloc.unwrap_or(i64::MIN);
    let free = block.free.unwrap_or(i64::MAX);
    let inside = (alloc >= VIEW.from.0, free <= VIEW.to.0);
    (alloc <= VIEW.to.0 && free >= VIEW.from.0).then_some(match inside {
        (true, true) => LifetimeClass::Aifi,
        (true, false) => LifetimeClass::Aifo,
        (false, true) => LifetimeClass::Aofi,
        (false, false) => LifetimeClass::Aofo,
    })
}

/// The same as [`listed`], row by row.
fn folded(blocks: &[Block], merge: FlameDirection, weight: FlameMetric) -> BTreeMap<String, (u64, u64, u64)> {
    let mut nodes: BTreeMap<String, (u64, u64, u64)> = BTreeMap::new();
    for block in blocks {
        let Some(class) = class(block) else { continue };
        let impacting = class == LifetimeClass::Aifo;
        let weighs = match weight {
            FlameMetric::ImpactingSize => block.size * u64::from(impacting),
            FlameMetric::ImpactingCount => u64::from(impacting),
            FlameMetric::Size => block.size,
            FlameMetric::Count => 1,
        };
        let mut frames = shown(block.stack);
        if merge == FlameDirection::BottomUp {
            frames.reverse();
        }
        if frames.is_empty() {
            frames.push("[No stack]".to_owned());
        }
        for length in 0..=frames.len() {
            let node = nodes.entry(frames[..length].join(" ")).or_default();
            node.0 += weighs;
            node.1 += weighs * u64::from(length == frames.len());
            node.2 += 1;
        }
    }
    nodes.retain(|_, node| node.0 > 0);
    nodes
}

#[test]
fn every_node_weighs_what_its_rows_add_up_to() {
    for seed in 0..4 {
        let blocks = random_blocks(seed, 800);
        for merge in [FlameDirection::TopDown, FlameDirection::BottomUp] {
            for weight in FlameMetric::ALL {
                let tree = whole(&blocks, merge, weight);
                let (found, expected) = (listed(&tree), folded(&blocks, merge, weight));
                assert!(found.len() > 5 && !tree.is_cut(FlameTree::ROOT));
                let weights = |nodes: &BTreeMap<String, (u64, u64, u64)>| -> Vec<(String, u64, u64)> {
                    nodes.iter().map(|(path, node)| (path.clone(), node.0, node.1)).collect()
                };
                assert_eq!(weights(&found), weights(&expected), "{merge:?} {weight:?}");
                // Stacks without weight have no node, but their rows count above.
                let whole = found.get("").unwrap();
                assert_eq!(whole.2, blocks.iter().filter(|block| class(block).is_some()).count() as u64);
                assert_eq!(tree.aggregate(FlameTree::ROOT), *tree.pivot().total());
            }
        }
    }
}

/// Checks the invariants of a tree.
fn check(tree: &FlameTree) {
    for node in 0..tree.len() as u32 {
        let children = tree.children(node);
        let inside: u64 = children.clone().map(|child| tree.weight(child)).sum();
        assert_eq!(inside + tree.own_weight(node) + tree.rest(node).0, tree.weight(node), "{:?}", tree.path(node));
        let weights: Vec<u64> = children.clone().map(|child| tree.weight(child)).collect();
        assert!(weights.is_sorted_by(|a, b| a >= b) && weights.iter().all(|weight| *weight > 0), "{weights:?}");
        assert!(children.clone().all(|child| tree.parent(child) == node));
        assert_eq!(tree.depth(node), tree.path(node).len());
        assert_eq!(tree.find(&tree.path(node)), (node, tree.depth(node)));
        assert_eq!(tree.metric().of(&tree.aggregate(node), tree.pivot().clock()), tree.weight(node));
        let stacks = tree.stacks().unwrap();
        let frames = stacks.frames(tree.heaviest_stack(node));
        if tree.is_frame(node) {
            assert_eq!(stacks.text(tree.shown(node)), tree.text(node));
            let mut frames: Vec<&str> = frames;
            if tree.direction() == FlameDirection::BottomUp {
                frames.reverse();
            }
            assert_eq!(frames[..tree.depth(node)], tree.path(node));
        }
        let below = children.clone().any(|child| tree.is_cut(child));
        assert_eq!(tree.is_cut(node), below || tree.rest(node).1 > 0);
    }
}

/// Many stacks of one block each under two callers, and one that weighs more than all of them.
fn uneven(many: u64) -> Vec<Block> {
    const MANY: [&[&str]; 3] =
        [&["app:10", "nt:20", "my:30"], &["app:10", "nt:20", "other:30"], &["app:11", "wdf:1", "nt:40"]];
    let one = |stack, size| Block { stack, ..block(Some(3000), None, size) };
    let mut blocks = vec![one(&["app:10", "nt:21"][..], MAX_PARTS * many)];
    blocks.extend((0..many).map(|at| one(MANY[at as usize % 3], 1)));
    blocks
}

#[test]
fn frames_that_no_screen_could_show_are_counted_and_not_kept() {
    let blocks = uneven(3);
    let tree = whole(&blocks, FlameDirection::TopDown, FlameMetric::ImpactingSize);
    check(&tree);
    // Of the three that weigh 1 in 8192 * 3 each, those that share a caller are still seen as little as any.
    let paths: Vec<String> = listed(&tree).into_keys().collect();
    assert_eq!(paths, ["", "app.exe+0x10", "app.exe+0x10 ntoskrnl.exe+0x21"]);
    assert_eq!((tree.rest(0), tree.weight(0)), ((1, 1), MAX_PARTS * 3 + 3));
    let caller = tree.find(&["app.exe+0x10"]).0;
    assert_eq!(tree.rest(caller), (2, 1));
    assert!(tree.is_cut(0) && tree.is_cut(caller) && !tree.is_cut(tree.find(&["app.exe+0x10", "ntoskrnl.exe+0x21"]).0));
    assert_eq!(tree.aggregate(0), *tree.pivot().total());
    // Zoomed to, they are there, and the way to them.
    let zoom = ["app.exe+0x10", "ntoskrnl.exe+0x20"].map(str::to_owned);
    let question = FlameRequest { zoom: &zoom, ..request(FlameDirection::TopDown, FlameMetric::ImpactingSize) };
    let near = flame(&names(&blocks), &question, &not_cancelled).unwrap();
    check(&near);
    let (node, known) = near.find(&zoom);
    assert_eq!((known, near.children(node).len(), near.weight(node), near.is_cut(node)), (2, 2, 2, false));
    assert_eq!(near.find(&["app.exe+0x10", "nothing"]).1, 1);
}

#[test]
fn random_trees_keep_to_the_rules_wherever_they_are_zoomed_to() {
    let blocks = random_blocks(11, 600);
    let names = names(&blocks);
    let mut dice = Rng(3);
    for merge in [FlameDirection::TopDown, FlameDirection::BottomUp] {
        let tree = flame(&names, &request(merge, FlameMetric::Size), &not_cancelled).unwrap();
        check(&tree);
        for _ in 0..10 {
            let node = dice.roll(tree.len() as u64) as u32;
            let zoom: Vec<String> = tree.path(node).into_iter().map(str::to_owned).collect();
            let question = FlameRequest { zoom: &zoom, ..request(merge, FlameMetric::Size) };
            let near = flame(&names, &question, &not_cancelled).unwrap();
            check(&near);
            assert_eq!(listed(&near), listed(&tree));
        }
    }
}

#[test]
fn a_search_weighs_each_stack_once() {
    let blocks = random_blocks(5, 500);
    for weight in FlameMetric::ALL {
        let (out, back) =
            (whole(&blocks, FlameDirection::TopDown, weight), whole(&blocks, FlameDirection::BottomUp, weight));
        for text in ["NTOSKRNL", "my", "app.exe+0x1", "wdf01000.sys+0x1", "zzz", ""] {
            let has = |block: &&Block| {
                let frames = shown(block.stack);
                !text.is_empty() && frames.iter().any(|frame| frame.contains(&text.to_lowercase()))
            };
            let own: Vec<Block> = blocks.iter().filter(has).cloned().collect();
            let expected = folded(&own, FlameDirection::TopDown, weight).get("").map_or(0, |node| node.0);
            assert_eq!((out.matched(text), back.matched(text)), (expected, expected), "{text} {weight:?}");
        }
    }
}

#[test]
fn one_worker_or_many_make_the_same_tree() {
    let blocks = random_blocks(8, 3000);
    let with = |threads: usize, merge| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let tree = whole(&blocks, merge, FlameMetric::Size);
            (0..tree.len() as u32).map(|node| (tree.path(node).join(" "), tree.aggregate(node))).collect::<Vec<_>>()
        })
    };
    for merge in [FlameDirection::TopDown, FlameDirection::BottomUp] {
        assert_eq!(with(1, merge), with(5, merge));
    }
}

#[test]
fn rows_without_stacks_are_said_to_be_none() {
    let bare = vec![block(Some(3000), None, 7), block(Some(3000), None, 9)];
    let tree = whole(&bare, FlameDirection::TopDown, FlameMetric::ImpactingSize);
    check(&tree);
    assert!(tree.lacks_stacks() && !tree.is_empty());
    assert_eq!(listed(&tree).keys().collect::<Vec<_>>(), ["", "[No stack]"]);
    assert!(!tree.is_frame(1) && tree.own_weight(1) == 16);
    let late = TimeRange { from: Ticks(9000), to: Ticks(9001) };
    let question = FlameRequest { visible_range: late, ..request(FlameDirection::BottomUp, FlameMetric::Size) };
    let nothing = flame(&names(&[block(Some(1), Some(2), 5)]), &question, &not_cancelled).unwrap();
    assert!(nothing.is_empty() && nothing.lacks_stacks());
    assert_eq!((nothing.len(), nothing.weight(0), nothing.matched("nt")), (1, 0, 0));
    assert!(flame(&names(&bare), &question, &|| true).is_err());
}

#[test]
fn damaged_sizes_make_no_tree_that_goes_wrong() {
    let with = |stack, size| Block { stack, ..block(Some(3000), None, size) };
    let blocks = vec![with(&["app:10", "nt:20"][..], u64::MAX), with(&["app:10", "nt:21"][..], u64::MAX)];
    for merge in [FlameDirection::TopDown, FlameDirection::BottomUp] {
        let tree = whole(&blocks, merge, FlameMetric::Size);
        assert_eq!(tree.weight(0), u64::MAX);
        assert!((0..tree.len() as u32).all(|node| tree.weight(node) <= tree.weight(tree.parent(node))));
    }
}
