//! `case`: traces, pool snapshots, debugger logs and performance logs of one machine together: what each shows, and what they support
//! together.

use super::io::Io;
use super::open::{TraceArgs, UsageError};
use super::output_format::OutputFormat;
use super::symbol_args::SymbolArgs;
use crate::case::files::{ListError, SortedFile, list};
use crate::case::text::{file_names, period, with_full_stop};
use crate::case::{Case, Evidence, EvidenceKind, ReadTrace, TraceReader, collect};
use crate::format;
use crate::trace_location::parts_of;
use poolscope_analysis::load::{LoadOptions, StackScope};
use schemars::JsonSchema;
use serde::Serialize;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// Reads traces as other commands do, with a progress bar and warnings.
struct CommandTraces<'a, 'io> {
    symbols: &'a SymbolArgs,
    io: &'a mut Io<'io>,
}

impl TraceReader for CommandTraces<'_, '_> {
    fn read(&mut self, path: &Path) -> anyhow::Result<ReadTrace> {
        let args = TraceArgs { trace: parts_of(path), ..TraceArgs::default() };
        let options = LoadOptions { stacks: StackScope::Pool, ..LoadOptions::default() };
        args.with_trace(self.io, options, |trace, _, io| {
            let resolved = self.symbols.resolve(trace, &args, io)?;
            let symbols = resolved.map(|resolved| resolved.table(trace));
            // Remarks on how the trace was opened are warnings already.
            Ok(ReadTrace { trace: Arc::clone(trace), symbols, notes: Vec::new() })
        })
    }
}

/// Runs the command.
///
/// # Errors
/// No file can be used, or the output cannot be written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    let files = list(&args.files).map_err(|error| match error {
        ListError::TooMany { .. } => anyhow::Error::new(UsageError(error.to_string())),
        ListError::Folder { .. } => error.into(),
    })?;
    let sorted = files.into_iter().map(SortedFile::new).collect();
    let cancel = io.cancel.clone();
    let mut traces = CommandTraces { symbols: &args.symbols, io };
    let Ok(case) = collect(sorted, &mut traces, &mut |_, _| {}, &cancel) else { anyhow::bail!("interrupted") };
    for file in &case.unused {
        writeln!(io.err, "poolscope: warning: {} is not used: {}", file.path.display(), file.reason)?;
    }
    if case.pieces.is_empty() {
        anyhow::bail!("no file is a trace, a pool snapshot, a debugger log or a performance log");
    }
    match args.format {
        OutputFormat::Json => {
            let unused = case
                .unused
                .iter()
                .map(|file| Unused { file: file.path.display().to_string(), reason: &file.reason })
                .collect();
            let evidence = case.pieces.iter().map(|piece| &piece.evidence).collect();
            let document = Document { conclusions: &case.conclusions, evidence, unused };
            serde_json::to_writer_pretty(&mut io.out, &document)?;
            writeln!(io.out)?;
        }
        _ => write_text(&case, io)?,
    }
    Ok(0)
}

fn write_text(case: &Case, io: &mut Io<'_>) -> std::io::Result<()> {
    let (bold, end) = if io.color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    if !case.conclusions.is_empty() {
        writeln!(io.out, "{bold}Together{end}")?;
        case.conclusions.iter().try_for_each(|sentence| writeln!(io.out, "  {}", with_full_stop(sentence)))?;
        writeln!(io.out)?;
    }
    let bias_ms = case.bias_ms();
    for (at, piece) in case.pieces.iter().enumerate() {
        let evidence = &piece.evidence;
        let blank = if at == 0 { "" } else { "\n" };
        writeln!(
            io.out,
            "{blank}{bold}{}{end}: {}, {}",
            format::sentence_case(evidence.kind.name()),
            file_names(evidence),
            period(evidence, bias_ms)
        )?;
        // What a trace lacks was a warning when it was read.
        let remarks = evidence
            .remarks
            .iter()
            .filter(|_| !matches!(evidence.kind, EvidenceKind::DebuggerLog | EvidenceKind::Trace));
        let sentences = evidence.summary.iter().chain(remarks);
        sentences.into_iter().try_for_each(|sentence| writeln!(io.out, "  {}", with_full_stop(sentence)))?;
    }
    Ok(())
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
    evidence: Vec<&'d Evidence>,
    unused: Vec<Unused<'d>>,
}

#[derive(JsonSchema, Serialize)]
struct Unused<'d> {
    file: String,
    reason: &'d str,
}
