//! Allocations and frees in the order of time, for scans over time. Rows are sorted by allocation time, so that only the frees
//! need an order of their own; the columns that a scan reads of a freed row are copied into that order, because the row
//! itself may be far away in memory.

use super::parallel::{Cancelled, not_cancelled};
use super::partition::Sorted;
use crate::trace::Trace;
use crate::trace::allocation::AllocationTable;
use crate::trace::compact::SortedTimes;
use crate::trace::free_order::FreeOrder;
use crate::trace::time::Ticks;
use rayon::prelude::*;
use std::ops::Range;

/// Marks a size of a free that does not fit into four bytes; it is read from the table.
const LARGE: u32 = u32::MAX;

/// The events of a trace in the order of time. Twelve and a half bytes per row.
#[derive(Debug)]
pub struct EventOrder {
    /// First row with a known allocation time.
    first_known: usize,
    frees: Vec<u32>,
    /// For each of `frees`, the attributes of its allocation, and its bytes or [`LARGE`].
    attributes: Vec<u32>,
    sizes: Vec<u32>,
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

/// One event.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// The row.
    pub row: usize,
    /// The attributes of its allocation.
    pub attributes: u32,
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
        let table = &trace.allocations;
        let first_known = table.rows_allocated_by(Ticks::UNKNOWN);
        let timed = match &trace.free_order {
            Some(order) => in_order(table, order),
            None => frees_by_time(table),
        };
        let (is_free, ends_tick) = merge(&table.alloc_time, first_known, &timed);
        let frees: Vec<u32> = timed.par_iter().map(|t| t.1).collect();
        drop(timed);
        let size = |row: &u32| u32::try_from(table.size.at(*row as usize)).unwrap_or(LARGE);
        Self {
            first_known,
            attributes: frees.par_iter().map(|row| table.alloc_attributes[*row as usize].0).collect(),
            sizes: frees.par_iter().map(size).collect(),
            frees,
            is_free,
            ends_tick,
            bytes: table.size.sum(),
        }
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

    /// Number of frees before a time.
    #[must_use]
    pub fn frees_before(&self, table: &AllocationTable, time: Ticks) -> usize {
        self.frees.partition_point(|row| table.free_time[*row as usize] < time)
    }

    /// Number of frees not after a time.
    #[must_use]
    pub fn frees_until(&self, table: &AllocationTable, time: Ticks) -> usize {
        self.frees.partition_point(|row| table.free_time[*row as usize] <= time)
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
        let freed = self.frees.get(frees.clone()).unwrap_or_default();
        let last_alloc = table.alloc_time.partition_point_within(allocs.clone(), |time| time <= to);
        let last_free = frees.start + freed.partition_point(|row| table.free_time[*row as usize] <= to);
        EventRange { allocs: allocs.start..last_alloc, frees: frees.start..last_free }
    }

    /// Visits the events of a run; those of one tick are in no particular order.
    #[inline]
    pub fn follow(&self, table: &AllocationTable, events: &EventRange, mut visit: impl FnMut(Event)) {
        let (mut alloc, mut free) = (events.allocs.start, events.frees.start);
        let first = alloc - self.first_known + free;
        let count = events.allocs.len() + events.frees.len();
        for at in first..first + count {
            let is_free = self.is_free.get(at);
            // Both are read and one is selected without a branch, since that would be unpredictable and both are cached.
            let freed = self.frees.get(free).copied().unwrap_or(0) as usize;
            let (attributes, size) = (number(&self.attributes, free), number(&self.sizes, free));
            let mut of_free = u64::from(size);
            if size == LARGE && is_free {
                of_free = table.size.get(freed).unwrap_or(0);
            }
            let of_alloc = table.size.get(alloc).unwrap_or(0);
            let allocated = table.alloc_attributes.get(alloc).map_or(0, |attributes| attributes.0);
            let mask = u64::from(is_free).wrapping_neg();
            let choose = |alloc: u64, free: u64| alloc ^ ((alloc ^ free) & mask);
            visit(Event {
                row: choose(alloc as u64, freed as u64) as usize,
                attributes: choose(allocated.into(), attributes.into()) as u32,
                size: choose(of_alloc, of_free),
                is_free,
                ends_tick: self.ends_tick.get(at),
            });
            free += usize::from(is_free);
            alloc += usize::from(!is_free);
        }
    }
}

/// The same as [`frees_by_time`], from the order that the load kept.
fn in_order(table: &AllocationTable, order: &FreeOrder) -> Vec<(Ticks, u32)> {
    let timed = |&row: &u32| (table.free_time[row as usize], row);
    let mut recorded: Vec<(Ticks, u32)> = order.recorded.par_iter().map(timed).collect();
    let mut rest = recorded.as_mut_slice();
    // Only the frees of one tick may be in another order.
    while let Some(at) = rest.windows(2).position(|pair| pair[0] > pair[1]) {
        let time = rest[at].0;
        let start = rest[..at].iter().rposition(|free| free.0 != time).map_or(0, |before| before + 1);
        let end = at + rest[at..].partition_point(|free| free.0 == time);
        rest[start..end].sort_unstable();
        rest = &mut rest[end..];
    }
    if order.implied.is_empty() {
        return recorded;
    }
    let mut all = Vec::with_capacity(recorded.len() + order.implied.len());
    let mut recorded = recorded.into_iter().peekable();
    for implied in order.implied.iter().map(timed) {
        all.extend(std::iter::from_fn(|| recorded.next_if(|free| *free < implied)));
        all.push(implied);
    }
    all.extend(recorded);
    all
}

/// The rows with a known free time and that time, in ascending order of time and then of rows.
fn frees_by_time(table: &AllocationTable) -> Vec<(Ticks, u32)> {
    let timed = |row: usize| Some((table.free_time[row], row as u32)).filter(|(time, _)| time.is_known());
    // Times with their sign inverted are ordered as unsigned numbers.
    let number = |(time, _): &(Ticks, u32)| time.0 as u64 ^ 1 << 63;
    let sorted = Sorted::new(table.len(), timed, number, &not_cancelled);
    sorted.map_or_else(|Cancelled| Vec::new(), |sorted| sorted.parts().concat())
}

#[inline]
fn number(column: &[u32], at: usize) -> u32 {
    column.get(at).copied().unwrap_or(0)
}

/// For each event in their common order: it is a free, and it is the last one of its tick. `first_known` is the first allocation
/// with a known time.
fn merge(allocs: &SortedTimes, first_known: usize, frees: &[(Ticks, u32)]) -> (Bits, Bits) {
    let count = allocs.len() - first_known + frees.len();
    let (mut is_free, mut ends_tick) = (Bits::new(count), Bits::new(count));
    let (mut alloc, mut free) = (first_known, 0);
    let mut last = Ticks::UNKNOWN;
    for at in 0..count {
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
    (is_free, ends_tick)
}

/// A vector of bits.
#[derive(Debug)]
struct Bits(Vec<u64>);

impl Bits {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    #[inline]
    fn set(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    #[inline]
    fn get(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 != 0
    }
}
