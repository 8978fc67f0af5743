//! The server for assistants: its answers are those of the command line, and nothing that comes in ends it.

use crate::mcp_harness::McpClient;
use poolscope_synth::SynthParams;
use poolscope_tests::archives::{ZipMember, zip};
use poolscope_tests::program::{json as printed, poolscope_exe, run};
use poolscope_tests::synthetic::{OnDisk, bytes_of};
use poolscope_tests::variants::base;
use serde_json::{Value, json};
use std::path::Path;

/// A folder with two traces, snapshots and files beside it.
struct Scene {
    root: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a scratch folder");
        let scene = Self { root };
        std::fs::create_dir(scene.root.path().join("traces")).expect("a folder");
        scene.write("traces/a.etl", &bytes_of(&SynthParams { seed: 3, ..base(4_000) }));
        scene.write("traces/b.etl", &bytes_of(&SynthParams { seed: 3, leak_share: 0.5, ..base(6_000) }));
        scene
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.root.path().join(name), bytes).expect("a scratch file can be written");
    }

    /// The canonical path of a file, which is the one that the server uses.
    fn path(&self, name: &str) -> String {
        let root = self.root.path().canonicalize().expect("it exists");
        root.join(name).display().to_string()
    }

    fn client(&self) -> McpClient {
        McpClient::open(&[&self.path("traces")])
    }
}

/// The content without what the server adds.
fn of_command(content: &Value) -> Value {
    let mut content = content.clone();
    content.as_object_mut().expect("an object").remove("about");
    content
}

/// Runs the command line that an answer names; its JSON.
fn repeated(content: &Value) -> Value {
    let line = content["about"]["command_line"].as_str().expect("a command line");
    let words: Vec<&str> = line.split(' ').skip(1).collect();
    printed(&words)
}

/// Runs a command line of the real program; its JSON.
fn printed_by_program(words: &[&str]) -> Value {
    let ran = std::process::Command::new(poolscope_exe()).args(words).output().expect("the program starts");
    serde_json::from_slice(&ran.stdout).expect("JSON")
}

#[test]
fn answers_are_those_of_the_command_line() {
    let scene = Scene::new();
    let (a, b) = (scene.path("traces/a.etl"), scene.path("traces/b.etl"));
    let mut client = scene.client();
    let info = client.content("trace_info", json!({ "trace": a }));
    assert_eq!(of_command(&info), printed(&["info", &a, "--format", "json"]));
    let leaks = client.content("leaks", json!({ "trace": a, "top": 3 }));
    assert_eq!(of_command(&leaks), printed(&["leaks", &a, "--top", "3", "--format", "json"]));
    assert_eq!(leaks["rows"].as_array().map(Vec::len), Some(3));
    let symbols = client.content("symbols", json!({ "trace": a, "top": 1000 }));
    // Its answer depends on the machine, which the tests of the command line make up.
    assert_eq!(of_command(&symbols), printed_by_program(&["symbols", &a, "--offline", "--format", "json"]));
    for (tool, arguments) in [
        ("leaks", json!({ "trace": b, "by": "driver", "range": "1..4", "warm_up": 0 })),
        ("report", json!({ "trace": a })),
        (
            "report",
            json!({ "trace": a, "by": ["tag", "stack"], "columns": ["count", "growth_bytes_per_s"], "top": 4, "frames": "module" }),
        ),
        ("series", json!({ "trace": a })),
        ("series", json!({ "trace": a, "by": ["paged"], "measure": "count", "points": 3, "top": 1 })),
        ("diff", json!({ "baseline": a, "comparison": b, "top": 4 })),
        ("diff", json!({ "trace": a, "range": "0..2", "range_comparison": "2..4", "by": ["tag", "driver"] })),
        ("recording_profile", json!({ "tags": ["Leak"] })),
    ] {
        let content = client.content(tool, arguments);
        assert_eq!(of_command(&content), repeated(&content), "{tool}");
    }
    assert!(leaks["about"]["units"].as_str().is_some_and(|units| units.contains("bytes per second")));
}

