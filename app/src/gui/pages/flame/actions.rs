//! The flame graph of a document: asks for merged stacks while the page is shown, applies them, and carries out the user's
//! actions on frames.

use crate::gui::model::page_id::PageId;
use std::sync::Arc;

use poolscope_analysis::filter::query::quoted;
use poolscope_analysis::flame::FlameTree;
use poolscope_analysis::pivot::{Key, RowPath};

use super::commands::FlameCommand as C;
use super::job::{
    Before, FlameAnswer, FlameFindRequest, FlameFound, FlameQuestion, FlameRequest, LocateRequest, LocatedFrame,
    PendingFrame,
};
use super::model::FlameColors;
use super::state::{FlameScope, ShownFlame};
use super::{FIND, LOCATE, MERGE};
use crate::gui::document::table_model::{node_id, row_id};
use crate::gui::document::{Document, Effect};
use crate::gui::model::presets::BuiltIn;

impl Document {
    /// The question as things stand.
    fn flame_question(&self) -> FlameQuestion {
        FlameQuestion {
            names: Arc::clone(&self.results.names),
            range: self.query.range,
            filter: Arc::clone(&self.query.filter),
            scope: self.flame().scope.as_ref().map(|scope| scope.place.clone()),
            weight: self.flame().look.weight(),
            merge: self.flame().look.merge(),
            zoom: self.flame().zoom_path(),
        }
    }

    /// Asks for merged stacks while the page is shown and shows others; for finer ones where the zoom asks for more.
    pub(in crate::gui) fn ask_for_flame(&mut self) {
        if self.ui.page != PageId::FLAME || !self.has_allocations() {
            return;
        }
        if self.flame().search.trim() != self.flame().searched {
            self.search_flame();
        }
        let question = self.flame_question();
        let asked = self.flame().asked.as_ref();
        let alike = asked.is_some_and(|asked| asked.is_alike(&question));
        let finer = self.flame().shown.as_ref().is_some_and(|shown| shown.tree.is_cut(self.flame().view.zoom()))
            && !question.zoom.is_empty()
            && asked.is_some_and(|asked| asked.zoom != question.zoom);
        if alike && (!finer || self.flame().broken) {
            return;
        }
        let only_names = asked.is_some_and(|asked| {
            FlameQuestion { names: Arc::clone(&asked.names), filter: Arc::clone(&asked.filter), ..question.clone() }
                .is_alike(asked)
                && asked.filter.steps() == question.filter.steps()
        });
        if alike || only_names {
            self.ask_page_quietly(PageId::FLAME, MERGE);
        } else {
            self.ask_page(PageId::FLAME, MERGE);
        }
    }

    pub(in crate::gui) fn flame_request(&mut self) -> FlameRequest {
        let question = self.flame_question();
        self.flame_mut().asked = Some(question.clone());
        let before = self.flame().shown.as_ref().map(|shown| Before {
            question: shown.question.clone(),
            tree: Arc::clone(&shown.tree),
            zoom: self.flame().view.zoom(),
        });
        FlameRequest { question, before }
    }

    pub(in crate::gui) fn apply_flame(&mut self, answer: FlameAnswer) {
        let FlameAnswer { question, asked_scope, tree, responsible, translation } = answer;
        if let Some(scope) = &mut self.flame_mut().scope
            && asked_scope.as_ref() == Some(&scope.place)
            && let Some(place) = &question.scope
        {
            scope.place.clone_from(place);
        }
        let colors = FlameColors(self.module_numbers());
        let shown = ShownFlame { number: 0, question: question.clone(), tree, colors, responsible };
        self.flame_mut().take(shown, translation.as_ref());
        self.flame_mut().asked = Some(question);
        self.search_flame();
    }

    /// Searches again after the text or the frames have changed.
    pub fn search_flame(&mut self) {
        let flame = self.flame_mut();
        flame.found = None;
        flame.searched = flame.search.trim().to_owned();
        if !self.flame().search.trim().is_empty() && self.flame().shown.is_some() {
            self.ask_page(PageId::FLAME, FIND);
        }
    }

    pub(in crate::gui) fn flame_find_request(&self) -> Option<FlameFindRequest> {
        let text = self.flame().search.trim().to_owned();
        let tree = Arc::clone(&self.flame().shown.as_ref()?.tree);
        (!text.is_empty()).then_some(FlameFindRequest { tree, text })
    }

    pub(in crate::gui) fn apply_flame_found(&mut self, found: FlameFound) {
        let is_shown = self.flame().shown.as_ref().is_some_and(|shown| Arc::ptr_eq(&shown.tree, &found.tree));
        if is_shown && self.flame().search.trim() == found.text {
            self.flame_mut().found = Some((found.text, found.weight));
        }
    }

    /// Carries out a command.
    pub(in crate::gui) fn run_flame(&mut self, command: C) {
        match command {
            C::OfRow => self.flame_of_row(),
            C::OfAll => {
                self.flame_mut().scope = None;
                self.show_page(PageId::FLAME);
            }
            C::Metric(weight) => self.flame_mut().look.set_weight(weight),
            C::Direction(merge) => self.flame_mut().look.set_merge(merge),
            C::RootAtTop(top) => self.flame_mut().look.root_at_top = top,
            C::ZoomIn => {
                if let Some(node) = self.flame().view.cursor() {
                    self.flame_mut().zoom_to(node);
                }
            }
            C::ZoomOut => {
                self.flame_mut().zoom_back();
            }
            C::FilterTo => {
                if let Some(frame) = self.flame_frame() {
                    self.push_query(&format!("stack:={}", quoted(&frame)));
                }
            }
            C::ShowInTable => self.show_frame_in_table(),
            C::CopyName => {
                let name = self.flame_cursor().map(|(tree, node)| tree.text(node).to_owned());
                self.copy_of_flame(name, "the name");
            }
            C::CopyStack => self.copy_of_flame(self.flame_stack_text(), "the stack path"),
        }
    }

