//! `info`: facts about a trace: system, recording, numbers of records, diagnostics.

use super::io::Io;
use super::open::TraceArgs;
use super::output_format::OutputFormat;
use crate::package::Package;
use crate::part_text::{self, PartIssue};
use crate::{format, recorded_range_text};
use poolscope_analysis::load::LoadOptions;
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::recorded::{CpuRange, Hole};
use poolscope_analysis::trace::summary::PartSummary;
use poolscope_analysis::trace::time::{Ticks, TimeRange};
use poolscope_etl::diagnostics::Diagnostic;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;

/// Options of `info`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = OutputFormat::parser(&FORMATS))]
    format: OutputFormat,
}

const FORMATS: [OutputFormat; 3] = [OutputFormat::Text, OutputFormat::Csv, OutputFormat::Json];

/// Runs the command.
///
/// # Errors
/// The trace cannot be loaded, or the output cannot be written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    let name = args.trace.name();
    let package = args.trace.path().and_then(Package::open);
    args.trace.with_trace(io, LoadOptions::default(), |trace, _, io| {
        let facts = || TraceFacts { package: package.as_ref().map(PackageFacts::new), ..TraceFacts::new(trace, &name) };
        match args.format {
            OutputFormat::Json => {
                serde_json::to_writer_pretty(&mut io.out, &facts())?;
                writeln!(io.out)?;
            }
            OutputFormat::Csv => write_csv(&serde_json::to_value(facts())?, io)?,
            _ => {
                if let Some(package) = &package {
                    write_package(package, io)?;
                }
                write_text(trace, &name, io)?;
            }
        }
        Ok(0)
    })
}

/// JSON Schema of the document.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    poolscope_analysis::export::schema::of_value::<TraceFacts<'_>>()
}

/// Facts about a trace as a JSON document.
#[derive(JsonSchema, Serialize)]
struct TraceFacts<'a> {
    trace: &'a str,
    origin: &'static str,
    file_bytes: u64,
    /// The package that the trace is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<PackageFacts<'a>>,
    /// The files of a trace in several files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<FileFacts<'a>>,
    records: u64,
    hooks: BTreeMap<String, u64>,
    providers: BTreeMap<String, u64>,
    messages: u64,
    buffers: BufferFacts,
    pointer_size: u32,
    os_build: u32,
    os_name: &'a Option<String>,
    computer: &'a Option<String>,
    memory_mb: Option<u32>,
    session_name: &'a str,
    log_file_mode: u32,
    cpus: u32,
    clock: &'static str,
    perf_freq: i64,
    start: Option<String>,
    duration_s: f64,
    recorded_range: RangeFacts,
    analyzed_range: RangeFacts,
    recording: RecordingFacts,
    events_lost: u64,
    buffers_lost: u64,
    images: usize,
    modules: usize,
    processes: usize,
    stacks: StackFacts,
    pool: PoolFacts<'a>,
    diagnostics: Vec<DiagnosticFacts<'a>>,
}

/// A package.
#[derive(JsonSchema, Serialize)]
struct PackageFacts<'a> {
    /// Program that wrote it.
    program: &'a str,
    /// Text of the sender.
    note: &'a str,
    /// Number of modules with names.
    named_modules: usize,
}

impl<'a> PackageFacts<'a> {
    fn new(package: &'a Package) -> Self {
        Self { program: &package.program, note: &package.view.note, named_modules: package.named_modules() }
    }
}

fn write_package(package: &Package, io: &mut Io<'_>) -> std::io::Result<()> {
    let modules = format::counted(package.named_modules() as u64, "module", "modules");
    writeln!(io.out, "{:<12} written by {}, names of {modules}", "Package", package.program)?;
    for line in package.view.note.lines() {
        writeln!(io.out, "{:<12} {line}", "Note")?;
    }
    Ok(())
}

#[derive(JsonSchema, Serialize)]
struct BufferFacts {
    total: u64,
    compressed: Option<u64>,
}

/// A range in seconds from time zero.
#[derive(JsonSchema, Serialize)]
struct RangeFacts {
    from: f64,
    to: f64,
}

/// The part of the recording that the file holds.
#[derive(JsonSchema, Serialize)]
struct RecordingFacts {
    summary: String,
    start_missing: bool,
    end_missing: bool,
    analyzable_range: RangeFacts,
    header_end_s: Option<f64>,
    buffers_written: Option<u64>,
    missing_share: f64,
    holes: Vec<HoleFacts>,
    cpus: Vec<CpuFacts>,
}

#[derive(JsonSchema, Serialize)]
struct HoleFacts {
    from: f64,
    to: f64,
    missing_events: u64,
    missing_share: f64,
}

