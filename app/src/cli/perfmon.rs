//! `perfmon`: growth of pools and of processes' handles in a performance log, as text, CSV and JSON.

use super::io::Io;
use super::output_format::OutputFormat;
use super::table::{Column, Table};
use crate::case::files::read_counter_log;
use crate::{counter_text, format};
use poolscope_recording::counters::analysis::Growth;
use poolscope_recording::counters::{CounterAnalysis, CounterLog, analyze};
use poolscope_recording::poolmon::time;
use schemars::JsonSchema;
use serde::Serialize;
use std::io::Write as _;
use std::path::PathBuf;

/// Options of `perfmon`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Performance log as text: output of relog -f csv or tsv, of typeperf, or of a data collector set
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Number of processes (default: 20 in text, else all)
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = OutputFormat::parser(&FORMATS))]
    format: OutputFormat,
}

const FORMATS: [OutputFormat; 3] = [OutputFormat::Text, OutputFormat::Csv, OutputFormat::Json];

/// Default number of processes in text.
const DEFAULT_TOP: usize = 20;
/// Runs the command.
///
/// # Errors
/// The log cannot be read, or the output cannot be written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    let log = read_counter_log(&args.file)?;
    if let Some((line, text)) = log.odd_lines.first() {
        let lines = format::counted(log.odd_line_count as u64, "line is no sample", "lines are no samples");
        writeln!(io.err, "poolscope: warning: {lines}, the first is line {line}: '{text}'")?;
    }
    let analysis = analyze(&log);
    let top = args.top.unwrap_or(if args.format == OutputFormat::Text { DEFAULT_TOP } else { usize::MAX });
    let rows = Row::rows(&log, &analysis);
    match args.format {
        OutputFormat::Json => {
            let document = Document {
                computer: &log.computer,
                heading: counter_text::heading(&log, &analysis),
                summary: counter_text::summary(&log, &analysis),
                first: log.local_ms(analysis.first_sample).map(time::text),
                utc_offset_minutes: log.bias_ms.map(|bias| -bias / 60_000),
                samples: log.times_ms.len(),
                rows: limited(&rows, top),
            };
            serde_json::to_writer_pretty(&mut io.out, &document)?;
            writeln!(io.out)?;
        }
        OutputFormat::Csv => {
            let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(&mut io.out);
            writer.write_record(Row::FIELDS)?;
            limited(&rows, top).into_iter().try_for_each(|row| writer.serialize(row))?;
            writer.flush()?;
        }
        _ => write_text(&log, &analysis, &rows, top, io)?,
    }
    Ok(0)
}

fn write_text(
    log: &CounterLog,
    analysis: &CounterAnalysis,
    rows: &[Row],
    top: usize,
    io: &mut Io<'_>,
) -> std::io::Result<()> {
    let (bold, end) = if io.color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    writeln!(io.out, "{bold}{}{end}", counter_text::heading(log, analysis))?;
    counter_text::summary(log, analysis).iter().try_for_each(|sentence| writeln!(io.out, "{sentence}."))?;
    let shown = limited(rows, top);
    let columns = vec![
        Column::text("Counter"),
        Column::number("First"),
        Column::number("Last"),
        Column::number("Per hour"),
        Column::text("Since"),
        Column::text("Shape"),
        Column::text("Rises with"),
    ];
    let table = Table::new(columns, shown.iter().map(|row| row.cells()).collect());
    writeln!(io.out, "\n{}", table.header())?;
    (0..shown.len()).try_for_each(|at| writeln!(io.out, "{}", table.row(at)))?;
    let processes = analysis.processes.len();
    if processes > top {
        writeln!(io.out, "{} more processes; --top shows them.", format::count((processes - top) as u64))?;
    }
    Ok(())
}

/// The pools and the first processes.
fn limited(rows: &[Row], top: usize) -> Vec<&Row> {
    let pools = rows.iter().filter(|row| row.process.is_none());
    pools.chain(rows.iter().filter(|row| row.process.is_some()).take(top)).collect()
}

/// JSON Schema of the document.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    poolscope_analysis::export::schema::of_value::<Document<'_>>()
}

/// The JSON document.
#[derive(JsonSchema, Serialize)]
struct Document<'d> {
    computer: &'d str,
    heading: String,
    summary: Vec<String>,
    /// First sample that is analyzed, on the machine's clock.
    first: Option<String>,
    utc_offset_minutes: Option<i64>,
    samples: usize,
    rows: Vec<&'d Row>,
}

/// One curve: bytes of a pool, or handles of a process.
#[derive(JsonSchema, Serialize)]
struct Row {
    counter: &'static str,
    process: Option<String>,
    process_id: Option<u32>,
    first: f64,
    last: f64,
    per_hour: f64,
    per_hour_low: f64,
    per_hour_high: f64,
    since: Option<String>,
    shape: &'static str,
    is_steady: bool,
    rises_with: Option<&'static str>,
    correlation: Option<f64>,
    bytes_per_handle: Option<f64>,
    hours_to_exhaustion: Option<f64>,
}

impl Row {
    const FIELDS: [&'static str; 15] = [
        "counter",
        "process",
        "process_id",
        "first",
        "last",
        "per_hour",
        "per_hour_low",
        "per_hour_high",
        "since",
        "shape",
        "is_steady",
        "rises_with",
        "correlation",
        "bytes_per_handle",
        "hours_to_exhaustion",
    ];

    fn rows(log: &CounterLog, analysis: &CounterAnalysis) -> Vec<Self> {
        let pools = analysis.pools.iter().map(|pool| Self {
            hours_to_exhaustion: pool.hours_left,
            ..Self::new(pool.pool.name(), log, &pool.growth)
        });
        let processes = analysis.processes.iter().map(|process| Self {
            process: Some(process.process.clone()),
            process_id: process.process_id,
            rises_with: process.rises_with.map(|(pool, _)| pool.name()),
            correlation: process.rises_with.map(|(_, correlation)| correlation),
            bytes_per_handle: process.bytes_per_handle,
            ..Self::new("Handle Count", log, &process.growth)
        });
        pools.chain(processes).collect()
    }

    fn new(counter: &'static str, log: &CounterLog, growth: &Growth) -> Self {
        Self {
            counter,
            process: None,
            process_id: None,
            first: growth.ends.0,
            last: growth.ends.1,
            per_hour: growth.per_hour,
            per_hour_low: growth.interval.0,
            per_hour_high: growth.interval.1,
            since: growth.onset.and_then(|sample| log.local_ms(sample)).map(time::text),
            shape: growth.shape.name(),
            is_steady: growth.is_steady,
            rises_with: None,
            correlation: None,
            bytes_per_handle: None,
            hours_to_exhaustion: None,
        }
    }

    fn cells(&self) -> Vec<String> {
        let number = |value: f64| match self.process {
            Some(_) => format::signed_count(value.round() as i64),
            None => format::signed_bytes(value.round() as i64),
        };
        let name = match &self.process {
            Some(process) => {
                format!("handles of {process}{}", self.process_id.map_or_else(String::new, |id| format!(" ({id})")))
            }
            None => format!("{} pool", self.counter),
        };
        let since = self.since.clone().unwrap_or_default();
        let with = self.rises_with.map_or_else(String::new, |pool| format!("{pool} pool"));
        vec![name, number(self.first), number(self.last), number(self.per_hour), since, self.shape.to_owned(), with]
    }
}
