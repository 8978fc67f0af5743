//! `record`: a recording profile for `wpr`, the commands beside it, and a script that needs no key press.

use super::io::Io;
use super::open::UsageError;
use super::poolmon::warn;
use super::record_args::{Args, Format, Planned};
use crate::format::{bytes, duration};
use crate::recording_text::size_estimate;
use anyhow::Context as _;
use poolscope_recording::{SizeEstimate, ShellPath, LoggingMode, ToolNames, ScriptOptions, commands, notes, profile, script};
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// The profile's name in the commands, where none is written.
const PROFILE: &str = "pool.wprp";

/// Runs the command.
///
/// # Errors
/// A tag or a name can't be used, or a file can't be read or written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    if let (Some(out), Some(script)) = (&args.out, &args.script)
        && is_same(out, script)
    {
        return Err(UsageError(format!("--out and --script both name {}: give each its own file", out.display())).into());
    }
    let planned = args.plan()?;
    warn(&planned.warnings, io)?;
    let text = profile::text(&planned.plan);
    let alone = args.out.as_deref() == Some(Path::new("-"));
    let names = ToolNames { profile: file_name(args.out.as_deref().filter(|_| !alone))?, trace: name(&args.trace)? };
    let options = args.script_options();
    let script = args.script.as_deref().map(|path| (path, script::text(&planned.plan, &names, &options)));
    // Neither file is written if the other one can't be.
    let files: Vec<(&Path, &str)> = args
        .out
        .as_deref()
        .filter(|_| !alone)
        .map(|path| (path, text.as_str()))
        .into_iter()
        .chain(script.as_ref().map(|(path, text)| (*path, text.as_str())))
        .collect();
    write_files(&files, args.force, io)?;
    if let Some(path) = &args.script {
        writeln!(io.err, "poolscope: {}", how_to_run(path, &options))?;
    }
    if alone {
        io.out.write_all(text.as_bytes())?;
        return Ok(0);
    }
    let shown = Shown { planned: &planned, names: &names, profile: &text, is_written: args.out.is_some() };
    match args.format {
        Format::Text => shown.text(io)?,
        Format::Json => {
            let document = shown.json(script.as_ref().map(|(_, text)| text.as_str()));
            serde_json::to_writer_pretty(&mut io.out, &document).map_err(std::io::Error::from)?;
            writeln!(io.out)?;
        }
    }
    Ok(0)
}

/// The last part of a path: the file is taken to the machine that is recorded.
fn file_name(path: Option<&Path>) -> anyhow::Result<ShellPath> {
    let Some(path) = path else { return name(PROFILE) };
    let last = path.file_name().map(|last| last.to_string_lossy().into_owned());
    name(&last.ok_or_else(|| UsageError(format!("'{}' names no file", path.display())))?)
}

fn name(text: &str) -> anyhow::Result<ShellPath> {
    ShellPath::new(text).map_err(|error| UsageError(error.to_string()).into())
}

/// Whether two paths lead to one file.
fn is_same(one: &Path, other: &Path) -> bool {
    let absolute = |path: &Path| std::path::absolute(path).ok();
    one == other || absolute(one).is_some_and(|one| absolute(other) == Some(one))
}

/// When a script stops, and the command that runs it in its folder.
fn how_to_run(path: &Path, options: &ScriptOptions) -> String {
    let pool = options.pool.name();
    let growth = options.stop_at_growth_bytes.map(|growth| format!("when {pool} has grown by {}", bytes(growth)));
    let size = options.stop_at_bytes.map(|size| format!("when {pool} holds {}", bytes(size)));
    let mut stops: Vec<String> = growth.into_iter().chain(size_estimate).collect();
    let latest = if stops.is_empty() { "after" } else { "at the latest after" };
    stops.push(format!("{latest} {}", duration(options.stop_after_seconds as f64)));
    let shown = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let file = ShellPath::new(&shown).map_or_else(|_| format!("\"{shown}\""), |name| name.argument());
    format!(
        "{} stops {}; run it with: powershell -NoProfile -ExecutionPolicy Bypass -File {file}",
        path.display(),
        stops.join(", ")
    )
}

