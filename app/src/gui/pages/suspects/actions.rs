//! Actions on suspects: their rows are shown in the table, filtered to, or copied, and the analysis is asked for. Which rows are a
//! suspect's is said by a place, so that it holds in any view and order.

use std::sync::Arc;

use poolscope_analysis::filter::query::quoted;
use poolscope_analysis::group::frames::FrameParts;
use poolscope_analysis::leaks::owner::TagOwnerData;
use poolscope_analysis::leaks::{Suspect, SuspectGrouping};
use poolscope_analysis::pivot::{Key, RowPath, RowPathStep};

use super::ANALYZE;
use super::commands::SuspectsCommand as C;
use super::job::LeaksRequest;
use super::marks::alarming;
use super::state::Goal;
use super::texts;
use crate::format;
use crate::gui::commands::DocumentCommand;
use crate::gui::commands::{Command, RecordingCommand};
use crate::gui::document::{Document, Effect};
use crate::gui::model::columns::{leak_candidates, paged_text, pool_step};
use crate::gui::model::filter::Step;
use crate::gui::model::frame_parts::with_line;
use crate::gui::model::page_id::PageId;
use crate::gui::model::presets::BuiltIn;
use crate::gui::model::recording_fix::RecordingGoal;
use crate::gui::pages::page;
use crate::leak_text::{RichText, SuspectEvidence};
use poolscope_analysis::leaks::AnalysisRequest;

impl Document {
    /// The present request for an analysis.
    #[must_use]
    pub fn leaks_query(&self) -> AnalysisRequest {
        let range = if self.suspects().follows_visible_range { self.query.range } else { self.trace.extent };
        AnalysisRequest {
            visible_range: range,
            grouping: self.suspects().by,
            warm_up: self.suspects().warm_up.of(range, &self.trace.clock),
        }
    }

    /// Returns whether the analysis that is shown answers another request than the present one.
    #[must_use]
    pub fn are_leaks_outdated(&self) -> bool {
        self.suspects().is_old(&self.leaks_query())
    }

    /// Requests the analysis when no other work is pending. Where only names have changed, the request before is answered first:
    /// names arrive in many steps, and the first answer must not wait for the last of them.
    pub(in crate::gui) fn ask_for_leaks(&mut self) {
        if self.results.rows.is_none() || !self.has_allocations() {
            return;
        }
        let is_busy = self.is_busy_with_rows();
        let request = self.leaks_query();
        let asked = self.suspects().asked.as_ref();
        let same = asked.is_some_and(|asked| asked.request == request);
        let named = asked.is_some_and(|asked| Arc::ptr_eq(&asked.names, &self.results.names));
        let is_under_way = same && self.is_page_waiting(PageId::SUSPECTS, ANALYZE);
        let is_known = same && named;
        if !(is_known || is_busy || is_under_way) {
            self.ask_page(PageId::SUSPECTS, ANALYZE);
        }
    }

    pub(in crate::gui) fn leaks_request(&mut self) -> LeaksRequest {
        let request = LeaksRequest { names: Arc::clone(&self.results.names), request: self.leaks_query() };
        self.suspects_mut().asked = Some(request.clone());
        request
    }

    /// Carries out a command.
    pub(in crate::gui) fn run_suspects(&mut self, command: C) {
        match command {
            C::Show => {
                if let Some(at) = self.current_suspect() {
                    self.show_suspect(at);
                }
            }
            C::FilterTo => {
                if let Some(at) = self.current_suspect() {
                    self.filter_to_suspect(at);
                }
            }
            C::Flame => {
                if let Some(at) = self.current_suspect() {
                    self.flame_of_suspect(at);
                }
            }
            C::Grouping(by) => self.suspects_mut().by = by,
            C::View => self.suspects_mut().follows_visible_range = !self.suspects().follows_visible_range,
            C::NonLeaking => self.suspects_mut().shows_non_leaking = !self.suspects().shows_non_leaking,
            C::Headline => self.suspects_mut().dismissed = !self.suspects().dismissed,
            C::CopyTable => self.copy_suspect_table(),
        }
    }

    pub(in crate::gui) fn can_suspects(&self, command: C) -> bool {
        match command {
            C::Show | C::FilterTo | C::Flame => self.current_suspect().is_some(),
            C::CopyTable => !self.suspects().selected.is_empty(),
            _ => true,
        }
    }

    pub(in crate::gui) fn suspects_on(&self, command: C) -> Option<bool> {
        match command {
            C::Show | C::FilterTo | C::Flame | C::CopyTable => None,
            C::Grouping(by) => Some(self.suspects().by == by),
            C::View => Some(self.suspects().follows_visible_range),
            C::NonLeaking => Some(self.suspects().shows_non_leaking),
            C::Headline => Some(!self.suspects().dismissed),
        }
    }

