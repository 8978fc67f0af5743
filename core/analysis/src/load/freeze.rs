//! Freezing: the merged events become the allocation table, with final handles, and all tables become the trace.

use super::attributes::AttributeIds;
use super::columns::{AllocationChunk, IMPLIED, NOT_FREED, UnrecordedAllocation};
use super::merge::MergedEvents;
use super::stack_tree::StackIds;
use crate::trace::allocation::{AllocationRow, AllocationTable, RowsMut, flag};
use crate::trace::attributes::{AttributesTable, EventAttributes};
use crate::trace::ids::AttributesId;
use crate::trace::time::Ticks;
use poolscope_base::progress::{CancelToken, Cancelled, Progress};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::ops::Range;

/// Upper bound on the rows of one task.
const TASK_ROWS: usize = 1 << 16;

/// Consecutive rows of the table that come from one place.
#[derive(Clone, Copy, Debug)]
enum RowSource {
    /// Recorded allocations: rows of a chunk.
    Recorded { chunk: usize, start: usize, end: usize },
    /// Allocations that were not recorded.
    Unrecorded { start: usize, end: usize },
}

impl RowSource {
    fn len(&self) -> usize {
        match *self {
            Self::Recorded { start, end, .. } | Self::Unrecorded { start, end } => end - start,
        }
    }
}

/// Final numbers of the rows.
#[derive(Debug, Default)]
pub struct RowNumbers {
    /// First number of consecutive recorded rows before and in the table, in ascending order of both.
    recorded: Vec<(u32, u32)>,
    /// The same of rows that were not recorded.
    unrecorded: Vec<(u32, u32)>,
}

impl RowNumbers {
    fn new(events: &MergedEvents, sources: &[RowSource]) -> Self {
        let mut numbers = Self::default();
        let mut row = 0;
        for &source in sources {
            let (runs, first) = match source {
                RowSource::Recorded { chunk, start, .. } => {
                    let base = events.chunks.get(chunk).map_or(0, |rows| rows.base);
                    (&mut numbers.recorded, base + start as u32)
                }
                RowSource::Unrecorded { start, .. } => (&mut numbers.unrecorded, start as u32),
            };
            let follows = |&(before, table): &(u32, u32)| row - table == first - before;
            if !runs.last().is_some_and(follows) {
                runs.push((first, row));
            }
            row += source.len() as u32;
        }
        numbers
    }

    /// Number in the table of a recorded row.
    #[inline]
    pub fn recorded(&self, row: u32) -> u32 {
        Self::number(&self.recorded, row)
    }

    /// Number in the table of a row that was not recorded.
    #[inline]
    pub fn unrecorded(&self, row: u32) -> u32 {
        Self::number(&self.unrecorded, row)
    }

    fn number(runs: &[(u32, u32)], row: u32) -> u32 {
        let run = runs.partition_point(|run| run.0 <= row).checked_sub(1).and_then(|at| runs.get(at));
        run.map_or(row, |&(first, table)| table + (row - first))
    }
}

/// The order of the rows of a table.
#[derive(Debug)]
pub struct RowOrder {
    /// Sources of consecutive rows, in the order of the table.
    sources: Vec<RowSource>,
    /// Final numbers of the rows.
    pub numbers: RowNumbers,
}

impl RowOrder {
    fn lengths(&self) -> Vec<usize> {
        self.sources.iter().map(RowSource::len).collect()
    }
}

/// The allocation table of merged events, without stacks, and the order of its rows. Adds the attributes of allocations that were not
/// recorded.
///
/// # Errors
/// Cancelled.
pub fn allocation_table(
    events: &MergedEvents,
    ids: &AttributeIds<'_>,
    attributes: &mut AttributesTable,
    (progress, cancel): (&Progress, &CancelToken),
) -> Result<(AllocationTable, RowOrder), Cancelled> {
    let sources = row_sources(events);
    let order = RowOrder { numbers: RowNumbers::new(events, &sources), sources };
    let allocators = unknown_allocators(&events.unrecorded, ids, attributes);
    let lengths = order.lengths();
    let times = alloc_times(events, &order.sources);
    let mut table = AllocationTable::with_rows(lengths.iter().sum(), events.columns, times);
    let filler = RowFiller { events, ids, allocators: &allocators };
    let fill = |(mut part, &source): (RowsMut<'_>, &RowSource)| {
        cancel.check()?;
        filler.fill(&mut part, source);
        progress.advance_rows(source.len() as u64);
        Ok(part.into_exceptions())
    };
    let parts = table.split(&lengths).into_par_iter().zip(&order.sources);
    let exceptions = parts.map(fill).collect::<Result<_, Cancelled>>()?;
    table.add_exceptions(exceptions);
    Ok((table, order))
}

