//! Rows of trees with some nodes open, against walks of the whole tree.

use std::io::Cursor;
use std::sync::Arc;

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::load::{LoadOptions, load};
use poolscope_analysis::pivot::{Key, Metric, PivotRequest, pivot};
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::file::TraceFile;
use poolscope_synth::{SynthParams, write_trace};

use super::*;

fn tree() -> PivotTree {
    let mut file = Cursor::new(Vec::new());
    let params = SynthParams { allocations: 500, ..SynthParams::default() };
    write_trace(&mut file, &params, None).unwrap();
    let file = TraceFile::from_bytes(file.into_inner(), "made up").unwrap();
    let trace = load(file, LoadOptions::default(), &Progress::default(), &CancelToken::default()).unwrap();
    let view = trace.extent;
    let names = ColumnValues::new(trace, FrameNaming::Symbol);
    let keys = [Key::Type, Key::Paged, Key::Tag, Key::Stack];
    let request = PivotRequest { keys: &keys, visible_range: view, rows: None };
    PivotTree::new(Arc::new(pivot(&names, &request, &|| false).unwrap()))
}

/// The rows by walking the whole tree.
fn walked(flat: &mut VisibleRows, expanded: &FxHashSet<u64>) -> Vec<NodeId> {
    fn walk(flat: &mut VisibleRows, id: NodeId, expanded: &FxHashSet<u64>, out: &mut Vec<NodeId>) {
        let mut children = flat.cache.tree.open(id).to_vec();
        children.sort_by(|a, b| flat.cache.compare(*a, *b));
        for child in children {
            out.push(child);
            if expanded.contains(&flat.cache.tree.path_hash(child)) && flat.cache.tree.has_children(child) {
                walk(flat, child, expanded, out);
            }
        }
    }
    let mut out = Vec::new();
    walk(flat, PivotTree::ROOT, expanded, &mut out);
    out
}

fn check(flat: &mut VisibleRows, expanded: &FxHashSet<u64>) {
    let wanted = walked(flat, expanded);
    let rows: Vec<NodeId> = (0..flat.len()).filter_map(|i| flat.node_at(i)).collect();
    assert_eq!(rows, wanted);
    assert_eq!(flat.node_at(flat.len()), None);
    for (index, node) in wanted.iter().enumerate() {
        assert_eq!(flat.index_of(*node), Some(index as u64));
    }
}

#[test]
fn rows_are_found_by_number_and_back_after_every_change() {
    let mut expanded = FxHashSet::default();
    let mut flat = VisibleRows::new(tree(), SortOrder::default(), &expanded);
    check(&mut flat, &expanded);
    // Opens and closes rows all over the table, by a fixed sequence.
    let mut dice = 12_345_u64;
    for step in 0..300 {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let index = (dice >> 33) % flat.len();
        let node = flat.node_at(index).unwrap();
        let path = flat.tree().path_hash(node);
        if flat.is_open(node) && step % 3 == 0 {
            expanded.remove(&path);
            flat.close(node);
        } else {
            expanded.insert(path);
            flat.open(node, &expanded);
        }
        if step % 20 == 0 {
            check(&mut flat, &expanded);
        }
    }
    check(&mut flat, &expanded);
    let by = |figure, ascending| SortLevel { metric: figure, ascending };
    let count = by(Some(Metric::Count), true);
    for sort in [&[count][..], &[by(None, false)], &[count, by(Some(Metric::Max), false), by(None, false)], &[]] {
        flat.set_sort(SortOrder::new(sort), &expanded);
        check(&mut flat, &expanded);
    }
    let paths: FxHashSet<u64> = walked(&mut flat, &expanded).iter().map(|n| flat.tree().path_hash(*n)).collect();
    let found = flat.find_paths(&paths);
    assert_eq!(found.len(), paths.len());
}

#[test]
fn the_way_to_the_answer_is_opened() {
    let mut expanded = FxHashSet::default();
    let mut flat = VisibleRows::new(tree(), SortOrder::default(), &expanded);
    let led = flat.follow_largest("AIFO", &mut expanded);
    assert_eq!(flat.tree().label(led[0]), "AIFO");
    assert!(led.len() > 4, "type, pool, tag, root and frames: {led:?}");
    check(&mut flat, &expanded);
    for pair in led.windows(2) {
        assert_eq!(flat.tree().parent(pair[1]), pair[0]);
        assert_eq!(flat.largest_child(pair[0]), Some(pair[1]));
    }
}

#[test]
fn a_hidden_value_is_found_and_shown() {
    let mut expanded = FxHashSet::default();
    let mut flat = VisibleRows::new(tree(), SortOrder::default(), &expanded);
    let found = flat.nodes_with(2, "Leak");
    assert!(!found.is_empty());
    for node in found {
        assert_eq!((flat.tree().label(node), flat.index_of(node)), ("Leak".into(), None));
        flat.show(node, &mut expanded);
        assert!(flat.index_of(node).is_some());
    }
    check(&mut flat, &expanded);
}

#[test]
fn opening_everything_stops_at_its_limit() {
    let mut expanded = FxHashSet::default();
    let mut flat = VisibleRows::new(tree(), SortOrder::default(), &expanded);
    let top = flat.node_at(0).unwrap();
    assert_eq!(flat.expand_below(top, 7, &mut expanded), 7);
    assert_eq!(expanded.len(), 7);
    flat.open(top, &expanded);
    check(&mut flat, &expanded);
}

#[test]
fn deferred_values_put_rows_into_their_places() {
    let mut expanded = FxHashSet::default();
    let peak = Metric::PeakSize;
    let mut flat = VisibleRows::new(tree(), SortLevel { metric: Some(peak), ascending: false }.into(), &expanded);
    let top = flat.node_at(0).unwrap();
    expanded.insert(flat.tree().path_hash(top));
    flat.open(top, &expanded);
    let unknown = flat.unknown(peak, 1000);
    assert_eq!(unknown.len() as u64, flat.len());
    assert_eq!(flat.unknown(peak, 2).len(), 2);
    let numbers: Vec<_> = unknown.iter().map(|n| (*n, Value::Int(i128::from(n.0)))).collect();
    assert!(flat.learn(peak, numbers), "the order depends on it");
    flat.set_sort(flat.sort(), &expanded);
    check(&mut flat, &expanded);
    assert_eq!(flat.unknown(peak, 1000), []);
    assert!(flat.node_at(0).unwrap() > top, "what came first by its key has the smallest figure now");
}
