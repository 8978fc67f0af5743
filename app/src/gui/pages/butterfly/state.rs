//! State of the butterfly page: the function in focus, the way to it, the sums that are shown, and order and cursor of the lists.
//! Sums nothing and draws nothing.

use std::sync::Arc;

use poolscope_analysis::butterfly::{Butterfly, ButterflyUnit, unit_of_text};
use poolscope_analysis::pivot::{Aggregate, Pivot};

use super::job::{ButterflyAnswer, ButterflyQuestion};
use super::lists::ListKind;
use crate::gui::model::page_id::PageId;

/// Text between the frames of a path, which are written from the innermost outwards: a frame, and the one that calls it.
pub const FRAME_SEPARATOR: &str = " < ";

/// Functions that can be gone back to at most.
const MAX_HISTORY: usize = 128;

/// A function or module in focus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Focus {
    /// Function or module.
    pub name: String,
    /// What frames are joined by.
    pub unit: ButterflyUnit,
}

impl Focus {
    /// The focus that the text of a frame means: its function; its module if it is the name of a module alone.
    #[must_use]
    pub fn of_frame(text: &str) -> Self {
        let is_module = poolscope_analysis::flame::module_of_text(text) == Some(text);
        let unit = if is_module { ButterflyUnit::Module } else { ButterflyUnit::Function };
        Self { name: unit_of_text(text, unit).to_owned(), unit }
    }
}

/// A column of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListColumn {
    /// Function, module or path.
    Name,
    /// Bytes of AIFO allocations.
    #[default]
    ImpactingSize,
    /// Bytes of all allocations.
    Size,
    /// Number of all allocations.
    Count,
    /// Allocations that were freed in the visible range.
    Freed,
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its text.
    pub text: String,
    /// The function or module that Enter goes to; `None` for a path, and for the end of the stacks.
    pub name: Option<String>,
    /// The displayed stack of a path.
    pub stack: Option<u32>,
    /// Its sums.
    pub aggregate: Aggregate,
}

/// A list: its rows in their order, the column of the order, and the row under the cursor.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// The rows.
    pub entries: Arc<Vec<Entry>>,
    /// The column that they are sorted by.
    pub column: ListColumn,
    /// The smallest comes first.
    pub is_ascending: bool,
    /// The row under the cursor.
    pub cursor: Option<usize>,
}

impl List {
    /// Sorts by a column, or reverses its order.
    pub fn sort_by(&mut self, column: ListColumn) {
        self.is_ascending = if self.column == column { !self.is_ascending } else { column == ListColumn::Name };
        self.column = column;
        self.sort();
        self.cursor = None;
    }

    fn sort(&mut self) {
        let key = |entry: &Entry| match self.column {
            ListColumn::Name => 0,
            ListColumn::ImpactingSize => entry.aggregate.impacting_size(),
            ListColumn::Size => entry.aggregate.size(),
            ListColumn::Count => entry.aggregate.count(),
            ListColumn::Freed => entry.aggregate.freed_inside(),
        };
        let mut entries = self.entries.to_vec();
        entries.sort_by(|a, b| {
            let order = if self.column == ListColumn::Name { a.text.cmp(&b.text) } else { key(a).cmp(&key(b)) };
            if self.is_ascending { order } else { order.reverse() }
        });
        self.entries = Arc::new(entries);
    }

    fn take(&mut self, entries: Vec<Entry>) {
        self.entries = Arc::new(entries);
        self.cursor = None;
        if self.column != ListColumn::ImpactingSize || self.is_ascending {
            self.sort();
        }
    }
}

/// Callers and callees that are shown.
pub struct ShownButterfly {
    /// Question that they answer.
    pub question: ButterflyQuestion,
    /// The sums.
    pub butterfly: Butterfly,
    /// The groups by stack.
    pub pivot: Arc<Pivot>,
}

/// State of the butterfly page.
#[derive(Clone, Default)]
pub struct ButterflyState {
    history: Vec<Focus>,
    at: usize,
    /// The page that Escape leads back to.
    pub from: PageId,
    /// The sums that are shown, once they are there.
    pub shown: Option<Arc<ShownButterfly>>,
    /// The last question.
    pub asked: Option<ButterflyQuestion>,
    /// The program made a mistake while it summed up.
    pub broken: bool,
    /// The list that takes the keys in the next frame.
    pub wants_focus: Option<ListKind>,
    /// The list that had the keys last.
    pub active: ListKind,
    lists: [List; 4],
}

impl ButterflyState {
    /// The function or module in focus.
    #[must_use]
    pub fn focus(&self) -> Option<&Focus> {
        self.history.get(self.at)
    }

    /// A list.
    #[must_use]
    pub fn list(&self, kind: ListKind) -> &List {
        let [callers, callees, keeping, freeing] = &self.lists;
        match kind {
            ListKind::Callers => callers,
            ListKind::Callees => callees,
            ListKind::Keeping => keeping,
            ListKind::Freeing => freeing,
        }
    }

    /// A list, to be changed.
    pub fn list_mut(&mut self, kind: ListKind) -> &mut List {
        let [callers, callees, keeping, freeing] = &mut self.lists;
        match kind {
            ListKind::Callers => callers,
            ListKind::Callees => callees,
            ListKind::Keeping => keeping,
            ListKind::Freeing => freeing,
        }
    }

