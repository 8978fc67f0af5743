//! Opens a trace at a location: a file, or a trace in an archive, which is unpacked into memory or a temporary file. Shared by the
//! command line and the window.
//!
//! Of an archive, the traces are the members named `.etl`, also packed once more (`.etl.gz`), or else the members that begin like a
//! trace or an archive. One archive in another is opened; deeper ones are refused.

use crate::debugger_log::{self, LogReading};
use crate::trace_location::{self, TraceLocation};
use crate::trace_parts::{self, OpenedParts};
use poolscope_analysis::load::{self, LoadError, LoadOptions};
use poolscope_analysis::trace::Trace;
use poolscope_archive::kind::is_named_like_an_archive;
use poolscope_archive::{Archive, ArchiveError, ArchiveKind, Content, Control, Member, UnpackLimits, Unpacked};
use poolscope_base::progress::{CancelToken, Progress, Stage};
use poolscope_etl::diagnostics::DiagnosticKind;
use poolscope_etl::file::{OpenError, Separation, TraceFile, begins_like_a_trace};
use poolscope_recording::debugger::DebuggerLogError;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of a member by which it is recognized.
const HEAD_BYTES: usize = 4096;
/// Members whose beginning is looked at, if none is named like a trace.
const MAX_INSPECTED: usize = 500;
/// Traces of an archive that are joined at most.
const MAX_PARTS: usize = 64;
/// Traces that are listed in a message.
const MAX_LISTED: usize = 20;

/// A trace in an archive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PackedTrace {
    /// Location of the trace.
    pub path: PathBuf,
    /// Name of the member.
    pub member: String,
    /// Unpacked size in bytes, if the archive declares it.
    pub bytes: Option<u64>,
}

/// Reason why a trace was not opened.
#[derive(Debug, thiserror::Error)]
pub enum TraceOpenError {
    /// The trace cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The file is a debugger log without allocations.
    #[error("{name} cannot be opened: {reason}")]
    DebuggerLog {
        /// Name of the file.
        name: String,
        /// The reason.
        reason: DebuggerLogError,
    },
    /// The archive or its member cannot be used.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The archive holds more than one trace, and none was chosen.
    #[error("{archive} contains {} traces:\n{}", traces.len(), listed(traces, notes, separations))]
    Several {
        /// The archive.
        archive: String,
        /// Its traces.
        traces: Vec<PackedTrace>,
        /// Members that were refused though named like traces: one sentence each.
        notes: Vec<String>,
        /// True if the traces may be files of one recording, by their headers.
        may_be_parts: bool,
        /// Reasons why they are not of one recording, where opening them has shown that.
        separations: Vec<Separation>,
    },
    /// Several files are not of one recording.
    #[error("{}", separations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Separate {
        /// The recordings: locations of one or several files.
        recordings: Vec<PathBuf>,
        /// Reasons, one for each recording but the first.
        separations: Vec<Separation>,
    },
    /// The archive is damaged or cut off, and what could be unpacked is no trace.
    #[error("no trace can be unpacked from {archive}: {problem}")]
    Torn {
        /// The archive.
        archive: String,
        /// The reason.
        problem: String,
    },
    /// The archive holds no trace.
    #[error("{archive} contains no event trace log (.etl)")]
    NoTrace {
        /// The archive.
        archive: String,
    },
    /// The archive has no such member.
    #[error("{archive} does not contain {member}")]
    NoMember {
        /// The archive.
        archive: String,
        /// The member.
        member: String,
    },
    /// An archive in an archive in an archive.
    #[error("{member} in {archive} is {kind}: archives are opened two levels deep at most")]
    TooDeep {
        /// The archive.
        archive: String,
        /// The member.
        member: String,
        /// Format of the member, with an article.
        kind: &'static str,
    },
}

/// One line for each trace, for each member that was refused, and for each reason why the traces are separate.
fn listed(traces: &[PackedTrace], notes: &[String], separations: &[Separation]) -> String {
    let line = |trace: &PackedTrace| match trace.bytes {
        Some(bytes) => format!("  {}  ({})", trace.path.display(), crate::format::bytes(bytes)),
        None => format!("  {}", trace.path.display()),
    };
    let mut lines: Vec<String> = traces.iter().take(MAX_LISTED).map(line).collect();
    if let Some(more) = traces.len().checked_sub(MAX_LISTED).filter(|more| *more > 0) {
        lines.push(format!("  and {more} more"));
    }
    lines.extend_from_slice(notes);
    lines.extend(separations.iter().map(ToString::to_string));
    lines.join("\n")
}

