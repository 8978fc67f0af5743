//! The operations of a whole log in order: each once, with tags and pools that other commands show for the same blocks, and with the
//! allocations that lists of Driver Verifier show.

use super::blocks::PoolBlock;
use super::verifier::{EntryHead, OutstandingBlock, is_system_module, kind_of_frames};
use super::{OperationKind, OperationSource, PoolOperation};
use crate::debugger::frame::StackFrame;
use crate::pool::Pool;
use std::collections::{BTreeMap, BTreeSet};

/// An entry of the log of Driver Verifier.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct LogEntry {
    pub line: usize,
    pub head: EntryHead,
    pub frames: Vec<StackFrame>,
}

/// Entries that one command printed, the oldest first.
#[derive(Clone, Default, Debug)]
pub(super) struct LogPrint {
    pub entries: Vec<LogEntry>,
}

/// Outstanding allocations of a driver, as one command printed them.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct OutstandingList {
    /// Line of its heading, from 1.
    pub line: usize,
    /// File name of the driver.
    pub driver: String,
    /// Numbers of outstanding allocations in nonpaged and paged pool, as Driver Verifier counts them.
    pub counts: Option<[u64; 2]>,
    /// The allocations.
    pub blocks: Vec<OutstandingBlock>,
}

impl OutstandingList {
    /// Number of allocations that are counted and not listed.
    #[must_use]
    pub fn missing_count(&self) -> u64 {
        let counted = self.counts.map_or(0, |[nonpaged, paged]| nonpaged.saturating_add(paged));
        counted.saturating_sub(self.blocks.len() as u64)
    }

    /// The pool of its allocations, if all are in one.
    fn pool(&self) -> Option<Pool> {
        match self.counts? {
            [_, 0] => Some(Pool::NonPaged),
            [0, _] => Some(Pool::Paged),
            _ => None,
        }
    }
}

/// The operations of entries, each once, and the number of entries whose kind is not known.
pub(super) fn operations_of_prints(prints: &[LogPrint]) -> (Vec<PoolOperation>, usize) {
    // What a later command printed again is the same operation.
    let mut known: BTreeMap<u64, Vec<&LogEntry>> = BTreeMap::new();
    let mut kept: Vec<&LogEntry> = Vec::new();
    for print in prints {
        let mut by_address: BTreeMap<u64, Vec<&LogEntry>> = BTreeMap::new();
        for entry in &print.entries {
            by_address.entry(entry.head.address).or_default().push(entry);
        }
        let mut fresh: BTreeSet<usize> = BTreeSet::new();
        for (address, entries) in by_address {
            let before = known.entry(address).or_default();
            let new = entries.get(overlap(before, &entries)..).unwrap_or_default();
            fresh.extend(new.iter().map(|entry| entry.line));
            before.extend(new);
        }
        kept.extend(print.entries.iter().filter(|entry| fresh.contains(&entry.line)));
    }
    let kinds: Vec<Option<OperationKind>> = kept.iter().map(|entry| kind_of_frames(&entry.frames)).collect();
    // Entries of allocations begin in Driver Verifier; on old systems those of frees begin at the caller.
    let has_symbols = kinds.iter().any(Option::is_some);
    let begins_outside = |entry: &LogEntry| {
        entry.frames.first().and_then(|frame| frame.module.as_deref()).is_some_and(|module| !is_system_module(module))
    };
    let mut undetermined = 0;
    let operation = |(entry, kind): (&LogEntry, Option<OperationKind>)| {
        let kind = kind.or_else(|| (has_symbols && begins_outside(entry)).then_some(OperationKind::Free));
        undetermined += usize::from(kind.is_none());
        Some(PoolOperation {
            kind: kind?,
            source: OperationSource::VerifierLog,
            line: entry.line,
            address: Some(entry.head.address),
            size_bytes: Some(entry.head.size_bytes),
            tag: None,
            pool: None,
            processor: None,
            frames: entry.frames.clone(),
        })
    };
    let operations = kept.into_iter().zip(kinds).filter_map(operation).collect();
    (operations, undetermined)
}