#[test]
fn a_query_reaches_the_command_as_one_argument() {
    let scene = Scene::new();
    let a = scene.path("traces/a.etl");
    let mut client = scene.client();
    let query = "type:AIFO AND size:>64 NOT tag:\"Fil \"";
    let content = client.content("report", json!({ "trace": a, "where": query, "by": ["tag"], "top": 2 }));
    let arguments =
        ["report", &a, "--where", query, "--by", "tag", "--sort", "impacting_size", "--top", "2", "--format", "json"];
    assert_eq!(of_command(&content), printed(&arguments));
    let line = content["about"]["command_line"].as_str().expect("a text");
    assert!(line.contains(" --where ") && line.contains(query), "{line}");
}

#[test]
fn answers_are_short_and_say_how_to_get_more() {
    let scene = Scene::new();
    let a = scene.path("traces/a.etl");
    let mut client = scene.client();
    let all = printed(&["report", &a, "--by", "tag,process", "--sort", "impacting_size", "--format", "json"]);
    let rows = all["rows"].as_array().expect("rows");
    assert!(rows.len() > 25, "{}", rows.len());
    assert_eq!(all["row_count"], rows.len());
    let mut seen = Vec::new();
    loop {
        let arguments = json!({ "trace": a, "by": ["tag", "process"], "skip": seen.len() });
        let content = client.content("report", arguments);
        let part = content["rows"].as_array().expect("rows");
        let shown = &content["about"]["rows"];
        assert_eq!(
            (shown["first"].as_u64(), shown["of"].as_u64()),
            (Some(seen.len() as u64 + 1), Some(rows.len() as u64))
        );
        seen.extend(part.iter().cloned());
        assert_eq!(shown["last"], seen.len());
        assert!(part.len() <= 10);
        if shown["more"].is_null() {
            break;
        }
        assert!(shown["more"].as_str().is_some_and(|more| more.contains(&format!("skip {}", seen.len()))), "{shown}");
    }
    assert_eq!(&seen, rows);
    let curves = client.content("series", json!({ "trace": a }))["about"]["rows"].clone();
    assert!(curves["last"] == 5 && curves["of"].as_u64() > Some(5) && curves["more"].is_string(), "{curves}");
}

#[test]
fn every_answer_has_its_data_quality() {
    let scene = Scene::new();
    let whole = bytes_of(&base(4_000));
    scene.write("traces/torn.etl", whole.get(..whole.len() * 2 / 3).expect("a part"));
    let torn = scene.path("traces/torn.etl");
    let mut client = scene.client();
    let wanted = printed(&["info", &torn, "--format", "json"])["diagnostics"].clone();
    let wanted: Vec<Value> = wanted.as_array().expect("issues").iter().map(|issue| issue["kind"].clone()).collect();
    assert!(!wanted.is_empty());
    for tool in ["open_trace", "trace_info", "leaks", "report", "series", "symbols"] {
        let content = client.content(tool, json!({ "trace": torn }));
        let quality = &content["about"]["data_quality"][0];
        assert_eq!(quality["trace"], torn.as_str());
        let issues = quality["issues"].as_array().expect("issues").iter();
        assert_eq!(issues.map(|issue| issue["kind"].clone()).collect::<Vec<_>>(), wanted, "{tool}");
        assert!(quality["recorded_range"].as_str().is_some_and(|sentence| !sentence.is_empty()));
    }
    let both = client.content("diff", json!({ "baseline": torn, "comparison": scene.path("traces/a.etl") }));
    assert_eq!(both["about"]["data_quality"].as_array().map(Vec::len), Some(2));
}

