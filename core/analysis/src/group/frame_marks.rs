//! What the frames of each stack say about how its code came to run: called by a program, in an interrupt, by a worker thread of
//! the system. Interrupts and workers are known by functions, so that without symbols only the program's frames say anything.

use super::driver::sure_name;
use super::look_through::{FrameMark, ModuleRules};
use super::names::Names;
use crate::trace::Trace;
use crate::trace::ids::{FrameId, StackId};
use crate::trace::stack::Frame;
use rayon::prelude::*;

/// Bits of a stack.
mod bit {
    pub const USER: u8 = 1;
    pub const INTERRUPT: u8 = 2;
    pub const WORKER: u8 = 4;
}

/// For every stack what its frames say.
#[derive(Clone, Debug, Default)]
pub struct StackMarks(Vec<u8>);

impl StackMarks {
    /// Those of a trace under these names and rules.
    #[must_use]
    pub fn new(names: &Names) -> Self {
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

    /// Whether a program called it: user frames are on the stack, and neither an interrupt nor a worker thread of the system came
    /// between.
    #[must_use]
    pub fn is_called_by_program(&self, stack: StackId) -> bool {
        self.0.get(stack.index()).copied().unwrap_or(0) == bit::USER
    }

    /// Whether an interrupt or a worker thread of the system is on the stack.
    #[must_use]
    pub fn is_system_work(&self, stack: StackId) -> bool {
        self.0.get(stack.index()).copied().unwrap_or(0) & (bit::INTERRUPT | bit::WORKER) != 0
    }
}

fn frame_bits(trace: &Trace, names: &Names) -> Vec<u8> {
    let rules = names.look_through();
    let modules = trace.modules.modules().iter();
    let modules: Vec<Option<ModuleRules<'_>>> =
        modules.map(|module| module.is_kernel.then(|| rules.of_module(&module.name))).collect();
    let kernel_from = if trace.summary.pointer_size == 4 { 0x8000_0000 } else { 0xffff_8000_0000_0000 };
    let symbols = names.symbols();
    let bits = |(at, frame): (usize, &Frame)| match modules.get(frame.module.index()) {
        Some(Some(rules)) if rules.has_marks() => {
            let name = symbols.and_then(|symbols| symbols.answer(FrameId(at as u32))).and_then(sure_name);
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
    use crate::group::frames::FrameNaming;
    use crate::group::testkit::{Block, FakeNames, block, trace};
    use std::sync::Arc;

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
        let plain = Names::new(Arc::clone(&trace), FrameNaming::Symbol);
        let named = plain.renamed(Some(Arc::new(symbols)), FrameNaming::Symbol);
        let of = |names: &Names| {
            let marks = StackMarks::new(names);
            let one = |stack: &StackId| (marks.is_called_by_program(*stack), marks.is_system_work(*stack));
            trace.allocations.alloc_stack.iter().map(one).collect::<Vec<_>>()
        };
        let (program, nobody, system) = ((true, false), (false, false), (false, true));
        assert_eq!(of(&named), [program, nobody, system, system, program, nobody]);
        // Without symbols the frames of the program alone speak.
        assert_eq!(of(&plain), [program, nobody, program, nobody, program, nobody]);
    }
}
