//! `record`: a recording profile for `wpr`, the matching commands, and a script that records unattended. Nothing is recorded.

use super::io::Io;
use super::open::UsageError;
use super::output_file;
use super::output_format::OutputFormat;
use super::poolmon::{SnapshotChoice, Snapshots, read_snapshots, warn};
use super::units::{parse_bytes, parse_duration};
use crate::format::{bytes, duration};
use crate::recording_text::{RateSource, size_estimate};
use anyhow::Context as _;
use clap::{ArgGroup, ValueEnum};
use poolscope_recording::estimate::{CPUS_DEFAULT, CPUS_MAX, MEMORY_BYTES_DEFAULT};
use poolscope_recording::poolmon::suggest::suggest_from_trends;
use poolscope_recording::poolmon::{Pool, Snapshot, SuggestionBasis, TagDelta, TagGroup, TagSuggestion, suggest};
use poolscope_recording::sampler::{self, SamplerOptions};
use poolscope_recording::tag::TAGS_MAX;
use poolscope_recording::{
    CommandGroup, CommandLine, DetailLevel, ExpectedLoad, LoggingMode, RecordingPlan, ScriptOptions, ShellPath,
    SizeEstimate, StackOptions, TagPattern, TagPatterns, TagScope, ToolNames, WindowsVersion, commands, notes, profile,
    script,
};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Options of `record`.
#[derive(clap::Args, Debug)]
#[command(group(ArgGroup::new("what").required(true).args(["tag", "all", "from_poolmon", "sampler"])))]
pub struct Args {
    /// Tag to record: 1 to 4 characters, case-sensitive; ? matches one character, * the rest. Can be given up to four times
    #[arg(long, value_name = "TAG", allow_hyphen_values = true)]
    tag: Vec<String>,
    /// Records all tags
    #[arg(long)]
    all: bool,
    /// Selects the growing tags from the output of poolmon or !poolused ('-': standard input)
    #[arg(long, value_name = "FILE")]
    from_poolmon: Option<PathBuf>,
    /// Output of the same tool at a later time; selects the tags that grew in between. Can be given several times
    #[arg(long, value_name = "FILE", requires = "from_poolmon")]
    and: Vec<PathBuf>,
    /// Time between the first and the last snapshot, such as 1h, from which the event rate is computed (default: from times in the files)
    #[arg(long, value_name = "TIME", value_parser = parse_duration, requires = "from_poolmon")]
    apart: Option<u64>,
    /// Records big allocations of all tags as well
    #[arg(long)]
    big: bool,
    /// Logs to a file (default)
    #[arg(long, conflicts_with = "memory")]
    file: bool,
    /// Logs to a circular buffer in memory, which overwrites the oldest events
    #[arg(long)]
    memory: bool,
    /// Size of the circular buffer (default: 256MiB)
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, requires = "memory")]
    memory_size: Option<u64>,
    /// Events that are recorded with a call stack
    #[arg(long, value_enum, default_value_t)]
    stacks: StacksArg,
    /// Detail level of the recording profile
    #[arg(long, value_enum, default_value_t)]
    detail: DetailArg,
    /// Expected allocations and frees per second (default: computed from the snapshots, else 1000 with tags and 20000 without)
    #[arg(long, value_name = "N")]
    rate: Option<u64>,
    /// Duration of the recording, such as 90s, 10min or 2h; with --memory the time span to keep (default: 10min; for a script 1h,
    /// or 24h with --stop-at or --stop-at-growth)
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    duration: Option<u64>,
    /// Logical processors of the machine that is recorded: each needs two buffers
    #[arg(long, value_name = "N", default_value_t = CPUS_DEFAULT, value_parser = clap::value_parser!(u64).range(1..=CPUS_MAX))]
    cpus: u64,
    /// Asks for the identities of images when the trace is merged, for systems whose traces lack them, such as Windows Server 2025 (not
    /// tried on Windows)
    #[arg(long)]
    image_ids: bool,
    /// Records the next start of Windows (boot trace)
    #[arg(long)]
    boot: bool,
    /// Creates commands for Windows 7 or Windows Server 2008 R2
    #[arg(long)]
    windows7: bool,
    /// Writes the recording profile to this file (.wprp); '-' writes only the profile to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// File name of the trace in the commands
    #[arg(long, value_name = "FILE", default_value = "leak.etl")]
    trace: String,
    /// Writes a PowerShell script (.ps1) that records unattended and stops by itself
    #[arg(long, value_name = "FILE", conflicts_with = "boot")]
    script: Option<PathBuf>,
    /// Writes a PowerShell script (.ps1) that samples the pool tags of a machine into a CSV file for poolmon, without installing anything
    #[arg(long, value_name = "FILE", conflicts_with_all = ["out", "script", "boot", "memory"])]
    sampler: Option<PathBuf>,
    /// Time between samples (default: 60s); they end after --duration (default: 24h)
    #[arg(long, value_name = "TIME", value_parser = parse_duration, requires = "sampler")]
    sample_every: Option<u64>,
    /// Stops the script when the pool reaches this size
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, requires = "script")]
    stop_at: Option<u64>,
    /// Stops the script when the pool has grown by this size
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, requires = "script")]
    stop_at_growth: Option<u64>,
    /// Pool that the script monitors
    #[arg(long, value_enum, default_value_t, requires = "script")]
    watch: PoolArg,
    /// Replaces existing files
    #[arg(long)]
    force: bool,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = OutputFormat::parser(&FORMATS))]
    format: OutputFormat,
}

