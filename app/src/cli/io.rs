//! Where a command writes: the real standard streams, or memory in tests. Commands must never print by other ways.

use crate::symbols::Machine;
use std::io::{IsTerminal, Write};

/// The streams of a command, and the machine it runs on.
pub struct Io<'a> {
    /// Results.
    pub out: Box<dyn Write + 'a>,
    /// Progress, warnings, errors.
    pub err: Box<dyn Write + 'a>,
    /// Results go to a terminal that shows colours.
    pub color: bool,
    /// Standard error is a terminal: a progress bar makes sense.
    pub interactive: bool,
    /// Columns of the terminal, if results go to one.
    pub width: Option<usize>,
    /// What decides where symbols are looked for.
    pub machine: Machine,
}

impl Io<'_> {
    /// The process's own streams.
    #[must_use]
    pub fn standard() -> Self {
        let out = std::io::stdout();
        let is_terminal = out.is_terminal();
        Self {
            color: is_terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()) && shows_colours(),
            width: is_terminal.then(|| usize::from(console_width())),
            out: Box::new(std::io::BufWriter::with_capacity(1 << 16, out)),
            err: Box::new(std::io::stderr()),
            interactive: std::io::stderr().is_terminal(),
            machine: Machine::this(),
        }
    }
}

impl<'a> Io<'a> {
    /// Streams into memory, without colours or progress, on a machine that has nothing.
    pub fn captured(out: &'a mut Vec<u8>, err: &'a mut Vec<u8>) -> Self {
        let (out, err) = (Box::new(out), Box::new(err));
        Self { out, err, color: false, interactive: false, width: None, machine: Machine::default() }
    }
}

/// Whether a terminal shows colours. Consoles of Windows do only once they are told to, and print the codes themselves else.
#[cfg(windows)]
fn shows_colours() -> bool {
    anstyle_query::windows::enable_ansi_colors().unwrap_or(false)
}

/// Whether a terminal shows colours.
#[cfg(not(windows))]
fn shows_colours() -> bool {
    true
}

/// Columns of the terminal, as the shell says, else the usual 100.
fn console_width() -> u16 {
    std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(100)
}
