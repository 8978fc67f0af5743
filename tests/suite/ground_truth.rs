//! Every kind of made-up trace gives what was planted in it, exactly: in the index, and through the command line's JSON
//! and CSV, for the whole trace and for ranges. The truth comes from the writer's own log, never from the reader.

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::group::parallel::not_cancelled;
use poolscope_analysis::group::range_sums::RangeSums;
use poolscope_analysis::pivot::{Pivot, pivot_of_range};
use poolscope_analysis::series::{CurveIndex, SeriesKind, SeriesMetric, SeriesRequest, SeriesSet};
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::time::TimeRange;
use poolscope_etl::diagnostics::DiagnosticKind;
use poolscope_synth::ground_truth::{GroundTruth, OutstandingCurve, RangeGroundTruth};
use poolscope_synth::writer::FileMode;
use poolscope_synth::{GroundTruthRequest, SynthParams};
use poolscope_tests::figures::{
    Curves, StackKey, Sums, TagKey, Uncertain, add, difference, index_rows, index_uncertain, number, planted_stacks,
    planted_tags, rows, stack_difference, sums, text, view_of,
};
use poolscope_tests::program::{csv, json};
use poolscope_tests::synthetic::{OnDisk, loaded, plant};
use poolscope_tests::variants::{self, Variant};
use rayon::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Points of the curves that are compared; each lies on a whole tick of every clock, or on the same side of a half.
const CURVE: (f64, f64) = (1.0, 3.0);
const POINTS: usize = 8;

/// Walks over all variants and fails with everything that any of them complains about.
fn check_all(variants: &[Variant], check: impl Fn(&SynthParams) -> Vec<String> + Sync) {
    assert!(variants.len() > 40, "{} variants", variants.len());
    let complaints = variants.par_iter().flat_map_iter(|variant| {
        let found = check(&variant.params);
        found.into_iter().map(|line| format!("{}: {line}", variant.name))
    });
    let complaints: Vec<String> = complaints.collect();
    assert!(complaints.is_empty(), "{} complaints:\n{}\n", complaints.len(), complaints.join("\n"));
}

#[test]
fn the_index_holds_what_was_planted() {
    check_all(&variants::all(8_000), |params| {
        let ranges = vec![(1.0, 2.5), (0.0, 0.003), (3.25, 5.0)];
        let planted = plant(params, &GroundTruthRequest { ranges, stacks: true, ..GroundTruthRequest::default() });
        let trace = loaded(planted.bytes);
        let mut complaints = statistics(&trace, &planted.truth);
        assert!(planted.truth.pool.allocations > 0, "nothing was planted");
        for range in &planted.truth.ranges {
            let (tags, stacks) = index_rows(&trace, view_of(&trace, range));
            let what = format!("{:?}..{:?}", range.from, range.to);
            complaints.extend(difference(&format!("{what} by tag"), &tags, &planted_tags(range)));
            let uncertain = index_uncertain(&trace, view_of(&trace, range));
            let planted = planted_stacks(range);
            complaints.extend(stack_difference(&format!("{what} by stack"), &stacks, &uncertain, &planted));
        }
        complaints
    });
}

