//! The exact commands of a plan, in plain ASCII but for names of files, each with one line on what it does. `cmd.exe` and PowerShell take
//! each of them as it stands. Facts: Microsoft's pages on the command lines of `wpr` and `xperf`.

use super::estimate::SizeEstimate;
use super::shell_path::ShellPath;
use super::plan::{LoggingMode, PROFILE_NAME, RecordingPlan, WindowsVersion};
use super::tag::TagPattern;

/// A line to copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// The line.
    pub line: String,
    /// What it does, in one sentence.
    pub description: String,
}

/// What a group of commands is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandKind {
    /// Rights of an administrator.
    Elevation,
    /// What has to be set before, with a restart.
    Prepare,
    /// `wpr` with the plan's profile.
    Wpr,
    /// The same from the start of Windows on.
    Boot,
    /// `wpr` without a profile of one's own.
    BuiltIn,
    /// `xperf`.
    Xperf,
    /// A file that nobody merged.
    Merge,
    /// What to do with the trace.
    Read,
}

impl CommandKind {
    /// The word that machines read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Elevation => "elevation",
            Self::Prepare => "prepare",
            Self::Wpr => "wpr",
            Self::Boot => "boot",
            Self::BuiltIn => "built-in",
            Self::Xperf => "xperf",
            Self::Merge => "merge",
            Self::Read => "read",
        }
    }
}

/// Commands that belong together, in the order in which they are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandGroup {
    /// What for.
    pub kind: CommandKind,
    /// The same as a heading.
    pub title: String,
    /// The commands.
    pub commands: Vec<CommandLine>,
}

/// The files that the commands name, on the machine that is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolNames {
    /// The profile, `.wprp`.
    pub profile: ShellPath,
    /// The trace, `.etl`.
    pub trace: ShellPath,
}

fn command(line: impl Into<String>, says: impl Into<String>) -> CommandLine {
    CommandLine { line: line.into(), description: says.into() }
}

/// Every command of the plan: first what has to be done before, then the way that fits best.
#[must_use]
pub fn commands(plan: &RecordingPlan, names: &ToolNames) -> Vec<CommandGroup> {
    let mut groups = vec![elevation(names)];
    groups.extend(prepare(plan));
    let by_xperf = xperf(plan, names);
    groups.extend(match (plan.windows, plan.boot) {
        (WindowsVersion::Windows7, false) => vec![by_xperf, wpr(plan, names)],
        (WindowsVersion::Windows7, true) => vec![xbootmgr(plan), by_xperf],
        (WindowsVersion::Later, false) => vec![wpr(plan, names), built_in(plan, names), by_xperf],
        (WindowsVersion::Later, true) => vec![boot(plan, names), built_in(plan, names), by_xperf],
    });
    groups.extend([merge(names), read(plan, names)]);
    groups
}

/// Where the commands are run and the traces are saved.
const FOLDER: &str = "C:\\poolscope";

fn elevation(names: &ToolNames) -> CommandGroup {
    let profile = names.profile.as_str();
    let commands = vec![
        command(
            "powershell -NoProfile -Command \"Start-Process cmd -Verb RunAs\"",
            "Opens a command prompt with the rights that recording needs.",
        ),
        command(
            // The second is that of SYSTEM.
            "whoami /groups | findstr \"S-1-16-12288 S-1-16-16384\"",
            "Prints a line if this prompt has them already, and nothing if not.",
        ),
        command(format!("mkdir {FOLDER}"), "Makes a folder for profile and trace."),
        command(
            format!("cd {FOLDER}"),
            format!(
                "Goes there: a prompt run as administrator begins in System32. Copy {profile} into this folder first."
            ),
        ),
    ];
    CommandGroup { kind: CommandKind::Elevation, title: "First: a prompt run as administrator".to_owned(), commands }
}

fn prepare(plan: &RecordingPlan) -> Option<CommandGroup> {
    let key = "\"HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Memory Management\"";
    let set = |value: u8| format!("reg add {key} /v DisablePagingExecutive /t REG_DWORD /d {value} /f");
    let commands = vec![
        command(
            set(1),
            "Only on Windows 7 and Server 2008 R2 for x64: keeps the kernel's unwind data in memory, without which stacks break off.",
        ),
        command("shutdown /r /t 0", "Restarts at once; the setting counts from then on."),
        command(set(0), "After the recording: sets it back; it counts from the next start on."),
    ];
    let needed = plan.windows == WindowsVersion::Windows7 && plan.stacks.any();
    needed.then(|| CommandGroup { kind: CommandKind::Prepare, title: "Once, on x64 only, for whole stacks".to_owned(), commands })
}

