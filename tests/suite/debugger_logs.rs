//! Debugger logs from the command line to the window: the pivot of what a log shows, with figures that were planted in its text;
//! refusals by name; sizes of pools; the case that a log is a part of.

use crate::gui_harness::{document, open_file, press_with, settle, window};
use egui_kittest::kittest::Queryable as _;
use poolscope::gui::OpenRequest;
use poolscope::gui::egui::{Key, Modifiers};
use poolscope_tests::program::{json, output, run};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;

fn file(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("written");
    path.to_str().expect("an ordinary name").to_owned()
}

/// A call path of the planted driver.
struct Planted {
    function: &'static str,
    bytes: u64,
    /// Allocations, and those of them that are freed.
    allocated: u64,
    freed: u64,
}

const PLANTED: [Planted; 3] = [
    Planted { function: "SpnQueueWork", bytes: 0x140, allocated: 60, freed: 7 },
    Planted { function: "SpnOpen", bytes: 0x1008, allocated: 9, freed: 9 },
    Planted { function: "SpnCopyName", bytes: 0x30, allocated: 25, freed: 20 },
];

const BASE: u64 = 0xffff_a50b_4a00_0000;

fn address(path: usize, block: u64) -> u64 {
    BASE + (path as u64) * 0x100_0000 + block * 0x2000
}

/// One entry of the log, in the form of Windows 8 and later.
fn entry(is_free: bool, path: usize, block: u64) -> String {
    let planted = &PLANTED[path];
    let (first, second, caller) = match is_free {
        true => ("nt!VfFreePoolNotification+0x54", "nt!ExFreeHeapPool+0x1b9", "SpnComplete"),
        false => ("nt!VfAllocPoolNotification+0x31", "nt!VerifierExAllocatePool2+0x4d", planted.function),
    };
    let size = if is_free { planted.bytes.next_multiple_of(16) } else { planted.bytes };
    format!(
        "======================================================================\n\
         Pool block {:016x}, Size {size:016x}, Thread ffffa50b41c97080\nfffff8053c5b1a11 {first}\nfffff8053c5a8c4d {second}\n\
         fffff80545e7{:04x} spindle!{caller}+0x44\nfffff80545e71f10 spindle!SpnDispatch+0x90\nfffff8053c02b8a5 nt!IofCallDriver+0x55\n\n",
        address(path, block),
        0x1000 + path * 0x10
    )
}

/// `!verifier 0x80`: all operations, the newest first, in a made-up order in which each free follows its allocation.
fn verifier_log() -> String {
    let mut operations: Vec<(u64, bool, usize, u64)> = Vec::new();
    for (path, planted) in PLANTED.iter().enumerate() {
        for block in 0..planted.allocated {
            let at = (block * 7919 + path as u64 * 131) % 997;
            operations.push((at, false, path, block));
            if block < planted.freed {
                operations.push((at + 1000 + block, true, path, block));
            }
        }
    }
    operations.sort_unstable();
    let mut text = "1: kd> !verifier 0x80\n\nLog of recent kernel pool Allocate and Free operations.\n\nThere are up to 0x10000 entries in the log.\n\n\
                    Parsing 0x0000000000010000 log entries, searching for address 0x0000000000000000.\n\n"
        .to_owned();
    operations.iter().rev().for_each(|(_, is_free, path, block)| text.push_str(&entry(*is_free, *path, *block)));
    text + "1: kd> .logclose\n"
}

/// `!verifier 3`: what is outstanding.
fn verifier_list() -> String {
    let outstanding = |planted: &Planted| planted.allocated - planted.freed;
    let count: u64 = PLANTED.iter().map(outstanding).sum();
    let mut text = format!(
        "1: kd> !verifier 3 spindle.sys\n\nVerify Flags Level 0x00000008\n\nDriver Verification List\n------------------------\n\n\
         nt!_VF_TARGET_DRIVER 0xffffa50b43bb1e10: spindle.sys (Loaded)\n\n    Pool Allocation Statistics: ( NonPagedPool / PagedPool )\n\n\
         \x20     Current Pool Allocations: ( {count:#010x} / 0x00000000 )\n      Current Pool Bytes:       ( 0x00001058 / 0x00000000 )\n\n\
         \x20   Pool Allocations:\n\n      Address             Length      Tag   Caller Address\n\
         \x20     ------------------  ----------  ----  ------------------\n"
    );
    for (path, planted) in PLANTED.iter().enumerate() {
        for block in planted.freed..planted.allocated {
            let tag = ["SpnW", "Spn", "SpnN"][path];
            let (bytes, function) = (planted.bytes, planted.function);
            let at = address(path, block);
            writeln!(text, "      {at:#018x}  {bytes:#010x}  {tag:<4}  0xfffff80545e71000  spindle!{function}+0x44")
                .expect("text");
        }
    }
    text
}

