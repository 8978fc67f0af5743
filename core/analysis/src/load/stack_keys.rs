//! Stack keys: references of pool events become uses of a key, and definitions give uses their frames.
//!
//! A key refers to its first definition of the same kind (kernel or user) at or after the reference (etl-format 5.4), and is used
//! again afterwards. So a *use* is what all references between two definitions of a key share. Records are merged by time: a
//! reference names the use that is open then, and the next definition closes it. Definitions without references from pool events
//! are dropped, and their frames are never looked at.
//!
//! Keys are divided into shards by their hash, each with its own uses, so that workers share nothing while they group and define.

use super::frame_lists::{FrameLists, hash_of};
use super::stack_part::{FrameRange, StackKeyDefinition};
use crate::trace::time::Ticks;
use parking_lot::Mutex;
use poolscope_base::progress::{CancelToken, Cancelled};
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU32, Ordering};

/// Key and kind (true: kernel) of a definition.
type KeyKind = (u64, bool);

const SHARD_BITS: u32 = 5;
/// Number of parts of the keys.
const SHARDS: usize = 1 << SHARD_BITS;
/// Upper bound on the pieces in which the buffers of a merge are divided by shard.
const CHUNKS: usize = 64;
/// Number of lookups that a [`KeyCache`] holds.
const CACHED: usize = 1 << 10;

/// Number of definitions whose frames are read at once, since reading those of one after the other would wait for memory each time.
const DEFINED_TOGETHER: usize = 64;

/// Frame list of a use without a definition.
pub const NO_FRAMES: u32 = u32::MAX;

/// Use of a stack key: all references to it between two definitions.
#[derive(Clone, Copy, Debug)]
pub struct KeyUse {
    /// Frame list of its definition; [`NO_FRAMES`] without one.
    pub frames: u32,
    /// Time of its definition.
    pub defined: Ticks,
    /// Use that this one stands for, which was not known when it was numbered, or [`MISMATCHED`]; 0 if there is none.
    stands_for: u32,
}
// A trace can have as many of them as stack records.
const _: () = assert!(size_of::<KeyUse>() == 16);

/// A use stands for a definition of the other kind, which is none of its own.
const MISMATCHED: u32 = u32::MAX;

impl KeyUse {
    const OPEN: Self = Self { frames: NO_FRAMES, defined: Ticks::NEVER, stands_for: 0 };

    /// Returns `true` if it has no definition, but the key has one of the other kind.
    pub const fn is_mismatched(&self) -> bool {
        self.stands_for == MISMATCHED
    }
}

/// A definition that is merged.
#[derive(Clone, Copy, Debug)]
struct MergedDefinition {
    key: KeyKind,
    time: Ticks,
    /// Position among the buffers of the merge.
    buffer: u32,
    frames: FrameRange,
}

/// The definitions of consecutive buffers of a merge by shard, those of each shard in file order.
type DefinitionChunk = [Vec<MergedDefinition>; SHARDS];

/// Keys with the same hash bits.
#[derive(Debug)]
struct KeyShard {
    number: usize,
    /// Times of the definitions of the current merge by key, each key's in order. Searches read nothing else.
    times: Vec<Ticks>,
    /// Chunk of the merge and position in its shard of the definition of each time.
    places: Vec<(u32, u32)>,
    /// Use of the definition of each time; 0 if nothing refers to it.
    of_definition: Vec<AtomicU32>,
    /// The keys in the order of their first definitions, and the number of each.
    keys: Vec<KeyKind>,
    numbers: FxHashMap<KeyKind, u32>,
    /// End of each key's group in `times`, by the number of the key.
    ends: Vec<u32>,
    /// Key number of each definition, and definitions of one key that are not in time order: memory for grouping.
    key_numbers: Vec<u32>,
    unsorted: Vec<(Ticks, (u32, u32))>,
    /// Uses that have no definition yet.
    open: Mutex<FxHashMap<KeyKind, u32>>,
    /// Keys with a definition so far.
    defined: FxHashSet<KeyKind>,
    /// The uses of its keys; the first one is not in use.
    uses: Vec<KeyUse>,
    /// Number of uses, also of those that are not in `uses` yet.
    next: AtomicU32,
}

