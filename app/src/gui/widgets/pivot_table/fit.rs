//! Widths from contents: a column as wide as its title and the visible rows need. Only measures; the places come from the
//! layout.

use eframe::egui::{FontId, Ui};

use super::headers::SORT_ROOM;
use super::layout::MIN_COLUMN_WIDTH;
use super::model::{Area, Column, Row, TreeModel};
use super::rows::{self, MIN_KEY_TEXT, TRIANGLE, UNIT_WIDTH};
use super::state::{Fit, TableState};
use crate::gui::theme::{self, GRID, INDENT};

/// Widest that a column is made without being asked by hand, in points.
const MAX_FIT: f32 = 900.0;

/// Carries out what [`TableState::fit`] asked for; `visible` rows are looked at.
pub(super) fn apply(ui: &Ui, model: &dyn TreeModel, state: &mut TableState, visible: f64) {
    let wanted = std::mem::take(&mut state.fit);
    if wanted == Fit::None {
        return;
    }
    let from = state.pos.row;
    let rows: Vec<Row> = (from..=from.saturating_add(visible.ceil() as u64)).map_while(|i| model.row(i)).collect();
    for (at, column) in model.columns().iter().enumerate() {
        if !matches!(&wanted, Fit::Some(ids) if !ids.contains(&column.id)) {
            let width = width_for(ui, model.columns(), at, column, &rows);
            state.widths.insert(column.id, width.clamp(MIN_COLUMN_WIDTH, MAX_FIT).ceil());
        }
    }
}

fn width_for(ui: &Ui, columns: &[Column], at: usize, column: &Column, rows: &[Row]) -> f32 {
    let measure = |text: &str, font: FontId| {
        let galley = ui.painter().layout_no_wrap(text.to_owned(), font, theme::Palette::of(ui).text);
        galley.size().x
    };
    let title = measure(&column.title, theme::small_font()) + 4.0 * GRID + SORT_ROOM;
    let contents = rows.iter().map(|row| {
        if column.area == Area::Key {
            if row.key_column != at {
                return 0.0;
            }
            let indent = row.indent as f32 * INDENT;
            let text = measure(&row.text, rows::key_font(row));
            let room_to_indent = indent / 0.7 + MIN_KEY_TEXT;
            (indent + TRIANGLE + text + 4.0 * GRID).max(if indent > 0.0 { room_to_indent } else { 0.0 })
        } else {
            let keys = columns.iter().filter(|c| c.area == Area::Key).count();
            let cell = at.checked_sub(keys).and_then(|cell| row.cells.get(cell));
            cell.map_or(0.0, |cell| {
                let unit = if cell.unit.is_empty() { 0.0 } else { UNIT_WIDTH };
                measure(&cell.text, theme::figure_font()) + unit + 4.0 * GRID
            })
        }
    });
    contents.fold(title, f32::max)
}