    /// Goes to a function or module; what was gone back from is forgotten.
    pub fn walk_to(&mut self, focus: Focus) {
        if self.focus() == Some(&focus) {
            return;
        }
        self.history.truncate(self.at + 1);
        self.history.push(focus);
        if self.history.len() > MAX_HISTORY {
            self.history.remove(0);
        }
        self.at = self.history.len() - 1;
    }

    /// Goes back, or forward again; returns whether there was anything.
    pub fn step(&mut self, is_back: bool) -> bool {
        let to = if is_back { self.at.checked_sub(1) } else { Some(self.at + 1) };
        let to = to.filter(|to| *to < self.history.len());
        self.at = to.unwrap_or(self.at);
        to.is_some()
    }

    /// Returns whether there is anything to go back to, or forward to.
    #[must_use]
    pub fn can_step(&self, is_back: bool) -> bool {
        if is_back { self.at > 0 } else { self.at + 1 < self.history.len() }
    }

    /// The focus by another unit: the module of the function, or the last function of the module that was in focus.
    #[must_use]
    pub fn focus_by(&self, unit: ButterflyUnit) -> Option<Focus> {
        let focus = self.focus()?;
        match (focus.unit, unit) {
            (own, wanted) if own == wanted => None,
            (_, ButterflyUnit::Module) => {
                Some(Focus { name: unit_of_text(&focus.name, ButterflyUnit::Module).to_owned(), unit })
            }
            (_, ButterflyUnit::Function) => {
                let of_module = |other: &&Focus| {
                    other.unit == unit && unit_of_text(&other.name, ButterflyUnit::Module) == focus.name
                };
                self.history.iter().rev().find(of_module).cloned()
            }
        }
    }

    /// Takes in sums. If frames have other names, so has the focus.
    pub fn take(&mut self, answer: ButterflyAnswer) {
        let ButterflyAnswer { asked, question, butterfly, pivot } = answer;
        if question.focus != asked.focus {
            for focus in self.history.iter_mut().filter(|focus| **focus == asked.focus) {
                focus.clone_from(&question.focus);
            }
        }
        let neighbor = |end: &'static str| {
            move |neighbor: &poolscope_analysis::butterfly::Neighbor| Entry {
                text: neighbor.name.clone().unwrap_or_else(|| end.to_owned()),
                name: neighbor.name.clone(),
                stack: None,
                aggregate: neighbor.aggregate,
            }
        };
        let path = |path: &&poolscope_analysis::butterfly::StackPath| Entry {
            text: path.frames.iter().rev().map(String::as_str).collect::<Vec<_>>().join(FRAME_SEPARATOR),
            name: None,
            stack: Some(path.stack),
            aggregate: path.aggregate,
        };
        let paths = |frees: bool| butterfly.paths.iter().filter(move |path| path.frees() == frees);
        self.list_mut(ListKind::Callers).take(butterfly.callers.iter().map(neighbor("[No caller]")).collect());
        self.list_mut(ListKind::Callees).take(butterfly.callees.iter().map(neighbor("[Allocates itself]")).collect());
        self.list_mut(ListKind::Keeping).take(paths(false).map(|own| path(&own)).collect());
        self.list_mut(ListKind::Freeing).take(paths(true).map(|own| path(&own)).collect());
        let active = self.active;
        let list = self.list_mut(active);
        list.cursor = (!list.entries.is_empty()).then_some(0);
        self.asked = Some(question.clone());
        self.shown = Some(Arc::new(ShownButterfly { question, butterfly, pivot }));
        self.broken = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(name: &str) -> Focus {
        Focus { name: name.to_owned(), unit: ButterflyUnit::Function }
    }

    #[test]
    fn back_and_forward_go_through_the_history() {
        let mut state = ButterflyState::default();
        assert!(!state.can_step(true) && !state.can_step(false) && !state.step(true));
        for name in ["a!f", "a!f", "b!g", "c!h"] {
            state.walk_to(function(name));
        }
        assert!(state.step(true) && state.step(true) && !state.step(true));
        assert_eq!(state.focus(), Some(&function("a!f")));
        assert!(state.step(false));
        assert_eq!(state.focus(), Some(&function("b!g")));
        state.walk_to(function("d!i"));
        assert!(!state.can_step(false), "another way was taken");
        assert!(state.step(true));
        assert_eq!(state.focus(), Some(&function("b!g")));
    }

    #[test]
    fn a_function_has_its_module_and_a_module_its_last_function() {
        let mut state = ButterflyState::default();
        state.walk_to(Focus::of_frame("my.sys!f+0x10"));
        assert_eq!(state.focus(), Some(&function("my.sys!f")));
        let module = state.focus_by(ButterflyUnit::Module).expect("a module");
        assert_eq!(module, Focus { name: "my.sys".to_owned(), unit: ButterflyUnit::Module });
        state.walk_to(module);
        assert_eq!(state.focus_by(ButterflyUnit::Function), Some(function("my.sys!f")));
        assert_eq!(Focus::of_frame("my.sys").unit, ButterflyUnit::Module);
        assert_eq!(Focus::of_frame("my.sys+0x10"), function("my.sys+0x10"));
    }
}