fn row<'j>(document: &'j Value, key: &str, value: &str) -> &'j Value {
    let rows = document["rows"].as_array().expect("rows");
    rows.iter().find(|row| row[key] == value).unwrap_or_else(|| panic!("{value}: {document}"))
}

#[test]
fn the_log_of_driver_verifier_becomes_a_pivot() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    for text in
        [verifier_log(), verifier_log().replace('\n', "\r\n"), format!("Hello,\nsee below.\n{}", verifier_log())]
    {
        let path = file(folder.path(), "verifier.log", text);
        let document = json(&["report", &path, "--by", "function,stack", "--format", "json"]);
        assert_eq!(document["origin"], "debugger log");
        for planted in &PLANTED {
            let found = row(&document, "function", &format!("spindle!{}", planted.function));
            let figures = ["count", "size", "impacting_size"].map(|name| found[name].as_u64());
            let outstanding = (planted.allocated - planted.freed) * planted.bytes;
            assert_eq!(
                figures,
                [planted.allocated, planted.allocated * planted.bytes, outstanding].map(Some),
                "{found}"
            );
            assert_eq!(found["growth_bytes_per_s"], Value::Null);
            let stack: Vec<&str> =
                found["stack"].as_array().expect("frames").iter().filter_map(Value::as_str).collect();
            let innermost =
                ["spindle!SpnDispatch+0x90", &format!("spindle!{}+0x44", planted.function)].map(str::to_owned);
            assert_eq!(stack[1..3], innermost, "{stack:?}");
        }
    }
}

#[test]
fn a_list_adds_tags_pools_and_file_names() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let both = file(folder.path(), "both.log", verifier_log() + &verifier_list());
    let document =
        json(&["report", &both, "--by", "type,paged,tag,driver,function", "--format", "json", "--where", "type:AIFO"]);
    let found: Vec<String> = document["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| {
            let texts = ["paged", "tag", "driver", "function"].map(|name| row[name].as_str().unwrap_or_default());
            format!("{} {} {}", texts.join(" "), row["count"], row["impacting_size"])
        })
        .collect();
    let wanted = [
        "NonPaged SpnW spindle.sys spindle.sys!SpnQueueWork 53 16960",
        "NonPaged SpnN spindle.sys spindle.sys!SpnCopyName 5 240",
    ];
    assert_eq!(found, wanted);
    // The list alone has the callers as stacks of one frame.
    let list = file(folder.path(), "list.log", verifier_list());
    let document = json(&["leaks", &list, "--format", "json"]);
    let first = &document["rows"][0];
    let texts = ["tag", "verdict", "function", "paged"].map(|name| first[name].as_str());
    assert_eq!(texts, ["SpnW", "outstanding", "spindle.sys!SpnQueueWork", "NonPaged"].map(Some));
    assert_eq!((first["count"].as_u64(), first["growth_bytes_per_s"].is_null()), (Some(53), true));
    let text = String::from_utf8(output(&["leaks", &both])).expect("text");
    let sentence =
        "Tag SpnW: 53 allocations (16.6 KB) of nonpaged pool outstanding, allocated by spindle.sys, from SpnQueueWork";
    assert!(text.contains(sentence) && text.contains("a debugger log has no times"), "{text}");
    assert!(!text.contains("unknown allocator") && !text.contains("/min"), "{text}");
}

#[test]
fn breaks_by_pool_hit_tag_become_a_pivot() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let mut text = "1: kd> ed nt!PoolHitTag 'WnpS'\n1: kd> g\n".to_owned();
    for hit in 0..12_u32 {
        let function = if hit % 4 == 3 { "SpnOpen" } else { "SpnQueueWork" };
        write!(
            text,
            "Break instruction exception - code 80000003 (first chance)\nnt!ExAllocateHeapPool+0x1b1381:\nfffff802`441b51c4 cc              int     3\n\
             {}: kd> kn\n # Child-SP          RetAddr           Call Site\n00 ffffef85`756fed10 fffff802`441b51c4 nt!ExAllocateHeapPool+0x1b1381\n\
             01 ffffef85`756fee50 fffff802`43e9502c nt!ExAllocatePoolWithTag+0x64\n02 ffffef85`756feea0 fffff802`43d83204 spindle!{function}+0xdc\n\
             03 ffffef85`756fefd0 fffff802`44112a29 nt!IofCallDriver+0x10\n{}: kd> g\n",
            hit % 2,
            hit % 2
        )
        .expect("text");
    }
    let path = file(folder.path(), "hits.log", text);
    let ran = run(&["report", &path, "--by", "tag,function,cpu", "--format", "csv"]);
    assert!(ran.err.contains("does not show the size"), "{}", ran.err);
    let document = json(&["report", &path, "--by", "tag,function", "--format", "json"]);
    let counts =
        ["spindle!SpnQueueWork", "spindle!SpnOpen"].map(|name| row(&document, "function", name)["count"].as_u64());
    assert_eq!(counts, [Some(9), Some(3)]);
    assert_eq!(document["rows"][0]["tag"], "SpnW");
    let text = String::from_utf8(output(&["leaks", &path])).expect("text");
    assert!(text.contains("Tag SpnW: 12 allocations outstanding, allocated by spindle"), "{text}");
}

