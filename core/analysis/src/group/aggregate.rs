//! Sums over the rows of groups. [`Total`] is a count with its bytes, [`Aggregate`] the same by lifetime class with the
//! extremes that metrics need. [`GroupBy::sum_rows`] computes one sum per group in one parallel pass, [`aggregates`] one
//! aggregate per group. Addition commutes and saturates, so that the number of workers does not change a result and a
//! damaged size does not cause an overflow.

use super::column_values::ColumnValues;
use super::group_by::{GroupBy, GroupIds, OUTSIDE, class_of};
use super::key::Key;
use super::parallel::{CHUNK_ROWS, Cancel, Cancelled, fold_rows, worker_chunks};
use super::partition::Sorted;
use crate::filter::rowset::RowSet;
use crate::trace::allocation::{AllocationTable, flag, lifetime};
use crate::trace::time::{LifetimeClass, Ticks, TimeRange};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// Lifetime classes.
const CLASSES: usize = 4;
/// Upper bound on possible group keys for which every worker has a sum for each key.
pub const MAX_DENSE_KEYS: u64 = 1 << 15;
/// Upper bound on the bytes of a worker's sums by attributes.
const MAX_ATTRIBUTE_BYTES: usize = 1 << 25;
/// Bytes of a table of sums by group above which each worker gets one table instead of several.
const LARGE_SUMS_BYTES: usize = 1 << 20;
/// Upper bound on the keys that a [`SumMap`] finds in a table; larger keys are hashed.
const MAX_TABLE_KEYS: u64 = 1 << 18;
/// No position in a [`SumMap`].
const NONE: u32 = u32::MAX;

/// A sum over rows. Addition must commute.
pub trait Sum: Default + Clone + Send {
    /// Adds another sum.
    fn merge(&mut self, other: &Self);

    /// Returns `true` if no row was added.
    fn is_empty(&self) -> bool;
}

/// Number and bytes of allocations.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Total {
    /// Number of allocations.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Total {
    /// Adds an allocation.
    #[inline]
    pub fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Adds another total.
    pub fn merge(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

impl Sum for Total {
    fn merge(&mut self, other: &Self) {
        Self::merge(self, *other);
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl<T: Sum + Copy, const N: usize> Sum for [T; N]
where
    [T; N]: Default,
{
    fn merge(&mut self, other: &Self) {
        self.iter_mut().zip(other).for_each(|(own, more)| own.merge(more));
    }

    fn is_empty(&self) -> bool {
        self.iter().all(Sum::is_empty)
    }
}

/// The columns of a row that aggregates are computed from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AggregateRow {
    /// Bytes.
    pub size_bytes: u64,
    /// Allocation time.
    pub alloc: Ticks,
    /// Free time.
    pub free: Ticks,
    /// Bits of [`flag`].
    pub flags: u8,
}

impl AggregateRow {
    /// Reads a row of the table.
    #[inline]
    #[must_use]
    pub fn of(table: &AllocationTable, row: usize) -> Self {
        Self {
            size_bytes: table.size.at(row),
            alloc: table.alloc_time.at(row),
            free: table.free_time[row],
            flags: table.flags[row],
        }
    }

    /// Ticks from allocation to free, if both were recorded.
    #[inline]
    fn lifetime_ticks(&self) -> Option<u64> {
        let ticks = lifetime(self.alloc, self.free, self.flags);
        ticks.is_known().then(|| ticks.0.max(0) as u64)
    }

    #[inline]
    fn has(&self, bit: u8) -> bool {
        self.flags & bit != 0
    }
}

/// Extremes of sizes and lifetimes, and number of rows with uncertain stacks. A table has fewer than 2^32 rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Spread {
    /// The smallest size with all bits inverted, so that an empty sum is all zeros, which makes large tables of them fast.
    not_min_bytes: u64,
    max_bytes: u64,
    lifetime_sum_ticks: u64,
    lifetime_max_ticks: u64,
    lifetime_rows: u32,
    uncertain_stacks: u32,
    uncertain_free_stacks: u32,
}

impl Spread {
    #[inline]
    fn add_row(&mut self, row: AggregateRow) {
        self.not_min_bytes = self.not_min_bytes.max(!row.size_bytes);
        self.max_bytes = self.max_bytes.max(row.size_bytes);
        self.uncertain_stacks += u32::from(row.has(flag::UNCERTAIN_ALLOCATION_STACK));
        self.uncertain_free_stacks += u32::from(row.has(flag::UNCERTAIN_FREE_STACK));
        if let Some(ticks) = row.lifetime_ticks() {
            self.lifetime_sum_ticks = self.lifetime_sum_ticks.saturating_add(ticks);
            self.lifetime_max_ticks = self.lifetime_max_ticks.max(ticks);
            self.lifetime_rows += 1;
        }
    }

    #[inline]
    fn merge(&mut self, other: &Self) {
        self.not_min_bytes = self.not_min_bytes.max(other.not_min_bytes);
        self.max_bytes = self.max_bytes.max(other.max_bytes);
        self.lifetime_sum_ticks = self.lifetime_sum_ticks.saturating_add(other.lifetime_sum_ticks);
        self.lifetime_max_ticks = self.lifetime_max_ticks.max(other.lifetime_max_ticks);
        self.lifetime_rows = self.lifetime_rows.saturating_add(other.lifetime_rows);
        self.uncertain_stacks = self.uncertain_stacks.saturating_add(other.uncertain_stacks);
        self.uncertain_free_stacks = self.uncertain_free_stacks.saturating_add(other.uncertain_free_stacks);
    }
}

/// The figures of rows that add up. Where rows are left out again, they are differences; arithmetic wraps, so that the order of
/// additions and subtractions does not matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct RowSums {
    pub bytes: u64,
    pub lifetime_ticks: u64,
    pub count: u32,
    pub lifetime_rows: u32,
    pub uncertain_stacks: u32,
    pub uncertain_free_stacks: u32,
}