/// The uses of all stack keys while events are merged.
#[derive(Debug)]
pub struct StackKeys {
    shards: Vec<KeyShard>,
    chunks: Vec<DefinitionChunk>,
    /// Number of merges so far.
    merge: u32,
}

/// The uses of all stack keys.
#[derive(Debug, Default)]
pub struct KeyUses {
    shards: Vec<Vec<KeyUse>>,
}

impl Default for StackKeys {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(KeyShard::new).collect(), chunks: Vec::new(), merge: 0 }
    }
}

#[inline]
fn shard_of(key: u64) -> usize {
    (FxBuildHasher.hash_one(key) >> 40) as usize % SHARDS
}

/// Shard and position of a use.
const fn split(number: u32) -> (usize, usize) {
    (number as usize % SHARDS, (number >> SHARD_BITS) as usize)
}

impl StackKeys {
    /// Begins a merge with its definitions: the lists of all buffers in file order, of which those before `until` are taken out.
    pub fn begin(
        &mut self,
        buffers: &mut [&mut Vec<StackKeyDefinition>],
        until: Ticks,
        cancel: &CancelToken,
    ) -> Result<(), Cancelled> {
        self.merge += 1;
        let chunk_buffers = buffers.len().div_ceil(CHUNKS).max(1);
        self.chunks.resize_with(buffers.len().div_ceil(chunk_buffers), DefinitionChunk::default);
        let work = self.chunks.par_iter_mut().zip(buffers.par_chunks_mut(chunk_buffers)).enumerate();
        work.with_max_len(1).try_for_each(|(number, (chunk, buffers))| {
            cancel.check()?;
            divide(buffers, number * chunk_buffers, until, chunk);
            Ok(())
        })?;
        let chunks = &self.chunks;
        self.shards.par_iter_mut().with_max_len(1).try_for_each(|shard| {
            cancel.check()?;
            shard.group(chunks);
            Ok(())
        })
    }

    /// A new use of a key that stands for one that is not known yet.
    pub fn reserve(&self, key: u64) -> u32 {
        self.shards.get(shard_of(key)).map_or(0, KeyShard::reserve)
    }

    /// The use of a reference at `time`, which is before the end of the merge.
    #[inline]
    pub fn refer(&self, cache: &mut KeyCache, key: u64, is_kernel: bool, time: Ticks) -> u32 {
        let Some(shard) = self.shards.get(shard_of(key)) else { return 0 };
        let entry = cache.entry(key, is_kernel);
        if entry.merge != self.merge || entry.key != (key, is_kernel) {
            let (start, end) = shard.range_of((key, is_kernel));
            *entry = CachedKey { merge: self.merge, key: (key, is_kernel), start, end, latest: 0, open: 0 };
        }
        let group = shard.times.get(entry.start as usize..entry.end as usize).unwrap_or_default();
        let later = first_at(group, entry.latest as usize, time);
        if later < group.len() {
            entry.latest = later as u32;
            let of_definition = shard.of_definition.get(entry.start as usize + later);
            return of_definition.map_or(0, |own| shard.use_of(own));
        }
        if entry.open == 0 {
            entry.open = *shard.open.lock().entry((key, is_kernel)).or_insert_with(|| shard.reserve());
        }
        entry.open
    }

    /// Ends a merge: uses with a definition get its frames. `frames` are those of the buffers, in their order; `stood_for` are
    /// the uses that became known for reserved ones.
    pub fn end(
        &mut self,
        frames: &[&[u64]],
        stood_for: &[(u32, u32)],
        lists: &FrameLists,
        cancel: &CancelToken,
    ) -> Result<(), Cancelled> {
        let chunks = &self.chunks;
        self.shards.par_iter_mut().with_max_len(1).try_for_each(|shard| {
            cancel.check()?;
            shard.define(chunks, frames, lists);
            Ok(())
        })?;
        for &(reserved, known) in stood_for {
            let (shard, at) = split(reserved);
            if let Some(reserved) = self.shards.get_mut(shard).and_then(|shard| shard.uses.get_mut(at)) {
                reserved.stands_for = known;
            }
        }
        Ok(())
    }