#[test]
fn answers_are_as_their_schemas_describe_them() {
    let scene = Scene::new();
    let (a, b) = (scene.path("traces/a.etl"), scene.path("traces/b.etl"));
    let mut client = scene.client();
    let tools = client.request("tools/list", json!({}))["result"]["tools"].clone();
    let tools = tools.as_array().expect("tools").clone();
    let names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    let wanted = [
        "open_trace",
        "leaks",
        "report",
        "series",
        "diff",
        "symbols",
        "trace_info",
        "poolmon_compare",
        "recording_profile",
    ];
    assert_eq!(names, wanted);
    for tool in &tools {
        let name = tool["name"].as_str().expect("a name");
        jsonschema::meta::validate(&tool["inputSchema"]).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(tool["annotations"]["readOnlyHint"], true);
        assert_eq!(tool["annotations"]["openWorldHint"], false, "no network without --symbols");
        let arguments = match name {
            "diff" => json!({ "baseline": a, "comparison": b }),
            "recording_profile" => json!({ "all": true }),
            "poolmon_compare" => {
                assert!(tool["outputSchema"].is_null(), "its answers have several shapes");
                continue;
            }
            _ => json!({ "trace": a }),
        };
        let input = jsonschema::validator_for(&tool["inputSchema"]).expect("a schema");
        assert!(input.is_valid(&arguments), "{name}");
        let mut strange = arguments.clone();
        strange["strange"] = json!(1);
        assert!(!input.is_valid(&strange) && client.refusal(name, strange).0 == -32602, "{name}");
        let content = client.content(name, arguments);
        let output = jsonschema::validator_for(&tool["outputSchema"]).unwrap_or_else(|error| panic!("{name}: {error}"));
        let errors: Vec<String> = output.iter_errors(&content).take(3).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        let mut wrong = content.clone();
        wrong.as_object_mut().expect("an object").remove("about");
        assert!(!output.is_valid(&wrong), "{name}: the schema asks for what an answer rests on");
    }
}

#[test]
fn snapshots_are_compared_and_become_a_profile() {
    let scene = Scene::new();
    let snapshot = |allocs: u64| {
        let outstanding = allocs - 100;
        let bytes = outstanding * 4000;
        format!(
            " Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc\n\n \
             Leak Nonp {allocs} (   0)  100 (   0)  {outstanding} {bytes} (     0)   4000\n"
        )
    };
    scene.write("traces/before.txt", snapshot(1000).as_bytes());
    scene.write("traces/after.txt", snapshot(3000).as_bytes());
    let (before, after) = (scene.path("traces/before.txt"), scene.path("traces/after.txt"));
    let mut client = scene.client();
    let growth = client.content("poolmon_compare", json!({ "snapshots": [before, after] }));
    assert_eq!(of_command(&growth), printed(&["poolmon", &before, &after, "--top", "15", "--format", "json"]));
    let profile = client.content("recording_profile", json!({ "snapshots": [before, after], "apart": "1h" }));
    assert_eq!(profile["tags"][0]["given"], "Leak");
    assert_eq!(profile["estimate"]["rate"], "snapshot");
    assert!(profile["profile"]["text"].as_str().is_some_and(|text| text.contains("<WindowsPerformanceRecorder")));
    // Standard input belongs to the protocol.
    assert!(client.failure("poolmon_compare", json!({ "snapshots": ["-"] })).contains("does not exist"));
    assert_eq!(client.content("trace_info", json!({ "trace": scene.path("traces/a.etl") }))["pointer_size"], 8);
}

