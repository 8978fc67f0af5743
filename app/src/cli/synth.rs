//! `synth`: writes a synthetic trace with known contents.

use clap::{Args, ValueEnum};
use poolscope_synth::sample::{SampleModules, write_sample};
use poolscope_synth::scenario::{StackMode, TagMix};
use poolscope_synth::writer::{Compression, FileMode, Width};
use poolscope_synth::{GroundTruthRequest, SynthError, SynthParams, SynthSummary, write_trace};

use super::output_file;
use super::units::{SecondsRange, parse_bytes, parse_range};
use crate::{format, sample};
use poolscope_synth::scenario::HeaderStyle;
use poolscope_synth::writer::{Clock, PartHeaders, RecordScope, split_by_time};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

/// Writes a synthetic trace with known contents
#[derive(Debug, Args)]
pub struct SynthArgs {
    /// Trace file to write
    #[arg(value_name = "OUT.etl")]
    out: PathBuf,
    /// Replaces existing files
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    /// Amount
    size: SizeArgs,
    #[command(flatten)]
    /// Tags
    mix: MixArgs,
    #[command(flatten)]
    /// Stacks
    stacks: StackArgs,
    #[command(flatten)]
    /// File
    file: FileArgs,
    #[command(flatten)]
    /// Ground truth
    truth: TruthArgs,
}

/// Amount, duration, system
#[derive(Debug, Args)]
#[command(next_help_heading = "Size")]
struct SizeArgs {
    /// Seed; the same seed and options give the same file
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes the built-in sample trace; only --truth options apply
    #[arg(long, hide = true)]
    sample: bool,
    /// Set of options to start from; other options override it
    #[arg(long, value_enum)]
    preset: Option<Preset>,
    /// Number of allocations in the trace [default: 100000]
    #[arg(long, conflicts_with = "target_bytes")]
    allocations: Option<u64>,
    /// Approximate file size instead of --allocations, such as 500MB, 20GB, 64MiB
    #[arg(long, value_parser = parse_bytes)]
    target_bytes: Option<u64>,
    /// Duration in seconds [default: 60]
    #[arg(long)]
    duration: Option<f64>,
    /// Number of CPUs [default: 4]
    #[arg(long)]
    cpus: Option<u16>,
    /// Number of threads of all processes [default: 24]
    #[arg(long)]
    threads: Option<u32>,
    /// Number of processes, including System [default: 8]
    #[arg(long)]
    processes: Option<u32>,
    /// Loads all modules at other addresses than without this option, as after another boot; each number gives others
    #[arg(long, value_name = "N")]
    relocation: Option<u64>,
}

/// Behavior of tags
#[derive(Debug, Args)]
#[command(next_help_heading = "Tags")]
struct MixArgs {
    /// Number of tags that leak most of their allocations [default: 1]
    #[arg(long)]
    leaking: Option<u32>,
    /// Number of tags that leak a few percent of their allocations [default: 1]
    #[arg(long)]
    slow_leaks: Option<u32>,
    /// Number of tags that grow to a constant level [default: 1]
    #[arg(long)]
    plateau: Option<u32>,
    /// Number of tags that allocate much in a short time [default: 1]
    #[arg(long)]
    burst: Option<u32>,
    /// Number of tags with very short lifetimes [default: 3]
    #[arg(long)]
    churning: Option<u32>,
    /// Number of tags with lifetimes of milliseconds to seconds [default: 12]
    #[arg(long)]
    ordinary: Option<u32>,
    /// Share of the allocations with leaking tags, 0 to 1 [default: 0.05]
    #[arg(long)]
    leak_share: Option<f64>,
    /// Share of the tags in session pool, 0 to 1 [default: 0.1]
    #[arg(long)]
    session_share: Option<f64>,
    /// Number of allocations from before the trace [default: 2000]
    #[arg(long)]
    preexisting: Option<u64>,
    /// Omits the pool rundown: counters of tags and big allocations at start and end
    #[arg(long)]
    no_pool_rundown: bool,
    /// Number of processes that start and exit while another process keeps handles to most of them [default: 0]
    #[arg(long)]
    handle_leak: Option<u32>,
    /// Number of tags that grow in lockstep, as parts of objects that are never freed [default: 0]
    #[arg(long)]
    lockstep_tags: Option<u32>,
    /// Number of other records per allocation [default: 0.1]
    #[arg(long)]
    noise: Option<f64>,
    /// Number of CPU samples per allocation, with stacks of their own [default: 0]
    #[arg(long)]
    samples: Option<f64>,
}

