//! Texts against patterns: whole, somewhere in it, with wildcards, by regular expression.

use super::query::{Condition, Pattern};
use regex::{Regex, RegexBuilder};

/// A condition on text, ready to be asked.
#[derive(Clone, Debug)]
pub struct TextMatcher {
    regex: Regex,
}

impl TextMatcher {
    /// Prepares a condition. `whole`: a plain value has to match the whole text. `None` for conditions on numbers, and
    /// for patterns beyond all measure.
    #[must_use]
    pub fn new(condition: &Condition, whole: bool, case_sensitive: bool) -> Option<Self> {
        let source = match condition {
            Condition::Regex(text) => text.clone(),
            Condition::Exactly(pattern) => format!("^(?s:{})$", source(pattern)),
            Condition::Is(pattern) if whole => format!("^(?s:{})$", source(pattern)),
            Condition::Is(pattern) => format!("(?s:{})", source(pattern)),
            Condition::Between(..) | Condition::Missing => return None,
        };
        regex(&source, case_sensitive).ok().map(|regex| Self { regex })
    }

    /// Whether a text matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// Builds a regular expression as queries use it.
///
/// # Errors
///
/// One line on what is wrong with it.
pub fn regex(source: &str, case_sensitive: bool) -> Result<Regex, String> {
    let built = RegexBuilder::new(source).case_insensitive(!case_sensitive).build();
    built.map_err(|error| {
        let text = error.to_string();
        let last = text.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("");
        last.trim().trim_start_matches("error: ").to_owned()
    })
}

fn source(pattern: &Pattern) -> String {
    if !pattern.wildcards {
        return regex::escape(&pattern.text);
    }
    let mut source = String::new();
    for c in pattern.text.chars() {
        match c {
            '*' => source.push_str(".*"),
            '?' => source.push('.'),
            c => source.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    source
}
