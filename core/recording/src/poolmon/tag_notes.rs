//! Built-in notes on tags and on groups of tags, each with its source.

use std::sync::LazyLock;

const NOTES: &str = include_str!("tag_notes.txt");

/// Note on a tag.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TagNote {
    /// The tag; `?` matches any character.
    pub pattern: &'static str,
    /// File name of the driver, or `nt`.
    pub driver: &'static str,
    /// Use of the tag, as a phrase.
    pub text: &'static str,
    /// Address of the source, or `pooltag.txt`.
    pub source: &'static str,
}

/// Note on a group of tags.
struct GroupNote {
    tags: Vec<&'static str>,
    text: &'static str,
}

fn lines() -> impl Iterator<Item = Vec<&'static str>> {
    let lines = NOTES.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split('|').map(str::trim).collect())
}

/// The note on a tag, if any. An exact tag precedes a pattern.
#[must_use]
pub fn tag_note(tag: &str) -> Option<&'static TagNote> {
    static PARSED: LazyLock<Vec<TagNote>> = LazyLock::new(|| {
        let note = |parts: Vec<&'static str>| match parts.as_slice() {
            [pattern, driver, text, source] => Some(TagNote { pattern, driver, text, source }),
            _ => None,
        };
        lines().filter_map(note).collect()
    });
    let tag = tag.trim_end();
    let fits = |pattern: &str| {
        pattern.chars().count() == tag.chars().count()
            && pattern.chars().zip(tag.chars()).all(|(wanted, c)| wanted == '?' || wanted == c)
    };
    let exact = PARSED.iter().find(|note| note.pattern == tag);
    exact.or_else(|| PARSED.iter().find(|note| fits(note.pattern)))
}

/// The note on a group with these tags, if any.
#[must_use]
pub fn group_note(tags: &[&str]) -> Option<&'static str> {
    static PARSED: LazyLock<Vec<GroupNote>> = LazyLock::new(|| {
        let note = |parts: Vec<&'static str>| match parts.as_slice() {
            [tags, text, _] => Some(GroupNote { tags: tags.split_whitespace().collect(), text }),
            _ => None,
        };
        lines().filter_map(note).collect()
    });
    let found = PARSED.iter().find(|note| note.tags.iter().all(|tag| tags.contains(tag)));
    found.map(|note| note.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_groups_have_notes_with_sources() {
        for tag in
            ["WCsc", "WCfc", "WCxx", "Etwr", "EtwD", "NtFC", "IoFE", "FOCX", "FMfc", "Vi54", "VMdl", "Vfwi", "Toke"]
        {
            let note = tag_note(tag).unwrap_or_else(|| panic!("{tag}"));
            assert!(note.source == "pooltag.txt" || note.source.starts_with("https://"), "{note:?}");
            assert!(note.text.len() > 20 && !note.text.ends_with('.'), "{note:?}");
        }
        assert_eq!(tag_note("WCsc").map(|note| note.pattern), Some("WCsc"), "the exact tag precedes the pattern");
        let video = tag_note("Vi54").expect("a note");
        assert!(video.driver == "dxgmms2.sys" && video.source.starts_with("https://"), "{video:?}");
        assert_eq!(tag_note("MyTg"), None);
        assert_eq!(tag_note("Vi"), None);
        assert!(group_note(&["File", "NtFC", "WCsc"]).is_some_and(|note| note.contains("wcifs.sys")));
        assert_eq!(group_note(&["EtwD"]), None);
    }

    #[test]
    fn every_line_has_three_or_four_parts() {
        for parts in lines() {
            let is_group = parts.len() == 3 && parts[0].split_whitespace().count() > 1;
            let is_tag = parts.len() == 4 && parts[0].chars().count() == 4;
            assert!(is_group || is_tag, "{parts:?}");
        }
    }
}