impl RowSums {
    /// The figures of one row.
    #[inline(always)]
    pub fn of(table: &AllocationTable, row: usize) -> Self {
        let row = AggregateRow::of(table, row);
        let ticks = row.lifetime_ticks();
        Self {
            bytes: row.size_bytes,
            lifetime_ticks: ticks.unwrap_or(0),
            count: 1,
            lifetime_rows: u32::from(ticks.is_some()),
            uncertain_stacks: u32::from(row.has(flag::UNCERTAIN_ALLOCATION_STACK)),
            uncertain_free_stacks: u32::from(row.has(flag::UNCERTAIN_FREE_STACK)),
        }
    }

    /// With the rows of another sum.
    #[inline]
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            bytes: self.bytes.wrapping_add(other.bytes),
            lifetime_ticks: self.lifetime_ticks.wrapping_add(other.lifetime_ticks),
            count: self.count.wrapping_add(other.count),
            lifetime_rows: self.lifetime_rows.wrapping_add(other.lifetime_rows),
            uncertain_stacks: self.uncertain_stacks.wrapping_add(other.uncertain_stacks),
            uncertain_free_stacks: self.uncertain_free_stacks.wrapping_add(other.uncertain_free_stacks),
        }
    }

    /// Without the rows of another sum.
    #[inline]
    #[must_use]
    pub fn less(&self, other: &Self) -> Self {
        Self {
            bytes: self.bytes.wrapping_sub(other.bytes),
            lifetime_ticks: self.lifetime_ticks.wrapping_sub(other.lifetime_ticks),
            count: self.count.wrapping_sub(other.count),
            lifetime_rows: self.lifetime_rows.wrapping_sub(other.lifetime_rows),
            uncertain_stacks: self.uncertain_stacks.wrapping_sub(other.uncertain_stacks),
            uncertain_free_stacks: self.uncertain_free_stacks.wrapping_sub(other.uncertain_free_stacks),
        }
    }

    /// Adds the rows of another sum.
    #[inline]
    pub fn add(&mut self, other: &Self) {
        *self = self.plus(other);
    }
}

/// Count and bytes of rows by lifetime class, with the extremes of their sizes and lifetimes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Aggregate {
    bytes: [u64; CLASSES],
    counts: [u32; CLASSES],
    spread: Spread,
}
const _: () = assert!(size_of::<Aggregate>() <= 96);

