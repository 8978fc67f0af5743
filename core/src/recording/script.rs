//! A PowerShell script that records without a key press: it starts `wpr` with the plan's profile, which it carries in itself, watches a
//! pool, and stops and saves at a size, at a growth or at a time. ASCII with Windows line ends, for Windows PowerShell 3 and later. Its
//! text is checked here as far as text can be; it is never run by this program.

use super::command::Names;
use super::plan::{Mode, PROFILE_NAME, Plan};
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
    pub keep_free_bytes: u64,
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
            keep_free_bytes: 2 << 30,
        }
    }
}

/// The script. A plan from the start of Windows on is recorded from the script's start on: a script doesn't survive the restart.
#[must_use]
pub fn text(plan: &Plan, names: &Names, options: &ScriptOptions) -> String {
    let (folder, base) = folder_and_base(names.trace.as_str());
    let long = |bytes: u64| bytes.min(i64::MAX.unsigned_abs()).to_string();
    let int = |seconds: u64| seconds.clamp(1, i32::MAX.unsigned_abs().into()).to_string();
    let file_mode = if plan.mode == Mode::File { ", '-filemode'" } else { "" };
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
        ("KEEP_FREE", long(options.keep_free_bytes)),
        ("PROFILE_NAME", format!("{PROFILE_NAME}.{}", plan.detail.name())),
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
