//! What the user can do about recording: the page with the commands and the profile, and the recording on this machine. Says what;
//! how is the app's.

use crate::gui::state::kit::Wanted;
use crate::wpr::Task;

/// Something the user wants of the page about recording.
#[derive(Debug, Clone, PartialEq)]
pub enum KitCommand {
    /// Show the page.
    Show,
    /// Show the recording on this machine.
    ShowRecording,
    /// Show the page with what mends a trace, or records some tags.
    Prepare(Wanted),
    /// Save the profile.
    SaveProfile,
    /// Save the script.
    SaveScript,
    /// Open the text of poolmon or `!poolused`.
    OpenListing,
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

impl KitCommand {
    /// Every one that needs nothing more than to be chosen, in the order of the menu.
    pub const ALL: [Self; 6] = [Self::Show, Self::OpenListing, Self::Start, Self::Stop, Self::Drop, Self::Look];

    /// The name in menus, and the accessible name.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self {
            Self::Show => "Record a trace",
            Self::ShowRecording => "Show the recording",
            Self::Prepare(_) => "Record\u{2026}",
            Self::SaveProfile => "Save profile\u{2026}",
            Self::SaveScript => "Save script\u{2026}",
            Self::OpenListing => "Open a listing of pool tags\u{2026}",
            Self::Start => "Start recording\u{2026}",
            Self::Stop => "Stop and save\u{2026}",
            Self::Drop => "Cancel recording\u{2026}",
            Self::Look => "Ask wpr whether a recording runs",
            Self::GiveUp => "End wpr",
            Self::Run(Task::Start(_)) => "Start recording",
            Self::Run(Task::Cancel) => "Cancel recording",
            Self::Run(_) => "Run",
            Self::ChooseProgram => "Choose wpr.exe\u{2026}",
            Self::ChooseTemp => "Choose a folder\u{2026}",
            Self::FindProgram => "Look again",
            Self::CloseWindow => "Close the window",
        }
    }
}
