//! Output streams of a command: the standard streams, or memory in tests; with colors, width and cancellation. Commands print by
//! these streams only.

use super::interrupt;
use super::progress::CommandProgress;
use crate::open_traces::OpenTraces;
use crate::symbols::SymbolEnvironment;
use clap::ValueEnum;
use poolscope_base::progress::CancelToken;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::sync::Arc;

/// Streams and surroundings of a command.
pub struct Io<'a> {
    /// Results.
    pub out: Box<dyn Write + 'a>,
    /// Progress, warnings, errors.
    pub err: Box<dyn Write + 'a>,
    /// True if results are colored.
    pub color: bool,
    /// True if messages are colored.
    pub err_color: bool,
    /// True if standard error is a terminal, so that a progress bar is shown.
    pub interactive: bool,
    /// Width of the terminal in characters; `None` if results do not go to a terminal.
    pub width: Option<usize>,
    /// Environment that determines where symbols are searched.
    pub environment: SymbolEnvironment,
    /// Set when the user interrupts the command.
    pub cancel: CancelToken,
    /// Progress of the command, for a program that runs it.
    pub progress: Arc<CommandProgress>,
    /// Traces that stay open from one command to the next; `None` if each command loads its own.
    pub open_traces: Option<Arc<OpenTraces>>,
    /// Color settings of the environment.
    pub color_rules: ColorRules,
    /// Terminals that show colors, for results and for errors.
    pub terminals: [bool; 2],
    /// True if these are the streams of the process, so that Ctrl-C interrupts the command.
    pub is_real: bool,
}

/// The choice of `--color`.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorChoice {
    /// Colors on a terminal; depends on NO_COLOR, CLICOLOR and CLICOLOR_FORCE
    #[default]
    Auto,
    /// Always colors
    Always,
    /// Never colors
    Never,
}

/// Color settings of the environment: <https://no-color.org> and <https://bixense.com/clicolors>.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ColorRules {
    /// `NO_COLOR` is not empty.
    pub none: bool,
    /// `CLICOLOR_FORCE` is neither empty nor 0.
    pub forced: bool,
    /// `CLICOLOR` is 0, or the terminal is `dumb`.
    pub off: bool,
}

impl ColorRules {
    /// The rules of an environment.
    pub fn of(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let value = |name: &str| variable(name).filter(|value| !value.is_empty());
        Self {
            none: value("NO_COLOR").is_some(),
            forced: value("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
            off: value("CLICOLOR").is_some_and(|value| value == "0")
                || value("TERM").is_some_and(|term| term == "dumb"),
        }
    }

    /// Returns `true` if a stream is colored. The command line takes precedence, then `NO_COLOR`, then `CLICOLOR_FORCE`.
    #[must_use]
    pub const fn colored(self, choice: ColorChoice, is_terminal: bool) -> bool {
        match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if self.none => false,
            ColorChoice::Auto => self.forced || (is_terminal && !self.off),
        }
    }
}

impl Io<'_> {
    /// The process's own streams.
    #[must_use]
    pub fn standard() -> Self {
        let (out, err) = (std::io::stdout(), std::io::stderr());
        let is_terminal = out.is_terminal();
        let interactive = err.is_terminal();
        let shows = (is_terminal || interactive) && shows_colors();
        let mut io = Self {
            color: false,
            err_color: false,
            width: is_terminal.then(terminal_width),
            out: Box::new(std::io::BufWriter::with_capacity(1 << 16, out)),
            err: Box::new(err),
            interactive,
            environment: SymbolEnvironment::from_system(),
            cancel: CancelToken::default(),
            progress: Arc::default(),
            open_traces: None,
            color_rules: ColorRules::of(|name| std::env::var_os(name)),
            terminals: [is_terminal && shows, interactive && shows],
            is_real: true,
        };
        io.set_color_choice(ColorChoice::Auto);
        io
    }

    /// Decides for each stream on its own whether it is colored.
    pub fn set_color_choice(&mut self, choice: ColorChoice) {
        let [out, err] = self.terminals;
        self.color = self.color_rules.colored(choice, out);
        self.err_color = self.color_rules.colored(choice, err);
    }

    /// Makes Ctrl-C set [`Io::cancel`], and end the process if the command does not stop in time.
    pub fn cancel_on_interrupt(&self) {
        if self.is_real {
            interrupt::listen(&self.cancel);
        }
    }
}

impl<'a> Io<'a> {
    /// Streams into memory, without colors, progress and symbols.
    pub fn captured(out: &'a mut Vec<u8>, err: &'a mut Vec<u8>) -> Self {
        Self {
            out: Box::new(out),
            err: Box::new(err),
            color: false,
            err_color: false,
            interactive: false,
            width: None,
            environment: SymbolEnvironment::default(),
            cancel: CancelToken::default(),
            progress: Arc::default(),
            open_traces: None,
            color_rules: ColorRules::default(),
            terminals: [false; 2],
            is_real: false,
        }
    }
}

/// Returns `true` if a terminal shows colors. Consoles of Windows need to be switched to interpret color codes.
#[cfg(windows)]
fn shows_colors() -> bool {
    anstyle_query::windows::enable_ansi_colors().unwrap_or(false)
}

/// Returns `true` if a terminal shows colors.
#[cfg(not(windows))]
fn shows_colors() -> bool {
    true
}

/// Assumed width of a terminal that does not report it.
const DEFAULT_WIDTH: usize = 80;

/// Width of the terminal, else the variable `COLUMNS` of the shell.
fn terminal_width() -> usize {
    let from_shell =
        || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0);
    let size = terminal_size::terminal_size_of(std::io::stdout());
    size.map(|(width, _)| usize::from(width.0)).or_else(from_shell).unwrap_or(DEFAULT_WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(environment: &[(&str, &str)]) -> ColorRules {
        ColorRules::of(|name| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn each_stream_is_colored_on_its_own() {
        use ColorChoice::{Always, Auto, Never};
        // Terminal and pipe, without `--color`.
        let auto = |environment: &[(&str, &str)]| [true, false].map(|tty| rules(environment).colored(Auto, tty));
        assert_eq!(auto(&[]), [true, false]);
        assert_eq!(auto(&[("NO_COLOR", "1")]), [false, false]);
        assert_eq!(auto(&[("NO_COLOR", "")]), [true, false], "an empty variable is ignored");
        assert_eq!(auto(&[("CLICOLOR_FORCE", "1")]), [true, true]);
        assert_eq!(auto(&[("CLICOLOR_FORCE", "0")]), [true, false]);
        assert_eq!(auto(&[("CLICOLOR", "0")]), [false, false]);
        assert_eq!(auto(&[("TERM", "dumb")]), [false, false]);
        assert_eq!(auto(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]), [false, false], "NO_COLOR takes precedence");
        let loud = rules(&[("CLICOLOR_FORCE", "1")]);
        let quiet = rules(&[("NO_COLOR", "1")]);
        assert!(!loud.colored(Never, true) && quiet.colored(Always, false), "the command line takes precedence");
    }
}
