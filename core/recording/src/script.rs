//! Unattended recording: a PowerShell script that starts `wpr` with the plan's profile (embedded in the script), polls the size of a
//! pool, and stops and saves when a size, a growth or a time is reached. ASCII with CRLF line ends, for Windows PowerShell 3 and later.

use super::command::ToolNames;
use super::plan::{LoggingMode, PROFILE_NAME, RecordingPlan};
use super::pool::Pool;
use super::profile;

/// Conditions on which the script stops; the first that is met applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScriptOptions {
    /// Pool whose size is polled.
    pub pool: Pool,
    /// Stop when the pool reaches this size.
    pub stop_at_bytes: Option<u64>,
    /// Stop when the pool has grown by this much since the start.
    pub stop_at_growth_bytes: Option<u64>,
    /// Stop after this time.
    pub stop_after_seconds: u64,
    /// Polling interval.
    pub poll_seconds: u64,
    /// Stop when free disk space falls below this; a recording in file mode would fill the disk.
    pub min_free_bytes: u64,
}

impl Default for ScriptOptions {
    /// Stops after one hour, polls every five seconds, keeps 2 GB of disk space free.
    fn default() -> Self {
        Self {
            pool: Pool::default(),
            stop_at_bytes: None,
            stop_at_growth_bytes: None,
            stop_after_seconds: 3600,
            poll_seconds: 5,
            min_free_bytes: 2 << 30,
        }
    }
}

/// The script. A boot trace plan is recorded from the script's start instead, because a script does not survive the restart.
#[must_use]
pub fn text(plan: &RecordingPlan, names: &ToolNames, options: &ScriptOptions) -> String {
    let (folder, base) = folder_and_base(names.trace.as_str());
    let long = |bytes: u64| bytes.min(i64::MAX.unsigned_abs()).to_string();
    let int = |seconds: u64| seconds.clamp(1, i32::MAX.unsigned_abs().into()).to_string();
    // Temporary files go to the trace's folder, whose disk space is monitored.
    let file_mode =
        if plan.logging_mode == LoggingMode::File { ", '-filemode', '-recordtempto', $OutFolder" } else { "" };
    let values = [
        ("DESCRIPTION", profile::description(plan)),
        ("FOLDER", folder.map_or_else(|| "$PSScriptRoot".to_owned(), literal)),
        ("BASE", literal(base)),
        ("POOL", options.pool.size_property().to_owned()),
        ("POOL_NAME", options.pool.sentence_name().to_owned()),
        ("AT_BYTES", long(options.stop_at_bytes.unwrap_or(0))),
        ("GROWTH_BYTES", long(options.stop_at_growth_bytes.unwrap_or(0))),
        ("SECONDS", int(options.stop_after_seconds)),
        ("POLL", int(options.poll_seconds.min(3600))),
        ("KEEP_FREE", long(options.min_free_bytes)),
        ("PROFILE_NAME", format!("{PROFILE_NAME}.{}", plan.detail_level.name())),
        ("FILE_MODE", file_mode.to_owned()),
        ("PROFILE", profile::text(plan)),
    ];
    fill(include_str!("script.ps1"), &values).replace('\n', "\r\n")
}

/// Replaces `{{NAME}}` by values. Values are not expanded again.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut text = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        let value = values.iter().find(|(known, _)| *known == name);
        text.push_str(value.map_or("", |(_, value)| value.trim_end_matches('\n')));
        rest = after;
    }
    text.push_str(rest);
    text
}

/// The folder of a path, if any, and the file name without extension.
fn folder_and_base(path: &str) -> (Option<&str>, &str) {
    let (folder, name) = match path.rfind(['\\', '/', ':']) {
        Some(at) => (path.get(..=at), path.get(at + 1..).unwrap_or_default()),
        None => (None, path),
    };
    let base = name.rsplit_once('.').map_or(name, |(base, _)| base);
    (folder, if base.is_empty() { name } else { base })
}

