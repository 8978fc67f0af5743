//! System events: the image, process, configuration and pool rundown records of all shards, in time order, become the tables
//! of the trace. Rundown records at the start and the end replace the events that a circular file has overwritten.

use super::images::ImageTracker;
use super::session::SessionInfo;
use super::shard::{NO_ID, ProcessChange, Shard, SystemEvent};
use crate::trace::attributes::Tag;
use crate::trace::module::ModuleTable;
use crate::trace::process::{Process, ProcessTable};
use crate::trace::summary::{BigPoolAllocation, PoolRundown, PoolUsage, TagUsage, TraceSummary};
use crate::trace::time::Ticks;
use poolscope_etl::event::process::ProcessEvent;
use rustc_hash::FxHashMap;

/// Tables and facts from the system events of a trace.
#[derive(Debug)]
pub struct SystemInfo {
    /// Images.
    pub modules: ModuleTable,
    /// Processes.
    pub processes: ProcessTable,
    /// Pool rundown.
    pub pool_rundown: PoolRundown,
    /// Facts from the header and the configuration records.
    pub summary: TraceSummary,
}

/// Takes the system events out of the shards.
pub fn collect_system_info(info: &SessionInfo, shards: &mut [Shard]) -> SystemInfo {
    let mut rows: Vec<(Ticks, SystemEvent)> = Vec::new();
    for shard in shards.iter_mut() {
        rows.append(&mut shard.system_events);
    }
    // A stable sort: records of one tick stay in file order.
    rows.sort_by_key(|row| row.0);
    let mut images = ImageTracker::new(if info.logfile.pointer_size == 4 { 4 } else { 8 });
    for (time, system_event) in &rows {
        match system_event {
            SystemEvent::ImageId(event) => images.image_id(*time, event),
            SystemEvent::Rsds(event) => images.rsds(*time, event),
            _ => {}
        }
    }
    let mut processes = ProcessTracker::default();
    let mut pool_rundown = PoolRundown::default();
    let mut summary = header_summary(info);
    for (time, system_event) in rows {
        match system_event {
            SystemEvent::Image { change, event, pid } => images.event(time, change, event, pid),
            SystemEvent::Process { change, event } => processes.event(time, change, event),
            // Added above, since they come before their images in some files and after them in others.
            SystemEvent::ImageId(_) | SystemEvent::Rsds(_) => {}
            SystemEvent::Cpu(cpu) => {
                summary.memory_mb = Some(cpu.memory_mb).filter(|&mb| mb > 0);
                summary.computer = Some(cpu.computer).filter(|name| !name.is_empty());
            }
            SystemEvent::Build(build) => summary.os_name = Some(format!("{} ({})", build.product, build.build)),
            SystemEvent::PoolGroup(on) => {
                summary.pool_group_enabled = Some(summary.pool_group_enabled.unwrap_or(false) || on);
            }
            system_event => add_rundown(&mut pool_rundown, time, system_event),
        }
    }
    let processes = processes.finish(shards);
    SystemInfo { modules: images.finish(), processes, pool_rundown, summary }
}

/// Facts from the log-file header.
fn header_summary(info: &SessionInfo) -> TraceSummary {
    let header = &info.logfile;
    TraceSummary {
        file_bytes: info.file_bytes,
        pointer_size: header.pointer_size,
        os_build: header.os_build,
        cpus: header.cpus,
        buffer_bytes: header.buffer_bytes,
        log_file_mode: header.log_file_mode,
        session_name: header.session_name.clone(),
        start_filetime: header.start_filetime,
        end_filetime: header.end_filetime,
        boot_filetime: header.boot_filetime,
        perf_freq: header.perf_freq,
        events_lost: u64::from(header.events_lost),
        buffers_lost: u64::from(header.buffers_lost),
        ..TraceSummary::default()
    }
}

