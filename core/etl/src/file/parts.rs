//! Parts of a recording: which of several files belong together, by their clocks and sessions, and why others do not.
//!
//! Two kinds of files belong together. A session that writes a new file at a size limit (`EVENT_TRACE_FILE_MODE_NEWFILE`, `%d` in the
//! name) leaves parts of one log, one after another. Sessions that record at the same time on the same computer (the kernel's and
//! those of other providers) leave one file each, which a merge would put into one.
//!
//! Parts of one log have the start of the session in their log-file headers, not that of the file: time of the header record and
//! `StartTime` are equal. Sequence numbers of buffers go on from part to part, and `BuffersWritten` is that of the file. Source: part 8
//! of a log of Windows 11, whose name has the session's start and whose first buffer has number 908; one file, so that other values
//! are accepted. Whether `EventsLost` counts from the start of the session is unconfirmed: the highest value is used.
//!
//! Files of one computer are told by `BootTime`, which has a resolution of one second on Windows 10 and 11, and by the raw time of the
//! boot, which follows from `StartTime` and the header record's time. It differs by seconds between computers, and by milliseconds
//! between recordings of one (real files: 1.6 ms in 13 s).

use super::{BodyScratch, LogfileHeader, OpenError, Tail, TraceFile};
use crate::buffer::TYPE_HEADER;
use crate::diagnostics::Diagnostics;
use crate::event::EventKind;
use crate::record::RecordKey;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// Seconds by which the raw times of the boot of two files of one computer may differ at once.
const BOOT_SLACK_SECONDS: f64 = 0.05;
/// Share of the time between two files by which these may differ in addition, since clocks drift and are corrected.
const BOOT_DRIFT: f64 = 0.0005;
/// Longest pause in seconds between two files that adjoin.
const MAX_PAUSE_SECONDS: f64 = 2.0;
/// Shares of a second by which times of buffers of one processor may overlap.
const MARGINS_PER_SECOND: i64 = 50;
/// Buffers whose records show what a file holds.
const SAMPLED_BUFFERS: usize = 24;

/// A file of a trace.
#[derive(Clone, Debug)]
pub struct TracePart {
    /// Name of the file in messages.
    pub name: String,
    /// Size of the file.
    pub file_bytes: u64,
    /// Offset of its first byte in the joined trace, from which offsets of buffers and issues count.
    pub base: u64,
    /// Positions of its buffers in the order of the joined trace.
    pub buffers: Range<usize>,
    /// True if it is of the kernel's log, whose times and losses the recorded range follows from; else of another session.
    pub is_main: bool,
    /// Raw timestamps of the first and the last record, as far as they are known before a load.
    pub times: Option<(i64, i64)>,
    /// Raw timestamp of the log-file header record.
    pub time_zero: i64,
    /// End of the file.
    pub tail: Tail,
    /// Estimated number of buffers that are missing between the part before it and this one.
    pub missing_buffers_before: u64,
    /// Log-file header.
    pub logfile: LogfileHeader,
    /// Data-quality issues of opening it; offsets are those of the file.
    pub diagnostics: Diagnostics,
}

/// Files that belong together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartGroup {
    /// Positions in the list of files, in the order of time.
    pub members: Vec<usize>,
    /// Reason why they are no part of the first group; `None` for the first one.
    pub separation: Option<Separation>,
}

/// Reason why two files are not joined.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{first} and {second} are separate recordings: {reason}")]
pub struct Separation {
    /// Name of the first file.
    pub first: String,
    /// Name of the second file.
    pub second: String,
    /// The reason.
    pub reason: SeparationReason,
}

/// Difference between two files of separate recordings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SeparationReason {
    /// Clocks of different types or frequencies.
    Clock,
    /// Windows builds or processors that one computer does not have at a time.
    Computer,
    /// Different starts of Windows.
    Boot,
    /// The same boot time, with clocks that started at different moments: two computers.
    BootClock,
    /// Time between the two.
    Pause {
        /// Its length in milliseconds.
        milliseconds: u64,
    },
    /// Buffers of one session and processor from the same time.
    SameEvents,
    /// Pool events of the same time in both.
    SamePoolEvents,
    /// A circular log is a single file.
    Circular,
}

