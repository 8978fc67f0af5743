//! Controls `wpr.exe`, the recorder of Windows: finds it, starts, monitors, saves and cancels recordings, and describes failures. Every
//! call is confirmed by the user first. No shell is involved.
//!
//! Options and output are those of Microsoft's page "WPR command-line options"; codes are described in `error`.

pub mod decode;
pub mod error;
pub mod locations;
pub mod machine;
pub mod process;
pub mod status;
pub mod task;

use std::path::{Path, PathBuf};

use poolscope_base::progress::CancelToken;

pub use error::WprError;
pub use status::RecordingStatus;
pub use task::{Start, Task};

/// Availability of `wpr.exe` on this computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WprStatus {
    /// This system is not Windows.
    NotWindows,
    /// `wpr.exe` was not found.
    Missing {
        /// Paths that were searched.
        looked: Vec<PathBuf>,
    },
    /// `wpr.exe` was found.
    Ready {
        /// The program.
        program: PathBuf,
    },
}

/// Result of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskResult {
    /// Output of `wpr`.
    pub output: String,
    /// State of the recording, for [`Task::Status`].
    pub status: Option<RecordingStatus>,
    /// Size of the saved trace, or of the temporary files of the recording that runs, in bytes; `None` when there are none.
    pub bytes: Option<u64>,
}

/// Runs `wpr`; tests use another implementation.
pub trait Recorder: Send + Sync {
    /// Availability of `wpr.exe`; `chosen` is the path selected by the user. Only looks at files.
    fn wpr_status(&self, chosen: Option<&Path>) -> WprStatus;

    /// Default folder for temporary files of a recording.
    fn scratch(&self) -> PathBuf;

    /// Runs `wpr` for a task and waits for it to exit; `on_output` gets its whole output whenever it grows. Cancellation terminates
    /// `wpr`; a recording that was started continues.
    ///
    /// # Errors
    /// `wpr` cannot be started, is cancelled, hangs, or reports a failure.
    fn run(
        &self,
        program: &Path,
        task: &Task,
        on_output: &dyn Fn(&str),
        cancel: &CancelToken,
    ) -> Result<TaskResult, WprError>;
}
