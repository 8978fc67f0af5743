//! Column of the allocation table with a stack for each row. Where a load leaves stacks out, the column has rows and no memory: each
//! row has the empty stack.

use super::ids::StackId;
use std::fmt;
use std::ops::{Index, Range};

/// Stack of each row; [`StackId::EMPTY`] where none was recorded or stacks are left out.
#[derive(Default)]
pub struct StackColumn {
    rows: usize,
    /// The stack of each row; empty if stacks are left out.
    pub(super) stacks: Vec<StackId>,
}

impl StackColumn {
    /// A column of empty stacks to be filled, or that stays empty.
    pub(super) fn new(rows: usize, is_loaded: bool) -> Self {
        // Zeros: the system provides the memory when a worker writes it.
        let stacks = if is_loaded { vec![0; rows].into_iter().map(StackId).collect() } else { Vec::new() };
        Self { rows, stacks }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Returns `true` if there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Returns `true` if the rows have stacks in memory.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        !self.stacks.is_empty()
    }

    /// Stack of a row; `None` if there is no such row.
    #[inline]
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&StackId> {
        if row >= self.rows {
            return None;
        }
        Some(self.stacks.get(row).unwrap_or(&StackId::EMPTY))
    }

    /// Stacks of rows in order.
    #[must_use]
    pub fn iter(&self) -> Stacks<'_> {
        Stacks { column: self, rows: 0..self.rows }
    }

    /// Appends the stack of another row.
    pub fn push(&mut self, stack: StackId) {
        self.stacks.resize(self.rows, StackId::EMPTY);
        self.stacks.push(stack);
        self.rows += 1;
    }
}

impl Index<usize> for StackColumn {
    type Output = StackId;

    #[inline]
    fn index(&self, row: usize) -> &StackId {
        match self.stacks.get(row) {
            Some(stack) => stack,
            None => {
                assert!(row < self.rows, "row {row} of {}", self.rows);
                &StackId::EMPTY
            }
        }
    }
}

impl<'a> IntoIterator for &'a StackColumn {
    type Item = &'a StackId;
    type IntoIter = Stacks<'a>;

    fn into_iter(self) -> Stacks<'a> {
        self.iter()
    }
}

impl fmt::Debug for StackColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// The stacks of a [`StackColumn`] in the order of the rows.
#[derive(Clone, Debug)]
pub struct Stacks<'a> {
    column: &'a StackColumn,
    rows: Range<usize>,
}

impl<'a> Iterator for Stacks<'a> {
    type Item = &'a StackId;

    #[inline]
    fn next(&mut self) -> Option<&'a StackId> {
        self.rows.next().and_then(|row| self.column.get(row))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rows.size_hint()
    }
}

impl ExactSizeIterator for Stacks<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_that_is_left_out_has_empty_stacks_and_no_memory() {
        let column = StackColumn::new(3, false);
        assert_eq!((column.len(), column.is_loaded(), column.stacks.capacity()), (3, false, 0));
        assert!(column.iter().all(|stack| *stack == StackId::EMPTY) && column.iter().len() == 3);
        assert_eq!((column.get(2), column.get(3)), (Some(&StackId::EMPTY), None));
        assert_eq!(column[2], StackId::EMPTY);
    }

    #[test]
    fn stacks_come_back_by_row() {
        let mut column = StackColumn::new(2, true);
        column.stacks[1] = StackId(7);
        column.push(StackId(9));
        assert_eq!((column.len(), column[0], column[1], column[2]), (3, StackId::EMPTY, StackId(7), StackId(9)));
        assert_eq!(column.get(3), None);
        let mut left_out = StackColumn::new(2, false);
        left_out.push(StackId(5));
        assert_eq!(left_out.iter().map(|stack| stack.0).collect::<Vec<_>>(), [0, 0, 5]);
        assert_eq!(format!("{left_out:?}"), "[StackId(0), StackId(0), StackId(5)]");
    }
}
