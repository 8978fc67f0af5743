//! Call stacks as a prefix tree, outermost frame first: each distinct stack is one node, and parents come before children.

use super::ids::{FrameId, ModuleId, StackId};
use poolscope_symbols::names::AddressSymbol;
use rustc_hash::FxHashMap;

/// A frame of a call stack: a return address and the module that it is in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Frame {
    /// Return address as recorded.
    pub address: u64,
    /// Module at that address at the time of the event; [`ModuleId::NONE`] if not known.
    pub module: ModuleId,
}

/// Names of frames that a file holds beside its stacks.
#[derive(Default, Debug)]
pub struct FrameSymbols(Vec<Option<AddressSymbol>>);

impl FrameSymbols {
    /// Names by position of the frame.
    #[must_use]
    pub const fn new(names: Vec<Option<AddressSymbol>>) -> Self {
        Self(names)
    }

    /// Name of a frame, if known.
    #[must_use]
    pub fn get(&self, frame: FrameId) -> Option<&AddressSymbol> {
        self.0.get(frame.index())?.as_ref()
    }
}

/// The tree of stacks. Node 0 is the root: the empty stack.
#[derive(Debug)]
pub struct StackTable {
    parents: Vec<StackId>,
    frames: Vec<FrameId>,
    depths: Vec<u16>,
    frame_rows: Vec<Frame>,
}

impl StackTable {
    /// Number of nodes, the root included.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.parents.len()
    }

    /// Bytes of memory of the tree and its frames.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let nodes = size_of_val(&*self.parents) + size_of_val(&*self.frames) + size_of_val(&*self.depths);
        nodes + size_of_val(&*self.frame_rows)
    }

    /// The stack without its innermost frame; `None` for the root.
    #[must_use]
    pub fn parent(&self, id: StackId) -> Option<StackId> {
        if id == StackId::EMPTY { None } else { self.parents.get(id.index()).copied() }
    }

    /// The innermost frame; `None` for the root.
    #[must_use]
    pub fn frame(&self, id: StackId) -> Option<FrameId> {
        if id == StackId::EMPTY { None } else { self.frames.get(id.index()).copied() }
    }

    /// Number of frames of a stack.
    #[must_use]
    pub fn depth(&self, id: StackId) -> usize {
        self.depths.get(id.index()).copied().map_or(0, usize::from)
    }

    /// All distinct frames; position = handle.
    #[must_use]
    pub fn frame_rows(&self) -> &[Frame] {
        &self.frame_rows
    }

    /// Frames from the innermost to the outermost.
    pub fn inner_to_outer(&self, id: StackId) -> impl Iterator<Item = FrameId> + '_ {
        let mut at = id;
        std::iter::from_fn(move || {
            let frame = self.frame(at)?;
            at = self.parent(at)?;
            Some(frame)
        })
    }

    /// Frames from the outermost to the innermost.
    #[must_use]
    pub fn outer_to_inner(&self, id: StackId) -> Vec<FrameId> {
        let mut frames: Vec<FrameId> = self.inner_to_outer(id).collect();
        frames.reverse();
        frames
    }
}

impl Default for StackTable {
    fn default() -> Self {
        StackInterner::default().finish()
    }
}

/// Builder of a [`StackTable`].
#[derive(Debug)]
pub struct StackInterner {
    table: StackTable,
    nodes: FxHashMap<(StackId, FrameId), StackId>,
    frames: FxHashMap<Frame, FrameId>,
}

impl Default for StackInterner {
    fn default() -> Self {
        let table = StackTable {
            parents: vec![StackId::NONE],
            frames: vec![FrameId::NONE],
            depths: vec![0],
            frame_rows: Vec::new(),
        };
        Self { table, nodes: FxHashMap::default(), frames: FxHashMap::default() }
    }
}

impl StackInterner {
    /// The handle of a frame.
    pub fn frame(&mut self, frame: Frame) -> FrameId {
        let rows = &mut self.table.frame_rows;
        *self.frames.entry(frame).or_insert_with(|| {
            rows.push(frame);
            FrameId(rows.len() as u32 - 1)
        })
    }

    /// The stack that has one more inner frame than `parent`.
    pub fn push(&mut self, parent: StackId, frame: FrameId) -> StackId {
        let table = &mut self.table;
        *self.nodes.entry((parent, frame)).or_insert_with(|| {
            let depth = table.depths.get(parent.index()).copied().unwrap_or(0).saturating_add(1);
            table.parents.push(parent);
            table.frames.push(frame);
            table.depths.push(depth);
            StackId(table.parents.len() as u32 - 1)
        })
    }

    /// Finishes the tree.
    #[must_use]
    pub fn finish(mut self) -> StackTable {
        self.table.parents.shrink_to_fit();
        self.table.frames.shrink_to_fit();
        self.table.depths.shrink_to_fit();
        self.table.frame_rows.shrink_to_fit();
        self.table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_stacks_share_a_node() {
        let mut interner = StackInterner::default();
        let a = interner.frame(Frame { address: 1, module: ModuleId::NONE });
        let b = interner.frame(Frame { address: 2, module: ModuleId::NONE });
        let outer = interner.push(StackId::EMPTY, a);
        let inner = interner.push(outer, b);
        assert_eq!(interner.push(outer, b), inner);
        let table = interner.finish();
        assert_eq!(table.outer_to_inner(inner), vec![a, b]);
        assert_eq!(table.depth(inner), 2);
        assert_eq!(table.outer_to_inner(StackId::EMPTY), vec![]);
    }
}
