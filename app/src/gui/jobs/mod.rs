//! Work in the background: loading, grouping, curves, the file dialog. Every answer carries the number of its request, so
//! that answers to old questions are dropped; every question cancels the one before it of its kind. Knows no window: it
//! is given a closure that wakes whoever waits.

pub mod association;
pub mod curves;
pub mod dialog;
pub mod discard;
pub mod document;
pub mod files;
pub mod find;
pub mod flame;
pub mod later;
pub mod leaks;
pub mod listing;
pub mod load;
pub mod names;
pub mod path_check;
pub mod profile;
pub mod record;
pub mod rows;
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

use poolscope_base::progress::CancelToken;

use crate::association::{Association, AssociationError, AssociationState as OfferStanding};
use crate::wpr::{Recorder, WprStatus};
use association::Wanted;
use dialog::{Asked, PickFile};
use document::{Reply, Request, Topic};
use files::FileAnswer;
use listing::ListingAnswer;
use load::{LoadAnswer, LoadRequest, Loader, Source};
use path_check::PathNews;
use record::RecordNews;
use symbols::{SymbolService, SymbolsNews, SymbolsRequest};
use watch::{Change, Watch};

/// Which open trace a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TabId(pub u64);

/// What became of a request.
pub enum Answer {
    /// A trace, or why there is none.
    Load {
        /// For which tab.
        tab: TabId,
        /// The trace, or why there is none.
        answer: LoadAnswer,
    },
    /// What the file of a load is called.
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
        /// Which trace.
        tab: TabId,
        /// Number of the question.
        generation: u64,
        /// The answer.
        reply: Reply,
    },
    /// News of the search for an open trace's symbols.
    Symbols {
        /// Which trace.
        tab: TabId,
        /// Number of the search.
        generation: u64,
        /// The news.
        news: Vec<SymbolsNews>,
    },
    /// The file of an open trace changed.
    Changed {
        /// Which trace.
        tab: TabId,
        /// What happened.
        change: Change,
    },
    /// What lies in a folder: names in their order, and whether each is a folder.
    Listed {
        /// The folder.
        folder: PathBuf,
        /// What lies in it; nothing when it cannot be read.
        entries: Vec<(String, bool)>,
    },
    /// Which of some files are not there.
    Missing(BTreeSet<PathBuf>),
    /// Something about the symbol path in the box.
    Path {
        /// Number of the question.
        generation: u64,
        /// The answer, or a part of it.
        news: PathNews,
    },
    /// How poolscope stands with `.etl` files, or why that is not known.
    Association(Result<OfferStanding, AssociationError>),
    /// Whether recordings can be made on this machine.
    Recorder {
        /// Number of the question.
        generation: u64,
        /// The answer.
        standing: WprStatus,
    },
    /// Something about recording on this machine.
    Record {
        /// Number of what was asked for.
        generation: u64,
        /// The news.
        news: RecordNews,
    },
    /// A listing of pool tags.
    Listing(ListingAnswer),
    /// What became of a text that was to be written.
    Saved(FileAnswer),
    /// The file dialog was closed.
    Picked {
        /// What the user was asked for.
        asked: Asked,
        /// The file, if one was chosen.
        path: Option<PathBuf>,
        /// Nothing that asks people answers so soon: there is no dialog service.
        at_once: bool,
    },
}

/// Numbers the requests of one kind and cancels the old ones.
#[derive(Debug, Default)]
struct Line {
    generation: u64,
    cancel: CancelToken,
    waiting: bool,
}

impl Line {
    fn next(&mut self) -> (u64, CancelToken) {
        self.stop();
        self.generation += 1;
        self.waiting = true;
        self.cancel = CancelToken::default();
        (self.generation, self.cancel.clone())
    }

    fn stop(&mut self) {
        self.cancel.cancel();
        self.waiting = false;
    }

    /// Whether this is about the question that is waited for, and not its last answer yet.
    fn is_current(&self, generation: u64) -> bool {
        self.waiting && generation == self.generation
    }