/// Stack records
#[derive(Debug, Args)]
#[command(next_help_heading = "Stacks")]
struct StackArgs {
    /// Kind of stack records [default: mixed]
    #[arg(long, value_enum)]
    stacks: Option<StackArg>,
    /// Share of the events with a user stack, 0 to 1 [default: 0.7]
    #[arg(long)]
    user_stack_share: Option<f64>,
    /// Omits the stacks of frees
    #[arg(long)]
    no_free_stacks: bool,
    /// Maximum number of kernel frames of a stack [default: 16]
    #[arg(long)]
    depth: Option<u32>,
    /// Approximate number of distinct kernel stacks [default: 400]
    #[arg(long)]
    distinct_stacks: Option<u32>,
    /// Number of entries of the kernel's stack cache; few entries reuse keys often [default: 256]
    #[arg(long)]
    key_cache: Option<u32>,
    /// Number of stacks of CPU samples [default: 20000]
    #[arg(long)]
    sample_stacks: Option<u32>,
}

/// File format and damage
#[derive(Debug, Args)]
#[command(next_help_heading = "File")]
struct FileArgs {
    /// Pointer size in bytes: 4 or 8 [default: 8]
    #[arg(long, value_parser = clap::value_parser!(u8).range(4..=8))]
    pointer_size: Option<u8>,
    /// Compression of buffers [default: none]
    #[arg(long, value_enum)]
    compression: Option<CompressionArg>,
    /// Same as --compression filled
    #[arg(long, conflicts_with = "compression")]
    compressed: bool,
    /// Writes a circular file with this number of buffers
    #[arg(long, value_name = "BUFFERS", conflicts_with = "buffering")]
    circular: Option<u32>,
    /// Keeps this number of last buffers in memory and writes them at the end
    #[arg(long, value_name = "BUFFERS")]
    buffering: Option<u32>,
    /// Buffer size of the session, such as 64KiB or 1MiB [default: 64KiB]
    #[arg(long, value_parser = parse_bytes)]
    buffer_size: Option<u64>,
    /// Headers of kernel events [default: kernel]
    #[arg(long, value_enum)]
    headers: Option<HeaderArg>,
    /// Writes a merged file: short first buffer, symbol identities, volumes
    #[arg(long)]
    merged: bool,
    /// Probability of losing a pool event, 0 to 1
    #[arg(long)]
    loss: Option<f64>,
    /// Probability of losing the definition of a stack key, 0 to 1. The key is reused for another stack
    #[arg(long)]
    lost_definitions: Option<f64>,
    /// Number of lost buffers
    #[arg(long)]
    lost_buffers: Option<u32>,
    /// Gives some records without a thread the time stamp of a pool event
    #[arg(long)]
    shared_ticks: bool,
    /// Clock of the time stamps [default: qpc]
    #[arg(long, value_enum)]
    clock: Option<ClockArg>,
    /// Ticks per second of the performance counter [default: 10000000]
    #[arg(long)]
    perf_freq: Option<i64>,
    /// Windows build [default: 19041]
    #[arg(long)]
    os_build: Option<u32>,
    /// Name of the computer [default: SRV07]
    #[arg(long, value_name = "NAME")]
    computer: Option<String>,
    /// Start of the recording, such as 2026-03-02T02:00:00Z [default: 2022-01-01T00:00:00Z]
    #[arg(long, value_name = "TIME", value_parser = parse_start)]
    start: Option<i64>,
    /// Records of the session [default: all]. Two files with the same options, of the kernel and of other providers, are those of
    /// two sessions that recorded at the same time
    #[arg(long, value_enum)]
    records: Option<RecordsArg>,
    /// Writes this number of parts instead of one file, as a session with a size limit does: OUT_1.etl, OUT_2.etl, …
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=1000))]
    parts: Option<u16>,
}

