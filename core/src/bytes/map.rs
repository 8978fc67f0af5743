//! The file map: a trace is read where it lies. This is the only place with `unsafe` code. It must never map anything
//! but a regular, non-empty file, and never for writing.

use std::fs::File;
use std::io;
use std::path::Path;

/// A read-only file in memory.
#[derive(Debug)]
pub struct FileMap {
    map: memmap2::Mmap,
}

impl FileMap {
    /// Maps a whole file. An empty file gives `None`: there is nothing to map.
    ///
    /// # Errors
    /// What the system says when the file cannot be opened, is no regular file, or cannot be mapped.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        let meta = file.metadata()?;
        if meta.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, not a file"));
        }
        if !meta.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        if meta.len() == 0 {
            return Ok(None);
        }
        Ok(Some(Self { map: map_read_only(&file)? }))
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }
}

#[expect(unsafe_code, reason = "the one place where a file becomes memory")]
fn map_read_only(file: &File) -> io::Result<memmap2::Mmap> {
    // SAFETY: the map is private to this process and read-only. If another program changes the file while it is read,
    // bytes may change between two reads: every reader above checks lengths at each read and keeps no reference into
    // unchecked data. If another program shortens the file, the system ends the process: the same contract as every
    // tool that maps its input, and a finished trace is not shortened.
    unsafe { memmap2::MmapOptions::new().map(file) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_refused() {
        let error = FileMap::open(&std::env::temp_dir()).expect_err("a folder is no trace");
        assert!(!error.to_string().is_empty());
    }
}
