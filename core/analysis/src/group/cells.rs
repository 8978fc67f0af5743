//! Several key columns as one number per row, its cell: a look-up and an add for every place that a row's values come
//! from (its context, its stacks, how it stands to the view), not one per column. It must never cost memory per row
//! for columns that are the same for all rows of a context or a stack.

use super::key::Key;
use super::names::Names;
use super::rank::{rank_rows, rank_tuples};
use super::size_class;
use super::values::{KeyColumn, Source};
use crate::trace::allocation::AllocationTable;
use crate::trace::time::{LifetimeClass, TimeRange};
use std::sync::Arc;

/// Position in tables by life type of rows that are not in the view.
pub const OUTSIDE: usize = 4;

/// Position of a life type in tables by life type.
#[inline]
#[must_use]
pub fn class_of(view: TimeRange, table: &AllocationTable, row: usize) -> usize {
    let life = view.classify(table.alloc_time[row], table.free_time[row]);
    life.map_or(OUTSIDE, |l: LifetimeClass| l as usize)
}

/// The columns whose numbers come from one place, as one number.
#[derive(Debug)]
struct Axis {
    /// Number by handle of that place.
    ids: Vec<u32>,
    /// What this axis's number is multiplied with in the cell.
    stride: u64,
    /// How many numbers.
    count: u64,
    /// Which columns, and their numbers for each of this axis's numbers.
    members: Vec<usize>,
    tuples: Vec<u32>,
}

impl Axis {
    #[inline]
    fn part(&self, index: usize) -> u64 {
        u64::from(self.ids.get(index).copied().unwrap_or(0)) * self.stride
    }
}

/// The columns of a grouping.
#[derive(Debug)]
pub struct Cells {
    columns: Vec<Arc<KeyColumn>>,
    life: Option<Axis>,
    context: Option<Axis>,
    alloc_stack: Option<Axis>,
    free_stack: Option<Axis>,
    size_class: Option<Axis>,
    rows: Option<Axis>,
    count: u64,
}

impl Cells {
    /// Prepares a grouping.
    #[must_use]
    pub fn new(names: &Names, keys: &[Key]) -> Self {
        let columns: Vec<Arc<KeyColumn>> = keys.iter().map(|k| names.column(*k)).collect();
        let mut cells = Self {
            life: axis(&columns, |s| match s {
                Source::LifeType(ids) => Some(ids.as_slice()),
                _ => None,
            }),
            context: axis(&columns, |s| match s {
                Source::Context(ids) => Some(ids.as_slice()),
                _ => None,
            }),
            alloc_stack: axis(&columns, |s| match s {
                Source::AllocStack(ids) => Some(ids.as_slice()),
                _ => None,
            }),
            free_stack: axis(&columns, |s| match s {
                Source::FreeStack(ids) => Some(ids.as_slice()),
                _ => None,
            }),
            size_class: axis(&columns, |s| match s {
                Source::SizeClass => Some(SIZE_CLASSES.as_slice()),
                _ => None,
            }),
            rows: axis(&columns, |s| match s {
                Source::Rows(ids) => Some(ids.as_slice()),
                _ => None,
            }),
            columns,
            count: 1,
        };
        if !cells.lay_out() {
            cells.fold_stacks_into_rows(&names.trace().allocations);
        }
        cells
    }

    /// Gives every axis its stride; `false` if the product of their counts does not fit.
    fn lay_out(&mut self) -> bool {
        let mut count = Some(1u64);
        for axis in self.axes_mut() {
            axis.stride = count.unwrap_or(0);
            count = count.and_then(|c| c.checked_mul(axis.count));
        }
        self.count = count.unwrap_or(u64::MAX);
        count.is_some()
    }

    /// Where contexts, two kinds of stacks and per-row values together are too many for one number, the combinations
    /// that occur are few enough: at most one per row.
    fn fold_stacks_into_rows(&mut self, table: &AllocationTable) {
        for take_free in [true, false] {
            let (taken, handle): (_, fn(&AllocationTable, usize) -> usize) = if take_free {
                (self.free_stack.take(), |t, r| t.free_stack[r].index())
            } else {
                (self.alloc_stack.take(), |t, r| t.alloc_stack[r].index())
            };
            let Some(stack) = taken else { continue };
            let old = self.rows.take();
            let old_id = |row: usize| old.as_ref().and_then(|o| o.ids.get(row)).copied();
            let stack_id = |row| stack.ids.get(handle(table, row)).copied().unwrap_or(0);
            let pair = |row| u64::from(old_id(row).unwrap_or(0)) << 32 | u64::from(stack_id(row));
            let (pairs, ids) = rank_rows(table.len(), pair);
            let mut members = old.as_ref().map_or_else(Vec::new, |o| o.members.clone());
            members.extend(&stack.members);
            let mut tuples = Vec::with_capacity(pairs.len() * members.len());
            for pair in &pairs {
                if let Some(old) = &old {
                    tuples.extend_from_slice(old.tuple(pair >> 32));
                }
                tuples.extend_from_slice(stack.tuple(pair & u64::from(u32::MAX)));
            }
            let count = pairs.len().max(1) as u64;
            self.rows = Some(Axis { ids, stride: 0, count, members, tuples });
        }
        // Contexts, life types, size classes and rows number less than 2^63 together in any trace that fits in memory.
        self.lay_out();
    }