/// The profile as `wpr` takes it.
fn profile_argument(plan: &RecordingPlan, names: &ToolNames) -> String {
    let file_mode = file_mode(plan.logging_mode);
    let profile = names.profile.argument_with(&format!("!{PROFILE_NAME}.{}", plan.detail_level.name()));
    format!("{profile}{file_mode}")
}

fn file_mode(mode: LoggingMode) -> &'static str {
    if mode == LoggingMode::File { " -filemode" } else { "" }
}

fn into(mode: LoggingMode) -> &'static str {
    match mode {
        LoggingMode::File => "into a file that grows",
        LoggingMode::Memory => "into memory, where the oldest is overwritten",
    }
}

fn wpr(plan: &RecordingPlan, names: &ToolNames) -> CommandGroup {
    let commands = vec![
        command(
            format!("wpr -start {}", profile_argument(plan, names)),
            format!("Starts to record with this profile, {}.", into(plan.logging_mode)),
        ),
        status(),
        command(
            format!("wpr -stop {}", names.trace.argument()),
            "Stops, adds what symbols need and saves the trace; it can take minutes.",
        ),
        cancel(),
    ];
    let title = match plan.windows {
        WindowsVersion::Later => "With wpr, which is part of Windows 10 and later",
        WindowsVersion::Windows7 => "With wpr of the Windows Performance Toolkit, if that is installed",
    };
    CommandGroup { kind: CommandKind::Wpr, title: title.to_owned(), commands }
}

fn status() -> CommandLine {
    command(
        "wpr -status collectors -details",
        "While it records: shows the time, the buffers and how many events were lost; that has to be 0 (an old wpr wants details without the dash).",
    )
}

fn cancel() -> CommandLine {
    command("wpr -cancel", "Instead of the stop: ends the recording and throws it away.")
}

fn boot(plan: &RecordingPlan, names: &ToolNames) -> CommandGroup {
    let says = format!("Records from the next start of Windows on, {}.", into(plan.logging_mode));
    let commands = boot_commands(&profile_argument(plan, names), says, names);
    CommandGroup { kind: CommandKind::Boot, title: "With wpr, from the start of Windows on".to_owned(), commands }
}

fn boot_commands(profile: &str, says: String, names: &ToolNames) -> Vec<CommandLine> {
    vec![
        command(format!("wpr -boottrace -addboot {profile}"), says),
        command("shutdown /r /t 0", "Restarts at once: save everything before."),
        status(),
        command(
            format!("wpr -boottrace -stopboot {}", names.trace.argument()),
            "After the restart, when the leak was seen: stops, adds what symbols need and saves the trace.",
        ),
        command(
            "wpr -boottrace -cancelboot",
            "Instead of the stop: ends it, throws it away, and records no later start.",
        ),
    ]
}

/// On Windows 7 no wpr records a start of Windows.
fn xbootmgr(plan: &RecordingPlan) -> CommandGroup {
    let mut line = format!("xbootmgr -trace boot -traceFlags {}", xperf_flags(plan));
    let stacks = plan.xperf_stack_names();
    if !stacks.is_empty() {
        line.push_str(&format!(" -stackWalk {}", stacks.join("+")));
    }
    line.push_str(&format!(" -resultPath {FOLDER}"));
    let says =
        "Restarts at once, records from the start of Windows on, and saves the trace there; it takes no tag filter.";
    let title = "With xbootmgr of the Windows Performance Toolkit, from the start of Windows on";
    CommandGroup { kind: CommandKind::Boot, title: title.to_owned(), commands: vec![command(line, says)] }
}

