//! Blocks that processes left behind: whatever a driver allocated for a process should be gone when the process is.

use super::{Case, Finding, Scene};
use crate::leak::evidence::Blocks;
use crate::leak::limits::{LEAST_SURVIVORS, LEFT_BEHIND, MOST_PLACES};
use crate::trace::ids::ProcessId;
use rustc_hash::FxHashMap;
use std::cmp::Reverse;

/// Survivors whose process ended in the view after it had allocated them.
pub fn find(scene: &Scene<'_>, case: &Case<'_>) -> Option<Finding> {
    let trace = scene.trace;
    let ended = &scene.ended;
    if !ended.contains(&true) {
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
        let lived = trace.processes.get(process).is_some_and(|p| trace.allocations.alloc_time[row] <= p.end);
        if lived {
            left.entry(process).or_default().add(trace.allocations.size[row]);
            all.add(trace.allocations.size[row]);
        }
    }
    let survivors = case.suspect.evidence.survivors.count as f64;
    if all.count < LEAST_SURVIVORS || (all.count as f64) < LEFT_BEHIND * survivors {
        return None;
    }
    let mut left: Vec<(ProcessId, Blocks)> = left.into_iter().collect();
    left.sort_unstable_by_key(|(process, blocks)| (Reverse(blocks.bytes), Reverse(blocks.count), *process));
    left.truncate(MOST_PLACES);
    let label = |id: ProcessId| trace.processes.get(id).map_or_else(String::new, crate::trace::process::Process::label);
    let processes = left.into_iter().map(|(process, blocks)| (label(process), blocks)).collect();
    Some(Finding::ExitedProcesses { blocks: all, processes })
}

#[cfg(test)]
mod tests {
    use super::super::kit::{PATH, blocks, judged, of_tag};
    use super::*;
    use crate::column::testkit::Block;
    use crate::leak::By;
    use crate::trace::Trace;
    use crate::trace::process::{Process, ProcessTable};
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
}
