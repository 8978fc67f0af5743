//! Allocations and frees in the order of time, for scans over time. Rows are sorted by allocation time, so that only the frees
//! need an order of their own; the columns that a scan reads of a freed row are copied into that order, because the row
//! itself may be far away in memory.

use super::parallel::{CHUNK_ROWS, Cancel, Cancelled, map_items, not_cancelled};
use super::partition::Sorted;
use crate::trace::Trace;
use crate::trace::allocation::AllocationTable;
use crate::trace::compact::SortedTimes;
use crate::trace::free_order::FreeOrder;
use crate::trace::ids::AttributesId;
use crate::trace::time::Ticks;
use std::ops::Range;

/// Frees between two whose times are kept together, so that a search reads few times that are far apart in memory.
const FREES_PER_SAMPLE: usize = 64;

/// The events of a trace in the order of time. Twelve and a half bytes per row.
#[derive(Default, Debug)]
pub struct EventOrder {
    /// First row with a known allocation time.
    first_known: usize,
    frees: Vec<u32>,
    /// For each of `frees`, the attributes of its allocation, and its size as the table has it in four bytes.
    attributes: Vec<u32>,
    sizes: Vec<u32>,
    /// Time of every [`FREES_PER_SAMPLE`]th free.
    sampled_times: Vec<Ticks>,
    /// For each event, allocations and frees together: it is a free, and the next one is later.
    is_free: Bits,
    ends_tick: Bits,
    bytes: u128,
}

/// A run of events: allocated rows, and positions among the frees.
#[derive(Clone, Debug)]
pub struct EventRange {
    /// Rows.
    pub allocs: Range<usize>,
    /// Positions in [`EventOrder::frees`].
    pub frees: Range<usize>,
}

/// Numbers of the events, by which a scan finds what an event counts for. Both are read in the order of memory if they come from
/// columns in that order.
pub trait EventNumbers: Copy + Sync {
    /// The number of the allocation of a row.
    fn of_alloc(&self, row: usize) -> u32;
    /// The number of a free by its position in [`EventOrder::frees`].
    fn of_free(&self, position: usize) -> u32;
}

/// Events numbered by the attributes of their allocations.
#[derive(Clone, Copy)]
pub struct AttributesNumbers<'e> {
    of_row: &'e [AttributesId],
    of_free: &'e [u32],
}

impl EventNumbers for AttributesNumbers<'_> {
    #[inline]
    fn of_alloc(&self, row: usize) -> u32 {
        self.of_row.get(row).map_or(0, |attributes| attributes.0)
    }

    #[inline]
    fn of_free(&self, position: usize) -> u32 {
        number(self.of_free, position)
    }
}

/// Events numbered by a number of their rows; that of a free is far away in memory.
#[derive(Clone, Copy)]
pub struct RowNumbers<'e> {
    of_row: &'e [u32],
    frees: &'e [u32],
}

impl EventNumbers for RowNumbers<'_> {
    #[inline]
    fn of_alloc(&self, row: usize) -> u32 {
        number(self.of_row, row)
    }

    #[inline]
    fn of_free(&self, position: usize) -> u32 {
        number(self.of_row, number(self.frees, position) as usize)
    }
}

/// One event.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// The row.
    pub row: usize,
    /// Its number among the [`EventNumbers`] of the scan.
    pub number: u32,
    /// Its bytes.
    pub size: u64,
    /// True for a free, false for an allocation.
    pub is_free: bool,
    /// True for the last event of its tick.
    pub ends_tick: bool,
}

impl EventOrder {
    /// Sorts the events of a trace. Those whose time is not known are left out.
    #[must_use]
    pub fn new(trace: &Trace) -> Self {
        Self::build(trace, &not_cancelled).unwrap_or_default()
    }

    /// [`Self::new`].
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub(super) fn build(trace: &Trace, cancel: Cancel<'_>) -> Result<Self, Cancelled> {
        let table = &trace.allocations;
        let first_known = table.rows_allocated_by(Ticks::UNKNOWN);
        let timed = match &trace.free_order {
            Some(order) => in_order(table, order, cancel)?,
            None => frees_by_time(table, cancel)?,
        };
        let (is_free, ends_tick) = merge(&table.alloc_time, first_known, &timed, cancel)?;
        let frees = map_items(&timed, cancel, |t| t.1)?;
        let sampled_times = timed.iter().step_by(FREES_PER_SAMPLE).map(|t| t.0).collect();
        drop(timed);
        Ok(Self {
            first_known,
            attributes: map_items(&frees, cancel, |row| table.alloc_attributes[*row as usize].0)?,
            sizes: map_items(&frees, cancel, |row| number(table.size.encoded(), *row as usize))?,
            frees,
            sampled_times,
            is_free,
            ends_tick,
            bytes: table.size.sum(),
        })
    }

