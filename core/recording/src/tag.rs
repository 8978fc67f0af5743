//! Which tags are recorded: up to four patterns of one to four characters, as `wpr`, `xperf` and the kernel's filter take them. A
//! pattern that was accepted here can always be written into a profile and into a command line.
//!
//! Facts: the kernel holds at most four filters; `?` is any one character, `*` takes the rest of the tag; case counts (the published
//! schema of WPR's profiles, and the documentation of `PoolTags` and of `xperf -PoolTag`). A tag is always four bytes: a shorter one is
//! filled up with blanks or zeros, and no document says with which of them a filter of three characters is. So a short pattern is filled up with `?`,
//! which takes both.

use std::fmt;

/// As many patterns as the kernel's filter holds.
pub const TAGS_MAX: usize = 4;
/// Characters of a tag.
pub const TAG_LENGTH: usize = 4;

/// Why a tag can't be recorded: what was given, what is wrong, what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// Nothing was given.
    #[error("a tag is empty: give one to four characters, such as Leak, or record all tags")]
    Empty,
    /// More than four characters.
    #[error(
        "tag '{given}' has {count} characters, a pool tag has one to four: give the tag alone, as poolmon shows it"
    )]
    TooLong {
        /// What was given, made printable.
        given: String,
        /// Its characters.
        count: usize,
    },
    /// A character that no tag can hold.
    #[error(
        "tag '{given}' holds {character}, and a pool tag is made of ASCII characters: put ? in its place, it takes any one character"
    )]
    NotAscii {
        /// What was given, made printable.
        given: String,
        /// The character, made printable.
        character: String,
    },
    /// It would take everything.
    #[error(
        "tag '{given}' takes every tag: record all tags instead, or give at least one character before the first *"
    )]
    MatchesAll {
        /// What was given.
        given: String,
    },
    /// Twice the same.
    #[error("tag '{given}' is given twice{}: give each tag once", padding(.given, .earlier))]
    Duplicate {
        /// What was given.
        given: String,
        /// The same as it was given before.
        earlier: String,
    },
    /// More than four.
    #[error("{count} tags are given, and Windows filters by four at most: leave some out, or join them with ? and *")]
    TooMany {
        /// How many.
        count: usize,
    },
}

fn padding(given: &str, earlier: &str) -> String {
    if given == earlier {
        String::new()
    } else {
        format!(" (a shorter tag is filled up, so it is the same as '{earlier}')")
    }
}

/// Any one character, or one that is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum TagPosition {
    /// `?`
    Any,
    /// This one, printable ASCII.
    Literal(char),
}

/// One pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TagPattern {
    given: String,
    /// The four places; what comes after the first `*` is [`Place::Any`].
    places: [TagPosition; TAG_LENGTH],
    /// Places before the first `*`, or all four.
    known: usize,
    /// Bytes that are no printable ASCII and stand as `?` now.
    bytes_replaced: bool,
    /// Filled up from fewer than four characters.
    filled: bool,
    /// Something stood after the first `*`.
    cut: bool,
}

impl TagPattern {
    /// A pattern as somebody types it: `?`, `*`, and `\xNN` for a byte that is no letter.
    ///
    /// # Errors
    /// Every [`TagError`] but those of several tags.
    pub fn parse(text: &str) -> Result<Self, TagError> {
        Self::read(text, true)
    }

