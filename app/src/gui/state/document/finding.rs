//! Finding and filtering in a document: the search through the rows, the steps of the filter, the query box.

use std::sync::Arc;

use poolscope_analysis::filter::complete;

use super::{Document, Topic};
use crate::format;
use crate::gui::jobs::find::{FindAnswer, FindRequest};
use crate::gui::state::filter::Step;
use crate::gui::state::rows::row_id;

impl Document {
    /// Opens the find bar, or gives it the keyboard.
    pub fn open_find(&mut self) {
        self.finder.open = true;
        self.finder.wants_focus = true;
        self.search_again();
        self.dress_rows();
    }

    /// Closes the find bar.
    pub fn close_find(&mut self) {
        self.finder.open = false;
        self.finder.clear();
        self.table.request_focus();
        self.dress_rows();
    }

    /// What is looked for has changed.
    pub fn search_changed(&mut self) {
        self.finder.clear();
        self.search_again();
        self.dress_rows();
    }

    /// Looks again, after the rows or the text changed.
    pub(super) fn search_again(&mut self) {
        if self.finder.open && !self.finder.text.is_empty() {
            self.changed.insert(Topic::Find);
        }
    }

    pub(super) fn find_request(&self) -> Option<FindRequest> {
        Some(FindRequest {
            pivot: Arc::clone(self.rows.as_ref()?.flat().tree().pivot()),
            sort: self.order(),
            text: self.finder.text.clone(),
            case_sensitive: self.finder.case_sensitive,
        })
    }

    pub(super) fn take_found(&mut self, answer: FindAnswer) {
        let fits = |rows: &crate::gui::state::rows::Rows| Arc::ptr_eq(rows.flat().tree().pivot(), &answer.pivot);
        if self.rows.as_ref().is_some_and(fits) {
            self.finder.take(answer.found.matches, answer.found.total);
            if let Some(forward) = self.find_goes_on.take() {
                self.find_step(forward);
            }
        }
    }

    /// Goes to the next match or the one before, opening what hides it.
    pub fn find_step(&mut self, forward: bool) {
        if !self.finder.open {
            // The search before goes on; the keys stay with the table.
            self.finder.open = true;
            self.search_again();
            self.dress_rows();
        }
        if self.waits(Topic::Find) || self.changed.contains(&Topic::Find) {
            self.find_goes_on = Some(forward);
            return;
        }
        let Some(steps) = self.finder.step(forward) else { return };
        let Some(rows) = &mut self.rows else { return };
        let Some(node) = rows.flat_mut().walk_to(&steps) else { return };
        rows.flat_mut().show(node, &mut self.expanded);
        self.table.select(row_id(node));
        self.remember_selection();
        self.ask_for_unknown();
    }

    /// Shows only the selected rows, or all but them.
    pub fn filter_selection(&mut self, keep: bool) {
        let places = self.selected_places();
        if !places.is_empty() {
            self.filter.push(if keep { Step::To(places) } else { Step::Out(places) });
            self.filter_changed();
        }
    }

    /// Takes one step back in the filter's history, or forward again.
    pub fn filter_history(&mut self, back: bool) {
        let moved = if back { self.filter.undo() } else { self.filter.redo() };
        if moved {
            self.filter_changed();
        }
    }

    /// Shows all rows again.
    pub fn clear_filter(&mut self) {
        if !self.filter.steps().is_empty() {
            self.filter.clear();
            self.filter_changed();
        }
    }

    /// Takes one step of the filter away.
    pub fn remove_step(&mut self, at: usize) {
        self.filter.remove(at);
        self.filter_changed();
    }

    /// Narrows by a query.
    pub fn push_query(&mut self, text: &str) {
        match text.parse() {
            Ok(query) => {
                self.filter.push(Step::Query(query));
                self.filter_changed();
            }
            Err(error) => self.tell(format!("The query cannot be used: {error}")),
        }
    }

    /// Table, curves and sums no longer show what the filter leaves.
    pub(super) fn filter_changed(&mut self) {
        self.quiet.clear();
        self.groups_are_old = true;
        self.totals = None;
        self.changed.insert(Topic::Table);
        if self.graph.selection().is_some() {
            self.changed.insert(Topic::Totals);
        }
        self.curves_are_old();
    }

    /// Takes what is written in the query box as a step of the filter; an error stays in the box.
    pub fn enter_query(&mut self) {
        let Some(query) = self.query.parse() else { return };
        let changed = self.query.editing.take().map(Step::Query);
        let place = self.filter.steps().iter().position(|step| Some(step) == changed.as_ref());
        match place {
            Some(at) => self.filter.replace(at, Step::Query(query)),
            None => self.filter.push(Step::Query(query)),
        }
        self.leave_query();
        self.filter_changed();
    }

    /// Puts a query step into the box, to change it; it goes on to hold until another is entered.
    pub fn edit_step(&mut self, at: usize) {
        if let Some(Step::Query(query)) = self.filter.steps().get(at) {
            self.query.text = query.to_string();
            self.query.editing = Some(query.clone());
            self.query.wants_focus = true;
        }
    }

    /// Whether a field takes the keys in the next frame.
    #[must_use]
    pub fn awaits_keys(&self) -> bool {
        self.query.wants_focus || self.finder.wants_focus
    }

    /// Empties the query box and gives the keys back to the table.
    pub fn leave_query(&mut self) {
        self.query.text.clear();
        self.query.error = None;
        self.query.completions = None;
        self.query.editing = None;
        self.table.request_focus();
    }

    /// What could complete the query at the cursor, a place in bytes.
    pub fn complete_query(&mut self, cursor: usize) {
        if !self.query.asked {
            self.query.asked = true;
            self.changed.insert(Topic::Completion);
        }
        self.query.completions = None;
        self.query.awaited = !self.query.is_prepared;
        if self.query.is_prepared {
            let found = complete(&self.query.text, cursor, &self.names);
            self.query.completions = (!found.items.is_empty()).then_some(found);
        }
        self.query.chosen = None;
        self.query.parse();
    }

    /// Shows everything that was allocated through the function of the selected row, from its callers down to it.
    pub fn find_callers(&mut self) {
        let Some(frame) = self.cursor_frame() else { return };
        let quoted = poolscope_analysis::filter::query::quoted(&frame);
        self.push_query(&format!("stack:={quoted}"));
        self.finder.text = frame;
        self.open_find();
        self.find_goes_on = Some(true);
    }

    /// The function under the cursor, if it is in a stack.
    #[must_use]
    pub fn cursor_frame(&self) -> Option<String> {
        let tree = self.rows.as_ref()?.flat().tree();
        let node = crate::gui::state::rows::node_id(self.table.cursor()?);
        let is_frame = matches!(tree.step(node), poolscope_analysis::pivot::TreeStep::Frame { frame, .. } if frame > 0);
        is_frame.then(|| tree.label(node).into_owned())
    }

    /// How many matches the find bar speaks of.
    #[must_use]
    pub fn find_words(&self) -> String {
        let total = self.finder.total();
        match (self.finder.text.is_empty(), self.waits(Topic::Find), total, self.finder.number()) {
            (true, ..) => String::new(),
            (_, true, ..) => "searching".to_owned(),
            (_, _, 0, _) => "no row".to_owned(),
            (_, _, 1, None) => "1 row".to_owned(),
            (_, _, _, None) => format!("{} rows", format::count(total)),
            (_, _, _, Some(number)) => format!("{} of {}", format::count(number as u64), format::count(total)),
        }
    }
}
