//! Snapshots of pool usage by tag, printed by poolmon (screen or snapshot file) and by `!poolused` of WinDbg: parsing, comparison of
//! two snapshots, tags that grow together, and tags worth recording. Works on text; opens no file and knows no trace.
//!
//! The layouts follow Microsoft's documentation of PoolMon and of `!poolused`, and published output.

pub mod comparison;
pub mod line;
pub mod lockstep;
pub mod parse;
pub mod suggest;

pub use crate::pool::Pool;
pub use comparison::{SnapshotComparison, TagDelta, compare};
pub use lockstep::{TagGroup, find_tag_groups};
pub use parse::{SnapshotError, SnapshotFile, parse};
pub use suggest::{SuggestionBasis, TagSuggestion, suggest};

/// Update interval of poolmon's display in seconds, from its documentation: the numbers in parentheses are changes over this time.
const UPDATE_SECONDS: u64 = 5;

/// Tool that printed a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SnapshotTool {
    /// poolmon: screen or snapshot file.
    PoolMon,
    /// `!poolused` of WinDbg and KD.
    PoolUsed,
}

impl SnapshotTool {
    /// Name of the tool.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PoolMon => "poolmon",
            Self::PoolUsed => "!poolused",
        }
    }
}

/// Counts of one tag in one pool.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct TagCounts {
    /// Allocations since the system started; `None` for `!poolused` without flag 1.
    pub allocs: Option<u64>,
    /// Frees since the system started; `None` for `!poolused` without flag 1.
    pub frees: Option<u64>,
    /// Blocks currently allocated.
    pub blocks: u64,
    /// Bytes currently allocated.
    pub bytes: u64,
}

impl TagCounts {
    /// Sum of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
        Self {
            allocs: sum(self.allocs, other.allocs),
            frees: sum(self.frees, other.frees),
            blocks: self.blocks.saturating_add(other.blocks),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

/// Change since poolmon's last update, which it shows in parentheses.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ChangeSinceUpdate {
    /// Change of the allocations.
    pub allocs: i64,
    /// Change of the frees.
    pub frees: i64,
    /// Change of the bytes.
    pub bytes: i64,
}

/// Row of a snapshot: one tag in one pool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotRow {
    /// Tag, padded with spaces to four characters.
    pub tag: String,
    /// The pool.
    pub pool: Pool,
    /// Counts.
    pub counts: TagCounts,
    /// Change since poolmon's last update, if shown.
    pub change: Option<ChangeSinceUpdate>,
    /// Driver or description of the tag, from the tool's list of tags (`pooltag.txt`), not from the machine.
    pub description: Option<String>,
}

/// Pool usage by tag at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// Tool that printed it.
    pub tool: SnapshotTool,
    /// Line of its first row in the text, from 1.
    pub first_line: usize,
    /// One row per tag and pool, descending by bytes, then by tag and pool.
    pub rows: Vec<SnapshotRow>,
    /// Total bytes of each pool as the tool prints them (`Pool N: … P: …`, `TOTAL`), nonpaged first. More than the sum of the rows
    /// means that rows are missing.
    pub totals: [Option<u64>; 2],
}

impl Snapshot {
    /// Sum of the bytes of a pool's rows.
    #[must_use]
    pub fn bytes_in(&self, pool: Pool) -> u64 {
        let rows = self.rows.iter().filter(|row| row.pool == pool);
        rows.fold(0, |sum, row| sum.saturating_add(row.counts.bytes))
    }

    /// The tool's total of a pool if the rows add up to less than half of it: then the snapshot is truncated, as a screen that shows only
    /// the largest tags. poolmon's totals count whole pages and are slightly larger than the sum of all rows.
    #[must_use]
    pub fn truncated_total(&self, pool: Pool) -> Option<u64> {
        let (total, rows) = (self.total(pool)?, self.bytes_in(pool));
        (rows > 0 && rows < total / 2).then_some(total)
    }

    /// Upper bound on the bytes of a tag that a truncated snapshot does not show: those of the smallest row, because the largest tags are
    /// shown, or unbounded for a pool without rows. `None` if all tags are shown.
    pub(super) fn unseen_bytes(&self, pool: Pool) -> Option<u64> {
        let rows = self.rows.iter().filter(|row| row.pool == pool);
        match rows.map(|row| row.counts.bytes).min() {
            Some(smallest) => self.truncated_total(pool).map(|_| smallest),
            None => self.total(pool).filter(|total| *total > 0).map(|_| u64::MAX),
        }
    }

    fn total(&self, pool: Pool) -> Option<u64> {
        Pool::ALL.into_iter().zip(self.totals).find(|(of, _)| *of == pool).and_then(|(_, total)| total)
    }

    /// Row of a tag in a pool.
    #[must_use]
    pub fn row(&self, tag: &str, pool: Pool) -> Option<&SnapshotRow> {
        self.rows.iter().find(|row| row.tag == tag && row.pool == pool)
    }

    /// Allocations and frees per second since poolmon's last update, of the tags that `matches` accepts. `None` if no row shows a
    /// change.
    #[must_use]
    pub fn events_per_second(&self, matches: impl Fn(&str) -> bool) -> Option<u64> {
        let changes = self.rows.iter().filter(|row| matches(&row.tag)).filter_map(|row| row.change);
        let events =
            |change: ChangeSinceUpdate| change.allocs.unsigned_abs().saturating_add(change.frees.unsigned_abs());
        let sum = changes.map(events).reduce(u64::saturating_add)?;
        Some(sum.div_ceil(UPDATE_SECONDS))
    }
}
