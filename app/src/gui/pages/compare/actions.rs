//! What the user does on the compare page, and how answers of the background are applied.

use std::sync::Arc;

use parking_lot::Mutex;
use poolscope_analysis::compare::{CompareColumn, CompareSort, Part};
use poolscope_analysis::pivot::Key;
use rustc_hash::FxHashMap;

use super::bar::HeaderChoice;
use super::commands::ComparePageCommand;
use super::job::{
    CompareAnswer, CompareFindRequest, CompareFound, CompareQuestion, CurvesOfSides, QuestionSide, SideStep,
};
use super::rows::{CompareRows, DataColumn, EXPAND_LIMIT, data_of, key_of};
use super::sides::{RangeChoice, SideChoice};
use super::state::{ComparePageState, DrawnCurves, UnitChoice};
use super::{COMPARE, CURVES, FIND, graph, selected_text};
use crate::format;
use crate::gui::document::{Document, Effect};
use crate::gui::jobs::discard::discard;
use crate::gui::model::page_id::PageId;
use crate::gui::theme::Palette;
use crate::gui::widgets::pivot_table::{Action, RowId};

/// Upper bound on the selected rows that a step of the filter names.
const MAX_FILTERED: usize = 100;

impl Document {
    /// Asks for what the page shows and does not have, while it is in front.
    pub(super) fn ask_for_comparison(&mut self) {
        self.forget_closed_traces();
        self.comparison_mut().note_edits();
        if self.ui.page != PageId::COMPARE {
            return;
        }
        let state = self.comparison();
        if let Some(question) = state.question(self).filter(|question| state.asked.as_ref() != Some(question)) {
            self.comparison_mut().asked = Some(question);
            self.ask_page(PageId::COMPARE, COMPARE);
        }
        let state = self.comparison();
        let is_known = |known: &super::job::CurvesQuestion| {
            state.curves_question().is_some_and(|question| question.is_same(known))
        };
        if !state.curves_asked.as_ref().is_some_and(is_known)
            && let Some(question) = state.curves_question()
        {
            self.comparison_mut().curves_asked = Some(question);
            self.ask_page_quietly(PageId::COMPARE, CURVES);
        }
        let state = self.comparison();
        let shown = state.answer.as_ref().and_then(|answer| answer.shown.clone());
        let text = state.search.clone().unwrap_or_default();
        let is_found = state.found.as_ref().is_some_and(|found| {
            found.text == text
                && found.order == state.order()
                && shown.as_ref().is_some_and(|shown| Arc::ptr_eq(shown, &found.shown))
        });
        if !text.trim().is_empty() && !is_found && (state.searched != text || state.found.is_some()) {
            let state = self.comparison_mut();
            (state.searched, state.found, state.match_at) = (text.clone(), None, None);
            if let Some(rows) = &state.rows {
                rows.lock().set_needle(&text);
            }
            self.ask_page(PageId::COMPARE, FIND);
        }
    }

    /// Gives up what was computed from a trace that is open no more: it would stay in memory.
    fn forget_closed_traces(&mut self) {
        let open = Arc::clone(&self.open_traces);
        let state = self.comparison();
        let is_closed = |side: &QuestionSide| !open.iter().any(|trace| trace.is_of(&side.names));
        let has_closed = |question: &CompareQuestion| question.sides.iter().any(is_closed);
        let is_outdated = state.asked.as_ref().is_some_and(has_closed)
            || state.answer.as_ref().is_some_and(|answer| has_closed(&answer.question));
        if is_outdated && !open.is_empty() {
            self.comparison_mut().forget().into_iter().for_each(discard);
        }
    }

    pub(super) fn compare_find_request(&self) -> Option<CompareFindRequest> {
        let state = self.comparison();
        let shown = state.answer.as_ref()?.shown.clone()?;
        Some(CompareFindRequest { shown, text: state.searched.clone(), order: state.order() })
    }

    /// Applies a comparison; expansion and selection stay.
    pub(super) fn apply_comparison(&mut self, (answer, rows): (CompareAnswer, Option<CompareRows>)) {
        let modules = self.module_numbers();
        let palette = Palette::for_dark(self.ui.is_dark);
        let colors: FxHashMap<_, _> =
            modules.into_iter().map(|(name, number)| (name, palette.module_color(number))).collect();
        let state = self.comparison_mut();
        state.broken = false;
        let before = state.rows.take();
        let cursor = before.as_ref().zip(state.table.cursor()).map(|(rows, row)| rows.lock().path(row));
        let is_first = before.is_none();
        before.into_iter().for_each(discard);
        state.rows = rows.map(|mut rows| {
            rows.set_module_colors(colors);
            rows.set_needle(state.search.as_deref().unwrap_or_default());
            if is_first {
                let first = rows.follow_growth(&mut state.expanded);
                first.into_iter().for_each(|row| state.table.select(row));
            } else {
                let row = cursor.and_then(|path| rows.row_with_path(path));
                state.table.restore(row.into_iter().collect(), row);
            }
            Arc::new(Mutex::new(rows))
        });
        state.answer = Some(Arc::new(answer));
        let marks = state.common_marks();
        if matches!(state.alignment, super::job::Alignment::Marker(at) if at >= marks) {
            state.alignment = super::job::Alignment::Start;
        }
    }

