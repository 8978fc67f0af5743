//! Benchmark of whole reports over one large trace, compared with a walk over its records on one thread:
//! `POOLSCOPE_BENCH_TRACE=big.etl cargo bench -p poolscope-tests --bench big`. Each report runs in its own process, for a separate
//! memory measurement. There is no pass or fail.

use poolscope::cli::io::Io;
use poolscope::cli::{Outcome, run};
use poolscope_etl::file::{BodyScratch, TraceFile};
use std::ffi::OsString;
use std::io::{Write, sink};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const TRACE: &str = "POOLSCOPE_BENCH_TRACE";
/// Columns of the report, set for a process that makes one report.
const BY: &str = "POOLSCOPE_BENCH_BY";
/// Number of runs of each report. The fastest counts, since other processes use the machine too.
const RUNS: usize = 3;
const REPORTS: [&str; 2] = ["type,paged,tag", "type,paged,tag,stack"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout().lock();
    let Some(trace) = std::env::var_os(TRACE) else {
        writeln!(
            out,
            "{TRACE} names no trace: nothing measured (poolscope synth big.etl --target-bytes 1000000000 makes one)"
        )?;
        return Ok(());
    };
    if let Some(by) = std::env::var_os(BY) {
        let report = report(&trace, &by)?;
        writeln!(out, "{} {}", report.seconds, report.peak_bytes)?;
        return Ok(());
    }
    compare(&trace, &mut out)
}

/// Cost of one report.
struct Report {
    seconds: f64,
    /// Peak of the anonymous memory, less that at the start; 0 if the system does not show it.
    peak_bytes: u64,
}

/// Reads every record header on one thread and does nothing else: a lower bound of the time that any analysis of the file takes.
fn count_records(file: &TraceFile) -> usize {
    let mut scratch = BodyScratch::default();
    let mut count = |buffer| file.records(buffer, &mut scratch).expect("the trace can be read").count();
    file.layout.buffers.iter().map(&mut count).sum()
}

/// Prints the cost of the walk and of all reports.
fn compare(trace: &OsString, out: &mut impl Write) -> Result<(), Box<dyn std::error::Error>> {
    let file = TraceFile::open(Path::new(trace))?;
    let bytes = file.file_bytes() as f64;
    // The first walk reads the file into memory.
    let records = count_records(&file);
    let walks = (0..RUNS).map(|_| {
        let start = Instant::now();
        let again = count_records(&file);
        (again == records).then(|| start.elapsed().as_secs_f64())
    });
    let walk = walks.collect::<Option<Vec<f64>>>().ok_or("two walks differ")?.into_iter().fold(f64::MAX, f64::min);
    drop(file);
    let allocations = allocations(trace)?;
    writeln!(out, "{}: {:.3} GB, {} records, {allocations} allocations", trace.display(), bytes / 1e9, records)?;
    writeln!(
        out,
        "{:<32} {:>9} {:>8} {:>12} {:>8} {:>12}",
        "", "seconds", "GB/s", "records/s", "x walk", "bytes/alloc."
    )?;
    let mut line = |name: &str, seconds: f64, memory: Option<u64>| {
        let (rate, events) = (bytes / 1e9 / seconds, records as f64 / seconds);
        let memory = memory.map_or_else(String::new, |peak| format!("{:.1}", peak as f64 / allocations.max(1) as f64));
        writeln!(out, "{name:<32} {seconds:>9.3} {rate:>8.3} {events:>12.0} {:>8.2} {memory:>12}", seconds / walk)
    };
    line("bare walk, one thread", walk, None)?;
    for by in REPORTS {
        let reports = (0..RUNS).map(|_| in_own_process(by)).collect::<Result<Vec<Report>, _>>()?;
        let seconds = reports.iter().map(|report| report.seconds).fold(f64::MAX, f64::min);
        line(&format!("report --by {by}"), seconds, reports.iter().map(|report| report.peak_bytes).max())?;
    }
    Ok(())
}

/// Runs a command with its output sent to `out`.
fn run_command(line: &[OsString], out: Box<dyn Write + '_>) -> Result<(), String> {
    let (mut unused, mut err) = (Vec::new(), Vec::new());
    let mut io = Io { out, ..Io::captured(&mut unused, &mut err) };
    let outcome = run(line.iter().cloned(), &mut io);
    drop(io);
    if outcome == Outcome::Exit(0) { Ok(()) } else { Err(String::from_utf8_lossy(&err).into_owned()) }
}

/// Number of allocations by `info`.
fn allocations(trace: &OsString) -> Result<u64, Box<dyn std::error::Error>> {
    let mut out = Vec::new();
    let line = ["poolscope".into(), "info".into(), trace.clone(), "--format".into(), "json".into()];
    run_command(&line, Box::new(&mut out))?;
    let info: serde_json::Value = serde_json::from_slice(&out)?;
    info["pool"]["allocations"].as_u64().ok_or_else(|| "info has no number of allocations".into())
}

/// Makes a report in a child process.
fn in_own_process(by: &str) -> Result<Report, Box<dyn std::error::Error>> {
    let child = Command::new(std::env::current_exe()?).env(BY, by).output()?;
    let text = String::from_utf8(child.stdout)?;
    let (seconds, peak) =
        text.trim().split_once(' ').ok_or_else(|| String::from_utf8_lossy(&child.stderr).into_owned())?;
    Ok(Report { seconds: seconds.parse()?, peak_bytes: peak.parse()? })
}

/// Makes a report as the command does.
fn report(trace: &OsString, by: &OsString) -> Result<Report, String> {
    let mut line: Vec<OsString> = ["poolscope", "report"].map(OsString::from).to_vec();
    line.extend([trace.clone(), "--by".into(), by.clone(), "--format".into(), "json".into()]);
    let (done, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    let before = anonymous_bytes();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                peak.fetch_max(anonymous_bytes(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let start = Instant::now();
        let result = run_command(&line, Box::new(sink()));
        let seconds = start.elapsed().as_secs_f64();
        done.store(true, Ordering::Relaxed);
        result.map(|()| Report { seconds, peak_bytes: peak.load(Ordering::Relaxed).saturating_sub(before) })
    })
}

/// Anonymous memory of this process, without mapped files, from the Linux process status; 0 on other systems.
fn anonymous_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
