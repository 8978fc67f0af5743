//! Figures of joined groups: baseline, comparison, difference, ratio, overweight, and the kind of change; sorting by them.

use super::join::{Comparison, SideSums};
use crate::pivot::metric::{Metric, UnknownMetric, Value};
use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// A figure of both sides.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FigurePair {
    /// Figure of the baseline.
    pub baseline: Value,
    /// Figure of the comparison.
    pub comparison: Value,
}

impl FigurePair {
    /// Comparison minus baseline; no value if either has none.
    #[must_use]
    pub fn delta(self) -> Value {
        match (self.baseline, self.comparison) {
            (Value::Int(baseline), Value::Int(comparison)) => Value::Int(comparison - baseline),
            (baseline, comparison) => match (baseline.as_f64(), comparison.as_f64()) {
                (Some(baseline), Some(comparison)) => Value::Float(comparison - baseline),
                _ => Value::None,
            },
        }
    }

    /// Comparison divided by baseline; no value without a positive baseline, or if the comparison is negative.
    #[must_use]
    pub fn ratio(self) -> Value {
        match (self.baseline.as_f64(), self.comparison.as_f64()) {
            (Some(baseline), Some(comparison)) if baseline > 0.0 && comparison >= 0.0 => {
                Value::quotient(comparison, baseline)
            }
            _ => Value::None,
        }
    }
}

/// The kind of change of a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Change {
    /// Only the comparison has allocations of it.
    New,
    /// Its figure is larger in the comparison.
    Grown,
    /// Its figure is the same on both sides.
    Same,
    /// Its figure is smaller in the comparison.
    Shrunk,
    /// Only the baseline has allocations of it.
    Gone,
}

impl Change {
    /// All kinds, the worst first.
    pub const ALL: [Self; 5] = [Self::New, Self::Grown, Self::Same, Self::Shrunk, Self::Gone];

    /// The name in files and options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Grown => "grown",
            Self::Same => "same",
            Self::Shrunk => "shrunk",
            Self::Gone => "gone",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Change {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|change| change.name() == text.trim());
        found.ok_or_else(|| format!("'{text}' is none of new, grown, same, shrunk, gone"))
    }
}

/// The part of a figure that a column shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Part {
    /// The figure of the baseline.
    Baseline,
    /// The figure of the comparison.
    Comparison,
    /// Comparison minus baseline: the growth.
    Delta,
    /// Comparison divided by baseline.
    Ratio,
    /// Ratio of the row divided by that of the whole: above 1, the row grew more than the whole.
    Overweight,
}

impl Part {
    /// All parts, in the order of columns.
    pub const ALL: [Self; 5] = [Self::Baseline, Self::Comparison, Self::Delta, Self::Ratio, Self::Overweight];

    /// The prefix of field names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Comparison => "comparison",
            Self::Delta => "delta",
            Self::Ratio => "ratio",
            Self::Overweight => "overweight",
        }
    }
}

/// A data column of a comparison.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CompareColumn {
    /// The part.
    pub part: Part,
    /// The figure.
    pub metric: Metric,
}

impl CompareColumn {
    /// The field name, such as `delta_size`.
    #[must_use]
    pub fn name(self) -> String {
        format!("{}_{}", self.part.name(), self.metric.name())
    }
}

impl FromStr for CompareColumn {
    type Err = UnknownMetric;

    /// Parses `delta_size`, `ratio_count` and so on; `size` alone means its difference.
    fn from_str(text: &str) -> Result<Self, UnknownMetric> {
        let text = text.trim();
        let of_part = |part: &Part| text.strip_prefix(part.name())?.strip_prefix('_').map(|rest| (*part, rest));
        let (part, metric) = Part::ALL.iter().find_map(of_part).unwrap_or((Part::Delta, text));
        Ok(Self { part, metric: metric.parse()? })
    }
}

