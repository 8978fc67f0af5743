//! Colors of names: the first ten names asked for get one each, and keep it, so that a tag looks the same in
//! graph and table and after every zoom.

use rustc_hash::FxHashMap;

/// Numbers of categorical colors, by name.
#[derive(Debug, Clone, Default)]
pub struct ColorBook {
    numbers: FxHashMap<String, usize>,
    next: usize,
}

impl ColorBook {
    /// The number of a name's color; a new name gets the next one.
    pub fn number(&mut self, name: &str) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.next;
        self.next += 1;
        self.numbers.insert(name.to_owned(), number);
        number
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
