//! Tag patterns of the kernel's pool tag filter: up to four patterns of one to four characters, for `wpr` and `xperf`. Every value of
//! the types can be written into a profile and into a command line.
//!
//! The kernel has at most four filters; `?` matches any one character, `*` the rest of the tag; case matters (published schema of WPR
//! profiles, documentation of `PoolTags` and of `xperf -PoolTag`). A tag is always four bytes: shorter ones are padded with spaces or
//! zeros, and it is not documented how a filter of three characters is padded. Short patterns are therefore padded with `?`, which
//! matches both.

use std::fmt;

/// Maximum number of patterns in the kernel's filter.
pub const TAGS_MAX: usize = 4;
/// Length of a tag in characters.
pub const TAG_LENGTH: usize = 4;

/// Reason why a tag cannot be recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// The tag is empty.
    #[error("a tag is empty: enter one to four characters, such as Leak, or record all tags")]
    Empty,
    /// More than four characters.
    #[error(
        "tag '{given}' has {count} characters, a pool tag has one to four: enter only the tag, as poolmon shows it"
    )]
    TooLong {
        /// The input, with control characters escaped.
        given: String,
        /// Number of characters.
        count: usize,
    },
    /// A character that is not allowed in a tag.
    #[error("tag '{given}' contains {character}, and pool tags are ASCII: use ? instead, which matches any character")]
    NotAscii {
        /// The input, with control characters escaped.
        given: String,
        /// The character, escaped.
        character: String,
    },
    /// The pattern matches every tag.
    #[error(
        "tag '{given}' matches every tag: record all tags instead, or enter at least one character before the first *"
    )]
    MatchesAll {
        /// The input.
        given: String,
    },
    /// The same pattern twice.
    #[error("tag '{given}' is given twice{}: enter each tag once", padding(.given, .earlier))]
    Duplicate {
        /// The input.
        given: String,
        /// The equivalent earlier input.
        earlier: String,
    },
    /// More than four patterns.
    #[error("{count} tags are given, and Windows filters by four at most: remove some, or combine them with ? and *")]
    TooMany {
        /// Number of patterns.
        count: usize,
    },
}

fn padding(given: &str, earlier: &str) -> String {
    if given == earlier {
        String::new()
    } else {
        format!(" (shorter tags are padded, so it is the same as '{earlier}')")
    }
}

/// One position of a pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum TagPosition {
    /// `?`: any character.
    Any,
    /// A printable ASCII character.
    Literal(char),
}

/// A tag pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TagPattern {
    given: String,
    /// The four positions; those from the first `*` on are [`TagPosition::Any`].
    positions: [TagPosition; TAG_LENGTH],
    /// Number of positions before the first `*`, or four.
    known: usize,
    /// Characters that a pattern cannot express were replaced by `?`.
    bytes_replaced: bool,
    /// Padded from fewer than four characters.
    padded: bool,
    /// Characters after the first `*` were dropped.
    truncated: bool,
}

impl TagPattern {
    /// Parses user input: `?` and `*` are wildcards, `\xNN` is one byte.
    ///
    /// # Errors
    /// Every [`TagError`] but those of several tags.
    pub fn parse(text: &str) -> Result<Self, TagError> {
        Self::read(text, true)
    }

    /// The pattern of one tag as tables show it: four characters, `\xNN` for unprintable bytes. `*` and `?` are literal and, like all
    /// characters that a pattern cannot express, are replaced by `?`.
    ///
    /// # Errors
    /// Every [`TagError`] but those of several tags.
    pub fn from_tag(shown: &str) -> Result<Self, TagError> {
        Self::read(shown, false)
    }

