//! A trace of events that were printed as text: in order, without times, with stacks whose frames have names already. Pivot, flame
//! graph and butterfly work on it as on a recorded trace; what needs times is left out by [`Trace::has_times`].
//!
//! All events are at time zero, so that an allocation without a free is AIFO, one with a free AIFI, and a free without an allocation
//! AOFI. Allocations and frees are paired by address, in the order of the events.

use crate::trace::Trace;
use crate::trace::allocation::{AllocationTable, flag};
use crate::trace::attributes::{AttributesTable, EventAttributes, PoolType, Tag};
use crate::trace::ids::{AttributesId, ModuleId, ProcessId, StackId};
use crate::trace::module::{Module, ModuleTable};
use crate::trace::process::ProcessTable;
use crate::trace::recorded::RecordedRange;
use crate::trace::stack::{Frame, FrameSymbols, StackInterner};
use crate::trace::summary::{PoolRundown, StackStatistics, TraceOrigin, TraceStatistics, TraceSummary};
use crate::trace::time::{Clock, ClockKind, Ticks, TimeRange};
use poolscope_etl::diagnostics::{DiagnosticKind, Diagnostics};
use poolscope_symbols::names::{AddressSymbol, NameSource, SourceLine};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// Time of all events.
const NOW: Ticks = Ticks(0);

/// Frame with its name.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct NamedFrame {
    /// Return address, if known.
    pub address: Option<u64>,
    /// Module, if known.
    pub module: Option<String>,
    /// Function, if known.
    pub function: Option<String>,
    /// Bytes from the start of the function, or of the module where the function is not known.
    pub offset_bytes: u64,
    /// Path and line of the source, if known.
    pub source: Option<(String, u32)>,
}

/// An allocation or a free.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct NamedEvent {
    /// False for an allocation.
    pub is_free: bool,
    /// Address of the block, if known. Without one, the event has no counterpart.
    pub address: Option<u64>,
    /// Size in bytes, if known.
    pub size_bytes: Option<u64>,
    /// Tag, if known.
    pub tag: Option<[u8; 4]>,
    /// True for paged pool, if known.
    pub is_paged: Option<bool>,
    /// Processor, if known.
    pub cpu: Option<u16>,
    /// Frames, innermost first.
    pub frames: Vec<NamedFrame>,
}

/// Events of a text, with facts about it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct NamedEvents {
    /// Size of the text in bytes.
    pub file_bytes: u64,
    /// Pointer size of the system in bytes: 4 or 8.
    pub pointer_size: u32,
    /// The events, the oldest first.
    pub events: Vec<NamedEvent>,
    /// File names of modules whose names in frames lack the ending.
    pub module_files: Vec<String>,
    /// Number of entries whose kind is not known, which are no events.
    pub undetermined_count: u64,
    /// Number of allocations that the text counts and does not list.
    pub unlisted_count: u64,
    /// Number of events without a stack, which are left out.
    pub missing_stack_count: u64,
}

/// The trace of events.
#[must_use]
pub fn trace_of_named_events(log: &NamedEvents) -> Trace {
    let mut builder = Builder::new(log);
    log.events.iter().for_each(|event| builder.add(event));
    builder.finish(log)
}

/// A row of the table to be.
#[derive(Clone, Copy)]
struct Row {
    alloc_time: Ticks,
    free_time: Ticks,
    size: u64,
    address: u64,
    attributes: AttributesId,
    free_attributes: AttributesId,
    stack: StackId,
    free_stack: StackId,
    flags: u8,
}

struct Builder {
    frames: FrameBuilder,
    interner: StackInterner,
    symbols: Vec<Option<AddressSymbol>>,
    attributes: AttributesTable,
    attribute_ids: FxHashMap<EventAttributes, AttributesId>,
    /// Rows with a recorded allocation, then those without.
    rows: [Vec<Row>; 2],
    /// Position of the last row by address, and whether it is in the second part.
    by_address: FxHashMap<u64, (usize, usize)>,
    diagnostics: Diagnostics,
    stacks: u64,
}