/// Sort order of joined groups: by the first column, then by the next ones, then by keys.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CompareSort {
    /// The columns with the smallest first if true; a column of `None` stands for the keys.
    pub levels: Vec<(Option<CompareColumn>, bool)>,
}

impl CompareSort {
    /// By growth: by the difference of a figure, the largest first, then by that of size and count.
    #[must_use]
    pub fn by_growth(metric: Metric) -> Self {
        let level = |metric| (Some(CompareColumn { part: Part::Delta, metric }), false);
        let others = [Metric::Size, Metric::Count].into_iter().filter(|other| *other != metric);
        Self { levels: std::iter::once(metric).chain(others).map(level).collect() }
    }

    /// Order of two rows from their values and from the order of their keys.
    #[must_use]
    pub fn order(&self, values: impl Fn(CompareColumn) -> (Value, Value), keys: Ordering) -> Ordering {
        for (column, ascending) in &self.levels {
            let order = column.map_or(keys, |column| {
                let (a, b) = values(column);
                a.compare(b)
            });
            if order != Ordering::Equal {
                return if *ascending { order } else { order.reverse() };
            }
        }
        keys
    }
}

impl FromStr for CompareSort {
    type Err = UnknownMetric;

    /// Parses up to three columns separated by commas, each with `:asc` or `:desc`; `key` for the order of the keys.
    fn from_str(text: &str) -> Result<Self, UnknownMetric> {
        let level = |text: &str| {
            let text = text.trim();
            let (name, ascending) = match text.rsplit_once(':') {
                Some((name, "asc")) => (name, Some(true)),
                Some((name, "desc")) => (name, Some(false)),
                _ => (text, None),
            };
            if matches!(name, "key" | "keys") {
                return Ok((None, ascending.unwrap_or(true)));
            }
            Ok((Some(name.parse::<CompareColumn>()?), ascending.unwrap_or(false)))
        };
        let levels: Result<Vec<_>, UnknownMetric> = text.split(',').map(level).collect();
        let mut levels = levels?;
        levels.truncate(crate::pivot::sort::SortOrder::MAX_LEVELS);
        Ok(Self { levels })
    }
}

impl Comparison {
    /// A figure of both sides from their sums, in the unit of the comparison.
    #[must_use]
    pub fn figures_of(&self, sums: &[SideSums; 2], metric: Metric) -> FigurePair {
        let value = |side: usize, clock| {
            let Some(sums) = sums.get(side) else { return Value::None };
            let value = match metric {
                Metric::Growth if self.has_growth() => Value::Float(sums.growth_bytes_per_s),
                _ => metric.of(&sums.aggregate, clock),
            };
            self.divisors().normalize(side, metric, value)
        };
        let [baseline, comparison] = super::Side::BOTH.map(|side| self.request(side).names.trace().clock);
        FigurePair { baseline: value(0, &baseline), comparison: value(1, &comparison) }
    }

    /// The value of a column from the sums of a row.
    #[must_use]
    pub fn value_of(&self, sums: &[SideSums; 2], column: CompareColumn) -> Value {
        let figures = self.figures_of(sums, column.metric);
        match column.part {
            Part::Baseline => figures.baseline,
            Part::Comparison => figures.comparison,
            Part::Delta => figures.delta(),
            Part::Ratio => figures.ratio(),
            Part::Overweight => {
                let whole = self.figures_of(self.whole(), column.metric).ratio();
                match (figures.ratio().as_f64(), whole.as_f64()) {
                    (Some(own), Some(whole)) => Value::quotient(own, whole),
                    _ => Value::None,
                }
            }
        }
    }

    /// The kind of change of a row, by a figure.
    #[must_use]
    pub fn change_of(&self, sums: &[SideSums; 2], metric: Metric) -> Change {
        let [baseline, comparison] = sums;
        if baseline.aggregate.count() == 0 && comparison.aggregate.count() > 0 {
            return Change::New;
        }
        if comparison.aggregate.count() == 0 && baseline.aggregate.count() > 0 {
            return Change::Gone;
        }
        match self.figures_of(sums, metric).delta().compare(Value::Int(0)) {
            Ordering::Greater => Change::Grown,
            Ordering::Less if self.figures_of(sums, metric).delta() != Value::None => Change::Shrunk,
            _ => Change::Same,
        }
    }

