//! A PowerShell script that records without a key press: it starts `wpr` with the plan's profile, which it carries in itself, watches a
//! pool, and stops and saves at a size, at a growth or at a time. ASCII with Windows line ends, for Windows PowerShell 3 and later. Its
//! text is checked here as far as text can be; it is never run by this program.

use super::command::ToolNames;
use super::plan::{LoggingMode, PROFILE_NAME, RecordingPlan};
use super::profile;

/// The pool that is watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum WatchedPool {
    /// Nonpaged pool.
    #[default]
    NonPaged,
    /// Paged pool.
    Paged,
}

impl WatchedPool {
    /// The property of `Win32_PerfRawData_PerfOS_Memory`.
    const fn property(self) -> &'static str {
        match self {
            Self::NonPaged => "PoolNonpagedBytes",
            Self::Paged => "PoolPagedBytes",
        }
    }

    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NonPaged => "nonpaged pool",
            Self::Paged => "paged pool",
        }
    }
}

/// When the script stops. Whatever comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScriptOptions {
    /// The pool that is watched.
    pub pool: WatchedPool,
    /// Stop when the pool is this large.
    pub stop_at_bytes: Option<u64>,
    /// Stop when the pool has grown by this much since the start.
    pub stop_at_growth_bytes: Option<u64>,
    /// Stop after this time at the latest.
    pub stop_after_seconds: u64,
    /// Time between two looks at the pool.
    pub poll_seconds: u64,
    /// Stop when a disk has less room than this; a recording in file mode fills it else.
    pub min_free_bytes: u64,
}

impl Default for ScriptOptions {
    /// At the latest after an hour; a look every five seconds; two gigabytes are left on the disk.
    fn default() -> Self {
        Self {
            pool: WatchedPool::default(),
            stop_at_bytes: None,
            stop_at_growth_bytes: None,
            stop_after_seconds: 3600,
            poll_seconds: 5,
            min_free_bytes: 2 << 30,
        }
    }
}

/// The script. A plan from the start of Windows on is recorded from the script's start on: a script doesn't survive the restart.
#[must_use]
pub fn text(plan: &RecordingPlan, names: &ToolNames, options: &ScriptOptions) -> String {
    let (folder, base) = folder_and_base(names.trace.as_str());
    let long = |bytes: u64| bytes.min(i64::MAX.unsigned_abs()).to_string();
    let int = |seconds: u64| seconds.clamp(1, i32::MAX.unsigned_abs().into()).to_string();
    // Beside the trace, so that one disk is filled, which is the one that is watched.
    let file_mode = if plan.logging_mode == LoggingMode::File { ", '-filemode', '-recordtempto', $OutFolder" } else { "" };
    let values = [
        ("DESCRIPTION", profile::description(plan)),
        ("FOLDER", folder.map_or_else(|| "$PSScriptRoot".to_owned(), literal)),
        ("BASE", literal(base)),
        ("POOL", options.pool.property().to_owned()),
        ("POOL_NAME", options.pool.name().to_owned()),
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

/// Puts the values where `{{NAME}}` stands. What a value holds is never looked at again.
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

/// The folder of a path, if it names one, and its name without the ending.
fn folder_and_base(path: &str) -> (Option<&str>, &str) {
    let (folder, name) = match path.rfind(['\\', '/', ':']) {
        Some(at) => (path.get(..=at), path.get(at + 1..).unwrap_or_default()),
        None => (None, path),
    };
    let base = name.rsplit_once('.').map_or(name, |(base, _)| base);
    (folder, if base.is_empty() { name } else { base })
}

/// A string of PowerShell in ASCII: single quotes are doubled, other characters written as their codes.
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
        // A string in front, since the sum of two characters is no string.
        several => format!("('' + {})", several.join(" + ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::shell_path::ShellPath;
    use super::super::plan::TagScope;
    use super::super::tag::TagPatterns;
    use super::*;

    fn script(trace: &str, tags: &[&str], options: &ScriptOptions) -> String {
        let name = |text| ShellPath::new(text).expect("a name");
        let plan = RecordingPlan { scope: TagScope::Tags(TagPatterns::parse(tags).expect("tags")), ..RecordingPlan::default() };
        text(&plan, &ToolNames { profile: name("pool.wprp"), trace: name(trace) }, options)
    }

    /// What is left open at the end of the script: quotes and brackets, as PowerShell reads them.
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
    fn every_place_is_filled_and_every_bracket_closed() {
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
    fn limits_and_names_stand_in_it() {
        let options = ScriptOptions {
            pool: WatchedPool::Paged,
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
    fn what_was_started_is_saved_and_only_ctrl_c_throws_it_away() {
        let text = script("leak.etl", &["Leak"], &ScriptOptions::default());
        let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words} is missing"));
        let order = [
            "Test-Elevated))",
            "try {",
            "'-start'",
            "while (",
            "'-stop'",
            "$recording = $false\r\n    Write-Host",
            "} catch {\r\n    # Not after Ctrl+C",
            "wpr -stop D:\\leak.etl",
            "    throw\r\n} finally {",
            "-cancel\r\n",
        ];
        let places: Vec<usize> = order.iter().map(|words| at(words)).collect();
        assert!(places.is_sorted(), "{places:?}");
        assert!(text.contains("if ($LASTEXITCODE -ne 0)"));
    }

    #[test]
    fn strings_of_powershell_are_ascii() {
        assert_eq!(literal(""), "''");
        assert_eq!(literal("a'b"), "'a''b'");
        assert_eq!(literal("\u{e9}"), "('' + [char]0x00E9)");
        assert_eq!(literal("a\u{1f600}"), "('' + 'a' + [char]0xD83D + [char]0xDE00)");
        assert_eq!(folder_and_base("C:\\a\\b.etl"), (Some("C:\\a\\"), "b"));
        assert_eq!(folder_and_base("b.etl"), (None, "b"));
        assert_eq!(folder_and_base("a\\.etl"), (Some("a\\"), ".etl"));
    }
}
