//! Command lines that record a plan with wpr, xperf or xbootmgr, each with a description. ASCII except for file names; `cmd.exe` and
//! PowerShell take them unchanged. Source: Microsoft's documentation of the command lines of `wpr` and `xperf`.

use super::estimate::SizeEstimate;
use super::plan::{LoggingMode, PROFILE_NAME, RecordingPlan, WindowsVersion};
use super::shell_path::ShellPath;
use super::tag::TagPattern;

/// A command line with its description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// The command line.
    pub line: String,
    /// One sentence on what it does.
    pub description: String,
}

/// Purpose of a group of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandKind {
    /// Opening a prompt with administrator rights.
    Elevation,
    /// Settings that require a restart before recording.
    Prepare,
    /// Recording by `wpr` with the plan's profile.
    Wpr,
    /// Boot trace.
    Boot,
    /// Recording by `wpr` with its built-in profiles.
    BuiltIn,
    /// Recording by `xperf`.
    Xperf,
    /// Errors of `wpr` when it starts.
    Trouble,
    /// Merging a trace that was not merged.
    Merge,
    /// Analyzing the trace.
    Read,
}

impl CommandKind {
    /// Identifier in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Elevation => "elevation",
            Self::Prepare => "prepare",
            Self::Wpr => "wpr",
            Self::Boot => "boot",
            Self::BuiltIn => "built-in",
            Self::Xperf => "xperf",
            Self::Trouble => "trouble",
            Self::Merge => "merge",
            Self::Read => "read",
        }
    }
}

/// Commands for one purpose, in the order of use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandGroup {
    /// Purpose.
    pub kind: CommandKind,
    /// Heading.
    pub title: String,
    /// The commands.
    pub commands: Vec<CommandLine>,
}

/// File names in the command lines, on the recorded machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolNames {
    /// Profile, `.wprp`.
    pub profile: ShellPath,
    /// Trace, `.etl`.
    pub trace: ShellPath,
}

fn command(line: impl Into<String>, description: impl Into<String>) -> CommandLine {
    CommandLine { line: line.into(), description: description.into() }
}

/// All commands of a plan: preparation, recording (preferred tool first), merging, analysis.
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
    groups.extend([trouble(), merge(names), read(plan, names)]);
    groups
}

/// Folder in which the commands run and traces are saved.
const FOLDER: &str = "C:\\poolscope";

fn elevation(names: &ToolNames) -> CommandGroup {
    let profile = names.profile.as_str();
    let commands = vec![
        command(
            "powershell -NoProfile -Command \"Start-Process cmd -Verb RunAs\"",
            "Opens a command prompt with administrator rights, which recording requires.",
        ),
        command(
            // High integrity level, and that of SYSTEM.
            "whoami /groups | findstr \"S-1-16-12288 S-1-16-16384\"",
            "Prints a line if this prompt already has administrator rights, and nothing otherwise.",
        ),
        command(format!("mkdir {FOLDER}"), "Creates a folder for profile and trace."),
        command(
            format!("cd {FOLDER}"),
            format!(
                "Changes to the folder: an administrator prompt starts in System32. Copy {profile} into this folder first."
            ),
        ),
    ];
    CommandGroup { kind: CommandKind::Elevation, title: "First: open an administrator prompt".to_owned(), commands }
}

fn prepare(plan: &RecordingPlan) -> Option<CommandGroup> {
    let key = "\"HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Memory Management\"";
    let set = |value: u8| format!("reg add {key} /v DisablePagingExecutive /t REG_DWORD /d {value} /f");
    let commands = vec![
        command(
            set(1),
            "Only on Windows 7 and Server 2008 R2 for x64: keeps the kernel's unwind data in memory; without it stacks are incomplete.",
        ),
        command("shutdown /r /t 0", "Restarts immediately; the setting takes effect then."),
        command(set(0), "After the recording: restores the setting; takes effect at the next restart."),
    ];
    let needed = plan.windows == WindowsVersion::Windows7 && plan.stacks.any();
    needed.then(|| CommandGroup {
        kind: CommandKind::Prepare,
        title: "Once, on x64 only, for complete stacks".to_owned(),
        commands,
    })
}

/// Profile argument of `wpr`, with the logging mode.
fn profile_argument(plan: &RecordingPlan, names: &ToolNames) -> String {
    let file_mode = file_mode(plan.logging_mode);
    let profile = names.profile.argument_with(&format!("!{PROFILE_NAME}.{}", plan.detail_level.name()));
    format!("{profile}{file_mode}")
}

fn file_mode(mode: LoggingMode) -> &'static str {
    if mode == LoggingMode::File { " -filemode" } else { "" }
}