    /// Returns `true` if a row grew, and more than the whole: by a larger factor, or from nothing.
    #[must_use]
    pub fn is_overweight(&self, sums: &[SideSums; 2], metric: Metric) -> bool {
        let figures = self.figures_of(sums, metric);
        let has_grown = figures.delta().as_f64().is_some_and(|delta| delta > 0.0);
        let column = CompareColumn { part: Part::Overweight, metric };
        let is_from_nothing = figures.baseline.as_f64().is_some_and(|baseline| baseline <= 0.0);
        has_grown && (is_from_nothing || self.value_of(sums, column).as_f64().is_some_and(|factor| factor > 1.0))
    }

    /// The joined groups in an order.
    #[must_use]
    pub fn sorted(&self, sort: &CompareSort) -> Vec<u32> {
        let columns: Vec<CompareColumn> = sort.levels.iter().filter_map(|level| level.0).collect();
        let groups = 0..self.groups().len() as u32;
        let values = |group: u32| {
            let sums = self.sums(&(group..group + 1));
            columns.iter().map(|column| self.value_of(&sums, *column)).collect::<Vec<Value>>()
        };
        let values: Vec<Vec<Value>> = groups.clone().map(values).collect();
        let value = |group: u32, column: CompareColumn| {
            let at = columns.iter().position(|other| *other == column);
            let value = at.and_then(|at| values.get(group as usize)?.get(at));
            value.copied().unwrap_or(Value::None)
        };
        let mut order: Vec<u32> = groups.collect();
        order.sort_unstable_by(|a, b| sort.order(|column| (value(*a, column), value(*b, column)), a.cmp(b)));
        order
    }

    /// The comparison with only the rows whose change, by a figure, is among these.
    #[must_use]
    pub fn only(&self, changes: &[Change], metric: Metric) -> Self {
        self.retained(|group: &Range<u32>| changes.contains(&self.change_of(&self.sums(group), metric)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_sort_orders_are_read() {
        let column = |part, metric| CompareColumn { part, metric };
        for part in Part::ALL {
            let size = column(part, Metric::ImpactingSize);
            assert_eq!(size.name().parse(), Ok(size));
        }
        assert_eq!("growth_bytes_per_s".parse(), Ok(column(Part::Delta, Metric::Growth)));
        let sort: CompareSort = "ratio_size, baseline_count:asc,key:desc,size".parse().unwrap();
        let levels = [
            (Some(column(Part::Ratio, Metric::Size)), false),
            (Some(column(Part::Baseline, Metric::Count)), true),
            (None, false),
        ];
        assert_eq!(sort.levels, levels, "three levels at most");
        assert!("delta_sise".parse::<CompareSort>().is_err());
        assert_eq!(CompareSort::by_growth(Metric::Size).levels.len(), 2);
    }

    #[test]
    fn differences_are_exact_and_ratios_need_a_baseline() {
        let pair = |baseline, comparison| FigurePair { baseline, comparison };
        let large = pair(Value::Int(u64::MAX.into()), Value::Int(1));
        assert_eq!(large.delta(), Value::Int(1 - i128::from(u64::MAX)));
        assert_eq!(pair(Value::Int(4), Value::Int(6)).ratio(), Value::Float(1.5));
        assert_eq!(pair(Value::Int(0), Value::Int(6)).ratio(), Value::None);
        assert_eq!(pair(Value::Int(-4), Value::Int(6)).ratio(), Value::None);
        assert_eq!(pair(Value::None, Value::Int(6)).delta(), Value::None);
        assert_eq!(pair(Value::Float(0.5), Value::Int(2)).delta(), Value::Float(1.5));
    }
}
