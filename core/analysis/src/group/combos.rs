//! The combinations of key columns that occur, as one number per row: what a cell costs to find is paid once, and every
//! later view adds up in a plain table. Only columns that no view changes; four bytes per row and set of columns, of
//! which only the latest are kept.

use super::cells::{Cells, OUTSIDE};
use super::key::Key;
use super::names::Names;
use super::parallel::{CHUNK_ROWS, Cancel, Cancelled};
use parking_lot::Mutex;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Most combinations of key columns that are numbered; a table of more would be larger than any cache. A pivot beyond it adds up
/// cell by cell and gives the same; what needs the numbers has to say what it leaves out.
pub const MAX_COMBINATIONS: usize = 1 << 17;
/// So many sets of columns are kept.
const KEPT: usize = 2;

/// The combinations that occur, in the order of their first rows.
#[derive(Debug)]
pub struct Combos {
    of_row: Vec<u32>,
    samples: Vec<u32>,
}

impl Combos {
    /// Numbers the combinations; `None` if they are too many.
    fn new(names: &Names, keys: &[Key], cancel: Cancel<'_>) -> Result<Option<Self>, Cancelled> {
        let table = &names.trace().allocations;
        let cells = Cells::new(names, keys);
        let mut of_row = vec![0u32; table.len()];
        let pieces = rayon::current_num_threads() * 4;
        let rows = table.len().div_ceil(pieces).max(CHUNK_ROWS);
        // Every piece numbers for itself first.
        let own = of_row.par_chunks_mut(rows).enumerate().map(|(piece, numbers)| {
            let mut number_of: FxHashMap<u64, u32> = FxHashMap::default();
            let mut found: Vec<(u64, u32)> = Vec::new();
            for (chunk, numbers) in numbers.chunks_mut(CHUNK_ROWS).enumerate() {
                if cancel() {
                    return Err(Cancelled);
                }
                if found.len() > MAX_COMBINATIONS {
                    break;
                }
                let first = piece * rows + chunk * CHUNK_ROWS;
                for (at, number) in numbers.iter_mut().enumerate() {
                    let row = first + at;
                    let cell = cells.cell(table, row, OUTSIDE);
                    *number = *number_of.entry(cell).or_insert_with(|| {
                        found.push((cell, row as u32));
                        found.len() as u32 - 1
                    });
                }
            }
            Ok(found)
        });
        let own: Vec<Vec<(u64, u32)>> = own.collect::<Result<_, Cancelled>>()?;
        let mut number_of: FxHashMap<u64, u32> = FxHashMap::default();
        let mut samples = Vec::new();
        let mut numbers = Vec::with_capacity(own.len());
        for found in own {
            let of_piece = found.into_iter().map(|(cell, row)| {
                *number_of.entry(cell).or_insert_with(|| {
                    samples.push(row);
                    samples.len() as u32 - 1
                })
            });
            numbers.push(of_piece.collect::<Vec<u32>>());
            if samples.len() > MAX_COMBINATIONS {
                return Ok(None);
            }
        }
        of_row.par_chunks_mut(rows).zip(&numbers).for_each(|(of_row, numbers)| {
            of_row.iter_mut().for_each(|number| *number = numbers.get(*number as usize).copied().unwrap_or(0));
        });
        Ok(Some(Self { of_row, samples }))
    }

    /// The combination of each row.
    #[must_use]
    pub fn of_row(&self) -> &[u32] {
        &self.of_row
    }

    /// For each combination, a row that has it.
    #[must_use]
    pub fn samples(&self) -> &[u32] {
        &self.samples
    }
}

/// A set of columns, and its combinations unless they are too many.
type Known = (Vec<Key>, Option<Arc<Combos>>);

/// The combinations of the latest sets of columns, the latest first.
#[derive(Default)]
pub(super) struct KeptCombos(Mutex<Vec<Known>>);

impl KeptCombos {
    /// Those of these columns, of which the ones that the view decides about are left out.
    pub(super) fn get(
        &self,
        names: &Names,
        keys: &[Key],
        cancel: Cancel<'_>,
    ) -> Result<Option<Arc<Combos>>, Cancelled> {
        if keys.iter().any(|key| matches!(key, Key::Address | Key::AllocTime | Key::FreeTime | Key::Lifetime)) {
            return Ok(None);
        }
        let mut wanted: Vec<Key> = keys.iter().copied().filter(|key| !key.depends_on_view()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        if let Some(known) = self.known(&wanted) {
            return Ok(known);
        }
        let combos = Combos::new(names, &wanted, cancel)?.map(Arc::new);
        let mut kept = self.0.lock();
        kept.retain(|known| known.0 != wanted);
        kept.insert(0, (wanted, combos.clone()));
        kept.truncate(KEPT);
        Ok(combos)
    }

    fn known(&self, wanted: &[Key]) -> Option<Option<Arc<Combos>>> {
        let mut kept = self.0.lock();
        let at = kept.iter().position(|known| known.0 == wanted)?;
        kept.get_mut(..=at)?.rotate_right(1);
        kept.first().map(|known| known.1.clone())
    }

    /// The same without those that one of these columns has part in.
    pub(super) fn without(&self, keys: &[Key]) -> Self {
        let is_left = |known: &&Known| !known.0.iter().any(|key| keys.contains(key));
        Self(Mutex::new(self.0.lock().iter().filter(is_left).cloned().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::parallel::never;
    use crate::group::testkit::{names, random_blocks};

    #[test]
    fn rows_have_one_number_if_and_only_if_they_have_one_cell() {
        let names = names(&random_blocks(5, 400));
        let table = &names.trace().allocations;
        for keys in [&[Key::Type, Key::Stack, Key::Tag][..], &[Key::Process, Key::SizeClass], &[Key::Type], &[]] {
            let combos = names.combos(keys, &never).unwrap().unwrap();
            let cells = Cells::new(&names, keys);
            let cell = |row: usize| cells.cell(table, row, 1);
            for row in 0..table.len() {
                let number = combos.of_row()[row];
                let sample = combos.samples()[number as usize] as usize;
                assert_eq!((cell(row), sample <= row), (cell(sample), true), "{keys:?}");
                assert!((0..sample).all(|other| cell(other) != cell(sample)));
            }
            assert!(combos.samples().is_sorted());
        }
        assert!(names.combos(&[Key::Tag, Key::Address], &never).unwrap().is_none());
    }

    #[test]
    fn the_latest_are_kept_and_found_in_any_order_of_columns() {
        let names = names(&random_blocks(6, 50));
        let of = |names: &Names, keys: &[Key]| names.combos(keys, &never).unwrap().unwrap();
        let tag = of(&names, &[Key::Tag, Key::Process]);
        assert!(Arc::ptr_eq(&tag, &of(&names, &[Key::Process, Key::Type, Key::Tag])));
        let generation = of(&names, &[Key::Generation]);
        let marked = names.with_marks(&[]);
        assert!(Arc::ptr_eq(&tag, &of(&marked, &[Key::Tag, Key::Process])));
        assert!(!Arc::ptr_eq(&generation, &of(&marked, &[Key::Generation])));
        of(&names, &[Key::Cpu]);
        assert!(Arc::ptr_eq(&generation, &of(&names, &[Key::Generation])));
        assert!(!Arc::ptr_eq(&tag, &of(&names, &[Key::Tag, Key::Process])));
    }

    #[test]
    fn cancelling_keeps_nothing() {
        let names = names(&random_blocks(7, 50));
        assert!(names.combos(&[Key::Tag], &|| true).is_err());
        assert!(names.combos(&[Key::Tag], &never).unwrap().is_some());
    }
}
