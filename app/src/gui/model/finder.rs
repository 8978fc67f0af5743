//! The search through the rows: its text, its matches, and the match under the cursor.

use std::sync::Arc;

use poolscope_analysis::pivot::TreeStep;

/// The search. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Finder {
    /// True if its bar is open.
    pub open: bool,
    /// Text of the search.
    pub text: String,
    /// True if upper and lower case differ.
    pub case_sensitive: bool,
    /// The bar shall take the keyboard.
    pub wants_focus: bool,
    matches: Arc<Vec<Vec<TreeStep>>>,
    total: u64,
    /// The match that the cursor is at.
    at: Option<usize>,
    /// Text that the matches belong to.
    searched: String,
}

impl Finder {
    /// The text that rows are marked for.
    #[must_use]
    pub fn needle(&self) -> &str {
        if self.open { &self.text } else { "" }
    }

    /// Sets the matches.
    pub fn take(&mut self, matches: Vec<Vec<TreeStep>>, total: u64) {
        self.at = self.at.filter(|at| *at < matches.len() && self.searched == self.text);
        self.searched.clone_from(&self.text);
        self.matches = Arc::new(matches);
        self.total = total;
    }

    /// Clears the matches.
    pub fn clear(&mut self) {
        self.matches = Arc::default();
        self.total = 0;
        self.at = None;
    }

    /// Number of matches.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Returns whether all matches can be stepped through.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.matches.len() as u64 == self.total
    }

    /// The number of the match that the cursor is at, from 1.
    #[must_use]
    pub fn number(&self) -> Option<usize> {
        self.at.map(|at| at + 1)
    }

    /// Goes to the next match, or the one before, round at the ends; the steps to it from the top of the tree.
    pub fn step(&mut self, forward: bool) -> Option<Vec<TreeStep>> {
        let count = self.matches.len();
        if count == 0 {
            return None;
        }
        let at = match (self.at, forward) {
            (None, true) => 0,
            (None, false) => count - 1,
            (Some(at), true) => (at + 1) % count,
            (Some(at), false) => (at + count - 1) % count,
        };
        self.at = Some(at);
        self.matches.get(at).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_are_gone_through_in_a_circle() {
        let mut finder = Finder { open: true, text: "Leak".into(), ..Finder::default() };
        assert_eq!(finder.step(true), None);
        let found: Vec<Vec<TreeStep>> = (0..3).map(|id| vec![TreeStep::Value { column: 0, id }]).collect();
        finder.take(found.clone(), 3);
        assert_eq!((finder.step(true), finder.number()), (Some(found[0].clone()), Some(1)));
        assert_eq!(finder.step(false), Some(found[2].clone()));
        assert_eq!(finder.step(true), Some(found[0].clone()));
        finder.take(found.clone(), 12_000);
        assert_eq!((finder.number(), finder.is_complete()), (Some(1), false));
        finder.text = "Mm".into();
        finder.take(found, 3);
        assert_eq!(finder.number(), None, "another search begins at its first match");
    }
}
