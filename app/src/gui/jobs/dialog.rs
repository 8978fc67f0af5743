//! The system's file dialog, asked on a thread. Where no dialog service answers, that looks like Cancel, only sooner than
//! any human could: the answer says so.

use std::future::Future;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::{Answer, TabId};
use crate::gui::model::export::ExportKind;
use crate::package;

/// Purpose of a file dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Traces, or other evidence, to open.
    Trace,
    /// A folder to open as a case.
    CaseFolder,
    /// The PDB of a module of an open trace.
    Pdb {
        /// Tab of the trace.
        tab: TabId,
        /// Place of the module among those that the trace needs.
        at: usize,
        /// File name of the module.
        module: String,
    },
    /// A folder with symbols.
    SymbolFolder,
    /// File for the user's presets, with the proposed name.
    ExportPresets(String),
    /// A file of presets.
    ImportPresets,
    /// File for an export of an open trace.
    Export {
        /// Tab of the trace.
        tab: TabId,
        /// Content of the file.
        kind: ExportKind,
        /// The proposed name.
        name: String,
    },
    /// A file of stack tags.
    StackTags,
    /// A list of pool tags.
    PoolTags,
    /// A folder with driver files.
    Drivers,
    /// File for a recording profile, with the proposed name.
    SaveProfile(String),
    /// File for a recording script, with the proposed name.
    SaveScript(String),
    /// File for the running recording, with the proposed name.
    SaveRecording(String),
    /// The text of poolmon or `!poolused`.
    Snapshot,
    /// File for samples of the pool tags of this machine, with the proposed name.
    SaveSamples(String),
    /// The recorder.
    Recorder,
    /// The folder for temporary files of a recording.
    RecordingFolder,
}

impl Asked {
    /// The question, as the title of a dialog.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Trace => "Open trace".to_owned(),
            Self::CaseFolder => "Open case folder".to_owned(),
            Self::Pdb { module, .. } => format!("Open PDB of {module}"),
            Self::SymbolFolder => "Add symbol folder".to_owned(),
            Self::ExportPresets(_) => "Export presets".to_owned(),
            Self::ImportPresets => "Import presets".to_owned(),
            Self::Export { kind, .. } => kind.title().trim_end_matches('\u{2026}').to_owned(),
            Self::StackTags => "Choose stack tags".to_owned(),
            Self::PoolTags => "Choose pooltag.txt".to_owned(),
            Self::Drivers => "Choose folder with driver files".to_owned(),
            Self::SaveProfile(_) => "Save profile".to_owned(),
            Self::SaveScript(_) => "Save script".to_owned(),
            Self::SaveRecording(_) => "Stop and save recording".to_owned(),
            Self::Snapshot => "Open poolmon snapshot".to_owned(),
            Self::SaveSamples(_) => "Save samples of pool tags".to_owned(),
            Self::Recorder => "Choose wpr.exe".to_owned(),
            Self::RecordingFolder => "Choose folder for temporary files".to_owned(),
        }
    }

    /// The name that is proposed for a file that is to be written; `None` where one is to be read.
    #[must_use]
    pub fn proposed_name(&self) -> Option<&str> {
        match self {
            Self::ExportPresets(name)
            | Self::SaveProfile(name)
            | Self::SaveScript(name)
            | Self::SaveSamples(name)
            | Self::SaveRecording(name)
            | Self::Export { name, .. } => Some(name),
            _ => None,
        }
    }
}

/// The file that is chosen, some time.
pub type Question = Pin<Box<dyn Future<Output = Option<PathBuf>> + Send>>;

/// The files that are chosen, some time; none if the dialog was closed.
pub type SeveralQuestion = Pin<Box<dyn Future<Output = Vec<PathBuf>> + Send>>;

/// Who asks the user for a file.
pub trait PickFile: Send + Sync {
    /// Opens the dialog.
    fn ask(&self, asked: &Asked) -> Question;

    /// Opens the dialog, which may offer to choose several files.
    fn ask_several(&self, asked: &Asked) -> SeveralQuestion {
        let question = self.ask(asked);
        Box::pin(async move { question.await.into_iter().collect() })
    }
}

/// Endings of traces and of archives with traces.
const TRACE_ENDINGS: [&str; 12] =
    ["etl", "ETL", "gz", "xz", "zst", "zip", "wpapk", "cab", "7z", "ZIP", "CAB", package::ENDING];
/// Endings of pool snapshots and performance logs.
const TEXT_ENDINGS: [&str; 6] = ["txt", "TXT", "log", "csv", "CSV", "tsv"];

/// The dialog of the system.
pub struct SystemDialog;

