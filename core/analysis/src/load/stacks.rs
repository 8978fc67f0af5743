//! Whole stacks: keys become frames, kernel and user halves are joined, frames get their modules, and everything is
//! interned as one prefix tree. A key means the first definition of its kind that comes after the reference
//! (etl-format 5.4), never one from before it. Where records may be missing between the two, so may be the definition
//! that was meant: the key was then used again, and the next definition is another stack's. Such stacks are marked.

use super::loose;
use super::losses::Losses;
use super::origin::Origin;
use super::raw_stacks::{RawRows, RawStacks};
use super::shard::{Definition, EventColumns, Half, HalfRef, Interner, NO_HALF, NO_ID, Shard, UNCERTAIN};
use super::system::Facts;
use super::{LoadOptions, StackScope};
use crate::trace::ids::{FrameId, StackId};
use crate::trace::module::ModuleTable;
use crate::trace::stack::{Frame, StackInterner, StackTable};
use crate::trace::summary::StackStatistics;
use crate::trace::time::Ticks;
use poolscope_base::progress::{CancelToken, Cancelled};
use poolscope_etl::diagnostics::{Diagnostics, DiagnosticKind};
use poolscope_etl::event::stack::is_kernel_address;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

/// What the join yields beside the `stack` columns of the shards.
#[derive(Default, Debug)]
pub struct Joined {
    pub stacks: StackTable,
    pub census: StackStatistics,
    pub diagnostics: Diagnostics,
}

/// Two raw halves, and what decides which modules their addresses lie in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Combo {
    kernel: u32,
    user: u32,
    /// Process, for user frames.
    pid: u32,
    epoch: u32,
}

/// No raw stack.
const NO_RAW: u32 = u32::MAX;
/// No combination; [`UNCERTAIN`] may be set.
const NO_COMBO: u32 = !UNCERTAIN;

/// Attaches all stacks; fills the `stack` columns of the shards with handles of the returned table, those that may be
/// wrong marked as [`UNCERTAIN`].
///
/// # Errors
/// Cancelled.
pub fn join(
    origin: &Origin,
    shards: &mut [Shard],
    raws: RawStacks,
    facts: &Facts,
    options: LoadOptions,
    cancel: &CancelToken,
) -> Result<Joined, Cancelled> {
    if options.stacks == StackScope::None {
        return Ok(Joined::default());
    }
    let definitions: Vec<Vec<Definition>> = shards.iter_mut().map(|s| std::mem::take(&mut s.definitions)).collect();
    let losses = Losses::of(origin, shards);
    let (unmatched, resolver) = rayon::join(|| loose::settle(shards, cancel), || Resolver::new(definitions, losses));
    let unmatched = unmatched?;
    let mut tallies: Vec<Tally> = shards
        .par_iter_mut()
        .map(|shard| {
            cancel.check()?;
            Ok(combine(shard, &resolver, &facts.modules))
        })
        .collect::<Result<_, Cancelled>>()?;
    let raws = raws.into_rows();
    let pointer_size = if facts.summary.pointer_size == 4 { 4 } else { 8 };
    let mut builder = Builder::new(&raws, &facts.modules, pointer_size);
    let mut joined = Joined::default();
    let mut maps = Vec::with_capacity(shards.len());
    for tally in &mut tallies {
        cancel.check()?;
        let combos = tally.combos.rows.iter().zip(&tally.times);
        maps.push(combos.map(|(combo, &time)| builder.stack(*combo, time)).collect::<Vec<StackId>>());
        tally.combos = Interner::default();
        add(&mut joined, &tally.outcome);
    }
    shards.par_iter_mut().zip(&maps).for_each(|(shard, map)| {
        for stack in shard.allocs.stack.iter_mut().chain(&mut shard.frees.stack) {
            let (combo, mark) = (*stack & !UNCERTAIN, *stack & UNCERTAIN);
            *stack = map.get(combo as usize).copied().unwrap_or(StackId::EMPTY).0 | mark;
        }
    });
    joined.census.matched = shards.iter().map(|s| s.census.pool_stack_records).sum();
    joined.census.unmatched = unmatched + shards.iter().map(|s| s.census.unmatched_stacks).sum::<u64>();
    joined.census.distinct = builder.distinct();
    joined.diagnostics.add(DiagnosticKind::UnresolvedKey, joined.census.unresolved_keys);
    let marked = |stacks: &[u32]| stacks.iter().filter(|stack| **stack & UNCERTAIN != 0).count() as u64;
    let uncertain = shards.iter().map(|shard| marked(&shard.allocs.stack) + marked(&shard.frees.stack)).sum();
    joined.diagnostics.add(DiagnosticKind::UncertainStack, uncertain);
    joined.stacks = builder.interner.finish();
    Ok(joined)
}

