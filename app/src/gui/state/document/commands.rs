//! Carries out the commands about a trace, and says which of them would do anything.

use poolscope_analysis::pivot::NodeId;

use super::{Document, Effect, Layout, Page, Topic};
use crate::gui::command::{DocumentCommand as C, FlameCommand};
use crate::gui::state::dialogs::Dialog;
use crate::gui::state::rows::{Rows, node_id};
use crate::gui::widgets::pivot_table::{TreeModel, tab_separated};

impl Document {
    /// Carries out a command.
    pub fn run(&mut self, command: &C) {
        match command {
            C::CopyRows | C::CopyStack if self.page == Page::Suspects => self.copy_suspects(command),
            C::CopyStack if self.page == Page::Flame => self.run_flame(FlameCommand::CopyStack),
            C::CopyRows | C::CopyCell if self.page == Page::Flame => self.run_flame(FlameCommand::CopyName),
            C::CopyRows | C::CopyCell | C::CopyStack => self.copy_what(command),
            C::Find if self.page == Page::Suspects => self.suspects.wants_filter = true,
            C::Find if self.page == Page::Flame => self.flame.wants_search = true,
            C::FindNext if self.page == Page::Flame => self.flame.view.step_match(true),
            C::FindPrevious if self.page == Page::Flame => self.flame.view.step_match(false),
            C::Find => {
                self.show_table();
                self.open_find();
            }
            C::FindNext => self.find_step(true),
            C::FindPrevious => self.find_step(false),
            C::EditQuery => {
                self.show_table();
                self.query.wants_focus = true;
            }
            C::FilterTo if self.page == Page::Flame => self.run_flame(FlameCommand::FilterTo),
            C::FilterTo => self.filter_selection(true),
            C::FilterOut => self.filter_selection(false),
            C::FilterUndo => self.filter_history(true),
            C::FilterRedo => self.filter_history(false),
            C::FilterClear => self.clear_filter(),
            C::FindCallers => self.find_callers(),
            C::ZoomToSelection | C::ZoomIn | C::ZoomOut | C::ZoomBack | C::ZoomForward | C::ZoomAll => {
                self.run_zoom(command);
            }
            C::Layout(layout) => self.layout = *layout,
            C::Page(page) => self.show_page(*page),
            C::Measure(measure) => self.draw_measure(measure.kind, measure.by_count),
            C::Draw(kind) => self.draw_as(*kind),
            C::Curves(count) => {
                self.most_curves = *count;
                self.changed.insert(Topic::Curves);
            }
            C::CountEarlier => {
                self.earlier = !self.earlier;
                self.curves_are_old();
            }
            C::GraphRows => self.pin_rows(),
            C::ShowAllCurves => self.show_all_curves(),
            C::MarkSelection => {
                if let Some(range) = self.graph.selection() {
                    self.add_marks(&[range.from, range.to]);
                }
            }
            C::ClearMarks => self.clear_marks(),
            C::ExpandBelow => self.expand_below(),
            C::CollapseOthers => self.collapse_others(),
            C::Columns => self.dialog = Some(Dialog::Columns { search: String::new() }),
            C::FitColumns => self.table.fit_all(),
            C::SavePreset => {
                let own = !self.presets.read().is_built_in(&self.preset);
                let name = if own { self.preset.clone() } else { format!("My {}", self.preset.to_lowercase()) };
                self.dialog = Some(Dialog::SavePreset { name });
            }
            C::ManagePresets => self.dialog = Some(Dialog::presets()),
            C::ResetColumns => self.apply_preset(&self.preset.clone()),
            C::Preset(name) => self.apply_preset(name),
            C::Symbols(command) => self.run_symbols(*command),
            C::Suspects(command) => self.run_suspects(*command),
            C::Flame(command) => self.run_flame(*command),
        }
    }

    /// Shows a page in the middle, which takes the keys.
    pub(super) fn show_page(&mut self, page: Page) {
        if page == Page::Flame && self.page != Page::Flame {
            self.flame.from = self.page;
        }
        self.page = page;
        self.modules.wants_focus = page == Page::Modules;
        self.suspects.wants_focus = page == Page::Suspects;
        if page == Page::Flame {
            self.flame.view.request_focus();
        }
    }

    /// What is looked for or written about rows has to be seen.
    pub(super) fn show_table(&mut self) {
        self.page = Page::Analysis;
        if self.layout == Layout::Graph {
            self.layout = Layout::Both;
        }
    }

    /// What was typed while a command opened its field goes into that field.
    pub fn write(&mut self, command: &C, typed: &str) {
        match command {
            C::Find if !typed.is_empty() => {
                self.finder.text = typed.to_owned();
                self.search_changed();
            }
            C::EditQuery => self.query.text.push_str(typed),
            _ => {}
        }
    }

    fn run_zoom(&mut self, command: &C) {
        let (view, whole) = (self.view(), self.whole());
        let middle = f64::midpoint(view.from, view.to);
        match command {
            C::ZoomToSelection => {
                if let Some(to) = self.graph.selection() {
                    self.graph.select(None);
                    self.zoom(to, false);
                }
            }
            C::ZoomIn => self.zoom(view.zoomed(0.5, middle, whole), false),
            C::ZoomOut => self.zoom(view.zoomed(2.0, middle, whole), false),
            C::ZoomBack => self.zoom_step(true),
            C::ZoomForward => self.zoom_step(false),
            _ => self.zoom_all(),
        }
    }

