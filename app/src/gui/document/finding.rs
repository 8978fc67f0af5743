//! Finding and filtering in a document: the search through the rows, the steps of the filter, the query box.

use std::sync::Arc;

use poolscope_analysis::filter::{Field, complete};
use poolscope_analysis::group::key::Key;

use super::{Document, Topic};
use crate::gui::document::table_model::row_id;
use crate::gui::jobs::find::{FindAnswer, FindRequest};
use crate::gui::model::edit_log::Edit;
use crate::gui::model::filter::Step;
use crate::memory;

impl Document {
    /// Opens the find bar, or gives it the keyboard.
    pub fn open_find(&mut self) {
        self.ui.finder.open = true;
        self.ui.finder.wants_focus = true;
        self.search_again();
        self.recolor_rows();
    }

    /// Closes the find bar.
    pub fn close_find(&mut self) {
        self.ui.finder.open = false;
        self.ui.finder.clear();
        self.ui.table.request_focus();
        self.recolor_rows();
    }

    /// Searches again after the text of the search was changed.
    pub fn search_changed(&mut self) {
        self.ui.finder.clear();
        self.search_again();
        self.recolor_rows();
    }

    /// Looks again, after the rows or the text changed.
    pub(in crate::gui) fn search_again(&mut self) {
        if self.ui.finder.open && !self.ui.finder.text.is_empty() {
            self.work.asked.insert(Topic::Find);
        }
    }

    pub(in crate::gui) fn find_request(&self) -> Option<FindRequest> {
        Some(FindRequest {
            pivot: Arc::clone(self.results.rows.as_ref()?.flat().tree().pivot()),
            sort: self.order(),
            text: self.ui.finder.text.clone(),
            case_sensitive: self.ui.finder.case_sensitive,
        })
    }

    pub(in crate::gui) fn apply_found(&mut self, answer: FindAnswer) {
        let fits =
            |rows: &crate::gui::document::table_model::Rows| Arc::ptr_eq(rows.flat().tree().pivot(), &answer.pivot);
        if self.results.rows.as_ref().is_some_and(fits) {
            self.ui.finder.take(answer.found.matches, answer.found.total);
            if let Some(forward) = self.ui.pending_find_step.take() {
                self.find_step(forward);
            }
        }
    }

    /// Goes to the next match or the one before, opening what hides it.
    pub fn find_step(&mut self, forward: bool) {
        if !self.ui.finder.open {
            // The search before goes on; the keys stay with the table.
            self.ui.finder.open = true;
            self.search_again();
            self.recolor_rows();
        }
        if self.waits(Topic::Find) || self.work.asked.contains(&Topic::Find) {
            self.ui.pending_find_step = Some(forward);
            return;
        }
        let Some(steps) = self.ui.finder.step(forward) else { return };
        let Some(rows) = &mut self.results.rows else { return };
        let Some(node) = rows.flat_mut().walk_to(&steps) else { return };
        rows.flat_mut().show(node, &mut self.ui.expanded);
        self.ui.table.select(row_id(node));
        self.remember_selection();
        self.ask_for_unknown();
    }

    /// Shows only the selected rows, or all but them.
    pub fn filter_selection(&mut self, keep: bool) {
        let places = self.selected_places();
        if !places.is_empty() {
            self.push_step(if keep { Step::To(places) } else { Step::Out(places) });
            self.filter_changed();
        }
    }

    /// Takes one step back in the filter's history, or forward again, as a part of an undo.
    pub(in crate::gui) fn filter_history(&mut self, back: bool) {
        let (history, filter) = (&mut self.ui.filter_history, &mut self.query.filter);
        let moved = if back { history.undo(filter) } else { history.redo(filter) };
        if moved {
            self.filter_changed();
        }
    }

    /// Shows all rows again.
    pub fn clear_filter(&mut self) {
        if !self.query.filter.steps().is_empty() {
            self.set_steps(Vec::new());
            self.filter_changed();
        }
    }

    /// Takes one step of the filter away.
    pub fn remove_step(&mut self, at: usize) {
        let mut steps = self.query.filter.steps().to_vec();
        if at < steps.len() {
            steps.remove(at);
            self.set_steps(steps);
        }
        self.filter_changed();
    }

    /// Narrows by a query.
    pub fn push_query(&mut self, text: &str) {
        match text.parse() {
            Ok(query) => {
                self.push_step(Step::Query(query));
                self.filter_changed();
            }
            Err(error) => self.notify(format!("The query is not valid: {error}")),
        }
    }

    /// Changes the steps of the filter; the ones before can be brought back.
    pub(in crate::gui) fn set_steps(&mut self, steps: Vec<Step>) {
        self.note_edit(Edit::Filter);
        self.set_steps_unnoted(steps);
    }

