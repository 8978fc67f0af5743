//! The options of `record`, and the plan they make. Nothing is read or written here but the listings that tags are taken from.

use super::open::UsageError;
use super::poolmon::{Snapshots, read_snapshots};
use super::units::{parse_bytes, parse_duration};
use crate::recording_text::RateSource;
use clap::{ArgGroup, ValueEnum};
use poolscope_recording::estimate::MEMORY_BYTES_DEFAULT;
use poolscope_recording::tag::TAGS_MAX;
use poolscope_recording::{
    DetailLevel, ExpectedLoad, LoggingMode, RecordingPlan, TagScope, ScriptOptions, StackOptions, WindowsVersion, TagPattern, TagPatterns, WatchedPool,
};
use poolscope_recording::poolmon::{SuggestionBasis, TagDelta, Snapshot, Pool, TagSuggestion, TagGroup, suggest};
use std::path::PathBuf;

/// Options of `record`.
#[derive(clap::Args, Debug)]
#[command(group(ArgGroup::new("what").required(true).args(["tag", "all", "from_poolmon"])))]
pub struct Args {
    /// A tag to record, 1 to 4 characters, case counts; ? is any one character, * the rest. Up to four times
    #[arg(long, value_name = "TAG", allow_hyphen_values = true)]
    pub tag: Vec<String>,
    /// Records every tag
    #[arg(long)]
    pub all: bool,
    /// Takes the tags that grow from what poolmon or !poolused printed ('-': standard input)
    #[arg(long, value_name = "FILE")]
    pub from_poolmon: Option<PathBuf>,
    /// The same printed later: the tags that grew in between are taken
    #[arg(long, value_name = "FILE", requires = "from_poolmon")]
    pub and: Option<PathBuf>,
    /// Time between the two, such as 1h: the rate of events is computed from it
    #[arg(long, value_name = "TIME", value_parser = parse_duration, requires = "from_poolmon")]
    pub apart: Option<u64>,
    /// Big allocations of every tag as well
    #[arg(long)]
    pub big: bool,
    /// Records into a file that grows (the default)
    #[arg(long, conflicts_with = "memory")]
    pub file: bool,
    /// Records into memory, where the oldest is overwritten
    #[arg(long)]
    pub memory: bool,
    /// Memory for the buffers of --memory (default: 256MiB)
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, requires = "memory")]
    pub memory_size: Option<u64>,
    /// Which events carry a call stack
    #[arg(long, value_enum, default_value_t)]
    pub stacks: StacksArg,
    /// Detail level that the profile is called by
    #[arg(long, value_enum, default_value_t)]
    pub detail: DetailArg,
    /// Allocations and frees per second that are expected (default: counted in the listings, else 1000 with tags and 20000
    /// without)
    #[arg(long, value_name = "N")]
    pub rate: Option<u64>,
    /// How long it is recorded, such as 90s, 10min or 2h; with --memory how much of it has to be kept (default: 10min; without
    /// it a script stops after 1h, or with --stop-at or --stop-at-growth after 24h)
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub duration: Option<u64>,
    /// Records from the start of Windows on
    #[arg(long)]
    pub boot: bool,
    /// The machine runs Windows 7 or Server 2008 R2
    #[arg(long)]
    pub windows7: bool,
    /// Writes the profile here (.wprp) and names it in the commands; '-': the profile alone, to standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Name of the trace in the commands
    #[arg(long, value_name = "FILE", default_value = "leak.etl")]
    pub trace: String,
    /// Writes a PowerShell script here (.ps1) that records without a key press and stops by itself
    #[arg(long, value_name = "FILE", conflicts_with = "boot")]
    pub script: Option<PathBuf>,
    /// The script stops when the pool holds this much
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, requires = "script")]
    pub stop_at: Option<u64>,
    /// The script stops when the pool has grown by this much
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, requires = "script")]
    pub stop_at_growth: Option<u64>,
    /// The pool that the script watches
    #[arg(long, value_enum, default_value_t, requires = "script")]
    pub watch: PoolArg,
    /// Replaces files that are there
    #[arg(long)]
    pub force: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Which events carry a call stack.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StacksArg {
    /// Allocations and frees
    #[default]
    Both,
    /// Allocations: who leaks
    Alloc,
    /// Frees: who frees
    Free,
    /// None: no function and no driver is known
    None,
}

