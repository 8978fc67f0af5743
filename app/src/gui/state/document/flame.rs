//! The flame graph of a document: asks for merged stacks while the page is shown, takes them in, and carries out what the user
//! does with frames. What rows and stacks are is the engine's to say.

use std::sync::Arc;

use poolscope_analysis::leaks::{SuspectGrouping, Suspect};
use poolscope_analysis::flame::FlameTree;
use poolscope_analysis::pivot::{Key, Pivot, RowPath, RowPathStep};
use poolscope_analysis::filter::query::quoted;

use super::{Document, Effect, Page, Topic};
use crate::gui::command::FlameCommand as C;
use crate::gui::jobs::flame::{Before, FlameAnswer, FlameFindRequest, FlameFound, FlameQuestion, FlameRequest};
use crate::gui::state::flame_model::FlameColours;
use crate::gui::state::flame_page::{FlameScope, FrameGoal, ShownFlame};
use crate::gui::state::rows::{node_id, row_id};
use crate::gui::widgets::flame::Action;

impl Document {
    /// The question as things stand.
    fn flame_question(&self) -> FlameQuestion {
        FlameQuestion {
            names: Arc::clone(&self.names),
            view: self.history.now(),
            filter: Arc::clone(self.filter.narrowing()),
            scope: self.flame.scope.as_ref().map(|scope| scope.place.clone()),
            weight: self.flame.look.weight(),
            merge: self.flame.look.merge(),
            zoom: self.flame.zoom_path(),
        }
    }

    /// Asks for merged stacks while the page is shown and shows others; for finer ones where the zoom asks for more.
    pub(super) fn ask_for_flame(&mut self) {
        if self.page != Page::Flame || !self.has_allocations() {
            return;
        }
        let question = self.flame_question();
        let asked = self.flame.asked.as_ref();
        let alike = asked.is_some_and(|asked| asked.is_alike(&question));
        let finer = self.flame.shown.as_ref().is_some_and(|shown| shown.tree.is_cut(self.flame.view.zoom()))
            && !question.zoom.is_empty()
            && asked.is_some_and(|asked| asked.zoom != question.zoom);
        if alike && (!finer || self.flame.broken) {
            return;
        }
        let only_names = asked.is_some_and(|asked| {
            FlameQuestion { names: Arc::clone(&asked.names), filter: Arc::clone(&asked.filter), ..question.clone() }
                .is_alike(asked)
                && asked.filter.steps() == question.filter.steps()
        });
        if alike || only_names {
            self.quiet.insert(Topic::Flame);
        } else {
            self.quiet.remove(&Topic::Flame);
        }
        self.changed.insert(Topic::Flame);
    }

    pub(super) fn flame_request(&mut self) -> FlameRequest {
        let question = self.flame_question();
        self.flame.asked = Some(question.clone());
        let before = self.flame.shown.as_ref().map(|shown| Before {
            question: shown.question.clone(),
            tree: Arc::clone(&shown.tree),
            zoom: self.flame.view.zoom(),
        });
        FlameRequest { question, before }
    }

    pub(super) fn take_flame(&mut self, answer: FlameAnswer) {
        let FlameAnswer { question, asked_scope, tree, translation } = answer;
        if let Some(scope) = &mut self.flame.scope
            && asked_scope.as_ref() == Some(&scope.place)
            && let Some(place) = &question.scope
        {
            scope.place.clone_from(place);
        }
        let colours = FlameColours(self.module_numbers());
        let shown = ShownFlame { number: 0, question: question.clone(), tree, colours };
        self.flame.take(shown, translation.as_ref());
        self.flame.asked = Some(question);
        self.search_flame();
    }

    /// What is looked for in the frames has changed, or the frames have.
    pub fn search_flame(&mut self) {
        self.flame.found = None;
        if !self.flame.search.trim().is_empty() && self.flame.shown.is_some() {
            self.changed.insert(Topic::FlameFind);
        }
    }

    pub(super) fn flame_find_request(&self) -> Option<FlameFindRequest> {
        let text = self.flame.search.trim().to_owned();
        let tree = Arc::clone(&self.flame.shown.as_ref()?.tree);
        (!text.is_empty()).then_some(FlameFindRequest { tree, text })
    }

    pub(super) fn take_flame_found(&mut self, found: FlameFound) {
        let is_shown = self.flame.shown.as_ref().is_some_and(|shown| Arc::ptr_eq(&shown.tree, &found.tree));
        if is_shown && self.flame.search.trim() == found.text {
            self.flame.found = Some((found.text, found.weight));
        }
    }

