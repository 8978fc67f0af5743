//! A figure: an exact integer, a quotient, or nothing to show.

use std::cmp::Ordering;

/// A figure.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Number {
    /// Nothing: the average of no rows, say.
    None,
    /// An exact integer.
    Int(i128),
    /// A quotient, or seconds.
    Float(f64),
}

impl Number {
    /// The nearest floating-point number; `None` for [`Number::None`].
    #[must_use]
    pub fn as_f64(self) -> Option<f64> {
        match self {
            Self::None => None,
            Self::Int(i) => Some(i as f64),
            Self::Float(f) => Some(f),
        }
    }

    /// `numerator / denominator`; nothing where that is not a number.
    #[must_use]
    pub fn quotient(numerator: f64, denominator: f64) -> Self {
        let quotient = numerator / denominator;
        if quotient.is_finite() { Self::Float(quotient) } else { Self::None }
    }

    /// Ascending order; nothing comes first.
    #[must_use]
    pub fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(&b),
            (a, b) => match (a.as_f64(), b.as_f64()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                (a, b) => a.is_some().cmp(&b.is_some()),
            },
        }
    }
}
