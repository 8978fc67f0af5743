//! The units that are judged: rows with the same tag, pool and function (or stack, where asked for). A tag is often used
//! by several functions of which one leaks, so units are smaller than what is shown.

use super::who::allocator;
use crate::group::key::Key;
use crate::group::names::Names;
use crate::group::parallel::{Cancel, Cancelled};
use crate::trace::Trace;
use crate::trace::ids::ProcessId;

/// Columns of the units where allocations are grouped by process.
pub const BY_PROCESS: &[Key] = &[Key::Tag, Key::Paged, Key::Function, Key::Process];

/// Rows by unit.
#[derive(Debug, Default)]
pub struct Units {
    /// Row numbers, those of one unit together, in the order of the table.
    rows: Vec<u32>,
    /// Where the rows of each unit begin, and where the last ones end.
    starts: Vec<u32>,
    /// A row of each unit.
    samples: Vec<u32>,
    /// The wanted columns that do not.
    left_out: Vec<Key>,
}

impl Units {
    /// The units of a trace. Where the wanted columns have more than [`MAX_COMBINATIONS`](crate::group::combos::MAX_COMBINATIONS)
    /// combinations, stacks are left out, then whatever else it takes: [`Self::left_out`] says what.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] once `cancel` says so.
    pub fn new(names: &Names, wanted: &[Key], cancel: Cancel<'_>) -> Result<Self, Cancelled> {
        let by_process = wanted.contains(&Key::Process);
        // The last one has few combinations at most, so that there is always an answer.
        let fewer: [&[Key]; 3] = if by_process {
            [&[Key::Tag, Key::Paged, Key::Process], &[Key::Paged, Key::Process], &[Key::Paged]]
        } else {
            [&[Key::Tag, Key::Paged, Key::Function], &[Key::Tag, Key::Paged], &[Key::Paged]]
        };
        for keys in std::iter::once(wanted).chain(fewer) {
            if let Some(combos) = names.combos(keys, cancel)? {
                let (rows, starts) = sorted(combos.of_row(), combos.samples().len());
                let left_out = wanted.iter().copied().filter(|key| !keys.contains(key)).collect();
                let samples = combos.samples().to_vec();
                let units = Self { rows, starts, samples, left_out };
                return Ok(if by_process { units.by_allocator(names.trace()) } else { units });
            }
        }
        Ok(Self::default())
    }

    /// The wanted columns that could not be told apart, since they have too many combinations with the others.
    #[must_use]
    pub fn left_out(&self) -> &[Key] {
        &self.left_out
    }

    /// The same units, each cut into those of one allocator: two lives of a process number may have one name, and the process of
    /// an allocation that was not seen is not known, though its free names one.
    fn by_allocator(self, trace: &Trace) -> Self {
        let mut cut = Self { starts: vec![0], left_out: self.left_out.clone(), ..Self::default() };
        for unit in 0..self.len() {
            let mut rows: Vec<(ProcessId, u32)> =
                self.rows(unit).iter().map(|row| (allocator(trace, *row as usize), *row)).collect();
            rows.sort_unstable();
            for part in rows.chunk_by(|a, b| a.0 == b.0) {
                cut.samples.extend(part.first().map(|(_, row)| *row));
                cut.rows.extend(part.iter().map(|(_, row)| *row));
                cut.starts.push(cut.rows.len() as u32);
            }
        }
        cut
    }

    /// Number of units.
    #[must_use]
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Rows of a unit.
    #[must_use]
    pub fn rows(&self, unit: usize) -> &[u32] {
        let bound = |at: usize| self.starts.get(at).map_or(0, |s| *s as usize);
        self.rows.get(bound(unit)..bound(unit + 1)).unwrap_or_default()
    }

    /// A row of the unit, for its texts.
    #[must_use]
    pub fn sample(&self, unit: usize) -> usize {
        self.samples.get(unit).map_or(0, |row| *row as usize)
    }
}

/// Row numbers by group, and where each group begins.
fn sorted(of_row: &[u32], groups: usize) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0u32; groups + 1];
    for group in of_row {
        if let Some(count) = starts.get_mut(*group as usize + 1) {
            *count += 1;
        }
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut next = starts.clone();
    let mut rows = vec![0u32; of_row.len()];
    for (row, group) in of_row.iter().enumerate() {
        let Some(place) = next.get_mut(*group as usize) else { continue };
        if let Some(slot) = rows.get_mut(*place as usize) {
            *slot = row as u32;
        }
        *place += 1;
    }
    (rows, starts)
}

#[cfg(test)]
mod tests {
    use super::super::evidence::lifetimes;
    use super::*;
    use crate::group::combos::MAX_COMBINATIONS;
    use crate::group::parallel::never;
    use crate::group::testkit::{Block, block, names};
    use crate::trace::allocation::flag;
    use crate::trace::time::{Ticks, View};

    const WANTED: [Key; 3] = [Key::Tag, Key::Paged, Key::Stack];

    /// Blocks with so many different callers of one function.
    fn called_from(count: usize) -> Vec<Block> {
        let stack = |n: usize| -> &'static [&'static str] {
            let caller: &'static str = Box::leak(format!("other:{:x}", n + 1).into_boxed_str());
            Box::leak(vec![caller, "my:30"].into_boxed_slice())
        };
        (0..count).map(|n| Block { stack: stack(n), ..block(Some(1), None, 8) }).collect()
    }

    #[test]
    fn what_cannot_be_told_apart_is_said() {
        let few = Units::new(&names(&called_from(50)), &WANTED, &never).unwrap();
        assert_eq!((few.len(), few.left_out()), (50, &[][..]));
        let names = names(&called_from(MAX_COMBINATIONS + 1));
        let many = Units::new(&names, &WANTED, &never).unwrap();
        assert_eq!((many.len(), many.left_out()), (1, &[Key::Stack][..]));
        assert_eq!(many.rows(0).len(), MAX_COMBINATIONS + 1);
    }

    #[test]
    fn implied_ends_give_no_lifetime_and_uncertain_stacks_do() {
        let with = |flags, free| Block { flags, ..block(Some(100), Some(free), 8) };
        let blocks = [
            with(0, 110),
            with(flag::IMPLIED_FREE, 900),
            with(flag::IMPLIED_ALLOCATION, 800),
            with(flag::UNCERTAIN_ALLOCATION_STACK | flag::UNCERTAIN_FREE_STACK, 130),
        ];
        let names = names(&blocks);
        let view = View { from: Ticks(0), to: Ticks(10_000) };
        assert_eq!(lifetimes(&names.trace().allocations, &[0, 1, 2, 3], &view), [30, 10]);
    }
}
