//! Files of `export`: sums equal those of `report`, other programs read them, nothing is written over unasked, and a canceled or
//! failed export leaves nothing.

use poolscope_tests::figures::{number, rows, sums, text};
use poolscope_tests::micro::{Micro, block};
use poolscope_tests::program::{csv, json, run};
use poolscope_tests::synthetic::{OnDisk, bytes_of};
use poolscope_tests::variants::base;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A synthetic trace, and a folder for exports.
struct Room {
    trace: OnDisk,
    folder: tempfile::TempDir,
}

impl Room {
    fn new() -> Self {
        Self {
            trace: OnDisk::new("sample.etl", &bytes_of(&base(2_000))),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Exports to a file of this name; its bytes.
    fn export(&self, name: &str, options: &[&str]) -> Vec<u8> {
        let path = self.at(name);
        let to = path.to_str().expect("an ordinary name");
        let ran = run(&[&["export", self.trace.path(), "--to", to], options].concat());
        assert_eq!((ran.code, ran.out.len()), (0, 0), "{name}: {}", ran.err);
        assert!(ran.err.contains(" written to "), "{}", ran.err);
        std::fs::read(path).expect("the file")
    }

    fn text(&self, name: &str, options: &[&str]) -> String {
        String::from_utf8(self.export(name, options)).expect("UTF-8")
    }

    fn report(&self, options: &[&str]) -> Value {
        json(&[&["report", self.trace.path(), "--format", "json"], options].concat())
    }
}

/// Output of a program that gets a text; `None`, said on standard error, if the program is missing.
fn through(program: &str, arguments: &[&str], input: &[u8]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        poolscope_tests::skipped(&format!("no {program}"));
        return None;
    };
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("UTF-8"))
}

const SELECTION: [&str; 4] = ["--range", "0.5..20", "--where", "size:>64"];

#[test]
fn tables_have_the_rows_of_the_report() {
    let room = Room::new();
    for keys in ["type,paged,tag,stack", "tag", "process,driver"] {
        let options = [&["--by", keys], SELECTION.as_slice(), &["--force"]].concat();
        let report = room.report(&options[..6]);
        let exported: Value = serde_json::from_slice(&room.export("t.json", &options)).expect("JSON");
        assert_eq!((&exported["rows"], &exported["total"]), (&report["rows"], &report["total"]), "{keys}");
        let table = room.text("t.csv", &options);
        let parsed = through("python3", &["-c", READ_CSV], table.as_bytes());
        let Some(parsed) = parsed else { continue };
        let records: Value = serde_json::from_str(&parsed).expect("JSON");
        let records = records.as_array().expect("records");
        assert_eq!(records.len(), rows(&report).len());
        let total =
            |field: &str| -> u64 { records.iter().map(|row| text(row, field).parse::<u64>().expect("a number")).sum() };
        for field in ["count", "size", "impacting_size"] {
            assert_eq!(total(field), number(&report["total"], field), "{keys}: {field}");
        }
    }
}

/// Prints the records of a CSV file as JSON.
const READ_CSV: &str = "import csv,io,json,sys\n\
    text = sys.stdin.buffer.read().decode('utf-8-sig')\n\
    print(json.dumps(list(csv.DictReader(io.StringIO(text, newline='')))))";

/// Tags that spreadsheets would run as formulas, and one that is not ASCII in the stack of a driver.
#[test]
fn a_table_is_safe_in_a_spreadsheet() {
    let mut micro = Micro::default();
    for (at, tag) in [*b"=1+1", *b"+cmd", *b"-2-2", *b"@sum", *b"a\"b,", *b"Leak"].into_iter().enumerate() {
        let at = at as i64;
        micro.alloc(
            0,
            10 + at,
            (4, 8),
            &poolscope_synth::writer::pool::PoolBlock { tag, ..block(0x1000 + at as u64 * 64) },
        );
    }
    let trace = OnDisk::new("formulas.etl", &micro.bytes(1_000));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.csv");
    let to = path.to_str().expect("an ordinary name");
    assert_eq!(run(&["export", trace.path(), "--to", to, "--by", "tag"]).code, 0);
    let table = std::fs::read_to_string(&path).expect("UTF-8");
    let mut reader = csv_reader(&table);
    let tags: Vec<String> = reader.records().map(|row| row.expect("a row")[0].to_owned()).collect();
    let mut expected = vec!["'=1+1", "'+cmd", "'-2-2", "'@sum", "a\"b,", "Leak"];
    expected.sort_unstable();
    let mut found: Vec<&str> = tags.iter().map(String::as_str).collect();
    found.sort_unstable();
    assert_eq!(found, expected);
    assert!(!table.starts_with('\u{feff}'), "ASCII needs no mark");
    let (_, exact) = csv(&["report", trace.path(), "--by", "tag", "--format", "csv"]);
    assert!(exact.iter().any(|row| row[0] == "=1+1"), "report keeps tags as recorded");
}

