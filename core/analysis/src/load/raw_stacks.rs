//! Distinct lists of frames of the whole trace, shared by all workers: the same stack is recorded thousands of times, in
//! every shard. Its numbers depend on which worker came first, so they must never show in a result: they only tell
//! equal lists from different ones.

use parking_lot::Mutex;
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::hash::BuildHasher;

/// Number of independently locked parts; a power of two.
const PARTS: usize = 64;

/// The lists, found by value.
#[derive(Debug)]
pub struct RawStacks {
    parts: Vec<Mutex<FxHashMap<Box<[u64]>, u32>>>,
}

impl Default for RawStacks {
    fn default() -> Self {
        Self { parts: (0..PARTS).map(|_| Mutex::new(FxHashMap::default())).collect() }
    }
}

impl RawStacks {
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

    /// The lists by number.
    pub fn into_rows(self) -> RawRows {
        let by_place = |part: Mutex<FxHashMap<Box<[u64]>, u32>>| {
            let mut rows: Vec<(u32, Box<[u64]>)> = part.into_inner().into_iter().map(|(f, id)| (id, f)).collect();
            rows.sort_unstable_by_key(|row| row.0);
            rows.into_iter().map(|row| row.1).collect()
        };
        RawRows { parts: self.parts.into_iter().map(by_place).collect() }
    }
}

/// The finished lists.
#[derive(Debug)]
pub struct RawRows {
    parts: Vec<Vec<Box<[u64]>>>,
}

impl RawRows {
    /// Frames of a list, innermost first; none for a number that is not there.
    pub fn frames(&self, id: u32) -> &[u64] {
        let place = id as usize;
        let row = self.parts.get(place % PARTS).and_then(|part| part.get(place / PARTS));
        row.map(|frames| &**frames).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lists_have_one_number() {
        let stacks = RawStacks::default();
        let ids: Vec<u32> = (0..500_u64).map(|n| stacks.intern(&[n, n * 3, 7])).collect();
        assert_eq!(stacks.intern(&[9, 27, 7]), ids[9]);
        let rows = stacks.into_rows();
        assert!(ids.iter().zip(0..).all(|(&id, n)| rows.frames(id) == [n, n * 3, 7]));
        assert_eq!(rows.frames(u32::MAX), &[] as &[u64]);
    }
}
