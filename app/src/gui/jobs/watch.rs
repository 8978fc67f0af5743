//! Notices when the file of an open trace changes or goes away. The system tells of changes in its folder; where it cannot,
//! and over networks that say nothing, the file itself is looked at now and then. A file that is being written is left
//! alone until it stays as it is for a moment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use super::TabId;
use crate::trace_location::{TraceLocation, parts_of};

/// A file that is the same twice this far apart is not being written any more.
const SETTLED: Duration = Duration::from_millis(300);
/// Interval between looks at a file without a notification.
const LOOK: Duration = Duration::from_secs(5);

/// Stamp that differs between two states of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    /// The state of a file, or of all files of a recording; `None` if one does not exist.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let mut whole = Self { bytes: 0, modified: None };
        for file in files_of(path) {
            let data = std::fs::metadata(file).ok()?;
            whole = Self { bytes: whole.bytes + data.len(), modified: whole.modified.max(data.modified().ok()) };
        }
        Some(whole)
    }
}

/// Change of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It holds something else now.
    Changed,
    /// It no longer exists.
    Gone,
}

enum Message {
    Watch(TabId, PathBuf, Option<Stamp>),
    Forget(TabId),
}

/// Watches files until it is dropped.
pub struct Watch {
    send: Sender<Message>,
}

impl Watch {
    /// Watches on a thread and reports what happened.
    #[must_use]
    pub fn start(report: impl Fn(TabId, Change) + Send + 'static) -> Self {
        let (send, receive) = channel();
        let (path_sender, changed_paths) = channel();
        let body = move || {
            let mut watching = Watching::new(path_sender, Box::new(report));
            watching.run(&receive, &changed_paths);
        };
        // Without a thread no change is noticed: the trace stays as it was opened.
        drop(thread::Builder::new().name("watch".to_owned()).spawn(body));
        Self { send }
    }

    /// Watches the file of a tab, which had this state when it was read.
    pub fn watch(&self, tab: TabId, path: PathBuf, stamp: Option<Stamp>) {
        drop(self.send.send(Message::Watch(tab, path, stamp)));
    }

    /// Watches the file of a tab no longer.
    pub fn forget(&self, tab: TabId) {
        drop(self.send.send(Message::Forget(tab)));
    }
}

struct File {
    /// Location of the trace.
    path: PathBuf,
    /// Its files.
    files: Vec<PathBuf>,
    /// Its state when it was read, or when a change was reported last.
    known: Option<Stamp>,
    /// Its state at the last look, while it may be being written.
    looked: Option<Option<Stamp>>,
}

struct Watching {
    watcher: Option<RecommendedWatcher>,
    files: BTreeMap<TabId, File>,
    report: Box<dyn Fn(TabId, Change) + Send>,
}

impl Watching {
    fn new(path_sender: Sender<Vec<PathBuf>>, report: Box<dyn Fn(TabId, Change) + Send>) -> Self {
        let handler = move |event: notify::Result<notify::Event>| {
            if let Ok(event) = event {
                drop(path_sender.send(event.paths));
            }
        };
        Self { watcher: notify::recommended_watcher(handler).ok(), files: BTreeMap::new(), report }
    }

    /// Until the window is gone.
    fn run(&mut self, orders: &Receiver<Message>, changed_paths: &Receiver<Vec<PathBuf>>) {
        let mut last_look = Instant::now();
        loop {
            let wait = if self.files.is_empty() { LOOK } else { SETTLED };
            match orders.recv_timeout(wait) {
                Ok(Message::Watch(tab, path, stamp)) => self.watch(tab, path, stamp),
                Ok(Message::Forget(tab)) => self.forget(tab),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.settle();
            for paths in changed_paths.try_iter() {
                self.notify(&paths);
            }
            if last_look.elapsed() >= LOOK {
                last_look = Instant::now();
                self.look();
            }
        }
    }

    fn watch(&mut self, tab: TabId, path: PathBuf, known: Option<Stamp>) {
        self.forget(tab);
        let files = files_of(&path);
        // The folder, not the file: programs replace files by others of the same name.
        for folder in files.iter().filter_map(|file| folder(file)) {
            if let Some(watcher) = &mut self.watcher {
                drop(watcher.watch(folder, RecursiveMode::NonRecursive));
            }
        }
        // A change between reading and watching would never be reported.
        self.files.insert(tab, File { looked: Some(Stamp::of(&path)), path, files, known });
    }

    fn forget(&mut self, tab: TabId) {
        let Some(file) = self.files.remove(&tab) else { return };
        let others = self.files.values().flat_map(|other| &other.files);
        let shared: Vec<&Path> = others.filter_map(|other| folder(other)).collect();
        let folders = file.files.iter().filter_map(|file| folder(file));
        for folder in folders.filter(|folder| !shared.contains(folder)) {
            if let Some(watcher) = &mut self.watcher {
                drop(watcher.unwatch(folder));
            }
        }
    }

    fn notify(&mut self, paths: &[PathBuf]) {
        // The system may write the folder in another way: the name is enough to look.
        for file in self.files.values_mut() {
            let is_own = |path: &PathBuf| file.files.iter().any(|own| own.file_name() == path.file_name());
            if file.looked.is_none() && paths.iter().any(is_own) {
                file.looked = Some(Stamp::of(&file.path));
            }
        }
    }

    fn look(&mut self) {
        for file in self.files.values_mut().filter(|file| file.looked.is_none()) {
            let now = Stamp::of(&file.path);
            if now != file.known {
                file.looked = Some(now);
            }
        }
    }

    /// Reports the files that stayed as they were at the last look, and looks at the others again.
    fn settle(&mut self) {
        for (tab, file) in &mut self.files {
            let Some(before) = file.looked else { continue };
            let now = Stamp::of(&file.path);
            if now != before {
                file.looked = Some(now);
                continue;
            }
            file.looked = None;
            if now != file.known {
                file.known = now;
                (self.report)(*tab, if now.is_some() { Change::Changed } else { Change::Gone });
            }
        }
    }
}

/// The files on disk of a location.
fn files_of(path: &Path) -> Vec<PathBuf> {
    parts_of(path).iter().map(|part| TraceLocation::of(part).file).collect()
}

fn folder(path: &Path) -> Option<&Path> {
    let folder = path.parent()?;
    Some(if folder == Path::new("") { Path::new(".") } else { folder })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_to_then_replaced_then_taken_away() {
        let folder = std::env::temp_dir().join(format!("poolscope-watch-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("w\u{e4}tched.etl");
        std::fs::write(&path, b"one").expect("a file");
        let (send, changes) = channel();
        let watch = Watch::start(move |tab, change| send.send((tab, change)).unwrap_or_default());
        watch.watch(TabId(7), path.clone(), Stamp::of(&path));
        let next = || changes.recv_timeout(Duration::from_secs(60)).expect("it is noticed");
        std::fs::write(&path, b"one and more").expect("written");
        assert_eq!(next(), (TabId(7), Change::Changed));
        let other = folder.join("other");
        std::fs::write(&other, b"another one").expect("a file");
        std::fs::rename(&other, &path).expect("replaced");
        assert_eq!(next(), (TabId(7), Change::Changed));
        std::fs::remove_file(&path).expect("gone");
        assert_eq!(next(), (TabId(7), Change::Gone));
        drop(watch);
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