/// Sets the stacks of all rows of a table.
///
/// # Errors
/// Cancelled.
pub fn set_stacks(
    table: &mut AllocationTable,
    events: &MergedEvents,
    order: &RowOrder,
    ids: &StackIds,
    cancel: &CancelToken,
) -> Result<(), Cancelled> {
    let parts = table.split(&order.lengths()).into_par_iter().zip(&order.sources);
    parts.try_for_each(|(mut part, source)| {
        cancel.check()?;
        match *source {
            RowSource::Recorded { chunk, start, end } => {
                if let Some(chunk) = events.chunks.get(chunk) {
                    let ends = events.ends.range(chunk.base + start as u32..chunk.base + end as u32);
                    let allocs = cut(&chunk.stack, &(start..end));
                    for (at, (&alloc, end)) in allocs.iter().zip(ends).enumerate() {
                        let is_freed = !matches!(end.attributes(), IMPLIED | NOT_FREED);
                        set_stacks_of(&mut part, at, [alloc, if is_freed { end.stack() } else { 0 }], ids);
                    }
                }
            }
            RowSource::Unrecorded { start, end } => {
                // There is no allocation stack; the free stack does not replace it.
                for (at, row) in cut(&events.unrecorded, &(start..end)).iter().enumerate() {
                    set_stacks_of(&mut part, at, [0, row.stack], ids);
                }
            }
        }
        Ok(())
    })
}

/// Sets the stacks of a row by their provisional numbers.
#[inline]
fn set_stacks_of(part: &mut RowsMut<'_>, at: usize, [alloc, free]: [u32; 2], ids: &StackIds) {
    let (alloc_stack, is_alloc_uncertain) = ids.get(alloc);
    let (free_stack, is_free_uncertain) = ids.get(free);
    let alloc_mark = if is_alloc_uncertain { flag::UNCERTAIN_ALLOCATION_STACK } else { 0 };
    let free_mark = if is_free_uncertain { flag::UNCERTAIN_FREE_STACK } else { 0 };
    part.set_stacks(at, [alloc_stack, free_stack], alloc_mark | free_mark);
}

/// A part of a column.
fn cut<'c, T>(column: &'c [T], rows: &Range<usize>) -> &'c [T] {
    column.get(rows.clone()).unwrap_or_default()
}

/// Allocation times of rows that are asked for in order.
fn alloc_times(events: &MergedEvents, sources: &[RowSource]) -> impl FnMut(usize) -> Ticks {
    let (mut at, mut first) = (0, 0);
    move |row| {
        while let Some(source) = sources.get(at).filter(|source| first + source.len() <= row) {
            first += source.len();
            at += 1;
        }
        let time = sources.get(at).and_then(|&source| match source {
            RowSource::Recorded { chunk, start, .. } => {
                events.allocation(chunk, start + row - first).map(|side| side.time)
            }
            RowSource::Unrecorded { start, .. } => events.unrecorded.get(start + row - first).map(|row| row.alloc_time),
        });
        time.unwrap_or_default()
    }
}

/// The order of all rows: by allocation time, recorded allocations first; those with an unknown allocation time by free time.
fn row_sources(events: &MergedEvents) -> Vec<RowSource> {
    let mut sources = Vec::new();
    let mut chunk = 0;
    let mut row = 0;
    let unrecorded = &events.unrecorded;
    let mut at = 0;
    while at < unrecorded.len() {
        let time = unrecorded[at].alloc_time;
        let same = unrecorded[at..].iter().take_while(|row| row.alloc_time == time).count();
        push_recorded(events, (&mut chunk, &mut row), Some(time), &mut sources);
        sources.push(RowSource::Unrecorded { start: at, end: at + same });
        at += same;
    }
    push_recorded(events, (&mut chunk, &mut row), None, &mut sources);
    sources
}