impl Aggregate {
    /// Adds a row of a lifetime class ([`class_of`]).
    #[inline]
    pub fn add_row(&mut self, class: usize, row: AggregateRow) {
        if let (Some(count), Some(bytes)) = (self.counts.get_mut(class), self.bytes.get_mut(class)) {
            *count += 1;
            *bytes = bytes.saturating_add(row.size_bytes);
        }
        self.spread.add_row(row);
    }

    /// Adds rows of one lifetime class.
    fn add_class(&mut self, class: usize, rows: &ClassAggregate) {
        if let (Some(count), Some(bytes)) = (self.counts.get_mut(class), self.bytes.get_mut(class)) {
            *count = count.saturating_add(rows.count);
            *bytes = bytes.saturating_add(rows.bytes);
        }
        self.spread.merge(&rows.spread);
    }

    /// Adds sums of rows of one lifetime class, which have no extremes.
    pub(super) fn add_sums(&mut self, class: usize, rows: &RowSums) {
        if let (Some(count), Some(bytes)) = (self.counts.get_mut(class), self.bytes.get_mut(class)) {
            *count = count.saturating_add(rows.count);
            *bytes = bytes.saturating_add(rows.bytes);
        }
        self.spread.merge(&Spread {
            lifetime_sum_ticks: rows.lifetime_ticks,
            lifetime_rows: rows.lifetime_rows,
            uncertain_stacks: rows.uncertain_stacks,
            uncertain_free_stacks: rows.uncertain_free_stacks,
            ..Spread::default()
        });
    }

    /// The same without extremes: smallest and largest size, longest lifetime.
    #[must_use]
    pub fn without_extremes(mut self) -> Self {
        (self.spread.not_min_bytes, self.spread.max_bytes, self.spread.lifetime_max_ticks) = (0, 0, 0);
        self
    }

    /// Adds another aggregate.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count = count.saturating_add(more);
        }
        for (bytes, more) in self.bytes.iter_mut().zip(other.bytes) {
            *bytes = bytes.saturating_add(more);
        }
        self.spread.merge(&other.spread);
    }

    /// The sum of several aggregates.
    #[must_use]
    pub fn sum<'a>(aggregates: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        aggregates.into_iter().for_each(|aggregate| sum.merge(aggregate));
        sum
    }

    /// Rows of one lifetime class.
    #[must_use]
    pub fn class(&self, class: LifetimeClass) -> Total {
        Total { count: self.counts[class as usize].into(), bytes: self.bytes[class as usize] }
    }

    /// Number of rows.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// Bytes of all rows.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.bytes.iter().fold(0, |sum, bytes| sum.saturating_add(*bytes))
    }

    /// Bytes of AIFO rows: allocated in the visible range, not freed in it.
    #[must_use]
    pub fn impacting_size(&self) -> u64 {
        self.class(LifetimeClass::Aifo).bytes
    }

    /// Number of AIFO rows.
    #[must_use]
    pub fn impacting_count(&self) -> u64 {
        self.class(LifetimeClass::Aifo).count
    }

    /// AIFO minus AOFI bytes: the change of the outstanding bytes over the visible range.
    #[must_use]
    pub fn net_size(&self) -> i128 {
        i128::from(self.impacting_size()) - i128::from(self.class(LifetimeClass::Aofi).bytes)
    }

    /// Rows allocated in the visible range.
    #[must_use]
    pub fn allocated_inside(&self) -> u64 {
        self.class(LifetimeClass::Aifi).count + self.impacting_count()
    }

    /// Rows freed in the visible range.
    #[must_use]
    pub fn freed_inside(&self) -> u64 {
        self.class(LifetimeClass::Aifi).count + self.class(LifetimeClass::Aofi).count
    }

    /// Smallest size in bytes; `None` without rows.
    #[must_use]
    pub fn min(&self) -> Option<u64> {
        (self.count() > 0).then_some(!self.spread.not_min_bytes)
    }

    /// Largest size in bytes; `None` without rows.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        (self.count() > 0).then_some(self.spread.max_bytes)
    }

    /// Number of rows with an uncertain allocation stack.
    #[must_use]
    pub fn uncertain_stacks(&self) -> u64 {
        self.spread.uncertain_stacks.into()
    }

    /// Number of rows with an uncertain free stack.
    #[must_use]
    pub fn uncertain_free_stacks(&self) -> u64 {
        self.spread.uncertain_free_stacks.into()
    }

    /// Sum and number of the lifetimes, in ticks, of rows whose allocation and free were both recorded.
    #[must_use]
    pub fn lifetime_ticks(&self) -> (u64, u64) {
        (self.spread.lifetime_sum_ticks, self.spread.lifetime_rows.into())
    }

    /// The longest of those lifetimes in ticks; `None` if there are none.
    #[must_use]
    pub fn lifetime_max_ticks(&self) -> Option<u64> {
        (self.spread.lifetime_rows > 0).then_some(self.spread.lifetime_max_ticks)
    }
}

