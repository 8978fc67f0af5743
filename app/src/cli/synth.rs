//! `poolscope synth OUT.etl`: writes a made-up trace with known contents. It never reads a trace.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use poolscope_synth::sample::{SampleModules, write_sample};
use poolscope_synth::scenario::{StackMode, TagMix};
use poolscope_synth::writer::{Compression, FileMode, Width};
use poolscope_synth::{Summary, SynthError, SynthParams, TruthRequest, write_trace};

use super::synth_words::{ClockArg, CompressionArg, HeaderArg, Preset, StackArg};
use super::units::parse_bytes;
use crate::sample;

const WRITE_BUFFER_BYTES: usize = 1 << 20;

/// Write a made-up trace with known contents
#[derive(Debug, Args)]
pub struct SynthArgs {
    /// The file to write
    pub out: PathBuf,
    #[command(flatten)]
    /// How much
    pub size: SizeArgs,
    #[command(flatten)]
    /// Which tags
    pub mix: MixArgs,
    #[command(flatten)]
    /// Which stacks
    pub stacks: StackArgs,
    #[command(flatten)]
    /// How it is stored
    pub file: FileArgs,
    #[command(flatten)]
    /// What is told about it
    pub truth: TruthArgs,
}

/// How much, how long, on what
#[derive(Debug, Args)]
#[command(next_help_heading = "Size")]
pub struct SizeArgs {
    /// The same seed and options give the same bytes
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Write the built-in sample trace instead; all other options but --truth are left out
    #[arg(long, hide = true)]
    pub sample: bool,
    /// Start from a ready-made set of options; the others still apply
    #[arg(long, value_enum)]
    pub preset: Option<Preset>,
    /// Allocations made while the trace runs [default: 100000]
    #[arg(long, conflicts_with = "target_bytes")]
    pub allocations: Option<u64>,
    /// Aim at a file size instead: 500MB, 20GB, 64MiB
    #[arg(long, value_parser = parse_bytes)]
    pub target_bytes: Option<u64>,
    /// Seconds [default: 60]
    #[arg(long)]
    pub duration: Option<f64>,
    /// CPUs [default: 4]
    #[arg(long)]
    pub cpus: Option<u16>,
    /// Threads over all processes [default: 24]
    #[arg(long)]
    pub threads: Option<u32>,
    /// Processes, System included [default: 8]
    #[arg(long)]
    pub processes: Option<u32>,
}

/// What the tags do
#[derive(Debug, Args)]
#[command(next_help_heading = "Tags")]
pub struct MixArgs {
    /// Tags whose blocks mostly stay [default: 1]
    #[arg(long)]
    pub leaking: Option<u32>,
    /// Tags of whose blocks a few in a hundred stay [default: 1]
    #[arg(long)]
    pub slow_leaks: Option<u32>,
    /// Tags that grow to a level and hold it [default: 1]
    #[arg(long)]
    pub plateau: Option<u32>,
    /// Tags that allocate much in a short time [default: 1]
    #[arg(long)]
    pub burst: Option<u32>,
    /// Tags with very short lives [default: 3]
    #[arg(long)]
    pub churning: Option<u32>,
    /// Tags with lives of milliseconds to seconds [default: 12]
    #[arg(long)]
    pub ordinary: Option<u32>,
    /// Share of the allocations that the leaking tags make, 0 to 1 [default: 0.05]
    #[arg(long)]
    pub leak_share: Option<f64>,
    /// Share of the tags in session pool, 0 to 1 [default: 0.1]
    #[arg(long)]
    pub session_share: Option<f64>,
    /// Blocks that live when the trace begins [default: 2000]
    #[arg(long)]
    pub preexisting: Option<u64>,
    /// No snapshots of tags and big blocks
    #[arg(long)]
    pub no_snapshots: bool,
    /// Processes that start and end while another process keeps handles to most of them [default: 0]
    #[arg(long)]
    pub handle_leak: Option<u32>,
    /// Tags that are parts of one kind of object, which is never freed [default: 0]
    #[arg(long)]
    pub lockstep: Option<u32>,
    /// Records of other kinds per allocation [default: 0.1]
    #[arg(long)]
    pub noise: Option<f64>,
}

