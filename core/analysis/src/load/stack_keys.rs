//! Stack keys: references of pool events become uses of a key, and definitions give uses their frames.
//!
//! A key refers to its first definition of the same kind (kernel or user) at or after the reference (etl-format 5.4), and is used
//! again afterwards. So a *use* is what all references between two definitions of a key share. Records are merged by time: a
//! reference names the use that is open then, and the next definition closes it. Definitions without references from pool events
//! are dropped, and their frames are never looked at.

use super::frame_lists::FrameLists;
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

/// Number of parts of the keys with their own locks.
const SHARDS: usize = 32;
/// Number of lookups that a [`KeyCache`] holds.
const CACHED: usize = 1 << 10;

/// Frame list of a use without a definition.
pub const NO_FRAMES: u32 = u32::MAX;

/// Use of a stack key: all references to it between two definitions.
#[derive(Clone, Copy, Debug)]
pub struct KeyUse {
    /// Frame list of its definition; [`NO_FRAMES`] without one.
    pub frames: u32,
    /// Time of its definition.
    pub defined: Ticks,
    /// True if it has no definition, but the key has one of the other kind.
    pub is_mismatched: bool,
    /// Use that this one stands for, which was not known when it was numbered; 0 if there is none.
    stands_for: u32,
}

impl KeyUse {
    const OPEN: Self = Self { frames: NO_FRAMES, defined: Ticks::NEVER, is_mismatched: false, stands_for: 0 };
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

/// Keys with the same hash bits.
#[derive(Debug, Default)]
struct KeyShard {
    /// Definitions of the current merge, in the order of the file.
    definitions: Vec<MergedDefinition>,
    /// Times of the definitions by key, each key's in order, and their positions in `definitions`. Searches read nothing else.
    times: Vec<Ticks>,
    places: Vec<u32>,
    /// Use of the definition of each time; 0 if nothing refers to it.
    uses: Vec<AtomicU32>,
    /// The keys in the order of their first definitions, and the number of each.
    keys: Vec<KeyKind>,
    numbers: FxHashMap<KeyKind, u32>,
    /// End of each key's group in `times`, by the number of the key.
    ends: Vec<u32>,
    /// Key number of each definition, and definitions of one key that are not in time order: memory for grouping.
    of_definition: Vec<u32>,
    unsorted: Vec<(Ticks, u32)>,
    /// Uses that have no definition yet.
    open: Mutex<FxHashMap<KeyKind, u32>>,
    /// Keys with a definition so far.
    defined: FxHashSet<KeyKind>,
}

/// The uses of all stack keys.
#[derive(Debug)]
pub struct StackKeys {
    shards: Vec<KeyShard>,
    uses: Vec<KeyUse>,
    next: AtomicU32,
    /// Number of merges so far.
    merge: u32,
}

impl Default for StackKeys {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| KeyShard::default()).collect();
        Self { shards, uses: Vec::new(), next: AtomicU32::new(1), merge: 0 }
    }
}

