//! Attribution of a suspect: the processes that made its outstanding allocations, the drivers of their responsible frames, and the
//! wrapper driver on its stack. All outstanding allocations of the suspect count, also those that the verdict is not based on.

pub(super) mod objects;

pub use objects::ProcessObjects;

use super::SuspectGrouping;
use super::limits::{MAX_LISTED_DRIVERS, MIN_RESPONSIBLE_SHARE};
use super::suspect::Suspect;
use super::units::{RowFigure, Units};
use crate::group::aggregate::Total;
use crate::group::column::KeySource;
use crate::group::column_values::{ColumnValues, UNKNOWN_ALLOCATOR};
use crate::group::frames::function_label;
use crate::group::key::Key;
use crate::group::parallel::{Cancel, Cancelled, until_cancelled};
use crate::group::responsible::reliable_name;
use crate::group::wrapper_rules::{FrameRole, RuleOrigin};
use crate::trace::Trace;
use crate::trace::ids::{FrameId, ProcessId, StackId};
use crate::trace::process::Process;
use crate::trace::time::TimeRange;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::hash::Hash;

/// Processes and drivers behind the outstanding allocations of a suspect.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Attribution {
    /// The process as `name (pid)`, or [`UNKNOWN_ALLOCATOR`], where suspects are processes.
    pub process: Option<String>,
    /// True if `process` names a process; false where it is [`UNKNOWN_ALLOCATOR`] or missing.
    pub is_process_known: bool,
    /// The allocating processes, those with the most bytes first. Their allocations add up to all that are outstanding.
    pub processes: Vec<ProcessShare>,
    /// The modules of the responsible frames, those with the most bytes first; at most [`MAX_LISTED_DRIVERS`].
    pub drivers: Vec<DriverShare>,
    /// The wrapper driver on the suspect's stack.
    pub wrapper_driver: Option<WrapperDriver>,
}

impl Attribution {
    /// The driver that is named as responsible: [`Self::largest_driver`], if its share is at least [`MIN_RESPONSIBLE_SHARE`].
    #[must_use]
    pub fn responsible_driver(&self) -> Option<&DriverShare> {
        self.largest_driver().filter(|driver| driver.share >= MIN_RESPONSIBLE_SHARE)
    }

    /// The driver with the largest share of the outstanding bytes, apart from the system.
    #[must_use]
    pub fn largest_driver(&self) -> Option<&DriverShare> {
        self.drivers.iter().find(|driver| !driver.is_system)
    }
}

/// A recorded process that made allocations.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AllocatingProcess {
    /// Image name.
    pub name: String,
    /// Process ID.
    pub pid: u32,
    /// The process runs at the end of the range.
    pub is_running: bool,
}

/// Outstanding allocations of one process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProcessShare {
    /// The process; `None` if the allocating process is unknown.
    pub process: Option<AllocatingProcess>,
    /// Allocations made in the range and outstanding at its end.
    pub allocations: Total,
}

impl ProcessShare {
    /// The image name, or [`UNKNOWN_ALLOCATOR`].
    #[must_use]
    pub fn name(&self) -> &str {
        self.process.as_ref().map_or(UNKNOWN_ALLOCATOR, |process| &process.name)
    }

    /// `name (pid)`, or [`UNKNOWN_ALLOCATOR`].
    #[must_use]
    pub fn label(&self) -> String {
        let process = self.process.as_ref();
        process.map_or_else(|| UNKNOWN_ALLOCATOR.to_owned(), |process| format!("{} ({})", process.name, process.pid))
    }
}

/// Outstanding allocations whose responsible frame is in one module.
#[derive(Clone, PartialEq, Debug)]
pub struct DriverShare {
    /// The module; empty for allocations without a kernel frame.
    pub driver: String,
    /// The allocations.
    pub allocations: Total,
    /// Share of all outstanding bytes of the suspect, 0 to 1.
    pub share: f64,
    /// The kernel, the HAL, Driver Verifier, or no module: never responsible.
    pub is_system: bool,
}

