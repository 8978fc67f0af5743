//! Many snapshots of one scope over time, from one log or many files: the time of each with its source, the trend of each tag, what
//! grows steadily, and when memory is exhausted at that rate.

pub mod shape;
pub mod trend;

pub use shape::TrendShape;
pub use trend::{GrowthRate, TagTrend};

use super::lockstep::{TagGroup, find_groups_of_trends};
use super::time::{SnapshotTime, settle_order, time_of_file_name};
use super::{Pool, Snapshot, SnapshotFile, SnapshotScope, TimeSource, compare};
use trend::tag_trends;

/// Snapshots of one file.
#[derive(Clone, Debug)]
pub struct SnapshotInput {
    /// Name of the file, without folders.
    pub name: String,
    /// Time at which the file was last written, in milliseconds from 1970-01-01 UTC.
    pub modified_ms: Option<i64>,
    /// Its snapshots.
    pub snapshots: Vec<Snapshot>,
}

impl SnapshotInput {
    /// The snapshots of a parsed file.
    #[must_use]
    pub fn new(name: String, modified_ms: Option<i64>, file: SnapshotFile) -> Self {
        Self { name, modified_ms, snapshots: file.snapshots }
    }
}

/// Choices about a series.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SeriesOptions {
    /// Scope of the snapshots; `None` for system pool, or else the scope of the first.
    pub scope: Option<SnapshotScope>,
    /// Interval between snapshots in milliseconds, in place of times in texts and names.
    pub interval_ms: Option<i64>,
}

/// One snapshot of a series.
#[derive(Clone, PartialEq, Debug)]
pub struct SeriesPoint {
    /// The snapshot; its line in the file is `first_line`.
    pub snapshot: Snapshot,
    /// Index of its file in [`SnapshotSeries::files`].
    pub file: usize,
    /// Milliseconds from 1970-01-01 on the clock of the series; `None` if the series has no times.
    pub time_ms: Option<i64>,
}

/// Snapshots of one scope in the order of time, with the trend of each tag.
#[derive(Clone, PartialEq, Debug)]
pub struct SnapshotSeries {
    /// The scope of all snapshots.
    pub scope: SnapshotScope,
    /// The snapshots, at least one.
    pub points: Vec<SeriesPoint>,
    /// Names of the files.
    pub files: Vec<String>,
    /// Source of the times, the least exact of all; `None` if there are no times.
    pub time_source: Option<TimeSource>,
    /// Times are UTC, not local times of the machine.
    pub is_utc: bool,
    /// The dates allow both orders of day and month, and the month was taken as the first of two numbers with a slash between.
    pub is_date_order_open: bool,
    /// Scopes that are left out, with the number of their snapshots.
    pub other_scopes: Vec<(SnapshotScope, usize)>,
    /// Number of snapshots before a restart of Windows, which are left out.
    pub before_restart: usize,
    /// Most allocation counts go down from each snapshot to the next: they are in the reverse order.
    pub is_reversed: bool,
    /// Trends of all tags: steady growth first, by rate, then by growth in bytes.
    pub trends: Vec<TagTrend>,
}

impl SnapshotSeries {
    /// The series of the snapshots of files in the order given; `None` without snapshots of the scope.
    #[must_use]
    pub fn new(inputs: Vec<SnapshotInput>, options: &SeriesOptions) -> Option<Self> {
        let scopes = || inputs.iter().flat_map(|input| &input.snapshots).map(|snapshot| snapshot.scope);
        let has_system = scopes().any(|scope| scope == SnapshotScope::System);
        let default = if has_system { Some(SnapshotScope::System) } else { scopes().next() };
        let scope = options.scope.or(default)?;
        let other_scopes = counted(scopes().filter(|other| *other != scope));
        let files: Vec<String> = inputs.iter().map(|input| input.name.clone()).collect();
        let times = Times::choose(&inputs, scope, options.interval_ms);
        let mut points: Vec<SeriesPoint> = Vec::new();
        for (file, input) in inputs.into_iter().enumerate() {
            let of_scope = input.snapshots.into_iter().filter(|snapshot| snapshot.scope == scope);
            points.extend(of_scope.map(|snapshot| SeriesPoint { snapshot, file, time_ms: None }));
        }
        if let Some(millis) = &times.millis {
            points.iter_mut().zip(millis).for_each(|(point, millis)| point.time_ms = Some(*millis));
            points.sort_by_key(|point| point.time_ms);
        }
        let (points, before_restart, is_reversed) = without_restarts(points);
        points.first()?;
        let mut series = Self {
            scope,
            points,
            files,
            time_source: times.millis.is_some().then_some(times.source).flatten(),
            is_utc: times.is_utc,
            is_date_order_open: times.is_order_open,
            other_scopes,
            before_restart,
            is_reversed,
            trends: Vec::new(),
        };
        let snapshots: Vec<&Snapshot> = series.points.iter().map(|point| &point.snapshot).collect();
        series.trends = tag_trends(&snapshots, series.hours().as_deref());
        Some(series)
    }

