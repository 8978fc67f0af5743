//! The command line as it was really given, as a text to pass on: every option that shapes the result, in the order they were
//! written. Unless names are wanted, files stand without their folders and servers without their names, since both tell of the
//! user, the customer and the machine.

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, ValueHint};
use poolscope_symbols::path::MICROSOFT_SERVER;
use std::ffi::OsStr;

/// Options that change nothing in a result: where it goes, how it looks, how it is worked out.
const WITHOUT_EFFECT: [&str; 8] = ["html", "force", "threads", "color", "quiet", "help", "version", "identify"];

/// A command line as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// Files without their folders, servers without their names.
    pub anonymized: String,
    /// As it was given.
    pub full: String,
}

impl CommandLine {
    /// The command line of a subcommand: its definition, after it was built, and what was given.
    #[must_use]
    pub fn of(command: &Command, given: &ArgMatches) -> Self {
        let mut words: Vec<(usize, [String; 2])> = command
            .get_arguments()
            .filter(|arg| !WITHOUT_EFFECT.contains(&arg.get_id().as_str()))
            .flat_map(|arg| written(arg, given))
            .collect();
        words.sort();
        let line = |which: usize| {
            let words = words.iter().filter_map(|(_, both)| both.get(which));
            words.fold(format!("poolscope {}", command.get_name()), |line, word| format!("{line} {word}"))
        };
        Self { anonymized: line(0), full: line(1) }
    }
}

/// An argument as it was given: its place in the line, and its words without and with names.
fn written(arg: &Arg, given: &ArgMatches) -> Vec<(usize, [String; 2])> {
    let id = arg.get_id().as_str();
    if !matches!(given.try_contains_id(id), Ok(true)) || given.value_source(id) != Some(ValueSource::CommandLine) {
        return Vec::new();
    }
    let places: Vec<usize> = given.indices_of(id).into_iter().flatten().collect();
    let option = arg.get_long().map(|long| format!("--{long}"));
    if !arg.get_action().takes_values() {
        let first = places.first().copied().unwrap_or_default();
        return option.map(|option| (first, [option.clone(), option])).into_iter().collect();
    }
    let is_path = !matches!(arg.get_value_hint(), ValueHint::Unknown | ValueHint::Other);
    let mut words = Vec::new();
    let mut at = places.into_iter();
    for values in given.get_raw_occurrences(id).into_iter().flatten() {
        for (nth, value) in values.enumerate() {
            let place = at.next().unwrap_or(usize::MAX);
            let name = option.as_ref().filter(|_| nth == 0).map_or_else(String::new, |option| format!("{option} "));
            let full = value.to_string_lossy();
            let short = if is_path { anonymized(value) } else { full.clone().into_owned() };
            words.push((place, [short, full.into_owned()].map(|value| format!("{name}{}", quoted(&value)))));
        }
    }
    words
}

/// A path, or a symbol path, without what only the user's machine knows.
fn anonymized(value: &OsStr) -> String {
    let text = value.to_string_lossy();
    let element = |element: &str| -> String {
        if element.contains("://") {
            let is_public = element.trim_end_matches('/').eq_ignore_ascii_case(MICROSOFT_SERVER);
            return if is_public { element.to_owned() } else { "https://\u{2026}".to_owned() };
        }
        let trimmed = element.trim_end_matches(['/', '\\']);
        trimmed.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
    };
    let part = |part: &str| part.split('*').map(element).collect::<Vec<_>>().join("*");
    text.split(';').map(part).collect::<Vec<_>>().join(";")
}

/// A text as one argument, in quotes where a shell might take it for more.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || r"./\:_,-".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The command line that the report repeats: with file names only, and in full.
    fn asked(line: &[&str]) -> [String; 2] {
        let mut command = super::super::command();
        let matches = command.try_get_matches_from_mut([&["poolscope", "leaks"], line].concat()).expect("right usage");
        let leaks = matches.subcommand_matches("leaks").expect("the command");
        let CommandLine { anonymized: short, full } = CommandLine::of(command.find_subcommand("leaks").expect("it is there"), leaks);
        [short, full]
    }

    #[test]
    fn it_repeats_what_was_asked_and_nothing_else() {
        let both = |text: &str| [text.to_owned(), text.to_owned()];
        assert_eq!(asked(&["--demo"]), both("poolscope leaks --demo"));
        let line =
            ["leak.etl", "--top", "3", "--all", "--by=stack", "--range", "1..20", "--threads", "2", "--html", "a b"];
        assert_eq!(asked(&line), both("poolscope leaks leak.etl --top 3 --all --by stack --range 1..20"));
        let line = ["--fail-if", "leaks > 0", "leak.etl", "--fail-if", "growth > 1MB/min"];
        let repeated = "poolscope leaks --fail-if \"leaks > 0\" leak.etl --fail-if \"growth > 1MB/min\"";
        assert_eq!(asked(&line), both(repeated));
    }

    #[test]
    fn paths_and_servers_stand_without_the_names_in_them() {
        let line = [
            r"C:\Users\jdoe\cases\4711\my trace.etl",
            "--pooltag",
            "/home/jdoe/pooltag.txt",
            "--drivers",
            r"\\fs01\share\drivers\",
            "--symbols",
            r"srv*C:\Users\jdoe\sym*https://symbols.corp.example/x;srv*d:\s*https://msdl.microsoft.com/download/symbols",
        ];
        let [short, full] = asked(&line);
        let wanted = "poolscope leaks \"my trace.etl\" --pooltag pooltag.txt --drivers drivers --symbols \
                      \"srv*sym*https://\u{2026};srv*s*https://msdl.microsoft.com/download/symbols\"";
        assert_eq!(short, wanted);
        assert!(full.contains("jdoe") && full.contains("corp.example") && full.contains("fs01"), "{full}");
        assert_eq!(asked(&["a.etl", "--pooltag", "none"])[0], "poolscope leaks a.etl --pooltag none");
    }

    #[test]
    fn words_are_quoted_where_they_must_be() {
        let same = [r"C:\traces\server-1.etl", "traces/server_2.etl", "p\u{f6}\u{f6}l.etl"];
        assert_eq!(same.map(quoted), same);
        assert_eq!(quoted("my trace.etl"), "\"my trace.etl\"");
        assert_eq!(quoted(r"C:\a&b.etl"), r#""C:\a&b.etl""#);
        assert_eq!(quoted("a\"b"), r#""a\"b""#);
        assert_eq!(quoted(""), "\"\"");
    }
}
