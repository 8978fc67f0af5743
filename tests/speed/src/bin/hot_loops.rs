//! Runs one of the engine's hot loops once, so that `instructions.sh` can count its instructions: `hot-loops LOOP TRACE`, or
//! `hot-loops write TRACE`, which writes the trace and prints the number of its records.

use poolscope_analysis::load::{StackScope, load_file};
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::file::{BodyScratch, TraceFile};
use poolscope_speed::{groups, options};
use poolscope_synth::writer::Compression;
use poolscope_synth::{SynthParams, write_trace};
use std::error::Error;
use std::fs::File;
use std::io::{Write, stdout};
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: hot-loops write|write-compressed|walk|decompress|load|load-stacks|report|report-stacks TRACE";
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(trace)) = (arguments.next(), arguments.next()) else { return Err(usage.into()) };
    let path = Path::new(&trace);
    let load = |stacks| load_file(path, options(stacks), &Progress::default(), &CancelToken::none());
    let count = match &*name {
        "write" => write(path, Compression::None)?,
        "write-compressed" => write(path, Compression::Filled)?,
        "walk" => walk(path)?,
        "decompress" => decompress(path)?,
        "load" => load(StackScope::None)?.statistics.records,
        "load-stacks" => load(StackScope::Pool)?.statistics.records,
        "report" => groups(load(StackScope::None)?, "type,paged,tag") as u64,
        "report-stacks" => groups(load(StackScope::Pool)?, "type,paged,tag,stack") as u64,
        _ => return Err(usage.into()),
    };
    writeln!(stdout().lock(), "{count}")?;
    Ok(())
}

/// Writes a trace of 60,000 allocations with stacks and CPU samples.
fn write(path: &Path, compression: Compression) -> Result<u64, Box<dyn Error>> {
    let params = SynthParams { allocations: 60_000, sample_share: 0.5, compression, ..SynthParams::default() };
    Ok(write_trace(File::create(path)?, &params, None)?.written.records.records())
}

/// Reads every record header and returns the number of records.
fn walk(path: &Path) -> Result<u64, Box<dyn Error>> {
    let file = TraceFile::open(path)?;
    let mut scratch = BodyScratch::default();
    let mut records = 0;
    for buffer in &file.layout.buffers {
        records += file.records(buffer, &mut scratch)?.count() as u64;
    }
    Ok(records)
}

/// Decompresses every buffer and returns the number of bytes.
fn decompress(path: &Path) -> Result<u64, Box<dyn Error>> {
    let file = TraceFile::open(path)?;
    let mut scratch = BodyScratch::default();
    let mut bytes = 0;
    for buffer in &file.layout.buffers {
        bytes += file.body(buffer, &mut scratch)?.bytes.len() as u64;
    }
    Ok(bytes)
}
