//! Reasons why an archive or a member of it cannot be used.

use crate::member::MemberProblem;
use poolscope_base::progress::Cancelled;
use std::io;
use std::path::PathBuf;

/// Reason why an archive or a member of it cannot be used. The message is one sentence without a period;
/// [`Self::advice`] is the next step.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file cannot be read.
    #[error("cannot read {name}: {reason}")]
    Io {
        /// The file.
        name: String,
        /// The system's error. Part of the message, and therefore not a source, which would be printed twice.
        reason: io::Error,
    },
    /// The table of contents cannot be read.
    #[error("{name} is {kind} that cannot be read: {problem}")]
    Unreadable {
        /// The archive.
        name: String,
        /// Its format, with an article.
        kind: &'static str,
        /// The reason.
        problem: String,
    },
    /// The names of the members are encrypted.
    #[error("{name} is an encrypted archive: even its table of contents needs a password")]
    EncryptedTable {
        /// The archive.
        name: String,
    },
    /// The member is refused.
    #[error("{member} in {archive} {problem}")]
    Refused {
        /// The archive.
        archive: String,
        /// The member.
        member: String,
        /// The reason.
        problem: MemberProblem,
    },
    /// The content expands too much.
    #[error(
        "{member} in {archive} expands like a decompression bomb: {unpacked_bytes} bytes from {packed_bytes} bytes, more than {max_ratio} to 1"
    )]
    Bomb {
        /// The archive.
        archive: String,
        /// The member.
        member: String,
        /// Bytes unpacked so far.
        unpacked_bytes: u64,
        /// Bytes of the packed content.
        packed_bytes: u64,
        /// The limit.
        max_ratio: u64,
    },
    /// The content is larger than the limit.
    #[error("{member} in {archive} unpacks to more than {max_bytes} bytes, the limit")]
    TooLarge {
        /// The archive.
        archive: String,
        /// The member.
        member: String,
        /// The limit.
        max_bytes: u64,
    },
    /// No folder has space for the temporary file.
    #[error("not enough disk space to unpack {member} in {archive}: {needed_bytes} bytes needed, {free_bytes} free in {}", folder.display())]
    NoSpace {
        /// The archive.
        archive: String,
        /// The member.
        member: String,
        /// The folder with the most space.
        folder: PathBuf,
        /// Bytes that are needed at least.
        needed_bytes: u64,
        /// Bytes that are free.
        free_bytes: u64,
    },
    /// The temporary file cannot be written.
    #[error("cannot write a temporary file in {}: {reason}", folder.display())]
    Scratch {
        /// Its folder.
        folder: PathBuf,
        /// The system's error.
        reason: io::Error,
    },
    /// Nothing of the member can be unpacked.
    #[error("{member} in {archive}, {kind}, cannot be unpacked: {problem}")]
    Damaged {
        /// The archive.
        archive: String,
        /// Its format, with an article.
        kind: &'static str,
        /// The member.
        member: String,
        /// The reason.
        problem: String,
    },
    /// Cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl ArchiveError {
    /// Advice on what to do next, a sentence.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Io { .. } => "Check that the file exists and that you have permission to read it, then try again.",
            Self::Unreadable { .. } | Self::Damaged { .. } => "Copy the file again, or ask for a new archive.",
            Self::EncryptedTable { .. } => "Unpack it with its password, and open the unpacked file.",
            Self::Refused { problem, .. } => problem.advice(),
            Self::Bomb { .. } => "If you trust its source, unpack it yourself and open the unpacked file.",
            Self::TooLarge { .. } => "Unpack it yourself and open the unpacked file.",
            Self::NoSpace { .. } | Self::Scratch { .. } => {
                "Free disk space, or choose another folder for temporary files (TMPDIR, on Windows TMP)."
            }
            Self::Cancelled(_) => "Try again.",
        }
    }
}
