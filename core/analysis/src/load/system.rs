//! Images, processes and facts about the recording, joined from all shards in time order. Run-downs at start and stop
//! fill what a circular file has lost; nothing is made up for what no record says.

use super::images::Images;
use super::origin::Origin;
use super::shard::{NO_ID, ProcessChange, Rare, Shard};
use crate::trace::module::ModuleTable;
use crate::trace::process::{Process, ProcessTable};
use crate::trace::summary::{BigPoolAllocation, PoolUsage, PoolRundown, TagUsage, TraceSummary};
use crate::trace::time::Ticks;
use poolscope_etl::event::process::ProcessEvent;
use rustc_hash::FxHashMap;

/// What the rare records of a trace add up to.
#[derive(Debug)]
pub struct Facts {
    pub modules: ModuleTable,
    pub processes: ProcessTable,
    pub snapshots: PoolRundown,
    pub summary: TraceSummary,
}

/// Takes the rare records out of the shards and joins them.
pub fn collect(origin: &Origin, shards: &mut [Shard]) -> Facts {
    let mut rows: Vec<(Ticks, Rare)> = Vec::new();
    for shard in shards.iter_mut() {
        rows.append(&mut shard.rare);
    }
    // Stable: records of one tick stay in file order.
    rows.sort_by_key(|row| row.0);
    let mut images = Images::new(if origin.logfile.pointer_size == 4 { 4 } else { 8 });
    for (time, rare) in &rows {
        match rare {
            Rare::ImageId(event) => images.image_id(*time, event),
            Rare::Rsds(event) => images.rsds(*time, event),
            _ => {}
        }
    }
    let mut processes = Processes::default();
    let mut snapshots = PoolRundown::default();
    let mut summary = from_header(origin);
    for (time, rare) in rows {
        match rare {
            Rare::Image { change, event, pid } => images.event(time, change, event, pid),
            Rare::Process { change, event } => processes.event(time, change, event),
            // They were taken before, since they stand before their images in some files and after them in others.
            Rare::ImageId(_) | Rare::Rsds(_) => {}
            Rare::Cpu(cpu) => {
                summary.memory_mb = Some(cpu.memory_mb).filter(|&mb| mb > 0);
                summary.computer = Some(cpu.computer).filter(|name| !name.is_empty());
            }
            Rare::Build(info) => summary.os_name = Some(format!("{} ({})", info.product, info.build)),
            Rare::PoolGroup(on) => {
                summary.pool_group_enabled = Some(summary.pool_group_enabled.unwrap_or(false) || on);
            }
            rare => snapshot(&mut snapshots, time, rare),
        }
    }
    let processes = processes.finish(shards);
    Facts { modules: images.finish(), processes, snapshots, summary }
}

fn from_header(origin: &Origin) -> TraceSummary {
    let header = &origin.logfile;
    TraceSummary {
        file_bytes: origin.file_bytes,
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

fn snapshot(snapshots: &mut PoolRundown, time: Ticks, rare: Rare) {
    let usage = |(allocs, frees, used_bytes)| PoolUsage { allocs, frees, used_bytes };
    match rare {
        Rare::Tags { end, session, rows } => snapshots.tags.extend(rows.into_iter().map(|row| TagUsage {
            phase: end,
            time,
            session,
            tag: crate::trace::attributes::Tag(row.tag),
            paged: usage(row.paged),
            nonpaged: usage(row.nonpaged),
        })),
        Rare::Big { end, session, rows } => snapshots.big.extend(rows.into_iter().map(|row| BigPoolAllocation {
            phase: end,
            time,
            session,
            address: row.address,
            size_bytes: row.size,
            tag: crate::trace::attributes::Tag(row.tag),
            nonpaged: row.nonpaged,
        })),
        _ => {}
    }
}

#[derive(Default)]
struct Processes {
    rows: Vec<Process>,
    newest: FxHashMap<u32, usize>,
}

impl Processes {
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
            (ProcessChange::Running | ProcessChange::Stop, Some(_)) => {}
            (ProcessChange::Running | ProcessChange::Stop, None) => self.begin(event, Ticks::UNKNOWN),
            (ProcessChange::Start, _) => self.begin(event, time),
            (ProcessChange::End, Some(at)) => self.end(at, time),
            (ProcessChange::End, None) => {
                self.begin(event, Ticks::UNKNOWN);
                self.end(self.rows.len() - 1, time);
            }
        }
    }

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

    /// Adds the numbers that only pool events mention, so that every event has a process.
    fn finish(mut self, shards: &[Shard]) -> ProcessTable {
        let recorded = self.rows.len();
        let mut mentioned: Vec<u32> =
            shards.iter().flat_map(|s| s.contexts.rows.iter().map(|c| c.pid)).filter(|&pid| pid != NO_ID).collect();
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
