//! The time graph, driven without a display by accessible names: curves here are made up, so that every time and value that
//! has to be read is known. What the graph asks for is carried out as the window would do it.

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Button, Key, Modifiers, Pos2, Ui, pos2, vec2};
use poolscope::gui::theme;
use poolscope::gui::widgets::graph::{
    Action, AxisUnit, Graph, GraphData, GraphState, Kind, Mark, Overview, Range, Series,
};

pub const WHOLE: Range = Range { from: 0.0, to: 60.0 };
const MB: f64 = 1024.0 * 1024.0;

pub struct Shown {
    pub data: GraphData,
    pub kind: Kind,
    pub state: GraphState,
    pub view: Range,
    pub marks: Vec<Mark>,
    pub note: Vec<String>,
    pub actions: Vec<Action>,
    pub extra: usize,
}

pub type Window = Harness<'static, Shown>;

pub fn series(id: u64, name: &str, values: Vec<f64>) -> Series {
    let color = theme::Palette::for_dark(false).series_color(Some(id as usize));
    let (has_row, marked, on, pattern) = (true, false, true, (id / 10) as u8);
    Series { id, name: name.to_owned(), color, pattern, on, has_row, marked, values, extremes: Vec::new() }
}

/// Leak grows by one MB a second, MmSt holds 2 MB, File 512.0 KB; one point in a tenth of a second.
pub fn three() -> GraphData {
    let times: Vec<f64> = (0..=600).map(|i| f64::from(i) / 10.0).collect();
    let leak = times.iter().map(|t| t * MB).collect();
    let all = vec![
        series(1, "Leak", leak),
        series(2, "MmSt", vec![2.0 * MB; times.len()]),
        series(3, "File", vec![0.5 * MB; times.len()]),
    ];
    GraphData::new("Outstanding size by Pool Tag".to_owned(), times, all, AxisUnit::Bytes)
}

/// A graph of 900 x 400 whose wishes are granted.
pub fn window(kind: Kind, data: GraphData) -> Window {
    let state = Shown {
        data,
        kind,
        state: GraphState::default(),
        view: WHOLE,
        marks: Vec::new(),
        note: Vec::new(),
        actions: Vec::new(),
        extra: 0,
    };
    let mut window = Harness::builder()
        .with_size(vec2(900.0, 400.0))
        .with_step_dt(0.05)
        .with_max_steps(64)
        .with_context_setup(theme::install)
        .build_ui_state(show, state);
    window.run();
    window
}

fn show(ui: &mut Ui, shown: &mut Shown) {
    let overview = Overview { times: shown.data.times.clone(), values: shown.data.series[0].values.clone() };
    let clock = |seconds: f64| Some(format!("10:00:{seconds:06.3}"));
    let Shown { data, kind, state, view, marks, note, extra, .. } = shown;
    let mut menu = |ui: &mut Ui| *extra += usize::from(ui.add(Button::new("Of the window")).clicked());
    let graph = Graph {
        view: *view,
        marks,
        selection_note: Some(note),
        wall_clock: Some(&clock),
        menu: Some(&mut menu),
        ..Graph::new(data, &overview, *kind, WHOLE)
    };
    let actions = graph.show(ui, state);
    for action in &actions {
        grant(shown, action);
    }
    shown.actions.extend(actions);
}

fn grant(shown: &mut Shown, action: &Action) {
    let mut switch = |on: &dyn Fn(&Series) -> bool| {
        let mut all = shown.data.series.clone();
        all.iter_mut().for_each(|s| s.on = on(s));
        shown.data = GraphData::new(shown.data.title.clone(), shown.data.times.clone(), all, shown.data.unit);
    };
    match action {
        Action::Zoom { to, .. } => shown.view = *to,
        Action::ZoomAll => shown.view = WHOLE,
        Action::Select(range) => shown.state.select(*range),
        Action::Toggle(id) => switch(&|s| s.on != (s.id == *id)),
        Action::Solo(id) => switch(&|s| s.id == *id),
        Action::ShowAll => switch(&|_| true),
        Action::AddMark(time) => {
            let name = format!("Mark {}", shown.marks.len() + 1);
            shown.marks.push(Mark { time: *time, name });
        }
        Action::MoveMark { index, to } => shown.marks[*index].time = *to,
        Action::RemoveMark(index) => {
            shown.marks.remove(*index);
        }
        Action::ClearMarks => shown.marks.clear(),
        Action::Reveal(_) | Action::Copy(_) | Action::More => {}
    }
}

