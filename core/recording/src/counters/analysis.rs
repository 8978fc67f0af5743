//! Growth of pools and of processes' handles in a performance log: whether, since when, how fast, and which handles rise with a pool.

use super::log::{Counter, CounterLog};
use super::onset::onset;
use super::path::CounterKind;
use crate::Pool;
use crate::poolmon::series::TrendShape;
use crate::poolmon::series::shape::{Line, shape};
use crate::poolmon::series::trend::confidence_interval;

/// Smallest growth of a pool that is a finding, as a share of its size at the end.
const POOL_GROWTH_MIN: f64 = 0.02;
/// Smallest growth of a pool that is a finding, in bytes.
const POOL_BYTES_MIN: f64 = 1_048_576.0;
/// Smallest growth of a process's handles that is a finding.
const HANDLES_MIN: f64 = 100.0;
/// Smallest growth of handles as a share of their number at the end.
const HANDLES_SHARE_MIN: f64 = 0.1;
/// Smallest correlation with a pool at which handles rise with it.
const CORRELATION_MIN: f64 = 0.97;
/// Share of a pool and of all handles that is left after a restart of Windows, at most.
const LEFT_AFTER_RESTART: f64 = 0.6;

/// Growth of a curve.
#[derive(Clone, PartialEq, Debug)]
pub struct Growth {
    /// First and last value.
    pub ends: (f64, f64),
    /// Slope per hour, from the onset on.
    pub per_hour: f64,
    /// Interval in which the slope lies with a confidence of 95 %.
    pub interval: (f64, f64),
    /// Shape from the onset on.
    pub shape: TrendShape,
    /// Index of the sample at which the growth begins, if not with the log.
    pub onset: Option<usize>,
    /// The growth goes on, is certain and is not negligible.
    pub is_steady: bool,
}

/// A pool over time.
#[derive(Clone, PartialEq, Debug)]
pub struct PoolGrowth {
    /// The pool.
    pub pool: Pool,
    /// Growth of its bytes.
    pub growth: Growth,
    /// Hours until available memory is used up at this rate, if the pool grows and the log has available memory.
    pub hours_left: Option<f64>,
}

/// Handles of one process over time.
#[derive(Clone, PartialEq, Debug)]
pub struct ProcessHandles {
    /// Instance of the process, such as `svchost#3`.
    pub process: String,
    /// Its identifier, if logged.
    pub process_id: Option<u32>,
    /// Growth of the number of handles.
    pub growth: Growth,
    /// The pool that rises with the handles, and their correlation.
    pub rises_with: Option<(Pool, f64)>,
    /// Growth of that pool per handle, in bytes, from the onset of the pool's growth on.
    pub bytes_per_handle: Option<f64>,
}

/// Findings of a log.
#[derive(Clone, PartialEq, Debug)]
pub struct CounterAnalysis {
    /// Index of the first sample that is analyzed: that after the last restart of Windows.
    pub first_sample: usize,
    /// Pools that the log counts, nonpaged first.
    pub pools: Vec<PoolGrowth>,
    /// Processes whose handles grow, those that rise with a pool first, then by growth.
    pub processes: Vec<ProcessHandles>,
    /// Number of processes whose handles are logged.
    pub process_count: usize,
}

