//! Resolution of the stacks of pool events: stack keys become frames, kernel and user stacks are joined, frames get their
//! modules, and the distinct stacks become one prefix tree.
//!
//! A key refers to its first definition of the same kind (kernel or user) after the reference (etl-format 5.4). Keys are used
//! again after their definition. If records may be missing between the two, the definition may be missing as well, and the next
//! one may be that of another stack: such stacks are marked as uncertain.

use super::losses::LossRanges;
use super::match_stacks::match_stacks;
use super::session::SessionInfo;
use super::shard::{
    EventColumns, Interner, NO_ID, NO_PART, Shard, StackKeyDefinition, StackPart, StackPartRef, UNCERTAIN,
};
use super::system_events::SystemInfo;
use super::{LoadOptions, StackScope};
use crate::trace::ids::{FrameId, StackId};
use crate::trace::module::ModuleTable;
use crate::trace::stack::{Frame, StackInterner, StackTable};
use crate::trace::summary::StackStatistics;
use crate::trace::time::Ticks;
use parking_lot::Mutex;
use poolscope_base::progress::{CancelToken, Cancelled};
use poolscope_etl::diagnostics::{DiagnosticKind, Diagnostics};
use poolscope_etl::event::stack::is_kernel_address;
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use std::hash::BuildHasher;

/// The resolved stacks of all pool events. The `stack` columns of the shards refer to them.
#[derive(Default, Debug)]
pub struct ResolvedStacks {
    /// Distinct stacks.
    pub stacks: StackTable,
    /// Numbers of stack records and keys.
    pub statistics: StackStatistics,
    /// Data-quality issues of stacks.
    pub diagnostics: Diagnostics,
}

/// A kernel stack and a user stack by their frame lists, with the process and the epoch that decide which modules the addresses
/// belong to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct JoinedStack {
    kernel: u32,
    user: u32,
    pid: u32,
    epoch: u32,
}

/// Frame list of a stack that was not recorded or not resolved.
const NO_FRAMES: u32 = u32::MAX;
/// Stack of an event without one; [`UNCERTAIN`] may be set.
const NO_STACK: u32 = !UNCERTAIN;

/// Matches all stack records with their events and resolves the stacks. Fills the `stack` columns of the shards with handles of
/// the returned table; those that may be wrong are marked as [`UNCERTAIN`].
///
/// # Errors
/// Cancelled.
pub fn resolve_stacks(
    info: &SessionInfo,
    shards: &mut [Shard],
    frame_lists: FrameLists,
    system: &SystemInfo,
    options: LoadOptions,
    cancel: &CancelToken,
) -> Result<ResolvedStacks, Cancelled> {
    if options.stacks == StackScope::None {
        return Ok(ResolvedStacks::default());
    }
    let definitions: Vec<Vec<StackKeyDefinition>> =
        shards.iter_mut().map(|s| std::mem::take(&mut s.definitions)).collect();
    let losses = LossRanges::find(info, shards);
    let (unmatched, resolver) =
        rayon::join(|| match_stacks(shards, cancel), || StackKeyResolver::new(definitions, losses));
    let unmatched = unmatched?;
    let mut shard_stacks: Vec<ShardStacks> = shards
        .par_iter_mut()
        .map(|shard| {
            cancel.check()?;
            Ok(join_parts(shard, &resolver, &system.modules))
        })
        .collect::<Result<_, Cancelled>>()?;
    let frame_lists = frame_lists.into_table();
    let pointer_size = if system.summary.pointer_size == 4 { 4 } else { 8 };
    let mut builder = StackTreeBuilder::new(&frame_lists, &system.modules, pointer_size);
    let mut resolved = ResolvedStacks::default();
    let mut maps = Vec::with_capacity(shards.len());
    for shard_stacks in &mut shard_stacks {
        cancel.check()?;
        let stacks = shard_stacks.stacks.rows.iter().zip(&shard_stacks.times);
        maps.push(stacks.map(|(stack, &time)| builder.stack(*stack, time)).collect::<Vec<StackId>>());
        shard_stacks.stacks = Interner::default();
        add_key_counts(&mut resolved, &shard_stacks.counts);
    }
    shards.par_iter_mut().zip(&maps).for_each(|(shard, map)| {
        for stack in shard.allocs.stack.iter_mut().chain(&mut shard.frees.stack) {
            let (number, mark) = (*stack & !UNCERTAIN, *stack & UNCERTAIN);
            *stack = map.get(number as usize).copied().unwrap_or(StackId::EMPTY).0 | mark;
        }
    });
    resolved.statistics.matched = shards.iter().map(|s| s.statistics.matched_stacks).sum();
    resolved.statistics.unmatched = unmatched + shards.iter().map(|s| s.statistics.unmatched_stacks).sum::<u64>();
    resolved.statistics.distinct = builder.distinct();
    resolved.diagnostics.add(DiagnosticKind::UnresolvedKey, resolved.statistics.unresolved_keys);
    let marked = |stacks: &[u32]| stacks.iter().filter(|stack| **stack & UNCERTAIN != 0).count() as u64;
    let uncertain = shards.iter().map(|shard| marked(&shard.allocs.stack) + marked(&shard.frees.stack)).sum();
    resolved.diagnostics.add(DiagnosticKind::UncertainStack, uncertain);
    resolved.stacks = builder.interner.finish();
    Ok(resolved)
}

