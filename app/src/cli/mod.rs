//! The command line: one file per command. Results go to standard output, messages to standard error. Exit codes: 0 success,
//! 1 failure, 2 usage error, 3 a condition of `--fail-if` is true, 130 interrupted.

mod associate;
mod case;
pub mod command_line;
mod completions;
#[cfg_attr(not(feature = "fleet"), path = "no_dataset.rs")]
mod dataset;
mod diff;
mod export;
mod fail_if;
mod fleet;
mod info;
pub mod interrupt;
pub mod io;
mod leaks;
mod man;
pub mod mcp;
mod mistyped;
pub mod open;
mod output_format;
mod package;
mod perfmon;
mod poolmon;
pub mod progress;
mod record;
mod report;
pub mod schema;
mod selection;
mod series;
mod slice;
pub mod symbol_args;
mod symbols;
mod synth;
mod units;

use crate::association::SystemAssociation;
use crate::output_file;
use crate::text_table as table;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use command_line::CommandLine;
use io::{ColorChoice, Io};
use std::ffi::OsString;
use std::path::PathBuf;

/// Help heading of options of all commands.
const GLOBAL_HEADING: &str = "Options of all commands";

/// Advice on which evidence to collect.
const WHICH_TOOL: &str = "To see which tag grows, and since when, compare listings of poolmon (or of !poolused, for a memory dump): they cost nothing and run for \
days. To name the function that allocates, record a trace of that tag; if the driver is known and a trace is not possible, use Driver Verifier (!verifier 3), and do not rely \
on !pool and !poolfind, which fail on many systems since Windows 10 1903 introduced the segment heap in the kernel.";

/// Finds kernel pool leaks in Windows Performance Toolkit traces (.etl).
#[derive(Parser, Debug)]
#[command(name = "poolscope", version, about, max_term_width = 100)]
#[command(after_help = WHICH_TOOL)]
#[command(override_usage = "poolscope [OPTIONS] [FILE]...\n       poolscope [OPTIONS] <COMMAND>")]
struct Cli {
    /// Files to open in the window: traces, each in its own tab; a performance log or poolmon's output on its own page; traces together with
    /// these, or a folder with them, as one case (without a display, what `case` prints)
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Opens the built-in sample trace in the window
    #[arg(long, conflicts_with = "files")]
    demo: bool,
    /// Colors of output and messages
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, global = true, help_heading = GLOBAL_HEADING)]
    color: ColorChoice,
    /// Shows results and errors only: no progress, warnings or notes
    #[arg(short, long, global = true, help_heading = GLOBAL_HEADING)]
    quiet: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Shows facts about a trace: system, clock, losses, records by kind, diagnostics
    Info(info::Args),
    /// Shows allocations grouped by any columns, as in the pivot table
    Report(report::Args),
    /// Shows series over time grouped by any columns, as in the graph
    Series(series::Args),
    /// Writes a report, table, graph or flame graph to a file, in the format of its ending; or a dataset of many traces to a folder
    Export(Box<export::Args>),
    /// Answers a question about a dataset of many traces with SQL, run by DuckDB as found on this machine
    Fleet(fleet::Args),
    /// Finds the tags, functions and drivers that leak, with the evidence
    Leaks(Box<leaks::Args>),
    /// Compares two traces, or two ranges of one: what is new, grown, shrunk or gone, and by how much
    Diff(Box<diff::Args>),
    /// Resolves and caches the symbols of a trace; lists the result for each module
    Symbols(symbols::Args),
    /// Creates a recording profile with the commands of wpr and xperf, and a script that records unattended
    Record(Box<record::Args>),
    /// Shows the output of poolmon or !poolused as a table, or the difference between two snapshots
    #[command(visible_alias = "poolused")]
    Poolmon(poolmon::Args),
    /// Shows what traces, pool snapshots and performance logs of one machine support together
    Case(case::Args),
    /// Shows the growth of pools and of processes' handles in a performance log
    Perfmon(perfmon::Args),
    /// Writes a part of a trace as a smaller trace to pass on
    Slice(slice::Args),
    /// Writes a trace with a view and the names of its functions as one file that opens the same picture elsewhere
    Package(Box<package::Args>),
    Synth(Box<synth::SynthArgs>),
    /// Registers poolscope for .etl files of the current user (Windows)
    Associate(associate::Args),
    /// Prints a script for completion in a shell
    Completions(completions::Args),
    /// Prints the man page (roff)
    Man,
    /// Prints the JSON Schemas of all JSON outputs, or of one
    Schema(schema::Args),
    /// Answers the questions of an assistant: a Model Context Protocol server on standard input and output
    Mcp(Box<mcp::Args>),
}

/// Content that the window opens with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowRequest {
    /// Nothing.
    Empty,
    /// The built-in sample.
    Sample,
    /// Traces, pool snapshots, performance logs, folders.
    Files(Vec<PathBuf>),
}

/// Result of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Exit with this code.
    Exit(u8),
    /// Open the window.
    Window(WindowRequest),
    /// Serve the Model Context Protocol on standard input and output.
    Server(Box<mcp::Args>),
}

/// Exit code of a failed command.
const EXIT_FAILURE: u8 = 1;