#[test]
fn files_outside_of_the_allowed_folders_are_refused() {
    let scene = Scene::new();
    let bytes = std::fs::read(scene.path("traces/a.etl")).expect("it exists");
    scene.write("secret.etl", &bytes);
    std::fs::create_dir(scene.root.path().join("traces2")).expect("a folder");
    scene.write("traces2/a.etl", &bytes);
    let mut outside = vec![
        scene.path("secret.etl"),
        scene.path("traces/../secret.etl"),
        scene.path("traces2/a.etl"),
        "../secret.etl".to_owned(),
        "/etc/passwd".to_owned(),
        String::new(),
    ];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(scene.path("secret.etl"), scene.path("traces/link.etl")).expect("a link");
        std::os::unix::fs::symlink(scene.path("traces2"), scene.path("traces/linked")).expect("a link");
        outside.extend([scene.path("traces/link.etl"), scene.path("traces/linked/a.etl")]);
        // A list of tags is looked for beside the trace.
        std::os::unix::fs::symlink(scene.path("pooltag.txt"), scene.path("traces/pooltag.txt")).expect("a link");
    }
    let tags = printed(&["report", &scene.path("traces/a.etl"), "--by", "tag", "--no-pooltag", "--format", "json"]);
    let listed = tags["rows"].as_array().expect("rows").iter().filter_map(|row| row["tag"].as_str());
    scene.write("pooltag.txt", listed.map(|tag| format!("{tag} - x.sys - secret\n")).collect::<String>().as_bytes());
    let mut client = scene.client();
    let described = client.content("report", json!({ "trace": "a.etl", "by": ["tag_description"] }));
    assert!(!cfg!(unix) || !described.to_string().contains("secret"), "{described}");
    let mut wide = McpClient::open(&["--allow", &scene.path(".")]);
    let described = wide.content("report", json!({ "trace": "traces/a.etl", "by": ["tag_description"] }));
    assert!(!cfg!(unix) || described.to_string().contains("secret"), "the list may be read: {described}");
    for trace in &outside {
        for tool in ["open_trace", "leaks", "report", "series", "symbols", "trace_info"] {
            let (code, message) = client.refusal(tool, json!({ "trace": trace }));
            assert!(code == -32602 && message.contains("outside of the folders"), "{tool} {trace}: {message}");
        }
        let uri = format!("poolscope://report/{}", trace.replace('/', "%2F"));
        let answer = client.request("resources/read", json!({ "uri": uri }));
        assert!(answer["error"]["code"].is_i64(), "{answer}");
    }
    let inside = scene.path("traces/a.etl");
    for (name, value) in
        [("wrappers", json!("/etc/passwd")), ("stack_tags", json!(["/etc/passwd"])), ("pooltag", json!("/etc/passwd"))]
    {
        let mut arguments = json!({ "trace": inside });
        arguments[name] = value;
        assert_eq!(client.refusal("report", arguments).0, -32602, "{name}");
    }
    assert_eq!(client.refusal("leaks", json!({ "trace": inside, "drivers": scene.path("traces2") })).0, -32602);
    // A relative name is found in the folder, and `..` that stays inside is fine.
    for trace in ["a.etl".to_owned(), scene.path("traces/../traces/a.etl")] {
        assert_eq!(client.content("trace_info", json!({ "trace": trace }))["trace"], inside.as_str());
    }
    let missing = client.failure("leaks", json!({ "trace": scene.path("traces/missing.etl") }));
    assert!(missing.contains("does not exist"), "{missing}");
}

#[test]
fn only_what_is_named_may_be_read() {
    let scene = Scene::new();
    let a = scene.path("traces/a.etl");
    assert_eq!(run_real(&["mcp"]), 2, "nothing may be read");
    assert_eq!(run_real(&["mcp", "--allow", &scene.path("none")]), 1);
    assert_eq!(run_real(&["mcp", &scene.path("traces/missing.etl")]), 1);
    let mut client = McpClient::open(&["--allow", &scene.path("traces")]);
    assert_eq!(client.content("trace_info", json!({ "trace": a }))["trace"], a.as_str());
    let mut client = McpClient::open(&[&a]);
    assert_eq!(client.content("trace_info", json!({ "trace": scene.path("traces/b.etl") }))["pointer_size"], 8);
}

fn run_real(arguments: &[&str]) -> i32 {
    let ran = std::process::Command::new(poolscope_exe()).args(arguments).stdin(std::process::Stdio::null()).output();
    let ran = ran.expect("the program starts");
    assert!(ran.stdout.is_empty() && !ran.stderr.is_empty());
    ran.status.code().unwrap_or(-1)
}

