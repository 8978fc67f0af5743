//! The exact commands of a plan, in plain ASCII but for names of files, each with one line on what it does. `cmd.exe` and PowerShell take
//! each of them as it stands. Facts: Microsoft's pages on the command lines of `wpr` and `xperf`.

use super::estimate::Estimate;
use super::file_name::FileName;
use super::plan::{Mode, PROFILE_NAME, Plan, System};
use super::tag::TagPattern;

/// A line to copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The line.
    pub line: String,
    /// What it does, in one sentence.
    pub says: String,
}

/// What a group of commands is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
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

impl Way {
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
pub struct Group {
    /// What for.
    pub way: Way,
    /// The same as a heading.
    pub title: String,
    /// The commands.
    pub commands: Vec<Command>,
}

/// The files that the commands name, on the machine that is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The profile, `.wprp`.
    pub profile: FileName,
    /// The trace, `.etl`.
    pub trace: FileName,
}

fn command(line: impl Into<String>, says: impl Into<String>) -> Command {
    Command { line: line.into(), says: says.into() }
}

/// Every command of the plan: first what has to be done before, then the way that fits best.
#[must_use]
pub fn commands(plan: &Plan, names: &Names) -> Vec<Group> {
    let mut groups = vec![elevation(names)];
    groups.extend(prepare(plan));
    let by_xperf = xperf(plan, names);
    groups.extend(match (plan.system, plan.boot) {
        (System::Windows7, false) => vec![by_xperf, wpr(plan, names)],
        (System::Windows7, true) => vec![xbootmgr(plan), by_xperf],
        (System::Later, false) => vec![wpr(plan, names), built_in(plan, names), by_xperf],
        (System::Later, true) => vec![boot(plan, names), built_in(plan, names), by_xperf],
    });
    groups.extend([merge(names), read(plan, names)]);
    groups
}

/// Where the commands are run and the traces are saved.
const FOLDER: &str = "C:\\poolscope";

fn elevation(names: &Names) -> Group {
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
    Group { way: Way::Elevation, title: "First: a prompt run as administrator".to_owned(), commands }
}

fn prepare(plan: &Plan) -> Option<Group> {
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
    let needed = plan.system == System::Windows7 && plan.stacks.any();
    needed.then(|| Group { way: Way::Prepare, title: "Once, on x64 only, for whole stacks".to_owned(), commands })
}

/// The profile as `wpr` takes it.
fn profile_argument(plan: &Plan, names: &Names) -> String {
    let file_mode = file_mode(plan.mode);
    let profile = names.profile.argument_with(&format!("!{PROFILE_NAME}.{}", plan.detail.name()));
    format!("{profile}{file_mode}")
}

fn file_mode(mode: Mode) -> &'static str {
    if mode == Mode::File { " -filemode" } else { "" }
}

fn into(mode: Mode) -> &'static str {
    match mode {
        Mode::File => "into a file that grows",
        Mode::Memory => "into memory, where the oldest is overwritten",
    }
}

fn wpr(plan: &Plan, names: &Names) -> Group {
    let commands = vec![
        command(
            format!("wpr -start {}", profile_argument(plan, names)),
            format!("Starts to record with this profile, {}.", into(plan.mode)),
        ),
        status(),
        command(
            format!("wpr -stop {}", names.trace.argument()),
            "Stops, adds what symbols need and saves the trace; it can take minutes.",
        ),
        cancel(),
    ];
    let title = match plan.system {
        System::Later => "With wpr, which is part of Windows 10 and later",
        System::Windows7 => "With wpr of the Windows Performance Toolkit, if that is installed",
    };
    Group { way: Way::Wpr, title: title.to_owned(), commands }
}

fn status() -> Command {
    command(
        "wpr -status collectors -details",
        "While it records: shows the time, the buffers and how many events were lost; that has to be 0 (an old wpr wants details without the dash).",
    )
}

fn cancel() -> Command {
    command("wpr -cancel", "Instead of the stop: ends the recording and throws it away.")
}

