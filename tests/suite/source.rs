//! The project's own files as data for the rules about them: which there are, and Rust source without its comments and
//! strings. Knows no rule, and never looks outside the repository.

use std::fs;
use std::path::{Path, PathBuf};

/// The repository's root.
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the tests lie in a folder of the repository").to_path_buf()
}

/// One text file: its path from the root with forward slashes, and its content.
pub struct TextFile {
    pub path: String,
    pub text: String,
}

/// Every text file of the repository in order of path; build output and git's own files are left out.
pub fn text_files() -> Vec<TextFile> {
    let root = root();
    let mut found = Vec::new();
    collect(&root, &mut found);
    found.sort();
    let texts = found.into_iter().filter_map(|path| {
        // What is not UTF-8, or holds zero bytes, is not text.
        let text = String::from_utf8(fs::read(&path).expect("a listed file can be read")).ok()?;
        let relative = path.strip_prefix(&root).expect("found below the root");
        let path = relative.to_str().expect("file names are UTF-8").replace('\\', "/");
        (!text.contains('\0')).then_some(TextFile { path, text })
    });
    texts.collect()
}

/// Every Rust file of the repository.
pub fn rust_files() -> Vec<TextFile> {
    text_files().into_iter().filter(|file| file.path.ends_with(".rs")).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository can be listed") {
        let entry = entry.expect("an entry can be read");
        let kind = entry.file_type().expect("an entry has a kind");
        let path = entry.path();
        let name = entry.file_name();
        if kind.is_dir() && name != ".git" && name != "target" {
            collect(&path, found);
        } else if kind.is_file() && name != ".git" {
            found.push(path);
        }
    }
}

/// The same source with comments, strings and character literals blanked out; lines keep their numbers.
pub fn code_only(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let end = skip(&chars, at);
        if end == at {
            code.push(chars[at]);
            at += 1;
            continue;
        }
        code.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    code
}

/// The end of the comment or literal that starts at `at`, or `at` itself where none does.
fn skip(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '/' if next == Some('/') => find(chars, at, |c| c == '\n'),
        '/' if next == Some('*') => block_comment(chars, at),
        '"' => quoted(chars, at + 1, '"'),
        'r' if !in_word(chars, at) => raw_string(chars, at).unwrap_or(at),
        'b' | 'c' if !in_word(chars, at) && next == Some('r') => raw_string(chars, at + 1).unwrap_or(at),
        // `'a'` and `'\n'` are literals; `'a` alone is a lifetime.
        '\'' if next == Some('\\') => quoted(chars, at + 1, '\''),
        '\'' if chars.get(at + 2) == Some(&'\'') => at + 3,
        _ => at,
    }
}

fn find(chars: &[char], from: usize, stop: impl Fn(char) -> bool) -> usize {
    (from..chars.len()).find(|&at| stop(chars[at])).unwrap_or(chars.len())
}

fn in_word(chars: &[char], at: usize) -> bool {
    at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_')
}

fn block_comment(chars: &[char], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = at;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at.min(chars.len())
}

fn quoted(chars: &[char], from: usize, quote: char) -> usize {
    let mut at = from;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// `r"…"`, `r#"…"#` and so on; `r#name` is an identifier.
fn raw_string(chars: &[char], at: usize) -> Option<usize> {
    let hashes = find(chars, at + 1, |c| c != '#') - at - 1;
    let open = at + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let closes = |end: usize| chars[end] == '"' && (1..=hashes).all(|n| chars.get(end + n) == Some(&'#'));
    let end = (open + 1..chars.len()).find(|&end| closes(end));
    Some(end.map_or(chars.len(), |end| end + 1 + hashes))
}

/// The words (identifiers, keywords, numbers) of code that went through [`code_only`], with their line numbers from one.
pub fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.lines().enumerate().flat_map(move |(line, text)| {
        let words = text.split(move |c| !is_word(c)).filter(|word| !word.is_empty());
        words.map(move |word| (line + 1, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_lines_kept() {
        let source =
            "a // b\nc /* d /* e */\n f */ g \"h \\\" i\" 'j' '\\'' k::<'l> r#\"m \" n\"# b\"o\" r#p br\"q\" for";
        let code = code_only(source);
        let kept: Vec<(usize, &str)> = words(&code).collect();
        assert_eq!(kept, [(1, "a"), (2, "c"), (3, "g"), (3, "k"), (3, "l"), (3, "b"), (3, "r"), (3, "p"), (3, "for")]);
        assert_eq!(code.chars().count(), source.chars().count());
    }

    #[test]
    fn unfinished_literals_end_with_the_text() {
        for source in ["\"a", "r#\"a", "/* a", "'\\", "b\"\\", "r"] {
            assert_eq!(code_only(source).chars().count(), source.chars().count(), "{source}");
        }
    }

    #[test]
    fn the_repository_is_found() {
        let files = rust_files();
        assert!(files.iter().any(|file| file.path == "core/etl/src/lib.rs"));
        assert!(files.iter().any(|file| file.path == "tests/suite/source.rs"));
        assert!(files.iter().all(|file| !file.path.contains("target/")));
    }
}
