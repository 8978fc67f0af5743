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

/// Sums by number. Only numbers that occur take room.
#[derive(Default)]
pub(super) struct Tallies {
    place: FxHashMap<u64, u32>,
    list: Vec<(u64, Tally)>,
    /// Place of the number added last: rows beside each other often have the same.
    last: u32,
}

impl Tallies {
    #[inline]
    pub(super) fn get(&mut self, number: u64) -> &mut Tally {
        if self.list.get(self.last as usize).is_none_or(|l| l.0 != number) {
            let list = &mut self.list;
            self.last = *self.place.entry(number).or_insert_with(|| {
                list.push((number, Tally::default()));
                list.len() as u32 - 1
            });
        }
        &mut self.list[self.last as usize].1
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
