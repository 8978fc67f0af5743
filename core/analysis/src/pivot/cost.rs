//! What rows add up to. Sums are integers that stop at their greatest value, so that the order of adding never matters
//! and damaged sizes never panic.

use crate::trace::allocation::{AllocationTable, flag, lifetime};
use crate::trace::time::{LifetimeClass, Ticks};

/// Sums and extremes over the rows of a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// Rows by life type.
    pub counts: [u64; 4],
    /// Bytes by life type.
    pub sizes: [u64; 4],
    min_bytes: u64,
    max_bytes: u64,
    lifetime_sum_ticks: u64,
    lifetime_max_ticks: u64,
    lifetime_rows: u64,
    uncertain_stacks: u64,
    uncertain_free_stacks: u64,
}

impl Default for Cost {
    fn default() -> Self {
        Self {
            counts: [0; 4],
            sizes: [0; 4],
            min_bytes: u64::MAX,
            max_bytes: 0,
            lifetime_sum_ticks: 0,
            lifetime_max_ticks: 0,
            lifetime_rows: 0,
            uncertain_stacks: 0,
            uncertain_free_stacks: 0,
        }
    }
}

/// A row as sums need it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CostRow {
    /// Bytes.
    pub size_bytes: u64,
    /// When it was allocated.
    pub alloc: Ticks,
    /// When it was freed.
    pub free: Ticks,
    /// Bits of [`flag`].
    pub flags: u8,
}

impl CostRow {
    /// A row of a table.
    #[inline]
    #[must_use]
    pub fn of(table: &AllocationTable, row: usize) -> Self {
        Self {
            size_bytes: table.size[row],
            alloc: table.alloc_time[row],
            free: table.free_time[row],
            flags: table.flags[row],
        }
    }

    /// Ticks from allocation to free, where both were seen.
    #[inline]
    fn lifetime_ticks(&self) -> Option<u64> {
        let ticks = lifetime(self.alloc, self.free, self.flags);
        ticks.is_known().then(|| ticks.0.max(0) as u64)
    }

    #[inline]
    fn has(&self, bit: u8) -> bool {
        self.flags & bit != 0
    }
}

impl Cost {
    /// Adds a row that stands to the view as `class` (a [`LifeType`] as a number).
    #[inline]
    pub fn add_row(&mut self, class: usize, row: CostRow) {
        let size_bytes = row.size_bytes;
        if let (Some(count), Some(size)) = (self.counts.get_mut(class), self.sizes.get_mut(class)) {
            *count += 1;
            *size = size.saturating_add(size_bytes);
        }
        self.min_bytes = self.min_bytes.min(size_bytes);
        self.max_bytes = self.max_bytes.max(size_bytes);
        self.uncertain_stacks += u64::from(row.has(flag::UNCERTAIN_ALLOCATION_STACK));
        self.uncertain_free_stacks += u64::from(row.has(flag::UNCERTAIN_FREE_STACK));
        if let Some(ticks) = row.lifetime_ticks() {
            self.lifetime_sum_ticks = self.lifetime_sum_ticks.saturating_add(ticks);
            self.lifetime_max_ticks = self.lifetime_max_ticks.max(ticks);
            self.lifetime_rows += 1;
        }
    }

    /// Adds rows of one life type.
    pub(super) fn add_class(&mut self, class: usize, rows: &ClassCost) {
        let mut own = Self {
            min_bytes: !rows.not_min_bytes,
            max_bytes: rows.max_bytes,
            lifetime_sum_ticks: rows.lifetime_sum_ticks,
            lifetime_max_ticks: rows.lifetime_max_ticks,
            lifetime_rows: rows.lifetime_rows.into(),
            uncertain_stacks: rows.uncertain_stacks.into(),
            uncertain_free_stacks: rows.uncertain_free_stacks.into(),
            ..Self::default()
        };
        if let (Some(count), Some(size)) = (own.counts.get_mut(class), own.sizes.get_mut(class)) {
            *count = rows.rows.into();
            *size = rows.bytes;
        }
        self.add(&own);
    }