    fn read(text: &str, wildcards: bool) -> Result<Self, TagError> {
        let given = printable(text);
        let characters = characters(text);
        let blanks = characters.iter().rev().take_while(|c| **c == Character::Plain(' ')).count();
        // Length without trailing spaces.
        let end = characters.len() - blanks;
        if end == 0 {
            return Err(TagError::Empty);
        }
        let mut pattern = Self {
            given,
            positions: [TagPosition::Any; TAG_LENGTH],
            known: TAG_LENGTH,
            bytes_replaced: false,
            padded: end < TAG_LENGTH,
            truncated: false,
        };
        // Trailing spaces beyond the fourth character are ignored.
        if end > TAG_LENGTH {
            return Err(TagError::TooLong { given: pattern.given, count: end });
        }
        for (at, character) in characters.iter().enumerate().take(end) {
            match character {
                Character::Plain('*') if wildcards => {
                    pattern.known = at;
                    pattern.padded = false;
                    pattern.truncated = at + 1 < end;
                    break;
                }
                Character::Plain('?') if wildcards => {}
                Character::Plain('*' | '?') => pattern.bytes_replaced = true,
                Character::Plain(c) if c.is_ascii_graphic() || *c == ' ' => {
                    if let Some(position) = pattern.positions.get_mut(at) {
                        *position = TagPosition::Literal(*c);
                    }
                }
                Character::Byte => pattern.bytes_replaced = true,
                Character::Plain(_) if !wildcards => pattern.bytes_replaced = true,
                Character::Plain(c) => {
                    let character = name_of(*c);
                    return Err(TagError::NotAscii { given: pattern.given, character });
                }
            }
        }
        if pattern.positions.iter().all(|position| *position == TagPosition::Any) {
            return Err(TagError::MatchesAll { given: pattern.given });
        }
        Ok(pattern)
    }

    /// The input, with control characters escaped.
    #[must_use]
    pub fn given(&self) -> &str {
        &self.given
    }

    /// The pattern for a profile: one to four printable ASCII characters, not escaped for XML.
    #[must_use]
    pub fn text(&self) -> String {
        self.write(|_, _| true)
    }

    /// The pattern for a command line: characters with a special meaning in `cmd.exe`, PowerShell or `xperf` are replaced by `?`.
    #[must_use]
    pub fn shell_text(&self) -> String {
        self.write(is_plain)
    }

    fn write(&self, keep: impl Fn(usize, char) -> bool) -> String {
        let mut text: String = self
            .positions
            .iter()
            .take(self.known)
            .enumerate()
            .map(|(at, position)| match position {
                TagPosition::Literal(c) if keep(at, *c) => *c,
                _ => '?',
            })
            .collect();
        if self.known < TAG_LENGTH {
            text.push('*');
        }
        text
    }

    /// Returns `true` if the pattern differs in a command line.
    #[must_use]
    pub fn is_altered_for_shell(&self) -> bool {
        self.text() != self.shell_text()
    }

    /// Returns `true` if the pattern was padded with `?` to four characters and so matches longer tags too.
    #[must_use]
    pub const fn is_padded(&self) -> bool {
        self.padded
    }

    /// Returns `true` if unprintable bytes or a literal `*` or `?` were replaced by `?`.
    #[must_use]
    pub const fn has_replaced_bytes(&self) -> bool {
        self.bytes_replaced
    }

    /// Returns `true` if characters after the first `*` were dropped; the kernel's filter ignores them.
    #[must_use]
    pub const fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Returns `true` if every tag that `other` matches is matched by this pattern too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.positions.iter().zip(&other.positions).all(|(own, other)| *own == TagPosition::Any || own == other)
    }

    /// Returns `true` if the pattern matches a tag of four bytes; the high bit of each byte is ignored.
    #[must_use]
    pub fn matches(&self, tag: [u8; TAG_LENGTH]) -> bool {
        self.positions.iter().zip(tag).all(|(position, byte)| match position {
            TagPosition::Any => true,
            TagPosition::Literal(c) => *c == char::from(byte & 0x7F),
        })
    }
}

impl fmt::Display for TagPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// One to four distinct patterns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TagPatterns(Vec<TagPattern>);

