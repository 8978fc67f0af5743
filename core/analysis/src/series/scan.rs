//! Outstanding curves for drawing, with the exact minimum and maximum between any two neighboring points, so that no peak is lost.
//! A `TimelineScan` follows amounts from event to event, in parallel segments of the visible range. A segment starts from
//! zero; the value at its start, which is known when all segments before it are done, is then added to all of its values, so
//! that results do not depend on the cuts.

use super::curve::{MAX_VALUES, Points, SeriesError, SeriesKind, SeriesRequest, SeriesSet, collect, too_many};
use super::selection::{CurveRows, MAX_PEAK_GROUPS, SeriesSelection};
use crate::group::column_values::ColumnValues;
use crate::group::event_order::{AttributesNumbers, EventNumbers, EventOrder, EventRange};
use crate::group::group_by::{GroupIds, GroupIndex, OUTSIDE};
use crate::group::key::Key;
use crate::group::parallel::{Cancel, Cancelled, fold_rows, worker_chunks};
use crate::trace::allocation::AllocationTable;
use crate::trace::time::Ticks;
use rayon::prelude::*;
use std::cmp::Reverse;
use std::ops::AddAssign;
use std::sync::Arc;

/// Curves with their extremes.
#[derive(Debug)]
pub struct MinMaxDecimation {
    /// The curves with their values at the points.
    pub set: SeriesSet,
    /// For each curve and each interval between neighboring points (both ends included), minimum and maximum.
    pub extremes: Vec<Vec<(i128, i128)>>,
}

/// Computes outstanding curves with their extremes; the kind of the request's metric is ignored.
///
/// # Errors
/// See [`SeriesError`].
pub fn decimate(
    names: &ColumnValues,
    request: &SeriesRequest<'_>,
    order: &EventOrder,
    cancel: Cancel<'_>,
) -> Result<MinMaxDecimation, SeriesError> {
    let rows = outstanding_rows(names, request);
    let selection = SeriesSelection::new(&rows, cancel)?;
    let points = Points::new(request.visible_range, request.points);
    let curves = selection.curves();
    check_size(request.keys, curves, &points)?;
    let curve_of = CurveOfRow::new(&rows, &selection.index(&rows), curves, cancel)?;
    let number: Vec<u32> = (0..curves as u32).collect();
    let ScanResult { amounts, extremes } = curve_of.scan(&rows, order, &number, curves, &points, cancel)?;
    let set = collect(names, rows.group_by.columns(), &rows.request, selection, &points, amounts);
    Ok(MinMaxDecimation { set, extremes })
}

/// Computes the outstanding curves with the highest peaks in the visible range, highest first, then by sum, and the combined curve
/// of all other groups. The result is that of [`highest_groups`](super::highest_groups) followed by [`decimate`], in less
/// time. At most `request.top` groups have a curve of their own; of more than [`MAX_PEAK_GROUPS`] groups, those with the
/// largest sums are compared.
///
/// # Errors
/// See [`SeriesError`].
pub fn decimate_highest(
    names: &ColumnValues,
    request: &SeriesRequest<'_>,
    order: &EventOrder,
    cancel: Cancel<'_>,
) -> Result<MinMaxDecimation, SeriesError> {
    let rows = outstanding_rows(names, request);
    let mut selection = SeriesSelection::heaviest(&rows, MAX_PEAK_GROUPS, cancel)?;
    let compared = selection.curves();
    let curve_of = CurveOfRow::new(&rows, &selection.index(&rows), compared, cancel)?;
    let every: Vec<u32> = (0..compared as u32).collect();
    let ends = Points::new(request.visible_range, 2);
    let own = selection.own.min(request.top.unwrap_or(usize::MAX));
    let order_by_peak = if own > 0 {
        by_peak(&curve_of.scan(&rows, order, &every, compared, &ends, cancel)?, selection.own)
    } else {
        Vec::new()
    };
    let number = selection.reorder(&order_by_peak, own);
    let points = Points::new(request.visible_range, request.points);
    let curves = selection.curves();
    check_size(request.keys, curves, &points)?;
    let ScanResult { amounts, extremes } = curve_of.scan(&rows, order, &number, curves, &points, cancel)?;
    let set = collect(names, rows.group_by.columns(), &rows.request, selection, &points, amounts);
    Ok(MinMaxDecimation { set, extremes })
}

