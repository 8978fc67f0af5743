//! States of the pages of an open trace, and the background work that pages ask for.

use std::any::Any;
use std::collections::BTreeMap;

use super::{Document, Topic, Widgets};
use crate::gui::jobs::document::PageJob;
use crate::gui::model::page_id::PageId;
use crate::gui::pages::{PAGES, page};

/// State of a page. It is cloned for every frame in which the page is drawn: large parts are behind an `Arc`.
pub trait PageState: Any + Send {
    /// A copy of the state.
    fn duplicate(&self) -> Box<dyn PageState>;
}

impl<T: Any + Send + Clone> PageState for T {
    fn duplicate(&self) -> Box<dyn PageState> {
        Box::new(self.clone())
    }
}

/// The states of all pages.
pub(in crate::gui) struct PageStates(BTreeMap<PageId, Box<dyn PageState>>);

impl PageStates {
    /// The states of all pages as a trace opens.
    pub(in crate::gui) fn new() -> Self {
        Self(PAGES.iter().map(|page| (page.id(), page.new_state())).collect())
    }

    /// The state of this type.
    ///
    /// # Panics
    /// Panics if no page has such a state, which is an error in the program.
    pub(in crate::gui) fn state<T: 'static>(&self) -> &T {
        let state = self.0.values().find_map(|state| (&**state as &dyn Any).downcast_ref());
        state.expect("every page's state is made with the document")
    }

    /// The state of this type, to be changed.
    ///
    /// # Panics
    /// As [`PageStates::state`].
    pub(in crate::gui) fn state_mut<T: 'static>(&mut self) -> &mut T {
        let state = self.0.values_mut().find_map(|state| (&mut **state as &mut dyn Any).downcast_mut());
        state.expect("every page's state is made with the document")
    }
}

impl Document {
    /// A copy of the state of the widgets of the page in front and of the open dialog, to draw them with.
    #[must_use]
    pub fn widgets(&self) -> Widgets {
        Widgets {
            table: self.ui.table.clone(),
            graph: self.ui.graph.clone(),
            graph_share: self.ui.graph_share,
            query_box: self.ui.query_box.clone(),
            finder: self.ui.finder.clone(),
            dialog: self.ui.dialog.clone(),
            page: self.pages.0.get(&self.ui.page).map(|state| (self.ui.page, state.duplicate())),
        }
    }

    /// Takes the state of the widgets back after they were drawn.
    pub fn set_widgets(&mut self, widgets: Widgets) {
        let Widgets { table, graph, graph_share, query_box, finder, dialog, page } = widgets;
        self.ui.table = table;
        self.ui.graph = graph;
        self.ui.graph_share = graph_share;
        self.ui.query_box = query_box;
        self.ui.finder = finder;
        self.ui.dialog = dialog;
        self.pages.0.extend(page);
    }

    /// State of a page, by its type.
    ///
    /// # Panics
    /// Panics if no page has such a state, which is an error in the program.
    #[must_use]
    pub fn page_state<T: 'static>(&self) -> &T {
        self.pages.state()
    }

    /// State of a page, to be changed.
    ///
    /// # Panics
    /// As [`Document::page_state`].
    pub fn page_state_mut<T: 'static>(&mut self) -> &mut T {
        self.pages.state_mut()
    }

    /// Brings a page to the front.
    pub fn show_page(&mut self, id: PageId) {
        let before = &mut self.ui.pages_before;
        let from = self.ui.page;
        before.retain(|page| *page != from && *page != id && id != PageId::ANALYSIS);
        if from != id && ![from, id].contains(&PageId::ANALYSIS) {
            before.push(from);
        }
        self.turn_to(id);
    }

    /// Brings the page to the front that was there before.
    pub(in crate::gui) fn go_back(&mut self) {
        let to = self.back_page();
        self.ui.pages_before.pop();
        self.turn_to(to);
    }

    fn turn_to(&mut self, id: PageId) {
        let from = std::mem::replace(&mut self.ui.page, id);
        if let Some(page) = page(id) {
            page.opened(self, from);
        }
    }

    /// The page that Back leads to: the one that was in front before, and at last the Analysis page.
    #[must_use]
    pub fn back_page(&self) -> PageId {
        self.ui.pages_before.last().copied().unwrap_or_default()
    }

    /// Asks for the work of a page in the background; its results are drawn as outdated until the answer arrives.
    pub fn ask_page(&mut self, page: PageId, job: &'static str) {
        let topic = Topic::Page(PageJob { page, job });
        self.work.unnoticed.remove(&topic);
        self.work.asked.insert(topic);
    }

    /// The same where the answer will look like what is shown.
    pub fn ask_page_quietly(&mut self, page: PageId, job: &'static str) {
        let topic = Topic::Page(PageJob { page, job });
        self.work.unnoticed.insert(topic);
        self.work.asked.insert(topic);
    }

    /// Returns whether the work of a page is under way.
    #[must_use]
    pub fn is_page_waiting(&self, page: PageId, job: &'static str) -> bool {
        self.work.running.contains(&Topic::Page(PageJob { page, job }))
    }

    /// Returns whether the work of a page is under way and will change what is shown.
    #[must_use]
    pub fn awaits_page(&self, page: PageId, job: &'static str) -> bool {
        self.waits(Topic::Page(PageJob { page, job }))
    }

    /// Returns whether other rows are on their way into the table.
    #[must_use]
    pub(in crate::gui) fn awaits_table(&self) -> bool {
        self.work.asked.contains(&Topic::Table) || self.work.running.contains(&Topic::Table)
    }
}
