//! `leaks`: verdicts on the sample and on synthetic traces in every format, conditions of `--fail-if`, HTML report.

use poolscope_synth::SynthParams;
use poolscope_synth::scenario::StackMode;
use poolscope_tests::micro::Micro;
use poolscope_tests::program::{csv, json, output, run};
use poolscope_tests::synthetic::{OnDisk, bytes_of};
use poolscope_tests::variants::base;
use serde_json::Value;

fn leaking() -> OnDisk {
    OnDisk::new("leaking.etl", &bytes_of(&base(6_000)))
}

/// A trace in which nothing leaks.
fn clean() -> OnDisk {
    let mut params = SynthParams { duration_s: 60.0, ..base(20_000) };
    (params.tags.leaking, params.tags.slow_leaks) = (0, 0);
    OnDisk::new("clean.etl", &bytes_of(&params))
}

fn text_of(args: &[&str]) -> String {
    String::from_utf8(output(args)).expect("text is UTF-8")
}

#[test]
fn the_sample_names_the_driver_and_the_function_in_one_sentence() {
    let document = json(&["leaks", "--demo", "--format", "json"]);
    let summary = document["summary"].as_str().expect("a sentence");
    assert!(summary.starts_with("myfault.sys leaks "), "{summary}");
    assert!(summary.ends_with(" of nonpaged pool under tag Leak, from MyfaultDeviceControl"), "{summary}");
    let first = &document["rows"][0];
    let expected = ["Leak", "NonPaged", "myfault.sys", "myfault.sys!MyfaultDeviceControl", "leak"];
    assert_eq!(["tag", "paged", "driver", "function", "verdict"].map(|name| first[name].as_str()), expected.map(Some));
    assert_eq!((&first["rank"], &first["frees"]), (&Value::from(1), &Value::from(0)));
    let other = document["rows"].as_array().expect("rows").iter().skip(1).find(|row| row["verdict"] == "leak");
    assert_eq!(other, None, "only one tag of the sample leaks");
    for by in ["tag", "stack", "driver", "process"] {
        let text = text_of(&["leaks", "--demo", "--by", by]);
        let who = if by == "process" { "NotMyfault.exe (" } else { "myfault.sys leaks " };
        assert!(text.contains(who) && text.contains("myfault.sys!MyfaultDeviceControl+0x"), "{text}");
        assert!(text.contains(&format!(", by {by}\n")) && text.contains("Not leaking: "), "{text}");
    }
}

#[test]
fn without_stacks_it_says_how_to_record_them() {
    let params = SynthParams { stacks: StackMode::None, ..base(6_000) };
    let file = OnDisk::new("no-stacks.etl", &bytes_of(&params));
    let text = text_of(&["leaks", file.path()]);
    assert!(
        text.contains("no stack shows the allocating driver; to record stacks: poolscope record --tag Leak\n"),
        "{text}"
    );
    assert!(!text_of(&["leaks", "--demo"]).contains("poolscope record"));
}