    /// The suspect that commands are about: the selected one, else the worst.
    #[must_use]
    pub fn current_suspect(&self) -> Option<usize> {
        let selected = self.suspects().cursor.filter(|_| self.ui.page == PageId::SUSPECTS);
        selected.or((!self.suspects().suspects().is_empty()).then_some(0))
    }

    /// Opens the rows at the suspect that the sentence above them names, with the stack that most of it comes from, until the
    /// user turns to other rows.
    pub(in crate::gui) fn land_on_suspect(&mut self) {
        let by_tag = self.analyzed_by() == SuspectGrouping::Tag;
        let suspects = self.suspects().suspects();
        let Some(suspect) = suspects.first().filter(|_| by_tag && alarming(suspects).is_some()) else { return };
        let landed = (suspect.tag.clone(), suspect.is_paged, suspect.stack);
        let keys = self.query.columns.keys();
        let leads = keys.starts_with(&[Key::Type, Key::Paged, Key::Tag]);
        let is_new = self.suspects().landed.as_ref() != Some(&landed);
        if !(is_new && leads && self.is_landing_untouched()) || self.awaits_table() {
            return;
        }
        let Some(goal) = self.goal_of_suspect(0) else { return };
        let row = goal.row();
        if self.results.rows.as_mut().is_none_or(|rows| rows.flat_mut().walk_to_place(&row).is_none()) {
            return;
        }
        self.close_all_rows();
        let Some(rows) = &mut self.results.rows else { return };
        if let Some(node) = rows.find_place(&row, &mut self.ui.expanded) {
            let innermost = rows.find_place(&goal.place, &mut self.ui.expanded);
            self.show_row(node, innermost, false);
            self.ask_for_unknown();
        }
        self.suspects_mut().landed = Some(landed);
        self.note_landing();
    }

    /// Shows the rows of a suspect in the table, opened down to the stack that most of it comes from.
    pub fn show_suspect(&mut self, at: usize) {
        self.show_suspect_rows(at, false);
    }

    /// The same; with `to_responsible` it goes on to the responsible frame of that stack.
    pub(in crate::gui) fn show_suspect_rows(&mut self, at: usize, to_responsible: bool) {
        if self.analyzed_by() == SuspectGrouping::Process {
            // No preset begins with processes: the rows of one are what a filter leaves.
            return self.filter_to_suspect(at);
        }
        let Some(goal) = self.goal_of_suspect(at) else { return };
        let by_driver = self.analyzed_by() == SuspectGrouping::Driver;
        self.suspects_mut().goal = Some(Goal { to_responsible, ..goal });
        self.show_table();
        let keys = self.query.columns.keys();
        let wanted: &[Key] = if by_driver { &[Key::Driver, Key::Paged] } else { &[Key::Type, Key::Paged, Key::Tag] };
        let stacked = by_driver || keys.get(3) == Some(&Key::Stack);
        if !keys.starts_with(wanted) || !stacked {
            self.apply_built_in(if by_driver { BuiltIn::ByDriver } else { BuiltIn::LeakHunt });
            // The goal leads on, not the largest row.
            self.ui.initial_reveal_done = true;
        }
        self.apply_pending_reveal();
    }

    /// The rows of a suspect, and the way to the stack that most of it comes from.
    fn goal_of_suspect(&self, at: usize) -> Option<Goal> {
        let shown = self.suspects().shown.as_ref()?;
        let suspect = shown.analysis.suspects.get(at)?;
        let by_driver = self.analyzed_by() == SuspectGrouping::Driver;
        let steps = self.suspect_steps(suspect);
        let mut place = if by_driver {
            vec![RowPathStep::Value { key: Key::Driver, text: suspect.driver.clone() }, pool_step(suspect.is_paged)]
        } else {
            [leak_candidates(), pool_step(suspect.is_paged)].into_iter().chain(tag(suspect)).collect()
        };
        let mut length = place.len();
        if !by_driver {
            place.extend(steps.last().filter(|step| matches!(step, RowPathStep::Frames { .. })).cloned());
        }
        if self.analyzed_by() == SuspectGrouping::Stack {
            length = place.len();
        }
        let range = shown.analysis.request.visible_range;
        Some(Goal { place: RowPath(place), steps: length, range, to_responsible: false })
    }

    /// Unit of analysis of the suspects that are shown.
    pub(in crate::gui) fn analyzed_by(&self) -> SuspectGrouping {
        self.suspects().shown.as_ref().map_or(SuspectGrouping::Tag, |shown| shown.analysis.request.grouping)
    }