    /// Whether this is the answer that is waited for.
    fn accept(&mut self, generation: u64) -> bool {
        let fits = self.is_current(generation);
        self.waiting &= !fits;
        fits
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
    loads: BTreeMap<TabId, Line>,
    searches: BTreeMap<TabId, Line>,
    lines: BTreeMap<(TabId, Topic), Line>,
    picking: bool,
    path: Line,
    record: Line,
    recorder_look: Line,
    watch: Option<Watch>,
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
            lines: BTreeMap::new(),
            picking: false,
            path: Line::default(),
            record: Line::default(),
            recorder_look: Line::default(),
            watch: None,
        }
    }

    /// Starts to load a trace for a tab; a load that is under way for it is given up.
    pub fn load(&mut self, tab: TabId, request: LoadRequest) {
        let (generation, cancel) = self.loads.entry(tab).or_default().next();
        let loader = Arc::clone(&self.loader);
        let (send, wake) = (self.send.clone(), Arc::clone(&self.wake));
        self.spawn("load", move || {
            let request = request.identified();
            let path = request.source.path().map(PathBuf::from);
            if path.is_some_and(|path| send.send(Answer::Identified { tab, generation, path }).is_ok()) {
                wake();
            }
            Answer::Load { tab, answer: load::run(loader.as_ref(), request, generation, &cancel) }
        });
    }

    /// Gives up the load that is under way for a tab.
    pub fn cancel_load(&mut self, tab: TabId) {
        if let Some(line) = self.loads.get_mut(&tab) {
            line.stop();
        }
    }

    /// Answers a question about an open trace.
    pub fn ask(&mut self, tab: TabId, request: Request) {
        let topic = request.topic();
        let (generation, cancel) = self.lines.entry((tab, topic)).or_default().next();
        self.spawn_some("figures", move || {
            // Half an answer is none, and a question without an answer would be waited for: whatever happens is told.
            let answer = catch_unwind(AssertUnwindSafe(|| request.run(generation, &cancel)));
            let reply = answer.unwrap_or(Some(Reply::Broken(topic)))?;
            Some(Answer::Document { tab, generation, reply })
        });
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
        if let Some(line) = self.searches.get_mut(&tab) {
            line.stop();
        }
    }

    /// Gives up all questions about an open trace. Their numbers go on, so that no late answer is taken for a new one.
    pub fn give_up(&mut self, tab: TabId) {
        let of_tab = self.lines.iter_mut().filter(|((owner, _), _)| *owner == tab).map(|(_, line)| line);
        of_tab.chain(self.searches.get_mut(&tab)).for_each(Line::stop);
    }

    /// Gives up everything for a tab that is no more.
    pub fn forget(&mut self, tab: TabId) {
        self.give_up(tab);
        self.cancel_load(tab);
        if let Some(watch) = &self.watch {
            watch.forget(tab);
        }
    }

    /// Tells when the file of a tab changes from what was read.
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

    /// Looks which of these files are not there.
    pub fn look_for(&self, paths: Vec<PathBuf>) {
        self.spawn("look", move || Answer::Missing(paths.into_iter().filter(|path| !path.exists()).collect()));
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

    /// Looks how poolscope stands with `.etl` files, after doing what is wanted first.
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
        let question = self.picker.ask(&asked);
        self.spawn("dialog", move || dialog::wait(asked, question));
    }

    /// Whether a question about an open trace is under way.
    #[must_use]
    pub fn waits(&self, tab: TabId, topic: Topic) -> bool {
        self.lines.get(&(tab, topic)).is_some_and(|line| line.waiting)
    }

    /// Whether any question about any open trace is under way.
    #[must_use]
    pub fn any_waits(&self) -> bool {
        self.lines.values().any(|line| line.waiting)
    }

    /// The next answer that somebody still waits for.
    pub fn answer(&mut self) -> Option<Answer> {
        while let Ok(answer) = self.receive.try_recv() {
            let wanted = match &answer {
                Answer::Load { tab, answer } => {
                    self.loads.get_mut(tab).is_some_and(|line| line.accept(answer.generation))
                }
                Answer::Identified { tab, generation, .. } => {
                    self.loads.get(tab).is_some_and(|line| line.is_current(*generation))
                }
                Answer::Document { tab, generation, reply } => {
                    let line = self.lines.get_mut(&(*tab, reply.topic()));
                    line.is_some_and(|line| line.accept(*generation))
                }
                Answer::Symbols { tab, generation, .. } => {
                    // A search has many answers; it ends when it is given up.
                    let line = self.searches.get(tab);
                    line.is_some_and(|line| line.waiting && line.generation == *generation)
                }
                Answer::Path { generation, news: PathNews::Checked(_) } => self.path.is_current(*generation),
                Answer::Path { generation, .. } => self.path.accept(*generation),
                Answer::Recorder { generation, .. } => self.recorder_look.accept(*generation),
                Answer::Record { generation, news: RecordNews::Said(_) } => self.record.is_current(*generation),
                Answer::Record { generation, .. } => self.record.accept(*generation),
                Answer::Changed { .. } | Answer::Listed { .. } | Answer::Missing(_) | Answer::Association(_) => true,
                Answer::Listing(_) | Answer::Saved(_) => true,
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
        let run = move || {
            // The receiver is gone when the window is: then nobody waits.
            if let Some(answer) = work()
                && send.send(answer).is_ok()
            {
                wake();
            }
        };
        // Without a thread the work is done here and now: slow, but right.
        let run = Arc::new(parking_lot::Mutex::new(Some(run)));
        let other = Arc::clone(&run);
        let body = move || {
            let taken = other.lock().take();
            if let Some(run) = taken {
                run();
            }
        };
        if thread::Builder::new().name(name.to_owned()).spawn(body).is_err() {
            let taken = run.lock().take();
            if let Some(run) = taken {
                run();
            }
        }
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        let loads = self.loads.values_mut().chain(self.searches.values_mut());
        loads.chain(self.lines.values_mut()).for_each(Line::stop);
        self.path.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_answer_counts() {
        let mut line = Line::default();
        let (first, first_cancel) = line.next();
        let (second, second_cancel) = line.next();
        assert!(first_cancel.is_cancelled());
        assert!(!second_cancel.is_cancelled());
        assert!(!line.accept(first));
        assert!(line.accept(second));
        assert!(!line.accept(second), "only once");
    }

    #[test]
    fn a_stopped_line_takes_no_answer() {
        let mut line = Line::default();
        let (generation, cancel) = line.next();
        line.stop();
        assert!(cancel.is_cancelled());
        assert!(!line.accept(generation));
    }
}
