//! Sums of groups for any visible range without a pass over all allocations. Each figure that adds up is a difference of sums
//! over allocations and frees up to a moment. These sums are kept for some moments, the checkpoints; what happened between a
//! checkpoint and an end of the range is added from the events there. Allocations that are outstanding in all of the range
//! are the one class that is no such difference; `Spanning` lists those that may be.
//!
//! With A(t) and F(t) the allocations and frees before t, and S the allocations outstanding in all of `[from, to]`:
//! AOFO = S, AOFI = A(from) - F(from) - S, AIFI = F(to+) - F(from) - AOFI, AIFO = A(to+) - A(from) - AIFI.
//!
//! Extremes (smallest and largest size, longest lifetime) are no differences: aggregates from here do not have them.

use super::aggregate::{Aggregate, RowSums};
use super::column_values::ColumnValues;
use super::event_order::EventOrder;
use super::group_by::{GroupBy, GroupIds};
use super::key::Key;
use super::parallel::{CHUNK_ROWS, Cancel, Cancelled};
use super::shared_event_order::SharedEventOrder;
use super::spanning::Spanning;
use crate::filter::rowset::RowSet;
use crate::trace::allocation::{AllocationTable, flag};
use crate::trace::time::{LifetimeClass, Ticks, TimeRange};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Upper bound on the bytes of all checkpoints per allocation. Traces of few allocations may take [`MIN_BYTES`].
const BYTES_PER_ROW: usize = 5;
/// Bytes that the checkpoints of every trace may take.
const MIN_BYTES: usize = 1 << 22;
/// Upper bound on the number of checkpoints by allocations, and on those by frees.
const MAX_CHECKPOINTS: usize = 128;
/// Minimum number of events of one kind between two checkpoints by events of that kind.
const MIN_EVENTS: usize = 1 << 14;
/// Lifetime classes.
const CLASSES: usize = LifetimeClass::ALL.len();

/// A moment with its position among the events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checkpoint {
    pub time: Ticks,
    /// Number of rows allocated before it.
    pub row: usize,
    /// Number of frees before it.
    pub free: usize,
}

/// Sums of one group over the events before a checkpoint; one cache line.
#[derive(Clone, Copy, Default, Debug)]
struct PrefixSums {
    allocated: CertainSums,
    freed: CertainSums,
    /// Bytes and number of the allocations that are never freed.
    kept_bytes: u64,
    kept_count: u32,
}
const _: () = assert!(size_of::<PrefixSums>() == 64);

/// [`RowSums`] without the counts of uncertain stacks, which most traces do not have.
#[derive(Clone, Copy, Default, Debug)]
struct CertainSums {
    bytes: u64,
    lifetime_ticks: u64,
    count: u32,
    lifetime_rows: u32,
}

impl CertainSums {
    #[inline]
    fn add(&mut self, rows: &RowSums) {
        self.bytes = self.bytes.wrapping_add(rows.bytes);
        self.lifetime_ticks = self.lifetime_ticks.wrapping_add(rows.lifetime_ticks);
        self.count = self.count.wrapping_add(rows.count);
        self.lifetime_rows = self.lifetime_rows.wrapping_add(rows.lifetime_rows);
    }

    fn with(self, uncertain: [u32; 2]) -> RowSums {
        let Self { bytes, lifetime_ticks, count, lifetime_rows } = self;
        let [uncertain_stacks, uncertain_free_stacks] = uncertain;
        RowSums { bytes, lifetime_ticks, count, lifetime_rows, uncertain_stacks, uncertain_free_stacks }
    }
}

/// Numbers of uncertain allocation and free stacks of one group before a checkpoint: of allocated, freed and never freed rows.
type UncertainSums = [[u32; 2]; 3];
const ALLOCATED: usize = 0;
const FREED: usize = 1;
const KEPT: usize = 2;

/// Sums of all groups at all checkpoints, one checkpoint after the other.
#[derive(Default)]
struct Prefixes {
    groups: usize,
    sums: Vec<PrefixSums>,
    /// Empty if no stack is uncertain.
    uncertain: Vec<UncertainSums>,
}

impl Prefixes {
    fn uncertain(&self, at: usize, part: usize) -> [u32; 2] {
        self.uncertain.get(at).map_or([0; 2], |parts| parts[part])
    }

    fn allocated(&self, checkpoint: usize, group: usize) -> RowSums {
        let at = checkpoint * self.groups + group;
        self.sums[at].allocated.with(self.uncertain(at, ALLOCATED))
    }

    fn freed(&self, checkpoint: usize, group: usize) -> RowSums {
        let at = checkpoint * self.groups + group;
        self.sums[at].freed.with(self.uncertain(at, FREED))
    }

