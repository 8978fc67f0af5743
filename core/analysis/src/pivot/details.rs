//! Details of a set of rows: histograms of sizes, lifetimes and ages, processes and drivers, first and last allocations, largest
//! stacks. One pass over the rows of the visible range; sums commute, so that the number of workers does not change the
//! result.

use crate::filter::rowset::RowSet;
use crate::group::aggregate::{SumMap, Total};
use crate::group::column::{KeyColumn, KeySource, SIZE_CLASSES, size_class, size_class_label};
use crate::group::column_values::ColumnValues;
use crate::group::frames::FrameParts;
use crate::group::key::Key;
use crate::group::parallel::{Cancel, Cancelled, fold_rows, worker_chunks};
use crate::trace::allocation::{AllocationTable, flag};
use crate::trace::attributes::EventAttributes;
use crate::trace::ids::{AllocationId, StackId};
use crate::trace::time::{Clock, Ticks, TimeRange};
use std::cmp::Reverse;

/// Upper bound on the processes and on the drivers that are listed.
pub const MAX_SHARES: usize = 8;
/// Upper bound on the stacks of each kind that are listed.
pub const MAX_STACKS: usize = 5;
/// Upper bound on the first and on the last allocations that are listed.
pub const MAX_ALLOCATIONS: usize = 5;

/// A bar of a histogram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistogramBin {
    /// Its range, such as `4KB..8KB` or `1 ms..2 ms`; the upper bound is exclusive.
    pub label: String,
    /// The rows in it.
    pub total: Total,
}

/// A histogram of times. The bars go from the first to the last that is not empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TimeHistogram {
    /// The bars.
    pub bins: Vec<HistogramBin>,
    /// Rows that were not freed in the trace; always empty for ages.
    pub not_freed: Total,
    /// Rows whose time is unknown, because their allocation was not recorded or one of the two events is implied.
    pub unknown: Total,
}

/// The rows of one value of a column.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Share {
    /// The value as in tables; `[No Driver]` and the like if there is none.
    pub label: String,
    /// Its rows.
    pub total: Total,
}

/// The largest shares by bytes, and the rest.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Shares {
    /// At most [`MAX_SHARES`], the largest first.
    pub largest: Vec<Share>,
    /// Number of other values.
    pub others: usize,
    /// The rows of these.
    pub others_total: Total,
}

/// One allocation.
#[derive(Clone, PartialEq, Debug)]
pub struct AllocationDetails {
    /// Its row.
    pub row: AllocationId,
    /// Allocation time in seconds from the trace's start.
    pub time_s: f64,
    /// Bytes.
    pub size: u64,
    /// Address; `None` if the load left out addresses.
    pub address: Option<u64>,
    /// Process, `name (pid)`.
    pub process: String,
    /// Thread, where recorded.
    pub thread: Option<u32>,
    /// Processor, where known.
    pub cpu: Option<u16>,
    /// Seconds to its free; `None` if it was not freed in the trace.
    pub lifetime_s: Option<f64>,
}

/// The rows of one stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StackShare {
    /// The stack.
    pub stack: StackId,
    /// Its frames from the outermost to the innermost.
    pub frames: Vec<FrameParts>,
    /// Its rows.
    pub total: Total,
}

/// Details of a set of rows in a visible range.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RowDetails {
    /// All rows.
    pub total: Total,
    /// Rows freed in the range.
    pub freed: Total,
    /// Rows outstanding at the range's end.
    pub outstanding: Total,
    /// By size class, from the first to the last that is not empty.
    pub sizes: Vec<HistogramBin>,
    /// Number of different sizes.
    pub distinct_sizes: usize,
    /// Times from allocation to free, also of frees outside the range.
    pub lifetimes: TimeHistogram,
    /// Times from allocation to the range's end, of outstanding rows.
    pub ages: TimeHistogram,
    /// By process of the allocation.
    pub processes: Shares,
    /// By driver of the allocation.
    pub drivers: Shares,
    /// The first recorded allocations, in the order of time.
    pub first: Vec<AllocationDetails>,
    /// The last recorded allocations, in the order of time.
    pub last: Vec<AllocationDetails>,
    /// The allocation stacks with the most bytes.
    pub stacks: Vec<StackShare>,
    /// Number of allocation stacks.
    pub stack_count: usize,
    /// Rows with an uncertain allocation stack (see [`flag::UNCERTAIN_ALLOCATION_STACK`]).
    pub uncertain_stack: Total,
    /// Rows without an allocation stack.
    pub without_stack: Total,
    /// The stacks with the most bytes of frees in the range.
    pub free_stacks: Vec<StackShare>,
    /// Number of stacks of frees in the range.
    pub free_stack_count: usize,
    /// Rows freed in the range without a free stack.
    pub freed_without_stack: Total,
}

