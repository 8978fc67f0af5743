//! Comparisons against what was planted: the same load with one more leak, more of it, modules at other addresses, a driver under
//! another name; two ranges of one trace; figures per second and per allocation. Expected figures come from the generator's truth.

use poolscope_synth::ground_truth::{RangeGroundTruth, StackTotals};
use poolscope_synth::scenario::entities::{Entities, StackPath};
use poolscope_synth::scenario::{StackMode, draw_entities, write_entities};
use poolscope_synth::{GroundTruth, GroundTruthRequest, SynthParams};
use poolscope_tests::figures::{number, rows, text};
use poolscope_tests::program::{csv, json, output, run};
use poolscope_tests::synthetic::OnDisk;
use poolscope_tests::variants::base;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

/// The driver that the added leak is allocated by.
const DRIVER: &str = "myfault.sys";
/// The tag of the added leak.
const ADDED: &str = "Xtra";

fn params() -> SynthParams {
    SynthParams { stacks: StackMode::Inline, user_stack_share: 0.0, merged: true, ..base(3000) }
}

/// A trace on disk, its entities and its truth.
struct Planted {
    file: OnDisk,
    entities: Entities,
    truth: GroundTruth,
}

impl Planted {
    fn new(name: &str, params: &SynthParams, entities: Entities, ranges: &[(f64, f64)]) -> Self {
        let mut out = Cursor::new(Vec::new());
        let request = GroundTruthRequest { ranges: ranges.to_vec(), stacks: true, ..GroundTruthRequest::default() };
        let summary = write_entities(&mut out, params, entities.clone(), Some(&request)).expect("a trace is written");
        let truth = summary.truth.expect("it was asked for");
        Self { file: OnDisk::new(name, &out.into_inner()), entities, truth }
    }

    fn path(&self) -> &str {
        self.file.path()
    }

    fn whole(&self) -> &RangeGroundTruth {
        &self.truth.ranges[0]
    }

    /// A planted frame by module and offset.
    fn frame(&self, address: &str) -> String {
        let number = u64::from_str_radix(address.trim_start_matches("0x"), 16).expect("an address");
        let holds = |image: &&poolscope_synth::scenario::entities::ImageEntity| {
            image.process.is_none() && (image.base..image.base + image.size).contains(&number)
        };
        let image = self.entities.images.iter().find(holds);
        image.map_or_else(|| address.to_owned(), |image| format!("{}+{:#x}", image.file, number - image.base))
    }
}

/// The trace to compare with.
fn baseline() -> Planted {
    let params = params();
    Planted::new("baseline.etl", &params, draw_entities(&params).expect("valid parameters"), &[])
}

/// The same seed with one more leak of [`DRIVER`], half as many allocations again, and all modules at other addresses.
fn worse(change: impl FnOnce(&mut Entities)) -> Planted {
    let params = SynthParams { allocations: 4500, ..params() };
    let mut entities = draw_entities(&params).expect("valid parameters");
    let function = |entities: &Entities, file: &str, offset: u64| {
        entities.images.iter().find(|image| image.file == file).expect("a module of the generator").base + offset
    };
    // Innermost frame first.
    let nt = |offset| function(&entities, "ntoskrnl.exe", offset);
    let stack = vec![nt(0x1_2345), function(&entities, DRIVER, 0x1230), nt(0x2_3456)];
    entities.stacks.push(stack);
    let path = StackPath { kernel: entities.stacks.len() as u32 - 1, user: None };
    let leak = entities.tags.iter().find(|tag| &tag.tag == b"Leak").expect("a tag of the generator").clone();
    let tag = ADDED.as_bytes().try_into().expect("four characters");
    entities.tags.push(poolscope_synth::scenario::entities::TagEntity {
        tag,
        alloc_stacks: vec![path],
        free_stacks: vec![path],
        weight: leak.weight * 2.0,
        preexisting: false,
        ..leak
    });
    entities.relocate(3);
    change(&mut entities);
    Planted::new("comparison.etl", &params, entities, &[])
}

/// Count, size and impacting size.
type Figures = [i128; 3];

