//! From places back to rows. Texts become one bit per place for every context, stack and size class, so that a row costs
//! a few look-ups however many places are asked for. It must never take a row that the node of a place does not add up.

use super::place::{Place, PlaceStep};
use crate::group::cells::{OUTSIDE, class_of};
use crate::group::key::Key;
use crate::group::names::Names;
use crate::group::parallel::{Cancel, Cancelled};
use crate::group::size_class;
use crate::group::values::{KeyColumn, Labels, Source};
use crate::filter::rowset::RowSet;
use crate::trace::allocation::AllocationTable;
use crate::trace::time::{Clock, Ticks, TimeRange};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Places in one pass: one bit each.
const PLACES_PER_PASS: usize = 64;

impl Place {
    /// The rows of the trace that the place's node adds up in that view while no filter is set. A text that the trace
    /// does not have in that column gives no rows; moments that print the same are one.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] once `cancel` says so.
    pub fn rows(&self, names: &Names, view: TimeRange, cancel: Cancel<'_>) -> Result<RowSet, Cancelled> {
        rows_of_places(std::slice::from_ref(self), names, view, cancel)
    }
}

/// The rows of any of these places; see [`Place::rows`].
///
/// # Errors
///
/// [`Cancelled`] once `cancel` says so.
pub fn rows_of_places(places: &[Place], names: &Names, view: TimeRange, cancel: Cancel<'_>) -> Result<RowSet, Cancelled> {
    let table = &names.trace().allocations;
    let mut union = RowSet::from_words(Vec::new(), table.len());
    for places in places.chunks(PLACES_PER_PASS) {
        let masks = Masks::new(places, names);
        if cancel() {
            return Err(Cancelled);
        }
        let rows = RowSet::from_par_fn(table.len(), cancel, |row| masks.takes(table, view, row))?;
        union = union.or(&rows);
    }
    Ok(union)
}

/// For each thing that a row names: which places take it. A missing table takes it for all.
struct Masks {
    life: [u64; OUTSIDE + 1],
    context: Option<Vec<u64>>,
    alloc_stack: Option<Vec<u64>>,
    free_stack: Option<Vec<u64>>,
    size_class: Option<Vec<u64>>,
    /// Tests on single rows, each for the place of its bit.
    rows: Vec<(u64, RowTest)>,
}

/// What of columns with a number per row is asked of the row itself. Bounds are inside.
enum RowTest {
    Address(u64),
    AllocTime(Ticks, Ticks),
    FreeTime(Ticks, Ticks),
    Lifetime(Ticks, Ticks),
    Number(Arc<Vec<u32>>, u32),
}

impl Masks {
    fn new(places: &[Place], names: &Names) -> Self {
        let all = u64::MAX.checked_shr(64 - places.len() as u32).unwrap_or(0);
        let mut life = [all; OUTSIDE + 1];
        life[OUTSIDE] = 0;
        let mut masks =
            Self { life, context: None, alloc_stack: None, free_stack: None, size_class: None, rows: Vec::new() };
        for (at, place) in places.iter().enumerate() {
            for (step, next) in place.0.iter().zip(place.0.iter().skip(1).map(Some).chain([None])) {
                if masks.narrow(1 << at, all, step, next.is_none(), names).is_none() {
                    masks.life.iter_mut().for_each(|m| *m &= !(1 << at));
                }
            }
        }
        masks
    }

    /// Takes the place of `bit` away from everything that the step does not take; `None` if it takes nothing at all.
    fn narrow(&mut self, bit: u64, all: u64, step: &PlaceStep, is_last: bool, names: &Names) -> Option<()> {
        let key = step.key();
        if let PlaceStep::Value { text, .. } = step
            && matches!(key, Key::Address | Key::AllocTime | Key::FreeTime | Key::Lifetime)
        {
            self.rows.push((bit, RowTest::new(key, text, &names.trace().clock)?));
            return Some(());
        }
        let column = names.column(key);
        let taken: Range<u32> = match step {
            PlaceStep::Value { text, .. } => {
                let id = id_of(&column, text)?;
                id..id + 1
            }
            PlaceStep::NoStack { .. } => column.stacks().map(|_| 0..1)?,
            PlaceStep::Frames { frames, .. } => {
                let stacks = column.stacks()?;
                let node = stacks.find(frames)?;
                // What follows a frame is the next column of the stacks that end there.
                if is_last { stacks.subtree(node) } else { node..node + 1 }
            }
        };
        let (table, ids) = match &column.source {
            Source::LifeType(ids) => {
                let classes = self.life.iter_mut().zip(ids);
                classes.filter(|(_, id)| !taken.contains(id)).for_each(|(mask, _)| *mask &= !bit);
                return Some(());
            }
            Source::Rows(ids) => {
                self.rows.push((bit, RowTest::Number(Arc::clone(ids), taken.start)));
                return Some(());
            }
            Source::SizeClass => {
                let masks = self.size_class.get_or_insert_with(|| vec![all; size_class::COUNT as usize]);
                let classes = masks.iter_mut().enumerate();
                classes.filter(|(class, _)| !taken.contains(&(*class as u32))).for_each(|(_, mask)| *mask &= !bit);
                return Some(());
            }
            Source::Context(ids) => (&mut self.context, ids),
            Source::AllocStack(ids) => (&mut self.alloc_stack, ids),
            Source::FreeStack(ids) => (&mut self.free_stack, ids),
        };
        let masks = table.get_or_insert_with(|| vec![all; ids.len()]);
        let places = masks.par_iter_mut().zip(ids.as_slice()).with_min_len(1 << 14);
        places.filter(|(_, id)| !taken.contains(id)).for_each(|(mask, _)| *mask &= !bit);
        Some(())
    }

