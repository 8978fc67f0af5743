//! Memory of a load per allocation: the most at any time, and what is left after it. Each load runs in a process of its own:
//! `cargo bench -p poolscope-speed --bench memory`. Linux only.

use poolscope_analysis::load::{StackScope, load_file};
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_speed::{Table, Trace, first, mixed, options};
use std::error::Error;
use std::io::{Write, stdout};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Trace and stacks that a child process loads.
const TRACE: &str = "POOLSCOPE_SPEED_TRACE";
const STACKS: &str = "POOLSCOPE_SPEED_STACKS";

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(trace) = std::env::var_os(TRACE) {
        let stacks = if std::env::var_os(STACKS).is_some() { StackScope::Pool } else { StackScope::None };
        let (allocations, peak, rest) = measure(Path::new(&trace), stacks)?;
        writeln!(stdout().lock(), "{allocations} {peak} {rest}")?;
        return Ok(());
    }
    let table = Table::new("memory")?;
    if anonymous_bytes() == 0 {
        writeln!(stdout().lock(), "this system does not show the memory of a process as Linux does: nothing measured")?;
        return Ok(());
    }
    for (name, params) in [("pool events", first()), ("mixed", mixed())] {
        let trace = Trace::write(&params)?;
        for (stacks, most) in [(false, 96.0), (true, 120.0)] {
            let (peak, rest) = in_own_process(&trace.path(), stacks)?;
            let with = if stacks { "with stacks" } else { "without stacks" };
            // The goals are those of traces of pool events.
            let goal = |most| (name == "pool events").then_some(most);
            table.number(&format!("{name}, {with}: peak"), peak, "bytes/allocation", goal(most))?;
            table.number(
                &format!("{name}, {with}: at rest"),
                rest,
                "bytes/allocation",
                goal(40.0).filter(|_| !stacks),
            )?;
        }
    }
    Ok(())
}

/// Loads a trace in a child process and returns bytes per allocation, at the peak and at rest.
fn in_own_process(trace: &Path, stacks: bool) -> Result<(f64, f64), Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env(TRACE, trace);
    if stacks {
        command.env(STACKS, "1");
    }
    let child = command.output()?;
    let text = String::from_utf8(child.stdout)?;
    let numbers: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [allocations, peak, rest] = numbers[..] else {
        return Err(String::from_utf8_lossy(&child.stderr).into_owned().into());
    };
    Ok((peak / allocations, rest / allocations))
}

/// Loads a trace and returns the number of allocations, and anonymous memory beyond that at the start: the most, and at the
/// end.
fn measure(trace: &Path, stacks: StackScope) -> Result<(usize, u64, u64), Box<dyn Error>> {
    let (done, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    let before = anonymous_bytes();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                peak.fetch_max(anonymous_bytes(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let loaded = load_file(trace, options(stacks), &Progress::default(), &CancelToken::none());
        done.store(true, Ordering::Relaxed);
        let loaded = loaded?;
        let more = |bytes: u64| bytes.saturating_sub(before);
        Ok((loaded.allocations.len(), more(peak.load(Ordering::Relaxed)), more(anonymous_bytes())))
    })
}

/// Anonymous memory of this process, without files, from the Linux process status; 0 on other systems.
fn anonymous_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
