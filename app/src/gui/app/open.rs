//! Opening, reloading and closing traces, and what comes of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::App;
use super::tabs::{Content as TabContent, Loading, Tab};
use crate::case::Content;
use crate::gui::commands::Command;
use crate::gui::document::Document;
use crate::gui::jobs::TabId;
use crate::gui::jobs::case::{CaseSource, OpenCase};
use crate::gui::jobs::discard::discard;
use crate::gui::jobs::load::{LoadAnswer, LoadRequest, Loaded, Source, TracesInside};
use crate::gui::jobs::watch::{Change, Stamp};
use crate::gui::model::case::CaseView;
use crate::gui::shell::file_changed;
use crate::gui::shell::toasts::Kind;
use crate::package::Package;
use crate::trace_location::{join_parts, split_by_name};
use crate::trace_opening::{LoadedTrace, is_named_like_a_trace};

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

    /// Opens files that were given together: traces of one recording as one trace, other traces in a tab each, evidence of several
    /// kinds as a case. Their contents decide, in the background.
    pub(super) fn open_together(&mut self, paths: Vec<PathBuf>) {
        let is_trace = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(is_named_like_a_trace)
        };
        if paths.len() < 2 || paths.iter().all(is_trace) {
            // Several files are one location; its load says which are of one recording.
            let several = join_parts(&paths).filter(|_| paths.len() > 1 && !paths.iter().any(|path| path.is_dir()));
            return match several {
                Some(location) => self.open(Source::File(location)),
                None => paths.into_iter().for_each(|path| self.open(Source::File(path))),
            };
        }
        self.open(Source::Case(CaseSource { paths, is_wanted: false }));
    }

    /// Brings the tab of a trace to the front that is open already.
    fn show_again(&mut self, id: TabId) {
        let Some(tab) = self.tabs.get(id) else { return };
        match tab.content {
            TabContent::Failed(_) => self.load(id),
            TabContent::Open(_) if tab.change == Some(Change::Changed) => {
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
            tab.content = TabContent::Loading(loading);
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
        let (progress, file) = (Arc::clone(&loading.progress), Arc::clone(&loading.file));
        self.jobs.load(id, LoadRequest { source, progress, file });
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
        let LoadAnswer { source, stamp, package, result, .. } = answer;
        let name = source.name();
        let Some(tab) = self.tabs.get_mut(id) else { return };
        let reloaded = tab.reload.take().is_some();
        let (kind, text) = match result {
            Ok(Some(Loaded::Traces(inside))) => return self.open_traces(id, &name, inside),
            Ok(Some(Loaded::Listings(listings))) => {
                self.close(id);
                return self.show_listings(listings);
            }
            Ok(Some(Loaded::Trace(trace))) => {
                self.show_trace(id, source, stamp, trace, package, reloaded);
                (Kind::Success, format!("{name} is open"))
            }
            Ok(Some(Loaded::Case(opened))) => {
                self.show_case(id, *opened);
                (Kind::Success, format!("{name} is open"))
            }
            Ok(None) => return,
            Err(failure) if reloaded => {
                self.toasts.push(Kind::Error, format!("{name} was not reloaded: {}", failure.what));
                return;
            }
            Err(failure) => {
                tab.content = TabContent::Failed(failure);
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

    /// Shows a trace in a tab; one that is loaded again looks as it did.
    fn show_trace(
        &mut self,
        id: TabId,
        source: Source,
        stamp: Option<Stamp>,
        loaded: LoadedTrace,
        package: Option<Package>,
        reloaded: bool,
    ) {
        let LoadedTrace { trace, notes } = loaded;
        notes.iter().for_each(|note| self.toasts.push(Kind::Warning, note));
        let Some(tab) = self.tabs.get(id) else { return };
        let asked = tab.asked.clone();
        let before = tab.document().map(Document::remember);
        let bytes = trace.summary.file_bytes;
        // Answers about the trace before must not reach this one.
        self.jobs.forget(id);
        self.jobs.watch(id, &source, stamp);
        if let Some(path) = source.path() {
            let settings = self.settings.edit();
            // The list may have it by another name.
            asked.path().iter().for_each(|asked| settings.forget(asked));
            settings.folder = split_by_name(path).0.parent().filter(|folder| folder.to_str().is_some()).map(Into::into);
            settings.opened(path, bytes, unix_s());
        }
        let mut document = Document::new(source, trace, Arc::clone(&self.presets));
        let (view, problems) = package.map(|package| (package.view, package.problems)).unwrap_or_default();
        match before {
            Some(before) => document.restore(before),
            None if self.restore(&mut document) => {}
            None => document.apply_package(view),
        }
        problems.into_iter().for_each(|problem| self.toasts.push(Kind::Warning, problem));
        document.search.bypass_cache = reloaded;
        document.opening_notes = notes;
        self.begin_symbols(&mut document);
        if let Some(tab) = self.tabs.get_mut(id) {
            tab.change = None;
            discard(std::mem::replace(&mut tab.content, TabContent::Open(Box::new(document))));
        }
    }

    /// Shows a case in a tab. A folder, or a single file, is listed as opened.
    fn show_case(&mut self, id: TabId, opened: OpenCase) {
        let OpenCase { case, timeline, bytes, stamps } = opened;
        let Some(tab) = self.tabs.get_mut(id) else { return };
        let given = match &tab.source {
            Source::Case(source) if source.paths.len() == 1 => source.paths.first().cloned(),
            source => source.path().map(PathBuf::from),
        };
        discard(std::mem::replace(
            &mut tab.content,
            TabContent::Case(Box::new(CaseView::new(id, case, timeline, stamps))),
        ));
        if let Some(path) = given {
            let settings = self.settings.edit();
            settings.folder = path.parent().filter(|folder| folder.to_str().is_some()).map(Into::into);
            settings.opened(&path, bytes, unix_s());
        }
    }

    /// Shows a piece of evidence on its own page, from what was read for the case.
    pub(super) fn open_evidence(&mut self, tab: TabId, piece: usize) {
        let Some(view) = self.tabs.get(tab).and_then(Tab::case) else { return };
        let Some(content) = view.case.pieces.get(piece).map(|piece| piece.content.clone()) else { return };
        self.wanted = None;
        match content {
            Content::Trace(content) => {
                let (source, stamp) = (Source::File(content.path.clone()), view.stamp(&content.path));
                let trace = Arc::clone(&content.trace);
                self.open_from_case(source, |app, id, source| {
                    app.show_trace(id, source, stamp, trace.into(), None, false)
                });
            }
            Content::Counters(content) => {
                let source = Source::File(content.path.clone());
                let Some(view) = self.tabs.get(tab).and_then(Tab::case).map(|view| view.of_piece(piece)) else {
                    return;
                };
                self.open_from_case(source, move |app, id, _| {
                    if let Some(tab) = app.tabs.get_mut(id) {
                        tab.content = TabContent::Case(Box::new(CaseView { tab: id, ..view }));
                    }
                });
            }
            Content::Snapshots(content) => self.show_listings(content.files.iter().cloned().map(Ok).collect()),
        }
    }

    /// Fills a new tab with `show`, unless a tab has the source already.
    fn open_from_case(&mut self, source: Source, show: impl FnOnce(&mut Self, TabId, Source)) {
        let id = match self.tabs.find(&source) {
            Some(id) if !matches!(self.tabs.get(id).map(|tab| &tab.content), Some(TabContent::Failed(_))) => id,
            found => {
                let id = found.unwrap_or_else(|| self.tabs.add(source.clone()));
                show(self, id, source);
                id
            }
        };
        self.tabs.activate(id);
    }

    /// Opens the traces of a folder, an archive, or several files, one by one.
    fn open_traces(&mut self, id: TabId, name: &str, inside: TracesInside) {
        self.close(id);
        let TracesInside { traces, notes, are_chosen } = inside;
        if are_chosen {
            traces.into_iter().for_each(|path| self.open(Source::File(path)));
            return notes.into_iter().for_each(|note| self.toasts.push(Kind::Info, note));
        }
        if traces.is_empty() {
            self.toasts.push(Kind::Warning, format!("{name} contains no traces, pool snapshots or performance logs"));
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
        // After the traces are opened, which clears messages.
        notes.iter().for_each(|note| self.toasts.push(Kind::Warning, note));
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
