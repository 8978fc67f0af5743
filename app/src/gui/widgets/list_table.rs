//! A sortable list: rows in columns with titles, drawn only where they can be seen. It has the keyboard like any list: arrows,
//! Page Up and Page Down, Home, End, Enter, and letters that go to the next row that begins with them. The owner of the rows
//! keeps their order, their selection and the cursor, and changes them as the [`Action`]s ask.

use eframe::egui::text::LayoutJob;
use eframe::egui::{
    Align, Color32, Event, EventFilter, Id, Key, Label, Layout, Modifiers, Painter, Popup, Rect, Response, RichText,
    Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use egui_extras::{Column as TableColumn, TableBuilder, TableRow};

use super::pivot_table::Sort;
use crate::gui::icons::Icon;
use crate::gui::theme::{self, GRID, HEADER_HEIGHT, Palette, ROW_HEIGHT};

/// Rows that Page Up and Page Down move by.
const PAGE: isize = 10;
/// Least width of a column whose width can be changed, in points.
const LEAST_WIDTH: f32 = 48.0;
/// Seconds after which a letter begins a new word.
const TYPE_AHEAD_SECONDS: f64 = 1.0;

/// Lines of a cell that wraps, at most.
const MAX_LINES: usize = 5;

/// The width of a column, in points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Width {
    /// This width.
    Exact(f32),
    /// This width until its edge is dragged.
    Initial(f32),
    /// The rest of the width, at least this.
    Rest(f32),
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The name in the header; empty for a column without one.
    pub title: &'static str,
    /// Tip on the header: a sentence, or empty.
    pub tip: &'static str,
    /// Its width.
    pub width: Width,
    /// True if it holds figures, which are aligned to the right.
    pub is_figure: bool,
    /// The order of the rows, if they are sorted by this column.
    pub sort: Option<Sort>,
    /// True if its texts go on in further lines; see [`Rows::paragraph`].
    pub wraps: bool,
}

impl Column {
    /// A column of text that the rows are not sorted by.
    #[must_use]
    pub const fn text(title: &'static str, width: Width) -> Self {
        Self { title, tip: "", width, is_figure: false, sort: None, wraps: false }
    }

    /// A column of text that goes on in further lines, which makes rows higher.
    #[must_use]
    pub const fn paragraphs(title: &'static str, width: Width) -> Self {
        Self { wraps: true, ..Self::text(title, width) }
    }

    /// A column of figures that the rows are not sorted by.
    #[must_use]
    pub const fn figure(title: &'static str, width: Width) -> Self {
        Self { title, tip: "", width, is_figure: true, sort: None, wraps: false }
    }
}

/// Change of a selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// The row alone is selected.
    Only,
    /// All rows from where the selection began to this one are selected.
    Extend,
    /// The row is added to the selection or removed from it.
    Toggle,
    /// The menu of the row opens: a selection that contains the row stays.
    Menu,
}

/// Action requested in the list; rows and columns are numbers in the order that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Sort by this column, or reverse its order.
    Sort(usize),
    /// Move the cursor to a row by keys, and change the selection.
    Move {
        /// The row.
        row: usize,
        /// Change of the selection.
        pick: Pick,
    },
    /// Move the cursor to a row by a click, and change the selection.
    Click {
        /// The row.
        row: usize,
        /// Change of the selection.
        pick: Pick,
    },
    /// Select all rows.
    SelectAll,
    /// Open the row: Enter or a double click.
    Open(usize),
}

