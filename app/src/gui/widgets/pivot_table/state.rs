//! What the table remembers between frames: scroll position, widths, selection, and what is being dragged or shown. Never
//! draws, never knows a row's contents.

use std::collections::{BTreeMap, BTreeSet};

use super::bars::BarDrag;
use super::drag::Drag;
use super::menus::OpenMenu;
use super::model::RowId;
use super::scroll::ScrollPos;

/// Which columns get the width of their contents in the next frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Fit {
    /// None.
    #[default]
    None,
    /// Those with these ids.
    Some(BTreeSet<u32>),
    /// All.
    All,
}

/// What the table remembers between frames.
#[derive(Debug, Clone, Default)]
pub struct TableState {
    pub(super) pos: ScrollPos,
    pub(super) scroll_x: f32,
    pub(super) widths: BTreeMap<u32, f32>,
    pub(super) fit: Fit,
    pub(super) cursor: Option<RowId>,
    pub(super) anchor: Option<RowId>,
    pub(super) selected: BTreeSet<RowId>,
    pub(super) typed: String,
    pub(super) typed_at: f64,
    pub(super) wants_focus: bool,
    pub(super) wants_reveal: bool,
    pub(super) wants_menu: bool,
    pub(super) drag: Option<Drag>,
    pub(super) bar: Option<BarDrag>,
    /// Width of the column whose edge is being dragged, when that began.
    pub(super) resized_from: f32,
    pub(super) menu: Option<OpenMenu>,
    /// The row whose key is under the pointer.
    pub(super) hovered: Option<RowId>,
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

    /// The first visible row and how far it is scrolled out.
    #[must_use]
    pub fn position(&self) -> ScrollPos {
        self.pos
    }

    /// How far the table is scrolled to the right, in points.
    #[must_use]
    pub fn scrolled_right(&self) -> f32 {
        self.scroll_x
    }

    /// Selects one row, puts the cursor on it and scrolls it into view in the next frame.
    pub fn select(&mut self, id: RowId) {
        self.selected = BTreeSet::from([id]);
        self.cursor = Some(id);
        self.anchor = Some(id);
        self.wants_reveal = true;
    }

    /// Puts selection and cursor back after the rows were computed anew; scrolls nowhere.
    pub fn restore(&mut self, selected: BTreeSet<RowId>, cursor: Option<RowId>) {
        self.selected = selected;
        self.cursor = cursor;
        self.anchor = cursor;
    }

    /// Makes this row the first visible one, scrolled out as far as the one before was.
    pub fn scroll_to(&mut self, row: u64) {
        self.pos.row = row;
    }

    /// Scrolls the cursor into view as soon as it is on a row.
    pub fn reveal_cursor(&mut self) {
        self.wants_reveal = true;
    }

    /// Takes the keyboard in the next frame.
    pub fn request_focus(&mut self) {
        self.wants_focus = true;
    }

    /// The widths that differ from their columns' own, in points by column id.
    #[must_use]
    pub fn widths(&self) -> &BTreeMap<u32, f32> {
        &self.widths
    }

    /// Gives columns these widths, in points by column id; all others get their own back.
    pub fn set_widths(&mut self, widths: BTreeMap<u32, f32>) {
        self.widths = widths;
    }

    /// Makes the column as wide as its title and the visible rows need, in the next frame.
    pub fn fit(&mut self, column: u32) {
        match &mut self.fit {
            Fit::None => self.fit = Fit::Some(BTreeSet::from([column])),
            Fit::Some(columns) => {
                columns.insert(column);
            }
            Fit::All => {}
        }
    }

    /// Makes every column as wide as its title and the visible rows need, in the next frame.
    pub fn fit_all(&mut self) {
        self.fit = Fit::All;
    }
}
