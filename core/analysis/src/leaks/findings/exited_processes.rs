//! Outstanding allocations of processes that have exited: what a driver allocates for a process should be freed when the process
//! exits. Only allocations in a call of the program count, because interrupts and system workers run in any process. Kernel objects do
//! not count, because a handle of another process may keep them.

use super::{DetectorInput, Finding, SuspectUnits};
use crate::group::aggregate::Total;
use crate::leaks::limits::{EXCEPTION_SHARE, MAX_LISTED, MIN_OUTSTANDING};
use crate::trace::ids::ProcessId;
use crate::trace::process::Process;
use rustc_hash::FxHashMap;
use std::cmp::Reverse;

/// Process ID of the System process, whose threads do work of drivers that no program called for.
const SYSTEM_PID: u32 = 4;

/// Finds outstanding allocations whose process ended in the range after it had made them.
pub fn find(input: &DetectorInput<'_>, suspect: &SuspectUnits<'_>) -> Option<Finding> {
    let (trace, table) = (input.trace, &input.trace.allocations);
    if !input.has_process_ended.contains(&true) || suspect.object_tag().is_some() {
        return None;
    }
    let mut by_process: FxHashMap<ProcessId, Total> = FxHashMap::default();
    let mut allocations = Total::default();
    for figure in input.outstanding_rows(suspect.units) {
        let id = table.alloc_attributes[figure.row];
        if !input.has_process_ended.get(id.index()).copied().unwrap_or(false) {
            continue;
        }
        let Some(process_id) = trace.attributes.get(id).map(|attributes| attributes.process) else { continue };
        let is_user = |process: &Process| process.pid != SYSTEM_PID && process.pid != 0;
        let process = trace.processes.get(process_id);
        if process.is_some_and(|process| is_user(process) && figure.alloc <= process.end)
            && table.is_allocation_recorded(figure.row)
            && input.stack_marks.is_called_by_program(table.alloc_stack[figure.row])
        {
            by_process.entry(process_id).or_default().add(figure.size);
            allocations.add(figure.size);
        }
    }
    let outstanding = suspect.suspect.evidence.outstanding.count as f64;
    if allocations.count < MIN_OUTSTANDING || (allocations.count as f64) < EXCEPTION_SHARE * outstanding {
        return None;
    }
    let mut by_process: Vec<(ProcessId, Total)> = by_process.into_iter().collect();
    by_process.sort_unstable_by_key(|(process, total)| (Reverse(total.bytes), Reverse(total.count), *process));
    by_process.truncate(MAX_LISTED);
    let label = |id: ProcessId| trace.processes.get(id).map_or_else(String::new, Process::label);
    let processes = by_process.into_iter().map(|(process, total)| (label(process), total)).collect();
    Some(Finding::ExitedProcesses { allocations, processes })
}

#[cfg(test)]
mod tests {
    use super::super::test_util::{PATH, analyzed, blocks, findings_of_tag};
    use super::*;
    use crate::group::column_values::ColumnValues;
    use crate::group::frames::FrameNaming;
    use crate::group::parallel::not_cancelled;
    use crate::group::test_util::Block;
    use crate::group::test_util::{FakeNames, trace};
    use crate::leaks::SuspectGrouping;
    use crate::leaks::{AnalysisRequest, Reason, WarmUp, analyze};
    use crate::trace::Trace;
    use crate::trace::process::ProcessTable;
    use crate::trace::time::Ticks;

    fn exited(blocks: &[Block], ends: [i64; 4]) -> Option<Finding> {
        let change = |trace: &mut Trace| {
            let mut rows: Vec<Process> = trace.processes.rows().to_vec();
            rows.iter_mut().zip(ends).for_each(|(row, end)| row.end = Ticks(end));
            trace.processes = ProcessTable::new(rows, 4);
        };
        let found = findings_of_tag(&analyzed(blocks, SuspectGrouping::Tag, &[], change), "Leak");
        found.into_iter().find(|finding| matches!(finding, Finding::ExitedProcesses { .. }))
    }

    #[test]
    fn allocations_of_exited_processes_are_found_by_process() {
        const ALIVE: i64 = i64::MAX;
        let mut all = blocks(b"Leak", 100, PATH, |_| None);
        all.iter_mut().enumerate().for_each(|(k, block)| block.process = k as u32 % 3);
        // Process 1 makes k = 1, 4, .., 97, those before 5,000 are k < 51; process 2 makes k = 2, 5, .., 98.
        let found = exited(&all, [ALIVE, 5_000, 9_950, ALIVE]);
        let of = |count: u64| Total { count, bytes: 64 * count };
        let processes = vec![("svchost.exe (800)".to_owned(), of(33)), ("NotMyfault.exe (1234)".to_owned(), of(17))];
        assert_eq!(found, Some(Finding::ExitedProcesses { allocations: of(50), processes }));
        assert_eq!(exited(&all, [ALIVE; 4]), None);
        // Too few, in proportion to all outstanding allocations and in number.
        assert_eq!(exited(&all, [ALIVE, 200, ALIVE, ALIVE]), None);
    }

    #[test]
    fn system_work_in_a_process_is_not_its_own() {
        let ends = [i64::MAX, 5_000, i64::MAX, i64::MAX];
        let of = |stack| {
            let mut all = blocks(b"Leak", 100, stack, |_| None);
            all.iter_mut().for_each(|block| block.process = 1);
            all
        };
        assert!(exited(&of(PATH), ends).is_some());
        // Without user frames, and without a stack.
        assert_eq!(exited(&of(&["nt:20", "my:30"]), ends), None);
        assert_eq!(exited(&of(&[]), ends), None);
        let mut system = of(PATH);
        system.iter_mut().for_each(|block| block.process = 0);
        assert_eq!(exited(&system, [5_000, i64::MAX, i64::MAX, i64::MAX]), None);
        // With symbols, interrupts and workers are known by their functions.
        for function in ["KiInterruptDispatchNoLock", "KiRetireDpcList", "ExpWorkerThread", "NtDeviceIoControlFile"] {
            let mut made = std::sync::Arc::into_inner(trace(&of(&["app:10", "nt:60", "my:30"]))).unwrap();
            let mut rows: Vec<Process> = made.processes.rows().to_vec();
            rows[1].end = Ticks(5_000);
            made.processes = ProcessTable::new(rows, 4);
            let symbols = FakeNames::new(&made, &[("nt:60", function)]);
            let (visible_range, made) = (made.extent, std::sync::Arc::new(made));
            let names = ColumnValues::new(made, FrameNaming::Symbol).with_symbols(std::sync::Arc::new(symbols));
            let analysis = analyze(
                &names,
                AnalysisRequest { visible_range, grouping: SuspectGrouping::Tag, warm_up: WarmUp::None },
                &not_cancelled,
            )
            .unwrap();
            let is_found = |reason: &Reason| matches!(reason, Reason::Finding(Finding::ExitedProcesses { .. }));
            let found = analysis.suspects[0].reasons.iter().any(is_found);
            assert_eq!(found, function == "NtDeviceIoControlFile", "{function}");
        }
    }
}