impl Builder {
    fn new(log: &NamedEvents) -> Self {
        Self {
            frames: FrameBuilder::new(log),
            interner: StackInterner::default(),
            symbols: Vec::new(),
            attributes: AttributesTable::default(),
            attribute_ids: FxHashMap::default(),
            rows: [Vec::new(), Vec::new()],
            by_address: FxHashMap::default(),
            diagnostics: Diagnostics::default(),
            stacks: 0,
        }
    }

    fn add(&mut self, event: &NamedEvent) {
        let stack = self.stack(&event.frames);
        let attributes = self.attributes_of(event);
        let row = Row {
            alloc_time: NOW,
            free_time: Ticks::NEVER,
            size: event.size_bytes.unwrap_or(0),
            address: event.address.unwrap_or(0),
            attributes,
            free_attributes: AttributesId::NONE,
            stack,
            free_stack: StackId::EMPTY,
            flags: flag::NO_TIMES,
        };
        self.diagnostics.add(DiagnosticKind::UnknownBlock, u64::from(event.address.is_none()));
        if event.is_free {
            return self.free(event, row);
        }
        self.diagnostics.add(DiagnosticKind::UnknownSize, u64::from(event.size_bytes.is_none()));
        self.diagnostics.add(DiagnosticKind::UnknownTag, u64::from(event.tag.is_none()));
        self.diagnostics.add(DiagnosticKind::NoStack, u64::from(event.frames.is_empty()));
        if let Some(open) = self.last_row(event.address).filter(|open| open.free_time == Ticks::NEVER) {
            // The block was allocated again: its free is not in the text.
            (open.free_time, open.flags) = (NOW, open.flags | flag::IMPLIED_FREE);
            self.diagnostics.add(DiagnosticKind::ImpliedFree, 1);
        }
        self.push(0, event.address, row);
    }

    fn free(&mut self, event: &NamedEvent, row: Row) {
        let (attributes, stack) = (row.attributes, row.stack);
        let last = self.last_row(event.address);
        let is_known = last.is_some();
        if let Some(open) = last.filter(|open| open.free_time == Ticks::NEVER) {
            (open.free_time, open.free_attributes, open.free_stack) = (NOW, attributes, stack);
            open.size = if open.size == 0 { row.size } else { open.size };
            return;
        }
        let kind = if is_known { DiagnosticKind::ImpliedAllocation } else { DiagnosticKind::FreeWithoutAllocation };
        self.diagnostics.add(kind, 1);
        let unknown = self.attributes.get(attributes).map(|of_free| of_free.with_unknown_allocator());
        let allocator = unknown.map_or(attributes, |unknown| self.attributes_id(unknown));
        let row = Row {
            alloc_time: if is_known { NOW } else { Ticks::UNKNOWN },
            free_time: NOW,
            attributes: allocator,
            free_attributes: attributes,
            stack: StackId::EMPTY,
            free_stack: stack,
            flags: flag::NO_TIMES | if is_known { flag::IMPLIED_ALLOCATION } else { 0 },
            ..row
        };
        self.push(usize::from(!is_known), event.address, row);
    }

    fn push(&mut self, part: usize, address: Option<u64>, row: Row) {
        let Some(rows) = self.rows.get_mut(part) else { return };
        rows.push(row);
        if let Some(address) = address {
            self.by_address.insert(address, (part, rows.len() - 1));
        }
    }

    fn last_row(&mut self, address: Option<u64>) -> Option<&mut Row> {
        let (part, at) = *self.by_address.get(&address?)?;
        self.rows.get_mut(part)?.get_mut(at)
    }

    fn attributes_of(&mut self, event: &NamedEvent) -> AttributesId {
        let pool_type = match event.is_paged {
            Some(true) => PoolType(1),
            Some(false) => PoolType(0),
            None => PoolType::UNKNOWN,
        };
        self.attributes_id(EventAttributes {
            tag: event.tag.map_or(Tag::UNKNOWN, Tag),
            pool_type,
            process: ProcessId::NONE,
            thread: EventAttributes::NO_THREAD,
            session: EventAttributes::NO_SESSION,
            cpu: event.cpu.unwrap_or(EventAttributes::NO_CPU),
        })
    }

    fn attributes_id(&mut self, attributes: EventAttributes) -> AttributesId {
        let table = &mut self.attributes;
        *self.attribute_ids.entry(attributes).or_insert_with(|| table.push(attributes))
    }

