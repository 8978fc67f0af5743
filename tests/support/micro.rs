//! Traces of a few records, written one by one, and the blocks that a reader makes of them, one line each, so that a test
//! can be checked by hand.

use crate::synthetic::loaded;
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::allocation::flag;
use poolscope_analysis::trace::attributes::EventAttributes;
use poolscope_analysis::trace::time::Ticks;
use poolscope_synth::writer::pool::{HOOK_ALLOC, HOOK_ALLOC_SESSION, HOOK_FREE, HOOK_FREE_SESSION, PoolBlock};
use poolscope_synth::writer::{
    EventTraceHeader, Guid, RecordHeader, TraceOptions, TraceWriter, Width, guids, image, pool, stack,
};
use std::io::Cursor;
use std::sync::Arc;

/// A block of 64 nonpaged bytes with tag `Leak`.
#[must_use]
pub const fn block(address: u64) -> PoolBlock {
    PoolBlock { pool_type: 512, tag: *b"Leak", size: 64, address, session: None }
}

/// An alloc or free: its hook and payload, as the writer of the given bitness writes it.
#[must_use]
pub fn pool_event(free: bool, of: &PoolBlock, width: Width) -> (u16, Vec<u8>) {
    let hook = match (free, of.session) {
        (false, None) => HOOK_ALLOC,
        (false, Some(_)) => HOOK_ALLOC_SESSION,
        (true, None) => HOOK_FREE,
        (true, Some(_)) => HOOK_FREE_SESSION,
    };
    let mut payload = Vec::new();
    pool::block(&mut payload, width, of);
    (hook, payload)
}

/// A trace in the making. Times are in ticks (100 ns) from time zero; processes and threads are `(pid, tid)`.
pub struct Micro {
    writer: TraceWriter<Cursor<Vec<u8>>>,
}

impl Default for Micro {
    fn default() -> Self {
        Self::new(TraceOptions::default())
    }
}

impl Micro {
    /// A trace with these options.
    #[must_use]
    pub fn new(options: TraceOptions) -> Self {
        Self { writer: TraceWriter::in_memory(options).expect("the options make sense") }
    }

    /// The raw timestamp of a time.
    #[must_use]
    pub fn raw(&self, time: i64) -> i64 {
        self.writer.options().start_ticks + time
    }

    /// Any record.
    pub fn put(&mut self, cpu: u16, head: &RecordHeader<'_>, payload: &[u8]) {
        self.writer.put(cpu, head, payload).expect("the record fits");
    }

    /// A kernel event with thread and process.
    pub fn system(&mut self, cpu: u16, time: i64, hook: u16, version: u8, owner: (u32, u32), payload: &[u8]) {
        let ticks = self.raw(time);
        self.writer.system(cpu, hook, version, ticks, owner, payload).expect("the record fits");
    }

    /// An allocation.
    pub fn alloc(&mut self, cpu: u16, time: i64, owner: (u32, u32), of: &PoolBlock) {
        let (hook, payload) = pool_event(false, of, self.writer.options().width);
        self.system(cpu, time, hook, 2, owner, &payload);
    }

    /// A free.
    pub fn free(&mut self, cpu: u16, time: i64, owner: (u32, u32), of: &PoolBlock) {
        let (hook, payload) = pool_event(true, of, self.writer.options().width);
        self.system(cpu, time, hook, 2, owner, &payload);
    }

    /// A whole stack, or one half: `times` are its own and its event's; frames from the innermost outward.
    pub fn stack(&mut self, cpu: u16, times: (i64, i64), owner: (u32, u32), frames: &[u64]) {
        let mut payload = Vec::new();
        stack::inline(&mut payload, self.writer.options().width, self.raw(times.1), owner, frames);
        self.perf_info(cpu, times.0, stack::HOOK_INLINE, &payload);
    }

    /// A reference to a cached stack: `times` are its own and its event's.
    pub fn reference(&mut self, cpu: u16, times: (i64, i64), owner: (u32, u32), hook: u16, key: u64) {
        let mut payload = Vec::new();
        stack::reference(&mut payload, self.writer.options().width, self.raw(times.1), owner, key);
        self.perf_info(cpu, times.0, hook, &payload);
    }

    /// The definition of a cached stack.
    pub fn definition(&mut self, cpu: u16, time: i64, key: u64, frames: &[u64]) {
        let mut payload = Vec::new();
        stack::definition(&mut payload, self.writer.options().width, key, frames);
        self.perf_info(cpu, time, stack::HOOK_KEY_DELETE, &payload);
    }

