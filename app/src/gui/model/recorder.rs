//! The recording on this machine as the window knows it: whether one can be made, how far it is, what the recorder said, and what
//! the user is being asked. Words and numbers only: nothing is run here.

use crate::gui::jobs::record::RecordNews;
use crate::wpr::error::{ALREADY_RUNNING, NOT_RUNNING};
use crate::wpr::{RecordingStatus, Start, Task, TaskResult, WprError, WprStatus};
use std::path::{Path, PathBuf};

/// Seconds between two looks at a recording that is being watched, and at one whose page is not in front.
pub const LOOK_S: f64 = 2.0;
/// The same while the page is not in front.
pub const LOOK_BEHIND_S: f64 = 10.0;
/// Number of consecutive status checks that may fail before the user is told.
const FAILURES: u32 = 3;

/// Phase of a recording.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// Unknown: the recorder was not asked yet.
    #[default]
    Unknown,
    /// The recorder was asked and said that none runs.
    Idle,
    /// The user wants to know whether one runs.
    Looking,
    /// It is being started.
    Starting,
    /// It runs.
    Running,
    /// It is being saved.
    Saving,
    /// It is being dropped.
    Dropping,
}

impl Phase {
    /// Returns whether a recording is under way, or about to be.
    #[must_use]
    pub fn is_recording(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Saving | Self::Dropping)
    }

    /// Returns whether the recorder is doing something that the user waits for.
    #[must_use]
    pub fn is_busy(self) -> bool {
        matches!(self, Self::Looking | Self::Starting | Self::Saving | Self::Dropping)
    }
}

/// Question to the user before something is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// True if this recording is to begin.
    Start(Start),
    /// True if the recording is to be dropped.
    Drop,
    /// True if the window is to be closed although a recording runs.
    Close,
}

/// The recording on this machine.
#[derive(Debug, Default)]
pub struct RecorderState {
    /// True if recordings can be made; `None` until that was looked up.
    pub wpr_status: Option<WprStatus>,
    /// Phase of the recording.
    pub phase: Phase,
    /// Result of the last status check.
    pub status: Option<RecordingStatus>,
    /// Time of that, in seconds of the window's clock.
    pub looked_at: f64,
    /// Size of the temporary files, in bytes.
    pub temp_bytes: Option<u64>,
    /// Last output of the recorder.
    pub output: String,
    /// Last error, and the next step.
    pub trouble: Option<String>,
    /// The trace that was saved last, and its size in bytes.
    pub saved: Option<(PathBuf, Option<u64>)>,
    /// Open question to the user.
    pub question: Option<Question>,
    /// The folder of temporary files of the recording that was begun here.
    pub temp: Option<PathBuf>,
    /// The recorder that the user named; empty for the one in its usual places.
    pub wpr: String,
    /// The folder for temporary files that the user named; empty for `scratch`.
    pub folder: String,
    /// The folder for temporary files if the user names none.
    pub scratch: PathBuf,
    /// Description of the recording, in the user's words.
    pub about: String,
    /// The window is to be closed whatever runs.
    pub may_close: bool,
    failures: u32,
}

impl RecorderState {
    /// State with the paths of the recorder and its folder as the user wrote them.
    #[must_use]
    pub fn with_places(wpr: String, folder: String, scratch: PathBuf) -> Self {
        Self { wpr, folder, scratch, ..Self::default() }
    }

    /// The program that records.
    #[must_use]
    pub fn program(&self) -> Option<&Path> {
        match &self.wpr_status {
            Some(WprStatus::Ready { program }) => Some(program),
            _ => None,
        }
    }

