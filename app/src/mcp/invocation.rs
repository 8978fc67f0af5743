//! A command of the command line with its arguments: to be run, and as a text that gives the same in a shell.

use std::ffi::{OsStr, OsString};

/// A command with its arguments.
#[derive(Clone, Debug)]
pub struct Invocation {
    words: Vec<Word>,
}

#[derive(Clone, Debug)]
enum Word {
    /// A command, a file or a switch.
    Plain(OsString),
    /// An option with its value.
    Option(&'static str, OsString),
}

impl Invocation {
    /// A command without arguments.
    #[must_use]
    pub fn new(command: &'static str) -> Self {
        Self { words: vec![Word::Plain(command.into())] }
    }

    /// Adds a file. Canonical paths do not begin with a hyphen.
    #[must_use]
    pub fn file(mut self, path: impl Into<OsString>) -> Self {
        self.words.push(Word::Plain(path.into()));
        self
    }

    /// Adds an option, if it has a value.
    #[must_use]
    pub fn option<V: Into<OsString>>(mut self, name: &'static str, value: Option<V>) -> Self {
        self.words.extend(value.map(|value| Word::Option(name, value.into())));
        self
    }

    /// Adds an option for each value.
    #[must_use]
    pub fn each<V: Into<OsString>>(self, name: &'static str, values: impl IntoIterator<Item = V>) -> Self {
        values.into_iter().fold(self, |line, value| line.option(name, Some(value)))
    }

    /// Adds an option whose value is a list, if the list has members.
    #[must_use]
    pub fn list(self, name: &'static str, values: &[impl AsRef<str>]) -> Self {
        let joined = values.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(",");
        self.option(name, (!values.is_empty()).then_some(joined))
    }

    /// Adds a switch, if it is on.
    #[must_use]
    pub fn switch(mut self, name: &'static str, is_on: bool) -> Self {
        self.words.extend(is_on.then(|| Word::Plain(name.into())));
        self
    }

    /// The arguments of the process, its name first.
    #[must_use]
    pub fn arguments(&self) -> Vec<OsString> {
        let word = |word: &Word| match word {
            Word::Plain(text) => text.clone(),
            // In one word, so that a value that begins with a hyphen stays a value.
            Word::Option(name, value) => {
                let mut text = OsString::from(name);
                text.push("=");
                text.push(value);
                text
            }
        };
        std::iter::once("poolscope".into()).chain(self.words.iter().map(word)).collect()
    }

    /// The line for a shell.
    #[must_use]
    pub fn text(&self) -> String {
        let word = |word: &Word| match word {
            Word::Plain(text) => quoted(text),
            Word::Option(name, value) => {
                let separator = if value.to_string_lossy().starts_with('-') { '=' } else { ' ' };
                format!("{name}{separator}{}", quoted(value))
            }
        };
        std::iter::once("poolscope".to_owned()).chain(self.words.iter().map(word)).collect::<Vec<_>>().join(" ")
    }
}

/// A text as one word of a shell: in single quotes for those of Unix, in double quotes for those of Windows, if it needs any.
fn quoted(text: &OsStr) -> String {
    let text = text.to_string_lossy();
    let is_plain = |c: char| c.is_alphanumeric() || "./:_,-+@%=".contains(c) || (cfg!(windows) && c == '\\');
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into_owned();
    }
    if cfg!(windows) {
        format!("\"{}\"", text.replace('"', "\\\""))
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_run_and_shown_alike() {
        let line = Invocation::new("report")
            .file("/a b/x.etl")
            .list("--by", &["tag", "paged"])
            .list("--columns", &[""; 0])
            .option("--where", Some("tag:'Leak' AND size:>1KB"))
            .option("--range", Some("-1..5"))
            .option("--top", None::<String>)
            .switch("--offline", true)
            .switch("--demo", false)
            .each("--stack-tags", ["a", "b"]);
        let arguments = line.arguments();
        let wanted = [
            "poolscope",
            "report",
            "/a b/x.etl",
            "--by=tag,paged",
            "--where=tag:'Leak' AND size:>1KB",
            "--range=-1..5",
            "--offline",
            "--stack-tags=a",
            "--stack-tags=b",
        ];
        assert_eq!(arguments, wanted.map(OsString::from));
        #[cfg(not(windows))]
        assert_eq!(
            line.text(),
            "poolscope report '/a b/x.etl' --by tag,paged --where 'tag:'\\''Leak'\\'' AND size:>1KB' --range=-1..5 --offline \
             --stack-tags a --stack-tags b"
        );
    }
}
