//! Kernel objects that handles keep: objects made by processes that have ended, and process objects of ended processes. Which process
//! has the handles is not in a pool trace.

use super::{DetectorInput, Finding, SuspectUnits};
use crate::group::aggregate::Total;
use crate::leaks::attribution::ProcessObjects;
use crate::leaks::attribution::objects::{PROCESS_OBJECT_TAG, object_type, process_objects};

/// Outstanding kernel objects of one type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldObjects {
    /// The object type, as Windows names it.
    pub object_type: &'static str,
    /// Objects allocated in the range and outstanding at its end.
    pub outstanding: u64,
    /// Those of them that were allocated by processes that have ended.
    pub by_ended_processes: Total,
    /// For process objects, the processes that they belong to; the allocating process is the parent. `None` too if the load left out
    /// addresses.
    pub process_objects: Option<ProcessObjects>,
}

/// Finds the objects of a suspect whose tag is that of an object type.
pub fn find(input: &DetectorInput<'_>, suspect: &SuspectUnits<'_>) -> Option<Finding> {
    let tag = suspect.object_tag()?;
    let object_type = object_type(tag)?;
    let (trace, table) = (input.trace, &input.trace.allocations);
    let mut by_ended_processes = Total::default();
    for figure in input.outstanding_rows(suspect.units) {
        let process = trace.processes.get(figure.allocating_process(trace));
        let has_ended = process.is_some_and(|process| process.end <= input.range.to);
        if has_ended && !input.stack_marks.is_system_work(table.alloc_stack[figure.row]) {
            by_ended_processes.add(figure.size);
        }
    }
    let objects =
        || process_objects(trace, input.outstanding_rows(suspect.units).map(|figure| figure.row), input.range);
    let process_objects = (tag == PROCESS_OBJECT_TAG).then(objects).flatten();
    let outstanding = suspect.suspect.evidence.outstanding.count;
    Some(Finding::HeldObjects(HeldObjects { object_type, outstanding, by_ended_processes, process_objects }))
}

#[cfg(test)]
mod tests {
    use super::super::test_util::{PATH, analyzed, blocks, findings_of_tag};
    use super::*;
    use crate::group::test_util::Block;
    use crate::leaks::SuspectGrouping;
    use crate::trace::process::{Process, ProcessTable};
    use crate::trace::time::Ticks;

    fn held(blocks: &[Block], tag: &str, change: impl FnOnce(&mut Vec<Process>)) -> Vec<Finding> {
        let analysis = analyzed(blocks, SuspectGrouping::Tag, &[], |trace| {
            let mut rows = trace.processes.rows().to_vec();
            change(&mut rows);
            let count = rows.len();
            trace.processes = ProcessTable::new(rows, count);
        });
        findings_of_tag(&analysis, tag)
    }

    #[test]
    fn objects_of_ended_processes_are_matched_by_address() {
        // The parent allocates a process object every 100 ticks; the child starts 10 ticks later and ends 50 ticks later.
        let mut all = blocks(b"Proc", 100, PATH, |_| None);
        for (k, block) in all.iter_mut().enumerate() {
            (block.process, block.address, block.size) = (1, 0xffff_9000_0000_0000 + 0x1000 * k as u64, 0x800);
        }
        let found = held(&all, "Proc", |rows| {
            for k in 0..90_i64 {
                let name = if k % 3 == 0 { "git.exe" } else { "sh.exe" };
                rows.push(Process {
                    object: Some(0xffff_9000_0000_0080 + 0x1000 * k as u64),
                    pid: 20_000 + 4 * k as u32,
                    parent_pid: 1234,
                    session: 0,
                    name: name.to_owned(),
                    command_line: String::new(),
                    start: Ticks(100 * k + 10),
                    end: if k < 80 { Ticks(100 * k + 50) } else { Ticks::NEVER },
                });
            }
        });
        let processes = ProcessObjects {
            of_ended_processes: 80,
            of_running_processes: 10,
            ended_process_names: vec![("sh.exe".to_owned(), 53), ("git.exe".to_owned(), 27)],
        };
        let objects = HeldObjects {
            object_type: "Process",
            outstanding: 100,
            by_ended_processes: Total::default(),
            process_objects: Some(processes),
        };
        assert!(found.contains(&Finding::HeldObjects(objects)), "{found:?}");
    }

    #[test]
    fn objects_of_ended_processes_are_counted_but_no_exited_processes_finding() {
        let mut all = blocks(b"Toke", 100, PATH, |_| None);
        all.iter_mut().enumerate().for_each(|(k, block)| block.process = k as u32 % 2);
        let found = held(&all, "Toke", |rows| rows[1].end = Ticks(9_999));
        let by_ended = Total { count: 50, bytes: 50 * 64 };
        let objects =
            HeldObjects { object_type: "Token", outstanding: 100, by_ended_processes: by_ended, process_objects: None };
        assert!(found.contains(&Finding::HeldObjects(objects)), "{found:?}");
        assert!(!found.iter().any(|finding| matches!(finding, Finding::ExitedProcesses { .. })));
        let other = held(&blocks(b"Leak", 100, PATH, |_| None), "Leak", |_| {});
        assert!(!other.iter().any(|finding| matches!(finding, Finding::HeldObjects(_))));
    }
}
