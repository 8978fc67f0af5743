//! Symbols of a trace: the modules and addresses that its stacks need, and the names of its frames. A frame is never named by a
//! module that was not loaded at the time of the frame.

use super::frames::FrameNames;
use crate::trace::Trace;
use crate::trace::ids::{FrameId, ModuleId, StackId};
use crate::trace::module::Module;
use crate::trace::time::Ticks;
use poolscope_symbols::identity::{ImageIdentity, ModuleIdentity, PdbIdentity, base_name};
use poolscope_symbols::names::{AddressSymbol, ModuleNames};
use poolscope_symbols::resolve::ModuleRequest;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// A module on stacks of the trace, with the amount that depends on its names.
#[derive(Clone, Debug)]
pub struct ModuleNeed {
    /// The identity to look up, and the addresses whose names are needed.
    pub request: ModuleRequest,
    /// The modules of the trace that are this file: one for each base address.
    pub modules: Vec<ModuleId>,
    /// True for a kernel image.
    pub is_kernel: bool,
    /// Distinct frames in it.
    pub frames: usize,
    /// Allocations with a stack through it.
    pub allocations: u64,
    /// Bytes of those that were not freed in the trace.
    pub outstanding_bytes: u64,
}

/// Identity that modules of one file share.
#[derive(PartialEq, Eq, Hash)]
enum SameFile {
    Pdb(PdbIdentity),
    /// Name in lower case, time stamp, bytes.
    Image(String, u32, u64),
}

/// The modules whose symbols a trace needs, by outstanding bytes, number of allocations, number of frames (largest first), then
/// by name; none if the trace was loaded without stacks.
#[must_use]
pub fn module_needs(trace: &Trace) -> Vec<ModuleNeed> {
    let mut needs: Vec<ModuleNeed> = Vec::new();
    let mut known: FxHashMap<SameFile, u32> = FxHashMap::default();
    let mut of_module: Vec<Option<u32>> = vec![None; trace.modules.modules().len()];
    let mut of_frame: Vec<Option<u32>> = Vec::with_capacity(trace.stacks.frame_rows().len());
    for frame in trace.stacks.frame_rows() {
        let place = of_module.get_mut(frame.module.index()).zip(trace.modules.get(frame.module));
        let Some(((slot, module), rva)) =
            place.zip(trace.modules.get(frame.module).and_then(|m| rva(m, frame.address)))
        else {
            of_frame.push(None);
            continue;
        };
        let at = *slot.get_or_insert_with(|| {
            let at = *known.entry(same_file(module)).or_insert_with(|| {
                needs.push(need(module));
                needs.len() as u32 - 1
            });
            if let Some(need) = needs.get_mut(at as usize) {
                add_module(need, frame.module, module);
            }
            at
        });
        if let Some(need) = needs.get_mut(at as usize) {
            need.frames += 1;
            need.request.rvas.push(rva);
        }
        of_frame.push(Some(at));
    }
    for need in &mut needs {
        need.request.rvas.sort_unstable();
        need.request.rvas.dedup();
        need.modules.sort_unstable();
    }
    weigh(trace, &of_frame, &mut needs);
    needs.sort_by(|a, b| {
        let heavier =
            (b.outstanding_bytes, b.allocations, b.frames).cmp(&(a.outstanding_bytes, a.allocations, a.frames));
        let (of_a, of_b) = (&a.request.identity, &b.request.identity);
        heavier.then_with(|| of_a.cmp(of_b)).then_with(|| a.modules.cmp(&b.modules))
    });
    needs
}

/// The relative virtual address; `None` if it is larger than any image.
fn rva(module: &Module, address: u64) -> Option<u32> {
    u32::try_from(address.checked_sub(module.base)?).ok()
}

fn same_file(module: &Module) -> SameFile {
    match pdb_of(module) {
        Some(pdb) => SameFile::Pdb(pdb),
        None => SameFile::Image(module.name.to_lowercase(), module.timestamp, module.size_bytes),
    }
}

/// The identity of a module's PDB; `None` for a record without a name, which cannot be searched for.
fn pdb_of(module: &Module) -> Option<PdbIdentity> {
    let rsds = module.rsds.as_ref().filter(|rsds| !base_name(&rsds.pdb_name).is_empty())?;
    Some(PdbIdentity::new(&rsds.pdb_name, rsds.guid, rsds.age))
}

