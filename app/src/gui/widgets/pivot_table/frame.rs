//! The places of everything in one frame, shared by painting and input.

use eframe::egui::emath::Rangef;
use eframe::egui::{Id, Rect, Response, Ui, pos2};

use super::drag;
use super::layout::ColumnLayout;
use super::model::{Area, RowId, TreeModel};
use super::state::TableState;
use crate::gui::theme::{self, Palette};

/// Options of the table.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TableOptions<'a> {
    /// True if extra columns are not shown, however much room there is.
    pub(super) without_extras: bool,
    /// True if the figures are outdated.
    pub(super) dimmed: bool,
    /// Number of columns that do not scroll sideways.
    pub(super) frozen: usize,
    /// True if headers have a menu.
    pub(super) header_menu: bool,
    /// True if rows have a menu.
    pub(super) row_menu: bool,
    /// The tooltip of a row while the pointer is on its key.
    pub(super) tip: Option<(RowId, &'a str)>,
}

/// The places of one frame.
pub(super) struct TableFrame<'a> {
    pub(super) id: Id,
    pub(super) palette: &'static Palette,
    pub(super) model: &'a dyn TreeModel,
    pub(super) places: ColumnLayout,
    pub(super) outer: Rect,
    pub(super) header: Rect,
    pub(super) body: Rect,
    /// Left edge of the scrolled table on the screen.
    left: f32,
    /// The visible columns of figures.
    pub(super) figures: Vec<FigurePlace>,
    /// True if assistive technology is active.
    pub(super) named: bool,
    pub(super) focused: bool,
    pub(super) options: TableOptions<'a>,
}

/// A visible column of figures.
#[derive(Debug, Clone, Copy)]
pub(super) struct FigurePlace {
    /// Index of the column.
    pub(super) column: usize,
    /// Index of the cell in a row.
    pub(super) cell: usize,
    /// The whole width on the screen.
    pub(super) whole: Rangef,
    /// The visible part.
    pub(super) visible: Rangef,
}

impl<'a> TableFrame<'a> {
    /// Places everything in the rectangle of `area`.
    pub(super) fn new(
        ui: &Ui,
        area: &Response,
        model: &'a dyn TreeModel,
        state: &mut TableState,
        options: TableOptions<'a>,
    ) -> Self {
        let outer = area.rect;
        let width = (outer.width() - theme::SCROLLBAR).max(0.0);
        let opened = drag::opened(model.columns(), state.drag);
        let places = ColumnLayout::place(model.columns(), &state.widths, width, opened)
            .with_extras(if options.without_extras { &[] } else { model.extra_columns() }, width)
            .freeze(options.frozen, width);
        let overflow = (places.width - width).max(0.0);
        state.scroll_x = state.scroll_x.clamp(0.0, overflow);
        let bottom = if overflow - places.opened > 0.5 { theme::SCROLLBAR } else { 0.0 };
        let split = (outer.top() + theme::HEADER_HEIGHT).min(outer.bottom());
        let right = outer.left() + width;
        let named = ui.ctx().accesskit_node_builder(area.id, |node| node.set_row_count(model.row_count() as usize));
        let mut frame = Self {
            id: area.id,
            palette: Palette::of(ui),
            model,
            left: outer.left() - state.scroll_x,
            outer,
            header: Rect::from_min_max(outer.min, pos2(right, split)),
            body: Rect::from_min_max(pos2(outer.left(), split), pos2(right, (outer.bottom() - bottom).max(split))),
            places,
            figures: Vec::new(),
            named: named.is_some(),
            focused: area.has_focus(),
            options,
        };
        frame.figures = frame.visible_figures();
        frame
    }

    fn visible_figures(&self) -> Vec<FigurePlace> {
        let columns = self.model.columns().iter().zip(&self.places.ranges).enumerate();
        let figures = columns.filter(|(_, (c, _))| c.area != Area::Key).enumerate();
        let places = figures.map(|(cell, (column, (_, range)))| FigurePlace {
            column,
            cell,
            whole: self.shift(*range),
            visible: self.visible(*range),
        });
        places.filter(|place| place.visible.span() > 0.0).collect()
    }

    /// Number of rows that fit into the body.
    pub(super) fn visible_rows(&self) -> f64 {
        f64::from(self.body.height() / theme::ROW_HEIGHT)
    }

    /// Returns `true` if there is a horizontal scrollbar. A drag that opens empty areas scrolls without one.
    pub(super) fn has_horizontal_bar(&self) -> bool {
        self.overflow() - self.places.opened > 0.5
    }

    /// Distance that the table can be scrolled to the right, in points.
    pub(super) fn overflow(&self) -> f32 {
        (self.places.width - self.body.width()).max(0.0)
    }

    /// The place of a range of the table on the screen.
    pub(super) fn shift(&self, range: Rangef) -> Rangef {
        let by = if self.places.is_frozen(range) { self.outer.left() } else { self.left };
        Rangef::new(range.min + by, range.max + by)
    }

    /// The part of the screen with the frozen columns, or with the others.
    pub(super) fn pane(&self, frozen: bool) -> Rangef {
        let split = self.outer.left() + self.places.frozen;
        if frozen { Rangef::new(self.outer.left(), split) } else { Rangef::new(split, self.body.right()) }
    }

    /// The visible part of a range of the table on the screen; its span is not positive if nothing is visible.
    pub(super) fn visible(&self, range: Rangef) -> Rangef {
        self.shift(range).intersection(self.pane(self.places.is_frozen(range)))
    }

    /// The place in the unscrolled table that is shown at `x` on the screen.
    pub(super) fn table_x(&self, x: f32) -> f32 {
        let frozen = x < self.outer.left() + self.places.frozen;
        x - if frozen { self.outer.left() } else { self.left }
    }

    /// The place of `x` of the unscrolled table on the screen, never beneath the frozen columns.
    pub(super) fn screen_x(&self, x: f32) -> f32 {
        if x <= self.places.frozen {
            return x + self.outer.left();
        }
        (x + self.left).max(self.outer.left() + self.places.frozen)
    }
}