#[test]
fn sums_and_curves_prepared_for_any_range_hold_what_was_planted() {
    check_all(&variants::all(8_000), |params| {
        let ranges = vec![CURVE, (1.0, 2.5), (0.0, 0.003), (3.25, 5.0), (1.5, 1.5)];
        let request = GroundTruthRequest { ranges, curve_points: POINTS, ..GroundTruthRequest::default() };
        let planted = plant(params, &request);
        let trace = loaded(planted.bytes);
        let names = Arc::new(ColumnValues::new(Arc::clone(&trace), FrameNaming::Address));
        let order = Arc::default();
        let keys = [Key::Type, Key::Paged, Key::Tag];
        let sums = RangeSums::new(&names, &keys, None, &order, &not_cancelled).expect("nobody cancels");
        let sums = sums.expect("nothing in these traces is so damaged");
        let mut complaints = Vec::new();
        for range in &planted.truth.ranges {
            let visible_range = view_of(&trace, range);
            let what = format!("{:?}..{:?}", range.from, range.to);
            let pivot = pivot_of_range(&sums, visible_range, &not_cancelled).expect("nobody cancels");
            let tags = tags_of_pivot(&pivot.expect("the range is one"));
            complaints.extend(difference(&format!("{what} by tag"), &tags, &planted_tags(range)));
        }
        let range = planted.truth.ranges.iter().find(|range| range.from.zip(range.to) == Some(CURVE));
        let range = range.expect("this range was asked for");
        let wanted = curves_request(view_of(&trace, range));
        let index = CurveIndex::new(&names, &wanted, None, &order, &not_cancelled).expect("nobody cancels");
        let drawn = index.expect("the tags are few").highest(&wanted, &not_cancelled).expect("nobody cancels");
        let curve = |curve: &OutstandingCurve| (curve.tag.clone(), curve.points.iter().map(|p| p.size).collect());
        let mut wanted: Curves = range.curves.iter().map(curve).collect();
        wanted.retain(|_, values| values.iter().any(|value| *value > 0));
        complaints.extend(difference("curves", &drawn_curves(&drawn.set), &wanted));
        complaints
    });
}

/// Values of curves by tag, without those that are 0 throughout.
fn drawn_curves(set: &SeriesSet) -> Curves {
    let values =
        |curve: &poolscope_analysis::series::Curve| curve.amounts.iter().map(|amount| *amount as u64).collect();
    let tag = |at: usize| set.texts(at).expect("every tag has a curve").remove(0);
    let mut curves: Curves = set.curves.iter().enumerate().map(|(at, curve)| (tag(at), values(curve))).collect();
    curves.retain(|_, values| values.iter().any(|value| *value > 0));
    curves
}

/// Rows of a pivot by type, paged and tag.
fn tags_of_pivot(pivot: &Pivot) -> BTreeMap<TagKey, Sums> {
    let text = |group: usize, column: usize| pivot.columns()[column].text(pivot.ids(group)[column]).into_owned();
    let row = |group: usize| {
        let aggregate = &pivot.aggregates()[group];
        ((text(group, 0), text(group, 1), text(group, 2)), (aggregate.count(), aggregate.size()))
    };
    (0..pivot.len()).map(row).collect()
}

/// Outstanding bytes by tag at the points of the ground truth.
fn curves_request(visible_range: TimeRange) -> SeriesRequest<'static> {
    SeriesRequest {
        keys: &[Key::Tag],
        metric: SeriesMetric { kind: SeriesKind::Outstanding, by_count: false },
        visible_range,
        points: POINTS,
        rows: None,
        include_preexisting: false,
        top: None,
        chosen: None,
    }
}

