//! Every JSON output against its schema. The schemas are tightened first: a field that is written and not described fails.

use poolscope_synth::writer::PartHeaders;
use poolscope_tests::parts::{Parts, split};
use poolscope_tests::pdbs::real;
use poolscope_tests::program::{json, run};
use poolscope_tests::synthetic::OnDisk;
use poolscope_tests::synthetic::bytes_of;
use poolscope_tests::variants::base;
use serde_json::{Value, json as value};

/// Forbids fields that are not described, in each object that describes its fields.
fn tighten(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("properties") {
                fields.entry("additionalProperties").or_insert_with(|| value!(false));
            }
            fields.values_mut().for_each(tighten);
        }
        Value::Array(values) => values.iter_mut().for_each(tighten),
        _ => {}
    }
}

/// Compares a document with the schema of an output.
pub fn assert_valid(output: &str, document: &Value) {
    let mut schema = json(&["schema", output]);
    tighten(&mut schema);
    let validator = jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{output}: {error}"));
    let errors: Vec<String> =
        validator.iter_errors(document).take(5).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{output}: {}", errors.join("\n"));
}

#[test]
fn outputs_about_a_trace_are_as_described() {
    let made_up = OnDisk::new("made-up.etl", &bytes_of(&base(3_000)));
    let real = ["etl/win10-kernel-images.etl", "etl"].iter().find_map(|path| real(path)).filter(|path| path.is_file());
    let mut traces = vec![vec!["--demo".to_owned()], vec![made_up.path().to_owned()]];
    let parts = Parts::new(&split(&base(3_000), 3, PartHeaders::Session));
    let package = format!("{}/a.poolscope", parts.folder());
    assert_eq!(run(&["package", made_up.path(), "--to", &package, "--note", "x"]).code, 0);
    traces.push(vec![package]);
    // One part is missing, so that files and issues have all of their fields.
    let [first, _, last] = parts.paths()[..] else { panic!("three parts") };
    traces.push(vec![first.to_owned(), last.to_owned()]);
    traces.extend(real.map(|path| vec![path.display().to_string()]));
    for trace in traces {
        let check = |output: &str, rest: &[&str]| {
            let trace = trace.iter().map(String::as_str);
            let line: Vec<&str> =
                std::iter::once(output).chain(trace).chain(rest.iter().copied()).chain(["--format", "json"]).collect();
            assert_valid(output, &json(&line));
        };
        check("info", &[]);
        check("leaks", &[]);
        check("leaks", &["--show-non-leaking"]);
        check("symbols", &["--offline"]);
        check("series", &["--by", "paged,tag", "--points", "20"]);
        check("series", &["--by", "stack", "--top", "2", "--points", "3"]);
        check("report", &[]);
        check("report", &["--by", "tag,size_class,process,address,alloc_time,free_stack", "--range", "1..2"]);
    }
}

#[test]
fn every_key_and_figure_of_a_report_is_described() {
    let schema = json(&["schema", "report"]);
    let row = &schema["$defs"]["GroupRow"];
    let fields = row["properties"].as_object().expect("fields");
    let keys = poolscope_analysis::group::key::Key::ALL.iter().map(|key| key.name().to_owned());
    let figures = poolscope_analysis::pivot::Metric::named().map(|metric| metric.name());
    let names: Vec<String> = keys.chain(figures).collect();
    let missing: Vec<&String> = names.iter().filter(|name| !fields.contains_key(*name)).collect();
    assert!(missing.is_empty() && fields.len() == names.len(), "{missing:?}");
}

#[test]
fn outputs_without_a_trace_are_as_described() {
    assert_valid("record", &json(&["record", "--tag", "Leak", "--format", "json"]));
    let header = " Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc\n\n";
    let snapshot = |allocs: u64| {
        format!(
            "{header} Leak Nonp {allocs} (   0)  100 (   0)  {} {} (     0)   4000\n",
            allocs - 100,
            (allocs - 100) * 4000
        )
    };
    let before = OnDisk::new("before.txt", snapshot(1000).as_bytes());
    let after = OnDisk::new("after.txt", snapshot(3000).as_bytes());
    assert_valid("poolmon", &json(&["poolmon", before.path(), "--format", "json"]));
    assert_valid("poolmon-comparison", &json(&["poolmon", before.path(), after.path(), "--format", "json"]));
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (trace, truth) = (path("x.etl"), path("truth.json"));
    let ran = run(&["synth", &trace, "--allocations", "500", "--truth", &truth]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let truth = std::fs::read(&truth).expect("the truth was written");
    assert_valid("synth-truth", &serde_json::from_slice(&truth).expect("JSON"));
}

#[test]
fn a_wrong_document_is_not_as_described() {
    let mut document = json(&["info", "--demo", "--format", "json"]);
    document["records"] = value!("many");
    let schema = json(&["schema", "info"]);
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    assert!(!validator.is_valid(&document));
}

/// Each command that offers JSON has a schema under its name, and `schema` without a name prints all of them.
#[test]
fn every_command_with_json_output_is_described() {
    let all = json(&["schema"]);
    let described = all.as_object().expect("an object");
    let definition = poolscope::cli::command();
    let mut seen = 0;
    for command in definition.get_subcommands() {
        let offers_json = command
            .get_arguments()
            .filter(|argument| argument.get_id() == "format")
            .any(|argument| argument.get_possible_values().iter().any(|format| format.get_name() == "json"));
        if offers_json {
            seen += 1;
            assert!(described.contains_key(command.get_name()), "{} has no schema", command.get_name());
        }
    }
    assert!(seen >= 7, "{seen} commands with JSON output");
    for (name, schema) in described {
        assert_eq!(&json(&["schema", name]), schema);
        jsonschema::meta::validate(schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(schema["title"], format!("poolscope {name}"));
    }
    assert_eq!(run(&["schema", "nothing"]).code, 2);
}
