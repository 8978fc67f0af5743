//! Queries as written: tests on columns, joined by AND, OR and NOT. A query does not depend on a trace. Its text parses to the
//! same query, and it is serialized as that text.

use super::literal::Literal;
use super::parse;
use crate::group::key::{Key, nearest};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// A query. The empty one matches all rows.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Query {
    /// The outermost expression.
    pub expression: Expression,
}

/// Joined tests.
#[derive(Clone, PartialEq, Debug)]
pub enum Expression {
    /// All of these; an empty list matches all rows.
    And(Vec<Expression>),
    /// At least one of these.
    Or(Vec<Expression>),
    /// Negation.
    Not(Box<Expression>),
    /// A test on a column.
    Test(Test),
}

/// A test on one column.
#[derive(Clone, PartialEq, Debug)]
pub struct Test {
    /// The column.
    pub field: Field,
    /// The condition on its value.
    pub condition: Condition,
}

/// A condition on a value.
#[derive(Clone, PartialEq, Debug)]
pub enum Condition {
    /// Text that is equal, or for [`FieldKind::CodeText`] contained.
    Is(Pattern),
    /// Text that is equal.
    Exactly(Pattern),
    /// Text that matches a regular expression.
    Regex(String),
    /// Number within inclusive bounds; `None` for no bound.
    Between(Option<i128>, Option<i128>, Written),
    /// Missing number.
    Missing,
}

/// Bounds as written, for the text of the query.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written(pub String);

/// A text to match.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern {
    /// The text.
    pub text: String,
    /// `*` and `?` in it stand for any run of characters and any character.
    pub wildcards: bool,
}

impl Query {
    /// The query that matches all rows.
    #[must_use]
    pub fn everything() -> Self {
        Self { expression: Expression::And(Vec::new()) }
    }

    /// Returns `true` for the query without a test.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.expression == Expression::And(Vec::new())
    }

    /// Returns `true` if a test is on this column.
    #[must_use]
    pub fn asks(&self, field: Field) -> bool {
        let mut open = vec![&self.expression];
        while let Some(expression) = open.pop() {
            match expression {
                Expression::And(parts) | Expression::Or(parts) => open.extend(parts),
                Expression::Not(inner) => open.push(inner),
                Expression::Test(test) if test.field == field => return true,
                Expression::Test(_) => {}
            }
        }
        false
    }
}

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        parse::parse(text)
    }
}

impl TryFrom<String> for Query {
    type Error = QueryError;

    fn try_from(text: String) -> Result<Self, QueryError> {
        text.parse()
    }
}

impl From<Query> for String {
    fn from(query: Query) -> Self {
        query.to_string()
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_expression(f, &self.expression, 0)
    }
}

/// Writes an expression. `binding` is the precedence around it: 0 for none or OR, 1 for AND, 2 for NOT.
fn write_expression(f: &mut fmt::Formatter<'_>, e: &Expression, binding: u8) -> fmt::Result {
    let joined = |f: &mut fmt::Formatter<'_>, parts: &[Expression], word: &str, own: u8| {
        // A list with less than two parts has no keyword; parentheses keep it a list when parsed.
        let bracketed = binding > own || (parts.len() < 2 && binding > 0);
        f.write_str(if bracketed { "(" } else { "" })?;
        for (at, part) in parts.iter().enumerate() {
            f.write_str(if at > 0 { word } else { "" })?;
            write_expression(f, part, own + 1)?;
        }
        f.write_str(if bracketed { ")" } else { "" })
    };
    match e {
        Expression::And(parts) => joined(f, parts, " ", 1),
        Expression::Or(parts) => joined(f, parts, " OR ", 0),
        Expression::Not(inner) => {
            f.write_str("NOT ")?;
            write_expression(f, inner, 2)
        }
        Expression::Test(test) => write!(f, "{test}"),
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.field.name())?;
        match &self.condition {
            Condition::Is(pattern) => write!(f, "{pattern}"),
            Condition::Exactly(pattern) => write!(f, "={pattern}"),
            Condition::Regex(text) => write!(f, "~{}", quoted(text)),
            Condition::Between(_, _, written) => f.write_str(&written.0),
            Condition::Missing => f.write_str("none"),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |c: char| !c.is_whitespace() && !"()\"*?=<>!~".contains(c);
        let plain = !self.text.is_empty() && self.text.chars().all(is_plain);
        if self.wildcards || plain { f.write_str(&self.text) } else { f.write_str(&quoted(&self.text)) }
    }
}

/// A text in quotes, as the parser reads it.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if c == '"' || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// A literal's number; `None` where the value is [`Literal::Missing`].
pub(super) fn number(literal: Literal) -> Option<i128> {
    match literal {
        Literal::Number(number) => Some(number),
        Literal::Missing => None,
    }
}

/// A column of a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    /// A key column.
    Key(Key),
    /// The size in bytes.
    Size,
}

/// The kind of value of a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FieldKind {
    /// Text; a plain value has to be equal.
    Text,
    /// Text of code (module, function, frame); a plain value has to be contained.
    CodeText,
    /// Bytes.
    Bytes,
    /// A plain number, decimal or `0x…`.
    Number,
    /// Seconds from the trace's start, or a span of time.
    Time,
}

impl Field {
    /// The column with a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        if name == "size" {
            return Some(Self::Size);
        }
        Key::ALL.iter().find(|k| k.name() == name).map(|k| Self::Key(*k))
    }

    /// The column with the most similar name.
    #[must_use]
    pub fn nearest(name: &str) -> Option<&'static str> {
        nearest(name, Key::ALL.iter().map(|k| k.name()).chain(["size"]))
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key(key) => key.name(),
            Self::Size => "size",
        }
    }

    /// The kind of its values.
    #[must_use]
    pub const fn kind(self) -> FieldKind {
        match self {
            Self::Size => FieldKind::Bytes,
            Self::Key(key) => key.kind(),
        }
    }

    /// Returns `true` if case matters, as it does for tags.
    #[must_use]
    pub const fn is_case_sensitive(self) -> bool {
        matches!(self, Self::Key(Key::Tag))
    }
}

/// A mistake in a query.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("column {column}: {message}{}", .suggestion.as_ref().map_or_else(String::new, |s| format!("; did you mean '{s}'?")))]
pub struct QueryError {
    /// Position in characters, from 1.
    pub column: usize,
    /// Byte range of the wrong text in the query, at character boundaries. Empty if something is missing at the end.
    pub span: Range<usize>,
    /// The mistake.
    pub message: String,
    /// The text that was probably meant instead.
    pub suggestion: Option<String>,
}

impl QueryError {
    /// A mistake at character `at` (the first is 0).
    pub(super) fn at(at: usize, message: impl Into<String>) -> Self {
        Self { column: at + 1, span: at..at + 1, message: message.into(), suggestion: None }
    }

    /// Sets the range of the wrong characters.
    pub(super) fn over(mut self, characters: Range<usize>) -> Self {
        self.span = characters;
        self
    }

    /// Converts the range from characters to bytes of `text`.
    pub(super) fn in_bytes(mut self, text: &str) -> Self {
        let byte = |character: usize| text.char_indices().nth(character).map_or(text.len(), |c| c.0);
        self.span = byte(self.span.start)..byte(self.span.end);
        self
    }

    pub(super) fn suggest(mut self, suggestion: Option<impl Into<String>>) -> Self {
        self.suggestion = suggestion.map(Into::into);
        self
    }
}