/// A PowerShell string literal in ASCII: single quotes are doubled, non-ASCII characters written as `[char]` codes.
fn literal(text: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut plain = String::new();
    let mut units = [0; 2];
    for c in text.chars() {
        if c.is_ascii() {
            plain.push(c);
            if c == '\'' {
                plain.push(c);
            }
            continue;
        }
        if !plain.is_empty() {
            parts.push(format!("'{}'", std::mem::take(&mut plain)));
        }
        parts.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("[char]0x{unit:04X}")));
    }
    if !plain.is_empty() || parts.is_empty() {
        parts.push(format!("'{plain}'"));
    }
    match parts.as_slice() {
        [one] if one.starts_with('\'') => one.clone(),
        // Starts with a string, because adding two characters does not give a string.
        several => format!("('' + {})", several.join(" + ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::TagScope;
    use super::super::shell_path::ShellPath;
    use super::super::tag::TagPatterns;
    use super::*;

    fn script(trace: &str, tags: &[&str], options: &ScriptOptions) -> String {
        let name = |text| ShellPath::new(text).expect("a name");
        let plan = RecordingPlan {
            scope: TagScope::Tags(TagPatterns::parse(tags).expect("tags")),
            ..RecordingPlan::default()
        };
        text(&plan, &ToolNames { profile: name("pool.wprp"), trace: name(trace) }, options)
    }

    /// Brackets left open at the end of the script, as PowerShell parses it; panics on an open quote.
    fn open_at_end(script: &str) -> Vec<char> {
        let mut open = Vec::new();
        let mut in_here_string = false;
        for line in script.lines() {
            if in_here_string {
                in_here_string = !line.starts_with("'@");
                continue;
            }
            let mut quote = None;
            for c in line.chars() {
                match (quote, c) {
                    (None, '#') => break,
                    (None, '\'' | '"') => quote = Some(c),
                    (Some(opened), _) if opened == c => quote = None,
                    (None, '(' | '{' | '[') => open.push(c),
                    (None, ')' | '}' | ']') => {
                        let wanted = match c {
                            ')' => '(',
                            '}' => '{',
                            _ => '[',
                        };
                        assert_eq!(open.pop(), Some(wanted), "{line}");
                    }
                    _ => {}
                }
            }
            in_here_string = line.ends_with("@'");
            assert!(quote.is_none() || in_here_string, "a quote is left open: {line}");
        }
        assert!(!in_here_string, "the here-string is left open");
        open
    }

    #[test]
    fn placeholders_are_filled_and_brackets_balanced() {
        let text = script("leak.etl", &["Leak", "'@{{", "a'\"`"], &ScriptOptions::default());
        assert!(text.is_ascii() && text.lines().count() > 100);
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        for name in ["DESCRIPTION", "FOLDER", "BASE", "POOL", "PROFILE", "SECONDS", "FILE_MODE"] {
            assert!(!text.contains(&format!("{{{{{name}}}}}")), "{name}");
        }
        assert_eq!(open_at_end(&text), [] as [char; 0], "{text}");
        assert!(text.contains("<PoolTag Value=\"&apos;@{{\" />"), "{text}");
        assert!(
            text.contains(
                "Invoke-Wpr @('-start', ($profileFile + '!PoolUsage.Verbose'), '-filemode', '-recordtempto', $OutFolder)\r\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn limits_and_names_are_inserted() {
        let options = ScriptOptions {
            pool: Pool::Paged,
            stop_at_bytes: Some(u64::MAX),
            stop_at_growth_bytes: Some(500_000_000),
            stop_after_seconds: u64::MAX,
            poll_seconds: 0,
            ..ScriptOptions::default()
        };
        let text = script("C:\\J\u{fc}rgen's\\le ak.etl", &["Leak"], &options);
        for line in [
            "[string]$OutFolder = ('' + 'C:\\J' + [char]0x00FC + 'rgen''s\\'),",
            "[string]$BaseName = 'le ak',",
            "[long]$StopAtBytes = 9223372036854775807,",
            "[long]$StopAtGrowthBytes = 500000000,",
            "[int]$StopAfterSeconds = 2147483647,",
            "[int]$PollSeconds = 1,",
            "return [long]$memory.PoolPagedBytes",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert_eq!(open_at_end(&text), [] as [char; 0]);
    }

    #[test]
    fn recordings_are_saved_unless_ctrl_c_cancels() {
        let text = script("leak.etl", &["Leak"], &ScriptOptions::default());
        let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words} is missing"));
        let order = [
            "Test-Elevated))",
            "try {",
            "'-start'",
            "while (",
            "'-stop'",
            "$recording = $false\r\n    Write-Host",
            "} catch {\r\n    # Not reached after Ctrl+C",
            "wpr -stop D:\\leak.etl",
            "    throw\r\n} finally {",
            "-cancel\r\n",
        ];
        let positions: Vec<usize> = order.iter().map(|words| at(words)).collect();
        assert!(positions.is_sorted(), "{positions:?}");
        assert!(text.contains("if ($LASTEXITCODE -ne 0)"));
    }

    #[test]
    fn powershell_literals_are_ascii() {
        assert_eq!(literal(""), "''");
        assert_eq!(literal("a'b"), "'a''b'");
        assert_eq!(literal("\u{e9}"), "('' + [char]0x00E9)");
        assert_eq!(literal("a\u{1f600}"), "('' + 'a' + [char]0xD83D + [char]0xDE00)");
        assert_eq!(folder_and_base("C:\\a\\b.etl"), (Some("C:\\a\\"), "b"));
        assert_eq!(folder_and_base("b.etl"), (None, "b"));
        assert_eq!(folder_and_base("a\\.etl"), (Some("a\\"), ".etl"));
    }
}
