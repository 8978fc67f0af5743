//! Opening, reloading and closing traces, and what comes of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::App;
use super::tabs::{Content, Loading};
use crate::gui::commands::Command;
use crate::gui::document::Document;
use crate::gui::jobs::TabId;
use crate::gui::jobs::discard::discard;
use crate::gui::jobs::load::{InnerTraces, LoadAnswer, LoadRequest, Source};
use crate::gui::jobs::watch::Change;
use crate::gui::shell::file_changed;
use crate::gui::shell::toasts::Kind;
use crate::trace_location::{join_parts, split_by_name};

/// Traces of a folder that are opened at once at most.
const FOLDER: usize = 8;

impl App {
    /// Opens a trace in a tab of its own; if it is open already, its tab comes to the front.
    pub(super) fn open(&mut self, source: Source) {
        self.toasts.clear_infos();
        let Some(id) = self.tabs.find(&source) else {
            let id = self.tabs.add(source);
            self.load(id);
            return;
        };
        self.show_again(id);
    }

    /// Brings the tab of a trace to the front that is open already.
    fn show_again(&mut self, id: TabId) {
        let Some(tab) = self.tabs.get(id) else { return };
        match tab.content {
            Content::Failed(_) => self.load(id),
            Content::Open(_) if tab.change == Some(Change::Changed) => {
                self.tabs.activate(id);
                self.reload(id);
            }
            _ => self.tabs.activate(id),
        }
    }

    /// The file of a load has this one name. If a tab has it already under another, that one is shown instead.
    pub(super) fn identified(&mut self, id: TabId, path: PathBuf) {
        let other = self.tabs.iter().find(|(other, tab)| *other != id && tab.source.path() == Some(path.as_path()));
        if let Some((other, _)) = other {
            self.jobs.cancel_load(id);
            self.close(id);
            return self.show_again(other);
        }
        if let Some(tab) = self.tabs.get_mut(id) {
            tab.source = tab.source.clone().at(path);
        }
    }

    /// Loads the trace of a tab; the tab comes to the front when the trace is loaded.
    pub(super) fn load(&mut self, id: TabId) {
        self.wanted = Some(id);
        let loading = self.begin(id);
        if let (Some(loading), Some(tab)) = (loading, self.tabs.get_mut(id)) {
            tab.content = Content::Loading(loading);
        }
    }

    /// Lets Windows' own reader open what the one here refuses.
    pub(super) fn open_through_windows(&mut self, id: TabId) {
        let Some(tab) = self.tabs.get_mut(id) else { return };
        let Some(path) = tab.source.path().map(PathBuf::from) else { return };
        tab.source = Source::ThroughWindows(path);
        self.load(id);
    }

    /// Loads an open trace again; it can be used as it was until then.
    pub(super) fn reload(&mut self, id: TabId) {
        let loading = self.begin(id);
        if let Some(tab) = self.tabs.get_mut(id) {
            tab.reload = loading;
        }
    }

    fn begin(&mut self, id: TabId) -> Option<Loading> {
        let source = self.tabs.get(id)?.source.clone();
        let loading = Loading::begin();
        self.jobs.load(id, LoadRequest { source, progress: Arc::clone(&loading.progress) });
        Some(loading)
    }

    pub(super) fn close(&mut self, id: TabId) {
        self.jobs.forget(id);
        self.remember_tab(id);
        if let Some(closed) = self.tabs.close(id) {
            discard(closed.content);
        }
        self.looked = false;
    }