/// Analyzes a log.
#[must_use]
pub fn analyze(log: &CounterLog) -> CounterAnalysis {
    let first_sample = last_restart(log);
    let hours = hours(log);
    let curve = |counter: &Counter| Curve::new(&hours, &counter.values, first_sample);
    let available = log.last_available_bytes();
    let pools: Vec<(PoolGrowth, Curve)> = Pool::ALL
        .into_iter()
        .filter_map(|pool| {
            let curve = curve(log.counter(CounterKind::PoolBytes(pool))?);
            let least = |last: f64| POOL_BYTES_MIN.max(POOL_GROWTH_MIN * last);
            let growth = curve.growth(least)?;
            let left =
                available.filter(|_| growth.is_steady && growth.per_hour > 0.0).map(|left| left / growth.per_hour);
            Some((PoolGrowth { pool, growth, hours_left: left }, curve))
        })
        .collect();
    let handles = || {
        log.counters
            .iter()
            .filter(|counter| counter.kind == CounterKind::HandleCount && !is_total(&counter.path.instance))
    };
    let mut processes: Vec<ProcessHandles> = handles()
        .filter_map(|counter| {
            let curve = curve(counter);
            let growth =
                curve.growth(|last| HANDLES_MIN.max(HANDLES_SHARE_MIN * last)).filter(|growth| growth.is_steady)?;
            let with = pools.iter().filter(|(pool, _)| pool.growth.is_steady);
            let with = with.filter_map(|(pool, of_pool)| {
                Some((pool, of_pool.correlation(&curve).filter(|r| *r >= CORRELATION_MIN)?))
            });
            let with = with.max_by(|a, b| a.1.total_cmp(&b.1));
            let id = log
                .counters
                .iter()
                .find(|other| other.kind == CounterKind::ProcessId && other.path.instance == counter.path.instance);
            let id = id
                .and_then(|id| id.values.iter().rev().find_map(|value| *value))
                .filter(|id| *id >= 0.0 && *id <= f64::from(u32::MAX));
            let per_handle = with.map(|(pool, _)| pool.growth.per_hour / growth.per_hour);
            Some(ProcessHandles {
                process: counter.path.instance.clone(),
                process_id: id.map(|id| id as u32),
                growth,
                rises_with: with.map(|(pool, r)| (pool.pool, r)),
                bytes_per_handle: per_handle.filter(|bytes| bytes.is_finite() && *bytes > 0.0),
            })
        })
        .collect();
    let gain = |process: &ProcessHandles| process.growth.ends.1 - process.growth.ends.0;
    processes.sort_by(|a, b| {
        let order = b.rises_with.is_some().cmp(&a.rises_with.is_some()).then(gain(b).total_cmp(&gain(a)));
        order.then_with(|| a.process.cmp(&b.process))
    });
    CounterAnalysis {
        first_sample,
        process_count: handles().count(),
        pools: pools.into_iter().map(|(pool, _)| pool).collect(),
        processes,
    }
}

/// Hours from the first sample of a log to each.
#[must_use]
pub fn hours(log: &CounterLog) -> Vec<f64> {
    let first = log.times_ms.first().copied().unwrap_or(0);
    log.times_ms.iter().map(|time| time.saturating_sub(first) as f64 / 3_600_000.0).collect()
}

/// Returns `true` for the instances that are no process: the sum of all, and the idle process. `_Total` has other names in other
/// languages, which begin with an underscore too.
fn is_total(instance: &str) -> bool {
    instance.starts_with('_') || instance.eq_ignore_ascii_case("idle")
}

/// Index of the first sample after the last restart of Windows: the up time goes down, or, where it is not logged, nonpaged pool and all
/// handles together drop at once.
fn last_restart(log: &CounterLog) -> usize {
    let drops = |values: &[Option<f64>], share: f64| -> Vec<usize> {
        let mut previous: Option<f64> = None;
        let mut found = Vec::new();
        for (at, value) in values.iter().enumerate() {
            let Some(value) = *value else { continue };
            if previous.is_some_and(|previous| value < share * previous) {
                found.push(at);
            }
            previous = Some(value);
        }
        found
    };
    if let Some(up_time) = log.counter(CounterKind::UpTime) {
        return drops(&up_time.values, 1.0).last().copied().unwrap_or(0);
    }
    let pool =
        log.counter(CounterKind::PoolBytes(Pool::NonPaged)).map(|counter| drops(&counter.values, LEFT_AFTER_RESTART));
    let mut total: Vec<Option<f64>> = vec![None; log.times_ms.len()];
    for counter in log
        .counters
        .iter()
        .filter(|counter| counter.kind == CounterKind::HandleCount && !is_total(&counter.path.instance))
    {
        for (sum, value) in total.iter_mut().zip(&counter.values) {
            *sum = value.map(|value| sum.unwrap_or(0.0) + value).or(*sum);
        }
    }
    let handles = drops(&total, LEFT_AFTER_RESTART);
    pool.unwrap_or_default().into_iter().rev().find(|at| handles.contains(at)).unwrap_or(0)
}

