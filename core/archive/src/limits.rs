//! Bounds on what is unpacked, so that a small file cannot fill memory or disk.

use std::path::PathBuf;

/// Bounds on the content of one member.
#[derive(Clone, Debug)]
pub struct UnpackLimits {
    /// Upper bound on the unpacked size in bytes.
    pub max_bytes: u64,
    /// Upper bound on unpacked bytes per packed byte. Event traces reach 10 to 50.
    pub max_ratio: u64,
    /// Unpacked bytes below which the ratio is not checked.
    pub ratio_from_bytes: u64,
    /// Unpacked bytes that stay in memory; more go to a temporary file.
    pub memory_bytes: u64,
    /// Bytes that stay free on the disk of the temporary file.
    pub disk_reserve_bytes: u64,
    /// Folders for the temporary file; the first one with enough space is used.
    pub folders: Vec<PathBuf>,
}

impl UnpackLimits {
    /// The usual bounds, with these folders for temporary files.
    #[must_use]
    pub fn with_folders(folders: Vec<PathBuf>) -> Self {
        Self {
            max_bytes: 256 << 30,
            max_ratio: 250,
            ratio_from_bytes: 16 << 20,
            memory_bytes: 64 << 20,
            disk_reserve_bytes: 256 << 20,
            folders,
        }
    }
}

/// Upper bound on the memory of a decoder, in KiB: the largest dictionaries of usual settings are 64 MiB (xz -9) and 256 MiB.
pub(crate) const DECODER_MEMORY_KIB: u32 = 1 << 20;
/// Upper bound on the number of members that are listed.
pub(crate) const MAX_MEMBERS: usize = 200_000;
