//! Objects that handles keep: which of a suspect's objects were made by processes that have ended, and for process objects, which
//! processes have ended though their objects are not freed. Who holds the handles a pool trace cannot say.

use super::{Case, Finding, Scene};
use crate::leaks::evidence::Blocks;
use crate::leaks::who::objects::{PROCESS, object_type, process_objects};
use crate::leaks::who::{ProcessObjects, allocator};

/// Objects that handles keep.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldObjects {
    /// The type of the objects, as Windows names it.
    pub object: &'static str,
    /// Objects allocated in the view and outstanding at its end.
    pub outstanding: u64,
    /// Of these, those that processes allocated which have ended.
    pub by_ended: Blocks,
    /// For process objects, which processes they belong to: the allocating process is the parent.
    pub processes: Option<ProcessObjects>,
}

/// What is known of the objects of a suspect whose tag is that of an object type.
pub fn find(scene: &Scene<'_>, case: &Case<'_>) -> Option<Finding> {
    let tag = case.object_tag()?;
    let object = object_type(tag)?;
    let trace = scene.trace;
    let mut by_ended = Blocks::default();
    for row in scene.survivors(case) {
        let has_ended = trace.processes.get(allocator(trace, row)).is_some_and(|process| process.end <= scene.view.to);
        if has_ended && !scene.marks.is_system_work(trace.allocations.alloc_stack[row]) {
            by_ended.add(trace.allocations.size[row]);
        }
    }
    let processes = (tag == PROCESS).then(|| process_objects(trace, scene.survivors(case), scene.view));
    let outstanding = case.suspect.evidence.survivors.count;
    Some(Finding::HeldObjects(HeldObjects { object, outstanding, by_ended, processes }))
}

#[cfg(test)]
mod tests {
    use super::super::kit::{PATH, blocks, judged, of_tag};
    use super::*;
    use crate::group::testkit::Block;
    use crate::leaks::By;
    use crate::trace::process::{Process, ProcessTable};
    use crate::trace::time::Ticks;

    fn held(blocks: &[Block], tag: &str, change: impl FnOnce(&mut Vec<Process>)) -> Vec<Finding> {
        let judgement = judged(blocks, By::Tag, &[], |trace| {
            let mut rows = trace.processes.rows().to_vec();
            change(&mut rows);
            let count = rows.len();
            trace.processes = ProcessTable::new(rows, count);
        });
        of_tag(&judgement, tag)
    }

    #[test]
    fn zombies_are_told_by_the_address_of_the_process() {
        // The parent allocates a process object every 100 ticks; the child begins 10 later and ends 50 later.
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
            ended: 80,
            running: 10,
            names: vec![("sh.exe".to_owned(), 53), ("git.exe".to_owned(), 27)],
        };
        let objects = HeldObjects {
            object: "Process",
            outstanding: 100,
            by_ended: Blocks::default(),
            processes: Some(processes),
        };
        assert!(found.contains(&Finding::HeldObjects(objects)), "{found:?}");
    }

    #[test]
    fn objects_of_ended_processes_are_counted_and_not_said_to_be_left_behind() {
        let mut all = blocks(b"Toke", 100, PATH, |_| None);
        all.iter_mut().enumerate().for_each(|(k, block)| block.process = k as u32 % 2);
        let found = held(&all, "Toke", |rows| rows[1].end = Ticks(9_999));
        let by_ended = Blocks { count: 50, bytes: 50 * 64 };
        let objects = HeldObjects { object: "Token", outstanding: 100, by_ended, processes: None };
        assert!(found.contains(&Finding::HeldObjects(objects)), "{found:?}");
        assert!(!found.iter().any(|finding| matches!(finding, Finding::ExitedProcesses { .. })));
        let other = held(&blocks(b"Leak", 100, PATH, |_| None), "Leak", |_| {});
        assert!(!other.iter().any(|finding| matches!(finding, Finding::HeldObjects(_))));
    }
}
