//! Listings of pool usage by tag that other tools print: poolmon's screens and snapshot files, and `!poolused` of WinDbg. From text to a
//! table of tags, the difference of two tables, and the tags worth recording. Text in, tables out: it opens no file and knows no trace.
//!
//! The layouts are those of Microsoft's documentation of PoolMon and of `!poolused`, and of output that people posted.

pub mod comparison;
pub mod line;
mod number;
pub mod parse;
pub mod suggest;
pub mod text;
pub mod lockstep;

pub use comparison::{SnapshotComparison, TagDelta, compare};
pub use parse::{SnapshotFile, SnapshotError, parse};
pub use suggest::{SuggestionBasis, TagSuggestion, suggest};
pub use lockstep::{TagGroup, find_tag_groups};

/// Seconds between two updates of poolmon's display, as its documentation says: what the numbers in parentheses count over.
pub const UPDATE_SECONDS: u64 = 5;

/// Which pool.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Pool {
    /// Never paged out.
    NonPaged,
    /// May be paged out.
    Paged,
}

impl Pool {
    /// Both.
    pub const ALL: [Self; 2] = [Self::NonPaged, Self::Paged];

    /// The word that tables show.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NonPaged => "NonPaged",
            Self::Paged => "Paged",
        }
    }
}

/// Which tool printed it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SnapshotTool {
    /// poolmon, a screen or a snapshot file.
    PoolMon,
    /// `!poolused` of WinDbg and KD.
    PoolUsed,
}

impl SnapshotTool {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PoolMon => "poolmon",
            Self::PoolUsed => "!poolused",
        }
    }
}

/// What a tool counts for one tag in one pool.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct TagCounts {
    /// Allocations since the system started; not in `!poolused` without its flag 1.
    pub allocs: Option<u64>,
    /// Frees since the system started; likewise.
    pub frees: Option<u64>,
    /// Blocks that are allocated now.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl TagCounts {
    /// Both together.
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

/// What poolmon shows in parentheses: the change since its last update.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ChangeSinceUpdate {
    /// Allocations.
    pub allocs: i64,
    /// Frees.
    pub frees: i64,
    /// Bytes.
    pub bytes: i64,
}

/// One tag in one pool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotRow {
    /// The tag, four characters, filled up with blanks.
    pub tag: String,
    /// The pool.
    pub pool: Pool,
    /// What is counted.
    pub counts: TagCounts,
    /// The change since the last update, where poolmon shows it.
    pub change: Option<ChangeSinceUpdate>,
    /// The driver or the description that the tool knows for the tag. It comes from a list of tags, not from this machine.
    pub description: Option<String>,
}

/// One listing: what a tool printed at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// Who printed it.
    pub tool: SnapshotTool,
    /// Its first line in the text, from 1.
    pub first_line: usize,
    /// One row per tag and pool, the most bytes first; ties by tag and pool.
    pub rows: Vec<SnapshotRow>,
    /// Bytes of each pool as the tool itself adds them up (`Pool N: … P: …`, `TOTAL`), nonpaged first. More than the rows' sum means
    /// that the listing was cut.
    pub totals: [Option<u64>; 2],
}

impl Snapshot {
    /// Bytes of the rows in a pool.
    #[must_use]
    pub fn bytes_in(&self, pool: Pool) -> u64 {
        let rows = self.rows.iter().filter(|row| row.pool == pool);
        rows.fold(0, |sum, row| sum.saturating_add(row.counts.bytes))
    }

    /// Bytes of a pool as the tool adds them up, if the rows hold less than half of them: then rows are missing, as on a screen that shows
    /// only the largest. poolmon's sums are those of whole pages, a little more than all of its rows'.
    #[must_use]
    pub fn truncated_total(&self, pool: Pool) -> Option<u64> {
        let (total, rows) = (self.total(pool)?, self.bytes_in(pool));
        (rows > 0 && rows < total / 2).then_some(total)
    }

    /// What a tag that the listing does not show may hold in a pool without being seen, at most. Nothing where every tag is shown. A cut
    /// listing shows the largest, so it is what the smallest row holds; of a pool that is left out altogether nothing is known.
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

    /// The row of a tag in a pool.
    #[must_use]
    pub fn row(&self, tag: &str, pool: Pool) -> Option<&SnapshotRow> {
        self.rows.iter().find(|row| row.tag == tag && row.pool == pool)
    }

    /// Allocations and frees per second between poolmon's last two updates, of the tags that `takes` accepts. Nothing where no row
    /// shows a change.
    #[must_use]
    pub fn events_per_second(&self, takes: impl Fn(&str) -> bool) -> Option<u64> {
        let changes = self.rows.iter().filter(|row| takes(&row.tag)).filter_map(|row| row.change);
        let events = |change: ChangeSinceUpdate| change.allocs.unsigned_abs().saturating_add(change.frees.unsigned_abs());
        let sum = changes.map(events).reduce(u64::saturating_add)?;
        Some(sum.div_ceil(UPDATE_SECONDS))
    }
}
