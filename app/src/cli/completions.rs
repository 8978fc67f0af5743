//! `completions`: scripts that complete commands, options and their values in a shell.

use super::io::Io;
use clap_complete::Shell;
use std::io::Write as _;

/// Options of `completions`.
#[derive(clap::Args, Debug, Clone, Copy)]
pub struct Args {
    /// Shell to create the script for
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
///
/// # Errors
/// The output cannot be written.
pub fn run(args: Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    // The generator panics if it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "poolscope", &mut script);
    io.out.write_all(&script)?;
    Ok(0)
}