    /// Hours from the first snapshot to each; `None` if the series has no times.
    #[must_use]
    pub fn hours(&self) -> Option<Vec<f64>> {
        let first = self.points.first()?.time_ms?;
        self.points.iter().map(|point| Some((point.time_ms? - first) as f64 / 3_600_000.0)).collect()
    }

    /// Length of the series in hours, if it has times.
    #[must_use]
    pub fn span_hours(&self) -> Option<f64> {
        self.hours().and_then(|hours| hours.last().copied()).filter(|hours| *hours > 0.0)
    }

    /// The snapshots in the order of time.
    pub fn snapshots(&self) -> impl Iterator<Item = &Snapshot> {
        self.points.iter().map(|point| &point.snapshot)
    }

    /// Bytes of a pool in each snapshot: the tool's total, or else the sum of the rows.
    #[must_use]
    pub fn pool_bytes(&self, pool: Pool) -> Vec<u64> {
        self.snapshots().map(|snapshot| snapshot.total(pool).unwrap_or_else(|| snapshot.bytes_in(pool))).collect()
    }

    /// Groups of tags that grow in lockstep, the largest first.
    #[must_use]
    pub fn groups(&self) -> Vec<TagGroup> {
        find_groups_of_trends(&self.trends)
    }

    /// What grows steadily: single tags, and groups of tags of which at least one does; by growth in bytes.
    #[must_use]
    pub fn findings(&self) -> Vec<SeriesFinding<'_>> {
        let groups = self.groups();
        let is_in = |group: &TagGroup, trend: &TagTrend| {
            group.members.iter().any(|member| member.tag == trend.tag && member.pool == trend.pool)
        };
        let steady = || self.trends.iter().filter(|trend| trend.is_steady_growth);
        let mut findings: Vec<SeriesFinding<'_>> = steady()
            .filter(|trend| !groups.iter().any(|group| is_in(group, trend)))
            .map(|trend| SeriesFinding::new(vec![trend], None))
            .collect();
        for group in groups.into_iter().filter(|group| steady().any(|trend| is_in(group, trend))) {
            let member = |member: &super::lockstep::TagGroupMember| self.trend(&member.tag, member.pool);
            let members = group.members.iter().filter_map(member).collect();
            findings.push(SeriesFinding::new(members, Some(group)));
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.growth_bytes));
        findings
    }

    /// Trend of a tag in a pool.
    #[must_use]
    pub fn trend(&self, tag: &str, pool: Pool) -> Option<&TagTrend> {
        self.trends.iter().find(|trend| trend.tag == tag && trend.pool == pool)
    }

    /// When memory is exhausted if a pool goes on growing by `bytes_per_hour`; `None` if it does not grow, or no snapshot shows the
    /// memory of the machine.
    #[must_use]
    pub fn exhaustion(&self, pool: Pool, bytes_per_hour: f64) -> Option<Exhaustion> {
        let memory = self.points.last()?.snapshot.memory;
        let commit = memory
            .commit_limit
            .zip(memory.committed)
            .map(|(limit, used)| (Resource::Commit, limit.saturating_sub(used)));
        // Nonpaged pool takes physical memory; paged pool is paged out first.
        let physical =
            memory.available.filter(|_| pool == Pool::NonPaged).map(|available| (Resource::AvailableMemory, available));
        let limit = memory
            .limit_of(pool)
            .zip(memory.usage_of(pool))
            .map(|(limit, used)| (Resource::PoolLimit(pool), limit.saturating_sub(used)));
        let (resource, left_bytes) = [physical, commit, limit].into_iter().flatten().min_by_key(|(_, left)| *left)?;
        (bytes_per_hour >= 1.0).then(|| Exhaustion { resource, left_bytes, hours: left_bytes as f64 / bytes_per_hour })
    }
}

