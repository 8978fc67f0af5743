//! `poolmon`: snapshots of poolmon, `!poolused` and similar tools as a table, the difference between two, the growth over a series of
//! any number, and tags to record.

mod read;
mod rows;
pub mod watch;

pub use read::{Snapshots, read_snapshots, warn};

use super::io::Io;
use super::open::UsageError;
use super::output_file;
use super::output_format::OutputFormat;
use super::record::{self, PoolArg};
use super::table::{Column, Table, escape_markdown};
use super::units::parse_duration;
use crate::pool_tags::{self, PoolTagChoice};
use crate::report::snapshots::{self as html, SnapshotReport};
use crate::{format, snapshot_text};
use poolscope_analysis::group::pool_tags::PoolTags;
use poolscope_recording::poolmon::lockstep::TagGroupMember;
use poolscope_recording::poolmon::series::PoolLoad;
use poolscope_recording::poolmon::suggest::suggest_from_trends;
use poolscope_recording::poolmon::{
    Pool, Snapshot, SnapshotComparison, SnapshotScope, SnapshotSeries, TagGroup, TagSuggestion, suggest,
};
use poolscope_recording::tag::TAGS_MAX;
use rows::{DeltaRow, Row, TagRow, TrendRow};
use schemars::JsonSchema;
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

/// Options of `poolmon`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Output of poolmon, !poolused, !poolfind, !vm, PoolMonX, System Informer or a script: copied screens, snapshot files, debugger
    /// logs, CSV, JSON ('-': standard input). Several snapshots, in one file or many, are compared
    #[arg(value_name = "FILE", required_unless_present = "watch")]
    files: Vec<PathBuf>,
    /// Shows one pool only
    #[arg(long, value_enum)]
    pool: Option<PoolArg>,
    /// Shows snapshots of this scope: system, sessions (all sessions), session (that of the debugger), the number of a session, found
    /// (blocks of !poolfind), or pools (sizes of !vm without tags)
    #[arg(long, value_name = "SCOPE", value_parser = parse_scope)]
    scope: Option<SnapshotScope>,
    /// Shows the last snapshot instead of the difference between several
    #[arg(long)]
    last: bool,
    /// Time between snapshots, such as 5min, in place of times in files
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    every: Option<u64>,
    /// List of pool tags (pooltag.txt; default: the one in the folder of the file, or of an installed Windows kit)
    #[arg(long, value_name = "FILE", conflicts_with = "no_pooltag")]
    pooltag: Option<PathBuf>,
    /// Uses no list of pool tags
    #[arg(long)]
    no_pooltag: bool,
    /// Number of rows (default: 20 in text and Markdown, else all)
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = OutputFormat::parser(&FORMATS))]
    format: OutputFormat,
    /// Writes a report with a graph over time to this file (.html)
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Replaces an existing file
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    watch: watch::WatchArgs,
}

const FORMATS: [OutputFormat; 4] = [OutputFormat::Text, OutputFormat::Csv, OutputFormat::Json, OutputFormat::Markdown];

/// Default number of rows in text and Markdown.
const DEFAULT_TOP: usize = 20;

/// Choices about the snapshots that are read.
#[derive(Clone, Copy, Default)]
pub struct SnapshotChoice {
    /// Scope; `None` for system pool, or else that of the first snapshot.
    pub scope: Option<SnapshotScope>,
    /// Seconds between snapshots.
    pub every: Option<u64>,
    /// Only the last snapshot counts.
    pub only_last: bool,
}

/// Parses a scope.
fn parse_scope(text: &str) -> Result<SnapshotScope, String> {
    match text {
        "system" => Ok(SnapshotScope::System),
        "sessions" => Ok(SnapshotScope::AllSessions),
        "session" => Ok(SnapshotScope::CurrentSession),
        "found" => Ok(SnapshotScope::Searched),
        "pools" => Ok(SnapshotScope::PoolSizes),
        number => number
            .parse()
            .map(SnapshotScope::Session)
            .map_err(|error| format!("expected system, sessions, session, found, pools or a number: {error}")),
    }
}

