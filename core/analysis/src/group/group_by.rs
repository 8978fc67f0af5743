//! The group of each row. [`GroupBy`] turns the values of several key columns into one number, the group key. That takes a
//! look-up and an addition for each part of a row that values depend on (lifetime class, size, attributes, stacks, the row
//! itself), not for each column. [`GroupIds`] numbers the groups that occur, so that later visible ranges need no search.
//! Columns that depend on attributes or stacks take no memory per row.
//!
//! By tag (2 values) and size class (65): the key of a row is `class_of_size + 65 * tag`, and there are 130 possible keys.

use super::column::{KeyColumn, KeySource, SIZE_CLASSES, rank_rows, rank_tuples, size_class};
use super::column_values::ColumnValues;
use super::key::Key;
use super::parallel::{CHUNK_ROWS, Cancel, Cancelled, fold_rows, not_cancelled};
use crate::trace::allocation::AllocationTable;
use crate::trace::time::TimeRange;
use parking_lot::Mutex;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::ops::Range;
use std::sync::Arc;

/// Upper bound on the number of groups that are numbered; a table of more would not fit into a processor's cache. A pivot of
/// more groups adds up by key with the same result; other users of the numbers have to report what they leave out.
pub const MAX_GROUPS: usize = 1 << 17;
/// Number of sets of columns whose group numbers are kept.
const CACHE_SIZE: usize = 2;
/// Upper bound on the possible keys that a [`GroupIndex`] finds in a table.
const MAX_TABLE_KEYS: u64 = 1 << 20;
/// Upper bound on the possible keys, of all pieces together, whose numbers are found in tables while groups are numbered.
const MAX_NUMBERED_KEYS: u64 = 1 << 24;
/// Numbers from which a worker selects those in its own buckets at a time.
const SELECTED: usize = 1 << 12;
/// No group.
const NONE: u32 = u32::MAX;

/// Class of rows outside the visible range.
pub const OUTSIDE: usize = 4;

/// The lifetime class of a row as a position in tables; [`OUTSIDE`] for a row outside the visible range.
#[inline]
#[must_use]
pub fn class_of(range: TimeRange, table: &AllocationTable, row: usize) -> usize {
    range.classify(table.alloc_time.at(row), table.free_time[row]).map_or(OUTSIDE, |class| class as usize)
}

// Parts of a row that values depend on: positions in `GroupBy::parts`.
const CLASS: usize = 0;
const SIZE: usize = 1;
const ATTRIBUTES: usize = 2;
const ALLOC_STACK: usize = 3;
const FREE_STACK: usize = 4;
const ROW: usize = 5;

const SIZE_CLASS_IDS: [u32; SIZE_CLASSES as usize] = {
    let mut ids = [0; SIZE_CLASSES as usize];
    let mut class = 0;
    while class < SIZE_CLASSES {
        ids[class as usize] = class;
        class += 1;
    }
    ids
};

/// The part of a row that the values of a column depend on, and the ids by that part's handle.
fn source_ids(source: &KeySource) -> (usize, &[u32]) {
    match source {
        KeySource::LifetimeClass(ids) => (CLASS, ids),
        KeySource::SizeClass => (SIZE, &SIZE_CLASS_IDS),
        KeySource::Attributes(ids) => (ATTRIBUTES, ids),
        KeySource::AllocStack(ids) => (ALLOC_STACK, ids),
        KeySource::FreeStack(ids) => (FREE_STACK, ids),
        KeySource::Rows(ids) => (ROW, ids),
    }
}

/// The columns that depend on one part of a row, as one digit of the group key.
#[derive(Debug)]
struct Digit {
    /// The digit by handle of that part.
    ids: Vec<u32>,
    /// Factor of the digit in the key.
    stride: u64,
    /// Number of values.
    count: u64,
    /// Positions of the columns, and for each value of the digit the id in each of them.
    columns: Vec<usize>,
    tuples: Vec<u32>,
}

