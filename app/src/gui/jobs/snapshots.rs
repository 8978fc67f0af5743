//! Snapshots of pool tags in the background: a file or a pasted text is read and understood there, however long it is. The profile and
//! the script of the page about recording go out here, too.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use poolscope_base::progress::CancelToken;
use poolscope_recording::poolmon::parse::{SnapshotFile, parse, parse_text};

use super::files::FileRequest;
use super::watch::Stamp;
use super::{Answer, Jobs};
use crate::gui::jobs::files;
use crate::gui::model::snapshot_series::SeriesRequest;
use crate::pool_sampler::{self, Schedule, SystemSampler};

/// Interval between looks at a file that is followed.
const LOOK: Duration = Duration::from_millis(500);
/// Time after which sampling ends.
const SAMPLING_LENGTH: Duration = Duration::from_secs(86_400);

/// Source of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotSource {
    /// A file.
    File(PathBuf),
    /// A text that was pasted.
    Pasted(String),
}

/// Content of a snapshot, or the reason why it has none.
#[derive(Debug)]
pub struct SnapshotAnswer {
    /// Name of it.
    pub name: String,
    /// Time at which the file was last written, in milliseconds from 1970.
    pub modified_ms: Option<i64>,
    /// It is the present state of a file that was read before.
    pub replaces: bool,
    /// Its content, or why it is no snapshot.
    pub result: Result<SnapshotFile, String>,
}

impl Jobs {
    /// Reads a snapshot.
    pub fn listing(&self, source: SnapshotSource) {
        self.spawn("listing", move || Answer::Listing(read(source)));
    }

    /// Computes the series of all snapshots.
    pub fn snapshot_series(&self, request: SeriesRequest) {
        self.spawn("series", move || Answer::SnapshotSeries { number: request.number, view: request.run() });
    }

    /// Reads a file of samples again whenever it has grown, until it is followed no longer.
    pub fn follow(&mut self, path: PathBuf) {
        self.follow.cancel();
        self.follow = CancelToken::default();
        let (cancel, send, wake) = (self.follow.clone(), self.send.clone(), Arc::clone(&self.wake));
        self.spawn_some("follow", move || {
            let mut known = None;
            while !cancel.is_cancelled() {
                let stamp = Stamp::of(&path);
                if stamp.is_some() && stamp != known {
                    known = stamp;
                    let answer = SnapshotAnswer { replaces: true, ..read(SnapshotSource::File(path.clone())) };
                    // A file that has only its heading yet is no trouble.
                    if answer.result.is_ok() && send.send(Answer::Listing(answer)).is_err() {
                        break;
                    }
                    wake();
                }
                std::thread::sleep(LOOK);
            }
            None
        });
    }

    /// Samples the pool tags of this machine into a new file, which is followed.
    pub fn sample_pool_tags(&mut self, path: PathBuf, every: Duration) {
        self.follow(path.clone());
        let cancel = self.follow.clone();
        self.spawn_some("sample", move || {
            let schedule = Schedule { every, length: SAMPLING_LENGTH };
            let sampled = pool_sampler::run(&SystemSampler, &path, false, schedule, &cancel, |_| ());
            sampled.err().map(Answer::SamplingFailed)
        });
    }

    /// Follows no file any more, and samples nothing.
    pub fn unfollow(&self) {
        self.follow.cancel();
    }

    /// Writes a text to a file; an existing one is replaced only if the user was asked.
    pub fn save_text(&self, path: PathBuf, text: String, replace: bool) {
        let request = if replace { FileRequest::Replace(path, text) } else { FileRequest::Create(path, text) };
        self.spawn("save", move || Answer::Saved(files::run(request)));
    }
}

fn read(source: SnapshotSource) -> SnapshotAnswer {
    match source {
        SnapshotSource::Pasted(text) => SnapshotAnswer {
            name: "Pasted".to_owned(),
            modified_ms: None,
            replaces: false,
            result: parse_text(&text).map_err(|error| error.to_string()),
        },
        SnapshotSource::File(path) => {
            let name =
                path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
            let modified = std::fs::metadata(&path).and_then(|data| data.modified()).ok();
            let modified_ms =
                modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map(|age| age.as_millis() as i64);
            let result = match std::fs::read(&path) {
                Ok(bytes) => parse(&bytes).map_err(|error| format!("{}: {error}", path.display())),
                Err(error) => {
                    Err(format!("{} cannot be read: {error}. Check the path and your permissions", path.display()))
                }
            };
            SnapshotAnswer { name, modified_ms, replaces: false, result }
        }
    }
}
