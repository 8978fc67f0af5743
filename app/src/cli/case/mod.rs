//! `case`: traces, pool snapshots, debugger logs and performance logs of one machine together: what each shows, and what they support together.

mod agreement;
mod evidence;

use super::io::Io;
use super::open::UsageError;
use super::output_format::OutputFormat;
use super::symbol_args::SymbolArgs;
use crate::format;
use anyhow::Context as _;
use evidence::{Collected, Evidence, collect};
use poolscope_recording::poolmon::time;
use schemars::JsonSchema;
use serde::Serialize;
use std::io::Write as _;
use std::path::PathBuf;

/// Options of `case`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Traces (.etl), output of poolmon and the like, debugger logs, performance logs as text; of a folder, all files in it
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    symbols: SymbolArgs,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = OutputFormat::parser(&FORMATS))]
    format: OutputFormat,
}

const FORMATS: [OutputFormat; 2] = [OutputFormat::Text, OutputFormat::Json];

/// Upper bound on files of a case; a folder with more is no case.
const FILES_MAX: usize = 2000;

/// Runs the command.
///
/// # Errors
/// No file can be used, or the output cannot be written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    let files = files(&args.files)?;
    let collected = collect(&files, &args.symbols, io)?;
    for (path, reason) in &collected.unused {
        writeln!(io.err, "poolscope: warning: {} is not used: {reason}", path.display())?;
    }
    if collected.evidence.is_empty() {
        anyhow::bail!("no file is a trace, a pool snapshot, a debugger log or a performance log");
    }
    let conclusions = agreement::conclusions(&collected.evidence);
    match args.format {
        OutputFormat::Json => {
            let unused = collected
                .unused
                .iter()
                .map(|(path, reason)| Unused { file: path.display().to_string(), reason })
                .collect();
            let document = Document { conclusions: &conclusions, evidence: &collected.evidence, unused };
            serde_json::to_writer_pretty(&mut io.out, &document)?;
            writeln!(io.out)?;
        }
        _ => write_text(&collected, &conclusions, io)?,
    }
    Ok(0)
}

/// The files, with those of folders in the order of their names.
fn files(given: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in given {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).with_context(|| format!("cannot read the folder {}", path.display()))?;
        let mut inside: Vec<PathBuf> =
            entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_file()).collect();
        inside.sort();
        files.extend(inside);
        if files.len() > FILES_MAX {
            return Err(UsageError(format!(
                "{} holds more than {FILES_MAX} files: name those of the case",
                path.display()
            ))
            .into());
        }
    }
    Ok(files)
}

fn write_text(collected: &Collected, conclusions: &[String], io: &mut Io<'_>) -> std::io::Result<()> {
    let (bold, end) = if io.color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    if !conclusions.is_empty() {
        writeln!(io.out, "{bold}Together{end}")?;
        conclusions.iter().try_for_each(|sentence| writeln!(io.out, "  {sentence}{}", full_stop(sentence)))?;
        writeln!(io.out)?;
    }
    // The clock of the machine, if any evidence knows its difference from UTC.
    let bias_ms = collected.evidence.iter().find_map(|evidence| evidence.bias_ms);
    for (at, evidence) in collected.evidence.iter().enumerate() {
        let blank = if at == 0 { "" } else { "\n" };
        writeln!(
            io.out,
            "{blank}{bold}{}{end}: {}{}",
            format::sentence_case(evidence.kind.name()),
            file_names(evidence),
            period(evidence, bias_ms)
        )?;
        evidence.summary.iter().try_for_each(|sentence| writeln!(io.out, "  {sentence}{}", full_stop(sentence)))?;
    }
    Ok(())
}

const fn full_stop(sentence: &str) -> &'static str {
    match sentence.as_bytes().last() {
        Some(b'.' | b'?') => "",
        _ => ".",
    }
}

fn file_names(evidence: &Evidence) -> String {
    match evidence.files.as_slice() {
        [one] => one.clone(),
        [first, .., last] => format!("{first} to {last} ({} files)", evidence.files.len()),
        [] => String::new(),
    }
}

/// The period of evidence on the machine's clock where its difference from UTC is known.
fn period(evidence: &Evidence, bias_ms: Option<i64>) -> String {
    let Some((from, to)) = evidence.period_ms else { return ", without times".to_owned() };
    let (bias, zone) = match (evidence.is_utc, bias_ms) {
        (true, Some(bias)) => (bias, ""),
        (true, None) => (0, " UTC"),
        (false, _) => (0, ""),
    };
    let length = format::long_duration((to - from) as f64 / 1000.0);
    format!(", {} to {}{zone}, {length}", time::text(from - bias), time::text(to - bias))
}

/// JSON Schema of the document.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    poolscope_analysis::export::schema::of_value::<Document<'_>>()
}

/// The JSON document.
#[derive(JsonSchema, Serialize)]
struct Document<'d> {
    conclusions: &'d [String],
    evidence: &'d [Evidence],
    unused: Vec<Unused<'d>>,
}

#[derive(JsonSchema, Serialize)]
struct Unused<'d> {
    file: String,
    reason: &'d str,
}
