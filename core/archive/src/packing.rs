//! Writing of ZIP archives. The same members give the same bytes: no time is written.

use std::io::{self, Seek, Write};
use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{CompressionMethod, DateTime};

/// Writer of a ZIP archive, one member after another. Bytes that are written belong to the member that was begun last.
pub struct ZipPacker<W: Write + Seek> {
    zip: ZipWriter<W>,
}

impl<W: Write + Seek> ZipPacker<W> {
    /// Writer of an archive at the current position of `out`.
    pub fn new(out: W) -> Self {
        Self { zip: ZipWriter::new(out) }
    }

    /// Begins a deflated member of any size.
    ///
    /// # Errors
    /// The output cannot be written, or the name is in use.
    pub fn begin(&mut self, name: &str) -> io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .large_file(true);
        self.zip.start_file(name, options).map_err(io::Error::from)
    }

    /// Writes the table of contents.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn finish(self) -> io::Result<W> {
        self.zip.finish().map_err(io::Error::from)
    }
}

impl<W: Write + Seek> Write for ZipPacker<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.zip.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.zip.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Archive, Content, Control};
    use poolscope_base::progress::{CancelToken, Progress};

    #[test]
    fn members_come_back_and_the_same_members_give_the_same_bytes() {
        let write = || {
            let mut packer = ZipPacker::new(io::Cursor::new(Vec::new()));
            for (name, text) in [("a.txt", &b"hello hello hello"[..]), ("b/c.etl", b"")] {
                packer.begin(name).expect("memory");
                packer.write_all(text).expect("memory");
            }
            packer.finish().expect("memory").into_inner()
        };
        assert_eq!(write(), write());
        let (progress, cancel) = (Progress::default(), CancelToken::none());
        let control = Control { progress: &progress, cancel: &cancel };
        let archive = Archive::open(Content::Memory(write()), "a.zip", control).expect("an archive");
        let names: Vec<&str> = archive.members().iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names, ["a.txt", "b/c.etl"]);
        assert_eq!(archive.members()[0].bytes, Some(17));
        assert_eq!(archive.head(0, 100, control).expect("the content"), b"hello hello hello");
    }
}
