//! The rows in the order of what happened to them, for whoever has to follow values from moment to moment.

use crate::trace::Trace;
use crate::trace::time::Ticks;
use rayon::prelude::*;

/// The rows of a trace in the order of their allocations and of their frees: made once, used for every zoom. Eight bytes
/// per row.
#[derive(Debug)]
pub struct EventOrder {
    allocs: Vec<u32>,
    frees: Vec<u32>,
}

impl EventOrder {
    /// Sorts the rows of a trace. Rows whose time is not known are left out.
    #[must_use]
    pub fn new(trace: &Trace) -> Self {
        Self { allocs: sorted_rows(&trace.allocations.alloc_time), frees: sorted_rows(&trace.allocations.free_time) }
    }
}

impl EventOrder {
    /// The rows whose allocation time is known, by it.
    #[must_use]
    pub fn allocs(&self) -> &[u32] {
        &self.allocs
    }

    /// The rows whose free time is known, by it.
    #[must_use]
    pub fn frees(&self) -> &[u32] {
        &self.frees
    }
}

fn sorted_rows(times: &[Ticks]) -> Vec<u32> {
    let known = (0..times.len() as u32).into_par_iter().filter(|r| times[*r as usize].is_known());
    // Most traces are in the order of allocations already.
    let rows: Vec<u32> = known.collect();
    if rows.is_sorted_by_key(|r| times[*r as usize]) {
        return rows;
    }
    // Times beside the rows: sorting rows alone would look far away at every comparison.
    let mut timed: Vec<(Ticks, u32)> = rows.into_par_iter().map(|r| (times[r as usize], r)).collect();
    timed.par_sort_unstable();
    timed.into_par_iter().map(|t| t.1).collect()
}

/// The run of rows whose time is after `from` and not after `to`.
#[must_use]
pub fn within<'r>(rows: &'r [u32], times: &[Ticks], from: Ticks, to: Ticks) -> &'r [u32] {
    let first = rows.partition_point(|r| times[*r as usize] <= from);
    let last = rows.partition_point(|r| times[*r as usize] <= to);
    rows.get(first..last).unwrap_or(&[])
}