    pub(super) fn apply_compared_curves(&mut self, curves: CurvesOfSides) {
        let data = [false, true].map(|dark| graph::data(&curves, Palette::for_dark(dark)));
        let state = self.comparison_mut();
        state.curves = Some(Arc::new(DrawnCurves { curves, data }));
    }

    pub(super) fn apply_compare_found(&mut self, found: CompareFound) {
        let state = self.comparison_mut();
        if found.text == state.searched {
            state.found = Some(Arc::new(found));
        }
    }

    /// Opens the search through the rows.
    pub(super) fn open_compare_search(&mut self) {
        let state = self.comparison_mut();
        state.search.get_or_insert_default();
        state.wants_search = true;
    }

    /// Goes to the next match, or the one before.
    pub(super) fn step_compare_match(&mut self, forward: bool) {
        let state = self.comparison_mut();
        let Some(found) = state.found.clone() else { return };
        let count = found.found.matches.len();
        if count == 0 {
            return;
        }
        let at = match (state.match_at, forward) {
            (None, true) => 0,
            (None, false) => count - 1,
            (Some(at), true) => (at + 1) % count,
            (Some(at), false) => (at + count - 1) % count,
        };
        state.match_at = Some(at);
        let (Some(rows), Some(steps)) = (&state.rows, found.found.matches.get(at)) else { return };
        if let Some(row) = rows.lock().reveal(steps, &mut state.expanded) {
            state.table.select(row);
        }
    }

    /// Copies the selected rows.
    pub(super) fn copy_compared_rows(&mut self) {
        if let Some(text) = selected_text(self.comparison()) {
            let rows = text.lines().count().saturating_sub(1) as u64;
            self.effects.push(Effect::Copy(text));
            self.effects.push(Effect::Status(format!("Copied {}", format::counted(rows, "row", "rows"))));
        }
    }

    /// Frames of the row under the cursor from the outermost inwards; empty outside of stacks.
    pub(super) fn compared_frames(&self) -> Vec<String> {
        let state = self.comparison();
        let rows = state.rows.as_ref().zip(state.table.cursor());
        rows.map_or_else(Vec::new, |(rows, row)| rows.lock().frames(row))
    }

    /// Copies the stack of the row under the cursor.
    pub(super) fn copy_compared_stack(&mut self) {
        let frames = self.compared_frames();
        if !frames.is_empty() {
            let count = format::counted(frames.len() as u64, "frame", "frames");
            self.effects.push(Effect::Copy(frames.join("\n")));
            self.effects.push(Effect::Status(format!("Copied {count}")));
        }
    }

    /// Filters to the selected rows, or filters them out.
    pub(super) fn filter_compared(&mut self, is_out: bool) {
        let state = self.comparison_mut();
        let Some(rows) = state.rows.clone() else { return };
        let rows = rows.lock();
        let selected: Vec<RowId> = state.table.selected().iter().copied().take(MAX_FILTERED).collect();
        let Some(first) = selected.first() else { return };
        let title = match selected.len() {
            1 => rows.groups(*first).1,
            many => format!("{} rows", format::count(many as u64)),
        };
        let title = if is_out { format!("not {title}") } else { title };
        let mut places = [Vec::new(), Vec::new()];
        for row in selected {
            places.iter_mut().zip(rows.places(row)).for_each(|(all, own)| all.extend(own));
        }
        state.steps.push(SideStep { title, places, is_out });
    }

    /// Opens everything below the row under the cursor.
    pub(super) fn expand_compared(&mut self) {
        let state = self.comparison_mut();
        if let (Some(rows), Some(row)) = (&state.rows, state.table.cursor()) {
            let opened = rows.lock().expand_all(row, &mut state.expanded);
            if opened >= EXPAND_LIMIT {
                self.notify(format!("Expanded the first {} rows below; there are more", format::count(opened as u64)));
            }
        }
    }