/// Events that are recorded with a call stack.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
enum StacksArg {
    /// Allocations and frees
    #[default]
    Both,
    /// Allocations, to find what leaks
    Alloc,
    /// Frees, to find what frees
    Free,
    /// None; functions and drivers are not known
    None,
}

/// Detail level of the recording profile.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
enum DetailArg {
    /// Light
    Light,
    /// Verbose
    #[default]
    Verbose,
}

const FORMATS: [OutputFormat; 2] = [OutputFormat::Text, OutputFormat::Json];

/// A pool.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PoolArg {
    /// Nonpaged pool
    #[default]
    Nonpaged,
    /// Paged pool
    Paged,
}

/// Default file name of the profile in the commands.
const PROFILE: &str = "pool.wprp";

/// Runs the command.
///
/// # Errors
/// A tag or file name is invalid, or a file cannot be read or written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    if let (Some(out), Some(script)) = (&args.out, &args.script)
        && is_same(out, script)
    {
        return Err(UsageError(format!("--out and --script are both {}: use two files", out.display())).into());
    }
    if let Some(path) = &args.sampler {
        return args.write_sampler(path, io);
    }
    let planned = args.plan()?;
    warn(&planned.warnings, io)?;
    let text = profile::text(&planned.plan);
    let profile_only = args.out.as_deref() == Some(Path::new("-"));
    let names =
        ToolNames { profile: file_name(args.out.as_deref().filter(|_| !profile_only))?, trace: name(&args.trace)? };
    let options = args.script_options();
    let script = args.script.as_deref().map(|path| (path, script::text(&planned.plan, &names, &options)));
    let files: Vec<(&Path, &str)> = args
        .out
        .as_deref()
        .filter(|_| !profile_only)
        .map(|path| (path, text.as_str()))
        .into_iter()
        .chain(script.as_ref().map(|(path, text)| (*path, text.as_str())))
        .collect();
    write_files(&files, args.force)?;
    for (path, _) in &files {
        writeln!(io.err, "poolscope: wrote {}", path.display())?;
    }
    if let Some(path) = &args.script {
        writeln!(io.err, "poolscope: {}", script_usage(path, &options))?;
    }
    if profile_only {
        io.out.write_all(text.as_bytes())?;
        return Ok(0);
    }
    let output = Output { planned: &planned, names: &names, profile: &text, is_written: args.out.is_some() };
    match args.format {
        OutputFormat::Json => {
            let document = output.document(script.as_ref().map(|(_, text)| text.as_str()));
            serde_json::to_writer_pretty(&mut io.out, &document)?;
            writeln!(io.out)?;
        }
        _ => output.write_text(io)?,
    }
    Ok(0)
}

/// The file name of a path, since the file is copied to the computer to record.
fn file_name(path: Option<&Path>) -> anyhow::Result<ShellPath> {
    let Some(path) = path else { return name(PROFILE) };
    let last = path.file_name().map(|last| last.to_string_lossy().into_owned());
    name(&last.ok_or_else(|| UsageError(format!("'{}' is not a file name", path.display())))?)
}

fn name(text: &str) -> anyhow::Result<ShellPath> {
    ShellPath::new(text).map_err(|error| UsageError(error.to_string()).into())
}

/// Returns `true` if two paths lead to one file.
fn is_same(one: &Path, other: &Path) -> bool {
    let absolute = |path: &Path| std::path::absolute(path).ok();
    one == other || absolute(one).is_some_and(|one| absolute(other) == Some(one))
}