impl Digit {
    /// The digit of the columns that depend on `part`; `None` without such columns.
    fn new(columns: &[Arc<KeyColumn>], part: usize) -> Option<Self> {
        let own = columns.iter().enumerate().filter_map(|(at, column)| {
            let (of, ids) = source_ids(&column.source);
            (of == part).then_some((at, ids))
        });
        let (positions, tables): (Vec<usize>, Vec<&[u32]>) = own.unzip();
        let (tuples, ids) = match (positions.as_slice(), tables.as_slice()) {
            ([], _) => return None,
            // The ids of a single column can be used as they are.
            ([column], [ids]) => ((0..columns[*column].count()).collect(), ids.to_vec()),
            _ => rank_tuples(&tables),
        };
        let count = (tuples.len() / positions.len()).max(1) as u64;
        Some(Self { ids, stride: 1, count, columns: positions, tuples })
    }

    #[inline]
    fn part(&self, handle: usize) -> u64 {
        u64::from(self.ids.get(handle).copied().unwrap_or(0)) * self.stride
    }

    fn tuple(&self, value: u64) -> &[u32] {
        let width = self.columns.len();
        let from = value as usize * width;
        self.tuples.get(from..from + width).unwrap_or(&[])
    }
}

/// The grouping of rows by key columns.
#[derive(Debug)]
pub struct GroupBy {
    columns: Vec<Arc<KeyColumn>>,
    parts: [Option<Digit>; 6],
    attribute_count: usize,
    key_count: u64,
}

impl GroupBy {
    /// Grouping by these columns.
    #[must_use]
    pub fn new(names: &ColumnValues, keys: &[Key]) -> Self {
        let columns: Vec<Arc<KeyColumn>> = keys.iter().map(|key| names.column(*key)).collect();
        let parts = [CLASS, SIZE, ATTRIBUTES, ALLOC_STACK, FREE_STACK, ROW].map(|part| Digit::new(&columns, part));
        let attribute_count = names.trace().attributes.rows().len();
        let mut group_by = Self { columns, parts, attribute_count, key_count: 1 };
        if !group_by.set_strides() {
            group_by.fold_stacks_into_rows(&names.trace().allocations);
        }
        group_by
    }

    /// Sets the stride of each digit; `false` if the product of their counts does not fit into a key.
    fn set_strides(&mut self) -> bool {
        let mut count = Some(1u64);
        for digit in self.parts.iter_mut().flatten() {
            digit.stride = count.unwrap_or(0);
            count = count.and_then(|count| count.checked_mul(digit.count));
        }
        self.key_count = count.unwrap_or(u64::MAX);
        count.is_some()
    }

    /// Merges the digits of stacks and rows into one if all digits have too many combinations for one number: at most one of
    /// their combinations per row occurs.
    fn fold_stacks_into_rows(&mut self, table: &AllocationTable) {
        for (part, stacks) in [(FREE_STACK, &table.free_stack), (ALLOC_STACK, &table.alloc_stack)] {
            let Some(stack) = self.parts[part].take() else { continue };
            let old = self.parts[ROW].take();
            let old_id = |row: usize| old.as_ref().and_then(|old| old.ids.get(row)).copied().unwrap_or(0);
            let stack_id = |row: usize| stack.ids.get(stacks[row].index()).copied().unwrap_or(0);
            let pair = |row| u64::from(old_id(row)) << 32 | u64::from(stack_id(row));
            let (pairs, ids) = rank_rows(table.len(), pair);
            let mut columns = old.as_ref().map_or_else(Vec::new, |old| old.columns.clone());
            columns.extend(&stack.columns);
            let mut tuples = Vec::with_capacity(pairs.len() * columns.len());
            for pair in &pairs {
                if let Some(old) = &old {
                    tuples.extend_from_slice(old.tuple(pair >> 32));
                }
                tuples.extend_from_slice(stack.tuple(pair & u64::from(u32::MAX)));
            }
            let count = pairs.len().max(1) as u64;
            self.parts[ROW] = Some(Digit { ids, stride: 0, count, columns, tuples });
        }
        // Attributes, lifetime classes, size classes and rows have fewer than 2^63 combinations in any trace that fits in memory.
        self.set_strides();
    }