    fn axes_mut(&mut self) -> impl Iterator<Item = &mut Axis> {
        [
            &mut self.life,
            &mut self.size_class,
            &mut self.context,
            &mut self.alloc_stack,
            &mut self.free_stack,
            &mut self.rows,
        ]
        .into_iter()
        .flatten()
    }

    fn axes(&self) -> impl Iterator<Item = &Axis> {
        [&self.life, &self.size_class, &self.context, &self.alloc_stack, &self.free_stack, &self.rows]
            .into_iter()
            .flatten()
    }

    /// How many cells there could be.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The columns, in the order given.
    #[must_use]
    pub fn columns(&self) -> &[Arc<KeyColumn>] {
        &self.columns
    }

    /// The cell of a row that stands to the view as `class` ([`class_of`]).
    #[inline]
    #[must_use]
    pub fn cell(&self, table: &AllocationTable, row: usize, class: usize) -> u64 {
        let mut cell = 0;
        if let Some(axis) = &self.life {
            cell += axis.part(class);
        }
        if let Some(axis) = &self.size_class {
            cell += axis.part(size_class::class_of(table.size[row]) as usize);
        }
        if let Some(axis) = &self.context {
            cell += axis.part(table.alloc_attributes[row].index());
        }
        if let Some(axis) = &self.alloc_stack {
            cell += axis.part(table.alloc_stack[row].index());
        }
        if let Some(axis) = &self.free_stack {
            cell += axis.part(table.free_stack[row].index());
        }
        if let Some(axis) = &self.rows {
            cell += axis.part(row);
        }
        cell
    }

    /// The cell of all rows of a context, where nothing else decides; `None` where something does.
    #[must_use]
    pub fn of_context(&self, context: usize) -> Option<u64> {
        let others = [&self.life, &self.size_class, &self.alloc_stack, &self.free_stack, &self.rows];
        let alone = others.iter().all(|axis| axis.is_none());
        alone.then(|| self.context.as_ref().map_or(0, |axis| axis.part(context)))
    }

    /// Writes the columns' numbers in a cell; `ids` has one place per column.
    pub fn split(&self, cell: u64, ids: &mut [u32]) {
        for axis in self.axes() {
            let id = (cell / axis.stride.max(1)) % axis.count.max(1);
            for (member, value) in axis.members.iter().zip(axis.tuple(id)) {
                if let Some(place) = ids.get_mut(*member) {
                    *place = *value;
                }
            }
        }
    }
}

impl Axis {
    fn tuple(&self, id: u64) -> &[u32] {
        let width = self.members.len();
        let from = id as usize * width;
        self.tuples.get(from..from + width).unwrap_or(&[])
    }
}

const SIZE_CLASSES: [u32; size_class::COUNT as usize] = {
    let mut ids = [0; size_class::COUNT as usize];
    let mut class = 0;
    while class < size_class::COUNT {
        ids[class as usize] = class;
        class += 1;
    }
    ids
};

/// The axis of the columns that `pick` takes.
fn axis<'c>(columns: &'c [Arc<KeyColumn>], pick: impl Fn(&'c Source) -> Option<&'c [u32]>) -> Option<Axis> {
    let picked = columns.iter().enumerate();
    let (members, tables): (Vec<usize>, Vec<&[u32]>) =
        picked.filter_map(|(at, column)| pick(&column.source).map(|ids| (at, ids))).unzip();
    if members.is_empty() {
        return None;
    }
    let (tuples, ids) = match (members.as_slice(), tables.as_slice()) {
        // One column's numbers need no new ones; stacks are many.
        ([member], [table]) => ((0..columns[*member].count()).collect(), table.to_vec()),
        _ => rank_tuples(&tables),
    };
    let count = (tuples.len() / members.len()).max(1) as u64;
    Some(Axis { ids, stride: 1, count, members, tuples })
}