/// Conditions on which the script stops, and the command that runs it.
fn script_usage(path: &Path, options: &ScriptOptions) -> String {
    let pool = options.pool.sentence_name();
    let growth = options.stop_at_growth_bytes.map(|growth| format!("when {pool} has grown by {}", bytes(growth)));
    let size = options.stop_at_bytes.map(|size| format!("when {pool} reaches {}", bytes(size)));
    let mut stops: Vec<String> = growth.into_iter().chain(size).collect();
    let latest = if stops.is_empty() { "after" } else { "at the latest after" };
    stops.push(format!("{latest} {}", duration(options.stop_after_seconds as f64)));
    let shown = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let file = ShellPath::new(&shown).map_or_else(|_| format!("\"{shown}\""), |name| name.argument());
    format!(
        "{} stops {}; run it with: powershell -NoProfile -ExecutionPolicy Bypass -File {file}",
        path.display(),
        stops.join(", ")
    )
}

/// Writes all files or none.
fn write_files(files: &[(&Path, &str)], replace: bool) -> anyhow::Result<()> {
    files.iter().try_for_each(|(path, _)| output_file::check(path, replace))?;
    let mut created: Vec<&Path> = Vec::new();
    for (path, text) in files {
        let is_new = !path.exists();
        if let Err(error) = output_file::write(path, replace, |out| Ok(out.write_all(text.as_bytes())?)) {
            for path in created {
                std::fs::remove_file(path)
                    .with_context(|| format!("{} was written and cannot be removed: {error:#}", path.display()))?;
            }
            return Err(error);
        }
        created.extend(is_new.then_some(*path));
    }
    Ok(())
}

/// Input of the output.
struct Output<'s> {
    planned: &'s Planned,
    names: &'s ToolNames,
    profile: &'s str,
    is_written: bool,
}

impl Output<'_> {
    fn write_text(&self, io: &mut Io<'_>) -> std::io::Result<()> {
        let (bold, end) = if io.color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        let plan = &self.planned.plan;
        writeln!(io.out, "{bold}{}{end}", profile::description(plan))?;
        if let Some(basis) = self.planned.basis {
            writeln!(io.out, "The tags were {}.", basis.sentence())?;
        }
        for sentence in &self.planned.lockstep {
            writeln!(io.out, "{sentence}.")?;
        }
        for sentence in size_estimate(plan, self.planned.rate_source) {
            writeln!(io.out, "{sentence}")?;
        }
        let file = self.names.profile.as_str();
        if self.is_written {
            writeln!(io.out, "\nCopy {file} to the machine that leaks and run these commands in its folder.")?;
        } else {
            writeln!(io.out, "\n{bold}Save this as {file} (or give --out {file}){end}\n\n{}", self.profile.trim_end())?;
        }
        for group in commands(plan, self.names) {
            writeln!(io.out, "\n{bold}{}{end}", group.title)?;
            for command in group.commands {
                writeln!(io.out, "    {}\n        {}", command.line, command.description)?;
            }
        }
        writeln!(io.out, "\n{bold}Notes{end}")?;
        for note in notes(plan) {
            writeln!(io.out, "  - {note}")?;
        }
        Ok(())
    }

    fn document<'d>(&'d self, script: Option<&'d str>) -> RecordDocument<'d> {
        let plan = &self.planned.plan;
        let estimate = SizeEstimate::for_plan(plan);
        let tag = |tag: &TagPattern| TagFields {
            given: tag.given().to_owned(),
            pattern: tag.text(),
            xperf: tag.shell_text(),
        };
        let chosen = self.planned.basis.map(|basis| {
            let sentences = std::iter::once(basis.sentence()).chain(self.planned.lockstep.iter().map(String::as_str));
            sentences.collect::<Vec<_>>().join("; ")
        });
        RecordDocument {
            description: profile::description(plan),
            tags: plan.tags().iter().map(tag).collect(),
            chosen,
            big_allocations: plan.big_allocations,
            mode: if plan.logging_mode == LoggingMode::File { "file" } else { "memory" },
            stacks: StackFields { allocation: plan.stacks.on_allocation, free: plan.stacks.on_free },
            boot: plan.boot,
            estimate: EstimateFields {
                events_per_second: plan.events_per_second(),
                rate: self.planned.rate_source.name(),
                seconds: plan.expected.seconds,
                bytes_per_event: estimate.bytes_per_event,
                bytes_per_minute: estimate.bytes_per_minute,
                bytes: estimate.total_bytes,
                buffer_kib: estimate.buffer_kib,
                buffers: estimate.buffers,
                wraps_after_s: estimate.wraps_after_seconds,
            },
            profile: ProfileFields { file: self.names.profile.as_str(), text: self.profile },
            commands: commands(plan, self.names).into_iter().map(GroupFields::new).collect(),
            script,
            notes: notes(plan),
        }
    }
}

