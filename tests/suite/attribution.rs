//! Attribution of leaks in the program's output: processes, objects kept by handles, tags that grow in lockstep, responsible
//! drivers. Expected values come from the ground truth of synthetic traces and from the cases beside the repository.

use poolscope_synth::{GroundTruthRequest, SynthParams};
use poolscope_tests::program::{json, output};
use poolscope_tests::synthetic::{OnDisk, Planted, bytes_of, plant};
use poolscope_tests::variants::base;
use rayon::prelude::*;
use serde_json::Value;
use std::path::PathBuf;

fn rows(document: &Value) -> &Vec<Value> {
    document["rows"].as_array().expect("rows")
}

fn of_tag<'d>(document: &'d Value, tag: &str, paged: &str) -> &'d Value {
    let row = rows(document).iter().find(|row| row["tag"] == tag && row["paged"] == paged);
    row.unwrap_or_else(|| panic!("no {tag} in {paged}"))
}

fn text_of(args: &[&str]) -> String {
    String::from_utf8(output(args)).expect("text is UTF-8")
}

/// A minute in which 200 processes come and go, and the handles to three of four of them stay open.
fn handles(seed: u64) -> Planted {
    let params = SynthParams { seed, handle_leak: 200, duration_s: 60.0, ..base(20_000) };
    plant(&params, &GroundTruthRequest::default())
}

#[test]
fn zombie_processes_are_counted_with_their_parent_and_the_way_to_the_handles() {
    let planted = handles(3);
    let truth = planted.truth.handles.expect("handles were planted");
    assert!(truth.outstanding >= 100 && truth.closed >= 20, "{truth:?}");
    let file = OnDisk::new("handles.etl", &planted.bytes);
    let document = json(&["leaks", file.path(), "--format", "json"]);
    let process = of_tag(&document, "Proc", "NonPaged");
    assert!(["leak", "growing"].contains(&process["verdict"].as_str().expect("a verdict")), "{process}");
    let object = &process["object"];
    assert_eq!(
        (&object["type"], &object["zombies"]),
        (&Value::from("Process"), &Value::from(truth.outstanding)),
        "{object}"
    );
    assert_eq!(object["zombie_names"][0]["name"], truth.image.as_str());
    // The parent made the process objects and still runs; the children made their tokens and have ended.
    let first = &process["processes"][0];
    assert_eq!((&first["pid"], &first["running"]), (&Value::from(truth.parent_pid), &Value::from(true)), "{first}");
    assert_eq!((&object["by_ended_count"], &first["count"]), (&Value::from(0), &process["count"]));
    let token = of_tag(&document, "Toke", "Paged");
    assert_eq!(
        (&token["object"]["type"], &token["object"]["by_ended_count"]),
        (&Value::from("Token"), &token["count"])
    );
    assert_eq!(token["count"], Value::from(truth.outstanding));
    let shares = token["processes"].as_array().expect("processes");
    assert!(
        shares.len() as u64 == truth.outstanding && shares.iter().all(|share| share["running"] == false),
        "{token}"
    );
    // No driver is on the stacks, so that none is named; what to record next is.
    assert_eq!(process["responsible_driver"], Value::Null);
    let text = text_of(&["leaks", file.path(), "--show-non-leaking"]);
    let words =
        format!("{0} of {0} process objects belong to processes that have exited (zombie processes", truth.outstanding);
    assert!(text.contains(&words), "{text}");
    assert!(text.contains("run wpr -start Handle, wait while the pool grows, run wpr -stop handles.etl"), "{text}");
    assert!(!text.contains(") belong to processes that have exited"), "{text}");
    // Parts of one thing: three tags of both pools move together, threads twice as often.
    let tags = |row: &Value| {
        let tags = row["lockstep"].as_array().cloned().unwrap_or_default();
        let mut tags: Vec<(String, u64)> =
            tags.iter().map(|t| (t["tag"].as_str().unwrap().to_owned(), t["parts"].as_u64().unwrap())).collect();
        tags.sort();
        tags
    };
    let expected = [("Proc".to_owned(), 1), ("Thre".to_owned(), 2), ("Toke".to_owned(), 1)];
    assert_eq!(tags(process), expected, "{process}");
    assert_eq!(tags(token), expected);
}

