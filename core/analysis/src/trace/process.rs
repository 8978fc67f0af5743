//! Processes. Windows reuses process numbers, so a process is a number and the time during which it had that number.

use super::ids::ProcessId;
use super::time::Ticks;
use rustc_hash::FxHashMap;

/// A process, from its start to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Process {
    /// Address of the process object, which is in an allocation with tag `Proc`; `None` if not recorded.
    pub object: Option<u64>,
    /// Process number.
    pub pid: u32,
    /// Number of the parent process.
    pub parent_pid: u32,
    /// Terminal-services session.
    pub session: u32,
    /// Image file name as recorded (at most 15 characters on most systems); empty without a process record.
    pub name: String,
    /// Command line; empty if not recorded.
    pub command_line: String,
    /// Start time; [`Ticks::UNKNOWN`] if before the trace.
    pub start: Ticks,
    /// End time; [`Ticks::NEVER`] if no end was recorded.
    pub end: Ticks,
}

impl Process {
    /// `name (pid)`, as WPA shows a process.
    #[must_use]
    pub fn label(&self) -> String {
        match (self.name.as_str(), self.pid) {
            ("", 0) => "Idle (0)".to_owned(),
            ("", 4) => "System (4)".to_owned(),
            ("", pid) => format!("Unknown ({pid})"),
            (name, pid) => format!("{name} ({pid})"),
        }
    }
}

/// All processes; position = [`ProcessId`].
#[derive(Default, Debug)]
pub struct ProcessTable {
    rows: Vec<Process>,
    /// Processes with the same number, by start time.
    by_pid: FxHashMap<u32, Vec<ProcessId>>,
    /// Number of rows that come from process records. The others are numbers that only other records contain.
    recorded: usize,
}

impl ProcessTable {
    /// Builds the lookup table; the first `recorded` rows come from process records.
    #[must_use]
    pub(crate) fn new(rows: Vec<Process>, recorded: usize) -> Self {
        let mut by_pid: FxHashMap<u32, Vec<ProcessId>> = FxHashMap::default();
        let mut by_start: Vec<(u32, &Process)> = (0..).zip(&rows).collect();
        by_start.sort_by_key(|(position, row)| (row.start, *position));
        for (position, row) in by_start {
            by_pid.entry(row.pid).or_default().push(ProcessId(position));
        }
        Self { rows, by_pid, recorded }
    }

    /// All rows; position = handle.
    #[must_use]
    pub fn rows(&self) -> &[Process] {
        &self.rows
    }

    /// One row; `None` for [`ProcessId::NONE`].
    #[must_use]
    pub fn get(&self, id: ProcessId) -> Option<&Process> {
        self.rows.get(id.index())
    }

    /// Number of processes with process records.
    #[must_use]
    pub fn recorded_count(&self) -> usize {
        self.recorded
    }

    /// Returns `true` if several processes had this number.
    #[must_use]
    pub fn is_reused(&self, pid: u32) -> bool {
        self.by_pid.get(&pid).is_some_and(|ids| ids.len() > 1)
    }

    /// The process that had number `pid` at `time`, else the last one before, else the first.
    #[must_use]
    pub fn find(&self, pid: u32, time: Ticks) -> ProcessId {
        let Some(ids) = self.by_pid.get(&pid) else {
            return ProcessId::NONE;
        };
        let started = ids.partition_point(|id| self.get(*id).is_some_and(|p| p.start <= time));
        ids.get(started.saturating_sub(1)).copied().unwrap_or(ProcessId::NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reused_number_is_resolved_by_time() {
        let process = |name: &str, start, end| Process {
            object: None,
            pid: 40,
            parent_pid: 4,
            session: 0,
            name: name.to_owned(),
            command_line: String::new(),
            start,
            end,
        };
        let rows = vec![process("b.exe", Ticks(200), Ticks::NEVER), process("a.exe", Ticks::UNKNOWN, Ticks(100))];
        let table = ProcessTable::new(rows, 2);
        assert!(table.is_reused(40));
        assert_eq!(table.find(40, Ticks(50)), ProcessId(1));
        assert_eq!(table.find(40, Ticks(150)), ProcessId(1));
        assert_eq!(table.find(40, Ticks(200)), ProcessId(0));
        assert_eq!(table.find(41, Ticks(200)), ProcessId::NONE);
    }
}