impl TagPatterns {
    /// Parses user input.
    ///
    /// # Errors
    /// The first [`TagError`].
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, TagError> {
        let patterns = texts.into_iter().map(|text| TagPattern::parse(text.as_ref())).collect::<Result<Vec<_>, _>>()?;
        Self::new(patterns)
    }

    /// A list of patterns.
    ///
    /// # Errors
    /// The list is empty, has duplicates, or has more than four patterns.
    pub fn new(patterns: Vec<TagPattern>) -> Result<Self, TagError> {
        if patterns.is_empty() {
            return Err(TagError::Empty);
        }
        for (at, pattern) in patterns.iter().enumerate() {
            if let Some(earlier) = patterns.iter().take(at).find(|earlier| earlier.text() == pattern.text()) {
                return Err(TagError::Duplicate { given: pattern.given.clone(), earlier: earlier.given.clone() });
            }
        }
        if patterns.len() > TAGS_MAX {
            return Err(TagError::TooMany { count: patterns.len() });
        }
        Ok(Self(patterns))
    }

    /// The first four of these tags, as tables show them, that can be recorded, without duplicates. `None` if there are none.
    #[must_use]
    pub fn from_tags<T: AsRef<str>>(shown: impl IntoIterator<Item = T>) -> Option<Self> {
        let mut patterns: Vec<TagPattern> = Vec::new();
        for pattern in shown.into_iter().filter_map(|tag| TagPattern::from_tag(tag.as_ref()).ok()) {
            if patterns.len() < TAGS_MAX && !patterns.iter().any(|earlier| earlier.covers(&pattern)) {
                patterns.push(pattern);
            }
        }
        Self::new(patterns).ok()
    }

