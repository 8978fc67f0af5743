//! States of the pages of an open trace, and the background work that pages ask for.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;

use super::{Document, Topic};
use crate::gui::jobs::document::PageJob;
use crate::gui::model::page_id::PageId;
use crate::gui::pages::{PAGES, page};

/// One state for each page, found by its type.
pub(in crate::gui) struct PageStates(BTreeMap<TypeId, Box<dyn Any + Send>>);

impl PageStates {
    /// The states of all pages as a trace opens.
    pub(in crate::gui) fn new() -> Self {
        let states = PAGES.iter().map(|page| page.new_state());
        Self(states.map(|state| (state.as_ref().type_id(), state)).collect())
    }

    /// The state of this type.
    ///
    /// # Panics
    /// When no page has such a state, which is an error in the program.
    pub(in crate::gui) fn state<T: 'static>(&self) -> &T {
        let state = self.0.get(&TypeId::of::<T>()).and_then(|state| state.downcast_ref());
        state.expect("every page's state is made with the document")
    }

    /// The state of this type, to be changed.
    ///
    /// # Panics
    /// As [`PageStates::state`].
    pub(in crate::gui) fn state_mut<T: 'static>(&mut self) -> &mut T {
        let state = self.0.get_mut(&TypeId::of::<T>()).and_then(|state| state.downcast_mut());
        state.expect("every page's state is made with the document")
    }
}

impl Document {
    /// State of a page, by its type.
    ///
    /// # Panics
    /// When no page has such a state, which is an error in the program.
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
        let from = std::mem::replace(&mut self.ui.page, id);
        if let Some(page) = page(id) {
            page.opened(self, from);
        }
    }

    /// Asks for the work of a page in the background; what is shown is drawn as outdated until the answer is there.
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
