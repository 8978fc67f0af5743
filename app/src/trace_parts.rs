//! Traces in several files: which files are of one recording, and opening these as one trace. Parts of one log
//! (`trace_1.etl`, `trace_2.etl`) and files of sessions that recorded at the same time (`kernel.etl`, `user.etl`) are joined where their
//! clocks and sessions say that they belong together; names do not matter.

use crate::trace_location::join_parts;
use crate::trace_opening::{TraceOpenError, open_file};
use poolscope_analysis::load::LoadError;
use poolscope_archive::{Archive, Control};
use poolscope_etl::buffer::HEADER_BYTES;
use poolscope_etl::file::{LogfileHeader, Separation, TraceFile, group_parts, join};
use poolscope_etl::record::Records;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Bytes of a trace that hold its log-file header.
const HEAD_BYTES: usize = 4096;

/// Files that were opened as one trace.
pub struct OpenedParts {
    /// The trace.
    pub file: TraceFile,
    /// Location of each file.
    pub locations: Vec<PathBuf>,
}

/// Opens files of one recording as one trace. A location may be an archive, all of whose traces are opened then.
///
/// # Errors
/// See [`TraceOpenError`]; [`TraceOpenError::Separate`] if the files are not of one recording.
pub fn open(paths: &[PathBuf], control: Control<'_>, notes: &mut Vec<String>) -> Result<OpenedParts, TraceOpenError> {
    if let [path] = paths {
        return open_location(path, control, notes);
    }
    let mut files = Vec::new();
    for path in paths {
        open_each(path, control, notes, &mut files)?;
    }
    joined(files)
}

/// Opens a trace, or all traces of an archive that is one recording.
fn open_location(path: &Path, control: Control<'_>, notes: &mut Vec<String>) -> Result<OpenedParts, TraceOpenError> {
    match open_file(path, control, notes) {
        Ok(file) => Ok(OpenedParts { file, locations: vec![path.to_path_buf()] }),
        Err(TraceOpenError::Several { archive, traces, notes: refused, may_be_parts: true, .. }) => {
            let mut files = Vec::new();
            for trace in &traces {
                files.push((trace.path.clone(), open_file(&trace.path, control, notes)?));
            }
            joined(files).map_err(|error| match error {
                TraceOpenError::Separate { separations, .. } => {
                    TraceOpenError::Several { archive, traces, notes: refused, may_be_parts: false, separations }
                }
                error => error,
            })
        }
        Err(error) => Err(error),
    }
}

