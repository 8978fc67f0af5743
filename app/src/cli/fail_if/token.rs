//! The words, numbers and signs of a condition.

use super::{Comparison, Mistake};

/// A token and where it begins, in bytes.
#[derive(Clone, PartialEq, Debug)]
pub struct Token {
    /// Where it begins.
    pub at: usize,
    /// What it is.
    pub kind: TokenKind,
}

/// What stands in a condition.
#[derive(Clone, PartialEq, Debug)]
pub enum TokenKind {
    /// A name, `and`, `or`, `not`; in lower case.
    Word(String),
    /// Digits, and the unit written against or behind them in lower case, such as `mb/min`.
    Number(f64, String),
    /// A comparison.
    Compare(Comparison),
    /// `(`
    Open,
    /// `)`
    Close,
}

/// Cuts a text into tokens.
pub fn tokens(text: &str) -> Result<Vec<Token>, Mistake> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let at = text.len() - rest.len();
        let Some(first) = rest.chars().next() else { return Ok(found) };
        let (kind, length) = match first {
            '(' => (TokenKind::Open, 1),
            ')' => (TokenKind::Close, 1),
            '<' | '>' | '=' | '!' => {
                comparison(rest).ok_or_else(|| Mistake::new(at, "'!' alone is no comparison: write !="))?
            }
            c if c.is_ascii_digit() || matches!(c, '.' | '-' | '+') => number(rest, at)?,
            c if c.is_alphabetic() || c == '_' => {
                let word = run(rest, |c| c.is_alphanumeric() || c == '_');
                (TokenKind::Word(word.to_lowercase()), word.len())
            }
            c => return Err(Mistake::new(at, format!("'{c}' has no meaning here"))),
        };
        found.push(Token { at, kind });
        rest = rest.get(length..).unwrap_or("");
    }
}

fn comparison(text: &str) -> Option<(TokenKind, usize)> {
    const SIGNS: [(&str, Comparison); 7] = [
        ("<=", Comparison::AtMost),
        (">=", Comparison::AtLeast),
        ("!=", Comparison::Unequal),
        ("==", Comparison::Equal),
        ("<", Comparison::Less),
        (">", Comparison::More),
        ("=", Comparison::Equal),
    ];
    let sign = SIGNS.iter().find(|(sign, _)| text.starts_with(sign))?;
    Some((TokenKind::Compare(sign.1), sign.0.len()))
}

/// A number and its unit. Behind a blank only what looks like a unit is one: anything else is the next word.
fn number(text: &str, at: usize) -> Result<(TokenKind, usize), Mistake> {
    let sign = usize::from(text.starts_with(['-', '+']));
    let digits = run(text.get(sign..).unwrap_or(""), |c| c.is_ascii_digit() || c == '.').len() + sign;
    let written = text.get(..digits).unwrap_or("");
    let value: f64 = written.parse().ok().ok_or_else(|| Mistake::new(at, format!("'{written}' is not a number")))?;
    let behind = text.get(digits..).unwrap_or("");
    let blanks = behind.len() - behind.trim_start().len();
    let unit = run(behind.trim_start(), |c| c.is_alphabetic() || matches!(c, '/' | '%'));
    let looks_like_one =
        unit.contains(['/', '%']) || matches!(unit.to_lowercase().as_str(), "b" | "kb" | "mb" | "gb" | "tb");
    if unit.is_empty() || (blanks > 0 && !looks_like_one) {
        return Ok((TokenKind::Number(value, String::new()), digits));
    }
    Ok((TokenKind::Number(value, unit.to_lowercase()), digits + blanks + unit.len()))
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    let end = text.find(|c: char| !belongs(c)).unwrap_or(text.len());
    text.get(..end).unwrap_or(text)
}
