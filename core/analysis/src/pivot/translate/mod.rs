//! From one set of names to another of the same trace: where rows, places and curves that were known by old texts are under
//! the new ones. What a text stood for is asked of the trace's own stacks, never guessed from the text.

mod cover;
mod places;
#[cfg(test)]
mod tests;

use super::place::Place;
use super::tree::{NodeId, PivotTree, Step, path_below};
use crate::group::key::Key;
use crate::group::names::Names;
use crate::group::values::Source;
use crate::trace::ids::StackId;
use cover::ByNode;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Of so many new places at most an old row is known by: one function may have very many addresses.
const MOST_WAYS: usize = 4096;

/// The way from old names to new ones.
pub struct Translation {
    old: Arc<Names>,
    new: Arc<Names>,
    shown_at: OnceLock<ByNode>,
    alloc_used: OnceLock<Vec<bool>>,
    free_used: OnceLock<Vec<bool>>,
}

/// Whether what a column shows follows from the names of frames.
#[must_use]
pub const fn names_frames(key: Key) -> bool {
    matches!(key, Key::Driver | Key::Function | Key::Stack | Key::FreeStack)
}

impl Translation {
    /// Both sets of names are of one trace.
    #[must_use]
    pub fn new(old: Arc<Names>, new: Arc<Names>) -> Self {
        Self { old, new, shown_at: OnceLock::new(), alloc_used: OnceLock::new(), free_used: OnceLock::new() }
    }

    /// The new names.
    #[must_use]
    pub fn new_names(&self) -> &Arc<Names> {
        &self.new
    }

    /// The stacks of the trace by the old node that shows them.
    fn shown_at(&self) -> &ByNode {
        self.shown_at.get_or_init(|| {
            let stacks = self.old.stacks();
            ByNode::new(stacks.of_stacks(), stacks.len())
        })
    }

    /// Which stacks of the trace any row has, as its allocation stack or its free stack.
    fn used(&self, key: Key) -> &[bool] {
        let table = &self.old.trace().allocations;
        let (cell, stacks) = match key {
            Key::FreeStack => (&self.free_used, &table.free_stack),
            _ => (&self.alloc_used, &table.alloc_stack),
        };
        cell.get_or_init(|| {
            let mut used = vec![false; self.old.trace().stacks.node_count()];
            for stack in stacks {
                if let Some(place) = used.get_mut(stack.index()) {
                    *place = true;
                }
            }
            used
        })
    }

    /// The numbers of a column that follows from stacks, by stack, under the old and the new names.
    fn by_stack(names: &Names, key: Key) -> Option<Arc<Vec<u32>>> {
        match &names.column(key).source {
            Source::AllocStack(ids) | Source::FreeStack(ids) => Some(Arc::clone(ids)),
            _ => None,
        }
    }

    /// New nodes of the frames that an old node of the shown stacks stands for, ascending.
    #[must_use]
    pub fn frame_nodes(&self, node: u32) -> Vec<u32> {
        let stacks = self.new.stacks();
        let shown = self.shown_at().at(node..node.saturating_add(1)).iter().map(|stack| StackId(*stack));
        let mut nodes: Vec<u32> = shown.map(|stack| stacks.node_of(stack)).collect();
        if nodes.is_empty() {
            // No stack ends at a function that others are inlined in.
            nodes.extend(self.old.stacks().representative(node).map(|stack| stacks.node_of(stack)));
        }
        nodes.sort_unstable();
        nodes.dedup();
        nodes.truncate(MOST_WAYS);
        nodes
    }