fn boot(plan: &Plan, names: &Names) -> Group {
    let says = format!("Records from the next start of Windows on, {}.", into(plan.mode));
    let commands = boot_commands(&profile_argument(plan, names), says, names);
    Group { way: Way::Boot, title: "With wpr, from the start of Windows on".to_owned(), commands }
}

fn boot_commands(profile: &str, says: String, names: &Names) -> Vec<Command> {
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
fn xbootmgr(plan: &Plan) -> Group {
    let mut line = format!("xbootmgr -trace boot -traceFlags {}", xperf_flags(plan));
    let stacks = plan.xperf_stack_names();
    if !stacks.is_empty() {
        line.push_str(&format!(" -stackWalk {}", stacks.join("+")));
    }
    line.push_str(&format!(" -resultPath {FOLDER}"));
    let says =
        "Restarts at once, records from the start of Windows on, and saves the trace there; it takes no tag filter.";
    let title = "With xbootmgr of the Windows Performance Toolkit, from the start of Windows on";
    Group { way: Way::Boot, title: title.to_owned(), commands: vec![command(line, says)] }
}

fn built_in(plan: &Plan, names: &Names) -> Group {
    let title = "Without a profile of one's own: larger, and no tag can be chosen".to_owned();
    let file_mode = file_mode(plan.mode);
    if plan.boot {
        let says = format!(
            "Records every tag from the next start of Windows on, by a profile of wpr itself, {}.",
            into(plan.mode)
        );
        let commands = boot_commands(&format!("Pool{file_mode}"), says, names);
        return Group { way: Way::BuiltIn, title, commands };
    }
    let commands = vec![
        command(
            format!("wpr -start GeneralProfile -start Pool{file_mode}"),
            format!(
                "Starts to record every tag, with what the processors and disks do, by profiles of wpr itself, {}.",
                into(plan.mode)
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
    Group { way: Way::BuiltIn, title, commands }
}

/// The kernel's flags, as xperf and xbootmgr call them.
fn xperf_flags(plan: &Plan) -> &'static str {
    if plan.wants_memory_events() { "PROC_THREAD+LOADER+POOL+MEMORY" } else { "PROC_THREAD+LOADER+POOL" }
}

/// The start of a recording with `xperf`, without buffers and files.
pub(super) fn xperf_start(plan: &Plan) -> String {
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

fn xperf(plan: &Plan, names: &Names) -> Group {
    // In its circular mode the log is a file of fixed size; its buffers are those of a file in both modes.
    let buffers = Estimate::in_mode(plan, Mode::File);
    let mut line = format!(
        "{} -BufferSize {} -MinBuffers {} -MaxBuffers {}",
        xperf_start(plan),
        buffers.buffer_kib,
        buffers.buffers,
        buffers.buffers * 2
    );
    if plan.mode == Mode::Memory {
        let held_mib = (Estimate::in_mode(plan, Mode::Memory).buffer_bytes() >> 20).max(1);
        line.push_str(&format!(" -MaxFile {held_mib} -FileMode Circular"));
    } else {
        line.push_str(" -FileMode Sequential");
    }
    let says = match plan.mode {
        Mode::File => "Starts to record into a file that grows, \\kernel.etl in the root of the current drive.",
        Mode::Memory => {
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
    let usual = if plan.system == System::Windows7 { ", the usual way on Windows 7" } else { "" };
    let from_now = if plan.boot { ": from now on, not from the start" } else { "" };
    let title = format!("With xperf of the Windows Performance Toolkit{usual}{from_now}");
    Group { way: Way::Xperf, title, commands }
}

fn merge(names: &Names) -> Group {
    let merged = names.trace.argument();
    let commands = vec![
        command(
            format!("xperf -merge recorded.etl {merged}"),
            "On the machine that recorded it: adds the identities of the modules to a file that was never merged. recorded.etl stands for it; \
             xperf calls it \\kernel.etl.",
        ),
        command(format!("wpr -merge recorded.etl {merged}"), "The same with a newer wpr."),
    ];
    Group { way: Way::Merge, title: "If there is a file already, and it was never merged".to_owned(), commands }
}

fn read(plan: &Plan, names: &Names) -> Group {
    let trace = names.trace.argument();
    let mut commands =
        vec![command(format!("poolscope leaks {trace}"), "Says what leaks, from where, and how sure that is.")];
    if plan.big_allocations {
        commands.push(command(
            format!("poolscope report {trace} --where \"size>4064\""),
            "Shows the big allocations alone.",
        ));
    }
    Group { way: Way::Read, title: "Then, on any machine".to_owned(), commands }
}

#[cfg(test)]
mod tests {
    use super::super::plan::{Scope, Stacks};
    use super::super::tag::TagPatterns;
    use super::*;

    fn names() -> Names {
        let name = |text| FileName::new(text).expect("a name");
        Names { profile: name("pool.wprp"), trace: name("C:\\my traces\\leak.etl") }
    }

    fn lines(plan: &Plan, way: Way) -> Vec<String> {
        let group = commands(plan, &names()).into_iter().find(|group| group.way == way);
        group.map_or_else(Vec::new, |group| group.commands.into_iter().map(|command| command.line).collect())
    }

    fn leak() -> Plan {
        Plan { scope: Scope::Tags(TagPatterns::parse(["Leak", "Fil"]).expect("tags")), ..Plan::default() }
    }

    #[test]
    fn wpr_takes_the_profile_by_name_and_mode() {
        let trace = "\"C:\\my traces\\leak.etl\"";
        assert_eq!(
            lines(&leak(), Way::Wpr),
            [
                "wpr -start pool.wprp!PoolUsage.Verbose -filemode".to_owned(),
                "wpr -status collectors -details".to_owned(),
                format!("wpr -stop {trace}"),
                "wpr -cancel".to_owned(),
            ]
        );
        let memory = Plan { mode: Mode::Memory, ..leak() };
        assert_eq!(lines(&memory, Way::Wpr)[0], "wpr -start pool.wprp!PoolUsage.Verbose");
        let built_in = ["wpr -start GeneralProfile -start Pool -filemode", "wpr -start Pool -filemode"];
        assert_eq!(lines(&leak(), Way::BuiltIn)[..2], built_in);
        assert_eq!(lines(&memory, Way::BuiltIn)[0], "wpr -start GeneralProfile -start Pool");
    }

    #[test]
    fn a_boot_trace_is_added_and_stopped_after_the_restart() {
        let boot = lines(&Plan { boot: true, ..leak() }, Way::Boot);
        assert_eq!(boot[0], "wpr -boottrace -addboot pool.wprp!PoolUsage.Verbose -filemode");
        assert_eq!(boot[3], "wpr -boottrace -stopboot \"C:\\my traces\\leak.etl\"");
        assert_eq!(boot[4], "wpr -boottrace -cancelboot");
        assert!(lines(&leak(), Way::Boot).is_empty());
        let built_in = lines(&Plan { boot: true, ..leak() }, Way::BuiltIn);
        assert_eq!(built_in[0], "wpr -boottrace -addboot Pool -filemode");
        assert_eq!(built_in[1..], boot[1..], "nothing starts now, and nothing else stops it");
        let memory = Plan { boot: true, mode: Mode::Memory, ..leak() };
        assert_eq!(lines(&memory, Way::BuiltIn)[0], "wpr -boottrace -addboot Pool");
    }

    #[test]
    fn only_xbootmgr_records_the_start_of_windows_7() {
        let old = Plan { boot: true, system: System::Windows7, ..leak() };
        assert_eq!(
            lines(&old, Way::Boot),
            ["xbootmgr -trace boot -traceFlags PROC_THREAD+LOADER+POOL \
              -stackWalk PoolAlloc+PoolAllocSession+PoolFree+PoolFreeSession -resultPath C:\\poolscope"]
        );
        let bare = Plan { stacks: Stacks::NONE, big_allocations: true, ..old.clone() };
        assert_eq!(
            lines(&bare, Way::Boot),
            ["xbootmgr -trace boot -traceFlags PROC_THREAD+LOADER+POOL+MEMORY -resultPath C:\\poolscope"]
        );
        let groups = commands(&old, &names());
        let ways: Vec<Way> = groups.iter().map(|group| group.way).collect();
        assert_eq!(ways, [Way::Elevation, Way::Prepare, Way::Boot, Way::Xperf, Way::Merge, Way::Read]);
        assert!(groups[3].title.ends_with("Windows 7: from now on, not from the start"), "{}", groups[3].title);
    }

    #[test]
    fn an_elevated_prompt_begins_elsewhere() {
        let lines = lines(&leak(), Way::Elevation);
        assert_eq!(
            lines[1..],
            ["whoami /groups | findstr \"S-1-16-12288 S-1-16-16384\"", "mkdir C:\\poolscope", "cd C:\\poolscope"]
        );
        let groups = commands(&leak(), &names());
        assert!(groups[0].commands[3].says.ends_with("Copy pool.wprp into this folder first."));
    }

    #[test]
    fn xperf_says_where_its_file_is() {
        let plans = [leak(), Plan { mode: Mode::Memory, ..leak() }];
        for group in plans.iter().flat_map(|plan| commands(plan, &names())) {
            for command in group.commands {
                let names_it =
                    ["xperf -on", "xperf -stop", "xperf -merge"].iter().any(|start| command.line.starts_with(start));
                assert_eq!(command.says.contains("\\kernel.etl"), names_it, "{command:?}");
            }
        }
    }

    #[test]
    fn xperf_walks_all_four_stacks_and_filters() {
        let start = &lines(&leak(), Way::Xperf)[0];
        let wanted = "xperf -on PROC_THREAD+LOADER+POOL -stackwalk PoolAlloc+PoolAllocSession+PoolFree+PoolFreeSession -PoolTag Leak+Fil? \
                      -BufferSize 128 -MinBuffers ";
        assert!(start.starts_with(wanted) && start.ends_with(" -FileMode Sequential"), "{start}");
        let circular = &lines(&Plan { mode: Mode::Memory, ..leak() }, Way::Xperf)[0];
        assert!(circular.contains(" -MaxFile ") && circular.ends_with(" -FileMode Circular"), "{circular}");
        let bare = &lines(&Plan { stacks: Stacks::NONE, ..Plan::default() }, Way::Xperf)[0];
        assert!(!bare.contains("-stackwalk") && !bare.contains("-PoolTag"), "{bare}");
        assert_eq!(lines(&leak(), Way::Xperf)[2], "xperf -d \"C:\\my traces\\leak.etl\"");
        assert!(lines(&Plan { big_allocations: true, ..leak() }, Way::Xperf)[0].contains("+POOL+MEMORY "));
    }

    #[test]
    fn only_windows_7_needs_the_registry_and_has_xperf_first() {
        assert!(lines(&leak(), Way::Prepare).is_empty());
        let old = Plan { system: System::Windows7, ..leak() };
        assert!(lines(&old, Way::Prepare)[0].contains("DisablePagingExecutive /t REG_DWORD /d 1"));
        assert!(lines(&Plan { stacks: Stacks::NONE, ..old.clone() }, Way::Prepare).is_empty());
        let ways: Vec<Way> = commands(&old, &names()).iter().map(|group| group.way).collect();
        assert_eq!(ways, [Way::Elevation, Way::Prepare, Way::Xperf, Way::Wpr, Way::Merge, Way::Read]);
    }

    #[test]
    fn every_line_is_ascii_and_says_what_it_does() {
        let plans = [System::Later, System::Windows7]
            .map(|system| [false, true].map(|boot| Plan { boot, system, big_allocations: true, ..leak() }));
        for plan in plans.as_flattened() {
            for group in commands(plan, &names()) {
                for command in group.commands {
                    assert!(
                        command.line.is_ascii() && command.line.matches('"').count().is_multiple_of(2),
                        "{}",
                        command.line
                    );
                    assert!(command.says.ends_with('.') && !command.says.contains('\n'), "{}", command.says);
                }
            }
        }
    }
}
