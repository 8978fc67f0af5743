//! Part of a file in memory, which moves to the bytes that are asked for. Reads that follow one another become few large
//! ones; scattered reads read no more than they ask for.

use super::file_reader::{FileReader, ReadError};
use std::ops::Range;

/// Largest number of bytes that are read ahead. Larger reads are no faster on a local file, and this many fit into the
/// cache of a processor core.
const MAX_AHEAD_BYTES: u64 = 256 << 10;

/// Bytes of a file around the position that was read last. One per thread; bytes in memory are lent, not copied.
#[derive(Debug, Default)]
pub struct FileWindow {
    bytes: Vec<u8>,
    /// File offset of the first byte, and number of bytes that are valid.
    start: u64,
    filled: usize,
}

impl FileWindow {
    /// Returns the `len` bytes of a file at `offset`, or fewer if the file ends before. All calls have to be with the
    /// same file.
    ///
    /// # Errors
    /// The bytes cannot be read.
    pub fn bytes<'a>(&'a mut self, file: &'a FileReader, offset: u64, len: usize) -> Result<&'a [u8], ReadError> {
        let end = offset.saturating_add(len as u64).min(file.len());
        let offset = offset.min(end);
        if let Some(bytes) = file.memory() {
            return Ok(bytes.get(offset as usize..end as usize).unwrap_or_default());
        }
        let known_end = self.start + self.filled as u64;
        if offset < self.start || end > known_end {
            self.fill(file, offset, end, known_end)?;
        }
        let start = (offset - self.start) as usize;
        Ok(self.bytes.get(start..start + (end - offset) as usize).unwrap_or_default())
    }

    /// Reads a range of a file at once, so that [`Self::bytes`] finds its parts in memory; nothing if it is there, or the file is
    /// in memory. A range beyond the end of the file ends with it.
    ///
    /// # Errors
    /// The bytes cannot be read.
    pub fn read_range(&mut self, file: &FileReader, range: Range<u64>) -> Result<(), ReadError> {
        let end = range.end.min(file.len());
        let is_known = range.start >= self.start && end <= self.start + self.filled as u64;
        if file.memory().is_some() || range.start >= end || is_known {
            return Ok(());
        }
        self.read(file, range.start..end)
    }

    /// Reads the bytes from `offset` to `end`, and more behind them if the last read ended shortly before: if no more bytes
    /// lie between than are asked for. Reading over larger gaps would cost more than the reads that it saves.
    fn fill(&mut self, file: &FileReader, offset: u64, end: u64, known_end: u64) -> Result<(), ReadError> {
        let follows = self.filled > 0 && offset >= self.start && offset - known_end.min(offset) <= end - offset;
        let ahead = if follows { (2 * self.filled as u64).min(MAX_AHEAD_BYTES) } else { 0 };
        let end = end.max(offset.saturating_add(ahead)).min(file.len());
        self.read(file, offset..end)
    }

    /// Replaces the bytes by those of a range that ends within the file.
    fn read(&mut self, file: &FileReader, range: Range<u64>) -> Result<(), ReadError> {
        let len = (range.end - range.start) as usize;
        // Without this, a failed read would leave the window with bytes of two places.
        self.filled = 0;
        if self.bytes.len() < len {
            self.bytes.resize(len, 0);
        }
        file.read_at(range.start, &mut self.bytes[..len])?;
        (self.start, self.filled) = (range.start, len);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::file_reader::ReadAt;
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};

    /// Bytes that are their offsets modulo 251, and a list of the reads.
    #[derive(Clone, Debug, Default)]
    struct Recorder(Arc<Mutex<Vec<(u64, usize)>>>);

