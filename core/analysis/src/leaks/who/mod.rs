//! Who is behind a suspect: the processes that made its outstanding allocations, the drivers that their responsible frames lie
//! in, and what is known of the objects that they hold. Figures over all outstanding allocations of the suspect, not over the
//! part that the verdict rests on. It changes no verdict.

pub mod drivers;
pub mod objects;

pub use drivers::{DriverShare, PassThrough};
pub use objects::ProcessObjects;

use super::By;
use super::evidence::Blocks;
use super::judged::Suspect;
use super::limits::{MOST_DRIVERS, NAMED_DRIVER_SHARE};
use super::units::Units;
use crate::group::key::Key;
use crate::group::names::Names;
use crate::group::parallel::{Cancel, Cancelled};
use crate::group::values::Source;
use crate::trace::Trace;
use crate::trace::ids::ProcessId;
use crate::trace::process::Process;
use crate::trace::time::View;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::cmp::Reverse;

/// What stands in place of a process where nothing says who allocated.
pub const UNKNOWN_ALLOCATOR: &str = "(unknown allocator)";

/// Outstanding allocations that one process made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProcessShare {
    /// Image name, or [`UNKNOWN_ALLOCATOR`].
    pub name: String,
    /// Process number; `None` where nothing says who allocated.
    pub pid: Option<u32>,
    /// Allocations made in the view and outstanding at its end.
    pub blocks: Blocks,
    /// Whether it runs at the end of the view; `None` where nothing says who allocated.
    pub running: Option<bool>,
}

impl ProcessShare {
    /// `name (pid)`.
    #[must_use]
    pub fn label(&self) -> String {
        self.pid.map_or_else(|| self.name.clone(), |pid| format!("{} ({pid})", self.name))
    }
}

/// Who is behind a suspect.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Who {
    /// The process whose allocations the suspect is, as shown, where they are grouped by process.
    pub process: Option<String>,
    /// The processes that made its outstanding allocations, those with the most bytes first. They add up to all of them.
    pub processes: Vec<ProcessShare>,
    /// The modules of its responsible frames, those with the most bytes first; the smallest are left out.
    pub drivers: Vec<DriverShare>,
    /// The pass-through driver on the stack that most of it comes from.
    pub passed_through: Option<PassThrough>,
}

impl Who {
    /// The driver that can be named as responsible: the one with the largest share of the outstanding bytes that is not the
    /// system, if that share is large enough ([`NAMED_DRIVER_SHARE`]).
    #[must_use]
    pub fn responsible_driver(&self) -> Option<&DriverShare> {
        self.largest_driver().filter(|driver| driver.share >= NAMED_DRIVER_SHARE)
    }

    /// The driver with the largest share of the outstanding bytes that is not the system, however small.
    #[must_use]
    pub fn largest_driver(&self) -> Option<&DriverShare> {
        self.drivers.iter().find(|driver| !driver.is_system)
    }
}

/// Says of each suspect who is behind it; `members` are the units of each.
///
/// # Errors
///
/// [`Cancelled`] once `cancel` says so.
pub(super) fn add(
    suspects: &mut [Suspect],
    members: &[Vec<usize>],
    (names, units): (&Names, &Units),
    (view, by): (View, By),
    cancel: Cancel<'_>,
) -> Result<(), Cancelled> {
    let drivers = names.column(Key::Driver);
    let find = |(suspect, units_of): (&mut Suspect, &Vec<usize>)| {
        if cancel() {
            return Err(Cancelled);
        }
        let trace = names.trace();
        let rows = || {
            let rows = units_of.iter().flat_map(|unit| units.rows(*unit)).map(|row| *row as usize);
            rows.filter(|row| is_outstanding(trace, *row, view))
        };
        suspect.who = Who {
            process: (by == By::Process)
                .then(|| units_of.first().map(|unit| subject(trace, units.sample(*unit))))
                .flatten(),
            processes: processes(trace, rows(), view),
            drivers: match &drivers.source {
                Source::AllocStack(ids) => {
                    let id =
                        |row: usize| trace.allocations.alloc_stack.get(row).and_then(|s| ids.get(s.index())).copied();
                    let text = |id: u32| drivers.text(id).into_owned();
                    driver_shares(names, rows().map(|row| (id(row).unwrap_or(0), trace.allocations.size[row])), text)
                }
                _ => Vec::new(),
            },
            passed_through: drivers::passed_through(names, suspect.stack),
        };
        Ok(())
    };
    suspects.par_iter_mut().zip(members).try_for_each(find)
}

/// Whether a row was allocated in a view and is outstanding at its end.
pub(super) fn is_outstanding(trace: &Trace, row: usize, view: View) -> bool {
    let (alloc, free) = (trace.allocations.alloc_time[row], trace.allocations.free_time[row]);
    alloc >= view.from && alloc <= view.to && free > view.to
}

/// The process that allocated a row; [`ProcessId::NONE`] where nothing says so. The context of an allocation that was not seen
/// is that of its free.
#[must_use]
pub fn allocator(trace: &Trace, row: usize) -> ProcessId {
    let context = trace.allocations.alloc_context.get(row).and_then(|id| trace.contexts.get(*id));
    let process = context.filter(|_| trace.allocations.is_allocation_seen(row)).map(|context| context.process);
    process.unwrap_or(ProcessId::NONE)
}

/// The process of a row as shown.
fn subject(trace: &Trace, row: usize) -> String {
    let process = trace.processes.get(allocator(trace, row));
    process.map_or_else(|| UNKNOWN_ALLOCATOR.to_owned(), Process::label)
}

fn processes(trace: &Trace, rows: impl Iterator<Item = usize>, view: View) -> Vec<ProcessShare> {
    let mut found: FxHashMap<ProcessId, Blocks> = FxHashMap::default();
    for row in rows {
        found.entry(allocator(trace, row)).or_default().add(trace.allocations.size[row]);
    }
    let mut found: Vec<(ProcessId, Blocks)> = found.into_iter().collect();
    found.sort_unstable_by_key(|(process, blocks)| (Reverse(blocks.bytes), Reverse(blocks.count), *process));
    let share = |(id, blocks): (ProcessId, Blocks)| match trace.processes.get(id) {
        Some(process) => ProcessShare {
            name: image_name(process),
            pid: Some(process.pid),
            blocks,
            running: Some(process.end > view.to),
        },
        None => ProcessShare { name: UNKNOWN_ALLOCATOR.to_owned(), pid: None, blocks, running: None },
    };
    found.into_iter().map(share).collect()
}

/// The image name; where none is recorded, what a process of that number is called.
fn image_name(process: &Process) -> String {
    let label = process.label();
    label.rsplit_once(" (").map_or_else(|| label.clone(), |(name, _)| name.to_owned())
}

/// Shares of the drivers: `rows` are numbers of drivers and sizes.
fn driver_shares(
    names: &Names,
    rows: impl Iterator<Item = (u32, u64)>,
    text: impl Fn(u32) -> String,
) -> Vec<DriverShare> {
    let mut found: FxHashMap<u32, Blocks> = FxHashMap::default();
    let mut all = Blocks::default();
    for (driver, size) in rows {
        found.entry(driver).or_default().add(size);
        all.add(size);
    }
    let mut found: Vec<(u32, Blocks)> = found.into_iter().collect();
    found.sort_unstable_by_key(|(driver, blocks)| (Reverse(blocks.bytes), Reverse(blocks.count), *driver));
    found.truncate(MOST_DRIVERS);
    found.into_iter().map(|(driver, blocks)| DriverShare::new(names, text(driver), blocks, all.bytes)).collect()
}

#[cfg(test)]
mod tests;
