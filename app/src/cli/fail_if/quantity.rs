//! Units of figures, and numbers with units.

use poolscope_analysis::filter::literal;
use poolscope_analysis::filter::query::FieldKind;
use std::fmt;

/// A figure that conditions can refer to; it is displayed by its name.
pub trait Figure: Copy + PartialEq + fmt::Debug + fmt::Display {
    /// Words for error messages.
    const EXAMPLES: Examples;

    /// The unit.
    fn dimension(self) -> Dimension;
}

/// Examples for error messages.
#[derive(Clone, Copy, Debug)]
pub struct Examples {
    /// A figure.
    pub figure: &'static str,
    /// A number that it is compared with.
    pub number: &'static str,
    /// A figure with a short name.
    pub short: &'static str,
}

/// Unit of a figure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dimension {
    /// Bytes per second.
    Rate,
    /// Bytes.
    Bytes,
    /// A number of things.
    Count,
    /// From 0 to 1.
    Share,
    /// A quotient.
    Ratio,
}

/// A number with a unit, in the base unit of the figure that it is compared with.
pub fn quantity(figure: impl Figure, value: f64, unit: &str) -> Result<f64, String> {
    let bytes_in = |unit: &str| literal::unit_scale(FieldKind::Bytes, unit).map(|bytes| bytes as f64);
    let seconds_in =
        |unit: &str| literal::unit_scale(FieldKind::Time, unit).map(|nanoseconds| nanoseconds as f64 / 1e9);
    let dimension = figure.dimension();
    let scaled = match dimension {
        Dimension::Rate => {
            let (bytes, time) = unit.split_once('/').unwrap_or((unit, ""));
            // A unit of bytes alone is no rate: the time is missing.
            let seconds = match (unit, time) {
                ("", _) => Some(1.0),
                (_, "") => None,
                (_, time) => seconds_in(time),
            };
            bytes_in(bytes).zip(seconds).map(|(bytes, seconds)| value * bytes / seconds)
        }
        Dimension::Bytes => bytes_in(unit).map(|bytes| value * bytes),
        Dimension::Count => unit.is_empty().then_some(value),
        Dimension::Ratio => match unit {
            "" => Some(value),
            "%" => Some(value / 100.0),
            _ => None,
        },
        Dimension::Share => match unit {
            // 80 means 80 %: no share exceeds 1.
            "" => (value <= 1.0).then_some(value),
            "%" => Some(value / 100.0),
            _ => None,
        },
    };
    let wanted = match dimension {
        Dimension::Rate => "a rate such as 1MB/min, or bytes per second without a unit",
        Dimension::Bytes => "a size such as 64KB",
        Dimension::Count => "a plain number",
        Dimension::Share => "a share such as 80% or 0.8",
        Dimension::Ratio => "a plain number such as 1.5, or 150%",
    };
    scaled.ok_or_else(|| format!("'{figure}' is compared with {wanted}, not with '{value}{unit}'"))
}