impl fmt::Display for SeparationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clock => "their clocks differ in type or frequency",
            Self::Computer => {
                "they were recorded on computers with different builds of Windows or different processors"
            }
            Self::Boot => "Windows was started at different times, or they are of two computers",
            Self::BootClock => {
                "they are of two computers: Windows started in the same second, but the clocks do not agree"
            }
            Self::Pause { milliseconds } => {
                let seconds = *milliseconds as f64 / 1e3;
                return write!(f, "{seconds:.1} s passed between the end of one and the start of the other");
            }
            Self::SameEvents => "they hold the same session at the same time, as a copy or a slice does",
            Self::SamePoolEvents => "both hold pool events of the same time, which would count twice",
            Self::Circular => "a circular log is a single file, and each of them is one",
        })
    }
}

/// Contents of a file that decide on its role.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Contents {
    /// No kernel records but those of the logger and stacks.
    Other,
    /// Kernel records.
    Kernel,
    /// Pool events.
    Pool,
}

/// Looks at records of some buffers, spread over a file.
pub(super) fn sample_contents(file: &TraceFile) -> Result<Contents, OpenError> {
    let bodies: Vec<_> = file.layout.buffers.iter().filter(|buffer| buffer.header.kind != TYPE_HEADER).collect();
    let step = bodies.len().div_ceil(SAMPLED_BUFFERS).max(1);
    let mut scratch = BodyScratch::default();
    let mut found = Contents::Other;
    for buffer in bodies.into_iter().step_by(step) {
        for record in file.records(buffer, &mut scratch)? {
            let kind = record.kind();
            found = found.max(match record.key {
                _ if kind.is_pool_event() => Contents::Pool,
                RecordKey::Hook(hook) if hook > 0xff && !is_stack(kind) => Contents::Kernel,
                _ => Contents::Other,
            });
        }
        if found == Contents::Pool {
            break;
        }
    }
    Ok(found)
}

const fn is_stack(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::StackInline | EventKind::StackKeyKernel | EventKind::StackKeyUser | EventKind::StackKeyDefinition
    )
}

/// Groups files that belong together; each group is in the order of time, and groups are in the order of their first files.
///
/// The result does not depend on the order of the files, except for the order of groups.
#[must_use]
pub fn group_parts(files: &[TraceFile]) -> Vec<PartGroup> {
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|&at| (first_time(&files[at]), files[at].logfile.session_name.clone(), at));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for at in order {
        let fits = |group: &&mut Vec<usize>| reason_against(files, group, at).is_none();
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups.sort_by_key(|group| group.iter().copied().min());
    let mut rest = groups.into_iter();
    let Some(first) = rest.next() else { return Vec::new() };
    let separated = |members: Vec<usize>| {
        let other = *members.first().unwrap_or(&0);
        let against = reason_against(files, &first, other).or_else(|| reason_against(files, &members, first[0]));
        let separation = against.map(|(member, reason)| Separation {
            first: files[member].name.clone(),
            second: files[if first.contains(&member) { other } else { first[0] }].name.clone(),
            reason,
        });
        PartGroup { members, separation }
    };
    let others: Vec<PartGroup> = rest.map(separated).collect();
    std::iter::once(PartGroup { members: first, separation: None }).chain(others).collect()
}

fn first_time(file: &TraceFile) -> i64 {
    file.parts.first().and_then(|part| part.times).map_or(file.clock.time_zero, |times| times.0)
}

/// Reason why a file does not belong to a group, with the member that it does not fit; `None` if it does.
fn reason_against(files: &[TraceFile], group: &[usize], at: usize) -> Option<(usize, SeparationReason)> {
    let file = &files[at];
    let each = group.iter().find_map(|&member| Some((member, difference(&files[member], file)?)));
    if each.is_some() {
        return each;
    }
    // The file has to adjoin one of them; the nearest one gives the reason.
    let pauses = group.iter().map(|&member| (pause_seconds(&files[member], file), member));
    let (pause, member) = pauses.min_by(|a, b| a.0.total_cmp(&b.0))?;
    let milliseconds = (pause * 1e3) as u64;
    (pause > MAX_PAUSE_SECONDS).then_some((member, SeparationReason::Pause { milliseconds }))
}

/// Returns `true` if two files have the same session, by the start in their headers.
fn are_of_one_session(a: &TraceFile, b: &TraceFile) -> bool {
    let start = |file: &TraceFile| (file.parts.first().map(|part| part.time_zero), file.logfile.start_filetime);
    a.logfile.session_name == b.logfile.session_name && start(a) == start(b) && a.clock.is_from_header
}

