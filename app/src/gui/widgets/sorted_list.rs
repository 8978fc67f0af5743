//! A list that keeps its order and its cursor itself, for records that do not change and that nothing else selects.

use std::cmp::Ordering;
use std::sync::Arc;

use eframe::egui::{Id, RichText, Ui};

use super::list_table::{self, Action, Column, Keyboard, ListTable, Rows};
use super::pivot_table::Sort;
use crate::gui::theme;

/// The records of a list. Every call must be quick: the list asks while it draws.
pub trait Records {
    /// The number of records.
    fn count(&self) -> usize;
    /// A column of a record as text.
    fn text(&self, record: usize, column: usize) -> String;
    /// The order of two records by a column.
    fn compare(&self, a: usize, b: usize, column: usize) -> Ordering;
    /// Draws a cell; by default its text.
    fn cell(&mut self, ui: &mut Ui, record: usize, column: usize) {
        let font = if column == 0 { theme::text_font() } else { theme::figure_font() };
        list_table::text_cell(ui, RichText::new(self.text(record, column)).font(font));
    }
}

/// Order and cursor of a list between frames.
#[derive(Debug, Clone, Default)]
struct ListState {
    stamp: usize,
    /// Number of all records, and the filter in lower case.
    listed: (usize, String),
    sort: Option<(usize, Sort)>,
    order: Arc<Vec<usize>>,
    /// The record under the cursor.
    cursor: Option<usize>,
    wants_reveal: bool,
}

/// A list, ready to be shown.
#[derive(Debug)]
pub struct SortedList<'a> {
    /// The accessible name.
    pub name: &'a str,
    /// The columns; the list sets their order.
    pub columns: Vec<Column>,
    /// Greatest height, in points.
    pub height: f32,
    /// Number of the records: another number means other records.
    pub stamp: usize,
    /// Lists only records with this text in one of their columns, in any case.
    pub filter: &'a str,
}

impl SortedList<'_> {
    /// Draws the list; returns the record under the cursor.
    pub fn show(mut self, ui: &mut Ui, records: &mut dyn Records) -> Option<usize> {
        let id = ui.make_persistent_id(("sorted list", self.name));
        let mut state = self.load(ui, id, records);
        if let Some((column, sort)) = state.sort
            && let Some(column) = self.columns.get_mut(column)
        {
            column.sort = Some(sort);
        }
        if state.order.is_empty() && !self.filter.trim().is_empty() {
            ui.weak(format!("{}: no match.", self.name));
        }
        let cursor = state.cursor.and_then(|cursor| state.order.iter().position(|record| *record == cursor));
        let list = ListTable::new(self.name, &self.columns)
            .cursor(cursor, std::mem::take(&mut state.wants_reveal))
            .keyboard(Keyboard::Own, false)
            .at_most(self.height);
        let order = Arc::clone(&state.order);
        let mut rows = InOrder { records, order: &order, cursor, columns: self.columns.len() };
        for action in list.show(ui, &mut rows) {
            match action {
                Action::Sort(column) => {
                    let is_figure = self.columns.get(column).is_some_and(|column| column.is_figure);
                    let now = state.sort.filter(|sort| sort.0 == column).map(|sort| sort.1);
                    state.sort = Some((column, Sort::after_click(now, is_figure)));
                    state.order = sorted(rows.records, state.sort, &state.listed.1, self.columns.len());
                }
                Action::Move { row, .. } | Action::Click { row, .. } | Action::Open(row) => {
                    state.cursor = order.get(row).copied();
                    state.wants_reveal = true;
                }
                Action::SelectAll => {}
            }
        }
        let cursor = state.cursor;
        ui.data_mut(|data| data.insert_temp(id, state));
        cursor
    }

    fn load(&self, ui: &Ui, id: Id, records: &dyn Records) -> ListState {
        let state: Option<ListState> = ui.data(|data| data.get_temp(id));
        let listed = (records.count(), self.filter.trim().to_lowercase());
        let (is_current, sort, cursor) = match &state {
            Some(state) => (state.stamp == self.stamp && state.listed == listed, state.sort, state.cursor),
            None => (false, None, None),
        };
        match state {
            Some(state) if is_current => state,
            _ => {
                let order = sorted(records, sort, &listed.1, self.columns.len());
                let cursor = cursor.filter(|cursor| order.contains(cursor));
                ListState { stamp: self.stamp, listed, sort, order, cursor, wants_reveal: false }
            }
        }
    }
}

/// The records with a text in one of their columns, in order; in their own order without a column to sort by.
fn sorted(records: &dyn Records, sort: Option<(usize, Sort)>, filter: &str, columns: usize) -> Arc<Vec<usize>> {
    let has = |record: &usize| {
        let mut texts = (0..columns).map(|column| records.text(*record, column).to_lowercase());
        filter.is_empty() || texts.any(|text| text.contains(filter))
    };
    let mut order: Vec<usize> = (0..records.count()).filter(has).collect();
    if let Some((column, sort)) = sort {
        order.sort_by(|a, b| {
            let compared = records.compare(*a, *b, column);
            (if sort == Sort::Ascending { compared } else { compared.reverse() }).then(a.cmp(b))
        });
    }
    Arc::new(order)
}

/// Records in the order of the list.
struct InOrder<'r> {
    records: &'r mut dyn Records,
    order: &'r [usize],
    cursor: Option<usize>,
    columns: usize,
}

impl InOrder<'_> {
    fn texts(&self, row: usize, separator: &str) -> String {
        let record = self.order.get(row).copied().unwrap_or_default();
        let texts: Vec<String> = (0..self.columns).map(|column| self.records.text(record, column)).collect();
        texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(separator)
    }
}

impl Rows for InOrder<'_> {
    fn count(&self) -> usize {
        self.order.len()
    }

    fn label(&self, row: usize) -> String {
        self.texts(row, ", ")
    }

    fn is_selected(&self, row: usize) -> bool {
        self.cursor == Some(row)
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        if let Some(record) = self.order.get(row) {
            self.records.cell(ui, *record, column);
        }
    }

    fn paragraph(&self, row: usize, column: usize) -> String {
        self.order.get(row).map_or_else(String::new, |record| self.records.text(*record, column))
    }

    fn type_ahead_text(&self, row: usize) -> Option<String> {
        self.order.get(row).map(|record| self.records.text(*record, 0))
    }

    fn copy_text(&self, row: usize) -> Option<String> {
        Some(self.texts(row, "\t"))
    }
}
