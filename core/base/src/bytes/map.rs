//! Read-only memory map of a file, so that a large trace is read in place instead of copied. The only file of the
//! workspace with `unsafe` code. Maps regular, non-empty files only, and never for writing.

use std::fs::File;
use std::io;
use std::path::Path;

/// A file mapped read-only into memory.
#[derive(Debug)]
pub struct FileMap {
    map: memmap2::Mmap,
}

impl FileMap {
    /// Maps a whole file; `None` for an empty one, which cannot be mapped.
    ///
    /// # Errors
    /// The system's error if the file cannot be opened or mapped, or is not a regular file.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        let folder = || io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, not a file");
        // On Windows opening a folder fails with "access denied", which would mislead. `File::open` shares all access
        // there, so that a file which another program writes can be opened.
        let file = File::open(path).map_err(|error| if path.is_dir() { folder() } else { error })?;
        if file.metadata()?.is_dir() {
            return Err(folder());
        }
        Self::of(&file)
    }

    /// Maps a whole open file; `None` for an empty one. The map outlives the file.
    ///
    /// # Errors
    /// The system's error if the file cannot be mapped or is not a regular file.
    pub fn of(file: &File) -> io::Result<Option<Self>> {
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        if meta.len() == 0 {
            return Ok(None);
        }
        Ok(Some(Self { map: map_read_only(file)? }))
    }

    /// Returns the bytes of the file as they were when it was mapped, as many as it had then.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }
}

#[expect(unsafe_code, reason = "memory maps are unsafe by nature; this is the only one")]
fn map_read_only(file: &File) -> io::Result<memmap2::Mmap> {
    // SAFETY: the map is private to this process and read-only. If another program changes the file while it is read,
    // bytes may change between two reads: the readers check lengths at each read and keep no reference into unchecked
    // data. If another program shortens the file, the system ends this process: the same contract as every tool that
    // maps its input, and a finished trace is not shortened.
    unsafe { memmap2::MmapOptions::new().map(file) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_refused() {
        let error = FileMap::open(&std::env::temp_dir()).expect_err("a folder is no trace");
        assert_eq!(error.to_string(), "it is a folder, not a file");
    }

    #[test]
    fn a_file_that_is_being_written_is_mapped_at_its_current_length() {
        use std::io::Write as _;
        let path = std::env::temp_dir().join(format!("poolscope-map-{}.etl", std::process::id()));
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        // FILE_SHARE_READ, as the trace logger of Windows opens its file: others may read it only.
        #[cfg(windows)]
        std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 1);
        let mut writer = options.open(&path).unwrap();
        writer.write_all(b"first").unwrap();
        let map = FileMap::open(&path).unwrap().expect("not empty");
        assert_eq!(map.bytes(), b"first");
        writer.write_all(b" second").unwrap();
        assert_eq!(map.bytes(), b"first", "an existing map keeps its length");
        assert_eq!(FileMap::open(&path).unwrap().expect("not empty").bytes(), b"first second");
        drop((map, writer));
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_file_that_was_read_can_be_replaced() {
        let path = std::env::temp_dir().join(format!("poolscope-map-again-{}.etl", std::process::id()));
        std::fs::write(&path, b"old").unwrap();
        drop(FileMap::open(&path).unwrap().expect("not empty"));
        let other = path.with_extension("new");
        std::fs::write(&other, b"new").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(FileMap::open(&path).unwrap().expect("not empty").bytes(), b"new");
        std::fs::remove_file(&path).unwrap();
    }
}