#[test]
fn processes_of_every_row_add_up_to_what_is_outstanding() {
    let files = [handles(4).bytes, bytes_of(&SynthParams { loss_share: 0.02, ..base(8_000) })];
    for bytes in files {
        let file = OnDisk::new("any.etl", &bytes);
        for by in ["tag", "stack", "driver", "process"] {
            let document = json(&["leaks", file.path(), "--by", by, "--format", "json"]);
            assert_eq!(document["by"][0], if by == "stack" { "tag" } else { by });
            for row in rows(&document) {
                let shares = row["processes"].as_array().expect("a list");
                let sum = |name: &str| shares.iter().filter_map(|share| share[name].as_u64()).sum::<u64>();
                assert_eq!(Some(sum("impacting_size")), row["impacting_size"].as_u64(), "{row}");
                assert_eq!(Some(sum("count")), row["count"].as_u64());
                let sizes: Vec<u64> = shares.iter().filter_map(|share| share["impacting_size"].as_u64()).collect();
                assert!(sizes.is_sorted_by(|a, b| a >= b), "{row}");
                for share in shares.iter().filter(|share| share["pid"].is_null()) {
                    assert_eq!((&share["name"], &share["running"]), (&"(unknown allocator)".into(), &Value::Null));
                }
            }
        }
    }
}

#[test]
fn by_process_rows_are_those_of_the_report() {
    let file = OnDisk::new("handles.etl", &handles(5).bytes);
    let leaks = json(&["leaks", file.path(), "--by", "process", "--format", "json"]);
    let report = json(&["report", file.path(), "--by", "process,paged", "--where", "type:AIFO", "--format", "json"]);
    let mut compared = 0;
    for row in rows(&leaks).iter().filter(|row| row["count"] != 0) {
        let same = |other: &&Value| other["process"] == row["process"] && other["paged"] == row["paged"];
        let other = rows(&report).iter().find(same).unwrap_or_else(|| panic!("no such row in the report: {row}"));
        assert_eq!((&row["count"], &row["impacting_size"]), (&other["count"], &other["impacting_size"]), "{row}");
        compared += 1;
    }
    assert_eq!(compared, rows(&report).len());
    let text = text_of(&["leaks", file.path(), "--by", "process"]);
    assert!(text.contains(", by process\n"), "{text}");
}

#[test]
fn tags_that_are_parts_of_one_object_stand_together_with_the_holder_first() {
    let params = SynthParams { seed: 8, lockstep_tags: 5, duration_s: 60.0, ..base(40_000) };
    let planted = plant(&params, &GroundTruthRequest::default());
    let truth = &planted.truth.lockstep;
    assert!(truth.len() == 5 && truth[0].outstanding > 200, "{truth:?}");
    let file = OnDisk::new("lockstep.etl", &planted.bytes);
    let document = json(&["leaks", file.path(), "--format", "json"]);
    let place = |tag: &str| rows(&document).iter().position(|row| row["tag"] == tag).expect("the tag is listed");
    let holder = place(&truth[0].tag);
    for (at, of) in truth.iter().enumerate() {
        let row = of_tag(&document, &of.tag, if of.paged { "Paged" } else { "NonPaged" });
        let members = row["lockstep"].as_array().unwrap_or_else(|| panic!("{} is alone: {row}", of.tag));
        let mut found: Vec<(&str, u64, bool)> = members
            .iter()
            .map(|m| (m["tag"].as_str().unwrap(), m["parts"].as_u64().unwrap(), m["never_freed"].as_bool().unwrap()))
            .collect();
        assert_eq!(found[0], (truth[0].tag.as_str(), 1, true));
        found.sort_unstable();
        let mut planted: Vec<(&str, u64, bool)> =
            truth.iter().map(|t| (t.tag.as_str(), t.parts, t.transient == 0)).collect();
        planted.sort_unstable();
        assert_eq!(found, planted);
        assert!(place(&of.tag) - holder < 5 && (at == 0 || place(&of.tag) > holder), "{} is elsewhere", of.tag);
    }
    let text = text_of(&["leaks", file.path(), "--show-non-leaking"]);
    assert!(text.contains("grows in lockstep with 4 tags ("), "{text}");
    assert!(text.contains("probably parts of one object; it is never freed and probably holds the others"), "{text}");
}