    /// The same as a part of a change that is noted already.
    pub(in crate::gui) fn set_steps_unnoted(&mut self, steps: Vec<Step>) {
        self.ui.filter_history.set(&mut self.query.filter, steps);
    }

    /// Narrows by one more step.
    pub(in crate::gui) fn push_step(&mut self, step: Step) {
        let mut steps = self.query.filter.steps().to_vec();
        steps.push(step);
        self.set_steps(steps);
    }

    /// Table, curves and sums no longer show what the filter leaves.
    pub(in crate::gui) fn filter_changed(&mut self) {
        self.work.unnoticed.clear();
        self.results.totals = None;
        if self.ui.graph.selection().is_some() {
            self.work.asked.insert(Topic::Totals);
        }
        self.ask_outdated();
    }

    /// Takes what is written in the query box as a step of the filter; an error stays in the box.
    pub fn enter_query(&mut self) {
        let Some(query) = self.ui.query_box.parse() else { return };
        if query.asks(Field::Key(Key::Address)) && !self.trace.allocations.has_addresses() {
            self.ui.query_box.error = Some((0..self.ui.query_box.text.len(), memory::ADDRESSES_LEFT_OUT.to_owned()));
            return;
        }
        let changed = self.ui.query_box.editing.take().map(Step::Query);
        let place = self.query.filter.steps().iter().position(|step| Some(step) == changed.as_ref());
        match place {
            Some(at) => {
                let mut steps = self.query.filter.steps().to_vec();
                if let Some(step) = steps.get_mut(at) {
                    *step = Step::Query(query);
                }
                self.set_steps(steps);
            }
            None => self.push_step(Step::Query(query)),
        }
        self.leave_query();
        self.filter_changed();
    }

    /// Puts a query step into the box, to change it; it goes on to hold until another is entered.
    pub fn edit_step(&mut self, at: usize) {
        if let Some(Step::Query(query)) = self.query.filter.steps().get(at) {
            self.ui.query_box.text = query.to_string();
            self.ui.query_box.editing = Some(query.clone());
            self.ui.query_box.wants_focus = true;
        }
    }

    /// Returns whether a field takes the keys in the next frame.
    #[must_use]
    pub fn awaits_keys(&self) -> bool {
        self.ui.query_box.wants_focus || self.ui.finder.wants_focus
    }

    /// Empties the query box and gives the keys back to the table.
    pub fn leave_query(&mut self) {
        self.ui.query_box.text.clear();
        self.ui.query_box.error = None;
        self.ui.query_box.completions = None;
        self.ui.query_box.editing = None;
        self.ui.table.request_focus();
    }

    /// Looks up completions of the query at the cursor, a position in bytes.
    pub fn complete_query(&mut self, cursor: usize) {
        if !self.ui.query_box.asked {
            self.ui.query_box.asked = true;
            self.work.asked.insert(Topic::Completion);
        }
        self.ui.query_box.completions = None;
        self.ui.query_box.awaited = !self.ui.query_box.is_prepared;
        if self.ui.query_box.is_prepared {
            let found = complete(&self.ui.query_box.text, cursor, &self.results.names);
            self.ui.query_box.completions = (!found.items.is_empty()).then_some(found);
        }
        self.ui.query_box.chosen = None;
        self.ui.query_box.parse();
    }

    /// Shows everything that was allocated through the function of the selected row, from its callers down to it.
    pub fn find_callers(&mut self) {
        let Some(frame) = self.cursor_frame() else { return };
        let quoted = poolscope_analysis::filter::query::quoted(&frame);
        self.push_query(&format!("stack:={quoted}"));
        self.ui.finder.text = frame;
        self.open_find();
        self.ui.pending_find_step = Some(true);
    }

    /// The function under the cursor, if it is in a stack.
    #[must_use]
    pub fn cursor_frame(&self) -> Option<String> {
        let tree = self.results.rows.as_ref()?.flat().tree();
        let node = crate::gui::document::table_model::node_id(self.ui.table.cursor()?);
        let is_frame = matches!(tree.step(node), poolscope_analysis::pivot::TreeStep::Frame { frame, .. } if frame > 0);
        is_frame.then(|| tree.label(node).into_owned())
    }

    /// State of the search through the rows.
    #[must_use]
    pub fn find_state(&self) -> FindState {
        let total = self.ui.finder.total();
        match self.ui.finder.number() {
            _ if self.ui.finder.text.is_empty() => FindState::Nothing,
            _ if self.waits(Topic::Find) => FindState::Searching,
            _ if total == 0 => FindState::NoMatch,
            number => FindState::Matches { total, number },
        }
    }
}

/// State of the search through the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindState {
    /// No text is looked for.
    Nothing,
    /// The search is under way.
    Searching,
    /// No row has the text.
    NoMatch,
    /// Some rows have it.
    Matches {
        /// Number of rows.
        total: u64,
        /// The one under the cursor, from 1.
        number: Option<usize>,
    },
}