/// Number of the first of `new` that `known` ends with or contains.
fn overlap(known: &[&LogEntry], new: &[&LogEntry]) -> usize {
    let is_same = |a: &LogEntry, b: &LogEntry| a.head == b.head && a.frames == b.frames;
    let same = |known: &[&LogEntry], new: &[&LogEntry]| {
        known.len() == new.len() && known.iter().zip(new).all(|(a, b)| is_same(a, b))
    };
    if known.windows(new.len().max(1)).any(|window| same(window, new)) {
        return new.len();
    }
    let longest = known.len().min(new.len());
    (1..=longest)
        .rev()
        .find(|length| {
            let tail = known.get(known.len() - length..).unwrap_or_default();
            same(tail, new.get(..*length).unwrap_or_default())
        })
        .unwrap_or(0)
}

/// The operations with those that the lists add: allocations that no operation shows, and frees of what a later list of the same driver
/// no longer contains. Tags and pools of lists and of blocks are added to operations on the same addresses.
pub(super) fn with_lists(mut operations: Vec<PoolOperation>, lists: &[OutstandingList]) -> Vec<PoolOperation> {
    let mut state = OpenBlocks::new(&operations);
    let mut of_driver: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for list in lists {
        let listed: BTreeSet<u64> = list.blocks.iter().map(|block| block.address).collect();
        let before = of_driver.insert(list.driver.to_ascii_lowercase(), listed.clone()).unwrap_or_default();
        for gone in before.difference(&listed) {
            if let Some(at) = state.open.remove(gone) {
                let free = operations.get(at).map(|allocation| PoolOperation {
                    kind: OperationKind::Free,
                    source: OperationSource::VerifierList,
                    line: list.line,
                    frames: Vec::new(),
                    ..allocation.clone()
                });
                operations.extend(free);
            }
        }
        for block in &list.blocks {
            let pool = list.pool();
            let known = state.open.get(&block.address).copied();
            let freed_later = state.last_free.get(&block.address).is_some_and(|line| *line > list.line);
            match known.or_else(|| freed_later.then(|| state.last_allocation.get(&block.address).copied()).flatten()) {
                Some(at) => {
                    if let Some(operation) = operations.get_mut(at) {
                        operation.tag = operation.tag.or(Some(block.tag));
                        operation.pool = operation.pool.or(pool);
                    }
                }
                None if freed_later => {}
                None => {
                    state.open.insert(block.address, operations.len());
                    operations.push(PoolOperation {
                        kind: OperationKind::Allocation,
                        source: OperationSource::VerifierList,
                        line: list.line,
                        address: Some(block.address),
                        size_bytes: Some(block.size_bytes),
                        tag: Some(block.tag),
                        pool,
                        processor: None,
                        frames: vec![block.caller.clone()],
                    });
                }
            }
        }
    }
    operations
}

/// Blocks by what the operations did to them last; operations of breaks without an address take no part.
struct OpenBlocks {
    /// Operation that allocated, by address of the blocks that are allocated.
    open: BTreeMap<u64, usize>,
    /// The last operation that allocated, by address.
    last_allocation: BTreeMap<u64, usize>,
    /// Line of the last free, by address of the blocks that are free.
    last_free: BTreeMap<u64, usize>,
}

impl OpenBlocks {
    fn new(operations: &[PoolOperation]) -> Self {
        let mut state = Self { open: BTreeMap::new(), last_allocation: BTreeMap::new(), last_free: BTreeMap::new() };
        for (at, operation) in operations.iter().enumerate() {
            let Some(address) = operation.address else { continue };
            match operation.kind {
                OperationKind::Allocation => {
                    state.open.insert(address, at);
                    state.last_allocation.insert(address, at);
                    state.last_free.remove(&address);
                }
                OperationKind::Free => {
                    state.open.remove(&address);
                    state.last_free.insert(address, operation.line);
                }
            }
        }
        state
    }
}

/// Adds tags and pools of blocks that `!pool` and `!poolfind` show to operations on them.
pub(super) fn describe_by_blocks(operations: &mut [PoolOperation], blocks: &[PoolBlock], header_bytes: u64) {
    let mut by_address: BTreeMap<u64, &PoolBlock> = BTreeMap::new();
    for block in blocks {
        by_address.insert(block.address, block);
        by_address.entry(block.address.saturating_add(header_bytes)).or_insert(block);
    }
    for operation in operations {
        let Some(block) = operation.address.and_then(|address| by_address.get(&address)) else { continue };
        operation.tag = operation.tag.or(Some(block.tag));
        operation.pool = operation.pool.or(block.pool);
        operation.size_bytes = operation.size_bytes.or(Some(block.size_bytes));
    }
}
