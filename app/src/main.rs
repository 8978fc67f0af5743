//! The console program; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(poolscope::main(std::env::args_os()))
}
