//! The data columns: which metrics there are, their names and units, and how they follow from aggregates; and their values.

use crate::group::aggregate::Aggregate;
use crate::group::key::{Key, nearest};
use crate::trace::time::Clock;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A data column.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Metric {
    /// Number of rows.
    Count,
    /// Bytes of all rows.
    Size,
    /// Bytes of AIFO rows.
    ImpactingSize,
    /// Number of AIFO rows.
    ImpactingCount,
    /// AIFO minus AOFI bytes.
    NetSize,
    /// Bytes per row.
    Average,
    /// Smallest size.
    Min,
    /// Greatest size.
    Max,
    /// Mean lifetime of rows whose allocation and free were seen, seconds; what is only implied counts for none.
    LifetimeAverage,
    /// Longest of those lifetimes, seconds.
    LifetimeMax,
    /// Rows freed in the time range per row allocated in it.
    FreesPerAlloc,
    /// Slope of the outstanding bytes over the recorded part of the time range, bytes per second (see [`crate::trace::growth`]).
    /// Weighs every event by its time: see [`super::evaluate`].
    Growth,
    /// Most bytes of the group's rows outstanding at one moment of the time range. Not a sum: see [`super::evaluate`].
    PeakSize,
    /// Most of the group's rows outstanding at one moment of the time range. Not a sum: see [`super::evaluate`].
    PeakCount,
    /// Number of rows whose allocation stack may be another's, or lacks a half, since records were lost.
    UncertainStacks,
    /// The same of the stack of the free.
    UncertainFreeStacks,
    /// Number of different values in a key column. Not a sum: see [`super::evaluate`].
    Unique(Key),
}

/// Metrics with a fixed name, in the order of the column chooser.
const NAMED: &[(Metric, &str, &str)] = &[
    (Metric::Count, "count", "Count"),
    (Metric::Size, "size", "Size"),
    (Metric::ImpactingSize, "impacting_size", "Impacting Size"),
    (Metric::ImpactingCount, "impacting_count", "Impacting Count"),
    (Metric::NetSize, "net_size", "Net Size"),
    (Metric::Average, "average", "Average"),
    (Metric::Min, "min", "Min"),
    (Metric::Max, "max", "Max"),
    (Metric::LifetimeAverage, "lifetime_avg_s", "Lifetime (avg)"),
    (Metric::LifetimeMax, "lifetime_max_s", "Lifetime (max)"),
    (Metric::FreesPerAlloc, "frees_per_alloc", "Frees/Allocs"),
    (Metric::Growth, "growth_bytes_per_s", "Growth (bytes/s)"),
    (Metric::PeakSize, "peak_size", "Size (peak)"),
    (Metric::PeakCount, "peak_count", "Count (peak)"),
    (Metric::UncertainStacks, "uncertain_stack_count", "Uncertain Stacks"),
    (Metric::UncertainFreeStacks, "uncertain_free_stack_count", "Uncertain Free Stacks"),
];

/// Unit of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// A number of things.
    Count,
    /// Seconds.
    Seconds,
    /// A plain ratio.
    Ratio,
    /// Bytes per second.
    BytesPerSecond,
}

