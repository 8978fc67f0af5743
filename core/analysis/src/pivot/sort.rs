//! The order of groups: by metrics, then by keys.

use super::metric::{Metric, UnknownMetric, Value};
use std::cmp::Ordering;
use std::str::FromStr;

/// One level of a sort order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SortLevel {
    /// The metric; `None` for the order of the keys.
    pub metric: Option<Metric>,
    /// Smallest first.
    pub ascending: bool,
}

impl Default for SortLevel {
    fn default() -> Self {
        Self { metric: Some(Metric::Size), ascending: false }
    }
}

impl SortLevel {
    /// Order of two values.
    #[must_use]
    pub fn order(&self, a: Value, b: Value) -> Ordering {
        if self.ascending { a.compare(b) } else { b.compare(a) }
    }
}

impl FromStr for SortLevel {
    type Err = UnknownMetric;

    fn from_str(text: &str) -> Result<Self, UnknownMetric> {
        let (name, ascending) = match text.trim().rsplit_once(':') {
            Some((name, "asc")) => (name, true),
            Some((name, "desc")) => (name, false),
            _ => (text.trim(), false),
        };
        if name == "key" || name == "keys" {
            // Keys are ascending by default.
            return Ok(Self { metric: None, ascending: !text.trim().ends_with(":desc") });
        }
        Ok(Self { metric: Some(name.parse()?), ascending })
    }
}

/// Sort order of groups: by the first level, then by the next ones, then by keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SortOrder {
    levels: [SortLevel; Self::MAX_LEVELS],
    count: u8,
}

impl SortOrder {
    /// Upper bound on the number of levels.
    pub const MAX_LEVELS: usize = 3;

    /// An order by the first [`Self::MAX_LEVELS`] of these levels; without levels, by keys.
    #[must_use]
    pub fn new(levels: &[SortLevel]) -> Self {
        let mut order = Self { levels: [SortLevel { metric: None, ascending: true }; Self::MAX_LEVELS], count: 0 };
        for (place, level) in order.levels.iter_mut().zip(levels) {
            *place = *level;
            order.count += 1;
        }
        order
    }

    /// The levels, the most significant first.
    #[must_use]
    pub fn levels(&self) -> &[SortLevel] {
        self.levels.get(..usize::from(self.count)).unwrap_or(&self.levels)
    }

    /// The most significant level; the order of the keys if there is none.
    #[must_use]
    pub fn first(&self) -> SortLevel {
        self.levels[0]
    }

    /// The metrics of the order.
    pub fn metrics(&self) -> impl Iterator<Item = Metric> + '_ {
        self.levels().iter().filter_map(|level| level.metric)
    }

    /// Order of two groups, from their values and from the order of their keys.
    #[must_use]
    pub fn order(&self, values: impl Fn(Metric) -> (Value, Value), keys: Ordering) -> Ordering {
        for level in self.levels() {
            let order = match level.metric {
                Some(metric) => {
                    let (a, b) = values(metric);
                    level.order(a, b)
                }
                None if level.ascending => keys,
                None => keys.reverse(),
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        keys
    }
}

impl Default for SortOrder {
    fn default() -> Self {
        SortLevel::default().into()
    }
}

impl From<SortLevel> for SortOrder {
    fn from(sort: SortLevel) -> Self {
        Self::new(&[sort])
    }
}

impl FromStr for SortOrder {
    type Err = UnknownMetric;

    fn from_str(text: &str) -> Result<Self, UnknownMetric> {
        let levels: Result<Vec<SortLevel>, _> = text.split(',').map(str::parse).collect();
        Ok(Self::new(&levels?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_and_decide_in_turn() {
        let count = SortLevel { metric: Some(Metric::Count), ascending: true };
        assert_eq!("count:asc".parse::<SortLevel>().unwrap(), count);
        let order: SortOrder = "size, count:asc,key:desc,min".parse().unwrap();
        let keys = SortLevel { metric: None, ascending: false };
        assert_eq!(order, SortOrder::new(&[SortLevel::default(), count, keys]), "three levels at most");
        assert_eq!((order.first(), order.metrics().count()), (SortLevel::default(), 2));
        assert!("size,sise".parse::<SortOrder>().is_err());
        let of = |order: &SortOrder, size: [i128; 2], count: [i128; 2]| {
            let pair = |[a, b]: [i128; 2]| (Value::Int(a), Value::Int(b));
            order.order(|metric| pair(if metric == Metric::Size { size } else { count }), Ordering::Less)
        };
        assert_eq!(of(&order, [5, 4], [9, 1]), Ordering::Less);
        assert_eq!(of(&order, [5, 5], [9, 1]), Ordering::Greater);
        assert_eq!(of(&order, [5, 5], [9, 9]), Ordering::Greater, "the names from Z to A");
        assert_eq!(of(&SortLevel::default().into(), [5, 5], [9, 1]), Ordering::Less);
        assert_eq!(of(&SortOrder::new(&[]), [4, 5], [9, 1]), Ordering::Less);
    }
}