#[test]
fn nothing_that_comes_in_ends_the_server() {
    let scene = Scene::new();
    let a = scene.path("traces/a.etl");
    scene.write("traces/text.etl", b"this is no trace");
    scene.write("traces/empty.etl", b"");
    let whole = std::fs::read(&a).expect("it exists");
    let mut damaged = whole.clone();
    damaged.iter_mut().skip(9_000).step_by(97).for_each(|byte| *byte ^= 0x5a);
    scene.write("traces/damaged.etl", &damaged);
    let mut client = McpClient::start(&[&scene.path("traces")]);
    // Before a session.
    client.send_line("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
    client.send_line("nonsense");
    assert_eq!(client.next()["error"]["code"], -32700);
    let early = client.ask("tools/list", json!({}));
    assert!(client.answer(early)["error"]["code"].is_i64());
    let info = client.initialize();
    assert_eq!(info["serverInfo"]["name"], "poolscope");
    assert!(info["instructions"].as_str().is_some_and(|text| text.contains(&a)), "{info}");
    for (line, code, id) in [
        ("{\"jsonrpc\":\"2.0\",\"id\":900", -32700, Value::Null),
        ("[]", -32600, Value::Null),
        ("{\"id\":901,\"method\":\"ping\"}", -32600, json!(901)),
        ("{\"jsonrpc\":\"2.0\",\"id\":902,\"method\":\"nothing/here\"}", -32601, json!(902)),
        ("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"tools/call\",\"params\":{\"tool\":1}}", -32602, json!("x")),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":903,\"method\":\"tools/call\",\"params\":{\"name\":\"nothing\"}}",
            -32602,
            json!(903),
        ),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":904,\"method\":\"prompts/get\",\"params\":{\"name\":\"nothing\"}}",
            -32602,
            json!(904),
        ),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":905,\"method\":\"resources/read\",\"params\":{\"uri\":\"file:///etc/passwd\"}}",
            -32002,
            json!(905),
        ),
    ] {
        client.send_line(line);
        let answer = client.next();
        assert_eq!((answer["error"]["code"].as_i64(), &answer["id"]), (Some(code), &id), "{line}: {answer}");
        assert!(answer["error"]["message"].as_str().is_some_and(|message| !message.is_empty()));
    }
    client.send_line("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/strange\"}");
    client.send_line("\u{0}\u{1}");
    assert_eq!(client.next()["error"]["code"], -32700);
    for name in ["text.etl", "empty.etl"] {
        let text = client.failure("open_trace", json!({ "trace": name }));
        assert!(text.contains(name) && text.contains("not"), "{text}");
    }
    let hurt = client.content("open_trace", json!({ "trace": "damaged.etl" }));
    assert!(hurt["about"]["data_quality"][0]["issues"].as_array().is_some_and(|issues| !issues.is_empty()), "{hurt}");
    for wrong in [
        json!({ "trace": a, "where": "tga:Leak" }),
        json!({ "trace": a, "range": "9..1" }),
        json!({ "trace": a, "columns": ["nothing"] }),
    ] {
        let text = client.failure("report", wrong);
        assert!(text.contains("error: invalid value"), "{text}");
    }
    assert!(client.failure("report", json!({ "trace": a, "where": "tga:Leak" })).contains("did you mean 'tag'"));
    assert_eq!(client.refusal("leaks", json!({ "trace": 7 })).0, -32602);
    assert_eq!(client.refusal("leaks", json!({})).0, -32602);
    assert_eq!(client.request("ping", json!({}))["result"], json!({}));
    let (left, code) = client.close();
    assert!(left.iter().all(|message| message.get("id").is_none()) && code == 0, "{left:?} {code}");
}

#[test]
fn what_was_asked_is_answered_after_the_input_ended() {
    let scene = Scene::new();
    let mut client = scene.client();
    let ids = ["a.etl", "b.etl"]
        .map(|trace| client.ask("tools/call", json!({ "name": "leaks", "arguments": { "trace": trace, "top": 1 } })));
    let (left, code) = client.close();
    assert_eq!(code, 0);
    for id in ids {
        let answer = left.iter().find(|message| message["id"] == id).expect("an answer");
        assert_eq!(answer["result"]["isError"], false, "{answer}");
    }
}