/// Counts of everything in the file.
fn statistics(trace: &Trace, truth: &GroundTruth) -> Vec<String> {
    let statistics = &trace.statistics;
    let implied = |bit| trace.allocations.flags.iter().filter(|flags| **flags & bit != 0).count() as u64;
    let (times, never) = (&trace.allocations.alloc_time, &trace.allocations.free_time);
    let pairs = [
        ("bytes", trace.summary.file_bytes, truth.bytes),
        ("records", statistics.records, truth.records),
        ("buffers", statistics.buffers, truth.buffers.total),
        ("compressed buffers", statistics.compressed_buffers.unwrap_or(u64::MAX), truth.buffers.compressed),
        ("pointer size", u64::from(trace.summary.pointer_size), u64::from(truth.pointer_size)),
        ("OS build", u64::from(trace.summary.os_build), u64::from(truth.os_build)),
        ("CPUs", u64::from(trace.summary.cpus), u64::from(truth.cpus)),
        ("ticks per second", trace.clock.ticks_per_second, truth.ticks_per_second),
        ("events lost", trace.summary.events_lost, u64::from(truth.events_lost)),
        ("buffers lost", trace.summary.buffers_lost, u64::from(truth.buffers_lost)),
        ("allocation events", statistics.pool_allocs, truth.pool.alloc_events),
        ("free events", statistics.pool_frees, truth.pool.free_events),
        ("snapshot records", statistics.pool_rundown_records, truth.pool.rundown_records),
        ("rows", trace.allocations.len() as u64, truth.pool.allocations),
        ("implied frees", implied(poolscope_analysis::trace::allocation::flag::IMPLIED_FREE), truth.pool.implied_frees),
        (
            "implied allocations",
            implied(poolscope_analysis::trace::allocation::flag::IMPLIED_ALLOCATION),
            truth.pool.implied_allocations,
        ),
        ("unknown allocations", times.iter().filter(|t| !t.is_known()).count() as u64, truth.pool.unknown_allocations),
        ("never freed", never.iter().filter(|t| !t.is_known()).count() as u64, truth.pool.never_freed),
        ("stack records", statistics.stack_records, truth.stacks.inline + truth.stacks.references),
        ("stack definitions", statistics.stack_definitions, truth.stacks.definitions),
        ("resolved keys", statistics.stacks.resolved_keys, truth.stacks.resolved),
        ("unresolved keys", statistics.stacks.unresolved_keys, truth.stacks.unresolved),
        ("unmatched stacks", statistics.stacks.unmatched, truth.stacks.other_events + truth.stacks.orphans),
        ("distinct stacks", statistics.stacks.distinct, truth.stacks.distinct),
    ];
    // Of which stacks some are only guessed, nobody can count the distinct ones.
    let is_guessed = trace.diagnostics.count(DiagnosticKind::UncertainStack) > 0;
    let wrong =
        pairs.iter().filter(|(what, found, wanted)| found != wanted && !(is_guessed && *what == "distinct stacks"));
    let mut complaints: Vec<String> =
        wrong.map(|(what, found, wanted)| format!("{what}: {found}, planted {wanted}")).collect();
    let hooks = statistics.hooks.iter().map(|(hook, count)| (format!("0x{hook:04X}"), *count)).collect();
    complaints.extend(difference("hooks", &hooks, &truth.hooks));
    let providers = statistics.providers.iter().map(|(guid, count)| (guid.to_string(), *count)).collect();
    complaints.extend(difference("providers", &providers, &truth.providers));
    complaints
}

#[test]
fn the_command_line_reports_what_was_planted() {
    check_all(&variants::all(2_000), |params| {
        let ranges = vec![(1.0, 2.5), (0.004, 0.02)];
        let planted = plant(params, &GroundTruthRequest { ranges, stacks: true, ..GroundTruthRequest::default() });
        let file = OnDisk::new("planted.etl", &planted.bytes);
        planted.truth.ranges.iter().flat_map(|range| report(file.path(), range)).collect()
    });
}