/// The rows of a list. Every call must be quick: the list asks while it draws.
pub trait Rows {
    /// The number of rows.
    fn count(&self) -> usize;
    /// The accessible name of a row.
    fn label(&self, row: usize) -> String;
    /// Returns `true` if a row is selected.
    fn is_selected(&self, row: usize) -> bool;
    /// Draws a cell.
    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize);
    /// The text of a cell of a column that wraps.
    fn paragraph(&self, _row: usize, _column: usize) -> String {
        String::new()
    }
    /// Draws the entries of the menu of a row.
    fn menu(&mut self, _ui: &mut Ui, _row: usize) {}
    /// Returns `true` if rows have a menu.
    fn has_menu(&self) -> bool {
        false
    }
    /// The text that letters find a row by; `None` where letters find nothing.
    fn type_ahead_text(&self, _row: usize) -> Option<String> {
        None
    }
    /// A row as tab-separated text for the clipboard; `None` where the owner copies rows by itself.
    fn copy_text(&self, _row: usize) -> Option<String> {
        None
    }
}

/// Who gives a list its keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keyboard {
    /// The list itself, when it was clicked or reached by Tab.
    #[default]
    Own,
    /// The list itself, also when nothing else has the keyboard.
    Idle,
    /// A field elsewhere on the page: see [`arrow_keys`].
    Field,
}

/// A list, ready to be shown.
#[derive(Debug)]
pub struct ListTable<'a> {
    name: &'a str,
    columns: &'a [Column],
    cursor: Option<usize>,
    keyboard: Keyboard,
    wants_focus: bool,
    wants_reveal: bool,
    height: Option<f32>,
}

impl<'a> ListTable<'a> {
    /// A list called `name` (its accessible name), which fills the room that there is.
    #[must_use]
    pub fn new(name: &'a str, columns: &'a [Column]) -> Self {
        let (keyboard, height) = (Keyboard::default(), None);
        Self { name, columns, cursor: None, keyboard, wants_focus: false, wants_reveal: false, height }
    }

    /// The row that the keys act on, and whether to scroll to it.
    #[must_use]
    pub fn cursor(self, cursor: Option<usize>, wants_reveal: bool) -> Self {
        Self { cursor, wants_reveal, ..self }
    }

    /// Who gives the list its keys, and whether it takes the keyboard now.
    #[must_use]
    pub fn keyboard(self, keyboard: Keyboard, wants_focus: bool) -> Self {
        Self { keyboard, wants_focus, ..self }
    }

    /// The list is at most this high, in points, and lower if it has few rows.
    #[must_use]
    pub fn at_most(self, height: f32) -> Self {
        Self { height: Some(height), ..self }
    }

    /// Draws the list; returns what the user asked for.
    pub fn show(self, ui: &mut Ui, rows: &mut dyn Rows) -> Vec<Action> {
        let mut actions = Vec::new();
        ui.push_id(self.name, |ui| {
            let id = ui.make_persistent_id("list");
            if self.keyboard != Keyboard::Field {
                self.take_keys(ui, id, rows, &mut actions);
            }
            let outlined = self.cursor.filter(|_| ui.memory(|memory| memory.has_focus(id)));
            let clicked = self.table(ui, rows, outlined, &mut actions);
            if clicked && self.keyboard != Keyboard::Field {
                request_focus(ui, id);
            }
        });
        if !actions.is_empty() {
            ui.ctx().request_repaint();
        }
        actions
    }

