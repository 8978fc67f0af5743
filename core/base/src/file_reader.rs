//! Reads of a file at positions. No file is mapped into memory: if a file is shortened, or the share that it is on
//! disappears, a read fails with an error, where an access to a map would end the process.

use std::borrow::Cow;
use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::path::Path;

/// Source of bytes that can be read at any position, from several threads at a time.
pub trait ReadAt: Debug + Send + Sync {
    /// Reads up to `buffer.len()` bytes at `offset` into `buffer` and returns their number; 0 at the end.
    ///
    /// # Errors
    /// That of the source.
    fn read_some_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

impl ReadAt for File {
    fn read_some_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_at(self, buffer, offset);
        // Moves the file's own position, which nothing here uses.
        #[cfg(windows)]
        return std::os::windows::fs::FileExt::seek_read(self, buffer, offset);
    }
}

/// A failed read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read at offset {offset}: {reason}")]
pub struct ReadError {
    /// Offset of the bytes that were asked for.
    pub offset: u64,
    /// The system's error, or the file's new length. Part of the message, and therefore not a source.
    pub reason: io::Error,
}

/// A file, or bytes in memory, that are read at positions. The length is that at the time of opening.
#[derive(Debug)]
pub struct FileReader {
    content: Content,
    len: u64,
}

#[derive(Debug)]
enum Content {
    Memory(Cow<'static, [u8]>),
    Source(Box<dyn ReadAt>),
}

impl FileReader {
    /// Opens a regular file.
    ///
    /// # Errors
    /// The system's error if the file cannot be opened, or it is not a regular file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let folder = || io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, not a file");
        // On Windows opening a folder fails with "access denied", which would mislead. `File::open` shares all access
        // there, so that a file which another program writes can be opened.
        let file = File::open(path).map_err(|error| if path.is_dir() { folder() } else { error })?;
        if file.metadata()?.is_dir() {
            return Err(folder());
        }
        Self::of(file)
    }

    /// Reads an open file, such as a temporary one without a name.
    ///
    /// # Errors
    /// The system's error, or it is not a regular file.
    pub fn of(file: File) -> io::Result<Self> {
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        Ok(Self::from_source(Box::new(file), meta.len()))
    }

    /// Reads bytes in memory, without copying them.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Cow<'static, [u8]>>) -> Self {
        let bytes = bytes.into();
        Self { len: bytes.len() as u64, content: Content::Memory(bytes) }
    }

    /// Reads `len` bytes of another source.
    #[must_use]
    pub fn from_source(source: Box<dyn ReadAt>, len: u64) -> Self {
        Self { content: Content::Source(source), len }
    }

    /// Returns the number of bytes.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Returns `true` if there are no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns all bytes if they are in memory.
    #[must_use]
    pub fn memory(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Memory(bytes) => Some(bytes),
            Content::Source(_) => None,
        }
    }

    /// Fills `buffer` with the bytes at `offset`.
    ///
    /// # Errors
    /// The bytes cannot be read, or there are not as many.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let mut done = 0;
        while done < buffer.len() {
            let at = offset.saturating_add(done as u64);
            let rest = &mut buffer[done..];
            let read = match &self.content {
                Content::Memory(bytes) => Ok(copy_at(bytes, at, rest)),
                Content::Source(source) => source.read_some_at(at, rest),
            };
            match read {
                Ok(0) => return Err(ReadError { offset: at, reason: self.ended_early(at) }),
                Ok(read) => done += read.min(rest.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(reason) => return Err(ReadError { offset: at, reason }),
            }
        }
        Ok(())
    }

    /// Reads all bytes.
    ///
    /// # Errors
    /// They cannot be read, or are more than `limit`.
    pub fn read_all(&self, limit: u64) -> Result<Cow<'_, [u8]>, ReadError> {
        if let Some(bytes) = self.memory() {
            return Ok(Cow::Borrowed(bytes));
        }
        if self.len > limit {
            let reason = format!("the file has {} bytes, and at most {limit} are read", self.len);
            return Err(ReadError { offset: 0, reason: io::Error::new(io::ErrorKind::FileTooLarge, reason) });
        }
        let mut bytes = vec![0; self.len as usize];
        self.read_at(0, &mut bytes)?;
        Ok(Cow::Owned(bytes))
    }

    /// Error of a read that found the end at `offset`.
    fn ended_early(&self, offset: u64) -> io::Error {
        let text = if offset < self.len {
            format!("the file had {} bytes when it was opened and ends here now: it was shortened", self.len)
        } else {
            "the file ends before that".to_owned()
        };
        io::Error::new(io::ErrorKind::UnexpectedEof, text)
    }
}