/// Where a time lies on the plot, at a share of its height from the top.
pub fn at(window: &Window, time: f64, height: f32) -> Pos2 {
    let place = window.get_by_role(Role::Figure).rect();
    let view = window.state().view;
    let share = ((time - view.from) / view.span()) as f32;
    pos2(place.left() + place.width() * share, place.top() + place.height() * height)
}

pub fn drag(window: &mut Window, from: Pos2, to: Pos2) {
    window.drag_at(from);
    window.step();
    window.hover_at(from.lerp(to, 0.5));
    window.step();
    window.hover_at(to);
    window.step();
    window.drop_at(to);
    window.run();
}

pub fn press(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    window.run();
}

pub fn focus(window: &mut Window) {
    window.state_mut().state.request_focus();
    window.run();
}

/// Text of the crosshair.
pub fn crosshair(window: &Window) -> String {
    window.get_by_role(Role::Tooltip).accesskit_node().label().unwrap_or_default()
}

fn on(window: &Window) -> Vec<u64> {
    window.state().data.series.iter().filter(|s| s.on).map(|s| s.id).collect()
}

#[track_caller]
pub fn close(a: f64, b: f64, within: f64) {
    assert!((a - b).abs() <= within, "{a} is not {b}");
}

pub fn click_menu(window: &mut Window, entry: &str) {
    window.get_by_label(entry).click();
    window.run();
}

#[test]
fn the_crosshair_tells_every_value_of_a_moment() {
    let mut window = window(Kind::Lines, three());
    let peak = 60.0 * 1.06;
    let place = at(&window, 30.0, (1.0 - 30.0 / peak) as f32);
    window.hover_at(place);
    window.run();
    assert_eq!(
        crosshair(&window),
        "At 30.000 s (10:00:30.000): Leak 30.0 MB, 7,680 pages; MmSt 2.00 MB; File 512.0 KB"
    );
    window.state_mut().kind = Kind::Areas;
    window.hover_at(at(&window, 10.0, 0.999));
    window.run();
    assert_eq!(
        crosshair(&window),
        "At 10.000 s (10:00:10.000): Leak 10.0 MB, 2,560 pages; MmSt 2.00 MB; File 512.0 KB; Sum 12.5 MB"
    );
}

#[test]
fn the_crosshair_lists_the_largest_and_stays_in_the_plot() {
    let times = vec![0.0, 60.0];
    let many: Vec<Series> = (0..50).map(|i| series(i, &format!("T{i:02}"), vec![(50 - i) as f64; 2])).collect();
    let mut window = window(Kind::Areas, GraphData::new("Many".to_owned(), times, many, AxisUnit::Count));
    for time in [1.0, 29.0, 59.0] {
        window.hover_at(at(&window, time, 0.02));
        window.run();
        let (card, plot) = (window.get_by_role(Role::Tooltip).rect(), window.get_by_role(Role::Figure).rect());
        assert!(plot.contains_rect(card), "{card:?} in {plot:?}");
        assert!(!card.contains(at(&window, time, 0.02)), "{card:?}");
    }
    let told = crosshair(&window);
    assert!(told.contains(": T00 50; T01 49; "), "{told}");
    assert!(told.contains("and 38 more; Sum 1,275"), "{told}");
}

#[test]
fn peaks_that_were_not_together_are_called_at_most() {
    let spiky = |id, name: &str| Series { extremes: vec![(10.0, 50.0)], ..series(id, name, vec![10.0, 10.0]) };
    let both = || vec![spiky(1, "A"), spiky(2, "B")];
    let data = GraphData::new("Two".to_owned(), vec![0.0, 60.0], both(), AxisUnit::Count);
    let known = data.clone().with_total_extremes(vec![(20.0, 60.0)]);
    for (data, wanted) in [(data, "Sum 20; just after, at most 100"), (known, "Sum 20; just after, up to 60")] {
        let mut window = window(Kind::Areas, data);
        window.hover_at(at(&window, 1.0, 0.5));
        window.run();
        assert!(crosshair(&window).ends_with(wanted), "{}", crosshair(&window));
    }
}