    /// Reason why nothing can be started now; `None` when it can.
    #[must_use]
    pub fn start_blocked(&self) -> Option<&'static str> {
        match (&self.wpr_status, self.phase) {
            (None, _) => Some("Searching for wpr.exe"),
            (Some(WprStatus::NotWindows), _) => Some("Recording is available on Windows only"),
            (Some(WprStatus::Missing { .. }), _) => Some("wpr.exe was not found on this machine"),
            (_, Phase::Unknown | Phase::Idle) => None,
            (_, Phase::Looking) => Some("Checking the recording status"),
            _ => Some("A recording is running"),
        }
    }

    /// Seconds since the recording began, at a time of the window's clock.
    #[must_use]
    pub fn elapsed_s(&self, now: f64) -> Option<f64> {
        let said = self.status.as_ref()?.elapsed_s? as f64;
        // What is being saved does not go on.
        let since = if self.phase == Phase::Running { (now - self.looked_at).max(0.0) } else { 0.0 };
        Some(said + since)
    }

    /// Time of the next look at the recording, in seconds of the window's clock; `None` when nothing is watched.
    #[must_use]
    pub fn next_look(&self, in_front: bool) -> Option<f64> {
        let wait = if in_front { LOOK_S } else { LOOK_BEHIND_S };
        (self.phase == Phase::Running).then_some(self.looked_at + wait)
    }

    /// A task begins.
    pub fn begin(&mut self, task: &Task) {
        match task {
            Task::Start(start) => {
                self.phase = Phase::Starting;
                self.temp = start.file_mode.then(|| start.temp.clone());
                self.status = None;
                self.temp_bytes = None;
                self.saved = None;
            }
            Task::Stop { .. } => self.phase = Phase::Saving,
            Task::Cancel => self.phase = Phase::Dropping,
            // Looks at a recording that runs change nothing that is seen.
            Task::Status { .. } if self.phase == Phase::Running => return,
            Task::Status { .. } => self.phase = Phase::Looking,
        }
        self.output.clear();
        self.trouble = None;
    }

    /// Takes news in, at a time of the window's clock.
    pub fn take(&mut self, news: RecordNews, now: f64) {
        match news {
            // The words of looks at a recording that runs would drive out those of its start.
            RecordNews::Said(_) if self.phase == Phase::Running => {}
            RecordNews::Said(text) => self.output = tidy(&text),
            RecordNews::Done(task, Ok(done)) => self.done(&task, done, now),
            RecordNews::Done(task, Err(trouble)) => self.failed(&task, &trouble, now),
        }
    }

    fn done(&mut self, task: &Task, done: TaskResult, now: f64) {
        self.failures = 0;
        match task {
            Task::Start(_) => {
                self.phase = Phase::Running;
                // The first look comes at once.
                self.looked_at = now - LOOK_BEHIND_S;
                self.output = tidy(&done.output);
            }
            Task::Status { .. } => {
                let status = done.status.unwrap_or_default();
                let was_running = self.phase == Phase::Running;
                self.looked_at = now;
                if status.recording {
                    self.phase = Phase::Running;
                    self.temp_bytes = done.bytes.or(self.temp_bytes);
                    self.status = Some(status);
                } else {
                    self.phase = Phase::Idle;
                    self.status = None;
                    self.temp = None;
                    if was_running {
                        self.trouble = Some(
                            "The recording was stopped by another program: wpr reports that no recording is \
                                  running."
                                .to_owned(),
                        );
                    }
                }
            }
            Task::Stop { to, .. } => {
                self.phase = Phase::Idle;
                self.saved = Some((to.clone(), done.bytes));
                self.output = tidy(&done.output);
                self.temp = None;
            }
            Task::Cancel => {
                self.phase = Phase::Idle;
                self.status = None;
                self.output = tidy(&done.output);
                self.temp = None;
            }
        }
    }

    fn failed(&mut self, task: &Task, trouble: &WprError, now: f64) {
        let code = trouble.code();
        let watching = matches!(task, Task::Status { .. }) && self.phase == Phase::Running;
        self.looked_at = now;
        if watching {
            // One look that fails says little; the recording goes on either way.
            self.failures += 1;
            if self.failures < FAILURES {
                return;
            }
        }
        self.phase = match (task, code) {
            (Task::Stop { .. } | Task::Cancel, Some(NOT_RUNNING)) => Phase::Idle,
            // What could not be saved or dropped is still there.
            (Task::Stop { .. } | Task::Cancel, _) => Phase::Running,
            // A recording that was started elsewhere can be saved and dropped as well.
            (Task::Start(_), Some(ALREADY_RUNNING)) => Phase::Running,
            (Task::Start(_) | Task::Status { .. }, _) => Phase::Unknown,
        };
        self.trouble = Some(trouble.to_string());
    }
}

