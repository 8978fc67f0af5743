//! A table over made-up rows, driven without a display: what the tests of the table share. The owner of the rows carries out
//! what the table asks for, as the window does.

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Color32, Event, Key, Modifiers, Pos2, Rect, pos2, vec2};
use poolscope::gui::theme;
use poolscope::gui::widgets::pivot_table::{
    Action, Area, Cell, Column, PivotTable, Row, RowId, Sort, Swatch, TableState, TreeModel,
};

pub const TAG: u32 = 0;
pub const OWNER: u32 = 1;
pub const COUNT: u32 = 2;
pub const SIZE: u32 = 3;
pub const ANYWHERE: [bool; 3] = [true; 3];
pub const NO_KEY: [bool; 3] = [false, true, true];

pub fn column(id: u32, title: &str, area: Area, allowed: [bool; 3]) -> Column {
    let refusal = format!("{title} cannot group rows");
    Column { id, title: title.to_owned(), area, width: 96.0, allowed, refusal, ..Column::default() }
}

/// Tag and Owner left of the gold bar, Count and Size right of it, nothing graphed.
pub fn usual() -> Vec<Column> {
    let size = column(SIZE, "Size", Area::Data, NO_KEY);
    vec![
        column(TAG, "Pool Tag", Area::Key, ANYWHERE),
        column(OWNER, "Owner", Area::Key, ANYWHERE),
        column(COUNT, "Count", Area::Data, NO_KEY),
        Column { sort: Some(Sort::Descending), sort_rank: 1, ..size },
    ]
}

/// Flat rows: row `n` is called "t" and its number. The first three have a series of their own; some are open.
pub struct Rows {
    pub columns: Vec<Column>,
    pub count: u64,
    pub open: Vec<RowId>,
    pub text: fn(u64) -> String,
    pub pending: bool,
}

impl TreeModel for Rows {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn row_count(&self) -> u64 {
        self.count
    }

    fn row(&self, index: u64) -> Option<Row> {
        let figures = self.columns.iter().filter(|c| c.area != Area::Key);
        let cell = |c: &Column| Cell {
            text: format!("{}", index + u64::from(c.id)),
            pending: self.pending,
            ..Cell::default()
        };
        (index < self.count).then(|| Row {
            id: index,
            text: (self.text)(index),
            lead: Some((2, Color32::BLUE)),
            expandable: true,
            expanded: self.open.contains(&index),
            cells: figures.map(cell).collect(),
            swatch: (index < 3).then_some(Swatch { color: Color32::RED, on: true }),
            ..Row::default()
        })
    }

    fn id_at(&self, index: u64) -> Option<RowId> {
        (index < self.count).then_some(index)
    }

    fn index_of(&self, id: RowId) -> Option<u64> {
        (id < self.count).then_some(id)
    }

    fn parent(&self, _index: u64) -> Option<u64> {
        None
    }

    fn largest_child(&self, _index: u64) -> Option<u64> {
        None
    }

    fn find_prefix(&self, from: u64, prefix: &str) -> Option<u64> {
        (from..self.count).chain(0..from).find(|index| (self.text)(*index).to_lowercase().starts_with(prefix))
    }
}

pub struct Table {
    pub rows: Rows,
    pub state: TableState,
    pub frozen: usize,
    pub actions: Vec<Action>,
    /// Choices made in menus.
    pub chosen: Vec<String>,
}

impl Table {
    fn carry_out(&mut self, action: &Action) {
        match action {
            Action::MoveColumn { column, area, before } => {
                let columns = &mut self.rows.columns;
                let at = columns.iter().position(|c| c.id == *column).expect("a column of the table");
                let moved = Column { area: *area, ..columns.remove(at) };
                let to = match before {
                    Some(before) => columns.iter().position(|c| c.id == *before).expect("a column of the table"),
                    None => columns.iter().take_while(|c| c.area <= *area).count(),
                };
                columns.insert(to, moved);
            }
            Action::Expand(id) => self.rows.open.push(*id),
            Action::Collapse(id) => self.rows.open.retain(|open| open != id),
            _ => {}
        }
    }
}

pub type Window<'a> = Harness<'a, Table>;

/// A table in a window of 640 x 320, with menus.
pub fn window<'a>(columns: Vec<Column>) -> Window<'a> {
    let rows = Rows { columns, count: 1000, open: Vec::new(), text: |n| format!("t{n}"), pending: false };
    let table = Table { rows, state: TableState::default(), frozen: 0, actions: Vec::new(), chosen: Vec::new() };
    Harness::builder()
        .with_size(vec2(640.0, 320.0))
        // Short frames, so that two clicks make a double-click; many, so that tooltips have faded in.
        .with_step_dt(0.05)
        .with_max_steps(64)
        .with_context_setup(theme::install)
        .build_ui_state(
            |ui, table: &mut Table| {
                let Table { rows, state, frozen, chosen, .. } = table;
                let mut from_header = None;
                let mut from_row = None;
                let actions = PivotTable::new("Allocations", rows, state)
                    .frozen(*frozen)
                    .header_menu(&mut |ui, column| {
                        if ui.button("Hide the column").clicked() {
                            from_header = Some(format!("{column:?}"));
                        }
                    })
                    .row_menu(&mut |ui, row| {
                        for entry in ["Filter to the row", "Copy the row"] {
                            if ui.button(entry).clicked() {
                                from_row = Some(format!("{entry} {row}"));
                            }
                        }
                    })
                    .show(ui);
                chosen.extend(from_header);
                chosen.extend(from_row);
                for action in &actions {
                    table.carry_out(action);
                }
                table.actions.extend(actions);
            },
            table,
        )
}

pub fn header(window: &Window<'_>, title: &str) -> Rect {
    window.get_by_role_and_label(Role::ColumnHeader, title).rect()
}

pub fn gold(window: &Window<'_>) -> Rect {
    window.get_by_label("Gold bar: columns to its left group the rows").rect()
}

pub fn blue(window: &Window<'_>) -> Rect {
    window.get_by_label("Blue bar: columns to its right are graphed").rect()
}

/// Takes hold at `from` and goes to the header's height at `x`, without letting go.
pub fn drag(window: &mut Window<'_>, from: Pos2, x: f32) {
    window.hover_at(from);
    window.drag_at(from);
    window.step();
    window.hover_at(pos2(x + 12.0, from.y));
    window.step();
    window.hover_at(pos2(x, from.y));
    window.run();
}

pub fn let_go(window: &mut Window<'_>, x: f32) {
    window.drop_at(pos2(x, 10.0));
    window.run();
}

pub fn drag_and_drop(window: &mut Window<'_>, title: &str, x: f32) {
    let from = header(window, title).center();
    drag(window, from, x);
    let_go(window, x);
}

pub fn moved(column: u32, area: Area, before: Option<u32>) -> Action {
    Action::MoveColumn { column, area, before }
}

pub fn press(window: &mut Window<'_>, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    window.run();
}

pub fn write(window: &mut Window<'_>, text: &str) {
    window.event(Event::Text(text.to_owned()));
    window.run();
}

pub fn focus_table(window: &mut Window<'_>) {
    window.state_mut().state.request_focus();
    window.run();
}

/// The actions so far, without those that only say that the selection changed.
pub fn asked(window: &Window<'_>) -> Vec<Action> {
    window.state().actions.iter().filter(|action| **action != Action::Select).cloned().collect()
}