/// The details of the rows of a set that belong to the visible range.
///
/// # Errors
/// [`Cancelled`] if `cancel` returns `true`.
pub fn row_details(
    names: &ColumnValues,
    rows: &RowSet,
    visible_range: TimeRange,
    cancel: Cancel<'_>,
) -> Result<RowDetails, Cancelled> {
    let trace = names.trace();
    let table = &trace.allocations;
    let bounds = TimeBounds::new(&trace.clock);
    let visit = |sums: &mut Sums, range| {
        rows.iter_within(range).for_each(|row| sums.add(table, row, visible_range, &bounds));
    };
    let sums = fold_rows(table.len(), worker_chunks(), cancel, Sums::new, visit, Sums::merged)?;
    let histogram = |bins: &[Total], not_freed, unknown| TimeHistogram {
        bins: trimmed(bins, |at| bounds.label(at)),
        not_freed,
        unknown,
    };
    let process = names.column(Key::Process);
    let driver = names.column(Key::Driver);
    let (without_stack, stack_count, stacks) = stack_shares(names, sums.stacks.list());
    let (freed_without_stack, free_stack_count, free_stacks) = stack_shares(names, sums.free_stacks.list());
    let allocation = |row: u32| allocation_details(names, &process, row);
    Ok(RowDetails {
        total: sums.total,
        freed: sums.freed,
        outstanding: sums.outstanding,
        sizes: trimmed(&sums.sizes, |class| size_class_label(class as u32)),
        distinct_sizes: sums.distinct_sizes.list().len(),
        lifetimes: histogram(&sums.lifetimes, sums.not_freed, sums.unknown_lifetime),
        ages: histogram(&sums.ages, Total::default(), sums.unknown_age),
        processes: shares(&process, sums.by_attributes.list()),
        drivers: shares(&driver, sums.stacks.list()),
        first: sums.first.0.iter().map(|(_, row)| allocation(*row)).collect(),
        last: sums.last.0.iter().rev().map(|Reverse((_, row))| allocation(*row)).collect(),
        stacks,
        stack_count,
        uncertain_stack: sums.uncertain_stack,
        without_stack,
        free_stacks,
        free_stack_count,
        freed_without_stack,
    })
}

/// The bars from the first to the last that is not empty.
fn trimmed(totals: &[Total], label: impl Fn(usize) -> String) -> Vec<HistogramBin> {
    let is_filled = |total: &Total| total.count > 0;
    let first = totals.iter().position(is_filled).unwrap_or(0);
    let end = totals.iter().rposition(is_filled).map_or(0, |last| last + 1);
    (first..end).map(|at| HistogramBin { label: label(at), total: totals[at] }).collect()
}

/// Converts totals by handle to totals by the values of a column.
fn shares(column: &KeyColumn, by_handle: &[(u64, Total)]) -> Shares {
    let (KeySource::Attributes(ids) | KeySource::AllocStack(ids)) = &column.source else {
        return Shares::default();
    };
    let mut by_value = SumMap::<Total>::default();
    for (handle, total) in by_handle {
        if let Some(value) = ids.get(*handle as usize) {
            by_value.get((*value).into()).merge(*total);
        }
    }
    let label = |value: u64| match column.text(value as u32).as_ref() {
        "" => format!("[No {}]", column.key.title()),
        text => text.to_owned(),
    };
    let (largest, others) = heaviest(by_value.list().to_vec(), MAX_SHARES);
    let mut others_total = Total::default();
    others.iter().for_each(|(_, total)| others_total.merge(*total));
    let largest = largest.into_iter().map(|(value, total)| Share { label: label(value), total });
    Shares { largest: largest.collect(), others: others.len(), others_total }
}

/// The rows without a stack, the number of stacks, and the stacks with the most bytes.
fn stack_shares(names: &ColumnValues, by_stack: &[(u64, Total)]) -> (Total, usize, Vec<StackShare>) {
    let empty = u64::from(StackId::EMPTY.0);
    let without = by_stack.iter().find(|(stack, _)| *stack == empty).map_or_else(Total::default, |(_, total)| *total);
    let stacks: Vec<(u64, Total)> = by_stack.iter().copied().filter(|(stack, _)| *stack != empty).collect();
    let count = stacks.len();
    let share = |(stack, total): (u64, Total)| {
        let stack = StackId(stack as u32);
        let frames = names.trace().stacks.outer_to_inner(stack);
        StackShare { stack, frames: frames.into_iter().map(|frame| names.frame_parts(frame)).collect(), total }
    };
    (without, count, heaviest(stacks, MAX_STACKS).0.into_iter().map(share).collect())
}

