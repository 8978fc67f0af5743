//! Opens source lines in the user's editor, on a thread: looking for a file can take long on a network drive.

use poolscope_symbols::names::SourceLine;

use super::{Answer, Jobs};
use crate::editor;

impl Jobs {
    /// Opens a source line with a command and path mappings; only a failure is reported.
    pub fn open_source(&self, command: String, mappings: Vec<String>, line: SourceLine) {
        self.spawn_some("editor", move || {
            let result = editor::open(&command, &mappings, &line.file, line.line);
            result.err().map(|error| Answer::SourceNotOpened(error.to_string()))
        });
    }
}
