//! Translation of rows, paths and curves from one set of frame names to another of the same trace. The stacks behind an old text
//! are looked up and never guessed from the text.

use super::row_path::{RowPath, RowPathStep};
use super::tree::{NodeId, PivotTree, TreeStep, path_hash_below};
use crate::group::column::{KeyColumn, KeyLabels, KeySource};
use crate::group::column_values::ColumnValues;
use crate::group::display_stacks::DisplayStacks;
use crate::group::group_by::Buckets;
use crate::group::key::Key;
use crate::trace::ids::StackId;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Upper bound on the new paths of an old row, because one function can have very many addresses.
const MAX_PATHS: usize = 4096;

/// Translation from old names to new ones.
pub struct Translation {
    old: Arc<ColumnValues>,
    new: Arc<ColumnValues>,
    shown_at: OnceLock<Buckets>,
    alloc_used: OnceLock<Vec<bool>>,
    free_used: OnceLock<Vec<bool>>,
}

/// Returns `true` if the values of a column depend on the names of frames.
#[must_use]
pub const fn is_named_by_frames(key: Key) -> bool {
    matches!(key, Key::Driver | Key::Function | Key::StackTag | Key::Stack | Key::FreeStack)
}

impl Translation {
    /// A translation; both sets of names are of one trace.
    #[must_use]
    pub fn new(old: Arc<ColumnValues>, new: Arc<ColumnValues>) -> Self {
        Self { old, new, shown_at: OnceLock::new(), alloc_used: OnceLock::new(), free_used: OnceLock::new() }
    }

    /// The new names.
    #[must_use]
    pub fn new_names(&self) -> &Arc<ColumnValues> {
        &self.new
    }

    /// The stacks of the trace by the old node that displays them.
    fn shown_at(&self) -> &Buckets {
        self.shown_at.get_or_init(|| {
            let stacks = self.old.stacks();
            Buckets::new(stacks.of_stacks(), stacks.len())
        })
    }

    /// Returns `true` for each stack that a row has as its allocation or free stack.
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

    /// Ids of a column by stack; `None` if the column does not depend on stacks.
    fn by_stack(names: &ColumnValues, key: Key) -> Option<Arc<Vec<u32>>> {
        match &names.column(key).source {
            KeySource::AllocStack(ids) | KeySource::FreeStack(ids) => Some(Arc::clone(ids)),
            _ => None,
        }
    }

    /// New nodes of the frames that an old node of the displayed stacks represents, ascending.
    #[must_use]
    pub fn frame_nodes(&self, node: u32) -> Vec<u32> {
        let stacks = self.new.stacks();
        let shown = self.shown_at().run(node..node.saturating_add(1)).iter().map(|stack| StackId(*stack));
        let mut nodes: Vec<u32> = shown.map(|stack| stacks.node_of(stack)).collect();
        if nodes.is_empty() {
            // No stack ends at a function with inlined ones.
            nodes.extend(self.old.stacks().representative(node).map(|stack| stacks.node_of(stack)));
        }
        nodes.sort_unstable();
        nodes.dedup();
        nodes.truncate(MAX_PATHS);
        nodes
    }