#[derive(JsonSchema, Serialize)]
struct CpuFacts {
    cpu: u16,
    from: f64,
    to: f64,
    records: u64,
    pool_events: u64,
    ended_early: bool,
}

#[derive(JsonSchema, Serialize)]
struct StackFacts {
    records: u64,
    definitions: u64,
    distinct: u64,
    resolved_keys: u64,
    unresolved_keys: u64,
    matched: u64,
}

#[derive(JsonSchema, Serialize)]
struct PoolFacts<'a> {
    alloc_events: u64,
    free_events: u64,
    allocations: usize,
    rundown_records: u64,
    group_enabled: &'a Option<bool>,
}

#[derive(JsonSchema, Serialize)]
struct DiagnosticFacts<'a> {
    kind: &'static str,
    severity: &'static str,
    count: u64,
    effect: &'static str,
    /// The first file offsets; of a trace in several files they are in `files`.
    offsets: &'a [u64],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<FileIssueFacts>,
}

/// Occurrences of an issue in one file of a trace in several files.
#[derive(JsonSchema, Serialize)]
struct FileIssueFacts {
    file: String,
    count: u64,
    offsets: Vec<u64>,
}

/// A file of a trace in several files.
#[derive(JsonSchema, Serialize)]
struct FileFacts<'a> {
    file: &'a str,
    file_bytes: u64,
    session_name: &'a str,
    /// Recorded range and losses of the trace are those of the main log, the kernel's.
    is_main_log: bool,
    range: Option<RangeFacts>,
    cpus: u32,
    buffers: u64,
    records: u64,
    pool_events: u64,
    events_lost: u64,
    buffers_lost: u64,
    /// Estimated number of buffers that are missing between the file before it and this one.
    missing_buffers_before: u64,
    diagnostics: Vec<PartDiagnosticFacts<'a>>,
}

#[derive(JsonSchema, Serialize)]
struct PartDiagnosticFacts<'a> {
    kind: &'static str,
    count: u64,
    offsets: &'a [u64],
}

impl<'a> FileFacts<'a> {
    fn new(trace: &Trace, part: &'a PartSummary) -> Self {
        let diagnostic = |row: &'a Diagnostic| PartDiagnosticFacts {
            kind: row.kind.name(),
            count: row.count,
            offsets: &row.offsets,
        };
        Self {
            file: &part.name,
            file_bytes: part.file_bytes,
            session_name: &part.session_name,
            is_main_log: part.is_main,
            range: part.range.map(|range| RangeFacts::new(trace, range)),
            cpus: part.cpus,
            buffers: part.buffers,
            records: part.records,
            pool_events: part.pool_events,
            events_lost: part.events_lost,
            buffers_lost: part.buffers_lost,
            missing_buffers_before: part.missing_buffers_before,
            diagnostics: part.diagnostics.rows().iter().map(diagnostic).collect(),
        }
    }
}

impl<'a> TraceFacts<'a> {
    fn new(trace: &'a Trace, name: &'a str) -> Self {
        let (summary, statistics) = (&trace.summary, &trace.statistics);
        let diagnostic = |row: &'a Diagnostic| DiagnosticFacts {
            kind: row.kind.name(),
            severity: row.kind.severity().name(),
            count: row.count,
            effect: row.kind.effect(),
            offsets: if summary.parts.is_empty() { &row.offsets } else { &[] },
            files: part_text::issues_by_file(trace, row.kind)
                .into_iter()
                .map(|PartIssue { file, count, offsets }| FileIssueFacts { file, count, offsets })
                .collect(),
        };
        Self {
            trace: name,
            origin: trace.summary.origin.name(),
            file_bytes: summary.file_bytes,
            package: None,
            files: summary.parts.iter().map(|part| FileFacts::new(trace, part)).collect(),
            records: statistics.records,
            hooks: statistics.hooks.iter().map(|(hook, count)| (format!("0x{hook:04X}"), *count)).collect(),
            providers: statistics.providers.iter().map(|(guid, count)| (guid.to_string(), *count)).collect(),
            messages: statistics.messages,
            buffers: BufferFacts { total: statistics.buffers, compressed: statistics.compressed_buffers },
            pointer_size: summary.pointer_size,
            os_build: summary.os_build,
            os_name: &summary.os_name,
            computer: &summary.computer,
            memory_mb: summary.memory_mb,
            session_name: &summary.session_name,
            log_file_mode: summary.log_file_mode,
            cpus: summary.cpus,
            clock: trace.clock.kind.name(),
            perf_freq: summary.perf_freq,
            start: format::rfc3339(summary.start_filetime),
            duration_s: trace.clock.seconds(trace.extent.to),
            recorded_range: RangeFacts::new(trace, trace.recorded.range),
            analyzed_range: RangeFacts::new(trace, trace.recorded.analyzed(trace.extent)),
            recording: RecordingFacts::new(trace),
            events_lost: summary.events_lost,
            buffers_lost: summary.buffers_lost,
            images: trace.modules.loaded_images().len(),
            modules: trace.modules.modules().len(),
            processes: trace.processes.recorded_count(),
            stacks: StackFacts {
                records: statistics.stack_records,
                definitions: statistics.stack_definitions,
                distinct: statistics.stacks.distinct,
                resolved_keys: statistics.stacks.resolved_keys,
                unresolved_keys: statistics.stacks.unresolved_keys,
                matched: statistics.stacks.matched,
            },
            pool: PoolFacts {
                alloc_events: statistics.pool_allocs,
                free_events: statistics.pool_frees,
                allocations: trace.allocations.len(),
                rundown_records: statistics.pool_rundown_records,
                group_enabled: &summary.pool_group_enabled,
            },
            diagnostics: trace.diagnostics.rows().iter().map(diagnostic).collect(),
        }
    }
}

