//! Listings of pool tags in the background: a file or a pasted text is read and understood there, however long it is. The profile and
//! the script of the page about recording go out here, too.

use std::path::PathBuf;

use poolscope_recording::poolmon::parse::{SnapshotFile, parse, parse_text};

use super::files::{self, FileRequest};
use super::{Answer, Jobs};

/// Where a listing comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListingSource {
    /// A file.
    File(PathBuf),
    /// A text that was pasted.
    Pasted(String),
}

/// What a listing holds.
#[derive(Debug)]
pub struct ListingAnswer {
    /// What to call it.
    pub name: String,
    /// What it holds, or why it is none.
    pub result: Result<SnapshotFile, String>,
}

impl Jobs {
    /// Reads a listing.
    pub fn listing(&self, source: ListingSource) {
        self.spawn("listing", move || Answer::Listing(read(source)));
    }

    /// Writes a text into a file; over one that is there only if the user was asked.
    pub fn save_text(&self, path: PathBuf, text: String, replace: bool) {
        let request = if replace { FileRequest::Replace(path, text) } else { FileRequest::Create(path, text) };
        self.spawn("save", move || Answer::Saved(files::run(request)));
    }
}

fn read(source: ListingSource) -> ListingAnswer {
    match source {
        ListingSource::Pasted(text) => {
            ListingAnswer { name: "pasted".to_owned(), result: parse_text(&text).map_err(|error| error.to_string()) }
        }
        ListingSource::File(path) => {
            let name =
                path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
            let result = match std::fs::read(&path) {
                Ok(bytes) => parse(&bytes).map_err(|error| format!("{}: {error}", path.display())),
                Err(error) => Err(format!(
                    "{} could not be read: {error}. Check the path and that you may read it",
                    path.display()
                )),
            };
            ListingAnswer { name, result }
        }
    }
}
