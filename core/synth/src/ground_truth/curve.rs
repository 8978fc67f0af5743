//! The outstanding curve per tag: what was allocated since the trace began and is not yet freed.

use std::collections::BTreeMap;

use super::pair::PairedAllocation;
use super::{OutstandingCurve, OutstandingPoint, display_tag};

/// Time in seconds to raw ticks, rounded to the nearest tick.
#[derive(Debug, Clone, Copy)]
pub(super) struct TickScale {
    pub start: i64,
    pub per_second: u64,
}

impl TickScale {
    pub fn ticks(self, seconds: f64) -> i64 {
        self.start + (seconds * self.per_second as f64).round() as i64
    }

    pub fn seconds(self, ticks: i64) -> f64 {
        (ticks - self.start) as f64 / self.per_second as f64
    }
}

/// One curve per tag with blocks of known or implied start, `points` evenly over `[from, to]` seconds. At a point's
/// own tick allocations and frees have happened.
pub(super) fn outstanding_curves(blocks: &[PairedAllocation], scale: TickScale, range: (f64, f64), points: usize) -> Vec<OutstandingCurve> {
    let times: Vec<f64> = (0..points).map(|k| time_of(range, k, points)).collect();
    let ticks: Vec<i64> = times.iter().map(|time| scale.ticks(*time)).collect();
    let mut changes: BTreeMap<String, Vec<[i128; 2]>> = BTreeMap::new();
    for block in blocks {
        let Some(start) = block.start else { continue };
        let change = changes.entry(display_tag(block.tag)).or_insert_with(|| vec![[0; 2]; points + 1]);
        let at = ticks.partition_point(|tick| *tick < start);
        change[at][0] += 1;
        change[at][1] += i128::from(block.size);
        if let Some(end) = block.end {
            let at = ticks.partition_point(|tick| *tick < end);
            change[at][0] -= 1;
            change[at][1] -= i128::from(block.size);
        }
    }
    changes.into_iter().map(|(tag, change)| OutstandingCurve { tag, points: summed(&times, &change) }).collect()
}

fn time_of((from, to): (f64, f64), k: usize, points: usize) -> f64 {
    if points < 2 {
        return from;
    }
    from + k as f64 * (to - from) / (points - 1) as f64
}

fn summed(times: &[f64], changes: &[[i128; 2]]) -> Vec<OutstandingPoint> {
    let mut sum = [0i128; 2];
    let step = |(time, change): (&f64, &[i128; 2])| {
        sum = [sum[0] + change[0], sum[1] + change[1]];
        OutstandingPoint { time_s: *time, count: sum[0].max(0) as u64, size: sum[1].max(0) as u64 }
    };
    times.iter().zip(changes).map(step).collect()
}
