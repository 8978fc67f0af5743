//! The columns and presets of a document: what the user moves, adds, takes away, saves.

use poolscope_analysis::pivot::{Key, Metric};
use poolscope_analysis::series::SeriesKind as MeasureKind;

use super::{Document, Effect, Topic};
use crate::format;
use crate::format::column::ColumnUnit;
use crate::gui::jobs::files::{FileAnswer, FileRequest};
use crate::gui::model::columns::ColumnRole;
use crate::gui::model::columns::What;
use crate::gui::model::dialogs::{Dialog, Outcome};
use crate::gui::model::edit_log::Edit;
use crate::gui::model::filter::Step;
use crate::gui::model::presets::BuiltIn;
use crate::gui::model::table_layout::{Placed, TableLayout};

impl Document {
    /// Returns whether the columns are no longer those of the preset.
    #[must_use]
    pub fn is_modified(&self) -> bool {
        let presets = self.presets.read();
        let now = self.query.columns.without_widths();
        presets.get(&self.ui.preset).is_none_or(|preset| preset.layout.without_widths() != now)
    }

    /// Moves a column; says why if it cannot.
    pub fn move_column(&mut self, column: u32, area: ColumnRole, before: Option<u32>) {
        self.change(|layout| layout.move_column(column, area, before));
    }

    /// Takes in a column in its natural place; says why if it cannot.
    pub fn add_column(&mut self, what: What, area: ColumnRole) {
        self.change(|layout| {
            // Behind a stack it would be found only after the last call of each.
            let stack = |placed: &&Placed| matches!(placed.what, What::Key(key) if key.is_stack());
            let first_stack = layout.columns.iter().find(stack).map(|placed| placed.id);
            let before = first_stack.filter(|_| !matches!(what, What::Key(key) if key.is_stack()));
            layout.add(what, area, before).map(drop)
        });
    }

    /// Takes in a column before another one, or at the end of the area; says why if it cannot.
    pub fn insert_column(&mut self, what: What, area: ColumnRole, before: Option<u32>) {
        self.change(|layout| layout.add(what, area, before).map(drop));
    }

    /// Sorts by a column after those that decide now, or no longer by it.
    pub fn sort_column(&mut self, column: u32, order: Option<bool>) {
        self.change(|layout| {
            layout.set_sort(column, order);
            Ok(())
        });
    }

    /// Makes a column this wide, or as wide as its kind is at first.
    pub fn set_width(&mut self, column: u32, points: Option<f32>) {
        let mut widths = self.ui.table.widths().clone();
        match points {
            Some(points) => drop(widths.insert(column, points)),
            None => drop(widths.remove(&column)),
        }
        self.ui.table.set_widths(widths);
        self.change(|layout| {
            layout.set_width(column, points);
            Ok(())
        });
    }

    /// Takes a column away; says why if it cannot.
    pub fn remove_column(&mut self, column: u32) {
        self.change(|layout| layout.remove(column));
    }

    /// Adds a column's values up in another way.
    pub fn aggregate(&mut self, column: u32, metric: Metric) {
        self.change(|layout| {
            layout.aggregate(column, metric);
            Ok(())
        });
    }

    /// Writes a column's figures in another unit.
    pub fn set_unit(&mut self, column: u32, unit: ColumnUnit) {
        self.change(|layout| {
            layout.set_unit(column, unit);
            Ok(())
        });
    }

    /// Freezes this many columns: they stay where they are when the others scroll.
    pub fn freeze(&mut self, columns: usize) {
        self.note_edit(Edit::Columns);
        self.query.columns.frozen = columns;
    }

    /// By which key columns the graph has its curves.
    pub fn graph_by(&mut self, keys: Vec<Key>) {
        self.change(|layout| {
            layout.graph_by = keys;
            Ok(())
        });
    }

    /// Draws this measure: the figure that has it moves over the blue bar.
    pub fn draw_measure(&mut self, kind: MeasureKind, by_count: bool) {
        if self.query.measure_kind != kind {
            self.query.measure_kind = kind;
            self.curves_are_old();
        }
        if self.query.columns.graphed().is_some_and(|graphed| graphed.by_count == by_count) {
            return;
        }
        let metric = if by_count { Metric::Count } else { Metric::Size };
        let there = self.query.columns.columns.iter().find(|column| column.what == What::Figure(metric)).map(|c| c.id);
        match there {
            Some(column) => self.move_column(column, ColumnRole::Graph, None),
            None => self.add_column(What::Figure(metric), ColumnRole::Graph),
        }
    }

    pub(in crate::gui) fn curves_are_old(&mut self) {
        self.work.unnoticed.remove(&Topic::Curves);
        self.work.asked.insert(Topic::Curves);
    }

    /// Changes the layout and requests the results that depend on it.
    fn change(&mut self, change: impl FnOnce(&mut TableLayout) -> Result<(), String>) {
        let mut after = self.query.columns.clone();
        match change(&mut after) {
            Ok(()) if after == self.query.columns => {}
            Ok(()) => {
                self.note_edit(Edit::Columns);
                self.apply_columns(after);
            }
            Err(why) => self.notify(why),
        }
    }

    pub(in crate::gui) fn apply_columns(&mut self, after: TableLayout) {
        if after.keys() != self.query.columns.keys() {
            self.carry_cursor();
        }
        let before = std::mem::replace(&mut self.query.columns, after);
        if before.columns != self.query.columns.columns {
            self.keep_widths();
        }
        if before.keys() != self.query.columns.keys() {
            self.work.unnoticed.remove(&Topic::Table);
            self.work.asked.insert(Topic::Table);
        } else {
            self.order_changed();
        }
        if before.graphed() != self.query.columns.graphed() {
            self.curves_are_old();
            if self.query.columns.graphed().is_none() {
                self.results.curves = None;
                self.results.pinned_curves.clear();
                self.results.graph_data = None;
            }
        } else if before.graph_by != self.query.columns.graph_by {
            self.ask_outdated();
        }
    }

