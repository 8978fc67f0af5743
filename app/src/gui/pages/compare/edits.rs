//! Undo and redo on the compare page: filter, key columns, figure, order and the rows that are shown. Changes are noticed by what they
//! changed, whichever control made them; what is typed into the filter at one go is one change.

use std::sync::Arc;

use poolscope_analysis::compare::CompareSort;
use poolscope_analysis::pivot::{Key, Metric};

use super::job::SideStep;
use super::state::{ComparePageState, RowsShown};
use crate::gui::model::edit_log::{Edit, EditLog};

/// Choices on the page that undo and redo change.
#[derive(Debug, Clone, PartialEq)]
struct Shown {
    query: String,
    steps: Vec<SideStep>,
    keys: Vec<Key>,
    measure: Metric,
    sort: Option<CompareSort>,
    rows_shown: RowsShown,
}

impl Shown {
    /// Returns whether only the text of the filter differs.
    fn differs_in_query_only(&self, other: &Self) -> bool {
        let same_query = Self { query: other.query.clone(), ..self.clone() };
        self.query != other.query && same_query == *other
    }
}

/// The changes that can be undone and redone.
#[derive(Clone, Default)]
pub(super) struct CompareEdits {
    log: Arc<EditLog<Shown>>,
    /// Choices after the last change.
    noted: Option<Arc<Shown>>,
    /// The last change is a text that is still being typed.
    is_typing: bool,
}

impl CompareEdits {
    /// Returns whether there is a change to undo.
    pub(super) fn can_undo(&self) -> bool {
        self.log.can_undo()
    }

    /// Returns whether there is a change to redo.
    pub(super) fn can_redo(&self) -> bool {
        self.log.can_redo()
    }

    /// The next change of the filter's text is a change of its own.
    pub(super) fn end_typing(&mut self) {
        self.is_typing = false;
    }
}

impl ComparePageState {
    fn shown(&self) -> Shown {
        Shown {
            query: self.query.clone(),
            steps: self.steps.clone(),
            keys: self.look.keys(),
            measure: self.look.measure(),
            sort: self.sort.clone(),
            rows_shown: self.rows_shown,
        }
    }

    fn shows(&self, noted: &Shown) -> bool {
        let is_filter = self.query == noted.query && self.steps == noted.steps && self.rows_shown == noted.rows_shown;
        is_filter && self.sort == noted.sort && self.look.measure() == noted.measure && self.look.keys() == noted.keys
    }

    /// Notes a change since the last call.
    pub(super) fn note_edits(&mut self) {
        if self.edits.noted.as_ref().is_some_and(|noted| self.shows(noted)) {
            return;
        }
        let now = self.shown();
        let edits = &mut self.edits;
        let Some(before) = edits.noted.take() else {
            edits.noted = Some(Arc::new(now));
            return;
        };
        let is_typed = before.differs_in_query_only(&now);
        if !(is_typed && edits.is_typing) {
            Arc::make_mut(&mut edits.log).push(Edit::ColumnsAndFilter, Shown::clone(&before));
        }
        edits.is_typing = is_typed;
        edits.noted = Some(Arc::new(now));
    }

    /// Takes the latest change back, or makes it again.
    pub(super) fn undo(&mut self, back: bool) {
        self.note_edits();
        let now = self.shown();
        let log = Arc::make_mut(&mut self.edits.log);
        let step = if back { log.undo(now) } else { log.redo(now) };
        let Some((_, shown)) = step else { return };
        self.edits.noted = Some(Arc::new(shown.clone()));
        self.edits.is_typing = false;
        (self.query, self.steps, self.rows_shown) = (shown.query, shown.steps, shown.rows_shown);
        self.look.set_keys(&shown.keys);
        self.look.set_measure(shown.measure);
        if self.sort != shown.sort {
            self.sort = shown.sort;
            let order = self.order();
            if let Some(rows) = &self.rows {
                rows.lock().set_sort(order);
            }
        }
    }

    /// Exchanges the sides of all steps of the filter, those that can be undone and redone, too.
    pub(super) fn swap_filters(&mut self) {
        self.note_edits();
        let swap = |steps: &mut Vec<SideStep>| steps.iter_mut().for_each(|step| step.places.reverse());
        swap(&mut self.steps);
        Arc::make_mut(&mut self.edits.log).for_each(|shown| swap(&mut shown.steps));
        self.edits.noted = Some(Arc::new(self.shown()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(state: &mut ComparePageState, text: &str) {
        text.clone_into(&mut state.query);
        state.note_edits();
    }

    #[test]
    fn a_text_typed_at_one_go_is_one_change() {
        let mut state = ComparePageState::default();
        state.note_edits();
        assert!(!state.edits.can_undo());
        ["t", "ta", "tag:Leak"].iter().for_each(|text| typed(&mut state, text));
        state.edits.end_typing();
        typed(&mut state, "tag:Proc");
        state.undo(true);
        assert_eq!(state.query, "tag:Leak");
        state.undo(true);
        assert_eq!((state.query.as_str(), state.edits.can_undo()), ("", false));
        state.undo(false);
        state.undo(false);
        assert_eq!((state.query.as_str(), state.edits.can_redo()), ("tag:Proc", false));
    }

    #[test]
    fn columns_and_order_are_taken_back_in_turn() {
        let mut state = ComparePageState::default();
        state.note_edits();
        let keys = state.look.keys();
        state.look.set_keys(&[Key::Tag]);
        state.note_edits();
        state.sort = Some(CompareSort::by_growth(Metric::Count));
        state.note_edits();
        state.rows_shown = RowsShown::Overweight;
        state.undo(true);
        assert_eq!(state.rows_shown, RowsShown::All, "also what was not noted yet");
        state.undo(true);
        assert_eq!((state.sort.is_none(), state.look.keys()), (true, vec![Key::Tag]));
        state.undo(true);
        assert_eq!(state.look.keys(), keys);
        state.undo(false);
        assert_eq!(state.look.keys(), [Key::Tag]);
    }

    #[test]
    fn both_sides_of_what_was_taken_back_are_exchanged() {
        let mut state = ComparePageState::default();
        state.note_edits();
        let path = |id| {
            poolscope_analysis::pivot::RowPath(vec![poolscope_analysis::pivot::RowPathStep::Value {
                key: Key::Tag,
                text: id,
            }])
        };
        let places = ["a", "b"].map(|id: &str| vec![path(id.to_owned())]);
        state.steps.push(SideStep { title: "x".to_owned(), places: places.clone(), is_out: false });
        state.undo(true);
        state.swap_filters();
        state.undo(false);
        let [first, second] = places;
        assert_eq!(state.steps[0].places, [second, first]);
    }
}