/// Writes all of them or none.
fn write_files(files: &[(&Path, &str)], replace: bool, io: &mut Io<'_>) -> anyhow::Result<()> {
    if !replace && let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(exists(path));
    }
    let mut made: Vec<&Path> = Vec::new();
    for (path, text) in files {
        let is_new = !path.exists();
        if let Err(error) = write_new(path, text, replace) {
            for path in made {
                if let Err(why) = std::fs::remove_file(path) {
                    writeln!(io.err, "poolscope: {} was written and cannot be removed again: {why}", path.display())?;
                }
            }
            return Err(error);
        }
        if is_new {
            made.push(path);
        }
    }
    for (path, _) in files {
        writeln!(io.err, "poolscope: {} is written", path.display())?;
    }
    Ok(())
}

fn exists(path: &Path) -> anyhow::Error {
    anyhow::anyhow!("{} is there already: choose another name, or replace it with --force", path.display())
}

fn write_new(path: &Path, text: &str, replace: bool) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    if !replace {
        options.create_new(true);
    }
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(exists(path)),
        written => written.with_context(|| format!("cannot write {}", path.display())),
    }
}

/// What is shown.
struct Shown<'s> {
    planned: &'s Planned,
    names: &'s ToolNames,
    profile: &'s str,
    is_written: bool,
}

impl Shown<'_> {
    fn text(&self, io: &mut Io<'_>) -> std::io::Result<()> {
        let (bold, end) = if io.color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        let plan = &self.planned.plan;
        writeln!(io.out, "{bold}{}{end}", profile::description(plan))?;
        if let Some(basis) = self.planned.basis {
            writeln!(io.out, "The tags were {}.", basis.sentence())?;
        }
        for sentence in &self.planned.together {
            writeln!(io.out, "{sentence}.")?;
        }
        for sentence in size_estimate(plan, self.planned.rate_source) {
            writeln!(io.out, "{sentence}")?;
        }
        let file = self.names.profile.as_str();
        if self.is_written {
            writeln!(io.out, "\nTake {file} to the machine and run these in its folder.")?;
        } else {
            writeln!(io.out, "\n{bold}Save this as {file} (or give --out {file}){end}\n\n{}", self.profile.trim_end())?;
        }
        for group in commands(plan, self.names) {
            writeln!(io.out, "\n{bold}{}{end}", group.title)?;
            for command in group.commands {
                writeln!(io.out, "    {}\n        {}", command.line, command.description)?;
            }
        }
        writeln!(io.out, "\n{bold}Good to know{end}")?;
        for note in notes(plan) {
            writeln!(io.out, "  - {note}")?;
        }
        Ok(())
    }

    fn json(&self, script: Option<&str>) -> Value {
        let plan = &self.planned.plan;
        let tag = |tag: &poolscope_recording::TagPattern| json!({ "given": tag.given(), "pattern": tag.text(), "xperf": tag.shell_text() });
        let estimate = SizeEstimate::for_plan(plan);
        let group = |group: poolscope_recording::CommandGroup| {
            let lines = group.commands.iter().map(|command| json!({ "line": command.line, "says": command.description }));
            json!({ "way": group.kind.name(), "title": group.title, "commands": lines.collect::<Vec<_>>() })
        };
        json!({
            "description": profile::description(plan),
            "tags": plan.tags().iter().map(tag).collect::<Vec<_>>(),
            "chosen": self.planned.basis.map(|basis| {
                let sentences = std::iter::once(basis.sentence()).chain(self.planned.together.iter().map(String::as_str));
                sentences.collect::<Vec<_>>().join("; ")
            }),
            "big_allocations": plan.big_allocations,
            "mode": if plan.logging_mode == LoggingMode::File { "file" } else { "memory" },
            "stacks": { "allocation": plan.stacks.on_allocation, "free": plan.stacks.on_free },
            "boot": plan.boot,
            "estimate": {
                "events_per_second": plan.events_per_second(),
                "rate": self.planned.rate_source.name(),
                "seconds": plan.expected.seconds,
                "bytes_per_event": estimate.bytes_per_event,
                "bytes_per_minute": estimate.bytes_per_minute,
                "bytes": estimate.total_bytes,
                "buffer_kib": estimate.buffer_kib,
                "buffers": estimate.buffers,
                "wraps_after_s": estimate.wraps_after_seconds,
            },
            "profile": { "file": self.names.profile.as_str(), "text": self.profile },
            "commands": commands(plan, self.names).into_iter().map(group).collect::<Vec<_>>(),
            "script": script,
            "notes": notes(plan),
        })
    }
}
