//! Times the load of a trace: `cargo run --release -p poolscope-analysis --example load_time -- TRACE [RUNS]`. Prints wall and CPU
//! time of a walk over the record headers on one thread, and of loads without and with stacks, with the memory at the peak and at
//! rest. Times are the fastest of the runs; memory is anonymous memory of this process, on Linux only.

use poolscope_analysis::load::{LoadError, LoadOptions, StackScope, load_file};
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::file::{BodyScratch, OpenError, TraceFile};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout().lock();
    let mut arguments = std::env::args().skip(1);
    let trace = arguments.next().ok_or("usage: load_time TRACE [RUNS]")?;
    let runs: usize = arguments.next().map_or(Ok(3), |runs| runs.parse())?;
    let path = Path::new(&trace);
    let in_memory = TraceFile::from_bytes(std::fs::read(path)?, &trace)?;
    let walk = fastest(runs, || walk(&in_memory))?;
    drop(in_memory);
    writeln!(out, "{:<12} {:>8.3} s wall {:>8.3} s CPU {:>12} records", "walk", walk.wall_s, walk.cpu_s, walk.value)?;
    for (name, stacks) in [("no stacks", StackScope::None), ("with stacks", StackScope::Pool)] {
        let found = fastest(runs, || {
            let options = LoadOptions { stacks, ..LoadOptions::default() };
            let trace = load_file(path, options, &Progress::default(), &CancelToken::none())?;
            Ok::<_, LoadError>((trace.allocations.len(), anonymous_bytes()))
        })?;
        let (rows, rest) = found.value;
        let each = |bytes: u64| bytes.saturating_sub(found.before) as f64 / rows.max(1) as f64;
        writeln!(
            out,
            "{name:<12} {:>8.3} s wall {:>8.3} s CPU {rows:>12} allocations, {:.2} x walk, {:.2} x in CPU time, {:.1} bytes each at the peak, {:.1} at rest",
            found.wall_s,
            found.cpu_s,
            found.wall_s / walk.wall_s,
            found.cpu_s / walk.wall_s,
            each(found.peak),
            each(rest)
        )?;
    }
    Ok(())
}

/// Cost of the fastest run.
struct Cost<T> {
    wall_s: f64,
    cpu_s: f64,
    /// Anonymous memory before, and at the peak.
    before: u64,
    peak: u64,
    value: T,
}

/// Runs `work` several times and measures each run.
fn fastest<T: Send, E>(runs: usize, mut work: impl FnMut() -> Result<T, E> + Send) -> Result<Cost<T>, E> {
    let mut best: Option<Cost<T>> = None;
    for _ in 0..runs.max(1) {
        let (done, peak) = (AtomicBool::new(false), AtomicU64::new(0));
        let before = anonymous_bytes();
        let cost = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    peak.fetch_max(anonymous_bytes(), Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(2));
                }
            });
            let (start, cpu) = (Instant::now(), cpu_seconds());
            let value = work();
            let (wall_s, cpu_s) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
            done.store(true, Ordering::Relaxed);
            value.map(|value| Cost { wall_s, cpu_s, before, peak: 0, value })
        })?;
        let cost = Cost { peak: peak.into_inner(), ..cost };
        if best.as_ref().is_none_or(|best| cost.wall_s < best.wall_s) {
            best = Some(cost);
        }
    }
    Ok(best.unwrap_or_else(|| unreachable!("at least one run")))
}

/// Reads every record header on one thread.
fn walk(file: &TraceFile) -> Result<u64, OpenError> {
    let mut scratch = BodyScratch::default();
    let mut records = 0;
    for buffer in &file.layout.buffers {
        records += file.records(buffer, &mut scratch)?.count() as u64;
    }
    Ok(records)
}

/// CPU time of this process in seconds, from the Linux process status; 0 on other systems.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// Anonymous memory of this process, without mapped files, from the Linux process status; 0 on other systems.
fn anonymous_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