    /// Adds another group.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count = count.saturating_add(more);
        }
        for (size, more) in self.sizes.iter_mut().zip(other.sizes) {
            *size = size.saturating_add(more);
        }
        self.min_bytes = self.min_bytes.min(other.min_bytes);
        self.max_bytes = self.max_bytes.max(other.max_bytes);
        self.lifetime_sum_ticks = self.lifetime_sum_ticks.saturating_add(other.lifetime_sum_ticks);
        self.lifetime_max_ticks = self.lifetime_max_ticks.max(other.lifetime_max_ticks);
        self.lifetime_rows = self.lifetime_rows.saturating_add(other.lifetime_rows);
        self.uncertain_stacks = self.uncertain_stacks.saturating_add(other.uncertain_stacks);
        self.uncertain_free_stacks = self.uncertain_free_stacks.saturating_add(other.uncertain_free_stacks);
    }

    /// Number of rows.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, c| sum.saturating_add(*c))
    }

    /// Bytes of all rows.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.sizes.iter().fold(0, |sum, s| sum.saturating_add(*s))
    }

    /// Bytes of AIFO rows: allocated in the view, not freed in it.
    #[must_use]
    pub fn impacting_size(&self) -> u64 {
        self.sizes[LifetimeClass::Aifo as usize]
    }

    /// Number of AIFO rows.
    #[must_use]
    pub fn impacting_count(&self) -> u64 {
        self.counts[LifetimeClass::Aifo as usize]
    }

    /// AIFO minus AOFI bytes: by how much the outstanding bytes change over the view.
    #[must_use]
    pub fn net_size(&self) -> i128 {
        i128::from(self.impacting_size()) - i128::from(self.sizes[LifetimeClass::Aofi as usize])
    }

    /// Rows allocated in the view.
    #[must_use]
    pub fn allocated_inside(&self) -> u64 {
        self.counts[LifetimeClass::Aifi as usize].saturating_add(self.impacting_count())
    }

    /// Rows freed in the view.
    #[must_use]
    pub fn freed_inside(&self) -> u64 {
        self.counts[LifetimeClass::Aifi as usize].saturating_add(self.counts[LifetimeClass::Aofi as usize])
    }

    /// Smallest size in bytes; `None` without rows.
    #[must_use]
    pub fn min(&self) -> Option<u64> {
        (self.count() > 0).then_some(self.min_bytes)
    }

    /// Greatest size in bytes; `None` without rows.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        (self.count() > 0).then_some(self.max_bytes)
    }

    /// Rows whose allocation stack may be another's, or lacks a half.
    #[must_use]
    pub fn uncertain_stacks(&self) -> u64 {
        self.uncertain_stacks
    }

    /// The same of the stack of the free.
    #[must_use]
    pub fn uncertain_free_stacks(&self) -> u64 {
        self.uncertain_free_stacks
    }

    /// Sum and number of the lifetimes, in ticks, of rows whose allocation and free were both seen.
    #[must_use]
    pub fn lifetime_ticks(&self) -> (u64, u64) {
        (self.lifetime_sum_ticks, self.lifetime_rows)
    }

    /// The longest of those lifetimes in ticks; `None` if there are none.
    #[must_use]
    pub fn lifetime_max_ticks(&self) -> Option<u64> {
        (self.lifetime_rows > 0).then_some(self.lifetime_max_ticks)
    }
}

/// The same for rows of one life type, small enough for a line of a cache; a table has less than 2^32 rows.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct ClassCost {
    bytes: u64,
    /// The smallest size with all bits turned, so that nothing is 0.
    not_min_bytes: u64,
    max_bytes: u64,
    lifetime_sum_ticks: u64,
    lifetime_max_ticks: u64,
    rows: u32,
    lifetime_rows: u32,
    uncertain_stacks: u32,
    uncertain_free_stacks: u32,
}
const _: () = assert!(size_of::<ClassCost>() <= 64);

impl ClassCost {
    #[inline]
    pub(super) fn add_row(&mut self, row: CostRow) {
        let size_bytes = row.size_bytes;
        self.rows += 1;
        self.bytes = self.bytes.saturating_add(size_bytes);
        self.not_min_bytes = self.not_min_bytes.max(!size_bytes);
        self.max_bytes = self.max_bytes.max(size_bytes);
        self.uncertain_stacks += u32::from(row.has(flag::UNCERTAIN_ALLOCATION_STACK));
        self.uncertain_free_stacks += u32::from(row.has(flag::UNCERTAIN_FREE_STACK));
        if let Some(ticks) = row.lifetime_ticks() {
            self.lifetime_sum_ticks = self.lifetime_sum_ticks.saturating_add(ticks);
            self.lifetime_max_ticks = self.lifetime_max_ticks.max(ticks);
            self.lifetime_rows += 1;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.not_min_bytes = self.not_min_bytes.max(other.not_min_bytes);
        self.max_bytes = self.max_bytes.max(other.max_bytes);
        self.lifetime_sum_ticks = self.lifetime_sum_ticks.saturating_add(other.lifetime_sum_ticks);
        self.lifetime_max_ticks = self.lifetime_max_ticks.max(other.lifetime_max_ticks);
        self.lifetime_rows += other.lifetime_rows;
        self.uncertain_stacks += other.uncertain_stacks;
        self.uncertain_free_stacks += other.uncertain_free_stacks;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }
}