    /// Number of possible keys.
    #[must_use]
    pub fn key_count(&self) -> u64 {
        self.key_count
    }

    /// The columns of groups that were not made from the rows of one trace: no row has a group key.
    #[must_use]
    pub fn of_columns(columns: Vec<Arc<KeyColumn>>) -> Self {
        Self { columns, parts: [const { None }; 6], attribute_count: 0, key_count: 1 }
    }

    /// The columns, in the order given.
    #[must_use]
    pub fn columns(&self) -> &[Arc<KeyColumn>] {
        &self.columns
    }

    /// The group key of a row of a lifetime class ([`class_of`]).
    #[inline]
    #[must_use]
    pub fn group_key(&self, table: &AllocationTable, row: usize, class: usize) -> u64 {
        let mut key = 0;
        if let Some(digit) = &self.parts[CLASS] {
            key += digit.part(class);
        }
        if let Some(digit) = &self.parts[SIZE] {
            key += digit.part(size_class(table.size.at(row)) as usize);
        }
        if let Some(digit) = &self.parts[ATTRIBUTES] {
            key += digit.part(table.alloc_attributes[row].index());
        }
        if let Some(digit) = &self.parts[ALLOC_STACK] {
            key += digit.part(table.alloc_stack[row].index());
        }
        if let Some(digit) = &self.parts[FREE_STACK] {
            key += digit.part(table.free_stack[row].index());
        }
        if let Some(digit) = &self.parts[ROW] {
            key += digit.part(row);
        }
        key
    }

    /// The share of a lifetime class in a group key.
    #[must_use]
    pub fn class_part(&self, class: usize) -> u64 {
        self.parts[CLASS].as_ref().map_or(0, |digit| digit.part(class))
    }

    /// The group keys by attributes; `None` if they depend on anything else.
    #[must_use]
    pub fn keys_of_attributes(&self) -> Option<Vec<u64>> {
        let [None, None, digit, None, None, None] = &self.parts else { return None };
        let key = |attributes| digit.as_ref().map_or(0, |digit| digit.part(attributes));
        Some((0..self.attribute_count).map(key).collect())
    }

    /// Writes the column ids of a group key; `ids` has one element per column.
    pub fn write_ids(&self, key: u64, ids: &mut [u32]) {
        for digit in self.parts.iter().flatten() {
            let value = (key / digit.stride.max(1)) % digit.count.max(1);
            for (column, id) in digit.columns.iter().zip(digit.tuple(value)) {
                if let Some(place) = ids.get_mut(*column) {
                    *place = *id;
                }
            }
        }
    }
}

/// Numbers of group keys.
#[derive(Debug)]
pub enum GroupIndex {
    /// By key, if few are possible.
    Table(Vec<u32>),
    /// By hash.
    Map(FxHashMap<u64, u32>),
}

impl GroupIndex {
    /// The numbers of these keys, of which `key_count` are possible.
    #[must_use]
    pub fn new(key_count: u64, numbers: impl Iterator<Item = (u64, u32)>) -> Self {
        if key_count > MAX_TABLE_KEYS {
            return Self::Map(numbers.collect());
        }
        let mut table = vec![NONE; key_count as usize];
        for (key, number) in numbers {
            if let Some(place) = usize::try_from(key).ok().and_then(|key| table.get_mut(key)) {
                *place = number;
            }
        }
        Self::Table(table)
    }

    /// The number of a key.
    #[inline]
    #[must_use]
    pub fn get(&self, key: u64) -> Option<u32> {
        let number = match self {
            Self::Table(table) => table.get(key as usize),
            Self::Map(map) => map.get(&key),
        };
        number.copied().filter(|number| *number != NONE)
    }
}

/// Numbers of the group keys that have been seen.
enum Numbers {
    /// By key: the number plus 1, or 0.
    Table(Vec<u32>),
    /// By hash.
    Map(FxHashMap<u64, u32>),
}

