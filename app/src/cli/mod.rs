//! The command line: one file per command, all over the same engine. Results go to standard output, everything else to
//! standard error. Exit codes: 0 done, 1 could not, 2 wrong usage, 3 a `--fail-if` held.

pub mod associate;
pub mod driver_args;
mod fail_if;
pub mod info;
pub mod io;
pub mod leaks;
mod leaks_html;
mod leaks_markdown;
mod leaks_text;
#[cfg(test)]
mod odd_paths;
pub mod open;
pub mod poolmon;
mod poolmon_table;
pub mod record;
pub mod record_args;
pub mod report;
mod report_markdown;
mod report_text;
pub mod selection;
pub mod series;
pub mod symbol_args;
pub mod symbols;
mod symbols_text;
pub mod synth;
pub mod synth_words;
pub mod uncertain_stacks;
mod units;

use crate::association::SystemAssociation;
use clap::{Parser, Subcommand};
use io::Io;
use std::ffi::OsString;
use std::path::PathBuf;

/// Finds kernel pool leaks in Windows Performance Toolkit traces (.etl).
#[derive(Parser, Debug)]
#[command(name = "poolscope", version, about, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Cli {
    /// Opens these traces in the window, each in a tab of its own
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Opens the built-in sample trace in the window
    #[arg(long, conflicts_with = "files")]
    demo: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// What the trace is: system, clock, losses, records by kind, anomalies
    Info(info::Args),
    /// The pivot: who allocated what, grouped by any columns
    Report(report::Args),
    /// The graph as numbers: curves over time by any columns
    Series(series::Args),
    /// The verdict: which tag, function and driver leaks, and how we know
    Leaks(Box<leaks::Args>),
    /// Finds the symbols that the trace needs and keeps them; says what became of each module
    Symbols(symbols::Args),
    /// Before the trace: a recording profile, the commands beside it, a script that needs no key press
    Record(Box<record_args::Args>),
    /// Without a trace: what poolmon or !poolused printed, as a table, or the growth between two
    #[command(visible_alias = "poolused")]
    Poolmon(poolmon::Args),
    Synth(Box<synth::SynthArgs>),
    /// Offers poolscope for .etl files of this user (Windows)
    Associate(associate::Args),
}

/// What the window opens with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowRequest {
    /// Nothing.
    Empty,
    /// The built-in sample.
    Sample,
    /// Trace files.
    Files(Vec<PathBuf>),
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done: end with this code.
    Exit(u8),
    /// Open the window.
    Window(WindowRequest),
}

/// Exit code of a command that could not do its work.
const COULD_NOT: u8 = 1;

/// Runs a command line.
pub fn run(args: impl IntoIterator<Item = OsString>, io: &mut Io<'_>) -> Outcome {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return Outcome::Exit(usage(&error, io)),
    };
    let result = match cli.command {
        None if cli.demo => return Outcome::Window(WindowRequest::Sample),
        None if cli.files.is_empty() => return Outcome::Window(WindowRequest::Empty),
        None => return Outcome::Window(WindowRequest::Files(cli.files)),
        Some(Command::Info(args)) => info::run(&args, io),
        Some(Command::Report(args)) => report::run(&args, io),
        Some(Command::Series(args)) => series::run(&args, io),
        Some(Command::Leaks(args)) => leaks::run(&args, io),
        Some(Command::Symbols(args)) => symbols::run(&args, io),
        Some(Command::Record(args)) => record::run(&args, io),
        Some(Command::Poolmon(args)) => poolmon::run(&args, io),
        Some(Command::Synth(args)) => synth::run(&args, &mut io.out, &mut io.err),
        Some(Command::Associate(args)) => associate::run(args, &SystemAssociation, io),
    };
    let result = result.and_then(|code| io.out.flush().map(|()| code).map_err(Into::into));
    Outcome::Exit(report(result, io))
}

/// The exit code of a result, after a failure was told.
pub fn report(result: anyhow::Result<u8>, io: &mut Io<'_>) -> u8 {
    result.unwrap_or_else(|error| failure(&error, io))
}

/// Help and version are results; anything else is wrong usage.
fn usage(error: &clap::Error, io: &mut Io<'_>) -> u8 {
    let text = if io.color { error.render().ansi().to_string() } else { error.render().to_string() };
    let stream: &mut dyn std::io::Write = if error.use_stderr() { &mut io.err } else { &mut io.out };
    // Nobody can be told that even this could not be written.
    let written = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    if written.is_err() { COULD_NOT } else { error.exit_code() as u8 }
}

/// Tells the user why it could not be done. A reader that went away (`| head`) is no failure.
fn failure(error: &anyhow::Error, io: &mut Io<'_>) -> u8 {
    let is_broken_pipe = |cause: &(dyn std::error::Error + 'static)| {
        let direct = cause.downcast_ref::<std::io::Error>();
        direct.is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(is_broken_pipe) {
        return 0;
    }
    let code = if error.is::<open::Usage>() { 2 } else { COULD_NOT };
    let written = writeln!(io.err, "poolscope: {error:#}").and_then(|()| io.err.flush());
    if written.is_err() { COULD_NOT } else { code }
}