fn built_in(plan: &RecordingPlan, names: &ToolNames) -> CommandGroup {
    let title = "Without a profile of one's own: larger, and no tag can be chosen".to_owned();
    let file_mode = file_mode(plan.logging_mode);
    if plan.boot {
        let says = format!(
            "Records every tag from the next start of Windows on, by a profile of wpr itself, {}.",
            into(plan.logging_mode)
        );
        let commands = boot_commands(&format!("Pool{file_mode}"), says, names);
        return CommandGroup { kind: CommandKind::BuiltIn, title, commands };
    }
    let commands = vec![
        command(
            format!("wpr -start GeneralProfile -start Pool{file_mode}"),
            format!(
                "Starts to record every tag, with what the processors and disks do, by profiles of wpr itself, {}.",
                into(plan.logging_mode)
            ),
        ),
        command(format!("wpr -start Pool{file_mode}"), "Instead of it: every tag, and nothing else."),
        status(),
        command(
            format!("wpr -stop {}", names.trace.argument()),
            "Stops, adds what symbols need and saves the trace; it can take minutes.",
        ),
        cancel(),
    ];
    CommandGroup { kind: CommandKind::BuiltIn, title, commands }
}

/// The kernel's flags, as xperf and xbootmgr call them.
fn xperf_flags(plan: &RecordingPlan) -> &'static str {
    if plan.needs_memory_keyword() { "PROC_THREAD+LOADER+POOL+MEMORY" } else { "PROC_THREAD+LOADER+POOL" }
}

/// The start of a recording with `xperf`, without buffers and files.
pub(super) fn xperf_start(plan: &RecordingPlan) -> String {
    let mut line = format!("xperf -on {}", xperf_flags(plan));
    let stacks = plan.xperf_stack_names();
    if !stacks.is_empty() {
        line.push_str(&format!(" -stackwalk {}", stacks.join("+")));
    }
    let tags: Vec<String> = plan.tags().iter().map(TagPattern::shell_text).collect();
    if !tags.is_empty() {
        line.push_str(&format!(" -PoolTag {}", tags.join("+")));
    }
    line
}

fn xperf(plan: &RecordingPlan, names: &ToolNames) -> CommandGroup {
    // In its circular mode the log is a file of fixed size; its buffers are those of a file in both modes.
    let buffers = SizeEstimate::for_mode(plan, LoggingMode::File);
    let mut line = format!(
        "{} -BufferSize {} -MinBuffers {} -MaxBuffers {}",
        xperf_start(plan),
        buffers.buffer_kib,
        buffers.buffers,
        buffers.buffers * 2
    );
    if plan.logging_mode == LoggingMode::Memory {
        let held_mib = (SizeEstimate::for_mode(plan, LoggingMode::Memory).buffer_bytes() >> 20).max(1);
        line.push_str(&format!(" -MaxFile {held_mib} -FileMode Circular"));
    } else {
        line.push_str(" -FileMode Sequential");
    }
    let says = match plan.logging_mode {
        LoggingMode::File => "Starts to record into a file that grows, \\kernel.etl in the root of the current drive.",
        LoggingMode::Memory => {
            "Starts to record into a file of this many MB, in which the oldest is overwritten: \\kernel.etl in the root of the current drive."
        }
    };
    let commands = vec![
        command(line, says),
        command(
            "xperf -loggers",
            "While it records: lists the loggers with the events and buffers they lost; that has to be 0.",
        ),
        command(
            format!("xperf -d {}", names.trace.argument()),
            "Stops, merges and saves the trace; only what is merged on this machine carries what symbols need.",
        ),
        command("xperf -stop", "Instead: ends the recording and leaves \\kernel.etl unmerged."),
    ];
    let usual = if plan.windows == WindowsVersion::Windows7 { ", the usual way on Windows 7" } else { "" };
    let from_now = if plan.boot { ": from now on, not from the start" } else { "" };
    let title = format!("With xperf of the Windows Performance Toolkit{usual}{from_now}");
    CommandGroup { kind: CommandKind::Xperf, title, commands }
}

fn merge(names: &ToolNames) -> CommandGroup {
    let merged = names.trace.argument();
    let commands = vec![
        command(
            format!("xperf -merge recorded.etl {merged}"),
            "On the machine that recorded it: adds the identities of the modules to a file that was never merged. recorded.etl stands for it; \
             xperf calls it \\kernel.etl.",
        ),
        command(format!("wpr -merge recorded.etl {merged}"), "The same with a newer wpr."),
    ];
    CommandGroup { kind: CommandKind::Merge, title: "If there is a file already, and it was never merged".to_owned(), commands }
}

