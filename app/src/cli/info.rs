//! `info`: what a trace is, before any question about pool is asked.

use super::io::Io;
use super::open::TraceArgs;
use crate::{format, recorded_range_text};
use poolscope_analysis::trace::Trace;
use poolscope_analysis::load::LoadOptions;
use poolscope_analysis::trace::time::{Ticks, TimeRange};
use serde_json::{Map, Value, json};
use std::io::Write;

/// Options of `info`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Output formats of `info`.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Format {
    /// For reading
    #[default]
    Text,
    /// Rows of `name,value`
    Csv,
    /// One object
    Json,
}

/// Runs the command.
///
/// # Errors
/// The trace cannot be loaded, or the output cannot be written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    let name = args.trace.name();
    args.trace.with_trace(io, LoadOptions::default(), |trace, _, io| {
        match args.format {
            Format::Json => {
                serde_json::to_writer_pretty(&mut io.out, &facts(trace, &name))?;
                writeln!(io.out)?;
            }
            Format::Csv => csv(&facts(trace, &name), io)?,
            Format::Text => text(trace, &name, io)?,
        }
        Ok(0)
    })
}

/// Everything about a trace, as one JSON object with the names of the contract.
fn facts(trace: &Trace, name: &str) -> Value {
    let (summary, census) = (&trace.summary, &trace.statistics);
    let hooks: Map<String, Value> =
        census.hooks.iter().map(|(hook, count)| (format!("0x{hook:04X}"), json!(count))).collect();
    let providers: Map<String, Value> =
        census.providers.iter().map(|(guid, count)| (guid.to_string(), json!(count))).collect();
    let diagnostics: Vec<Value> = trace
        .diagnostics
        .rows()
        .iter()
        .map(|row| {
            json!({
                "kind": row.kind.name(),
                "severity": row.kind.severity().name(),
                "count": row.count,
                "effect": row.kind.effect(),
                "offsets": row.offsets,
            })
        })
        .collect();
    json!({
        "trace": name,
        "file_bytes": summary.file_bytes,
        "records": census.records,
        "hooks": hooks,
        "providers": providers,
        "messages": census.messages,
        "buffers": { "total": census.buffers, "compressed": census.compressed_buffers },
        "pointer_size": summary.pointer_size,
        "os_build": summary.os_build,
        "os_name": summary.os_name,
        "computer": summary.computer,
        "memory_mb": summary.memory_mb,
        "session_name": summary.session_name,
        "log_file_mode": summary.log_file_mode,
        "cpus": summary.cpus,
        "clock": trace.clock.kind.name(),
        "perf_freq": summary.perf_freq,
        "start": format::rfc3339(summary.start_filetime),
        "duration_s": trace.clock.seconds(trace.extent.to),
        "recorded_range": range(trace, trace.recorded.range),
        "analyzed_range": range(trace, trace.recorded.analyzed(trace.extent)),
        "recording": recording(trace),
        "events_lost": summary.events_lost,
        "buffers_lost": summary.buffers_lost,
        "images": trace.modules.loaded_images().len(),
        "modules": trace.modules.modules().len(),
        "processes": trace.processes.recorded_count(),
        "stacks": {
            "records": census.stack_records,
            "definitions": census.stack_definitions,
            "distinct": census.stacks.distinct,
            "resolved_keys": census.stacks.resolved_keys,
            "unresolved_keys": census.stacks.unresolved_keys,
            "matched": census.stacks.matched,
        },
        "pool": {
            "alloc_events": census.pool_allocs,
            "free_events": census.pool_frees,
            "allocations": trace.allocations.len(),
            "snapshots": census.pool_rundown_records,
            "group_enabled": summary.pool_group_enabled,
        },
        "diagnostics": diagnostics,
    })
}

/// A range in seconds from time zero.
fn range(trace: &Trace, view: TimeRange) -> Value {
    json!({ "from": trace.clock.seconds(view.from), "to": trace.clock.seconds(view.to) })
}