impl DriverShare {
    /// The share of a driver; `module` is its module, if it has one.
    fn new(names: &ColumnValues, (driver, module): (String, Option<&str>), allocations: Total, all_bytes: u64) -> Self {
        let role = module.map(|module| names.wrapper_rules().of_module(module).role());
        let is_system = matches!(role, None | Some(FrameRole::System | FrameRole::Tracing));
        let share = allocations.bytes as f64 / all_bytes.max(1) as f64;
        Self { driver, allocations, share, is_system }
    }
}

/// A wrapper driver nearer to the allocation than the responsible frame, and the wrapper rule that skipped it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrapperDriver {
    /// The module of the wrapper driver.
    pub module: String,
    /// The origin of the rule.
    pub rule: RuleOrigin,
    /// The responsible function that called the wrapper driver; `None` where no other driver is on the stack, so that the wrapper
    /// driver itself is responsible.
    pub responsible_function: Option<String>,
}

/// Sets [`Suspect::attribution`]. `units_of`: the units of each suspect.
///
/// # Errors
/// [`Cancelled`] if `cancel` returns `true`.
pub(super) fn add_attribution(
    suspects: &mut [Suspect],
    units_of: &[Vec<usize>],
    (names, units): (&ColumnValues, &Units),
    (range, grouping): (TimeRange, SuspectGrouping),
    cancel: Cancel<'_>,
) -> Result<(), Cancelled> {
    let trace = names.trace();
    let add = |(suspect, own_units): (&mut Suspect, &Vec<usize>)| {
        if cancel() {
            return Err(Cancelled);
        }
        let rows = || {
            let rows = own_units.iter().flat_map(|unit| units.unfreed_rows(*unit));
            until_cancelled(rows, cancel).filter(|(_, figure)| is_outstanding(figure, range)).map(|(row, _)| row)
        };
        let first_unit = own_units.first().filter(|_| grouping == SuspectGrouping::Process);
        suspect.attribution = Attribution {
            process: first_unit.map(|unit| process_label(trace, units.sample_row(*unit))),
            is_process_known: first_unit
                .is_some_and(|unit| trace.processes.get(allocating_process(trace, units.sample_row(*unit))).is_some()),
            processes: process_shares(trace, rows(), range),
            drivers: driver_shares(names, rows()),
            wrapper_driver: wrapper_driver(names, suspect.stack),
        };
        Ok(())
    };
    suspects.par_iter_mut().zip(units_of).try_for_each(add)
}

/// Returns `true` if a row was allocated in a range and is outstanding at its end.
fn is_outstanding(row: &RowFigure, range: TimeRange) -> bool {
    row.alloc >= range.from && row.alloc <= range.to && row.free > range.to
}

/// The process that allocated a row; [`ProcessId::NONE`] if it is unknown. The attributes of an allocation that was not recorded are
/// those of its free.
#[must_use]
pub(super) fn allocating_process(trace: &Trace, row: usize) -> ProcessId {
    let attributes = trace.allocations.alloc_attributes.get(row).and_then(|id| trace.attributes.get(*id));
    let attributes = attributes.filter(|_| trace.allocations.is_allocation_recorded(row));
    attributes.map_or(ProcessId::NONE, |attributes| attributes.process)
}

/// The allocating process of a row as `name (pid)`.
fn process_label(trace: &Trace, row: usize) -> String {
    let process = trace.processes.get(allocating_process(trace, row));
    process.map_or_else(|| UNKNOWN_ALLOCATOR.to_owned(), Process::label)
}

/// Totals by key, those with the most bytes first.
fn totals_by_bytes<K: Copy + Eq + Hash + Ord>(allocations: impl Iterator<Item = (K, u64)>) -> Vec<(K, Total)> {
    let mut totals: FxHashMap<K, Total> = FxHashMap::default();
    for (key, size) in allocations {
        totals.entry(key).or_default().add(size);
    }
    let mut totals: Vec<(K, Total)> = totals.into_iter().collect();
    totals.sort_unstable_by_key(|(key, total)| (Reverse(total.bytes), Reverse(total.count), *key));
    totals
}

