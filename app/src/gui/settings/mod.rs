//! Settings that are kept from one start to the next, as readable JSON. They hold nothing of a trace's content but what
//! the user did with it; it knows no window and reads no clock.

mod lenient;
mod patch;
pub mod store;
pub mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the format that this program writes.
const VERSION: u32 = 1;
/// Files that are remembered as opened.
pub const RECENT: usize = 20;
/// Commands that are remembered as run.
const COMMANDS: usize = 8;
/// Traces whose state is remembered.
const TRACES: usize = 50;

/// Light, dark, or as the system is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// Light.
    Light,
    /// Dark.
    Dark,
    /// As the system is.
    #[default]
    System,
}

/// The panels at the sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Panels {
    /// True if the summary of the trace is shown.
    pub summary: bool,
    /// Its width, in points.
    pub summary_width: f32,
    /// True if the details of the selected row are shown.
    pub details: bool,
    /// Their width, in points.
    pub details_width: f32,
}

impl Default for Panels {
    fn default() -> Self {
        Self { summary: true, summary_width: 208.0, details: true, details_width: 264.0 }
    }
}

/// Settings of the search for symbols.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SymbolSettings {
    /// The symbol path; `None`: what `_NT_SYMBOL_PATH` says, else the usual one.
    pub path: Option<String>,
    /// No server is asked.
    pub offline: bool,
    /// They are looked for as soon as a trace is open.
    pub automatic: bool,
    /// Rules on wrapper functions, beside the program's, one a line.
    pub look_through: Vec<String>,
}

impl Default for SymbolSettings {
    fn default() -> Self {
        Self { path: None, offline: false, automatic: true, look_through: Vec::new() }
    }
}

/// Tag sources, while the dialog is open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TagSettings {
    /// The `pooltag.txt`, as it was written: a path, `none`, or nothing for the one that is found.
    pub pool_tags: String,
    /// The folder with driver files; nothing for none.
    pub drivers: String,
    /// The file of stack tags; nothing for none.
    pub stack_tags: String,
}

/// The editor that shows source lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EditorSettings {
    /// The command, with `{file}` and `{line}`; nothing for none.
    pub command: String,
    /// Paths of the machine that built the drivers and those here: a line `FROM=TO` each.
    pub mappings: Vec<String>,
}

/// Recording on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordingSettings {
    /// The `wpr.exe` that the user named; nothing for the one in its usual places.
    pub wpr: String,
    /// The folder for temporary files; nothing for the usual one.
    pub folder: String,
}

/// A file that was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    /// Result of a search.
    pub path: PathBuf,
    /// Its size, in bytes.
    #[serde(default)]
    pub bytes: u64,
    /// Time of the last opening, in seconds since 1970.
    #[serde(default)]
    pub opened_unix_s: u64,
}

/// State of a trace: columns, visible range, open rows. Only the document knows its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TraceState {
    /// The trace's file.
    pub path: PathBuf,
    /// State that the document wrote. Shared, so that settings are handed over quickly.
    pub state: Arc<Value>,
}

