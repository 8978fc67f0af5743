//! `poolmon --watch`: samples the pool tags of this machine into a file, which `poolmon` and the window read.

use crate::cli::io::Io;
use crate::cli::units::parse_duration;
use crate::format;
use crate::pool_sampler::{self, PoolSampler, SampleSummary, Schedule, SystemSampler};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Options of `--watch`.
#[derive(clap::Args, Debug)]
pub struct WatchArgs {
    /// Samples the pool tags of this machine into this CSV file (Windows only; elsewhere see record --sampler). The time between samples
    /// is that of --every (default: 60s)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["files", "last", "scope", "html", "pool", "top"])]
    pub watch: Option<PathBuf>,
    /// Time after which sampling ends (default: 24h)
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration, requires = "watch")]
    length: Option<u64>,
    /// Continues an existing file of samples
    #[arg(long, requires = "watch")]
    append: bool,
}

/// Seconds between samples.
const EVERY_SECONDS: u64 = 60;
/// Seconds after which sampling ends.
const LENGTH_SECONDS: u64 = 86_400;

/// Runs the command.
///
/// # Errors
/// The first sample fails, or the file cannot be written.
pub fn run(path: &Path, args: &WatchArgs, every_seconds: Option<u64>, io: &mut Io<'_>) -> anyhow::Result<u8> {
    run_with(&SystemSampler, path, args, every_seconds, io)
}

fn run_with(
    sampler: &dyn PoolSampler,
    path: &Path,
    args: &WatchArgs,
    every_seconds: Option<u64>,
    io: &mut Io<'_>,
) -> anyhow::Result<u8> {
    let schedule = Schedule {
        every: Duration::from_secs(every_seconds.unwrap_or(EVERY_SECONDS).max(1)),
        length: Duration::from_secs(args.length.unwrap_or(LENGTH_SECONDS)),
    };
    let cancel = io.cancel.clone();
    let mut broken = None;
    let count = pool_sampler::run(sampler, path, args.append, schedule, &cancel, |sample| {
        let line = match sample {
            Ok(SampleSummary { number, tags, bytes: [nonpaged, paged] }) => format!(
                "sample {}: {} tags, nonpaged pool {}, paged pool {}",
                format::count(number),
                format::count(tags as u64),
                format::bytes(nonpaged),
                format::bytes(paged)
            ),
            Err(error) => format!("sample left out: {error}"),
        };
        broken = writeln!(io.err, "poolscope: {line}").and_then(|()| io.err.flush()).err();
    });
    let count = count.map_err(anyhow::Error::msg)?;
    if let Some(error) = broken {
        return Err(error.into());
    }
    let samples = format::counted(count, "sample", "samples");
    writeln!(io.out, "{samples} in {0}. Show them with: poolscope poolmon {0}", path.display())?;
    Ok(0)
}