fn add(joined: &mut Joined, outcome: &Outcome) {
    joined.census.resolved_keys += outcome.resolved;
    joined.census.unresolved_keys += outcome.unresolved;
    joined.census.uncertain_keys += outcome.uncertain;
    joined.diagnostics.add(DiagnosticKind::KeyMismatch, outcome.mismatched);
}

/// What became of key references.
#[derive(Default, Clone, Copy)]
struct Outcome {
    resolved: u64,
    /// Of these, those whose own definition may be missing.
    uncertain: u64,
    unresolved: u64,
    mismatched: u64,
}

/// All definitions, those of one key and kind together, in time order.
struct Resolver {
    definitions: Vec<Definition>,
    /// Number of a key and kind.
    numbers: FxHashMap<(u64, bool), u32>,
    /// Where the definitions of each number begin, and where the last ones end.
    starts: Vec<u32>,
    losses: Losses,
}

/// The definitions that a half can mean.
#[derive(Clone, Copy)]
enum Meaning {
    Raw(u32),
    /// `time`: when it was recorded, where its event does not say.
    Keys {
        start: usize,
        end: usize,
        other_kind: bool,
        hint: usize,
        time: Option<Ticks>,
    },
}

impl Resolver {
    /// Keys are few and definitions many: they are counted into place, not sorted.
    fn new(parts: Vec<Vec<Definition>>, losses: Losses) -> Self {
        let mut numbers: FxHashMap<(u64, bool), u32> = FxHashMap::default();
        let mut starts = vec![0_u32];
        for definition in parts.iter().flatten() {
            let number = *numbers.entry((definition.key, definition.kernel)).or_insert_with(|| {
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
        let blank = Definition { time: Ticks(0), key: 0, kernel: false, raw: NO_RAW };
        let mut definitions = vec![blank; total];
        for definition in parts.into_iter().flatten() {
            if let Some(&number) = numbers.get(&(definition.key, definition.kernel)) {
                let place = &mut next[number as usize];
                definitions[*place as usize] = definition;
                *place += 1;
            }
        }
        for bounds in starts.windows(2) {
            let rows = &mut definitions[bounds[0] as usize..bounds[1] as usize];
            if !rows.is_sorted_by_key(|d| d.time) {
                // Stable: definitions of one tick stay in file order.
                rows.sort_by_key(|d| d.time);
            }
        }
        Self { definitions, numbers, starts, losses }
    }

    fn meaning(&self, half: Half) -> Meaning {
        match half {
            Half::Inline { raw } => Meaning::Raw(raw),
            Half::Key { key, kernel } => self.meaning_of_key(key, kernel, None),
            Half::LateKey { key, kernel, time } => self.meaning_of_key(key, kernel, Some(time)),
        }
    }

    fn meaning_of_key(&self, key: u64, kernel: bool, time: Option<Ticks>) -> Meaning {
        let other_kind = self.numbers.contains_key(&(key, !kernel));
        let number = self.numbers.get(&(key, kernel)).map_or(usize::MAX, |&n| n as usize);
        let bound = |at: usize| self.starts.get(at).map_or(0, |&start| start as usize);
        let (start, end) = if number == usize::MAX { (0, 0) } else { (bound(number), bound(number + 1)) };
        Meaning::Keys { start, end, other_kind, hint: 0, time }
    }

    /// The raw stack of a half recorded at `time`, and whether it may be another's. A key has thousands of definitions, but neighbouring events mean
    /// the same one or the next: the last answer is tried first.
    #[inline]
    fn resolve(&self, meaning: &mut Meaning, time: Ticks, outcome: &mut Outcome) -> (u32, bool) {
        let (rows, hint, other_kind, time) = match meaning {
            Meaning::Raw(raw) => return (*raw, false),
            Meaning::Keys { start, end, other_kind, hint, time: own } => {
                (self.definitions.get(*start..*end).unwrap_or_default(), hint, *other_kind, own.unwrap_or(time))
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
                outcome.resolved += 1;
                outcome.uncertain += u64::from(is_uncertain);
                (definition.raw, is_uncertain)
            }
            None => {
                outcome.unresolved += 1;
                outcome.mismatched += u64::from(other_kind);
                // What is there of the event's stack is not all of it.
                (NO_RAW, true)
            }
        }
    }
}

/// The distinct stacks of one shard.
#[derive(Default)]
struct Tally {
    combos: Interner<Combo>,
    /// When each combination was met first.
    times: Vec<Ticks>,
    outcome: Outcome,
}

/// Resolves the halves of all events of a shard; leaves numbers of its combinations in the `stack` columns.
fn combine(shard: &mut Shard, resolver: &Resolver, modules: &ModuleTable) -> Tally {
    let mut meanings: Vec<Meaning> = shard.halves.rows.iter().map(|&half| resolver.meaning(half)).collect();
    shard.halves = Interner::default();
    let mut tally = Tally::default();
    let pids: Vec<u32> = shard.contexts.rows.iter().map(|c| c.pid).collect();
    for columns in [&mut shard.allocs, &mut shard.frees] {
        let EventColumns { time, context, halves, stack, .. } = columns;
        stack.reserve_exact(halves.len());
        for ((&time, &context), halves) in time.iter().zip(context.iter()).zip(halves.iter()) {
            let [(kernel, is_first), (user, is_second)] =
                halves.map(|half| resolve_half(half, time, &mut meanings, resolver, &mut tally.outcome));
            let mark = if is_first || is_second { UNCERTAIN } else { 0 };
            if kernel == NO_RAW && user == NO_RAW {
                stack.push(NO_COMBO | mark);
                continue;
            }
            let pid = pids.get(context as usize).copied().unwrap_or(NO_ID);
            let combo = tally.combos.intern(Combo { kernel, user, pid, epoch: modules.epoch(time) });
            if combo as usize == tally.times.len() {
                tally.times.push(time);
            }
            stack.push(combo | mark);
        }
        *halves = Vec::new();
    }
    tally
}

#[inline]
fn resolve_half(
    half: HalfRef,
    time: Ticks,
    meanings: &mut [Meaning],
    resolver: &Resolver,
    outcome: &mut Outcome,
) -> (u32, bool) {
    if half.half == NO_HALF {
        return (NO_RAW, false);
    }
    let Some(meaning) = meanings.get_mut(half.half as usize) else {
        return (NO_RAW, false);
    };
    resolver.resolve(meaning, Ticks(time.0 + i64::from(half.delay)), outcome)
}

/// Builds the tree.
struct Builder<'a> {
    raws: &'a RawRows,
    modules: &'a ModuleTable,
    pointer_size: u8,
    interner: StackInterner,
    known: FxHashMap<Combo, StackId>,
    frames: FxHashMap<(u64, u32, u32), FrameId>,
    used: FxHashSet<StackId>,
}

impl<'a> Builder<'a> {
    fn new(raws: &'a RawRows, modules: &'a ModuleTable, pointer_size: u8) -> Self {
        Self {
            raws,
            modules,
            pointer_size,
            interner: StackInterner::default(),
            known: FxHashMap::default(),
            frames: FxHashMap::default(),
            used: FxHashSet::default(),
        }
    }

    fn stack(&mut self, combo: Combo, time: Ticks) -> StackId {
        if let Some(&id) = self.known.get(&combo) {
            return id;
        }
        let raws = self.raws;
        let (kernel, user) = (raws.frames(combo.kernel), raws.frames(combo.user));
        let mut id = StackId::EMPTY;
        for &address in user.iter().rev().chain(kernel.iter().rev()) {
            let frame = self.frame(address, combo, time);
            id = self.interner.push(id, frame);
        }
        self.known.insert(combo, id);
        if id != StackId::EMPTY {
            self.used.insert(id);
        }
        id
    }

    fn frame(&mut self, address: u64, combo: Combo, time: Ticks) -> FrameId {
        // Kernel images are the same in every process.
        let pid = if is_kernel_address(address, self.pointer_size) { 0 } else { combo.pid };
        let (interner, modules) = (&mut self.interner, self.modules);
        *self.frames.entry((address, pid, combo.epoch)).or_insert_with(|| {
            let module = modules.find(pid, address, time);
            interner.frame(Frame { address, module })
        })
    }

    fn distinct(&self) -> u64 {
        self.used.len() as u64
    }
}