    pub(super) fn loaded(&mut self, id: TabId, answer: LoadAnswer) {
        if let Some(inside) = answer.inside {
            return self.open_inner(id, &answer.source.name(), inside);
        }
        let name = answer.source.name();
        let Some(tab) = self.tabs.get_mut(id) else { return };
        let reloaded = tab.reload.take().is_some();
        let asked = tab.asked.clone();
        // A trace that is loaded again looks as it did.
        let before = tab.document().map(Document::remember);
        let (kind, text) = match answer.result {
            Ok(Some(trace)) => {
                let bytes = trace.summary.file_bytes;
                // Answers about the trace before must not reach this one.
                self.jobs.forget(id);
                self.jobs.watch(id, &answer.source, answer.stamp);
                if let Some(path) = answer.source.path() {
                    let settings = self.settings.edit();
                    // The list may have it by another name.
                    asked.path().iter().for_each(|asked| settings.forget(asked));
                    settings.folder =
                        split_by_name(path).0.parent().filter(|folder| folder.to_str().is_some()).map(Into::into);
                    settings.opened(path, bytes, unix_s());
                }
                let mut document = Document::new(answer.source, trace, Arc::clone(&self.presets));
                let (view, problems) =
                    answer.package.map(|package| (package.view, package.problems)).unwrap_or_default();
                match before {
                    Some(before) => document.restore(before),
                    None if self.restore(&mut document) => {}
                    None => document.apply_package(view),
                }
                problems.into_iter().for_each(|problem| self.toasts.push(Kind::Warning, problem));
                document.search.bypass_cache = reloaded;
                self.begin_symbols(&mut document);
                if let Some(tab) = self.tabs.get_mut(id) {
                    tab.change = None;
                    discard(std::mem::replace(&mut tab.content, Content::Open(Box::new(document))));
                }
                (Kind::Success, format!("{name} is open"))
            }
            Ok(None) => return,
            Err(failure) if reloaded => {
                self.toasts.push(Kind::Error, format!("{name} was not reloaded: {}", failure.what));
                return;
            }
            Err(failure) => {
                tab.content = Content::Failed(failure);
                (Kind::Error, format!("{name} cannot be opened"))
            }
        };
        if self.wanted == Some(id) {
            self.wanted = None;
            self.tabs.activate(id);
        } else if self.tabs.active() != Some(id) {
            self.toasts.push_with(kind, text, "Show", Command::ShowTab(id));
        }
    }

    /// Opens files: those of one recording as one trace, each other in a tab of its own.
    pub(super) fn open_files(&mut self, files: Vec<PathBuf>) {
        let are_files = files.len() > 1 && !files.iter().any(|file| file.is_dir());
        match join_parts(&files).filter(|_| are_files) {
            Some(location) => self.open(Source::File(location)),
            None => files.into_iter().for_each(|path| self.open(Source::File(path))),
        }
    }

    /// Opens the traces of a folder, an archive, or several files, one by one.
    fn open_inner(&mut self, id: TabId, name: &str, inner: InnerTraces) {
        let InnerTraces { locations: traces, reasons, are_chosen } = inner;
        self.close(id);
        if are_chosen {
            traces.into_iter().for_each(|path| self.open(Source::File(path)));
            return self.explain(reasons);
        }
        if traces.is_empty() {
            self.toasts.push(Kind::Warning, format!("{name} contains no .etl files"));
        } else if traces.len() > FOLDER {
            let text = format!(
                "{name} contains {} traces; the first {FOLDER} are opened",
                crate::format::count(traces.len() as u64)
            );
            self.toasts.push(Kind::Warning, text);
        }
        let names: Vec<String> = traces.iter().map(|path| Source::File(path.clone()).name()).collect();
        let are_in_archive = traces.iter().any(|path| split_by_name(path).1.is_some());
        traces.into_iter().take(FOLDER).for_each(|path| self.open(Source::File(path)));
        if are_in_archive && names.len() <= FOLDER {
            self.toasts.push(Kind::Info, format!("{name} contains {} traces: {}", names.len(), names.join(", ")));
        }
        self.explain(reasons);
    }

    /// Says why files are not one trace; opening one takes such messages away.
    fn explain(&mut self, reasons: String) {
        if !reasons.is_empty() {
            self.toasts.push(Kind::Info, reasons);
        }
    }

    pub(super) fn changed(&mut self, id: TabId, change: Change) {
        let Some(tab) = self.tabs.get_mut(id) else { return };
        tab.change = Some(change);
        let text = file_changed::message(&tab.source.name(), change);
        if self.tabs.active() != Some(id) {
            self.toasts.push_with(Kind::Warning, text, "Show", Command::ShowTab(id));
        }
    }
}

fn unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
