//! The widgets of the window, driven without a display by their accessible names. Models here are made up, so that every
//! expected row and figure is known.

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{
    Color32, Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, TouchPhase, Vec2, pos2, vec2,
};
use poolscope::gui::theme;
use poolscope::gui::widgets::graph;
use poolscope::gui::widgets::graph::{Graph, GraphData, GraphState, Kind, Overview, Range};
use poolscope::gui::widgets::pivot_table::{
    Action, Area, Cell, Column, PivotTable, Row, RowId, ScrollPos, Sort, TableState, TreeModel,
};

/// `count` rows, each with two children; row `n` is called "t" and its number.
struct Rows {
    columns: Vec<Column>,
    count: u64,
    open: Option<u64>,
}

impl Rows {
    fn new(count: u64) -> Self {
        let column = |id, title: &str, area, sort| Column {
            id,
            title: title.to_owned(),
            tip: String::new(),
            area,
            width: 96.0,
            sort,
            ..Column::default()
        };
        let columns = vec![
            column(0, "Pool Tag", Area::Key, None),
            column(1, "Stack", Area::Key, None),
            column(2, "Count", Area::Data, None),
            column(3, "Size", Area::Data, Some(Sort::Descending)),
        ];
        Self { columns, count, open: None }
    }

    /// The top row that `index` belongs to, and which child of it, if it is one.
    fn place(&self, index: u64) -> (u64, Option<u64>) {
        match self.open {
            Some(open) if index > open + 2 => (index - 2, None),
            Some(open) if index > open => (open, Some(index - open - 1)),
            _ => (index, None),
        }
    }
}

impl TreeModel for Rows {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn row_count(&self) -> u64 {
        self.count + if self.open.is_some() { 2 } else { 0 }
    }

    fn row(&self, index: u64) -> Option<Row> {
        let id = self.id_at(index)?;
        let (top, child) = self.place(index);
        let figure = |text: String, unit| Cell { text, unit, share: Some(0.5), pending: false };
        Some(Row {
            id,
            level: u32::from(child.is_some()),
            key_column: usize::from(child.is_some()),
            indent: 0,
            text: child.map_or(format!("t{top}"), |c| format!("frame {c} of t{top}")),
            expandable: child.is_none(),
            expanded: child.is_none() && self.open == Some(top),
            cells: vec![figure((top + 1).to_string(), ""), figure("23.1".to_owned(), "MB")],
            ..Row::default()
        })
    }

    fn id_at(&self, index: u64) -> Option<RowId> {
        let (top, child) = self.place(index);
        (index < self.row_count()).then(|| top * 4 + child.map_or(0, |c| c + 1))
    }

    fn index_of(&self, id: RowId) -> Option<u64> {
        let (top, child) = (id / 4, id % 4);
        match self.open {
            Some(open) if top == open => Some(open + child),
            Some(open) if top > open && child == 0 => Some(top + 2),
            _ => (child == 0).then_some(top),
        }
    }

    fn parent(&self, index: u64) -> Option<u64> {
        let (top, child) = self.place(index);
        child.map(|_| top)
    }

    fn largest_child(&self, index: u64) -> Option<u64> {
        (self.open == Some(index)).then_some(index + 1)
    }

    fn find_prefix(&self, from: u64, prefix: &str) -> Option<u64> {
        let starts = |index: &u64| self.row(*index).is_some_and(|row| row.text.to_lowercase().starts_with(prefix));
        (from..self.row_count()).chain(0..from).find(starts)
    }
}

fn wheel(delta: Vec2) -> Event {
    Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta,
        source: MouseWheelSource::Unknown,
        phase: TouchPhase::Move,
        modifiers: Modifiers::NONE,
    }
}

struct Table {
    model: Rows,
    state: TableState,
    actions: Vec<Action>,
}

/// A table in a window of 640 x 320, with its actions carried out on the model.
fn table<'a>(count: u64) -> Harness<'a, Table> {
    let state = Table { model: Rows::new(count), state: TableState::default(), actions: Vec::new() };
    Harness::builder().with_size(vec2(640.0, 320.0)).with_context_setup(theme::install).build_ui_state(
        |ui, state: &mut Table| {
            let actions = PivotTable::new("Allocations", &state.model, &mut state.state).show(ui);
            for action in &actions {
                match action {
                    Action::Expand(id) => state.model.open = Some(id / 4),
                    Action::Collapse(_) => state.model.open = None,
                    _ => {}
                }
            }
            state.actions.extend(actions);
        },
        state,
    )
}

fn press(harness: &mut Harness<'_, Table>, key: Key) {
    harness.key_press(key);
    harness.run();
}