#[test]
fn the_time_cursor_shows_values_without_a_pointer() {
    let mut window = window(Kind::Lines, three());
    let place = at(&window, 20.04, 0.3);
    window.drag_at(place);
    window.drop_at(place);
    window.run();
    window.remove_cursor();
    window.run();
    close(window.state().state.cursor().expect("a cursor"), 20.04, 0.1);
    assert!(crosshair(&window).starts_with("At 20.0"), "{}", crosshair(&window));
    window.state_mut().state.set_cursor(Some(20.04));
    focus(&mut window);
    press(&mut window, Modifiers::COMMAND, Key::ArrowRight);
    assert!(crosshair(&window).starts_with("At 20.100 s"), "{}", crosshair(&window));
    press(&mut window, Modifiers::COMMAND, Key::ArrowLeft);
    press(&mut window, Modifiers::COMMAND, Key::ArrowLeft);
    assert!(crosshair(&window).starts_with("At 19.900 s"), "{}", crosshair(&window));
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert_eq!(window.state().state.cursor(), None);
    assert!(window.query_by_role(Role::Tooltip).is_none());
}

#[test]
fn the_legend_shows_one_alone_and_all_again() {
    let mut window = window(Kind::Areas, three());
    window.get_by_label("Show MmSt").click_modifiers(Modifiers::ALT);
    window.run();
    assert_eq!(on(&window), [2]);
    window.get_by_label("Show Leak").click_secondary();
    window.run();
    click_menu(&mut window, "Show all");
    assert_eq!(on(&window), [1, 2, 3]);
    // Long enough that the next click is a first one.
    window.run_steps(12);
    let place = window.get_by_label("Show File").rect().center();
    window.hover_at(place);
    for _ in 0..2 {
        window.drag_at(place);
        window.drop_at(place);
    }
    window.run();
    assert_eq!(on(&window), [3], "a double-click");
    window.get_by_label("Select row of Leak").click_secondary();
    window.run();
    click_menu(&mut window, "Show only this");
    assert_eq!(on(&window), [1]);
    window.get_by_label("Select row of Leak").click_secondary();
    window.run();
    click_menu(&mut window, "Hide");
    assert!(on(&window).is_empty());
}

#[test]
fn the_keys_of_the_legend() {
    let mut window = window(Kind::Lines, three());
    window.get_by_label("Show MmSt").focus();
    window.run();
    press(&mut window, Modifiers::NONE, Key::Space);
    assert_eq!(on(&window), [1, 3]);
    press(&mut window, Modifiers::NONE, Key::Enter);
    press(&mut window, Modifiers::SHIFT, Key::Enter);
    assert_eq!(window.state().actions, [Action::Toggle(2), Action::Reveal(2), Action::Solo(2)]);
    assert_eq!(on(&window), [2]);
}

#[test]
fn the_legend_can_be_hidden_and_made_wider() {
    let mut window = window(Kind::Lines, three());
    let width = |window: &Window| window.get_by_role(Role::Figure).rect().width();
    let before = width(&window);
    let edge = window.get_by_label("Width of the legend").rect().center();
    drag(&mut window, edge, edge - vec2(60.0, 0.0));
    close(f64::from(before - width(&window)), 60.0, 1.5);
    window.get_by_label("Hide legend").click();
    window.run();
    assert!(window.query_by_label("Show Leak").is_none());
    assert!(width(&window) > before + 100.0);
    window.get_by_label("Show legend").click();
    window.run();
    window.get_by_label("Show Leak");
    window.get_by_label("Width of the legend").focus();
    window.run();
    let narrow = width(&window);
    press(&mut window, Modifiers::NONE, Key::ArrowRight);
    close(f64::from(width(&window) - narrow), 16.0, 0.5);
}

#[test]
fn values_are_copied() {
    let times = vec![0.0, 60.0];
    let data = || {
        GraphData::new(
            "Few".to_owned(),
            times.clone(),
            vec![series(1, "A", vec![1.0, 2.0]), series(2, "B", vec![3.0, 4.5])],
            AxisUnit::Count,
        )
    };
    let mut window = window(Kind::Lines, data());
    window.get_by_label("Select row of B").click_secondary();
    window.run();
    click_menu(&mut window, "Copy values");
    window.get_by_role(Role::Figure).click_secondary();
    window.run();
    click_menu(&mut window, "Copy all values");
    let wanted = ["Time (s)\tB\n0\t3\n60\t4.5\n", "Time (s)\tA\tB\n0\t1\t3\n60\t2\t4.5\n"];
    assert_eq!(window.state().actions, wanted.map(|text| Action::Copy(text.to_owned())));
}

