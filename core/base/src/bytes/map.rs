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
        let folder = || io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, not a file");
        // Windows opens no folder and says that access is denied. A file may be open elsewhere, even for writing: `File::open`
        // shares everything there.
        let file = File::open(path).map_err(|error| if path.is_dir() { folder() } else { error })?;
        let meta = file.metadata()?;
        if meta.is_dir() {
            return Err(folder());
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
        assert_eq!(error.to_string(), "it is a folder, not a file");
    }

    #[test]
    fn a_file_that_is_being_written_is_read_as_far_as_it_is() {
        use std::io::Write as _;
        let path = std::env::temp_dir().join(format!("poolscope-map-{}.etl", std::process::id()));
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        // FILE_SHARE_READ, as the recorder of Windows: others may read, no more.
        #[cfg(windows)]
        std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 1);
        let mut writer = options.open(&path).unwrap();
        writer.write_all(b"first").unwrap();
        let map = FileMap::open(&path).unwrap().expect("not empty");
        assert_eq!(map.bytes(), b"first");
        writer.write_all(b" second").unwrap();
        assert_eq!(map.bytes(), b"first", "what is mapped keeps its length");
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