fn read(plan: &RecordingPlan, names: &ToolNames) -> CommandGroup {
    let trace = names.trace.argument();
    let mut commands =
        vec![command(format!("poolscope leaks {trace}"), "Says what leaks, from where, and how sure that is.")];
    if plan.big_allocations {
        commands.push(command(
            format!("poolscope report {trace} --where \"size>4064\""),
            "Shows the big allocations alone.",
        ));
    }
    CommandGroup { kind: CommandKind::Read, title: "Then, on any machine".to_owned(), commands }
}

#[cfg(test)]
mod tests {
    use super::super::plan::{TagScope, StackOptions};
    use super::super::tag::TagPatterns;
    use super::*;

    fn names() -> ToolNames {
        let name = |text| ShellPath::new(text).expect("a name");
        ToolNames { profile: name("pool.wprp"), trace: name("C:\\my traces\\leak.etl") }
    }

    fn lines(plan: &RecordingPlan, way: CommandKind) -> Vec<String> {
        let group = commands(plan, &names()).into_iter().find(|group| group.kind == way);
        group.map_or_else(Vec::new, |group| group.commands.into_iter().map(|command| command.line).collect())
    }

    fn leak() -> RecordingPlan {
        RecordingPlan { scope: TagScope::Tags(TagPatterns::parse(["Leak", "Fil"]).expect("tags")), ..RecordingPlan::default() }
    }

    #[test]
    fn wpr_takes_the_profile_by_name_and_mode() {
        let trace = "\"C:\\my traces\\leak.etl\"";
        assert_eq!(
            lines(&leak(), CommandKind::Wpr),
            [
                "wpr -start pool.wprp!PoolUsage.Verbose -filemode".to_owned(),
                "wpr -status collectors -details".to_owned(),
                format!("wpr -stop {trace}"),
                "wpr -cancel".to_owned(),
            ]
        );
        let memory = RecordingPlan { logging_mode: LoggingMode::Memory, ..leak() };
        assert_eq!(lines(&memory, CommandKind::Wpr)[0], "wpr -start pool.wprp!PoolUsage.Verbose");
        let built_in = ["wpr -start GeneralProfile -start Pool -filemode", "wpr -start Pool -filemode"];
        assert_eq!(lines(&leak(), CommandKind::BuiltIn)[..2], built_in);
        assert_eq!(lines(&memory, CommandKind::BuiltIn)[0], "wpr -start GeneralProfile -start Pool");
    }

    #[test]
    fn a_boot_trace_is_added_and_stopped_after_the_restart() {
        let boot = lines(&RecordingPlan { boot: true, ..leak() }, CommandKind::Boot);
        assert_eq!(boot[0], "wpr -boottrace -addboot pool.wprp!PoolUsage.Verbose -filemode");
        assert_eq!(boot[3], "wpr -boottrace -stopboot \"C:\\my traces\\leak.etl\"");
        assert_eq!(boot[4], "wpr -boottrace -cancelboot");
        assert!(lines(&leak(), CommandKind::Boot).is_empty());
        let built_in = lines(&RecordingPlan { boot: true, ..leak() }, CommandKind::BuiltIn);
        assert_eq!(built_in[0], "wpr -boottrace -addboot Pool -filemode");
        assert_eq!(built_in[1..], boot[1..], "nothing starts now, and nothing else stops it");
        let memory = RecordingPlan { boot: true, logging_mode: LoggingMode::Memory, ..leak() };
        assert_eq!(lines(&memory, CommandKind::BuiltIn)[0], "wpr -boottrace -addboot Pool");
    }

    #[test]
    fn only_xbootmgr_records_the_start_of_windows_7() {
        let old = RecordingPlan { boot: true, windows: WindowsVersion::Windows7, ..leak() };
        assert_eq!(
            lines(&old, CommandKind::Boot),
            ["xbootmgr -trace boot -traceFlags PROC_THREAD+LOADER+POOL \
              -stackWalk PoolAlloc+PoolAllocSession+PoolFree+PoolFreeSession -resultPath C:\\poolscope"]
        );
        let bare = RecordingPlan { stacks: StackOptions::NONE, big_allocations: true, ..old.clone() };
        assert_eq!(
            lines(&bare, CommandKind::Boot),
            ["xbootmgr -trace boot -traceFlags PROC_THREAD+LOADER+POOL+MEMORY -resultPath C:\\poolscope"]
        );
        let groups = commands(&old, &names());
        let ways: Vec<CommandKind> = groups.iter().map(|group| group.kind).collect();
        assert_eq!(ways, [CommandKind::Elevation, CommandKind::Prepare, CommandKind::Boot, CommandKind::Xperf, CommandKind::Merge, CommandKind::Read]);
        assert!(groups[3].title.ends_with("Windows 7: from now on, not from the start"), "{}", groups[3].title);
    }