impl Sum for Aggregate {
    fn merge(&mut self, other: &Self) {
        Self::merge(self, other);
    }

    fn is_empty(&self) -> bool {
        self.count() == 0
    }
}

/// An [`Aggregate`] of one lifetime class, to which a worker adds rows; one cache line.
#[derive(Clone, Copy, Default, Debug)]
#[repr(align(64))]
struct ClassAggregate {
    bytes: u64,
    count: u32,
    spread: Spread,
}
const _: () = assert!(size_of::<ClassAggregate>() == 64);

impl ClassAggregate {
    #[inline]
    fn add_row(&mut self, row: AggregateRow) {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(row.size_bytes);
        self.spread.add_row(row);
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.spread.merge(&other.spread);
    }
}

/// Sums by number; numbers that do not occur take no memory for a sum.
pub struct SumMap<T> {
    /// Positions in `list` of small numbers; grows as needed.
    table: Vec<u32>,
    map: FxHashMap<u64, u32>,
    list: Vec<(u64, T)>,
}

impl<T> Default for SumMap<T> {
    fn default() -> Self {
        Self { table: Vec::new(), map: FxHashMap::default(), list: Vec::new() }
    }
}

impl<T: Sum> SumMap<T> {
    /// The sum of a number.
    #[inline]
    pub fn get(&mut self, number: u64) -> &mut T {
        let list = &mut self.list;
        let mut add = || {
            list.push((number, T::default()));
            list.len() as u32 - 1
        };
        let position = if number < MAX_TABLE_KEYS {
            match self.table.get(number as usize) {
                Some(known) if *known != NONE => *known,
                _ => {
                    let added = add();
                    set_position(&mut self.table, number as usize, added);
                    added
                }
            }
        } else {
            *self.map.entry(number).or_insert_with(add)
        };
        &mut self.list[position as usize].1
    }

    /// Merges two maps.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        let (mut large, small) = if self.list.len() < other.list.len() { (other, self) } else { (self, other) };
        for (number, sum) in &small.list {
            large.get(*number).merge(sum);
        }
        large
    }

    /// The numbers that occur with their sums, in no particular order.
    #[must_use]
    pub fn list(&self) -> &[(u64, T)] {
        &self.list
    }
}

/// Stores the position of a number in a table, which grows as needed.
#[cold]
fn set_position(table: &mut Vec<u32>, number: usize, position: u32) {
    if table.len() <= number {
        table.resize((number + 1).next_power_of_two(), NONE);
    }
    if let Some(place) = table.get_mut(number) {
        *place = position;
    }
}

