//! Figures as they are, per second, or per allocation of a tag: what makes two sides of different length or load comparable.

use super::join::SideRequest;
use crate::group::key::Key;
use crate::group::parallel::{Cancel, Cancelled};
use crate::pivot::metric::{Metric, Value};
use crate::pivot::table::{PivotRequest, pivot};

/// The unit that figures refer to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Normalization {
    /// None: figures as they are.
    #[default]
    Raw,
    /// A second of the analyzed range of each side.
    PerSecond,
    /// An allocation with this tag, of which a side has as many as its report counts. A filter of the rows does not change it.
    PerAllocation(String),
}

/// Error of a unit that a side has none of.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NormalizationError {
    /// The work was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// A range without a length.
    #[error("the range of the {side} has no recorded part, so that there are no figures per second")]
    NoTime {
        /// `baseline` or `comparison`.
        side: &'static str,
    },
    /// A tag without allocations.
    #[error(
        "the {side} has no allocation with tag '{tag}' in its range, so that there are no figures per allocation of it"
    )]
    NoAllocations {
        /// `baseline` or `comparison`.
        side: &'static str,
        /// The tag.
        tag: String,
    },
}

impl From<Cancelled> for NormalizationError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// Numbers of units on both sides, by which figures are divided.
#[derive(Clone, PartialEq, Debug)]
pub struct Divisors {
    /// The unit.
    pub unit: Normalization,
    /// Length of the analyzed range of each side in seconds.
    pub seconds: [f64; 2],
    /// Number of units on each side; 1 if figures are as they are.
    pub units: [f64; 2],
}

/// Names of the sides in messages.
const SIDES: [&str; 2] = ["baseline", "comparison"];

impl Divisors {
    /// The divisors of two sides.
    ///
    /// # Errors
    /// A side has none of the unit, or the work was cancelled.
    pub fn new(unit: Normalization, sides: [&SideRequest; 2], cancel: Cancel<'_>) -> Result<Self, NormalizationError> {
        let seconds = sides.map(SideRequest::analyzed_seconds);
        let units = match &unit {
            Normalization::Raw => [1.0; 2],
            Normalization::PerSecond => {
                if let Some(at) = seconds.iter().position(|seconds| *seconds <= 0.0) {
                    return Err(NormalizationError::NoTime { side: SIDES[at] });
                }
                seconds
            }
            Normalization::PerAllocation(tag) => {
                let mut counts = [0.0; 2];
                for (at, side) in sides.into_iter().enumerate() {
                    let count = count_of_tag(side, tag, cancel)?;
                    if count == 0 {
                        return Err(NormalizationError::NoAllocations { side: SIDES[at], tag: tag.clone() });
                    }
                    counts[at] = count as f64;
                }
                counts
            }
        };
        Ok(Self { unit, seconds, units })
    }

    /// A figure of a side (0: baseline, 1: comparison) per unit. Averages, extremes and shares do not depend on the amount and
    /// stay as they are; a growth is a rate already.
    #[must_use]
    pub fn normalize(&self, side: usize, metric: Metric, value: Value) -> Value {
        let is_amount = matches!(
            metric,
            Metric::Count | Metric::Size | Metric::ImpactingSize | Metric::ImpactingCount | Metric::NetSize
        );
        let (Some(units), Some(seconds)) = (self.units.get(side), self.seconds.get(side)) else { return value };
        let divisor = match (&self.unit, metric) {
            (Normalization::Raw, _) => return value,
            (Normalization::PerAllocation(_), Metric::Growth) => units / seconds,
            _ if is_amount => *units,
            _ => return value,
        };
        value.as_f64().map_or(Value::None, |value| Value::quotient(value, divisor))
    }
}

/// Number of allocations of a tag in the range of a side, as a report by tag counts them.
fn count_of_tag(side: &SideRequest, tag: &str, cancel: Cancel<'_>) -> Result<u64, Cancelled> {
    let request = PivotRequest { keys: &[Key::Tag], visible_range: side.visible_range, rows: None };
    let by_tag = pivot(&side.names, &request, cancel)?;
    let column = by_tag.columns().first().cloned();
    let is_it = |group: usize| {
        let id = by_tag.ids(group).first().copied().unwrap_or(0);
        column.as_ref().is_some_and(|column| column.text(id).trim_end() == tag.trim_end())
    };
    let groups = (0..by_tag.len()).filter(|group| is_it(*group));
    Ok(groups.filter_map(|group| by_tag.aggregates().get(group)).map(|aggregate| aggregate.count()).sum())
}
