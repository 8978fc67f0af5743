//! Data columns: the list of metrics with their names, units and sources; their values.

use crate::group::aggregate::Aggregate;
use crate::group::key::{Key, KeyOrigin, nearest};
use crate::trace::time::Clock;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

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

/// The data that a metric of a group is computed from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MetricSource {
    /// The aggregate of the group.
    Aggregate,
    /// The extremes in the aggregate of the group, which a pivot from [`RangeSums`](crate::group::range_sums::RangeSums) lacks.
    Extreme,
    /// The aggregate of the group, with counts about stacks: the trace has to be loaded with them.
    StackAggregate,
    /// The time of each event of the group.
    Growth,
    /// The course of the outstanding bytes of the group.
    PeakSize,
    /// The course of the number of outstanding allocations of the group.
    PeakCount,
    /// The values of a key column in the rows of the group.
    Unique(Key),
}

macro_rules! metrics {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $title:literal, $unit:ident, $source:ident;)*) => {
        /// A data column.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Metric {
            $($(#[$doc])* $variant,)*
            /// Number of different values in a key column.
            Unique(Key),
        }

        /// Metrics with a fixed name, in the order of the column chooser.
        const NAMED: &[(Metric, &str)] = &[$((Metric::$variant, $name),)*];

        impl Metric {
            /// The name in commands and files.
            #[must_use]
            pub fn name(self) -> String {
                match self {
                    $(Self::$variant => $name.to_owned(),)*
                    Self::Unique(key) => format!("unique_{}", key.name()),
                }
            }

            /// The name in table headers.
            #[must_use]
            pub fn title(self) -> String {
                match self {
                    $(Self::$variant => $title.to_owned(),)*
                    Self::Unique(key) => format!("{} (unique)", key.title()),
                }
            }

            /// The unit of the values.
            #[must_use]
            pub const fn unit(self) -> Unit {
                match self {
                    $(Self::$variant => Unit::$unit,)*
                    Self::Unique(_) => Unit::Count,
                }
            }

            /// The data that the values are computed from.
            #[must_use]
            pub const fn source(self) -> MetricSource {
                match self {
                    $(Self::$variant => MetricSource::$source,)*
                    Self::Unique(key) => MetricSource::Unique(key),
                }
            }
        }
    };
}

metrics! {
    /// Number of allocations.
    Count = "count", "Count", Count, Aggregate;
    /// Bytes of all allocations.
    Size = "size", "Size", Bytes, Aggregate;
    /// Bytes of AIFO allocations.
    ImpactingSize = "impacting_size", "Impacting Size", Bytes, Aggregate;
    /// Number of AIFO allocations.
    ImpactingCount = "impacting_count", "Impacting Count", Count, Aggregate;
    /// Bytes of AIFO minus bytes of AOFI allocations.
    NetSize = "net_size", "Net Size", Bytes, Aggregate;
    /// Mean size.
    Average = "average", "Average", Bytes, Aggregate;
    /// Smallest size.
    Min = "min", "Min", Bytes, Extreme;
    /// Largest size.
    Max = "max", "Max", Bytes, Extreme;
    /// Mean lifetime, in seconds, of allocations whose allocation and free were recorded; implied events do not count.
    LifetimeAverage = "lifetime_avg_s", "Lifetime (avg)", Seconds, Aggregate;
    /// Longest of these lifetimes, in seconds.
    LifetimeMax = "lifetime_max_s", "Lifetime (max)", Seconds, Extreme;
    /// Frees in the visible range per allocation in it.
    FreesPerAlloc = "frees_per_alloc", "Frees/Allocs", Ratio, Aggregate;
    /// Slope of the outstanding bytes over the recorded part of the visible range, in bytes per second (see
    /// [`crate::trace::growth`]).
    Growth = "growth_bytes_per_s", "Growth (bytes/s)", BytesPerSecond, Growth;
    /// Maximum of the outstanding bytes in the visible range. The peak of several groups is not the sum of their peaks.
    PeakSize = "peak_size", "Size (peak)", Bytes, PeakSize;
    /// Maximum of the number of outstanding allocations in the visible range.
    PeakCount = "peak_count", "Count (peak)", Count, PeakCount;
    /// Number of allocations with an uncertain allocation stack: because records were lost, it can be that of another event or
    /// lack its kernel or user stack.
    UncertainStacks = "uncertain_stack_count", "Uncertain Stacks", Count, StackAggregate;
    /// Number of allocations with an uncertain free stack.
    UncertainFreeStacks = "uncertain_free_stack_count", "Uncertain Free Stacks", Count, StackAggregate;
}