    fn kept(&self, checkpoint: usize, group: usize) -> RowSums {
        let at = checkpoint * self.groups + group;
        let PrefixSums { kept_bytes: bytes, kept_count: count, .. } = self.sums[at];
        CertainSums { bytes, count, ..CertainSums::default() }.with(self.uncertain(at, KEPT))
    }

    /// Makes sums of the events between two checkpoints each to sums of all events before each.
    fn accumulate(&mut self) {
        for at in self.groups..self.sums.len() {
            let last = self.sums[at - self.groups];
            let sum = &mut self.sums[at];
            sum.allocated.add(&last.allocated.with([0; 2]));
            sum.freed.add(&last.freed.with([0; 2]));
            sum.kept_bytes = sum.kept_bytes.wrapping_add(last.kept_bytes);
            sum.kept_count = sum.kept_count.wrapping_add(last.kept_count);
        }
        for at in self.groups..self.uncertain.len() {
            let last = self.uncertain[at - self.groups];
            let sums = self.uncertain[at].iter_mut().flatten();
            sums.zip(last.iter().flatten()).for_each(|(sum, last)| *sum = sum.wrapping_add(*last));
        }
    }

    fn memory_bytes(&self) -> usize {
        size_of_val(self.sums.as_slice()) + size_of_val(self.uncertain.as_slice())
    }
}

/// Sums of the groups of one set of key columns, over all rows or those of a filter.
pub struct RangeSums {
    names: Arc<ColumnValues>,
    keys: Vec<Key>,
    rows: Option<Arc<RowSet>>,
    order: Arc<SharedEventOrder>,
    group_by: Arc<GroupBy>,
    ids: Arc<GroupIds>,
    checkpoints: Vec<Checkpoint>,
    prefix: Prefixes,
    spanning: Spanning,
    slots: ClassSlots,
    /// Every group and slot, as `group * slots + slot`, in ascending order of their column ids.
    sorted: Vec<u32>,
    /// These column ids, one group after the other.
    sorted_ids: Vec<u32>,
    /// The group key of each group without its lifetime class.
    group_keys: Vec<u64>,
}

/// The parts that lifetime classes divide a group into where a column shows them: the slot of each class, the first class of
/// each slot, and what that class adds to the group key.
#[derive(Debug)]
struct ClassSlots {
    of_class: [usize; CLASSES],
    key_parts: Vec<u64>,
}

impl ClassSlots {
    fn new(group_by: &GroupBy) -> Self {
        let mut slots = Self { of_class: [0; CLASSES], key_parts: Vec::new() };
        for class in 0..CLASSES {
            let part = group_by.class_part(class);
            let known = slots.key_parts.iter().position(|known| *known == part);
            slots.of_class[class] = known.unwrap_or(slots.key_parts.len());
            if known.is_none() {
                slots.key_parts.push(part);
            }
        }
        slots
    }

    fn count(&self) -> usize {
        self.key_parts.len()
    }
}

/// The groups that have rows in a visible range, in ascending order of their column ids.
pub struct RangeGroups {
    /// The column ids of each group, one after the other.
    pub ids: Vec<u32>,
    /// The aggregate of each group, without extremes.
    pub aggregates: Vec<Aggregate>,
    /// The group key of each group.
    pub group_keys: Vec<u64>,
}