    /// The pattern of one tag as tables show it: four characters, `\xNN` for bytes that are no letter. A `*` or `?` in it is a
    /// character of the tag, and only `?` can stand for it; so it does for whatever no tag can hold.
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
        // Where the blanks at the end begin.
        let end = characters.len() - blanks;
        if end == 0 {
            return Err(TagError::Empty);
        }
        let mut pattern = Self {
            given,
            places: [TagPosition::Any; TAG_LENGTH],
            known: TAG_LENGTH,
            bytes_replaced: false,
            filled: end < TAG_LENGTH,
            cut: false,
        };
        // Blanks after the fourth character are a slip of whoever copied it.
        if end > TAG_LENGTH {
            return Err(TagError::TooLong { given: pattern.given, count: end });
        }
        for (at, character) in characters.iter().enumerate().take(end) {
            match character {
                Character::Plain('*') if wildcards => {
                    pattern.known = at;
                    pattern.filled = false;
                    pattern.cut = at + 1 < end;
                    break;
                }
                Character::Plain('?') if wildcards => {}
                Character::Plain('*' | '?') => pattern.bytes_replaced = true,
                Character::Plain(c) if c.is_ascii_graphic() || *c == ' ' => {
                    if let Some(place) = pattern.places.get_mut(at) {
                        *place = TagPosition::Literal(*c);
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
        if pattern.places.iter().all(|place| *place == TagPosition::Any) {
            return Err(TagError::MatchesAll { given: pattern.given });
        }
        Ok(pattern)
    }

    /// What was given, made printable.
    #[must_use]
    pub fn given(&self) -> &str {
        &self.given
    }

    /// The pattern for a profile: one to four characters of printable ASCII, not escaped.
    #[must_use]
    pub fn text(&self) -> String {
        self.write(|_, _| true)
    }

    /// The pattern for a command line: what `cmd.exe`, PowerShell or `xperf` would take for something else stands as `?`.
    #[must_use]
    pub fn shell_text(&self) -> String {
        self.write(is_plain)
    }

    fn write(&self, keep: impl Fn(usize, char) -> bool) -> String {
        let mut text: String = self
            .places
            .iter()
            .take(self.known)
            .enumerate()
            .map(|(at, place)| match place {
                TagPosition::Literal(c) if keep(at, *c) => *c,
                _ => '?',
            })
            .collect();
        if self.known < TAG_LENGTH {
            text.push('*');
        }
        text
    }

    /// Whether a command line can't hold it as it is.
    #[must_use]
    pub fn is_altered_for_shell(&self) -> bool {
        self.text() != self.shell_text()
    }

    /// Whether it was filled up to four characters with `?`, and so takes longer tags too.
    #[must_use]
    pub const fn is_padded(&self) -> bool {
        self.filled
    }

    /// Whether bytes that are no letter, or a literal `*` or `?`, stand as `?`.
    #[must_use]
    pub const fn has_replaced_bytes(&self) -> bool {
        self.bytes_replaced
    }

    /// Whether something stood after the first `*`, which the filter doesn't look at.
    #[must_use]
    pub const fn is_truncated(&self) -> bool {
        self.cut
    }

    /// Whether every tag that `other` takes is taken by this one too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.places.iter().zip(&other.places).all(|(own, other)| *own == TagPosition::Any || own == other)
    }

    /// Whether it takes the tag, four bytes.
    #[must_use]
    pub fn matches(&self, tag: [u8; TAG_LENGTH]) -> bool {
        self.places.iter().zip(tag).all(|(place, byte)| match place {
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

/// One to four different patterns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TagPatterns(Vec<TagPattern>);

impl TagPatterns {
    /// These patterns, as somebody types them.
    ///
    /// # Errors
    /// The first [`TagError`].
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, TagError> {
        let patterns = texts.into_iter().map(|text| TagPattern::parse(text.as_ref())).collect::<Result<Vec<_>, _>>()?;
        Self::new(patterns)
    }

    /// These patterns.
    ///
    /// # Errors
    /// None at all, one of them twice, or more than four.
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

    /// As many of these tags, as tables show them, as a filter holds: the first of them, each once. Nothing if none can be recorded.
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

    /// The patterns, in the order given.
    #[must_use]
    pub fn as_slice(&self) -> &[TagPattern] {
        &self.0
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Character {
    Plain(char),
    /// `\xNN`, or what it stands for.
    Byte,
}

/// The characters of a tag; `\xNN` is one.
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

/// Characters that neither `cmd.exe` nor PowerShell nor `xperf` takes for anything else. At the start, `-` would be an option and `#` a
/// comment.
const fn is_plain(at: usize, c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || (at > 0 && matches!(c, '.' | '#' | '-'))
}

/// The same without characters that would do something to a terminal.
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
    fn patterns_are_written_as_the_filter_takes_them() {
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
    fn what_cannot_be_recorded_says_why_and_what_to_do() {
        assert!(refused("").contains("is empty: give one to four"));
        assert_eq!(refused("   "), refused(""));
        assert!(refused("Leak*").contains("has 5 characters"));
        assert!(refused("Leaks").starts_with("tag 'Leaks' has 5 characters, a pool tag has one to four: "));
        assert!(
            refused("\u{e9}")
                .contains("holds '\u{e9}', and a pool tag is made of ASCII characters: put ? in its place")
        );
        assert!(refused("a\x1b[2").contains("'a\\u{1b}[2' holds a control character (\\u{1b})"));
        for everything in ["*", "????", "*eak", "?", "\\x00", "**"] {
            assert!(refused(everything).contains("takes every tag: record all tags instead"), "{everything}");
        }
    }

    #[test]
    fn several_tags_are_different_and_at_most_four() {
        let refused = |tags: &[&str]| TagPatterns::parse(tags).expect_err("refused").to_string();
        assert_eq!(refused(&["Leak", "Leak"]), "tag 'Leak' is given twice: give each tag once");
        let filled = refused(&["Fil", "Leak", "Fil "]);
        assert!(
            filled.starts_with("tag 'Fil ' is given twice (a shorter tag is filled up, so it is the same as 'Fil')"),
            "{filled}"
        );
        assert!(
            refused(&["a", "b", "c", "d", "e"]).starts_with("5 tags are given, and Windows filters by four at most")
        );
        assert!(refused(&[]).contains("empty"));
        assert!(TagPatterns::parse(["leak", "Leak"]).is_ok(), "case counts");
    }

    #[test]
    fn a_tag_of_a_table_is_taken_literally() {
        let text = |shown: &str| TagPattern::from_tag(shown).map(|tag| (tag.text(), tag.has_replaced_bytes())).ok();
        assert_eq!(text("Leak"), Some(("Leak".to_owned(), false)));
        assert_eq!(text("a*b?"), Some(("a?b?".to_owned(), true)));
        assert_eq!(text("a\\x00\u{e9}d"), Some(("a??d".to_owned(), true)));
        assert_eq!(text("****"), None);
        let tags = TagPatterns::from_tags(["Leak", "****", "Leak", "Fil ", "File", "b", "c", "d"]).expect("some");
        let texts: Vec<String> = tags.as_slice().iter().map(TagPattern::text).collect();
        assert_eq!(texts, ["Leak", "Fil?", "b???", "c???"], "what another takes already is left out");
        assert_eq!(TagPatterns::from_tags(["\\x01\\x02\\x03\\x04"]), None);
    }

    #[test]
    fn no_shell_changes_what_stands_in_a_command() {
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
        assert!(pattern.matches(*b"Leak") && pattern.matches([b'L', b'e', 0, b'k' | 0x80]) && !pattern.matches(*b"leak"));
    }
}