    pub(in crate::gui) fn can_flame(&self, command: C) -> bool {
        match command {
            C::OfRow => self.shows_table() && self.ui.table.cursor().is_some(),
            C::OfAll => self.flame().scope.is_some(),
            C::Metric(_) | C::Direction(_) | C::RootAtTop(_) => true,
            C::ZoomIn => self.ui.page == PageId::FLAME && self.flame_cursor().is_some(),
            C::ZoomOut => self.ui.page == PageId::FLAME && self.flame().view.zoom() != FlameTree::ROOT,
            C::FilterTo | C::ShowInTable => self.ui.page == PageId::FLAME && self.flame_frame().is_some(),
            C::CopyName | C::CopyStack => self.ui.page == PageId::FLAME && self.flame_cursor().is_some(),
        }
    }

    pub(in crate::gui) fn flame_on(&self, command: C) -> Option<bool> {
        match command {
            C::Metric(weight) => Some(self.flame().look.weight() == weight),
            C::Direction(merge) => Some(self.flame().look.merge() == merge),
            C::RootAtTop(top) => Some(self.flame().look.root_at_top == top),
            _ => None,
        }
    }

    /// The selected frame.
    #[must_use]
    pub fn flame_cursor(&self) -> Option<(&FlameTree, u32)> {
        let node = self.flame().view.cursor()?;
        Some((&*self.flame().shown.as_ref()?.tree, node))
    }

    /// The text of the selected frame, if it is one of a stack.
    pub(in crate::gui) fn flame_frame(&self) -> Option<String> {
        let (tree, node) = self.flame_cursor()?;
        tree.is_frame(node).then(|| tree.text(node).to_owned())
    }

    /// The frames between the root and the selected one, the innermost first, as stacks are copied everywhere.
    fn flame_stack_text(&self) -> Option<String> {
        let (tree, node) = self.flame_cursor()?;
        let mut path = tree.path(node);
        if self.flame().look.merge() == poolscope_analysis::flame::FlameDirection::TopDown {
            path.reverse();
        }
        let lines: Vec<String> = path.iter().map(|text| self.with_source_line(text)).collect();
        Some(lines.join("\n")).filter(|text| !text.is_empty())
    }

    fn copy_of_flame(&mut self, text: Option<String>, what: &str) {
        if let Some(text) = text {
            self.effects.push(Effect::Copy(text));
            self.effects.push(Effect::Status(format!("Copied {what}")));
        }
    }

    /// The stacks of the row under the cursor of the table.
    fn flame_of_row(&mut self) {
        let (Some(rows), Some(id)) = (&self.results.rows, self.ui.table.cursor()) else { return };
        let place = RowPath::of(rows.flat().tree(), node_id(id));
        self.flame_mut().scope = Some(FlameScope { place, label: None });
        self.show_page(PageId::FLAME);
    }

    /// Goes to the row of the table that has most of the selected frame.
    fn show_frame_in_table(&mut self) {
        let Some((tree, node)) = self.flame_cursor() else { return };
        let Some(stacks) = tree.stacks().filter(|_| tree.is_frame(node)) else { return };
        let frames = stacks.frames(tree.shown(node)).into_iter().map(str::to_owned).collect();
        let scope = self.flame().scope.as_ref().map(|scope| scope.place.clone());
        self.flame_mut().goal = Some(PendingFrame { frames, scope });
        self.show_table();
        if !self.query.columns.keys().contains(&Key::Stack) {
            self.apply_built_in(BuiltIn::LeakHunt);
            // The frame leads on, not the largest row.
            self.ui.initial_reveal_done = true;
        }
        self.apply_pending_frame();
    }

    /// Looks for the row that is to be shown, as soon as there are the rows that lead to it.
    pub(in crate::gui) fn apply_pending_frame(&mut self) {
        if !self.awaits_table() && self.flame().goal.is_some() {
            self.ask_page(PageId::FLAME, LOCATE);
        }
    }

    pub(in crate::gui) fn locate_request(&self) -> Option<LocateRequest> {
        let pivot = Arc::clone(self.results.rows.as_ref()?.flat().tree().pivot());
        Some(LocateRequest { pivot, frame: self.flame().goal.clone()?, metric: self.flame().look.weight() })
    }

    /// Puts the cursor on the row that was to be shown.
    pub(in crate::gui) fn apply_located(&mut self, located: LocatedFrame) {
        let Some(rows) = &mut self.results.rows else { return };
        if !Arc::ptr_eq(rows.flat().tree().pivot(), &located.pivot) {
            // Other rows came meanwhile, and with them the next search.
            return;
        }
        let found = located.place.and_then(|place| rows.find_place(&place, &mut self.ui.expanded));
        self.flame_mut().goal = None;
        let Some(row) = found else {
            self.notify("No row of the table has this frame");
            return;
        };
        self.ui.table.select(row_id(row));
        self.ui.table.request_focus();
        self.remember_selection();
        self.ask_for_unknown();
    }
}