impl TraceOpenError {
    /// Advice on what to do next, a sentence; `None` for errors of a load, which have their own.
    #[must_use]
    pub const fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Load(_) => None,
            Self::Archive(error) => Some(error.advice()),
            Self::DebuggerLog { reason, .. } => Some(reason.advice()),
            Self::Several { .. } => Some("Choose one: ARCHIVE#MEMBER, as listed."),
            Self::Separate { .. } => Some("Give the files of one recording only."),
            Self::Torn { .. } => Some("Copy the archive again, or ask for a new one."),
            Self::NoTrace { .. } => Some("Choose an archive with a trace that wpr, xperf or another ETW tool wrote."),
            Self::NoMember { .. } => Some("Give the archive alone to list its traces."),
            Self::TooDeep { .. } => Some("Unpack the outer archive, and open the inner one."),
        }
    }
}

/// A trace that was loaded.
#[derive(Clone, Debug)]
pub struct LoadedTrace {
    /// The trace.
    pub trace: Arc<Trace>,
    /// Members that were refused though named like traces: one sentence each.
    pub notes: Vec<String>,
}

impl From<Arc<Trace>> for LoadedTrace {
    fn from(trace: Arc<Trace>) -> Self {
        Self { trace, notes: Vec::new() }
    }
}

/// A trace that was opened, and unpacked if it was packed.
#[derive(Debug)]
pub struct OpenedTrace {
    /// The trace.
    pub file: TraceFile,
    /// As [`LoadedTrace::notes`].
    pub notes: Vec<String>,
}

/// Loads the trace or the debugger log at a location, or the trace in several files of one recording, on the current rayon pool.
///
/// # Errors
/// See [`TraceOpenError`].
pub fn load(
    paths: &[PathBuf],
    options: LoadOptions,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<LoadedTrace, TraceOpenError> {
    let mut notes = Vec::new();
    let opened = trace_parts::open(paths, Control { progress, cancel }, &mut notes);
    let OpenedParts { file, locations } = match (opened, paths) {
        (Err(TraceOpenError::Load(error @ LoadError::Open(OpenError::NotATrace { .. }))), [path]) => {
            return debugger_log(path, error);
        }
        (opened, _) => opened?,
    };
    progress.begin(Stage::Buffers, file.file_bytes());
    match load::load(file, options, progress, cancel) {
        Ok(trace) => Ok(LoadedTrace { trace, notes }),
        Err(LoadError::Separate(separation)) => {
            Err(TraceOpenError::Separate { recordings: locations, separations: vec![separation] })
        }
        Err(error) => Err(error.into()),
    }
}

/// Opens the trace at a location.
///
/// # Errors
/// See [`TraceOpenError`].
pub fn open(path: &Path, progress: &Progress, cancel: &CancelToken) -> Result<OpenedTrace, TraceOpenError> {
    let mut notes = Vec::new();
    let paths = trace_location::parts_of(path);
    let OpenedParts { file, .. } = trace_parts::open(&paths, Control { progress, cancel }, &mut notes)?;
    Ok(OpenedTrace { file, notes })
}

/// Opens the trace at a location of one file. Adds a sentence to `notes` for each member that was refused though named like a trace, and
/// for damage of the archive.
///
/// # Errors
/// See [`TraceOpenError`].
pub fn open_file(path: &Path, control: Control<'_>, notes: &mut Vec<String>) -> Result<TraceFile, TraceOpenError> {
    let location = TraceLocation::of(path);
    let Some(archive) = open_archive(&location.file, control)? else {
        return match location.member {
            Some(member) => Err(TraceOpenError::NoMember { archive: location.file.display().to_string(), member }),
            None => Ok(TraceFile::open(path).map_err(LoadError::from)?),
        };
    };
    let unpacked = unpack_trace(&archive, &location, control, notes)?;
    let file = trace_file(unpacked.content, &path.display().to_string());
    let mut file = match (file, &unpacked.damage) {
        (Ok(file), _) => file,
        (Err(_), Some(damage)) => {
            let (archive, problem) = (path.display().to_string(), damage.clone());
            return Err(TraceOpenError::Torn { archive, problem });
        }
        (Err(error), None) => return Err(LoadError::from(error).into()),
    };
    if let Some(damage) = unpacked.damage {
        notes.push(format!("{}: {damage}; the trace is the part before the damage", path.display()));
        file.diagnostics.add(DiagnosticKind::DamagedArchive, 1);
    }
    Ok(file)
}

/// The traces right inside a folder, by name, packed or not.
///
/// # Errors
/// The folder cannot be read.
pub fn traces_in_folder(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let has_ending = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(is_named_like_a_trace)
    };
    let mut traces = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        traces.extend(Some(entry?.path()).filter(|path| has_ending(path) && path.is_file()));
    }
    traces.sort();
    Ok(traces)
}

