//! Attribution of a suspect: the processes that made its outstanding allocations, the drivers of their responsible frames, and the
//! wrapper driver on its stack. All outstanding allocations of the suspect count, also those that the verdict is not based on.

pub(super) mod objects;

pub use objects::ProcessObjects;

use super::SuspectGrouping;
use super::limits::{MAX_LISTED_DRIVERS, MIN_RESPONSIBLE_SHARE};
use super::suspect::Suspect;
use super::units::{RowFigure, Units};
use crate::group::aggregate::Total;
use crate::group::column::{KeyColumn, KeySource};
use crate::group::column_values::{ColumnValues, UNKNOWN_ALLOCATOR};
use crate::group::frames::function_label;
use crate::group::key::Key;
use crate::group::parallel::{Cancel, Cancelled, until_cancelled};
use crate::group::responsible::reliable_name;
use crate::group::wrapper_rules::{FrameRole, ModuleRules, RuleOrigin};
use crate::trace::Trace;
use crate::trace::ids::{FrameId, ModuleId, ProcessId, StackId};
use crate::trace::process::Process;
use crate::trace::time::TimeRange;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::hash::Hash;
use std::sync::Arc;

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
    let (drivers, rules) = (Drivers::new(names), KernelModuleRules::new(names));
    let add = |(suspect, own_units): (&mut Suspect, &Vec<usize>)| {
        if cancel() {
            return Err(Cancelled);
        }
        let rows = own_units.iter().flat_map(|unit| units.unfreed_rows(*unit));
        let rows = until_cancelled(rows, cancel).filter(|figure| is_outstanding(figure, range));
        let (mut by_process, mut by_driver) = (TotalsByKey::default(), TotalsByKey::default());
        for figure in rows {
            by_process.add(figure.allocating_process(trace), figure.size);
            by_driver.add(drivers.of_row(trace, figure.row), figure.size);
        }
        let first_unit = own_units.first().filter(|_| grouping == SuspectGrouping::Process);
        suspect.attribution = Attribution {
            process: first_unit.map(|unit| process_label(trace, units.sample_row(*unit))),
            is_process_known: first_unit
                .is_some_and(|unit| trace.processes.get(allocating_process(trace, units.sample_row(*unit))).is_some()),
            processes: process_shares(trace, by_process, range),
            drivers: drivers.shares(by_driver),
            wrapper_driver: wrapper_driver(names, &rules, suspect.stack),
        };
        Ok(())
    };
    suspects.par_iter_mut().zip(units_of).try_for_each(add)
}

/// Returns `true` if a row was allocated in a range and is outstanding at its end.
fn is_outstanding(row: &RowFigure, range: TimeRange) -> bool {
    row.alloc >= range.from && row.alloc <= range.to && row.free > range.to
}

/// The process that allocated a row: see [`RowFigure::allocating_process`].
#[must_use]
pub(super) fn allocating_process(trace: &Trace, row: usize) -> ProcessId {
    let is_row = row < trace.allocations.len();
    if is_row { RowFigure::of(&trace.allocations, row).allocating_process(trace) } else { ProcessId::NONE }
}

/// The allocating process of a row as `name (pid)`.
fn process_label(trace: &Trace, row: usize) -> String {
    let process = trace.processes.get(allocating_process(trace, row));
    process.map_or_else(|| UNKNOWN_ALLOCATOR.to_owned(), Process::label)
}

/// Totals by key.
struct TotalsByKey<K> {
    /// The totals without [`Self::run`].
    totals: FxHashMap<K, Total>,
    /// The latest allocations, which have one key: neighbors mostly do.
    run: Option<(K, Total)>,
}

impl<K> Default for TotalsByKey<K> {
    fn default() -> Self {
        Self { totals: FxHashMap::default(), run: None }
    }
}

impl<K: Copy + Eq + Hash + Ord> TotalsByKey<K> {
    /// Adds an allocation.
    fn add(&mut self, key: K, size: u64) {
        match &mut self.run {
            Some((of_run, total)) if *of_run == key => total.add(size),
            _ => {
                self.end_run();
                self.run = Some((key, Total { count: 1, bytes: size }));
            }
        }
    }

    fn end_run(&mut self) {
        if let Some((key, total)) = self.run.take() {
            self.totals.entry(key).or_default().merge(total);
        }
    }

    /// The totals, those with the most bytes first.
    fn by_bytes(mut self) -> Vec<(K, Total)> {
        self.end_run();
        let mut totals: Vec<(K, Total)> = self.totals.into_iter().collect();
        totals.sort_unstable_by_key(|(key, total)| (Reverse(total.bytes), Reverse(total.count), *key));
        totals
    }
}