impl RangeSums {
    /// Computes the sums for these keys; `rows`: only these rows. `order` is that of the trace, computed here if it is not known.
    /// `None` if there are too many groups to number
    /// ([`MAX_GROUPS`](super::group_by::MAX_GROUPS)), or if times or sizes are so damaged that differences are not exact.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn new(
        names: &Arc<ColumnValues>,
        keys: &[Key],
        rows: Option<Arc<RowSet>>,
        order: &Arc<SharedEventOrder>,
        cancel: Cancel<'_>,
    ) -> Result<Option<Self>, Cancelled> {
        Self::with_spacing(names, keys, rows, order, MIN_EVENTS, cancel)
    }

    /// [`Self::new`] with another minimum number of events between checkpoints.
    fn with_spacing(
        names: &Arc<ColumnValues>,
        keys: &[Key],
        rows: Option<Arc<RowSet>>,
        order: &Arc<SharedEventOrder>,
        min_events: usize,
        cancel: Cancel<'_>,
    ) -> Result<Option<Self>, Cancelled> {
        let (table, events_by_time) = (&names.trace().allocations, order);
        let order = events_by_time.get_unless_cancelled(names.trace(), cancel)?;
        let Some(ids) = names.group_ids(keys, cancel)? else { return Ok(None) };
        if !are_differences_exact(table, order) {
            return Ok(None);
        }
        let groups = ids.representatives().len();
        let bytes = (table.len() * BYTES_PER_ROW).max(MIN_BYTES);
        let count = (bytes / (groups.max(1) * size_of::<PrefixSums>()) / 2).clamp(1, MAX_CHECKPOINTS);
        let checkpoints = checkpoints(table, order, count, min_events);
        if checkpoints.is_empty() {
            return Ok(None);
        }
        let events = Events { table, order, rows: rows.as_deref(), group_of_row: ids.of_row() };
        let prefix = events.prefix_sums(&checkpoints, groups, cancel)?;
        let spanning = Spanning::new(table, rows.as_deref(), &checkpoints, cancel)?;
        let group_by = Arc::new(GroupBy::new(names, keys));
        let slots = ClassSlots::new(&group_by);
        let key = |row: &u32| group_by.group_key(table, *row as usize, 0) - group_by.class_part(0);
        let group_keys: Vec<u64> = ids.representatives().iter().map(key).collect();
        let (sorted, sorted_ids) = sorted_groups(&group_by, &slots, &group_keys, keys.len());
        Ok(Some(Self {
            names: Arc::clone(names),
            keys: keys.to_vec(),
            order: Arc::clone(events_by_time),
            rows,
            group_by,
            ids,
            checkpoints,
            prefix,
            spanning,
            slots,
            sorted,
            sorted_ids,
            group_keys,
        }))
    }

    /// The column values.
    #[must_use]
    pub fn names(&self) -> &Arc<ColumnValues> {
        &self.names
    }

    /// The key columns.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The grouping.
    #[must_use]
    pub fn group_by(&self) -> &Arc<GroupBy> {
        &self.group_by
    }

    /// Bytes that the sums take, without the groups of rows and the order of events.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.prefix.memory_bytes()
            + size_of_val(self.sorted.as_slice())
            + size_of_val(self.sorted_ids.as_slice())
            + size_of_val(self.group_keys.as_slice())
            + self.spanning.memory_bytes()
    }

    /// The groups with rows in a visible range. `None` for a range without an exact answer: one that ends before it begins, or
    /// without bounds.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn groups(&self, range: TimeRange, cancel: Cancel<'_>) -> Result<Option<RangeGroups>, Cancelled> {
        if range.from > range.to || !range.from.is_known() || !range.to.is_known() {
            return Ok(None);
        }
        if cancel() {
            return Err(Cancelled);
        }
        let sums = self.class_sums(range, cancel)?;
        let (width, slots) = (self.keys.len(), self.slots.count());
        let mut found = RangeGroups { ids: Vec::new(), aggregates: Vec::new(), group_keys: Vec::new() };
        for (at, group_slot) in self.sorted.iter().enumerate() {
            let (group, slot) = (*group_slot as usize / slots, *group_slot as usize % slots);
            let (Some(classes), Some(base)) = (sums.get(group), self.group_keys.get(group)) else { continue };
            let mut aggregate = Aggregate::default();
            for (class, sums) in classes.iter().enumerate().filter(|(class, _)| self.slots.of_class[*class] == slot) {
                aggregate.add_sums(class, sums);
            }
            if aggregate.count() > 0 {
                found.ids.extend_from_slice(&self.sorted_ids[at * width..][..width]);
                found.aggregates.push(aggregate);
                found.group_keys.push(base + self.slots.key_parts[slot]);
            }
        }
        Ok(Some(found))
    }

    /// The sums of each group by lifetime class.
    fn class_sums(&self, range: TimeRange, cancel: Cancel<'_>) -> Result<Vec<[RowSums; CLASSES]>, Cancelled> {
        let table = &self.names.trace().allocations;
        let order = self.order.get_unless_cancelled(self.names.trace(), cancel)?;
        let events = Events { table, order, rows: self.rows.as_deref(), group_of_row: self.ids.of_row() };
        let groups = self.ids.representatives().len();
        let before = table.alloc_time.partition_point(|time| time < range.from);
        let until = table.rows_allocated_by(range.to);
        let freed_before = order.frees_before(table, range.from);
        let freed_until = order.frees_until(table, range.to);
        let nearest = |position: usize, of: fn(&Checkpoint) -> usize| {
            let next = self.checkpoints.partition_point(|checkpoint| of(checkpoint) < position);
            let near = [next.saturating_sub(1), next.min(self.checkpoints.len() - 1)];
            near.into_iter().min_by_key(|at| of(&self.checkpoints[*at]).abs_diff(position)).unwrap_or(0)
        };
        let row = |position| nearest(position, |checkpoint| checkpoint.row);
        let free = |position| nearest(position, |checkpoint| checkpoint.free);
        let ends = [row(before), row(until), free(freed_before), free(freed_until)];
        // The last checkpoint that is not after the range's start, or else the first, before which nothing is timed.
        let start = self.checkpoints.partition_point(|checkpoint| checkpoint.time <= range.from).saturating_sub(1);
        let mut pieces = Vec::new();
        for (part, position) in [(BEFORE, before), (UNTIL, until)] {
            pieces.push(Piece::between(part, self.checkpoints[ends[part]].row, position));
        }
        for (part, position) in [(FREED_BEFORE, freed_before), (FREED_UNTIL, freed_until)] {
            pieces.push(Piece::between(part, self.checkpoints[ends[part]].free, position));
        }
        let mut spanning = self.spanning.lists(start, self.checkpoints[start].row);
        let rows: usize = spanning.iter().map(|list| list.len()).sum();
        // Which of the two classes is counted makes no difference to the result.
        let part = if freed_until - freed_before < rows { CROSSED } else { STAYED };
        if part == CROSSED {
            spanning.clear();
            pieces.push(Piece { part, events: freed_before..freed_until, is_taken: false });
        } else {
            pieces.push(Piece::between(part, self.checkpoints[start].row, before));
        }
        let work = RangeWork { events: &events, pieces: &pieces, spanning: &spanning, range };
        let parts = work.run(groups, cancel)?;
        let sums = |group: usize| {
            let mut of_parts = [RowSums::default(); PARTS];
            for worker in &parts {
                of_parts.iter_mut().zip(&worker[group]).for_each(|(sum, part)| sum.add(part));
            }
            of_parts[BEFORE].add(&self.prefix.allocated(ends[BEFORE], group));
            of_parts[UNTIL].add(&self.prefix.allocated(ends[UNTIL], group));
            of_parts[FREED_BEFORE].add(&self.prefix.freed(ends[FREED_BEFORE], group));
            of_parts[FREED_UNTIL].add(&self.prefix.freed(ends[FREED_UNTIL], group));
            if part == STAYED {
                of_parts[STAYED].add(&self.prefix.kept(start, group));
            }
            by_class(of_parts, part)
        };
        Ok((0..groups).into_par_iter().with_min_len(1 << 12).map(sums).collect())
    }
}

