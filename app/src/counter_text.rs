//! Sentences about performance logs, shared by the commands that read them.

use crate::format;
use crate::snapshot_text::per_hour;
use poolscope_recording::counters::analysis::Growth;
use poolscope_recording::counters::{CounterAnalysis, CounterLog, PoolGrowth, ProcessHandles};
use poolscope_recording::poolmon::time;

/// Hours beyond which an exhaustion is too far away to be named: ten years.
const FAR_HOURS: f64 = 87_660.0;
/// Processes that the summary names.
const PROCESSES_SHOWN: usize = 5;

/// Computer, time and extent of a log: `SRV07, 2026-07-24 08:00:00 to 2026-07-24 20:00:00, 12 h 0 min, 720 samples`.
#[must_use]
pub fn heading(log: &CounterLog, analysis: &CounterAnalysis) -> String {
    let last = log.times_ms.len().saturating_sub(1);
    let at = |sample: usize| log.local_ms(sample).map_or_else(String::new, time::text);
    let length = log.times_ms.last().zip(log.times_ms.first()).map_or(0, |(last, first)| last - first);
    let computer = if log.computer.is_empty() { String::new() } else { format!("{}, ", log.computer) };
    let samples = format::counted(log.times_ms.len() as u64, "sample", "samples");
    let length = format::long_duration(length as f64 / 1000.0);
    let restart = if analysis.first_sample > 0 {
        format!("; Windows was restarted before {}, and only what follows is analyzed", at(analysis.first_sample))
    } else {
        String::new()
    };
    format!("{computer}{} to {}, {length}, {samples}{restart}", at(0), at(last))
}

/// Sentences about pools and processes, the most important first.
#[must_use]
pub fn summary(log: &CounterLog, analysis: &CounterAnalysis) -> Vec<String> {
    let mut pools: Vec<&PoolGrowth> = analysis.pools.iter().collect();
    pools.sort_by(|a, b| {
        b.growth.is_steady.cmp(&a.growth.is_steady).then(b.growth.per_hour.total_cmp(&a.growth.per_hour))
    });
    let mut sentences: Vec<String> = pools.into_iter().map(|of_pool| pool(log, of_pool)).collect();
    if analysis.pools.is_empty() {
        sentences.push(match log.times_ms.len() {
            0..4 => "Too few samples for a trend: at least four are needed".to_owned(),
            _ => "The log counts no pool: add \\Memory\\Pool Nonpaged Bytes and \\Memory\\Pool Paged Bytes".to_owned(),
        });
    }
    let rising: Vec<&ProcessHandles> =
        analysis.processes.iter().filter(|process| process.rises_with.is_some()).collect();
    sentences.extend(rising.iter().take(PROCESSES_SHOWN).map(|handles| process(handles)));
    if rising.len() > PROCESSES_SHOWN {
        sentences.push(format!("{} more processes have handles that rise with a pool", rising.len() - PROCESSES_SHOWN));
    }
    if analysis.process_count == 0 {
        sentences.push(
            "The log has no handle counts: \\Process(*)\\Handle Count would show the process that holds objects"
                .to_owned(),
        );
    } else if rising.is_empty() && analysis.pools.iter().any(|pool| pool.growth.is_steady) {
        let processes = format::counted(analysis.process_count as u64, "process", "processes");
        sentences.push(format!(
            "No handle count rises with the pool ({processes} logged): the growth is probably not held by handles"
        ));
    }
    sentences
}

/// Growth of a pool as a sentence.
#[must_use]
pub fn pool(log: &CounterLog, pool: &PoolGrowth) -> String {
    let growth = &pool.growth;
    let name = format::sentence_case(pool.pool.sentence_name());
    let ends = ends(growth, |value| format::bytes(value.max(0.0) as u64));
    if !growth.is_steady {
        return format!("{name} does not grow steadily: {ends}, {}", growth.shape.name());
    }
    let left = pool.hours_left.filter(|hours| *hours < FAR_HOURS && *hours >= 0.0).map_or_else(String::new, |hours| {
        let left = format::bytes(log.last_available_bytes().unwrap_or(0.0).max(0.0) as u64);
        format!(
            "; at this rate available memory ({left} left) is exhausted in {}",
            format::long_duration(hours * 3600.0)
        )
    });
    format!("{name} grows by {}{}: {ends}, {}{left}", rate(growth, per_hour), since(log, growth), growth.shape.name())
}

/// Growth of a process's handles as a sentence.
#[must_use]
pub fn process(process: &ProcessHandles) -> String {
    let growth = &process.growth;
    let id = process.process_id.map_or_else(String::new, |id| format!(" ({id})"));
    let more = format::delta_count((growth.ends.1 - growth.ends.0) as i64);
    let per = format::count(growth.per_hour.max(0.0).round() as u64);
    let with = process.rises_with.map_or_else(String::new, |(pool, _)| format!(" with {}", pool.sentence_name()));
    let bytes = process
        .bytes_per_handle
        .map_or_else(String::new, |bytes| format!(", {} of pool per handle", format::bytes(bytes.round() as u64)));
    format!("Handles of {}{id} rise{with}: {more}, {per}/h{bytes}", process.process)
}

fn ends(growth: &Growth, text: impl Fn(f64) -> String) -> String {
    format!("{} to {}", text(growth.ends.0), text(growth.ends.1))
}

/// A rate with its interval of confidence.
fn rate(growth: &Growth, text: fn(f64) -> String) -> String {
    let (rate, low, high) = (text(growth.per_hour), text(growth.interval.0), text(growth.interval.1));
    if low == rate && high == rate { rate } else { format!("{rate} ({low} to {high})") }
}

/// The time since which a curve grows, if it does not from the beginning: ` since 2026-07-24 09:12:00`.
fn since(log: &CounterLog, growth: &Growth) -> String {
    let time = growth.onset.and_then(|sample| log.local_ms(sample));
    time.map_or_else(String::new, |time| format!(" since {}", time::text(time)))
}