fn add(
    rows: &mut BTreeMap<Vec<String>, [Figures; 2]>,
    key: Vec<String>,
    side: usize,
    kind: &str,
    count: u64,
    size: u64,
) {
    let figures = &mut rows.entry(key).or_default()[side];
    let impacting = if kind == "AIFO" { size } else { 0 };
    for (sum, more) in figures.iter_mut().zip([count, size, impacting]) {
        *sum += i128::from(more);
    }
}

/// Planted figures of both sides by type, pool and tag.
fn planted_tags(sides: [&RangeGroundTruth; 2]) -> BTreeMap<Vec<String>, [Figures; 2]> {
    let mut found = BTreeMap::new();
    for (side, range) in sides.into_iter().enumerate() {
        for row in &range.rows {
            let key = vec![row.kind.to_owned(), row.paged.to_owned(), row.tag.clone()];
            add(&mut found, key, side, row.kind, row.totals.count, row.totals.size);
        }
    }
    found
}

fn integer(row: &Value, field: &str) -> i128 {
    row[field].as_i64().map_or_else(|| panic!("{field} is a whole number in {row}"), i128::from)
}

/// The figures of a row, which also has their exact differences.
fn figures(row: &Value) -> [Figures; 2] {
    let of = |side: &str| ["count", "size", "impacting_size"].map(|figure| integer(row, &format!("{side}_{figure}")));
    let (baseline, comparison, delta) = (of("baseline"), of("comparison"), of("delta"));
    for at in 0..3 {
        assert_eq!(delta[at], comparison[at] - baseline[at], "{row}");
    }
    [baseline, comparison]
}

fn key(row: &Value, fields: &[&str]) -> Vec<String> {
    let part = |field: &&str| match &row[*field] {
        Value::Array(frames) => {
            frames.iter().map(|frame| frame.as_str().expect("a frame")).collect::<Vec<_>>().join(";")
        }
        _ => text(row, field),
    };
    fields.iter().map(part).collect()
}

/// The rows of a document by their keys; no key occurs twice.
fn found(document: &Value, fields: &[&str]) -> BTreeMap<Vec<String>, [Figures; 2]> {
    let all: BTreeMap<_, _> = rows(document).iter().map(|row| (key(row, fields), figures(row))).collect();
    assert_eq!(all.len(), rows(document).len(), "a row occurs twice");
    all
}

fn diff(first: &str, second: &str, more: &[&str]) -> Value {
    json(&[&["diff", first, second, "--format", "json", "--no-symbols"], more].concat())
}

#[test]
fn differences_by_type_pool_and_tag_are_those_planted() {
    let (a, b) = (baseline(), worse(|_| {}));
    let document = diff(a.path(), b.path(), &["--by", "type,paged,tag"]);
    let wanted = planted_tags([a.whole(), b.whole()]);
    assert_eq!(found(&document, &["type", "paged", "tag"]), wanted);
    for row in rows(&document) {
        let [baseline, comparison] = figures(row);
        let change = match (baseline[0], comparison[0], comparison[2] - baseline[2]) {
            (0, _, _) => "new",
            (_, 0, _) => "gone",
            (_, _, delta) if delta > 0 => "grown",
            (_, _, delta) if delta < 0 => "shrunk",
            _ => "same",
        };
        assert_eq!(text(row, "change"), change, "{row}");
        let ratio = (baseline[2] > 0).then(|| comparison[2] as f64 / baseline[2] as f64);
        match (row["ratio"].as_f64(), ratio) {
            // The reader of JSON may be off by the last digit.
            (Some(found), Some(ratio)) => assert!((found - ratio).abs() <= 1e-12 * ratio, "{row}"),
            (found, ratio) => assert_eq!(found, ratio, "{row}"),
        }
    }
    let added = rows(&document).iter().filter(|row| row["tag"] == ADDED);
    assert!(added.clone().count() > 0 && added.clone().all(|row| row["change"] == "new"));
    let deltas: Vec<i128> = rows(&document).iter().map(|row| integer(row, "delta_impacting_size")).collect();
    assert!(deltas.is_sorted_by(|a, b| a >= b), "sorted by growth");
}