impl PickFile for SystemDialog {
    fn ask(&self, asked: &Asked) -> Question {
        let dialog = rfd::AsyncFileDialog::new().set_title(asked.title());
        let filtered = |name: &str, endings: &[&str]| {
            let dialog = dialog.clone().add_filter(name, endings).add_filter("All files", &["*"]).pick_file();
            Box::pin(async move { dialog.await.map(|file| file.path().to_owned()) })
        };
        let saved = |name: &str, kind: &str, ending: &str| {
            let dialog = dialog.clone().add_filter(kind, &[ending]).set_file_name(name).save_file();
            Box::pin(async move { dialog.await.map(|file| file.path().to_owned()) })
        };
        match asked {
            Asked::Trace => filtered("Event traces", &TRACE_ENDINGS),
            Asked::Pdb { .. } => filtered("Program databases", &["pdb", "PDB", "pd_", "PD_", "symcache"]),
            Asked::ExportPresets(name) => saved(name, "Presets", "json"),
            Asked::Export { kind: ExportKind::Package, name, .. } => saved(name, "Packages", package::ENDING),
            Asked::Export { kind, name, .. } => {
                let filters = kind.formats().iter();
                let dialog = filters
                    .fold(dialog.clone(), |dialog, format| dialog.add_filter(format.title(), &[format.ending()]));
                let dialog = dialog.set_file_name(name).save_file();
                Box::pin(async move { dialog.await.map(|file| file.path().to_owned()) })
            }
            Asked::StackTags => filtered("Stack tags", &["stacktags", "STACKTAGS", "xml", "XML"]),
            Asked::ImportPresets => filtered("Presets", &["json", "JSON"]),
            Asked::PoolTags => filtered("Tag lists", &["txt", "TXT"]),
            Asked::Snapshot => filtered("Listings", &["txt", "TXT", "log", "LOG", "csv", "CSV", "tsv", "json", "md"]),
            Asked::SaveSamples(name) => saved(name, "Samples", "csv"),
            Asked::Recorder => filtered("Programs", &["exe", "EXE"]),
            Asked::SaveProfile(name) => saved(name, "Recording profiles", "wprp"),
            Asked::SaveScript(name) => saved(name, "PowerShell scripts", "ps1"),
            Asked::SaveRecording(name) => saved(name, "Event traces", "etl"),
            Asked::SymbolFolder | Asked::Drivers | Asked::RecordingFolder | Asked::CaseFolder => {
                let dialog = dialog.pick_folder();
                Box::pin(async move { dialog.await.map(|file| file.path().to_owned()) })
            }
        }
    }

    fn ask_several(&self, asked: &Asked) -> SeveralQuestion {
        if *asked != Asked::Trace {
            let question = self.ask(asked);
            return Box::pin(async move { question.await.into_iter().collect() });
        }
        let endings = [&TRACE_ENDINGS[..], &TEXT_ENDINGS[..]].concat();
        let dialog = rfd::AsyncFileDialog::new()
            .set_title(asked.title())
            .add_filter("Event traces", &TRACE_ENDINGS)
            .add_filter("Traces, snapshots and performance logs", &endings)
            .add_filter("All files", &["*"])
            .pick_files();
        Box::pin(async move { dialog.await.unwrap_or_default().iter().map(|file| file.path().to_owned()).collect() })
    }
}

/// Shortest time in which a user can read a dialog.
const AT_ONCE: Duration = Duration::from_millis(400);

pub(super) fn wait(asked: Asked, question: SeveralQuestion) -> Answer {
    let began = Instant::now();
    let paths = block_on(question);
    Answer::Picked { asked, at_once: paths.is_empty() && began.elapsed() < AT_ONCE, paths }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_until_woken() {
        let (send, receive) = std::sync::mpsc::channel::<Waker>();
        let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = Arc::clone(&done);
        let waker = thread::spawn(move || {
            let waker = receive.recv().expect("the future was polled");
            seen.store(true, std::sync::atomic::Ordering::SeqCst);
            waker.wake();
        });
        let value = block_on(std::future::poll_fn(|context| {
            if done.load(std::sync::atomic::Ordering::SeqCst) {
                Poll::Ready(7)
            } else {
                send.send(context.waker().clone()).expect("somebody wakes");
                Poll::Pending
            }
        }));
        assert_eq!(value, 7);
        waker.join().expect("no panic");
    }

    #[test]
    fn no_service_is_told_from_a_chosen_file() {
        let chosen = |paths: Vec<PathBuf>| wait(Asked::Trace, Box::pin(std::future::ready(paths)));
        assert!(matches!(chosen(Vec::new()), Answer::Picked { at_once: true, .. }));
        let two = vec![PathBuf::from("a"), PathBuf::from("b")];
        assert!(matches!(chosen(two.clone()), Answer::Picked { at_once: false, paths, .. } if paths == two));
    }
}