#[test]
fn a_request_can_be_canceled_and_others_go_on() {
    let scene = Scene::new();
    scene.write("traces/large.etl", &bytes_of(&base(300_000)));
    let mut client = scene.client();
    let id = client.ask(
        "tools/call",
        json!({ "name": "leaks", "arguments": { "trace": "large.etl" }, "_meta": { "progressToken": "t" } }),
    );
    // It has begun.
    assert_eq!(client.next()["method"], "notifications/progress");
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } }));
    let other = client.content("trace_info", json!({ "trace": "a.etl" }));
    assert_eq!(other["pointer_size"], 8);
    let (left, code) = client.close();
    assert!(code == 0 && left.iter().all(|message| message["id"] != id), "a canceled request has no answer");
}

#[test]
fn progress_is_sent_to_those_who_ask_for_it() {
    let scene = Scene::new();
    scene.write("traces/large.etl", &bytes_of(&base(300_000)));
    let mut client = scene.client();
    let parameters =
        json!({ "name": "open_trace", "arguments": { "trace": "large.etl" }, "_meta": { "progressToken": 7 } });
    let answer = client.request("tools/call", parameters);
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    let sent = client.notifications("notifications/progress");
    assert!(!sent.is_empty());
    let values: Vec<f64> = sent.iter().filter_map(|message| message["params"]["progress"].as_f64()).collect();
    assert!(values.len() == sent.len() && values.windows(2).all(|two| two[0] < two[1]), "{values:?}");
    for message in &sent {
        let parameters = &message["params"];
        assert!(parameters["progressToken"] == 7 && parameters["total"] == 100.0, "{message}");
        assert!(parameters["message"].as_str().is_some_and(|text| !text.is_empty()));
    }
    let mut client = scene.client();
    client.content("open_trace", json!({ "trace": "large.etl" }));
    assert!(client.notifications("notifications/progress").is_empty(), "nobody asked");
}

/// Names of the open traces, the most recently used first.
fn open_names(content: &Value) -> Vec<String> {
    let open = content["open_traces"].as_array().expect("open traces").iter();
    let name = |trace: &Value| Path::new(trace["trace"].as_str()?).file_name()?.to_str().map(str::to_owned);
    open.filter_map(name).collect()
}

#[test]
fn traces_stay_open_until_memory_is_short() {
    let scene = Scene::new();
    for (seed, name) in [(1, "x.etl"), (2, "y.etl"), (3, "z.etl")] {
        scene.write(&format!("traces/{name}"), &bytes_of(&SynthParams { seed, ..base(60_000) }));
    }
    let mut client = scene.client();
    client.content("open_trace", json!({ "trace": "x.etl" }));
    let both = client.content("open_trace", json!({ "trace": "y.etl" }));
    assert_eq!(open_names(&both), ["y.etl", "x.etl"]);
    let bytes = both["open_traces"][0]["memory_bytes"].as_u64().expect("bytes");
    assert!(bytes > 60_000 * 35, "{bytes}");
    let reports = |client: &mut McpClient| {
        ["x.etl", "y.etl", "x.etl", "z.etl", "x.etl"]
            .map(|trace| of_command(&client.content("report", json!({ "trace": trace, "by": ["tag", "free_stack"] }))))
    };
    let wanted = reports(&mut client);
    // Room for one of them while it is loaded: whatever is closed, answers stay the same.
    let limit = format!("{}B", bytes * 3);
    let mut narrow = McpClient::open(&["--memory-limit", &limit, &scene.path("traces")]);
    assert_eq!(reports(&mut narrow), wanted);
    let last = narrow.content("open_trace", json!({ "trace": "x.etl" }));
    let open = last["open_traces"].as_array().expect("open traces");
    let used: u64 = open.iter().filter_map(|trace| trace["memory_bytes"].as_u64()).sum();
    assert!(open_names(&last)[0] == "x.etl" && open.len() < 3 && used <= bytes * 3, "{last}");
    let mut tiny = McpClient::open(&["--memory-limit", "1MB", &scene.path("traces")]);
    let text = tiny.failure("open_trace", json!({ "trace": "x.etl" }));
    assert!(text.contains("needs about") && text.contains("of memory"), "{text}");
    tiny.content("trace_info", json!({ "trace": "a.etl" }));
}