#[test]
fn stacks_match_over_other_load_addresses() {
    let (a, b) = (baseline(), worse(|_| {}));
    let images = a.entities.images.iter().zip(&b.entities.images);
    assert!(images.clone().all(|(old, new)| old.file == new.file && old.base != new.base), "every module was moved");
    let document = diff(a.path(), b.path(), &["--by", "type,tag,stack", "--frames", "symbol"]);
    let mut wanted = BTreeMap::new();
    for (side, planted) in [&a, &b].into_iter().enumerate() {
        for StackTotals { kind, tag, stack, totals } in &planted.whole().stacks {
            let frames: Vec<String> = stack.iter().map(|address| planted.frame(address)).collect();
            let key = vec![(*kind).to_owned(), tag.clone(), frames.join(";")];
            add(&mut wanted, key, side, kind, totals.count, totals.size);
        }
    }
    let found = found(&document, &["type", "tag", "stack"]);
    assert_eq!(found, wanted);
    let on_both = found.values().filter(|[baseline, comparison]| baseline[0] > 0 && comparison[0] > 0).count();
    assert!(on_both > 100, "{on_both} stacks match");
}

#[test]
fn sums_of_a_side_are_the_report_of_it() {
    let (a, b) = (baseline(), worse(|_| {}));
    for keys in ["type,paged,tag,stack", "driver,tag", "process", "size_class,cpu", "free_stack,impacting_type"] {
        let query = ["--where", "size:>64"];
        let document = diff(a.path(), b.path(), &[&["--by", keys, "--frames", "symbol"], &query[..]].concat());
        for (side, planted) in [("baseline", &a), ("comparison", &b)] {
            let report = ["report", planted.path(), "--by", keys, "--format", "json", "--no-symbols"];
            let report = json(&[&report[..], &query].concat());
            for figure in ["count", "size", "impacting_size"] {
                let field = format!("{side}_{figure}");
                assert_eq!(number(&document["total"], &field), number(&report["total"], figure), "{keys} {field}");
                let sum: u64 = rows(&document).iter().map(|row| number(row, &field)).sum();
                assert_eq!(sum, number(&report["total"], figure), "{keys} {field}");
            }
            let counted = rows(&document).iter().filter(|row| number(row, &format!("{side}_count")) > 0).count();
            assert_eq!(counted, rows(&report).len(), "{keys}");
        }
    }
}

#[test]
fn the_sentence_names_driver_amount_and_tag_of_what_got_worse() {
    let (a, b) = (baseline(), worse(|_| {}));
    let document = diff(a.path(), b.path(), &["--by", "paged,tag,driver"]);
    let planted = b.whole().rows.iter().filter(|row| row.tag == ADDED && row.kind == "AIFO");
    let bytes: u64 = planted.map(|row| row.totals.size).sum();
    let summary = text(&document, "summary");
    let amount = poolscope::format::bytes(bytes);
    let start = format!("{DRIVER} leaves {amount} more nonpaged pool outstanding under tag {ADDED}");
    assert!(summary.starts_with(&start), "{summary}, not {start}");
    assert!(summary.contains(&format!("nothing in the baseline, {amount} in the comparison")), "{summary}");
    let row =
        rows(&document).iter().find(|row| row["tag"] == ADDED && row["driver"] == DRIVER).expect("the added leak");
    assert_eq!((number(row, "comparison_impacting_size"), text(row, "change").as_str()), (bytes, "new"));
    let same = diff(a.path(), a.path(), &["--by", "tag"]);
    assert!(text(&same, "summary").starts_with("Nothing got worse"), "{}", same["summary"]);
    assert!(rows(&same).iter().all(|row| row["change"] == "same" && row["is_overweight"] == false));
    let back = diff(b.path(), a.path(), &["--by", "tag"]);
    let words = text(&back, "summary");
    assert!(words.starts_with("Nothing got worse. Largest improvement: ") && words.contains("less"), "{words}");
}

