//! The order of groups: by a figure or by the names, and by further ones where that leaves groups equal.

use super::figure::{Figure, UnknownFigure};
use super::number::Number;
use std::cmp::Ordering;
use std::str::FromStr;

/// One level of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sort {
    /// By which figure; `None`: by the keys alone.
    pub figure: Option<Figure>,
    /// Smallest first.
    pub ascending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { figure: Some(Figure::Size), ascending: false }
    }
}

impl Sort {
    /// Which of two figures comes first; ties are for the caller to break.
    #[must_use]
    pub fn order(&self, a: Number, b: Number) -> Ordering {
        if self.ascending { a.compare(b) } else { b.compare(a) }
    }
}

impl FromStr for Sort {
    type Err = UnknownFigure;

    fn from_str(text: &str) -> Result<Self, UnknownFigure> {
        let (name, ascending) = match text.trim().rsplit_once(':') {
            Some((name, "asc")) => (name, true),
            Some((name, "desc")) => (name, false),
            _ => (text.trim(), false),
        };
        if name == "key" || name == "keys" {
            // Keys read from A to Z unless told otherwise.
            return Ok(Self { figure: None, ascending: !text.trim().ends_with(":desc") });
        }
        Ok(Self { figure: Some(name.parse()?), ascending })
    }
}

/// How groups are ordered: by the first level, equal ones by the next, those that are equal in all by their keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SortOrder {
    levels: [Sort; Self::MOST],
    count: u8,
}

impl SortOrder {
    /// Most levels.
    pub const MOST: usize = 3;

    /// An order of these levels, of which the first [`Self::MOST`] count; without any, the order of the keys.
    #[must_use]
    pub fn new(levels: &[Sort]) -> Self {
        let mut order = Self { levels: [Sort { figure: None, ascending: true }; Self::MOST], count: 0 };
        for (place, level) in order.levels.iter_mut().zip(levels) {
            *place = *level;
            order.count += 1;
        }
        order
    }

    /// The levels, the one that decides first.
    #[must_use]
    pub fn levels(&self) -> &[Sort] {
        self.levels.get(..usize::from(self.count)).unwrap_or(&self.levels)
    }

    /// The level that decides first; the order of the keys where there is none.
    #[must_use]
    pub fn first(&self) -> Sort {
        self.levels[0]
    }

    /// The figures that the order looks at.
    pub fn figures(&self) -> impl Iterator<Item = Figure> + '_ {
        self.levels().iter().filter_map(|level| level.figure)
    }

    /// Which of two groups comes first, from their figures and from the order of their keys.
    #[must_use]
    pub fn order(&self, figures: impl Fn(Figure) -> (Number, Number), keys: Ordering) -> Ordering {
        for level in self.levels() {
            let order = match level.figure {
                Some(figure) => {
                    let (a, b) = figures(figure);
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
        Sort::default().into()
    }
}

impl From<Sort> for SortOrder {
    fn from(sort: Sort) -> Self {
        Self::new(&[sort])
    }
}

impl FromStr for SortOrder {
    type Err = UnknownFigure;

    fn from_str(text: &str) -> Result<Self, UnknownFigure> {
        let levels: Result<Vec<Sort>, _> = text.split(',').map(str::parse).collect();
        Ok(Self::new(&levels?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_and_decide_in_turn() {
        let count = Sort { figure: Some(Figure::Count), ascending: true };
        assert_eq!("count:asc".parse::<Sort>().unwrap(), count);
        let order: SortOrder = "size, count:asc,key:desc,min".parse().unwrap();
        let keys = Sort { figure: None, ascending: false };
        assert_eq!(order, SortOrder::new(&[Sort::default(), count, keys]), "three levels at most");
        assert_eq!((order.first(), order.figures().count()), (Sort::default(), 2));
        assert!("size,sise".parse::<SortOrder>().is_err());
        let of = |order: &SortOrder, size: [i128; 2], count: [i128; 2]| {
            let pair = |[a, b]: [i128; 2]| (Number::Int(a), Number::Int(b));
            order.order(|figure| pair(if figure == Figure::Size { size } else { count }), Ordering::Less)
        };
        assert_eq!(of(&order, [5, 4], [9, 1]), Ordering::Less);
        assert_eq!(of(&order, [5, 5], [9, 1]), Ordering::Greater);
        assert_eq!(of(&order, [5, 5], [9, 9]), Ordering::Greater, "the names from Z to A");
        assert_eq!(of(&Sort::default().into(), [5, 5], [9, 1]), Ordering::Less);
        assert_eq!(of(&SortOrder::new(&[]), [4, 5], [9, 1]), Ordering::Less);
    }
}
