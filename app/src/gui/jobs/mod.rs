//! Work in the background: loading, grouping, curves, the file dialog. There is one slot for each kind of work: a new request cancels
//! the one before, one worker does them one after the other, and answers to old requests are dropped by their number. Jobs know the
//! model but no window: a closure that they are given makes the window draw again.

pub mod association;
pub mod case;
pub mod curves;
pub mod deferred;
pub mod dialog;
pub mod discard;
pub mod document;
pub mod editor;
pub mod export;
pub mod files;
pub mod find;
pub mod load;
pub mod names;
pub mod path_check;
pub mod profile;
pub mod range_sums;
pub mod record;
pub mod rows;
pub mod snapshots;
pub mod symbols;
pub mod table;
pub mod tag_sources;
pub mod totals;
pub mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use parking_lot::Mutex;
use poolscope_base::progress::CancelToken;

use crate::association::{Association, AssociationError, AssociationState};
use crate::gui::model::snapshot_series::SeriesView;
use crate::trace_location::{TraceLocation, parts_of};
use crate::wpr::{Recorder, WprStatus};
use association::Wanted;
use dialog::{Asked, PickFile};
use document::{Reply, Request, Topic};
use files::FileAnswer;
use load::{LoadAnswer, LoadRequest, Loader, Source};
use path_check::PathNews;
use record::RecordNews;
use snapshots::SnapshotAnswer;
use symbols::{SymbolService, SymbolsNews, SymbolsRequest};
use watch::{Change, Watch};

/// Identity of a tab, and of its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TabId(pub u64);

/// Result of a request.
pub enum Answer {
    /// A trace, or why there is none.
    Load {
        /// For which tab.
        tab: TabId,
        /// The trace, or why there is none.
        answer: LoadAnswer,
    },
    /// Normalized path of the file that is being loaded.
    Identified {
        /// For which tab.
        tab: TabId,
        /// Number of the load.
        generation: u64,
        /// Its one name.
        path: PathBuf,
    },
    /// Something about an open trace.
    Document {
        /// Tab of the trace.
        tab: TabId,
        /// Number of the question.
        generation: u64,
        /// The answer.
        reply: Reply,
    },
    /// News of the search for an open trace's symbols.
    Symbols {
        /// Tab of the trace.
        tab: TabId,
        /// Number of the search.
        generation: u64,
        /// The news.
        news: Vec<SymbolsNews>,
    },
    /// The file of an open trace changed.
    Changed {
        /// Tab of the trace.
        tab: TabId,
        /// Kind of change.
        change: Change,
    },
    /// Content of a folder: names in order, and whether each is a folder.
    Listed {
        /// The folder.
        folder: PathBuf,
        /// Its content; empty when it cannot be read.
        entries: Vec<(String, bool)>,
    },
    /// Files that do not exist.
    Missing(BTreeSet<PathBuf>),
    /// Something about the symbol path in the box.
    Path {
        /// Number of the question.
        generation: u64,
        /// The answer, or a part of it.
        news: PathNews,
    },
    /// State of the association with `.etl` files, or why it is not known.
    Association(Result<AssociationState, AssociationError>),
    /// True if recordings can be made on this machine.
    Recorder {
        /// Number of the question.
        generation: u64,
        /// The answer.
        wpr_status: WprStatus,
    },
    /// Something about recording on this machine.
    Record {
        /// Number of the request.
        generation: u64,
        /// The news.
        news: RecordNews,
    },
    /// A snapshot of pool tags.
    Listing(SnapshotAnswer),
    /// The series of all snapshots.
    SnapshotSeries {
        /// Number of the question.
        number: u64,
        /// The answer; `None` if there is no series.
        view: Option<SeriesView>,
    },
    /// The pool tags of this machine cannot be sampled, with the reason.
    SamplingFailed(String),
    /// Result of writing a text.
    Saved(FileAnswer),
    /// A source line could not be opened: the reason.
    SourceNotOpened(String),
    /// The file dialog was closed.
    Picked {
        /// Purpose of the file dialog.
        asked: Asked,
        /// The files that were chosen; several only where the dialog offers it.
        paths: Vec<PathBuf>,
        /// Nothing that asks people answers so soon: there is no dialog service.
        at_once: bool,
    },
}

/// One kind of background work: numbers its requests, cancels the old ones, and knows whether the newest is answered.
#[derive(Debug, Default)]
struct JobSlot {
    generation: u64,
    cancel: CancelToken,
    is_waiting: bool,
    worker: Worker,
}