#[test]
fn a_renamed_driver_is_the_same_if_its_pdb_is() {
    let rename = |entities: &mut Entities, pdb: Option<&str>| {
        for image in entities.images.iter_mut().filter(|image| image.file == DRIVER) {
            image.path = image.path.replace(DRIVER, "renamed.sys");
            image.file = "renamed.sys".to_owned();
            image.pdb = pdb.map_or_else(|| image.pdb.clone(), str::to_owned);
            // Another build has another identity.
            image.age += 1;
            image.timestamp += 1000;
        }
    };
    let a = baseline();
    let same = worse(|entities| rename(entities, None));
    let document = diff(a.path(), same.path(), &["--by", "driver"]);
    let of = |document: &Value, driver: &str| {
        let row = rows(document).iter().find(|row| row["driver"] == driver);
        row.map(|row| [number(row, "baseline_count") > 0, number(row, "comparison_count") > 0])
    };
    assert_eq!((of(&document, DRIVER), of(&document, "renamed.sys")), (Some([true, true]), None));
    let renamed = &document["renamed_modules"][0];
    let names = ["baseline", "comparison", "pdb"].map(|field| text(renamed, field));
    assert_eq!(names, [DRIVER, "renamed.sys", "myfault.pdb"]);
    let other = worse(|entities| rename(entities, Some("another.pdb")));
    let document = diff(a.path(), other.path(), &["--by", "driver"]);
    assert_eq!(of(&document, DRIVER), Some([true, false]), "gone");
    assert_eq!(of(&document, "renamed.sys"), Some([false, true]), "new");
    assert_eq!(document["renamed_modules"].as_array().map(Vec::len), Some(0));
    let report = json(&["report", same.path(), "--by", "driver", "--format", "json", "--no-symbols"]);
    assert!(rows(&report).iter().any(|row| row["driver"] == "renamed.sys"), "a report of one trace renames nothing");
}

#[test]
fn two_ranges_of_one_trace_are_compared_as_planted() {
    let params = params();
    let ranges = [(0.5, 2.0), (2.5, 4.5)];
    let planted = Planted::new("one.etl", &params, draw_entities(&params).expect("valid parameters"), &ranges);
    let arguments =
        ["diff", planted.path(), "--range", "0.5..2", "--range-comparison", "2.5..4.5", "--by", "type,paged,tag"];
    let document = json(&[&arguments[..], &["--format", "json"]].concat());
    let wanted = planted_tags([&planted.truth.ranges[1], &planted.truth.ranges[2]]);
    assert_eq!(found(&document, &["type", "paged", "tag"]), wanted);
    let bounds = ["baseline", "comparison"].map(|side| {
        let range = &document[side]["range"];
        (range["from"].as_f64().expect("seconds"), range["to"].as_f64().expect("seconds"))
    });
    for (found, wanted) in bounds.into_iter().zip(ranges) {
        assert!((found.0 - wanted.0).abs() < 1e-6 && (found.1 - wanted.1).abs() < 1e-6, "{found:?} {wanted:?}");
    }
}

#[test]
fn figures_per_second_and_per_allocation_are_quotients_of_the_planted_ones() {
    let (a, b) = (baseline(), worse(|_| {}));
    let wanted = planted_tags([a.whole(), b.whole()]);
    let total = |side: usize| wanted.values().map(|figures| figures[side][1]).sum::<i128>() as f64;
    let count = |side: usize, tag: &str| -> f64 {
        wanted.iter().filter(|(key, _)| key[2].trim_end() == tag).map(|(_, figures)| figures[side][0]).sum::<i128>()
            as f64
    };
    let value = |document: &Value, field: &str| document["total"][field].as_f64().expect("a number");
    let by_tag = diff(a.path(), b.path(), &["--by", "tag", "--per", "File"]);
    assert_eq!(
        (text(&by_tag["per"], "unit"), text(&by_tag["per"], "tag")),
        ("allocation".to_owned(), "File".to_owned())
    );
    for (side, name) in ["baseline", "comparison"].into_iter().enumerate() {
        let quotient = total(side) / count(side, "File");
        assert!((value(&by_tag, &format!("{name}_size")) - quotient).abs() < 1e-9 * quotient, "{name}");
    }
    let per_second = diff(a.path(), b.path(), &["--by", "tag", "--per", "second"]);
    for (side, name) in ["baseline", "comparison"].into_iter().enumerate() {
        let analyzed = &per_second[name]["analyzed_range"];
        let seconds = analyzed["to"].as_f64().expect("seconds") - analyzed["from"].as_f64().expect("seconds");
        assert!((seconds - 5.0).abs() < 0.2, "{seconds}");
        let quotient = total(side) / seconds;
        assert!((value(&per_second, &format!("{name}_size")) - quotient).abs() < 1e-9 * quotient, "{name}");
    }
    let none = run(&["diff", a.path(), b.path(), "--per", "Nope"]);
    assert_eq!(none.code, 2);
    assert!(none.err.contains("the baseline has no allocation with tag 'Nope'"), "{}", none.err);
}