fn destination(mode: LoggingMode) -> &'static str {
    match mode {
        LoggingMode::File => "to a growing file",
        LoggingMode::Memory => "to memory, where the oldest events are overwritten",
    }
}

fn wpr(plan: &RecordingPlan, names: &ToolNames) -> CommandGroup {
    let commands = vec![
        command(
            format!("wpr -start {}", profile_argument(plan, names)),
            format!("Starts recording with this profile, {}.", destination(plan.logging_mode)),
        ),
        status(),
        command(
            format!("wpr -stop {}", names.trace.argument()),
            "Stops, adds the data needed for symbols and saves the trace; this can take minutes.",
        ),
        stop_compressed("wpr -stop", names),
        cancel(),
    ];
    let title = match plan.windows {
        WindowsVersion::Later => "With wpr, which is part of Windows 10 and later",
        WindowsVersion::Windows7 => "With wpr of the Windows Performance Toolkit, if that is installed",
    };
    CommandGroup { kind: CommandKind::Wpr, title: title.to_owned(), commands }
}

/// Saves a smaller trace. `wpr` compresses it while it merges.
fn stop_compressed(stop: &str, names: &ToolNames) -> CommandLine {
    command(
        format!("{stop} {} -compress", names.trace.argument()),
        "Instead of it: the same, compressed to a quarter or less; poolscope reads it as it is (wpr of Windows 10 or later).",
    )
}

/// What to do if `wpr` does not start.
fn trouble() -> CommandGroup {
    let commands = vec![
        command(
            "logman query -ets",
            "Error 0x800705aa: all trace sessions of Windows are in use, or some were left over by earlier recordings; smaller buffers do not help. This lists \
             the sessions.",
        ),
        command("logman stop NAME -ets", "Ends a session that nobody needs. Replace NAME by its name."),
        command("wpr -cancel", "Ends a recording of wpr that was left over."),
        command(
            "wpr -profiles",
            "Error 0xc5580701: the profile does not fit the schema of this version of wpr. Use a newer version from the Windows Performance Toolkit, or a \
             built-in profile, which this lists.",
        ),
    ];
    CommandGroup { kind: CommandKind::Trouble, title: "If wpr does not start".to_owned(), commands }
}

fn status() -> CommandLine {
    command(
        "wpr -status collectors -details",
        "While recording: shows the time, the buffers and the number of lost events, which should be 0 (old versions of wpr take details without the dash).",
    )
}

fn cancel() -> CommandLine {
    command("wpr -cancel", "Instead of stopping: cancels the recording and discards it.")
}

fn boot(plan: &RecordingPlan, names: &ToolNames) -> CommandGroup {
    let description = format!("Records from the next start of Windows, {}.", destination(plan.logging_mode));
    let commands = boot_commands(&profile_argument(plan, names), description, names);
    CommandGroup { kind: CommandKind::Boot, title: "With wpr, boot trace".to_owned(), commands }
}

fn boot_commands(profile: &str, description: String, names: &ToolNames) -> Vec<CommandLine> {
    vec![
        command(format!("wpr -boottrace -addboot {profile}"), description),
        command("shutdown /r /t 0", "Restarts immediately: save your work first."),
        status(),
        command(
            format!("wpr -boottrace -stopboot {}", names.trace.argument()),
            "After the restart, once the leak has occurred: stops, adds the data needed for symbols and saves the trace.",
        ),
        command(
            "wpr -boottrace -cancelboot",
            "Instead of stopping: cancels and discards the recording, and does not record later starts.",
        ),
    ]
}

/// Boot trace on Windows 7, where wpr has none.
fn xbootmgr(plan: &RecordingPlan) -> CommandGroup {
    let mut line = format!("xbootmgr -trace boot -traceFlags {}", xperf_flags(plan));
    let stacks = plan.xperf_stack_names();
    if !stacks.is_empty() {
        line.push_str(&format!(" -stackWalk {}", stacks.join("+")));
    }
    line.push_str(&format!(" -resultPath {FOLDER}"));
    let description = "Restarts immediately, records from the start of Windows, and saves the trace in that folder; it has no tag filter.";
    let title = "With xbootmgr of the Windows Performance Toolkit, boot trace";
    CommandGroup { kind: CommandKind::Boot, title: title.to_owned(), commands: vec![command(line, description)] }
}

