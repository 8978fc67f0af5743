//! What stands in each tab: an open trace, a load that is under way, or why there is none; or the page about recording.

use std::collections::BTreeMap;

use eframe::egui::{Frame, Margin, Panel, Ui};

use super::tabs::{Content, Tab};
use crate::gui::command::Command;
use crate::gui::jobs::TabId;
use crate::gui::jobs::load::Source;
use crate::gui::state::document::{Document, Page};
use crate::gui::state::kit::Kit;
use crate::gui::state::recorder::Recorder;
use crate::gui::theme::Palette;
use crate::gui::views::loading::LoadingState;
use crate::gui::views::recording::{self, Suggestion};
use crate::gui::views::tabs::{Mark, Pages};
use crate::gui::views::{
    analysis, changed, dialogs, empty, failure, flame, headline, loading, modules, suspects, trace_page,
};

/// The pages of all tabs.
pub struct AllPages<'a> {
    /// What is in them.
    pub tabs: &'a mut BTreeMap<TabId, Tab>,
    /// Loads whose tabs are not in front, for the strip above an open trace.
    pub behind: Vec<LoadingState>,
    /// The tab that shows that strip.
    pub active: Option<TabId>,
    /// The page about recording.
    pub kit: KitPage<'a>,
}

/// The page about recording.
pub struct KitPage<'a> {
    /// Its tab, while it is open.
    pub tab: Option<TabId>,
    /// What is to be recorded.
    pub kit: &'a mut Kit,
    /// The recording on this machine.
    pub recorder: &'a mut Recorder,
    /// Tags of open traces that leak.
    pub suggested: Vec<Suggestion>,
}

impl Pages for AllPages<'_> {
    fn title(&self, tab: TabId) -> String {
        if self.kit.tab == Some(tab) {
            return "Recording".to_owned();
        }
        self.tabs.get(&tab).map(|tab| tab.source.name()).unwrap_or_default()
    }

    fn tip(&self, tab: TabId) -> String {
        if self.kit.tab == Some(tab) {
            return "How to record a trace, and the recording on this machine".to_owned();
        }
        match self.tabs.get(&tab).map(|tab| &tab.source) {
            Some(Source::File(path)) => path.display().to_string(),
            Some(Source::ThroughWindows(path)) => format!("{} (Windows' reader)", path.display()),
            Some(Source::Sample) => "The sample trace in the program".to_owned(),
            None => String::new(),
        }
    }

    fn mark(&self, tab: TabId) -> Option<Mark> {
        if self.kit.tab == Some(tab) {
            return self.kit.recorder.phase.is_recording().then_some(Mark::Recording);
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
        if self.kit.tab == Some(id) {
            let KitPage { kit, recorder, suggested, .. } = &mut self.kit;
            return recording::show(ui, kit, recorder, suggested, commands);
        }
        let Some(tab) = self.tabs.get_mut(&id) else { return };
        let name = tab.source.name();
        if let Some(load) = &tab.reload {
            let state = load.state(id, name.clone());
            strip(ui, "reload", |ui| loading::strip(ui, &state, commands));
        } else if let Some(change) = tab.change {
            strip(ui, "change", |ui| changed::strip(ui, id, &name, change, commands));
        }
        match &mut tab.content {
            Content::Open(document) => open_trace(ui, document, commands),
            Content::Loading(load) => loading::page(ui, &load.state(id, name), commands),
            Content::Failed(failure) => failure::page(ui, id, &tab.source, failure, commands),
        }
    }
}

fn open_trace(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    match document.page {
        Page::Trace => trace_page::show(ui, document, commands),
        Page::Modules => modules::show(ui, document, commands),
        Page::Suspects => suspects::show(ui, document, commands),
        Page::Flame => flame::show(ui, document, commands),
        Page::Analysis if document.has_allocations() => {
            headline::show(ui, document, commands);
            analysis::show(ui, document, commands);
        }
        Page::Analysis => empty::show(ui, document, commands),
    }
    dialogs::show(ui, document);
}

/// A line above a page.
fn strip(ui: &mut Ui, name: &str, draw: impl FnOnce(&mut Ui)) {
    let side = Frame::new().fill(Palette::of(ui).panel).inner_margin(Margin::symmetric(8, 4));
    Panel::top(name).frame(side).show(ui, draw);
}
