//! Small hand-made traces for the tests of this crate.

use super::column_values::ColumnValues;
use super::frames::{FrameNames, FrameNaming};
use crate::trace::Trace;
use crate::trace::allocation::AllocationTable;
use crate::trace::attributes::{AttributesTable, EventAttributes, PoolType, Tag};
use crate::trace::ids::{AttributesId, FrameId, ModuleId, ProcessId, StackId};
use crate::trace::module::{Module, ModuleTable};
use crate::trace::process::{Process, ProcessTable};
use crate::trace::recorded::RecordedRange;
use crate::trace::stack::{Frame, StackInterner};
use crate::trace::summary::{PoolRundown, TraceStatistics, TraceSummary};
use crate::trace::time::{Clock, ClockKind, Ticks, TimeRange};
use poolscope_etl::diagnostics::Diagnostics;
use poolscope_symbols::names::{AddressSymbol, InlinedFunction, NameSource, SourceLine};
use std::sync::Arc;

/// Ticks per second of these traces.
pub const HZ: u64 = 1000;
/// Modules with their addresses: nt, wrapper, two drivers, one user module.
const MODULES: [(&str, u64, bool); 5] = [
    ("ntoskrnl.exe", 0xffff_f800_0000_0000, true),
    ("wdf01000.sys", 0xffff_f800_1000_0000, true),
    ("myfault.sys", 0xffff_f800_2000_0000, true),
    ("other.sys", 0xffff_f800_3000_0000, true),
    ("app.exe", 0x7ff0_0000_0000, false),
];

/// Description of an allocation.
#[derive(Clone, Debug)]
pub struct Block {
    pub alloc: Option<i64>,
    pub free: Option<i64>,
    pub size: u64,
    pub address: u64,
    pub tag: &'static [u8; 4],
    pub pool_type: u32,
    pub process: u32,
    pub thread: u32,
    pub cpu: u16,
    pub session: Option<u32>,
    /// `module:offset`, outermost first; module by its first letters as in [`frame`].
    pub stack: &'static [&'static str],
    pub free_stack: &'static [&'static str],
    /// Bits of [`crate::trace::allocation::flag`].
    pub flags: u8,
}

/// A nonpaged block of tag `Leak` of process 0, thread 8, without stacks.
pub fn block(alloc: Option<i64>, free: Option<i64>, size: u64) -> Block {
    Block {
        alloc,
        free,
        size,
        address: 0xffff_9000_0000_0000,
        tag: b"Leak",
        pool_type: 512,
        process: 0,
        thread: 8,
        cpu: 0,
        session: None,
        stack: &[],
        free_stack: &[],
        flags: 0,
    }
}

/// `nt:10` is at ntoskrnl.exe+0x10; `wdf`, `my`, `other`, `app` likewise; `?:10` is address 0x10 of no module.
fn frame(text: &str) -> Frame {
    let (module, offset) = text.split_once(':').unwrap();
    let offset = u64::from_str_radix(offset, 16).unwrap();
    match MODULES.iter().position(|m| m.0.starts_with(module)) {
        Some(at) => Frame { address: MODULES[at].1 + offset, module: ModuleId(at as u32) },
        None => Frame { address: offset, module: ModuleId::NONE },
    }
}

fn stack(interner: &mut StackInterner, frames: &[&str]) -> StackId {
    frames.iter().fold(StackId::EMPTY, |parent, text| {
        let frame = interner.frame(frame(text));
        interner.push(parent, frame)
    })
}

fn modules() -> ModuleTable {
    let rows = MODULES.map(|(name, base, is_kernel)| Module {
        path: format!("\\SystemRoot\\{name}"),
        name: name.to_owned(),
        base,
        size_bytes: 0x100_0000,
        timestamp: 0,
        checksum: 0,
        rsds: None,
        file_version: None,
        is_kernel,
    });
    ModuleTable::new(rows.to_vec(), Vec::new())
}

fn processes() -> ProcessTable {
    let rows = [("System", 4), ("NotMyfault.exe", 1234), ("svchost.exe", 800), ("svchost.exe", 800)];
    let rows = rows.map(|(name, pid)| Process {
        object: None,
        pid,
        parent_pid: 0,
        session: 0,
        name: name.to_owned(),
        command_line: String::new(),
        start: Ticks::UNKNOWN,
        end: Ticks::NEVER,
    });
    ProcessTable::new(rows.to_vec(), 4)
}

/// The blocks in the order of the trace's rows.
pub fn in_row_order(mut blocks: Vec<Block>) -> Vec<Block> {
    // `None` is less than any time: blocks from before the trace come first.
    blocks.sort_by_key(|b| (b.alloc, if b.alloc.is_none() { b.free.unwrap_or(i64::MAX) } else { 0 }));
    blocks
}

