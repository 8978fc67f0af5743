//! What was planted and what came out, in one shape, so that the two can be compared and a difference can be shown.

use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::allocation::flag;
use poolscope_analysis::trace::ids::StackId;
use poolscope_analysis::trace::time::{Ticks, TimeRange};
use poolscope_synth::ground_truth::RangeGroundTruth;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

/// Type, paged, tag.
pub type TagKey = (String, String, String);
/// Type, tag, frames from the outermost to the innermost.
pub type StackKey = (String, String, Vec<String>);
/// Blocks and bytes.
pub type Sums = (u64, u64);
/// Outstanding (or other) values of a tag at each point.
pub type Curves = BTreeMap<String, Vec<u64>>;

/// Rows by type, paged and tag as planted.
#[must_use]
pub fn planted_tags(range: &RangeGroundTruth) -> BTreeMap<TagKey, Sums> {
    let rows = range.rows.iter();
    rows.map(|r| ((r.kind.to_owned(), r.paged.to_owned(), r.tag.clone()), (r.totals.count, r.totals.size))).collect()
}

/// Rows by type, tag and stack as planted.
#[must_use]
pub fn planted_stacks(range: &RangeGroundTruth) -> BTreeMap<StackKey, Sums> {
    let rows = range.stacks.iter();
    rows.map(|r| ((r.kind.to_owned(), r.tag.clone(), r.stack.clone()), (r.totals.count, r.totals.size))).collect()
}

/// The view that a range of the truth means.
#[must_use]
pub fn view_of(trace: &Trace, range: &RangeGroundTruth) -> TimeRange {
    let ticks = |seconds: Option<f64>, open| seconds.map_or(Ticks(open), |s| trace.clock.ticks(s));
    TimeRange { from: ticks(range.from, -Ticks::LIMIT), to: ticks(range.to, Ticks::LIMIT) }
}

/// How many rows of each stack may have another's.
pub type Uncertain = BTreeMap<StackKey, u64>;

/// Rows by type, tag and stack of which the index marks the stack as uncertain.
#[must_use]
pub fn index_uncertain(trace: &Trace, view: TimeRange) -> Uncertain {
    let mut uncertain = Uncertain::new();
    let table = &trace.allocations;
    let marked = |row: &usize| table.flags[*row] & flag::UNCERTAIN_ALLOCATION_STACK != 0;
    for row in (0..table.len()).filter(marked) {
        let Some(kind) = view.classify(table.alloc_time.at(row), table.free_time[row]) else { continue };
        let context = trace.attributes.get(table.alloc_attributes[row]).expect("every row has a context");
        let key = (kind.name().to_owned(), context.tag.text(), addresses(trace, table.alloc_stack[row]));
        *uncertain.entry(key).or_default() += 1;
    }
    uncertain
}

/// Where rows by stack differ from what was planted. Rows of uncertain stacks may stand anywhere within their type and tag;
/// all others stand where they were planted.
#[must_use]
pub fn stack_difference(
    what: &str,
    found: &BTreeMap<StackKey, Sums>,
    uncertain: &Uncertain,
    planted: &BTreeMap<StackKey, Sums>,
) -> Vec<String> {
    let group = |key: &StackKey| (key.0.clone(), key.1.clone());
    let loose: BTreeSet<(String, String)> = uncertain.keys().map(group).collect();
    let part = |rows: &BTreeMap<StackKey, Sums>, is_loose: bool| -> BTreeMap<StackKey, Sums> {
        let rows = rows.iter().filter(|(key, _)| loose.contains(&group(key)) == is_loose);
        rows.map(|(key, sums)| (key.clone(), *sums)).collect()
    };
    let mut lines = difference(what, &part(found, false), &part(planted, false));
    let totals = |rows: BTreeMap<StackKey, Sums>| {
        let mut totals = BTreeMap::new();
        rows.iter().for_each(|(key, sums)| add(&mut totals, group(key), *sums));
        totals
    };
    lines.extend(difference(&format!("{what} in all"), &totals(part(found, true)), &totals(part(planted, true))));
    for (key, (count, _)) in part(found, true) {
        let certain = count - uncertain.get(&key).copied().unwrap_or(0);
        let most = planted.get(&key).map_or(0, |sums| sums.0);
        if certain > most {
            lines.push(format!("{what}: {key:?} has {certain} certain rows, planted {most}"));
        }
    }
    lines.truncate(5);
    lines
}

/// The same rows as the index has them, added up row by row.
#[must_use]
pub fn index_rows(trace: &Trace, view: TimeRange) -> (BTreeMap<TagKey, Sums>, BTreeMap<StackKey, Sums>) {
    let (mut tags, mut stacks) = (BTreeMap::new(), BTreeMap::new());
    let table = &trace.allocations;
    for row in 0..table.len() {
        let Some(kind) = view.classify(table.alloc_time.at(row), table.free_time[row]) else { continue };
        let context = trace.attributes.get(table.alloc_attributes[row]).expect("every row has a context");
        let (kind, tag) = (kind.name().to_owned(), context.tag.text());
        let key = (kind.clone(), context.pool_type.paged_name().to_owned(), tag.clone());
        add(&mut tags, key, (1, table.size.at(row)));
        add(&mut stacks, (kind, tag, addresses(trace, table.alloc_stack[row])), (1, table.size.at(row)));
    }
    (tags, stacks)
}

/// The frames of a stack as addresses, outermost first.
#[must_use]
pub fn addresses(trace: &Trace, stack: StackId) -> Vec<String> {
    let frames = trace.stacks.outer_to_inner(stack);
    frames.iter().map(|frame| format!("{:#x}", trace.stacks.frame_rows()[frame.index()].address)).collect()
}

/// Adds up rows of the same key.
pub fn add<K: Ord>(rows: &mut BTreeMap<K, Sums>, key: K, sums: Sums) {
    let row = rows.entry(key).or_default();
    *row = (row.0 + sums.0, row.1 + sums.1);
}

/// A text field of a JSON row.
#[must_use]
pub fn text(row: &Value, field: &str) -> String {
    row[field].as_str().unwrap_or_else(|| panic!("{field} is a text in {row}")).to_owned()
}

/// A number field of a JSON row.
#[must_use]
pub fn number(row: &Value, field: &str) -> u64 {
    row[field].as_u64().unwrap_or_else(|| panic!("{field} is a whole number in {row}"))
}

/// Count and size of a JSON row.
#[must_use]
pub fn sums(row: &Value) -> Sums {
    (number(row, "count"), number(row, "size"))
}

/// The list of a JSON document.
#[must_use]
pub fn rows(document: &Value) -> &[Value] {
    document["rows"].as_array().expect("a document has rows")
}

/// Where two results differ: the number of differing keys and the first few of them; nothing if they are equal.
#[must_use]
pub fn difference<K: Ord + Debug, V: PartialEq + Debug>(
    what: &str,
    found: &BTreeMap<K, V>,
    wanted: &BTreeMap<K, V>,
) -> Vec<String> {
    let missing = wanted.iter().filter(|(key, _)| !found.contains_key(key));
    let wrong = found.iter().filter(|(key, value)| wanted.get(key) != Some(value));
    let mut lines: Vec<String> = wrong.map(|(k, v)| format!("{k:?} is {v:?}, planted {:?}", wanted.get(k))).collect();
    lines.extend(missing.map(|(k, v)| format!("{k:?} is missing, planted {v:?}")));
    if lines.is_empty() {
        return lines;
    }
    let count = lines.len();
    lines.truncate(3);
    vec![format!("{what}: {count} differences, such as {}", lines.join("; "))]
}