#[test]
fn rows_headers_and_cells_have_names() {
    let harness = table(1000);
    let row = harness.get_by_label("Pool Tag t0, Count 1, Size 23.1 MB");
    assert_eq!(row.accesskit_node().role(), Role::Row);
    assert_eq!(row.accesskit_node().data().is_expanded(), Some(false));
    harness.get_by_role_and_label(Role::ColumnHeader, "Size, sorted descending");
    harness.get_by_role_and_label(Role::ColumnHeader, "Count");
    harness.get_by_role_and_label(Role::TreeGrid, "Allocations");
    harness.get_by_role_and_label(Role::Cell, "Count 7");
    // Only what is visible is drawn.
    let rows = harness.query_all_by_role(Role::Row).count();
    assert!((10..20).contains(&rows), "{rows} rows");
}

#[test]
fn a_click_selects_and_the_triangle_expands() {
    let mut harness = table(1000);
    harness.get_by_label("Pool Tag t1, Count 2, Size 23.1 MB").click();
    harness.run();
    assert_eq!(harness.state().state.cursor(), Some(4));
    harness.get_by_label("Expand t1").click();
    harness.run();
    harness.get_by_label("Stack frame 1 of t1, Count 2, Size 23.1 MB");
    harness.get_by_label("Collapse t1").click();
    harness.run();
    assert!(harness.query_by_label("Stack frame 1 of t1, Count 2, Size 23.1 MB").is_none());
    assert_eq!(harness.state().state.selected().len(), 1);
}

#[test]
fn assistive_technology_can_click_a_row() {
    let mut harness = table(1000);
    harness.get_by_label("Pool Tag t2, Count 3, Size 23.1 MB").click_accesskit();
    harness.run();
    assert_eq!(harness.state().state.cursor(), Some(8));
}

#[test]
fn arrows_walk_down_the_tree_and_back() {
    let mut harness = table(1000);
    harness.state_mut().state.request_focus();
    harness.run();
    press(&mut harness, Key::ArrowDown);
    assert_eq!(harness.state().state.cursor(), Some(0));
    press(&mut harness, Key::ArrowRight);
    assert_eq!(harness.state().model.open, Some(0));
    press(&mut harness, Key::ArrowRight);
    assert_eq!(harness.state().state.cursor(), Some(1), "the largest child");
    press(&mut harness, Key::ArrowLeft);
    assert_eq!(harness.state().state.cursor(), Some(0), "the parent");
    press(&mut harness, Key::ArrowLeft);
    assert_eq!(harness.state().model.open, None);
}

#[test]
fn ten_million_rows_scroll_by_single_rows() {
    let mut harness = table(10_000_000);
    harness.state_mut().state.request_focus();
    harness.run();
    press(&mut harness, Key::End);
    harness.get_by_label("Pool Tag t9999999, Count 10000000, Size 23.1 MB");
    let before = harness.state().state.position();
    harness.hover_at(pos2(300.0, 200.0));
    harness.event(wheel(vec2(0.0, theme::ROW_HEIGHT)));
    harness.run();
    let after = harness.state().state.position();
    assert_eq!(after.row, before.row - 1, "{before:?} {after:?}");
    assert!((after.fraction - before.fraction).abs() < 1e-3);
    press(&mut harness, Key::Home);
    assert_eq!(harness.state().state.position(), ScrollPos::default());
}

#[test]
fn shift_and_ctrl_select_more_and_copy_takes_all() {
    let mut harness = table(1000);
    let name = |n: u64| format!("Pool Tag t{n}, Count {}, Size 23.1 MB", n + 1);
    harness.get_by_label(&name(1)).click();
    harness.run();
    harness.get_by_label(&name(3)).click_modifiers(Modifiers::SHIFT);
    harness.run();
    harness.get_by_label(&name(2)).click_modifiers(Modifiers::COMMAND);
    harness.run();
    let selected: Vec<RowId> = harness.state().state.selected().iter().copied().collect();
    assert_eq!(selected, [4, 12]);
    harness.event(Event::Copy);
    harness.run();
    let copied = Action::Copy("Pool Tag\tStack\tCount\tSize\nt1\t\t2\t23.1 MB\nt3\t\t4\t23.1 MB\n".to_owned());
    assert!(harness.state().actions.contains(&copied));
}

#[test]
fn typing_finds_a_row_and_a_star_opens_all() {
    let mut harness = table(1000);
    harness.state_mut().state.request_focus();
    harness.run();
    for letter in ["t", "7", "7"] {
        harness.event(Event::Text(letter.to_owned()));
        harness.step();
    }
    harness.run();
    assert_eq!(harness.state().state.cursor(), Some(77 * 4));
    harness.event(Event::Text("*".to_owned()));
    harness.run();
    assert!(harness.state().actions.contains(&Action::ExpandAll(77 * 4)));
}