    /// The rows with a known free time, in the order of that time.
    #[must_use]
    pub fn frees(&self) -> &[u32] {
        &self.frees
    }

    /// The first row with a known allocation time.
    #[must_use]
    pub fn first_known(&self) -> usize {
        self.first_known
    }

    /// Bytes of all rows, an upper bound on sums over some of them.
    #[must_use]
    pub fn bytes(&self) -> u128 {
        self.bytes
    }

    /// The events numbered by the attributes of their allocations.
    #[must_use]
    pub fn by_attributes<'e>(&'e self, table: &'e AllocationTable) -> AttributesNumbers<'e> {
        AttributesNumbers { of_row: &table.alloc_attributes, of_free: &self.attributes }
    }

    /// The events numbered by a number of each row.
    #[must_use]
    pub fn by_row<'e>(&'e self, of_row: &'e [u32]) -> RowNumbers<'e> {
        RowNumbers { of_row, frees: &self.frees }
    }

    /// Number of frees before a time.
    #[must_use]
    pub fn frees_before(&self, table: &AllocationTable, time: Ticks) -> usize {
        self.count_frees(table, |free| free < time)
    }

    /// Number of frees not after a time.
    #[must_use]
    pub fn frees_until(&self, table: &AllocationTable, time: Ticks) -> usize {
        self.count_frees(table, |free| free <= time)
    }

    /// Number of frees, from the first one, for which `is_before` holds; it holds for none behind another one for which it does
    /// not.
    fn count_frees(&self, table: &AllocationTable, is_before: impl Fn(Ticks) -> bool) -> usize {
        let first = self.sampled_times.partition_point(|time| is_before(*time)).saturating_sub(1) * FREES_PER_SAMPLE;
        let near = self.frees.get(first..self.frees.len().min(first + FREES_PER_SAMPLE)).unwrap_or_default();
        first + near.partition_point(|row| is_before(table.free_time[*row as usize]))
    }

    /// The events after `from` and not after `to`.
    #[must_use]
    pub fn within(&self, table: &AllocationTable, from: Ticks, to: Ticks) -> EventRange {
        let all = EventRange { allocs: self.first_known..table.len(), frees: 0..self.frees.len() };
        let before = self.until(table, &all, from);
        let first = EventRange { allocs: before.allocs.end..all.allocs.end, frees: before.frees.end..all.frees.end };
        self.until(table, &first, to)
    }

    /// The beginning of a run, up to and including the events at `to`.
    #[must_use]
    pub fn until(&self, table: &AllocationTable, events: &EventRange, to: Ticks) -> EventRange {
        let EventRange { allocs, frees } = events;
        let last_alloc = table.rows_allocated_by(to).clamp(allocs.start, allocs.end);
        let last_free = self.frees_until(table, to).clamp(frees.start, frees.end);
        EventRange { allocs: allocs.start..last_alloc, frees: frees.start..last_free }
    }

    /// Visits the events of a run; those of one tick are in no particular order.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    #[inline]
    pub fn follow(
        &self,
        table: &AllocationTable,
        events: &EventRange,
        numbers: impl EventNumbers,
        cancel: Cancel<'_>,
        mut visit: impl FnMut(Event),
    ) -> Result<(), Cancelled> {
        // Slices of their own: what `visit` writes could otherwise be where they are found.
        let (is_free, ends_tick) = (self.is_free.0.as_slice(), self.ends_tick.0.as_slice());
        let (frees, sizes_of_frees) = (self.frees.as_slice(), self.sizes.as_slice());
        let sizes_of_rows = table.size.encoded();
        let (mut alloc, mut free) = (events.allocs.start, events.frees.start);
        let first = alloc - self.first_known + free;
        let end = first + events.allocs.len() + events.frees.len();
        for at in first..end {
            if (at - first).is_multiple_of(CHUNK_ROWS) && cancel() {
                return Err(Cancelled);
            }
            let is_free = bit(is_free, at);
            // Both are read and one is selected without a branch, since that would be unpredictable and both are cached.
            let mask = u32::from(is_free).wrapping_neg();
            let choose = |alloc: u32, free: u32| alloc ^ ((alloc ^ free) & mask);
            let row = choose(alloc as u32, number(frees, free)) as usize;
            let size = choose(number(sizes_of_rows, alloc), number(sizes_of_frees, free));
            visit(Event {
                row,
                number: choose(numbers.of_alloc(alloc), numbers.of_free(free)),
                size: table.size.decode(row, size),
                is_free,
                ends_tick: bit(ends_tick, at),
            });
            free += usize::from(is_free);
            alloc += usize::from(!is_free);
        }
        Ok(())
    }
}