fn shard_of(key: u64) -> usize {
    (FxBuildHasher.hash_one(key) >> 40) as usize % SHARDS
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
        for (buffer, definitions) in buffers.iter_mut().enumerate() {
            cancel.check()?;
            for definition in definitions.extract_if(.., |definition| definition.time < until) {
                let StackKeyDefinition { time, key, is_kernel, frames } = definition;
                if let Some(shard) = self.shards.get_mut(shard_of(key)) {
                    let buffer = buffer as u32;
                    shard.definitions.push(MergedDefinition { key: (key, is_kernel), time, buffer, frames });
                }
            }
        }
        self.shards.par_iter_mut().try_for_each(|shard| {
            cancel.check()?;
            shard.group();
            Ok(())
        })
    }

    /// A new use that stands for one that is not known yet.
    pub fn reserve(&self) -> u32 {
        self.next.fetch_add(1, Ordering::Relaxed)
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
            let Some(of_definition) = shard.uses.get(entry.start as usize + later) else { return 0 };
            return self.use_of(of_definition);
        }
        if entry.open == 0 {
            entry.open = *shard.open.lock().entry((key, is_kernel)).or_insert_with(|| self.reserve());
        }
        entry.open
    }

    /// The use of a definition.
    fn use_of(&self, of_definition: &AtomicU32) -> u32 {
        let known = of_definition.load(Ordering::Relaxed);
        if known != 0 {
            return known;
        }
        let new = self.reserve();
        of_definition.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed).map_or_else(|known| known, |_| new)
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
        let define = |shard: &mut KeyShard| {
            cancel.check()?;
            Ok(shard.define(frames, lists))
        };
        let defined: Vec<Vec<(u32, u32, Ticks)>> =
            self.shards.par_iter_mut().map(define).collect::<Result<_, Cancelled>>()?;
        let count = self.next.load(Ordering::Relaxed) as usize;
        self.uses.resize(count, KeyUse::OPEN);
        for (number, frames, time) in defined.into_iter().flatten() {
            if let Some(known) = self.uses.get_mut(number as usize) {
                (known.frames, known.defined) = (frames, time);
            }
        }
        for &(reserved, known) in stood_for {
            if let Some(reserved) = self.uses.get_mut(reserved as usize) {
                reserved.stands_for = known;
            }
        }
        Ok(())
    }

    /// Notes which uses without a definition have one of the other kind, when all is merged.
    pub fn finish(&mut self) {
        for shard in &mut self.shards {
            let mut open: Vec<(KeyKind, u32)> = std::mem::take(shard.open.get_mut()).into_iter().collect();
            open.sort_unstable();
            for ((key, is_kernel), number) in open {
                if let Some(known) = self.uses.get_mut(number as usize) {
                    known.is_mismatched = shard.defined.contains(&(key, !is_kernel));
                }
            }
        }
        self.shards = Vec::new();
    }

    /// A use by its number.
    pub fn get(&self, number: u32) -> KeyUse {
        let at = |number: u32| self.uses.get(number as usize).copied().unwrap_or(KeyUse::OPEN);
        let found = at(number);
        if found.stands_for == 0 { found } else { at(found.stands_for) }
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
    /// Range in `times` of a key.
    fn range_of(&self, key: KeyKind) -> (u32, u32) {
        let Some(&number) = self.numbers.get(&key) else { return (0, 0) };
        let end = |number: u32| self.ends.get(number as usize).copied().unwrap_or(0);
        (number.checked_sub(1).map_or(0, end), end(number))
    }

    /// Groups the definitions of a merge by key, and gives the first definition of each key the use that was open.
    fn group(&mut self) {
        let Self { definitions, times, places, uses, keys, numbers, ends, of_definition, unsorted, open, defined } =
            self;
        keys.clear();
        numbers.clear();
        ends.clear();
        of_definition.clear();
        for definition in definitions.iter() {
            let number = *numbers.entry(definition.key).or_insert(ends.len() as u32);
            if number as usize == ends.len() {
                ends.push(0);
                keys.push(definition.key);
            }
            ends[number as usize] += 1;
            of_definition.push(number);
        }
        // Starts for now; each becomes the end of its group as that is filled.
        let mut sum = 0;
        for start in ends.iter_mut() {
            sum += std::mem::replace(start, sum);
        }
        // Every element is written below.
        times.resize(definitions.len(), Ticks::UNKNOWN);
        places.resize(definitions.len(), 0);
        uses.clear();
        uses.resize_with(definitions.len(), AtomicU32::default);
        for (place, (definition, &number)) in (0..).zip(definitions.iter().zip(of_definition.iter())) {
            let end = &mut ends[number as usize];
            times[*end as usize] = definition.time;
            places[*end as usize] = place;
            *end += 1;
        }
        let open = open.get_mut();
        let mut start = 0;
        for (&key, &end) in keys.iter().zip(ends.iter()) {
            let range = start..end as usize;
            start = range.end;
            sort_group(&mut times[range.clone()], &mut places[range.clone()], unsorted);
            defined.insert(key);
            if let Some(number) = open.remove(&key) {
                *uses[range.start].get_mut() = number;
            }
        }
    }

    /// Uses that the definitions of a merge closed, with their frame lists and times.
    fn define(&mut self, frames: &[&[u64]], lists: &FrameLists) -> Vec<(u32, u32, Ticks)> {
        let mut used = Vec::new();
        for (at, number) in self.uses.iter_mut().map(|number| *number.get_mut()).enumerate() {
            if number == 0 {
                continue;
            }
            let Some(definition) = self.places.get(at).and_then(|&place| self.definitions.get(place as usize)) else {
                continue;
            };
            let of_buffer = frames.get(definition.buffer as usize).copied().unwrap_or_default();
            used.push((number, lists.intern(definition.frames.of(of_buffer)), definition.time));
        }
        self.definitions.clear();
        used
    }
}

/// Sorts the definitions of one key by time; those of one tick stay in the order of the file. `unsorted` is memory for the sort.
fn sort_group(times: &mut [Ticks], places: &mut [u32], unsorted: &mut Vec<(Ticks, u32)>) {
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
        let reserved = keys.reserve();
        keys.end(&[&frames, &frames], &[], &lists, &never).unwrap();
        keys.begin(&mut [&mut first, &mut second], Ticks::NEVER, &never).unwrap();
        let late = keys.refer(&mut cache, 7, true, Ticks(30));
        keys.end(&[&frames, &frames], &[(reserved, late)], &lists, &never).unwrap();
        keys.finish();
        let table = lists.into_table(8);
        let of = |number| table.frames(keys.get(number).frames).to_vec();
        assert_eq!(uses.iter().map(|&number| of(number)).collect::<Vec<_>>(), [[1], [1], [3], [4]]);
        assert_eq!((of(late), of(reserved), keys.get(late).defined), (vec![4], vec![4], Ticks(30)));
        assert_eq!((keys.get(user).frames, keys.get(user).is_mismatched), (NO_FRAMES, true));
        assert_eq!((keys.get(lost).frames, keys.get(lost).is_mismatched), (NO_FRAMES, false));
    }
}
