//! Why a file cannot be read as a trace at all. Damage inside a trace is never an error: it is an anomaly.

use std::io;
use std::path::PathBuf;

/// The file is no trace, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The system refuses.
    #[error("cannot open {}: {reason}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says; part of the message, so not a source that would be told twice.
        reason: io::Error,
    },
    /// No bytes.
    #[error("{} is empty: the recording wrote nothing, or the copy did not finish", path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// Not an event trace log.
    #[error(
        "{name} is not an event trace log (.etl): at offset {offset} {wanted} was expected, found {found}. {advice}"
    )]
    NotATrace {
        /// The file's name.
        name: String,
        /// Where.
        offset: u64,
        /// What a trace has there.
        wanted: &'static str,
        /// What this file has there.
        found: String,
        /// What to do next, a sentence.
        advice: &'static str,
    },
    /// Another reader refuses: Windows' own.
    #[error("Windows does not read {} as a trace: {reason}", path.display())]
    Refused {
        /// Which file.
        path: PathBuf,
        /// What the reader says, with its code where it has one.
        reason: String,
    },
}

impl OpenError {
    /// What happened, and what to do next where the file itself shows it: the two sentences of the message, apart.
    #[must_use]
    pub fn parts(&self) -> (String, Option<&'static str>) {
        let text = self.to_string();
        let Self::NotATrace { advice, .. } = self else { return (text, None) };
        (text.strip_suffix(advice).unwrap_or(&text).trim_end().to_owned(), Some(advice))
    }
}