    /// Bytes of the uses, of which there are more the longer the trace is.
    pub fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| size_of_val(shard.uses.as_slice())).sum()
    }

    /// Ends the merges. Notes which uses without a definition have one of the other kind.
    pub fn finish(self) -> KeyUses {
        KeyUses { shards: self.shards.into_iter().map(KeyShard::finish).collect() }
    }
}

impl KeyUses {
    /// A use by its number.
    #[inline]
    pub fn get(&self, number: u32) -> KeyUse {
        let at = |number: u32| {
            let (shard, at) = split(number);
            self.shards.get(shard).and_then(|uses| uses.get(at)).copied().unwrap_or(KeyUse::OPEN)
        };
        let found = at(number);
        if matches!(found.stands_for, 0 | MISMATCHED) { found } else { at(found.stands_for) }
    }
}

/// Position of the first time that is not before `time`. References of a buffer come in time order, so that the search goes on
/// from the position that the one before found.
#[inline]
fn first_at(times: &[Ticks], latest: usize, time: Ticks) -> usize {
    let is_before = |at: usize| times.get(at).is_some_and(|&known| known < time);
    if latest > 0 && !is_before(latest - 1) {
        return times.get(..latest).unwrap_or_default().partition_point(|&known| known < time);
    }
    let (mut low, mut step) = (latest, 1);
    while is_before(low + step - 1) {
        low += step;
        step *= 2;
    }
    let near = times.get(low..(low + step - 1).min(times.len())).unwrap_or_default();
    low + near.partition_point(|&known| known < time)
}

impl KeyShard {
    fn new(number: usize) -> Self {
        Self {
            number,
            times: Vec::new(),
            places: Vec::new(),
            of_definition: Vec::new(),
            keys: Vec::new(),
            numbers: FxHashMap::default(),
            ends: Vec::new(),
            key_numbers: Vec::new(),
            unsorted: Vec::new(),
            open: Mutex::default(),
            defined: FxHashSet::default(),
            uses: Vec::new(),
            next: AtomicU32::new(1),
        }
    }

    /// Number of a new use.
    #[inline]
    fn reserve(&self) -> u32 {
        self.next.fetch_add(1, Ordering::Relaxed) << SHARD_BITS | self.number as u32
    }