impl RangeFacts {
    fn new(trace: &Trace, range: TimeRange) -> Self {
        Self { from: trace.clock.seconds(range.from), to: trace.clock.seconds(range.to) }
    }
}

impl RecordingFacts {
    fn new(trace: &Trace) -> Self {
        let (recorded, clock) = (&trace.recorded, &trace.clock);
        let hole = |hole: &Hole| HoleFacts {
            from: clock.seconds(hole.range.from),
            to: clock.seconds(hole.range.to),
            missing_events: hole.missing_events,
            missing_share: hole.missing_share(),
        };
        let cpu = |cpu: &CpuRange| CpuFacts {
            cpu: cpu.cpu,
            from: clock.seconds(cpu.first),
            to: clock.seconds(cpu.last),
            records: cpu.records,
            pool_events: cpu.pool_events,
            ended_early: recorded.ended_early.contains(&cpu.cpu),
        };
        Self {
            summary: recorded_range_text::sentence(trace),
            start_missing: recorded.start_missing,
            end_missing: recorded.end_missing,
            analyzable_range: RangeFacts::new(trace, recorded.analyzable),
            header_end_s: recorded.header_end.map(|end| clock.seconds(end)),
            buffers_written: recorded.buffers_written,
            missing_share: recorded.missing_share(),
            holes: recorded.holes.iter().map(hole).collect(),
            cpus: recorded.cpus.iter().map(cpu).collect(),
        }
    }
}

/// Writes the facts as rows; names of nested fields are joined by dots.
fn write_csv(facts: &Value, io: &mut Io<'_>) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(&mut io.out);
    writer.write_record(["name", "value"])?;
    let mut rows = Vec::new();
    flatten("", facts, &mut rows);
    for (name, value) in rows {
        writer.write_record([name, value])?;
    }
    writer.flush()?;
    Ok(())
}

fn flatten(path: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    let join = |name: &str| {
        if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| flatten(&join(name), value, rows)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| flatten(&join(&at.to_string()), value, rows));
        }
        Value::String(text) => rows.push((path.to_owned(), text.clone())),
        Value::Null => rows.push((path.to_owned(), String::new())),
        other => rows.push((path.to_owned(), other.to_string())),
    }
}

fn write_text(trace: &Trace, name: &str, io: &mut Io<'_>) -> anyhow::Result<()> {
    let out = &mut io.out;
    if !trace.has_times() {
        return write_log_text(trace, name, io);
    }
    for (label, value) in system_lines(trace, name).into_iter().chain(count_lines(trace)) {
        writeln!(out, "{label:<12} {value}")?;
    }
    if !trace.summary.parts.is_empty() {
        writeln!(out, "\nFiles")?;
    }
    for part in &trace.summary.parts {
        writeln!(out, "  {}", part.name)?;
        writeln!(out, "      {}", part_text::facts(trace, part))?;
    }
    writeln!(out, "\nKernel records by hook")?;
    for (hook, count) in &trace.statistics.hooks {
        writeln!(out, "  0x{hook:04X} {:>14}", format::count(*count))?;
    }
    writeln!(out, "\nRecords by provider")?;
    for (guid, count) in &trace.statistics.providers {
        writeln!(out, "  {guid} {:>14}", format::count(*count))?;
    }
    write_diagnostics(trace, out)
}