/// Total of the allocations with a number: a size, a process, a stack.
type NumberedTotal = (u64, Total);

/// The `at_most` largest totals (by bytes, then by count, then by number), and the others.
fn heaviest(mut totals: Vec<NumberedTotal>, at_most: usize) -> (Vec<NumberedTotal>, Vec<NumberedTotal>) {
    totals.sort_unstable_by_key(|(number, total)| (Reverse((total.bytes, total.count)), *number));
    let others = totals.split_off(at_most.min(totals.len()));
    (totals, others)
}

fn allocation_details(names: &ColumnValues, process: &KeyColumn, row: u32) -> AllocationDetails {
    let trace = names.trace();
    let table = &trace.allocations;
    let at = row as usize;
    let attributes_id = table.alloc_attributes[at];
    let process_id = match &process.source {
        KeySource::Attributes(ids) => ids.get(attributes_id.index()).copied(),
        _ => None,
    };
    let attributes = trace.attributes.get(attributes_id);
    let ticks = table.lifetime(at);
    AllocationDetails {
        row: AllocationId(row),
        time_s: trace.clock.seconds(table.alloc_time.at(at)),
        size: table.size.at(at),
        address: table.address.get(at),
        process: process_id.map_or_else(String::new, |id| process.text(id).into_owned()),
        thread: attributes.map(|c| c.thread).filter(|t| *t != EventAttributes::NO_THREAD),
        cpu: attributes.map(|c| c.cpu).filter(|cpu| *cpu != EventAttributes::NO_CPU),
        lifetime_s: ticks.is_known().then(|| trace.clock.seconds(ticks)),
    }
}

/// The few rows with the smallest keys, in ascending order.
struct Least<K>(Vec<K>);

impl<K: Ord + Copy> Least<K> {
    #[inline]
    fn add(&mut self, key: K) {
        if self.0.len() == MAX_ALLOCATIONS && self.0.last().is_some_and(|last| *last <= key) {
            return;
        }
        let at = self.0.partition_point(|k| *k < key);
        self.0.insert(at, key);
        self.0.truncate(MAX_ALLOCATIONS);
    }

    fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|key| self.add(*key));
    }
}

/// The sums of one worker.
struct Sums {
    total: Total,
    freed: Total,
    outstanding: Total,
    uncertain_stack: Total,
    sizes: Vec<Total>,
    lifetimes: Vec<Total>,
    not_freed: Total,
    unknown_lifetime: Total,
    ages: Vec<Total>,
    unknown_age: Total,
    distinct_sizes: SumMap<Total>,
    by_attributes: SumMap<Total>,
    stacks: SumMap<Total>,
    /// Of rows freed in the range.
    free_stacks: SumMap<Total>,
    first: Least<(Ticks, u32)>,
    last: Least<Reverse<(Ticks, u32)>>,
}

impl Sums {
    fn new() -> Self {
        Self {
            total: Total::default(),
            freed: Total::default(),
            outstanding: Total::default(),
            uncertain_stack: Total::default(),
            sizes: vec![Total::default(); SIZE_CLASSES as usize],
            lifetimes: vec![Total::default(); TIME_BINS],
            not_freed: Total::default(),
            unknown_lifetime: Total::default(),
            ages: vec![Total::default(); TIME_BINS],
            unknown_age: Total::default(),
            distinct_sizes: SumMap::default(),
            by_attributes: SumMap::default(),
            stacks: SumMap::default(),
            free_stacks: SumMap::default(),
            first: Least(Vec::new()),
            last: Least(Vec::new()),
        }
    }

    fn add(&mut self, table: &AllocationTable, row: usize, visible_range: TimeRange, bounds: &TimeBounds) {
        let (alloc, free, size) = (table.alloc_time.at(row), table.free_time[row], table.size.at(row));
        let Some(class) = visible_range.classify(alloc, free) else {
            return;
        };
        let is_seen = table.is_allocation_recorded(row);
        if table.flags[row] & flag::UNCERTAIN_ALLOCATION_STACK != 0 {
            self.uncertain_stack.add(size);
        }
        self.total.add(size);
        self.sizes[size_class(size) as usize].add(size);
        self.distinct_sizes.get(size).add(size);
        self.by_attributes.get(u64::from(table.alloc_attributes[row].0)).add(size);
        self.stacks.get(u64::from(table.alloc_stack[row].0)).add(size);
        match table.lifetime(row) {
            Ticks::NEVER => self.not_freed.add(size),
            Ticks::UNKNOWN => self.unknown_lifetime.add(size),
            ticks => self.lifetimes[bounds.bin(ticks.0)].add(size),
        }
        if class.is_freed_inside() {
            self.freed.add(size);
            self.free_stacks.get(u64::from(table.free_stack[row].0)).add(size);
        } else {
            self.outstanding.add(size);
            if is_seen {
                self.ages[bounds.bin(visible_range.to.0.saturating_sub(alloc.0))].add(size);
            } else {
                self.unknown_age.add(size);
            }
        }
        if is_seen {
            self.first.add((alloc, row as u32));
            self.last.add(Reverse((alloc, row as u32)));
        }
    }