/// The part of the recording that the file holds: ranges of the CPUs, and holes.
fn recording(trace: &Trace) -> Value {
    let (recorded, clock) = (&trace.recorded, &trace.clock);
    let holes: Vec<Value> = recorded
        .holes
        .iter()
        .map(|hole| {
            json!({
                "from": clock.seconds(hole.range.from),
                "to": clock.seconds(hole.range.to),
                "missing_events": hole.missing_events,
                "missing_share": hole.missing_share(),
            })
        })
        .collect();
    let cpus: Vec<Value> = recorded
        .cpus
        .iter()
        .map(|cpu| {
            json!({
                "cpu": cpu.cpu,
                "from": clock.seconds(cpu.first),
                "to": clock.seconds(cpu.last),
                "records": cpu.records,
                "pool_events": cpu.pool_events,
                "ended_early": recorded.ended_early.contains(&cpu.cpu),
            })
        })
        .collect();
    json!({
        "summary": recorded_range_text::sentence(trace),
        "start_missing": recorded.start_missing,
        "end_missing": recorded.end_missing,
        "analyzable_range": range(trace, recorded.analyzable),
        "header_end_s": recorded.header_end.map(|end| clock.seconds(end)),
        "buffers_written": recorded.buffers_written,
        "missing_share": recorded.missing_share(),
        "holes": holes,
        "cpus": cpus,
    })
}

/// The object as rows: nested names joined by dots.
fn csv(facts: &Value, io: &mut Io<'_>) -> anyhow::Result<()> {
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

fn text(trace: &Trace, name: &str, io: &mut Io<'_>) -> anyhow::Result<()> {
    let out = &mut io.out;
    for (label, value) in system_lines(trace, name).into_iter().chain(count_lines(trace)) {
        writeln!(out, "{label:<12} {value}")?;
    }
    writeln!(out, "\nKernel records by hook")?;
    for (hook, count) in &trace.statistics.hooks {
        writeln!(out, "  0x{hook:04X} {:>14}", format::count(*count))?;
    }
    writeln!(out, "\nRecords by provider")?;
    for (guid, count) in &trace.statistics.providers {
        writeln!(out, "  {guid} {:>14}", format::count(*count))?;
    }
    writeln!(out, "\nAnomalies")?;
    if trace.diagnostics.rows().is_empty() {
        writeln!(out, "  none")?;
    }
    for row in trace.diagnostics.rows() {
        writeln!(out, "  {} ({}, {})", row.kind.name(), row.kind.severity().name(), format::count(row.count))?;
        writeln!(out, "      {}", row.kind.effect())?;
    }
    Ok(())
}

/// Where and how it was recorded.
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

/// What it holds.
fn count_lines(trace: &Trace) -> Vec<(&'static str, String)> {
    let (summary, census, stacks) = (&trace.summary, &trace.statistics, &trace.statistics.stacks);
    let n = format::count;
    let mut lines = vec![
        (
            "Buffers",
            format!(
                "{} ({}), {} lost",
                n(census.buffers),
                census
                    .compressed_buffers
                    .map_or_else(|| "by the header".to_owned(), |count| format!("{} compressed", n(count))),
                n(summary.buffers_lost)
            ),
        ),
        ("Records", format!("{}, {} events lost", n(census.records), n(summary.events_lost))),
        ("Images", format!("{} of {} modules", trace.modules.loaded_images().len(), trace.modules.modules().len())),
        ("Processes", n(trace.processes.recorded_count() as u64)),
        (
            "Stacks",
            format!(
                "{} records, {} distinct, keys {} resolved, {} not",
                n(census.stack_records),
                n(stacks.distinct),
                n(stacks.resolved_keys),
                n(stacks.unresolved_keys)
            ),
        ),
        (
            "Pool",
            format!(
                "{} allocations, {} frees: {} blocks, {} snapshot records",
                n(census.pool_allocs),
                n(census.pool_frees),
                n(trace.allocations.len() as u64),
                n(census.pool_rundown_records)
            ),
        ),
    ];
    if let Some((first, last)) = pool_times(trace) {
        lines.push(("Pool events", format!("from {first:.6} s to {last:.6} s")));
    }
    lines
}

/// First and last moment of a block's life that the trace shows, in seconds.
fn pool_times(trace: &Trace) -> Option<(f64, f64)> {
    let allocations = &trace.allocations;
    let moments = allocations.alloc_time.iter().chain(&allocations.free_time).filter(|t| t.is_known());
    let (first, last) = moments.fold((Ticks::NEVER, Ticks::UNKNOWN), |(a, b), &t| (a.min(t), b.max(t)));
    (first <= last).then(|| (trace.clock.seconds(first), trace.clock.seconds(last)))
}
