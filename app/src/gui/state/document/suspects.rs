//! What the user does with suspects: their rows are shown in the table, or nothing else is, or they are copied. Which rows are a
//! suspect's is said by a place, so that it holds in any view and order.

use std::sync::Arc;

use poolscope_analysis::group::frames::FrameParts;
use poolscope_analysis::group::column_values::UNKNOWN_ALLOCATOR;
use poolscope_analysis::leaks::{SuspectGrouping, Suspect};
use poolscope_analysis::pivot::{Key, RowPath, RowPathStep};
use poolscope_analysis::filter::query::quoted;

use super::{Document, Effect, Topic};
use crate::format;
use crate::gui::command::{DocumentCommand, SuspectsCommand as C};
use crate::gui::state::filter::Step;
use crate::gui::state::rows::row_id;
use crate::gui::state::suspect_words as words;
use crate::gui::state::suspects_page::Goal;

impl Document {
    /// Carries out a command.
    pub(super) fn run_suspects(&mut self, command: C) {
        match command {
            C::Show => {
                if let Some(at) = self.suspect_in_hand() {
                    self.show_suspect(at);
                }
            }
            C::FilterTo => {
                if let Some(at) = self.suspect_in_hand() {
                    self.filter_to_suspect(at);
                }
            }
            C::Flame => {
                if let Some(at) = self.suspect_in_hand() {
                    self.flame_of_suspect(at);
                }
            }
            C::By(by) => self.suspects.by = by,
            C::View => self.suspects.follows_view = !self.suspects.follows_view,
            C::Innocent => self.suspects.innocent = !self.suspects.innocent,
            C::Headline => self.suspects.dismissed = !self.suspects.dismissed,
        }
    }

    pub(super) fn can_suspects(&self, command: C) -> bool {
        match command {
            C::Show | C::FilterTo | C::Flame => self.suspect_in_hand().is_some(),
            _ => true,
        }
    }

    pub(super) fn suspects_on(&self, command: C) -> Option<bool> {
        match command {
            C::Show | C::FilterTo | C::Flame => None,
            C::By(by) => Some(self.suspects.by == by),
            C::View => Some(self.suspects.follows_view),
            C::Innocent => Some(self.suspects.innocent),
            C::Headline => Some(!self.suspects.dismissed),
        }
    }

    /// The suspect that commands are about: the selected one, else the worst.
    #[must_use]
    pub fn suspect_in_hand(&self) -> Option<usize> {
        let selected = self.suspects.cursor.filter(|_| self.page == super::Page::Suspects);
        selected.or((!self.suspects.suspects().is_empty()).then_some(0))
    }

    /// Shows the rows of a suspect in the table, opened down to the stack that most of it comes from.
    pub fn show_suspect(&mut self, at: usize) {
        if self.judged_by() == SuspectGrouping::Process {
            // No preset begins with processes: the rows of one are what a filter leaves.
            return self.filter_to_suspect(at);
        }
        let Some(suspect) = self.suspects.suspects().get(at) else { return };
        let by_driver = self.judged_by() == SuspectGrouping::Driver;
        let steps = self.suspect_steps(suspect);
        let mut place = if by_driver {
            vec![RowPathStep::Value { key: Key::Driver, text: suspect.driver.clone() }, pool(suspect)]
        } else {
            let aifo = RowPathStep::Value { key: Key::Type, text: "AIFO".to_owned() };
            [aifo, pool(suspect)].into_iter().chain(tag(suspect)).collect()
        };
        let mut length = place.len();
        if !by_driver {
            place.extend(steps.last().filter(|step| matches!(step, RowPathStep::Frames { .. })).cloned());
        }
        if self.judged_by() == SuspectGrouping::Stack {
            length = place.len();
        }
        let Some(judged) = &self.suspects.judged else { return };
        let view = judged.judgement.request.visible_range;
        self.suspects.goal = Some(Goal { place: RowPath(place), steps: length, view });
        self.show_table();
        let keys = self.arrangement.keys();
        let wanted: &[Key] = if by_driver { &[Key::Driver, Key::Paged] } else { &[Key::Type, Key::Paged, Key::Tag] };
        let stacked = by_driver || keys.get(3) == Some(&Key::Stack);
        if !keys.starts_with(wanted) || !stacked {
            self.apply_preset(if by_driver { "By driver" } else { "Leak hunt" });
            // The goal leads on, not the largest row.
            self.led = true;
        }
        self.reach_goal();
    }

    /// What was judged as one in the judgement that is shown.
    pub(super) fn judged_by(&self) -> SuspectGrouping {
        self.suspects.judged.as_ref().map_or(SuspectGrouping::Tag, |judged| judged.judgement.request.grouping)
    }

    /// The steps that lead to all that a driver or a process allocates in a pool, where that is what was judged as one; `None`
    /// for allocations whose allocator is unknown, and where a suspect is a tag or a stack.
    pub(super) fn whose_steps(&self, suspect: &Suspect) -> Option<Vec<RowPathStep>> {
        let (key, text) = match self.judged_by() {
            SuspectGrouping::Driver => (Key::Driver, suspect.driver.clone()),
            SuspectGrouping::Process => (Key::Process, suspect.attribution.process.clone().filter(|name| name != UNKNOWN_ALLOCATOR)?),
            SuspectGrouping::Tag | SuspectGrouping::Stack => return None,
        };
        Some(vec![RowPathStep::Value { key, text }, pool(suspect)])
    }

