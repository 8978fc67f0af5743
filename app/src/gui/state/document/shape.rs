//! The columns and presets of a document: what the user moves, adds, takes away, saves.

use poolscope_analysis::pivot::{Metric, Key};
use poolscope_analysis::series::SeriesKind as MeasureKind;

use super::{Document, Effect, Topic};
use crate::gui::jobs::files::{FileAnswer, FileRequest};
use crate::gui::state::arrangement::{Arrangement, Placed};
use crate::gui::state::columns::What;
use crate::gui::state::dialogs::{Dialog, Outcome};
use crate::gui::state::filter::Step;
use crate::gui::state::units::Unit;
use crate::gui::widgets::pivot_table::Area;

impl Document {
    /// Whether the columns are no longer those of the preset.
    #[must_use]
    pub fn is_modified(&self) -> bool {
        let presets = self.presets.read();
        let now = self.arrangement.without_widths();
        presets.get(&self.preset).is_none_or(|preset| preset.arrangement.without_widths() != now)
    }

    /// Moves a column; says why if it cannot.
    pub fn move_column(&mut self, column: u32, area: Area, before: Option<u32>) {
        self.change(|arrangement| arrangement.move_column(column, area, before));
    }

    /// Takes in a column in its natural place; says why if it cannot.
    pub fn add_column(&mut self, what: What, area: Area) {
        self.change(|arrangement| {
            // Behind a stack it would be found only after the last call of each.
            let stack = |placed: &&Placed| matches!(placed.what, What::Key(key) if key.is_stack());
            let first_stack = arrangement.columns.iter().find(stack).map(|placed| placed.id);
            let before = first_stack.filter(|_| !matches!(what, What::Key(key) if key.is_stack()));
            arrangement.add(what, area, before).map(drop)
        });
    }

    /// Takes a column away; says why if it cannot.
    pub fn remove_column(&mut self, column: u32) {
        self.change(|arrangement| arrangement.remove(column));
    }

    /// Adds a column's values up in another way.
    pub fn aggregate(&mut self, column: u32, figure: Metric) {
        self.change(|arrangement| {
            arrangement.aggregate(column, figure);
            Ok(())
        });
    }

    /// Writes a column's figures in another unit.
    pub fn set_unit(&mut self, column: u32, unit: Unit) {
        self.change(|arrangement| {
            arrangement.set_unit(column, unit);
            Ok(())
        });
    }

    /// So many columns stay where they are when the others scroll.
    pub fn freeze(&mut self, columns: usize) {
        self.arrangement.frozen = columns;
    }

    /// By which key columns the graph has its curves.
    pub fn graph_by(&mut self, keys: Vec<Key>) {
        self.change(|arrangement| {
            arrangement.graph_by = keys;
            Ok(())
        });
    }

    /// Draws this measure: the figure that has it moves over the blue bar.
    pub fn draw_measure(&mut self, kind: MeasureKind, by_count: bool) {
        if self.measure_kind != kind {
            self.measure_kind = kind;
            self.curves_are_old();
        }
        if self.arrangement.graphed().is_some_and(|graphed| graphed.by_count == by_count) {
            return;
        }
        let figure = if by_count { Metric::Count } else { Metric::Size };
        let there = self.arrangement.columns.iter().find(|column| column.what == What::Figure(figure)).map(|c| c.id);
        match there {
            Some(column) => self.move_column(column, Area::Graph, None),
            None => self.add_column(What::Figure(figure), Area::Graph),
        }
    }

    pub(super) fn curves_are_old(&mut self) {
        self.overview_is_old = true;
        self.quiet.remove(&Topic::Curves);
        self.changed.insert(Topic::Curves);
    }

    /// Changes the arrangement and computes anew what that changes.
    fn change(&mut self, change: impl FnOnce(&mut Arrangement) -> Result<(), String>) {
        let mut after = self.arrangement.clone();
        match change(&mut after) {
            Ok(()) => self.take_arrangement(after),
            Err(why) => self.tell(why),
        }
    }

    fn take_arrangement(&mut self, after: Arrangement) {
        let before = std::mem::replace(&mut self.arrangement, after);
        if before.columns != self.arrangement.columns {
            self.keep_widths();
        }
        if before.keys() != self.arrangement.keys() {
            self.quiet.remove(&Topic::Table);
            self.changed.insert(Topic::Table);
        } else {
            self.order_changed();
        }
        if before.graphed() != self.arrangement.graphed() {
            self.curves_are_old();
            if self.arrangement.graphed().is_none() {
                self.curves = None;
                self.picked.clear();
                self.graph_data = None;
            }
        } else if before.graph_by != self.arrangement.graph_by {
            self.changed.insert(Topic::Curves);
        }
    }