fn process_shares(trace: &Trace, by_process: TotalsByKey<ProcessId>, range: TimeRange) -> Vec<ProcessShare> {
    let share = |(id, allocations): (ProcessId, Total)| {
        let process = trace.processes.get(id).map(|process| AllocatingProcess {
            name: image_name(process),
            pid: process.pid,
            is_running: process.end > range.to,
        });
        ProcessShare { process, allocations }
    };
    by_process.by_bytes().into_iter().map(share).collect()
}

/// The image name, or the replacement that the label of the process has for it.
fn image_name(process: &Process) -> String {
    let label = process.label();
    label.rsplit_once(" (").map_or_else(|| label.clone(), |(name, _)| name.to_owned())
}

/// The values of the Driver column, with what a share of each says about its driver.
struct Drivers {
    column: Arc<KeyColumn>,
    /// [`DriverShare::is_system`] of each driver.
    is_system: Vec<bool>,
}

impl Drivers {
    fn new(names: &ColumnValues) -> Self {
        let column = names.column(Key::Driver);
        let mut is_system = vec![true; column.count() as usize];
        let mut is_known = vec![false; is_system.len()];
        // The first stack of each driver tells its module.
        for (driver, stack) in Self::of_stacks(&column).iter().zip(0..) {
            let driver = *driver as usize;
            let (Some(is_known), Some(is_system)) = (is_known.get_mut(driver), is_system.get_mut(driver)) else {
                continue;
            };
            if !std::mem::replace(is_known, true) {
                let module = names.responsible_module(StackId(stack));
                let role = module.map(|module| names.wrapper_rules().of_module(module).role());
                *is_system = matches!(role, None | Some(FrameRole::System | FrameRole::Tracing));
            }
        }
        Self { column, is_system }
    }

    /// The driver of each stack.
    fn of_stacks(column: &KeyColumn) -> &[u32] {
        if let KeySource::AllocStack(of_stacks) = &column.source { of_stacks } else { &[] }
    }

    /// The driver of the responsible frame of a row.
    fn of_row(&self, trace: &Trace, row: usize) -> u32 {
        let stack = trace.allocations.alloc_stack.get(row);
        let driver = stack.and_then(|stack| Self::of_stacks(&self.column).get(stack.index()));
        driver.copied().unwrap_or(0)
    }

    /// The shares of the drivers with the most bytes.
    fn shares(&self, by_driver: TotalsByKey<u32>) -> Vec<DriverShare> {
        let mut totals = by_driver.by_bytes();
        let all_bytes = totals.iter().fold(0, |sum: u64, (_, total)| sum.saturating_add(total.bytes));
        totals.truncate(MAX_LISTED_DRIVERS);
        let share = |(driver, allocations): (u32, Total)| DriverShare {
            driver: self.column.text(driver).into_owned(),
            allocations,
            share: allocations.bytes as f64 / all_bytes.max(1) as f64,
            is_system: self.is_system.get(driver as usize).copied().unwrap_or(true),
        };
        totals.into_iter().map(share).collect()
    }
}

/// The wrapper rules that apply to each module, by its position; `None` for user-mode modules.
struct KernelModuleRules<'r>(Vec<Option<ModuleRules<'r>>>);

impl<'r> KernelModuleRules<'r> {
    fn new(names: &'r ColumnValues) -> Self {
        let modules = names.trace().modules.modules().iter();
        let rules = names.wrapper_rules();
        Self(modules.map(|module| module.is_kernel.then(|| rules.of_module(&module.name))).collect())
    }

    fn of_module(&self, module: ModuleId) -> Option<&ModuleRules<'r>> {
        self.0.get(module.index())?.as_ref()
    }
}

/// The wrapper driver that the innermost kernel frames of a stack belong to.
fn wrapper_driver(names: &ColumnValues, rules: &KernelModuleRules<'_>, stack: StackId) -> Option<WrapperDriver> {
    let trace = names.trace();
    let responsible = names.responsible_frame(stack);
    if responsible == FrameId::NONE {
        return None;
    }
    let symbols = names.symbols();
    let module_of = |frame: FrameId| {
        let module = trace.stacks.frame_rows().get(frame.index())?.module;
        Some((trace.modules.get(module)?, module))
    };
    let mut at = stack;
    loop {
        let frame = trace.stacks.frame(at)?;
        if let Some((module, of_module)) =
            module_of(frame).and_then(|(module, id)| Some((module, rules.of_module(id)?)))
        {
            let function = symbols.and_then(|symbols| symbols.answer(frame)).and_then(reliable_name);
            let role = function.map_or_else(|| of_module.role(), |function| of_module.role_of(function));
            // A wrapper function in a driver's own module does not make it a wrapper driver.
            let is_wrapper = role == FrameRole::Wrapper && of_module.role() == FrameRole::Wrapper;
            if let Some(rule) = of_module.origin_of(function).filter(|_| is_wrapper) {
                let is_other_module = module_of(responsible).is_none_or(|(other, _)| other.name != module.name);
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
