//! Counts written records by kind.

use std::collections::BTreeMap;

use super::Guid;

/// Kind of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKey {
    /// A kernel event's hook.
    Hook(u16),
    /// A GUID-headed record's provider.
    Provider(Guid),
    /// A WPP message.
    Message,
    /// Bytes written as they are.
    Raw,
}

/// Numbers of records by kind. A list is fast enough, because there are few kinds.
#[derive(Debug, Clone, Default)]
pub struct RecordCounter {
    counts: Vec<(RecordKey, u64)>,
}

impl RecordCounter {
    /// Counts `count` more records of `key`.
    pub fn add(&mut self, key: RecordKey, count: u64) {
        match self.counts.iter_mut().find(|(known, _)| *known == key) {
            Some((_, total)) => *total += count,
            None => self.counts.push((key, count)),
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (key, count) in &other.counts {
            self.add(*key, *count);
        }
    }

    /// All records.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// The records of `key`.
    #[must_use]
    pub fn of(&self, key: RecordKey) -> u64 {
        self.counts.iter().find(|(known, _)| *known == key).map_or(0, |(_, count)| *count)
    }

    /// The counts in the order of their keys.
    #[must_use]
    pub fn sorted(&self) -> BTreeMap<RecordKey, u64> {
        self.counts.iter().copied().collect()
    }
}