impl JobSlot {
    fn next(&mut self) -> (u64, CancelToken) {
        self.stop();
        self.generation += 1;
        self.is_waiting = true;
        self.cancel = CancelToken::default();
        (self.generation, self.cancel.clone())
    }

    fn stop(&mut self) {
        self.cancel.cancel();
        self.is_waiting = false;
    }

    /// Returns whether a request of this number is the newest and has not had its last answer.
    fn is_current(&self, generation: u64) -> bool {
        self.is_waiting && generation == self.generation
    }

    /// Returns whether this is the answer to the newest request. It is accepted once.
    fn accept(&mut self, generation: u64) -> bool {
        let is_current = self.is_current(generation);
        self.is_waiting &= !is_current;
        is_current
    }
}

type Task = Box<dyn FnOnce() + Send>;

/// The one worker of a slot: the newest task waits until the worker has given up the one before.
#[derive(Default)]
struct Worker(Arc<Mutex<WorkerQueue>>);

#[derive(Default)]
struct WorkerQueue {
    is_running: bool,
    next: Option<Task>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Worker")
    }
}

impl Worker {
    /// Runs a task next, instead of one that has not begun.
    fn submit(&self, name: &str, task: Task) {
        {
            let mut queue = self.0.lock();
            queue.next = Some(task);
            if std::mem::replace(&mut queue.is_running, true) {
                return;
            }
        }
        let queue = Arc::clone(&self.0);
        let body = move || {
            loop {
                let next = {
                    let mut queue = queue.lock();
                    queue.is_running = queue.next.is_some();
                    queue.next.take()
                };
                let Some(task) = next else { return };
                task();
            }
        };
        spawn_or_run(name, body);
    }
}

/// Runs on a thread of its own. Without a thread the work is done here and now: slow, but right.
fn spawn_or_run(name: &str, work: impl FnOnce() + Send + 'static) {
    let work = Arc::new(Mutex::new(Some(work)));
    let other = Arc::clone(&work);
    let body = move || {
        let taken = other.lock().take();
        if let Some(work) = taken {
            work();
        }
    };
    if thread::Builder::new().name(name.to_owned()).spawn(body).is_err() {
        let taken = work.lock().take();
        if let Some(work) = taken {
            work();
        }
    }
}

/// The background.
pub struct Jobs {
    send: Sender<Answer>,
    receive: Receiver<Answer>,
    wake: Arc<dyn Fn() + Send + Sync>,
    loader: Arc<dyn Loader>,
    picker: Arc<dyn PickFile>,
    symbols: Arc<dyn SymbolService>,
    recorder: Arc<dyn Recorder>,
    loads: BTreeMap<TabId, JobSlot>,
    searches: BTreeMap<TabId, JobSlot>,
    slots: BTreeMap<(TabId, Topic), JobSlot>,
    picking: bool,
    path: JobSlot,
    record: JobSlot,
    recorder_look: JobSlot,
    watch: Option<Watch>,
    /// Ends the following of a file of samples.
    follow: CancelToken,
}

/// Who does the work of the background.
pub struct Workers {
    /// Turns files into traces.
    pub loader: Arc<dyn Loader>,
    /// Asks the user for files.
    pub picker: Arc<dyn PickFile>,
    /// Finds names.
    pub symbols: Arc<dyn SymbolService>,
    /// Makes recordings.
    pub recorder: Arc<dyn Recorder>,
}

impl Jobs {
    /// A background whose work is done by `workers`, and that calls `wake` after each answer.
    #[must_use]
    pub fn new(workers: Workers, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let Workers { loader, picker, symbols, recorder } = workers;
        let (send, receive) = channel();
        Self {
            send,
            receive,
            wake,
            loader,
            picker,
            symbols,
            recorder,
            loads: BTreeMap::new(),
            searches: BTreeMap::new(),
            slots: BTreeMap::new(),
            picking: false,
            path: JobSlot::default(),
            record: JobSlot::default(),
            recorder_look: JobSlot::default(),
            watch: None,
            follow: CancelToken::default(),
        }
    }

    /// Starts to load a trace for a tab; a load that is under way for it is given up.
    pub fn load(&mut self, tab: TabId, request: LoadRequest) {
        let (generation, cancel) = self.loads.entry(tab).or_default().next();
        let (loader, symbols) = (Arc::clone(&self.loader), Arc::clone(&self.symbols));
        let (send, wake) = (self.send.clone(), Arc::clone(&self.wake));
        self.spawn("load", move || {
            let request = request.identified();
            let path = request.source.path().map(PathBuf::from);
            if path.is_some_and(|path| send.send(Answer::Identified { tab, generation, path }).is_ok()) {
                wake();
            }
            Answer::Load { tab, answer: load::run(loader.as_ref(), symbols.as_ref(), request, generation, &cancel) }
        });
    }

