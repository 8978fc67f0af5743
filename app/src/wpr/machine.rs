//! Runs `wpr.exe` of this computer as a process.

use std::fs;
use std::path::{Path, PathBuf};

use poolscope_base::progress::CancelToken;

use super::error::NOT_RUNNING;
use super::locations::SearchLocations;
use super::process::{self, ProcessError};
use super::{Recorder, RecordingStatus, Start, Task, TaskResult, WprError, WprStatus};

/// Name of the folder for profiles and temporary files, in the temporary folder.
const FOLDER: &str = "poolscope-recording";

/// Runs `wpr.exe` found in these locations.
#[derive(Debug, Clone, Default)]
pub struct MachineRecorder {
    /// Locations to search.
    pub places: SearchLocations,
}

impl MachineRecorder {
    /// Locations of this computer.
    #[must_use]
    pub fn this() -> Self {
        Self { places: SearchLocations::this() }
    }
}

impl Recorder for MachineRecorder {
    fn wpr_status(&self, chosen: Option<&Path>) -> WprStatus {
        self.places.find(chosen)
    }

    fn scratch(&self) -> PathBuf {
        self.places.temp.join(FOLDER)
    }

    fn run(
        &self,
        program: &Path,
        task: &Task,
        on_output: &dyn Fn(&str),
        cancel: &CancelToken,
    ) -> Result<TaskResult, WprError> {
        if let Task::Start(start) = task {
            prepare(start)?;
        }
        let ran =
            process::run(program, &task.arguments(), task.limit(), on_output, cancel).map_err(
                |failed| match failed {
                    ProcessError::NoStart(error) => WprError::NoStart { program: program.to_owned(), error },
                    ProcessError::Cancelled => WprError::Cancelled,
                    ProcessError::Hung(limit) => WprError::Hung { what: task.action(), seconds: limit.as_secs() },
                },
            )?;
        let failure = (ran.exit != Some(0)).then(|| WprError::refused(task, ran.exit, &ran.output));
        // Newer versions report a missing recording as a failure.
        let failure = match task {
            Task::Status { .. } => failure.filter(|error| error.code() != Some(NOT_RUNNING)),
            _ => failure,
        };
        match failure {
            Some(error) => Err(error),
            None => Ok(task_result(task, ran.output)),
        }
    }
}

fn task_result(task: &Task, output: String) -> TaskResult {
    let status = matches!(task, Task::Status { .. }).then(|| RecordingStatus::parse(&output));
    let bytes = match task {
        Task::Status { temp } => {
            let reported = status.as_ref().and_then(|status| status.temp.as_deref());
            temp.as_deref().or(reported).and_then(size_of_traces)
        }
        Task::Stop { to, .. } => fs::metadata(to).ok().map(|meta| meta.len()),
        Task::Start(_) | Task::Cancel => None,
    };
    TaskResult { output, status, bytes }
}

/// Writes the profile and creates the folders of a recording.
fn prepare(start: &Start) -> Result<(), WprError> {
    for folder in start.profile.parent().into_iter().chain([start.temp.as_path()]) {
        fs::create_dir_all(folder).map_err(|error| WprError::NoFolder { folder: folder.to_owned(), error })?;
    }
    fs::write(&start.profile, &start.text).map_err(|error| WprError::NoProfile { file: start.profile.clone(), error })
}

/// Bytes of all traces in a folder; `None` without traces.
fn size_of_traces(folder: &Path) -> Option<u64> {
    let is_trace = |path: &Path| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("etl"));
    let traces = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).filter(|path| is_trace(path));
    // The folder entry is outdated while a file is written; the file itself has the current size.
    traces.filter_map(|path| fs::metadata(path).ok()).map(|meta| meta.len()).reduce(|sum, size| sum + size)
}