    /// Gives the list the keyboard if it is to have it, and carries out the keys.
    fn take_keys(&self, ui: &Ui, id: Id, rows: &dyn Rows, actions: &mut Vec<Action>) {
        let mut place = ui.available_rect_before_wrap();
        if let Some(height) = self.height {
            place.set_height(HEADER_HEIGHT + height.min(rows.count() as f32 * ROW_HEIGHT));
        }
        let response = ui.interact(place, id, Sense::focusable_noninteractive());
        response.widget_info(|| WidgetInfo::labeled(Role::List, true, self.name));
        let is_idle = ui.memory(|memory| memory.focused().is_none() && memory.is_above_modal_layer(ui.layer_id()))
            && !Popup::is_any_open(ui.ctx())
            && !ui.input(|input| input.key_pressed(Key::Tab));
        if self.wants_focus || (is_idle && self.keyboard == Keyboard::Idle) {
            request_focus(ui, id);
        }
        if !ui.memory(|memory| memory.has_focus(id)) {
            return;
        }
        let filter = EventFilter { vertical_arrows: true, escape: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
        actions.extend(arrow_keys(ui, rows.count(), self.cursor));
        let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
        let Some(last) = rows.count().checked_sub(1) else { return };
        for (key, row) in [(Key::Home, 0), (Key::End, last)] {
            if pressed(Modifiers::NONE, key) {
                actions.push(Action::Move { row, pick: Pick::Only });
            }
        }
        if let Some(row) = self.cursor.filter(|_| pressed(Modifiers::NONE, Key::Enter)) {
            actions.push(Action::Open(row));
        }
        if pressed(Modifiers::COMMAND, Key::A) {
            actions.push(Action::SelectAll);
        }
        if let Some(row) = type_ahead(ui, id, rows, self.cursor) {
            actions.push(Action::Move { row, pick: Pick::Only });
        }
        let is_copied = ui.input(|input| input.events.contains(&Event::Copy));
        if let Some(text) = self.cursor.filter(|_| is_copied).and_then(|row| rows.copy_text(row)) {
            ui.input_mut(|input| input.events.retain(|event| *event != Event::Copy));
            ui.ctx().copy_text(text);
        }
    }

    /// Draws headers and rows, and an outline around the row with the keyboard; returns whether a row was clicked.
    fn table(&self, ui: &mut Ui, rows: &mut dyn Rows, outlined: Option<usize>, actions: &mut Vec<Action>) -> bool {
        let mut clicked = false;
        let mut outline = None;
        let fills = self.height.is_none();
        ScrollArea::horizontal().auto_shrink([false, !fills]).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            let painter = ui.painter().clone();
            let mut table = TableBuilder::new(ui)
                .striped(true)
                .sense(Sense::click())
                .auto_shrink([false, !fills])
                // Else the last rows would lie under what is below the list.
                .min_scrolled_height(self.height.unwrap_or(0.0))
                .cell_layout(Layout::left_to_right(Align::Center));
            if let Some(height) = self.height {
                table = table.max_scroll_height(height);
            }
            for column in self.columns {
                table = table.column(match column.width {
                    Width::Exact(width) => TableColumn::exact(width).clip(true),
                    Width::Initial(width) => {
                        TableColumn::initial(width).at_least(LEAST_WIDTH).clip(true).resizable(true)
                    }
                    Width::Rest(least) => TableColumn::remainder().at_least(least).clip(true),
                });
            }
            if let Some(row) = self.cursor.filter(|_| self.wants_reveal) {
                table = table.scroll_to_row(row, None);
            }
            let headers = |mut row: TableRow<'_, '_>| {
                for (number, column) in self.columns.iter().enumerate() {
                    row.col(|ui| {
                        if !column.title.is_empty() && header(ui, column).clicked() {
                            actions.push(Action::Sort(number));
                        }
                    });
                }
            };
            table.header(HEADER_HEIGHT, headers).body(|body| {
                let heights = self.heights(&painter, body.widths(), rows);
                let draw = |row: TableRow<'_, '_>| {
                    let number = row.index();
                    let response = self.row(row, rows, actions);
                    clicked |= response.clicked() || response.secondary_clicked();
                    outline =
                        outline.or((outlined == Some(number) && !rows.is_selected(number)).then_some(response.rect));
                };
                match heights {
                    Ok(heights) => body.heterogeneous_rows(heights.into_iter(), draw),
                    Err(count) => body.rows(ROW_HEIGHT, count, draw),
                }
            });
            if let Some(place) = outline {
                let stroke = Stroke::new(1.0, Palette::of(ui).accent);
                ui.painter().rect_stroke(place.shrink(0.5), 0.0, stroke, StrokeKind::Inside);
            }
        });
        clicked
    }

    /// The height of each row where a column wraps, in points.
    ///
    /// # Errors
    /// No column wraps: the number of the rows, which are all of one height.
    fn heights(&self, painter: &Painter, widths: &[f32], rows: &dyn Rows) -> Result<Vec<f32>, usize> {
        let wrapping = self.columns.iter().zip(widths).enumerate().filter(|(_, (column, _))| column.wraps);
        let wrapping: Vec<(usize, f32)> = wrapping.map(|(at, (_, width))| (at, *width)).collect();
        if wrapping.is_empty() {
            return Err(rows.count());
        }
        let height = |row: usize| {
            let of_cell = |(column, width): &(usize, f32)| {
                let text = rows.paragraph(row, *column);
                painter.layout_job(paragraph(&text, *width, Color32::WHITE)).size().y + 2.0 * GRID
            };
            wrapping.iter().map(of_cell).fold(ROW_HEIGHT, f32::max).ceil()
        };
        Ok((0..rows.count()).map(height).collect())
    }

    /// Draws a row.
    fn row(&self, mut row: TableRow<'_, '_>, rows: &mut dyn Rows, actions: &mut Vec<Action>) -> Response {
        let number = row.index();
        let is_selected = rows.is_selected(number);
        row.set_selected(is_selected);
        for column in 0..self.columns.len() {
            row.col(|ui| rows.cell(ui, number, column));
        }
        let response = row.response();
        response.widget_info(|| WidgetInfo::selected(Role::Row, true, is_selected, rows.label(number)));
        if response.double_clicked() {
            actions.push(Action::Open(number));
        }
        if response.clicked() || response.secondary_clicked() {
            let modifiers = response.ctx.input(|input| input.modifiers);
            let pick = match () {
                () if response.secondary_clicked() && is_selected => Pick::Menu,
                () if modifiers.shift => Pick::Extend,
                () if modifiers.command => Pick::Toggle,
                () => Pick::Only,
            };
            actions.push(Action::Click { row: number, pick });
        }
        if rows.has_menu() {
            response.context_menu(|ui| rows.menu(ui, number));
        }
        response
    }
}