#[test]
fn ordinary_traces_have_no_groups_and_nothing_left_behind() {
    let complaints = |name: &str, document: &Value| {
        let found = rows(document).iter().filter(|row| {
            let reasons = row["reasons"].to_string();
            !row["lockstep"].is_null() || reasons.contains("in lockstep") || reasons.contains("have exited")
        });
        found.map(|row| format!("{name}: {} {}", row["tag"], row["reasons"])).collect::<Vec<_>>()
    };
    let mut all = complaints("sample", &json(&["leaks", "--demo", "--format", "json"]));
    let seeds = (1_u64..=50).into_par_iter().flat_map_iter(|seed| {
        let params = SynthParams { seed, allocations: 20_000, ..SynthParams::default() };
        let file = OnDisk::new("default.etl", &bytes_of(&params));
        complaints(&format!("seed {seed}"), &json(&["leaks", file.path(), "--format", "json"]))
    });
    all.extend(seeds.collect::<Vec<_>>());
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn one_certainty_is_a_figure_and_the_others_are_words_or_explain_themselves() {
    let text = text_of(&["leaks", "--demo"]);
    assert!(text.contains("owner: myfault.sys (very likely): on the stacks of 100 %"), "{text}");
    assert!(text.contains("     processes: NotMyfault.exe ("), "{text}");
    let document = json(&["leaks", "--demo", "--format", "json"]);
    let first = &rows(&document)[0];
    assert_eq!((&first["responsible_driver"], &first["drivers"][0]["share"]), (&"myfault.sys".into(), &1.0.into()));
    assert!(first["owners"][0]["certainty"].as_f64().is_some_and(|sure| sure > 0.8), "{first}");
    for field in ["score_explained", "confidence_explained"] {
        assert!(first[field].as_str().is_some_and(|words| words.len() > 30), "{first}");
    }
}

/// A file of the cases beside the repository; reports a skipped test if it is missing.
fn case(name: &str) -> Option<String> {
    let path: PathBuf = poolscope_tests::root().join("../shared/cases").join(name);
    if path.exists() {
        return Some(path.to_str().expect("an ordinary name").to_owned());
    }
    poolscope_tests::skipped(&format!("{} is missing", path.display()));
    None
}

#[test]
fn poolmon_says_which_tags_move_together_and_which_never_free() {
    let Some((before, after)) = case("lockstep-tags/before.txt").zip(case("lockstep-tags/after.txt")) else { return };
    let document = json(&["poolmon", &before, &after, "--format", "json"]);
    let groups = document["lockstep"].as_array().expect("groups");
    assert_eq!(groups.len(), 1, "{groups:?}");
    let tags = groups[0]["tags"].as_array().expect("tags");
    let mut names: Vec<&str> = tags.iter().map(|tag| tag["tag"].as_str().expect("a tag")).collect();
    assert_eq!(&names[..2], ["WCfc", "WCsc"], "what never frees comes first");
    names.sort_unstable();
    assert_eq!(names, ["FMfc", "FMwi", "FOCX", "File", "IoFE", "IoNm", "NtFC", "WCfc", "WCsc"]);
    let never: Vec<&str> = tags.iter().filter(|t| t["never_freed"] == true).filter_map(|t| t["tag"].as_str()).collect();
    assert_eq!(never, ["WCfc", "WCsc"]);
    let twice: Vec<&str> = tags.iter().filter(|t| t["parts"] == 2).filter_map(|t| t["tag"].as_str()).collect();
    assert_eq!(twice, ["IoFE"]);
    let advice: Vec<&str> =
        document["record"]["tags"].as_array().expect("tags").iter().filter_map(Value::as_str).collect();
    assert_eq!(&advice[..2], ["WCfc", "WCsc"], "{advice:?}");
    let text = text_of(&["poolmon", &before, &after]);
    assert!(
        text.contains("probably parts of one object; WCfc, WCsc are never freed and probably hold the others; contexts of the container isolation filter"),
        "{text}"
    );
    assert!(text.contains("poolscope record --tag WCfc --tag WCsc "), "{text}");
    let recorded = text_of(&["record", "--from-poolmon", &before, "--and", &after, "--apart", "118h"]);
    assert!(
        recorded.contains(
            "WCfc, WCsc are never freed and probably hold the others; contexts of the container isolation filter"
        ),
        "{recorded}"
    );
    let at = |tag: &str| recorded.find(&format!("\"{tag}\"")).unwrap_or(usize::MAX);
    assert!(at("WCsc") < at("NtFC") && at("WCfc") < at("NtFC"), "{recorded}");
    assert!(!recorded.contains("ntfs.sys"), "{recorded}");
}

#[test]
fn events_that_nobody_reads_are_named_in_one_listing() {
    let Some(listing) = case("etwr-etwd/poolmon.txt") else { return };
    let text = text_of(&["poolmon", &listing]);
    assert!(text.contains("have equal numbers of blocks") && text.contains("probably parts of one object"), "{text}");
    assert!(text.contains("a trace session that has no consumer; `logman query -ets`"), "{text}");
}
