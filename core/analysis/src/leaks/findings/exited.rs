//! Allocations that processes left behind: whatever a driver allocated for a process should be gone when the process is. Only
//! what a program called for counts: interrupts and workers of the system are charged to whatever process they find, and objects
//! belong to whoever holds a handle.

use super::{Case, Finding, Scene};
use crate::leaks::evidence::Blocks;
use crate::leaks::limits::{EXCEPTIONS, LEAST_SURVIVORS, MOST_PLACES};
use crate::trace::ids::ProcessId;
use crate::trace::process::Process;
use rustc_hash::FxHashMap;
use std::cmp::Reverse;

/// Number of the process of the system, in whose threads drivers do what nobody called for.
const SYSTEM_PID: u32 = 4;

/// Survivors whose process ended in the view after it had allocated them.
pub fn find(scene: &Scene<'_>, case: &Case<'_>) -> Option<Finding> {
    let trace = scene.trace;
    let ended = &scene.ended;
    if !ended.contains(&true) || case.object_tag().is_some() {
        return None;
    }
    let mut left: FxHashMap<ProcessId, Blocks> = FxHashMap::default();
    let mut all = Blocks::default();
    for row in scene.survivors(case) {
        let id = trace.allocations.alloc_context[row];
        if !ended.get(id.index()).copied().unwrap_or(false) {
            continue;
        }
        let Some(process) = trace.contexts.get(id).map(|context| context.process) else { continue };
        let is_user = |p: &Process| p.pid != SYSTEM_PID && p.pid != 0;
        let lived = trace.processes.get(process);
        let lived = lived.is_some_and(|p| is_user(p) && trace.allocations.alloc_time[row] <= p.end);
        if lived
            && trace.allocations.is_allocation_seen(row)
            && scene.marks.is_called_by_program(trace.allocations.alloc_stack[row])
        {
            left.entry(process).or_default().add(trace.allocations.size[row]);
            all.add(trace.allocations.size[row]);
        }
    }
    let survivors = case.suspect.evidence.survivors.count as f64;
    if all.count < LEAST_SURVIVORS || (all.count as f64) < EXCEPTIONS * survivors {
        return None;
    }
    let mut left: Vec<(ProcessId, Blocks)> = left.into_iter().collect();
    left.sort_unstable_by_key(|(process, blocks)| (Reverse(blocks.bytes), Reverse(blocks.count), *process));
    left.truncate(MOST_PLACES);
    let label = |id: ProcessId| trace.processes.get(id).map_or_else(String::new, Process::label);
    let processes = left.into_iter().map(|(process, blocks)| (label(process), blocks)).collect();
    Some(Finding::ExitedProcesses { blocks: all, processes })
}

#[cfg(test)]
mod tests {
    use super::super::kit::{PATH, blocks, judged, of_tag};
    use super::*;
    use crate::group::frames::FrameNaming;
    use crate::group::names::Names;
    use crate::group::parallel::never;
    use crate::group::testkit::Block;
    use crate::group::testkit::{FakeNames, trace};
    use crate::leaks::By;
    use crate::leaks::{Reason, Request, WarmUp, judge};
    use crate::trace::Trace;
    use crate::trace::process::ProcessTable;
    use crate::trace::time::Ticks;

    fn exited(blocks: &[Block], ends: [i64; 4]) -> Option<Finding> {
        let change = |trace: &mut Trace| {
            let mut rows: Vec<Process> = trace.processes.rows().to_vec();
            rows.iter_mut().zip(ends).for_each(|(row, end)| row.end = Ticks(end));
            trace.processes = ProcessTable::new(rows, 4);
        };
        let found = of_tag(&judged(blocks, By::Tag, &[], change), "Leak");
        found.into_iter().find(|finding| matches!(finding, Finding::ExitedProcesses { .. }))
    }

    #[test]
    fn what_processes_left_behind_is_told_by_process() {
        const ALIVE: i64 = i64::MAX;
        let mut all = blocks(b"Leak", 100, PATH, |_| None);
        all.iter_mut().enumerate().for_each(|(k, block)| block.process = k as u32 % 3);
        // Blocks k = 1, 4, .., 97 of process 1; those born by 5,000 are k < 51; of process 2, k = 2, 5, .., 98.
        let found = exited(&all, [ALIVE, 5_000, 9_950, ALIVE]);
        let of = |count: u64| Blocks { count, bytes: 64 * count };
        let processes = vec![("svchost.exe (800)".to_owned(), of(33)), ("NotMyfault.exe (1234)".to_owned(), of(17))];
        assert_eq!(found, Some(Finding::ExitedProcesses { blocks: of(50), processes }));
        assert_eq!(exited(&all, [ALIVE; 4]), None);
        // Too few for the number of survivors, or for anything.
        assert_eq!(exited(&all, [ALIVE, 200, ALIVE, ALIVE]), None);
    }

    #[test]
    fn what_the_system_does_in_a_process_is_not_left_behind_by_it() {
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
            let (view, made) = (made.extent, std::sync::Arc::new(made));
            let names = Names::new(made, FrameNaming::Symbol).with_symbols(std::sync::Arc::new(symbols));
            let judgement = judge(&names, Request { view, by: By::Tag, warm_up: WarmUp::None }, &never).unwrap();
            let is_found = |reason: &Reason| matches!(reason, Reason::Found(Finding::ExitedProcesses { .. }));
            let found = judgement.suspects[0].reasons.iter().any(is_found);
            assert_eq!(found, function == "NtDeviceIoControlFile", "{function}");
        }
    }
}