/// The profile's detail level.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DetailArg {
    /// Light
    Light,
    /// Verbose
    #[default]
    Verbose,
}

/// A pool.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PoolArg {
    /// Nonpaged pool
    #[default]
    Nonpaged,
    /// Paged pool
    Paged,
}

/// Output formats of `record`.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For reading
    #[default]
    Text,
    /// One object
    Json,
}

/// The command that makes a profile for the first of these tags, as tables show them: as many as fit. `None` if none does.
#[must_use]
pub fn command<T: AsRef<str>>(shown: &[T]) -> Option<String> {
    let tag = |pattern: &TagPattern| {
        let text = pattern.shell_text();
        // A shell of Unix looks for files that match.
        if text.contains(['?', '*']) { format!(" --tag \"{text}\"") } else { format!(" --tag {text}") }
    };
    let patterns = TagPatterns::from_tags(shown)?;
    Some(format!("poolscope record{}", patterns.as_slice().iter().map(tag).collect::<String>()))
}

/// The plan, and how it came about.
pub struct Planned {
    /// The plan.
    pub plan: RecordingPlan,
    /// Where its rate comes from.
    pub rate_source: RateSource,
    /// By what the tags were chosen, if they come from listings.
    pub basis: Option<SuggestionBasis>,
    /// Which tags of the listings grow together, in sentences without a full stop.
    pub together: Vec<String>,
    /// What has to be said about the listings first.
    pub warnings: Vec<String>,
}

/// How long it is recorded where nobody says so, in seconds.
const SECONDS: u64 = 10 * 60;
/// The same by a script that has only its time to stop it.
const SCRIPT_SECONDS: u64 = 60 * 60;
/// The same by a script that waits for the pool to grow.
const WAITING_SCRIPT_SECONDS: u64 = 24 * 60 * 60;

impl Args {
    /// The plan.
    ///
    /// # Errors
    /// [`Usage`] for tags that can't be recorded; a listing that can't be read.
    pub fn plan(&self) -> anyhow::Result<Planned> {
        let listings = read_snapshots(self.from_poolmon.iter().chain(&self.and), false)?;
        if listings.comparison.as_ref().is_some_and(|comparison| comparison.is_reversed) {
            anyhow::bail!(
                "the listings are in the wrong order, or the system was started again between them: give the older listing first"
            );
        }
        let (scope, chosen) = self.scope(&listings.all)?;
        let basis = chosen.as_ref().map(|chosen| chosen.basis);
        let together = chosen.iter().flat_map(|chosen| &chosen.groups).map(TagGroup::sentence).collect();
        let counted = self.counted(&scope, &listings);
        let rate_source = match (self.rate, counted) {
            (Some(_), _) => RateSource::Given,
            (None, Some(_)) => RateSource::Snapshot,
            (None, None) => RateSource::Assumed,
        };
        let expected = ExpectedLoad {
            events_per_second: self.rate.or(counted),
            // What memory has to keep is the last stretch, however long a script waits for it.
            seconds: if self.memory { self.duration.unwrap_or(SECONDS) } else { self.seconds() },
            memory_bytes: self.memory_size.unwrap_or(MEMORY_BYTES_DEFAULT),
            ..ExpectedLoad::default()
        };
        let plan = RecordingPlan {
            scope,
            big_allocations: self.big,
            logging_mode: if self.memory { LoggingMode::Memory } else { LoggingMode::File },
            stacks: self.stacks.stacks(),
            detail_level: if self.detail == DetailArg::Light { DetailLevel::Light } else { DetailLevel::Verbose },
            boot: self.boot,
            windows: if self.windows7 { WindowsVersion::Windows7 } else { WindowsVersion::Later },
            expected,
        };
        Ok(Planned { plan, rate_source, basis, together, warnings: listings.warnings })
    }