fn image_of(module: &Module) -> Option<ImageIdentity> {
    let size_bytes = u32::try_from(module.size_bytes).ok()?;
    let is_known = module.timestamp != 0 && !module.name.is_empty();
    is_known.then(|| ImageIdentity { file_name: module.name.clone(), timestamp: module.timestamp, size_bytes })
}

fn need(module: &Module) -> ModuleNeed {
    let identity = ModuleIdentity {
        name: module.name.clone(),
        path: module.path.clone(),
        pdb: pdb_of(module),
        image: image_of(module),
    };
    ModuleNeed {
        request: ModuleRequest { identity, rvas: Vec::new(), explicit_pdb: None, ignore_cache: false },
        modules: Vec::new(),
        is_kernel: module.is_kernel,
        frames: 0,
        allocations: 0,
        outstanding_bytes: 0,
    }
}

fn add_module(need: &mut ModuleNeed, id: ModuleId, module: &Module) {
    need.modules.push(id);
    need.is_kernel |= module.is_kernel;
    let image = &mut need.request.identity.image;
    *image = image.take().or_else(|| image_of(module));
}

/// Adds up the allocations of each module: first by stack, so that each stack is walked once.
fn weigh(trace: &Trace, of_frame: &[Option<u32>], needs: &mut [ModuleNeed]) {
    let table = &trace.allocations;
    let mut of_stack = vec![(0_u64, 0_u64); trace.stacks.node_count()];
    for ((stack, size), free) in table.alloc_stack.iter().zip(table.size.iter()).zip(&table.free_time) {
        if *stack != StackId::EMPTY
            && let Some((blocks, bytes)) = of_stack.get_mut(stack.index())
        {
            *blocks += 1;
            *bytes = bytes.saturating_add(if *free == Ticks::NEVER { size } else { 0 });
        }
    }
    // The stack counted last for each module, so that recursion does not count an allocation twice.
    let mut counted = vec![StackId::EMPTY; needs.len()];
    for (node, (blocks, bytes)) in of_stack.iter().enumerate().filter(|(_, (blocks, _))| *blocks > 0) {
        let stack = StackId(node as u32);
        for frame in trace.stacks.inner_to_outer(stack) {
            let Some(at) = of_frame.get(frame.index()).copied().flatten() else { continue };
            let Some((need, last)) = needs.get_mut(at as usize).zip(counted.get_mut(at as usize)) else { continue };
            if std::mem::replace(last, stack) != stack {
                need.allocations += blocks;
                need.outstanding_bytes = need.outstanding_bytes.saturating_add(*bytes);
            }
        }
    }
}

/// Names by frame. A table does not change; more names make a new one.
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
        let mut of_module: Vec<Option<u32>> = vec![None; trace.modules.modules().len()];
        let mut modules = Vec::new();
        for (need, names) in needs.iter().zip(found) {
            let Some(names) = names else { continue };
            for id in &need.modules {
                if let Some(slot) = of_module.get_mut(id.index()) {
                    *slot = Some(modules.len() as u32);
                }
            }
            modules.push(Arc::clone(names));
        }
        let place = |frame: &crate::trace::stack::Frame| {
            let at = (*of_module.get(frame.module.index())?)?;
            Some((at, rva(trace.modules.get(frame.module)?, frame.address)?))
        };
        Self { modules, frames: trace.stacks.frame_rows().iter().map(place).collect() }
    }

    /// Number of frames that have a name.
    #[must_use]
    pub fn named(&self) -> usize {
        (0..self.frames.len() as u32).filter(|frame| self.answer(FrameId(*frame)).is_some()).count()
    }
}

/// Number of frames that have a name, for each of `needs`.
#[must_use]
pub fn named_frames(trace: &Trace, needs: &[ModuleNeed], table: &SymbolTable) -> Vec<usize> {
    let mut of_module = vec![0_usize; trace.modules.modules().len()];
    for (frame, row) in trace.stacks.frame_rows().iter().enumerate() {
        if let Some(count) = of_module.get_mut(row.module.index()) {
            *count += usize::from(table.answer(FrameId(frame as u32)).is_some());
        }
    }
    let of_need = |need: &ModuleNeed| need.modules.iter().filter_map(|id| of_module.get(id.index())).sum();
    needs.iter().map(of_need).collect()
}

