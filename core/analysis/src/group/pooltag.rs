//! The user's `pooltag.txt`: lines `Tag - binary - description`. It must never be invented: without a file there are no
//! descriptions.

use crate::trace::attributes::Tag;
use std::collections::BTreeMap;

/// What a file says about one tag.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TagText {
    /// File name of the driver, as written; may be empty.
    pub binary: String,
    /// The rest of the line; may be empty.
    pub description: String,
}

/// The lines of a `pooltag.txt`.
#[derive(Clone, Default, Debug)]
pub struct PoolTags {
    exact: BTreeMap<[u8; 4], TagText>,
    /// Tags that end in `*` in the file, longest first.
    prefixes: Vec<(Vec<u8>, TagText)>,
}

impl PoolTags {
    /// Reads the text of the file. Lines that are no tag lines (comments begin with `rem` or `//`) are passed over; of
    /// two lines for one tag the first counts.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut tags = Self::default();
        for line in text.lines() {
            let line = line.trim_end();
            if line.starts_with("rem") || line.starts_with("//") {
                continue;
            }
            tags.add_line(line);
        }
        tags.prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        tags
    }

    fn add_line(&mut self, line: &str) -> Option<()> {
        let dash = line.find(" - ").or_else(|| line.strip_suffix(" -").map(str::len))?;
        let tag = line.get(..dash)?.trim_end();
        let rest = line.get(dash + 2..)?.trim();
        let (binary, description) = match rest.split_once(" - ") {
            Some((binary, description)) => (binary.trim(), description.trim()),
            None => (rest.trim_end_matches('-').trim(), ""),
        };
        let text = TagText { binary: binary.to_owned(), description: description.to_owned() };
        match tag.as_bytes() {
            [prefix @ .., b'*'] if !prefix.is_empty() && prefix.len() < 4 => {
                self.prefixes.push((prefix.to_vec(), text));
            }
            bytes if (1..=4).contains(&bytes.len()) => {
                let mut tag = [b' '; 4];
                tag[..bytes.len()].copy_from_slice(bytes);
                self.exact.entry(tag).or_insert(text);
            }
            _ => {}
        }
        Some(())
    }

    /// What the file says about a tag.
    #[must_use]
    pub fn get(&self, tag: Tag) -> Option<&TagText> {
        self.exact.get(&tag.0).or_else(|| {
            let found = self.prefixes.iter().find(|(prefix, _)| tag.0.starts_with(prefix));
            found.map(|(_, text)| text)
        })
    }

    /// Whether a line names this very tag, and not a family that it belongs to.
    #[must_use]
    pub fn is_exact(&self, tag: Tag) -> bool {
        self.exact.contains_key(&tag.0)
    }

    /// Number of lines that were understood.
    #[must_use]
    pub fn len(&self) -> usize {
        self.exact.len() + self.prefixes.len()
    }

    /// Whether no line was understood.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_descriptions() {
        let file = "rem a comment\nAbc  - one.sys    - First - with a dash\nFil - <unknown>  - Files\n\
                    Net* - net.sys - Anything\nBare - only.sys\n\nnonsense\n";
        let tags = PoolTags::parse(file);
        assert_eq!(tags.len(), 4);
        let abc = tags.get(Tag(*b"Abc ")).unwrap();
        assert_eq!((abc.binary.as_str(), abc.description.as_str()), ("one.sys", "First - with a dash"));
        assert_eq!(tags.get(Tag(*b"Fil ")).unwrap().description, "Files");
        assert_eq!(tags.get(Tag(*b"NetQ")).unwrap().description, "Anything");
        assert_eq!(tags.get(Tag(*b"Bare")).unwrap().binary, "only.sys");
        assert_eq!(tags.get(Tag(*b"abc ")), None);
    }
}
