//! Boxes over the page that ask for something: columns, names of presets, files.

use std::path::PathBuf;

/// A box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialog {
    /// Which columns the table has.
    Columns {
        /// Shows only columns with this in their name.
        search: String,
    },
    /// Under which name to save the columns.
    SavePreset {
        /// The name.
        name: String,
    },
    /// The user's own presets: rename, delete, export, import.
    Presets {
        /// The preset being renamed, and its new name.
        renaming: Option<(String, String)>,
        /// The file to export to or import from.
        path: String,
        /// What came of the last step.
        outcome: Option<Outcome>,
        /// A file that is there and may be written over with this text, if the user says so.
        replace: Option<(PathBuf, String)>,
    },
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// In a sentence.
    pub words: String,
    /// It did not work.
    pub failed: bool,
}

impl Dialog {
    /// The presets, as the box opens.
    #[must_use]
    pub fn presets() -> Self {
        Self::Presets { renaming: None, path: String::new(), outcome: None, replace: None }
    }
}

/// The path that was written, without quotes.
#[must_use]
pub fn written_path(text: &str) -> Option<PathBuf> {
    let path = text.trim().trim_matches('"');
    (!path.is_empty()).then(|| PathBuf::from(path))
}
