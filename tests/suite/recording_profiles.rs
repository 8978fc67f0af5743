//! Recording profiles validated against the published schema, for a table of plans and for arbitrary input; commands and scripts have no
//! open quotes for any input; arbitrary text parses as snapshots or is an error.

use poolscope_recording::poolmon::parse;
use poolscope_recording::{
    DetailLevel, ExpectedLoad, LoggingMode, RecordingPlan, ScriptOptions, ShellPath, StackOptions, TagPatterns,
    TagScope, ToolNames, WindowsVersion, commands, profile, script,
};
use poolscope_tests::wpr_schema::{complaints, wpr_schema};
use proptest::prelude::*;

/// Tags of one plan each; none are all tags.
const TAGS: [&[&str]; 14] = [
    &[],
    &["Leak"],
    &["leak", "Leak", "LEAK", "lEAK"],
    &["a"],
    &["ab", "abc"],
    &["Fil "],
    &[" lif"],
    &["a b "],
    &["Le?k", "Nt*", "?x", "a*"],
    &["&&&&", "<>\"'", "a&b;", "]]>x"],
    &["<!--", "-->a", "&lt;", "<?x?"],
    &["\\x01ab\\xff", "%PA%", "^|;+"],
    &["`$()", "{{}}", "'@a", "--a"],
    &["a=b,", "~!#.", "\\q\\q", "    x"],
];

fn plans() -> Vec<RecordingPlan> {
    let mut plans = Vec::new();
    for tags in TAGS {
        let scope = if tags.is_empty() {
            TagScope::All
        } else {
            match TagPatterns::parse(tags) {
                Ok(tags) => TagScope::Tags(tags),
                // The last row holds one that is too long on purpose.
                Err(error) => {
                    assert!(error.to_string().contains("5 characters"), "{tags:?}: {error}");
                    continue;
                }
            }
        };
        for (on_allocation, on_free) in [(true, true), (true, false), (false, true), (false, false)] {
            for (detail, big_allocations) in [(DetailLevel::Light, true), (DetailLevel::Verbose, false)] {
                let stacks = StackOptions { on_allocation, on_free };
                plans.push(RecordingPlan {
                    scope: scope.clone(),
                    stacks,
                    detail_level: detail,
                    big_allocations,
                    merges_image_ids: on_free,
                    ..RecordingPlan::default()
                });
            }
        }
    }
    for (events_per_second, seconds, memory_bytes) in
        [(0, 0, 0), (1, 1, 1), (100_000, 3600, 1 << 30), (u64::MAX, u64::MAX, u64::MAX)]
    {
        for (mode, boot) in [(LoggingMode::File, true), (LoggingMode::Memory, false)] {
            let expected = ExpectedLoad {
                events_per_second: Some(events_per_second),
                seconds,
                memory_bytes,
                ..ExpectedLoad::default()
            };
            plans.push(RecordingPlan {
                logging_mode: mode,
                boot,
                expected,
                windows: WindowsVersion::Windows7,
                ..RecordingPlan::default()
            });
        }
    }
    plans
}

#[test]
fn profiles_are_valid_against_the_schema() {
    let Some(schema) = wpr_schema() else { return };
    let profiles: Vec<String> = plans().iter().map(profile::text).collect();
    assert!(profiles.len() > 100);
    assert_eq!(complaints(&schema, &profiles), "");
}

#[test]
fn the_schema_rejects_invalid_tags() {
    let Some(schema) = wpr_schema() else { return };
    let plan = RecordingPlan {
        scope: TagScope::Tags(TagPatterns::parse(["Leak"]).expect("a tag")),
        ..RecordingPlan::default()
    };
    let good = profile::text(&plan);
    assert_eq!(complaints(&schema, std::slice::from_ref(&good)), "");
    let tag = "<PoolTag Value=\"Leak\" />";
    for wrong in ["<PoolTag Value=\"Leaks\" />", "<PoolTag Value=\"\" />", &tag.repeat(2), "<PoolTag />", ""] {
        assert_ne!(complaints(&schema, &[good.replace(tag, wrong)]), "", "{wrong}");
    }
    assert_ne!(complaints(&schema, &[good.replace("\"Pool\"", "\"pool\"")]), "", "keywords are a closed list");
    assert_ne!(
        complaints(&schema, &[good.replace("<Keywords>", "").replace("</Keywords>", "")]),
        "",
        "and stand in their element"
    );
}

