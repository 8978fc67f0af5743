//! The units that are judged: rows with the same tag, pool and function (or stack, where asked for). A tag is often used
//! by several functions of which one leaks, so units are smaller than what is shown.

use super::who::allocator;
use crate::column::key::Key;
use crate::column::names::Names;
use crate::column::parallel::{Cancel, Cancelled};
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
}

impl Units {
    /// The units of a trace. Where the wanted columns have too many combinations, stacks are left out.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] once `cancel` says so.
    pub fn new(names: &Names, wanted: &[Key], cancel: Cancel<'_>) -> Result<Self, Cancelled> {
        let by_process = wanted.contains(&Key::Process);
        let fewer: [&[Key]; 2] = if by_process {
            [&[Key::Tag, Key::Paged, Key::Process], &[Key::Paged, Key::Process]]
        } else {
            [&[Key::Tag, Key::Paged, Key::Function], &[Key::Tag, Key::Paged]]
        };
        for keys in [wanted, fewer[0], fewer[1]] {
            if let Some(combos) = names.combos(keys, cancel)? {
                let (rows, starts) = sorted(combos.of_row(), combos.samples().len());
                let units = Self { rows, starts, samples: combos.samples().to_vec() };
                return Ok(if by_process { units.by_allocator(names.trace()) } else { units });
            }
        }
        Ok(Self::default())
    }

    /// The same units, each cut into those of one allocator: two lives of a process number may have one name, and the process of
    /// an allocation that was not seen is not known, though its free names one.
    fn by_allocator(self, trace: &Trace) -> Self {
        let mut cut = Self { starts: vec![0], ..Self::default() };
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
