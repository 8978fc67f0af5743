//! Undo and redo of filter, columns and order of the rows; and the selected row, which keeps its place when rows are grouped by other
//! keys or a change is taken back.

use std::collections::BTreeMap;

use poolscope_analysis::pivot::{RowPath, RowPathStep};
use rustc_hash::FxHashSet;

use super::{Document, Topic};
use crate::gui::document::table_model::{node_id, row_id};
use crate::gui::model::dialogs::{Dialog, ViewEditor};
use crate::gui::model::edit_log::{Edit, EditLog};
use crate::gui::model::filter::Step;
use crate::gui::model::table_layout::TableLayout;
use crate::gui::widgets::pivot_table::TreeModel;

/// Rows below the first one on the screen that a row is kept at, at most.
const MAX_BELOW: u64 = 60;

/// Columns, and what was selected and scrolled to, before a change.
#[derive(Debug, Clone)]
pub(in crate::gui) struct Snapshot {
    preset: String,
    columns: TableLayout,
    selected: FxHashSet<u64>,
    cursor: Option<u64>,
    /// Path of a row, and how far it is below the first one on the screen.
    anchor: Option<(u64, u64)>,
}

/// The table as it was before the view editor changed it.
#[derive(Debug, Clone)]
pub(in crate::gui) struct ViewBackup {
    shown: Snapshot,
    filter: Vec<Step>,
    widths: BTreeMap<u32, f32>,
    edits: EditLog<Snapshot>,
}

/// A row as it is called in any grouping.
#[derive(Debug, Clone)]
pub(in crate::gui) struct CarriedRow {
    steps: Vec<RowPathStep>,
    /// Number of rows between the first one on the screen and it.
    below: u64,
}

impl Document {
    fn snapshot(&self) -> Snapshot {
        Snapshot {
            preset: self.ui.preset.clone(),
            columns: self.query.columns.clone(),
            selected: self.ui.selected.clone(),
            cursor: self.ui.cursor,
            anchor: self.scroll_anchor(),
        }
    }

    /// Remembers what is shown before a change, so that it can be undone.
    pub(in crate::gui) fn note_edit(&mut self, edit: Edit) {
        let before = self.snapshot();
        self.ui.edits.push(edit, before);
    }

    /// Takes back the latest change of filter, columns or order, or makes it again.
    pub fn undo(&mut self, back: bool) {
        let now = self.snapshot();
        let step = if back { self.ui.edits.undo(now) } else { self.ui.edits.redo(now) };
        let Some((edit, shown)) = step else { return };
        if edit.has_filter() {
            self.filter_history(back);
        }
        self.ui.selected = shown.selected;
        self.ui.cursor = shown.cursor;
        self.ui.pending_anchor = shown.anchor;
        if edit != Edit::Filter {
            self.ui.preset = shown.preset;
            self.apply_columns(shown.columns);
        }
        // The rows may be the same in another order, which needs no answer.
        self.work.asked.insert(Topic::Table);
        // Rows of the same keys are found again by their paths.
        self.ui.carried = None;
    }

    fn view_backup(&self) -> ViewBackup {
        ViewBackup {
            shown: self.snapshot(),
            filter: self.query.filter.steps().to_vec(),
            widths: self.ui.table.widths().clone(),
            edits: self.ui.edits.clone(),
        }
    }

    /// Opens the view editor, which can take back what it changes from now on.
    pub(in crate::gui) fn open_view_editor(&mut self) {
        if !matches!(self.ui.dialog, Some(Dialog::ViewEditor(_))) {
            self.ui.view_backup = Some(self.view_backup());
            self.ui.dialog = Some(Dialog::ViewEditor(ViewEditor::default()));
        }
    }

    /// Keeps what the view editor changed so far.
    pub(in crate::gui) fn keep_view(&mut self) {
        self.ui.view_backup = self.ui.view_backup.is_some().then(|| self.view_backup());
    }

    /// Takes back what the view editor changed since it opened, or since the changes were kept.
    pub(in crate::gui) fn restore_view(&mut self) {
        if !self.has_view_changes() {
            return;
        }
        let Some(ViewBackup { shown, filter, widths, edits }) = self.ui.view_backup.take() else { return };
        if self.query.filter.steps() != filter {
            self.set_steps_unnoted(filter);
            self.filter_changed();
        }
        self.ui.selected = shown.selected;
        self.ui.cursor = shown.cursor;
        self.ui.pending_anchor = shown.anchor;
        self.ui.preset = shown.preset;
        self.apply_columns(shown.columns);
        self.ui.table.set_widths(widths);
        self.ui.edits = edits;
        self.work.asked.insert(Topic::Table);
        self.ui.carried = None;
    }

    /// Returns whether the view editor changed anything since it opened, or since the changes were kept.
    #[must_use]
    pub(in crate::gui) fn has_view_changes(&self) -> bool {
        self.ui.view_backup.as_ref().is_some_and(|before| {
            self.query.columns != before.shown.columns
                || *self.ui.table.widths() != before.widths
                || self.query.filter.steps() != before.filter
        })
    }

    /// Remembers the selected row by its values before the rows are grouped by other keys.
    pub(in crate::gui) fn carry_cursor(&mut self) {
        if self.ui.carried.is_some() {
            return;
        }
        let (Some(rows), Some(id)) = (&self.results.rows, self.ui.table.cursor()) else { return };
        let first = self.ui.table.position().row;
        let index = rows.index_of(id);
        let below = index.and_then(|index| index.checked_sub(first)).filter(|below| *below < MAX_BELOW);
        let steps = RowPath::of(rows.flat().tree(), node_id(id)).0;
        self.ui.carried = Some(CarriedRow { steps, below: below.unwrap_or_default() });
    }

    /// Selects the row of the values that were selected before rows were grouped by other keys. Returns whether there is one.
    pub(in crate::gui) fn apply_carried(&mut self, carried: &CarriedRow) -> bool {
        let Some(rows) = &mut self.results.rows else { return false };
        let Some(node) = rows.flat_mut().find_values(&carried.steps) else { return false };
        rows.flat_mut().show(node, &mut self.ui.expanded);
        let index = rows.index_of(row_id(node));
        self.ui.table.select(row_id(node));
        if let Some(index) = index {
            self.ui.table.scroll_to(index.saturating_sub(carried.below));
        }
        self.remember_selection();
        true
    }
}
