//! Paths of nodes of the pivot tree as texts. A path identifies the node in other visible ranges, orders, pivots and traces,
//! because it has no ids of one pivot; and it gives the rows that the node sums.

use super::table::Pivot;
use super::tree::{NodeId, PivotTree, TreeStep};
use crate::filter::rowset::RowSet;
use crate::group::column::{KeyColumn, KeyLabels, KeySource, SIZE_CLASSES, size_class};
use crate::group::column_values::{ADDRESSES_LEFT_OUT, ColumnValues};
use crate::group::group_by::{OUTSIDE, class_of};
use crate::group::key::Key;
use crate::group::parallel::{Cancel, Cancelled};
use crate::trace::allocation::AllocationTable;
use crate::trace::time::{Clock, Ticks, TimeRange};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// A step on the path to a node, which restricts the rows.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowPathStep {
    /// Rows with one value of a column.
    Value {
        /// The column.
        #[serde(with = "key_name")]
        key: Key,
        /// The value as in tables.
        text: String,
    },
    /// Rows with stacks that begin with these frames; if a step on another column follows, that also end with them.
    Frames {
        /// The column.
        #[serde(with = "key_name")]
        key: Key,
        /// Frames from the outermost inwards, without `[Root]`; empty for all stacks, including the empty one.
        frames: Vec<String>,
    },
    /// Rows without a stack.
    NoStack {
        /// The column.
        #[serde(with = "key_name")]
        key: Key,
    },
}

/// The path of a node. The rows meet all steps; without steps they are all rows.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct RowPath(pub Vec<RowPathStep>);

impl RowPathStep {
    /// The column of the step.
    #[must_use]
    pub const fn key(&self) -> Key {
        match self {
            Self::Value { key, .. } | Self::Frames { key, .. } | Self::NoStack { key } => *key,
        }
    }

    /// Title of the step; `None` for the step to all stacks, which restricts nothing.
    fn title(&self) -> Option<String> {
        match self {
            Self::Value { key, text } => Some(match (text.trim_end_matches(' '), key) {
                ("", _) => format!("[No {}]", key.title()),
                (text, Key::Generation) => match text.split_once(": ") {
                    Some((number, _)) => format!("{} {number}", key.title()),
                    None => text.to_owned(),
                },
                // Numbers and times need the name of their column.
                (text, Key::Thread | Key::Cpu | Key::Session | Key::AllocTime | Key::FreeTime | Key::Lifetime) => {
                    format!("{} {text}", key.title())
                }
                (text, _) => text.to_owned(),
            }),
            Self::Frames { frames, .. } => frames.last().cloned(),
            Self::NoStack { .. } => Some("[No stack]".to_owned()),
        }
    }
}

impl RowPath {
    /// The path of a node.
    #[must_use]
    pub fn of(tree: &PivotTree, node: NodeId) -> Self {
        let mut way = Vec::with_capacity(tree.depth(node));
        let mut at = node;
        while at != PivotTree::ROOT {
            way.push(tree.step(at));
            at = tree.parent(at);
        }
        way.reverse();
        Self::from_steps(tree.pivot(), &way)
    }

    /// The path at the end of steps from the top of a tree over `pivot`.
    #[must_use]
    pub fn from_steps(pivot: &Pivot, steps: &[TreeStep]) -> Self {
        let mut path = Vec::new();
        let key = |column: usize| pivot.keys().get(column).copied();
        for (at, step) in steps.iter().enumerate() {
            let next = match *step {
                TreeStep::Total => None,
                TreeStep::NoStack { column } => key(column).map(|key| RowPathStep::NoStack { key }),
                TreeStep::Value { column, id } => key(column).map(|key| {
                    let text = pivot.columns().get(column).map_or_else(String::new, |c| c.text(id).into_owned());
                    RowPathStep::Value { key, text }
                }),
                TreeStep::Frame { column, frame } => {
                    // Of the frame steps of one column, the innermost includes the others.
                    let goes_on = matches!(steps.get(at + 1), Some(TreeStep::Frame { column: c, .. }) if *c == column);
                    let stacks = pivot.columns().get(column).and_then(|c| c.stacks());
                    let frames = || stacks.map_or_else(Vec::new, |s| s.frames(frame));
                    let owned = || frames().into_iter().map(str::to_owned).collect();
                    let key = key(column).filter(|_| !goes_on);
                    key.map(|key| RowPathStep::Frames { key, frames: owned() })
                }
            };
            path.extend(next);
        }
        Self(path)
    }

