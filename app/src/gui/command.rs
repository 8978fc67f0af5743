//! Everything the user can do, in one list: menu, shortcuts and buttons all speak of these. Says what; how is the app's.

use std::path::PathBuf;

use eframe::egui::{Key, KeyboardShortcut, Modifiers, ThemePreference, Ui};
use poolscope_core::series::Measure;

use super::widgets::graph;

/// Something the user wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Choose a file and open it.
    Open,
    /// Open this file.
    OpenPath(PathBuf),
    /// Open the sample trace.
    OpenSample,
    /// Give up the load that is under way.
    CancelLoad,
    /// Close the message about what went wrong.
    Dismiss,
    /// Close the open box.
    CloseOpenBox,
    /// End the program.
    Quit,
    /// Light, dark, or as the system is.
    Theme(ThemePreference),
    /// Size of everything.
    Scale(f32),
    /// Show the selected range.
    ZoomToSelection,
    /// Show half of the range.
    ZoomIn,
    /// Show twice the range.
    ZoomOut,
    /// Show the range before.
    ZoomBack,
    /// Show the whole trace.
    ZoomAll,
    /// What the curves show.
    Measure(Measure),
    /// How the curves are drawn.
    Draw(graph::Kind),
    /// Whether blocks from before the trace count as outstanding.
    Earlier(bool),
    /// Copy the stack of the selected row.
    CopyStack,
    /// Show or hide the summary of the trace.
    ToggleSummary,
    /// Show or hide the details of the selected row.
    ToggleDetails,
}

const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

/// Commands with a key, the more specific keys first.
const KEYS: [(Command, KeyboardShortcut); 9] = [
    (Command::CopyStack, KeyboardShortcut::new(CTRL_SHIFT, Key::C)),
    (Command::ZoomBack, KeyboardShortcut::new(CTRL_SHIFT, Key::Minus)),
    (Command::ZoomAll, KeyboardShortcut::new(CTRL_SHIFT, Key::Period)),
    (Command::ZoomToSelection, KeyboardShortcut::new(Modifiers::COMMAND, Key::Period)),
    (Command::ZoomIn, KeyboardShortcut::new(Modifiers::COMMAND, Key::Plus)),
    (Command::ZoomIn, KeyboardShortcut::new(Modifiers::COMMAND, Key::Equals)),
    (Command::ZoomOut, KeyboardShortcut::new(Modifiers::COMMAND, Key::Minus)),
    (Command::Open, KeyboardShortcut::new(Modifiers::COMMAND, Key::O)),
    (Command::Quit, KeyboardShortcut::new(Modifiers::COMMAND, Key::Q)),
];

impl Command {
    /// The name in menus, and the accessible name.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self {
            Self::Open => "Open trace\u{2026}",
            Self::OpenPath(_) => "Open",
            Self::OpenSample => "Open the sample trace",
            Self::CancelLoad => "Cancel",
            Self::Dismiss | Self::CloseOpenBox => "Close",
            Self::Quit => "Quit",
            Self::Theme(ThemePreference::Light) => "Light",
            Self::Theme(ThemePreference::Dark) => "Dark",
            Self::Theme(ThemePreference::System) => "As the system",
            Self::Scale(_) => "Scale",
            Self::ZoomToSelection => "Zoom to selection",
            Self::ZoomIn => "Zoom in",
            Self::ZoomOut => "Zoom out",
            Self::ZoomBack => "Zoom back",
            Self::ZoomAll => "Zoom to the whole trace",
            Self::Measure(measure) => super::state::document::measure_title(*measure),
            Self::Draw(graph::Kind::Lines) => "Lines",
            Self::Draw(graph::Kind::Areas) => "Stacked areas",
            Self::Draw(graph::Kind::Bars) => "Stacked bars",
            Self::Earlier(_) => "Count blocks from before the trace",
            Self::CopyStack => "Copy stack",
            Self::ToggleSummary => "Trace summary",
            Self::ToggleDetails => "Details of the selected row",
        }
    }

    /// The key, if it has one.
    #[must_use]
    pub fn shortcut(&self) -> Option<KeyboardShortcut> {
        KEYS.iter().find(|(command, _)| command == self).map(|(_, key)| *key)
    }

    /// The commands whose keys were pressed in this frame.
    #[must_use]
    pub fn pressed(ui: &Ui) -> Vec<Self> {
        ui.input_mut(|input| {
            KEYS.iter().filter(|(_, key)| input.consume_shortcut(key)).map(|(command, _)| command.clone()).collect()
        })
    }

    /// The key as menus write it: "Ctrl+Shift+-".
    #[must_use]
    pub fn shortcut_text(&self, ui: &Ui) -> Option<String> {
        let text = ui.ctx().format_shortcut(&self.shortcut()?);
        Some(text.replace("Period", ".").replace("Minus", "-").replace("Plus", "+"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specific_keys_come_before_general_ones() {
        for (i, (_, a)) in KEYS.iter().enumerate() {
            for (_, b) in &KEYS[i + 1..] {
                assert_ne!(a, b);
                let shadowed = a.logical_key == b.logical_key && b.modifiers.shift && !a.modifiers.shift;
                assert!(!shadowed, "{b:?} is never reached");
            }
        }
    }
}
