//! The traces side by side, and pages without a trace among them: which tabs there are, what is in each, in what order and
//! places, and which one menus, panels and keys are about. It draws nothing and loads nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use eframe::egui;
use egui_tiles::{Container, Tile, TileId, Tree};
use poolscope_base::progress::Progress;

use crate::gui::document::Document;
use crate::gui::jobs::TabId;
use crate::gui::jobs::case::CurrentFile;
use crate::gui::jobs::load::{Failure, Source};
use crate::gui::jobs::watch::Change;
use crate::gui::model::case::CaseView;
use crate::gui::model::page_id::PageId;
use crate::gui::shell::loading::LoadingState;

/// A load that is under way.
pub struct Loading {
    /// Progress of the loader.
    pub progress: Arc<Progress>,
    /// File of a case that is being read.
    pub file: Arc<CurrentFile>,
    /// Start time.
    pub began: Instant,
}

impl Loading {
    /// A load that begins now.
    #[must_use]
    pub fn begin() -> Self {
        Self { progress: Arc::default(), file: Arc::default(), began: Instant::now() }
    }

    /// Progress of the load, for the views; `name` is the trace's.
    #[must_use]
    pub fn state(&self, tab: TabId, name: String) -> LoadingState {
        let elapsed_s = self.began.elapsed().as_secs_f64();
        LoadingState { tab, name, file: self.file.text(), reading: self.progress.read(), elapsed_s }
    }
}

/// Content of a tab.
pub enum Content {
    /// A load that is under way.
    Loading(Loading),
    /// An open trace.
    Open(Box<Document>),
    /// An open case, or a piece of its evidence.
    Case(Box<CaseView>),
    /// Reason why there is no trace.
    Failed(Failure),
}

/// The tab of a trace.
pub struct Tab {
    /// Source of its trace: the file by its normalized path, once that is known.
    pub source: Source,
    /// Source as it was asked for.
    pub asked: Source,
    /// Its content.
    pub content: Content,
    /// The load that shall replace an open trace.
    pub reload: Option<Loading>,
    /// Change of the file since it was read.
    pub change: Option<Change>,
    /// True if anything was done with it since everything was reset.
    pub since_reset: SinceReset,
}

/// True if anything was done with a trace since everything was reset: until then there is nothing to remember of it.
#[derive(Default)]
pub enum SinceReset {
    /// Something was, or nothing was ever reset.
    #[default]
    Used,
    /// It is not shown yet.
    Begins,
    /// It is shown as at first: this is what would be remembered of it.
    Untouched(serde_json::Value),
}

impl Tab {
    /// The open trace.
    #[must_use]
    pub fn document(&self) -> Option<&Document> {
        match &self.content {
            Content::Open(document) => Some(document),
            _ => None,
        }
    }

    /// The open case.
    #[must_use]
    pub fn case(&self) -> Option<&CaseView> {
        match &self.content {
            Content::Case(case) => Some(case),
            _ => None,
        }
    }

    /// The open trace, to be changed.
    pub fn document_mut(&mut self) -> Option<&mut Document> {
        match &mut self.content {
            Content::Open(document) => Some(document),
            _ => None,
        }
    }

    /// The load that is under way.
    #[must_use]
    pub fn loading(&self) -> Option<&Loading> {
        match &self.content {
            Content::Loading(loading) => Some(loading),
            _ => self.reload.as_ref(),
        }
    }
}

/// All tabs.
pub struct Tabs {
    /// Arrangement on the screen.
    pub tree: Tree<TabId>,
    tabs: BTreeMap<TabId, Tab>,
    /// Tabs of pages that need no trace: one at most for each page.
    pages: BTreeMap<TabId, PageId>,
    active: Option<TabId>,
    next: u64,
}

impl Default for Tabs {
    fn default() -> Self {
        Self {
            tree: Tree::empty(egui::Id::unique("traces")),
            tabs: BTreeMap::new(),
            pages: BTreeMap::new(),
            active: None,
            next: 0,
        }
    }
}

impl Tabs {
    /// Adds a tab that loads, beside the active one. It comes to the front unless the active tab has an open trace.
    pub fn add(&mut self, source: Source) -> TabId {
        let in_front = self.document().is_none();
        let id = self.add_tile();
        self.tabs.insert(
            id,
            Tab {
                asked: source.clone(),
                source,
                content: Content::Loading(Loading::begin()),
                reload: None,
                change: None,
                since_reset: SinceReset::default(),
            },
        );
        if in_front {
            self.activate(id);
        }
        id
    }