impl Numbers {
    /// No numbers yet of `key_count` possible keys, for one of `pieces` that are numbered at a time.
    fn new(key_count: u64, pieces: usize) -> Self {
        let is_small = key_count <= MAX_NUMBERED_KEYS / pieces.max(1) as u64;
        if is_small { Self::Table(vec![0; key_count as usize]) } else { Self::Map(FxHashMap::default()) }
    }

    /// The number of a key; that of a new one comes from `insert`.
    #[inline]
    fn get_or_insert(&mut self, key: u64, insert: impl FnOnce() -> u32) -> u32 {
        match self {
            Self::Table(table) => match table.get_mut(key as usize) {
                Some(0) | None => {
                    let number = insert();
                    if let Some(place) = table.get_mut(key as usize) {
                        *place = number + 1;
                    }
                    number
                }
                Some(number) => *number - 1,
            },
            Self::Map(map) => *map.entry(key).or_insert_with(insert),
        }
    }
}

/// The groups that occur, numbered in the order of their first rows; four bytes per row. Their columns do not depend on the
/// visible range.
#[derive(Debug)]
pub struct GroupIds {
    of_row: Vec<u32>,
    representatives: Vec<u32>,
}

impl GroupIds {
    /// Numbers the groups; `None` if there are more than [`MAX_GROUPS`].
    fn new(names: &ColumnValues, keys: &[Key], cancel: Cancel<'_>) -> Result<Option<Self>, Cancelled> {
        let table = &names.trace().allocations;
        let group_by = GroupBy::new(names, keys);
        let mut of_row = vec![0u32; table.len()];
        let pieces = rayon::current_num_threads() * 2;
        let rows = table.len().div_ceil(pieces).max(CHUNK_ROWS);
        // Each piece first numbers its own groups.
        let own = of_row.par_chunks_mut(rows).enumerate().map(|(piece, numbers)| {
            let mut number_of = Numbers::new(group_by.key_count(), pieces);
            let mut found: Vec<(u64, u32)> = Vec::new();
            for (chunk, numbers) in numbers.chunks_mut(CHUNK_ROWS).enumerate() {
                if cancel() {
                    return Err(Cancelled);
                }
                if found.len() > MAX_GROUPS {
                    break;
                }
                let first = piece * rows + chunk * CHUNK_ROWS;
                for (at, number) in numbers.iter_mut().enumerate() {
                    let row = first + at;
                    let key = group_by.group_key(table, row, OUTSIDE);
                    *number = number_of.get_or_insert(key, || {
                        found.push((key, row as u32));
                        found.len() as u32 - 1
                    });
                }
            }
            Ok(found)
        });
        let own: Vec<Vec<(u64, u32)>> = own.collect::<Result<_, Cancelled>>()?;
        let mut number_of: FxHashMap<u64, u32> = FxHashMap::default();
        let mut representatives = Vec::new();
        let mut numbers = Vec::with_capacity(own.len());
        for found in own {
            let of_piece = found.into_iter().map(|(key, row)| {
                *number_of.entry(key).or_insert_with(|| {
                    representatives.push(row);
                    representatives.len() as u32 - 1
                })
            });
            numbers.push(of_piece.collect::<Vec<u32>>());
            if representatives.len() > MAX_GROUPS {
                return Ok(None);
            }
        }
        of_row.par_chunks_mut(rows).zip(&numbers).for_each(|(of_row, numbers)| {
            of_row.iter_mut().for_each(|number| *number = numbers.get(*number as usize).copied().unwrap_or(0));
        });
        Ok(Some(Self { of_row, representatives }))
    }

    /// The group of each row.
    #[must_use]
    pub fn of_row(&self) -> &[u32] {
        &self.of_row
    }

    /// The first row of each group.
    #[must_use]
    pub fn representatives(&self) -> &[u32] {
        &self.representatives
    }
}

/// A set of columns, and its groups unless they are too many.
type Cached = (Vec<Key>, Option<Arc<GroupIds>>);