/// Runs a command line.
pub fn run(args: impl IntoIterator<Item = OsString>, io: &mut Io<'_>) -> Outcome {
    let args: Vec<OsString> = args.into_iter().collect();
    io.set_color_choice(mistyped::color_choice(&args));
    let mut definition = command();
    let (cli, matches) = match parse(&mut definition, &args) {
        Ok(parsed) => parsed,
        Err(error) => return Outcome::Exit(usage(&error, io)),
    };
    io.set_color_choice(cli.color);
    let Some(command) = cli.command else {
        return Outcome::Window(match cli.files {
            _ if cli.demo => WindowRequest::Sample,
            files if files.is_empty() => WindowRequest::Empty,
            files => WindowRequest::Files(files),
        });
    };
    let command = match command {
        Command::Mcp(args) => return Outcome::Server(args),
        other => other,
    };
    io.cancel_on_interrupt();
    let muted = cli.quiet.then(|| std::mem::replace(&mut io.err, Box::new(std::io::sink())));
    io.interactive &= !cli.quiet;
    let result = execute(command, &definition, &matches, io);
    let result = result.and_then(|code| io.out.flush().map(|()| code).map_err(Into::into));
    // `--quiet` does not hide errors.
    if let Some(err) = muted {
        io.err = err;
    }
    Outcome::Exit(exit_code(result, io))
}

/// The definition of the command line.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Parses a command line. A mistyped command is reported before clap reports the arguments after it.
fn parse(definition: &mut clap::Command, args: &[OsString]) -> Result<(Cli, ArgMatches), clap::Error> {
    let matches = definition.try_get_matches_from_mut(args).map_err(|error| {
        let is_usage = error.use_stderr();
        let mistyped = is_usage.then(|| mistyped::error_of_first_word(args, definition)).flatten();
        mistyped.map_or(error, |message| definition.error(clap::error::ErrorKind::InvalidSubcommand, message))
    })?;
    let cli = Cli::from_arg_matches(&matches)?;
    if let Some(message) = cli.files.iter().find_map(|file| mistyped::error_of_word(file.as_os_str(), definition)) {
        return Err(definition.error(clap::error::ErrorKind::InvalidSubcommand, message));
    }
    if cli.command.is_some() && (cli.demo || !cli.files.is_empty()) {
        let message = "FILE and --demo before a command open the window: give --demo after the command";
        return Err(definition.error(clap::error::ErrorKind::ArgumentConflict, message));
    }
    Ok((cli, matches))
}

fn execute(command: Command, definition: &clap::Command, matches: &ArgMatches, io: &mut Io<'_>) -> anyhow::Result<u8> {
    match command {
        Command::Info(args) => info::run(&args, io),
        Command::Report(args) => report::run(&args, io),
        Command::Series(args) => series::run(&args, io),
        Command::Export(mut args) => {
            let given = matches.subcommand().zip(definition.find_subcommand("export"));
            args.command_line =
                given.map_or_else(CommandLine::default, |((_, given), export)| CommandLine::of(export, given));
            export::run(&args, io)
        }
        Command::Fleet(args) => fleet::run(&args, io),
        Command::Leaks(mut args) => {
            let given = matches.subcommand().zip(definition.find_subcommand("leaks"));
            args.command_line =
                given.map_or_else(CommandLine::default, |((_, given), leaks)| CommandLine::of(leaks, given));
            leaks::run(&args, io)
        }
        Command::Diff(args) => diff::run(&args, io),
        Command::Symbols(args) => symbols::run(&args, io),
        Command::Record(args) => record::run(&args, io),
        Command::Poolmon(args) => poolmon::run(&args, io),
        Command::Case(args) => case::run(&args, io),
        Command::Perfmon(args) => perfmon::run(&args, io),
        Command::Slice(args) => slice::run(&args, io),
        Command::Package(args) => package::run(&args, io),
        Command::Synth(args) => synth::run(&args, &mut io.out, &mut io.err),
        Command::Associate(args) => associate::run(args, &SystemAssociation, io),
        Command::Completions(args) => completions::run(args, io),
        Command::Man => man::run(io),
        Command::Schema(args) => schema::run(&args, io),
        Command::Mcp(_) => anyhow::bail!("the server does not run inside a command"),
    }
}

/// Exit code of a result; prints the error of a failure.
pub fn exit_code(result: anyhow::Result<u8>, io: &mut Io<'_>) -> u8 {
    result.unwrap_or_else(|error| failure(&error, io))
}

/// Prints the message of clap: help and version to standard output, usage errors to standard error. Returns the exit code.
fn usage(error: &clap::Error, io: &mut Io<'_>) -> u8 {
    let (stream, color): (&mut dyn std::io::Write, bool) =
        if error.use_stderr() { (&mut io.err, io.err_color) } else { (&mut io.out, io.color) };
    let text = if color { error.render().ansi().to_string() } else { error.render().to_string() };
    let written = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    if written.is_err() { EXIT_FAILURE } else { error.exit_code() as u8 }
}

/// Prints an error and returns the exit code. A closed pipe (`| head`) is no failure.
fn failure(error: &anyhow::Error, io: &mut Io<'_>) -> u8 {
    let is_broken_pipe = |cause: &(dyn std::error::Error + 'static)| {
        let direct = cause.downcast_ref::<std::io::Error>();
        direct.is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(is_broken_pipe) {
        return 0;
    }
    let (code, message) = match error.is::<open::UsageError>() {
        _ if io.cancel.is_cancelled() => (interrupt::INTERRUPTED, "interrupted".to_owned()),
        true => (2, format!("{error:#}")),
        false => (EXIT_FAILURE, format!("{error:#}")),
    };
    let written = writeln!(io.err, "poolscope: {message}").and_then(|()| io.err.flush());
    if written.is_err() { EXIT_FAILURE } else { code }
}
