//! Conditions of `leaks --fail-if`, such as `nonpaged_growth > 1MB/min and confidence > 80%`, evaluated on the figures of a leak
//! analysis.

mod figure;
mod parse;

pub use figure::{Figure, Figures};

use std::fmt;
use std::str::FromStr;

/// A condition with its text.
#[derive(Clone, PartialEq, Debug)]
pub struct Condition {
    text: String,
    term: Term,
}

/// Expression of a condition.
#[derive(Clone, PartialEq, Debug)]
enum Term {
    /// Comparison of a figure with a number in the figure's base unit.
    Compare(Figure, Comparison, f64),
    Not(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
}

/// Comparison operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Comparison {
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
    Unequal,
}

impl Comparison {
    fn is_true(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
            Self::Equal => left == right,
            Self::Unequal => left != right,
        }
    }

    /// The operator with its sides exchanged.
    const fn flipped(self) -> Self {
        match self {
            Self::Less => Self::More,
            Self::AtMost => Self::AtLeast,
            Self::More => Self::Less,
            Self::AtLeast => Self::AtMost,
            same => same,
        }
    }
}

impl Condition {
    /// The figures that make the condition true, such as `leaks is 1, confidence is 87 %`; `None` if it is false.
    #[must_use]
    pub fn satisfied_by(&self, figures: &Figures) -> Option<String> {
        let mut deciding = Vec::new();
        self.term.is_true(figures, &mut deciding).then(|| {
            deciding.dedup();
            deciding.join(", ")
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Term {
    /// Returns `true` if the expression is true; `deciding` gets the figures that decide it.
    fn is_true(&self, figures: &Figures, deciding: &mut Vec<String>) -> bool {
        match self {
            Self::Compare(figure, comparison, value) => {
                deciding.push(format!("{figure} is {}", figures.text(*figure)));
                comparison.is_true(figures.value(*figure), *value)
            }
            Self::Not(inner) => !inner.is_true(figures, deciding),
            Self::And(terms) => decide(terms, figures, deciding, false),
            Self::Or(terms) => decide(terms, figures, deciding, true),
        }
    }
}

/// Evaluates terms until one has the value `decisive`, which then is the result; only that term adds deciding figures.
fn decide(terms: &[Term], figures: &Figures, deciding: &mut Vec<String>, decisive: bool) -> bool {
    let before = deciding.len();
    for term in terms {
        let start = deciding.len();
        if term.is_true(figures, deciding) == decisive {
            deciding.drain(before..start);
            return decisive;
        }
    }
    !decisive
}

impl FromStr for Condition {
    type Err = String;

    /// Parses a condition.
    fn from_str(text: &str) -> Result<Self, String> {
        parse::term(text).map(|term| Self { text: text.to_owned(), term }).map_err(|error| {
            let column = text.get(..error.at).map_or(0, |t| t.chars().count());
            let line = text.replace(['\n', '\t', '\r'], " ");
            format!("column {}: {}\n\n  {line}\n  {}^", column + 1, error.message, " ".repeat(column))
        })
    }
}

/// A syntax error and its position in bytes from the start.
#[derive(Clone, PartialEq, Eq, Debug)]
struct SyntaxError {
    at: usize,
    message: String,
}

impl SyntaxError {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

#[cfg(test)]
mod tests;
