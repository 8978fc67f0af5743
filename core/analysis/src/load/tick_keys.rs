//! Stack keys that were defined in one tick: a reference that follows in the same tick belongs to a later definition.

use crate::trace::time::Ticks;
use rustc_hash::FxHashSet;

/// Number of keys of one tick up to which a list is faster than a set.
const FEW: usize = 16;

/// The keys that were defined in the tick of the latest definition.
#[derive(Debug)]
pub struct TickKeys {
    tick: Ticks,
    few: Vec<u64>,
    many: FxHashSet<u64>,
}

impl Default for TickKeys {
    fn default() -> Self {
        Self { tick: Ticks::UNKNOWN, few: Vec::new(), many: FxHashSet::default() }
    }
}

impl TickKeys {
    /// Removes all keys.
    pub fn clear(&mut self) {
        self.begin(Ticks::UNKNOWN);
    }

    fn begin(&mut self, tick: Ticks) {
        self.tick = tick;
        self.few.clear();
        self.many.clear();
    }

    /// Adds a key that is defined at a time.
    #[inline]
    pub fn insert(&mut self, time: Ticks, key: u64) {
        if self.tick != time {
            self.begin(time);
        }
        if self.few.len() < FEW {
            self.few.push(key);
        } else {
            self.many.insert(key);
        }
    }

    /// Returns `true` if a key was defined at a time, the latest one.
    #[inline]
    pub fn contains(&self, time: Ticks, key: u64) -> bool {
        self.tick == time && (self.few.contains(&key) || self.many.contains(&key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_belong_to_their_tick_however_many_there_are() {
        let mut keys = TickKeys::default();
        (0..100).for_each(|key| keys.insert(Ticks(5), key));
        assert!((0..100).all(|key| keys.contains(Ticks(5), key)));
        assert!(!keys.contains(Ticks(5), 100) && !keys.contains(Ticks(6), 3));
        keys.insert(Ticks(6), 7);
        assert!(keys.contains(Ticks(6), 7) && !keys.contains(Ticks(6), 99) && !keys.contains(Ticks(5), 7));
        keys.clear();
        assert!(!keys.contains(Ticks(6), 7));
    }
}
