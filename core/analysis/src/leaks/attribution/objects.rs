//! Kernel objects, which are outstanding while a handle to them is open: the tags of the object types, and process objects of
//! processes that have ended. Only process objects are matched to processes, because thread events do not contain the address of the
//! thread object (etl-format 6.4).

use crate::trace::Trace;
use crate::trace::attributes::Tag;
use crate::trace::process::Process;
use crate::trace::time::{Ticks, TimeRange};
use std::sync::LazyLock;

/// Tags of object types: lines of `tag | type | source`.
const TAGS: &str = include_str!("object_tags.txt");
/// The tag of process objects.
pub const PROCESS_OBJECT_TAG: Tag = Tag(*b"Proc");

/// The object type that has this tag, as Windows names it; `None` for other tags.
#[must_use]
pub fn object_type(tag: Tag) -> Option<&'static str> {
    static PARSED: LazyLock<Vec<(Tag, &'static str)>> = LazyLock::new(|| parse(TAGS));
    PARSED.iter().find(|row| row.0 == tag).map(|row| row.1)
}

/// Parses lines of tag and type; comments and other lines are left out.
fn parse(text: &'static str) -> Vec<(Tag, &'static str)> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let row = |line: &'static str| {
        let mut fields = line.split('|').map(str::trim);
        let (tag, object) = (fields.next()?, fields.next()?);
        let mut bytes = [b' '; 4];
        bytes.get_mut(..tag.len())?.copy_from_slice(tag.as_bytes());
        (!tag.is_empty()).then_some((Tag(bytes), object))
    };
    lines.filter_map(row).collect()
}

/// Outstanding process objects by whether their process has ended.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProcessObjects {
    /// Objects of processes that have ended: a handle or a reference keeps them.
    pub of_ended_processes: u64,
    /// Objects of processes that run at the end of the range.
    pub of_running_processes: u64,
    /// Image names of the ended processes with their number, the most frequent first.
    pub ended_process_names: Vec<(String, u64)>,
}

/// Matches allocations of process objects to processes by the address of the object. `rows` are outstanding at the end of `range`.
/// `None` if the load left out addresses.
#[must_use]
pub fn process_objects(trace: &Trace, rows: impl Iterator<Item = usize>, range: TimeRange) -> Option<ProcessObjects> {
    let table = &trace.allocations;
    let mut by_address: Vec<(u64, usize)> =
        rows.map(|row| Some((table.address.get(row)?, row))).collect::<Option<_>>()?;
    by_address.sort_unstable();
    let mut found = ProcessObjects::default();
    let mut names: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    for process in trace.processes.rows() {
        let Some(object) = process.object else { continue };
        let before = by_address.partition_point(|(address, _)| *address <= object);
        let Some((address, row)) = before.checked_sub(1).and_then(|at| by_address.get(at)) else { continue };
        let contains_object = object - address < table.size.at(*row);
        // An allocation made after the start of the process belongs to a later process at the same address.
        if !contains_object || table.alloc_time.at(*row) > latest_creation(process) {
            continue;
        }
        if process.end <= range.to {
            found.of_ended_processes += 1;
            *names.entry(process.name.as_str()).or_default() += 1;
        } else {
            found.of_running_processes += 1;
        }
    }
    found.ended_process_names = names.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
    found.ended_process_names.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Some(found)
}

/// The latest time at which the object of a process can have been allocated.
fn latest_creation(process: &Process) -> Ticks {
    if process.start.is_known() { process.start } else { process.end }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::test_util::{Block, block, trace};
    use crate::trace::process::ProcessTable;
    use std::sync::Arc;

    #[test]
    fn tags_are_the_first_four_characters_of_their_type() {
        let all = parse(TAGS);
        assert!(all.len() > 25);
        for (tag, object) in &all {
            let mut start: Vec<u8> = object.bytes().take(4).collect();
            start.resize(4, b' ');
            assert_eq!(tag.0.as_slice(), start, "{object}");
        }
        assert_eq!((object_type(Tag(*b"Key ")), object_type(Tag(*b"Job "))), (Some("Key"), Some("Job")));
        assert_eq!((object_type(PROCESS_OBJECT_TAG), object_type(Tag(*b"Leak"))), (Some("Process"), None));
    }

    #[test]
    fn process_objects_are_matched_by_address_and_time() {
        // Allocations of 1,024 bytes at 0x1000, 0x2000, 0x3000, 0x4000, made at 10, 20, 30, 5,000.
        let of = |at: u64, alloc: i64| Block { address: at << 12, tag: b"Proc", ..block(Some(alloc), None, 1024) };
        let made = trace(&[of(1, 10), of(2, 20), of(3, 30), of(4, 5_000)]);
        let mut made = Arc::into_inner(made).unwrap();
        let process = |name: &str, object, start, end| Process {
            object,
            pid: 8,
            parent_pid: 4,
            session: 0,
            name: name.to_owned(),
            command_line: String::new(),
            start: Ticks(start),
            end: Ticks(end),
        };
        let rows = vec![
            process("a.exe", Some(0x1080), 11, 900),
            process("b.exe", Some(0x2080), 25, i64::MAX),
            process("a.exe", Some(0x33ff), 30, 9_000),
            // After the allocation; without an address; whose allocation was freed and its address used again.
            process("c.exe", Some(0x3400), 31, 9_000),
            process("d.exe", None, 31, 9_000),
            process("e.exe", Some(0x4080), 40, 4_000),
        ];
        made.processes = ProcessTable::new(rows, 6);
        let found = process_objects(&made, 0..4, made.extent).unwrap();
        assert_eq!(
            found,
            ProcessObjects {
                of_ended_processes: 2,
                of_running_processes: 1,
                ended_process_names: vec![("a.exe".to_owned(), 2)]
            }
        );
        let early = process_objects(&made, 0..4, TimeRange { from: Ticks(0), to: Ticks(500) }).unwrap();
        assert_eq!((early.of_ended_processes, early.of_running_processes), (0, 3));
    }
}
