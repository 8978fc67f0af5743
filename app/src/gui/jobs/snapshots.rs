//! Snapshots of pool tags in the background: a file or a pasted text is read and understood there, however long it is. The profile and
//! the script of the page about recording go out here, too.

use std::path::PathBuf;

use poolscope_recording::poolmon::parse::{SnapshotFile, parse, parse_text};

use super::files::FileRequest;
use super::{Answer, Jobs};
use crate::gui::jobs::files;

/// Source of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotSource {
    /// A file.
    File(PathBuf),
    /// A text that was pasted.
    Pasted(String),
}

/// Content of a snapshot, or the reason why it has none.
#[derive(Debug)]
pub struct SnapshotAnswer {
    /// Name of it.
    pub name: String,
    /// Its content, or why it is no snapshot.
    pub result: Result<SnapshotFile, String>,
}

impl Jobs {
    /// Reads a snapshot.
    pub fn listing(&self, source: SnapshotSource) {
        self.spawn("listing", move || Answer::Listing(read(source)));
    }

    /// Writes a text to a file; an existing one is replaced only if the user was asked.
    pub fn save_text(&self, path: PathBuf, text: String, replace: bool) {
        let request = if replace { FileRequest::Replace(path, text) } else { FileRequest::Create(path, text) };
        self.spawn("save", move || Answer::Saved(files::run(request)));
    }
}

fn read(source: SnapshotSource) -> SnapshotAnswer {
    match source {
        SnapshotSource::Pasted(text) => {
            SnapshotAnswer { name: "Pasted".to_owned(), result: parse_text(&text).map_err(|error| error.to_string()) }
        }
        SnapshotSource::File(path) => {
            let name =
                path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
            let result = match std::fs::read(&path) {
                Ok(bytes) => parse(&bytes).map_err(|error| format!("{}: {error}", path.display())),
                Err(error) => {
                    Err(format!("{} cannot be read: {error}. Check the path and your permissions", path.display()))
                }
            };
            SnapshotAnswer { name, result }
        }
    }
}
