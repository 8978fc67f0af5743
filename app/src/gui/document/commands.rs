//! Runs the commands of a trace, and decides which of them are enabled.

use crate::gui::model::page_id::PageId;
use poolscope_analysis::pivot::NodeId;

use super::{Document, Effect, Layout, Topic};
use crate::gui::commands::{ColumnChange, DocumentCommand as C, WidgetAction};
use crate::gui::document::table_model::{Rows, node_id};
use crate::gui::model::dialogs::Dialog;
use crate::gui::model::frame_parts::with_line;
use crate::gui::pages::page;
use crate::gui::widgets::pivot_table::{TreeModel, tab_separated};

impl Document {
    /// Carries out a command.
    pub fn run(&mut self, command: &C) {
        if page(self.ui.page).is_some_and(|page| page.run_shared(self, command)) {
            return;
        }
        match command {
            C::CopyRows | C::CopyCell | C::CopyStack => self.copy_what(command),
            // Other pages search in their own way, or not at all.
            C::Find if self.ui.page == PageId::ANALYSIS => {
                self.show_table();
                self.open_find();
            }
            C::Find => {}
            C::FindNext => self.find_step(true),
            C::FindPrevious => self.find_step(false),
            C::EditQuery => {
                self.show_table();
                self.ui.query_box.wants_focus = true;
            }
            C::FilterTo => self.filter_selection(true),
            C::FilterOut => self.filter_selection(false),
            C::Undo => self.undo(true),
            C::Redo => self.undo(false),
            C::FilterClear => self.clear_filter(),
            C::FindCallers => self.find_callers(),
            C::ZoomToSelection | C::ZoomIn | C::ZoomOut | C::ZoomBack | C::ZoomForward | C::ZoomAll => {
                self.run_zoom(command);
            }
            C::Layout(layout) => self.ui.layout = *layout,
            C::Page(id) => self.show_page(*id),
            C::Back => self.go_back(),
            C::Measure(measure) => self.draw_measure(measure.kind, measure.by_count),
            C::Draw(kind) => self.draw_as(*kind),
            C::Curves(count) => {
                self.query.max_curves = *count;
                self.work.asked.insert(Topic::Curves);
            }
            C::IncludePreexisting => {
                self.query.include_preexisting = !self.query.include_preexisting;
                self.curves_are_old();
            }
            C::GraphRows => self.pin_rows(),
            C::ShowAllCurves => self.show_all_curves(),
            C::MarkSelection => {
                if let Some(range) = self.ui.graph.selection() {
                    self.add_marks(&[range.from, range.to]);
                }
            }
            C::ClearMarks => self.clear_marks(),
            C::GoToResponsible => self.go_to_responsible(),
            C::ExpandBelow => self.expand_below(),
            C::CollapseOthers => self.collapse_others(),
            C::Columns => self.open_view_editor(),
            C::FitColumns => self.ui.table.fit_all(),
            C::SavePreset => {
                let own = !self.presets.read().is_built_in(&self.ui.preset);
                let name = if own { self.ui.preset.clone() } else { format!("My {}", self.ui.preset.to_lowercase()) };
                self.ui.dialog = Some(Dialog::SavePreset { name });
            }
            C::ManagePresets => self.ui.dialog = Some(Dialog::presets()),
            C::ResetColumns => self.apply_preset(&self.ui.preset.clone()),
            C::Preset(name) => self.apply_preset(name),
            C::Export(kind) => self.begin_export(*kind),
            C::CancelExport => self.cancel_export(),
            C::EditNote => self.ui.dialog = Some(Dialog::Note { text: self.ui.note.clone() }),
            C::Symbols(command) => self.run_symbols(*command),
            C::OfPage(command) => {
                if let Some(page) = page(command.page) {
                    page.run(self, command.id);
                }
            }
            C::OfWidget(action) => self.run_widget_action(action.clone()),
        }
    }