/// Copies the bytes at `offset` into `buffer` and returns their number.
fn copy_at(bytes: &[u8], offset: u64, buffer: &mut [u8]) -> usize {
    let from = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
    let count = from.len().min(buffer.len());
    buffer[..count].copy_from_slice(&from[..count]);
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn scratch(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("poolscope-reader-{name}-{}", std::process::id()))
    }

    /// The bytes of a file as far as `len`.
    fn first(file: &FileReader, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        file.read_at(0, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_folder_is_refused() {
        let error = FileReader::open(&std::env::temp_dir()).expect_err("a folder is no trace");
        assert_eq!(error.to_string(), "it is a folder, not a file");
    }

    #[test]
    fn files_and_memory_are_read_at_positions() {
        let path = scratch("positions");
        let bytes: Vec<u8> = (0..=255).cycle().take(10_000).collect();
        std::fs::write(&path, &bytes).unwrap();
        for file in [FileReader::open(&path).unwrap(), FileReader::from_bytes(bytes.clone())] {
            assert_eq!((file.len(), file.is_empty()), (10_000, false));
            let mut part = [0; 300];
            for at in [9_700, 0, 5_000] {
                file.read_at(at as u64, &mut part).unwrap();
                assert_eq!(part[..], bytes[at..at + 300], "at {at}");
            }
            let error = file.read_at(9_701, &mut part).unwrap_err();
            assert_eq!((error.offset, error.reason.kind()), (10_000, io::ErrorKind::UnexpectedEof));
            assert_eq!(file.read_at(u64::MAX, &mut part).unwrap_err().offset, u64::MAX);
            file.read_at(u64::MAX, &mut []).unwrap();
            assert_eq!(*file.read_all(10_000).unwrap(), bytes);
        }
        let error = FileReader::open(&path).unwrap().read_all(9_999).unwrap_err();
        assert_eq!(error.reason.kind(), io::ErrorKind::FileTooLarge);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_file_that_is_being_written_has_the_length_that_it_had_when_it_was_opened() {
        use std::io::Write as _;
        let path = scratch("written");
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        // FILE_SHARE_READ, as the trace logger of Windows opens its file: others may read it only.
        #[cfg(windows)]
        std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 1);
        let mut writer = options.open(&path).unwrap();
        writer.write_all(b"first").unwrap();
        let file = FileReader::open(&path).unwrap();
        writer.write_all(b" second").unwrap();
        assert_eq!((file.len(), first(&file, 5)), (5, b"first".to_vec()));
        assert_eq!(first(&FileReader::open(&path).unwrap(), 12), b"first second");
        drop((file, writer));
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_file_that_becomes_shorter_is_an_error() {
        let path = scratch("shorter");
        std::fs::write(&path, [7; 5_000]).unwrap();
        let file = FileReader::open(&path).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(3_000).unwrap();
        assert_eq!(first(&file, 3_000), [7; 3_000]);
        let error = file.read_at(2_000, &mut [0; 2_000]).unwrap_err();
        assert_eq!(error.offset, 3_000);
        let wanted = "cannot read at offset 3000: the file had 5000 bytes when it was opened and ends here now: it was shortened";
        assert_eq!(error.to_string(), wanted);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_file_that_was_read_can_be_replaced() {
        let path = scratch("again");
        std::fs::write(&path, b"old").unwrap();
        drop(FileReader::open(&path).unwrap());
        let other = path.with_extension("new");
        std::fs::write(&other, b"new").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(first(&FileReader::open(&path).unwrap(), 3), b"new");
        std::fs::remove_file(&path).unwrap();
    }
}
