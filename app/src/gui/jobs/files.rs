//! Small text files in and out: presets. Everything that can go wrong becomes a sentence.

use std::path::PathBuf;

/// What to do with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileRequest {
    /// Read it.
    Read(PathBuf),
    /// Write this text into it.
    Write(PathBuf, String),
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileAnswer {
    /// Its text.
    Read(PathBuf, String),
    /// It was written.
    Written(PathBuf),
    /// What went wrong, and what to do next.
    Failed(String),
}

pub(super) fn run(request: FileRequest) -> FileAnswer {
    match request {
        FileRequest::Read(path) => match std::fs::read_to_string(&path) {
            Ok(text) => FileAnswer::Read(path, text),
            Err(error) => FileAnswer::Failed(format!(
                "{} could not be read: {error}. Check the path and that you may read it.",
                path.display()
            )),
        },
        FileRequest::Write(path, text) => match std::fs::write(&path, text) {
            Ok(()) => FileAnswer::Written(path),
            Err(error) => FileAnswer::Failed(format!(
                "{} could not be written: {error}. Choose a folder that you may write to.",
                path.display()
            )),
        },
    }
}