/// Known values of a counter with their times in hours.
struct Curve {
    /// Index of each point in the log.
    samples: Vec<usize>,
    times: Vec<f64>,
    values: Vec<f64>,
}

impl Curve {
    fn new(hours: &[f64], values: &[Option<f64>], first: usize) -> Self {
        let mut curve = Self { samples: Vec::new(), times: Vec::new(), values: Vec::new() };
        for (at, (time, value)) in hours.iter().zip(values).enumerate().skip(first) {
            if let Some(value) = value {
                curve.samples.push(at);
                curve.times.push(*time);
                curve.values.push(*value);
            }
        }
        curve
    }

    /// Growth of the curve; `None` with fewer than four points or without a length. `least`: smallest growth that counts, from the last
    /// value.
    fn growth(&self, least: impl Fn(f64) -> f64) -> Option<Growth> {
        let onset = onset(&self.times, &self.values);
        let from = onset.unwrap_or(0);
        let (times, values) = (self.times.get(from..)?, self.values.get(from..)?);
        let shape = shape(times, values)?;
        let line = Line::fit(times, values)?;
        let interval = confidence_interval(line, values.len());
        let ends = (*self.values.first()?, *self.values.last()?);
        let is_steady = shape.goes_on() && interval.0 > 0.0 && values.last()? - values.first()? >= least(ends.1);
        let onset = onset.and_then(|at| self.samples.get(at).copied());
        Some(Growth { ends, per_hour: line.slope, interval, shape, onset, is_steady })
    }

