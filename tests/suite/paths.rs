//! Finds every path that Rust source names: `use` trees taken apart, paths in expressions and types, `super` and `self` resolved
//! to the crate's root. Works on text alone; what macros make up is not seen.

use crate::source::code_only;

/// A path as its segments, the first of which is `crate` or the name of another crate (or anything local), and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPath {
    pub segments: Vec<String>,
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Join,
    Other(char),
}

/// Every path in `source`, a file whose module path from the crate's root is `module`.
pub fn named_paths(source: &str, module: &[&str]) -> Vec<NamedPath> {
    let tokens = tokens(&code_only(source));
    let mut found = Vec::new();
    let mut blocks: Vec<Option<String>> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at].0 {
            Token::Other('{') => blocks.push(inline_module(&tokens, at)),
            Token::Other('}') => drop(blocks.pop()),
            Token::Word(_) if starts_path(&tokens, at) => {
                let inner = blocks.iter().flatten().map(String::as_str);
                let here: Vec<&str> = module.iter().copied().chain(inner).collect();
                let mut paths = Vec::new();
                at = path_tree(&tokens, at, Vec::new(), &mut paths);
                found.extend(paths.into_iter().map(|path| resolve(path, &here)));
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The name in `mod name {`, where the brace stands at `at`.
fn inline_module(tokens: &[(Token, usize)], at: usize) -> Option<String> {
    match (&tokens.get(at.checked_sub(2)?)?.0, &tokens.get(at - 1)?.0) {
        (Token::Word(keyword), Token::Word(name)) if keyword == "mod" => Some(name.clone()),
        _ => None,
    }
}

/// A word with `::` after it, or the first after `use`, unless it is itself the continuation of a path or a field.
fn starts_path(tokens: &[(Token, usize)], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| &tokens[before].0);
    let joined = matches!(tokens.get(at + 1), Some((Token::Join, _)));
    let used = matches!(before, Some(Token::Word(word)) if word == "use");
    (joined || used) && !matches!(before, Some(Token::Other('.')))
}

/// Takes apart `a::{b, c::d}` from `at` on; answers where it ends.
fn path_tree(tokens: &[(Token, usize)], at: usize, prefix: Vec<String>, found: &mut Vec<NamedPath>) -> usize {
    let mut segments = prefix;
    let mut at = at;
    let line = tokens.get(at).map_or(0, |token| token.1);
    loop {
        match tokens.get(at).map(|token| &token.0) {
            Some(Token::Word(word)) => segments.push(word.clone()),
            Some(Token::Other('*')) => {}
            Some(Token::Other('{')) => return group(tokens, at + 1, &segments, found),
            _ => {
                found.push(NamedPath { segments, line });
                return at;
            }
        }
        if !matches!(tokens.get(at + 1), Some((Token::Join, _))) {
            found.push(NamedPath { segments, line });
            return at + 1;
        }
        at += 2;
    }
}

fn group(tokens: &[(Token, usize)], from: usize, prefix: &[String], found: &mut Vec<NamedPath>) -> usize {
    let mut at = from;
    while let Some((token, _)) = tokens.get(at) {
        match token {
            Token::Other('}') => return at + 1,
            Token::Other(',') => at += 1,
            // `a as b`: the new name is no path.
            Token::Word(word) if word == "as" => at += 2,
            Token::Word(_) | Token::Other('*' | '{') => at = path_tree(tokens, at, prefix.to_vec(), found),
            _ => at += 1,
        }
    }
    at
}

/// `self` and `super` at the front become the path from the crate's root.
fn resolve(path: NamedPath, here: &[&str]) -> NamedPath {
    let first = path.segments.first().map_or("", String::as_str);
    if first != "self" && first != "super" {
        return path;
    }
    let ups = path.segments.iter().take_while(|word| matches!(word.as_str(), "self" | "super")).count();
    let supers = path.segments[..ups].iter().filter(|word| *word == "super").count();
    let base = here[..here.len().saturating_sub(supers)].iter().map(|word| (*word).to_owned());
    let rest = path.segments[ups..].iter().cloned();
    let segments = std::iter::once("crate".to_owned()).chain(base).chain(rest).collect();
    NamedPath { segments, line: path.line }
}

fn tokens(code: &str) -> Vec<(Token, usize)> {
    let mut tokens = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            let token = if c.is_alphanumeric() || c == '_' {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    word.push(c);
                }
                Token::Word(word)
            } else if c == ':' && chars.next_if_eq(&':').is_some() {
                Token::Join
            } else if c.is_whitespace() {
                continue;
            } else {
                Token::Other(c)
            };
            tokens.push((token, index + 1));
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(module: &[&str], source: &str, expect: &[&str]) {
        let found: Vec<String> = named_paths(source, module).iter().map(|path| path.segments.join("::")).collect();
        assert_eq!(found, expect, "{source}");
    }

    #[test]
    fn use_trees_are_taken_apart() {
        check(&["a"], "use crate::b;", &["crate::b"]);
        check(&["a"], "pub use crate::{b::{self, c as d}, e::*};", &["crate::b::self", "crate::b::c", "crate::e"]);
        check(&["a"], "use egui;", &["egui"]);
        check(&["a"], "use super::{super::x, y};", &["crate::x", "crate::y"]);
    }

    #[test]
    fn paths_in_code_are_found() {
        check(&["a"], "fn f(x: &crate::b::T) -> Vec<egui::Pos2> { g.h::<u8>() }", &["crate::b::T", "egui::Pos2"]);
        check(&["a"], "let x = crate::b::make::<crate::c::D>();", &["crate::b::make", "crate::c::D"]);
        check(&["a"], "// crate::b\nlet s = \"crate::c\"; /* crate::d */", &[]);
    }

    #[test]
    fn super_and_self_are_resolved() {
        check(
            &["a", "b"],
            "use super::c; use self::d; use super::super::e;",
            &["crate::a::c", "crate::a::b::d", "crate::e"],
        );
        check(
            &["a"],
            "mod tests { use super::*; use super::super::e; fn f() { if x { super::g() } } }",
            &["crate::a", "crate::e", "crate::a::g"],
        );
        check(&["a"], "mod m { } use super::z;", &["crate::z"]);
    }

    #[test]
    fn unbalanced_text_ends() {
        check(&["a"], "use crate::{b, {c", &["crate::b", "crate::c"]);
        check(&["a"], "} } use super::super::super::b::", &["crate::b"]);
    }
}