/// Takes the keyboard, and asks for another frame: only there the arrow keys can be kept from moving the focus.
fn request_focus(ui: &Ui, id: Id) {
    ui.memory_mut(|memory| memory.request_focus(id));
    ui.ctx().request_repaint();
}

/// The moves of the cursor that arrows, Page Up and Page Down ask for; with Shift they extend the selection. A field above the
/// list calls it while it has the keyboard.
#[must_use]
pub fn arrow_keys(ui: &Ui, count: usize, cursor: Option<usize>) -> Vec<Action> {
    let Some(last) = count.checked_sub(1) else { return Vec::new() };
    let mut actions = Vec::new();
    let mut cursor = cursor;
    let moves = [(Key::ArrowDown, 1), (Key::ArrowUp, -1), (Key::PageDown, PAGE), (Key::PageUp, -PAGE)];
    for (key, by) in moves {
        for (modifiers, pick) in [(Modifiers::SHIFT, Pick::Extend), (Modifiers::NONE, Pick::Only)] {
            if ui.input_mut(|input| input.consume_key(modifiers, key)) {
                let row = cursor.map_or(0, |row| row.saturating_add_signed(by)).min(last);
                cursor = Some(row);
                actions.push(Action::Move { row, pick });
            }
        }
    }
    actions
}

/// The letters of the word that is being typed, and when the last of them was.
#[derive(Debug, Clone, Default)]
struct Typed {
    word: String,
    at: f64,
}

/// The row that the typed letters lead to.
fn type_ahead(ui: &Ui, id: Id, rows: &dyn Rows, cursor: Option<usize>) -> Option<usize> {
    rows.type_ahead_text(0)?;
    let (letters, now) = ui.input(|input| {
        let texts = input
            .events
            .iter()
            .filter_map(|event| if let Event::Text(text) = event { Some(text.as_str()) } else { None });
        (texts.collect::<String>().to_lowercase(), input.time)
    });
    if letters.trim().is_empty() {
        return None;
    }
    let mut typed: Typed = ui.data(|data| data.get_temp(id)).unwrap_or_default();
    let goes_on = now - typed.at <= TYPE_AHEAD_SECONDS;
    typed.word = if goes_on { typed.word + &letters } else { letters };
    typed.at = now;
    let count = rows.count();
    let first = cursor.unwrap_or(0);
    let begins =
        |row: &usize| rows.type_ahead_text(*row).is_some_and(|text| text.to_lowercase().starts_with(&typed.word));
    // A word that goes on may stay at its row; a new one goes to the next.
    let found = (0..count).map(|step| (first + step + usize::from(!goes_on && cursor.is_some())) % count).find(begins);
    ui.data_mut(|data| data.insert_temp(id, typed));
    found
}

