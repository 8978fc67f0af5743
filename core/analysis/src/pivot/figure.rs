//! The data columns: which figures there are, their names, and how they follow from what rows add up to.

use super::cost::Cost;
use super::number::Number;
use crate::group::key::{Key, nearest};
use std::fmt;
use std::str::FromStr;

/// A data column.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Figure {
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
    /// Rows freed in the view per row allocated in it.
    FreesPerAlloc,
    /// Slope of the outstanding bytes over the recorded part of the view, bytes per second (see [`crate::trace::growth`]).
    /// Weighs every event by its time: see [`super::rows`].
    Growth,
    /// Most bytes of the group's rows that were alive at one moment of the view. Not a sum: see [`super::rows`].
    PeakSize,
    /// Most of the group's rows that were alive at one moment of the view. Not a sum: see [`super::rows`].
    PeakCount,
    /// Number of rows whose allocation stack may be another's, or lacks a half, since records were lost.
    UncertainStacks,
    /// The same of the stack of the free.
    UncertainFreeStacks,
    /// Number of different values in a key column. Not a sum: see [`super::rows`].
    Unique(Key),
}

/// Figures with a fixed name, in the order of the column chooser.
const NAMED: &[(Figure, &str, &str)] = &[
    (Figure::Count, "count", "Count"),
    (Figure::Size, "size", "Size"),
    (Figure::ImpactingSize, "impacting_size", "Impacting Size"),
    (Figure::ImpactingCount, "impacting_count", "Impacting Count"),
    (Figure::NetSize, "net_size", "Net Size"),
    (Figure::Average, "average", "Average"),
    (Figure::Min, "min", "Min"),
    (Figure::Max, "max", "Max"),
    (Figure::LifetimeAverage, "lifetime_avg_s", "Lifetime (avg)"),
    (Figure::LifetimeMax, "lifetime_max_s", "Lifetime (max)"),
    (Figure::FreesPerAlloc, "frees_per_alloc", "Frees/Allocs"),
    (Figure::Growth, "growth_bytes_per_s", "Growth (bytes/s)"),
    (Figure::PeakSize, "peak_size", "Size (peak)"),
    (Figure::PeakCount, "peak_count", "Count (peak)"),
    (Figure::UncertainStacks, "uncertain_stack_count", "Uncertain Stacks"),
    (Figure::UncertainFreeStacks, "uncertain_free_stack_count", "Uncertain Free Stacks"),
];

/// What a number is measured in, for people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Things.
    Count,
    /// Seconds.
    Seconds,
    /// A plain ratio.
    Ratio,
    /// Bytes per second.
    BytesPerSecond,
}

/// What figures need to know beside the sums.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Scale {
    /// Ticks in a second.
    pub ticks_per_second: u64,
}

impl Figure {
    /// The figures that files hold unless told otherwise.
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

    /// Every figure with a fixed name, in the order of the column chooser.
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

    /// What it is measured in.
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

    /// Whether it is about stacks, so that a trace has to be loaded with them.
    #[must_use]
    pub const fn needs_stacks(self) -> bool {
        match self {
            Self::UncertainStacks | Self::UncertainFreeStacks => true,
            Self::Unique(key) => key.needs_stacks(),
            _ => false,
        }
    }

    /// Whether it follows from the sums of a group; the others need the rows again.
    #[must_use]
    pub const fn is_from_sums(self) -> bool {
        !matches!(self, Self::Growth | Self::PeakSize | Self::PeakCount | Self::Unique(_))
    }

    /// The figures that say how much of a grouping by these keys is uncertain: groups by what comes from a stack hold rows that
    /// belong elsewhere where that stack is another's.
    pub fn of_uncertainty(keys: &[Key]) -> impl Iterator<Item = Self> {
        let by_stack = keys.iter().any(|key| matches!(key, Key::Stack | Key::Function | Key::Driver));
        let stack = by_stack.then_some(Self::UncertainStacks);
        stack.into_iter().chain(keys.contains(&Key::FreeStack).then_some(Self::UncertainFreeStacks))
    }