    fn stack(&mut self, frames: &[NamedFrame]) -> StackId {
        self.stacks += u64::from(!frames.is_empty());
        let mut stack = StackId::EMPTY;
        for named in frames.iter().rev() {
            let (frame, symbol) = self.frames.frame(named);
            let id = self.interner.frame(frame);
            if id.index() == self.symbols.len() {
                self.symbols.push(symbol);
            }
            stack = self.interner.push(stack, id);
        }
        stack
    }

    fn finish(mut self, log: &NamedEvents) -> Trace {
        let mut table = AllocationTable::default();
        let [recorded, unrecorded] = &self.rows;
        for row in unrecorded.iter().chain(recorded) {
            table.alloc_time.push(row.alloc_time);
            table.free_time.push(row.free_time);
            table.size.push(row.size);
            table.address.push(row.address);
            table.alloc_attributes.push(row.attributes);
            table.free_attributes.push(row.free_attributes);
            table.alloc_stack.push(row.stack);
            table.free_stack.push(row.free_stack);
            table.flags.push(row.flags);
        }
        self.diagnostics.add(DiagnosticKind::NoTimes, 1);
        self.diagnostics.add(DiagnosticKind::UndeterminedOperation, log.undetermined_count);
        self.diagnostics.add(DiagnosticKind::TruncatedList, log.unlisted_count);
        self.diagnostics.add(DiagnosticKind::BreakWithoutStack, log.missing_stack_count);
        let frees = log.events.iter().filter(|event| event.is_free).count() as u64;
        let stacks = self.interner.finish();
        let statistics = TraceStatistics {
            records: log.events.len() as u64,
            pool_allocs: log.events.len() as u64 - frees,
            pool_frees: frees,
            stack_records: self.stacks,
            stacks: StackStatistics { matched: self.stacks, ..StackStatistics::default() },
            ..TraceStatistics::default()
        };
        let extent = TimeRange { from: NOW, to: NOW };
        Trace {
            summary: TraceSummary {
                origin: TraceOrigin::DebuggerLog,
                file_bytes: log.file_bytes,
                pointer_size: log.pointer_size,
                ..TraceSummary::default()
            },
            clock: Clock { kind: ClockKind::Raw, ticks_per_second: 1, start_filetime: 0 },
            extent,
            recorded: RecordedRange { events: log.events.len() as u64, ..RecordedRange::whole(extent) },
            allocations: table,
            attributes: self.attributes,
            stacks,
            free_order: None,
            frame_symbols: Some(Arc::new(FrameSymbols::new(self.symbols))),
            modules: self.frames.into_modules(),
            processes: ProcessTable::default(),
            pool_rundown: PoolRundown::default(),
            statistics,
            diagnostics: self.diagnostics,
        }
    }
}

/// Modules and addresses of named frames.
struct FrameBuilder {
    modules: Vec<Module>,
    module_ids: FxHashMap<String, ModuleId>,
    frames: FxHashMap<NamedFrame, Frame>,
    used: FxHashSet<Frame>,
    /// Number of frames without an address of their own.
    unplaced: u64,
}

impl FrameBuilder {
    /// The modules of all frames, in their order.
    fn new(log: &NamedEvents) -> Self {
        let kernel_from = if log.pointer_size == 4 { 0x8000_0000 } else { 0xffff_8000_0000_0000 };
        let mut modules: Vec<Module> = Vec::new();
        let mut module_ids: FxHashMap<String, ModuleId> = FxHashMap::default();
        for frame in log.events.iter().flat_map(|event| &event.frames) {
            let Some(name) = &frame.module else { continue };
            let id = *module_ids.entry(name.to_lowercase()).or_insert_with(|| {
                modules.push(new_module(name, &log.module_files));
                ModuleId(modules.len() as u32 - 1)
            });
            let Some(module) = modules.get_mut(id.index()) else { continue };
            if let Some(address) = frame.address {
                module.is_kernel &= address >= kernel_from;
                if frame.function.is_none() && module.base == 0 {
                    module.base = address.saturating_sub(frame.offset_bytes);
                }
            }
        }
        Self { modules, module_ids, frames: FxHashMap::default(), used: FxHashSet::default(), unplaced: 0 }
    }

