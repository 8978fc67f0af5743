//! Records of other events in every header form, some with stacks, which a reader must skip.

use super::engine::{Engine, full_head};
use crate::SynthError;
use crate::writer::{
    EventHeader, EventInstanceHeader, ExtendedItem, Guid, KernelHeader, KernelHeaderForm, RecordHeader, Sink,
    TraceMessageHeader, Width,
};

const PROVIDER: Guid = Guid::new(0x0f17ca93_8d4e_4c5a_9b1e_3c60a2b4d5e6);
const CLASSIC: Guid = Guid::new(0x5a1d0c72_6f3b_4e19_a7c4_91f0de283b47);

const HOOK_CSWITCH: u16 = 0x0524;
const HOOK_SAMPLE: u16 = 0x0F2E;
const HOOK_DPC: u16 = 0x0F44;
const HOOK_FILE_IO: u16 = 0x0443;
/// A page was added to a pool: named in headers, layout undocumented.
const HOOK_POOL_PAGE: u16 = 0x0E24;

impl Engine<'_> {
    /// Writes other records at the rate of the parameters.
    pub fn write_noise(&mut self) -> Result<(), SynthError> {
        let share = self.params.noise_share;
        let whole = share as u64;
        let count = whole + u64::from(self.rng.chance(share - whole as f64));
        for _ in 0..count {
            self.noise_record()?;
        }
        Ok(())
    }

    fn noise_record(&mut self) -> Result<(), SynthError> {
        // Threads of a process that has not started log nothing.
        let thread = self.rng.index(self.entities.threads.len());
        if self.entities.processes[self.entities.threads[thread].process].starts_at > 0.0 {
            return Ok(());
        }
        let (_, cpu) = self.tick_of(thread);
        let owner = self.owner(thread);
        let kind = self.rng.below(8);
        if matches!(kind, 0 | 1 | 6) {
            self.now += i64::from(!self.params.shared_ticks);
            self.claim_tick();
            self.threads[thread].last = self.now;
        }
        match kind {
            0 => self.context_switch(cpu, owner),
            1 => self.sample(thread, cpu, owner),
            2 => self.manifest_event(cpu, owner, self.params.width),
            3 => self.manifest_event(cpu, owner, Width::Bits32),
            4 => self.classic_event(cpu, owner),
            5 => self.message(cpu, owner),
            6 => self.counted(cpu),
            _ => self.file_io(thread, cpu, owner),
        }
    }

    fn put_kernel(
        &mut self,
        cpu: u16,
        hook: u16,
        form: KernelHeaderForm,
        owner: (u32, u32),
    ) -> Result<u64, SynthError> {
        let head = KernelHeader::new(form, self.params.width, hook, 2, self.now, owner);
        self.writer.put(cpu, &RecordHeader::Kernel(head), &self.scratch)
    }

    fn context_switch(&mut self, cpu: u16, owner: (u32, u32)) -> Result<(), SynthError> {
        self.scratch.clear();
        self.scratch.u32(owner.1);
        self.scratch.u32(0);
        self.scratch.extend_from_slice(&[8, 0, 0, 0, 0, 0, 2, 1]);
        self.scratch.u64(0);
        self.put_kernel(cpu, HOOK_CSWITCH, KernelHeaderForm::PerfInfo, owner)?;
        Ok(())
    }

    /// A profile sample, whose thread is only in its payload and its stack.
    fn sample(&mut self, thread: usize, cpu: u16, owner: (u32, u32)) -> Result<(), SynthError> {
        let buffer = self.put_sample(cpu, owner, self.entities.images[0].base + 0x1234)?;
        self.noise_stack(thread, cpu, owner, buffer);
        Ok(())
    }

    /// Writes a profile sample at an address and returns its buffer.
    pub fn put_sample(&mut self, cpu: u16, owner: (u32, u32), address: u64) -> Result<u64, SynthError> {
        self.scratch.clear();
        self.scratch.ptr(self.params.width, address);
        self.scratch.u32(owner.1);
        self.scratch.u32(1);
        self.put_kernel(cpu, HOOK_SAMPLE, KernelHeaderForm::PerfInfo, owner)
    }

    fn file_io(&mut self, thread: usize, cpu: u16, owner: (u32, u32)) -> Result<(), SynthError> {
        let form = if self.rng.chance(0.5) { KernelHeaderForm::Compact } else { KernelHeaderForm::System };
        self.scratch.clear();
        self.scratch.zeros(36);
        let buffer = self.put_kernel(cpu, HOOK_FILE_IO, form, owner)?;
        self.noise_stack(thread, cpu, owner, buffer);
        Ok(())
    }

    fn noise_stack(&mut self, thread: usize, cpu: u16, owner: (u32, u32), buffer: u64) {
        let tag = self.entities.threads[thread].process % self.entities.tags.len();
        let first = self.entities.tags[tag].alloc_stacks.first().copied();
        if let Some(stack) = first {
            self.plan_other_stacks(owner, cpu, buffer, Some(stack.kernel), None);
        }
    }

    fn manifest_event(&mut self, cpu: u16, owner: (u32, u32), width: Width) -> Result<(), SynthError> {
        let mut stack = vec![0; 8];
        for _ in 0..3 {
            stack.ptr(width, self.entities.images[0].base + 0x77);
        }
        let activity = [7; 16];
        let kind = if width == Width::Bits64 { 6 } else { 5 };
        let items = [ExtendedItem { kind: 1, data: &activity }, ExtendedItem { kind, data: &stack }];
        let head = EventHeader {
            width,
            guid: PROVIDER,
            id: 1_001,
            version: 1,
            opcode: 0,
            level: 4,
            task: 12,
            keyword: 0x8000_0000_0000_0001,
            ticks: self.now,
            pid: owner.0,
            tid: owner.1,
            items: if self.now % 3 == 0 { &[] } else { &items },
        };
        self.writer.put(cpu, &RecordHeader::Event(head), b"w\0o\0r\0d\0\0\0")?;
        Ok(())
    }

    fn classic_event(&mut self, cpu: u16, owner: (u32, u32)) -> Result<(), SynthError> {
        let full = full_head(Width::Bits32, CLASSIC, 34, 2, self.now, owner);
        let instance = EventInstanceHeader { full, instance: 3, parent: 2, parent_guid: PROVIDER };
        let head = if self.now % 2 == 0 { RecordHeader::Full(full) } else { RecordHeader::Instance(instance) };
        self.writer.put(cpu, &head, &[1, 2, 3, 4, 5])?;
        Ok(())
    }

    fn message(&mut self, cpu: u16, owner: (u32, u32)) -> Result<(), SynthError> {
        let head = TraceMessageHeader { number: 17, guid: CLASSIC, ticks: self.now, pid: owner.0, tid: owner.1 };
        self.writer.put(cpu, &RecordHeader::Message(head), &[9; 6])?;
        Ok(())
    }

    /// A record with PEBS index and performance counters, or an undocumented record of the pool group.
    fn counted(&mut self, cpu: u16) -> Result<(), SynthError> {
        self.scratch.clear();
        self.scratch.zeros(16);
        if self.now % 2 == 0 {
            self.put_kernel(cpu, HOOK_POOL_PAGE, KernelHeaderForm::PerfInfo, (0, 0))?;
            return Ok(());
        }
        let base = KernelHeader::new(KernelHeaderForm::PerfInfo, self.params.width, HOOK_DPC, 2, self.now, (0, 0));
        let head = KernelHeader { pebs: Some(1), counters: &[10, 20, 30], ..base };
        self.writer.put(cpu, &RecordHeader::Kernel(head), &self.scratch)?;
        Ok(())
    }
}
