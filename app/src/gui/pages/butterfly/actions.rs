//! The butterfly of a document: asks for sums while the page is shown, and carries out the user's actions.

use std::sync::Arc;

use poolscope_analysis::butterfly::ButterflyUnit;
use poolscope_analysis::filter::query::quoted;
use poolscope_analysis::pivot::{Key, RowPath, RowPathStep};

use super::SUM;
use super::commands::ButterflyCommand as C;
use super::job::{ButterflyQuestion, ButterflyRequest};
use super::lists::ListKind;
use super::state::{Entry, Focus};
use crate::format;
use crate::gui::document::{Document, Effect};
use crate::gui::model::filter::Step;
use crate::gui::model::page_id::PageId;
use crate::gui::pages::{PAGES, page};

impl Document {
    fn butterfly_question(&self) -> Option<ButterflyQuestion> {
        Some(ButterflyQuestion {
            names: Arc::clone(&self.results.names),
            range: self.query.range,
            filter: Arc::clone(&self.query.filter),
            focus: self.butterfly().focus()?.clone(),
        })
    }

    /// Asks for sums if those that are shown answer another question, while the page is shown.
    pub(in crate::gui) fn ask_for_butterfly(&mut self) {
        if self.ui.page != PageId::BUTTERFLY || !self.has_allocations() || self.lacks_stacks() {
            return;
        }
        let Some(question) = self.butterfly_question() else { return };
        let is_asked = self.butterfly().asked.as_ref().is_some_and(|asked| asked.is_same(&question));
        if !is_asked {
            self.ask_page(PageId::BUTTERFLY, SUM);
        }
    }

    pub(in crate::gui) fn butterfly_request(&mut self) -> Option<ButterflyRequest> {
        let question = self.butterfly_question()?;
        self.butterfly_mut().asked = Some(question.clone());
        let before = self.butterfly().shown.as_ref().map(|shown| (shown.question.clone(), Arc::clone(&shown.pivot)));
        Some(ButterflyRequest { question, before })
    }

    /// The page comes to the front; without a function in focus it begins with the one that is selected, or that leaks.
    pub(in crate::gui) fn open_butterfly(&mut self, from: PageId) {
        if from != PageId::BUTTERFLY {
            self.butterfly_mut().from = from;
        }
        if self.butterfly().focus().is_none() {
            let selected = page(from).and_then(|page| page.selected_frame(self));
            let first = || PAGES.iter().find_map(|page| page.selected_frame(self));
            if let Some(text) = selected.or_else(first) {
                self.butterfly_mut().walk_to(Focus::of_frame(&text));
            }
        }
        self.butterfly_mut().wants_focus = Some(ListKind::Callers);
    }

    /// The frame that is selected on the page in front.
    fn frame_in_front(&self) -> Option<String> {
        page(self.ui.page).filter(|page| page.id() != PageId::BUTTERFLY)?.selected_frame(self)
    }

    /// The row under the cursor of the list that had the keys last.
    fn butterfly_entry(&self) -> Option<&Entry> {
        let list = self.butterfly().list(self.butterfly().active);
        list.entries.get(list.cursor?)
    }

    /// Carries out a command.
    pub(in crate::gui) fn run_butterfly(&mut self, command: C) {
        match command {
            C::OfSelection => {
                if let Some(text) = self.frame_in_front() {
                    self.butterfly_mut().walk_to(Focus::of_frame(&text));
                    self.show_page(PageId::BUTTERFLY);
                }
            }
            C::Walk => {
                if let Some(entry) = self.butterfly_entry().cloned() {
                    self.open_butterfly_entry(&entry);
                }
            }
            C::Back => drop(self.butterfly_mut().step(true)),
            C::Forward => drop(self.butterfly_mut().step(false)),
            C::Unit(unit) => {
                if let Some(focus) = self.butterfly().focus_by(unit) {
                    self.butterfly_mut().walk_to(focus);
                }
            }
            C::FilterTo => self.filter_to_focus(),
            C::CopyRow => {
                let Some(entry) = self.butterfly_entry() else { return };
                let sums = &entry.aggregate;
                let text = format!(
                    "{}\t{}\t{}\t{}\t{}",
                    entry.text.replace(['\t', '\n'], " "),
                    sums.impacting_size(),
                    sums.size(),
                    sums.count(),
                    sums.freed_inside()
                );
                let head = "Name\tImpacting Size (bytes)\tSize (bytes)\tCount\tFreed";
                self.effects.push(Effect::Copy(format!("{head}\n{text}\n")));
                self.effects.push(Effect::Status("Copied the row".to_owned()));
            }
        }
    }

    pub(in crate::gui) fn can_butterfly(&self, command: C) -> bool {
        let is_in_front = self.ui.page == PageId::BUTTERFLY;
        match command {
            C::OfSelection => self.frame_in_front().is_some(),
            C::Walk | C::CopyRow => is_in_front && self.butterfly_entry().is_some(),
            C::Back => is_in_front && self.butterfly().can_step(true),
            C::Forward => is_in_front && self.butterfly().can_step(false),
            C::Unit(unit) => is_in_front && self.butterfly().focus_by(unit).is_some(),
            C::FilterTo => is_in_front && self.butterfly().focus().is_some(),
        }
    }

    pub(in crate::gui) fn butterfly_on(&self, command: C) -> Option<bool> {
        match command {
            C::Unit(unit) => Some(self.butterfly().focus().is_some_and(|focus| focus.unit == unit)),
            _ => None,
        }
    }

    /// Goes to a caller or callee; of a path, its rows in the table.
    pub(in crate::gui) fn open_butterfly_entry(&mut self, entry: &Entry) {
        let Some(unit) = self.butterfly().focus().map(|focus| focus.unit) else { return };
        if let Some(name) = &entry.name {
            self.butterfly_mut().walk_to(Focus { name: name.clone(), unit });
            return;
        }
        let Some(node) = entry.stack else { return };
        let Some(shown) = self.butterfly().shown.clone() else { return };
        let Some(stacks) = shown.pivot.columns().first().and_then(|column| column.stacks()) else { return };
        let frames: Vec<String> = stacks.frames(node).into_iter().map(str::to_owned).collect();
        self.show_table();
        self.push_step(Step::To(vec![RowPath(vec![RowPathStep::Frames { key: Key::Stack, frames }])]));
        self.filter_changed();
        self.notify(format!(
            "Filtered to {}; Undo filter restores the rows",
            format::counted(entry.aggregate.count(), "allocation of this path", "allocations of this path")
        ));
    }

    /// Leaves only the rows whose stacks have the function or module in focus.
    fn filter_to_focus(&mut self) {
        let Some(focus) = self.butterfly().focus().cloned() else { return };
        let name = escaped(&focus.name);
        let pattern = match focus.unit {
            ButterflyUnit::Module => format!("^{name}([!+]|$)"),
            ButterflyUnit::Function => format!("^{name}([+]0x[0-9a-f]+| \\[inlined\\])?$"),
        };
        let query = format!("stack:~{}", quoted(&pattern));
        self.show_table();
        self.push_query(&query);
    }
}

/// A text as a regular expression that matches it alone.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_names_mean_themselves() {
        assert_eq!(escaped("my.sys!operator+"), "my\\.sys\\!operator\\+");
    }
}