    /// The use of a definition.
    #[inline]
    fn use_of(&self, of_definition: &AtomicU32) -> u32 {
        let known = of_definition.load(Ordering::Relaxed);
        if known != 0 {
            return known;
        }
        let new = self.reserve();
        of_definition.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed).map_or_else(|known| known, |_| new)
    }

    /// Range in `times` of a key.
    fn range_of(&self, key: KeyKind) -> (u32, u32) {
        let Some(&number) = self.numbers.get(&key) else { return (0, 0) };
        let end = |number: u32| self.ends.get(number as usize).copied().unwrap_or(0);
        (number.checked_sub(1).map_or(0, end), end(number))
    }

    /// Groups the definitions of a merge by key, and gives the first definition of each key the use that was open.
    fn group(&mut self, chunks: &[DefinitionChunk]) {
        let shard = self.number;
        let definitions = || chunks.iter().filter_map(|chunk| chunk.get(shard));
        let Self { times, places, of_definition, keys, numbers, ends, key_numbers, unsorted, open, defined, .. } = self;
        keys.clear();
        numbers.clear();
        ends.clear();
        key_numbers.clear();
        for MergedDefinition { key, .. } in definitions().flatten() {
            let number = *numbers.entry(*key).or_insert(ends.len() as u32);
            if number as usize == ends.len() {
                ends.push(0);
                keys.push(*key);
            }
            ends[number as usize] += 1;
            key_numbers.push(number);
        }
        // Starts for now; each becomes the end of its group as that is filled.
        let mut sum = 0;
        for start in ends.iter_mut() {
            sum += std::mem::replace(start, sum);
        }
        // Every element is written below.
        times.resize(key_numbers.len(), Ticks::UNKNOWN);
        places.resize(key_numbers.len(), (0, 0));
        of_definition.clear();
        of_definition.resize_with(key_numbers.len(), AtomicU32::default);
        let mut of_key = key_numbers.iter();
        for (chunk, definitions) in (0..).zip(definitions()) {
            for ((at, definition), &number) in (0..).zip(definitions).zip(&mut of_key) {
                let end = &mut ends[number as usize];
                times[*end as usize] = definition.time;
                places[*end as usize] = (chunk, at);
                *end += 1;
            }
        }
        let open = open.get_mut();
        let mut start = 0;
        for (&key, &end) in keys.iter().zip(ends.iter()) {
            let range = start..end as usize;
            start = range.end;
            sort_group(&mut times[range.clone()], &mut places[range.clone()], unsorted);
            defined.insert(key);
            if let Some(number) = open.remove(&key) {
                *of_definition[range.start].get_mut() = number;
            }
        }
    }

    /// Gives the uses that the definitions of a merge closed their frame lists and times.
    fn define(&mut self, chunks: &[DefinitionChunk], frames: &[&[u64]], lists: &FrameLists) {
        self.uses.resize(*self.next.get_mut() as usize, KeyUse::OPEN);
        let shard = self.number;
        let definition = |&(chunk, at): &(u32, u32)| chunks.get(chunk as usize)?.get(shard)?.get(at as usize);
        let frames_of = |definition: &MergedDefinition| {
            definition.frames.of(frames.get(definition.buffer as usize).copied().unwrap_or_default())
        };
        let mut used = self.places.iter().zip(&mut self.of_definition).filter_map(|(place, number)| {
            let number = *number.get_mut();
            let definition = if number == 0 { None } else { definition(place) }?;
            Some((split(number).1, definition.time, frames_of(definition)))
        });
        let mut block: Vec<(usize, Ticks, &[u64])> = Vec::with_capacity(DEFINED_TOGETHER);
        let mut hashes: Vec<u64> = Vec::with_capacity(DEFINED_TOGETHER);
        loop {
            block.clear();
            block.extend(used.by_ref().take(DEFINED_TOGETHER));
            if block.is_empty() {
                return;
            }
            hashes.clear();
            hashes.extend(block.iter().map(|(_, _, frames)| hash_of(frames)));
            for (&(at, time, frames), &hash) in block.iter().zip(&hashes) {
                if let Some(known) = self.uses.get_mut(at) {
                    (known.frames, known.defined) = (lists.intern(hash, frames), time);
                }
            }
        }
    }

    /// Its uses. Notes which ones without a definition have one of the other kind.
    fn finish(self) -> Vec<KeyUse> {
        let mut uses = self.uses;
        uses.resize(self.next.into_inner() as usize, KeyUse::OPEN);
        let mut open: Vec<(KeyKind, u32)> = self.open.into_inner().into_iter().collect();
        open.sort_unstable();
        for ((key, is_kernel), number) in open {
            let known = uses.get_mut(split(number).1).filter(|_| self.defined.contains(&(key, !is_kernel)));
            if let Some(known) = known {
                known.stands_for = MISMATCHED;
            }
        }
        uses
    }
}

/// Takes the definitions before `until` out of the lists of buffers, of which the first one has number `first`, and divides them by
/// shard.
fn divide(buffers: &mut [&mut Vec<StackKeyDefinition>], first: usize, until: Ticks, chunk: &mut DefinitionChunk) {
    chunk.iter_mut().for_each(Vec::clear);
    for (buffer, definitions) in (first as u32..).zip(buffers) {
        definitions.retain(|&StackKeyDefinition { time, key, is_kernel, frames }| {
            if time < until {
                chunk[shard_of(key)].push(MergedDefinition { key: (key, is_kernel), time, buffer, frames });
            }
            time >= until
        });
    }
}

