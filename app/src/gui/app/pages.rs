//! Content of each tab: an open trace, a load that is under way, an error, or a page that needs no trace.

use std::collections::BTreeMap;

use eframe::egui::{Frame, Margin, Panel, Ui};

use super::tabs::{Content, Tab};
use crate::gui::commands::Command;
use crate::gui::dialogs;
use crate::gui::document::Document;
use crate::gui::jobs::TabId;
use crate::gui::jobs::load::Source;
use crate::gui::model::page_id::PageId;
use crate::gui::pages::{PAGES, WindowPage, WindowState, page, window_page};
use crate::gui::shell::loading::LoadingState;
use crate::gui::shell::tabs::{Mark, Pages};
use crate::gui::shell::{file_changed, load_failure, loading};
use crate::gui::theme::Palette;

/// The pages of all tabs.
pub struct AllPages<'a> {
    /// Tabs of traces.
    pub tabs: &'a mut BTreeMap<TabId, Tab>,
    /// Loads whose tabs are not in front, for the strip above an open trace.
    pub behind: Vec<LoadingState>,
    /// The tab that shows that strip.
    pub active: Option<TabId>,
    /// Tabs of pages that need no trace.
    pub pages: &'a BTreeMap<TabId, PageId>,
    /// State of the window that these pages draw from.
    pub window: WindowState<'a>,
}

impl AllPages<'_> {
    fn window_page(&self, tab: TabId) -> Option<&'static dyn WindowPage> {
        window_page(*self.pages.get(&tab)?)
    }
}

impl Pages for AllPages<'_> {
    fn title(&self, tab: TabId) -> String {
        if let Some(page) = self.window_page(tab) {
            return page.title().to_owned();
        }
        self.tabs.get(&tab).map(|tab| tab.source.name()).unwrap_or_default()
    }

    fn tip(&self, tab: TabId) -> String {
        if let Some(page) = self.window_page(tab) {
            return page.tip().to_owned();
        }
        match self.tabs.get(&tab).map(|tab| &tab.source) {
            Some(Source::File(path)) => path.display().to_string(),
            Some(Source::ThroughWindows(path)) => format!("{} (reader of Windows)", path.display()),
            Some(Source::Sample) => "Built-in sample trace".to_owned(),
            Some(Source::Case(source)) => {
                let paths: Vec<String> = source.paths.iter().map(|path| path.display().to_string()).collect();
                paths.join("\n")
            }
            None => String::new(),
        }
    }

    fn mark(&self, tab: TabId) -> Option<Mark> {
        if let Some(page) = self.window_page(tab) {
            return page.mark(&self.window);
        }
        match &self.tabs.get(&tab)?.content {
            Content::Loading(load) => Some(Mark::Loading(load.state(tab, String::new()).share())),
            Content::Failed(_) => Some(Mark::Failed),
            Content::Case(_) => None,
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
        if let Some(page) = self.window_page(id) {
            return page.show(ui, &mut self.window, commands);
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
            Content::Case(case) => {
                let WindowState { recent, missing, suggested, .. } = self.window;
                let (setup, recorder) = (&mut *self.window.setup, &mut *self.window.recorder);
                let mut window = WindowState { recent, missing, setup, recorder, suggested, case: Some(case) };
                window_page(PageId::CASE).into_iter().for_each(|page| page.show(ui, &mut window, commands));
            }
        }
    }
}

fn open_trace(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    let mut widgets = document.widgets();
    if let Some(page) = page(document.ui.page) {
        if page.has_banners() {
            PAGES.iter().for_each(|page| page.show_banner(ui, document, commands));
        }
        page.show(ui, document, &mut widgets, commands);
    }
    dialogs::show(ui, document, &mut widgets.dialog, commands);
    document.set_widgets(widgets);
}

/// A line above a page.
fn strip(ui: &mut Ui, name: &str, draw: impl FnOnce(&mut Ui)) {
    let side = Frame::new().fill(Palette::of(ui).panel).inner_margin(Margin::symmetric(8, 4));
    Panel::top(name).frame(side).show(ui, draw);
}
