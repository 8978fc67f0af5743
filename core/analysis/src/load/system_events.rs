//! System events: the image, process, configuration and pool rundown records, in time order, become the tables
//! of the trace. Rundown records at the start and the end replace the events that a circular file has overwritten.

use super::event::SystemRecord;
use super::images::ImageTracker;
use super::interner::{NO_ID, RawAttributes, WorkerInterner};
use super::session::SessionInfo;
use crate::trace::attributes::Tag;
use crate::trace::module::ModuleTable;
use crate::trace::process::{Process, ProcessTable};
use crate::trace::summary::{BigPoolAllocation, PoolRundown, PoolUsage, RundownPhase, TagUsage, TraceSummary};
use crate::trace::time::Ticks;
use poolscope_base::progress::{CancelToken, Cancelled};
use poolscope_etl::event::pool::{BigPoolRundown, PoolTagRundown};
use poolscope_etl::event::process::ProcessEvent;
use poolscope_etl::event::{EventKind, SystemEvent};
use rustc_hash::FxHashMap;

/// Number of records after which a cancel is looked for.
const CANCEL_STEP: usize = 1 << 10;

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

/// Tables from system events in time order, and from the processes of pool events.
///
/// # Errors
/// Cancelled.
pub fn collect_system_info(
    info: &SessionInfo,
    records: Vec<SystemRecord>,
    attributes: &[WorkerInterner<RawAttributes>],
    cancel: &CancelToken,
) -> Result<SystemInfo, Cancelled> {
    let mut images = ImageTracker::new(if info.logfile.pointer_size == 4 { 4 } else { 8 });
    for (at, record) in records.iter().enumerate() {
        if at.is_multiple_of(CANCEL_STEP) {
            cancel.check()?;
        }
        match &record.event {
            SystemEvent::ImageId(event) => images.image_id(record.time, event),
            SystemEvent::Rsds(event) => images.rsds(record.time, event),
            SystemEvent::FileVersion(event) => images.file_version(event),
            _ => {}
        }
    }
    let mut processes = ProcessTracker::default();
    let mut pool_rundown = PoolRundown::default();
    let mut summary = header_summary(info);
    for (at, SystemRecord { time, kind, process, event, .. }) in records.into_iter().enumerate() {
        if at.is_multiple_of(CANCEL_STEP) {
            cancel.check()?;
        }
        match event {
            SystemEvent::Image(event) => {
                let pid = event.process.or(process).unwrap_or(0);
                images.event(time, LifecycleChange::of(kind), event, pid);
            }
            SystemEvent::Process(event) => processes.event(time, LifecycleChange::of(kind), event),
            // Added above, since they come before their images in some files and after them in others.
            SystemEvent::ImageId(_) | SystemEvent::Rsds(_) | SystemEvent::FileVersion(_) => {}
            SystemEvent::Cpu(cpu) => {
                summary.memory_mb = Some(cpu.memory_mb).filter(|&mb| mb > 0);
                summary.computer = Some(cpu.computer).filter(|name| !name.is_empty());
            }
            SystemEvent::BuildInfo(build) => summary.os_name = Some(format!("{} ({})", build.product, build.build)),
            SystemEvent::GroupMasks(masks) => {
                if let Some(has_pool) = masks.has_pool() {
                    summary.pool_group_enabled = Some(summary.pool_group_enabled.unwrap_or(false) || has_pool);
                }
            }
            SystemEvent::PoolTags(rundown) => add_pool_tags(&mut pool_rundown, time, rundown_phase(kind), rundown),
            SystemEvent::BigPool(rundown) => add_big_pool(&mut pool_rundown, time, rundown_phase(kind), rundown),
            // Paths of images are shown as recorded.
            SystemEvent::VolumeMapping(_) => {}
        }
    }
    let processes = processes.finish(attributes);
    Ok(SystemInfo { modules: images.finish(), processes, pool_rundown, summary })
}

/// Change in the lifecycle of an image or a process, or a record that it existed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LifecycleChange {
    /// Loaded or started.
    Start,
    /// Unloaded or ended.
    End,
    /// There at the start of the recording (DCStart).
    DcStart,
    /// There at the end of the recording (DCEnd).
    DcEnd,
}