/// Sorts the definitions of one key by time; those of one tick stay in the order of the file. `unsorted` is memory for the sort.
fn sort_group(times: &mut [Ticks], places: &mut [(u32, u32)], unsorted: &mut Vec<(Ticks, (u32, u32))>) {
    if times.is_sorted() {
        return;
    }
    unsorted.clear();
    unsorted.extend(times.iter().copied().zip(places.iter().copied()));
    unsorted.sort_by_key(|definition| definition.0);
    for ((time, place), sorted) in times.iter_mut().zip(places).zip(unsorted) {
        (*time, *place) = *sorted;
    }
}

/// Lookups of keys by one worker in one merge, which are found without a lock.
#[derive(Debug)]
pub struct KeyCache {
    rows: Vec<CachedKey>,
}

#[derive(Clone, Copy, Debug, Default)]
struct CachedKey {
    merge: u32,
    key: KeyKind,
    start: u32,
    end: u32,
    /// Position in its group that the latest search found.
    latest: u32,
    open: u32,
}

impl Default for KeyCache {
    fn default() -> Self {
        Self { rows: vec![CachedKey::default(); CACHED] }
    }
}

impl KeyCache {
    #[inline]
    fn entry(&mut self, key: u64, is_kernel: bool) -> &mut CachedKey {
        let hash = (key ^ key >> 20).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        &mut self.rows[(hash as usize ^ usize::from(is_kernel)) % CACHED]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_from_any_position_find_the_first_time() {
        let times: Vec<Ticks> = (0..40).map(|at| Ticks(at / 3 * 2)).collect();
        for latest in 0..=times.len() {
            for time in -1..30 {
                let wanted = times.iter().filter(|known| known.0 < time).count();
                assert_eq!(first_at(&times, latest, Ticks(time)), wanted, "{time} from {latest}");
            }
        }
        assert_eq!(first_at(&[], 0, Ticks(5)), 0);
    }

    #[test]
    fn references_mean_the_first_later_definition_of_their_kind() {
        let (lists, never) = (FrameLists::default(), CancelToken::none());
        let mut keys = StackKeys::default();
        let mut cache = KeyCache::default();
        let frames: Vec<u64> = (0..10).collect();
        let definition = |time, key, is_kernel, at| StackKeyDefinition {
            time: Ticks(time),
            key,
            is_kernel,
            frames: FrameRange { start: at, count: 1 },
        };
        // Two definitions of one key, one of another kind and one after the first merge.
        let mut first = vec![definition(10, 7, true, 1), definition(10, 7, false, 2), definition(20, 7, true, 3)];
        let mut second = vec![definition(30, 7, true, 4)];
        keys.begin(&mut [&mut first, &mut second], Ticks(30), &never).unwrap();
        assert_eq!((first.len(), second.len()), (0, 1));
        let uses: Vec<u32> = [5, 10, 11, 25].map(|time| keys.refer(&mut cache, 7, true, Ticks(time))).to_vec();
        let user = keys.refer(&mut cache, 7, false, Ticks(15));
        let lost = keys.refer(&mut cache, 8, true, Ticks(15));
        let reserved = keys.reserve(7);
        keys.end(&[&frames, &frames], &[], &lists, &never).unwrap();
        keys.begin(&mut [&mut first, &mut second], Ticks::NEVER, &never).unwrap();
        let late = keys.refer(&mut cache, 7, true, Ticks(30));
        keys.end(&[&frames, &frames], &[(reserved, late)], &lists, &never).unwrap();
        assert_eq!(keys.bytes() % size_of::<KeyUse>(), 0);
        assert!(keys.bytes() >= 6 * size_of::<KeyUse>());
        let keys = keys.finish();
        let table = lists.into_table(8);
        let of = |number| table.frames(keys.get(number).frames).to_vec();
        assert_eq!(uses.iter().map(|&number| of(number)).collect::<Vec<_>>(), [[1], [1], [3], [4]]);
        assert_eq!((of(late), of(reserved), keys.get(late).defined), (vec![4], vec![4], Ticks(30)));
        assert_eq!((keys.get(user).frames, keys.get(user).is_mismatched()), (NO_FRAMES, true));
        assert_eq!((keys.get(lost).frames, keys.get(lost).is_mismatched()), (NO_FRAMES, false));
    }
}