impl GroupBy {
    /// The group keys that occur in the first `rows` rows with their sums, in no particular order. `classify` returns the
    /// class of a row ([`class_of`]), or `None` to leave the row out; `add` adds a row of that class. Sums are kept in a table if
    /// few keys are possible, by attributes if the keys depend on these alone, else in a hash map; the result is the same.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn sum_rows<T: Sum>(
        &self,
        table: &AllocationTable,
        rows: usize,
        classify: impl Fn(usize) -> Option<usize> + Sync + Send,
        add: impl Fn(&mut T, usize, usize) + Sync + Send,
        cancel: Cancel<'_>,
    ) -> Result<Vec<(u64, T)>, Cancelled> {
        if self.key_count() <= MAX_DENSE_KEYS {
            let key = |row, class| self.group_key(table, row, class) as usize;
            let sums = sum_dense(rows, self.key_count() as usize, classify, key, add, cancel)?;
            let sums = sums.into_iter().enumerate().filter(|(_, sum)| !sum.is_empty());
            return Ok(sums.map(|(key, sum)| (key as u64, sum)).collect());
        }
        if let Some(keys) = self.keys_of_attributes().filter(|keys| keys.len() * size_of::<T>() <= MAX_ATTRIBUTE_BYTES)
        {
            let attributes = |row: usize, _| table.alloc_attributes[row].index();
            let sums = sum_dense(rows, keys.len(), classify, attributes, add, cancel)?;
            let mut by_key = SumMap::<T>::default();
            for (key, sum) in keys.iter().zip(&sums).filter(|(_, sum)| !sum.is_empty()) {
                by_key.get(*key).merge(sum);
            }
            return Ok(by_key.list);
        }
        let sums = fold_rows(
            rows,
            rayon::current_num_threads(),
            cancel,
            SumMap::default,
            |sums: &mut SumMap<T>, range| {
                for row in range {
                    if let Some(class) = classify(row) {
                        add(sums.get(self.group_key(table, row, class)), class, row);
                    }
                }
            },
            SumMap::merged,
        )?;
        Ok(sums.list)
    }
}

impl GroupBy {
    /// [`Self::sum_rows`] for groups that have been numbered by `ids`, which do not depend on the lifetime class.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn sum_numbered<T: Sum>(
        &self,
        ids: &GroupIds,
        table: &AllocationTable,
        rows: usize,
        classify: impl Fn(usize) -> Option<usize> + Sync + Send,
        add: impl Fn(&mut T, usize, usize) + Sync + Send,
        cancel: Cancel<'_>,
    ) -> Result<Vec<(u64, T)>, Cancelled> {
        let number = |row: usize, _| ids.of_row().get(row).map_or(usize::MAX, |number| *number as usize);
        let sums = sum_dense(rows, ids.representatives().len(), classify, number, add, cancel)?;
        let keys = ids.representatives().iter().map(|row| self.group_key(table, *row as usize, OUTSIDE));
        Ok(keys.zip(sums).filter(|(_, sum)| !sum.is_empty()).collect())
    }
}

/// One sum for each value of `position`, from the first `rows` rows.
fn sum_dense<T: Sum>(
    rows: usize,
    count: usize,
    classify: impl Fn(usize) -> Option<usize> + Sync + Send,
    position: impl Fn(usize, usize) -> usize + Sync + Send,
    add: impl Fn(&mut T, usize, usize) + Sync + Send,
    cancel: Cancel<'_>,
) -> Result<Vec<T>, Cancelled> {
    fold_rows(
        rows,
        worker_chunks(),
        cancel,
        Vec::new,
        |sums: &mut Vec<T>, range| {
            sums.resize(count, T::default());
            for row in range {
                if let Some(class) = classify(row)
                    && let Some(sum) = sums.get_mut(position(row, class))
                {
                    add(sum, class, row);
                }
            }
        },
        |mut a, b| {
            if a.is_empty() {
                return b;
            }
            a.iter_mut().zip(&b).for_each(|(a, b)| a.merge(b));
            a
        },
    )
}

/// Groups with their aggregates.
#[derive(Debug, Default)]
pub struct GroupAggregates {
    /// The group key of each group.
    pub keys: Vec<u64>,
    /// The aggregate of each group.
    pub aggregates: Vec<Aggregate>,
}

impl From<Vec<(u64, Aggregate)>> for GroupAggregates {
    fn from(groups: Vec<(u64, Aggregate)>) -> Self {
        let (keys, aggregates) = groups.into_iter().unzip();
        Self { keys, aggregates }
    }
}