    /// The frame of a named one, and its name. Frames that differ in name only get addresses of their own: small numbers, which no
    /// module is loaded at.
    fn frame(&mut self, named: &NamedFrame) -> (Frame, Option<AddressSymbol>) {
        let symbol = named.function.as_ref().map(|function| AddressSymbol {
            function: function.as_str().into(),
            offset_bytes: u32::try_from(named.offset_bytes).unwrap_or(u32::MAX),
            source: if named.source.is_some() { NameSource::Procedure } else { NameSource::Public },
            line: named.source.as_ref().map(|(file, line)| SourceLine { file: file.as_str().into(), line: *line }),
            inlined: Vec::new(),
        });
        if let Some(frame) = self.frames.get(named) {
            return (*frame, symbol);
        }
        let module = named.module.as_ref().and_then(|name| self.module_ids.get(&name.to_lowercase())).copied();
        let module = module.unwrap_or(ModuleId::NONE);
        let base = self.modules.get(module.index()).map_or(0, |module| module.base);
        // Without a function, the text of a frame is its distance from the base.
        let by_module = (named.function.is_none() && module.is_some()).then(|| base.wrapping_add(named.offset_bytes));
        let known = by_module.or(named.address).map(|address| Frame { address, module });
        let frame = match known {
            Some(frame) if by_module.is_some() || !self.used.contains(&frame) => frame,
            _ => self.unplaced_frame(module),
        };
        self.used.insert(frame);
        self.frames.insert(named.clone(), frame);
        (frame, symbol)
    }

    /// A frame with the next free number as its address.
    fn unplaced_frame(&mut self, module: ModuleId) -> Frame {
        loop {
            self.unplaced += 1;
            let frame = Frame { address: self.unplaced, module };
            if !self.used.contains(&frame) {
                return frame;
            }
        }
    }

    fn into_modules(self) -> ModuleTable {
        ModuleTable::new(self.modules, Vec::new())
    }
}

