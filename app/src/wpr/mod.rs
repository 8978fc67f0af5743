//! Drives `wpr.exe`, the recorder that is part of Windows: finds it, starts, watches, saves and drops recordings, and says in
//! sentences why something failed. It runs nothing by itself: every call is something that the user agreed to. It knows
//! neither the command line nor the window, and goes through no shell.
//!
//! Options and output are those of Microsoft's page "WPR command-line options"; codes are named in `trouble`.

pub mod decode;
pub mod machine;
pub mod locations;
pub mod process;
pub mod status;
pub mod task;
pub mod error;

use std::path::{Path, PathBuf};

use poolscope_base::progress::CancelToken;

pub use status::RecordingStatus;
pub use task::{Start, Task};
pub use error::WprError;

/// Whether recordings can be made on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WprStatus {
    /// This system is not Windows: recordings are made on the machine that leaks.
    NotWindows,
    /// No `wpr.exe` is where it is usually found.
    Missing {
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// It can be run.
    Ready {
        /// The program.
        program: PathBuf,
    },
}

/// What came of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskResult {
    /// What `wpr` wrote.
    pub output: String,
    /// How the recording stands, if that was asked.
    pub status: Option<RecordingStatus>,
    /// Size of the saved trace, or of the temporary files of the recording that runs, in bytes; `None` when there are none.
    pub bytes: Option<u64>,
}

/// Who records: the machine, or what a test makes up.
pub trait Recorder: Send + Sync {
    /// Whether recordings can be made; `chosen` is the `wpr.exe` that the user named. Looks at files only.
    fn wpr_status(&self, chosen: Option<&Path>) -> WprStatus;

    /// The folder for what is written while a recording runs, if the user names none.
    fn scratch(&self) -> PathBuf;

    /// Runs `wpr` for a task and waits for its end; `tell` gets all that it has written so far, whenever that grows. When
    /// cancelled, `wpr` is ended; a recording that it had begun goes on.
    ///
    /// # Errors
    /// When it cannot be run, is cancelled, hangs, or reports a failure.
    fn run(&self, program: &Path, task: &Task, tell: &dyn Fn(&str), cancel: &CancelToken) -> Result<TaskResult, WprError>;
}