/// The allocations of a debugger log, if a file that is no trace is one; else the error.
fn debugger_log(path: &Path, error: LoadError) -> Result<LoadedTrace, TraceOpenError> {
    match debugger_log::read(path) {
        LogReading::Trace(trace) => Ok(LoadedTrace::from(Arc::<Trace>::from(trace))),
        LogReading::Refused(reason) => Err(TraceOpenError::DebuggerLog { name: path.display().to_string(), reason }),
        LogReading::Other => Err(error.into()),
    }
}

/// Returns `true` if a location is an archive or a member of one.
#[must_use]
pub fn is_packed(path: &Path) -> bool {
    let location = TraceLocation::of(path);
    let head = || Content::File(File::open(path).ok()?).head(ArchiveKind::HEAD_BYTES).ok();
    location.member.is_some() || head().is_some_and(|head| ArchiveKind::recognize(&head).is_some())
}

/// The traces of an archive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SeveralTraces {
    /// Those that can be opened.
    pub traces: Vec<PackedTrace>,
    /// Members that were refused though named like traces: one sentence each.
    pub notes: Vec<String>,
}

/// Lists the traces at a location if there are several recordings to choose from. Archives in archives are unpacked only if they may hold
/// several files.
///
/// # Errors
/// See [`TraceOpenError`].
pub fn several_traces(path: &Path, control: Control<'_>) -> Result<Option<SeveralTraces>, TraceOpenError> {
    let location = TraceLocation::of(path);
    if location.member.as_deref().is_some_and(|member| !is_named_like_an_archive(member)) {
        return Ok(None);
    }
    let Some(archive) = open_archive(&location.file, control)?.filter(|archive| !archive.kind().is_single_stream())
    else {
        return Ok(None);
    };
    let several = |result| match result {
        // Opening them decides.
        Err(TraceOpenError::Several { may_be_parts: true, .. }) => Ok(None),
        Err(TraceOpenError::Several { traces, notes, .. }) => Ok(Some(SeveralTraces { traces, notes })),
        Err(error) => Err(error),
        Ok(_) => Ok(None),
    };
    let outer = choose(&archive, &location.file, location.member.as_deref(), control, &mut Vec::new());
    let (index, rest) = match outer {
        Ok(chosen) => chosen,
        Err(error) => return several(Err(error)),
    };
    let head = archive.head(index, ArchiveKind::HEAD_BYTES, control)?;
    if ArchiveKind::recognize(&head).is_none_or(ArchiveKind::is_single_stream) {
        return Ok(None);
    }
    let (inner, place) = open_inner(&archive, &location.file, index, control)?;
    several(choose(&inner, &place, rest.as_deref(), control, &mut Vec::new()))
}

/// Opens a file as an archive; `None` if it is none.
fn open_archive(file: &Path, control: Control<'_>) -> Result<Option<Archive>, TraceOpenError> {
    // The reader of traces has the messages for files that cannot be opened.
    let Some(opened) = File::open(file).ok().filter(|opened| opened.metadata().is_ok_and(|meta| meta.is_file())) else {
        return Ok(None);
    };
    let content = Content::File(opened);
    let head = content.head(ArchiveKind::HEAD_BYTES).unwrap_or_default();
    if ArchiveKind::recognize(&head).is_none() {
        return Ok(None);
    }
    Ok(Some(Archive::open(content, &file.display().to_string(), control)?))
}