/// Records of a session.
#[derive(ValueEnum, Debug, Clone, Copy)]
enum RecordsArg {
    /// All
    All,
    /// Those of the kernel
    Kernel,
    /// Those of other providers
    Providers,
}

impl RecordsArg {
    const fn scope(self) -> RecordScope {
        match self {
            Self::All => RecordScope::All,
            Self::Kernel => RecordScope::Kernel,
            Self::Providers => RecordScope::Providers,
        }
    }
}

/// Ground truth
#[derive(Debug, Args)]
#[command(next_help_heading = "Ground truth")]
struct TruthArgs {
    /// Writes the ground truth as JSON to this file, or to standard output for '-'. Keeps all events in memory
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Adds the ground truth of this range of seconds. Can be given more than once
    #[arg(long, value_name = "FROM..TO", value_parser = parse_closed_range, requires = "truth")]
    truth_range: Vec<(f64, f64)>,
    /// Adds the ground truth by stack
    #[arg(long, requires = "truth")]
    truth_stacks: bool,
    /// Adds every pool event with its original stack. Very large
    #[arg(long, requires = "truth")]
    truth_events: bool,
    /// Adds series of outstanding bytes with this number of points
    #[arg(long, value_name = "POINTS", default_value_t = 0, requires = "truth")]
    truth_points: usize,
}

/// Runs the command; returns the exit code.
///
/// # Errors
/// A file cannot be written. Invalid parameters are reported on `err` with exit code 2.
pub fn run(args: &SynthArgs, out: &mut dyn Write, err: &mut dyn Write) -> anyhow::Result<u8> {
    let params = params(args);
    if let Err(problem) = params.check() {
        writeln!(err, "error: {problem}")?;
        return Ok(2);
    }
    let request = args.truth.truth.as_ref().map(|_| GroundTruthRequest {
        ranges: args.truth.truth_range.clone(),
        stacks: args.truth.truth_stacks,
        events: args.truth.truth_events,
        curve_points: args.truth.truth_points,
    });
    let outputs = args.outputs();
    outputs.iter().try_for_each(|path| output_file::check(path, args.force))?;
    if let Some(path) = args.truth.truth.as_deref().filter(|path| *path != Path::new("-")) {
        output_file::check(path, args.force)?;
    }
    let modules = if args.size.sample { Some(SampleModules::from_json(sample::MODULES)?) } else { None };
    let summary = match write_file(args, &params, modules.as_ref(), request.as_ref()) {
        Err(problem) if matches!(problem.downcast_ref(), Some(SynthError::Params(_))) => {
            writeln!(err, "error: {problem}")?;
            return Ok(2);
        }
        outcome => outcome?,
    };
    let written = &summary.written;
    let (records, buffers, bytes) = (written.records.records(), written.buffers, written.bytes);
    let names: Vec<String> = outputs.iter().map(|path| path.display().to_string()).collect();
    writeln!(err, "{}: {bytes} bytes, {buffers} buffers, {records} records", names.join(", "))?;
    if let (Some(path), Some(truth)) = (&args.truth.truth, &summary.truth) {
        if path == Path::new("-") {
            print_json(out, truth)?;
        } else {
            output_file::write(path, args.force, |file| print_json(file, truth))?;
        }
    }
    Ok(0)
}

fn print_json(out: &mut dyn Write, truth: &poolscope_synth::GroundTruth) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *out, truth)?;
    writeln!(out)?;
    Ok(())
}

