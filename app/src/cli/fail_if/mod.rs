//! `--fail-if`: a question to a judgement that a build can fail on, such as `nonpaged_growth > 1MB/min and confidence > 80%`.
//! It knows figures and units, nothing about how a verdict comes about.

mod figure;
mod parse;
mod token;

pub use figure::{Figure, Figures};

use std::fmt;
use std::str::FromStr;

/// A condition.
#[derive(Clone, PartialEq, Debug)]
pub struct Condition {
    text: String,
    term: Term,
}

/// A part of a condition.
#[derive(Clone, PartialEq, Debug)]
enum Term {
    /// A figure against a number in its base unit.
    Compare(Figure, Comparison, f64),
    Not(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
}

/// How two numbers are compared.
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
    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
            Self::Equal => left == right,
            Self::Unequal => left != right,
        }
    }

    /// The same with the sides changed.
    const fn turned(self) -> Self {
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
    /// If the condition holds, the figures that make it hold; `None` if it does not.
    #[must_use]
    pub fn held(&self, figures: &Figures) -> Option<String> {
        let mut because = Vec::new();
        self.term.holds(figures, &mut because).then(|| {
            because.dedup();
            because.join(", ")
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Term {
    /// Whether it holds; `because` gets the figures that decided.
    fn holds(&self, figures: &Figures, because: &mut Vec<String>) -> bool {
        match self {
            Self::Compare(figure, comparison, value) => {
                because.push(format!("{figure} is {}", figures.text(*figure)));
                comparison.holds(figures.value(*figure), *value)
            }
            Self::Not(inner) => !inner.holds(figures, because),
            Self::And(terms) => decide(terms, figures, because, false),
            Self::Or(terms) => decide(terms, figures, because, true),
        }
    }
}

/// Whether one of the terms comes out as `decisive`, which then is the result of all; only the terms that decided tell why.
fn decide(terms: &[Term], figures: &Figures, because: &mut Vec<String>, decisive: bool) -> bool {
    let before = because.len();
    for term in terms {
        let start = because.len();
        if term.holds(figures, because) == decisive {
            because.drain(before..start);
            return decisive;
        }
    }
    !decisive
}

impl FromStr for Condition {
    type Err = String;

    /// Reads a condition.
    fn from_str(text: &str) -> Result<Self, String> {
        parse::term(text).map(|term| Self { text: text.to_owned(), term }).map_err(|mistake| {
            let column = text.get(..mistake.at).map_or(0, |t| t.chars().count());
            let line = text.replace(['\n', '\t', '\r'], " ");
            format!("column {}: {}\n\n  {line}\n  {}^", column + 1, mistake.message, " ".repeat(column))
        })
    }
}

/// What is wrong, and where: bytes from the start.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Mistake {
    at: usize,
    message: String,
}

impl Mistake {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

#[cfg(test)]
mod tests;
