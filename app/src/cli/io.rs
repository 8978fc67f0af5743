//! Output streams of a command: the real standard streams, or memory in tests; and what holds for all it writes: colors, width,
//! whether it was interrupted. Commands must never print by other ways.

use super::interrupt;
use crate::symbols::SymbolEnvironment;
use clap::ValueEnum;
use poolscope_base::progress::CancelToken;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};

/// The streams of a command, and the machine it runs on.
pub struct Io<'a> {
    /// Results.
    pub out: Box<dyn Write + 'a>,
    /// Progress, warnings, errors.
    pub err: Box<dyn Write + 'a>,
    /// Results are colored.
    pub color: bool,
    /// Errors are colored.
    pub err_color: bool,
    /// Standard error is a terminal: a progress bar makes sense.
    pub interactive: bool,
    /// Columns of the terminal, if results go to one.
    pub width: Option<usize>,
    /// What decides where symbols are looked for.
    pub environment: SymbolEnvironment,
    /// Set once the user interrupts the command.
    pub cancel: CancelToken,
    /// Color settings of the environment.
    pub color_rules: ColorRules,
    /// Terminals that show colors, for results and for errors.
    pub terminals: [bool; 2],
    /// These are the process's own streams: Ctrl-C is for the command.
    pub is_real: bool,
}

/// The choice of `--color`.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorChoice {
    /// On a terminal; NO_COLOR, CLICOLOR and CLICOLOR_FORCE are respected
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
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

    /// Whether a stream is colored. The user's word on the command line comes first, then `NO_COLOR`, then `CLICOLOR_FORCE`.
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

    /// From now on Ctrl-C sets [`Io::cancel`], and ends the process if nobody looks at that.
    pub fn cancel_on_interrupt(&self) {
        if self.is_real {
            interrupt::listen(&self.cancel);
        }
    }
}

impl<'a> Io<'a> {
    /// Streams into memory, without colors or progress, on a machine that has nothing.
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
            color_rules: ColorRules::default(),
            terminals: [false; 2],
            is_real: false,
        }
    }
}

/// Whether a terminal shows colors. Consoles of Windows do only once they are told to, and print the codes themselves else.
#[cfg(windows)]
fn shows_colors() -> bool {
    anstyle_query::windows::enable_ansi_colors().unwrap_or(false)
}

/// Whether a terminal shows colors.
#[cfg(not(windows))]
fn shows_colors() -> bool {
    true
}

/// Columns where the terminal does not say how many it has.
const USUAL_WIDTH: usize = 80;

/// Columns of the terminal that results go to; where it does not know, what the shell says.
fn terminal_width() -> usize {
    let said = || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0);
    let size = terminal_size::terminal_size_of(std::io::stdout());
    size.map(|(width, _)| usize::from(width.0)).or_else(said).unwrap_or(USUAL_WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(environment: &[(&str, &str)]) -> ColorRules {
        ColorRules::of(|name| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn each_stream_is_colored_by_what_it_is() {
        use ColorChoice::{Always, Auto, Never};
        // Terminal and pipe, without a word on the command line.
        let auto = |environment: &[(&str, &str)]| [true, false].map(|tty| rules(environment).colored(Auto, tty));
        assert_eq!(auto(&[]), [true, false]);
        assert_eq!(auto(&[("NO_COLOR", "1")]), [false, false]);
        assert_eq!(auto(&[("NO_COLOR", "")]), [true, false], "an empty one says nothing");
        assert_eq!(auto(&[("CLICOLOR_FORCE", "1")]), [true, true]);
        assert_eq!(auto(&[("CLICOLOR_FORCE", "0")]), [true, false]);
        assert_eq!(auto(&[("CLICOLOR", "0")]), [false, false]);
        assert_eq!(auto(&[("TERM", "dumb")]), [false, false]);
        assert_eq!(auto(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]), [false, false], "no comes first");
        let loud = rules(&[("CLICOLOR_FORCE", "1")]);
        let quiet = rules(&[("NO_COLOR", "1")]);
        assert!(!loud.colored(Never, true) && quiet.colored(Always, false), "the command line comes before both");
    }
}