/// Runs the command.
///
/// # Errors
/// A file cannot be read or written, or contains no snapshot.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    if let Some(path) = &args.watch.watch {
        return watch::run(path, &args.watch, args.every, io);
    }
    let choice = SnapshotChoice { scope: args.scope, every: args.every, only_last: args.last };
    let snapshots = read_snapshots(&args.files.iter().collect::<Vec<_>>(), &choice)?;
    warn(&snapshots.warnings, io)?;
    let tags = args.pool_tags(io)?;
    let (Some(series), Some(last)) = (&snapshots.series, snapshots.all().last()) else {
        return Err(UsageError("no file was given".to_owned()).into());
    };
    let pool = args.pool.map(PoolArg::pool);
    let is_series = series.points.len() > 2 || series.span_hours().is_some();
    let suggestion = if is_series {
        suggest_from_trends(&series.trends, pool, TAGS_MAX)
    } else {
        suggest(&snapshots.all().cloned().collect::<Vec<_>>(), pool, TAGS_MAX)
    };
    if let Some(path) = &args.html {
        let report = SnapshotReport {
            series,
            suggestion: &suggestion,
            command: record::command(&suggestion.tags),
            tags: tags.as_ref(),
        };
        output_file::write(path, args.force, |out| Ok(html::write(out, &report)?))?;
        writeln!(io.err, "poolscope: wrote {}", path.display())?;
    }
    let top = args.top.unwrap_or(match args.format {
        OutputFormat::Text | OutputFormat::Markdown => DEFAULT_TOP,
        _ => usize::MAX,
    });
    let heading = |text: String, sentences: Vec<String>| Heading { text, sentences, series };
    match &snapshots.comparison {
        Some(comparison) if is_series => {
            let sentences = snapshot_text::times(series)
                .into_iter()
                .chain(snapshot_text::summary(series))
                .chain(snapshot_text::memory(series))
                .collect();
            let text = sizes_heading(series).unwrap_or_else(|| series_heading(series, comparison, pool));
            let heading = heading(text, sentences);
            let rows = TrendRow::rows(series, pool, tags.as_ref(), args.format == OutputFormat::Json);
            Output { heading, columns: TrendRow::columns(), rows, top, suggestion: &suggestion }
                .write(args.format, io)?;
        }
        Some(comparison) => {
            let text =
                sizes_heading(series).unwrap_or_else(|| comparison_heading(comparison, pool) + &of_scope(series.scope));
            let heading = heading(text, snapshot_text::memory(series));
            let rows = DeltaRow::rows(comparison, pool, tags.as_ref());
            Output { heading, columns: DeltaRow::columns(), rows, top, suggestion: &suggestion }
                .write(args.format, io)?;
        }
        None => {
            let text = sizes_heading(series).unwrap_or_else(|| listing_heading(last));
            let heading = heading(text, snapshot_text::memory(series));
            let rows = TagRow::rows(last, pool, tags.as_ref());
            Output { heading, columns: TagRow::columns(), rows, top, suggestion: &suggestion }
                .write(args.format, io)?;
        }
    }
    Ok(0)
}

impl Args {
    /// The list of tags to describe them with.
    fn pool_tags(&self, io: &mut Io<'_>) -> anyhow::Result<Option<PoolTags>> {
        let choice = match &self.pooltag {
            _ if self.no_pooltag => PoolTagChoice::None,
            Some(path) => PoolTagChoice::File(path.clone()),
            None => PoolTagChoice::Automatic,
        };
        let search = pool_tags::find(&choice, self.files.first().map(PathBuf::as_path), &io.environment)
            .map_err(anyhow::Error::msg)?;
        warn(&search.problems, io)?;
        Ok(search.found.map(|found| PoolTags::clone(&found.tags)))
    }
}

fn of_scope(scope: SnapshotScope) -> String {
    if scope == SnapshotScope::System { String::new() } else { format!(", {scope}") }
}

fn listing_heading(snapshot: &Snapshot) -> String {
    let time = snapshot.time.map_or_else(String::new, |time| format!(", {}", time.text()));
    let rows = format::counted(snapshot.rows.len() as u64, "row", "rows");
    format!("{}, {rows}{}{time}", snapshot.tool.name(), of_scope(snapshot.scope))
}

/// Heading for outputs of `!vm`, which have no tags.
fn sizes_heading(series: &SnapshotSeries) -> Option<String> {
    let count = format::counted(series.points.len() as u64, "output", "outputs");
    (series.scope == SnapshotScope::PoolSizes).then(|| format!("Sizes of the pools, {count} of !vm"))
}

fn comparison_heading(comparison: &SnapshotComparison, pool: Option<Pool>) -> String {
    format!("Growth between two snapshots: {}", pool_growth(comparison, pool))
}

fn series_heading(series: &SnapshotSeries, comparison: &SnapshotComparison, pool: Option<Pool>) -> String {
    let between = match series.points.len() {
        0..=2 => "two snapshots".to_owned(),
        count => format!("the first and the last of {} snapshots", format::count(count as u64)),
    };
    let span =
        series.span_hours().map_or_else(String::new, |hours| format!(" in {}", format::long_duration(hours * 3600.0)));
    format!("Growth between {between}{span}: {}{}", pool_growth(comparison, pool), of_scope(series.scope))
}

