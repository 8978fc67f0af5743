//! Facts about an allocation from the frames of its stack, by [`WrapperRules`]: the responsible frame (the first one, from the
//! innermost, that is neither the kernel's nor a wrapper's), and the origin of the call (a program, an interrupt, or a worker
//! thread of the system). Interrupts and workers are recognized by functions, so that without symbols only calls by programs
//! are recognized.

use super::column_values::ColumnValues;
use super::frames::FrameNames;
use super::wrapper_rules::{FrameMark, FrameRole, ModuleRules, WrapperRules};
use crate::trace::Trace;
use crate::trace::ids::{FrameId, StackId};
use crate::trace::stack::Frame;
use poolscope_symbols::names::{AddressSymbol, NameSource};
use rayon::prelude::*;

/// Rank of a frame as the responsible one; greater is better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Rank {
    /// A user-mode frame.
    None,
    /// The recorder.
    Tracing,
    /// nt, hal, verifier.
    System,
    /// A wrapper module, which allocates on behalf of others.
    Wrapper,
    /// A wrapper function in a driver, which mostly allocates on behalf of the same driver.
    OwnWrapper,
    /// A driver.
    Driver,
}

/// The part of each stack from its outermost frame to the responsible one; [`StackId::EMPTY`] if the stack has no kernel frame.
/// Without a driver on the stack the responsible frame is the innermost wrapper, and without a wrapper the innermost kernel frame.
#[must_use]
pub fn responsible_stacks(trace: &Trace, symbols: Option<&dyn FrameNames>, rules: &WrapperRules) -> Vec<StackId> {
    let ranks: Vec<Rank> = frame_ranks(trace, symbols, rules);
    let rank = |frame: FrameId| ranks.get(frame.index()).copied().unwrap_or(Rank::None);
    let count = trace.stacks.node_count();
    let mut chosen = vec![(StackId::EMPTY, Rank::None); count];
    // Parents come before children, so the parent's choice is known.
    for node in 1..count {
        let id = StackId(node as u32);
        let parent = trace.stacks.parent(id).unwrap_or(StackId::EMPTY);
        let outer = chosen.get(parent.index()).copied().unwrap_or((StackId::EMPTY, Rank::None));
        let own = trace.stacks.frame(id).unwrap_or(FrameId::NONE);
        let caller = trace.stacks.frame(parent).map_or(Rank::None, rank);
        let says = match rank(own) {
            // Its caller is no driver, so that the calling driver left no frame; a driver further out is not involved.
            Rank::OwnWrapper if caller < Rank::OwnWrapper => Rank::Driver,
            other => other,
        };
        chosen[node] = if says == Rank::None || outer.1 > says { outer } else { (id, says) };
    }
    chosen.into_iter().map(|(stack, _)| stack).collect()
}

/// A flag for each frame, true for those of the recorder.
#[must_use]
pub fn recording_frames(trace: &Trace, symbols: Option<&dyn FrameNames>, rules: &WrapperRules) -> Vec<bool> {
    frame_ranks(trace, symbols, rules).into_iter().map(|rank| rank == Rank::Tracing).collect()
}