/// The rows of a request for outstanding curves.
fn outstanding_rows<'r>(names: &'r ColumnValues, request: &SeriesRequest<'r>) -> CurveRows<'r> {
    let mut request = *request;
    request.metric.kind = SeriesKind::Outstanding;
    CurveRows::new(names, request)
}

/// The first `own` curves by their peaks, the highest first.
fn by_peak(scanned: &ScanResult, own: usize) -> Vec<usize> {
    let peak = |curve: &usize| {
        let inside = scanned.extremes[*curve].iter().map(|e| e.1);
        inside.chain(scanned.amounts[curve * 2..curve * 2 + 2].iter().copied()).max()
    };
    let mut order: Vec<usize> = (0..own).collect();
    order.sort_by_cached_key(|curve| Reverse(peak(curve)));
    order
}

pub(super) fn check_size(keys: &[Key], curves: usize, points: &Points) -> Result<(), SeriesError> {
    let points = points.times().len();
    let fits = curves.checked_mul(points).is_some_and(|values| values <= MAX_VALUES);
    if fits { Ok(()) } else { Err(too_many(keys, curves, points)) }
}

/// No curve.
const NONE: u32 = u32::MAX;
/// Minimum number of events of a segment.
const SEGMENT_EVENTS: usize = 1 << 16;
/// Upper bound on the number of start values of all workers.
const SHARED_VALUES: usize = 1 << 20;

/// The curve of each row, and the start value of each curve.
struct CurveOfRow {
    curves: RowCurves,
    start: Vec<i128>,
}

/// Curves of rows, by the part of a row that determines them.
pub(super) enum RowCurves {
    /// By attributes, as for most keys.
    Attributes(Vec<u32>),
    /// By row.
    Row(Vec<u32>),
    /// By the number of the row's group: the number of each row, and the curve of each group.
    Numbered(Arc<GroupIds>, Vec<u32>),
}

/// The curves of events.
#[derive(Clone, Copy)]
pub(super) struct EventCurves<'c, N> {
    pub numbers: N,
    /// The curve of each number, [`NONE`] for those without one; `None` if numbers are curves.
    pub of_number: Option<&'c [u32]>,
    /// True if events of rows that the request leaves out have a number without a curve.
    pub are_selected: bool,
}

impl<N> EventCurves<'_, N> {
    #[inline]
    fn of_number(&self, number: u32) -> usize {
        self.of_number.map_or(number, |curves| curves.get(number as usize).copied().unwrap_or(NONE)) as usize
    }
}