fn names(trace: &str) -> Option<ToolNames> {
    Some(ToolNames { profile: ShellPath::new("pool.wprp").ok()?, trace: ShellPath::new(trace).ok()? })
}

/// True if no character has a special meaning in a shell, outside or inside double quotes.
fn is_safe(line: &str) -> bool {
    let outside = |part: &str| !part.contains(['%', '^', '|', '<', '>', '\'', '`', '$', ';', ',', '{', '}', '&']);
    let inside = |part: &str| !part.contains(['%', '`', '$']);
    let is_safe = |(at, part): (usize, &str)| if at % 2 == 0 { outside(part) } else { inside(part) };
    line.matches('"').count().is_multiple_of(2) && line.split('"').enumerate().all(is_safe)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Arbitrary tags are rejected with a message, or give a valid profile, commands and script.
    #[test]
    fn arbitrary_tags_are_rejected_or_recorded(tags in prop::collection::vec("(.{0,6}|[ -~]{1,4}|[?*a-c ]{1,4})", 1..6), trace in "(.{1,12}|[ -~]{1,12})") {
        let scope = match TagPatterns::parse(&tags) {
            Ok(patterns) => TagScope::Tags(patterns),
            Err(error) => {
                let said = error.to_string();
                prop_assert!(said.len() > 20 && !said.chars().any(char::is_control), "{said}");
                return Ok(());
            }
        };
        let plan = RecordingPlan { scope, ..RecordingPlan::default() };
        let text = profile::text(&plan);
        prop_assert!(text.is_ascii());
        for tag in plan.tags() {
            prop_assert!((1..=4).contains(&tag.text().len()), "{tag}");
        }
        // The value of an attribute must not contain characters that end it.
        for line in text.lines().filter(|line| line.contains("<PoolTag ")) {
            let value = line.trim().strip_prefix("<PoolTag Value=\"").and_then(|rest| rest.strip_suffix("\" />"));
            prop_assert!(value.is_some_and(|value| !value.contains(['"', '<', '>'])), "{line}");
        }
        let Some(names) = names(&trace) else { return Ok(()) };
        for group in commands(&plan, &names) {
            for command in group.commands.iter().filter(|command| !command.line.starts_with("powershell") && !command.line.starts_with("whoami")) {
                prop_assert!(is_safe(&command.line), "{}", command.line);
            }
        }
        let script = script::text(&plan, &names, &ScriptOptions::default());
        prop_assert!(script.is_ascii());
        prop_assert_eq!(script.lines().filter(|line| line.starts_with("'@")).count(), 1);
    }

    /// Arbitrary text parses without a panic into consistent snapshots.
    #[test]
    fn arbitrary_text_is_a_snapshot_or_an_error(text in "([ -~\t\n]{0,200}|( ?[a-c ]{1,4} (Nonp|Paged)( +[0-9(,)-]{1,12}){0,8}\r?\n){0,6}| Tag Allocs Used Allocs Used\n( [!-~]{1,4}( +[0-9,.]{1,21}){2,9}[a-z ]{0,9}\n){0,4}|.{0,80})") {
        if let Ok(document) = parse(text.as_bytes()) {
            prop_assert!(document.unparsed_lines.len() <= document.unparsed_count);
            for listing in &document.snapshots {
                prop_assert!(listing.first_line <= text.lines().count());
                for row in &listing.rows {
                    prop_assert_eq!(row.tag.chars().count(), 4);
                    prop_assert!(!row.tag.chars().any(char::is_control));
                }
            }
        }
    }

    /// Arbitrary bytes parse without a panic.
    #[test]
    fn arbitrary_bytes_are_a_snapshot_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _found = parse(&bytes);
    }
}

/// Validates profiles of all printable characters in one run of `xmllint`.
#[test]
fn every_printable_character_gives_a_valid_profile() {
    let Some(schema) = wpr_schema() else { return };
    let profiles: Vec<String> = (b' '..=b'~')
        .filter_map(|byte| {
            TagPatterns::parse([format!("{}x", char::from(byte)), format!("x{0}{0}{0}", char::from(byte))]).ok()
        })
        .map(|tags| profile::text(&RecordingPlan { scope: TagScope::Tags(tags), ..RecordingPlan::default() }))
        .collect();
    assert!(profiles.len() > 90, "{}", profiles.len());
    assert_eq!(complaints(&schema, &profiles), "");
}