#[test]
fn rows_with_one_kind_of_change_can_be_shown_alone() {
    let (a, b) = (baseline(), worse(|_| {}));
    let all = diff(a.path(), b.path(), &["--by", "tag"]);
    for change in ["new", "grown", "shrunk", "gone", "same"] {
        let only = diff(a.path(), b.path(), &["--by", "tag", "--only", change]);
        let wanted: Vec<&Value> = rows(&all).iter().filter(|row| row["change"] == change).collect();
        assert_eq!(rows(&only).iter().collect::<Vec<_>>(), wanted, "{change}");
        assert_eq!(only["total"], all["total"], "the whole stays");
    }
}

#[test]
fn formats_say_the_same_and_threads_change_nothing() {
    let (a, b) = (baseline(), worse(|_| {}));
    let document = diff(a.path(), b.path(), &["--by", "type,tag,stack"]);
    let (header, lines) =
        csv(&["diff", a.path(), b.path(), "--by", "type,tag,stack", "--format", "csv", "--no-symbols"]);
    let contract = "type tag stack baseline_count baseline_size baseline_impacting_size comparison_count comparison_size \
                    comparison_impacting_size delta_count delta_size delta_impacting_size ratio overweight change is_overweight";
    assert_eq!(header, contract.split(' ').collect::<Vec<_>>());
    assert_eq!(lines.len(), rows(&document).len());
    for (line, row) in lines.iter().zip(rows(&document)) {
        for (field, cell) in header.iter().zip(line) {
            let wanted = match &row[field] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                Value::Array(_) => key(row, &[field.as_str()]).remove(0),
                other => other.to_string(),
            };
            match (cell.parse::<f64>(), wanted.parse::<f64>()) {
                // The reader of JSON may be off by the last digit.
                (Ok(found), Ok(wanted)) => assert!((found - wanted).abs() <= 1e-12 * wanted.abs(), "{field}"),
                _ => assert_eq!(*cell, wanted, "{field}"),
            }
        }
    }
    let summary = text(&document, "summary");
    for format in ["text", "markdown"] {
        let out = output(&["diff", a.path(), b.path(), "--by", "tag,driver", "--format", format, "--no-symbols"]);
        let out = String::from_utf8(out).expect("text").replace('\\', "");
        assert!(out.contains(&summary) && out.contains("comparison.etl, 0.000 s to"), "{format}: {out}");
        assert!(out.contains("new") && out.contains(ADDED), "{format}: {out}");
    }
    let with =
        |threads: &str| output(&["diff", a.path(), b.path(), "--format", "json", "--threads", threads, "--no-symbols"]);
    assert_eq!(with("1"), with("5"));
}

#[test]
fn the_html_report_is_one_file_with_the_rows() {
    let (a, b) = (baseline(), worse(|_| {}));
    let folder = tempfile::tempdir().expect("a scratch folder can be made");
    let path = folder.path().join("diff.html");
    let path = path.to_str().expect("an ordinary name");
    let arguments = ["diff", a.path(), b.path(), "--by", "tag,driver", "--html", path, "--no-symbols"];
    assert_eq!(run(&arguments).code, 0);
    let html = std::fs::read_to_string(path).expect("it was written");
    assert!(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>\n"));
    assert!(html.contains(&format!("{DRIVER} leaves ")) && html.contains(ADDED) && html.contains("comparison.etl"));
    assert!(!html.contains("<script") && !html.contains("http://"), "nothing is loaded");
    assert!(!html.contains(folder.path().to_str().expect("an ordinary name")), "no folder is named");
    let again = run(&arguments);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("exists"), "{}", again.err);
    assert_eq!(run(&[&arguments[..], &["--force"]].concat()).code, 0);
}