    /// Short title, such as `AIFO / NonPaged / Leak`. A stack is named by its innermost frame.
    #[must_use]
    pub fn title(&self) -> String {
        let titles: Vec<String> = self.0.iter().filter_map(RowPathStep::title).collect();
        match (titles.is_empty(), self.0.is_empty()) {
            (true, true) => "Total".to_owned(),
            (true, false) => "[Root]".to_owned(),
            _ => titles.join(" / "),
        }
    }
}

/// Serialization of keys by their names.
mod key_name {
    use crate::group::key::Key;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(key: &Key, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(key.name())
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Key, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Number of paths in one pass, one bit each.
const PATHS_PER_PASS: usize = 64;

impl RowPath {
    /// The rows of the path's node without a filter. A text that the trace does not have in that column gives no rows; times
    /// with the same text are equal.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn rows(
        &self,
        names: &ColumnValues,
        visible_range: TimeRange,
        cancel: Cancel<'_>,
    ) -> Result<RowSet, Cancelled> {
        rows_of_paths(std::slice::from_ref(self), names, visible_range, cancel)
    }
}

/// The rows of any of these paths; see [`RowPath::rows`].
///
/// # Errors
/// [`Cancelled`] if `cancel` returns `true`.
pub fn rows_of_paths(
    paths: &[RowPath],
    names: &ColumnValues,
    visible_range: TimeRange,
    cancel: Cancel<'_>,
) -> Result<RowSet, Cancelled> {
    let table = &names.trace().allocations;
    let mut union = RowSet::from_words(Vec::new(), table.len());
    for paths in paths.chunks(PATHS_PER_PASS) {
        let masks = PathMasks::new(paths, names);
        if cancel() {
            return Err(Cancelled);
        }
        let rows = RowSet::from_par_fn(table.len(), cancel, |row| masks.takes(table, visible_range, row))?;
        union = union.or(&rows);
    }
    Ok(union)
}

/// For each value that a row refers to, the paths that include it, one bit each. Without a table, all paths include it.
struct PathMasks {
    life: [u64; OUTSIDE + 1],
    attributes: Option<Vec<u64>>,
    alloc_stack: Option<Vec<u64>>,
    free_stack: Option<Vec<u64>>,
    size_class: Option<Vec<u64>>,
    /// Tests on single rows, each for the path of its bit.
    rows: Vec<(u64, RowTest)>,
}

/// A test of a row itself, for columns with an id per row. Bounds are inclusive.
enum RowTest {
    Address(u64),
    AllocTime(Ticks, Ticks),
    FreeTime(Ticks, Ticks),
    Lifetime(Ticks, Ticks),
    Number(Arc<Vec<u32>>, u32),
}

impl PathMasks {
    fn new(paths: &[RowPath], names: &ColumnValues) -> Self {
        let all = u64::MAX.checked_shr(64 - paths.len() as u32).unwrap_or(0);
        let mut life = [all; OUTSIDE + 1];
        life[OUTSIDE] = 0;
        let mut masks =
            Self { life, attributes: None, alloc_stack: None, free_stack: None, size_class: None, rows: Vec::new() };
        for (at, path) in paths.iter().enumerate() {
            for (step, next) in path.0.iter().zip(path.0.iter().skip(1).map(Some).chain([None])) {
                if masks.narrow(1 << at, all, step, next.is_none(), names).is_none() {
                    masks.life.iter_mut().for_each(|m| *m &= !(1 << at));
                }
            }
        }
        masks
    }