fn write_file(
    args: &SynthArgs,
    params: &SynthParams,
    sample: Option<&SampleModules>,
    request: Option<&GroundTruthRequest>,
) -> anyhow::Result<SynthSummary> {
    let outputs = args.outputs();
    if outputs.len() > 1 {
        let mut whole = Cursor::new(Vec::new());
        let summary = write_trace(&mut whole, params, request)?;
        let (bytes, options) = (whole.into_inner(), params.options());
        let parts = split_by_time(&bytes, &options, &summary.written, outputs.len(), PartHeaders::Session)?;
        for (path, part) in outputs.iter().zip(parts) {
            output_file::write(path, args.force, |file| Ok(file.write_all(&part)?))?;
        }
        return Ok(summary);
    }
    output_file::write(&args.out, args.force, |file| {
        Ok(match sample {
            Some(modules) => write_sample(file, modules, request)?,
            None => write_trace(file, params, request)?,
        })
    })
}

impl SynthArgs {
    /// The files to write.
    fn outputs(&self) -> Vec<PathBuf> {
        let Some(parts) = self.file.parts else { return vec![self.out.clone()] };
        let stem = self.out.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let ending = self.out.extension().map_or_else(String::new, |ending| format!(".{}", ending.to_string_lossy()));
        (1..=parts).map(|number| self.out.with_file_name(format!("{stem}_{number}{ending}"))).collect()
    }
}

fn params(args: &SynthArgs) -> SynthParams {
    let base = args.size.preset.map_or_else(SynthParams::default, preset);
    let (size, mix, stacks) = (&args.size, &args.mix, &args.stacks);
    let with_size = SynthParams {
        seed: size.seed,
        allocations: size.allocations.unwrap_or(base.allocations),
        target_bytes: size.target_bytes.or(base.target_bytes),
        duration_s: size.duration.unwrap_or(base.duration_s),
        cpus: size.cpus.unwrap_or(base.cpus),
        threads: size.threads.unwrap_or(base.threads),
        processes: size.processes.unwrap_or(base.processes),
        relocation: size.relocation.unwrap_or(base.relocation),
        tags: TagMix {
            leaking: mix.leaking.unwrap_or(base.tags.leaking),
            slow_leaks: mix.slow_leaks.unwrap_or(base.tags.slow_leaks),
            plateau: mix.plateau.unwrap_or(base.tags.plateau),
            burst: mix.burst.unwrap_or(base.tags.burst),
            churning: mix.churning.unwrap_or(base.tags.churning),
            ordinary: mix.ordinary.unwrap_or(base.tags.ordinary),
        },
        leak_share: mix.leak_share.unwrap_or(base.leak_share),
        session_share: mix.session_share.unwrap_or(base.session_share),
        preexisting: mix.preexisting.unwrap_or(base.preexisting),
        pool_rundown: base.pool_rundown && !mix.no_pool_rundown,
        handle_leak: mix.handle_leak.unwrap_or(base.handle_leak),
        lockstep_tags: mix.lockstep_tags.unwrap_or(base.lockstep_tags),
        noise_share: mix.noise.unwrap_or(base.noise_share),
        sample_share: mix.samples.unwrap_or(base.sample_share),
        stacks: stacks.stacks.map_or(base.stacks, StackArg::mode),
        user_stack_share: stacks.user_stack_share.unwrap_or(base.user_stack_share),
        free_stacks: base.free_stacks && !stacks.no_free_stacks,
        max_depth: stacks.depth.unwrap_or(base.max_depth),
        distinct_stacks: stacks.distinct_stacks.unwrap_or(base.distinct_stacks),
        key_cache: stacks.key_cache.unwrap_or(base.key_cache),
        sample_stacks: stacks.sample_stacks.unwrap_or(base.sample_stacks),
        ..base
    };
    with_file(with_size, &args.file)
}