    /// Gives up the load that is under way for a tab.
    pub fn cancel_load(&mut self, tab: TabId) {
        if let Some(slot) = self.loads.get_mut(&tab) {
            slot.stop();
        }
    }

    /// Answers a question about an open trace.
    pub fn ask(&mut self, tab: TabId, request: Request) {
        let topic = request.topic();
        let (send, wake) = (self.send.clone(), Arc::clone(&self.wake));
        let slot = self.slots.entry((tab, topic)).or_default();
        let (generation, cancel) = slot.next();
        let task = move || {
            // A question without an answer would be waited for: a panic is an answer, too.
            let answer = catch_unwind(AssertUnwindSafe(|| request.run(generation, &cancel)));
            let reply = answer.unwrap_or(Some(Reply::Broken(topic)));
            if let Some(reply) = reply
                && send.send(Answer::Document { tab, generation, reply }).is_ok()
            {
                wake();
            }
        };
        slot.worker.submit("figures", Box::new(task));
    }

    /// Searches for the symbols of an open trace; a search that is under way for it is given up.
    pub fn search(&mut self, tab: TabId, request: SymbolsRequest) {
        let (generation, cancel) = self.searches.entry(tab).or_default().next();
        let service = Arc::clone(&self.symbols);
        let (send, wake) = (self.send.clone(), Arc::clone(&self.wake));
        self.spawn_some("news of symbols", move || {
            let tell = |news| {
                if send.send(Answer::Symbols { tab, generation, news }).is_ok() {
                    wake();
                }
            };
            symbols::run(service, request, &tell, &cancel);
            None
        });
    }

    /// Gives up the search for the symbols of an open trace.
    pub fn cancel_search(&mut self, tab: TabId) {
        if let Some(slot) = self.searches.get_mut(&tab) {
            slot.stop();
        }
    }

    /// Gives up one question about an open trace.
    pub fn cancel(&mut self, tab: TabId, topic: Topic) {
        if let Some(slot) = self.slots.get_mut(&(tab, topic)) {
            slot.stop();
        }
    }

    /// Gives up all questions about an open trace. Their numbers go on, so that no late answer is taken for a new one.
    pub fn give_up(&mut self, tab: TabId) {
        let of_tab = self.slots.iter_mut().filter(|((owner, _), _)| *owner == tab).map(|(_, slot)| slot);
        of_tab.chain(self.searches.get_mut(&tab)).for_each(JobSlot::stop);
    }

    /// Gives up everything for a tab that is no more.
    pub fn forget(&mut self, tab: TabId) {
        self.give_up(tab);
        self.cancel_load(tab);
        if let Some(watch) = &self.watch {
            watch.forget(tab);
        }
    }

    /// Reports when the file of a tab differs from the one that was read.
    pub fn watch(&mut self, tab: TabId, source: &Source, stamp: Option<watch::Stamp>) {
        let Some(path) = source.path() else { return };
        let (send, wake) = (self.send.clone(), Arc::clone(&self.wake));
        let watch = self.watch.get_or_insert_with(|| {
            Watch::start(move |tab, change| {
                if send.send(Answer::Changed { tab, change }).is_ok() {
                    wake();
                }
            })
        });
        watch.watch(tab, path.to_path_buf(), stamp);
    }

    /// Finds out which of these files no longer exist.
    pub fn look_for(&self, paths: Vec<PathBuf>) {
        self.spawn("look", move || {
            let is_missing = |path: &PathBuf| parts_of(path).iter().any(|part| !TraceLocation::of(part).file.exists());
            Answer::Missing(paths.into_iter().filter(is_missing).collect())
        });
    }