#[test]
fn what_needs_times_is_refused() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = file(folder.path(), "verifier.log", verifier_log());
    let other = folder.path().join("out.html").display().to_string();
    let commands: [&[&str]; 6] = [
        &["series", &path],
        &["report", &path, "--range", "0..1"],
        &["diff", &path, &path],
        &["leaks", &path, "--html", &other],
        &["export", &path, "--to", &other],
        &["slice", &path, "--range", "0..1", "--to", &other],
    ];
    for command in commands {
        let ran = run(command);
        assert!(ran.code != 0 && ran.err.contains("debugger log") && ran.out.is_empty(), "{command:?}: {}", ran.err);
        assert!(!Path::new(&other).exists(), "{command:?}");
    }
    let flame = folder.path().join("flame.svg").display().to_string();
    assert_eq!(run(&["export", &path, "--to", &flame]).code, 0);
    assert!(std::fs::read_to_string(&flame).expect("a flame graph").contains("SpnQueueWork"));
}

#[test]
fn other_output_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let cases = [
        (
            "1: kd> !analyze -v\n*    Bugcheck Analysis    *\nBUGCHECK_CODE:  c4\n",
            "!analyze, which names the place of a crash",
        ),
        (
            "kd> !poolval e1001050\nPool page e1001050 region is Paged pool\nValidating Pool headers for pool page: e1001050\n",
            "!poolval, which checks",
        ),
        (
            "kd> !pool e1001050\nPool page e1001050 region is Paged pool\n*e1001050 size:   10 previous size:   10  (Allocated) *ObDi\n",
            "!pool, which shows the blocks of one page",
        ),
        ("0: kd> !verifier\n\nVerify Flags Level 0x00000000\n", "!verifier, which lists no allocations"),
    ];
    for (text, wanted) in cases {
        let path = file(folder.path(), "other.log", text);
        for command in [["report", &path], ["poolmon", &path], ["case", &path]] {
            let ran = run(&command);
            assert!(ran.code == 1 && ran.err.contains(wanted), "{command:?}: {}", ran.err);
            assert!(ran.err.contains("Run !poolused 2") || ran.err.contains("Turn on pool tracking"), "{}", ran.err);
        }
    }
    // What the other command reads is said by both.
    let find = file(
        folder.path(),
        "find.log",
        "kd> !poolfind SeSd 0\nSearching NonPaged pool (823b1000 : 82800000) for Tag: SeSd\n826fa130 size:   c0 previous size:   40  (Allocated) SeSd\n",
    );
    assert!(run(&["report", &find]).err.contains("Read it with: poolscope poolmon FILE"));
    let document = json(&["poolmon", &find, "--no-pooltag", "--format", "json"]);
    assert_eq!(
        (document["rows"][0]["tag"].as_str(), document["rows"][0]["bytes"].as_u64()),
        (Some("SeSd"), Some(0xc0))
    );
    let log = file(folder.path(), "verifier.log", verifier_log());
    assert!(run(&["poolmon", &log]).err.contains("read it with poolscope report FILE"));
}

/// Output of `!vm 1` of Windows 10, with 8 GB of memory.
fn vm(nonpaged_kb: u64, available_kb: u64) -> String {
    format!(
        "0: kd> !vm 1\nPage File: \\??\\C:\\pagefile.sys\n  Current:   4063232 Kb  Free Space:   4063224 Kb\n\nPhysical Memory:          2097152 (    8388608 Kb)\n\
         Available Pages:           442347 (    {available_kb} Kb)\nNonPagedPool Usage:           227 (        1024 Kb)\n\
         NonPagedPoolNx Usage:       31727 (     {} Kb)\nNonPagedPool Max:      4294967296 (17179869184 Kb)\nPagedPool Usage:            59028 (     236112 Kb)\n\
         PagedPool Maximum:     33554432 ( 134217728 Kb)\nCommitted pages:     2062764 (  8251056 Kb)\nCommit limit:     4270402 (  17081608 Kb)\n",
        nonpaged_kb - 1024
    )
}