    /// Clears `bit` for all values that the step excludes; `None` if it excludes all rows.
    fn narrow(&mut self, bit: u64, all: u64, step: &RowPathStep, is_last: bool, names: &ColumnValues) -> Option<()> {
        let key = step.key();
        if let RowPathStep::Value { text, .. } = step
            && key.is_per_row()
        {
            if key == Key::Address && !names.trace().allocations.has_addresses() {
                // All rows are in one group.
                return (text == ADDRESSES_LEFT_OUT).then_some(());
            }
            self.rows.push((bit, RowTest::new(key, text, &names.trace().clock)?));
            return Some(());
        }
        let column = names.column(key);
        let taken: Range<u32> = match step {
            RowPathStep::Value { text, .. } => {
                let id = id_of(&column, text)?;
                id..id + 1
            }
            RowPathStep::NoStack { .. } => column.stacks().map(|_| 0..1)?,
            RowPathStep::Frames { frames, .. } => {
                let stacks = column.stacks()?;
                let node = stacks.find(frames)?;
                // Below a frame, the next column has only the stacks that end there.
                if is_last { stacks.subtree(node) } else { node..node + 1 }
            }
        };
        let (table, ids) = match &column.source {
            KeySource::LifetimeClass(ids) => {
                let classes = self.life.iter_mut().zip(ids);
                classes.filter(|(_, id)| !taken.contains(id)).for_each(|(mask, _)| *mask &= !bit);
                return Some(());
            }
            KeySource::Rows(ids) => {
                self.rows.push((bit, RowTest::Number(Arc::clone(ids), taken.start)));
                return Some(());
            }
            KeySource::SizeClass => {
                let masks = self.size_class.get_or_insert_with(|| vec![all; SIZE_CLASSES as usize]);
                let classes = masks.iter_mut().enumerate();
                classes.filter(|(class, _)| !taken.contains(&(*class as u32))).for_each(|(_, mask)| *mask &= !bit);
                return Some(());
            }
            KeySource::Attributes(ids) => (&mut self.attributes, ids),
            KeySource::AllocStack(ids) => (&mut self.alloc_stack, ids),
            KeySource::FreeStack(ids) => (&mut self.free_stack, ids),
        };
        let masks = table.get_or_insert_with(|| vec![all; ids.len()]);
        let masks = masks.par_iter_mut().zip(ids.as_slice()).with_min_len(1 << 14);
        masks.filter(|(_, id)| !taken.contains(id)).for_each(|(mask, _)| *mask &= !bit);
        Some(())
    }

    /// The paths that include a row. Tables with the least memory per row are read first, because most paths have few rows.
    #[inline]
    fn takes(&self, table: &AllocationTable, visible_range: TimeRange, row: usize) -> bool {
        let look_up = |masks: &[u64], at: usize| masks.get(at).copied().unwrap_or(0);
        let mut mask = u64::MAX;
        if let Some(masks) = &self.attributes {
            mask &= look_up(masks, table.alloc_attributes[row].index());
        }
        if let Some(masks) = &self.alloc_stack
            && mask != 0
        {
            mask &= look_up(masks, table.alloc_stack[row].index());
        }
        if let Some(masks) = &self.free_stack
            && mask != 0
        {
            mask &= look_up(masks, table.free_stack[row].index());
        }
        if let Some(masks) = &self.size_class
            && mask != 0
        {
            mask &= look_up(masks, size_class(table.size.at(row)) as usize);
        }
        for (bit, test) in &self.rows {
            if mask & bit != 0 && !test.holds(table, row) {
                mask &= !bit;
            }
        }
        mask != 0 && mask & self.life[class_of(visible_range, table, row)] != 0
    }
}

impl RowTest {
    /// The test for a value of a column of addresses or times; `None` if the text is not such a value.
    fn new(key: Key, text: &str, clock: &Clock) -> Option<Self> {
        if key == Key::Address {
            return u64::from_str_radix(text.strip_prefix("0x")?, 16).ok().map(Self::Address);
        }
        let (first, last) = ticks_of(text, clock)?;
        Some(match key {
            Key::AllocTime => Self::AllocTime(first, last),
            Key::FreeTime => Self::FreeTime(first, last),
            _ => Self::Lifetime(first, last),
        })
    }

