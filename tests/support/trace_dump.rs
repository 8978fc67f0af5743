//! Content of a loaded trace as sorted lines without handles, to compare the results of two readers. It covers everything that
//! figures depend on.

use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::allocation::flag;
use poolscope_analysis::trace::attributes::EventAttributes;
use poolscope_analysis::trace::ids::{AttributesId, StackId};
use poolscope_analysis::trace::summary::StackStatistics;
use poolscope_analysis::trace::time::Ticks;
use std::collections::BTreeMap;

/// Lines by topic.
pub type TraceDump = BTreeMap<&'static str, Vec<String>>;

/// Content of a trace; CPU numbers only `with_cpus`.
#[must_use]
pub fn dump(trace: &Trace, with_cpus: bool) -> TraceDump {
    let rows = 0..trace.allocations.len();
    let census = &trace.statistics;
    let known = StackStatistics { uncertain_keys: 0, ..census.stacks };
    let modules = |of: &poolscope_analysis::trace::module::LoadedImage| {
        format!("{:?} in {} {:?}..{:?}", trace.modules.get(of.module), of.pid, of.load, of.unload)
    };
    let mut lines_by_topic: TraceDump = BTreeMap::from([
        ("blocks", rows.map(|row| block(trace, row, with_cpus)).collect()),
        ("modules", trace.modules.loaded_images().iter().map(modules).collect()),
        ("processes", trace.processes.rows().iter().map(|process| format!("{process:?}")).collect()),
        ("tags in snapshots", trace.pool_rundown.tags.iter().map(|tag| format!("{tag:?}")).collect()),
        ("blocks in snapshots", trace.pool_rundown.big.iter().map(|block| format!("{block:?}")).collect()),
        ("recording", vec![format!("{:?}", trace.summary), format!("{:?} {:?}", trace.clock, trace.extent)]),
        ("pool events", vec![format!("{} {} {}", census.pool_allocs, census.pool_frees, census.pool_rundown_records)]),
        ("stacks", vec![format!("{} {} {known:?}", census.stack_records, census.stack_definitions)]),
        ("uncertain stacks", (0..trace.allocations.len()).filter_map(|row| uncertain(trace, row)).collect()),
        ("records", vec![format!("{} {}", census.records, census.messages)]),
        (
            "diagnostics",
            trace.diagnostics.rows().iter().map(|row| format!("{} {}", row.kind.name(), row.count)).collect(),
        ),
    ]);
    lines_by_topic.values_mut().for_each(|lines| lines.sort());
    lines_by_topic
}

/// One block: its life, and what both of its events say.
fn block(trace: &Trace, row: usize, with_cpus: bool) -> String {
    let table = &trace.allocations;
    let side = |context: AttributesId, stack: StackId| {
        format!("[{}] {}", context_words(trace, context, with_cpus), frames(trace, stack))
    };
    format!(
        "{:#x} {} {}..{} flags {} by {} freed by {}",
        table.address.get(row).expect("a loaded address"),
        table.size.at(row),
        time(table.alloc_time.at(row)),
        time(table.free_time[row]),
        table.flags[row] & flag::IMPLIED,
        side(table.alloc_attributes[row], table.alloc_stack[row]),
        side(table.free_attributes[row], table.free_stack[row]),
    )
}

/// A block with a stack that may be another's. Where records are missing is seen by buffers, which not every reader shows.
fn uncertain(trace: &Trace, row: usize) -> Option<String> {
    let table = &trace.allocations;
    let marks = table.flags[row] & (flag::UNCERTAIN_ALLOCATION_STACK | flag::UNCERTAIN_FREE_STACK);
    (marks != 0).then(|| {
        format!("{:#x} {} {marks}", table.address.get(row).expect("a loaded address"), time(table.alloc_time.at(row)))
    })
}

fn time(time: Ticks) -> String {
    if time.is_known() { time.0.to_string() } else { String::new() }
}

fn context_words(trace: &Trace, id: AttributesId, with_cpus: bool) -> String {
    let Some(context) = trace.attributes.get(id) else { return String::new() };
    let process = trace.processes.get(context.process).map(|process| format!("{process:?}"));
    let EventAttributes { tag, pool_type, thread, session, cpu, .. } = context;
    let cpu = if with_cpus { format!(" on {cpu}") } else { String::new() };
    format!("{} {pool_type:?} {process:?} {thread} {session}{cpu}", tag.text())
}

/// Frames from the innermost outward, with their modules.
fn frames(trace: &Trace, stack: StackId) -> String {
    let frame = |id: poolscope_analysis::trace::ids::FrameId| {
        let frame = trace.stacks.frame_rows()[id.index()];
        let module = trace.modules.get(frame.module).map_or("", |module| module.path.as_str());
        format!("{module}!{:#x}", frame.address)
    };
    trace.stacks.inner_to_outer(stack).map(frame).collect::<Vec<_>>().join(" ")
}

/// Where two traces differ, topic by topic: the first lines that only one of them has. Topics in `apart` are left out.
#[must_use]
pub fn differences(ours: &TraceDump, theirs: &TraceDump, apart: &[&str]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (topic, our_lines) in ours.iter().filter(|(topic, _)| !apart.contains(topic)) {
        let their_lines = &theirs[topic];
        if our_lines == their_lines {
            continue;
        }
        let only = |a: &[String], b: &[String]| a.iter().find(|line| b.binary_search(line).is_err()).cloned();
        complaints.push(format!(
            "{topic}: {} and {} lines; only here: {:?}; only there: {:?}",
            our_lines.len(),
            their_lines.len(),
            only(our_lines, their_lines),
            only(their_lines, our_lines)
        ));
    }
    complaints
}