    /// Asks the tables that take least memory per row first; most places take few rows.
    #[inline]
    fn takes(&self, table: &AllocationTable, view: TimeRange, row: usize) -> bool {
        let look_up = |masks: &[u64], at: usize| masks.get(at).copied().unwrap_or(0);
        let mut mask = u64::MAX;
        if let Some(masks) = &self.context {
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
            mask &= look_up(masks, size_class::class_of(table.size[row]) as usize);
        }
        for (bit, test) in &self.rows {
            if mask & bit != 0 && !test.holds(table, row) {
                mask &= !bit;
            }
        }
        mask != 0 && mask & self.life[class_of(view, table, row)] != 0
    }
}

impl RowTest {
    /// The test for a value of a column of addresses or times; `None` if the text is no such value.
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
            Self::Address(address) => table.address[row] == *address,
            Self::AllocTime(first, last) => within(table.alloc_time[row], first, last),
            Self::FreeTime(first, last) => within(table.free_time[row], first, last),
            Self::Lifetime(first, last) => within(table.lifetime(row), first, last),
            Self::Number(ids, id) => ids.get(row) == Some(id),
        }
    }
}

/// The number of a value of a column that is not asked of the row itself.
fn id_of(column: &KeyColumn, text: &str) -> Option<u32> {
    match (&column.source, &column.labels) {
        // Texts of contexts and stacks are kept in ascending order.
        (Source::Context(_) | Source::AllocStack(_), Labels::Texts(texts)) => {
            texts.binary_search_by(|t| t.as_str().cmp(text)).ok().map(|at| at as u32)
        }
        _ => (0..column.count()).find(|id| column.text(*id) == text),
    }
}

/// The first and the last tick that print as `text`.
fn ticks_of(text: &str, clock: &Clock) -> Option<(Ticks, Ticks)> {
    let print = |time: Ticks| {
        let labels = Labels::Times(vec![time], *clock);
        KeyColumn { key: Key::AllocTime, source: Source::SizeClass, labels }.text(0).into_owned()
    };
    for sentinel in [Ticks::UNKNOWN, Ticks::NEVER] {
        if print(sentinel) == text {
            return Some((sentinel, sentinel));
        }
    }
    let nearest = clock.ticks(text.strip_suffix(" s")?.parse().ok()?);
    let prints_so = |ticks: &i64| print(Ticks(*ticks)) == text;
    // A clock faster than the nine decimals has several ticks with one text.
    let reach = 2 + i64::try_from(clock.ticks_per_second / 1_000_000_000).unwrap_or(0).min(100);
    let middle = (nearest.0 - reach..=nearest.0 + reach).find(prints_so)?;
    let last = (middle..=middle + 2 * reach).take_while(prints_so).last()?;
    Some((Ticks(middle), Ticks(last)))
}

#[cfg(test)]
mod tests {
    use super::super::{PivotRequest, PivotTree, Step, pivot};
    use super::*;
    use crate::group::parallel::never;
    use crate::group::testkit::{Dice, names, random_blocks};
    use crate::pivot::NodeId;

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

    fn any_node(tree: &mut PivotTree, dice: &mut Dice) -> NodeId {
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
        let names = names(&blocks).with_marks(&[Ticks(2500), Ticks(7000)]);
        let mut dice = Dice(5);
        let mut seen = [0; 4];
        for keys in KEYS {
            for view in [(0, 10_000), (3000, 6000)].map(|(f, t)| TimeRange { from: Ticks(f), to: Ticks(t) }) {
                let table = Arc::new(pivot(&names, &PivotRequest { keys, view, rows: None }, &never).unwrap());
                let mut tree = PivotTree::new(table);
                let mut places = Vec::new();
                let mut sets = Vec::new();
                for _ in 0..70 {
                    let node = any_node(&mut tree, &mut dice);
                    let place = Place::of(&tree, node);
                    let rows = place.rows(&names, view, &never).unwrap();
                    let size: u64 = rows.iter().map(|r| blocks[r].size).sum();
                    let cost = tree.cost(node);
                    assert_eq!((rows.count(), size), (cost.count(), cost.size()), "{keys:?} {place:?}");
                    match tree.step(node) {
                        Step::Total => seen[0] += 1,
                        Step::Value { .. } => seen[1] += 1,
                        Step::Frame { .. } => seen[2] += 1,
                        Step::NoStack { .. } => seen[3] += 1,
                    }
                    places.push(place);
                    sets.push(rows);
                }
                let union = sets.iter().fold(RowSet::from_fn(blocks.len(), |_| false), |all, more| all.or(more));
                assert_eq!(rows_of_places(&places, &names, view, &never).unwrap(), union, "{keys:?}");
            }
        }
        assert!(seen.iter().all(|kind| *kind > 5), "{seen:?}");
    }

    #[test]
    fn what_the_trace_does_not_have_gives_no_rows() {
        let names = names(&random_blocks(3, 50));
        let value = |key, text: &str| Place(vec![PlaceStep::Value { key, text: text.to_owned() }]);
        let places = [
            value(Key::Tag, "None"),
            value(Key::Stack, "app.exe+0x10"),
            value(Key::Address, "ffff"),
            value(Key::AllocTime, "x s"),
            Place(vec![PlaceStep::Frames { key: Key::Tag, frames: Vec::new() }]),
            Place(vec![PlaceStep::Frames { key: Key::Stack, frames: vec!["nothing".to_owned()] }]),
        ];
        let extent = names.trace().extent;
        assert_eq!(rows_of_places(&places, &names, extent, &never).unwrap().count(), 0);
        assert_eq!(rows_of_places(&[], &names, extent, &never).unwrap().count(), 0);
        assert!(places[0].rows(&names, extent, &|| true).is_err());
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