fn process_shares(trace: &Trace, rows: impl Iterator<Item = usize>, range: TimeRange) -> Vec<ProcessShare> {
    let allocations = rows.map(|row| (allocating_process(trace, row), trace.allocations.size.at(row)));
    let share = |(id, allocations): (ProcessId, Total)| {
        let process = trace.processes.get(id).map(|process| AllocatingProcess {
            name: image_name(process),
            pid: process.pid,
            is_running: process.end > range.to,
        });
        ProcessShare { process, allocations }
    };
    totals_by_bytes(allocations).into_iter().map(share).collect()
}

/// The image name, or the replacement that the label of the process has for it.
fn image_name(process: &Process) -> String {
    let label = process.label();
    label.rsplit_once(" (").map_or_else(|| label.clone(), |(name, _)| name.to_owned())
}

fn driver_shares(names: &ColumnValues, rows: impl Iterator<Item = usize>) -> Vec<DriverShare> {
    let (column, table) = (names.column(Key::Driver), &names.trace().allocations);
    let KeySource::AllocStack(driver_of_stack) = &column.source else { return Vec::new() };
    let driver = |row: usize| {
        let stack = table.alloc_stack.get(row)?;
        driver_of_stack.get(stack.index()).copied()
    };
    let mut totals = totals_by_bytes(rows.map(|row| (driver(row).unwrap_or(0), table.size.at(row))));
    let all_bytes = totals.iter().fold(0, |sum: u64, (_, total)| sum.saturating_add(total.bytes));
    totals.truncate(MAX_LISTED_DRIVERS);
    let module = |driver: u32| {
        let stack = driver_of_stack.iter().position(|of_stack| *of_stack == driver)?;
        names.responsible_module(StackId(stack as u32))
    };
    let share = |(driver, total): (u32, Total)| {
        DriverShare::new(names, (column.text(driver).into_owned(), module(driver)), total, all_bytes)
    };
    totals.into_iter().map(share).collect()
}

/// The wrapper driver that the innermost kernel frames of a stack belong to.
fn wrapper_driver(names: &ColumnValues, stack: StackId) -> Option<WrapperDriver> {
    let (trace, rules) = (names.trace(), names.wrapper_rules());
    let responsible = names.responsible_frame(stack);
    if responsible == FrameId::NONE {
        return None;
    }
    let symbols = names.symbols();
    let module_of =
        |frame: FrameId| trace.stacks.frame_rows().get(frame.index()).and_then(|row| trace.modules.get(row.module));
    let mut at = stack;
    loop {
        let frame = trace.stacks.frame(at)?;
        if let Some(module) = module_of(frame).filter(|module| module.is_kernel) {
            let of_module = rules.of_module(&module.name);
            let function = symbols.and_then(|symbols| symbols.answer(frame)).and_then(reliable_name);
            let role = function.map_or_else(|| of_module.role(), |function| of_module.role_of(function));
            // A wrapper function in a driver's own module does not make it a wrapper driver.
            let is_wrapper = role == FrameRole::Wrapper && of_module.role() == FrameRole::Wrapper;
            if let Some(rule) = of_module.origin_of(function).filter(|_| is_wrapper) {
                let is_other_module = module_of(responsible).is_none_or(|other| other.name != module.name);
                let function = || function_label(trace, symbols.map(|symbols| &**symbols), responsible);
                let responsible_function = is_other_module.then(function);
                return Some(WrapperDriver { module: module.name.clone(), rule, responsible_function });
            }
        }
        if frame == responsible {
            return None;
        }
        at = trace.stacks.parent(at)?;
    }
}

#[cfg(test)]
mod tests;