/// Opens a trace, or each trace of an archive.
fn open_each(
    path: &Path,
    control: Control<'_>,
    notes: &mut Vec<String>,
    files: &mut Vec<(PathBuf, TraceFile)>,
) -> Result<(), TraceOpenError> {
    control.cancel.check().map_err(LoadError::from)?;
    match open_file(path, control, notes) {
        Ok(file) => files.push((path.to_path_buf(), file)),
        Err(TraceOpenError::Several { traces, .. }) => {
            for trace in traces {
                files.push((trace.path.clone(), open_file(&trace.path, control, notes)?));
            }
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Joins files if they are of one recording.
fn joined(files: Vec<(PathBuf, TraceFile)>) -> Result<OpenedParts, TraceOpenError> {
    let (paths, files): (Vec<PathBuf>, Vec<TraceFile>) = files.into_iter().unzip();
    let groups = group_parts(&files);
    if groups.len() > 1 {
        let recordings = groups.iter().flat_map(|group| locations_of(&paths, &group.members)).collect();
        let separations = groups.into_iter().filter_map(|group| group.separation).collect();
        return Err(TraceOpenError::Separate { recordings, separations });
    }
    let order = groups.into_iter().next().map(|group| group.members).unwrap_or_default();
    let locations = order.iter().map(|&at| paths[at].clone()).collect();
    let mut files: Vec<Option<TraceFile>> = files.into_iter().map(Some).collect();
    let ordered = order.into_iter().filter_map(|at| files[at].take()).collect();
    Ok(OpenedParts { file: join(ordered).map_err(LoadError::from)?, locations })
}

/// The location of the files of a recording in the order in which they were given, or of each if they cannot be one location.
fn locations_of(paths: &[PathBuf], members: &[usize]) -> Vec<PathBuf> {
    let given = paths.iter().enumerate().filter(|(at, _)| members.contains(at));
    let files: Vec<PathBuf> = given.map(|(_, path)| path.clone()).collect();
    match files.as_slice() {
        [_] => files,
        several => join_parts(several).map_or_else(|| several.to_vec(), |location| vec![location]),
    }
}

/// Recordings among files.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Recordings {
    /// Location of each recording, in the order of their first files.
    pub locations: Vec<PathBuf>,
    /// Reasons why files of one computer and session, by their headers, are not of one recording.
    pub separations: Vec<Separation>,
}

/// Groups files to recordings. Archives, and files that are no traces, stay alone. The headers of all files are read, and the files
/// whose headers agree are opened.
#[must_use]
pub fn recordings(paths: &[PathBuf], are_chosen: bool) -> Recordings {
    let mut classes: Vec<(Option<HeadFacts>, Vec<PathBuf>)> = Vec::new();
    for path in paths {
        let facts = head_of(path).as_deref().and_then(HeadFacts::of);
        // Files that the user has chosen together are compared in any case, to say why they are not joined.
        let known =
            classes.iter_mut().find(|(known, _)| facts.is_some() && (are_chosen && known.is_some() || *known == facts));
        match known {
            Some((_, class)) => class.push(path.clone()),
            None => classes.push((facts, vec![path.clone()])),
        }
    }
    let mut found = Recordings::default();
    for (_, class) in classes {
        let opened: Vec<TraceFile> = class.iter().filter_map(|path| TraceFile::open(path).ok()).collect();
        if class.len() < 2 || opened.len() < class.len() {
            found.locations.extend(class);
            continue;
        }
        for group in group_parts(&opened) {
            found.locations.extend(locations_of(&class, &group.members));
            found.separations.extend(group.separation);
        }
    }
    let first_of = |location: &PathBuf| {
        let files = crate::trace_location::parts_by_name(location);
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        paths.iter().position(|path| path == location || files.iter().any(|file| **file == absolute(path)))
    };
    found.locations.sort_by_key(|location| first_of(location));
    found
}

/// Returns `true` if traces in an archive may be of one recording, by their log-file headers. Traces that are packed once more are
/// taken to be.
///
/// # Errors
/// A member cannot be read.
pub fn may_be_parts(archive: &Archive, members: &[usize], control: Control<'_>) -> Result<bool, TraceOpenError> {
    let mut known: Option<HeadFacts> = None;
    for &member in members {
        let Some(facts) = HeadFacts::of(&archive.head(member, HEAD_BYTES, control)?) else { continue };
        if known.is_some_and(|known| known != facts) {
            return Ok(false);
        }
        known = Some(facts);
    }
    Ok(true)
}

/// Fields of a log-file header that are equal in all files of a recording.
#[derive(Clone, Copy, PartialEq, Eq)]
struct HeadFacts {
    boot_filetime: i64,
    perf_freq: i64,
    os_build: u32,
    cpu_mhz: u32,
}

impl HeadFacts {
    /// Those of a trace that begins with these bytes; `None` if they are not the beginning of one.
    fn of(head: &[u8]) -> Option<Self> {
        let first = Records::new(head.get(HEADER_BYTES..)?).next()?;
        let header = LogfileHeader::parse(first.payload)?;
        let LogfileHeader { boot_filetime, perf_freq, os_build, cpu_mhz, .. } = header;
        Some(Self { boot_filetime, perf_freq, os_build, cpu_mhz })
    }
}

/// First bytes of a file.
fn head_of(path: &Path) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(HEAD_BYTES as u64).read_to_end(&mut head).ok()?;
    Some(head)
}
