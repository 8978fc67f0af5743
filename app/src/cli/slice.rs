//! `slice`: writes a part of a trace as a smaller trace, redacted on request, to pass on.

use super::io::Io;
use super::open::{UsageError, open_error};
use super::output_file;
use super::units::{SecondsRange, parse_range};
use crate::debugger_log::{self, LogReading};
use crate::format;
use crate::trace_location::parts_of;
use crate::trace_opening::TraceOpenError;
use crate::trace_parts;
use poolscope_analysis::load::LoadError;
use poolscope_archive::Control;
use poolscope_base::progress::Progress;
use poolscope_etl::file::{OpenError, TraceFile};
use poolscope_etl::slice::{SliceError, SliceReport, SliceRequest, slice};
use std::io::Write as _;
use std::path::PathBuf;

/// Options of `slice`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The trace file (.etl), also packed; several files of one recording become one slice
    #[arg(value_name = "TRACE", required = true)]
    trace: Vec<PathBuf>,
    /// Range to keep in seconds from the start of the trace, both ends included. Either side can be omitted
    #[arg(long, value_name = "FROM..TO", value_parser = parse_range, allow_hyphen_values = true)]
    range: Option<SecondsRange>,
    /// The trace file to write
    #[arg(long, value_name = "OUT.etl")]
    to: PathBuf,
    /// Replaces names of users, computers and folders and command lines, the same text by the same replacement, and drops all records
    /// whose texts are not understood. Names of drivers, processes and tags stay
    #[arg(long)]
    redact: bool,
    /// Replaces an existing file
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// The trace cannot be read, the range is empty, or the file cannot be written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    output_file::check(&args.to, args.force)?;
    let cancel = io.cancel.clone();
    let progress = Progress::default();
    let mut notes = Vec::new();
    let paths: Vec<PathBuf> = args.trace.iter().flat_map(|path| parts_of(path)).collect();
    let opened = trace_parts::open(&paths, Control { progress: &progress, cancel: &cancel }, &mut notes);
    if let (Err(TraceOpenError::Load(LoadError::Open(OpenError::NotATrace { .. }))), [path]) =
        (&opened, paths.as_slice())
        && matches!(debugger_log::read(path), LogReading::Trace(_))
    {
        anyhow::bail!("{} is a debugger log: only a trace (.etl) is cut", path.display());
    }
    let file = opened.map_err(open_error)?.file;
    for note in notes {
        writeln!(io.err, "poolscope: warning: {note}")?;
    }
    let request = SliceRequest { range: args.raw_range(&file)?, redacts: args.redact };
    let report = output_file::write(&args.to, args.force, |out| match slice(&file, request, out, &cancel) {
        Err(SliceError::Write(error)) => Err(error.into()),
        other => Ok(other?),
    })?;
    args.write_report(&report, file.file_bytes(), io)?;
    Ok(0)
}

impl Args {
    /// The range in raw timestamps.
    fn raw_range(&self, file: &TraceFile) -> anyhow::Result<(i64, i64)> {
        let range = self.range.unwrap_or_default();
        let raw = |seconds: f64| {
            let ticks = (seconds * file.clock.ticks_per_second as f64).round() as i64;
            file.clock.time_zero.saturating_add(ticks)
        };
        let (from, to) = (range.from.map_or(i64::MIN, raw), range.to.map_or(i64::MAX, raw));
        if from > to {
            return Err(UsageError("the range ends before it begins".to_owned()).into());
        }
        let (first, last) = file.clock.plausible;
        Ok((from.max(first), to.min(last)))
    }

    fn write_report(&self, report: &SliceReport, file_bytes: u64, io: &mut Io<'_>) -> std::io::Result<()> {
        let counted = format::counted;
        writeln!(
            io.out,
            "{}: {} of {}, {}, {} of them pool events; {} from outside of the range: system, images, processes, stacks.",
            self.to.display(),
            format::bytes(report.bytes),
            format::bytes(file_bytes),
            counted(report.records, "record", "records"),
            format::count(report.pool_events),
            counted(report.needed_records, "record", "records"),
        )?;
        let mut dropped =
            vec![counted(report.outside_records, "record outside of the range", "records outside of the range")];
        if report.timeless_records > 0 {
            dropped.push(counted(report.timeless_records, "record without a time", "records without a time"));
        }
        if report.redacted_records > 0 {
            let (one, many) = ("record whose texts are not understood", "records whose texts are not understood");
            dropped.push(counted(report.redacted_records, one, many));
        }
        writeln!(io.out, "Dropped: {}.", dropped.join(", "))?;
        if report.earlier_allocations > 0 {
            let allocations =
                counted(report.earlier_allocations, "allocation before it is", "allocations before it are");
            writeln!(
                io.out,
                "The slice begins in the middle of the recording: {allocations} not in it, so that frees of these are of type AOFI."
            )?;
        }
        if self.redact {
            let texts = counted(report.redacted_texts, "text was", "texts were");
            writeln!(
                io.out,
                "Redacted: {texts} replaced. Names of drivers, processes, functions' modules and tags are in it: look at it before you pass it on."
            )?;
        }
        if report.damaged_buffers > 0 {
            let buffers = counted(report.damaged_buffers, "buffer has", "buffers have");
            writeln!(io.err, "poolscope: warning: {buffers} unreadable bytes, which are not in the slice")?;
        }
        Ok(())
    }
}