#[test]
fn a_header_asks_to_sort() {
    let mut harness = table(10);
    harness.get_by_label("Count").click();
    harness.run();
    assert_eq!(harness.state().actions, [Action::Sort { column: 2, add: false }]);
}

struct Plot {
    data: GraphData,
    kind: Kind,
    state: GraphState,
    view: Range,
    actions: Vec<graph::Action>,
}

const WHOLE: Range = Range { from: 0.0, to: 60.0 };

fn plot<'a>(kind: Kind) -> Harness<'a, Plot> {
    let times: Vec<f64> = (0..=600).map(|i| f64::from(i) / 10.0).collect();
    let series = |id, name: &str, factor: f64| graph::Series {
        id,
        name: name.to_owned(),
        color: Color32::RED,
        pattern: 0,
        on: true,
        has_row: true,
        marked: false,
        values: times.iter().map(|t| t * factor).collect(),
        extremes: Vec::new(),
    };
    let both = vec![series(1, "Leak", 400_000.0), series(2, "MmSt", 1000.0)];
    let data = GraphData::new("Outstanding size by Pool Tag".to_owned(), times, both, graph::AxisUnit::Bytes);
    let state = Plot { data, kind, state: GraphState::default(), view: WHOLE, actions: Vec::new() };
    Harness::builder()
        .with_size(vec2(900.0, 320.0))
        // Short frames, so that two clicks make a double-click; many, so that tooltips have faded in.
        .with_step_dt(0.05)
        .with_max_steps(64)
        .with_context_setup(theme::install)
        .build_ui_state(
            |ui, plot: &mut Plot| {
                let overview = Overview { times: plot.data.times.clone(), values: plot.data.series[0].values.clone() };
                let graph = Graph { view: plot.view, ..Graph::new(&plot.data, &overview, plot.kind, WHOLE) };
                let actions = graph.show(ui, &mut plot.state);
                plot.actions.extend(actions);
            },
            state,
        )
}

fn zooms(harness: &Harness<'_, Plot>) -> Vec<(Range, bool)> {
    let zoom = |action: &graph::Action| match action {
        graph::Action::Zoom { to, smooth } => Some((*to, *smooth)),
        _ => None,
    };
    harness.state().actions.iter().filter_map(zoom).collect()
}

#[test]
fn a_drag_selects_and_a_double_click_in_it_zooms() {
    for kind in [Kind::Lines, Kind::Areas, Kind::Bars] {
        let mut harness = plot(kind);
        harness.run();
        let label = "Outstanding size by Pool Tag, 0.000 s to 60.000 s, 2 series";
        let middle = harness.get_by_label(label).rect().center();
        harness.drag_at(middle);
        harness.step();
        harness.hover_at(middle + Vec2::new(-100.0, 0.0));
        harness.step();
        harness.drop_at(middle + Vec2::new(-100.0, 0.0));
        harness.run();
        let selected = harness.state().state.selection().expect("a selection");
        assert!(selected.span() > 5.0 && selected.span() < 15.0, "{selected:?}");
        let inside = middle + Vec2::new(-50.0, 0.0);
        harness.hover_at(inside);
        for _ in 0..2 {
            harness.drag_at(inside);
            harness.drop_at(inside);
        }
        harness.run();
        assert_eq!(zooms(&harness), [(selected, false)]);
        assert_eq!(harness.state().state.selection(), None);
    }
}

#[test]
fn the_wheel_zooms_at_the_pointer() {
    let mut harness = plot(Kind::Lines);
    harness.run();
    let label = "Outstanding size by Pool Tag, 0.000 s to 60.000 s, 2 series";
    harness.get_by_label(label).hover();
    harness.step();
    harness.event(wheel(vec2(0.0, 50.0)));
    harness.run();
    let zooms = zooms(&harness);
    let (to, smooth) = zooms.first().expect("a zoom");
    assert!(*smooth && to.from > 0.0 && to.to < 60.0, "{to:?}");
}

#[test]
fn the_legend_switches_and_finds() {
    let mut harness = plot(Kind::Areas);
    harness.run();
    harness.get_by_label("Show MmSt").click();
    harness.run();
    harness.get_by_label("Select row of Leak").click();
    harness.run();
    assert_eq!(harness.state().actions, [graph::Action::Toggle(2), graph::Action::Reveal(1)]);
}
