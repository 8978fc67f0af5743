//! Course, growth and processes of rows of a table: what a row shows beside its figures where there is room. One pass over the
//! allocations for all rows that are asked for.

use super::evaluate::{Evaluator, RunTree};
use crate::group::parallel::{Cancel, Cancelled};
use crate::trace::growth::{GrowthScale, GrowthSum};
use crate::trace::ids::ProcessId;
use crate::trace::time::{Ticks, TimeRange};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::ops::Range;

/// Number of points of a course.
pub const TREND_POINTS: usize = 64;
/// Minimum number of allocations that one worker adds up, because each worker has a course for every run of groups.
const WORKER_ROWS: usize = 1 << 18;
/// Rows between two checks for cancellation.
const CHECK_ROWS: usize = 1 << 16;

/// Course, growth and processes of a row.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Trend {
    /// Bytes allocated in the trace and not freed, at [`TREND_POINTS`] times at equal distances from the start to the end of the
    /// visible range.
    pub outstanding: Vec<i64>,
    /// Growth in bytes per second over the recorded part of the visible range.
    pub growth_bytes_per_s: f64,
    /// The process with the most bytes; `None` if no allocation has one.
    pub largest_process: Option<ProcessId>,
    /// Number of processes.
    pub processes: usize,
}

/// Sums of one run of groups.
#[derive(Clone)]
struct Sums {
    /// Changes of the outstanding bytes before each point.
    changes: [i64; TREND_POINTS],
    growth: GrowthSum,
    bytes_by_process: FxHashMap<ProcessId, u64>,
}

impl Default for Sums {
    fn default() -> Self {
        Self { changes: [0; TREND_POINTS], growth: GrowthSum::default(), bytes_by_process: FxHashMap::default() }
    }
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.changes.iter_mut().zip(other.changes).for_each(|(sum, change)| *sum += change);
        self.growth.add(other.growth);
        // Sums commute, so that the order of the processes does not matter.
        other.bytes_by_process.iter().for_each(|(process, bytes)| {
            let sum = self.bytes_by_process.entry(*process).or_default();
            *sum = sum.saturating_add(*bytes);
        });
    }

    fn trend(&self, growth_bytes_per_s: f64) -> Trend {
        let mut now = 0;
        let course = self.changes.iter().map(|change| {
            now += change;
            now
        });
        let outstanding = course.collect();
        // Of equal ones the first in the order of processes.
        let by_bytes = |process: &&ProcessId| (self.bytes_by_process.get(process), std::cmp::Reverse(**process));
        let largest_process = self.bytes_by_process.keys().max_by_key(by_bytes).copied();
        Trend { outstanding, growth_bytes_per_s, largest_process, processes: self.bytes_by_process.len() }
    }
}

/// The first point of a course at or after a time; `None` after the last one.
fn point_at(range: TimeRange, time: Ticks) -> Option<usize> {
    let from_start = i128::from(time.0) - i128::from(range.from.0);
    if from_start <= 0 {
        return Some(0);
    }
    let length = i128::from(range.to.0) - i128::from(range.from.0);
    let last = TREND_POINTS as i128 - 1;
    if from_start > length {
        return None;
    }
    // Rounded up: the value at a point includes what happened at its time.
    let point = (from_start * last + length - 1) / length.max(1);
    usize::try_from(point).ok().filter(|point| *point < TREND_POINTS)
}