/// Everything that is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The version of the format.
    pub version: u32,
    /// Light, dark, or as the system is.
    pub theme: Theme,
    /// Size of everything, in percent.
    pub scale_percent: u16,
    /// The panels at the sides.
    pub panels: Panels,
    /// Settings of the search for symbols.
    pub symbols: SymbolSettings,
    /// Tag sources, while the dialog is open.
    pub tags: TagSettings,
    /// Recording on this machine.
    pub recording: RecordingSettings,
    /// The editor that shows source lines.
    pub editor: EditorSettings,
    /// The folder that a path was typed in last.
    pub folder: Option<PathBuf>,
    /// Files that were opened, the newest first.
    pub recent: Vec<Recent>,
    /// Ids of the commands run from the palette, the newest first.
    pub commands: Vec<String>,
    /// The user's own presets. They are written into a file of their own; the first versions had them here.
    #[serde(skip_serializing)]
    pub presets: Vec<Value>,
    /// States of traces, the newest first.
    pub traces: Vec<TraceState>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: VERSION,
            theme: Theme::default(),
            scale_percent: 100,
            panels: Panels::default(),
            symbols: SymbolSettings::default(),
            tags: TagSettings::default(),
            recording: RecordingSettings::default(),
            editor: EditorSettings::default(),
            folder: None,
            recent: Vec::new(),
            commands: Vec::new(),
            presets: Vec::new(),
            traces: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads settings. Also returns the values that are not known, with their places: they keep their defaults.
    ///
    /// # Errors
    /// The text is not JSON.
    pub fn parse(text: &[u8]) -> Result<(Self, Vec<String>), serde_json::Error> {
        serde_json::from_slice(text).map(Self::from_value)
    }

    fn from_value(value: Value) -> (Self, Vec<String>) {
        let (mut settings, left_out): (Self, _) = lenient::read(value);
        settings.scale_percent = settings.scale_percent.clamp(50, 300);
        let panels = &mut settings.panels;
        for width in [&mut panels.summary_width, &mut panels.details_width] {
            *width = width.clamp(100.0, 1000.0);
        }
        settings.recent.truncate(RECENT);
        settings.traces.truncate(TRACES);
        (settings, left_out)
    }

    /// A file was opened. A path that is no Unicode cannot be written down and is not remembered.
    pub fn opened(&mut self, path: &Path, bytes: u64, opened_unix_s: u64) {
        if path.to_str().is_some() {
            self.recent.retain(|recent| recent.path != path);
            self.recent.insert(0, Recent { path: path.to_owned(), bytes, opened_unix_s });
            self.recent.truncate(RECENT);
        }
    }

    /// Removes a file from the list of recent files.
    pub fn forget(&mut self, path: &Path) {
        self.recent.retain(|recent| recent.path != path);
    }

    /// A command was run from the palette.
    pub fn ran(&mut self, id: String) {
        self.commands.retain(|used| *used != id);
        self.commands.insert(0, id);
        self.commands.truncate(COMMANDS);
    }

    /// State of a trace from an earlier use.
    #[must_use]
    pub fn trace_state(&self, path: &Path) -> Option<&Value> {
        self.traces.iter().find(|trace| trace.path == path).map(|trace| trace.state.as_ref())
    }

    /// Saves the state of a trace; returns whether that changed anything.
    pub fn remember_trace(&mut self, path: &Path, state: Value) -> bool {
        if path.to_str().is_none() || self.trace_state(path) == Some(&state) {
            return false;
        }
        self.traces.retain(|trace| trace.path != path);
        self.traces.insert(0, TraceState { path: path.to_owned(), state: Arc::new(state) });
        self.traces.truncate(TRACES);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_survive_being_written_and_read() {
        let mut settings = Settings { theme: Theme::Dark, scale_percent: 125, ..Settings::default() };
        settings.opened(Path::new("a.etl"), 5, 7);
        settings.ran("Zoom in".to_owned());
        settings.symbols.path = Some("srv*C:\\symbols*https://symbols.example".to_owned());
        settings.symbols.offline = true;
        assert!(settings.remember_trace(Path::new("a.etl"), serde_json::json!([1])));
        assert!(!settings.remember_trace(Path::new("a.etl"), serde_json::json!([1])));
        let text = serde_json::to_string_pretty(&settings).expect("it can be written");
        assert!(text.contains("\"theme\": \"dark\""));
        assert_eq!(Settings::parse(text.as_bytes()).expect("it can be read"), (settings.clone(), vec![]));
        assert_eq!(settings.trace_state(Path::new("a.etl")), Some(&serde_json::json!([1])));
    }

    #[test]
    fn what_is_out_of_range_comes_back_into_it() {
        let text = br#"{ "scale_percent": 9000, "panels": { "summary_width": -3, "details": false } }"#;
        let (settings, left_out) = Settings::parse(text).expect("it can be read");
        assert_eq!((settings.scale_percent, settings.panels.summary_width), (300, 100.0));
        assert!(!settings.panels.details && settings.panels.summary && left_out.is_empty());
        assert!(Settings::parse(b"").is_err() && Settings::parse(b"{ half").is_err());
    }

    #[test]
    fn the_newest_come_first_and_the_oldest_go() {
        let mut settings = Settings::default();
        for n in 0..100 {
            settings.opened(Path::new(&format!("{n}.etl")), n, n);
            settings.remember_trace(Path::new(&format!("{n}.etl")), Value::from(n));
        }
        settings.opened(Path::new("95.etl"), 1, 1);
        assert_eq!((settings.recent.len(), settings.traces.len()), (RECENT, TRACES));
        assert_eq!(settings.recent[0].path, Path::new("95.etl"));
        settings.forget(Path::new("95.etl"));
        assert_eq!(settings.recent[0].path, Path::new("99.etl"));
        assert_eq!(settings.recent.len(), RECENT - 1);
    }
}