/// The JSON document.
#[derive(Serialize)]
struct RecordDocument<'d> {
    description: String,
    tags: Vec<TagFields>,
    chosen: Option<String>,
    big_allocations: bool,
    mode: &'static str,
    stacks: StackFields,
    boot: bool,
    estimate: EstimateFields,
    profile: ProfileFields<'d>,
    commands: Vec<GroupFields>,
    script: Option<&'d str>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct TagFields {
    given: String,
    pattern: String,
    xperf: String,
}

#[derive(Serialize)]
struct StackFields {
    allocation: bool,
    free: bool,
}

#[derive(Serialize)]
struct EstimateFields {
    events_per_second: u64,
    rate: &'static str,
    seconds: u64,
    bytes_per_event: u64,
    bytes_per_minute: u64,
    bytes: u64,
    buffer_kib: u64,
    buffers: u64,
    wraps_after_s: Option<u64>,
}

#[derive(Serialize)]
struct ProfileFields<'d> {
    file: &'d str,
    text: &'d str,
}

#[derive(Serialize)]
struct GroupFields {
    kind: &'static str,
    title: String,
    commands: Vec<CommandFields>,
}

#[derive(Serialize)]
struct CommandFields {
    line: String,
    description: String,
}

impl GroupFields {
    fn new(group: CommandGroup) -> Self {
        let command = |command: CommandLine| CommandFields { line: command.line, description: command.description };
        Self {
            kind: group.kind.name(),
            title: group.title,
            commands: group.commands.into_iter().map(command).collect(),
        }
    }
}

/// The `record` command for the first of these tags, as many as one profile holds; `None` if none can be recorded.
#[must_use]
pub fn command<T: AsRef<str>>(shown: &[T]) -> Option<String> {
    let tag = |pattern: &TagPattern| {
        let text = pattern.shell_text();
        // Unix shells expand these characters to file names.
        if text.contains(['?', '*']) { format!(" --tag \"{text}\"") } else { format!(" --tag {text}") }
    };
    let patterns = TagPatterns::from_tags(shown)?;
    Some(format!("poolscope record{}", patterns.as_slice().iter().map(tag).collect::<String>()))
}

/// The recording plan and its basis.
struct Planned {
    plan: RecordingPlan,
    /// Source of the expected event rate.
    rate_source: RateSource,
    /// Criterion by which tags were selected from snapshots.
    basis: Option<SuggestionBasis>,
    /// Sentences without a full stop on tags that grow in lockstep.
    lockstep: Vec<String>,
    /// Warnings about the snapshots.
    warnings: Vec<String>,
}

/// Default duration in seconds.
const DEFAULT_SECONDS: u64 = 10 * 60;
/// Default duration in seconds of a script without a stop condition.
const SCRIPT_SECONDS: u64 = 60 * 60;
/// Default duration in seconds of a script with a stop condition.
const CONDITION_SCRIPT_SECONDS: u64 = 24 * 60 * 60;

impl Args {
    /// The recording plan of the options.
    ///
    /// # Errors
    /// [`UsageError`] for tags that cannot be recorded; a snapshot cannot be read.
    fn plan(&self) -> anyhow::Result<Planned> {
        let files: Vec<&PathBuf> = self.from_poolmon.iter().chain(&self.and).collect();
        let snapshots = read_snapshots(&files, &SnapshotChoice::default())?;
        if snapshots.comparison.as_ref().is_some_and(|comparison| comparison.is_reversed) {
            anyhow::bail!(
                "the snapshots are in the wrong order, or Windows was restarted between them: give the older snapshot first"
            );
        }
        let (scope, chosen) = self.scope(&snapshots)?;
        let basis = chosen.as_ref().map(|chosen| chosen.basis);
        let lockstep = chosen.iter().flat_map(|chosen| &chosen.groups).map(TagGroup::sentence).collect();
        let counted = self.counted_rate(&scope, &snapshots);
        let rate_source = match (self.rate, counted) {
            (Some(_), _) => RateSource::Given,
            (None, Some(_)) => RateSource::Snapshot,
            (None, None) => RateSource::Assumed,
        };
        let expected = ExpectedLoad {
            events_per_second: self.rate.or(counted),
            // A circular buffer keeps the last part, however long a script runs.
            seconds: if self.memory { self.duration.unwrap_or(DEFAULT_SECONDS) } else { self.seconds() },
            memory_bytes: self.memory_size.unwrap_or(MEMORY_BYTES_DEFAULT),
            cpus: self.cpus,
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
            merges_image_ids: self.image_ids,
            expected,
        };
        Ok(Planned { plan, rate_source, basis, lockstep, warnings: snapshots.warnings })
    }