    /// Carries out an action in a widget.
    fn run_widget_action(&mut self, action: WidgetAction) {
        match action {
            WidgetAction::Graph(action) => self.graph_action(action),
            WidgetAction::Table(action) => self.table_action(action),
            WidgetAction::GraphBy(keys) => self.graph_by(keys),
            WidgetAction::Columns(change) => self.change_columns(change),
            WidgetAction::RemoveFilterStep(at) => self.remove_step(at),
            WidgetAction::EditFilterStep(at) => self.edit_step(at),
            WidgetAction::CompleteQuery(cursor) => self.complete_query(cursor),
            WidgetAction::EnterQuery => self.enter_query(),
            WidgetAction::LeaveQuery => self.leave_query(),
            WidgetAction::SearchChanged => self.search_changed(),
            WidgetAction::CloseFind => self.close_find(),
            WidgetAction::SavePresetAs(name) => {
                if let Err(why) = self.save_preset(&name) {
                    self.notify(why);
                }
            }
            WidgetAction::KeepView => self.keep_view(),
            WidgetAction::RestoreView => self.restore_view(),
            WidgetAction::RenamePreset { from, to } => self.rename_preset_in_dialog(&from, &to),
            WidgetAction::DeletePreset(name) => self.delete_preset(&name),
            WidgetAction::ExchangePresets(request) => self.exchange_presets(request),
            WidgetAction::PickFile(asked) => self.effects.push(Effect::Pick(asked)),
            WidgetAction::ExportTo(kind, path) => self.export_to(kind, &path, true),
            WidgetAction::SetNote(text) => self.ui.note = text,
        }
    }

    fn change_columns(&mut self, change: ColumnChange) {
        match change {
            ColumnChange::Add(what, area) => self.add_column(what, area),
            ColumnChange::Move(column, area, before) => self.move_column(column, area, before),
            ColumnChange::Remove(column) => self.remove_column(column),
            ColumnChange::Aggregate(column, metric) => self.aggregate(column, metric),
            ColumnChange::Unit(column, unit) => self.set_unit(column, unit),
            ColumnChange::Freeze(columns) => self.freeze(columns),
            ColumnChange::Fit(column) => self.ui.table.fit(column),
            ColumnChange::Insert(what, area, before) => self.insert_column(what, area, before),
            ColumnChange::Sort(column, order) => self.sort_column(column, order),
            ColumnChange::Width(column, points) => self.set_width(column, points),
        }
    }

    /// Brings the table to the front: a search or a query is about its rows.
    pub(in crate::gui) fn show_table(&mut self) {
        self.show_page(PageId::ANALYSIS);
        if self.ui.layout == Layout::Graph {
            self.ui.layout = Layout::Both;
        }
    }

    /// Puts text that was typed while a command opened its field into that field.
    pub fn write(&mut self, command: &C, typed: &str) {
        match command {
            C::Find if !typed.is_empty() => {
                self.ui.finder.text = typed.to_owned();
                self.search_changed();
            }
            C::EditQuery => self.ui.query_box.text.push_str(typed),
            _ => {}
        }
    }

    fn run_zoom(&mut self, command: &C) {
        let (range, whole) = (self.visible_range(), self.whole());
        let middle = f64::midpoint(range.from, range.to);
        match command {
            C::ZoomToSelection => {
                if let Some(to) = self.ui.graph.selection() {
                    self.ui.graph.select(None);
                    self.zoom(to, false);
                }
            }
            C::ZoomIn => self.zoom(range.zoomed(0.5, middle, whole), false),
            C::ZoomOut => self.zoom(range.zoomed(2.0, middle, whole), false),
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
            let what = match command {
                C::CopyStack => "the stack",
                C::CopyCell => "the cell",
                _ => "the rows",
            };
            self.effects.push(Effect::Status(format!("Copied {what}")));
        }
    }

    /// The heaviest stack of the selected row: as the groups have it, or else as its blocks were found to have it.
    #[must_use]
    pub fn stack_text(&self) -> Option<String> {
        let details = self.results.details.as_ref()?;
        if !details.stack.is_empty() {
            let frames = details.stack.iter().map(|text| self.with_source_line(text));
            return Some(frames.collect::<Vec<_>>().join("\n"));
        }
        let share = self.results.profile.as_ref().filter(|_| !self.waits(Topic::Profile))?.profile.stacks.first()?;
        let frames = share.frames.iter().rev().map(with_line);
        Some(frames.collect::<Vec<_>>().join("\n")).filter(|text| !text.is_empty())
    }