#[test]
fn marks_are_added_moved_and_removed() {
    let mut window = window(Kind::Areas, three());
    window.hover_at(at(&window, 12.0, 0.5));
    focus(&mut window);
    press(&mut window, Modifiers::NONE, Key::M);
    close(window.state().marks[0].time, 12.0, 0.05);
    window.get_by_role(Role::Figure).click_secondary();
    window.run();
    click_menu(&mut window, "Add marker here");
    close(window.state().marks[1].time, 30.0, 0.1);
    window.state_mut().marks[0].time = 12.4;
    window.run();
    let flag = window.get_by_label("Mark 1 at 12.400 s").rect().center();
    let to = at(&window, 20.0, 0.5);
    drag(&mut window, flag, to);
    close(window.state().marks[0].time, 20.0, 0.1);
    assert_eq!(window.state().state.selection(), None, "that was no selection");
    let label = window.get_by_label_contains("Mark 1 at").accesskit_node().label().expect("a name");
    window.get_by_label(&label).focus();
    window.run();
    press(&mut window, Modifiers::NONE, Key::ArrowRight);
    close(window.state().marks[0].time, 20.6, 0.1);
    press(&mut window, Modifiers::NONE, Key::Delete);
    assert_eq!(window.state().marks.len(), 1);
    window.get_by_label_contains("Mark 2 at").click_secondary();
    window.run();
    click_menu(&mut window, "Remove marker");
    assert!(window.state().marks.is_empty());
}

#[test]
fn both_ends_of_the_selection_are_marked_and_all_marks_removed() {
    let mut window = window(Kind::Lines, three());
    window.state_mut().state.select(Some(Range { from: 10.0, to: 25.0 }));
    window.run();
    window.get_by_role(Role::Figure).click_secondary();
    window.run();
    click_menu(&mut window, "Add markers at selection bounds");
    let times: Vec<f64> = window.state().marks.iter().map(|mark| mark.time).collect();
    assert_eq!(times, [10.0, 25.0]);
    window.get_by_role(Role::Figure).click_secondary();
    window.run();
    click_menu(&mut window, "Remove all markers");
    assert!(window.state().marks.is_empty());
}

#[test]
fn the_edges_of_a_selection_can_be_dragged_and_escape_clears() {
    let mut window = window(Kind::Lines, three());
    let (from, to) = (at(&window, 20.0, 0.5), at(&window, 40.0, 0.5));
    drag(&mut window, from, to);
    let (end, further) = (at(&window, 40.0, 0.7), at(&window, 50.0, 0.7));
    drag(&mut window, end, further);
    let selected = window.state().state.selection().expect("a selection");
    close(selected.from, 20.0, 0.2);
    close(selected.to, 50.0, 0.2);
    let (start, across) = (at(&window, 20.0, 0.7), at(&window, 55.0, 0.7));
    drag(&mut window, start, across);
    let selected = window.state().state.selection().expect("a selection");
    close(selected.from, 50.0, 0.2);
    close(selected.to, 55.0, 0.2);
    assert_eq!(window.state().actions.last(), Some(&Action::Select(Some(selected))));
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert_eq!(window.state().state.selection(), None);
    assert_eq!(window.state().actions.last(), Some(&Action::Select(None)));
}

#[test]
fn the_selection_tells_what_it_holds() {
    let mut window = window(Kind::Areas, three());
    window.state_mut().note = vec!["AIFO 1.2 MB in 300 allocations".to_owned(), "net +1.2 MB".to_owned()];
    window.state_mut().state.select(Some(Range { from: 10.0, to: 25.0 }));
    window.run();
    window.get_by_label("Selected: 10.000 s to 25.000 s (15.000 s); AIFO 1.2 MB in 300 allocations; net +1.2 MB");
    window.set_size(vec2(900.0, 120.0));
    window.run();
    window.get_by_label("Selected: 10.000 s to 25.000 s (15.000 s)");
}