    #[inline]
    fn holds(&self, table: &AllocationTable, row: usize) -> bool {
        let within = |time: Ticks, first: &Ticks, last: &Ticks| *first <= time && time <= *last;
        match self {
            Self::Address(address) => table.address.get(row) == Some(*address),
            Self::AllocTime(first, last) => within(table.alloc_time.at(row), first, last),
            Self::FreeTime(first, last) => within(table.free_time[row], first, last),
            Self::Lifetime(first, last) => within(table.lifetime(row), first, last),
            Self::Number(ids, id) => ids.get(row) == Some(id),
        }
    }
}

/// The id of a value of a column that is not tested on the row itself.
fn id_of(column: &KeyColumn, text: &str) -> Option<u32> {
    match (&column.source, &column.labels) {
        // Texts by attributes and stacks are in ascending order.
        (KeySource::Attributes(_) | KeySource::AllocStack(_), KeyLabels::Texts(texts)) => {
            texts.binary_search_by(|t| t.as_str().cmp(text)).ok().map(|at| at as u32)
        }
        _ => (0..column.count()).find(|id| column.text(*id) == text),
    }
}

/// First and last tick with a text.
fn ticks_of(text: &str, clock: &Clock) -> Option<(Ticks, Ticks)> {
    let print = |time: Ticks| {
        let labels = KeyLabels::Times(vec![time], *clock);
        KeyColumn { key: Key::AllocTime, source: KeySource::SizeClass, labels }.text(0).into_owned()
    };
    for sentinel in [Ticks::UNKNOWN, Ticks::NEVER] {
        if print(sentinel) == text {
            return Some((sentinel, sentinel));
        }
    }
    let nearest = clock.ticks(text.strip_suffix(" s")?.parse().ok()?);
    let prints_so = |ticks: &i64| print(Ticks(*ticks)) == text;
    // With a clock of more than nine decimals, several ticks have the same text.
    let reach = 2 + i64::try_from(clock.ticks_per_second / 1_000_000_000).unwrap_or(0).min(100);
    let middle = (nearest.0 - reach..=nearest.0 + reach).find(prints_so)?;
    let last = (middle..=middle + 2 * reach).take_while(prints_so).last()?;
    Some((Ticks(middle), Ticks(last)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::parallel::not_cancelled;
    use crate::group::test_util::{Rng, names, random_blocks};
    use crate::pivot::{PivotRequest, pivot};

    fn value(key: Key, text: &str) -> RowPathStep {
        RowPathStep::Value { key, text: text.to_owned() }
    }

    fn frames(frames: &[&str]) -> RowPathStep {
        RowPathStep::Frames { key: Key::Stack, frames: frames.iter().map(|f| (*f).to_owned()).collect() }
    }

    #[test]
    fn titles_are_short_and_clear() {
        let title = |steps: &[RowPathStep]| RowPath(steps.to_vec()).title();
        let leak = [value(Key::Type, "AIFO"), value(Key::Paged, "NonPaged"), value(Key::Tag, "Fil ")];
        assert_eq!(title(&leak), "AIFO / NonPaged / Fil");
        assert_eq!(title(&[value(Key::Tag, "Leak"), frames(&["nt+1", "my+2"])]), "Leak / my+2");
        assert_eq!(title(&[frames(&[]), value(Key::Driver, ""), value(Key::Cpu, "3")]), "[No Driver] / CPU 3");
        assert_eq!(title(&[value(Key::Generation, "2: 1.000 s to 3.000 s")]), "Generation 2");
        assert_eq!(title(&[value(Key::FreeTime, "not freed")]), "Free Time not freed");
        assert_eq!((title(&[]), title(&[frames(&[])])), ("Total".to_owned(), "[Root]".to_owned()));
        assert_eq!(title(&[frames(&[]), RowPathStep::NoStack { key: Key::Stack }]), "[No stack]");
    }

    #[test]
    fn a_place_is_kept_as_words() {
        let path = RowPath(vec![value(Key::SizeClass, "1KB..2KB"), frames(&["a", "b"])]);
        let json = serde_json::to_string(&path).unwrap();
        let words =
            r#"[{"value":{"key":"size_class","text":"1KB..2KB"}},{"frames":{"key":"stack","frames":["a","b"]}}]"#;
        assert_eq!(json, words);
        assert_eq!(serde_json::from_str::<RowPath>(&json).unwrap(), path);
        assert!(serde_json::from_str::<RowPath>(&json.replace("size_class", "sise")).is_err());
    }

    const KEYS: [&[Key]; 10] = [
        &[Key::Type, Key::Paged, Key::Tag, Key::Stack],
        &[Key::Driver, Key::Function, Key::Stack],
        &[Key::Process, Key::Thread, Key::SizeClass],
        &[Key::FreeStack, Key::Cpu, Key::Stack, Key::Tag],
        &[Key::Stack, Key::FreeStack, Key::PoolType, Key::Session],
        &[Key::Address, Key::ImpactingType],
        &[Key::AllocTime, Key::FreeTime],
        &[Key::Lifetime, Key::TagDescription, Key::Stack],
        &[Key::Generation, Key::Tag, Key::FreeStack],
        &[],
    ];

    fn any_node(tree: &mut PivotTree, dice: &mut Rng) -> NodeId {
        let mut node = PivotTree::ROOT;
        for _ in 0..dice.roll(9) {
            let children = tree.open(node);
            if children.is_empty() {
                break;
            }
            node = children[dice.roll(children.len() as u64) as usize];
        }
        node
    }

    #[test]
    fn a_place_has_the_rows_that_its_node_adds_up() {
        let blocks = random_blocks(31, 3000);
        let names = names(&blocks).with_markers(&[Ticks(2500), Ticks(7000)]);
        let mut dice = Rng(5);
        let mut seen = [0; 4];
        for keys in KEYS {
            for visible_range in [(0, 10_000), (3000, 6000)].map(|(f, t)| TimeRange { from: Ticks(f), to: Ticks(t) }) {
                let table =
                    Arc::new(pivot(&names, &PivotRequest { keys, visible_range, rows: None }, &not_cancelled).unwrap());
                let mut tree = PivotTree::new(table);
                let mut paths = Vec::new();
                let mut sets = Vec::new();
                for _ in 0..70 {
                    let node = any_node(&mut tree, &mut dice);
                    let path = RowPath::of(&tree, node);
                    let rows = path.rows(&names, visible_range, &not_cancelled).unwrap();
                    let size: u64 = rows.iter().map(|r| blocks[r].size).sum();
                    let aggregate = tree.aggregate(node);
                    assert_eq!((rows.count(), size), (aggregate.count(), aggregate.size()), "{keys:?} {path:?}");
                    match tree.step(node) {
                        TreeStep::Total => seen[0] += 1,
                        TreeStep::Value { .. } => seen[1] += 1,
                        TreeStep::Frame { .. } => seen[2] += 1,
                        TreeStep::NoStack { .. } => seen[3] += 1,
                    }
                    paths.push(path);
                    sets.push(rows);
                }
                let union = sets.iter().fold(RowSet::from_fn(blocks.len(), |_| false), |all, more| all.or(more));
                assert_eq!(rows_of_paths(&paths, &names, visible_range, &not_cancelled).unwrap(), union, "{keys:?}");
            }
        }
        assert!(seen.iter().all(|kind| *kind > 5), "{seen:?}");
    }

    #[test]
    fn what_the_trace_does_not_have_gives_no_rows() {
        let names = names(&random_blocks(3, 50));
        let value = |key, text: &str| RowPath(vec![RowPathStep::Value { key, text: text.to_owned() }]);
        let paths = [
            value(Key::Tag, "None"),
            value(Key::Stack, "app.exe+0x10"),
            value(Key::Address, "ffff"),
            value(Key::AllocTime, "x s"),
            RowPath(vec![RowPathStep::Frames { key: Key::Tag, frames: Vec::new() }]),
            RowPath(vec![RowPathStep::Frames { key: Key::Stack, frames: vec!["nothing".to_owned()] }]),
        ];
        let extent = names.trace().extent;
        assert_eq!(rows_of_paths(&paths, &names, extent, &not_cancelled).unwrap().count(), 0);
        assert_eq!(rows_of_paths(&[], &names, extent, &not_cancelled).unwrap().count(), 0);
        assert!(paths[0].rows(&names, extent, &|| true).is_err());
    }

    #[test]
    fn ticks_of_a_fast_clock_share_a_text() {
        let kind = crate::trace::time::ClockKind::CpuCycles;
        let clock = Clock { kind, ticks_per_second: 4_000_000_000, start_filetime: 0 };
        let (first, last) = ticks_of("1.000000000 s", &clock).unwrap();
        let prints_so = |t: &i64| format!("{:.9} s", *t as f64 / 4e9) == "1.000000000 s";
        let all: Vec<i64> = (3_999_999_900..4_000_000_100).filter(prints_so).collect();
        assert!(all.len() > 2);
        assert_eq!((Some(&first.0), Some(&last.0)), (all.first(), all.last()));
        assert_eq!(ticks_of("not freed", &clock), Some((Ticks::NEVER, Ticks::NEVER)));
    }
}