    fn cursor_text(&self) -> Option<String> {
        let tree = self.results.rows.as_ref()?.flat().tree();
        Some(tree.label(node_id(self.ui.table.cursor()?)).into_owned())
    }

    fn selected_text(&self) -> Option<String> {
        let rows = self.results.rows.as_ref()?;
        let mut indexes: Vec<u64> = self.ui.table.selected().iter().filter_map(|id| rows.index_of(*id)).collect();
        indexes.sort_unstable();
        Some(tab_separated(rows, indexes.into_iter())).filter(|_| !self.ui.table.selected().is_empty())
    }

    /// Returns whether a command would do anything now.
    #[must_use]
    pub fn can(&self, command: &C) -> bool {
        let selected = || !self.ui.table.selected().is_empty();
        match command {
            C::Page(_) => true,
            C::Back => self.ui.page != PageId::ANALYSIS,
            C::Symbols(command) => self.symbols_blocked(*command).is_none(),
            _ if !self.has_allocations() => false,
            C::OfPage(command) => page(command.page).is_some_and(|page| page.can(self, command.id)),
            C::Export(kind) => self.can_export(*kind),
            C::CancelExport => self.ui.exporting.is_some(),
            _ if let Some(can) = page(self.ui.page).and_then(|page| page.can_shared(self, command)) => can,
            C::ZoomToSelection | C::MarkSelection => self.ui.graph.selection().is_some(),
            C::ZoomBack => self.ui.range_history.can_go_back(),
            C::ZoomForward => self.ui.range_history.can_go_forward(),
            C::CopyStack => self.stack_text().is_some(),
            C::CopyRows | C::FilterTo | C::FilterOut | C::GraphRows => selected(),
            C::CopyCell | C::CollapseOthers | C::GoToResponsible => self.ui.table.cursor().is_some(),
            C::ExpandBelow => self.cursor_node().is_some_and(|(rows, node)| rows.flat().tree().has_children(node)),
            C::FindCallers => self.cursor_frame().is_some(),
            C::Find => self.ui.page == PageId::ANALYSIS,
            C::FindNext | C::FindPrevious => !self.ui.finder.text.is_empty(),
            C::Undo => self.ui.edits.can_undo(),
            C::Redo => self.ui.edits.can_redo(),
            C::FilterClear => !self.query.filter.steps().is_empty(),
            C::ShowAllCurves => !self.ui.hidden.is_empty(),
            C::ClearMarks => !self.query.marks.is_empty(),
            C::ResetColumns => self.presets.read().get(&self.ui.preset).is_some_and(|preset| {
                preset.layout != self.query.columns || preset.layout.widths() != *self.ui.table.widths()
            }),
            _ => true,
        }
    }

    fn cursor_node(&self) -> Option<(&Rows, NodeId)> {
        Some((self.results.rows.as_ref()?, node_id(self.ui.table.cursor()?)))
    }

    /// Returns whether what a command switches on is on; `None` for commands that switch nothing.
    #[must_use]
    pub fn is_on(&self, command: &C) -> Option<bool> {
        match command {
            C::Measure(measure) => Some(self.query.measure() == *measure && self.query.columns.graphed().is_some()),
            C::Draw(kind) => Some(self.ui.curve_style == *kind),
            C::Curves(count) => Some(self.query.max_curves == *count),
            C::IncludePreexisting => Some(self.query.include_preexisting),
            C::Layout(layout) => Some(self.ui.layout == *layout),
            C::Page(id) => Some(self.ui.page == *id),
            C::Preset(name) => Some(self.ui.preset == *name),
            C::Symbols(command) => self.symbols_on(*command),
            C::OfPage(command) => page(command.page)?.is_on(self, command.id),
            _ => None,
        }
    }

    /// Returns whether the table is shown.
    #[must_use]
    pub fn shows_table(&self) -> bool {
        self.ui.page == PageId::ANALYSIS && self.ui.layout != Layout::Graph
    }

    /// Returns whether the graph is shown.
    #[must_use]
    pub fn shows_graph(&self) -> bool {
        self.ui.page == PageId::ANALYSIS && self.ui.layout != Layout::Table
    }
}
