//! The tree table: a virtualised body of our own, headers, bars, selection and keys. It draws only the visible rows,
//! scrolls tens of millions of them by single pixels, and hands back [`Action`]s; it never changes a row itself.

mod input;
mod layout;
mod model;
mod paint;

use std::collections::{BTreeMap, BTreeSet};

use eframe::egui::accesskit::Role;
use eframe::egui::{EventFilter, Id, Rect, Response, Sense, Ui, UiBuilder, Vec2, WidgetInfo, pos2};

pub use layout::{Columns, ScrollPos};
pub use model::{
    Action, Area, Cell, Column, Row, RowId, Sort, Swatch, TreeModel, cell_label, header_label, row_label, tab_separated,
};

use crate::gui::theme::{self, Palette};

/// What the table remembers between frames.
#[derive(Debug, Clone, Default)]
pub struct TableState {
    pos: ScrollPos,
    scroll_x: f32,
    widths: BTreeMap<u32, f32>,
    cursor: Option<RowId>,
    anchor: Option<RowId>,
    selected: BTreeSet<RowId>,
    typed: String,
    typed_at: f64,
    wants_focus: bool,
    wants_reveal: bool,
}

impl TableState {
    /// The row that the keys act on.
    #[must_use]
    pub fn cursor(&self) -> Option<RowId> {
        self.cursor
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

    /// Takes the keyboard in the next frame.
    pub fn request_focus(&mut self) {
        self.wants_focus = true;
    }
}

/// The table, ready to be shown.
pub struct PivotTable<'a> {
    name: &'a str,
    model: &'a dyn TreeModel,
    state: &'a mut TableState,
    dimmed: bool,
}

/// The places of one frame, shared by painting and input.
struct Frame<'a> {
    id: Id,
    palette: &'static Palette,
    model: &'a dyn TreeModel,
    places: Columns,
    /// Left edge of the unscrolled table on the screen.
    left: f32,
    header: Rect,
    body: Rect,
    /// Whether somebody listens to accessible names.
    named: bool,
    focused: bool,
    dimmed: bool,
}

impl Frame<'_> {
    /// How many rows fit into the body.
    fn visible_rows(&self) -> f64 {
        f64::from(self.body.height() / theme::ROW_HEIGHT)
    }
}

impl<'a> PivotTable<'a> {
    /// A table called `name` (its accessible name) over `model`.
    pub fn new(name: &'a str, model: &'a dyn TreeModel, state: &'a mut TableState) -> Self {
        Self { name, model, state, dimmed: false }
    }

    /// Draws the figures dimmed: they are old and new ones are on their way.
    #[must_use]
    pub fn dimmed(mut self, dimmed: bool) -> Self {
        self.dimmed = dimmed;
        self
    }

    /// Fills the rest of `ui` with the table; returns what the user asked for.
    pub fn show(self, ui: &mut Ui) -> Vec<Action> {
        let Self { name, model, state, dimmed } = self;
        let (_, outer) = ui.allocate_space(ui.available_size());
        let id = ui.make_persistent_id(name);
        let builder = UiBuilder::new().id_salt(name).max_rect(outer);
        ui.scope_builder(builder, |ui| {
            ui.set_clip_rect(outer.intersect(ui.clip_rect()));
            let area = ui.interact(outer, id, Sense::FOCUSABLE | Sense::CLICK);
            area.widget_info(|| WidgetInfo::labeled(Role::TreeGrid, true, name));
            let frame = lay_out(ui, &area, model, state, dimmed);
            show_frame(ui, &area, &frame, state)
        })
        .inner
    }
}

fn lay_out<'a>(ui: &Ui, area: &Response, model: &'a dyn TreeModel, state: &mut TableState, dimmed: bool) -> Frame<'a> {
    let outer = area.rect;
    let inner_width = (outer.width() - theme::SCROLLBAR).max(0.0);
    let places = Columns::place(model.columns(), &state.widths, inner_width);
    let overflow = (places.width - inner_width).max(0.0);
    state.scroll_x = state.scroll_x.clamp(0.0, overflow);
    let bottom = if overflow > 0.5 { theme::SCROLLBAR } else { 0.0 };
    let split = (outer.top() + theme::HEADER_HEIGHT).min(outer.bottom());
    let right = outer.left() + inner_width;
    let named = ui.ctx().accesskit_node_builder(area.id, |node| node.set_row_count(model.row_count() as usize));
    Frame {
        id: area.id,
        palette: Palette::of(ui),
        model,
        left: outer.left() - state.scroll_x,
        header: Rect::from_min_max(outer.min, pos2(right, split)),
        body: Rect::from_min_max(pos2(outer.left(), split), pos2(right, (outer.bottom() - bottom).max(split))),
        places,
        named: named.is_some(),
        focused: area.has_focus(),
        dimmed,
    }
}

fn show_frame(ui: &mut Ui, area: &Response, frame: &Frame<'_>, state: &mut TableState) -> Vec<Action> {
    let mut actions = Vec::new();
    if std::mem::take(&mut state.wants_focus) || area.clicked() {
        take_focus(ui, frame.id);
    }
    if frame.focused {
        let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(frame.id, filter));
        input::keys(ui, frame, state, &mut actions);
    }
    if area.contains_pointer() || ui.rect_contains_pointer(frame.body) {
        input::wheel(ui, frame, state);
    }
    let count = frame.model.row_count();
    if std::mem::take(&mut state.wants_reveal)
        && let Some(index) = state.cursor.and_then(|id| frame.model.index_of(id))
    {
        state.pos.reveal(index, count, frame.visible_rows());
    }
    state.pos.clamp(count, frame.visible_rows());
    paint::ground(ui, frame);
    paint::rows(ui, frame, state, &mut actions);
    paint::headers(ui, frame, state, &mut actions);
    scrollbars(ui, area.rect, frame, state);
    actions
}

/// Takes the keyboard now. The next frame is asked for, because only there the arrow keys can be kept from moving the focus.
fn take_focus(ui: &Ui, table: Id) {
    ui.memory_mut(|memory| memory.request_focus(table));
    ui.ctx().request_repaint();
}

fn scrollbars(ui: &Ui, outer: Rect, frame: &Frame<'_>, state: &mut TableState) {
    let count = frame.model.row_count();
    let visible = frame.visible_rows();
    if count as f64 > visible {
        let track =
            Rect::from_min_max(pos2(frame.body.right(), frame.body.top()), pos2(outer.right(), frame.body.bottom()));
        let share = state.pos.share(count, visible);
        let bar = ui.interact(track, frame.id.with("vertical scrollbar"), Sense::CLICK | Sense::DRAG);
        if let Some(share) = paint::scrollbar(ui, frame.palette, &bar, share, (visible / count as f64) as f32, Vec2::Y)
        {
            state.pos = ScrollPos::from_share(share, count, visible);
        }
    }
    let overflow = frame.places.width - frame.body.width();
    if overflow > 0.5 {
        let track =
            Rect::from_min_max(pos2(outer.left(), frame.body.bottom()), pos2(frame.body.right(), outer.bottom()));
        let share = f64::from(state.scroll_x / overflow);
        let bar = ui.interact(track, frame.id.with("horizontal scrollbar"), Sense::CLICK | Sense::DRAG);
        let length = frame.body.width() / frame.places.width;
        if let Some(share) = paint::scrollbar(ui, frame.palette, &bar, share, length, Vec2::X) {
            state.scroll_x = share as f32 * overflow;
        }
    }
}