/// The group keys that occur among the rows of a visible range with their aggregates, in no particular order. `group_by`
/// is that of `keys`; `filter`: only these rows.
///
/// # Errors
/// [`Cancelled`] if `cancel` returns `true`.
pub fn aggregates(
    names: &ColumnValues,
    group_by: &GroupBy,
    keys: &[Key],
    range: TimeRange,
    filter: Option<&RowSet>,
    cancel: Cancel<'_>,
) -> Result<GroupAggregates, Cancelled> {
    let table = &names.trace().allocations;
    if group_by.key_count() > MAX_DENSE_KEYS {
        // Many groups are numbered once, so that later visible ranges with the same columns need no search.
        return match names.group_ids(keys, cancel)? {
            Some(ids) => Ok(numbered(table, group_by, &ids, range, filter, cancel)?.into()),
            None => sorted_by_key(table, group_by, range, filter, cancel),
        };
    }
    let classify = |row: usize| {
        let class = class_of(range, table, row);
        (class != OUTSIDE && filter.is_none_or(|rows| rows.contains(row))).then_some(class)
    };
    let add = |sum: &mut Aggregate, class, row: usize| sum.add_row(class, AggregateRow::of(table, row));
    Ok(group_by.sum_rows(table, table.rows_allocated_by(range.to), classify, add, cancel)?.into())
}

/// A row with its group key.
#[derive(Clone, Copy)]
struct KeyedRow {
    key: u64,
    size_bytes: u64,
    alloc: Ticks,
    free: Ticks,
    flags: u8,
    class: u8,
}
const _: () = assert!(size_of::<KeyedRow>() == 40);

/// [`aggregates`] of very many groups, by key: the rows are sorted by key, so that each group is a run of them.
fn sorted_by_key(
    table: &AllocationTable,
    group_by: &GroupBy,
    range: TimeRange,
    filter: Option<&RowSet>,
    cancel: Cancel<'_>,
) -> Result<GroupAggregates, Cancelled> {
    let keyed = |row: usize| {
        let AggregateRow { size_bytes, alloc, free, flags } = AggregateRow::of(table, row);
        let class = class_of(range, table, row);
        let is_left = class != OUTSIDE && filter.is_none_or(|rows| rows.contains(row));
        let keyed = || KeyedRow {
            key: group_by.group_key(table, row, class),
            size_bytes,
            alloc,
            free,
            flags,
            class: class as u8,
        };
        is_left.then(keyed)
    };
    let key = |row: &KeyedRow| row.key;
    let sorted = Sorted::new(table.rows_allocated_by(range.to), keyed, key, cancel)?;
    let runs = sorted.runs(key);
    let aggregate = |run: usize| {
        if run.is_multiple_of(CHUNK_ROWS) && cancel() {
            return Err(Cancelled);
        }
        let mut sum = Aggregate::default();
        for KeyedRow { size_bytes, alloc, free, flags, class, .. } in runs.get(run).iter().copied() {
            sum.add_row(class.into(), AggregateRow { size_bytes, alloc, free, flags });
        }
        Ok(sum)
    };
    let groups = || (0..runs.len()).into_par_iter();
    let keys = groups().map(|run| runs.get(run).first().map_or(0, key)).collect();
    Ok(GroupAggregates { keys, aggregates: groups().map(aggregate).collect::<Result<_, Cancelled>>()? })
}

