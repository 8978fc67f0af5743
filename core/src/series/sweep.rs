//! Follows outstanding amounts from event to event, in pieces of the view side by side. A piece starts from zero, since
//! what it begins with shifts all of its values alike; the pieces are put on top of each other at the end, so that results
//! never depend on how the view was cut.

use super::points::Points;
use super::tally::{CurveOf, Tally};
use crate::column::order::{EventOrder, within};
use crate::column::parallel::{CHUNK_ROWS, Cancel, Cancelled};
use crate::trace::time::Ticks;
use rayon::prelude::*;

/// A row that counts for no curve.
const NONE: u32 = u32::MAX;
/// Events that are worth a piece of their own.
const PIECE_EVENTS: usize = 1 << 15;
/// Start values that the workers together may hold.
const SHARED_VALUES: usize = 1 << 20;

/// Which curve each row counts for, and what every curve begins with.
pub(super) struct Slots {
    of_row: Vec<u32>,
    start: Vec<i128>,
}

impl Slots {
    pub(super) fn new(
        tally: &Tally<'_>,
        curve_of: &CurveOf,
        curves: usize,
        cancel: Cancel<'_>,
    ) -> Result<Self, Cancelled> {
        let table = tally.table;
        let from = tally.request.view.from;
        let mut of_row = vec![NONE; table.len()];
        let pieces = (SHARED_VALUES / curves.max(1)).clamp(1, rayon::current_num_threads() * 4);
        let rows = table.len().div_ceil(pieces).next_multiple_of(CHUNK_ROWS).max(CHUNK_ROWS);
        let starts = of_row.par_chunks_mut(rows).enumerate().map(|(piece, slots)| {
            let mut start = vec![0i128; curves];
            for (chunk, slots) in slots.chunks_mut(CHUNK_ROWS).enumerate() {
                if cancel() {
                    return Err(Cancelled);
                }
                let first = piece * rows + chunk * CHUNK_ROWS;
                for (at, slot) in slots.iter_mut().enumerate() {
                    let row = first + at;
                    let Some(curve) = tally.counts(row).then(|| curve_of.get(tally.cell(row))).flatten() else {
                        continue;
                    };
                    *slot = curve as u32;
                    if table.alloc_time[row] <= from {
                        start[curve] += i128::from(tally.amount(row));
                    }
                }
            }
            Ok(start)
        });
        let start = starts.try_reduce_with(|mut a, b| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            Ok(a)
        });
        Ok(Self { start: start.unwrap_or_else(|| Ok(vec![0; curves]))?, of_row })
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
        let pieces: Result<Vec<Piece>, Cancelled> = cuts
            .par_windows(2)
            .map(|cut| if cancel() { Err(Cancelled) } else { Ok(self.piece(cut[0], cut[1])) })
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
        let allocs = within(self.order.allocs(), &table.alloc_time, from, to);
        let frees = within(self.order.frees(), &table.free_time, from, to);
        let (rows, times) =
            if allocs.len() >= frees.len() { (allocs, &table.alloc_time) } else { (frees, &table.free_time) };
        let inner = rows.iter().skip(PIECE_EVENTS).step_by(PIECE_EVENTS).map(|row| times[*row as usize]);
        let mut cuts: Vec<Ticks> = std::iter::once(from).chain(inner).chain([to]).collect();
        cuts.dedup();
        cuts
    }

    /// Follows the events after `from` and not after `to`.
    fn piece(&self, from: Ticks, to: Ticks) -> Piece {
        let table = self.tally.table;
        let times = self.points.times();
        let first = times.partition_point(|time| *time <= from).saturating_sub(1);
        let last = self.points.first_at_or_after(to).saturating_sub(1);
        let curves = self.curves;
        let mut piece = Piece { first, extremes: Vec::new(), ends: Vec::new() };
        if first > last || times.len() < 2 {
            return piece;
        }
        let mut allocs = within(self.order.allocs(), &table.alloc_time, from, to);
        let mut frees = within(self.order.frees(), &table.free_time, from, to);
        let mut now = vec![0i128; curves];
        let mut extremes = vec![(0i128, 0i128); curves];
        let mut touched: Vec<usize> = Vec::new();
        let mut interval = first;
        let close = |piece: &mut Piece, extremes: &mut Vec<(i128, i128)>, now: &[i128]| {
            piece.extremes.extend_from_slice(extremes);
            piece.ends.extend_from_slice(now);
            extremes.clear();
            extremes.extend(now.iter().map(|value| (*value, *value)));
        };
        loop {
            let head = |rows: &[u32], times: &[Ticks]| rows.first().map_or(Ticks::NEVER, |r| times[*r as usize]);
            let time = head(allocs, &table.alloc_time).min(head(frees, &table.free_time));
            if time == Ticks::NEVER {
                break;
            }
            while interval < last && time > times[interval + 1] {
                close(&mut piece, &mut extremes, &now);
                interval += 1;
            }
            // What happens within one tick is seen as a whole: no value exists between its events.
            self.advance(&mut allocs, &table.alloc_time, time, 1, &mut now, &mut touched);
            self.advance(&mut frees, &table.free_time, time, -1, &mut now, &mut touched);
            for curve in touched.drain(..) {
                let (low, high) = &mut extremes[curve];
                *low = (*low).min(now[curve]);
                *high = (*high).max(now[curve]);
            }
        }
        for _ in interval..=last {
            close(&mut piece, &mut extremes, &now);
        }
        piece
    }

    #[inline]
    fn advance(
        &self,
        rows: &mut &[u32],
        times: &[Ticks],
        time: Ticks,
        sign: i128,
        now: &mut [i128],
        touched: &mut Vec<usize>,
    ) {
        while let Some((row, rest)) = rows.split_first()
            && times[*row as usize] == time
        {
            *rows = rest;
            let row = *row as usize;
            if let Some(curve) = self.number.get(self.slots.of_row[row] as usize) {
                let curve = *curve as usize;
                now[curve] += sign * i128::from(self.tally.amount(row));
                touched.push(curve);
            }
        }
    }
}