fn frame_ranks(trace: &Trace, symbols: Option<&dyn FrameNames>, rules: &WrapperRules) -> Vec<Rank> {
    let modules = trace.modules.modules().iter();
    // There are no rules on user-mode modules.
    let modules: Vec<Option<(ModuleRules<'_>, FrameRole)>> = modules
        .map(|module| {
            let rules = rules.of_module(&module.name);
            let role = rules.role();
            module.is_kernel.then_some((rules, role))
        })
        .collect();
    let kernel_from = kernel_from(trace);
    let rank = |(at, frame): (usize, &Frame)| match modules.get(frame.module.index()) {
        Some(Some((rules, role))) => {
            let name = symbols.and_then(|s| s.answer(FrameId(at as u32))).and_then(reliable_name);
            match (name.map_or(*role, |name| rules.role_of(name)), *role) {
                (FrameRole::Tracing, _) => Rank::Tracing,
                (FrameRole::System, _) => Rank::System,
                (FrameRole::Wrapper, FrameRole::Driver) => Rank::OwnWrapper,
                (FrameRole::Wrapper, _) => Rank::Wrapper,
                (FrameRole::Driver, _) => Rank::Driver,
            }
        }
        Some(None) => Rank::None,
        // Kernel code outside all modules of the trace is more likely a driver's than that of nt.
        None if frame.address >= kernel_from => Rank::Driver,
        None => Rank::None,
    };
    trace.stacks.frame_rows().par_iter().enumerate().map(rank).collect()
}

/// The lowest kernel address.
fn kernel_from(trace: &Trace) -> u64 {
    if trace.summary.pointer_size == 4 { 0x8000_0000 } else { 0xffff_8000_0000_0000 }
}

/// The function's name unless it is only the nearest export, which may be that of another function.
pub(crate) fn reliable_name(answer: &AddressSymbol) -> Option<&str> {
    (answer.source != NameSource::Export).then_some(&*answer.function)
}

/// The module of a responsible frame; `None` without a frame, and for a frame outside all modules.
#[must_use]
pub fn responsible_module(trace: &Trace, frame: FrameId) -> Option<&str> {
    let row = trace.stacks.frame_rows().get(frame.index())?;
    trace.modules.get(row.module).map(|module| module.name.as_str())
}

/// The text of the Driver column: [`responsible_module`], `Unknown` for a frame outside all modules, empty without a frame.
#[must_use]
pub fn driver_label(trace: &Trace, frame: FrameId) -> String {
    let without_module = if trace.stacks.frame_rows().get(frame.index()).is_some() { "Unknown" } else { "" };
    responsible_module(trace, frame).unwrap_or(without_module).to_owned()
}

/// Bits of a stack.
mod bit {
    pub const USER: u8 = 1;
    pub const INTERRUPT: u8 = 2;
    pub const WORKER: u8 = 4;
}

/// Origins of the calls of all stacks.
#[derive(Clone, Debug, Default)]
pub struct StackMarks(Vec<u8>);

impl StackMarks {
    /// The origins in a trace, by its symbols and wrapper rules.
    #[must_use]
    pub fn new(names: &ColumnValues) -> Self {
        let trace = names.trace();
        let frames = frame_bits(trace, names);
        let count = trace.stacks.node_count();
        let mut stacks = vec![0_u8; count];
        // Parents come before children, so the parent's bits are known.
        for node in 1..count {
            let id = StackId(node as u32);
            let parent = trace.stacks.parent(id).unwrap_or(StackId::EMPTY);
            let own = trace.stacks.frame(id).and_then(|frame| frames.get(frame.index()).copied()).unwrap_or(0);
            stacks[node] = stacks.get(parent.index()).copied().unwrap_or(0) | own;
        }
        Self(stacks)
    }

    /// Returns `true` for a stack that a program called: it has user frames, and neither an interrupt nor a worker thread of
    /// the system.
    #[must_use]
    pub fn is_called_by_program(&self, stack: StackId) -> bool {
        self.0.get(stack.index()).copied().unwrap_or(0) == bit::USER
    }

    /// Returns `true` for a stack with an interrupt or a worker thread of the system on it.
    #[must_use]
    pub fn is_system_work(&self, stack: StackId) -> bool {
        self.0.get(stack.index()).copied().unwrap_or(0) & (bit::INTERRUPT | bit::WORKER) != 0
    }
}

fn frame_bits(trace: &Trace, names: &ColumnValues) -> Vec<u8> {
    let rules = names.wrapper_rules();
    let modules = trace.modules.modules().iter();
    let modules: Vec<Option<ModuleRules<'_>>> =
        modules.map(|module| module.is_kernel.then(|| rules.of_module(&module.name))).collect();
    let kernel_from = kernel_from(trace);
    let symbols = names.symbols();
    let bits = |(at, frame): (usize, &Frame)| match modules.get(frame.module.index()) {
        Some(Some(rules)) if rules.has_marks() => {
            let name = symbols.and_then(|symbols| symbols.answer(FrameId(at as u32))).and_then(reliable_name);
            match name.and_then(|name| rules.mark_of(name)) {
                Some(FrameMark::Interrupt) => bit::INTERRUPT,
                Some(FrameMark::Worker) => bit::WORKER,
                None => 0,
            }
        }
        Some(Some(_)) => 0,
        Some(None) => bit::USER,
        None if frame.address >= kernel_from => 0,
        None => bit::USER,
    };
    trace.stacks.frame_rows().par_iter().enumerate().map(bits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::frames::{FrameNaming, function_label};
    use crate::group::test_util::{Block, FakeNames, block, trace};
    use std::sync::Arc;

    /// Responsible module and function of a stack.
    fn responsible(stack: &'static [&'static str], names: &[(&str, &str)], rules: &WrapperRules) -> (String, String) {
        let mut one = block(Some(1), None, 8);
        one.stack = stack;
        let trace = trace(&[one]);
        let symbols = FakeNames::new(&trace, names);
        let stacks = responsible_stacks(&trace, Some(&symbols), rules).into_iter();
        let frames: Vec<FrameId> = stacks.map(|id| trace.stacks.frame(id).unwrap_or(FrameId::NONE)).collect();
        let frame = frames[trace.allocations.alloc_stack[0].index()];
        (driver_label(&trace, frame), function_label(&trace, Some(&symbols), frame))
    }

    fn own(driver: &str, function: &str) -> (String, String) {
        (driver.to_owned(), function.to_owned())
    }

    #[test]
    fn functions_that_allocate_for_their_driver_are_wrappers() {
        let rules = WrapperRules::built_in();
        let names = &[("my:30", "Use"), ("my:40", "operator new"), ("nt:20", "NtCreateFile"), ("my:50", "malloc")];
        let of = |stack| responsible(stack, names, &rules);
        let used = own("myfault.sys", "myfault.sys!Use");
        assert_eq!(of(&["app:1", "nt:20", "my:30", "my:40", "nt:60"]), used);
        assert_eq!(of(&["nt:20", "my:30", "my:50", "my:40", "wdf:1", "nt:60"]), used);
        // The caller left no frame: other.sys, further out, is not involved.
        let lost = of(&["nt:20", "other:1", "nt:21", "my:50", "my:40", "nt:60"]);
        assert_eq!(lost, own("myfault.sys", "myfault.sys!malloc"));
        assert_eq!(of(&["other:1", "my:40", "nt:60"]), own("other.sys", "other.sys+0x1"));
        assert_eq!(of(&["nt:20", "wdf:1", "nt:60"]), own("wdf01000.sys", "wdf01000.sys+0x1"));
        assert_eq!(of(&["app:1", "nt:20"]), own("ntoskrnl.exe", "ntoskrnl.exe!NtCreateFile"));
        assert_eq!(of(&["app:1"]), own("", ""));
    }

    #[test]
    fn the_users_rules_come_last_and_the_recording_is_never_responsible() {
        let standard = WrapperRules::built_in();
        let names = &[("my:30", "Use"), ("my:40", "Bus::Alloc"), ("nt:20", "NtClose"), ("nt:60", "EtwTracePool")];
        let stack: &[&str] = &["nt:20", "my:30", "my:40", "nt:60"];
        assert_eq!(responsible(stack, names, &standard), own("myfault.sys", "myfault.sys!Bus::Alloc"));
        let (rules, errors) = standard.extended_with("wrapper my*!Bus::*\ndriver wdf01000");
        assert_eq!(errors, []);
        assert_eq!(responsible(stack, names, &rules), own("myfault.sys", "myfault.sys!Use"));
        assert_eq!(responsible(&["my:30", "wdf:1"], names, &rules), own("wdf01000.sys", "wdf01000.sys+0x1"));
        assert_eq!(responsible(&["nt:20", "nt:60"], names, &rules), own("ntoskrnl.exe", "ntoskrnl.exe!NtClose"));
        assert_eq!(responsible(&["nt:60"], names, &rules), own("ntoskrnl.exe", "ntoskrnl.exe!EtwTracePool"));
        // The nearest export is no reliable name.
        let exports = &[("my:30", "Use"), ("my:40", "~malloc")];
        assert_eq!(responsible(stack, exports, &rules), own("myfault.sys", "myfault.sys!malloc+0x1"));
    }

    #[test]
    fn nodes_of_responsible_frames_are_those_of_whole_stacks() {
        // other.sys calls my.sys: it is not responsible for what that allocates, and never allocates by itself.
        let mut one = block(Some(1), None, 8);
        one.stack = &["app:10", "nt:20", "other:30", "my:30", "nt:40"];
        one.free_stack = &["nt:20", "wdf:1", "nt:41"];
        let mut two = block(Some(2), None, 8);
        two.stack = &["app:10"];
        let trace = trace(&[one, two]);
        let functions =
            &[("my:30", "Grow > fill"), ("nt:20", "NtClose"), ("other:30", "Start"), ("nt:40", "ExAllocatePool")];
        let symbols = FakeNames::new(&trace, functions);
        for naming in [FrameNaming::Function, FrameNaming::Symbol, FrameNaming::Module, FrameNaming::Address] {
            let names = ColumnValues::new(Arc::clone(&trace), naming);
            let names = names.with_frame_names(Some(Arc::new(symbols.clone())), naming);
            let stacks = names.stacks();
            let flagged = names.responsible_nodes().iter().zip(0..).filter(|(flag, _)| **flag);
            let texts: Vec<&str> = flagged.map(|(_, node)| stacks.text(node)).collect();
            let [allocates, frees] = match naming {
                FrameNaming::Function => ["myfault.sys!Grow", "wdf01000.sys+0x1"],
                FrameNaming::Symbol => ["myfault.sys!Grow+0x1", "wdf01000.sys+0x1"],
                FrameNaming::Module => ["myfault.sys", "wdf01000.sys"],
                FrameNaming::Address => ["0xfffff80020000030", "0xfffff80010000001"],
            };
            assert!(texts.len() == 2 && texts.contains(&allocates) && texts.contains(&frees), "{naming:?}: {texts:?}");
            let stack = trace.allocations.alloc_stack[0];
            assert_eq!(names.responsible_depth(stack), Some(4));
            let alone = trace.allocations.alloc_stack[1];
            assert_eq!((names.responsible_depth(alone), names.responsible_node(alone)), (None, None));
        }
    }

    #[test]
    fn other_rules_make_other_columns() {
        use crate::group::key::Key;
        let mut one = block(Some(1), None, 8);
        one.stack = &["my:30", "other:1"];
        let names = ColumnValues::new(trace(&[one]), FrameNaming::Symbol);
        let driver = |names: &ColumnValues| {
            let column = names.column(Key::Driver);
            (0..column.count()).map(|id| column.text(id).into_owned()).collect::<Vec<_>>()
        };
        let (rules, _) = WrapperRules::built_in().extended_with("wrapper other");
        assert!(driver(&names).contains(&"other.sys".to_owned()));
        assert!(driver(&names.with_wrapper_rules(Arc::new(rules))).contains(&"myfault.sys".to_owned()));
    }

    #[test]
    fn programs_interrupts_and_workers_are_told_apart() {
        let stacks: [&[&str]; 6] = [
            &["app:1", "nt:20", "my:30"],
            &["nt:20", "my:30"],
            &["app:1", "nt:20", "nt:40", "my:30"],
            &["nt:50", "my:30"],
            &["?:10", "nt:20"],
            &[],
        ];
        let blocks: Vec<Block> =
            (0..).zip(stacks).map(|(at, stack)| Block { stack, ..block(Some(at), None, 8) }).collect();
        let trace = trace(&blocks);
        let symbols = FakeNames::new(&trace, &[("nt:40", "KiDpcInterrupt"), ("nt:50", "ExpWorkerThread")]);
        let plain = ColumnValues::new(Arc::clone(&trace), FrameNaming::Symbol);
        let named = plain.with_frame_names(Some(Arc::new(symbols)), FrameNaming::Symbol);
        let of = |names: &ColumnValues| {
            let marks = StackMarks::new(names);
            let one = |stack: &StackId| (marks.is_called_by_program(*stack), marks.is_system_work(*stack));
            trace.allocations.alloc_stack.iter().map(one).collect::<Vec<_>>()
        };
        let (program, nobody, system) = ((true, false), (false, false), (false, true));
        assert_eq!(of(&named), [program, nobody, system, system, program, nobody]);
        // Without symbols, only calls by programs are recognized.
        assert_eq!(of(&plain), [program, nobody, program, nobody, program, nobody]);
    }
}