    /// The steps that lead to the rows of a suspect, its stack last.
    pub(super) fn suspect_steps(&self, suspect: &Suspect) -> Vec<RowPathStep> {
        let stacks = self.names.stacks();
        let frames = stacks.frames(stacks.node_of(suspect.stack)).into_iter().map(str::to_owned).collect();
        let stack = match suspect.stack {
            poolscope_analysis::trace::ids::StackId::EMPTY => RowPathStep::NoStack { key: Key::Stack },
            _ => RowPathStep::Frames { key: Key::Stack, frames },
        };
        [pool(suspect)].into_iter().chain(tag(suspect)).chain([stack]).collect()
    }

    /// Puts the cursor on the row that is to be shown, as soon as the rows are those that lead to it. What hides it goes: first
    /// the filter, then the zoom.
    pub(super) fn reach_goal(&mut self) {
        let is_asked = self.changed.contains(&Topic::Table) || self.waiting.contains(&Topic::Table);
        if is_asked {
            return;
        }
        let Some(goal) = self.suspects.goal.take() else { return };
        let Some(rows) = &mut self.rows else { return };
        let row = RowPath(goal.place.0.iter().take(goal.steps).cloned().collect());
        if let Some(node) = rows.find_place(&row, &mut self.expanded) {
            if goal.place.0.len() > goal.steps {
                rows.find_place(&goal.place, &mut self.expanded);
            }
            self.table.select(row_id(node));
            self.table.request_focus();
            self.remember_selection();
            self.ask_for_unknown();
            return;
        }
        if !self.filter.steps().is_empty() {
            self.clear_filter();
            self.tell("The filter hid these rows and was cleared; Undo filter brings it back");
        } else if self.history.go(goal.view, false) {
            self.view_changed();
        } else {
            self.tell("No row of the table holds this suspect");
            return;
        }
        self.suspects.goal = Some(goal);
    }

    /// Leaves only the rows of a suspect.
    pub fn filter_to_suspect(&mut self, at: usize) {
        let Some(suspect) = self.suspects.suspects().get(at) else { return };
        let paged = if suspect.paged { "Paged" } else { "NonPaged" };
        if self.judged_by() == SuspectGrouping::Process {
            let query = self.whose_steps(suspect).is_some().then(|| suspect.attribution.process.clone()).flatten();
            let query = query.map(|process| format!("process:={} paged:={paged}", quoted(&process)));
            self.show_table();
            match query {
                Some(query) => self.push_query(&query),
                None => self.tell("Nothing says which rows of the table these are: who allocated them is not recorded"),
            }
            return;
        }
        // A driver that uses one tag is still a driver: others use the tag as well.
        let by_driver = self.judged_by() == SuspectGrouping::Driver;
        let query = match &suspect.tag {
            _ if by_driver && suspect.driver.is_empty() => None,
            _ if by_driver => Some(format!("driver:={} paged:={paged}", quoted(&suspect.driver))),
            Some(tag) if self.judged_by() == SuspectGrouping::Tag => Some(format!("tag:={} paged:={paged}", quoted(tag))),
            _ => None,
        };
        let steps = if by_driver {
            vec![RowPathStep::Value { key: Key::Driver, text: suspect.driver.clone() }, pool(suspect)]
        } else {
            self.suspect_steps(suspect)
        };
        self.show_table();
        match query {
            Some(query) => self.push_query(&query),
            None => {
                self.filter.push(Step::To(vec![RowPath(steps)]));
                self.filter_changed();
            }
        }
    }

    pub(super) fn copy_suspects(&mut self, command: &DocumentCommand) {
        let Some(judged) = &self.suspects.judged else { return };
        let selected = self.suspects.selected.len() as u64;
        let (text, what) = match command {
            DocumentCommand::CopyStack => {
                let frames = self.suspects.current().map(|suspect| self.frames_of(suspect)).unwrap_or_default();
                (frames.iter().map(|frame| frame.text.as_str()).collect::<Vec<_>>().join("\n"), "the stack".to_owned())
            }
            _ => {
                let noun = if selected == 1 { "suspect" } else { "suspects" };
                let chosen = self.suspects.selected.iter().copied();
                (words::tab_separated(&judged.judgement, chosen), format!("{} {noun}", format::count(selected)))
            }
        };
        if !text.is_empty() {
            self.effects.push(Effect::Copy(text));
            self.effects.push(Effect::Note(format!("Copied {what}")));
        }
    }

    /// The frames of the stack that most of a suspect comes from, the innermost first.
    #[must_use]
    pub fn frames_of(&self, suspect: &Suspect) -> Vec<FrameParts> {
        let names = Arc::clone(&self.names);
        self.trace.stacks.inner_to_outer(suspect.stack).map(|frame| names.frame_parts(frame)).collect()
    }
}

pub(super) fn pool(suspect: &Suspect) -> RowPathStep {
    RowPathStep::Value { key: Key::Paged, text: if suspect.paged { "Paged" } else { "NonPaged" }.to_owned() }
}

fn tag(suspect: &Suspect) -> Option<RowPathStep> {
    suspect.tag.clone().map(|text| RowPathStep::Value { key: Key::Tag, text })
}
