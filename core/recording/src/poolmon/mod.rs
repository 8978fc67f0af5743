//! Snapshots of pool usage by tag, as poolmon, `!poolused`, PoolMonX, System Informer and scripts around the same system call print
//! them: parsing, comparison of two, series of many, tags that grow together, and tags worth recording. Works on text; opens no file
//! and knows no trace.
//!
//! | module | content |
//! | --- | --- |
//! | `debugger_lines` | lines of `!poolfind` and `!vm` |
//! | [`decode`](mod@decode) | text of a file in any encoding |
//! | [`number`] | numbers of any locale |
//! | [`time`] | dates and times of lines, columns and file names |
//! | [`line`](mod@line) | lines of poolmon and `!poolused` |
//! | [`table`] | tables whose columns have headings: CSV, PowerShell, Markdown, JSON |
//! | [`shape`] | tables whose headings are unknown, by what holds between their columns |
//! | [`parse`](mod@parse) | a text into snapshots |
//! | [`comparison`] | differences of two snapshots |
//! | [`series`] | many snapshots over time, of one scope |
//! | [`lockstep`], [`suggest`](mod@suggest) | tags that grow together; tags to record |
//! | [`tag_notes`] | built-in notes on tags, each with its source |
//!
//! The layouts follow Microsoft's documentation of PoolMon and of `!poolused`, and published output.

pub mod comparison;
mod debugger_lines;
pub mod decode;
pub mod line;
pub mod lockstep;
pub mod number;
pub mod parse;
pub mod series;
pub mod shape;
pub mod suggest;
pub mod table;
pub mod tag_notes;
pub mod time;

pub use crate::pool::Pool;
pub use comparison::{SnapshotComparison, TagDelta, compare};
pub use decode::decode;
pub use lockstep::{TagGroup, find_tag_groups};
pub use parse::{SnapshotError, SnapshotFile, parse};
pub use series::{SnapshotInput, SnapshotSeries};
pub use suggest::{SuggestionBasis, TagSuggestion, suggest};
pub use time::{SnapshotTime, TimeSource};

/// Update interval of poolmon's display in seconds, from its documentation: the numbers in parentheses are changes over this time.
const UPDATE_SECONDS: u64 = 5;
/// Value at which the kernel's counters of allocations and frees wrap (`SYSTEM_POOLTAG` has 32-bit counters).
const COUNT_WRAPS: u64 = 1 << 32;

/// Tool that printed a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SnapshotTool {
    /// poolmon: screen or snapshot file.
    PoolMon,
    /// `!poolused` of WinDbg and KD.
    PoolUsed,
    /// PoolMonX.
    PoolMonX,
    /// System Informer, formerly Process Hacker.
    SystemInformer,
    /// `!poolfind` of WinDbg and KD, which lists the blocks of a tag.
    PoolFind,
    /// `!vm` of WinDbg and KD, which shows the sizes of the pools.
    Vm,
    /// A script around `NtQuerySystemInformation`, or an unknown tool with such a table.
    Script,
    /// poolscope.
    Poolscope,
}

impl SnapshotTool {
    /// Name of the tool.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PoolMon => "poolmon",
            Self::PoolUsed => "!poolused",
            Self::PoolFind => "!poolfind",
            Self::Vm => "!vm",
            Self::PoolMonX => "PoolMonX",
            Self::SystemInformer => "System Informer",
            Self::Script => "table",
            Self::Poolscope => "poolscope",
        }
    }
}

/// Allocations that a snapshot counts. Snapshots of different scope are never compared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub enum SnapshotScope {
    /// Pool of the system.
    #[default]
    System,
    /// Session pool of all sessions together.
    AllSessions,
    /// Session pool of the session that the debugger looked at (`!poolused 8`).
    CurrentSession,
    /// Session pool of one session.
    Session(u32),
    /// Blocks of the tags that `!poolfind` searched for.
    Searched,
    /// Whole pools, without tags (`!vm`).
    PoolSizes,
}

impl std::fmt::Display for SnapshotScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::System => f.write_str("system pool"),
            Self::AllSessions => f.write_str("session pool of all sessions"),
            Self::CurrentSession => f.write_str("session pool of the debugger's session"),
            Self::Session(number) => write!(f, "session pool of session {number}"),
            Self::Searched => f.write_str("blocks that !poolfind found"),
            Self::PoolSizes => f.write_str("sizes of the pools"),
        }
    }
}