/// A trace of these blocks; it spans ticks 0 to 10,000 (10 s). Rows are [`in_row_order`], as those of a loaded trace.
pub fn trace(blocks: &[Block]) -> Arc<Trace> {
    let blocks = in_row_order(blocks.to_vec());
    let mut table = AllocationTable::default();
    let mut rows: Vec<EventAttributes> = Vec::new();
    let mut interner = StackInterner::default();
    for b in &blocks {
        let attributes = EventAttributes {
            tag: Tag(*b.tag),
            pool_type: PoolType(b.pool_type),
            process: ProcessId(b.process),
            thread: b.thread,
            session: b.session.unwrap_or(EventAttributes::NO_SESSION),
            cpu: b.cpu,
        };
        let at = rows.iter().position(|c| *c == attributes).unwrap_or_else(|| {
            rows.push(attributes);
            rows.len() - 1
        });
        table.alloc_time.push(b.alloc.map_or(Ticks::UNKNOWN, Ticks));
        table.free_time.push(b.free.map_or(Ticks::NEVER, Ticks));
        table.size.push(b.size);
        table.address.push(b.address);
        table.alloc_attributes.push(AttributesId(at as u32));
        table.free_attributes.push(AttributesId::NONE);
        table.alloc_stack.push(stack(&mut interner, b.stack));
        table.free_stack.push(stack(&mut interner, b.free_stack));
        table.flags.push(b.flags);
    }
    Arc::new(Trace {
        summary: TraceSummary { pointer_size: 8, ..TraceSummary::default() },
        clock: Clock { kind: ClockKind::Qpc, ticks_per_second: HZ, start_filetime: 0 },
        extent: TimeRange { from: Ticks(0), to: Ticks(10_000) },
        recorded: RecordedRange::whole(TimeRange { from: Ticks(0), to: Ticks(10_000) }),
        allocations: table,
        attributes: AttributesTable::from_rows(rows),
        stacks: interner.finish(),
        free_order: None,
        frame_symbols: None,
        modules: modules(),
        processes: processes(),
        pool_rundown: PoolRundown::default(),
        statistics: TraceStatistics::default(),
        diagnostics: Diagnostics::default(),
    })
}

/// The column values of [`trace`] without symbols.
pub fn names(blocks: &[Block]) -> ColumnValues {
    ColumnValues::new(trace(blocks), FrameNaming::Symbol)
}

/// Hand-made function names.
#[derive(Clone)]
pub struct FakeNames(Vec<Option<AddressSymbol>>);

impl FakeNames {
    /// For frames as in [`Block::stack`] their functions, each one byte before the frame; `f > g > h` for functions inlined
    /// there, `~f` for a name by export.
    pub fn new(trace: &Trace, names: &[(&str, &str)]) -> Self {
        let answer = |row: &Frame| {
            let text = names.iter().find(|(text, _)| frame(text) == *row)?.1;
            let source = if text.starts_with('~') { NameSource::Export } else { NameSource::Procedure };
            let mut functions = text.trim_start_matches('~').split(" > ");
            let line = |line| Some(SourceLine { file: "a.c".into(), line });
            Some(AddressSymbol {
                function: functions.next().unwrap().into(),
                offset_bytes: 1,
                source,
                line: line(7).filter(|_| source == NameSource::Procedure),
                inlined: functions.map(|f| InlinedFunction { function: f.into(), line: line(9) }).collect(),
            })
        };
        Self(trace.stacks.frame_rows().iter().map(answer).collect())
    }
}

impl FrameNames for FakeNames {
    fn answer(&self, frame: FrameId) -> Option<&AddressSymbol> {
        self.0.get(frame.index())?.as_ref()
    }
}

/// Numbers that look random and are the same in every run (splitmix64).
pub struct Rng(pub u64);

impl Rng {
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

/// Blocks that look random, [`in_row_order`].
pub fn random_blocks(seed: u64, count: usize) -> Vec<Block> {
    const STACKS: [&[&str]; 6] = [
        &[],
        &["app:10", "nt:20", "my:30", "nt:40"],
        &["app:10", "nt:20", "other:30", "wdf:1", "nt:40"],
        &["app:10", "nt:20"],
        &["nt:20", "nt:40"],
        &["app:11", "nt:20", "my:30", "nt:40"],
    ];
    const TAGS: [&[u8; 4]; 4] = [b"Leak", b"Fil ", b"NtfA", b"Ntf\x01"];
    let mut dice = Rng(seed);
    let blocks = (0..count)
        .map(|_| {
            let alloc = dice.roll(10_000) as i64;
            Block {
                alloc: (dice.roll(8) > 0).then_some(alloc),
                free: (dice.roll(3) > 0).then_some(alloc + dice.roll(3000) as i64),
                size: dice.roll(5000),
                address: 0xffff_9000_0000_0000 + dice.roll(200) * 16,
                tag: TAGS[dice.roll(4) as usize],
                pool_type: [512, 1, 33][dice.roll(3) as usize],
                process: dice.roll(4) as u32,
                thread: dice.roll(5) as u32,
                cpu: dice.roll(2) as u16,
                session: (dice.roll(2) > 0).then_some(1),
                stack: STACKS[dice.roll(6) as usize],
                free_stack: STACKS[dice.roll(6) as usize],
                flags: 0,
            }
        })
        .collect();
    in_row_order(blocks)
}