    /// The patterns in the given order.
    #[must_use]
    pub fn as_slice(&self) -> &[TagPattern] {
        &self.0
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Character {
    Plain(char),
    /// A byte that is not printable ASCII, written as `\xNN`.
    Byte,
}

/// Splits a tag into characters; `\xNN` is one character.
fn characters(text: &str) -> Vec<Character> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let byte = rest.strip_prefix("\\x").and_then(|after| after.get(..2));
        if let Some(Ok(byte)) = byte.map(|digits| u8::from_str_radix(digits, 16)) {
            let plain = byte.is_ascii_graphic() || byte == b' ';
            found.push(if plain { Character::Plain(char::from(byte)) } else { Character::Byte });
            rest = rest.get(4..).unwrap_or_default();
        } else {
            found.push(Character::Plain(first));
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    found
}

/// Returns `true` for characters without a special meaning in `cmd.exe`, PowerShell and `xperf`. At the start, `-` would be an option and `#` a
/// comment.
const fn is_plain(at: usize, c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || (at > 0 && matches!(c, '.' | '#' | '-'))
}

/// Escapes control characters.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

fn name_of(c: char) -> String {
    if c.is_control() { format!("a control character ({})", c.escape_default()) } else { format!("'{c}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(given: &str) -> String {
        TagPattern::parse(given).expect("a tag").text()
    }

    fn refused(given: &str) -> String {
        TagPattern::parse(given).expect_err("no tag").to_string()
    }

    #[test]
    fn patterns_have_the_filter_syntax() {
        for (given, wanted) in [
            ("Leak", "Leak"),
            ("leaK", "leaK"),
            ("Fil", "Fil?"),
            ("Fil ", "Fil?"),
            ("Fil   ", "Fil?"),
            ("a", "a???"),
            ("a b", "a b?"),
            (" a", " a??"),
            ("L?ak", "L?ak"),
            ("Le*", "Le*"),
            ("Le*k", "Le*"),
            ("a&<\"", "a&<\""),
            ("\\x00abc", "?abc"),
            ("ab\\x41d", "abAd"),
            ("ab\\xc3", "ab??"),
            ("ab\\q", "ab\\q"),
        ] {
            assert_eq!(text(given), wanted, "{given:?}");
        }
    }

    #[test]
    fn invalid_tags_give_the_reason_and_a_remedy() {
        assert!(refused("").contains("is empty: enter one to four"));
        assert_eq!(refused("   "), refused(""));
        assert!(refused("Leak*").contains("has 5 characters"));
        assert!(refused("Leaks").starts_with("tag 'Leaks' has 5 characters, a pool tag has one to four: "));
        assert!(refused("\u{e9}").contains("contains '\u{e9}', and pool tags are ASCII: use ? instead"));
        assert!(refused("a\x1b[2").contains("'a\\u{1b}[2' contains a control character (\\u{1b})"));
        for everything in ["*", "????", "*eak", "?", "\\x00", "**"] {
            assert!(refused(everything).contains("matches every tag: record all tags instead"), "{everything}");
        }
    }

    #[test]
    fn at_most_four_distinct_tags_are_accepted() {
        let refused = |tags: &[&str]| TagPatterns::parse(tags).expect_err("refused").to_string();
        assert_eq!(refused(&["Leak", "Leak"]), "tag 'Leak' is given twice: enter each tag once");
        let padded = refused(&["Fil", "Leak", "Fil "]);
        assert!(
            padded.starts_with("tag 'Fil ' is given twice (shorter tags are padded, so it is the same as 'Fil')"),
            "{padded}"
        );
        assert!(
            refused(&["a", "b", "c", "d", "e"]).starts_with("5 tags are given, and Windows filters by four at most")
        );
        assert!(refused(&[]).contains("empty"));
        assert!(TagPatterns::parse(["leak", "Leak"]).is_ok(), "case matters");
    }

    #[test]
    fn displayed_tags_are_literal() {
        let text = |shown: &str| TagPattern::from_tag(shown).map(|tag| (tag.text(), tag.has_replaced_bytes())).ok();
        assert_eq!(text("Leak"), Some(("Leak".to_owned(), false)));
        assert_eq!(text("a*b?"), Some(("a?b?".to_owned(), true)));
        assert_eq!(text("a\\x00\u{e9}d"), Some(("a??d".to_owned(), true)));
        assert_eq!(text("****"), None);
        let tags = TagPatterns::from_tags(["Leak", "****", "Leak", "Fil ", "File", "b", "c", "d"]).expect("some");
        let texts: Vec<String> = tags.as_slice().iter().map(TagPattern::text).collect();
        assert_eq!(texts, ["Leak", "Fil?", "b???", "c???"], "covered tags are omitted");
        assert_eq!(TagPatterns::from_tags(["\\x01\\x02\\x03\\x04"]), None);
    }

    #[test]
    fn command_lines_have_no_special_characters() {
        let shell = |given: &str| TagPattern::parse(given).expect("a tag").shell_text();
        assert_eq!(
            ["Leak", "Fil ", "a%b^", "-UMD", "#abc", "a-b#", ".a.b", "a;+b"].map(shell),
            ["Leak", "Fil?", "a?b?", "?UMD", "?abc", "a-b#", "?a.b", "a??b"]
        );
        assert_eq!(shell("a\"*"), "a?*");
    }

    #[test]
    fn one_pattern_may_cover_another() {
        let covers =
            |a: &str, b: &str| TagPattern::parse(a).expect("a tag").covers(&TagPattern::parse(b).expect("a tag"));
        assert!(covers("Le*", "Leak") && covers("L?ak", "Leak") && covers("Fil", "File") && covers("ab*", "ab??"));
        assert!(!covers("Leak", "Le*") && !covers("leak", "Leak") && !covers("L?ak", "Le?k"));
        let pattern = TagPattern::parse("Le?k").expect("a tag");
        assert!(
            pattern.matches(*b"Leak") && pattern.matches([b'L', b'e', 0, b'k' | 0x80]) && !pattern.matches(*b"leak")
        );
    }
}
