//! A writer whose progress can be read, and which fails once the work was canceled: so every format can be canceled.

use poolscope_base::progress::CancelToken;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Number of bytes that were written so far; 0 while the content is being computed.
#[derive(Clone, Debug, Default)]
pub struct WriteProgress(Arc<AtomicU64>);

impl WriteProgress {
    /// Bytes written so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A writer that counts its bytes and can be canceled.
pub struct WatchedWriter<W> {
    inner: W,
    progress: WriteProgress,
    cancel: CancelToken,
}

impl<W: Write> WatchedWriter<W> {
    /// Writes to `inner`.
    pub fn new(inner: W, progress: WriteProgress, cancel: CancelToken) -> Self {
        Self { inner, progress, cancel }
    }
}

impl<W: Write> Write for WatchedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            // Not `Interrupted`, after which callers would try again.
            return Err(io::Error::other("canceled"));
        }
        let written = self.inner.write(bytes)?;
        self.progress.0.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W: Write + Seek> Seek for WatchedWriter<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_until_the_work_is_canceled() {
        let (progress, cancel) = (WriteProgress::default(), CancelToken::default());
        let mut out = WatchedWriter::new(Vec::new(), progress.clone(), cancel.clone());
        out.write_all(b"abc").expect("memory");
        assert_eq!(progress.bytes(), 3);
        cancel.cancel();
        assert_eq!(out.write_all(b"d").expect_err("canceled").to_string(), "canceled");
        assert_eq!((progress.bytes(), out.inner), (3, b"abc".to_vec()));
    }
}
