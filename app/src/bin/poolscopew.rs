//! The program without a console, for Windows: what Explorer starts, python's `pythonw` among ours. Elsewhere it is the same as
//! `poolscope`. It must never do anything else.

#![cfg_attr(windows, windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(poolscope::gui_program::main(std::env::args_os()))
}