#[test]
fn sizes_of_the_pools_are_shown_with_their_end() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    // 1 GB in two hours; 3 GB are available: six hours.
    let text = format!("2026-07-24 10:00:00\n{}2026-07-24 12:00:00\n{}", vm(1 << 20, 4 << 20), vm(2 << 20, 3 << 20));
    let path = file(folder.path(), "vm.log", text);
    let document = json(&["poolmon", &path, "--format", "json"]);
    let load = &document["memory"][0];
    let figures = ["used_bytes", "limit_bytes", "growth_bytes"].map(|name| load[name].as_u64());
    assert_eq!(figures, [2 << 30, 8 << 30, 1 << 30].map(Some));
    assert_eq!((load["share"].as_f64(), load["hours_to_exhaustion"].as_f64()), (Some(0.25), Some(6.0)));
    assert_eq!(load["exhausted"], "available memory");
    let text = String::from_utf8(output(&["poolmon", &path])).expect("text");
    let wanted = "NonPaged pool: 2.00 GB of at most 8.00 GB (25 %), +1.00 GB in 2 h 0 min (512.0 MB/h); at this rate available memory (3.00 GB left) is exhausted in 6 h 0 min.";
    assert!(text.starts_with("Sizes of the pools, 2 outputs of !vm") && text.contains(wanted), "{text}");
    // An old system, whose limit ends first.
    let old = |pages: u64| {
        format!(
            "kd> !vm 1\n\n*** Virtual Memory Usage ***\n      Physical Memory:     16270   (   65080 Kb)\n      NonPagedPool Usage:    877   (    {pages} Kb)\n      NonPagedPool Max:     6252   (   25008 Kb)\n"
        )
    };
    let path = file(
        folder.path(),
        "old.log",
        format!("2026-07-24 10:00:00\n{}2026-07-24 11:00:00\n{}", old(5_008), old(15_008)),
    );
    let load = json(&["poolmon", &path, "--format", "json"])["memory"][0].clone();
    assert_eq!(
        (load["exhausted"].as_str(), load["hours_to_exhaustion"].as_f64()),
        (Some("the limit of nonpaged pool"), Some(1.0))
    );
}

#[test]
fn a_log_is_a_part_of_a_case() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    file(folder.path(), "debugger.log", verifier_log() + &verifier_list() + &vm(2 << 20, 3 << 20));
    let snapshots: String = (0..6_u64)
        .map(|hour| {
            let blocks = 1000 + hour * 1024;
            format!("07/24/2026 {hour:02}:00:00\n Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc\n SpnW Nonp {} 10 {blocks} {} 1024\n", blocks + 10, blocks * 1024)
        })
        .collect();
    file(folder.path(), "poolmon.log", snapshots);
    let document = json(&["case", folder.path().to_str().expect("a name"), "--format", "json"]);
    let conclusions = document["conclusions"].to_string();
    let wanted = "Tag SpnW grows (1.00 MB/h), and the debugger log shows outstanding allocations of it by spindle.sys";
    assert!(conclusions.contains(wanted), "{document}");
    let kinds: Vec<&str> =
        document["evidence"].as_array().expect("evidence").iter().filter_map(|one| one["kind"].as_str()).collect();
    assert_eq!(kinds, ["snapshots", "debugger log"]);
}

#[test]
fn the_window_shows_a_log_without_a_graph() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = file(folder.path(), "verifier.log", verifier_log() + &verifier_list());
    let mut window = open_file(Path::new(&path));
    settle(&mut window);
    assert!(document(&window).results.graph_data.is_none());
    let why = "No times in a debugger log: there are no curves. The table shows what has no free in the log (AIFO).";
    window.get_by_label(why);
    window
        .get_by_label_contains("SpnW: 53 allocations (16.6 KB) of nonpaged pool outstanding, allocated by spindle.sys");
    window.get_by_label("Debugger log without times");
}

#[test]
fn a_log_cannot_be_compared_in_the_window() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let log = file(folder.path(), "verifier.log", verifier_log());
    let trace = file(folder.path(), "trace.etl", poolscope::sample::TRACE);
    let mut window = window(OpenRequest::Files(vec![log.into(), trace.into()]));
    settle(&mut window);
    for (name, said) in [
        ("verifier.log", "A debugger log has no times. Open two recordings to compare what they left."),
        ("trace.etl", "Nothing to compare yet"),
    ] {
        while document(&window).source.name() != name {
            press_with(&mut window, Modifiers::CTRL, Key::Tab);
            settle(&mut window);
        }
        press_with(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::N);
        settle(&mut window);
        window.get_by_label(said);
    }
}