/// [`aggregates`] from the number of each row's group: sums by number and class, which are then joined by key.
fn numbered(
    table: &AllocationTable,
    group_by: &GroupBy,
    ids: &GroupIds,
    range: TimeRange,
    filter: Option<&RowSet>,
    cancel: Cancel<'_>,
) -> Result<Vec<(u64, Aggregate)>, Cancelled> {
    let (from, to) = (range.from, range.to);
    let count = ids.representatives().len() * CLASSES;
    // Allocating and merging large tables takes longer than an uneven load of the workers.
    let is_large = count * size_of::<ClassAggregate>() > LARGE_SUMS_BYTES;
    let sums = fold_rows(
        table.rows_allocated_by(to),
        if is_large { rayon::current_num_threads() } else { worker_chunks() },
        cancel,
        || vec![ClassAggregate::default(); count],
        |sums, range| {
            let columns = table.free_time[range.clone()].iter().zip(&table.flags[range.clone()]);
            let rows = range.clone().zip(columns.zip(&ids.of_row()[range]));
            for (row, ((free, flags), id)) in rows {
                if *free < from || filter.is_some_and(|rows| !rows.contains(row)) {
                    continue;
                }
                // Arithmetic instead of unpredictable branches; the order of the lifetime classes.
                let alloc = table.alloc_time.at(row);
                let class = usize::from(alloc < from) * 2 + usize::from(*free > to);
                if let Some(sum) = sums.get_mut(*id as usize * CLASSES + class) {
                    sum.add_row(AggregateRow { size_bytes: table.size.at(row), alloc, free: *free, flags: *flags });
                }
            }
        },
        |mut a, b| {
            a.iter_mut().zip(&b).filter(|(_, b)| b.count > 0).for_each(|(a, b)| a.merge(b));
            a
        },
    )?;
    let mut found: Vec<(u64, Aggregate)> = Vec::new();
    for (row, classes) in ids.representatives().iter().zip(sums.chunks(CLASSES)) {
        // Keys with one number differ in the class alone.
        let first = found.len();
        for (class, sum) in classes.iter().enumerate().filter(|(_, sum)| sum.count > 0) {
            let key = group_by.group_key(table, *row as usize, class);
            let known = found[first..].iter().position(|sum| sum.0 == key);
            let at = known.map_or(found.len(), |at| first + at);
            if at == found.len() {
                found.push((key, Aggregate::default()));
            }
            found[at].1.add_class(class, sum);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::parallel::not_cancelled;
    use crate::group::test_util::{names, random_blocks};

    #[test]
    fn every_way_of_adding_up_gives_the_same() {
        let names = names(&random_blocks(11, 700));
        let table = &names.trace().allocations;
        let filter = RowSet::from_fn(table.len(), |row| row % 3 != 0);
        let key_sets: [&[Key]; 6] = [
            &[Key::Type, Key::Paged, Key::Tag, Key::Stack],
            &[Key::Stack, Key::ImpactingType, Key::Process],
            &[Key::Tag, Key::SizeClass, Key::FreeStack],
            &[Key::Tag, Key::Thread],
            &[Key::Type],
            &[],
        ];
        let sorted = |mut sums: Vec<(u64, Aggregate)>| {
            sums.sort_by_key(|sum| sum.0);
            sums
        };
        for keys in key_sets {
            for (from, to) in [(0, 10_000), (2000, 5000), (4000, 4000), (-5, 3), (9000, 20_000)] {
                for rows in [None, Some(&filter)] {
                    let range = TimeRange { from: Ticks(from), to: Ticks(to) };
                    let group_by = GroupBy::new(&names, keys);
                    let ids = names.group_ids(keys, &not_cancelled).unwrap().unwrap();
                    let numbered = numbered(table, &group_by, &ids, range, rows, &not_cancelled).unwrap();
                    let mut plain = SumMap::<Aggregate>::default();
                    for row in (0..table.len()).filter(|row| rows.is_none_or(|rows| rows.contains(*row))) {
                        let class = class_of(range, table, row);
                        if class != OUTSIDE {
                            let sum = plain.get(group_by.group_key(table, row, class));
                            sum.add_row(class, AggregateRow::of(table, row));
                        }
                    }
                    let found = aggregates(&names, &group_by, keys, range, rows, &not_cancelled).unwrap();
                    let by_key = sorted_by_key(table, &group_by, range, rows, &not_cancelled).unwrap();
                    assert!(by_key.keys.is_sorted());
                    let pairs = |found: GroupAggregates| found.keys.into_iter().zip(found.aggregates).collect();
                    assert_eq!(pairs(by_key), sorted(plain.list.clone()), "{keys:?} {from} {to}");
                    let found: Vec<(u64, Aggregate)> = pairs(found);
                    assert_eq!(sorted(numbered), sorted(plain.list.clone()), "{keys:?} {from} {to}");
                    assert_eq!(sorted(found), sorted(plain.list), "{keys:?} {from} {to}");
                }
            }
        }
    }

    #[test]
    fn hashed_and_table_keys_are_summed_alike() {
        let mut map = SumMap::<Total>::default();
        for number in [3, u64::MAX, 1 << 40, 3, 0, u64::MAX] {
            map.get(number).add(8);
        }
        let mut other = SumMap::<Total>::default();
        other.get(u64::MAX).add(u64::MAX);
        let mut list = other.merged(map).list;
        list.sort_by_key(|sum| sum.0);
        let expected = [(0, 1, 8), (3, 2, 16), (1 << 40, 1, 8), (u64::MAX, 3, u64::MAX)];
        assert_eq!(list, expected.map(|(number, count, bytes)| (number, Total { count, bytes })));
    }
}
