//! Content of each tab: an open trace, a load that is under way, an error, or the recording page.

use std::collections::BTreeMap;

use eframe::egui::{Frame, Margin, Panel, Ui};

use super::tabs::{Content, Tab};
use crate::gui::commands::Command;
use crate::gui::dialogs;
use crate::gui::document::Document;
use crate::gui::jobs::TabId;
use crate::gui::jobs::load::Source;
use crate::gui::pages::page;
use crate::gui::pages::recording;
use crate::gui::pages::recording::Suggestion;
use crate::gui::pages::recording::recorder::Recorder;
use crate::gui::pages::recording::setup::RecordingSetup;
use crate::gui::shell::loading::LoadingState;
use crate::gui::shell::tabs::{Mark, Pages};
use crate::gui::shell::{file_changed, load_failure, loading, summary_banner};
use crate::gui::theme::Palette;

/// The pages of all tabs.
pub struct AllPages<'a> {
    /// Tabs of traces.
    pub tabs: &'a mut BTreeMap<TabId, Tab>,
    /// Loads whose tabs are not in front, for the strip above an open trace.
    pub behind: Vec<LoadingState>,
    /// The tab that shows that strip.
    pub active: Option<TabId>,
    /// The page about recording.
    pub recording: RecordingTab<'a>,
}

/// The page about recording.
pub struct RecordingTab<'a> {
    /// Its tab, while it is open.
    pub tab: Option<TabId>,
    /// Settings of the recording page.
    pub setup: &'a mut RecordingSetup,
    /// The recording on this machine.
    pub recorder: &'a mut Recorder,
    /// Tags of open traces that leak.
    pub suggested: Vec<Suggestion>,
}

impl Pages for AllPages<'_> {
    fn title(&self, tab: TabId) -> String {
        if self.recording.tab == Some(tab) {
            return "Recording".to_owned();
        }
        self.tabs.get(&tab).map(|tab| tab.source.name()).unwrap_or_default()
    }

    fn tip(&self, tab: TabId) -> String {
        if self.recording.tab == Some(tab) {
            return "Set up a recording, or record on this machine".to_owned();
        }
        match self.tabs.get(&tab).map(|tab| &tab.source) {
            Some(Source::File(path)) => path.display().to_string(),
            Some(Source::ThroughWindows(path)) => format!("{} (reader of Windows)", path.display()),
            Some(Source::Sample) => "Built-in sample trace".to_owned(),
            None => String::new(),
        }
    }

    fn mark(&self, tab: TabId) -> Option<Mark> {
        if self.recording.tab == Some(tab) {
            return self.recording.recorder.phase.is_recording().then_some(Mark::Recording);
        }
        match &self.tabs.get(&tab)?.content {
            Content::Loading(load) => Some(Mark::Loading(load.state(tab, String::new()).share())),
            Content::Failed(_) => Some(Mark::Failed),
            Content::Open(_) => self.tabs.get(&tab)?.change.map(|_| Mark::Changed),
        }
    }

    fn page(&mut self, ui: &mut Ui, id: TabId, commands: &mut Vec<Command>) {
        if self.active == Some(id) && !self.behind.is_empty() {
            strip(ui, "loading", |ui| {
                for state in &self.behind {
                    loading::strip(ui, state, commands);
                }
            });
        }
        if self.recording.tab == Some(id) {
            let RecordingTab { setup, recorder, suggested, .. } = &mut self.recording;
            return recording::show(ui, setup, recorder, suggested, commands);
        }
        let Some(tab) = self.tabs.get_mut(&id) else { return };
        let name = tab.source.name();
        if let Some(load) = &tab.reload {
            let state = load.state(id, name.clone());
            strip(ui, "reload", |ui| loading::strip(ui, &state, commands));
        } else if let Some(change) = tab.change {
            strip(ui, "change", |ui| file_changed::strip(ui, id, &name, change, commands));
        }
        match &mut tab.content {
            Content::Open(document) => open_trace(ui, document, commands),
            Content::Loading(load) => loading::page(ui, &load.state(id, name), commands),
            Content::Failed(failure) => load_failure::page(ui, id, &tab.source, failure, commands),
        }
    }
}

fn open_trace(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    if let Some(page) = page(document.ui.page) {
        if page.has_summary_banner() {
            summary_banner::show(ui, document, commands);
        }
        page.show(ui, document, commands);
    }
    dialogs::show(ui, document);
}

/// A line above a page.
fn strip(ui: &mut Ui, name: &str, draw: impl FnOnce(&mut Ui)) {
    let side = Frame::new().fill(Palette::of(ui).panel).inner_margin(Margin::symmetric(8, 4));
    Panel::top(name).frame(side).show(ui, draw);
}
