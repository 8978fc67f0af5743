//! Commands about recording, and their rows in the command table: the page with the commands and the profile, and the recording on
//! this machine.

use super::Menu;
use super::table::{CommandSpec, MenuPlace};
use crate::gui::model::recording_fix::RecordingGoal;
use crate::wpr::Task;

/// Something the user wants of the page about recording.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordingCommand {
    /// Show the recording on this machine.
    ShowRecording,
    /// Show the page with what mends a trace, or records some tags.
    Prepare(RecordingGoal),
    /// Save the profile.
    SaveProfile,
    /// Save the script.
    SaveScript,
    /// Open the text of poolmon or `!poolused`.
    OpenSnapshot,
    /// Sample the pool tags of this machine.
    SampleTags,
    /// Read the file of snapshots that was opened last again whenever it grows, or no longer.
    Follow(bool),
    /// Ask whether the recording is to begin.
    Start,
    /// End the recording and save it.
    Stop,
    /// Ask whether the recording is to be dropped.
    Drop,
    /// Ask the recorder whether a recording runs.
    Look,
    /// End the recorder, which takes too long.
    GiveUp,
    /// Do what the user agreed to.
    Run(Task),
    /// Choose the recorder.
    ChooseProgram,
    /// Choose the folder for temporary files.
    ChooseTemp,
    /// Look for the recorder once more.
    FindProgram,
    /// Close the window although a recording runs.
    CloseWindow,
}

/// The rows, in the order of the menu.
pub(super) fn rows() -> Vec<CommandSpec> {
    use RecordingCommand as C;
    let within = |id: &'static str, command: C, title: &'static str| {
        CommandSpec::new(id, command, title, MenuPlace::within(Menu::File, 1, "Recording"))
    };
    vec![
        within("recording.open_snapshot", C::OpenSnapshot, "Open poolmon snapshot\u{2026}"),
        within("recording.sample", C::SampleTags, "Sample pool tags of this machine\u{2026}"),
        within("recording.start", C::Start, "Start recording\u{2026}"),
        within("recording.stop", C::Stop, "Stop and save\u{2026}"),
        within("recording.cancel", C::Drop, "Cancel recording\u{2026}"),
        within("recording.status", C::Look, "Check recording status"),
    ]
}

impl RecordingCommand {
    /// The title, and the accessible name of buttons.
    #[must_use]
    pub fn title(&self) -> String {
        super::Command::RecordingSetup(self.clone()).title()
    }

    /// The title of a command that is in no menu.
    pub(super) fn title_outside_menus(&self) -> &'static str {
        match self {
            Self::ShowRecording => "Show recording",
            Self::Prepare(_) => "Record\u{2026}",
            Self::SaveProfile => "Save profile\u{2026}",
            Self::SaveScript => "Save script\u{2026}",
            Self::GiveUp => "Terminate wpr.exe",
            Self::Run(Task::Start(_)) => "Start recording",
            Self::Run(Task::Cancel) => "Cancel recording",
            Self::ChooseProgram => "Choose wpr.exe\u{2026}",
            Self::ChooseTemp => "Choose folder\u{2026}",
            Self::FindProgram => "Search again",
            Self::Follow(true) => "Follow file",
            Self::Follow(false) => "Stop following file",
            Self::CloseWindow => "Close window",
            _ => "Run",
        }
    }
}
