//! Rundown at both ends of a trace: group masks, processes, threads, images with identities, pool rundown, cached stacks; and the
//! records that a merge injects.

use super::engine::{Engine, TagCounters, full_head};
use super::entities::StackId;
use crate::SynthError;
use crate::ground_truth::{RundownGrowth, display_tag};
use crate::writer::{Guid, KernelHeaderForm, RecordHeader, Width, guids, image, pool, process, stack, system};

/// Process and thread that log rundown records: a thread of System.
const LOGGER: (u32, u32) = (4, 8);
/// Index of a tag whose counters start just below 2^32, so that they wrap.
const WRAPPING_TAG: usize = 1;

impl Engine<'_> {
    /// Writes the rundown before the first event.
    pub fn start_rundown(&mut self) -> Result<(), SynthError> {
        self.group_masks(system::HOOK_GROUP_MASKS)?;
        self.scratch.clear();
        let (mhz, cpus) = (self.params.cpu_mhz, u32::from(self.params.cpus));
        system::cpu_config(&mut self.scratch, self.params.width, mhz, cpus, 16_384, &self.params.computer);
        self.rundown(system::HOOK_CPU, 3, KernelHeaderForm::System, LOGGER)?;
        for index in 0..self.entities.processes.len() {
            if self.entities.processes[index].starts_at == 0.0 {
                self.process(process::HOOK_DC_START, KernelHeaderForm::PerfInfo, index)?;
                self.threads_of(index, process::HOOK_THREAD_DC_START)?;
            }
        }
        for index in 0..self.entities.images.len() {
            let with = self.entities.images[index].loaded_with;
            if with.is_none_or(|process| self.entities.processes[process].starts_at == 0.0) {
                self.image(image::HOOK_DC_START, index)?;
            }
        }
        for tag in &mut self.tags {
            tag.at_start.clone_from(&tag.counters);
        }
        self.snapshots(false)
    }

    /// Writes the rundown after the last event.
    pub fn end_rundown(&mut self) -> Result<(), SynthError> {
        self.snapshots(true)?;
        for index in
            (0..self.entities.processes.len()).filter(|index| !self.leaks.has_ended(*index)).collect::<Vec<_>>()
        {
            self.process(process::HOOK_DC_END, KernelHeaderForm::PerfInfo, index)?;
            self.threads_of(index, process::HOOK_THREAD_DC_END)?;
        }
        for index in 0..self.entities.images.len() {
            self.image(image::HOOK_DC_END, index)?;
        }
        let cached: Vec<(u64, StackId)> =
            self.caches.iter().flat_map(super::stack_cache::StackCache::entries_by_key).collect();
        for (key, stack) in cached {
            self.now += 1;
            self.write_definition(0, stack::HOOK_KEY_RUNDOWN, key, stack)?;
        }
        self.scratch.clear();
        self.rundown(system::HOOK_RUNDOWN_COMPLETE, 2, KernelHeaderForm::PerfInfo, LOGGER)?;
        self.group_masks(system::HOOK_GROUP_MASKS_END)
    }

    /// Writes the start of a process during the trace, with its threads and images.
    pub fn start_process(&mut self, index: usize) -> Result<(), SynthError> {
        self.process(process::HOOK_START, KernelHeaderForm::System, index)?;
        self.threads_of(index, process::HOOK_THREAD_START)?;
        for image in 0..self.entities.images.len() {
            if self.entities.images[image].loaded_with == Some(index) {
                self.image(image::HOOK_LOAD, image)?;
            }
        }
        Ok(())
    }

    /// Writes the payload in `scratch` one tick later, on the first CPU.
    fn rundown(
        &mut self,
        hook: u16,
        version: u8,
        form: KernelHeaderForm,
        owner: (u32, u32),
    ) -> Result<u64, SynthError> {
        self.now += 1;
        self.claim_tick();
        self.write_kernel_event(0, hook, version, form, owner)
    }

    /// Writes the payload in `scratch` as a pool rundown record.
    fn snapshot(&mut self, hook: u16) -> Result<(), SynthError> {
        let buffer = self.rundown(hook, 2, KernelHeaderForm::PerfInfo, LOGGER)?;
        if let Some(log) = &mut self.log {
            log.add_rundown_record(buffer);
        }
        Ok(())
    }

    fn group_masks(&mut self, hook: u16) -> Result<(), SynthError> {
        let mut masks = [0u32; 8];
        // Process, thread, image; pool. Stacks are enabled separately.
        (masks[0], masks[1]) = (0x7, system::MASK1_POOL);
        self.scratch.clear();
        system::group_masks(&mut self.scratch, &masks, 0x46);
        self.rundown(hook, 2, KernelHeaderForm::PerfInfo, LOGGER)?;
        Ok(())
    }

    pub fn process(&mut self, hook: u16, form: KernelHeaderForm, index: usize) -> Result<(), SynthError> {
        const SYSTEM_SID: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
        let kernel_base = if self.params.width == Width::Bits64 { 0xFFFF_E28A_1000_0080 } else { 0x8700_0080 };
        let of = &self.entities.processes[index];
        let fields = process::Process {
            key: self.leaks.key(index).unwrap_or(kernel_base + 0x1000 * index as u64),
            pid: of.pid,
            parent: of.parent,
            session: of.session,
            exit_status: 0x103,
            flags: 0,
            sid: if index == 0 { &[] } else { &SYSTEM_SID },
            image: &of.image,
            command_line: &of.command_line,
        };
        let owner = match hook {
            process::HOOK_START => (of.parent, 8),
            process::HOOK_END => (of.pid, 8),
            _ => LOGGER,
        };
        self.scratch.clear();
        process::process(&mut self.scratch, self.params.width, 4, &fields);
        self.rundown(hook, 4, form, owner)?;
        Ok(())
    }

    pub fn threads_of(&mut self, process: usize, hook: u16) -> Result<(), SynthError> {
        for index in 0..self.entities.threads.len() {
            let thread = self.entities.threads[index];
            if thread.process != process {
                continue;
            }
            let pid = self.entities.processes[process].pid;
            let start_address = if self.params.width == Width::Bits64 { 0x7FFB_1A22_2630 } else { 0x7702_2630 };
            let fields = process::Thread { pid, tid: thread.tid, start_address, name: Some("") };
            self.scratch.clear();
            process::thread(&mut self.scratch, self.params.width, &fields);
            self.rundown(hook, 3, KernelHeaderForm::System, LOGGER)?;
        }
        Ok(())
    }

    fn image(&mut self, hook: u16, index: usize) -> Result<(), SynthError> {
        let pid = self.entities.images[index].process.map_or(0, |process| self.entities.processes[process].pid);
        let of = &self.entities.images[index];
        let fields = image::Image {
            base: of.base,
            size: of.size,
            pid,
            checksum: of.checksum,
            timestamp: of.timestamp,
            path: &of.path,
        };
        self.scratch.clear();
        image::image(&mut self.scratch, self.params.width, 3, &fields);
        let form =
            if pid == 0 || hook == image::HOOK_LOAD { KernelHeaderForm::System } else { KernelHeaderForm::PerfInfo };
        let owner = if hook == image::HOOK_LOAD { (pid, 8) } else { LOGGER };
        self.rundown(hook, 3, form, owner)?;
        if self.params.merged && hook != image::HOOK_DC_END {
            self.identity(index, pid)?;
        }
        Ok(())
    }

    /// Writes the identity records of an image, at the time of its image record, as a merge injects them.
    fn identity(&mut self, index: usize, pid: u32) -> Result<(), SynthError> {
        let width = self.params.width;
        let of = &self.entities.images[index];
        let fields =
            image::Image { base: of.base, size: of.size, pid, checksum: 0, timestamp: of.timestamp, path: &of.path };
        let (file, numbers) = (of.file.as_str(), of.version.as_str());
        let version = format!("{numbers} (WinBuild.160101.0800)");
        let texts = [file, "", version.as_str(), numbers, "English", "Product", "Company", numbers, "", ""];
        let (mut version_text, mut id, mut rsds) = (Vec::new(), Vec::new(), Vec::new());
        image::file_version(&mut version_text, of.size as u32, of.timestamp, &texts);
        image::image_id(&mut id, width, &fields, file);
        image::rsds(&mut rsds, width, of.base, pid, (&of.guid, of.age), &of.pdb);
        self.injected(guids::IMAGE_ID, (image::OPCODE_FILE_VERSION, 0), pid, &version_text)?;
        self.injected(guids::IMAGE_ID, (image::OPCODE_IMAGE_ID, 2), pid, &id)?;
        self.injected(guids::IMAGE_ID, (image::OPCODE_RSDS, 2), pid, &rsds)
    }

    fn injected(&mut self, guid: Guid, kind: (u8, u16), pid: u32, payload: &[u8]) -> Result<(), SynthError> {
        let head = full_head(self.params.width, guid, kind.0, kind.1, self.now, (pid, u32::MAX));
        self.writer.put(0, &RecordHeader::Full(head), payload)?;
        Ok(())
    }

    /// Writes the system configuration as a merge injects it: after the end of the trace.
    pub fn inject_configuration(&mut self) -> Result<(), SynthError> {
        if !self.params.merged {
            return Ok(());
        }
        self.now += self.micros(2_000_000);
        let mut payload = Vec::new();
        let build = format!("{}.1.amd64fre.vb_release.191206-1406", self.params.os_build);
        system::build_info(&mut payload, 132_000_000_000_000_000, &build, "Windows 10 Pro");
        self.injected(guids::SYS_CONFIG_EX, (system::OPCODE_BUILD_INFO, 0), 4, &payload)?;
        payload.clear();
        system::two_texts(&mut payload, "C:\\Windows\\system32\\", "C:\\Windows\\");
        self.injected(guids::SYS_CONFIG_EX, (system::OPCODE_SYSTEM_PATHS, 0), 4, &payload)?;
        for index in 0..self.entities.volumes.len() {
            let (nt_path, dos_path) = &self.entities.volumes[index];
            payload.clear();
            system::two_texts(&mut payload, nt_path, dos_path);
            self.injected(guids::SYS_CONFIG_EX, (system::OPCODE_VOLUME_MAPPING, 0), 4, &payload)?;
        }
        Ok(())
    }

    /// Sessions with blocks; `None` (outside sessions) first.
    fn sessions(&self) -> Vec<Option<u32>> {
        let slots = self.tags.iter().map(|tag| tag.counters.len()).max().unwrap_or(0);
        (0..slots.max(1)).map(|slot| (slot as u32).checked_sub(1)).collect()
    }

    fn snapshots(&mut self, end: bool) -> Result<(), SynthError> {
        if !self.params.pool_rundown {
            return Ok(());
        }
        for session in self.sessions() {
            let step = if session.is_some() { pool::SESSION_SNAPSHOT_STEP } else { 0 };
            let tags = self.tag_entries(session);
            for entries in tags.chunks(pool::SNAPSHOT_ENTRIES) {
                self.scratch.clear();
                pool::tag_snapshot(&mut self.scratch, self.params.width, session, entries);
                self.snapshot(pool::HOOK_TAGS_START + u16::from(end) + step)?;
            }
            let of_session = self.big.iter().filter(|((of, _), _)| *of == session);
            let big: Vec<pool::BigBlock> = of_session
                .map(|((_, address), live)| pool::BigBlock {
                    address: *address,
                    nonpaged: live.pool_type & 1 == 0,
                    size: live.size,
                    tag: self.entities.tags[live.tag as usize].tag,
                })
                .collect();
            for entries in big.chunks(pool::SNAPSHOT_ENTRIES) {
                self.scratch.clear();
                pool::big_snapshot(&mut self.scratch, self.params.width, session, entries);
                self.snapshot(pool::HOOK_BIG_START + u16::from(end) + step)?;
            }
        }
        Ok(())
    }

    /// Counters of all tags in `session`. Two tags of one name are one entry.
    fn tag_entries(&self, session: Option<u32>) -> Vec<pool::TagCounters> {
        let slot = session.map_or(0, |session| session as usize + 1);
        let mut entries: Vec<pool::TagCounters> = Vec::new();
        for (index, (state, of)) in self.tags.iter().zip(&self.entities.tags).enumerate() {
            let Some(counters) = state.counters.get(slot).filter(|counters| counters.allocs > 0) else {
                continue;
            };
            let known = entries.iter().position(|entry| entry.tag == of.tag);
            let at = known.unwrap_or_else(|| {
                entries.push(pool::TagCounters { tag: of.tag, ..pool::TagCounters::default() });
                entries.len() - 1
            });
            let base = if index == WRAPPING_TAG { u32::MAX - 50 } else { 1_000 * index as u32 };
            add(&mut entries[at], counters, of.pool.is_paged(), base);
        }
        entries
    }

    /// Growth per tag between the rundowns, summed over tags of one name; only tags that appear in a rundown.
    pub fn snapshot_growth(&self) -> Vec<RundownGrowth> {
        let mut growth: Vec<RundownGrowth> = Vec::new();
        if !self.params.pool_rundown {
            return growth;
        }
        for session in self.sessions() {
            let slot = session.map_or(0, |session| session as usize + 1);
            for (state, of) in self.tags.iter().zip(&self.entities.tags) {
                let Some(last) = state.counters.get(slot).filter(|counters| counters.allocs > 0) else {
                    continue;
                };
                let first = state.at_start.get(slot).map_or(0, |counters| counters.bytes);
                let bytes = last.bytes as i64 - first as i64;
                let tag = display_tag(of.tag);
                let known = growth.iter().position(|entry| entry.tag == tag && entry.session == session);
                let at = known.unwrap_or_else(|| {
                    growth.push(RundownGrowth { tag, session, paged_bytes: 0, nonpaged_bytes: 0 });
                    growth.len() - 1
                });
                if of.pool.is_paged() { growth[at].paged_bytes += bytes } else { growth[at].nonpaged_bytes += bytes }
            }
        }
        growth
    }
}

fn add(entry: &mut pool::TagCounters, counters: &TagCounters, paged: bool, base: u32) {
    let (allocs, frees, used) = if paged {
        (&mut entry.paged_allocs, &mut entry.paged_frees, &mut entry.paged_used)
    } else {
        (&mut entry.nonpaged_allocs, &mut entry.nonpaged_frees, &mut entry.nonpaged_used)
    };
    *allocs = allocs.wrapping_add(base).wrapping_add(counters.allocs as u32);
    *frees = frees.wrapping_add(base).wrapping_add(counters.frees as u32);
    *used += counters.bytes;
}