impl Metric {
    /// Default metrics of files.
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

    /// All metrics with a fixed name, in the order of the column chooser.
    pub fn named() -> impl Iterator<Item = Self> {
        NAMED.iter().map(|named| named.0)
    }

    /// Returns `true` for a metric about stacks, so that a trace has to be loaded with them.
    #[must_use]
    pub const fn needs_stacks(self) -> bool {
        match self.source() {
            MetricSource::StackAggregate => true,
            MetricSource::Unique(key) => key.needs_stacks(),
            MetricSource::Aggregate
            | MetricSource::Extreme
            | MetricSource::Growth
            | MetricSource::PeakSize
            | MetricSource::PeakCount => false,
        }
    }

    /// Returns `true` for a metric that follows the events in the order of time, which a trace can be loaded with.
    #[must_use]
    pub const fn needs_event_order(self) -> bool {
        matches!(self.source(), MetricSource::PeakSize | MetricSource::PeakCount)
    }

    /// Returns `true` for a metric that follows from the aggregate of a group; the others are computed from the rows.
    #[must_use]
    pub const fn is_from_aggregate(self) -> bool {
        matches!(self.source(), MetricSource::Aggregate | MetricSource::Extreme | MetricSource::StackAggregate)
    }

    /// Returns `true` for a metric that is no sum but an extreme of the rows.
    #[must_use]
    pub const fn is_extreme(self) -> bool {
        matches!(self.source(), MetricSource::Extreme)
    }

    /// The counts of uncertain stacks that concern a grouping by these keys: with an uncertain stack, a row can be in the wrong
    /// group.
    pub fn of_uncertainty(keys: &[Key]) -> impl Iterator<Item = Self> {
        let has = |origin: KeyOrigin| keys.iter().any(|key| key.origin() == origin);
        let stack = has(KeyOrigin::AllocationStack).then_some(Self::UncertainStacks);
        stack.into_iter().chain(has(KeyOrigin::FreeStack).then_some(Self::UncertainFreeStacks))
    }

    /// The value for an aggregate; [`Value::None`] for a metric that is not [`Self::is_from_aggregate`].
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

/// Error of a name that is not that of a metric.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no figure '{name}'{}", .suggestion.as_ref().map_or_else(String::new, |s| format!("; did you mean '{s}'?")))]
pub struct UnknownMetric {
    /// The name as written.
    pub name: String,
    /// The most similar name, if one is similar.
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
    /// No value, as the average of no allocations.
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

    /// `numerator / denominator`; no value if that is not a finite number.
    #[must_use]
    pub fn quotient(numerator: f64, denominator: f64) -> Self {
        let quotient = numerator / denominator;
        if quotient.is_finite() { Self::Float(quotient) } else { Self::None }
    }

    /// A number that orders the values of one metric as [`Self::compare`] does; `None` for an integer beyond 63 bits.
    #[must_use]
    pub fn rank(self) -> Option<u64> {
        const SIGN: u64 = 1 << 63;
        match self {
            Self::None => Some(0),
            // The smallest number is left to what has no value.
            Self::Int(int) => i64::try_from(int).ok().filter(|int| *int > i64::MIN).map(|int| int as u64 ^ SIGN),
            Self::Float(float) => {
                let bits = float.to_bits();
                Some(if bits & SIGN == 0 { bits | SIGN } else { !bits }.max(1))
            }
        }
    }

    /// Ascending order; [`Value::None`] is first.
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
    fn ranks_order_like_values() {
        let ints = [Value::None, Value::Int(-(1 << 62)), Value::Int(-1), Value::Int(0), Value::Int(i64::MAX.into())];
        let floats = [f64::NEG_INFINITY, -2.5, -1e-300, 0.0, 1e-300, 7.0, f64::INFINITY].map(Value::Float);
        let floats: Vec<Value> = [Value::None].into_iter().chain(floats).collect();
        for values in [&ints[..], &floats] {
            for (a, b) in values.iter().zip(&values[1..]) {
                assert_eq!((a.compare(*b), a.rank().cmp(&b.rank())), (Ordering::Less, Ordering::Less), "{a:?} {b:?}");
            }
        }
        assert_eq!((Value::Int(1 << 63).rank(), Value::Int(i64::MIN.into()).rank()), (None, None));
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