fn add_key_counts(resolved: &mut ResolvedStacks, counts: &KeyCounts) {
    resolved.statistics.resolved_keys += counts.resolved;
    resolved.statistics.unresolved_keys += counts.unresolved;
    resolved.statistics.uncertain_keys += counts.uncertain;
    resolved.diagnostics.add(DiagnosticKind::KeyMismatch, counts.mismatched);
}

/// Numbers of key references of pool events.
#[derive(Default, Clone, Copy)]
struct KeyCounts {
    resolved: u64,
    /// Resolved ones whose own definition may be missing.
    uncertain: u64,
    unresolved: u64,
    /// Unresolved ones with a definition of the other kind.
    mismatched: u64,
}

/// Definitions of stack keys, grouped by key and kind, each group in time order.
struct StackKeyResolver {
    definitions: Vec<StackKeyDefinition>,
    /// Group number by key and kind.
    numbers: FxHashMap<(u64, bool), u32>,
    /// Start of each group in `definitions`, and the end of the last one.
    starts: Vec<u32>,
    losses: LossRanges,
}

/// Lookup of the frames of a recorded stack, reused for all events that have it.
#[derive(Clone, Copy)]
enum StackKeyLookup {
    /// Known frames, as a frame list.
    Inline(u32),
    /// Definitions of the key.
    Key {
        /// Range of the definitions in the resolver.
        start: usize,
        end: usize,
        /// True if the key has definitions of the other kind.
        has_other_kind: bool,
        /// Position of the last definition that was found.
        hint: usize,
        /// Time of the reference, if it is not that of the event plus the delay.
        time: Option<Ticks>,
    },
}