/// Size of a pool by `!vm`, with its growth between the first and the last of several.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PoolLoad {
    /// The pool.
    pub pool: Pool,
    /// Bytes at the last snapshot that shows them.
    pub used_bytes: u64,
    /// Bytes that it can reach, if known.
    pub limit_bytes: Option<u64>,
    /// Growth between the first and the last snapshot that show its size, if there are two.
    pub growth_bytes: Option<i64>,
    /// Hours between these, if the series has times.
    pub hours: Option<f64>,
    /// When memory is exhausted at that rate, if it grows.
    pub exhaustion: Option<Exhaustion>,
}

impl PoolLoad {
    /// Share of the limit that is used, 0 to 1 or more.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        let limit = self.limit_bytes.filter(|limit| *limit > 0)?;
        Some(self.used_bytes as f64 / limit as f64)
    }

    /// Growth per hour, if known.
    #[must_use]
    pub fn bytes_per_hour(&self) -> Option<f64> {
        let hours = self.hours.filter(|hours| *hours > 0.0)?;
        Some(self.growth_bytes? as f64 / hours)
    }
}

impl SnapshotSeries {
    /// Sizes of the pools, for those that `!vm` shows; nonpaged first.
    #[must_use]
    pub fn pool_loads(&self) -> Vec<PoolLoad> {
        Pool::ALL.into_iter().filter_map(|pool| self.pool_load(pool)).collect()
    }

    fn pool_load(&self, pool: Pool) -> Option<PoolLoad> {
        let sized = || self.points.iter().filter(|point| point.snapshot.memory.usage_of(pool).is_some());
        let (first, last) = (sized().next()?, sized().next_back()?);
        let used_bytes = last.snapshot.memory.usage_of(pool)?;
        let first_bytes = first.snapshot.memory.usage_of(pool)?;
        let is_pair = sized().count() > 1;
        let growth = i128::from(used_bytes) - i128::from(first_bytes);
        let mut load = PoolLoad {
            pool,
            used_bytes,
            limit_bytes: last.snapshot.memory.limit_of(pool),
            growth_bytes: is_pair.then(|| i64::try_from(growth).unwrap_or(i64::MAX)),
            hours: first
                .time_ms
                .zip(last.time_ms)
                .map(|(from, to)| (to - from) as f64 / 3_600_000.0)
                .filter(|_| is_pair),
            exhaustion: None,
        };
        load.exhaustion = load.bytes_per_hour().and_then(|rate| self.exhaustion(pool, rate));
        Some(load)
    }
}

/// A memory resource that pool takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resource {
    /// Available physical memory.
    AvailableMemory,
    /// Commit limit.
    Commit,
    /// Limit of a pool, from `!vm`.
    PoolLimit(Pool),
}

impl Resource {
    /// Name in sentences.
    #[must_use]
    pub const fn sentence_name(self) -> &'static str {
        match self {
            Self::AvailableMemory => "available memory",
            Self::Commit => "the commit limit",
            Self::PoolLimit(Pool::NonPaged) => "the limit of nonpaged pool",
            Self::PoolLimit(Pool::Paged) => "the limit of paged pool",
        }
    }
}

/// End of a memory resource at a constant rate.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Exhaustion {
    /// The resource that ends first.
    pub resource: Resource,
    /// Bytes of it that are left at the last snapshot.
    pub left_bytes: u64,
    /// Hours from the last snapshot on.
    pub hours: f64,
}

/// Something that grows steadily.
#[derive(Clone, PartialEq, Debug)]
pub struct SeriesFinding<'s> {
    /// Trends of its tags; those that are never freed come first.
    pub members: Vec<&'s TagTrend>,
    /// The group, if several tags grow in lockstep.
    pub group: Option<TagGroup>,
    /// Growth of all of them in bytes.
    pub growth_bytes: i64,
    /// Growth rate of all of them in each pool, if the series has times; nonpaged first.
    pub bytes_per_hour: [Option<f64>; 2],
}

impl<'s> SeriesFinding<'s> {
    fn new(members: Vec<&'s TagTrend>, group: Option<TagGroup>) -> Self {
        let growth_bytes = members.iter().fold(0_i64, |sum, trend| sum.saturating_add(trend.growth_bytes));
        let bytes_per_hour = Pool::ALL.map(|pool| {
            let rates = members.iter().filter(|trend| trend.pool == pool).filter_map(|trend| trend.rate);
            rates.map(|rate| rate.bytes_per_hour).reduce(|sum, rate| sum + rate)
        });
        Self { members, group, growth_bytes, bytes_per_hour }
    }
}