/// Difference of two files that rules out that they belong together.
fn difference(a: &TraceFile, b: &TraceFile) -> Option<SeparationReason> {
    let clock = |file: &TraceFile| (file.logfile.clock_type.max(1), file.clock.ticks_per_second);
    let computer = |file: &TraceFile| (file.logfile.os_build, file.logfile.cpu_mhz);
    if clock(a) != clock(b) {
        return Some(SeparationReason::Clock);
    }
    if computer(a) != computer(b) {
        return Some(SeparationReason::Computer);
    }
    if !are_of_one_session(a, b) {
        if a.logfile.boot_filetime != b.logfile.boot_filetime {
            return Some(SeparationReason::Boot);
        }
        let (from, to) = (boot_seconds(a), boot_seconds(b));
        let elapsed = (a.logfile.start_filetime as f64 - b.logfile.start_filetime as f64).abs() / 1e7;
        if (from - to).abs() > BOOT_SLACK_SECONDS + elapsed * BOOT_DRIFT {
            return Some(SeparationReason::BootClock);
        }
    }
    if a.logfile.session_name == b.logfile.session_name {
        if a.logfile.is_circular() && b.logfile.is_circular() {
            return Some(SeparationReason::Circular);
        }
        if have_buffers_of_the_same_time(a, b) {
            return Some(SeparationReason::SameEvents);
        }
    }
    None
}

/// Seconds from the start of the clock to the boot of the system, by the header.
fn boot_seconds(file: &TraceFile) -> f64 {
    let since_boot = i128::from(file.logfile.start_filetime) - i128::from(file.logfile.boot_filetime);
    let header = file.parts.first().map_or(file.clock.time_zero, |part| part.time_zero);
    // The clock of system time does not start with the system.
    let start = if file.logfile.clock_type == 2 { file.logfile.boot_filetime } else { 0 };
    (i128::from(header) - i128::from(start)) as f64 / file.clock.ticks_per_second as f64 - since_boot as f64 / 1e7
}

/// Seconds between two files; zero if they overlap in time, or are parts of one session.
fn pause_seconds(a: &TraceFile, b: &TraceFile) -> f64 {
    let times = |file: &TraceFile| {
        let (first, last) = file.parts.first().and_then(|part| part.times).unwrap_or_default();
        (first, last.max(end_ticks(file).unwrap_or(last)))
    };
    if are_of_one_session(a, b) {
        return 0.0;
    }
    let ((a_first, a_last), (b_first, b_last)) = (times(a), times(b));
    let pause = (i128::from(b_first) - i128::from(a_last)).max(i128::from(a_first) - i128::from(b_last)).max(0);
    pause as f64 / a.clock.ticks_per_second as f64
}

/// End of the recording by the header in raw ticks; `None` if it has none, or one that is hours from its last record.
pub(super) fn end_ticks(file: &TraceFile) -> Option<i64> {
    const MAX_LATER_SECONDS: i128 = 600;
    let part = file.parts.first()?;
    let header = &part.logfile;
    let hz = i128::from(file.clock.ticks_per_second);
    let span = i128::from(header.end_filetime) - i128::from(header.start_filetime);
    let end = i128::from(part.time_zero) + span * hz / 10_000_000;
    let last = i128::from(part.times?.1);
    let is_plausible = header.end_filetime != 0 && span > 0 && (last..=last + MAX_LATER_SECONDS * hz).contains(&end);
    is_plausible.then(|| i64::try_from(end).ok()).flatten()
}

/// Returns `true` if a processor has buffers of both files from the same time.
fn have_buffers_of_the_same_time(a: &TraceFile, b: &TraceFile) -> bool {
    let (a_times, b_times) = (times_by_cpu(a), times_by_cpu(b));
    let margin = (a.clock.ticks_per_second / MARGINS_PER_SECOND).max(1);
    a_times.iter().any(|(cpu, a)| {
        let b = b_times.get(cpu);
        b.is_some_and(|b| a.0.max(b.0) <= a.1.min(b.1).saturating_sub(margin) || a == b)
    })
}

/// Earliest and latest time of a first record of the buffers of each processor.
fn times_by_cpu(file: &TraceFile) -> BTreeMap<u16, (i64, i64)> {
    let mut times: BTreeMap<u16, (i64, i64)> = BTreeMap::new();
    for buffer in file.layout.buffers.iter().filter(|buffer| buffer.header.kind != TYPE_HEADER) {
        if let Some(first) = buffer.first_time {
            let known = times.entry(buffer.header.cpu).or_insert((first, first));
            *known = (known.0.min(first), known.1.max(first));
        }
    }
    times
}