fn pool_growth(comparison: &SnapshotComparison, pool: Option<Pool>) -> String {
    let of_pools = Pool::ALL.into_iter().zip(comparison.bytes).filter(|(of, _)| pool.is_none_or(|pool| pool == *of));
    let grown: Vec<String> =
        of_pools.map(|(pool, bytes)| format!("{} {}", pool.name(), format::signed_bytes(bytes))).collect();
    grown.join(", ")
}

/// Heading above the rows.
struct Heading<'h> {
    text: String,
    /// Sentences without a full stop.
    sentences: Vec<String>,
    series: &'h SnapshotSeries,
}

/// Rows with their heading, in any format.
struct Output<'o, R> {
    heading: Heading<'o>,
    columns: Vec<Column>,
    rows: Vec<R>,
    /// Number of rows at most.
    top: usize,
    suggestion: &'o TagSuggestion,
}

impl<R: Row> Output<'_, R> {
    fn write(&self, format: OutputFormat, io: &mut Io<'_>) -> anyhow::Result<()> {
        let shown = self.rows.get(..self.top).unwrap_or(&self.rows);
        match format {
            OutputFormat::Markdown => self.write_markdown(shown, &mut io.out)?,
            OutputFormat::Csv => {
                let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(&mut io.out);
                writer.write_record(R::FIELDS)?;
                shown.iter().try_for_each(|row| writer.serialize(row))?;
                writer.flush()?;
            }
            OutputFormat::Json => {
                let document = PoolmonDocument {
                    heading: &self.heading.text,
                    scope: self.heading.series.scope.to_string(),
                    summary: &self.heading.sentences,
                    memory: self.heading.series.pool_loads().iter().map(PoolLoadFields::new).collect(),
                    snapshots: SeriesFields::new(self.heading.series),
                    record: Suggested { tags: &self.suggestion.tags, basis: self.suggestion.basis.name() },
                    lockstep: self.suggestion.groups.iter().map(GroupFields::new).collect(),
                    row_count: self.rows.len(),
                    rows: shown,
                };
                serde_json::to_writer_pretty(&mut io.out, &document)?;
                writeln!(io.out)?;
            }
            _ => self.write_text(shown, io)?,
        }
        Ok(())
    }

    /// Outputs of `!vm` have no rows.
    fn is_without_tags(&self) -> bool {
        self.heading.series.scope == SnapshotScope::PoolSizes
    }

    fn hidden_count(&self) -> u64 {
        self.rows.len().saturating_sub(self.top) as u64
    }

    fn write_text(&self, shown: &[R], io: &mut Io<'_>) -> std::io::Result<()> {
        let (bold, end) = if io.color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        let table = Table::new(self.columns.clone(), shown.iter().map(Row::cells).collect());
        writeln!(io.out, "{bold}{}{end}", self.heading.text)?;
        self.heading.sentences.iter().try_for_each(|sentence| writeln!(io.out, "{sentence}."))?;
        if !self.is_without_tags() {
            writeln!(io.out, "\n{}", table.header())?;
        }
        (0..shown.len()).try_for_each(|at| writeln!(io.out, "{}", table.row(at)))?;
        if self.hidden_count() > 0 {
            writeln!(io.out, "{} more rows; --top shows them.", format::count(self.hidden_count()))?;
        }
        for group in &self.suggestion.groups {
            writeln!(io.out, "\n{}.", group.sentence())?;
        }
        let noted =
            self.suggestion.groups.iter().flat_map(|group| group.members.iter().map(|member| member.tag.as_str()));
        let notes = snapshot_text::notes(self.suggestion.tags.iter().map(String::as_str).chain(noted));
        if !notes.is_empty() {
            writeln!(io.out, "\n{bold}Notes on tags{end}")?;
            notes.iter().try_for_each(|note| writeln!(io.out, "  {note}"))?;
        }
        match record::command(&self.suggestion.tags) {
            Some(command) => {
                let basis = self.suggestion.basis.sentence();
                writeln!(io.out, "\nTo record the stacks of these tags, {basis}:\n    {command}")
            }
            None => Ok(()),
        }
    }

    fn write_markdown(&self, shown: &[R], out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "**{}**\n", escape_markdown(&self.heading.text))?;
        for sentence in &self.heading.sentences {
            writeln!(out, "{}.\n", escape_markdown(sentence))?;
        }
        let escaped = |row: &R| row.cells().iter().map(|cell| escape_markdown(cell)).collect();
        Table::new(self.columns.clone(), shown.iter().map(escaped).collect()).write_markdown(out)?;
        if self.hidden_count() > 0 {
            writeln!(out, "\n{} more rows.", format::count(self.hidden_count()))?;
        }
        for group in &self.suggestion.groups {
            writeln!(out, "\n{}.", escape_markdown(&group.sentence()))?;
        }
        Ok(())
    }
}