    /// Writes the script that samples pool tags.
    fn write_sampler(&self, path: &Path, io: &mut Io<'_>) -> anyhow::Result<u8> {
        let default = SamplerOptions::default();
        let options = SamplerOptions {
            every_seconds: self.sample_every.unwrap_or(default.every_seconds),
            for_seconds: self.duration.unwrap_or(default.for_seconds),
        };
        write_files(&[(path, &sampler::script(&options))], self.force)?;
        writeln!(io.err, "poolscope: wrote {}", path.display())?;
        let shown = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let file = ShellPath::new(&shown).map_or_else(|_| format!("\"{shown}\""), |name| name.argument());
        writeln!(
            io.out,
            "Run it on the machine that leaks; it takes a sample every {} for {}:",
            duration(options.every_seconds as f64),
            duration(options.for_seconds as f64)
        )?;
        writeln!(io.out, "    powershell -NoProfile -ExecutionPolicy Bypass -File {file}")?;
        writeln!(
            io.out,
            "Then copy its CSV file here and show what grows:\n    poolscope poolmon pool-samples-....csv"
        )?;
        Ok(0)
    }

    /// Duration of the recording in seconds.
    fn seconds(&self) -> u64 {
        let has_condition = self.stop_at.is_some() || self.stop_at_growth.is_some();
        self.duration.unwrap_or(match (&self.script, has_condition) {
            (None, _) => DEFAULT_SECONDS,
            (Some(_), false) => SCRIPT_SECONDS,
            (Some(_), true) => CONDITION_SCRIPT_SECONDS,
        })
    }

    fn scope(&self, snapshots: &Snapshots) -> anyhow::Result<(TagScope, Option<TagSuggestion>)> {
        if self.all {
            return Ok((TagScope::All, None));
        }
        if self.from_poolmon.is_none() {
            let patterns = TagPatterns::parse(&self.tag).map_err(|error| UsageError(error.to_string()))?;
            return Ok((TagScope::Tags(patterns), None));
        }
        let suggestion = match &snapshots.series {
            Some(series) if series.points.len() > 2 => suggest_from_trends(&series.trends, None, TAGS_MAX),
            _ => suggest(&snapshots.all().cloned().collect::<Vec<Snapshot>>(), None, TAGS_MAX),
        };
        let Some(patterns) = TagPatterns::from_tags(&suggestion.tags) else {
            anyhow::bail!("no tag grew between the snapshots: wait longer between them, or select tags with --tag");
        };
        Ok((TagScope::Tags(patterns), Some(suggestion)))
    }

    /// Events per second of the recorded tags, if the snapshots count them.
    fn counted_rate(&self, scope: &TagScope, snapshots: &Snapshots) -> Option<u64> {
        let is_recorded = |tag: &str| match scope {
            TagScope::All => true,
            TagScope::Tags(patterns) => patterns.as_slice().iter().any(|pattern| matches_tag(pattern, tag)),
        };
        let measured = snapshots.series.as_ref().and_then(|series| series.span_hours());
        let apart = self.apart.or(measured.map(|hours| (hours * 3600.0).round() as u64).filter(|seconds| *seconds > 0));
        let between = match (&snapshots.comparison, apart) {
            (Some(comparison), Some(seconds)) => {
                let events = comparison.rows.iter().filter(|row| is_recorded(&row.tag)).filter_map(events);
                events.reduce(u64::saturating_add).map(|events| events.div_ceil(seconds))
            }
            _ => None,
        };
        between
            .or_else(|| snapshots.all().last().and_then(|last| last.events_per_second(is_recorded)))
            .filter(|rate| *rate > 0)
    }

    /// Stop conditions of the script.
    fn script_options(&self) -> ScriptOptions {
        ScriptOptions {
            pool: self.watch.pool(),
            stop_at_bytes: self.stop_at,
            stop_at_growth_bytes: self.stop_at_growth,
            stop_after_seconds: self.seconds(),
            ..ScriptOptions::default()
        }
    }
}

/// Allocations and frees of a tag between two snapshots; `None` if a count went down.
fn events(row: &TagDelta) -> Option<u64> {
    let up = |count: Option<i64>| u64::try_from(count?).ok();
    Some(up(row.allocs)?.saturating_add(up(row.frees)?))
}

/// Returns `true` if the pattern matches a tag as snapshots show it.
fn matches_tag(pattern: &TagPattern, tag: &str) -> bool {
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
    /// The pool.
    #[must_use]
    pub const fn pool(self) -> Pool {
        match self {
            Self::Nonpaged => Pool::NonPaged,
            Self::Paged => Pool::Paged,
        }
    }
}