/// Adds the recorded rows from a place on, up to those at `until`.
fn push_recorded(
    events: &MergedEvents,
    (chunk, row): (&mut usize, &mut usize),
    until: Option<Ticks>,
    sources: &mut Vec<RowSource>,
) {
    while let Some(rows) = events.chunks.get(*chunk) {
        let end = until.map_or(rows.len(), |until| rows.time.partition_point(|time| *time <= until));
        while *row < end {
            let next = end.min(*row + TASK_ROWS);
            sources.push(RowSource::Recorded { chunk: *chunk, start: *row, end: next });
            *row = next;
        }
        if end < rows.len() {
            return;
        }
        *chunk += 1;
        *row = 0;
    }
}

/// Attributes of allocations that were not recorded, by the attributes of their frees: with the same pool and an unknown process,
/// thread and processor.
fn unknown_allocators(
    unrecorded: &[UnrecordedAllocation],
    ids: &AttributeIds<'_>,
    attributes: &mut AttributesTable,
) -> FxHashMap<AttributesId, AttributesId> {
    let mut of_free: FxHashMap<AttributesId, AttributesId> = FxHashMap::default();
    let mut known: FxHashMap<EventAttributes, AttributesId> = FxHashMap::default();
    for row in unrecorded {
        let free = ids.id(row.attributes, row.free_time);
        if of_free.contains_key(&free) {
            continue;
        }
        let Some(own) = attributes.get(free).map(|of_free| of_free.with_unknown_allocator()) else {
            continue;
        };
        let id = *known.entry(own).or_insert_with(|| attributes.push(own));
        of_free.insert(free, id);
    }
    of_free
}

/// Writer of rows of the table, without their stacks.
struct RowFiller<'a> {
    events: &'a MergedEvents,
    ids: &'a AttributeIds<'a>,
    allocators: &'a FxHashMap<AttributesId, AttributesId>,
}

impl RowFiller<'_> {
    /// Fills rows from their source.
    fn fill(&self, part: &mut RowsMut<'_>, source: RowSource) {
        match source {
            RowSource::Recorded { chunk, start, end } => {
                if let Some(chunk) = self.events.chunks.get(chunk) {
                    self.fill_recorded(part, chunk, start..end);
                }
            }
            RowSource::Unrecorded { start, end } => {
                for (at, row) in cut(&self.events.unrecorded, &(start..end)).iter().enumerate() {
                    part.set(at, &self.unrecorded(row));
                }
            }
        }
    }

    /// Fills recorded rows of a chunk.
    fn fill_recorded(&self, part: &mut RowsMut<'_>, chunk: &AllocationChunk, rows: Range<usize>) {
        let times = cut(&chunk.time, &rows);
        let position = |row: usize| chunk.large_sizes.partition_point(|large| (large.0 as usize) < row);
        let large = cut(&chunk.large_sizes, &(position(rows.start)..position(rows.end)));
        let large = large.iter().map(|&(row, size)| (row - rows.start as u32, size));
        part.set_allocations((times, cut(&chunk.size, &rows), cut(&chunk.address, &rows)), large);
        let allocs = times.iter().zip(cut(&chunk.attributes, &rows));
        let ends = self.events.ends.range(chunk.base + rows.start as u32..chunk.base + rows.end as u32);
        for (at, ((&time, &alloc), end)) in allocs.zip(ends).enumerate() {
            let free_time = end.time();
            let (free_attributes, flags) = match end.attributes() {
                IMPLIED => (AttributesId::NONE, flag::IMPLIED_FREE),
                NOT_FREED => (AttributesId::NONE, 0),
                number => (self.ids.id(number, free_time), 0),
            };
            part.set_events(at, [self.ids.id(alloc, time), free_attributes], free_time, flags);
        }
    }

    fn unrecorded(&self, row: &UnrecordedAllocation) -> AllocationRow {
        let free_attributes = self.ids.id(row.attributes, row.free_time);
        AllocationRow {
            alloc_time: row.alloc_time,
            free_time: row.free_time,
            size: row.size,
            address: row.address,
            alloc_attributes: self.allocators.get(&free_attributes).copied().unwrap_or(free_attributes),
            free_attributes,
            flags: if row.alloc_time.is_known() { flag::IMPLIED_ALLOCATION } else { 0 },
            ..AllocationRow::default()
        }
    }
}
