//! Opens a source line in the editor that the user chose. The command is a template such as `code -g {file}:{line}`; it is run as a
//! program with arguments, never by a shell. Paths of the machine that built the driver are mapped to those of this one.

use std::path::Path;
use std::process::{Command, Stdio};

/// Hint for the template: Visual Studio Code.
pub const EXAMPLE: &str = "code -g {file}:{line}";

/// Error of a source that cannot be opened, as a sentence with the next step.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EditorError {
    /// There is no template.
    #[error("no editor is set: set one in Symbols, Source editor")]
    NoCommand,
    /// A quote of the template is not closed.
    #[error("the editor command has a quote that is not closed")]
    OpenQuote,
    /// The file is not on this machine.
    #[error("{0} does not exist on this computer: add a path mapping in Symbols, Source editor")]
    NoFile(String),
    /// The program cannot be started.
    #[error("the editor '{program}' cannot be started: {reason}. Check the command in Symbols, Source editor")]
    NotStarted {
        /// The program.
        program: String,
        /// The reason.
        reason: String,
    },
}

/// Opens a line of a file. `mappings` are lines `FROM=TO`.
///
/// # Errors
/// See [`EditorError`].
pub fn open(template: &str, mappings: &[String], file: &str, line: u32) -> Result<(), EditorError> {
    let words = split(template)?;
    let file = mapped(file, mappings);
    // A name that begins with a dash would be taken for an option.
    if file.starts_with('-') || !Path::new(&file).is_file() {
        return Err(EditorError::NoFile(file));
    }
    let mut words = arguments(words, &file, line).into_iter();
    let Some(program) = words.next() else { return Err(EditorError::NoCommand) };
    let arguments: Vec<String> = words.collect();
    start(&program, &arguments).map_err(|error| EditorError::NotStarted { program, reason: error.to_string() })
}

/// Starts a program and does not wait for it. On Windows, editors are often started by a batch file.
fn start(program: &str, arguments: &[String]) -> std::io::Result<()> {
    let run = |program: &str| -> std::io::Result<()> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        // The end of the child is waited for by a thread, so that no defunct process remains.
        drop(std::thread::Builder::new().name("editor".to_owned()).spawn(move || child.wait()));
        Ok(())
    };
    let found = run(program);
    match found {
        Err(error) if cfg!(windows) && error.kind() == std::io::ErrorKind::NotFound => {
            run(&format!("{program}.cmd")).map_err(|_batch_file| error)
        }
        other => other,
    }
}

/// The words of a template. Blanks separate words; in double quotes they do not.
fn split(template: &str) -> Result<Vec<String>, EditorError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    for c in template.chars() {
        match c {
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !is_quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if is_quoted {
        return Err(EditorError::OpenQuote);
    }
    if words.is_empty() { Err(EditorError::NoCommand) } else { Ok(words) }
}

/// The words with file and line in place of `{file}` and `{line}`; a template without `{file}` gets the file as its last argument.
fn arguments(words: Vec<String>, file: &str, line: u32) -> Vec<String> {
    let has_file = words.iter().any(|word| word.contains("{file}"));
    // The line first: a file name may contain the text of a placeholder.
    let filled = words.into_iter().map(|word| word.replace("{line}", &line.to_string()).replace("{file}", file));
    filled.chain((!has_file).then(|| file.to_owned())).collect()
}

/// A path with its beginning replaced by the longest mapping that fits. Case and the kind of slash are ignored.
#[must_use]
pub fn mapped(file: &str, mappings: &[String]) -> String {
    let same = |text: &str| text.replace('\\', "/").to_lowercase();
    let rules = mappings.iter().filter_map(|rule| rule.split_once('='));
    let rules =
        rules.map(|(from, to)| (from.trim().trim_end_matches(['/', '\\']), to.trim().trim_end_matches(['/', '\\'])));
    let fits = |from: &str| -> Option<usize> {
        let (file, from) = (same(file), same(from));
        let rest = file.strip_prefix(&from).filter(|_| !from.is_empty())?;
        // A folder ends where a slash or the text ends.
        (rest.is_empty() || rest.starts_with('/')).then_some(from.chars().count())
    };
    let best = rules.filter_map(|(from, to)| Some((fits(from)?, to))).max_by_key(|(length, _)| *length);
    let Some((length, to)) = best else { return file.to_owned() };
    let rest: String = file.chars().skip(length).collect();
    let is_unix = to.contains('/') || !to.contains('\\') && cfg!(not(windows));
    let rest = if is_unix { rest.replace('\\', "/") } else { rest.replace('/', "\\") };
    format!("{to}{rest}")
}

/// Returns why a line is no mapping; `None` for a mapping and an empty line.
#[must_use]
pub fn mapping_problem(rule: &str) -> Option<String> {
    let is_right = |(from, to): (&str, &str)| !from.trim().is_empty() && !to.trim().is_empty();
    let is_mapping = rule.trim().is_empty() || rule.split_once('=').is_some_and(is_right);
    (!is_mapping).then(|| format!("'{}' is not FROM=TO", rule.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(template: &str) -> Vec<String> {
        arguments(split(template).expect("a template"), "/src/my driver/a.c", 312)
    }

    #[test]
    fn a_template_is_a_program_and_its_arguments() {
        assert_eq!(words(EXAMPLE), ["code", "-g", "/src/my driver/a.c:312"]);
        assert_eq!(
            words("\"C:\\Program Files\\x.exe\" +{line}"),
            ["C:\\Program Files\\x.exe", "+312", "/src/my driver/a.c"]
        );
        assert_eq!(words("a ; rm {file}"), ["a", ";", "rm", "/src/my driver/a.c"], "no shell reads it");
        assert_eq!((split("  "), split("a \"b")), (Err(EditorError::NoCommand), Err(EditorError::OpenQuote)));
    }

    #[test]
    fn the_longest_mapping_that_fits_is_taken() {
        let rules = ["D:\\build = /home/me", "d:/build/drivers=/src/drv/", "broken"].map(str::to_owned);
        assert_eq!(mapped("D:\\Build\\Drivers\\my\\a.c", &rules), "/src/drv/my/a.c");
        assert_eq!(mapped("d:\\build\\lib\\b.c", &rules), "/home/me/lib/b.c");
        assert_eq!(mapped("d:\\builder\\b.c", &rules), "d:\\builder\\b.c", "another folder");
        let back = ["/__w/1=C:\\src".to_owned()];
        assert_eq!(mapped("/__w/1/s/a.c", &back), "C:\\src\\s\\a.c");
        assert_eq!(mapping_problem("a=b"), None);
        assert_eq!(mapping_problem("broken"), Some("'broken' is not FROM=TO".to_owned()));
    }

    #[test]
    fn a_missing_file_is_named_before_anything_is_started() {
        let error = open("true", &["/a=/nowhere".to_owned()], "/a/b.c", 1).expect_err("no file");
        assert_eq!(error, EditorError::NoFile("/nowhere/b.c".to_owned()));
        assert!(matches!(open("x", &[], "--wait", 1), Err(EditorError::NoFile(_))));
    }
}