/// Both groupings of one range, as JSON and as CSV.
fn report(path: &str, range: &RangeGroundTruth) -> Vec<String> {
    let span = range.from.zip(range.to).map(|(from, to)| format!("{from}..{to}"));
    let span = span.as_deref();
    let arguments = |by: &'static str, format: &'static str| {
        let mut line = vec!["report", path, "--by", by, "--frames", "address", "--format", format];
        line.extend(span.iter().flat_map(|span| ["--range", *span]));
        line
    };
    let (tags, stacks) = (planted_tags(range), planted_stacks(range));
    let what = |grouping: &str| format!("{} by {grouping}", span.unwrap_or("whole"));
    let document = json(&arguments("type,paged,tag", "json"));
    let mut complaints = difference(&what("tag, JSON"), &tags_of_json(&document), &tags);
    if sums(&document["total"]) != (range.total.count, range.total.size) {
        complaints.push(format!("{}: {} in all, planted {:?}", what("tag"), document["total"], range.total));
    }
    if let (Some(from), Some(to)) = (range.from, range.to) {
        let near = |field: &str, wanted: f64| (document["range"][field].as_f64().unwrap_or(-1.0) - wanted).abs() < 1e-6;
        if !near("from", from) || !near("to", to) {
            complaints.push(format!("{}: the range is {}", what("tag"), document["range"]));
        }
    }
    complaints.extend(difference(&what("tag, CSV"), &tags_of_csv(&arguments("type,paged,tag", "csv")), &tags));
    let by_stack = "type,paged,tag,stack";
    let document = json(&arguments(by_stack, "json"));
    let (found, uncertain) = stacks_of_json(&document);
    complaints.extend(stack_difference(&what("stack, JSON"), &found, &uncertain, &stacks));
    if sums(&document["total"]) != (range.total.count, range.total.size) {
        complaints.push(format!("{}: {} in all, planted {:?}", what("stack"), document["total"], range.total));
    }
    let (in_csv, uncertain_in_csv) = stacks_of_csv(&arguments(by_stack, "csv"));
    complaints.extend(difference(&what("stack, CSV"), &in_csv, &found));
    complaints.extend(difference(&what("uncertain stacks, CSV"), &uncertain_in_csv, &uncertain));
    let all: u64 = uncertain.values().sum();
    if document["total"]["uncertain_stack_count"].as_u64().unwrap_or(0) != all {
        complaints.push(format!("{}: {all} uncertain stacks, in all {}", what("stack"), document["total"]));
    }
    complaints
}

fn tags_of_json(document: &Value) -> BTreeMap<TagKey, Sums> {
    let listed = rows(document);
    let found: BTreeMap<TagKey, Sums> =
        listed.iter().map(|row| ((text(row, "type"), text(row, "paged"), text(row, "tag")), sums(row))).collect();
    assert_eq!(found.len(), listed.len(), "a group stands twice");
    found
}

fn stacks_of_json(document: &Value) -> (BTreeMap<StackKey, Sums>, Uncertain) {
    let (mut found, mut uncertain) = (BTreeMap::new(), Uncertain::new());
    for row in rows(document) {
        let frames = row["stack"].as_array().expect("a stack is a list");
        let frames = frames.iter().map(|frame| frame.as_str().expect("a frame is a text").to_owned()).collect();
        let key: StackKey = (text(row, "type"), text(row, "tag"), frames);
        if let Some(count) = row["uncertain_stack_count"].as_u64() {
            assert!(count > 0, "what is not uncertain is not said to be: {row}");
            *uncertain.entry(key.clone()).or_default() += count;
        }
        add(&mut found, key, sums(row));
    }
    (found, uncertain)
}

/// Rows of a CSV file as fields by name.
fn fields(arguments: &[&str]) -> Vec<BTreeMap<String, String>> {
    let (header, rows) = csv(arguments);
    rows.into_iter().map(|row| header.iter().cloned().zip(row).collect()).collect()
}

fn csv_sums(row: &BTreeMap<String, String>) -> Sums {
    let number = |field: &str| row[field].parse().unwrap_or_else(|_| panic!("{field} is a number in {row:?}"));
    (number("count"), number("size"))
}

fn tags_of_csv(arguments: &[&str]) -> BTreeMap<TagKey, Sums> {
    let key = |row: &BTreeMap<String, String>| (row["type"].clone(), row["paged"].clone(), row["tag"].clone());
    fields(arguments).iter().map(|row| (key(row), csv_sums(row))).collect()
}

fn stacks_of_csv(arguments: &[&str]) -> (BTreeMap<StackKey, Sums>, Uncertain) {
    let (mut found, mut uncertain) = (BTreeMap::new(), Uncertain::new());
    for row in fields(arguments) {
        let frames = row["stack"].split(';').filter(|frame| !frame.is_empty()).map(str::to_owned).collect();
        let key: StackKey = (row["type"].clone(), row["tag"].clone(), frames);
        let count = row.get("uncertain_stack_count").map_or(0, |count| count.parse().expect("a count"));
        if count > 0 {
            *uncertain.entry(key.clone()).or_default() += count;
        }
        add(&mut found, key, csv_sums(&row));
    }
    (found, uncertain)
}