    /// Correlation of two curves at the samples that both have; `None` if one of them does not change.
    fn correlation(&self, other: &Self) -> Option<f64> {
        let mut pairs: Vec<(f64, f64)> = Vec::new();
        let mut at = 0;
        for (sample, value) in self.samples.iter().zip(&self.values) {
            while other.samples.get(at).is_some_and(|of_other| of_other < sample) {
                at += 1;
            }
            if other.samples.get(at) == Some(sample) {
                pairs.push((*value, *other.values.get(at)?));
            }
        }
        let count = pairs.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / count;
        let (mean_a, mean_b) = (mean(|pair| pair.0), mean(|pair| pair.1));
        let sum = |of: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|(a, b)| of(a - mean_a, b - mean_b)).sum::<f64>();
        let (of_a, of_b) = (sum(&|a, _| a * a), sum(&|_, b| b * b));
        (pairs.len() >= 4 && of_a > 0.0 && of_b > 0.0).then(|| sum(&|a, b| a * b) / (of_a * of_b).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::parse;
    use super::*;
    use std::fmt::Write as _;

    const MB: f64 = 1_048_576.0;

    /// Noise between -1 and 1 that repeats for the same place.
    fn noise(at: usize, seed: usize) -> f64 {
        (((at + seed * 7919) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f64 / f64::from(1 << 23) - 1.0
    }

    /// A log of `count` samples, one per minute, of counters with the given values.
    fn log(count: usize, counters: &[(&str, &dyn Fn(usize) -> f64)]) -> CounterLog {
        let mut text = "\"(PDH-CSV 4.0) (UTC)(0)\"".to_owned();
        counters.iter().for_each(|(path, _)| write!(text, ",\"\\\\S{path}\"").expect("a text"));
        for at in 0..count {
            write!(text, "\n\"07/24/2026 {:02}:{:02}:00.000\"", at / 60 % 24, at % 60).expect("a text");
            counters.iter().for_each(|(_, value)| write!(text, ",\"{:.3}\"", value(at)).expect("a text"));
        }
        parse(text.as_bytes()).expect("a log")
    }

    #[test]
    fn a_leak_has_an_onset_a_rate_and_a_process() {
        // Since minute 300, 0.5 MB per minute of nonpaged pool, and 128 handles of one process, which are 4 KB each.
        let risen = |at: usize| at.saturating_sub(300) as f64;
        let log = log(
            900,
            &[
                ("\\Memory\\Pool Nonpaged Bytes", &|at| 400.0 * MB + MB * noise(at, 1) + 0.5 * MB * risen(at)),
                ("\\Memory\\Pool Paged Bytes", &|at| 600.0 * MB + 3.0 * MB * noise(at, 2)),
                ("\\Memory\\Available MBytes", &|at| 8000.0 - 0.5 * risen(at)),
                ("\\Process(agent)\\Handle Count", &|at| 500.0 + 128.0 * risen(at) + 20.0 * noise(at, 3)),
                ("\\Process(agent)\\ID Process", &|_| 4711.0),
                ("\\Process(svchost#3)\\Handle Count", &|at| 900.0 + 50.0 * noise(at, 4)),
                ("\\Process(steady)\\Handle Count", &|at| 500.0 + at as f64),
                ("\\Process(_Total)\\Handle Count", &|at| 2000.0 + 129.0 * risen(at)),
            ],
        );
        let found = analyze(&log);
        assert_eq!((found.first_sample, found.process_count), (0, 3));
        let nonpaged = &found.pools[0];
        assert!(nonpaged.growth.is_steady && nonpaged.growth.shape == TrendShape::Straight);
        assert!(nonpaged.growth.onset.expect("an onset").abs_diff(300) <= 10);
        assert!((nonpaged.growth.per_hour / (30.0 * MB) - 1.0).abs() < 0.02, "{}", nonpaged.growth.per_hour / MB);
        assert!((nonpaged.hours_left.expect("an end") - 7700.5 / 30.0).abs() < 6.0);
        assert!(!found.pools[1].growth.is_steady);
        let first = &found.processes[0];
        assert_eq!((first.process.as_str(), first.process_id), ("agent", Some(4711)));
        assert_eq!(first.rises_with.map(|(pool, _)| pool), Some(Pool::NonPaged));
        assert!((first.bytes_per_handle.expect("bytes") - 4096.0).abs() < 100.0);
        assert_eq!(found.processes[1].process, "steady", "rises, and not as the pool does");
        assert_eq!(found.processes[1].rises_with, None);
    }

    #[test]
    fn a_restart_begins_anew() {
        let values = |at: usize| 100.0 * MB + MB * (at % 200) as f64;
        let counters: [(&str, &dyn Fn(usize) -> f64); 3] = [
            ("\\Memory\\Pool Nonpaged Bytes", &values),
            ("\\System\\System Up Time", &|at| (at % 200) as f64 * 60.0),
            ("\\Process(a)\\Handle Count", &|at| 100.0 + (at % 200) as f64 * 10.0),
        ];
        for used in [&counters[..], &[counters[0], counters[2]]] {
            let found = analyze(&log(500, used));
            assert_eq!(found.first_sample, 400);
            assert!((found.pools[0].growth.per_hour / (60.0 * MB) - 1.0).abs() < 0.01);
        }
    }

    #[test]
    fn quiet_and_short_logs_have_no_finding() {
        let quiet = analyze(&log(
            300,
            &[
                ("\\Memory\\Pool Nonpaged Bytes", &|at| 400.0 * MB + MB * noise(at, 1)),
                ("\\Process(a)\\Handle Count", &|at| 300.0 + 5.0 * noise(at, 5)),
            ],
        ));
        assert!(quiet.pools.iter().all(|pool| !pool.growth.is_steady) && quiet.processes.is_empty());
        let short = analyze(&log(3, &[("\\Memory\\Pool Nonpaged Bytes", &|at| at as f64 * 50.0 * MB)]));
        assert!(short.pools.is_empty());
    }
}