impl FrameNames for SymbolTable {
    fn answer(&self, frame: FrameId) -> Option<&AddressSymbol> {
        let (module, rva) = (*self.frames.get(frame.index())?)?;
        self.modules.get(module as usize)?.get(rva)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::test_util::{Block, block, trace};
    use crate::trace::module::{ModuleTable, Rsds};
    use poolscope_base::guid::Guid;
    use poolscope_symbols::names::NameSource;

    /// A trace whose modules have other identities than the kit's.
    fn trace_with(blocks: &[Block], change: impl Fn(usize, &mut Module)) -> Arc<Trace> {
        let mut trace = trace(blocks);
        let mut modules = trace.modules.modules().to_vec();
        modules.iter_mut().enumerate().for_each(|(at, module)| change(at, module));
        Arc::get_mut(&mut trace).expect("nobody else has it").modules = ModuleTable::new(modules, Vec::new());
        trace
    }

    fn with_stack(free: Option<i64>, size: u64, stack: &'static [&'static str]) -> Block {
        Block { stack, ..block(Some(1), free, size) }
    }

    fn figures(need: &ModuleNeed) -> (&str, usize, u64, u64) {
        (&need.request.identity.name, need.frames, need.allocations, need.outstanding_bytes)
    }

    #[test]
    fn the_heaviest_module_comes_first_and_a_block_counts_once() {
        let blocks = [
            with_stack(None, 100, &["app:1", "my:2", "my:3", "nt:4"]),
            with_stack(Some(9), 7, &["app:1", "other:2", "nt:4"]),
            with_stack(None, 100, &["my:2", "my:3"]),
            with_stack(None, 5, &[]),
        ];
        let needs = module_needs(&trace(&blocks));
        let figures: Vec<_> = needs.iter().map(figures).collect();
        let expected =
            [("myfault.sys", 2, 2, 200), ("app.exe", 1, 2, 100), ("ntoskrnl.exe", 1, 2, 100), ("other.sys", 1, 1, 0)];
        assert_eq!(figures, expected);
        assert_eq!(needs[0].request.rvas, [2, 3]);
        assert_eq!(needs.iter().map(|n| n.is_kernel).collect::<Vec<_>>(), [true, false, true, true]);
    }

    #[test]
    fn a_file_at_two_bases_is_one_need_and_two_files_of_one_name_are_two() {
        let blocks = [with_stack(None, 1, &["my:10", "other:10"]), with_stack(None, 1, &["other:20", "wdf:10"])];
        let rsds = |age| Some(Rsds { guid: Guid([7; 16]), age, pdb_name: "c:\\obj\\my.pdb".to_owned() });
        let trace = trace_with(&blocks, |at, module| match at {
            2 | 3 => (module.name, module.rsds) = ("my.sys".to_owned(), rsds(1)),
            1 => (module.name, module.rsds, module.timestamp) = ("my.sys".to_owned(), rsds(2), 5),
            _ => {}
        });
        let needs = module_needs(&trace);
        assert_eq!(needs.iter().map(figures).collect::<Vec<_>>(), [("my.sys", 3, 2, 2), ("my.sys", 1, 1, 1)]);
        assert_eq!(needs[0].modules, [ModuleId(2), ModuleId(3)]);
        assert_eq!(needs[0].request.rvas, [0x10, 0x20]);
        let identities = needs.iter().map(|n| (n.request.identity.pdb.as_ref(), n.request.identity.image.as_ref()));
        let identities: Vec<_> = identities.map(|(p, i)| (p.map(|p| (&*p.file_name, p.age)), i.is_some())).collect();
        assert_eq!(identities, [(Some(("my.pdb", 1)), false), (Some(("my.pdb", 2)), true)]);
    }

    #[test]
    fn frames_get_the_names_of_their_own_module() {
        let trace = trace(&[with_stack(None, 1, &["my:10", "other:10", "?:10", "nt:10"])]);
        let needs = module_needs(&trace);
        let names = |need: &ModuleNeed| {
            let function = format!("f_{}", need.request.identity.name).into();
            let answer =
                AddressSymbol { function, offset_bytes: 0, source: NameSource::Public, line: None, inlined: vec![] };
            let is_known = need.request.identity.name != "ntoskrnl.exe";
            is_known.then(|| Arc::new(ModuleNames::new(vec![(0x10, Some(answer))])))
        };
        let found: Vec<_> = needs.iter().map(names).collect();
        let table = SymbolTable::new(&trace, &needs, &found);
        let shown: Vec<_> = (0..5).map(|f| table.answer(FrameId(f)).map(|a| &*a.function)).collect();
        assert_eq!(shown, [Some("f_myfault.sys"), Some("f_other.sys"), None, None, None]);
        assert_eq!((table.named(), named_frames(&trace, &needs, &table)), (2, vec![1, 0, 1]));
    }
}