impl LifecycleChange {
    /// The change that an image or process event of this kind reports.
    fn of(kind: EventKind) -> Self {
        match kind {
            EventKind::ImageLoad | EventKind::ProcessStart => Self::Start,
            EventKind::ImageUnload | EventKind::ProcessEnd => Self::End,
            EventKind::ImageDcEnd | EventKind::ProcessDcEnd => Self::DcEnd,
            _ => Self::DcStart,
        }
    }
}

/// Facts from the log-file header.
fn header_summary(info: &SessionInfo) -> TraceSummary {
    let header = &info.logfile;
    TraceSummary {
        file_bytes: info.all_bytes(),
        pointer_size: header.pointer_size,
        os_build: header.os_build,
        cpus: header.cpus,
        buffer_bytes: header.buffer_bytes,
        log_file_mode: header.log_file_mode,
        session_name: header.session_name.clone(),
        start_filetime: header.start_filetime,
        end_filetime: header.end_filetime,
        boot_filetime: header.boot_filetime,
        utc_bias_minutes: header.time_zone.map(|zone| zone.bias_minutes(header.start_filetime)),
        perf_freq: header.perf_freq,
        events_lost: u64::from(header.events_lost),
        buffers_lost: u64::from(header.buffers_lost),
        ..TraceSummary::default()
    }
}

/// The end of the recording at which a pool rundown was taken.
fn rundown_phase(kind: EventKind) -> RundownPhase {
    match kind {
        EventKind::PoolTagRundown { is_end: true, .. } | EventKind::BigPoolRundown { is_end: true, .. } => {
            RundownPhase::Stop
        }
        _ => RundownPhase::Start,
    }
}

fn add_pool_tags(pool_rundown: &mut PoolRundown, time: Ticks, phase: RundownPhase, rundown: PoolTagRundown) {
    let usage = |(allocs, frees, used_bytes)| PoolUsage { allocs, frees, used_bytes };
    let session = rundown.session;
    pool_rundown.tags.extend(rundown.tags.into_iter().map(|row| TagUsage {
        phase,
        time,
        session,
        tag: Tag(row.tag),
        paged: usage(row.paged),
        nonpaged: usage(row.is_nonpaged),
    }));
}

fn add_big_pool(pool_rundown: &mut PoolRundown, time: Ticks, phase: RundownPhase, rundown: BigPoolRundown) {
    let session = rundown.session;
    pool_rundown.big.extend(rundown.entries.into_iter().map(|row| BigPoolAllocation {
        phase,
        time,
        session,
        address: row.address,
        size_bytes: row.size,
        tag: Tag(row.tag),
        nonpaged: row.nonpaged,
    }));
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
    fn event(&mut self, time: Ticks, change: LifecycleChange, event: ProcessEvent) {
        let open = self
            .newest
            .get(&event.pid)
            .copied()
            .filter(|&at| self.rows.get(at).is_some_and(|row| row.end == Ticks::NEVER && row.name == event.name));
        if let Some(row) = open.and_then(|at| self.rows.get_mut(at)).filter(|_| change != LifecycleChange::Start) {
            row.object = row.object.or(event.object);
        }
        match (change, open) {
            (LifecycleChange::DcStart | LifecycleChange::DcEnd, Some(_)) => {}
            (LifecycleChange::DcStart | LifecycleChange::DcEnd, None) => self.begin(event, Ticks::UNKNOWN),
            (LifecycleChange::Start, _) => self.begin(event, time),
            (LifecycleChange::End, Some(at)) => self.end(at, time),
            (LifecycleChange::End, None) => {
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
    fn finish(mut self, attributes: &[WorkerInterner<RawAttributes>]) -> ProcessTable {
        let recorded = self.rows.len();
        let pids = attributes.iter().flat_map(|of_worker| of_worker.rows().iter().map(|row| row.pid));
        let mut mentioned: Vec<u32> = pids.filter(|&pid| pid != NO_ID).collect();
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