/// How stacks are written
#[derive(Debug, Args)]
#[command(next_help_heading = "Stacks")]
pub struct StackArgs {
    /// Which stack records [default: mixed]
    #[arg(long, value_enum)]
    pub stacks: Option<StackArg>,
    /// Share of the events with a user half, 0 to 1 [default: 0.7]
    #[arg(long)]
    pub user_halves: Option<f64>,
    /// No stacks of frees
    #[arg(long)]
    pub no_free_stacks: bool,
    /// Most kernel frames of a stack [default: 16]
    #[arg(long)]
    pub depth: Option<u32>,
    /// Distinct kernel stacks, about [default: 400]
    #[arg(long)]
    pub distinct_stacks: Option<u32>,
    /// Entries of the kernel's stack cache; few re-use keys often [default: 256]
    #[arg(long)]
    pub key_cache: Option<u32>,
}

/// How the file is laid out and what is wrong with it
#[derive(Debug, Args)]
#[command(next_help_heading = "File")]
pub struct FileArgs {
    /// Bytes of a pointer: 4 or 8 [default: 8]
    #[arg(long, value_parser = clap::value_parser!(u8).range(4..=8))]
    pub pointer_size: Option<u8>,
    /// How buffers are stored [default: none]
    #[arg(long, value_enum)]
    pub compression: Option<CompressionArg>,
    /// Short for --compression filled
    #[arg(long, conflicts_with = "compression")]
    pub compressed: bool,
    /// A circular file with so many buffers
    #[arg(long, value_name = "BUFFERS", conflicts_with = "buffering")]
    pub circular: Option<u32>,
    /// Keep the last so many buffers in memory and write those at the end
    #[arg(long, value_name = "BUFFERS")]
    pub buffering: Option<u32>,
    /// Session buffer size: 64KiB, 1MiB [default: 64KiB]
    #[arg(long, value_parser = parse_bytes)]
    pub buffer_size: Option<u64>,
    /// How kernel events are headed [default: kernel]
    #[arg(long, value_enum)]
    pub headers: Option<HeaderArg>,
    /// Looks like a merged file: short first buffer, symbol identities, volumes
    #[arg(long)]
    pub merged: bool,
    /// Probability that a pool event is lost, 0 to 1
    #[arg(long)]
    pub loss: Option<f64>,
    /// Probability that the definition of a stack key is lost, 0 to 1: the key is used again for another stack
    #[arg(long)]
    pub lost_definitions: Option<f64>,
    /// Whole buffers that are lost
    #[arg(long)]
    pub lost_buffers: Option<u32>,
    /// Let events share their tick with records that name no thread
    #[arg(long)]
    pub shared_ticks: bool,
    /// What the timestamps count [default: qpc]
    #[arg(long, value_enum)]
    pub clock: Option<ClockArg>,
    /// Ticks per second of the performance counter [default: 10000000]
    #[arg(long)]
    pub perf_freq: Option<i64>,
    /// OS build [default: 19041]
    #[arg(long)]
    pub os_build: Option<u32>,
}

/// Say what was planted
#[derive(Debug, Args)]
#[command(next_help_heading = "Truth")]
pub struct TruthArgs {
    /// Write what was planted as JSON to a file, or to stdout for -; keeps all events in memory
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// Also for this range of seconds; may be repeated
    #[arg(long, value_name = "FROM..TO", value_parser = parse_range, requires = "truth")]
    pub truth_range: Vec<(f64, f64)>,
    /// Also by whole stack
    #[arg(long, requires = "truth")]
    pub truth_stacks: bool,
    /// Also every pool event with the stack that it was planted with, whatever became of its key. Very large
    #[arg(long, requires = "truth")]
    pub truth_events: bool,
    /// Also curves of outstanding bytes with so many points
    #[arg(long, value_name = "POINTS", default_value_t = 0, requires = "truth")]
    pub truth_points: usize,
}

