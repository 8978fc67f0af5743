//! Changes of filter and columns in the order in which they were made, so that Undo takes back the latest of them, whatever it
//! changed.

/// Kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// The filter.
    Filter,
    /// The columns, their order, or the order of the rows.
    Columns,
    /// Both at once: a preset that comes with a query.
    ColumnsAndFilter,
}

impl Edit {
    /// Returns whether it changed the filter.
    #[must_use]
    pub const fn has_filter(self) -> bool {
        matches!(self, Self::Filter | Self::ColumnsAndFilter)
    }
}

/// The changes that can be undone, and those that were, each with what was shown before it (`P`).
#[derive(Debug, Clone)]
pub struct EditLog<P> {
    past: Vec<(Edit, P)>,
    future: Vec<(Edit, P)>,
}

impl<P> Default for EditLog<P> {
    fn default() -> Self {
        Self { past: Vec::new(), future: Vec::new() }
    }
}

impl<P> EditLog<P> {
    /// Adds a change that was just made; `before` is what was shown until then. What was undone cannot be redone after it.
    pub fn push(&mut self, edit: Edit, before: P) {
        self.past.push((edit, before));
        if self.past.len() > MOST {
            self.past.remove(0);
        }
        self.future.clear();
    }

    /// Returns whether there is a change to undo.
    #[must_use]
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Returns whether there is a change to redo.
    #[must_use]
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }

    /// Takes back the latest change: its kind, and what was shown before it. `now` is what is shown now.
    pub fn undo(&mut self, now: P) -> Option<(Edit, P)> {
        let (edit, before) = self.past.pop()?;
        self.future.push((edit, now));
        Some((edit, before))
    }

    /// Makes the change again that was taken back last: its kind, and what was shown after it.
    pub fn redo(&mut self, now: P) -> Option<(Edit, P)> {
        let (edit, after) = self.future.pop()?;
        self.past.push((edit, now));
        Some((edit, after))
    }

    /// Changes what was shown before each of the changes.
    pub fn for_each(&mut self, change: impl FnMut(&mut P)) {
        self.past.iter_mut().chain(&mut self.future).map(|(_, shown)| shown).for_each(change);
    }

    /// The kind of the change that undo, or else redo, is about.
    #[must_use]
    pub fn next(&self, back: bool) -> Option<Edit> {
        let stack = if back { &self.past } else { &self.future };
        stack.last().map(|(edit, _)| *edit)
    }
}

/// Upper bound on changes that can be undone.
const MOST: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_change_is_undone_first() {
        let mut log = EditLog::default();
        assert!(!log.can_undo() && !log.can_redo() && log.undo(9).is_none());
        log.push(Edit::Filter, 0);
        log.push(Edit::Columns, 1);
        assert_eq!(log.next(true), Some(Edit::Columns));
        assert_eq!(log.undo(2), Some((Edit::Columns, 1)));
        assert_eq!(log.undo(1), Some((Edit::Filter, 0)));
        assert_eq!(log.redo(0), Some((Edit::Filter, 1)));
        assert_eq!(log.undo(1), Some((Edit::Filter, 0)));
        assert_eq!((log.redo(0), log.redo(1)), (Some((Edit::Filter, 1)), Some((Edit::Columns, 2))));
        assert!(!log.can_redo());
        log.undo(2);
        log.push(Edit::ColumnsAndFilter, 5);
        assert!(!log.can_redo(), "a new change ends what could be redone");
        assert!(Edit::ColumnsAndFilter.has_filter() && !Edit::Columns.has_filter());
    }
}