    /// Brings a page that needs no trace to the front, in a tab of its own that is made if it does not exist.
    pub fn show_page(&mut self, page: PageId) {
        let open = self.pages.iter().find(|(_, open)| **open == page).map(|(tab, _)| *tab);
        let id = match open {
            Some(id) => id,
            None => self.add_tile(),
        };
        self.pages.insert(id, page);
        self.activate(id);
    }

    /// A place beside the active tab.
    fn add_tile(&mut self) -> TabId {
        let id = TabId(self.next);
        self.next += 1;
        let home = self.active.and_then(|active| self.tile(active)).and_then(|tile| self.tree.tiles.parent_of(tile));
        let tile = self.tree.tiles.insert_pane(id);
        match home.or(self.tree.root).and_then(|home| self.tree.tiles.get_mut(home)) {
            Some(Tile::Container(container)) => container.add_child(tile),
            _ => self.tree.root = Some(self.tree.tiles.insert_tab_tile(vec![tile])),
        }
        id
    }

    /// Takes a tab away; the one after it, or else the one before, takes its place.
    pub fn close(&mut self, id: TabId) -> Option<Tab> {
        let order = self.order();
        if let Some(tile) = self.tile(id) {
            self.tree.remove_recursively(tile);
        }
        if order.len() <= 1 {
            self.tree.root = None;
        }
        self.pages.remove(&id);
        let closed = self.tabs.remove(&id);
        if self.active == Some(id) {
            self.active = None;
            let at = order.iter().position(|other| *other == id);
            let heir = at.and_then(|at| order.get(at + 1).or_else(|| order.get(at.checked_sub(1)?)));
            if let Some(heir) = heir.copied() {
                self.activate(heir);
            }
        }
        closed
    }

    /// Brings a tab to the front.
    pub fn activate(&mut self, id: TabId) {
        if self.holds(id) {
            self.active = Some(id);
            self.tree.make_active(|_, tile| matches!(tile, Tile::Pane(pane) if *pane == id));
        }
    }

    /// The user looks at this tab, which is in front already.
    pub fn touch(&mut self, id: TabId) {
        if self.holds(id) {
            self.active = Some(id);
        }
    }

    fn holds(&self, id: TabId) -> bool {
        self.tabs.contains_key(&id) || self.pages.contains_key(&id)
    }

    /// Brings the next tab to the front, or the one before.
    pub fn cycle(&mut self, forward: bool) {
        let order = self.order();
        let at = self.active.and_then(|active| order.iter().position(|id| *id == active));
        let (Some(at), count) = (at, order.len()) else { return };
        let to = if forward { (at + 1) % count } else { (at + count - 1) % count };
        self.activate(order[to]);
    }

    /// After a tab was dragged or hidden behind another: the active one is one that can be seen.
    pub fn settle(&mut self) {
        let seen: Vec<TabId> =
            self.tree.active_tiles().iter().filter_map(|tile| self.tree.tiles.get_pane(tile).copied()).collect();
        if self.active.is_none_or(|active| !seen.contains(&active)) && !seen.is_empty() {
            self.active = self.order().into_iter().find(|id| seen.contains(id));
        }
    }

    /// The tabs from left to right and from top to bottom.
    #[must_use]
    pub fn order(&self) -> Vec<TabId> {
        let mut order = Vec::new();
        let mut open: Vec<TileId> = self.tree.root.into_iter().collect();
        while let Some(tile) = open.pop() {
            match self.tree.tiles.get(tile) {
                Some(Tile::Pane(id)) => order.push(*id),
                Some(Tile::Container(container)) => open.extend(children(container).into_iter().rev()),
                None => {}
            }
        }
        order
    }

    /// The tab that menus, panels and keys are about.
    #[must_use]
    pub fn active(&self) -> Option<TabId> {
        self.active
    }

    /// The page that needs no trace in a tab.
    #[must_use]
    pub fn page(&self, tab: TabId) -> Option<PageId> {
        self.pages.get(&tab).copied()
    }

    /// The page in front, if it is one that needs no trace.
    #[must_use]
    pub fn page_in_front(&self) -> Option<PageId> {
        self.page(self.active?)
    }

    /// Returns whether the page about recording is in front.
    #[must_use]
    pub fn is_recording_in_front(&self) -> bool {
        self.page_in_front() == Some(PageId::RECORDING)
    }

    /// The tab in front, if it is a trace's.
    #[must_use]
    pub fn active_tab(&self) -> Option<&Tab> {
        self.tabs.get(&self.active?)
    }