impl CurveOfRow {
    fn new(rows: &CurveRows<'_>, index: &GroupIndex, curves: usize, cancel: Cancel<'_>) -> Result<Self, Cancelled> {
        let curve = |key: u64| index.get(key).unwrap_or(NONE);
        let table = rows.table;
        let of = match (rows.group_by.keys_of_attributes(), rows.ids(cancel)?) {
            (Some(keys), _) => RowCurves::Attributes(keys.into_iter().map(curve).collect()),
            (None, Some(ids)) => {
                let key = |row: &u32| rows.group_by.group_key(table, *row as usize, OUTSIDE);
                let curves = ids.representatives().iter().map(|row| curve(key(row))).collect();
                RowCurves::Numbered(ids, curves)
            }
            (None, None) => {
                let of_row = |row: usize| if rows.counts(row) { curve(rows.group_key(row)) } else { NONE };
                RowCurves::Row((0..table.len()).into_par_iter().map(of_row).collect())
            }
        };
        let from = rows.request.visible_range.from;
        let accumulators = (SHARED_VALUES / curves.max(1)).clamp(1, worker_chunks());
        let start = fold_rows(
            table.rows_allocated_by(from),
            accumulators,
            cancel,
            || vec![0i128; curves],
            |start, range| {
                for row in range {
                    // Most are freed by then, so that only this column is read.
                    if table.free_time[row] > from
                        && rows.counts(row)
                        && let Some(start) = start.get_mut(of.get(row, table.alloc_attributes[row].0) as usize)
                    {
                        *start += i128::from(rows.amount(row));
                    }
                }
            },
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                a
            },
        )?;
        Ok(Self { curves: of, start })
    }

    /// The start values with other numbers of curves, of which there are `curves`; curves with the same number are combined.
    fn start_of(&self, number: &[u32], curves: usize) -> Vec<i128> {
        let mut start = vec![0i128; curves];
        for (own, number) in self.start.iter().zip(number) {
            start[*number as usize] += own;
        }
        start
    }

    /// Scans the events of a request with other numbers of curves.
    fn scan(
        &self,
        rows: &CurveRows<'_>,
        order: &EventOrder,
        number: &[u32],
        curves: usize,
        points: &Points,
        cancel: Cancel<'_>,
    ) -> Result<ScanResult, Cancelled> {
        let start = self.start_of(number, curves);
        let scan = TimelineScan { table: rows.table, request: &rows.request, order, start: &start, points };
        match self.curves.renumbered(number) {
            RowCurves::Attributes(curves) => scan.run(&scan.curves_by_attributes(&curves), cancel),
            RowCurves::Row(curves) => {
                let numbers = order.by_row(&curves);
                scan.run(&EventCurves { numbers, of_number: None, are_selected: false }, cancel)
            }
            RowCurves::Numbered(ids, curves) => {
                let numbers = order.by_row(ids.of_row());
                scan.run(&EventCurves { numbers, of_number: Some(&curves), are_selected: false }, cancel)
            }
        }
    }
}

impl RowCurves {
    #[inline]
    fn get(&self, row: usize, attributes: u32) -> u32 {
        let (curves, at) = match self {
            Self::Attributes(curves) => (curves, attributes as usize),
            Self::Row(curves) => (curves, row),
            Self::Numbered(numbers, curves) => (curves, numbers.of_row().get(row).copied().unwrap_or(NONE) as usize),
        };
        curves.get(at).copied().unwrap_or(NONE)
    }

    /// The curves with other numbers.
    fn renumbered(&self, number: &[u32]) -> Self {
        let renumber = |curve: &u32| number.get(*curve as usize).copied().unwrap_or(NONE);
        match self {
            Self::Attributes(curves) => Self::Attributes(curves.iter().map(renumber).collect()),
            Self::Row(curves) => Self::Row(curves.par_iter().map(renumber).collect()),
            Self::Numbered(numbers, curves) => {
                Self::Numbered(Arc::clone(numbers), curves.iter().map(renumber).collect())
            }
        }
    }
}

/// An integer type for sums.
trait Amount: Copy + Ord + Default + AddAssign + Into<i128> {
    /// An amount, negative if `taken`.
    fn of(amount: u64, taken: bool) -> Self;
}

impl Amount for i64 {
    #[inline]
    fn of(amount: u64, taken: bool) -> Self {
        // Arithmetic instead of an unpredictable branch.
        let sign = -Self::from(taken);
        (amount as Self ^ sign) - sign
    }
}

impl Amount for i128 {
    #[inline]
    fn of(amount: u64, taken: bool) -> Self {
        if taken { -Self::from(amount) } else { Self::from(amount) }
    }
}

/// The result of a scan: for each curve its values at the points, one curve after the other, and its extremes between them.
pub(super) struct ScanResult {
    pub amounts: Vec<i128>,
    pub extremes: Vec<Vec<(i128, i128)>>,
}

