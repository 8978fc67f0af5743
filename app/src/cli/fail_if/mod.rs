//! Conditions of `--fail-if`, such as `nonpaged_growth > 1MB/min and confidence > 80%`, evaluated on the figures of a leak analysis
//! or of a comparison.

mod compare_figures;
mod leak_figures;
mod parse;
mod quantity;

pub use compare_figures::{CompareFigure, CompareFigures, CompareUnit};
pub use leak_figures::{LeakFigure, LeakFigures};
use quantity::Figure;

use super::io::Io;
use std::fmt;
use std::io::Write as _;
use std::str::FromStr;

/// Exit code if a condition is true.
const EXIT_CONDITION: u8 = 3;

/// Values of figures.
pub trait Figures<F> {
    /// Value of a figure in its base unit.
    fn value(&self, figure: F) -> f64;

    /// Value of a figure with its unit.
    fn text(&self, figure: F) -> String;
}

/// Reports the conditions that are true; returns the exit code.
///
/// # Errors
/// The message cannot be written.
pub fn check<F: Figure>(conditions: &[Condition<F>], figures: &impl Figures<F>, io: &mut Io<'_>) -> anyhow::Result<u8> {
    let mut code = 0;
    for condition in conditions {
        if let Some(deciding) = condition.satisfied_by(figures) {
            writeln!(io.err, "poolscope: '{condition}' is true: {deciding}")?;
            code = EXIT_CONDITION;
        }
    }
    Ok(code)
}

/// A condition with its text.
#[derive(Clone, PartialEq, Debug)]
pub struct Condition<F> {
    text: String,
    term: Term<F>,
}

/// Expression of a condition.
#[derive(Clone, PartialEq, Debug)]
enum Term<F> {
    /// Comparison of a figure with a number in the figure's base unit.
    Compare(F, Comparison, f64),
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

impl<F: Figure> Condition<F> {
    /// Parses a condition; `named` gives the figure of a name, or a message.
    ///
    /// # Errors
    /// A message with the position of the error in the text.
    pub fn parse(text: &str, named: &dyn Fn(&str) -> Result<F, String>) -> Result<Self, String> {
        parse::term(text, named).map(|term| Self { text: text.to_owned(), term }).map_err(|error| {
            let column = text.get(..error.at).map_or(0, |t| t.chars().count());
            let line = text.replace(['\n', '\t', '\r'], " ");
            format!("column {}: {}\n\n  {line}\n  {}^", column + 1, error.message, " ".repeat(column))
        })
    }

    /// The figures that make the condition true, such as `leaks is 1, confidence is 87 %`; `None` if it is false.
    #[must_use]
    pub fn satisfied_by(&self, figures: &impl Figures<F>) -> Option<String> {
        let mut deciding = Vec::new();
        self.term.is_true(figures, &mut deciding).then(|| {
            deciding.dedup();
            deciding.join(", ")
        })
    }

    /// Returns `true` if the condition refers to a figure for which `is_it` is true.
    #[must_use]
    pub fn refers_to(&self, is_it: impl Fn(F) -> bool) -> bool {
        self.term.refers_to(&is_it)
    }
}

impl<F> fmt::Display for Condition<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<F: Figure> Term<F> {
    /// Returns `true` if the expression is true; `deciding` gets the figures that decide it.
    fn is_true(&self, figures: &impl Figures<F>, deciding: &mut Vec<String>) -> bool {
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

    fn refers_to(&self, is_it: &dyn Fn(F) -> bool) -> bool {
        match self {
            Self::Compare(figure, ..) => is_it(*figure),
            Self::Not(inner) => inner.refers_to(is_it),
            Self::And(terms) | Self::Or(terms) => terms.iter().any(|term| term.refers_to(is_it)),
        }
    }
}

/// Evaluates terms until one has the value `decisive`, which then is the result; only that term adds deciding figures.
fn decide<F: Figure>(terms: &[Term<F>], figures: &impl Figures<F>, deciding: &mut Vec<String>, decisive: bool) -> bool {
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

impl FromStr for Condition<LeakFigure> {
    type Err = String;

    /// Parses a condition on the figures of a leak analysis.
    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text, &LeakFigure::named)
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
