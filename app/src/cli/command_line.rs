//! The command line as text, for reports: all arguments that affect the result, in their order. The anonymized form has file names
//! without folders and no server names, since these can identify the user, the customer and the computer.

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, ValueHint};
use poolscope_symbols::path::MICROSOFT_SERVER;
use std::ffi::OsStr;

/// Options that do not affect the result.
const WITHOUT_EFFECT: [&str; 9] = ["html", "to", "force", "threads", "color", "quiet", "help", "version", "identify"];

/// A command line as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// Files without their folders, servers without their names.
    pub anonymized: String,
    /// As given.
    pub full: String,
    /// The options and arguments that were given: long names of options without dashes.
    pub options: Vec<String>,
}

impl CommandLine {
    /// The command line of a subcommand from its built definition and the parsed arguments.
    #[must_use]
    pub fn of(command: &Command, given: &ArgMatches) -> Self {
        let mut words: Vec<(usize, [String; 2])> = command
            .get_arguments()
            .filter(|arg| !WITHOUT_EFFECT.contains(&arg.get_id().as_str()))
            .flat_map(|arg| written(arg, given))
            .collect();
        words.sort();
        let is_given = |arg: &&Arg| {
            let id = arg.get_id().as_str();
            matches!(given.try_contains_id(id), Ok(true)) && given.value_source(id) == Some(ValueSource::CommandLine)
        };
        let name = |arg: &Arg| arg.get_long().unwrap_or(arg.get_id().as_str()).to_owned();
        let options = command.get_arguments().filter(is_given).map(name).collect();
        let line = |which: usize| {
            let words = words.iter().filter_map(|(_, both)| both.get(which));
            words.fold(format!("poolscope {}", command.get_name()), |line, word| format!("{line} {word}"))
        };
        Self { anonymized: line(0), full: line(1), options }
    }
}

/// The values of an argument: position in the command line, anonymized and full text.
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

/// A path or symbol path without folders and server names.
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

/// A text as one shell argument, in quotes if needed.
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

    /// The command line of a report: anonymized and in full.
    fn texts(line: &[&str]) -> [String; 2] {
        let mut command = super::super::command();
        let matches = command.try_get_matches_from_mut([&["poolscope", "leaks"], line].concat()).expect("right usage");
        let leaks = matches.subcommand_matches("leaks").expect("the command");
        let CommandLine { anonymized: short, full, .. } =
            CommandLine::of(command.find_subcommand("leaks").expect("it is there"), leaks);
        [short, full]
    }

    #[test]
    fn options_that_affect_the_result_are_repeated() {
        let both = |text: &str| [text.to_owned(), text.to_owned()];
        assert_eq!(texts(&["--demo"]), both("poolscope leaks --demo"));
        let line = [
            "leak.etl",
            "--top",
            "3",
            "--show-non-leaking",
            "--by=stack",
            "--range",
            "1..20",
            "--threads",
            "2",
            "--html",
            "a b",
        ];
        assert_eq!(texts(&line), both("poolscope leaks leak.etl --top 3 --show-non-leaking --by stack --range 1..20"));
        let line = ["--fail-if", "leaks > 0", "leak.etl", "--fail-if", "growth > 1MB/min"];
        let repeated = "poolscope leaks --fail-if \"leaks > 0\" leak.etl --fail-if \"growth > 1MB/min\"";
        assert_eq!(texts(&line), both(repeated));
    }

    #[test]
    fn folders_and_servers_are_omitted() {
        let line = [
            r"C:\Users\jdoe\cases\4711\my trace.etl",
            "--pooltag",
            "/home/jdoe/pooltag.txt",
            "--drivers",
            r"\\fs01\share\drivers\",
            "--symbols",
            r"srv*C:\Users\jdoe\sym*https://symbols.corp.example/x;srv*d:\s*https://msdl.microsoft.com/download/symbols",
        ];
        let [short, full] = texts(&line);
        let wanted = "poolscope leaks \"my trace.etl\" --pooltag pooltag.txt --drivers drivers --symbols \
                      \"srv*sym*https://\u{2026};srv*s*https://msdl.microsoft.com/download/symbols\"";
        assert_eq!(short, wanted);
        assert!(full.contains("jdoe") && full.contains("corp.example") && full.contains("fs01"), "{full}");
        assert_eq!(texts(&["a.etl", "--no-pooltag"])[0], "poolscope leaks a.etl --no-pooltag");
    }

    #[test]
    fn arguments_are_quoted_if_needed() {
        let same = [r"C:\traces\server-1.etl", "traces/server_2.etl", "p\u{f6}\u{f6}l.etl"];
        assert_eq!(same.map(quoted), same);
        assert_eq!(quoted("my trace.etl"), "\"my trace.etl\"");
        assert_eq!(quoted(r"C:\a&b.etl"), r#""C:\a&b.etl""#);
        assert_eq!(quoted("a\"b"), r#""a\"b""#);
        assert_eq!(quoted(""), "\"\"");
    }
}
