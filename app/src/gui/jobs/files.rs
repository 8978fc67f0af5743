//! Small text files in and out: presets, profiles, scripts. Everything that can go wrong becomes a sentence, and no file is written over
//! unless that is asked for.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

/// Request to read or write a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileRequest {
    /// Read it.
    Read(PathBuf),
    /// Write this text to a new file.
    Create(PathBuf, String),
    /// Write this text to the file, which is replaced if it exists.
    Replace(PathBuf, String),
}

/// Result of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileAnswer {
    /// Its text.
    Read(PathBuf, String),
    /// It was written.
    Written(PathBuf),
    /// It exists already, and this text was not written.
    Exists(PathBuf, String),
    /// Error, and the next step, in sentences.
    Failed(String),
}

pub(super) fn run(request: FileRequest) -> FileAnswer {
    match request {
        FileRequest::Read(path) => match std::fs::read_to_string(&path) {
            Ok(text) => FileAnswer::Read(path, text),
            Err(error) => FileAnswer::Failed(format!(
                "{} cannot be read: {error}. Check the path and your permissions.",
                path.display()
            )),
        },
        FileRequest::Replace(path, text) => written(std::fs::write(&path, text), path),
        FileRequest::Create(path, text) => {
            match File::create_new(&path).and_then(|mut file| file.write_all(text.as_bytes())) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => FileAnswer::Exists(path, text),
                result => written(result, path),
            }
        }
    }
}

fn written(result: std::io::Result<()>, path: PathBuf) -> FileAnswer {
    match result {
        Ok(()) => FileAnswer::Written(path),
        Err(error) => FileAnswer::Failed(format!(
            "{} cannot be written: {error}. Choose a folder in which you can create files.",
            path.display()
        )),
    }
}
