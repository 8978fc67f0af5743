//! The places of one frame, shared by painting and input. Made anew every frame; never kept.

use eframe::egui::emath::Rangef;
use eframe::egui::{Id, Rect, Response, Ui, pos2};

use super::drag;
use super::layout::Columns;
use super::model::{Area, RowId, TreeModel};
use super::state::TableState;
use crate::gui::theme::{self, Palette};

/// What the owner asked for beside the rows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Options<'a> {
    /// Whether the figures are old.
    pub(super) dimmed: bool,
    /// How many columns do not scroll sideways.
    pub(super) frozen: usize,
    /// Whether headers have a menu.
    pub(super) header_menu: bool,
    /// Whether rows have a menu.
    pub(super) row_menu: bool,
    /// What there is to say about a row while the pointer is on its key.
    pub(super) tip: Option<(RowId, &'a str)>,
}

/// The places of one frame.
pub(super) struct Frame<'a> {
    pub(super) id: Id,
    pub(super) palette: &'static Palette,
    pub(super) model: &'a dyn TreeModel,
    pub(super) places: Columns,
    pub(super) outer: Rect,
    pub(super) header: Rect,
    pub(super) body: Rect,
    /// Left edge of the scrolled table on the screen.
    left: f32,
    /// The columns of figures that can be seen.
    pub(super) figures: Vec<FigurePlace>,
    /// Whether somebody listens to accessible names.
    pub(super) named: bool,
    pub(super) focused: bool,
    pub(super) options: Options<'a>,
}

/// A visible column of figures.
#[derive(Debug, Clone, Copy)]
pub(super) struct FigurePlace {
    /// Which column.
    pub(super) column: usize,
    /// Which cell of a row.
    pub(super) cell: usize,
    /// All of it on the screen.
    pub(super) whole: Rangef,
    /// What can be seen of it.
    pub(super) visible: Rangef,
}

impl<'a> Frame<'a> {
    /// Places everything in the rectangle of `area`.
    pub(super) fn new(
        ui: &Ui,
        area: &Response,
        model: &'a dyn TreeModel,
        state: &mut TableState,
        options: Options<'a>,
    ) -> Self {
        let outer = area.rect;
        let width = (outer.width() - theme::SCROLLBAR).max(0.0);
        let opened = drag::opened(model.columns(), state.drag);
        let places = Columns::place(model.columns(), &state.widths, width, opened).freeze(options.frozen, width);
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

    /// How many rows fit into the body.
    pub(super) fn visible_rows(&self) -> f64 {
        f64::from(self.body.height() / theme::ROW_HEIGHT)
    }

    /// Whether there is a bar to scroll sideways. A drag that opens empty areas scrolls without one.
    pub(super) fn has_horizontal_bar(&self) -> bool {
        self.overflow() - self.places.opened > 0.5
    }

    /// How far the table can be scrolled to the right.
    pub(super) fn overflow(&self) -> f32 {
        (self.places.width - self.body.width()).max(0.0)
    }

    /// Where a range of the table stands on the screen.
    pub(super) fn shift(&self, range: Rangef) -> Rangef {
        let by = if self.places.is_frozen(range) { self.outer.left() } else { self.left };
        Rangef::new(range.min + by, range.max + by)
    }

    /// The part of the screen that frozen columns have, or the others.
    pub(super) fn pane(&self, frozen: bool) -> Rangef {
        let split = self.outer.left() + self.places.frozen;
        if frozen { Rangef::new(self.outer.left(), split) } else { Rangef::new(split, self.body.right()) }
    }

    /// What can be seen on the screen of a range of the table; its span is not positive when nothing can.
    pub(super) fn visible(&self, range: Rangef) -> Rangef {
        self.shift(range).intersection(self.pane(self.places.is_frozen(range)))
    }

    /// The place in the unscrolled table that is shown at `x` on the screen.
    pub(super) fn table_x(&self, x: f32) -> f32 {
        let frozen = x < self.outer.left() + self.places.frozen;
        x - if frozen { self.outer.left() } else { self.left }
    }

    /// Where `x` of the unscrolled table stands on the screen; nothing slides beneath the frozen columns.
    pub(super) fn screen_x(&self, x: f32) -> f32 {
        if x <= self.places.frozen {
            return x + self.outer.left();
        }
        (x + self.left).max(self.outer.left() + self.places.frozen)
    }
}