fn csv_reader(text: &str) -> ::csv::Reader<&[u8]> {
    ::csv::Reader::from_reader(text.as_bytes())
}

/// Weights of folded stacks by their frames.
fn folded(text: &str) -> BTreeMap<String, u64> {
    let line = |line: &str| {
        let (stack, weight) = line.rsplit_once(' ').expect("a weight");
        (stack.to_owned(), weight.parse().expect("a number"))
    };
    text.lines().map(line).collect()
}

#[test]
fn profiles_have_the_sums_of_the_report() {
    let room = Room::new();
    for (weight, field) in [("impacting_size", "impacting_size"), ("size", "size"), ("count", "count")] {
        let options = [&["--weight", weight, "--frames", "address", "--force"], SELECTION.as_slice()].concat();
        let report = room.report(&[&["--by", "stack", "--frames", "address"], SELECTION.as_slice()].concat());
        let stacks = folded(&room.text("f.folded", &options));
        let expected: BTreeMap<String, u64> = rows(&report)
            .iter()
            .map(|row| {
                let frames: Vec<&str> =
                    row["stack"].as_array().expect("frames").iter().filter_map(Value::as_str).collect();
                let stack = if frames.is_empty() { "[No stack]".to_owned() } else { frames.join(";") };
                (stack, number(row, field))
            })
            .filter(|(_, weight)| *weight > 0)
            .collect();
        assert_eq!(stacks, expected, "{weight}");
    }
    let profile: Value = serde_json::from_slice(&room.export("f.speedscope.json", &SELECTION)).expect("JSON");
    let report = room.report(&[&["--by", "stack"], SELECTION.as_slice()].concat());
    assert_eq!(profile["$schema"], "https://www.speedscope.app/file-format-schema.json");
    let frames = profile["shared"]["frames"].as_array().expect("frames").len() as u64;
    for (name, field) in [("Impacting Size", "impacting_size"), ("Size", "size"), ("Count", "count")] {
        let own = profile["profiles"].as_array().expect("profiles").iter().find(|own| own["name"] == name);
        let own = own.unwrap_or_else(|| panic!("no profile {name}"));
        let weights = own["weights"].as_array().expect("weights");
        let samples = own["samples"].as_array().expect("samples");
        assert_eq!(samples.len(), weights.len());
        let total: u64 = weights.iter().filter_map(Value::as_u64).sum();
        assert_eq!((total, own["endValue"].as_u64()), (number(&report["total"], field), Some(total)), "{name}");
        let numbers = samples.iter().flat_map(|sample| sample.as_array().expect("frames"));
        assert!(numbers.filter_map(Value::as_u64).all(|frame| frame < frames));
    }
}

#[test]
fn key_columns_become_outer_frames() {
    let room = Room::new();
    let stacks = folded(&room.text("f.folded", &["--by", "tag,stack", "--weight", "size"]));
    let report = room.report(&["--by", "tag"]);
    for row in rows(&report) {
        let tag = text(row, "tag");
        let own: u64 = stacks.iter().filter(|(stack, _)| stack.split(';').next() == Some(&tag)).map(|(_, w)| w).sum();
        assert_eq!(own, sums(row).1, "{tag}");
    }
}

/// Decodes a pprof file by the published field numbers, with Python's own modules alone; prints the totals of the sample types and the
/// number of samples, locations and labels.
const READ_PPROF: &str = r"
import gzip, json, sys
def fields(data):
    at = 0
    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]; at += 1
            value |= (byte & 0x7f) << shift; shift += 7
            if byte < 0x80: return value
    while at < len(data):
        key = varint()
        if key & 7 == 0: yield key >> 3, varint()
        else:
            assert key & 7 == 2, key
            size = varint(); yield key >> 3, data[at:at + size]; at += size