/// Unpacks the trace of an archive, or of an archive in it.
fn unpack_trace(
    archive: &Archive,
    location: &TraceLocation,
    control: Control<'_>,
    notes: &mut Vec<String>,
) -> Result<Unpacked, TraceOpenError> {
    let (index, rest) = choose(archive, &location.file, location.member.as_deref(), control, notes)?;
    let unpacked = archive.unpack(index, &limits(), control)?;
    if archive_kind(&unpacked.content).is_none() {
        return match rest {
            Some(member) => Err(TraceOpenError::NoMember { archive: member_path(archive, index), member }),
            None => Ok(unpacked),
        };
    }
    let place = trace_location::join(&location.file, name_of(archive, index));
    let inner = Archive::open(unpacked.content, &place.display().to_string(), control)?;
    let (inner_index, rest) = choose(&inner, &place, rest.as_deref(), control, notes)?;
    let content = inner.unpack(inner_index, &limits(), control)?;
    if let Some(kind) = archive_kind(&content.content) {
        let (archive, member) = (place.display().to_string(), name_of(&inner, inner_index).to_owned());
        return Err(TraceOpenError::TooDeep { archive, member, kind: kind.name() });
    }
    if let Some(member) = rest {
        return Err(TraceOpenError::NoMember { archive: member_path(&inner, inner_index), member });
    }
    let damage = content.damage.or(unpacked.damage);
    Ok(Unpacked { content: content.content, damage })
}

/// Unpacks an archive in an archive; returns its location, too.
fn open_inner(
    archive: &Archive,
    file: &Path,
    index: usize,
    control: Control<'_>,
) -> Result<(Archive, PathBuf), TraceOpenError> {
    let place = trace_location::join(file, name_of(archive, index));
    let unpacked = archive.unpack(index, &limits(), control)?;
    Ok((Archive::open(unpacked.content, &place.display().to_string(), control)?, place))
}

fn archive_kind(content: &Content) -> Option<ArchiveKind> {
    content.head(ArchiveKind::HEAD_BYTES).ok().and_then(|head| ArchiveKind::recognize(&head))
}

fn name_of(archive: &Archive, index: usize) -> &str {
    archive.members().get(index).map_or("", |member| &member.name)
}

fn member_path(archive: &Archive, index: usize) -> String {
    trace_location::join(Path::new(archive.name()), name_of(archive, index)).display().to_string()
}

/// Folders for unpacked traces: that of the system for temporary files, and on Unix the one for large files.
fn limits() -> UnpackLimits {
    let mut folders = vec![std::env::temp_dir()];
    if cfg!(unix) {
        folders.push(PathBuf::from("/var/tmp"));
    }
    UnpackLimits::with_folders(folders)
}

fn trace_file(content: Content, name: &str) -> Result<TraceFile, OpenError> {
    match content {
        Content::File(file) => TraceFile::from_file(file, name),
        Content::Memory(bytes) => TraceFile::from_bytes(bytes, name),
    }
}

/// Chooses a member: the wanted one, or the only trace. Returns its position, and what of the wanted name refers to its content.
fn choose(
    archive: &Archive,
    file: &Path,
    wanted: Option<&str>,
    control: Control<'_>,
    notes: &mut Vec<String>,
) -> Result<(usize, Option<String>), TraceOpenError> {
    if let Some(wanted) = wanted {
        let found = find_member(archive.members(), wanted);
        let no_member = || TraceOpenError::NoMember { archive: file.display().to_string(), member: wanted.to_owned() };
        return found.ok_or_else(no_member);
    }
    let candidates = trace_members(archive, control)?;
    let (good, refused): (Vec<usize>, Vec<usize>) =
        candidates.into_iter().partition(|&index| archive.members()[index].problem.is_none());
    match (good.as_slice(), refused.as_slice()) {
        ([], []) => Err(TraceOpenError::NoTrace { archive: file.display().to_string() }),
        // Reading it says why it is refused.
        ([], [refused, ..]) => Ok((*refused, None)),
        ([only], _) => {
            notes.extend(refused.iter().map(|&index| refusal(archive, index)));
            Ok((*only, None))
        }
        (several, _) => {
            let trace = |&index: &usize| {
                let Member { name, bytes, .. } = &archive.members()[index];
                PackedTrace { path: trace_location::join(file, name), member: name.clone(), bytes: *bytes }
            };
            let traces: Vec<PackedTrace> = several.iter().map(trace).collect();
            let notes = refused.iter().map(|&index| refusal(archive, index)).collect();
            let may_be_parts = traces.len() <= MAX_PARTS && trace_parts::may_be_parts(archive, several, control)?;
            let (archive, separations) = (file.display().to_string(), Vec::new());
            Err(TraceOpenError::Several { archive, traces, notes, may_be_parts, separations })
        }
    }
}