    /// From start to stop.
    fn seconds(&self) -> u64 {
        let waits = self.stop_at.is_some() || self.stop_at_growth.is_some();
        self.duration.unwrap_or(match (&self.script, waits) {
            (None, _) => SECONDS,
            (Some(_), false) => SCRIPT_SECONDS,
            (Some(_), true) => WAITING_SCRIPT_SECONDS,
        })
    }

    fn scope(&self, listings: &[Snapshot]) -> anyhow::Result<(TagScope, Option<TagSuggestion>)> {
        if self.all {
            return Ok((TagScope::All, None));
        }
        if self.from_poolmon.is_none() {
            let patterns = TagPatterns::parse(&self.tag).map_err(|error| UsageError(error.to_string()))?;
            return Ok((TagScope::Tags(patterns), None));
        }
        let suggestion = suggest(listings, None, TAGS_MAX);
        let Some(patterns) = TagPatterns::from_tags(&suggestion.tags) else {
            anyhow::bail!("no tag grew between the listings: wait longer between them, or give the tags with --tag");
        };
        Ok((TagScope::Tags(patterns), Some(suggestion)))
    }

    /// Events per second of the tags that are recorded, as far as the listings count them.
    fn counted(&self, scope: &TagScope, listings: &Snapshots) -> Option<u64> {
        let takes = |tag: &str| match scope {
            TagScope::All => true,
            TagScope::Tags(patterns) => patterns.as_slice().iter().any(|pattern| takes(pattern, tag)),
        };
        let between = match (&listings.comparison, self.apart) {
            (Some(comparison), Some(seconds)) => {
                let events = comparison.rows.iter().filter(|row| takes(&row.tag)).filter_map(events);
                events.reduce(u64::saturating_add).map(|events| events.div_ceil(seconds))
            }
            _ => None,
        };
        between.or_else(|| listings.all.last().and_then(|last| last.events_per_second(takes))).filter(|rate| *rate > 0)
    }

    /// When the script stops. The time is that of the recording.
    #[must_use]
    pub fn script_options(&self) -> ScriptOptions {
        ScriptOptions {
            pool: self.watch.watched(),
            stop_at_bytes: self.stop_at,
            stop_at_growth_bytes: self.stop_at_growth,
            stop_after_seconds: self.seconds(),
            ..ScriptOptions::default()
        }
    }
}

/// Allocations and frees of a tag between two listings. A count that went down says nothing.
fn events(row: &TagDelta) -> Option<u64> {
    let up = |count: Option<i64>| u64::try_from(count?).ok();
    Some(up(row.allocs)?.saturating_add(up(row.frees)?))
}

/// Whether the pattern takes a tag as listings show it.
fn takes(pattern: &TagPattern, tag: &str) -> bool {
    <[u8; 4]>::try_from(tag.as_bytes()).is_ok_and(|bytes| pattern.matches(bytes))
}

impl StacksArg {
    const fn stacks(self) -> StackOptions {
        StackOptions {
            on_allocation: matches!(self, Self::Both | Self::Alloc),
            on_free: matches!(self, Self::Both | Self::Free),
        }
    }
}

impl PoolArg {
    const fn watched(self) -> WatchedPool {
        match self {
            Self::Nonpaged => WatchedPool::NonPaged,
            Self::Paged => WatchedPool::Paged,
        }
    }

    /// The pool of a listing.
    #[must_use]
    pub const fn listed(self) -> Pool {
        match self {
            Self::Nonpaged => Pool::NonPaged,
            Self::Paged => Pool::Paged,
        }
    }
}