    /// For the old numbers of a column the new texts of the rows that have them.
    fn new_values(&self, key: Key) -> BTreeMap<u32, Vec<String>> {
        let (Some(old), Some(new)) = (Self::by_stack(&self.old, key), Self::by_stack(&self.new, key)) else {
            return BTreeMap::new();
        };
        let used = self.used(key).iter();
        let pairs = old.iter().zip(new.iter()).zip(used).filter(|(_, used)| **used).map(|(pair, _)| (*pair.0, *pair.1));
        let mut pairs: Vec<(u32, u32)> = pairs.collect();
        pairs.sort_unstable();
        pairs.dedup();
        let column = self.new.column(key);
        let mut values: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for (old, new) in pairs {
            let texts = values.entry(old).or_default();
            if texts.len() < MOST_WAYS {
                texts.push(column.text(new).into_owned());
            }
        }
        values
    }

    /// The paths that rows of a tree over the old names have under the new ones: those of the paths in `open` (as far as
    /// their parents are in it too) and those of their children that are in `wanted`. Old rows may come together, and one
    /// may come apart.
    #[must_use]
    pub fn paths(&self, tree: &mut PivotTree, open: &FxHashSet<u64>, wanted: &FxHashSet<u64>) -> NewPaths {
        let mut new = NewPaths::default();
        let keys = tree.pivot().keys().to_vec();
        let values = keys.iter().map(|key| match key {
            Key::Driver | Key::Function => Some(self.new_values(*key)),
            _ => None,
        });
        let walk = Walk { translation: self, values: values.collect(), keys };
        let mut next = vec![(PivotTree::ROOT, Way { paths: vec![0], base: Vec::new() })];
        while let Some((node, way)) = next.pop() {
            for child in tree.open(node).to_vec() {
                let path = tree.path(child);
                let goes_on = open.contains(&path);
                if goes_on || wanted.contains(&path) {
                    let way = walk.below(&way, tree, child, &mut new.above);
                    new.of.insert(path, way.paths.clone());
                    if goes_on {
                        next.push((child, way));
                    }
                }
            }
        }
        new
    }

    /// What combinations of texts in these columns (one per curve) are called under the new names; of several, what most
    /// stacks are called. `None` where no row has such texts.
    #[must_use]
    pub fn texts(&self, keys: &[Key], wanted: &[Vec<String>]) -> Vec<Option<Vec<String>>> {
        let mut texts: Vec<Option<Vec<String>>> = wanted.iter().cloned().map(Some).collect();
        for of in [[Key::Driver, Key::Function, Key::Stack].as_slice(), &[Key::FreeStack]] {
            let places: Vec<usize> = (0..keys.len()).filter(|at| of.contains(&keys[*at])).collect();
            if !places.is_empty() {
                self.translate_texts(keys, &places, &mut texts);
            }
        }
        texts
    }

    /// Translates the texts at some places, all of which follow from one stack.
    fn translate_texts(&self, keys: &[Key], places: &[usize], texts: &mut [Option<Vec<String>>]) {
        let chosen: Vec<Key> = places.iter().filter_map(|at| keys.get(*at)).copied().collect();
        let columns = |names: &Names| chosen.iter().map(|key| names.column(*key)).collect::<Vec<_>>();
        let (old, new) = (columns(&self.old), columns(&self.new));
        let ids = |names: &Names| chosen.iter().filter_map(|key| Self::by_stack(names, *key)).collect::<Vec<_>>();
        let (old_ids, new_ids) = (ids(&self.old), ids(&self.new));
        let mut wanted: FxHashMap<Vec<&str>, usize> = FxHashMap::default();
        let before: Vec<Option<Vec<String>>> = texts.to_vec();
        for (at, text) in before.iter().enumerate() {
            let Some(text) = text else { continue };
            wanted.insert(places.iter().map(|p| text.get(*p).map_or("", String::as_str)).collect(), at);
        }
        let mut counts: Vec<BTreeMap<Vec<u32>, u64>> = vec![BTreeMap::new(); texts.len()];
        let numbers = |ids: &[Arc<Vec<u32>>], stack: usize| -> Vec<u32> {
            ids.iter().map(|ids| ids.get(stack).copied().unwrap_or(0)).collect()
        };
        let used = chosen.first().map_or(&[][..], |key| self.used(*key));
        for (stack, _) in used.iter().enumerate().filter(|(_, used)| **used) {
            let own = numbers(&old_ids, stack);
            let own: Vec<_> = old.iter().zip(&own).map(|(column, id)| column.text(*id)).collect();
            let own: Vec<&str> = own.iter().map(AsRef::as_ref).collect();
            if let Some(count) = wanted.get(&own).and_then(|at| counts.get_mut(*at)) {
                *count.entry(numbers(&new_ids, stack)).or_default() += 1;
            }
        }
        for (text, counts) in texts.iter_mut().zip(&counts) {
            // Of equal ones the first.
            let most = counts.iter().rev().max_by_key(|(_, count)| **count);
            let Some((ids, _)) = most else {
                *text = None;
                continue;
            };
            let Some(text) = text else { continue };
            for ((place, column), id) in places.iter().zip(&new).zip(ids) {
                if let Some(text) = text.get_mut(*place) {
                    *text = column.text(*id).into_owned();
                }
            }
        }
    }