impl Metric {
    /// The metrics that files hold unless told otherwise.
    pub const DEFAULT: &'static [Self] = &[
        Self::Count,
        Self::Size,
        Self::ImpactingSize,
        Self::NetSize,
        Self::Average,
        Self::Min,
        Self::Max,
        Self::LifetimeAverage,
        Self::LifetimeMax,
        Self::FreesPerAlloc,
        Self::Growth,
    ];

    /// Every metric with a fixed name, in the order of the column chooser.
    pub fn named() -> impl Iterator<Item = Self> {
        NAMED.iter().map(|n| n.0)
    }

    /// The name in commands and files.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Unique(key) => format!("unique_{}", key.name()),
            _ => self.fixed().map_or("", |n| n.1).to_owned(),
        }
    }

    /// The name in table headers.
    #[must_use]
    pub fn title(self) -> String {
        match self {
            Self::Unique(key) => format!("{} (unique)", key.title()),
            _ => self.fixed().map_or("", |n| n.2).to_owned(),
        }
    }

    fn fixed(self) -> Option<&'static (Self, &'static str, &'static str)> {
        NAMED.iter().find(|n| n.0 == self)
    }

    /// Its unit.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::Count
            | Self::ImpactingCount
            | Self::PeakCount
            | Self::UncertainStacks
            | Self::UncertainFreeStacks
            | Self::Unique(_) => Unit::Count,
            Self::LifetimeAverage | Self::LifetimeMax => Unit::Seconds,
            Self::FreesPerAlloc => Unit::Ratio,
            Self::Growth => Unit::BytesPerSecond,
            _ => Unit::Bytes,
        }
    }

    /// True for a metric of stacks, so that a trace has to be loaded with them.
    #[must_use]
    pub const fn needs_stacks(self) -> bool {
        match self {
            Self::UncertainStacks | Self::UncertainFreeStacks => true,
            Self::Unique(key) => key.needs_stacks(),
            _ => false,
        }
    }

    /// True for a metric that follows from the aggregate of a group; the others need the rows again.
    #[must_use]
    pub const fn is_from_aggregate(self) -> bool {
        !matches!(self, Self::Growth | Self::PeakSize | Self::PeakCount | Self::Unique(_))
    }

    /// The metrics that say how much of a grouping by these keys is uncertain: groups by what comes from a stack hold rows that
    /// belong elsewhere where that stack is another's.
    pub fn of_uncertainty(keys: &[Key]) -> impl Iterator<Item = Self> {
        let by_stack = keys.iter().any(|key| matches!(key, Key::Stack | Key::Function | Key::Driver));
        let stack = by_stack.then_some(Self::UncertainStacks);
        stack.into_iter().chain(keys.contains(&Key::FreeStack).then_some(Self::UncertainFreeStacks))
    }

    /// The value of a group; none for metrics that are not [`Self::is_from_aggregate`].
    #[must_use]
    pub fn of(self, aggregate: &Aggregate, clock: &Clock) -> Value {
        let seconds = |ticks: u64| ticks as f64 / clock.ticks_per_second.max(1) as f64;
        match self {
            Self::Count => Value::Int(aggregate.count().into()),
            Self::Size => Value::Int(aggregate.size().into()),
            Self::ImpactingSize => Value::Int(aggregate.impacting_size().into()),
            Self::ImpactingCount => Value::Int(aggregate.impacting_count().into()),
            Self::NetSize => Value::Int(aggregate.net_size()),
            Self::Average => Value::quotient(aggregate.size() as f64, aggregate.count() as f64),
            Self::Min => aggregate.min().map_or(Value::None, |m| Value::Int(m.into())),
            Self::Max => aggregate.max().map_or(Value::None, |m| Value::Int(m.into())),
            Self::LifetimeAverage => {
                let (sum, rows) = aggregate.lifetime_ticks();
                Value::quotient(seconds(sum), rows as f64)
            }
            Self::LifetimeMax => aggregate.lifetime_max_ticks().map_or(Value::None, |t| Value::Float(seconds(t))),
            Self::FreesPerAlloc => {
                Value::quotient(aggregate.freed_inside() as f64, aggregate.allocated_inside() as f64)
            }
            Self::UncertainStacks => Value::Int(aggregate.uncertain_stacks().into()),
            Self::UncertainFreeStacks => Value::Int(aggregate.uncertain_free_stacks().into()),
            Self::Growth | Self::PeakSize | Self::PeakCount | Self::Unique(_) => Value::None,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// A name that is no metric.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no figure '{name}'{}", .suggestion.as_ref().map_or_else(String::new, |s| format!("; did you mean '{s}'?")))]
pub struct UnknownMetric {
    /// The name as written.
    pub name: String,
    /// The nearest name, if one is near.
    pub suggestion: Option<String>,
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(text: &str) -> Result<Self, UnknownMetric> {
        let wanted = text.trim().to_ascii_lowercase();
        let call = |name: &str| wanted.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        let unique = wanted.strip_prefix("unique_").or_else(|| call("unique"));
        if let Some(Ok(key)) = unique.map(str::parse::<Key>) {
            return Ok(Self::Unique(key));
        }
        let wanted = call("peak").map_or_else(|| wanted.clone(), |f| format!("peak_{f}"));
        let found = NAMED.iter().find(|n| n.1 == wanted).map(|n| n.0);
        found.ok_or_else(|| UnknownMetric {
            name: text.trim().to_owned(),
            suggestion: nearest(&wanted, NAMED.iter().map(|n| n.1)).map(str::to_owned),
        })
    }
}

/// The value of a metric.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Value {
    /// Nothing: the average of no rows, say.
    None,
    /// An exact integer.
    Int(i128),
    /// A quotient, or seconds.
    Float(f64),
}

impl Value {
    /// The nearest floating-point number; `None` for [`Value::None`].
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::aggregate::AggregateRow;
    use crate::trace::time::Ticks;

    #[test]
    fn every_name_parses_back() {
        for metric in Metric::named().chain([Metric::Unique(Key::Address)]) {
            assert_eq!(metric.name().parse::<Metric>().unwrap(), metric);
        }
        assert_eq!("peak(size)".parse::<Metric>().unwrap(), Metric::PeakSize);
        assert_eq!("unique(stack)".parse::<Metric>().unwrap(), Metric::Unique(Key::Stack));
        let error = "sise".parse::<Metric>().unwrap_err();
        assert_eq!(error.to_string(), "there is no figure 'sise'; did you mean 'size'?");
    }

    #[test]
    fn damaged_sizes_stop_at_the_top() {
        let mut aggregate = Aggregate::default();
        for _ in 0..3 {
            let (alloc, free) = (Ticks(1), Ticks(5));
            aggregate.add_row(1, AggregateRow { size_bytes: u64::MAX, alloc, free, flags: 0 });
        }
        let mut twice = aggregate;
        twice.merge(&aggregate);
        assert_eq!((twice.count(), twice.size()), (6, u64::MAX));
        assert_eq!(twice.net_size(), i128::from(u64::MAX));
    }
}
