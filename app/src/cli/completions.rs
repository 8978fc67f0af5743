//! `completions`: what a shell needs to complete commands, options and their values, from the definition of the command line.

use super::io::Io;
use clap_complete::Shell;
use std::io::Write as _;

/// Options of `completions`.
#[derive(clap::Args, Debug, Clone, Copy)]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
///
/// # Errors
/// The output cannot be written.
pub fn run(args: Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    // Into memory first: the generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "poolscope", &mut script);
    io.out.write_all(&script)?;
    Ok(0)
}