/// Runs the command; returns the exit code.
///
/// # Errors
/// Parameters that make no sense, or an output that cannot be written.
pub fn run(args: &SynthArgs, out: &mut dyn Write, err: &mut dyn Write) -> anyhow::Result<u8> {
    let params = params(args);
    if let Err(problem) = params.check() {
        writeln!(err, "error: {problem}")?;
        return Ok(2);
    }
    let request = args.truth.truth.as_ref().map(|_| TruthRequest {
        ranges: args.truth.truth_range.clone(),
        stacks: args.truth.truth_stacks,
        events: args.truth.truth_events,
        curve_points: args.truth.truth_points,
    });
    let modules = if args.size.sample { Some(SampleModules::from_json(sample::MODULES)?) } else { None };
    let summary = match write_file(&args.out, &params, modules.as_ref(), request.as_ref()) {
        Err(problem) if matches!(problem.downcast_ref(), Some(SynthError::Params(_))) => {
            writeln!(err, "error: {problem}")?;
            return Ok(2);
        }
        outcome => outcome?,
    };
    let written = &summary.written;
    let (records, buffers, bytes) = (written.tally.records(), written.buffers, written.bytes);
    writeln!(err, "{}: {bytes} bytes, {buffers} buffers, {records} records", args.out.display())?;
    if let (Some(path), Some(truth)) = (&args.truth.truth, &summary.truth) {
        if path == Path::new("-") {
            print_json(out, truth)?;
        } else {
            let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
            let mut file = BufWriter::new(file);
            print_json(&mut file, truth)?;
            file.flush().with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(0)
}

fn print_json(out: &mut dyn Write, truth: &poolscope_synth::Truth) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *out, truth)?;
    writeln!(out)?;
    Ok(())
}

fn write_file(
    path: &Path,
    params: &SynthParams,
    sample: Option<&SampleModules>,
    request: Option<&TruthRequest>,
) -> anyhow::Result<Summary> {
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    let mut file = BufWriter::with_capacity(WRITE_BUFFER_BYTES, file);
    let summary = match sample {
        Some(modules) => write_sample(&mut file, modules, request)?,
        None => write_trace(&mut file, params, request)?,
    };
    file.flush().with_context(|| format!("cannot write {}", path.display()))?;
    Ok(summary)
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
        snapshots: base.snapshots && !mix.no_snapshots,
        handle_leak: mix.handle_leak.unwrap_or(base.handle_leak),
        lockstep: mix.lockstep.unwrap_or(base.lockstep),
        noise_share: mix.noise.unwrap_or(base.noise_share),
        stacks: stacks.stacks.map_or(base.stacks, StackArg::mode),
        user_halves: stacks.user_halves.unwrap_or(base.user_halves),
        free_stacks: base.free_stacks && !stacks.no_free_stacks,
        depth: stacks.depth.unwrap_or(base.depth),
        distinct_stacks: stacks.distinct_stacks.unwrap_or(base.distinct_stacks),
        key_cache: stacks.key_cache.unwrap_or(base.key_cache),
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
        ..base
    }
}

fn preset(preset: Preset) -> SynthParams {
    let base = SynthParams::default();
    match preset {
        Preset::Tiny => {
            SynthParams { allocations: 500, duration_s: 5.0, preexisting: 40, distinct_stacks: 20, depth: 8, ..base }
        }
        Preset::Wpr => SynthParams { merged: true, compression: Compression::Filled, stacks: StackMode::Keyed, ..base },
        Preset::Damaged => SynthParams { loss_share: 0.01, lost_buffers: 5, key_cache: 32, noise_share: 1.0, ..base },
        Preset::Old => SynthParams { width: Width::Bits32, stacks: StackMode::Inline, os_build: 7601, cpus: 2, ..base },
    }
}

/// `FROM..TO` in seconds.
fn parse_range(text: &str) -> Result<(f64, f64), String> {
    let number = |part: &str| part.trim().parse::<f64>().ok().filter(|value| value.is_finite());
    let range = text.split_once("..").and_then(|(from, to)| number(from).zip(number(to)));
    range.filter(|(from, to)| from <= to).ok_or_else(|| format!("{text:?} is no range; write 10..25.5 (seconds)"))
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
        let wpr = parsed(&["--preset", "wpr", "--compression", "whole"]);
        assert_eq!((wpr.merged, wpr.compression), (true, Compression::Whole));
    }

    #[test]
    fn ranges_are_two_numbers() {
        assert_eq!(parse_range("1..2.5"), Ok((1.0, 2.5)));
        assert!(parse_range("3..2").is_err() && parse_range("1").is_err());
    }

    #[test]
    fn contradictions_are_wrong_usage() {
        let folder = std::env::temp_dir();
        let path = folder.join("never-written.etl").display().to_string();
        let line = Line::try_parse_from(["synth", &path, "--circular", "4", "--merged"]).unwrap();
        let mut err = Vec::new();
        assert_eq!(run(&line.args, &mut Vec::new(), &mut err).unwrap(), 2);
        assert!(String::from_utf8(err).unwrap().contains("circular"));
    }
}