/// Values with the number of times that each occurs, in the order of their first occurrence.
fn counted(values: impl Iterator<Item = SnapshotScope>) -> Vec<(SnapshotScope, usize)> {
    let mut counts: Vec<(SnapshotScope, usize)> = Vec::new();
    for value in values {
        match counts.iter_mut().find(|(known, _)| *known == value) {
            Some((_, count)) => *count += 1,
            None => counts.push((value, 1)),
        }
    }
    counts
}

/// Smallest distance of the times of two files that are taken as times of their snapshots, in milliseconds.
const FILE_TIMES_APART_MS: i64 = 60_000;

/// Times of the snapshots of a series.
#[derive(Default)]
struct Times {
    millis: Option<Vec<i64>>,
    source: Option<TimeSource>,
    is_utc: bool,
    is_order_open: bool,
}

impl Times {
    /// The best source that all snapshots have: their own texts, else names of files, else times of files.
    fn choose(inputs: &[SnapshotInput], scope: SnapshotScope, interval_ms: Option<i64>) -> Self {
        let of_scope =
            |input: &SnapshotInput| input.snapshots.iter().filter(|snapshot| snapshot.scope == scope).count();
        let count: usize = inputs.iter().map(of_scope).sum();
        if let Some(interval) = interval_ms {
            let millis = (0..count as i64).map(|at| at.saturating_mul(interval)).collect();
            return Self { millis: Some(millis), source: Some(TimeSource::Interval), ..Self::default() };
        }
        if count < 2 {
            return Self::default();
        }
        let own: Vec<(Option<SnapshotTime>, Option<SnapshotTime>)> = inputs
            .iter()
            .flat_map(|input| {
                // A name or a time of a file belongs to one moment.
                let of_name = time_of_file_name(&input.name).filter(|_| of_scope(input) == 1);
                let of_scope = input.snapshots.iter().filter(|snapshot| snapshot.scope == scope);
                of_scope.map(move |snapshot| (snapshot.time, of_name))
            })
            .collect();
        let texts: Option<Vec<SnapshotTime>> = own.iter().map(|(text, _)| *text).collect();
        let names = || own.iter().map(|(text, name)| text.or(*name)).collect::<Option<Vec<SnapshotTime>>>();
        let files = || {
            let modified = inputs.iter().filter(|input| of_scope(input) > 0).map(|input| {
                let is_one = of_scope(input) == 1;
                Some(SnapshotTime::known(input.modified_ms.filter(|_| is_one)?, true, TimeSource::FileTime))
            });
            modified.collect::<Option<Vec<SnapshotTime>>>()
        };
        // Files that were copied or unpacked together have times of that moment.
        let are_plausible = |times: &Vec<SnapshotTime>| {
            times.windows(2).all(|pair| pair[1].millis - pair[0].millis >= FILE_TIMES_APART_MS)
        };
        let usable = |times: &Vec<SnapshotTime>| {
            let one_clock = times.iter().all(|time| Some(time.is_utc) == times.first().map(|first| first.is_utc));
            one_clock && times.iter().any(|time| Some(time.millis) != times.first().map(|first| first.millis))
        };
        let chosen = texts.filter(usable).or_else(|| names().filter(usable)).or_else(|| files().filter(are_plausible));
        let Some(mut chosen) = chosen else { return Self::default() };
        let is_order_open = settle_order(&mut chosen.iter_mut().collect::<Vec<_>>());
        Self {
            millis: Some(chosen.iter().map(|time| time.millis).collect()),
            source: chosen.iter().map(|time| time.source).max(),
            is_utc: chosen.first().is_some_and(|time| time.is_utc),
            is_order_open,
        }
    }
}

/// The snapshots since the last restart of Windows, the number of those before it, and whether all are in the reverse order.
fn without_restarts(mut points: Vec<SeriesPoint>) -> (Vec<SeriesPoint>, usize, bool) {
    let goes_back: Vec<bool> =
        points.windows(2).map(|pair| compare(&pair[0].snapshot, &pair[1].snapshot).is_reversed).collect();
    let is_reversed = !goes_back.is_empty() && goes_back.iter().all(|back| *back);
    let last_restart = goes_back.iter().rposition(|back| *back).map_or(0, |at| at + 1);
    // One snapshot after a restart says nothing about growth.
    let first = if is_reversed || points.len() - last_restart < 2 { 0 } else { last_restart };
    points.drain(..first);
    (points, first, is_reversed)
}

#[cfg(test)]
mod tests;
