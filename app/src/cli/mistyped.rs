//! Usage errors for mistyped commands, which would otherwise open the window with a missing file. An argument with a path separator
//! or an extension counts as a file, whether or not it exists.

use super::io::ColorChoice;
use clap::{Command, ValueEnum as _};
use poolscope_analysis::group::key::nearest;
use std::ffi::{OsStr, OsString};
use std::path::{Path, is_separator};

/// Error message on an argument that is taken for a file but is probably a mistyped command.
#[must_use]
pub fn error_of_word(word: &OsStr, definition: &Command) -> Option<String> {
    let path = Path::new(word);
    let text = word.to_string_lossy();
    // A drive letter has no separator.
    let is_meant = text.contains(is_separator) || text.contains(':') || path.extension().is_some();
    if is_meant || path.exists() {
        return None;
    }
    let names: Vec<&str> = commands(definition).collect();
    if names.contains(&text.as_ref()) {
        return Some(format!("the command '{text}' has to come before the file"));
    }
    let hint = match nearest(&text, names.iter().copied()) {
        Some(name) => format!("; did you mean '{name}'?"),
        None => String::new(),
    };
    Some(format!("there is neither a command nor a file called '{text}'{hint}"))
}

/// Error message on the first argument of an invalid command line that is no option, command or file.
#[must_use]
pub fn error_of_first_word(args: &[OsString], definition: &Command) -> Option<String> {
    let mut words = args.iter().skip(1);
    let word = loop {
        let word = words.next()?;
        match word.to_string_lossy().as_ref() {
            "--color" => drop(words.next()),
            "--" => return None,
            text if text.starts_with('-') => {}
            _ => break word,
        }
    };
    let is_command = commands(definition).any(|name| name == word.as_os_str());
    if is_command { None } else { error_of_word(word, definition) }
}

/// Names and aliases of all commands.
fn commands(definition: &Command) -> impl Iterator<Item = &str> {
    let own = definition.get_subcommands().filter(|command| !command.is_hide_set());
    own.flat_map(|command| std::iter::once(command.get_name()).chain(command.get_all_aliases())).chain(["help"])
}

/// The value of `--color` in a command line that may be invalid, for the colors of its error message.
#[must_use]
pub fn color_choice(args: &[OsString]) -> ColorChoice {
    let mut choice = ColorChoice::Auto;
    let mut words = args.iter().skip(1).take_while(|word| *word != "--").peekable();
    while let Some(word) = words.next() {
        let word = word.to_string_lossy();
        let value = match word.strip_prefix("--color") {
            Some("") => words.peek().map(|value| value.to_string_lossy()),
            Some(rest) => rest.strip_prefix('=').map(Into::into),
            None => None,
        };
        choice = value.and_then(|value| ColorChoice::from_str(&value, false).ok()).unwrap_or(choice);
    }
    choice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_command_line_has_its_color() {
        let of = |line: &str| color_choice(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(of("poolscope reprot --color always x"), ColorChoice::Always);
        assert_eq!(of("poolscope --color=never --nonsense"), ColorChoice::Never);
        assert_eq!(of("poolscope report --color=purple"), ColorChoice::Auto);
        assert_eq!(of("poolscope -- --color=never"), ColorChoice::Auto);
    }
}