/// Adds a pool rundown record.
fn add_rundown(pool_rundown: &mut PoolRundown, time: Ticks, system_event: SystemEvent) {
    let usage = |(allocs, frees, used_bytes)| PoolUsage { allocs, frees, used_bytes };
    match system_event {
        SystemEvent::PoolTags { phase, session, tags } => pool_rundown.tags.extend(tags.into_iter().map(|row| {
            TagUsage { phase, time, session, tag: Tag(row.tag), paged: usage(row.paged), nonpaged: usage(row.nonpaged) }
        })),
        SystemEvent::BigPool { phase, session, entries } => {
            pool_rundown.big.extend(entries.into_iter().map(|row| BigPoolAllocation {
                phase,
                time,
                session,
                address: row.address,
                size_bytes: row.size,
                tag: Tag(row.tag),
                nonpaged: row.nonpaged,
            }))
        }
        _ => {}
    }
}

/// Builder of the process table from process events in time order.
#[derive(Default)]
struct ProcessTracker {
    rows: Vec<Process>,
    /// Row of the latest process by number.
    newest: FxHashMap<u32, usize>,
}

impl ProcessTracker {
    /// Adds a process event.
    fn event(&mut self, time: Ticks, change: ProcessChange, event: ProcessEvent) {
        let open = self
            .newest
            .get(&event.pid)
            .copied()
            .filter(|&at| self.rows.get(at).is_some_and(|row| row.end == Ticks::NEVER && row.name == event.name));
        if let Some(row) = open.and_then(|at| self.rows.get_mut(at)).filter(|_| change != ProcessChange::Start) {
            row.object = row.object.or(event.object);
        }
        match (change, open) {
            (ProcessChange::DcStart | ProcessChange::DcEnd, Some(_)) => {}
            (ProcessChange::DcStart | ProcessChange::DcEnd, None) => self.begin(event, Ticks::UNKNOWN),
            (ProcessChange::Start, _) => self.begin(event, time),
            (ProcessChange::End, Some(at)) => self.end(at, time),
            (ProcessChange::End, None) => {
                self.begin(event, Ticks::UNKNOWN);
                self.end(self.rows.len() - 1, time);
            }
        }
    }

    /// Adds a process that started at `start`, after the end of the one before with its number.
    fn begin(&mut self, event: ProcessEvent, start: Ticks) {
        let mut start = start;
        if let Some(before) = self.newest.get(&event.pid).and_then(|&at| self.rows.get_mut(at)) {
            if before.end == Ticks::NEVER && start.is_known() {
                before.end = start;
            }
            if !start.is_known() && before.end.is_known() {
                start = Ticks(before.end.0 + 1);
            }
        }
        self.newest.insert(event.pid, self.rows.len());
        self.rows.push(Process {
            object: event.object,
            pid: event.pid,
            parent_pid: event.parent_pid,
            session: event.session,
            name: event.name,
            command_line: event.command_line,
            start,
            end: Ticks::NEVER,
        });
    }

    fn end(&mut self, at: usize, time: Ticks) {
        if let Some(row) = self.rows.get_mut(at) {
            row.end = time;
        }
    }

    /// Finishes the table with a process for each number that only pool events contain, so that every event has a process.
    fn finish(mut self, shards: &[Shard]) -> ProcessTable {
        let recorded = self.rows.len();
        let mut mentioned: Vec<u32> =
            shards.iter().flat_map(|s| s.attributes.rows.iter().map(|c| c.pid)).filter(|&pid| pid != NO_ID).collect();
        mentioned.sort_unstable();
        mentioned.dedup();
        for pid in mentioned.into_iter().filter(|pid| !self.newest.contains_key(pid)) {
            self.rows.push(Process {
                object: None,
                pid,
                parent_pid: 0,
                session: 0,
                name: String::new(),
                command_line: String::new(),
                start: Ticks::UNKNOWN,
                end: Ticks::NEVER,
            });
        }
        ProcessTable::new(self.rows, recorded)
    }
}