    /// The place that shows most of what an old place shows.
    #[must_use]
    pub fn place(&self, place: &Place) -> Option<Place> {
        self.places(place).into_iter().next()
    }
}

/// Where rows are under the new names.
#[derive(Debug, Default)]
pub struct NewPaths {
    /// New paths by old ones.
    pub of: FxHashMap<u64, Vec<u64>>,
    /// Paths of the rows that the new ones are below in their stacks: some may stand for no old row.
    pub above: FxHashSet<u64>,
}

/// The way to a row under the new names.
struct Way {
    /// Paths of the row.
    paths: Vec<u64>,
    /// Paths of the row that `[Root]` is below; nothing outside of stacks.
    base: Vec<u64>,
}

struct Walk<'t> {
    translation: &'t Translation,
    keys: Vec<Key>,
    /// For each column whose values get other texts: which.
    values: Vec<Option<BTreeMap<u32, Vec<String>>>>,
}

impl Walk<'_> {
    fn below(&self, way: &Way, tree: &PivotTree, child: NodeId, above: &mut FxHashSet<u64>) -> Way {
        let step = tree.step(child);
        let key = |column: usize| self.keys.get(column).copied();
        let mut base = way.base.clone();
        let mut paths: Vec<u64> = match step {
            Step::Frame { column, frame: 0 } => {
                base.clone_from(&way.paths);
                base.iter().map(|path| path_below(*path, step, key(column), "[Root]")).collect()
            }
            Step::Frame { column, frame } => {
                let nodes = self.translation.frame_nodes(frame);
                let ways = base.iter().flat_map(|path| nodes.iter().map(move |node| (*path, *node)));
                ways.take(MOST_WAYS)
                    .map(|(path, node)| self.path_of_frame(path, step, key(column), node, above))
                    .collect()
            }
            Step::Value { column, id } => {
                let label = [tree.label(child).into_owned()];
                let changed = self.values.get(column).and_then(Option::as_ref);
                let labels = changed.and_then(|values| values.get(&id)).map_or(&label[..], Vec::as_slice);
                let ways = way.paths.iter().flat_map(|path| labels.iter().map(move |label| (*path, label)));
                ways.take(MOST_WAYS).map(|(path, label)| path_below(path, step, key(column), label)).collect()
            }
            Step::NoStack { column } => {
                let label = tree.label(child);
                way.paths.iter().map(|path| path_below(*path, step, key(column), &label)).collect()
            }
            Step::Total => way.paths.clone(),
        };
        paths.sort_unstable();
        paths.dedup();
        Way { paths, base }
    }

    /// The path of a new node of the shown stacks below a row; those on the way to it go into `above`.
    fn path_of_frame(&self, base: u64, step: Step, key: Option<Key>, node: u32, above: &mut FxHashSet<u64>) -> u64 {
        let stacks = self.translation.new.stacks();
        let from = path_below(base, step, key, "[Root]");
        stacks.frames(node).into_iter().fold(from, |path, text| {
            above.insert(path);
            path_below(path, step, key, text)
        })
    }
}