#[test]
fn figures_are_those_of_the_report() {
    let file = leaking();
    let leaks = json(&["leaks", file.path(), "--format", "json"]);
    let report = json(&["report", file.path(), "--by", "tag,paged", "--where", "type:AIFO", "--format", "json"]);
    let by_tag = |document: &Value, tag: &Value, paged: &Value| {
        let rows = document["rows"].as_array().expect("rows").clone();
        rows.into_iter().find(|row| &row["tag"] == tag && &row["paged"] == paged)
    };
    let mut compared = 0;
    for row in leaks["rows"].as_array().expect("rows") {
        let Some(other) = by_tag(&report, &row["tag"], &row["paged"]) else {
            assert_eq!((&row["count"], &row["impacting_size"]), (&Value::from(0), &Value::from(0)), "{row}");
            continue;
        };
        assert_eq!((&row["count"], &row["impacting_size"]), (&other["count"], &other["impacting_size"]), "{row}");
        compared += 1;
    }
    assert_eq!(Some(compared), report["rows"].as_array().map(Vec::len));
    for row in leaks["rows"].as_array().expect("rows") {
        let share = row["confidence"].as_f64().expect("a share");
        assert!((0.0..=1.0).contains(&share), "{row}");
        let per_hour = row["growth_bytes_per_hour"].as_f64().zip(row["growth_bytes_per_s"].as_f64());
        assert!(per_hour.is_some_and(|(hour, second)| (hour - second * 3600.0).abs() <= hour.abs() * 1e-12), "{row}");
        assert!(row["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty()), "{row}");
    }
}

#[test]
fn documents_have_the_specified_fields_and_csv_has_the_same_values() {
    let file = leaking();
    let document = json(&["leaks", file.path(), "--by", "stack", "--format", "json"]);
    let fields: Vec<&str> = document.as_object().expect("an object").keys().map(String::as_str).collect();
    let expected = [
        "trace",
        "range",
        "recorded_range",
        "analyzed_range",
        "by",
        "warm_up_until",
        "row_count",
        "summary",
        "data_quality",
        "pools",
        "rows",
    ];
    assert_eq!(fields, expected);
    assert_eq!(document["by"], serde_json::json!(["tag", "paged", "stack"]));
    assert_eq!(document["pools"].as_array().map(Vec::len), Some(2));
    assert!(document["data_quality"]["factor"].is_f64() && document["data_quality"]["issues"].is_array());
    let names = "rank tag paged driver function verdict score confidence impacting_size count frees growth_bytes_per_s \
                 growth_bytes_per_hour seconds_to_exhaustion reasons stack";
    let names: Vec<&str> = names.split(' ').collect();
    let (header, lines) = csv(&["leaks", file.path(), "--by", "stack", "--format", "csv"]);
    assert_eq!(&header[..names.len()], &names[..]);
    let rows = document["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), lines.len());
    assert!(rows.iter().any(|row| row["stack"].as_array().is_some_and(|stack| stack.len() > 2)));
    for (row, line) in rows.iter().zip(&lines) {
        let row = row.as_object().expect("an object");
        assert!(row.keys().eq(&header), "{header:?}");
        for ((name, value), field) in row.iter().zip(line) {
            let same = match value {
                Value::Null => field.is_empty(),
                Value::Bool(is_so) => *field == is_so.to_string(),
                Value::String(text) => text == field,
                // An object of JSON is a sentence in CSV.
                Value::Object(fields) => !fields.is_empty() && !field.is_empty(),
                Value::Array(items) if items.iter().any(Value::is_object) => !field.is_empty(),
                Value::Array(items) => {
                    let text = |item: &Value| item.as_str().map_or_else(|| item.to_string(), str::to_owned);
                    let between = if name == "reasons" { " | " } else { ";" };
                    items.iter().map(text).collect::<Vec<_>>().join(between) == *field
                }
                number => field
                    .parse::<f64>()
                    .ok()
                    .zip(number.as_f64())
                    .is_some_and(|(a, b)| (a - b).abs() <= b.abs() * 1e-12),
            };
            assert!(same, "{value} is {field} in CSV");
        }
    }
    for row in rows {
        let ages = row["ages"].as_array().expect("a list");
        assert!(ages.len() == 8 && ages.iter().all(Value::is_u64), "{row}");
        assert_eq!(ages.iter().filter_map(Value::as_u64).sum::<u64>(), row["count"].as_u64().expect("a count"));
        for owner in row["owners"].as_array().expect("a list") {
            assert!(owner["driver"].is_string() && owner["source"].is_string(), "{owner}");
            assert!(owner["certainty"].is_f64() && owner["text"].is_string(), "{owner}");
        }
    }
    let top = json(&["leaks", file.path(), "--by", "stack", "--format", "json", "--top", "2"]);
    assert_eq!(top["rows"].as_array().map(Vec::as_slice), Some(&rows[..2]));
}

#[test]
fn markdown_has_a_table_and_a_stack_as_code() {
    let text = text_of(&["leaks", "--demo", "--format", "markdown"]);
    assert!(text.starts_with("**myfault.sys leaks "), "{text}");
    assert!(
        text.contains("\n| 1 | leak | ") && text.contains("| Leak | myfault.sys!MyfaultDeviceControl |\n"),
        "{text}"
    );
    assert!(text.contains("\n    myfault.sys!MyfaultDeviceControl+0x") && text.contains("### Data quality"), "{text}");
    assert!(text.contains("\n- owner: myfault.sys ("), "{text}");
}

#[test]
fn junit_has_a_test_for_each_condition_and_suspect() {
    let arguments =
        ["leaks", "--demo", "--format", "junit", "--fail-if", "nonpaged_growth > 1MB/min", "--fail-if", "leaks > 1000"];
    let ran = run(&arguments);
    assert_eq!(ran.code, 3, "{}", ran.err);
    let text = String::from_utf8(ran.out).expect("UTF-8");
    let suspects = json(&["leaks", "--demo", "--format", "json"]);
    let rows = suspects["rows"].as_array().expect("rows");
    let grows = |row: &&Value| matches!(row["verdict"].as_str(), Some("leak" | "growing"));
    let failures = rows.iter().filter(grows).count();
    assert_eq!(text.matches("<testcase ").count(), rows.len() + 2);
    assert_eq!(text.matches("<failure ").count(), failures + 1);
    assert!(text.contains(&format!("tests=\"{}\" failures=\"{}\"", rows.len() + 2, failures + 1)), "{text}");
    assert!(text.contains(
        "name=\"nonpaged_growth &gt; 1MB/min\">\n      <failure type=\"condition\" message=\"nonpaged_growth is "
    ));
    assert!(text.contains("<testcase classname=\"poolscope.fail-if\" name=\"leaks &gt; 1000\"/>"));
    assert!(
        text.contains(
            "classname=\"poolscope.tag.nonpaged\" name=\"Leak myfault.sys myfault.sys!MyfaultDeviceControl\""
        ),
        "{text}"
    );
    assert!(text.contains("\n  myfault.sys!MyfaultDeviceControl+0x"), "the stack is part of the failure");
    let worst = text_of(&["leaks", "--demo", "--format", "junit", "--top", "1"]);
    assert_eq!(worst.matches("<testcase ").count(), 1);
}

#[test]
fn a_true_condition_is_code_3_with_its_figures() {
    let held = run(&["leaks", "--demo", "--fail-if", "nonpaged_growth > 1MB/min"]);
    assert_eq!(held.code, 3, "{}", held.err);
    assert!(
        held.err.starts_with("poolscope: 'nonpaged_growth > 1MB/min' is true: nonpaged_growth is "),
        "{}",
        held.err
    );
    assert!(!held.out.is_empty(), "the result is printed nevertheless");
    let not = run(&["leaks", "--demo", "--fail-if", "nonpaged_growth > 1GB/s", "--fail-if", "leaks > 1000"]);
    assert_eq!((not.code, not.err.as_str()), (0, ""));
    let second = run(&["leaks", "--demo", "--fail-if", "leaks > 1000", "--fail-if", "leaks = 1 and confidence > 50%"]);
    assert_eq!((second.code, second.err.lines().count()), (3, 1), "{}", second.err);
}

#[test]
fn a_warm_up_that_leaves_nothing_is_wrong_usage() {
    let ran = run(&["leaks", "--demo", "--warm-up", "90", "--fail-if", "leaks > 0"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("a warm-up of 90 s leaves nothing to analyze"), "{}", ran.err);
}

#[test]
fn wrong_usage_is_code_2_before_the_trace_is_read() {
    let cases: [(&[&str], &str); 13] = [
        (&["--fail-if", "leeks > 1"], "there is no figure 'leeks'"),
        (&["--fail-if", "nonpaged_growth > 1MB"], "a rate such as 1MB/min"),
        (&["--fail-if", "(leaks > 1"], "this '(' is not closed"),
        (&["--fail-if", "confidence > 80"], "a share such as 80% or 0.8, not with '80'"),
        (&["--warm-up", "soon"], "not a time such as 10 or 10s"),
        (&["--by", "thread"], "driver"),
        (&["--where", "tag:Leak"], "does not support --where"),
        (&["--warm-up", "none"], "--no-warm-up analyzes the whole range"),
        (&["--no-warm-up", "--warm-up", "5"], "cannot be used with"),
        (&["--symbols", "none"], "--no-symbols resolves no function names"),
        (&["--pooltag", "none"], "--no-pooltag uses none"),
        (&["--all"], "unexpected argument '--all'"),
        (&["--look-through", "rules.txt"], "unexpected argument '--look-through'"),
    ];
    for (options, words) in cases {
        let ran = run(&[&["leaks", "no such file.etl"], options].concat());
        assert_eq!((ran.code, ran.out.len()), (2, 0), "{options:?}: {}", ran.err);
        assert!(ran.err.contains(words), "{options:?}: {}", ran.err);
    }
}

#[test]
fn a_trace_without_leaks_says_so() {
    let file = clean();
    let document = json(&["leaks", file.path(), "--format", "json"]);
    let summary = document["summary"].as_str().expect("a sentence");
    assert!(summary.starts_with("Nothing leaks"), "{summary}");
    let ran = run(&["leaks", file.path(), "--fail-if", "leaks > 0 or growing > 0"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
fn a_trace_without_pool_events_has_nothing_to_judge() {
    let file = OnDisk::new("quiet.etl", &Micro::default().bytes(1_000));
    let ran = run(&["leaks", file.path()]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(String::from_utf8_lossy(&ran.out).contains("Nothing to analyze: no pool allocation"), "{ran:?}");
    assert!(ran.err.contains("wpr -start Pool"), "{}", ran.err);
    let folder = tempfile::tempdir().expect("a scratch folder can be made");
    let html = folder.path().join("quiet.html");
    let html = html.to_str().expect("an ordinary name");
    let document = json(&["leaks", file.path(), "--format", "json", "--html", html, "--fail-if", "suspects > 0"]);
    assert_eq!(document["rows"], serde_json::json!([]));
    assert!(std::fs::read_to_string(html).expect("the report is there").contains("Nothing to analyze"));
}

#[test]
fn damage_is_a_warning_besides_the_verdict() {
    let mut bytes = bytes_of(&base(6_000));
    bytes.truncate(bytes.len() * 2 / 3 + 100);
    let file = OnDisk::new("torn.etl", &bytes);
    let ran = run(&["leaks", file.path()]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("poolscope: warning: torn_tail"), "{}", ran.err);
    let document = json(&["leaks", file.path(), "--format", "json"]);
    assert!(document["rows"].as_array().is_some_and(|rows| !rows.is_empty()));
}

#[test]
fn the_warm_up_can_be_set() {
    let warm_up_end = |more: &[&str]| {
        let line = [&["leaks", "--demo", "--format", "json", "--range", "10..50"], more].concat();
        json(&line)["warm_up_until"].as_f64().expect("seconds")
    };
    let near = |is: f64, wanted: f64| assert!((is - wanted).abs() < 1e-6, "{is} is not {wanted}");
    near(warm_up_end(&[]), 14.0);
    near(warm_up_end(&["--no-warm-up"]), 10.0);
    near(warm_up_end(&["--warm-up", "2.5"]), 12.5);
    near(warm_up_end(&["--marks", "20"]), 20.0);
    near(warm_up_end(&["--marks", "20", "--no-warm-up"]), 10.0);
}

#[test]
fn outputs_do_not_depend_on_the_number_of_threads() {
    let file = leaking();
    let folder = tempfile::tempdir().expect("a scratch folder can be made");
    for format in ["text", "json", "csv", "markdown"] {
        let with = |threads: &str| {
            let html = folder.path().join(threads);
            let path = html.to_str().expect("an ordinary name");
            let line = [
                "leaks",
                file.path(),
                "--format",
                format,
                "--show-non-leaking",
                "--threads",
                threads,
                "--html",
                path,
                "--force",
            ];
            let ran = run(&line);
            assert_eq!(ran.code, 0, "{}", ran.err);
            (ran.out, std::fs::read(&html).expect("the report is there"))
        };
        assert!(with("1") == with("7"), "{format}");
    }
}

/// The names of all elements that are opened and not closed, as a stack; panics where they do not match.
fn balanced(html: &str) {
    const VOID: [&str; 3] = ["meta", "br", "!DOCTYPE"];
    let mut open: Vec<&str> = Vec::new();
    for part in html.split('<').skip(1) {
        let (tag, _) = part.split_once('>').expect("every '<' begins an element");
        let name = tag.split_whitespace().next().expect("an element has a name");
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "before {}", &part[..part.len().min(60)]),
            None if tag.ends_with('/') || VOID.contains(&name) => {}
            None => open.push(name),
        }
    }
    assert_eq!(open, Vec::<&str>::new());
}

#[test]
fn the_report_for_mail_stands_alone() {
    let folder = tempfile::tempdir().expect("a scratch folder can be made");
    let at = folder.path().join("report.html");
    let path = at.to_str().expect("an ordinary name");
    let ran = run(&["leaks", "--demo", "--html", path]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let html = std::fs::read_to_string(&at).expect("the report is there");
    balanced(&html);
    for words in [
        "<h1>myfault.sys leaks ",
        "<polyline class=\"line c0\"",
        "<li>myfault.sys!MyfaultDeviceControl+0x",
        "Data quality",
        "prefers-color-scheme: dark",
        "<li>owner: myfault.sys (",
        "<code>poolscope leaks --demo</code>",
    ] {
        assert!(html.contains(words), "the report lacks {words}");
    }
    let foreign = ["http:", "https:", "<script", "<img", "<link", "url(", "@import"];
    let found: Vec<&&str> = foreign.iter().filter(|word| html.contains(**word)).collect();
    assert_eq!(found, Vec::<&&str>::new(), "the report needs something from outside");
    let refused = run(&["leaks", "--demo", "--html", folder.path().to_str().expect("an ordinary name")]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("cannot write"), "{}", refused.err);
}

/// A report for mail on the trace, with these options; and what else was written.
fn mailed(trace: &str, options: &[&str]) -> (String, String) {
    let folder = tempfile::tempdir().expect("a scratch folder can be made");
    let at = folder.path().join("report.html");
    let path = at.to_str().expect("an ordinary name");
    let ran = run(&[&["leaks", trace, "--html", path], options].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let html = std::fs::read_to_string(&at).expect("the report is there");
    balanced(&html);
    (html, String::from_utf8(ran.out).expect("text is UTF-8"))
}

#[test]
fn hidden_suspects_are_counted_in_every_report() {
    let one = "1 more suspect leaks, grows or grew in one step; --top shows it.";
    for format in ["text", "markdown"] {
        let (html, text) = mailed("--demo", &["--top", "0", "--format", format]);
        assert!(text.contains(one), "{text}");
        assert!(html.contains("<h1>myfault.sys leaks ") && html.contains(&format!("<p>{one}</p>")), "{html}");
        assert!(!html.contains("<p>None.</p>"), "something leaks");
    }
    let cases: [&[&str]; 3] = [&[], &["--show-non-leaking"], &["--show-non-leaking", "--top", "1"]];
    for options in cases {
        let (html, text) = mailed("--demo", options);
        assert!(!html.contains("more suspect") && !text.contains("more suspect"), "{options:?}: {text}");
    }
    let file = clean();
    let (html, _) = mailed(file.path(), &[]);
    assert!(html.contains("<p>None.</p>"), "{html}");
}

#[test]
fn the_command_in_the_report_can_be_run_again() {
    let file = OnDisk::new("a&b's trace.etl", &bytes_of(&base(6_000)));
    let (html, _) = mailed(file.path(), &["--by", "stack", "--top", "4"]);
    let command = "<code>poolscope leaks &quot;a&amp;b&#39;s trace.etl&quot; --by stack --top 4</code>";
    assert!(html.contains(command), "{html}");
}

#[test]
fn a_report_for_mail_tells_neither_folders_nor_machines_unless_asked() {
    let file = OnDisk::new("case.etl", &bytes_of(&base(6_000)));
    let info = json(&["info", "--demo", "--format", "json"]);
    let machine = info["computer"].as_str().map(str::to_owned);
    let folder = std::path::Path::new(file.path()).parent().and_then(std::path::Path::to_str).expect("a folder");
    let (html, _) = mailed(file.path(), &[]);
    assert!(html.contains("Kernel pool leaks in case.etl<") && !html.contains(folder), "{html}");
    let (html, _) = mailed(file.path(), &["--identify"]);
    assert!(html.contains(folder), "{html}");
    let of_demo = |options: &[&str]| mailed("--demo", options).0;
    assert!(!of_demo(&[]).contains("<dt>Computer</dt>"));
    if let Some(machine) = machine {
        assert!(of_demo(&["--identify"]).contains(&machine) && !of_demo(&[]).contains(&machine));
    }
}

#[test]
fn a_report_is_never_written_over_unless_asked() {
    let folder = tempfile::tempdir().expect("a scratch folder can be made");
    let at = folder.path().join("report.html");
    let path = at.to_str().expect("an ordinary name");
    std::fs::write(&at, "the one for the customer").expect("a file");
    let refused = run(&["leaks", "--demo", "--html", path]);
    assert_eq!((refused.code, refused.out.len()), (1, 0), "before any work is done");
    assert!(refused.err.contains(path) && refused.err.contains("--force"), "{}", refused.err);
    assert_eq!(std::fs::read_to_string(&at).expect("it is there"), "the one for the customer");
    let written = run(&["leaks", "--demo", "--html", path, "--force"]);
    assert_eq!(written.code, 0, "{}", written.err);
    assert!(std::fs::read_to_string(&at).expect("it is there").contains("<h1>myfault.sys leaks "));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing else is left");
}