/// Draws the header of a column over the whole cell; a click on it sorts.
fn header(ui: &mut Ui, column: &Column) -> Response {
    let palette = Palette::of(ui);
    let response = ui.allocate_response(ui.available_size(), Sense::click());
    let place = response.rect;
    let color = if response.hovered() || column.sort.is_some() { palette.text } else { palette.dim };
    let painter = ui.painter();
    let title = painter.layout_no_wrap(column.title.to_owned(), theme::small_font(), color);
    let arrow = if column.sort.is_some() { 3.0 * GRID } else { 0.0 };
    let left =
        if column.is_figure { (place.right() - title.size().x - arrow - GRID).max(place.left()) } else { place.left() };
    let end = left + title.size().x;
    painter.galley(pos2(left, place.center().y - title.size().y / 2.0), title, color);
    let (icon, order) = match column.sort {
        Some(Sort::Ascending) => (Some(Icon::SortAscending), ", ascending"),
        Some(Sort::Descending) => (Some(Icon::SortDescending), ", descending"),
        None => (None, ""),
    };
    if let Some(icon) = icon {
        icon.paint(painter, pos2(end + 2.0 * GRID, place.center().y), palette.accent);
    }
    if response.has_focus() {
        painter.rect_stroke(place, 0.0, Stroke::new(1.0, palette.accent), StrokeKind::Inside);
    }
    response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, format!("Sort by {}{order}", column.title)));
    if column.tip.is_empty() { response } else { response.on_hover_text(column.tip) }
}

/// Draws a cell with text; a click on it is a click on the row.
pub fn text_cell(ui: &mut Ui, text: impl Into<RichText>) -> Response {
    // A selected row keeps the color of its text.
    let color = Palette::of(ui).text;
    colored_cell(ui, text.into().color(color))
}

/// Draws a cell of a column that wraps.
pub fn paragraph_cell(ui: &mut Ui, text: &str) -> Response {
    ui.add(Label::new(paragraph(text, ui.available_width(), Palette::of(ui).text)).wrap().selectable(false))
}

/// A text in lines of at most `width` points; of a long one the first lines.
fn paragraph(text: &str, width: f32, color: Color32) -> LayoutJob {
    let mut job = LayoutJob::simple(text.to_owned(), theme::text_font(), color, width);
    job.wrap.max_rows = MAX_LINES;
    job
}

/// Draws a cell with text that has a color of its own.
pub fn colored_cell(ui: &mut Ui, text: RichText) -> Response {
    ui.add(Label::new(text).truncate().selectable(false))
}

/// Draws a cell with a figure, aligned to the right.
pub fn figure_cell(ui: &mut Ui, text: impl Into<String>) -> Response {
    let layout = Layout::right_to_left(Align::Center);
    let cell = ui.with_layout(layout, |ui| {
        ui.add_space(GRID);
        text_cell(ui, RichText::new(text).font(theme::figure_font()))
    });
    cell.inner
}

/// Draws a bar behind a cell, as wide as a share of it from 0 to 1.
pub fn share_bar(ui: &Ui, share: f32) {
    let place = ui.available_rect_before_wrap().shrink2(vec2(GRID, 3.0));
    let bar = Rect::from_min_size(place.min, vec2(place.width() * share.clamp(0.0, 1.0), place.height()));
    ui.painter().rect_filled(bar, f32::from(theme::RADIUS), Palette::of(ui).share);
}