    /// The table remembers widths by column: those of columns that changed what they show are given up.
    fn keep_widths(&mut self) {
        let ids: Vec<u32> = self.arrangement.columns.iter().map(|column| column.id).collect();
        let mut widths = self.table.widths().clone();
        widths.retain(|id, _| ids.contains(id));
        self.table.set_widths(widths);
    }

    /// Shows the columns of a preset.
    pub fn apply_preset(&mut self, name: &str) {
        let Some(preset) = self.presets.read().get(name).cloned() else { return };
        self.preset = preset.name;
        self.apply(preset.arrangement);
    }

    /// Shows these columns, with the query and the way to the answer that belong to them.
    fn apply(&mut self, arrangement: Arrangement) {
        let old_query = std::mem::replace(&mut self.arrangement, arrangement.clone()).query;
        let queries = [old_query.as_str(), arrangement.query.as_str()].map(|text| text.parse().ok().map(Step::Query));
        let [old, new] = queries;
        let mut steps = self.filter.steps().to_vec();
        if !old_query.is_empty() {
            steps.retain(|step| Some(step) != old.as_ref());
        }
        if !arrangement.query.is_empty() {
            steps.extend(new);
        }
        if steps != self.filter.steps() {
            self.filter.set(steps);
            self.filter_changed();
        }
        self.table.set_widths(arrangement.widths());
        self.led = false;
        self.groups_are_old = true;
        self.graph_data = None;
        self.curves = None;
        self.picked.clear();
        self.pinned.clear();
        self.hidden.clear();
        self.changed.insert(Topic::Table);
        self.curves_are_old();
    }

    /// The columns as a preset keeps them: with their widths.
    pub(super) fn arrangement_to_save(&self) -> Arrangement {
        let mut arrangement = self.arrangement.clone();
        for column in &mut arrangement.columns {
            column.width = self.table.widths().get(&column.id).copied().or(column.width);
        }
        arrangement
    }

    /// Saves the columns under a name; says why if it cannot.
    pub fn save_preset(&mut self, name: &str) -> Result<(), String> {
        let arrangement = self.arrangement_to_save();
        self.presets.write().save(name, arrangement.clone())?;
        self.preset = name.trim().to_owned();
        self.arrangement = arrangement;
        self.effects.push(Effect::PresetsChanged);
        self.tell(format!("Saved the preset {}", self.preset));
        Ok(())
    }

    /// Gives one of the user's own presets another name.
    ///
    /// # Errors
    /// Why the name cannot be used.
    pub fn rename_preset(&mut self, from: &str, to: &str) -> Result<(), String> {
        self.presets.write().rename(from, to)?;
        if self.preset == from {
            to.trim().clone_into(&mut self.preset);
        }
        self.effects.push(Effect::PresetsChanged);
        Ok(())
    }

    /// Deletes one of the user's own presets; the columns stay.
    pub fn delete_preset(&mut self, name: &str) {
        self.presets.write().delete(name);
        self.effects.push(Effect::PresetsChanged);
        self.tell(format!("Deleted the preset {name}"));
    }

    /// Reads presets from a file, or writes the user's own into one.
    pub fn exchange_presets(&mut self, request: FileRequest) {
        self.file = Some(request);
        self.changed.insert(Topic::File);
    }

    pub(super) fn file_request(&self) -> Option<FileRequest> {
        self.file.clone()
    }

    pub(super) fn take_file(&mut self, answer: FileAnswer) {
        self.file = None;
        let result = match answer {
            FileAnswer::Exists(path, text) => {
                let Some(Dialog::Presets { outcome, replace, .. }) = &mut self.dialog else {
                    return self.tell(format!("{} exists already and was not written over", path.display()));
                };
                (*outcome, *replace) = (None, Some((path, text)));
                return;
            }
            FileAnswer::Read(path, text) => self.presets.write().import(&text).map(|count| {
                let presets = if count == 1 { "1 preset".to_owned() } else { format!("{count} presets") };
                format!("Took in {presets} from {}", path.display())
            }),
            FileAnswer::Written(path) => Ok(format!("Wrote your presets to {}", path.display())),
            FileAnswer::Failed(why) => Err(why),
        };
        if result.is_ok() {
            self.effects.push(Effect::PresetsChanged);
        }
        let failed = result.is_err();
        let words = result.unwrap_or_else(|why| why);
        match &mut self.dialog {
            Some(Dialog::Presets { outcome, .. }) => *outcome = Some(Outcome { words, failed }),
            _ => self.tell(words),
        }
    }
}
