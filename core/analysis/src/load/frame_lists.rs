//! Distinct lists of frames: the kernel and user stacks of pool events, numbered by all workers together. The numbers depend on
//! the order of the workers, so that they may only be compared for equality.

use parking_lot::Mutex;
use poolscope_etl::event::stack::is_kernel_address;
use rustc_hash::FxHashMap;

/// Number of parts of [`FrameLists`] with their own locks; a power of two.
const PARTS: usize = 64;
/// Number of lists that a [`FrameListCache`] holds; a power of two.
const CACHED: usize = 1 << 12;

/// A frame: an address, also as it is recorded.
pub trait Frame: Copy {
    /// The address.
    fn address(self) -> u64;
}

impl Frame for u64 {
    #[inline(always)]
    fn address(self) -> u64 {
        self
    }
}

impl Frame for [u8; 8] {
    #[inline(always)]
    fn address(self) -> u64 {
        u64::from_le_bytes(self)
    }
}

/// Hash of a list of frames. Four sums beside each other, since each step of one waits for a multiplication.
#[inline]
pub fn hash_of<F: Frame>(frames: &[F]) -> u64 {
    let (blocks, rest) = frames.as_chunks::<4>();
    let [mut a, mut b, mut c, mut d] = [frames.len() as u64, 1, 2, 3];
    for block in blocks {
        let [first, second, third, fourth] = block.map(Frame::address);
        (a, b) = (hash_step(a, first), hash_step(b, second));
        (c, d) = (hash_step(c, third), hash_step(d, fourth));
    }
    for &frame in rest {
        a = hash_step(a, frame.address());
    }
    let all = hash_step(hash_step(a, b), hash_step(c, d));
    all ^ all >> 32
}

#[inline(always)]
const fn hash_step(sum: u64, frame: u64) -> u64 {
    (sum.rotate_left(23) ^ frame).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Distinct lists of frames, shared by all workers.
#[derive(Debug)]
pub struct FrameLists {
    parts: Vec<Mutex<FrameListPart>>,
}

/// Lists with the same low bits of their hash, one behind the other.
#[derive(Debug, Default)]
struct FrameListPart {
    /// Rows by hash; lists with the same hash follow one another through `next`.
    rows: FxHashMap<u64, u32>,
    next: Vec<u32>,
    frames: Vec<u64>,
    ends: Vec<u64>,
}

/// No further list with the same hash.
const LAST: u32 = u32::MAX;

impl FrameListPart {
    fn frames(&self, row: usize) -> &[u64] {
        let start = row.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |&end| end as usize);
        let end = self.ends.get(row).map_or(0, |&end| end as usize);
        self.frames.get(start..end).unwrap_or_default()
    }

    fn intern(&mut self, hash: u64, frames: &[u64]) -> u32 {
        let first = self.rows.get(&hash).copied().unwrap_or(LAST);
        let mut row = first;
        while let Some(&next) = self.next.get(row as usize) {
            if self.frames(row as usize) == frames {
                return row;
            }
            row = next;
        }
        let row = self.ends.len() as u32;
        self.frames.extend_from_slice(frames);
        self.ends.push(self.frames.len() as u64);
        self.next.push(first);
        self.rows.insert(hash, row);
        row
    }
}

impl Default for FrameLists {
    fn default() -> Self {
        Self { parts: (0..PARTS).map(|_| Mutex::new(FrameListPart::default())).collect() }
    }
}

impl FrameLists {
    /// The number of a list of frames, innermost first; `hash` is [`hash_of`] it.
    pub fn intern(&self, hash: u64, frames: &[u64]) -> u32 {
        let part = hash as usize % PARTS;
        let row = self.parts.get(part).map_or(0, |rows| rows.lock().intern(hash, frames));
        row * PARTS as u32 + part as u32
    }