    /// The steps that lead to all that a driver or a process allocates in a pool, where that is the unit of analysis; `None`
    /// for allocations whose allocator is unknown, and where a suspect is a tag or a stack.
    pub(in crate::gui) fn whose_steps(&self, suspect: &Suspect) -> Option<Vec<RowPathStep>> {
        let (key, text) = match self.analyzed_by() {
            SuspectGrouping::Driver => (Key::Driver, suspect.driver.clone()),
            SuspectGrouping::Process => {
                (Key::Process, suspect.attribution.process.clone().filter(|_| suspect.attribution.is_process_known)?)
            }
            SuspectGrouping::Tag | SuspectGrouping::Stack => return None,
        };
        Some(vec![RowPathStep::Value { key, text }, pool_step(suspect.is_paged)])
    }

    /// The steps that lead to the rows of a suspect, its stack last.
    pub(in crate::gui) fn suspect_steps(&self, suspect: &Suspect) -> Vec<RowPathStep> {
        let stacks = self.results.names.stacks();
        let frames = stacks.frames(stacks.node_of(suspect.stack)).into_iter().map(str::to_owned).collect();
        let stack = match suspect.stack {
            poolscope_analysis::trace::ids::StackId::EMPTY => RowPathStep::NoStack { key: Key::Stack },
            _ => RowPathStep::Frames { key: Key::Stack, frames },
        };
        [pool_step(suspect.is_paged)].into_iter().chain(tag(suspect)).chain([stack]).collect()
    }

    /// Puts the cursor on the row that is to be shown, as soon as the rows are those that lead to it. What hides it goes: first
    /// the filter, then the zoom.
    pub(in crate::gui) fn apply_pending_reveal(&mut self) {
        if self.awaits_table() {
            return;
        }
        let Some(goal) = self.suspects_mut().goal.take() else { return };
        let Some(rows) = &mut self.results.rows else { return };
        let row = goal.row();
        if let Some(node) = rows.find_place(&row, &mut self.ui.expanded) {
            let leads_on = goal.place.0.len() > goal.steps;
            let innermost = if leads_on { rows.find_place(&goal.place, &mut self.ui.expanded) } else { None };
            self.show_row(node, innermost, true);
            self.ui.table.request_focus();
            self.ask_for_unknown();
            if goal.to_responsible {
                self.go_to_responsible();
            }
            return;
        }
        if !self.query.filter.steps().is_empty() {
            self.clear_filter();
            self.notify("The filter excluded these rows and was cleared; Undo restores it");
        } else if self.go_to(goal.range, false) {
            self.range_changed();
        } else {
            self.notify("No row of the table matches this suspect");
            return;
        }
        self.suspects_mut().goal = Some(goal);
    }

    /// Leaves only the rows of a suspect.
    pub fn filter_to_suspect(&mut self, at: usize) {
        let Some(suspect) = self.suspects().suspects().get(at) else { return };
        let paged = paged_text(suspect.is_paged);
        if self.analyzed_by() == SuspectGrouping::Process {
            let query = self.whose_steps(suspect).is_some().then(|| suspect.attribution.process.clone()).flatten();
            let query = query.map(|process| format!("process:={} paged:={paged}", quoted(&process)));
            self.show_table();
            match query {
                Some(query) => self.push_query(&query),
                None => self.notify("The rows of this suspect are unknown: the allocator was not recorded"),
            }
            return;
        }
        // A driver that uses one tag is still a driver: others use the tag as well.
        let by_driver = self.analyzed_by() == SuspectGrouping::Driver;
        let query = match &suspect.tag {
            _ if by_driver && suspect.driver.is_empty() => None,
            _ if by_driver => Some(format!("driver:={} paged:={paged}", quoted(&suspect.driver))),
            Some(tag) if self.analyzed_by() == SuspectGrouping::Tag => {
                Some(format!("tag:={} paged:={paged}", quoted(tag)))
            }
            _ => None,
        };
        let steps = if by_driver {
            vec![RowPathStep::Value { key: Key::Driver, text: suspect.driver.clone() }, pool_step(suspect.is_paged)]
        } else {
            self.suspect_steps(suspect)
        };
        self.show_table();
        match query {
            Some(query) => self.push_query(&query),
            None => {
                self.push_step(Step::To(vec![RowPath(steps)]));
                self.filter_changed();
            }
        }
    }

