//! The stack tree: the distinct stacks of pool events become one prefix tree, with the modules that their frames belong to. Stacks
//! are added in the order of the rows.

use super::frame_lists::FrameListTable;
use super::interner::{InternedValues, RankedValues, WorkerInterner};
use super::stack_join::{JoinedStack, UNCERTAIN};
use super::stack_keys::NO_FRAMES;
use crate::trace::ids::{FrameId, StackId};
use crate::trace::module::ModuleTable;
use crate::trace::stack::{Frame, StackInterner, StackTable};
use crate::trace::time::Ticks;
use poolscope_base::progress::{CancelToken, Cancelled};
use poolscope_etl::event::stack::is_kernel_address;
use rustc_hash::{FxHashMap, FxHashSet};

/// Number of stacks after which a cancel is looked for.
const CANCEL_STEP: usize = 1 << 10;

/// Final handles of the stacks of pool events.
#[derive(Debug)]
pub struct StackIds {
    ranks: RankedValues<JoinedStack>,
    ids: Vec<StackId>,
}

/// The tree and the handles of its stacks.
#[derive(Debug)]
pub struct BuiltStacks {
    /// Handles.
    pub ids: StackIds,
    /// The tree.
    pub table: StackTable,
    /// Number of distinct stacks, without the empty one.
    pub distinct: u64,
}

impl StackIds {
    /// The stack of a number in a row, and whether it may be that of another event, or incomplete.
    #[inline]
    pub fn get(&self, stack: u32) -> (StackId, bool) {
        let rank = (stack & !UNCERTAIN).checked_sub(1).and_then(|number| self.ranks.rank(number));
        let id = rank.and_then(|rank| self.ids.get(rank as usize)).copied().unwrap_or(StackId::EMPTY);
        (id, stack & UNCERTAIN != 0)
    }
}

/// Builds the tree of the stacks of all workers.
///
/// # Errors
/// Cancelled.
pub fn build_tree(
    workers: &[WorkerInterner<JoinedStack>],
    frame_lists: &FrameListTable,
    modules: &ModuleTable,
    pointer_size: u8,
    cancel: &CancelToken,
) -> Result<BuiltStacks, Cancelled> {
    let ranks = InternedValues::new(workers.iter().collect()).rank(cancel)?;
    let mut builder = StackTreeBuilder {
        frame_lists,
        modules,
        pointer_size,
        interner: StackInterner::default(),
        user_parts: FxHashMap::default(),
        frames: FxHashMap::default(),
    };
    let mut ids = Vec::with_capacity(ranks.values.len());
    for (rank, &stack) in ranks.values.iter().enumerate() {
        if rank.is_multiple_of(CANCEL_STEP) {
            cancel.check()?;
        }
        ids.push(builder.stack(stack));
    }
    let used: FxHashSet<StackId> = ids.iter().copied().filter(|&id| id != StackId::EMPTY).collect();
    let distinct = used.len() as u64;
    Ok(BuiltStacks { ids: StackIds { ranks, ids }, table: builder.interner.finish(), distinct })
}

/// Builder of the stack tree.
struct StackTreeBuilder<'a> {
    frame_lists: &'a FrameListTable,
    modules: &'a ModuleTable,
    pointer_size: u8,
    interner: StackInterner,
    /// Stacks of the user part alone, by its frames, process and epoch.
    user_parts: FxHashMap<(u32, u32, (u32, u32)), StackId>,
    frames: FxHashMap<(u64, u32, u32), FrameId>,
}

impl StackTreeBuilder<'_> {
    fn stack(&mut self, stack: JoinedStack) -> StackId {
        let key = (stack.user, stack.pid, stack.epochs);
        let known = if stack.user == NO_FRAMES { Some(StackId::EMPTY) } else { self.user_parts.get(&key).copied() };
        let user = known.unwrap_or_else(|| {
            let id = self.push(StackId::EMPTY, stack.user, &stack);
            self.user_parts.insert(key, id);
            id
        });
        self.push(user, stack.kernel, &stack)
    }

    /// Adds the frames of a part to a stack.
    fn push(&mut self, to: StackId, list: u32, stack: &JoinedStack) -> StackId {
        let frames = self.frame_lists.frames(list);
        frames.iter().rev().fold(to, |id, &address| {
            let frame = self.frame(address, stack);
            self.interner.push(id, frame)
        })
    }

    fn frame(&mut self, address: u64, stack: &JoinedStack) -> FrameId {
        // Kernel images are the same in every process.
        let is_kernel = is_kernel_address(address, self.pointer_size);
        let (pid, epoch) = if is_kernel { (0, stack.epochs.0) } else { (stack.pid, stack.epochs.1) };
        let (interner, modules) = (&mut self.interner, self.modules);
        *self.frames.entry((address, pid, epoch)).or_insert_with(|| {
            let time: Ticks = modules.epoch_start(pid, epoch);
            interner.frame(Frame { address, module: modules.find(pid, address, time) })
        })
    }
}