    /// For each old id of a column, the new texts of its rows.
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
            if texts.len() < MAX_PATHS {
                texts.push(column.text(new).into_owned());
            }
        }
        values
    }

    /// The new paths of rows of a tree with the old names: of the paths in `open` (if their parents are in it too), and of their
    /// children that are in `wanted`. Several old rows can get one path, and one can get several.
    #[must_use]
    pub fn paths(&self, tree: &mut PivotTree, open: &FxHashSet<u64>, wanted: &FxHashSet<u64>) -> NewPaths {
        let mut new = NewPaths::default();
        let keys = tree.pivot().keys().to_vec();
        let values = keys.iter().map(|key| match key {
            Key::Driver | Key::Function | Key::StackTag => Some(self.new_values(*key)),
            _ => None,
        });
        let walk = Walk { translation: self, values: values.collect(), keys };
        let mut next = vec![(PivotTree::ROOT, Way { paths: vec![0], base: Vec::new() })];
        while let Some((node, way)) = next.pop() {
            for child in tree.open(node).to_vec() {
                let path = tree.path_hash(child);
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

    /// The new texts of combinations of old texts in these columns, one per curve; of several, those with the most stacks. `None`
    /// if no row has such texts.
    #[must_use]
    pub fn texts(&self, keys: &[Key], wanted: &[Vec<String>]) -> Vec<Option<Vec<String>>> {
        let mut texts: Vec<Option<Vec<String>>> = wanted.iter().cloned().map(Some).collect();
        for of in [[Key::Driver, Key::Function, Key::StackTag, Key::Stack].as_slice(), &[Key::FreeStack]] {
            let places: Vec<usize> = (0..keys.len()).filter(|at| of.contains(&keys[*at])).collect();
            if !places.is_empty() {
                self.translate_texts(keys, &places, &mut texts);
            }
        }
        texts
    }

    /// Translates texts at several positions that depend on one stack.
    fn translate_texts(&self, keys: &[Key], places: &[usize], texts: &mut [Option<Vec<String>>]) {
        let chosen: Vec<Key> = places.iter().filter_map(|at| keys.get(*at)).copied().collect();
        let columns = |names: &ColumnValues| chosen.iter().map(|key| names.column(*key)).collect::<Vec<_>>();
        let (old, new) = (columns(&self.old), columns(&self.new));
        let ids =
            |names: &ColumnValues| chosen.iter().filter_map(|key| Self::by_stack(names, *key)).collect::<Vec<_>>();
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
            // The first of equal ones.
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

    /// The new path with most of the rows of an old path.
    #[must_use]
    pub fn row_path(&self, place: &RowPath) -> Option<RowPath> {
        self.row_paths(place).into_iter().next()
    }
}

/// Paths of rows under the new names.
#[derive(Debug, Default)]
pub struct NewPaths {
    /// New paths by old ones.
    pub of: FxHashMap<u64, Vec<u64>>,
    /// Paths of the rows above the new ones in their stacks; some may have no old row.
    pub above: FxHashSet<u64>,
}

/// A row with its new paths.
struct Way {
    /// Paths of the row.
    paths: Vec<u64>,
    /// Paths of the row above `[Root]`; empty outside of stacks.
    base: Vec<u64>,
}

struct Walk<'t> {
    translation: &'t Translation,
    keys: Vec<Key>,
    /// New texts of the values, for each column whose texts change.
    values: Vec<Option<BTreeMap<u32, Vec<String>>>>,
}

impl Walk<'_> {
    fn below(&self, way: &Way, tree: &PivotTree, child: NodeId, above: &mut FxHashSet<u64>) -> Way {
        let step = tree.step(child);
        let key = |column: usize| self.keys.get(column).copied();
        let mut base = way.base.clone();
        let mut paths: Vec<u64> = match step {
            TreeStep::Frame { column, frame: 0 } => {
                base.clone_from(&way.paths);
                base.iter().map(|path| path_hash_below(*path, step, key(column), "[Root]")).collect()
            }
            TreeStep::Frame { column, frame } => {
                let nodes = self.translation.frame_nodes(frame);
                let ways = base.iter().flat_map(|path| nodes.iter().map(move |node| (*path, *node)));
                ways.take(MAX_PATHS)
                    .map(|(path, node)| self.path_of_frame(path, step, key(column), node, above))
                    .collect()
            }
            TreeStep::Value { column, id } => {
                let label = [tree.label(child).into_owned()];
                let changed = self.values.get(column).and_then(Option::as_ref);
                let labels = changed.and_then(|values| values.get(&id)).map_or(&label[..], Vec::as_slice);
                let ways = way.paths.iter().flat_map(|path| labels.iter().map(move |label| (*path, label)));
                ways.take(MAX_PATHS).map(|(path, label)| path_hash_below(path, step, key(column), label)).collect()
            }
            TreeStep::NoStack { column } => {
                let label = tree.label(child);
                way.paths.iter().map(|path| path_hash_below(*path, step, key(column), &label)).collect()
            }
            TreeStep::Total => way.paths.clone(),
        };
        paths.sort_unstable();
        paths.dedup();
        Way { paths, base }
    }

    /// The path of a new node of the displayed stacks below a row; paths between them are added to `above`.
    fn path_of_frame(&self, base: u64, step: TreeStep, key: Option<Key>, node: u32, above: &mut FxHashSet<u64>) -> u64 {
        let stacks = self.translation.new.stacks();
        let from = path_hash_below(base, step, key, "[Root]");
        stacks.frames(node).into_iter().fold(from, |path, text| {
            above.insert(path);
            path_hash_below(path, step, key, text)
        })
    }
}

/// Replacements of steps, each with its position.
type Instead = Vec<(usize, RowPathStep)>;

impl Translation {
    /// The new paths with the rows of an old path, those with the most stacks first. Empty if the old path does not exist or has
    /// no rows.
    #[must_use]
    pub fn row_paths(&self, place: &RowPath) -> Vec<RowPath> {
        let mut ways = vec![place.clone()];
        for of in [[Key::Driver, Key::Function, Key::StackTag, Key::Stack].as_slice(), &[Key::FreeStack]] {
            let changed = |step: &RowPathStep| of.contains(&step.key()) && !matches!(step, RowPathStep::NoStack { .. });
            let steps: Vec<usize> = (0..place.0.len()).filter(|at| changed(&place.0[*at])).collect();
            if steps.is_empty() {
                continue;
            }
            let Some(instead) = self.instead(place, &steps) else { return Vec::new() };
            let with = |way: &RowPath, instead: &Instead| {
                let mut way = way.clone();
                for (at, step) in instead {
                    if let Some(place) = way.0.get_mut(*at) {
                        place.clone_from(step);
                    }
                }
                way
            };
            ways = ways.iter().flat_map(|way| instead.iter().map(|one| with(way, one))).collect();
        }
        ways
    }

    /// The replacements of steps that depend on one stack.
    fn instead(&self, place: &RowPath, steps: &[usize]) -> Option<Vec<Instead>> {
        let key = place.0.get(*steps.first()?)?.key();
        let used = self.used(key);
        let is_used = |stack: &u32| used.get(*stack as usize).copied().unwrap_or(false);
        let (mut taken, mut values, mut frames_at) = (None, Vec::new(), None);
        for at in steps {
            match place.0.get(*at)? {
                RowPathStep::Frames { frames, .. } => {
                    let stacks = self.old.stacks();
                    let node = stacks.find(frames)?;
                    // Below a frame, the next column has only the stacks that end there.
                    let is_last = *at + 1 == place.0.len();
                    let run = if is_last { stacks.subtree(node) } else { node..node + 1 };
                    taken = Some(self.shown_at().run(run).iter().copied().filter(is_used).collect::<Vec<u32>>());
                    frames_at = Some((*at, is_last, self.frame_nodes(node)));
                }
                RowPathStep::Value { key, text } => {
                    let (old, new) = (Self::by_stack(&self.old, *key)?, Self::by_stack(&self.new, *key)?);
                    values.push((*at, *key, id_of(&self.old.column(*key), text)?, old, new));
                }
                RowPathStep::NoStack { .. } => {}
            }
        }
        let taken = taken.unwrap_or_else(|| (0..used.len() as u32).filter(is_used).collect());
        let fits = |stack: &u32| values.iter().all(|(.., id, old, _)| old.get(*stack as usize) == Some(id));
        let new_values = |stack: u32| -> Vec<u32> {
            values.iter().map(|(.., new)| new.get(stack as usize).copied().unwrap_or(0)).collect()
        };
        let mut groups: BTreeMap<Vec<u32>, Vec<u32>> = BTreeMap::new();
        for stack in taken.into_iter().filter(fits) {
            groups.entry(new_values(stack)).or_default().push(stack);
        }
        let mut groups: Vec<(Vec<u32>, Vec<u32>)> = groups.into_iter().collect();
        groups.sort_by_key(|(_, stacks)| std::cmp::Reverse(stacks.len()));
        let mut instead = Vec::new();
        for (ids, stacks) in groups {
            let texts = values.iter().zip(&ids).map(|((at, key, ..), id)| {
                (*at, RowPathStep::Value { key: *key, text: self.new.column(*key).text(*id).into_owned() })
            });
            let texts: Instead = texts.collect();
            let Some((at, is_last, nearest)) = &frames_at else {
                instead.push(texts);
                continue;
            };
            let all = (0..used.len() as u32).filter(|stack| is_used(stack) && new_values(*stack) == ids);
            for frames in self.frames(&stacks, is_last.then_some(nearest), all) {
                let frames = RowPathStep::Frames { key: place.0.get(*at)?.key(), frames };
                instead.push(texts.iter().cloned().chain([(*at, frames)]).collect());
            }
        }
        (!instead.is_empty()).then_some(instead)
    }

    /// The new frames of stacks. For subtrees, those with the fewest other stacks of `all`, and of equal ones those among
    /// `nearest`.
    fn frames(&self, taken: &[u32], nearest: Option<&Vec<u32>>, all: impl Iterator<Item = u32>) -> Vec<Vec<String>> {
        let shown = self.new.stacks();
        let mut nodes: Vec<u32> = taken.iter().map(|stack| shown.node_of(StackId(*stack))).collect();
        nodes.sort_unstable();
        let held = |node: u32| {
            let run = if nearest.is_some() { shown.subtree(node) } else { node..node + 1 };
            let before = |limit: u32| nodes.partition_point(|node| *node < limit);
            before(run.end) - before(run.start)
        };
        let mut weighed: Vec<(u32, usize)> = match nearest {
            Some(nearest) => {
                let totals = totals(all.map(|stack| shown.node_of(StackId(stack))), shown.len());
                let chosen = cover(shown, &nodes, &totals).into_iter().map(|node| {
                    let inside = shown.subtree(node);
                    let same =
                        nearest.iter().copied().filter(|near| inside.contains(near) && held(*near) == held(node));
                    same.min_by_key(|near| (shown.depth(*near), *near)).unwrap_or(node)
                });
                chosen.map(|node| (node, held(node))).collect()
            }
            None => {
                let mut distinct = nodes.clone();
                distinct.dedup();
                distinct.into_iter().map(|node| (node, held(node))).collect()
            }
        };
        weighed.sort_by_key(|(_, stacks)| std::cmp::Reverse(*stacks));
        weighed.into_iter().map(|(node, _)| shown.frames(node).into_iter().map(str::to_owned).collect()).collect()
    }
}

/// The id of a text of drivers or functions, which are sorted.
fn id_of(column: &Arc<KeyColumn>, text: &str) -> Option<u32> {
    match &column.labels {
        KeyLabels::Texts(texts) => texts.binary_search_by(|t| t.as_str().cmp(text)).ok().map(|at| at as u32),
        _ => None,
    }
}

/// For each node the number of a set's stacks in the nodes before it.
fn totals(nodes: impl Iterator<Item = u32>, count: usize) -> Vec<u32> {
    let mut before = vec![0u32; count + 1];
    for node in nodes {
        if let Some(place) = before.get_mut(node as usize + 1) {
            *place += 1;
        }
    }
    let mut sum = 0;
    for place in &mut before {
        sum += *place;
        *place = sum;
    }
    before
}

/// The nodes whose subtrees have the given stacks (as nodes in ascending order) and, if possible, no others. `totals` are those of
/// all stacks ([`totals`]).
fn cover(stacks: &DisplayStacks, given: &[u32], totals: &[u32]) -> Vec<u32> {
    let total = |nodes: &Range<u32>| {
        let before = |node: u32| totals.get(node as usize).copied().unwrap_or(0);
        before(nodes.end).saturating_sub(before(nodes.start)) as usize
    };
    let mut chosen = Vec::new();
    let mut open = vec![(0u32, 0..given.len())];
    while let Some((node, run)) = open.pop() {
        let Some(here) = given.get(run.clone()).filter(|here| !here.is_empty()) else { continue };
        if here.len() == total(&stacks.subtree(node)) || here.first() == Some(&node) {
            chosen.push(node);
            continue;
        }
        let depth = stacks.depth(node) + 1;
        let mut from = run.start;
        while let Some(first) = given.get(from).filter(|_| from < run.end) {
            let child = stacks.ancestor(*first, depth);
            let end = stacks.subtree(child).end;
            let to = from + given.get(from..run.end).map_or(0, |rest| rest.partition_point(|node| *node < end)).max(1);
            open.push((child, from..to));
            from = to;
        }
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests;
