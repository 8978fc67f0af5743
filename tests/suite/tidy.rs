//! Rules about the files themselves: module docs, lengths, white space, the top level, reasons for dependencies.
//! Each rule is a function from text to complaints, so that made-up text can show that it complains.

use crate::source::{TextFile, code_only, root, rust_files, text_files, words};

const LINES_MAX: usize = 1000;
/// The one system call that has no safe wrapper.
const UNSAFE_FILE: &str = "app/src/pool_sampler/system_call.rs";
const TOP_LEVEL: [&str; 15] = [
    ".ci",
    ".clippy.toml",
    ".gitattributes",
    ".github",
    ".gitignore",
    ".rustfmt.toml",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "app",
    "assets",
    "core",
    "rust-toolchain.toml",
];
/// Everything wrong with one Rust file: module doc, length, `unsafe`.
fn rust_complaints(file: &TextFile) -> Vec<String> {
    let mut complaints = Vec::new();
    let first = file.text.lines().next().unwrap_or_default();
    if !first.starts_with("//! ") && !first.starts_with("#![doc = include_str!(") {
        complaints.push(format!("{}: does not open with a //! that says what it is", file.path));
    }
    let lines = file.text.lines().count();
    if lines > LINES_MAX {
        complaints.push(format!("{}: {lines} lines, at most {LINES_MAX}", file.path));
    }
    if file.path != UNSAFE_FILE {
        let code = code_only(&file.text);
        let places = words(&code).filter(|(_, word)| *word == "unsafe");
        complaints
            .extend(places.map(|(line, _)| format!("{}:{line}: unsafe belongs in {UNSAFE_FILE} only", file.path)));
    }
    complaints
}

/// Everything wrong with the lines of one text file: white space at ends, a missing newline.
fn text_complaints(file: &TextFile) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut complain = |line: usize, what: &str| complaints.push(format!("{}:{line}: {what}", file.path));
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        complain(file.text.lines().count(), "no newline at the end");
    }
    for (index, line) in file.text.lines().enumerate() {
        if line.trim_end() != line {
            complain(index + 1, "white space at the end of the line");
        }
    }
    complaints
}

/// Entries of the repository's top level that do not belong there.
fn strangers<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut found: Vec<String> = paths.map(|path| path.split('/').next().unwrap_or(path).to_owned()).collect();
    found.sort();
    found.dedup();
    found.retain(|entry| entry != "tests" && !TOP_LEVEL.contains(&entry.as_str()));
    found
}

/// Dependencies in the root manifest without a reason beside them. Members of the workspace itself need none.
fn unreasoned(manifest: &str) -> Vec<String> {
    let section = manifest.split("\n[").find(|section| section.starts_with("workspace.dependencies]"));
    let lines = section.expect("the root manifest lists dependencies").lines().skip(1);
    let dependencies = lines.filter(|line| line.contains('=') && !line.starts_with('#') && !line.contains("path ="));
    let reasoned = |line: &str| line.split_once('#').is_some_and(|(_, reason)| reason.split_whitespace().count() >= 2);
    dependencies.filter(|line| !reasoned(line)).map(str::to_owned).collect()
}

/// Dependencies that a member declares on its own instead of taking them, with their reason, from the root manifest.
fn undeclared(manifest: &str) -> Vec<String> {
    let sections = manifest.split("\n[").filter(|section| {
        let title = section.split(']').next().unwrap_or_default();
        title.ends_with("dependencies")
    });
    let lines = sections.flat_map(|section| section.lines().skip(1));
    let dependencies = lines.filter(|line| line.contains('=') && !line.starts_with('#'));
    dependencies.filter(|line| !line.replace(' ', "").contains("workspace=true")).map(str::to_owned).collect()
}

fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn rust_files_are_documented_short_and_safe() {
    assert_none(&rust_files().iter().flat_map(rust_complaints).collect::<Vec<_>>());
}

#[test]
fn texts_are_clean() {
    assert_none(&text_files().iter().flat_map(text_complaints).collect::<Vec<_>>());
}

#[test]
fn the_top_level_holds_only_what_belongs_there() {
    assert_none(&strangers(text_files().iter().map(|file| file.path.as_str())));
}

#[test]
fn every_dependency_has_a_reason() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("a manifest can be read");
    assert_none(&unreasoned(&read("Cargo.toml")));
    let members = text_files()
        .into_iter()
        .map(|file| file.path)
        .filter(|path| path.ends_with("/Cargo.toml") && !path.starts_with("tests/fuzz/"));
    let members: Vec<String> = members.collect();
    assert!(members.len() > 2, "only {members:?} were found");
    for member in members {
        assert_none(&undeclared(&read(&member)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_rust_file_is_complained_about() {
        assert_none(&rust_complaints(&file("core/etl/src/a.rs", "//! What it is.\n// unsafe\nlet a = \"unsafe\";\n")));
        assert_none(&rust_complaints(&file(UNSAFE_FILE, "//! What it is.\nunsafe {}\n")));
        assert_none(&rust_complaints(&file("core/etl/src/a.rs", "//! What it is.\n#![deny(unsafe_code)]\n")));
        assert_eq!(rust_complaints(&file("core/etl/src/a.rs", "//! What it is.\n\nunsafe {}\n")).len(), 1);
        assert_eq!(rust_complaints(&file("core/etl/src/a.rs", "use std::fs;\n")).len(), 1);
        assert_eq!(rust_complaints(&file("core/etl/src/a.rs", "")).len(), 1);
        let long = format!("//! What it is.\n{}", "\n".repeat(LINES_MAX));
        assert_eq!(rust_complaints(&file("core/etl/src/a.rs", &long)).len(), 1);
        assert_none(&rust_complaints(&file("core/etl/src/a.rs", &long[..long.len() - 1])));
    }

    #[test]
    fn a_text_is_complained_about() {
        assert_none(&text_complaints(&file("a.md", "a\n\nb\n")));
        assert_eq!(text_complaints(&file("a.md", "a \nb\t\n")).len(), 2);
        assert_eq!(text_complaints(&file("a.md", "a")).len(), 1);
    }

    #[test]
    fn a_stranger_at_the_top_is_noticed() {
        let paths = ["Cargo.toml", "core/etl/src/lib.rs", "notes.txt", "scripts/a", "scripts/b"];
        assert_eq!(strangers(paths.into_iter()), ["notes.txt", "scripts"]);
    }

    #[test]
    fn a_dependency_without_a_reason_is_noticed() {
        let manifest = "[workspace]\n\n[workspace.dependencies]\n# on top\nown = { path = \"own\" }\na = \"1\" # it does things\n\
                        b = \"1\"\nc = { version = \"1\" } # short\n\n[profile.dev]\nd = 1\n";
        assert_eq!(unreasoned(manifest), ["b = \"1\"", "c = { version = \"1\" } # short"]);
        let member = "[package]\nname = \"x\"\n\n[dependencies]\na.workspace = true\nb = \"1\"\n\n[dev-dependencies]\nc = \"2\"\n\
                      d = { workspace = true, features = [\"e\"] }\n\n[lints]\nworkspace = true\n";
        assert_eq!(undeclared(member), ["b = \"1\"", "c = \"2\""]);
    }
}
