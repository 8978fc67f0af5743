//! Recording on this machine in the background: looks for the recorder, and runs it for one task at a time. What is under way
//! when the window closes goes on as long as the recorder wants: nothing is cut off in the middle but by the user.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Answer, Jobs};
use crate::wpr::{Recorder, Task, TaskResult, WprError};

/// News of recording.
#[derive(Debug)]
pub enum RecordNews {
    /// All that the recorder has written so far.
    Said(String),
    /// A task came to its end.
    Done(Task, Result<TaskResult, WprError>),
}

impl Jobs {
    /// Who makes recordings.
    #[must_use]
    pub fn recorder(&self) -> Arc<dyn Recorder> {
        Arc::clone(&self.recorder)
    }

    /// Returns whether something about recording is under way.
    #[must_use]
    pub fn records(&self) -> bool {
        self.record.is_waiting
    }

    /// Looks whether recordings can be made on this machine; `chosen` is the recorder that the user named.
    pub fn find_recorder(&mut self, chosen: Option<PathBuf>) {
        let recorder = self.recorder();
        let (generation, _) = self.recorder_look.next();
        self.spawn("recorder", move || Answer::Recorder {
            generation,
            wpr_status: recorder.wpr_status(chosen.as_deref()),
        });
    }

    /// Runs the recorder for a task.
    pub fn record(&mut self, program: &Path, task: Task) {
        let recorder = self.recorder();
        let program = program.to_owned();
        let (generation, cancel) = self.record.next();
        let (send, wake) = (self.send.clone(), Arc::clone(&self.wake));
        self.spawn("recorder", move || {
            let tell = |text: &str| {
                if send.send(Answer::Record { generation, news: RecordNews::Said(text.to_owned()) }).is_ok() {
                    wake();
                }
            };
            let result = recorder.run(&program, &task, &tell, &cancel);
            Answer::Record { generation, news: RecordNews::Done(task, result) }
        });
    }

    /// Terminates the running recorder; the result of its task is still reported.
    pub fn end_recorder(&mut self) {
        self.record.cancel.cancel();
    }
}