    impl ReadAt for Recorder {
        fn read_some_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push((offset, buffer.len()));
            if offset == 666 {
                return Err(io::Error::other("the share is gone"));
            }
            buffer.iter_mut().zip(offset..).for_each(|(byte, at)| *byte = (at % 251) as u8);
            Ok(buffer.len())
        }
    }

    const LEN: u64 = 10 << 20;

    /// Asks for parts and returns the number of reads and of bytes that were read.
    fn reads(parts: impl Iterator<Item = (u64, usize)>) -> (usize, u64) {
        let recorder = Recorder::default();
        let file = FileReader::from_source(Box::new(recorder.clone()), LEN);
        let mut window = FileWindow::default();
        for (offset, len) in parts {
            let bytes = window.bytes(&file, offset, len).unwrap();
            assert_eq!(bytes.len() as u64, (len as u64).min(LEN - offset.min(LEN)));
            assert!(bytes.iter().zip(offset..).all(|(byte, at)| *byte == (at % 251) as u8), "at {offset}");
        }
        let reads = recorder.0.lock().unwrap();
        (reads.len(), reads.iter().map(|read| read.1 as u64).sum())
    }

    #[test]
    fn small_parts_in_order_are_read_in_large_pieces() {
        let (count, bytes) = reads((0..LEN / 8192).map(|part| (part * 8192, 8192)));
        assert_eq!(bytes, LEN, "no byte is read twice");
        assert!(count < 50, "{count} reads for {} parts", LEN / 8192);
    }

    #[test]
    fn scattered_parts_are_read_alone() {
        assert_eq!(reads((0..100).rev().map(|part| (part * 100_000, 72))), (100, 7_200));
        assert_eq!(reads((0..100).map(|part| (part * 100_000, 72))), (100, 7_200));
    }

    #[test]
    fn a_range_is_read_once() {
        let recorder = Recorder::default();
        let file = FileReader::from_source(Box::new(recorder.clone()), LEN);
        let mut window = FileWindow::default();
        for range in [40_000..90_000, 50_000..60_000, LEN - 100..LEN + 100, LEN..LEN + 5, 7..7, u64::MAX..u64::MAX] {
            window.read_range(&file, range.clone()).unwrap();
            let part = window.bytes(&file, range.start, 10).unwrap();
            assert!(part.iter().zip(range.start..).all(|(byte, at)| *byte == (at % 251) as u8), "at {}", range.start);
        }
        assert_eq!(recorder.0.lock().unwrap()[..2], [(40_000, 50_000), (LEN - 100, 100)]);
        let error = window.read_range(&file, 666..700).unwrap_err();
        assert_eq!((error.offset, window.bytes(&file, 45_000, 1).unwrap()), (666, &[(45_000 % 251) as u8][..]));
        let memory = FileReader::from_bytes(vec![1, 2, 3]);
        let mut window = FileWindow::default();
        window.read_range(&memory, 0..3).unwrap();
        assert_eq!(window.bytes(&memory, 1, 2).unwrap(), [2, 3]);
    }

    #[test]
    fn parts_end_with_the_file() {
        assert_eq!(reads([(LEN - 10, 72), (LEN - 5, 72), (LEN, 5), (u64::MAX, 5)].into_iter()), (1, 10));
        let memory = FileReader::from_bytes(vec![1, 2, 3]);
        let mut window = FileWindow::default();
        assert_eq!(window.bytes(&memory, 1, 9).unwrap(), [2, 3]);
        assert_eq!(window.bytes(&memory, u64::MAX, 9).unwrap(), []);
    }

    #[test]
    fn a_failed_read_leaves_no_bytes_behind() {
        let file = FileReader::from_source(Box::new(Recorder::default()), LEN);
        let mut window = FileWindow::default();
        assert_eq!(window.bytes(&file, 600, 3).unwrap(), [98, 99, 100]);
        let error = window.bytes(&file, 666, 3).unwrap_err();
        assert_eq!(error.to_string(), "cannot read at offset 666: the share is gone");
        assert_eq!(window.bytes(&file, 601, 1).unwrap(), [99]);
    }
}