/// A scan of the events of a visible range.
pub(super) struct TimelineScan<'s> {
    pub table: &'s AllocationTable,
    pub request: &'s SeriesRequest<'s>,
    pub order: &'s EventOrder,
    /// The value of each curve at the start of the range.
    pub start: &'s [i128],
    pub points: &'s Points,
}

/// The changes in one segment of the visible range, from zero: for each interval the extremes of each curve, and the values at the
/// ends of the intervals.
struct Segment {
    first: usize,
    extremes: Vec<(i128, i128)>,
    ends: Vec<i128>,
}

impl<'s> TimelineScan<'s> {
    /// The curves of events by the attributes of their allocations.
    pub fn curves_by_attributes<'c>(&self, of_attributes: &'c [u32]) -> EventCurves<'c, AttributesNumbers<'s>> {
        let numbers = self.order.by_attributes(self.table);
        EventCurves { numbers, of_number: Some(of_attributes), are_selected: false }
    }

    /// Scans the events of these curves.
    pub fn run<N: EventNumbers>(
        &self,
        curves_of: &EventCurves<'_, N>,
        cancel: Cancel<'_>,
    ) -> Result<ScanResult, Cancelled> {
        if self.start.is_empty() {
            return Ok(ScanResult { amounts: Vec::new(), extremes: Vec::new() });
        }
        let cuts = self.cuts();
        let narrow = self.order.bytes().max(self.table.len() as u128) <= i64::MAX as u128;
        let segments: Result<Vec<Segment>, Cancelled> = cuts
            .par_windows(2)
            .map(|cut| match cancel() {
                true => Err(Cancelled),
                // 64 bits are twice as fast as 128, and sufficient unless the trace is damaged.
                false if narrow => self.segment::<i64, N>(curves_of, cut[0], cut[1], cancel),
                false => self.segment::<i128, N>(curves_of, cut[0], cut[1], cancel),
            })
            .collect();
        let (curves, width) = (self.start.len(), self.points.times().len());
        let mut now = self.start.to_vec();
        let mut amounts = vec![0i128; curves * width];
        let mut extremes: Vec<Vec<Option<(i128, i128)>>> = vec![vec![None; width.saturating_sub(1)]; curves];
        let mut ends: Vec<Option<i128>> = vec![None; curves * width];
        for segment in segments? {
            let intervals = segment.extremes.chunks(curves).zip(segment.ends.chunks(curves));
            let mut last = None;
            for (at, (own, end)) in intervals.enumerate() {
                let interval = segment.first + at;
                for curve in 0..curves {
                    let (low, high) = (own[curve].0 + now[curve], own[curve].1 + now[curve]);
                    let place = &mut extremes[curve][interval];
                    *place = Some(place.map_or((low, high), |(a, b)| (a.min(low), b.max(high))));
                    ends[curve * width + interval + 1] = Some(end[curve] + now[curve]);
                }
                last = Some(end);
            }
            last.into_iter().flatten().zip(&mut now).for_each(|(end, now)| *now += end);
        }
        for (curve, start) in self.start.iter().enumerate() {
            let mut value = *start;
            for (at, amount) in amounts[curve * width..(curve + 1) * width].iter_mut().enumerate() {
                value = ends[curve * width + at].unwrap_or(value);
                *amount = value;
            }
        }
        // An interval without ticks between its points has the values of these.
        let filled = |(curve, own): (usize, Vec<Option<(i128, i128)>>)| {
            let filled = own.into_iter().enumerate().map(|(at, extremes)| {
                let value = amounts[curve * width + at];
                extremes.unwrap_or((value, value))
            });
            filled.collect()
        };
        let extremes = extremes.into_iter().enumerate().map(filled).collect();
        Ok(ScanResult { amounts, extremes })
    }

    /// The times at which the visible range is cut, evenly spread over allocations or frees, whichever are more.
    fn cuts(&self) -> Vec<Ticks> {
        let (from, to) = (self.request.visible_range.from, self.request.visible_range.to);
        let table = self.table;
        let EventRange { allocs, frees } = self.order.within(table, from, to);
        let inner: Vec<Ticks> = if allocs.len() >= frees.len() {
            allocs.skip(SEGMENT_EVENTS).step_by(SEGMENT_EVENTS).map(|row| table.alloc_time.at(row)).collect()
        } else {
            let rows = frees.skip(SEGMENT_EVENTS).step_by(SEGMENT_EVENTS).map(|at| self.order.frees()[at]);
            rows.map(|row| table.free_time[row as usize]).collect()
        };
        let mut cuts: Vec<Ticks> = std::iter::once(from).chain(inner).chain([to]).collect();
        cuts.dedup();
        cuts
    }

    /// Scans the events after `from`, up to `to`.
    fn segment<A: Amount, N: EventNumbers>(
        &self,
        curves_of: &EventCurves<'_, N>,
        from: Ticks,
        to: Ticks,
        cancel: Cancel<'_>,
    ) -> Result<Segment, Cancelled> {
        let (table, order) = (self.table, self.order);
        let times = self.points.times();
        let first = times.partition_point(|time| *time <= from).saturating_sub(1);
        let last = self.points.first_at_or_after(to).saturating_sub(1);
        let mut segment = Segment { first, extremes: Vec::new(), ends: Vec::new() };
        if first > last || times.len() < 2 {
            return Ok(segment);
        }
        let mut rest = order.within(table, from, to);
        let mut now = vec![A::default(); self.start.len()];
        let mut extremes: Vec<(A, A)> = Vec::with_capacity(self.start.len());
        let mut touched: Vec<u32> = Vec::new();
        let first_counted = if self.request.include_preexisting { 0 } else { self.order.first_known() };
        let selected = self.request.rows.filter(|_| !curves_of.are_selected);
        for interval in first..=last {
            extremes.clear();
            extremes.extend(now.iter().map(|value| (*value, *value)));
            let end = times.get(interval + 1).copied().unwrap_or(to);
            let own = if interval == last { rest.clone() } else { order.until(table, &rest, end) };
            let changed = (now.as_mut_slice(), extremes.as_mut_slice(), &mut touched);
            match selected {
                None => self.interval(&own, curves_of, |row| row >= first_counted, changed, cancel)?,
                Some(rows) => {
                    let counts = |row: usize| row >= first_counted && rows.contains(row);
                    self.interval(&own, curves_of, counts, changed, cancel)?;
                }
            }
            rest = EventRange { allocs: own.allocs.end..rest.allocs.end, frees: own.frees.end..rest.frees.end };
            segment.extremes.extend(extremes.iter().map(|(low, high)| ((*low).into(), (*high).into())));
            segment.ends.extend(now.iter().map(|value| -> i128 { (*value).into() }));
        }
        Ok(segment)
    }

    /// Scans the events of one interval.
    #[inline]
    fn interval<A: Amount, N: EventNumbers>(
        &self,
        events: &EventRange,
        curves_of: &EventCurves<'_, N>,
        counts: impl Fn(usize) -> bool,
        (now, extremes, touched): (&mut [A], &mut [(A, A)], &mut Vec<u32>),
        cancel: Cancel<'_>,
    ) -> Result<(), Cancelled> {
        let by_count = self.request.metric.by_count;
        let curves_of = *curves_of;
        let mut see = |curve: usize, now: &[A]| {
            let (low, high) = &mut extremes[curve];
            *low = now[curve].min(*low);
            *high = now[curve].max(*high);
        };
        self.order.follow(self.table, events, curves_of.numbers, cancel, |event| {
            let curve = curves_of.of_number(event.number);
            if let Some(value) = now.get_mut(curve)
                && counts(event.row)
            {
                *value += A::of(if by_count { 1 } else { event.size }, event.is_free);
                // Events of one tick have their effect together: there is no value between them.
                if event.ends_tick && touched.is_empty() {
                    see(curve, now);
                    return;
                }
                touched.push(curve as u32);
            }
            if event.ends_tick {
                touched.drain(..).for_each(|curve| see(curve as usize, now));
            }
        })
    }
}
