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

/// Rows of which each stands for itself alone: every frame is a responsible one.
fn without_folds(tree: PivotTree, sort: SortOrder, expanded: &FxHashSet<u64>) -> VisibleRows {
    let frames = tree.pivot().columns().iter().filter_map(|column| column.stacks()).map(|stacks| stacks.len()).max();
    let responsible = Arc::new(vec![true; frames.unwrap_or(0)]);
    VisibleRows::new(tree, sort, expanded, DeferredValues::default(), responsible)
}

/// Rows in which all runs of frames are folded.
fn with_folds(expanded: &FxHashSet<u64>) -> VisibleRows {
    VisibleRows::new(tree(), SortOrder::default(), expanded, DeferredValues::default(), Arc::default())
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
    let mut flat = without_folds(tree(), SortOrder::default(), &expanded);
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
            flat.close(node, &expanded);
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
    let mut flat = without_folds(tree(), SortOrder::default(), &expanded);
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
    let mut flat = without_folds(tree(), SortOrder::default(), &expanded);
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
    let mut flat = without_folds(tree(), SortOrder::default(), &expanded);
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
    let mut flat = without_folds(tree(), SortLevel { metric: Some(peak), ascending: false }.into(), &expanded);
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

/// The first row that stands for several frames.
fn first_fold(flat: &VisibleRows) -> NodeId {
    let rows = (0..flat.len()).filter_map(|index| flat.row_at(index));
    rows.into_iter().find(|row| !row.fold.is_empty()).map(|row| row.node).expect("a run of frames")
}

/// Every row is found by its number, and its number by its node; hidden frames have no number.
fn check_folded(flat: &VisibleRows) {
    for index in 0..flat.len() {
        let row = flat.row_at(index).expect("a row");
        assert_eq!((flat.node_at(index), flat.index_of(row.node)), (Some(row.node), Some(index)));
        assert_eq!(flat.fold_of(row.node), row.fold);
        assert!(row.fold.is_empty() || row.fold.len() >= MIN_FOLDED, "{:?}", row.fold);
        assert!(row.fold.iter().skip(1).all(|hidden| flat.index_of(*hidden).is_none()));
        assert!(row.above.iter().all(|outer| flat.is_within(*outer, row.node)));
    }
    assert!(flat.row_at(flat.len()).is_none());
}

#[test]
fn a_run_of_frames_is_one_row_until_it_is_unfolded() {
    let mut expanded = FxHashSet::default();
    let mut flat = with_folds(&expanded);
    flat.follow_largest("AIFO", &mut expanded);
    check_folded(&flat);
    let first = first_fold(&flat);
    let (rows, run) = (flat.len(), flat.fold_of(first).to_vec());
    let below = flat.row_at(flat.index_of(first).unwrap() + 1).expect("the frame below the run").node;
    assert_eq!(flat.tree().parent(below), *run.last().unwrap());
    let hidden: FxHashSet<u64> = run.iter().map(|node| flat.tree().path_hash(*node)).collect();
    assert!(flat.find_paths(&hidden).values().all(|node| *node == first), "the row stands for its frames");
    assert!(hidden.is_subset(&flat.open_paths(usize::MAX).into_iter().collect()), "hidden rows are open ones");

    flat.unfold(first, &mut expanded);
    check_folded(&flat);
    assert_eq!(flat.len(), rows + run.len() as u64 - 1);
    let at = flat.index_of(first).unwrap();
    let shown: Vec<NodeId> = (at..at + run.len() as u64).filter_map(|index| flat.node_at(index)).collect();
    assert_eq!(shown, run, "frame by frame");
    let again = VisibleRows::new(tree(), SortOrder::default(), &expanded, DeferredValues::default(), Arc::default());
    assert_eq!(again.len(), flat.len(), "open rows that are built again look the same");

    assert!(flat.fold(first, &mut expanded) && !flat.fold(first, &mut expanded));
    check_folded(&flat);
    assert_eq!((flat.len(), flat.fold_of(first)), (rows, run.as_slice()));
}

#[test]
fn a_frame_in_a_run_that_is_shown_gets_its_own_row() {
    let mut expanded = FxHashSet::default();
    let mut flat = with_folds(&expanded);
    flat.follow_largest("AIFO", &mut expanded);
    let run = flat.fold_of(first_fold(&flat)).to_vec();
    for wanted in [run[1], run[0]] {
        let mut expanded = expanded.clone();
        let mut flat = with_folds(&FxHashSet::default());
        flat.follow_largest("AIFO", &mut FxHashSet::default());
        flat.show(wanted, &mut expanded);
        check_folded(&flat);
        assert!(flat.index_of(wanted).is_some() && flat.fold_of(wanted).is_empty());
    }
    // A frame that is closed in the middle of a run ends it, and opening it again shows it by itself.
    flat.unfold(run[0], &mut expanded);
    let middle = run[run.len() / 2];
    expanded.remove(&flat.tree().path_hash(middle));
    flat.close(middle, &expanded);
    check_folded(&flat);
    assert!(!flat.is_open(middle) && flat.index_of(*run.last().unwrap()).is_none());
}

#[test]
fn a_responsible_frame_is_never_folded() {
    let mut expanded = FxHashSet::default();
    let mut flat = with_folds(&expanded);
    flat.follow_largest("AIFO", &mut expanded);
    let run = flat.fold_of(first_fold(&flat)).to_vec();
    let responsible = run[run.len() - 2];
    let TreeStep::Frame { frame, .. } = flat.tree().step(responsible) else { panic!("a frame") };
    let path = flat.tree().path_hash(responsible);
    let mut flags = vec![false; frame as usize + 1];
    flags[frame as usize] = true;
    let order = SortOrder::default();
    let flat = VisibleRows::new(tree(), order, &expanded, DeferredValues::default(), Arc::new(flags));
    check_folded(&flat);
    let rows = (0..flat.len()).filter_map(|index| flat.row_at(index));
    let found: Vec<_> = rows.filter(|row| flat.is_responsible(row.node)).collect();
    assert_eq!(found.iter().map(|row| flat.tree().path_hash(row.node)).collect::<Vec<_>>(), [path]);
    assert!(found[0].fold.is_empty());
}

#[test]
fn folded_rows_stay_consistent_after_every_change() {
    let mut expanded = FxHashSet::default();
    let mut flat = with_folds(&expanded);
    let mut dice = 987_654_321_u64;
    for step in 0..400 {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let node = flat.node_at((dice >> 33) % flat.len()).unwrap();
        let path = flat.tree().path_hash(node);
        match step % 4 {
            0 if !flat.fold_of(node).is_empty() => flat.unfold(node, &mut expanded),
            1 => drop(flat.fold(node, &mut expanded)),
            2 if flat.is_open(node) && flat.fold_of(node).is_empty() => {
                expanded.remove(&path);
                flat.close(node, &expanded);
            }
            _ if !flat.is_open(node) => {
                for link in flat.chain_below(node) {
                    expanded.insert(flat.tree().path_hash(link));
                }
                flat.open(node, &expanded);
            }
            _ => {}
        }
        if step % 20 == 0 {
            check_folded(&flat);
        }
    }
    check_folded(&flat);
    let rows = |flat: &VisibleRows| {
        let row = |index| flat.node_at(index).map(|node| flat.tree().path_hash(node));
        (0..flat.len()).filter_map(row).collect::<Vec<_>>()
    };
    let built = VisibleRows::new(tree(), SortOrder::default(), &expanded, DeferredValues::default(), Arc::default());
    assert_eq!(rows(&flat), rows(&built), "rows that were changed are rows that are built at once");
}