    /// Lists a folder.
    pub fn list(&self, folder: PathBuf) {
        self.spawn("list", move || {
            let found = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let named = found.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path().is_dir())));
            let mut entries: Vec<(String, bool)> = named.collect();
            entries.sort();
            Answer::Listed { folder, entries }
        });
    }

    /// Reads the registration of poolscope for `.etl` files, after the change that is wanted.
    pub fn associate(&self, association: Arc<dyn Association>, wanted: Wanted) {
        self.spawn("association", move || Answer::Association(association::run(association.as_ref(), wanted)));
    }

    /// Asks the user for a file, unless that is being done already.
    pub fn pick_file(&mut self, asked: Asked) {
        if self.picking {
            return;
        }
        self.picking = true;
        // Some systems want dialogs to be made on the thread of the window.
        let question = self.picker.ask_several(&asked);
        self.spawn("dialog", move || dialog::wait(asked, question));
    }

    /// Returns whether a question about an open trace is under way.
    #[must_use]
    pub fn waits(&self, tab: TabId, topic: Topic) -> bool {
        self.slots.get(&(tab, topic)).is_some_and(|slot| slot.is_waiting)
    }

    /// Returns whether any question about any open trace is under way.
    #[must_use]
    pub fn any_waits(&self) -> bool {
        self.slots.values().any(|slot| slot.is_waiting)
    }

    /// The next answer that is not outdated.
    pub fn answer(&mut self) -> Option<Answer> {
        while let Ok(answer) = self.receive.try_recv() {
            let wanted = match &answer {
                Answer::Load { tab, answer } => {
                    self.loads.get_mut(tab).is_some_and(|slot| slot.accept(answer.generation))
                }
                Answer::Identified { tab, generation, .. } => {
                    self.loads.get(tab).is_some_and(|slot| slot.is_current(*generation))
                }
                Answer::Document { tab, generation, reply } => {
                    let slot = self.slots.get_mut(&(*tab, reply.topic()));
                    slot.is_some_and(|slot| slot.accept(*generation))
                }
                Answer::Symbols { tab, generation, .. } => {
                    // A search has many answers; it ends when it is given up.
                    let slot = self.searches.get(tab);
                    slot.is_some_and(|slot| slot.is_waiting && slot.generation == *generation)
                }
                Answer::Path { generation, news: PathNews::Checked(_) } => self.path.is_current(*generation),
                Answer::Path { generation, .. } => self.path.accept(*generation),
                Answer::Recorder { generation, .. } => self.recorder_look.accept(*generation),
                Answer::Record { generation, news: RecordNews::Said(_) } => self.record.is_current(*generation),
                Answer::Record { generation, .. } => self.record.accept(*generation),
                Answer::Changed { .. } | Answer::Listed { .. } | Answer::Missing(_) | Answer::Association(_) => true,
                Answer::Listing(_) | Answer::SnapshotSeries { .. } | Answer::SamplingFailed(_) => true,
                Answer::Saved(_) | Answer::SourceNotOpened(_) => true,
                Answer::Picked { .. } => std::mem::take(&mut self.picking),
            };
            if wanted {
                return Some(answer);
            }
        }
        None
    }

    fn spawn(&self, name: &str, work: impl FnOnce() -> Answer + Send + 'static) {
        self.spawn_some(name, move || Some(work()));
    }

    fn spawn_some(&self, name: &str, work: impl FnOnce() -> Option<Answer> + Send + 'static) {
        let (send, wake) = (self.send.clone(), Arc::clone(&self.wake));
        spawn_or_run(name, move || {
            // Without a window there is no receiver.
            if let Some(answer) = work()
                && send.send(answer).is_ok()
            {
                wake();
            }
        });
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        let loads = self.loads.values_mut().chain(self.searches.values_mut());
        loads.chain(self.slots.values_mut()).for_each(JobSlot::stop);
        self.path.stop();
        self.follow.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_worker_does_one_task_at_a_time_and_skips_to_the_newest() {
        let worker = Worker::default();
        let (begin, begun) = mpsc::channel();
        let (release, wait) = mpsc::channel();
        let (done, results) = mpsc::channel();
        let first = done.clone();
        let slow = move || {
            begin.send(()).unwrap();
            wait.recv().unwrap();
            first.send(1).unwrap();
        };
        worker.submit("test", Box::new(slow));
        begun.recv().unwrap();
        for number in [2, 3] {
            let done = done.clone();
            worker.submit("test", Box::new(move || done.send(number).unwrap()));
        }
        drop(done);
        release.send(()).unwrap();
        assert_eq!(results.iter().collect::<Vec<_>>(), [1, 3], "the second was replaced before it began");
    }

    #[test]
    fn only_the_newest_answer_counts() {
        let mut slot = JobSlot::default();
        let (first, first_cancel) = slot.next();
        let (second, second_cancel) = slot.next();
        assert!(first_cancel.is_cancelled());
        assert!(!second_cancel.is_cancelled());
        assert!(!slot.accept(first));
        assert!(slot.accept(second));
        assert!(!slot.accept(second), "only once");
    }

    #[test]
    fn a_stopped_slot_takes_no_answer() {
        let mut slot = JobSlot::default();
        let (generation, cancel) = slot.next();
        slot.stop();
        assert!(cancel.is_cancelled());
        assert!(!slot.accept(generation));
    }
}
