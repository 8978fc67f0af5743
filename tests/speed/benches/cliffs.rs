//! Loads and reports of traces that differ from a usual one in one respect. Each is compared with the walk over its own
//! records, so that a cliff shows as a ratio far above that of its neighbor: `cargo bench -p poolscope-speed --bench cliffs`.

use poolscope_analysis::load::StackScope;
use poolscope_speed::{Table, Trace, bench_bytes, fastest, first};
use poolscope_synth::SynthParams;
use poolscope_synth::scenario::{StackMode, TagMix};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let table = Table::new("cliffs")?;
    for cpus in [1, 4, 16, 64] {
        row(&table, &format!("{cpus} CPUs"), &SynthParams { cpus, ..first() }, "type,paged,tag")?;
    }
    for kilobytes in [8, 64, 256, 1024] {
        let params = SynthParams { buffer_size: kilobytes << 10, ..first() };
        row(&table, &format!("buffers of {kilobytes} KB"), &params, "type,paged,tag")?;
    }
    for distinct_stacks in [400, 10_000, 100_000, 1_000_000] {
        // Every allocation has one of the stacks, so that they occur.
        let params = SynthParams { distinct_stacks, stacks: StackMode::Inline, user_stack_share: 0.0, ..first() };
        row(&table, &format!("{distinct_stacks} stacks to draw from"), &params, "tag,stack")?;
    }
    let mut found = Vec::new();
    for (threads, ordinary) in [(24, 12), (1_000, 100), (20_000, 1_000)] {
        let tags = TagMix { ordinary, ..TagMix::default() };
        let params = SynthParams { threads, tags, stacks: StackMode::None, ..first() };
        let groups = row(&table, &format!("{threads} threads, {ordinary} tags"), &params, "tag,process,thread,cpu")?;
        found.push(groups);
    }
    // More groups than one table of sums per worker holds.
    if bench_bytes() >= 400_000_000 && found.last().is_none_or(|groups| *groups < 131_072) {
        return Err(format!("too few groups to show a cliff: {found:?}").into());
    }
    Ok(())
}

/// Measures one trace and returns the number of groups by `by`.
fn row(table: &Table, name: &str, params: &SynthParams, by: &str) -> Result<usize, Box<dyn Error>> {
    let trace = Trace::write(params)?;
    let mut groups = 0;
    let [walk, load, report] =
        fastest([&mut || assert!(trace.walk().records > 0), &mut || drop(trace.load(StackScope::Pool)), &mut || {
            groups = trace.report(by, StackScope::Pool)
        }]);
    table.row(&format!("{name}: load with stacks"), load, walk, None)?;
    table.row(&format!("{name}: report, {groups} groups"), report, walk, None)?;
    Ok(groups)
}
