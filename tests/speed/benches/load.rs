//! Loads and reports of a trace of pool events, a mixed trace and a compressed one, compared with the walk:
//! `cargo bench -p poolscope-speed --bench load`.

use poolscope_analysis::load::StackScope::{None as Without, Pool as With};
use poolscope_speed::{Cost, Table, Trace, fastest, first, mixed};
use poolscope_synth::SynthParams;
use poolscope_synth::writer::Compression;
use std::error::Error;

const TAGS: &str = "type,paged,tag";
const STACKS: &str = "type,paged,tag,stack";

fn main() -> Result<(), Box<dyn Error>> {
    let table = Table::new("load")?;
    let trace = Trace::write(&first())?;
    let [walk, bare, full, by_tag, by_stack] = fastest([
        &mut || assert!(trace.walk().records > 0),
        &mut || drop(trace.load(Without)),
        &mut || drop(trace.load(With)),
        &mut || assert!(trace.report(TAGS, Without) > 0),
        &mut || assert!(trace.report(STACKS, With) > 0),
    ]);
    table.row("pool events: walk, one thread", walk, walk, None)?;
    table.row("pool events: load without stacks", bare, walk, Some(3.0))?;
    table.row("pool events: load with stacks", full, walk, Some(5.5))?;
    table.row("pool events: report by type,paged,tag", by_tag, walk, Some(3.0))?;
    table.row("pool events: report by type,paged,tag,stack", by_stack, walk, Some(5.5))?;
    threads(&table, &trace)?;
    compressed(&table, bare)?;
    mixed_trace(&table)
}

/// Loads on one thread and on two; the goal is 1 / 1.7 of the time.
fn threads(table: &Table, trace: &Trace) -> Result<(), Box<dyn Error>> {
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let (one, two) = (pool(1)?, pool(2)?);
    let [one, two] =
        fastest([&mut || drop(one.install(|| trace.load(With))), &mut || drop(two.install(|| trace.load(With)))]);
    table.row("pool events: load with stacks, one thread", one, one, None)?;
    table.row("pool events: load with stacks, two threads", two, one, Some(1.0 / 1.7))?;
    Ok(())
}

/// A compressed load, compared with the load of the same trace without compression and the decompression alone, which all
/// threads share.
fn compressed(table: &Table, plain: Cost) -> Result<(), Box<dyn Error>> {
    // The same events; their number would follow from the size.
    let plain_trace = Trace::write(&first())?;
    let events = plain_trace.load(Without).allocations.len() as u64;
    let params = SynthParams { compression: Compression::Filled, target_bytes: None, allocations: events, ..first() };
    let trace = Trace::write(&params)?;
    let mut bytes = 0;
    let [decompression, load] = fastest([&mut || bytes = trace.decompress(), &mut || drop(trace.load(Without))]);
    let threads = rayon::current_num_threads() as f64;
    let bound =
        Cost { wall: plain.wall + 1.15 * decompression.wall / threads, cpu: plain.cpu + 1.15 * decompression.cpu };
    table.rate("compressed: decompression, one core", decompression, bytes)?;
    table.row("compressed: load without stacks, to plain + 1.15 x", load, bound, Some(1.0))?;
    Ok(())
}

/// A mixed trace.
fn mixed_trace(table: &Table) -> Result<(), Box<dyn Error>> {
    let trace = Trace::write(&mixed())?;
    let [walk, bare, full, window, by_stack] = fastest([
        &mut || assert!(trace.walk().records > 0),
        &mut || drop(trace.load(Without)),
        &mut || drop(trace.load(With)),
        &mut || drop(trace.load_for_window()),
        &mut || assert!(trace.report(STACKS, With) > 0),
    ]);
    table.row("mixed: walk, one thread", walk, walk, None)?;
    table.row("mixed: load without stacks", bare, walk, None)?;
    table.row("mixed: load with stacks", full, walk, Some(10.0))?;
    table.row("mixed: report by type,paged,tag,stack", by_stack, walk, Some(10.0))?;
    table.row("mixed: load for the window, to that report", window, by_stack, Some(1.0))?;
    Ok(())
}
