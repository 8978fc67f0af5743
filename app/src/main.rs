//! The program: hands the command line to the library and its answer to the system. It must never do anything else.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(poolscope::main(std::env::args_os()))
}
