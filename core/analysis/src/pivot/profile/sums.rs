//! The one pass over the rows of a profile. What is added up commutes, so the number of workers never shows.

use super::BLOCKS;
use super::spans::{self, Spans};
use super::tally::{Tallies, Tally};
use crate::group::parallel::{Cancel, Cancelled, fold_rows, plenty};
use crate::group::size_class;
use crate::filter::rowset::RowSet;
use crate::trace::allocation::{AllocationTable, flag};
use crate::trace::time::{Ticks, TimeRange};
use std::cmp::Reverse;

/// The few rows with the smallest keys, in ascending order.
pub(super) struct Least<K>(Vec<K>);

impl<K: Ord + Copy> Least<K> {
    #[inline]
    fn add(&mut self, key: K) {
        if self.0.len() == BLOCKS && self.0.last().is_some_and(|last| *last <= key) {
            return;
        }
        let at = self.0.partition_point(|k| *k < key);
        self.0.insert(at, key);
        self.0.truncate(BLOCKS);
    }

    fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|key| self.add(*key));
    }
}

impl Least<(Ticks, u32)> {
    pub(super) fn rows(&self) -> &[(Ticks, u32)] {
        &self.0
    }
}

impl Least<Reverse<(Ticks, u32)>> {
    pub(super) fn rows(&self) -> Vec<(Ticks, u32)> {
        self.0.iter().map(|key| key.0).collect()
    }
}

pub(super) struct Sums {
    pub total: Tally,
    pub freed: Tally,
    pub alive: Tally,
    pub uncertain_stack: Tally,
    pub sizes: Vec<Tally>,
    pub lifetimes: Vec<Tally>,
    pub not_freed: Tally,
    pub unknown_lifetime: Tally,
    pub ages: Vec<Tally>,
    pub unknown_age: Tally,
    pub distinct_sizes: Tallies,
    pub contexts: Tallies,
    pub stacks: Tallies,
    /// Of rows freed in the view.
    pub free_stacks: Tallies,
    pub first: Least<(Ticks, u32)>,
    pub last: Least<Reverse<(Ticks, u32)>>,
}

impl Sums {
    fn new() -> Self {
        Self {
            total: Tally::default(),
            freed: Tally::default(),
            alive: Tally::default(),
            uncertain_stack: Tally::default(),
            sizes: vec![Tally::default(); size_class::COUNT as usize],
            lifetimes: vec![Tally::default(); spans::COUNT],
            not_freed: Tally::default(),
            unknown_lifetime: Tally::default(),
            ages: vec![Tally::default(); spans::COUNT],
            unknown_age: Tally::default(),
            distinct_sizes: Tallies::default(),
            contexts: Tallies::default(),
            stacks: Tallies::default(),
            free_stacks: Tallies::default(),
            first: Least(Vec::new()),
            last: Least(Vec::new()),
        }
    }

    pub(super) fn of(
        table: &AllocationTable,
        rows: &RowSet,
        view: TimeRange,
        spans: &Spans,
        cancel: Cancel<'_>,
    ) -> Result<Self, Cancelled> {
        let visit = |sums: &mut Self, range| {
            rows.iter_within(range).for_each(|row| sums.add(table, row, view, spans));
        };
        fold_rows(table.len(), plenty(), cancel, Self::new, visit, Self::merge)
    }

    fn add(&mut self, table: &AllocationTable, row: usize, view: TimeRange, spans: &Spans) {
        let (alloc, free, size) = (table.alloc_time[row], table.free_time[row], table.size[row]);
        let Some(class) = view.classify(alloc, free) else {
            return;
        };
        let is_seen = table.is_allocation_recorded(row);
        if table.flags[row] & flag::UNCERTAIN_ALLOCATION_STACK != 0 {
            self.uncertain_stack.add(size);
        }
        self.total.add(size);
        self.sizes[size_class::class_of(size) as usize].add(size);
        self.distinct_sizes.get(size).add(size);
        self.contexts.get(u64::from(table.alloc_attributes[row].0)).add(size);
        self.stacks.get(u64::from(table.alloc_stack[row].0)).add(size);
        match table.lifetime(row) {
            Ticks::NEVER => self.not_freed.add(size),
            Ticks::UNKNOWN => self.unknown_lifetime.add(size),
            ticks => self.lifetimes[spans.bin(ticks.0)].add(size),
        }
        if class.is_freed_inside() {
            self.freed.add(size);
            self.free_stacks.get(u64::from(table.free_stack[row].0)).add(size);
        } else {
            self.alive.add(size);
            if is_seen {
                self.ages[spans.bin(view.to.0.saturating_sub(alloc.0))].add(size);
            } else {
                self.unknown_age.add(size);
            }
        }
        if is_seen {
            self.first.add((alloc, row as u32));
            self.last.add(Reverse((alloc, row as u32)));
        }
    }

    fn merge(mut self, other: Self) -> Self {
        let bars =
            [(&mut self.sizes, &other.sizes), (&mut self.lifetimes, &other.lifetimes), (&mut self.ages, &other.ages)];
        for (own, more) in bars {
            own.iter_mut().zip(more).for_each(|(own, more)| own.merge(more));
        }
        self.total.merge(&other.total);
        self.freed.merge(&other.freed);
        self.alive.merge(&other.alive);
        self.uncertain_stack.merge(&other.uncertain_stack);
        self.not_freed.merge(&other.not_freed);
        self.unknown_lifetime.merge(&other.unknown_lifetime);
        self.unknown_age.merge(&other.unknown_age);
        self.first.merge(&other.first);
        self.last.merge(&other.last);
        self.distinct_sizes = self.distinct_sizes.merge(other.distinct_sizes);
        self.contexts = self.contexts.merge(other.contexts);
        self.stacks = self.stacks.merge(other.stacks);
        self.free_stacks = self.free_stacks.merge(other.free_stacks);
        self
    }
}