    fn copy_what(&mut self, command: &C) {
        let text = match command {
            C::CopyStack => self.stack_text(),
            C::CopyCell => self.cursor_text(),
            _ => self.selected_text(),
        };
        if let Some(text) = text {
            self.effects.push(Effect::Copy(text));
            self.tell("Copied");
        }
    }

    /// The heaviest stack of the selected row: as the groups have it, or else as its blocks were found to have it.
    #[must_use]
    pub fn stack_text(&self) -> Option<String> {
        let details = self.details.as_ref()?;
        if !details.stack.is_empty() {
            return Some(details.stack_text());
        }
        let share = self.profile.as_ref().filter(|_| !self.waits(Topic::Profile))?.profile.stacks.first()?;
        let frames = share.frames.iter().rev().map(|frame| frame.text.as_str());
        Some(frames.collect::<Vec<_>>().join("\n")).filter(|text| !text.is_empty())
    }

    fn cursor_text(&self) -> Option<String> {
        let tree = self.rows.as_ref()?.flat().tree();
        Some(tree.label(node_id(self.table.cursor()?)).into_owned())
    }

    fn selected_text(&self) -> Option<String> {
        let rows = self.rows.as_ref()?;
        let mut indexes: Vec<u64> = self.table.selected().iter().filter_map(|id| rows.index_of(*id)).collect();
        indexes.sort_unstable();
        let selected = indexes.into_iter().filter_map(|index| rows.row(index));
        Some(tab_separated(rows.columns(), selected)).filter(|_| !self.table.selected().is_empty())
    }

    /// Whether a command would do anything now.
    #[must_use]
    pub fn can(&self, command: &C) -> bool {
        let selected = || !self.table.selected().is_empty();
        match command {
            C::Page(_) => true,
            C::Symbols(command) => self.symbols_blocked(*command).is_none(),
            _ if !self.has_allocations() => false,
            C::Suspects(command) => self.can_suspects(*command),
            C::Flame(command) => self.can_flame(*command),
            C::CopyRows | C::CopyCell if self.page == Page::Flame => self.can_flame(FlameCommand::CopyName),
            C::CopyStack if self.page == Page::Flame => self.can_flame(FlameCommand::CopyStack),
            C::FilterTo if self.page == Page::Flame => self.can_flame(FlameCommand::FilterTo),
            C::FindNext | C::FindPrevious if self.page == Page::Flame => !self.flame.search.trim().is_empty(),
            C::CopyRows | C::CopyStack if self.page == Page::Suspects => self.suspects.current().is_some(),
            C::ZoomToSelection | C::MarkSelection => self.graph.selection().is_some(),
            C::ZoomBack => self.history.can_go_back(),
            C::ZoomForward => self.history.can_go_forward(),
            C::CopyStack => self.stack_text().is_some(),
            C::CopyRows | C::FilterTo | C::FilterOut | C::GraphRows => selected(),
            C::CopyCell | C::CollapseOthers => self.table.cursor().is_some(),
            C::ExpandBelow => self.cursor_node().is_some_and(|(rows, node)| rows.flat().tree().has_children(node)),
            C::FindCallers => self.cursor_frame().is_some(),
            C::FindNext | C::FindPrevious => !self.finder.text.is_empty(),
            C::FilterUndo => self.filter.can_undo(),
            C::FilterRedo => self.filter.can_redo(),
            C::FilterClear => !self.filter.steps().is_empty(),
            C::ShowAllCurves => !self.hidden.is_empty(),
            C::ClearMarks => !self.marks.is_empty(),
            C::ResetColumns => self.presets.read().get(&self.preset).is_some_and(|preset| {
                preset.arrangement != self.arrangement || preset.arrangement.widths() != *self.table.widths()
            }),
            _ => true,
        }
    }

    fn cursor_node(&self) -> Option<(&Rows, NodeId)> {
        Some((self.rows.as_ref()?, node_id(self.table.cursor()?)))
    }

    /// Whether what a command switches on is on; `None` for commands that switch nothing.
    #[must_use]
    pub fn is_on(&self, command: &C) -> Option<bool> {
        match command {
            C::Measure(measure) => Some(self.measure() == *measure && self.arrangement.graphed().is_some()),
            C::Draw(kind) => Some(self.kind == *kind),
            C::Curves(count) => Some(self.most_curves == *count),
            C::CountEarlier => Some(self.earlier),
            C::Layout(layout) => Some(self.layout == *layout),
            C::Page(page) => Some(self.page == *page),
            C::Preset(name) => Some(self.preset == *name),
            C::Symbols(command) => self.symbols_on(*command),
            C::Suspects(command) => self.suspects_on(*command),
            C::Flame(command) => self.flame_on(*command),
            _ => None,
        }
    }

    /// Whether the table is shown.
    #[must_use]
    pub fn shows_table(&self) -> bool {
        self.page == Page::Analysis && self.layout != Layout::Graph
    }

    /// Whether the graph is shown.
    #[must_use]
    pub fn shows_graph(&self) -> bool {
        self.page == Page::Analysis && self.layout != Layout::Table
    }
}
