//! Work in the background: loading, grouping, curves, the file dialog. Every answer carries the number of its request, so
//! that answers to old questions are dropped; every question cancels the one before it of its kind. Knows no window: it
//! is given a closure that wakes whoever waits.

pub mod curves;
pub mod dialog;
pub mod load;
pub mod table;
pub mod totals;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use poolscope_core::job::CancelToken;

use curves::{CurvesAnswer, CurvesRequest};
use dialog::PickFile;
use load::{LoadAnswer, LoadRequest, Loader};
use table::{TableAnswer, TableRequest};
use totals::{TotalsAnswer, TotalsRequest};

/// What became of a request.
#[derive(Debug)]
pub enum Answer {
    /// A trace, or why there is none.
    Load(LoadAnswer),
    /// The rows of the table.
    Table(Box<TableAnswer>),
    /// The curves of the graph.
    Curves(CurvesAnswer),
    /// The sums of the selected range.
    Totals(TotalsAnswer),
    /// The file dialog was closed.
    Picked {
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

    /// Whether this is the answer that is waited for.
    fn accept(&mut self, generation: u64) -> bool {
        let fits = self.waiting && generation == self.generation;
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
    load: Line,
    table: Line,
    curves: Line,
    totals: Line,
    picking: bool,
}

impl Jobs {
    /// A background that loads with `loader`, asks for files with `picker`, and calls `wake` after each answer.
    #[must_use]
    pub fn new(loader: Arc<dyn Loader>, picker: Arc<dyn PickFile>, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let (send, receive) = channel();
        Self {
            send,
            receive,
            wake,
            loader,
            picker,
            load: Line::default(),
            table: Line::default(),
            curves: Line::default(),
            totals: Line::default(),
            picking: false,
        }
    }

    /// Starts to load a trace; a load that is under way is given up.
    pub fn load(&mut self, request: LoadRequest) {
        let (generation, cancel) = self.load.next();
        let loader = Arc::clone(&self.loader);
        self.spawn("load", move || Answer::Load(load::run(loader.as_ref(), request, generation, &cancel)));
    }

    /// Gives up the load that is under way.
    pub fn cancel_load(&mut self) {
        self.load.stop();
    }

    /// Groups rows anew.
    pub fn table(&mut self, request: TableRequest) {
        let (generation, cancel) = self.table.next();
        self.spawn_some("table", move || {
            table::run(request, generation, &cancel).map(|answer| Answer::Table(Box::new(answer)))
        });
    }

    /// Computes the curves anew.
    pub fn curves(&mut self, request: CurvesRequest) {
        let (generation, cancel) = self.curves.next();
        self.spawn_some("curves", move || curves::run(&request, generation, &cancel).map(Answer::Curves));
    }

    /// Sums up a range.
    pub fn totals(&mut self, request: TotalsRequest) {
        let (generation, cancel) = self.totals.next();
        self.spawn_some("totals", move || totals::run(&request, generation, &cancel).map(Answer::Totals));
    }

    /// Asks the user for a file, unless that is being done already.
    pub fn pick_file(&mut self) {
        if self.picking {
            return;
        }
        self.picking = true;
        // Some systems want dialogs to be made on the thread of the window.
        let question = self.picker.ask();
        self.spawn("dialog", move || dialog::wait(question));
    }

    /// Whether the table's rows are being computed.
    #[must_use]
    pub fn table_waits(&self) -> bool {
        self.table.waiting
    }

    /// Whether the sums of the selected range are being computed.
    #[must_use]
    pub fn totals_wait(&self) -> bool {
        self.totals.waiting
    }

    /// Whether the curves are being computed.
    #[must_use]
    pub fn curves_wait(&self) -> bool {
        self.curves.waiting
    }

    /// The next answer that somebody still waits for.
    pub fn answer(&mut self) -> Option<Answer> {
        while let Ok(answer) = self.receive.try_recv() {
            let wanted = match &answer {
                Answer::Load(load) => self.load.accept(load.generation),
                Answer::Table(table) => self.table.accept(table.generation),
                Answer::Curves(curves) => self.curves.accept(curves.generation),
                Answer::Totals(totals) => self.totals.accept(totals.generation),
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
        for line in [&mut self.load, &mut self.table, &mut self.curves, &mut self.totals] {
            line.stop();
        }
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