fn refusal(archive: &Archive, index: usize) -> String {
    let member = &archive.members()[index];
    let problem = member.problem.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{} in {} {problem} and was not opened", member.name, archive.name())
}

/// Finds a member by its name, in which `#` may stand before a member of the member; else by its name in any case.
fn find_member(members: &[Member], wanted: &str) -> Option<(usize, Option<String>)> {
    let wanted = wanted.replace('\\', "/");
    let ends = std::iter::once(wanted.len()).chain(wanted.match_indices('#').map(|(at, _)| at));
    for end in ends {
        let (name, rest) = wanted.split_at(end);
        let exact = members.iter().position(|member| member.name == name);
        let found = exact.or_else(|| members.iter().position(|member| member.name.eq_ignore_ascii_case(name)));
        if let Some(index) = found {
            return Some((index, rest.strip_prefix('#').map(str::to_owned)));
        }
    }
    None
}

/// Positions of the members that are traces, packed once more or not.
fn trace_members(archive: &Archive, control: Control<'_>) -> Result<Vec<usize>, TraceOpenError> {
    let members = archive.members();
    if archive.kind().is_single_stream() {
        return Ok(vec![0]);
    }
    let of = |is_it: &dyn Fn(&Member) -> bool| -> Vec<usize> {
        let found = members.iter().enumerate().filter(|(_, member)| is_it(member) && !is_resource_fork(member));
        found.map(|(index, _)| index).collect()
    };
    let named = of(&|member| is_named_like_a_trace(member.file_name()));
    if !named.is_empty() {
        return Ok(named);
    }
    // Without direct access each look unpacks all members before it: then the name decides.
    let mut found = Vec::new();
    let packed = of(&|member| is_named_like_an_archive(&member.name));
    let inspected = if archive.has_direct_access() || members.len() == 1 { of(&|_| true) } else { packed };
    for index in inspected.into_iter().take(MAX_INSPECTED) {
        if members[index].problem.is_some() {
            continue;
        }
        let head = archive.head(index, HEAD_BYTES, control)?;
        if begins_like_a_trace(&head) || ArchiveKind::recognize(&head).is_some() {
            found.push(index);
        }
    }
    Ok(found)
}

/// Returns `true` for `.etl`, and for `.etl.gz` and the like.
#[must_use]
pub fn is_named_like_a_trace(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let inner =
        if is_named_like_an_archive(&name) { name.rsplit_once('.').map_or("", |(stem, _)| stem) } else { &name };
    inner.ends_with(".etl")
}

/// Returns `true` for the files that macOS adds beside each file (`__MACOSX/._a.etl`).
fn is_resource_fork(member: &Member) -> bool {
    member.file_name().starts_with("._")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str) -> Member {
        Member { name: name.to_owned(), bytes: None, problem: None }
    }

    #[test]
    fn members_are_found_by_their_names() {
        let members = ["a/x.etl", "b#c.etl", "inner.zip", "A.ETL"].map(member);
        assert_eq!(find_member(&members, "a/x.etl"), Some((0, None)));
        assert_eq!(find_member(&members, "a\\X.etl"), Some((0, None)));
        assert_eq!(find_member(&members, "b#c.etl"), Some((1, None)));
        assert_eq!(find_member(&members, "inner.zip#y.etl"), Some((2, Some("y.etl".to_owned()))));
        assert_eq!(find_member(&members, "a.etl"), Some((3, None)));
        assert_eq!(find_member(&members, "x.etl"), None);
    }

    #[test]
    fn traces_are_recognized_by_their_names() {
        for name in ["a.etl", "A.ETL", "a.etl.gz", "a.etl.zip", "a.b.etl.ZST"] {
            assert!(is_named_like_a_trace(name), "{name}");
        }
        for name in ["a.zip", "etl", "a.etl.txt", "a.etlx"] {
            assert!(!is_named_like_a_trace(name), "{name}");
        }
        assert!(is_resource_fork(&member("__MACOSX/._a.etl")) && !is_resource_fork(&member("x/.a.etl")));
    }
}