/// The groups of the latest sets of columns, the latest first.
#[derive(Default)]
pub(super) struct GroupIdsCache(Mutex<Vec<Cached>>);

impl GroupIdsCache {
    /// The groups by these columns without those that depend on the visible range.
    pub(super) fn get(
        &self,
        names: &ColumnValues,
        keys: &[Key],
        cancel: Cancel<'_>,
    ) -> Result<Option<Arc<GroupIds>>, Cancelled> {
        if keys.iter().any(|key| key.is_per_row()) {
            return Ok(None);
        }
        let mut wanted: Vec<Key> = keys.iter().copied().filter(|key| !key.depends_on_range()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        if let Some(known) = self.cached(&wanted) {
            return Ok(known);
        }
        let ids = GroupIds::new(names, &wanted, cancel)?.map(Arc::new);
        let mut cache = self.0.lock();
        cache.retain(|cached| cached.0 != wanted);
        cache.insert(0, (wanted, ids.clone()));
        cache.truncate(CACHE_SIZE);
        Ok(ids)
    }

    fn cached(&self, wanted: &[Key]) -> Option<Option<Arc<GroupIds>>> {
        let mut cache = self.0.lock();
        let at = cache.iter().position(|cached| cached.0 == wanted)?;
        cache.get_mut(..=at)?.rotate_right(1);
        cache.first().map(|cached| cached.1.clone())
    }

    /// A copy without the sets of columns that contain one of these.
    pub(super) fn without(&self, keys: &[Key]) -> Self {
        let is_left = |cached: &&Cached| !cached.0.iter().any(|key| keys.contains(key));
        Self(Mutex::new(self.0.lock().iter().filter(is_left).cloned().collect()))
    }
}

/// Numbers `0..n` by bucket, in ascending order within each: a counting sort.
#[derive(Debug, Default)]
pub struct Buckets {
    items: Vec<u32>,
    /// Start of each bucket, and end of the last one.
    starts: Vec<u32>,
}

impl Buckets {
    /// Sorts numbers into `count` buckets; those without a bucket are left out.
    #[must_use]
    pub fn new(bucket_of: &[u32], count: usize) -> Self {
        let parts = Self::with_workers(bucket_of, count, 1, |row| row as u32, &not_cancelled);
        parts.map_or_else(|Cancelled| Self::default(), |(items, starts)| Self { items, starts })
    }

    /// [`Self::new`] on all workers.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn of_rows(bucket_of: &[u32], count: usize, cancel: Cancel<'_>) -> Result<Self, Cancelled> {
        let (items, starts) = Self::items_of_rows(bucket_of, count, |row| row as u32, cancel)?;
        Ok(Self { items, starts })
    }