fn built_in(plan: &RecordingPlan, names: &ToolNames) -> CommandGroup {
    let title = "With wpr's built-in profiles: larger trace, no tag filter".to_owned();
    let file_mode = file_mode(plan.logging_mode);
    if plan.boot {
        let description = format!(
            "Records all tags from the next start of Windows with a built-in profile of wpr, {}.",
            destination(plan.logging_mode)
        );
        let commands = boot_commands(&format!("Pool{file_mode}"), description, names);
        return CommandGroup { kind: CommandKind::BuiltIn, title, commands };
    }
    let commands = vec![
        command(
            format!("wpr -start GeneralProfile -start Pool{file_mode}"),
            format!(
                "Starts recording all tags, with processor and disk activity, with built-in profiles of wpr, {}.",
                destination(plan.logging_mode)
            ),
        ),
        command(format!("wpr -start Pool{file_mode}"), "Instead of it: all tags, and nothing else."),
        status(),
        command(
            format!("wpr -stop {}", names.trace.argument()),
            "Stops, adds the data needed for symbols and saves the trace; this can take minutes.",
        ),
        stop_compressed("wpr -stop", names),
        cancel(),
    ];
    CommandGroup { kind: CommandKind::BuiltIn, title, commands }
}

/// Kernel flags for xperf and xbootmgr.
fn xperf_flags(plan: &RecordingPlan) -> &'static str {
    if plan.needs_memory_keyword() { "PROC_THREAD+LOADER+POOL+MEMORY" } else { "PROC_THREAD+LOADER+POOL" }
}

/// Start of a recording with `xperf`, without buffer and file options.
fn xperf_start(plan: &RecordingPlan) -> String {
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
    // The circular mode of xperf uses a file of fixed size, so the buffers are those of file mode in both modes.
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
    let description = match plan.logging_mode {
        LoggingMode::File => "Starts recording to a growing file, \\kernel.etl in the root of the current drive.",
        LoggingMode::Memory => {
            "Starts recording to a file of this many MB, in which the oldest events are overwritten: \\kernel.etl in the root of the current drive."
        }
    };
    let commands = vec![
        command(line, description),
        command(
            "xperf -loggers",
            "While recording: lists the loggers with their lost events and buffers, which should be 0.",
        ),
        command(
            format!("xperf -d {}", names.trace.argument()),
            "Stops, merges and saves the trace; only merging on this machine adds the data needed for symbols.",
        ),
        command("xperf -stop", "Instead: stops the recording and leaves \\kernel.etl unmerged."),
    ];
    let usual = if plan.windows == WindowsVersion::Windows7 { ", recommended on Windows 7" } else { "" };
    let from_now = if plan.boot { ": from now on, not a boot trace" } else { "" };
    let title = format!("With xperf of the Windows Performance Toolkit{usual}{from_now}");
    CommandGroup { kind: CommandKind::Xperf, title, commands }
}

fn merge(names: &ToolNames) -> CommandGroup {
    let merged = names.trace.argument();
    let commands = vec![
        command(
            format!("xperf -merge recorded.etl {merged}"),
            "On the recorded machine: adds the identities of the modules to a file that was not merged. Replace recorded.etl by its name; \
             xperf calls it \\kernel.etl.",
        ),
        command(format!("wpr -merge recorded.etl {merged}"), "The same with newer versions of wpr."),
    ];
    CommandGroup { kind: CommandKind::Merge, title: "For an existing file that was not merged".to_owned(), commands }
}

fn read(plan: &RecordingPlan, names: &ToolNames) -> CommandGroup {
    let trace = names.trace.argument();
    let mut commands = vec![command(
        format!("poolscope leaks {trace}"),
        "Shows what leaks, the responsible code, and the confidence.",
    )];
    if plan.big_allocations {
        commands.push(command(
            format!("poolscope report {trace} --where \"size>4064\""),
            "Shows only the large allocations.",
        ));
    }
    CommandGroup { kind: CommandKind::Read, title: "Analyze, on any machine".to_owned(), commands }
}

#[cfg(test)]
mod tests {
    use super::super::plan::{StackOptions, TagScope};
    use super::super::tag::TagPatterns;
    use super::*;

    fn names() -> ToolNames {
        let name = |text| ShellPath::new(text).expect("a name");
        ToolNames { profile: name("pool.wprp"), trace: name("C:\\my traces\\leak.etl") }
    }

    fn lines(plan: &RecordingPlan, kind: CommandKind) -> Vec<String> {
        let group = commands(plan, &names()).into_iter().find(|group| group.kind == kind);
        group.map_or_else(Vec::new, |group| group.commands.into_iter().map(|command| command.line).collect())
    }

    fn leak() -> RecordingPlan {
        RecordingPlan {
            scope: TagScope::Tags(TagPatterns::parse(["Leak", "Fil"]).expect("tags")),
            ..RecordingPlan::default()
        }
    }