    /// Carries out what the user asked of the flame graph.
    pub fn flame_action(&mut self, action: Action) {
        match action {
            Action::Zoom(node) => self.flame.zoom_to(node),
            Action::ZoomOut => {
                self.flame.zoom_back();
            }
            Action::Leave => {
                if !self.flame.zoom_back() {
                    self.show_page(self.flame.from);
                }
            }
        }
    }

    /// Carries out a command.
    pub(super) fn run_flame(&mut self, command: C) {
        match command {
            C::OfRow => self.flame_of_row(),
            C::OfAll => {
                self.flame.scope = None;
                self.show_page(Page::Flame);
            }
            C::Weight(weight) => self.flame.look.set_weight(weight),
            C::Merge(merge) => self.flame.look.set_merge(merge),
            C::RootAtTop(top) => self.flame.look.root_at_top = top,
            C::ZoomIn => {
                if let Some(node) = self.flame.view.cursor() {
                    self.flame.zoom_to(node);
                }
            }
            C::ZoomOut => {
                self.flame.zoom_back();
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

    pub(super) fn can_flame(&self, command: C) -> bool {
        match command {
            C::OfRow => self.shows_table() && self.table.cursor().is_some(),
            C::OfAll => self.flame.scope.is_some(),
            C::Weight(_) | C::Merge(_) | C::RootAtTop(_) => true,
            C::ZoomIn => self.page == Page::Flame && self.flame_cursor().is_some(),
            C::ZoomOut => self.page == Page::Flame && self.flame.view.zoom() != FlameTree::ROOT,
            C::FilterTo | C::ShowInTable => self.page == Page::Flame && self.flame_frame().is_some(),
            C::CopyName | C::CopyStack => self.page == Page::Flame && self.flame_cursor().is_some(),
        }
    }

    pub(super) fn flame_on(&self, command: C) -> Option<bool> {
        match command {
            C::Weight(weight) => Some(self.flame.look.weight() == weight),
            C::Merge(merge) => Some(self.flame.look.merge() == merge),
            C::RootAtTop(top) => Some(self.flame.look.root_at_top == top),
            _ => None,
        }
    }

    /// The selected frame.
    #[must_use]
    pub fn flame_cursor(&self) -> Option<(&FlameTree, u32)> {
        let node = self.flame.view.cursor()?;
        Some((&*self.flame.shown.as_ref()?.tree, node))
    }

    /// The text of the selected frame, if it is one of a stack.
    fn flame_frame(&self) -> Option<String> {
        let (tree, node) = self.flame_cursor()?;
        tree.is_frame(node).then(|| tree.text(node).to_owned())
    }

    /// The frames between the root and the selected one, the innermost first, as stacks are copied everywhere.
    fn flame_stack_text(&self) -> Option<String> {
        let (tree, node) = self.flame_cursor()?;
        let mut path = tree.path(node);
        if self.flame.look.merge() == poolscope_analysis::flame::FlameDirection::TopDown {
            path.reverse();
        }
        Some(path.join("\n")).filter(|text| !text.is_empty())
    }

    fn copy_of_flame(&mut self, text: Option<String>, what: &str) {
        if let Some(text) = text {
            self.effects.push(Effect::Copy(text));
            self.effects.push(Effect::Note(format!("Copied {what}")));
        }
    }

    /// The stacks of the row under the cursor of the table.
    fn flame_of_row(&mut self) {
        let (Some(rows), Some(id)) = (&self.rows, self.table.cursor()) else { return };
        let place = RowPath::of(rows.flat().tree(), node_id(id));
        self.flame.scope = Some(FlameScope { place, words: None });
        self.show_page(Page::Flame);
    }

    /// The stacks of a suspect.
    pub fn flame_of_suspect(&mut self, at: usize) {
        let Some(suspect) = self.suspects.suspects().get(at) else { return };
        let by = self.judged_by();
        let words = scope_words(suspect, by);
        // All that it allocates in this pool, also where that is of one tag: its other stacks are the suspect's too.
        let mut steps = self.whose_steps(suspect).unwrap_or_else(|| self.suspect_steps(suspect));
        if by == SuspectGrouping::Tag {
            steps.retain(|step| step.key() != Key::Stack);
        }
        self.flame.scope = Some(FlameScope { place: RowPath(steps), words: Some(words) });
        self.show_page(Page::Flame);
    }

    /// Goes to the row of the table that has most of the selected frame.
    fn show_frame_in_table(&mut self) {
        let Some((tree, node)) = self.flame_cursor() else { return };
        let Some(stacks) = tree.stacks().filter(|_| tree.is_frame(node)) else { return };
        let frames = stacks.frames(tree.shown(node)).into_iter().map(str::to_owned).collect();
        let scope = self.flame.scope.as_ref().map(|scope| scope.place.clone());
        self.flame.goal = Some(FrameGoal { frames, scope });
        self.show_table();
        if !self.arrangement.keys().contains(&Key::Stack) {
            self.apply_preset("Leak hunt");
            // The frame leads on, not the largest row.
            self.led = true;
        }
        self.reach_frame();
    }

    /// Puts the cursor on the row that is to be shown, as soon as there are the rows that lead to it.
    pub(super) fn reach_frame(&mut self) {
        if self.changed.contains(&Topic::Table) || self.waiting.contains(&Topic::Table) {
            return;
        }
        let Some(goal) = self.flame.goal.take() else { return };
        let weight = self.flame.look.weight();
        let Some(rows) = &mut self.rows else { return };
        let pivot = Arc::clone(rows.flat().tree().pivot());
        let weigh = |group: usize| pivot.aggregates().get(group).map_or(0, |cost| weight.of(cost, pivot.clock()));
        let found = place_of_most(&pivot, &goal, weigh).and_then(|place| rows.find_place(&place, &mut self.expanded));
        let Some(row) = found else {
            self.tell("No row of the table has this frame");
            return;
        };
        self.table.select(row_id(row));
        self.table.request_focus();
        self.remember_selection();
        self.ask_for_unknown();
    }
}

/// Where the table has most of a frame: the way to its row.
fn place_of_most(pivot: &Pivot, goal: &FrameGoal, weigh: impl Fn(usize) -> u64) -> Option<RowPath> {
    let column = pivot.keys().iter().position(|key| *key == Key::Stack)?;
    let stacks = pivot.columns().get(column)?.stacks()?;
    let inside = stacks.subtree(stacks.find(&goal.frames)?);
    let scoped = |group: usize| {
        goal.scope.iter().flat_map(|scope| &scope.0).all(|step| {
            let RowPathStep::Value { key, text } = step else { return true };
            let Some(at) = pivot.keys().iter().position(|own| own == key) else { return true };
            let id = pivot.ids(group).get(at).copied().unwrap_or(0);
            pivot.columns().get(at).is_none_or(|values| values.text(id) == text.as_str())
        })
    };
    let fits = |group: &usize| pivot.ids(*group).get(column).is_some_and(|id| inside.contains(id)) && scoped(*group);
    // Of equal ones the first in the order of the table.
    let most = (0..pivot.len()).filter(fits).max_by_key(|group| (weigh(*group), std::cmp::Reverse(*group)))?;
    let mut steps = Vec::with_capacity(column + 1);
    for ((key, values), id) in pivot.keys().iter().zip(pivot.columns()).zip(pivot.ids(most)).take(column) {
        steps.push(match values.stacks() {
            Some(_) if *id == 0 => RowPathStep::NoStack { key: *key },
            Some(stacks) => {
                RowPathStep::Frames { key: *key, frames: stacks.frames(*id).into_iter().map(str::to_owned).collect() }
            }
            None => RowPathStep::Value { key: *key, text: values.text(*id).into_owned() },
        });
    }
    steps.push(RowPathStep::Frames { key: Key::Stack, frames: goal.frames.clone() });
    Some(RowPath(steps))
}

/// "tag Leak, nonpaged", "driver myfault.sys, nonpaged".
fn scope_words(suspect: &Suspect, by: SuspectGrouping) -> String {
    let pool = if suspect.paged { "paged" } else { "nonpaged" };
    let whose = match &suspect.tag {
        _ if by == SuspectGrouping::Process => format!("process {}", suspect.attribution.process.as_deref().unwrap_or_default()),
        Some(tag) if by != SuspectGrouping::Driver => format!("tag {}", tag.trim_end()),
        _ if suspect.driver.is_empty() => "no driver".to_owned(),
        _ => format!("driver {}", suspect.driver),
    };
    if by == SuspectGrouping::Stack { format!("{whose}, {pool}, one stack") } else { format!("{whose}, {pool}") }
}