/// JSON Schema of the document of one snapshot.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    poolscope_analysis::export::schema::of_value::<PoolmonDocument<'_, TagRow<'_>>>()
}

/// JSON Schema of the document of two snapshots without times.
#[must_use]
pub fn comparison_json_schema() -> schemars::Schema {
    poolscope_analysis::export::schema::of_value::<PoolmonDocument<'_, DeltaRow<'_>>>()
}

/// JSON Schema of the document of a series of snapshots.
#[must_use]
pub fn series_json_schema() -> schemars::Schema {
    poolscope_analysis::export::schema::of_value::<PoolmonDocument<'_, TrendRow<'_>>>()
}

/// The JSON document.
#[derive(JsonSchema, Serialize)]
struct PoolmonDocument<'d, R> {
    heading: &'d str,
    scope: String,
    summary: &'d [String],
    memory: Vec<PoolLoadFields>,
    snapshots: SeriesFields<'d>,
    record: Suggested<'d>,
    lockstep: Vec<GroupFields<'d>>,
    /// Number of rows, with those that are not written.
    row_count: usize,
    rows: &'d [R],
}

/// Size of a pool by `!vm`.
#[derive(JsonSchema, Serialize)]
struct PoolLoadFields {
    pool: &'static str,
    used_bytes: u64,
    limit_bytes: Option<u64>,
    share: Option<f64>,
    growth_bytes: Option<i64>,
    bytes_per_hour: Option<f64>,
    exhausted: Option<&'static str>,
    hours_to_exhaustion: Option<f64>,
}

impl PoolLoadFields {
    fn new(load: &PoolLoad) -> Self {
        Self {
            pool: load.pool.name(),
            used_bytes: load.used_bytes,
            limit_bytes: load.limit_bytes,
            share: load.share(),
            growth_bytes: load.growth_bytes,
            bytes_per_hour: load.bytes_per_hour(),
            exhausted: load.exhaustion.map(|end| end.resource.sentence_name()),
            hours_to_exhaustion: load.exhaustion.map(|end| end.hours),
        }
    }
}

/// The snapshots of a series: their times, with the file and the line of each.
#[derive(JsonSchema, Serialize)]
struct SeriesFields<'d> {
    times: Option<&'static str>,
    is_utc: bool,
    hours: Option<f64>,
    points: Vec<PointFields<'d>>,
}

#[derive(JsonSchema, Serialize)]
struct PointFields<'d> {
    time: Option<String>,
    tool: &'static str,
    file: &'d str,
    line: usize,
    rows: usize,
}

impl<'d> SeriesFields<'d> {
    fn new(series: &'d SnapshotSeries) -> Self {
        let point = |point: &'d poolscope_recording::poolmon::series::SeriesPoint| PointFields {
            time: point
                .time_ms
                .or(point.snapshot.time.map(|time| time.millis))
                .map(poolscope_recording::poolmon::time::text),
            tool: point.snapshot.tool.name(),
            file: series.files.get(point.file).map_or("", String::as_str),
            line: point.snapshot.first_line,
            rows: point.snapshot.rows.len(),
        };
        Self {
            times: series.time_source.map(poolscope_recording::poolmon::TimeSource::name),
            is_utc: series.is_utc,
            hours: series.span_hours(),
            points: series.points.iter().map(point).collect(),
        }
    }
}

/// Tags worth recording.
#[derive(JsonSchema, Serialize)]
struct Suggested<'d> {
    tags: &'d [String],
    basis: &'static str,
}

/// Tags that grow in lockstep.
#[derive(JsonSchema, Serialize)]
struct GroupFields<'d> {
    sentence: String,
    objects: u64,
    tags: Vec<MemberFields<'d>>,
}

#[derive(JsonSchema, Serialize)]
struct MemberFields<'d> {
    tag: &'d str,
    pool: &'static str,
    blocks: u64,
    bytes: i64,
    parts: u32,
    never_freed: bool,
}

impl<'d> GroupFields<'d> {
    fn new(group: &'d TagGroup) -> Self {
        let member = |member: &'d TagGroupMember| MemberFields {
            tag: &member.tag,
            pool: member.pool.name(),
            blocks: member.blocks,
            bytes: member.bytes,
            parts: member.blocks_per_object,
            never_freed: member.never_freed,
        };
        Self { sentence: group.sentence(), objects: group.objects, tags: group.members.iter().map(member).collect() }
    }
}