/// The same as [`frees_by_time`], from the order that the load kept.
fn in_order(table: &AllocationTable, order: &FreeOrder, cancel: Cancel<'_>) -> Result<Vec<(Ticks, u32)>, Cancelled> {
    let timed = |&row: &u32| (table.free_time[row as usize], row);
    let mut recorded: Vec<(Ticks, u32)> = map_items(&order.recorded, cancel, timed)?;
    let mut rest = recorded.as_mut_slice();
    // Only the frees of one tick may be in another order.
    while let Some(at) = rest.windows(2).position(|pair| pair[0] > pair[1]) {
        let time = rest[at].0;
        let start = rest[..at].iter().rposition(|free| free.0 != time).map_or(0, |before| before + 1);
        let end = at + rest[at..].partition_point(|free| free.0 == time);
        rest[start..end].sort_unstable();
        rest = &mut rest[end..];
        if cancel() {
            return Err(Cancelled);
        }
    }
    if order.implied.is_empty() {
        return Ok(recorded);
    }
    let mut all = Vec::with_capacity(recorded.len() + order.implied.len());
    let mut recorded = recorded.into_iter().peekable();
    for implied in order.implied.iter().map(timed) {
        all.extend(std::iter::from_fn(|| recorded.next_if(|free| *free < implied)));
        all.push(implied);
    }
    all.extend(recorded);
    Ok(all)
}

/// The rows with a known free time and that time, in ascending order of time and then of rows.
fn frees_by_time(table: &AllocationTable, cancel: Cancel<'_>) -> Result<Vec<(Ticks, u32)>, Cancelled> {
    let timed = |row: usize| Some((table.free_time[row], row as u32)).filter(|(time, _)| time.is_known());
    // Times with their sign inverted are ordered as unsigned numbers.
    let number = |(time, _): &(Ticks, u32)| time.0 as u64 ^ 1 << 63;
    Ok(Sorted::new(table.len(), timed, number, cancel)?.parts().concat())
}

#[inline]
fn number(column: &[u32], at: usize) -> u32 {
    column.get(at).copied().unwrap_or(0)
}

/// For each event in their common order: it is a free, and it is the last one of its tick. `first_known` is the first allocation
/// with a known time.
fn merge(
    allocs: &SortedTimes,
    first_known: usize,
    frees: &[(Ticks, u32)],
    cancel: Cancel<'_>,
) -> Result<(Bits, Bits), Cancelled> {
    let count = allocs.len() - first_known + frees.len();
    let (mut is_free, mut ends_tick) = (Bits::new(count), Bits::new(count));
    let (mut alloc, mut free) = (first_known, 0);
    let mut last = Ticks::UNKNOWN;
    for at in 0..count {
        if at.is_multiple_of(CHUNK_ROWS) && cancel() {
            return Err(Cancelled);
        }
        let allocated = allocs.get(alloc).unwrap_or(Ticks::NEVER);
        let freed = frees.get(free).map_or(Ticks::NEVER, |f| f.0);
        let takes_free = freed < allocated;
        let time = if takes_free { freed } else { allocated };
        if takes_free {
            free += 1;
            is_free.set(at);
        } else {
            alloc += 1;
        }
        if at > 0 && time != last {
            ends_tick.set(at - 1);
        }
        last = time;
    }
    if count > 0 {
        ends_tick.set(count - 1);
    }
    Ok((is_free, ends_tick))
}

/// A vector of bits.
#[derive(Default, Debug)]
struct Bits(Vec<u64>);

impl Bits {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    #[inline]
    fn set(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }
}

#[inline]
fn bit(words: &[u64], at: usize) -> bool {
    words.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 != 0)
}