/// A module by the name in frames; its file name where that is known.
fn new_module(name: &str, files: &[String]) -> Module {
    let stem =
        |file: &str| file.rsplit_once('.').map_or(file, |(stem, _)| stem).replace(['-', ' '], "_").to_lowercase();
    let file = files.iter().find(|file| stem(file) == name.to_lowercase());
    Module {
        path: String::new(),
        name: file.map_or(name, String::as_str).to_owned(),
        base: 0,
        size_bytes: 0,
        timestamp: 0,
        checksum: 0,
        rsds: None,
        file_version: None,
        is_kernel: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::column_values::ColumnValues;
    use crate::group::frames::FrameNaming;
    use crate::group::key::Key;
    use crate::trace::time::LifetimeClass;

    fn frame(address: u64, symbol: &str, offset_bytes: u64) -> NamedFrame {
        let (module, function) =
            symbol.split_once('!').map_or((symbol, None), |(module, function)| (module, Some(function)));
        NamedFrame {
            address: (address != 0).then_some(address),
            module: Some(module.to_owned()),
            function: function.map(str::to_owned),
            offset_bytes,
            source: None,
        }
    }

    const KERNEL: u64 = 0xffff_f800_0000_0000;

    fn event(is_free: bool, address: u64, size: u64, driver: &str) -> NamedEvent {
        let inner = if is_free { "nt!ExFreePoolWithTag" } else { "nt!ExAllocatePoolWithTag" };
        NamedEvent {
            is_free,
            address: (address != 0).then_some(address),
            size_bytes: (size != 0).then_some(size),
            tag: Some(*b"Leak"),
            is_paged: Some(false),
            cpu: None,
            frames: vec![
                frame(KERNEL + 1, inner, 1),
                frame(KERNEL + 0x100, driver, 5),
                frame(KERNEL + 2, "nt!IofCallDriver", 2),
            ],
        }
    }

    fn trace(events: Vec<NamedEvent>) -> Arc<Trace> {
        let module_files = vec!["spin-dle.sys".to_owned()];
        let log = NamedEvents { pointer_size: 8, events, module_files, ..NamedEvents::default() };
        Arc::new(trace_of_named_events(&log))
    }

    fn classes(trace: &Trace) -> Vec<(&'static str, u64)> {
        let table = &trace.allocations;
        let class = |row: usize| {
            trace.extent.classify(table.alloc_time.at(row), table.free_time[row]).map_or("", LifetimeClass::name)
        };
        (0..table.len()).map(|row| (class(row), table.size.at(row))).collect()
    }

    #[test]
    fn allocations_and_frees_are_paired_in_order() {
        let events = vec![
            event(true, 0x50, 48, "spin_dle!Done"),
            event(false, 0x10, 64, "spin_dle!Queue"),
            event(false, 0x20, 32, "spin_dle!Queue"),
            event(true, 0x10, 64, "spin_dle!Done"),
            event(false, 0x10, 16, "spin_dle!Queue"),
            event(false, 0x20, 8, "spin_dle!Queue"),
        ];
        let trace = trace(events);
        assert_eq!(classes(&trace), [("AOFI", 48), ("AIFI", 64), ("AIFI", 32), ("AIFO", 16), ("AIFO", 8)]);
        let count = |kind| trace.diagnostics.count(kind);
        assert_eq!((count(DiagnosticKind::ImpliedFree), count(DiagnosticKind::FreeWithoutAllocation)), (1, 1));
        assert!(!trace.has_times() && trace.statistics.pool_frees == 2);
    }

    #[test]
    fn frames_show_the_names_of_the_text() {
        let mut odd = event(false, 0, 0, "spin_dle");
        odd.frames.push(frame(KERNEL + 0x100, "spin_dle!Inlined", 9));
        odd.frames.push(frame(0, "spin_dle!Unplaced", 7));
        odd.frames.push(NamedFrame { address: Some(KERNEL + 0x999), ..NamedFrame::default() });
        odd.tag = None;
        odd.is_paged = None;
        let trace = trace(vec![event(false, 0x10, 64, "spin_dle!Queue"), odd]);
        let values = ColumnValues::new(Arc::clone(&trace), FrameNaming::Symbol);
        let stacks = values.stacks();
        let shown = |row: usize| stacks.frames(stacks.node_of(trace.allocations.alloc_stack[row])).join(" ");
        assert_eq!(shown(0), "nt!IofCallDriver+0x2 spin-dle.sys!Queue+0x5 nt!ExAllocatePoolWithTag+0x1");
        // The other event names the function of the same address.
        let wanted = "0xfffff80000000999 spin-dle.sys!Unplaced+0x7 spin-dle.sys!Inlined+0x9 nt!IofCallDriver+0x2 spin-dle.sys!Queue+0x5 nt!ExAllocatePoolWithTag+0x1";
        assert_eq!(shown(1), wanted);
        assert_eq!(values.responsible_function(trace.allocations.alloc_stack[0]), "spin-dle.sys!Queue");
        assert_eq!(values.responsible_module(trace.allocations.alloc_stack[1]), Some("spin-dle.sys"));
        let text = |key: Key, row: usize| {
            let column = values.column(key);
            let at = trace.allocations.alloc_attributes[row];
            match &column.source {
                crate::group::column::KeySource::Attributes(ids) => column.text(ids[at.index()]).into_owned(),
                _ => String::new(),
            }
        };
        assert_eq!((text(Key::Paged, 0), text(Key::Paged, 1)), ("NonPaged".to_owned(), "Unknown".to_owned()));
        assert_eq!((text(Key::Tag, 0), text(Key::Tag, 1)), ("Leak".to_owned(), "????".to_owned()));
        let count = |kind| trace.diagnostics.count(kind);
        assert_eq!(
            (
                count(DiagnosticKind::UnknownSize),
                count(DiagnosticKind::UnknownBlock),
                count(DiagnosticKind::UnknownTag)
            ),
            (1, 1, 1)
        );
        // Symbols of this machine do not replace the names of the text.
        let none = values.with_frame_names(None, FrameNaming::Symbol);
        assert_eq!(
            none.stacks().text(none.stacks().node_of(trace.allocations.alloc_stack[0])),
            "nt!ExAllocatePoolWithTag+0x1"
        );
        assert!(crate::group::symbols::module_needs(&trace).is_empty());
    }
}
