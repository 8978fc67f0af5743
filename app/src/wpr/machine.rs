//! The recorder of this machine: `wpr.exe` where it is found, run as a process of its own.

use std::fs;
use std::path::{Path, PathBuf};

use poolscope_base::progress::CancelToken;

use super::locations::SearchLocations;
use super::process::{self, ProcessError};
use super::error::NOT_RUNNING;
use super::{TaskResult, Recorder, WprStatus, Start, RecordingStatus, Task, WprError};

/// The folder for profiles and temporary files, inside the one for temporary files.
const FOLDER: &str = "poolscope-recording";

/// The recorder of a machine with these folders.
#[derive(Debug, Clone, Default)]
pub struct MachineRecorder {
    /// Where programs are.
    pub places: SearchLocations,
}

impl MachineRecorder {
    /// That of this machine.
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

    fn run(&self, program: &Path, task: &Task, tell: &dyn Fn(&str), cancel: &CancelToken) -> Result<TaskResult, WprError> {
        if let Task::Start(start) = task {
            prepare(start)?;
        }
        let ran =
            process::run(program, &task.arguments(), task.limit(), tell, cancel).map_err(|failed| match failed {
                ProcessError::NoStart(error) => WprError::NoStart { program: program.to_owned(), error },
                ProcessError::Cancelled => WprError::Cancelled,
                ProcessError::Hung(limit) => WprError::Hung { what: task.action(), seconds: limit.as_secs() },
            })?;
        let trouble = (ran.exit != Some(0)).then(|| WprError::refused(task, ran.exit, &ran.output));
        // Newer ones report it as a failure that there is nothing to tell of.
        let trouble = match task {
            Task::Status { .. } => trouble.filter(|trouble| trouble.code() != Some(NOT_RUNNING)),
            _ => trouble,
        };
        match trouble {
            Some(trouble) => Err(trouble),
            None => Ok(done(task, ran.output)),
        }
    }
}

fn done(task: &Task, output: String) -> TaskResult {
    let status = matches!(task, Task::Status { .. }).then(|| RecordingStatus::parse(&output));
    let bytes = match task {
        Task::Status { temp } => {
            let said = status.as_ref().and_then(|status| status.temp.as_deref());
            temp.as_deref().or(said).and_then(size_of_traces)
        }
        Task::Stop { to, .. } => fs::metadata(to).ok().map(|meta| meta.len()),
        Task::Start(_) | Task::Cancel => None,
    };
    TaskResult { output, status, bytes }
}

/// Writes the profile, and makes the folders that a recording needs.
fn prepare(start: &Start) -> Result<(), WprError> {
    for folder in start.profile.parent().into_iter().chain([start.temp.as_path()]) {
        fs::create_dir_all(folder).map_err(|error| WprError::NoFolder { folder: folder.to_owned(), error })?;
    }
    fs::write(&start.profile, &start.text).map_err(|error| WprError::NoProfile { file: start.profile.clone(), error })
}

/// Size of the traces in a folder, in bytes; `None` when there are none.
fn size_of_traces(folder: &Path) -> Option<u64> {
    let is_trace = |path: &Path| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("etl"));
    let traces = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).filter(|path| is_trace(path));
    // The entry in the folder is behind while a file is written to: the file itself knows.
    traces.filter_map(|path| fs::metadata(path).ok()).map(|meta| meta.len()).reduce(|sum, size| sum + size)
}