    #[test]
    fn an_elevated_prompt_begins_elsewhere() {
        let lines = lines(&leak(), CommandKind::Elevation);
        assert_eq!(
            lines[1..],
            ["whoami /groups | findstr \"S-1-16-12288 S-1-16-16384\"", "mkdir C:\\poolscope", "cd C:\\poolscope"]
        );
        let groups = commands(&leak(), &names());
        assert!(groups[0].commands[3].description.ends_with("Copy pool.wprp into this folder first."));
    }

    #[test]
    fn xperf_says_where_its_file_is() {
        let plans = [leak(), RecordingPlan { logging_mode: LoggingMode::Memory, ..leak() }];
        for group in plans.iter().flat_map(|plan| commands(plan, &names())) {
            for command in group.commands {
                let names_it =
                    ["xperf -on", "xperf -stop", "xperf -merge"].iter().any(|start| command.line.starts_with(start));
                assert_eq!(command.description.contains("\\kernel.etl"), names_it, "{command:?}");
            }
        }
    }

    #[test]
    fn xperf_walks_all_four_stacks_and_filters() {
        let start = &lines(&leak(), CommandKind::Xperf)[0];
        let wanted = "xperf -on PROC_THREAD+LOADER+POOL -stackwalk PoolAlloc+PoolAllocSession+PoolFree+PoolFreeSession -PoolTag Leak+Fil? \
                      -BufferSize 128 -MinBuffers ";
        assert!(start.starts_with(wanted) && start.ends_with(" -FileMode Sequential"), "{start}");
        let circular = &lines(&RecordingPlan { logging_mode: LoggingMode::Memory, ..leak() }, CommandKind::Xperf)[0];
        assert!(circular.contains(" -MaxFile ") && circular.ends_with(" -FileMode Circular"), "{circular}");
        let bare = &lines(&RecordingPlan { stacks: StackOptions::NONE, ..RecordingPlan::default() }, CommandKind::Xperf)[0];
        assert!(!bare.contains("-stackwalk") && !bare.contains("-PoolTag"), "{bare}");
        assert_eq!(lines(&leak(), CommandKind::Xperf)[2], "xperf -d \"C:\\my traces\\leak.etl\"");
        assert!(lines(&RecordingPlan { big_allocations: true, ..leak() }, CommandKind::Xperf)[0].contains("+POOL+MEMORY "));
    }

    #[test]
    fn only_windows_7_needs_the_registry_and_has_xperf_first() {
        assert!(lines(&leak(), CommandKind::Prepare).is_empty());
        let old = RecordingPlan { windows: WindowsVersion::Windows7, ..leak() };
        assert!(lines(&old, CommandKind::Prepare)[0].contains("DisablePagingExecutive /t REG_DWORD /d 1"));
        assert!(lines(&RecordingPlan { stacks: StackOptions::NONE, ..old.clone() }, CommandKind::Prepare).is_empty());
        let ways: Vec<CommandKind> = commands(&old, &names()).iter().map(|group| group.kind).collect();
        assert_eq!(ways, [CommandKind::Elevation, CommandKind::Prepare, CommandKind::Xperf, CommandKind::Wpr, CommandKind::Merge, CommandKind::Read]);
    }

    #[test]
    fn every_line_is_ascii_and_says_what_it_does() {
        let plans = [WindowsVersion::Later, WindowsVersion::Windows7]
            .map(|system| [false, true].map(|boot| RecordingPlan { boot, windows: system, big_allocations: true, ..leak() }));
        for plan in plans.as_flattened() {
            for group in commands(plan, &names()) {
                for command in group.commands {
                    assert!(
                        command.line.is_ascii() && command.line.matches('"').count().is_multiple_of(2),
                        "{}",
                        command.line
                    );
                    assert!(command.description.ends_with('.') && !command.description.contains('\n'), "{}", command.description);
                }
            }
        }
    }
}
