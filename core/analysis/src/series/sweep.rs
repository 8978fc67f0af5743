//! Follows outstanding amounts from event to event, in pieces of the view side by side. A piece starts from zero, since
//! what it begins with shifts all of its values alike; the pieces are put on top of each other at the end, so that results
//! never depend on how the view was cut.

use super::points::Points;
use super::tally::{CurveOf, Tally};
use crate::group::order::{EventOrder, Stretch};
use crate::group::parallel::{Cancel, Cancelled, fold_rows};
use crate::trace::time::Ticks;
use rayon::prelude::*;
use std::ops::AddAssign;

/// A row that counts for no curve.
const NONE: u32 = u32::MAX;
/// Events that are worth a piece of their own.
const PIECE_EVENTS: usize = 1 << 16;
/// Start values that the workers together may hold.
const SHARED_VALUES: usize = 1 << 20;

/// Which curve each row counts for, and what every curve begins with.
pub(super) struct Slots {
    of: SlotOf,
    start: Vec<i128>,
}

/// Where a row's curve comes from.
enum SlotOf {
    /// From its context, as for most keys: nothing is kept per row.
    Context(Vec<u32>),
    Row(Vec<u32>),
}

impl Slots {
    pub(super) fn new(
        tally: &Tally<'_>,
        curve_of: &CurveOf,
        curves: usize,
        cancel: Cancel<'_>,
    ) -> Result<Self, Cancelled> {
        let slot = |cell: u64| curve_of.get(cell).map_or(NONE, |curve| curve as u32);
        let by_context = |context| tally.cells.of_context(context).map(slot);
        let of = match (0..tally.contexts).map(by_context).collect::<Option<Vec<u32>>>() {
            Some(of_context) => SlotOf::Context(of_context),
            None => {
                let of_row = |row: usize| if tally.counts(row) { slot(tally.cell(row)) } else { NONE };
                SlotOf::Row((0..tally.table.len()).into_par_iter().map(of_row).collect())
            }
        };
        let table = tally.table;
        let from = tally.request.view.from;
        let rows = table.rows_allocated_by(from);
        let pieces = (SHARED_VALUES / curves.max(1)).clamp(1, rayon::current_num_threads() * 4);
        let start = fold_rows(
            rows,
            pieces,
            cancel,
            || vec![0i128; curves],
            |start, range| {
                for row in range {
                    // Most are gone by then: only one column is looked at for those.
                    if table.free_time[row] > from
                        && tally.counts(row)
                        && let Some(start) = start.get_mut(of.get(row, table.alloc_attributes[row].0) as usize)
                    {
                        *start += i128::from(tally.amount(row));
                    }
                }
            },
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                a
            },
        )?;
        Ok(Self { of, start })
    }

    /// Gives the curves other numbers, of which there are `curves`: several with one number become one curve.
    pub(super) fn start_of(&self, number: &[u32], curves: usize) -> Vec<i128> {
        let mut start = vec![0i128; curves];
        for (own, number) in self.start.iter().zip(number) {
            start[*number as usize] += own;
        }
        start
    }
}

impl SlotOf {
    #[inline]
    fn get(&self, row: usize, context: u32) -> u32 {
        let (slots, at) = match self {
            Self::Context(slots) => (slots, context as usize),
            Self::Row(slots) => (slots, row),
        };
        slots.get(at).copied().unwrap_or(NONE)
    }

    /// The curves by other numbers.
    fn renumbered(&self, number: &[u32]) -> Self {
        let renumber = |slot: &u32| number.get(*slot as usize).copied().unwrap_or(NONE);
        match self {
            Self::Context(slots) => Self::Context(slots.iter().map(renumber).collect()),
            Self::Row(slots) => Self::Row(slots.par_iter().map(renumber).collect()),
        }
    }
}

/// A number wide enough for what is added up.
trait Amount: Copy + Ord + Default + AddAssign + Into<i128> {
    /// An amount, or what takes it away again.
    fn of(amount: u64, taken: bool) -> Self;
}