impl StackKeyResolver {
    /// Groups definitions by counting: keys are few and definitions are many.
    fn new(parts: Vec<Vec<StackKeyDefinition>>, losses: LossRanges) -> Self {
        let mut numbers: FxHashMap<(u64, bool), u32> = FxHashMap::default();
        let mut starts = vec![0_u32];
        for definition in parts.iter().flatten() {
            let number = *numbers.entry((definition.key, definition.is_kernel)).or_insert_with(|| {
                starts.push(0);
                starts.len() as u32 - 2
            });
            starts[number as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let total = starts.last().copied().unwrap_or(0) as usize;
        let blank = StackKeyDefinition { time: Ticks(0), key: 0, is_kernel: false, frames: NO_FRAMES };
        let mut definitions = vec![blank; total];
        for definition in parts.into_iter().flatten() {
            if let Some(&number) = numbers.get(&(definition.key, definition.is_kernel)) {
                let position = &mut next[number as usize];
                definitions[*position as usize] = definition;
                *position += 1;
            }
        }
        for bounds in starts.windows(2) {
            let rows = &mut definitions[bounds[0] as usize..bounds[1] as usize];
            if !rows.is_sorted_by_key(|d| d.time) {
                // A stable sort: definitions of one tick stay in file order.
                rows.sort_by_key(|d| d.time);
            }
        }
        Self { definitions, numbers, starts, losses }
    }

    /// The lookup of a recorded stack.
    fn lookup(&self, part: StackPart) -> StackKeyLookup {
        match part {
            StackPart::Inline { frames } => StackKeyLookup::Inline(frames),
            StackPart::Key { key, is_kernel: kernel } => self.lookup_key(key, kernel, None),
            StackPart::LateKey { key, is_kernel: kernel, time } => self.lookup_key(key, kernel, Some(time)),
        }
    }

    fn lookup_key(&self, key: u64, kernel: bool, time: Option<Ticks>) -> StackKeyLookup {
        let has_other_kind = self.numbers.contains_key(&(key, !kernel));
        let number = self.numbers.get(&(key, kernel)).map_or(usize::MAX, |&n| n as usize);
        let bound = |at: usize| self.starts.get(at).map_or(0, |&start| start as usize);
        let (start, end) = if number == usize::MAX { (0, 0) } else { (bound(number), bound(number + 1)) };
        StackKeyLookup::Key { start, end, has_other_kind, hint: 0, time }
    }

    /// Frame list of a stack that was recorded at `time`, and whether it may be that of another event. A key has thousands of
    /// definitions, but neighboring events refer to the same one or the next: the last one that was found is tried first.
    #[inline]
    fn resolve(&self, lookup: &mut StackKeyLookup, time: Ticks, counts: &mut KeyCounts) -> (u32, bool) {
        let (rows, hint, has_other_kind, time) = match lookup {
            StackKeyLookup::Inline(frames) => return (*frames, false),
            StackKeyLookup::Key { start, end, has_other_kind, hint, time: own } => {
                (self.definitions.get(*start..*end).unwrap_or_default(), hint, *has_other_kind, own.unwrap_or(time))
            }
        };
        let is_first_later = |at: usize| {
            rows.get(at).is_some_and(|d| d.time >= time) && (at == 0 || rows.get(at - 1).is_some_and(|d| d.time < time))
        };
        let later = if is_first_later(*hint) {
            *hint
        } else if is_first_later(*hint + 1) {
            *hint + 1
        } else {
            rows.partition_point(|d| d.time < time)
        };
        *hint = later;
        match rows.get(later) {
            Some(definition) => {
                let is_uncertain = self.losses.may_hide(time, definition.time);
                counts.resolved += 1;
                counts.uncertain += u64::from(is_uncertain);
                (definition.frames, is_uncertain)
            }
            None => {
                counts.unresolved += 1;
                counts.mismatched += u64::from(has_other_kind);
                // The stack of the event is incomplete.
                (NO_FRAMES, true)
            }
        }
    }
}

/// The distinct stacks of one shard.
#[derive(Default)]
struct ShardStacks {
    stacks: Interner<JoinedStack>,
    /// Time of the first event with each stack.
    times: Vec<Ticks>,
    counts: KeyCounts,
}

/// Resolves the stacks of all events of a shard. Fills the `stack` columns with numbers of the returned stacks.
fn join_parts(shard: &mut Shard, resolver: &StackKeyResolver, modules: &ModuleTable) -> ShardStacks {
    let mut lookups: Vec<StackKeyLookup> = shard.parts.rows.iter().map(|&part| resolver.lookup(part)).collect();
    shard.parts = Interner::default();
    let mut shard_stacks = ShardStacks::default();
    let pids: Vec<u32> = shard.attributes.rows.iter().map(|c| c.pid).collect();
    for columns in [&mut shard.allocs, &mut shard.frees] {
        let EventColumns { time, attributes, parts, stack: column, .. } = columns;
        column.reserve_exact(parts.len());
        for ((&time, &attributes), parts) in time.iter().zip(attributes.iter()).zip(parts.iter()) {
            let [(kernel, is_first), (user, is_second)] =
                parts.map(|part| resolve_part(part, time, &mut lookups, resolver, &mut shard_stacks.counts));
            let mark = if is_first || is_second { UNCERTAIN } else { 0 };
            if kernel == NO_FRAMES && user == NO_FRAMES {
                column.push(NO_STACK | mark);
                continue;
            }
            let pid = pids.get(attributes as usize).copied().unwrap_or(NO_ID);
            let stack = shard_stacks.stacks.intern(JoinedStack { kernel, user, pid, epoch: modules.epoch(time) });
            if stack as usize == shard_stacks.times.len() {
                shard_stacks.times.push(time);
            }
            column.push(stack | mark);
        }
        *parts = Vec::new();
    }
    shard_stacks
}

/// Frame list of the kernel or user stack of an event, and whether it may be that of another event.
#[inline]
fn resolve_part(
    part: StackPartRef,
    time: Ticks,
    lookups: &mut [StackKeyLookup],
    resolver: &StackKeyResolver,
    counts: &mut KeyCounts,
) -> (u32, bool) {
    if part.part == NO_PART {
        return (NO_FRAMES, false);
    }
    let Some(lookup) = lookups.get_mut(part.part as usize) else {
        return (NO_FRAMES, false);
    };
    resolver.resolve(lookup, Ticks(time.0 + i64::from(part.delay)), counts)
}

/// Builder of the stack tree from frame lists.
struct StackTreeBuilder<'a> {
    frame_lists: &'a FrameListTable,
    modules: &'a ModuleTable,
    pointer_size: u8,
    interner: StackInterner,
    known: FxHashMap<JoinedStack, StackId>,
    frames: FxHashMap<(u64, u32, u32), FrameId>,
    used: FxHashSet<StackId>,
}

impl<'a> StackTreeBuilder<'a> {
    fn new(frame_lists: &'a FrameListTable, modules: &'a ModuleTable, pointer_size: u8) -> Self {
        Self {
            frame_lists,
            modules,
            pointer_size,
            interner: StackInterner::default(),
            known: FxHashMap::default(),
            frames: FxHashMap::default(),
            used: FxHashSet::default(),
        }
    }

