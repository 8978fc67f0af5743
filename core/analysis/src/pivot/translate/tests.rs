//! Translations, compared by the rows of old and new paths.

use super::*;
use crate::group::frames::{FrameNames, FrameNaming};
use crate::group::parallel::not_cancelled;
use crate::group::test_util::{Rng, random_blocks, trace};
use crate::pivot::{PivotRequest, pivot, rows_of_paths};
use crate::trace::Trace;
use crate::trace::ids::FrameId;
use poolscope_symbols::names::{AddressSymbol, InlinedFunction, NameSource};

/// Names that put every second frame into one function, each at another offset.
struct EverySecond;

static ANSWERS: OnceLock<Vec<AddressSymbol>> = OnceLock::new();

impl FrameNames for EverySecond {
    fn answer(&self, frame: FrameId) -> Option<&AddressSymbol> {
        let answers = ANSWERS.get_or_init(|| {
            let answer = |offset_bytes| AddressSymbol {
                function: "work".into(),
                offset_bytes,
                source: NameSource::Public,
                line: None,
                inlined: (0..offset_bytes % 3)
                    .map(|_| InlinedFunction { function: "small".into(), line: None })
                    .collect(),
            };
            (0..64).map(answer).collect()
        });
        answers.get(frame.index()).filter(|_| frame.index().is_multiple_of(2))
    }
}

fn all_names(trace: &Arc<Trace>) -> [Arc<ColumnValues>; 5] {
    let plain = |naming| ColumnValues::new(Arc::clone(trace), naming);
    [
        plain(FrameNaming::Symbol),
        plain(FrameNaming::Symbol).with_symbols(Arc::new(EverySecond)),
        plain(FrameNaming::Function).with_symbols(Arc::new(EverySecond)),
        plain(FrameNaming::Module),
        plain(FrameNaming::Address),
    ]
    .map(Arc::new)
}

/// Returns `true` if frames that the second names apart are always named apart by the first.
fn is_finer(first: &ColumnValues, second: &ColumnValues) -> bool {
    matches!(first.naming(), FrameNaming::Address | FrameNaming::Symbol) || first.naming() == second.naming()
}

const KEYS: [&[Key]; 5] = [
    &[Key::Type, Key::Tag, Key::Stack],
    &[Key::Driver, Key::Function, Key::Stack],
    &[Key::Stack, Key::Tag],
    &[Key::Function, Key::FreeStack, Key::Driver],
    &[Key::FreeStack, Key::Stack],
];

fn tree(names: &ColumnValues, keys: &[Key]) -> PivotTree {
    let visible_range = names.trace().extent;
    PivotTree::new(Arc::new(pivot(names, &PivotRequest { keys, visible_range, rows: None }, &not_cancelled).unwrap()))
}

/// All nodes by their paths, all of them opened.
fn opened(tree: &mut PivotTree) -> FxHashMap<u64, NodeId> {
    let mut nodes = FxHashMap::default();
    let mut open = vec![PivotTree::ROOT];
    while let Some(node) = open.pop() {
        nodes.insert(tree.path_hash(node), node);
        open.extend(tree.open(node));
    }
    nodes
}

#[test]
fn places_keep_their_rows() {
    let trace = trace(&random_blocks(7, 400));
    let all = all_names(&trace);
    let mut dice = Rng(11);
    let mut exact = 0;
    for (old, new) in all.iter().flat_map(|old| all.iter().map(move |new| (old, new))) {
        let way = Translation::new(Arc::clone(old), Arc::clone(new));
        for keys in KEYS {
            let mut tree = tree(old, keys);
            let nodes = opened(&mut tree);
            let mut ordered: Vec<NodeId> = nodes.values().copied().collect();
            ordered.sort_unstable();
            for _ in 0..40 {
                let place = RowPath::of(&tree, ordered[dice.roll(ordered.len() as u64) as usize]);
                let places = way.row_paths(&place);
                let rows = |places: &[RowPath], names: &ColumnValues| {
                    rows_of_paths(places, names, trace.extent, &not_cancelled).unwrap()
                };
                let (before, after) = (rows(std::slice::from_ref(&place), old), rows(&places, new));
                assert_eq!(before.and(&after).count(), before.count(), "{keys:?} {place:?} {places:?}");
                if is_finer(new, old) {
                    assert_eq!(after.count(), before.count(), "{keys:?} {place:?} {places:?}");
                    exact += 1;
                }
            }
        }
    }
    assert!(exact > 1000, "{exact}");
}

#[test]
fn paths_lead_to_the_rows_they_led_to() {
    let trace = trace(&random_blocks(8, 300));
    let all = all_names(&trace);
    for (old, new) in all.iter().flat_map(|old| all.iter().map(move |new| (old, new))) {
        let way = Translation::new(Arc::clone(old), Arc::clone(new));
        for keys in KEYS {
            let (mut before, mut after) = (tree(old, keys), tree(new, keys));
            let (old_nodes, new_nodes) = (opened(&mut before), opened(&mut after));
            let wanted: FxHashSet<u64> = old_nodes.keys().copied().collect();
            let paths = way.paths(&mut tree(old, keys), &wanted, &wanted);
            let mut checked: Vec<(&u64, &Vec<u64>)> = paths.of.iter().collect();
            checked.sort_unstable();
            assert!(paths.above.iter().all(|path| new_nodes.contains_key(path) || keys.len() > 1));
            assert_eq!(checked.len() + 1, wanted.len(), "all but the top row");
            for (path, paths) in checked {
                let (was, is) = (old_nodes[path], paths.iter().filter_map(|path| new_nodes.get(path)));
                let rows: u64 = is.clone().map(|node| after.aggregate(*node).count()).sum();
                assert!(is.count() > 0, "{keys:?} {:?}", RowPath::of(&before, was));
                let cost = before.aggregate(was).count();
                assert!(rows >= cost, "{keys:?} {:?}: {rows} rows of {cost}", RowPath::of(&before, was));
            }
        }
    }
}

#[test]
fn curves_are_called_what_most_of_their_stacks_are_called() {
    let trace = trace(&random_blocks(9, 200));
    let [plain, named, ..] = all_names(&trace);
    let way = Translation::new(Arc::clone(&plain), Arc::clone(&named));
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let keys = [Key::Tag, Key::Function];
    let functions = plain.column(Key::Function);
    let new: Vec<String> =
        (0..named.column(Key::Function).count()).map(|id| named.column(Key::Function).text(id).into_owned()).collect();
    for id in 0..functions.count() {
        let texts = way.texts(&keys, &[own(&["Leak", &functions.text(id)]), own(&["Leak", "nowhere"])]);
        let [Some(text), None] = texts.as_slice() else { panic!("{texts:?}") };
        assert!(text[0] == "Leak" && new.contains(&text[1]), "{text:?}");
    }
    assert_eq!(way.texts(&[Key::Tag], &[own(&["Leak"])]), [Some(own(&["Leak"]))]);
    let none = RowPath(vec![crate::pivot::RowPathStep::Value { key: Key::Driver, text: "nowhere".to_owned() }]);
    assert_eq!(way.row_path(&none), None);
}