#[test]
fn conditions_decide_the_exit_code() {
    let (a, b) = (baseline(), worse(|_| {}));
    let code = |more: &[&str]| {
        let ran = run(&[&["diff", a.path(), b.path(), "--by", "tag", "--no-symbols"], more].concat());
        assert!(!ran.out.is_empty() || ran.code == 2, "{ran:?}");
        (ran.code, ran.err)
    };
    let bytes: u64 =
        b.whole().rows.iter().filter(|row| row.tag == ADDED && row.kind == "AIFO").map(|r| r.totals.size).sum();
    assert_eq!(code(&["--fail-if", "worse > 0 and new = 1"]).0, 3);
    assert_eq!(code(&["--fail-if", &format!("worst_delta_impacting_size >= {bytes}")]).0, 3);
    assert_eq!(code(&["--fail-if", &format!("worst_delta_impacting_size > {}", 2 * bytes)]).0, 0);
    let (is_true, words) = code(&["--fail-if", "delta_impacting_size > 1KB"]);
    assert!(
        is_true == 3 && words.contains("'delta_impacting_size > 1KB' is true: delta_impacting_size is +"),
        "{words}"
    );
    assert_eq!(code(&["--fail-if", "delta_growth > 1B/s"]).0, 3, "the growth is computed for it");
    assert_eq!(code(&["--per", "second", "--fail-if", "delta_impacting_size > 1GB/s"]).0, 0);
    let (wrong, words) = code(&["--fail-if", "delta_impacting_size > 1GB/s"]);
    assert!(wrong == 2 && words.contains("column 24"), "{words}");
    let same =
        run(&["diff", a.path(), a.path(), "--by", "tag", "--fail-if", "worse > 0", "--fail-if", "delta_count != 0"]);
    assert_eq!(same.code, 0, "{}", same.err);
}

#[test]
fn wrong_usage_says_what_is_right() {
    let a = baseline();
    let cases: [(&[&str], &str); 6] = [
        (&["diff"], "<BASELINE>"),
        (&["diff", "TRACE"], "--range-comparison"),
        (&["diff", "TRACE", "TRACE", "--columns", "peak_size"], "is not computed"),
        (&["diff", "TRACE", "TRACE", "--per", "minute"], "neither 'second' nor a pool tag"),
        (&["diff", "TRACE", "TRACE", "--only", "bigger"], "new, grown"),
        (&["diff", "TRACE", "TRACE", "--sort", "delta_sise"], "size"),
    ];
    for (command, word) in cases {
        let line: Vec<&str> = command.iter().map(|part| if *part == "TRACE" { a.path() } else { part }).collect();
        let ran = run(&line);
        assert_eq!((ran.code, ran.out.len()), (2, 0), "{command:?}: {ran:?}");
        assert!(ran.err.contains(word), "{command:?} does not say {word}: {}", ran.err);
    }
    let missing = run(&["diff", a.path(), "no-such-file.etl"]);
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("no-such-file.etl"), "{}", missing.err);
}

#[test]
fn the_pool_tag_module_is_the_driver_of_the_tag_list() {
    let a = baseline();
    let folder = tempfile::tempdir().expect("a scratch folder can be made");
    let list = folder.path().join("tags.txt");
    let planted = "rem a list\nLeak - first.sys - Leaks\nFi*  - family.sys\nIrp  - <unknown> - Requests\nSlow -\n";
    std::fs::write(&list, planted).expect("it can be written");
    let list = list.to_str().expect("an ordinary name");
    let by = ["--by", "pool_tag_module,tag", "--format", "json", "--no-symbols"];
    let with = json(&[&["report", a.path(), "--pooltag", list], &by[..]].concat());
    let modules: BTreeMap<String, String> =
        rows(&with).iter().map(|row| (text(row, "tag").trim_end().to_owned(), text(row, "pool_tag_module"))).collect();
    let of = |tag: &str| modules.get(tag).map(String::as_str);
    assert_eq!(
        [of("Leak"), of("File"), of("Irp"), of("Slow")],
        [Some("first.sys"), Some("family.sys"), Some("Unknown"), Some("Unknown")]
    );
    let without = json(&[&["report", a.path(), "--no-pooltag"], &by[..]].concat());
    assert!(rows(&without).iter().all(|row| row["pool_tag_module"] == "Unknown"));
    let filtered = ["--pooltag", list, "--where", "pool_tag_module:family.sys"];
    let filtered = json(&[&["report", a.path()], &filtered[..], &by].concat());
    let tags: BTreeSet<String> = rows(&filtered).iter().map(|row| text(row, "tag")).collect();
    assert_eq!(tags, BTreeSet::from(["File".to_owned()]));
}
