//! Which name has which colour: the first ten names asked for get one each, and keep it, so that a tag looks the same in
//! graph and table and after every zoom.

use rustc_hash::FxHashMap;

/// Numbers of categorical colours, by name.
#[derive(Debug, Clone, Default)]
pub struct ColourBook {
    numbers: FxHashMap<String, usize>,
}

impl ColourBook {
    /// The number of a name's colour; a new name gets the next one.
    pub fn number(&mut self, name: &str) -> usize {
        let next = self.numbers.len();
        *self.numbers.entry(name.to_owned()).or_insert(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_colours() {
        let mut book = ColourBook::default();
        assert_eq!(book.number("Leak"), 0);
        assert_eq!(book.number("MmSt"), 1);
        assert_eq!(book.number("Leak"), 0);
    }
}