#[test]
fn a_trace_that_changes_is_read_again() {
    let scene = Scene::new();
    let mut client = scene.client();
    let before = client.content("trace_info", json!({ "trace": "a.etl" }));
    scene.write("traces/a.etl", &std::fs::read(scene.path("traces/b.etl")).expect("it exists"));
    let after = client.content("trace_info", json!({ "trace": "a.etl" }));
    assert!(before["records"] != after["records"]);
    assert_eq!(after["records"], client.content("trace_info", json!({ "trace": "b.etl" }))["records"]);
}

#[test]
fn packed_traces_are_read_by_their_members() {
    let scene = Scene::new();
    let bytes = std::fs::read(scene.path("traces/a.etl")).expect("it exists");
    let members = ["one.etl", "two.etl"].map(|name| ZipMember::deflated(name, &bytes));
    scene.write("traces/all.zip", &zip(&members));
    let mut client = scene.client();
    let text = client.failure("open_trace", json!({ "trace": "all.zip" }));
    assert!(text.contains("contains 2 traces") && text.contains("one.etl"), "{text}");
    let member = client.content("report", json!({ "trace": "all.zip#two.etl", "by": ["tag"] }));
    let plain = client.content("report", json!({ "trace": "a.etl", "by": ["tag"] }));
    assert_eq!(member["rows"], plain["rows"]);
    assert_eq!(member["trace"], scene.path("traces/all.zip#two.etl"));
}

#[test]
fn resources_are_the_known_traces_and_their_reports() {
    let scene = Scene::new();
    let a = scene.path("traces/a.etl");
    let mut client = scene.client();
    let list = client.request("resources/list", json!({}))["result"]["resources"].clone();
    let list = list.as_array().expect("resources").clone();
    assert_eq!(list.len(), 4, "two of each trace in the named folder: {list:?}");
    let read = |client: &mut McpClient, uri: &Value| {
        let answer = client.request("resources/read", json!({ "uri": uri }));
        answer["result"]["contents"][0].clone()
    };
    let of_a = |mime: &str| {
        let uri =
            a.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") });
        let uri = uri.collect::<String>();
        let is_it = |r: &&Value| r["mimeType"] == mime && r["uri"].as_str().is_some_and(|known| known.ends_with(&uri));
        list.iter().find(is_it).expect("a resource")["uri"].clone()
    };
    let facts = read(&mut client, &of_a("application/json"));
    let facts: Value = serde_json::from_str(facts["text"].as_str().expect("a text")).expect("JSON");
    assert_eq!(facts, printed(&["info", &a, "--format", "json"]));
    let report = read(&mut client, &of_a("text/html"));
    let html = report["text"].as_str().expect("a text");
    let on_disk = OnDisk::new("other.txt", b"");
    let file = Path::new(on_disk.path()).with_file_name("report.html").display().to_string();
    assert_eq!(run(&["export", &a, "--to", &file]).code, 0);
    assert_eq!(html, std::fs::read_to_string(&file).expect("it was written"));
    assert!(client.notifications("notifications/resources/list_changed").len() == 1, "one trace was opened");
    let templates = client.request("resources/templates/list", json!({}))["result"]["resourceTemplates"].clone();
    assert_eq!(templates.as_array().map(Vec::len), Some(2));
}

#[test]
fn prompts_lead_through_a_diagnosis() {
    let scene = Scene::new();
    let mut client = scene.client();
    let prompts = client.request("prompts/list", json!({}))["result"]["prompts"].clone();
    assert!(
        prompts.as_array().is_some_and(|all| all.iter().any(|prompt| prompt["name"] == "find_the_leak")),
        "{prompts}"
    );
    let parameters = json!({ "name": "find_the_leak", "arguments": { "trace": "a.etl" } });
    let prompt = client.request("prompts/get", parameters)["result"].clone();
    let text = prompt["messages"][0]["content"]["text"].as_str().expect("a text");
    assert!(text.contains("a.etl") && text.contains("leaks"), "{text}");
    assert_eq!(client.request("prompts/get", json!({ "name": "find_the_leak" }))["error"]["code"], -32602);
}
