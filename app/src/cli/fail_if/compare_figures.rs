//! Figures of a comparison in conditions.

use super::Figures;
use super::quantity::{Dimension, Examples, Figure};
use crate::format;
use poolscope_analysis::compare::finding::{Finding, worse};
use poolscope_analysis::compare::{Change, Comparison, Normalization};
use poolscope_analysis::pivot::Metric;
use std::fmt;

/// Unit of the differences of a comparison.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CompareUnit {
    /// As they are.
    Raw,
    /// Per second.
    Second,
    /// Per allocation of a tag.
    Allocation,
}

impl CompareUnit {
    /// The unit of a normalization.
    #[must_use]
    pub const fn of(unit: &Normalization) -> Self {
        match unit {
            Normalization::Raw => Self::Raw,
            Normalization::PerSecond => Self::Second,
            Normalization::PerAllocation(_) => Self::Allocation,
        }
    }
}

/// Subject of a figure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Subject {
    /// Difference of a figure of all rows.
    Delta(Metric),
    /// Difference of the impacting size of nonpaged or paged pool.
    PoolDelta { is_paged: bool },
    /// Largest difference of the impacting size of a tag in a pool.
    WorstDelta,
    /// Ratio of a figure of all rows.
    Ratio(Metric),
    /// Number of rows with a change.
    Rows(Change),
    /// Number of rows that grew more than the whole.
    Overweight,
    /// Number of tags that got worse.
    Worse,
}

/// Names of figures.
const NAMES: [(&str, Subject); 18] = [
    ("delta_count", Subject::Delta(Metric::Count)),
    ("delta_size", Subject::Delta(Metric::Size)),
    ("delta_impacting_size", Subject::Delta(Metric::ImpactingSize)),
    ("delta_impacting_count", Subject::Delta(Metric::ImpactingCount)),
    ("delta_net_size", Subject::Delta(Metric::NetSize)),
    ("delta_growth", Subject::Delta(Metric::Growth)),
    ("nonpaged_delta_impacting_size", Subject::PoolDelta { is_paged: false }),
    ("paged_delta_impacting_size", Subject::PoolDelta { is_paged: true }),
    ("worst_delta_impacting_size", Subject::WorstDelta),
    ("ratio_count", Subject::Ratio(Metric::Count)),
    ("ratio_size", Subject::Ratio(Metric::Size)),
    ("ratio_impacting_size", Subject::Ratio(Metric::ImpactingSize)),
    ("new", Subject::Rows(Change::New)),
    ("grown", Subject::Rows(Change::Grown)),
    ("shrunk", Subject::Rows(Change::Shrunk)),
    ("gone", Subject::Rows(Change::Gone)),
    ("overweight", Subject::Overweight),
    ("worse", Subject::Worse),
];

/// A figure of a comparison.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CompareFigure {
    name: &'static str,
    subject: Subject,
    unit: CompareUnit,
}

impl CompareFigure {
    /// The figure with this name in a comparison with this unit, or an error message with all names.
    pub fn named(name: &str, unit: CompareUnit) -> Result<Self, String> {
        let found = NAMES.iter().find(|known| known.0 == name);
        found.map(|(name, subject)| Self { name, subject: *subject, unit }).ok_or_else(|| {
            let names: Vec<&str> = NAMES.iter().map(|known| known.0).collect();
            format!("there is no figure '{name}'; there are {}", names.join(", "))
        })
    }

    /// Returns `true` if the growth of the rows has to be computed for it.
    #[must_use]
    pub fn needs_growth(self) -> bool {
        self.subject == Subject::Delta(Metric::Growth)
    }
}

impl fmt::Display for CompareFigure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Figure for CompareFigure {
    const EXAMPLES: Examples = Examples { figure: "delta_impacting_size", number: "10MB", short: "worse" };

    fn dimension(self) -> Dimension {
        match (self.subject, self.unit) {
            (Subject::Ratio(_), _) => Dimension::Ratio,
            (Subject::Rows(_) | Subject::Overweight | Subject::Worse, _) => Dimension::Count,
            (Subject::Delta(Metric::Count | Metric::ImpactingCount), _) => Dimension::Count,
            (Subject::Delta(Metric::Growth), CompareUnit::Allocation) => Dimension::Bytes,
            (Subject::Delta(Metric::Growth), _) | (_, CompareUnit::Second) => Dimension::Rate,
            _ => Dimension::Bytes,
        }
    }
}