    /// The table remembers widths by column: those of columns that changed what they show are given up.
    fn keep_widths(&mut self) {
        let ids: Vec<u32> = self.query.columns.columns.iter().map(|column| column.id).collect();
        let mut widths = self.ui.table.widths().clone();
        widths.retain(|id, _| ids.contains(id));
        self.ui.table.set_widths(widths);
    }

    /// Shows the columns of a preset.
    pub fn apply_preset(&mut self, name: &str) {
        let Some(preset) = self.presets.read().get(name).cloned() else { return };
        let changes_filter = self.query.columns.query != preset.layout.query;
        self.note_edit(if changes_filter { Edit::ColumnsAndFilter } else { Edit::Columns });
        self.ui.preset = preset.name;
        self.apply(preset.layout);
    }

    /// Shows the columns of a preset of the program.
    pub(in crate::gui) fn apply_built_in(&mut self, preset: BuiltIn) {
        self.apply_preset(preset.name());
    }

    /// Shows these columns, with the query and the way to the answer that belong to them.
    fn apply(&mut self, layout: TableLayout) {
        self.carry_cursor();
        let old_query = std::mem::replace(&mut self.query.columns, layout.clone()).query;
        let queries = [old_query.as_str(), layout.query.as_str()].map(|text| text.parse().ok().map(Step::Query));
        let [old, new] = queries;
        let mut steps = self.query.filter.steps().to_vec();
        if !old_query.is_empty() {
            steps.retain(|step| Some(step) != old.as_ref());
        }
        if !layout.query.is_empty() {
            steps.extend(new);
        }
        if steps != self.query.filter.steps() {
            self.set_steps_unnoted(steps);
            self.filter_changed();
        }
        self.ui.table.set_widths(layout.widths());
        self.ui.initial_reveal_done = false;
        self.results.graph_data = None;
        self.results.curves = None;
        self.results.pinned_curves.clear();
        self.ui.pinned.clear();
        self.ui.hidden.clear();
        self.work.asked.insert(Topic::Table);
        self.curves_are_old();
    }

    /// The columns as a preset keeps them: with their widths.
    pub(in crate::gui) fn columns_to_save(&self) -> TableLayout {
        let mut layout = self.query.columns.clone();
        for column in &mut layout.columns {
            column.width = self.ui.table.widths().get(&column.id).copied().or(column.width);
        }
        layout
    }

    /// Saves the columns under a name; says why if it cannot.
    pub fn save_preset(&mut self, name: &str) -> Result<(), String> {
        let layout = self.columns_to_save();
        self.presets.write().save(name, layout.clone())?;
        self.ui.preset = name.trim().to_owned();
        self.query.columns = layout;
        self.effects.push(Effect::PresetsChanged);
        self.notify(format!("Saved preset {}", self.ui.preset));
        Ok(())
    }

    /// Gives one of the user's own presets another name.
    ///
    /// # Errors
    /// The reason as a sentence, if the name cannot be used.
    pub fn rename_preset(&mut self, from: &str, to: &str) -> Result<(), String> {
        self.presets.write().rename(from, to)?;
        if self.ui.preset == from {
            to.trim().clone_into(&mut self.ui.preset);
        }
        self.effects.push(Effect::PresetsChanged);
        Ok(())
    }

    /// Renames a preset from the dialog of the presets, which shows the reason if the name cannot be used.
    pub(in crate::gui) fn rename_preset_in_dialog(&mut self, from: &str, to: &str) {
        let result = self.rename_preset(from, to);
        let Some(Dialog::Presets { renaming, outcome, .. }) = &mut self.ui.dialog else { return };
        match result {
            Ok(()) => (*renaming, *outcome) = (None, None),
            Err(message) => *outcome = Some(Outcome { message, failed: true }),
        }
    }

    /// Deletes one of the user's own presets; the columns stay.
    pub fn delete_preset(&mut self, name: &str) {
        self.presets.write().delete(name);
        self.effects.push(Effect::PresetsChanged);
        self.notify(format!("Deleted preset {name}"));
    }

    /// Reads presets from a file, or writes the user's own into one.
    pub fn exchange_presets(&mut self, request: FileRequest) {
        self.work.file = Some(request);
        self.work.asked.insert(Topic::File);
    }

    pub(in crate::gui) fn file_request(&self) -> Option<FileRequest> {
        self.work.file.clone()
    }

    pub(in crate::gui) fn apply_file(&mut self, answer: FileAnswer) {
        self.work.file = None;
        let result = match answer {
            FileAnswer::Exists(path, text) => {
                let Some(Dialog::Presets { outcome, replace, .. }) = &mut self.ui.dialog else {
                    return self.notify(format!("{} exists already and was not replaced", path.display()));
                };
                (*outcome, *replace) = (None, Some((path, text)));
                return;
            }
            FileAnswer::Read(path, text) => self.presets.write().import(&text).map(|count| {
                let presets = format::counted(count as u64, "preset", "presets");
                format!("Imported {presets} from {}", path.display())
            }),
            FileAnswer::Written(path) => Ok(format!("Exported presets to {}", path.display())),
            FileAnswer::Failed(why) => Err(why),
        };
        if result.is_ok() {
            self.effects.push(Effect::PresetsChanged);
        }
        let failed = result.is_err();
        let message = result.unwrap_or_else(|why| why);
        match &mut self.ui.dialog {
            Some(Dialog::Presets { outcome, .. }) => *outcome = Some(Outcome { message, failed }),
            _ => self.notify(message),
        }
    }
}