impl Evaluator {
    /// Course, growth and processes of runs of groups ([`PivotTree::groups`](super::PivotTree::groups)). Any two runs are disjoint
    /// or nested, as those of the nodes of one tree.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn trends(&self, runs: &[Range<u32>], cancel: Cancel<'_>) -> Result<Vec<Trend>, Cancelled> {
        let trace = self.names().trace();
        let (table, range) = (&trace.allocations, self.pivot().visible_range());
        let scale = GrowthScale::new(trace.recorded.analyzed(range));
        let tree = RunTree::new(runs, self.pivot().len());
        let run_of_row = self.run_of_row(&tree, cancel)?;
        let none = || vec![Sums::default(); tree.len()];
        let rows = (0..table.len()).into_par_iter().with_min_len(WORKER_ROWS);
        let sums = rows.try_fold(none, |mut sums, row| {
            if row.is_multiple_of(CHECK_ROWS) && cancel() {
                return Err(Cancelled);
            }
            let Some(sum) = run_of_row(row).and_then(|run| sums.get_mut(run as usize)) else { return Ok(sums) };
            let (alloc, free, size) = (table.alloc_time.at(row), table.free_time[row], table.size.at(row));
            let bytes = i64::try_from(size).unwrap_or(i64::MAX);
            if alloc != Ticks::UNKNOWN {
                if let Some(change) = point_at(range, alloc).and_then(|point| sum.changes.get_mut(point)) {
                    *change = change.saturating_add(bytes);
                }
                if let Some(change) = point_at(range, free).and_then(|point| sum.changes.get_mut(point)) {
                    *change = change.saturating_sub(bytes);
                }
            }
            sum.growth.add(scale.weigh(alloc, free, size));
            let attributes = trace.attributes.rows().get(table.alloc_attributes[row].index());
            if let Some(attributes) = attributes {
                let sum = sum.bytes_by_process.entry(attributes.process).or_default();
                *sum = sum.saturating_add(size);
            }
            Ok(sums)
        });
        let sums = sums.try_reduce(none, |mut a, b| {
            a.iter_mut().zip(&b).for_each(|(a, b)| a.add(b));
            Ok(a)
        })?;
        let mut with_inner = none();
        for (run, sum) in sums.iter().enumerate() {
            for outer in tree.around(Some(run as u32)) {
                if let Some(total) = with_inner.get_mut(outer) {
                    total.add(sum);
                }
            }
        }
        let trend = |same: usize| {
            let sums = with_inner.get(same).cloned().unwrap_or_default();
            sums.trend(scale.bytes_per_s(sums.growth, &trace.clock))
        };
        Ok(tree.same().map(trend).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::key::Key;
    use crate::group::parallel::not_cancelled;
    use crate::group::test_util::{names, random_blocks};
    use crate::pivot::{Metric, PivotRequest, PivotTree, Value, pivot};
    use std::sync::Arc;

    #[test]
    fn points_are_at_equal_distances() {
        let range = TimeRange { from: Ticks(100), to: Ticks(100 + 63 * 10) };
        let at = |time| point_at(range, Ticks(time));
        assert_eq!([at(-5), at(100), at(101), at(110), at(111)], [Some(0), Some(0), Some(1), Some(1), Some(2)]);
        assert_eq!([at(730), at(731)], [Some(63), None]);
        assert_eq!(point_at(range, Ticks::NEVER), None);
        let moment = TimeRange { from: Ticks(5), to: Ticks(5) };
        assert_eq!((point_at(moment, Ticks(5)), point_at(moment, Ticks(6))), (Some(0), None));
    }

    #[test]
    fn a_course_is_what_is_outstanding_at_each_point() {
        let names = Arc::new(names(&random_blocks(7, 400)));
        let trace = Arc::clone(names.trace());
        let range = TimeRange { from: Ticks(trace.extent.from.0 + 3), to: Ticks(trace.extent.to.0 - 5) };
        let request = PivotRequest { keys: &[Key::Tag, Key::Process], visible_range: range, rows: None };
        let groups = Arc::new(pivot(&names, &request, &not_cancelled).unwrap());
        let mut tree = PivotTree::new(Arc::clone(&groups));
        let mut nodes = tree.open(PivotTree::ROOT).to_vec();
        for node in nodes.clone() {
            nodes.extend_from_slice(tree.open(node));
        }
        nodes.push(PivotTree::ROOT);
        let evaluator = Evaluator::new(Arc::clone(&names), &groups, None, Arc::default());
        let runs: Vec<Range<u32>> = nodes.iter().map(|node| tree.groups(*node)).collect();
        let trends = evaluator.trends(&runs, &not_cancelled).unwrap();
        let growth = evaluator.values(Metric::Growth, &runs, &not_cancelled).unwrap();
        let table = &trace.allocations;
        // By the definition, over all allocations of the trace.
        let time = |point: usize| {
            let length = (range.to.0 - range.from.0) as f64;
            range.from.0 as f64 + length * point as f64 / (TREND_POINTS - 1) as f64
        };
        let whole = trends.last().unwrap();
        for (point, value) in whole.outstanding.iter().enumerate() {
            let there = |row: &usize| {
                let (alloc, free) = (table.alloc_time.at(*row), table.free_time[*row]);
                let in_range = alloc <= range.to && free >= range.from && alloc != Ticks::UNKNOWN;
                in_range && alloc.0 as f64 <= time(point) && free.0 as f64 > time(point)
            };
            let bytes: u64 = (0..table.len()).filter(there).map(|row| table.size.at(row)).sum();
            assert_eq!(*value, bytes as i64, "point {point}");
        }
        for (trend, growth) in trends.iter().zip(growth) {
            assert_eq!(Value::Float(trend.growth_bytes_per_s), growth);
        }
        let top: Vec<&Trend> = trends.iter().take(tree.open(PivotTree::ROOT).len()).collect();
        let sum: i64 = top.iter().map(|trend| trend.outstanding[40]).sum();
        assert_eq!(sum, whole.outstanding[40], "courses add up");
        assert!(whole.processes > 1 && whole.largest_process.is_some());
    }
}
