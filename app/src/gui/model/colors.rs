//! Colors of names: each name keeps the one that it got, so that a tag looks the same in graph and table and after every zoom, and
//! names that are shown together get different ones as far as there are any.

use rustc_hash::{FxHashMap, FxHashSet};

/// Number of colors before they repeat with another pattern.
const COLORS: usize = 10;

/// Numbers of categorical colors, by name.
#[derive(Debug, Clone, Default)]
pub struct ColorBook {
    numbers: FxHashMap<String, usize>,
    /// Numbers that a name has, or had under another name.
    used: FxHashSet<usize>,
}

impl ColorBook {
    /// The number of a name's color; a new name gets the next one.
    pub fn number(&mut self, name: &str) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.free(|_| true);
        self.take(name, number);
        number
    }

    /// Gives names that are shown together numbers, the most important name first: a new one gets a color that none of the others
    /// has, if there is one left.
    pub fn assign<'n>(&mut self, names: impl Iterator<Item = &'n str> + Clone) {
        let mut shown: FxHashSet<usize> =
            names.clone().filter_map(|name| Some(self.numbers.get(name)? % COLORS)).collect();
        for name in names {
            if !self.numbers.contains_key(name) {
                let is_full = shown.len() >= COLORS;
                let number = self.free(|number| is_full || !shown.contains(&(number % COLORS)));
                shown.insert(number % COLORS);
                self.take(name, number);
            }
        }
    }

    /// The smallest number that no name has and that fits.
    fn free(&self, fits: impl Fn(usize) -> bool) -> usize {
        (0..).find(|number| !self.used.contains(number) && fits(*number)).unwrap_or_default()
    }

    fn take(&mut self, name: &str, number: usize) {
        self.used.insert(number);
        self.numbers.insert(name.to_owned(), number);
    }

    /// A name is known by another one as well from now on; one that has a color keeps it.
    pub fn rename(&mut self, old: &str, new: &str) {
        if let Some(number) = self.numbers.get(old).copied() {
            self.numbers.entry(new.to_owned()).or_insert(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_shown_together_differ() {
        let mut book = ColorBook::default();
        let first: Vec<String> = (0..10).map(|n| format!("a{n}")).collect();
        book.assign(first.iter().map(String::as_str));
        // After a zoom three of them are left, and others are new.
        let second: Vec<String> = first.iter().take(3).cloned().chain((0..6).map(|n| format!("b{n}"))).collect();
        book.assign(second.iter().map(String::as_str));
        let colors: FxHashSet<usize> = second.iter().map(|name| book.number(name) % COLORS).collect();
        assert_eq!(colors.len(), second.len(), "nine names, nine colors");
        assert_eq!(first.iter().map(|name| book.number(name)).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
        let many: Vec<String> = (0..25).map(|n| format!("c{n}")).collect();
        book.assign(many.iter().map(String::as_str));
        let numbers: FxHashSet<usize> = many.iter().map(|name| book.number(name)).collect();
        assert_eq!(numbers.len(), many.len(), "color and pattern together are always different");
    }

    #[test]
    fn names_keep_their_colors() {
        let mut book = ColorBook::default();
        assert_eq!(book.number("Leak"), 0);
        assert_eq!(book.number("MmSt"), 1);
        assert_eq!(book.number("Leak"), 0);
        book.rename("MmSt", "Memory");
        book.rename("Leak", "MmSt");
        assert_eq!((book.number("Memory"), book.number("MmSt"), book.number("new")), (1, 1, 2));
    }
}