    fn merged(mut self, other: Self) -> Self {
        let bars =
            [(&mut self.sizes, &other.sizes), (&mut self.lifetimes, &other.lifetimes), (&mut self.ages, &other.ages)];
        for (own, more) in bars {
            own.iter_mut().zip(more).for_each(|(own, more)| own.merge(*more));
        }
        self.total.merge(other.total);
        self.freed.merge(other.freed);
        self.outstanding.merge(other.outstanding);
        self.uncertain_stack.merge(other.uncertain_stack);
        self.not_freed.merge(other.not_freed);
        self.unknown_lifetime.merge(other.unknown_lifetime);
        self.unknown_age.merge(other.unknown_age);
        self.first.merge(&other.first);
        self.last.merge(&other.last);
        self.distinct_sizes = self.distinct_sizes.merged(other.distinct_sizes);
        self.by_attributes = self.by_attributes.merged(other.by_attributes);
        self.stacks = self.stacks.merged(other.stacks);
        self.free_stacks = self.free_stacks.merged(other.free_stacks);
        self
    }
}

/// Bounds between the bars of a [`TimeHistogram`] in nanoseconds, and their texts: steps of 1, 2 and 5 from a microsecond on,
/// usual steps of minutes and hours from a minute on.
const TIME_BOUNDS: [(u64, &str); 33] = [
    (1_000, "1 us"),
    (2_000, "2 us"),
    (5_000, "5 us"),
    (10_000, "10 us"),
    (20_000, "20 us"),
    (50_000, "50 us"),
    (100_000, "100 us"),
    (200_000, "200 us"),
    (500_000, "500 us"),
    (1_000_000, "1 ms"),
    (2_000_000, "2 ms"),
    (5_000_000, "5 ms"),
    (10_000_000, "10 ms"),
    (20_000_000, "20 ms"),
    (50_000_000, "50 ms"),
    (100_000_000, "100 ms"),
    (200_000_000, "200 ms"),
    (500_000_000, "500 ms"),
    (SECOND, "1 s"),
    (2 * SECOND, "2 s"),
    (5 * SECOND, "5 s"),
    (10 * SECOND, "10 s"),
    (30 * SECOND, "30 s"),
    (60 * SECOND, "1 min"),
    (120 * SECOND, "2 min"),
    (300 * SECOND, "5 min"),
    (600 * SECOND, "10 min"),
    (1800 * SECOND, "30 min"),
    (3600 * SECOND, "1 h"),
    (2 * 3600 * SECOND, "2 h"),
    (5 * 3600 * SECOND, "5 h"),
    (12 * 3600 * SECOND, "12 h"),
    (24 * 3600 * SECOND, "24 h"),
];
const SECOND: u64 = 1_000_000_000;

/// Bars of a [`TimeHistogram`]: one below each bound, one above them all.
const TIME_BINS: usize = TIME_BOUNDS.len() + 1;

/// [`TIME_BOUNDS`] in the ticks of a clock.
struct TimeBounds([i64; TIME_BOUNDS.len()]);

impl TimeBounds {
    fn new(clock: &Clock) -> Self {
        // The first tick that is not before the bound.
        let first_tick = |ns: u64| (u128::from(ns) * u128::from(clock.ticks_per_second)).div_ceil(SECOND.into());
        Self(TIME_BOUNDS.map(|(ns, _)| i64::try_from(first_tick(ns)).unwrap_or(i64::MAX)))
    }

    /// The bar of a time.
    #[inline]
    fn bin(&self, ticks: i64) -> usize {
        self.0.partition_point(|bound| *bound <= ticks)
    }

    /// The range of a bar.
    fn label(&self, bin: usize) -> String {
        let bound = |at: usize| TIME_BOUNDS.get(at).map(|bound| bound.1);
        match (bin.checked_sub(1).and_then(bound), bound(bin)) {
            (Some(from), Some(to)) => format!("{from}..{to}"),
            (None, Some(to)) => format!("under {to}"),
            (Some(from), None) => format!("{from} and more"),
            (None, None) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests;