    #[test]
    fn wpr_commands_name_profile_and_mode() {
        let trace = "\"C:\\my traces\\leak.etl\"";
        assert_eq!(
            lines(&leak(), CommandKind::Wpr),
            [
                "wpr -start pool.wprp!PoolUsage.Verbose -filemode".to_owned(),
                "wpr -status collectors -details".to_owned(),
                format!("wpr -stop {trace}"),
                format!("wpr -stop {trace} -compress"),
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
    fn left_over_sessions_are_ended_by_name() {
        assert_eq!(
            lines(&leak(), CommandKind::Trouble),
            ["logman query -ets", "logman stop NAME -ets", "wpr -cancel", "wpr -profiles"]
        );
    }

    #[test]
    fn boot_traces_are_added_and_stopped_after_the_restart() {
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
    fn windows_7_boot_traces_use_xbootmgr() {
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
        let kinds: Vec<CommandKind> = groups.iter().map(|group| group.kind).collect();
        assert_eq!(
            kinds,
            [
                CommandKind::Elevation,
                CommandKind::Prepare,
                CommandKind::Boot,
                CommandKind::Xperf,
                CommandKind::Trouble,
                CommandKind::Merge,
                CommandKind::Read
            ]
        );
        assert!(groups[3].title.ends_with("Windows 7: from now on, not a boot trace"), "{}", groups[3].title);
    }

    #[test]
    fn elevated_prompts_change_to_a_folder() {
        let lines = lines(&leak(), CommandKind::Elevation);
        assert_eq!(
            lines[1..],
            ["whoami /groups | findstr \"S-1-16-12288 S-1-16-16384\"", "mkdir C:\\poolscope", "cd C:\\poolscope"]
        );
        let groups = commands(&leak(), &names());
        assert!(groups[0].commands[3].description.ends_with("Copy pool.wprp into this folder first."));
    }

    #[test]
    fn xperf_descriptions_name_the_file() {
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
    fn xperf_has_all_four_stacks_and_the_filter() {
        let start = &lines(&leak(), CommandKind::Xperf)[0];
        let wanted = "xperf -on PROC_THREAD+LOADER+POOL -stackwalk PoolAlloc+PoolAllocSession+PoolFree+PoolFreeSession -PoolTag Leak+Fil? \
                      -BufferSize 128 -MinBuffers ";
        assert!(start.starts_with(wanted) && start.ends_with(" -FileMode Sequential"), "{start}");
        let circular = &lines(&RecordingPlan { logging_mode: LoggingMode::Memory, ..leak() }, CommandKind::Xperf)[0];
        assert!(circular.contains(" -MaxFile ") && circular.ends_with(" -FileMode Circular"), "{circular}");
        let bare =
            &lines(&RecordingPlan { stacks: StackOptions::NONE, ..RecordingPlan::default() }, CommandKind::Xperf)[0];
        assert!(!bare.contains("-stackwalk") && !bare.contains("-PoolTag"), "{bare}");
        assert_eq!(lines(&leak(), CommandKind::Xperf)[2], "xperf -d \"C:\\my traces\\leak.etl\"");
        assert!(
            lines(&RecordingPlan { big_allocations: true, ..leak() }, CommandKind::Xperf)[0].contains("+POOL+MEMORY ")
        );
    }

    #[test]
    fn windows_7_needs_the_registry_and_prefers_xperf() {
        assert!(lines(&leak(), CommandKind::Prepare).is_empty());
        let old = RecordingPlan { windows: WindowsVersion::Windows7, ..leak() };
        assert!(lines(&old, CommandKind::Prepare)[0].contains("DisablePagingExecutive /t REG_DWORD /d 1"));
        assert!(lines(&RecordingPlan { stacks: StackOptions::NONE, ..old.clone() }, CommandKind::Prepare).is_empty());
        let kinds: Vec<CommandKind> = commands(&old, &names()).iter().map(|group| group.kind).collect();
        assert_eq!(
            kinds,
            [
                CommandKind::Elevation,
                CommandKind::Prepare,
                CommandKind::Xperf,
                CommandKind::Wpr,
                CommandKind::Trouble,
                CommandKind::Merge,
                CommandKind::Read
            ]
        );
    }

    #[test]
    fn command_lines_are_ascii_and_described() {
        let plans = [WindowsVersion::Later, WindowsVersion::Windows7].map(|system| {
            [false, true].map(|boot| RecordingPlan { boot, windows: system, big_allocations: true, ..leak() })
        });
        for plan in plans.as_flattened() {
            for group in commands(plan, &names()) {
                for command in group.commands {
                    assert!(
                        command.line.is_ascii() && command.line.matches('"').count().is_multiple_of(2),
                        "{}",
                        command.line
                    );
                    assert!(
                        command.description.ends_with('.') && !command.description.contains('\n'),
                        "{}",
                        command.description
                    );
                }
            }
        }
    }
}
