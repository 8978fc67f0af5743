//! The group of each event. Groups that depend on attributes only are found by those; all others are numbered by row, and once more
//! by free in the order of time, because the row of a free is far away in memory.

use super::curve_index::NONE;
use crate::filter::rowset::RowSet;
use crate::group::event_order::{EventNumbers, EventOrder};
use crate::group::group_by::GroupIds;
use crate::group::parallel::{CHUNK_ROWS, Cancel, Cancelled};
use rayon::prelude::*;
use std::sync::Arc;

/// The groups of events.
pub(super) enum EventGroups {
    /// By attributes.
    Attributes(Vec<u32>),
    /// By row, and by free; few enough for two bytes.
    Few(RowGroups<u16>),
    /// By row, and by free.
    Many(RowGroups<u32>),
}

impl EventGroups {
    /// The groups of these rows, of which `rows` are in the scans.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn of_rows(
        ids: Arc<GroupIds>,
        rows: Option<Arc<RowSet>>,
        order: &EventOrder,
        cancel: Cancel<'_>,
    ) -> Result<Self, Cancelled> {
        if ids.representatives().len() <= usize::from(u16::MAX) {
            // The greatest number is free for rows that are left out.
            let narrow = |group: u32| u16::try_from(group).unwrap_or(u16::MAX);
            Ok(Self::Few(RowGroups::new(ids, rows, order, narrow, cancel)?))
        } else {
            Ok(Self::Many(RowGroups::new(ids, rows, order, |group| group, cancel)?))
        }
    }

    /// Bytes of the groups by free.
    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Attributes(groups) => size_of_val(groups.as_slice()),
            Self::Few(groups) => size_of_val(groups.of_free.as_slice()),
            Self::Many(groups) => size_of_val(groups.of_free.as_slice()),
        }
    }
}

/// Groups by row and by free. Events of rows that are left out have a number that no group has.
pub(super) struct RowGroups<T> {
    ids: Arc<GroupIds>,
    rows: Option<Arc<RowSet>>,
    of_free: Vec<T>,
}

impl<T: Copy + Send + Sync> RowGroups<T> {
    fn new(
        ids: Arc<GroupIds>,
        rows: Option<Arc<RowSet>>,
        order: &EventOrder,
        number: impl Fn(u32) -> T + Sync,
        cancel: Cancel<'_>,
    ) -> Result<Self, Cancelled> {
        let groups = Self { ids, rows, of_free: Vec::<T>::new() };
        let of_free = order.frees().par_chunks(CHUNK_ROWS).map(|frees| {
            if cancel() {
                return Err(Cancelled);
            }
            Ok(frees.iter().map(|row| number(groups.of_row(*row))).collect::<Vec<T>>())
        });
        let of_free = of_free.collect::<Result<Vec<_>, Cancelled>>()?.concat();
        Ok(Self { of_free, ..groups })
    }

    #[inline]
    fn of_row(&self, row: u32) -> u32 {
        let is_selected = self.rows.as_ref().is_none_or(|rows| rows.contains(row as usize));
        self.ids.of_row().get(row as usize).copied().filter(|_| is_selected).unwrap_or(NONE)
    }
}

impl<T> RowGroups<T> {
    /// The numbers of events.
    pub fn numbers(&self) -> RowGroupNumbers<'_, T> {
        RowGroupNumbers { of_row: self.ids.of_row(), rows: self.rows.as_deref(), of_free: &self.of_free }
    }
}

/// Events numbered by group.
pub(super) struct RowGroupNumbers<'g, T> {
    of_row: &'g [u32],
    rows: Option<&'g RowSet>,
    of_free: &'g [T],
}

impl<T> Clone for RowGroupNumbers<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for RowGroupNumbers<'_, T> {}

impl<T: Copy + Into<u32> + Sync> EventNumbers for RowGroupNumbers<'_, T> {
    #[inline]
    fn of_alloc(&self, row: usize) -> u32 {
        let is_selected = self.rows.is_none_or(|rows| rows.contains(row));
        self.of_row.get(row).copied().filter(|_| is_selected).unwrap_or(NONE)
    }

    #[inline]
    fn of_free(&self, position: usize) -> u32 {
        self.of_free.get(position).map_or(NONE, |group| (*group).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::key::Key;
    use crate::group::parallel::not_cancelled;
    use crate::group::test_util::{names, random_blocks};

    #[test]
    fn frees_have_the_groups_of_their_rows_in_two_bytes_and_in_four() {
        let names = names(&random_blocks(31, 3_000));
        let order = EventOrder::new(names.trace());
        let ids = names.group_ids(&[Key::Stack, Key::SizeClass], &not_cancelled).unwrap().unwrap();
        let rows = Arc::new(RowSet::from_fn(3_000, |row| row % 3 != 0));
        let of = |rows: &Option<Arc<RowSet>>| (Arc::clone(&ids), rows.clone());
        for rows in [None, Some(rows)] {
            let (narrow, wide) = (of(&rows), of(&rows));
            let narrow = RowGroups::new(narrow.0, narrow.1, &order, |group| group as u16, &not_cancelled).unwrap();
            let wide = RowGroups::new(wide.0, wide.1, &order, |group| group, &not_cancelled).unwrap();
            assert!(order.frees().len() > 500);
            for (position, row) in order.frees().iter().map(|row| *row as usize).enumerate() {
                let is_selected = rows.as_ref().is_none_or(|rows| rows.contains(row));
                let expected = is_selected.then(|| ids.of_row()[row]);
                let known =
                    |number: u32| Some(number).filter(|number| (*number as usize) < ids.representatives().len());
                assert_eq!(known(narrow.numbers().of_free(position)), expected);
                assert_eq!(known(wide.numbers().of_free(position)), expected);
                assert_eq!(known(wide.numbers().of_alloc(row)), expected);
            }
        }
        assert!(EventGroups::of_rows(ids, None, &order, &|| true).is_err());
    }
}
