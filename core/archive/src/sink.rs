//! Unpacked bytes under limits: first in memory, then in a temporary file that has no name and goes away when it is closed, also if
//! the program is killed.

use crate::content::Content;
use crate::error::ArchiveError;
use crate::limits::UnpackLimits;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Bytes that are written between two looks at the free disk space.
const SPACE_CHECK_BYTES: u64 = 64 << 20;

/// Names in messages, and sizes that the limits refer to.
pub(crate) struct SinkSubject<'a> {
    /// The archive.
    pub archive: &'a str,
    /// The member.
    pub member: &'a str,
    /// Size of the packed content in bytes.
    pub packed_bytes: u64,
    /// Unpacked size as declared.
    pub declared_bytes: Option<u64>,
}

/// Receives the unpacked bytes of one member.
pub(crate) struct Sink<'a> {
    subject: SinkSubject<'a>,
    limits: &'a UnpackLimits,
    memory: Vec<u8>,
    file: Option<(File, PathBuf)>,
    written: u64,
    space_checked_at: u64,
}

impl<'a> Sink<'a> {
    /// A sink without bytes. Fails if the declared size is above the limit already.
    pub fn new(subject: SinkSubject<'a>, limits: &'a UnpackLimits) -> Result<Self, ArchiveError> {
        let sink = Self { subject, limits, memory: Vec::new(), file: None, written: 0, space_checked_at: 0 };
        sink.check_bounds(sink.subject.declared_bytes.unwrap_or(0))?;
        Ok(sink)
    }