/// Counts of one tag in one pool.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct TagCounts {
    /// Allocations since the system started, modulo 2^32; `None` for `!poolused` without flag 1.
    pub allocs: Option<u64>,
    /// Frees since the system started, modulo 2^32; `None` for `!poolused` without flag 1.
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

    /// Allocations minus frees, with counters modulo 2^32; `None` unless both are counted.
    #[must_use]
    pub fn difference(self) -> Option<i64> {
        let (allocs, frees) = (self.allocs?, self.frees?);
        Some(match (u32::try_from(allocs), u32::try_from(frees)) {
            (Ok(allocs), Ok(frees)) => i64::from(allocs.wrapping_sub(frees).cast_signed()),
            _ => i64::try_from(i128::from(allocs) - i128::from(frees)).unwrap_or(0),
        })
    }

    /// Returns `true` if the blocks are the difference of allocations and frees modulo 2^32, or if these are not counted.
    #[must_use]
    pub fn is_consistent(self) -> bool {
        let same = |difference: i64| (difference.cast_unsigned() ^ self.blocks) & (COUNT_WRAPS - 1) == 0;
        self.difference().is_none_or(same)
    }

    /// The same with a plausible number of blocks. Tools print the difference of wrapped counters as a negative number or close to
    /// 2^64; it is then computed again from the counters. More frees than allocations are no blocks.
    #[must_use]
    pub fn settled(self) -> Self {
        let is_plausible = self.blocks < COUNT_WRAPS
            || self.allocs.is_some_and(|allocs| allocs >= COUNT_WRAPS && self.blocks <= allocs);
        if is_plausible {
            return self;
        }
        Self { blocks: u64::try_from(self.difference().unwrap_or(0)).unwrap_or(0), ..self }
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
    /// The tool rounded the figures, as in `17.97 GB`.
    pub is_rounded: bool,
}

/// Memory of the machine as the first lines of poolmon and `!vm` show it, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct MemoryStatus {
    /// Physical memory.
    pub total: Option<u64>,
    /// Available physical memory.
    pub available: Option<u64>,
    /// Commit charge.
    pub committed: Option<u64>,
    /// Commit limit.
    pub commit_limit: Option<u64>,
    /// Size of each pool, nonpaged first; `!vm` only.
    pub pool_usage: [Option<u64>; 2],
    /// Maximum size of each pool, nonpaged first; `!vm` only. Since Windows 8.1 that of the address space.
    pub pool_limit: [Option<u64>; 2],
}

impl MemoryStatus {
    /// Values of both, those of `self` first.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let either = |own: [Option<u64>; 2], others: [Option<u64>; 2]| [own[0].or(others[0]), own[1].or(others[1])];
        Self {
            pool_usage: either(self.pool_usage, other.pool_usage),
            pool_limit: either(self.pool_limit, other.pool_limit),
            total: self.total.or(other.total),
            available: self.available.or(other.available),
            committed: self.committed.or(other.committed),
            commit_limit: self.commit_limit.or(other.commit_limit),
        }
    }

    /// Returns `true` if it has the size of a pool.
    #[must_use]
    pub fn has_pools(&self) -> bool {
        self.pool_usage.iter().any(Option::is_some)
    }

    /// Size of a pool, if known.
    #[must_use]
    pub fn usage_of(&self, pool: Pool) -> Option<u64> {
        Pool::ALL.into_iter().zip(self.pool_usage).find(|(of, _)| *of == pool).and_then(|(_, bytes)| bytes)
    }

    /// Bytes that a pool can reach: its limit, or what memory allows if that is less (physical memory for nonpaged pool, the commit
    /// limit for paged pool). `None` if the limit is not known.
    #[must_use]
    pub fn limit_of(&self, pool: Pool) -> Option<u64> {
        let limits = Pool::ALL.into_iter().zip(self.pool_limit);
        let limit = limits.filter(|(of, _)| *of == pool).find_map(|(_, bytes)| bytes)?;
        let memory = match pool {
            Pool::NonPaged => self.total,
            Pool::Paged => self.commit_limit,
        };
        Some(limit.min(memory.unwrap_or(u64::MAX)))
    }
}

/// Pool usage by tag at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// Tool that printed it.
    pub tool: SnapshotTool,
    /// Allocations that it counts.
    pub scope: SnapshotScope,
    /// Time of it, if the text contains one.
    pub time: Option<SnapshotTime>,
    /// Line of its first row in the text, from 1.
    pub first_line: usize,
    /// One row per tag and pool, descending by bytes, then by tag and pool.
    pub rows: Vec<SnapshotRow>,
    /// Total bytes of each pool as the tool prints them (`Pool N: … P: …`, `TOTAL`), nonpaged first. More than the sum of the rows
    /// means that rows are missing.
    pub totals: [Option<u64>; 2],
    /// Memory of the machine, if shown.
    pub memory: MemoryStatus,
}

impl Snapshot {
    /// Sum of the bytes of a pool's rows.
    #[must_use]
    pub fn bytes_in(&self, pool: Pool) -> u64 {
        let rows = self.rows.iter().filter(|row| row.pool == pool);
        rows.fold(0, |sum, row| sum.saturating_add(row.counts.bytes))
    }

    /// The tool's total of a pool if the rows add up to less than half of it: then the snapshot is truncated, as a screen that shows only
    /// the largest tags. poolmon's totals count whole pages and are slightly larger than the sum of all rows. `None` for session pool,
    /// above which poolmon prints the totals of the system.
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

    /// The tool's total of a pool in the snapshot's scope.
    #[must_use]
    pub fn total(&self, pool: Pool) -> Option<u64> {
        if self.scope != SnapshotScope::System && self.tool == SnapshotTool::PoolMon {
            return None;
        }
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