impl Amount for i64 {
    #[inline]
    fn of(amount: u64, taken: bool) -> Self {
        // Arithmetic in place of a choice that nobody can foresee.
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

/// What a sweep finds: for each curve its values at the points, one curve after the other, and its extremes between them.
pub(super) struct Swept {
    pub amounts: Vec<i128>,
    pub extremes: Vec<Vec<(i128, i128)>>,
}

/// Curves over the events of a view.
pub(super) struct Sweep<'s> {
    pub tally: &'s Tally<'s>,
    pub order: &'s EventOrder,
    pub slots: &'s Slots,
    /// The curve of each slot.
    pub number: &'s [u32],
    pub curves: usize,
    pub points: &'s Points,
}

/// What a piece of the view adds to, beginning from zero: the extremes of every curve in each of the intervals that it
/// meets, and the values at their ends, one interval after the other.
struct Piece {
    first: usize,
    extremes: Vec<(i128, i128)>,
    ends: Vec<i128>,
}

impl Sweep<'_> {
    pub(super) fn run(&self, cancel: Cancel<'_>) -> Result<Swept, Cancelled> {
        if self.curves == 0 {
            return Ok(Swept { amounts: Vec::new(), extremes: Vec::new() });
        }
        let cuts = self.cuts();
        let slots = self.slots.of.renumbered(self.number);
        let narrow = self.order.bytes().max(self.tally.table.len() as u128) <= i64::MAX as u128;
        let pieces: Result<Vec<Piece>, Cancelled> = cuts
            .par_windows(2)
            .map(|cut| match cancel() {
                true => Err(Cancelled),
                // Eight bytes are twice as fast as sixteen, and enough unless the trace is damaged.
                false if narrow => Ok(self.piece::<i64>(&slots, cut[0], cut[1])),
                false => Ok(self.piece::<i128>(&slots, cut[0], cut[1])),
            })
            .collect();
        let (curves, width) = (self.curves, self.points.times().len());
        let mut now = self.slots.start_of(self.number, curves);
        let mut amounts = vec![0i128; curves * width];
        let mut extremes: Vec<Vec<Option<(i128, i128)>>> = vec![vec![None; width.saturating_sub(1)]; curves];
        let mut ends: Vec<Option<i128>> = vec![None; curves * width];
        for piece in pieces? {
            let intervals = piece.extremes.chunks(curves).zip(piece.ends.chunks(curves));
            let mut last = None;
            for (at, (own, end)) in intervals.enumerate() {
                let interval = piece.first + at;
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
        let start = self.slots.start_of(self.number, curves);
        for (curve, start) in start.into_iter().enumerate() {
            let mut value = start;
            for (at, amount) in amounts[curve * width..(curve + 1) * width].iter_mut().enumerate() {
                value = ends[curve * width + at].unwrap_or(value);
                *amount = value;
            }
        }
        // An interval without a tick of its own has the value of its points.
        let filled = |(curve, own): (usize, Vec<Option<(i128, i128)>>)| {
            let filled = own.into_iter().enumerate().map(|(at, extremes)| {
                let value = amounts[curve * width + at];
                extremes.unwrap_or((value, value))
            });
            filled.collect()
        };
        let extremes = extremes.into_iter().enumerate().map(filled).collect();
        Ok(Swept { amounts, extremes })
    }

    /// The moments that the view is cut at: events of the kind that there are more of, evenly spread.
    fn cuts(&self) -> Vec<Ticks> {
        let (from, to) = (self.tally.request.view.from, self.tally.request.view.to);
        let table = self.tally.table;
        let Stretch { allocs, frees } = self.order.within(table, from, to);
        let inner: Vec<Ticks> = if allocs.len() >= frees.len() {
            allocs.skip(PIECE_EVENTS).step_by(PIECE_EVENTS).map(|row| table.alloc_time[row]).collect()
        } else {
            let rows = frees.skip(PIECE_EVENTS).step_by(PIECE_EVENTS).map(|at| self.order.frees()[at]);
            rows.map(|row| table.free_time[row as usize]).collect()
        };
        let mut cuts: Vec<Ticks> = std::iter::once(from).chain(inner).chain([to]).collect();
        cuts.dedup();
        cuts
    }

    /// Follows the events after `from` and not after `to`.
    fn piece<A: Amount>(&self, slots: &SlotOf, from: Ticks, to: Ticks) -> Piece {
        let (table, order) = (self.tally.table, self.order);
        let times = self.points.times();
        let first = times.partition_point(|time| *time <= from).saturating_sub(1);
        let last = self.points.first_at_or_after(to).saturating_sub(1);
        let mut piece = Piece { first, extremes: Vec::new(), ends: Vec::new() };
        if first > last || times.len() < 2 {
            return piece;
        }
        let mut rest = order.within(table, from, to);
        let mut now = vec![A::default(); self.curves];
        let mut extremes: Vec<(A, A)> = Vec::with_capacity(self.curves);
        let mut touched: Vec<u32> = Vec::new();
        for interval in first..=last {
            extremes.clear();
            extremes.extend(now.iter().map(|value| (*value, *value)));
            let end = times.get(interval + 1).copied().unwrap_or(to);
            let own = if interval == last { rest.clone() } else { order.until(table, &rest, end) };
            self.interval(slots, &own, &mut now, &mut extremes, &mut touched);
            rest = Stretch { allocs: own.allocs.end..rest.allocs.end, frees: own.frees.end..rest.frees.end };
            piece.extremes.extend(extremes.iter().map(|(low, high)| ((*low).into(), (*high).into())));
            piece.ends.extend(now.iter().map(|value| -> i128 { (*value).into() }));
        }
        piece
    }

    /// Follows the events of one interval.
    fn interval<A: Amount>(
        &self,
        slots: &SlotOf,
        stretch: &Stretch,
        now: &mut [A],
        extremes: &mut [(A, A)],
        touched: &mut Vec<u32>,
    ) {
        let request = self.tally.request;
        let by_count = request.measure.by_count;
        let first = if request.earlier { 0 } else { self.order.first_known() };
        let counts = |row: usize| row >= first && request.rows.is_none_or(|rows| rows.contains(row));
        let mut see = |curve: u32, now: &[A]| {
            let curve = curve as usize;
            let (low, high) = &mut extremes[curve];
            *low = now[curve].min(*low);
            *high = now[curve].max(*high);
        };
        self.order.follow(self.tally.table, stretch, |event| {
            let curve = slots.get(event.row, event.context);
            if let Some(value) = now.get_mut(curve as usize)
                && counts(event.row)
            {
                *value += A::of(if by_count { 1 } else { event.size }, event.is_free);
                // What happens within one tick is seen as a whole: no value exists between its events.
                if event.ends_tick && touched.is_empty() {
                    see(curve, now);
                    return;
                }
                touched.push(curve);
            }
            if event.ends_tick {
                touched.drain(..).for_each(|curve| see(curve, now));
            }
        });
    }
}