/// Lifetime classes from the parts of a range, the last of which is AOFO or AOFI; see the head of this file.
fn by_class([before, until, freed_before, freed_until, last]: [RowSums; PARTS], part: usize) -> [RowSums; CLASSES] {
    let other = before.less(&freed_before).less(&last);
    let (stayed, aofi) = if part == STAYED { (last, other) } else { (other, last) };
    let aifi = freed_until.less(&freed_before).less(&aofi);
    let aifo = until.less(&before).less(&aifi);
    let mut classes = [RowSums::default(); CLASSES];
    classes[LifetimeClass::Aifi as usize] = aifi;
    classes[LifetimeClass::Aifo as usize] = aifo;
    classes[LifetimeClass::Aofi as usize] = aofi;
    classes[LifetimeClass::Aofo as usize] = stayed;
    classes
}

/// Returns `true` if every free is at or after its allocation, every row without a time of its free is never freed, and no sum
/// of sizes or lifetimes overflows.
fn are_differences_exact(table: &AllocationTable, order: &EventOrder) -> bool {
    let rows = table.free_time.par_iter().enumerate().with_min_len(CHUNK_ROWS);
    let is_ordered = rows.all(|(row, free)| table.alloc_time.at(row) <= *free && *free != Ticks::UNKNOWN);
    let first = table.alloc_time.get(order.first_known()).unwrap_or_default();
    let last = order.frees().last().map_or(first, |row| table.free_time[*row as usize]);
    let span = u128::from(last.0.abs_diff(first.0));
    let ticks = span.saturating_mul(table.len() as u128);
    is_ordered && order.bytes().max(ticks) <= u128::from(u64::MAX)
}

/// Moments that are evenly spread over allocations and over frees, `count` of each kind at most, one for each `min_events`, and
/// the one after the last event.
fn checkpoints(table: &AllocationTable, order: &EventOrder, count: usize, min_events: usize) -> Vec<Checkpoint> {
    let allocs = order.first_known()..table.len();
    let frees = order.frees();
    let places = |events: usize| {
        let count = count.min(events.div_ceil(min_events));
        (0..count).map(move |k| events * k / count)
    };
    let mut times: Vec<Ticks> = places(allocs.len()).map(|at| table.alloc_time.at(allocs.start + at)).collect();
    times.extend(places(frees.len()).map(|at| table.free_time[frees[at] as usize]));
    let last = table
        .alloc_time
        .last()
        .filter(|_| !allocs.is_empty())
        .max(frees.last().map(|row| table.free_time[*row as usize]));
    times.extend(last.map(|last| Ticks(last.0 + 1)));
    times.sort_unstable();
    times.dedup();
    let checkpoint = |time: Ticks| Checkpoint {
        time,
        row: table.alloc_time.partition_point(|alloc| alloc < time),
        free: order.frees_before(table, time),
    };
    times.into_iter().map(checkpoint).collect()
}

