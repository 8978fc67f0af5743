//! Images, processes and facts about the recording, joined from all shards in time order. Run-downs at start and stop
//! fill what a circular file has lost; nothing is made up for what no record says.

use super::shard::{ImageChange, NO_ID, ProcessChange, Rare, Shard};
use crate::etl::walk::TraceFile;
use crate::event::identity::RsdsEvent;
use crate::event::image::ImageEvent;
use crate::event::process::ProcessEvent;
use crate::trace::ids::ModuleId;
use crate::trace::module::{ImageLife, Module, ModuleTable, Rsds, file_name};
use crate::trace::process::{Process, ProcessTable};
use crate::trace::summary::{BigBlock, PoolUsage, Snapshots, TagUsage, TraceSummary};
use crate::trace::time::Ticks;
use rustc_hash::FxHashMap;

/// What the rare records of a trace add up to.
#[derive(Debug)]
pub struct Facts {
    pub modules: ModuleTable,
    pub processes: ProcessTable,
    pub snapshots: Snapshots,
    pub summary: TraceSummary,
}

/// Takes the rare records out of the shards and joins them.
pub fn collect(file: &TraceFile, shards: &mut [Shard]) -> Facts {
    let mut rows: Vec<(Ticks, Rare)> = Vec::new();
    for shard in shards.iter_mut() {
        rows.append(&mut shard.rare);
    }
    // Stable: records of one tick stay in file order.
    rows.sort_by_key(|row| row.0);
    let mut images = Images::default();
    let mut processes = Processes::default();
    let mut snapshots = Snapshots::default();
    let mut summary = from_header(file);
    for (time, rare) in rows {
        match rare {
            Rare::Image { change, event, pid } => images.event(time, change, event, pid),
            Rare::Process { change, event } => processes.event(time, change, event),
            Rare::ImageId(id) => images.timestamp(id.process, id.base, id.timestamp),
            Rare::Rsds(event) => images.rsds(time, event),
            Rare::Cpu(cpu) => {
                summary.memory_mb = Some(cpu.memory_mb).filter(|&mb| mb > 0);
                summary.computer = Some(cpu.computer).filter(|name| !name.is_empty());
            }
            Rare::Build(build, product) => summary.os_name = Some(format!("{product} ({build})")),
            Rare::PoolGroup(on) => {
                summary.pool_group_enabled = Some(summary.pool_group_enabled.unwrap_or(false) || on);
            }
            rare => snapshot(&mut snapshots, time, rare),
        }
    }
    let processes = processes.finish(shards);
    Facts { modules: images.finish(), processes, snapshots, summary }
}