    /// Ends the numbering; `pointer_size` is that of the recording system.
    pub fn into_table(self, pointer_size: u8) -> FrameListTable {
        let close = |part: Mutex<FrameListPart>| {
            let mut part = part.into_inner();
            part.rows = FxHashMap::default();
            part.next = Vec::new();
            part
        };
        let parts: Vec<FrameListPart> = self.parts.into_iter().map(close).collect();
        let is_user = |address: &u64| !is_kernel_address(*address, pointer_size);
        let of_part =
            |part: &FrameListPart| (0..part.ends.len()).map(|row| part.frames(row).iter().any(is_user)).collect();
        let user_mode = parts.iter().map(of_part).collect();
        FrameListTable { parts, user_mode }
    }
}

/// Lists that one worker used last, which are found without a lock.
#[derive(Debug, Default)]
pub struct FrameListCache {
    rows: Vec<CachedList>,
}

#[derive(Debug, Default)]
struct CachedList {
    hash: u64,
    number: u32,
    frames: Box<[u64]>,
}

impl FrameListCache {
    /// The number of a list of frames.
    #[inline]
    pub fn intern<F: Frame>(&mut self, lists: &FrameLists, frames: &[F]) -> u32 {
        let hash = hash_of(frames);
        let is_same = |row: &&CachedList| {
            let mut both = row.frames.iter().zip(frames);
            row.hash == hash && row.frames.len() == frames.len() && both.all(|(a, b)| *a == b.address())
        };
        match self.rows.get((hash >> 32) as usize % CACHED).filter(is_same) {
            Some(row) if !frames.is_empty() => row.number,
            _ => self.add(lists, hash, frames.iter().map(|frame| frame.address()).collect()),
        }
    }

    /// The number of a list of frames that is not in the cache.
    #[inline(never)]
    fn add(&mut self, lists: &FrameLists, hash: u64, frames: Box<[u64]>) -> u32 {
        if self.rows.is_empty() {
            self.rows.resize_with(CACHED, CachedList::default);
        }
        let number = lists.intern(hash, &frames);
        if let Some(row) = self.rows.get_mut((hash >> 32) as usize % CACHED) {
            *row = CachedList { hash, number, frames };
        }
        number
    }
}

/// Lists of frames by number.
#[derive(Debug, Default)]
pub struct FrameListTable {
    parts: Vec<FrameListPart>,
    /// True for lists with user-mode addresses.
    user_mode: Vec<Vec<bool>>,
}

impl FrameListTable {
    /// Frames of a list, innermost first; empty for a number that no list has.
    pub fn frames(&self, id: u32) -> &[u64] {
        let number = id as usize;
        self.parts.get(number % PARTS).map(|part| part.frames(number / PARTS)).unwrap_or_default()
    }

    /// Returns `true` if a list has user-mode addresses.
    #[inline]
    pub fn has_user_mode(&self, id: u32) -> bool {
        let number = id as usize;
        self.user_mode.get(number % PARTS).and_then(|part| part.get(number / PARTS)).copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lists_have_one_number() {
        let lists = FrameLists::default();
        let intern = |lists: &FrameLists, frames: &[u64]| lists.intern(hash_of(frames), frames);
        let mut cache = FrameListCache::default();
        let ids: Vec<u32> = (0..5_000_u64).map(|n| intern(&lists, &[n, n * 3, 7])).collect();
        assert_eq!(intern(&lists, &[9, 27, 7]), ids[9]);
        assert!((0..5_000_u64).all(|n| cache.intern(&lists, &[n, n * 3, 7]) == ids[n as usize]));
        let empty = intern(&lists, &[]);
        assert_eq!(cache.intern::<u64>(&lists, &[]), empty);
        let rows = lists.into_table(8);
        assert!(ids.iter().zip(0..).all(|(&id, n)| rows.frames(id) == [n, n * 3, 7]));
        assert!(rows.has_user_mode(ids[1]) && !rows.has_user_mode(empty));
        assert_eq!((rows.frames(empty), rows.frames(u32::MAX)), (&[] as &[u64], &[] as &[u64]));
    }
}
