//! The kernel's stack cache: keys of cached stacks, and eviction.

use super::entities::StackId;
use crate::writer::Width;

const EMPTY: StackId = StackId::MAX;

/// A cache of stacks. Keys are addresses of entries and are reused for other stacks.
pub(super) struct StackCache {
    base: u64,
    entries: Vec<StackId>,
    capacity: usize,
    entry_of: Vec<u32>,
    next_victim: usize,
}

/// Result of inserting a stack.
pub(super) struct CacheEntry {
    pub key: u64,
    /// The stack that had this key before, whose definition must be written.
    pub evicted: Option<StackId>,
}

impl StackCache {
    /// The cache of kernel or user stacks.
    pub fn new(width: Width, user: bool, capacity: usize) -> Self {
        let base = match width {
            Width::Bits64 => 0xFFFF_FA83_0340_0000,
            Width::Bits32 => 0x8A00_0000,
        };
        let base = base + if user { 0x100_0000 } else { 0 };
        Self { base, entries: Vec::new(), capacity, entry_of: Vec::new(), next_victim: 0 }
    }

    fn key(&self, entry: usize) -> u64 {
        self.base + 0x10 * entry as u64
    }

    pub fn insert(&mut self, stack: StackId) -> CacheEntry {
        let index = stack as usize;
        if index >= self.entry_of.len() {
            self.entry_of.resize(index + 1, EMPTY);
        }
        if self.entry_of[index] != EMPTY {
            return CacheEntry { key: self.key(self.entry_of[index] as usize), evicted: None };
        }
        let (entry, evicted) = if self.entries.len() < self.capacity {
            self.entries.push(stack);
            (self.entries.len() - 1, None)
        } else {
            let entry = self.next_victim;
            self.next_victim = (entry + 1) % self.capacity;
            let evicted = std::mem::replace(&mut self.entries[entry], stack);
            self.entry_of[evicted as usize] = EMPTY;
            (entry, Some(evicted))
        };
        self.entry_of[index] = entry as u32;
        CacheEntry { key: self.key(entry), evicted }
    }

    /// All cached stacks by key.
    pub fn entries_by_key(&self) -> Vec<(u64, StackId)> {
        self.entries.iter().enumerate().map(|(entry, stack)| (self.key(entry), *stack)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_used_again() {
        let mut cache = StackCache::new(Width::Bits64, false, 2);
        let first = cache.insert(5);
        assert_eq!((cache.insert(5).key, first.evicted), (first.key, None));
        assert_ne!(cache.insert(6).key, first.key);
        let third = cache.insert(7);
        assert_eq!((third.key, third.evicted), (first.key, Some(5)));
        assert_eq!(cache.insert(5).evicted, Some(6));
        assert_eq!(cache.entries_by_key(), [(first.key, 7), (first.key + 0x10, 5)]);
    }
}