/// Facts about a debugger log.
fn write_log_text(trace: &Trace, name: &str, io: &mut Io<'_>) -> anyhow::Result<()> {
    let out = &mut io.out;
    let bits = if trace.summary.pointer_size == 4 { "32-bit" } else { "64-bit" };
    let statistics = &trace.statistics;
    let count = |count: u64, one: &str, more: &str| format::counted(count, one, more);
    writeln!(out, "Debugger log {name}, {}, {bits}, without times", format::bytes(trace.summary.file_bytes))?;
    writeln!(
        out,
        "{}, {}, {}, {} modules on stacks",
        count(statistics.pool_allocs, "allocation", "allocations"),
        count(statistics.pool_frees, "free", "frees"),
        count(statistics.stack_records, "stack", "stacks"),
        trace.modules.modules().len()
    )?;
    write_diagnostics(trace, out)
}

fn write_diagnostics(trace: &Trace, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "\nDiagnostics")?;
    if trace.diagnostics.rows().is_empty() {
        writeln!(out, "  none")?;
    }
    for row in trace.diagnostics.rows() {
        writeln!(out, "  {} ({}, {})", row.kind.name(), row.kind.severity().name(), format::count(row.count))?;
        writeln!(out, "      {}", row.kind.effect())?;
        for issue in part_text::issues_by_file(trace, row.kind) {
            writeln!(out, "      {} in {}", format::count(issue.count), issue.file)?;
        }
    }
    Ok(())
}

/// System and recording.
fn system_lines(trace: &Trace, name: &str) -> Vec<(&'static str, String)> {
    let summary = &trace.summary;
    let bits = if summary.pointer_size == 4 { "32-bit" } else { "64-bit" };
    let os = summary.os_name.as_ref().map_or_else(String::new, |name| format!(", {name}"));
    let start = format::rfc3339(summary.start_filetime).unwrap_or_else(|| "unknown".to_owned());
    let duration = format::duration(trace.clock.seconds(trace.extent.to));
    let clock = &trace.clock;
    let mut lines = vec![
        ("Trace", format!("{name}, {}", format::bytes(summary.file_bytes))),
        ("System", format!("Windows build {}, {bits}, {} CPUs{os}", summary.os_build, summary.cpus)),
        ("Recorded", format!("{start}, {duration}, logger \"{}\"", summary.session_name)),
        ("Range", recorded_range_text::sentence(trace)),
        ("Clock", format!("{}, {} Hz", clock.kind.name(), format::count(clock.ticks_per_second))),
    ];
    if let (Some(computer), Some(mb)) = (&summary.computer, summary.memory_mb) {
        lines.insert(2, ("Computer", format!("{computer}, {} of memory", format::bytes(u64::from(mb) << 20))));
    }
    lines
}

/// Contents of the trace.
fn count_lines(trace: &Trace) -> Vec<(&'static str, String)> {
    let (summary, statistics, stacks) = (&trace.summary, &trace.statistics, &trace.statistics.stacks);
    let n = format::count;
    let mut lines = vec![
        (
            "Buffers",
            format!(
                "{} ({}), {} lost",
                n(statistics.buffers),
                statistics
                    .compressed_buffers
                    .map_or_else(|| "from the header".to_owned(), |count| format!("{} compressed", n(count))),
                n(summary.buffers_lost)
            ),
        ),
        ("Records", format!("{}, {} events lost", n(statistics.records), n(summary.events_lost))),
        ("Images", format!("{} of {} modules", trace.modules.loaded_images().len(), trace.modules.modules().len())),
        ("Processes", n(trace.processes.recorded_count() as u64)),
        (
            "Stacks",
            format!(
                "{} records, {} distinct, keys {} resolved, {} not",
                n(statistics.stack_records),
                n(stacks.distinct),
                n(stacks.resolved_keys),
                n(stacks.unresolved_keys)
            ),
        ),
        (
            "Pool",
            format!(
                "{} allocation events, {} free events: {} allocations, {} rundown records",
                n(statistics.pool_allocs),
                n(statistics.pool_frees),
                n(trace.allocations.len() as u64),
                n(statistics.pool_rundown_records)
            ),
        ),
    ];
    if let Some((first, last)) = pool_times(trace) {
        lines.push(("Pool events", format!("from {first:.6} s to {last:.6} s")));
    }
    lines
}

/// First and last time of an allocation or free in seconds; `None` without pool events.
fn pool_times(trace: &Trace) -> Option<(f64, f64)> {
    let allocations = &trace.allocations;
    let times = allocations.alloc_time.iter().chain(allocations.free_time.iter().copied()).filter(|t| t.is_known());
    let (first, last) = times.fold((Ticks::NEVER, Ticks::UNKNOWN), |(a, b), t| (a.min(t), b.max(t)));
    (first <= last).then(|| (trace.clock.seconds(first), trace.clock.seconds(last)))
}