/// Every group and slot in ascending order of their column ids, and these.
fn sorted_groups(group_by: &GroupBy, slots: &ClassSlots, group_keys: &[u64], width: usize) -> (Vec<u32>, Vec<u32>) {
    let count = group_keys.len() * slots.count();
    let mut ids = vec![0u32; count * width];
    if width > 0 {
        ids.par_chunks_mut(width).enumerate().for_each(|(at, ids)| {
            let key = group_keys[at / slots.count()] + slots.key_parts[at % slots.count()];
            group_by.write_ids(key, ids);
        });
    }
    let ids_of = |at: u32| &ids[at as usize * width..][..width];
    let mut sorted: Vec<u32> = (0..count as u32).collect();
    sorted.par_sort_unstable_by(|a, b| ids_of(*a).cmp(ids_of(*b)));
    let sorted_ids = sorted.iter().flat_map(|at| ids_of(*at).iter().copied()).collect();
    (sorted, sorted_ids)
}

// Parts of a range: positions in arrays.
const BEFORE: usize = 0;
const UNTIL: usize = 1;
const FREED_BEFORE: usize = 2;
const FREED_UNTIL: usize = 3;
const STAYED: usize = 4;
/// Allocated before the range and freed in it; in the place of [`STAYED`].
const CROSSED: usize = 5;
const PARTS: usize = 5;

/// Events between a checkpoint and a position, for one part of a range: rows, or positions among the frees.
struct Piece {
    part: usize,
    events: Range<usize>,
    /// The checkpoint is behind the position, so that the events are subtracted.
    is_taken: bool,
}

impl Piece {
    fn between(part: usize, checkpoint: usize, position: usize) -> Self {
        let events = checkpoint.min(position)..checkpoint.max(position);
        Self { part, events, is_taken: checkpoint > position }
    }
}

/// The events of a trace with the groups of their rows.
struct Events<'e> {
    table: &'e AllocationTable,
    order: &'e EventOrder,
    rows: Option<&'e RowSet>,
    group_of_row: &'e [u32],
}

impl Events<'_> {
    /// The group of a row; `None` for a row that the filter leaves out.
    #[inline]
    fn group(&self, row: usize) -> Option<usize> {
        let is_left = self.rows.is_none_or(|rows| rows.contains(row));
        self.group_of_row.get(row).filter(|_| is_left).map(|group| *group as usize)
    }

    /// The sums of each group at each checkpoint.
    fn prefix_sums(
        &self,
        checkpoints: &[Checkpoint],
        groups: usize,
        cancel: Cancel<'_>,
    ) -> Result<Prefixes, Cancelled> {
        const UNCERTAIN: u8 = flag::UNCERTAIN_ALLOCATION_STACK | flag::UNCERTAIN_FREE_STACK;
        let count = checkpoints.len() * groups;
        let has_uncertain = self.table.flags.par_iter().with_min_len(CHUNK_ROWS).any(|flags| flags & UNCERTAIN != 0);
        let mut prefixes = Prefixes {
            groups,
            sums: vec![PrefixSums::default(); count],
            uncertain: vec![UncertainSums::default(); if has_uncertain { count } else { 0 }],
        };
        let mut uncertain = prefixes.uncertain.chunks_mut(groups.max(1));
        let of_checkpoints = prefixes.sums.chunks_mut(groups.max(1)).map(|sums| (sums, uncertain.next()));
        let mut start = Checkpoint { time: Ticks::UNKNOWN, row: 0, free: 0 };
        let mut runs = of_checkpoints.zip(checkpoints).map(|((sums, uncertain), end)| {
            let events = (start.row..end.row, start.free..end.free);
            start = *end;
            (sums, uncertain.unwrap_or_default(), events)
        });
        loop {
            // A few at a time, so that a question in between does not wait for all of them.
            let some: Vec<_> = runs.by_ref().take(rayon::current_num_threads()).collect();
            if some.is_empty() {
                break;
            }
            some.into_par_iter()
                .try_for_each(|(sums, uncertain, events)| self.add_run(sums, uncertain, events, cancel))?;
        }
        drop(runs);
        prefixes.accumulate();
        Ok(prefixes)
    }

    /// Adds rows and frees, which are given by position, to the sums of their groups.
    fn add_run(
        &self,
        sums: &mut [PrefixSums],
        uncertain: &mut [UncertainSums],
        (rows, frees): (Range<usize>, Range<usize>),
        cancel: Cancel<'_>,
    ) -> Result<(), Cancelled> {
        let mut count_uncertain = |group: usize, part: usize, row: &RowSums| {
            if let Some(counts) = uncertain.get_mut(group) {
                counts[part][0] += row.uncertain_stacks;
                counts[part][1] += row.uncertain_free_stacks;
            }
        };
        for chunk in chunks(rows) {
            if cancel() {
                return Err(Cancelled);
            }
            for row in chunk {
                let Some(group) = self.group(row) else { continue };
                let Some(sum) = sums.get_mut(group) else { continue };
                let own = RowSums::of(self.table, row);
                sum.allocated.add(&own);
                count_uncertain(group, ALLOCATED, &own);
                if self.table.free_time[row] == Ticks::NEVER {
                    sum.kept_bytes = sum.kept_bytes.wrapping_add(own.bytes);
                    sum.kept_count += 1;
                    count_uncertain(group, KEPT, &own);
                }
            }
        }
        for chunk in chunks(frees) {
            if cancel() {
                return Err(Cancelled);
            }
            for row in self.order.frees().get(chunk).unwrap_or_default().iter().map(|row| *row as usize) {
                let Some(group) = self.group(row) else { continue };
                let Some(sum) = sums.get_mut(group) else { continue };
                let own = RowSums::of(self.table, row);
                sum.freed.add(&own);
                count_uncertain(group, FREED, &own);
            }
        }
        Ok(())
    }
}