    /// The trace in front.
    #[must_use]
    pub fn document(&self) -> Option<&Document> {
        self.active_tab()?.document()
    }

    /// The trace in front, to be changed.
    pub fn document_mut(&mut self) -> Option<&mut Document> {
        self.tabs.get_mut(&self.active?)?.document_mut()
    }

    /// A tab.
    #[must_use]
    pub fn get(&self, id: TabId) -> Option<&Tab> {
        self.tabs.get(&id)
    }

    /// A tab, to be changed.
    pub fn get_mut(&mut self, id: TabId) -> Option<&mut Tab> {
        self.tabs.get_mut(&id)
    }

    /// The tabs of all traces, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (TabId, &Tab)> {
        self.tabs.iter().map(|(id, tab)| (*id, tab))
    }

    /// The tabs of all traces to be changed, the oldest first.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (TabId, &mut Tab)> {
        self.tabs.iter_mut().map(|(id, tab)| (*id, tab))
    }

    /// Arrangement on the screen, the tabs of traces, and the pages without one.
    pub fn parts(&mut self) -> (&mut Tree<TabId>, &mut BTreeMap<TabId, Tab>, &BTreeMap<TabId, PageId>) {
        (&mut self.tree, &mut self.tabs, &self.pages)
    }

    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Number of tabs, with those of pages that need no trace.
    #[must_use]
    pub fn count(&self) -> usize {
        self.tabs.len() + self.pages.len()
    }

    /// The tab of a source, by its name or as it was asked for. The reader of a file makes no difference.
    #[must_use]
    pub fn find(&self, source: &Source) -> Option<TabId> {
        let is_it = |tab: &Tab| [&tab.source, &tab.asked].iter().any(|own| own.is_same(source));
        self.iter().find(|(_, tab)| is_it(tab)).map(|(id, _)| id)
    }

    fn tile(&self, id: TabId) -> Option<TileId> {
        self.tree.tiles.find_pane(&id)
    }
}

fn children(container: &Container) -> Vec<TileId> {
    container.children().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> (Tabs, [TabId; 3]) {
        let mut tabs = Tabs::default();
        let ids = ["a", "b", "c"].map(|name| tabs.add(Source::File(name.into())));
        (tabs, ids)
    }

    #[test]
    fn they_stand_in_the_order_they_came() {
        let (mut tabs, [a, b, c]) = three();
        assert_eq!(tabs.order(), [a, b, c]);
        tabs.activate(a);
        tabs.cycle(true);
        assert_eq!(tabs.active(), Some(b));
        tabs.cycle(false);
        tabs.cycle(false);
        assert_eq!(tabs.active(), Some(c), "round");
        assert_eq!(tabs.find(&Source::File("b".into())), Some(b));
        assert_eq!(tabs.find(&Source::ThroughWindows("c".into())), Some(c), "with either reader");
        assert_eq!(tabs.find(&Source::Sample), None);
    }

    #[test]
    fn the_page_about_recording_is_one_of_them_without_a_trace() {
        let mut tabs = Tabs::default();
        tabs.show_page(PageId::RECORDING);
        let recording = tabs.active().expect("it is there");
        assert!(tabs.is_recording_in_front() && !tabs.is_empty() && tabs.active_tab().is_none());
        let a = tabs.add(Source::Sample);
        assert_eq!((tabs.order(), tabs.active()), (vec![recording, a], Some(a)));
        tabs.show_page(PageId::RECORDING);
        assert_eq!((tabs.order(), tabs.count()), (vec![recording, a], 2), "there is only one");
        assert!(tabs.close(recording).is_none());
        assert_eq!((tabs.active(), tabs.page(recording)), (Some(a), None));
        tabs.close(a);
        tabs.show_page(PageId::RECORDING);
        let new = tabs.active().expect("a new one");
        assert_eq!((tabs.order(), tabs.page_in_front()), (vec![new], Some(PageId::RECORDING)));
    }

    #[test]
    fn a_neighbour_takes_the_place_of_a_closed_one() {
        let (mut tabs, [a, b, c]) = three();
        tabs.activate(b);
        tabs.close(b);
        assert_eq!((tabs.active(), tabs.order()), (Some(c), vec![a, c]));
        tabs.close(c);
        assert_eq!(tabs.active(), Some(a));
        tabs.close(a);
        assert!(tabs.is_empty() && tabs.active().is_none() && tabs.order().is_empty());
        let d = tabs.add(Source::Sample);
        assert_eq!((tabs.active(), tabs.order()), (Some(d), vec![d]), "numbers are not used twice");
        assert!(d > c);
    }
}