def packed(data):
    values, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 0x7f) << shift; shift += 7
        if byte < 0x80: values.append(value); value = shift = 0
    return values
message = list(fields(gzip.decompress(sys.stdin.buffer.read())))
strings = [v.decode() for n, v in message if n == 6]
assert strings[0] == ''
types = [strings[dict(fields(v))[1]] for n, v in message if n == 1]
locations = {dict(fields(v))[1] for n, v in message if n == 4}
functions = {dict(fields(v))[1] for n, v in message if n == 5}
mappings = {dict(fields(v))[1] for n, v in message if n == 3}
for n, v in message:
    if n == 4:
        own = dict(fields(v))
        assert dict(fields(own[4]))[1] in functions
        assert 2 not in own or own[2] in mappings
totals, labels = [0] * len(types), 0
for n, v in message:
    if n == 2:
        own = list(fields(v))
        assert all(l in locations for m, x in own if m == 1 for l in packed(x))
        for i, value in enumerate(packed(dict(own)[2])): totals[i] += value
        labels += sum(1 for m, _ in own if m == 3)
print(json.dumps({'totals': dict(zip(types, totals)), 'samples': sum(1 for n, _ in message if n == 2), 'labels': labels}))
";

#[test]
fn a_pprof_profile_is_a_protocol_buffer_with_the_sums_of_the_report() {
    let room = Room::new();
    let packed = room.export("f.pb.gz", &[&["--by", "tag,stack"], SELECTION.as_slice()].concat());
    assert_eq!(packed, room.export("f.pb.gz", &[&["--by", "tag,stack", "--force"], SELECTION.as_slice()].concat()));
    let Some(decoded) = through("python3", &["-c", READ_PPROF], &packed) else { return };
    let decoded: Value = serde_json::from_str(&decoded).expect("JSON");
    let report = room.report(&[&["--by", "tag,stack"], SELECTION.as_slice()].concat());
    for field in ["count", "size", "impacting_size"] {
        assert_eq!(number(&decoded["totals"], field), number(&report["total"], field), "{field}");
    }
    let groups = rows(&report).len() as u64;
    assert_eq!((number(&decoded, "samples"), number(&decoded, "labels")), (groups, groups));
}

#[test]
fn pictures_and_pages_are_well_formed() {
    let room = Room::new();
    let flame = room.text("f.svg", &[]);
    let graph = room.text("g.svg", &["--what", "graph"]);
    for (name, picture) in [("flame", &flame), ("graph", &graph)] {
        if let Some(out) = through("xmllint", &["--noout", "-"], picture.as_bytes()) {
            assert_eq!(out, "", "{name}");
        }
    }
    let total = number(&room.report(&["--by", "stack"])["total"], "impacting_size");
    assert!(flame.contains("[Root]: ") && flame.contains("100.00 %"), "the root has everything");
    assert!(flame.contains(&poolscope::format::bytes(total)), "{total}");
    let bottom_up = room.text("b.svg", &["--bottom-up"]);
    assert_ne!(flame, bottom_up);
    let png = room.export("g.png", &[]);
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.ends_with(b"IEND\xaeB`\x82"), "a whole PNG");
    let page = room.text("r.html", &[&["--by", "tag", "--marks", "1,2.5"], SELECTION.as_slice()].concat());
    for part in
        ["Outstanding bytes by pool", "Allocations by Pool Tag", "<h2>Markers</h2>", "Data quality", "size:&gt;64"]
    {
        assert!(page.contains(part), "{part}");
    }
    if let Some(out) = through("python3", &["-c", READ_HTML], page.as_bytes()) {
        assert_eq!(out.trim(), "ok");
    }
    let report = room.report(&[&["--by", "tag"], SELECTION.as_slice()].concat());
    let size = poolscope::format::bytes(number(&report["total"], "size"));
    assert!(page.contains(&format!("<b>{size}</b>")), "the total of the report, {size}");
    let markdown = room.text("r.md", &[&["--by", "tag"], SELECTION.as_slice()].concat());
    assert!(markdown.starts_with("# ") && markdown.contains("## Allocations by Pool Tag") && markdown.contains(&size));
}