    /// An image record of the kernel: its hook says whether the image comes, goes or is there.
    pub fn image(&mut self, time: i64, hook: u16, of: &image::Image<'_>) {
        let mut payload = Vec::new();
        image::image(&mut payload, self.writer.options().width, 3, of);
        self.system(0, time, hook, 3, (4, 8), &payload);
    }

    /// The identity of an image's PDB, as a merge injects it: GUID and age, name.
    pub fn identity(&mut self, time: i64, of: &image::Image<'_>, pdb: (&Guid, u32), name: &str) {
        let (mut payload, width) = (Vec::new(), self.writer.options().width);
        image::rsds(&mut payload, width, of.base, of.pid, pdb, name);
        let (ticks, pid) = (self.raw(time), of.pid);
        let (guid, opcode, tid) = (guids::IMAGE_ID, image::OPCODE_RSDS, u32::MAX);
        let head = EventTraceHeader { width, guid, opcode, level: 0, version: 2, ticks, pid, tid };
        self.put(0, &RecordHeader::Full(head), &payload);
    }

    /// A kernel event without thread and process.
    pub fn perf_info(&mut self, cpu: u16, time: i64, hook: u16, payload: &[u8]) {
        let ticks = self.raw(time);
        self.writer.perf_info(cpu, hook, 2, ticks, payload).expect("the record fits");
    }

    /// Ends the open buffer of a CPU.
    pub fn flush(&mut self, cpu: u16) {
        self.writer.flush_cpu(cpu).expect("memory takes every buffer");
    }

    /// Throws the open buffer of a CPU away; the next one is marked.
    pub fn lose(&mut self, cpu: u16) {
        self.writer.lose_buffer(cpu).expect("the CPU exists");
    }

    /// The finished file, its recording ended at `end`.
    #[must_use]
    pub fn bytes(self, end: i64) -> Vec<u8> {
        let end = self.raw(end);
        let (out, _) = self.writer.finish_at(end).expect("memory takes every file");
        out.into_inner()
    }

    /// The finished file, loaded; the recording ended at tick 1000.
    #[must_use]
    pub fn load(self) -> Arc<Trace> {
        loaded(self.bytes(1_000))
    }
}

/// The blocks of a trace in order of address, session and time: `tag address bytes from..to`. No time before `..` is an
/// unknown allocation, none after it no free; `!` stands at an implied end; a session stands after the address.
#[must_use]
pub fn blocks(trace: &Trace) -> Vec<String> {
    let table = &trace.allocations;
    let mut rows: Vec<(u64, u32, Ticks, String)> = Vec::new();
    for row in 0..table.len() {
        let context = trace.attributes.get(table.alloc_attributes[row]).expect("every row has a context");
        let time = |time: Ticks| if time.is_known() { time.0.to_string() } else { String::new() };
        let mark = |bit| if table.flags[row] & bit != 0 { "!" } else { "" };
        let session = if context.session == EventAttributes::NO_SESSION {
            String::new()
        } else {
            format!("/{}", context.session)
        };
        let line = format!(
            "{} {:#x}{session} {} {}{}..{}{}",
            context.tag.text(),
            table.address.get(row).expect("a loaded address"),
            table.size.at(row),
            mark(flag::IMPLIED_ALLOCATION),
            time(table.alloc_time.at(row)),
            time(table.free_time[row]),
            mark(flag::IMPLIED_FREE),
        );
        rows.push((table.address.get(row).expect("a loaded address"), context.session, table.alloc_time.at(row), line));
    }
    rows.sort();
    rows.into_iter().map(|row| row.3).collect()
}

/// The allocation stacks of a trace in order of address: the frames' modules and addresses from the outermost inwards.
#[must_use]
pub fn stacks(trace: &Trace) -> Vec<String> {
    let table = &trace.allocations;
    let mut rows: Vec<(u64, Ticks, String)> = Vec::new();
    for row in 0..table.len() {
        let frames = trace.stacks.outer_to_inner(table.alloc_stack[row]);
        let texts = frames.iter().map(|frame| {
            let frame = trace.stacks.frame_rows()[frame.index()];
            let module = trace.modules.get(frame.module).map_or("", |module| module.name.as_str());
            format!("{module}{}{:#x}", if module.is_empty() { "" } else { "!" }, frame.address)
        });
        let line = format!(
            "{:#x}: {}",
            table.address.get(row).expect("a loaded address"),
            texts.collect::<Vec<_>>().join(" ")
        );
        rows.push((table.address.get(row).expect("a loaded address"), table.alloc_time.at(row), line));
    }
    rows.sort();
    rows.into_iter().map(|row| row.2).collect()
}
