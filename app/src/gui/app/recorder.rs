//! The recording on this machine as the window serves it: what the user agreed to is run, what runs is watched, and what is saved
//! can be opened. Every command is run only after the user has agreed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use eframe::egui::{Ui, ViewportCommand};

use super::App;
use crate::gui::commands::{Command, RecordingCommand};
use crate::gui::dialogs::recording_question;
use crate::gui::jobs::dialog::Asked;
use crate::gui::jobs::record::RecordNews;
use crate::gui::model::recorder::{Phase, Question};
use crate::gui::settings::RecordingSettings;
use crate::gui::shell::toasts::Kind;
use crate::wpr::Task;

/// The name that is proposed for a trace.
const TRACE_NAME: &str = "leak.etl";
/// Interval between redraws of a recording's time.
const CLOCK: Duration = Duration::from_millis(500);

impl App {
    /// Looks for the recorder, if that was not done.
    pub(super) fn look_for_recorder(&mut self) {
        if self.recorder.wpr_status.is_none() {
            self.find_recorder();
        }
    }

    pub(super) fn find_recorder(&mut self) {
        let chosen = self.recorder.wpr.trim().trim_matches('"');
        let chosen = (!chosen.is_empty()).then(|| PathBuf::from(chosen));
        self.jobs.find_recorder(chosen);
    }

    /// Asks whether what the page says is to be recorded.
    pub(super) fn ask_start(&mut self) {
        if self.recorder.start_blocked().is_some() {
            return;
        }
        let written = self.recorder.folder.trim().trim_matches('"');
        let folder = if written.is_empty() { self.recorder.scratch.clone() } else { PathBuf::from(written) };
        match self.setup.start(folder) {
            Ok(start) => self.recorder.question = Some(Question::Start(start)),
            Err(text) => self.recorder.trouble = Some(text),
        }
    }

    /// Asks where the recording is to be saved: that is the user's word that it is to end.
    pub(super) fn ask_stop(&mut self) {
        if self.recorder.phase == Phase::Running {
            self.jobs.pick_file(Asked::SaveRecording(TRACE_NAME.to_owned()));
        }
    }

    /// Runs the recorder for what the user agreed to.
    pub(super) fn run_recorder(&mut self, task: Task) {
        let Some(program) = self.recorder.program().map(ToOwned::to_owned) else { return };
        self.recorder.question = None;
        self.recorder.begin(&task);
        self.jobs.record(&program, task);
    }

    pub(super) fn take_record_news(&mut self, news: RecordNews, now: f64) {
        let before = (self.recorder.phase, self.recorder.trouble.clone());
        self.recorder.take(news, now);
        // Told elsewhere only when the page is not seen.
        if self.tabs.is_recording_in_front() {
            return;
        }
        if let Some(trouble) = self.recorder.trouble.clone().filter(|trouble| before.1.as_ref() != Some(trouble)) {
            self.toasts.push_with(Kind::Error, trouble, "Show", RecordingCommand::ShowRecording.into());
        } else if let (Phase::Saving, Some((path, _))) = (before.0, &self.recorder.saved) {
            let text = format!("{} was saved", path.display());
            self.toasts.push_with(Kind::Success, text, "Open", Command::OpenPath(path.clone()));
        }
    }

    /// Looks at a recording that runs, now and then.
    pub(super) fn watch_recorder(&mut self, ui: &Ui) {
        let in_front = self.tabs.is_recording_in_front();
        let Some(at) = self.recorder.next_look(in_front) else { return };
        let now = ui.input(|input| input.time);
        if in_front {
            ui.ctx().request_repaint_after(CLOCK);
        }
        if self.jobs.records() {
            return;
        }
        if now >= at {
            let task = Task::Status { temp: self.recorder.temp.clone() };
            if let Some(program) = self.recorder.program().map(ToOwned::to_owned) {
                self.jobs.record(&program, task);
            }
        } else {
            ui.ctx().request_repaint_after(Duration::from_secs_f64(at - now));
        }
    }

    /// The window is about to be closed: with a recording under way, the user is asked first.
    pub(super) fn guard_closing(&mut self, ui: &Ui) {
        let asked = ui.input(|input| input.viewport().close_requested());
        if asked && self.recorder.phase.is_recording() && !self.recorder.may_close {
            ui.ctx().send_viewport_cmd(ViewportCommand::CancelClose);
            self.recorder.question = Some(Question::Close);
        }
    }

    /// Draws what the user is asked.
    pub(super) fn show_question(&mut self, ui: &Ui, commands: &mut Vec<Command>) {
        if let Some(question) = &self.recorder.question {
            let seconds = self.recorder.elapsed_s(ui.input(|input| input.time));
            let program = self.recorder.program().unwrap_or(Path::new("wpr"));
            let about = recording_question::About { program, phase: self.recorder.phase, seconds };
            if recording_question::show(ui, question, &about, commands) {
                self.recorder.question = None;
            }
        }
    }

    /// Remembers where the user said that things are.
    pub(super) fn keep_recorder_places(&mut self) {
        let written = RecordingSettings { wpr: self.recorder.wpr.clone(), folder: self.recorder.folder.clone() };
        if self.settings.get().recording != written {
            self.settings.edit().recording = written;
        }
    }
}
