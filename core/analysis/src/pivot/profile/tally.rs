//! Rows and their bytes, alone and by number. Adding commutes and stops at the greatest value.

use rustc_hash::FxHashMap;

/// Rows and their bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Number of rows.
    pub count: u64,
    /// Their bytes.
    pub size: u64,
}

impl Tally {
    /// Adds a row.
    #[inline]
    pub(super) fn add(&mut self, size_bytes: u64) {
        self.count += 1;
        self.size = self.size.saturating_add(size_bytes);
    }

    /// Adds another sum.
    pub(super) fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.size = self.size.saturating_add(other.size);
    }
}

/// Up to so many possible numbers, there is a place for each.
const DENSE_NUMBERS: usize = 1 << 18;
const NO_PLACE: u32 = u32::MAX;

/// Sums by number. Only numbers that occur take the room of a sum.
#[derive(Default)]
pub(super) struct Tallies {
    /// Places of the numbers, where they are few enough; grows as needed.
    dense: Vec<u32>,
    hashed: FxHashMap<u64, u32>,
    list: Vec<(u64, Tally)>,
}

impl Tallies {
    #[inline]
    pub(super) fn get(&mut self, number: u64) -> &mut Tally {
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        let known = self.dense.get(at).copied().unwrap_or(NO_PLACE);
        let place = if known == NO_PLACE { self.find_or_add(number, at) } else { known };
        &mut self.list[place as usize].1
    }

    fn find_or_add(&mut self, number: u64, at: usize) -> u32 {
        let next = self.list.len() as u32;
        let place = if at < DENSE_NUMBERS {
            if self.dense.len() <= at {
                let room = (at + 1).next_power_of_two();
                self.dense.resize(room, NO_PLACE);
            }
            self.dense[at] = next;
            next
        } else {
            *self.hashed.entry(number).or_insert(next)
        };
        if place == next {
            self.list.push((number, Tally::default()));
        }
        place
    }

    pub(super) fn merge(mut self, other: Self) -> Self {
        if self.list.len() < other.list.len() {
            return other.merge(self);
        }
        for (number, tally) in &other.list {
            self.get(*number).merge(tally);
        }
        self
    }

    /// The sums, in no particular order.
    pub(super) fn list(&self) -> &[(u64, Tally)] {
        &self.list
    }
}

/// The first few by bytes, then by rows, then by number.
pub(super) fn heaviest(sums: &[(u64, Tally)], at_most: usize) -> Vec<(u64, Tally)> {
    let mut sums = sums.to_vec();
    sums.sort_unstable_by_key(|(number, t)| (std::cmp::Reverse((t.size, t.count)), *number));
    sums.truncate(at_most);
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_numbers_are_told_apart() {
        let numbers = [0, 7, DENSE_NUMBERS as u64 - 1, DENSE_NUMBERS as u64, u64::from(u32::MAX), u64::MAX];
        let made = || {
            let mut tallies = Tallies::default();
            for (at, number) in numbers.iter().chain(&numbers).enumerate() {
                tallies.get(*number).add(at as u64);
            }
            tallies
        };
        let mut more = Tallies::default();
        more.get(8).add(1);
        let mut list = more.merge(made()).merge(made()).list().to_vec();
        list.sort_unstable_by_key(|l| l.0);
        let sum = |at: u64| Tally { count: 4, size: 4 * at + 12 };
        let mut expected: Vec<_> = numbers.iter().zip(0..).map(|(n, at)| (*n, sum(at))).collect();
        expected.insert(2, (8, Tally { count: 1, size: 1 }));
        assert_eq!(list, expected);
    }
}