    /// Carries out a command of the page.
    pub(super) fn run_compare(&mut self, command: ComparePageCommand) {
        let sides = self.comparison().sides(self);
        let keys: Vec<Key> = self.query.columns.keys().into_iter().filter(|key| !key.is_per_row()).collect();
        let tab = self.open_traces.iter().find(|trace| trace.is_of(&self.results.names)).map(|trace| trace.tab);
        let state = self.comparison_mut();
        match command {
            ComparePageCommand::Swap => {
                state.sides = sides.map(|[baseline, comparison]| [comparison, baseline]);
                state.swap_filters();
            }
            ComparePageCommand::Halves => {
                let half = |tab, range| SideChoice { tab, range };
                state.sides = tab.map(|tab| [half(tab, RangeChoice::FirstHalf), half(tab, RangeChoice::SecondHalf)]);
            }
            ComparePageCommand::Raw => state.look.unit = UnitChoice::Raw,
            ComparePageCommand::PerSecond => state.look.unit = UnitChoice::Second,
            ComparePageCommand::AnalysisColumns => state.look.set_keys(&keys),
        }
        self.show_page(PageId::COMPARE);
    }

    pub(super) fn can_compare(&self, command: ComparePageCommand) -> bool {
        match command {
            ComparePageCommand::Swap => self.comparison().sides(self).is_some(),
            ComparePageCommand::AnalysisColumns => self.query.columns.keys().iter().any(|key| !key.is_per_row()),
            _ => self.has_allocations(),
        }
    }

    pub(super) fn compare_on(&self, command: ComparePageCommand) -> Option<bool> {
        let unit = self.comparison().look.unit;
        match command {
            ComparePageCommand::Raw => Some(unit == UnitChoice::Raw),
            ComparePageCommand::PerSecond => Some(unit == UnitChoice::Second),
            _ => None,
        }
    }
}

impl ComparePageState {
    /// Carries out an action in the table; returns a text for the clipboard.
    pub(super) fn table_action(&mut self, action: Action) -> Option<String> {
        let rows = Arc::clone(self.rows.as_ref()?);
        let mut rows = rows.lock();
        match action {
            Action::Expand(row) => rows.expand(row, &mut self.expanded),
            Action::Collapse(row) => rows.collapse(row, &mut self.expanded),
            Action::ExpandAll(row) => drop(rows.expand_all(row, &mut self.expanded)),
            Action::Sort { column, .. } => {
                let sort = self.sort_by(column);
                self.sort = Some(sort.clone());
                rows.set_sort(sort);
            }
            Action::MoveColumn { column, before, .. } => {
                drop(rows);
                self.move_key(column, before);
            }
            Action::Copy(text) => return Some(text),
            Action::Select | Action::Cut { .. } | Action::ToggleSeries(_) | Action::SoloSeries(_) => {}
        }
        None
    }

    /// The order by a column: largest first, or reversed if it decides already.
    fn sort_by(&self, column: u32) -> CompareSort {
        let measure = self.look.measure();
        let wanted = match (key_of(column), data_of(column, measure)) {
            (Some(_), _) => None,
            (None, Some(DataColumn::Figure(column))) => Some(column),
            (None, _) => Some(CompareColumn { part: Part::Delta, metric: measure }),
        };
        let now = self.order().levels.first().copied();
        let ascending = match now {
            Some((decides, ascending)) if decides == wanted => !ascending,
            _ => wanted.is_none(),
        };
        CompareSort { levels: vec![(wanted, ascending)] }
    }

    /// Moves a key column in front of another one, or to the end.
    fn move_key(&mut self, column: u32, before: Option<u32>) {
        let (Some(key), mut keys) = (key_of(column), self.look.keys()) else { return };
        keys.retain(|other| *other != key);
        let at = before.and_then(key_of).and_then(|before| keys.iter().position(|other| *other == before));
        keys.insert(at.unwrap_or(keys.len()), key);
        self.look.set_keys(&keys);
    }

    /// Carries out a choice in the menu of a header.
    pub(super) fn apply_header_choice(&mut self, choice: Option<HeaderChoice>) {
        match choice {
            Some(HeaderChoice::Sort(column)) => {
                self.table_action(Action::Sort { column, add: false });
            }
            Some(HeaderChoice::Group(key)) => {
                let mut keys = self.look.keys();
                // Behind a stack it would be found only after the last call of each.
                let stack = keys.iter().position(|key| key.is_stack()).unwrap_or(keys.len());
                keys.insert(stack, key);
                self.look.set_keys(&keys);
            }
            Some(HeaderChoice::Remove(key)) => {
                let mut keys = self.look.keys();
                keys.retain(|other| *other != key);
                self.look.set_keys(&keys);
            }
            Some(HeaderChoice::Measure(measure)) => {
                self.look.set_measure(measure);
                self.sort = None;
            }
            None => {}
        }
    }
}
