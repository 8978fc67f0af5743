//! poolscope as a library: the command line and the window over `poolscope-core`, so that tests can run both without a
//! process. `cli` and `gui` do not know each other.

pub mod cli;
pub mod drivers;
pub mod format;
pub mod gui;
pub mod html_report;
pub mod leak_words;
pub mod pool_tags;
pub mod recording_words;
pub mod sample;
pub mod symbols;
pub mod wpr;

use std::ffi::OsString;

/// Runs the program with the arguments of a command line, on the real standard streams. Returns the exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> u8 {
    let mut io = cli::io::Io::standard();
    match cli::run(args, &mut io) {
        cli::Outcome::Exit(code) => code,
        cli::Outcome::Window(request) => {
            let open = match request {
                cli::WindowRequest::Empty => gui::OpenRequest::Nothing,
                cli::WindowRequest::Sample => gui::OpenRequest::Sample,
                cli::WindowRequest::Files(paths) => gui::OpenRequest::Files(paths),
            };
            cli::report(gui::run(open).map(|()| 0), &mut io)
        }
    }
}