    /// Calls `item` with each number and returns its results, bucket by bucket, with the start of each bucket and the end of the last
    /// one. `T` is a number or an array of numbers, whose default is all zeros: fresh memory needs no writing first then.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn items_of_rows<T: Copy + Default + Send>(
        bucket_of: &[u32],
        count: usize,
        item: impl Fn(usize) -> T + Sync,
        cancel: Cancel<'_>,
    ) -> Result<(Vec<T>, Vec<u32>), Cancelled> {
        let workers = rayon::current_num_threads().min(bucket_of.len().div_ceil(CHUNK_ROWS));
        Self::with_workers(bucket_of, count, workers.max(1), item, cancel)
    }

    /// [`Self::items_of_rows`], where each worker fills some neighboring buckets.
    fn with_workers<T: Copy + Default + Send>(
        bucket_of: &[u32],
        count: usize,
        workers: usize,
        item: impl Fn(usize) -> T + Sync,
        cancel: Cancel<'_>,
    ) -> Result<(Vec<T>, Vec<u32>), Cancelled> {
        let starts = Self::starts(bucket_of, count, workers, cancel)?;
        let total = starts.last().copied().unwrap_or(0) as usize;
        let mut items = vec![T::default(); total];
        let mut shares = Vec::with_capacity(workers);
        let (mut rest, mut first) = (items.as_mut_slice(), 0);
        for worker in 1..=workers {
            let until = (total * worker / workers) as u32;
            let end = if worker == workers { count } else { starts.partition_point(|start| *start < until).min(count) };
            let end = end.max(first);
            let own = rest.split_off_mut(..(starts[end] - starts[first]) as usize).unwrap_or_default();
            shares.push((first..end, own));
            first = end;
        }
        shares.into_par_iter().try_for_each(|(buckets, items)| {
            let base = starts[buckets.start];
            let mut next: Vec<u32> = starts[buckets.clone()].iter().map(|start| start - base).collect();
            let mut own = vec![(0_u32, 0_u32); SELECTED];
            for (chunk, of_chunk) in bucket_of.chunks(CHUNK_ROWS).enumerate() {
                if cancel() {
                    return Err(Cancelled);
                }
                for (part, of_part) in of_chunk.chunks(SELECTED).enumerate() {
                    // Which numbers are the worker's own cannot be predicted: they are selected without a branch.
                    let mut count = 0;
                    for (at, bucket) in of_part.iter().enumerate() {
                        // Buckets of other workers become greater than all of one's own.
                        let bucket = bucket.wrapping_sub(buckets.start as u32);
                        own[count] = (bucket, at as u32);
                        count += usize::from((bucket as usize) < next.len());
                    }
                    let first = chunk * CHUNK_ROWS + part * SELECTED;
                    for (bucket, at) in own.get(..count).unwrap_or_default() {
                        let next = &mut next[*bucket as usize];
                        if let Some(place) = items.get_mut(*next as usize) {
                            *place = item(first + *at as usize);
                        }
                        *next += 1;
                    }
                }
            }
            Ok(())
        })?;
        Ok((items, starts))
    }

    /// The start of each bucket, and the end of the last one.
    fn starts(bucket_of: &[u32], count: usize, workers: usize, cancel: Cancel<'_>) -> Result<Vec<u32>, Cancelled> {
        // Each worker counts in a table of its own, which must not be larger than its share of the numbers.
        let pieces = (bucket_of.len() / count.max(1)).clamp(1, workers);
        let mut starts = fold_rows(
            bucket_of.len(),
            pieces,
            cancel,
            || vec![0u32; count + 1],
            |counts, range| {
                for bucket in &bucket_of[range] {
                    if let Some(count) = counts.get_mut((*bucket as usize).saturating_add(1)) {
                        *count += 1;
                    }
                }
            },
            |mut counts, others| {
                counts.iter_mut().zip(others).for_each(|(count, other)| *count += other);
                counts
            },
        )?;
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        Ok(starts)
    }

    /// The numbers in a range of buckets, bucket by bucket.
    #[must_use]
    pub fn run(&self, buckets: Range<u32>) -> &[u32] {
        let start =
            |bucket: u32| self.starts.get(bucket as usize).or(self.starts.last()).copied().unwrap_or(0) as usize;
        self.items.get(start(buckets.start)..start(buckets.end)).unwrap_or(&[])
    }

    /// All numbers, bucket by bucket, and the start of each bucket, with the end of the last one.
    #[must_use]
    pub fn into_parts(self) -> (Vec<u32>, Vec<u32>) {
        (self.items, self.starts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::test_util::{names, random_blocks};

    #[test]
    fn rows_have_one_number_if_and_only_if_they_have_one_key() {
        let names = names(&random_blocks(5, 400));
        let table = &names.trace().allocations;
        for keys in [&[Key::Type, Key::Stack, Key::Tag][..], &[Key::Process, Key::SizeClass], &[Key::Type], &[]] {
            let ids = names.group_ids(keys, &not_cancelled).unwrap().unwrap();
            let group_by = GroupBy::new(&names, keys);
            let key = |row: usize| group_by.group_key(table, row, 1);
            for row in 0..table.len() {
                let number = ids.of_row()[row];
                let first = ids.representatives()[number as usize] as usize;
                assert_eq!((key(row), first <= row), (key(first), true), "{keys:?}");
                assert!((0..first).all(|other| key(other) != key(first)));
            }
            assert!(ids.representatives().is_sorted());
        }
        assert!(names.group_ids(&[Key::Tag, Key::Address], &not_cancelled).unwrap().is_none());
    }

    #[test]
    fn the_latest_are_kept_and_found_in_any_order_of_columns() {
        let names = names(&random_blocks(6, 50));
        let of = |names: &ColumnValues, keys: &[Key]| names.group_ids(keys, &not_cancelled).unwrap().unwrap();
        let tag = of(&names, &[Key::Tag, Key::Process]);
        assert!(Arc::ptr_eq(&tag, &of(&names, &[Key::Process, Key::Type, Key::Tag])));
        let generation = of(&names, &[Key::Generation]);
        let marked = names.with_markers(&[]);
        assert!(Arc::ptr_eq(&tag, &of(&marked, &[Key::Tag, Key::Process])));
        assert!(!Arc::ptr_eq(&generation, &of(&marked, &[Key::Generation])));
        of(&names, &[Key::Cpu]);
        assert!(Arc::ptr_eq(&generation, &of(&names, &[Key::Generation])));
        assert!(!Arc::ptr_eq(&tag, &of(&names, &[Key::Tag, Key::Process])));
    }

    #[test]
    fn cancelling_keeps_nothing() {
        let names = names(&random_blocks(7, 50));
        assert!(names.group_ids(&[Key::Tag], &|| true).is_err());
        assert!(names.group_ids(&[Key::Tag], &not_cancelled).unwrap().is_some());
    }

    #[test]
    fn table_and_map_give_the_same_numbers() {
        let numbers = [(3, 7), (0, 1), (9, 2)];
        let (table, map) = (GroupIndex::new(10, numbers.into_iter()), GroupIndex::new(u64::MAX, numbers.into_iter()));
        assert!(matches!((&table, &map), (GroupIndex::Table(_), GroupIndex::Map(_))));
        for key in 0..12 {
            assert_eq!(table.get(key), map.get(key));
        }
        assert_eq!((table.get(9), table.get(4)), (Some(2), None));
    }

    #[test]
    fn many_numbers_are_in_the_same_buckets_with_any_number_of_workers() {
        let mut state = 5_u64;
        let of = (0..300_000).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Half of all in one bucket, and some in none.
            if state >> 63 == 0 { 7 } else { (state >> 40) as u32 % 70 }
        });
        let bucket_of: Vec<u32> = of.collect();
        let mut expected: Vec<(u32, u32)> = bucket_of.iter().copied().zip(0..).filter(|item| item.0 < 64).collect();
        expected.sort_unstable();
        let expected: Vec<u32> = expected.into_iter().map(|item| item.1).collect();
        for threads in [1, 2, 7] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let buckets = pool.install(|| Buckets::of_rows(&bucket_of, 64, &not_cancelled)).unwrap();
            assert!(buckets.run(0..64) == expected, "{threads}");
            let own = buckets.run(7..8);
            assert!(own.len() > 100_000 && own.iter().all(|at| bucket_of[*at as usize] == 7));
        }
        assert!(Buckets::of_rows(&bucket_of, 64, &|| true).is_err());
        assert_eq!(Buckets::of_rows(&[], 0, &not_cancelled).unwrap().into_parts(), (vec![], vec![0]));
    }

    #[test]
    fn buckets_hold_numbers_in_order() {
        let buckets = Buckets::new(&[2, 0, 2, 5, 0], 3);
        let runs = [0..1, 1..2, 2..3, 0..3, 2..9].map(|run| buckets.run(run).to_vec());
        assert_eq!(runs, [vec![1, 4], vec![], vec![0, 2], vec![1, 4, 0, 2], vec![0, 2]]);
        assert_eq!(buckets.into_parts(), (vec![1, 4, 0, 2], vec![0, 2, 2, 4]));
    }
}