/// The fills of the shapes of a picture, in their order, each once.
fn fills(picture: &str) -> Vec<String> {
    let mut fills: Vec<String> = Vec::new();
    for part in picture.split("fill=\"").skip(1) {
        let fill = part.split('"').next().unwrap_or_default().to_owned();
        if !fills.contains(&fill) {
            fills.push(fill);
        }
    }
    fills
}

#[test]
fn pictures_are_light_or_dark_and_have_lines_areas_or_bars() {
    let room = Room::new();
    for (name, options) in [("flame", ["--what", "flame"]), ("graph", ["--what", "graph"])] {
        let light = room.text(&format!("{name}-light.svg"), &options);
        let dark = room.text(&format!("{name}-dark.svg"), &[options.as_slice(), &["--theme", "dark"]].concat());
        assert!(light.contains("height=\"") && fills(&light)[0] == "#ffffff", "{name}: {:?}", fills(&light));
        assert_eq!(fills(&dark)[0], "#14171b", "{name}");
        let shared: Vec<String> = fills(&dark).into_iter().filter(|fill| fills(&light).contains(fill)).collect();
        assert!(shared.iter().all(|fill| fill == "none"), "{name}: {shared:?} is in both");
        if let Some(out) = through("xmllint", &["--noout", "-"], dark.as_bytes()) {
            assert_eq!(out, "", "{name}");
        }
    }
    let styled = |style: &str| {
        let picture = room.text(&format!("{style}.svg"), &["--what", "graph", "--top", "3", "--style", style]);
        ["<polygon", "<polyline", "<rect"].map(|shape| picture.matches(shape).count())
    };
    let ([no_areas, lines, few], [areas, _, _], [none, bar_lines, bars]) =
        (styled("lines"), styled("areas"), styled("bars"));
    assert_eq!((no_areas, none), (0, 0), "only areas have areas");
    assert!(areas >= 3 && lines > bar_lines && bars > few + 60, "{areas} areas, {lines} lines, {bars} bars");
    let png = |name: &str, theme: &str| room.export(name, &["--theme", theme]);
    assert_ne!(png("light.png", "light"), png("dark.png", "dark"));
}

/// Checks that the tags of a page are balanced, and that it loads and runs nothing.
const READ_HTML: &str = r"
import sys
from html.parser import HTMLParser
VOID = {'meta', 'br', 'link', 'img', 'input', 'hr'}
class Page(HTMLParser):
    open = []
    def handle_starttag(self, tag, attributes):
        assert tag not in ('script', 'link', 'img', 'iframe'), tag
        assert not any(name.startswith('on') or name in ('src', 'href') and not value.startswith('#') for name, value in attributes), attributes
        if tag not in VOID: self.open.append(tag)
    def handle_startendtag(self, tag, attributes): pass
    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open[-3:])
        self.open.pop()
page = Page(convert_charrefs=True)
page.feed(sys.stdin.buffer.read().decode())
page.close()
assert page.open == [], page.open
print('ok')
";

#[test]
fn an_existing_file_is_kept_and_wrong_usage_is_code_2() {
    let room = Room::new();
    let path = room.at("t.csv");
    std::fs::write(&path, "mine").expect("a file");
    let to = path.to_str().expect("an ordinary name");
    let ran = run(&["export", room.trace.path(), "--to", to]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("t.csv exists already") && ran.err.contains("--force"), "{}", ran.err);
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), "mine");
    assert_eq!(run(&["export", room.trace.path(), "--to", to, "--force"]).code, 0);
    let cases: [(&[&str], &str); 5] = [
        (&["--to", "a.txt"], "is no format"),
        (&["--to", "a.png", "--what", "flame"], "cannot hold a flame graph"),
        (&["--to", "a.folded", "--what", "table"], "use .csv, .json, .md"),
        (&["--to", "a.csv", "--by", "stack_tag"], "--stack-tags"),
        (&[], "--to"),
    ];
    for (options, word) in cases {
        let ran = run(&[&["export", room.trace.path()], options].concat());
        assert_eq!(ran.code, 2, "{options:?}: {ran:?}");
        assert!(ran.err.contains(word), "{options:?}: {}", ran.err);
    }
    let missing = room.at("no/such/folder.csv");
    let ran = run(&["export", room.trace.path(), "--to", missing.to_str().expect("an ordinary name")]);
    assert!(ran.code == 1 && ran.err.contains("cannot write"), "{}", ran.err);
    let left: Vec<_> =
        std::fs::read_dir(room.folder.path()).expect("a folder").flatten().map(|f| f.file_name()).collect();
    assert_eq!(left, ["t.csv"], "no working file remains");
}