fn from_header(file: &TraceFile) -> TraceSummary {
    let header = &file.logfile;
    TraceSummary {
        file_bytes: file.data().len() as u64,
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

fn snapshot(snapshots: &mut Snapshots, time: Ticks, rare: Rare) {
    let usage = |(allocs, frees, used_bytes)| PoolUsage { allocs, frees, used_bytes };
    match rare {
        Rare::Tags { end, session, rows } => snapshots.tags.extend(rows.into_iter().map(|row| TagUsage {
            end,
            time,
            session,
            tag: crate::trace::context::Tag(row.tag),
            paged: usage(row.paged),
            nonpaged: usage(row.nonpaged),
        })),
        Rare::Big { end, session, rows } => snapshots.big.extend(rows.into_iter().map(|row| BigBlock {
            end,
            time,
            session,
            address: row.address,
            size_bytes: row.size,
            tag: crate::trace::context::Tag(row.tag),
            nonpaged: row.nonpaged,
        })),
        _ => {}
    }
}

/// A module is the same file, by path, size and identity, at the same base.
#[derive(PartialEq, Eq, Hash)]
struct ModuleKey {
    base: u64,
    size: u64,
    checksum: u32,
    path: String,
}

#[derive(Default)]
struct Images {
    modules: Vec<Module>,
    by_key: FxHashMap<ModuleKey, ModuleId>,
    lives: Vec<ImageLife>,
    /// Newest life at a base in a process.
    newest: FxHashMap<(u32, u64), usize>,
    /// Identities that came before the image they belong to.
    early: FxHashMap<(u32, u64), Rsds>,
}

impl Images {
    fn event(&mut self, time: Ticks, change: ImageChange, event: ImageEvent, pid: u32) {
        if event.size == 0 {
            return;
        }
        let place = (pid, event.base);
        let module = self.module(event, pid);
        let open =
            self.newest.get(&place).copied().filter(|&at| {
                self.lives.get(at).is_some_and(|life| life.module == module && life.unload == Ticks::NEVER)
            });
        match (change, open) {
            (ImageChange::Load, _) => self.begin(place, module, time),
            // Run-downs repeat themselves; a stop run-down may also be all that is left of a wrapped trace.
            (ImageChange::Start | ImageChange::Stop, Some(_)) => {}
            (ImageChange::Start | ImageChange::Stop, None) => self.begin(place, module, Ticks::UNKNOWN),
            (ImageChange::Unload, Some(at)) => {
                if let Some(life) = self.lives.get_mut(at) {
                    life.unload = time;
                }
            }
            (ImageChange::Unload, None) => {
                self.begin(place, module, Ticks::UNKNOWN);
                if let Some(life) = self.lives.last_mut() {
                    life.unload = time;
                }
            }
        }
    }

    fn begin(&mut self, place: (u32, u64), module: ModuleId, load: Ticks) {
        let mut load = load;
        if let Some(before) = self.newest.get(&place).and_then(|&at| self.lives.get_mut(at)) {
            if before.unload == Ticks::NEVER && before.module == module && load.is_known() {
                // The same image again: its load was seen, and a run-down had put its beginning earlier.
                return;
            }
            if before.unload == Ticks::NEVER && load.is_known() {
                before.unload = load;
            }
            if !load.is_known() && before.unload.is_known() {
                load = Ticks(before.unload.0 + 1);
            }
        }
        self.newest.insert(place, self.lives.len());
        self.lives.push(ImageLife { module, pid: place.0, load, unload: Ticks::NEVER });
    }

    fn module(&mut self, event: ImageEvent, pid: u32) -> ModuleId {
        let early = self.early.get(&(pid, event.base)).cloned();
        let key = ModuleKey { base: event.base, size: event.size, checksum: event.checksum, path: event.path };
        if let Some(&id) = self.by_key.get(&key) {
            return id;
        }
        let id = ModuleId(self.modules.len() as u32);
        self.modules.push(Module {
            name: file_name(&key.path).to_owned(),
            path: key.path.clone(),
            base: key.base,
            size_bytes: key.size,
            timestamp: event.timestamp,
            checksum: key.checksum,
            rsds: early,
            is_kernel: pid == 0,
        });
        self.by_key.insert(key, id);
        id
    }

    /// The newest module at a place.
    fn newest_module(&mut self, place: (u32, u64)) -> Option<&mut Module> {
        let life = self.newest.get(&place).and_then(|&at| self.lives.get(at))?;
        self.modules.get_mut(life.module.index())
    }

    fn timestamp(&mut self, pid: u32, base: u64, timestamp: u32) {
        if let Some(module) = self.newest_module((pid, base)).filter(|m| m.timestamp == 0) {
            module.timestamp = timestamp;
        }
    }

    /// Identities have the timestamp of the image event they belong to, and may stand before it in the file.
    fn rsds(&mut self, time: Ticks, event: RsdsEvent) {
        let rsds = Rsds { guid: event.guid, age: event.age, pdb_name: event.pdb_name };
        let place = (event.process, event.base);
        let known = self.newest.get(&place).and_then(|&at| self.lives.get(at));
        let belongs = known.is_some_and(|life| life.unload >= time || life.unload == Ticks::NEVER);
        if !belongs {
            self.early.insert(place, rsds);
            return;
        }
        if let Some(module) = self.newest_module(place) {
            module.rsds = Some(rsds);
        }
    }

    fn finish(mut self) -> ModuleTable {
        // The same file at another base, or in another process, has the same identity.
        let mut known: FxHashMap<(String, u64, u32), (Rsds, u32)> = FxHashMap::default();
        for module in &self.modules {
            if let Some(rsds) = &module.rsds {
                let key = (module.path.to_lowercase(), module.size_bytes, module.checksum);
                known.entry(key).or_insert_with(|| (rsds.clone(), module.timestamp));
            }
        }
        for module in self.modules.iter_mut().filter(|m| m.rsds.is_none()) {
            let key = (module.path.to_lowercase(), module.size_bytes, module.checksum);
            if let Some((rsds, timestamp)) = known.get(&key) {
                module.rsds = Some(rsds.clone());
                if module.timestamp == 0 {
                    module.timestamp = *timestamp;
                }
            }
        }
        ModuleTable::new(self.modules, self.lives)
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
