//! View state of the pivot table: scroll position, widths of columns, cursor and selection, drags and the open menu.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::bars::BarDrag;
use super::drag::HeaderDrag;
use super::menus::OpenMenu;
use super::model::RowId;
use super::scroll::ScrollPos;

/// The columns that are fitted to their contents in the next frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum FitRequest {
    /// None.
    #[default]
    None,
    /// The columns with these ids.
    Some(BTreeSet<u32>),
    /// All.
    All,
}

/// View state of the pivot table. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct TableState {
    pub(super) pos: ScrollPos,
    pub(super) scroll_x: f32,
    pub(super) widths: BTreeMap<u32, f32>,
    pub(super) fit: FitRequest,
    pub(super) cursor: Option<RowId>,
    pub(super) anchor: Option<RowId>,
    pub(super) selected: Arc<BTreeSet<RowId>>,
    pub(super) typed: String,
    pub(super) typed_at: f64,
    pub(super) wants_focus: bool,
    pub(super) wants_reveal: bool,
    pub(super) wants_menu: bool,
    pub(super) drag: Option<HeaderDrag>,
    pub(super) bar: Option<BarDrag>,
    /// Width of the column at the start of the drag of its edge.
    pub(super) resized_from: f32,
    pub(super) menu: Option<OpenMenu>,
    /// The row whose key is under the pointer.
    pub(super) hovered: Option<RowId>,
    /// Number of rows and of extra columns that the last frame had room for.
    pub(super) shown_rows: u64,
    pub(super) shown_extras: usize,
}

impl TableState {
    /// The row that the keys act on.
    #[must_use]
    pub fn cursor(&self) -> Option<RowId> {
        self.cursor
    }

    /// The row whose key was under the pointer in the last frame.
    #[must_use]
    pub fn hovered(&self) -> Option<RowId> {
        self.hovered
    }

    /// The selected rows, whether visible or not.
    #[must_use]
    pub fn selected(&self) -> &BTreeSet<RowId> {
        &self.selected
    }

    /// The scroll position.
    #[must_use]
    pub fn position(&self) -> ScrollPos {
        self.pos
    }

    /// Distance that the table is scrolled to the right, in points.
    #[must_use]
    pub fn scrolled_right(&self) -> f32 {
        self.scroll_x
    }

    /// Number of rows that the last frame had room for.
    #[must_use]
    pub fn shown_rows(&self) -> u64 {
        self.shown_rows
    }

    /// Number of extra columns that the last frame had room for.
    #[must_use]
    pub fn shown_extras(&self) -> usize {
        self.shown_extras
    }

    /// Selects one row with the cursor, and scrolls to it in the next frame.
    pub fn select(&mut self, id: RowId) {
        self.selected = Arc::new(BTreeSet::from([id]));
        self.cursor = Some(id);
        self.anchor = Some(id);
        self.wants_reveal = true;
    }

    /// Sets selection and cursor after the rows were computed again, without scrolling.
    pub fn restore(&mut self, selected: BTreeSet<RowId>, cursor: Option<RowId>) {
        self.selected = Arc::new(selected);
        self.cursor = cursor;
        self.anchor = cursor;
    }

    /// Makes this row the first visible one; the part of it that is scrolled out stays the same.
    pub fn scroll_to(&mut self, row: u64) {
        self.pos.row = row;
    }

    /// Scrolls to the cursor as soon as it is on a row.
    pub fn reveal_cursor(&mut self) {
        self.wants_reveal = true;
    }

    /// Takes the keyboard in the next frame.
    pub fn request_focus(&mut self) {
        self.wants_focus = true;
    }

    /// The widths that the user changed, in points by column id.
    #[must_use]
    pub fn widths(&self) -> &BTreeMap<u32, f32> {
        &self.widths
    }

    /// Sets the widths of columns, in points by column id; all others get their own width.
    pub fn set_widths(&mut self, widths: BTreeMap<u32, f32>) {
        self.widths = widths;
    }

    /// Makes the column as wide as its title and the visible rows need, in the next frame.
    pub fn fit(&mut self, column: u32) {
        match &mut self.fit {
            FitRequest::None => self.fit = FitRequest::Some(BTreeSet::from([column])),
            FitRequest::Some(columns) => {
                columns.insert(column);
            }
            FitRequest::All => {}
        }
    }

    /// Makes every column as wide as its title and the visible rows need, in the next frame.
    pub fn fit_all(&mut self) {
        self.fit = FitRequest::All;
    }
}