#[test]
fn the_number_of_threads_does_not_change_a_file() {
    let room = Room::new();
    for name in ["t.csv", "f.pb.gz", "f.speedscope.json", "f.svg", "g.png", "r.html"] {
        let one = room.export(name, &["--threads", "1", "--force"]);
        assert!(one == room.export(name, &["--threads", "3", "--force"]), "{name}");
    }
}

/// Two drivers, one of which a rule names; a hint names the module that the other calls.
#[test]
fn stack_tags_group_stacks_by_the_rules_of_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("my.stacktags");
    let file = "<?xml version=\"1.0\"?>\n<Tag Name=\"\">\n<Tag Name=\"Faults\"><Tag Name=\"Leak\">\
        <Entrypoint Module=\"myfault.sys\" Method=\"MyfaultDeviceControl*\"/></Tag></Tag>\n\
        <Tag Name=\"Network\"><Entrypoint Module=\"tcpip.sys\" Method=\"*\"/><Entrypoint Module=\"afd.sys\" Method=\"*\"/></Tag>\n</Tag>";
    std::fs::write(&rules, file).expect("a file");
    let rules = rules.to_str().expect("an ordinary name");
    let tags = |by: &str| json(&["report", "--demo", "--by", by, "--stack-tags", rules, "--format", "json"]);
    let by_tag = tags("stack_tag");
    let of = |tag: &str| rows(&by_tag).iter().find(|row| text(row, "stack_tag") == tag).map(sums);
    let by_driver = json(&["report", "--demo", "--by", "function", "--format", "json"]);
    let leaks = rows(&by_driver).iter().find(|row| text(row, "function") == "myfault.sys!MyfaultDeviceControl");
    assert_eq!(of("Faults\\Leak").map(|own| own.1), leaks.map(|row| sums(row).1));
    assert!(of("Network").is_some_and(|own| own.1 > 0) && of("Other").is_some());
    let parts: u64 = rows(&by_tag).iter().map(|row| sums(row).1).sum();
    assert_eq!(parts, number(&by_tag["total"], "size"));
    let filtered = json(&[
        "report",
        "--demo",
        "--by",
        "tag",
        "--where",
        "stack_tag:Network",
        "--stack-tags",
        rules,
        "--format",
        "json",
    ]);
    assert_eq!(number(&filtered["total"], "size"), of("Network").expect("a row").1);
    std::fs::write(rules, "<Tag Name=\"a\">").expect("a file");
    let ran = run(&["report", "--demo", "--by", "stack_tag", "--stack-tags", rules]);
    assert!(ran.code == 1 && ran.err.contains("my.stacktags: line 1"), "{}", ran.err);
}

#[test]
fn sources_stand_beside_the_frames_of_a_suspect() {
    let leaks = json(&["leaks", "--demo", "--format", "json"]);
    let worst = &rows(&leaks)[0];
    let (stack, source) =
        (worst["stack"].as_array().expect("frames"), worst["stack_source"].as_array().expect("lines"));
    assert_eq!(stack.len(), source.len());
    let at = stack
        .iter()
        .position(|frame| frame.as_str().is_some_and(|f| f.starts_with("myfault.sys!MyfaultDeviceControl")));
    let line = source[at.expect("the function that leaks")].as_str().expect("its PDB has lines");
    let (file, number) = line.rsplit_once(':').expect("file and line");
    let text = std::fs::read_to_string(Path::new(&poolscope_tests::root()).join("assets/sample/src").join(file));
    let text = text.expect("the source of the sample");
    let number: usize = number.parse().expect("a line");
    assert!(number <= text.lines().count(), "{line}");
}
