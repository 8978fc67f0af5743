//! The command line: one file per command, all over the same engine. Results go to standard output, everything else to
//! standard error. Exit codes: 0 done, 1 could not, 2 wrong usage, 3 a `--fail-if` held, 130 interrupted.

pub mod command_line;
pub mod associate;
pub mod completions;
pub mod driver_args;
mod fail_if;
pub mod info;
pub mod interrupt;
pub mod io;
pub mod leaks;
mod leaks_html;
mod leaks_markdown;
mod leaks_text;
mod man;
mod mistyped;
#[cfg(test)]
mod path_tests;
pub mod open;
mod output_file;
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
use command_line::CommandLine;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use io::{ColorChoice, Io};
use std::ffi::OsString;
use std::path::PathBuf;

/// The heading of options that every command takes.
const EVERYWHERE: &str = "Options of every command";

/// Finds kernel pool leaks in Windows Performance Toolkit traces (.etl).
#[derive(Parser, Debug)]
#[command(name = "poolscope", version, about, max_term_width = 100)]
#[command(override_usage = "poolscope [OPTIONS] [FILE]...\n       poolscope [OPTIONS] <COMMAND>")]
struct Cli {
    /// Opens these traces in the window, each in a tab of its own; of a folder, those in it
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Opens the built-in sample trace in the window
    #[arg(long, conflicts_with = "files")]
    demo: bool,
    /// Colors in output and messages
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, global = true, help_heading = EVERYWHERE)]
    color: ColorChoice,
    /// Only results and errors: no progress, no warnings, no notes
    #[arg(short, long, global = true, help_heading = EVERYWHERE)]
    quiet: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// What the trace is: system, clock, losses, records by kind, diagnostics
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
    /// Prints what a shell needs to complete the command line
    Completions(completions::Args),
    /// Prints the man page (roff)
    Man,
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
    io.cancel_on_interrupt();
    let told = cli.quiet.then(|| std::mem::replace(&mut io.err, Box::new(std::io::sink())));
    io.interactive &= !cli.quiet;
    let result = execute(command, &definition, &matches, io);
    let result = result.and_then(|code| io.out.flush().map(|()| code).map_err(Into::into));
    // Errors are told even to those who want no warnings.
    if let Some(err) = told {
        io.err = err;
    }
    Outcome::Exit(exit_code(result, io))
}

/// The definition of the command line.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// What a command line asks for. Words that are neither commands nor files are found before clap complains about what follows them.
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
        let message = "options of the window stand before no command: give --demo after the command";
        return Err(definition.error(clap::error::ErrorKind::ArgumentConflict, message));
    }
    Ok((cli, matches))
}

fn execute(
    command: Command,
    definition: &clap::Command,
    matches: &ArgMatches,
    io: &mut Io<'_>,
) -> anyhow::Result<u8> {
    match command {
        Command::Info(args) => info::run(&args, io),
        Command::Report(args) => report::run(&args, io),
        Command::Series(args) => series::run(&args, io),
        Command::Leaks(mut args) => {
            let given = matches.subcommand().zip(definition.find_subcommand("leaks"));
            args.asked = given.map_or_else(CommandLine::default, |((_, given), leaks)| CommandLine::of(leaks, given));
            leaks::run(&args, io)
        }
        Command::Symbols(args) => symbols::run(&args, io),
        Command::Record(args) => record::run(&args, io),
        Command::Poolmon(args) => poolmon::run(&args, io),
        Command::Synth(args) => synth::run(&args, &mut io.out, &mut io.err),
        Command::Associate(args) => associate::run(args, &SystemAssociation, io),
        Command::Completions(args) => completions::run(args, io),
        Command::Man => man::run(io),
    }
}

/// The exit code of a result, after a failure was told.
pub fn exit_code(result: anyhow::Result<u8>, io: &mut Io<'_>) -> u8 {
    result.unwrap_or_else(|error| failure(&error, io))
}

/// Help and version are results; anything else is wrong usage.
fn usage(error: &clap::Error, io: &mut Io<'_>) -> u8 {
    let (stream, color): (&mut dyn std::io::Write, bool) =
        if error.use_stderr() { (&mut io.err, io.err_color) } else { (&mut io.out, io.color) };
    let text = if color { error.render().ansi().to_string() } else { error.render().to_string() };
    // Nobody can be told that even this could not be written.
    let written = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    if written.is_err() { EXIT_FAILURE } else { error.exit_code() as u8 }
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
    let (code, words) = match error.is::<open::UsageError>() {
        _ if io.cancel.is_cancelled() => (interrupt::INTERRUPTED, "interrupted".to_owned()),
        true => (2, format!("{error:#}")),
        false => (EXIT_FAILURE, format!("{error:#}")),
    };
    let written = writeln!(io.err, "poolscope: {words}").and_then(|()| io.err.flush());
    if written.is_err() { EXIT_FAILURE } else { code }
}
