//! Bytes to read: of a file on disk, or of something that was unpacked.

use poolscope_base::progress::{CancelToken, Cancelled, Progress};
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};

/// Bytes of a file on disk, of a temporary file, or in memory.
#[derive(Debug)]
pub enum Content {
    /// In memory.
    Memory(Vec<u8>),
    /// An open file.
    File(File),
}

impl Content {
    /// Number of bytes.
    ///
    /// # Errors
    /// The system's error.
    pub fn bytes(&self) -> io::Result<u64> {
        match self {
            Self::Memory(bytes) => Ok(bytes.len() as u64),
            Self::File(file) => Ok(file.metadata()?.len()),
        }
    }

    /// First bytes, fewer if there are no more.
    ///
    /// # Errors
    /// The system's error.
    pub fn head(&self, bytes: usize) -> io::Result<Vec<u8>> {
        let mut head = Vec::with_capacity(bytes);
        match self {
            Self::Memory(all) => head.extend_from_slice(all.get(..bytes).unwrap_or(all)),
            Self::File(file) => {
                let mut file = file;
                file.seek(SeekFrom::Start(0))?;
                file.take(bytes as u64).read_to_end(&mut head)?;
            }
        }
        Ok(head)
    }

    /// A reader from the beginning. Readers of a file share its position: only one may be in use.
    pub(crate) fn reader<'a>(
        &'a self,
        progress: &'a Progress,
        cancel: &'a CancelToken,
    ) -> io::Result<PackedReader<'a>> {
        let source = match self {
            Self::Memory(bytes) => Source::Memory(Cursor::new(bytes)),
            Self::File(file) => {
                let mut file = file;
                file.seek(SeekFrom::Start(0))?;
                Source::File(file)
            }
        };
        Ok(BufReader::with_capacity(256 << 10, Watched { source, progress, cancel }))
    }
}

/// Reader of packed bytes that reports progress and stops when it is cancelled.
pub(crate) type PackedReader<'a> = BufReader<Watched<'a>>;

#[derive(Debug)]
enum Source<'a> {
    Memory(Cursor<&'a Vec<u8>>),
    File(&'a File),
}

/// Reader that counts the bytes read as progress and fails once it is cancelled.
#[derive(Debug)]
pub(crate) struct Watched<'a> {
    source: Source<'a>,
    progress: &'a Progress,
    cancel: &'a CancelToken,
}

impl Read for Watched<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.cancel.check().map_err(|Cancelled| io::Error::other(Cancelled))?;
        let read = match &mut self.source {
            Source::Memory(bytes) => bytes.read(into),
            Source::File(file) => file.read(into),
        }?;
        self.progress.advance(read as u64, 0);
        Ok(read)
    }
}

impl Seek for Watched<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.source {
            Source::Memory(bytes) => bytes.seek(to),
            Source::File(file) => file.seek(to),
        }
    }
}