#[test]
fn the_curves_are_those_that_were_planted() {
    check_all(&variants::all(2_000), |params| {
        // What was allocated up to a point is what was allocated inside a range that ends there.
        let until = |k: usize| (-1e4, CURVE.0 + k as f64 * (CURVE.1 - CURVE.0) / (POINTS - 1) as f64);
        let ranges = std::iter::once(CURVE).chain((0..POINTS).map(until)).collect();
        let planted =
            plant(params, &GroundTruthRequest { ranges, curve_points: POINTS, ..GroundTruthRequest::default() });
        let file = OnDisk::new("planted.etl", &planted.bytes);
        let [_, range, until @ ..] = planted.truth.ranges.as_slice() else { panic!("all ranges were asked for") };
        let curve = |value: fn(&poolscope_synth::ground_truth::OutstandingPoint) -> u64| -> Curves {
            range.curves.iter().map(|c| (c.tag.clone(), c.points.iter().map(value).collect())).collect()
        };
        let wanted =
            [("outstanding", curve(|p| p.size)), ("count", curve(|p| p.count)), ("cumulative", cumulative(until))];
        let compare = |(measure, mut wanted): (&str, Curves)| {
            wanted.retain(|_, values| values.iter().any(|v| *v > 0));
            let mut complaints =
                difference(&format!("{measure}, JSON"), &series_of_json(file.path(), measure), &wanted);
            // A small circular or buffered file holds only what came after the curve's end.
            if wanted.is_empty() && params.mode == FileMode::Sequential {
                complaints.push(format!("{measure}: no curves were planted"));
            }
            complaints.extend(difference(&format!("{measure}, CSV"), &series_of_csv(file.path(), measure), &wanted));
            complaints
        };
        wanted.into_iter().flat_map(compare).collect()
    });
}

/// Bytes allocated up to each point, by tag.
fn cumulative(until: &[RangeGroundTruth]) -> Curves {
    let mut curves = Curves::new();
    for (point, range) in until.iter().enumerate() {
        for row in range.rows.iter().filter(|row| row.kind.starts_with("AI")) {
            let values = curves.entry(row.tag.clone()).or_insert_with(|| vec![0; POINTS]);
            values[point] += row.totals.size;
        }
    }
    curves
}

fn series_arguments<'a>(path: &'a str, measure: &'a str, format: &'a str) -> Vec<&'a str> {
    let line = ["series", path, "--by", "tag", "--measure", measure, "--points", "8", "--range", "1..3"];
    line.into_iter().chain(["--format", format]).collect()
}

fn series_of_json(path: &str, measure: &str) -> Curves {
    let document = json(&series_arguments(path, measure, "json"));
    let values = rows(&document).iter().map(|row| (text(row, "tag"), row["time_s"].as_f64(), number(row, "value")));
    curves(values)
}

fn series_of_csv(path: &str, measure: &str) -> Curves {
    let listed = fields(&series_arguments(path, measure, "csv"));
    curves(
        listed
            .iter()
            .map(|row| (row["tag"].clone(), row["time_s"].parse().ok(), row["value"].parse().expect("a whole number"))),
    )
}

/// Values by tag, checked to stand at the right times; tags that have none but zeros do not count.
fn curves(values: impl Iterator<Item = (String, Option<f64>, u64)>) -> Curves {
    let mut curves = Curves::new();
    for (tag, time, value) in values {
        let points = curves.entry(tag).or_default();
        let wanted = CURVE.0 + points.len() as f64 * (CURVE.1 - CURVE.0) / (POINTS - 1) as f64;
        assert!((time.expect("a time is a number") - wanted).abs() < 1e-6, "{time:?} instead of {wanted}");
        points.push(value);
    }
    assert!(curves.values().all(|points| points.len() == POINTS), "{curves:?}");
    curves.retain(|_, points| points.iter().any(|v| *v > 0));
    curves
}