    /// The figure of a group; nothing for figures that are not [`Self::is_from_sums`].
    #[must_use]
    pub fn of(self, cost: &Cost, scale: &Scale) -> Number {
        let seconds = |ticks: u64| ticks as f64 / scale.ticks_per_second.max(1) as f64;
        match self {
            Self::Count => Number::Int(cost.count().into()),
            Self::Size => Number::Int(cost.size().into()),
            Self::ImpactingSize => Number::Int(cost.impacting_size().into()),
            Self::ImpactingCount => Number::Int(cost.impacting_count().into()),
            Self::NetSize => Number::Int(cost.net_size()),
            Self::Average => Number::quotient(cost.size() as f64, cost.count() as f64),
            Self::Min => cost.min().map_or(Number::None, |m| Number::Int(m.into())),
            Self::Max => cost.max().map_or(Number::None, |m| Number::Int(m.into())),
            Self::LifetimeAverage => {
                let (sum, rows) = cost.lifetime_ticks();
                Number::quotient(seconds(sum), rows as f64)
            }
            Self::LifetimeMax => cost.lifetime_max_ticks().map_or(Number::None, |t| Number::Float(seconds(t))),
            Self::FreesPerAlloc => Number::quotient(cost.freed_inside() as f64, cost.allocated_inside() as f64),
            Self::UncertainStacks => Number::Int(cost.uncertain_stacks().into()),
            Self::UncertainFreeStacks => Number::Int(cost.uncertain_free_stacks().into()),
            Self::Growth | Self::PeakSize | Self::PeakCount | Self::Unique(_) => Number::None,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// A name that is no figure.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no figure '{name}'{}", .suggestion.as_ref().map_or_else(String::new, |s| format!("; did you mean '{s}'?")))]
pub struct UnknownFigure {
    /// What was written.
    pub name: String,
    /// The nearest name, if one is near.
    pub suggestion: Option<String>,
}

impl FromStr for Figure {
    type Err = UnknownFigure;

    fn from_str(text: &str) -> Result<Self, UnknownFigure> {
        let wanted = text.trim().to_ascii_lowercase();
        let call = |name: &str| wanted.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        let unique = wanted.strip_prefix("unique_").or_else(|| call("unique"));
        if let Some(Ok(key)) = unique.map(str::parse::<Key>) {
            return Ok(Self::Unique(key));
        }
        let wanted = call("peak").map_or_else(|| wanted.clone(), |f| format!("peak_{f}"));
        let found = NAMED.iter().find(|n| n.1 == wanted).map(|n| n.0);
        found.ok_or_else(|| UnknownFigure {
            name: text.trim().to_owned(),
            suggestion: nearest(&wanted, NAMED.iter().map(|n| n.1)).map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::cost::CostRow;
    use super::*;
    use crate::trace::time::Ticks;

    #[test]
    fn every_name_parses_back() {
        for figure in Figure::named().chain([Figure::Unique(Key::Address)]) {
            assert_eq!(figure.name().parse::<Figure>().unwrap(), figure);
        }
        assert_eq!("peak(size)".parse::<Figure>().unwrap(), Figure::PeakSize);
        assert_eq!("unique(stack)".parse::<Figure>().unwrap(), Figure::Unique(Key::Stack));
        let error = "sise".parse::<Figure>().unwrap_err();
        assert_eq!(error.to_string(), "there is no figure 'sise'; did you mean 'size'?");
    }

    #[test]
    fn damaged_sizes_stop_at_the_top() {
        let mut cost = Cost::default();
        for _ in 0..3 {
            let (alloc, free) = (Ticks(1), Ticks(5));
            cost.add_row(1, CostRow { size_bytes: u64::MAX, alloc, free, flags: 0 });
        }
        let mut twice = cost;
        twice.add(&cost);
        assert_eq!((twice.count(), twice.size()), (6, u64::MAX));
        assert_eq!(twice.net_size(), i128::from(u64::MAX));
    }
}