/// A range in pieces of at most [`CHUNK_ROWS`].
pub(super) fn chunks(range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range.step_by(CHUNK_ROWS).map(move |from| from..end.min(from + CHUNK_ROWS))
}

/// The work of one range that is not read from the checkpoints.
struct RangeWork<'w> {
    events: &'w Events<'w>,
    pieces: &'w [Piece],
    /// Rows outstanding at the checkpoint before the range.
    spanning: &'w [&'w [u32]],
    range: TimeRange,
}

/// Work of one worker.
#[derive(Clone, Default)]
struct WorkerShare<'w> {
    /// Runs of the events of pieces.
    pieces: Vec<(&'w Piece, Range<usize>)>,
    /// Lists of rows.
    lists: Vec<&'w [u32]>,
}

impl RangeWork<'_> {
    /// For each worker, the sums of each group and part.
    fn run(&self, groups: usize, cancel: Cancel<'_>) -> Result<Vec<Vec<[RowSums; PARTS]>>, Cancelled> {
        let of_pieces = self.pieces.iter().flat_map(|piece| chunks(piece.events.clone()).map(move |run| (piece, run)));
        let mut pieces: Vec<(&Piece, Range<usize>)> = of_pieces.collect();
        let mut lists: Vec<&[u32]> = self.spanning.iter().flat_map(|list| list.chunks(CHUNK_ROWS)).collect();
        // Every worker has sums of all groups: few events are not worth a second one.
        let events: usize =
            pieces.iter().map(|(_, run)| run.len()).sum::<usize>() + lists.iter().map(|l| l.len()).sum::<usize>();
        let workers = rayon::current_num_threads().min(events / groups.max(1) + 1);
        let mut shares = vec![WorkerShare::default(); workers];
        for worker in (0..workers).cycle() {
            let share = &mut shares[worker];
            match (pieces.pop(), lists.pop()) {
                (None, None) => break,
                (piece, list) => {
                    share.pieces.extend(piece);
                    share.lists.extend(list);
                }
            }
        }
        let share = |WorkerShare { pieces, lists }| {
            let mut sums = vec![[RowSums::default(); PARTS]; groups];
            for (piece, run) in pieces {
                if cancel() {
                    return Err(Cancelled);
                }
                self.add_events(piece, run, &mut sums);
            }
            for list in lists {
                if cancel() {
                    return Err(Cancelled);
                }
                self.add_stayed(list.iter().map(|row| *row as usize), &mut sums);
            }
            Ok(sums)
        };
        shares.into_par_iter().map(share).collect()
    }

    fn add_events(&self, piece: &Piece, run: Range<usize>, sums: &mut [[RowSums; PARTS]]) {
        match piece.part {
            STAYED => self.add_stayed(run, sums),
            CROSSED => {
                let freed = self.events.order.frees().get(run).unwrap_or_default().iter().map(|row| *row as usize);
                self.add_matching(freed, |row| self.events.table.alloc_time.at(row) < self.range.from, sums);
            }
            FREED_BEFORE | FREED_UNTIL => {
                let freed = self.events.order.frees().get(run).unwrap_or_default();
                self.add_rows(piece, freed.iter().map(|row| *row as usize), sums);
            }
            _ => self.add_rows(piece, run, sums),
        }
    }

    fn add_rows(&self, piece: &Piece, rows: impl Iterator<Item = usize>, sums: &mut [[RowSums; PARTS]]) {
        for row in rows {
            if let Some(parts) = self.events.group(row).and_then(|group| sums.get_mut(group)) {
                let own = RowSums::of(self.events.table, row);
                let sum = &mut parts[piece.part];
                *sum = if piece.is_taken { sum.less(&own) } else { sum.plus(&own) };
            }
        }
    }

    /// Adds those of the rows that are freed after the range, or never.
    fn add_stayed(&self, rows: impl Iterator<Item = usize>, sums: &mut [[RowSums; PARTS]]) {
        self.add_matching(rows, |row| self.events.table.free_time[row] > self.range.to, sums);
    }

    /// Adds those of the rows for which `is_meant` is true to the last part.
    #[inline]
    fn add_matching(
        &self,
        rows: impl Iterator<Item = usize>,
        is_meant: impl Fn(usize) -> bool,
        sums: &mut [[RowSums; PARTS]],
    ) {
        for row in rows.filter(|row| is_meant(*row)) {
            if let Some(parts) = self.events.group(row).and_then(|group| sums.get_mut(group)) {
                parts[STAYED].add(&RowSums::of(self.events.table, row));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::parallel::not_cancelled;
    use crate::group::test_util::{Block, Rng, block, in_row_order, names, random_blocks};
    use crate::pivot::{Evaluator, Metric, PivotRequest, PivotTree, Value, pivot, pivot_of_range};

    const KEY_SETS: [&[Key]; 6] = [
        &[Key::Type, Key::Paged, Key::Tag, Key::Stack],
        &[Key::Tag, Key::ImpactingType, Key::Process],
        &[Key::Stack, Key::FreeStack, Key::Type, Key::ImpactingType],
        &[Key::Type],
        &[Key::Tag, Key::SizeClass],
        &[],
    ];

    /// Random allocations with many events at one tick, and with flags.
    fn blocks(seed: u64, count: usize) -> Vec<Block> {
        let mut dice = Rng(seed);
        let coarse = |time: i64| time / 50 * 50;
        let changed = random_blocks(seed, count).into_iter().map(|block| Block {
            alloc: block.alloc.map(coarse),
            free: block.free.map(coarse),
            flags: dice.roll(16) as u8,
            ..block
        });
        in_row_order(changed.collect())
    }

    /// Compares with the plain pivot, group by group.
    fn check(sums: &RangeSums, rows: Option<&RowSet>, range: TimeRange) {
        let found = pivot_of_range(sums, range, &not_cancelled).unwrap().unwrap();
        let request = PivotRequest { keys: sums.keys(), visible_range: range, rows };
        let plain = pivot(sums.names(), &request, &not_cancelled).unwrap();
        let of = |pivot: &crate::pivot::Pivot| {
            let group = |g: usize| (pivot.ids(g).to_vec(), pivot.aggregates()[g].without_extremes());
            (0..pivot.len()).map(group).collect::<Vec<_>>()
        };
        assert_eq!(of(&found), of(&plain), "{:?} {range:?}", sums.keys());
        assert_eq!(found.total(), &plain.total().without_extremes());
    }

    fn sums(names: &Arc<ColumnValues>, keys: &[Key], rows: Option<&RowSet>, min_events: usize) -> RangeSums {
        let rows = rows.cloned().map(Arc::new);
        RangeSums::with_spacing(names, keys, rows, &Arc::default(), min_events, &not_cancelled).unwrap().unwrap()
    }

    #[test]
    fn any_range_has_the_sums_of_the_plain_pivot() {
        let mut dice = Rng(71);
        for seed in 0..6 {
            let blocks = blocks(seed, 900);
            let names = Arc::new(names(&blocks));
            let filter = RowSet::from_fn(blocks.len(), |row| row % 3 != 1);
            for (keys, min_events) in KEY_SETS.into_iter().zip([1, 7, 20, 300, 5000, 40]) {
                for rows in [None, Some(&filter)] {
                    let sums = sums(&names, keys, rows, min_events);
                    for _ in 0..12 {
                        let mut time = || match dice.roll(3) {
                            0 => dice.roll(240) as i64 * 50,
                            _ => dice.roll(14_000) as i64 - 2000,
                        };
                        let (a, b) = (time(), time());
                        check(&sums, rows, TimeRange { from: Ticks(a.min(b)), to: Ticks(a.max(b)) });
                        check(&sums, rows, TimeRange { from: Ticks(a), to: Ticks(a) });
                    }
                }
            }
        }
    }

    #[test]
    fn workers_and_checkpoints_make_no_difference() {
        let blocks = blocks(5, 150_000);
        let names = Arc::new(names(&blocks));
        let range = TimeRange { from: Ticks(3210), to: Ticks(7650) };
        let run = |threads: usize, min_events: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let sums = sums(&names, KEY_SETS[0], None, min_events);
                let groups = sums.groups(range, &not_cancelled).unwrap().unwrap();
                (groups.ids, groups.aggregates, groups.group_keys)
            })
        };
        let one = run(1, 1000);
        for (threads, min_events) in [(1, 100_000), (2, 1000), (7, 3000)] {
            assert!(run(threads, min_events) == one, "{threads} {min_events}");
        }
        check(&sums(&names, KEY_SETS[0], None, 1000), None, range);
    }

    #[test]
    fn counts_are_those_of_the_planted_allocations() {
        let blocks = vec![
            block(Some(100), Some(200), 1),
            block(Some(100), None, 2),
            block(None, Some(150), 4),
            block(None, None, 8),
            block(Some(150), Some(150), 16),
            block(Some(300), Some(400), 32),
        ];
        let names = Arc::new(names(&blocks));
        let sums = sums(&names, &[Key::Type], None, 1);
        let bytes = |from, to| {
            let range = TimeRange { from: Ticks(from), to: Ticks(to) };
            let groups = sums.groups(range, &not_cancelled).unwrap().unwrap();
            let sum = Aggregate::sum(&groups.aggregates);
            LifetimeClass::ALL.map(|class| sum.class(class).bytes)
        };
        // AIFI, AIFO, AOFI, AOFO.
        assert_eq!(bytes(0, 10_000), [1 + 16 + 32, 2, 4, 8]);
        assert_eq!(bytes(150, 150), [16, 0, 4, 1 + 2 + 8]);
        assert_eq!(bytes(101, 149), [0, 0, 0, 1 + 2 + 4 + 8]);
        assert_eq!(bytes(-50, -10), [0, 0, 0, 4 + 8]);
        assert_eq!(bytes(401, 500), [0, 0, 0, 2 + 8]);
    }

    #[test]
    fn extremes_are_computed_from_the_rows_when_they_are_asked_for() {
        let blocks = blocks(9, 600);
        let names = Arc::new(names(&blocks));
        let filter = RowSet::from_fn(blocks.len(), |row| row % 5 != 3);
        let range = TimeRange { from: Ticks(2050), to: Ticks(6020) };
        for (keys, rows) in KEY_SETS.into_iter().zip([None, Some(&filter)].into_iter().cycle()) {
            let quick = sums(&names, keys, rows, 9);
            let quick = Arc::new(pivot_of_range(&quick, range, &not_cancelled).unwrap().unwrap());
            let request = PivotRequest { keys, visible_range: range, rows };
            let plain = pivot(&names, &request, &not_cancelled).unwrap();
            let shared = rows.cloned().map(Arc::new);
            let evaluator = Evaluator::new(Arc::clone(&names), &quick, shared, Arc::default());
            for metric in [Metric::Min, Metric::Max, Metric::LifetimeMax, Metric::LifetimeAverage] {
                assert_eq!(quick.knows(metric), metric == Metric::LifetimeAverage);
                assert!(plain.knows(metric));
                let expected: Vec<Value> = (0..plain.len()).map(|group| plain.value(group, metric)).collect();
                let (found, total) = evaluator.group_values(metric, &not_cancelled).unwrap();
                assert_eq!((found, total), (expected, plain.value_of(plain.total(), metric)), "{keys:?} {metric}");
            }
            let tree = PivotTree::new(quick);
            assert_eq!(tree.value(PivotTree::ROOT, Metric::Max), Value::None);
            assert_ne!(tree.value(PivotTree::ROOT, Metric::Size), Value::None);
        }
    }

    #[test]
    fn what_is_not_exact_is_left_to_the_plain_pivot() {
        let new = |blocks: &[Block]| {
            let names = Arc::new(names(blocks));
            RangeSums::new(&names, &[Key::Tag], None, &Arc::default(), &not_cancelled)
        };
        assert!(new(&[block(Some(1), Some(2), 5)]).unwrap().is_some());
        assert!(new(&[block(Some(1), Some(2), u64::MAX), block(Some(1), None, 1)]).unwrap().is_none());
        assert!(new(&[block(Some(5), Some(2), 5)]).unwrap().is_none(), "freed before it was allocated");
        assert!(new(&[block(None, None, 5)]).unwrap().is_none(), "nothing has a time");
        assert!(new(&[]).unwrap().is_none());
        let names = Arc::new(names(&random_blocks(1, 90)));
        assert!(RangeSums::new(&names, &[Key::Address], None, &Arc::default(), &not_cancelled).unwrap().is_none());
        assert!(RangeSums::new(&names, &[Key::Tag], None, &Arc::default(), &|| true).is_err());
        let sums = sums(&names, &[Key::Tag], None, 1);
        for (from, to) in [(5, 4), (i64::MIN, 4), (0, i64::MAX)] {
            let range = TimeRange { from: Ticks(from), to: Ticks(to) };
            assert!(sums.groups(range, &not_cancelled).unwrap().is_none());
        }
        assert!(sums.groups(TimeRange { from: Ticks(0), to: Ticks(9) }, &|| true).is_err());
    }
}