    /// Bytes received so far.
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// Takes more bytes.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        let written = self.written + bytes.len() as u64;
        self.check_bounds(written)?;
        if self.file.is_none() && written > self.limits.memory_bytes {
            self.move_to_file(written)?;
        }
        match &mut self.file {
            None => self.memory.extend_from_slice(bytes),
            Some((file, folder)) => {
                if written - self.space_checked_at >= SPACE_CHECK_BYTES {
                    self.space_checked_at = written;
                    check_space(folder, bytes.len() as u64, self.limits, &self.subject)?;
                }
                file.write_all(bytes).map_err(|error| write_error(error, folder, &self.subject))?;
            }
        }
        self.written = written;
        Ok(())
    }

    /// The bytes received.
    pub fn into_content(self) -> Content {
        match self.file {
            Some((file, _)) => Content::File(file),
            None => Content::Memory(self.memory),
        }
    }

    fn check_bounds(&self, unpacked_bytes: u64) -> Result<(), ArchiveError> {
        let (archive, member) = (self.subject.archive.to_owned(), self.subject.member.to_owned());
        let UnpackLimits { max_bytes, max_ratio, ratio_from_bytes, .. } = *self.limits;
        if unpacked_bytes > max_bytes {
            return Err(ArchiveError::TooLarge { archive, member, max_bytes });
        }
        let packed_bytes = self.subject.packed_bytes;
        if unpacked_bytes > ratio_from_bytes && unpacked_bytes / max_ratio.max(1) > packed_bytes {
            return Err(ArchiveError::Bomb { archive, member, unpacked_bytes, packed_bytes, max_ratio });
        }
        Ok(())
    }

    /// Moves what is in memory to a temporary file in the first folder with enough space.
    fn move_to_file(&mut self, written: u64) -> Result<(), ArchiveError> {
        let needed = self.subject.declared_bytes.unwrap_or(0).max(written);
        let mut failure = None;
        for folder in &self.limits.folders {
            let made = check_space(folder, needed, self.limits, &self.subject).and_then(|()| {
                let scratch = |reason| ArchiveError::Scratch { folder: folder.clone(), reason };
                let mut file = tempfile::tempfile_in(folder).map_err(scratch)?;
                file.write_all(&self.memory).map_err(|error| write_error(error, folder, &self.subject))?;
                Ok(file)
            });
            match made {
                Ok(file) => {
                    self.file = Some((file, folder.clone()));
                    self.memory = Vec::new();
                    self.space_checked_at = written;
                    return Ok(());
                }
                // The first failure is that of the folder that the user expects.
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        let none = || io::Error::new(io::ErrorKind::NotFound, "no folder for temporary files");
        Err(failure.unwrap_or_else(|| ArchiveError::Scratch { folder: PathBuf::new(), reason: none() }))
    }
}

/// Fails if a folder has no space for `needed` bytes above the reserve. A folder whose space is unknown passes.
fn check_space(
    folder: &Path,
    needed: u64,
    limits: &UnpackLimits,
    subject: &SinkSubject<'_>,
) -> Result<(), ArchiveError> {
    let Ok(free_bytes) = fs4::available_space(folder) else { return Ok(()) };
    let needed_bytes = needed.saturating_add(limits.disk_reserve_bytes);
    if free_bytes >= needed_bytes {
        return Ok(());
    }
    Err(no_space(folder, needed_bytes, free_bytes, subject))
}

fn no_space(folder: &Path, needed_bytes: u64, free_bytes: u64, subject: &SinkSubject<'_>) -> ArchiveError {
    let (archive, member) = (subject.archive.to_owned(), subject.member.to_owned());
    ArchiveError::NoSpace { archive, member, folder: folder.to_owned(), needed_bytes, free_bytes }
}

fn write_error(reason: io::Error, folder: &Path, subject: &SinkSubject<'_>) -> ArchiveError {
    if reason.kind() == io::ErrorKind::StorageFull {
        let free_bytes = fs4::available_space(folder).unwrap_or(0);
        return no_space(folder, subject.declared_bytes.unwrap_or(0), free_bytes, subject);
    }
    ArchiveError::Scratch { folder: folder.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(packed_bytes: u64) -> SinkSubject<'static> {
        SinkSubject { archive: "a.zip", member: "a.etl", packed_bytes, declared_bytes: None }
    }

    fn limits() -> UnpackLimits {
        UnpackLimits { memory_bytes: 100, ..UnpackLimits::with_folders(vec![std::env::temp_dir()]) }
    }

    #[test]
    fn much_goes_to_a_file_and_little_stays_in_memory() {
        let limits = limits();
        let mut sink = Sink::new(subject(1000), &limits).expect("no declared size");
        sink.push(&[1; 100]).expect("little");
        assert!(sink.file.is_none());
        sink.push(&[2; 100]).expect("more");
        sink.push(&[3; 5]).expect("more");
        let content = sink.into_content();
        assert!(matches!(content, Content::File(_)));
        assert_eq!(content.bytes().expect("readable"), 205);
        assert_eq!(content.head(300).expect("readable"), [vec![1; 100], vec![2; 100], vec![3; 5]].concat());
    }

    #[test]
    fn bounds_are_kept() {
        let small = UnpackLimits { max_bytes: 50, ..limits() };
        let mut sink = Sink::new(subject(1000), &small).expect("no declared size");
        assert!(matches!(sink.push(&[0; 51]), Err(ArchiveError::TooLarge { .. })));
        let declared = SinkSubject { declared_bytes: Some(51), ..subject(1000) };
        assert!(matches!(Sink::new(declared, &small), Err(ArchiveError::TooLarge { .. })));
        let dense = UnpackLimits { max_ratio: 10, ratio_from_bytes: 20, ..limits() };
        let mut sink = Sink::new(subject(5), &dense).expect("no declared size");
        sink.push(&[0; 50]).expect("10 to 1");
        let error = sink.push(&[0; 10]).expect_err("12 to 1");
        assert!(matches!(error, ArchiveError::Bomb { unpacked_bytes: 60, packed_bytes: 5, .. }), "{error}");
        let full = UnpackLimits { disk_reserve_bytes: u64::MAX, ..limits() };
        let mut sink = Sink::new(subject(1000), &full).expect("no declared size");
        assert!(matches!(sink.push(&[0; 200]), Err(ArchiveError::NoSpace { .. })));
        let nowhere = UnpackLimits { folders: vec!["/no/such/folder".into(), std::env::temp_dir()], ..limits() };
        let mut sink = Sink::new(subject(1000), &nowhere).expect("no declared size");
        sink.push(&[0; 200]).expect("the second folder is used");
    }
}
