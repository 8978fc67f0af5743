//! The pivot table: rows of a tree in columns, with headers, the gold and the blue bar, selection, menus and keys. Only visible rows
//! are drawn, and tens of millions of rows scroll by single pixels. The owner of the rows carries out the [`Action`]s.

mod bars;
mod drag;
mod extras;
mod frame;
mod headers;
mod input;
mod labels;
mod layout;
mod menus;
mod model;
mod rows;
mod scroll;
mod state;

use eframe::egui::accesskit::Role;
use eframe::egui::{EventFilter, Id, Rect, Response, Sense, Stroke, Ui, UiBuilder, Vec2, WidgetInfo, pos2};

pub use labels::{cell_label, header_label, row_label, several_sorted, tab_separated};
pub use menus::{HeaderMenu, RowMenu};
pub use model::{Action, Area, Cell, Column, ExtraCell, ExtraColumn, Row, RowId, RowKind, Sort, Swatch, TreeModel};
pub use scroll::ScrollPos;
pub use state::TableState;

use crate::gui::theme;
use crate::gui::widgets::scrollbar;
use frame::{TableFrame, TableOptions};

/// The table, ready to be shown.
pub struct PivotTable<'a> {
    name: &'a str,
    model: &'a dyn TreeModel,
    state: &'a mut TableState,
    options: TableOptions<'a>,
    header_menu: Option<HeaderMenu<'a>>,
    row_menu: Option<RowMenu<'a>>,
}

impl<'a> PivotTable<'a> {
    /// A table called `name` (its accessible name) over `model`.
    pub fn new(name: &'a str, model: &'a dyn TreeModel, state: &'a mut TableState) -> Self {
        Self { name, model, state, options: TableOptions::default(), header_menu: None, row_menu: None }
    }

    /// Draws the figures dimmed, because they are outdated.
    #[must_use]
    pub fn dimmed(mut self, dimmed: bool) -> Self {
        self.options.dimmed = dimmed;
        self
    }

    /// Shows the chosen columns only, however much room there is.
    #[must_use]
    pub fn without_extras(mut self) -> Self {
        self.options.without_extras = true;
        self
    }

    /// Sets the tooltip of the key of a row: the row of [`TableState::hovered`].
    #[must_use]
    pub fn tip(mut self, tip: Option<(RowId, &'a str)>) -> Self {
        self.options.tip = tip;
        self
    }

    /// Keeps the first `columns` columns from scrolling sideways, if they leave enough room for the others.
    #[must_use]
    pub fn frozen(mut self, columns: usize) -> Self {
        self.options.frozen = columns;
        self
    }

    /// Draws the entries of a header's menu (right click, Menu key, Shift+F10): it gets the column's id, or `None` beside the
    /// headers.
    #[must_use]
    pub fn header_menu(mut self, entries: HeaderMenu<'a>) -> Self {
        self.options.header_menu = true;
        self.header_menu = Some(entries);
        self
    }

    /// Draws the entries of a row's menu (right click, Menu key, Shift+F10). The row is selected by then.
    #[must_use]
    pub fn row_menu(mut self, entries: RowMenu<'a>) -> Self {
        self.options.row_menu = true;
        self.row_menu = Some(entries);
        self
    }

    /// Fills the rest of `ui` with the table; returns what the user asked for.
    pub fn show(self, ui: &mut Ui) -> Vec<Action> {
        let Self { name, model, state, options, mut header_menu, mut row_menu } = self;
        let (_, outer) = ui.allocate_space(ui.available_size());
        let id = ui.make_persistent_id(name);
        let builder = UiBuilder::new().id_salt(name).max_rect(outer);
        ui.scope_builder(builder, |ui| {
            ui.set_clip_rect(outer.intersect(ui.clip_rect()));
            let area = ui.interact(outer, id, Sense::FOCUSABLE | Sense::CLICK);
            area.widget_info(|| WidgetInfo::labeled(Role::TreeGrid, true, name));
            layout::fit(ui, model, state, f64::from(outer.height() / theme::ROW_HEIGHT));
            let frame = TableFrame::new(ui, &area, model, state, options);
            let actions = show_frame(ui, &area, &frame, state);
            menus::show(ui, model, state, &mut header_menu, &mut row_menu);
            actions
        })
        .inner
    }
}

fn show_frame(ui: &mut Ui, area: &Response, frame: &TableFrame<'_>, state: &mut TableState) -> Vec<Action> {
    let mut actions = Vec::new();
    if std::mem::take(&mut state.wants_focus) || area.clicked() {
        take_focus(ui, frame.id);
    }
    if frame.focused {
        // An open menu has the keys.
        let own = state.menu.is_none();
        let filter =
            EventFilter { horizontal_arrows: own, vertical_arrows: own, escape: own, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(frame.id, filter));
        if own && state.drag.is_none() && state.bar.is_none() {
            input::keys(ui, frame, state, &mut actions);
        }
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
    if std::mem::take(&mut state.wants_menu) {
        menus::open_at_cursor(ui, frame, state);
    }
    ground(ui, frame);
    rows::show(ui, frame, state, &mut actions);
    headers::show(ui, frame, state, &mut actions);
    extras::headers(ui, frame);
    state.shown_rows = frame.visible_rows().ceil() as u64;
    state.shown_extras = frame.places.extras.len();
    // Above the edges of headers, which reach to the bars.
    bars::show(ui, frame, state, &mut actions);
    scrollbars(ui, frame, state);
    actions
}

/// Takes the keyboard, and asks for another frame: only there the arrow keys can be kept from moving the focus.
fn take_focus(ui: &Ui, table: Id) {
    ui.memory_mut(|memory| memory.request_focus(table));
    ui.ctx().request_repaint();
}

/// Paints the background of body and header.
fn ground(ui: &Ui, frame: &TableFrame<'_>) {
    let p = frame.palette;
    let painter = ui.painter();
    // The header continues above the vertical scrollbar; the horizontal one is not below the frozen columns.
    painter.rect_filled(frame.outer, 0.0, p.panel);
    painter.rect_filled(frame.body, 0.0, p.canvas);
    painter.hline(frame.outer.x_range(), frame.header.bottom(), Stroke::new(1.0, p.line));
}

fn scrollbars(ui: &Ui, frame: &TableFrame<'_>, state: &mut TableState) {
    let (outer, body) = (frame.outer, frame.body);
    let count = frame.model.row_count();
    let visible = frame.visible_rows();
    if count as f64 > visible {
        let track = Rect::from_min_max(body.right_top(), pos2(outer.right(), body.bottom()));
        let share = state.pos.share(count, visible);
        let bar = ui.interact(track, frame.id.with("vertical scrollbar"), Sense::CLICK | Sense::DRAG);
        let length = (visible / count as f64) as f32;
        if let Some(share) = scrollbar::show(ui, frame.palette, &bar, share, length, Vec2::Y) {
            state.pos = ScrollPos::from_share(share, count, visible);
        }
    }
    let overflow = frame.overflow();
    if frame.has_horizontal_bar() {
        let pane = frame.pane(false);
        let track = Rect::from_min_max(pos2(pane.min, body.bottom()), pos2(pane.max, outer.bottom()));
        let share = f64::from(state.scroll_x / overflow);
        let bar = ui.interact(track, frame.id.with("horizontal scrollbar"), Sense::CLICK | Sense::DRAG);
        let length = pane.span() / (pane.span() + overflow);
        if let Some(share) = scrollbar::show(ui, frame.palette, &bar, share, length, Vec2::X) {
            state.scroll_x = share as f32 * overflow;
        }
    }
}