/// Values of the figures of a comparison.
pub struct CompareFigures<'c> {
    /// The comparison.
    pub comparison: &'c Comparison,
    /// The tags that changed.
    pub findings: &'c [Finding],
    /// The figure that changes of rows refer to.
    pub measure: Metric,
}

impl CompareFigures<'_> {
    fn rows_with(&self, is_it: impl Fn(u32) -> bool) -> f64 {
        (0..self.comparison.groups().len() as u32).filter(|group| is_it(*group)).count() as f64
    }

    fn delta_of_tags(&self, is_it: impl Fn(&Finding) -> bool) -> impl Iterator<Item = f64> {
        self.findings.iter().filter(move |finding| is_it(finding)).map(Finding::delta_bytes)
    }
}

impl Figures<CompareFigure> for CompareFigures<'_> {
    /// Value of a figure: bytes, bytes per second, a count, or a quotient. The ratio to nothing is infinite, that of nothing to
    /// nothing is 1.
    fn value(&self, figure: CompareFigure) -> f64 {
        let comparison = self.comparison;
        let whole = |metric| comparison.figures_of(comparison.whole(), metric);
        let sums = |group: u32| comparison.sums(&(group..group + 1));
        match figure.subject {
            Subject::Delta(metric) => whole(metric).delta().as_f64().unwrap_or(0.0),
            Subject::PoolDelta { is_paged } => self.delta_of_tags(|finding| finding.is_paged == is_paged).sum(),
            Subject::WorstDelta => self.delta_of_tags(|_| true).fold(0.0, f64::max),
            Subject::Ratio(metric) => {
                let figures = whole(metric);
                let has_any = figures.comparison.as_f64().is_some_and(|value| value > 0.0);
                figures.ratio().as_f64().unwrap_or(if has_any { f64::INFINITY } else { 1.0 })
            }
            Subject::Rows(change) => self.rows_with(|group| comparison.change_of(&sums(group), self.measure) == change),
            Subject::Overweight => self.rows_with(|group| comparison.is_overweight(&sums(group), self.measure)),
            Subject::Worse => worse(self.findings).count() as f64,
        }
    }

    fn text(&self, figure: CompareFigure) -> String {
        let value = self.value(figure);
        match figure.dimension() {
            Dimension::Rate => format::growth_rate(value),
            Dimension::Bytes => format::delta_bytes(value.round() as i128),
            Dimension::Count if value.fract() == 0.0 => {
                format::delta_count(value as i128).trim_start_matches('+').to_owned()
            }
            Dimension::Count => format!("{value:.3}"),
            Dimension::Share => format::percent(value),
            Dimension::Ratio => format!("{value:.2}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Condition;
    use super::*;

    fn condition(text: &str, unit: CompareUnit) -> Result<Condition<CompareFigure>, String> {
        Condition::parse(text, &|name| CompareFigure::named(name, unit))
    }

    #[test]
    fn differences_have_the_unit_of_the_comparison() {
        assert!(condition("delta_size > 1MB", CompareUnit::Raw).is_ok());
        let error = condition("delta_size > 1MB/min", CompareUnit::Raw).unwrap_err();
        assert!(error.starts_with("column 14: 'delta_size' is compared with a size such as 64KB"), "{error}");
        assert!(condition("delta_size > 1MB/min", CompareUnit::Second).is_ok());
        assert!(condition("delta_size > 1MB", CompareUnit::Second).unwrap_err().contains("a rate such as"));
        assert!(condition("delta_growth > 1KB/s and ratio_size > 150%", CompareUnit::Raw).is_ok());
        assert!(condition("ratio_size > 1.5MB", CompareUnit::Raw).unwrap_err().contains("or 150%"));
        let error = condition("leaks > 1", CompareUnit::Raw).unwrap_err();
        assert!(error.contains("there is no figure 'leaks'; there are delta_count"), "{error}");
        let growth = condition("worse > 0 or not (new > 1 and delta_growth > 1)", CompareUnit::Raw).unwrap();
        assert!(growth.refers_to(CompareFigure::needs_growth));
        assert!(!condition("worse > 0", CompareUnit::Raw).unwrap().refers_to(CompareFigure::needs_growth));
    }
}