/// Output of the recorder, without empty lines at its ends and without more than one in a row.
fn tidy(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if !line.is_empty() || lines.last().is_some_and(|last| !last.is_empty()) {
            lines.push(line);
        }
    }
    lines.join("\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> RecorderState {
        let wpr_status = WprStatus::Ready { program: PathBuf::from("wpr.exe") };
        RecorderState { wpr_status: Some(wpr_status), ..RecorderState::default() }
    }

    fn start() -> Task {
        Task::Start(Start {
            profile: PathBuf::from("a.wprp"),
            text: String::new(),
            name: "PoolUsage".to_owned(),
            file_mode: true,
            temp: PathBuf::from("temp"),
        })
    }

    fn stop() -> Task {
        Task::Stop { to: PathBuf::from("a.etl"), about: String::new() }
    }

    fn status(recording: bool) -> RecordNews {
        let elapsed_s = recording.then_some(60);
        let status = RecordingStatus { recording, elapsed_s, ..RecordingStatus::default() };
        let done = TaskResult { status: Some(status), bytes: Some(4096), ..TaskResult::default() };
        RecordNews::Done(Task::Status { temp: None }, Ok(done))
    }

    fn run(recorder: &mut RecorderState, task: Task, result: Result<TaskResult, WprError>, now: f64) {
        recorder.begin(&task);
        recorder.take(RecordNews::Done(task, result), now);
    }

    #[test]
    fn a_recording_goes_from_its_start_to_its_trace() {
        let mut recorder = ready();
        assert_eq!(recorder.start_blocked(), None);
        run(&mut recorder, start(), Ok(TaskResult::default()), 100.0);
        assert_eq!((recorder.phase, recorder.start_blocked()), (Phase::Running, Some("A recording is running")));
        assert!(recorder.next_look(true).is_some_and(|at| at <= 100.0), "it is looked at soon");
        recorder.take(status(true), 101.0);
        assert_eq!((recorder.elapsed_s(105.0), recorder.temp_bytes), (Some(64.0), Some(4096)));
        assert_eq!((recorder.next_look(true), recorder.next_look(false)), (Some(103.0), Some(111.0)));
        run(&mut recorder, stop(), Ok(TaskResult { bytes: Some(7), ..TaskResult::default() }), 110.0);
        assert_eq!(recorder.saved, Some((PathBuf::from("a.etl"), Some(7))));
        assert_eq!((recorder.phase, recorder.next_look(true)), (Phase::Idle, None));
    }

    #[test]
    fn what_cannot_be_saved_is_still_there() {
        let mut recorder = ready();
        run(&mut recorder, start(), Ok(TaskResult::default()), 0.0);
        let full = WprError::Refused { what: "save", code: Some(0x8007_0070), message: String::new() };
        run(&mut recorder, stop(), Err(full), 1.0);
        assert_eq!(recorder.phase, Phase::Running);
        assert!(recorder.trouble.as_ref().is_some_and(|sentence| sentence.contains("disk is full")));
        let gone = WprError::Refused { what: "save", code: Some(NOT_RUNNING), message: String::new() };
        run(&mut recorder, stop(), Err(gone), 2.0);
        assert_eq!(recorder.phase, Phase::Idle);
    }

    #[test]
    fn a_recording_that_runs_already_can_be_taken_over() {
        let mut recorder = ready();
        let running = WprError::Refused { what: "start", code: Some(ALREADY_RUNNING), message: String::new() };
        run(&mut recorder, start(), Err(running), 0.0);
        assert!(recorder.phase == Phase::Running && recorder.trouble.is_some());
        recorder.take(status(false), 1.0);
        assert!(recorder.trouble.as_ref().is_some_and(|sentence| sentence.contains("stopped by another program")));
        assert_eq!(recorder.start_blocked(), None);
    }

    #[test]
    fn looks_that_fail_are_told_only_when_they_go_on() {
        let mut recorder = ready();
        run(&mut recorder, start(), Ok(TaskResult::default()), 0.0);
        let look = || RecordNews::Done(Task::Status { temp: None }, Err(WprError::Hung { what: "say", seconds: 20 }));
        for _ in 1..FAILURES {
            recorder.take(look(), 1.0);
            assert_eq!((recorder.phase, &recorder.trouble), (Phase::Running, &None));
        }
        recorder.take(look(), 2.0);
        assert!(recorder.phase == Phase::Unknown && recorder.trouble.is_some());
    }

    #[test]
    fn time_is_written_as_wpr_does() {
        assert_eq!([0.4, 267.9, 93_867.0].map(crate::format::elapsed), ["00:00:00", "00:04:27", "26:04:27"]);
    }

    #[test]
    fn output_is_told_without_its_empty_lines() {
        assert_eq!(tidy("\n\nA  \n\n\n\tB\n\n"), "A\n\n\tB");
        let mut recorder = ready();
        recorder.begin(&stop());
        recorder.take(RecordNews::Said("half".to_owned()), 0.0);
        assert_eq!(recorder.output, "half");
    }
}