fn with_file(base: SynthParams, file: &FileArgs) -> SynthParams {
    let circular = file.circular.map(|buffers| FileMode::Circular { buffers });
    let buffering = file.buffering.map(|buffers| FileMode::Buffering { buffers });
    let compression = if file.compressed { Some(CompressionArg::Filled) } else { file.compression };
    let buffer_size = file.buffer_size.map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX));
    SynthParams {
        width: match file.pointer_size {
            Some(4) => Width::Bits32,
            Some(_) => Width::Bits64,
            None => base.width,
        },
        compression: compression.map_or(base.compression, CompressionArg::mode),
        mode: circular.or(buffering).unwrap_or(base.mode),
        buffer_size: buffer_size.unwrap_or(base.buffer_size),
        headers: file.headers.map_or(base.headers, HeaderArg::style),
        merged: base.merged || file.merged,
        loss_share: file.loss.unwrap_or(base.loss_share),
        definition_loss: file.lost_definitions.unwrap_or(base.definition_loss),
        lost_buffers: file.lost_buffers.unwrap_or(base.lost_buffers),
        shared_ticks: base.shared_ticks || file.shared_ticks,
        clock: file.clock.map_or(base.clock, ClockArg::clock),
        perf_freq: file.perf_freq.unwrap_or(base.perf_freq),
        os_build: file.os_build.unwrap_or(base.os_build),
        computer: file.computer.clone().unwrap_or(base.computer),
        start_filetime: file.start.unwrap_or(base.start_filetime),
        scope: file.records.map_or(base.scope, RecordsArg::scope),
        ..base
    }
}

fn preset(preset: Preset) -> SynthParams {
    let base = SynthParams::default();
    match preset {
        Preset::Tiny => SynthParams {
            allocations: 500,
            duration_s: 5.0,
            preexisting: 40,
            distinct_stacks: 20,
            max_depth: 8,
            ..base
        },
        Preset::Wpr => SynthParams { merged: true, compression: Compression::Filled, stacks: StackMode::Keyed, ..base },
        Preset::Mixed => SynthParams { stacks: StackMode::Keyed, sample_share: 3.3, ..base },
        Preset::Damaged => SynthParams { loss_share: 0.01, lost_buffers: 5, key_cache: 32, noise_share: 1.0, ..base },
        Preset::Old => SynthParams { width: Width::Bits32, stacks: StackMode::Inline, os_build: 7601, cpus: 2, ..base },
    }
}

/// Parses a time as FILETIME.
fn parse_start(text: &str) -> Result<i64, String> {
    let time = format::filetime(text).filter(|filetime| *filetime > 0);
    time.ok_or_else(|| format!("'{text}' is not a time after 1601 such as 2026-03-02T02:00:00Z"))
}

fn parse_closed_range(text: &str) -> Result<(f64, f64), String> {
    match parse_range(text)? {
        SecondsRange { from: Some(from), to: Some(to) } => Ok((from, to)),
        _ => Err(format!("'{text}' is not a range with both ends, such as 10..25.5")),
    }
}

/// A ready-made set of options.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Preset {
    /// A small trace: 500 allocations in 5 s
    Tiny,
    /// A trace as wpr writes it: merged, compressed, stacks by key
    Wpr,
    /// A recording of GeneralProfile with Pool: nine of ten records are CPU samples and their stacks
    Mixed,
    /// A damaged recording: lost events, lost buffers, reused stack keys
    Damaged,
    /// A 32-bit system
    Old,
}

/// See [`StackMode`].
#[derive(Debug, Clone, Copy, ValueEnum)]
enum StackArg {
    /// No stacks
    None,
    /// Whole stacks
    Inline,
    /// References to a stack cache
    Keyed,
    /// Both
    Mixed,
}

/// See [`Compression`].
#[derive(Debug, Clone, Copy, ValueEnum)]
enum CompressionArg {
    /// Not compressed
    None,
    /// The used part of each buffer, as a merge does
    Filled,
    /// Whole buffers, as the kernel does
    Whole,
}