    /// The stacks of a suspect.
    pub fn flame_of_suspect(&mut self, at: usize) {
        let Some(suspect) = self.suspects().suspects().get(at) else { return };
        let by = self.analyzed_by();
        let message = scope_title(suspect, by);
        // All that it allocates in this pool, also where that is of one tag: its other stacks are the suspect's too.
        let mut steps = self.whose_steps(suspect).unwrap_or_else(|| self.suspect_steps(suspect));
        if by == SuspectGrouping::Tag {
            steps.retain(|step| step.key() != Key::Stack);
        }
        if let Some(flame) = page(PageId::FLAME) {
            flame.show_rows(self, RowPath(steps), Some(message));
        }
    }

    /// Leads to the page about recording, with the tags of the selected suspects.
    #[must_use]
    pub fn record_suspects(&self) -> Option<(usize, Command)> {
        let page = self.suspects();
        let at = page.cursor.into_iter().chain(page.selected.iter().copied());
        let mut tags: Vec<String> = Vec::new();
        for tag in at.filter_map(|at| page.suspects().get(at)?.tag.clone()) {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        (!tags.is_empty()).then(|| (tags.len(), RecordingCommand::Prepare(RecordingGoal::Tags(tags)).into()))
    }

    pub(in crate::gui) fn copy_suspects(&mut self, command: &DocumentCommand) {
        if *command != DocumentCommand::CopyStack {
            return self.copy_suspect_evidence();
        }
        let frames = self.suspects().current().map(|suspect| self.frames_of(suspect)).unwrap_or_default();
        let text = frames.iter().map(with_line).collect::<Vec<_>>().join("\n");
        if !text.is_empty() {
            self.effects.push(Effect::Copy(text));
            self.effects.push(Effect::Status("Copied the stack".to_owned()));
        }
    }

    /// Copies the evidence on the selected suspects: a paragraph each, as text and as HTML.
    fn copy_suspect_evidence(&mut self) {
        let Some(shown) = &self.suspects().shown else { return };
        let pool_tags = self.results.tag_sources.pool_tags.as_ref();
        let evidence = SuspectEvidence {
            trace: &self.source.name(),
            clock: self.trace.clock,
            analysis: &shown.analysis,
            owner_data: TagOwnerData {
                pool_tags: pool_tags.map(|found| &*found.tags),
                scanned_drivers: self.results.tag_sources.drivers.as_deref(),
            },
        };
        let chosen = self.suspects().selected.iter().filter_map(|at| self.suspects().suspects().get(*at));
        let parts: Vec<RichText> = chosen
            .map(|suspect| {
                let frames: Vec<String> = self.frames_of(suspect).iter().map(with_line).collect();
                evidence.of(suspect, &frames)
            })
            .collect();
        if !parts.is_empty() {
            let what = format::counted(parts.len() as u64, "suspect", "suspects");
            self.effects.push(Effect::CopyRich(RichText::joined(&parts)));
            self.effects.push(Effect::Status(format!("Copied the evidence on {what}")));
        }
    }

    /// Copies the selected suspects as tab-separated text with exact figures.
    fn copy_suspect_table(&mut self) {
        let Some(shown) = &self.suspects().shown else { return };
        let text = texts::tab_separated(&shown.analysis, self.suspects().selected.iter().copied());
        let what = format::counted(self.suspects().selected.len() as u64, "suspect", "suspects");
        self.effects.push(Effect::Copy(text));
        self.effects.push(Effect::Status(format!("Copied {what} as a table")));
    }

    /// The frames of the stack that most of a suspect comes from, the innermost first.
    #[must_use]
    pub fn frames_of(&self, suspect: &Suspect) -> Vec<FrameParts> {
        let names = Arc::clone(&self.results.names);
        self.trace.stacks.inner_to_outer(suspect.stack).map(|frame| names.frame_parts(frame)).collect()
    }
}

fn tag(suspect: &Suspect) -> Option<RowPathStep> {
    suspect.tag.clone().map(|text| RowPathStep::Value { key: Key::Tag, text })
}

/// "tag Leak, nonpaged", "driver myfault.sys, nonpaged".
fn scope_title(suspect: &Suspect, by: SuspectGrouping) -> String {
    let pool = if suspect.is_paged { "paged" } else { "nonpaged" };
    let whose = match &suspect.tag {
        _ if by == SuspectGrouping::Process => {
            format!("process {}", suspect.attribution.process.as_deref().unwrap_or_default())
        }
        Some(tag) if by != SuspectGrouping::Driver => format!("tag {}", tag.trim_end()),
        _ if suspect.driver.is_empty() => "no driver".to_owned(),
        _ => format!("driver {}", suspect.driver),
    };
    if by == SuspectGrouping::Stack { format!("{whose}, {pool}, one stack") } else { format!("{whose}, {pool}") }
}