    /// The handle of a stack that an event at `time` has.
    fn stack(&mut self, stack: JoinedStack, time: Ticks) -> StackId {
        if let Some(&id) = self.known.get(&stack) {
            return id;
        }
        let frame_lists = self.frame_lists;
        let (kernel, user) = (frame_lists.frames(stack.kernel), frame_lists.frames(stack.user));
        let mut id = StackId::EMPTY;
        for &address in user.iter().rev().chain(kernel.iter().rev()) {
            let frame = self.frame(address, stack, time);
            id = self.interner.push(id, frame);
        }
        self.known.insert(stack, id);
        if id != StackId::EMPTY {
            self.used.insert(id);
        }
        id
    }

    fn frame(&mut self, address: u64, stack: JoinedStack, time: Ticks) -> FrameId {
        // Kernel images are the same in every process.
        let pid = if is_kernel_address(address, self.pointer_size) { 0 } else { stack.pid };
        let (interner, modules) = (&mut self.interner, self.modules);
        *self.frames.entry((address, pid, stack.epoch)).or_insert_with(|| {
            let module = modules.find(pid, address, time);
            interner.frame(Frame { address, module })
        })
    }

    /// Number of distinct stacks, other than the empty one.
    fn distinct(&self) -> u64 {
        self.used.len() as u64
    }
}

/// Number of parts of [`FrameLists`] with their own locks; a power of two.
const PARTS: usize = 64;

/// Distinct lists of frames, shared by all workers. The numbers of lists depend on the order of the workers, so that they may
/// only be compared for equality.
#[derive(Debug)]
pub struct FrameLists {
    parts: Vec<Mutex<FxHashMap<Box<[u64]>, u32>>>,
}

impl Default for FrameLists {
    fn default() -> Self {
        Self { parts: (0..PARTS).map(|_| Mutex::new(FxHashMap::default())).collect() }
    }
}

impl FrameLists {
    /// The number of a list of frames, innermost first.
    pub fn intern(&self, frames: &[u64]) -> u32 {
        let part = FxBuildHasher.hash_one(frames) as usize % PARTS;
        let mut map = self.parts[part].lock();
        if let Some(&id) = map.get(frames) {
            return id;
        }
        let id = (map.len() * PARTS + part) as u32;
        map.insert(frames.into(), id);
        id
    }

    /// Ends the numbering.
    pub fn into_table(self) -> FrameListTable {
        let by_number = |part: Mutex<FxHashMap<Box<[u64]>, u32>>| {
            let mut rows: Vec<(u32, Box<[u64]>)> = part.into_inner().into_iter().map(|(f, id)| (id, f)).collect();
            rows.sort_unstable_by_key(|row| row.0);
            rows.into_iter().map(|row| row.1).collect()
        };
        FrameListTable { parts: self.parts.into_iter().map(by_number).collect() }
    }
}

/// Lists of frames by number.
#[derive(Debug)]
pub struct FrameListTable {
    parts: Vec<Vec<Box<[u64]>>>,
}

impl FrameListTable {
    /// Frames of a list, innermost first; empty for [`NO_FRAMES`].
    pub fn frames(&self, id: u32) -> &[u64] {
        let number = id as usize;
        let row = self.parts.get(number % PARTS).and_then(|part| part.get(number / PARTS));
        row.map(|frames| &**frames).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lists_have_one_number() {
        let lists = FrameLists::default();
        let ids: Vec<u32> = (0..500_u64).map(|n| lists.intern(&[n, n * 3, 7])).collect();
        assert_eq!(lists.intern(&[9, 27, 7]), ids[9]);
        let rows = lists.into_table();
        assert!(ids.iter().zip(0..).all(|(&id, n)| rows.frames(id) == [n, n * 3, 7]));
        assert_eq!(rows.frames(u32::MAX), &[] as &[u64]);
    }
}