/// See [`HeaderStyle`].
#[derive(Debug, Clone, Copy, ValueEnum)]
enum HeaderArg {
    /// As logged by the kernel
    Kernel,
    /// Pool events with the compact header
    Compact,
    /// Pool events without thread and process
    Perfinfo,
    /// With the GUID of the event group, as relogged
    Guid,
    /// Several kinds in one file
    Mixed,
}

/// See [`Clock`].
#[derive(Debug, Clone, Copy, ValueEnum)]
enum ClockArg {
    /// Raw ticks
    Raw,
    /// Performance counter
    Qpc,
    /// System time
    System,
    /// CPU cycles
    Cycles,
}

impl StackArg {
    const fn mode(self) -> StackMode {
        match self {
            Self::None => StackMode::None,
            Self::Inline => StackMode::Inline,
            Self::Keyed => StackMode::Keyed,
            Self::Mixed => StackMode::Mixed,
        }
    }
}

impl CompressionArg {
    const fn mode(self) -> Compression {
        match self {
            Self::None => Compression::None,
            Self::Filled => Compression::Filled,
            Self::Whole => Compression::Whole,
        }
    }
}

impl HeaderArg {
    const fn style(self) -> HeaderStyle {
        match self {
            Self::Kernel => HeaderStyle::Kernel,
            Self::Compact => HeaderStyle::Compact,
            Self::Perfinfo => HeaderStyle::PerfInfo,
            Self::Guid => HeaderStyle::Guid,
            Self::Mixed => HeaderStyle::Mixed,
        }
    }
}

impl ClockArg {
    const fn clock(self) -> Clock {
        match self {
            Self::Raw => Clock::Raw,
            Self::Qpc => Clock::Qpc,
            Self::System => Clock::SystemTime,
            Self::Cycles => Clock::CpuCycles,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: SynthArgs,
    }

    fn parsed(line: &[&str]) -> SynthParams {
        params(&Line::try_parse_from([&["synth", "x.etl"], line].concat()).unwrap().args)
    }

    #[test]
    fn options_reach_the_parameters() {
        assert_eq!(parsed(&[]), SynthParams::default());
        let given = parsed(&["--pointer-size", "4", "--circular", "8", "--stacks", "keyed", "--target-bytes", "2MB"]);
        assert_eq!((given.width, given.mode), (Width::Bits32, FileMode::Circular { buffers: 8 }));
        assert_eq!((given.stacks, given.target_bytes), (StackMode::Keyed, Some(2 << 20)));
        let named = parsed(&["--computer", "B7", "--start", "2026-03-02T03:00:00+01:00"]);
        assert_eq!((named.computer.as_str(), named.start_filetime), ("B7", 134_168_904_000_000_000));
        assert!(["2026", "1500-01-01T00:00:00Z", ""].iter().all(|text| parse_start(text).is_err()));
        let wpr = parsed(&["--preset", "wpr", "--compression", "whole"]);
        assert_eq!((wpr.merged, wpr.compression), (true, Compression::Whole));
    }

    #[test]
    fn ranges_are_two_numbers() {
        assert_eq!(parse_closed_range("1..2.5"), Ok((1.0, 2.5)));
        assert!(["3..2", "1", "1.."].map(parse_closed_range).iter().all(Result::is_err));
    }

    #[test]
    fn contradictory_options_are_usage_errors() {
        let folder = std::env::temp_dir();
        let path = folder.join("never-written.etl").display().to_string();
        let line = Line::try_parse_from(["synth", &path, "--circular", "4", "--merged"]).unwrap();
        let mut err = Vec::new();
        assert_eq!(run(&line.args, &mut Vec::new(), &mut err).unwrap(), 2);
        assert!(String::from_utf8(err).unwrap().contains("circular"));
    }
}
