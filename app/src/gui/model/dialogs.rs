//! Dialogs of a trace: columns, the name of a preset, the user's presets.

use std::path::PathBuf;

use super::export::ExportKind;

/// A dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialog {
    /// The view editor: the columns of the table.
    ViewEditor(ViewEditor),
    /// The name of a new preset.
    SavePreset {
        /// The name.
        name: String,
    },
    /// The note on the trace.
    Note {
        /// The text.
        text: String,
    },
    /// Question before an export replaces an existing file.
    ReplaceFile {
        /// Content of the file.
        kind: ExportKind,
        /// The file.
        path: PathBuf,
    },
    /// The user's own presets: rename, delete, export, import.
    Presets {
        /// The preset being renamed, and its new name.
        renaming: Option<(String, String)>,
        /// The result of the last action.
        outcome: Option<Outcome>,
        /// A file that exists, and the text that replaces it if the user agrees.
        replace: Option<(PathBuf, String)>,
    },
}

/// State of the view editor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ViewEditor {
    /// Text that the names of the listed available columns contain.
    pub search: String,
    /// Id of the chosen column whose properties are shown.
    pub selected: Option<u32>,
    /// The name of the preset to save.
    pub preset: String,
}

/// The result of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// A sentence about it.
    pub message: String,
    /// True if it failed.
    pub failed: bool,
}

impl Dialog {
    /// The dialog of the presets as it opens.
    #[must_use]
    pub fn presets() -> Self {
        Self::Presets { renaming: None, outcome: None, replace: None }
    }
}
