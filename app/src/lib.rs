//! The program as a library, so that tests can run the command line and the window in their own process. `cli` and `gui` do not
//! depend on each other; `mcp` runs commands of `cli`.

pub mod association;
pub mod case;
pub mod cli;
pub mod compare_text;
pub mod counter_text;
pub mod debugger_log;
pub mod drivers;
pub mod editor;
pub mod export;
pub mod file_identity;
pub mod format;
pub mod gui;
pub mod gui_program;
pub mod leak_text;
pub mod mcp;
pub mod memory;
pub mod open_traces;
pub mod output_file;
pub mod package;
pub mod part_text;
pub mod pool_sampler;
pub mod pool_tags;
pub mod reader;
pub mod recorded_range_text;
pub mod recording_text;
pub mod report;
pub mod sample;
pub mod snapshot_text;
pub mod stack_tags;
pub mod symbols;
pub mod text_table;
pub mod trace_location;
pub mod trace_opening;
pub mod trace_parts;
pub mod wpr;

use std::ffi::OsString;
use std::io::Write as _;

/// Runs the program with the arguments of a command line, on the real standard streams. Returns the exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> u8 {
    let code = run(args, &mut cli::io::Io::standard(), gui_program::launch);
    if code == cli::interrupt::INTERRUPTED {
        cli::interrupt::leave();
    }
    code
}

/// Runs a command line on the given streams. A request for the window goes to `launch` first, which may open it in another process.
fn run(
    args: impl IntoIterator<Item = OsString>,
    io: &mut cli::io::Io<'_>,
    launch: impl FnOnce(&[OsString]) -> bool,
) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    match cli::run(args.iter().cloned(), io) {
        cli::Outcome::Exit(code) => code,
        cli::Outcome::Server(args) => cli::exit_code(mcp::run(&args), io),
        cli::Outcome::Window(_) if launch(&args) => 0,
        cli::Outcome::Window(request) => {
            let is_sample = request == cli::WindowRequest::Sample;
            let files = match &request {
                cli::WindowRequest::Files(paths) => paths.clone(),
                _ => Vec::new(),
            };
            let open = match request {
                cli::WindowRequest::Empty => gui::OpenRequest::Nothing,
                cli::WindowRequest::Sample => gui::OpenRequest::Sample,
                cli::WindowRequest::Files(paths) => gui::OpenRequest::Files(paths),
            };
            match gui::run(open) {
                Err(error) if is_sample => {
                    print_instead(&error, ["poolscope", "leaks", "--demo"].map(OsString::from), io)
                }
                Err(error) if case::files::hold_a_case(&files) => {
                    // Options before the files are those of all commands.
                    let mut line = args;
                    line.insert(1, OsString::from("case"));
                    print_instead(&error, line, io)
                }
                result => cli::exit_code(result.map(|()| 0), io),
            }
        }
    }
}

/// Prints what a command says about the files of a window that cannot be opened.
fn print_instead(reason: &anyhow::Error, line: impl IntoIterator<Item = OsString>, io: &mut cli::io::Io<'_>) -> u8 {
    let line: Vec<OsString> = line.into_iter().collect();
    let shown: Vec<_> = line.iter().map(|word| word.to_string_lossy()).collect();
    drop(writeln!(io.err, "poolscope: {reason:#}. Output of `poolscope {}`:", shown[1..].join(" ")));
    match cli::run(line, io) {
        cli::Outcome::Exit(code) => code,
        cli::Outcome::Window(_) | cli::Outcome::Server(_) => 1,
    }
}
